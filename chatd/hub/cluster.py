"""This node among others: what is committed here goes out, what is elsewhere comes in.

**Out.** What a batch has changed is in the log by the same transaction. Behind the
commit the lines of each stream are published, all in one write (`commit`).

**In.** What the bus brings is handed to the machine. The bus may lose, double and
reorder; whoever doubts reads the end of the log. A **catch-up** is asked for

* by the machine (`CatchUp`): a hole, a decision that was too old, somebody who comes;
* when a stream is followed from now on: before that, nothing of it came;
* when the bus was away, or has lost something: here, or where another node publishes;
  once a second while it is away, or brings no sign of life of a node that the store
  knows.

One catch-up runs, one waits: whoever asks meanwhile is served by the next.

**A horizon** says that all is known that another node had committed below it, so that a
catch-up is short however long nobody has asked for one. It is taken only while nothing
can be missing here: the bus is up, what is followed is confirmed, nothing is being read
into memory and no catch-up is due. And it is published behind all that was committed
before it.

**A seal** is on whatever is published: it is made with what the store has and the bus
does not, so who gets at the bus can read and withhold, and have nobody say anything.

**A beat** tells the store and the others that this node is there. Who is not seen any
more has gone, and a node that the others have given up ends (`GivenUp`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from hashlib import blake2b, sha256
from hmac import compare_digest

import attrs
import trio

from chatd.core.cluster import codec
from chatd.core.cluster.codec import Gone, Horizon, Undecodable
from chatd.core.cluster.commits import EVERYBODY, Commit, streams_of
from chatd.core.cluster.messages import Message
from chatd.core.drafts import EndSession, Outcome
from chatd.core.effects import Origin
from chatd.core.inputs import (
    CaughtUp,
    Drafted,
    Followed,
    Heard,
    Input,
    Missed,
    NodesSeen,
    Now,
    Told,
)
from chatd.core.machine import Machine
from chatd.core.observations import NodeFacts
from chatd.errors import StoreUnavailable, TooSlow
from chatd.ids import NodeId, Stamp
from chatd.observe import log
from chatd.ports.cluster import Bus, Landed, NodeSeen, SharedStore
from chatd.wire.events import Millis
from chatd.wire.operator import NodeShown

SEAL_BYTES = 16
"""Of a publication: by them it is known that a node has made it."""
BEAT_S = 2
"""How often a node says that it is there. Source: a lease of 10 s, with four that may
be late."""
SILENT_S = 3.0
"""Who has not said so by the bus for longer may not have it, or be gone, with what he
had not published."""
LEAVE_S = 1.0
"""How long one that goes waits until the others can have heard of it."""
RETRY_S = 1.0
"""How soon something is read again that could not be read."""
COMPLAIN_S = 3600.0
"""How often one is told that what another node says cannot be read."""
UNREADABLE = (
    "another node says what this version cannot read: have all nodes run the same one"
)


@attrs.define(eq=False)
class Cluster:
    """What this node has to do with the others.

    Args:
        store: The store, which all share.
        bus: What carries between them.
        facts: What is told of this node.
        arrived: Takes inputs for the machine, in order, for its next turn.
        idle_before: Since when a guest may have been away whose session goes on.
    """

    _store: SharedStore
    _bus: Bus
    _facts: Callable[[], NodeFacts]
    _arrived: Callable[[Iterable[Input]], None]
    _idle_before: Callable[[], Millis]
    nodes: Sequence[NodeSeen] = attrs.field(default=(), init=False)
    """All of them, as the last beat has seen them."""
    heard: int = attrs.field(default=0, init=False)
    """Commits of others, as far as they came here."""
    published: int = attrs.field(default=0, init=False)
    catch_ups: int = attrs.field(default=0, init=False)
    _machine: Machine = attrs.field(init=False)
    _numbers: list[int] = attrs.field(factory=list, init=False)
    """Of catch-ups that the machine waits for, and that have not begun."""
    _asked: trio.Event = attrs.field(factory=trio.Event, init=False)
    _is_catching_up: bool = attrs.field(default=False, init=False)
    _known_at: float = attrs.field(default=0.0, init=False)
    """When all was known that was committed by then."""
    _taken: trio.Event = attrs.field(factory=trio.Event, init=False)
    _unconfirmed: list[str] = attrs.field(factory=list, init=False)
    """Streams that are followed, of which it is not known whether all arrives."""
    _confirming: list[str] = attrs.field(factory=list, init=False)
    """Those of them for which that is waited for."""
    _committing: bool = attrs.field(default=False, init=False)
    _horizon: int | None = attrs.field(default=None, init=False)
    """One that is published when what is being committed was."""
    _lost: int = attrs.field(default=0, init=False)
    """How much the bus had lost of what this node has published, when last looked."""
    _lost_of: dict[NodeId, int] = attrs.field(factory=dict, init=False)
    _signs: dict[NodeId, float] = attrs.field(factory=dict, init=False)
    """When the bus has brought a sign of life of another node last."""
    _key: bytes = attrs.field(init=False, repr=False)
    """What all nodes over this store have, and nobody else."""
    _own: bytes = attrs.field(init=False)
    """What all begins with that comes back from the bus."""
    _farewell: tuple[bytes, trio.Event] = attrs.field(init=False)
    _seen_at: float = attrs.field(default=0.0, init=False)
    """When the store told of all nodes last."""
    _is_mute: bool = attrs.field(default=False, init=False)
    """Whether the last beat was in vain."""
    _complained: float = attrs.field(default=-math.inf, init=False)

    def __attrs_post_init__(self) -> None:
        node = self._store.node
        self._own = codec.beginning_of(node)
        self._farewell = codec.encode_sign(Gone(node)), trio.Event()

    async def run(
        self,
        machine: Machine,
        *,
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Tell and hear, until cancelled.

        Args:
            machine: What decides here.
            task_status: Told when the first beat may come.

        Raises:
            StoreFailed: The store cannot be trusted any more, or the others have given
                this node up.

        Cancellation: safe.
        """
        self._machine = machine
        self._key = sha256(b"bus" + machine.chat.durable.address_key.encode()).digest()
        self._known_at = trio.current_time()
        self._note_taken([EVERYBODY])
        self.look()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._bus.run, self._heard, self._back)
            nursery.start_soon(self._follow)
            nursery.start_soon(self._catch_up)
            nursery.start_soon(self._poll)
            nursery.start_soon(self._beat)
            task_status.started()

    async def leave(self) -> None:
        """Tell the others that this node goes; what it has to commit is committed.

        Cancellation: they see it when its lease ends.
        """
        farewell, came_back = self._farewell
        self._bus.publish([(EVERYBODY, self._sealed(farewell))])
        with trio.move_on_after(LEAVE_S):
            await came_back.wait()  # from where the others hear it

    @property
    def is_up(self) -> bool:
        """Whether the bus is there."""
        return self._bus.is_up

    @property
    def is_mute(self) -> bool:
        """Whether the store has not taken the last beat."""
        return self._is_mute

    @property
    def behind_s(self) -> float:
        """Since when something may be missing here; 0: nothing is."""
        now = trio.current_time()
        if self._is_complete:
            self._known_at = now
        return now - self._known_at

    def observe(self) -> tuple[list[NodeShown], bool]:
        """Look at all nodes for the operator, and whether the bus is there."""
        now, me = trio.current_time(), self._store.node
        shown = []
        for one in self.nodes:
            facts = self._shown() if one.node == me else codec.read_facts(one.facts)
            shown.append(
                NodeShown(
                    node=one.node,
                    name=one.name,
                    server=facts.server,
                    silent=round(one.age_s + now - self._seen_at, 1),
                    connections=facts.connections,
                    users_online=facts.users,
                    behind=facts.behind_ms / 1000,
                    here=one.node == me,
                )
            )
        return shown, self.is_up

    # --- out ------------------------------------------------------------------

    async def commit(
        self, origins: Sequence[Origin], now: Now
    ) -> tuple[list[Outcome], Stamp | None]:
        """Commit a batch, and tell the others.

        Returns:
            The outcomes, and its stamp if it has changed something.

        Raises:
            StoreUnavailable: As that of a store; so StoreFailed.

        Cancellation: shielded.
        """
        drafts = [origin.draft for origin in origins]
        bases = [origin.basis for origin in origins]
        self._committing = True
        try:
            landed = await self._store.commit_shared(
                drafts, bases, now.wall, now.certain
            )
            self._publish(landed)
        finally:
            self._committing = False
            self._tell_horizon()
        return landed.outcomes, landed.stamp

    def _publish(self, landed: Landed) -> None:
        """Publish what a commit has changed, to each stream what concerns it."""
        if landed.stamp is None:
            return
        lines: dict[str, list[tuple[int, bytes]]] = {}
        for index, group, line in landed.groups:
            for stream in streams_of(group):
                lines.setdefault(stream, []).append((index, line))
        node, stamp = self._store.node, landed.stamp
        self._bus.publish(
            (stream, self._sealed(codec.encode_commit(node, stamp, found)))
            for stream, found in lines.items()
        )
        self.published += len(lines)

    def tell(self, stream: str, message: Message) -> None:
        """Tell those who follow a stream of what is not durable."""
        said = codec.encode_message(self._store.node, message)
        self._bus.publish([(stream, self._sealed(said))])
        self.published += 1

    def _tell_horizon(self) -> None:
        """Tell the others that there is nothing older that they have not been told."""
        horizon = self._horizon
        if horizon is None or self._committing:
            return
        self._horizon = None
        if self._bus.is_up:
            sign = Horizon(self._store.node, horizon, self._bus.lost)
            said = codec.encode_sign(sign)
            self._bus.publish([(EVERYBODY, self._sealed(said))])

    def _sealed(self, said: bytes) -> bytes:
        """What is published of something: with what only a node can have made of it."""
        seal = blake2b(said, key=self._key, digest_size=SEAL_BYTES)
        return seal.digest() + said

    # --- in -------------------------------------------------------------------

    def _heard(self, _stream: str, data: bytes) -> None:
        """Take what the bus brings."""
        if data.startswith(self._own, SEAL_BYTES):
            if data[SEAL_BYTES:] == self._farewell[0]:
                self._farewell[1].set()
            return
        said = data[SEAL_BYTES:]
        if not compare_digest(data, self._sealed(said)):
            self._complain("something on the bus is from nobody who has this store")
            return
        self._hear(said)

    def _hear(self, data: bytes) -> None:
        """Take what a node has published."""
        try:
            said = codec.decode(data)
        except Undecodable as error:
            self._complain(UNREADABLE, error=str(error))
            return
        if isinstance(said, Commit):
            self._take([said])
        elif isinstance(said, Told):
            self._arrived([said])
        elif isinstance(said, Horizon):
            self._take_horizon(said)
        else:
            self._see([one for one in self.nodes if one.node != said.node])

    def _take(self, commits: Sequence[Commit]) -> None:
        """Hand commits of others to the machine."""
        self.heard += len(commits)
        for commit in commits:
            if not all(group.is_whole for _, group in commit.groups):
                self._complain(UNREADABLE, node=commit.node)
        self._arrived(map(Heard, commits))

    def _back(self) -> None:
        """Take that the bus brings again what is followed."""
        self._ask()
        self._arrived([Missed(None)])

    def _take_horizon(self, said: Horizon) -> None:
        """Note that all is known of a node that it had committed below a horizon."""
        self._signs[said.node] = trio.current_time()
        before = self._lost_of.get(said.node)
        if before != said.lost:
            self._lost_of[said.node] = said.lost
            self._ask()
            if said.lost and before is not None:
                self._arrived([Missed(said.node)])
        elif self._is_complete and not self._machine.chat.live.loads:
            self._store.heard(said.node, said.horizon)

    def _look_for_losses(self) -> None:
        """Doubt what is known of others, if something was lost at this end of the bus.

        It may have been a question, which nobody answers then, or what this node has
        told of who is here; what it has committed the others find in the log.
        """
        lost = self._bus.lost
        if lost != self._lost:
            self._lost = lost
            self._ask()
            self._arrived([Missed(None)])

    @property
    def _is_complete(self) -> bool:
        """Whether nothing can be missing of what others have committed."""
        is_due = self._is_catching_up or self._asked.is_set()
        is_confirmed = not (self._unconfirmed or self._confirming)
        return self._bus.is_up and is_confirmed and not is_due

    def _complain(self, text: str, **fields: object) -> None:
        """Say what is wrong, and not again for an hour."""
        now = trio.current_time()
        if now - self._complained >= COMPLAIN_S:
            self._complained = now
            log().warning(text, **fields)

    # --- what is followed -------------------------------------------------------

    def look(self) -> None:
        """Follow what is in memory, and no longer what is not; called each turn."""
        if not self._machine.chat.durable.streams:
            return
        streams = self._machine.chat.durable.take_streams()
        taken = [stream for stream, on in streams.items() if on]
        let_go = [stream for stream, on in streams.items() if not on]
        self._note_taken(taken, let_go)

    def _note_taken(self, taken: Sequence[str], let_go: Sequence[str] = ()) -> None:
        self._bus.follow(taken, let_go)
        if taken:
            self._unconfirmed += taken
            self._taken.set()

    async def _follow(self) -> None:
        """Read what has come to a stream before it was followed."""
        while True:
            await self._taken.wait()
            self._taken = trio.Event()
            self._confirming, self._unconfirmed = self._unconfirmed, []
            await self._bus.following()
            self._ask()
            self._arrived([Followed(self._confirming)])
            self._confirming = []

    # --- catching up --------------------------------------------------------------

    def catch_up(self, number: int) -> None:
        """Have the machine told when all is known that is committed by now."""
        self._numbers.append(number)
        self._ask()

    def _ask(self) -> None:
        self._asked.set()

    async def _catch_up(self) -> None:
        """Read the end of the log whenever somebody asks for it."""
        while True:
            await self._asked.wait()
            self._asked, self._is_catching_up = trio.Event(), True
            numbers, self._numbers = self._numbers, []
            began = trio.current_time()
            try:
                commits = await self._store.catch_up()
            except (StoreUnavailable, TooSlow):
                self._numbers = numbers + self._numbers
                self._ask()
                await trio.sleep(RETRY_S)
                continue
            self.catch_ups += 1
            self._known_at = began
            self._take(commits)
            self._arrived(map(CaughtUp, numbers))
            self._is_catching_up = False

    async def _poll(self) -> None:
        """Catch up once a second while the bus is away, be it at another node."""
        while True:
            # At whole seconds, like the heartbeat: a wake-up of its own costs most.
            await trio.sleep_until(math.floor(trio.current_time()) + 1)
            if not self._bus.is_up or self._misses_signs:
                self._ask()

    @property
    def _misses_signs(self) -> bool:
        """Whether the store knows a node that the bus brings nothing of."""
        since = trio.current_time() - SILENT_S
        return any(
            one.node != self._store.node
            and self._signs.get(one.node, -math.inf) < since
            for one in self.nodes
        )

    # --- signs of life ------------------------------------------------------------

    async def _beat(self) -> None:
        """Say that this node is there, and see who else is."""
        while True:
            try:
                facts = codec.encode_facts(self._shown())
                nodes, self._horizon = await self._store.beat(facts)
            except (StoreUnavailable, TooSlow) as error:
                if not self._is_mute:
                    self._is_mute = True
                    log().error(
                        "the database takes nothing from this node, so nobody can write"
                        " here: see that it runs and can be reached; this node goes on"
                        " by itself then, and ends if the others could meanwhile",
                        error=str(error),
                    )
            else:
                if self._is_mute:
                    away_s = round(trio.current_time() - self._seen_at)
                    log().info("the database takes what is written again", away=away_s)
                self._is_mute = False
                self._seen_at = trio.current_time()
                self._see(nodes)
                self._look_for_losses()
                self._tell_horizon()
                await self._end_orphans()
            await trio.sleep_until(math.floor(trio.current_time()) + BEAT_S)

    def _shown(self) -> NodeFacts:
        """What is told of this node now."""
        behind_ms = round(self.behind_s * 1000)
        return attrs.evolve(self._facts(), behind_ms=behind_ms)

    def _see(self, nodes: Sequence[NodeSeen]) -> None:
        """Take who is there, and tell who has come or gone."""
        before = {one.node: one for one in self.nodes}
        alive, me = {one.node: one for one in nodes}, self._store.node
        self.nodes = nodes
        for node in alive.keys() - before.keys() - {me}:
            log().info("a node is there", node=node, name=alive[node].name)
        gone = before.keys() - alive.keys()
        for node in gone:
            log().info("a node has gone", node=node, name=before[node].name)
            self._lost_of.pop(node, None)
            self._signs.pop(node, None)
        if gone:
            self._ask()  # what it has committed last it may not have published
        self._machine.lead(on=self._store.leads)
        self._arrived([NodesSeen(frozenset(alive))])

    async def _end_orphans(self) -> None:
        """End the sessions of guests who have been away for long, if this node does."""
        if not self._store.leads:
            return
        try:
            found = await self._store.orphans(self._idle_before())
        except (StoreUnavailable, TooSlow):
            return  # the next beat asks again
        if found:
            self._arrived([Drafted([EndSession(session) for session, _ in found])])
