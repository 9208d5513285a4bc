"""A small disk that is full somewhere in the middle: nothing is lost, nothing is half.

What is needed is known before it is begun, so that others fill the disk meanwhile: that
is what these tests do, with a file system of its own for each, of all sizes.
"""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import apsw
import attrs
import pytest

from chatd.errors import StoreUnavailable
from chatd.store.sqlite import backup, copying, files, lock, migrate, restore, transfer
from chatd.store.sqlite.sql import select
from tests.store.sqlite.older import before, store_at
from tests.store.support import start_and_stop

KIB = 1024
STEP = 96 * KIB
"""From one size of the disk to the next."""


@attrs.frozen
class Disk:
    """A file system of its own."""

    place: Path

    def size(self, size: int) -> None:
        """Make it so large, in bytes."""
        options = f"remount,size={size // KIB}k"
        subprocess.run(("mount", "-o", options, self.place), check=True)

    def used(self) -> int:
        """How much of it is in use."""
        found = os.statvfs(self.place)
        return (found.f_blocks - found.f_bfree) * found.f_frsize


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Disk]:
    """A disk of which nobody knows how much is free."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ("mount", "-t", "tmpfs", "-o", "size=64m,mode=700", "chatd-test", place)
    if (
        os.geteuid()
        or subprocess.run(mount, capture_output=True, check=False).returncode
    ):
        pytest.skip("only root can mount")
    monkeypatch.setattr(files, "require_space", lambda *_: None)
    try:
        yield Disk(place)
    finally:
        subprocess.run(("umount", place), check=True)


def make_store(data: Path, schema: int, texts: int) -> None:
    """A store of some hundred kilobytes."""
    with store_at(data, schema) as db:
        db.executemany(
            "INSERT INTO message (room_id, seq, ts, user_id, text)"
            " VALUES (1, ?, 0, 1, ?)",
            ((seq, secrets.token_hex(1000)) for seq in range(1, texts + 1)),
        )
        db.execute("UPDATE room SET head = ?", (texts,))


def texts_of(database: Path) -> int:
    """How many messages there are in what is whole."""
    with closing(apsw.Connection(str(database))) as db:
        migrate.configure(db)
        assert select(db, "PRAGMA integrity_check") == [("ok",)]
        ((count,),) = select(db, "SELECT count(*) FROM message")
        return int(count)


def tried(
    disk: Disk, pristine: Path | None, act: Callable[[Path], object]
) -> Iterator[bool]:
    """Do something on a disk that grows until there is enough room for it.

    Yields:
        Whether there was; the caller looks at what is there.
    """
    extra, was_enough = STEP, False
    while not was_enough:
        for path in disk.place.iterdir():
            shutil.rmtree(path)
        data = disk.place / "data"
        data.mkdir(0o700)
        if pristine is not None:
            shutil.copytree(pristine, data, dirs_exist_ok=True)
        disk.size(disk.used() + extra)
        with suppress(StoreUnavailable):
            act(data)
            was_enough = True
        disk.size(64 * KIB * KIB)  # to look at something takes some, too
        yield was_enough
        extra += STEP


def test_a_backup(disk: Disk, tmp_path: Path) -> None:
    """There is a whole one or none."""
    make_store(tmp_path / "data", len(migrate.migrations()), 300)
    refusals = 0
    for compressed in (False, True):

        def act(place: Path, *, compressed: bool = compressed) -> None:
            backup.backup(tmp_path / "data", place / "copy", compressed=compressed)

        for was_enough in tried(disk, None, act):
            refusals += not was_enough
            left = {path.name for path in (disk.place / "data").iterdir()}
            assert left == ({"copy"} if was_enough else set())
    assert refusals > 10


def test_a_restore(disk: Disk, tmp_path: Path) -> None:
    """There is what was there, or what is put back."""
    schema = len(migrate.migrations())
    make_store(tmp_path / "data", schema, 100)
    make_store(tmp_path / "other", schema, 300)
    files.write_side(tmp_path / "data", files.Side("00" * 16, 0, clean=True))
    copy = backup.backup(tmp_path / "other", tmp_path / "copy").file
    refusals = 0
    for was_enough in tried(
        disk, tmp_path / "data", lambda data: restore.restore(data, copy)
    ):
        refusals += not was_enough
        data = disk.place / "data"
        assert texts_of(data / files.DATABASE) == (300 if was_enough else 100)
        assert not (data / files.NEW).exists()
    assert refusals > 5


def test_an_import(disk: Disk, tmp_path: Path) -> None:
    """There is all of it or nothing."""
    make_store(tmp_path / "data", len(migrate.migrations()), 300)
    lines = tmp_path / "all.jsonl"
    with lines.open("wb") as file:
        file.writelines(line + b"\n" for line in transfer.export_all(tmp_path / "data"))
    refusals = 0

    def act(data: Path) -> None:
        with lines.open("rb") as file:
            transfer.import_all(data, file, "all.jsonl")

    for was_enough in tried(disk, None, act):
        refusals += not was_enough
        data = disk.place / "data"
        assert {path.name for path in data.iterdir()} <= {lock.LOCK, files.DATABASE}
        assert (data / files.DATABASE).exists() is was_enough
        if was_enough:
            assert texts_of(data / files.DATABASE) == 300
    assert refusals > 5


def test_an_upgrade(disk: Disk, tmp_path: Path) -> None:
    """There is what was there; and with more room it goes on, with its one copy."""
    schema = before("resident")
    make_store(tmp_path / "data", schema, 300)
    refusals = 0
    for was_enough in tried(
        disk, tmp_path / "data", lambda data: start_and_stop(str(data))
    ):
        refusals += not was_enough
        data = disk.place / "data"
        if not was_enough:
            start_and_stop(str(data))
        assert texts_of(data / files.DATABASE) == 300
        (kept,) = data.glob("chatd.schema-*")
        assert copying.verify(kept, kept).schema == schema
        assert texts_of(kept) == 300
    assert refusals > 5
