"""Nobody gets a seq above his own removal, whatever is under way.

Somebody follows a room on three devices: one is quick, one is slow, one is replayed
to again and again and reads history. Others write, and an owner kicks and bans him,
while commits, pages and look-ups are let through one by one. He comes back, loses
connections, and is removed again.

`Ear` looks at what each connection is sent; `Witness` at what the machine answers.
"""

from __future__ import annotations

from collections import Counter, deque
from typing import Any

import attrs
from trio.testing import MockClock, wait_all_tasks_blocked

from chatd.config import History
from chatd.core import drafts as d
from chatd.core.effects import Answer, Effect
from chatd.core.inputs import Input, Now
from chatd.core.invariants import check
from chatd.core.machine import Machine
from chatd.enums import Role
from chatd.wire.replies import HistoryPage, Joined, SearchPage
from tests.hub.support import (
    ANN,
    CY,
    DEN,
    EPOCH,
    T0,
    Peer,
    Rig,
    act_out,
    fill,
    quick,
    running,
)
from tests.hub.test_view import LIMITS, REPLAY_MAX, GatedStore

Frame = dict[str, Any]

ROUNDS_MAX = 300
HAPPENED: Counter[str] = Counter()
"""What the whole search has seen: it must not prove the fact by seeing nothing."""


@attrs.define
class Ear:
    """What one connection of his was sent of the room, looked at strictly."""

    head: int = 0
    """The room's when he joined here: what is up to it is told again, as it was."""
    next: int = 0
    """The seq that should come next; 0 where nothing may."""
    replaying: bool = False
    is_over: bool = True
    """Whether he was removed, or never joined: nothing of the room may come."""
    highest: int = 0
    """The seq of his last removal."""

    def hear(self, frame: Frame) -> None:
        """Take a frame that has come."""
        kind, re, seq = frame["type"], frame.get("re"), frame.get("seq", 0)
        if kind == "ok" and re == "join":
            assert seq >= self.highest
            self.is_over, self.replaying = False, True
            self.head, self.next = seq, seq + 1
        elif kind == "caught_up":
            assert not self.is_over
            self.replaying = False
        elif kind == "gap":
            assert not self.is_over
            HAPPENED["gap"] += 1
        elif kind == "error" and re in ("history", "search"):
            assert frame["code"] == "not_member"
            HAPPENED[f"{re} refused"] += 1
        elif kind == "left":
            assert frame["reason"] in ("kick", "ban", "destroy")
            HAPPENED["left, not joined"] += self.is_over and not self.highest
            self.is_over = True
        elif re is None and "ts" in frame:
            assert not self.is_over, frame
            is_his = frame.get("user") == CY and frame["change"] in ("kick", "ban")
            HAPPENED["destroyed"] += kind == "destroy"
            if kind == "destroy" or (is_his and seq > self.head):
                self._removed(seq)
            self.next = seq + 1

    def _removed(self, seq: int) -> None:
        how = "live"
        if self.replaying:
            how = "replaying"
        elif self.next < seq:
            how = "slow"
        HAPPENED[f"removed {how}"] += 1
        self.is_over, self.highest = True, seq


@attrs.define(eq=False)
class Witness:
    """Stands before the machine: who is answered about the room is in it."""

    machine: Machine
    handled: Any

    def handle(self, happened: Input, now: Now) -> list[Effect]:
        """Take one input, and look at what is answered."""
        effects: list[Effect] = self.handled(happened, now)
        chat = self.machine.chat
        for effect in effects:
            if isinstance(effect, Answer) and isinstance(
                effect.reply, HistoryPage | SearchPage | Joined
            ):
                user = chat.live.connections[effect.connection].user
                found = getattr(effect.reply, "messages", None)
                assert user in chat.durable.rooms[DEN].members or not (
                    found or isinstance(effect.reply, HistoryPage | Joined)
                )
        return effects


@attrs.define(eq=False)
class Device:
    """One of his devices, over one connection after another."""

    rig: Rig
    session: str
    window: float
    ear: Ear = attrs.field(factory=Ear)
    peer: Peer = attrs.field(init=False)
    outgoing: deque[Frame] = attrs.field(factory=deque)

    def __attrs_post_init__(self) -> None:
        self.connect()

    def connect(self) -> None:
        """Open a connection."""
        self.peer = self.rig.connect(window=self.window, limits=LIMITS)
        self.ear = Ear(highest=self.ear.highest)
        self.outgoing.clear()
        self.say("hello", session=self.session)

    def lose(self) -> None:
        """Lose the connection, and come back."""
        self.peer.close()
        self.connect()

    def say(self, type_: str, **fields: Any) -> None:
        """Send while the connection reads."""
        self.outgoing.append({"type": type_, **fields})

    def pump(self) -> bool:
        """Move what can be moved; whether anything was."""
        outlet, moved = self.peer.outlet, False
        if outlet.finished:
            self.lose()
            return True
        while (
            self.outgoing
            and not outlet.outbox.degraded
            and outlet.intake.open_commands < 8
        ):
            frame, moved = self.outgoing.popleft(), True
            self.peer.say(frame.pop("type"), **frame)
        for frame in self.peer.take():
            moved = True
            self.ear.hear(frame)
        return moved


