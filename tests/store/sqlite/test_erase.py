"""An erased user: what is gone, what stays, and what a daemon beside it sees."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import apsw
import pytest
import trio

from chatd.core import drafts as d
from chatd.core.changes import UserErased
from chatd.core.entities import Invite
from chatd.core.mentions import Mentions
from chatd.core.settings import PLAIN
from chatd.enums import AccountRole, MemberChange, Role
from chatd.errors import Reject, RejectCode, StoreUnavailable
from chatd.ids import RoomName, Seq, UserName
from chatd.ports import Store
from chatd.store.sqlite import admin, erasing, files, offline, tokens
from chatd.store.sqlite.erase import Erasure, Fate, erase
from chatd.store.sqlite.erasing import STEP_ROWS
from chatd.store.sqlite.migrate import configure
from chatd.store.sqlite.sql import select
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
    erased,
    fill,
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


def nameless() -> UserName:
    """The name of who has none."""
    return NAMELESS


def gone(directory: Path, fate: Fate = Fate.TOMBSTONE) -> Erasure | None:
    """Erase ann."""
    return erase(directory, ANN, fate, nameless)


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


async def take(store: Store) -> None:
    """Do what a daemon does about changes, but for its connections."""
    position = 0
    while True:
        found, position = await store.changes(position)
        if found:
            await store.commit([d.KeepPosition(position)], T0)
        await trio.sleep(0.01)


async def beside_a_daemon(directory: Path, store: Store, fate: Fate) -> Erasure | None:
    """Erase ann while a daemon serves the store."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(take, store)
        done = await trio.to_thread.run_sync(gone, directory, fate)
        nursery.cancel_scope.cancel()
    return done


def remains(directory: Path) -> set[bytes]:
    """Which of ann's words are still in the files."""
    files = [path.read_bytes() for path in directory.iterdir()]
    return {word for word in WORDS if any(word in content for content in files)}


async def test_messages_become_tombstones(tmp_path: Path) -> None:
    """A replay shows them as deleted, seq has no hole, others' words stay."""
    async with sqlite(tmp_path) as store:
        await live(store)
        before = [event.seq for event in await timeline(store)]
        done = await beside_a_daemon(tmp_path, store, Fate.TOMBSTONE)
        assert done == Erasure(messages=2, reactions=1, ownerless=[LOBBY])
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
        await beside_a_daemon(tmp_path, store, Fate.TOMBSTONE)
        record = await store.user_record(BOB)
        assert record is not None
        assert record.blocks == []
        assert await store.unread(BOB, [(LOBBY, Seq(0), Seq(2))]) == [(0, 0)]
    db = apsw.Connection(str(tmp_path / "chatd.db"))
    assert db.execute("SELECT count(*) FROM mention").get == 0
    db.close()


@pytest.mark.parametrize("fate", Fate)
async def test_who_is_erased_is_nobody_to_be_blocked(
    tmp_path: Path, fate: Fate
) -> None:
    """Nor does a block come in late that he has begun."""
    async with sqlite(tmp_path) as store:
        await fill(store)
        await beside_a_daemon(tmp_path, store, fate)
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
        await beside_a_daemon(tmp_path, store, Fate.TOMBSTONE)
        assert (await row(store)).invites == {}
        assert (await row(store, DEN)).invites == {CY: Invite(BOB, T0)}


async def test_messages_may_stay_without_a_name(tmp_path: Path) -> None:
    """Whatever he did is the nameless user's, the name is taken, reactions go."""
    async with sqlite(tmp_path) as store:
        await live(store)
        done = await beside_a_daemon(tmp_path, store, Fate.REASSIGN)
        assert done == Erasure(reactions=1, nameless=NAMELESS, ownerless=[LOBBY])
        shown = await page(store)
        assert [(m.sender, m.text, m.reactions) for m in shown] == [
            (NAMELESS, "narwhal two", {"👍": [BOB]}),
            (BOB, "sealion", {}),
            (NAMELESS, None, {}),
            (BOB, "re", {}),
        ]
        senders = {getattr(event, "sender", None) for event in await timeline(store)}
        assert senders == {BOB, NAMELESS}
        assert (await store.changes(0))[0] == []
        for name in (ANN, NAMELESS):
            assert await store.user(name) is None
            outcome = await one(store, d.AddUser(name, "x", AccountRole.USER, None))
            assert refused(outcome) is RejectCode.NAME_TAKEN
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
        done = await beside_a_daemon(tmp_path, store, Fate.TOMBSTONE)
        assert done is not None
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
    admin.set_password(tmp_path, ANN, "$hash")
    tokens.add_token(tmp_path, ANN, b"t" * 32, None, T0)
    gone(tmp_path)
    async with sqlite(tmp_path) as store:
        assert await store.user(ANN) is None
        assert await store.token(b"t" * 32) is None
        assert await store.session(session_id("a")) is None
        assert await store.user_record(ANN) is None
        for name in (LOBBY, DIRECT):
            room = await row(store, name)
            assert list(room.members) == [BOB]
            assert (room.bans, room.mutes) == ({}, {})
    changes: list[Callable[[], object]] = [
        lambda: admin.set_password(tmp_path, ANN, "$other"),
        lambda: admin.log_out(tmp_path, ANN),
        lambda: tokens.add_token(tmp_path, ANN, b"u" * 32, None, T0),
    ]
    for change in changes:
        with pytest.raises(Reject) as reject:
            change()
        assert reject.value.code is RejectCode.NO_USER
    (ann, *_) = admin.accounts(tmp_path)
    assert ann.is_erased
    assert (ann.display, ann.has_password) == ("ann", False)


