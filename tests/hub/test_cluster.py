"""A node tells the others what it commits, hears what they do, and misses nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest
import trio
from trio.testing import MockClock

from chatd.core.changes import Appended, Banned, MemberSet
from chatd.core.cluster import codec
from chatd.core.cluster.codec import Gone, Horizon
from chatd.core.cluster.commits import EVERYBODY, Commit, Group, stream_of_room
from chatd.core.cluster.messages import TypingTold
from chatd.core.drafts import Committed, Draft, Duplicate, EndSession, RecordTime
from chatd.core.drafts.basis import Basis
from chatd.core.effects import Origin
from chatd.core.inputs import (
    CaughtUp,
    Drafted,
    Followed,
    Heard,
    Missed,
    NodesSeen,
    Told,
)
from chatd.core.observations import NodeFacts
from chatd.enums import Role
from chatd.errors import GivenUp, StoreUnavailable
from chatd.hub.cluster import UNREADABLE
from chatd.ids import Epoch, NodeId, RoomName, Seq, SessionId, Stamp, UserName
from chatd.ports.cluster import Landed, NodeSeen
from chatd.wire import events
from chatd.wire.operator import NodeShown
from tests.hub.nodes import ME, OTHER, Bench
from tests.logs import capture_logs

ANN, BOB = UserName("ann"), UserName("bob")
LOBBY = RoomName("lobby")
EPOCH = Epoch("0123456789abcdef")
ROOM = stream_of_room(EPOCH)
SAID = Group(
    (Appended(events.Message(LOBBY, Seq(1), 2, ANN, "hi")),), EPOCH, Seq(1), True
)
JOINED = Group((MemberSet(LOBBY, BOB, Role.MEMBER),), EPOCH, Seq(1))
BANNED = Group((Banned(BOB, None, None),))


def landed(*groups: Group, stamp: int = 9) -> Landed:
    """A batch of these groups, that is on disk."""
    lines = (codec.encode_group(group) for group in groups)
    return Landed(
        [Committed(group.changes) for group in groups],
        Stamp(stamp),
        tuple(
            (index, *one) for index, one in enumerate(zip(groups, lines, strict=True))
        ),
    )


def others(*groups: Group, node: NodeId = OTHER, stamp: int = 9) -> Commit:
    """What another node has committed."""
    return Commit(node, Stamp(stamp), tuple(enumerate(groups)))


def said(commit: Commit) -> bytes:
    """What it publishes of it."""
    lines = [(index, codec.encode_group(group)) for index, group in commit.groups]
    return codec.encode_commit(commit.node, commit.stamp, lines)


def a_draft() -> Draft:
    """Any."""
    return RecordTime()


@asynccontextmanager
async def node(*, alone: bool = False) -> AsyncIterator[Bench]:
    """A node that runs, with nothing left to do."""
    bench = Bench()
    bench.store.nodes = [NodeSeen(ME, "one", 0.0, b"")]
    if not alone:
        bench.store.nodes.append(NodeSeen(OTHER, "two", 0.1, b""))
    async with trio.open_nursery() as nursery:
        await bench.start(nursery)
        yield bench
        nursery.cancel_scope.cancel()


# --- out -------------------------------------------------------------------------


async def test_a_commit_is_published_to_whom_it_concerns() -> None:
    """One publication for each stream, with the lines that concern it, once each."""
    async with node() as bench:
        bench.store.landing.append(landed(SAID, JOINED, BANNED))
        bench.bus.published.clear()
        basis = Basis(SessionId(b"s"), Seq(3))
        outcomes, stamp = await bench.commit(
            Origin(None, None, a_draft(), basis), Origin(None, None, a_draft())
        )
        assert outcomes == [Committed(one.changes) for one in (SAID, JOINED, BANNED)]
        assert stamp == Stamp(9)
        assert bench.store.bases == [[basis, None]]
        found = {stream: codec.decode(data) for stream, data in bench.bus.published}
        assert found == {
            ROOM: Commit(ME, Stamp(9), ((0, SAID), (1, JOINED))),
            "user:bob": Commit(ME, Stamp(9), ((1, JOINED),)),
            EVERYBODY: Commit(ME, Stamp(9), ((2, BANNED),)),
        }
        assert bench.cluster.published == 3
        assert bench.came == []


async def test_what_has_changed_nothing_is_not_published() -> None:
    """Nobody would do anything with it."""
    async with node() as bench:
        bench.bus.published.clear()
        bench.store.landing.append(Landed([Duplicate()], None))
        await bench.commit(Origin(None, None, a_draft()))
        assert bench.bus.published == []


async def test_what_is_not_durable_is_told_and_heard() -> None:
    """Without the store."""
    message = TypingTold(EPOCH, ANN, on=True)
    async with node() as bench:
        bench.cluster.tell(ROOM, message)
        assert bench.bus.published[-1] == (ROOM, codec.encode_message(ME, message))
        bench.hear(ROOM, codec.encode_message(OTHER, message))
        assert bench.came == [Told(OTHER, message)]


# --- in --------------------------------------------------------------------------


async def test_what_others_commit_is_heard_in_order() -> None:
    """Not what this node has published itself, nor what cannot be read."""
    async with node() as bench:
        first, second = others(SAID), others(JOINED, stamp=10)
        for data in (said(first), said(others(SAID, node=ME)), b"what?", said(second)):
            bench.hear(ROOM, data)
        assert bench.came == [Heard(first), Heard(second)]
        assert bench.cluster.heard == 2


async def test_what_no_node_has_said_is_not_heard() -> None:
    """Whoever is on the bus has not the store's key; nor may a bit be another."""
    async with node() as bench:
        whole = bench.cluster._sealed(said(others(SAID)))
        for at in range(len(whole)):
            bench.bus.heard(ROOM, whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        for data in (b"", whole[:10], whole[16:], whole + b"\n"):
            bench.bus.heard(ROOM, data)
        stranger = Bench()
        stranger.machine.address_key = "4567"
        async with trio.open_nursery() as nursery:
            await stranger.start(nursery)
            bench.bus.heard(ROOM, stranger.cluster._sealed(said(others(SAID))))
            nursery.cancel_scope.cancel()
        assert bench.came == []
        bench.bus.heard(ROOM, whole)
        assert bench.came == [Heard(others(SAID))]


async def test_what_this_version_cannot_read_is_told_once_an_hour(
    autojump_clock: MockClock,
) -> None:
    """The machine gets its place all the same; the operator is told what to do."""
    later = b'{"room":"x","seq":3,"event":true,"changes":[{"kind":"Tomorrow"}]}'
    data = codec.encode_commit(OTHER, Stamp(4), [(0, later)])
    async with node() as bench:
        with capture_logs() as logs:
            for _ in range(3):
                bench.hear(ROOM, data)
            assert len(bench.came) == len(logs) + 2 == 3
            await trio.sleep(3600)
            bench.hear(ROOM, data)
        assert [line["node"] for line in logs if "node" in line] == [OTHER, OTHER]


@pytest.mark.parametrize(
    "later",
    [
        {"v": 1, "node": OTHER, "said": {"kind": "Tomorrow"}},
        {"v": 1, "node": OTHER, "rests": True},
        {"v": 2, "node": OTHER, "gone": True},
    ],
)
async def test_what_only_a_newer_version_says_is_passed_by(later: Any) -> None:
    """It is known to be a node's, so the operator is told the same."""
    async with node() as bench:
        with capture_logs() as logs:
            bench.hear(ROOM, orjson.dumps(later))
            bench.hear(ROOM, said(others(SAID)))
        assert bench.came == [Heard(others(SAID))]
        assert [line["event"] for line in logs] == [UNREADABLE]


# --- what is followed, and catching up ----------------------------------------------


async def test_what_is_in_memory_is_followed() -> None:
    """And no longer what was let go of; all follow what is for everybody."""
    async with node() as bench:
        bench.machine.streams |= {ROOM: True, "user:ann": True}
        bench.cluster.look()
        bench.machine.streams["user:ann"] = False
        bench.cluster.look()
        bench.cluster.look()
        assert list(bench.bus.followed) == [EVERYBODY, ROOM]
        assert bench.machine.streams == {}


async def test_what_came_before_a_stream_was_followed_is_read() -> None:
    """When it is confirmed that all comes from here on, and not sooner."""
    async with node() as bench:
        bench.bus.confirm(on=False)
        bench.machine.streams[ROOM] = True
        bench.cluster.look()
        await bench.rest()
        assert bench.store.reads == 0
        missed = others(SAID)
        bench.store.log.append(missed)
        bench.bus.confirm()
        await bench.rest()
        assert bench.came == [Followed([ROOM]), Heard(missed)]
        assert bench.store.reads == 1


async def test_a_stream_that_is_taken_meanwhile_is_confirmed_by_itself() -> None:
    """What is confirmed is what was followed when that was asked for."""
    async with node() as bench:
        bench.bus.confirm(on=False)
        for stream in (ROOM, "user:ann"):
            bench.machine.streams[stream] = True
            bench.cluster.look()
            await bench.rest()
        bench.bus.confirm()
        await bench.rest()
        assert bench.came == [Followed([ROOM]), Followed(["user:ann"])]
        assert bench.store.reads == 2


async def test_who_asks_to_catch_up_while_one_runs_is_served_by_the_next() -> None:
    """It has begun before what he asks for was committed; the next serves all."""
    async with node() as bench:
        async with bench.store.gate:
            bench.cluster.catch_up(1)
            await bench.rest()
            bench.cluster.catch_up(2)
            bench.cluster.catch_up(3)
            await bench.rest()
            bench.store.log.append(others(SAID))
        await bench.rest()
        assert bench.came == [
            Heard(others(SAID)),
            CaughtUp(1),
            CaughtUp(2),
            CaughtUp(3),
        ]
        assert bench.store.reads == 2


async def test_a_catch_up_that_fails_is_done_again(autojump_clock: MockClock) -> None:
    """Whoever waits for it waits on."""
    async with node() as bench:
        bench.store.error = StoreUnavailable("away")
        bench.cluster.catch_up(7)
        await trio.sleep(0.5)
        bench.store.error = None
        await trio.sleep(1)
        assert CaughtUp(7) in bench.came


async def test_while_the_bus_is_away_the_log_is_read_once_a_second(
    autojump_clock: MockClock,
) -> None:
    """What others commit comes by that; how old it may be is told."""
    async with node(alone=True) as bench:
        assert bench.cluster.behind_s == 0
        bench.bus.is_up = False
        await trio.sleep(10.1)
        assert bench.store.reads == 10
        assert 0 < bench.cluster.behind_s <= 1
        bench.came.clear()
        bench.bus.is_up = True
        bench.bus.back()
        await trio.sleep(0.1)
        assert bench.came == [Missed(None)]
        assert bench.cluster.behind_s == 0
        reads = bench.store.reads
        await trio.sleep(10.1)
        assert bench.store.reads == reads


# --- horizons ------------------------------------------------------------------------


def _horizons(published: Iterable[tuple[str, bytes]]) -> list[Horizon]:
    found = [codec.decode(data) for _, data in published]
    return [one for one in found if isinstance(one, Horizon)]


async def test_a_horizon_is_told_behind_all_that_was_committed_before(
    autojump_clock: MockClock,
) -> None:
    """A batch that is under way when the store says it may be below it."""
    async with node() as bench, trio.open_nursery() as nursery:
        bench.bus.published.clear()
        bench.store.landing.append(landed(SAID))
        await bench.store.gate.acquire()
        nursery.start_soon(bench.commit, Origin(None, None, a_draft()))
        await trio.sleep(2.5)
        assert bench.store.beats
        assert bench.bus.published == []
        bench.store.gate.release()
        await trio.sleep(0.1)
        assert [stream for stream, _ in bench.bus.published] == [ROOM, EVERYBODY]
        assert _horizons(bench.bus.published) == [Horizon(ME, 100, 0)]


async def test_no_horizon_is_told_while_the_bus_is_away(
    autojump_clock: MockClock,
) -> None:
    """What was published before may be lost; how much was, is told with the next."""
    async with node() as bench:
        bench.bus.published.clear()
        bench.bus.is_up = False
        await trio.sleep(10.1)
        assert bench.bus.published == []
        bench.bus.is_up, bench.bus.lost = True, 3
        await trio.sleep(2.1)
        assert _horizons(bench.bus.published) == [Horizon(ME, 100, 3)]


async def test_a_horizon_is_taken_where_nothing_can_be_missing() -> None:
    """The first one of a node, or one behind a loss, has the log read instead."""
    async with node() as bench:

        def hear(horizon: int, lost: int) -> None:
            sign = Horizon(OTHER, horizon, lost)
            bench.hear(EVERYBODY, codec.encode_sign(sign))

        hear(1, 0)
        hear(2, 0)
        assert bench.store.heard_of == []
        await bench.rest()
        assert bench.store.reads == 1
        hear(3, 0)
        assert bench.store.heard_of == [(OTHER, 3)]
        assert bench.came == []
        hear(4, 1)
        await bench.rest()
        assert bench.store.reads == 2
        assert bench.came == [Missed(OTHER)]
        bench.machine.loads.append("den")
        hear(5, 1)
        bench.machine.loads.clear()
        bench.bus.is_up = False
        hear(6, 1)
        bench.bus.is_up = True
        bench.bus.confirm(on=False)
        bench.machine.streams[ROOM] = True
        bench.cluster.look()
        hear(7, 1)
        assert bench.store.heard_of == [(OTHER, 3)]
        bench.bus.confirm()
        await bench.rest()
        hear(8, 1)
        assert bench.store.heard_of == [(OTHER, 3), (OTHER, 8)]


async def test_what_was_lost_at_this_end_is_asked_for_anew(
    autojump_clock: MockClock,
) -> None:
    """Once for each loss: it may have been a question, or an answer."""
    async with node(alone=True) as bench:

        def missed() -> int:
            return bench.came.count(Missed(None))

        await trio.sleep(2.1)
        assert (missed(), bench.store.reads) == (0, 0)
        bench.bus.lost = 2
        await trio.sleep(4.1)
        assert (missed(), bench.store.reads) == (1, 1)
        bench.bus.lost = 3
        await trio.sleep(2.1)
        assert (missed(), bench.store.reads) == (2, 2)


# --- who is there --------------------------------------------------------------------


async def test_a_beat_tells_of_this_node_and_sees_the_others(
    autojump_clock: MockClock,
) -> None:
    """Who is not seen any more has gone; who says that he goes, at once."""
    third = NodeSeen(NodeId(3), "three", 0.0, b"")
    async with node() as bench:
        assert codec.read_facts(bench.store.beats[-1]).users == 3
        bench.store.nodes.append(third)
        bench.store.leads = True
        await trio.sleep(2.1)
        assert bench.came == [NodesSeen(frozenset({ME, OTHER, NodeId(3)}))]
        assert bench.machine.leads
        bench.came.clear()
        bench.hear(EVERYBODY, codec.encode_sign(Gone(NodeId(3))))
        assert bench.came == [NodesSeen(frozenset({ME, OTHER}))]


async def test_who_has_gone_may_not_have_published_all() -> None:
    """What he has committed last is in the log."""
    async with node() as bench:
        bench.store.log.append(others(SAID))
        bench.hear(EVERYBODY, codec.encode_sign(Gone(OTHER)))
        await bench.rest()
        assert bench.came == [NodesSeen(frozenset({ME})), Heard(others(SAID))]


async def test_while_a_node_is_silent_on_the_bus_the_log_is_read(
    autojump_clock: MockClock,
) -> None:
    """It may not have the bus, and commit all the same."""
    sign = codec.encode_sign(Horizon(OTHER, 1))
    async with node() as bench:
        bench.hear(EVERYBODY, sign)
        await trio.sleep(3.1)
        assert bench.store.reads == 1, "of the first sign"
        await trio.sleep(5)
        assert bench.store.reads == 6
        bench.hear(EVERYBODY, sign)
        await trio.sleep(2)
        assert bench.store.reads == 6


async def test_the_operator_sees_all_nodes(autojump_clock: MockClock) -> None:
    """Each as it said of itself; how long ago, also between two beats."""
    facts = codec.encode_facts(NodeFacts("chatd/1", 5, 6, 1500))
    async with node() as bench:
        bench.store.nodes[1] = NodeSeen(OTHER, "two", 0.5, facts)
        await trio.sleep(2.1)
        await trio.sleep(1)
        assert bench.cluster.observe() == (
            [
                NodeShown(ME, "one", "chatd/0", 1.1, 4, 3, 0.0, here=True),
                NodeShown(OTHER, "two", "chatd/1", 1.6, 6, 5, 1.5),
            ],
            True,
        )


async def test_guests_who_are_nowhere_are_ended_by_the_node_that_leads(
    autojump_clock: MockClock,
) -> None:
    """By drafts, as whatever else is committed; the others only look on."""
    async with node() as bench:
        bench.store.guests = [(SessionId(b"g"), UserName("guest~4f7k"))]
        await trio.sleep(2.1)
        assert not any(isinstance(one, Drafted) for one in bench.came)
        bench.store.leads = True
        await trio.sleep(2.1)
        assert Drafted([EndSession(SessionId(b"g"))]) in bench.came
        assert bench.store.idle_before == 77


async def test_a_store_that_is_away_stops_no_beat(autojump_clock: MockClock) -> None:
    """The next one may find it again; it is told once that it is away."""
    async with node() as bench:
        bench.store.error = StoreUnavailable("away")
        with capture_logs() as logs:
            await trio.sleep(5.1)
        assert [line["error"] for line in logs] == ["away"]
        assert bench.cluster.is_mute
        bench.store.error = None
        beats = len(bench.store.beats)
        with capture_logs() as logs:
            await trio.sleep(2.1)
        assert len(bench.store.beats) > beats
        assert not bench.cluster.is_mute
        assert [line["away"] for line in logs if "again" in line["event"]] == [6]


async def test_a_node_that_was_given_up_ends(autojump_clock: MockClock) -> None:
    """It must not write or deliver what is no longer true."""
    with pytest.RaisesGroup(pytest.RaisesGroup(GivenUp)):
        async with node() as bench:
            bench.store.error = GivenUp("not here for 12 s")
            await trio.sleep_forever()


@pytest.mark.parametrize("echoes", [True, False])
async def test_a_node_that_goes_says_so(
    echoes: bool, autojump_clock: MockClock
) -> None:
    """And waits until the bus has carried that, if it does so within a second."""
    async with node() as bench:
        bench.bus.echoes = echoes
        began = trio.current_time()
        await bench.cluster.leave()
        assert trio.current_time() == began + (0 if echoes else 1)
        stream, data = bench.bus.published[-1]
        assert (stream, codec.decode(data)) == (EVERYBODY, Gone(ME))
