from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs
import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from chatd.config.sections import Store as StoreSection
from chatd.core import drafts as d
from chatd.core.inputs import Now
from chatd.core.invariants import check
from chatd.core.quota import Space
from chatd.errors import Ending, StoreFailed, StoreUnavailable
from chatd.hub import Hub
from chatd.net.dialect import binary
from chatd.net.host import WebSocketLimits
from tests.hub.support import (
    ANN,
    DEN,
    fill,
    outlet,
    quick,
    running,
)
from tests.store.memory import MemoryStore


async def test_an_echo_comes_after_its_ok_in_one_write(
    autojump_clock: MockClock,
) -> None:
    """Reply and event of one batch are one write for the sender."""
    async with running() as rig:
        ann, bob = await rig.login("ann"), await rig.login("bob")
        for peer in (ann, bob):
            await peer.ask("join", room=DEN)
        writes = len(ann.outlet.taken.sends)
        ok, event = await ann.ask("send", room=DEN, text="hi", id=7)
        assert (ok["type"], ok["re"], ok["id"], ok["seq"]) == ("ok", "send", 7, 1)
        assert (event["type"], event["text"], event["from"]) == ("message", "hi", "ann")
        assert len(ann.outlet.taken.sends) == writes + 1
        assert bob.take() == [event]


async def test_a_batch_of_commits_is_a_batch_of_fan_out(
    autojump_clock: MockClock,
) -> None:
    """Sixty-four messages that were committed together leave in one write each."""
    async with running() as rig:
        ann, bob = await rig.login("ann"), await rig.login("bob")
        await bob.ask("join", room=DEN)
        writes = len(bob.outlet.taken.sends)
        for number in range(64):
            ann.say("send", room=DEN, text=str(number))
        await wait_all_tasks_blocked()
        assert [frame["text"] for frame in bob.take()] == [*map(str, range(64))]
        assert len(bob.outlet.taken.sends) <= writes + 2


async def test_every_text_is_answered_exactly_once(autojump_clock: MockClock) -> None:
    """Whatever it is: a command, a look-up, silence, nonsense, a binary frame."""
    async with running() as rig:
        ann = rig.connect()
        ann.say("ping")
        ann.say("hello", session="wrong")
        ann.say("hello", session="ann")
        ann.say("join", room=DEN)
        ann.say("join", room="lobby")
        ann.say("send", room=DEN, text="hi", cid="1")
        ann.say("send", room=DEN, text="hi", cid="1")
        ann.say("send", room="nowhere", text="hi", cid="2")
        ann.say("send", to="bob", text="hi")
        ann.say("send", to="nobody", text="hi")
        ann.say("edit", room=DEN, of=1, text="ho")
        ann.say("delete", room=DEN, of=9)
        ann.say("history", room=DEN)
        ann.say("who", room=DEN)
        ann.say("typing", room=DEN)
        ann.say("status", state="away")
        ann.say("read", room=DEN, seq=1)
        ann.say("profile", display="Ann")
        ann.say("block", user="bob")
        ann.say("block", user="nobody")
        ann.say("unblock", user="ann")
        ann.say("blocks")
        ann.say("leave", room="lobby")
        for payload in (b"", b"{", b"[]", b'{"type":"dance"}', b'{"type":1}', b"\xff"):
            ann.raw(payload)
        ann.said += 1
        ann.outlet.intake.open_commands += 1
        rig.hub.on_bad(ann.outlet, binary())
        await wait_all_tasks_blocked()
        assert ann.outlet.answers == ann.said
        assert ann.outlet.intake.open_commands == 0
        replies = [f for f in ann.take() if "re" in f or f["type"] == "error"]
        assert len(replies) == ann.said - 3  # typing, status and read say nothing
        ann.say("ping")
        ann.say("logout")
        ann.say("ping")
        await wait_all_tasks_blocked()
        assert ann.outlet.answers == ann.said
        assert ann.outlet.ending is Ending.LOGOUT


