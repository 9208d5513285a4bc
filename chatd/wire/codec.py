"""From the bytes of a frame to a command, or to the one reason why not.

`Decoder.decode` is the only way in. It is strict (`1` is no string, `true` is no
number) and total: whatever the bytes are, the answer is a `Command` or a
`BadCommand`. A `BadCommand` carries what an `error` reply needs to find back to
its command, the `id`, `cid` and `type`, as far as they could be read, and one
sentence that names the field. The sentence is bounded and never repeats what
was sent, except the name of an unknown type, cleaned.

What a field may hold is said by its type in `chatd.wire.commands`; each such
type has one parser here, given to cattrs as its hook. cattrs coerces by
default (`1` becomes `'1'`), so there is a hook for every type that a command
uses. Rules between the fields of one command are the `_RULES` below; whatever
needs to know who asks, or what exists, is decided in the core.

orjson reads the JSON: it refuses NaN, depth beyond 1024 and invalid UTF-8, and
turns integers beyond 64 bits into floats, which no field accepts. It refuses
half a surrogate pair too, but without saying whose command it was; that is a
thing that real clients send (a text cut in the middle of an emoji), so such a
frame is read once more, by the slower `json`, to answer with its id and field.
"""

from __future__ import annotations

import difflib
import json
import re as regex
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from typing import Any, get_args

import orjson
from cattrs import ClassValidationError, Converter

from chatd.errors import Reject, RejectCode
from chatd.ids import (
    Cid,
    Epoch,
    RoomName,
    Seq,
    UserName,
    is_encodable,
    parse_account_name,
    parse_cid,
    parse_epoch,
    parse_room_name,
    parse_user_name,
)
from chatd.wire.commands import (
    Command,
    CommandId,
    Display,
    Emoji,
    GuestName,
    Hello,
    History,
    Join,
    PageLimit,
    Secret,
    Send,
    State,
    StatusText,
    Text,
)
from chatd.wire.text import (
    TooLong,
    parse_display,
    parse_emoji,
    parse_status,
    parse_text,
)

INTEGER_MAX = 2**53
"""The largest integer on the wire: what a double, so also JavaScript, holds.

Source: protocol section 1.
"""
ID_CHARS_MAX = 64
"""Source: protocol section 1."""
SECRET_CHARS_MAX = 4096
"""Room for a large JWT; what Argon2 is given must have an end."""
PAGE_MAX = 100
"""Source: protocol section 6."""
NAMES_KEPT = 4096
"""Room names whose form was looked at lately: 64 characters each, so 1 MB at most."""
STATES = ("online", "away")
"""Source: protocol section 5."""

_TYPE_SHOWN_CHARS_MAX = 32
_WORD = regex.compile(rf"[a-z][a-z0-9_]{{0,{_TYPE_SHOWN_CHARS_MAX - 1}}}\Z")

Parse = Callable[..., Any]
"""Takes a JSON value (and, from cattrs, the type that it should have)."""


class BadCommand(Reject):
    """A frame is not a command of the protocol; the connection goes on.

    Attributes:
        re: Its type, where it has one that is a word.
        id: Its id, where it has one that is allowed.
        cid: Its cid, where it has one that is allowed.
    """

    def __init__(
        self,
        code: RejectCode,
        text: str,
        *,
        field: str | None = None,
        frame: dict[str, Any] | None = None,
    ) -> None:
        """Take the labels of the refused `frame`, if it was an object at all."""
        super().__init__(code, text, field=field)
        frame = frame or {}
        self.re: str | None = _readable(_parse_word, frame.get("type"))
        self.id: CommandId = _readable(_parse_id, frame.get("id"))
        self.cid: Cid | None = _readable(_parse_cid, frame.get("cid"))


