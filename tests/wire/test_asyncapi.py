"""The AsyncAPI document is one, and says what the schema says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from chatd.cli.protocol import docstrings
from chatd.config import Config
from chatd.config.values import TcpAddress
from chatd.errors import MALFORMED, Ending, RejectCode
from chatd.wire.asyncapi import asyncapi
from chatd.wire.encode import encode
from chatd.wire.schema import COMMANDS, EVENTS, REPLIES, name_of
from tests.wire.contract import SCHEMA
from tests.wire.test_codec import COMMANDS as EXAMPLES
from tests.wire.test_encode import FRAMES

SPECS = Path(__file__).parents[1] / "foreign" / "node_modules" / "@asyncapi" / "specs"

DOCUMENT = asyncapi(docstrings())


def schemas() -> dict[str, Any]:
    """The definitions of the document, where their references find them."""
    return {"components": {"schemas": DOCUMENT["components"]["schemas"]}}


def is_valid(name: str, frame: Any) -> bool:
    """Whether a frame is what a message of the document says, by draft-07."""
    reference = DOCUMENT["components"]["messages"][name]["payload"]
    return jsonschema.Draft7Validator({**schemas(), "allOf": [reference]}).is_valid(
        frame
    )


def references(part: Any) -> Iterator[str]:
    """Every reference in a part of the document."""
    if isinstance(part, dict):
        if "$ref" in part:
            assert list(part) == ["$ref"], "draft-07 ignores what is beside it"
            yield part["$ref"]
        for value in part.values():
            yield from references(value)
    elif isinstance(part, list):
        for value in part:
            yield from references(value)


def test_it_is_an_asyncapi_document() -> None:
    """It is valid by the schema that AsyncAPI publishes, and a broken one is not."""
    published = json.loads((SPECS / "schemas" / "3.0.0.json").read_text())
    validator = jsonschema.Draft7Validator(published)
    assert [error.message for error in validator.iter_errors(DOCUMENT)] == []
    operations = DOCUMENT["operations"]
    broken = {**operations, "event": {**operations["event"], "action": "publish"}}
    assert not validator.is_valid({**DOCUMENT, "operations": broken})


def test_its_schemas_are_of_draft_07() -> None:
    """The dialect that AsyncAPI takes without asking."""
    jsonschema.Draft7Validator.check_schema({**schemas(), "$ref": "#"})
    names = DOCUMENT["components"]["schemas"].keys()
    assert names == SCHEMA["$defs"].keys()


def test_its_references_lead_somewhere() -> None:
    """Each is found in the document."""
    for reference in references(DOCUMENT):
        part: Any = DOCUMENT
        for step in reference.removeprefix("#/").split("/"):
            part = part[step]
        assert part


def test_each_class_is_a_message_of_one_operation() -> None:
    """Commands are received, replies answer them, events are sent."""
    command, event = DOCUMENT["operations"].values()
    for messages, classes in (
        (command["messages"], COMMANDS),
        (command["reply"]["messages"], REPLIES),
        (event["messages"], EVENTS),
    ):
        names = [message["$ref"].rpartition("/")[2] for message in messages]
        assert names == [name_of(cls) for cls in classes]


@pytest.mark.parametrize("frame", [frame for frame, _ in FRAMES], ids=repr)
def test_its_messages_are_the_frames_of_the_daemon(frame: Any) -> None:
    """What is encoded is valid here too, and is not without its type."""
    written = json.loads(encode(frame))
    assert is_valid(name_of(type(frame)), written)
    assert not is_valid(name_of(type(frame)), {**written, "type": "x"})


@pytest.mark.parametrize(("frame", "command"), EXAMPLES, ids=repr)
def test_its_messages_are_the_commands(frame: Any, command: Any) -> None:
    """What is decoded is valid here too, and is not with a wrong id."""
    assert is_valid(name_of(type(command)), frame)
    assert not is_valid(name_of(type(command)), {**frame, "id": []})


def test_it_names_the_default_port() -> None:
    """The server is the one that `chatd serve` starts."""
    (address,) = Config().server.listen
    assert isinstance(address, TcpAddress)
    assert DOCUMENT["servers"]["local"]["host"] == f"localhost:{address.port}"


def test_it_has_the_codes() -> None:
    """Every end of a connection that a client can see, and every error."""
    ends = {(row["code"], row["reason"]) for row in DOCUMENT["x-close-codes"]}
    assert ends == {(end.code, end.reason) for end in Ending if end.code is not None}
    errors = {row["code"]: row["malformed"] for row in DOCUMENT["x-error-codes"]}
    assert errors == {code.value: code in MALFORMED for code in RejectCode}
