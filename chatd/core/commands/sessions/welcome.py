"""What somebody is told who is let in: who he is, his rooms, who asks him in."""

from __future__ import annotations

from chatd.core.entities import User, readable_from
from chatd.core.principal import Principal
from chatd.core.queries import Unread
from chatd.core.scope import Scope
from chatd.core.turn import Turn
from chatd.ids import RoomName
from chatd.wire.replies import InviteShown, LimitsShown, RoomState, Welcome
from chatd.wire.sessions import Hello

INVITES_SHOWN_MAX = 100
"""The newest; `welcome` must not grow by what others do. Source: a page."""

PROTOCOL = 1
"""The version of the protocol that `welcome` names."""


def greeting(
    turn: Turn,
    user: User,
    command: Hello,
    who: Principal,
    counts: dict[RoomName, Unread],
) -> Welcome:
    """What somebody is told who is let in."""
    chat, limits = turn.chat, turn.config.limits
    return Welcome(
        user.name,
        user.display,
        user.role,
        who.secret,
        turn.place,
        turn.server,
        PROTOCOL,
        now=turn.now.wall,
        heartbeat=_shown(turn.config.heartbeat.interval_s),
        heartbeat_timeout=_shown(turn.config.heartbeat.timeout_s),
        limits=LimitsShown(
            limits.frame_bytes,
            limits.text_chars,
            _shown(limits.messages_per_s),
            limits.messages_burst,
        ),
        rooms=[
            _room_state(turn, user, name, counts)
            for name in chat.durable.rooms_of(user.name)
            if turn.chat.shows(who.scope, name)
        ],
        suggested=list(chat.durable.declared),
        invites=_invites(turn, user, who.scope),
        page=turn.page or None,
        id=command.id,
    )


def _shown(number: float) -> float:
    """A number as a person would write it: 25, not 25.0."""
    return int(number) if number == int(number) else number


def _room_state(
    turn: Turn,
    user: User,
    name: RoomName,
    counts: dict[RoomName, Unread],
) -> RoomState:
    room = turn.durable.rooms[name]
    member = room.members[user.name]
    read = member.read
    nothing = Unread(read, room.head, 0, 0)
    # All may have been read while it was counted.
    found = nothing if read == room.head else counts.get(name, nothing)
    return RoomState(
        name,
        room.epoch,
        found.upto,
        readable_from(room, member),
        min(read, found.upto),
        found.unread,
        found.mentions,
        room.settings.title,
        room.settings.archived,
        room.was,
        member.told_level,
        found.in_threads,
    )


def _invites(turn: Turn, user: User, scope: Scope | None) -> list[InviteShown]:
    """The invitations that wait for the user, the oldest first."""
    shown = []
    durable, now = turn.durable, turn.now.sure
    for name in durable.invites.get(user.name, ()):
        if not turn.chat.shows(scope, name):
            continue
        invite = durable.open_invite(user.name, name, now)
        if invite is not None and invite.sender not in user.blocks:
            title = durable.rooms[name].settings.title
            shown.append(InviteShown(name, invite.sender, invite.ts, title))
    # They stand as their rooms came into memory.
    shown.sort(key=lambda one: one.ts)
    return shown[-INVITES_SHOWN_MAX:]
