"""What a file's values must satisfy, one by one and together.

`out_of_bounds` judges one value by the bounds of its key, `conflicts` finds
values that cannot be meant together, and `notices` what is allowed but will
surprise. All return sentences; none raises, so that a loader can show them all
at once.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from chatd.config.values import SystemdSockets, TcpAddress

if TYPE_CHECKING:
    import attrs

    from chatd.config.sections import Config, Limits
    from chatd.config.values import Address

ESCAPED_BYTES = 12
r"""The most bytes that a client may spend on a code point: `\ud83d\ude00`."""
UTF8_BYTES = 4
"""The most bytes that the daemon spends on one: it escapes nothing but ASCII."""
ENVELOPE_BYTES = 1024
"""Room for everything in a message's frame that is not its text."""
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


def conflicts(config: Config) -> list[tuple[str, str]]:
    """Find values that contradict each other or cannot be used.

    Returns:
        Pairs of a key's path and the reason.
    """
    return [
        *_limit_conflicts(config.limits),
        *_listen_conflicts(config),
        *_room_conflicts(config),
        *_path_conflicts(config.store.path),
    ]


def _limit_conflicts(limits: Limits) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    soft, hard = limits.outbox_soft_bytes, limits.outbox_hard_bytes
    if soft and hard and soft >= hard:
        found.append(
            ("limits.outbox_soft_bytes", f"must be below outbox_hard_bytes ({hard})")
        )
    if limits.reply_bytes and hard and limits.reply_bytes >= hard:
        found.append(
            (
                "limits.reply_bytes",
                f"must be below outbox_hard_bytes ({hard}),"
                " or a page of history ends the connection that asked for it",
            )
        )
    for name, size, per_char in (
        ("frame_bytes", limits.frame_bytes, ESCAPED_BYTES),
        ("reply_bytes", limits.reply_bytes, UTF8_BYTES),
    ):
        need = limits.text_chars * per_char + ENVELOPE_BYTES
        if limits.text_chars and size and size < need:
            reason = f"must be at least {need} to hold any message of"
            found.append(
                (
                    f"limits.{name}",
                    f"{reason} text_chars ({limits.text_chars}), is {size}",
                )
            )
    if limits.messages_per_s and not limits.messages_burst:
        found.append(
            (
                "limits.messages_burst",
                "must be at least 1, or nobody can send;"
                " for no limit set messages_per_s to 0",
            )
        )
    return found


def _listen_conflicts(config: Config) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    seen: set[Address] = set()
    for key, addresses in (
        ("server.listen", config.server.listen),
        ("metrics.listen", config.metrics.listen),
    ):
        for index, address in enumerate(addresses):
            path = f"{key}[{index}]"
            if key == "metrics.listen" and isinstance(address, SystemdSockets):
                found.append((path, '"systemd" is for server.listen only'))
            elif address in seen:
                found.append((path, f'"{address}" is listed twice'))
            elif not (isinstance(address, TcpAddress) and address.port == 0):
                seen.add(address)
    return found


def _room_conflicts(config: Config) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    seen = set()
    for index, room in enumerate(config.rooms.permanent):
        path = f"rooms.permanent[{index}]"
        if room.name in seen:
            found.append((f"{path}.name", f'"{room.name}" is listed twice'))
        if not room.topic.isprintable():
            found.append((f"{path}.topic", "must not have control characters"))
        seen.add(room.name)
    return found


def _path_conflicts(path: str) -> list[tuple[str, str]]:
    if "\0" in path:
        return [("store.path", "must not have a NUL")]
    if path.startswith("~"):
        return [("store.path", "`~` is not expanded here; write the whole path")]
    return []


def notices(config: Config) -> list[str]:
    """Say what is allowed but will surprise somebody who did not mean it."""
    server = config.server
    tcp = [a for a in server.listen if isinstance(a, TcpAddress)]
    reachable = [str(a) for a in tcp if not a.is_loopback]
    found: list[str] = []
    if reachable and config.auth.guests:
        found.append(
            f"auth.guests: anyone who reaches {', '.join(reachable)} can come in"
            " without an account"
        )
    if reachable and not (server.public_url or server.allowed_origins):
        found.append(
            "server.public_url: not set, so browsers are let in by IP address only;"
            " a page under a host name gets 403"
        )
    # A Unix socket's peer has no address to trust, and systemd's sockets are not
    # known before the start, so only TCP on this machine tells of a proxy.
    proxied = tcp and not reachable and server.public_url.startswith("https:")
    if proxied and not server.trusted_proxies:
        found.append(
            "server.trusted_proxies: empty, though public_url is https and the daemon"
            " listens on this machine only; behind a proxy everybody shares one"
            " address and its connections_per_address"
        )
    return found


def _number(value: float) -> str:
    """A number for a sentence: short, however many digits it was given."""
    return f"{value:.15g}" if abs(value) < _LONG else "beyond 15 digits"
