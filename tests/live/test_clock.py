"""A daemon whose machine comes up forty days ahead of its store."""

from __future__ import annotations

from pathlib import Path

import apsw

from tests.live.daemon import person, running

FORTY_DAYS_MS = 40 * 86_400_000
KEEPS = """
[[rooms.permanent]]
name = "lobby"
keep_days = 30
"""


def put_back(data: Path) -> None:
    """Let everything that a store has be of forty days ago."""
    db = apsw.Connection(str(data / "chatd.db"))
    db.execute(
        """
        UPDATE store SET certain = certain - ?1;
        UPDATE room SET last_ts = last_ts - ?1;
        UPDATE message SET ts = ts - ?1;
        UPDATE session SET idle_since = idle_since - ?1;
        """.replace("?1", str(FORTY_DAYS_MS))
    )
    db.close()


async def test_a_machine_that_comes_up_ahead(tmp_path: Path) -> None:
    """Nothing is lost, and whoever can set the clock is told in three places."""
    data, file = tmp_path / "data", tmp_path / "chatd.toml"
    file.write_text(KEEPS)
    async with running(data, "--config", str(file)) as daemon:
        assert await daemon.get(daemon.port, "/readyz") == b"ready\n"
        async with person(daemon.url) as ann:
            session = (await ann.hello(name="ann"))["session"]
            await ann.ask(type="join", room="lobby")
            await ann.ask(type="send", room="lobby", text="hi")
    put_back(data)
    metrics = {"CHATD_METRICS__LISTEN": '["127.0.0.1:0"]'}
    async with running(data, "--config", str(file), env=metrics) as daemon:
        ready = await daemon.get(daemon.port, "/readyz")
        assert ready.startswith(b"ready\nthe clock has jumped by +40 days, 0:00:")
        await daemon.said("warning the clock has jumped since the start before")
        numbers = daemon.numbers(await daemon.get(daemon.metrics_port, "/metrics"))
        assert numbers["chatd_clock_off_seconds"] >= FORTY_DAYS_MS / 1000
        assert numbers["chatd_clock_jumps_total"] == 0
        async with person(daemon.url) as ann:
            welcome = await ann.hello(session=session)
            assert [room["room"] for room in welcome["rooms"]] == ["lobby"]
            page = await ann.ask(type="history", room="lobby")
            assert [message["text"] for message in page["messages"]] == ["hi"]
