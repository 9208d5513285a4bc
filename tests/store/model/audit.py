"""The model's audit: entries as they are shown, in the order in which they came."""

from __future__ import annotations

from chatd.core.audit import Entry
from chatd.ids import RoomName, UserName
from chatd.wire.events import Millis
from chatd.wire.kinds import AuditNumber
from chatd.wire.operator import AuditShown
from tests.store.model.entities import Tables


def record(model: Tables, entry: Entry | None, now: Millis) -> None:
    """Keep an entry."""
    if entry is None:
        return
    number = AuditNumber(len(model.audit) + 1)
    what = entry.what, entry.room, entry.user
    shown = AuditShown(number, now, entry.by, *what, **entry.detail)
    room = None if entry.room is None else model.room_ever(entry.room)
    model.audit.append((shown, room))


def entries(
    model: Tables,
    user: UserName | None,
    by: UserName | None,
    room: RoomName | None,
    since: Millis | None,
    after: int | None,
) -> list[AuditShown]:
    """All entries that are wanted, the newest first."""
    place = None if room is None else model.room_ever(room)
    return [
        shown
        for shown, where in reversed(model.audit)
        if (after is None or shown.entry < after)
        and user in (None, shown.user)
        and by in (None, shown.sender)
        and (room in (None, shown.room) or (where is not None and where is place))
        and (since is None or shown.ts >= since)
    ]
