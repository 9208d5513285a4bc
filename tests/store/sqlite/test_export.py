"""Everything that there is of a user, and nothing that others keep from him."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs
import pytest
import trio

from chatd.core import drafts as d
from chatd.core.mentions import Mentions
from chatd.core.settings import RoomSettings
from chatd.enums import AccountRole, Level, MemberChange, Role
from chatd.errors import Reject, StoreRefused
from chatd.ids import Cid, RoomName, Seq, UserName, session_tag
from chatd.store.sqlite.export import export
from tests.store.support import (
    ANN,
    BOB,
    CY,
    DIRECT,
    EPOCH,
    LOBBY,
    STORED,
    T0,
    add_account,
    add_token,
    delete,
    edit,
    execute,
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
        token = d.AddToken(ANN, b"t" * 32, "ci", '{"rooms":["lobby"]}', T0, T0)
        issued = await one(store, token)
        assert isinstance(issued, d.Issued)
        number = issued.number
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
                d.SetLevel(LOBBY, ANN, Level.NOTHING),
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
    place: dict[str, Any] = {"type": "membership", "role": "owner"}
    place |= {"read": 0, "first": 1}
    message: dict[str, Any] = {"type": "message", "ts": AT}
    profile, *rest = records
    assert profile == {
        "type": "profile",
        "name": "ann",
        "display": "Ann",
        "role": "user",
        "created": AT,
        "password": True,
    }
    assert rest[:-7] == [
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
        place | {"room": DIRECT, "level": "all"},
        place | {"room": LOBBY, "level": "nothing"},
        message | {"room": DIRECT, "seq": 1, "text": "direct"},
        message
        | {
            "room": LOBBY,
            "seq": 1,
            "cid": "cid-1",
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
    add_account(tmp_path, ANN, "$hash")
    execute(tmp_path, d.BanUser(ANN, None, "spam", T0))
    add_token(tmp_path, ANN, b"t" * 32)
    async with sqlite(tmp_path) as store:
        await one(store, d.AddUser(BOB, "Bob", AccountRole.USER, None))
        for room in ("a", "b"):
            members = {BOB: Role.OWNER}
            await one(
                store, d.CreateRoom(RoomName(room), EPOCH, RoomSettings(), members)
            )
        for room, change in (("a", "ban"), ("b", "mute"), ("b", "invite")):
            act = d.Moderate(
                RoomName(room), BOB, None, ANN, MemberChange(change), reason="spam"
            )
            assert isinstance(await one(store, act), d.Committed)
        assert await one(store, d.SetBlock(ANN, BOB, on=True)) == STORED
    profile, token, *rest = export(tmp_path, ANN)
    assert rest[:4] == [
        {"type": "ban", "room": "a", "until": None, "reason": "spam"},
        {"type": "mute", "room": "b", "until": None, "reason": "spam"},
        {
            "type": "invite",
            "room": "b",
            "from": "bob",
            "user": "ann",
            "ts": AT,
            "closed_until": None,
        },
        {"type": "block", "user": "bob"},
    ]
    assert [(act["change"], act["reason"]) for act in rest[4:]] == [
        ("ban", "spam"),
        ("mute", "spam"),
        ("invite", "spam"),
    ]
    assert profile["ban"] == {"since": AT, "until": None, "reason": "spam"}
    assert (token["scope"], token["expires"]) == (None, None)
    profile, *rest = export(tmp_path, BOB)
    assert [row["type"] for row in rest if row["type"] != "member"] == [
        "membership",
        "membership",
        "invite",
    ], "neither who blocks him, nor the sanctions of others"
    assert [act["user"] for act in rest if act["type"] == "member"] == ["ann"] * 3


async def test_what_he_did_is_in_it(tmp_path: Path) -> None:
    """Edits, deletions, reactions that are gone, acts with their reasons, topics."""
    async with sqlite(tmp_path) as store:
        await fill(store)
        await store.commit(
            [
                say("one", "c1"),
                edit(1, "uno"),
                react(1, "👍"),
                react(1, "👍", on=False),
                say("bob's", user=BOB),
                attrs.evolve(delete(5), moderates=True),
                d.Moderate(
                    LOBBY, ANN, None, BOB, MemberChange.BAN, seconds=60, reason="noise"
                ),
                d.SetRoom(LOBBY, ANN, None, {"topic": "tea", "slow_s": 5}),
                d.SetRoom(LOBBY, BOB, None, {"topic": "coffee"}),
                d.CreateRoom(
                    RoomName("den"),
                    EPOCH,
                    RoomSettings(),
                    {ANN: Role.OWNER},
                    cid=Cid("c2"),
                ),
            ],
            T0,
        )
    acts = [row for row in export(tmp_path, ANN) if "from" in row]
    assert {act.pop("from") for act in acts} == {"ann"}
    assert {act.pop("room") for act in acts} == {LOBBY}
    assert {act.pop("ts") for act in acts} == {AT}
    kicked = {"until": "2026-09-21T14:14:20.000Z", "reason": "noise"}
    assert acts == [
        {"type": "edit", "seq": 2, "of": 1},
        {"type": "react", "seq": 3, "of": 1, "emoji": "👍", "on": True},
        {"type": "react", "seq": 4, "of": 1, "emoji": "👍", "on": False},
        {"type": "delete", "seq": 6, "of": 5},
        {"type": "member", "seq": 7, "user": "bob", "change": "ban"} | kicked,
        {"type": "room", "seq": 8, "topic": "tea", "slow_s": 5},
    ]
    (of_bob,) = [row for row in export(tmp_path, BOB) if row["type"] == "member"]
    assert (of_bob["from"], of_bob["reason"]) == ("ann", "noise")
    kept = [row for row in export(tmp_path, ANN) if row["type"] in {"cid", "creation"}]
    use = {"room": LOBBY, "cid": "c1", "seq": 1, "ts": AT, "unreached": []}
    assert kept == [
        {"type": "cid"} | use,
        {"type": "creation", "room": "den", "cid": "c2", "ts": AT},
    ]


async def test_where_he_is_addressed_is_in_it(tmp_path: Path) -> None:
    """Also what an edit took out; not in what a block keeps from him."""
    ann, cy = (Mentions((name,), everybody=False) for name in (ANN, CY))
    async with sqlite(tmp_path) as store:
        await fill(store)
        await store.commit(
            [
                d.NewMessage(LOBBY, BOB, None, "@ann", None, ann),
                d.NewMessage(LOBBY, BOB, None, "@ann", None, ann),
                d.EditMessage(LOBBY, BOB, None, Seq(2), "cy"),
                d.NewMessage(LOBBY, ANN, Cid("c"), "@cy", None, cy),
                d.NewMessage(DIRECT, BOB, None, "@ann", None, ann),
                d.SetBlock(ANN, BOB, on=True),
                d.NewMessage(DIRECT, BOB, None, "@ann!", None, ann),
            ],
            T0,
        )
    mentions = [row for row in export(tmp_path, ANN) if row["type"] == "mention"]
    assert [(m["room"], m["of"], m["seq"], m["on"]) for m in mentions] == [
        (DIRECT, 1, 1, True),
        (LOBBY, 1, 1, True),
        (LOBBY, 2, 2, False),
    ]


async def test_what_he_received_is_in_it_where_that_is_wanted(tmp_path: Path) -> None:
    """From direct conversations alone, as he sees it; marked, and behind the rest."""
    private = RoomName("~private")
    async with sqlite(tmp_path) as store:
        await fill(store)
        members = {ANN: Role.MEMBER, BOB: Role.OWNER}
        await store.commit(
            [
                d.CreateRoom(private, EPOCH, RoomSettings(), members),
                say("to all", user=BOB),
                say("to few", user=BOB, room=private),
                say("to ann", user=BOB, room=DIRECT),
                say("to bob", room=DIRECT),
                say("again", user=BOB, room=DIRECT, reply_to=2),
                attrs.evolve(react(3, "👍"), room=DIRECT),
                say("wrong", user=BOB, room=DIRECT),
                attrs.evolve(delete(5, user=BOB), room=DIRECT),
                d.SetBlock(ANN, BOB, on=True),
                say("hidden", user=BOB, room=DIRECT),
                attrs.evolve(react(3, "🎉", user=BOB), room=DIRECT),
            ],
            T0,
        )
    plain, all_of_it = (
        list(export(tmp_path, ANN, received=wanted)) for wanted in (False, True)
    )
    assert all_of_it[: len(plain)] == plain
    received = all_of_it[len(plain) :]
    head = {"type": "received", "room": DIRECT, "ts": AT, "from": "bob"}
    assert received == [
        head | {"seq": 1, "text": "to ann"},
        head | {"seq": 3, "text": "again", "reply_to": 2, "reactions": {"👍": ["ann"]}},
        head | {"seq": 5, "deleted": True},
    ]
    (hidden,) = [row for row in export(tmp_path, BOB) if row.get("text") == "hidden"]
    assert hidden.keys() == {"type", "room", "seq", "ts", "text"}, "he is not told"


def test_who_is_not_there_is_refused(tmp_path: Path) -> None:
    """Nobody of this name, or no store at all."""
    with pytest.raises(StoreRefused, match="there is no store in"):
        next(export(tmp_path, ANN))
    add_account(tmp_path, ANN, "$hash")
    with pytest.raises(Reject, match="there is no user bob"):
        next(export(tmp_path, UserName("bob")))
