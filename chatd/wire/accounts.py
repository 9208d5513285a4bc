"""Commands about one's account; see `chatd.wire.commands`."""

from __future__ import annotations

from typing import ClassVar

import attrs

from chatd.enums import Fate
from chatd.wire.administration import TokenIssue, UserAdd, UserPassword
from chatd.wire.admissions import CreateInvitation, Link
from chatd.wire.kinds import CommandId, Display, GuestName, NewPassword, Secret


@attrs.define
class Register:
    """Make an account; may come before `hello`, which then follows."""

    type: ClassVar[str] = "register"
    name: GuestName
    password: NewPassword = attrs.field(repr=False)
    display: Display | None = None
    invite: Secret | None = attrs.field(default=None, repr=False)
    """The secret of an invitation to the server."""
    id: CommandId = None


@attrs.define
class Password:
    """Change the user's password; other sessions that the old one opened end."""

    type: ClassVar[str] = "password"
    old: Secret = attrs.field(repr=False)
    new: NewPassword = attrs.field(repr=False)
    id: CommandId = None


@attrs.define
class DeleteAccount:
    """End the user's account: the messages are emptied, or stay without a name."""

    type: ClassVar[str] = "account_delete"
    password: Secret = attrs.field(repr=False)
    messages: Fate = Fate.EMPTY
    id: CommandId = None


@attrs.define
class Refresh:
    """Go on beyond the end of a token, with another token of the same user."""

    type: ClassVar[str] = "refresh"
    token: Secret = attrs.field(repr=False)
    id: CommandId = None


SecretCommand = (
    Register
    | Password
    | DeleteAccount
    | Refresh
    | Link
    | CreateInvitation
    | UserAdd
    | UserPassword
    | TokenIssue
)
"""Commands with a secret to be verified or hashed, or that ask for a new one."""
