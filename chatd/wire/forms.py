r"""What the schema must be told: the form of each type, and rules between fields.

Two tables repeat what the codec does, and tests compare them with it by trying
values: `VALUES` says of a type what its parser in `chatd.wire.fields` accepts, and
`RULES` says of a command what its rule in `chatd.wire.codec` demands (of an event, what
the daemon guarantees). Bounds and patterns are those that the parsers use.

What JSON Schema cannot say, or most engines could not check, is left out and stands
in the docstring of the type: that there is exactly one emoji, that the names of a
direct room are two and sorted, towers of combining marks, halves of surrogate pairs,
how much of a text is left when it is cleaned and how long that is, that `1.0` is no
whole number here, and whatever is a setting. So the schema accepts
all that the codec does, and in these few cases more.

A pattern is read by engines of any language, so it has no look-around, no `\u`, and
its ends are `^` and `$`.

Pure. Source: JSON Schema draft 2020-12; ECMA-262 for patterns.
"""

from __future__ import annotations

import re
from typing import Any

from chatd import ids
from chatd.enums import (
    AccountRole,
    Audited,
    Erasure,
    Fate,
    GivenRole,
    InvitedRole,
    Level,
    LogLevel,
    MemberChange,
    Post,
    Role,
    State,
    Visibility,
)
from chatd.errors import Ending, RejectCode
from chatd.wire import events as e
from chatd.wire import kinds
from chatd.wire import replies as r
from chatd.wire.administration import UserAdd
from chatd.wire.ephemeral import Read
from chatd.wire.fields import (
    AUDIT_S_MAX,
    BAN_S_MAX,
    ID_CHARS_MAX,
    INTEGER_MAX,
    INVITATION_S_MAX,
    INVITATION_S_MIN,
    INVITATION_USES_MAX,
    KEEP_MAX,
    LEVEL_S_MAX,
    LIST_MAX,
    PAGE_MAX,
    PASSWORD_CHARS_MAX,
    PASSWORD_CHARS_MIN,
    ROLES,
    SECRET_CHARS_MAX,
    SLOW_S_MAX,
    STATES,
    TOKEN_S_MAX,
    WORD,
)
from chatd.wire.operator import Audit, Connections, Disconnect
from chatd.wire.rooms import Create, Join, SetRoom
from chatd.wire.sessions import Hello, Logout
from chatd.wire.settings import SETTINGS
from chatd.wire.text import (
    CONTROLS,
    INVISIBLE,
    LINE_BREAKERS,
    LINE_CHARS_MAX,
    OVERRIDES,
    STATUS_CHARS_MAX,
)
from chatd.wire.timeline import History, Send

Schema = dict[str, Any]


def portable(pattern: str) -> str:
    """Write a regular expression of Python's so that other engines read it, too.

    Surrogates are left out: only in a few languages can text have them at all.
    """
    plain = re.sub(
        r"\\u([0-9a-f]{4})|\\U([0-9a-f]{8})",
        lambda code: chr(int(code[1] or code[2], 16)),
        pattern.replace("\ud800-\udfff", ""),
    )
    return "".join(
        char if char.isprintable() or char > "\xff" else f"\\x{ord(char):02x}"
        for char in plain
    )


def _body(pattern: re.Pattern[str]) -> str:
    return pattern.pattern.removesuffix(r"\Z")


def _matching(*bodies: str) -> Schema:
    """Text that is one of these as a whole."""
    body = bodies[0] if len(bodies) == 1 else f"(?:{'|'.join(bodies)})"
    return {"type": "string", "pattern": f"^{body}$"}


def _unfolded(form: Schema) -> Schema:
    """The same, spelled as one likes: what the parsers fold."""
    return {**form, "pattern": form["pattern"].replace("a-z", "A-Za-z")}


def _chars(low: int, high: int) -> Schema:
    return {"type": "string", "minLength": low, "maxLength": high}


def _without(excluded: str) -> Schema:
    """Text without the characters excluded."""
    return {"type": "string", "pattern": f"^[^{portable(excluded)}]*$"}


_VISIBLE: Schema = {"not": {"pattern": f"^[{portable(INVISIBLE)}]*$"}}
"""Of a text: something of it can be seen."""


def _words(*words: str) -> Schema:
    return {"type": "string", "enum": [str(word) for word in words]}


def _whole(low: int, high: int) -> Schema:
    return {"type": "integer", "minimum": low, "maximum": high}


def _array(items: Schema) -> Schema:
    return {"type": "array", "items": items, "maxItems": LIST_MAX}


BEYOND_ASCII = portable("\x80-\ud7ff\ue000-\U0010ffff")
"""Which letters a name may have beside ASCII's depends on `auth.names`."""