@attrs.define(eq=False)
class Scene:
    """An owner, a writer, and somebody with three devices."""

    rig: Rig
    store: GatedStore
    clock: MockClock
    ann: Peer
    bob: Peer
    devices: list[Device]

    async def settle(self) -> None:
        """Let everybody act on what is there."""
        for _ in range(ROUNDS_MAX):
            await wait_all_tasks_blocked()
            if sum(device.pump() for device in self.devices) == 0:
                return
        raise AssertionError("they go on for ever")

    async def do(self, action: str, number: int) -> None:
        """Do one thing, and let everybody act on it."""
        device = self.devices[number % len(self.devices)]
        match action:
            case "talk":
                for one in range(1 + number % 6):
                    self.bob.say("send", room=DEN, text=f"{one} {'x' * (number % 90)}")
            case "kick":
                self.ann.say("kick", room=DEN, user=CY)
            case "ban":
                self.ann.say("ban", room=DEN, user=CY, **{"for": 1})
            case "join":
                device.say("join", room=DEN, **_place(self.rig, number))
            case "history":
                device.say("history", room=DEN, limit=5)
            case "search":
                device.say("search", query="x*", room=DEN)
            case "take":
                self.devices[1].peer.outlet.open_window(number)
            case "lose":
                device.lose()
            case "time":
                self.clock.jump(number / 500)
            case "lag":
                # The slow one follows, then reads no more while others write.
                outlet = self.devices[1].peer.outlet
                outlet.open_window(5000)
                self.devices[1].say("join", room=DEN)
                await self.flow(4, number)
                outlet.taken.window = number % 400
                for _ in range(3 + number % 9):
                    self.bob.say("send", room=DEN, text="x" * (number % 90 + 1))
                await self.flow(3, number)
            case "flow":
                await self.flow(number % 8, number)
            case _:
                self.store.let(action, number)
        self.ann.take()
        self.bob.take()
        await self.settle()

    async def flow(self, rounds: int, number: int) -> None:
        """Let some of everything through."""
        for _ in range(rounds):
            for what in ("commit", "apply", "read"):
                self.store.let(what, number)
            await self.settle()

    async def end(self, way: str) -> None:
        """Let everything flow: he is removed for good, and hears it everywhere.

        Args:
            way: `kick`, or `destroy`, by which everybody is out.
        """
        self.store.open()
        self.devices[1].window = float("inf")
        self.devices[1].peer.outlet.open_window(float("inf"))
        await self.settle()
        for device in self.devices:
            device.say("join", room=DEN)
        self.ann.say("unban", room=DEN, user=CY)
        await self.settle()
        for device in self.devices:
            device.say("join", room=DEN)
        await self.settle()
        last = self.rig.messages(DEN) + 1
        self.ann.say(way, room=DEN, user=CY)
        self.bob.say("send", room=DEN, text="gone?")
        await self.settle()
        assert [device.ear.is_over for device in self.devices] == [True] * 3
        assert {device.ear.highest for device in self.devices} == {last}
        check(self.rig.hub.machine.chat)


def _place(rig: Rig, number: int) -> Frame:
    """From where a device joins: from now, from the newest, or from a position."""
    if number % 3 == 0:
        return {}
    if number % 3 == 1:
        return {"last": 1 + number % 9}
    since = max(0, rig.messages(DEN) - number % REPLAY_MAX)
    return {"since": since, "epoch": EPOCH}


ACTIONS = (
    *["talk", "flow"] * 8,
    *["commit", "apply", "read", "take", "join"] * 4,
    *["kick", "history", "search", "lag"] * 2,
    *["ban", "time", "lose"],
)


async def play(steps: list[tuple[str, int]], clock: MockClock) -> None:
    """Act the steps out, then let everything flow."""
    store = GatedStore(is_open=True)
    await fill(store, ["ann", "bob", "cy", "cy-2", "cy-3"])
    joined: list[d.Draft] = [d.SetMember(DEN, CY, Role.MEMBER, event=True)]
    said: list[d.Draft] = [d.NewMessage(DEN, ANN, None, "hi")] * 8
    await store.commit(joined + said, T0)
    config = attrs.evolve(quick(), history=History(replay_max=REPLAY_MAX))
    async with running(store, config, filled=False) as rig:
        machine = rig.hub.machine
        witness = Witness(machine, machine.handle)
        machine.handle = witness.handle  # type: ignore[method-assign]
        ann, bob = await rig.login("ann"), await rig.login("bob")
        windows = (float("inf"), 0, float("inf"))
        devices = [
            Device(rig, session, window)
            for session, window in zip(("cy", "cy-2", "cy-3"), windows, strict=True)
        ]
        scene = Scene(rig, store, clock, ann, bob, devices)
        devices[1].peer.outlet.open_window(1000)
        await scene.settle()
        for device in devices:
            device.say("join", room=DEN)
        await scene.settle()
        store.is_open = False
        for action, number in steps:
            await scene.do(action, number)
        await scene.end("destroy" if len(steps) % 2 else "kick")


def test_nobody_gets_a_seq_above_his_own_removal() -> None:
    """Live, replaying, or behind; and each of them did happen."""
    HAPPENED.clear()
    act_out(play, ACTIONS)
    for what in (
        "removed live",
        "removed replaying",
        "removed slow",
        "gap",
        "left, not joined",
        "destroyed",
        "history refused",
        "search refused",
    ):
        assert HAPPENED[what] > 0, HAPPENED
