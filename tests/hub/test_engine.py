"""Turns are bounded, by the time of the work that they do and by messages.

Work is measured by a clock that only the machine moves, so that nothing here depends
on how fast this is run; what is counted is how often others had their turn.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import attrs
import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from chatd.core.effects import Effect
from chatd.core.inputs import (
    Closed,
    Executed,
    Input,
    Now,
    Received,
)
from chatd.errors import Ending
from chatd.hub.engine import SERVED_MAX, TURN_INPUTS_MAX, TURN_S
from chatd.ids import ConnectionId
from chatd.wire.commands import Command
from tests.hub.support import DEN, Rig, fill, quick, running
from tests.passes import passes
from tests.store.memory import MemoryStore


@attrs.define(eq=False)
class Work:
    """The clock of work, and what the machine was given, in order."""

    seconds: float = 0.0
    """What each input takes."""
    spent: float = 0.0
    inputs: list[Input] = attrs.field(factory=list)

    def now(self) -> float:
        """What the clock says."""
        return self.spent

    def order(self) -> list[ConnectionId]:
        """Whose messages were handled, in order."""
        return [one.connection for one in self.inputs if isinstance(one, Received)]


def measured(rig: Rig, work: Work) -> None:
    """Have the machine take time on the clock of work."""
    handle = rig.hub.machine.handle

    def working(happened: Input, now: Now) -> list[Effect]:
        work.spent += work.seconds
        work.inputs.append(happened)
        return handle(happened, now)

    rig.hub.machine.handle = working  # type: ignore[method-assign]


@asynccontextmanager
async def working(
    *sessions: str, **fields: Any
) -> AsyncIterator[tuple[Rig, Work, list[Any]]]:
    """Run a hub with users who have logged in, whose machine is then measured."""
    store, work = MemoryStore(), Work()
    await fill(store, sessions)
    async with running(store, filled=False, busy=work.now, **fields) as rig:
        peers = [await rig.login(name) for name in sessions]
        measured(rig, work)
        yield rig, work, peers


async def done(condition: Callable[[], bool]) -> None:
    """Let others work until something is so. Cancellation: safe."""
    while True:
        await trio.lowlevel.checkpoint()
        if condition():
            return


async def test_a_turn_ends_after_its_time() -> None:
    """What takes most of a fifth of a turn is done five at a time, others between."""
    async with working("ann", "bob") as (_, work, (ann, bob)):
        work.seconds = TURN_S / 4.5
        for peer in (ann, bob):
            for _ in range(50):
                peer.say("ping")
        with passes(lambda: len(work.inputs)) as found:
            await done(lambda: len(work.inputs) >= 100)
        assert max(found) == 5
        assert [frame["type"] for frame in ann.take()] == ["ok"] * 50


async def test_what_takes_longer_than_a_turn_is_alone_in_it() -> None:
    """Each of ten, and other tasks run after each."""
    async with working("ann") as (_, work, (ann,)):
        work.seconds = 2 * TURN_S
        for _ in range(10):
            ann.say("ping")
        with passes(lambda: len(work.inputs)) as found:
            await done(lambda: len(work.inputs) >= 10)
        assert max(found) == 1


async def test_a_turn_ends_after_its_messages() -> None:
    """Also where work takes no time that a clock would show."""
    async with working("ann", "bob", "cy", "cy-2") as (_, work, peers):
        for peer in peers:
            for _ in range(1000):
                peer.say("ping")
        with passes(lambda: len(work.inputs)) as found:
            await done(lambda: len(work.inputs) >= 4000)
        assert max(found) < TURN_INPUTS_MAX + SERVED_MAX
        assert sum(found) >= 4000 - TURN_INPUTS_MAX


async def test_nobody_waits_for_all_that_another_has_sent() -> None:
    """One message is handled behind so many of a thousand, and both in order."""
    async with working("ann", "bob") as (_, work, (ann, bob)):
        for number in range(1000):
            ann.say("ping", id=number)
        bob.say("ping")
        await done(lambda: len(work.inputs) >= 1001)
        assert work.order().index(bob.outlet.id) == SERVED_MAX
        assert [frame["id"] for frame in ann.take()] == list(range(1000))


async def test_who_sends_what_is_dear_waits_for_himself() -> None:
    """The next message of somebody else comes after one of his at the most."""
    async with working("ann", "bob") as (_, work, (ann, bob)):
        work.seconds = TURN_S / 4.5
        for _ in range(20):
            ann.say("ping")
        await done(lambda: len(work.inputs) >= 5)
        before = len(work.inputs)
        bob.say("ping")
        await done(lambda: len(work.inputs) >= 21)
        assert work.order().index(bob.outlet.id) <= before + 1


async def test_what_was_committed_is_handled_in_turns_and_first() -> None:
    """One batch with a dear fan-out: each turn takes some, and no ping comes before."""
    async with working("ann", "bob") as (rig, work, (ann, bob)):
        for number in range(30):
            ann.say("send", room=DEN, text="hi", cid=str(number))
        await done(lambda: rig.hub.committer.depth == 30)
        work.inputs.clear()
        work.seconds = TURN_S / 2.5
        with passes(lambda: len(work.inputs)) as found:
            await done(lambda: len(work.inputs) >= 3)
            bob.say("ping")
            await done(lambda: len(work.inputs) >= 31)
        assert max(found) == 3
        kinds = [type(one) for one in work.inputs]
        assert kinds == [Executed] * 30 + [Received]
        replies = [frame for frame in ann.take() if frame.get("re") == "send"]
        assert [frame["cid"] for frame in replies] == [str(n) for n in range(30)]


async def test_who_goes_does_so_after_what_he_sent() -> None:
    """However much that is: others have their turn between, and all of it counts."""
    async with working("ann", "bob") as (rig, work, (ann, bob)):
        before = rig.messages(DEN)
        work.seconds = 2 * TURN_S
        for number in range(20):
            ann.say("send", room=DEN, text="hi", cid=str(number))
        ann.close()
        assert rig.hub.connections == 1
        with passes(lambda: len(work.inputs)) as found:
            bob.say("ping")
            await rig.hub.drain()
        assert max(found) <= 2  # one turn for what was sent, one for what was committed
        assert rig.messages(DEN) == before + 20
        of_ann = [
            type(one)
            for one in work.inputs
            if isinstance(one, Received | Closed) and one.connection == ann.outlet.id
        ]
        assert of_ann == [Received] * 20 + [Closed]
        assert work.order()[:3].count(bob.outlet.id) == 1


async def test_a_drain_waits_for_all_turns() -> None:
    """What was accepted is committed and delivered, in however many turns."""
    async with working("ann", "bob") as (rig, work, (ann, bob)):
        work.seconds = 2 * TURN_S
        await bob.ask("join", room=DEN)
        for number in range(50):
            ann.say("send", room=DEN, text="hi", cid=str(number))
        await rig.hub.drain()
        assert rig.hub.committer.depth == 0
        events = [frame for frame in bob.take() if frame["type"] == "message"]
        assert len(events) == 50


async def test_time_is_kept_while_much_is_done(autojump_clock: MockClock) -> None:
    """A deadline that has come is told between two turns, not behind all of them."""
    async with working("ann") as (rig, work, (ann,)):
        silent = rig.connect()
        await trio.sleep(quick().auth.login_timeout_s - 1)
        work.seconds = 2 * TURN_S
        for _ in range(60):
            ann.say("ping")
        autojump_clock.jump(1)
        await done(lambda: silent.outlet.ending is not None)
        assert silent.outlet.ending is Ending.NO_HELLO
        assert len(work.order()) < 10


async def test_a_bug_of_the_decoder_ends_one_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is about what this one has sent; the hub goes on for everybody else."""
    async with working("ann", "bob") as (rig, _, (ann, bob)):
        decode, bugs = rig.dialect.decode, list[tuple[object, ...]]()

        def broken(payload: bytes) -> Command:
            if b"poison" in payload:
                raise ZeroDivisionError("a bug")
            return decode(payload)

        monkeypatch.setattr(rig.dialect, "decode", broken)
        monkeypatch.setattr(type(ann.outlet), "bug", lambda *told: bugs.append(told))
        ann.say("poison")
        assert [frame["re"] for frame in await bob.ask("ping")] == ["ping"]
        assert [told[0] for told in bugs] == [ann.outlet]
        assert isinstance(bugs[0][1], ZeroDivisionError)
        assert rig.hub.is_ready
        await wait_all_tasks_blocked()
