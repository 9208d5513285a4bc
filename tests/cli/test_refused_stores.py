"""What a command that needs no daemon ends with where the store refuses it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw
import pytest
from click.testing import CliRunner, Result

from chatd.cli import main
from chatd.store.sqlite import files
from tests.cli.test_config import NO_SETTINGS

NOBODY = 65534
READING = (["user", "list"], ["room", "list"], ["export", "--all"])
CHANGE = ["user", "role", "ann", "user"]
COMMANDS = (*READING, CHANGE, ["erase", "ann", "--yes"], ["backup", "/dev/null"])
WHOLE = (["restore", "/etc/passwd"], ["import", "/etc/passwd"])
"""Commands that make a store where there is none; each of a file that all may read."""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A store in which there is nothing."""
    data = tmp_path / "data"
    files.make_directory(data)
    files.create_database(data, "0" * 32)
    return data


def typed(data: Path, *args: object) -> Result:
    """Type a command."""
    words = [*map(str, args), "--data", str(data)]
    return CliRunner().invoke(main, words, env=NO_SETTINGS)


@contextmanager
def anybody() -> Iterator[None]:
    """Be somebody whom modes keep out, which root is not."""
    mine = os.geteuid()
    if mine == 0:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(mine)


def _age(database: Path, schema: int) -> None:
    db = apsw.Connection(str(database))
    db.pragma("user_version", schema)
    db.close()


UNUSABLE: dict[str, Callable[[Path], object]] = {
    "is damaged": lambda data: (data / "chatd.db").write_bytes(b"tea" * 1000),
    "is empty": lambda data: (data / "chatd.db").write_bytes(b""),
    "a newer chatd": lambda data: _age(data / "chatd.db", 999),
    "every user": lambda data: data.chmod(0o777),
    "there is no store in": lambda data: (data / "chatd.db").unlink(),
}


@pytest.mark.parametrize("said", UNUSABLE)
def test_a_store_that_cannot_be_used_is_78(data: Path, said: str) -> None:
    """As it is to the daemon."""
    UNUSABLE[said](data)
    for words in COMMANDS:
        done = typed(data, *words)
        assert (done.exit_code, done.stdout) == (os.EX_CONFIG, ""), words
        assert done.stderr.startswith("Error: ")
        assert said in done.stderr


def test_a_store_that_is_closed_to_somebody_is_77(data: Path) -> None:
    """Whoever may use it is another."""
    commands = (*COMMANDS, *WHOLE, ["audit"], ["status"])
    for words in commands:  # only root may be able to read the interpreter's modules
        typed(data, *words)
    data.chmod(0)
    for words in commands:
        with anybody():
            done = typed(data, *words)
        assert (done.exit_code, done.stdout) == (os.EX_NOPERM, ""), words
        assert done.stderr.startswith("Error: ")


def test_a_lock_that_cannot_be_looked_at_is_78(data: Path) -> None:
    """Where nobody is kept out."""
    (data / "chatd.lock").symlink_to("chatd.lock")
    done = typed(data, *CHANGE)
    assert done.exit_code == os.EX_CONFIG
    assert "chatd.lock cannot be used: " in done.stderr


def test_a_file_that_was_named_wrongly_is_1(data: Path, tmp_path: Path) -> None:
    """Nothing is wrong with the store."""
    copy = tmp_path / "copy"
    assert typed(data, "backup", copy).exit_code == 0
    for words, said in (
        (["backup", copy], "is there already"),
        (["restore", tmp_path / "none"], "no such file"),
        (["restore", data / "chatd.db"], "is what is there already"),
        (["import", copy], "is there already"),
    ):
        done = typed(data, *words)
        assert (done.exit_code, said in done.stderr) == (1, True), done.stderr
