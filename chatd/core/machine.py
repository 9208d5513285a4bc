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

from chatd.config import Config
from chatd.core import deadlines, drafts, inputs, presence, retention
from chatd.core.agenda import Due
from chatd.core.commands import (
    RULES,
    Rule,
    lookups,
    moderation,
    rooms,
    searches,
    sessions,
    timeline,
)
from chatd.core.effects import Effect, Origin
from chatd.core.entities import Barrier, Block, Connection, Sent, User
from chatd.core.inputs import Input, Now
from chatd.core.quota import full_bucket
from chatd.core.state import Chat
from chatd.core.turn import Turn
from chatd.errors import MALFORMED, Ending, Reject, RejectCode
from chatd.ids import Epoch, RoomName, UserName, is_guest
from chatd.wire.codec import BadCommand
from chatd.wire.commands import Command
from chatd.wire.events import Presence
from chatd.wire.replies import Refusal

MALFORMED_BURST = 20
MALFORMED_PER_S = 0.1
"""The bucket of malformed frames. Source: protocol section 8, close code 4502."""


class Machine:
    """The chat's rules and state, driven from outside.

    Args:
        chat: The state, filled from the store's snapshot.
        config: The settings.
        new_epoch: Draws 64 random bits as 16 hexadecimal digits.
        server: What `welcome` calls this program, name and version.
    """

    def __init__(
        self, chat: Chat, config: Config, new_epoch: Callable[[], Epoch], server: str
    ) -> None:
        self.chat = chat
        self._config = config
        # One for all inputs: making it costs as much as most of them.
        self._turn = Turn(chat, config, Now(0.0, 0), new_epoch, server)

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
        while turn.released:
            self._go_on(turn, turn.released.pop(0))
        if self.chat.reads or self.chat.idle:
            deadlines.schedule_marks(turn)
        return turn.effects

    def next_deadline(self) -> float | None:
        """When `TimePassed` should come next, in the seconds of `Now.mono`."""
        return self.chat.agenda.next()

    def missed_presence(self, room: RoomName) -> Presence:
        """A frame that makes up for differences a connection was spared."""
        names_max = self._config.presence.names_max
        return presence.whole(self.chat, self.chat.rooms[room], names_max)

    # --- connections and their commands -------------------------------------

    def _opened(self, turn: Turn, happened: inputs.Opened) -> None:
        bucket = full_bucket(MALFORMED_PER_S, MALFORMED_BURST, turn.now.mono)
        self.chat.note_opened(Connection(happened.connection, bucket))
        at = turn.now.mono + self._config.auth.login_timeout_s
        self.chat.agenda.add(at, Due.LOGIN, happened.connection)

    def _closed(self, turn: Turn, happened: inputs.Closed) -> None:
        connection = self.chat.connections.get(happened.connection)
        if connection is None:
            return
        now = turn.now
        self.chat.note_closed(
            connection, now.mono, now.wall, self._config.presence.grace_s
        )
        session = connection.session
        if session in self.chat.sessions:
            at = now.mono + self._config.auth.guest_hold_s
            self.chat.agenda.add(at, Due.GUEST, session)

    def _received(self, turn: Turn, happened: inputs.Received) -> None:
        """Handle what a connection has sent, behind all that it sent before."""
        connection = turn.connection(happened.connection)
        if connection is None:
            turn.answer(happened.connection, None)
        elif connection.block is not None:
            connection.waiting.append(happened.sent)
        else:
            self._execute(turn, connection, happened.sent)

    def _go_on(self, turn: Turn, connection: Connection) -> None:
        """Run what waits, until something blocks again."""
        while connection.block is None and connection.waiting:
            self._execute(turn, connection, connection.waiting.pop(0))

    def _execute(self, turn: Turn, connection: Connection, command: Sent) -> None:
        """Check one command against its rule, and run it."""
        if isinstance(command, BadCommand):
            self._refuse_malformed(turn, connection, command)
            return
        rule = RULES[type(command)]
        if connection.user is None and not rule.hello:
            self._refuse_malformed(turn, connection, _too_early(command))
            return
        if self._must_wait(connection, rule, command):
            connection.waiting.insert(0, command)
            return
        try:
            if rule.member:
                turn.member_room(connection, command.room)  # type: ignore[union-attr, arg-type]
            rule.run(turn, connection, command)
        except Reject as reject:
            self._refuse(turn, connection, rule, command, reject)
            return
        if rule.draft is not None and connection.block is None:
            connection.open_drafts += 1
            draft = rule.draft(turn, connection, command)
            if rule.barrier:
                self.chat.barriers[draft.room, None] = Barrier(draft)
            turn.append(draft, connection, command)

    def _must_wait(self, connection: Connection, rule: Rule, command: Command) -> bool:
        """Whether something before this command has to be known first."""
        if rule.settles and connection.open_drafts:
            connection.block = Block.OWN_DRAFTS
            return True
        if not self.chat.barriers:
            return False
        room = getattr(command, "room", None)
        if room is not None and connection.user is not None:
            barriers = self.chat.barriers
            barrier = barriers.get((room, None)) or barriers.get(
                (room, connection.user)
            )
            # Not who cannot see the room: his refusal comes as fast as for none.
            if barrier is not None and self.chat.may_know(connection.user, room):
                barrier.waiting.append(connection.id)
                connection.block = Block.BARRIER
                return True
        return False

    def _refuse(
        self,
        turn: Turn,
        connection: Connection,
        rule: Rule,
        command: Command,
        reject: Reject,
    ) -> None:
        """Answer with `error`: through the writer where the order or a cid asks.

        A `cid` may have been stored before, and then the truth is that it was;
        and a reply to a durable command never overtakes an earlier one's.
        """
        cid = getattr(command, "cid", None)
        if rule.draft is None or (cid is None and not connection.open_drafts):
            turn.refuse(connection.id, command, reject)
            return
        otherwise = drafts.Refused(
            reject.code, reject.text, reject.field, reject.retry_after_s
        )
        draft = rule.draft(turn, connection, command) if cid is not None else None
        connection.open_drafts += 1
        turn.append(drafts.Recall(draft, otherwise), connection, command)

    # --- malformed frames ---------------------------------------------------

    def _refuse_malformed(
        self, turn: Turn, connection: Connection, bad: BadCommand
    ) -> None:
        """Answer a frame that is no command, after every reply that is due before."""
        if connection.open_drafts:
            connection.block = Block.OWN_DRAFTS
            connection.waiting.insert(0, bad)
            return
        reply = Refusal(
            code=bad.code,
            text=bad.text,
            re=bad.re,
            field=bad.field,
            cid=bad.cid,
            id=bad.id,
        )
        turn.answer(connection.id, reply)
        if bad.code in MALFORMED and connection.malformed.take(turn.now.mono):
            turn.finish(connection, Ending.MALFORMED)

    # --- outcomes -----------------------------------------------------------

    def _executed(self, turn: Turn, happened: inputs.Executed) -> None:
        origin, outcome = happened.origin, happened.outcome
        match origin.draft:
            case drafts.Recall() as draft:
                timeline.recalled(turn, origin, draft, outcome)
                self._close_draft(turn, origin)
            case drafts.SetMember() as draft:
                rooms.changed(turn, happened, draft)
                self._lift(turn, happened, draft.room, draft.user)
            case drafts.Moderate() as draft:
                moderation.moderated(turn, origin, draft, outcome)
                self._lift(turn, happened, draft.room)
                self._close_draft(turn, origin)
            case drafts.SetRoom() as draft:
                moderation.changed(turn, origin, draft, outcome)
                self._lift(turn, happened, draft.room)
                self._close_draft(turn, origin)
            case drafts.CreateRoom() as draft:
                rooms.created(turn, origin, draft, outcome)
            case drafts.OpenSession() as draft:
                sessions.opened(turn, origin, draft, outcome)
            case drafts.EndSession() as draft:
                sessions.ended(turn, origin, draft, outcome)
                if isinstance(outcome, drafts.Refused) and origin.connection is None:
                    deadlines.hold_guest(turn, draft)
            case drafts.SetDisplay() as draft:
                sessions.renamed(turn, origin, draft, outcome)
            case drafts.SaveMarks() as draft:
                self._marks_saved(draft, outcome)
            case drafts.TrimRoom() as draft:
                retention.trimmed(turn, draft, outcome)
            case (
                drafts.NewMessage()
                | drafts.EditMessage()
                | drafts.DeleteMessage()
                | drafts.SetReaction()
            ) as draft:
                timeline.executed(turn, origin, draft, outcome)
                self._close_draft(turn, origin)
            case _:
                """What the edge keeps for itself: a password's new hash."""

    def _lift(
        self,
        turn: Turn,
        happened: inputs.Executed,
        room: RoomName,
        user: UserName | None = None,
    ) -> None:
        """Lift the barrier of a change whose outcome is known for good."""
        if not happened.final:
            return
        for whose in (user, None):
            barrier = self.chat.barriers.get((room, whose))
            if barrier is None or barrier.draft is not happened.origin.draft:
                continue
            del self.chat.barriers[room, whose]
            for number in barrier.waiting:
                waiting = turn.connection(number)
                if waiting is not None:
                    turn.release(waiting)

    def _close_draft(self, turn: Turn, origin: Origin) -> None:
        """Count a durable command as answered; what waited for it goes on."""
        connection = turn.connection(origin.connection)
        if connection is None:
            return
        connection.open_drafts -= 1
        if connection.block is Block.OWN_DRAFTS and not connection.open_drafts:
            turn.release(connection)

    def _marks_saved(self, draft: drafts.SaveMarks, outcome: drafts.Outcome) -> None:
        """Keep what could not be written for the next time."""
        if isinstance(outcome, drafts.Refused):
            self.chat.reads = draft.reads | self.chat.reads
            self.chat.idle = draft.idle | self.chat.idle

    # --- look-ups that have come back ---------------------------------------

    def _authenticated(self, turn: Turn, happened: inputs.Authenticated) -> None:
        connection = turn.connection(happened.connection)
        if connection is not None:
            sessions.authenticated(turn, connection, happened)

    def _counted(self, turn: Turn, happened: inputs.UnreadCounted) -> None:
        connection = turn.connection(happened.connection)
        if connection is not None:
            sessions.counted(turn, connection, happened)
        elif not happened.principal.resumed:
            sessions.unclaimed(turn, happened.principal.session)

    def _user_found(self, turn: Turn, happened: inputs.UserFound) -> None:
        connection = turn.connection(happened.connection)
        if connection is None:
            return
        is_gone = is_guest(happened.user) and happened.user not in self.chat.users
        if happened.found is None or is_gone:
            reject = timeline.no_user(happened.command, happened.user)
            connection.block = None
            rule = RULES[type(happened.command)]
            self._refuse(turn, connection, rule, happened.command, reject)
        else:
            self.chat.note_user(User(*happened.found))
            connection.waiting.insert(0, happened.command)
        turn.release(connection)

    def _not_authenticated(
        self, turn: Turn, happened: inputs.AuthenticationFailed
    ) -> None:
        connection = turn.connection(happened.connection)
        if connection is not None:
            sessions.refused(turn, connection, happened.hello, happened.reject)

    def _history_read(self, turn: Turn, happened: inputs.HistoryRead) -> None:
        connection = turn.connection(happened.connection)
        if connection is not None:
            lookups.history_read(turn, connection, happened)

    def _found(self, turn: Turn, happened: inputs.MessagesFound) -> None:
        connection = turn.connection(happened.connection)
        if connection is not None:
            searches.found(turn, connection, happened)

    def _not_searched(self, turn: Turn, happened: inputs.SearchRefused) -> None:
        connection = turn.connection(happened.connection)
        if connection is not None:
            turn.refuse(connection.id, happened.command, happened.reject)

    def _replayed(self, turn: Turn, happened: inputs.Replayed) -> None:
        connection = turn.connection(happened.connection)
        if connection is None:
            return
        entry = connection.subscriptions.get(happened.room)
        if entry is not None and entry.number == happened.subscription:
            rooms.replayed(turn, connection, happened.room, happened.at)

    # --- time ---------------------------------------------------------------

    def _time_passed(self, turn: Turn, _happened: inputs.TimePassed) -> None:
        deadlines.pass_time(turn)

    def _stopping(self, turn: Turn, _happened: inputs.Stopping) -> None:
        deadlines.save_marks(turn)


def _too_early(command: Command) -> BadCommand:
    """The refusal of whatever comes before hello."""
    text = 'say {"type":"hello"} before anything else'
    frame = {"type": command.type, "id": command.id}
    frame["cid"] = getattr(command, "cid", None)
    return BadCommand(RejectCode.NOT_AUTHENTICATED, text, frame=frame)


_HANDLERS: dict[type[Input], Callable[[Machine, Turn, Any], None]] = {
    inputs.Opened: Machine._opened,
    inputs.Received: Machine._received,
    inputs.Authenticated: Machine._authenticated,
    inputs.UnreadCounted: Machine._counted,
    inputs.UserFound: Machine._user_found,
    inputs.Executed: Machine._executed,
    inputs.Replayed: Machine._replayed,
    inputs.HistoryRead: Machine._history_read,
    inputs.MessagesFound: Machine._found,
    inputs.SearchRefused: Machine._not_searched,
    inputs.AuthenticationFailed: Machine._not_authenticated,
    inputs.Closed: Machine._closed,
    inputs.TimePassed: Machine._time_passed,
    inputs.Stopping: Machine._stopping,
}
