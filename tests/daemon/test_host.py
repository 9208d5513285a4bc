from __future__ import annotations

import io
from collections.abc import Iterator

import pytest
from trio.testing import MockClock

from chatd.daemon.host import DaemonHost
from chatd.errors import Ending
from chatd.ids import ConnectionId
from chatd.net.host import Stats
from chatd.net.trouble import Cause, Trouble
from chatd.observe import configure_log
from tests.hub.support import DEN, running

STATS = Stats(seconds=12.34, bytes_in=5, bytes_out=6, messages_in=1)


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """The log."""
    stream = io.StringIO()
    configure_log("debug", "console", stream)
    yield stream
    configure_log("debug", "console")


def said(stream: io.StringIO) -> list[str]:
    """The lines without their times."""
    return [line.split(" ", 1)[1] for line in stream.getvalue().splitlines()]


async def test_a_connection_that_ends_is_one_line(
    written: io.StringIO, autojump_clock: MockClock
) -> None:
    """With its user, its reason, its seconds and its bytes; and one count."""
    async with running() as rig:
        host = DaemonHost(rig.hub, rig.metrics)
        ann = await rig.login("ann")
        await ann.ask("send", room=DEN, text="a secret")
        host.detach(ann.outlet, Ending.SLOW, STATS)
        silent = rig.connect()
        host.detach(silent.outlet, Ending.BUG, STATS)
        assert rig.hub.connections == 0
        first, second = said(written)
        assert first == (
            "info    connection ended connection=1 address=192.0.2.1 user=ann"
            " reason=slow_consumer seconds=12.3 received=5 sent=6"
        )
        assert second == (
            "error   connection ended connection=2 address=192.0.2.1 user=-"
            " reason=internal seconds=12.3 received=5 sent=6"
        )
        operators = DaemonHost(rig.hub, rig.metrics, is_operator=True)
        operators.detach(rig.connect().outlet, Ending.PEER_CLOSED, STATS)
        # Each of his commands is one.
        assert said(written)[2].startswith("debug   connection ended connection=3")
        text = rig.metrics.text().decode()
        assert 'chatd_connections_ended_total{reason="slow_consumer"} 1.0' in text


async def test_a_bug_is_logged_and_counted(
    written: io.StringIO, autojump_clock: MockClock
) -> None:
    """With its connection and its traceback, wherever the firewall caught it."""
    async with running() as rig:
        host = DaemonHost(rig.hub, rig.metrics)
        peer = rig.connect()
        host.bug(peer.outlet, ZeroDivisionError("a bug"))
        host.connection_bug(ConnectionId(9), ZeroDivisionError("another"))
        lines = written.getvalue().splitlines()
        assert "connection=1" in lines[0]
        assert lines[1] == "ZeroDivisionError: a bug"
        assert "connection=9" in lines[2]
        assert "chatd_connection_bugs_total 2.0" in rig.metrics.text().decode()


async def test_the_edge_is_told_of(
    written: io.StringIO, autojump_clock: MockClock
) -> None:
    """What keeps people out is an error; one who was refused is hardly a line, and
    one whom only the operator can help is a warning.
    """
    async with running() as rig:
        host = DaemonHost(rig.hub, rig.metrics)
        host.accept_failed(OSError(24, "Too many open files"))
        host.refused("192.0.2.1", 503)
        host.troubled(Trouble(Cause.PROXY_HEAD, "192.0.2.1", "version 3"))
        first, second, third = said(written)
        assert first.startswith("error   cannot accept connections")
        assert "Too many open files" in first
        assert second == "debug   request refused address=192.0.2.1 status=503"
        assert third == (
            "warning a trusted proxy did not begin with a right PROXY head"
            " proxy=192.0.2.1 reason='version 3' setting=server.proxy_protocol"
        )
        text = rig.metrics.text().decode()
        assert 'chatd_connections_refused_total{status="503"} 1.0' in text


async def test_what_clients_say_goes_to_the_hub(autojump_clock: MockClock) -> None:
    """Text, binary, that it missed something: nothing is decided in between."""
    async with running() as rig:
        host = DaemonHost(rig.hub, rig.metrics)
        peer = rig.connect()
        rig.hub.detach(peer.outlet)
        host.attach(peer.outlet)
        host.on_texts(peer.outlet, [b'{"type":"ping"}'])
        host.on_slow(peer.outlet, b'{"type":"ping"}', is_text=True)
        host.on_slow(peer.outlet, b"\0", is_text=False)
        assert [frame["code"] for frame in peer.take()] == [
            "not_authenticated",
            "not_authenticated",
            "bad_frame",
        ]
        host.gapped(peer.outlet)
        assert "chatd_gaps_total 1.0" in rig.metrics.text().decode()
