"""Three nodes, people who talk on all of them, and everything that can go wrong.

A run is a room of its own, in which one fault is met in the middle of talk and of
removals; its seed says which, and when. What holds then, `checker` says. Some runs
follow each other on the same nodes, so each finds what the one before has left.
"""

from __future__ import annotations

import os
import random
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

import pytest
import trio

from chatd.observe import log
from tests.cluster.checker import Moderator, Talker, stored, verify
from tests.cluster.faults import fault_of
from tests.cluster.nodes import Cluster, Engines, apart, cluster
from tests.live.daemon import PATIENCE_S

RUNS, EACH = int(os.environ.get("RUNS", "50")), 10
"""How many runs there are, and how many of them on the same nodes."""
TALKERS = 6
ACCOUNTS = "bob", "cy"
"""Those of them who have an account."""


@pytest.fixture(scope="module")
def engines() -> Iterator[Engines]:
    """A PostgreSQL that may fail over, and a Valkey that may be killed."""
    with apart() as found:
        yield found


@pytest.fixture
async def three(engines: Engines, tmp_path: Path) -> AsyncIterator[Cluster]:
    """Three nodes over a database of their own."""
    async with cluster(tmp_path, engines) as found:
        await found.register("ann", *ACCOUNTS)
        yield found


@pytest.mark.parametrize("first", range(0, RUNS, EACH))
async def test_nothing_is_lost(three: Cluster, first: int) -> None:
    """Nothing acknowledged is lost, nothing comes twice or is left out untold, and
    nobody sees anything behind his removal.
    """
    for seed in range(first, min(first + EACH, RUNS)):
        began = trio.current_time()
        talkers = [_talker(three, seed, number) for number in range(TALKERS)]
        try:
            with trio.fail_after(6 * PATIENCE_S):
                await _run(three, seed, talkers)
        except Exception as error:
            error.add_note(f"run {seed}, {fault_of(seed).__name__}")
            for talker in talkers:
                error.add_note(talker.told())
            for node in three.nodes:
                error.add_note(node.told())
            raise
        log().info(
            f"run {seed}",
            fault=fault_of(seed).__name__,
            seconds=round(trio.current_time() - began, 1),
            acknowledged=sum(len(talker.acknowledged) for talker in talkers),
            seen=sum(len(talker.seen) for talker in talkers),
        )


def _talker(three: Cluster, seed: int, number: int) -> Talker:
    """One of those who talk in a run."""
    is_guest = number >= len(ACCOUNTS)
    name = f"guest{seed}n{number}" if is_guest else ACCOUNTS[number]
    chance = random.Random(f"{name} in {seed}")
    return Talker(name, f"tea{seed}", three.there, chance, is_guest=is_guest)


async def _run(three: Cluster, seed: int, talkers: Sequence[Talker]) -> None:
    """Meet a fault, and look whether all is as it should be."""
    room = talkers[0].room
    await three.open_room("ann", room)
    ann = Moderator("ann", room, three.there, random.Random(f"ann{seed}"), talkers)
    until = trio.Event()
    async with trio.open_nursery() as nursery:
        for talker in talkers:
            nursery.start_soon(talker.talk, until)
        nursery.start_soon(ann.moderate, until)
        with trio.fail_after(PATIENCE_S):
            await ann.has_removed.wait()
        # Some are nine nodes that end or start, one after the other.
        with trio.fail_after(3 * PATIENCE_S):
            await fault_of(seed)(three, random.Random(seed))
        await _all_talk_on(talkers)
        until.set()
    async with trio.open_nursery() as nursery:
        for talker in talkers:
            nursery.start_soon(talker.catch_up)
    timeline, head = await stored(three.there()[0], room)
    assert verify(talkers, timeline, head) == []
    for node in three.nodes:
        assert "Traceback" not in node.told()


async def _all_talk_on(talkers: Sequence[Talker]) -> None:
    """Wait until everybody has got on again."""
    before = [len(talker.acknowledged) for talker in talkers]
    with trio.fail_after(PATIENCE_S):
        for talker, count in zip(talkers, before, strict=True):
            await talker.has_sent(count + 1)
