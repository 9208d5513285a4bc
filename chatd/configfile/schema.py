"""The configuration as JSON Schema, for editors and for checks in CI.

Draft-07, the newest that TOML editors agree on. It says of a value what the type
and the bounds say; how an address is spelled, and what contradicts each other,
only `chatd check` knows.
"""

from __future__ import annotations

from typing import Any, Literal, get_args, get_origin

import attrs

from chatd.configfile.render import plain
from chatd.configfile.table import SECTIONS, Key, Section, keys_of

_NAMES = {bool: "boolean", int: "integer", float: "number"}


def json_schema() -> dict[str, Any]:
    """Write the JSON Schema of a configuration file."""
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "chatd.toml",
        "description": "The configuration of chatd.",
        "type": "object",
        "additionalProperties": False,
        "properties": {
            section.name: {"description": section.doc, **_section(section)}
            for section in SECTIONS
        },
    }


def _section(section: Section) -> dict[str, Any]:
    schema = _table(section.keys)
    for key in section.keys:
        schema["properties"][key.name]["x-applies"] = key.applies
    return schema


def _table(keys: tuple[Key, ...]) -> dict[str, Any]:
    required = [key.name for key in keys if key.default is attrs.NOTHING]
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {key.name: _key(key) for key in keys},
        **({"required": required} if required else {}),
    }


def _key(key: Key) -> dict[str, Any]:
    schema = {
        "description": f"{key.doc}\n\nDefault: {key.source}.",
        **_value(key.type),
    }
    low, high = _BOUNDS[schema["type"]]
    if key.min is not None:
        schema[low] = plain(key.min)
    if key.max is not None:
        schema[high] = plain(key.max)
    if key.default is not attrs.NOTHING:
        schema["default"] = plain(key.default)
    return schema


def _value(kind: Any) -> dict[str, Any]:
    if get_origin(kind) is Literal:
        return {"type": "string", "enum": list(get_args(kind))}
    if get_origin(kind) is tuple:
        return {"type": "array", "items": _value(get_args(kind)[0])}
    if attrs.has(kind):
        return _table(tuple(keys_of(kind)))
    return {"type": _NAMES.get(kind, "string")}


_BOUNDS = {
    "integer": ("minimum", "maximum"),
    "number": ("minimum", "maximum"),
    "string": ("minLength", "maxLength"),
    "array": ("minItems", "maxItems"),
    "boolean": ("", ""),
}
"""How draft-07 calls the bounds of each type."""
