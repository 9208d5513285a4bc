"""The log: what each batch has changed, for the other nodes, in its transaction.

A row is written as the last of its transaction, behind all locks, so of two that had
the same room the later has the higher stamp. It is read by the number of the
transaction: what is below a **horizon** had ended when that was taken, so whoever has
read all up to there never has to look there again; what is above it may have been
running, and is looked for once more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from chatd.core.changes import (
    BookmarkSet,
    Change,
    FollowSet,
    RoomMade,
    RoomRenamed,
    ThreadRead,
    room_of,
)
from chatd.core.cluster.codec import body_of, encode_group
from chatd.core.cluster.commits import Group, changes_rights
from chatd.core.drafts import Committed, Outcome
from chatd.core.drafts.basis import Basis
from chatd.ids import NodeId, RoomName, Seq, Stamp
from chatd.store.postgres.cluster.locks import LockedRoom, SharedLedger
from chatd.store.sqlite.sql import change_rows, select

_ADD = "INSERT INTO change (node, body) VALUES ($1, $2) RETURNING stamp"
_SET_RIGHTS = """
UPDATE room SET rights = given.column2, rights_by = CAST(given.column3 AS BIGINT)
FROM (VALUES $ROWS) AS given WHERE id = given.column1"""
_FIND_ROOM = "SELECT id, epoch, head FROM room WHERE id = $1"
_PERSONAL = BookmarkSet, FollowSet, ThreadRead
"""What is about a room and concerns nobody else there."""


@attrs.define
class Record:
    """What a batch has changed, draft by draft.

    Args:
        ledger: The writer's.
        rooms: What the batch has locked.
    """

    _ledger: SharedLedger
    _rooms: Mapping[RoomName, LockedRoom]
    groups: list[tuple[int, Group, bytes]] = attrs.field(factory=list, init=False)
    """Each with its place in the row, and as a line of it."""
    _now: dict[RoomName, LockedRoom] = attrs.field(init=False)
    """Which room each name means."""
    _heads: dict[int, Seq] = attrs.field(init=False)
    _rights: dict[int, tuple[Seq, NodeId | None]] = attrs.field(
        factory=dict, init=False
    )

    def __attrs_post_init__(self) -> None:
        """Begin with what was locked."""
        self._now = dict(self._rooms)
        self._heads = {room.id: room.head for room in self._rooms.values()}

    def add(self, outcome: Outcome, basis: Basis | None) -> None:
        """Take what became of the next draft."""
        if not isinstance(outcome, Committed) or not outcome.changes:
            return
        room, event = self._room_of(outcome.changes), outcome.event
        seq = Seq(0)
        if room is not None:
            if event is not None:
                self._heads[room.id] = event.seq
                if changes_rights(event):
                    self._note_rights(room.id, event.seq, basis)
            seq = self._heads[room.id]
        epoch = None if room is None else room.epoch
        group = Group(outcome.changes, epoch, seq, event is not None)
        self.groups.append((len(self.groups), group, encode_group(group)))

    def _room_of(self, changes: Sequence[Change]) -> LockedRoom | None:
        """The room that a group is about, by whatever name it has by now."""
        found: LockedRoom | None = None
        for change in changes:
            name = room_of(change)
            if name is None or isinstance(change, _PERSONAL):
                continue
            if isinstance(change, RoomMade):
                self._now.pop(name, None)  # the one that had the name before
            found = self._now.get(name) or self._read(name)
            if isinstance(change, RoomRenamed):
                self._now[change.name] = found
        return found

    def _read(self, name: RoomName) -> LockedRoom:
        """Find a room that was not there when the batch was locked."""
        number = self._ledger.room_ever(name)
        ((found, epoch, head),) = select(self._ledger.db, _FIND_ROOM, (number,))
        self._heads.setdefault(found, head)
        room = self._now[name] = LockedRoom(found, epoch, head, Seq(0), None)
        return room

    def _note_rights(self, room: int, seq: Seq, basis: Basis | None) -> None:
        """Whoever had not heard of all before it has to decide anew."""
        _, before = self._rights.get(room, (0, self._ledger.node))
        knew = basis is not None and basis.rights is not None
        self._rights[room] = seq, before if knew else None

    def write(self) -> Stamp | None:
        """Write all into the transaction, as its last; None: nothing has changed."""
        db = self._ledger.db
        rights: Sequence[Sequence[Any]] = [
            (room, seq, by) for room, (seq, by) in self._rights.items()
        ]
        change_rows(db, _SET_RIGHTS, rights)
        if not self.groups:
            return None
        body = body_of(line for _, _, line in self.groups)
        ((stamp,),) = select(db, _ADD, (self._ledger.node, body))
        return Stamp(stamp)
