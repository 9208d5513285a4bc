"""What became of drafts: changes are applied, and who caused them is answered.

What changes and who else is told of it, `chatd.core.applying` says, whoever has caused
it. Here is the rest of what an outcome means:

* The command that made the draft is concluded, as its row in `RULES` says. Its reply
  comes before the event of its own change, and before all that the change makes of its
  user's connections; where the row says `last` it comes behind them, since it counts
  them in already.
* What live state took for granted when it gave the draft is taken back where the draft
  did not become a change (`_UNDONE`).
* A command that was decided on what other nodes had changed is decided again
  (`chatd.core.cluster.again`).
* A durable command is closed, and who waited for that goes on; a barrier is lifted,
  when its outcome is known for good.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, get_args

import attrs

from chatd.core import drafts, loading, retention, slowmode
from chatd.core.applying import apply
from chatd.core.changes import Change, event_of
from chatd.core.cluster import again
from chatd.core.cluster.commits import stream_of_room
from chatd.core.cluster.messages import ReadTold
from chatd.core.commands import RULES, Rule, farewell, operator
from chatd.core.commands.rooms import lifecycle
from chatd.core.commands.sessions import hello, logout
from chatd.core.drafts import Outcome, SaveMarks, Stale
from chatd.core.effects import Origin, Publish, Tell
from chatd.core.entities import Block, Connection
from chatd.core.inputs import Executed
from chatd.core.turn import Turn
from chatd.errors import RejectCode
from chatd.ids import RoomName, UserName
from chatd.wire.commands import Command


def take(turn: Turn, happened: Executed) -> None:
    """Take the outcome of one draft."""
    origin, outcome = happened.origin, happened.outcome
    draft, kind = origin.draft, type(origin.draft)
    if not isinstance(outcome, drafts.Committed) and kind in _UNDONE:
        _UNDONE[kind](turn, origin, draft, outcome)
    elif kind is SaveMarks and turn.live.node is not None:
        _tell_saved(turn, draft)  # type: ignore[arg-type]
    if happened.final:
        turn.live.note_known(draft)
    connection = turn.chat.connection(origin.connection)
    if connection is not None and origin.command is not None:
        if isinstance(outcome, Stale):
            _decide_again(turn, connection, origin.command, happened)
        elif not _is_drawn_again(origin, outcome):
            _conclude(turn, connection, origin.command, happened)
    else:
        for change in _changes_of(outcome):
            turn.apply(change)
        if kind is drafts.OpenSession and isinstance(outcome, drafts.Committed):
            hello.unclaimed(turn, draft.session)  # type: ignore[union-attr]
        elif kind is drafts.HoldSession:
            hello.unheld(turn, draft.session)  # type: ignore[union-attr]
        elif isinstance(draft, drafts.RecordAct) and isinstance(
            outcome, drafts.Committed
        ):
            operator.carry_out(turn, draft)
    if kind is drafts.TrimRoom:
        retention.go_on(turn, draft, outcome)  # type: ignore[arg-type]
    if turn.live.barriers and isinstance(draft, _BARRIERS):
        user = draft.user if isinstance(draft, drafts.SetMember) else None
        _lift(turn, happened, draft.room, user)
    if connection is not None and kind in _OF_COMMANDS:
        _close_draft(turn, connection)
    if turn.live.loads.ahead:
        loading.known(turn, draft)


# --- what a command is answered -----------------------------------------------


def _conclude(
    turn: Turn, connection: Connection, command: Command, happened: Executed
) -> None:
    """Apply what a command has changed, and answer it in the right place."""
    rule, changes = RULES[type(command)], _changes_of(happened.outcome)
    ahead = len(changes) if rule.last else _before_event(changes)
    for change in changes[:ahead]:
        _apply(turn, rule, connection, change)
    rule.conclude(turn, connection, happened.origin, happened.outcome)
    for change in changes[ahead:]:
        _apply(turn, rule, connection, change)


def _decide_again(
    turn: Turn, connection: Connection, command: Command, happened: Executed
) -> None:
    """Put a command off, or refuse it where that was so too often."""
    is_pending = type(happened.origin.draft) not in _OF_COMMANDS
    if not again.put_off(turn, connection, command, is_pending=is_pending):
        refused = attrs.evolve(happened, outcome=again.GIVEN_UP)
        _conclude(turn, connection, command, refused)


def _before_event(changes: Sequence[Change]) -> int:
    """How many changes come before the first of which a timeline tells."""
    if len(changes) > 1:
        for number, change in enumerate(changes):
            if event_of(change) is not None:
                return number
    return 0


def _apply(turn: Turn, rule: Rule, connection: Connection, change: Change) -> None:
    """Apply a change; its cause is not told what its reply says."""
    if not rule.says:
        turn.apply(change)
        return
    for effect in apply(turn.chat, change, turn.now):
        if isinstance(effect, Tell) and isinstance(effect.frame, rule.says):
            others = [one for one in effect.connections if one != connection.id]
            if not others:
                continue
            effect = attrs.evolve(effect, connections=others)  # noqa: PLW2901
        turn.want(effect)


def _changes_of(outcome: Outcome) -> Sequence[Change]:
    """What is so by an outcome, be it by this draft or by another before it."""
    if isinstance(outcome, drafts.Committed | drafts.Duplicate):
        return outcome.changes
    return ()


# --- barriers and open drafts ---------------------------------------------------

_BARRIERS = (
    *(drafts.SetMember, drafts.Moderate, drafts.SetRoom),
    *(drafts.RenameRoom, drafts.DestroyRoom, drafts.DropRoom),
)
"""What may stand as a barrier: of one's own membership for oneself, or for all."""
_OF_COMMANDS = frozenset((*get_args(drafts.Durable), drafts.Recall))
"""What `Connection.open_drafts` counts."""


