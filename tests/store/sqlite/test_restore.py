"""A backup in the place of what is there, whatever is there and whatever happens."""

from __future__ import annotations

import errno
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import apsw
import pytest
import trio

from chatd.errors import StoreHeld, StoreRefused, StoreUnavailable
from chatd.store.sqlite import files, lock, migrate
from chatd.store.sqlite.backup import backup
from chatd.store.sqlite.restore import restore
from chatd.store.sqlite.sql import select
from tests.logs import capture_logs
from tests.store.sqlite.older import before, store_at
from tests.store.sqlite.slain import at_each_step
from tests.store.support import (
    EPOCH,
    LOBBY,
    T0,
    fill,
    one,
    page,
    row,
    say,
    sqlite,
)


async def said(data: Path, *texts: str) -> list[str | None]:
    """Open a store, say something, and return all that was said there."""
    async with sqlite(data) as store:
        await store.load(T0)
        if not await store.rooms([LOBBY]):
            await fill(store)
        for text in texts:
            await one(store, say(text))
        return [message.text for message in await page(store)]


async def epoch(data: Path) -> str:
    """The lobby's."""
    async with sqlite(data) as store:
        return (await row(store)).epoch


def texts(database: Path) -> list[str]:
    """All that was said, as a database has it without being opened as a store."""
    with closing(apsw.Connection(str(database), apsw.SQLITE_OPEN_READONLY)) as db:
        return [text for (text,) in select(db, "SELECT text FROM message ORDER BY seq")]


