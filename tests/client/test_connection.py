"""The Trio adapter against scripted servers on loopback."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from random import Random
from typing import Any

import pytest
import trio
import trio.testing
from trio_websocket import (
    ConnectionClosed,
    WebSocketConnection,
    WebSocketRequest,
    serve_websocket,
)

from chatd.client import (
    Client,
    CommandRefused,
    Credential,
    Unreachable,
    open_client,
)
from chatd.client import connection as adapter
from chatd.client.dial import SEND_BYTES, SEND_TIMEOUT_S, Line

Frame = dict[str, Any]
Script = Callable[["Peer"], Awaitable[None]]
EPOCH = "8f3c21d07be945aa"
PATIENCE_S = 30.0


class Eager(Random):
    """Comes back without waiting."""

    def uniform(self, a: float, b: float) -> float:
        return 0.0


class Peer:
    """The server's end of one connection."""

    def __init__(self, websocket: WebSocketConnection) -> None:
        self.websocket = websocket

    async def next(self, kind: str) -> Frame:
        frame: Frame = json.loads(await self.websocket.get_message())
        assert frame["type"] == kind
        return frame

    async def give(self, **frame: Any) -> None:
        await self.websocket.send_message(json.dumps(frame))

    async def welcome(self) -> Frame:
        hello = await self.next("hello")
        more = {"user": "ann~4f7k", "session": "secret", "rooms": []}
        await self.give(type="welcome", heartbeat=25, suggested=["lobby"], **more)
        return hello

    async def until_hello(self) -> None:
        await self.next("hello")

    async def until_closed(self) -> int:
        with pytest.raises(ConnectionClosed):
            while True:
                await self.websocket.get_message()
        assert self.websocket.closed is not None
        return self.websocket.closed.code


@asynccontextmanager
async def served(*scripts: Script) -> AsyncIterator[str]:
    """Play one script per connection; the next ones are refused with 503."""
    waiting = list(scripts)

    async def handle(request: WebSocketRequest) -> None:
        if not waiting:
            await request.reject(503, extra_headers=[(b"Retry-After", b"0")])
            return
        script = waiting.pop(0)
        websocket = await request.accept(subprotocol="chatd.v1")
        async with websocket:
            await script(Peer(websocket))

    with trio.fail_after(PATIENCE_S):
        async with trio.open_nursery() as nursery:
            server = await nursery.start(
                lambda task_status: serve_websocket(
                    handle, "127.0.0.1", 0, None, task_status=task_status
                )
            )
            yield f"ws://127.0.0.1:{server.port}/ws"
            nursery.cancel_scope.cancel()


async def next_of(client: Client, kind: str) -> Frame:
    """Return the next event of a type, and drop those before it."""
    async for event in client:
        if event["type"] == kind:
            return event
    raise AssertionError(f"no {kind} before the end")


async def test_request_returns_its_reply_and_close_is_proper() -> None:
    """A reply finds its request; leaving the block closes with 1000."""
    codes = []

    async def script(peer: Peer) -> None:
        await peer.welcome()
        send = await peer.next("send")
        await peer.give(type="ok", re="send", id=send["id"], room="lobby", seq=1)
        codes.append(await peer.until_closed())

    async with served(script) as url:
        async with open_client(url, Credential(name="ann")) as client:
            reply = await client.send("lobby", "hi")
            assert (reply["seq"], "id" in reply) == (1, False)
        assert [event["type"] async for event in client] == ["welcome", "offline"]
        with pytest.raises(CommandRefused):
            await client.send("lobby", "late")
    assert codes == [1000]


