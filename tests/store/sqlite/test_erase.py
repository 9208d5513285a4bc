"""An erased user: what is gone, what stays, and what a daemon beside it sees."""

from __future__ import annotations

from pathlib import Path

import apsw
import pytest
import trio

from chatd.core import drafts as d
from chatd.core.changes import UserErased
from chatd.core.entities import Invite
from chatd.core.mentions import Mentions
from chatd.core.settings import PLAIN
from chatd.enums import AccountRole, Erasure, MemberChange, Role
from chatd.errors import RejectCode
from chatd.ids import RoomName, Seq, UserName
from chatd.ports import ErasureRow, Store
from chatd.store.sqlite import admin, erasing
from chatd.store.sqlite.erasing import STEP_ROWS
from chatd.store.sqlite.farewell import look
from chatd.store.sqlite.migrate import configure
from chatd.store.sqlite.sql import select, transaction
from chatd.wire import events as e
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
    edit,
    erase,
    fill,
    nothing_left,
    one,
    page,
    react,
    refused,
    row,
    say,
    seqs,
    session_id,
    sqlite,
    timeline,
)

NAMELESS = UserName("erased~aaaa")
DEN = RoomName("den")
WORDS = (b"walrus", b"narwhal", b"porpoise", b"dolphin", b"sealion", b"manatee")
"""What ann says, in texts, cids and display."""


async def live(store: Store) -> None:
    """Ann says, edits, deletes and reacts, and bob as well."""
    await store.load(T0)
    await fill(store)
    await store.commit(
        [
            d.SetDisplay(ANN, "manatee"),
            d.OpenSession(session_id("a"), ANN, None, T0),
            say("walrus one", "porpoise"),
            say("sealion", user=BOB),
            edit(1, "narwhal two"),
            react(1, "👍", user=BOB),
            react(2, "🎉"),
            react(2, "👎"),
            react(2, "👎", on=False),
            say("dolphin"),
            delete(8),
            say("re", user=BOB, reply_to=1),
            say("walrus direct", room=DIRECT),
        ],
        T0,
    )


def remains(directory: Path) -> set[bytes]:
    """Which of ann's words are still in the files."""
    files = [path.read_bytes() for path in directory.iterdir()]
    return {word for word in WORDS if any(word in content for content in files)}


async def test_messages_become_tombstones(tmp_path: Path) -> None:
    """A replay shows them as deleted, seq has no hole, others' words stay."""
    async with sqlite(tmp_path) as store:
        await live(store)
        before = [event.seq for event in await timeline(store)]
        outcome, done = await erase(store)
        assert outcome == d.Erased((UserErased(ANN),), ownerless=(LOBBY,))
        assert done == ErasureRow(Erasure.DONE, 2, 1, 1.0, is_overwritten=True)
        events = await timeline(store)
        assert [event.seq for event in events] == before
        first, second, edited, reacted, own, *_ = events
        assert isinstance(first, e.Message)
        assert (first.text, first.cid, first.deleted, first.edited) == (
            None,
            None,
            True,
            False,
        )
        assert isinstance(edited, e.Edit)
        assert (edited.text, edited.deleted) == (None, True)
        for event in (reacted, own):
            assert isinstance(event, e.React)
            assert (event.emoji, event.on, event.deleted) == (None, None, True)
        assert isinstance(second, e.Message)
        assert second.text == "sealion"
        shown = await page(store)
        assert [(m.text, m.deleted, m.reactions) for m in shown] == [
            (None, True, {}),
            ("sealion", False, {}),
            (None, True, {}),
            ("re", False, {}),
        ]
        (direct,) = await page(store, DIRECT)
        assert direct.deleted
        assert seqs(await store.commit([say("on", user=BOB)], T0)) == [11]


async def test_whom_he_blocked_and_who_meant_him_is_forgotten(tmp_path: Path) -> None:
    """Blocks in both directions, and mentions of him and in what he wrote."""
    async with sqlite(tmp_path) as store:
        await fill(store)
        for one_way in ((ANN, BOB), (BOB, ANN)):
            await one(store, d.SetBlock(*one_way, on=True))
        for user, other in ((ANN, BOB), (BOB, ANN)):
            mentions = Mentions((other,), everybody=False)
            await one(store, d.NewMessage(LOBBY, user, None, "x", None, mentions))
        await erase(store)
        record = await store.user_record(BOB)
        assert record is not None
        assert record.blocks == []
        assert await store.unread(BOB, [(LOBBY, Seq(0), Seq(2))]) == [(0, 0, 0)]
    db = apsw.Connection(str(tmp_path / "chatd.db"))
    assert db.execute("SELECT count(*) FROM mention").get == 0
    db.close()


@pytest.mark.parametrize("heir", [None, NAMELESS])
async def test_who_is_erased_is_nobody_to_be_blocked(
    tmp_path: Path, heir: UserName | None
) -> None:
    """Nor does a block come in late that he has begun."""
    async with sqlite(tmp_path) as store:
        await fill(store)
        await erase(store, nameless=heir)
        for one_way in ((ANN, BOB), (BOB, ANN)):
            for on in (True, False):
                outcome = await one(store, d.SetBlock(*one_way, on))
                assert refused(outcome) is RejectCode.NO_USER
        record = await store.user_record(BOB)
        assert record is not None
        assert record.blocks == []


