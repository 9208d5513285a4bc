"""Two daemons over one PostgreSQL and one Valkey: people on both are in one place."""

from __future__ import annotations

import os
import signal
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import attrs
import psycopg
import pytest
import trio

from tests import postgresql, valkey
from tests.live.daemon import (
    PATIENCE_S,
    Daemon,
    Frame,
    Person,
    command,
    operator,
    person,
    running,
    start,
)

PASSWORD = "correct horse"


@pytest.fixture
def database() -> Iterator[postgresql.Server]:
    """A PostgreSQL of its own."""
    with postgresql.own_server() as found:
        yield found


@pytest.fixture
def bus() -> Iterator[valkey.Server]:
    """A Valkey of its own."""
    with tempfile.TemporaryDirectory(prefix="chatd-bus-") as directory:
        found = valkey.Server(Path(directory))
        yield found
        found.stop(signal.SIGKILL)


@attrs.define(eq=False)
class Nodes:
    """Daemons that share a place, and how more of them are started."""

    data: Path
    env: dict[str, str]
    bus: valkey.Server
    one: Daemon
    two: Daemon

    async def enter(self, who: Person, name: str, **more: Any) -> Frame:
        """Register if need be, and be welcomed."""
        await who.ask(type="register", name=name, password=PASSWORD)
        return await who.hello(name=name, password=PASSWORD, **more)


def _env(database: postgresql.Server, bus: valkey.Server) -> dict[str, str]:
    return {
        "CHATD_STORE__URL": database.url("chatd"),
        "CHATD_CLUSTER__BUS": bus.url,
        "CHATD_AUTH__REGISTRATION": "open",
        "CHATD_LIMITS__MESSAGES_PER_S": "0",
        "CHATD_ROOMS__READ_RECEIPTS": "true",
        "CHATD_METRICS__LISTEN": '["127.0.0.1:0"]',
    }


@pytest.fixture
async def nodes(
    database: postgresql.Server, bus: valkey.Server, tmp_path: Path
) -> AsyncIterator[Nodes]:
    """Two of them."""
    env = _env(database, bus)
    async with (
        running(tmp_path / "one", env=env | {"CHATD_CLUSTER__NAME": "one"}) as one,
        running(tmp_path / "two", env=env | {"CHATD_CLUSTER__NAME": "two"}) as two,
    ):
        yield Nodes(tmp_path, env, bus, one, two)


@asynccontextmanager
async def people(
    nodes: Nodes, room: str, other: str = "bob"
) -> AsyncIterator[tuple[Person, Person]]:
    """Ann on the one node and another on the other, both in a new room that is hers."""
    async with person(nodes.one.url) as ann, person(nodes.two.url) as bob:
        await nodes.enter(ann, "ann")
        await nodes.enter(bob, other)
        assert (await ann.ask(type="create", room=room))["type"] == "ok"
        for who in (ann, bob):
            await who.ask(type="join", room=room)
            await who.hear_until(type="caught_up", room=room)
        yield ann, bob


async def test_two_nodes_are_one_place(nodes: Nodes) -> None:
    """All that is told below, one after the other on the same two nodes."""
    await people_on_two_nodes_are_in_one_place(nodes)
    await who_is_there_is_told_on_all_nodes(nodes)
    await a_removal_holds_on_all_nodes(nodes)
    await a_session_is_one_nodes(nodes)
    await the_operator_sees_and_rules_all_nodes(nodes)
    await what_the_operator_does_is_done_on_all_nodes(nodes)
    await the_bus_may_go_and_come(nodes)
    await a_node_that_is_killed_takes_nothing_along(nodes)
    await a_node_that_was_given_up_comes_back_as_another(nodes)


