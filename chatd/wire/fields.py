"""One parser for each type of a field of a command.

What a field may hold is said by its type in the command's class; each such type
has one parser here, given to cattrs as its hook. cattrs coerces by default (`1`
becomes `'1'`), so there is a hook for every type that a command uses. A
parser raises `ValueError` with a sentence that says what was expected; the codec adds
the name of the field.

What people type or paste (texts, names, passwords, how long a ban lasts) may be
wrong although the client is not: that is `Mistyped`, and is never held against the
connection. A value of another type, and what only programs write, is the client's.
"""

from __future__ import annotations

import re as regex
from collections.abc import Callable
from enum import StrEnum
from functools import cache, lru_cache
from typing import Any, TypeVar, get_args

from cattrs import Converter
from cattrs.gen import make_dict_structure_fn, override

from chatd.enums import (
    Fate,
    GivenRole,
    InvitedRole,
    Level,
    LogLevel,
    Post,
    Role,
    State,
    Visibility,
)
from chatd.ids import (
    Cid,
    ConnectionId,
    Epoch,
    RoomName,
    Seq,
    SessionTag,
    UserName,
    is_encodable,
    parse_cid,
    parse_epoch,
    parse_session_tag,
)
from chatd.names import Names
from chatd.wire.administration import TokenIssue, UserBan
from chatd.wire.admissions import CreateInvitation
from chatd.wire.kinds import (
    WIRE_NAMES,
    AuditNumber,
    AuditSeconds,
    BanSeconds,
    BookmarkNumber,
    CommandId,
    Device,
    Display,
    Emoji,
    GuestName,
    InvitationNumber,
    InvitationSeconds,
    InvitationUses,
    KeepCount,
    LevelSeconds,
    NewPassword,
    PageLimit,
    PlaceText,
    PublicRoom,
    QueryText,
    Reason,
    Secret,
    SlowSeconds,
    StatusText,
    Text,
    ThreadNumber,
    TokenActions,
    TokenName,
    TokenNumber,
    TokenRooms,
    TokenSeconds,
    Topic,
)
from chatd.wire.moderation import Ban, Mute
from chatd.wire.operator import Audit, SetLogLevel
from chatd.wire.text import (
    TooLong,
    parse_display,
    parse_emoji,
    parse_reason,
    parse_status,
    parse_text,
    parse_topic,
)

INTEGER_MAX = 2**53
"""The largest integer on the wire: what a double, so also JavaScript, holds.

Source: protocol section 1.
"""
ID_CHARS_MAX = 64
"""Source: protocol section 1."""
SECRET_CHARS_MAX = 4096
"""Room for a large JWT; what Argon2 is given must have an end."""
PASSWORD_CHARS_MIN = 8
"""Source: NIST SP 800-63B, section 3.1.1.2, for a password beside nothing else."""
PASSWORD_CHARS_MAX = 1024
"""More than people type; what is hashed must have a bound."""
PAGE_MAX = 100
"""Source: protocol section 6."""
NAMES_KEPT = 4096
"""Names whose form was looked at lately, of rooms and of users.

64 and 37 characters each, so 2 MB at most; with letters of any script 9 MB.
"""
STATES = (State.ONLINE, State.AWAY)
"""The statuses that a user can set. Source: protocol section 5."""
ROLES = (Role.OWNER, Role.MODERATOR, Role.MEMBER)
"""In the order in which they are listed."""
SLOW_S_MAX = 86_400
"""Source: four times the longest slow mode of Discord, 6 hours: once a day."""
KEEP_MAX = 10_000_000
"""Days or messages: more than any room will have."""
BAN_S_MAX = 315_360_000
"""Ten years; who means longer gives no end."""
TOKEN_S_MAX = 315_360_000
"""Ten years; who means longer gives no end."""
LIST_MAX = 100
"""What a list in a command may have."""
LEVEL_S_MAX = 604_800
"""A week; who means longer says it in the configuration."""
AUDIT_S_MAX = 31_536_000
"""A year, as long as it is kept."""
INVITATION_USES_MAX = 100
"""Source: the most that Discord's invites offer."""
INVITATION_S_MIN = 60
INVITATION_S_MAX = 31_536_000
"""A year; who means longer makes another."""
WORD = regex.compile(r"[a-z][a-z0-9_]{0,31}\Z")
"""A frame's type."""


