"""The settings of a room, in the core, on the wire and in the configuration."""

from __future__ import annotations

import attrs

from chatd.config import PermanentRoom
from chatd.core.settings import NAMES, PLAIN
from chatd.wire import events, replies
from chatd.wire.rooms import Create, SetRoom
from chatd.wire.settings import SETTINGS


def test_settings_are_the_same_wherever_they_are_named() -> None:
    """What tells them or takes them has all, and calls them so."""
    assert set(NAMES) == set(SETTINGS)
    for cls in (SetRoom, events.Room, replies.Joined):
        assert set(NAMES) <= set(attrs.fields_dict(cls))
    assert set(NAMES) - set(attrs.fields_dict(Create)) == {"archived"}
    declared = set(attrs.fields_dict(PermanentRoom)) - {"name"}
    assert set(NAMES) - declared == {"title", "archived"}
    for room in (PLAIN, PLAIN.with_({"post": "moderators", "slow_s": 5})):
        assert PLAIN.with_(room.changed()) == room