def names(directory: Path) -> set[str]:
    """What is in a directory."""
    return {path.name for path in directory.iterdir()}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A store with a word that its backup does not have."""
    data = tmp_path / "data"

    async def make() -> None:
        await said(data, "old")
        await trio.to_thread.run_sync(backup, data, tmp_path / "copy")
        await trio.to_thread.run_sync(put_compressed, data, tmp_path / "copy.zst")
        await said(data, "new")

    trio.run(make)
    return data


def put_compressed(data: Path, target: Path) -> None:
    """Make a compressed backup."""
    backup(data, target, compressed=True)


@pytest.mark.parametrize("name", ["copy", "copy.zst"])
async def test_what_is_put_back_is_an_older_state(
    data: Path, tmp_path: Path, name: str
) -> None:
    """It has new epochs, and the log says why; what it has replaced is kept."""
    assert await epoch(data) == EPOCH
    done = restore(data, tmp_path / name)
    assert done.replaced is not None
    assert texts(done.replaced / files.DATABASE) == ["old", "new"]
    with capture_logs() as lines:
        assert await said(data, "next") == ["old", "next"]
        assert await epoch(data) != EPOCH
    told = [line for line in lines if "an older state of the store" in line["event"]]
    assert len(told) == 1
    again = restore(data, done.replaced / files.DATABASE)
    assert await said(data) == ["old", "new"]
    assert again.replaced is not None
    assert texts(again.replaced / files.DATABASE) == ["old", "next"]


async def test_a_backup_of_this_moment_has_new_epochs_too(
    data: Path, tmp_path: Path
) -> None:
    """Its number is that of the store: nobody could tell it from what was here."""
    fresh = backup(data, tmp_path / "fresh").file
    restore(data, fresh)
    assert await epoch(data) != EPOCH


async def test_it_comes_to_another_machine(data: Path, tmp_path: Path) -> None:
    """Where there is no store, nor anything else."""
    done = restore(tmp_path / "far" / "away", tmp_path / "copy")
    assert done.replaced is None
    assert names(tmp_path / "far" / "away") == {"chatd.db", "chatd.id", "chatd.lock"}
    assert await said(tmp_path / "far" / "away") == ["old"]
    assert await epoch(tmp_path / "far" / "away") != EPOCH


async def test_a_log_belongs_to_its_database(data: Path, tmp_path: Path) -> None:
    """What a crash has left, moved away whole, can be put back; what is here too."""
    crashed = tmp_path / "crashed"
    async with sqlite(data) as store:
        await store.load(T0)
        await one(store, say("in the log"))
        await trio.to_thread.run_sync(shutil.copytree, data, crashed)
    done = restore(crashed, tmp_path / "copy")
    assert done.replaced is not None
    assert names(done.replaced) == {"chatd.db", "chatd.db-wal", "chatd.db-shm"}
    restore(data, done.replaced / files.DATABASE)
    assert await said(data) == ["old", "new", "in the log"]
    assert await said(crashed) == ["old"], "the log of another was not read into it"


@pytest.mark.parametrize("is_relative", [True, False])
async def test_a_link_leads_to_a_backup_and_its_log(
    data: Path, tmp_path: Path, is_relative: bool
) -> None:
    """The log lies beside the file; beside the link there is none, or another one."""
    crashed = tmp_path / "crashed"
    async with sqlite(data) as store:
        await store.load(T0)
        await one(store, say("in the log"))
        await trio.to_thread.run_sync(shutil.copytree, data, crashed)
    link = tmp_path / "link.db"
    whole = crashed / files.DATABASE
    link.symlink_to(whole.relative_to(tmp_path) if is_relative else whole)
    (tmp_path / "link.db-wal").write_bytes(b"of another")
    restore(data, link)
    assert await said(data) == ["old", "new", "in the log"]
    with lock.locked(crashed), pytest.raises(StoreRefused, match="a daemon writes to"):
        restore(data, link)


def test_a_link_to_nothing_is_no_backup(data: Path, tmp_path: Path) -> None:
    """It is said where it leads."""
    (tmp_path / "link.db").symlink_to(tmp_path / "gone")
    with pytest.raises(
        StoreRefused, match=r"link\.db cannot be used: .*gone, which is"
    ):
        restore(data, tmp_path / "link.db")


@pytest.mark.parametrize("target", ["../disk/chatd.db", "../disk/gone.db"])
def test_a_database_that_is_a_link_is_kept_as_one(
    data: Path, tmp_path: Path, target: str
) -> None:
    """It leads to the same file from where it is kept, or still to none."""
    disk = tmp_path / "disk"
    disk.mkdir()
    (data / files.DATABASE).rename(disk / files.DATABASE)
    (data / files.DATABASE).symlink_to(target)
    done = restore(data, tmp_path / "copy")
    assert texts(data / files.DATABASE) == ["old"]
    assert done.replaced is not None
    kept = done.replaced / files.DATABASE
    assert kept.is_symlink()
    assert kept.exists() is (kept.resolve() == disk / files.DATABASE)
    assert texts(disk / files.DATABASE) == ["old", "new"]


def test_a_log_without_its_database_is_kept(data: Path, tmp_path: Path) -> None:
    """It may be all that is left of what people said; an empty one goes."""
    log = data / f"{files.DATABASE}-wal"
    (data / files.DATABASE).unlink()
    log.write_bytes(b"words")
    done = restore(data, tmp_path / "copy")
    assert done.replaced is not None
    assert (done.replaced / log.name).read_bytes() == b"words"
    place = data / f"{files.REPLACED}20200101T000000Z{files.PART}"
    place.mkdir()
    (place / log.name).write_bytes(b"of a restore that was killed")
    restore(data, tmp_path / "copy")
    assert not place.exists()
    kept = place.with_name(place.name.removesuffix(files.PART))
    assert (kept / log.name).read_bytes() == b"of a restore that was killed"
    place.mkdir()
    (place / log.name).touch()
    restore(data, tmp_path / "copy")
    assert not place.exists()


def test_a_log_that_another_has_left_is_not_mixed_in(
    data: Path, tmp_path: Path
) -> None:
    """A backup has none; a compressed one could not have one."""
    for name in ("copy", "copy.zst"):
        (tmp_path / f"{name}-wal").write_bytes(b"of another")
    with pytest.raises(
        StoreRefused, match=r"copy-wal lies beside .*, which has no log"
    ):
        restore(data, tmp_path / "copy")
    assert texts(data / files.DATABASE) == ["old", "new"]
    restore(data, tmp_path / "copy.zst")
    assert texts(data / files.DATABASE) == ["old"]


def test_what_was_half_done_in_a_backup_is_taken_back(
    data: Path, tmp_path: Path
) -> None:
    """Somebody wrote to it by hand and was killed: the journal says what was there."""
    child = """
import apsw, os, sys
db = apsw.Connection(sys.argv[1])
db.pragma("cache_size", 1)
db.execute("BEGIN; UPDATE message SET text = 'spoiled';"
           " CREATE TABLE t (x); INSERT INTO t VALUES (zeroblob(1000000))")
