"""Reactions of older stores, and how many there are of each kind."""

from __future__ import annotations

from pathlib import Path

import apsw

from chatd.core import drafts as d
from chatd.core.settings import PLAIN
from chatd.enums import AccountRole, Role
from chatd.store.sqlite import erasing
from chatd.store.sqlite.migrate import migrate
from chatd.store.sqlite.sql import select, transaction
from tests.store.sqlite.older import before, store_at
from tests.store.support import (
    ANN,
    BOB,
    CY,
    DIRECT,
    EPOCH,
    LOBBY,
    T0,
    delete,
    in_this_thread,
    react,
    say,
)

KEPT = "SELECT room_id, of, emoji, users FROM reacted ORDER BY 1, 2, 3"
COUNTED = """
SELECT room_id, of, emoji, count(*) FROM reaction GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"""


def test_how_many_there_are_is_kept_whatever_takes_them_away() -> None:
    """Taken back, deleted, trimmed, erased: what is kept is what can be counted."""
    writer = in_this_thread(apsw.Connection(":memory:"))
    db, everybody = writer.db, (ANN, BOB, CY)
    rooms = (LOBBY, DIRECT)
    before_all: list[d.Draft] = [
        d.AddUser(name, name, AccountRole.USER, None) for name in everybody
    ]
    before_all += [
        d.CreateRoom(room, EPOCH, PLAIN, {ANN: Role.OWNER, BOB: Role.MEMBER})
        for room in rooms
    ]
    texts = [say(str(number), user=CY if number == 6 else ANN) for number in range(8)]
    put = [
        react(of, emoji, user=user)
        for of in range(1, 9)
        for emoji in ("👍", "👎")
        for user in everybody
    ]
    steps: list[list[d.Draft]] = [
        [*before_all, *texts, *put],
        [react(5, "👍", on=False, user=user) for user in (ANN, BOB)],
        [react(6, "👎", on=False, user=user) for user in everybody],
        [react(6, "👎", user=BOB), react(6, "👎", user=BOB)],
        [delete(4)],
        [d.TrimRoom(LOBBY, None, keep_messages=6)],
        [d.EraseUser(CY, None, None)],
    ]
    for step in steps:
        outcomes = writer.commit(step, T0).outcomes
        assert not any(isinstance(outcome, d.Refused) for outcome in outcomes)
        assert select(db, KEPT) == select(db, COUNTED)
    kept = select(db, KEPT)
    assert [row[1:] for row in kept][:2] == [(3, "👍", 3), (3, "👎", 3)]
    while select(db, "SELECT 1 FROM erasure"):
        with transaction(db):
            erasing.step(db, 3)
        assert select(db, KEPT) == select(db, COUNTED)
    assert [row[1:] for row in select(db, KEPT)] == [
        (3, "👍", 2),
        (3, "👎", 2),
        (5, "👎", 2),
        (6, "👍", 2),
        (6, "👎", 1),
        (8, "👍", 2),
        (8, "👎", 2),
    ]


def test_how_many_there_are_is_counted_once_in_an_older_store(tmp_path: Path) -> None:
    """By its rows, also those that not everybody sees."""
    rows = [
        (1, 1, "👍", 1, 2, 1, 2),
        (1, 1, "👍", 2, 3, 1, 3),
        (1, 1, "👎", 1, 4, 1, 4),
        (1, 5, "👍", 1, 6, 0, 5),
    ]
    with store_at(tmp_path, before("reactions")) as db:
        db.executemany("INSERT INTO reaction VALUES (?,?,?,?,?,?,?)", rows)
        migrate(db)
        found = [row[1:] for row in select(db, KEPT)]
        assert found == [(1, "👍", 2), (1, "👎", 1), (5, "👍", 1)]


def test_reactions_of_before_are_what_each_one_saw(tmp_path: Path) -> None:
    """What was hidden is resolved by what was said before; what nobody sees goes."""
    # Room, emoji, user, and what was said: on or off, seen or hidden.
    words = [
        (2, "kept", 2, "+"),
        (2, "taken", 2, "+-"),
        (2, "taken unseen", 2, "+n"),
        (2, "put unseen", 2, "p"),
        (2, "unseen alone", 2, "pn"),
        (2, "again unseen", 2, "+-pnp"),
        (2, "seen again", 2, "pn+"),
        (2, "hers", 1, "+"),
        (1, "kept", 1, "+"),
        (1, "taken", 2, "+-"),
    ]
    with store_at(tmp_path, 2) as db:
        db.execute(
            "INSERT INTO room (name, epoch, settings) VALUES (?, 'e', '{}')", (DIRECT,)
        )
        seq = 1
        for room, emoji, user, said in words:
            for word in said:
                seq += 1
                row = (room, 1, emoji, user, seq, word in "+p", word in "pn")
                db.execute(
                    "INSERT INTO event (room_id, of, emoji, user_id, seq, is_on,"
                    " hidden, ts, kind) VALUES (?, ?, ?, ?, ?, ?, ?, 0, 'react')",
                    row,
                )
                db.execute(
                    "INSERT OR REPLACE INTO reaction VALUES (?,?,?,?,?,?,?)", row
                )
        migrate(db)
        found = select(
            db,
            "SELECT room_id, emoji, is_on, seen IS NOT NULL FROM reaction ORDER BY seq",
        )
        assert found == [
            (2, "kept", 1, 1),
            (2, "taken unseen", 0, 1),
            (2, "put unseen", 1, 0),
            (2, "again unseen", 1, 0),
            (2, "seen again", 1, 1),
            (2, "hers", 1, 1),
            (1, "kept", 1, 1),
        ]
        (last, seen) = select(
            db, "SELECT seq, seen FROM reaction WHERE emoji = 'taken unseen'"
        )[0]
        assert seen == last - 1
