"""A real `chatd serve` for people with browsers, who do not know Trio.

It keeps its address over its lives, so that a page finds it again, and its accounts
are put into the store before the first of them. It is ended by its pid.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import attrs

import chatd
from chatd.auth.passwords import HASHER
from chatd.enums import AccountRole
from chatd.ids import UserName
from tests.live.daemon import PATIENCE_S
from tests.live.daemon import Daemon as Numbers
from tests.live.forks import Child, shared
from tests.live.proxies import free_ports
from tests.store.support import add_account

PASSWORD = "correct horse"
PEOPLE = ("ann", "bob", "cy")
"""Who has an account, where nothing else is said."""

CONFIG = """
[server]
listen = ["127.0.0.1:{port}"]
[metrics]
listen = ["127.0.0.1:{metrics_port}"]
[log]
format = "console"
[auth]
registration = "{registration}"
names = "{characters}"
[presence]
grace_s = {grace_s}
tick_s = 0.05
[heartbeat]
interval_s = {heartbeat_s}
timeout_s = {heartbeat_s}
[store]
free_bytes_min = 0
# All people of a test live behind one address.
[limits]
connects_per_s = 0
connections_per_address = 0
requests_per_s = 0
messages_per_s = {messages_per_s}
[[rooms.permanent]]
name = "lobby"
topic = "Say hello"
[[rooms.permanent]]
name = "garden"
topic = "Tea and tomatoes"
"""


@cache
def password_hash() -> str:
    """Of everybody's password, made once."""
    return HASHER.hash(PASSWORD)