async def people_on_two_nodes_are_in_one_place(nodes: Nodes) -> None:
    """What one says or does is with the other, in the one order of the room."""
    async with people(nodes, "tea") as (ann, bob):
        await ann.hear_until(type="member", user="bob", change="join")
        seqs = []
        for n in range(5):
            sent = await ann.ask(type="send", room="tea", text=f"a{n}")
            heard = await bob.hear_until(type="message", text=f"a{n}")
            seqs += [sent["seq"], heard["seq"]]
            sent = await bob.ask(type="send", room="tea", text=f"b{n}")
            heard = await ann.hear_until(type="message", text=f"b{n}")
            seqs += [sent["seq"], heard["seq"]]
        assert seqs == [seq for seq in range(3, 13) for _ in range(2)]
        # Both at once: one order, and no answer before all that stands before it.
        for n in range(20):
            await ann.say(type="send", room="tea", text=f"x{n}", cid=f"x{n}")
            await bob.say(type="send", room="tea", text=f"y{n}", cid=f"y{n}")
        streams = []
        for who in (ann, bob):
            stream: list[Frame] = []
            while len(stream) < 40:
                frame = await who.hear()
                if frame["type"] == "message" and frame["text"][0] in "xy":
                    stream.append(frame)
            streams.append([(frame["seq"], frame["text"]) for frame in stream])
        assert streams[0] == streams[1]
        assert [seq for seq, _ in streams[0]] == list(range(13, 53))


async def who_is_there_is_told_on_all_nodes(nodes: Nodes) -> None:
    """Each user once; who comes, goes, writes and has read what, on any of them."""
    async with people(nodes, "zoo") as (ann, bob):
        await ann.hear_until(type="presence", online=2)
        await bob.hear_until(type="presence", online=2)
        async with person(nodes.one.url) as phone:
            await nodes.enter(phone, "bob")
            joined = await phone.ask(type="join", room="zoo")
            assert joined["online"] == 2
        await bob.say(type="typing", room="zoo")
        typing = await ann.hear_until(type="typing", room="zoo")
        assert typing["from"] == "bob"
        sent = await ann.ask(type="send", room="zoo", text="read this")
        await bob.hear_until(type="message", text="read this")
        await bob.say(type="read", room="zoo", seq=sent["seq"])
        read = await ann.hear_until(type="read", room="zoo")
        assert (read["from"], read["seq"]) == ("bob", sent["seq"])
        await bob.ask(type="logout")
        await ann.hear_until(type="presence", room="zoo", online=1)


async def a_removal_holds_on_all_nodes(nodes: Nodes) -> None:
    """Who was removed gets nothing behind it; what he says then is refused."""
    async with people(nodes, "den") as (ann, bob):
        assert (await ann.ask(type="ban", room="den", user="bob"))["type"] == "ok"
        await ann.ask(type="send", room="den", text="he is gone")
        said = []
        while (frame := await bob.hear())["type"] != "left":
            said.append(frame)
        refused = await bob.ask(type="send", room="den", text="am I?")
        assert refused["type"] == "error"
        assert not any(one.get("text") == "he is gone" for one in said)
        assert (await bob.ask(type="join", room="den"))["type"] == "error"


async def a_session_is_one_nodes(nodes: Nodes) -> None:
    """Who resumes it elsewhere takes it over; a log-out everywhere is everywhere."""
    async with person(nodes.one.url) as ann, person(nodes.two.url) as again:
        session = (await nodes.enter(ann, "ann"))["session"]
        await again.hello(session=session)
        assert await ann.ended() == 4506
        async with person(nodes.one.url) as other:
            await nodes.enter(other, "ann")
            await other.ask(type="logout", everywhere=True)
        assert await again.ended() == 4505
        async with person(nodes.two.url) as gone:
            assert (await gone.ask(type="hello", session=session))["type"] == "error"


async def the_bus_may_go_and_come(nodes: Nodes) -> None:
    """Nobody is cut off, nothing is missing; until it is back it takes a second."""
    async with people(nodes, "bay") as (ann, bob):
        async with person(nodes.one.url) as pia:
            await nodes.enter(pia, "pia")
        nodes.bus.stop(signal.SIGKILL)
        for n in range(3):
            sent = await ann.ask(type="send", room="bay", text=f"away {n}")
            heard = await bob.hear_until(type="message", text=f"away {n}")
            assert heard["seq"] == sent["seq"]
        ready = await nodes.two.get(nodes.two.port, "/readyz")
        assert ready.startswith(b"ready\ndegraded: the bus is away")
        # Of somebody who has gone, since it may be told when the bus is back.
        for words in (("announce", "tea"), ("kick", "pia")):
            done = await command(nodes.one.data, *words, env=nodes.env)
            assert done.returncode == os.EX_TEMPFAIL
            assert "the bus is away, so other nodes do not hear of it" in done.stderr
        nodes.bus.start()
        for node in (nodes.one, nodes.two):
            await node.said("the bus is there", 2)
        assert await nodes.two.get(nodes.two.port, "/readyz") == b"ready\n"
        await bob.ask(type="send", room="bay", text="back")
        await ann.hear_until(type="message", text="back")


