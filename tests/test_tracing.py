"""What coverage looks at, which makes it slow: `tests/conftest.py`."""

from __future__ import annotations

import subprocess
import sys


def test_what_tests_start_is_not_traced() -> None:
    """Also after coverage has stopped for a test, and gone on."""
    done = subprocess.run(
        [sys.executable, "-c", "import sys; print('coverage' in sys.modules)"],
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stdout == "False\n"