async def test_what_is_hidden_is_so_whichever_way_it_comes(
    autojump_clock: MockClock,
) -> None:
    """Live in one batch with what is not, behind a gap, in a replay, in history."""
    store = MemoryStore()
    await fill(store, ("ann", "bob", "bob-2"))
    async with running(store, filled=False) as rig:
        ann, bob = await rig.login("ann"), await rig.login("bob")
        phone = await rig.login("bob-2")
        room = "@ann,bob"
        await bob.ask("send", to="ann", text="one")
        await ann.ask("block", user="bob")
        ann.take()
        bob.say("send", room=room, text="two")
        ann.say("send", room=room, text="three")
        phone.say("edit", room=room, of=1, text="four")
        await wait_all_tasks_blocked()
        expected = [(2, "hidden"), (3, "message"), (4, "hidden")]
        events = [frame for frame in ann.take() if "re" not in frame]
        assert [(event["seq"], event["type"]) for event in events] == expected
        assert set(events[0]) == {"type", "room", "seq", "ts"}
        assert events[0]["ts"] == bob.take()[1]["ts"]
        (page,) = await ann.ask("history", room=room)
        hidden = [message.get("hidden", False) for message in page["messages"]]
        assert hidden == [True, True, False]
        shown = await ann.ask("join", room=room, since=0, epoch=page["epoch"])
        seqs = [(frame["seq"], frame["type"]) for frame in shown[1:-1]]
        assert seqs == [(1, "hidden"), *expected]


async def test_what_is_no_command_is_counted(autojump_clock: MockClock) -> None:
    """Each kind of frame that is none, by its code."""
    async with running() as rig:
        ann = await rig.login("ann")
        ann.raw(b"{")
        ann.raw(b'{"type":"dance"}')
        rig.hub.on_bad(ann.outlet, binary())
        text = rig.metrics.text().decode()
        for code in ("bad_json", "bad_type", "bad_frame"):
            assert f'chatd_refused_total{{code="{code}"}} 1.0' in text


async def test_a_newer_connection_takes_the_session_over(
    autojump_clock: MockClock,
) -> None:
    """The older one is ended with 4506 and gets nothing more; nobody sees anything."""
    async with running() as rig:
        bob, older = await rig.login("bob"), await rig.login("ann")
        for peer in (bob, older):
            await peer.ask("join", room=DEN)
        await trio.sleep(5)
        bob.take()
        newer = await rig.login("ann")
        assert older.outlet.ending is Ending.TAKEN_OVER
        await newer.ask("join", room=DEN)
        older.take()
        older.close()
        await bob.ask("send", room=DEN, text="hi")
        assert [f["text"] for f in newer.take() if f["type"] == "message"] == ["hi"]
        assert older.take() == []
        await trio.sleep(60)
        assert not [frame for frame in bob.take() if frame["type"] == "presence"]


async def test_who_is_gone_is_told_to_the_others(autojump_clock: MockClock) -> None:
    """After the grace, by one presence frame."""
    async with running() as rig:
        bob, ann = await rig.login("bob"), await rig.login("ann")
        for peer in (bob, ann):
            await peer.ask("join", room=DEN)
        await trio.sleep(2)
        bob.take()
        ann.close()
        await trio.sleep(9)
        assert bob.take() == []
        await trio.sleep(3)
        (presence,) = bob.take()
        assert (presence["leave"], presence["online"]) == (["ann"], 1)


async def test_a_client_without_a_hello_is_ended(autojump_clock: MockClock) -> None:
    """The clock wakes the machine at its deadlines."""
    async with running() as rig:
        silent = rig.connect()
        await trio.sleep(29.9)
        assert silent.outlet.ending is None
        await trio.sleep(0.2)
        assert silent.outlet.ending is Ending.NO_HELLO


@pytest.mark.parametrize("where", ["handle", "next_deadline"])
async def test_a_bug_of_the_core_ends_the_hub(
    where: str, autojump_clock: MockClock
) -> None:
    """It comes out of `run`, not out of the call of the connection that met it."""
    store = MemoryStore()
    await fill(store)

    def broken(*_: Any) -> Any:
        raise ZeroDivisionError("a bug")

    with pytest.RaisesGroup(pytest.RaisesGroup(ZeroDivisionError)):
        async with running(store, filled=False) as rig:
            ann = await rig.login("ann")
            setattr(rig.hub.machine, where, broken)
            ann.say("ping")
            ann.say("ping")
            ann.close()
            try:
                await trio.sleep_forever()
            finally:
                assert not rig.hub.is_ready


