"""What became of drafts: each kind is taken by whoever knows what it meant.

A draft that was a durable command of a connection is closed here, and whoever
waited for that goes on; a draft that stood as a barrier lifts it, when its outcome
is known for good. What the edge keeps for itself, as a password's new hash, has
nobody who takes it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chatd.core import deadlines, drafts, retention
from chatd.core.commands import (
    accounts,
    admissions,
    blocks,
    creation,
    lifecycle,
    moderation,
    place,
    profile,
    renaming,
    rooms,
    sessions,
    timeline,
)
from chatd.core.drafts import EndSession, Outcome, SaveMarks, SetAccountRole
from chatd.core.effects import Origin
from chatd.core.entities import Block
from chatd.core.inputs import Executed
from chatd.core.turn import Turn
from chatd.enums import AccountRole
from chatd.ids import RoomName, UserName


def take(turn: Turn, happened: Executed) -> None:
    """Take the outcome of one draft."""
    draft = happened.origin.draft
    taker = _TAKERS.get(type(draft))
    if taker is not None:
        taker(turn, happened.origin, draft, happened.outcome)
    if isinstance(draft, drafts.SetMember):
        _lift(turn, happened, draft.room, draft.user)
    elif isinstance(draft, _BARRIERS):
        _lift(turn, happened, draft.room, None)
    if isinstance(draft, _OF_COMMANDS):
        _close_draft(turn, happened.origin)


_BARRIERS = (
    *(drafts.Moderate, drafts.SetRoom),
    *(drafts.RenameRoom, drafts.DestroyRoom, drafts.DropRoom),
)
"""What stands as a barrier for everybody in its room."""
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


def _ended(turn: Turn, origin: Origin, draft: EndSession, outcome: Outcome) -> None:
    accounts.ended(turn, origin, draft, outcome)
    if isinstance(outcome, drafts.Refused) and origin.connection is None:
        deadlines.hold_guest(turn, draft)


def _role_set(
    turn: Turn, _origin: Origin, draft: SetAccountRole, outcome: Outcome
) -> None:
    """Take what an outside issuer says that somebody is."""
    user = turn.chat.users.get(draft.user)
    if user is not None and not isinstance(outcome, drafts.Refused):
        turn.chat.apply_role(user, draft.role)
        if draft.role == AccountRole.ADMIN:
            turn.admin_is_here()


def _recalled(
    turn: Turn, origin: Origin, draft: drafts.Recall, outcome: Outcome
) -> None:
    if isinstance(draft.draft, drafts.CreateRoom):
        creation.recalled(turn, origin, draft.draft, outcome)
    else:
        timeline.recalled(turn, origin, draft, outcome)


def _marks_saved(
    turn: Turn, _origin: Origin, draft: SaveMarks, outcome: Outcome
) -> None:
    """Keep what could not be written for the next time."""
    if isinstance(outcome, drafts.Refused):
        turn.chat.reads = draft.reads | turn.chat.reads
        turn.chat.idle = draft.idle | turn.chat.idle
        turn.chat.devices = draft.devices | turn.chat.devices


_TAKERS: dict[type, Callable[[Turn, Origin, Any, Outcome], None]] = {
    drafts.NewMessage: timeline.executed,
    drafts.EditMessage: timeline.executed,
    drafts.DeleteMessage: timeline.executed,
    drafts.SetReaction: timeline.executed,
    drafts.Recall: _recalled,
    drafts.SetMember: rooms.changed,
    drafts.Moderate: moderation.moderated,
    drafts.SetRoom: moderation.changed,
    drafts.RenameRoom: renaming.renamed,
    drafts.DestroyRoom: lifecycle.destroyed,
    drafts.DropRoom: lifecycle.dropped,
    drafts.CreateRoom: rooms.created,
    drafts.OpenSession: sessions.opened,
    drafts.AddUser: accounts.executed,
    drafts.ChangePassword: accounts.executed,
    drafts.RenewSession: accounts.executed,
    drafts.EndSessions: accounts.executed,
    drafts.EndNamedSession: accounts.executed,
    drafts.EraseUser: accounts.executed,
    drafts.EndSession: _ended,
    drafts.SetDisplay: profile.renamed,
    drafts.SetAccountRole: _role_set,
    drafts.SetBlock: blocks.changed,
    drafts.SetPlace: place.named,
    drafts.Enroll: admissions.enrolled,
    drafts.AddInvitation: admissions.executed,
    drafts.RemoveInvitation: admissions.executed,
    drafts.SetLink: admissions.executed,
    drafts.SaveMarks: _marks_saved,
    drafts.TrimRoom: retention.trimmed,
}
