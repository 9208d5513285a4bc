"""One room that the configuration declares."""

from __future__ import annotations

from typing import Literal

import attrs

from chatd.config.key import Applies, key, required
from chatd.ids import RoomName


@attrs.frozen(kw_only=True)
class PermanentRoom:
    """A public room that is always there and belongs to the configuration."""

    name: RoomName = required(  # noqa: RUF009 - a str, and attrs makes a field of it
        "The room's name: 1 to 64 of a-z 0-9 . _ -, starting with a letter"
        " or digit; upper case is folded. Other letters as auth.names allows.",
        "protocol section 1",
        min=1,
        max=64,
    )
    topic: str = key(
        "",
        "What the room is about.",
        "Slack's bound of a topic",
        min=0,
        max=250,
        applies=Applies.NOW,
    )
    post: Literal["members", "moderators"] = key(
        "members",
        "Who may send: members, or moderators only.",
        "protocol section 3; a room is for talking until someone decides otherwise",
        applies=Applies.NOW,
    )
    history: Literal["all", "since_join"] = key(
        "all",
        "What newcomers may read: all, or what came since they joined.",
        "protocol section 3; a public room's past is public",
        applies=Applies.NOW,
    )
    slow_s: int = key(
        0,
        "Seconds between two messages of one member. 0: no such limit.",
        "Slack has none; Discord offers 5 s to 6 h",
        min=0,
        max=86_400,
        applies=Applies.NOW,
    )
    keep_days: int = key(
        0,
        "After how many days messages go. 0: never.",
        "nothing is lost until someone decides otherwise",
        min=0,
        max=10_000_000,
        applies=Applies.NOW,
    )
    keep_messages: int = key(
        0,
        "How many of the newest messages are kept. 0: all.",
        "nothing is lost until someone decides otherwise",
        min=0,
        max=10_000_000,
        applies=Applies.NOW,
    )
