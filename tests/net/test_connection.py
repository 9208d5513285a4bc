from __future__ import annotations

import functools
import gc
import itertools
import weakref
from collections.abc import Sequence
from contextlib import suppress

import attrs
import pytest
import trio
import trio.testing

from chatd.errors import Ending
from chatd.ids import RoomName
from chatd.net.host import WebSocketLimits
from chatd.net.intake import READ_BYTES
from chatd.net.keepalive import judge
from chatd.net.scanner import Lane
from chatd.net.tls import RECORD_BYTES
from chatd.net.websocket import SLOW_COUNTS, TURN_MESSAGES, WebSocketStream
from chatd.ports import Entry, EntryKind, Outlet
from chatd.wire import framing
from tests.net import echo
from tests.net.echo import (
    FREE,
    EchoHost,
    Peer,
    closing,
    frames_of,
    masked,
    reply,
    text,
)
from tests.passes import passes

LOBBY = RoomName("lobby")
TINY = 4096
"""A send buffer that one message fills."""
LIMITS = attrs.evolve(FREE, outbox_soft_bytes=20_000, outbox_hard_bytes=100_000)
idle = trio.testing.wait_all_tasks_blocked
connected = echo.connected


@pytest.fixture(autouse=True, params=["plain", "tls"])
def transport(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever holds of a connection holds of an encrypted one."""
    over = functools.partial(echo.connected, tls=request.param == "tls")
    monkeypatch.setitem(globals(), "connected", over)


def code_of(peer: Peer) -> int:
    """The code of the close frame, which must be the last frame."""
    opcode, payload = peer.frames()[-1]
    assert opcode == 8
    return int.from_bytes(payload[:2], "big")


async def until_end(peer: Peer) -> None:
    """Read until the server ends, and say nothing. Cancellation: safe."""
    with suppress(OSError):
        while await (peer.secret or peer.sock).recv(65_536):
            pass


def event(seq: int, kind: EntryKind = EntryKind.ROOM) -> Entry:
    """A room event of 520 bytes."""
    data = framing.text_frame(f"lobby {seq}-{seq} ".encode().ljust(516, b"."))
    return Entry(LOBBY, seq, seq, kind, data)


def seqs(peer: Peer) -> list[tuple[int, int]]:
    """The ranges of seq that a peer has been told of, by event or by gap."""
    found = []
    for opcode, payload in peer.frames():
        words = payload.decode().split() if opcode == 1 else [""]
        if words[0] == "lobby":
            first, last = words[2 if words[1] == "gap" else 1].split("-")
            found.append((int(first), int(last)))
    return found


# --- endings ----------------------------------------------------------------


async def test_finish_says_why_and_closes() -> None:
    """The bye, the close frame, and nothing that came after the ending."""
    host = EchoHost(said_bye=True)
    async with connected(host) as peer:
        (stream,) = host.outlets
        stream.push(reply(framing.text_frame(b"before")))
        stream.finish(Ending.RESTART, 3.7)
        stream.finish(Ending.SLOW)
        stream.push(reply(framing.text_frame(b"after")))
        stream.push_all([reply(framing.text_frame(b"after"))])
        await peer.send(text("too late"))
        await idle()
        await peer.send(closing(4001))
        await peer.rest()
    assert peer.frames() == [
        (1, b"before"),
        (1, b"bye restart 3.7"),
        (8, b"\x0f\xa1restart"),
    ]
    assert host.heard == []
    assert host.ending is Ending.RESTART


async def test_every_ending_has_its_code(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """Each closes with its code within the time for closing, peer or no peer."""
    for ending in Ending:
        host = EchoHost()
        async with connected(host) as peer:
            started = trio.current_time()
            host.outlets[0].finish(ending)
            await peer.rest()
            assert trio.current_time() - started <= FREE.close_timeout_s
        assert [code for _, code in peer.frames()] == (
            [ending.code.to_bytes(2, "big") + ending.reason.encode()]
            if ending.code
            else []
        )
        assert host.ending is ending


@pytest.mark.parametrize(
    "told",
    [
        b"",
        b"\x03\xe8",
        b"\x03\xf4restarting",
        b"\x03\xf5",
        b"\x03\xf6" + "später".encode(),
        b"\x13\x87" + b"x" * 123,
    ],
)
async def test_a_peers_close_is_answered_with_the_same(told: bytes) -> None:
    """Behind the answers to what came before it; codes registered later, too."""
    host = EchoHost()
    async with connected(host) as peer:
        await peer.send(text("hi") + masked(0x01, b"a") + masked(0x80, b"b"))
        await peer.send(masked(0x88, told) + text("late"))
        await peer.rest()
    assert peer.frames() == [(1, b"hi"), (1, b"ab"), (8, told)]
    assert host.ending is Ending.PEER_CLOSED
    assert host.heard == [b"hi", b"ab"]
    assert host.bugs == []


@pytest.mark.parametrize(
    ("told", "ending"),
    [
        (b"\x03", Ending.PROTOCOL),
        (b"\x03\xed", Ending.PROTOCOL),
        (b"\x03\xf8", Ending.PROTOCOL),
        (b"\x03\xe8\xff", Ending.BAD_UTF8),
    ],
)
async def test_a_close_that_says_nothing_is_failed(told: bytes, ending: Ending) -> None:
    """With the code for what is wrong with it. Source: RFC 6455 section 7.4."""
    host = EchoHost()
    async with connected(host) as peer:
        await peer.send(masked(0x88, told))
        await peer.rest()
    assert ending.code is not None
    assert peer.frames() == [
        (8, ending.code.to_bytes(2, "big") + ending.reason.encode())
    ]
    assert host.ending is ending


async def test_what_follows_our_close_reaches_nobody() -> None:
    """A ping, an over-size message, fragments and texts after our close frame."""
    limits = attrs.evolve(FREE, frame_bytes=1000)
    for late in (
        masked(0x89, b"?"),
        masked(0x81, b"x" * 2000),
        masked(0x01, b"a") + masked(0x00, b"b"),
        text("late"),
        b"\xff\xff\xff",
        b"",
    ):
        host = EchoHost()
        async with connected(host, limits) as peer:
            host.outlets[0].finish(Ending.REVOKED)
            await peer.until(4)
            await peer.send(late + closing(4505))
            await peer.rest()
        assert peer.frames() == [(8, b"\x11\x99revoked")]
        assert host.heard == []
        assert host.bugs == []


async def test_a_peer_that_vanishes_is_lost() -> None:
    """An end of file without a close frame has no code and no answer."""
    host = EchoHost()
    async with connected(host) as peer:
        peer.sock.shutdown(trio.socket.SHUT_WR)
        assert await peer.rest() == b""
    assert host.ending is Ending.PEER_LOST


async def test_cancelling_a_connection_detaches_it_and_says_so() -> None:
    """Cleanup cannot be cancelled: bye, close frame, socket, in bounded time."""
    host = EchoHost(said_bye=True)
    with trio.CancelScope() as scope:
        async with connected(host) as peer:
            scope.cancel()
            with trio.CancelScope(shield=True):
                await peer.rest()
    assert peer.frames()[0] == (1, b"bye restart None")
    assert code_of(peer) == 4001
    assert host.ending is Ending.RESTART


async def test_a_connection_leaves_no_reference_cycle() -> None:
    """What is closed is freed at once; a full collection takes 300 ms at scale."""
    host = EchoHost()
    async with connected(host) as peer:
        stream = weakref.ref(peer.stream)
        await peer.send(text("hi") + masked(0x01, b"a") + masked(0x80) + closing())
        await peer.rest()
    await idle()
    gc.disable()
    try:
        outlet = weakref.ref(host.outlets.pop())
        assert outlet() is None
        assert stream() is None
    finally:
        gc.enable()


async def test_a_drain_delivers_what_waits_and_its_gaps() -> None:
    """Everything that was accepted, then the bye, then nothing."""
    host = EchoHost(said_bye=True)
    async with connected(host, LIMITS, sndbuf=TINY) as peer:
        (stream,) = host.outlets
        while not stream.outbox.waiting:
            stream.push(reply(framing.text_frame(b"." * 500)))
        stream.push(reply(framing.text_frame(b"ok")))
        for seq in range(1, 100):
            stream.push(event(seq))
        assert stream.outbox.degraded
        stream.finish(Ending.RESTART)
        await peer.rest()
    assert seqs(peer) == [(1, 99)]
    assert [p[:3] for _, p in peer.frames()[-4:]] == [
        b"ok",
        b"lob",
        b"bye",
        b"\x0f\xa1r",
    ]


async def test_any_other_ending_drops_what_merely_waits() -> None:
    """Replies leave whole, room events only as far as they were begun."""
    host = EchoHost(said_bye=True)
    limits = attrs.evolve(LIMITS, outbox_soft_bytes=90_000)
    async with connected(host, limits, sndbuf=TINY) as peer:
        (stream,) = host.outlets
        for seq in range(1, 101):
            stream.push(event(seq))
        stream.push(reply(framing.text_frame(b"ok")))
        stream.finish(Ending.LOGOUT)
        await peer.rest()
    assert seqs(peer)[-1][1] < 100
    assert [p[:3] for _, p in peer.frames()[-3:]] == [b"ok", b"bye", b"\x03\xe8l"]


# --- bugs -------------------------------------------------------------------


@attrs.define(eq=False)
class BuggyHost(EchoHost):
    """Fails where it is told to."""

    where: str = ""

    def attach(self, outlet: Outlet) -> None:
        super().attach(outlet)
        self.fail("attach")

    def detach(self, outlet: Outlet, ending: Ending, stats: object) -> None:
        self.endings.append((ending, stats))  # type: ignore[arg-type]
        self.fail("detach")

    def on_texts(self, outlet: Outlet, payloads: Sequence[bytes]) -> None:
        self.fail("on_texts")
        super().on_texts(outlet, payloads)

    def on_slow(self, outlet: Outlet, payload: bytes, *, is_text: bool) -> None:
        self.fail("on_slow")

    def gap(self, room: RoomName, have: int, seq: int) -> bytes:
        self.fail("gap")
        return b""

    def bye(self, ending: Ending, after_s: float | None) -> bytes | None:
        self.fail("bye")
        return None

    def fail(self, where: str) -> None:
        """Raise if it is the place."""
        if where == self.where:
            raise LookupError(where)


@pytest.mark.parametrize("where", ["attach", "on_texts", "on_slow", "gap"])
async def test_a_bug_of_the_host_ends_that_connection_with_1011(where: str) -> None:
    """It is reported once, and the host is told that the connection is gone."""
    host = BuggyHost(where=where)
    async with connected(host, LIMITS, sndbuf=TINY) as peer:
        for seq in range(1, 100):
            host.outlets[0].push(event(seq))
        if where == "gap":
            await peer.until(3000)
        await peer.send(text("hi") + masked(0x82, b"") + text("ho"))
        await peer.rest()
    assert code_of(peer) == 1011
    assert [str(bug) for bug in host.bugs] == [repr(where).strip("'")]
    assert host.ending is Ending.BUG


@pytest.mark.parametrize("where", ["detach", "bye"])
async def test_a_bug_while_closing_does_not_stop_it(where: str) -> None:
    """The socket is closed all the same, with the code that it had."""
    host = BuggyHost(where=where)
    async with connected(host) as peer:
        host.outlets[0].finish(Ending.EXPIRED)
        await peer.rest()
    assert code_of(peer) == 4003
    assert len(host.bugs) == 1


async def test_a_bug_of_the_stream_itself_ends_the_connection_with_1011() -> None:
    """Nothing but transport errors is expected to leave `receive_some`."""

    class Broken:
        now = 0.0
        spent = False

        def next(self, most: int) -> None:
            raise LookupError("scanner")

    host = EchoHost()
    async with connected(host) as peer:
        host.outlets[0].intake.scanner = Broken()  # type: ignore[assignment]
        # The reader keeps the scanner that it has until the library asks again.
        await peer.send(masked(0x01, b"a"))
        await peer.rest()
    assert [str(bug) for bug in host.bugs] == ["scanner"]
    assert code_of(peer) == 1011


async def test_a_crash_of_the_library_reaches_the_firewall() -> None:
    """It is told as a bug, and the connection is detached and closed with 1011."""

    class Wrong:
        now = 0.0
        spent = False

        def next(self, most: int) -> tuple[Lane, list[str]]:
            return Lane.PASS, ["no bytes"]

    host = EchoHost()
    with pytest.RaisesGroup(TypeError, flatten_subgroups=True):
        async with connected(host) as peer:
            host.outlets[0].intake.scanner = Wrong()  # type: ignore[assignment]
            await peer.send(masked(0x01, b"a"))
            await peer.rest()
    assert code_of(peer) == 1011
    assert host.ending is Ending.BUG


# --- falling behind ---------------------------------------------------------


async def test_a_slow_reader_misses_nothing_silently() -> None:
    """Past the soft limit a gap tells what was not sent; then delivery goes on."""
    host = EchoHost()
    async with connected(host, LIMITS, sndbuf=TINY) as peer:
        (stream,) = host.outlets
        for seq in range(1, 301):
            stream.push(event(seq))
            stream.push(event(0, EntryKind.EPHEMERAL))
        assert stream.outbox.waiting < 20_000
        assert set(stream.ephemeral_dropped) == {LOBBY}
        while not seqs_until(peer, 300):
            await peer.until(len(peer.seen) + 1)
        stream.push(event(301))
        while not seqs_until(peer, 301):
            await peer.until(len(peer.seen) + 1)
        await peer.send(closing())
        await peer.rest()
    told = seqs(peer)
    told = [pair for pair in told if pair != (0, 0)]
    assert told[0][0] == 1
    assert all(b[0] == a[1] + 1 for a, b in itertools.pairwise(told))
    assert told[-1] == (301, 301)
    assert any(first < last for first, last in told)
    assert host.ending is Ending.PEER_CLOSED


def seqs_until(peer: Peer, last: int) -> bool:
    """Whether the peer has been told of everything up to `last`."""
    try:
        found = seqs(peer)
    except (AssertionError, IndexError):
        return False  # Half a frame so far.
    return bool(found) and max(end for _, end in found) >= last


async def test_what_was_encrypted_cannot_be_dropped() -> None:
    """Where a record of TLS ends with the first byte of an entry, that one leaves."""
    host = EchoHost()
    async with connected(host, LIMITS, sndbuf=TINY) as peer:
        (stream,) = host.outlets
        first = reply(framing.text_frame(b"r" * (RECORD_BYTES - 1 - 4)))
        stream.push_all([first, event(1), event(2), event(3)])
        assert stream.outbox.waiting
        stream.push_control(framing.ping_frame(b"?"))
        stream.drop_room(LOBBY)
        stream.push(reply(framing.text_frame(b"ok")))
        while not peer.seen.endswith(b"ok"):
            await peer.until(len(peer.seen) + 1)
        await peer.send(closing())
        await peer.rest()
    found = peer.frames()
    assert [opcode for opcode, _ in found if opcode != framing.TEXT] == [9, 8]
    assert found[0] == (1, b"r" * (RECORD_BYTES - 1 - 4))
    assert [payload for _, payload in found][-3:] == [b"?", b"ok", b"\x03\xe8"]


async def test_too_many_replies_are_a_slow_consumer() -> None:
    """Past the hard limit it ends, and what the peer has are whole frames."""
    host = EchoHost()
    async with connected(host, LIMITS, sndbuf=TINY) as peer:
        (stream,) = host.outlets
        for _ in range(250):
            stream.push(reply(framing.text_frame(b"r" * 500)))
        assert stream.ending is Ending.SLOW
        await peer.rest()
    assert code_of(peer) == 4002


async def test_no_progress_for_the_write_timeout_is_slow(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """One entry that nobody takes is enough, and closing is bounded too."""
    host = EchoHost()
    limits = attrs.evolve(LIMITS, write_timeout_s=30.0, heartbeat_interval_s=0)
    async with connected(host, limits, sndbuf=TINY) as peer:
        (stream,) = host.outlets
        started = trio.current_time()
        while not stream.outbox.waiting:
            stream.push(reply(framing.text_frame(b"r" * 500)))
        while not stream.finished:
            await stream.wait_change()
        assert trio.current_time() - started == 30
        assert stream.ending is Ending.SLOW
        await trio.sleep(10)
        await peer.rest()
    list(frames_of(peer.seen[: len(peer.seen) // 504 * 504]))


async def test_whoever_takes_something_is_kept_above_the_soft_limit(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """A trickle is progress, for an hour too; when it ends, so does the connection."""
    host = EchoHost()
    limits = attrs.evolve(LIMITS, write_timeout_s=30.0, heartbeat_interval_s=0)
    async with connected(host, limits, sndbuf=TINY) as peer:
        (stream,) = host.outlets
        started = trio.current_time()
        while trio.current_time() - started < 3600:
            while stream.outbox.waiting < 40_000:
                stream.push(reply(framing.text_frame(b"r" * 500)))
            assert stream.outbox.degraded
            await trio.sleep(25)
            await peer.until(len(peer.seen) + 1)
        assert not stream.finished
        stopped = trio.current_time()
        while not stream.finished:
            await stream.wait_change()
        assert 30 <= trio.current_time() - stopped <= 31
        assert stream.ending is Ending.SLOW
        await peer.rest()
    assert code_of(peer) == 4002


async def test_whoever_is_over_the_soft_limit_is_not_read() -> None:
    """His commands wait until he has taken half of what waits for him."""
    host = EchoHost()
    async with connected(host, LIMITS, sndbuf=TINY) as peer:
        (stream,) = host.outlets
        for _ in range(60):
            stream.push(reply(framing.text_frame(b"r" * 500)))
        assert stream.outbox.degraded
        await peer.send(text("one"))
        await idle()
        await peer.send(text("two"))
        await idle()
        assert host.heard == []
        assert not peer.stream.reading
        while not host.heard:
            await peer.until(len(peer.seen) + 1)
        assert not stream.outbox.degraded
        await peer.send(closing())
        await peer.rest()
    assert host.heard == [b"one", b"two"]


async def test_a_replay_waits_until_less_than_half_waits() -> None:
    """`wait_low` is how pages are pulled; it ends with the connection."""
    host = EchoHost()
    async with connected(host, LIMITS, sndbuf=TINY) as peer:
        (stream,) = host.outlets
        pages = 0
        answers = []

        async def replay() -> None:
            nonlocal pages
            while await stream.wait_low():
                stream.push_all([event(9, EntryKind.REPLAY)] * 10)
                pages += 1
            answers.append("over")

        async with trio.open_nursery() as nursery:
            nursery.start_soon(replay)
            await idle()
            before = pages
            assert stream.outbox.waiting >= 10_000
            assert not stream.outbox.degraded
            await peer.until(60_000)
            assert pages > before
            stream.finish(Ending.REVOKED)
            await idle()
            assert answers == ["over"]
        await peer.rest()


async def test_dropping_a_room_frees_what_waits_of_it() -> None:
    """The begun entry leaves whole, the others never."""
    host = EchoHost()
    async with connected(host, LIMITS, sndbuf=TINY) as peer:
        (stream,) = host.outlets
        for seq in range(1, 31):
            stream.push(event(seq))
        waiting = stream.outbox.waiting
        stream.drop_room(LOBBY)
        assert stream.outbox.waiting < 520 < waiting
        stream.push(reply(framing.text_frame(b"left")))
        await peer.send(closing())
        await peer.rest()
    assert peer.frames()[-2:] == [(1, b"left"), (8, b"\x03\xe8")]


async def test_a_cork_is_one_order() -> None:
    """Many entries in one call arrive as if they were pushed one by one."""
    host = EchoHost()
    async with connected(host, sndbuf=TINY) as peer:
        (stream,) = host.outlets
        for base in range(0, 100, 10):
            stream.push_all([event(base + n) for n in range(10)])
        await peer.send(closing())
        await peer.rest()
    assert seqs(peer) == [(n, n) for n in range(100)]


# --- commands ---------------------------------------------------------------


async def test_a_peer_that_hangs_up_gets_its_answers_first() -> None:
    """A close, or an end of file, waits for the open commands."""
    for last, ending in ((closing(), Ending.PEER_CLOSED), (b"", Ending.PEER_LOST)):
        host = EchoHost(lazy=True)
        async with connected(host) as peer:
            await peer.send(text("send") + last)
            if not last:
                peer.sock.shutdown(trio.socket.SHUT_WR)
            await idle()
            (stream,) = host.outlets
            assert not stream.finished
            stream.push(reply(framing.text_frame(b"ok")))
            stream.answered()
            await peer.rest()
        assert peer.frames()[0] == (1, b"ok")
        assert host.ending is ending


async def test_a_hang_up_waits_two_seconds_at_most(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """A command that is never answered does not keep the connection."""
    host = EchoHost(lazy=True)
    async with connected(host) as peer:
        started = trio.current_time()
        await peer.send(text("send") + closing())
        await peer.rest()
        assert trio.current_time() - started == 2.0
    assert host.ending is Ending.PEER_CLOSED


async def test_an_ending_does_not_wait_for_what_is_open() -> None:
    """A connection that is ended while its peer's close waits ends as it was told."""
    host = EchoHost(lazy=True)
    async with connected(host) as peer:
        await peer.send(text("send") + closing())
        await idle()
        host.outlets[0].finish(Ending.REVOKED)
        await peer.rest()
    assert code_of(peer) == 4505


async def test_a_flood_of_messages_leaves_turns_for_others() -> None:
    """A megabyte at once is served in order, and not in one go."""
    host = EchoHost()
    async with connected(host) as peer:
        turns = 0

        async def others() -> None:
            nonlocal turns
            while True:
                await trio.lowlevel.checkpoint()
                turns += 1

        body = b"x" * 1000
        async with trio.open_nursery() as nursery:
            nursery.start_soon(peer.send, text(body) * 1000 + closing())
            nursery.start_soon(others)
            await peer.rest()
            nursery.cancel_scope.cancel()
    assert len(host.heard) == 1000
    assert turns > 10


async def test_a_flood_of_fragments_leaves_turns_for_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Those that come with one read are given to the library a few at a time."""
    passed = 0
    receive = WebSocketStream._receive

    async def counted(self: WebSocketStream) -> bytes:
        nonlocal passed
        data = await receive(self)
        passed += 1
        return data

    monkeypatch.setattr(WebSocketStream, "_receive", counted)
    host = EchoHost()
    async with connected(host) as peer:
        await idle()
        pieces = [masked(0x01, b"x"), *[masked(0x00, b"x")] * 200, masked(0x80, b"x")]
        with passes(lambda: passed) as found:
            await peer.send(b"".join([*pieces, *pieces[:50], masked(0x89, b"?") * 9]))
            await idle()
    assert host.heard == [b"x" * 202]
    assert passed > 250
    assert max(found) <= TURN_MESSAGES // SLOW_COUNTS


async def test_no_more_commands_are_open_than_may_be() -> None:
    """The rest of what was read waits in the stream, in order."""
    host = EchoHost(lazy=True)
    async with connected(host, attrs.evolve(FREE, inflight_max=3)) as peer:
        await peer.send(b"".join(text(str(n)) for n in range(10)))
        await idle()
        (stream,) = host.outlets
        for answered in range(10):
            assert len(host.heard) == min(10, answered + 3)
            stream.answered()
            await idle()
        await peer.send(closing())
        await peer.rest()
    assert host.heard == [str(n).encode() for n in range(10)]


async def test_commands_are_read_at_their_rate(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """A burst at once, the rest in time, none lost, in both lanes."""
    host = EchoHost()
    limits = attrs.evolve(FREE, commands_per_s=10)
    async with connected(host, limits) as peer:
        started = trio.current_time()
        for n in range(60):
            body = str(n).encode()
            slow = masked(0x01) + masked(0x80, body)
            await peer.send(slow if n % 3 == 0 else text(body))
        await peer.send(closing())
        await peer.rest()
        assert 3.9 <= trio.current_time() - started <= 4.1
    assert host.heard == [str(n).encode() for n in range(60)]


async def test_what_a_command_costs_more_is_paid_before_the_next_is_read(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """Nothing is lost by it, and the peer's silence meanwhile is none."""
    host = EchoHost()
    limits = attrs.evolve(FREE, commands_per_s=10, heartbeat_interval_s=25)
    async with connected(host, limits) as peer:
        (stream,) = host.outlets
        await peer.send(text("dear"))
        await idle()
        stream.charge(10 * 2 - 1 + 600)
        await peer.send(text("next"))
        started = trio.current_time()
        await peer.until(len(b"..dear..next"))
        assert 60 <= trio.current_time() - started <= 61
        assert not stream.finished
        await peer.send(closing())
        await peer.rest()
    assert host.heard == [b"dear", b"next"]


async def test_bytes_are_read_at_their_rate(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """A burst at once, the rest in time, none lost; what waits is the peer's."""
    host = EchoHost()
    limits = attrs.evolve(FREE, bytes_per_s=16_384, bytes_burst=65_536)
    async with connected(host, limits) as peer:
        (stream,) = host.outlets
        messages = [bytes([65 + n % 26]) * 4000 for n in range(64)]
        started = trio.current_time()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(peer.send, b"".join(map(text, messages)) + closing())
            await trio.sleep(0.5)
            assert 60_000 <= stream.intake.bytes_in <= 65_536 + 16_384
            await peer.rest()
        # 257 KB, of which 64 KB are the burst.
        assert 11.5 <= trio.current_time() - started <= 12.5
    assert host.heard == messages
    assert host.ending is Ending.PEER_CLOSED


async def test_a_rate_below_one_read_still_reads(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """The burst is never less than what is read at a time."""
    host = EchoHost()
    limits = attrs.evolve(FREE, bytes_per_s=1000, bytes_burst=0)
    async with connected(host, limits) as peer:
        started = trio.current_time()
        await peer.send(text(b"x" * 16_000))
        await peer.send(text(b"y" * 10_000) + closing())
        await peer.rest()
        assert 9 <= trio.current_time() - started <= 11
    assert [len(payload) for payload in host.heard] == [16_000, 10_000]


async def test_a_connection_that_ends_does_not_wait_for_its_bytes() -> None:
    """It is ended while what it sent waits to be paid for."""
    host = EchoHost()
    limits = attrs.evolve(FREE, bytes_per_s=1, bytes_burst=0)
    async with connected(host, limits) as peer:
        (stream,) = host.outlets
        await peer.send(text(b"x" * 16_000))
        await idle()
        await peer.send(text(b"y" * 16_000))
        await idle()
        assert not peer.stream.reading
        stream.finish(Ending.RESTART)
        await peer.rest()
    assert code_of(peer) == 4001
    assert len(host.heard) == 1


async def test_who_is_ended_is_read_no_faster_than_before(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """Until the time for closing is over; and his close, behind a burst, is seen."""
    limits = attrs.evolve(FREE, bytes_per_s=16_384, bytes_burst=65_536)
    for sent, is_seen in ((60_000, True), (4_000_000, False)):
        host = EchoHost()
        async with connected(host, limits) as peer:
            (stream,) = host.outlets
            stream.finish(Ending.MALFORMED)
            await idle()
            started = trio.current_time()
            async with trio.open_nursery() as nursery:
                nursery.start_soon(
                    peer.send, text(b"x" * 90) * (sent // 96) + closing()
                )
                await until_end(peer)
                nursery.cancel_scope.cancel()
        assert (trio.current_time() - started < 1.0) is is_seen
        seconds = limits.close_timeout_s + 2
        assert stream.intake.bytes_in <= 65_536 + seconds * 16_384
        assert host.heard == []


async def test_who_is_ended_leaves_turns_for_others() -> None:
    """Where bytes have no rate, he has one read of each turn, however much he sends."""
    host = EchoHost()
    async with connected(host) as peer:
        (stream,) = host.outlets
        stream.finish(Ending.MALFORMED)
        await idle()
        async with trio.open_nursery() as nursery:
            with passes(lambda: stream.intake.bytes_in) as found:
                nursery.start_soon(peer.send, text(b"x" * 90) * 20_000 + closing())
                await until_end(peer)
    assert stream.intake.bytes_in > 1_900_000
    assert max(found) <= READ_BYTES


async def test_the_host_may_hold_reading() -> None:
    """While it drains, commands wait in the socket; and when it ends, they are lost."""
    host = EchoHost()
    async with connected(host) as peer:
        (stream,) = host.outlets
        stream.hold()
        await peer.send(text("one"))
        await idle()
        assert host.heard == []
        assert not peer.stream.reading
        stream.finish(Ending.RESTART)
        await peer.rest()
    assert host.heard == []
    assert code_of(peer) == 4001


async def test_frames_behind_the_handshake_are_not_lost() -> None:
    """A client that does not wait for the answer is served all the same."""
    host = EchoHost()
    async with connected(host, rest=text("eager") + text("half")[:5]) as peer:
        await peer.send(text("half")[5:] + closing())
        await peer.rest()
    assert [payload for _, payload in peer.frames()][:2] == [b"eager", b"half"]


# --- the heartbeat ----------------------------------------------------------


async def test_a_silent_peer_is_asked_and_then_ended(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """A ping at 25 s, 4004 at 35 s, each rounded up to a second."""
    host = EchoHost()
    async with connected(host, WebSocketLimits()) as peer:
        started = trio.current_time()
        assert await peer.until(2) == framing.ping_frame()
        assert 25 <= trio.current_time() - started <= 26
        await peer.until(3)
        assert 35 <= trio.current_time() - started <= 37
        await peer.rest()
    assert code_of(peer) == 4004
    assert host.ending is Ending.NO_PONG


async def test_the_first_ping_is_jittered(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """Up to half of the interval early, by the number that is passed in."""
    host = EchoHost()
    async with connected(host, WebSocketLimits(), jitter=1.0) as peer:
        started = trio.current_time()
        await peer.until(2)
        assert 12 <= trio.current_time() - started <= 14
        await peer.send(closing())
        await peer.rest()


async def test_a_peer_that_answers_pings_lives_for_hours(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """Three hours of pings and pongs, and nothing else."""
    host = EchoHost()
    async with connected(host, WebSocketLimits()) as peer:
        started = trio.current_time()
        while trio.current_time() - started < 3 * 3600:
            await peer.until(len(peer.seen) + 2)
            await peer.send(masked(0x8A))
        await peer.send(closing())
        await peer.rest()
    assert set(peer.frames()) == {(9, b""), (8, b"\x03\xe8")}
    assert host.ending is Ending.PEER_CLOSED


async def test_nobody_is_judged_while_he_is_not_read(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """An hour held is no silence; afterwards the interval starts again."""
    host = EchoHost(lazy=True)
    limits = WebSocketLimits(inflight_max=1)
    async with connected(host, limits) as peer:
        (stream,) = host.outlets
        await peer.send(text("one") + text("two"))
        await trio.sleep(3600)
        assert not stream.finished
        assert host.heard == [b"one"]
        stream.answered()
        stream.answered()
        started = trio.current_time()
        await peer.until(2)
        assert 25 <= trio.current_time() - started <= 27
        await peer.rest()
    assert host.ending is Ending.NO_PONG


async def test_a_byte_that_was_not_read_in_time_counts() -> None:
    """A late loop looks into the socket before it judges."""
    host = EchoHost()
    async with connected(host, WebSocketLimits()) as peer:
        stream = peer.stream
        now = trio.current_time()
        judge(stream, now + 1000)
        assert stream.beat.pinged == now + 1000
        assert not stream.has_unread()
        peer.put(b"\x81")
        assert stream.has_unread()
        judge(stream, now + 2000)
        assert not stream.outlet.finished
        await idle()
        assert not stream.has_unread()
        judge(stream, now + 3000)
        judge(stream, now + 4000)
        assert stream.outlet.ending is Ending.NO_PONG
        await peer.rest()
    assert not host.bugs
