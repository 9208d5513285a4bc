"""What is about the server as a whole: commands, and what is told to everybody."""

from __future__ import annotations

from typing import ClassVar

import attrs

from chatd.ids import RoomName
from chatd.wire.kinds import CommandId, Display


@attrs.define
class About:
    """Ask what this server is called, and how to log in; may come before `hello`."""

    type: ClassVar[str] = "about"
    id: CommandId = None


@attrs.define
class NamePlace:
    """Call the place otherwise, for everybody who is here or comes."""

    type: ClassVar[str] = "place"
    name: Display
    id: CommandId = None


@attrs.define
class Ping:
    """Ask for an `ok`, to see that the connection works."""

    type: ClassVar[str] = "ping"
    id: CommandId = None


# --- replies ------------------------------------------------------------------


@attrs.define
class EntryLimits:
    """The limits that a client should know before a login."""

    name_chars: int
    display_chars: int
    password_min: int
    password_max: int
    """Both in characters."""
    text_chars: int
    frame_bytes: int


@attrs.define
class Described:
    """`ok` of `about`: what this server is called, and how to log in."""

    type: ClassVar[str] = "ok"
    place: str
    """The displayed name of the server."""
    server: str
    protocol: int
    registration: str
    """Who may make an account: `closed` (whom the operator lets), `invite` (who has an
    invitation) or `open` (anybody)."""
    guests: bool
    """Whether people without an account may come in; always written."""
    names: str
    """The letters of names: `ascii` or `unicode`."""
    limits: EntryLimits
    setup: bool = False
    """Whether there is no administrator yet, and the first one is waited for."""
    re: str = "about"
    id: CommandId = None


@attrs.define
class Announcement:
    """The operator tells something: to everybody, or to who is online in a room.

    It is stored nowhere and said once; it belongs to no timeline.
    """

    type: ClassVar[str] = "announcement"
    text: str
    room: RoomName | None = None
