"""Rooms in stores of before: they mean the same to the schema of now."""

from __future__ import annotations

from pathlib import Path

from chatd.core import drafts as d
from chatd.core.changes import Moderated
from chatd.core.entities import INVITE_MS, Invite
from chatd.enums import AccountRole, MemberChange
from chatd.ids import OPERATOR, RoomName, Seq, UserName
from tests.store.sqlite.older import before, store_at
from tests.store.support import (
    ANN,
    BOB,
    LOBBY,
    T0,
    one,
    row,
    session_id,
    sqlite,
    timeline,
)


async def test_invitations_of_before_are_open(tmp_path: Path) -> None:
    """For as long as they were."""
    with store_at(tmp_path, before("closed_invites")) as db:
        db.execute(
            "INSERT INTO invite (room_id, user_id, sender_id, ts) VALUES (1, 2, 1, ?)",
            (T0,),
        )
    async with sqlite(tmp_path) as store:
        assert (await row(store)).invites == {BOB: Invite(ANN, T0)}
    async with sqlite(tmp_path) as store:
        assert (await row(store, now=T0 + INVITE_MS)).invites == {}


async def test_rooms_of_before_are_there(tmp_path: Path) -> None:
    """With what was said in them; and they end as any other."""
    with store_at(tmp_path, before("ended_rooms")) as db:
        db.execute("UPDATE room SET head = 1")
        db.execute(
            "INSERT INTO message (room_id, seq, ts, user_id, text)"
            " VALUES (1, 1, ?, 1, 'hi')",
            (T0,),
        )
    async with sqlite(tmp_path) as store:
        assert (await row(store)).head == 1
        assert len(await timeline(store)) == 1
        await one(store, d.DestroyRoom(LOBBY, ANN, None))
        assert await store.rooms([LOBBY]) == []


async def test_guests_of_before_have_no_address(tmp_path: Path) -> None:
    """They are banned by name, as they were; who comes now has one."""
    with store_at(tmp_path, before("guest_bans")) as db:
        db.execute(
            "INSERT INTO user (id, name, display, role, created)"
            " VALUES (4, 'dan~4f7k', 'dan', 'guest', 0)"
        )
        db.execute(
            "INSERT INTO session (id, user_id, created) VALUES (?, 4, 0)", (b"s" * 32,)
        )
        db.execute("INSERT INTO member VALUES (1, 4, 'member', 0, 1)")
    old, new = UserName("dan~4f7k"), UserName("eve~2x2y")
    async with sqlite(tmp_path) as store:
        snapshot = await store.load(T0)
        assert [record.user.address for record in snapshot.guests] == [None]
        come = d.AddUser(new, "eve", AccountRole.GUEST, None)
        opened = d.OpenSession(session_id("t"), new, None, T0, come, address=b"a" * 16)
        await one(store, opened)
        for guest, address in ((old, None), (new, b"a" * 16)):
            act = d.Moderate(LOBBY, ANN, None, guest, MemberChange.BAN)
            outcome = await one(store, act)
            assert isinstance(outcome, d.Committed)
            (change,) = outcome.changes
            assert isinstance(change, Moderated)
            assert (change.barred and change.barred.address) == address


async def test_rooms_of_before_have_had_one_name(tmp_path: Path) -> None:
    """And may get another one."""
    with store_at(tmp_path, before("former_names")):
        pass
    async with sqlite(tmp_path) as store:
        assert (await row(store)).was == []
        await one(store, d.RenameRoom(LOBBY, ANN, None, RoomName("hall")))
        assert (await row(store, RoomName("hall"))).was == [LOBBY]


