"""What a token allows: rooms and actions, as a value.

A scope narrows what its account may do and never widens it. It is closed by
default: with `rooms`, a command that names no room is outside unless `actions`
names it, so a token for one room cannot list the others or change a password.
What keeps a connection alive and ends it is never outside.

In the database a scope is a JSON object; no scope at all is everything.
"""

from __future__ import annotations

from typing import Any, get_args

import attrs
import orjson

from chatd.ids import RoomName
from chatd.names import UNICODE
from chatd.wire.commands import Command
from chatd.wire.operator import OperatorCommand

ALWAYS = frozenset({"hello", "about", "ping", "logout", "refresh"})
"""Commands that no scope forbids; `logout` only ends what the token began."""

EVERYWHERE = frozenset({"search"})
"""Commands that without a room are about all of them: outside, where rooms are."""

OPERATORS = frozenset(command.type for command in get_args(OperatorCommand))
"""Commands of the operator, whom no token makes."""

ACTIONS = frozenset(command.type for command in get_args(Command)) - ALWAYS - OPERATORS
"""What a scope may name."""


@attrs.frozen
class Scope:
    """Some rooms, some actions, or some actions in some rooms; None is all."""

    rooms: frozenset[RoomName] | None = None
    actions: frozenset[str] | None = None

    @classmethod
    def parse(cls, text: str) -> Scope:
        """Read what `str` has written.

        Raises:
            ValueError: It is not a scope; the text says why.
        """
        try:
            raw = orjson.loads(text)
        except orjson.JSONDecodeError:
            raise ValueError("a scope is a JSON object") from None
        if type(raw) is not dict or not raw or raw.keys() - {"rooms", "actions"}:
            raise ValueError('a scope is a JSON object of "rooms", "actions" or both')
        return cls.of(raw.get("rooms"), raw.get("actions"))

    @classmethod
    def of(cls, rooms: Any, actions: Any) -> Scope:
        """Make a scope of lists of strings; None is all.

        Raises:
            ValueError: One is no such list, or a room or an action is none.
        """
        named = None
        if rooms is not None:
            named = frozenset(UNICODE.room(room) for room in _words("rooms", rooms))
        chosen = None
        if actions is not None:
            chosen = frozenset(_words("actions", actions))
            if unknown := sorted(chosen - ACTIONS):
                raise ValueError(f'"{unknown[0]}" is no action that a scope can have')
        return cls(named, chosen)

    def __str__(self) -> str:
        """Write the scope as it is stored."""
        raw = {
            name: sorted(entries)
            for name, entries in (("rooms", self.rooms), ("actions", self.actions))
            if entries is not None
        }
        return orjson.dumps(raw).decode()

    def allows(self, action: str, room: RoomName | None) -> bool:
        """Whether a command is inside: its type, and the room that it is about."""
        if action in ALWAYS:
            return True
        if self.actions is not None and action not in self.actions:
            return False
        if self.rooms is None:
            return True
        if room is None:
            return self.actions is not None and action not in EVERYWHERE
        return room in self.rooms

    def shows(self, room: RoomName) -> bool:
        """Whether a room may be seen in `welcome`."""
        return self.rooms is None or room in self.rooms


def _words(name: str, value: Any) -> list[str]:
    if type(value) is not list or not all(type(word) is str for word in value):
        raise ValueError(f"{name}: expected a list of strings")
    return value
