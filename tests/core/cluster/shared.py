"""Several chats over one store, which is a model, and a bus that carries some of it.

`Cluster` is what a store of several nodes does beside the one of a single node: it
judges what a draft was decided on, keeps a log of what was changed, and says who has a
session. `Node` is a `Harness` that hears of the others by the bus and by the log; a
test decides what comes when, what is lost and what comes twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs

from chatd.config import Config
from chatd.core import drafts, effects, inputs
from chatd.core.changes import (
    Change,
    RoomMade,
    SessionTaken,
    room_of,
)
from chatd.core.cluster.commits import Commit, Group, changes_rights, streams_of
from chatd.core.effects import Effect, Origin
from chatd.core.queries import LoadRooms
from chatd.errors import Reject
from chatd.ids import Epoch, NodeId, RoomName, Seq, SessionId, Stamp, UserName
from chatd.store import answers
from tests.core.harness import Harness, Peer


class Cluster:
    """The store that the nodes share, and the nodes."""

    def __init__(self, config: Config, nodes: int = 2) -> None:
        self.log: list[Commit] = []
        self.rights: dict[Epoch, tuple[Seq, NodeId | None]] = {}
        self.holders: dict[SessionId, NodeId | None] = {}
        self.behind: dict[tuple[NodeId, SessionId], int] = {}
        self.stale = 0
        """How often something was decided on what was not so any more."""
        self.epochs = 0
        first = Node(self, NodeId(1), config)
        self.model = first.model
        self.nodes = [first]
        for number in range(2, nodes + 1):
            self.nodes.append(Node(self, NodeId(number), config, first))

    # --- writing --------------------------------------------------------------

    def commit(
        self, node: Node, batch: Sequence[Origin]
    ) -> list[tuple[Origin, drafts.Outcome]]:
        """Execute a batch of one node, and have the others hear of it."""
        groups: list[Group] = []
        outcomes = []
        for origin in batch:
            outcome = self._judge(node, origin)
            if outcome is None:
                outcome = self.model.execute(origin.draft, node.now.wall)
                outcome = self._hold(node, origin.draft, outcome)
            else:
                self.stale += isinstance(outcome, drafts.Stale)
            if isinstance(outcome, drafts.Committed) and outcome.changes:
                groups.append(self._group(node, origin, outcome.changes))
            outcomes.append((origin, outcome))
        if groups:
            stamp = Stamp(len(self.log) + 1)
            commit = Commit(node.number, stamp, tuple(enumerate(groups)))
            self.log.append(commit)
            for other in self.nodes:
                if other is not node:
                    other.publish(commit)
        return outcomes

    def _judge(self, node: Node, origin: Origin) -> drafts.Outcome | None:
        basis, draft = origin.basis, origin.draft
        if basis is None:
            return None
        session = basis.session
        if session is not None:
            if session not in self.model.sessions:
                return answers.SESSION_GONE
            if self.holders.get(session) != node.number:
                return answers.SESSION_GONE
        name = getattr(draft, "room", None)
        key = node.number, session or SessionId(b"")
        if session is not None and basis.since <= self.behind.get(key, -1):
            return drafts.Stale(name or RoomName(""))
        self.behind.pop(key, None)
        if basis.rights is None:
            return None
        assert name is not None
        room = self.model.room(name)
        rights, by = (Seq(0), None)
        if room is not None:
            rights, by = self.rights.get(room.epoch, (Seq(0), None))
        is_other = room is not None and room.epoch != basis.epoch
        if is_other or (rights > basis.rights and by != node.number):
            if session is not None:
                self.behind[key] = basis.since
            return drafts.Stale(name)
        return None

    def _hold(
        self, node: Node, draft: drafts.Draft, outcome: drafts.Outcome
    ) -> drafts.Outcome:
        if isinstance(draft, drafts.SaveMarks):
            for session, idle in draft.idle.items():
                if idle is not None and self.holders.get(session) == node.number:
                    self.holders[session] = None
        if not isinstance(outcome, drafts.Committed):
            return outcome
        if isinstance(draft, drafts.OpenSession):
            self.holders[draft.session] = node.number
        if isinstance(draft, drafts.HoldSession):
            before = self.holders.get(draft.session)
            self.holders[draft.session] = node.number
            if before != node.number:
                user = self.model.sessions[draft.session].user
                taken = SessionTaken(draft.session, user, node.number)
                return drafts.Committed((taken,))
        return outcome

    def _group(self, node: Node, origin: Origin, found: tuple[Change, ...]) -> Group:
        event = drafts.Committed(found).event
        epoch, seq = None, Seq(0)
        for change in found:
            if isinstance(change, RoomMade):
                epoch = change.epoch
            else:
                name = room_of(change)
                room = self.model.room_ever(name) if name is not None else None
                if room is not None:
                    epoch, seq = room.epoch, room.head
        if event is not None:
            seq = event.seq
            assert epoch is not None
            if changes_rights(event):
                basis = origin.basis
                knew = basis is not None and basis.rights is not None
                before = self.rights.get(epoch, (Seq(0), node.number))[1]
                self.rights[epoch] = seq, node.number if knew else before
                if not knew:
                    self.rights[epoch] = seq, None
        return Group(found, epoch, seq, event is not None)

    def orphans(self) -> list[SessionId]:
        """Guests' sessions that nobody has."""
        return [
            row.session
            for row in self.model.sessions.values()
            if self.model.is_guest(row.user) and self.holders.get(row.session) is None
        ]

    # --- all together ---------------------------------------------------------

    def settle(self) -> None:
        """Let everything come back everywhere until nothing waits any more."""
        while any(node.is_busy for node in self.nodes):
            for node in self.nodes:
                node.settle()

    def wait(self, seconds: float) -> None:
        """Let time pass on all nodes."""
        for node in self.nodes:
            node.wait(seconds)
        self.settle()


