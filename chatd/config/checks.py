"""What a file's values must satisfy, one by one and together.

`out_of_bounds` judges one value by the bounds of its key, `conflicts` finds
values that cannot be meant together, and `notices` what is allowed but will
surprise. All make sentences; none raises, so that a loader can show them all at
once.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import attrs

from chatd.config.bus import parse_bus
from chatd.config.limits import Limits
from chatd.config.sections import Auth, Config, Server
from chatd.config.urls import SHARED_ORIGINS
from chatd.config.values import Address, SystemdSockets, TcpAddress, UnixAddress
from chatd.ids import RoomName
from chatd.names import NEW_ENDS_WELL, ends_well

Place = tuple[str | int, ...]
"""Keys and indexes from the root of a file: `("server", "listen", 0)`."""

ESCAPED_BYTES = 12
r"""The most bytes that a client may spend on a code point: `\ud83d\ude00`."""
UTF8_BYTES = 4
"""The most bytes that the daemon spends on one: it escapes nothing but ASCII."""
ENVELOPE_BYTES = 1024
"""Room for everything in a message's frame that is not its text."""
OTHERS_WRITE = 0o002
"""The bit of a file's mode that lets everybody write."""
_LONG = 10**15


def out_of_bounds(field: attrs.Attribute[Any], value: object) -> str | None:
    """Say what is wrong with a value of the right type, or None.

    Bounds are of a number itself, of a string's code points and of a list's
    entries. NaN and the infinities, which TOML can write, are out of any.
    """
    size: float
    low, high = field.metadata.get("min"), field.metadata.get("max")
    if isinstance(value, float) and not math.isfinite(value):
        return f"must be a finite number, is {value}"
    if isinstance(value, str):
        size, unit = len(value), " characters"
    elif isinstance(value, tuple):
        size, unit = len(value), " entries"
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        size, unit = value, ""
    else:
        return None
    if low is not None and size < low:
        if unit and not size:
            return "must not be empty"
        return f"must be at least {low:.15g}{unit}, is {_number(size)}"
    if high is not None and size > high:
        return f"must be at most {high:.15g}{unit}, is {_number(size)}"
    return None


def conflicts(config: Config) -> Iterator[tuple[Place, str]]:
    """Find values that contradict each other or cannot be used.

    Yields:
        The place, and the reason.
    """
    yield from _path_conflicts(config.store.path)
    if config.store.url and (problem := database_url_problem(config.store.url)):
        yield ("store", "url"), problem
    yield from _cluster_conflicts(config)
    yield from _listen_conflicts(config)
    yield from _tls_conflicts(config.server)
    yield from _proxy_conflicts(config.server)
    yield from _jwt_conflicts(config.auth)
    yield from _room_conflicts(config)
    yield from _limit_conflicts(config.limits)


def database_url_problem(url: str) -> str:
    """Say why a URL cannot be that of a database; nothing if it may be."""
    try:
        found = urlsplit(url)
        has_password = found.password is not None or "password" in parse_qs(found.query)
    except ValueError as error:
        return f"is no URL: {error}"
    if found.scheme not in {"postgresql", "postgres"}:
        return 'must be empty, or begin with "postgresql://"'
    if has_password:
        return (
            "must have no password, which would be shown with the settings: put it into"
            " a file (?passfile=/etc/chatd/pgpass), or into PGPASSWORD"
        )
    return ""


def _cluster_conflicts(config: Config) -> Iterator[tuple[Place, str]]:
    if not config.cluster.name.isprintable():
        yield ("cluster", "name"), "must be one line without control characters"
    if not config.cluster.bus:
        return
    place = ("cluster", "bus")
    try:
        parse_bus(config.cluster.bus)
    except ValueError as error:
        yield place, str(error)
    if not config.store.url:
        yield place, "needs store.url: what nodes have in common is a PostgreSQL"


def _limit_conflicts(limits: Limits) -> Iterator[tuple[Place, str]]:
    soft, hard = limits.outbox_soft_bytes, limits.outbox_hard_bytes
    if soft and hard and soft >= hard:
        yield (
            ("limits", "outbox_soft_bytes"),
            f"must be below outbox_hard_bytes ({hard})",
        )
    if limits.buffered_bytes and limits.buffered_bytes < hard:
        yield (
            ("limits", "buffered_bytes"),
            f"must be at least outbox_hard_bytes ({hard}), which one may have waiting",
        )
    if limits.reply_bytes and hard and limits.reply_bytes >= hard:
        reason = "or a page of history ends the connection that asked for it"
        yield (
            ("limits", "reply_bytes"),
            f"must be below outbox_hard_bytes ({hard}), {reason}",
        )
    for name, size, per_char in (
        ("frame_bytes", limits.frame_bytes, ESCAPED_BYTES),
        ("reply_bytes", limits.reply_bytes, UTF8_BYTES),
    ):
        need = limits.text_chars * per_char + ENVELOPE_BYTES
        if limits.text_chars and size and size < need:
            whole = f"any message of text_chars ({limits.text_chars})"
            yield ("limits", name), f"must be at least {need} to hold {whole}"
    for burst, rate, action in (
        ("messages_burst", "messages_per_s", "send"),
        ("connects_burst", "connects_per_s", "connect"),
        ("requests_burst", "requests_per_s", "ask over HTTP"),
        ("creations_burst", "creations_per_h", "open a room"),
    ):
        if getattr(limits, rate) and not getattr(limits, burst):
            reason = f"or nobody can {action}; for no limit set {rate} to 0"
            yield ("limits", burst), f"must be at least 1, {reason}"


