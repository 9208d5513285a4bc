"""What becomes of a batch when PostgreSQL goes away: nothing lost, nothing doubled."""

from __future__ import annotations

import signal
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio

from chatd.core import drafts as d
from chatd.errors import StoreFailed, StoreUnavailable
from chatd.store.postgres import PostgresStore
from chatd.store.postgres.connection import Connection
from chatd.store.postgres.faults import ConnectionLost
from chatd.store.postgres.pipeline import Answer
from chatd.store.postgres.writer import Writer
from tests.postgresql import Server, server, shared_at, store_at
from tests.store.support import T0, fill, one, page, say, seqs


@pytest.fixture
def url() -> Iterator[str]:
    """An empty database."""
    with server().database() as url:
        yield url


@pytest.fixture(scope="module")
def mortal() -> Iterator[Server]:
    """A server of its own, which may be killed."""
    with tempfile.TemporaryDirectory(prefix="chatd-pg-") as directory:
        found = Server(Path(directory))
        found.start()
        yield found
        found.stop(signal.SIGQUIT)


Opening = AbstractAsyncContextManager[PostgresStore]


@asynccontextmanager
async def filled(opening: Opening) -> AsyncIterator[PostgresStore]:
    """Open a store, and have people and a room in it."""
    async with opening as store:
        await store.load(T0)
        await fill(store)
        yield store


def cut(monkeypatch: pytest.MonkeyPatch, db: Connection, *, before: bool) -> None:
    """Have the next batch lose its connection at the end, before or after that."""
    run, begin = Connection.execute, Connection.begin
    is_batch = False

    def begun(self: Connection) -> Answer:
        nonlocal is_batch
        is_batch = is_batch or self is db
        return begin(self)

    def execute(self: Connection, sql: str, values: Any = ()) -> Answer:
        if self is not db or sql != "COMMIT" or not is_batch:
            return run(self, sql, values)
        monkeypatch.undo()
        if not before:
            run(self, sql)
        self.close()
        raise ConnectionLost("cut")

    monkeypatch.setattr(Connection, "execute", execute)
    monkeypatch.setattr(Connection, "begin", begun)


