"""Everything that there is of a user, and nothing of anybody else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs
import pytest
import trio

from chatd.core import drafts as d
from chatd.core.entities import Sanction
from chatd.core.settings import RoomSettings
from chatd.errors import Reject, StoreRefused
from chatd.ids import RoomName, UserName, session_tag
from chatd.store.sqlite import admin, tokens
from chatd.store.sqlite.export import export
from tests.store.support import (
    ANN,
    BOB,
    DIRECT,
    EPOCH,
    LOBBY,
    T0,
    delete,
    edit,
    fill,
    one,
    react,
    say,
    session_id,
    sqlite,
)

AT = "2026-09-21T14:13:20.000Z"


async def test_it_is_what_was_written(tmp_path: Path) -> None:
    """Profile, credentials without secrets, memberships, messages as they are now."""
    async with sqlite(tmp_path) as store:
        await store.load(T0)
        await fill(store)
        number = tokens.add_token(
            tmp_path, ANN, b"t" * 32, T0, T0, name="ci", scope='{"rooms":["lobby"]}'
        )
        await store.commit(
            [
                d.SetDisplay(ANN, "Ann"),
                d.SetPasswordHash(ANN, "$hash", None),
                d.OpenSession(session_id("a"), ANN, b"t" * 32, T0, device="phone"),
                d.OpenSession(
                    *(session_id("b"), ANN, None, T0 + 1),
                    expires=T0 + 9,
                    scope='{"rooms":["lobby"]}',
                ),
                d.SaveMarks({}, {session_id("a"): T0}),
                say("one", "cid-1"),
                say("bob's", user=BOB),
                edit(1, "uno"),
                react(1, "👍", user=BOB),
                react(1, "🎉"),
                react(2, "🎉"),
                react(2, "👎"),
                react(2, "👎", on=False),
                say("dead"),
                delete(9),
                say("re", reply_to=2),
                say("direct", room=DIRECT),
                say("back", room=DIRECT, user=BOB),
            ],
            T0,
        )
        records = list(export(tmp_path, ANN))
    message: dict[str, Any] = {"type": "message", "ts": AT}
    profile, *rest = records
    assert profile == {
        "type": "profile",
        "name": "ann",
        "display": "Ann",
        "role": "user",
        "created": AT,
    }
    assert rest == [
        {
            "type": "session",
            "session": session_tag(session_id("a")),
            "device": "phone",
            "created": AT,
            "idle_since": AT,
            "token": number,
            "expires": None,
            "scope": None,
        },
        {
            "type": "session",
            "session": session_tag(session_id("b")),
            "device": None,
            "created": "2026-09-21T14:13:20.001Z",
            "idle_since": None,
            "token": None,
            "expires": "2026-09-21T14:13:20.009Z",
            "scope": {"rooms": ["lobby"]},
        },
        {
            "type": "token",
            "id": number,
            "name": "ci",
            "scope": {"rooms": ["lobby"]},
            "created": AT,
            "expires": AT,
        },
        {"type": "membership", "room": DIRECT, "role": "owner", "read": 0},
        {"type": "membership", "room": LOBBY, "role": "owner", "read": 0},
        message | {"room": DIRECT, "seq": 1, "text": "direct"},
        message
        | {
            "room": LOBBY,
            "seq": 1,
            "text": "uno",
            "edited": True,
            "reactions": {"👍": ["bob"], "🎉": ["ann"]},
        },
        message | {"room": LOBBY, "seq": 9, "deleted": True},
        message | {"room": LOBBY, "seq": 11, "text": "re", "reply_to": 2},
        {"type": "reaction", "room": LOBBY, "of": 1, "emoji": "🎉", "ts": AT},
        {"type": "reaction", "room": LOBBY, "of": 2, "emoji": "🎉", "ts": AT},
    ]


async def test_it_shows_one_moment(tmp_path: Path) -> None:
    """What is said while it is taken is not in it, and nobody waits."""
    async with sqlite(tmp_path) as store:
        await store.load(T0)
        await fill(store)
        await store.commit([say(f"{n}") for n in range(50)], T0)
        records = export(tmp_path, ANN)
        first = next(records)
        with trio.fail_after(60):
            await one(store, say("late"))
            await one(store, edit(50, "late"))
        rest = list(records)
        assert first["type"] == "profile"
        texts = [record["text"] for record in rest if record["type"] == "message"]
        assert texts == [str(n) for n in range(50)]


async def test_what_was_hidden_from_somebody_is_not_in_it(tmp_path: Path) -> None:
    """The reactions on one's own messages are those that one sees."""
    async with sqlite(tmp_path) as store:
        await fill(store)
        hidden = attrs.evolve(react(1, "🎉", user=BOB), room=DIRECT)
        await store.commit([say("hi", room=DIRECT), d.SetBlock(ANN, BOB, on=True)], T0)
        await one(store, hidden)
    (message,) = [row for row in export(tmp_path, ANN) if row["type"] == "message"]
    assert "reactions" not in message
    (reaction,) = [row for row in export(tmp_path, BOB) if row["type"] == "reaction"]
    assert reaction["emoji"] == "🎉"


async def test_bans_invitations_blocks_and_tokens_are_in_it(tmp_path: Path) -> None:
    """With all that is kept of them."""
    admin.add_account(tmp_path, ANN, "$hash")
    admin.ban(tmp_path, ANN, Sanction(None, "spam"), T0)
    tokens.add_token(tmp_path, ANN, b"t" * 32, None, T0)
    async with sqlite(tmp_path) as store:
        await one(store, d.AddUser(BOB, "Bob", "user", None))
        for room in ("a", "b"):
            members = {BOB: "owner"}
            await one(
                store, d.CreateRoom(RoomName(room), EPOCH, RoomSettings(), members)
            )
        for room, change in (("a", "ban"), ("b", "mute"), ("b", "invite")):
            act = d.Moderate(RoomName(room), BOB, None, ANN, change, reason="spam")
            assert isinstance(await one(store, act), d.Committed)
        assert await one(store, d.SetBlock(ANN, BOB, on=True)) == d.Committed()
    profile, token, *rest = export(tmp_path, ANN)
    assert rest == [
        {"type": "ban", "room": "a", "until": None, "reason": "spam"},
        {"type": "mute", "room": "b", "until": None, "reason": "spam"},
        {
            "type": "invite",
            "room": "b",
            "from": "bob",
            "ts": AT,
            "closed_until": None,
        },
        {"type": "block", "user": "bob"},
    ]
    assert profile["ban"] == {"since": AT, "until": None, "reason": "spam"}
    assert (token["scope"], token["expires"]) == (None, None)


def test_who_is_not_there_is_refused(tmp_path: Path) -> None:
    """Nobody of this name, or no store at all."""
    with pytest.raises(StoreRefused, match="there is no store in"):
        next(export(tmp_path, ANN))
    admin.add_account(tmp_path, ANN, "$hash")
    with pytest.raises(Reject, match="there is no user bob"):
        next(export(tmp_path, UserName("bob")))
