"""What the store answers for a draft."""

from __future__ import annotations

import attrs

from chatd.core.mentions import Mentions
from chatd.errors import Reject, RejectCode
from chatd.ids import RoomName, Seq, SessionId, UserName
from chatd.wire.events import Millis, TimelineEvent


@attrs.frozen
class AddressBan:
    """That no guest from an address is let in, because one was banned."""

    user: UserName
    """Who was banned; lifting his ban ends it."""
    address: bytes
    """Its digest."""
    at: Millis
    """When he was banned."""
    until: Millis | None
    """When his own ban ends; None is never."""
    reason: str | None


@attrs.define
class Committed:
    """It is on disk. `event` has its seq; None for drafts without one."""

    event: TimelineEvent | None = None
    hidden: bool = False
    """Whether the other one in the direct conversation must not see it: he blocks
    the sender, or it is an edit of what was hidden from him before."""
    ended: tuple[SessionId, ...] = ()
    """Sessions that were ended by it: those that a new one has displaced, the one that
    was idle longest first."""
    barred: AddressBan | None = None
    """What a ban of a guest holds for beside him."""


@attrs.define(kw_only=True)
class Trimmed(Committed):
    """A step of trimming is on disk."""

    first: Seq
    """The lowest seq that is kept; head + 1 if none."""
    more: bool
    """Whether there is more to remove."""


@attrs.define(kw_only=True)
class Addressing(Committed):
    """A text is on disk that names people, beside what its draft said of them."""

    addressed: Mentions | None
    """Whom it addresses and the same message has not addressed before."""
    told: tuple[UserName, ...] = ()
    """To whom that is no news, though he is one of everybody."""
    unreached: tuple[UserName, ...] = ()
    """Users whom it names and does not reach."""


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


Outcome = Committed | Duplicate | Conflict | Refused
"""What became of one draft."""
