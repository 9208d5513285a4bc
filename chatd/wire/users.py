"""Commands about users: how one is shown, and whom one blocks."""

from __future__ import annotations

from typing import ClassVar

import attrs

from chatd.ids import UserName
from chatd.wire.kinds import CommandId, Display, PageLimit


@attrs.define
class Profile:
    """Change the name that is displayed in place of the user's name."""

    type: ClassVar[str] = "profile"
    display: Display
    id: CommandId = None


@attrs.define
class Block:
    """Hide what another user says in the direct conversation from now on."""

    type: ClassVar[str] = "block"
    user: UserName
    id: CommandId = None


@attrs.define
class Unblock:
    """Show what another user says in the direct conversation from now on."""

    type: ClassVar[str] = "unblock"
    user: UserName
    id: CommandId = None


@attrs.define
class Blocks:
    """Ask for the users whom this user blocks."""

    type: ClassVar[str] = "blocks"
    after: UserName | None = None
    limit: PageLimit = PageLimit(100)
    id: CommandId = None


@attrs.define
class BlocksPage:
    """`ok` of `blocks`."""

    type: ClassVar[str] = "ok"
    users: list[UserName]
    """Always written, also when empty."""
    next: UserName | None = None
    re: str = "blocks"
    id: CommandId = None
