"""One run each: a server, the load on it, and what came out."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from resource import RUSAGE_CHILDREN
from typing import Any

from servers import (
    BUILD,
    HERE,
    LOAD_CORE,
    ROOT,
    SERVER_CORE,
    Server,
    chatd,
    empty_chatd,
    kill,
    relay,
    running,
    wait_for,
)

from chatd.web.tree import read_tree

LOAD = BUILD / "load"

COUNTERS = {
    "fast": 'chatd_messages_total{lane="fast"}',
    "slow": 'chatd_messages_total{lane="slow"}',
    "ended_slow": 'chatd_connections_ended_total{reason="slow_consumer"}',
}
"""What is read from chatd's metrics after a run."""

DOWNLOADERS = 20

Result = dict[str, Any]
"""What the load generator printed, `load.c` says what that is, and `COUNTERS`."""


class Failed(RuntimeError):
    """A run lost something, met an error, or did not end."""


def _load(
    server: Server, proto: str, options: Sequence[object]
) -> subprocess.Popen[str]:
    command = ["taskset", "-c", LOAD_CORE, LOAD, "--to", f"127.0.0.1:{server.port}"]
    command += ["--pid", server.process.pid, "--proto", proto, *options]
    return subprocess.Popen(
        list(map(str, command)),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _said(program: subprocess.Popen[str], given: str | None = None) -> str:
    said, errors = program.communicate(given)
    if program.returncode:
        raise Failed(f"{errors.strip()} {said.strip()}")
    return said.strip()


def _result(load: subprocess.Popen[str], given: str | None = None) -> Result:
    found: Result = json.loads(_said(load, given))
    return found


@contextmanager
def _nothing(_server: Server) -> Iterator[None]:
    """Leave a server alone."""
    yield


@contextmanager
def _attacked(server: Server) -> Iterator[None]:
    """Have a server attacked until the block ends."""
    with _beside(sys.executable, HERE / "worst.py", server.port) as worst:
        yield
        print("   ", worst.communicate("")[0].strip())


@contextmanager
def _downloading(server: Server) -> Iterator[None]:
    """Have the largest file of the page downloaded all the time by some clients."""
    tree = read_tree()
    name = max(tree.assets, key=lambda one: len(tree.assets[one].content))
    path, to = f"/_/{tree.version}/{name}", f"127.0.0.1:{server.port}"
    with _beside(BUILD / "download", to, path, DOWNLOADERS) as clients:
        yield
        clients.terminate()
        print("   ", _said(clients))


@contextmanager
def _beside(*command: object) -> Iterator[subprocess.Popen[str]]:
    """Run a program beside the load, from when it says READY."""
    program = subprocess.Popen(
        ["taskset", "-c", LOAD_CORE, *map(str, command)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        wait_for(program, "READY")
        yield program
    finally:
        program.kill()
        program.wait()


MEANWHILE: dict[str, Callable[[Server], AbstractContextManager[None]]] = {
    "": _nothing,
    "attacked": _attacked,
    "downloading": _downloading,
}
"""What else a server may have to do."""


@dataclass(frozen=True)
class Run:
    """A contender and its load."""

    server: str
    """`chatd`, or one of the relays."""
    load: str
    """Options of `load`, as one would type them."""
    pinned: bool = True
    limits: str = ""
    """More lines of `[limits]`, for chatd."""
    beside: str = ""
    """A second load at the same time, on chatd."""
    tls: bool = False
    """Over TLS, spoken by chatd itself."""
    patch: str = ""
    """Names of `patched.py`, for chatd."""
    config: str = "bench.toml"
    """chatd's limits."""
    meanwhile: str = ""
    """What else it has to do, of `MEANWHILE`."""

    def once(self) -> Result:
        """Start the server, load it, and end it."""
        options = self.load.split() + ["--tls"] * self.tls
        if self.server != "chatd":
            proto = "echo" if "echo" in self.server else "relay"
            with relay(self.server) as server:
                return _result(_load(server, proto, options))
        made = chatd(
            self.config,
            pinned=self.pinned,
            limits=self.limits,
            tls=self.tls,
            patch=self.patch,
        )
        with made as daemon:
            with running(daemon) as server, MEANWHILE[self.meanwhile](server):
                load = _load(server, "chatd", options)
                beside = None
                if self.beside:
                    beside = _load(server, "chatd", self.beside.split())
                result = _result(load)
                if beside is not None:
                    result["beside"] = _result(beside)
                for key, name in COUNTERS.items():
                    result[key] = server.metric(name)
            for name in {"parts", "passes"} & set(self.patch.split(",")):
                result[name] = json.loads(daemon.told.read_text())
            return result


def loaded(server: Server, load: str) -> Result:
    """Load a chatd that runs; `load` is options, as one would type them."""
    return _result(_load(server, "chatd", load.split()))


@dataclass(frozen=True)
class Ceiling:
    """What the load generator gives to itself: from C to C, with no server between."""

    members: int = 1000
    messages: int = 2000

    def once(self) -> Result:
        """Let it send to itself, as `describe` says it of the machine."""
        options = ["--members", self.members, "--messages", self.messages]
        command = ["taskset", "-c", LOAD_CORE, LOAD, "--mode", "ceiling", *options]
        said = subprocess.run(list(map(str, command)), capture_output=True, check=True)
        us: Result = json.loads(said.stdout)
        return us


@dataclass(frozen=True)
class Restart(Run):
    """chatd is killed under its connections and started again; all come back."""

    def once(self) -> Result:
        """Load it, kill it, start it, and let everybody resume."""
        with chatd(patch=self.patch) as daemon:
            server = daemon.start()
            load = _load(server, "chatd", self.load.split())
            wait_for(load, "READY")
            kill(server)
            with running(daemon) as again:
                # What the start collects is over before anybody is let in.
                before = len(daemon.pauses_ms())
                result = _result(load, f"{again.process.pid}\n")
                result["pauses_ms"] = daemon.pauses_ms()[before:]
                result["ended_slow"] = again.metric(COUNTERS["ended_slow"])
                return result


def cpu_s(process: subprocess.Popen[str]) -> float:
    """What a process has used of processors."""
    text = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2]
    user, system = text.split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Typed(Run):
    """A command that ends by itself: `load` are the arguments of Python."""

    times: int = 20

    def once(self) -> Result:
        """Run it some times, on the server's core; its CPU is the mean."""
        command = ["taskset", "-c", SERVER_CORE, sys.executable, *self.load.split()]
        began, before = time.perf_counter(), resource.getrusage(RUSAGE_CHILDREN)
        for _ in range(self.times):
            subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        after, ended = resource.getrusage(RUSAGE_CHILDREN), time.perf_counter()
        used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return {
            "wall_s": (ended - began) / self.times,
            "server_cpu_s": used / self.times,
            "load_cpu_s": 0.0,
        }


@dataclass(frozen=True)
class Start(Run):
    """chatd is started without a file, on an empty directory, and ended."""

    times: int = 5

    def once(self) -> Result:
        """Start it some times; its CPU until it listens is the mean."""
        began, used = time.perf_counter(), 0.0
        for _ in range(self.times):
            with empty_chatd() as process:
                used += cpu_s(process)
        return {
            "wall_s": (time.perf_counter() - began) / self.times,
            "server_cpu_s": used / self.times,
            "load_cpu_s": 0.0,
        }
