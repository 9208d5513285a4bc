"""Whatever happens in between, a client ends with the room as it is.

Somebody joins at a random moment while others send, edit, delete and react. He
takes random numbers of bytes at random moments, over limits so small that gaps
happen all the time; he joins again, leaves, loses his connection, resumes, takes
his session over. When a commit is done and when a read returns is chosen, too.

`Stream` looks at each connection's frames as the protocol promises them: no hole
that was not told of, nothing twice. `View` is the client loop of the protocol's
section 3, and must end with the room that a fresh `history` shows.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Sequence
from typing import Any

import attrs
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from chatd.config import History
from chatd.core import drafts as d
from chatd.core.invariants import check
from chatd.ids import RoomName, Seq, SessionId, UserName
from chatd.net.host import WebSocketLimits
from chatd.ports import SessionRow, UserRow
from chatd.wire.events import Happened, Millis, TimelineShown
from chatd.wire.replies import MessageShown
from tests.hub.support import ANN, DEN, T0, Peer, Rig, act_out, fill, quick, running
from tests.store.memory import MemoryStore
from tests.wire.loop import Frame, change, shown

LIMITS = WebSocketLimits(
    outbox_soft_bytes=600, outbox_hard_bytes=6_000, inflight_max=8, commands_per_s=0
)
REPLAY_MAX = 12
ROUNDS_MAX = 300
EMOJI = ("👍", "🎉")
HAPPENED: Counter[str] = Counter()
"""What the whole search has seen: it must not prove the fact by seeing nothing."""


# --- the client ---------------------------------------------------------------


@attrs.define
class View:
    """What a client holds of a room; `take` is the loop of protocol section 3."""

    epoch: str | None = None
    last: int | None = None
    newest: int = 0
    """How many messages the join asked to be replayed."""
    number: int = 0
    following: bool = False
    unread: bool = True
    """Whether `history` was not read to its beginning yet."""
    pages: dict[int, Frame] = attrs.field(factory=dict)
    events: dict[int, Frame] = attrs.field(factory=dict)

    def join(self, newest: int = 0) -> list[Frame]:
        """Join, from `last` on if everything before it is held."""
        self.number, self.following, self.newest = self.number + 1, False, 0
        command = {"type": "join", "room": DEN, "id": self.number}
        if not self.unread:
            return [command | {"since": self.last, "epoch": self.epoch}]
        self.newest = newest
        return [command | ({"last": newest} if newest else {})]

    def take(self, frame: Frame) -> list[Frame]:
        """Take a frame, and say what to send."""
        kind, re, seq = frame["type"], frame.get("re"), frame.get("seq", 0)
        if re == "join" and kind == "ok" and frame["id"] == self.number:
            self.following = True
            if not frame.get("recovered"):
                self.epoch, self.last = frame["epoch"], None if self.newest else seq
                self.pages, self.events, self.unread = {}, {}, True
                return [self.history()]
        elif re == "history" and kind == "ok" and frame["id"] == f"of {self.number}":
            as_of, self.unread = {"as_of": frame["as_of"]}, frame["more"]
            self.pages |= {m["seq"]: m | as_of for m in frame["messages"]}
            return [self.history(min(self.pages))] if self.unread else []
        elif kind == "left":
            # Joins on their way were sent before one knew; they are not answered to.
            self.following, self.unread, self.number = False, True, self.number + 1
        elif re == "join" and kind == "error":
            assert frame["code"] == "not_member"
            if frame["id"] == self.number:
                # One had left before the connection was lost, and not heard of it.
                self.unread = True
                return self.join()
        elif self.following and kind == "gap":
            return self.join()
        elif self.following and "ts" in frame and re is None:
            self.last = seq - 1 if self.last is None else self.last
            if seq == self.last + 1:
                self.last, self.events[seq] = seq, frame
            elif seq > self.last:
                return self.join()
        return []

    def history(self, before: int = 0) -> Frame:
        """Ask for a page, the newest or an earlier one."""
        bound = {"before": before} if before else {}
        id_ = f"of {self.number}"
        return {"type": "history", "room": DEN, "limit": 20, "id": id_} | bound

    def room(self) -> dict[int, Any]:
        """Fold what is held: pages, and on top what came later than each."""
        held = {seq: page | {} for seq, page in self.pages.items()}
        for seq, event in sorted(self.events.items()):
            if event["type"] == "message":
                held.setdefault(seq, event | {"as_of": seq})
            elif event.get("of") in held and seq > held[event["of"]]["as_of"]:
                change(held[event["of"]], event)
        return {seq: shown(message) for seq, message in held.items()}


@attrs.define
class Stream:
    """What one connection was sent of the room, looked at strictly."""

    joins: dict[Any, Frame] = attrs.field(factory=dict)
    """What was asked, by id."""
    next: int | None = None
    """The seq that must come next; 0 where nothing may."""
    open: int | None = None
    """The join that is not caught up."""
    seen: set[int] = attrs.field(factory=set)
    name: str | None = None
    """What the room is called, once one was told."""

    def see(self, frame: Frame) -> None:
        """Take a frame that has come."""
        kind, re, seq = frame["type"], frame.get("re"), frame.get("seq", 0)
        self._named(frame)
        if kind == "ok" and re == "join":
            self._joined(self.joins[frame["id"]], frame)
        elif kind == "ok" and re == "send":
            assert frame.get("dup") or seq not in self.seen
        elif kind == "caught_up":
            assert frame["id"] == self.open
            assert self.next in (None, seq + 1)
            self.open, self.next = None, seq + 1
        elif kind == "gap":
            HAPPENED["gap"] += 1
            assert self.next == frame["have"] + 1
            assert seq > frame["have"]
            self.next = seq + 1
        elif kind == "left":
            self.next, self.open = 0, None
        elif re is None and "ts" in frame:
            HAPPENED["live" if self.open is None else "replayed"] += 1
            if self.next not in (None, seq):
                # What waited is dropped for one's own leave, and nothing follows.
                assert (frame["change"], frame["user"]) == ("leave", "cy")
                assert self.next < seq
                HAPPENED["left behind"] += 1
            self.next = seq + 1
            self.seen.add(seq)

    def _named(self, frame: Frame) -> None:
        """Each frame names the room as it was told to be called, at last."""
        if frame["type"] == "welcome":
            (self.name,) = [room["room"] for room in frame["rooms"]] or [None]
        elif frame["type"] == "renamed":
            assert frame["was"] == [self.name or frame["was"][0]]
            how = "live" if self.open is None else "replaying"
            HAPPENED[f"renamed {how}"] += 1
            self.name = frame["room"]
        elif "room" in frame and frame["type"] != "error":
            self.name = self.name or frame["room"]
            assert frame["room"] == self.name, frame
        if frame["type"] == "left":
            # Who is not in a room is told its name when he comes back.
            self.name = None

    def _joined(self, asked: Frame, ok: Frame) -> None:
        HAPPENED["superseded"] += self.open is not None
        self.open = asked["id"]
        if ok.get("recovered"):
            HAPPENED["recovered"] += 1
            self.next = asked["since"] + 1
        else:
            HAPPENED["unrecovered"] += "since" in asked
            self.next = None if "last" in asked else ok["seq"] + 1
        self.seen.clear()


# --- the environment around them ----------------------------------------------------


@attrs.define(eq=False)
class GatedStore(MemoryStore):
    """Everything waits before and after it is done, until it is let through."""

    gates: list[tuple[str, trio.Event]] = attrs.field(factory=list)
    is_open: bool = False

    def let(self, what: str, number: int) -> None:
        """Let one through of those that wait."""
        found = [gate for gate in self.gates if gate[0] == what]
        if found:
            gate = found[number % len(found)]
            self.gates.remove(gate)
            gate[1].set()

    def open(self) -> None:
        """Let everything through from here on."""
        self.is_open = True
        for _, event in self.gates:
            event.set()

    async def _gate(self, what: str) -> None:
        if not self.is_open:
            self.gates.append((what, trio.Event()))
            await self.gates[-1][1].wait()

    async def commit(
        self, drafts: Sequence[d.Draft], now: Millis, certain: Millis | None = None
    ) -> list[d.Outcome]:
        await self._gate("commit")
        outcomes = await super().commit(drafts, now, certain)
        # Readers see it from here on; the chat has not applied it.
        await self._gate("apply")
        return outcomes

    async def events(
        self,
        room: RoomName,
        after: Seq,
        upto: Seq,
        limit: int,
        limit_bytes: int,
        viewer: UserName,
    ) -> list[TimelineShown]:
        await self._gate("read")
        # Small pages, so that a replay has several.
        page = await super().events(room, after, upto, 3, limit_bytes, viewer)
        await self._gate("read")
        return page

    async def nth_newest(self, room: RoomName, count: int, upto: Seq) -> Seq:
        await self._gate("read")
        return await super().nth_newest(room, count, upto)

    async def history(
        self,
        room: RoomName,
        *,
        before: Seq | None,
        after: Seq | None,
        limit: int,
        upto: Seq,
        viewer: UserName,
        events: int = 0,
    ) -> tuple[list[MessageShown], list[Happened], bool]:
        await self._gate("read")
        bounds: dict[str, Any] = {"before": before, "after": after, "upto": upto}
        page = await super().history(
            room, limit=limit, viewer=viewer, events=events, **bounds
        )
        await self._gate("read")
        return page

    async def session(self, session: SessionId) -> tuple[SessionRow, UserRow] | None:
        await self._gate("read")
        return await super().session(session)


@attrs.define(eq=False)
class Client:
    """A person with a view, over one connection after another."""

    rig: Rig
    session: str
    window: float
    view: View = attrs.field(factory=View)
    stream: Stream = attrs.field(factory=Stream)
    peer: Peer = attrs.field(init=False)
    outgoing: deque[Frame] = attrs.field(factory=deque)
    wants: bool = False
    """Whether the room is to be followed."""

    def __attrs_post_init__(self) -> None:
        self.connect()

    def connect(self) -> None:
        """Open a connection, and go on there with what is held."""
        self.peer = self.rig.connect(window=self.window, limits=LIMITS)
        self.stream, self.view.following = Stream(), False
        self.outgoing.clear()
        self.say({"type": "hello", "session": self.session})
        if self.wants:
            self.say(*self.view.join())

    def lose(self) -> None:
        """Lose the connection, and come back."""
        self.peer.close()
        self.connect()

    def join(self, newest: int = 0) -> None:
        """Follow the room from here on, or once more."""
        self.wants = True
        self.say(*self.view.join(newest))

    def leave(self) -> None:
        """Follow the room no more."""
        self.wants = False
        self.say({"type": "leave", "room": DEN})

    def say(self, *frames: Frame) -> None:
        """Send while the connection reads."""
        self.outgoing.extend(frames)

    def pump(self) -> bool:
        """Move what can be moved; whether anything was."""
        outlet, moved = self.peer.outlet, False
        if outlet.finished:
            assert outlet.ending is not None
            HAPPENED[outlet.ending.reason] += 1
            self.lose()
            return True
        while (
            self.outgoing
            and not outlet.outbox.degraded
            and outlet.intake.open_commands < 8
        ):
            frame, moved = self.outgoing.popleft(), True
            if frame["type"] == "join":
                self.stream.joins[frame["id"]] = frame
            self.peer.say(frame.pop("type"), **frame)
        for frame in self.peer.take():
            moved = True
            self.stream.see(frame)
            self.say(*self.view.take(frame))
        return moved


@attrs.define(eq=False)
class Scene:
    """Two who write, one who reads slowly, and what may happen between them."""

    rig: Rig
    store: GatedStore
    clock: MockClock
    reader: Client
    writers: list[Client]

    async def settle(self) -> None:
        """Let everybody act on what is there."""
        for _ in range(ROUNDS_MAX):
            await wait_all_tasks_blocked()
            moved = [one.pump() for one in (self.reader, *self.writers)]
            if not any(moved):
                return
        raise AssertionError("they go on for ever")

    async def do(self, action: str, number: int) -> None:
        """Do one thing, and let everybody act on it."""
        writer, reader = self.writers[number % 2], self.reader
        to = {"room": DEN, "of": number % (self.rig.messages(DEN) + 1) or 1}
        text = f"{number} {'x' * (number % 50)}"
        match action:
            case "talk":
                for one in range(1 + number % 5):
                    writer.say({"type": "send", "room": DEN, "text": f"{one} {text}"})
            case "edit":
                writer.say({"type": "edit", "text": text} | to)
            case "delete":
                writer.say({"type": "delete"} | to)
            case "react":
                on = number % 3 > 0
                writer.say({"type": "react", "emoji": EMOJI[number % 2], "on": on} | to)
            case "take":
                reader.peer.outlet.open_window(number * 4)
            case "join":
                reader.join(number % 4)
            case "rename":
                name = ("den", "hall", "attic")[number % 3]
                command = {"type": "rename", "room": DEN, "name": name}
                self.writers[0].say(command)
            case "leave" if reader.view.following:
                reader.leave()
            case "lose":
                reader.lose()
            case "take over":
                reader.connect()
            case "time":
                self.clock.jump(number / 500)
            case "flow":
                for _ in range(number % 8):
                    for what in ("commit", "apply", "read"):
                        self.store.let(what, number)
                    await self.settle()
            case _:
                self.store.let(action, number)
        await self.settle()

    async def end(self) -> None:
        """Let everything flow, and compare."""
        self.store.open()
        self.reader.window = float("inf")
        self.reader.peer.outlet.open_window(float("inf"))
        await self.settle()
        if not self.reader.view.following:
            self.reader.join()
            await self.settle()
        fresh = self.rig.connect()
        await fresh.hello("ann-2")
        whole: dict[int, Any] = {}
        bound: dict[str, Any] = {}
        more = True
        while more:
            (page,) = await fresh.ask("history", room=DEN, limit=7, **bound)
            whole |= {m["seq"]: shown(m) for m in page["messages"]}
            more = page["more"]
            bound = {"before": min(whole, default=1)}
        for client in (self.reader, self.writers[0]):
            assert client.view.last == self.rig.messages(DEN)
            assert not client.view.unread
            assert client.stream.open is None
            assert client.view.room() == whole
        check(self.rig.hub.machine.chat)


ACTIONS = (
    *["talk", "flow", "read"] * 6,
    *["commit", "apply", "take"] * 4,
    *["edit", "delete", "react", "join"] * 2,
    *["leave", "lose", "take over", "time", "rename"],
)


async def play(steps: list[tuple[str, int]], clock: MockClock) -> None:
    """Act the steps out, then let everything flow and compare."""
    store = GatedStore(is_open=True)
    await fill(store, ["ann", "ann-2", "bob", "cy"])
    await store.commit([d.NewMessage(DEN, ANN, None, "hi")] * 8, T0)
    config = attrs.evolve(quick(), history=History(replay_max=REPLAY_MAX))
    async with running(store, config, filled=False) as rig:
        writers = [Client(rig, name, float("inf")) for name in ("ann", "bob")]
        writers[0].join()
        reader = Client(rig, "cy", 0)
        scene = Scene(rig, store, clock, reader, writers)
        await scene.settle()
        store.is_open = False
        for action, number in steps:
            await scene.do(action, number)
        await scene.end()


def test_a_client_ends_with_the_room_as_it_is() -> None:
    """Replay, gap and live meet without a hole or a double, whatever happens.

    And each of them did happen: the search has seen it.
    """
    HAPPENED.clear()
    act_out(play, ACTIONS)
    for what in (
        "live",
        "replayed",
        "gap",
        "recovered",
        "unrecovered",
        "superseded",
        "left behind",
        "session_taken_over",
        "renamed live",
        "renamed replaying",
    ):
        assert HAPPENED[what] > 0, HAPPENED
