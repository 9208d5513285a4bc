"""The page's modules, each tested in its own language by what stands beside this."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent
TESTS = sorted(HERE.rglob("*.test.mjs"))


@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.name)
def test_module(path: Path) -> None:
    """All that the file says is so, and none of it is left out."""
    done = subprocess.run(
        ["node", "--test", path],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "\n# fail 0\n# cancelled 0\n# skipped 0\n# todo 0\n" in done.stdout
