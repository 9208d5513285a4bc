"""Where the admin socket is, and what is told of the process."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

import pytest

from chatd.config.values import TcpAddress
from chatd.daemon.admin import DaemonProcess, open_socket
from chatd.daemon.levels import Levels
from chatd.errors import ConfigError
from chatd.store.sqlite.files import BackupNote, write_backup_note
from chatd.wire.operator import BackupShown

HERE = TcpAddress("127.0.0.1", 8765)


def test_the_socket_is_in_the_data_directory(tmp_path: Path) -> None:
    """For its owner alone; it goes with the daemon."""
    listening = open_socket(tmp_path, {})
    path = tmp_path / "admin.sock"
    assert stat.S_IMODE(path.lstat().st_mode) == 0o600
    assert path.is_socket()
    listening.close()
    assert not path.exists()


def test_systemd_may_name_another_place_to_which_a_link_leads(tmp_path: Path) -> None:
    """The first of its directories; what is left in the data directory goes."""
    data, runtime = tmp_path / "data", tmp_path / "run"
    data.mkdir()
    runtime.mkdir()
    open_socket(data, {}).sock.close()
    environ = {"RUNTIME_DIRECTORY": f"{runtime}:/elsewhere"}
    for _ in range(2):
        listening = open_socket(data, environ)
        assert (data / "admin.sock").readlink() == runtime / "admin.sock"
        assert (runtime / "admin.sock").is_socket()
        listening.sock.close()
    listening = open_socket(data, {})
    assert not (data / "admin.sock").is_symlink()
    listening.close()


def test_what_cannot_be_made_is_said(tmp_path: Path) -> None:
    """With its path and its reason, and so is one that is another daemon's."""
    with pytest.raises(ConfigError) as error:
        open_socket(tmp_path, {"RUNTIME_DIRECTORY": str(tmp_path / "none")})
    path = tmp_path / "none" / "admin.sock"
    assert error.value.problems == [
        f"the admin socket {path}: No such file or directory"
    ]
    ours = open_socket(tmp_path, {})
    with pytest.raises(ConfigError, match="another process listens there"):
        open_socket(tmp_path, {})
    ours.close()


def test_facts_are_those_of_the_moment(tmp_path: Path) -> None:
    """The file as it was read, and whether it says something else by now."""
    file = tmp_path / "chatd.toml"
    file.write_text("# nothing\n")
    (tmp_path / "chatd.db").write_bytes(b"x" * 10)
    facts = DaemonProcess(5, tmp_path, file, [HERE], [], Levels("info")).facts
    found = facts()
    assert (found.pid, found.started) == (os.getpid(), 5)
    assert (found.listening, found.metrics) == (["127.0.0.1:8765"], [])
    assert (found.store.bytes, found.store.directory) == (10, str(tmp_path))
    assert found.store.free_bytes > 0
    assert found.store.backup is None
    digest = hashlib.sha256(b"# nothing\n").hexdigest()
    assert (found.config.digest, found.config.file) == (digest, str(file))
    assert not found.config.changed
    (tmp_path / "chatd.db-wal").write_bytes(b"x" * 5)
    file.write_text("# something\n")
    write_backup_note(tmp_path, BackupNote(7, "/mnt/copy", 9))
    found = facts()
    assert found.store.backup == BackupShown(7, "/mnt/copy", 9)
    assert (found.store.bytes, found.config.changed) == (15, True)
    assert found.config.digest == digest
    file.unlink()
    assert facts().config.changed


def test_without_a_file_nothing_changes(tmp_path: Path) -> None:
    """There is none to name."""
    found = DaemonProcess(5, tmp_path, None, [], [], Levels("info")).facts().config
    assert (found.file, found.changed) == (None, False)
    assert found.digest == hashlib.sha256(b"").hexdigest()
