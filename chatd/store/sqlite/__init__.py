"""The store on SQLite: `open_store`, for the daemon or the desk in its place.

`opening.py` opens it, `store.py` is its interface for Trio, `writer.py` executes
batches of drafts, `reader.py` has the queries; `files.py`, `migrate.py` and
`generation.py` decide at the start whether the files are ours and the same as last
time, and `checking.py` whether they are undamaged. `offline.py` is how the command line
looks into it; `backup.py`, `restore.py`, `transfer.py` and `upgrade.py` copy or move
the whole.
"""

from chatd.store.sqlite.opening import open_store
from chatd.store.sqlite.store import SqliteStore

__all__ = ["SqliteStore", "open_store"]
