"""Everything the chat knows, and the only code that changes it.

`Chat` holds rooms, users, sessions and connections as plain objects. It changes
in two ways and no other:

* `apply` takes an event that the store has committed. It is total and
  idempotent: an event that was applied before changes nothing.
* the `note_…` methods take what is live: connections, sessions, presence,
  subscriptions, read marks that wait to be written.

All of it is synchronous, so no task can ever see half a change and there is no
lock. Time is passed in; deadlines are kept here and asked for by the hub.

What a room looked like to its members when the current presence tick began is
kept in `Room.unsettled`; `chatd.core.presence` makes frames from it.
"""

from __future__ import annotations

from typing import Any

import attrs

from chatd.core.agenda import Agenda, Due
from chatd.core.entities import (
    Barrier,
    Connection,
    Invite,
    Membership,
    Room,
    Sanction,
    Session,
    Subscription,
    User,
)
from chatd.ids import (
    ConnectionId,
    RoomName,
    Seq,
    SessionId,
    UserName,
    is_guest,
)
from chatd.wire import events
from chatd.wire.commands import CommandId
from chatd.wire.events import TimelineEvent, UserShown

REMOVALS = ("kick", "ban")
"""Acts of moderation that end a membership."""


@attrs.define(eq=False)
class Chat:
    """The whole state; see the module's text for who may change it."""

    presence_tick_s: float
    rooms: dict[RoomName, Room] = attrs.field(factory=dict)
    users: dict[UserName, User] = attrs.field(factory=dict)
    sessions: dict[SessionId, Session] = attrs.field(factory=dict)
    """Sessions with a connection, and guests' until they end."""
    ended: dict[SessionId, None] = attrs.field(factory=dict)
    """Sessions that ended a moment ago: a look-up may still bring them."""
    connections: dict[ConnectionId, Connection] = attrs.field(factory=dict)
    barriers: dict[tuple[RoomName, UserName | None], Barrier] = attrs.field(
        factory=dict
    )
    """Changes that are being written: of one's own membership, or without a user of
    what anybody may do in the room."""
    invites: dict[UserName, dict[RoomName, Invite]] = attrs.field(factory=dict)
    """Invitations that wait for their answer."""
    reads: dict[tuple[RoomName, UserName], Seq] = attrs.field(factory=dict)
    """Read marks that are not written yet."""
    idle: dict[SessionId, int | None] = attrs.field(factory=dict)
    """Idle times of sessions that are not written yet."""
    marks_due: bool = False
    """Whether writing them has a deadline already."""
    untrimmed: dict[RoomName, None] = attrs.field(factory=dict)
    """Rooms that may have more than they keep, in the order of asking."""
    trimming: bool = False
    """Whether a step of trimming is under way, or has a deadline."""
    subscription_number: int = 0
    agenda: Agenda = attrs.field(factory=Agenda)

    # --- what is durable ----------------------------------------------------

    def apply(self, event: TimelineEvent) -> None:
        """Take a committed event into its room; one applied before is nothing."""
        room = self.rooms[event.room]
        if event.seq <= room.head:
            return
        assert event.seq == room.head + 1, (room.name, room.head, event.seq)
        room.head = event.seq
        member = room.members.get(event.sender)
        if member is not None and type(event) is events.Message:
            member.read = event.seq
            self.reads[room.name, event.sender] = event.seq

    def apply_room(
        self,
        room: Room,
        members: dict[UserName, str],
        event: TimelineEvent | None,
        now: float,
    ) -> None:
        """Take a committed new room, its first event and its members; idempotent.

        The event comes before the members, whose read mark is the head.
        """
        if self.rooms.setdefault(room.name, room) is room:
            if event is not None:
                self.apply(event)
            for name, role in members.items():
                if name in self.users:
                    self.apply_member(room, self.users[name], role, now)

    def apply_member(
        self,
        room: Room,
        user: User,
        role: str | None,
        now: float,
        first: Seq = Seq(1),
    ) -> None:
        """Take a committed change of membership; idempotent.

        A new member may read from `first` on; a ban of his has lapsed.
        """
        present = user.name in room.members
        if role is not None and present:
            room.members[user.name].role = role
        elif role is not None:
            room.members[user.name] = Membership(role, room.head, first)
            room.bans.pop(user.name, None)
            user.rooms[room.name] = None
            self.forget_invite(user.name, room.name)
            if user.online:
                self._unsettle(room, user.name, None, now)
                room.online[user.name] = None
        elif present:
            if user.online:
                self._unsettle(room, user.name, self.shown(user), now)
                del room.online[user.name]
            del room.members[user.name]
            del user.rooms[room.name]
            self.reads.pop((room.name, user.name), None)

    def apply_moderation(self, event: events.Member, now: float) -> None:
        """Take a committed act of moderation; idempotent."""
        room, target = self.rooms[event.room], event.user
        sanction = Sanction(event.until, event.reason)
        match event.change:
            case "invite":
                invite = Invite(event.sender, event.ts)
                self.invites.setdefault(target, {})[room.name] = invite
            case "ban":
                room.bans[target] = sanction
                self.forget_invite(target, room.name)
            case "unban":
                room.bans.pop(target, None)
            case "mute":
                room.mutes[target] = sanction
            case "unmute":
                room.mutes.pop(target, None)
        user = self.users.get(target)
        if user is not None and target in room.members:
            if event.change == "role":
                self.apply_member(room, user, event.role, now)
            elif event.change in REMOVALS:
                self.apply_member(room, user, None, now)

    def may_know(self, user: UserName, room: RoomName) -> bool:
        """Whether the user may know that a room exists, if it does."""
        return (
            room[0] not in "@~"
            or room in self.users[user].rooms
            or room in self.invites.get(user, ())
        )

    def forget_invite(self, user: UserName, room: RoomName) -> None:
        """An invitation was answered, or is void."""
        invites = self.invites.get(user)
        if invites is not None:
            invites.pop(room, None)
            if not invites:
                del self.invites[user]

    def apply_settings(self, room: Room, changes: dict[str, Any]) -> None:
        """Take committed changes of a room's settings."""
        room.settings = room.settings.with_(changes)

    def apply_trim(self, room: Room, first: Seq) -> None:
        """Take the committed beginning of a timeline, which only moves forward."""
        room.first = max(room.first, first)

    def apply_display(self, user: User, display: str, now: float) -> None:
        """Take a committed display name."""
        before = self.shown(user)
        user.display = display
        self._changed(user, before, now)

    def forget_session(self, session: SessionId, now: float) -> None:
        """Take the committed end of a session; a guest leaves all rooms."""
        ended = self.sessions.pop(session, None)
        self.idle.pop(session, None)
        self.ended[session] = None
        self.agenda.add(now + 60, Due.FORGET_SESSION, session)
        if ended is None:
            return
        user = self.users[ended.user]
        del user.sessions[session]
        if is_guest(user.name):
            for name in list(user.rooms):
                self.apply_member(self.rooms[name], user, None, now)
            self._forget_guest(user)

    # --- what is live -------------------------------------------------------

    def note_opened(self, connection: Connection) -> None:
        """A socket is there; nobody is behind it yet."""
        self.connections[connection.id] = connection

    def note_welcomed(
        self, connection: Connection, user: User, session: SessionId, now: float
    ) -> Connection | None:
        """A connection has a user and a session from here on.

        Returns:
            The connection that had the session until now, already detached, so
            that nobody sees the user go or come.
        """
        entry = self.sessions.setdefault(session, Session(session, user.name))
        user.sessions[session] = None
        older = None
        if entry.connection is not None:
            older = self.connections.pop(entry.connection)
            del user.connections[older.id]
        entry.connection = connection.id
        connection.user = user.name
        connection.session = session
        user.connections[connection.id] = None
        user.offline_at = None
        self.idle[session] = None
        if user.online:
            self._settle_state(user, now)
            return older
        user.online = True
        user.state, user.text = "online", None
        for name in user.rooms:
            room = self.rooms[name]
            room.online[user.name] = None
            self._unsettle(room, user.name, None, now)
        return older

    def note_closed(
        self, connection: Connection, now: float, wall: int, grace_s: float
    ) -> None:
        """A socket is gone; its user stays online for the grace."""
        del self.connections[connection.id]
        if connection.user is None or connection.session is None:
            return
        user = self.users[connection.user]
        del user.connections[connection.id]
        session = self.sessions.get(connection.session)
        if session is not None:
            session.connection = None
            session.idle_from = now
            self.idle[session.id] = wall
            if not is_guest(user.name):
                del self.sessions[session.id]
                del user.sessions[session.id]
        if user.connections:
            self._settle_state(user, now)
        elif session is None or grace_s <= 0:
            self.note_offline(user, now)
        else:
            user.offline_at = now + grace_s
            self.agenda.add(user.offline_at, Due.GRACE, user.name)

    def note_offline(self, user: User, now: float) -> None:
        """Nobody is there any more for this user, and no grace is left."""
        before = self.shown(user)
        user.online = False
        user.offline_at = None
        for name in user.rooms:
            room = self.rooms[name]
            self._unsettle(room, user.name, before, now)
            del room.online[user.name]
        self._forget_guest(user)

    def note_status(
        self,
        connection: Connection,
        user: User,
        state: str,
        text: str | None,
        now: float,
    ) -> None:
        """A connection is there or away."""
        connection.state = state
        connection.text = text if state == "away" else None
        self._settle_state(user, now)

    def note_user(self, user: User) -> User:
        """A user is known from here on.

        Returns:
            The one that was known already, if one was.
        """
        return self.users.setdefault(user.name, user)

    def note_read(self, room: Room, user: UserName, seq: Seq) -> bool:
        """Move a read mark forward, never above the head.

        Returns:
            Whether it moved.
        """
        member = room.members[user]
        seq = min(seq, room.head)
        if seq <= member.read:
            return False
        member.read = seq
        self.reads[room.name, user] = seq
        return True

    def note_subscription(
        self,
        connection: Connection,
        room: RoomName,
        *,
        live: bool = True,
        id_: CommandId = None,
        names: bool = False,
    ) -> Subscription:
        """A connection follows a room from here on; an earlier place is void."""
        self.subscription_number += 1
        frames = self.rooms[room].presence_frames
        entry = Subscription(self.subscription_number, live, id_, names, frames)
        connection.subscriptions[room] = entry
        return entry

    # --- presence -----------------------------------------------------------

    @staticmethod
    def shown(user: User) -> UserShown:
        """How a user is shown in lists."""
        display = user.display if user.display != user.name else None
        return UserShown(user.name, display, user.state, user.text)

    def _settle_state(self, user: User, now: float) -> None:
        """Work out anew whether a user is away: when all his connections are."""
        before = self.shown(user)
        entries = [self.connections[number] for number in user.connections]
        away = all(entry.state == "away" for entry in entries)
        texts = [entry.text for entry in entries if away and entry.text]
        user.state = "away" if away else "online"
        user.text = texts[-1] if texts else None
        self._changed(user, before, now)

    def _changed(self, user: User, before: UserShown, now: float) -> None:
        """Unsettle the user's rooms if he is shown otherwise than before."""
        if user.online and self.shown(user) != before:
            for name in user.rooms:
                self._unsettle(self.rooms[name], user.name, before, now)

    def _unsettle(
        self, room: Room, user: UserName, before: UserShown | None, now: float
    ) -> None:
        """Remember how a user was shown when the tick began."""
        if not room.unsettled:
            self.agenda.add(now + self.presence_tick_s, Due.PRESENCE, room.name)
        room.unsettled.setdefault(user, [before])

    def _forget_guest(self, user: User) -> None:
        """Let go of a guest of whom nothing is left; his name stays taken."""
        if is_guest(user.name) and not user.sessions and not user.online:
            del self.users[user.name]
