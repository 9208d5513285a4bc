"""`chatd invite` as it is typed; no daemon runs."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from chatd.cli import main
from chatd.cli.invite import WEEK_MS
from chatd.core import drafts as d
from chatd.enums import AccountRole
from chatd.ids import UserName
from chatd.store.sqlite import files, inviting
from tests.cli.test_accounts import lines, typed
from tests.cli.test_config import NO_SETTINGS
from tests.store.support import ANN, BOB, LOBBY, T0, fill, one, sqlite
from tests.store.test_entry import invitation

LINK = re.compile(r"http://127\.0\.0\.1:8765/#invite=([A-Za-z0-9_-]{43})\n")


def test_a_link_is_printed_once_and_its_digest_kept(tmp_path: Path) -> None:
    """For one, for a week, for a user; a place that is new is made by it."""
    done = typed(tmp_path, "invite")
    assert done.exit_code == 0, done.output
    found = LINK.fullmatch(done.stdout)
    assert found is not None, done.stdout
    (kept,) = inviting.invitations(tmp_path)
    assert (kept.number, kept.maker, kept.role, kept.room) == (1, None, "user", None)
    assert (kept.uses, kept.used) == (1, 0)
    assert kept.expires == kept.created + WEEK_MS
    files_there = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert hashlib.sha256(found[1].encode()).digest() in files_there
    assert found[1].encode() not in files_there
    assert "this is invitation 1, for 1, until " in done.stderr
    assert "server.public_url is not set" in done.stderr


def test_the_link_leads_where_people_reach_the_daemon(tmp_path: Path) -> None:
    """With the path of the public address; over TLS where the daemon speaks it."""
    for settings, start in (
        (
            'public_url = "https://example.org/chat/"',
            "https://example.org/chat/#invite=",
        ),
        ('listen = ["0.0.0.0:9"]', "http://127.0.0.1:9/#invite="),
        ('listen = ["unix:x", "[::1]:9"]', "http://[::1]:9/#invite="),
        ('listen = ["unix:x"]', "https://HOST/#invite="),
    ):
        file = tmp_path / "chatd.toml"
        file.write_text(f"[server]\n{settings}\n")
        done = typed(tmp_path, "invite", "-c", str(file))
        assert done.stdout.startswith(start), done.output


async def test_what_it_is_for_can_be_said(tmp_path: Path) -> None:
    """How many, how long, where, as what; a room by what it was called before, too."""
    async with sqlite(tmp_path) as store:
        await store.load(T0)
        await fill(store)
        await one(store, d.RenameRoom(LOBBY, ANN, None, LOBBY.replace("l", "h", 1)))  # type: ignore[arg-type]
    asked = ("--uses", "100", "--expires", "365d", "--room", "Lobby", "--role", "admin")
    assert typed(tmp_path, "invite", *asked).exit_code == 0
    (kept,) = inviting.invitations(tmp_path)
    assert (kept.uses, kept.room, kept.role) == (100, "hobby", "admin")
    assert kept.expires == kept.created + 365 * 86_400_000


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        (("--uses", "0"), "--uses"),
        (("--uses", "101"), "--uses"),
        (("--expires", "59s"), "1m to 365d"),
        (("--expires", "366d"), "1m to 365d"),
        (("--expires", "soon"), "is no duration"),
        (("--role", "bot"), "--role"),
        (("--room", "@ann,bob"), "direct conversation"),
        (("--room", "no room!"), "--room"),
    ],
)
def test_what_cannot_be_asked_for_is_said(
    tmp_path: Path, asked: tuple[str, ...], why: str
) -> None:
    """With the option that is wrong; nothing is made."""
    done = typed(tmp_path, "invite", *asked)
    assert done.exit_code == 2
    assert why in done.stderr
    assert files.find_database(tmp_path) is None


def test_there_is_no_way_into_a_room_that_is_none(tmp_path: Path) -> None:
    """It is refused, and no invitation is made."""
    done = typed(tmp_path, "invite", "--room", "nowhere")
    assert (done.exit_code, done.stderr) == (1, "Error: there is no room nowhere\n")
    assert inviting.invitations(tmp_path) == []


async def test_they_are_listed_and_taken_back(tmp_path: Path) -> None:
    """Those of users, too; in columns for people, with everything for programs."""
    async with sqlite(tmp_path) as store:
        await store.load(T0)
        await fill(store)
        await one(
            store, invitation(maker=BOB, room=LOBBY, uses=3, role=AccountRole.ADMIN)
        )
        account = d.AddUser(UserName("eve"), "eve", AccountRole.ADMIN, None)
        await one(store, d.Enroll(account, b"i" * 32, T0))
    typed(tmp_path, "invite")
    mine, bobs = lines(typed(tmp_path, "invite", "list", "--json"))
    assert (mine["id"], mine["from"], mine["state"]) == (2, None, "0 of 1 used")
    assert bobs == bobs | {
        "id": 1,
        "from": "bob",
        "state": "1 of 3 used, has ended",
        "uses": 3,
        "used": 1,
        "room": "lobby",
        "role": "admin",
        "users": ["eve"],
    }
    printed = typed(tmp_path, "invite", "list").stdout.splitlines()
    assert printed[0].split() == [
        *("ID", "FROM", "CREATED", "EXPIRES", "STATE", "ROOM", "ROLE", "USERS"),
    ]
    assert printed[2].endswith("eve")
    assert typed(tmp_path, "invite", "revoke", "1").stdout == (
        "invitation 1 is taken back\n"
    )
    done = typed(tmp_path, "invite", "revoke", "1")
    assert (done.exit_code, done.stderr) == (1, "Error: there is no invitation 1\n")
    assert [kept.number for kept in inviting.invitations(tmp_path)] == [2]


def test_a_terminal_shows_a_picture_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pipe gets the link alone."""
    drawn: list[str] = []
    monkeypatch.setattr("chatd.cli.invite.is_terminal", lambda: True)
    monkeypatch.setattr("chatd.cli.invite.draw", drawn.append)
    done = CliRunner().invoke(
        main, ["invite", "--data", str(tmp_path)], env=NO_SETTINGS
    )
    assert LINK.fullmatch(done.stdout) is not None
    assert drawn == [done.stdout.strip()]
