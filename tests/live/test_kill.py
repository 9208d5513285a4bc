"""kill -9 during sustained sending: nothing acknowledged is lost or doubled.

A machine that loses power is another matter, which tests/store looks at: a
killed process leaves what it wrote in the kernel.
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import attrs
import trio
from websockets.exceptions import ConnectionClosed, WebSocketException

from tests.live.daemon import PATIENCE_S, Daemon, Frame, Person, person, running, start

KILLS = 20
WRITERS = 4


@attrs.define(eq=False)
class Timeline:
    """One client's room, kept by the loop that the protocol recommends."""

    last: int = 0
    epoch: str = ""
    texts: list[str] = attrs.field(factory=list)

    def take(self, frame: Frame) -> None:
        """Apply an event; it must be the next one, or one that is known."""
        if frame["seq"] <= self.last:
            return
        assert frame["seq"] == self.last + 1, (self.last, frame)
        self.last = frame["seq"]
        self.texts.append(frame["text"])


@attrs.define(eq=False)
class Tally:
    """Counts acknowledgements over all writers, and says when there are enough."""

    count: int = 0
    enough_at: int = 0
    enough: trio.Event = attrs.field(factory=trio.Event)

    def aim(self, more: int) -> trio.Event:
        """An event for so many more."""
        self.enough_at, self.enough = self.count + more, trio.Event()
        return self.enough

    def add(self) -> None:
        """Count one."""
        self.count += 1
        if self.count >= self.enough_at:
            self.enough.set()


@attrs.define(eq=False)
class Writer:
    """Someone who sends one message after another, and never gives up."""

    name: str
    tally: Tally
    view: Timeline = attrs.field(factory=Timeline)
    session: str | None = None
    number: int = 0
    acknowledged: dict[str, int] = attrs.field(factory=dict)

    async def enter(self, who: Person) -> None:
        """Resume, and join from where the view ends."""
        credential: dict[str, Any] = {"name": self.name}
        if self.session is not None:
            credential = {"session": self.session}
        self.session = (await who.hello(**credential))["session"]
        since: dict[str, Any] = {}
        if self.view.epoch:
            since = {"since": self.view.last, "epoch": self.view.epoch}
        await who.say(type="join", room="lobby", **since)
        while (frame := await who.hear()).get("re") != "join":
            assert frame["type"] != "message", "an event before the join's ok"
        assert frame["type"] == "ok", frame
        assert not since or frame["recovered"], frame
        if not since:
            self.view.epoch, self.view.last = frame["epoch"], frame["seq"]

    async def write(self, daemon: Daemon) -> None:
        """Send until the daemon is gone."""
        async with person(daemon.url) as who:
            await self.enter(who)
            while True:
                cid = f"{self.name}-{self.number}"
                await who.say(type="send", room="lobby", text=cid, cid=cid)
                while (frame := await who.hear()).get("re") != "send":
                    if frame["type"] == "message":
                        self.view.take(frame)
                assert frame["type"] == "ok", frame
                self.acknowledged[cid] = frame["seq"]
                self.number += 1
                self.tally.add()


async def until_gone(writer: Writer, daemon: Daemon) -> None:
    """Write until the daemon was killed."""
    try:
        await writer.write(daemon)
    except (ConnectionClosed, WebSocketException, OSError):
        assert daemon.is_doomed, "a connection ended before the kill"


async def test_twenty_kills(tmp_path: Path) -> None:
    """Every acknowledged cid is there exactly once, seq has no hole, and those who
    resume see each event once.
    """
    rng = random.Random(20)
    data = tmp_path / "data"
    env = {"CHATD_LIMITS__MESSAGES_PER_S": "0", "CHATD_LIMITS__COMMANDS_PER_S": "0"}
    env["CHATD_HISTORY__REPLAY_MAX"] = "0"
    tally = Tally()
    writers = [Writer(f"w{number}", tally) for number in range(WRITERS)]
    for _ in range(KILLS):
        daemon = await start(data, env=env)
        async with trio.open_nursery() as nursery:
            for writer in writers:
                nursery.start_soon(until_gone, writer, daemon)
            # Killed at a random moment, but never before anything was sent.
            with trio.fail_after(PATIENCE_S):
                await tally.aim(rng.randrange(1, 200)).wait()
            await trio.sleep(rng.random() * 0.01)
            daemon.kill()
        await daemon.wait()
    async with running(data, env=env) as daemon:
        await verify(daemon, writers)


async def verify(daemon: Daemon, writers: list[Writer]) -> None:
    """Compare what was acknowledged and seen with a fresh replay of everything."""
    stored: list[str] = []
    async with person(daemon.url) as reader:
        await reader.hello(name="reader")
        state = await reader.ask(type="join", room="lobby")
        await reader.ask(type="join", room="lobby", since=0, epoch=state["epoch"])
        while (frame := await reader.hear())["type"] != "caught_up":
            if frame["type"] == "message":
                stored.append(frame["text"])
                assert frame["seq"] == len(stored), "a hole in the timeline"
    assert len(set(stored)) == len(stored), "something was stored twice"
    for writer in writers:
        for cid, seq in writer.acknowledged.items():
            assert stored[seq - 1] == cid, "something acknowledged is lost"
        async with person(daemon.url) as who:
            await writer.enter(who)
            while (frame := await who.hear())["type"] != "caught_up":
                if frame["type"] == "message":
                    writer.view.take(frame)
        joined_at = writer.view.last - len(writer.view.texts)
        assert writer.view.texts == stored[joined_at:]
        assert len(writer.acknowledged) > KILLS
