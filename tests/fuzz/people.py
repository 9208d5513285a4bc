"""Who takes part: those who do anything, and those who only follow.

A `Wild` one comes again and again, as somebody it may be or not, and says whatever
comes to its mind, in ever new ways to cut and break it; what it must get in return is
one reply for each command. A `Listener` runs the client loop that PROTOCOL.md prints
and holds what it showed; two of them, of whom one loses its connection all the time,
must end with the same rooms.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import chain
from random import Random
from typing import Any

import attrs
import orjson
import trio

from tests.fuzz.commands import Frame, Speaker, World
from tests.fuzz.peer import PATIENCE_S, Gone, Peer, connect
from tests.net.echo import masked
from tests.wire.contract import recognise
from tests.wire.loop import printed_loop

UNANSWERED = {"typing", "status", "read"}
"""Commands that beyond their rate are dropped without a word."""
DURABLE = {"send", "edit", "react", "pin", "rename", "destroy"}
"""Commands whose reply tells the seq that is kept with their cid; that to a deletion by
an author who has left tells the message's."""
PASSWORD = "correct horse"
LISTENERS = ("eve", "fay")
"""The calm one, and the one on a bad line."""
_ACTS_MAX = 150
_CHECKED = 0.02
"""Which part of frames of a known shape is held against the schema; it is slow."""


@attrs.define(eq=False)
class Scene:
    """Where it plays, and what has happened."""

    port: int
    world: World
    tokens: dict[str, str]
    """Of bots and of people, by name."""
    up: trio.Event = attrs.field(factory=trio.Event)
    terminal: trio.Lock = attrs.field(factory=trio.Lock)
    """Where one command is typed at a time: what runs it swaps the streams."""
    happened: Counter[str] = attrs.field(factory=Counter)
    stored: dict[tuple[str, str, str], int] = attrs.field(factory=dict)
    """The seq that was acknowledged for a room, a user and his cid."""
    shapes: set[tuple[str, ...]] = attrs.field(factory=set)
    rng: Random = attrs.field(factory=Random)

    def hear(self, frame: Frame) -> None:
        """Take a frame of the daemon: learn from it, and hold it against the schema."""
        shape = (frame["type"], str(frame.get("re")), *sorted(frame))
        if shape not in self.shapes or self.rng.random() < _CHECKED:
            self.shapes.add(shape)
            recognise(frame)
        self.world.learn(frame)
        what = frame.get("code", frame.get("re", frame["type"]))
        self.happened[f"{frame['type']} {what}"] += 1


@attrs.define(eq=False)
class Wild:
    """One who does anything."""

    scene: Scene
    speaker: Speaker
    name: str | None
    """The account; None is a guest."""
    asked: dict[str, Frame] = attrs.field(factory=dict)
    answered: set[str] = attrs.field(factory=set)
    user: str = ""
    session: str | None = None
    recent: list[Frame] = attrs.field(factory=list)
    """The last commands, to be told with a fault."""
    _eased: trio.Event = attrs.field(factory=trio.Event)

    async def live(self) -> None:
        """Come and go until cancelled."""
        while True:
            await self.scene.up.wait()
            codes: list[int | None] = []
            try:
                await self._visit()
            except* Gone as group:
                codes = [error.code for error in _leaves(group)]
            # Whoever reads to the end learns the code; whoever writes does not.
            code = next((code for code in codes if code is not None), None)
            self.scene.happened[f"closed {code}"] += 1
            if code is not None and code >= 4500:
                self.session = None
            await trio.lowlevel.checkpoint()

    async def _visit(self) -> None:
        rng = self.speaker.rng
        self.asked, self.answered = {}, set()
        peer = await connect(self.scene.port, receive_bytes=rng.choice([0, 0, 0, 4096]))
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._listen, peer)
                await self._enter(peer)
                for _ in range(rng.randrange(1, _ACTS_MAX)):
                    await self._act(peer)
                nursery.cancel_scope.cancel()
        finally:
            peer.stream.socket.close()

    async def _enter(self, peer: Peer) -> None:
        """Say hello: as oneself, with whatever secret, or not at all."""
        rng = self.speaker.rng
        token = self.scene.tokens.get(self.name or "")
        match rng.randrange(12):
            case 0:
                return
            case 1:
                await self._say(peer, self.speaker.command("hello"))
                return
            case 2 if self.name is not None:
                hello: Frame = {"name": self.name, "password": PASSWORD}
            case _ if self.session is not None and rng.random() < 0.7:
                hello = {"session": self.session}
            case _ if token is not None:
                hello = {"token": token}
            case _:
                hello = {}
        await self._say(peer, {"type": "hello", **hello, "id": self.speaker.label()})
        for room in rng.sample(self.scene.world.rooms, 2):
            await self._say(peer, self.speaker.command("join") | {"room": room})

    async def _act(self, peer: Peer) -> None:
        """Do one thing."""
        rng, speaker = self.speaker.rng, self.speaker
        lot = rng.random()
        if lot < 0.62:
            await self._say(peer, speaker.command())
        elif lot < 0.74:
            many = [speaker.command() for _ in range(rng.randrange(2, 30))]
            frames = [masked(0x81, self._noted(frame)) for frame in many]
            await peer.send(b"".join(frames))
        elif lot < 0.80:
            payload = self._noted(speaker.command())
            count = rng.choice([1, 1, 2, 5])
            cuts = sorted(rng.randrange(len(payload)) for _ in range(count))
            await peer.say(payload, [cut for cut in dict.fromkeys(cuts) if cut])
        elif lot < 0.84:
            await peer.say(speaker.garbled(speaker.command()))
        elif lot < 0.87:
            await peer.send(masked(0x89, rng.randbytes(rng.choice([0, 4, 125]))))
        elif lot < 0.97:
            await self._settle()
        elif lot < 0.975:
            await peer.send(rng.randbytes(rng.randrange(1, 200)))
        elif lot < 0.98:
            await peer.send(masked(rng.randrange(256), rng.randbytes(rng.randrange(9))))
        elif lot < 0.99:
            peer.reset()
            raise Gone(None)
        else:
            await peer.close()
            await trio.sleep_forever()

    async def _say(self, peer: Peer, frame: Frame) -> None:
        await peer.say(self._noted(frame))

    def _noted(self, frame: Frame) -> bytes:
        self.asked[frame["id"]] = frame
        self.recent = [*self.recent[-20:], frame]
        return orjson.dumps(frame)

    async def _settle(self) -> None:
        """Wait until every command is answered."""
        with trio.move_on_after(PATIENCE_S) as patience:
            while self._open():
                self._eased = trio.Event()
                await self._eased.wait()
        assert not patience.cancelled_caught, (self._open(), self.recent)

    def _open(self) -> list[Frame]:
        return [
            frame for frame in self.asked.values() if frame["type"] not in UNANSWERED
        ]

    async def _listen(self, peer: Peer) -> None:
        while True:
            frame = await peer.hear()
            self.scene.hear(frame)
            if frame["type"] == "welcome":
                self.user, self.session = frame["user"], frame["session"]
            if "re" in frame:
                self._take(frame)

    def _take(self, reply: Frame) -> None:
        """Take a reply: each command has one."""
        label = str(reply.get("id"))
        assert label not in self.answered, (reply, self.recent)
        asked = self.asked.pop(label, None)
        if asked is None:
            return
        self.answered.add(label)
        assert reply["re"] == asked["type"], (asked, reply)
        cid = asked.get("cid")
        if reply["type"] == "ok" and asked["type"] in DURABLE and cid is not None:
            key = reply["room"], self.user, cid
            if not reply.get("dup"):
                assert key not in self.scene.stored, (asked, reply, self.recent)
                self.scene.stored[key] = reply["seq"]
        if not self._open():
            self._eased.set()


