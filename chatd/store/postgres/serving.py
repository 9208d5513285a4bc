"""One chatd serves a database: its schema, its lock, and whether it is still the same.

The lock is PostgreSQL's own (an advisory lock of the session), so it ends with the
connection that writes, and nobody else can write while that is there. When the
connection was lost it is taken again; then the **generation**, which each start raises,
tells whether another chatd has served the database meanwhile. If so, what this one has
in memory is not so any more, and it ends.

The **home** tells a restored dump from what was here: which server, which timeline of
it, which database, and which table it is. One at least is another after `pg_restore`,
after a recovery to a point in time, or on a standby that has become the primary.
Positions that clients hold may lie in a future that is gone then, so every room gets a
new epoch.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import attrs

from chatd.errors import StoreFailed, StoreRefused, StoreUnavailable
from chatd.observe import log
from chatd.store.postgres import migrate
from chatd.store.postgres.connection import SCHEMA, Connection
from chatd.store.postgres.faults import ConnectionLost
from chatd.store.postgres.marks import require_settled
from chatd.store.sqlite.generation import EPOCH_BYTES
from chatd.store.sqlite.sql import select, transaction
from chatd.words import FOLD

VERSION_OLDEST = 14
"""Source: the oldest series that PostgreSQL maintains."""
STORE_ID_BYTES = 16
LOCK = 0x63686174
"""`chat`."""
MIGRATES = 0x73636865
"""`sche`: who has this lock may change the schema while nodes run."""
BACK_WAIT_S, START_WAIT_S, LOCK_PAUSE_S = 10.0, 2.0, 0.05
"""How long to wait for a connection of before that is just ending."""

_HOME = """
SELECT (SELECT system_identifier FROM pg_control_system()) || '/'
|| CASE WHEN pg_is_in_recovery() THEN (SELECT timeline_id FROM pg_control_checkpoint())
ELSE CAST(CAST('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8) AS bit(32))
AS integer) END || '/'
|| (SELECT oid FROM pg_database WHERE datname = current_database()) || '/'
|| CAST(CAST('store' AS regclass) AS oid)"""
"""The timeline by what is written now: the checkpoint that names a new one comes some
time after a standby was promoted."""
_HOLDER = """
SELECT a.pid, a.client_addr, a.backend_start FROM pg_locks l
JOIN pg_stat_activity a ON a.pid = l.pid
WHERE l.locktype = 'advisory' AND l.granted AND l.objid = $1
AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())"""

_NODES = "SELECT DISTINCT name FROM node WHERE ended IS NULL ORDER BY name"


@attrs.define(eq=False)
class Serving:
    """That this chatd is the one that writes."""

    db: Any
    """The writer's connection."""
    generation: int
    home: str
    process: int
    """The server's process that has the lock."""
    shared: bool = False
    """Whether other nodes may have it, too; then each batch finds out whether this one
    is still one of them."""

    def resume(self) -> None:
        """Connect again where the connection was lost.

        Raises:
            ConnectionLost: The server is still away.
            StoreFailed: Another chatd serves the database now, or has meanwhile.
        """
        if self.db.is_open:
            return
        self.db.reopen()
        try:
            self._take()
        except BaseException:
            self.db.close()
            raise
        log().info("store_back")

    def _take(self) -> None:
        # It may hold the lock for as long as its kernel believes that we are there.
        self.db.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = $1"
            " AND usename = current_user AND application_name = 'chatd'"
            " AND datname = current_database() AND pid IN"
            " (SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objid = $2)",
            (self.process, LOCK),
        )
        if not lock(self.db, BACK_WAIT_S, shared=self.shared):
            raise StoreFailed("another chatd serves the database now")
        ((found,),) = select(self.db, "SELECT generation FROM store")
        if found != self.generation and not self.shared:
            raise StoreFailed("another chatd has served the database meanwhile")
        if select(self.db, _HOME) != [(self.home,)]:
            # What was acknowledged may not be there: the next start says so.
            raise StoreFailed("another server has taken the database over, or a copy")
        self.process = self.db.process


def begin(db: Connection, random_bytes: Callable[[int], bytes]) -> Serving:
    """Make a database ready: ours alone, at this schema, its generation raised.

    Raises:
        StoreRefused: It cannot be used, or it is newer.
        StoreUnavailable: Another chatd serves it.
        ConnectionLost: It is not there (any more).
        StoreFailed: Anything else that PostgreSQL says.
    """
    raw: Any = db
    _check_server(raw)
    if not lock(raw, START_WAIT_S):
        raise _is_served(raw)
    return _make_ready_alone(raw, random_bytes)