def _lift(
    turn: Turn, happened: Executed, room: RoomName, user: UserName | None
) -> None:
    """Lift the barrier of a change whose outcome is known for good."""
    if not happened.final:
        return
    barriers = turn.live.barriers
    for key in {(room, user), (room, None)}:
        barrier = barriers.get(key)
        if barrier is None or barrier.draft is not happened.origin.draft:
            continue
        del barriers[key]
        for number in barrier.waiting:
            waiting = turn.chat.connection(number)
            if waiting is not None:
                turn.release(waiting)


def _close_draft(turn: Turn, connection: Connection) -> None:
    """Count a durable command as answered; what waited for it goes on."""
    connection.open_drafts -= 1
    if connection.block is Block.OWN_DRAFTS and not connection.open_drafts:
        turn.release(connection)
    elif connection.undecided is not None:
        again.go_on(turn, connection)


# --- what is taken back -------------------------------------------------------------


def _is_drawn_again(origin: Origin, outcome: Outcome) -> bool:
    """Whether another draft has taken this one's place."""
    return (
        isinstance(origin.draft, drafts.EraseUser)
        and isinstance(outcome, drafts.Refused)
        and outcome.code is RejectCode.NAME_TAKEN
    )


def _not_erased(
    turn: Turn, origin: Origin, draft: drafts.EraseUser, outcome: Outcome
) -> None:
    if _is_drawn_again(origin, outcome):
        farewell.draw_again(turn, origin, draft)


def _not_ended(
    turn: Turn, origin: Origin, draft: drafts.EndSession, outcome: Outcome
) -> None:
    if isinstance(outcome, drafts.Refused | Stale):
        logout.not_ended(turn, origin, draft)


def _not_dropped(
    turn: Turn, _origin: Origin, draft: drafts.DropRoom, outcome: Outcome
) -> None:
    if isinstance(outcome, drafts.Refused | Stale):
        lifecycle.not_dropped(turn, draft)


def _not_saved(
    turn: Turn, _origin: Origin, draft: SaveMarks, _outcome: Outcome
) -> None:
    """Keep what could not be written for the next time: the marks as they are now."""
    reads = turn.live.reads
    for name, user in draft.reads:
        room = turn.durable.room(name)
        if room is not None and user in room.members:
            reads[room.name, user] = room.members[user].read
    for session, since in draft.idle.items():
        entry = turn.live.sessions.get(session)
        if entry is not None and entry.connection is not None:
            turn.live.idle[session] = None
        elif since is not None:
            turn.live.idle.setdefault(session, since)
    turn.live.devices = draft.devices | turn.live.devices


def _tell_saved(turn: Turn, draft: SaveMarks) -> None:
    """Tell other nodes of marks that are written: what they have read may be older."""
    for (name, user), seq in draft.reads.items():
        room = turn.durable.room(name)
        member = room.members.get(user) if room is not None else None
        if room is not None and member is not None and member.read == seq:
            told = ReadTold(room.epoch, user, seq)
            turn.want(Publish(stream_of_room(room.epoch), told))


def _not_said(
    turn: Turn, _origin: Origin, draft: drafts.NewMessage, _outcome: Outcome
) -> None:
    room = turn.durable.rooms.get(draft.room)
    # There is none where a direct conversation could not be begun.
    if room is not None and room.settings.slow_s:
        slowmode.note_unsaid(room, draft.user)


def _not_edited(
    turn: Turn, _origin: Origin, draft: drafts.EditMessage, _outcome: Outcome
) -> None:
    room = turn.durable.rooms.get(draft.room)
    if room is not None and room.settings.slow_s:
        slowmode.note_uncorrected(room, draft.user, draft.of)


_UNDONE: dict[type, Callable[[Turn, Origin, Any, Outcome], None]] = {
    drafts.NewMessage: _not_said,
    drafts.EditMessage: _not_edited,
    drafts.DropRoom: _not_dropped,
    drafts.EraseUser: _not_erased,
    drafts.EndSession: _not_ended,
    drafts.SaveMarks: _not_saved,
}
