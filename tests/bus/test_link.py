"""Connections to a server that says what the test wants, under a clock that jumps."""

from __future__ import annotations

from collections.abc import Callable

import attrs
import hiredis
import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from chatd.bus import dialing
from chatd.bus.dialing import NOTHING, Away, Dialed, judge
from chatd.bus.link import ALIVE_S
from chatd.bus.listener import Listener
from chatd.bus.publisher import MESSAGE_BYTES, Publisher
from chatd.bus.refusals import meaning
from chatd.config import BusAddress

ALIVE = b"%2\r\n$6\r\nserver\r\n$6\r\nvalkey\r\n$4\r\nrole\r\n$6\r\nmaster\r\n"


@attrs.define(eq=False)
class Scripted(trio.abc.Stream):
    """Gives what it is given, and keeps what is sent."""

    sent: list[bytes] = attrs.field(factory=list)
    has_sent: trio.Event = attrs.field(factory=trio.Event)
    closed: bool = False
    _gives: trio.MemorySendChannel[bytes] = attrs.field(init=False)
    _given: trio.MemoryReceiveChannel[bytes] = attrs.field(init=False)
    blocks: bool = False
    """Whether nothing can be sent."""

    def __attrs_post_init__(self) -> None:
        self._gives, self._given = trio.open_memory_channel[bytes](1000)

    def give(self, *data: bytes) -> None:
        for one in data:
            self._gives.send_nowait(one)

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        return await self._given.receive()

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        await trio.lowlevel.checkpoint()
        self.sent.append(bytes(data))
        self.has_sent.set()
        if self.blocks:
            await trio.sleep_forever()

    async def wait_send_all_might_not_block(self) -> None:
        await trio.lowlevel.checkpoint()

    async def aclose(self) -> None:
        self.closed = True
        await trio.lowlevel.checkpoint()

    def dialed(self) -> Dialed:
        return Dialed(self, hiredis.Reader(notEnoughData=NOTHING), "valkey 9")


def no_news() -> None:
    """Nobody wants to know."""


FOLLOWED = (
    b">3\r\n$10\r\nssubscribe\r\n$3\r\nt:a\r\n:1\r\n"
    b">3\r\n$10\r\nssubscribe\r\n$3\r\nt:b\r\n:2\r\n"
) + ALIVE
MESSAGES = (
    b">3\r\n$8\r\nsmessage\r\n$3\r\nt:a\r\n$5\r\n\r\n\0\xff1\r\n"
    b">3\r\n$8\r\nsmessage\r\n$3\r\nt:x\r\n$1\r\n2\r\n"
    b">3\r\n$12\r\nsunsubscribe\r\n$3\r\nt:b\r\n:1\r\n"
    b">3\r\n$8\r\nsmessage\r\n$3\r\nt:a\r\n$0\r\n\r\n"
)


async def test_bytes_may_be_split_anywhere(mock_clock: MockClock) -> None:
    """What is heard is the same, and a stream that is not followed is not heard."""
    whole = FOLLOWED + MESSAGES
    for at in range(1, len(whole)):
        stream, heard = Scripted(), list[tuple[str, bytes]]()
        listener = Listener("t:", no_news)
        listener.heard = lambda *one, heard=heard: heard.append(one)
        listener.follow(["a", "b"])
        async with trio.open_nursery() as nursery:
            nursery.start_soon(listener.serve, stream.dialed())
            await wait_all_tasks_blocked()
            listener.follow([], ["b"])
            await wait_all_tasks_blocked()
            stream.give(whole[:at])
            await wait_all_tasks_blocked()
            assert listener.is_complete == (at >= FOLLOWED.index(b"\x252"))
            stream.give(whole[at:])
            await wait_all_tasks_blocked()
            await listener.following()
            nursery.cancel_scope.cancel()
        assert heard == [("a", b"\r\n\0\xff1"), ("a", b"")]
        assert stream.closed