def begin_shared(db: Connection, random_bytes: Callable[[int], bytes]) -> Serving:
    """Make a database ready for one node of several; raises as `begin`.

    What only one may do (the first schema, new epochs) is done before the others come.
    """
    raw: Any = db
    _check_server(raw)
    until = time.monotonic() + START_WAIT_S
    while True:
        hindrance = ""
        if lock(raw, max(0, until - time.monotonic()), shared=True):
            if _is_at_home(raw) and not (hindrance := _make_ready_beside(raw)):
                return _join(raw)
            raw.execute("SELECT pg_advisory_unlock_shared($1)", (LOCK,))
        # Of nodes that begin at the same moment one is first, and the others join it.
        is_last = bool(hindrance) or time.monotonic() >= until
        if lock(raw, START_WAIT_S if is_last else 0):
            break
        if is_last:
            raise _is_served(raw, hindrance)
        time.sleep(LOCK_PAUSE_S)  # noqa: TID251 - no loop runs here
    serving = _make_ready_alone(raw, random_bytes)
    # Nobody comes in between: whoever wants it alone finds that it is not free.
    lock(raw, 0, shared=True)
    raw.execute("SELECT pg_advisory_unlock($1)", (LOCK,))
    serving.shared = True
    return serving


def _join(db: Any) -> Serving:
    """Be one of the nodes of a database that is ready."""
    home = home_of(db)
    ((generation,),) = select(
        db, "UPDATE store SET generation = generation + 1 RETURNING generation"
    )
    return Serving(db, generation, home, db.process, shared=True)


def _is_served(db: Any, hindrance: str = "") -> StoreUnavailable:
    """Say that others have the database, or why it cannot be had beside them.

    They may end, or be gone together with their machine, which takes half a minute.
    """
    return StoreUnavailable(
        hindrance or f"another chatd serves this database{_holder(db)}"
    )


def _make_ready_alone(db: Any, random_bytes: Callable[[int], bytes]) -> Serving:
    """Make a database ready, with the lock held alone."""
    require_settled(db)
    with transaction(db):
        make_schema(db)
        generation, home = _raise(db, random_bytes)
        _renew_index(db)
        _end_nodes(db)
    return Serving(db, generation, home, db.process)


def _is_at_home(db: Any) -> bool:
    """Whether a chatd has found the database where it is now."""
    ((is_there,),) = select(db, "SELECT to_regclass('store') IS NOT NULL")
    return is_there and select(db, "SELECT home FROM store") == [(home_of(db),)]


def _make_ready_beside(db: Any) -> str:
    """Bring the schema to this code's number while nodes run; why not, if so.

    Raises:
        StoreRefused: The database is a newer chatd's.
        StoreUnavailable: Another node does so, or something else is in the way.
    """
    if select(db, "SELECT fold FROM store") != [(FOLD,)]:
        return (
            f"the nodes {', '.join(_nodes(db))} find words otherwise than this version"
            " does: end them all, then start this one"
        )
    if not migrate.missing(db):
        return ""
    if not lock(db, BACK_WAIT_S, number=MIGRATES):
        raise StoreUnavailable(
            "another node is making this version's changes to the database: this one"
            " can start when it has"
        )
    try:
        names = migrate.migrate_beside(db)
    finally:
        if db.is_open:
            db.execute("SELECT pg_advisory_unlock($1)", (MIGRATES,))
    if not names:
        return ""
    return (
        f"the nodes {', '.join(names)} are of a version that could not go on with the"
        " changes that this one makes to the database: end them all, then start this"
        " one"
    )


def home_of(db: Any) -> str:
    """Say where a store is, by which a copy is told from what was here."""
    ((home,),) = select(db, _HOME)
    return str(home)


def _check_server(db: Any) -> None:
    ((version, encoding, standby),) = select(
        db,
        "SELECT current_setting('server_version_num')::int / 10000,"
        " current_setting('server_encoding'), pg_is_in_recovery()",
    )
    if version < VERSION_OLDEST:
        raise StoreRefused(
            f"PostgreSQL {version} is too old; {VERSION_OLDEST} or newer is needed"
        )
    if encoding != "UTF8":
        raise StoreRefused(
            f"the database is encoded in {encoding}; make one with ENCODING 'UTF8'"
        )
    if standby:
        raise ConnectionLost(
            "this server is a standby, and cannot be written; name the primary, or all"
            " of them with target_session_attrs=read-write"
        )


