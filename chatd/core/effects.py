"""What the machine wants done, as values for the hub to perform in order.

An effect names connections and rooms, never sockets. Performing one never
waits: what takes time (a commit, a look-up, a password) is started, and its
outcome comes back as an input.
"""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from chatd.core.drafts import Draft
from chatd.core.principal import Principal
from chatd.core.query import Place, Query
from chatd.errors import Ending
from chatd.ids import ConnectionId, RoomName, Seq, UserName
from chatd.wire.accounts import SecretCommand
from chatd.wire.admissions import Invitations
from chatd.wire.commands import Command, Hello, History, Search, Sessions
from chatd.wire.events import Ephemeral, Hidden, Millis, TimelineEvent
from chatd.wire.replies import Reply, ServerFrame


@attrs.define
class Origin:
    """Which command of which connection a draft came from.

    Without a connection it came from the machine itself, and nobody waits.
    """

    connection: ConnectionId | None
    command: Command | None
    draft: Draft


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
class Unread:
    """What of a room is unread up to a seq."""

    upto: Seq
    unread: int
    """Messages."""
    mentions: int
    """Those among them that address the user."""


@attrs.define
class CountUnread:
    """Count unread messages; `UnreadCounted` repeats `because`."""

    connection: ConnectionId
    hello: Hello
    principal: Principal
    marks: list[tuple[RoomName, Seq, Seq]]
    """Room, read mark, and the head up to which to count."""
    counted: dict[RoomName, Unread]
    """What was counted before, for `UnreadCounted` to repeat."""


@attrs.define
class FindUser:
    """Look for the user whom `command` names."""

    connection: ConnectionId
    command: Command
    user: UserName


@attrs.define
class ReadHistory:
    """Read a page of messages up to `upto`."""

    connection: ConnectionId
    command: History
    upto: Seq
    viewer: UserName


@attrs.define
class ReadSessions:
    """Read a page of a user's sessions, of those that were idle since then at most."""

    connection: ConnectionId
    command: Sessions
    user: UserName
    since: Millis


@attrs.define
class ReadInvitations:
    """Read a page of invitations to the server: of one user, or for None all."""

    connection: ConnectionId
    command: Invitations
    user: UserName
    """Who asks."""
    maker: UserName | None


@attrs.define
class EndSetup:
    """There is an administrator: the first one is not waited for any more."""


@attrs.define
class FindMessages:
    """Find messages in some rooms, each from a first seq up to the head."""

    connection: ConnectionId
    command: Search
    query: Query
    scope: list[tuple[RoomName, Seq, Seq]]
    place: Place | None


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
    | CountUnread
    | FindUser
    | ReadHistory
    | ReadSessions
    | ReadInvitations
    | EndSetup
    | FindMessages
    | Replay
    | Charge
    | Finish
)
"""Anything that the machine can want."""
