"""What the daemon needs of the outside, as protocols with their semantics.

`Store` is the truth on disk, `Outlet` is where one connection's frames leave.
Each has one contract suite in the tests that runs on every implementation.
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
