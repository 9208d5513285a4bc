"""Searching, asked of the whole program."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import trio

from tests.live.daemon import Frame, Person, person, running
from tests.live.test_conversation import add_account

NASTY = (
    '"',
    '""',
    "*",
    "AND",
    "NEAR(tea x, 3)",
    "text:tea",
    "tags:r1",
    "{text} : tea",
    "-tea ^tea",
    "tea\0tea",
    "👍",
    "before:",
    "from:' OR 1=1 --",
    "tea " * 1000,
    "(" * 4000,
    "天気",
)


async def login(who: Person, name: str, *rooms: str) -> None:
    """Say hello as an account, and join rooms."""
    await who.hello(name=name, password="correct horse")
    for room in rooms:
        await who.ask(type="join", room=room)


async def search(who: Person, query: str, **fields: Any) -> list[tuple[str, int]]:
    """Where a search's results are."""
    page = await who.ask(type="search", query=query, **fields)
    assert page["type"] == "ok", page
    return [(entry["room"], entry["seq"]) for entry in page["messages"]]


async def say(who: Person, room: str, text: str) -> Frame:
    """Send a message, and wait until it is on disk."""
    return await who.ask(type="send", room=room, text=text)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data directory with three accounts."""
    for name in ("ann", "bob", "cy"):
        add_account(tmp_path / "data", name, "correct horse")
    return tmp_path / "data"


async def test_people_find_what_they_may_read(data: Path) -> None:
    """Their own and others' words of today, in their rooms, also after a restart."""
    async with (
        running(data) as daemon,
        person(daemon.url) as ann,
        person(daemon.url) as bob,
        person(daemon.url) as cy,
    ):
        await login(ann, "ann", "lobby", "den")
        await login(bob, "bob", "lobby", "den")
        await login(cy, "cy", "lobby")
        await say(ann, "lobby", "who wants tea?")
        await say(bob, "lobby", "green tea, tea!")
        secret = await say(ann, "den", "the tea is gone")
        await ann.ask(type="send", to="bob", text="psst: tea")
        everywhere = [("lobby", 2), ("@ann,bob", 1), ("den", secret["seq"])]
        assert (await search(bob, "TEA"))[0] == ("lobby", 2)
        assert sorted(await search(bob, "TEA")) == sorted([*everywhere, ("lobby", 1)])
        assert await search(cy, "tea") == [("lobby", 2), ("lobby", 1)]
        assert await search(cy, "gone") == await search(cy, "psst") == []
        assert await search(bob, '"green tea" from:bob') == [("lobby", 2)]
        assert await search(bob, "want*", room="lobby") == [("lobby", 1)]
        for room in ("den", "@ann,bob", "nowhere"):
            there = await cy.ask(type="search", query=f"tea in:{room}")
            assert there["code"] == ("not_member" if room == "den" else "no_room")
        await ann.ask(type="edit", room="lobby", of=1, text="who wants coffee?")
        await ann.ask(type="delete", room="den", of=secret["seq"])
        assert sorted(await search(bob, "tea")) == [("@ann,bob", 1), ("lobby", 2)]
        assert await search(bob, "coffee") == [("lobby", 1)]
        await bob.ask(type="leave", room="lobby")
        assert await search(bob, "tea") == [("@ann,bob", 1)]
    async with running(data) as daemon, person(daemon.url) as ann:
        await login(ann, "ann")
        assert sorted(await search(ann, "tea")) == [("@ann,bob", 1), ("lobby", 2)]
        assert await search(ann, "wants after:2026-01-01 in:lobby") == [("lobby", 1)]


async def test_words_are_found_in_any_script(data: Path) -> None:
    """However they are written there and here; also after an edit and a restart."""
    said = [
        "\ud68c\uc758\ub85d 보내요",
        "ΟΔΟΣ Ερμού",
        "ёлка и йогурт",
        "Straße",
        "שָׁלוֹם לכולם",
        "السَّلام على مُحَمَّد",
        "ＦＵＬＬ ﾀﾜｰ",
        "Fuß\u00adball in Łódź",
    ]
    sought = {
        "\u1112\u116c\u110b\u1174\u1105\u1169\u11a8": 1,
        "의록": 1,
        "οδός": 2,
        "елка": 3,
        "и\u0306огурт": 3,
        "STRASSE": 4,
        "「שלום לכולם」": 5,
        "محمد": 6,
        "«full タワー»": 7,
        "fussb＊ lodz": 8,
    }
    async with running(data) as daemon, person(daemon.url) as ann:
        await login(ann, "ann", "lobby")
        for text in said:
            await say(ann, "lobby", text)
        for query, seq in sought.items():
            assert await search(ann, query) == [("lobby", seq)], query
        page = await ann.ask(type="search", query="fussball")
        (found,) = page["messages"]
        ((start, end),) = found["hits"]
        assert found["snippet"][start:end] == "Fuß\u00adball"
        await ann.ask(type="edit", room="lobby", of=4, text="Gaſſe")
        assert await search(ann, "strasse") == []
        assert await search(ann, "GASSE") == [("lobby", 4)]
    async with running(data) as daemon, person(daemon.url) as ann:
        await login(ann, "ann")
        assert await search(ann, "gasse") == [("lobby", 4)]
        assert await search(ann, "회의") == [("lobby", 1)]


async def test_no_text_breaks_a_search(data: Path) -> None:
    """Each is answered, and nothing but the answer comes of it."""
    async with running(data) as daemon, person(daemon.url) as ann:
        await login(ann, "ann", "lobby")
        await say(ann, "lobby", "tea")
        for query in NASTY:
            reply = await ann.ask(type="search", query=query)
            if reply["type"] == "error":
                assert (reply["code"], reply["field"]) == ("bad_field", "query")
        assert await search(ann, "tea") == [("lobby", 1)]
        log = daemon.log_text()
        assert "connection_bug" not in log
        assert "Traceback" not in log


async def test_what_was_acknowledged_is_found_while_others_write(data: Path) -> None:
    """The index is behind; the search is not. Pages have each message once."""
    async with (
        running(data, env={"CHATD_LIMITS__MESSAGES_PER_S": "0"}) as daemon,
        person(daemon.url) as ann,
        person(daemon.url) as bob,
    ):
        await login(ann, "ann", "lobby")
        await login(bob, "bob", "den")

        async def flood() -> None:
            for number in range(400):
                await say(bob, "den", f"noise {number}")

        async with trio.open_nursery() as nursery:
            nursery.start_soon(flood)
            for number in range(30):
                sent = await say(ann, "lobby", f"tea word{number}")
                found = await search(ann, f"word{number}")
                assert found == [("lobby", sent["seq"])]
        seqs: list[int] = []
        place: dict[str, str] = {}
        while True:
            page = await ann.ask(type="search", query="tea", limit=7, **place)
            seqs += [entry["seq"] for entry in page["messages"]]
            if "next" not in page:
                break
            place = {"next": page["next"]}
        assert sorted(seqs) == list(range(1, 31))