async def test_it_comes_back_and_sends_again_what_was_not_answered() -> None:
    """A lost connection is not the user's business: same session, same cid."""
    sends: list[Frame] = []
    hellos: list[Frame] = []

    async def loses(peer: Peer) -> None:
        hellos.append(await peer.welcome())
        sends.append(await peer.next("send"))

    async def answers(peer: Peer) -> None:
        hellos.append(await peer.welcome())
        sends.append(await peer.next("send"))
        await peer.give(type="ok", re="send", id=sends[-1]["id"], seq=1, dup=True)
        await peer.until_closed()

    async def restarts(peer: Peer) -> None:
        await peer.next("hello")
        await peer.give(type="bye", code=4001, reason="restart", after=0)
        await peer.websocket.aclose(4001)

    async def refuses(peer: Peer) -> None:
        await peer.websocket.aclose(1011)

    async with (
        served(loses_as(4002, loses), restarts, refuses, answers) as url,
        open_client(url, rng=Eager(1)) as client,
    ):
        assert (await client.send("lobby", "hi"))["dup"]
        assert [event["type"] async for event in first(client, 6)] == [
            "welcome",
            "offline",
            "bye",
            "offline",
            "offline",
            "welcome",
        ]
    assert sends[0] == sends[1]
    assert hellos[1] == {"type": "hello", "session": "secret"}


def loses_as(code: int, script: Script) -> Script:
    """Close with a code after a script."""

    async def play(peer: Peer) -> None:
        await script(peer)
        await peer.websocket.aclose(code)

    return play


async def first(client: Client, count: int) -> AsyncIterator[Frame]:
    """Yield so many events."""
    for _ in range(count):
        yield await client.__anext__()


async def test_a_code_that_says_stop_ends_requests_and_iteration() -> None:
    """After 4506 nobody waits any more."""

    async def script(peer: Peer) -> None:
        await peer.welcome()
        await peer.next("who")
        await peer.websocket.aclose(4506)

    async with served(script) as url, open_client(url) as client:
        with pytest.raises(CommandRefused) as refused:
            await client.request({"type": "who", "room": "lobby"})
        assert refused.value.code == "offline"
        events = [event async for event in client]
        assert (events[-1]["code"], events[-1]["after"]) == (4506, None)
        await client.answered()


async def test_a_join_is_answered_to_both_and_post_by_an_event() -> None:
    """Whoever holds a room needs the ok of its join in the order of events."""

    async def script(peer: Peer) -> None:
        await peer.welcome()
        join = await peer.next("join")
        more = {"room": "lobby", "epoch": EPOCH, "seq": 0}
        await peer.give(type="ok", re="join", id=join["id"], **more)
        ping = await peer.next("ping")
        await peer.give(type="ok", re="ping", id=ping["id"])
        await peer.until_closed()

    async with served(script) as url, open_client(url) as client:
        joined = await client.join("lobby", last=5)
        assert await next_of(client, "ok") == joined
        await client.post({"type": "ping", "id": "mine"})
        assert await next_of(client, "ok") == {"type": "ok", "re": "ping", "id": "mine"}


async def test_refusals_and_failures_of_the_first_connection() -> None:
    """The block is not entered; the exception says which of the two it was."""

    async def wrong(peer: Peer) -> None:
        await peer.next("hello")
        text = "name or password is wrong"
        await peer.give(type="error", re="hello", code="bad_credentials", text=text)
        await peer.until_closed()

    async with served(wrong, loses_as(4503, Peer.until_hello)) as url:
        with pytest.raises(CommandRefused, match="name or password is wrong"):
            async with open_client(url):
                raise AssertionError
        with pytest.raises(CommandRefused, match="banned"):
            async with open_client(url):
                raise AssertionError
        with pytest.raises(Unreachable, match="503"):
            async with open_client(url):
                raise AssertionError
    with pytest.raises(Unreachable, match="nothing listens"):
        async with open_client(url):
            raise AssertionError
    with pytest.raises(ValueError, match="wss"):
        async with open_client("http://127.0.0.1/"):
            raise AssertionError


