"""Reactions of a store from before one emoji was one reaction."""

from __future__ import annotations

from pathlib import Path

import apsw

from chatd.core import drafts as d
from chatd.errors import RejectCode
from chatd.store.digest import content_digest
from chatd.store.sqlite.migrate import migrate
from chatd.store.sqlite.sql import select
from chatd.wire import events as e
from tests.store.sqlite.older import store_at
from tests.store.support import (
    ANN,
    BOB,
    CY,
    T0,
    one,
    page,
    react,
    seqs,
    sqlite,
    timeline,
)

PLAIN, FULL = "\u2764", "\u2764\ufe0f"
RAINBOW, RAINBOW_FULL = "\U0001f3f3\u200d\U0001f308", "\U0001f3f3\ufe0f\u200d\U0001f308"
REACTIONS = [
    # who, emoji, on
    (1, PLAIN, 1),  # seq 2
    (1, FULL, 1),
    (2, FULL, 1),
    (2, PLAIN, 1),
    (2, PLAIN, 0),
    (3, RAINBOW, 1),
    (3, "👍", 1),
]
KEPT = {(1, PLAIN): 2, (1, FULL): 3, (2, FULL): 4, (2, PLAIN): 6, (3, RAINBOW): 7}
KEPT[3, "👍"] = 8


def fill(db: apsw.Connection) -> None:
    """Ann has put both forms of a heart, bob has put one and taken the other away."""
    db.execute(
        "INSERT INTO message (room_id, seq, ts, user_id, text)"
        " VALUES (1, 1, ?, 1, 'hi')",
        (T0,),
    )
    for seq, (user, emoji, on) in enumerate(REACTIONS, 2):
        db.execute(
            "INSERT INTO event (room_id, seq, ts, user_id, kind, of, emoji, is_on)"
            " VALUES (1, ?, ?, ?, 'react', 1, ?, ?)",
            (seq, T0, user, emoji, on),
        )
    for (user, emoji), seq in KEPT.items():
        on = REACTIONS[seq - 2][2]
        db.execute(
            "INSERT INTO reaction (room_id, of, emoji, user_id, seq, is_on, hidden)"
            " VALUES (1, 1, ?, ?, ?, ?, 0)",
            (emoji, user, seq, on),
        )
    db.execute("UPDATE room SET head = 8")


async def test_two_forms_of_an_emoji_become_one_reaction(tmp_path: Path) -> None:
    """History and replay say the same, and of two forms the later says what is so."""
    with store_at(tmp_path, 1) as db:
        fill(db)
    async with sqlite(tmp_path) as store:
        await store.load(T0)
        (message,) = await page(store)
        assert message.reactions == {FULL: [ANN], RAINBOW_FULL: [CY], "👍": [CY]}
        events = [
            event for event in await timeline(store) if isinstance(event, e.React)
        ]
        assert [event.emoji for event in events] == [FULL] * 5 + [RAINBOW_FULL, "👍"]
        last = {(event.sender, event.emoji): event.on for event in events}
        assert last == {
            (ANN, FULL): True,
            (BOB, FULL): False,
            (CY, RAINBOW_FULL): True,
            (CY, "👍"): True,
        }
        outcomes = await store.commit(
            [react(1, FULL), react(1, FULL, user=BOB), react(1, FULL, on=False)], T0
        )
        assert seqs(outcomes) == [3, 9, 10]
        (message,) = await page(store)
        assert message.reactions == {RAINBOW_FULL: [CY], "👍": [CY], FULL: [BOB]}


def test_what_was_hidden_of_two_forms_is_what_the_later_one_was(
    tmp_path: Path,
) -> None:
    """For its user; others see the earlier one, which was not hidden."""
    with store_at(tmp_path, 1) as db:
        fill(db)
        db.execute("UPDATE event SET hidden = 1 WHERE seq = 3")
        db.execute("UPDATE reaction SET hidden = 1 WHERE seq = 3")
        migrate(db)
        rows = select(db, "SELECT seq, is_on, seen FROM reaction ORDER BY seq")
        assert rows == [(3, 1, 2), (7, 1, 7), (8, 1, 8)]


async def test_a_retry_of_a_reaction_from_before_is_known(tmp_path: Path) -> None:
    """Its cid was kept with the form that was sent; another emoji is a conflict."""
    old = react(1, RAINBOW, cid="c", user=CY)
    with store_at(tmp_path, 1) as db:
        fill(db)
        db.execute(
            "INSERT INTO cid (room_id, user_id, cid, digest, seq, ts, at)"
            " VALUES (1, 3, 'c', ?, 7, ?, ?)",
            (content_digest(old), T0, T0),
        )
    async with sqlite(tmp_path) as store:
        await store.load(T0)
        again = react(1, RAINBOW_FULL, cid="c", user=CY)
        for draft in (
            again,
            d.Recall(again, d.Refused(RejectCode.RATE_LIMITED, "too fast")),
        ):
            outcome = await one(store, draft)
            assert isinstance(outcome, d.Duplicate)
            assert (outcome.seq, outcome.recalled) == (7, True)
        for other in (
            react(1, "👍", cid="c", user=CY),
            react(1, RAINBOW_FULL, on=False, cid="c", user=CY),
        ):
            assert isinstance(await one(store, other), d.Conflict)
