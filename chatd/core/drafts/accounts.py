"""Drafts about users, their sessions and their marks."""

from __future__ import annotations

import attrs

from chatd.config import Difference
from chatd.core.drafts.outcomes import Committed
from chatd.enums import AccountRole
from chatd.ids import RoomName, Seq, SessionId, SessionTag, UserName
from chatd.wire.events import Millis
from chatd.wire.operator import Announce, Disconnect, Drain, Reload, SetLogLevel

Act = Announce | Disconnect | Drain | Reload | SetLogLevel
"""What the operator has the daemon do, of which the store has nothing else."""


@attrs.define
class AddUser:
    """Record a user's name for ever; one that was ever taken is refused.

    Refused: `name_taken`; with `distinct` also if another user has its `skeleton`.
    """

    user: UserName
    display: str
    role: AccountRole
    password_hash: str | None
    skeleton: str | None = None
    """What the name looks like; None for a guest's, whose suffix tells him apart."""
    distinct: bool = False
    by_operator: bool = False
    """Whether the operator makes it, and not who will have it."""


@attrs.define
class SetDisplay:
    """Change what people read instead of a user's name."""

    user: UserName
    display: str


@attrs.define
class SetBlock:
    """Have `user` block `blocked` from here on, or no longer.

    While he does, what `blocked` writes, edits or puts as a reaction in their
    direct conversation is hidden from `user` for good; see `Appended.hidden`.
    Refused: `no_user`. What changes nothing is `Duplicate`.
    """

    user: UserName
    blocked: UserName
    on: bool


@attrs.define
class SetBookmark:
    """Keep the message `of` in a list of the user's, or no longer.

    It goes with the message, and with the user's membership. Refused: `no_message`;
    `forbidden` if he has `BOOKMARKS_MAX` others. What changes nothing is `Duplicate`.
    """

    user: UserName
    room: RoomName
    of: Seq
    on: bool


BOOKMARKS_MAX = 1000
"""What one user may have. Source: ten times what one page of `bookmarks` shows."""


@attrs.define
class SetPasswordHash:
    """Replace a password's hash by another of the same (its parameters have grown).

    If `instead_of` is not the account's hash any more it is `Duplicate`: the
    password was changed meanwhile.
    """

    user: UserName
    password_hash: str
    instead_of: str | None


@attrs.define
class ChangePassword:
    """Replace an account's password; what the old one opened is void.

    All other sessions of the user end, and all of his tokens. The session that
    stays depends on no token any more, and its link is void. Refused:
    `bad_credentials` if `instead_of` is not the account's hash any more.
    """

    user: UserName
    password_hash: str
    instead_of: str | None
    session: SessionId
    """The one that stays."""


@attrs.define
class EraseUser:
    """Make a user nobody, for good; his name stays taken.

    What he could come in with is gone with it, and so are his memberships, blocks and
    invitations. His messages are emptied then, a few at a time, and his reactions go.
    Whatever he sent after it is refused: `no_user`. Refused: `bad_credentials` if
    `instead_of` is not the account's hash any more; `name_taken` if `nameless` is. The
    outcome is `Erased`.
    """

    user: UserName
    instead_of: str | None
    nameless: UserName | None
    """To whom his messages belong from here on; None: they are emptied."""
    by_operator: bool = False
    """Whatever the hash is, and if he is a guest."""


@attrs.define(kw_only=True)
class Erased(Committed):
    """A user is nobody any more."""

    ownerless: tuple[RoomName, ...] = ()
    """Rooms with others in them, but direct ones, of which he was the only owner."""


@attrs.define
class OpenSession:
    """Record a session before its secret is told to anybody.

    With `new_user`, the user is recorded in the same step and may be refused:
    `name_taken`. Refused: `bad_credentials` if the token is gone by now, or the session
    that it is opened `beside`, or that one's `link`, which it uses up. Of more than
    `most` sessions of the user those end that have been idle longest, but for the new
    one, those that are not idle, and `held`, which the core knows to be in use
    whatever was written last.
    """

    session: SessionId
    user: UserName
    token: bytes | None
    """SHA-256 of the token that it came from, if it came from one of ours."""
    created: Millis
    new_user: AddUser | None = None
    expires: Millis | None = None
    """When an outside issuer's token ends, from which it came."""
    scope: str | None = None
    """What that token allows; None is everything."""
    most: int = 0
    """0 is no limit."""
    held: tuple[SessionId, ...] = ()
    device: str | None = None
    """What the client calls itself."""
    address: bytes | None = None
    """The digest of a guest's, where he has one that is to be kept."""
    beside: SessionId | None = None
    """One of the user's, from which this one comes."""
    link: bytes | None = None
    """SHA-256 of the secret by which it does; None: by that of the session."""


