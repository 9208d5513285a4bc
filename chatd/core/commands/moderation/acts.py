"""Kick, ban, mute, role: what is done to others in a room.

Each is one draft, and a barrier of its room: what anybody sends for that room
after it is decided when it is committed. So nobody acts on rights that he is just
losing, and two owners cannot make each other members at once.
"""

from __future__ import annotations

from chatd.core import authority, rate_limits, speech
from chatd.core.authority import MODERATOR, OWNER, Act
from chatd.core.commands.rooms.membership import require_other_owner
from chatd.core.drafts import Moderate
from chatd.core.entities import Connection, Room
from chatd.core.turn import Turn
from chatd.enums import MemberChange, Role
from chatd.errors import Reject, RejectCode
from chatd.wire.moderation import Ban, Invite, Kick, Mute, SetRole, Unban, Unmute

# --- drafts -----------------------------------------------------------------


def moderation(turn: Turn, connection: Connection, command: Act) -> Moderate:
    """The draft of an act on somebody else."""
    is_over = isinstance(command, Invite) and not command.on
    return Moderate(
        command.room,
        turn.user(connection).name,
        command.cid,
        command.user,
        MemberChange.UNINVITE if is_over else MemberChange(command.type),
        role=getattr(command, "role", None),
        seconds=getattr(command, "seconds", None),
        reason=getattr(command, "reason", None),
    )


# --- what must hold ---------------------------------------------------------


def kick(turn: Turn, connection: Connection, command: Kick) -> None:
    """Check that a member may be removed."""
    room = _on_lesser(turn, connection, command)
    if room is not None:
        _require_member(room, command)


def act(
    turn: Turn,
    connection: Connection,
    command: Ban | Mute,
) -> None:
    """Check that somebody may be banned or muted."""
    _on_lesser(turn, connection, command)


def relent(
    turn: Turn,
    connection: Connection,
    command: Unban | Unmute,
) -> None:
    """Check that a ban or mute may be lifted, whoever it is whom it holds."""
    if authority.require_target(turn, connection, command, MODERATOR) is not None:
        rate_limits.may_send(turn, connection)


def role(turn: Turn, connection: Connection, command: SetRole) -> None:
    """Check that a member may get a role: owners say, and one of them stays."""
    room = authority.require(turn, connection, command.room, OWNER)
    _require_member(room, command)
    if room.members[command.user].role == Role.OWNER and command.role != Role.OWNER:
        require_other_owner(room, command.user)
    rate_limits.may_send(turn, connection)


def _on_lesser(
    turn: Turn,
    connection: Connection,
    command: Kick | Ban | Mute,
) -> Room | None:
    """As `require_target`, if the target is worth less there than who acts."""
    room = authority.require_target(turn, connection, command, MODERATOR)
    if room is None:
        return None
    user, target = turn.user(connection), turn.durable.users.get(command.user)
    speech.check(turn, user, room, command)
    worth = authority.rank(turn, target, room) if target is not None else 0
    if target is not None and worth >= authority.rank(turn, user, room):
        raise Reject(
            RejectCode.FORBIDDEN,
            f"{target.name} has as much to say in {room.name} as you",
            field="user",
        )
    rate_limits.may_send(turn, connection)
    return room


def _require_member(room: Room, command: Act) -> None:
    if command.user not in room.members:
        raise Reject(
            RejectCode.NO_USER, f"{command.user} is not in {room.name}", field="user"
        )
