"""What the operator does to accounts and tokens: commands and replies.

They come over `admin.sock` alone (`chatd.wire.operator`). What users do to their own
accounts is in `chatd.wire.accounts`.
"""

from __future__ import annotations

from typing import ClassVar

import attrs

from chatd.enums import Erasure, Fate, GivenRole
from chatd.ids import RoomName, SessionTag, UserName
from chatd.wire.events import Millis
from chatd.wire.kinds import (
    BanSeconds,
    CommandId,
    GuestName,
    NewPassword,
    Reason,
    TokenActions,
    TokenName,
    TokenNumber,
    TokenRooms,
    TokenSeconds,
)

# --- commands -----------------------------------------------------------------


@attrs.define
class UserAdd:
    """Make an account; a bot has no password, everybody else needs one."""

    type: ClassVar[str] = "user_add"
    name: GuestName
    password: NewPassword | None = attrs.field(default=None, repr=False)
    role: GivenRole = GivenRole.USER
    id: CommandId = None


@attrs.define
class UserPassword:
    """Give an account another password; its sessions and tokens end."""

    type: ClassVar[str] = "user_password"
    user: UserName
    password: NewPassword = attrs.field(repr=False)
    id: CommandId = None


@attrs.define
class UserRole:
    """Give an account another role on this server."""

    type: ClassVar[str] = "user_role"
    user: UserName
    role: GivenRole
    id: CommandId = None


@attrs.define
class UserBan:
    """Ban a user from the server: his sessions end, his tokens rest."""

    type: ClassVar[str] = "user_ban"
    user: UserName
    seconds: BanSeconds | None = None
    """Without it for good. Called `for` on the wire."""
    reason: Reason | None = None
    id: CommandId = None


@attrs.define
class UserUnban:
    """Let a user in again."""

    type: ClassVar[str] = "user_unban"
    user: UserName
    id: CommandId = None


@attrs.define
class UserLogout:
    """End all sessions of a user, or one; tokens and password stay."""

    type: ClassVar[str] = "user_logout"
    user: UserName
    session: SessionTag | None = None
    """As `sessions` tells it."""
    id: CommandId = None


@attrs.define
class TokenIssue:
    """Ask for an access token, by which a program logs in as an account."""

    type: ClassVar[str] = "token_issue"
    user: UserName
    name: TokenName = TokenName("")
    """What it is for."""
    seconds: TokenSeconds | None = None
    """How long it lasts; without it for ever. Called `for` on the wire."""
    rooms: TokenRooms = TokenRooms(())
    """Only for these; each has to be there, unless the token may `create`."""
    actions: TokenActions = TokenActions(())
    """Only for commands of these types."""
    id: CommandId = None


@attrs.define
class TokenRevoke:
    """End an access token, and the sessions that came from it."""

    type: ClassVar[str] = "token_revoke"
    token: TokenNumber
    id: CommandId = None


@attrs.define
class UserErase:
    """Make a user nobody, for good; what he has left goes in the background."""

    type: ClassVar[str] = "user_erase"
    user: UserName
    messages: Fate = Fate.EMPTY
    id: CommandId = None


@attrs.define
class UserErasure:
    """Ask how far the erasure of a user is, if there is one."""

    type: ClassVar[str] = "user_erasure"
    user: UserName
    id: CommandId = None


AdministrationCommand = (
    UserAdd
    | UserPassword
    | UserRole
    | UserBan
    | UserUnban
    | UserLogout
    | TokenIssue
    | TokenRevoke
    | UserErase
    | UserErasure
)
"""Any command of the operator about accounts."""

# --- replies ------------------------------------------------------------------


@attrs.define
class UserBanned:
    """`ok` of `user_ban`."""

    type: ClassVar[str] = "ok"
    user: UserName
    until: Millis | None = None
    """Left out where it is for good."""
    re: str = "user_ban"
    id: CommandId = None


@attrs.define
class UserUnbanned:
    """`ok` of `user_unban`."""

    type: ClassVar[str] = "ok"
    was_banned: bool
    """Always written."""
    re: str = "user_unban"
    id: CommandId = None


@attrs.define
class TokenIssued:
    """`ok` of `token_issue`: the secret, which is told only here."""

    type: ClassVar[str] = "ok"
    token: TokenNumber
    """What `token_revoke` calls it by."""
    secret: str = attrs.field(repr=False)
    expires: Millis | None = None
    """Left out where it lasts for ever."""
    re: str = "token_issue"
    id: CommandId = None


@attrs.define
class TokenRevoked:
    """`ok` of `token_revoke`."""

    type: ClassVar[str] = "ok"
    token: TokenNumber
    user: UserName
    """Whose it was."""
    re: str = "token_revoke"
    id: CommandId = None


@attrs.define
class UserErased:
    """`ok` of `user_erase`: he is nobody from here on."""

    type: ClassVar[str] = "ok"
    ownerless: list[RoomName]
    """Rooms with others in them that have no owner now; always written."""
    nameless: UserName | None = None
    """To whom his messages belong now, where they stay."""
    re: str = "user_erase"
    id: CommandId = None


@attrs.define
class ErasureShown:
    """`ok` of `user_erasure`."""

    type: ClassVar[str] = "ok"
    state: Erasure
    messages: int
    """That were emptied; always written, like the next two."""
    reactions: int
    """That were taken away."""
    part: float
    """How much of all is done, about: 0 to 1."""
    overwritten: bool = False
    """Whether nothing of it is left in the write-ahead log, either."""
    re: str = "user_erasure"
    id: CommandId = None


AdministrationReply = (
    UserBanned | UserUnbanned | TokenIssued | TokenRevoked | UserErased | ErasureShown
)
"""Anything that answers one."""
