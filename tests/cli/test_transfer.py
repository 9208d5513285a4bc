"""`chatd export --all` and `chatd import` as typed; no daemon runs."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from chatd.cli import activation, main
from chatd.store.sqlite import files
from tests.cli.test_config import NO_SETTINGS


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A store with the account ann."""
    data = tmp_path / "data"
    done = typed(data, "user", "add", "ann", given=b"correct horse\n")
    assert done.exit_code == 0, done.output
    return data


def typed(data: Path, *args: str | Path, given: bytes = b"") -> Result:
    """Type a command, with something on standard input."""
    words = [*map(str, args), "--data", str(data)]
    return CliRunner().invoke(main, words, input=given, env=NO_SETTINGS)


def test_what_is_exported_is_imported(data: Path, tmp_path: Path) -> None:
    """From a file or from standard input; it is said how much that was."""
    done = typed(data, "export", "--all")
    assert done.exit_code == 0
    assert re.fullmatch("note: this has all that was said.*is kept\n", done.stderr)
    file = tmp_path / "all.jsonl"
    file.write_bytes(done.stdout_bytes)
    head, *rows = map(json.loads, done.stdout.splitlines())
    assert (head["type"], head["lines"]) == ("chatd", len(rows))
    one, other = tmp_path / "one", tmp_path / "other"
    done = typed(one, "import", file)
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout == (f"{one / 'chatd.db'} has all {len(rows)} lines of {file}\n")
    done = typed(other, "import", "--json", "-", given=file.read_bytes())
    assert json.loads(done.stdout) == {
        "file": str(other / "chatd.db"),
        "lines": len(rows),
        "schema": head["schema"],
    }
    for place in (one, other):
        listed = typed(place, "user", "list", "--json").stdout
        assert json.loads(listed)["name"] == "ann"


def test_a_file_is_written_at_once(data: Path, tmp_path: Path) -> None:
    """It needs no other one; what it has is what a pipe is given."""
    command = [sys.executable, "-m", "chatd", "export", "--all", "--data", str(data)]
    nowhere = {"TMPDIR": str(tmp_path / "none"), "PATH": ""}
    with (tmp_path / "all.jsonl").open("wb") as file:
        subprocess.run(command, stdout=file, env=nowhere, check=True)
    piped = subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout
    rows = (tmp_path / "all.jsonl").read_bytes().partition(b"\n")[2]
    assert rows == piped.partition(b"\n")[2] != b""


@pytest.mark.parametrize(("umask", "is_told"), [(0o022, True), (0o077, False)])
def test_a_file_that_others_can_read_is_told_of(
    data: Path, tmp_path: Path, umask: int, is_told: bool
) -> None:
    """It was made by the shell, so its mode is for whoever has typed that to mend."""
    command = [sys.executable, "-m", "chatd", "export", "--all", "--data", str(data)]
    old = os.umask(umask)
    try:
        with (tmp_path / "all.jsonl").open("wb") as file:
            done = subprocess.run(command, stdout=file, stderr=-1, check=True)
    finally:
        os.umask(old)
    told = b"Others can read that file (mode 0644): chmod 600\n"
    assert done.stderr.endswith(told) is is_told


@pytest.mark.parametrize("words", [["ann"], ["--all"]], ids=" ".join)
def test_a_file_is_on_the_disk_when_it_is_done(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    """Whoever removes the store then has it."""
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", lambda fd: synced.append(os.fstat(fd).st_size))
    with (tmp_path / "all.jsonl").open("w+b") as file:
        monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(file))
        main.main(["export", *words, "--data", str(data)], standalone_mode=False)
        assert synced == [os.fstat(file.fileno()).st_size]
        assert synced > [0]


@pytest.mark.parametrize("words", [["ann"], ["--all"]], ids=" ".join)
def test_a_disk_that_is_full_is_said(data: Path, words: list[str]) -> None:
    """Not as a fault of the program."""
    command = [sys.executable, "-m", "chatd", "export", *words, "--data", str(data)]
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, check=False)
    assert done.returncode == 1
    assert done.stderr == b"Error: standard output: No space left on device\n"


def test_what_is_wrong_is_said_and_changes_nothing(data: Path, tmp_path: Path) -> None:
    """The line by its number, on standard input too."""
    new = tmp_path / "new"
    done = typed(new, "import", "-", given=b'{"type":"user"}\n')
    assert (done.exit_code, done.stdout) == (os.EX_DATAERR, "")
    assert done.stderr.startswith("Error: standard input, line 1: it is not the head")
    assert not (new / files.DATABASE).exists()
    done = typed(data, "import", "-", given=b"")
    assert done.exit_code == 1
    assert "is there already, and an import begins" in done.stderr
    done = typed(new, "import", str(tmp_path / "none"))
    assert (done.exit_code, "No such file" in done.stderr) == (2, True)


@pytest.mark.parametrize(
    "words", [[], ["ann", "--all"], ["--all", "--received"]], ids=" ".join
)
def test_one_exports_a_user_or_all(data: Path, words: list[str]) -> None:
    """Not nothing, nor both."""
    done = typed(data, "export", *words)
    assert done.exit_code == 2
    assert "give USER, or --all and nothing else" in done.stderr


def test_a_socket_would_make_a_store_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So nothing begins beside it."""
    monkeypatch.setattr(activation, "SYSTEMD", tmp_path)
    monkeypatch.setattr(activation, "_is_activated", lambda _: True)
    done = typed(tmp_path / "new", "import", "-", given=b"")
    assert done.exit_code == 1
    assert "systemctl stop chatd.socket chatd.service" in done.stderr
