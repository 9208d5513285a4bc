"""What people read is what is in force."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from chatd.config import Config
from chatd.configfile import effective, example, load
from chatd.configfile.render import SCHEMA_FILE, plain, toml
from chatd.configfile.table import KEYS

ROOT = Path(__file__).parents[2]


def test_the_example_on_disk_is_the_one_that_is_written() -> None:
    """To write it again: chatd config default > chatd.toml.example."""
    assert (ROOT / "chatd.toml.example").read_text(encoding="utf-8") == example()


def test_the_example_names_its_schema_first() -> None:
    """Editors find the schema from the root of the project."""
    first = example().partition("\n")[0]
    assert first == f"#:schema ./{SCHEMA_FILE}"
    assert (ROOT / SCHEMA_FILE).is_file()


def test_the_example_is_the_defaults() -> None:
    """Every key is in the example, and loading it changes nothing."""
    loaded = load(ROOT / "chatd.toml.example", {})
    assert loaded.config == Config()
    assert set(loaded.origins.values()) == {str(ROOT / "chatd.toml.example")}


@pytest.mark.parametrize("path", KEYS)
def test_the_example_explains_every_key(path: str) -> None:
    """Doc, default and source stand above the key."""
    flat = " ".join(example().replace("\n# ", " ").split())
    key = KEYS[path]
    assert " ".join(key.doc.split()) in flat
    assert f"Default: {toml(plain(key.default))}" in flat
    assert f"({key.source})." in flat


def test_no_line_of_the_example_is_long() -> None:
    """It is read in a terminal."""
    assert max(map(len, example().splitlines())) <= 88


def test_what_is_in_force_can_be_loaded_again(tmp_path: Path) -> None:
    """`config show` writes a file with the same meaning, whatever the values."""
    environ = {
        "CHATD_SERVER__LISTEN": '["[::1]:1", "unix:a # b", "systemd"]',
        "CHATD_SERVER__TRUSTED_PROXIES": '["10.0.0.0/8", "::1"]',
        "CHATD_STORE__PATH": 'a "quoted" \\ \u202e\t path',
        "CHATD_PRESENCE__TICK_S": "0.25",
        "CHATD_ROOMS__PERMANENT": '[{name = "a", topic = "x = \'1\' }"}, {name = "b"}]',
    }
    loaded = load(None, environ)
    text = effective(loaded)
    assert "tick_s = 0.25  # environment CHATD_PRESENCE__TICK_S\n" in text
    assert "interval_s = 25  # default\n" in text
    file = tmp_path / "chatd.toml"
    file.write_text(text, encoding="utf-8")
    assert load(file, {}).config == loaded.config
    assert tomllib.loads(text).keys() == tomllib.loads(example()).keys()
