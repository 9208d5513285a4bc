"""A daemon whose store is on PostgreSQL, spoken to by a client that is none of ours."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio

from tests import valkey
from tests.live.daemon import Daemon, Person, command, person, running, start
from tests.postgresql import Server, own_server

PASSWORD = "correct horse"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A server of its own, which is restarted here."""
    with own_server() as found:
        yield found


def env_of(server: Server) -> dict[str, str]:
    """What a daemon and the command line are told."""
    return {
        "CHATD_STORE__URL": server.url("chatd"),
        "CHATD_AUTH__REGISTRATION": "open",
        "CHATD_LIMITS__MESSAGES_PER_S": "0",
    }


async def chatd(
    server: Server, data: Path, *words: str, said: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run one command."""
    return await command(data, *words, env=env_of(server), given=said)


@asynccontextmanager
async def killed(data: Path, env: dict[str, str]) -> AsyncIterator[Daemon]:
    """Run a daemon for a block, and kill it then."""
    daemon = await start(data, env=env)
    try:
        yield daemon
    finally:
        daemon.kill()
        with trio.CancelScope(shield=True):
            await daemon.wait()


AWAY = {
    "nothing was stored: the database does not answer",
    "the store does not answer at this moment",
}
"""What people are told while there is none."""


async def stored(ann: Person, cid: str) -> dict[str, Any]:
    """Send a message until it is acknowledged, as clients do."""
    while True:
        reply = await ann.ask(type="send", room="tea", text=f"cup {cid}", cid=cid)
        if reply["type"] == "ok":
            return reply
        assert reply["code"] == "unavailable", reply
        # Nothing of where the database is, which its own words say.
        assert reply["text"] in AWAY, reply
        await trio.sleep(0.05)


async def test_a_daemon_serves_from_postgresql(server: Server, tmp_path: Path) -> None:
    """Talk, kill the database, kill the daemon: what was acknowledged is there, once.

    A second daemon is refused in words, and so is what is for files alone.
    """
    data, env = tmp_path / "data", env_of(server)
    async with killed(data, env) as daemon, person(daemon.url) as ann:
        await ann.ask(type="register", name="ann", password=PASSWORD)
        await ann.hello(name="ann", password=PASSWORD)
        assert (await ann.ask(type="create", room="tea"))["type"] == "ok"
        seqs = [(await stored(ann, f"a{n}"))["seq"] for n in range(3)]
        await trio.to_thread.run_sync(server.stop, signal.SIGQUIT)
        await trio.to_thread.run_sync(server.start)
        seqs += [(await stored(ann, f"b{n}"))["seq"] for n in range(3)]
        assert seqs == list(range(seqs[0], seqs[0] + 6))
        found = await ann.ask(type="search", query="CUP b1")
        assert [hit["text"] for hit in found["messages"]] == ["cup b1"]

        other = await chatd(server, tmp_path / "other", "serve", "--listen", "[::1]:0")
        assert other.returncode == os.EX_TEMPFAIL
        assert "another chatd serves this database" in other.stderr
        listed = await chatd(server, data, "user", "list")
        assert "ann" in listed.stdout, listed
        assert "tea" in (await chatd(server, data, "room", "list")).stdout
        assert (await chatd(server, data, "status")).returncode == 0
        refused = await chatd(server, data, "backup", str(tmp_path / "copy"))
        assert refused.returncode == 1
        assert "pg_dump" in refused.stderr

    added = await chatd(server, data, "user", "add", "bob", said=f"{PASSWORD}\n")
    assert added.returncode == 0, added
    async with running(data, env=env) as daemon, person(daemon.url) as bob:
        await bob.hello(name="bob", password=PASSWORD)
        assert (await bob.ask(type="join", room="tea"))["type"] == "ok"
        page = await bob.ask(type="history", room="tea", limit=100)
        texts = [message["text"] for message in page["messages"]]
        assert texts == [f"cup {run}{n}" for run in "ab" for n in range(3)]


async def test_how_a_daemon_is_is_told_while_the_database_is_away(
    server: Server, tmp_path: Path
) -> None:
    """By the daemon; what the database would have to be asked for is left out."""
    data = tmp_path / "data"
    async with running(data, env=env_of(server)):
        told = (await chatd(server, data, "status")).stdout
        assert f"store          the database chatd at {server.directory}" in told
        assert re.search("^in all +[0-9]+ accounts?, [0-9]+ room", told, re.MULTILINE)
        await trio.to_thread.run_sync(server.stop, signal.SIGQUIT)
        done = await chatd(server, data, "status")
        asked = await chatd(server, data, "status", "--json")
        await trio.to_thread.run_sync(server.start)
    assert done.returncode == 0, done
    assert "in all         not counted; but the database chatd at" in done.stdout
    fields = json.loads(asked.stdout)
    assert (fields["accounts"], fields["rooms"]) == (None, None)
    assert fields["pid"] > 1


async def test_a_node_says_that_its_database_is_away_and_back(
    server: Server, tmp_path: Path
) -> None:
    """By its log, and to whoever asks whether it is ready, also where nobody writes."""
    bus = valkey.Server(tmp_path)
    env = env_of(server) | {"CHATD_CLUSTER__BUS": bus.url}
    try:
        async with running(tmp_path / "data", env=env) as daemon:
            await trio.to_thread.run_sync(server.stop, signal.SIGQUIT)
            assert await daemon.said("the database takes nothing from this node")
            ready = await daemon.get(daemon.port, "/readyz")
            assert ready.startswith(b"ready\ndegraded: the database takes nothing")
            await trio.to_thread.run_sync(server.start)
            assert await daemon.said("the database takes what is written again")
            assert await daemon.get(daemon.port, "/readyz") == b"ready\n"
            async with person(daemon.url) as ann:
                await ann.hello()
                joined = await ann.ask(type="join", room="lobby")
                assert joined["type"] == "ok"
                said = await ann.ask(type="send", room="lobby", text="at once")
                assert said["type"] == "ok"
    finally:
        bus.stop()


async def test_a_database_that_is_away_may_come(tmp_path: Path) -> None:
    """The service manager may try again."""
    env = {**os.environ, "CHATD_STORE__URL": "postgresql:///chatd?host=/nonexistent"}
    done = await trio.run_process(
        [sys.executable, "-m", "chatd", "serve", "--data", str(tmp_path / "data")],
        env=env,
        check=False,
        capture_stderr=True,
    )
    assert done.returncode == os.EX_TEMPFAIL
    assert b"the database chatd at /nonexistent cannot be reached" in done.stderr
