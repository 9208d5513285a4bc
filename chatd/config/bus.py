"""Where the bus between nodes is: a URL, read into its parts.

What TLS needs is named as `valkey-cli` names it. There is no password in the URL, since
settings are shown: it stands in a file or in the environment (`PASSWORD_VARIABLE`). No
sentence of an error has anything of the URL, in which somebody may have put one all the
same.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import attrs

from chatd.config.values import UNIX_PATH_BYTES_MAX

PASSWORD_VARIABLE = "REDISCLI_AUTH"  # noqa: S105 - a name
"""The variable of the environment that `valkey-cli` and `redis-cli` read, too."""
PORT = 6379

_IS_TLS = {"valkey": False, "redis": False, "valkeys": True, "rediss": True}
_UNIX = "unix"
_WORDS = ("passfile",)
_TLS_WORDS = ("cacert", "cert", "key")
_PORT_MAX = 65535


@attrs.frozen(kw_only=True)
class BusAddress:
    """A server of Valkey or Redis, and as whom one comes to it."""

    host: str = ""
    port: int = PORT
    path: str = ""
    """Of its Unix socket, in place of host and port."""
    is_tls: bool = False
    user: str = ""
    """Empty: the user that needs no name, `default`."""
    passfile: str = ""
    """The file whose first line is the password."""
    cacert: str = ""
    """The file with the certificates that are believed; empty: those of the system."""
    cert: str = ""
    """The file with a certificate of our own, for a server that asks for one."""
    key: str = ""
    """The file with the key of that."""

    def __str__(self) -> str:
        """Where it is, for a person."""
        if self.path:
            return self.path
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


def parse_bus(text: str) -> BusAddress:
    """Read the URL of a bus.

    Raises:
        ValueError: It is none, or has what a bus cannot have. The sentence has nothing
            of the URL.
    """
    try:
        url = urlsplit(text)
        port = PORT if url.port is None else url.port
    except ValueError:
        raise ValueError("is no URL: its host or its port cannot be read") from None
    if url.scheme not in _IS_TLS and url.scheme != _UNIX:
        raise ValueError('must begin with "valkey://", "valkeys://" (TLS) or "unix://"')
    options = _options(url.query, is_tls=_IS_TLS.get(url.scheme, False))
    if url.password is not None:
        raise ValueError(_NO_PASSWORD)
    if url.fragment:
        raise ValueError("must have no #")
    user = unquote(url.username or "")
    if url.scheme == _UNIX:
        path = unquote(url.path)
        if url.hostname or not path.startswith("/") or "\0" in path:
            raise ValueError('must be as "unix:///run/valkey/valkey.sock"')
        if len(path.encode("utf-8", "surrogateescape")) > UNIX_PATH_BYTES_MAX:
            raise ValueError(f"the path has more than {UNIX_PATH_BYTES_MAX} bytes")
        return BusAddress(path=path, user=user, **options)
    if not url.hostname:
        raise ValueError('names no host; it is as "valkey://bus.example.org"')
    if url.path not in {"", "/"}:
        raise ValueError(
            "must have nothing behind the host and port: what is published belongs to"
            " no database of the server"
        )
    if not 0 < port <= _PORT_MAX:
        raise ValueError("the port is not between 1 and 65535")
    return BusAddress(
        host=url.hostname,
        port=port,
        is_tls=_IS_TLS[url.scheme],
        user=user,
        **options,
    )


_NO_PASSWORD = (
    "must have no password, which would be shown with the settings: put it into"
    f" a file (?passfile=/etc/chatd/bus-password), or into {PASSWORD_VARIABLE}"
)


def _options(query: str, *, is_tls: bool) -> dict[str, Any]:
    """What stands behind the `?`."""
    found: dict[str, Any] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        if name == "password":
            raise ValueError(_NO_PASSWORD)
        if name in _TLS_WORDS and not is_tls:
            raise ValueError(f'{name} is for TLS: begin with "valkeys://"')
        if name not in (*_WORDS, *_TLS_WORDS):
            known = ", ".join((*_WORDS, *_TLS_WORDS))
            raise ValueError(f"knows behind the ? only {known}")
        if name in found or not value or "\0" in value:
            raise ValueError(f"needs one file for {name}")
        found[name] = value
    if ("cert" in found) != ("key" in found):
        raise ValueError("cert and key need each other")
    return found