def _name(pattern: re.Pattern[str]) -> str:
    return _body(pattern).replace("a-z0-9", f"a-z0-9{BEYOND_ASCII}")


_ACCOUNT = _name(ids.ACCOUNT)
_ROOM = _matching(
    _name(ids.PUBLIC_ROOM), _body(ids.PRIVATE_ROOM), f"@{_ACCOUNT},{_ACCOUNT}"
)
_LINE = {**_without(CONTROLS + LINE_BREAKERS), "minLength": 1}
_LINE_SENT = {**_without(OVERRIDES), **_VISIBLE}

PLAIN: dict[Any, Schema] = {
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
    str: {"type": "string"},
}
"""Types without a name of their own."""

VALUES: dict[Any, Schema] = {
    ids.Seq: _whole(0, INTEGER_MAX),
    kinds.PageLimit: _whole(1, PAGE_MAX),
    kinds.Text: {**_without(CONTROLS), "minLength": 1},
    ids.RoomName: _ROOM,
    ids.UserName: _matching(_ACCOUNT, _name(ids.GUEST), re.escape(ids.OPERATOR)),
    ids.Epoch: _matching(_body(ids.EPOCH)),
    ids.Cid: _chars(1, ids.CID_CHARS_MAX),
    kinds.NewPassword: _chars(PASSWORD_CHARS_MIN, PASSWORD_CHARS_MAX),
    kinds.Display: {**_LINE, "maxLength": ids.DISPLAY_CHARS_MAX},
    kinds.Device: {**_LINE, "maxLength": ids.DISPLAY_CHARS_MAX},
    ids.SessionTag: _matching(_body(ids.SESSION_TAG)),
    kinds.StatusText: {**_LINE, "maxLength": STATUS_CHARS_MAX},
    kinds.GuestName: _matching(_ACCOUNT),
    kinds.QueryText: PLAIN[str],
    kinds.PlaceText: PLAIN[str],
    kinds.Secret: _chars(1, SECRET_CHARS_MAX),
    kinds.Emoji: {"type": "string", "minLength": 1},
    State: _words(*STATES),
    kinds.PublicRoom: _matching(_name(ids.PUBLIC_ROOM)),
    kinds.Topic: {
        "anyOf": [
            {"type": "string", "maxLength": 0},
            {**_LINE, "maxLength": LINE_CHARS_MAX},
        ]
    },
    kinds.Reason: {**_LINE, "maxLength": LINE_CHARS_MAX},
    Post: _words(*Post),
    Visibility: _words(*Visibility),
    Role: _words(*ROLES),
    MemberChange: _words(*MemberChange),
    AccountRole: _words(*AccountRole),
    Fate: _words(*Fate),
    Level: _words(*Level),
    kinds.SlowSeconds: _whole(0, SLOW_S_MAX),
    kinds.KeepCount: _whole(0, KEEP_MAX),
    kinds.BanSeconds: _whole(1, BAN_S_MAX),
    kinds.LevelSeconds: _whole(1, LEVEL_S_MAX),
    LogLevel: _words(*LogLevel),
    ids.ConnectionId: _whole(1, INTEGER_MAX),
    kinds.InvitationNumber: _whole(1, INTEGER_MAX),
    kinds.AuditNumber: _whole(1, INTEGER_MAX),
    kinds.AuditSeconds: _whole(1, AUDIT_S_MAX),
    Audited: _words(*Audited),
    kinds.BookmarkNumber: _whole(1, INTEGER_MAX),
    kinds.TokenNumber: _whole(1, INTEGER_MAX),
    kinds.TokenName: {"anyOf": [{"type": "string", "maxLength": 0}, _LINE]},
    kinds.TokenSeconds: _whole(1, TOKEN_S_MAX),
    kinds.TokenRooms: _array(_ROOM),
    kinds.TokenActions: _array(_matching(_body(WORD))),
    kinds.ThreadNumber: _whole(1, INTEGER_MAX),
    kinds.InvitationUses: _whole(1, INVITATION_USES_MAX),
    kinds.InvitationSeconds: _whole(INVITATION_S_MIN, INVITATION_S_MAX),
    Erasure: _words(*Erasure),
    GivenRole: _words(*GivenRole),
    InvitedRole: _words(*InvitedRole),
    kinds.CommandId: {
        "description": "A client's own label of a command; its reply carries it.",
        "anyOf": [_chars(0, ID_CHARS_MAX), _whole(-INTEGER_MAX, INTEGER_MAX)],
    },
}
"""What values of a type look like, as the daemon writes them."""