class Node(Harness):
    """One of several chats."""

    def __init__(
        self,
        cluster: Cluster,
        number: NodeId,
        config: Config,
        first: Node | None = None,
    ) -> None:
        self.cluster = cluster
        self.number = number
        self.bus: list[Commit] = []
        """What was published and has not come yet."""
        self.following: set[str] = {"*"}
        self.known = 0
        """How much of the log was read."""
        self.catch_ups: list[int | None] = []
        """What is to be read from the log; None: nobody waits for it."""
        self.read: list[inputs.Input] = []
        """What was read from the store, and has not come back yet."""
        self.stamps: list[Stamp | None] = []
        super().__init__(
            config, model=None if first is None else first.model, node=number
        )
        self._secrets = 1000 * number
        if first is not None:
            self.unseen, self._blocked = first.unseen, first._blocked
        self.known = len(cluster.log)
        self._follow()

    def new_epoch(self) -> Epoch:
        """Count epochs over all nodes."""
        self.cluster.epochs += 1
        return Epoch(f"{self.cluster.epochs:016x}")

    # --- what others have committed -------------------------------------------

    def publish(self, commit: Commit) -> None:
        """Have what concerns this node be on its way to it."""
        groups = tuple(
            (index, group)
            for index, group in commit.groups
            if self.following.intersection(streams_of(group))
        )
        if groups:
            self.bus.append(attrs.evolve(commit, groups=groups))

    def hear(self, number: int = 0) -> None:
        """Let something come that was published."""
        self.handle(inputs.Heard(self.bus.pop(number)))

    def catch_up_now(self, again: int = 0) -> None:
        """Read the end of the log for whoever waits for that.

        Args:
            again: How much of it is read that was read before.
        """
        begin = max(0, self.known - again)
        waiting, self.catch_ups = self.catch_ups, []
        rows, self.known = self.cluster.log[begin:], len(self.cluster.log)
        for commit in rows:
            if commit.node != self.number:
                self.handle(inputs.Heard(commit))
        for number in waiting:
            if number is not None:
                self.handle(inputs.CaughtUp(number))

    @property
    def is_busy(self) -> bool:
        """Whether anything waits."""
        waiting = (
            *(self.drafts, self.outcomes, self.look_ups),
            *(self.bus, self.catch_ups, self.read),
        )
        return any(waiting)

    def settle(self) -> None:
        """Let everything come back until nothing waits any more."""
        while self.is_busy:
            while self.bus:
                self.hear()
            if self.catch_ups:
                self.catch_up_now()
            while self.read:
                self.handle(self.read.pop(0))
            while self.look_ups:
                self.run_look_up()
            self.commit()

    def fetch(self, effect: Effect) -> inputs.Fetched[Any, Any]:
        """Read what is wanted in memory, as a store of several nodes has it."""
        found = super().fetch(effect)
        if isinstance(found.query, LoadRooms) and not isinstance(found.answer, Reject):
            for row in found.answer:
                row.rights = self.cluster.rights.get(row.epoch, (Seq(0), None))[0]
        return found

    def begin_read(self, number: int) -> None:
        """Read what is wanted in memory; nobody is told of it yet."""
        fetches = [e for e in self.look_ups if isinstance(e, effects.Fetch)]
        effect = fetches[number % len(fetches)]
        self.look_ups.remove(effect)
        self.read.append(self.fetch(effect))

    # --- what this one does ---------------------------------------------------

    def write(self, count: int) -> None:
        """Commit the oldest drafts as one batch, of which nobody is told yet."""
        self.model.certain = self.now.wall
        batch = [self.drafts.popleft() for _ in range(count)]
        before, log = len(self.cluster.log), self.cluster.log
        for origin, outcome in self.cluster.commit(self, batch):
            self._note_blocks(origin.draft, outcome)
            self.outcomes.append((origin, outcome))
            self.stamps.append(log[-1].stamp if len(log) > before else None)

    def tell(self) -> None:
        """Tell what became of the oldest draft that was written."""
        origin, outcome = self.outcomes.popleft()
        self.handle(inputs.Executed(origin, outcome, stamp=self.stamps.pop(0)))

    def handle(self, happened: inputs.Input) -> list[Effect]:
        """As ever; then follow what was taken into memory."""
        wanted = super().handle(happened)
        self._follow()
        return wanted

    def _follow(self) -> None:
        if not hasattr(self, "machine"):
            return
        for stream, on in self.chat.durable.take_streams().items():
            if not on:
                self.following.discard(stream)
            elif stream not in self.following:
                self.following.add(stream)
                # Before that, nothing of it has come.
                self.catch_ups.append(None)

    def _perform(self, effect: Any) -> None:
        if isinstance(effect, effects.CatchUp):
            self.catch_ups.append(effect.number)
        elif type(effect).__name__ != "Publish":
            super()._perform(effect)


def name_of(node: Node, number: int) -> UserName:
    """What a guest of a node is called."""
    return UserName(f"guest~{1000 * node.number + number}")


def node_of(peer: Peer) -> Node:
    """The node of a connection."""
    assert isinstance(peer.harness, Node)
    return peer.harness
