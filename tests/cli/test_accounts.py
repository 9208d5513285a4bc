"""`chatd user`, `token`, `export` and `erase` as typed; no daemon runs."""

from __future__ import annotations

import json
import os
import resource
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from chatd.cli import admin, main, operator
from chatd.core.drafts import OpenSession
from chatd.ids import session_tag
from chatd.store.sqlite import files, lock, offline
from chatd.store.sqlite.opening import LOCK_WAIT_S
from tests.cli.test_config import NO_SETTINGS
from tests.store.support import (
    ANN,
    BOB,
    DIRECT,
    LOBBY,
    T0,
    fill,
    one,
    say,
    session_id,
    sqlite,
)
from tests.terminal import run

PASSWORD = "correct horse\n"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A store with the account ann."""
    done = typed(tmp_path, "user", "add", "ann", given=PASSWORD)
    assert done.exit_code == 0, done.output
    return tmp_path


def typed(data: Path, *args: str, given: str = "") -> Result:
    """Type a command, with something on standard input."""
    return run(*args, "--data", str(data), given=given, env=NO_SETTINGS)


def lines(done: Result) -> list[dict[str, Any]]:
    """What was printed for a program."""
    assert done.exit_code == 0, done.output
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_accounts_are_shown_in_columns(data: Path) -> None:
    """Names in their spelling, roles, and what is special about them."""
    typed(data, "user", "add", "Bob", "--admin", given=PASSWORD)
    typed(data, "user", "add", "robot-4", "--bot")
    typed(data, "user", "ban", "bob", "--reason", "spam\x1b[2J")
    done = typed(data, "user", "list")
    rows = [line.split(maxsplit=4) for line in done.stdout.splitlines()]
    assert [row[:2] for row in rows] == [
        ["NAME", "ROLE"],
        ["ann", "user"],
        ["bob", "admin"],
        ["robot-4", "bot"],
    ]
    assert "banned: spam  " in done.stdout, "the escape was left out when it was kept"
    assert "no password" in done.stdout
    words = ["  ROLE", "  user", "  admin", "  bot"]
    printed = zip(done.stdout.splitlines(), words, strict=True)
    assert len({line.index(word) for line, word in printed}) == 1


@pytest.mark.parametrize("name", ["bob.", "bob_", "BOB-"])
def test_no_account_is_added_whose_name_ends_in_punctuation(
    data: Path, name: str
) -> None:
    """The operator is told before he is asked for a password."""
    done = typed(data, "user", "add", name)
    assert done.exit_code == 2
    assert "NAME: a new name does not end in punctuation" in done.output
    assert [row["name"] for row in lines(typed(data, "user", "list", "--json"))] == [
        "ann"
    ]


def test_accounts_are_listed_for_programs(data: Path) -> None:
    """One object a line; a ban that has lapsed is none."""
    typed(data, "user", "ban", "ann", "--for", "2h", "--reason", "spam")
    (ann,) = lines(typed(data, "user", "list", "--json"))
    assert ann["name"] == "ann"
    assert ann["has_password"]
    assert ann["ban"]["reason"] == "spam"
    assert ann["ban"]["until"].endswith("Z")
    typed(data, "user", "unban", "ann")
    (ann,) = lines(typed(data, "user", "list", "--json"))
    assert ann["ban"] is None
    assert not ann["erased"]


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("user", "password", "ann"), "ann has another password, and has to log in"),
        (("user", "role", "ann", "admin"), "ann is admin now"),
        (("user", "ban", "ANN"), "ann is banned\n"),
        (("user", "ban", "ann", "--for", "3d"), "ann is banned until 20"),
        (("user", "unban", "ann"), "ann was not banned"),
        (("user", "logout", "ann"), "ann has to log in again everywhere"),
        (("erase", "ann", "--yes"), "ann is erased: 0 messages emptied, 0 reactions"),
    ],
)
def test_what_was_done_is_said(data: Path, args: tuple[str, ...], said: str) -> None:
    """In one line, with status 0."""
    done = typed(data, *args, given=PASSWORD)
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith(said)


@pytest.mark.parametrize(
    ("args", "status", "said"),
    [
        (("user", "add", "ann"), 1, "the name is taken"),
        (("user", "add", "a b"), 2, "a name is 1 to 32 of"),
        (("user", "role", "ann", "god"), 2, "god"),
        (("user", "role", "bob", "bot"), 1, "there is no account bob"),
        (("user", "ban", "ann~x"), 2, "a name is 1 to 32 of"),
        (("user", "ban", "eve~aaaa"), 1, "there is no user eve~aaaa"),
        (("user", "ban", "ann", "--for", "3"), 2, '"3" is no duration'),
        (("user", "ban", "ann", "--for", "0d"), 2, '"0d" is no duration'),
        (("user", "ban", "ann", "--for", "4000d"), 2, "expected at most ten years"),
        (("user", "logout", "bob"), 1, "there is no user bob"),
        (("user", "ban", "ann", "--reason", "x" * 201), 2, "at most 200 characters"),
        (("token", "issue", "ann", "--name", "\udcff"), 2, "is no UTF-8"),
        (("user", "sessions", "bob"), 1, "there is no user bob"),
        (("token", "issue", "bob"), 1, "there is no account bob"),
        (("token", "issue", "ann", "--room", "a b"), 2, "a room name is"),
        (("user", "ban", "анна"), 2, '; with auth.names = "unicode", give -c FILE'),
        (("token", "issue", "ann", "--room", "чай"), 2, "give -c FILE"),
        (("token", "issue", "ann", "--only", "fly"), 2, '"fly" is no action'),
        (("token", "issue", "ann", "--only", "refresh"), 2, "is no action"),
        (("token", "issue", "ann", "--only", "sned"), 2, 'did you mean "send"?'),
        (("token", "revoke", "7"), 1, "there is no token 7"),
        (("token", "revoke", "x"), 2, "not a valid integer"),
        (("token", "issue", "ann", "--expires", "4000d"), 2, "at most ten years"),
        (("export", "bob"), 1, "there is no user bob"),
        (("erase", "bob", "--yes"), 1, "there is no user bob"),
        (("erase", "ann"), 2, "give --yes"),
    ],
)
def test_what_cannot_be_done_is_said(
    data: Path, args: tuple[str, ...], status: int, said: str
) -> None:
    """On standard error, with the reason in the status; nothing is changed."""
    before = lines(typed(data, "user", "list", "--json"))
    done = typed(data, *args, given=PASSWORD)
    assert done.exit_code == status, done.output
    assert said in done.stderr
    assert lines(typed(data, "user", "list", "--json")) == before


@pytest.mark.parametrize("password", ["short", "x" * 1025])
def test_a_password_has_a_length(data: Path, password: str) -> None:
    """65 (`EX_DATAERR`) for another one, of old accounts and new."""
    for args in (("user", "add", "bob"), ("user", "password", "ann")):
        done = typed(data, *args, given=password)
        assert done.exit_code == 65
        assert "8 to 1024" in done.stderr


def test_a_password_is_asked_for_twice_on_a_terminal(
    data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is not echoed, and one that cannot be is refused before it is repeated."""
    asked = []
    typing = ["short", "correct horse", "another horse", "correct horse"]
    typing.append(typing[-1])

    def prompt(text: str, **options: object) -> str:
        asked.append((text, options))
        return typing.pop(0)

    monkeypatch.setattr("click.prompt", prompt)
    monkeypatch.setattr("chatd.cli.accounts.sys.stdin", _Terminal())
    with pytest.raises(SystemExit) as ended:
        main(["user", "add", "bob", "--data", str(data)])
    assert ended.value.code == 0
    hidden = {"hide_input": True, "err": True}
    first, again = ("Password", hidden), ("Again", hidden)
    assert asked == [first, first, again, first, again]
    said = capsys.readouterr().err
    assert "8 to 1024 characters" in said
    assert "two different ones" in said


