"""The fan-out: who gets which frame, in one write for each receiver and batch.

Within a batch nothing is written. What is for one connection alone goes into
its **cork**; the live events of a room are kept once for all its receivers, and
closed off whenever the receivers are about to change, so that no connection gets an
event from before its subscription or from after its removal. What they get is encoded
once for each dialect that is spoken among them. `flush` hands everything to the
outlets: one entry per room and batch, shared by all, and one write per connection.

All of it is `def`, and every effect of a batch is in before `flush`, so one
connection sees a batch in the order in which it was decided: replies before the
events that they caused.
"""

from __future__ import annotations

from collections.abc import Collection

import attrs
import trio

from chatd.core.effects import Replay
from chatd.errors import Ending
from chatd.hub.ready import Message
from chatd.ids import ConnectionId, RoomName, UserName
from chatd.ports import Dialect, Entry, EntryKind, Outlet
from chatd.wire.events import Ephemeral, Hidden, TimelineEvent
from chatd.wire.replies import ServerFrame

SENDS_MAX = 1024
"""Receivers of one `flush`: some 5 ms. A larger room's members get an event a thousand
at a time, and other tasks run in between."""


@attrs.define(eq=False)
class Link:
    """One connection as the hub sees it."""

    outlet: Outlet
    user: UserName | None = None
    """Who was welcomed; for the log, also when the session was taken over."""
    way: str | None = None
    """How he came to the session that is new with this connection; for the log."""
    cork: list[Entry] = attrs.field(factory=list)
    answers: int = 0
    """Commands whose reply is in the cork."""
    ending: Ending | None = None
    """To finish with, once the cork is out."""
    after_s: float | None = None
    """The seconds that its bye tells the client to wait before it comes back."""
    replays: dict[RoomName, Replay] = attrs.field(factory=dict)
    """Rooms being replayed, with the page that is to be handed over next."""
    replaying: bool = False
    """Whether a task hands them over."""
    rooms: dict[RoomName, None] = attrs.field(factory=dict)
    """Rooms whose live events it gets."""
    left: list[RoomName] = attrs.field(factory=list)
    """Rooms that were left since it was uncorked last."""
    dirty: bool = False
    """Whether it is among those that `flush` visits."""
    inbox: list[Message] = attrs.field(factory=list)
    """Messages that it has sent and that are not handled yet; see `chatd.hub.ready`."""
    used_s: float = 0.0
    """Time of the loop that it has used lately; see `chatd.hub.ready`."""
    used_at: float = 0.0
    """When `used_s` was true."""
    look_ups: set[trio.CancelScope] = attrs.field(factory=set)
    """The scopes of look-ups for it, which are cancelled with it."""


def _rename(link: Link, room: RoomName, name: RoomName) -> None:
    """Change the name of a room in what is kept of a connection."""
    if link.rooms.pop(room, link) is None:
        link.rooms[name] = None
    replay = link.replays.pop(room, None)
    if replay is not None:
        # Another one, so that a page which is being read is dropped and read again.
        link.replays[name] = attrs.evolve(replay, room=name)
    link.cork = [
        attrs.evolve(entry, room=name) if entry.room == room else entry
        for entry in link.cork
    ]
    link.outlet.rename_room(room, name)


@attrs.define(eq=False)
class Audience:
    """The receivers of one room that share a dialect, and what waits for them."""

    name: RoomName
    dialect: Dialect
    links: dict[ConnectionId, Link] = attrs.field(factory=dict)
    frames: list[bytes] = attrs.field(factory=list)
    first_seq: int = 0
    last_seq: int = 0


