"""A network of the tests leaves nothing behind."""

from __future__ import annotations

import os
import select
import subprocess
import sys

from tests.cluster.network import PATIENCE_S

OWNER = """
import signal, subprocess
from tests.cluster.network import network
with network("here", "there") as between:
    print(between._router.pid, flush=True)
    command = ["sh", "-c", "echo $$; exec sleep infinity"]
    for machine in between.machines.values():
        subprocess.Popen([*machine.running(), *command])
    signal.pause()
"""


def test_all_ends_with_who_has_made_it() -> None:
    """Whoever has made a network may be killed: then who runs on it is, too, and the
    router ends, which has the names of all namespaces.
    """
    owner = subprocess.Popen([sys.executable, "-c", OWNER], stdout=subprocess.PIPE)
    with owner:
        assert owner.stdout is not None
        ends = [os.pidfd_open(int(owner.stdout.readline())) for _ in range(3)]
        owner.kill()
    try:
        for end in ends:
            assert select.select([end], [], [], PATIENCE_S)[0], "it lives on"
    finally:
        for end in ends:
            os.close(end)
