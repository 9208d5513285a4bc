"""The protocol as JSON Schema, written from the classes that define it.

Nothing here describes a frame. What a field is called, of which type it is and when
it may be missing is read from the classes of `chatd.wire.commands`,
`chatd.wire.events` and `chatd.wire.replies`, by the rules by which the codec reads
and writes them. What values of a type look like and what the fields of one command
demand of each other cannot be read from a class; `chatd.wire.forms` says it.

The two directions differ. A client may spell a name in capitals, may write null
for a field that it may leave out for good, and may add fields: what the daemon does
not know it ignores. What the daemon writes is canonical and never null. It may say
more within one version of the protocol, so fields may be added to its frames, too.

Descriptions are the docstrings. Those of fields and types are in the source only, so
the caller reads them from the disk and passes them in.

Pure. Source: JSON Schema draft 2020-12.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import Enum, EnumType
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin

import attrs

from chatd.wire.commands import Command
from chatd.wire.encode import TIMES, is_left_out
from chatd.wire.forms import FIELDS, PLAIN, RULES, SENT, TIME, VALUES, Schema
from chatd.wire.kinds import WIRE_NAMES, CommandId
from chatd.wire.replies import ServerFrame

Docs = Mapping[str, str]
"""Docstrings of fields and types by their dotted names, such as `chatd.ids.Seq`."""

COMMANDS: tuple[Any, ...] = get_args(Command)
_ANSWERS: tuple[Any, ...] = get_args(ServerFrame)
REPLIES = tuple(cls for cls in _ANSWERS if "re" in attrs.fields_dict(cls))
EVENTS = tuple(cls for cls in _ANSWERS if cls not in REPLIES)
MODULES = sorted(
    {cls.__module__ for cls in (*COMMANDS, *_ANSWERS)}
    | {kind.__module__ for kind in VALUES if hasattr(kind, "__supertype__")}
)
"""The modules whose docstrings become descriptions."""

_EMPTY: dict[Any, str] = {str: "minLength", list: "minItems", dict: "minProperties"}


def json_schema(docs: Docs) -> Schema:
    """Write the schema of the protocol: every frame, and all that is in one."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "chatd.v1",
        "description": "The frames of the chatd protocol, version 1. What a client"
        " sends is a ClientFrame, what it gets is a ServerFrame.",
        "anyOf": [_reference("ClientFrame"), _reference("ServerFrame")],
        "$defs": definitions(docs),
    }


def definitions(docs: Docs) -> dict[str, Schema]:
    """Write the schema of each frame, of its parts, and of each type of a field."""
    writer = _Writer(docs)
    for cls in (*COMMANDS, *EVENTS, *REPLIES):
        writer.define(name_of(cls), cls)
    return {
        "ClientFrame": {
            "description": "Any command. Unknown fields are ignored.",
            "oneOf": _references(COMMANDS),
        },
        "ServerFrame": {
            "description": "Anything that the daemon sends. Ignore fields and types"
            " of events that you do not know.",
            "oneOf": [_reference("Event"), _reference("Reply")],
        },
        "Event": {
            "description": "Whatever answers no command: it has no `re`.",
            "oneOf": _references(EVENTS),
        },
        "Reply": {
            "description": "The answer to one command, whose type is `re`.",
            # Any: as fields may be added, one `ok` may be as good as another.
            "anyOf": _references(REPLIES),
        },
        **writer.defined,
    }


def name_of(cls: Any) -> str:
    """What a class is called in the schema; some commands and events share theirs."""
    if cls in COMMANDS:
        return f"{cls.__name__}Command"
    if cls in REPLIES:
        return f"{cls.__name__}Reply"
    return f"{cls.__name__}Event" if cls in EVENTS else str(cls.__name__)


def wire_name(field: attrs.Attribute[Any]) -> str:
    """What a field is called on the wire."""
    return WIRE_NAMES.get(field.name, field.name)


def flowing(doc: str | None) -> str:
    """Return a docstring without the line breaks of its source."""
    paragraphs = (doc or "").strip().split("\n\n")
    return "\n\n".join(" ".join(text.split()) for text in paragraphs)


