"""What a person at a terminal sees of a conversation, and what is known for it.

Events come in, lines to show come out. Shown is what happens in the room that one
writes to and, wherever one is, what is for oneself: direct messages, messages in which
one is mentioned, invitations, answers. What else happens elsewhere is kept until one
goes there, and the bottom line counts it (`places.py`).

A room is called by what its members call it: a private one by its title, a direct
conversation by the other's name. Before the first message of another day than that of
the message above it stands the day.

Pure but for the local time zone.
"""

from __future__ import annotations

import re
from datetime import date, datetime

import attrs

from chatd.cli.clean import clean
from chatd.cli.talk.completion import Candidate, candidates
from chatd.cli.talk.places import Places, objects, strings
from chatd.cli.transcript import Line, pieces, quiet, unfolded
from chatd.client import Frame
from chatd.core.mentions import find
from chatd.ids import UserName, is_direct

AWAITED_MAX = 100
"""Mentions whose message has not come."""


@attrs.define
class View:
    """What is seen, and known from having been seen."""

    room: str | None = None
    """Where the next line goes."""
    question: str = ""
    """What the next line answers, if it does."""
    waiting: int = 0
    """How many lines have no answer yet."""
    _offline: bool = attrs.field(default=False, init=False)
    _day: date | None = attrs.field(default=None, init=False)
    """That of the message shown last."""
    _places: Places = attrs.field(factory=Places, init=False)
    _awaited: dict[tuple[str, str], None] = attrs.field(factory=dict, init=False)
    """Messages that mention one, and have not come yet."""
    _names: set[str] = attrs.field(factory=set, init=False)
    _rooms: set[str] = attrs.field(factory=set, init=False)

    @property
    def prompt(self) -> str:
        """What stands before the line that is typed."""
        if self.question:
            return self.question
        return "> " if self.room is None else f"[{self._label(self.room)}] "

    @property
    def status(self) -> Line:
        """What stands below it: how it goes here, and what is new elsewhere."""
        parts: Line = []
        if self._offline:
            parts += [("status.call", "offline"), ("status", "  ")]
        if self.waiting:
            on_its_way = f"{self.waiting} on the way"
            parts += [("status", on_its_way), ("status", "  ")]
        parts += self._places.news(self.room)
        here = None if self.room is None else self._places[self.room].online
        if here is not None:
            parts.append(("status", f"{here} online"))
        return parts or [("status", "/help")]

    def enter(self, room: str | None) -> list[Line]:
        """Go to a room; return what has happened there."""
        if self.room is not None:
            self._places[self.room].seen()
        self.room = room
        if room is None:
            return []
        place = self._places[room]
        frames = list(place.kept)
        place.kept.clear()
        fresh = sum(
            frame["type"] == "message" and frame.get("from") != self._places.me
            for frame in frames
        )
        more = place.unread - fresh if place.is_whole else 0
        place.seen()
        lines = [quiet(f"-- [{self._label(room)}] {more} more are unread before these")]
        return (lines if more > 0 else []) + [
            line for frame in frames for line in self._lines(frame)
        ]

    def take(self, event: Frame, *, followed: bool) -> list[Line]:
        """Return the lines that an event is shown as.

        Args:
            event: What has happened.
            followed: Whether the messages of its room are told.
        """
        returned = event["type"] == "welcome" and self._offline
        self._note(event)
        if returned:
            return [quiet("-- the connection is back")]
        if event["type"] == "mention" and followed:
            return self._mentioned(str(event.get("room")), event.get("seq"))
        if event["type"] == "thread" and followed:
            return []
        is_found = event.get("re") == "search"
        return [
            line
            for one in unfolded(event)
            if is_found or not self._keep(one)
            for line in self._lines(one)
        ]

    def candidates(self, typed: str) -> list[Candidate]:
        """Return what a text that is being typed may go on with."""
        rooms = dict.fromkeys(self._rooms, "") | self._places.titles()
        return candidates(typed, self._names, rooms)

    # --- what happens elsewhere -------------------------------------------------

    def _keep(self, event: Frame) -> bool:
        """Keep an event for later if it is of a room where one is not."""
        room = event.get("room")
        kind = str(event.get("type"))
        is_of_room = "seq" in event or kind == "presence" or event.get("re") == "join"
        if (
            not isinstance(room, str)
            or not is_of_room
            or kind in ("mention", "left", "thread")
        ):
            return False
        if room == self.room:
            return False
        if kind == "message":
            self._places.count(room, event)
        if is_direct(room):
            return False
        if (room, str(event.get("seq"))) in self._awaited:
            del self._awaited[room, str(event.get("seq"))]
            self._places[room].show_one()
            return False
        if kind != "presence":
            self._places[room].kept.append(event)
        return True

    def _mentioned(self, room: str, seq: object) -> list[Line]:
        """Return the message by which one is mentioned elsewhere, if it is here."""
        if room == self.room:
            return []
        self._places[room].mentions += 1
        for event in self._places[room].kept:
            if event.get("seq") == seq:
                self._places[room].kept.remove(event)
                self._places[room].show_one()
                return self._lines(event)
        self._awaited[room, str(seq)] = None
        if len(self._awaited) > AWAITED_MAX:
            del self._awaited[next(iter(self._awaited))]
        return []

    # --- how it looks -----------------------------------------------------------

    def _lines(self, event: Frame) -> list[Line]:
        """Return an event as lines, below its day if that is another one."""
        lines = pieces(self._without_me(self._called(event)))
        if self._addresses_me(event):
            lines = [self._marked(line) for line in lines]
        lines = [self._own(line) for line in lines]
        day = _day(event) if event["type"] == "message" else None
        if day is None or day == self._day:
            return lines
        self._day = day
        return [[("day", f"-- {day:%A, %-d %B %Y}")], *lines]

    def _label(self, room: str) -> str:
        return clean(self._places.label(room))

    def _called(self, event: Frame) -> Frame:
        """Return an event with what its room is called."""
        room = event.get("room")
        if event["type"] == "invited" or not isinstance(room, str):
            return event
        return event | {"room": self._places.label(room)}

    def _without_me(self, event: Frame) -> Frame:
        """Return presence without oneself, who knows that he is here."""
        if event["type"] != "presence" or not isinstance(event.get("join"), list):
            return event
        me = self._places.me
        others = [one for one in event["join"] if one != me and _name(one) != me]
        return event | {"join": others}

    def _addresses_me(self, event: Frame) -> bool:
        """Whether a text names one, as the server looks for it."""
        text, me = event.get("text"), UserName(self._places.me)
        if not isinstance(text, str) or event.get("from") == me:
            return False
        found = find(text, UserName(""), lambda name: name == me, may_all=False)
        return found is not None and me in found.users

    def _marked(self, line: Line) -> Line:
        """Return a line with one's name in it marked."""
        me = re.escape(clean(self._places.me))
        called = re.compile(f"([@\uff20]{me})", re.IGNORECASE)
        return [
            ("mention" if number % 2 else what, part)
            for what, text in line
            for number, part in enumerate(
                called.split(text) if what == "text" else [text]
            )
            if part
        ]

    def _own(self, line: Line) -> Line:
        """Return a line in which one's own name is told from others'."""
        mine = ("name", clean(self._places.me))
        return [("own", piece[1]) if piece == mine else piece for piece in line]

    # --- what is known ----------------------------------------------------------

    def _note(self, event: Frame) -> None:
        """Remember whom and what an event names."""
        self._places.note(event)
        if event["type"] in ("welcome", "offline"):
            self._offline = event["type"] == "offline"
        if event["type"] == "left" and event.get("room") == self.room:
            self.room = None
        entries = [event]
        for field in ("users", "join", "rooms", "messages", "invites"):
            entries += objects(event.get(field))
        for entry in entries:
            names = entry.get("from"), entry.get("name") if entry is not event else None
            self._names.update(name for name in names if isinstance(name, str))
            room = entry.get("room")
            if isinstance(room, str) and is_direct(room):
                self._names.add(self._places.label(room).removeprefix("@"))
            elif isinstance(room, str):
                self._rooms.add(room)
        self._rooms.update(strings(event.get("suggested")))


def _name(entry: object) -> object:
    return entry.get("name") if isinstance(entry, dict) else None


def _day(event: Frame) -> date | None:
    """Return the local day of an event."""
    try:
        return datetime.fromisoformat(str(event.get("ts"))).astimezone().date()
    except (ValueError, OverflowError):
        return None