async def a_node_that_is_killed_takes_nothing_along(nodes: Nodes) -> None:
    """Its people come to another one, and have missed nothing."""
    env = nodes.env | {"CHATD_CLUSTER__NAME": "three"}
    third = await start(nodes.data / "three", env=env)
    async with people(nodes, "gym") as (ann, _), person(third.url) as cy:
        session = (await nodes.enter(cy, "cy"))["session"]
        joined = await cy.ask(type="join", room="gym")
        last = await cy.ask(type="send", room="gym", text="before")
        third.kill()
        assert await third.wait() < 0
        sent = await ann.ask(type="send", room="gym", text="meanwhile")
        assert sent["seq"] == last["seq"] + 1
        async with person(nodes.two.url) as again:
            await again.hello(session=session)
            await again.ask(
                type="join", room="gym", since=last["seq"], epoch=joined["epoch"]
            )
            heard = await again.hear_until(type="message", text="meanwhile")
            assert heard["seq"] == sent["seq"]


async def a_node_that_was_given_up_comes_back_as_another(nodes: Nodes) -> None:
    """It stores nothing any more and ends, for the service manager to start it."""
    env = nodes.env | {"CHATD_CLUSTER__NAME": "four"}
    fourth = await start(nodes.data / "four", env=env)
    with psycopg.connect(nodes.env["CHATD_STORE__URL"], autocommit=True) as db:
        db.execute("UPDATE chatd.node SET ended = now() WHERE name = 'four'")
    assert await fourth.wait() == os.EX_TEMPFAIL
    await fourth.said("the others have given it up")


async def the_operator_sees_and_rules_all_nodes(nodes: Nodes) -> None:
    """All are listed at each; a ban at one is in force at the other."""
    async with people(nodes, "pub", "dan") as (_, dan):
        async with operator(nodes.one) as chief:
            with trio.fail_after(PATIENCE_S):
                while True:
                    report = await chief.ask(type="report")
                    shown = {one["name"]: one for one in report["nodes"]}
                    if len(shown) == 2 and shown["two"]["connections"] == 1:
                        break
                    await trio.sleep(0.1)
            assert report["bus"] is True
            assert shown["one"]["here"]
            assert shown["two"]["server"] == report["server"]
            banned = await chief.ask(type="user_ban", user="dan")
            assert banned["type"] == "ok", banned
        assert await dan.ended() == 4503
        async with person(nodes.two.url) as again:
            refused = await again.ask(type="hello", name="dan", password=PASSWORD)
            assert refused["type"] == "error"
        numbers = nodes.one.numbers(
            await nodes.one.get(nodes.one.metrics_port, "/metrics")
        )
        assert numbers["chatd_bus_up"] == 1
        assert numbers["chatd_nodes"] == 2
        assert numbers["chatd_publications_total"] > 0
        done = await command(nodes.one.data, "status", env=nodes.env)
        assert "two, chatd/" in done.stdout, done
        assert "one (this one), chatd/" in done.stdout


async def what_the_operator_does_is_done_on_all_nodes(nodes: Nodes) -> None:
    """Whichever he asks: he tells everybody, wherever they are."""
    async with people(nodes, "inn", "eve") as (ann, eve):
        done = await command(nodes.one.data, "announce", "tea", env=nodes.env)
        said = "told to 1 user here, and to those of 1 other node\n"
        assert done.stdout == said, done
        for who in (ann, eve):
            told = await who.hear_until(type="announcement")
            assert told == {"type": "announcement", "text": "tea"}
        words = "announce", "cake", "--room", "inn"
        await command(nodes.two.data, *words, env=nodes.env)
        for who in (ann, eve):
            told = await who.hear_until(type="announcement")
            assert (told["text"], told["room"]) == ("cake", "inn")
        done = await command(nodes.one.data, "kick", "eve", env=nodes.env)
        said = "ended 0 connections here, and those on 1 other node\n"
        assert done.stdout == said, done
        assert await eve.ended() == 4507
        gone = await command(nodes.one.data, "kick", "nobody", env=nodes.env)
        assert gone.stderr == "Error: nobody is not connected\n", gone
        assert (await ann.ask(type="ping"))["type"] == "ok"
