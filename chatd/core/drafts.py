"""What the core asks the store to make durable, and what the store answers.

A draft is an intent that has passed every rule that memory can decide; the
store's writer executes drafts strictly in the order in which they were given,
each after everything before it, and answers each with one outcome. So whatever
depends on earlier drafts (a `cid` that was seen before, who wrote the message
that is edited, whether a reaction is there already) is decided by the writer,
inside the transaction, where nothing can come between the look and the act.

Drafts without a seq (accounts, sessions, read marks) travel the same way: there
is one writer, one order, one commit.
"""

from __future__ import annotations

from typing import Any

import attrs

from chatd.core.settings import RoomSettings
from chatd.errors import RejectCode
from chatd.ids import Cid, Epoch, RoomName, Seq, SessionId, UserName
from chatd.wire.events import Millis, TimelineEvent

# --- drafts that become timeline events -------------------------------------


@attrs.define
class NewMessage:
    """Append a message. Refused: `no_message` if `reply_to` is no message."""

    room: RoomName
    user: UserName
    cid: Cid | None
    text: str
    reply_to: Seq | None = None


@attrs.define
class EditMessage:
    """Replace the text of `of`.

    Refused: `no_message` if there is none or it was deleted, `forbidden` if it
    is not the user's own. The same text again is `Duplicate`.
    """

    room: RoomName
    user: UserName
    cid: Cid | None
    of: Seq
    text: str


@attrs.define
class DeleteMessage:
    """Empty `of`: its text, old edits, reactions and its place in the search.

    Refused: `no_message` if there is none or it was deleted before,
    `forbidden` if it is not the user's own and he is no moderator.
    """

    room: RoomName
    user: UserName
    cid: Cid | None
    of: Seq
    moderates: bool = False
    """Whether the user may delete others' messages."""


@attrs.define
class SetReaction:
    """Put `emoji` on `of` or take it away.

    Refused: `no_message`; `bad_field` if the message has `REACTION_KINDS_MAX`
    other kinds. What changes nothing is `Duplicate`.
    """

    room: RoomName
    user: UserName
    cid: Cid | None
    of: Seq
    emoji: str
    on: bool


@attrs.define
class SetMember:
    """Make `user` a member of `room` with `role`, or with None no member.

    With `event` the timeline tells of it (`member`, change `join` or `leave`);
    guests, and joins of declared rooms, are silent and the outcome has no seq.
    Refused: `forbidden` if the last owner would leave others without one.
    What changes nothing is `Duplicate`. A new member's read mark is the head. An
    invitation is used up by it.
    """

    room: RoomName
    user: UserName
    role: str | None
    event: bool
    since_join: bool = False
    """Whether a new member may read only what follows, his own join included."""


@attrs.define
class Moderate:
    """Change what `target` may do in `room`, and tell the timeline of it.

    Refused: `no_user` if `target` is unknown, or for `kick` and `role` no member.
    What changes nothing is `Duplicate`, with the room's head.
    """

    room: RoomName
    user: UserName
    """Who does it."""
    cid: Cid | None
    target: UserName
    change: str
    """`invite`, `kick`, `ban`, `unban`, `mute`, `unmute` or `role`."""
    role: str | None = None
    seconds: int | None = None
    """How long a ban or mute holds; None is for good."""
    reason: str | None = None


@attrs.define
class SetRoom:
    """Change some of a room's settings. The same again is `Duplicate`."""

    room: RoomName
    user: UserName
    cid: Cid | None
    changes: dict[str, Any]
    """Some of what `RoomSettings` has."""


REACTION_KINDS_MAX = 20
"""Kinds of reaction on one message. Source: protocol section 4."""

Durable = NewMessage | EditMessage | DeleteMessage | SetReaction | Moderate | SetRoom
"""The drafts of durable commands: they have a `cid` and get a seq."""

# --- drafts without a seq ---------------------------------------------------