db.cache_flush()
os._exit(0)
"""
    subprocess.run([sys.executable, "-c", child, tmp_path / "copy"], check=True)
    assert (tmp_path / "copy-journal").stat().st_size > 0
    restore(data, tmp_path / "copy")
    assert texts(data / files.DATABASE) == ["old"]


async def test_nothing_is_done_beside_a_daemon(data: Path, tmp_path: Path) -> None:
    """Neither to its store nor from it."""
    async with sqlite(data):
        with pytest.raises(StoreHeld, match="another chatd serves this directory"):
            restore(data, tmp_path / "copy")
        with pytest.raises(StoreRefused, match=r"a daemon writes to .*chatd backup"):
            restore(tmp_path / "other", data / files.DATABASE)
    with pytest.raises(StoreRefused, match="is what is there already"):
        restore(data, data / files.DATABASE)


def damaged(path: Path) -> None:
    """Overwrite a page in the middle."""
    with path.open("r+b") as file:
        file.seek(20 * 4096)
        file.write(b"\xa5" * 4096)


def cut(path: Path) -> None:
    """Leave the first half."""
    os.truncate(path, path.stat().st_size // 2)


def emptied(path: Path) -> None:
    """Leave nothing."""
    os.truncate(path, 0)


def no_database(path: Path) -> None:
    """Put a letter there."""
    path.write_text("Dear Ann, " * 200)


def foreign(path: Path) -> None:
    """Make it another program's."""
    with closing(apsw.Connection(str(path))) as db:
        db.pragma("application_id", 7)


def newer(path: Path) -> None:
    """Make it one of a newer chatd."""
    with closing(apsw.Connection(str(path))) as db:
        db.pragma("user_version", len(migrate.migrations()) + 1)


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (damaged, r"copy is damaged \("),
        (cut, "copy is damaged"),
        (emptied, "copy is no backup of chatd: it is empty"),
        (no_database, "copy is no backup of chatd: it is no database"),
        (foreign, "copy belongs to another program"),
        (newer, r"copy was written by a newer chatd \(schema"),
        (Path.unlink, "copy: no such file"),
    ],
)
def test_what_is_no_backup_changes_nothing(
    data: Path, tmp_path: Path, spoil: Callable[[Path], None], reason: str
) -> None:
    """It is named, and what is there stays to the byte."""
    spoil(tmp_path / "copy")
    before = {path: path.read_bytes() for path in data.iterdir()}
    with pytest.raises(StoreRefused, match=reason):
        restore(data, tmp_path / "copy")
    after = {path: path.read_bytes() for path in data.iterdir()}
    for found in (before, after):
        found.pop(data / lock.LOCK)
    assert before == after


def test_a_compressed_one_is_looked_into(data: Path, tmp_path: Path) -> None:
    """What is in it is refused as what is not compressed, under the file's own name."""
    compressed = tmp_path / "copy.zst"
    whole = compressed.read_bytes()
    compressed.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(StoreRefused, match=r"copy\.zst is damaged"):
        restore(data, compressed)
    from zstandard import compress  # noqa: PLC0415 - here alone

    compressed.write_bytes(compress(b"Dear Ann"))
    with pytest.raises(StoreRefused, match=r"copy\.zst is no backup of chatd"):
        restore(data, compressed)
    assert names(data) == {"chatd.db", "chatd.id", "chatd.lock", "chatd.backup"}


@pytest.mark.parametrize("spoil", [damaged, cut, emptied, no_database, Path.unlink])
def test_what_is_there_may_be_anything(
    data: Path, tmp_path: Path, spoil: Callable[[Path], None]
) -> None:
    """That is what a restore is for; it is kept as it is, however broken."""
    spoil(data / files.DATABASE)
    left = (data / files.DATABASE).read_bytes() if spoil is not Path.unlink else None
    done = restore(data, tmp_path / "copy")
    assert texts(data / files.DATABASE) == ["old"]
    if done.replaced is not None:
        assert (done.replaced / files.DATABASE).read_bytes() == left
    else:
        assert left is None


def test_an_older_schema_is_put_back_as_it_is(data: Path, tmp_path: Path) -> None:
    """For the version that knows no other; nothing is brought up to date here."""
    schema = before("happened")
    with store_at(tmp_path / "before", schema):
        pass
    assert restore(data, tmp_path / "before" / files.DATABASE).schema == schema
    with closing(apsw.Connection(str(data / files.DATABASE))) as db:
        assert db.pragma("user_version") == schema


