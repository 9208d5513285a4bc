"""What is durable: `chatd.ports.Store` on SQLite, and one in memory for tests.

Both pass one contract suite; the one in memory, written the plainest way, is also the
model with which random batches on SQLite are compared.
"""

from chatd.store.memory import MemoryStore
from chatd.store.sqlite import SqliteStore, admin, open_store

__all__ = ["MemoryStore", "SqliteStore", "admin", "open_store"]
