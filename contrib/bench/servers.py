"""The servers under load: started as anybody would start them, ended by their pid.

chatd is a subprocess like the others: it gets a TOML file and a fresh data
directory, and knows of nothing else. A server dies with the driver, also when
that is killed.
"""

from __future__ import annotations

import ctypes
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

import trustme

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
BUILD = HERE / "build"
RELAY_PYTHON = BUILD / "venv/bin/python"
SERVER_CORE = "0"
LOAD_CORE = "1"
ROOMS = 128
"""How many rooms are declared: r0 and so on."""

RELAYS = {
    "websockets": [RELAY_PYTHON, HERE / "relays/websockets_relay.py"],
    "websockets echo": [RELAY_PYTHON, HERE / "relays/websockets_relay.py", "--echo"],
    "picows": [RELAY_PYTHON, HERE / "relays/picows_relay.py"],
    "fastapi": [RELAY_PYTHON, HERE / "relays/fastapi_relay.py"],
    "naive trio": [RELAY_PYTHON, HERE / "relays/naive_trio.py"],
    "node ws": ["node", HERE / "relays/node_ws.js"],
    "C epoll": [BUILD / "relay"],
}
"""The commands; each prints `PORT n`."""


@dataclass
class Server:
    """A server that listens."""

    process: subprocess.Popen[str]
    port: int
    metrics_port: int = 0

    def metric(self, name: str) -> float:
        """Read one number of chatd's metrics."""
        with urlopen(f"http://127.0.0.1:{self.metrics_port}/metrics") as answer:
            text = answer.read().decode()
        found = re.search(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE)
        assert found, name
        return float(found[1])


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def _start(command: list[object], cores: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        ["taskset", "-c", cores, *map(str, command)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        preexec_fn=_die_with_parent,  # noqa: PLW1509 - one thread
    )


def _stop(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(40)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextmanager
def relay(name: str) -> Iterator[Server]:
    """Run one of the relays on the server's core."""
    process = _start(RELAYS[name], SERVER_CORE)
    try:
        assert process.stdout is not None
        yield Server(process, int(process.stdout.readline().split()[1]))
    finally:
        _stop(process)


@dataclass
class Daemon:
    """chatd with its data directory; it may be started more than once."""

    directory: Path
    cores: str
    patch: str
    """Names of `patched.py`, with commas; none runs chatd as it is."""
    port: int = 0

    def start(self) -> Server:
        """Start it, on the same port as before."""
        config = self.directory / "chatd.toml"
        command: list[object] = [sys.executable, "-m", "chatd"]
        if self.patch:
            command = [sys.executable, HERE / "patched.py", self.patch, self.told]
        data = self.directory / "data"
        listen = f"127.0.0.1:{self.port}"
        command += ["serve", "--config", config, "--listen", listen, "--data", data]
        process = _start(command, self.cores)
        assert process.stdout is not None
        said = ""
        while "metrics" not in said:
            line = process.stdout.readline()
            assert line, f"chatd did not start; it said: {said}"
            said += line
        ports = [int(port) for port in re.findall(r"127\.0\.0\.1:(\d+)", said)]
        self.port = ports[0]
        return Server(process, ports[0], ports[-1])

    @property
    def told(self) -> Path:
        """What `patched.py` writes down."""
        return self.directory / "told"

    def pauses_ms(self) -> list[float]:
        """How long each full collection took."""
        told = self.told
        return (
            [float(line) for line in told.read_text().split()] if told.exists() else []
        )


def _certificate(directory: Path) -> str:
    """Write a certificate with its key; returns the settings for it."""
    issued = trustme.CA().issue_cert("localhost")
    cert, key = directory / "cert.pem", directory / "key.pem"
    cert.write_bytes(issued.cert_chain_pems[0].bytes())
    key.write_bytes(issued.private_key_pem.bytes())
    return f'[server]\ntls_cert = "{cert}"\ntls_key = "{key}"\n'


@contextmanager
def chatd(
    config: str = "bench.toml",
    *,
    pinned: bool = True,
    patch: str = "",
    limits: str = "",
    tls: bool = False,
    keep: str = "",
) -> Iterator[Daemon]:
    """Prepare chatd on the file system of this checkout.

    `limits` are more of them, `keep` is what the rooms keep.
    """
    directory = Path(tempfile.mkdtemp(prefix="data-", dir=BUILD))
    rooms = ", ".join(f'{{ name = "r{number}"{keep} }}' for number in range(ROOMS))
    (directory / "chatd.toml").write_text(
        (HERE / config).read_text()
        + limits
        + f'\n[rooms]\npermanent = [{rooms}]\n[metrics]\nlisten = ["127.0.0.1:0"]\n'
        + (_certificate(directory) if tls else "")
    )
    try:
        yield Daemon(
            directory, SERVER_CORE if pinned else f"{SERVER_CORE},{LOAD_CORE}", patch
        )
    finally:
        shutil.rmtree(directory)


@contextmanager
def empty_chatd() -> Iterator[subprocess.Popen[str]]:
    """Run chatd as it comes, with no data, from when it listens."""
    with tempfile.TemporaryDirectory(prefix="data-", dir=BUILD) as directory:
        options = ["--listen", "127.0.0.1:0", "--data", f"{directory}/data"]
        command = [sys.executable, "-m", "chatd", "serve", *options]
        process = _start(command, SERVER_CORE)
        try:
            assert process.stdout is not None
            said = iter(process.stdout.readline, "")
            assert any("listening" in line for line in said), "chatd did not start"
            yield process
        finally:
            _stop(process)


@contextmanager
def running(daemon: Daemon) -> Iterator[Server]:
    """Run chatd until the block ends."""
    server = daemon.start()
    try:
        yield server
    finally:
        _stop(server.process)


def kill(server: Server) -> None:
    """End a server as a power cut would."""
    server.process.kill()
    server.process.wait()


def wait_for(process: subprocess.Popen[str], word: str) -> None:
    """Wait until a process says `word` on standard error."""
    assert process.stderr is not None
    for line in process.stderr:
        if word in line:
            return
    raise RuntimeError(f"it ended before it said {word}")


def fsync_ms(count: int = 200) -> float:
    """The median time of a write of 4 KiB and its fdatasync, where the data are."""
    path = BUILD / "fsync"
    times = []
    descriptor = os.open(path, os.O_CREAT | os.O_WRONLY)
    for _ in range(count):
        began = time.perf_counter()
        os.write(descriptor, b"x" * 4096)
        os.fdatasync(descriptor)
        times.append(time.perf_counter() - began)
    os.close(descriptor)
    path.unlink()
    return sorted(times)[count // 2] * 1000
