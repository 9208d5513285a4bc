"""A client that believes what it is told, and notices what cannot be true.

`Mirror` takes the frames of one connection. Of each room it keeps the last seq
and who is online, by the rules that the protocol gives to clients; an event that
does not follow, or of a room that it is not in, is an assertion.
"""

from __future__ import annotations

from typing import Any

import attrs

from chatd.core import presence
from chatd.core.state import Chat
from chatd.enums import State
from chatd.ids import RoomName, UserName, is_direct
from chatd.wire import events, replies
from chatd.wire.commands import Command
from chatd.wire.events import UserShown
from chatd.wire.rooms import Join, Joined
from chatd.wire.threads import Followed, ThreadMark, ThreadUnread

DURABLE = (
    *("send", "edit", "delete", "react", "pin"),
    *(
        "destroy",
        "rename",
        "create",
        "room",
        "invite",
        "decline",
        "kick",
        "ban",
        "unban",
        "mute",
        "unmute",
        "role",
    ),
)


@attrs.define
class Place:
    """What the client holds of one room."""

    last: int | None
    """The last seq; None before the first one of a replay of the newest."""
    join: Any = None
    caught_up: bool = True
    head: int = 0
    """The room's, when it was joined here."""
    is_over: bool = False
    """Whether one's removal or the room's end was told: only `left` may follow."""
    first: int = 1
    """The lowest seq that may be read here, as the join was told."""
    wants_names: bool = False
    names: dict[UserName, UserShown] | None = None
    online: int | None = None
    marks: dict[UserName, int] = attrs.field(factory=dict)
    """Up to where others have read."""


@attrs.define
class Mirror:
    """One connection's view."""

    commands: dict[Any, Command] = attrs.field(factory=dict)
    """What was sent, by its id; ids rise."""
    welcome: replies.Welcome | None = None
    rooms: dict[RoomName, Place] = attrs.field(factory=dict)
    replied: set[Any] = attrs.field(factory=set)
    durable_replied: int = 0
    mentioned: set[tuple[RoomName, int]] = attrs.field(factory=set)
    """Messages of which was told that they address one."""

    def take(self, frame: Any) -> None:
        """Take one frame."""
        for former in getattr(frame, "was", ()):
            if former in self.rooms:
                self.rooms.setdefault(frame.room, self.rooms.pop(former))
        if hasattr(frame, "re"):
            self._reply(frame)
        elif hasattr(frame, "ts"):
            self._event(frame)
        elif isinstance(frame, events.CaughtUp):
            place = self.rooms[frame.room]
            assert not place.caught_up
            assert place.join == frame.id
            place.last = frame.seq if place.last is None else place.last
            assert place.last == frame.seq
            place.caught_up = True
        elif isinstance(frame, events.Gap):
            place = self.rooms[frame.room]
            assert not place.caught_up
            assert place.last == frame.have < frame.seq
            place.last = frame.seq
        elif isinstance(frame, events.Left):
            self.rooms.pop(frame.room, None)
        elif isinstance(frame, events.Presence):
            self._presence(self.rooms[frame.room], frame)
        elif isinstance(frame, events.Typing):
            assert frame.room in self.rooms
            assert self.welcome is not None
            assert frame.sender != self.welcome.user
        elif isinstance(frame, events.Mention):
            assert (frame.room, frame.seq) not in self.mentioned, "told twice"
            self.mentioned.add((frame.room, frame.seq))
        else:
            assert isinstance(
                frame,
                events.ReadMark
                | events.Invited
                | events.Uninvited
                | events.Renamed
                | events.Notify
                | Joined
                | events.Bookmark
                | Followed
                | ThreadUnread
                | ThreadMark,
            )
            if isinstance(frame, events.ReadMark):
                self._mark(frame)

    def _mark(self, frame: events.ReadMark) -> None:
        """Others' marks only move forward, while one stays in the room."""
        assert self.welcome is not None
        if frame.sender == self.welcome.user:
            return
        assert not frame.back
        marks = self.rooms[frame.room].marks
        assert frame.seq > marks.get(frame.sender, -1)
        marks[frame.sender] = frame.seq

    def _reply(self, frame: Any) -> None:
        assert frame.id not in self.replied
        self.replied.add(frame.id)
        command = self.commands[frame.id]
        assert frame.re == command.type
        if frame.re in DURABLE:
            assert frame.id > self.durable_replied
            self.durable_replied = frame.id
        if isinstance(frame, replies.Welcome):
            assert self.welcome is None
            self.welcome = frame
            for room in frame.rooms:
                assert room.read <= room.seq
                if is_direct(room.room):
                    self.rooms[room.room] = Place(room.seq)
        elif isinstance(frame, replies.HistoryPage):
            assert frame.first <= frame.start
            for entry in (*frame.messages, *frame.events):
                assert frame.start <= entry.seq <= frame.end <= frame.as_of
        elif isinstance(frame, replies.Joined):
            assert isinstance(command, Join)
            self._joined(command, frame)

    def _joined(self, command: Join, frame: replies.Joined) -> None:
        assert (frame.recovered is None) == (command.since is None)
        last: int | None = frame.seq
        if frame.recovered:
            last = command.since
        elif command.last is not None and frame.seq:
            last = None
        assert (
            not frame.recovered
            or command.since is None
            or (command.since >= frame.first - 1)
        )
        place = Place(
            last, command.id, caught_up=False, first=frame.first, online=frame.online
        )
        place.head = frame.seq
        place.wants_names = command.since is None or command.users
        if frame.users is not None:
            assert place.wants_names
            assert len(frame.users) == frame.online
            place.names = {shown.name: shown for shown in frame.users}
        self.rooms[frame.room] = place

    def _event(self, frame: Any) -> None:
        if frame.seq == 1 and is_direct(frame.room) and frame.epoch:
            self.rooms.setdefault(frame.room, Place(0))
        place = self.rooms[frame.room]
        assert not place.is_over
        assert self.welcome is not None
        is_own_removal = (
            isinstance(frame, events.Member)
            and frame.user == self.welcome.user
            and frame.change in ("leave", "kick", "ban")
            and frame.seq > place.head  # else it is told again, as it was
        )
        place.is_over = is_own_removal or isinstance(frame, events.Destroy)
        if place.last is not None and not (place.is_over and not place.caught_up):
            # Who is put out while he is replayed to is told it right away.
            assert frame.seq == place.last + 1
        assert frame.seq >= place.first
        place.last = frame.seq

    @staticmethod
    def _presence(place: Place, frame: events.Presence) -> None:
        place.online = frame.online
        if frame.users is not None:
            place.names = {shown.name: shown for shown in frame.users}
        if place.names is None:
            return
        for shown in frame.join:
            place.names[shown.name] = shown
        for name in frame.leave:
            place.names.pop(name, None)
        for shown in frame.away:
            before = place.names[shown.name]
            place.names[shown.name] = attrs.evolve(
                before, state=State.AWAY, text=shown.text
            )
        for name in frame.back:
            place.names[name] = attrs.evolve(
                place.names[name], state=State.ONLINE, text=None
            )

    def compare(self, chat: Chat, names_max: int) -> None:
        """What the client believes is true, once nothing is under way."""
        for name, place in self.rooms.items():
            room = chat.durable.rooms[name]
            assert place.caught_up
            assert place.last == room.head
            assert place.online in (None, len(room.online)), (name, place, room.online)
            if place.wants_names and len(room.online) <= names_max:
                truth = {who: presence.view(chat, room, who) for who in room.online}
                assert place.names == truth, name
