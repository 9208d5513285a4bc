"""Invite, kick, ban, mute, role, settings: what is done to others and to a room.

Each is one draft, and a barrier of its room: what anybody sends for that room
after it is decided when it is committed. So nobody acts on rights that he is just
losing, and two owners cannot make each other members at once.

Whoever is removed gets his own event as the room's last: he is no receiver any
more when it is delivered to the others, and it is told to him alone, so that it
cannot become part of a gap.
"""

from __future__ import annotations

from chatd.core import allowance, retention
from chatd.core.commands import authority
from chatd.core.commands.authority import MODERATOR, OWNER
from chatd.core.commands.creation import given
from chatd.core.commands.rooms import require_other_owner, told_of, withdraw
from chatd.core.commands.timeline import settle
from chatd.core.drafts import Committed, Duplicate, Moderate, Outcome, SetRoom
from chatd.core.effects import Deliver, FindUser, Origin, Tell
from chatd.core.entities import Connection, Room
from chatd.core.truth import REMOVALS
from chatd.core.turn import Turn
from chatd.errors import Reject, RejectCode
from chatd.wire import acts
from chatd.wire.events import Invited, Member

OWNERS_SETTINGS = ("post", "history", "keep_days", "keep_messages")
"""What only an owner changes; the rest is a moderator's too."""

Act = (
    acts.Invite
    | acts.Kick
    | acts.Ban
    | acts.Unban
    | acts.Mute
    | acts.Unmute
    | acts.SetRole
)


# --- drafts -----------------------------------------------------------------


def moderation(turn: Turn, connection: Connection, command: Act) -> Moderate:
    """The draft of an act on somebody else."""
    return Moderate(
        command.room,
        turn.user(connection).name,
        command.cid,
        command.user,
        command.type,
        role=getattr(command, "role", None),
        seconds=getattr(command, "seconds", None),
        reason=getattr(command, "reason", None),
    )


def setting(turn: Turn, connection: Connection, command: acts.SetRoom) -> SetRoom:
    """The draft of changed settings."""
    user = turn.user(connection).name
    return SetRoom(command.room, user, command.cid, given(command))


# --- what must hold ---------------------------------------------------------


def invite(turn: Turn, connection: Connection, command: acts.Invite) -> None:
    """Check that somebody may be asked in: in a private room moderators ask."""
    least = MODERATOR if command.room.startswith("~") else 1
    room = _on_other(turn, connection, command, least)
    if room is None:
        return
    authority.check_voice(turn, turn.user(connection), room)
    if command.user in room.members:
        raise Reject(
            RejectCode.EXISTS, f"{command.user} is in {room.name}", field="user"
        )
    if authority.held(room.bans, command.user, turn.now.sure):
        raise Reject(
            RejectCode.BANNED,
            f"{command.user} is banned from {room.name}",
            field="user",
        )
    allowance.pace(turn, connection)


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
    if _on_other(turn, connection, command, MODERATOR) is not None:
        allowance.pace(turn, connection)


def role(turn: Turn, connection: Connection, command: acts.SetRole) -> None:
    """Check that a member may get a role: owners say, and one of them stays."""
    room = authority.require(turn, connection, command.room, OWNER)
    _require_member(room, command)
    if room.members[command.user].role == "owner" and command.role != "owner":
        require_other_owner(room, command.user)
    allowance.pace(turn, connection)


def change(turn: Turn, connection: Connection, command: acts.SetRoom) -> None:
    """Check that settings may be changed."""
    least = (
        OWNER if any(name in OWNERS_SETTINGS for name in given(command)) else MODERATOR
    )
    room = authority.require(turn, connection, command.room, least)
    if room.declared:
        raise Reject(
            RejectCode.FORBIDDEN,
            f"{room.name} is declared in the configuration, which has its settings",
            field="room",
        )
    allowance.pace(turn, connection)


def _on_other(
    turn: Turn, connection: Connection, command: Act, least: int
) -> Room | None:
    """The room, if the target is somebody else who exists; None while he is sought."""
    user = turn.user(connection)
    room = authority.require(turn, connection, command.room, least)
    if command.user == user.name:
        raise Reject(RejectCode.BAD_FIELD, "user: this is your own name", field="user")
    if command.user not in turn.chat.users:
        turn.want(FindUser(connection.id, command, command.user))
        turn.pend(connection)
        return None
    return room


def _on_lesser(turn: Turn, connection: Connection, command: Act) -> Room | None:
    """As `_on_other`, if the target is worth less there than who acts."""
    room = _on_other(turn, connection, command, MODERATOR)
    if room is None:
        return None
    user, target = turn.user(connection), turn.chat.users[command.user]
    if authority.rank(turn, target, room) >= authority.rank(turn, user, room):
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
    # A ban of somebody who is not there tells him nothing, not even of the room.
    is_removal = (
        draft.change in REMOVALS and draft.target in turn.chat.rooms[draft.room].members
    )
    if isinstance(event, Member):
        turn.chat.apply(event)
        turn.chat.apply_moderation(event, turn.now.mono)
    _answer(turn, origin, draft, outcome)
    if event is None:
        return
    if is_removal:
        withdraw(turn, draft.target, draft.room, draft.change, event)
    turn.want(Deliver(event))
    if draft.change == "invite" and draft.target in turn.chat.users:
        title = turn.chat.rooms[draft.room].settings.title
        numbers = told_of(turn, draft.target, draft.room)
        if numbers and draft.user not in turn.chat.users[draft.target].blocks:
            turn.want(Tell(numbers, Invited(draft.room, draft.user, title)))


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
    connection = turn.connection(origin.connection)
    if connection is not None and origin.command is not None:
        if isinstance(outcome, Duplicate) and outcome.recalled:
            allowance.give_back(turn, connection)
        settle(turn, connection, origin, draft.room, outcome)
