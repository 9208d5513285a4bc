"""The store on SQLite: `open_store` for the daemon, `admin` for the command line.

`store.py` is what Trio sees, `writer.py` what a batch is, `reader.py` what can
be asked; `files.py`, `migrate.py` and `generation.py` decide at the start
whether the files are ours, whole and the same as last time.
"""

from chatd.store.sqlite.store import SqliteStore, open_store

__all__ = ["SqliteStore", "open_store"]
