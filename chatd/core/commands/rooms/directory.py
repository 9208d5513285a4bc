"""Rooms and who: which public rooms there are, and who is in one of one's own.

They are authorised twice (`chatd.core.pages`), and change nothing.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import Any

import attrs

from chatd.core import loading, presence
from chatd.core.entities import Connection, Room
from chatd.core.inputs import Answered
from chatd.core.pages import fit, fit_page, may_still_ask, readable
from chatd.core.queries import ListRooms, Page, ReadDisplays
from chatd.core.roster import Roster
from chatd.core.rows import PublicRoom
from chatd.core.turn import Turn
from chatd.enums import Role, State
from chatd.errors import Reject
from chatd.ids import (
    RoomName,
    UserName,
    direct_members,
    direct_partner,
    is_direct,
    is_guest,
)
from chatd.wire.events import UserShown
from chatd.wire.replies import WhoPage
from chatd.wire.rooms import Rooms, RoomShown, RoomsPage, Who


def rooms(turn: Turn, connection: Connection, command: Rooms) -> None:
    """Have a page of the public rooms read."""
    turn.query(connection, command, ListRooms())


def rooms_read(
    turn: Turn,
    connection: Connection,
    found: Answered[Rooms, ListRooms, Page[PublicRoom]],
) -> None:
    """Answer `rooms`: what the store has, and how many are there now."""
    command = found.command
    if not may_still_ask(turn, connection, command):
        return
    read, more = found.answer
    shown = []
    for row in read:
        settings = row.settings
        shown.append(
            RoomShown(
                row.room,
                _online(turn, row.room),
                row.members,
                settings.topic,
                settings.title,
                settings.archived,
            )
        )
    page, more = fit_page(turn, shown, more=more)
    last = page[-1].room if more else None
    turn.answer(connection.id, RoomsPage(page, next=last, id=command.id))


def _online(turn: Turn, name: RoomName) -> int | None:
    """How many are in a room now; None: it is known on other nodes alone."""
    room = turn.durable.rooms.get(name)
    if room is not None:
        return len(room.online)
    return None if turn.live.nodes else 0


def who(turn: Turn, connection: Connection, command: Who) -> None:
    """List who is online in a room, or every member, by name.

    How those are shown who are neither here nor in memory has to be read.

    Raises:
        Reject: `no_room` and `not_member` as everywhere; `no_user` for a conversation
            with somebody who has no account.
    """
    users, other = turn.durable.users, _stranger(turn, connection, command.room)
    if other is not None and (other not in users or is_guest(other)):
        loading.find(turn, connection, command, other)
        return
    room = turn.member_room(connection, command.room)
    names, more = _names(
        room.members if command.all else room.online, command.after, command.limit
    )
    unknown = [n for n in names if n not in users and n not in room.online]
    if unknown:
        turn.query(connection, command, ReadDisplays(unknown, names, more))
    else:
        _show_members(turn, connection, room, command, names, {}, more=more)


def _stranger(turn: Turn, connection: Connection, name: RoomName) -> UserName | None:
    """Whom a conversation of this user's would be with, if nobody has begun it."""
    user = turn.user(connection).name
    if not is_direct(name) or is_guest(user) or turn.durable.room(name) is not None:
        return None
    return direct_partner(name, user) if user in direct_members(name) else None


def members_read(
    turn: Turn,
    connection: Connection,
    found: Answered[Who, ReadDisplays, dict[UserName, str]],
) -> None:
    """Answer `who`, if its user is still a member and his token allows it."""
    command, query = found.command, found.query
    try:
        room, _ = readable(turn, connection, command)
    except Reject as reject:
        turn.refuse(connection.id, command, reject)
        return
    names = query.names
    _show_members(turn, connection, room, command, names, found.answer, more=query.more)


def _show_members(
    turn: Turn,
    connection: Connection,
    room: Room,
    command: Who,
    names: list[UserName],
    displays: dict[UserName, str],
    *,
    more: bool,
) -> None:
    """Answer `who` with those of some names who are members still."""
    shown = []
    for name in names:
        if name not in room.members:
            continue
        entry = presence.view(turn.chat, room, name)
        if entry is None:
            entry = _absent(turn, room, name, displays)
        if command.all and room.members[name].role != Role.MEMBER:
            entry = attrs.evolve(entry, role=room.members[name].role)
        shown.append(entry)
    page = fit(shown, turn.config.limits.reply_bytes)
    is_cut = len(page) < len(shown)
    last = (page[-1].name if is_cut else names[-1]) if more or is_cut else None
    turn.answer(connection.id, WhoPage(room.name, page, next=last, id=command.id))


def _absent(
    turn: Turn, room: Room, name: UserName, displays: dict[UserName, str]
) -> UserShown:
    """How somebody is shown who is not there.

    Gone from memory and not read, or erased: by his name alone.
    """
    user = turn.durable.users.get(name)
    display = user.display if user is not None else displays.get(name)
    if display == name or name in room.mutes:
        display = None
    return UserShown(name, display, State.OFFLINE)


def _names(
    names: Roster[UserName, Any], after: UserName | None, limit: int
) -> tuple[list[UserName], bool]:
    """A page of names in order, at the cost of those that are taken."""
    ordered = names.ordered()
    at = 0 if after is None else bisect_right(ordered, after)
    return list(ordered[at : at + limit]), len(ordered) > at + limit