def test_owner_and_mode_are_the_directorys(data: Path, tmp_path: Path) -> None:
    """Whoever types it, and whoever can read the backup."""
    (tmp_path / "copy").chmod(0o644)
    (data / files.DATABASE).chmod(0o640)
    if os.geteuid() == 0:
        os.chown(data, 65534, 65534)
    done = restore(data, tmp_path / "copy")
    assert done.replaced is not None
    assert stat.S_IMODE((data / files.DATABASE).stat().st_mode) == 0o640
    assert stat.S_IMODE(done.replaced.stat().st_mode) == 0o700
    owner = data.stat().st_uid
    made = (data / files.DATABASE, data / files.SIDE, done.replaced)
    assert {path.stat().st_uid for path in made} == {owner}


@pytest.mark.parametrize("name", ["copy", "copy.zst"])
def test_there_must_be_room_for_it(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Before anything is written; also for what a compressed one becomes."""
    free = (tmp_path / "copy").stat().st_size // 4096 - 1
    assert (tmp_path / "copy.zst").stat().st_size < free * 4096

    def statvfs(_: Any) -> Any:
        return os.statvfs_result((4096, 4096, 1000, free, free, 0, 0, 0, 0, 255))

    monkeypatch.setattr(os, "statvfs", statvfs)
    with pytest.raises(StoreUnavailable, match="and what is restored needs 1 MiB"):
        restore(data, tmp_path / name)
    assert texts(data / files.DATABASE) == ["old", "new"]


@pytest.mark.parametrize("call", ["rename", "replace", "link"])
@pytest.mark.parametrize("has_side", [True, False])
async def test_what_fails_in_the_middle_is_taken_back(
    data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    call: str,
    has_side: bool,
) -> None:
    """Whichever step the system refuses: what was there is there again."""
    if not has_side:
        (data / files.SIDE).unlink()
    before = {name for name in names(data) if name != lock.LOCK}
    side = files.read_side(data)
    real = getattr(os, call)

    def fail(source: Path, target: Path, *args: Any, **options: Any) -> None:
        if Path(source).name in {files.NEW, "chatd.id.new"} or call == "rename":
            monkeypatch.setattr(os, call, real)
            raise OSError(errno.ENOSPC, "No space left on device", str(target))
        real(source, target, *args, **options)

    monkeypatch.setattr(os, call, fail)
    with pytest.raises(StoreUnavailable, match="the disk is full"):
        restore(data, tmp_path / "copy")
    assert {name for name in names(data) if "replaced" not in name} - {
        lock.LOCK,
        "chatd.id.new",
    } == before
    assert files.read_side(data) == side
    assert await said(data) == ["old", "new"]
    restore(data, tmp_path / "copy")
    assert await said(data) == ["old"]
    assert [name for name in names(data) if name.endswith(".part")] == []


async def test_kill_9_at_each_step_leaves_one_state_or_the_other(
    data: Path, tmp_path: Path
) -> None:
    """Or none, which a start refuses; typed again it is done, and nothing is lost."""
    pristine, work = tmp_path / "pristine", tmp_path / "work"
    async with sqlite(data) as store:
        await store.load(T0)
        await one(store, say("in the log"))
        await trio.to_thread.run_sync(shutil.copytree, data, pristine)
    seen: set[str] = set()

    def ready() -> list[str]:
        shutil.rmtree(work, ignore_errors=True)
        shutil.copytree(pristine, work)
        return ["restore", "--data", str(work), str(tmp_path / "copy")]

    def look() -> None:
        try:
            path = files.find_database(work)
            assert path is not None
            seen.add(state := " ".join(texts(path)))
            assert state in {"old", "old new in the log"}
            if state == "old":
                assert new_epochs_follow(work)
        except StoreRefused as refused:
            seen.add("refused")
            assert "a restore was interrupted; type it again" in str(refused)  # noqa: PT017 - it may pass
        restore(work, tmp_path / "copy")
        assert texts(work / files.DATABASE) == ["old"]
        kept = [texts(path) for path in work.glob("chatd.replaced-*/chatd.db")]
        assert ["old", "new", "in the log"] in kept
        assert not list(work.glob("*.part"))

    kills = await trio.to_thread.run_sync(at_each_step, tmp_path, ready, look)
    assert kills > 10
    assert seen == {"old", "old new in the log", "refused"}


def new_epochs_follow(data: Path) -> bool:
    """Whether the next start takes the state for an older one."""
    side = files.read_side(data)
    with closing(apsw.Connection(str(data / files.DATABASE))) as db:
        ((number,),) = select(db, "SELECT generation FROM store")
    assert side is not None
    return bool(side.generation > number)