LASTING = (
    *(Ban, Mute, CreateInvitation, SetLogLevel, Audit),
    *(UserBan, TokenIssue),
)
"""Commands that say for how long, which is `for` on the wire."""


class Mistyped(ValueError):
    """Text that a person typed or pasted cannot be used."""


Parse = Callable[..., Any]
W = TypeVar("W", bound=StrEnum)
"""Takes a JSON value (and, from cattrs, the type that it should have)."""


def kind_of(value: Any) -> str:
    """What a JSON value is called; a float is what no field accepts."""
    return _KINDS[type(value)]


_KINDS = {
    type(None): "null",
    bool: "true or false",
    int: "a number",
    float: "a fraction or too large a number",
    str: "a string",
    list: "an array",
    dict: "an object",
}


@cache
def converter_for(text_chars: int, names: Names) -> Converter:
    """Teach cattrs the types of commands' fields, and nothing else.

    Detailed validation, which names the field, costs 0.1 µs where all is well.
    """
    converter = Converter()
    parsers: dict[Any, Parse] = {
        bool: _parse_bool,
        Seq: _integer(0, INTEGER_MAX),
        PageLimit: _integer(1, PAGE_MAX),
        Text: _typed(lambda text: parse_text(text, text_chars)),
        RoomName: _typed(lru_cache(NAMES_KEPT)(names.room)),
        UserName: _typed(lru_cache(NAMES_KEPT)(names.user)),
        Epoch: _string(parse_epoch),
        Cid: parse_cid_field,
        Display: _typed(parse_display),
        Device: _typed(parse_display),
        SessionTag: _string(parse_session_tag),
        StatusText: _typed(parse_status),
        GuestName: _typed(names.account),
        Secret: _typed(_parse_secret),
        NewPassword: _typed(parse_password),
        Emoji: _typed(parse_emoji),
        State: _string(_one_of(STATES)),
        PublicRoom: _typed(names.public_room),
        Topic: _typed(parse_topic),
        Reason: _typed(parse_reason),
        Post: _string(_one_of(tuple(Post))),
        Visibility: _string(_one_of(tuple(Visibility))),
        Role: _string(_one_of(ROLES)),
        Fate: _string(_one_of(tuple(Fate))),
        Level: _string(_one_of(tuple(Level))),
        SlowSeconds: _integer(0, SLOW_S_MAX, Mistyped),
        KeepCount: _integer(0, KEEP_MAX, Mistyped),
        BanSeconds: _integer(1, BAN_S_MAX, Mistyped),
        LevelSeconds: _integer(1, LEVEL_S_MAX, Mistyped),
        ConnectionId: _integer(1, INTEGER_MAX),
        InvitationNumber: _integer(1, INTEGER_MAX),
        AuditNumber: _integer(1, INTEGER_MAX),
        AuditSeconds: _integer(1, AUDIT_S_MAX, Mistyped),
        BookmarkNumber: _integer(1, INTEGER_MAX),
        ThreadNumber: _integer(1, INTEGER_MAX),
        TokenNumber: _integer(1, INTEGER_MAX),
        TokenName: _typed(parse_topic),
        TokenSeconds: _integer(1, TOKEN_S_MAX, Mistyped),
        TokenRooms: _list(_typed(names.room)),
        TokenActions: _list(parse_word),
        InvitationUses: _integer(1, INVITATION_USES_MAX, Mistyped),
        InvitationSeconds: _integer(INVITATION_S_MIN, INVITATION_S_MAX, Mistyped),
        GivenRole: _string(_one_of(tuple(GivenRole))),
        InvitedRole: _string(_one_of(tuple(InvitedRole))),
        LogLevel: _string(_one_of(tuple(LogLevel))),
        QueryText: _typed(_parse_whole),
        PlaceText: _string(_parse_whole),
        CommandId: parse_id,
    }
    for kind, parse in parsers.items():
        converter.register_structure_hook(kind, parse)
        if type(None) not in get_args(kind):
            # What cattrs makes of the hook by itself takes twice as long.
            converter.register_structure_hook(kind | None, _optional(parse))
    _call_for(converter)
    return converter


