"""The protocol as AsyncAPI, for its generators and viewers.

One channel, the WebSocket; one operation for each direction, as the daemon sees it:
it receives commands and replies to them, and it sends events. Each message is a
class of the schema (`chatd.wire.schema`), whose definitions stand in the components,
in the dialect that AsyncAPI takes without asking: draft-07, where nothing may stand
beside a `$ref`.

What AsyncAPI has no word for are the ends of a connection and the codes of errors:
`x-close-codes` and `x-error-codes` are the tables of `chatd.errors`.

Pure. Source: AsyncAPI 3.0.0.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from chatd.errors import MALFORMED, Ending, RejectCode
from chatd.wire.forms import Schema
from chatd.wire.schema import (
    COMMANDS,
    EVENTS,
    REPLIES,
    Docs,
    definitions,
    flowing,
    name_of,
)

_DEFINED = "#/$defs/"
_SCHEMAS = "#/components/schemas/"
_CHANNEL = "#/channels/chat"
_FRAMES = (*COMMANDS, *EVENTS, *REPLIES)


def asyncapi(docs: Docs) -> Schema:
    """Write the AsyncAPI document of the protocol."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "chatd.v1",
            "version": "1",
            "description": "Durable rooms over a WebSocket. PROTOCOL.md tells what"
            " the frames mean and in which order they come.",
            "license": {"name": "MIT"},
        },
        "defaultContentType": "application/json",
        "servers": {
            "local": {
                "host": "localhost:8765",
                "protocol": "ws",
                "description": "Where `chatd serve` listens by default.",
            }
        },
        "channels": {
            "chat": {
                "address": "/ws",
                "description": "One JSON object in each text frame.",
                "messages": {
                    name_of(cls): {"$ref": f"#/components/messages/{name_of(cls)}"}
                    for cls in _FRAMES
                },
                "bindings": {"ws": {"method": "GET", "bindingVersion": "0.1.0"}},
            }
        },
        "operations": _operations(),
        "components": {
            "messages": {name_of(cls): _message(cls) for cls in _FRAMES},
            "schemas": {
                name: _older(schema) for name, schema in definitions(docs).items()
            },
        },
        "x-close-codes": [
            {"code": row.code, "reason": row.reason, "reconnect": row.reconnect}
            for row in (ending.value for ending in Ending)
            if row.code is not None
        ],
        "x-error-codes": [
            {"code": code.value, "malformed": code in MALFORMED} for code in RejectCode
        ],
    }


def _operations() -> Schema:
    channel = {"$ref": _CHANNEL}
    return {
        "command": {
            "action": "receive",
            "channel": channel,
            "summary": "What a client may ask; each gets one reply.",
            "messages": _references(COMMANDS),
            "reply": {"channel": channel, "messages": _references(REPLIES)},
        },
        "event": {
            "action": "send",
            "channel": channel,
            "summary": "What happened.",
            "messages": _references(EVENTS),
        },
    }


def _message(cls: Any) -> Schema:
    return {
        "name": cls.type,
        "summary": flowing(cls.__doc__),
        "payload": {"$ref": f"{_SCHEMAS}{name_of(cls)}"},
    }


def _references(classes: Iterable[Any]) -> list[Schema]:
    return [{"$ref": f"{_CHANNEL}/messages/{name_of(cls)}"} for cls in classes]


def _older(schema: Any) -> Any:
    """Write a schema so that it means the same in draft-07."""
    if isinstance(schema, list):
        return [_older(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    older = {name: _older(value) for name, value in schema.items()}
    if "$ref" not in older:
        return older
    # draft-07 looks at nothing beside a reference.
    reference = {"$ref": older.pop("$ref").replace(_DEFINED, _SCHEMAS)}
    return {"allOf": [reference], **older} if older else reference
