"""What a person reads in `chatd connect`: each event as lines of plain text.

Nothing that somebody else wrote reaches the terminal as it is: `clean` replaces
what steers a terminal or turns the direction of a line, and the further lines of
a message are indented, so that nobody can write a line that looks like another
person's. What no server should send is shown oddly, and never ends the client.

Messages carry the time and the room. What merely happens (joins, presence,
reactions) is a quiet line that starts with `--`, what went wrong one with `!`.
A message that begins with `/me ` is an action, as in XEP-0245: it travels as it
is typed, and each client shows it its own way.

A line is a list of pieces, each with what it is (`Line`), so that a terminal may draw
them differently; joined they are the text.

Pure but for the local time zone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from chatd.cli.clean import clean
from chatd.client import Frame

Line = list[tuple[str, str]]
"""Pieces of a line, each with what it is: `time`, `room`, `name`, `text`, `quiet` or
`error`."""

_ACTION = "/me "


def shown(event: Frame) -> list[str]:
    """Return the lines for an event as text; none for what people need not see."""
    return ["".join(text for _, text in line) for line in pieces(event)]


def pieces(event: Frame) -> list[Line]:
    """Return the lines for an event; none for what people need not see."""
    kind = event.get("type")
    if kind == "ok":
        kind = f"ok {event.get('re')}"
    write = _WRITERS.get(str(kind))
    written = write(event) if write is not None else ()
    return [quiet(line) if isinstance(line, str) else line for line in written]


def quiet(text: str) -> Line:
    """Return a line that is no message: what merely happens, or went wrong."""
    return [("error" if text.startswith("!") else "quiet", text)]


def _message(event: Frame) -> Iterable[Line]:
    head = [("time", _time(event)), ("room", f" [{clean(event.get('room'))}] ")]
    sender = clean(event.get("from"))
    if event.get("deleted"):
        return [[*head, ("quiet", f"-- a message of {sender} was deleted")]]
    text = str(event.get("text"))
    beside = " (in a thread)" if event.get("thread") is not None else ""
    if text.startswith(_ACTION):
        text = text.removeprefix(_ACTION)
        head += [("quiet", "* "), ("name", sender), ("quiet", f"{beside} ")]
    else:
        head += [("name", sender), ("quiet", f"{beside}: ")]
    first, *rest = text.split("\n")
    further = [[("quiet", "      | "), ("text", clean(line))] for line in rest]
    return [[*head, ("text", clean(first))], *further]


def _edit(event: Frame) -> Iterable[Line]:
    if event.get("deleted"):
        return []
    return [[*line, ("quiet", "  (corrected)")] for line in _message(event)]


def unfolded(event: Frame) -> list[Frame]:
    """Return what an event tells of, one by one: what a page has, or itself."""
    told = {"type": "message", "room": event.get("room")}
    messages = [told | entry for entry in _entries(event.get("messages"))]
    match (event.get("type"), event.get("re")):
        case ("ok", "history"):
            entries = [
                *messages,
                *(told | one for one in _entries(event.get("events"))),
            ]
            return [one for one in sorted(entries, key=_seq) if not one.get("hidden")]
        case ("ok", "search") if messages:
            return messages
    return [event]


def _page(event: Frame) -> Iterable[str | Line]:
    for entry in unfolded(event):
        yield from _HAPPENED.get(str(entry["type"]), _message)(entry)


def _welcome(event: Frame) -> Iterable[str]:
    guest = "" if event.get("role") != "guest" else ", a guest"
    yield f"-- you are {clean(event.get('user'))}{guest}"
    for invitation in _entries(event.get("invites")):
        yield from _invited(invitation)


def _joined(event: Frame) -> Iterable[str]:
    room, topic = clean(event.get("room")), clean(event.get("topic", ""))
    if event.get("created"):
        yield f"-- [{room}] you have made this room"
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
    by = clean(event.get("from"))
    was = " ".join(clean(one.get("name")) for one in _entries(event.get("was")))
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
        about = f" to: {clean(event['about'])}" if "about" in event else ""
        yield _quiet(event, text + about)


def _pin(event: Frame) -> Iterable[str]:
    did = "pinned a message" if event.get("on") else "unpinned a message"
    return [_quiet(event, f"{clean(event.get('from'))} {did}")]


def _thread(event: Frame) -> Iterable[str]:
    return [_quiet(event, "a thread that you follow goes on")]


def _delete(event: Frame) -> Iterable[str]:
    return [_quiet(event, f"{clean(event.get('from'))} deleted a message")]


def _joined_elsewhere(event: Frame) -> Iterable[str]:
    return [_quiet(event, "you have joined on another device")]


def _left(event: Frame) -> Iterable[str]:
    return [_quiet(event, f"you are no longer here ({clean(event.get('reason'))})")]


def _invited(event: Frame) -> Iterable[str]:
    room, title = clean(event.get("room")), clean(event.get("title", ""))
    named = f" ({title})" if title else ""
    return [f"-- {clean(event.get('from'))} asks you into {room}{named}: /join {room}"]


def _uninvited(event: Frame) -> Iterable[str]:
    return [_quiet(event, "you are not asked in any more")]


def _announcement(event: Frame) -> Iterable[str]:
    where = f"[{clean(event['room'])}] " if "room" in event else ""
    for line in str(event.get("text", "")).splitlines():
        yield f"== {where}the operator says: {clean(line)}"


def _mention(event: Frame) -> Iterable[str]:
    return [_quiet(event, f"{clean(event.get('from'))} has mentioned you")]


def _stored(event: Frame) -> Iterable[str]:
    names = event.get("unreached")
    if isinstance(names, list) and names:
        told = ", ".join(clean(name) for name in names)
        yield _quiet(event, f"not in the room, and so not told: {told}")


def _who(event: Frame) -> Iterable[str]:
    for user in _entries(event.get("users")):
        state = "" if user.get("state") != "away" else " (away)"
        yield _quiet(event, f"{clean(user.get('name'))}{state}")
    if event.get("next") is not None:
        yield _quiet(event, "and others")


def _rooms(event: Frame) -> Iterable[str]:
    for room in _entries(event.get("rooms")):
        topic = f"; {clean(room['topic'])}" if room.get("topic") else ""
        there = f"{clean(room.get('online'))} online"
        if room.get("online") is None:  # only other nodes know
            there = f"{clean(room.get('members'))} members"
        yield _quiet(room, f"{there}{topic}")
    if event.get("next") is not None:
        yield "-- and others"


def _found(event: Frame) -> Iterable[str | Line]:
    if not event.get("messages"):
        yield "-- nothing was found"
    for message in _entries(event.get("messages")):
        yield from _message(message)


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


def _seq(entry: Frame) -> int:
    """Return where an entry stands in the timeline."""
    seq = entry.get("seq")
    return seq if isinstance(seq, int) else 0


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

_HAPPENED: dict[str, Callable[[Frame], Iterable[str | Line]]] = {
    "member": _member,
    "room": _room,
    "rename": _rename,
}
"""What a page of history has between its messages. Source: protocol section 6."""

_WRITERS: dict[str, Callable[[Frame], Iterable[str | Line]]] = {
    "message": _message,
    "edit": _edit,
    "delete": _delete,
    "react": _react,
    "pin": _pin,
    "thread": _thread,
    **_HAPPENED,
    "destroy": _destroy,
    "presence": _presence,
    "joined": _joined_elsewhere,
    "left": _left,
    "invited": _invited,
    "uninvited": _uninvited,
    "mention": _mention,
    "announcement": _announcement,
    "welcome": _welcome,
    "error": _error,
    "offline": _offline,
    "ok join": _joined,
    "ok send": _stored,
    "ok edit": _stored,
    "ok history": _page,
    "ok who": _who,
    "ok rooms": _rooms,
    "ok search": _found,
}