@attrs.define
class HoldSession:
    """Have a session that a connection of this node resumes, and no other node.

    It is not idle from here on. Where another node may have it still, the outcome has
    `SessionTaken`. Refused: `bad_credentials` if the session is gone by now.
    """

    session: SessionId
    device: str | None = None
    """What the client calls itself; None: as before."""


@attrs.define
class NoteAddress:
    """Remember that a guest comes from another address now, by its digest."""

    user: UserName
    address: bytes


@attrs.define
class RenewSession:
    """Let a session take over a token: it ends with that one from here on.

    Refused: `bad_credentials` if the session or the token is gone by now.
    """

    session: SessionId
    token: bytes | None
    expires: Millis | None
    scope: str | None


@attrs.define
class SetAccountRole:
    """Make an account what an outside issuer says that it is."""

    user: UserName
    role: AccountRole


@attrs.define
class EndSession:
    """Void a session; a guest's memberships go with it."""

    session: SessionId


@attrs.define
class EndSessions:
    """Void all sessions of a user, or those that came from one of his tokens.

    A guest's memberships go with his sessions. None is `Duplicate`.
    """

    user: UserName
    token: bytes | None = None
    """SHA-256 of the token; None for all sessions."""
    by_operator: bool = False


@attrs.define
class EndNamedSession:
    """Void one of a user's sessions; the outcome says which it was.

    A guest's memberships go with his last one. Refused: `no_session`.
    """

    user: UserName
    tag: SessionTag
    by_operator: bool = False


@attrs.define
class ResetPassword:
    """Give an account another password, by the operator's word.

    All sessions and tokens of the user are void. Refused: `no_user`, also for a guest.
    """

    user: UserName
    password_hash: str


@attrs.define
class GiveRole:
    """Give an account another role, by the operator's word.

    Refused: `no_user`, also for a guest.
    """

    user: UserName
    role: AccountRole


@attrs.define
class BanUser:
    """Keep a user out of the server; his sessions end, his tokens rest.

    The ban of a guest holds for his last address, too. Refused: `no_user`.
    """

    user: UserName
    until: Millis | None
    """None is for good."""
    reason: str | None
    at: Millis


@attrs.define
class UnbanUser:
    """Let a user in again. Where he was not banned it is `Duplicate`.

    Refused: `no_user`.
    """

    user: UserName


@attrs.define
class AddToken:
    """Record an access token of an account; the outcome is `Issued`.

    Refused: `no_user`, also for a guest; `no_room` if one of `rooms` is not there.
    """

    user: UserName
    digest: bytes
    """SHA-256 of its secret."""
    name: str
    """What it is for."""
    scope: str | None
    """What it allows, as JSON; None is everything."""
    created: Millis
    expires: Millis | None
    """None: never."""
    rooms: tuple[RoomName, ...] = ()
    """Rooms that have to be there."""
    secret: str = attrs.field(default="", repr=False, eq=False)
    """What is told once, in the answer, and not stored."""


@attrs.define
class RevokeToken:
    """Void a token, and the sessions that came from it. Refused: `no_token`."""

    number: int


@attrs.define(kw_only=True)
class Issued(Committed):
    """A token is on disk."""

    number: int
    """What it is called by; never used again."""


@attrs.define
class RecordTime:
    """Write down what is certain about the time, for the next start."""


@attrs.define
class RecordAct:
    """Keep in the audit what the operator does that changes nothing in the store.

    It is done when it is kept (`chatd.core.commands.operator`); but for a reload, of
    which it is not known before what there is to keep.
    """

    act: Act
    found: Difference | None = None
    """What a reload has changed."""


@attrs.define
class SetFollow:
    """Have `user` follow a thread, or no longer; what changes nothing is `Duplicate`.

    Refused: `no_message` if nobody has replied there. Whoever begins to follow it has
    read it all. Who does not, is not made to follow it by a mention.
    """

    room: RoomName
    user: UserName
    root: Seq
    """The message that has the thread."""
    on: bool


@attrs.define
class MarkThread:
    """Note that `user` has read a thread up to `seq`.

    It only moves forward, and not beyond the head of the room. Where he does not follow
    it, or it does not move, it is `Duplicate`.
    """

    room: RoomName
    user: UserName
    root: Seq
    seq: Seq


@attrs.define
class SaveMarks:
    """Write what may be lost for a few seconds: read marks, idle times, devices.

    No node has a session any more that is idle, unless another one has taken it.
    """

    reads: dict[tuple[RoomName, UserName], Seq]
    idle: dict[SessionId, Millis | None]
    """When the last connection of a session ended; None while it has one."""
    devices: dict[SessionId, str] = attrs.field(factory=dict)
    """What clients that resumed a session called themselves."""