@pytest.mark.parametrize(
    ("args", "why"),
    [
        (("user", "add", "ann"), "is taken"),
        (("user", "password", "bob"), "there is no account bob"),
        (("erase", "bob"), "there is no user bob"),
    ],
)
def test_nobody_is_asked_for_what_cannot_be(
    data: Path, monkeypatch: pytest.MonkeyPatch, args: tuple[str, ...], why: str
) -> None:
    """The name is looked at first."""

    def ask(*_: object, **__: object) -> str:
        raise AssertionError("it was asked for")

    monkeypatch.setattr("click.prompt", ask)
    monkeypatch.setattr("click.confirm", ask)
    monkeypatch.setattr("chatd.cli.accounts._password", ask)
    done = typed(data, *args)
    assert done.exit_code == 1
    assert why in done.stderr


class _Terminal:
    @staticmethod
    def isatty() -> bool:
        return True


# --- sessions and tokens --------------------------------------------------------


async def test_sessions_are_shown(data: Path) -> None:
    """Connected or idle since when, and from which token."""
    async with sqlite(data) as store:
        opened = OpenSession(session_id("a"), ANN, None, T0, device="phone\x1b")
        await one(store, opened)
    (shown,) = lines(typed(data, "user", "sessions", "ann", "--json"))
    tag = session_tag(session_id("a"))
    assert shown == {
        "session": tag,
        "device": "phone\x1b",
        "created": "2026-09-21T14:13:20.000Z",
        "state": "connected",
        "idle_since": None,
        "token": None,
    }
    head, row = typed(data, "user", "sessions", "ann").stdout.splitlines()
    assert head.split() == [
        *("SESSION", "DEVICE", "CREATED", "STATE", "IDLE", "SINCE", "TOKEN"),
    ]
    at, device = "2026-09-21T14:13:20.000Z", "phone\N{REPLACEMENT CHARACTER}"
    assert row.split() == [tag, device, at, "connected", "-", "-"]