def _call_for(converter: Converter) -> None:
    """Read `seconds` of those that last by what they are called on the wire."""
    for cls in LASTING:
        read = make_dict_structure_fn(
            cls, converter, seconds=override(rename=WIRE_NAMES["seconds"])
        )
        converter.register_structure_hook(cls, read)


def _optional(parse: Parse) -> Parse:
    def parse_optional(value: Any, kind: Any = None) -> Any:
        return None if value is None else parse(value, kind)

    return parse_optional


def _string(parse: Callable[[str], Any], wrong: type[ValueError] = ValueError) -> Parse:
    def parse_string(value: Any, _: Any = None) -> Any:
        if type(value) is not str:
            raise ValueError(f"expected a string, found {kind_of(value)}")
        try:
            return parse(value)
        except TooLong:
            raise
        except ValueError as error:
            raise wrong(str(error)) from None

    return parse_string


def _typed(parse: Callable[[str], Any]) -> Parse:
    """Parse a string that a person has typed."""
    return _string(parse, Mistyped)


def _integer(low: int, high: int, beyond: type[ValueError] = ValueError) -> Parse:
    def parse_integer(value: Any, _: Any = None) -> int:
        if type(value) is not int:
            raise ValueError(f"expected a whole number, found {kind_of(value)}")
        if not low <= value <= high:
            raise beyond(f"expected a whole number from {low} to {high}")
        return value

    return parse_integer


def _list(parse: Parse) -> Parse:
    """Parse a list, whose entries are all of one kind."""

    def parse_list(value: Any, _: Any = None) -> tuple[Any, ...]:
        if type(value) is not list:
            raise ValueError(f"expected an array, found {kind_of(value)}")
        if len(value) > LIST_MAX:
            raise ValueError(f"expected at most {LIST_MAX} entries")
        return tuple(map(parse, value))

    return parse_list


def _parse_bool(value: Any, _: Any = None) -> bool:
    if type(value) is not bool:
        raise ValueError(f"expected true or false, found {kind_of(value)}")
    return value


def parse_id(value: Any, _: Any = None) -> CommandId:
    """Check the client's own label of a command; None stays None."""
    if value is None:
        return None
    if type(value) is str:
        if len(value) > ID_CHARS_MAX or not is_encodable(value):
            raise ValueError(f"expected up to {ID_CHARS_MAX} whole characters")
        return value
    if type(value) is int:
        if abs(value) > INTEGER_MAX:
            raise ValueError("expected a whole number within 2^53 of zero")
        return value
    raise ValueError(f"expected a string or a whole number, found {kind_of(value)}")


def _parse_secret(text: str) -> Secret:
    if not 1 <= len(text) <= SECRET_CHARS_MAX or not is_encodable(text):
        raise ValueError(f"expected 1 to {SECRET_CHARS_MAX} whole characters")
    return Secret(text)


def _one_of(words: tuple[W, ...]) -> Callable[[str], W]:
    *others, last = words
    expected = f"expected {', '.join(others)} or {last}"
    by_text: dict[str, W] = {str(word): word for word in words}

    def parse_word_of(text: str) -> W:
        try:
            return by_text[text]
        except KeyError:
            raise ValueError(expected) from None

    return parse_word_of


def _parse_whole(text: str) -> str:
    """Take any text; the core says what is wrong with it, to a person who types."""
    if not is_encodable(text):
        raise ValueError("expected whole characters")
    return text


def parse_password(text: str) -> NewPassword:
    """Check a password that is chosen.

    Raises:
        ValueError: It is too short or too long, or has half of a surrogate pair.
    """
    right_size = PASSWORD_CHARS_MIN <= len(text) <= PASSWORD_CHARS_MAX
    if not right_size or not is_encodable(text):
        raise ValueError(
            f"a password has {PASSWORD_CHARS_MIN} to {PASSWORD_CHARS_MAX} characters"
        )
    return NewPassword(text)


def _check_word(text: str) -> str:
    if not WORD.match(text):
        raise ValueError("expected a lowercase word")
    return text


parse_cid_field = _string(parse_cid)
"""Parses a `cid`, or whatever else stands in its place."""
parse_word = _string(_check_word)
"""Parses the type of a frame."""