@attrs.define(eq=False)
class Daemon:
    """A daemon that may be killed, stopped and started again."""

    directory: Path
    port: int
    metrics_port: int
    expected: list[str] = attrs.field(factory=list)
    """What stands in complaints that are no fault."""
    _process: Child | subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where its page is."""
        return f"http://127.0.0.1:{self.port}/"

    @property
    def data(self) -> Path:
        """Where its store is."""
        return self.directory / "data"

    @property
    def config(self) -> Path:
        """Its configuration."""
        return self.directory / "chatd.toml"

    @property
    def log(self) -> Path:
        """What it logs, in all its lives."""
        return self.directory / "chatd.log"

    @property
    def process(self) -> Child | subprocess.Popen[bytes]:
        """The life of now."""
        assert self._process is not None, "it does not run"
        return self._process

    def start(self, **env: str) -> None:
        """Start it, and wait until it says where it listens."""
        with self.log.open("ab") as stderr:
            self._begin(shared().start_child(self._options, stderr.fileno(), env))

    def start_newer(self) -> None:
        """Start one that has another version of the page's files."""
        newer = self.directory / "newer"
        shutil.copytree(
            Path(chatd.__file__).parent,
            newer / "chatd",
            ignore=shutil.ignore_patterns("__pycache__"),
        )
        with (newer / "chatd" / "web" / "page" / "app.css").open("a") as file:
            file.write("/* of the next version */\n")
        there = {"PYTHONPATH": str(newer), "PYTHONSAFEPATH": "1"}
        with self.log.open("ab") as stderr:
            process = subprocess.Popen(
                [sys.executable, "-m", "chatd", "serve", *self._options],
                stdout=subprocess.PIPE,
                stderr=stderr,
                env={**os.environ, **there},
            )
        self._begin(process)

    @property
    def _options(self) -> list[str]:
        return ["--data", str(self.data), "--config", str(self.config)]

    def _begin(self, process: Child | subprocess.Popen[bytes]) -> None:
        """Wait until it says where it listens."""
        assert self._process is None, "it runs"
        self._process = process
        assert process.stdout is not None
        said = iter(process.stdout.readline, b"")
        assert any(b"listening on" in line for line in said), self.log_text()

    def stop(self) -> None:
        """End it as systemd does; that must succeed."""
        assert self._end(signal.SIGTERM) == 0, self.log_text()

    def kill(self) -> None:
        """Kill it as the kernel or a power cut would: it learns nothing of it."""
        self._end(signal.SIGKILL)

    def _end(self, number: signal.Signals) -> int:
        process, self._process = self.process, None
        process.send_signal(number)
        status = process.wait(PATIENCE_S)
        assert process.stdout is not None
        process.stdout.close()
        return status

    def freeze(self) -> None:
        """Stop it (SIGSTOP), and wait until it has stopped."""
        self.process.send_signal(signal.SIGSTOP)
        while (state := self._stat()[0]) != "T":
            assert state in "RSD", "it has ended"

    def thaw(self) -> None:
        """Let it go on (SIGCONT)."""
        self.process.send_signal(signal.SIGCONT)

    def _stat(self) -> list[str]:
        """What the kernel says of it, from its state on. Source: proc(5)."""
        stat = Path(f"/proc/{self.process.pid}/stat").read_text()
        return stat.rpartition(")")[2].split()

    def end(self) -> None:
        """End whatever there is of it, and see that it had nothing to complain of."""
        if self._process is not None:
            self.thaw()
            self.stop()
        assert self.complaints() == []

    def terminal(self, *words: str) -> str:
        """What the operator's command prints."""
        command = [sys.executable, "-m", "chatd", *words, "--data", str(self.data)]
        return subprocess.run(
            command, check=True, capture_output=True, text=True, timeout=PATIENCE_S
        ).stdout

    def add(self, name: str, role: str = "user") -> None:
        """Give somebody an account, with everybody's password."""
        add_account(self.data, UserName(name), password_hash(), AccountRole(role))

    def log_text(self) -> str:
        """What it has logged."""
        return self.log.read_text()

    def complaints(self) -> list[str]:
        """What of that is a warning or worse, and what is no line of the log."""
        fine = re.compile(r"\d{4}-\S+ (debug|info) ")
        return [
            line
            for line in self.log_text().splitlines()
            if not fine.match(line) and not any(one in line for one in self.expected)
        ]

    def numbers(self) -> dict[str, float]:
        """What it tells Prometheus."""
        url = f"http://127.0.0.1:{self.metrics_port}/metrics"
        with urllib.request.urlopen(url, timeout=PATIENCE_S) as answer:
            return Numbers.numbers(answer.read())

    def descriptors(self) -> int:
        """How many descriptors it has open."""
        return len(list(Path(f"/proc/{self.process.pid}/fd").iterdir()))

    def cpu_s(self) -> float:
        """The processor time it has used."""
        ticks = sum(map(int, self._stat()[11:13]))
        return ticks / os.sysconf("SC_CLK_TCK")


@contextmanager
def running(
    directory: Path,
    *,
    names: Sequence[str] = PEOPLE,
    registration: str = "open",
    characters: str = "ascii",
    more: str = "",
    grace_s: float = 0.5,
    heartbeat_s: float = 25,
    messages_per_s: float = 0,
) -> Iterator[Daemon]:
    """Run a daemon for a block; what it logs must be in order.

    Args:
        directory: Where all that it has is.
        names: Who has an account.
        registration: `auth.registration`.
        characters: `auth.names`.
        more: What else stands at the end of its configuration.
        grace_s: `presence.grace_s`.
        heartbeat_s: Both times of `heartbeat`.
        messages_per_s: `limits.messages_per_s`.
    """
    port, metrics_port = free_ports(2)
    daemon = Daemon(directory, port, metrics_port)
    daemon.config.write_text(
        CONFIG.format(
            port=port,
            registration=registration,
            characters=characters,
            metrics_port=metrics_port,
            grace_s=grace_s,
            heartbeat_s=heartbeat_s,
            messages_per_s=messages_per_s,
        )
        + more
    )
    for name in names:
        daemon.add(name)
    daemon.start()
    try:
        yield daemon
    except BaseException:
        if daemon._process is not None:
            daemon.kill()
        raise
    daemon.end()
