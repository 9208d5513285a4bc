"""Nodes are replaced by newer ones, one after the other, while people talk on all."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
import trio

import chatd
from chatd.hub.cluster import UNREADABLE
from tests.cluster.checker import PASSWORD, Talker, stored, verify
from tests.cluster.newer import SCHEMA, VERSION, newer_version
from tests.cluster.nodes import Cluster, Engines, Node, cluster
from tests.live.daemon import PATIENCE_S, operator, person
from tests.live.forks import Forks
from tests.postgresql import server
from tests.valkey import server as valkey

ROOM = "tea"


@pytest.fixture(scope="module")
def newer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forks]:
    """Who starts daemons of a later version."""
    with newer_version(tmp_path_factory.mktemp("newer")) as forks:
        yield forks


@pytest.fixture(scope="module")
def engines() -> Engines:
    """Those of the tests, which are started before a loop runs."""
    return Engines(server(), valkey())


async def replace(node: Node, forks: Forks | None, talkers: list[Talker]) -> None:
    """End a node, and start it again as some version, while everybody talks on."""
    await node.end()
    await talk_on(talkers)
    node.forks = forks
    await node.start()
    await talk_on(talkers)


async def talk_on(talkers: list[Talker]) -> None:
    """Wait until everybody has got on."""
    before = [len(talker.acknowledged) for talker in talkers]
    with trio.fail_after(PATIENCE_S):
        for talker, count in zip(talkers, before, strict=True):
            await talker.has_sent(count + 2)


async def versions(found: Cluster) -> set[str]:
    """The versions of all nodes, as one of them shows them to the operator."""
    async with operator(found.there()[0]) as chief:
        with trio.fail_after(PATIENCE_S):
            while True:
                nodes = (await chief.ask(type="report"))["nodes"]
                shown = {one.get("server", "") for one in nodes}
                if len(nodes) == len(found.there()) and "" not in shown:
                    return shown
                await trio.sleep(0.05)


async def test_nodes_are_replaced_by_newer_ones_while_people_talk(
    engines: Engines, newer: Forks, tmp_path: Path
) -> None:
    """Nothing that was acknowledged is lost, nobody's timeline has a hole; and an older
    node may be started again beside a newer one.
    """
    async with cluster(tmp_path, engines, (0, 0)) as found:
        one, two = found.nodes
        await found.register("ann", "bob")
        await found.open_room("ann", ROOM)
        talkers = [
            Talker(name, ROOM, found.there, random.Random(name), is_guest=name != "bob")
            for name in ("bob", "cy", "dan")
        ]
        until = trio.Event()
        async with trio.open_nursery() as nursery:
            for talker in talkers:
                nursery.start_soon(talker.talk, until)
            await talk_on(talkers)
            await replace(one, newer, talkers)
            assert await versions(found) == {
                f"chatd/{chatd.__version__}",
                f"chatd/{VERSION}",
            }
            sql = "SELECT number, oldest FROM chatd.version"
            assert found.engines.server.execute(sql, one.place) == [
                (SCHEMA + 1, SCHEMA)
            ]
            await replace(two, None, talkers)
            assert one.daemon is not None
            assert two.daemon is not None
            async with person(one.daemon.url) as ann, person(two.daemon.url) as phone:
                for who in (ann, phone):
                    await who.hello(name="ann", password=PASSWORD)
                done = await ann.ask(type="profile", display="Ann of the newer one")
                assert done["type"] == "ok"
                await two.daemon.said(UNREADABLE)
            await talk_on(talkers)
            await replace(two, newer, talkers)
            assert await versions(found) == {f"chatd/{VERSION}"}
            until.set()
        for talker in talkers:
            await talker.catch_up()
        timeline, head = await stored(found.there()[0], ROOM)
        assert verify(talkers, timeline, head) == []
        for node in found.nodes:
            assert node.daemon is not None
            assert "Traceback" not in node.daemon.log_text()
