"""Who somebody is, once a credential has been verified.

A `Principal` is made at the edge, where passwords are hashed and secrets are
looked up; behind it the core trusts every field.
"""

from __future__ import annotations

import attrs

from chatd.core.scope import Scope
from chatd.enums import AccountRole
from chatd.ids import RoomName, SessionId, UserName
from chatd.wire.events import Millis


@attrs.define
class Principal:
    """An authenticated identity and the session that it continues or opens."""

    user: UserName
    display: str
    role: AccountRole
    session: SessionId
    secret: str = attrs.field(repr=False)
    """What the client presents to resume; told once, in `welcome`."""
    token: bytes | None
    """SHA-256 of the access token that it came from, if it came from one of ours."""
    resumed: bool
    """Whether the session is on disk already."""
    expires: Millis | None = None
    """When the token ends, if there is one that does."""
    scope: Scope | None = None
    """What the token allows; None is everything."""
    renews: bool = False
    """Whether a session that is resumed takes over a token that came with it."""
    is_new: bool = False
    """Whether the user is made now: a guest, or by an outside issuer's word."""
    beside: SessionId | None = None
    """The session beside which this one is opened, which has to be there still."""
    link: bytes | None = None
    """SHA-256 of the link by which it is, which is used up by it."""


@attrs.define
class InvitationKept:
    """What the store has of an invitation to the server."""

    number: int
    """What people call it by; 0: it is that of the first start."""
    maker: UserName | None
    """Who made it; None: the operator."""
    role: AccountRole = attrs.field(converter=AccountRole)
    """What those are who come by it."""
    room: RoomName | None
    """In which they are then; None also where that has ended."""
    created: Millis
    expires: Millis | None
    """None: it holds until there is an administrator."""
    uses: int
    used: int
    users: list[UserName] = attrs.field(factory=list)
    """Who came by it, where that was asked for."""


@attrs.define
class NewSecret:
    """A secret was drawn, for a command that asks for one."""

    secret: str = attrs.field(repr=False)
    digest: bytes
    """Its SHA-256."""


@attrs.define
class HashedPassword:
    """A new password, in place of one that was right."""

    hash: str = attrs.field(repr=False)
    instead_of: str | None = attrs.field(default=None, repr=False)
    """The hash of the old one; None for a new account."""
    invitation: InvitationKept | None = None
    """By which a new account comes."""
    digest: bytes = b""
    """SHA-256 of that one's secret."""


@attrs.define
class RightPassword:
    """A password was right."""

    hash: str = attrs.field(repr=False)
    """What is kept of it."""


@attrs.define
class Renewal:
    """A token that was verified, for a session that takes it over."""

    token: bytes | None
    expires: Millis | None
    scope: Scope | None


def kept(found: Principal | Renewal) -> tuple[Millis | None, str | None]:
    """What a session has to remember: when its token ends, and what it allows.

    Of a token of ours nothing, since that is looked up when the session is resumed.
    """
    if found.token is not None:
        return None, None
    return found.expires, None if found.scope is None else str(found.scope)
