"""kill -9 at any moment: nothing acknowledged is lost or doubled.

Each phase of a daemon's life is met in the middle: while it starts, migrates, serves,
reloads, drains. `KILLS=200 make test ARGS=tests/live/test_kill.py` kills ten times as
often in each.

A machine that loses power is another matter, which tests/store looks at: a
killed process leaves what it wrote in the kernel.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
from pathlib import Path
from typing import Any

import apsw
import attrs
import pytest
import trio
from websockets.exceptions import ConnectionClosed, WebSocketException

from chatd.daemon.reloading import RELOADED
from chatd.store.sqlite.migrate import migrations
from tests.live.daemon import (
    PATIENCE_S,
    Daemon,
    Frame,
    Person,
    begin,
    person,
    start,
)
from tests.store.sqlite.older import store_at

KILLS = int(os.environ.get("KILLS", "20"))
WRITERS = 4
ENV = {
    "CHATD_LIMITS__MESSAGES_PER_S": "0",
    "CHATD_LIMITS__COMMANDS_PER_S": "0",
    "CHATD_HISTORY__REPLAY_MAX": "0",
}


@attrs.define
class Phase:
    """Where kills meet a phase: as long as they meet it, some are later.

    One that has no end is always met: there the moments stay as they are.
    """

    chance: random.Random
    has_end: bool = True
    lasts_s: float = 0.1
    met: int = 0

    def moment_s(self) -> float:
        """How long after its beginning to kill."""
        return self.chance.random() * self.lasts_s

    def note(self, *, met: bool) -> None:
        """Learn whether it was over by then."""
        self.met += met
        if self.has_end:
            self.lasts_s *= 1.1 if met else 0.8


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


def settings(number: int) -> str:
    """A file that differs from the one before by a limit and by a room."""
    return f"""
[limits]
guest_bytes_per_d = 0
text_chars = {2000 + number}
[[rooms.permanent]]
name = "lobby"
[[rooms.permanent]]
name = "room{number}"
"""


async def is_over(daemon: Daemon, phase: str) -> bool:
    """Whether what was begun had ended when the daemon was killed."""
    status = await daemon.wait()
    assert status in {0, -signal.SIGKILL}, daemon.log_text()
    return RELOADED in daemon.log_text() if phase == "reload" else status == 0


@pytest.mark.parametrize("name", ["writing", "reload", "drain"])
async def test_kills_while_people_write(tmp_path: Path, name: str) -> None:
    """Every acknowledged cid is there exactly once, seq has no hole, and those who
    resume see each event once.
    """
    chance = random.Random(20)
    data, file = tmp_path / "data", tmp_path / "chatd.toml"
    phase, tally, kills = Phase(chance, has_end=name != "writing"), Tally(), 0
    writers = [Writer(f"w{number}", tally) for number in range(WRITERS)]
    while phase.met < KILLS:
        kills += 1
        file.write_text(settings(kills - 1))
        data.with_suffix(".log").unlink(missing_ok=True)
        daemon = await start(data, "--config", str(file), env=ENV)
        async with trio.open_nursery() as nursery:
            for writer in writers:
                nursery.start_soon(until_gone, writer, daemon)
            # At a random moment, but never before anything was sent.
            with trio.fail_after(PATIENCE_S):
                await tally.aim(chance.randrange(1, 60)).wait()
            if name == "reload":
                file.write_text(settings(kills))
                daemon.signal(signal.SIGHUP)
            elif name == "drain":
                daemon.is_doomed = True
                daemon.signal(signal.SIGTERM)
            await trio.sleep(phase.moment_s())
            daemon.kill()
        phase.note(met=not await is_over(daemon, name))
    daemon = await start(data, env=ENV)
    await verify(daemon, writers)
    await end(daemon)


async def end(daemon: Daemon) -> None:
    """End a daemon in order."""
    daemon.signal(signal.SIGTERM)
    assert await daemon.wait() == 0, daemon.log_text()


async def kill_in_start(data: Path, phase: Phase) -> bool:
    """Kill a daemon that starts; whether it had not started yet."""
    daemon = begin(data)
    await trio.sleep(phase.moment_s())
    daemon.kill()
    met = b"try: " not in await daemon.process.stdout.receive_some(4096)
    assert await daemon.wait() == -signal.SIGKILL, daemon.log_text()
    phase.note(met=met)
    return met


async def test_kills_in_a_first_start(tmp_path: Path) -> None:
    """The next one goes on from whatever there is, and nothing is left lying about."""
    data, phase = tmp_path / "data", Phase(random.Random(21))
    while phase.met < KILLS:
        if not await kill_in_start(data, phase):
            shutil.rmtree(data)
    daemon = await start(data)
    async with person(daemon.url) as ann:
        await ann.hello(name="ann")
        await ann.ask(type="join", room="lobby")
        sent = await ann.ask(type="send", room="lobby", text="hi")
        assert sent["type"] == "ok"
    await end(daemon)
    names = {path.name for path in data.iterdir()}
    assert names == {"chatd.db", "chatd.id", "chatd.lock", "setup-link"}


async def test_kills_in_a_migration(tmp_path: Path) -> None:
    """The file is whole at one number or the next, the next start goes on from there,
    and every message is what it was.
    """
    old, data = tmp_path / "old", tmp_path / "data"
    texts = old_store(old)
    phase, schemas = Phase(random.Random(22)), set[int]()
    while phase.met < KILLS:
        if not data.exists():
            shutil.copytree(old, data)
        met = await kill_in_start(data, phase)
        schemas.add(look_at(data / "chatd.db", texts))
        if not met:
            shutil.rmtree(data)
    if not data.exists():
        shutil.copytree(old, data)
    daemon = await start(data)
    async with person(daemon.url) as ann:
        await ann.hello(name="dora")
        await ann.ask(type="join", room="lobby")
        page = await ann.ask(type="history", room="lobby")
        assert page["messages"][-1]["text"] == texts[-1]
    await end(daemon)
    assert look_at(data / "chatd.db", texts) == len(migrations())


def old_store(data: Path) -> list[str]:
    """Make a store of the first version; return the texts in its lobby."""
    texts = [f"message {number} " + "of before " * 20 for number in range(300)]
    with store_at(data, 1) as db:
        db.executemany(
            "INSERT INTO message (room_id, seq, user_id, ts, text)"
            " VALUES (1, ?1, 1, ?1, ?2)",
            list(enumerate(texts, start=1)),
        )
        db.execute("UPDATE room SET head = ?", (len(texts),))
    return texts


def look_at(database: Path, texts: list[str]) -> int:
    """See that a database is whole and has its messages; return its schema."""
    db = apsw.Connection(str(database))
    try:
        assert db.pragma("quick_check") == "ok"
        assert db.pragma("foreign_key_check") is None
        found = db.execute("SELECT text FROM message ORDER BY seq").fetchall()
        assert [text for (text,) in found] == texts
        return int(db.pragma("user_version"))
    finally:
        db.close()


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
