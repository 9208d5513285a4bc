"""What a store returns of sessions and tokens, and at a start."""

from __future__ import annotations

import attrs

from chatd.core.changes import AddressBan
from chatd.core.rows import UserRecord
from chatd.ids import RoomName, SessionId, UserName
from chatd.wire.events import Millis


@attrs.define
class SessionRow:
    """One session as the store has it."""

    session: SessionId
    user: UserName
    token: bytes | None
    """SHA-256 of the token of ours that it depends on."""
    idle_since: Millis | None
    """When its last connection ended; None while it has one."""
    expires: Millis | None = None
    """When an outside issuer's token ends, on which it depends."""
    scope: str | None = None
    """What that token allows; None is everything."""


@attrs.define
class TokenRow:
    """One access token as the store has it."""

    user: UserName
    expires: Millis | None
    name: str = ""
    """What the operator calls it."""
    scope: str | None = None
    """What it allows, as `chatd.core.scope` writes it; None is everything."""


@attrs.define
class Snapshot:
    """What the core needs from the start on."""

    guests: list[UserRecord]
    """The guests whose sessions have not ended."""
    guest_sessions: list[SessionRow]
    needless: list[RoomName] = attrs.field(factory=list)
    """Rooms that nobody is in and nobody can want, by name: private ones, and public
    ones that a user has made and in which nobody has ever written."""
    barred: list[AddressBan] = attrs.field(factory=list)
    """The addresses that bans of guests from the server hold for."""
    address_key: str = ""
    """The store's key, with which digests of addresses are made."""
    place: str | None = None
    """The server's displayed name; None: it was not set."""
