"""What every test shares: how Hypothesis searches, and a look at each query plan.

The fuzzer's seed is drawn here, where all processes of a run find it, and told.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator

import apsw
import pytest
from hypothesis import settings

from tests.store.plans import Watch

# The same examples each time, so that a verdict belongs to the code and not to
# the day; and no deadline, since a slow machine is no fault of what it tests.
settings.register_profile("chatd", derandomize=True, deadline=None)
settings.load_profile("chatd")

WATCH = Watch()
apsw.connection_hooks.append(WATCH.attach)


@pytest.fixture(autouse=True)
def _plans() -> Iterator[None]:
    """Whatever a test has the store run goes by a key."""
    yield
    assert WATCH.faults() == []


def pytest_configure() -> None:
    """Draw the seed of this run."""
    os.environ.setdefault("FUZZ_SEED", str(secrets.randbits(32)))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say with which seed the fuzzer can be played again."""
    terminalreporter.write_line(f"fuzz: FUZZ_SEED={os.environ['FUZZ_SEED']}")
