"""From an event or a reply to the JSON bytes of one frame.

`encode` writes what `chatd.wire.events` describes. The names and shapes of the
wire that differ from those of the code are all here: `type` comes first, a
`sender` is called `from` and `seconds` is called `for` (Python keeps both words
for itself), times become RFC 3339, and what is not there is left out instead of
being written as null.

Left out is a field that is empty as its class's default is (None, False, an empty
string or list), and a field without a default that is None. So a number or a
flag that the protocol always shows has no default in its class. A default that
says something (the `re` of an answer to one command only) is written.

An event is encoded once for all its receivers; the frame header is added by
`chatd.wire.framing`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, get_args

import attrs
import orjson
from cattrs import Converter
from cattrs.fns import identity
from cattrs.gen import make_dict_unstructure_fn, override

from chatd.wire.admissions import InvitationShown
from chatd.wire.events import Happened, Millis, UserShown
from chatd.wire.kinds import WIRE_NAMES, CommandId
from chatd.wire.moderation import StandingShown
from chatd.wire.operator import AuditShown, ConnectionShown
from chatd.wire.replies import (
    MessageFound,
    MessageKept,
    MessageShown,
    ServerFrame,
    ThreadListed,
)
from chatd.wire.rooms import RoomShown
from chatd.wire.sessions import SessionShown
from chatd.wire.timestamps import rfc3339

TIMES = frozenset(
    {"ts", "now", "until", "opened", "seen", "made", "expires", "started"}
)
"""The fields that hold milliseconds here and RFC 3339 on the wire."""

Dump = Callable[[Any], dict[str, Any]]
"""Makes the dictionary of one class's frames, without their type."""


def encode(frame: ServerFrame) -> bytes:
    """Return the frame as one JSON object, with `type` first."""
    head, dump = _DUMPS[type(frame)]
    return head + orjson.dumps(dump(frame))[1:]


def encode_part(
    part: MessageShown
    | MessageFound
    | MessageKept
    | ThreadListed
    | UserShown
    | RoomShown
    | SessionShown
    | InvitationShown
    | ConnectionShown
    | AuditShown
    | StandingShown
    | Happened
    | str,
) -> bytes:
    """Return one entry of a page as it will stand in the reply, to measure it."""
    if isinstance(part, Happened):
        return orjson.dumps(_event(part))
    return orjson.dumps(_CONVERTER.unstructure(part))


def _event(event: Happened) -> dict[str, Any]:
    """An event that stands in a reply: it has its type there, too."""
    return {"type": event.type, **_CONVERTER.unstructure(event)}


def _events(events: list[Happened]) -> list[dict[str, Any]]:
    return [_event(event) for event in events]


def _rfc3339_or_none(ts: Millis | None) -> str | None:
    return None if ts is None else rfc3339(ts)


def is_left_out(field: attrs.Attribute[Any]) -> bool:
    """Whether a field is missing on the wire when there is nothing to say.

    Args:
        field: One of a class whose types are resolved.
    """
    if field.default is attrs.NOTHING:
        return type(None) in get_args(field.type)
    return not isinstance(field.default, str) or field.default == ""


def _converter() -> Converter:
    converter = Converter()
    converter.register_unstructure_hook_factory(
        attrs.has, lambda cls: _dump_of(cls, converter)
    )
    return converter


def _dump_of(cls: Any, converter: Converter) -> Dump:
    """Compile what turns one class's instances into dictionaries."""
    attrs.resolve_types(cls)
    overrides: dict[str, Any] = {}
    nullable = []
    for field in attrs.fields(cls):
        name = WIRE_NAMES.get(field.name, field.name)
        omits = is_left_out(field)
        overrides[field.name] = override(
            rename=name, omit_if_default=omits, unstruct_hook=_hook(field)
        )
        if omits and field.default is attrs.NOTHING:
            nullable.append(name)
    dump: Dump = make_dict_unstructure_fn(cls, converter, **overrides)
    if not nullable:
        return dump

    def dump_without_none(frame: Any) -> dict[str, Any]:
        written = dump(frame)
        for name in nullable:
            if written[name] is None:
                del written[name]
        return written

    return dump_without_none


def _hook(field: attrs.Attribute[Any]) -> Callable[[Any], Any] | None:
    """What writes a field; None leaves it to the converter."""
    if field.name in TIMES:
        return rfc3339 if field.type is int else _rfc3339_or_none
    if field.type == list[Happened]:
        return _events
    # By itself cattrs asks each time which of the two it is.
    return identity if field.type == CommandId else None


class _Dumps(dict[type, tuple[bytes, Dump]]):
    """For each class its head and its dump, compiled when the first is written.

    The head takes the place of the brace. Every class has a field that is always
    written, so the comma is right.
    """

    def __missing__(self, cls: Any) -> tuple[bytes, Dump]:
        head = b'{"type":' + orjson.dumps(cls.type) + b","
        self[cls] = made = head, _CONVERTER.get_unstructure_hook(cls)
        return made


_CONVERTER = _converter()
_DUMPS = _Dumps()