@attrs.define(eq=False)
class Fanout:
    """All connections, all audiences, and the batch that is being gathered."""

    links: dict[ConnectionId, Link] = attrs.field(factory=dict)
    _audiences: dict[RoomName, list[Audience]] = attrs.field(factory=dict)
    """For each room one for each dialect of its receivers."""
    _dirty_rooms: list[Audience] = attrs.field(factory=list)
    _dirty_links: list[Link] = attrs.field(factory=list)
    has_more: bool = False
    """Whether the last `flush` has left receivers to the next one."""
    delivered: int = 0
    """Events handed to outlets since the start, one for each receiver."""

    # --- connections --------------------------------------------------------

    def add(self, outlet: Outlet) -> None:
        """Take a new connection."""
        self.links[outlet.id] = Link(outlet)

    def remove(self, connection: ConnectionId) -> Link:
        """Forget a connection, what waits for it, and what is being read for it."""
        link = self.links.pop(connection)
        for room in link.rooms:
            self._leave(link, room)
        link.rooms.clear()
        link.replays.clear()
        for scope in link.look_ups:
            scope.cancel()
        return link

    def subscribe(self, connection: ConnectionId, room: RoomName) -> None:
        """Give a connection the room's events from now on; without effect if gone."""
        link = self.links.get(connection)
        if link is None:
            return
        if room in link.left:
            # What is dropped with the room must not be what comes from here on.
            self._uncork(link)
        audience = self._audience(room, link.outlet.dialect)
        self._close_off(audience)
        audience.links[connection] = link
        link.rooms[room] = None
        link.replays.pop(room, None)

    def unsubscribe(
        self, connection: ConnectionId, room: RoomName, *, drop: bool
    ) -> None:
        """Give a connection nothing more of the room.

        Args:
            connection: Nothing happens if it is gone.
            room: The room.
            drop: Forget what waits of the room now; else once this batch was sent,
                as far as the socket takes it.
        """
        link = self.links.get(connection)
        if link is None:
            return
        link.replays.pop(room, None)
        if link.rooms.pop(room, self) is None:
            self._close_off(self._audience(room, link.outlet.dialect))
            self._leave(link, room)
        if drop:
            link.cork = [entry for entry in link.cork if entry.room != room]
            link.outlet.drop_room(room)
        else:
            link.left.append(room)
            self.touch(link)

    def rename(
        self, room: RoomName, name: RoomName, connections: Collection[ConnectionId]
    ) -> None:
        """Change the name of a room; what waits of it stays.

        Args:
            room: What it was called until now.
            name: What it is called.
            connections: Those that follow it, replaying or live.
        """
        audiences = self._audiences.pop(room, None)
        if audiences is not None:
            for audience in audiences:
                self._close_off(audience)
                audience.name = name
            self._audiences[name] = audiences
        for number in connections:
            link = self.links.get(number)
            if link is not None:
                _rename(link, room, name)

    def _audience(self, room: RoomName, dialect: Dialect) -> Audience:
        """The receivers of a room that share a dialect; made where there are none."""
        audiences = self._audiences.setdefault(room, [])
        for audience in audiences:
            if audience.dialect is dialect:
                return audience
        audiences.append(Audience(room, dialect))
        return audiences[-1]

    def _leave(self, link: Link, room: RoomName) -> None:
        audience = self._audience(room, link.outlet.dialect)
        del audience.links[link.outlet.id]
        if not audience.links:
            audiences = self._audiences[room]
            audiences.remove(audience)
            if not audiences:
                del self._audiences[room]

    # --- gathering ----------------------------------------------------------

    def tell(
        self,
        connections: Collection[ConnectionId],
        frame: ServerFrame,
        room: RoomName | None,
        kind: EntryKind,
    ) -> None:
        """Put a frame into the corks of some connections.

        Args:
            connections: Those that are gone are left out.
            frame: What they are told.
            room: The room that it belongs to: it is dropped with what waits of that.
            kind: What may become of it when the outbox is degraded.
        """
        entries: dict[Dialect, Entry] = {}
        for number in connections:
            link = self.links.get(number)
            if link is None:
                continue
            dialect = link.outlet.dialect
            entry = entries.get(dialect)
            if entry is None:
                entry = Entry(room, 0, 0, kind, dialect.encode(frame))
                entries[dialect] = entry
            self.cork(link, entry)

    def cork(self, link: Link, entry: Entry) -> None:
        """Put an entry behind what already waits for one connection."""
        link.cork.append(entry)
        self.touch(link)

    def touch(self, link: Link) -> None:
        """Have `flush` visit a connection."""
        if not link.dirty:
            link.dirty = True
            self._dirty_links.append(link)

    def deliver(self, event: TimelineEvent) -> None:
        """Put a live event behind the room's others of this batch."""
        for audience in self._audiences.get(event.room, ()):
            if not audience.frames:
                audience.first_seq = event.seq
                self._dirty_rooms.append(audience)
            audience.last_seq = event.seq
            audience.frames.append(audience.dialect.encode(event))

    def deliver_hidden(
        self,
        event: TimelineEvent,
        hidden: Hidden,
        blocker: Collection[ConnectionId],
    ) -> None:
        """Put a live event behind the room's others, one entry for each receiver.

        Args:
            event: What happened.
            hidden: What is sent instead to the connections of `blocker`.
            blocker: Those that must not see it.
        """
        room, seq = event.room, event.seq
        for audience in self._audiences.get(room, ()):
            self._close_off(audience)
            self.delivered += len(audience.links)
            encode = audience.dialect.encode
            shown, instead = encode(event), encode(hidden)
            for number, link in audience.links.items():
                data = instead if number in blocker else shown
                self.cork(link, Entry(room, seq, seq, EntryKind.ROOM, data))

    def spread(
        self,
        frame: Ephemeral,
        besides: Collection[ConnectionId] = (),
        instead: Ephemeral | None = None,
    ) -> None:
        """Send an ephemeral frame to a room's receivers.

        Args:
            frame: What everybody gets.
            besides: Connections that get nothing.
            instead: What a connection gets of which an earlier one was dropped.
        """
        room = frame.room
        for audience in self._audiences.get(room, ()):
            self._close_off(audience)
            encode = audience.dialect.encode
            entry = Entry(room, 0, 0, EntryKind.EPHEMERAL, encode(frame))
            whole = entry
            if instead is not None:
                whole = Entry(room, 0, 0, EntryKind.EPHEMERAL, encode(instead))
            for number, link in audience.links.items():
                if number in besides:
                    continue
                if instead is not None and room in link.outlet.ephemeral_dropped:
                    link.outlet.ephemeral_dropped.pop(room)
                    self.cork(link, whole)
                else:
                    self.cork(link, entry)

    def ephemeral_dropped(self, room: RoomName) -> bool:
        """Whether some receiver of the room has had an ephemeral frame dropped."""
        return any(
            room in link.outlet.ephemeral_dropped
            for audience in self._audiences.get(room, ())
            for link in audience.links.values()
        )

    def _close_off(self, audience: Audience) -> None:
        """Put the room's frames so far into the corks of its receivers."""
        if audience.frames:
            entry = self._take(audience)
            for link in audience.links.values():
                self.cork(link, entry)

    def _take(self, audience: Audience) -> Entry:
        frames = audience.frames
        self.delivered += len(frames) * len(audience.links)
        data = frames[0] if len(frames) == 1 else b"".join(frames)
        entry = Entry(
            audience.name, audience.first_seq, audience.last_seq, EntryKind.ROOM, data
        )
        audience.frames = []
        return entry

    # --- leaving ------------------------------------------------------------

    def flush(self) -> None:
        """Hand the batch to the outlets, of `SENDS_MAX` receivers at most.

        The others get theirs at the next calls (`has_more`), in order and together
        with what has come for them meanwhile. A receiver of one entry is pushed that
        without a cork.
        """
        rooms, self._dirty_rooms = self._dirty_rooms, []
        only, sends = len(rooms) == 1, 0
        for audience in rooms:
            if not audience.frames:
                continue
            entry = self._take(audience)
            sends += len(audience.links)
            at_once = sends <= SENDS_MAX
            for link in audience.links.values():
                if link.dirty:
                    link.cork.append(entry)
                elif at_once and (only or len(link.rooms) == 1):
                    link.outlet.push(entry)
                else:
                    self.cork(link, entry)
        links = self._dirty_links
        links, self._dirty_links = links[:SENDS_MAX], links[SENDS_MAX:]
        self.has_more = bool(self._dirty_links)
        for link in links:
            link.dirty = False
            self._uncork(link)

    def _uncork(self, link: Link) -> None:
        outlet, cork = link.outlet, link.cork
        if len(cork) == 1:
            outlet.push(cork.pop())
        elif cork:
            link.cork = []
            outlet.push_all(cork)
        while link.left:
            # What is not out by now could still become a gap, and a gap that is
            # told after `left` would send its reader back into the room.
            outlet.drop_room(link.left.pop())
        answers, link.answers = link.answers, 0
        for _ in range(answers):
            outlet.answered()
        if link.ending is not None:
            outlet.finish(link.ending, link.after_s)
