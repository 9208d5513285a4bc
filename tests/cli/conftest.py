"""A daemon for the commands that talk to one."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

CHATD = (sys.executable, "-m", "chatd")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the daemon has its data."""
    return tmp_path_factory.mktemp("daemon")


@pytest.fixture(scope="module")
def url(data: Path) -> Iterator[str]:
    """A daemon without a configuration, on a port of its own."""
    command = (*CHATD, "serve", "--listen", "127.0.0.1:0", "--data", str(data))
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as daemon:
        assert daemon.stdout is not None
        for line in daemon.stdout:
            if found := re.search(r"http://127\.0\.0\.1:\d+", line):
                yield found[0]
                break
        daemon.terminate()
        daemon.stdout.read()
