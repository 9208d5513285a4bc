"""What the daemon needs of the outside, as protocols with their semantics.

`Store` keeps what is durable, `Outlet` is the outgoing side of one connection,
`Dialect` makes bytes of frames and commands of bytes.
"""

from chatd.core.rows import PublicRoom, RoomRow, UserRecord, UserRow
from chatd.ports.dialect import Dialect
from chatd.ports.outlet import Entry, EntryKind, Outlet
from chatd.ports.store import SessionRow, Snapshot, Store, TokenRow

__all__ = [
    "Dialect",
    "Entry",
    "EntryKind",
    "Outlet",
    "PublicRoom",
    "RoomRow",
    "SessionRow",
    "Snapshot",
    "Store",
    "TokenRow",
    "UserRecord",
    "UserRow",
]
