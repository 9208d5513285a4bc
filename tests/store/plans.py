"""What SQLite would do for each statement of the store, and what it may not do.

Every connection that a test opens in this process tells here what the store runs on
it, and under which function. So a new query is looked at by whichever test runs it
first: the plan of each must go by a key, or stand among the exceptions below with
the reason why it need not.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import apsw

from chatd.store.sqlite import migrate, search

STORE = Path(migrate.__file__).parent

EXCEPTIONS: Mapping[str, str] = {
    "load.known": "once, in a store that has never been told the time",
    "migrate": "once, when the schema changes",
    "generation._renew_epochs": "once, at the start after a restored backup",
    "admin.accounts": "the command line lists all accounts",
    "audit.prune": "so many from the oldest on",
    "admissions.has_admin": "the first of an index that has administrators alone",
    "admissions.offer_setup": "once, at the start",
    "admin.sessions_of": "the command line sorts what it shows",
    "tokens.tokens_of": "the command line lists all tokens",
    "overview.rooms": "the command line lists all rooms",
    "farewell._part": "the highest id is that of the last row",
    "farewell._owned_alone": "the command line sorts what it shows",
    "overview.totals": "the command line counts all, on a connection of its own",
    "export": "the command line reads all, on a connection of its own",
    "people._displace": "sorts the sessions of one user, which are bounded",
    "relations.contradiction": "at the end of an import, all rows are compared",
    "search._Source._take": "FTS5 is asked for words; it is interrupted in time",
    "search._Source._indexed_ones": "FTS5 is asked for words, and for so many hits",
    "trim._fit": "sums up the rows of one step",
    "transfer": "the command line reads or makes all, on a connection of its own",
    "writer.prune_cids": "so many from the oldest on",
}
"""By module, or by function, below `chatd/store/sqlite`."""

SMALL = {
    "CONSTANT": "a row of values",
    "erasure": "who is being erased at this moment",
    "found": "what a subquery has found",
    "guest": "guests who are here",
    "heads": "the values of a batch",
    "j": "what was passed as JSON",
    "kind": "the kinds of reaction of one message",
    "readable": "the rooms of one search",
    "sqlite_schema": "the tables",
    "sqlite_sequence": "tables whose numbers never come back",
    "store": "one row",
    "temp.readable": "the rooms of one search",
    "x": "the one row of an import that is looked at",
}
"""What may be read from end to end, by its name in a plan."""

_READS = re.compile(r"\s*(WITH|SELECT|INSERT|UPDATE|DELETE|REPLACE)\b", re.IGNORECASE)
_SCAN = re.compile(r"SCAN (\S+)")
_VALUES = re.compile(r"\(subquery-|\d+-ROW")
"""What is read from end to end because it is another step's, or was passed."""


class Watch:
    """Everything that the store has run; each text and function once."""

    def __init__(self) -> None:
        self._seen: set[tuple[str, str]] = set()
        self._fresh: dict[tuple[str, str], Any] = {}

    def attach(self, db: apsw.Connection) -> None:
        """Listen to a connection; for `apsw.connection_hooks`."""
        db.exec_trace = self._trace

    def _trace(self, _cursor: object, sql: str, values: Any) -> bool:
        where = function_of(sys._getframe(1))
        if where and (where, sql) not in self._seen:
            self._seen.add((where, sql))
            self._fresh[where, sql] = values
        return True

    def faults(self) -> list[str]:
        """What is wrong with what was run since this was asked last."""
        fresh, self._fresh = self._fresh, {}
        return [
            f"{where}: {fault}: {' '.join(sql.split())}"
            for (where, sql), values in fresh.items()
            if not is_exempt(where)
            for fault in judge(sql, values)
        ]


def function_of(frame: FrameType | None) -> str:
    """The function of the store that runs a statement; empty if none does."""
    while frame is not None:
        found = _function(frame.f_code)
        if found is not None:
            return found
        frame = frame.f_back
    return ""


@cache
def _function(code: CodeType) -> str | None:
    """What a function of the store is called; empty if it is another's.

    It is asked for each statement. None: whoever has called it is meant.
    """
    path, name = Path(code.co_filename), code.co_qualname
    if path.parent != STORE:
        return ""
    if path.stem == "sql" or name == "Ledger.one":
        return None
    return f"{path.stem}.{name.partition('.<locals>')[0]}"


def is_exempt(where: str) -> bool:
    """Whether a function, or its whole module, is an exception."""
    return where in EXCEPTIONS or where.partition(".")[0] in EXCEPTIONS


def judge(sql: str, values: Any) -> Sequence[str]:
    """Which steps of a statement's plan grow with what there is."""
    if not _READS.match(sql):
        return []
    db = _empty()
    rows = db.execute(f"EXPLAIN QUERY PLAN {sql}", values or ()).fetchall()
    return [str(step) for *_, step in rows if _is_fault(str(step))]


def _is_fault(step: str) -> bool:
    scan = _SCAN.match(step)
    if scan:
        return scan[1] not in SMALL and not _VALUES.match(scan[1])
    if step.startswith("SEARCH"):
        # SQLite says so of max() and min() that look at all, too.
        look = "(" not in step and step.split()[1] not in SMALL
        return look or " AUTOMATIC " in step
    return step.startswith("USE TEMP B-TREE")


@cache
def _empty() -> apsw.Connection:
    """A database with the schema and no rows: what a plan is made of."""
    db = apsw.Connection(":memory:")
    db.exec_trace = None
    migrate.configure(db)
    migrate.migrate(db)
    search.prepare(db)
    return db
