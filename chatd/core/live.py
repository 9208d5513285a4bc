"""What is live of the chat: connections, sessions, presence, what waits to be written.

It is lost when the daemon ends, and nobody but this daemon has it. It changes by the
`note_…` methods, which learn what a connection has done, that time has passed, or what
follows for the live from a change of the durable (`chatd.core.applying`). Deadlines
are kept here and asked for by the hub.

What is durable is looked at and not assigned to; only a guest of whom nothing is left
is let go of, who was in memory because he was here. What nobody needs in memory any
more is looked at again after a while (`note_unheld`, `Due.IDLE`).

What a room looked like to its members when the current presence tick began is
kept in `Room.unsettled`; `chatd.core.presence` makes frames from it. What other nodes
know of who is here is kept in `Neighbours.untold`; `chatd.core.cluster.presence` tells
them.
"""

from __future__ import annotations

from collections import deque

import attrs

from chatd.core.agenda import Agenda, DeadlineKey, Due
from chatd.core.barred import TIDY_S
from chatd.core.cluster.neighbours import Neighbours
from chatd.core.cluster.order import Order
from chatd.core.drafts import Draft, rooms_of
from chatd.core.durable import DurableState
from chatd.core.entities import (
    IDLE_S,
    INVITE_S,
    Barrier,
    Connection,
    Room,
    Session,
    Subscription,
    User,
    readable_from,
    shown_in,
)
from chatd.core.inputs import Executed
from chatd.core.loads import Loads
from chatd.core.settings import RoomSettings
from chatd.core.verifications import Verifications
from chatd.enums import State
from chatd.ids import (
    ConnectionId,
    Epoch,
    NodeId,
    RoomName,
    Seq,
    SessionId,
    UserName,
    is_guest,
)
from chatd.wire.commands import Command
from chatd.wire.events import UserShown
from chatd.wire.kinds import CommandId


