"""Who talks on many nodes, and what must be so of all that they were told.

Talkers send, come and go, and come back on any node that lets them in; a moderator
removes them. Each keeps what it was acknowledged and what it has seen. In the end that
is compared with one replay of the room's timeline (`verify`):

* what was acknowledged is there, once, where the reply said,
* what somebody has seen of a timeline has no hole of which he was not told, nothing in
  it comes twice, and each event is the one that is stored,
* nobody has seen an event of between his removal and his next join.
"""

from __future__ import annotations

import json
import random
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import attrs
import trio
from websockets.exceptions import ConnectionClosed, WebSocketException

from tests.live.daemon import PATIENCE_S, Daemon, Frame, Person, person
from tests.wire.contract import Traffic

REMOVALS = frozenset({"leave", "kick", "ban"})
AWAY = (ConnectionClosed, WebSocketException, OSError, trio.TooSlowError)
"""How a connection ends whose node has gone."""
PASSWORD = "correct horse battery"
PAUSE_S = 0.3
"""How long one waits at the most before he says something again."""
LATER = frozenset({"unavailable", "rate_limited"})
"""Refusals of what may be sent again."""
RECENT = 60
"""How many of the last frames are kept to be shown where something is wrong."""


@attrs.frozen
class Shown:
    """As much of an event of a timeline as is compared."""

    kind: str
    text: str
    user: str
    change: str

    @classmethod
    def of(cls, frame: Frame) -> Shown:
        """What a frame shows."""
        said = (frame.get(name, "") for name in ("text", "user", "change"))
        return cls(frame["type"], *said)


def is_event(frame: Frame) -> bool:
    """Whether a frame is an event of a timeline."""
    return frame.keys() >= {"room", "seq", "ts", "from"}


class Unheld(Traffic):
    """Frames that are not held against the schema: of talk, other tests do that."""

    def hear(self, frame: Frame) -> None:
        """Believe it."""


