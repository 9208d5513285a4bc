"""A minute of the fuzzer in every run of the tests, each time with a new seed."""

from __future__ import annotations

import os
from pathlib import Path

from tests.fuzz.run import fuzz

SECONDS = float(os.environ.get("FUZZ_SECONDS", "60"))
SEED = int(os.environ["FUZZ_SEED"])


async def test_whatever_anybody_says(tmp_path: Path) -> None:
    """What `tests.fuzz.run` lists holds, whatever is said, cut off and killed."""
    happened = await fuzz(tmp_path, SEED, SECONDS)
    assert happened["kills"]
    assert happened["messages compared"]
    assert happened["accounts ended"]
