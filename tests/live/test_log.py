"""The log of a real daemon: in each form, to the end, and whoever does not read it."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest
import trio

from tests.live.daemon import PATIENCE_S, Daemon, person

FILTER = Path(__file__).parents[2] / "contrib/fail2ban/filter.d/chatd.conf"
PASSWORD = "correct horse battery"
"""Of ann and bob."""
WRONG = "tr0ub4dor and 3"
FORMS = ("console", "json", "journal")


def form(name: str, level: str = "info") -> dict[str, str]:
    """The settings of a form of the log."""
    return {"CHATD_LOG__FORMAT": name, "CHATD_LOG__LEVEL": level}


@asynccontextmanager
async def logging(
    data: Path, env: dict[str, str], stderr: int | None = None
) -> AsyncIterator[Daemon]:
    """Run a daemon whose start is told by its log, or nowhere; it is not waited for
    by what it prints.

    It must end with 0.
    """
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    log = data.with_suffix(".log")
    command = (sys.executable, "-m", "chatd", "serve", "--data", str(data))
    with log.open("ab") as file:
        process = await trio.lowlevel.open_process(
            [*command, "--listen", f"127.0.0.1:{port}"],
            stdout=file,
            stderr=file if stderr is None else stderr,
            env={**os.environ, **env},
        )
    daemon = Daemon(process, port, 0, data, log)
    try:
        with trio.fail_after(PATIENCE_S):
            while True:
                try:
                    await (await trio.open_tcp_stream("127.0.0.1", port)).aclose()
                except OSError:
                    assert process.returncode is None, daemon.log_text()
                    await trio.sleep(0.01)
                else:
                    break
        yield daemon
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        with trio.CancelScope(shield=True), trio.move_on_after(PATIENCE_S):
            await process.wait()
        if process.returncode is None:
            process.kill()
    assert process.returncode == 0, daemon.log_text()


def typed(data: Path, *words: str, given: str = "") -> str:
    """What a command of the terminal prints."""
    done = subprocess.run(
        [sys.executable, "-m", "chatd", *words, "--data", str(data)],
        input=given,
        capture_output=True,
        text=True,
        check=True,
        timeout=PATIENCE_S,
    )
    return done.stdout


async def guess(daemon: Daemon, count: int) -> None:
    """Try wrong passwords, for a name that there is and one that there is not."""
    for number in range(count):
        name = "ann" if number % 2 else "nobody"
        async with person(daemon.url) as eve:
            answer = await eve.ask(type="hello", name=name, password=WRONG)
            assert answer["type"] == "error"


# --- what is in it --------------------------------------------------------------------


@pytest.mark.parametrize("name", FORMS)
async def test_no_secret_is_in_the_log_of_a_full_run(tmp_path: Path, name: str) -> None:
    """Not in any form, at the level of whoever looks for a cause: no password, token,
    session, link, invitation, nothing that somebody wrote.
    """
    data = tmp_path / "data"
    typed(data, "user", "add", "ann", "--admin", given=PASSWORD)
    token = typed(data, "token", "issue", "ann", "--name", "x").split()[-1]
    secrets = [PASSWORD, WRONG, token]
    async with logging(data, form(name, "debug")) as daemon:
        async with person(daemon.url) as ann, person(daemon.url) as bob:
            secrets.append((await ann.hello(name="ann", password=PASSWORD))["session"])
            await ann.ask(type="join", room="lobby")
            await ann.ask(type="send", room="lobby", text="a text of ann's")
            made = await ann.ask(type="invitation_create")
            secrets += [made["secret"], "a text of ann's"]
            registered = await bob.ask(
                type="register",
                name="bob",
                password="another " + PASSWORD,
                invite=made["secret"],
            )
            assert registered["type"] == "ok", registered
            hello = await bob.hello(name="bob", password="another " + PASSWORD)
            secrets.append(hello["session"])
            link = await bob.ask(type="link")
            secrets.append(link["secret"])
            async with person(daemon.url) as device:
                secrets.append((await device.hello(link=link["secret"]))["session"])
            await bob.ask(type="password", old=WRONG, new="a third " + PASSWORD)
            await ann.ask(type="refresh", token=token[:-1])
        await guess(daemon, 8)
        header = {"Authorization": f"Bearer {token}"}
        async with person(daemon.url, additional_headers=header) as ann:
            await ann.hello()
        async with person(daemon.url) as ann:
            await ann.ask(type="hello", token=token + "x")
        typed(data, "user", "password", "ann", given="one more " + PASSWORD)
        await daemon.said("administration")
    said = daemon.log_text()
    assert said.count("login failed") >= 8
    assert len(secrets) == 9
    for secret in secrets:
        assert len(secret) >= 8
        assert secret not in said
    setup = re.findall(r"setup#\S+", said)
    assert setup == []


async def test_in_json_everything_is_json(tmp_path: Path) -> None:
    """From the first line to the last, on both outputs; also what came from a client
    that speaks something else, and the link is where only the operator reads.
    """
    data = tmp_path / "data"
    async with logging(data, form("json", "debug")) as daemon:
        async with person(daemon.url) as ann:
            await ann.hello(name="ann")
        stream = await trio.open_tcp_stream("127.0.0.1", daemon.port)
        async with stream:
            await stream.send_all(b"\x16\x03\x01\x02\x00\x01\x00")
            assert b"400" in await stream.receive_some(100)
        link = (data / "setup-link").read_text()
    lines = [json.loads(line) for line in daemon.log_text().splitlines()]
    assert {"ts", "event", "level"} <= set.intersection(*map(set, lines))
    assert lines[0]["event"] == "started"
    assert lines[0]["listening"] == [f"http://127.0.0.1:{daemon.port}"]
    assert lines[0]["data"] == str(data)
    assert lines[0]["new"] is True
    assert lines[-1]["event"] == "stopped"
    events = [line["event"] for line in lines]
    assert events.count("login") == 1
    assert "TLS came where none is spoken" in events
    assert any(str(data / "setup-link") in event for event in events)
    assert link.strip() not in daemon.log_text()


@pytest.mark.parametrize("cause", ["setting", "port", "store", "toml"])
@pytest.mark.parametrize("name", ["json", "journal", "console"])
def test_why_it_does_not_start_is_in_its_form(
    tmp_path: Path, name: str, cause: str
) -> None:
    """`journalctl -p err` finds it; it ends with 78."""
    data, file = tmp_path / "data", tmp_path / "chatd.toml"
    toml = f'[log]\nformat = "{name}"\n'
    environ = dict(os.environ)
    if cause == "setting":
        toml += "[limits]\nframe_bytes = 1\n"
    elif cause == "store":
        data.mkdir(mode=0o700)
        (data / "chatd.db").write_bytes(b"no database at all" * 100)
        (data / "chatd.db").chmod(0o600)
    elif cause == "toml":
        toml, environ["CHATD_LOG__FORMAT"] = "this is none", name
    file.write_text(toml)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1] if cause == "port" else 0
        done = subprocess.run(
            [
                *(sys.executable, "-m", "chatd", "serve", "-c", str(file)),
                *("--data", str(data), "--listen", f"127.0.0.1:{port}"),
            ],
            capture_output=True,
            text=True,
            check=False,
            env=environ,
            timeout=PATIENCE_S,
        )
    assert (done.returncode, done.stdout) == (os.EX_CONFIG, ""), done.stderr
    word = {"port": "in use", "setting": "frame_bytes", "store": "chatd.db"}
    lines = done.stderr.splitlines()
    assert lines
    for line in lines:
        if name == "json":
            assert json.loads(line)["level"] == "critical"
        elif name == "journal":
            assert line.startswith("<2>critical ")
        else:
            assert line.startswith("chatd: ")
    assert word.get(cause, str(file)) in done.stderr


def test_what_others_would_write_is_in_its_form() -> None:
    """A warning of Python, an exception that nobody caught, in a thread and in a
    destructor, and what a library logs.
    """
    program = """
