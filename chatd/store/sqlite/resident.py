"""What comes into memory while the daemon runs: rooms and users, each by its name.

A room of ten thousand members is read at once, so what is made of each row is made
here and not again by who asked for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import apsw

from chatd.core.changes import AddressBan
from chatd.core.entities import Invite, Membership, Sanction
from chatd.core.rows import RoomRow, UserRecord, UserRow
from chatd.enums import Level, Role
from chatd.ids import RoomName, UserName
from chatd.store.sqlite.people import server_ban
from chatd.store.sqlite.rooms import load_settings
from chatd.store.sqlite.sql import (
    find_rows,
    room_called,
    select,
    select_of,
    snapshot,
)

_ROLES = {role.value: role for role in Role}
_LEVELS = {level.value: level for level in Level}
_LEADING = frozenset({Role.OWNER, Role.MODERATOR})

_ROOM = f"""
SELECT r.id, r.name, epoch, head, first, last_ts, settings, u.name,
EXISTS (SELECT 1 FROM message m WHERE m.room_id = r.id)
FROM room r LEFT JOIN user u ON u.id = r.maker_id
WHERE r.id = {room_called("?1")} AND r.ended IS NULL"""  # noqa: S608 - ours
# What is of a room is sorted here: its keys are numbers, not names.
_MEMBERS = """
SELECT u.name, m.role, m.read, m.first, m.level, u.id FROM member m JOIN user u
ON u.id = m.user_id WHERE m.room_id = ? AND u.erased IS NULL"""
_SANCTIONS = """
SELECT u.name, s.kind, s.until, s.reason FROM sanction s JOIN user u
ON u.id = s.user_id WHERE s.room_id = ? AND u.erased IS NULL"""
_INVITES = """
SELECT u.name, s.name, i.ts, i.closed_until FROM invite i JOIN user u
ON u.id = i.user_id JOIN user s ON s.id = i.sender_id
WHERE i.room_id = ? AND u.erased IS NULL AND s.erased IS NULL"""
_BARRED = """
SELECT u.name, a.address, a.at, a.until, a.reason FROM address_ban a JOIN user u
ON u.id = a.user_id WHERE a.room_id = ? AND u.erased IS NULL"""
_BANNED = """
SELECT name, banned_at, banned_until, ban_reason FROM user WHERE id = ?"""
_FORMER = "SELECT seq, name FROM former_name WHERE room_id = ?"

_USER = """
SELECT u.name, u.display, u.role, a.address, u.banned_at, u.banned_until,
u.ban_reason FROM user u LEFT JOIN guest_address a ON a.user_id = u.id
WHERE u.id = $USER"""
_BLOCKS = """
SELECT u.name FROM block b JOIN user u ON u.id = b.blocked_id
WHERE b.user_id = $USER"""
_MADE = """
SELECT name FROM room WHERE maker_id = $USER AND ended IS NULL ORDER BY name"""
_ROOMS = """
SELECT r.name FROM member m JOIN room r ON r.id = m.room_id
WHERE m.user_id = $USER AND r.ended IS NULL
UNION ALL
SELECT r.name FROM invite i JOIN room r ON r.id = i.room_id
WHERE i.user_id = $USER AND r.ended IS NULL"""


def _of_user(column: str) -> tuple[str, ...]:
    """What is asked of the user who has a value in a column, if he was not erased."""
    who = f"(SELECT id FROM user WHERE {column} = ?1 AND erased IS NULL)"  # noqa: S608 - ours
    return tuple(sql.replace("$USER", who) for sql in (_USER, _BLOCKS, _MADE, _ROOMS))


_BY_NAME, _BY_NUMBER = _of_user("name"), _of_user("id")
_DISPLAYS = """
SELECT name, display FROM user WHERE erased IS NULL AND (name) IN (VALUES $ROWS)"""


def rooms(db: apsw.Connection, names: Sequence[RoomName]) -> list[RoomRow]:
    """Read rooms with all who are in them, in the order in which they are named."""
    with snapshot(db):
        return read_rooms(db, names)


def read_rooms(db: apsw.Connection, names: Sequence[RoomName]) -> list[RoomRow]:
    """As `rooms`, within a snapshot."""
    found: dict[int, RoomRow] = {}
    for name in names:
        for number, *row in select(db, _ROOM, (name,)):
            if number not in found:
                found[number] = _room(db, number, row)
    return list(found.values())


def _room(db: apsw.Connection, number: int, row: list[Any]) -> RoomRow:
    name, epoch, head, first, last_ts, settings, maker, spoken = row
    asked = _MEMBERS, _SANCTIONS, _INVITES, _BARRED, _FORMER
    there, sanctions, invited, barred, former = select_of(db, number, *asked)
    members: dict[UserName, Membership] = {}
    leading: list[int] = []
    for user, role, read, since, level, user_number in sorted(there):
        members[user] = Membership(_ROLES[role], read, since, _LEVELS[level])
        if role in _LEADING:
            leading.append(user_number)
    bans: dict[UserName, Sanction] = {}
    mutes: dict[UserName, Sanction] = {}
    for user, kind, *sanction in sorted(sanctions, key=_first):
        (bans if kind == "ban" else mutes)[user] = Sanction(*sanction)
    return RoomRow(
        name,
        epoch,
        head,
        first,
        last_ts,
        load_settings(settings),
        members,
        banned=dict(_banned(db, leading)),
        bans=bans,
        mutes=mutes,
        invites={user: Invite(*invite) for user, *invite in sorted(invited)},
        barred=[AddressBan(*row) for row in sorted(barred)],
        was=[name for _, name in sorted(former)],
        maker=maker,
        spoken=bool(spoken),
    )


def _banned(
    db: apsw.Connection, users: list[int]
) -> Iterator[tuple[UserName, Sanction]]:
    """Those of some users who are banned from the server, or were."""
    for user in users:
        for name, *ban in select(db, _BANNED, (user,)):
            sanction = server_ban(*ban)
            if sanction is not None:
                yield name, sanction


def barred_from(db: apsw.Connection, room: int) -> list[AddressBan]:
    """The addresses that bans of guests from a room, or from the server, hold for."""
    return [AddressBan(*row) for row in sorted(select(db, _BARRED, (room,)))]


def user_record(db: apsw.Connection, name: UserName) -> UserRecord | None:
    """Read a user with all that he has; None if there is none, or it was erased."""
    with snapshot(db):
        return _record(*select_of(db, name, *_BY_NAME))


def record(db: apsw.Connection, user: int) -> UserRecord | None:
    """As `user_record`, by the user's key, within a snapshot."""
    return _record(*select_of(db, user, *_BY_NUMBER))


def _record(
    users: list[Any], blocks: list[Any], made: list[Any], rooms: list[Any]
) -> UserRecord | None:
    for name, display, role, address, *ban in users:
        return UserRecord(
            UserRow(name, display, role, ban=server_ban(*ban), address=address),
            blocks=sorted(name for (name,) in blocks),
            made=[name for (name,) in made],
            rooms=sorted({name for (name,) in rooms}),
        )
    return None


def displays(db: apsw.Connection, names: Sequence[UserName]) -> dict[UserName, str]:
    """Read how users are shown; who was erased is nobody."""
    return dict(find_rows(db, _DISPLAYS, [(name,) for name in names]))


def _first(row: tuple[Any, ...]) -> Any:
    return row[0]
