"""What every test shares: how Hypothesis searches, and a look at each query plan.

The fuzzer's seed is drawn here, where all processes of a run find it, and told.

`make test` runs under coverage, which makes Python three to four times slower. So it
traces only tests that mirror what must be covered at every branch (`TRACED`), and not
those among them that repeat a hundred thousand times what others show once (they are
marked `untraced` where they stand), nor those whose input Hypothesis draws: what they
alone covered would be covered by chance.
"""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest
from coverage import Coverage
from hypothesis import settings

from chatd.observe import configure_log
from tests.store.plans import Watch

# The same examples each time, so that a verdict belongs to the code and not to
# the day; and no deadline, since a slow machine is no fault of what it tests.
settings.register_profile("chatd", derandomize=True, deadline=None)
settings.load_profile("chatd")

WATCH = Watch()
apsw.connection_hooks.append(WATCH.attach)


@pytest.fixture(autouse=True)
def _log() -> None:
    """Each test has the same log, whatever commands ran in this process before."""
    configure_log("debug", "console")


@pytest.fixture(autouse=True)
def _plans() -> Iterator[None]:
    """Whatever a test has the store run goes by a key."""
    yield
    assert WATCH.faults() == []


COVERAGE = Coverage.current()
"""What looks at this process, if anything does; it may have stopped meanwhile."""
TRACED = ("core/", "names/", "net/test_outbox.py", "wire/", "words/")
"""Where the tests are of what is covered at every branch."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Have those that are to be traced first: tracing begins and ends once, then."""
    items.sort(key=_is_to_be_traced, reverse=True)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> None:
    """Have coverage, if it runs, look at the tests alone that are to be traced."""
    if COVERAGE is None:
        return
    is_traced = _is_to_be_traced(item)
    is_looking = COVERAGE is Coverage.current()
    if is_looking and not is_traced:
        COVERAGE.stop()
    elif is_traced and not is_looking:
        forget_computed()
        COVERAGE.start()
    _keep_coverage_here()


def _is_to_be_traced(item: pytest.Item) -> bool:
    """Whether coverage comes from a test."""
    place = item.path.relative_to(Path(__file__).parent).as_posix()
    return place.startswith(TRACED) and not any(
        item.get_closest_marker(marker) for marker in ("untraced", "hypothesis")
    )


def forget_computed() -> None:
    """Forget what is computed once for a process.

    Or tests that are not traced would have computed it, and no line of that would be
    covered: which tests come before others differs from run to run.
    """
    covered = ("chatd.core", "chatd.names", "chatd.wire", "chatd.words")
    for name, module in list(sys.modules.items()):
        if name.startswith(covered):
            for value in vars(module).values():
                if clear := getattr(value, "cache_clear", None):
                    clear()


def _keep_coverage_here() -> None:
    """Keep coverage out of what a test starts.

    Pytest's own processes have it by now. It tells others through the environment, each
    time that it starts.
    """
    for name in [name for name in os.environ if name.startswith("COVERAGE")]:
        del os.environ[name]


def pytest_configure() -> None:
    """Draw the seed of this run."""
    os.environ.setdefault("FUZZ_SEED", str(secrets.randbits(32)))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say with which seed the fuzzer can be played again."""
    terminalreporter.write_line(f"fuzz: FUZZ_SEED={os.environ['FUZZ_SEED']}")
