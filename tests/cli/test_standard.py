"""Standard input, output and error that are closed, full, or read by nobody."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from chatd.cli.standard import NOBODY_READS
from tests.cli.each import CLOSED, FULL, UNREAD, commands, run_each
from tests.live.daemon import PATIENCE_S

CHATD = (sys.executable, "-m", "chatd")
STATUSES = {0, 1, 2, 65, 69, 75, 77, 78, NOBODY_READS}
PASSWORD = "correct horse\n"
WORDS = {
    "announce": ["hello"],
    "audit": [],
    "backup": ["{new}.db"],
    "check": [],
    "config default": [],
    "config schema": [],
    "config show": [],
    "connect": ["{url}", "--room", "lobby"],
    "doctor": [],
    "erase": ["--yes", "user{number}"],
    "export": ["ann"],
    "import": ["-"],
    "invite": [],
    "invite list": [],
    "invite revoke": ["{number}"],
    "kick": ["nobody"],
    "log level": ["info"],
    "migrate": ["--to", "postgresql://x@127.0.0.1:1/x"],
    "protocol asyncapi": [],
    "protocol schema": [],
    "reload": [],
    "restore": ["{new}.db"],
    "room archive": ["room{number}"],
    "room create": ["room{number}"],
    "room delete": ["room{number}", "--yes"],
    "room list": [],
    "room set": ["room{number}", "--topic", "{number}"],
    "room show": ["lobby"],
    "status": [],
    "token issue": ["ann"],
    "token list": [],
    "token revoke": ["{number}"],
    "top": ["--once"],
    "user add": ["user{number}"],
    "user ban": ["user{number}"],
    "user list": [],
    "user logout": ["ann"],
    "user password": ["ann"],
    "user role": ["ann", "admin"],
    "user sessions": ["ann"],
    "user show": ["ann"],
    "user unban": ["user{number}"],
    "who": [],
}
"""What is typed behind each command; `serve` and `drain` have tests of their own."""
SILENT = {
    *("import", "kick", "migrate", "restore"),  # each is refused here
}
"""Those that print nothing to standard output."""
ORDER = (
    *("user add", "user ban", "user unban", "room create", "room set", "token issue"),
    "invite",
)
"""What makes what others need comes first."""


def jobs(data: Path, url: str, output: str, number: int) -> dict[str, list[str]]:
    """The words of each command that is tried."""
    found = commands()
    assert set(WORDS) == found.keys() - {"serve", "drain"}
    names = [*ORDER, *(name for name in WORDS if name not in ORDER)]
    words = {}
    for name in names:
        given = {"new": data.parent / f"{output}-{name}", "url": url, "number": number}
        words[name] = [*name.split(), *(word.format(**given) for word in WORDS[name])]
        if any(parameter.name == "data" for parameter in found[name].params):
            words[name] += ["--data", str(data)]
    return words


@pytest.mark.parametrize(
    ("output", "given", "number"), [(UNREAD, PASSWORD, 1), (CLOSED, "\xff\n", 2)]
)
def test_no_command_ends_in_a_traceback(
    data: Path, url: str, output: str, given: str, number: int
) -> None:
    """What is lost is said, or is silent where nobody reads, with one status each."""
    add = (*CHATD, "user", "add", "ann", "--data", str(data))
    subprocess.run(add, input=PASSWORD, text=True, check=False, capture_output=True)
    words = jobs(data, url, output, number)
    asked = [{"words": one, "output": output, "input": given} for one in words.values()]
    wrong = {}
    for name, done in zip(words, run_each(asked), strict=True):
        said, status = done.said, done.status
        is_well = status in STATUSES and not re.search("Traceback|Exception ign", said)
        if name in SILENT:
            is_well = is_well and status in {1, 2, 75}
        elif output == UNREAD:
            is_well = is_well and status == NOBODY_READS
        else:
            is_well = is_well and status > 0 and "Error: " in said
        if not is_well:
            wrong[name] = done
    assert wrong == {}


def test_what_is_lost_is_said_by_its_reason(data: Path, url: str) -> None:
    """And with nothing to read, there is no answer to a question."""
    del url
    status = ["status", "--data", str(data)]
    add = ["user", "add", "nobody", "--data", str(data)]
    full, closed, empty = run_each(
        [
            {"words": status, "output": FULL, "input": None},
            {"words": status, "output": CLOSED, "input": None},
            {"words": add, "output": FULL, "input": None},
        ]
    )
    lost = "Error: standard output: "
    assert (full.status, full.said) == (1, f"{lost}No space left on device\n")
    assert (closed.status, closed.said) == (1, f"{lost}it is closed\n")
    assert (empty.status, "a password has" in empty.said) == (65, True)


@pytest.mark.parametrize("close", ['exec "$@" | true', 'exec "$@" >&- <&-'])
def test_a_daemon_serves_also_where_nobody_reads(tmp_path: Path, close: str) -> None:
    """What it says at its start is lost; what it has to say later goes elsewhere."""
    data, place = tmp_path / "data", tmp_path / "socket"
    serve = (*CHATD, "serve", "--listen", f"unix:{place}", "--data", str(data))
    shell = ["bash", "-o", "pipefail", "-c", f"({close})", "bash", *serve]
    with subprocess.Popen(shell, stderr=subprocess.PIPE, text=True) as daemon:
        status = (*CHATD, "status", "--data", str(data))
        found = None
        while found is None and daemon.poll() is None:
            done = subprocess.run(status, capture_output=True, text=True, check=False)
            found = re.search(r"process (\d+)", done.stdout)
        assert found
        os.kill(int(found[1]), signal.SIGTERM)
        _, said = daemon.communicate(timeout=PATIENCE_S)
    assert daemon.returncode == 0
    assert "bug" not in said
    assert "Traceback" not in said


def test_an_error_of_a_service_is_found_by_its_priority(tmp_path: Path) -> None:
    """What has none is taken for information. Source: sd-daemon(3)."""
    said = tmp_path / "journal"
    with said.open("wb") as file:
        status = os.fstat(file.fileno())
        environ = {"JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}"}
        command = (*CHATD, "status", "--data", str(tmp_path))
        subprocess.run(command, stderr=file, env=os.environ | environ, check=False)
    assert said.read_text().startswith("<3>Error: no chatd serves ")


def test_a_password_that_is_no_text_is_asked_for_again(tmp_path: Path) -> None:
    """The terminal of whoever types it may have another encoding."""
    command = (*CHATD, "user", "add", "ann", "--data", str(tmp_path))
    pid, terminal = pty.fork()
    if pid == 0:
        os.execvp(command[0], command)  # noqa: S606 - as a shell would
    seen = b""
    for prompt, answer in (
        (b"Password: ", b"caf\xe9 au lait\n"),
        (b"that is no UTF-8", b""),
        (b"Password: ", b"correct horse\n"),
        (b"Again: ", b"correct horse\n"),
    ):
        while prompt not in seen:
            readable, _, _ = select.select([terminal], [], [], PATIENCE_S)
            assert readable, seen
            seen += os.read(terminal, 4096)
        seen = seen.partition(prompt)[2]
        os.write(terminal, answer)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    os.close(terminal)


@pytest.mark.parametrize(
    ("words", "status"), [(["user", "add", "ann"], 65), (["connect", "ws://h:1"], 2)]
)
def test_a_file_of_passwords_that_is_no_text_is_refused(
    tmp_path: Path, words: list[str], status: int
) -> None:
    """A password of other letters would be kept, or sent, and never fit."""
    if words[0] == "connect":
        words = [*words, "--name", "ann", "--password"]
    done = subprocess.run(
        [*CHATD, *words],
        input="café au lait\n".encode("latin-1"),
        capture_output=True,
        cwd=tmp_path,
        check=False,
    )
    assert (done.returncode, b"no UTF-8" in done.stderr) == (status, True)


def test_what_the_terminal_cannot_show_is_written_by_its_number(tmp_path: Path) -> None:
    """Instead of a traceback; and a name that is no text is refused before all."""
    add = (*CHATD, "user", "add", "ann", "--data", "data")
    subprocess.run(add, input=PASSWORD.encode(), cwd=tmp_path, check=True)
    done = subprocess.run(
        [*CHATD, "backup", "kopiował.db", "--data", "data", "--json"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONIOENCODING": "latin-1"},
        capture_output=True,
        check=True,
    )
    assert json.loads(done.stdout)["file"] == f"{tmp_path}/kopiował.db"
    odd = os.fsdecode(b"copy\xe9.db")
    words = [*CHATD, "backup", odd, "--data", "data"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == 2
    assert done.stderr.endswith(b"Error: 'copy\\udce9.db' is no UTF-8\n")
