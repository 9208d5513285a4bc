"""Everything that can go wrong, with its consequence in its type.

There are two consequences on the wire, and they are never mixed:

* A `Reject` answers one command with `error` and the connection goes on. Its
  `code` is one of `RejectCode`.
* An `Ending` ends one connection. Each is a row of the table below: the close
  code that the peer sees, a word for logs and metrics, and whether the peer
  should come back.

Everything else is an exception of the process itself: a configuration that
cannot be used (`ConfigError`), a store that is refused (`StoreRefused`) or has
failed (`StoreFailed`).

This module imports nothing of chatd.
"""

from __future__ import annotations

from enum import Enum, StrEnum

import attrs


class ChatdError(Exception):
    """The root of every exception that chatd raises on purpose."""


class ConfigError(ChatdError):
    """The configuration cannot be used.

    Attributes:
        problems: One line each, `path: reason`, in the order of the file.
    """

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class StoreRefused(ChatdError):
    """The store on disk is not one that this daemon may open.

    It is foreign, empty, newer than the code, or damaged. Nothing was changed. The text
    names the file and what to do.
    """


class ImportRefused(StoreRefused):
    """A line of what is to be imported is wrong, and nothing was imported.

    The text names the line by its number, and the field.
    """


class FileRefused(StoreRefused):
    """A file that somebody has named is not one to read from, or to write to.

    There is none, there is one already, or something else is beside it. Nothing is
    wrong with the store, and nothing was done.
    """


class StoreForbidden(StoreRefused):
    """The user of this process may not read or write a file of it."""


class StoreUnavailable(ChatdError):
    """The store cannot take writes now, but may later (a full disk).

    Nothing of the batch was stored. Reads go on.
    """

    @property
    def told(self) -> str:
        """What people are told of it who only talk here; the log has all."""
        return str(self)


class StoreHeld(StoreUnavailable):
    """Another process holds the lock of the data directory.

    Attributes:
        serves: Whether it is a daemon, which holds it as long as it runs; else it is a
            command, which ends by itself.
        process: Its number, if that is known.
    """

    def __init__(self, text: str, *, serves: bool, process: int | None = None) -> None:
        super().__init__(text)
        self.serves = serves
        self.process = process


class StoreFailed(ChatdError):
    """The store can no longer be trusted (an I/O error, a dead thread).

    The daemon stops: what a second attempt would report is not the truth.
    """


class GivenUp(StoreFailed):
    """The other nodes have taken this one for dead: it has not been there for long.

    Nothing was stored. As another node, which a new start is, it may come back at once.
    """


class TooSlow(ChatdError):
    """A look-up was given up because it takes too long. Nothing was changed."""


class IndexBehind(TooSlow):
    """It takes too long because the search index does not have all messages yet.

    Attributes:
        lacking: How many it does not have.
        of: Of how many.
        retry_after_s: When it may have them.
    """

    def __init__(self, lacking: int, of: int) -> None:
        super().__init__(f"{lacking} of {of} messages are not indexed")
        self.lacking = lacking
        self.of = of
        self.retry_after_s: float | None = None


class RejectCode(StrEnum):
    """Why a command was refused; the `code` of an `error` reply.

    Source: the list of error codes that ends the protocol's description.
    """

    BAD_JSON = "bad_json"
    BAD_FRAME = "bad_frame"
    BAD_TYPE = "bad_type"
    BAD_FIELD = "bad_field"
    NOT_AUTHENTICATED = "not_authenticated"
    BAD_CREDENTIALS = "bad_credentials"
    BAD_INVITATION = "bad_invitation"
    INVITATION_USED = "invitation_used"
    INVITATION_EXPIRED = "invitation_expired"
    FORBIDDEN = "forbidden"
    NO_ROOM = "no_room"
    NO_USER = "no_user"
    NO_MESSAGE = "no_message"
    NO_SESSION = "no_session"
    NO_INVITATION = "no_invitation"
    NO_TOKEN = "no_token"  # noqa: S105 - an error code
    EXISTS = "exists"
    NAME_TAKEN = "name_taken"
    NOT_MEMBER = "not_member"
    BANNED = "banned"
    MUTED = "muted"
    RATE_LIMITED = "rate_limited"
    TOO_LONG = "too_long"
    CID_CONFLICT = "cid_conflict"
    BAD_CONFIG = "bad_config"
    UNAVAILABLE = "unavailable"
    INTERNAL = "internal"


