"""Reactions from the frame that a client sends to the history that another reads."""

from __future__ import annotations

from trio.testing import MockClock

from tests.hub.support import DEN, running

PLAIN, FULL = "\u2764", "\u2764\ufe0f"


async def test_two_people_with_two_keyboards_put_one_reaction(
    autojump_clock: MockClock,
) -> None:
    """Everybody is told the one form, and either form takes it away again."""
    async with running() as rig:
        ann, bob = await rig.login("ann"), await rig.login("bob")
        await bob.ask("join", room=DEN)
        await ann.ask("send", room=DEN, text="hi")
        bob.take()
        await ann.ask("react", room=DEN, of=1, emoji=PLAIN, cid="1")
        await bob.ask("react", room=DEN, of=1, emoji=FULL)
        (again,) = await ann.ask("react", room=DEN, of=1, emoji=FULL, cid="1")
        assert (again["type"], again["seq"], again["dup"]) == ("ok", 2, True)
        (same,) = await ann.ask("react", room=DEN, of=1, emoji=PLAIN + "\ufe0e")
        assert (same["type"], same["seq"], same["dup"]) == ("ok", 2, True)
        (page,) = await ann.ask("history", room=DEN)
        assert page["messages"][0]["reactions"] == {FULL: ["ann", "bob"]}
        _, event = await bob.ask("react", room=DEN, of=1, emoji=PLAIN, on=False)
        assert (event["emoji"], event["on"], event["seq"]) == (FULL, False, 4)
        (page,) = await ann.ask("history", room=DEN)
        assert page["messages"][0]["reactions"] == {FULL: ["ann"]}


async def test_forms_of_one_emoji_are_one_kind(autojump_clock: MockClock) -> None:
    """Of the twenty that a message may have, however they are written."""
    kinds = [chr(0x1F600 + number) for number in range(19)]
    async with running() as rig:
        ann = await rig.login("ann")
        await ann.ask("send", room=DEN, text="hi")
        for emoji in (*kinds, PLAIN):
            (ok,) = await ann.ask("react", room=DEN, of=1, emoji=emoji)
            assert ok["type"] == "ok"
        bob = await rig.login("bob")
        for emoji in (FULL, PLAIN, kinds[0] + "\ufe0f"):
            (ok,) = await bob.ask("react", room=DEN, of=1, emoji=emoji)
            assert ok["type"] == "ok"
        (refused,) = await bob.ask("react", room=DEN, of=1, emoji="\u2714")
        assert (refused["code"], refused["field"]) == ("bad_field", "emoji")
