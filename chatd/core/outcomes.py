"""What became of drafts: each kind is taken by whoever knows what it meant.

A draft that was a durable command of a connection is closed here, and whoever
waited for that goes on; a draft that stood as a barrier lifts it, when its outcome
is known for good. What the edge keeps for itself, as a password's new hash, has
nobody who takes it.
"""

from __future__ import annotations

from collections.abc import Callable

from chatd.core import deadlines, drafts, retention
from chatd.core.commands import (
    accounts,
    blocks,
    moderation,
    rooms,
    sessions,
    timeline,
)
from chatd.core.effects import Origin
from chatd.core.entities import Block
from chatd.core.inputs import Executed
from chatd.core.turn import Turn
from chatd.ids import RoomName, UserName


def take(turn: Turn, happened: Executed) -> None:
    """Take the outcome of one draft."""
    draft = happened.origin.draft
    taker = _TAKERS.get(type(draft))
    if taker is not None:
        taker(turn, happened)
    if isinstance(draft, drafts.SetMember):
        _lift(turn, happened, draft.room, draft.user)
    elif isinstance(draft, drafts.Moderate | drafts.SetRoom):
        _lift(turn, happened, draft.room, None)
    if isinstance(draft, _OF_COMMANDS):
        _close_draft(turn, happened.origin)


_OF_COMMANDS = (drafts.Durable, drafts.Recall)
"""What `Connection.open_drafts` counts."""


def _lift(
    turn: Turn, happened: Executed, room: RoomName, user: UserName | None
) -> None:
    """Lift the barrier of a change whose outcome is known for good."""
    if not happened.final:
        return
    barriers = turn.chat.barriers
    for key in {(room, user), (room, None)}:
        barrier = barriers.get(key)
        if barrier is None or barrier.draft is not happened.origin.draft:
            continue
        del barriers[key]
        for number in barrier.waiting:
            waiting = turn.connection(number)
            if waiting is not None:
                turn.release(waiting)


def _close_draft(turn: Turn, origin: Origin) -> None:
    """Count a durable command as answered; what waited for it goes on."""
    connection = turn.connection(origin.connection)
    if connection is None:
        return
    connection.open_drafts -= 1
    if connection.block is Block.OWN_DRAFTS and not connection.open_drafts:
        turn.release(connection)


# --- who takes what -----------------------------------------------------------


def _written(turn: Turn, happened: Executed) -> None:
    draft = happened.origin.draft
    assert isinstance(draft, drafts.Durable)
    timeline.executed(turn, happened.origin, draft, happened.outcome)


def _recalled(turn: Turn, happened: Executed) -> None:
    draft = happened.origin.draft
    assert isinstance(draft, drafts.Recall)
    timeline.recalled(turn, happened.origin, draft, happened.outcome)


def _member(turn: Turn, happened: Executed) -> None:
    draft = happened.origin.draft
    assert isinstance(draft, drafts.SetMember)
    rooms.changed(turn, happened, draft)


def _moderated(turn: Turn, happened: Executed) -> None:
    draft = happened.origin.draft
    assert isinstance(draft, drafts.Moderate)
    moderation.moderated(turn, happened.origin, draft, happened.outcome)


def _set_room(turn: Turn, happened: Executed) -> None:
    draft = happened.origin.draft
    assert isinstance(draft, drafts.SetRoom)
    moderation.changed(turn, happened.origin, draft, happened.outcome)


def _created(turn: Turn, happened: Executed) -> None:
    draft = happened.origin.draft
    assert isinstance(draft, drafts.CreateRoom)
    rooms.created(turn, happened.origin, draft, happened.outcome)


def _opened(turn: Turn, happened: Executed) -> None:
    draft = happened.origin.draft
    assert isinstance(draft, drafts.OpenSession)
    sessions.opened(turn, happened.origin, draft, happened.outcome)


def _account(turn: Turn, happened: Executed) -> None:
    accounts.executed(turn, happened.origin, happened.outcome)


def _ended(turn: Turn, happened: Executed) -> None:
    origin, draft = happened.origin, happened.origin.draft
    assert isinstance(draft, drafts.EndSession)
    accounts.ended(turn, origin, draft, happened.outcome)
    if isinstance(happened.outcome, drafts.Refused) and origin.connection is None:
        deadlines.hold_guest(turn, draft)


def _renamed(turn: Turn, happened: Executed) -> None:
    draft = happened.origin.draft
    assert isinstance(draft, drafts.SetDisplay)
    sessions.renamed(turn, happened.origin, draft, happened.outcome)


def _role_set(turn: Turn, happened: Executed) -> None:
    """Take what an outside issuer says that somebody is."""
    draft = happened.origin.draft
    assert isinstance(draft, drafts.SetAccountRole)
    user = turn.chat.users.get(draft.user)
    if user is not None and not isinstance(happened.outcome, drafts.Refused):
        turn.chat.apply_role(user, draft.role)


def _blocked(turn: Turn, happened: Executed) -> None:
    draft = happened.origin.draft
    assert isinstance(draft, drafts.SetBlock)
    blocks.changed(turn, happened.origin, draft, happened.outcome)


def _marks_saved(turn: Turn, happened: Executed) -> None:
    """Keep what could not be written for the next time."""
    draft = happened.origin.draft
    assert isinstance(draft, drafts.SaveMarks)
    if isinstance(happened.outcome, drafts.Refused):
        turn.chat.reads = draft.reads | turn.chat.reads
        turn.chat.idle = draft.idle | turn.chat.idle


def _trimmed(turn: Turn, happened: Executed) -> None:
    draft = happened.origin.draft
    assert isinstance(draft, drafts.TrimRoom)
    retention.trimmed(turn, draft, happened.outcome)


_TAKERS: dict[type, Callable[[Turn, Executed], None]] = {
    drafts.NewMessage: _written,
    drafts.EditMessage: _written,
    drafts.DeleteMessage: _written,
    drafts.SetReaction: _written,
    drafts.Recall: _recalled,
    drafts.SetMember: _member,
    drafts.Moderate: _moderated,
    drafts.SetRoom: _set_room,
    drafts.CreateRoom: _created,
    drafts.OpenSession: _opened,
    drafts.AddUser: _account,
    drafts.ChangePassword: _account,
    drafts.RenewSession: _account,
    drafts.EndSessions: _account,
    drafts.EndSession: _ended,
    drafts.SetDisplay: _renamed,
    drafts.SetAccountRole: _role_set,
    drafts.SetBlock: _blocked,
    drafts.SaveMarks: _marks_saved,
    drafts.TrimRoom: _trimmed,
}
