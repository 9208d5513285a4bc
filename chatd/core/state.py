"""Everything the chat knows, and the only code that changes it.

`Chat` holds rooms, users, sessions and connections as plain objects. It changes
in two ways and no other:

* `apply…`, here and in `chatd.core.truth`, take what the store has committed. They are
  idempotent: what was applied before changes nothing.
* the `note_…` methods take what is live: connections, sessions, presence,
  subscriptions, read marks that wait to be written.

All of it is synchronous, so no task can ever see half a change and there is no
lock. Time is passed in; deadlines are kept here and asked for by the hub.

What a room looked like to its members when the current presence tick began is
kept in `Room.unsettled`; `chatd.core.presence` makes frames from it.
"""

from __future__ import annotations

from itertools import takewhile

import attrs

from chatd.core.agenda import Due
from chatd.core.entities import (
    Barrier,
    Connection,
    Room,
    Session,
    Subscription,
    User,
)
from chatd.core.truth import Truth
from chatd.enums import State
from chatd.ids import (
    ConnectionId,
    RoomName,
    Seq,
    SessionId,
    UserName,
    is_guest,
)
from chatd.wire.kinds import CommandId


@attrs.define(eq=False)
class Chat(Truth):
    """The whole state; see the module's text for who may change it."""

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
    idle: dict[SessionId, int | None] = attrs.field(factory=dict)
    """Idle times of sessions that are not written yet."""
    devices: dict[SessionId, str] = attrs.field(factory=dict)
    """What clients that resumed one call themselves, likewise."""
    cuts: int = 0
    """How often an account's connections were cut."""
    cut_at: dict[UserName, int] = attrs.field(factory=dict)
    """When an account's were cut last, as long as somebody is being verified who was
    asked before that: he is verified again. The oldest first."""
    verifying: dict[ConnectionId, int] = attrs.field(factory=dict)
    """Connections for which somebody is looked up, at hello themselves and later whom a
    command names, with `cuts` when that began. The oldest first."""
    marks_due: bool = False
    """Whether writing them has a deadline already."""
    untrimmed: dict[RoomName, None] = attrs.field(factory=dict)
    """Rooms that may have more than they keep, in the order of asking."""
    trimming: bool = False
    """Whether a step of trimming is under way, or has a deadline."""
    subscription_number: int = 0
    address_key: str = ""
    """With which digests of addresses are made."""
    place: str | None = None
    """What an administrator has called it; None: nobody has."""
    awaits_admin: bool = False
    """Whether somebody may still become the first administrator by a secret."""

    def apply_place(self, name: str) -> None:
        """Take a committed name of the place."""
        self.place = name

    def apply_session(self, session: SessionId, name: UserName) -> None:
        """Take a committed session of a guest, if he is here; no connection has it."""
        user = self.users.get(name)
        if user is not None:
            self.sessions.setdefault(session, Session(session, name))
            user.sessions[session] = None

    def forget_session(self, session: SessionId, now: float) -> None:
        """Take the committed end of a session; with his last one a guest is gone."""
        ended = self.sessions.pop(session, None)
        self.agenda.cancel(Due.GUEST, session)
        self.idle.pop(session, None)
        self.devices.pop(session, None)
        self.ended[session] = None
        self.agenda.add(now + 60, Due.FORGET_SESSION, session)
        if ended is None:
            return
        user = self.users[ended.user]
        del user.sessions[session]
        if is_guest(user.name) and not user.sessions:
            for name in list(user.rooms):
                self.apply_member(self.rooms[name], user, None, now)
            self._forget_guest(user)

    # --- what is live -------------------------------------------------------

    def note_cut(self, user: UserName) -> None:
        """What was verified of an account before this moment is not believed."""
        self.cuts += 1
        self.cut_at.pop(user, None)
        self.cut_at[user] = self.cuts
        self._forget_cuts()

    def note_verifying(self, connection: Connection) -> None:
        """Somebody is looked up for a connection from here on, perhaps once more."""
        self.verifying.pop(connection.id, None)
        self.verifying[connection.id] = self.cuts

    def note_verified(self, connection: Connection) -> None:
        """The look-up is over, whatever became of it."""
        if self.verifying.pop(connection.id, None) is not None:
            self._forget_cuts()

    def was_cut(self, connection: Connection, user: UserName) -> bool:
        """Whether an account was cut since it began to be looked up."""
        return self.cut_at.get(user, 0) > self.verifying[connection.id]

    def _forget_cuts(self) -> None:
        """Forget the cuts that came before everybody who is being verified."""
        if not self.cut_at:
            return
        oldest = next(iter(self.verifying.values()), self.cuts)
        past = list(takewhile(lambda item: item[1] <= oldest, self.cut_at.items()))
        if len(past) == len(self.cut_at):
            # Not emptied: a dictionary keeps the place of what has left it.
            self.cut_at = {}
        for user, _ in past:
            self.cut_at.pop(user, None)

    def note_opened(self, connection: Connection) -> None:
        """A socket is there; nobody is behind it yet."""
        self.connections[connection.id] = connection

    def note_device(self, session: SessionId, device: str) -> None:
        """A client that resumed a session calls itself so."""
        self.devices[session] = device

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
            older = self.connections[entry.connection]
            self._forget_connection(older)
            del user.connections[older.id]
        entry.connection = connection.id
        self.note_verified(connection)
        self.agenda.cancel(Due.LOGIN, connection.id)
        self.agenda.cancel(Due.GUEST, session)
        self.agenda.cancel(Due.GRACE, user.name)
        connection.user = user.name
        connection.session = session
        user.connections[connection.id] = None
        self.idle[session] = None
        if user.online:
            self._settle_state(user, now)
            return older
        user.online = True
        user.state, user.text = State.ONLINE, None
        for name in user.rooms:
            room = self.rooms[name]
            room.online[user.name] = None
            self.unsettle(room, user.name, None, now)
        return older

    def note_address(self, user: User, address: bytes | None) -> bool:
        """A guest comes from somewhere, where that is known.

        Returns:
            Whether he came from somewhere else before.
        """
        if address is None or address == user.address:
            return False
        user.address = address
        return True

    def note_closed(
        self, connection: Connection, now: float, certain: int, grace_s: float
    ) -> None:
        """A socket is gone; its user stays online for the grace.

        Since when a session is idle is counted by the time that is certain: a clock
        that goes back for a moment would end it.
        """
        self._forget_connection(connection)
        if connection.user is None or connection.session is None:
            return
        user = self.users[connection.user]
        del user.connections[connection.id]
        session = self.sessions[connection.session]
        session.connection = None
        self.idle[session.id] = certain
        if not is_guest(user.name):
            del self.sessions[session.id]
            del user.sessions[session.id]
        if user.connections:
            self._settle_state(user, now)
        elif grace_s <= 0:
            self.note_offline(user, now)
        else:
            self.agenda.add(now + grace_s, Due.GRACE, user.name)

    def note_detached(self, connection: Connection, now: float) -> None:
        """A connection is let go before its socket, and nobody waits for it."""
        assert connection.user is not None
        self._forget_connection(connection)
        user = self.users[connection.user]
        del user.connections[connection.id]
        if user.connections:
            self._settle_state(user, now)
        else:
            self.note_offline(user, now)

    def note_offline(self, user: User, now: float) -> None:
        """Nobody is there any more for this user, and no grace is left."""
        user.online = False
        self.agenda.cancel(Due.GRACE, user.name)
        for name in user.rooms:
            room = self.rooms[name]
            self.unsettle(room, user.name, self.shown_in(room, user), now)
            del room.online[user.name]
        self._forget_guest(user)

    def note_status(
        self,
        connection: Connection,
        user: User,
        state: State,
        text: str | None,
        now: float,
    ) -> None:
        """A connection is there or away."""
        connection.state = state
        connection.text = text if state == State.AWAY else None
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

    def note_renamed(self, room: Room, before: RoomName) -> list[ConnectionId]:
        """Whoever follows a room follows it under its other name.

        Returns:
            The connections that do, replaying or live.
        """
        if self.untrimmed.pop(before, self) is None:
            self.untrimmed[room.name] = None
        moved = []
        for name in room.members:
            for number in self.users[name].connections:
                places = self.connections[number].subscriptions
                place = places.pop(before, None)
                if place is not None:
                    places[room.name] = place
                    moved.append(number)
        return moved

    # --- presence -----------------------------------------------------------

    def _settle_state(self, user: User, now: float) -> None:
        """Work out anew whether a user is away: when all his connections are."""
        before = user.shown
        entries = [self.connections[number] for number in user.connections]
        away = all(entry.state == State.AWAY for entry in entries)
        texts = [entry.text for entry in entries if away and entry.text]
        user.state = State.AWAY if away else State.ONLINE
        user.text = texts[-1] if texts else None
        self.show_change(user, before, now)

    def _forget_connection(self, connection: Connection) -> None:
        """Let go of a connection, and of all that would be done for it in time."""
        del self.connections[connection.id]
        self.note_verified(connection)
        self.agenda.cancel(Due.LOGIN, connection.id)
        self.agenda.cancel(Due.EXPIRY, connection.id)

    def _forget_guest(self, user: User) -> None:
        """Let go of a guest of whom nothing is left; his name stays taken."""
        if is_guest(user.name) and not user.sessions and not user.online:
            del self.users[user.name]
            for room in list(self.invites.get(user.name, ())):
                self.forget_invite(user.name, room)
