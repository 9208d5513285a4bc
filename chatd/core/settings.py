"""What can be set of a room, as one value.

Settings are kept in the store as JSON of what differs from the default, told in
`room` events as what has changed (`chatd.wire.settings` lists them for the wire), and
declared in the configuration under the same names.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from chatd.enums import Post, Visibility


@attrs.frozen(kw_only=True)
class RoomSettings:
    """A room's settings. Source: protocol section 3."""

    topic: str = ""
    """What the room is about: one line."""
    title: str = ""
    """What people read instead of the name of a private room."""
    post: Post = attrs.field(default=Post.MEMBERS, converter=Post)
    """Who may send."""
    history: Visibility = attrs.field(default=Visibility.ALL, converter=Visibility)
    """What newcomers may read."""
    slow_s: int = 0
    """Seconds between two messages of one member; 0 is no such limit."""
    keep_days: int = 0
    """Days after which messages go; 0 is for ever."""
    keep_messages: int = 0
    """How many of the newest messages are kept; 0 is all."""
    archived: bool = False
    """Whether nobody writes any more; it is read as ever."""

    def changed(self) -> dict[str, Any]:
        """What differs from the default, by name."""
        return self.since(PLAIN)

    def since(self, before: RoomSettings) -> dict[str, Any]:
        """What differs from `before`, by name, with the value of now."""
        return {
            name: getattr(self, name)
            for name in NAMES
            if getattr(self, name) != getattr(before, name)
        }

    def with_(self, changes: Mapping[str, Any]) -> RoomSettings:
        """The same settings with some changed."""
        return attrs.evolve(self, **changes)

    @property
    def trims(self) -> bool:
        """Whether the room forgets its beginning."""
        return self.keep_days > 0 or self.keep_messages > 0

    @property
    def restricts(self) -> bool:
        """Whether being a member is not enough to send at any time."""
        return self.post != Post.MEMBERS or self.slow_s > 0 or self.archived


NAMES = tuple(field.name for field in attrs.fields(RoomSettings))
"""What can be set, in the order in which it is shown."""

PLAIN = RoomSettings()
"""What a room has of which nobody has set anything."""