import logging, threading, warnings
from chatd.observe import configure_log_behind
from chatd.observe.strays import take_strays
class Trap:
    def __del__(self):
        raise ValueError("in a destructor")
take_strays()
configure_log_behind("info", "json")
warnings.warn("old", DeprecationWarning, stacklevel=1)
logging.getLogger("library").warning("said %d", 1)
logging.getLogger("library").info("not worth a line")
thread = threading.Thread(target=lambda: 1 / 0)
thread.start()
thread.join()
Trap()
try:
    1 / 0
except ZeroDivisionError:
    logging.getLogger("library").exception("failed")
raise KeyError("last")
"""
    done = subprocess.run(
        [sys.executable, "-W", "always", "-c", program],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )
    assert (done.returncode, done.stdout) == (1, "")
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert [line["level"] for line in lines] == [
        *("warning", "warning", "error", "error", "error", "critical")
    ]
    assert lines[0]["said"] == "old"
    assert (lines[1]["event"], lines[1]["by"]) == ("said 1", "library")
    endings = [line["exception"].splitlines()[-1] for line in lines[2:]]
    assert endings == [
        "ZeroDivisionError: division by zero",
        "ValueError: in a destructor",
        "ZeroDivisionError: division by zero",
        "KeyError: 'last'",
    ]


# --- fail2ban -------------------------------------------------------------------------


@pytest.mark.parametrize("name", FORMS)
async def test_fail2ban_finds_who_guesses(tmp_path: Path, name: str) -> None:
    """Debian's own, in each form, among all else; nobody can have another one banned by
    what he calls himself.
    """
    data = tmp_path / "data"
    typed(data, "user", "add", "ann", given=PASSWORD)
    async with logging(data, form(name)) as daemon:
        await guess(daemon, 4)
        async with person(daemon.url) as ann:
            await ann.hello(name="ann", password=PASSWORD)
            await ann.ask(type="logout")
        forged = "x login failed address=192.0.2.66 reason=wrong_password"
        for fields in (
            {"token": "no such token"},
            {"name": forged, "password": WRONG},
            {"name": "bob", "session": forged},
        ):
            async with person(daemon.url) as bob:
                await bob.ask(type="hello", **fields)
        origin = 'https://x"\n<6>info    login failed address=192.0.2.66 reason='
        await daemon.get(daemon.port, "/" + origin.replace("\n", "%0a") + "bad")
    log = tmp_path / "read.log"
    lines = daemon.log_text().splitlines()
    if name == "journal":
        # As fail2ban has it from the journal.
        lines = [f"2026-11-28T05:22:30 host chatd[7]: {line[3:]}" for line in lines]
    log.write_text("".join(line + "\n" for line in lines))
    found = await trio.run_process(
        ["fail2ban-regex", "-o", "ip", str(log), str(FILTER)],
        capture_stdout=True,
    )
    failed = [line for line in lines if "login failed" in line]
    guesses = [x for x in failed if re.search("wrong_password|unknown_user", x)]
    assert found.stdout.decode().split() == ["127.0.0.1"] * len(guesses)
    assert 4 <= len(guesses) < len(failed)


# --- whoever does not read it ---------------------------------------------------------


@contextmanager
def full_pipe(path: Path) -> Iterator[tuple[int, int]]:
    """A pipe that takes nothing any more: the end to read from, and the other."""
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    filler = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
    writer = os.open(path, os.O_WRONLY)
    try:
        with pytest.raises(BlockingIOError):
            while True:
                os.write(filler, b"x" * 4095 + b"\n")
        yield reader, writer
    finally:
        for end in (reader, filler, writer):
            os.close(end)


async def test_a_log_that_nobody_reads_stops_nobody(tmp_path: Path) -> None:
    """Standard error is a full pipe from the start: people come, talk and go, and the
    daemon drains and ends with 0. What is read then is whole lines in their order.
    """
    with full_pipe(tmp_path / "pipe") as (reader, writer):
        async with logging(tmp_path / "data", form("json"), writer) as daemon:
            for number in range(20):
                async with person(daemon.url) as ann:
                    await ann.hello(name="ann")
                    await ann.ask(type="join", room="lobby")
                    sent = await ann.ask(type="send", room="lobby", text=str(number))
                    assert sent["seq"] == number + 1
            # From now on somebody reads.
            said = b""
            with trio.fail_after(PATIENCE_S):
                while said.count(b'"event": "connection ended"') < 20:
                    await trio.lowlevel.wait_readable(reader)
                    said += os.read(reader, 65536)
    lines = [x for x in said.splitlines() if x[:1] != b"x"]
    entries: list[dict[str, Any]] = [json.loads(line) for line in lines]
    assert entries[0]["event"] == "started"
    logins = [one["connection"] for one in entries if one["event"] == "login"]
    assert len(logins) == 20
    assert logins == sorted(logins)


async def test_the_end_does_not_wait_for_who_reads_nothing(tmp_path: Path) -> None:
    """It ends with 0, and loses only its log."""
    with full_pipe(tmp_path / "pipe") as (_, writer):
        data, env = tmp_path / "data", form("console")
        async with logging(data, env, writer) as daemon, person(daemon.url) as ann:
            await ann.hello(name="ann")
