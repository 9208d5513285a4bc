"""Refusals that only the operator can mend. Pure.

A client that is refused for one of these causes can do nothing about it: a setting is
missing here, or a proxy in front is set up otherwise than the daemon. So the operator
is told, once for each cause and place (`chatd.daemon.complaints`).
"""

from __future__ import annotations

from enum import Enum

import attrs

PLACE_CHARS_MAX = 200
"""Of what a client wrote, as much as tells one place from another."""


@attrs.frozen
class CauseRow:
    """What a cause means to the operator."""

    text: str
    """What happened, and what is to be looked at."""
    place: str
    """What its place is: `origin`, `proxy`, `address`, `listening`, `path`."""
    setting: str = ""
    """The key that mends it; `""` where it is not in this daemon's configuration."""


class Cause(Enum):
    """Why a client was refused, or not believed, that only the operator can help."""

    ORIGIN = CauseRow(
        "pages of this origin may not connect; list it if they should",
        "origin",
        "server.allowed_origins",
    )
    NOT_A_PROXY = CauseRow(
        "only trusted proxies are heard here, and this is none",
        "address",
        "server.trusted_proxies",
    )
    PROXY_HEAD = CauseRow(
        "a trusted proxy did not begin with a right PROXY head",
        "proxy",
        "server.proxy_protocol",
    )
    STRAY_PROXY_HEAD = CauseRow(
        "a PROXY head came, and none is expected", "address", "server.proxy_protocol"
    )
    FORWARDED = CauseRow(
        "a trusted proxy's X-Forwarded-For was not understood to its end, so its"
        " clients may share one address",
        "proxy",
        "server.trusted_proxies",
    )
    NO_UPGRADE = CauseRow(
        "a WebSocket was asked for without Upgrade and Connection, or by HTTP/1.0: a"
        " proxy in front does not pass them on",
        "address",
    )
    PATH = CauseRow(
        "a WebSocket was asked for where there is none; the path of the proxy and of"
        " public_url may differ",
        "path",
        "server.public_url",
    )
    TLS_HERE = CauseRow("TLS came where none is spoken", "listening", "server.tls_cert")
    NO_TLS_HERE = CauseRow(
        "plain HTTP came where TLS is spoken; who sent it has to use https or wss",
        "listening",
        "server.tls_cert",
    )
    NOT_HTTP = CauseRow(
        "what came is neither HTTP nor TLS; it may be a scanner, or a client of"
        " something else",
        "listening",
    )
    CONNECTIONS_MAX = CauseRow(
        "there are as many connections as there may be", "", "limits.connections_max"
    )
    OPEN_FILES = CauseRow(
        "there are as many connections as the limit of open files allows; raise"
        " LimitNOFILE of the service, or ulimit -n",
        "",
    )
    CONNECTIONS_PER_ADDRESS = CauseRow(
        "there are as many connections from this address as there may be; a proxy has"
        " to be one of trusted_proxies and to send X-Forwarded-For",
        "address",
        "limits.connections_per_address",
    )
    CONNECTS_PER_S = CauseRow(
        "new connections come faster from this address than they may; a proxy has to"
        " be one of trusted_proxies and to send X-Forwarded-For",
        "address",
        "limits.connects_per_s",
    )
    REQUESTS_PER_S = CauseRow(
        "HTTP requests come faster from this address than they may; a proxy has to be"
        " one of trusted_proxies and to send X-Forwarded-For",
        "address",
        "limits.requests_per_s",
    )


def _bounded(text: str) -> str:
    return text[:PLACE_CHARS_MAX]


@attrs.frozen
class Trouble:
    """One case of a cause."""

    cause: Cause
    where: str = attrs.field(default="", converter=_bounded)
    """The place: an origin, an address, a listening address, a path."""
    detail: str = ""
    """What exactly was wrong."""
