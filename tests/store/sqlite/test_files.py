"""Files that are not ours are refused, named, and left as they were."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import apsw
import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from chatd.errors import StoreHeld, StoreRefused
from chatd.store.sqlite import opening
from chatd.store.sqlite.files import create_database, read_side
from chatd.store.sqlite.lock import holder, locked
from chatd.store.sqlite.migrate import migrations
from tests.logs import capture_logs
from tests.store.support import LOBBY, T0, fill, one, say, seqs, sqlite, timeline


async def make(directory: Path) -> Path:
    """A store with a few hundred messages, stopped cleanly."""
    async with sqlite(directory) as store:
        await store.load(T0)
        await fill(store)
        await store.commit([say(f"{n} " + "x" * 500) for n in range(300)], T0)
    return directory / "chatd.db"


def content(directory: Path) -> dict[str, bytes]:
    """The files, but for the lock, which says who looked last."""
    return {
        path.name: path.read_bytes()
        for path in directory.iterdir()
        if path.name != "chatd.lock"
    }


def empty(database: Path) -> None:
    """As a full disk leaves a copy."""
    database.write_bytes(b"")


def remove(database: Path) -> None:
    """As a wrong mount does."""
    database.unlink()


def remove_but_its_log(database: Path) -> None:
    """As somebody does who means to begin anew."""
    database.with_name(f"{database.name}-wal").write_bytes(b"x")
    database.unlink()


def garble(database: Path) -> None:
    """Another kind of file."""
    database.write_bytes(b"PK\x03\x04" + bytes(5000))


def stub(database: Path) -> None:
    """A head that stops in the middle."""
    database.write_bytes(database.read_bytes()[:60])


def foreign(database: Path) -> None:
    """Another program's database."""
    database.unlink()
    db = apsw.Connection(str(database))
    db.execute("CREATE TABLE bookmark (url TEXT)")
    db.close()


def newer(database: Path) -> None:
    """A later chatd's."""
    db = apsw.Connection(str(database))
    db.pragma("user_version", len(migrations()) + 1)
    db.close()


def shorten(database: Path) -> None:
    """A copy that was cut off."""
    os.truncate(database, database.stat().st_size // 2)


DAMAGES: dict[Callable[[Path], None], str] = {
    empty: "is empty",
    remove: "is missing",
    remove_but_its_log: "is the log of a database that is gone",
    garble: "is not a database",
    stub: "is not a database",
    foreign: "belongs to another program",
    newer: "newer chatd",
    shorten: "is damaged",
}


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
async def test_what_is_not_ours_is_refused(
    damage: Callable[[Path], None], tmp_path: Path
) -> None:
    """The refusal names the file and what is wrong; nothing is written."""
    database = await make(tmp_path)
    damage(database)
    before = content(tmp_path)
    with pytest.raises(StoreRefused, match=DAMAGES[damage]) as refused:
        async with sqlite(tmp_path):
            pytest.fail("opened")
    assert str(database) in str(refused.value)
    assert content(tmp_path) == before


async def test_an_empty_file_is_refused_also_at_the_first_start(tmp_path: Path) -> None:
    """A new database never is an empty file, so it is somebody's."""
    (tmp_path / "chatd.db").touch()
    with pytest.raises(StoreRefused, match="is empty"):
        async with sqlite(tmp_path):
            pytest.fail("opened")
    assert (tmp_path / "chatd.db").read_bytes() == b""


@pytest.mark.parametrize("clean", [True, False])
async def test_damage_inside_is_looked_for_after_an_unclean_stop(
    tmp_path: Path, clean: bool
) -> None:
    """A page of zeros is found by `quick_check`, which a clean stop spares."""
    database = await make(tmp_path)
    with database.open("r+b") as file:
        file.seek(30 * 4096)
        file.write(bytes(4096))
    if clean:
        async with sqlite(tmp_path):
            return
    side = tmp_path / "chatd.id"
    side.write_bytes(side.read_bytes().replace(b"true", b"false"))
    with pytest.raises(StoreRefused, match="is damaged"):
        async with sqlite(tmp_path):
            pytest.fail("opened")


async def test_a_store_is_created_once(tmp_path: Path) -> None:
    """Whoever comes second finds the first one's, and nothing else is left."""
    await make(tmp_path)
    before = content(tmp_path)
    create_database(tmp_path, "other")
    assert content(tmp_path) == before


async def test_a_second_daemon_is_refused(tmp_path: Path) -> None:
    """It is told which process holds the lock; afterwards it may start."""
    async with sqlite(tmp_path) as store:
        with pytest.raises(StoreHeld, match=f"held by process {os.getpid()}"):
            async with sqlite(tmp_path):
                pytest.fail("opened")
        await fill(store)
        assert seqs([await one(store, say("still here"))]) == [1]
    async with sqlite(tmp_path) as store:
        assert len(await timeline(store, LOBBY)) == 1


def test_the_lock_ends_with_its_block(tmp_path: Path) -> None:
    """Also when the block fails."""
    with pytest.raises(KeyError), locked(tmp_path):
        raise KeyError
    with locked(tmp_path):
        assert (tmp_path / "chatd.lock").read_text() == f"{os.getpid()} passing\n"
        assert holder(tmp_path) is None
    with locked(tmp_path, serves=True):
        assert (tmp_path / "chatd.lock").read_text() == f"{os.getpid()}\n"
        assert holder(tmp_path) == os.getpid()


async def test_the_files_are_their_owners_alone(tmp_path: Path) -> None:
    """The directory that is made, with its parents, and the database in it."""
    directory = tmp_path / "var" / "chatd"
    async with sqlite(directory):
        assert directory.stat().st_mode & 0o777 == 0o700
        for name in ("chatd.db", "chatd.db-wal"):
            assert (directory / name).stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in directory.iterdir()) == [
        "chatd.db",
        "chatd.id",
        "chatd.lock",
    ]


async def test_a_directory_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    """A file is in its place."""
    (tmp_path / "data").write_text("mine")
    with pytest.raises(StoreRefused, match="data is not a directory"):
        async with sqlite(tmp_path / "data"):
            pytest.fail("opened")


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"store":1,"generation":"x","clean":true}']
)
def test_a_side_file_that_says_nothing_is_none(tmp_path: Path, text: str) -> None:
    """Whatever is in it, reading it does not fail."""
    assert read_side(tmp_path) is None
    (tmp_path / "chatd.id").write_text(text)
    assert read_side(tmp_path) is None


async def test_a_daemon_waits_for_a_command_that_changes_the_data(
    tmp_path: Path,
) -> None:
    """It opens the store when the command ends; the log says once for whom it waits."""

    async def serve() -> None:
        async with sqlite(tmp_path):
            opened.set()

    opened = trio.Event()
    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            with locked(tmp_path), capture_logs() as lines:
                nursery.start_soon(serve)
                await wait_all_tasks_blocked()
                assert not opened.is_set()
            await opened.wait()
    (line,) = lines
    holder = f"held by process {os.getpid()}: a command changes this data"
    assert holder in line["because"]


async def test_a_daemon_does_not_wait_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor does a command wait for another: both say that one may try again."""
    monkeypatch.setattr(opening, "LOCK_WAIT_S", 0.0)
    with locked(tmp_path), pytest.raises(StoreHeld, match="then try again") as held:
        async with sqlite(tmp_path):
            pytest.fail("opened")
    assert not held.value.serves