@attrs.define(eq=False)
class Talker:
    """Somebody who goes on talking, whatever becomes of the nodes.

    Args:
        name: His account's; or what he calls himself, as a guest.
        room: Where he talks.
        nodes: The nodes that may be there; he connects to any of them.
        chance: Where he goes, and when.
    """

    name: str
    room: str
    nodes: Callable[[], Sequence[Daemon]]
    chance: random.Random
    is_guest: bool = False
    user: str = ""
    """Whom the nodes call him."""
    session: str | None = None
    epoch: str = ""
    last: int = 0
    acknowledged: dict[str, int] = attrs.field(factory=dict)
    seen: dict[int, Shown] = attrs.field(factory=dict)
    """Each event, by its seq."""
    is_in: bool = False
    is_replayed: bool = False
    """Whether he is being replayed what he has missed."""
    joined: list[int] = attrs.field(factory=list)
    """The room's head whenever he joined anew."""
    faults: list[str] = attrs.field(factory=list)
    recent: deque[str] = attrs.field(factory=lambda: deque(maxlen=RECENT))
    """What he was told last, and by which node."""
    _where: str = ""
    _number: int = 0
    _more: trio.Event = attrs.field(factory=trio.Event)

    async def talk(self, until: trio.Event) -> None:
        """Talk until told to end, over as many connections as that takes."""
        while not until.is_set():
            daemon = self.chance.choice(list(self.nodes()))
            try:
                async with person(daemon.url, Unheld(), open_timeout=10) as who:
                    await self._enter(who, daemon)
                    await self._send(who, until)
            except AWAY:
                await trio.sleep(0.02 + self.chance.random() / 20)

    async def _enter(self, who: Person, daemon: Daemon) -> None:
        """Come back with the session, or log in; then join from where he was."""
        self._where, self.is_replayed = daemon.data.name, False
        while True:
            said = {"session": self.session} if self.session else self._login
            frame = await self._ask(who, type="hello", **said)
            if frame["type"] == "welcome":
                self.session, self.user = frame["session"], frame["user"]
                break
            assert frame["code"] in LATER, (self.name, frame)
            await trio.sleep(0.05)
        await self._join(who)

    @property
    def _login(self) -> dict[str, str]:
        said = {} if self.is_guest else {"password": PASSWORD}
        return {"name": self.name} | said

    async def _join(self, who: Person) -> None:
        """Join from where he was, or anew where he was removed."""
        while True:
            since: dict[str, Any] = {}
            if self.epoch:
                since = {"since": self.last, "epoch": self.epoch}
            frame = await self._ask(who, type="join", room=self.room, **since)
            if frame["type"] == "ok":
                break
            if frame["code"] == "not_member":
                self.epoch = ""
            else:
                assert frame["code"] in {*LATER, "banned"}, (self.name, frame)
                await trio.sleep(0.02)
        if not since or not frame["recovered"]:
            self.epoch, self.last = frame["epoch"], frame["seq"]
            self.joined.append(self.last)
        self.is_in, self.is_replayed = True, frame.get("recovered") is True

    async def _send(self, who: Person, until: trio.Event) -> None:
        while not until.is_set():
            if not self.is_in:
                await self._join(who)
            cid = f"{self.name}-{self._number}"
            frame = await self._ask(who, type="send", room=self.room, text=cid, cid=cid)
            if frame["type"] == "ok":
                self.acknowledged[cid] = frame["seq"]
                self._number += 1
                self._more.set()
            elif frame["code"] not in {*LATER, "not_member", "banned", "no_room"}:
                self.faults.append(f"{self.name} was refused: {frame}")
            await trio.sleep(PAUSE_S * self.chance.random())

    async def _ask(self, who: Person, **fields: Any) -> Frame:
        await who.say(**fields)
        while True:
            frame = await self._hear(who)
            if frame.get("re") == fields["type"]:
                return frame
            self._take(frame)

    async def _hear(self, who: Person) -> Frame:
        frame = await who.hear()
        self.recent.append(f"{self._where}: {json.dumps(frame)}")
        return frame

    def _take(self, frame: Frame) -> None:
        """Keep what he is told of the room."""
        if frame.get("room") != self.room:
            return
        if frame["type"] == "gap":
            self.last = max(self.last, frame["seq"])
        elif frame["type"] == "caught_up":
            self.is_replayed = False
        elif frame["type"] == "left":
            self.is_in, self.epoch = False, ""
        elif is_event(frame):
            self._take_event(frame["seq"], Shown.of(frame))

    def _take_event(self, seq: int, shown: Shown) -> None:
        if not self.is_in:
            self.faults.append(f"{self.name} was told of {seq}, and is out")
        if seq <= self.last:
            if self.seen.get(seq, shown) != shown:
                self.faults.append(f"{self.name} saw two things at {seq}")
            return
        is_removal = shown.user == self.user and shown.change in REMOVALS
        if seq != self.last + 1 and not (is_removal and self.is_replayed):
            self.faults.append(f"{self.name} saw {seq} behind {self.last}")
        self.last, self.seen[seq] = seq, shown

    def told(self) -> str:
        """What he was told last, in lines."""
        return "\n".join([f"{self.name} ({self.user}) was told:", *self.recent])

    async def has_sent(self, count: int) -> None:
        """Wait until so many of his messages were acknowledged."""
        while len(self.acknowledged) < count:
            self._more = trio.Event()
            await self._more.wait()

    async def catch_up(self) -> None:
        """Come once more, and hear all that there is."""
        while True:
            daemon = self.chance.choice(list(self.nodes()))
            try:
                async with person(daemon.url, Unheld()) as who:
                    await self._enter(who, daemon)
                    with trio.fail_after(PATIENCE_S):
                        while self.is_replayed:
                            self._take(await self._hear(who))
                return
            except AWAY:
                await trio.sleep(0.1)


async def stored(daemon: Daemon, room: str) -> tuple[dict[int, Shown], int]:
    """All events of a room, as a new member reads them, and the last one's seq."""
    while True:
        try:
            return await _stored(daemon, room)
        except AWAY:
            await trio.sleep(0.1)