def _listen_conflicts(config: Config) -> Iterator[tuple[Place, str]]:
    seen: set[Address] = set()
    for section, addresses in (
        ("server", config.server.listen),
        ("metrics", config.metrics.listen),
    ):
        for index, address in enumerate(addresses):
            if section == "metrics" and isinstance(address, SystemdSockets):
                yield (section, "listen", index), '"systemd" is for server.listen only'
            elif address in seen:
                yield (section, "listen", index), f'"{address}" is listed twice'
            elif not (isinstance(address, TcpAddress) and address.port == 0):
                seen.add(address)


def _tls_conflicts(server: Server) -> Iterator[tuple[Place, str]]:
    pair = {"tls_cert": server.tls_cert, "tls_key": server.tls_key}
    for name, other in (("tls_cert", "tls_key"), ("tls_key", "tls_cert")):
        if pair[other] and not pair[name]:
            yield ("server", name), f"is missing: {other} is set, and TLS needs both"


def _proxy_conflicts(server: Server) -> Iterator[tuple[Place, str]]:
    if server.proxy_protocol and not server.trusted_proxies:
        reason = "trusted_proxies is empty, so nobody could connect"
        yield ("server", "proxy_protocol"), reason


def _jwt_conflicts(auth: Auth) -> Iterator[tuple[Place, str]]:
    for index, entry in enumerate(auth.jwt):
        place = ("auth", "jwt", index)
        if bool(entry.key_file) == bool(entry.jwks_file):
            yield place, "needs key_file or jwks_file, and not both"


def _room_conflicts(config: Config) -> Iterator[tuple[Place, str]]:
    seen: set[RoomName] = set()
    for index, room in enumerate(config.rooms.permanent):
        place = ("rooms", "permanent", index)
        if room.name in seen:
            yield (*place, "name"), f'"{room.name}" is listed twice'
        if config.auth.names == "ascii" and not room.name.isascii():
            yield (*place, "name"), f'"{room.name}" needs auth.names = "unicode"'
        if not room.topic.isprintable():
            yield (*place, "topic"), "must be one line without control characters"
        seen.add(room.name)


def _path_conflicts(path: str) -> Iterator[tuple[Place, str]]:
    if "\0" in path:
        yield ("store", "path"), "must not have a NUL"
    if path.startswith("~"):
        yield ("store", "path"), "`~` is not expanded here; write the whole path"


def notices(config: Config) -> Iterator[str]:
    """Say what is allowed but may not be meant.

    Yields:
        Lines that begin with the key to look at.
    """
    server = config.server
    tcp = [a for a in server.listen if isinstance(a, TcpAddress)]
    reachable = ", ".join(str(a) for a in tcp if not a.is_loopback)
    if reachable and config.auth.guests:
        yield (
            f"auth.guests: anyone who reaches {reachable} can come in"
            " without an account"
        )
    if reachable and not (server.public_url or server.allowed_origins):
        yield (
            "server.public_url: not set, so a page under a host name gets 403;"
            " browsers are let in by IP address only"
        )
    for index, room in enumerate(config.rooms.permanent):
        if not ends_well(room.name):
            yield (
                f"rooms.permanent[{index}].name: {NEW_ENDS_WELL}, so"
                f' "{room.name}" has to be there already'
            )
    yield from _access_notices(config)
    yield from _bus_notices(config.cluster.bus)
    # A Unix socket's peer has no address to trust, and systemd's sockets are not
    # known before the start, so only TCP on this machine tells of a proxy.
    https = server.public_url.startswith("https:")
    proxied = tcp and not reachable and https and not server.tls_cert
    if proxied and not server.trusted_proxies:
        yield (
            "server.trusted_proxies: empty, though public_url is https and the daemon"
            " listens on this machine only; behind a proxy everybody shares one"
            " address and its limits"
        )


def _access_notices(config: Config) -> Iterator[str]:
    """Say which others can connect that the operator may not have in mind."""
    server = config.server
    for origin in server.allowed_origins:
        if origin in SHARED_ORIGINS:
            yield (
                f'server.allowed_origins: "{origin}" is the origin of anybody\'s page'
                " that is opened from a file or sandboxed, so all of them may connect"
            )
    if int(server.unix_mode, 8) & OTHERS_WRITE and _has_unix(config):
        yield (
            f'server.unix_mode: "{server.unix_mode}" lets every user of this machine'
            f" connect{_as_proxy(server)}"
        )


def _bus_notices(url: str) -> Iterator[str]:
    """Say where others on the way could read along."""
    if not url:
        return
    bus = parse_bus(url)
    if not (bus.is_tls or bus.path or TcpAddress(bus.host, bus.port).is_loopback):
        yield (
            f"cluster.bus: whoever is on the way to {bus} can read what is said, and"
            " keep it back; valkeys:// is with TLS"
        )


def _has_unix(config: Config) -> bool:
    addresses = (*config.server.listen, *config.metrics.listen)
    return any(isinstance(address, UnixAddress) for address in addresses)


def _as_proxy(server: Server) -> str:
    """What a peer of a Unix socket may do beside connecting."""
    return ", and say whom they speak for" if server.trusted_proxies else ""


def _number(value: float) -> str:
    """A number for a sentence: short, however many digits it was given."""
    return f"{value:.15g}" if abs(value) < _LONG else "beyond 15 digits"
