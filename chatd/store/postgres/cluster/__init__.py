"""The store on PostgreSQL for one node of several: `open_shared_store`.

All nodes write the same tables, with what is in `chatd.store.postgres`. Here is what
only several need: a batch locks what it is about before it looks at it (`locks.py`),
what it has changed is a row of a log in the same transaction (`log.py`), each node has
a lease, by which it is known to be there and is kept out when it was given up
(`node.py`), and a session is one node's (`sessions.py`).
"""

from chatd.store.postgres.cluster.opening import open_shared_store
from chatd.store.postgres.cluster.store import SharedPostgresStore

__all__ = ["SharedPostgresStore", "open_shared_store"]
