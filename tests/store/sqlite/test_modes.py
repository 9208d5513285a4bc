"""Who else can read or write the data, whatever the umask."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from chatd.errors import StoreRefused
from chatd.store.sqlite import offline
from chatd.store.sqlite.files import DATABASE, doubts, make_directory
from tests.store.support import ANN, T0, add_account, fill, one, say, sqlite


@contextmanager
def umask(mask: int) -> Iterator[None]:
    """Run a block under another umask."""
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


def modes(directory: Path) -> dict[str, str]:
    """The mode of each file of a directory."""
    return {
        path.name: f"{stat.S_IMODE(path.stat().st_mode):04o}"
        for path in directory.iterdir()
    }


async def used(directory: Path) -> dict[str, str]:
    """Open a store, write to it, and look at its files meanwhile."""
    async with sqlite(directory) as store:
        await store.load(T0)
        await fill(store)
        await one(store, say("hi"))
        return modes(directory)


NAMES = {"chatd.db", "chatd.db-wal", "chatd.db-shm", "chatd.id", "chatd.lock"}


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077, 0o777])
async def test_all_files_have_the_databases_mode(tmp_path: Path, mask: int) -> None:
    """Its owner's alone, from the first moment on, in a directory that is so too."""
    directory = tmp_path / "data"
    with umask(mask):
        found = await used(directory)
    assert set(found) >= NAMES
    assert set(found.values()) == {"0600"}
    assert modes(tmp_path) == {"data": "0700"}


@pytest.mark.parametrize("mask", [0o000, 0o077])
async def test_a_wider_mode_is_the_operators_decision(
    tmp_path: Path, mask: int
) -> None:
    """The files beside follow the database's, also those that are there already."""
    directory = tmp_path / "data"
    await used(directory)
    for name in ("chatd.id", "chatd.lock"):
        (directory / name).chmod(0o644)
    (directory / DATABASE).chmod(0o640)
    with umask(mask):
        found = await used(directory)
    assert found == dict.fromkeys(NAMES, "0640")
    (directory / DATABASE).chmod(0o600)
    assert await used(directory) == dict.fromkeys(NAMES, "0600")


def test_a_store_that_the_terminal_makes_is_private_too(tmp_path: Path) -> None:
    """The first account may come before the first start."""
    with umask(0):
        add_account(tmp_path / "data", ANN)
    assert modes(tmp_path / "data") == {"chatd.db": "0600"}


def test_directories_above_are_nobody_elses_to_write(tmp_path: Path) -> None:
    """Or somebody could put another directory in the place of ours."""
    with umask(0):
        make_directory(tmp_path / "a" / "b" / "data")
    assert modes(tmp_path) == {"a": "0755"}
    assert modes(tmp_path / "a") == {"b": "0755"}
    assert modes(tmp_path / "a" / "b") == {"data": "0700"}
    with umask(0o077):
        make_directory(tmp_path / "c" / "data")
    assert modes(tmp_path)["c"] == "0700"


@pytest.mark.parametrize("mode", [0o777, 0o707, 0o1777, 0o702])
async def test_a_directory_that_everybody_can_write_is_refused(
    tmp_path: Path, mode: int
) -> None:
    """By whoever opens it, the daemon or the terminal; nothing is made in it."""
    directory = tmp_path / "data"
    directory.mkdir()
    directory.chmod(mode)
    reason = f"can write to {directory} .mode {mode:04o}., and replace the messages"
    with pytest.raises(StoreRefused, match=reason):
        doubts(directory)
    with pytest.raises(StoreRefused, match=reason):
        async with sqlite(directory):
            pytest.fail("opened")
    with pytest.raises(StoreRefused, match=reason), offline.reading(directory):
        pytest.fail("opened")
    assert modes(directory) == {}


def test_what_may_not_be_meant_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A group that can write, another owner, a parent, a file that all can read."""
    directory = tmp_path / "data"
    assert doubts(directory) == []
    make_directory(directory)
    assert doubts(directory) == []

    directory.chmod(0o770)
    (line,) = doubts(directory)
    assert line.startswith(f"store.path: {directory} (mode 0770): its group can write")

    directory.chmod(0o755)
    database = directory / DATABASE
    database.touch()
    database.chmod(0o604)
    assert doubts(directory) == [
        f"store.path: {database} (mode 0604): every user of this machine can read it"
    ]
    database.chmod(0o606)
    with pytest.raises(StoreRefused, match=r"can write to .*chatd\.db"):
        doubts(directory)
    directory.chmod(0o700)
    assert doubts(directory) == [], "nobody gets there"

    tmp_path.chmod(0o777)
    (line,) = doubts(directory)
    assert line.startswith(f"store.path: {tmp_path} (mode 0777): every user of this")
    assert line.endswith(f" can put something else in the place of {directory}")
    tmp_path.chmod(0o1777)
    assert doubts(directory) == [], "as in /tmp"

    if os.geteuid() == 0:
        os.chown(directory, 54_321, -1)
    assert doubts(directory) == [], "root manages what is others'"
    monkeypatch.setattr(os, "geteuid", lambda: 54_322)
    (line,) = doubts(directory)
    assert line.startswith(f"store.path: {directory} (mode 0700): it belongs to ")
    assert line.endswith(", who can replace the messages")


def test_a_directory_behind_a_link_is_looked_at(tmp_path: Path) -> None:
    """What counts is where the files are, and what is above that."""
    behind = tmp_path / "open" / "data"
    make_directory(behind)
    link = tmp_path / "link"
    link.symlink_to(behind)
    assert doubts(link) == []
    behind.parent.chmod(0o777)
    (line,) = doubts(link)
    assert f"{behind.parent} (mode 0777)" in line
    behind.chmod(0o777)
    with pytest.raises(StoreRefused, match="every user"):
        doubts(link)
