"""`chatd backup` and `chatd restore` as typed; no daemon runs."""

from __future__ import annotations

import json
import os
import pty
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
    done = typed(data, "user", "add", "ann", given="correct horse\n")
    assert done.exit_code == 0, done.output
    return data


def typed(data: Path, *args: str | Path, given: str = "") -> Result:
    """Type a command, with something on standard input."""
    words = [*map(str, args), "--data", str(data)]
    return CliRunner().invoke(main, words, input=given, env=NO_SETTINGS)


def people(data: Path) -> list[str]:
    """Who has an account."""
    done = typed(data, "user", "list", "--json")
    return [json.loads(line)["name"] for line in done.stdout.splitlines()]


def test_a_backup_is_a_store(data: Path, tmp_path: Path) -> None:
    """In the place of another one it has the same; a file that is there stays."""
    (tmp_path / "copy").mkdir()
    file = tmp_path / "copy" / files.DATABASE
    done = typed(data, "backup", file)
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout == f"{file}: {file.stat().st_size / 2**20:.1f} MiB, checked\n"
    assert people(tmp_path / "copy") == ["ann"]
    again = typed(data, "backup", file)
    assert again.exit_code == 1
    assert again.stderr.startswith(f"Error: {file} is there already")


def test_a_directory_names_and_keeps(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is kept is said; of a file there is nothing to keep."""
    made = []
    for day in (1, 2):
        monkeypatch.setattr(files, "stamp", lambda day=day: f"2026120{day}T030000Z")
        done = typed(data, "backup", tmp_path, "--keep", "1", "--zstd", "--json")
        assert done.exit_code == 0, done.output
        made.append(json.loads(done.stdout))
    first, second = made
    assert first["removed"] == []
    assert second["removed"] == [first["file"]]
    assert Path(second["file"]).stat().st_size == second["bytes"]
    done = typed(data, "backup", tmp_path / "copy", "--keep", "1")
    assert (done.exit_code, (tmp_path / "copy").exists()) == (2, False)
    assert "--keep needs the directory of the backups" in done.stderr


def test_a_note_that_cannot_be_left_is_told(data: Path, tmp_path: Path) -> None:
    """The backup is one all the same."""
    (data / files.BACKUP).mkdir()
    done = typed(data, "backup", tmp_path / "copy")
    assert done.exit_code == 0
    assert "note: it is not noted down" in done.stderr
    assert (tmp_path / "copy").exists()


def test_a_bar_is_for_a_terminal(data: Path, tmp_path: Path) -> None:
    """One for each thing that is done; standard output stays for programs."""
    command = [sys.executable, "-m", "chatd", "backup", "--data", str(data)]
    near, far = pty.openpty()
    done = subprocess.run(
        [*command, str(tmp_path / "copy"), "--zstd", "--json"],
        stdout=subprocess.PIPE,
        stderr=far,
        check=True,
    )
    os.close(far)
    shown = os.read(near, 65536).decode()
    os.close(near)
    assert json.loads(done.stdout)["bytes"] > 0
    for what in ("checking", "compressing"):
        assert what in shown
    assert shown.count("100%") >= 2


def test_a_restore_says_what_is_where(data: Path, tmp_path: Path) -> None:
    """For people and for programs; a file that is not there is named."""
    assert typed(data, "backup", tmp_path / "copy").exit_code == 0
    typed(data, "user", "add", "bob", given="correct horse\n")
    done = typed(data, "restore", tmp_path / "copy")
    assert done.exit_code == 0, done.output
    (replaced,) = data.glob("chatd.replaced-*")
    assert done.stdout == (
        f"{data / 'chatd.db'} is what {tmp_path / 'copy'} has;"
        f" what was there is in {replaced}\n"
    )
    assert people(data) == ["ann"]
    done = typed(data, "restore", replaced / "chatd.db", "--json")
    assert json.loads(done.stdout).keys() == {"file", "schema", "replaced"}
    assert people(data) == ["ann", "bob"]
    done = typed(data, "restore", tmp_path / "none")
    assert (done.exit_code, done.stderr) == (
        1,
        f"Error: {tmp_path / 'none'}: no such file\n",
    )


@pytest.mark.parametrize(
    ("socket", "state", "refused"),
    [
        ("active", "data", True),
        ("active", "other data", True),
        ("active", "", True),
        ("active", "other", False),
        ("inactive", "data", False),
    ],
)
def test_a_socket_that_would_start_the_daemon_is_stopped_first(
    data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    socket: str,
    state: str,
    refused: bool,
) -> None:
    """Where it would start it on this very directory, or nobody can tell."""
    systemctl = tmp_path / "systemctl"
    systemctl.write_text(
        '#!/bin/sh\ncase "$*" in\n'
        f'"show chatd.socket -p ActiveState --value") echo "{socket}";;\n'
        f'"show chatd.service -p StateDirectory --value") echo "{state}";;\n'
        "*) exit 1;;\nesac\n"
    )
    systemctl.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(activation, "SYSTEMD", tmp_path)
    monkeypatch.setattr(activation, "STATE", tmp_path)
    typed(data, "backup", tmp_path / "copy")
    done = typed(data, "restore", tmp_path / "copy")
    assert done.exit_code == int(refused), done.output
    assert ("systemctl stop chatd.socket chatd.service" in done.stderr) is refused
    monkeypatch.setattr(activation, "SYSTEMD", tmp_path / "none")
    assert typed(data, "restore", tmp_path / "copy").exit_code == 0
