"""The log of changes that other processes than the daemon have made.

A process that changes the store (`chatd.store.sqlite.offline`) adds the change in the
same transaction; the daemon reads what is behind its position, applies it like its own,
and keeps the new position by a draft. What every reader has taken is removed.

The writer's own commits are not here: it is answered with them, and a message would
cost a second row.
"""

from __future__ import annotations

from typing import Any

import apsw
import attrs
import orjson

from chatd.core import changes
from chatd.core.changes import AddressBan, Change
from chatd.enums import AccountRole
from chatd.store.sqlite.sql import select

DAEMON = "daemon"
"""The reader that has the state in memory."""
_KINDS: dict[str, type] = {
    kind.__name__: kind
    for kind in (
        changes.UserAdded,
        changes.RoleSet,
        changes.Banned,
        changes.Unbanned,
        changes.SessionsEnded,
        changes.AccessRevoked,
        changes.UserErased,
    )
}
"""What others write."""


def add(db: apsw.Connection, change: Change) -> int:
    """Add a change, in the transaction that makes it.

    Returns:
        Its position, for who waits until a reader has taken it.
    """
    kind = type(change).__name__
    assert kind in _KINDS
    db.execute("INSERT INTO change (kind, body) VALUES (?, ?)", (kind, _dump(change)))
    return db.last_insert_rowid()


def read(db: apsw.Connection, after: int) -> tuple[list[Change], int]:
    """Read what was added after a position, in order.

    Returns:
        The changes, and the position of the last, or `after`.
    """
    rows = select(
        db,
        "SELECT position, kind, body FROM change WHERE position > ? ORDER BY position",
        (after,),
    )
    return [_load(kind, body) for _, kind, body in rows], (
        rows[-1][0] if rows else after
    )


def keep_position(db: apsw.Connection, position: int) -> None:
    """Note that the daemon has taken all up to a position, and remove what all have."""
    db.execute(
        "INSERT INTO reader (name, position) VALUES (?, ?) ON CONFLICT (name)"
        " DO UPDATE SET position = max(position, excluded.position)",
        (DAEMON, position),
    )
    db.execute(
        "DELETE FROM change WHERE position <= (SELECT min(position) FROM reader)"
    )


def skip(db: apsw.Connection) -> None:
    """Note that the daemon has all that is there: it reads the store anew."""
    ((newest,),) = select(db, "SELECT ifnull(max(position), 0) FROM change")
    keep_position(db, newest)


def has_taken(db: apsw.Connection, position: int) -> bool:
    """Whether the daemon has taken what is at a position."""
    return bool(
        select(
            db,
            "SELECT 1 FROM reader WHERE name = ? AND position >= ?",
            (DAEMON, position),
        )
    )


# --- as JSON ------------------------------------------------------------------------


def _dump(change: Change) -> str:
    return orjson.dumps(attrs.asdict(change), default=_hex).decode()


def _hex(value: Any) -> str:
    if isinstance(value, bytes):
        return value.hex()
    raise TypeError(type(value).__name__)


def _load(kind: str, body: str) -> Change:
    fields = orjson.loads(body)
    for name in ("token", "besides"):
        if fields.get(name) is not None:
            fields[name] = bytes.fromhex(fields[name])
    if "role" in fields:
        fields["role"] = AccountRole(fields["role"])
    if "sessions" in fields:
        fields["sessions"] = tuple(map(bytes.fromhex, fields["sessions"]))
    if fields.get("barred") is not None:
        ban = fields["barred"]
        ban["address"] = bytes.fromhex(ban["address"])
        fields["barred"] = AddressBan(**ban)
    change: Change = _KINDS[kind](**fields)
    return change
