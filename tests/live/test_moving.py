"""A store that moves to PostgreSQL and back while its clients want to go on."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import apsw
import pytest
import trio

from chatd.store.moving import to_postgres
from chatd.store.sqlite.sql import select
from tests.live.daemon import Daemon, command, start
from tests.live.test_kill import ENV, WRITERS, Tally, Writer, until_gone
from tests.postgresql import Server, own_server

ROUND = 40
"""How many messages are acknowledged before each kill."""


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A server of its own, which is restarted here."""
    with own_server() as found:
        yield found


async def written(writers: list[Writer], tally: Tally, daemon: Daemon) -> None:
    """Have everybody resume and write for a while; then the daemon is killed."""
    enough = tally.aim(ROUND)
    async with trio.open_nursery() as nursery:
        for writer in writers:
            nursery.start_soon(until_gone, writer, daemon)
        await enough.wait()
        daemon.kill()
        await daemon.wait()


async def test_clients_resume_over_the_other_store(
    server: Server, tmp_path: Path
) -> None:
    """There, through a restart of PostgreSQL in the middle, and back: whoever comes
    again gets each event that came since, once, and what was acknowledged is there.
    """
    data, back, tally = tmp_path / "data", tmp_path / "back", Tally()
    there = ENV | {"CHATD_STORE__URL": server.url("chatd")}
    writers = [Writer(f"guest{n}", tally) for n in range(WRITERS)]
    await written(writers, tally, await start(data, env=ENV))
    restarts = iter([1])

    def restart(what: str, _part: float) -> None:
        if what == "copying" and next(restarts, 0):
            server.stop(signal.SIGQUIT)
            server.start()

    await trio.to_thread.run_sync(to_postgres, data, server.url("chatd"), restart)
    assert next(restarts, 0) == 0
    await written(writers, tally, await start(data, env=there))
    done = await command(data, "migrate", "--to", str(back), env=there)
    assert done.returncode == 0, done
    said = done.stdout
    assert f"{back}/chatd.db has all " in said
    await written(writers, tally, await start(back, env=ENV))

    acknowledged: dict[str, int] = {}
    for writer in writers:
        acknowledged |= writer.acknowledged
        assert len(set(writer.view.texts)) == len(writer.view.texts)
    assert len(acknowledged) >= 3 * ROUND
    with closing(apsw.Connection(str(back / "chatd.db"))) as db:
        rows = select(db, "SELECT text, seq FROM message WHERE cid IS NOT NULL")
    stored = dict(rows)
    assert len(stored) == len(rows)
    assert {cid: stored[cid] for cid in acknowledged} == acknowledged
