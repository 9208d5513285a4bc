"""Who is in a room on other nodes, and what those know of this one.

A user may be on several nodes at once. He is one person, and is away where he is on all
of them; what is shown of him then is the same on each node, since it depends on what
all know and not on who asks.

Plain objects of a room, as `chatd.core.entities` has them; there are none without other
nodes. `chatd.core.cluster.presence` fills them.
"""

from __future__ import annotations

import attrs

from chatd.core.cluster.messages import Person
from chatd.enums import State
from chatd.ids import NodeId, UserName
from chatd.wire.events import UserShown


@attrs.define(eq=False)
class There:
    """Who is in a room on one other node, as that has told."""

    number: int = 0
    """Of what it has told last; 0: nothing."""
    people: dict[UserName, Person] = attrs.field(factory=dict)
    """Some may be no members here yet, or any more: then nobody is shown them."""
    coming: list[Person] | None = None
    """All who are there, of which the rest has not come."""
    until: float | None = None
    """When that is no longer believed unless all is told anew; None: it is certain."""


@attrs.define(eq=False)
class Neighbours:
    """What nodes have told each other of who is in a room."""

    node: NodeId
    """This one."""
    there: dict[NodeId, There] = attrs.field(factory=dict)
    untold: dict[UserName, UserShown | None] = attrs.field(factory=dict)
    """Who has changed here in this tick, and how the others know him; None: not."""
    told: int | None = None
    """The number of what they were told last; None: nothing."""
    tells_all: bool = False
    """Whether they are told of everybody when the tick ends."""
    asks_all: bool = False
    """Whether they are asked for everybody then."""

    @property
    def is_anybody_there(self) -> bool:
        """Whether somebody is in the room on another node."""
        return any(there.people for there in self.there.values())

    def has(self, name: UserName) -> bool:
        """Whether a user is on another node."""
        return any(name in there.people for there in self.there.values())

    def merged(self, name: UserName, here: UserShown | None) -> UserShown | None:
        """How a user is shown who is here like this and maybe on other nodes.

        Args:
            name: Whose.
            here: How he is shown on this node; None: he is not here.

        Returns:
            None if he is nowhere.
        """
        found = {
            node: there.people[name]
            for node, there in self.there.items()
            if name in there.people
        }
        if not found:
            return here
        if here is not None:
            found[self.node] = person(here)
        newest = sorted(found, reverse=True)
        display = found[newest[0]].display if here is None else here.display
        if not all(one.away for one in found.values()):
            return UserShown(name, display, State.ONLINE)
        texts = [found[node].text for node in newest if found[node].text]
        return UserShown(name, display, State.AWAY, texts[0] if texts else None)


def person(shown: UserShown) -> Person:
    """Somebody who is here, as others are told of him."""
    return Person(shown.name, shown.display, shown.state is State.AWAY, shown.text)
