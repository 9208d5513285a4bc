"""The truth: `chatd.ports.Store` on disk, and its twin in memory.

Both pass one contract suite; the twin, written the plainest way, is also the
model against which random batches on SQLite are compared.
"""

from chatd.store.memory import MemoryStore
from chatd.store.sqlite import SqliteStore, admin, open_store

__all__ = ["MemoryStore", "SqliteStore", "admin", "open_store"]
