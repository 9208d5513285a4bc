"""Drafts about users, their sessions and their marks."""

from __future__ import annotations

import attrs

from chatd.enums import AccountRole
from chatd.ids import RoomName, Seq, SessionId, SessionTag, UserName
from chatd.wire.events import Millis


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
    `instead_of` is not the account's hash any more; `name_taken` if `nameless` is.
    """

    user: UserName
    instead_of: str | None
    nameless: UserName | None
    """To whom his messages belong from here on; None: they are emptied."""


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


@attrs.define
class EndNamedSession:
    """Void one of a user's sessions; the outcome says which it was.

    A guest's memberships go with his last one. Refused: `no_session`.
    """

    user: UserName
    tag: SessionTag


@attrs.define
class KeepPosition:
    """Remember up to where others' changes were taken (`Store.changes`).

    Who wrote them sees by it that nothing is under way any more of those whom they cut
    off: drafts are executed in their order.
    """

    position: int


@attrs.define
class RecordTime:
    """Write down what is certain about the time, for the next start."""


@attrs.define
class SaveMarks:
    """Write what may be lost for a few seconds: read marks, idle times, devices."""

    reads: dict[tuple[RoomName, UserName], Seq]
    idle: dict[SessionId, Millis | None]
    """When the last connection of a session ended; None while it has one."""
    devices: dict[SessionId, str] = attrs.field(factory=dict)
    """What clients that resumed a session called themselves."""
