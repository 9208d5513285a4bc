"""Join and leave: who is in a room, and from where a connection follows it.

Membership is durable, so a join of somebody new and every leave are drafts; the
connection's later commands wait for them, and so do commands for that room from
the same user's other connections (a barrier). Subscribing is not durable: it
happens in the turn that answers the join.
"""

from __future__ import annotations

from chatd.core import presence
from chatd.core.commands.timeline import room_created
from chatd.core.drafts import (
    Committed,
    CreateRoom,
    Duplicate,
    Outcome,
    Refused,
    SetMember,
)
from chatd.core.effects import (
    Deliver,
    Origin,
    Replay,
    Subscribe,
    Tell,
    Unsubscribe,
)
from chatd.core.entities import Connection, Room, Subscription
from chatd.core.turn import Turn, no_room
from chatd.errors import Reject, RejectCode
from chatd.ids import RoomName, Seq, UserName, is_direct, is_guest
from chatd.wire.commands import Join, Leave
from chatd.wire.events import CaughtUp, Left, Presence
from chatd.wire.replies import Done, Joined


def join(turn: Turn, connection: Connection, command: Join) -> None:
    """Become a member if one is not, then subscribe."""
    user = turn.user(connection)
    room = turn.chat.rooms.get(command.room)
    if room is None:
        _create(turn, connection, command)
    elif user.name in room.members:
        _subscribe(turn, connection, room, command)
    elif room.name[0] in "@~":
        raise no_room(room.name)
    else:
        event = not (room.declared or is_guest(user.name))
        _change(
            turn, connection, command, SetMember(room.name, user.name, "member", event)
        )


def leave(turn: Turn, connection: Connection, command: Leave) -> None:
    """End the membership on all devices."""
    if is_direct(command.room):
        raise Reject(
            RejectCode.FORBIDDEN, "a direct conversation cannot be left", field="room"
        )
    user = turn.user(connection)
    room = turn.chat.rooms[command.room]
    event = not (room.declared or is_guest(user.name))
    _change(turn, connection, command, SetMember(room.name, user.name, None, event))


def _create(turn: Turn, connection: Connection, command: Join) -> None:
    """Have a public room created, with its creator as the owner."""
    user = turn.user(connection)
    who = turn.config.rooms.create
    allowed = (
        who == "anyone"
        or user.role == "admin"
        or (who == "users" and not is_guest(user.name))
    )
    if not allowed or command.room[0] in "@~":
        raise no_room(command.room)
    draft = CreateRoom(
        command.room,
        turn.new_epoch(),
        topic="",
        members={user.name: "owner"},
        event=not is_guest(user.name),
    )
    turn.append(draft, connection, command)
    turn.pend(connection)


def _change(
    turn: Turn, connection: Connection, command: Join | Leave, draft: SetMember
) -> None:
    """Have a membership changed, behind a barrier."""
    turn.chat.barriers[draft.room, draft.user] = []
    turn.append(draft, connection, command)
    turn.pend(connection)


# --- outcomes ---------------------------------------------------------------


def created(turn: Turn, origin: Origin, draft: CreateRoom, outcome: Outcome) -> None:
    """Take a room that was created, and go on with the join that wanted it."""
    if isinstance(outcome, Committed):
        room_created(turn, draft, outcome.event)
        if outcome.event is not None:
            turn.want(Deliver(outcome.event))
    connection = turn.connection(origin.connection)
    if connection is None:
        return
    command = origin.command
    assert isinstance(command, Join)
    if isinstance(outcome, Refused):
        turn.refuse(connection.id, command, outcome)
    elif isinstance(outcome, Duplicate):
        # Somebody else was faster: the same join, of a room that exists now.
        connection.waiting.insert(0, command)
    else:
        room = turn.chat.rooms[draft.room]
        _subscribe(turn, connection, room, command, created=True)
    turn.release(connection)


