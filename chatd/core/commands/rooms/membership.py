"""Join and leave: who is in a room, and from where a connection follows it.

Membership is durable, so a join of somebody new and every leave are drafts; the
connection's later commands wait for them, and so do commands for that room from
the same user's other connections (a barrier). Subscribing is not durable: it
happens in the turn that answers the join.
"""

from __future__ import annotations

from chatd.core import authority, presence, rate_limits
from chatd.core.cluster import again
from chatd.core.commands.rooms.creation import found
from chatd.core.drafts import (
    CreateRoom,
    Duplicate,
    Outcome,
    Refused,
    SetLevel,
    SetMember,
)
from chatd.core.effects import Origin, Replay, Subscribe, Tell, Unsubscribe
from chatd.core.entities import (
    Barrier,
    Connection,
    Room,
    Subscription,
    User,
    readable_from,
)
from chatd.core.settings import PLAIN
from chatd.core.turn import Turn, no_room
from chatd.enums import Role, Visibility
from chatd.errors import Reject, RejectCode
from chatd.ids import RoomName, Seq, UserName, is_direct, is_guest, is_public
from chatd.wire.events import CaughtUp, Presence
from chatd.wire.moderation import SanctionShown
from chatd.wire.replies import Joined
from chatd.wire.rooms import Join, Leave, Notify


def join(turn: Turn, connection: Connection, command: Join) -> None:
    """Become a member if one is not, then subscribe."""
    user = turn.user(connection)
    room = turn.durable.rooms.get(command.room)
    if room is None:
        _create(turn, connection, command)
    elif user.name in room.members:
        _subscribe(turn, connection, room, command)
    else:
        authority.check_entry(turn, user, room)
        if command.since is not None:
            # Whoever was removed meanwhile must not be back by coming back.
            raise _not_in(room.name, "since")
        rate_limits.may_join(turn, connection)
        draft = _entry(user, room)
        if draft.event:
            # Everybody there is told; leaving costs nothing, and stays possible.
            rate_limits.may_send(turn, connection)
        _change(turn, connection, command, draft)


def _not_in(room: RoomName, field: str | None) -> Reject:
    text = f"you are not in {room} any more: join it without since"
    return Reject(RejectCode.NOT_MEMBER, text, field=field)


def leave(turn: Turn, connection: Connection, command: Leave) -> None:
    """End the membership on all devices."""
    if is_direct(command.room):
        raise Reject(
            RejectCode.FORBIDDEN, "a direct conversation cannot be left", field="room"
        )
    user = turn.user(connection)
    room = turn.durable.rooms[command.room]
    is_owner = room.members[user.name].role == Role.OWNER
    if is_owner and len(room.members) > 1:
        require_other_owner(room, user.name)
    event = not (room.declared or is_guest(user.name))
    draft = SetMember(room.name, user.name, None, event)
    _change(turn, connection, command, draft, for_all=is_owner)


def notify(turn: Turn, connection: Connection, command: Notify) -> None:
    """Have it kept what of a room its user wants to be called for."""
    user, room = turn.user(connection), turn.durable.rooms[command.room]
    rate_limits.may_send(turn, connection)
    turn.append(SetLevel(room.name, user.name, command.level), connection, command)
    turn.pend(connection)


def require_other_owner(room: Room, user: UserName) -> None:
    """Check that the room keeps an owner when `user` is none any more.

    Raises:
        Reject: `forbidden`.
    """
    others = (member.role for name, member in room.members.items() if name != user)
    if Role.OWNER not in others:
        raise Reject(
            RejectCode.FORBIDDEN,
            f"{room.name} needs an owner: make somebody else one first",
        )


def _entry(user: User, room: Room) -> SetMember:
    """The draft of a first join; what is told may make an empty room's owner.

    Whether the room is empty, the writer knows: somebody else may be on his way.
    """
    event = not (room.declared or is_guest(user.name))
    return SetMember(
        room.name,
        user.name,
        Role.MEMBER,
        event,
        since_join=room.settings.history == Visibility.SINCE_JOIN,
        may_own=event and not is_direct(room.name),
    )


def _create(turn: Turn, connection: Connection, command: Join) -> None:
    """Have a public room created by joining it."""
    allowed = command.create and authority.may_create(turn, turn.user(connection))
    if not allowed or not is_public(command.room) or command.since is not None:
        raise no_room(command.room)
    found(turn, connection, command, command.room, PLAIN)


def _change(
    turn: Turn,
    connection: Connection,
    command: Join | Leave,
    draft: SetMember,
    *,
    for_all: bool = False,
) -> None:
    """Have a membership changed, behind a barrier for its user or `for_all`."""
    turn.live.barriers[draft.room, None if for_all else draft.user] = Barrier(draft)
    turn.append(draft, connection, command)
    turn.pend(connection)


