"""Reactions of a store from before their rows said who sees them."""

from __future__ import annotations

from pathlib import Path

from chatd.store.sqlite.migrate import migrate
from chatd.store.sqlite.sql import select
from tests.store.sqlite.older import store_at
from tests.store.support import DIRECT


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
