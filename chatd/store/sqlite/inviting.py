"""What the command line does about invitations to the server."""

from __future__ import annotations

from pathlib import Path

from chatd.core.principal import InvitationKept
from chatd.errors import Reject, RejectCode
from chatd.ids import RoomName
from chatd.store.sqlite import admissions
from chatd.store.sqlite.offline import make_store, reading, writing
from chatd.store.sqlite.sql import room_called, select
from chatd.wire.events import Millis

ALL = 2**31
"""More than are made by hand in a month."""


def add_invitation(
    directory: Path,
    digest: bytes,
    created: Millis,
    expires: Millis,
    *,
    uses: int = 1,
    room: RoomName | None = None,
    role: str = "user",
) -> int:
    """Add an invitation of the operator. Where there is no store yet one is made.

    Args:
        directory: The data directory.
        digest: The SHA-256 of its secret.
        created: The time.
        expires: When it ends.
        uses: How many people may come by it.
        room: A room in which they are then.
        role: What they are on this server.

    Returns:
        What it is called by.

    Raises:
        Reject: `no_room`: there is no such room.
        StoreRefused: There is no store to add it to.
    """
    make_store(directory)
    with writing(directory) as db:
        number = None
        if room is not None:
            sql = f"SELECT id FROM room WHERE id = {room_called('?1')}"  # noqa: S608 - a query
            rows = select(db, f"{sql} AND ended IS NULL", (room,))
            if not rows:
                raise Reject(RejectCode.NO_ROOM, f"there is no room {room}")
            number = rows[0][0]
        what = (digest, None, number, role)
        return admissions.insert(db, what, (uses, created, expires))


def invitations(directory: Path) -> list[InvitationKept]:
    """All invitations, the newest first, also those that have ended of late.

    Raises:
        StoreRefused: There is no store that could be read.
    """
    with reading(directory) as db:
        return admissions.invitations(db, None, None, ALL)[0]


def revoke_invitation(directory: Path, number: int) -> bool:
    """Take an invitation back, whosever it is; says whether there was one.

    Raises:
        StoreRefused: The store cannot be written.
    """
    with writing(directory) as db:
        return admissions.remove(db, number)
