"""The things that the chat knows: rooms, users, sessions, connections.

Plain objects without rules and without clocks. What is durable of them (`DURABLE`)
only `chatd.core.durable` assigns to; who is online, sessions and connections are
`chatd.core.live`'s, with two exceptions that are nobody's invariant: a connection's
queue of waiting commands and its counters belong to the machine, and a user's buckets
to who takes from them.
"""

from __future__ import annotations

from enum import Enum, auto

import attrs

from chatd.core.cluster.neighbours import Neighbours
from chatd.core.drafts import Draft
from chatd.core.principal import Principal, Renewal
from chatd.core.quota import Bucket
from chatd.core.roster import Roster
from chatd.core.scope import Scope
from chatd.core.settings import RoomSettings
from chatd.enums import AccountRole, Level, MemberChange, Role, State
from chatd.ids import ConnectionId, Epoch, RoomName, Seq, SessionId, UserName
from chatd.wire.commands import Command
from chatd.wire.events import DAY_MS, Millis, UserShown
from chatd.wire.kinds import CommandId
from chatd.wire.malformed import BadCommand


@attrs.define
class Membership:
    """What a room knows about one of its members."""

    role: Role
    read: Seq
    """Everything up to this seq counts as read."""
    first: Seq = Seq(1)
    """The lowest seq that this member may read, as far as it is kept."""
    level: Level = Level.ALL
    """What the member wants to be called for."""

    @property
    def told_level(self) -> Level | None:
        """The level, if it is not the default."""
        return None if self.level is Level.ALL else self.level


@attrs.frozen
class Sanction:
    """A ban or a mute."""

    until: Millis | None
    """When it lapses; None is never."""
    reason: str | None

    def holds(self, now: Millis) -> bool:
        """Whether it has not lapsed."""
        return self.until is None or now < self.until


@attrs.frozen
class Invite:
    """An invitation that waits for its answer, or keeps the next one away."""

    sender: UserName
    ts: Millis
    closed_until: Millis | None = None
    """Until when nobody asks again, since it has ended; None while it is open."""

    def waits(self, now: Millis) -> bool:
        """Whether it is open and has not lapsed."""
        return self.closed_until is None and now < self.ts + INVITE_MS

    def matters(self, now: Millis) -> bool:
        """Whether it is open, or has ended not long ago."""
        ends = self.ts + INVITE_MS if self.closed_until is None else self.closed_until
        return now < ends

    def closed(self, change: MemberChange, now: Millis) -> Invite:
        """The same, after what has ended it."""
        until = now + HOLD_OFF_MS[change]
        return attrs.evolve(self, closed_until=max(until, self.closed_until or 0))


INVITE_S = 14 * 86_400.0
INVITE_MS = round(INVITE_S * 1000)
"""How long an invitation waits. Source: protocol section 3."""
HOLD_OFF_MS = {
    MemberChange.DECLINE: INVITE_MS,
    MemberChange.UNINVITE: DAY_MS,
    MemberChange.BAN: DAY_MS,
}
"""How long nobody is asked in again after an invitation that has ended in this way;
after a join he may be at once. Source: protocol section 3."""


IDLE_S = 60.0
"""How long what nobody needs stays in memory: who comes back at once finds it there."""


CORRECTION_S = 60.0
"""How long after a message one correction of it is free. Source: protocol section 3."""


@attrs.define
class Sayings:
    """What slow mode knows of one member, on the clock of the deadlines."""

    counted: float | None = None
    """When he last said something that others have to wait for as well."""
    fresh: dict[Seq, float] = attrs.field(factory=dict)
    """His messages of the last minute that he has not corrected."""
    correcting: dict[Seq, float] = attrs.field(factory=dict)
    """Those whose correction is being written."""


