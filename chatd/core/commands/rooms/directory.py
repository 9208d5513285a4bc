"""Rooms and who: which public rooms there are, and who is in one of one's own.

They are authorised twice (`chatd.core.pages`), and change nothing.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import Any

import attrs

from chatd.core.entities import Connection, Room, User, shown_in
from chatd.core.inputs import Answered
from chatd.core.pages import fit, fit_page, may_still_ask, readable
from chatd.core.queries import ListRooms, Page, ReadDisplays
from chatd.core.roster import Roster
from chatd.core.rows import PublicRoom
from chatd.core.turn import Turn
from chatd.enums import AccountRole, Role, State
from chatd.errors import Reject
from chatd.ids import UserName
from chatd.wire.events import UserShown
from chatd.wire.replies import RoomShown, RoomsPage, WhoPage
from chatd.wire.rooms import Rooms, Who


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
        room = turn.durable.rooms.get(row.room)
        online, settings = len(room.online) if room is not None else 0, row.settings
        shown.append(
            RoomShown(
                *(row.room, online, row.members),
                settings.topic,
                settings.title,
                settings.archived,
            )
        )
    page, more = fit_page(turn, shown, more=more)
    last = page[-1].room if more else None
    turn.answer(connection.id, RoomsPage(page, next=last, id=command.id))


def who(turn: Turn, connection: Connection, command: Who) -> None:
    """List who is online in a room, or every member, by name.

    How those are shown who are not in memory has to be read.
    """
    room, users = turn.durable.rooms[command.room], turn.durable.users
    names, more = _names(
        room.members if command.all else room.online, command.after, command.limit
    )
    unknown = [name for name in names if name not in users]
    if unknown:
        turn.query(connection, command, ReadDisplays(unknown, names, more))
    else:
        _show_members(turn, connection, room, command, names, {}, more=more)


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
        user = turn.durable.users.get(name)
        if user is None:
            # Gone from memory and not read, or erased: by his name alone.
            user = User(name, displays.get(name, name), AccountRole.USER)
        entry = shown_in(room, user)
        if name not in room.online:
            entry = UserShown(name, entry.display, State.OFFLINE)
        if command.all and room.members[name].role != Role.MEMBER:
            entry = attrs.evolve(entry, role=room.members[name].role)
        shown.append(entry)
    page = fit(shown, turn.config.limits.reply_bytes)
    is_cut = len(page) < len(shown)
    last = (page[-1].name if is_cut else names[-1]) if more or is_cut else None
    turn.answer(connection.id, WhoPage(room.name, page, next=last, id=command.id))


def _names(
    names: Roster[UserName, Any], after: UserName | None, limit: int
) -> tuple[list[UserName], bool]:
    """A page of names in order, at the cost of those that are taken."""
    ordered = names.ordered()
    at = 0 if after is None else bisect_right(ordered, after)
    return list(ordered[at : at + limit]), len(ordered) > at + limit
