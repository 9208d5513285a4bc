"""What becomes of the bus when its server, or the way there, is not what it was."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio

from tests.bus.support import Ear, eventually, listening, served
from tests.logs import capture_logs
from tests.relay import Relay
from tests.valkey import Server

STREAMS = ("a", "b", "c")


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Server]:
    """A server that the test may ill-treat."""
    with served(tmp_path) as server:
        yield server


async def talks(ear: Ear, text: bytes) -> None:
    """See to it that all that is followed arrives, from both connections."""
    before = len(ear.heard)
    ear.bus.publish((stream, text) for stream in STREAMS)
    await ear.until(lambda: len(ear.heard) >= before + len(STREAMS))
    assert ear.heard[before:] == [(stream, text) for stream in STREAMS]


async def test_a_server_that_is_killed_and_comes_back_empty(own: Server) -> None:
    """What is followed is followed again, with what has changed meanwhile."""
    with capture_logs() as lines:
        async with listening(own.url, *STREAMS) as ann:
            await talks(ann, b"before")
            own.stop(signal.SIGKILL)
            await ann.is_down()
            assert ann.times_back == 1
            ann.bus.follow(["d"], ["a"])
            with trio.move_on_after(0):
                await ann.bus.following()
                raise AssertionError("nothing arrives")
            own.start()
            with trio.fail_after(60):
                await ann.bus.following()
            await ann.until(lambda: ann.times_back == 2)
            ann.bus.follow(["a"])
            await ann.bus.following()
            ann.bus.publish([("d", b"followed meanwhile")])
            await ann.until(lambda: ann.messages[3:] == [b"followed meanwhile"])
            await talks(ann, b"after")
    # One line for each thing that was so, however often it was tried.
    said = [line["event"] for line in lines]
    assert len(said) == len(set(said)) + 1
    assert said[0] == said[-1] == "the bus is there"
    assert {line["level"] for line in lines[1:-1]} == {"warning"}


async def test_a_server_that_stands_still(own: Server) -> None:
    """It is away, although its connections are there; then it is back."""
    with capture_logs() as lines:
        async with listening(own.url, *STREAMS) as ann:
            own.send(signal.SIGSTOP)
            await ann.is_down()
            assert lines[-1]["event"] == "the bus has been silent for 1 s"
            own.send(signal.SIGCONT)
            await ann.until(lambda: ann.times_back == 2)
            await talks(ann, b"after")


async def test_the_server_ends_who_reads_too_slowly(own: Server) -> None:
    """Its bound is that of `client-output-buffer-limit pubsub`; all is asked anew."""
    own.say("CONFIG", "SET", "client-output-buffer-limit", "pubsub 256kb 0 0")
    async with listening(own.url, *STREAMS) as ann:

        def stand_still() -> None:
            ann.on_message = lambda: None
            for _ in range(600):
                own.say("SPUBLISH", "chatd:test:b", "x" * 5000)

        ann.on_message = stand_still
        ann.bus.publish([("a", b"")])
        await ann.until(lambda: ann.times_back == 2)
        assert len(ann.heard) < 601
        ann.heard.clear()
        await talks(ann, b"after")


@pytest.mark.parametrize("kind", ["normal", "pubsub"])
async def test_either_connection_can_be_lost_alone(own: Server, kind: str) -> None:
    """The other one stays; the bus is not up until both are."""
    async with listening(own.url, *STREAMS) as ann:
        own.say("CLIENT", "KILL", "TYPE", kind)
        await ann.until(lambda: ann.times_back == 2)
        await talks(ann, b"after")


async def test_what_the_server_has_not_confirmed_is_sent_again(own: Server) -> None:
    """Whoever follows may get it twice, in order, and nothing is missing."""
    async with (
        listening(own.url, *STREAMS) as ann,
        listening(own.url, *STREAMS) as bob,
    ):
        numbers = [b"%d" % n for n in range(2000)]
        for n, number in enumerate(numbers):
            bob.bus.publish([("a", number)])
            await trio.lowlevel.checkpoint()
            if n == 1000:
                own.say("CLIENT", "KILL", "TYPE", "normal")
        await ann.until(lambda: numbers[-1] in ann.messages)
        first = list(dict.fromkeys(ann.messages))
        assert first == numbers
        assert bob.bus.lost == 0


async def test_a_server_that_became_a_replica_is_left(own: Server) -> None:
    """From it nothing would reach who is at the new primary."""
    with capture_logs() as lines:
        async with listening(own.url, *STREAMS) as ann:
            own.say("REPLICAOF", "127.0.0.1", "1")
            await ann.is_down()
            assert lines[-1]["event"].startswith("the bus is a replica")
            own.say("REPLICAOF", "NO", "ONE")
            await ann.until(lambda: ann.times_back == 2)
            await talks(ann, b"after")


@asynccontextmanager
async def relayed(server: Server) -> AsyncIterator[tuple[Relay, str]]:
    """Run a relay to a server; with its URL."""
    found = Relay(server.directory / "relay", server.path)
    async with trio.open_nursery() as nursery:
        await nursery.start(found.run)
        yield found, f"unix://{found.here}"
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize("way", ["there", "back"])
async def test_a_way_that_is_cut_in_one_direction(own: Server, way: str) -> None:
    """Nobody closes anything, and the silence says it; others get what waited."""
    with capture_logs() as lines:
        async with (
            relayed(own) as (between, url),
            listening(url, *STREAMS) as ann,
            listening(own.url, *STREAMS) as bob,
        ):
            await talks(ann, b"before")
            between.hold(there=way == "there", back=way == "back")
            ann.bus.publish([("a", b"on its way")])
            await ann.is_down()
            assert lines[-1]["event"] == "the bus has been silent for 1 s"
            between.release()
            await ann.until(lambda: ann.times_back == 2)
            await bob.until(lambda: b"on its way" in bob.messages)
            # Here it may come as well, or it came before all was followed again.
            await eventually(lambda: not ann.bus._publisher._sent)
            ann.bus.publish([("c", b"the end")])
            await ann.until(lambda: ann.messages[-1:] == [b"the end"])
            ann.heard.clear()
            await talks(ann, b"after")


async def test_nobody_is_there_yet(tmp_path: Path) -> None:
    """A node starts without the bus, says so once, and has it when it comes."""
    url = f"unix://{tmp_path / 'socket'}"
    with capture_logs() as lines:
        async with listening(url, *STREAMS, up=False) as ann:
            await eventually(lambda: bool(lines))
            assert not ann.bus.is_up
            with served(tmp_path):
                await ann.until(lambda: ann.times_back == 1)
                await talks(ann, b"then")
                assert [line["event"] for line in lines] == [
                    "the bus is not reached: No such file or directory",
                    "the bus is there",
                ]
