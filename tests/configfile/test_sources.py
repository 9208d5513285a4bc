"""How the environment spells a value."""

from __future__ import annotations

import pytest

from chatd.configfile.sources import from_text
from chatd.configfile.table import KEYS


@pytest.mark.parametrize(
    ("path", "text", "value"),
    [
        ("store.path", "/var/lib/chatd", "/var/lib/chatd"),
        ("store.path", '"/var/lib/chatd"', "/var/lib/chatd"),
        ("store.path", "7", "7"),
        ("store.path", "true", "true"),
        ("store.path", "", ""),
        ("log.level", "debug", "debug"),
        ("auth.guests", "false", False),
        ("auth.guests", "no", "no"),
        ("auth.session_days", "7", 7),
        ("auth.session_days", "7\n[x]", "7\n[x]"),
        ("auth.session_days", "[" * 100_000, "[" * 100_000),
        ("presence.grace_s", "0.5", 0.5),
        ("server.listen", '["localhost:1"]', ["localhost:1"]),
        ("server.listen", "localhost:1", "localhost:1"),
        ("rooms.permanent", '[{name = "a"}]', [{"name": "a"}]),
    ],
)
def test_a_variable_is_a_toml_value(path: str, text: str, value: object) -> None:
    """Quotes may be left out of a string, and what is no value stays text."""
    assert from_text(text, KEYS[path]) == value
