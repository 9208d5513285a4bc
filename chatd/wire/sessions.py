"""Commands about sessions: begun, ended, listed; see `chatd.wire.commands`."""

from __future__ import annotations

from typing import ClassVar

import attrs

from chatd.ids import SessionTag
from chatd.wire.kinds import CommandId, Device, GuestName, PageLimit, Secret


@attrs.define
class Hello:
    """Log in; the first command of a connection."""

    type: ClassVar[str] = "hello"
    name: GuestName | None = None
    password: Secret | None = attrs.field(default=None, repr=False)
    token: Secret | None = attrs.field(default=None, repr=False)
    session: Secret | None = attrs.field(default=None, repr=False)
    link: Secret | None = attrs.field(default=None, repr=False)
    """The secret that another device of the user has got by `link`."""
    another: bool = False
    """Open a new session beside the one that is named, instead of resuming it."""
    device: Device | None = None
    id: CommandId = None


@attrs.define
class Logout:
    """End this session for good, or another of the user's, or all of them."""

    type: ClassVar[str] = "logout"
    everywhere: bool = False
    session: SessionTag | None = None
    """As `sessions` tells it; never the secret."""
    id: CommandId = None


@attrs.define
class Sessions:
    """Ask for the user's sessions."""

    type: ClassVar[str] = "sessions"
    after: SessionTag | None = None
    limit: PageLimit = PageLimit(100)
    id: CommandId = None