@pytest.mark.parametrize("answers", [0, 3])
async def test_a_silent_server_is_gone_within_two_seconds(
    autojump_clock: MockClock, answers: int
) -> None:
    """Whenever it fell silent: each second it is asked, and has as long to answer."""
    stream = Scripted()
    publisher = Publisher("t:", no_news)
    began = trio.current_time()

    async def answer() -> None:
        for _ in range(answers):
            stream.give(ALIVE)
            await trio.sleep(ALIVE_S)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(answer)
        why = await publisher.serve(stream.dialed())
    assert why == "has been silent for 1 s"
    assert trio.current_time() - began <= max(0, answers - 1) * ALIVE_S + 2 * ALIVE_S
    assert not publisher.is_complete
    assert stream.closed


async def test_a_server_that_takes_nothing_is_gone_too(
    autojump_clock: MockClock,
) -> None:
    """What cannot be sent holds nobody up, and is not lost."""
    stream = Scripted(blocks=True)
    publisher = Publisher("t:", no_news)
    publisher.publish([("a", b"1")])
    assert await publisher.serve(stream.dialed()) == "has been silent for 1 s"
    stream = Scripted()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(publisher.serve, stream.dialed())
        await stream.has_sent.wait()
        assert published(stream) == [b"1"]
        nursery.cancel_scope.cancel()


def published(stream: Scripted) -> list[bytes]:
    """The messages that were sent."""
    reader = hiredis.Reader()
    reader.feed(b"".join(stream.sent))
    found = []
    while (words := reader.gets()) is not False:
        if words[0] == b"SPUBLISH":
            found.append(words[2])
    return found


async def test_all_that_has_gathered_is_sent_at_once(
    mock_clock: MockClock,
) -> None:
    """One call of the kernel, however often somebody published meanwhile."""
    stream = Scripted()
    publisher = Publisher("t:", no_news)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(publisher.serve, stream.dialed())
        await wait_all_tasks_blocked()
        stream.sent.clear()
        for n in range(100):
            publisher.publish([("a", b"%d" % n), ("b", b"")])
        await wait_all_tasks_blocked()
        assert len(stream.sent) == 1
        assert len(published(stream)) == 200
        nursery.cancel_scope.cancel()


async def test_what_was_not_confirmed_is_sent_again_before_what_waits(
    mock_clock: MockClock,
) -> None:
    """In the order in which it was published; what was confirmed is not."""
    publisher = Publisher("t:", no_news)
    first, second = Scripted(), Scripted()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(publisher.serve, first.dialed())
        await wait_all_tasks_blocked()
        publisher.publish(("a", b"%d" % n) for n in range(3))
        await wait_all_tasks_blocked()
        first.give(b":1\r\n", b"")
    publisher.publish([("a", b"3")])
    async with trio.open_nursery() as nursery:
        nursery.start_soon(publisher.serve, second.dialed())
        await wait_all_tasks_blocked()
        assert published(second) == [b"1", b"2", b"3"]
        second.give(b":0\r\n" * 3 + ALIVE)
        await wait_all_tasks_blocked()
        assert publisher.is_complete
        assert not publisher._bytes
        nursery.cancel_scope.cancel()