async def test_erasing_again_changes_nothing(tmp_path: Path) -> None:
    """And a user who never was is refused."""
    async with sqlite(tmp_path) as store:
        await live(store)
    assert gone(tmp_path, Fate.REASSIGN) is not None
    assert gone(tmp_path, Fate.REASSIGN) is None
    assert gone(tmp_path) is None
    with pytest.raises(Reject, match="there is no user dan"):
        erase(tmp_path, UserName("dan"), Fate.TOMBSTONE, nameless)


async def test_a_taken_name_is_drawn_again(tmp_path: Path) -> None:
    """Also nameless users are told from each other."""
    drawn = iter([NAMELESS, NAMELESS, UserName("erased~bbbb")])
    async with sqlite(tmp_path) as store:
        await live(store)
    erase(tmp_path, ANN, Fate.REASSIGN, lambda: next(drawn))
    done = erase(tmp_path, BOB, Fate.REASSIGN, lambda: next(drawn))
    assert done is not None
    assert done.nameless == "erased~bbbb"


async def test_steps_are_synced_together_before_it_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody can write while one is; the beginning and the end are on disk."""
    levels: list[object] = []

    async with sqlite(tmp_path) as store:
        await live(store)
    for name in ("begin", "steps", "empty_log"):
        found = getattr(erasing, name)
        monkeypatch.setattr(erasing, name, partial(_noted, found, levels))
    monkeypatch.setattr(erasing, "STEP_S", 0.0)
    gone(tmp_path)
    assert len(levels) > 3
    assert (levels[0], set(levels[1:-1]), levels[-1]) == (FULL, {NORMAL}, FULL)


NORMAL, FULL = 1, 2


def _noted(
    function: Callable[..., Any],
    levels: list[object],
    db: apsw.Connection,
    *args: Any,
    **kwargs: Any,
) -> Any:
    levels.append(db.pragma("synchronous"))
    return function(db, *args, **kwargs)


async def broken_off(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ann says a lot, and her erasure is broken off after three steps."""
    async with sqlite(directory) as store:
        await live(store)
        await store.commit([say(f"walrus {n}") for n in range(3 * STEP_ROWS)], T0)
    asked = iter([False, False, False])  # once before the steps, once after each

    def breaks(_directory: Path) -> bool:
        for answer in asked:
            return answer
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(files, "is_served", breaks)
        patch.setattr(erasing, "STEP_S", 0.0)  # one at a time, however fast it is
        with pytest.raises(KeyboardInterrupt):
            gone(directory)
    with offline.reading(directory) as db:
        emptied = "SELECT count(*) FROM message WHERE text IS NULL AND user_id = 1"
        assert select(db, emptied) == [(3 * STEP_ROWS + 1,)]  # one had been deleted


async def test_it_goes_on_where_it_was_broken_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each step is whole; asked again, also for something else, it ends as it began."""
    await broken_off(tmp_path, monkeypatch)
    done = gone(tmp_path, Fate.REASSIGN)
    assert done is not None
    assert (done.messages, done.nameless) == (3 * STEP_ROWS + 2, None)
    assert remains(tmp_path) == {b"sealion"}
    assert gone(tmp_path) is None


async def test_a_daemon_that_starts_goes_on_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody has to ask again; seq goes on without a hole."""
    await broken_off(tmp_path, monkeypatch)
    async with sqlite(tmp_path) as store:
        await store.load(T0)
        assert await store.user(ANN) is None
        await erased(tmp_path)
        assert all(m.deleted for m in await page(store) if m.sender == ANN)
        outcomes = await store.commit([say("x", user=BOB)], T0)
        assert seqs(outcomes) == [10 + 3 * STEP_ROWS + 1]
    assert remains(tmp_path) == {b"sealion"}
    assert gone(tmp_path) is None


async def test_a_daemon_that_takes_no_note_is_waited_for_in_vain(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing of the messages is changed; it is told to try again."""
    monkeypatch.setattr(offline, "TAKEN_MAX_S", 0.1)
    async with sqlite(tmp_path) as store:
        await live(store)
        with pytest.raises(StoreUnavailable, match="try again"):
            gone(tmp_path)
        assert [m.deleted for m in await page(store) if m.seq == Seq(1)] == [False]
        assert (await store.changes(0))[0] == [UserErased(ANN)]
    assert gone(tmp_path) is not None


async def test_a_reader_keeps_the_log_and_it_is_told(tmp_path: Path) -> None:
    """Who reads an older state of the file still needs it."""
    async with sqlite(tmp_path) as store:
        await live(store)
        reader = apsw.Connection(str(tmp_path / "chatd.db"))
        reader.execute("BEGIN")
        assert select(reader, "SELECT count(*) FROM message") == [(5,)]
        done = await beside_a_daemon(tmp_path, store, Fate.TOMBSTONE)
        assert done is not None
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
    done = erase(tmp_path, guest, Fate.TOMBSTONE, nameless)
    assert done == Erasure(messages=1)
    async with sqlite(tmp_path) as store:
        assert (await store.load(T0)).guest_sessions == []
        assert [m.deleted for m in await page(store)][-1]


@pytest.mark.parametrize("fate", Fate)
async def test_an_erasure_that_an_older_version_began_is_asked_for_again(
    tmp_path: Path, fate: Fate
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
    done = gone(tmp_path, fate)
    nameless = NAMELESS if fate is Fate.REASSIGN else None
    emptied = 0 if fate is Fate.REASSIGN else 1
    assert done == Erasure(messages=emptied, nameless=nameless)
    assert gone(tmp_path) is None
