"""What a TLS handshake costs the server's side, in milliseconds of CPU."""

from __future__ import annotations

import ssl
import time
from statistics import median

import trustme


def handshake_ms(server: ssl.SSLContext, client: ssl.SSLContext) -> float:
    """Agree on keys once, in memory; the server's part of it."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    accepting = server.wrap_bio(to_server, to_client, server_side=True)
    asking = client.wrap_bio(to_client, to_server, server_hostname="localhost")
    missing, spent = [asking, accepting], 0.0
    while missing:
        for side in list(missing):
            began = time.process_time()
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                pass
            else:
                missing.remove(side)
            if side is accepting:
                spent += time.process_time() - began
    return spent * 1000


for key_type in (trustme.KeyType.ECDSA, trustme.KeyType.RSA):
    authority = trustme.CA()
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost", key_type=key_type).configure_cert(server)
    client = ssl.create_default_context()
    authority.configure_trust(client)
    times = [handshake_ms(server, client) for _ in range(200)]
    print(f"{key_type.name}: {median(times):.2f} ms, the median of {len(times)}")
