"""Everything that can happen to the chat, as values for `Machine.handle`.

An input is a fact that the edge has learned: a socket opened, a command came, a
look-up or a commit has an outcome, time has passed. The machine turns each into
effects (`chatd.core.effects`) and never asks for anything itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Generic, TypeVar

import attrs

from chatd.core.cluster.commits import Commit
from chatd.core.cluster.messages import Message
from chatd.core.drafts import Draft, Outcome
from chatd.core.effects import C, Origin, Q
from chatd.core.observations import Observed
from chatd.core.principal import (
    HashedPassword,
    NewSecret,
    Principal,
    Renewal,
    RightPassword,
)
from chatd.errors import Reject
from chatd.ids import ConnectionId, NodeId, RoomName, Seq, Stamp
from chatd.wire.accounts import SecretCommand
from chatd.wire.commands import Command
from chatd.wire.events import Millis
from chatd.wire.malformed import BadCommand
from chatd.wire.sessions import Hello

A = TypeVar("A")


@attrs.define
class Now:
    """The moment of an input; the core has no clock of its own."""

    mono: float
    """Seconds of a clock that never jumps, for deadlines and rates."""
    wall: Millis
    """What people call the time, for display and stamps; see `chatd.core.clock`."""
    certain: Millis = attrs.field(
        default=attrs.Factory(lambda now: now.wall, takes_self=True)
    )
    """What has at least been reached, for what is counted by age later."""
    sure: Millis = attrs.field(
        default=attrs.Factory(lambda now: now.wall, takes_self=True)
    )
    """By when something has ended that cannot be undone: by both of them."""


@attrs.define
class Opened:
    """A WebSocket was opened."""

    connection: ConnectionId
    address: str | None = None
    """Its `chatd.core.quota.address_key`."""
    is_operator: bool = False
    """Whether it came to the admin socket."""


@attrs.define
class Received:
    """A connection sent a command, or a frame that is none."""

    connection: ConnectionId
    sent: Command | BadCommand


@attrs.define
class Authenticated:
    """A credential was verified."""

    connection: ConnectionId
    hello: Hello
    principal: Principal


@attrs.define
class Answered(Generic[C, Q, A]):
    """What a query asked for was read, or could not be.

    Whoever answers never sees a `Reject` here: it is the answer then.
    """

    connection: ConnectionId
    command: C
    query: Q
    """One of `chatd.core.queries`."""
    answer: A
    """What the store has returned; a `Reject` where it was not asked, or failed."""


@attrs.define
class Abandoned(Generic[Q]):
    """What a query asked for is not read: nobody will be there to take it.

    The socket of whoever asked has gone, which the machine may not know yet: `Closed`
    comes behind all that was sent before.
    """

    query: Q


@attrs.define
class Fetched(Generic[Q, A]):
    """What was wanted in memory was read, or could not be."""

    query: Q
    answer: A | Reject
    """What the store has returned."""


@attrs.define
class Executed:
    """The store's writer has executed a draft."""

    origin: Origin
    outcome: Outcome
    final: bool = True
    """False where the store has stalled: what becomes of the draft is still open."""
    stamp: Stamp | None = None
    """Of its batch, where other nodes write beside this one and it has changed
    something."""


@attrs.define
class Replayed:
    """A page of a replay was handed to the connection, up to and with `at`."""

    connection: ConnectionId
    room: RoomName
    subscription: int
    at: Seq


@attrs.define
class AuthenticationFailed:
    """A credential was refused."""

    connection: ConnectionId
    hello: Hello
    reject: Reject


@attrs.define
class SecretChecked:
    """What a command about an account brought is right, or hashed."""

    connection: ConnectionId
    command: SecretCommand
    found: HashedPassword | RightPassword | Renewal | NewSecret
    """For `refresh` what the token is."""


@attrs.define
class SecretRefused:
    """What a command about an account brought was refused."""

    connection: ConnectionId
    command: SecretCommand
    reject: Reject


@attrs.define
class Seen:
    """The edge has looked at what the operator asked for."""

    connection: ConnectionId
    command: Command
    found: Observed


@attrs.define
class Closed:
    """A connection is gone."""

    connection: ConnectionId


@attrs.define
class SpaceMeasured:
    """How much is free where the store is."""

    free_bytes: int


@attrs.define
class TimePassed:
    """`Machine.next_deadline` has come."""


@attrs.define
class RoomsSought:
    """These rooms have to be in memory, or be known not to exist."""

    rooms: Sequence[RoomName]


@attrs.define
class Drafted:
    """The configuration wants these drafts committed, in this order."""

    drafts: Sequence[Draft]


@attrs.define
class Stopping:
    """Everybody has gone and the daemon is about to end: nothing may wait."""


@attrs.define
class Heard:
    """Another node has committed something, or as much of it as came here."""

    commit: Commit


@attrs.define
class CaughtUp:
    """All is known that other nodes had committed when `CatchUp` was wanted."""

    number: int


@attrs.define
class Told:
    """Another node tells something that is not durable."""

    node: NodeId
    message: Message


@attrs.define
class NodesSeen:
    """These nodes are there, this one among them."""

    alive: frozenset[NodeId]


@attrs.define
class Followed:
    """All that other nodes tell of some streams arrives from here on."""

    streams: Sequence[str]


@attrs.define
class Missed:
    """Something that is not durable may have been told, and not have come here."""

    node: NodeId | None
    """Who has told it; None: any."""


Input = (
    Opened
    | Received
    | Authenticated
    | Answered[Any, Any, Any]
    | Abandoned[Any]
    | Fetched[Any, Any]
    | Executed
    | Replayed
    | AuthenticationFailed
    | SecretChecked
    | SecretRefused
    | Seen
    | Closed
    | SpaceMeasured
    | TimePassed
    | RoomsSought
    | Drafted
    | Stopping
    | Told
    | Heard
    | CaughtUp
    | NodesSeen
    | Followed
    | Missed
)
"""Anything that can happen."""
