"""What the daemon needs of the outside, as protocols with their semantics.

`Store` keeps what is durable, `Outlet` is the outgoing side of one connection,
`Dialect` makes bytes of frames and commands of bytes.
"""

from chatd.core.rows import (
    ErasureRow,
    PublicRoom,
    RoomRow,
    UnreadCounts,
    UserRecord,
    UserRow,
)
from chatd.ports.dialect import Dialect
from chatd.ports.outlet import Entry, EntryKind, Outlet
from chatd.ports.rows import SessionRow, Snapshot, TokenRow
from chatd.ports.store import Store

__all__ = [
    "Dialect",
    "Entry",
    "EntryKind",
    "ErasureRow",
    "Outlet",
    "PublicRoom",
    "RoomRow",
    "SessionRow",
    "Snapshot",
    "Store",
    "TokenRow",
    "UnreadCounts",
    "UserRecord",
    "UserRow",
]
