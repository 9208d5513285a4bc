"""A room forgets its beginning while people read it."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from chatd.config import Config, History, PermanentRoom, Rooms
from chatd.core.drafts import DeclareRoom
from chatd.core.entities import Room
from chatd.core.retention import REVIEW_S
from chatd.core.settings import RoomSettings
from tests.hub.support import DEN, EPOCH, LOBBY, T0, Peer, Rig, quick, running
from tests.hub.test_lookups import SlowReads, full
from tests.store.memory import MemoryStore

MESSAGES, KEPT = 300, 5
EVERYTHING = quick(Config(history=History(replay_max=0)))


@attrs.define(eq=False)
class Reader:
    """A client that is right, by the loop of protocol section 3."""

    peer: Peer
    last: int = 0
    joining: bool = False
    held: dict[int, str] = attrs.field(factory=dict)
    gaps: list[tuple[int, int]] = attrs.field(factory=list)
    recovered: list[bool] = attrs.field(factory=list)

    def join(self) -> None:
        """Ask for what is missing."""
        self.joining = True
        self.peer.say("join", room=DEN, since=self.last, epoch=EPOCH)

    def take(self) -> int:
        """Take what has come; how many frames that was."""
        frames = self.peer.take()
        for frame in frames:
            self._take(frame)
        return len(frames)

    def _take(self, frame: dict[str, Any]) -> None:
        match frame:
            case {"re": "join", "recovered": recovered}:
                self.recovered.append(recovered)
                self.joining = False
                if not recovered:
                    self.held.clear()
                    self.last = frame["seq"]
                    self.peer.say("history", room=DEN, limit=100)
            case {"re": "history"}:
                self.held |= {m["seq"]: m["text"] for m in frame["messages"]}
                assert min(self.held) >= frame["first"]
                assert not frame["more"]
            case {"type": "message", "seq": seq} if seq == self.last + 1:
                self.last, self.held[seq] = seq, frame["text"]
            case {"type": "message", "seq": seq} if seq > self.last:
                if not self.joining:
                    self.join()
            case {"type": "gap"}:
                self.gaps.append((frame["have"], frame["seq"]))
                if frame["seq"] > self.last:
                    self.join()

    async def read(self) -> None:
        """Go on until nothing comes any more."""
        await wait_all_tasks_blocked()
        while self.take():
            await wait_all_tasks_blocked()


def den(rig: Rig) -> Room:
    """The room."""
    return rig.hub.machine.chat.durable.rooms[DEN]


async def forget(rig: Rig) -> None:
    """Let the room keep only its newest messages, and wait until it does."""
    await keep(rig, RoomSettings(keep_messages=KEPT))
    await trio.sleep(REVIEW_S + 60)
    assert den(rig).first == MESSAGES - KEPT + 1


async def keep(rig: Rig, settings: RoomSettings) -> None:
    """Set what the room keeps, as a configuration does."""
    await rig.store.commit([DeclareRoom(DEN, settings)], T0)
    rig.hub.machine.chat.durable.declare(den(rig), settings)


@pytest.mark.parametrize("pages", [0, 1, 2])
async def test_a_replay_under_way_ends_with_the_truth(
    autojump_clock: MockClock, pages: int
) -> None:
    """Whatever was handed over before: a gap, and then what a fresh page shows."""
    store = SlowReads()
    async with running(await full(store, MESSAGES), EVERYTHING, filled=False) as rig:
        reader = Reader(await rig.login("bob"))
        reader.join()
        for _ in range(pages):
            store.gate.release()
            await reader.read()
        seen = reader.last
        assert (seen > 0) == (pages > 0)
        await forget(rig)
        for _ in range(100):
            store.gate.release()
        await reader.read()
        # The page that had been read already is handed over as it was.
        ((have, seq),) = reader.gaps
        assert seen < have
        assert seq == MESSAGES - KEPT
        assert reader.recovered == [True, False]
        ann = await rig.login("ann")
        (fresh,) = await ann.ask("history", room=DEN, limit=100)
        assert fresh["first"] == MESSAGES - KEPT + 1
        assert reader.held == {m["seq"]: m["text"] for m in fresh["messages"]}
        assert len(reader.held) == KEPT
        await ann.ask("send", room=DEN, text="live")
        await reader.read()
        assert reader.held[MESSAGES + 1] == "live"


async def test_a_replay_of_what_has_all_gone_is_a_gap_up_to_the_head(
    autojump_clock: MockClock,
) -> None:
    """By age nothing may be left; what comes then is live."""
    async with running(
        await full(MemoryStore(), MESSAGES), EVERYTHING, filled=False
    ) as rig:
        bob = await rig.login("bob")
        reader = Reader(bob)
        bob.outlet.taken.window = 100_000
        reader.join()
        await reader.read()
        seen = reader.last
        assert 0 < seen < MESSAGES
        await keep(rig, RoomSettings(keep_days=1))
        await trio.sleep(86_400 + 2 * REVIEW_S)
        assert den(rig).first == MESSAGES + 1
        bob.outlet.open_window(10**9)
        await trio.sleep(1)
        frames = bob.take()
        seqs = [frame["seq"] for frame in frames if frame["type"] == "message"]
        (gap,) = [frame for frame in frames if frame["type"] == "gap"]
        assert gap == {
            "type": "gap",
            "room": DEN,
            "have": max(seqs, default=seen),
            "seq": MESSAGES,
        }
        (caught_up,) = [frame for frame in frames if frame["type"] == "caught_up"]
        assert caught_up["seq"] == MESSAGES


async def test_a_declared_room_is_trimmed_from_the_start_on(
    autojump_clock: MockClock,
) -> None:
    """What the file says holds for what was there before, and `first` is told."""
    store = MemoryStore()
    async with running(store) as rig:
        ann = await rig.login("ann")
        await ann.ask("join", room=LOBBY)
        for number in range(20):
            await ann.ask("send", room=LOBBY, text=str(number))
    config = Config(
        rooms=Rooms(permanent=(PermanentRoom(name=LOBBY, keep_messages=3),))
    )
    async with running(store, quick(config), filled=False) as rig:
        await trio.sleep(10)
        ann = await rig.login("ann")
        joined = (await ann.ask("join", room=LOBBY))[0]
        assert (joined["first"], joined["seq"]) == (18, 20)
