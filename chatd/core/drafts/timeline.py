"""Drafts about what is said in a room and who may say it."""

from __future__ import annotations

from typing import Any

import attrs

from chatd.core.drafts.outcomes import Outcome, Refused
from chatd.core.drafts.rooms import CreateRoom
from chatd.core.mentions import Mentions
from chatd.enums import Level, MemberChange, Role
from chatd.ids import Cid, RoomName, Seq, UserName


@attrs.define
class NewMessage:
    """Append a message.

    Refused: `no_message` if `reply_to` is no message, or with `thread` is in a thread
    of which the first message is not kept any more.
    """

    room: RoomName
    user: UserName
    cid: Cid | None
    text: str
    reply_to: Seq | None = None
    mentions: Mentions | None = None
    """Whom it addresses."""
    thread: bool = False
    """Whether the reply goes into the thread of what it replies to."""


@attrs.define
class EditMessage:
    """Replace the text of `of`, and whom it addresses by that of the new one.

    To whom that is news, the change says (`Appended.addressed`). Refused: `no_message`
    if there is none or it was deleted, `forbidden` if it is not the user's own. The
    same text again is `Duplicate`.
    """

    room: RoomName
    user: UserName
    cid: Cid | None
    of: Seq
    text: str
    mentions: Mentions | None = None
    """Whom it addresses now; of those who were addressed before it tells nobody."""


@attrs.define
class DeleteMessage:
    """Empty `of`: its text, old edits, reactions and its place in the search.

    Refused: `no_message` if there is none or it was deleted before,
    `forbidden` if it is not the user's own and he is no moderator. One's own words
    may be taken back wherever they are, so it is here that it is found out whose
    they are: below `first`, and with `otherwise` in the whole room, there is nothing
    but the user's own.
    """

    room: RoomName
    user: UserName
    cid: Cid | None
    of: Seq
    moderates: bool = False
    """Whether the user may delete others' messages."""
    first: Seq = Seq(1)
    """The lowest seq that the user may read."""
    otherwise: Refused | None = None
    """For who is not in the room: what he is told of whatever is not his own."""

    def told(self, outcome: Outcome) -> Outcome:
        """What becomes of the outcome for who is not in the room."""
        if self.otherwise is not None and isinstance(outcome, Refused):
            return self.otherwise
        return outcome


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
class SetPin:
    """Pin `of` to the room, or unpin it.

    Refused: `no_message`; `forbidden` if the room has `PINS_MAX` others. What changes
    nothing is `Duplicate`.
    """

    room: RoomName
    user: UserName
    cid: Cid | None
    of: Seq
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
    role: Role | None
    event: bool
    since_join: bool = False
    """Whether a new member may read only what follows, his own join included."""
    may_own: bool = False
    """Whether `owner` is his role instead, if the room has no member; only with
    `event`, which tells the role."""


@attrs.define
class SetLevel:
    """Keep what `user` wants to be called for in `room`. Refused: `not_member`."""

    room: RoomName
    user: UserName
    level: Level


@attrs.define
class Moderate:
    """Change what `target` may do in `room`, and tell the timeline of it.

    Refused: `no_user` if `target` is unknown, or for `kick` and `role` no member.
    What changes nothing is `Duplicate`, with the room's head. A guest can be banned as
    long as his address is known; that is then `Moderated.barred`, and `unban` lifts it.
    """

    room: RoomName
    user: UserName
    """Who does it."""
    cid: Cid | None
    target: UserName
    change: MemberChange
    """`invite`, `uninvite`, `decline`, `kick`, `ban`, `unban`, `mute`, `unmute` or
    `role`."""
    role: Role | None = None
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


@attrs.define
class RenameRoom:
    """Give a room another name. Those that it had lead to it for ever.

    Refused: `exists` if another room has the name or had it, `name_taken` if one that
    is no more did, or, with `distinct`, if another room's name has its `skeleton`. The
    name that it has is `Duplicate`; one that it had may be given again.
    """

    room: RoomName
    user: UserName
    cid: Cid | None
    name: RoomName
    skeleton: str | None = None
    distinct: bool = False


@attrs.define
class DestroyRoom:
    """End a room for good. Its cids are still remembered, its name is kept from others.

    What was said there goes behind the commits; nobody can read it from here on.
    """

    room: RoomName
    user: UserName
    cid: Cid | None


STRANGERS_MAX = 10
"""Names of nobody in the room that a text is answered with. To look one up takes the
writer 2 µs."""
REACTION_KINDS_MAX = 20
"""Kinds of reaction on one message. Source: protocol section 4."""

PINS_MAX = 100
"""Messages that are pinned to one room. Source: protocol section 4."""

Durable = (
    NewMessage
    | EditMessage
    | DeleteMessage
    | SetReaction
    | SetPin
    | Moderate
    | SetRoom
    | RenameRoom
    | DestroyRoom
)
"""The drafts of durable commands: they have a `cid` and get a seq."""


@attrs.define
class Recall:
    """Store nothing: answer what `cid` stored first, or refuse with `otherwise`.

    This is how a command that is refused by the rules still learns the truth
    about a retry, and how a refusal keeps its place among durable replies. It
    is `Conflict` where the cid belongs to other content, whose digest is taken
    from `draft`.
    """

    draft: Durable | CreateRoom | None
    """What would have been appended; None if there is nothing to look up."""
    otherwise: Refused
