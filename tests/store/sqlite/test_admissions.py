"""Invitations and links on disk: what is kept of a secret, and for how long."""

from __future__ import annotations

from pathlib import Path

import apsw

from chatd.core import drafts as d
from chatd.core.settings import PLAIN
from chatd.enums import AccountRole, Role
from chatd.ids import RoomName
from chatd.store.sqlite.files import DATABASE, Side
from chatd.store.sqlite.generation import Generation
from chatd.store.sqlite.sql import select
from tests.store.sqlite.older import before, store_at
from tests.store.support import (
    ANN,
    DAY,
    EPOCH,
    LOBBY,
    STORED,
    T0,
    fill,
    in_this_thread,
    one,
    session_id,
    sqlite,
)
from tests.store.test_entry import SECRET, enroll, invitation

MONTH = 30 * DAY


def test_what_has_ended_is_shown_for_a_month_and_then_forgotten(tmp_path: Path) -> None:
    """With who came by it, while the daemon runs; however many there are."""
    writer = in_this_thread(apsw.Connection(":memory:"))
    side = Side("x", 1, clean=False)
    writer.generation = Generation(writer.db, tmp_path, side, 1)
    many = [invitation(bytes([number]) * 32) for number in range(40)]
    writer.commit(
        [d.AddUser(ANN, ANN, AccountRole.USER, None), invitation(), *many], T0
    )
    writer.commit([enroll()], T0)
    end = T0 + 7 * DAY
    for now, left in ((end + MONTH, (41, 1)), (end + MONTH + 1, (0, 0))):
        while writer.tend(now):
            """More of it."""
        counts = (
            "SELECT (SELECT count(*) FROM invitation), count(*) FROM invitation_use"
        )
        assert select(writer.db, counts) == [left]


def written(directory: Path) -> bytes:
    """All that is in the files of a store."""
    return b"".join(file.read_bytes() for file in directory.iterdir())


async def test_no_secret_is_on_disk(tmp_path: Path) -> None:
    """The digest is; what was told is in none of the files."""
    async with sqlite(tmp_path) as store:
        await store.load(T0)
        await fill(store)
        made = invitation()
        made.secret = "told-to-ann-alone"
        opened = d.OpenSession(session_id("a"), ANN, None, T0)
        link = d.SetLink(session_id("a"), b"l" * 32, T0, "told-to-ann-as-well")
        await store.commit([made, opened, link, d.OfferSetup(b"f" * 32)], T0)
    kept = written(tmp_path)
    assert SECRET in kept
    assert b"told-to-ann" not in kept
    assert "told-to-ann" not in f"{made} {link}"


def test_an_ended_private_room_lets_go_of_its_invitations(tmp_path: Path) -> None:
    """Its row goes in the end; the invitation stays, and leads nowhere."""
    den = RoomName("~" + 16 * "a")
    writer = in_this_thread(apsw.Connection(":memory:"))
    side = Side("x", 1, clean=False)
    writer.generation = Generation(writer.db, tmp_path, side, 1)
    room = d.CreateRoom(den, EPOCH, PLAIN, {ANN: Role.OWNER})
    writer.commit(
        [d.AddUser(ANN, ANN, AccountRole.USER, None), room, invitation(room=den)], T0
    )
    writer.commit([d.DestroyRoom(den, ANN, None)], T0)
    while writer.tend(T0 + 8 * DAY):
        """More of it."""
    assert select(writer.db, "SELECT count(*) FROM room") == [(0,)]
    assert select(writer.db, "SELECT room_id FROM invitation") == [(None,)]


async def test_stores_of_before_have_none(tmp_path: Path) -> None:
    """And may have some; nobody is waited for where there are accounts."""
    with store_at(tmp_path, before("admissions")) as db:
        db.execute(
            "INSERT INTO session (id, user_id, created) VALUES (?, 1, 0)",
            (session_id("a"),),
        )
    async with sqlite(tmp_path) as store:
        await store.load(T0)
        assert await store.invitations(None, None, 5) == ([], False)
        assert await one(store, d.OfferSetup(SECRET)) == d.Duplicate()
        link = d.SetLink(session_id("a"), SECRET, T0 + 1)
        assert await one(store, link) == STORED
        assert await store.linked(SECRET) is not None
        await one(store, invitation(room=LOBBY))
        assert await one(store, enroll(room=LOBBY)) == STORED
    db = apsw.Connection(str(tmp_path / DATABASE))
    assert select(db, "SELECT user_id FROM invitation_use") == [(4,)]
    db.close()
