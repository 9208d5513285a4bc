"""What of the store comes into memory, as values: rooms and users as they are there.

A store reads them (`chatd.ports.Store`), `chatd.core.residency` takes them into the
state.
"""

from __future__ import annotations

from typing import NamedTuple

import attrs

from chatd.core.changes import AddressBan
from chatd.core.entities import Invite, Membership, Sanction
from chatd.core.settings import RoomSettings
from chatd.enums import AccountRole, Erasure
from chatd.ids import Epoch, RoomName, Seq, UserName
from chatd.wire.events import Millis


@attrs.define
class UserRow:
    """One user as the store has it."""

    user: UserName
    display: str
    role: AccountRole = attrs.field(converter=AccountRole)
    password_hash: str | None = attrs.field(default=None, repr=False)
    ban: Sanction | None = None
    """A ban from the server; it may have lapsed."""
    address: bytes | None = None
    """The digest of the address that a guest came from last."""


@attrs.define
class UserRecord:
    """One user with all that he has: what is in memory of who is here."""

    user: UserRow
    blocks: list[UserName] = attrs.field(factory=list)
    """Whom the user blocks."""
    made: list[RoomName] = attrs.field(factory=list)
    """Rooms that the user has made, and that are there."""
    rooms: list[RoomName] = attrs.field(factory=list)
    """Rooms that the user is in, or was asked into, each once, by name."""


@attrs.define
class RoomRow:
    """One room as the store has it, with all who are in it.

    Members, bans, mutes and invitations are in the order of their users' names. Users
    who were erased are none of them.
    """

    room: RoomName
    epoch: Epoch
    head: Seq
    """The newest seq, 0 if none."""
    first: Seq
    """The lowest seq that is kept; head + 1 if none."""
    last_ts: Millis
    settings: RoomSettings
    members: dict[UserName, Membership]
    banned: dict[UserName, Sanction] = attrs.field(factory=dict)
    """The owners and moderators among them who are banned from the server."""
    bans: dict[UserName, Sanction] = attrs.field(factory=dict)
    """Those that have not lapsed, like mutes."""
    mutes: dict[UserName, Sanction] = attrs.field(factory=dict)
    invites: dict[UserName, Invite] = attrs.field(factory=dict)
    """Those that still matter."""
    barred: list[AddressBan] = attrs.field(factory=list)
    """The addresses that bans of guests from this room hold for."""
    was: list[RoomName] = attrs.field(factory=list)
    """Names that it had before, the oldest first."""
    maker: UserName | None = None
    """The user who made it, who may have been erased; None: not known, or declared."""
    spoken: bool = False
    """Whether there is a message, deleted ones included."""
    rights: Seq = Seq(0)
    """The last event that changed who may do what; 0 where no other node writes."""


@attrs.define
class PublicRoom:
    """What a list of rooms tells of one."""

    room: RoomName
    members: int
    settings: RoomSettings


@attrs.frozen
class ErasureRow:
    """How far the erasure of a user is."""

    state: Erasure
    messages: int = 0
    """That were emptied so far."""
    reactions: int = 0
    """That were taken away so far."""
    part: float = 0.0
    """How much of all is done, about: 0 to 1."""
    is_overwritten: bool = False
    """Whether nothing of it is left in a log."""


class UnreadCounts(NamedTuple):
    """What of a room somebody has not read."""

    unread: int
    """Messages of others."""
    mentions: int
    """Messages that have come to address him."""
    in_threads: int
    """Those of the unread that are in threads."""
