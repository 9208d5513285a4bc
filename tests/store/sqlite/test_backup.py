"""A copy of the store, made while somebody writes."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from functools import partial
from pathlib import Path
from typing import Any

import apsw
import pytest
import trio

from chatd.errors import (
    FileRefused,
    StoreFailed,
    StoreForbidden,
    StoreRefused,
    StoreUnavailable,
)
from chatd.store.sqlite import compression, copying, files, transfer
from chatd.store.sqlite.backup import PART, Backup, backup
from chatd.store.sqlite.copying import (
    LEAST_BYTES,
    REST,
    SCARCE_BYTES,
    SYNC_BYTES,
    WORK_S,
    Headroom,
    Pace,
    Tell,
)
from chatd.store.sqlite.files import DATABASE
from tests.store.sqlite.older import before, store_at
from tests.store.sqlite.slain import at_each_step
from tests.store.support import T0, fill, one, page, say, sqlite


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data directory of which nobody makes use."""

    async def make() -> None:
        async with sqlite(tmp_path / "data") as store:
            await store.load(T0)
            await fill(store)
            await one(store, say("tea"))

    trio.run(make)
    return tmp_path / "data"


async def test_a_copy_is_whole_and_of_one_moment(tmp_path: Path) -> None:
    """Also of what is in the log only; what is written later is not in it."""
    data, copy = tmp_path / "data", tmp_path / "copy"
    copy.mkdir()
    async with sqlite(data) as store:
        await store.load(T0)
        await fill(store)
        await one(store, say("before"))
        await trio.to_thread.run_sync(backup, data, copy / DATABASE)
        await one(store, say("behind"))
    async with sqlite(copy) as store:
        await store.load(T0)
        assert [message.text for message in await page(store)] == ["before"]


async def test_what_is_written_meanwhile_does_not_begin_it_anew(tmp_path: Path) -> None:
    """However much that is: it is of the moment in which it began."""
    data, copy = tmp_path / "data", tmp_path / "copy"
    copy.mkdir()
    async with sqlite(data) as store:
        await store.load(T0)
        await fill(store)
        for number in range(200):
            await one(store, say(f"{number} " + "x" * 4000))
        told: list[str] = []

        def tell(what: str, part: float) -> None:
            # One commit for each time that it rests.
            told.append(what)
            assert 0 <= part <= 1
            if what == "copying":
                trio.from_thread.run(one, store, say("meanwhile"))

        def make() -> Backup:
            return backup(data, copy / DATABASE, tell=tell)

        made = await trio.to_thread.run_sync(make)
        assert made.size == (copy / DATABASE).stat().st_size
        assert {"copying", "checking"} == set(told)
    async with sqlite(copy) as store:
        await store.load(T0)
        assert len(await page(store)) == 200


def test_nothing_is_overwritten(data: Path, tmp_path: Path) -> None:
    """The file must not be there, and its directory must."""
    there = tmp_path / "there"
    there.write_text("mine")
    for target, said in (
        (there, "is there already"),
        (tmp_path / "no/copy", "No such"),
    ):
        with pytest.raises(StoreRefused, match=said):
            backup(data, target)
    assert there.read_text() == "mine"
    with pytest.raises(StoreRefused, match="there is no store"):
        backup(tmp_path, tmp_path / "copy")


def test_a_file_that_comes_meanwhile_is_not_overwritten(
    data: Path, tmp_path: Path
) -> None:
    """Neither where there are hard links nor where there are none."""
    target = tmp_path / "copy"

    def tell(what: str, part: float) -> None:
        if (what, part) == ("checking", 1.0):
            target.write_text("mine")

    with pytest.raises(StoreRefused, match="is there already"):
        backup(data, target, tell=tell)
    assert target.read_text() == "mine"
    assert list(tmp_path.glob(f"*{PART}")) == []