async def test_whom_he_invited_is_invited_no_more(tmp_path: Path) -> None:
    """What others have said to others stays."""
    async with sqlite(tmp_path) as store:
        await fill(store)
        await one(store, d.CreateRoom(DEN, EPOCH, PLAIN, {BOB: Role.OWNER}))
        for room, sender, target in ((LOBBY, ANN, CY), (DEN, BOB, ANN), (DEN, BOB, CY)):
            invite = d.Moderate(room, sender, None, target, MemberChange.INVITE)
            assert isinstance(await one(store, invite), d.Committed)
        await erase(store)
        assert (await row(store)).invites == {}
        assert (await row(store, DEN)).invites == {CY: Invite(BOB, T0)}


async def test_messages_may_stay_without_a_name(tmp_path: Path) -> None:
    """Whatever he did is the nameless user's, the name is taken, reactions go."""
    async with sqlite(tmp_path) as store:
        await live(store)
        outcome, done = await erase(store, nameless=NAMELESS)
        assert outcome.ownerless == (LOBBY,)
        assert (done.messages, done.reactions) == (0, 1)
        shown = await page(store)
        assert [(m.sender, m.text, m.reactions) for m in shown] == [
            (NAMELESS, "narwhal two", {"👍": [BOB]}),
            (BOB, "sealion", {}),
            (NAMELESS, None, {}),
            (BOB, "re", {}),
        ]
        senders = {getattr(event, "sender", None) for event in await timeline(store)}
        assert senders == {BOB, NAMELESS}
        for name in (ANN, NAMELESS):
            assert await store.user(name) is None
            taken = await one(store, d.AddUser(name, "x", AccountRole.USER, None))
            assert refused(taken) is RejectCode.NAME_TAKEN
    async with sqlite(tmp_path) as store:
        await store.load(T0)
        names = (ANN, BOB, CY, NAMELESS)
        records = [await store.user_record(name) for name in names]
        assert [record and record.user.user for record in records] == [
            *(None, BOB, CY, None)
        ]
        assert seqs(await store.commit([say("on", user=BOB)], T0)) == [11]


async def test_no_word_of_his_is_left_in_the_files(tmp_path: Path) -> None:
    """Not in rows, not in the index, not in the log: deleted or replaced before, or
    emptied now, with a daemon that is running.
    """
    async with sqlite(tmp_path) as store:
        await live(store)
        look = apsw.Connection(str(tmp_path / "chatd.db"))
        # The tender tells nobody when it has done a step.
        while select(look, "SELECT indexed FROM store") != [(5,)]:  # noqa: ASYNC110
            await trio.sleep(0.01)
        look.close()
        assert remains(tmp_path) >= set(WORDS) - {b"dolphin"}
        _, done = await erase(store)
        assert done.is_overwritten
        assert remains(tmp_path) == {b"sealion"}, "bob said that"
        db = apsw.Connection(str(tmp_path / "chatd.db"))
        configure(db)
        db.execute(
            "INSERT INTO message_fts (message_fts, rank) VALUES ('integrity-check', 1)"
        )
        found = "SELECT rowid FROM message_fts WHERE message_fts MATCH 'walrus'"
        assert select(db, found) == []
        db.close()


async def test_what_he_could_come_in_with_is_gone(tmp_path: Path) -> None:
    """Password, sessions, tokens, memberships, display, a ban; the name stays."""
    async with sqlite(tmp_path) as store:
        await live(store)
        for sanction in ("mute", "ban"):
            act = d.Moderate(
                LOBBY, BOB, None, ANN, MemberChange(sanction), reason="spam"
            )
            assert isinstance(await one(store, act), d.Committed)
        await one(store, d.ResetPassword(ANN, "$hash"))
        await one(store, d.AddToken(ANN, b"t" * 32, "", None, T0, None))
        await erase(store)
        assert await store.user(ANN) is None
        assert await store.token(b"t" * 32) is None
        assert await store.session(session_id("a")) is None
        assert await store.user_record(ANN) is None
        for name in (LOBBY, DIRECT):
            room = await row(store, name)
            assert list(room.members) == [BOB]
            assert (room.bans, room.mutes) == ({}, {})
        for draft in (
            d.ResetPassword(ANN, "$other"),
            d.EndSessions(ANN),
            d.AddToken(ANN, b"u" * 32, "", None, T0, None),
            d.BanUser(ANN, None, None, T0),
        ):
            assert refused(await one(store, draft)) is RejectCode.NO_USER
    (ann, *_) = admin.accounts(tmp_path)
    assert ann.is_erased
    assert (ann.display, ann.has_password) == ("ann", False)