async def test_what_waits_has_a_bound(mock_clock: MockClock) -> None:
    """Beyond it all of it is given up together, and what was sent is not."""
    publisher = Publisher("t:", no_news, waiting_bytes=10_000)
    stream = Scripted()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(publisher.serve, stream.dialed())
        await wait_all_tasks_blocked()
        publisher.publish([("a", b"sent")])
        await wait_all_tasks_blocked()
        stream.blocks = True
        publisher.publish([("a", b"on its way")])
        await wait_all_tasks_blocked()
        publisher.publish([("a", b"x" * 3000)] * 3)
        assert publisher.lost == 0
        publisher.publish([("a", b"x" * 3000), ("a", b"y")])
        assert publisher.lost == 5
        publisher.publish([("a", b"z"), ("a", b"0" * (MESSAGE_BYTES + 1))])
        assert publisher.lost == 6
        stream.give(b"")
    again = Scripted()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(publisher.serve, again.dialed())
        await wait_all_tasks_blocked()
        assert published(again) == [b"sent", b"on its way", b"z"]
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (b"", "has closed the connection"),
        (b"-MOVED 1 h:1\r\n", "is in cluster mode"),
        (b"-NOPERM no permissions\r\n", "does not permit that"),
        (b"HTTP/1.1 400 Bad Request\r\n", "answers what no server of Valkey does"),
        (b":1\r\n", "answers what it was not asked"),
        (b">1\r\n+x\r\n", "answers what it was not asked"),
        (b"%1\r\n$4\r\nrole\r\n$7\r\nreplica\r\n", "is a replica"),
    ],
)
@pytest.mark.parametrize(
    "make", [lambda: Publisher("t:", no_news), lambda: Listener("t:", no_news)]
)
async def test_what_is_no_answer_ends_the_connection(
    autojump_clock: MockClock,
    make: Callable[[], Publisher | Listener],
    said: bytes,
    why: str,
) -> None:
    """It is said, and it is for whoever keeps the connections to go on."""
    stream = Scripted()
    stream.give(said)
    assert (await make().serve(stream.dialed())).startswith(why)
    assert stream.closed


@pytest.mark.parametrize(
    ("error", "why"),
    [
        ("ERR unknown command `HELLO`, with args: `AUTH`, `x`, `secret`", "is too old"),
        ("NOPROTO unsupported protocol version", "is too old"),
        ("DENIED Redis is running in protected mode", "is in protected mode"),
        ("LOADING it is loading the dataset", "is starting"),
        ("ERR odd\nthing, with args beginning with: 'secret'", "says: ERR odd thing"),
    ],
)
def test_errors_say_what_to_do(error: str, why: str) -> None:
    """And have nothing of the command, in which the password is."""
    assert meaning(error).startswith(why)
    assert "secret" not in meaning(error)


@pytest.mark.parametrize(
    ("properties", "why"),
    [
        (
            {b"server": b"redis", b"version": b"6.2.1"},
            "is too old: .*; this one is 6.2.1",
        ),
        ({b"server": b"redis", b"version": b"next"}, "is too old"),
        (
            {b"server": b"redis", b"mode": b"sentinel", b"version": b"7.0"},
            "is a Sentinel",
        ),
        ([b"server", b"redis"], "answers what no server of Valkey does"),
    ],
)
def test_a_greeting_that_is_none(properties: object, why: str) -> None:
    """It is refused before anything is entrusted to it."""
    with pytest.raises(Away, match=why):
        judge(properties)


def test_servers_that_do() -> None:
    """Each Valkey, and Redis since 7."""
    assert judge({b"server": b"redis", b"version": b"7.0.15"}) == "redis 7.0.15"
    assert judge({b"server": b"valkey", b"version": b"9.1.2"}) == "valkey 9.1.2"


async def test_a_server_that_does_not_greet(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has five seconds, or may end it; nothing is left open."""
    stream = Scripted()

    async def connect(_address: object) -> trio.abc.Stream:
        return stream

    monkeypatch.setattr(dialing, "_connect", connect)
    address = BusAddress(host="h")
    with pytest.raises(Away, match="does not answer within 5 s"):
        await dialing.dial(address)
    assert stream.closed
    stream = Scripted()
    stream.give(b"")
    with pytest.raises(Away, match="is it for TLS"):
        await dialing.dial(address)
    stream = Scripted()
    stream.give(b"HTTP/1.1 400\r\n")
    with pytest.raises(Away, match="answers what no server"):
        await dialing.dial(address)
    # What comes with the greeting is not lost.
    stream = Scripted()
    stream.give(ALIVE[:9], ALIVE[9:] + b":1\r\n")
    dialed = await dialing.dial(address)
    assert dialed.reader.gets() == 1