@attrs.define(eq=False)
class Listener:
    """One who follows rooms by the loop that the protocol prints."""

    scene: Scene
    rng: Random
    name: str
    is_calm: bool
    """Whether it keeps its connection for as long as there is a daemon."""
    rooms: dict[str, dict[int, Frame]] = attrs.field(factory=dict)
    """What is shown of each room."""
    loop: Any = attrs.field(init=False)
    asked: list[Frame] = attrs.field(factory=list)
    """Frames that the loop wants sent."""
    moved: trio.Event = attrs.field(factory=trio.Event)
    is_done: bool = False
    """Whether it is to keep still now, so that it can come to an end."""

    def __attrs_post_init__(self) -> None:
        """Make the loop."""
        self.loop = printed_loop(
            self.asked.append, self._show, self._forget, self._move
        )

    async def follow(self, wanted: Sequence[str]) -> None:
        """Follow rooms until cancelled, over however many connections."""
        while True:
            await self.scene.up.wait()
            try:
                await self._visit(wanted)
            except Gone as gone:
                self.scene.happened[f"{self.name} closed {gone.code}"] += 1
            await trio.lowlevel.checkpoint()

    async def caught_up(self, room: str, seq: int) -> None:
        """Wait until a room is shown up to a seq."""
        with trio.fail_after(PATIENCE_S):
            while (self.loop.have.get(room) or ("", -1))[1] != seq:
                self.moved = trio.Event()
                await self.moved.wait()

    async def _visit(self, wanted: Sequence[str]) -> None:
        rng = self.rng
        peer = await connect(self.scene.port, receive_bytes=0 if self.is_calm else 4096)
        try:
            token = self.scene.tokens[self.name]
            await peer.say(orjson.dumps({"type": "hello", "token": token}))
            self.loop.asked.clear()
            self.asked.clear()
            left = rng.randrange(1, 800)
            while (left := left - 1) or self.is_calm or self.is_done:
                frame = await peer.hear()
                self._take(frame, wanted)
                for command in self.asked:
                    await peer.say(orjson.dumps(command))
                self.asked.clear()
                self.moved.set()
                if not (self.is_calm or self.is_done) and rng.random() < 0.002:
                    # A phone in a tunnel: what it does not read becomes a gap.
                    await trio.sleep(rng.random())
            peer.reset()
        finally:
            peer.stream.socket.close()

    def _take(self, frame: Frame, wanted: Sequence[str]) -> None:
        self.scene.hear(frame)
        self.loop.receive(frame)
        if frame["type"] == "gap":
            self.scene.happened[f"{self.name} gap"] += 1
        if frame["type"] == "welcome":
            there = {entry["room"]: entry.get("was", ()) for entry in frame["rooms"]}
            for room in [*self.loop.have]:
                if room not in there:
                    del self.loop.have[room]
            for room in wanted:
                if room not in {*there, *chain.from_iterable(there.values())}:
                    self.loop.join(room)

    def _show(self, frame: Frame) -> None:
        shown = self.rooms.setdefault(frame["room"], {})
        assert not shown or frame["seq"] == max(shown) + 1, (self.name, frame)
        shown[frame["seq"]] = frame

    def _forget(self, room: str) -> None:
        self.rooms.pop(room, None)

    def _move(self, was: str, room: str) -> None:
        if was in self.rooms:
            self.rooms[room] = self.rooms.pop(was)


def _leaves(group: BaseExceptionGroup[Gone]) -> list[Gone]:
    found: list[Gone] = []
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            found += _leaves(error)
        else:
            found.append(error)
    return found
