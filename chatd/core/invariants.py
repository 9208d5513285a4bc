"""What must be true of the chat at every moment; for tests, after each input."""

from __future__ import annotations

from collections.abc import Hashable
from typing import TypeVar

from chatd.core.agenda import DeadlineKey, Due
from chatd.core.durable import LEADERS, DurableState
from chatd.core.index import Index
from chatd.core.state import Chat
from chatd.ids import is_direct, is_guest
from chatd.wire.fields import ROLES

K = TypeVar("K", bound=Hashable)
V = TypeVar("V", bound=Hashable)


def check(chat: Chat) -> None:
    """Assert every invariant."""
    for room in chat.durable.rooms.values():
        assert 1 <= room.first <= room.head + 1
        users = chat.durable.users
        online = {name for name in room.members if name in users and users[name].online}
        assert online == set(room.online), (room.name, online, room.online)
        for name, member in room.members.items():
            assert 0 <= member.read <= room.head
            assert 1 <= member.first <= room.head + 1
            assert member.role in ROLES
            assert (member.role in LEADERS) == (name in room.leaders)
        assert all(name in room.members for name in room.leaders)
        assert not any(name in room.members for name in room.bans)
        for name in room.invited:
            assert room.name in chat.durable.invites[name]
        if is_direct(room.name):
            assert len(room.members) <= 2  # fewer where one was erased
        holding = [*room.members, *room.invited]
        assert room.held == sum(name in users and users[name].whole for name in holding)
        # What nobody holds is looked at again, until it is let go of.
        is_due = chat.live.agenda.has(Due.UNHELD, room.name)
        assert room.held or room.declared or is_due, room.name
        for roster in (room.members, room.online):
            assert roster.ordered() == sorted(roster)
    for user in chat.durable.users.values():
        assert user.online or not user.connections
        assert user.whole or not (user.online or is_guest(user.name))
        is_idle = chat.live.agenda.has(Due.IDLE, user.name)
        assert is_idle == (not user.online and not is_guest(user.name))
        for number in user.connections:
            assert chat.live.connections[number].user == user.name
    assert chat.live.users_online == sum(
        user.online for user in chat.durable.users.values()
    )
    _check_indexes(chat.durable)
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
    assert all(chat.durable.barred.values())
    assert all(
        name is None or name in chat.durable.rooms for name in chat.durable.barred
    )
    for number in chat.live.verifications.pending:
        waiting = chat.live.connections[number]
        assert waiting.user is None or waiting.block is not None
    assert not chat.live.verifications.cut_at or chat.live.verifications.pending
    for due, reasons in _reasons(chat).items():
        assert chat.live.agenda.keys(due) <= reasons, due


def _check_indexes(durable: DurableState) -> None:
    """Assert that what is found by an index is what a walk over everything finds."""
    rooms, users = durable.rooms.values(), durable.users.values()
    assert set(durable.declared) == {room.name for room in rooms if room.declared}
    assert _pairs(durable.places) == {
        (user, room.name) for room in rooms for user in room.members
    }
    assert set(durable.makers.items()) == {
        (room, user.name) for user in users for room in user.made
    }
    for room in rooms:
        if room.maker in durable.users:
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
            room.name for room in chat.durable.rooms.values() if room.unsettled
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
