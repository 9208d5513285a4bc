"""Nodes are replaced by newer ones, one after the other, while people talk on all."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import trio

import chatd
from chatd.hub.cluster import UNREADABLE
from chatd.store.postgres.migrate import migrations
from tests.cluster.checker import PASSWORD, Talker, stored, verify
from tests.cluster.nodes import Cluster, Node, cluster
from tests.live.daemon import PATIENCE_S, operator, person
from tests.live.forks import Forks, open_forks
from tests.postgresql import Server, server
from tests.valkey import Server as Valkey
from tests.valkey import server as valkey

HERE = Path(__file__).parents[2]
NEWER = "99.0.0"
SCHEMA = len(migrations())
STEP = f"""-- oldest: {SCHEMA}
ALTER TABLE message ADD COLUMN colour TEXT COLLATE "C" NOT NULL DEFAULT 'white';
ALTER TABLE change ADD COLUMN colour BIGINT;
CREATE TABLE paint (colour TEXT COLLATE "C" PRIMARY KEY);
"""
LANGUAGE = """
from chatd.core.changes import DisplaySet
_CHANGES._classes["Shown"] = DisplaySet
_CHANGES._tags[DisplaySet] = "Shown"
"""
"""A change that an older node cannot read; what it has said itself is read as ever."""


@pytest.fixture(scope="module")
def newer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forks]:
    """This program, a version later: with a step of the schema, and a new word."""
    directory = tmp_path_factory.mktemp("newer")
    package = directory / "chatd"
    shutil.copytree(Path(chatd.__file__).parent, package)
    with (package / "__init__.py").open("a") as file:
        file.write(f'__version__ = "{NEWER}"\n')
    step = package / "store" / "postgres" / f"{SCHEMA + 1:04}_colours.sql"
    step.write_text(STEP)
    with (package / "core" / "cluster" / "codec.py").open("a") as file:
        file.write(LANGUAGE)
    path = f"PYTHONPATH={directory}:{HERE}"
    with open_forks("env", "PYTHONSAFEPATH=1", path) as forks:
        yield forks


@pytest.fixture(scope="module")
def engines() -> tuple[Server, Valkey]:
    """Those of the tests, which are started before a loop runs."""
    return server(), valkey()


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
    engines: tuple[Server, Valkey], newer: Forks, tmp_path: Path
) -> None:
    """Nothing that was acknowledged is lost, nobody's timeline has a hole; and an older
    node may be started again beside a newer one.
    """
    async with cluster(tmp_path, *engines, (0, 0)) as found:
        one, two = found.nodes
        await found.register("ann", "bob")
        talkers = [
            Talker(name, found.there, random.Random(name), is_guest=name != "bob")
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
                f"chatd/{NEWER}",
            }
            sql = "SELECT number, oldest FROM chatd.version"
            assert found.server.execute(sql, one.place) == [(SCHEMA + 1, SCHEMA)]
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
            assert await versions(found) == {f"chatd/{NEWER}"}
            until.set()
        for talker in talkers:
            await talker.catch_up()
        timeline, head = await stored(found.there()[0])
        assert verify(talkers, timeline, head) == []
        for node in found.nodes:
            assert node.daemon is not None
            assert "Traceback" not in node.daemon.log_text()