@attrs.define(eq=False)
class LiveState:
    """Who is here now, and what is under way.

    Args:
        durable: What is looked at.
        presence_tick_s: How long changes of presence are gathered.
    """

    _durable: DurableState
    presence_tick_s: float
    node: NodeId | None = None
    """Which of several nodes this is; None: it is the only one."""
    nodes: frozenset[NodeId] = frozenset()
    """Those that are there, when somebody looked last."""
    told: int = 0
    """How often other nodes were told of presence in any room."""
    unsure: list[Epoch] = attrs.field(factory=list)
    """Rooms of which others are to be asked and told anew, the next one last."""
    order: Order = attrs.field(factory=Order)
    """What was heard of other nodes."""
    unapplied: deque[Executed] = attrs.field(factory=deque)
    """What this node has committed behind something that it has not heard yet."""
    catch_ups: int = 0
    """How often this node has asked for what others have committed."""
    catching: dict[int, tuple[ConnectionId, Command]] = attrs.field(factory=dict)
    """Who waits for which of them, and with what command."""
    agenda: Agenda = attrs.field(factory=Agenda)
    sessions: dict[SessionId, Session] = attrs.field(factory=dict)
    """Sessions with a connection, and guests' until they end."""
    ended: dict[SessionId, None] = attrs.field(factory=dict)
    """Sessions that ended a moment ago: a look-up may still bring them."""
    connections: dict[ConnectionId, Connection] = attrs.field(factory=dict)
    users_online: int = 0
    barriers: dict[tuple[RoomName, UserName | None], Barrier] = attrs.field(
        factory=dict
    )
    """Changes that are being written: of one's own membership, or without a user of
    what anybody may do in the room."""
    idle: dict[SessionId, int | None] = attrs.field(factory=dict)
    """Idle times of sessions that are not written yet."""
    devices: dict[SessionId, str] = attrs.field(factory=dict)
    """What clients that resumed one call themselves, likewise."""
    verifications: Verifications = attrs.field(factory=Verifications)
    """Who is being looked up."""
    loads: Loads = attrs.field(factory=Loads)
    """What is being read into memory."""
    writing: dict[RoomName, int] = attrs.field(factory=dict)
    """How many drafts of a room are on their way to the store."""
    marks_due: bool = False
    """Whether writing them has a deadline already."""
    untrimmed: dict[RoomName, RoomSettings] = attrs.field(factory=dict)
    """Rooms that may have more than they keep, in the order of asking, with what is set
    of them, or was where they are not in memory."""
    reviewed: RoomName | None = None
    """The last room of a review of all of them that is not over."""
    trimming: bool = False
    """Whether a step of trimming is under way, or has a deadline."""
    subscription_number: int = 0
    reads: dict[tuple[RoomName, UserName], Seq] = attrs.field(factory=dict)
    """Read marks that are not written yet."""
    emptied: dict[RoomName, bool] = attrs.field(factory=dict)
    """Rooms in which nobody is, to be looked at when the turn ends, and whether that
    was so for long."""

    def note_tick(self, tick_s: float) -> None:
        """From now on changes of presence are gathered so long."""
        self.presence_tick_s = tick_s

    # --- sessions -------------------------------------------------------------

    def note_session(self, session: SessionId, user: User) -> Session:
        """A user has a session, which may have no connection yet."""
        user.sessions[session] = None
        return self.sessions.setdefault(session, Session(session, user.name))

    def note_session_ended(self, session: SessionId, now: float) -> Session | None:
        """A session is void: nobody comes back to it, and nothing is due for it.

        Returns:
            The one that was in memory, to be let go of by `forget_session`.
        """
        self.agenda.cancel(Due.GUEST, session)
        self.idle.pop(session, None)
        self.devices.pop(session, None)
        self.ended[session] = None
        self.verifications.note_cut(session)
        self.agenda.add(now + 60, Due.FORGET_SESSION, session)
        return self.sessions.pop(session, None)

    def note_opened(self, connection: Connection) -> None:
        """A socket is there; nobody is behind it yet."""
        self.connections[connection.id] = connection

    def note_resumed(self, session: SessionId, device: str | None) -> None:
        """A session is not idle any more; its client may call itself something."""
        self.idle[session] = None
        if device is not None:
            self.devices[session] = device

    def note_welcomed(
        self, connection: Connection, user: User, session: SessionId, now: float
    ) -> Connection | None:
        """A connection has a user and a session from here on.

        Returns:
            The connection that had the session until now, already detached, so
            that nobody sees the user go or come.
        """
        entry = self.note_session(session, user)
        older = None
        if entry.connection is not None:
            older = self.connections[entry.connection]
            self._forget_connection(older)
            del user.connections[older.id]
        entry.connection = connection.id
        self.verifications.note_over(connection.id)
        self.agenda.cancel(Due.LOGIN, connection.id)
        self.agenda.cancel(Due.GUEST, session)
        self.agenda.cancel(Due.GRACE, user.name)
        self.agenda.cancel(Due.IDLE, user.name)
        connection.user = user.name
        connection.session = session
        user.connections[connection.id] = None
        if user.online:
            self._settle_state(user, now)
            return older
        user.online = True
        self.users_online += 1
        user.state, user.text = State.ONLINE, None
        for name in self._durable.rooms_of(user.name):
            room = self._durable.rooms[name]
            self._note_untold(room, user.name, None, now)
            before = shown_in(room, user.name, None)
            self.unsettle(room, user.name, before, now)
            room.online[user.name] = None
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

        Its session is idle since what is certain of the time: a clock may go back.
        """
        self._forget_connection(connection)
        if connection.user is None or connection.session is None:
            return
        user = self._durable.users[connection.user]
        del user.connections[connection.id]
        session = self.sessions[connection.session]
        session.connection = None
        self.idle[session.id] = certain
        if self.node is not None or not is_guest(user.name):
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
        user = self._durable.users[connection.user]
        del user.connections[connection.id]
        if user.connections:
            self._settle_state(user, now)
        else:
            self.note_offline(user, now)

    def note_offline(self, user: User, now: float) -> None:
        """Nobody is there any more for this user, and no grace is left."""
        user.online = False
        self.users_online -= 1
        self.agenda.cancel(Due.GRACE, user.name)
        shown = user.shown
        for name in self._durable.rooms_of(user.name):
            room = self._durable.rooms[name]
            self._note_untold(room, user.name, shown, now)
            self.unsettle(room, user.name, shown_in(room, user.name, shown), now)
            if room.neighbours is None or not room.neighbours.has(user.name):
                del room.online[user.name]
        if is_guest(user.name):
            self._forget_guest(user, now)
        else:
            self.agenda.add(now + IDLE_S, Due.IDLE, user.name)

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

    def note_read(
        self, room: Room, user: UserName, seq: Seq, *, back: bool = False
    ) -> bool:
        """Move a read mark forward, with `back` also back.

        It is never above the head, nor goes back to what the member may not read.

        Returns:
            Whether it moved.
        """
        if not self._move_mark(room, user, seq, back=back):
            return False
        self.reads[room.name, user] = room.members[user].read
        return True

    def note_read_elsewhere(
        self, room: Room, user: UserName, seq: Seq, *, back: bool
    ) -> bool:
        """Move a read mark that another node writes, as `note_read` does.

        One of the same user that is to be written here goes along: whichever node
        writes later then writes what was said last.
        """
        if not self._move_mark(room, user, seq, back=back):
            return False
        if (room.name, user) in self.reads:
            self.reads[room.name, user] = room.members[user].read
        return True

    def _move_mark(self, room: Room, user: UserName, seq: Seq, *, back: bool) -> bool:
        member = room.members[user]
        seq = min(seq, room.head)
        if back:
            seq = max(seq, Seq(readable_from(room, member) - 1))
        if seq == member.read or not (back or seq > member.read):
            return False
        known = room.returned.pop(user, member.read)
        if seq < known:
            room.returned[user] = known
        member.read = seq
        return True

    def note_written(self, room: Room, user: UserName, seq: Seq) -> None:
        """A message is on disk, and its sender has read it.

        Of several nodes those write the mark where he is, not all that have the room.
        """
        member = room.members.get(user)
        if member is None:
            return
        member.read = seq
        room.returned.pop(user, None)
        if self.node is None or user in self._durable.users:
            self.reads[room.name, user] = seq

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
        frames = self._durable.rooms[room].presence_frames
        entry = Subscription(self.subscription_number, live, id_, names, frames)
        connection.subscriptions[room] = entry
        return entry

    def note_renamed(
        self, room: Room, before: RoomName, now: float
    ) -> list[ConnectionId]:
        """A room is called otherwise: what is live and named by it moves along.

        What is due for the room is asked for anew, since it is asked for by name.

        Returns:
            The connections that follow it, replaying or live.
        """
        settings = self.untrimmed.pop(before, None)
        if settings is not None:
            self.untrimmed[room.name] = settings
        moved = []
        for name in room.members:
            seq = self.reads.pop((before, name), None)
            if seq is not None:
                self.reads[room.name, name] = seq
        for name in room.online:
            known = self._durable.users.get(name)
            for number in known.connections if known is not None else ():
                places = self.connections[number].subscriptions
                place = places.pop(before, None)
                if place is not None:
                    places[room.name] = place
                    moved.append(number)
        for user in room.invited:
            self._ask_anew(
                Due.FORGET_INVITE, (user, before), (user, room.name), now + INVITE_S
            )
        for due, held in ((Due.BAN, room.bans), (Due.MUTE, room.mutes)):
            for user in held:
                self._ask_anew(due, (user, before), (user, room.name), now)
        self._ask_anew(Due.ADDRESS_BANS, before, room.name, now + TIDY_S)
        self._ask_anew(Due.UNHELD, before, room.name, now + IDLE_S)
        self.agenda.cancel(Due.EMPTY, before)
        if not room.members:
            self.emptied[room.name] = False
        self._ask_anew(Due.PRESENCE, before, room.name, now + self.presence_tick_s)
        return moved

    def _ask_anew(
        self, due: Due, before: DeadlineKey, key: DeadlineKey, at: float
    ) -> None:
        """Have a deadline, if there is one, be for what is called otherwise now."""
        if self.agenda.has(due, before):
            self.agenda.cancel(due, before)
            self.agenda.add(at, due, key)

    def note_ended(self, room: Room) -> None:
        """A room is about to be no more, or not in memory: nothing is due for it."""
        for name in room.members:
            self.reads.pop((room.name, name), None)
        for name in room.invited:
            self.agenda.cancel(Due.FORGET_INVITE, (name, room.name))
        for name in room.bans:
            self.agenda.cancel(Due.BAN, (name, room.name))
        for name in room.mutes:
            self.agenda.cancel(Due.MUTE, (name, room.name))
        for due in (Due.PRESENCE, Due.EMPTY, Due.ADDRESS_BANS, Due.UNHELD):
            self.agenda.cancel(due, room.name)

    # --- other nodes ------------------------------------------------------------

    def note_catching(self, connection: ConnectionId, command: Command) -> int:
        """A command waits until this node has caught up with the others.

        Returns:
            By what number.
        """
        self.catch_ups += 1
        self.catching[self.catch_ups] = connection, command
        return self.catch_ups

    def take_caught_up(self, number: int) -> list[tuple[int, ConnectionId, Command]]:
        """Say who need not wait any more, since one catching up is over."""
        over = [one for one in self.catching if one <= number]
        return [(one, *self.catching.pop(one)) for one in over]

    def note_session_taken(self, entry: Session) -> None:
        """Another node has a session, which had no connection here any more."""
        del self.sessions[entry.id]
        del self._durable.users[entry.user].sessions[entry.id]
        self.idle.pop(entry.id, None)
        self.devices.pop(entry.id, None)

    # --- what is being written ------------------------------------------------

    def note_given(self, draft: Draft) -> None:
        """A draft is on its way to the store."""
        for room in rooms_of(draft):
            self.writing[room] = self.writing.get(room, 0) + 1

    def note_known(self, draft: Draft) -> None:
        """It is known what became of a draft."""
        for room in rooms_of(draft):
            left = self.writing.get(room, 1) - 1
            if left:
                self.writing[room] = left
            else:
                self.writing.pop(room, None)

    # --- who is in a room -----------------------------------------------------

    def note_entered(self, room: Room, name: UserName, now: float) -> None:
        """Somebody is a member from here on."""
        self.agenda.cancel(Due.EMPTY, room.name)
        if name in room.online:
            return  # it was known that he is here
        user = self._durable.users.get(name)
        is_here = user is not None and user.online
        if is_here:
            self._note_untold(room, name, None, now)
        if is_here or (room.neighbours is not None and room.neighbours.has(name)):
            self.unsettle(room, name, None, now)
            room.online[name] = None

    def note_leaving(self, room: Room, name: UserName, now: float) -> None:
        """Somebody is about to be a member no more."""
        if name in room.online:
            here = self.here(name)
            if here is not None:
                self._note_untold(room, name, here, now)
            self.unsettle(room, name, shown_in(room, name, here), now)
            del room.online[name]
        self.reads.pop((room.name, name), None)
        room.returned.pop(name, None)
        if len(room.members) == 1:
            self.emptied[room.name] = False

    def note_unheld(self, room: Room, now: float) -> None:
        """A room may have lost the last of those who hold it in memory."""
        if not room.held and not room.declared:
            self.agenda.add(now + IDLE_S, Due.UNHELD, room.name)

    def note_muting(self, room: Room, name: UserName, now: float) -> None:
        """Somebody is about to be muted, or heard again: he is shown otherwise then."""
        if name in room.online:
            self.unsettle(room, name, shown_in(room, name, self.here(name)), now)

    def note_untrimmed(self, room: Room, now: float) -> None:
        """A room may have more than it keeps."""
        if room.settings.trims:
            self.untrimmed[room.name] = room.settings
            self.go_on_trimming(now)

    def go_on_trimming(self, at: float) -> None:
        """Have a step of trimming done, if one is needed and none is on its way."""
        if self.untrimmed and not self.trimming:
            self.trimming = True
            self.agenda.add(at, Due.TRIM, None)

    # --- presence -----------------------------------------------------------

    def here(self, name: UserName) -> UserShown | None:
        """How a user is shown who is on this node; None: he is not."""
        user = self._durable.users.get(name)
        return user.shown if user is not None and user.online else None

    def show_change(self, user: User, before: UserShown, now: float) -> None:
        """Unsettle the user's rooms if he is shown otherwise than before."""
        after = user.shown
        if not user.online or after == before:
            return
        for name in self._durable.rooms_of(user.name):
            room = self._durable.rooms[name]
            self._note_untold(room, user.name, before, now)
            view = shown_in(room, user.name, before)
            if view != shown_in(room, user.name, after):
                self.unsettle(room, user.name, view, now)

    def unsettle(
        self, room: Room, user: UserName, before: UserShown | None, now: float
    ) -> None:
        """Remember how a user was shown when the tick began."""
        if not room.unsettled:
            self.expect_tick(room, now + self.presence_tick_s)
        room.unsettled.setdefault(user, [before])

    def expect_tick(self, room: Room, at: float) -> None:
        """Have a room's presence looked at by then."""
        if not self.agenda.has(Due.PRESENCE, room.name):
            self.agenda.add(at, Due.PRESENCE, room.name)

    def neighbours(self, room: Room) -> Neighbours:
        """What nodes have told each other of a room; there are others."""
        if room.neighbours is None:
            assert self.node is not None
            room.neighbours = Neighbours(self.node)
        return room.neighbours

    def _note_untold(
        self, room: Room, user: UserName, before: UserShown | None, now: float
    ) -> None:
        """Remember how other nodes know a user who is here otherwise from here on."""
        if self.node is None:
            return
        self.expect_tick(room, now + self.presence_tick_s)
        self.neighbours(room).untold.setdefault(user, before)

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
        self.verifications.note_over(connection.id)
        self.agenda.cancel(Due.LOGIN, connection.id)
        self.agenda.cancel(Due.EXPIRY, connection.id)

    def _forget_guest(self, user: User, now: float) -> None:
        """Let go of a guest of whom nothing is left; his name stays taken."""
        if not is_guest(user.name) or user.sessions or user.online:
            return
        durable = self._durable
        if self.node is None:
            for name in list(durable.invites.get(user.name, ())):
                self.agenda.cancel(Due.FORGET_INVITE, (user.name, name))
                durable.drop_invite(user.name, durable.rooms[name])
                self.note_unheld(durable.rooms[name], now)
        durable.drop_user(user)
        # He may be somebody on another node still.
        for name in (*durable.rooms_of(user.name), *durable.invites.get(user.name, ())):
            self.note_unheld(durable.rooms[name], now)

    def forget_session(self, entry: Session, now: float) -> None:
        """Let go of a session that nobody has any more, and of a guest with his last.

        His memberships have ended before.
        """
        user = self._durable.users[entry.user]
        del user.sessions[entry.id]
        self._forget_guest(user, now)
