"""Settings of a room: which a command names, and who may change them.

A change of them is one draft and a barrier of its room, as what moderators do is
(`chatd.core.commands.moderation.acts`).
"""

from __future__ import annotations

from chatd.core import authority, drafts, rate_limits, speech
from chatd.core.authority import MODERATOR, OWNER
from chatd.core.entities import Connection
from chatd.core.turn import Turn
from chatd.wire.rooms import Create, SetRoom
from chatd.wire.settings import SETTINGS

OWNERS_SETTINGS = ("post", "history", "keep_days", "keep_messages", "archived")
"""What only an owner changes; the rest is a moderator's too."""


def given(command: SetRoom | Create) -> dict[str, object]:
    """The settings that a command names."""
    # A room is not made to be archived.
    fields = ((name, getattr(command, name, None)) for name in SETTINGS)
    return {name: value for name, value in fields if value is not None}


def setting(turn: Turn, connection: Connection, command: SetRoom) -> drafts.SetRoom:
    """The draft of changed settings."""
    user = turn.user(connection).name
    return drafts.SetRoom(command.room, user, command.cid, given(command))


def change(turn: Turn, connection: Connection, command: SetRoom) -> None:
    """Check that settings may be changed."""
    least = (
        OWNER if any(name in OWNERS_SETTINGS for name in given(command)) else MODERATOR
    )
    room = authority.require(turn, connection, command.room, least)
    authority.check_undeclared(room, "which has its settings")
    speech.check(turn, turn.user(connection), room, command)
    rate_limits.may_send(turn, connection)
