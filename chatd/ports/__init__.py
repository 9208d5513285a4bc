"""What the daemon needs of the outside, as protocols with their semantics.

`Store` keeps what is durable, `Outlet` is the outgoing side of one connection,
`Dialect` makes bytes of frames and commands of bytes.
"""

from chatd.ports.dialect import Dialect
from chatd.ports.outlet import Entry, EntryKind, Outlet
from chatd.ports.store import (
    InviteRow,
    MemberRow,
    RoomRow,
    SanctionRow,
    SessionRow,
    Snapshot,
    Store,
    TokenRow,
    UserRow,
)

__all__ = [
    "Dialect",
    "Entry",
    "EntryKind",
    "InviteRow",
    "MemberRow",
    "Outlet",
    "RoomRow",
    "SanctionRow",
    "SessionRow",
    "Snapshot",
    "Store",
    "TokenRow",
    "UserRow",
]