async def test_a_failed_store_ends_the_hub(autojump_clock: MockClock) -> None:
    """Nobody gets an ok from a store that cannot be trusted."""
    store = MemoryStore()
    await fill(store)
    groups = pytest.RaisesGroup(pytest.RaisesGroup(pytest.RaisesGroup(StoreFailed)))
    with groups:
        async with running(store, filled=False) as rig:
            ann = await rig.login("ann")
            store.set_failing(StoreFailed("disk I/O error"))
            try:
                ann.say("send", room=DEN, text="hi")
                await trio.sleep_forever()
            finally:
                assert ann.take() == []
                # Connections end after the hub, and none of that may raise.
                ann.say("ping")
                ann.close()


async def test_a_store_without_space_refuses_and_recovers(
    autojump_clock: MockClock,
) -> None:
    """No ok, `unavailable` with the cid; reads go on; the same cid works later."""
    store = MemoryStore()
    async with running(store) as rig:
        ann = await rig.login("ann")
        await ann.ask("join", room=DEN)
        await ann.ask("send", room=DEN, text="before")
        store.set_failing(StoreUnavailable("the disk is full"))
        (error,) = await ann.ask("send", room=DEN, text="hi", cid="7c1", id=1)
        assert (error["code"], error["cid"]) == ("unavailable", "7c1")
        assert error["retry_after"] == 1.0
        (page,) = await ann.ask("history", room=DEN)
        assert [message["text"] for message in page["messages"]] == ["before"]
        store.set_failing(None)
        ok, event = await ann.ask("send", room=DEN, text="hi", cid="7c1", id=2)
        assert (ok["seq"], event["seq"]) == (2, 2)
        assert "dup" not in ok


async def test_a_stalled_store_refuses_and_what_it_stored_is_delivered(
    autojump_clock: MockClock,
) -> None:
    """Who waits is told `unavailable`; the message comes nevertheless, once."""
    store = MemoryStore()
    async with running(store) as rig:
        ann = await rig.login("ann")
        await ann.ask("join", room=DEN)
        await trio.sleep(10)
        ann.take()
        store.set_stalled(True)
        ann.say("send", room=DEN, text="hi", cid="7c1", id=1)
        await trio.sleep(5.1)
        (error,) = ann.take()
        assert (error["code"], error["id"]) == ("unavailable", 1)
        assert not rig.hub.is_ready
        assert not rig.hub.is_well
        (again,) = await ann.ask("send", room=DEN, text="hi", cid="7c1", id=2)
        assert (again["code"], again["id"]) == ("unavailable", 2)
        assert (await ann.ask("ping", id=3))[0]["type"] == "ok"
        store.set_stalled(False)
        await wait_all_tasks_blocked()
        (event,) = ann.take()
        assert (event["type"], event["seq"]) == ("message", 1)
        assert rig.hub.is_ready
        assert rig.hub.is_well


async def test_a_store_whose_server_has_gone_ends_nobody(
    autojump_clock: MockClock,
) -> None:
    """Who sends is told so for as long as that lasts; a restart would not help."""
    store = MemoryStore(settles=True)
    async with running(store) as rig:
        ann = await rig.login("ann")
        await ann.ask("join", room=DEN)
        store.set_stalled(True)
        ann.say("send", room=DEN, text="hi", cid="7c1", id=1)
        await trio.sleep(60)
        refused = [frame["id"] for frame in ann.take() if frame["type"] == "error"]
        assert refused == [1]
        assert rig.gave_up == []
        assert not rig.hub.is_ready
        assert rig.hub.is_well
        (again,) = await ann.ask("send", room=DEN, text="hi", cid="7c1", id=2)
        assert again["code"] == "unavailable"
        store.set_stalled(False)
        await wait_all_tasks_blocked()
        assert rig.hub.is_ready
        assert [frame["seq"] for frame in ann.take()] == [1]
        (again,) = await ann.ask("send", room=DEN, text="hi", cid="7c1", id=3)
        assert (again["type"], again["seq"]) == ("ok", 1)
        (dup,) = await ann.ask("send", room=DEN, text="hi", cid="7c1", id=4)
        assert (dup["seq"], dup["dup"]) == (1, True)
        assert ann.outlet.answers == ann.said
        assert rig.gave_up == []