async def test_who_does_not_read_stops_the_server_and_loses_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Events wait up to a bound; all are there once they are read."""
    monkeypatch.setattr(adapter, "EVENTS_MAX", 10)
    count = 500

    async def script(peer: Peer) -> None:
        await peer.welcome()
        for number in range(count):
            await peer.give(type="typing", room="lobby", number=number)
        await peer.until_closed()

    async with served(script) as url, open_client(url) as client:
        await trio.testing.wait_all_tasks_blocked(0.05)
        assert len(client._events) == 10
        numbers = [
            event["number"]
            async for event in first(client, count + 1)
            if "number" in event
        ]
    assert numbers == list(range(count))


async def test_a_frame_that_takes_its_time_is_waited_for(
    autojump_clock: trio.testing.MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Single bytes for half an hour are no silence; a minute without one is."""
    monkeypatch.setitem(globals(), "PATIENCE_S", 1e6)

    async def script(peer: Peer) -> None:
        await peer.welcome()
        text = json.dumps({"type": "typing", "room": "lobby"}).encode()
        for byte in bytes((0x81, len(text))) + text:
            await trio.sleep(45)
            await peer.websocket._stream.send_all(bytes((byte,)))
        assert (await peer.next("ping"))["type"] == "ping"
        await peer.until_closed()

    async with served(script, Peer.until_hello) as url, open_client(url) as client:
        began = trio.current_time()
        assert (await next_of(client, "typing"))["room"] == "lobby"
        heard = trio.current_time()
        assert heard - began > 1500
        assert (await next_of(client, "offline"))["code"] is None
        assert 60 <= trio.current_time() - heard <= 63


async def test_whoever_takes_no_events_is_not_left_by_his_own_client(
    autojump_clock: trio.testing.MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While nothing is read, the server's silence says nothing."""
    monkeypatch.setitem(globals(), "PATIENCE_S", 1e6)
    monkeypatch.setattr(adapter, "EVENTS_MAX", 10)

    async def script(peer: Peer) -> None:
        await peer.welcome()
        for _ in range(100):
            await peer.give(type="typing", room="lobby")
        await peer.until_closed()

    async with served(script) as url, open_client(url) as client:
        await trio.sleep(3600)
        kinds = [event["type"] async for event in first(client, 101)]
        assert kinds == ["welcome"] + ["typing"] * 100


async def test_sending_has_its_time_by_its_progress(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """A frame may take for ever, in parts that each may take a minute."""
    ours, theirs = trio.testing.lockstep_stream_pair()
    line = Line(ours, lambda: None)
    data = bytes(20 * SEND_BYTES)

    async def take() -> None:
        got = 0
        while got < len(data):
            await trio.sleep(SEND_TIMEOUT_S - 1)
            got += len(await theirs.receive_some(SEND_BYTES))

    began = trio.current_time()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(take)
        await line.send_all(data)
    assert trio.current_time() - began > 1000
    began = trio.current_time()
    with pytest.raises(trio.TooSlowError):
        await line.send_all(data)
    assert trio.current_time() - began == SEND_TIMEOUT_S


async def test_commands_are_bounded_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who writes faster than the server answers waits, and may stop waiting."""
    monkeypatch.setattr(adapter, "UNANSWERED_MAX", 3)

    async def script(peer: Peer) -> None:
        await peer.welcome()
        await peer.until_closed()

    async with served(script) as url, open_client(url) as client:
        for _ in range(3):
            await client.post({"type": "ping"})
        with trio.move_on_after(0.05) as scope:
            await client.post({"type": "ping"})
        assert scope.cancelled_caught
        assert client.core.unanswered == 3


async def test_cancelling_ends_everything() -> None:
    """Nothing of a client outlives its block, whatever the peer does."""

    async def silent(peer: Peer) -> None:
        await peer.welcome()
        await peer.until_closed()

    async with served(silent) as url:
        with trio.move_on_after(0.2) as scope:
            async with open_client(url) as client:
                await client.request({"type": "ping"})
        assert scope.cancelled_caught
