"""Sessions: begun, ended, listed; commands and replies."""

from __future__ import annotations

from typing import ClassVar

import attrs

from chatd.ids import SessionTag
from chatd.wire.events import Millis
from chatd.wire.kinds import CommandId, Device, GuestName, PageLimit, Secret

# --- commands -----------------------------------------------------------------


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


# --- replies ------------------------------------------------------------------


@attrs.define
class SessionShown:
    """One of the user's sessions in `sessions`."""

    session: SessionTag
    """What `logout` ends it by; not its secret."""
    opened: Millis
    seen: Millis | None
    """When its last connection ended; left out while it has one."""
    device: str | None = None
    """What the client called itself."""
    connected: bool = False
    current: bool = False
    """Whether it is the session that asks."""
    token: bool = False
    """Whether it ends with an access token."""


@attrs.define
class SessionsPage:
    """`ok` of `sessions`: by what they are called."""

    type: ClassVar[str] = "ok"
    sessions: list[SessionShown]
    """Always written, also when empty."""
    next: SessionTag | None = None
    re: str = "sessions"
    id: CommandId = None