@attrs.define(eq=False)
class Room:
    """A numbered timeline and the people in it."""

    name: RoomName
    epoch: Epoch
    head: Seq
    """The newest committed seq that was applied; 0 if none."""
    first: Seq
    """The lowest seq that is kept; head + 1 if none."""
    settings: RoomSettings = RoomSettings()
    declared: bool = False
    """Whether the configuration names it: joins are silent, it is suggested."""
    was: list[RoomName] = attrs.field(factory=list)
    """Names that it had before, the oldest first."""
    maker: UserName | None = None
    """Who made it, who may be gone; None: it is not known, or nobody did."""
    spoken: bool = False
    """Whether there may be a message, be it deleted."""
    rights: Seq = Seq(0)
    """The last event that changed who may do what, since the room was read."""
    bans: dict[UserName, Sanction] = attrs.field(factory=dict)
    mutes: dict[UserName, Sanction] = attrs.field(factory=dict)
    """Kept while their user is away, so that leaving is no way out."""
    sayings: dict[UserName, Sayings] = attrs.field(factory=dict)
    """In slow mode, who has said what when."""
    members: Roster[UserName, Membership] = attrs.field(factory=Roster)
    invited: dict[UserName, None] = attrs.field(factory=dict)
    """Whose invitations the chat has."""
    held: int = 0
    """How many of those who are in it, or were asked in, have to have it in memory; see
    `User.whole`."""
    leaders: dict[UserName, Sanction | None] = attrs.field(factory=dict)
    """Owners and moderators, whom to find among ten thousand members takes long; each
    with his ban from the server, be it over."""
    online: Roster[UserName, None] = attrs.field(factory=Roster)
    """Members who are shown as present: with at least one connection, or in their
    grace, here or on another node. Not all of them need be in memory."""
    neighbours: Neighbours | None = None
    """Who of them is on other nodes; None: nothing was told, by nobody."""
    returned: dict[UserName, Seq] = attrs.field(factory=dict)
    """Members whose read mark went back, and how far others know it to have been."""
    unsettled: dict[UserName, list[UserShown | None]] = attrs.field(factory=dict)
    """Who changed in this tick, and how people were shown him; None: not at all.

    First what everybody was shown before, then what those were shown who joined
    in the middle.
    """
    told_names: bool = True
    """Whether everybody here was told names, not numbers; see `names_max`."""
    told_online: int | None = 0
    """The number in the last presence frame; None if somebody was told another."""
    presence_frames: int = 0
    """How many there were."""


def shown_in(room: Room, name: UserName, here: UserShown | None) -> UserShown | None:
    """How somebody is shown in a room: by his name alone while he is muted there.

    Or what people read instead of it, and a status, would be ways to go on.

    Args:
        room: Where.
        name: Who.
        here: How he is shown by himself on this node; None: he is not here.

    Returns:
        None if he is on no node.
    """
    if room.neighbours is not None:
        here = room.neighbours.merged(name, here)
    if here is not None and name in room.mutes:
        return unspoken(here)
    return here


def unspoken(shown: UserShown) -> UserShown:
    """The same without what somebody says of himself."""
    return UserShown(shown.name, state=shown.state)


def readable_from(room: Room, member: Membership) -> Seq:
    """The lowest seq that a member may read."""
    return max(room.first, member.first)


@attrs.define(eq=False)
class User:
    """Somebody, over all connections."""

    name: UserName
    display: str
    role: AccountRole
    connections: dict[ConnectionId, None] = attrs.field(factory=dict)
    sessions: dict[SessionId, None] = attrs.field(factory=dict)
    """The user's sessions that the chat holds in memory."""
    state: State = State.ONLINE
    """`away` when all connections are; kept through the grace."""
    text: str | None = None
    """What the user says about being away."""
    whole: bool = False
    """Whether all of his rooms are in memory, and those that he was asked into; else
    only those that others need. See `chatd.core.residency`."""
    online: bool = False
    """True from the first connection until the grace after the last."""
    blocks: dict[UserName, None] = attrs.field(factory=dict)
    """Whom the user blocks."""
    ban: Sanction | None = None
    """From the server; it may have lapsed."""
    messages: Bucket | None = None
    ephemeral: Bucket | None = None
    made: dict[RoomName, None] = attrs.field(factory=dict)
    """Rooms that he has made, and that are there, be they in memory or not."""
    creations: Bucket | None = None
    """Of rooms and direct conversations that he opens."""
    opening: RoomName | None = None
    """The direct conversation that he opened last."""
    address: bytes | None = None
    """The digest of the one that a guest came from last."""

    @property
    def shown(self) -> UserShown:
        """How the user is shown in lists."""
        display = self.display if self.display != self.name else None
        return UserShown(self.name, display, self.state, self.text)

    def is_banned(self, now: Millis) -> bool:
        """Whether he is banned from the server now."""
        return self.ban is not None and self.ban.holds(now)


@attrs.define(eq=False)
class Session:
    """A resumable identity over connections."""

    id: SessionId
    user: UserName
    connection: ConnectionId | None = None
    """The one connection that has it now."""


