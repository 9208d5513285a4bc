"""`chatd migrate` as typed; no daemon runs."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import chatd.store as moving_of
from chatd.cli import activation, main
from chatd.store.sqlite import files, lock
from tests.cli.test_config import NO_SETTINGS
from tests.postgresql import server


@pytest.fixture
def url() -> Iterator[str]:
    """A database in which nothing is."""
    yield server().create("typed")
    server().execute("DROP DATABASE typed WITH (FORCE)")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A store with the account ann."""
    data = tmp_path / "data"
    done = typed("user", "add", "ann", "--data", data, given=b"correct horse\n")
    assert done.exit_code == 0, done.output
    return data


def typed(*args: str | Path, given: bytes = b"", url: str = "") -> Result:
    """Type a command, perhaps where the store is in a database."""
    env = NO_SETTINGS | ({"CHATD_STORE__URL": url} if url else {})
    return CliRunner().invoke(main, [*map(str, args)], input=given, env=env)


def test_what_was_moved_is_used_from_there(
    data: Path, tmp_path: Path, url: str
) -> None:
    """It is said what has become of what, and what comes next; also for programs."""
    where = f"the database typed at {server().directory}"
    done = typed("migrate", "--data", data, "--to", url)
    assert done.exit_code == 0
    assert done.stderr.startswith(
        f"note: {data}/chatd.db still has all as it was, also"
    )
    assert re.sub(r"\d+ rows", "N rows", done.stdout) == (
        f"{where} has all N rows of {data}/chatd.db, compared; now set store.url to"
        " that URL, and start the daemon\n"
    )
    listed = typed("user", "list", "--json", "--data", data, url=url)
    assert json.loads(listed.stdout)["name"] == "ann"
    done = typed("user", "list", "--data", data)
    assert (done.exit_code, "was moved to the database typed" in done.stderr) == (78, 1)

    back = tmp_path / "back"
    done = typed("migrate", "--data", data, "--to", back, "--json", url=url)
    fields = json.loads(done.stdout)
    assert fields.pop("rows") > 3
    assert fields == {
        "from": where,
        "to": str(back / files.DATABASE),
        "replaced": None,
    }
    listed = typed("user", "list", "--json", "--data", back)
    assert json.loads(listed.stdout)["name"] == "ann"
    done = typed("migrate", "--data", data, "--to", back, url=url)
    assert done.stdout == (
        f"{back}/chatd.db has all of {where}: an earlier command has moved it; now"
        f" remove store.url, set store.path to {back}, and start the daemon\n"
    )


@pytest.mark.parametrize(
    ("target", "url", "why"),
    [
        ("elsewhere", "", "expects the URL of a database, such as postgresql://"),
        ("postgresql://x/y", "postgresql://x/y", "move it back with --to DIR"),
        ("postgresql://x:secret@y/z", "", "--to: must have no password"),
        ("postgresql://y/z?password=secret", "", "--to: must have no password"),
    ],
)
def test_it_goes_to_the_other_kind(
    tmp_path: Path, target: str, url: str, why: str
) -> None:
    """And is told so with what to type."""
    done = typed("migrate", "--data", tmp_path, "--to", target, url=url)
    assert done.exit_code == 2
    assert why in " ".join(done.stderr.split())


def test_a_status_says_of_which_kind_it_is(
    data: Path, tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """75: it may be done in a moment; 78: something is to be done before."""
    with lock.locked(data, serves=True):
        done = typed("migrate", "--data", data, "--to", url)
    assert done.exit_code == os.EX_TEMPFAIL
    assert done.stderr.startswith(f"Error: a daemon serves {data}: stop it")
    away = "postgresql:///x?host=/nonexistent"
    done = typed("migrate", "--data", data, "--to", away)
    assert done.exit_code == os.EX_TEMPFAIL
    assert done.stderr.startswith("Error: the database x at /nonexistent: cannot be re")
    done = typed("migrate", "--data", tmp_path / "none", "--to", url)
    assert done.exit_code == os.EX_CONFIG
    assert done.stderr.startswith(f"Error: there is no store in {tmp_path}/none: name")
    monkeypatch.delattr(moving_of, "moving")
    monkeypatch.setitem(sys.modules, "chatd.store.moving", None)
    done = typed("migrate", "--data", data, "--to", url)
    assert done.exit_code == os.EX_CONFIG
    assert "install chatd[postgres]" in done.stderr


def test_a_socket_would_start_a_daemon_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So nothing begins beside it."""
    monkeypatch.setattr(activation, "SYSTEMD", tmp_path)
    monkeypatch.setattr(activation, "_is_activated", lambda _: True)
    done = typed("migrate", "--data", tmp_path, "--to", "postgresql://x/y")
    assert done.exit_code == 1
    assert "systemctl stop chatd.socket chatd.service" in done.stderr
