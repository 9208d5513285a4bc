"""One room as a client follows it: each event once, in order, none skipped.

The whole rule is `Following.take`: `seq` not above `last` is old news, the one
after `last` is applied, anything greater means that something is missing, and
the room is joined again from `last`. Three situations surround it:

* **Joining.** From the moment a join is sent until its `ok`, events belong to
  an earlier subscription. They are not applied; the join asked for them again.
* **Beginning.** A join that asked for the newest events learns where it begins
  with the first of them; until then `last` is None.
* **Reading.** After `recovered:false` the client has nothing of the room and
  reads a page of `history`. Events that pass meanwhile are not applied, since
  the page may be older or newer than they are; if any passed, the room is
  joined again from where the page was asked for. So nothing has to be held.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import Any

import attrs

from chatd.ids import is_direct


class Step(Enum):
    """What to do with an event of the timeline."""

    APPLY = auto()
    IGNORE = auto()
    REJOIN = auto()


@attrs.define
class Following:
    """What a client knows about one room.

    Invariants:
        `last` only grows within one `epoch`, by one for each applied event,
        except where the server has said `recovered:false`.
    """

    name: str
    backlog: int | None = None
    """How many of the newest events the first join asks for."""
    create: bool = True
    """Whether the first join may make the room."""
    epoch: str | None = None
    last: int | None = None
    """The seq of the last applied event; None before the first one."""
    seen: int = 0
    """The highest seq that has been heard of, applied or not."""
    member: bool = False
    """Whether the server has confirmed the membership of the present user."""
    joining: int | None = None
    """The id of the join that has no answer yet."""
    reading: bool = False
    """Whether a page of history is needed before events are applied again."""
    page: int | None = None
    """The id of the `history` that asks for it."""

    @property
    def behind(self) -> bool:
        """Whether the room is known to have more than what was applied."""
        return self.last is not None and self.seen > self.last

    def goes_on_at(self, entry: dict[str, Any]) -> bool:
        """Whether a direct room continues by itself after this `welcome` entry."""
        return (
            is_direct(self.name)
            and (self.epoch, self.last) == (entry.get("epoch"), entry.get("seq"))
            and self.joining is None
            and not self.reading
        )

    def join_command(self) -> dict[str, Any]:
        """Return the join that continues where this room stands."""
        command: dict[str, Any] = {"type": "join", "room": self.name}
        if self.last is not None and self.epoch is not None:
            return command | {"since": self.last, "epoch": self.epoch}
        if self.backlog is not None:
            command["last"] = self.backlog
        if not self.create:
            command["create"] = False
        return command

    def joined(self, epoch: str, head: int, *, recovered: bool | None) -> None:
        """Take the `ok` of a join: it continues, begins, or begins anew.

        Args:
            epoch: The numbering of the room.
            head: Its newest seq.
            recovered: As in the reply; None where `since` was not asked for.
        """
        self.joining = None
        self.page = None
        self.member = True
        if recovered is True:
            self.seen = self.last or 0
            return
        self.epoch = epoch
        self.seen = head
        begins = recovered is None and self.backlog is not None
        self.last = None if begins else head
        self.reading = recovered is False and head > 0

    def caught_up(self, head: int) -> None:
        """Take the end of a replay: if it was empty, the room begins here."""
        if self.joining is None and self.last is None:
            self.last = head

    def missed(self, seq: int) -> bool:
        """Take a `gap` up to `seq`: whether the room must be joined again."""
        if self.joining is not None:
            return False
        self.seen = max(self.seen, seq)
        return self.behind and not self.reading

    def take(self, seq: int) -> Step:
        """Decide about one event of the timeline, and count it if applied.

        Source: protocol section 3, "A client that wants to be right".
        """
        if self.joining is not None:
            return Step.IGNORE
        self.seen = max(self.seen, seq)
        if self.reading:
            return Step.IGNORE
        if self.last is None:
            self.last = seq - 1
        if seq <= self.last:
            return Step.IGNORE
        if seq > self.last + 1:
            return Step.REJOIN
        self.last = seq
        return Step.APPLY


def fold(room: str) -> str:
    """Spell a room's name as the server does. Source: protocol section 1."""
    return room.lower() if room.isascii() else room
