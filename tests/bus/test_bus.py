"""Publishing and following, over a real server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import trio

from tests.bus.support import listening, served
from tests.valkey import Server, redis, server, valkey


@pytest.fixture(params=[valkey, redis], scope="module")
def each(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """A server of either kind."""
    if request.param is valkey:
        yield server()
    else:
        with served(tmp_path_factory.mktemp("redis"), program=redis()) as found:
            yield found


async def test_all_that_is_followed_arrives_in_order(each: Server) -> None:
    """It is published by two, in batches of any size, and read as it was sent."""
    async with (
        listening(each.url, "room:1", "*") as ann,
        listening(each.url, "room:1") as bob,
    ):
        numbers = range(3000)
        for first in range(0, 3000, 100):
            ann.bus.publish(("room:1", b"%d" % n) for n in numbers[first : first + 100])
            await trio.lowlevel.checkpoint()
        ann.bus.publish([("room:2", b"for nobody"), ("*", b"\0\r\n\xff")])
        await ann.until(lambda: len(ann.heard) == 3001)
        await bob.until(lambda: len(bob.heard) == 3000)
        assert bob.heard == [("room:1", b"%d" % n) for n in numbers]
        assert ann.heard == [*bob.heard, ("*", b"\0\r\n\xff")]
        assert ann.bus.lost == 0


async def test_what_is_followed_can_change(each: Server) -> None:
    """What `following` has waited for arrives; what is unfollowed does not."""
    async with listening(each.url) as ann, listening(each.url) as bob:
        assert ann.times_back == 1
        ann.bus.follow(["a", "b", "a"])
        await ann.bus.following()
        bob.bus.publish([("a", b"1"), ("b", b"2"), ("c", b"3")])
        await ann.until(lambda: len(ann.heard) == 2)
        # Of what comes together the last counts, and a stream can be in both.
        ann.bus.follow(["c"], ["a"])
        ann.bus.follow(["b", "d"], ["b", "d", "x"])
        await ann.bus.following()
        bob.bus.publish([("a", b"4"), ("b", b"5"), ("d", b"6"), ("c", b"7")])
        await ann.until(lambda: len(ann.heard) == 5)
        assert ann.messages == [b"1", b"2", b"5", b"6", b"7"]
        assert ann.times_back == 1


async def test_thousands_of_streams_are_followed_at_once(each: Server) -> None:
    """Whoever waits for them knows that the last one is, too."""
    prefix = "chatd:many:"
    async with listening(each.url, prefix=prefix) as ann:
        many = [f"room:{n}" for n in range(20_000)]
        ann.bus.follow(many)
        await ann.bus.following()
        assert len(each.say("PUBSUB", "SHARDCHANNELS", f"{prefix}*")) == 20_000
        ann.bus.follow([], many[:-1])
        await ann.bus.following()
        assert each.say("PUBSUB", "SHARDCHANNELS", f"{prefix}*") == [prefix + many[-1]]


async def test_two_clusters_can_have_one_server() -> None:
    """Each has its own prefix."""
    url = server().url
    async with (
        listening(url, "a", prefix="chatd:1:") as ann,
        listening(url, "a", prefix="chatd:2:") as bob,
    ):
        ann.bus.publish([("a", b"1")])
        bob.bus.publish([("a", b"2")])
        await ann.until(lambda: len(ann.heard) == 1)
        await bob.until(lambda: len(bob.heard) == 1)
        assert (ann.messages, bob.messages) == ([b"1"], [b"2"])


async def test_what_is_heard_may_raise() -> None:
    """A fault of whoever hears is not one of the connection: it comes out."""
    async with listening(server().url, up=False) as bob:
        await bob.is_up()
        with pytest.RaisesGroup(ZeroDivisionError, flatten_subgroups=True):
            async with listening(server().url, "fault") as ann:
                ann.on_message = lambda: bool(1 / 0)
                bob.bus.publish([("fault", b"")])
                await trio.sleep_forever()


async def test_nobody_is_on_the_server_afterwards(tmp_path: Path) -> None:
    """Both connections are closed with the bus."""
    with served(tmp_path) as own:
        async with listening(own.url, "a"):
            assert own.say("CLIENT", "LIST").count("name=chatd ") == 2
        assert own.say("CLIENT", "LIST").count("name=chatd ") == 0
