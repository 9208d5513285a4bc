"""One node among others, as the store knows it: its lease, and what it knows.

A node is a row from its start to its end. It says again and again that it is there
(`beat`), by the server's clock alone, since those of nodes may differ. Whoever says
nothing for `LEASE_S` is **given up** by who notices it: its row has ended, its sessions
are nobody's, and its writer's connection is cut, so that what it had locked is free. It
finds out with its next batch, its next beat or its next look at the log, stores nothing
any more, and tells its people nothing of what is not kept for it any more. Whoever
could not say for a while that it is there itself gives nobody up for the length of a
lease: where PostgreSQL was away, it was so for all, and they come back one by one.

**What time it is** the server tells with each beat; in between a node counts on by the
clock of its machine that nobody sets. So all nodes have one time, whatever their own
clocks say, and what is to end at a moment ends on all of them.

One of the nodes **leads**: it has an advisory lock on the connection that beats. It
tends the store for all.

What others have committed is read here, too (`catch_up`): the end of the log, from the
node's horizon on. That moves on with what was read, and, without reading, with what
came by the bus (`heard`).
"""

from __future__ import annotations

from time import CLOCK_BOOTTIME, clock_gettime, monotonic
from typing import Any

import attrs

from chatd.core.cluster.codec import read_body
from chatd.core.cluster.commits import Commit
from chatd.errors import GivenUp
from chatd.ids import NodeId, Stamp
from chatd.observe import log
from chatd.ports.cluster import NodeSeen
from chatd.store.postgres import migrate
from chatd.store.postgres.cluster.locks import GIVEN_UP
from chatd.store.sqlite.sql import select, transaction
from chatd.wire.events import Millis

LEASE_S = 10
"""How long a node may say nothing before it is given up."""
TEND = 0x74656E64
"""`tend`: the node that has this lock leads."""
LATE_S = LEASE_S / 2
"""A beat that comes so long after the last one was hindered."""
KEPT_S = 3600
"""How long one that has ended is remembered."""
LOG_S = 180
"""How long at the least what was committed is in the log: longer than a writer asks
what became of it."""
LOST_MAX = 1000
"""Numbers of transactions that a server may have lost when it was killed, and give to
others: what came to nothing, and what was committed unsynced in its last moments."""

PROMPT_S = 0.5
"""An answer that takes longer says no more what time it is."""

_XMIN = "CAST(CAST(pg_snapshot_xmin(pg_current_snapshot()) AS text) AS bigint)"
_NOW = f"""
SELECT {_XMIN}, CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint)"""  # noqa: S608 - ours
_JOIN = f"""
INSERT INTO node (name, process, schema, horizon)
VALUES ($1, $2, $3, pg_snapshot_xmin(pg_current_snapshot()))
RETURNING id, {_XMIN}"""  # noqa: S608 - ours
_BEAT = """
UPDATE node SET seen = clock_timestamp(), facts = $2, process = $3,
horizon = CAST(CAST($4 AS text) AS xid8) WHERE id = $1 AND ended IS NULL"""
_DEAD = """
UPDATE node SET ended = clock_timestamp() WHERE ended IS NULL AND id IN (
  SELECT id FROM node WHERE ended IS NULL
  AND seen < clock_timestamp() - make_interval(secs => $1) ORDER BY id FOR UPDATE)
RETURNING id, name, process"""
_END = "UPDATE node SET ended = clock_timestamp() WHERE id = $1 AND ended IS NULL"
_FREE = """
WITH held AS (SELECT id FROM session WHERE node = $1 ORDER BY id FOR NO KEY UPDATE)
UPDATE session SET node = NULL, idle_since = coalesce(
  idle_since, CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint))
FROM held WHERE session.id = held.id"""
_CUT = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE pid = $1 AND usename = current_user AND application_name = 'chatd'
AND datname = current_database()"""
_SEEN = """
SELECT id, name, CAST(extract(epoch FROM clock_timestamp() - seen) AS float8), facts
FROM node WHERE ended IS NULL ORDER BY id"""
_LEFT = f"""
SELECT {_XMIN}, c.node FROM (VALUES (1)) AS always LEFT JOIN (
  SELECT DISTINCT node FROM change
  WHERE xid >= CAST(CAST($1 AS text) AS xid8) AND node <> $2) AS c ON TRUE"""  # noqa: S608 - ours
_TAIL = f"""
SELECT {_XMIN}, EXISTS (SELECT FROM node WHERE id = $4 AND ended IS NULL),
c.stamp, c.node, CAST(CAST(c.xid AS text) AS bigint), c.body
FROM (VALUES (1)) AS always LEFT JOIN (
  SELECT c.* FROM change c
  LEFT JOIN unnest($2::bigint[], $3::bigint[]) AS known (node, horizon)
  ON known.node = c.node
  WHERE c.xid >= CAST(CAST($1 AS text) AS xid8) AND c.node <> $4
  AND (known.horizon IS NULL
  OR c.xid >= CAST(CAST(known.horizon AS text) AS xid8))
  AND c.stamp <> ALL($5)) AS c ON TRUE
