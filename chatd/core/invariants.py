"""What must be true of the chat at every moment; for tests, after each input."""

from __future__ import annotations

from collections.abc import Hashable
from typing import TypeVar

from chatd.core.agenda import DeadlineKey, Due
from chatd.core.cluster.neighbours import Neighbours
from chatd.core.durable import LEADERS, DurableState
from chatd.core.entities import Block, Room
from chatd.core.index import Index
from chatd.core.live import LiveState
from chatd.core.state import Chat
from chatd.enums import Level
from chatd.ids import UserName, is_direct, is_guest
from chatd.wire.fields import ROLES

K = TypeVar("K", bound=Hashable)
V = TypeVar("V", bound=Hashable)


def check(chat: Chat) -> None:
    """Assert every invariant."""
    for room in chat.durable.rooms.values():
        _check_room(chat, room)
    for user in chat.durable.users.values():
        assert user.online or not user.connections
        # Another node may have a guest who is not here any more.
        is_kept = is_guest(user.name) and chat.live.node is None
        assert user.whole or not (user.online or is_kept)
        is_idle = chat.live.agenda.has(Due.IDLE, user.name)
        assert is_idle == (not user.online and not is_kept)
        for number in user.connections:
            assert chat.live.connections[number].user == user.name
    assert chat.live.users_online == sum(
        user.online for user in chat.durable.users.values()
    )
    _check_indexes(chat.durable)
    _check_waiting(chat.live)
    _check_connections(chat)
    assert all(chat.durable.barred.values())
    assert all(
        name is None or name in chat.durable.rooms for name in chat.durable.barred
    )
    for due, reasons in _reasons(chat).items():
        assert chat.live.agenda.keys(due) <= reasons, due


def _check_room(chat: Chat, room: Room) -> None:
    """Assert what must be true of a room."""
    assert room.first >= 1
    # One of several nodes may know what was trimmed before it has heard of the last.
    assert room.first <= room.head + 1 or chat.live.node is not None
    users = chat.durable.users
    online = {name for name in room.members if _is_shown(chat, room, name)}
    assert online == set(room.online), (room.name, online, room.online)
    for name, member in room.members.items():
        assert 0 <= member.read <= room.head
        assert 1 <= member.first <= room.head + 1
        assert member.role in ROLES
        assert isinstance(member.level, Level)
        assert (member.role in LEADERS) == (name in room.leaders)
    assert all(name in room.members for name in room.leaders)
    assert not any(name in room.members for name in room.bans)
    for name, seq in room.returned.items():
        assert room.members[name].read < seq <= room.head
    for name in room.invited:
        assert room.name in chat.durable.invites[name]
    if is_direct(room.name):
        assert len(room.members) <= 2  # fewer where one was erased
    holding = [*room.members, *room.invited]
    assert room.held == sum(name in users and users[name].whole for name in holding)
    # What nobody holds is looked at again, until it is let go of.
    is_due = chat.live.agenda.has(Due.UNHELD, room.name)
    assert room.held or room.declared or is_due, room.name
    if room.unsettled or _is_to_tell(room.neighbours):
        assert chat.live.agenda.has(Due.PRESENCE, room.name)
    for roster in (room.members, room.online):
        assert roster.ordered() == sorted(roster)


def _is_shown(chat: Chat, room: Room, name: UserName) -> bool:
    """Whether somebody is there, on this node or another one."""
    elsewhere = room.neighbours is not None and room.neighbours.has(name)
    return elsewhere or chat.live.here(name) is not None


def _is_to_tell(neighbours: Neighbours | None) -> bool:
    """Whether something about other nodes is to be done at the end of the tick."""
    if neighbours is None:
        return False
    doubted = any(there.until is not None for there in neighbours.there.values())
    told = neighbours.untold or neighbours.tells_all or neighbours.asks_all
    return bool(told) or doubted


