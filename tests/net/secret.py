"""A client's side of TLS, and certificates that live as long as the tests."""

from __future__ import annotations

import ssl
from functools import cache
from pathlib import Path

import trio
import trustme


@cache
def authority() -> trustme.CA:
    """The one authority that the tests' clients believe."""
    return trustme.CA()


@cache
def server_context() -> ssl.SSLContext:
    """A context for the server's side, as small as may be."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority().issue_cert("localhost", "127.0.0.1").configure_cert(context)
    return context


@cache
def client_context(version: ssl.TLSVersion | None = None) -> ssl.SSLContext:
    """A context that believes the authority, and speaks up to `version`."""
    context = ssl.create_default_context()
    authority().configure_trust(context)
    if version is not None:
        context.maximum_version = version
    return context


def write_pair(directory: Path) -> tuple[str, str]:
    """Write a certificate and its key; returns both paths."""
    issued = authority().issue_cert("localhost", "127.0.0.1")
    cert, key = directory / "cert.pem", directory / "key.pem"
    cert.write_bytes(b"".join(part.bytes() for part in issued.cert_chain_pems))
    key.write_bytes(issued.private_key_pem.bytes())
    return str(cert), str(key)


class SecretSock:
    """Trio's socket, encrypted; its end is an end of file without `close_notify`."""

    def __init__(
        self, sock: trio.socket.SocketType, context: ssl.SSLContext | None = None
    ) -> None:
        self.sock = sock
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        context = context or client_context()
        self.tls = context.wrap_bio(
            self.incoming, self.outgoing, server_hostname="localhost"
        )

    async def handshake(self) -> None:
        """Agree on keys."""
        while True:
            try:
                self.tls.do_handshake()
            except ssl.SSLWantReadError:
                await self.flush()
                self.take(await self.sock.recv(65536))
            else:
                await self.flush()
                return

    async def recv(self, size: int) -> bytes:
        """As the socket's: all that is there; both kinds of end are `b""`."""
        data = b""
        while len(data) < size:
            try:
                part = self.tls.read(size - len(data))
            except ssl.SSLWantReadError:
                if data:
                    break
                self.take(await self.sock.recv(65536))
            except ssl.SSLEOFError:
                break
            else:
                if not part:
                    break
                data += part
        return data

    async def send(self, data: bytes) -> int:
        """As the socket's; all is sent."""
        count = self.tls.write(data)
        await self.flush()
        return count

    async def flush(self) -> None:
        """Send what was encrypted."""
        data = self.outgoing.read()
        while data:
            data = data[await self.sock.send(data) :]

    def take(self, data: bytes) -> None:
        """Take what has come."""
        if data:
            self.incoming.write(data)
        else:
            self.incoming.write_eof()
