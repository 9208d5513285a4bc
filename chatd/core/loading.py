"""Having what a command needs read into memory, and going on when it is there.

A command waits, with all that its connection has sent behind it, until the user or the
room that it names is in memory or known not to exist (`Connection.sought`). What is
read belongs to nobody's connection: others may wait for it, and it is small.

Only public rooms are read because somebody names them. All others that somebody may
know of are in memory with him, so nothing tells those that there are from those that
there are not.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from chatd.core import residency
from chatd.core.agenda import DeadlineKey, Due
from chatd.core.cluster import again
from chatd.core.drafts import Draft, rooms_of
from chatd.core.effects import Fetch
from chatd.core.entities import Connection
from chatd.core.inputs import Fetched
from chatd.core.loads import Load, RoomLoad, UserLoad, Waiting
from chatd.core.queries import LoadRooms, LoadUser
from chatd.core.rows import RoomRow, UserRecord
from chatd.core.turn import Turn, no_user
from chatd.errors import Ending, Reject
from chatd.ids import ConnectionId, RoomName, UserName, is_guest
from chatd.wire.commands import Command

RETRY_S = 1.0
"""When a room is read again that could not be: somebody here may be in it, where
another node has put him there."""
ROOMS = 16
"""Rooms of one answer, which is taken into memory without a pause."""

Woken = list[tuple[ConnectionId, Waiting]]
"""Connections that wait no more, with what waited there; some may have gone."""


def find(turn: Turn, connection: Connection, command: Command, user: UserName) -> None:
    """Have a user read whom a command names and who is not in memory.

    The command waits for that, and is checked once more.

    Raises:
        Reject: `no_user`, if there is none; a guest is in memory as long as he is
            somebody, unless another node may have him.
    """
    is_nobody = is_guest(user) and turn.live.node is None
    if is_nobody or user in connection.sought:
        raise no_user(command, user)
    await_user(turn, connection, Waiting(command), user)


def await_user(
    turn: Turn,
    connection: Connection,
    waiting: Waiting,
    name: UserName,
    *,
    with_rooms: bool = False,
) -> None:
    """Have a user be in memory, or known not to exist, before a command goes on.

    Args:
        turn: This one.
        connection: Whose command it is.
        waiting: What goes on then.
        name: The user.
        with_rooms: Whether all rooms of the user are needed, too.
    """
    users = turn.live.loads.users
    load = users.get(name)
    if load is None:
        load = users[name] = UserLoad()
        turn.want(Fetch(LoadUser(name)))
    load.with_rooms = load.with_rooms or with_rooms
    _wait(turn, connection, waiting, load, name)


def await_room(
    turn: Turn, connection: Connection, waiting: Waiting, name: RoomName
) -> None:
    """Have a room be in memory, or known not to exist, before a command goes on."""
    rooms = turn.live.loads.rooms
    load = rooms.get(name)
    if load is None:
        load = rooms[name] = RoomLoad()
        turn.want(Fetch(LoadRooms([name])))
    _wait(turn, connection, waiting, load, name)


def seek_rooms(turn: Turn, names: Sequence[RoomName]) -> None:
    """Have rooms be in memory, or known not to exist, though no command waits."""
    loads = turn.live.loads.rooms
    new = [n for n in names if turn.durable.room(n) is None and n not in loads]
    loads.update({name: RoomLoad() for name in new})
    for at in range(0, len(new), ROOMS):
        turn.want(Fetch(LoadRooms(new[at : at + ROOMS])))


def seek_again(turn: Turn, key: DeadlineKey) -> None:
    """Have a room read that could not be read before."""
    seek_rooms(turn, [key])  # type: ignore[list-item]


def _wait(
    turn: Turn,
    connection: Connection,
    waiting: Waiting,
    load: Load,
    name: RoomName | UserName,
) -> None:
    load.waiting[connection.id] = None
    turn.live.loads.waiting[connection.id] = waiting
    connection.sought |= {name}
    turn.pend(connection)


# --- what has been read -----------------------------------------------------------


def user_read(turn: Turn, found: Fetched[LoadUser, UserRecord | None]) -> Woken:
    """Take a user who was read into memory, and have his rooms read if need be."""
    name, record = found.query.user, found.answer
    load = turn.live.loads.users[name]
    if isinstance(record, Reject):
        return _failed(turn, [name], [], record)
    if load.overtaken:
        _begin_again(turn, name, load)
        return []
    if record is not None:
        residency.take_user(turn.chat, record, turn.now.mono)
        if load.with_rooms:
            load.record = record
            return _take_rooms(turn, name, load)
    return _done(turn, [name])


def rooms_read(turn: Turn, found: Fetched[LoadRooms, Sequence[RoomRow]]) -> Woken:
    """Take rooms that were read into memory; users whose last they are go on."""
    loads, names = turn.live.loads, found.query.rooms
    if isinstance(found.answer, Reject):
        users = {user for name in names for user in loads.rooms[name].users}
        return _failed(turn, sorted(users), names, found.answer)
    # By a name that it had before, a room is found under one that it is just given.
    called = [name for row in found.answer for name in (row.room, *row.was)]
    making = [name for name in (*names, *called) if _is_made_now(turn, name)]
    is_behind = any(_is_called_otherwise(turn, row) for row in found.answer)
    if making or is_behind or any(loads.rooms[name].overtaken for name in names):
        for name in names:
            loads.rooms[name].overtaken = False
        if making:
            loads.ahead.setdefault(making[0], []).append(found.query)
        elif is_behind:
            loads.behind.append(found.query)
            again.ask(turn)
        else:
            turn.want(Fetch(found.query))
        return []
    for row in found.answer:
        is_new = turn.durable.room_by_epoch(row.epoch) is None
        room = residency.take_room(turn.chat, row, turn.now)
        if is_new and room.held and turn.live.node is not None:
            turn.effects += residency.bring_in(turn.chat, room, turn.now)
    woken: Woken = []
    complete: dict[UserName, UserLoad] = {}
    for name in names:
        load = loads.rooms.pop(name)
        woken += _woken(turn, load)
        for user in load.users:
            waiting = loads.users[user]
            del waiting.missing[name]
            if turn.durable.room(name) is None:
                waiting.absent[name] = None
            if not waiting.missing:
                complete[user] = waiting
    for user, waiting in complete.items():
        woken += _take_rooms(turn, user, waiting)
    return woken


def _is_made_now(turn: Turn, name: RoomName) -> bool:
    """Whether a draft on its way makes a room, or gives it this name."""
    return name in turn.live.writing and turn.durable.room(name) is None


def _is_called_otherwise(turn: Turn, row: RoomRow) -> bool:
    """Whether another node has renamed a room, of which this one has not heard yet."""
    if turn.live.node is None:
        return False
    room = turn.durable.room_by_epoch(row.epoch)
    return room is not None and room.name != row.room


def caught_up(turn: Turn) -> None:
    """Read what could not be taken before this node knew what others have committed."""
    loads = turn.live.loads
    behind, loads.behind = loads.behind, []
    for query in behind:
        turn.want(Fetch(query))


def known(turn: Turn, draft: Draft) -> None:
    """Read what could not be taken before it was known what became of a draft."""
    ahead = turn.live.loads.ahead
    for room in rooms_of(draft):
        if room in ahead and room not in turn.live.writing:
            for query in ahead.pop(room):
                turn.want(Fetch(query))


def _take_rooms(turn: Turn, name: UserName, load: UserLoad) -> Woken:
    """Have those rooms of a user read that are not in memory; or all are."""
    user = turn.durable.users.get(name)
    if load.overtaken or user is None:
        _begin_again(turn, name, load)
        return []
    assert load.record is not None
    loads, new = turn.live.loads.rooms, []
    for room in load.record.rooms:
        if turn.durable.room(room) is None and room not in load.absent:
            load.missing[room] = None
            if room not in loads:
                loads[room] = RoomLoad()
                new.append(room)
            loads[room].users[name] = None
    for at in range(0, len(new), ROOMS):
        turn.want(Fetch(LoadRooms(new[at : at + ROOMS])))
    if load.missing:
        return []
    turn.durable.set_whole(user, on=True)
    return _done(turn, [name])


def _begin_again(turn: Turn, name: UserName, load: UserLoad) -> None:
    load.overtaken, load.record = False, None
    load.absent.clear()
    turn.want(Fetch(LoadUser(name)))


def _done(turn: Turn, users: Iterable[UserName]) -> Woken:
    woken: Woken = []
    for name in users:
        woken += _woken(turn, turn.live.loads.users.pop(name))
    return woken


def _failed(
    turn: Turn, users: Iterable[UserName], rooms: Iterable[RoomName], why: Reject
) -> Woken:
    """End the connections that cannot go on: they come back and ask again."""
    loads = turn.live.loads
    woken: Woken = []
    for user in users:
        for room in loads.users[user].missing:
            loads.rooms[room].users.pop(user, None)
        woken += _woken(turn, loads.users.pop(user))
    for room in rooms:
        woken += _woken(turn, loads.rooms.pop(room))
        if turn.live.node is not None:
            turn.live.agenda.add(turn.now.mono + RETRY_S, Due.SOUGHT, room)
    for number, _ in woken:
        connection = turn.chat.connection(number)
        if connection is not None:
            turn.finish(connection, Ending.OVERLOADED, why.retry_after_s)
    return woken


def _woken(turn: Turn, load: Load) -> Woken:
    waiting = turn.live.loads.waiting
    return [(one, waiting.pop(one)) for one in load.waiting if one in waiting]
