"""What the store answers for a draft."""

from __future__ import annotations

import attrs

from chatd.core.changes import Change, event_of
from chatd.errors import Reject, RejectCode
from chatd.ids import RoomName, Seq, UserName
from chatd.wire.events import Millis, TimelineEvent

RETRY_AFTER_S = 1.0
"""What `unavailable` tells clients to wait."""


@attrs.define
class Committed:
    """It is on disk: what has changed by it, in order."""

    changes: tuple[Change, ...] = ()
    unreached: tuple[UserName, ...] = ()
    """Users whom a text names and does not reach."""

    @property
    def event(self) -> TimelineEvent | None:
        """The event by which a timeline tells of it, if one does."""
        for change in self.changes:
            event = event_of(change)
            if event is not None:
                return event
        return None


@attrs.define(kw_only=True)
class Trimmed(Committed):
    """A step of trimming is on disk."""

    more: bool
    """Whether there is more to remove."""


@attrs.define
class Duplicate:
    """It was on disk before, or changed nothing: the first seq and ts."""

    seq: Seq = Seq(0)
    ts: Millis = 0
    room: RoomName | None = None
    """The room that was created with the same `cid`."""
    recalled: bool = attrs.field(default=False, eq=False)
    """Whether it is a retry, whose `cid` was found: not only something that changes
    nothing, which is paid for."""
    unreached: tuple[UserName, ...] = ()
    """As the first answer said, of those who are users still."""
    changes: tuple[Change, ...] = attrs.field(default=(), eq=False)
    """What is so, though it was not changed by this: whoever has not learned of it
    learns of it now."""


@attrs.define
class Conflict:
    """The `cid` belongs to something else."""


@attrs.define
class Refused:
    """A rule that only the writer can decide said no."""

    code: RejectCode
    text: str
    field: str | None = None
    retry_after_s: float | None = None
    counted: bool = True
    """As that of `Reject`."""

    @classmethod
    def of(cls, reject: Reject) -> Refused:
        """What a rule has said, for the writer to answer with."""
        return cls(
            reject.code,
            reject.text,
            reject.field,
            reject.retry_after_s,
            counted=reject.counted,
        )

    @classmethod
    def for_now(cls, text: str) -> Refused:
        """What cannot be done at this moment, and may be soon."""
        return cls(RejectCode.UNAVAILABLE, text, retry_after_s=RETRY_AFTER_S)


@attrs.define
class Stale:
    """It was decided on what is not so any more, and nothing of it was executed.

    Whoever has decided catches up with what other nodes have committed, and decides
    again. Every draft for the same room that was decided before that is `Stale`, too.
    """

    room: RoomName


Outcome = Committed | Duplicate | Conflict | Refused | Stale
"""What became of one draft."""
