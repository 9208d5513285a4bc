"""What the command line shows of rooms and users, each as it is at one moment.

Nothing is changed here, so it does not matter whether a daemon runs.
"""

from __future__ import annotations

import attrs

from chatd.core.rows import RoomRow, UserRecord
from chatd.core.settings import RoomSettings
from chatd.errors import Reject, RejectCode
from chatd.ids import RoomName, UserName
from chatd.store.sqlite import resident
from chatd.store.sqlite.admin import SessionShown, sessions_of
from chatd.store.sqlite.ledger import GUEST
from chatd.store.sqlite.offline import Where, reading, user_id
from chatd.store.sqlite.rooms import load_settings
from chatd.store.sqlite.sql import select
from chatd.store.sqlite.tokens import TokenShown, tokens_of
from chatd.wire.events import Millis


@attrs.frozen
class RoomListed:
    """A room in the list of all."""

    name: RoomName
    settings: RoomSettings
    members: int
    events: int
    """How many there have ever been."""
    last: Millis | None
    """When the last of them was."""


@attrs.frozen
class UserShown:
    """A user with what he has."""

    record: UserRecord
    created: Millis
    has_password: bool
    roles: dict[RoomName, str]
    """In the rooms that he is in."""
    sessions: list[SessionShown]
    tokens: list[TokenShown]


@attrs.frozen
class Totals:
    """How many there are."""

    accounts: int
    rooms: int
    """Without direct conversations."""


def totals(where: Where) -> Totals:
    """Count accounts and rooms.

    Raises:
        StoreRefused: There is no store that could be read.
    """
    with reading(where) as db:
        ((accounts, places),) = select(
            db,
            "SELECT (SELECT count(*) FROM user WHERE role <> ? AND erased IS NULL),"
            " (SELECT count(*) FROM room"
            " WHERE ended IS NULL AND substr(name, 1, 1) <> '@')",
            (GUEST,),
        )
        return Totals(accounts, places)


def rooms(where: Where) -> list[RoomListed]:
    """All rooms but direct conversations, by name.

    Raises:
        StoreRefused: There is no store that could be read.
    """
    with reading(where) as db:
        return [
            RoomListed(name, load_settings(settings), members, head, last or None)
            for name, settings, members, head, last in select(
                db,
                "SELECT name, settings, members, head, last_ts FROM room"
                " WHERE ended IS NULL AND substr(name, 1, 1) <> '@' ORDER BY name",
            )
        ]


def room(where: Where, name: RoomName) -> RoomRow:
    """A room with all who are in it, also by a name that it had before.

    Raises:
        Reject: `no_room`.
        StoreRefused: There is no store that could be read.
    """
    with reading(where) as db:
        for found in resident.read_rooms(db, [name]):
            return found
    raise Reject(RejectCode.NO_ROOM, f"there is no room {name}")


def user(where: Where, name: UserName) -> UserShown:
    """A user, guest or account, with what he has.

    Raises:
        Reject: `no_user`.
        StoreRefused: There is no store that could be read.
    """
    with reading(where) as db:
        number = user_id(db, name)
        record = resident.record(db, number)
        assert record is not None
        ((created, has_password),) = select(
            db,
            "SELECT created, password_hash IS NOT NULL FROM user WHERE id = ?",
            (number,),
        )
        roles = select(
            db,
            "SELECT r.name, m.role FROM member m JOIN room r ON r.id = m.room_id"
            " WHERE m.user_id = ? AND r.ended IS NULL",
            (number,),
        )
        return UserShown(
            record,
            created,
            bool(has_password),
            dict(sorted(roles)),
            sessions_of(db, number),
            tokens_of(db, number),
        )
