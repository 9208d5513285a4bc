"""An account that its user ends: answered at once, taken away a little at a time."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import apsw
import pytest
import trio

from chatd.core import drafts as d
from chatd.core.mentions import Mentions
from chatd.core.settings import PLAIN
from chatd.enums import AccountRole, Role
from chatd.ids import Epoch, RoomName, UserName
from chatd.store.sqlite import erasing, files, migrate
from chatd.store.sqlite.erasing import (
    LOOK_ROOMS,
    LOOK_ROWS,
    STEP_ROWS,
    STEP_TEXT_BYTES,
)
from chatd.store.sqlite.sql import select, transaction
from chatd.store.sqlite.writer import Writer
from tests.store.support import (
    ANN,
    BOB,
    CY,
    EPOCH,
    LOBBY,
    STORED,
    T0,
    erased,
    fill,
    in_this_thread,
    one,
    page,
    react,
    say,
    seqs,
    session_id,
    sqlite,
    timeline,
)

NAMELESS = UserName("erased~aaaa")
EMPTY = d.EraseUser(ANN, None, None)
REASSIGN = d.EraseUser(ANN, None, NAMELESS)
BEGINNING: list[d.Draft] = [
    *(d.AddUser(name, name, AccountRole.USER, None) for name in (ANN, BOB, CY)),
    d.CreateRoom(LOBBY, EPOCH, PLAIN, {ANN: Role.OWNER, BOB: Role.MEMBER}),
]


@pytest.fixture
def writer() -> Writer:
    """A writer without a file, with three people and a room."""
    made = in_this_thread(apsw.Connection(":memory:"))
    made.commit(BEGINNING, T0)
    return made


def changed_rows(writer: Writer) -> int:
    """Rows that were changed, ever."""
    return writer.db.total_changes()


def steps(writer: Writer) -> list[int]:
    """Take everything away; how many rows each step has changed."""
    counts = []
    while True:
        before = changed_rows(writer)
        with transaction(writer.db):
            progress = erasing.step(writer.db, 1)
        counts.append(changed_rows(writer) - before)
        assert progress is not None
        if progress.is_done:
            return counts


def count(writer: Writer, what: str) -> int:
    """How many rows there are of something."""
    found: int = select(writer.db, f"SELECT count(*) FROM {what}")[0][0]  # noqa: S608
    return found


# --- answered at once -------------------------------------------------------------


@pytest.mark.parametrize("draft", [EMPTY, REASSIGN])
async def test_the_rest_is_done_by_itself(tmp_path: Path, draft: d.EraseUser) -> None:
    """Beside commits, and a search finds nothing of what was emptied meanwhile."""
    async with sqlite(tmp_path) as store:
        await store.load(T0)
        await fill(store)
        await store.commit([say(f"walrus {n}", f"c{n}") for n in range(300)], T0)
        await store.commit([react(1, "👍"), react(2, "👎", user=BOB)], T0)
        assert await one(store, draft) == STORED
        assert seqs(await store.commit([say("on", user=BOB)], T0)) == [303]
        await erased(tmp_path)
        shown = await page(store)
        sender = draft.nameless or ANN
        assert {m.sender for m in shown[:-1]} == {sender}
        assert {m.text is None for m in shown[:-1]} == {draft.nameless is None}
        numbers = [event.seq for event in await timeline(store)]
        assert numbers == list(range(1, 304))
    words = (tmp_path / files.DATABASE).read_bytes().count(b"walrus")
    assert bool(words) == (draft.nameless is not None)


@pytest.mark.parametrize("begun", [0, 1, 3])
async def test_a_daemon_that_is_killed_goes_on_with_it(
    tmp_path: Path, begun: int
) -> None:
    """However far it had come; nobody asks again."""
    async with sqlite(tmp_path) as store:
        await store.load(T0)
        await fill(store)
        await store.commit([say(f"walrus {n}") for n in range(300)], T0)
    with closing(apsw.Connection(str(tmp_path / files.DATABASE))) as db:
        migrate.configure(db)
        with transaction(db):
            erasing.begin(db, ANN, 1, None)
        for _ in range(begun):
            with transaction(db):
                erasing.step(db, 1)
    async with sqlite(tmp_path) as store:
        await store.load(T0)
        assert await store.user(ANN) is None
        await erased(tmp_path)
        assert {m.text for m in await page(store)} == {None}
        with trio.fail_after(60):
            assert seqs(await store.commit([say("on", user=BOB)], T0)) == [301]


# --- a little at a time -----------------------------------------------------------


def test_each_step_changes_and_looks_at_so_many_rows(writer: Writer) -> None:
    """Whatever there is of her, and however much of others is between."""
    mentions = Mentions((ANN,), everybody=False)
    run: list[d.Draft] = []
    run += [say("x", f"b{n}", user=BOB) for n in range(3 * LOOK_ROWS)]
    for n in range(3 * STEP_ROWS):
        run.append(say("y", f"a{n}"))
        run.append(d.NewMessage(LOBBY, BOB, None, "@ann", None, mentions))
        run.append(react(n + 1, "👍"))
    writer.commit(run, T0)
    for n in range(2 * LOOK_ROOMS):
        name = RoomName(f"r{n}")
        room = d.CreateRoom(name, Epoch("a" * 16), PLAIN, {BOB: Role.OWNER})
        message = d.NewMessage(name, BOB, None, "@ann", None, mentions)
        writer.commit([room, message], T0)
    while writer.tend(T0):
        """The words are in the index."""
    writer.commit([EMPTY], T0)
    looked: list[int] = []

    def note(event: Any) -> None:
        if "message_fts_" not in event["sql"]:  # FTS5's own are counted together
            looked.append(event["stmt_status"]["SQLITE_STMTSTATUS_VM_STEP"])

    writer.db.trace_v2(apsw.SQLITE_TRACE_PROFILE, note)
    counts = steps(writer)
    writer.db.trace_v2(0)
    assert max(counts) <= 12 * STEP_ROWS
    assert max(looked) <= 10 * LOOK_ROWS, "a few instructions for each row"
    assert count(writer, "message WHERE user_id = 1 AND text IS NOT NULL") == 0
    assert count(writer, "reaction") == count(writer, "mention") == 0
    assert count(writer, "cid WHERE user_id = 1") == 0
    assert count(writer, "cid") == 3 * LOOK_ROWS
    assert count(writer, "message_fts WHERE message_fts MATCH 'y'") == 0
    assert count(writer, "message_fts WHERE message_fts MATCH 'x'") == 3 * LOOK_ROWS


def test_much_text_leaves_the_index_in_more_steps(writer: Writer) -> None:
    """One message at least in each; the same text in short messages takes fewer."""
    long = "walrus " * (STEP_TEXT_BYTES // 10)
    for text, most in ((long, 1), ("walrus", STEP_ROWS)):
        other = in_this_thread(apsw.Connection(":memory:"))
        other.commit([*BEGINNING, *(say(text) for _ in range(STEP_ROWS))], T0)
        other.commit([EMPTY], T0)
        emptied = []
        while True:
            with transaction(other.db):
                progress = erasing.step(other.db, 1)
            assert progress is not None
            emptied.append(progress.messages)
            if progress.is_done:
                break
        pairs = zip([0, *emptied], emptied, strict=False)
        assert max(after - before for before, after in pairs) == most
        assert emptied[-1] == STEP_ROWS
    assert writer.db.total_changes() > 0


def test_many_reactions_on_a_message_are_a_step_of_their_own(writer: Writer) -> None:
    """They go with it, as when it is deleted."""
    people = [UserName(f"p{n}") for n in range(2 * STEP_ROWS)]
    writer.commit(
        [d.AddUser(name, name, AccountRole.USER, None) for name in people], T0
    )
    writer.commit([say("one"), say("two"), say("three")], T0)
    for of in (1, 2):
        writer.commit([react(of, "👍", user=name) for name in people], T0)
    writer.commit([EMPTY], T0)
    seen: list[Any] = []
    for _ in range(3):
        with transaction(writer.db):
            progress = erasing.step(writer.db, 1)
        assert progress is not None
        seen.append(progress.messages)
    assert seen == [1, 2, 3]


def test_the_index_is_exact_after_each_step(writer: Writer) -> None:
    """FTS5 finds in it what the rows have, also of what was not indexed yet."""
    writer.commit([say(f"walrus {n}") for n in range(300)], T0)
    writer.tend(T0)
    writer.commit([say(f"narwhal {n}") for n in range(100)], T0)
    writer.commit([EMPTY], T0)
    check = "INSERT INTO message_fts (message_fts, rank) VALUES ('integrity-check', 1)"
    progress: Any = None
    while progress is None or not progress.is_done:
        with transaction(writer.db):
            progress = erasing.step(writer.db, 1)
        writer.db.execute(check)
    assert progress.messages == 400


def test_who_is_done_is_not_begun_again(writer: Writer) -> None:
    """A step more is nothing, and so is another end."""
    writer.commit([d.OpenSession(session_id("a"), ANN, None, T0), EMPTY], T0)
    steps(writer)
    with transaction(writer.db):
        assert erasing.step(writer.db, 1) is None
    (outcome,) = writer.commit([EMPTY], T0).outcomes
    assert isinstance(outcome, d.Refused)
    assert count(writer, "session") == 0
