"""One browser for each process of tests, and a daemon and people for each test."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.web.page.daemon import Daemon, running
from tests.web.page.person import Come, people

CHROMIUM = "/usr/bin/chromium-headless-shell"
"""Debian's; `make test` installs it. It renders as Chromium does and has no window, so
that nothing is spent on what would be around the page.
"""


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A browser, in which each person has a profile of his own."""
    # The sandbox needs rights that root in a container has not.
    options = ["--no-sandbox"] if os.geteuid() == 0 else []
    with (
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=CHROMIUM, args=options) as browser,
    ):
        yield browser


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    """A daemon with two rooms, and accounts of ann, bob and cy."""
    with running(tmp_path) as daemon:
        yield daemon


@pytest.fixture
def come(browser: Browser, daemon: Daemon) -> Iterator[Come]:
    """Bring somebody before a browser: logged in, if he is named."""
    with people(browser, daemon) as come:
        yield come
