"""What the core needs of the database at the start, read once."""

from __future__ import annotations

from typing import Any

import apsw

from chatd.core.changes import AddressBan
from chatd.core.entities import INVITE_MS
from chatd.ids import RoomName, UserName
from chatd.ports import (
    InviteRow,
    MemberRow,
    RoomRow,
    SanctionRow,
    SessionRow,
    Snapshot,
    UserRow,
)
from chatd.store.sqlite import addresses, log
from chatd.store.sqlite.ledger import GUEST
from chatd.store.sqlite.people import GUESTS_PLACES, server_ban
from chatd.store.sqlite.rooms import load_settings
from chatd.store.sqlite.sql import select, transaction
from chatd.wire.events import Millis


def known(db: apsw.Connection, now: Millis) -> Millis | None:
    """Read what was certain about the time when it was written down last.

    A store of before this was done has its newest event instead, unless that comes
    from the future.
    """
    (recorded, newest), *_ = select(
        db, "SELECT certain, ifnull((SELECT max(last_ts) FROM room), 0) FROM store"
    )
    is_older = recorded is None and newest > 0
    certain: Millis | None = min(newest, now) if is_older else recorded
    return certain


def load(
    db: apsw.Connection,
    now: Millis,
    certain: Millis,
    session_ms: Millis,
    guest_ms: Millis,
    guest_ban_ms: Millis,
) -> Snapshot:
    """Void what was idle too long or has lapsed, then read what the core keeps."""
    with transaction(db):
        db.execute(
            "DELETE FROM session WHERE idle_since <= ? - iif("
            " user_id IN (SELECT id FROM user WHERE role = ?), ?, ?)",
            (now, GUEST, guest_ms, session_ms),
        )
        for table in GUESTS_PLACES:
            db.execute(
                f"DELETE FROM {table} WHERE user_id IN"  # noqa: S608 - two words
                " (SELECT id FROM user WHERE role = ?)"
                " AND user_id NOT IN (SELECT user_id FROM session)",
                (GUEST,),
            )
        db.execute("DELETE FROM sanction WHERE until <= ?", (now,))
        db.execute(
            "DELETE FROM invite WHERE coalesce(closed_until, ts + ?) <= ?",
            (INVITE_MS, now),
        )
        db.execute(
            "UPDATE session SET idle_since = ? WHERE idle_since IS NULL"
            " OR user_id IN (SELECT id FROM user WHERE role = ?)",
            (certain, GUEST),
        )
        log.skip(db)  # the snapshot has it
        # What was begun by hand and broken off is the daemon's from here on.
        db.execute("UPDATE erasure SET by_hand = 0")
        db.execute(
            "UPDATE guest_address SET gone = ? WHERE gone IS NULL"
            " AND user_id NOT IN (SELECT user_id FROM session)",
            (certain,),
        )
        addresses.prune(db, now, guest_ban_ms)
        barred = _barred(db)
        ((address_key, place),) = select(db, "SELECT id, place FROM store")
        return Snapshot(
            _rooms(db, barred),
            _users(db),
            _guest_sessions(db),
            _blocks(db),
            barred.get(addresses.SERVER, []),
            address_key,
            place,
        )