async def test_a_store_that_hangs_is_given_up(autojump_clock: MockClock) -> None:
    """After twice the stall, which ends the process."""
    store = MemoryStore()
    async with running(store) as rig:
        ann = await rig.login("ann")
        store.set_stalled(True)
        ann.say("send", room=DEN, text="hi")
        began = trio.current_time()
        await trio.sleep(60)
        assert rig.gave_up == [began + 10]
        store.set_stalled(False)


async def test_a_drain_delivers_what_was_accepted(autojump_clock: MockClock) -> None:
    """Nothing more is read; what was sent is committed and answered; then all go."""
    async with running() as rig:
        ann, bob = await rig.login("ann"), await rig.login("bob")
        for peer in (ann, bob):
            await peer.ask("join", room=DEN)
        ann.say("send", room=DEN, text="last words")
        rig.hub.hold_all()
        assert (ann.outlet.holds, bob.outlet.holds) == (1, 1)
        await rig.hub.drain()
        assert [frame["type"] for frame in ann.take()] == ["ok", "message"]
        assert bob.take()[-1]["text"] == "last words"
        afters = iter([1.5, 2.5, 3.5])
        rig.hub.finish_all(Ending.RESTART, lambda: next(afters))
        assert [p.outlet.ending for p in (ann, bob)] == [Ending.RESTART] * 2
        assert [p.outlet.after_s for p in (ann, bob)] == [1.5, 2.5]
        late = rig.connect()
        assert (late.outlet.ending, late.outlet.after_s) == (Ending.RESTART, 3.5)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(rig.hub.wait_empty)
            for peer in (ann, bob, late):
                await wait_all_tasks_blocked()
                assert nursery.child_tasks
                rig.hub.detach(peer.outlet)
        assert rig.hub.connections == 0


async def test_cancelling_hands_on_what_was_begun(autojump_clock: MockClock) -> None:
    """A hub that is ended in the middle of a commit delivers it first."""
    store = MemoryStore()
    async with running(store) as rig:
        ann = await rig.login("ann")
        store.set_stalled(True)
        ann.say("send", room=DEN, text="hi", id=1)
        await wait_all_tasks_blocked()
        rig.hub._nursery.cancel_scope.cancel()
        await wait_all_tasks_blocked()
        assert ann.take() == []
        store.set_stalled(False)
        await wait_all_tasks_blocked()
        assert [frame["id"] for frame in ann.take()] == [1]


async def test_a_guest_logs_in_by_name(autojump_clock: MockClock) -> None:
    """The name gets a suffix, the session resumes it."""
    async with running() as rig:
        peer = rig.connect()
        (welcome,) = await peer.ask("hello", name="ann", id=1)
        assert (welcome["role"], welcome["display"]) == ("guest", "ann")
        assert rig.hub.user_of(peer.outlet.id) == welcome["user"]
        assert welcome["user"].startswith("ann~")
        again = await rig.login(welcome["session"])
        assert rig.hub.user_of(again.outlet.id) == welcome["user"]
        assert rig.hub.user_of(outlet(99).id) is None


async def test_what_a_look_up_costs_is_charged_to_its_connection(
    autojump_clock: MockClock,
) -> None:
    """The stream has charged one for each frame before anybody knew what it is."""
    async with running() as rig:
        ann = await rig.login("ann")
        await ann.ask("join", room=DEN)
        await ann.ask("ping", id=1)
        assert ann.outlet.charged == 0
        await ann.ask("history", room=DEN)
        await ann.ask("who", room=DEN)
        assert ann.outlet.charged == 8
        ann.say("who", room=DEN)
        ann.close()
        await trio.sleep(0.1)
        assert ann.outlet.charged == 8


