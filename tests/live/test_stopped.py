"""A daemon that is stopped (SIGSTOP) for longer than any of its time-outs.

As a machine does that is suspended, or whose memory is being copied: the network is
there, and nobody answers. When it goes on, all its deadlines have passed at once.
"""

from __future__ import annotations

import signal
from contextlib import suppress
from pathlib import Path

import trio
from websockets.exceptions import ConnectionClosed

from tests.live.daemon import PATIENCE_S, Frame, Person, person, start
from tests.live.test_kill import KILLS, WRITERS, Tally, Writer, end, until_gone, verify

STOPPED_S = 4.0
"""Longer than the sum of any two of the time-outs below."""
ENV = {
    "CHATD_HEARTBEAT__INTERVAL_S": "1",
    "CHATD_HEARTBEAT__TIMEOUT_S": "1",
    "CHATD_LIMITS__WRITE_TIMEOUT_S": "1",
    "CHATD_PRESENCE__GRACE_S": "0.5",
    "CHATD_PRESENCE__TICK_S": "0.05",
    "CHATD_STORE__STALL_TIMEOUT_S": "1",
    "CHATD_LIMITS__MESSAGES_PER_S": "0",
    "CHATD_LIMITS__COMMANDS_PER_S": "0",
    "CHATD_HISTORY__REPLAY_MAX": "0",
}


def go(who: Person) -> None:
    """Close a connection as the kernel does when its program ends."""
    stream = who.ws.stream
    assert isinstance(stream, trio.SocketStream)
    stream.socket.shutdown(trio.socket.SHUT_RDWR)


async def follow(ann: Person, heard: list[Frame], left: trio.Event) -> None:
    """Take down what is told of who is there, and say that somebody has left."""
    with suppress(ConnectionClosed):
        while True:
            frame = await ann.hear()
            if frame["type"] == "presence":
                heard.append(frame)
                if "leave" in frame:
                    left.set()


async def test_a_daemon_that_is_stopped_for_a_while(tmp_path: Path) -> None:
    """Nobody is cut off or told that others have gone; who has gone meanwhile is; what
    was acknowledged is there once, and what was sent is acknowledged.
    """
    data, tally = tmp_path / "data", Tally()
    daemon = await start(data, env=ENV)
    writers = [Writer(f"w{number}", tally) for number in range(WRITERS)]
    heard, left = list[Frame](), trio.Event()
    async with person(daemon.url) as ann, person(daemon.url) as bob:
        gone = (await bob.hello(name="bob"))["user"]
        await ann.hello(name="ann")
        for one in (ann, bob):
            await one.ask(type="join", room="lobby")
        async with trio.open_nursery() as nursery:
            for writer in writers:
                nursery.start_soon(until_gone, writer, daemon)
            nursery.start_soon(follow, ann, heard, left)
            nursery.start_soon(follow, bob, [], trio.Event())
            with trio.fail_after(PATIENCE_S):
                await tally.aim(WRITERS * KILLS).wait()
                await daemon.stop()
                go(bob)
                await trio.sleep(STOPPED_S / 2)
                before = tally.count
                await trio.sleep(STOPPED_S / 2)
                assert tally.count == before, "a daemon that is stopped has answered"
                heard.clear()
                daemon.signal(signal.SIGCONT)
                await tally.aim(WRITERS * KILLS).wait()
                await left.wait()
            daemon.is_doomed = True
            daemon.signal(signal.SIGTERM)
        (frame,) = [frame for frame in heard if "leave" in frame]
        assert (frame["leave"], frame["online"]) == ([gone], 1 + WRITERS)
    assert await daemon.wait() == 0
    daemon = await start(data, env=ENV)
    await verify(daemon, writers)
    await end(daemon)
    log = daemon.log_text()
    assert "Traceback" not in log
    assert " error " not in log