@attrs.define
class CreateRoom:
    """Create a room with its first members; one that exists is `Duplicate`.

    With `event`, the join of the first member is the room's first event
    (`member`, change `join`, with the role); otherwise joins are silent. With a
    `cid` the first member's earlier use of it is looked up: then it is `Duplicate`
    with the room that was made, or `Conflict`.

    Refused: with `distinct`, `name_taken` if another room has its `skeleton`.
    """

    room: RoomName
    epoch: Epoch
    settings: RoomSettings
    members: dict[UserName, str]
    """Name to role."""
    event: bool = False
    cid: Cid | None = None
    skeleton: str | None = None
    """What the name looks like; None for one that nobody chose."""
    distinct: bool = False


@attrs.define
class DeclareRoom:
    """Give a declared room the settings that the configuration has; no event."""

    room: RoomName
    settings: RoomSettings


TRIM_ROWS = 64
TRIM_TEXT_BYTES = 2048
"""What one step of trimming removes at most: 7 ms that the next commit may have to
wait, of which 1 is the rows and the rest the words that leave the search index.
Source: measured by `contrib/bench/trim.py`."""


@attrs.define
class TrimRoom:
    """Forget the beginning of a room's timeline, a step of it.

    All that is older than `before_ts` goes, and all below the oldest of the newest
    `keep_messages` messages; of each, None asks for nothing. A step ends before it
    has more than `rows` events or reactions or `text_bytes` of text, but it removes
    one event at least. The room's head, epoch and cids stay. The outcome is `Trimmed`.
    """

    room: RoomName
    before_ts: Millis | None
    keep_messages: int | None
    """At least 1."""
    rows: int = TRIM_ROWS
    text_bytes: int = TRIM_TEXT_BYTES


@attrs.define
class Recall:
    """Store nothing: answer what `cid` stored first, or refuse with `otherwise`.

    This is how a command that is refused by the rules still learns the truth
    about a retry, and how a refusal keeps its place among durable replies. It
    is `Conflict` where the cid belongs to other content, whose digest is taken
    from `draft`.
    """

    draft: Durable | None
    """What would have been appended; None if there is nothing to look up."""
    otherwise: Refused


@attrs.define
class AddUser:
    """Record a user's name for ever; one that was ever taken is refused.

    Refused: `name_taken`; with `distinct` also if another user has its `skeleton`.
    """

    user: UserName
    display: str
    role: str
    password_hash: str | None
    skeleton: str | None = None
    """What the name looks like; None for a guest's, whose suffix tells him apart."""
    distinct: bool = False


@attrs.define
class SetDisplay:
    """Change what people read instead of a user's name."""

    user: UserName
    display: str


@attrs.define
class SetPasswordHash:
    """Replace an account's password hash (its parameters have grown)."""

    user: UserName
    password_hash: str


@attrs.define
class OpenSession:
    """Record a session before its secret is told to anybody.

    With `guest`, the user's name is recorded in the same step and may be
    refused: `name_taken`.
    """

    session: SessionId
    user: UserName
    token: bytes | None
    """SHA-256 of the token that it came from, if it came from one."""
    created: Millis
    guest: AddUser | None = None


@attrs.define
class EndSession:
    """Void a session; a guest's memberships go with it."""

    session: SessionId


@attrs.define
class SaveMarks:
    """Write what may be lost for a few seconds: read marks and idle times."""

    reads: dict[tuple[RoomName, UserName], Seq]
    idle: dict[SessionId, Millis | None]
    """When the last connection of a session ended; None while it has one."""


Draft = (
    Durable
    | SetMember
    | CreateRoom
    | DeclareRoom
    | TrimRoom
    | Recall
    | AddUser
    | SetDisplay
    | SetPasswordHash
    | OpenSession
    | EndSession
    | SaveMarks
)
"""Anything that the store's writer executes."""

# --- outcomes ---------------------------------------------------------------


@attrs.define
class Committed:
    """It is on disk. `event` has its seq; None for drafts without one."""

    event: TimelineEvent | None = None


@attrs.define(kw_only=True)
class Trimmed(Committed):
    """A step of trimming is on disk."""

    first: Seq
    """The lowest seq that is kept; head + 1 if none."""
    more: bool
    """Whether there is more to remove."""


@attrs.define
class Duplicate:
    """It was on disk before, or changed nothing: the first seq and ts."""

    seq: Seq = Seq(0)
    ts: Millis = 0
    room: RoomName | None = None
    """The room that was created with the same `cid`."""


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


Outcome = Committed | Duplicate | Conflict | Refused
"""What became of one draft."""
