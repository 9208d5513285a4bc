"""Three nodes, people who talk on all of them, and everything that can go wrong.

Faults are met in the middle of talk and of removals, five in a run, in an order that
its seed gives. What holds, `checker` says. `make test-cluster` meets a thousand.
"""

from __future__ import annotations

import os
import random
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

import pytest
import trio

from tests.cluster.checker import Moderator, Talker, stored, verify
from tests.cluster.faults import FAULTS
from tests.cluster.nodes import Cluster, cluster
from tests.live.daemon import PATIENCE_S
from tests.postgresql import Server, own_server
from tests.valkey import Server as Valkey

RUNS, EACH = int(os.environ.get("RUNS", "10")), 5
TALKERS, ACCOUNTS = 6, 2


@pytest.fixture(scope="module")
def engines() -> Iterator[tuple[Server, Valkey]]:
    """A PostgreSQL and a Valkey that may be killed."""
    with (
        own_server() as server,
        tempfile.TemporaryDirectory(prefix="chatd-valkey-") as directory,
    ):
        valkey = Valkey(Path(directory))
        yield server, valkey
        valkey.stop()


@pytest.fixture
async def three(
    engines: tuple[Server, Valkey], tmp_path: Path
) -> AsyncIterator[Cluster]:
    """Three nodes over a database of their own."""
    async with cluster(tmp_path, *engines) as found:
        yield found


@pytest.mark.parametrize("seed", range(RUNS))
async def test_nothing_is_lost(three: Cluster, seed: int) -> None:
    """Nothing acknowledged is lost, nothing comes twice or is left out untold, and
    nobody sees anything behind his removal.
    """
    chance = random.Random(seed)
    names = [f"talker{number}" for number in range(TALKERS)]
    await three.register("ann", *names[:ACCOUNTS])
    talkers = [
        Talker(
            name,
            three.there,
            random.Random(f"{name}{seed}"),
            is_guest=number >= ACCOUNTS,
        )
        for number, name in enumerate(names)
    ]
    ann = Moderator("ann", three.there, random.Random(f"ann{seed}"), talkers)
    until = trio.Event()
    async with trio.open_nursery() as nursery:
        for talker in talkers:
            nursery.start_soon(talker.talk, until)
        nursery.start_soon(ann.moderate, until)
        with trio.fail_after(PATIENCE_S):
            await ann.has_removed.wait()
        for fault in _faults(seed):
            with trio.fail_after(PATIENCE_S):
                await FAULTS[fault](three, chance)
            await _all_talk_on(talkers)
        until.set()
    for talker in talkers:
        await talker.catch_up()
    timeline, head = await stored(three.there()[0])
    assert verify(talkers, timeline, head) == []


def _faults(seed: int) -> list[str]:
    """Those of a run, in an order of its own: over some runs each of them is met."""
    names = list(FAULTS)
    at = seed * EACH % len(names)
    chosen = (names + names)[at : at + EACH]
    random.Random(seed).shuffle(chosen)
    return chosen


async def _all_talk_on(talkers: Sequence[Talker]) -> None:
    """Wait until everybody has got on again."""
    before = [len(talker.acknowledged) for talker in talkers]
    with trio.fail_after(PATIENCE_S):
        for talker, count in zip(talkers, before, strict=True):
            await talker.has_sent(count + 1)
