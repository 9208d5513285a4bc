"""Pasted text from the frame that a client sends to what others read."""

from __future__ import annotations

import json

import pytest
from trio.testing import MockClock, wait_all_tasks_blocked

from tests.hub.support import DEN, quick, running

PASTE = "\ufeff\x1b[31mError:\x1b[0m see\r\n\tline 2\r\f@bob\x85"
CLEAN = "Error: see\n\tline 2\n\n@bob\n"
REFUSED = [
    "\U0001d159",
    "\x1b[0m\r\n",
    "Z" + "\u0301" * 9,
    "cut in the middle \ud83d",
    " ",
    "\u3164",
]


async def test_what_is_told_and_kept_is_the_clean_text(
    autojump_clock: MockClock,
) -> None:
    """To the sender, to others, in history, by search; for a mention and a `cid`."""
    async with running() as rig:
        ann, bob = await rig.login("ann"), await rig.login("bob")
        await ann.ask("join", room=DEN)
        _, event = await ann.ask("send", room=DEN, text=PASTE, cid="1")
        assert event["text"] == CLEAN
        assert [frame["type"] for frame in bob.take()] == ["mention"]
        (again,) = await ann.ask("send", room=DEN, text=CLEAN, cid="1")
        assert (again["seq"], again["dup"]) == (1, True)
        (other,) = await ann.ask("send", room=DEN, text=CLEAN + "!", cid="1")
        assert other["code"] == "cid_conflict"
        (same,) = await ann.ask("edit", room=DEN, of=1, text=CLEAN[:-1] + "\r")
        assert (same["seq"], same["dup"]) == (1, True)
        (page,) = await bob.ask("history", room=DEN)
        assert page["messages"][0]["text"] == CLEAN
        found = await bob.answer("search", query='"error see line"')
        assert [message["text"] for message in found["messages"]] == [CLEAN]
        _, event = await ann.ask("edit", room=DEN, of=1, text="a\r\nb")
        assert event["text"] == "a\nb"


async def test_twenty_pastes_end_no_connection(autojump_clock: MockClock) -> None:
    """Nor a hundred, of all that is refused; each is answered in words."""
    async with running() as rig:
        ann = await rig.login("ann")
        for number in range(100):
            text = REFUSED[number % len(REFUSED)]
            ann.raw(json.dumps({"type": "send", "room": DEN, "text": text}).encode())
            answers = await ann.ask("profile", display=f"a\u202e{number}")
            assert [answer["code"] for answer in answers] == ["bad_field"] * 2
        assert not ann.outlet.finished
        for _ in range(21):
            ann.say("send", room=DEN, text=5)
        await wait_all_tasks_blocked()
        assert ann.outlet.finished


@pytest.mark.parametrize("chars", [3, 4])
async def test_too_long_counts_the_clean_text(
    autojump_clock: MockClock, chars: int
) -> None:
    """What is not kept does not count."""
    async with running(config=quick(text_chars=chars)) as rig:
        ann = await rig.login("ann")
        (answer,) = await ann.ask("send", room=DEN, text="\x1b[1mabc\x1b[0m\r\n")
        assert answer.get("code") == ("too_long" if chars == 3 else None)


async def test_the_length_of_a_message_is_what_is_in_force(
    autojump_clock: MockClock,
) -> None:
    """Other settings count from the next message on, and `about` tells them."""
    async with running(config=quick(text_chars=3)) as rig:
        ann = await rig.login("ann")
        (answer,) = await ann.ask("send", room=DEN, text="abcd")
        assert answer["code"] == "too_long"
        rig.live.replace(quick(text_chars=4))
        answer, *_ = await ann.ask("send", room=DEN, text="abcd")
        assert answer["type"] == "ok"
        (about,) = await ann.ask("about")
        assert about["limits"]["text_chars"] == 4
