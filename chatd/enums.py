"""The closed sets of words: each is one enumeration, and is parsed once, at the edge.

A member is its word: it is written as that into JSON and the store, and equals it. What
comes in from a client, the configuration, the store or a token is made a member there,
so that inside nobody compares with a word that no set has.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

from enum import StrEnum


class AccountRole(StrEnum):
    """What somebody is on this server.

    Source: protocol section 7.
    """

    GUEST = "guest"
    USER = "user"
    BOT = "bot"
    ADMIN = "admin"


class Erasure(StrEnum):
    """How far the erasure of a user is.

    Source: protocol section 7.
    """

    NONE = "none"
    BEGUN = "begun"
    DONE = "done"


class LogLevel(StrEnum):
    """From which entry on the log has them."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class Audited(StrEnum):
    """What stands in the audit: what is done to others, and what the operator does.

    Source: protocol section 7.
    """

    KICK = "kick"
    BAN = "ban"
    UNBAN = "unban"
    MUTE = "mute"
    UNMUTE = "unmute"
    ROLE = "role"
    DELETE = "delete"
    SETTINGS = "settings"
    RENAME = "rename"
    CREATE = "create"
    DESTROY = "destroy"
    PLACE = "place"
    ADD = "add"
    LOGOUT = "logout"
    PASSWORD = "password"  # noqa: S105 - a word
    ERASE = "erase"
    TOKEN_ISSUE = "token_issue"  # noqa: S105 - a word
    TOKEN_REVOKE = "token_revoke"  # noqa: S105 - a word
    INVITATION_CREATE = "invitation_create"
    INVITATION_REVOKE = "invitation_revoke"
    ANNOUNCE = "announce"
    DISCONNECT = "disconnect"
    LOG_LEVEL = "log_level"
    RELOAD = "reload"
    DRAIN = "drain"


class InvitedRole(StrEnum):
    """What somebody can become by an invitation.

    Source: protocol section 7.
    """

    USER = "user"
    ADMIN = "admin"


class GivenRole(StrEnum):
    """What the operator makes of an account.

    Source: protocol section 7.
    """

    USER = "user"
    BOT = "bot"
    ADMIN = "admin"


class Role(StrEnum):
    """What a member is in a room.

    Source: protocol section 3.
    """

    MEMBER = "member"
    MODERATOR = "moderator"
    OWNER = "owner"


class State(StrEnum):
    """Whether somebody is there.

    Source: protocol section 5.
    """

    ONLINE = "online"
    AWAY = "away"
    OFFLINE = "offline"


class MemberChange(StrEnum):
    """What happened to a membership.

    Source: protocol section 3.
    """

    JOIN = "join"
    LEAVE = "leave"
    INVITE = "invite"
    UNINVITE = "uninvite"
    DECLINE = "decline"
    KICK = "kick"
    BAN = "ban"
    UNBAN = "unban"
    MUTE = "mute"
    UNMUTE = "unmute"
    ROLE = "role"


class Post(StrEnum):
    """Who may send to a room.

    Source: protocol section 3.
    """

    MEMBERS = "members"
    MODERATORS = "moderators"


class Visibility(StrEnum):
    """What newcomers to a room may read.

    Source: protocol section 3.
    """

    ALL = "all"
    SINCE_JOIN = "since_join"


class Level(StrEnum):
    """What of a room its member wants to be called for.

    Source: protocol section 5.
    """

    ALL = "all"
    """Each message. The default: a client that knows nothing of levels shows that."""
    MENTIONS = "mentions"
    NOTHING = "nothing"


class Fate(StrEnum):
    """What becomes of the messages of an account that ends.

    Source: section 7.
    """

    EMPTY = "empty"
    REASSIGN = "reassign"
