"""Drafts about the place and about who is let in."""

from __future__ import annotations

import attrs

from chatd.core.drafts.accounts import AddUser
from chatd.core.drafts.outcomes import Committed, Refused
from chatd.enums import AccountRole
from chatd.errors import RejectCode
from chatd.ids import RoomName, SessionId, UserName
from chatd.wire.events import DAY_MS, Millis

INVITATIONS_MAX = 500
"""Of one user that are kept, be they used up."""
INVITATION_KEEP_MS = 30 * DAY_MS
"""How long an invitation is shown that has ended."""


BAD_INVITATION = Refused(
    RejectCode.BAD_INVITATION,
    "this invitation is not known here, or was taken back: ask for another",
    "invite",
)
INVITATION_USED = Refused(
    RejectCode.INVITATION_USED,
    "this invitation was used by as many as it was for: ask for another",
    "invite",
)
INVITATION_EXPIRED = Refused(
    RejectCode.INVITATION_EXPIRED,
    "this invitation has ended: ask for another",
    "invite",
)
"""What is said of an invitation that does not let anybody in."""


@attrs.define
class SetPlace:
    """Call the place otherwise. What changes nothing is `Duplicate`."""

    name: str
    by: UserName


@attrs.define
class AddInvitation:
    """Record an invitation to the server; the outcome is `Invited`.

    Refused: `forbidden` where its maker has `INVITATIONS_MAX`.
    """

    digest: bytes
    """SHA-256 of its secret."""
    maker: UserName | None
    """None: the operator, who may have any number."""
    room: RoomName | None
    role: AccountRole
    uses: int
    created: Millis
    expires: Millis
    secret: str = attrs.field(default="", repr=False, eq=False)
    """What is told once, in the answer, and not stored."""


@attrs.define
class RemoveInvitation:
    """Take an invitation back. Refused: `no_invitation`."""

    number: int
    maker: UserName | None
    """Only if it is his; None: whosever it is."""
    by: UserName
    """Who takes it back."""


@attrs.define
class Enroll:
    """Record an account that somebody makes who was invited.

    The invitation is used in the same step, and never by more than it is for. Refused:
    `bad_invitation` if it is not there (any more), `invitation_used`,
    `invitation_expired`, and what `AddUser` says. That of the first start is not there
    when there is an administrator.
    """

    account: AddUser
    digest: bytes
    """Of the invitation's secret."""
    now: Millis
    """The time by which it ends."""
    room: RoomName | None = None
    """A room in which he is then, if it is there."""
    event: bool = False
    """Whether that room is told of it."""


@attrs.define
class OfferSetup:
    """Let whoever has a secret become the first administrator.

    It takes the place of what was offered before. Where there is an administrator, or
    an account and nothing was offered, nothing is from here on: `Duplicate`.
    """

    digest: bytes
    """SHA-256 of the secret."""


@attrs.define
class SetLink:
    """Let a session be opened beside another, once, by a secret.

    It takes the place of the session's last one. Refused: `bad_credentials` if the
    session is gone by now.
    """

    session: SessionId
    digest: bytes
    """SHA-256 of the secret."""
    until: Millis
    secret: str = attrs.field(default="", repr=False, eq=False)
    """As that of `AddInvitation`."""


@attrs.define(kw_only=True)
class Invited(Committed):
    """An invitation is on disk."""

    number: int
    """What it is called by; never used again."""
