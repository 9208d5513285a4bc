"""The database is removed or replaced under a daemon that runs.

Whatever is done to it: nothing is acknowledged from then on, the daemon says which file
it was, and ends; what somebody has put there is not written to.
"""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed

from tests.live.daemon import Daemon, Frame, Person, begin, person, start
from tests.live.test_kill import end


def remove(database: Path, _other: Path) -> None:
    """As somebody does who is in the wrong directory."""
    database.unlink()


def replace(database: Path, other: Path) -> None:
    """As somebody does who restores a backup without `chatd restore`."""
    shutil.copy(other, database.with_name("coming"))
    database.with_name("coming").replace(database)


def remove_log(database: Path, _other: Path) -> None:
    """As somebody does who tidies up."""
    database.with_name("chatd.db-wal").unlink()


def remove_index(database: Path, _other: Path) -> None:
    """The same."""
    database.with_name("chatd.db-shm").unlink()


def replace_log(database: Path, _other: Path) -> None:
    """By an empty one."""
    remove_log(database, _other)
    database.with_name("chatd.db-wal").touch()


SAID: dict[Callable[[Path, Path], None], str] = {
    remove: "chatd.db was removed while it was in use; put it back, or",
    replace: "chatd.db was replaced while it was in use; put it back, or",
    remove_log: "chatd.db-wal was removed while it was in use",
    replace_log: "chatd.db-wal was replaced while it was in use",
    remove_index: "chatd.db-shm was removed while it was in use",
}


async def send(one: Person, text: str) -> Frame:
    """Send one message."""
    return await one.ask(type="send", room="lobby", text=text, cid=text)


async def talk(data: Path, *texts: str) -> None:
    """Have a store with some messages, stopped in order."""
    daemon = await start(data)
    async with person(daemon.url) as ann:
        await ann.hello(name="ann")
        await ann.ask(type="join", room="lobby")
        for text in texts:
            assert (await send(ann, text))["type"] == "ok"
    await end(daemon)


async def texts_of(daemon: Daemon) -> list[str]:
    """What the lobby has."""
    async with person(daemon.url) as cy:
        await cy.hello(name="cy")
        await cy.ask(type="join", room="lobby")
        page = await cy.ask(type="history", room="lobby")
        return [one["text"] for one in page["messages"]]


@pytest.mark.parametrize("take", SAID, ids=lambda take: take.__name__)
async def test_what_is_taken_away_is_named(
    tmp_path: Path, take: Callable[[Path, Path], None]
) -> None:
    """With 1 and a line of the log; the next start finds what there is."""
    data, database = tmp_path / "data", tmp_path / "data" / "chatd.db"
    await talk(tmp_path / "other", "of another")
    other = tmp_path / "other" / "chatd.db"
    daemon = await start(data)
    async with person(daemon.url) as ann:
        await ann.hello(name="ann")
        await ann.ask(type="join", room="lobby")
        assert (await send(ann, "before"))["type"] == "ok"
        take(database, other)
        with suppress(ConnectionClosed):
            answer = await send(ann, "after")
            assert answer["type"] == "error", answer
    assert await daemon.wait() == 1
    (line,) = [x for x in daemon.log_text().splitlines() if "critical" in x]
    assert "the store has failed, so the daemon stops" in line
    assert SAID[take] in line
    assert "Traceback" not in daemon.log_text()
    if take is replace:
        assert database.read_bytes() == other.read_bytes()
    data.with_suffix(".log").unlink()
    if take is remove:
        again = begin(data)
        assert await again.wait() == os.EX_CONFIG
        assert f"{database}-wal is the log of a database that is gone" in (
            again.log_text()
        )
        return
    again = await start(data)
    texts = await texts_of(again)
    await end(again)
    if take is replace:
        assert texts == ["of another"]
    else:
        assert {"before"} <= set(texts) <= {"before", "after"}


async def test_a_stop_says_that_it_was_taken_away(tmp_path: Path) -> None:
    """Where nobody has said anything since."""
    data = tmp_path / "data"
    daemon = await start(data)
    (data / "chatd.db").unlink()
    daemon.signal(signal.SIGTERM)
    assert await daemon.wait() == 1
    assert "chatd.db was removed while it was in use" in daemon.log_text()