async def test_erasing_again_changes_nothing(tmp_path: Path) -> None:
    """It is known that it was done; of a user who never was nothing is."""
    async with sqlite(tmp_path) as store:
        await live(store)
        before = await store.erasure(ANN)
        assert before == ErasureRow(Erasure.NONE)
        await erase(store, nameless=NAMELESS)
        again = d.EraseUser(ANN, None, None, by_operator=True)
        assert refused(await one(store, again)) is RejectCode.NO_USER
        assert await store.erasure(UserName("dan")) is None
    async with sqlite(tmp_path) as store:
        await store.load(T0)
        known = await store.erasure(ANN)
        assert known == ErasureRow(Erasure.DONE, 0, 0, 1.0), "and no more of it"


async def test_a_taken_name_is_refused(tmp_path: Path) -> None:
    """Another one is drawn then: nameless users are told from each other."""
    async with sqlite(tmp_path) as store:
        await live(store)
        await erase(store, nameless=NAMELESS)
        second = d.EraseUser(BOB, None, NAMELESS, by_operator=True)
        assert refused(await one(store, second)) is RejectCode.NAME_TAKEN
        assert (await store.erasure(BOB)) == ErasureRow(Erasure.NONE)


async def begun(directory: Path) -> None:
    """Ann says a lot, and a daemon ends before it has erased her."""
    async with sqlite(directory) as store:
        await live(store)
        await store.commit([say(f"walrus {n}") for n in range(3 * STEP_ROWS)], T0)
    db = apsw.Connection(str(directory / "chatd.db"))
    configure(db)
    with transaction(db):
        erasing.begin(db, ANN, 1, None)
    for _ in range(3):
        with transaction(db):
            erasing.step(db, 1)
    db.close()


async def test_it_is_told_how_far_it_is(tmp_path: Path) -> None:
    """What was done so far, and a part that grows up to the whole."""
    await begun(tmp_path)
    db = apsw.Connection(str(tmp_path / "chatd.db"))
    parts = []
    configure(db)
    while (found := look(db, ANN, None)) != ErasureRow(Erasure.DONE, 0, 0, 1.0):
        assert found is not None
        assert found.state is Erasure.BEGUN
        assert found.messages >= 3 * STEP_ROWS
        parts.append(found.part)
        with transaction(db):
            erasing.step(db, 1)
    db.close()
    assert parts == sorted(parts)
    assert 0 < parts[0] < 0.2 < parts[-1] < 1


async def test_a_daemon_that_starts_goes_on_with_it(tmp_path: Path) -> None:
    """Each step is whole, and nobody has to ask again; seq goes on without a hole."""
    await begun(tmp_path)
    async with sqlite(tmp_path) as store:
        await store.load(T0)
        assert await store.user(ANN) is None
        done = await nothing_left(store)
        assert done.messages == 3 * STEP_ROWS + 2
        assert all(m.deleted for m in await page(store) if m.sender == ANN)
        outcomes = await store.commit([say("x", user=BOB)], T0)
        assert seqs(outcomes) == [10 + 3 * STEP_ROWS + 1]
    assert remains(tmp_path) == {b"sealion"}


async def test_a_reader_keeps_the_log_and_it_is_told(tmp_path: Path) -> None:
    """Who reads an older state of the file still needs it."""
    async with sqlite(tmp_path) as store:
        await live(store)
        reader = apsw.Connection(str(tmp_path / "chatd.db"))
        reader.execute("BEGIN")
        assert select(reader, "SELECT count(*) FROM message") == [(5,)]
        _, done = await erase(store)
        assert not done.is_overwritten
        reader.close()


async def test_a_guest_may_be_erased(tmp_path: Path) -> None:
    """What he left behind is his as well."""
    guest = UserName("dan~4f7k")
    async with sqlite(tmp_path) as store:
        await live(store)
        new = d.AddUser(guest, "dan", AccountRole.GUEST, None)
        await one(store, d.OpenSession(session_id("g"), guest, None, T0, new))
        await one(store, say("walrus", user=guest))
        _, done = await erase(store, guest)
        assert done.messages == 1
    async with sqlite(tmp_path) as store:
        assert (await store.load(T0)).guest_sessions == []
        assert [m.deleted for m in await page(store)][-1]


@pytest.mark.parametrize("heir", [None, NAMELESS])
async def test_an_erasure_that_an_older_version_began_is_asked_for_again(
    tmp_path: Path, heir: UserName | None
) -> None:
    """What it was to become of the messages was not kept then, so a start does nothing
    about it.
    """
    with store_at(tmp_path, before("erasure")) as db:
        db.execute("UPDATE user SET erased = 'begun' WHERE name = ?", (ANN,))
        db.execute(
            "INSERT INTO message (room_id, seq, ts, user_id, text)"
            " VALUES (1, 1, ?, 1, 'walrus')",
            (T0,),
        )
        db.execute("UPDATE room SET head = 1")
    async with sqlite(tmp_path) as store:
        await store.load(T0)
        assert [m.text for m in await page(store)] == ["walrus"]
        assert await store.erasure(ANN) == ErasureRow(Erasure.NONE)
        _, done = await erase(store, nameless=heir)
        assert done.messages == (1 if heir is None else 0)
