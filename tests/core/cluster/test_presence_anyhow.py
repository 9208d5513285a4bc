"""Presence over three nodes whatever happens: people, devices, and what the bus does.

Hypothesis drives three chats over one store. What they publish is delivered in any
order, doubled or lost; whoever has lost something is told so in the end, as a bus does
whose connection was away. When all has arrived or was asked for again, every node shows
exactly those who are on any of them, and every client has been told so.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from hypothesis.stateful import run_state_machine_as_test as run

from chatd.config import Config
from chatd.config.limits import Limits
from chatd.config.sections import Presence as PresenceSection
from chatd.core import inputs
from chatd.core.cluster.messages import PresenceAsked, PresenceTold
from chatd.core.cluster.neighbours import Neighbours, There, person
from chatd.core.entities import unspoken
from chatd.enums import State
from chatd.ids import NodeId, RoomName, UserName
from chatd.wire.ephemeral import Status
from chatd.wire.events import Left, Presence, UserShown
from chatd.wire.kinds import Display, GuestName, Secret, StatusText
from chatd.wire.moderation import Mute, Unmute
from chatd.wire.replies import Joined
from chatd.wire.rooms import Join, Leave
from chatd.wire.users import Profile
from tests.core.cluster.neighbours import Nodes
from tests.core.harness import ADA, ANN, BOB, CY, LOBBY, Peer
from tests.core.mirror import Mirror, Place

TEAM = RoomName("team")
CONFIG = Config(
    presence=PresenceSection(grace_s=3.0, names_max=3),
    limits=Limits(messages_per_s=0, connections_per_user=20),
)
NODES = st.integers(0, 2)
PEOPLE = st.sampled_from([ANN, BOB, CY, ADA])
ROOMS = st.sampled_from([LOBBY, TEAM])
SAID = st.one_of(
    st.builds(Join, ROOMS),
    st.builds(Leave, ROOMS),
    st.builds(Mute, ROOMS, PEOPLE),
    st.builds(Unmute, ROOMS, PEOPLE),
    st.builds(
        Status,
        st.sampled_from([State.ONLINE, State.AWAY, State.AWAY]),
        st.sampled_from(["", "lunch", "tea"]).map(StatusText),
    ),
    st.builds(Profile, st.sampled_from(["A", "B"]).map(Display)),
)
HAPPENED: Counter[str] = Counter()
"""What the search has seen: it must not prove the fact by seeing nothing."""


class PresenceAnyhow(RuleBasedStateMachine):
    """People on three nodes, and the bus between those."""

    def __init__(self) -> None:
        """Start three nodes that know of each other."""
        super().__init__()
        self.nodes = Nodes(3, CONFIG)
        self.views: dict[Peer, dict[RoomName, Place]] = {}
        self.lost: set[tuple[NodeId, NodeId]] = set()
        """Who has not heard everything of whom."""

    # --- people -----------------------------------------------------------------

    @initialize()
    def has_begun(self) -> None:
        """Two are there, on two nodes."""
        self.comes(0, ANN, [LOBBY, TEAM])
        self.comes(1, BOB, [LOBBY])
        self.nodes.settle()
        self._go_on()

    @rule(node=NODES, name=PEOPLE, rooms=st.lists(ROOMS, max_size=2))
    def comes(self, node: int, name: UserName, rooms: list[RoomName]) -> None:
        """Somebody has one more device, on some node, and follows some rooms."""
        peer = self.nodes[node].open()
        self.views[peer] = {}
        peer.hello(name=GuestName(name), password=Secret("right"))
        for room in rooms:
            peer.say(Join(room))
            peer.harness.settle()
        self._go_on()

    @precondition(lambda self: self.views)
    @rule(data=st.data(), said=SAID)
    def says(self, data: Any, said: Any) -> None:
        """Somebody says something."""
        peer = data.draw(st.sampled_from(list(self.views)))
        peer.say(said)
        peer.harness.settle()
        self._go_on()

    @precondition(lambda self: self.views)
    @rule(data=st.data())
    def goes(self, data: Any) -> None:
        """A device goes."""
        peer = data.draw(st.sampled_from(list(self.views)))
        del self.views[peer]
        peer.close()
        self._go_on()

    @rule(seconds=st.sampled_from([0.1, 1.0, 3.0, 70.0]))
    def waits(self, seconds: float) -> None:
        """Time passes, and ticks; rooms in which nobody is are let go of."""
        self.nodes.wait(seconds)
        self._go_on()

    # --- the bus and the nodes ----------------------------------------------------

    @precondition(lambda self: self.nodes.sent)
    @rule(data=st.data())
    def arrives(self, data: Any) -> None:
        """Something arrives, in any order."""
        self.nodes.deliver(self._draw(data))
        self._go_on()

    @precondition(lambda self: self.nodes.sent)
    @rule()
    def all_arrives(self) -> None:
        """All of it arrives."""
        self.nodes.deliver_all()
        self._go_on()

    @precondition(lambda self: self.nodes.sent)
    @rule(data=st.data())
    def is_doubled(self, data: Any) -> None:
        """Something is on its way twice."""
        self.nodes.sent.append(self.nodes.sent[self._draw(data)])

    @precondition(lambda self: self.nodes.sent)
    @rule(data=st.data(), kind=st.sampled_from([PresenceTold, PresenceAsked]))
    def is_lost(self, data: Any, kind: type) -> None:
        """Something does not arrive, rather of one kind."""
        sent = self.nodes.sent
        wanted = [n for n, one in enumerate(sent) if isinstance(one.message, kind)]
        one = sent.pop(data.draw(st.sampled_from(wanted or range(len(sent)))))
        self.lost.add((one.target, one.source))
        HAPPENED[f"lost {type(one.message).__name__}"] += 1

    @rule(deaf=st.booleans())
    def is_put_right(self, deaf: bool) -> None:
        """Whoever has lost something hears so: who was deaf, or who was not heard."""
        missed: dict[tuple[NodeId, NodeId | None], None] = {}
        for target, source in sorted(self.lost):
            if deaf:
                missed[target, None] = None
            else:
                missed[source, None] = missed[target, source] = None
        for node, of in missed:
            if node in self.nodes.nodes:
                self.nodes.nodes[node].handle(inputs.Missed(of))
        self.lost.clear()
        self._go_on()

    @precondition(lambda self: len(self.views) > 3)
    @rule(number=NODES)
    def is_killed(self, number: int) -> None:
        """A node is killed, and another one comes."""
        harness = self.nodes[number]
        self.views = {p: v for p, v in self.views.items() if p.harness is not harness}
        self.nodes.kill(number)
        self.nodes.start()
        HAPPENED["killed"] += 1

    @rule()
    def is_seen(self) -> None:
        """All nodes look who is there."""
        self.nodes.see()
        self._go_on()

    def _draw(self, data: Any) -> int:
        index: int = data.draw(st.integers(0, len(self.nodes.sent) - 1))
        return index

    # --- what clients hear ----------------------------------------------------------

    def _go_on(self) -> None:
        """Have all clients take what they were told."""
        self.nodes.collect()
        for peer, places in self.views.items():
            for frame in peer.take():
                if isinstance(frame, Joined):
                    place = places[frame.room] = Place(None, online=frame.online)
                    if frame.users is not None:
                        place.names = {one.name: one for one in frame.users}
                elif isinstance(frame, Left):
                    places.pop(frame.room, None)
                elif isinstance(frame, Presence):
                    Mirror._presence(places[frame.room], frame)

    # --- what must be so ----------------------------------------------------------

    def teardown(self) -> None:
        """Let all arrive, or be asked for again: then everybody is shown the same."""
        self.nodes.see()
        self.is_put_right(deaf=len(self.lost) % 2 == 1)
        self.nodes.settle()
        self._go_on()
        for name in (LOBBY, TEAM):
            expected = self._truth(name)
            for shown in self.nodes.everybody(name):
                assert shown == expected
            HAPPENED["somebody elsewhere"] += len(expected) > 1
        for peer, places in self.views.items():
            for name, place in places.items():
                expected = self._truth(name)
                assert place.online == len(expected), (peer.id, name)
                if len(expected) <= CONFIG.presence.names_max:
                    assert place.names == expected

    def _truth(self, room: RoomName) -> dict[UserName, UserShown]:
        """Who is in a room on any node, and how he has to be shown."""
        found: dict[UserName, dict[NodeId, UserShown]] = {}
        mutes: dict[UserName, Any] = {}
        for node, harness in self.nodes.nodes.items():
            where = harness.chat.durable.rooms.get(room)
            if where is None:
                continue
            mutes = dict(where.mutes)
            for name in where.members:
                here = harness.chat.live.here(name)
                if here is not None:
                    found.setdefault(name, {})[node] = here
        return {name: _one(name, on, mutes) for name, on in found.items()}


def _one(
    name: UserName, on: dict[NodeId, UserShown], mutes: dict[UserName, Any]
) -> UserShown:
    """How somebody is shown who is on some nodes."""
    (display,) = {shown.display for shown in on.values()}
    state, text = State.ONLINE, None
    if {shown.state for shown in on.values()} == {State.AWAY}:
        state = State.AWAY
        text = next((on[n].text for n in sorted(on, reverse=True) if on[n].text), None)
    shown = UserShown(name, display, state, text)
    return unspoken(shown) if name in mutes else shown


def test_every_node_shows_exactly_who_is_on_any_of_them() -> None:
    """Whatever comes, goes, dies, is lost, late or doubled."""
    HAPPENED.clear()
    same = settings(max_examples=80, stateful_step_count=50, derandomize=True)
    run(PresenceAnyhow, settings=same)
    assert {"lost PresenceTold", "lost PresenceAsked", "killed"} <= set(HAPPENED)
    assert HAPPENED["lost PresenceTold"] > 20
    assert HAPPENED["somebody elsewhere"] > 20


def test_how_somebody_is_shown_does_not_depend_on_who_asks() -> None:
    """Of one who is here and there, each node makes the same."""
    shown = {
        NodeId(1): UserShown(ANN, None, State.AWAY, "tea"),
        NodeId(2): UserShown(ANN, None, State.AWAY),
        NodeId(3): UserShown(ANN, None, State.AWAY, "lunch"),
    }
    made = []
    for me, here in shown.items():
        neighbours = Neighbours(me)
        for node, there in shown.items():
            if node != me:
                neighbours.there[node] = There(1, {ANN: person(there)})
        made.append(neighbours.merged(ANN, here))
    assert made == [shown[NodeId(3)]] * 3
