"""Kick, ban, mute, role, settings: what is done to others and to a room.

Each is one draft, and a barrier of its room: what anybody sends for that room
after it is decided when it is committed. So nobody acts on rights that he is just
losing, and two owners cannot make each other members at once.

Whoever is removed gets his own event as the room's last: he is no receiver any
more when it is delivered to the others, and it is told to him alone, so that it
cannot become part of a gap.
"""

from __future__ import annotations

from chatd.core import allowance, retention
from chatd.core.commands import authority, speech
from chatd.core.commands.authority import MODERATOR, OWNER, Act
from chatd.core.commands.creation import given
from chatd.core.commands.invitations import tell_invited, tell_uninvited
from chatd.core.commands.rooms import require_other_owner, withdraw
from chatd.core.commands.timeline import settle
from chatd.core.drafts import (
    Committed,
    Duplicate,
    Moderate,
    Outcome,
    Refused,
    SetRoom,
)
from chatd.core.effects import Deliver, Origin
from chatd.core.entities import HOLD_OFF_MS, Connection, Room
from chatd.core.truth import REMOVALS
from chatd.core.turn import Turn
from chatd.enums import Change, Role
from chatd.errors import Reject, RejectCode
from chatd.wire import acts
from chatd.wire.events import Member
from chatd.wire.replies import Done

OWNERS_SETTINGS = ("post", "history", "keep_days", "keep_messages", "archived")
"""What only an owner changes; the rest is a moderator's too."""


# --- drafts -----------------------------------------------------------------


def moderation(turn: Turn, connection: Connection, command: Act) -> Moderate:
    """The draft of an act on somebody else."""
    is_over = isinstance(command, acts.Invite) and not command.on
    return Moderate(
        command.room,
        turn.user(connection).name,
        command.cid,
        command.user,
        Change.UNINVITE if is_over else Change(command.type),
        role=getattr(command, "role", None),
        seconds=getattr(command, "seconds", None),
        reason=getattr(command, "reason", None),
    )


def setting(turn: Turn, connection: Connection, command: acts.SetRoom) -> SetRoom:
    """The draft of changed settings."""
    user = turn.user(connection).name
    return SetRoom(command.room, user, command.cid, given(command))


# --- what must hold ---------------------------------------------------------


def kick(turn: Turn, connection: Connection, command: acts.Kick) -> None:
    """Check that a member may be removed."""
    room = _on_lesser(turn, connection, command)
    if room is not None:
        _require_member(room, command)


def act(turn: Turn, connection: Connection, command: acts.Ban | acts.Mute) -> None:
    """Check that somebody may be banned or muted."""
    _on_lesser(turn, connection, command)


def relent(
    turn: Turn, connection: Connection, command: acts.Unban | acts.Unmute
) -> None:
    """Check that a ban or mute may be lifted, whoever it is whom it holds."""
    if authority.require_target(turn, connection, command, MODERATOR) is not None:
        allowance.pace(turn, connection)


def role(turn: Turn, connection: Connection, command: acts.SetRole) -> None:
    """Check that a member may get a role: owners say, and one of them stays."""
    room = authority.require(turn, connection, command.room, OWNER)
    _require_member(room, command)
    if room.members[command.user].role == Role.OWNER and command.role != Role.OWNER:
        require_other_owner(room, command.user)
    allowance.pace(turn, connection)


def change(turn: Turn, connection: Connection, command: acts.SetRoom) -> None:
    """Check that settings may be changed."""
    least = (
        OWNER if any(name in OWNERS_SETTINGS for name in given(command)) else MODERATOR
    )
    room = authority.require(turn, connection, command.room, least)
    authority.check_undeclared(room, "which has its settings")
    speech.check(turn, turn.user(connection), room, command)
    allowance.pace(turn, connection)


def _on_lesser(
    turn: Turn, connection: Connection, command: acts.Kick | acts.Ban | acts.Mute
) -> Room | None:
    """As `require_target`, if the target is worth less there than who acts."""
    room = authority.require_target(turn, connection, command, MODERATOR)
    if room is None:
        return None
    user, target = turn.user(connection), turn.chat.users.get(command.user)
    speech.check(turn, user, room, command)
    worth = authority.rank(turn, target, room) if target is not None else 0
    if target is not None and worth >= authority.rank(turn, user, room):
        raise Reject(
            RejectCode.FORBIDDEN,
            f"{target.name} has as much to say in {room.name} as you",
            field="user",
        )
    allowance.pace(turn, connection)
    return room


def _require_member(room: Room, command: Act) -> None:
    if command.user not in room.members:
        raise Reject(
            RejectCode.NO_USER, f"{command.user} is not in {room.name}", field="user"
        )


# --- outcomes ---------------------------------------------------------------


def moderated(turn: Turn, origin: Origin, draft: Moderate, outcome: Outcome) -> None:
    """Take an act of moderation: apply, answer, deliver, and remove who has to go."""
    event = outcome.event if isinstance(outcome, Committed) else None
    target, room = draft.target, draft.room
    # A ban of somebody who is not there tells him nothing, not even of the room.
    is_removal = draft.change in REMOVALS and target in turn.chat.rooms[room].members
    before = turn.chat.invites.get(target, {}).get(room)
    if isinstance(event, Member):
        turn.chat.apply(event)
        turn.chat.apply_moderation(event, turn.now.mono)
        if isinstance(outcome, Committed) and outcome.barred is not None:
            turn.chat.apply_address_ban(event.room, outcome.barred, turn.now.mono)
    _answer(turn, origin, draft, outcome)
    if event is None:
        return
    if is_removal:
        withdraw(turn, [target], room, draft.change, event)
    turn.want(Deliver(event))
    if draft.change == Change.INVITE:
        tell_invited(turn, target, room)
    elif draft.change in HOLD_OFF_MS:
        own = origin.connection if draft.change == Change.DECLINE else None
        tell_uninvited(turn, target, room, before, own)


def changed(turn: Turn, origin: Origin, draft: SetRoom, outcome: Outcome) -> None:
    """Take changed settings."""
    event = outcome.event if isinstance(outcome, Committed) else None
    if event is not None:
        turn.chat.apply(event)
        room = turn.chat.rooms[draft.room]
        turn.chat.apply_settings(room, draft.changes)
        retention.schedule_trim(turn, room)
    _answer(turn, origin, draft, outcome)
    if event is not None:
        turn.want(Deliver(event))


def _answer(
    turn: Turn, origin: Origin, draft: Moderate | SetRoom, outcome: Outcome
) -> None:
    connection, command = turn.connection(origin.connection), origin.command
    if connection is None or command is None:
        return
    if isinstance(outcome, Duplicate) and outcome.recalled:
        allowance.give_back(turn, connection)
    if isinstance(command, acts.Decline) and not isinstance(outcome, Refused):
        # Who declines is not in the room, and learns nothing of what goes on there.
        turn.answer(connection.id, Done(command.type, command.id))
    else:
        settle(turn, connection, origin, draft.room, outcome)