async def _stored(daemon: Daemon, room: str) -> tuple[dict[int, Shown], int]:
    found: dict[int, Shown] = {}
    async with person(daemon.url, Unheld()) as reader:
        await reader.hello()
        state = await reader.ask(type="join", room=room)
        await reader.ask(type="join", room=room, since=0, epoch=state["epoch"])
        while (frame := await reader.hear())["type"] != "caught_up":
            if is_event(frame):
                found[frame["seq"]] = Shown.of(frame)
    return found, state["seq"]


def verify(
    talkers: Sequence[Talker], timeline: dict[int, Shown], head: int
) -> list[str]:
    """Compare what talkers were told with what is stored.

    Returns:
        What is wrong, in words, with what they were told last; nothing if nothing is.
    """
    wrong = []
    if sorted(timeline) != list(range(1, head + 1)):
        wrong.append(f"the timeline has a hole below {head}")
    texts = [event.text for event in timeline.values() if event.kind == "message"]
    if len(set(texts)) != len(texts):
        wrong.append("something was stored twice")
    for talker in talkers:
        found = [*talker.faults, *_differences(talker, timeline)]
        if found:
            wrong += [*found, talker.told()]
    return wrong


def _differences(talker: Talker, timeline: dict[int, Shown]) -> Iterator[str]:
    """What somebody was told, and is not so."""
    for cid, seq in talker.acknowledged.items():
        if seq not in timeline or timeline[seq].text != cid:
            yield f"{cid} was acknowledged at {seq} and is not there"
    away = _away(talker, timeline)
    for seq, shown in talker.seen.items():
        if timeline.get(seq) != shown:
            yield f"{talker.name} saw {shown} at {seq}, not {timeline.get(seq)}"
        if seq in away:
            yield f"{talker.name} saw {seq}, though he had been removed"


def _away(talker: Talker, timeline: dict[int, Shown]) -> set[int]:
    """The events behind each removal of somebody, until he joined again."""
    away: set[int] = set()
    for seq, event in timeline.items():
        if event.user == talker.user and event.change in REMOVALS:
            back = min((head for head in talker.joined if head >= seq), default=None)
            away.update(range(seq + 1, (max(timeline) if back is None else back) + 1))
    return away


@attrs.define(eq=False)
class Moderator:
    """Somebody who removes others from the room, and lets them in again."""

    name: str
    room: str
    nodes: Callable[[], Sequence[Daemon]]
    chance: random.Random
    targets: Sequence[Talker]
    has_removed: trio.Event = attrs.field(factory=trio.Event)

    async def moderate(self, until: trio.Event) -> None:
        """Moderate until told to end; afterwards everybody may come in."""
        banned: dict[str, None] = {}
        while not until.is_set() or banned:
            daemon = self.chance.choice(list(self.nodes()))
            try:
                async with person(daemon.url, Unheld(), open_timeout=10) as who:
                    await who.hello(name=self.name, password=PASSWORD)
                    await who.ask(type="join", room=self.room)
                    while not until.is_set():
                        await self._forgive(who, banned)
                        await self._remove(who, banned)
                        await trio.sleep(self.chance.random() / 4)
                    await self._forgive(who, banned)
            except (*AWAY, AssertionError):
                await trio.sleep(0.05)

    async def _forgive(self, who: Person, banned: dict[str, None]) -> None:
        for name in list(banned):
            frame = await who.ask(type="unban", room=self.room, user=name)
            if frame["type"] == "ok" or frame["code"] not in LATER:
                del banned[name]

    async def _remove(self, who: Person, banned: dict[str, None]) -> None:
        act = self.chance.choice(["kick", "ban"])
        name = self.chance.choice(self.targets).user
        if not name:
            return  # he has not been in yet
        if act == "ban":
            banned[name] = None
        frame = await who.ask(type=act, room=self.room, user=name)
        if frame["type"] == "ok":
            self.has_removed.set()