def lock(db: Any, wait_s: float, *, shared: bool = False, number: int = LOCK) -> bool:
    """Take a lock, if it is free within a time: alone, or as one of several nodes.

    It is asked for again and again: a statement that waits has a snapshot, and an index
    that is built beside others waits for all of these.
    """
    until = time.monotonic() + wait_s
    how = "pg_try_advisory_lock_shared" if shared else "pg_try_advisory_lock"
    while True:
        ((is_ours,),) = select(db, f"SELECT {how}($1)", (number,))
        if is_ours or time.monotonic() >= until:
            return bool(is_ours)
        time.sleep(LOCK_PAUSE_S)  # noqa: TID251 - no loop runs here


def _holder(db: Any) -> str:
    """Who has the lock, as far as one may see it, and what to do about nodes."""
    ((has_nodes,),) = select(db, "SELECT to_regclass('node') IS NOT NULL")
    if names := _nodes(db) if has_nodes else []:
        return (
            f": the nodes {', '.join(names)}; type commands on a machine where one of"
            " them runs, and set cluster.bus where one more is to"
        )
    for process, address, since in select(db, _HOLDER, (LOCK,)):
        where = f" from {address}" if address else ""
        return (
            f": its connection is process {process} of PostgreSQL{where}, since {since}"
        )
    return ""


def _nodes(db: Any) -> list[str]:
    """What the nodes are called that run."""
    return [name for (name,) in select(db, _NODES)]


def _raise(db: Any, random_bytes: Callable[[int], bytes]) -> tuple[int, str]:
    """Raise the generation; begin new epochs where this is another home.

    Returns:
        Both.
    """
    ((home,),) = select(db, _HOME)
    known = select(db, "SELECT generation, home FROM store")
    if not known:
        db.execute(
            "INSERT INTO store (one, id, generation, home, fold)"
            " VALUES (1, $1, 1, $2, $3)",
            (random_bytes(STORE_ID_BYTES).hex(), home, FOLD),
        )
        return 1, home
    ((generation, before),) = known
    if before != home:
        _renew_epochs(db, random_bytes)
    db.execute("UPDATE store SET generation = $1, home = $2", (generation + 1, home))
    return generation + 1, home


def _renew_epochs(db: Any, random_bytes: Callable[[int], bytes]) -> None:
    rooms = select(db, "SELECT id FROM room WHERE ended IS NULL")
    db.executemany(
        "UPDATE room SET epoch = $1 WHERE id = $2",
        [(random_bytes(EPOCH_BYTES).hex(), room) for (room,) in rooms],
    )
    if rooms:
        log().warning(
            "this is not the database of last time, so each room begins a new epoch",
            rooms=len(rooms),
        )


def _end_nodes(db: Any) -> None:
    """End nodes that were there: of what changes from here on they hear nothing."""
    db.execute("UPDATE node SET ended = clock_timestamp() WHERE ended IS NULL")
    db.execute("UPDATE session SET node = NULL WHERE node IS NOT NULL")


def _renew_index(db: Any) -> None:
    """Empty a search index that was made with another fold."""
    if select(db, "SELECT 1 FROM store WHERE fold <> $1", (FOLD,)):
        db.execute("DELETE FROM message_words")
        db.execute("UPDATE store SET indexed = 0, fold = $1", (FOLD,))


# --- for whoever moves a store --------------------------------------------------


def take_alone(db: Connection) -> None:
    """Be the only one who uses a store, as long as a connection lasts.

    Raises:
        ConnectionLost: The server is not there any more, or is a standby.
        StoreRefused: The server is not as it should be.
        StoreUnavailable: A daemon serves the database, or another command has it.
    """
    _check_server(db)
    if not lock(db, START_WAIT_S):
        raise StoreUnavailable(
            f"a daemon serves this database, or another command has it{_holder(db)};"
            " stop it, so that nothing is written behind the copy, then type this again"
        )


def make_schema(db: Any) -> None:
    """Make the tables where there are none, in the caller's transaction."""
    db.execute(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
    migrate.migrate(db)
