"""What a person reads in `chatd connect`: each event as lines of plain text.

Nothing that somebody else wrote reaches the terminal as it is: `clean` replaces
what steers a terminal or turns the direction of a line, and the further lines of
a message are indented, so that nobody can write a line that looks like another
person's. What no server should send is shown oddly, and never ends the client.

Messages carry the time and the room. What merely happens (joins, presence,
reactions) is a quiet line that starts with `--`, what went wrong one with `!`.
A message that begins with `/me ` is an action, as in XEP-0245: it travels as it
is typed, and each client shows it its own way.

Pure but for the local time zone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from chatd.cli.clean import clean
from chatd.client import Frame

_ACTION = "/me "


def shown(event: Frame) -> list[str]:
    """Return the lines for an event; none for what people need not see."""
    kind = event.get("type")
    if kind == "ok":
        kind = f"ok {event.get('re')}"
    write = _WRITERS.get(str(kind))
    return list(write(event)) if write is not None else []


def _message(event: Frame) -> Iterable[str]:
    where = f"{_time(event)} [{clean(event.get('room'))}]"
    sender = clean(event.get("from"))
    if event.get("deleted"):
        return [f"{where} -- a message of {sender} was deleted"]
    text = str(event.get("text"))
    if text.startswith(_ACTION):
        head, text = f"{where} * {sender} ", text.removeprefix(_ACTION)
    else:
        head = f"{where} {sender}: "
    first, *rest = text.split("\n")
    return [head + clean(first), *(f"      | {clean(line)}" for line in rest)]


def _edit(event: Frame) -> Iterable[str]:
    if event.get("deleted"):
        return []
    return [f"{line}  (corrected)" for line in _message(event)]


def _page(event: Frame) -> Iterable[str]:
    for message in _entries(event.get("messages")):
        if message.get("hidden"):
            continue
        yield from _message({"room": event.get("room")} | message)


def _welcome(event: Frame) -> Iterable[str]:
    return [f"-- you are {clean(event.get('user'))}"]


def _joined(event: Frame) -> Iterable[str]:
    room, topic = clean(event.get("room")), clean(event.get("topic", ""))
    if event.get("recovered") is False:
        yield f"-- [{room}] too much has happened meanwhile; the newest messages are:"
    elif event.get("recovered") is None:
        about = "; archived" if event.get("archived") else ""
        about += f"; {topic}" if topic else ""
        yield f"-- [{room}] {clean(event.get('online'))} online{about}"


def _presence(event: Frame) -> Iterable[str]:
    for change, words in _CHANGES.items():
        for entry in _entries(event.get(change)):
            note = f" ({clean(entry['text'])})" if entry.get("text") else ""
            yield _quiet(event, f"{clean(entry.get('name'))} {words}{note}")


def _room(event: Frame) -> Iterable[str]:
    by = clean(event.get("from"))
    for field in ("topic", "title"):
        if event.get(field):
            yield _quiet(event, f"the {field} is now: {clean(event[field])} (by {by})")
    if isinstance(event.get("archived"), bool):
        did = "archived the room" if event["archived"] else "opened the room again"
        yield _quiet(event, f"{by} {did}")


def _rename(event: Frame) -> Iterable[str]:
    by, was = clean(event.get("from")), " ".join(map(clean, event.get("was", ())))
    return [_quiet(event, f"{by} has given the room this name; it was {was}")]


def _destroy(event: Frame) -> Iterable[str]:
    return [_quiet(event, f"{clean(event.get('from'))} has deleted the room")]


def _member(event: Frame) -> Iterable[str]:
    who, by = clean(event.get("user")), clean(event.get("from"))
    change = clean(event.get("change"))
    return [_quiet(event, f"{change}: {who}" + (f" by {by}" if by != who else ""))]


def _react(event: Frame) -> Iterable[str]:
    if event.get("on") and not event.get("deleted"):
        text = f"{clean(event.get('from'))} reacted with {clean(event.get('emoji'))}"
        yield _quiet(event, text)


def _delete(event: Frame) -> Iterable[str]:
    return [_quiet(event, f"{clean(event.get('from'))} deleted a message")]


def _left(event: Frame) -> Iterable[str]:
    return [_quiet(event, f"you are no longer here ({clean(event.get('reason'))})")]


def _invited(event: Frame) -> Iterable[str]:
    room, title = clean(event.get("room")), clean(event.get("title", ""))
    named = f" ({title})" if title else ""
    return [f"-- {clean(event.get('from'))} asks you into {room}{named}: /join {room}"]


def _uninvited(event: Frame) -> Iterable[str]:
    return [_quiet(event, "you are not asked in any more")]


def _mention(event: Frame) -> Iterable[str]:
    return [_quiet(event, f"{clean(event.get('from'))} has mentioned you")]


def _stored(event: Frame) -> Iterable[str]:
    names = event.get("unreached")
    if isinstance(names, list) and names:
        told = ", ".join(clean(name) for name in names)
        yield _quiet(event, f"not in the room, and so not told: {told}")


def _error(event: Frame) -> Iterable[str]:
    return [f"! {clean(event.get('text'))}"]


def _offline(event: Frame) -> Iterable[str]:
    reason, after = clean(event.get("reason")), event.get("after")
    if event.get("code") == 1000:
        return []
    if after is None:
        return [f"-- the connection has ended: {reason}"]
    return [f"-- the connection was interrupted: {reason}; again in {after:.0f} s"]


def _quiet(event: Frame, text: str) -> str:
    return f"-- [{clean(event.get('room'))}] {text}"


def _entries(value: Any) -> list[Frame]:
    """Return a list of objects; a bare name is an object of a name."""
    entries = value if isinstance(value, list) else []
    return [entry if isinstance(entry, dict) else {"name": entry} for entry in entries]


def _time(event: Frame) -> str:
    """Return the local hour and minute of an event."""
    try:
        return f"{datetime.fromisoformat(str(event.get('ts'))).astimezone():%H:%M}"
    except (ValueError, OverflowError):
        return "--:--"


_CHANGES = {
    "join": "is here",
    "leave": "is gone",
    "away": "is away",
    "back": "is back",
}
"""The lists of a presence frame. Source: protocol section 5."""

_WRITERS: dict[str, Callable[[Frame], Iterable[str]]] = {
    "message": _message,
    "edit": _edit,
    "delete": _delete,
    "react": _react,
    "member": _member,
    "room": _room,
    "rename": _rename,
    "destroy": _destroy,
    "presence": _presence,
    "left": _left,
    "invited": _invited,
    "uninvited": _uninvited,
    "mention": _mention,
    "welcome": _welcome,
    "error": _error,
    "offline": _offline,
    "ok join": _joined,
    "ok send": _stored,
    "ok edit": _stored,
    "ok history": _page,
}