@attrs.define
class _Writer:
    """Writes the schema of classes, and collects what they refer to."""

    docs: Docs
    defined: dict[str, Schema] = attrs.field(factory=dict)

    def define(self, name: str, cls: Any) -> None:
        """Write a frame, or a part of one."""
        attrs.resolve_types(cls)
        kind = getattr(cls, "type", None)
        is_frame = isinstance(kind, str)
        field = self._asked if cls in COMMANDS else self._told
        properties: Schema = {"type": {"const": kind}} if is_frame else {}
        required = list(properties)
        for one in attrs.fields(cls):
            properties[wire_name(one)] = {
                **field(cls, one),
                **self._doc(*(f"{_path(each)}.{one.name}" for each in cls.__mro__)),
            }
            if _is_required(cls, one):
                required.append(wire_name(one))
        self.defined[name] = {
            "description": flowing(cls.__doc__),
            "type": "object",
            "properties": properties,
            "required": required,
            **RULES.get(cls, {}),
        }

    def _asked(self, cls: Any, field: attrs.Attribute[Any]) -> Schema:
        """Write a field of a command, as a client may send it."""
        value = self._value(cls, field.name, field.type, is_sent=True)
        if field.default is None:
            return {"anyOf": [value, {"type": "null"}]}
        if field.default is attrs.NOTHING:
            return value
        default = field.default
        # JSON has no tuples.
        return {**value, "default": [*default] if type(default) is tuple else default}

    def _told(self, cls: Any, field: attrs.Attribute[Any]) -> Schema:
        """Write a field of an event, a reply or a part, as the daemon writes it."""
        if (form := FIELDS.get((cls, field.name))) is not None:
            return form
        if field.name == "re":
            return _answered(field)
        if field.name in TIMES:
            self.defined["Time"] = TIME
            return _reference("Time")
        value = self._value(cls, field.name, field.type, is_sent=False)
        if field.default is attrs.NOTHING or field.default is None:
            return value
        return {**value, **unlike(field.default)}

    def _value(self, cls: Any, name: str, kind: Any, *, is_sent: bool) -> Schema:
        """Write what one type allows. None is the caller's business."""
        origin, inner = get_origin(kind), get_args(kind)
        if kind in PLAIN:
            return PLAIN[kind]
        if kind in VALUES:
            return self._form(kind, is_sent=is_sent)
        if origin in (Union, UnionType):
            kinds = [one for one in inner if one is not NoneType]
            forms = [self._value(cls, name, one, is_sent=is_sent) for one in kinds]
            return {"oneOf": forms} if len(forms) > 1 else forms[0]
        if origin is list:
            items = self._value(cls, name, inner[0], is_sent=is_sent)
            return {"type": "array", "items": items}
        if origin is dict:
            values = self._value(cls, name, inner[1], is_sent=is_sent)
            return {"type": "object", "additionalProperties": values}
        if attrs.has(kind):
            if name_of(kind) not in self.defined:
                self.define(name_of(kind), kind)
            return _reference(name_of(kind))
        raise LookupError(
            f"{_path(cls)}.{name}: its type {getattr(kind, '__name__', kind)} has no"
            " form; add one to VALUES in chatd/wire/forms.py"
        )

    def _form(self, kind: Any, *, is_sent: bool) -> Schema:
        """Refer to a type that has a name of its own."""
        # A union has none.
        name = "CommandId" if kind == CommandId else kind.__name__
        doc = self._doc(f"{kind.__module__}.{name}")
        if isinstance(kind, EnumType):
            doc = {"description": flowing((kind.__doc__ or "").partition("\n\n")[0])}
        form = VALUES[kind]
        if is_sent and kind in SENT:
            name, form = f"{name}Sent", SENT[kind]
        self.defined[name] = {**doc, **form}
        return _reference(name)

    def _doc(self, *names: str) -> Schema:
        """Describe what has a docstring under one of these names."""
        told = [self.docs[name] for name in names if name in self.docs]
        return {"description": flowing(told[0])} if told else {}


def unlike(default: Any) -> Schema:
    """Exclude the default of a field that is left out when it has it."""
    if type(default) is bool:
        return {"const": not default}
    if isinstance(default, Enum):
        return {}  # it says something, so it is written
    if isinstance(default, attrs.Factory):  # type: ignore[arg-type]
        default = default.factory()
    if (keyword := _EMPTY.get(type(default))) is not None:
        return {keyword: 1}
    return {"not": {"const": default}}


def _is_required(cls: Any, field: attrs.Attribute[Any]) -> bool:
    if cls in COMMANDS:
        return field.default is attrs.NOTHING
    return not is_left_out(field)


def _answered(field: attrs.Attribute[Any]) -> Schema:
    """Write `re`: the one command that is answered so, or all without an own answer."""
    if field.default is not attrs.NOTHING:
        return {"const": field.default}
    own = {attrs.fields_dict(cls)["re"].default for cls in REPLIES}
    free = [cls.type for cls in COMMANDS if cls.type not in own]
    return {"type": "string", "enum": free}


def _path(cls: Any) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"


def _reference(name: str) -> Schema:
    return {"$ref": f"#/$defs/{name}"}


def _references(classes: Iterable[Any]) -> list[Schema]:
    return [_reference(name_of(cls)) for cls in classes]
