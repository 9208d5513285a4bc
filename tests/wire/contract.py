"""Frames held against the schema of the protocol.

What the daemon sends is held against a closed copy, in which no frame has a field
that is not told: the published schema lets fields be added. Patterns mean what
ECMA-262 says they mean, where `$` is the end and not also a line break before it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import attrs
import jsonschema
from jsonschema.validators import extend

from chatd.cli.protocol import docstrings
from chatd.wire.schema import COMMANDS, EVENTS, REPLIES, json_schema, name_of

Frame = dict[str, Any]

SCHEMA = json_schema(docstrings())
CLOSED = {
    **SCHEMA,
    "$defs": {
        name: {**schema, **({"additionalProperties": False} if is_object else {})}
        for name, schema in SCHEMA["$defs"].items()
        for is_object in [schema.get("type") == "object"]
    },
}
COMMAND_NAMES = {cls.type: name_of(cls) for cls in COMMANDS}
EVENT_NAMES = {cls.type: name_of(cls) for cls in EVENTS}


def ecma(pattern: str) -> re.Pattern[str]:
    """A pattern of a schema, as ECMA-262 means it."""
    return re.compile(
        f"{pattern.removesuffix('$')}\\Z" if pattern.endswith("$") else pattern
    )


def _pattern(
    _: Any, pattern: str, value: Any, __: Any
) -> Iterator[jsonschema.ValidationError]:
    if isinstance(value, str) and not ecma(pattern).search(value):
        yield jsonschema.ValidationError(f"{value!r} does not match {pattern!r}")


Validator: Any = extend(  # type: ignore[no-untyped-call]
    jsonschema.Draft202012Validator, {"pattern": _pattern}
)


def validator(name: str, schema: Frame = SCHEMA) -> Any:
    """What checks one definition."""
    return Validator({"$ref": f"#/$defs/{name}", "$defs": schema["$defs"]})


OPEN = {name: validator(name) for name in SCHEMA["$defs"]}
VALIDATORS = {name: validator(name, CLOSED) for name in CLOSED["$defs"]}
CLIENT_FRAME = OPEN["ClientFrame"]
SERVER_FRAME = OPEN["ServerFrame"]


def candidates(frame: Frame) -> list[str]:
    """What a frame of the daemon may be, by its `type` and `re`."""
    kind = frame["type"]
    if kind in EVENT_NAMES:
        return [EVENT_NAMES[kind]]
    return [name_of(cls) for cls in REPLIES if cls.type == kind]


def recognise(frame: Frame) -> str:
    """Hold a frame of the daemon against the schema; return what it is called there."""
    faults = {}
    for name in candidates(frame):
        errors = [*VALIDATORS[name].iter_errors(frame)]
        if not errors:
            return name
        faults[name] = [f"{error.json_path}: {error.message}" for error in errors]
    raise AssertionError(f"{frame} is no frame of the protocol: {faults}")


@attrs.define(eq=False)
class Traffic:
    """What was said and heard, by the names of the schema."""

    heard: Counter[str] = attrs.field(factory=Counter)
    said: Counter[str] = attrs.field(factory=Counter)
    """Only commands that were not refused."""
    codes: Counter[str] = attrs.field(factory=Counter)
    """Of errors, and of goodbyes."""

    def hear(self, frame: Frame) -> None:
        """Take what the daemon has sent; it must be in the schema, without a rest."""
        self.heard[recognise(frame)] += 1
        if "code" in frame:
            self.codes[str(frame["code"])] += 1

    def grant(self, frame: Frame) -> None:
        """Take a command that the daemon has granted; the schema must allow it."""
        name = COMMAND_NAMES[frame["type"]]
        errors = [error.message for error in OPEN[name].iter_errors(frame)]
        assert not errors, f"{frame} was granted: {errors}"
        self.said[name] += 1