async def test_one_session_is_ended(data: Path) -> None:
    """By what it is called; another one goes on, and one that is none is told."""
    async with sqlite(data) as store:
        for word in "ab":
            await one(store, OpenSession(session_id(word), ANN, None, T0))
    first, second = (session_tag(session_id(word)) for word in "ab")
    done = typed(data, "user", "logout", "ann", "--session", first)
    assert done.stdout == f"session {first} of ann has ended\n"
    (left,) = lines(typed(data, "user", "sessions", "ann", "--json"))
    assert left["session"] == second
    again = typed(data, "user", "logout", "ann", "--session", first)
    assert (again.exit_code, again.stderr) == (
        1,
        f"Error: ann has no session {first}\n",
    )
    wrong = typed(data, "user", "logout", "ann", "--session", "phone")
    assert wrong.exit_code == 2
    assert "10 hexadecimal digits: see chatd user sessions" in wrong.stderr


def test_a_token_is_printed_once(data: Path) -> None:
    """The secret alone on standard output; its id on standard error."""
    done = typed(
        data, "token", "issue", "ann", "--name", "ci", "--expires", "30d",
        "--room", "Lobby", "--room", "dev", "--only", "create", "--only", "send",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    secret = done.stdout.strip()
    assert len(secret) == 43
    assert done.stderr == "this is token 1 of ann\n"
    (shown,) = lines(typed(data, "token", "list", "--json"))
    assert (shown["id"], shown["user"], shown["name"]) == (1, "ann", "ci")
    assert (shown["rooms"], shown["only"]) == (["dev", "lobby"], ["create", "send"])
    assert not shown["expired"]
    listed = typed(data, "token", "list", "ann").stdout
    assert "dev,lobby" in listed
    assert secret not in listed
    assert secret.encode() not in (data / files.DATABASE).read_bytes()
    done = typed(data, "token", "revoke", "1")
    assert done.stdout == "token 1 of ann is revoked\n"
    assert lines(typed(data, "token", "list", "--json")) == []


async def test_a_token_is_for_rooms_that_are_there(tmp_path: Path) -> None:
    """Or that the configuration makes, or that the token may make."""
    async with sqlite(tmp_path) as store:
        await fill(store)
    done = typed(tmp_path, "token", "issue", "ann", "--room", "lobyb")
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr == "Error: there is no room lobyb\n"
    for more in (("--room", "lobby"), ("--room", "new", "--only", "create")):
        assert typed(tmp_path, "token", "issue", "ann", *more).exit_code == 0
    shown = lines(typed(tmp_path, "token", "list", "--json"))
    assert [one["rooms"] for one in shown] == [["lobby"], ["new"]]


def test_a_token_that_is_over_is_marked(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For programs; people see when."""
    typed(data, "token", "issue", "ann", "--expires", "1s")
    later = operator.now() + 1000
    monkeypatch.setattr("chatd.cli.tokens.now", lambda: later)
    (shown,) = lines(typed(data, "token", "list", "--json"))
    assert shown["expired"]


# --- export and erase -----------------------------------------------------------


async def test_an_export_is_lines_of_json(tmp_path: Path) -> None:
    """In UTF-8, each with its type."""
    async with sqlite(tmp_path) as store:
        await fill(store)
        await one(store, say("grüß dich"))
    records = lines(typed(tmp_path, "export", "ann"))
    assert [record["type"] for record in records] == [
        "profile",
        "membership",
        "membership",
        "message",
    ]
    assert records[-1]["text"] == "grüß dich"
    assert records[-1]["room"] == LOBBY


async def test_what_others_wrote_to_somebody_is_asked_for(tmp_path: Path) -> None:
    """It is theirs, too."""
    async with sqlite(tmp_path) as store:
        await fill(store)
        await one(store, say("to ann", user=BOB, room=DIRECT))
    assert "to ann" not in typed(tmp_path, "export", "ann").stdout
    (received,) = lines(typed(tmp_path, "export", "ann", "--received"))[-1:]
    assert (received["type"], received["text"]) == ("received", "to ann")


async def test_an_export_is_made_before_it_is_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever its size; where there is no room for it nothing is printed."""
    monkeypatch.setattr("chatd.cli.privacy._MEMORY_BYTES", 1)
    async with sqlite(tmp_path) as store:
        await fill(store)
        await store.commit([say(f"message {n}") for n in range(2000)], T0)
    records = lines(typed(tmp_path, "export", "ann"))
    assert [r["text"] for r in records if r["type"] == "message"] == [
        f"message {n}" for n in range(2000)
    ]
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (65_536, most))
    try:
        done = typed(tmp_path, "export", "ann")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.endswith("File too large; TMPDIR may name another directory\n")


async def test_an_erasure_is_confirmed(tmp_path: Path) -> None:
    """Who says no, or nothing, has erased nobody; who was erased is not asked for."""
    async with sqlite(tmp_path) as store:
        await fill(store)
        await one(store, say("hi"))
    done = typed(tmp_path, "erase", "ann")
    assert done.exit_code == 2
    assert "nobody has answered: give --yes" in done.stderr
    assert "Erase ann for good, and all that he has written?" in done.stderr
    args = ("erase", "ann", "--messages", "reassign")
    done = typed(tmp_path, *args, given="n\n")
    assert done.exit_code == 1
    assert "for good; what he has written stays, and is nobody's?" in done.stderr
    assert lines(typed(tmp_path, "export", "ann"))
    done = typed(tmp_path, *args, given="y\n")
    assert done.exit_code == 0, done.output
    assert "the messages belong to erased~" in done.stdout
    assert typed(tmp_path, *args).stdout == "ann was erased before\n"
    (ann, *_) = lines(typed(tmp_path, "user", "list", "--json"))
    assert ann["erased"]
    assert ann["state"] == "erased"


def test_a_daemon_that_does_not_listen_yet_is_told_of(data: Path) -> None:
    """75 (`EX_TEMPFAIL`): nothing was done, and it is worth another try."""
    for serves, told in (
        (True, "is about to start or to stop; try again"),
        (False, f"by process {os.getpid()}: a command changes this data; wait for its"),
    ):
        with lock.locked(data, serves=serves):
            for args in (("user", "logout", "ann"), ("erase", "ann", "--yes")):
                done = typed(data, *args)
                assert done.exit_code == 75
                assert told in done.stderr


async def test_an_erasure_does_not_keep_the_daemon_from_its_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It lets go of the data after a while, says so (75), and goes on when asked."""
    async with sqlite(tmp_path) as store:
        await fill(store)
        await store.commit([say(f"walrus {n}") for n in range(2_000)], T0)
    with monkeypatch.context() as patch:
        patch.setattr(admin, "ERASURE_HOLD_S", 0.0)
        done = typed(tmp_path, "erase", "ann", "--yes")
    assert done.exit_code == 75, done.output
    assert "ann is nobody any more, and " in done.stderr
    assert "start the daemon, which does the rest, or type this again" in done.stderr
    assert not lock.is_served(tmp_path)
    assert admin.ERASURE_HOLD_S < LOCK_WAIT_S
    done = typed(tmp_path, "erase", "ann")
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("ann is erased: 2000 messages emptied")


def test_a_reader_that_keeps_the_log_is_told_of(data: Path) -> None:
    """The texts are in the log until it is used again."""
    with offline.reading(data) as db:
        db.execute("SELECT count(*) FROM user").fetchall()
        done = typed(data, "erase", "ann", "--yes")
    assert done.exit_code == 0, done.output
    assert "its write-ahead log may have the texts" in done.stderr


async def test_what_was_done_is_told_to_programs(tmp_path: Path) -> None:
    """One object each, and nothing else on standard output."""
    async with sqlite(tmp_path) as store:
        await fill(store)
        await one(store, OpenSession(session_id("s"), ANN, None, T0))
        await one(store, OpenSession(session_id("t"), ANN, None, T0))
    tag = session_tag(session_id("s"))
    for words, told in (
        (("user", "add", "dan", "--admin"), {"user": "dan", "role": "admin"}),
        (("user", "password", "dan"), {"user": "dan"}),
        (("user", "role", "dan", "bot"), {"user": "dan", "role": "bot"}),
        (("user", "ban", "dan", "--reason", "spam"), {"until": None, "reason": "spam"}),
        (("user", "unban", "dan"), {"user": "dan", "was_banned": True}),
        (("user", "unban", "dan"), {"user": "dan", "was_banned": False}),
        (("user", "logout", "ann", "--session", tag), {"user": "ann", "session": tag}),
        (("user", "logout", "ann"), {"user": "ann", "session": None}),
        (("token", "issue", "ann"), {"id": 1, "user": "ann", "expires": None}),
        (("token", "revoke", "1"), {"id": 1, "user": "ann"}),
        (("invite", "--room", "lobby"), {"id": 1, "uses": 1, "room": "lobby"}),
        (("invite", "revoke", "1"), {"id": 1}),
        (("erase", "dan"), {"user": "dan", "was_erased": False, "messages": 0}),
        (("erase", "dan"), {"user": "dan", "was_erased": True}),
    ):
        given = "y\n" if words[0] == "erase" else PASSWORD
        (found,) = lines(typed(tmp_path, *words, "--json", given=given))
        assert told.items() <= found.items(), words
    (found,) = lines(typed(tmp_path, "token", "issue", "ann", "--json"))
    assert len(found["secret"]) == 43
    (found,) = lines(typed(tmp_path, "invite", "--json"))
    assert "#" in found["link"]