def test_a_file_system_without_links_will_do(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stick has none; there too nothing is overwritten."""

    def link(*_: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", link)
    made = backup(data, tmp_path / "copy")
    assert copying.verify(made.file, made.file).schema > 0
    with pytest.raises(FileExistsError):
        files.put(data / DATABASE, tmp_path / "copy")
    assert (data / DATABASE).exists()


def test_what_fails_leaves_nothing(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half of one is none, whatever it failed for."""

    def failing(error: Exception) -> Tell:
        def fail(*_: object) -> None:
            raise error

        return fail

    for error, kind, said in (
        (StoreFailed("gone"), StoreFailed, "gone"),
        (OSError(errno.ENOSPC, "No space left"), StoreUnavailable, "is full, so copy"),
        (OSError(errno.EIO, "Input/output error"), FileRefused, "Input/output error$"),
        (OSError(errno.EACCES, "No entry"), StoreForbidden, "copy[.zst]*: No entry$"),
    ):
        for part in (tmp_path / "copy", tmp_path / "copy.zst"):
            with pytest.raises(kind, match=said):
                backup(
                    data, part, compressed=part.suffix == ".zst", tell=failing(error)
                )
    monkeypatch.setattr(compression, "LEVEL", 99)  # in the middle of compressing
    with pytest.raises(ValueError, match="level"):
        backup(data, tmp_path / "copy.zst", compressed=True)
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_a_damaged_store_is_not_copied_as_if_it_were_whole(
    data: Path, tmp_path: Path
) -> None:
    """The copy is looked at; the store is named, and the copy goes."""
    (root,) = page_of(data, "message_unread")
    with (data / DATABASE).open("r+b") as file:
        file.seek((root - 1) * 4096 + 8)
        file.write(b"\xff" * 2000)
    with pytest.raises(StoreRefused, match=r"chatd\.db is damaged \("):
        backup(data, tmp_path / "copy")
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def page_of(data: Path, name: str) -> list[int]:
    """Where a table or an index begins in the file."""
    db = apsw.Connection(str(data / DATABASE), apsw.SQLITE_OPEN_READONLY)
    sql = "SELECT rootpage FROM sqlite_schema WHERE name = ?"
    found = [page for (page,) in db.execute(sql, (name,))]
    db.close()
    return found


@pytest.mark.parametrize("end", ["-wal", "-journal"])
def test_a_log_of_that_name_is_not_mixed_in(
    data: Path, tmp_path: Path, end: str
) -> None:
    """It was another database's: whoever reads the backup would read it into that."""
    log = tmp_path / f"copy{end}"
    log.write_bytes(b"of another")
    with pytest.raises(StoreRefused, match=f"copy{end} is the log of a database that"):
        backup(data, tmp_path / "copy")
    assert log.read_bytes() == b"of another"
    assert not (tmp_path / "copy").exists()
    log.write_bytes(b"")
    assert backup(data, tmp_path / "copy").file.exists()


def test_a_link_to_nothing_is_not_written_through(data: Path, tmp_path: Path) -> None:
    """It is a name that is taken."""
    (tmp_path / "copy").symlink_to(tmp_path / "gone")
    with pytest.raises(StoreRefused, match="copy is there already"):
        backup(data, tmp_path / "copy")
    assert not (tmp_path / "gone").exists()


def test_there_must_be_room_for_it(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before anything is written."""

    def statvfs(_: Any) -> Any:
        return os.statvfs_result((4096, 4096, 100, 50, 50, 0, 0, 0, 0, 255))

    monkeypatch.setattr(os, "statvfs", statvfs)
    with pytest.raises(
        StoreUnavailable, match="has 0 MiB free, and the backup needs 1"
    ):
        backup(data, tmp_path / "copy")
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_the_copy_is_as_the_data(data: Path, tmp_path: Path) -> None:
    """Its mode and, made by root, its owner, whatever the umask."""
    assert mode_of(backup(data, tmp_path / "private")) == 0o600
    (data / DATABASE).chmod(0o640)
    old = os.umask(0o077)
    try:
        assert mode_of(backup(data, tmp_path / "shared")) == 0o640
        if os.geteuid() == 0:
            for path in (data, *data.iterdir()):
                os.chown(path, 65534, 65534)
            found = backup(data, tmp_path / "theirs").file.stat()
            assert (found.st_uid, found.st_gid) == (65534, 65534)
            assert (data / files.BACKUP).stat().st_uid == 65534
    finally:
        os.umask(old)


def mode_of(made: Backup) -> int:
    """Who can read a backup."""
    return stat.S_IMODE(made.file.stat().st_mode)


def test_a_compressed_copy_is_the_same(data: Path, tmp_path: Path) -> None:
    """What comes out again is what went in; what is cut off is noticed."""
    plain = backup(data, tmp_path / "plain").file
    compressed = backup(data, tmp_path / "packed", compressed=True).file
    assert compressed.stat().st_size < plain.stat().st_size
    assert compression.is_compressed(compressed)
    assert not compression.is_compressed(plain)
    assert decompressed(compressed) == plain.read_bytes()
    whole = compressed.read_bytes()
    for wrong in (whole[:-10], whole[:17], whole[:200] + b"\0\0" + whole[202:]):
        compressed.write_bytes(wrong)
        with pytest.raises(StoreRefused, match="packed is damaged"):
            decompressed(compressed)


def decompressed(path: Path) -> bytes:
    """What a compressed file holds."""
    target = path.with_suffix(".decompressed")
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    try:
        compression.decompress(path, descriptor, copying.untold)
    finally:
        os.close(descriptor)
    return target.read_bytes()


def test_what_was_compressed_is_read_again(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else nobody would notice before it is needed."""
    monkeypatch.setattr(
        compression, "_decompressed", lambda _: iter((b"something else",))
    )
    with pytest.raises(StoreRefused, match="cannot be read again"):
        backup(data, tmp_path / "packed", compressed=True)
    assert not (tmp_path / "packed").exists()


def test_what_the_disk_has_changed_is_noticed(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the checksum of what was compressed."""
    write = compression._write

    def badly(descriptor: int, part: bytes) -> None:
        middle = len(part) // 2
        write(descriptor, part[:middle] + bytes(len(part[middle:])))

    monkeypatch.setattr(compression, "_write", badly)
    with pytest.raises(StoreRefused, match="cannot be read again"):
        backup(data, tmp_path / "packed", compressed=True)
    assert not (tmp_path / "packed").exists()


def test_a_directory_keeps_the_newest(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of this store, under the names that they were given; all else stays."""
    place = tmp_path / "copies"
    place.mkdir()
    others = [
        "chatd-ffffffff-20200101T000000Z.db",
        "notes.txt",
        "chatd.db",
        f"{store_name(data)}-20200101T000000Z.db.mine",
    ]
    for name in others:
        (place / name).write_text("mine")
    made = []
    for day in range(1, 6):
        stamp = f"2026120{day}T030000Z"
        monkeypatch.setattr(files, "stamp", lambda stamp=stamp: stamp)
        made.append(backup(data, place, compressed=day == 2, keep=3))
    names = [one.file.name for one in made]
    assert names[1].endswith("-20261202T030000Z.db.zst")
    assert [len(one.removed) for one in made] == [0, 0, 0, 1, 1]
    assert made[4].removed == (made[1].file,)
    assert {path.name for path in place.iterdir()} == {*others, *names[2:]}
    stamps = ["20261206T030000Z", "20261205T030000Z", "20261205T030000Z"]
    monkeypatch.setattr(files, "stamp", stamps.pop)
    third = backup(data, place, keep=1)  # waits for the next second
    assert third.file.name.endswith("-20261206T030000Z.db")
    assert {path.name for path in place.iterdir()} == {*others, third.file.name}
    monkeypatch.setattr(files, "stamp", lambda: "19700101T000000Z")
    behind = backup(data, place, keep=1)  # the clock is
    assert behind.removed == (third.file,)
    assert behind.file.exists()


def store_name(data: Path) -> str:
    """How the backups of a store begin."""
    found = files.read_side(data)
    assert found is not None
    return f"chatd-{found.store[:8]}"


def test_what_was_killed_goes_and_who_is_busy_does_not(
    data: Path, tmp_path: Path
) -> None:
    """A half one belongs to nobody, but for as long as its maker has the directory."""
    left = tmp_path / f"old.db{PART}"
    left.write_text("half")
    descriptor = os.open(tmp_path, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        with pytest.raises(StoreUnavailable, match="another backup is just"):
            backup(data, tmp_path / "copy")
        assert left.exists()
    finally:
        os.close(descriptor)
    backup(data, tmp_path / "copy")
    assert not left.exists()


def test_kill_9_at_each_step_leaves_a_backup_or_none(
    data: Path, tmp_path: Path
) -> None:
    """What has its name is whole, and the next one removes what is none."""
    place = tmp_path / "copies"
    place.mkdir()
    seen = set()

    def ready() -> list[str]:
        for path in place.iterdir():
            path.unlink()
        return ["backup", "--data", str(data), "--zstd", str(place / "copy.zst")]

    def look() -> None:
        names = {path.name for path in place.iterdir()}
        seen.add("copy.zst" in names)
        if "copy.zst" in names:
            assert decompressed(place / "copy.zst").startswith(b"SQLite format 3")
        backup(data, place / "another")
        assert not list(place.glob(f"*{PART}"))

    assert at_each_step(tmp_path, ready, look) > 5
    assert seen == {True, False}


def test_without_locks_nothing_of_others_goes(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A share of a network may have none."""

    def flock(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    left = tmp_path / f"old.db{PART}"
    left.write_text("half")
    monkeypatch.setattr(fcntl, "flock", flock)
    assert backup(data, tmp_path / "copy").file.exists()
    assert left.exists()


def test_the_data_has_a_note_of_the_last_one(data: Path, tmp_path: Path) -> None:
    """When and where; if that cannot be written, the backup is one all the same."""
    assert files.read_backup_note(data) is None
    made = backup(data, tmp_path / "copy")
    note = files.read_backup_note(data)
    assert note is not None
    assert (note.file, note.bytes) == (str(tmp_path / "copy"), made.size)
    assert note.made > T0
    assert made.unrecorded is None
    (data / files.BACKUP).unlink()
    (data / files.BACKUP).mkdir()
    assert files.read_backup_note(data) is None
    made = backup(data, tmp_path / "another")
    assert made.file.exists()
    assert made.unrecorded is not None
    (data / files.BACKUP).rmdir()
    for said in (b"", b"[]", b'{"made":1}', b'{"made":"x","file":"y","bytes":1}'):
        (data / files.BACKUP).write_bytes(said)
        assert files.read_backup_note(data) is None


def test_a_store_of_before_is_copied_as_it_is(tmp_path: Path) -> None:
    """An upgrade may have to be taken back: so the new one can make the copy, too."""
    schema = before("happened")
    with store_at(tmp_path / "data", schema):
        pass
    made = backup(tmp_path / "data", tmp_path / "copy")
    assert copying.verify(made.file, made.file).schema == schema


def test_it_rests_longer_than_it_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And what it has written is on the disk before it is much."""
    synced: list[int] = []
    monkeypatch.setattr(os, "fdatasync", synced.append)
    with (tmp_path / "copy").open("wb") as file:
        pace = Pace(written := file.fileno())
        file.truncate(SYNC_BYTES - 1)
        assert pace.rest_s(WORK_S / 2) == 0
        assert pace.rest_s(2 * WORK_S) == pytest.approx(REST * 2 * WORK_S)
        file.truncate(SYNC_BYTES)
        assert pace.rest_s(WORK_S / 2) == 0
        assert synced == []
        for size in (SYNC_BYTES, SYNC_BYTES + 1, 2 * SYNC_BYTES):
            file.truncate(size)
            pace.rest_s(1.0)
    assert synced == [written, written]


async def test_it_rests_only_where_somebody_is_served(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A store without a daemon is copied as fast as the disk can."""
    rests: list[float] = []

    def copy(_db: object, _target: Path, pace: Pace, _tell: Tell) -> None:
        rests.append(pace.rest)
        raise StoreFailed("that is enough")

    monkeypatch.setattr(copying, "copy", copy)
    with pytest.raises(StoreFailed):
        backup(data, tmp_path / "copy")
    async with sqlite(data):
        with pytest.raises(StoreFailed):
            await trio.to_thread.run_sync(backup, data, tmp_path / "copy")
    assert rests == [0, REST]


def with_free(monkeypatch: pytest.MonkeyPatch, free: int) -> None:
    """Have the disk say that so many bytes are free."""
    found = os.statvfs_result((1, 1, 2**40, free, free, 0, 0, 0, 0, 255))
    monkeypatch.setattr(os, "statvfs", lambda _: found)


def test_it_hurries_and_gives_up_where_the_log_takes_the_space(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the log does not grow, it is not for a copy to save space."""
    with_free(monkeypatch, LEAST_BYTES - 1)
    log = data / f"{DATABASE}-wal"
    log.write_bytes(b"x")
    headroom = Headroom(data / DATABASE)
    with (tmp_path / "copy").open("wb") as file:
        pace = Pace(file.fileno(), REST, headroom)
        assert pace.rest_s(1.0) == REST
        log.write_bytes(b"xx")
        with pytest.raises(StoreUnavailable, match="has 128 MiB free, and the log"):
            pace.rest_s(1.0)
        with_free(monkeypatch, LEAST_BYTES)
        assert pace.rest_s(1.0) == 0
        with_free(monkeypatch, SCARCE_BYTES)
        assert pace.rest_s(1.0) == REST
        log.unlink()
        assert pace.rest_s(1.0) == REST


async def test_a_daemon_that_writes_keeps_its_space(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A backup and an export are given up, and nothing is left of them."""
    monkeypatch.setattr(copying, "WORK_S", 0.0)
    monkeypatch.setattr(copying, "COPY_STEPS", 1)
    monkeypatch.setattr(transfer, "WORK_S", 0.0)
    (tmp_path / "place").mkdir()
    async with sqlite(data) as store:
        await store.load(T0)
        with_free(monkeypatch, LEAST_BYTES - 1)

        said: list[str] = []

        def write(what: str, _part: float) -> None:
            if len(said) < 5:
                said.append(what)
                trio.from_thread.run(one, store, say("meanwhile"))

        def export() -> None:
            lines = transfer.export_all(data)
            next(lines)
            write("", 0.0)
            list(lines)

        for work in (partial(backup, data, tmp_path / "place", tell=write), export):
            said.clear()
            with pytest.raises(StoreUnavailable, match="so that the daemon can write"):
                await trio.to_thread.run_sync(work)
        assert list((tmp_path / "place").iterdir()) == []
        with_free(monkeypatch, LEAST_BYTES)
        said.clear()
        await trio.to_thread.run_sync(
            partial(backup, data, tmp_path / "place", tell=write)
        )
