"""`chatd protocol`, as it is typed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from chatd.cli import main
from chatd.cli.protocol import docstrings
from chatd.wire.asyncapi import asyncapi
from chatd.wire.schema import json_schema

CONFIG = Path(__file__).parents[2] / "config"


@pytest.mark.parametrize(
    ("name", "file", "document"),
    [
        ("schema", "protocol.schema.json", json_schema(docstrings())),
        ("asyncapi", "asyncapi.json", asyncapi(docstrings())),
    ],
)
def test_what_is_printed_is_on_disk(name: str, file: str, document: object) -> None:
    """What is printed is the document, and is kept in the project (`make generate`)."""
    done = CliRunner().invoke(main, ["protocol", name])
    assert done.exit_code == 0
    assert json.loads(done.stdout) == document
    assert (CONFIG / file).read_text(encoding="utf-8") == done.stdout


def test_docstrings_are_read_from_the_source() -> None:
    """Those of fields and of types, by their dotted names."""
    found = docstrings()
    assert found["chatd.wire.kinds.Emoji"].startswith("Exactly one emoji;")
    assert found["chatd.wire.events.Bye.reconnect"] == "Always written."
