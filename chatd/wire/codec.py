"""From the bytes of a frame to a command, or to the one reason why not.

`Decoder.decode` is the only way in. It is strict (`1` is no string, `true` is no
number) and total: whatever the bytes are, the answer is a `Command` or a
`BadCommand`. A `BadCommand` carries what an `error` reply needs to find back to
its command, the `id`, `cid` and `type`, as far as they could be read, and one
sentence that names the field. The sentence is bounded and never repeats what
was sent, except the name of an unknown type, cleaned.

What a field may hold is said by its type in the command's class, and checked by that
type's parser in `chatd.wire.fields`. Rules between the fields of one command
are the `_RULES` below; whatever needs to know who asks, or what exists, is decided
in the core.

orjson reads the JSON: it refuses NaN, depth beyond 1024 and invalid UTF-8, and
turns integers beyond 64 bits into floats, which no field accepts. It refuses
half a surrogate pair too, but without saying whose command it was; that is a
thing that real clients send (a text cut in the middle of an emoji), so such a
frame is read once more, by the slower `json`, to answer with its id and field.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any, get_args

import orjson
from cattrs import ClassValidationError, Converter

from chatd.enums import GivenRole
from chatd.errors import RejectCode
from chatd.names import ASCII, Names
from chatd.wire.administration import UserAdd
from chatd.wire.commands import Command
from chatd.wire.ephemeral import Read
from chatd.wire.fields import Mistyped, converter_for, kind_of
from chatd.wire.kinds import WIRE_NAMES
from chatd.wire.malformed import BadCommand
from chatd.wire.operator import Audit, Connections, Disconnect
from chatd.wire.rooms import Create, Join, SetRoom
from chatd.wire.sessions import Hello, Logout
from chatd.wire.settings import SETTINGS
from chatd.wire.text import TooLong
from chatd.wire.timeline import History, Send

TYPE_SHOWN_CHARS_MAX = 32
"""Of an unknown type, in the sentence that refuses it."""


_COMMANDS: dict[str, Any] = {cls.type: cls for cls in get_args(Command)}


class _Readers(dict[str, tuple[Any, Callable[[Any, Any], Any]]]):
    """For each type of command its class and its reader, as far as one was needed.

    To compile all takes 30 ms.
    """

    def __init__(self, converter: Converter) -> None:
        self._converter = converter

    def __missing__(self, word: str) -> tuple[Any, Callable[[Any, Any], Any]]:
        cls = _COMMANDS[word]
        self[word] = made = cls, self._converter.get_structure_hook(cls)
        return made


class Decoder:
    """Makes commands of bytes, for one setting of `limits.text_chars` and names."""

    def __init__(self, text_chars: int, names: Names = ASCII) -> None:
        """Read what is allowed in these; a command's reader is compiled on first use.

        Args:
            text_chars: How many code points a message may have; 0 means as many
                as fit into a frame.
            names: How names are spelled here.
        """
        self.text_chars = text_chars
        self._readers = _Readers(converter_for(text_chars, names))

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
                RejectCode.BAD_JSON, f"expected one JSON object, found {kind_of(frame)}"
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
            text = f"type: expected a string, found {kind_of(sent)}"
        else:
            shown = _shown(sent)
            near = difflib.get_close_matches(shown.lower(), _COMMANDS, n=1)
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
    name = WIRE_NAMES.get(note.name, note.name)
    text = "required" if isinstance(reason, KeyError) else str(reason)
    too_long = isinstance(reason, TooLong)
    return BadCommand(
        RejectCode.TOO_LONG if too_long else RejectCode.BAD_FIELD,
        f"{name}: {text}",
        field=name,
        frame=frame,
        counted=not all(isinstance(reason, Mistyped) for reason, _ in refused),
    )


# --- rules between the fields of one command -----------------------------------


def _hello(command: Hello) -> tuple[str, str] | None:
    other = "token" if command.token is not None else "session"
    has_other = command.token is not None or command.session is not None
    if command.link is not None and (has_other or command.name is not None):
        return "link", "one credential only, and another was given"
    if command.password is not None and command.name is None:
        return "password", "needs a name"
    if command.name is not None and has_other:
        return other, "one credential only, and a name was given"
    if command.another and command.session is None:
        return "another", "needs a session"
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
    if command.thread and command.reply_to is None:
        return "reply_to", "required with thread: what it is a reply to"
    return None


def _read(command: Read) -> tuple[str, str] | None:
    if command.back and command.thread is not None:
        return "back", "cannot be given together with thread"
    return None


def _history(command: History) -> tuple[str, str] | None:
    if command.before is not None and command.after is not None:
        return "after", "cannot be given together with before"
    return None


def _logout(command: Logout) -> tuple[str, str] | None:
    if command.everywhere and command.session is not None:
        return "session", "cannot be given together with everywhere"
    return None


def _create(command: Create) -> tuple[str, str] | None:
    if command.room is None and not command.private:
        return "room", 'required, or else "private":true'
    if command.room is not None and command.private:
        return "private", "cannot be given together with room: it gets a name"
    return None


def _connections(command: Connections) -> tuple[str, str] | None:
    if command.busiest and (command.after is not None or command.user is not None):
        return "busiest", "cannot be given together with user or after"
    return None


def _audit(command: Audit) -> tuple[str, str] | None:
    if command.operator and command.by is not None:
        return "operator", "cannot be given together with by"
    return None


def _disconnect(command: Disconnect) -> tuple[str, str] | None:
    if command.connection is None and command.user is None:
        return "connection", "required, or else user"
    if command.connection is not None and command.user is not None:
        return "user", "cannot be given together with connection"
    return None


def _user_add(command: UserAdd) -> tuple[str, str] | None:
    if command.role is GivenRole.BOT:
        if command.password is not None:
            return "password", "a bot has none: it comes in by a token"
    elif command.password is None:
        return "password", "required, but for a bot"
    return None


def _set_room(command: SetRoom) -> tuple[str, str] | None:
    if all(getattr(command, name) is None for name in SETTINGS):
        return "topic", f"required, or else another of {', '.join(SETTINGS)}"
    return None


_RULES: dict[type, Callable[[Any], tuple[str, str] | None]] = {
    Create: _create,
    Audit: _audit,
    Connections: _connections,
    Disconnect: _disconnect,
    SetRoom: _set_room,
    UserAdd: _user_add,
    Hello: _hello,
    Join: _join,
    Send: _send,
    Read: _read,
    History: _history,
    Logout: _logout,
}
"""The field that is wrong and why, or None."""


# --- words for people ----------------------------------------------------------


def _shown(sent: str) -> str:
    """Cut and clean what was sent, so that it may be shown and logged."""
    cut = sent[:TYPE_SHOWN_CHARS_MAX]
    clean = "".join(char if char.isprintable() and char != '"' else "?" for char in cut)
    return clean if len(cut) == len(sent) else f"{clean}…"
