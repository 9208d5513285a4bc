"""`chatd room` and `chatd user show` as typed; whether a daemon runs is the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from chatd.cli import main
from chatd.core import drafts as d
from chatd.core.settings import RoomSettings
from chatd.enums import MemberChange, Role
from chatd.ids import Epoch, RoomName
from tests.cli.test_config import NO_SETTINGS
from tests.store.support import (
    ANN,
    BOB,
    CY,
    LOBBY,
    T0,
    add_token,
    execute,
    fill,
    one,
    say,
    session_id,
    sqlite,
)

DEN = RoomName("~ccfbni6c472bpykg")
CLOSED = RoomSettings(title="The den", archived=True)


@pytest.fixture
async def data(tmp_path: Path) -> Path:
    """A store with a lobby in which something has happened, and a private room."""
    async with sqlite(tmp_path) as store:
        await fill(store)
        await one(store, say("hi"))
        await one(
            store,
            d.CreateRoom(DEN, Epoch("1" * 16), CLOSED, {BOB: Role.OWNER}),
        )
        for user, change in ((CY, MemberChange.BAN), (BOB, MemberChange.MUTE)):
            act = d.Moderate(LOBBY, ANN, None, user, change, reason="noise\x1b[2J")
            await one(store, act)
        await one(store, d.OpenSession(session_id("s"), ANN, None, T0, device="phone"))
    add_token(tmp_path, ANN, b"t" * 32, name="ci")
    execute(tmp_path, d.BanUser(BOB, None, "spam", T0))
    return tmp_path


def typed(data: Path, *args: str) -> Result:
    """Type a command."""
    return CliRunner().invoke(main, [*args, "--data", str(data)], env=NO_SETTINGS)


def told(data: Path, *args: str) -> list[dict[str, Any]]:
    """What is told to a program."""
    done = typed(data, *args, "--json")
    assert done.exit_code == 0, done.output
    return [json.loads(line) for line in done.stdout.splitlines()]


async def test_rooms_are_listed_without_conversations(data: Path) -> None:
    """Private ones are, with what people call them."""
    lobby, den = told(data, "room", "list")
    assert (lobby["name"], lobby["members"], lobby["events"]) == (LOBBY, 2, 3)
    assert lobby["last"].startswith("20")
    assert (den["name"], den["title"], den["state"]) == (DEN, "The den", "archived")
    assert (den["members"], den["last"]) == (1, None)
    head, *rows = typed(data, "room", "list").stdout.splitlines()
    assert head.split() == ["NAME", "TITLE", "MEMBERS", "EVENTS", "LAST", "STATE"]
    assert len(rows) == 2


async def test_a_room_is_shown_with_who_is_in_it(data: Path) -> None:
    """Its settings, and who is kept out or silent, while that holds."""
    (lobby,) = told(data, "room", "show", "Lobby")
    assert (lobby["name"], lobby["declared"], lobby["head"]) == (LOBBY, True, 3)
    members = [(one["name"], one["role"]) for one in lobby["members"]]
    assert members == [("ann", "owner"), ("bob", "member")]
    (ban,), (mute,) = lobby["bans"], lobby["mutes"]
    assert (ban["name"], mute["name"]) == ("cy", "bob")
    assert ban["reason"].startswith("noise")
    said = typed(data, "room", "show", "lobby").stdout
    assert "\nbanned:\nNAME  UNTIL  REASON\ncy" in said
    assert "\x1b" not in said
    (den,) = told(data, "room", "show", DEN)
    assert (den["declared"], den["settings"]["title"]) == (False, "The den")
    done = typed(data, "room", "show", "nowhere")
    assert (done.exit_code, done.stderr) == (1, "Error: there is no room nowhere\n")


async def test_a_user_is_shown_with_what_he_has(data: Path) -> None:
    """Rooms, sessions and tokens, and nothing of their secrets."""
    (ann,) = told(data, "user", "show", "ann")
    assert (ann["name"], ann["role"], ann["banned"]) == ("ann", "user", False)
    assert {"room": LOBBY, "role": "owner"} in ann["rooms"]
    (session,), (token,) = ann["sessions"], ann["tokens"]
    assert (session["device"], token) == ("phone", {"id": 1, "name": "ci"})
    (bob,) = told(data, "user", "show", "bob")
    assert (bob["banned"], bob["ban_reason"]) == (True, "spam")
    assert (bob["sessions"], bob["has_password"]) == ([], False)
    said = typed(data, "user", "show", "ann").stdout
    assert "\nrooms:\n" in said
    assert "\ntokens:\nID  NAME\n 1  ci\n" in said
    done = typed(data, "user", "show", "nobody")
    assert (done.exit_code, done.stderr) == (1, "Error: there is no user nobody\n")


@pytest.mark.parametrize(
    ("args", "status", "said"),
    [
        (["set", LOBBY], 2, "say what to change"),
        (["delete", LOBBY], 2, "nobody has answered: give --yes"),
        (["delete", "tee"], 1, "there is no room tee"),
        (["create", "a b"], 2, "Invalid value for NAME"),
    ],
)
async def test_what_changes_rooms_is_said_whole(
    data: Path, args: list[str], status: int, said: str
) -> None:
    """Whether there is such a room is known before one is asked."""
    done = typed(data, "room", *args)
    assert done.exit_code == status
    assert said in done.stderr
