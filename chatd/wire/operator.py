"""What the operator asks at the admin socket: commands and replies.

Who is connected there is the operator by what the kernel says of the other end, so
there is no hello, and no user.
"""

from __future__ import annotations

from typing import ClassVar

import attrs

from chatd.enums import Audited, LogLevel
from chatd.ids import ConnectionId, RoomName, Seq, SessionTag, UserName
from chatd.wire.administration import AdministrationCommand, AdministrationReply
from chatd.wire.events import DAY_MS, Millis
from chatd.wire.kinds import (
    AuditNumber,
    AuditSeconds,
    CommandId,
    InvitationNumber,
    LevelSeconds,
    PageLimit,
    Text,
    TokenNumber,
)

# --- commands -----------------------------------------------------------------


@attrs.define
class Report:
    """Ask how the daemon is."""

    type: ClassVar[str] = "report"
    id: CommandId = None


@attrs.define
class Connections:
    """Ask who is connected, and how it goes."""

    type: ClassVar[str] = "connections"
    user: UserName | None = None
    """Only those of one user."""
    after: ConnectionId | None = None
    limit: PageLimit = PageLimit(100)
    busiest: bool = False
    """Only those that have used most of the daemon lately, and they in that order."""
    id: CommandId = None


@attrs.define
class BusyRooms:
    """Ask in which rooms most has happened since this connection has asked last."""

    type: ClassVar[str] = "busy_rooms"
    limit: PageLimit = PageLimit(20)
    id: CommandId = None


@attrs.define
class Disconnect:
    """End one connection, or all of a user; sessions stay."""

    type: ClassVar[str] = "disconnect"
    connection: ConnectionId | None = None
    user: UserName | None = None
    id: CommandId = None


@attrs.define
class Drain:
    """Stop the daemon in order, as SIGTERM does."""

    type: ClassVar[str] = "drain"
    id: CommandId = None


@attrs.define
class Reload:
    """Put into force what is configured now, and answer what has changed."""

    type: ClassVar[str] = "reload"
    id: CommandId = None


@attrs.define
class SetLogLevel:
    """Log from another level on."""

    type: ClassVar[str] = "log_level"
    level: LogLevel
    seconds: LevelSeconds | None = None
    """How long; else until it is set again, or the next start. `for` on the wire."""
    id: CommandId = None


@attrs.define
class Announce:
    """Tell something to everybody who is connected, or who is online in a room."""

    type: ClassVar[str] = "announce"
    text: Text
    room: RoomName | None = None
    id: CommandId = None


@attrs.define
class Audit:
    """Ask who has moderated whom, and what the operator has done, the newest first."""

    type: ClassVar[str] = "audit"
    user: UserName | None = None
    """Only what was done to one user."""
    by: UserName | None = None
    """Only what one user has done."""
    operator: bool = False
    """Only what the operator has done."""
    room: RoomName | None = None
    """Only what was done in one room, whatever it was called then."""
    seconds: AuditSeconds | None = None
    """Only of the last so many seconds. Called `for` on the wire."""
    after: AuditNumber | None = None
    limit: PageLimit = PageLimit(100)
    id: CommandId = None


OperatorCommand = (
    Report
    | Connections
    | BusyRooms
    | Disconnect
    | Drain
    | Reload
    | SetLogLevel
    | Audit
    | Announce
    | AdministrationCommand
)
"""Any command of the operator."""

# --- replies ------------------------------------------------------------------


@attrs.define
class ConfigShown:
    """The configuration with which the daemon runs."""

    digest: str
    """SHA-256 of the file as it was read; of nothing where there is none."""
    file: str | None = None
    """Where it is; left out where none was read."""
    changed: bool = False
    """Whether the file says something else by now, or cannot be read."""


BACKUP_OLD_MS = 2 * DAY_MS
"""One of every night, and an hour by chance, are at most 25 hours apart: when a backup
is as old, one is missing. As in contrib/prometheus/alerts.yml."""


@attrs.define
class BackupShown:
    """The last backup that was made."""

    made: Millis
    file: str
    bytes: int


@attrs.define
class StoreShown:
    """What the data takes."""

    directory: str
    bytes: int
    """The database and its write-ahead log."""
    free_bytes: int
    """What is left where it is."""
    backup: BackupShown | None = None


@attrs.define
class NodeShown:
    """One of the nodes that share a store, as it said a moment ago."""

    node: int
    """Its number: each start has another."""
    name: str
    server: str
    """Name and version of its program; empty if it has not said so yet."""
    silent: float
    """How many seconds ago it said that it is there; always written."""
    connections: int
    """Always written."""
    users_online: int
    """Always written."""
    behind: float
    """For how many seconds it may not know of what others have stored; always
    written."""
    here: bool = False
    """Whether it is the one that answers."""