def _rooms(db: apsw.Connection, barred: dict[int, list[AddressBan]]) -> list[RoomRow]:
    members: dict[int, list[MemberRow]] = {}
    for room, *member in _of_others(
        db,
        # By room: there are more memberships in direct conversations than elsewhere.
        "SELECT m.room_id, u.name, m.role, m.read, m.first FROM room r"
        " CROSS JOIN member m ON m.room_id = r.id JOIN user u ON u.id = m.user_id"
        " WHERE r.ended IS NULL AND :other AND u.erased IS NULL ORDER BY u.name",
    ):
        members.setdefault(room, []).append(MemberRow(*member))
    bans, mutes = _sanctions(db, "ban"), _sanctions(db, "mute")
    invites: dict[int, list[InviteRow]] = {}
    for room, *invite in select(
        db,
        "SELECT i.room_id, u.name, s.name, i.ts, i.closed_until FROM invite i"
        " JOIN user u ON u.id = i.user_id JOIN user s ON s.id = i.sender_id"
        " ORDER BY u.name",
    ):
        invites.setdefault(room, []).append(InviteRow(*invite))
    was: dict[int, list[RoomName]] = {}
    for number, name in select(
        db, "SELECT room_id, name FROM former_name ORDER BY seq"
    ):
        was.setdefault(number, []).append(name)
    rooms = _of_others(
        db,
        "SELECT r.id, r.name, epoch, head, first, last_ts, settings, u.name,"
        " EXISTS (SELECT 1 FROM message m WHERE m.room_id = r.id)"
        " FROM room r LEFT JOIN user u ON u.id = r.maker_id"
        " WHERE r.ended IS NULL AND :other ORDER BY r.name",
    )
    return [
        RoomRow(
            name,
            epoch,
            head,
            first,
            last_ts,
            load_settings(settings),
            members.get(number, []),
            bans.get(number, []),
            mutes.get(number, []),
            invites.get(number, []),
            barred.get(number, []),
            was.get(number, []),
            maker,
            bool(spoken),
        )
        for number, name, epoch, head, first, last_ts, settings, maker, spoken in rooms
    ]


def _of_others(db: apsw.Connection, sql: str) -> list[tuple[Any, ...]]:
    """Select for the rooms `r` that are no direct conversations, by their names' index.

    Args:
        db: The database.
        sql: With `:other` where the name is compared.
    """
    parts = "r.name < '@'", "r.name >= 'A'"
    return [row for part in parts for row in select(db, sql.replace(":other", part))]


def _sanctions(db: apsw.Connection, kind: str) -> dict[int, list[SanctionRow]]:
    found: dict[int, list[SanctionRow]] = {}
    for room, *sanction in select(
        db,
        "SELECT s.room_id, u.name, s.until, s.reason FROM sanction s"
        " JOIN user u ON u.id = s.user_id WHERE s.kind = ? ORDER BY u.name",
        (kind,),
    ):
        found.setdefault(room, []).append(SanctionRow(*sanction))
    return found


def _barred(db: apsw.Connection) -> dict[int, list[AddressBan]]:
    """Address bans by room; `addresses.SERVER` is all."""
    found: dict[int, list[AddressBan]] = {}
    for room, *ban in select(
        db,
        "SELECT a.room_id, u.name, a.address, a.at, a.until, a.reason"
        " FROM address_ban a JOIN user u ON u.id = a.user_id ORDER BY u.name",
    ):
        found.setdefault(room, []).append(AddressBan(*ban))
    return found


def _users(db: apsw.Connection) -> list[UserRow]:
    rows = select(
        db,
        "SELECT name, display, role, address, banned_at, banned_until, ban_reason"
        " FROM user LEFT JOIN guest_address ON user_id = id"
        " WHERE erased IS NULL AND (role <> ?"
        " OR id IN (SELECT user_id FROM session)) ORDER BY name",
        (GUEST,),
    )
    return [
        UserRow(name, display, role, ban=server_ban(*ban), address=address)
        for name, display, role, address, *ban in rows
    ]


def _guest_sessions(db: apsw.Connection) -> list[SessionRow]:
    rows = select(
        db,
        "SELECT s.id, u.name, s.token, s.idle_since, s.expires, s.scope FROM session s"
        " JOIN user u ON u.id = s.user_id WHERE u.role = ? ORDER BY s.id",
        (GUEST,),
    )
    return [SessionRow(*row) for row in rows]


def _blocks(db: apsw.Connection) -> list[tuple[UserName, UserName]]:
    rows = select(
        db,
        "SELECT u.name, b.name FROM block JOIN user u ON u.id = user_id"
        " JOIN user b ON b.id = blocked_id ORDER BY u.name, b.name",
    )
    return [(user, blocked) for user, blocked in rows]