ORDER BY c.stamp"""  # noqa: S608 - ours
_PRUNE = """
DELETE FROM change WHERE at < clock_timestamp() - make_interval(secs => $1)
AND xid < (SELECT min(horizon) FROM node WHERE ended IS NULL)"""
_FORGET = """
DELETE FROM node WHERE ended < clock_timestamp() - make_interval(secs => $1)"""


@attrs.define(eq=False)
class Node:
    """One node, on a connection of its own, for one thread at a time.

    Args:
        db: The connection.
        id: Which node.
        horizon: What was committed before, it need not look for.
    """

    db: Any
    id: NodeId
    horizon: int
    leads: bool = False
    _heard: dict[NodeId, int] = attrs.field(factory=dict, init=False)
    _clock: tuple[Millis, float] = attrs.field(init=False)
    """What the server's clock has said, and when: seconds from the machine's start,
    its sleep among them."""
    _beaten: float = attrs.field(factory=monotonic, init=False)
    """When it said last that it is there."""
    _judges: float = attrs.field(default=0.0, init=False)
    """From when on it gives others up."""
    _read: dict[int, int] = attrs.field(factory=dict, init=False)
    """What was read that may not be below the horizon: stamps with their numbers."""

    @classmethod
    def join(cls, db: Any, name: str, process: int) -> Node:
        """Be one of the nodes from here on.

        Args:
            db: A connection for it.
            name: What people call it.
            process: The server's process for its writer.

        Raises:
            StoreRefused: A newer node has just changed the schema, not for this code.
        """
        schema = len(migrate.migrations())
        with transaction(db):
            # Who changes the schema looks for nodes, and locks the version, too.
            migrate.missing(db, "FOR SHARE")
            ((number, horizon),) = select(db, _JOIN, (name, process, schema))
        node = cls(db, NodeId(number), horizon)
        _, node._clock = node._ask()
        node._lead()
        return node

    def leave(self) -> None:
        """Be none of the nodes any more; what this one had is free."""
        self.db.reopen()
        with transaction(self.db):
            self.db.execute(_END, (self.id,))
            self.db.execute(_FREE, (self.id,))

    def beat(self, facts: bytes, process: int) -> tuple[list[NodeSeen], int]:
        """Say that it is there, and end those who are not; see the port.

        Raises:
            GivenUp: The others have given it up.
        """
        self._reconnect()
        self._pass_by()
        self.db.execute(_BEAT, (self.id, facts, process, self.horizon))
        if not self.db.changes():
            raise GivenUp(GIVEN_UP)
        now, before = monotonic(), self._beaten
        self._beaten = now
        if now - before > LATE_S:
            self._judges = now + LEASE_S
        if now >= self._judges:
            self._end_dead()
        self._lead()
        asked_s = clock_gettime(CLOCK_BOOTTIME)
        horizon, clock = self._ask()
        if clock[1] - asked_s < PROMPT_S:
            self._clock = clock
        seen = [NodeSeen(*row) for row in select(self.db, _SEEN)]
        return seen, horizon

    def _reconnect(self) -> None:
        """Connect again where the server, which may have been killed, was lost."""
        if not self.db.is_open:
            self.leads = False
            self.db.reopen()
            self.horizon = max(0, self.horizon - LOST_MAX)
            self._heard.clear()

    def _lead(self) -> None:
        """Lead, if nobody does."""
        if not self.leads:
            sql = "SELECT pg_try_advisory_lock($1)"
            ((self.leads,),) = select(self.db, sql, (TEND,))

    def wall(self) -> Millis:
        """What the server's clock says, in milliseconds since 1970; from any thread."""
        wall, boot_s = self._clock
        return wall + round((clock_gettime(CLOCK_BOOTTIME) - boot_s) * 1000)

    def _ask(self) -> tuple[int, tuple[Millis, float]]:
        """Ask for a horizon of now, and what time that is."""
        ((horizon, wall),) = select(self.db, _NOW)
        return horizon, (wall, clock_gettime(CLOCK_BOOTTIME))

    def _end_dead(self) -> None:
        with transaction(self.db):
            for number, name, process in select(self.db, _DEAD, (LEASE_S,)):
                self.db.execute(_CUT, (process,))
                self.db.execute(_FREE, (number,))
                log().warning("node_given_up", node=number, name=name)

    def heard(self, node: NodeId, horizon: int) -> None:
        """All that a node has committed below a horizon is known; from any thread."""
        self._heard[node] = max(horizon, self._heard.get(node, 0))

    def _pass_by(self) -> None:
        """Move the horizon on over what came by the bus."""
        rows = select(self.db, _LEFT, (self.horizon, self.id))
        known = [self._heard.get(node, 0) for _, node in rows if node is not None]
        self._reach(min([rows[0][0], *known]))

    def _reach(self, horizon: int) -> None:
        self.horizon = max(self.horizon, horizon)
        self._read = {
            stamp: xid for stamp, xid in self._read.items() if xid >= self.horizon
        }

    def catch_up(self) -> list[Commit]:
        """Read the end of the log; see the port.

        Raises:
            GivenUp: The others have given it up, and keep nothing for it any more.
        """
        self._reconnect()
        known = dict(self._heard)
        rows = select(
            self.db,
            _TAIL,
            (self.horizon, list(known), list(known.values()), self.id, [*self._read]),
        )
        horizon, is_there = rows[0][:2]
        if not is_there:
            raise GivenUp(GIVEN_UP)
        found = [row[2:] for row in rows if row[2] is not None]
        self._read |= {stamp: xid for stamp, _, xid, _ in found}
        self._reach(horizon)
        return [
            Commit(NodeId(node), Stamp(stamp), read_body(body))
            for stamp, node, _, body in found
        ]


def prune(db: Any) -> None:
    """Remove what every node knows, and nodes that have long gone."""
    db.execute(_PRUNE, (LOG_S,))
    db.execute(_FORGET, (KEPT_S,))
