"""What the machine wants done, as values for the hub to perform in order.

An effect names connections and rooms, never sockets. Performing one never
waits: what takes time (a commit, a look-up, a password) is started, and its
outcome comes back as an input.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Generic, TypeVar

import attrs

from chatd.core.cluster.messages import Message
from chatd.core.drafts import Draft
from chatd.core.drafts.basis import Basis
from chatd.core.queries import ListTrimming, LoadRooms, LoadUser
from chatd.errors import Ending
from chatd.ids import ConnectionId, RoomName, Seq, UserName
from chatd.wire.accounts import SecretCommand
from chatd.wire.commands import Command
from chatd.wire.events import Ephemeral, Hidden, TimelineEvent
from chatd.wire.operator import Drain, SetLogLevel
from chatd.wire.replies import Reply, ServerFrame
from chatd.wire.sessions import Hello

C = TypeVar("C", bound=Command)
Q = TypeVar("Q")


@attrs.define
class Origin:
    """Which command of which connection a draft came from.

    Without a connection it came from the machine itself, and nobody waits.
    """

    connection: ConnectionId | None
    command: Command | None
    draft: Draft
    basis: Basis | None = None
    """What it was decided on, where other nodes write beside this one."""


@attrs.define
class Answer:
    """The one reply to a command; None where the protocol wants none."""

    connection: ConnectionId
    reply: Reply | None


@attrs.define
class Tell:
    """Send a frame to some connections."""

    connections: Sequence[ConnectionId]
    frame: ServerFrame
    ephemeral: bool = False


@attrs.define
class Deliver:
    """Send a timeline event to everybody who is subscribed to its room."""

    event: TimelineEvent


@attrs.define
class DeliverHidden:
    """As `Deliver`, but the one who blocks the sender gets `hidden` instead."""

    event: TimelineEvent
    hidden: Hidden
    blocker: Sequence[ConnectionId]
    """His connections."""


@attrs.define
class Spread:
    """Send an ephemeral event to everybody who is subscribed to its room."""

    frame: Ephemeral
    besides: Sequence[ConnectionId] = ()
    """Connections that do not get it: those of the user that it is about."""


@attrs.define
class Subscribe:
    """From here on a connection gets the room's live events."""

    connection: ConnectionId
    room: RoomName


@attrs.define
class Unsubscribe:
    """From here on a connection gets nothing of the room, nor its replay.

    With `drop`, what waits unsent of the room is forgotten; else it is forgotten
    once this batch has been sent, as far as the socket takes it.
    """

    connection: ConnectionId
    room: RoomName
    drop: bool


@attrs.define
class Rename:
    """From here on what some connections get of a room is of it under another name."""

    room: RoomName
    name: RoomName
    connections: Sequence[ConnectionId]
    """Those that follow it, replaying or live."""


@attrs.define
class Append:
    """Give a draft to the store's writer; `Executed` comes back."""

    origin: Origin


@attrs.define
class Authenticate:
    """Verify a credential."""

    connection: ConnectionId
    hello: Hello


@attrs.define
class CheckSecret:
    """Verify or hash what a command about an account brings."""

    connection: ConnectionId
    command: SecretCommand
    user: UserName | None
    """Whose command it is; None before hello."""


@attrs.define
class Query(Generic[C, Q]):
    """Read something from the store for a command; `Answered` comes back."""

    connection: ConnectionId
    command: C
    query: Q
    """One of `chatd.core.queries`."""


@attrs.define
class Fetch:
    """Read something from the store into memory; `Fetched` comes back."""

    query: LoadUser | LoadRooms | ListTrimming


@attrs.define
class Observe:
    """Look at what only the edge can see, for the operator; `Seen` comes back."""

    connection: ConnectionId
    command: Command
    connections: Sequence[ConnectionId] | None
    """Those to look at; None: the daemon itself."""
    busiest: int = 0
    """Only so many of them, that have used most of the loop lately; 0: all."""


@attrs.define
class Reload:
    """Put into force what is configured now, for the operator; `Seen` comes back."""

    connection: ConnectionId
    command: Command


@attrs.define
class Steer:
    """Have the process do what the operator asks of it."""

    command: Drain | SetLogLevel


@attrs.define
class EndSetup:
    """There is an administrator: the first one is not waited for any more."""


@attrs.define
class Replay:
    """Hand a page of events after `after` to a connection, when it can take it.

    With `last`, the page starts at the last-newest message, if that is later.
    """

    connection: ConnectionId
    room: RoomName
    subscription: int
    after: Seq
    upto: Seq
    viewer: UserName
    last: int | None = None


@attrs.define
class Charge:
    """Take more from a connection's command bucket: a command was a dear one."""

    connection: ConnectionId
    cost: float


@attrs.define
class Finish:
    """End a connection."""

    connection: ConnectionId
    ending: Ending
    after_s: float | None = None
    """When the client may come back, where that is not at once."""


@attrs.define
class Publish:
    """Tell those other nodes that follow a stream; it may be lost."""

    stream: str
    message: Message


@attrs.define
class CatchUp:
    """Read what other nodes have committed by now; `CaughtUp` comes behind it."""

    number: int


Effect = (
    Answer
    | Tell
    | Deliver
    | DeliverHidden
    | Spread
    | Subscribe
    | Unsubscribe
    | Rename
    | Append
    | Authenticate
    | CheckSecret
    | Query[Any, Any]
    | Fetch
    | Observe
    | Reload
    | Steer
    | EndSetup
    | Replay
    | Charge
    | Finish
    | Publish
    | CatchUp
)
"""Anything that the machine can want."""
