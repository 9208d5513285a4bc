"""Blocks and mentions between real people: two accounts at a real daemon."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import attrs
import trio

from tests.live.daemon import PATIENCE_S, Daemon, Frame, Person, person, running
from tests.live.test_conversation import add_account

SECRET = "sesame"
_CHANGING = re.compile('"(ts|epoch)":"[^"]*"')
"""What is different in each daemon."""


@attrs.define(eq=False)
class Recorder(Person):
    """Somebody who keeps what he hears, as it was sent."""

    heard: list[str] = attrs.field(factory=list)

    async def hear(self) -> Frame:
        """Receive one frame."""
        with trio.fail_after(PATIENCE_S):
            text = await self.ws.recv()
        self.heard.append(str(text))
        frame: Frame = json.loads(text)
        return frame


async def come(who: Person, name: str) -> Recorder:
    """Log in."""
    recorder = Recorder(who.ws)
    await recorder.hello(name=name, password="correct horse")
    return recorder


async def hear(who: Person, count: int) -> list[Frame]:
    """The next events of the timeline."""
    found: list[Frame] = []
    while len(found) < count:
        frame = await who.hear()
        if "ts" in frame and "re" not in frame:
            found.append(frame)
    return found


async def told(daemon: Daemon, *, blocked: bool) -> tuple[list[str], list[str]]:
    """A conversation of ann and bob: what each has heard."""
    async with person(daemon.url) as one, person(daemon.url) as other:
        ann, bob = await come(one, "ann"), await come(other, "bob")
        await ann.ask(type="send", to="bob", text="hi")
        await bob.ask(type="send", to="ann", text="hello")
        await hear(ann, 2)
        room: dict[str, Any] = {"room": "@ann,bob"}
        answer = {"type": "block", "user": "bob"} if blocked else {"type": "ping"}
        assert (await ann.ask(**answer))["type"] == "ok"
        bob.heard.clear()
        await bob.ask(type="send", text=SECRET, cid="1", **room)
        await bob.ask(type="send", text=SECRET, cid="1", **room)
        await bob.ask(type="edit", of=2, text=f"{SECRET} 2", **room)
        await bob.ask(type="react", of=1, emoji="👍", **room)
        await bob.ask(type="typing", id=1, **room)
        await bob.ask(type="edit", of=1, text="not mine", **room)
        epoch = (await bob.ask(type="history", **room))["epoch"]
        await bob.ask(type="join", since=0, epoch=epoch, **room)
        await bob.hear_until(type="caught_up")
        events = await hear(ann, 3)
        types = ["hidden"] * 3 if blocked else ["message", "edit", "react"]
        assert [event["type"] for event in events] == types
        page = await ann.ask(type="history", **room)
        await ann.ask(type="join", since=0, epoch=epoch, **room)
        replay = await hear(ann, 5)
        if blocked:
            assert all(set(e) == {"type", "room", "seq", "ts"} for e in events)
            assert [m.get("hidden", False) for m in page["messages"]] == [
                False,
                True,
                True,
            ]
            assert "reactions" not in page["messages"][0]
            assert [event["type"] for event in replay] == ["message"] + ["hidden"] * 4
            assert (await ann.ask(type="blocks"))["users"] == ["bob"]
            await ann.ask(type="unblock", user="bob")
        await bob.ask(type="send", text="again", **room)
        assert [event["text"] for event in await hear(ann, 1)] == ["again"]
        await ann.ask(type="read", id=1, seq=6, **room)
        await bob.ask(type="delete", of=3, **room)
        assert [event["type"] for event in await hear(ann, 1)] == ["delete"]
        assert (await bob.ask(type="logout"))["type"] == "ok"
        his = [text for text in bob.heard if '"type":"presence"' not in text]
        return ann.heard, [_CHANGING.sub("", text) for text in his]


async def test_who_is_blocked_cannot_tell(tmp_path: Path) -> None:
    """He hears byte for byte what he hears otherwise; she hears nothing of his."""
    heard = []
    for name, blocked in (("open", False), ("blocked", True)):
        data = tmp_path / name
        for user in ("ann", "bob"):
            add_account(data, user, "correct horse")
        async with running(data) as daemon:
            hers, his = await told(daemon, blocked=blocked)
            heard.append(his)
            assert any(SECRET in text for text in hers) is not blocked
            if blocked:
                async with person(daemon.url) as one:
                    ann = await come(one, "ann")
                    await ann.ask(type="block", user="bob")
        if blocked:
            async with running(data) as daemon, person(daemon.url) as one:
                await after_a_restart(await come(one, "ann"), daemon)
    assert heard[0] == heard[1]


async def after_a_restart(ann: Recorder, daemon: Daemon) -> None:
    """What was hidden still is, and who was blocked still is."""
    welcome = json.loads(ann.heard[0])
    (state,) = welcome["rooms"]
    assert (state["seq"], state["unread"], state["mentions"]) == (7, 0, 0)
    page = await ann.ask(type="history", room="@ann,bob")
    hidden = [m["seq"] for m in page["messages"] if m.get("hidden")]
    assert hidden == [2, 3]
    assert page["messages"][-1]["text"] == "again"
    assert (await ann.ask(type="blocks"))["users"] == ["bob"]
    async with person(daemon.url) as other:
        bob = await come(other, "bob")
        await bob.ask(type="send", to="ann", text=SECRET)
        (event,) = await hear(ann, 1)
        assert (event["type"], event["seq"]) == ("hidden", 8)
        page = await bob.ask(type="history", room="@ann,bob")
        texts = [m.get("text") for m in page["messages"]]
        assert texts == ["hi", f"{SECRET} 2", None, "again", SECRET]
    assert not any(SECRET in text for text in ann.heard)


async def test_a_mention_reaches_who_has_not_joined(tmp_path: Path) -> None:
    """Once, without the text; afterwards `welcome` counts it."""
    data = tmp_path / "data"
    for user in ("ann", "bob"):
        add_account(data, user, "correct horse")
    async with running(data) as daemon:
        async with person(daemon.url) as one, person(daemon.url) as other:
            ann, bob = await come(one, "ann"), await come(other, "bob")
            for who in (ann, bob):
                await who.ask(type="join", room="lobby")
            async with person(daemon.url) as second:
                aside = await come(second, "ann")
                await bob.ask(type="send", room="lobby", text="mail me: bob@ann")
                await bob.ask(type="send", room="lobby", text=f"{SECRET}, @Ann!")
                mention = {"type": "mention", "room": "lobby", "seq": 2, "from": "bob"}
                assert await aside.hear_until(type="mention") == mention
                assert (await aside.ask(type="ping"))["type"] == "ok"
                assert not any(SECRET in text for text in aside.heard)
            assert (await hear(ann, 2))[1]["text"] == f"{SECRET}, @Ann!"
            await bob.ask(type="send", room="lobby", text="@all @bob")
        async with person(daemon.url) as one:
            welcome = await one.hello(name="ann", password="correct horse")
            (state,) = welcome["rooms"]
            assert (state["unread"], state["mentions"]) == (3, 1)


async def test_an_edit_changes_whom_a_message_addresses(tmp_path: Path) -> None:
    """It is told once and counted as the text is, also over a restart."""
    data = tmp_path / "data"
    for user in ("ann", "bob"):
        add_account(data, user, "correct horse")

    async def mentions(url: str) -> int:
        async with person(url) as who:
            welcome = await who.hello(name="bob", password="correct horse")
            (state,) = welcome["rooms"]
            return int(state["mentions"])

    async with (
        running(data) as daemon,
        person(daemon.url) as one,
        person(daemon.url) as other,
        person(daemon.url) as second,
    ):
        ann, bob = await come(one, "ann"), await come(other, "bob")
        aside = await come(second, "bob")
        for who in (ann, bob):
            await who.ask(type="join", room="lobby")
        await ann.ask(type="send", room="lobby", text="hi")
        await bob.ask(type="read", room="lobby", seq=1, id=9)
        at = {"type": "edit", "room": "lobby", "of": 1}
        for text in ("hi @bob", "hi", "hi, @bob"):
            await ann.ask(**at, text=text)
        mention = {"type": "mention", "room": "lobby", "seq": 1, "from": "ann"}
        assert await aside.hear_until(type="mention") == mention
        assert (await aside.ask(type="ping"))["type"] == "ok"
        assert await mentions(daemon.url) == 1
        await ann.ask(**at, text="hi `@bob`")
        assert await mentions(daemon.url) == 0
        await ann.ask(**at, text="hi @all, @bob")
    async with running(data) as daemon:
        assert await mentions(daemon.url) == 1


async def test_whoever_names_somebody_who_is_not_there_is_told_so(
    tmp_path: Path,
) -> None:
    """An account or a guest, known since the start or only just made."""
    data = tmp_path / "data"
    for user in ("ann", "bob"):
        add_account(data, user, "correct horse")
    async with running(data) as daemon:
        add_account(data, "cy", "correct horse")
        async with person(daemon.url) as one, person(daemon.url) as guest:
            ann = await come(one, "ann")
            await ann.ask(type="join", room="lobby")
            name = (await guest.hello(name="dan"))["user"]
            said = {"type": "send", "room": "lobby", "cid": "1"}
            said["text"] = f"@ann, @Bob. 你好@cy你好, @{name} and @eve"
            ok = await ann.ask(**said)
            assert ok["unreached"] == ["bob", "cy", name]
            await guest.ask(type="join", room="lobby")
            assert "unreached" not in await ann.ask(
                **said | {"cid": "2", "text": "@eve"}
            )
            again = await ann.ask(**said)
            assert (again["dup"], again["unreached"]) == (True, ["bob", "cy", name])
