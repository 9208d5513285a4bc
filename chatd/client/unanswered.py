"""The commands that wait for their answer: kept, repeated, answered once.

Each has an id of its own, never used again, so that no reply of an earlier
connection can be taken for another's. The user's `id`s are labels: they come
back with the reply and never travel.

Durable commands go out one at a time, in order: a second one sent behind one
that is refused for a moment (`rate_limited`) would overtake it. All others go
out at once. What waits for a moment, and what was on its way when a connection
was lost, is sent again as it is; a durable command by its `cid` takes effect
once.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

import attrs

from chatd.client.frames import Frame
from chatd.wire.commands import DURABLE

NEVER_ANSWERED = frozenset({"typing", "status", "read"})
"""Source: protocol section 1."""
RETRIED = frozenset({"rate_limited", "unavailable", "internal"})
"""Source: protocol section 4; any other error means not stored."""


@attrs.define
class Pending:
    """A command that has no answer yet."""

    id: int
    frame: Frame
    labels: list[object]
    """The `id` of each request that it answers; None where none was given."""
    sent: bool = False
    """Whether it is on its way on this connection."""
    tried: bool = False
    """Whether it was ever on its way, so that it may have taken effect."""
    not_before: float = -math.inf
    """When it may be sent."""
    attempts: int = 0
    """How often the server has put it off."""

    @property
    def durable(self) -> bool:
        """Whether it has a `cid`, and must keep its place."""
        return self.frame.get("type") in DURABLE

    def put_off(self, until: float) -> None:
        """Send it again, but not before `until`."""
        self.sent = False
        self.attempts += 1
        self.not_before = until

    def replies(self, reply: Frame) -> list[Frame]:
        """Return the reply as each of those who asked should get it."""
        bare = {key: value for key, value in reply.items() if key != "id"}
        if "cid" in self.frame:
            bare.setdefault("cid", self.frame["cid"])
        return [
            bare if label is None else bare | {"id": label} for label in self.labels
        ]


@attrs.define
class Unanswered:
    """All of them, in the order in which they are sent."""

    _commands: dict[int, Pending] = attrs.field(factory=dict, init=False)
    _last_id: int = attrs.field(default=0, init=False)

    def __len__(self) -> int:
        return len(self._commands)

    def __iter__(self) -> Iterator[Pending]:
        return iter(list(self._commands.values()))

    def add(self, frame: Frame, labels: list[object]) -> Pending:
        """Keep a command, behind all others."""
        self._last_id += 1
        pending = Pending(self._last_id, frame, labels)
        self._commands[pending.id] = pending
        return pending

    def get(self, id_: object) -> Pending | None:
        """Return the command to which a reply's `id` belongs, if there is one."""
        return self._commands.get(id_) if type(id_) is int else None

    def remove(self, pending: Pending) -> None:
        """Forget a command that is answered."""
        self._commands.pop(pending.id, None)

    def first(self, ids: Iterable[int | None]) -> None:
        """Put these commands before all others."""
        ahead = {id_: self._commands[id_] for id_ in ids if id_ is not None}
        self._commands = ahead | self._commands

    def waiting(self) -> Iterator[Pending]:
        """Return what may be sent as soon as its time has come."""
        durable = False
        for pending in self:
            if pending.durable:
                if durable:
                    continue
                durable = True
            if not pending.sent:
                yield pending