@attrs.define
class Reported:
    """`ok` of `report`."""

    type: ClassVar[str] = "ok"
    server: str
    """Name and version."""
    pid: int
    started: Millis
    now: Millis
    ready: bool
    """Whether a message could be stored at this moment; always written."""
    config: ConfigShown
    listening: list[str]
    """Always written."""
    connections: int
    """Those of clients; always written."""
    users_online: int
    """Always written."""
    events: int
    """Of rooms, delivered since the start; always written."""
    events_per_s: float
    """In the last minute; always written."""
    queued: int
    """Commands that wait to be stored; always written."""
    store: StoreShown
    log_level: LogLevel
    """From which entry on the log has them."""
    metrics: list[str] = attrs.field(factory=list)
    """Where the numbers are."""
    nodes: list[NodeShown] = attrs.field(factory=list)
    """All that share the store; left out where only this one may."""
    bus: bool | None = None
    """Whether what the others store comes from the bus; left out likewise."""
    re: str = "report"
    id: CommandId = None


@attrs.define
class ConnectionShown:
    """One connection in `connections`."""

    connection: ConnectionId
    address: str
    opened: Millis
    messages: int
    """That came from it; always written."""
    received: int
    """Bytes; always written."""
    sent: int
    """Bytes; always written."""
    unread: int
    """Bytes that wait for it or that its side has not acknowledged; always written."""
    lag: float
    """For how many seconds it has taken nothing of what waits; always written."""
    rooms: int
    """How many it follows; always written."""
    user: UserName | None = None
    """Left out before `welcome`."""
    device: str | None = None
    """What the client called itself in its `hello`."""


@attrs.define
class ConnectionsPage:
    """`ok` of `connections`: in the order in which they came, or the busiest first."""

    type: ClassVar[str] = "ok"
    connections: list[ConnectionShown]
    """Always written, also when empty."""
    next: ConnectionId | None = None
    re: str = "connections"
    id: CommandId = None


@attrs.define
class BusyRoom:
    """One room in `busy_rooms`."""

    room: RoomName
    events: int
    """Since then; always written."""
    online: int
    """To whom each is delivered now; always written."""


@attrs.define
class BusyRoomsShown:
    """`ok` of `busy_rooms`: first those of which most was delivered."""

    type: ClassVar[str] = "ok"
    rooms: list[BusyRoom]
    """Always written; empty the first time."""
    re: str = "busy_rooms"
    id: CommandId = None


@attrs.define
class Disconnected:
    """`ok` of `disconnect`."""

    type: ClassVar[str] = "ok"
    ended: int
    """How many of the daemon that is asked; always written."""
    nodes: int = 0
    """How many other nodes were asked to end theirs, which `ended` does not count."""
    re: str = "disconnect"
    id: CommandId = None


@attrs.define
class Reloaded:
    """`ok` of `reload`: keys by their paths, in the order of the file."""

    type: ClassVar[str] = "ok"
    changed: list[str]
    """What is in force now; always written."""
    connect: list[str] = attrs.field(factory=list)
    """Of these, what counts for new connections only."""
    restart: list[str] = attrs.field(factory=list)
    """What needs a restart."""
    re: str = "reload"
    id: CommandId = None


@attrs.define
class AuditShown:
    """One entry of `audit`: what somebody has done."""

    entry: AuditNumber
    ts: Millis
    sender: UserName
    """Who."""
    what: Audited
    room: RoomName | None = None
    """What it was called then."""
    user: UserName | None = None
    """To whom; of `create`, whose it is."""
    role: str | None = None
    """In the room, or on the server; of an invitation, what one becomes by it."""
    until: Millis | None = None
    """When a ban or mute ends."""
    reason: str | None = None
    of: Seq | None = None
    """Which message was deleted."""
    name: RoomName | None = None
    """What the room is called since."""
    keys: list[str] = attrs.field(factory=list)
    """Which settings have changed, of a room or by `reload`."""
    connection: ConnectionId | None = None
    session: SessionTag | None = None
    """The one that was ended; left out where that were all."""
    token: TokenNumber | None = None
    invitation: InvitationNumber | None = None
    level: LogLevel | None = None
    text: str | None = None
    """What was announced, or what the place is called since."""


@attrs.define
class AuditPage:
    """`ok` of `audit`."""

    type: ClassVar[str] = "ok"
    entries: list[AuditShown]
    """Always written, also when empty."""
    next: AuditNumber | None = None
    re: str = "audit"
    id: CommandId = None


@attrs.define
class Announced:
    """`ok` of `announce`."""

    type: ClassVar[str] = "ok"
    users: int
    """How many were told by the daemon that is asked; always written."""
    nodes: int = 0
    """How many other nodes were asked to tell theirs, whom `users` does not count."""
    re: str = "announce"
    id: CommandId = None


OperatorReply = (
    Reported
    | ConnectionsPage
    | BusyRoomsShown
    | Disconnected
    | Reloaded
    | AuditPage
    | Announced
    | AdministrationReply
)
"""Anything that answers the operator."""
