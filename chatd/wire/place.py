"""Commands about the server as a whole; see `chatd.wire.commands`."""

from __future__ import annotations

from typing import ClassVar

import attrs

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
