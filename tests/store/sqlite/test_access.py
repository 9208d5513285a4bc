"""Who may not use a data directory is told why, whose it is, and what to type."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import apsw
import pytest

from chatd.errors import StoreRefused, StoreUnavailable
from chatd.store.sqlite.access import reason_of
from chatd.store.sqlite.faults import refusing
from chatd.store.sqlite.files import create_database
from tests.live.forks import PATIENCE_S, shared

NOBODY = 65534
IS_ROOT = os.geteuid() == 0


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory that every user can reach, which pytest's is not."""
    made = Path(tempfile.mkdtemp())
    made.chmod(0o755)
    try:
        yield made
    finally:
        shutil.rmtree(made)


@pytest.fixture
def data(place: Path) -> Path:
    """A store of the user who runs `chatd` below."""
    data = place / "data"
    data.mkdir(0o700)
    create_database(data, "0" * 32)
    (data / "chatd.id").touch(0o600)
    if IS_ROOT:
        for path in (data, *data.iterdir()):
            os.chown(path, NOBODY, NOBODY)
    return data


def serve(data: Path) -> tuple[int, str]:
    """Try to start the daemon, as nobody where this is root, whom nothing stops."""
    with tempfile.TemporaryFile("w+") as told:
        child = shared().start_child(
            ["--listen", "127.0.0.1:0", "--data", str(data)],
            told.fileno(),
            {},
            user=NOBODY if IS_ROOT else None,
        )
        status = child.wait(PATIENCE_S)
        child.stdout.close()
        told.seek(0)
        return status, told.read()


def state(data: Path) -> dict[str, bytes]:
    """What is in the files, but for the lock."""
    return {
        path.name: path.read_bytes()
        for path in data.iterdir()
        if path.is_file() and path.name != "chatd.lock"
    }


CLOSED: dict[str, Callable[[Path], None]] = {
    "{data} (mode 0000) is closed": lambda data: data.chmod(0),
    "{data} (mode 0500) is closed": lambda data: data.chmod(0o500),
    "{data}/chatd.db (mode 0000) is closed": lambda d: (d / "chatd.db").chmod(0),
    "{data}/chatd.db (mode 0400) is closed": lambda d: (d / "chatd.db").chmod(0o400),
    "{data}/chatd.id (mode 0000) is closed": lambda d: (d / "chatd.id").chmod(0),
}


@pytest.mark.parametrize("said", CLOSED)
def test_what_is_closed_is_named_with_the_cure(data: Path, said: str) -> None:
    """With 78, in a line without a traceback, and nothing is changed."""
    CLOSED[said](data)
    modes = {path: path.stat().st_mode for path in (data, data / "chatd.db")}
    status, told = serve(data)
    assert status == 78
    assert told.count("\n") == 1
    assert said.format(data=data) in told
    assert "; chmod u+rw" in told
    assert "report" not in told
    assert {path: path.stat().st_mode for path in modes} == modes


@pytest.mark.skipif(not IS_ROOT, reason="only root can give a file to another")
@pytest.mark.parametrize("name", ["", "chatd.db", "chatd.id", "chatd.lock"])
def test_what_is_another_users_is_named_with_its_owner(data: Path, name: str) -> None:
    """As when the superuser has copied a file there."""
    (data / "chatd.lock").touch(0o600)
    os.chown(data / "chatd.lock", NOBODY, NOBODY)
    path = data / name
    os.chown(path, 0, 0)
    before = state(data)
    status, told = serve(data)
    assert status == 78
    assert f"{path} (mode 0{'7' if path.is_dir() else '6'}00) belongs to root" in told
    assert f"; run it as that user, or: chown -R nobody {data}\n" in told
    assert state(data) == before


@pytest.mark.skipif(not IS_ROOT, reason="nothing in / is another's")
def test_a_place_that_cannot_be_made_says_how_to_make_it(place: Path) -> None:
    """And never to give away what is above it."""
    status, told = serve(place / "new" / "data")
    assert status == 78
    assert f"; set another store.path, or: install -d -m 700 -o nobody {place}" in told


def test_a_file_in_the_way_is_named(place: Path) -> None:
    """Whether it is the directory itself or one above it."""
    (place / "file").touch()
    for data in (place / "file", place / "file" / "data"):
        status, told = serve(data)
        assert (status, told.count("\n")) == (78, 1)
        assert f"{place / 'file'} is not a directory; move it away" in told


