"""What the writer remembers between statements: rooms' heads, users' ids, cids.

A `Ledger` belongs to the writer's connection and thread. Its cells are moved on
together with the rows, inside the transaction; after a rollback `forget` must be
called, and the next look reads the rows again. Nobody else writes; a name changes its
row only when its user is erased, and then `forget_user` is called.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, ClassVar, TypeVar

import apsw
import attrs
import orjson

from chatd.core.clock import SLIP_MS
from chatd.core.drafts import Conflict, Duplicate, Durable, Refused
from chatd.ids import OPERATOR, Cid, Epoch, RoomName, Seq, UserName, direct_partner
from chatd.store import answers
from chatd.store.digest import content_digest, is_retry
from chatd.store.sqlite.sql import change_rows, find_rows, room_called, select
from chatd.store.stretches import stamp
from chatd.wire.events import Millis

K = TypeVar("K")
V = TypeVar("V")
CidKey = tuple[int, int, Cid]
"""Room, user, cid."""
CidUse = tuple[bytes, Seq, Millis, str | None]
"""The digest of what it was used for, where that is, and the ids of those whom its
text does not reach."""

KEPT_MAX = 16_384
"""Users, and pairs of them, that are remembered: more than are connected. Of each
about 3 MB."""
RECORD_EVERY_MS = 60_000
"""How old what is on disk of the time may be while people write."""
GUEST = "guest"
"""The role of a user without an account."""

_FIND_CIDS = """
SELECT room_id, user_id, cid, digest, seq, ts, unreached FROM cid
WHERE (room_id, user_id, cid) IN (VALUES $ROWS)"""
_ADD_CIDS = """
INSERT INTO cid (room_id, user_id, cid, digest, seq, ts, unreached, at) VALUES $ROWS"""
_NAMES = "SELECT id, name FROM user WHERE erased IS NULL AND (id) IN (VALUES $ROWS)"

_ROOM_EVER = f"SELECT {room_called('?1')}"
_ADD_DENTS = "INSERT INTO dent (room_id, seq, is_sure) VALUES $ROWS"
_SAVE_HEADS = """
UPDATE room SET head = heads.column2, last_ts = heads.column3
FROM (VALUES $ROWS) AS heads WHERE id = heads.column1"""


@attrs.define
class RoomCell:
    """One room as far as appending needs it."""

    id: int
    name: RoomName
    epoch: Epoch
    head: Seq
    last_ts: Millis
    counted: int = 0
    """Up to this seq, messages were counted; only trimming asks."""
    messages: int = 0
    dents: list[Seq] = attrs.field(factory=list)
    """Where `ts` went back, as far as it is not written yet."""

    def advance(self, now: Millis) -> tuple[Seq, Millis]:
        """Take the next seq, and the `ts` that it has at a time."""
        self.head = Seq(self.head + 1)
        if now < self.last_ts:
            now = self.stamp(now)
            if now < self.last_ts:
                self.dents.append(self.head)
        self.last_ts = now
        return self.head, now

    def stamp(self, now: Millis) -> Millis:
        """Which `ts` the next event has: one that a small step back waits for."""
        return stamp(now, self.last_ts)


@attrs.define(eq=False)
class Ledger:
    """The writer's connection, and what is remembered of its rows."""

    LOCK: ClassVar[str] = ""
    """What is said to have the row of a room for the transaction alone."""

    db: apsw.Connection
    certain: Millis = 0
    """What is certain about the time of this batch."""
    is_sure: bool = True
    """Whether that is what events are stamped with."""
    _recorded: Millis | None = None
    """What is on disk of it."""
    _rooms: dict[RoomName, RoomCell] = attrs.field(factory=dict)
    _users: dict[UserName, int] = attrs.field(factory=dict)
    _hidden: dict[tuple[RoomName, UserName], bool] = attrs.field(factory=dict)

    def forget(self) -> None:
        """Remember nothing: rows were rolled back."""
        self.forget_rows()
        self._recorded = None

    def forget_rows(self) -> None:
        """Remember no rows: others may have changed them."""
        self._rooms.clear()
        self._users.clear()
        self._hidden.clear()

    def remember(
        self, rooms: Iterable[RoomCell], users: Mapping[UserName, int]
    ) -> None:
        """Know rooms and users that were read already."""
        self._rooms.update((room.name, room) for room in rooms)
        self._users.update(users)

    def one(self, sql: str, *values: Any) -> Any:
        """The first row that the statement gives, or None."""
        return next(iter(select(self.db, sql, values)), None)

    def room(self, name: RoomName) -> RoomCell | None:
        """The room's cell, or None; one that has ended is none.

        A draft may name what a room was called a moment ago.
        """
        cell = self._rooms.get(name)
        if cell is not None:
            return cell
        row = self.one(
            "SELECT id, name, epoch, head, last_ts FROM room"  # noqa: S608 - ours
            " WHERE name = ? AND ended IS NULL" + self.LOCK,
            name,
        )
        if row is not None:
            cell = self._rooms[name] = RoomCell(*row)
            return cell
        row = self.one(
            "SELECT r.name FROM former_name f JOIN room r ON r.id = f.room_id"
            " WHERE f.name = ? AND r.ended IS NULL",
            name,
        )
        # There is one cell of a room, under the name that it has.
        return None if row is None else self.room(row[0])

    def move_room(self, before: RoomName, name: RoomName) -> None:
        """Remember a room under another name."""
        cell = self._rooms[name] = self._rooms.pop(before)
        cell.name = name

    def forget_room(self, name: RoomName) -> None:
        """Remember nothing of a room: it has ended."""
        self._rooms.pop(name, None)

    def user(self, name: UserName) -> int | None:
        """The user's id; None if there is none, or it was erased.

        There always is an operator.
        """
        found = self._users.get(name)
        if found is None:
            row = self.one(
                "SELECT id FROM user WHERE name = ? AND erased IS NULL", name
            )
            if row is None and name == OPERATOR:
                row = (self._add_operator(),)
            if row is None:
                return None
            found = _keep(self._users, name, row[0])
        return found

    def _add_operator(self) -> int:
        """Have a row for whom the operator's acts name; it is nobody's account."""
        self.db.execute(
            "INSERT INTO user (name, display, role, created) VALUES (?1, ?1, ?2, ?3)",
            (OPERATOR, GUEST, self.certain),
        )
        return int(self.one("SELECT id FROM user WHERE name = ?", OPERATOR)[0])

    def forget_user(self, name: UserName) -> None:
        """Remember nothing of an erased user, nor of who blocks whom."""
        self._users.pop(name, None)
        self._hidden.clear()

    def is_taken(self, name: UserName) -> bool:
        """Whether a user has or had this name."""
        return self.one("SELECT 1 FROM user WHERE name = ?", name) is not None

    def user_looks_taken(self, skeleton: str | None) -> bool:
        """Whether another user's name looks the same."""
        return self.one("SELECT 1 FROM user WHERE skeleton = ?", skeleton) is not None

    def room_looks_taken(self, skeleton: str | None, room: int = 0) -> bool:
        """Whether a name that another room has or had looks the same."""
        row = self.one(
            "SELECT 1 FROM room WHERE skeleton = ?1 AND id <> ?2 UNION ALL"
            " SELECT 1 FROM former_name WHERE skeleton = ?1 AND room_id <> ?2 LIMIT 1",
            skeleton,
            room,
        )
        return row is not None

    def is_hidden(self, room: RoomName, user: UserName) -> bool:
        """Whether the other one in a direct room blocks the user."""
        found = self._hidden.get((room, user))
        if found is None:
            sql = "SELECT 1 FROM block WHERE user_id = ? AND blocked_id = ?"
            other = self.user(direct_partner(room, user))
            blocks = self.one(sql, other, self.user(user)) is not None
            found = _keep(self._hidden, (room, user), blocks)
        return found

    def forget_blocks(self) -> None:
        """Remember nothing of who blocks whom: it has changed."""
        self._hidden.clear()

    def begin(self, now: Millis, certain: Millis) -> None:
        """Take the time of a batch."""
        self.certain, self.is_sure = certain, abs(now - certain) <= SLIP_MS

    def record_time(self, *, at_once: bool = False) -> None:
        """Write down what is certain about the time, if what is there is old."""
        recorded = self._recorded
        is_old = recorded is None or abs(self.certain - recorded) >= RECORD_EVERY_MS
        if is_old or at_once:
            self.db.execute("UPDATE store SET certain = ?", (self.certain,))
            self._recorded = self.certain

    def save_heads(self, rooms: Collection[RoomCell]) -> None:
        """Write how far the rooms' cells were advanced."""
        rows = [(room.id, room.head, room.last_ts) for room in rooms]
        change_rows(self.db, _SAVE_HEADS, rows)
        for room in rooms:
            if room.dents:
                dents = [(room.id, seq, self.is_sure) for seq in room.dents]
                change_rows(self.db, _ADD_DENTS, dents)
                room.dents.clear()

    # --- cids ---------------------------------------------------------------

    def find_cids(self, keys: Sequence[CidKey]) -> dict[CidKey, CidUse]:
        """Find what cids were used for, many at a time."""
        return {
            (room, user, cid): (digest, seq, ts, unreached)
            for room, user, cid, digest, seq, ts, unreached in find_rows(
                self.db, _FIND_CIDS, keys
            )
        }

    def keep_cids(self, rows: Sequence[tuple[Any, ...]]) -> None:
        """Remember (room, user, cid, digest, seq, ts, unreached, certain), on disk."""
        change_rows(self.db, _ADD_CIDS, rows)

    def recall(self, draft: Durable) -> Duplicate | Conflict | None:
        """What the draft's cid stored before; None if nothing."""
        room, user = self.room_ever(draft.room), self.user(draft.user)
        if room is None or user is None or draft.cid is None:
            return None
        use = self.find_cids([(room, user, draft.cid)])
        return self.compare(use[room, user, draft.cid], draft) if use else None

    def room_ever(self, name: RoomName) -> int | None:
        """The id of the room that has or had a name, also of one that has ended."""
        room = self.room(name)
        if room is not None:
            return room.id
        row = self.one(_ROOM_EVER, name)
        return None if row is None else row[0]

    def is_left_to(self, room: int, user: int | None) -> bool:
        """Whether a room ended because it was not needed, and the user had made it."""
        return user is not None and self.one(
            "SELECT maker_id FROM room WHERE id = ? AND ended IS NOT NULL", room
        ) == (user,)

    def release_name(self, room: int, name: RoomName) -> None:
        """Let a name of a room that has ended be another's.

        What is left of the room goes as ever, and its row, which has no name then, with
        it; what its creation was asked for by makes another one.
        """
        self.db.execute("DELETE FROM former_name WHERE name = ?", (name,))
        self.db.execute(
            "UPDATE room SET name = '!' || id, skeleton = NULL"
            " WHERE id = ? AND name = ?",
            (room, name),
        )
        self.db.execute("DELETE FROM creation WHERE room_id = ?", (room,))
        self.db.execute(
            "INSERT INTO purge (room_id, due) VALUES (?, ?) ON CONFLICT DO NOTHING",
            (room, self.certain),
        )

    def compare(self, use: CidUse, draft: Durable) -> Duplicate | Conflict:
        """Tell a retry from another use of the same cid."""
        known, seq, ts, unreached = use
        if not is_retry(known, draft):
            return Conflict()
        names = () if unreached is None else self._names(orjson.loads(unreached))
        return Duplicate(seq, ts, recalled=True, unreached=names)

    def _names(self, users: list[int]) -> tuple[UserName, ...]:
        """The names of users, in this order, without those who were erased."""
        names = dict(find_rows(self.db, _NAMES, [(user,) for user in users]))
        return tuple(names[user] for user in users if user in names)

    def unreached(self, names: Iterable[UserName]) -> str | None:
        """Whom a text does not reach, as it is kept with a cid."""
        users = [self.user(name) for name in names]
        return orjson.dumps(users).decode() if users else None

    def keep(
        self,
        draft: Durable,
        seq: Seq,
        ts: Millis,
        unreached: tuple[UserName, ...] = (),
    ) -> None:
        """Remember what a single draft's cid was used for.

        Also where it changed nothing: a retry that comes after another user's change
        would otherwise be executed, to its sender a second time.
        """
        room, user = self.room_ever(draft.room), self.user(draft.user)
        if room is not None and user is not None and draft.cid is not None:
            digest, kept = content_digest(draft), self.unreached(unreached)
            self.keep_cids(
                [(room, user, draft.cid, digest, seq, ts, kept, self.certain)]
            )

    def locate(self, room: RoomName, user: UserName) -> tuple[RoomCell, int] | Refused:
        """The room's cell and the user's id, or which of them is missing."""
        cell, number = self.room(room), self.user(user)
        if cell is None:
            return answers.NO_ROOM
        return answers.NO_USER if number is None else (cell, number)


def _keep(table: dict[K, V], key: K, value: V) -> V:
    """Remember what was read; where that is too much, it is all of that there is."""
    if len(table) >= KEPT_MAX:
        table.clear()
    table[key] = value
    return value
