"""Invitations to the server, and links for another device: commands and replies.

An invitation to the server is called `invitation` throughout; `invite`, `invited` and
`invites` are about a room.
"""

from __future__ import annotations

from typing import ClassVar

import attrs

from chatd.enums import AccountRole, InvitedRole
from chatd.ids import RoomName, UserName
from chatd.wire.events import Millis
from chatd.wire.kinds import (
    CommandId,
    InvitationNumber,
    InvitationSeconds,
    InvitationUses,
    PageLimit,
)

# --- commands -----------------------------------------------------------------


@attrs.define
class Link:
    """Ask for a secret with which another device of the user logs in, once and soon."""

    type: ClassVar[str] = "link"
    id: CommandId = None


@attrs.define
class CreateInvitation:
    """Ask for a secret with which people make their accounts here."""

    type: ClassVar[str] = "invitation_create"
    uses: InvitationUses = InvitationUses(1)
    """How many people may use it."""
    seconds: InvitationSeconds = InvitationSeconds(604_800)
    """How long it holds. Called `for` on the wire."""
    room: RoomName | None = None
    """A room that they become members of."""
    role: InvitedRole = InvitedRole.USER
    """Their role on this server."""
    id: CommandId = None


@attrs.define
class Invitations:
    """Ask for the user's invitations to the server, or as an administrator for all."""

    type: ClassVar[str] = "invitations"
    after: InvitationNumber | None = None
    limit: PageLimit = PageLimit(100)
    id: CommandId = None


@attrs.define
class RevokeInvitation:
    """Take an invitation to the server back: it cannot be used any more."""

    type: ClassVar[str] = "invitation_revoke"
    invitation: InvitationNumber
    id: CommandId = None


# --- answers --------------------------------------------------------------------


@attrs.define
class Linked:
    """`ok` of `link`: the secret, which is told only here."""

    type: ClassVar[str] = "ok"
    secret: str = attrs.field(repr=False)
    expires: Millis
    re: str = "link"
    id: CommandId = None


@attrs.define
class InvitationCreated:
    """`ok` of `invitation_create`: the secret, which is told only here."""

    type: ClassVar[str] = "ok"
    invitation: InvitationNumber
    secret: str = attrs.field(repr=False)
    expires: Millis
    re: str = "invitation_create"
    id: CommandId = None


@attrs.define
class InvitationShown:
    """An invitation in `invitations`."""

    invitation: InvitationNumber
    sender: UserName | None
    """Who made it; left out where the operator has, on the command line."""
    made: Millis
    """When."""
    expires: Millis
    uses: int
    """How many people may use it."""
    used: int
    """How many have."""
    users: list[UserName] = attrs.field(factory=list)
    """Who has used it, in order, without those whose accounts have ended."""
    room: RoomName | None = None
    role: AccountRole = AccountRole.USER


@attrs.define
class InvitationsPage:
    """`ok` of `invitations`: the newest first."""

    type: ClassVar[str] = "ok"
    invitations: list[InvitationShown]
    """Always written, also when empty."""
    next: InvitationNumber | None = None
    re: str = "invitations"
    id: CommandId = None