@pytest.mark.parametrize(
    "name", ["", "chatd.db", "chatd.lock", "chatd.id", "chatd.db-wal", "chatd.db-shm"]
)
def test_a_link_to_nothing_is_named(place: Path, data: Path, name: str) -> None:
    """As when a disk was not mounted: no new store takes the place of that on it."""
    path, away = data / name, place / "away"
    shutil.rmtree(path) if not name else path.unlink(missing_ok=True)
    path.symlink_to(away / "there")
    status, told = serve(data)
    assert (status, told.count("\n")) == (78, 1), told
    assert f"cannot be used: {path} leads to {away}/there, which is not there" in told
    assert path.is_symlink()
    assert not away.exists()
    if name:
        names = {"chatd.db", "chatd.id", "chatd.lock", name}
        assert {each.name for each in data.iterdir()} <= names


@pytest.mark.parametrize(
    "name", ["chatd.db", "chatd.id", "chatd.lock", "chatd.db-wal", "chatd.db-shm"]
)
def test_a_directory_in_the_place_of_a_file_is_named(data: Path, name: str) -> None:
    """Nothing that is in it is touched."""
    (data / name).unlink(missing_ok=True)
    (data / name / "within").mkdir(parents=True)
    if IS_ROOT:
        os.chown(data / name, NOBODY, NOBODY)
    status, told = serve(data)
    assert status == 78
    assert f"{data / name} is a directory, where a file should be" in told
    assert (data / name / "within").exists()


@pytest.mark.parametrize(
    ("number", "kind", "said"),
    [
        (errno.EROFS, StoreRefused, "is read-only; set a store.path"),
        (errno.EMFILE, StoreRefused, "raise LimitNOFILE"),
        (errno.ENOSPC, StoreUnavailable, "the disk is full"),
        (errno.EDQUOT, StoreUnavailable, "the disk is full"),
        (errno.ELOOP, StoreRefused, "cannot be opened: "),
    ],
)
def test_each_refusal_of_the_system_has_its_words(
    tmp_path: Path, number: int, kind: type[Exception], said: str
) -> None:
    """A full disk may be tried again; the rest waits for the operator."""
    error = OSError(number, os.strerror(number), str(tmp_path / "chatd.db"))
    with pytest.raises(kind, match=said), refusing(tmp_path):
        raise error
    assert said in reason_of(error, tmp_path)


@pytest.mark.parametrize(
    ("error", "kind", "said"),
    [
        (apsw.FullError(), StoreUnavailable, "the disk is full"),
        (apsw.BusyError(), StoreUnavailable, "another process is writing to it"),
        (apsw.CantOpenError("huh"), StoreRefused, "cannot be opened: huh"),
        (apsw.IOError("huh"), StoreRefused, r"cannot be read or written \(huh\)"),
        (apsw.Error("huh"), StoreRefused, "cannot be opened: huh"),
    ],
)
def test_each_refusal_of_sqlite_has_its_words(
    tmp_path: Path, error: Exception, kind: type[Exception], said: str
) -> None:
    """Also where nothing is found that would explain it."""
    with pytest.raises(kind, match=said), refusing(tmp_path / "chatd.db"):
        raise error


@pytest.mark.skipif(not IS_ROOT, reason="only root can mount")
def test_a_disk_without_space_may_be_tried_again(place: Path) -> None:
    """A new store and one that is there: 75, in a line, and nothing is overwritten."""
    mount = ("mount", "-t", "tmpfs", "-o", "size=64k,mode=777", "chatd-test", place)
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("this root may not mount")
    try:
        told = [serve(place / "data")]
        subprocess.run(("mount", "-o", "remount,size=800k", place), check=True)
        (place / "data" / "chatd.lock").unlink(missing_ok=True)
        create_database(place, "0" * 32)
        with (
            (place / "filler").open("wb", buffering=0) as filler,
            pytest.raises(OSError, match="No space"),
        ):
            while True:
                filler.write(bytes(4096))
        place.chmod(0o700)
        os.chown(place, NOBODY, NOBODY)
        os.chown(place / "chatd.db", NOBODY, NOBODY)
        before = (place / "chatd.db").read_bytes()
        told.append(serve(place))
        assert (place / "chatd.db").read_bytes() == before
        subprocess.run(("mount", "-o", "remount,ro", place), check=True)
        refused = serve(place)
    finally:
        subprocess.run(("umount", place), check=True)
    for status, line in told:
        assert (status, line.count("\n")) == (75, 1), line
        assert "the disk is full; free some space" in line
    assert refused[0] == 78
    assert "its file system is read-only; set a store.path" in refused[1]
