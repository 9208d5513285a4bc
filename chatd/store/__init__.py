"""What is durable: `chatd.ports.Store` on disk, and what all stores share.

One contract suite (`tests/store`) holds for each of them, and for a store in memory,
written the plainest way, which is the model against which random batches are compared.
"""

from chatd.store.sqlite import SqliteStore, admin, open_store

__all__ = ["SqliteStore", "admin", "open_store"]