def changed(turn: Turn, origin: Origin, draft: SetMember, outcome: Outcome) -> None:
    """Take a change of membership, answer it, and lift its barrier."""
    chat, now = turn.chat, turn.now.mono
    room = chat.rooms[draft.room]
    user = chat.users.get(draft.user)
    done = not isinstance(outcome, Refused)
    event = outcome.event if isinstance(outcome, Committed) else None
    if event is not None:
        chat.apply(event)
    if done and user is not None:
        chat.apply_member(room, user, draft.role, now)
    connection = turn.connection(origin.connection)
    command = origin.command
    if event is not None and draft.role is not None:
        # Before the joiner is subscribed: his `ok` counts his own join already.
        turn.want(Deliver(event))
    if connection is not None:
        assert isinstance(command, Join | Leave)
        if isinstance(outcome, Refused):
            turn.refuse(connection.id, command, outcome)
        elif isinstance(command, Join):
            _subscribe(turn, connection, room, command)
        else:
            turn.answer(connection.id, Done(command.type, command.id))
        turn.release(connection)
    if event is not None and draft.role is None:
        turn.want(Deliver(event))
    if done and user is not None and draft.role is None:
        withdraw(turn, draft.user, room.name, "leave")
    if origin.connection is None:
        # The store stalled: the barrier was lifted when the command was refused,
        # and one that stands now is a later change's.
        return
    for number in chat.barriers.pop((draft.room, draft.user), ()):
        waiting = turn.connection(number)
        if waiting is not None:
            turn.release(waiting)


def withdraw(turn: Turn, user: UserName, room: RoomName, reason: str) -> None:
    """Take a room from all connections of a user, and tell each of them."""
    numbers = turn.connections_of(user)
    for number in numbers:
        if turn.chat.connections[number].subscriptions.pop(room, None) is not None:
            turn.want(Unsubscribe(number, room, drop=False))
    if numbers:
        turn.want(Tell(numbers, Left(room, reason)))


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
    recovered = _recovered(turn, room, command)
    if room.name in connection.subscriptions:
        turn.want(Unsubscribe(connection.id, room.name, drop=True))
    names = command.since is None or command.users
    most = turn.config.presence.names_max
    users = presence.everybody(turn.chat, room, most, connection.user)
    reply = Joined(
        room.name,
        room.epoch,
        room.head,
        room.first,
        online=len(room.online),
        topic=room.topic,
        users=users if names else None,
        recovered=recovered,
        created=created,
        id=command.id,
    )
    turn.answer(connection.id, reply)
    behind = (recovered and command.since != room.head) or (
        command.last is not None and room.head > 0
    )
    entry = turn.chat.note_subscription(
        connection, room.name, live=not behind, id_=command.id, names=names
    )
    if behind:
        after = command.since if command.since is not None else Seq(0)
        turn.want(
            Replay(
                connection.id, room.name, entry.number, after, room.head, command.last
            )
        )
    else:
        _go_live(turn, connection, room, entry)


def _recovered(turn: Turn, room: Room, command: Join) -> bool | None:
    """Whether everything after `since` can be given; None if nothing was asked."""
    if command.since is None:
        return None
    most = turn.config.history.replay_max
    return (
        command.epoch == room.epoch
        and room.first - 1 <= command.since <= room.head
        and (not most or room.head - command.since <= most)
    )


def replayed(turn: Turn, connection: Connection, name: RoomName, at: Seq) -> None:
    """Go on with a replay after a page, or go live if it has met the head."""
    room = turn.chat.rooms[name]
    entry = connection.subscriptions[name]
    if at < room.head:
        turn.want(Replay(connection.id, name, entry.number, at, room.head))
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


def subscribe_direct(turn: Turn, connection: Connection) -> None:
    """Subscribe a new connection to its user's direct conversations."""
    for name in turn.user(connection).rooms:
        if is_direct(name):
            turn.chat.note_subscription(connection, name)
            turn.want(Subscribe(connection.id, name))
