"""Damage is looked for without anybody waiting, from where it was left."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import apsw
import pytest
import trio

from chatd.errors import StoreRefused
from chatd.store.sqlite import checking, migrate
from chatd.store.sqlite.files import DATABASE, read_side
from chatd.store.sqlite.sql import select
from tests.store.gate import Gate
from tests.store.support import T0, fill, one, page, say, sqlite

PAGE_BYTES = 4096


@pytest.fixture
def db(tmp_path: Path) -> apsw.Connection:
    """A file with our schema."""
    db = apsw.Connection(str(tmp_path / DATABASE))
    migrate.configure(db)
    migrate.migrate(db)
    return db


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """A start that looks at nothing, as where there is very much."""
    monkeypatch.setattr("chatd.store.sqlite.generation.START_S", 0.0)


@pytest.fixture
def looked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The tables that are looked at, in order."""
    found: list[str] = []
    check = checking.check

    def noted(db: apsw.Connection, path: Path, name: str) -> None:
        found.append(name)
        check(db, path, name)

    monkeypatch.setattr(checking, "check", noted)
    return found


async def crashed(directory: Path, copy: Path) -> Path:
    """What a daemon leaves that was killed."""
    async with sqlite(directory) as store:
        await store.load(T0)
        await fill(store)
        await one(store, say("hi"))
        # The side file is written anew beside itself, while this is copied as well.
        shutil.copytree(directory, copy, ignore=shutil.ignore_patterns("*.new"))
    return copy


def hurt_root(database: Path, name: str) -> None:
    """Overwrite the first page of a table or an index."""
    db = apsw.Connection(str(database))
    sql = "SELECT rootpage FROM sqlite_schema WHERE name = ?"
    ((root,),) = select(db, sql, (name,))
    db.close()
    with database.open("r+b") as file:
        file.seek((root - 1) * PAGE_BYTES)
        file.write(b"\xff" * PAGE_BYTES)


def unchecked(directory: Path) -> tuple[str, ...]:
    """What the side file says that is left."""
    side = read_side(directory)
    assert side is not None
    return side.unchecked


async def wait_until(is_so: Callable[[], bool]) -> None:
    """Wait for what nobody tells: the side file is replaced by a thread."""
    with trio.fail_after(60):
        while not is_so():  # noqa: ASYNC110
            await trio.sleep(0.01)


def test_after_a_crash_all_are_doubtful_and_those_that_were_left_first(
    db: apsw.Connection,
) -> None:
    """After a clean stop those alone that were left, as far as there still are any."""
    there = checking.tables(db)
    assert {"sqlite_schema", "message", "message_fts", "message_fts_data"} < set(there)
    left = ["mention", "gone", "user"]
    assert checking.doubtful(db, left, whole=True) == ["mention", "user"]
    found = checking.doubtful(db, left, whole=False)
    assert found[:2] == ["mention", "user"]
    assert sorted(found) == sorted(there)


def test_a_table_is_looked_at_with_its_indexes(
    db: apsw.Connection, tmp_path: Path
) -> None:
    """A page of an index is found by its table, and by no other one."""
    db.close()
    path = tmp_path / DATABASE
    hurt_root(path, "message_unread")
    hurt = apsw.Connection(str(path))
    with pytest.raises(StoreRefused, match="is damaged"):
        checking.check(hurt, path, "message")
    for name in checking.tables(hurt):
        if name != "message":
            checking.check(hurt, path, name)


def test_what_is_interrupted_is_no_damage(db: apsw.Connection, tmp_path: Path) -> None:
    """The time of a start is over in the middle of a table: it is left."""
    db.set_progress_handler(lambda: True, 1)
    with pytest.raises(apsw.InterruptError):
        checking.check(db, tmp_path / DATABASE, "message")


def test_a_start_looks_as_long_as_it_may(
    db: apsw.Connection, tmp_path: Path, looked: list[str]
) -> None:
    """At all of it, or at nothing, and what is left is told."""
    names, path = ["message", "user", "gone"], tmp_path / DATABASE
    assert checking.check_some(db, path, names, 60.0) == []
    assert looked == names
    assert checking.check_some(db, path, names, 0.0) == names
    assert looked == names


async def test_what_a_start_has_left_is_looked_at_while_people_talk(
    tmp_path: Path, hurried: None, looked: list[str]
) -> None:
    """All of it, once; and then the side file says so."""
    copy = await crashed(tmp_path / "data", tmp_path / "copy")
    looked.clear()
    async with sqlite(copy) as store:
        await store.load(T0)
        assert len(await page(store)) == 1
        await wait_until(lambda: not unchecked(copy))
    assert len(looked) == len(set(looked)) > 20
    looked.clear()
    async with sqlite(copy):
        assert unchecked(copy) == ()
    assert looked == []


@pytest.mark.parametrize("clean", [True, False])
async def test_a_check_that_was_broken_off_goes_on(
    tmp_path: Path,
    hurried: None,
    looked: list[str],
    monkeypatch: pytest.MonkeyPatch,
    clean: bool,
) -> None:
    """Stopped in the middle it looks at the rest alone; killed, at the rest first."""
    copy = await crashed(tmp_path / "data", tmp_path / "copy")
    looked.clear()
    again, gate = tmp_path / "again", Gate()

    def held(db: apsw.Connection, path: Path, name: str) -> None:
        if name == "message":
            gate.enter(name)
        checking.check(db, path, name)

    with monkeypatch.context() as patch:
        patch.setattr(checking, "check_gently", held)
        async with sqlite(copy):
            await gate.wait_begun(1)
            shutil.copytree(copy, again)
            # Whoever stops waits for the thread.
            gate.open.set()
    before = again if not clean else copy
    left = unchecked(before)
    done = [name for name in looked if name not in left]
    assert done
    looked.clear()
    async with sqlite(before):
        await wait_until(lambda: not unchecked(before))
    assert looked[: len(left)] == list(left)
    assert sorted(looked[len(left) :]) == ([] if clean else sorted(done))


async def test_damage_that_is_found_later_stops_the_daemon(
    tmp_path: Path, hurried: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told as at a start, and the next start finds it, too."""
    copy = await crashed(tmp_path / "data", tmp_path / "copy")
    async with sqlite(copy):
        await wait_until(lambda: not unchecked(copy))
    async with sqlite(tmp_path / "data"):
        pass  # the log is in the file
    database = tmp_path / "data" / DATABASE
    hurt_root(database, "token")
    side = tmp_path / "data" / "chatd.id"
    side.write_bytes(side.read_bytes().replace(b"true", b"false"))
    with pytest.raises(StoreRefused, match="is damaged"):
        async with sqlite(tmp_path / "data"):
            await trio.sleep_forever()
    found = read_side(tmp_path / "data")
    assert found is not None
    assert not found.clean
    assert "token" in found.unchecked
    monkeypatch.setattr("chatd.store.sqlite.generation.START_S", 60.0)
    with pytest.raises(StoreRefused, match="is damaged"):
        async with sqlite(tmp_path / "data"):
            pytest.fail("opened")
