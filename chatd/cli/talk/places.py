"""The rooms that one is in, and what is new in each: the bottom line of the terminal.

A room that one is not looking at keeps what happens there until one enters it, up to
`KEPT` events. What is unread is counted as the page counts it: the number of the
`welcome`, and each message of others behind it; a mark that another device has moved
takes it away.

Pure: no terminal, no connection.
"""

from __future__ import annotations

from collections import deque

import attrs

from chatd.cli.clean import clean
from chatd.cli.transcript import Line
from chatd.client import Frame
from chatd.ids import is_direct

KEPT = 200
"""Events of one room that are kept for whoever enters it."""
LABEL_CHARS = 20
"""What the bottom line shows of a title."""


@attrs.define
class Place:
    """A room that one is in."""

    title: str = ""
    level: str = "all"
    """What one wants to be called for there."""
    online: int | None = None
    unread: int = 0
    mentions: int = 0
    counted: int = 0
    """Up to which event they are counted."""
    is_whole: bool = False
    """Whether all that was there when it was joined has come."""
    kept: deque[Frame] = attrs.field(factory=lambda: deque(maxlen=KEPT))

    @property
    def calls(self) -> bool:
        """Whether there is something new that one wants to hear of."""
        if self.level == "nothing":
            return False
        return self.mentions > 0 or (self.unread > 0 and self.level == "all")

    def show_one(self) -> None:
        """Take that one message was shown where one is."""
        self.unread = max(self.unread - 1, 0)

    def seen(self) -> None:
        """Take that everything has been read."""
        self.unread = self.mentions = 0


@attrs.define
class Places:
    """All of them, by room."""

    me: str = ""
    _places: dict[str, Place] = attrs.field(factory=dict, init=False)

    def __getitem__(self, room: str) -> Place:
        """Return a room, one that was not heard of before, too."""
        return self._places.setdefault(room, Place())

    def label(self, room: str) -> str:
        """Return what a room is called by its members."""
        if is_direct(room):
            others = [name for name in room[1:].split(",") if name != self.me]
            return f"@{(others or [self.me])[0]}"
        place = self._places.get(room)
        return place.title if place is not None and place.title else room

    def titles(self) -> dict[str, str]:
        """Return what can be joined by its name, and what it is called."""
        return {room: self.label(room) for room in self._places if not is_direct(room)}

    def news(self, here: str | None) -> Line:
        """Return what is new elsewhere: what calls one by name first."""
        rooms = [room for room, one in self._places.items() if one.calls]
        rooms = [room for room in rooms if room != here]
        rooms.sort(
            key=lambda room: (not self._is_for_me(room), self.label(room).casefold())
        )
        line: Line = []
        for room in rooms:
            count = str(self._places[room].unread or self._places[room].mentions)
            sign = "@" if self._places[room].mentions else ""
            what = "status.call" if self._is_for_me(room) else "status"
            label = clean(self.label(room))[:LABEL_CHARS]
            line += [(what, f"{label} {count}{sign}"), ("status", "  ")]
        return line

    def note(self, event: Frame) -> None:
        """Take what an event says of rooms."""
        match event.get("type"), event.get("re"):
            case "welcome", _:
                self.me = str(event.get("user"))
                for entry in objects(event.get("rooms")):
                    self._welcomed(entry)
            case "ok", "join":
                self._joined(event)
            case "caught_up", _:
                self[str(event.get("room"))].is_whole = True
            case "presence", _:
                self[str(event.get("room"))].online = _number(event.get("online"))
            case "notify", _:
                self[str(event.get("room"))].level = str(event.get("level"))
            case "room", _ if isinstance(event.get("title"), str):
                self[str(event.get("room"))].title = event["title"]
            case "read", _ if event.get("from") == self.me:
                place = self[str(event.get("room"))]
                if (_number(event.get("seq")) or 0) >= place.counted:
                    place.seen()
            case "rename", _:
                for name in strings(event.get("was")):
                    if name in self._places and event.get("room") != name:
                        self._places[str(event.get("room"))] = self._places.pop(name)
            case "left", _:
                self._places.pop(str(event.get("room")), None)

    def count(self, room: str, event: Frame) -> None:
        """Count a message that nobody has seen here."""
        place, seq = self[room], _number(event.get("seq")) or 0
        if seq <= place.counted:
            return
        place.counted = seq
        if event.get("type") == "message" and event.get("from") != self.me:
            place.unread += 1

    def _is_for_me(self, room: str) -> bool:
        return is_direct(room) or self._places[room].mentions > 0

    def _welcomed(self, entry: Frame) -> None:
        place = self[str(entry.get("room"))]
        place.unread = _number(entry.get("unread")) or 0
        place.mentions = _number(entry.get("mentions")) or 0
        place.counted = _number(entry.get("seq")) or 0
        place.title = str(entry.get("title") or "")
        place.level = str(entry.get("level") or "all")

    def _joined(self, event: Frame) -> None:
        place = self[str(event.get("room"))]
        place.online = _number(event.get("online"))
        place.title = str(event.get("title") or "")
        place.level = str(event.get("level") or "all")
        place.counted = max(place.counted, _number(event.get("seq")) or 0)


def objects(value: object) -> list[Frame]:
    """Return those entries of a list that are objects."""
    entries = value if isinstance(value, list) else []
    return [entry for entry in entries if isinstance(entry, dict)]


def strings(value: object) -> list[str]:
    """Return those entries of a list that are strings."""
    entries = value if isinstance(value, list) else []
    return [entry for entry in entries if isinstance(entry, str)]


def _number(value: object) -> int | None:
    return value if isinstance(value, int) else None
