"""The JSON Schema that editors use says what the table says."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from chatd.configfile import json_schema
from chatd.configfile.render import SCHEMA_FILE
from chatd.configfile.table import KEYS, SECTIONS

ROOT = Path(__file__).parents[2]
FILES = [ROOT / "chatd.toml.example", *sorted((ROOT / "config").glob("*.toml"))]


def errors(document: dict[str, Any]) -> list[str]:
    """What the schema has against a document."""
    validator = jsonschema.Draft7Validator(json_schema())
    return [error.json_path for error in validator.iter_errors(document)]


def test_the_schema_on_disk_is_the_one_that_is_written() -> None:
    """To write it again: chatd config schema > config/chatd.schema.json."""
    on_disk = json.loads((ROOT / SCHEMA_FILE).read_text(encoding="utf-8"))
    assert on_disk == json_schema()


def test_it_is_a_schema() -> None:
    """It is valid itself, by the rules of draft-07."""
    jsonschema.Draft7Validator.check_schema(json_schema())


def test_its_keys_are_those_of_the_table() -> None:
    """No key is missing, none is left over, and each is described."""
    sections = json_schema()["properties"]
    assert list(sections) == [section.name for section in SECTIONS]
    keys = {
        f"{section}.{name}": schema
        for section, table in sections.items()
        for name, schema in table["properties"].items()
    }
    assert list(keys) == list(KEYS)
    assert all(KEYS[path].doc in schema["description"] for path, schema in keys.items())


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_it_accepts_what_we_ship(file: Path) -> None:
    """The example and every profile are valid."""
    assert errors(tomllib.loads(file.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("[server]\nlistne = []", "$.server"),
        ("[sever]", "$"),
        ("[server]\nlisten = []", "$.server.listen"),
        ("[server]\nlisten = [1]", "$.server.listen[0]"),
        ("[history]\ncid_keep_d = 6", "$.history.cid_keep_d"),
        ("[heartbeat]\ninterval_s = 3601", "$.heartbeat.interval_s"),
        ("[limits]\ntext_chars = 1.5", "$.limits.text_chars"),
        ("[store]\npath = ''", "$.store.path"),
        ("[rooms]\ncreate = 'nobody'", "$.rooms.create"),
        ("[[rooms.permanent]]\ntopic = 'x'", "$.rooms.permanent[0]"),
    ],
)
def test_it_refuses_what_the_daemon_refuses(text: str, path: str) -> None:
    """Unknown keys, wrong types and values out of bounds are marked in an editor."""
    assert errors(tomllib.loads(text)) == [path]