@attrs.frozen
class SessionKept:
    """What the store has of one of somebody's sessions."""

    id: SessionId
    created: Millis
    idle_since: Millis | None
    """When its last connection ended, some seconds late; None while it has one."""
    device: str | None
    has_token: bool
    """Whether it depends on a token, ours or an outside issuer's."""


@attrs.define
class Subscription:
    """A connection's place in a room: replaying, or live."""

    number: int
    """Unique in this process; a newer join has a higher one."""
    live: bool
    id: CommandId = None
    """The id of the join, for `caught_up`."""
    names: bool = False
    """Whether the join asked who is online."""
    presence_frames: int = 0
    """The room's, when it was joined."""


Sent = Command | BadCommand
"""A frame of a client: a command, or the reason why it is none."""


@attrs.define(eq=False)
class Barrier:
    """A change of who may do what that is being written, and who waits for it."""

    draft: Draft
    waiting: list[ConnectionId] = attrs.field(factory=list)


class Block(Enum):
    """What the next command of a connection waits for."""

    PENDING = auto()
    """The command before it: a hello, join or leave, or what it needs in memory."""
    OWN_DRAFTS = auto()
    """This connection's open durable commands."""
    BARRIER = auto()
    """A change of who may do what in the room."""
    UNDECIDED = auto()
    """Commands that were decided on what was not so any more."""
    ENDED = auto()
    """Nothing: it was told to end, and nothing more is done for it."""


@attrs.define
class Undecided:
    """Commands of a connection that are to be decided again, as they were sent."""

    block: Block | None
    """What its next command would wait for besides."""
    commands: list[Command] = attrs.field(factory=list)
    number: int | None = None
    """The catching up that has to be over before; None: it is."""


@attrs.define(eq=False)
class Connection:
    """One socket."""

    id: ConnectionId
    malformed: Bucket
    address: str | None = None
    """What limits per address count it by; None for a Unix socket's peer."""
    is_operator: bool = False
    """Whether it came to the admin socket; then it never has a user."""
    opened: Millis = 0
    """When it came, for display."""
    device: str | None = None
    """What its client has called itself in `hello`."""
    limited: Bucket | None = None
    """Of refusals `rate_limited` of what came too soon; whoever spends it floods."""
    waits_until: float | None = None
    """When the last such refusal has said that it would not be too soon."""
    secrets: Bucket | None = None
    """Of the secrets that it has verified, once it was welcomed."""
    user: UserName | None = None
    session: SessionId | None = None
    token: bytes | None = None
    """SHA-256 of the access token that the session came from, if any."""
    expires: Millis | None = None
    """When the token ends that it depends on."""
    scope: Scope | None = None
    """What the token allows; None is everything."""
    tries: int = 0
    """How often it was verified again, since a name was taken meanwhile."""
    renewal: Renewal | None = None
    """The token of a `refresh`, while its session takes it over."""
    state: State = State.ONLINE
    text: str | None = None
    block: Block | None = None
    waiting: list[Sent] = attrs.field(factory=list)
    """Commands behind the block, in the order in which they came."""
    sought: frozenset[RoomName | UserName] = frozenset()
    """What was read for the command that comes next, so that it is in memory now if it
    exists."""
    open_drafts: int = 0
    """Durable commands whose outcome is not known yet."""
    undecided: Undecided | None = None
    """While `block` is `UNDECIDED`."""
    decided: int = 0
    """Behind which catching up its commands were decided again last."""
    put_off: tuple[Command | None, int] = (None, 0)
    """The first of those, and how often it was put off so far."""
    refused_credentials: int = 0
    principal: Principal | None = None
    """Whom a hello has verified, while his session is being written."""
    subscriptions: dict[RoomName, Subscription] = attrs.field(factory=dict)
    heads: dict[Epoch, Seq] | None = None
    """How far each room was when the operator has last looked who is busy."""


DURABLE: dict[type, frozenset[str]] = {
    Room: frozenset(
        (
            *("name", "epoch", "head", "first", "settings", "declared", "was"),
            *("maker", "spoken", "rights", "bans", "mutes", "members"),
            *("invited", "leaders", "held"),
        )
    ),
    Membership: frozenset(("role", "first", "level")),
    User: frozenset(("name", "display", "role", "blocks", "ban", "made", "whole")),
}
"""Attributes that say what the store has. A read mark is not among them: it moves
first and is written some seconds later."""