def _check_connections(chat: Chat) -> None:
    """Assert that sessions, connections and users name each other."""
    for session in chat.live.sessions.values():
        if session.connection is not None:
            assert chat.live.connections[session.connection].session == session.id
    for connection in chat.live.connections.values():
        if connection.session is not None:
            # Who loses his session is cut off in the same step.
            assert chat.live.sessions[connection.session].connection == connection.id
        assert connection.user is None or connection.id in (
            chat.durable.users[connection.user].connections
        )
        assert connection.block is not None or not connection.waiting
        assert connection.open_drafts >= 0
        is_undecided = connection.block is Block.UNDECIDED
        assert is_undecided == (connection.undecided is not None)


def _check_waiting(live: LiveState) -> None:
    """Assert that what waits for something has that to wait for."""
    for number in live.verifications.pending:
        waiting = live.connections[number]
        assert waiting.user is None or waiting.block is not None
    assert not live.verifications.cut_at or live.verifications.pending
    for room, queries in live.loads.ahead.items():
        assert room in live.writing
        for query in queries:
            assert set(query.rooms) <= set(live.loads.rooms)
    for query in live.loads.behind:
        assert set(query.rooms) <= set(live.loads.rooms)


def _check_indexes(durable: DurableState) -> None:
    """Assert that what is found by an index is what a walk over everything finds."""
    rooms, users = durable.rooms.values(), durable.users.values()
    assert durable.epochs == {room.epoch: room for room in rooms}
    assert len(durable.epochs) == len(durable.rooms)
    assert set(durable.declared) == {room.name for room in rooms if room.declared}
    assert _pairs(durable.places) == {
        (user, room.name) for room in rooms for user in room.members
    }
    assert set(durable.makers.items()) == {
        (room, user.name) for user in users for room in user.made
    }
    for room in rooms:
        # What was made or renamed on another node is told a little later than read.
        if room.maker in durable.users and durable.streams is None:
            assert durable.makers[room.name] == room.maker
    assert _pairs(durable.sanctioned) == {
        (user, room.name) for room in rooms for user in (*room.bans, *room.mutes)
    }
    assert _pairs(durable.asked_by) == {
        (invite.sender, (user, room))
        for user, invites in durable.invites.items()
        for room, invite in invites.items()
    }
    assert _pairs(durable.blocked_by) == {
        (blocked, user.name) for user in users for blocked in user.blocks
    }


def _pairs(index: Index[K, V]) -> set[tuple[K, V]]:
    assert all(index.values())
    return {(key, value) for key, values in index.items() for value in values}


def _reasons(chat: Chat) -> dict[Due, set[DeadlineKey]]:
    """What may have a deadline of each kind; it goes with its reason."""
    connections, users = chat.live.connections.values(), chat.durable.users.values()
    return {
        Due.LOGIN: {one.id for one in connections if one.user is None},
        Due.PRESENCE: {
            room.name
            for room in chat.durable.rooms.values()
            # Of what other nodes are asked, the answer may have come meanwhile.
            if room.unsettled or room.neighbours is not None
        },
        Due.GRACE: {
            user.name for user in users if user.online and not user.connections
        },
        Due.IDLE: {user.name for user in users if not user.online},
        Due.UNHELD: set(chat.durable.rooms),
        Due.ADDRESS_BANS: set(chat.durable.barred),
        Due.EXPIRY: {one.id for one in connections if one.expires is not None},
        Due.FORGET_SESSION: set(chat.live.ended),
        Due.FORGET_INVITE: {
            (user, room)
            for user, rooms in chat.durable.invites.items()
            for room in rooms
        },
        Due.EMPTY: {
            name for name, room in chat.durable.rooms.items() if not room.members
        },
        Due.BAN: {
            (user, room.name)
            for room in chat.durable.rooms.values()
            for user in room.bans
        },
        Due.MUTE: {
            (user, room.name)
            for room in chat.durable.rooms.values()
            for user in room.mutes
        },
    }