async def test_who_made_a_room_of_before_is_worked_out(tmp_path: Path) -> None:
    """From what created it, its first event, or who owns it; else it is not known."""
    rooms = ("asked", "joined", "owned", "unknown", "gone")
    with store_at(tmp_path, before("makers")) as db:
        db.executemany(
            "INSERT INTO room (name, epoch, head, settings) VALUES (?, ?, 1, '{}')",
            [(name, "e" * 16) for name in rooms],
        )
        db.execute(
            "INSERT INTO creation (user_id, cid, digest, room_id, at)"
            " VALUES (2, 'c', x'00', 2, ?)",
            (T0,),
        )
        db.executemany(
            "INSERT INTO event (room_id, seq, ts, user_id, kind, subject_id, change)"
            " VALUES (?, 1, ?, ?, ?, 1, 'join')",
            [(2, T0, 1, "member"), (3, T0, 2, "member"), (5, T0, 2, "room")],
        )
        db.execute(
            "INSERT INTO member (room_id, user_id, role, read, first)"
            " VALUES (4, 2, 'owner', 0, 1), (3, 1, 'owner', 0, 1)"
        )
        db.execute("UPDATE room SET ended = 1 WHERE name = 'gone'")
    async with sqlite(tmp_path) as store:
        await store.load(T0)
        found = await store.rooms([LOBBY, *map(RoomName, rooms)])
        makers = {one.room: one.maker for one in found}
    known = dict.fromkeys(("asked", "joined", "owned"), BOB)
    assert makers == {LOBBY: None, "unknown": None} | known


async def test_nobody_has_named_a_place_of_before(tmp_path: Path) -> None:
    """And somebody may."""
    with store_at(tmp_path, before("place")):
        pass
    async with sqlite(tmp_path) as store:
        assert (await store.load(T0)).place is None
        await one(store, d.SetPlace("Northwind", OPERATOR))
    async with sqlite(tmp_path) as store:
        assert (await store.load(T0)).place == "Northwind"


async def test_what_was_unread_before_is(tmp_path: Path) -> None:
    """Counted in another index: what was deleted or hidden does not count."""
    rows = [(1, 2, "hi", 0), (2, 2, "ho", 0), (3, 2, None, 0), (4, 2, "x", 1)]
    with store_at(tmp_path, before("unread")) as db:
        db.execute("UPDATE room SET head = 5")
        db.executemany(
            "INSERT INTO message (room_id, seq, ts, user_id, text, hidden)"
            " VALUES (1, ?, 0, ?, ?, ?)",
            [*rows, (5, 1, "mine", 0)],
        )
    async with sqlite(tmp_path) as store:
        assert await store.unread(ANN, [(LOBBY, Seq(0), Seq(5))]) == [(2, 0, 0)]
        assert await store.unread(ANN, [(LOBBY, Seq(1), Seq(5))]) == [(1, 0, 0)]


async def test_what_is_counted_now_is_right_for_rooms_of_before(tmp_path: Path) -> None:
    """How many are in each, which are empty or forget, and which guests are here."""
    rooms = ("@ann,bob", "empty", "keeps", "written", "~aaaaaaaaaaaaaaaa")
    with store_at(tmp_path, before("resident")) as db:
        db.execute(
            "INSERT INTO user (id, name, display, role, created) VALUES"
            " (4, 'dan~4f7k', 'dan', 'guest', 0), (5, 'eve~2x2y', 'eve', 'guest', 0)"
        )
        db.execute("UPDATE user SET erased = 'begun' WHERE name = 'cy'")
        db.executemany(
            "INSERT INTO room (name, epoch, settings, maker_id) VALUES (?, ?, ?, 1)",
            [
                (name, "e" * 16, '{"keep_days":9}' if name == "keeps" else "{}")
                for name in rooms
            ],
        )
        db.execute(
            "INSERT INTO message (room_id, seq, ts, user_id) VALUES (5, 1, 0, 1)"
        )
        db.execute("UPDATE room SET head = 1 WHERE name = 'written'")
        db.executemany(
            "INSERT INTO member (room_id, user_id, role, read, first)"
            " VALUES (?, ?, 'member', 0, 1)",
            [(1, 1), (1, 2), (1, 3), (1, 4), (1, 5), (3, 3)],
        )
        db.execute(
            "INSERT INTO session (id, user_id, created) VALUES (?, 4, 0), (?, 1, 0)",
            (b"s" * 32, b"t" * 32),
        )
    async with sqlite(tmp_path) as store:
        snapshot = await store.load(T0)
        assert [record.user.user for record in snapshot.guests] == ["dan~4f7k"]
        assert snapshot.needless == ["empty", "keeps", "~aaaaaaaaaaaaaaaa"]
        shown, _ = await store.public_rooms(None, 9)
        counts = {room.room: room.members for room in shown}
        assert counts == {"empty": 0, "keeps": 0, LOBBY: 3, "written": 0}
        assert [name for name, _ in await store.trimming(None, 9)] == ["keeps"]
        await one(store, d.TrimRoom(RoomName("written"), T0, None))
        assert RoomName("written") in (await store.load(T0)).needless
