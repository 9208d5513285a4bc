"""Backups of a daemon that works, and what kill -9 leaves of them."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import attrs
import pytest
import trio

from chatd.store.sqlite.backup import PART
from chatd.store.sqlite.copying import verify
from tests.live.daemon import PATIENCE_S, Daemon, Person, person, running
from tests.store.sqlite.slain import slayer

KILLS = int(os.environ.get("KILLS", "20"))
"""How often something is killed. More of it by hand: KILLS=200."""
PACE_S = 0.01
"""Between two messages, where they should not become too many to be copied soon."""
UNBOUND = {
    "CHATD_LIMITS__MESSAGES_PER_S": "0",
    "CHATD_LIMITS__COMMANDS_PER_S": "0",
    "CHATD_LIMITS__BYTES_PER_S": "0",
    "CHATD_LIMITS__GUEST_BYTES_PER_D": "0",
    "CHATD_HISTORY__REPLAY_MAX": "0",
}


@attrs.define(eq=False)
class Chatter:
    """Somebody who sends one message after the other, as large as they may be."""

    who: Person
    acknowledged: list[str] = attrs.field(factory=list)
    last: int = 0
    """The `seq` of the last of them."""
    pace_s: float = 0.0
    _more: trio.Event = attrs.field(factory=trio.Event)

    async def chat(self) -> None:
        """Send without end."""
        await self.who.hello(name="ann")
        await self.who.ask(type="join", room="lobby")
        for number in itertools.count():
            text = f"{number} " + "x" * 3000
            reply = await self.who.ask(type="send", room="lobby", text=text)
            assert reply["type"] == "ok", reply
            self.last = reply["seq"]
            self.acknowledged.append(text)
            self._more.set()
            self._more = trio.Event()
            await trio.sleep(self.pace_s)

    async def has_sent(self, more: int) -> None:
        """Wait until so many more were acknowledged."""
        enough = len(self.acknowledged) + more
        with trio.fail_after(PATIENCE_S):
            while len(self.acknowledged) < enough:
                await self._more.wait()


@asynccontextmanager
async def chatting(daemon: Daemon) -> AsyncIterator[Chatter]:
    """Have somebody chat for a block."""
    async with person(daemon.url) as ann, trio.open_nursery() as nursery:
        chatter = Chatter(ann)
        nursery.start_soon(chatter.chat)
        yield chatter
        nursery.cancel_scope.cancel()


def command(*words: str | Path) -> list[str]:
    """What is typed."""
    return [sys.executable, "-m", "chatd", *map(str, words)]


async def test_a_backup_beside_a_busy_daemon(tmp_path: Path) -> None:
    """It has all that was acknowledged before it began, and a prefix of the rest."""
    data, copies = tmp_path / "data", tmp_path / "copies"
    await trio.Path(copies).mkdir()
    async with running(data, env=UNBOUND) as daemon, chatting(daemon) as chatter:
        await chatter.has_sent(100)
        before = list(chatter.acknowledged)
        done = await trio.run_process(
            command("backup", "--data", data, "--zstd", "--json", copies),
            capture_stdout=True,
        )
        await chatter.has_sent(1)
    made = json.loads(done.stdout)["file"]
    restored = tmp_path / "again"
    await trio.Path(restored).mkdir()
    await decompress(Path(made), restored / "chatd.db")
    async with running(restored, env=UNBOUND) as daemon:
        stored = await texts(daemon)
    assert stored[: len(before)] == before
    assert stored == chatter.acknowledged[: len(stored)]


async def decompress(compressed: Path, target: Path) -> None:
    """Decompress as anybody would who has the tool."""
    await trio.run_process(["zstd", "-q", "-d", str(compressed), "-o", str(target)])


async def texts(daemon: Daemon) -> list[str]:
    """All that was said."""
    said: list[str] = []
    async with person(daemon.url) as reader:
        await reader.hello(name="reader")
        state = await reader.ask(type="join", room="lobby")
        await reader.say(type="join", room="lobby", since=0, epoch=state["epoch"])
        while (frame := await reader.hear())["type"] != "caught_up" or not said:
            if frame["type"] == "message":
                said.append(frame["text"])
    return said


@pytest.mark.parametrize("option", [[], ["--zstd"]], ids=["plain", "zstd"])
async def test_what_is_killed_leaves_no_backup(
    tmp_path: Path, option: list[str]
) -> None:
    """Whenever it is: what has the name of one is whole, and the next one tidies up."""
    data, copies = tmp_path / "data", tmp_path / "copies"
    await trio.Path(copies).mkdir()
    words = ["backup", "--data", str(data), *option, str(copies)]

    def kill() -> None:
        with slayer(tmp_path) as slay:
            for _ in slay.at_moments(KILLS, words):
                for path in copies.iterdir():
                    if PART not in path.name:
                        check_whole(path, tmp_path)
                        path.unlink()  # or the next would wait for another second

    async with running(data, env=UNBOUND) as daemon, chatting(daemon) as chatter:
        await chatter.has_sent(300)
        chatter.pace_s = PACE_S
        await trio.to_thread.run_sync(kill)
        await chatter.has_sent(1)
        await trio.run_process(command(*words), capture_stdout=True)
    names = [path.name for path in copies.iterdir()]
    assert names
    assert not [name for name in names if PART in name]


def check_whole(path: Path, place: Path) -> None:
    """A backup is one that can be used."""
    plain = path
    if path.suffix == ".zst":
        plain = place / "plain.db"
        plain.unlink(missing_ok=True)
        subprocess.run(["zstd", "-q", "-d", path, "-o", plain], check=True)
    verify(plain, plain)


async def test_who_comes_back_after_a_restore_is_told(tmp_path: Path) -> None:
    """Beside a daemon it is refused; the next one says what it has found, and whoever
    knows more than it does begins anew.
    """
    data, copy = tmp_path / "data", tmp_path / "copy"
    words = ["restore", "--data", str(data), str(copy)]
    async with running(data, env=UNBOUND) as daemon:
        async with person(daemon.url) as bob, chatting(daemon) as chatter:
            welcome = await bob.hello(name="bob")
            joined = await bob.ask(type="join", room="lobby")
            await chatter.has_sent(10)
            await trio.run_process(command("backup", "--data", data, copy))
            await chatter.has_sent(1)
            last = chatter.last
        beside = await trio.run_process(
            command(*words), capture_stderr=True, check=False
        )
        assert beside.returncode == os.EX_TEMPFAIL
        assert b"is held by process" in beside.stderr
    await trio.run_process(command(*words))
    async with running(data, env=UNBOUND) as daemon:
        (line,) = await daemon.said("an older state of the store was put back")
        assert " warning " in line
        async with person(daemon.url) as bob:
            again = await bob.hello(session=welcome["session"])
            assert again["user"] == welcome["user"]
            since = {"since": last, "epoch": joined["epoch"]}
            again = await bob.ask(type="join", room="lobby", **since)
            assert again["recovered"] is False
            assert again["seq"] < last
            assert again["epoch"] != joined["epoch"]
        stored = await texts(daemon)
    assert stored == chatter.acknowledged[: len(stored)]


async def test_a_restore_that_is_killed_loses_neither_state(tmp_path: Path) -> None:
    """Whenever it is: typed again it is done, and what was there is beside it."""
    data, copy = tmp_path / "data", tmp_path / "copy"
    async with running(data, env=UNBOUND) as daemon, chatting(daemon) as chatter:
        await chatter.has_sent(300)
        await trio.run_process(command("backup", "--data", data, copy))
        await chatter.has_sent(1)
    words = ["restore", "--data", str(data), str(copy)]

    def kill() -> None:
        with slayer(tmp_path) as slay:
            for _ in slay.at_moments(KILLS, words):
                pass

    await trio.to_thread.run_sync(kill)
    await trio.run_process(command(*words))
    async with running(data, env=UNBOUND) as daemon:
        stored = await texts(daemon)
    assert stored == chatter.acknowledged[: len(stored)]
    states = list(data.glob("chatd.replaced-*"))
    assert states
    for place in states:
        assert (place / "chatd.db").exists()
        assert not place.name.endswith(".part")