class Decoder:
    """Makes commands of bytes, for one setting of `limits.text_chars`."""

    def __init__(self, text_chars: int) -> None:
        """Compile a reader for each command; takes about 30 ms.

        Args:
            text_chars: How many code points a message may have; 0 means as many
                as fit into a frame.
        """
        converter = _converter(text_chars)
        self._readers = {
            cls.type: (cls, converter.get_structure_hook(cls))
            for cls in get_args(Command)
        }

    def decode(self, payload: bytes) -> Command:
        """Return the command that a text frame holds.

        Raises:
            BadCommand: It holds none; the reason, and whose it was.
        """
        try:
            frame = orjson.loads(payload)
        except orjson.JSONDecodeError as error:
            frame = _parse_halved(payload, error)
        if type(frame) is not dict:
            raise BadCommand(
                RejectCode.BAD_JSON, f"expected one JSON object, found {_kind(frame)}"
            )
        try:
            cls, read = self._readers[frame["type"]]
        except (KeyError, TypeError):
            raise self._bad_type(frame) from None
        try:
            command: Command = read(frame, cls)
        except ClassValidationError as error:
            raise _bad_field(error, frame) from None
        rule = _RULES.get(cls)
        if rule is not None and (broken := rule(command)) is not None:
            field, text = broken
            raise BadCommand(
                RejectCode.BAD_FIELD, f"{field}: {text}", field=field, frame=frame
            )
        return command

    def _bad_type(self, frame: dict[str, Any]) -> BadCommand:
        """Say what is wrong with a type that has no reader."""
        if "type" not in frame:
            text = "type: required"
        elif type(sent := frame["type"]) is not str:
            text = f"type: expected a string, found {_kind(sent)}"
        else:
            shown = _shown(sent)
            near = difflib.get_close_matches(shown.lower(), self._readers, n=1)
            hint = f'; did you mean "{near[0]}"?' if near else ""
            text = f'type: "{shown}" is no command{hint}'
        return BadCommand(RejectCode.BAD_TYPE, text, field="type", frame=frame)


def _parse_halved(payload: bytes, error: orjson.JSONDecodeError) -> Any:
    """Read what has half of a surrogate pair in it; say what is wrong with the rest."""
    if "surrogate" in error.msg:
        # What json cannot read either, orjson has said what is wrong with.
        with suppress(ValueError, RecursionError):
            return json.loads(payload.decode())
    text = f"not JSON: {error.msg}, at character {error.pos + 1}"
    raise BadCommand(RejectCode.BAD_JSON, text) from None


def _bad_field(error: ClassValidationError, frame: dict[str, Any]) -> BadCommand:
    """Name the first field, in the order of the class, that was refused."""
    refused, _ = error.group_exceptions()
    for reason, _note in refused:
        # Its frame holds it: a cycle, which would live until a collection.
        reason.__traceback__ = None
    reason, note = refused[0]
    text = "required" if isinstance(reason, KeyError) else str(reason)
    too_long = isinstance(reason, TooLong)
    return BadCommand(
        RejectCode.TOO_LONG if too_long else RejectCode.BAD_FIELD,
        f"{note.name}: {text}",
        field=note.name,
        frame=frame,
    )


# --- one parser for each type of a field ---------------------------------------


def _converter(text_chars: int) -> Converter:
    """Teach cattrs the types of `chatd.wire.commands`, and nothing else.

    Detailed validation, which names the field, costs 0.1 µs where all is well.
    """
    converter = Converter()
    parsers: dict[Any, Parse] = {
        bool: _parse_bool,
        Seq: _integer(0, INTEGER_MAX),
        PageLimit: _integer(1, PAGE_MAX),
        Text: _string(lambda text: parse_text(text, text_chars)),
        RoomName: _string(lru_cache(NAMES_KEPT)(parse_room_name)),
        UserName: _string(parse_user_name),
        Epoch: _string(parse_epoch),
        Cid: _parse_cid,
        Display: _string(parse_display),
        StatusText: _string(parse_status),
        GuestName: _string(parse_account_name),
        Secret: _string(_parse_secret),
        Emoji: _string(parse_emoji),
        State: _string(_parse_state),
        CommandId: _parse_id,
    }
    for kind, parse in parsers.items():
        converter.register_structure_hook(kind, parse)
        if type(None) not in get_args(kind):
            # What cattrs makes of the hook by itself takes twice as long.
            converter.register_structure_hook(kind | None, _optional(parse))
    return converter


