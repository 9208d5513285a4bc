"""The chat as one machine: an input and a moment in, effects out.

`Machine.handle` is the only way in. It never waits, never asks for the time and
never raises for anything a client did: what a client did wrong is an `error`
among the effects. An exception that leaves it is a bug of this program.

The order of one connection's commands is kept here. A command runs at once
unless the connection has a `Block`; then it waits behind it, and runs in the
turn that lifts the block. Every command that was received is answered by exactly
one `Answer`, also when that says nothing (`reply` None).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs

from chatd.config import Config, LiveConfig
from chatd.core import conclusion, deadlines, inputs, loading, presence, rate_limits
from chatd.core.agenda import Due
from chatd.core.cluster import again, committed
from chatd.core.cluster import ephemeral as ephemeral_of_nodes
from chatd.core.cluster import presence as presence_of_nodes
from chatd.core.commands import RULES, Rule, accounts, operator, refuse
from chatd.core.commands.look_ups import FETCHES, LOOK_UPS
from chatd.core.commands.rooms import lifecycle, membership
from chatd.core.commands.sessions import hello
from chatd.core.effects import Charge, Effect
from chatd.core.entities import Barrier, Block, Connection, Sent
from chatd.core.inputs import Input, Now
from chatd.core.loads import Waiting
from chatd.core.principal import HashedPassword
from chatd.core.queries import CountUnread
from chatd.core.quota import Shares, Space, full_bucket, space_of
from chatd.core.state import Chat
from chatd.core.turn import Turn
from chatd.errors import Reject, RejectCode
from chatd.ids import Epoch, RoomName, is_private, is_public
from chatd.wire.accounts import Register
from chatd.wire.commands import Command
from chatd.wire.events import Presence
from chatd.wire.malformed import BadCommand
from chatd.wire.rooms import Create
from chatd.wire.sessions import Hello

MALFORMED_BURST = 20
MALFORMED_PER_S = 0.1
"""The bucket of malformed frames. Source: protocol section 8, close code 4502."""


class Machine:
    """The chat's rules and state, driven from outside.

    Args:
        chat: The state, filled from the store's snapshot.
        config: The settings in force.
        new_epoch: Draws 64 random bits as 16 hexadecimal digits.
        server: What `welcome` calls this program, name and version.
        page: The version of the page that comes with it; `""` for none.
    """

    def __init__(
        self,
        chat: Chat,
        config: LiveConfig,
        new_epoch: Callable[[], Epoch],
        server: str,
        page: str = "",
    ) -> None:
        self.chat = chat
        # One for all inputs: making it costs as much as most of them.
        now, shares = Now(0.0, 0), Shares()
        self._turn = Turn(chat, config.current, now, new_epoch, server, shares, page)
        config.follow(self._adjust)

    def _adjust(self, config: Config) -> None:
        """Decide by these settings from the next input on."""
        self._turn.config = config
        self._turn.shares.adjust(config.limits)
        self.chat.live.note_tick(config.presence.tick_s)

    def handle(self, happened: Input, now: Now) -> list[Effect]:
        """Take one input.

        Args:
            happened: What the edge has learned.
            now: The moment; `mono` never goes back.

        Returns:
            What to do, in this order.
        """
        turn = self._turn
        turn.now, turn.effects = now, []
        _HANDLERS[type(happened)](self, turn, happened)
        live = turn.live
        if live.emptied:
            lifecycle.look_at_emptied(turn)
        while turn.released:
            self._go_on(turn, turn.released.pop(0))
        if live.reads or live.idle:
            deadlines.schedule_marks(turn)
        return turn.effects

    def next_deadline(self) -> float | None:
        """When `TimePassed` should come next, in the seconds of `Now.mono`."""
        return self.chat.live.agenda.next()

    @property
    def space(self) -> Space:
        """Who may add to the store."""
        return self._turn.space

    def lead(self, *, on: bool) -> None:
        """Do what is due for all of several nodes, or leave that to another one."""
        self._turn.leads = on

    def missed_presence(self, room: RoomName) -> Presence:
        """The whole presence of a room, for connections that missed differences."""
        names_max = self._turn.config.presence.names_max
        return presence.whole(self.chat, self.chat.durable.rooms[room], names_max)

    # --- connections and their commands -------------------------------------

    def _opened(self, turn: Turn, happened: inputs.Opened) -> None:
        bucket = full_bucket(MALFORMED_PER_S, MALFORMED_BURST, turn.now.mono)
        connection = Connection(happened.connection, bucket, happened.address)
        connection.opened = turn.now.wall
        self.chat.live.note_opened(connection)
        if happened.is_operator:
            connection.is_operator = True
            return
        at = turn.now.mono + turn.config.auth.login_timeout_s
        self.chat.live.agenda.add(at, Due.LOGIN, happened.connection)

    def _closed(self, turn: Turn, happened: inputs.Closed) -> None:
        connection = self.chat.live.connections.get(happened.connection)
        if connection is None:
            return
        now = turn.now
        self.chat.live.note_closed(
            connection, now.mono, now.certain, turn.config.presence.grace_s
        )
        waiting = self.chat.live.loads.note_gone(connection.id)
        if waiting is not None:
            self._wake(turn, None, waiting)
        session = connection.session
        if session in self.chat.live.sessions:
            at = now.mono + turn.config.auth.guest_hold_s
            self.chat.live.agenda.add(at, Due.GUEST, session)

    def _received(self, turn: Turn, happened: inputs.Received) -> None:
        """Handle what a connection has sent, behind all that it sent before."""
        connection = turn.chat.connection(happened.connection)
        if connection is None:
            turn.answer(happened.connection, None)
        elif connection.block is not None:
            connection.waiting.append(happened.sent)
        else:
            self._execute(turn, connection, happened.sent)

    def _go_on(self, turn: Turn, connection: Connection) -> None:
        """Run what waits, until something blocks again."""
        if connection.undecided is not None:
            again.go_on(turn, connection)
        while connection.block is None and connection.waiting:
            self._execute(turn, connection, connection.waiting.pop(0))

    def _execute(self, turn: Turn, connection: Connection, command: Sent) -> None:
        """Check one command against its rule, and run it."""
        if isinstance(command, BadCommand):
            self._refuse_malformed(turn, connection, command)
            return
        if self.chat.durable.aliases:
            command = self._renamed(command)
        rule = RULES[type(command)]
        if connection.user is None and not _may_begin(connection, rule):
            self._refuse_malformed(turn, connection, _too_early(connection, command))
            return
        if self._must_wait(connection, rule, command):
            connection.sought = frozenset()
            connection.waiting.insert(0, command)
            return
        room = getattr(command, "room", None)
        if room is not None and self._must_read(connection, room):
            loading.await_room(turn, connection, Waiting(command), room)
            return
        if rule.cost > 1:
            turn.want(Charge(connection.id, rule.cost - 1))
        try:
            if rule.grows and turn.space is not Space.AMPLE:
                rate_limits.may_grow(turn, turn.user(connection).name)
            if connection.scope is not None:
                accounts.check_scope(turn, connection, command)
            if rule.member:
                turn.member_room(connection, command.room)  # type: ignore[union-attr, arg-type]
            rule.run(turn, connection, command)
        except Reject as reject:
            connection.sought = frozenset()
            refuse(turn, connection, command, reject)
            return
        if connection.sought and connection.id not in self.chat.live.loads.waiting:
            connection.sought = frozenset()
        if rule.draft is not None and connection.block is None:
            connection.open_drafts += 1
            draft = rule.draft(turn, connection, command)
            if rule.complete is not None:
                rule.complete(turn, connection, draft)
            if rule.barrier:
                self.chat.live.barriers[draft.room, None] = Barrier(draft)
            turn.append(draft, connection, command)

    def _renamed(self, command: Command) -> Command:
        """The same command, if it names a room by what that was called before.

        Not `create`: what its cid has made was asked for by that name.
        """
        name = self.chat.durable.aliases.get(getattr(command, "room", RoomName("")))
        if name is None or isinstance(command, Create):
            return command
        changes: dict[str, Any] = {"room": name}
        return attrs.evolve(command, **changes)

    def _must_read(self, connection: Connection, room: RoomName) -> bool:
        """Whether a room has to be read first that a command names."""
        if room in self.chat.durable.rooms or room in connection.sought:
            return False
        # The private ones that others may know of are in memory with them.
        return is_public(room) or (connection.is_operator and is_private(room))

    def _must_wait(self, connection: Connection, rule: Rule, command: Command) -> bool:
        """Whether something before this command has to be known first."""
        if rule.settles and connection.open_drafts:
            connection.block = Block.OWN_DRAFTS
            return True
        if not self.chat.live.barriers:
            return False
        room = getattr(command, "room", None)
        user = None if room is None else connection.user
        if room is not None and (user is not None or connection.is_operator):
            barriers = self.chat.live.barriers
            barrier = barriers.get((room, None)) or barriers.get((room, user))
            # Not who cannot see the room: his refusal comes as fast as for none.
            if barrier is not None and (
                user is None
                or self.chat.durable.may_know(user, room, self._turn.now.sure)
            ):
                barrier.waiting.append(connection.id)
                connection.block = Block.BARRIER
                return True
        return False

    # --- malformed frames ---------------------------------------------------

    def _refuse_malformed(
        self, turn: Turn, connection: Connection, bad: BadCommand
    ) -> None:
        """Answer a frame that is no command, after every reply that is due before."""
        if connection.open_drafts:
            connection.block = Block.OWN_DRAFTS
            connection.waiting.insert(0, bad)
        else:
            turn.refuse_frame(connection.id, bad)

    def _executed(self, turn: Turn, happened: inputs.Executed) -> None:
        if turn.live.node is None:
            conclusion.take(turn, happened)
        else:
            committed.executed(turn, happened)

    # --- what was read into memory -------------------------------------------

    def _fetched(self, turn: Turn, happened: inputs.Fetched[Any, Any]) -> None:
        """Take it, and go on with the commands that have waited for it."""
        woken = FETCHES[type(happened.query)].take(turn, happened)
        if turn.live.node is not None:
            committed.rooms_read(turn)
        for number, waiting in woken:
            self._wake(turn, turn.chat.connection(number), waiting)

    def _wake(
        self, turn: Turn, connection: Connection | None, waiting: Waiting
    ) -> None:
        """Go on with a command that has waited, if its connection is there."""
        command, so_far = waiting.command, waiting.so_far
        if connection is None:
            if isinstance(so_far, CountUnread):
                hello.uncounted(turn, so_far)
        elif isinstance(command, Hello):
            assert isinstance(so_far, CountUnread)
            hello.go_on(turn, connection, command, so_far)
        elif isinstance(command, Register):
            assert isinstance(so_far, HashedPassword)
            accounts.enroll(turn, connection, command, so_far)
        else:
            connection.waiting.insert(0, command)
            turn.release(connection)

    # --- look-ups that have come back ---------------------------------------

    def _answered(
        self, turn: Turn, happened: inputs.Answered[Command, Any, Any]
    ) -> None:
        """Let whoever asked have what was read, or refuse the command."""
        connection = turn.chat.connection(happened.connection)
        if connection is None:
            self._abandoned(turn, inputs.Abandoned(happened.query))
        elif isinstance(happened.answer, Reject):
            turn.refuse(connection.id, happened.command, happened.answer)
        else:
            LOOK_UPS[type(happened.query)].answer(turn, connection, happened)

    def _abandoned(self, turn: Turn, happened: inputs.Abandoned[Any]) -> None:
        """Let go of what a command has begun that comes to nothing."""
        row = LOOK_UPS[type(happened.query)]
        if row.gone is not None:
            row.gone(turn, happened.query)

    def _replayed(self, turn: Turn, happened: inputs.Replayed) -> None:
        connection = turn.chat.connection(happened.connection)
        if connection is None:
            return
        name = self.chat.durable.name_now(happened.room)
        entry = connection.subscriptions.get(name)
        if entry is not None and entry.number == happened.subscription:
            membership.replayed(turn, connection, name, happened.at)

    # --- time ---------------------------------------------------------------

    def _time_passed(self, turn: Turn, _happened: inputs.TimePassed) -> None:
        deadlines.pass_time(turn)

    def _measured(self, turn: Turn, happened: inputs.SpaceMeasured) -> None:
        bytes_min = turn.config.store.free_bytes_min
        turn.space = space_of(happened.free_bytes, bytes_min, turn.space)

    def _seen(self, turn: Turn, happened: inputs.Seen) -> None:
        operator.seen(turn, happened)

    # --- what the configuration wants -----------------------------------------

    def _sought(self, turn: Turn, happened: inputs.RoomsSought) -> None:
        loading.seek_rooms(turn, happened.rooms)

    def _drafted(self, turn: Turn, happened: inputs.Drafted) -> None:
        for draft in happened.drafts:
            turn.append(draft)

    def _stopping(self, turn: Turn, _happened: inputs.Stopping) -> None:
        deadlines.save_marks(turn)


def _plainly(
    take: Callable[[Turn, Any], None],
) -> Callable[[Machine, Turn, Any], None]:
    """Let `take` have what comes from other nodes."""
    return lambda _machine, turn, happened: take(turn, happened)


def _for_connection(
    take: Callable[[Turn, Connection, Any], None],
) -> Callable[[Machine, Turn, Any], None]:
    """Let `take` have what comes back for a connection, if that is still there."""

    def handle(_machine: Machine, turn: Turn, happened: Any) -> None:
        connection = turn.chat.connection(happened.connection)
        if connection is not None:
            take(turn, connection, happened)

    return handle


def _may_begin(connection: Connection, rule: Rule) -> bool:
    """Whether a connection without a user may use a command."""
    return rule.operator if connection.is_operator else rule.hello


def _too_early(connection: Connection, command: Command) -> BadCommand:
    """The refusal of whatever comes before hello, or where there is none."""
    code, text = (
        RejectCode.NOT_AUTHENTICATED,
        'say {"type":"hello"} before anything else',
    )
    if connection.is_operator:
        code, text = (
            RejectCode.FORBIDDEN,
            "the admin socket is for the operator's commands: chat elsewhere",
        )
    frame = {"type": command.type, "id": command.id}
    frame["cid"] = getattr(command, "cid", None)
    return BadCommand(code, text, frame=frame)


_HANDLERS: dict[type[Input], Callable[[Machine, Turn, Any], None]] = {
    inputs.Opened: Machine._opened,
    inputs.Received: Machine._received,
    inputs.Authenticated: _for_connection(hello.authenticated),
    inputs.Executed: Machine._executed,
    inputs.Replayed: Machine._replayed,
    inputs.Answered: Machine._answered,
    inputs.Abandoned: Machine._abandoned,
    inputs.Fetched: Machine._fetched,
    inputs.AuthenticationFailed: _for_connection(hello.not_authenticated),
    inputs.Seen: Machine._seen,
    inputs.SecretChecked: _for_connection(accounts.checked),
    inputs.SecretRefused: _for_connection(accounts.unchecked),
    inputs.Closed: Machine._closed,
    inputs.SpaceMeasured: Machine._measured,
    inputs.RoomsSought: Machine._sought,
    inputs.Drafted: Machine._drafted,
    inputs.TimePassed: Machine._time_passed,
    inputs.Stopping: Machine._stopping,
    inputs.Heard: _plainly(committed.heard),
    inputs.CaughtUp: _plainly(committed.caught_up),
    inputs.Told: _plainly(ephemeral_of_nodes.told),
    inputs.NodesSeen: _plainly(presence_of_nodes.seen),
    inputs.Followed: _plainly(presence_of_nodes.followed),
    inputs.Missed: _plainly(presence_of_nodes.missed),
}
