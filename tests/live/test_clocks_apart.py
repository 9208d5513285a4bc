"""Nodes whose clocks are hours apart: the time is PostgreSQL's for all of them."""

from __future__ import annotations

import time
from datetime import datetime
from pathlib import Path

import trio

from chatd.wire.events import HOUR_MS
from tests import postgresql, valkey
from tests.live.clocks import faked, faking, put
from tests.live.daemon import Daemon, Person, announced, begin, person
from tests.live.test_moderation import PASSWORD, act, log_in

BEATS_S = 5
"""The node that leads has looked for guests who have gone, in that time."""


async def test_nodes_whose_clocks_differ(tmp_path: Path) -> None:
    """Messages tell the time of PostgreSQL wherever they are sent, a mute of a minute
    holds on a node that is an hour ahead, and a guest who was away for a moment has
    his session there.
    """
    with postgresql.own_server() as server:
        env = {
            "CHATD_STORE__URL": server.url(postgresql.DATABASE),
            "CHATD_CLUSTER__BUS": valkey.server().url,
            "CHATD_AUTH__REGISTRATION": "open",
        }
        nodes: list[Daemon] = []
        for name, hours in (("behind", 0), ("ahead", 1)):
            clock = tmp_path / f"{name}.clock"
            put(clock, hours)
            said = env | faked(clock) | {"CHATD_CLUSTER__NAME": name}
            nodes.append(begin(tmp_path / name, env=said, forks=faking()))
            await announced(nodes[-1])
        behind, ahead = nodes
        async with person(behind.url) as ann, person(ahead.url) as bob:
            for who, name in ((ann, "ann"), (bob, "bob")):
                await act(who, "register", name=name, password=PASSWORD)
                await log_in(who, name)
            await act(ann, "create", room="tea")
            for who in (ann, bob):
                await act(who, "join", room="tea")
            await say(ann, bob, "from behind")
            await say(bob, ann, "from ahead")
            await act(ann, "mute", room="tea", user="bob", **{"for": 60})
            refused = await bob.ask(type="send", room="tea", text="x", cid="x")
            assert refused["code"] == "muted", refused
        async with person(behind.url) as guest:
            session = (await guest.hello(name="cy"))["session"]
        await trio.sleep(BEATS_S)
        async with person(ahead.url) as guest:
            await guest.hello(session=session)
        for node in nodes:
            node.kill()
            await node.wait()
            assert "the clock has jumped" not in node.log_text()


async def say(one: Person, other: Person, text: str) -> None:
    """Send a message, which the other one gets with the time that it is."""
    await act(one, "send", room="tea", text=text, cid=text)
    heard = await other.hear_until(type="message", text=text)
    told = datetime.fromisoformat(heard["ts"]).timestamp() * 1000
    assert abs(told - time.time() * 1000) < HOUR_MS / 6, heard