SENT: dict[Any, Schema] = {
    kind: _unfolded(VALUES[kind])
    for kind in (ids.RoomName, kinds.GuestName, kinds.PublicRoom)
} | {
    ids.UserName: _unfolded(_matching(_ACCOUNT, _name(ids.GUEST))),
    kinds.Text: {"type": "string", **_VISIBLE},
    kinds.Display: _LINE_SENT,
    kinds.Device: _LINE_SENT,
    kinds.StatusText: _LINE_SENT,
    kinds.Topic: {"anyOf": [{"type": "string", "maxLength": 0}, _LINE_SENT]},
    kinds.Reason: _LINE_SENT,
    kinds.TokenName: {"anyOf": [{"type": "string", "maxLength": 0}, _LINE_SENT]},
    kinds.TokenRooms: _array(_unfolded(_ROOM)),
}
"""What a client may send, where that is not the same: names are folded, text is
cleaned."""

TIME: Schema = {
    "description": "UTC, RFC 3339 with milliseconds.",
    "type": "string",
    "format": "date-time",
    "pattern": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z$",
}

_CLOSING = [ending.value for ending in Ending if ending.code is not None]

FIELDS: dict[tuple[Any, str], Schema] = {
    (r.Refusal, "code"): _words(*map(str, RejectCode)),
    (r.Refusal, "re"): _matching(_body(WORD)),
    (e.Bye, "code"): {
        "type": "integer",
        "enum": sorted({row.code for row in _CLOSING}),
    },
    (e.Bye, "reason"): _words(*(row.reason for row in _CLOSING)),
    (e.UserShown, "state"): _words(*State),
}
"""Fields of which more is known than their type says."""


def _given(*fields: str) -> Schema:
    """These are there; null is as good as nothing."""
    return {
        "properties": {field: {"not": {"type": "null"}} for field in fields},
        "required": list(fields),
    }


def _not_both(one: str, other: str) -> Schema:
    return {"not": _given(one, other)}


def _needs(one: str, other: str) -> Schema:
    return {"if": _given(one), "then": _given(other)}


def _either(*groups: tuple[str, ...]) -> Schema:
    return {"oneOf": [_given(*group) for group in groups]}


_PRIVATE: Schema = {
    "properties": {"private": {"const": True}},
    "required": ["private"],
}
_EVERYWHERE: Schema = {
    "properties": {"everywhere": {"const": True}},
    "required": ["everywhere"],
}
_OPERATOR: Schema = {
    "properties": {"operator": {"const": True}},
    "required": ["operator"],
}
_BUSIEST: Schema = {
    "properties": {"busiest": {"const": True}},
    "required": ["busiest"],
}
_ANOTHER: Schema = {
    "properties": {"another": {"const": True}},
    "required": ["another"],
}
_THREAD: Schema = {
    "properties": {"thread": {"const": True}},
    "required": ["thread"],
}
_BACK: Schema = {
    "properties": {"back": {"const": True}},
    "required": ["back"],
}
_BOT: Schema = {
    "properties": {"role": {"const": "bot"}},
    "required": ["role"],
}
_KEPT = _either(("text",), ("deleted",))

RULES: dict[Any, Schema] = {
    Hello: {
        "allOf": [
            _needs("password", "name"),
            _not_both("name", "token"),
            _not_both("name", "session"),
            *(_not_both("link", other) for other in ("name", "token", "session")),
            {"if": _ANOTHER, "then": _given("session")},
        ]
    },
    Join: {"allOf": [_needs("since", "epoch"), _not_both("since", "last")]},
    Logout: {"not": {"allOf": [_given("session"), _EVERYWHERE]}},
    Send: {
        "allOf": [
            _either(("room",), ("to",)),
            {"if": _THREAD, "then": _given("reply_to")},
        ]
    },
    Read: {"not": {"allOf": [_given("thread"), _BACK]}},
    History: _not_both("before", "after"),
    Connections: {
        "not": {
            "allOf": [_BUSIEST, {"anyOf": [_given("user"), _given("after")]}],
        }
    },
    Audit: {"not": {"allOf": [_OPERATOR, _given("by")]}},
    Disconnect: _either(("connection",), ("user",)),
    UserAdd: {
        "oneOf": [
            {"allOf": [_BOT, {"not": _given("password")}]},
            {"allOf": [{"not": _BOT}, _given("password")]},
        ]
    },
    Create: {"oneOf": [_given("room"), _PRIVATE]},
    SetRoom: {"anyOf": [_given(name) for name in SETTINGS]},
    e.Message: _KEPT,
    e.Edit: _KEPT,
    e.React: _either(("emoji", "on"), ("deleted",)),
    r.MessageShown: _either(("from", "text"), ("from", "deleted"), ("hidden",)),
}
"""What the fields of one frame demand of each other."""
