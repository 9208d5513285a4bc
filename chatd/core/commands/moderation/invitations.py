"""Invitations: to ask somebody in, to take that back, to refuse it.

An invitation is open for a while. Whatever ends it before it is accepted also keeps
the next one away for a time (`HOLD_OFF_MS`): a refusal as long as an invitation
lasts, so that nobody is asked again and again.

What the invited one is told, he is told on all his connections; of invitations by
somebody whom he blocks he is told nothing (`chatd.core.applying.members`). The room
learns of each from its timeline.
"""

from __future__ import annotations

from chatd.core import authority, rate_limits, speech
from chatd.core.authority import MODERATOR
from chatd.core.commands.timeline import messages
from chatd.core.drafts import Committed, Duplicate, Moderate, Outcome
from chatd.core.effects import Origin
from chatd.core.entities import Connection
from chatd.core.turn import Turn, no_room
from chatd.enums import MemberChange
from chatd.errors import Reject, RejectCode
from chatd.ids import is_direct, is_private
from chatd.wire.moderation import Decline, Invite
from chatd.wire.replies import Done


def invite(turn: Turn, connection: Connection, command: Invite) -> None:
    """Check that somebody may be asked in: in a private room moderators ask."""
    if not command.on:
        _take_back(turn, connection, command)
        return
    rate_limits.may_grow(turn, turn.user(connection).name)
    least = MODERATOR if is_private(command.room) else 1
    room = authority.require_target(turn, connection, command, least)
    if room is None:
        return
    speech.check(turn, turn.user(connection), room, command)
    if command.user in room.members:
        raise Reject(
            RejectCode.EXISTS, f"{command.user} is in {room.name}", field="user"
        )
    now = turn.now.sure
    if authority.held(room.bans, command.user, now):
        raise Reject(
            RejectCode.BANNED,
            f"{command.user} is banned from {room.name}",
            field="user",
        )
    last = turn.durable.invite(command.user, room.name)
    if last is not None and last.closed_until is not None and now < last.closed_until:
        raise Reject(
            RejectCode.FORBIDDEN,
            f"{command.user} was asked into {room.name} not long ago",
            field="user",
            retry_after_s=(last.closed_until - now) / 1000,
        )
    rate_limits.may_send(turn, connection)


def _take_back(turn: Turn, connection: Connection, command: Invite) -> None:
    """Check that an invitation may be taken back: by its sender, or a moderator."""
    room = authority.require_target(turn, connection, command, 1)
    if room is None:
        return
    user = turn.user(connection)
    last = turn.durable.open_invite(command.user, room.name, turn.now.sure)
    is_anothers = last is not None and last.sender != user.name
    if is_anothers and authority.rank(turn, user, room) < MODERATOR:
        raise Reject(
            RejectCode.FORBIDDEN, "the invitation is somebody else's", field="user"
        )
    rate_limits.may_send(turn, connection)


def decline(turn: Turn, connection: Connection, command: Decline) -> None:
    """Check that there may be an invitation to refuse; if there is, the writer knows.

    Of one that is over its user knows as well, so that a second refusal, which may be
    the same sent again, is as good as the first.
    """
    name, now = turn.user(connection).name, turn.now.sure
    last = turn.durable.invite(name, command.room)
    is_known = turn.durable.may_know(name, command.room, now) or (
        last is not None and last.matters(now)
    )
    if command.room not in turn.durable.rooms or not is_known:
        raise no_room(command.room)
    if is_direct(command.room):
        raise Reject(RejectCode.FORBIDDEN, "nobody is asked into a direct conversation")
    rate_limits.may_send(turn, connection)


def refusal(turn: Turn, connection: Connection, command: Decline) -> Moderate:
    """The draft of a refused invitation: what somebody does to himself."""
    user = turn.user(connection).name
    return Moderate(command.room, user, None, user, MemberChange.DECLINE)


def declined(
    turn: Turn, connection: Connection, origin: Origin, outcome: Outcome
) -> None:
    """Answer a refusal: who declines is not in the room, and learns nothing of it."""
    if isinstance(outcome, Committed | Duplicate):
        assert origin.command is not None
        turn.answer(connection.id, Done(origin.command.type, origin.command.id))
    else:
        messages.stored(turn, connection, origin, outcome)
