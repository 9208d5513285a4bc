"""The store on PostgreSQL: `open_store`, for the daemon, where `store.url` says so.

The tables are those of SQLite, by the same names, and so are the statements and all
that is decided around them: what a draft does and what a look-up reads is in
`chatd.store.sqlite`, and is run here by a connection that is asked as one of SQLite's
is (`connection.py`) and says in PostgreSQL's words what differs (`statements.py`). Of
its own this store has what is a server's: `opening.py` and `serving.py` connect, make
the schema and see to it that no second chatd writes; `writer.py` settles what became of
a batch when the connection broke; `readers.py` has the look-ups' connections;
`search.py` and `search_index.py` find words by an index of PostgreSQL's.

psycopg is imported here and nowhere else, so whoever has no such store needs none.
"""

from chatd.store.postgres.opening import open_store
from chatd.store.postgres.store import PostgresStore

__all__ = ["PostgresStore", "open_store"]
