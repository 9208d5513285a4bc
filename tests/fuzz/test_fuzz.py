"""A minute of the fuzzer in every run of the tests, each time with a new seed."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

import pytest

from tests.fuzz.run import fuzz

SECONDS = float(os.environ.get("FUZZ_SECONDS", "60"))
SEED = int(os.environ.get("FUZZ_SEED", secrets.randbits(32)))


async def test_whatever_anybody_says(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What `tests.fuzz.run` lists holds, whatever is said, cut off and killed."""
    with capsys.disabled():
        print(f"\nfuzz: FUZZ_SEED={SEED}")  # noqa: T201 - to repeat it
    happened = await fuzz(tmp_path, SEED, SECONDS)
    assert happened["kills"]
    assert happened["messages compared"]
