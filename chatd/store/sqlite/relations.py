"""What the rows of a store say of each other, for rows that come from outside.

Each relation is a condition that holds for every row `x` of a table: what it refers to
is there, a seq is given once and is in its room's bounds, what is counted is as many.
`REFERENCES` look only at rows of tables that come earlier (`order`), so one row can be
looked at before it is stored. `COUNTS` look at later ones, and are looked at when all
are there. The daemon keeps all of them in each of its transactions, so they hold of
every store, at any moment.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from graphlib import TopologicalSorter

import apsw
import attrs

from chatd.store.sqlite.columns import BadField, Row
from chatd.store.sqlite.sql import select


@attrs.frozen
class Relation:
    """What holds for each row of a table."""

    table: str
    field: str
    """The column that is wrong where it does not hold."""
    holds: str
    """An expression of SQL; the row is `x`."""
    reason: str
    """What is so where it does not."""


AFTER: Mapping[str, Sequence[str]] = {
    "message": ["event"],
    "reaction": ["message"],
    "reacted": ["reaction"],
    "mention": ["message"],
    "thread": ["message"],
    "thread_writer": ["thread"],
    "thread_follower": ["thread"],
    "pin": ["message"],
    "bookmark": ["message"],
    "sanction": ["member"],
    "former_name": ["event"],
    "cid": ["room", "user"],
    "address_ban": ["room"],
}
"""Behind which tables one comes, beside those that its foreign keys name."""

_MESSAGE = "SELECT 1 FROM message m WHERE m.room_id = x.room_id AND m.seq = x."
_EVENT = "SELECT 1 FROM event e WHERE e.room_id = x.room_id AND e.seq = x."
_NO_MESSAGE = "there is no such message"
_HEAD = "(SELECT r.head FROM room r WHERE r.id = x.room_id)"
_USER = "EXISTS (SELECT 1 FROM user u WHERE u.id = x.user_id)"
_ROOM = "EXISTS (SELECT 1 FROM room r WHERE r.id = x.room_id)"
_IN_ROOM = """
EXISTS (SELECT 1 FROM room r WHERE r.id = x.room_id
        AND x.seq BETWEEN r.first AND r.head)"""
_NOT_ERASED = """
EXISTS (SELECT 1 FROM user u WHERE u.id = x.user_id AND u.erased IS NULL)"""
_REPLIES = """
FROM message m WHERE m.room_id = x.room_id AND m.thread = x.root
AND m.text IS NOT NULL"""
# The two whose direct conversation it is, by its name.
_MAY_BE_IN = """
EXISTS (SELECT 1 FROM room r, user u WHERE r.id = x.room_id AND u.id = x.user_id
  AND (substr(r.name, 1, 1) <> '@' OR u.erased IS NOT NULL
    OR substr(r.name, 2, length(u.name) + 1) = u.name || ','
    OR substr(r.name, -length(u.name) - 1) = ',' || u.name))"""

REFERENCES = (
    Relation(
        "member",
        "read",
        f"x.read <= {_HEAD}",
        "it is behind the head of the room",
    ),
    Relation(
        "member",
        "first",
        f"x.first <= {_HEAD} + 1",
        "it is behind the head of the room",
    ),
    Relation("member", "user_id", _MAY_BE_IN, "the conversation is of two others"),
    Relation(
        "sanction",
        "kind",
        "x.kind <> 'ban' OR NOT EXISTS (SELECT 1 FROM member m"
        " WHERE m.room_id = x.room_id AND m.user_id = x.user_id)",
        "a member of the room cannot be banned from it",
    ),
    Relation("event", "seq", _IN_ROOM, "it is none that the room has"),
    Relation("event", "of", "x.of IS NULL OR x.of < x.seq", "it is of a later one"),
    Relation("message", "seq", _IN_ROOM, "it is none that the room has"),
    Relation("message", "seq", f"NOT EXISTS ({_EVENT}seq)", "an event has it, too"),
    Relation(
        "message",
        "edited_seq",
        f"x.edited_seq IS NULL OR EXISTS ({_EVENT}edited_seq"
        " AND e.kind = 'edit' AND e.of = x.seq)",
        "there is no such edit",
    ),
    Relation(
        "reaction", "of", f"EXISTS ({_MESSAGE}of AND m.text IS NOT NULL)", _NO_MESSAGE
    ),
    Relation(
        "reaction",
        "seq",
        f"EXISTS ({_EVENT}seq"
        " AND e.kind = 'react' AND e.of = x.of AND e.user_id = x.user_id)",
        "there is no such event",
    ),
    Relation(
        "reacted",
        "users",
        "x.users = (SELECT count(*) FROM reaction a"
        " WHERE a.room_id = x.room_id AND a.of = x.of AND a.emoji = x.emoji)",
        "there are not as many",
    ),
    Relation("mention", "of", f"EXISTS ({_MESSAGE}of)", _NO_MESSAGE),
    Relation(
        "mention",
        "seq",
        f"x.seq <= {_HEAD}",
        "it is behind the head of the room",
    ),
    Relation(
        "mention",
        "user_id",
        f"x.user_id = 0 OR {_USER}",
        "there is no such user",
    ),
    Relation("pin", "of", f"EXISTS ({_MESSAGE}of AND m.text IS NOT NULL)", _NO_MESSAGE),
    Relation(
        "pin",
        "seq",
        f"EXISTS ({_EVENT}seq AND e.change = 'pin' AND e.of = x.of)",
        "there is no such event",
    ),
    Relation(
        "pin",
        "user_id",
        f"x.user_id = 0 OR {_USER}",
        "there is no such user",
    ),
    Relation("bookmark", "of", f"EXISTS ({_MESSAGE}of)", _NO_MESSAGE),
    Relation("thread", "root", f"EXISTS ({_MESSAGE}root)", _NO_MESSAGE),
    Relation(
        "thread",
        "replies",
        f"x.replies = (SELECT count(*) {_REPLIES} AND NOT m.hidden)",
        "there are not as many",
    ),
    Relation(
        "thread",
        "newest",
        f"x.newest = (SELECT coalesce(max(m.seq), 0) {_REPLIES} AND NOT m.hidden)",
        "another one is",
    ),
    Relation(
        "thread_writer",
        "written",
        f"x.written = (SELECT count(*) {_REPLIES} AND m.user_id = x.user_id)",
        "there are not as many",
    ),
    Relation(
        "thread_writer",
        "shown",
        f"x.shown = (SELECT count(*) {_REPLIES} AND m.user_id = x.user_id"
        " AND NOT m.hidden)",
        "there are not as many",
    ),
    Relation(
        "thread_follower",
        "root",
        "EXISTS (SELECT 1 FROM thread t"
        " WHERE t.room_id = x.room_id AND t.root = x.root)",
        "there is no such thread",
    ),
    Relation(
        "cid",
        "room_id",
        _ROOM,
        "there is no such room",
    ),
    Relation(
        "cid",
        "user_id",
        _USER,
        "there is no such user",
    ),
    Relation(
        "cid",
        "seq",
        f"x.seq <= {_HEAD}",
        "it is behind the head of the room",
    ),
    Relation("session", "user_id", _NOT_ERASED, "the user was erased"),
    Relation("token", "user_id", _NOT_ERASED, "the user was erased"),
    Relation(
        "guest",
        "user_id",
        "EXISTS (SELECT 1 FROM user u WHERE u.id = x.user_id AND u.role = 'guest')",
        "the user is no guest",
    ),
    Relation(
        "address_ban",
        "room_id",
        f"x.room_id = 0 OR {_ROOM}",
        "there is no such room",
    ),
    Relation(
        "dent",
        "seq",
        f"x.seq <= {_HEAD}",
        "it is behind the head of the room",
    ),
    Relation(
        "former_name",
        "name",
        "NOT EXISTS (SELECT 1 FROM room r WHERE r.name = x.name)",
        "a room has that name",
    ),
    Relation(
        "purge",
        "room_id",
        "EXISTS (SELECT 1 FROM room r WHERE r.id = x.room_id AND r.ended IS NOT NULL)",
        "the room has not ended",
    ),
    Relation(
        "erasure",
        "user_id",
        "EXISTS (SELECT 1 FROM user u WHERE u.id = x.user_id AND u.erased = 'begun')",
        "the user is not being erased",
    ),
    Relation(
        "erasure",
        "name",
        "EXISTS (SELECT 1 FROM user u WHERE u.name = x.name AND u.erased = 'begun')",
        "the user is not being erased",
    ),
    Relation(
        "sqlite_sequence",
        "name",
        "EXISTS (SELECT 1 FROM sqlite_schema WHERE sqlite_schema.name = x.name"
        " AND sql LIKE '%AUTOINCREMENT%')",
        "it is no table that gives numbers",
    ),
    Relation(
        "sqlite_sequence",
        "seq",
        "x.seq >= coalesce((SELECT sqlite_sequence.seq FROM sqlite_sequence"
        " WHERE sqlite_sequence.name = x.name), 0)",
        "a higher number was given",
    ),
)
COUNTS = (
    Relation(
        "room",
        "members",
        "x.members = (SELECT count(*) FROM member m JOIN user u ON u.id = m.user_id"
        " WHERE m.room_id = x.id AND u.erased IS NULL)",
        "there are not as many",
    ),
    Relation(
        "room",
        "head",
        "x.first > x.head OR x.head - x.first + 1 = (SELECT count(*) FROM message m"
        " WHERE m.room_id = x.id) + (SELECT count(*) FROM event e"
        " WHERE e.room_id = x.id)",
        "the timeline has a hole",
    ),
    Relation(
        "reaction",
        "emoji",
        "EXISTS (SELECT 1 FROM reacted a"
        " WHERE a.room_id = x.room_id AND a.of = x.of AND a.emoji = x.emoji)",
        'no "reacted" counts it',
    ),
    Relation(
        "message",
        "thread",
        "x.thread IS NULL OR x.text IS NULL"  # noqa: S608 - ours
        " OR EXISTS (SELECT 1 FROM thread_writer w JOIN thread t USING (room_id, root)"
        " WHERE w.room_id = x.room_id AND w.root = x.thread AND w.user_id = x.user_id)"
        f" OR NOT EXISTS ({_MESSAGE}thread)",
        'no "thread" or "thread_writer" counts it',
    ),
    *(
        Relation(
            table,
            "user_id",
            "NOT EXISTS (SELECT 1 FROM user u WHERE u.id = x.user_id"
            " AND u.role = 'guest' AND u.erased IS NULL)"
            " OR EXISTS (SELECT 1 FROM guest g WHERE g.user_id = x.user_id)",
            'no "guest" says that the user is one',
        )
        for table in ("session", "member", "invite")
    ),
)


def order(db: apsw.Connection, tables: Sequence[str]) -> list[str]:
    """Put tables into the order in which no row refers to a later one's.

    Args:
        db: The database, whose foreign keys are looked up.
        tables: Their names.
    """
    earlier = {
        name: sorted(
            {row[2] for row in select(db, f"PRAGMA foreign_key_list({name})")}
            | ({*AFTER.get(name, ())} & {*tables})
        )
        for name in sorted(tables)
    }
    return [*TopologicalSorter(earlier).static_order()]


class Looker:
    """Looks at rows before they are stored, with a statement for each table.

    Args:
        db: The database that they are for.
        is_current: Whether its schema is this code's. In an older one only foreign
            keys are looked at: the rest may have been kept in another way.
    """

    def __init__(self, db: apsw.Connection, *, is_current: bool) -> None:
        self._db = db
        self._relations = REFERENCES if is_current else ()
        self._statements: dict[str, tuple[str, list[Relation]]] = {}

    def look(self, table: str, row: Row) -> None:
        """Look at what a row says of those that are there.

        Args:
            table: Its table.
            row: Its values, in the order of the table's columns.

        Raises:
            BadField: It is not so.
        """
        if table not in self._statements:
            self._statements[table] = self._statement(table, row)
        sql, relations = self._statements[table]
        if relations:
            ((wrong,),) = select(self._db, sql, [*row.values()])
            if wrong is not None:
                raise BadField(relations[wrong].field, relations[wrong].reason)

    def _statement(self, table: str, row: Row) -> tuple[str, list[Relation]]:
        relations = [*_foreign_keys(self._db, table)]
        relations += [one for one in self._relations if one.table == table]
        values = ", ".join(f'? AS "{column}"' for column in row)
        wrong = _first_wrong(relations)
        return f"SELECT {wrong} FROM (SELECT {values}) x", relations  # noqa: S608 - ours


def contradiction(
    db: apsw.Connection, relations: Sequence[Relation]
) -> Relation | None:
    """Look at what all rows of a store say of each other.

    Args:
        db: A database of this code's schema.
        relations: What is to hold.

    Returns:
        The first that does not, of some row; None where all do.
    """
    for one in relations:
        sql = f'SELECT 1 FROM "{one.table}" x WHERE NOT ({one.holds}) LIMIT 1'  # noqa: S608 - ours
        if select(db, sql):
            return one
    return None


def _first_wrong(relations: Sequence[Relation]) -> str:
    """The number of the first relation that does not hold, as an expression."""
    cases = (
        f"WHEN NOT ({one.holds}) THEN {number}" for number, one in enumerate(relations)
    )
    return f"CASE {' '.join(cases)} END"


def _foreign_keys(db: apsw.Connection, table: str) -> Iterator[Relation]:
    """What the schema itself demands."""
    keys = select(db, f"PRAGMA foreign_key_list({table})")
    for _, _, parent, column, key, *_ in sorted(keys):
        yield Relation(
            table,
            column,
            f"x.{column} IS NULL"  # noqa: S608 - the schema's names
            f' OR EXISTS (SELECT 1 FROM "{parent}" p WHERE p.{key} = x.{column})',
            f'there is no such "{parent}"',
        )
