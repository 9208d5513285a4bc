"""What holds whatever happens between nodes: a bus that errs, a log, people who move.

Hypothesis drives three chats over one store. What one of them has committed comes to
the others late, in another order, twice or not at all, and is read from the log now and
then. Every connection has a `Mirror`, which notices a hole, a reply too many or out of
its order, and what is told of a room behind a removal. When all has come, each node has
in memory what the store has.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import attrs
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from chatd.core import effects, inputs
from chatd.core.drafts import EndSession
from chatd.core.state import Chat
from chatd.enums import Role
from chatd.ids import RoomName, Seq, is_guest
from chatd.wire.commands import Command
from chatd.wire.kinds import Secret, Text
from chatd.wire.moderation import Kick, Mute, Unmute
from chatd.wire.replies import Welcome
from chatd.wire.rooms import Join, SetRoom
from chatd.wire.sessions import Hello
from chatd.wire.timeline import Send
from tests.core.cluster.shared import Cluster, Node
from tests.core.harness import ANN, BOB, LOBBY, Peer
from tests.core.mirror import Mirror
from tests.core.test_invariants import (
    ANY_ROOM,
    COMMANDS,
    CONFIG,
    HERE,
    PRIVATE,
    TEAM,
    Life,
    account,
)

HAPPENED: Counter[str] = Counter()
"""What the search has seen."""
FEW = st.integers(0, 7)
NODE = st.integers(0, 2)
CARRYING = st.sampled_from(["lose", "double", "hear", "hear"])


class Lives(RuleBasedStateMachine):
    """People on three nodes."""

    is_heard_rightly: Any = Life.is_heard_rightly
    timeline: Any = Life.timeline
    last_change: Any = Life.last_change
    peer: Any = Life.peer
    talk: Any = Life.talk

    def __init__(self) -> None:
        super().__init__()
        self.cluster = Cluster(CONFIG, 3)
        self.harness = self.cluster.nodes[0]
        """For what is asked of the store alone."""
        self.mirrors: dict[Peer, Mirror] = {}
        self.secrets: list[Secret] = []
        self.ids = 0

    @initialize()
    def begin(self) -> None:
        """Three people are in two rooms, each on another node."""
        hellos = (account("ann", "right"), account("bob", "right"), Hello())
        for node, hello in enumerate(hellos):
            peer = self.open(node, hello)
            self.say(peer, Join(LOBBY))
            self.say(peer, Join(TEAM))
            self.cluster.settle()
        ann, bob, _ = self.mirrors
        self.say(bob, Send(Text("a"), to=ANN))
        self.cluster.settle()
        assert not ann.ending

    # --- people ---------------------------------------------------------------

    def open(self, node: int, hello: Hello) -> Peer:
        """Open a connection to a node, that says hello."""
        peer = self.cluster.nodes[node].open(HERE if hello == Hello() else None)
        self.mirrors[peer] = Mirror()
        self.say(peer, hello)
        return peer

    def say(self, peer: Peer, command: Command) -> None:
        """Send a command with the next id."""
        if getattr(command, "room", None) == PRIVATE:
            private = [name for name in self.cluster.model.rooms if name[0] == "~"]
            newest = private[-1] if private else RoomName("~" + 16 * "a")
            command = attrs.evolve(command, room=newest)  # type: ignore[arg-type]
        self.ids += 1
        command = attrs.evolve(command, id=self.ids)
        self.mirrors[peer].commands[self.ids] = command
        peer.say(command)

    @rule(
        node=NODE,
        name=st.sampled_from(["ann", "bob", "cy", "ada"]),
        at_once=st.booleans(),
    )
    def log_in(self, node: int, name: str, at_once: bool) -> None:
        """Somebody logs in."""
        peer = self.open(node, account(name, "right"))
        self.say(peer, Join(TEAM))
        if at_once:
            self.cluster.settle()

    @rule(node=NODE)
    def guest(self, node: int) -> None:
        """A guest comes."""
        self.say(self.open(node, Hello()), Join(LOBBY))

    @precondition(lambda self: self.secrets)
    @rule(data=st.data(), node=NODE, another=st.booleans())
    def resume(self, data: st.DataObject, node: int, another: bool) -> None:
        """Somebody comes back to some node, or opens a session beside his."""
        secret = data.draw(st.sampled_from(self.secrets))
        self.open(node, Hello(session=secret, another=another))
        HAPPENED["resumed"] += 1

    @precondition(lambda self: self.mirrors)
    @rule(data=st.data(), commands=st.lists(COMMANDS, min_size=2, max_size=6))
    def chatter(self, data: st.DataObject, commands: list[Command]) -> None:
        """Several people send something, and everything comes back."""
        for command in commands:
            self.say(self.peer(data), command)
        self.cluster.settle()

    @precondition(lambda self: self.mirrors)
    @rule(
        data=st.data(),
        commands=st.lists(COMMANDS, min_size=2, max_size=6),
        carried=st.lists(st.tuples(NODE, FEW, CARRYING), min_size=3, max_size=9),
    )
    def contend(
        self,
        data: st.DataObject,
        commands: list[Command],
        carried: list[tuple[int, int, str]],
    ) -> None:
        """Several people send something, and nodes hear of each other as it goes."""
        for command in commands:
            self.say(self.peer(data), command)
            for node in self.cluster.nodes:
                while node.look_ups:
                    node.run_look_up()
                if data.draw(st.booleans()):
                    node.commit()
        for number, place, what in carried:
            self.carry(number, place, what)

    @precondition(lambda self: self.mirrors)
    @rule(
        data=st.data(),
        act=st.sampled_from(
            [
                *(Mute(TEAM, BOB), Unmute(TEAM, BOB), Kick(TEAM, BOB)),
                *(SetRoom(TEAM, archived=True), SetRoom(TEAM, archived=False)),
            ]
        ),
        commands=st.lists(COMMANDS, max_size=3),
    )
    def overtake(
        self, data: st.DataObject, act: Command, commands: list[Command]
    ) -> None:
        """Somebody speaks on a node that has not heard what he may do by now."""
        team = self.cluster.model.rooms.get(TEAM)
        leading = [
            peer
            for peer in self.mirrors
            if team is not None
            and (user := peer.harness.user_of(peer)) in team.members
            and team.members[user].role is not Role.MEMBER
        ]
        if not leading:
            return
        peer = data.draw(st.sampled_from(leading))
        self.say(peer, act)
        while peer.harness.look_ups:
            peer.harness.run_look_up()
        peer.harness.commit()
        other = self.peer(data)
        for command in (Send(Text("a"), TEAM), *commands, Send(Text("b"), LOBBY)):
            self.say(other, command)
        other.harness.commit()

    @precondition(lambda self: self.mirrors)
    @rule(data=st.data(), room=ANY_ROOM, back=st.integers(-1, 8), users=st.booleans())
    def recover(
        self, data: st.DataObject, room: RoomName, back: int, users: bool
    ) -> None:
        """Somebody joins from where he was."""
        peer = self.peer(data)
        found = peer.harness.chat.durable.rooms.get(room)
        if found is not None:
            since = Seq(max(0, found.head - back))
            self.say(peer, Join(room, since, found.epoch, users=users))

    @precondition(lambda self: self.mirrors)
    @rule(data=st.data())
    def close(self, data: st.DataObject) -> None:
        """A socket goes."""
        peer = self.peer(data)
        self.bury()
        if peer in self.mirrors:
            self.what_is_received_makes_sense()
            del self.mirrors[peer]
            peer.close()

    # --- what comes when ------------------------------------------------------

    @rule(node=NODE, count=st.integers(1, 3))
    def write(self, node: int, count: int) -> None:
        """A batch is committed, of which its node does not know yet."""
        chosen = self.cluster.nodes[node]
        chosen.write(min(count, len(chosen.drafts)))

    @rule(node=NODE, count=st.integers(1, 4))
    def tell(self, node: int, count: int) -> None:
        """A node learns what became of its drafts."""
        chosen = self.cluster.nodes[node]
        for _ in range(min(count, len(chosen.outcomes))):
            chosen.tell()

    @rule(node=NODE, number=FEW, begins=st.booleans())
    def look_up(self, node: int, number: int, begins: bool) -> None:
        """Something is read from the store, and comes back at once or later."""
        chosen = self.cluster.nodes[node]
        fetches = [e for e in chosen.look_ups if isinstance(e, effects.Fetch)]
        if begins and fetches:
            chosen.begin_read(number)
        elif chosen.read:
            chosen.handle(chosen.read.pop(number % len(chosen.read)))
        elif chosen.look_ups:
            chosen.run_look_up(number % len(chosen.look_ups))

    @rule(node=NODE, number=FEW, what=CARRYING)
    def carry_one(self, node: int, number: int, what: str) -> None:
        """The bus brings something."""
        self.carry(node, number, what)

    def carry(self, node: int, number: int, what: str) -> None:
        """The bus brings something, as well as it goes."""
        chosen = self.cluster.nodes[node]
        if not chosen.bus:
            return
        number %= len(chosen.bus)
        if what == "lose":
            del chosen.bus[number]
            # The next one who looks finds it, and somebody looks (a horizon).
            chosen.catch_ups.append(None)
        elif what == "double":
            chosen.bus.append(chosen.bus[number])
        HAPPENED[what] += 1
        if what != "lose":
            chosen.hear(number)

    @rule(node=NODE, again=st.integers(0, 4))
    def catch_up(self, node: int, again: int) -> None:
        """A node reads the end of the log, and maybe what it has read before."""
        self.cluster.nodes[node].catch_up_now(again)

    @rule(node=NODE)
    def settle_one(self, node: int) -> None:
        """Everything comes back to one node."""
        self.cluster.nodes[node].settle()

    @rule(seconds=st.sampled_from([0.05, 1.0, 3.5, 25.0]))
    def wait(self, seconds: float) -> None:
        """Time passes."""
        for node in self.cluster.nodes:
            node.wait(seconds)

    @rule(node=NODE)
    def tend(self, node: int) -> None:
        """A node ends the sessions of guests that nobody has."""
        ends = [EndSession(session) for session in self.cluster.orphans()]
        self.cluster.nodes[node].handle(inputs.Drafted(ends))

    # --- what holds -----------------------------------------------------------

    def bury(self) -> None:
        """Let sockets go that were told to end."""
        for peer in [peer for peer in self.mirrors if peer.ending is not None]:
            self.what_is_received_makes_sense()
            del self.mirrors[peer]
            peer.close()

    @invariant()
    def what_is_received_makes_sense(self) -> None:
        """Each client can explain every frame; nobody gets two replies."""
        for peer, mirror in self.mirrors.items():
            for frame in peer.take():
                self.is_heard_rightly(mirror, frame)
                mirror.take(frame)
                if isinstance(frame, Welcome) and frame.session not in self.secrets:
                    self.secrets.append(Secret(frame.session))
            assert peer.answers <= peer.said

    @rule()
    def quiesce(self) -> None:
        """All has come, and each node has what the store has."""
        self.cluster.settle()
        for _ in range(3):
            self.bury()
            self.cluster.wait(5.0)
        for node in self.cluster.nodes:
            node.catch_up_now()
        self.cluster.settle()
        self.what_is_received_makes_sense()
        self.bury()
        self.cluster.settle()
        for peer, mirror in self.mirrors.items():
            assert peer.answers == peer.said
            mirror.compare(peer.harness.chat, CONFIG.presence.names_max)
        HAPPENED["stale"] += self.cluster.stale
        self.cluster.stale = 0
        for node in self.cluster.nodes:
            live = node.chat.live
            assert not live.barriers
            assert not live.unapplied
            assert not live.catching
            assert not live.order.held()
            assert self.kept(node, node.chat) == self.kept(node, node.whole())
            self.has_all_of_those_who_are_here(node)
        sessions = [
            entry.id
            for node in self.cluster.nodes
            for entry in node.chat.live.sessions.values()
        ]
        assert len(sessions) == len(set(sessions))
        assert set(sessions) <= self.cluster.model.sessions.keys()

    def has_all_of_those_who_are_here(self, node: Node) -> None:
        """Of whom nodes say that his rooms are in memory, they are."""
        durable, model = node.chat.durable, self.cluster.model
        for user in durable.users.values():
            if user.whole:
                rooms = [
                    room.name
                    for room in model.rooms.values()
                    if user.name in room.members
                ]
                assert sorted(durable.rooms_of(user.name)) == sorted(rooms), user.name

    def kept(self, node: Node, chat: Chat) -> Any:
        """What of the store a node has in memory."""
        here, now = node.chat.durable, node.now.sure
        rooms = {
            room.name: (
                (room.epoch, room.head, room.first, room.was, room.settings),
                {n: (m.role, m.first, m.level) for n, m in room.members.items()},
                {n: s for n, s in room.bans.items() if s.holds(now)},
                {n: s for n, s in room.mutes.items() if s.holds(now)},
                {n: s for n, s in room.leaders.items() if s and s.holds(now)},
            )
            for room in chat.durable.rooms.values()
            if room.name in here.rooms
        }
        users = {
            user.name: (user.display, user.role, user.ban, sorted(user.blocks))
            for user in chat.durable.users.values()
            if user.name in here.users and not is_guest(user.name)
        }
        invites = {
            (user, room): invite
            for user, invites in chat.durable.invites.items()
            for room, invite in invites.items()
            if room in here.rooms and invite.matters(node.now.wall)
        }
        return rooms, users, invites, chat.durable.place

    def teardown(self) -> None:
        """At the end, too."""
        self.quiesce()


@pytest.mark.untraced
@pytest.mark.parametrize("steps", [25, 50])
def test_whatever_happens_all_nodes_tell_the_same_truth(steps: int) -> None:
    """One answer a command, in order; streams without a hole, nothing behind a removal,
    and in memory what the store has, once nothing is under way.
    """
    HAPPENED.clear()
    run_state_machine_as_test(
        Lives,
        settings=settings(
            max_examples=3000 // steps, stateful_step_count=steps, derandomize=True
        ),
    )
    for what in ("stale", "lose", "double", "resumed"):
        assert HAPPENED[what] > 0, HAPPENED
