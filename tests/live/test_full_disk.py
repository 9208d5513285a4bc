"""A file system without space, at any moment: a real one, and a small one.

It is a tmpfs in a mount namespace of its own, which ends with the processes in it. A
file beside the store takes what is to be full. Whatever happens then, nothing that was
acknowledged is lost, the daemon says what is wrong, and there is nothing to be done but
to make room.
"""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import attrs
import pytest
import trio

from chatd.daemon.reloading import REFUSED, RELOADED
from chatd.store.sqlite.migrate import migrations
from tests.live.daemon import (
    PATIENCE_S,
    Daemon,
    Frame,
    Person,
    announced,
    begin,
    person,
)
from tests.live.forks import Forks, open_forks
from tests.live.test_kill import end, look_at, old_store, settings

DISK_KIB = 8 * 1024
ENV = {
    # Or what is scarce would be kept from people before it is gone.
    "CHATD_STORE__FREE_BYTES_MIN": "0",
    "CHATD_LIMITS__MESSAGES_PER_S": "0",
    "CHATD_LIMITS__COMMANDS_PER_S": "0",
}
UNSHARE = ("unshare", "--mount", *(() if os.geteuid() == 0 else ("--map-root-user",)))
MOUNT = f'mount -t tmpfs -o size={DISK_KIB}k chatd-test "$0" && exec "$@"'
PAGE_BYTES = 4096


@attrs.define
class Disk:
    """A small file system, and who starts daemons on it."""

    forks: Forks
    path: Path
    """Where it is for those who are in its namespace."""

    @property
    def seen(self) -> Path:
        """Where it is for everybody else."""
        return Path(f"/proc/{self.forks.pid}/root{self.path}")

    def copy(self) -> Path:
        """Copy the store to where it can be opened from outside."""
        copy = self.path.with_name("copy")
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(
            self.seen / "data", copy, ignore=shutil.ignore_patterns("*.sock")
        )
        return copy / "chatd.db"

    def leave(self, pages: int) -> None:
        """Fill it up, but for so many pages."""
        filler = self.seen / "filler"
        with filler.open("wb", buffering=0) as file:
            with pytest.raises(OSError, match="No space"):
                while True:
                    file.write(bytes(PAGE_BYTES * 16))
            file.truncate(max(0, file.tell() - pages * PAGE_BYTES))

    def make_room(self) -> None:
        """Give all back."""
        (self.seen / "filler").unlink()

    async def start(self, *arguments: str) -> Daemon | None:
        """Start a daemon; None if it says with 75 that there is no room."""
        log = self.path / "data.log"
        log.unlink(missing_ok=True)
        daemon = begin(self.path / "data", *arguments, env=ENV, forks=self.forks)
        with trio.fail_after(PATIENCE_S):
            if await announced(daemon, or_ended=True):
                return daemon
        assert await daemon.wait() == os.EX_TEMPFAIL, daemon.log_text()
        *_, line = daemon.log_text().splitlines()
        assert line.startswith("chatd: ")
        assert "; free some space, then " in line
        return None


@pytest.fixture
async def disk(tmp_path: Path) -> AsyncIterator[Disk]:
    """A small file system."""
    path = tmp_path / "disk"
    path.mkdir()
    there = (*UNSHARE, "sh", "-c", MOUNT, str(path))
    if (await trio.run_process([*there, "true"], check=False)).returncode:
        pytest.skip("nothing may be mounted here")
    with open_forks(*there) as forks:
        yield Disk(forks, path)


ROOMS = (0, 1, 2, 4, 8, 16, 32, 48, 64, 96, 128, 256)
"""Pages that are free; a start of the store takes some hundred."""


@pytest.mark.parametrize("name", ["new", "old"])
async def test_a_start_with_little_room(disk: Disk, name: str) -> None:
    """However little it is: it starts, or says why not; what of a migration cannot be
    done is done when there is room. Nothing is lost, and nothing lies about.
    """
    texts: list[str] = []
    if name == "old":
        texts = old_store(disk.path.with_name("old"))
        shutil.copytree(disk.path.with_name("old"), disk.seen / "data")
    started = []
    for pages in ROOMS:
        disk.leave(pages)
        daemon = await disk.start()
        started.append(daemon is not None)
        if daemon is not None:
            await end(daemon)
        disk.make_room()
        if name == "old":
            look_at(disk.copy(), texts)
    assert started == sorted(started), "it starts with less, and not with more"
    assert (started[0], started[-1]) == (False, True)
    assert look_at(disk.copy(), texts) == len(migrations())
    names = {path.name for path in (disk.seen / "data").iterdir()}
    beside = "setup-link" if name == "new" else ""
    if name == "old":
        (beside,) = (each for each in names if each.startswith("chatd.schema-1-"))
    assert names == {"chatd.db", "chatd.id", "chatd.lock", beside}


async def send(ann: Person, texts: list[str]) -> Frame:
    """Send one message; if it is acknowledged, it is in `texts`."""
    number = len(texts)
    text = f"{number} " + "x" * 500
    answer = await ann.ask(type="send", room="lobby", text=text, cid=str(number))
    if answer["type"] == "ok":
        texts.append(text)
        assert answer["seq"] == len(texts)
    return answer


async def test_a_disk_that_fills_up_while_people_talk(disk: Disk) -> None:
    """Who writes is refused in words, and goes on in the same connection when there is
    room; reading goes on all the time. A reload that has something to store is refused,
    and done later. A drain ends with 0, and what was acknowledged is there.
    """
    file, texts = disk.path.with_name("chatd.toml"), list[str]()
    file.write_text(settings(0))
    daemon = await disk.start("--config", str(file))
    assert daemon is not None
    async with person(daemon.url) as ann, person(daemon.url) as bob:
        await ann.hello(name="ann")
        await bob.hello(name="bob")
        await ann.ask(type="join", room="lobby")
        for pages in (3, 40, 0):
            disk.leave(pages)
            while (answer := await send(ann, texts))["type"] == "ok":
                pass
            assert answer["code"] == "unavailable"
            assert "nothing was stored: " in answer["text"]
            assert "disk is full" in answer["text"]
            page = await ann.ask(type="history", room="lobby", limit=10)
            assert [one["text"] for one in page["messages"]] == texts[-10:]
            disk.make_room()
            assert (await send(ann, texts))["type"] == "ok"
        disk.leave(0)
        file.write_text(settings(1))
        daemon.signal(signal.SIGHUP)
        (line,) = await daemon.said(REFUSED)
        assert "room1" in line
        assert "was not stored: the store takes nothing now (" in line
        assert "disk is full); reload again when it does" in line
        disk.make_room()
        daemon.signal(signal.SIGHUP)
        await daemon.said(f" {RELOADED} changed=")
        assert (await bob.ask(type="join", room="room1"))["type"] == "ok"
        disk.leave(0)
        await end(daemon)
    said = daemon.log_text()
    assert "Traceback" not in said
    assert "disk is full" in said
    assert len(said.splitlines()) < 20, said
    disk.make_room()
    disk.leave(0)  # the end has given some back
    assert await disk.start() is None
    disk.make_room()
    look_at(disk.copy(), texts)
    daemon = await disk.start()
    assert daemon is not None
    await end(daemon)