@pytest.mark.parametrize("before", [False, True])
async def test_a_commit_whose_answer_was_lost_is_looked_for(
    url: str, before: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has the outcome that it had; the next batch goes on behind it."""
    async with filled(store_at(url)) as store:
        assert seqs(await store.commit([say("a", "1")], T0)) == [1]
        cut(monkeypatch, store._db.db, before=before)
        if before:
            with pytest.raises(StoreUnavailable):
                await store.commit([say("b", "2")], T0)
            assert seqs(await store.commit([say("b", "2")], T0)) == [2]
        else:
            assert seqs(await store.commit([say("b", "2")], T0)) == [2]
        # Whoever got no answer asks again.
        again = await one(store, say("b", "2"))
        assert isinstance(again, d.Duplicate)
        assert again.seq == 2
        assert seqs(await store.commit([say("c", "3")], T0)) == [3]
        assert [message.text for message in await page(store)] == ["a", "b", "c"]


@pytest.mark.parametrize("opened", [store_at, shared_at])
@pytest.mark.parametrize("before", [False, True])
async def test_the_number_of_a_lost_transaction_may_be_another_ones(
    url: str,
    opened: Callable[[str], Opening],
    before: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A server that was killed gives it again; what that one became says nothing."""
    async with filled(opened(url)) as store:
        cut(monkeypatch, store._db.db, before=before)
        with pytest.MonkeyPatch.context() as another:
            another.setattr(Writer, "_status", lambda *_: "committed")
            if before:
                with pytest.raises(StoreUnavailable):
                    await store.commit([say("a", "1")], T0)
            else:
                assert seqs(await store.commit([say("a", "1")], T0)) == [1]
        assert seqs(await store.commit([say("b", "2")], T0)) == [1 if before else 2]
        assert [m.text for m in await page(store)] == (["b"] if before else ["a", "b"])


@pytest.mark.parametrize("before", [False, True])
async def test_what_has_changed_nothing_counts_as_not_stored(
    url: str, before: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a node: its log says nothing of it. Whoever asks again gets what there is."""
    async with filled(shared_at(url)) as store:
        assert seqs(await store.commit([say("a", "1")], T0)) == [1]
        cut(monkeypatch, store._db.db, before=before)
        with pytest.raises(StoreUnavailable):
            await store.commit([say("a", "1")], T0)
        again = await one(store, say("a", "1"))
        assert isinstance(again, d.Duplicate)


async def test_a_number_that_was_never_given_is_of_nothing_stored(url: str) -> None:
    """The server has lost it with all that had come to it, and not given it again."""
    async with store_at(url) as store:
        writer = store._writer
        assert not writer._settle(str(2**40))
        assert writer.db.is_open


async def test_what_cannot_be_found_out_ends_the_store(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says what it does not know, and writes no more."""
    async with filled(store_at(url)) as store:
        store._writer.settle_s = 0
        cut(monkeypatch, store._db.db, before=False)
        store._db.db.url = "postgresql://127.0.0.1:1/chatd"
        with pytest.raises(StoreFailed, match="not known"):
            await store.commit([say("a", "1")], T0)


async def test_it_says_that_it_asks(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """For as long as the server is away, and not any more when the answer is there."""
    async with filled(store_at(url)) as store, trio.open_nursery() as nursery:
        cut(monkeypatch, store._db.db, before=False)
        db, was = store._db.db, store._db.db.url
        db.url = "postgresql://127.0.0.1:1/chatd"
        assert not store.settles
        found: list[d.Outcome] = []

        async def send() -> None:
            found.extend(await store.commit([say("a", "1")], T0))

        nursery.start_soon(send)
        while not store.settles:  # noqa: ASYNC110 - it is set in a thread
            await trio.sleep(0.01)
        assert found == []
        db.url = was
        while not found:  # noqa: ASYNC110 - of a thread, too
            await trio.sleep(0.01)
        assert seqs(found) == [1]
        assert not store.settles


async def test_a_server_that_is_killed_again_and_again(mortal: Server) -> None:
    """What was acknowledged is there, once and in order, and there is no hole."""
    mortal.create("chatd")
    acknowledged: list[tuple[int, str]] = []
    killed = 0
    async with filled(store_at(mortal.url("chatd"))) as store:
        done = trio.Event()

        async def send() -> None:
            number = 0
            while not (done.is_set() and killed == 3):
                number += 1
                text = f"text {number}"
                outcome: d.Outcome | None = None
                while outcome is None:
                    try:
                        (outcome,) = await store.commit([say(text, text)], T0)
                    except StoreUnavailable:
                        await trio.sleep(0.02)
                assert isinstance(outcome, d.Committed | d.Duplicate), outcome
                acknowledged.append((seqs([outcome])[0], text))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(send)
            for _ in range(3):
                begun = len(acknowledged)
                while len(acknowledged) < begun + 20:  # noqa: ASYNC110 - of a store
                    await trio.sleep(0.01)
                await trio.to_thread.run_sync(mortal.stop, signal.SIGQUIT)
                killed += 1
                await trio.to_thread.run_sync(mortal.start)
            begun = len(acknowledged)
            while len(acknowledged) < begun + 20:  # noqa: ASYNC110 - of a store
                await trio.sleep(0.01)
            done.set()
        stored = [(message.seq, message.text) for message in await page(store)]
    assert stored == acknowledged
    assert [seq for seq, _ in stored] == list(range(1, len(stored) + 1))


@pytest.mark.parametrize("opened", [store_at, shared_at])
async def test_a_restart_while_nobody_wrote_is_noticed_by_nobody(
    mortal: Server, opened: Callable[[str], Opening]
) -> None:
    """Each connection of before is lost, which shows in its use: and is made again."""
    mortal.execute("DROP DATABASE IF EXISTS chatd WITH (FORCE)")
    mortal.create("chatd")
    async with filled(opened(mortal.url("chatd"))) as store:
        for number in range(1, 4):
            assert seqs(await store.commit([say(f"{number}")], T0)) == [number]
            async with trio.open_nursery() as nursery:
                for _ in range(20):
                    nursery.start_soon(page, store)
            await trio.to_thread.run_sync(mortal.stop, signal.SIGINT)
            await trio.to_thread.run_sync(mortal.start)
            async with trio.open_nursery() as nursery:
                for _ in range(20):
                    nursery.start_soon(page, store)


async def test_reading_goes_on_when_the_server_is_back(mortal: Server) -> None:
    """A look-up says that the store is away, and the next one connects again."""
    mortal.execute("DROP DATABASE IF EXISTS chatd WITH (FORCE)")
    mortal.create("chatd")
    async with filled(store_at(mortal.url("chatd"))) as store:
        await one(store, say("a"))
        assert len(await page(store)) == 1
        await trio.to_thread.run_sync(mortal.stop, signal.SIGQUIT)
        with pytest.raises(StoreUnavailable):
            await page(store)
        await trio.to_thread.run_sync(mortal.start)
        assert len(await page(store)) == 1
