"""Names and numbers of the domain: their types, their spelling, their parsers.

A value of one of these types has been parsed: it is canonical, within its
bounds, and may be compared, stored and printed as it is. Parsing happens once,
at the edge; nothing behind the edge folds case or checks a length again.

A parser raises `ValueError` with a sentence that says what was expected; the
codec adds the name of the field.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

import re
from typing import NewType

import attrs

UserName = NewType("UserName", str)
"""A user's identity, for ever: an account (`ann`) or a guest (`ann~4f7k`)."""
RoomName = NewType("RoomName", str)
"""A public (`lobby`), private (`~…`) or direct (`@ann,bob`) room."""
Seq = NewType("Seq", int)
"""The number of an event within one room and epoch; the first is 1."""
Epoch = NewType("Epoch", str)
"""One life of a room's numbering: 16 hexadecimal digits."""
ConnectionId = NewType("ConnectionId", int)
"""One socket, numbered from 1 in the order of acceptance."""
SessionId = NewType("SessionId", bytes)
"""SHA-256 of a session's secret: what is kept, compared and indexed."""
SessionTag = NewType("SessionTag", str)
"""What people call a session by: the beginning of its id, as 10 hexadecimal digits.

It says nothing of the secret, is never another session's, and needs no number kept.
"""
Cid = NewType("Cid", str)
"""A client's own id of a durable command."""
NodeId = NewType("NodeId", int)
"""One process of several over one store; each start has another."""
Stamp = NewType("Stamp", int)
"""The number of a commit in the log that several nodes share.

Of two commits that changed the same, the later one has the higher.
"""

OPERATOR = UserName("*operator")
"""Who acts at the admin socket, as timelines name him.

No parser takes it, so nobody has the name, and no command means him by it.
"""

NAME_CHARS_MAX = 32
ROOM_CHARS_MAX = 64
DISPLAY_CHARS_MAX = 64
CID_CHARS_MAX = 64
TAG_BYTES = 5
"""Of a session's id: two of a hundred sessions share them once in 200 million users."""

# What the schema of the protocol quotes.
ACCOUNT = re.compile(r"[a-z0-9][a-z0-9._-]{0,31}\Z")
GUEST = re.compile(r"[a-z0-9][a-z0-9._-]{0,31}~[a-z2-7]{4}\Z")
PUBLIC_ROOM = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}\Z")
PRIVATE_ROOM = re.compile(r"~[a-z2-7]{16}\Z")
EPOCH = re.compile(r"[0-9a-f]{16}\Z")
SESSION_TAG = re.compile(r"[0-9a-f]{10}\Z")

_SURROGATE = re.compile("[\ud800-\udfff]")


@attrs.frozen
class Position:
    """A place in a room's timeline; `seq` means nothing without `epoch`."""

    epoch: Epoch
    seq: Seq


def parse_account_name(text: str) -> UserName:
    """Fold `text` to the canonical spelling of an account's name.

    Raises:
        ValueError: It is not 1 to 32 of `a-z 0-9 . _ -`, starting with a
            letter or digit.

    Source: protocol section 1, "A user's name is for ever".
    """
    folded = _fold(text)
    if not ACCOUNT.match(folded):
        raise ValueError(
            "a name is 1 to 32 of a-z 0-9 . _ - and starts with a letter or digit"
        )
    return UserName(folded)


def parse_user_name(text: str) -> UserName:
    """Fold `text` to the canonical name of an account or of a guest.

    Raises:
        ValueError: It is neither.
    """
    folded = _fold(text)
    if GUEST.match(folded):
        return UserName(folded)
    return parse_account_name(text)


def is_guest(name: UserName) -> bool:
    """Whether the name is a guest's: no account can have a `~`."""
    return "~" in name


def parse_public_room(text: str) -> RoomName:
    """Fold `text` to a room name that joining may create.

    Raises:
        ValueError: It is not 1 to 64 of `a-z 0-9 . _ -`.
    """
    folded = _fold(text)
    if not PUBLIC_ROOM.match(folded):
        raise ValueError(
            "a room name is 1 to 64 of a-z 0-9 . _ - and starts with a letter or digit"
        )
    return RoomName(folded)


def parse_room_name(text: str) -> RoomName:
    """Fold `text` to the canonical name of any kind of room.

    Raises:
        ValueError: It is no room's name. A direct room's names must be two
            different accounts in sorted order.
    """
    folded = _fold(text)
    if PUBLIC_ROOM.match(folded) or PRIVATE_ROOM.match(folded):
        return RoomName(folded)
    if folded.startswith("@"):
        names = folded[1:].split(",")
        if len(names) == 2 and names[0] < names[1] and all(map(ACCOUNT.match, names)):
            return RoomName(folded)
        raise ValueError("a direct room is @NAME,NAME, two accounts in sorted order")
    return parse_public_room(text)  # which says what a room's name is


def direct_room(one: UserName, other: UserName) -> RoomName:
    """The room of two accounts, whichever of them asks."""
    first, second = sorted((one, other))
    return RoomName(f"@{first},{second}")


def is_direct(room: str) -> bool:
    """Whether the room is a direct conversation."""
    return room.startswith("@")


def is_private(room: str) -> bool:
    """Whether the room is one into which people are asked."""
    return room.startswith("~")


def is_public(room: str) -> bool:
    """Whether everybody may know of the room: it is neither direct nor private."""
    return not room.startswith(("@", "~"))


def direct_members(room: RoomName) -> tuple[UserName, UserName]:
    """The two accounts of a direct room."""
    first, second = room[1:].split(",")
    return UserName(first), UserName(second)


def direct_partner(room: RoomName, user: UserName) -> UserName:
    """Whom a direct room's member talks to there."""
    first, second = direct_members(room)
    return second if user == first else first


def parse_epoch(text: str) -> Epoch:
    """Check that `text` is the name of a room's numbering.

    Raises:
        ValueError: It is not 16 hexadecimal digits in lower case.

    Source: protocol section 3, 64 random bits.
    """
    if not EPOCH.match(text):
        raise ValueError("expected 16 hexadecimal digits")
    return Epoch(text)


def session_tag(session: SessionId) -> SessionTag:
    """What people call a session."""
    return SessionTag(session[:TAG_BYTES].hex())


def parse_session_tag(text: str) -> SessionTag:
    """Check what somebody calls a session.

    Raises:
        ValueError: It is not 10 hexadecimal digits in lower case.

    Source: protocol section 7.
    """
    if not SESSION_TAG.match(text):
        raise ValueError("expected 10 hexadecimal digits, as `sessions` tells them")
    return SessionTag(text)


def parse_cid(text: str) -> Cid:
    """Check a client's own id of a durable command.

    Raises:
        ValueError: It is empty, longer than 64 characters, or has half of a
            surrogate pair.

    Source: protocol section 4.
    """
    if not 1 <= len(text) <= CID_CHARS_MAX or not is_encodable(text):
        raise ValueError(f"expected 1 to {CID_CHARS_MAX} whole characters")
    return Cid(text)


def is_encodable(text: str) -> bool:
    """Whether `text` is Unicode text: no half of a surrogate pair in it."""
    return text.isascii() or not _SURROGATE.search(text)


def _fold(text: str) -> str:
    """Lower-case ASCII only: no other script may fold into a-z (`K` U+212A)."""
    return text.lower() if text.isascii() else text
