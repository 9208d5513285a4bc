"""The pictures in the documents."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PICTURES = sorted((ROOT / "contrib" / "screenshots").glob("*.png"))
BYTES_MAX = 150_000


def test_the_readme_shows_each_picture_that_there_is() -> None:
    """Each image of the README exists, and each picture is one of them."""
    shown = re.findall(r"!\[[^]]+\]\(([^)]+\.png)\)", (ROOT / "README.md").read_text())
    assert sorted(shown) == [str(path.relative_to(ROOT)) for path in PICTURES]


@pytest.mark.parametrize("path", PICTURES, ids=lambda path: path.name)
def test_a_picture_is_small(path: Path) -> None:
    """It is a PNG of less than 150 kB."""
    content = path.read_bytes()
    assert content.startswith(b"\x89PNG\r\n\x1a\n")
    assert len(content) < BYTES_MAX
