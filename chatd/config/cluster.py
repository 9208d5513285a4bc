"""What makes a daemon one node of many."""

from __future__ import annotations

import attrs

from chatd.config.key import key


@attrs.frozen(kw_only=True)
class Cluster:
    """Many nodes: several daemons over one store on PostgreSQL. One needs nothing."""

    bus: str = key(
        "",
        "The server of Valkey or Redis, 7 or newer, by which nodes tell each other what"
        ' they have stored: "valkey://chatd@bus.example.org", valkeys:// for TLS, or'
        " unix:///run/valkey/valkey.sock. Empty: this is the only node. Its password"
        " stands in a file (?passfile=/etc/chatd/bus-password) or in REDISCLI_AUTH; for"
        " TLS there are cacert, cert and key, as valkey-cli has them. Nothing is kept"
        " there. It needs store.url and chatd[cluster].",
        "one process serves a company, and needs no other",
        max=4096,
    )
    name: str = key(
        "",
        "What this node is called where all are shown. Empty: as its machine.",
        "a machine has a name already",
        max=64,
    )