async def test_a_flood_is_told_when_to_come_back(autojump_clock: MockClock) -> None:
    """Its address counts by what one subscriber has."""
    config = quick(messages_per_s=1, messages_burst=1)
    async with running(config=config) as rig:
        ann = await rig.login("ann")
        (connection,) = rig.hub.machine.chat.live.connections.values()
        assert connection.address == "192.0.2.1"
        await ann.ask("join", room=DEN)
        for _ in range(62):
            ann.say("send", room=DEN, text="buy")
        await trio.sleep(0.1)
        assert (ann.outlet.ending, ann.outlet.after_s) == (Ending.OVERLOADED, 60)


async def test_little_space_is_told_to_the_machine(autojump_clock: MockClock) -> None:
    """And what it makes of it to whoever measured."""
    config = attrs.evolve(quick(), store=StoreSection(free_bytes_min=100))
    async with running(config=config) as rig:
        ann = await rig.login("ann")
        await ann.ask("join", room=DEN)
        assert rig.hub.measured(10) is Space.NONE
        (error,) = await ann.ask("send", room=DEN, text="hi")
        assert (error["code"], error["retry_after"]) == ("unavailable", 60.0)
        assert rig.hub.measured(1000) is Space.AMPLE
        assert (await ann.ask("send", room=DEN, text="hi"))[0]["type"] == "ok"


async def test_who_was_spared_gets_the_whole_list(autojump_clock: MockClock) -> None:
    """A connection that missed a presence frame gets everybody in the next one."""
    limits = WebSocketLimits(outbox_soft_bytes=300)
    async with running() as rig:
        slow = await rig.login("bob", limits=limits)
        await slow.ask("join", room=DEN)
        await trio.sleep(5)
        slow.take()
        slow.outlet.taken.window = 0
        await slow.ask("ping", id="x" * 64)
        for _ in range(4):
            slow.say("who", room=DEN)
        ann = await rig.login("ann")
        await trio.sleep(2)
        assert slow.outlet.ephemeral_dropped == {DEN: None}
        slow.outlet.open_window(float("inf"))
        slow.take()
        await ann.ask("status", state="away")
        await trio.sleep(2)
        (presence,) = slow.take()
        assert {user["name"]: user["state"] for user in presence["users"]} == {
            "ann": "away",
            "bob": "online",
        }
        assert slow.outlet.ephemeral_dropped == {}


async def test_a_hash_that_grew_is_written(autojump_clock: MockClock) -> None:
    """What the authenticator asks to be kept goes through the one writer."""
    store = MemoryStore()
    async with running(store) as rig:
        rig.hub._store_aside(d.SetPasswordHash(ANN, "new", None))
        await rig.hub.drain()
        row = await store.user(ANN)
        assert row is not None
        assert row.password_hash == "new"


@attrs.define
class Reentrant:
    """A machine that notes what it is given, and one input makes another."""

    hub: Hub
    seen: list[Any] = attrs.field(factory=list)

    def handle(self, happened: Any, now: Now) -> Sequence[Any]:
        self.seen.append(happened)
        if len(self.seen) == 1:
            self.hub._happened("second")  # type: ignore[arg-type]
            assert len(self.seen) == 1
        return []

    def next_deadline(self) -> float | None:
        return None


async def test_an_input_is_handled_to_its_end(autojump_clock: MockClock) -> None:
    """One that comes up meanwhile waits behind it."""
    async with running() as rig:
        fake = Reentrant(rig.hub)
        rig.hub._machine = fake  # type: ignore[assignment]
        rig.hub._happened("first")  # type: ignore[arg-type]
        assert fake.seen == ["first", "second"]


async def test_who_is_gone_before_his_look_up_begins_is_nobody(
    autojump_clock: MockClock,
) -> None:
    """A hello, and a close in the same moment, leave nothing behind."""
    async with running() as rig:
        peer = rig.connect()
        peer.say("hello", session="ann")
        peer.close()
        await wait_all_tasks_blocked()
        assert rig.hub.is_ready
        assert ANN not in rig.hub.machine.chat.durable.users
        check(rig.hub.machine.chat)
