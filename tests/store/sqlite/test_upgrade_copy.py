"""What a start keeps of a store of before, and what is refused for want of room."""

from __future__ import annotations

import os
import re
import shutil
import stat
from contextlib import closing, nullcontext
from pathlib import Path
from typing import Any

import apsw
import pytest

from chatd.errors import StoreUnavailable
from chatd.store.sqlite import copying, files, migrate, upgrade
from chatd.store.sqlite.restore import restore
from chatd.store.sqlite.sql import select
from tests.store.sqlite.older import before, store_at
from tests.store.sqlite.slain import at_each_step, slayer
from tests.store.support import T0, sqlite, start_and_stop

SCHEMA = before("resident")
"""Some steps before the last."""
KILLS = int(os.environ.get("KILLS", "20"))
"""How often a start is killed at some moment. More of it by hand: KILLS=200."""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A store of before, with a message, of which others may read the files."""
    data = tmp_path / "data"
    with store_at(data, SCHEMA) as db:
        db.execute(
            "INSERT INTO message (room_id, seq, ts, user_id, text)"
            " VALUES (1, 1, ?, 1, 'tea')",
            (T0,),
        )
        db.execute("UPDATE room SET head = 1")
    (data / files.DATABASE).chmod(0o640)
    return data


def schema_of(database: Path) -> int:
    """Which one a database has; its message is in it."""
    with closing(apsw.Connection(str(database))) as db:
        assert select(db, "SELECT text FROM message") == [("tea",)]
        return int(db.pragma("user_version"))


def copies(data: Path) -> list[Path]:
    """What was kept."""
    return sorted(data.glob(f"{upgrade.KEPT}*"))


def test_what_was_there_is_kept_and_comes_back(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """By the words of the log; and then the same is done again."""
    start_and_stop(str(data))
    told = capsys.readouterr().err
    (kept,) = copies(data)
    assert re.fullmatch(rf"chatd\.schema-{SCHEMA}-\d{{8}}T\d{{6}}Z\.db", kept.name)
    assert copying.verify(kept, kept).schema == SCHEMA
    assert stat.S_IMODE(kept.stat().st_mode) == 0o640
    assert schema_of(data / files.DATABASE) == len(migrate.migrations())
    assert "to go back, stop chatd, type this" in told
    assert f"chatd restore --data {data} {kept}" in told
    assert f"the store is up to date schema={len(migrate.migrations())}" in told
    began = told.index("it is copied, then brought up to date")
    assert began < told.index("to go back")
    restore(data, kept)
    assert schema_of(data / files.DATABASE) == SCHEMA


@pytest.mark.parametrize(
    ("times", "is_enough"), [(1.9, False), (2.1, True)], ids=["not quite", "enough"]
)
async def test_there_has_to_be_room_for_all_that_may_be_written_anew(
    times: float, is_enough: bool, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The copy, and once more what it has: an upgrade must not stop in the middle."""
    with closing(apsw.Connection(str(data / files.DATABASE))) as db:
        free = round(copying.size_of(db) * times) // 4096

    def statvfs(_: Any) -> Any:
        return os.statvfs_result((4096, 4096, 9_999, free, free, 0, 0, 0, 0, 255))

    monkeypatch.setattr(os, "statvfs", statvfs)
    with nullcontext() if is_enough else pytest.raises(StoreUnavailable):
        async with sqlite(data):
            pass
    assert len(copies(data)) == is_enough


def test_a_way_back_may_have_any_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is told as a shell takes it."""
    data = tmp_path / "chat of ours"
    with store_at(data, SCHEMA):
        pass
    start_and_stop(str(data))
    (kept,) = copies(data)
    assert f"chatd restore --data '{data}' '{kept}'" in capsys.readouterr().err


def test_nothing_is_kept_where_nothing_is_migrated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither of a new store, nor at other starts, nor for another search index."""
    for _ in range(2):
        start_and_stop(str(tmp_path))
    with closing(apsw.Connection(str(tmp_path / files.DATABASE))) as db:
        db.execute("UPDATE store SET fold = '0'")
    start_and_stop(str(tmp_path))
    assert copies(tmp_path) == []


def test_the_copy_of_the_last_upgrade_is_enough(data: Path) -> None:
    """The one of another goes when this one is through, and not before."""
    other = data / "chatd.schema-7-20250101T000000Z.db"
    with store_at(data / "other", 7) as db:
        db.execute("UPDATE store SET generation = 5")
    (data / "other" / files.DATABASE).rename(other)
    shutil.rmtree(data / "other")
    (data / "chatd.schema-8-20250101T000000Z.db").write_text("damaged")
    mine = data / "chatd.schema-7.db"
    mine.write_text("mine")
    start_and_stop(str(data))
    kept, other = copies(data)
    assert kept.name.startswith(f"chatd.schema-{SCHEMA}-")
    assert other == mine


async def test_without_room_for_it_nothing_is_changed(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before it is begun, or when the disk is full in the middle; and it is said."""
    whole = (data / files.DATABASE).read_bytes()

    def statvfs(_: Any) -> Any:
        return os.statvfs_result((4096, 4096, 100, 20, 20, 0, 0, 0, 0, 255))

    with monkeypatch.context() as patch:
        patch.setattr(os, "statvfs", statvfs)
        reason = "has 0 MiB free, and an upgrade with the copy before it needs 1"
        with pytest.raises(StoreUnavailable, match=reason):
            async with sqlite(data):
                pass
    with monkeypatch.context() as patch:

        def copy(_db: object, target: Path, *_: object) -> None:
            raise copying.full(target)

        patch.setattr(copying, "copy", copy)
        with pytest.raises(StoreUnavailable, match=r"is full, so chatd\.schema-"):
            async with sqlite(data):
                pass
    assert copies(data) == []
    assert (data / files.DATABASE).read_bytes() == whole
    assert schema_of(data / files.DATABASE) == SCHEMA


def test_a_migration_that_was_killed_goes_on_with_its_copy(
    data: Path, tmp_path: Path
) -> None:
    """Whenever it was: there is one, of before the first step."""
    pristine = tmp_path / "pristine"
    shutil.copytree(data, pristine)
    seen = set()

    def ready() -> list[str]:
        shutil.rmtree(data)
        shutil.copytree(pristine, data)
        return ["start", str(data)]

    def look() -> None:
        with closing(apsw.Connection(str(data / files.DATABASE))) as db:
            seen.add(db.pragma("user_version"))
        start_and_stop(str(data))
        assert schema_of(data / files.DATABASE) == len(migrate.migrations())
        (kept,) = copies(data)
        assert schema_of(kept) == SCHEMA

    assert at_each_step(tmp_path, ready, look) > 5
    with slayer(tmp_path) as slay:
        for _ in slay.at_moments(KILLS, ready()):
            look()
            ready()
    assert {SCHEMA, len(migrate.migrations())} <= seen


def test_a_step_that_fails_leaves_the_copy(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some steps may be done; the next start makes no other copy, and goes on."""
    known = migrate.migrations()
    broken = (*known[: SCHEMA + 1], "SELECT no_such_column FROM room", *known[99:])
    with monkeypatch.context() as patch:
        patch.setattr(migrate, "migrations", lambda: broken)
        with pytest.raises(Exception, match="no_such_column"):
            start_and_stop(str(data))
    assert schema_of(data / files.DATABASE) == SCHEMA + 1
    before = copies(data)
    start_and_stop(str(data))
    assert copies(data) == before
    (kept,) = before
    assert schema_of(kept) == SCHEMA
