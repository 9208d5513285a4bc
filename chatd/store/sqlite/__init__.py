"""The store on SQLite: `open_store` for the daemon, `admin` for the command line.

`opening.py` opens it, `store.py` is what Trio sees, `writer.py` what a batch is,
`reader.py` what can be asked; `files.py`, `migrate.py` and `generation.py` decide at
the start whether the files are ours and the same as last time, and `checking.py`
whether they are whole.
"""

from chatd.store.sqlite.opening import open_store
from chatd.store.sqlite.store import SqliteStore

__all__ = ["SqliteStore", "open_store"]