MALFORMED = frozenset(
    {
        RejectCode.BAD_JSON,
        RejectCode.BAD_FRAME,
        RejectCode.BAD_TYPE,
        RejectCode.BAD_FIELD,
        RejectCode.NOT_AUTHENTICATED,
    }
)
"""The codes that count against a connection's bucket of malformed frames, unless
what was wrong is what a person typed (`Reject.counted`)."""


class Reject(ChatdError):
    """One command is refused; the connection goes on.

    Attributes:
        code: For programs.
        text: For people: what was wrong, and where.
        field: The field that was wrong, if it was one.
        retry_after_s: When it is worth trying again.
        counted: Whether it may count against the connection, which is ended for too
            many; not what a person has typed or pasted.
    """

    def __init__(
        self,
        code: RejectCode,
        text: str,
        *,
        field: str | None = None,
        retry_after_s: float | None = None,
        counted: bool = True,
    ) -> None:
        super().__init__(text)
        self.code = code
        self.text = text
        self.field = field
        self.retry_after_s = retry_after_s
        self.counted = counted


class LoginFailure(StrEnum):
    """Why somebody was not let in: a word of the log and of the metric."""

    WRONG_PASSWORD = "wrong_password"  # noqa: S105 - no secret
    UNKNOWN_USER = "unknown_user"
    """The name that came with a password is nobody's."""
    UNKNOWN_TOKEN = "unknown_token"  # noqa: S105 - no secret
    EXPIRED_TOKEN = "expired_token"  # noqa: S105 - no secret
    BAD_TOKEN = "bad_token"  # noqa: S105 - no secret
    """An outside issuer's that is not valid here, or one whose scope is unknown."""
    UNKNOWN_SESSION = "unknown_session"
    EXPIRED_SESSION = "expired_session"
    UNKNOWN_LINK = "unknown_link"
    BAD_INVITATION = "bad_invitation"
    INVITATION_USED = "invitation_used"
    INVITATION_EXPIRED = "invitation_expired"
    BANNED = "banned"
    TOO_MANY = "too_many"
    """Attempts, of this kind: it was not even looked at."""
    FORBIDDEN = "forbidden"
    """Nobody may come in so: guests where there are none."""


@attrs.frozen
class EndingRow:
    """What an `Ending` means to the peer and to the log."""

    code: int | None
    """The WebSocket close code; None where no close frame can be sent."""
    reason: str
    """One word for `bye`, the close frame, the log line and the metric."""
    reconnect: bool
    """Whether a client should come back with what it has."""


class Ending(Enum):
    """Every reason for which a connection ends; the first one wins.

    4000 to 4499 tell a client to reconnect, 4500 to 4999 to stop.
    """

    PEER_CLOSED = EndingRow(1000, "closed", reconnect=False)
    """The peer closed properly."""
    PEER_LOST = EndingRow(None, "lost", reconnect=True)
    """The transport ended without a close frame."""
    LOGOUT = EndingRow(1000, "logout", reconnect=False)
    PROTOCOL = EndingRow(1002, "protocol_error", reconnect=False)
    BAD_UTF8 = EndingRow(1007, "not_utf8", reconnect=False)
    FRAME_FLOOD = EndingRow(1008, "frame_flood", reconnect=False)
    TOO_BIG = EndingRow(1009, "too_big", reconnect=True)
    BUG = EndingRow(1011, "internal", reconnect=True)
    RESTART = EndingRow(4001, "restart", reconnect=True)
    SLOW = EndingRow(4002, "slow_consumer", reconnect=True)
    EXPIRED = EndingRow(4003, "token_expired", reconnect=True)
    NO_PONG = EndingRow(4004, "no_pong", reconnect=True)
    OVERLOADED = EndingRow(4005, "overloaded", reconnect=True)
    BAD_CREDENTIALS = EndingRow(4500, "bad_credentials", reconnect=False)
    NO_HELLO = EndingRow(4501, "no_hello", reconnect=False)
    MALFORMED = EndingRow(4502, "malformed", reconnect=False)
    BANNED = EndingRow(4503, "banned", reconnect=False)
    TOO_MANY = EndingRow(4504, "too_many_connections", reconnect=False)
    REVOKED = EndingRow(4505, "revoked", reconnect=False)
    TAKEN_OVER = EndingRow(4506, "session_taken_over", reconnect=False)
    KICKED = EndingRow(4507, "kicked", reconnect=False)
    """The operator has ended the connection; its session stays."""

    @property
    def code(self) -> int | None:
        """The WebSocket close code, or None where none can be sent."""
        return self.value.code

    @property
    def reason(self) -> str:
        """The word for `bye`, the close frame, the log and the metric."""
        return self.value.reason

    @property
    def reconnect(self) -> bool:
        """Whether a client should come back."""
        return self.value.reconnect