def _optional(parse: Parse) -> Parse:
    def parse_optional(value: Any, kind: Any = None) -> Any:
        return None if value is None else parse(value, kind)

    return parse_optional


def _string(parse: Callable[[str], Any]) -> Parse:
    def parse_string(value: Any, _: Any = None) -> Any:
        if type(value) is not str:
            raise ValueError(f"expected a string, found {_kind(value)}")
        return parse(value)

    return parse_string


def _integer(low: int, high: int) -> Parse:
    def parse_integer(value: Any, _: Any = None) -> int:
        if type(value) is not int:
            raise ValueError(f"expected a whole number, found {_kind(value)}")
        if not low <= value <= high:
            raise ValueError(f"expected a whole number from {low} to {high}")
        return value

    return parse_integer


def _parse_bool(value: Any, _: Any = None) -> bool:
    if type(value) is not bool:
        raise ValueError(f"expected true or false, found {_kind(value)}")
    return value


def _parse_id(value: Any, _: Any = None) -> CommandId:
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
    raise ValueError(f"expected a string or a whole number, found {_kind(value)}")


def _parse_secret(text: str) -> Secret:
    if not 1 <= len(text) <= SECRET_CHARS_MAX or not is_encodable(text):
        raise ValueError(f"expected 1 to {SECRET_CHARS_MAX} whole characters")
    return Secret(text)


def _parse_state(text: str) -> State:
    if text not in STATES:
        raise ValueError("expected online or away")
    return State(text)


def _check_word(text: str) -> str:
    if not _WORD.match(text):
        raise ValueError("expected a lowercase word")
    return text


_parse_cid = _string(parse_cid)
_parse_word = _string(_check_word)


# --- rules between the fields of one command -----------------------------------


def _hello(command: Hello) -> tuple[str, str] | None:
    other = "token" if command.token is not None else "session"
    has_other = command.token is not None or command.session is not None
    if command.password is not None and command.name is None:
        return "password", "needs a name"
    if command.name is not None and has_other:
        return other, "one credential only, and a name was given"
    return None


def _join(command: Join) -> tuple[str, str] | None:
    if command.since is None:
        return None
    if command.epoch is None:
        return "epoch", "required with since"
    if command.last is not None:
        return "last", "cannot be given together with since"
    return None


def _send(command: Send) -> tuple[str, str] | None:
    if command.room is None and command.to is None:
        return "room", "required, or else to"
    if command.room is not None and command.to is not None:
        return "to", "cannot be given together with room"
    return None


def _history(command: History) -> tuple[str, str] | None:
    if command.before is not None and command.after is not None:
        return "after", "cannot be given together with before"
    return None


_RULES: dict[type, Callable[[Any], tuple[str, str] | None]] = {
    Hello: _hello,
    Join: _join,
    Send: _send,
    History: _history,
}
"""The field that is wrong and why, or None."""


# --- words for people ----------------------------------------------------------


def _kind(value: Any) -> str:
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


def _shown(sent: str) -> str:
    """Cut and clean what was sent, so that it may be shown and logged."""
    cut = sent[:_TYPE_SHOWN_CHARS_MAX]
    clean = "".join(char if char.isprintable() and char != '"' else "?" for char in cut)
    return clean if len(cut) == len(sent) else f"{clean}…"


def _readable(parse: Parse, value: Any) -> Any:
    """The value if it can be parsed, else None."""
    try:
        return parse(value)
    except ValueError:
        return None