# --- conclusions ------------------------------------------------------------


def joined(
    turn: Turn, connection: Connection, origin: Origin, outcome: Outcome
) -> None:
    """Subscribe who has joined a room, be it new, or say why not."""
    command, draft = origin.command, origin.draft
    assert isinstance(command, Join)
    assert isinstance(draft, CreateRoom | SetMember)
    is_made = isinstance(draft, CreateRoom)
    room = turn.durable.room(draft.room)
    is_in = room is not None and connection.user in room.members
    if isinstance(outcome, Duplicate) and not (is_made or is_in):
        # He is there by what this node has not heard of yet.
        if again.put_off(turn, connection, command, is_pending=True):
            return
        outcome = again.GIVEN_UP
    if isinstance(outcome, Refused):
        turn.refuse(connection.id, command, outcome)
    elif is_made and isinstance(outcome, Duplicate):
        # Somebody else was faster: the same join, of a room that exists now.
        rate_limits.give_back_creation(turn, connection)
        connection.waiting.insert(0, command)
    elif room is not None and is_in:
        _subscribe(turn, connection, room, command, created=is_made)
    else:
        # Another node has removed him by now.
        turn.refuse(connection.id, command, _not_in(draft.room, None))
    turn.release(connection)


# --- subscribing ------------------------------------------------------------


def _subscribe(
    turn: Turn,
    connection: Connection,
    room: Room,
    command: Join,
    *,
    created: bool = False,
) -> None:
    """Answer a join, and start what it asked for: a replay, or live events."""
    assert connection.user is not None
    member = room.members[connection.user]
    first = readable_from(room, member)
    recovered = _recovered(turn, room, command, first)
    if room.name in connection.subscriptions:
        turn.want(Unsubscribe(connection.id, room.name, drop=True))
    names = command.since is None or command.users
    most = turn.config.presence.names_max
    users = presence.everybody(turn.chat, room, most, connection.user)
    reply = Joined(
        room.name,
        room.epoch,
        room.head,
        first,
        online=len(room.online),
        role=None if member.role == Role.MEMBER else member.role,
        **room.settings.changed(),
        level=member.told_level,
        mute=_mute(turn, room, connection.user),
        users=users if names else None,
        recovered=recovered,
        created=created,
        was=room.was,
        id=command.id,
    )
    turn.answer(connection.id, reply)
    behind = (recovered and command.since != room.head) or (
        command.last is not None and room.head >= first
    )
    entry = turn.live.note_subscription(
        connection, room.name, live=not behind, id_=command.id, names=names
    )
    if behind:
        after = command.since if command.since is not None else Seq(first - 1)
        viewer = turn.user(connection).name
        place = connection.id, room.name, entry.number
        turn.want(Replay(*place, after, room.head, viewer, command.last))
    else:
        _go_live(turn, connection, room, entry)


def _mute(turn: Turn, room: Room, user: UserName) -> SanctionShown | None:
    """That somebody is muted, so that he need not say something to learn it."""
    if not authority.held(room.mutes, user, turn.now.sure):
        return None
    mute = room.mutes[user]
    return SanctionShown(mute.until, mute.reason)


def _recovered(turn: Turn, room: Room, command: Join, first: Seq) -> bool | None:
    """Whether everything after `since` can be given; None if nothing was asked."""
    if command.since is None:
        return None
    most = turn.config.history.replay_max
    return (
        command.epoch == room.epoch
        and first - 1 <= command.since <= room.head
        and (not most or room.head - command.since <= most)
    )


def replayed(turn: Turn, connection: Connection, name: RoomName, at: Seq) -> None:
    """Go on with a replay after a page, or go live if it has met the head."""
    room = turn.durable.rooms[name]
    entry = connection.subscriptions[name]
    if at < room.head:
        viewer = turn.user(connection).name
        turn.want(Replay(connection.id, name, entry.number, at, room.head, viewer))
    else:
        entry.live = True
        _go_live(turn, connection, room, entry)
        if entry.presence_frames != room.presence_frames:
            turn.want(Tell([connection.id], _missed(turn, room, entry), ephemeral=True))


def _missed(turn: Turn, room: Room, entry: Subscription) -> Presence:
    """What makes up for the presence frames that were told during a replay."""
    frame = presence.whole(turn.chat, room, turn.config.presence.names_max)
    if not entry.names:
        frame.users = None
    return frame


def _go_live(
    turn: Turn, connection: Connection, room: Room, entry: Subscription
) -> None:
    """Let live events follow what was replayed, without a seam."""
    turn.want(Subscribe(connection.id, room.name))
    caught_up = CaughtUp(room.name, room.epoch, room.head, entry.id)
    turn.want(Tell([connection.id], caught_up))
