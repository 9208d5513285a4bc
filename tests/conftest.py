"""What every test shares: how Hypothesis searches, and a look at each query plan.

The fuzzer's seed is drawn here, where all processes of a run find it, and told.

`make test` runs under coverage, which makes Python three to four times slower. So it
traces only tests that mirror what must be covered at every branch (`TRACED`), and not
those among them that repeat a hundred thousand times what others show once: they are
marked `untraced` where they stand.
"""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Generator, Iterator
from pathlib import Path

import apsw
import pytest
from coverage import Coverage
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


TRACED = ("core/", "names/", "net/test_outbox.py", "wire/", "words/")
"""Where the tests are of what is covered at every branch."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Stop coverage, if it runs, while a test runs that is not to be traced."""
    coverage = Coverage.current()
    place = item.path.relative_to(Path(__file__).parent).as_posix()
    is_traced = place.startswith(TRACED) and not item.get_closest_marker("untraced")
    if coverage is None or is_traced:
        return (yield)
    coverage.stop()
    try:
        return (yield)
    finally:
        forget_computed()
        coverage.start()


def forget_computed() -> None:
    """Forget what is computed once for a process.

    Or a test that is not traced would have computed it, and no line of that would be
    covered: which tests come before others differs from run to run.
    """
    covered = ("chatd.core", "chatd.names", "chatd.wire", "chatd.words")
    for name, module in list(sys.modules.items()):
        if name.startswith(covered):
            for value in vars(module).values():
                if clear := getattr(value, "cache_clear", None):
                    clear()


@pytest.fixture(scope="session", autouse=True)
def _daemons_are_not_traced() -> None:
    """Keep coverage out of what tests start; pytest's own processes have it by now."""
    for name in [name for name in os.environ if name.startswith("COVERAGE")]:
        del os.environ[name]


def pytest_configure() -> None:
    """Draw the seed of this run."""
    os.environ.setdefault("FUZZ_SEED", str(secrets.randbits(32)))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say with which seed the fuzzer can be played again."""
    terminalreporter.write_line(f"fuzz: FUZZ_SEED={os.environ['FUZZ_SEED']}")
