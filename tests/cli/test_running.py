"""`chatd status`, `who` and `kick` as typed, where no daemon answers."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from chatd.cli import admin, main, running
from chatd.daemon.admin import open_socket
from chatd.store.sqlite import lock
from tests.cli.test_config import NO_SETTINGS

COMMANDS = (
    ["status"],
    ["who"],
    ["who", "ann"],
    ["kick", "ann"],
    ["kick", "ann", "--room", "tea"],
    ["status", "--json"],
    ["audit", "ann", "--operator"],
    ["room", "create", "tea"],
    ["room", "set", "tea", "--slow-s", "5"],
    ["room", "archive", "tea", "--undo"],
)


def typed(data: Path, *args: str) -> Result:
    """Type a command."""
    return CliRunner().invoke(main, [*args, "--data", str(data)], env=NO_SETTINGS)


@pytest.mark.parametrize("args", COMMANDS)
def test_where_no_daemon_runs_that_is_said(tmp_path: Path, args: list[str]) -> None:
    """How to start it, with a status of its own; also where a killed one was."""
    for data in (tmp_path / "none", tmp_path):
        done = typed(data, *args)
        assert done.exit_code == os.EX_UNAVAILABLE
        assert f"no chatd serves {data}: start it" in done.stderr
    open_socket(tmp_path, {}).sock.close()
    assert typed(tmp_path, *args).exit_code == os.EX_UNAVAILABLE


def test_a_daemon_that_starts_is_waited_for(tmp_path: Path) -> None:
    """Its lock is there before its socket is."""
    with lock.locked(tmp_path, serves=True):
        done = typed(tmp_path, "status")
    assert done.exit_code == os.EX_TEMPFAIL
    assert "about to start or to stop; try again" in done.stderr


def test_a_daemon_that_does_not_answer_is_not_waited_for_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may later."""
    monkeypatch.setattr("chatd.client.dial.CONNECT_TIMEOUT_S", 0.01)
    listening = open_socket(tmp_path, {})
    done = typed(tmp_path, "status")
    listening.close()
    assert done.exit_code == os.EX_TEMPFAIL
    assert "the daemon has not answered; try again" in done.stderr


@pytest.mark.parametrize(
    ("code", "status"), [("forbidden", 77), ("unavailable", 75), ("no_user", 1)]
)
def test_a_refusal_has_a_status_by_its_kind(
    code: str, status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """And the daemon's own words."""
    with pytest.raises(SystemExit) as end:
        admin._refused({"type": "error", "code": code, "text": "so it is"})
    assert end.value.code == status
    assert capsys.readouterr().err == "Error: so it is\n"


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ([], "give NAME, or --connection NUMBER"),
        (["ann", "--connection", "3"], "give NAME, or --connection NUMBER"),
        (["ann", "--reason", "x"], "give --room ROOM"),
        (["--connection", "3", "--room", "tea"], "--room is for NAME"),
    ],
)
def test_it_is_said_whom_to_kick(tmp_path: Path, args: list[str], said: str) -> None:
    """Somebody, or one connection; a reason is told in a room."""
    done = typed(tmp_path, "kick", *args)
    assert done.exit_code == 2
    assert said in done.stderr


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["--by", "ann", "--operator"], "give --by USER or --operator"),
        (["--since", "400d"], "expected at most 365d"),
        (["--since", "soon"], "is no duration"),
    ],
)
def test_what_the_audit_cannot_be_asked(
    tmp_path: Path, args: list[str], said: str
) -> None:
    """Before anybody is asked."""
    done = typed(tmp_path, "audit", *args)
    assert done.exit_code == 2
    assert said in done.stderr


def test_each_node_is_a_line_that_says_what_is_not_well() -> None:
    """One that is silent, or behind; which one answers."""
    well = {"node": 3, "name": "one", "server": "chatd/0", "silent": 1.2}
    well |= {"connections": 4, "users_online": 2, "behind": 0.0, "here": True}
    ill = well | {"name": "two", "silent": 7.0, "behind": 2.0, "here": False}
    assert [running._node(one) for one in (well, ill)] == [
        "one (this one), chatd/0, number 3, 4 connections of 2 online",
        "two, chatd/0, number 3, 4 connections of 2 online, silent for 7 s, 2 s behind",
    ]
