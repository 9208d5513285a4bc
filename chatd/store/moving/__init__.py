"""Moving a store from SQLite to PostgreSQL, and back: `to_postgres`, `to_sqlite`.

1. The source is locked as a daemon locks it, so nothing is acknowledged behind the
   copy. It is read as it is at one moment, and each of its tables is summed up
   (`sums.py`).
2. What the target lacks is copied, table by table, in the order of keys, a page in a
   transaction. So the last key that is there says how far it is: who is killed, or
   loses the connection, goes on behind it, and no other account could be wrong.
   PostgreSQL's indexes and references are made when all rows are there: measured, its
   part costs less than half then.
3. The target's tables are summed up, too. A sum that differs ends it.
4. The source is marked as moved, and only then the mark of the target is taken away
   that has kept it from being served. So there is no moment at which both could be, and
   what has died in between is finished by the same command.

Rooms keep their epochs and events their numbers, and the side file
(`chatd.store.sqlite.generation`) or the home (`chatd.store.postgres.serving`) says that
this is the store that was here last: clients go on where they were. Who serves a source
again, against its mark, begins new epochs.
"""

from chatd.store.moving.homeward import to_sqlite
from chatd.store.moving.outward import to_postgres
from chatd.store.moving.sums import Moved

__all__ = ["Moved", "to_postgres", "to_sqlite"]
