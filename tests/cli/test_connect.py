"""`chatd connect` as a program: pipes in, lines and exit codes out."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from chatd.cli.connect import connect, read_lines, websocket_url

CHATD = (sys.executable, "-m", "chatd")
PATIENCE_S = 60


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A daemon without a configuration, on a port of its own."""
    directory = tmp_path_factory.mktemp("daemon")
    command = (*CHATD, "serve", "--listen", "127.0.0.1:0", "--data", str(directory))
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


def talk(url: str, *options: str, lines: str = "") -> subprocess.CompletedProcess[str]:
    """Run the command with `lines` as its input."""
    return subprocess.run(
        (*CHATD, "connect", url, *options),
        input=lines,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=PATIENCE_S,
        check=False,
    )


def history(url: str) -> list[str]:
    """Return the texts in the lobby, asked for by a command of the protocol."""
    ask = '{"type":"history","room":"lobby","id":"h","limit":100}\n'
    done = talk(url, "--json", "--room", "lobby", lines=ask)
    assert done.returncode == 0, done.stderr
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert all("session" not in event for event in events)
    (page,) = [event for event in events if event.get("id") == "h"]
    return [entry["text"] for entry in page["messages"]]


def test_a_pipe_is_sent_whole_in_order_and_ends_with_0(url: str) -> None:
    """More lines than the rate allows at once: each is stored, in its place."""
    sent = [f"line {number} ü" for number in range(23)]
    done = talk(url, "--name", "ann", lines="\n".join(sent))
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("-- you are ann~")
    assert [text for text in history(url) if text.startswith("line")] == sent


def test_words_with_a_slash(url: str) -> None:
    """/me travels as typed, // is one slash, /quit ends, others are explained."""
    done = talk(url, lines="/me waves\n//slash\n/nonsense\n\n/quit\nnever\n")
    assert done.returncode == 0
    assert "/join ROOM" in done.stderr
    assert history(url)[-2:] == ["/me waves", "/slash"]


def test_a_room_that_is_not_there_is_told(url: str) -> None:
    """A guest may not create rooms; the reason is on standard output."""
    done = talk(url, lines="/join nowhere\n")
    assert "! there is no room nowhere" in done.stdout


def test_bad_json_commands_are_explained(url: str) -> None:
    """Broken JSON, and JSON that is no command, end nothing."""
    done = talk(url, "--json", lines='{bad\n{"type":"dance","id":1}\nhi\n')
    assert done.returncode == 0
    assert "not a command" in done.stderr
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert any(event.get("code") == "bad_type" for event in events)


def test_unreachable_is_69_and_refused_is_77(url: str) -> None:
    """A script can tell a daemon that is down from one that says no."""
    nobody = talk("ws://127.0.0.1:1")
    assert nobody.returncode == os.EX_UNAVAILABLE
    assert "cannot be reached" in nobody.stderr
    assert talk(f"{url}/nothing").returncode == os.EX_UNAVAILABLE
    runner = CliRunner()
    options = [url, "--name", "ann", "--password"]
    refused = runner.invoke(connect, options, input="wrong\n")
    assert refused.exit_code == os.EX_NOPERM
    assert "refuses" in refused.output
    assert "wrong\n" not in refused.output.replace("password is wrong\n", "")


def test_an_interrupt_ends_it_without_a_traceback(url: str) -> None:
    """Ctrl-C is 130, as a shell expects."""
    with subprocess.Popen(
        (*CHATD, "connect", url),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE_S) == 130
        assert process.stderr.read() == ""


def test_password_needs_a_name() -> None:
    """Half a credential is a wrong command line."""
    assert CliRunner().invoke(connect, ["ws://h", "--password"]).exit_code == 2


def test_urls_as_people_have_them() -> None:
    """What `chatd serve` prints works, and so does a path of one's own."""
    assert websocket_url("http://127.0.0.1:8765") == "ws://127.0.0.1:8765/ws"
    assert websocket_url("https://chat.example/") == "wss://chat.example/ws"
    assert websocket_url("ws://[::1]:1/chat?x=1") == "ws://[::1]:1/chat?x=1"
    assert websocket_url("unix:/run/chatd.sock") == "unix:/run/chatd.sock"
    for wrong in ("localhost:8765", "ws://", "ftp://h", "ws://h:99999", "unix:", ""):
        with pytest.raises(click.BadParameter):
            websocket_url(wrong)


async def test_lines_of_a_file_and_of_a_pipe(tmp_path: Path) -> None:
    """Both are read; bad UTF-8 is replaced, the last line needs no end."""
    data = "eins\r\nzwei ü\n".encode() + b"bad \xff\n\nlast"
    expected = ["eins", "zwei ü", "bad \N{REPLACEMENT CHARACTER}", "", "last"]
    path = tmp_path / "lines"
    path.write_bytes(data)
    with path.open("rb") as file:
        assert [line async for line in read_lines(file.fileno())] == expected
    reading, writing = os.pipe()
    os.write(writing, data)
    os.close(writing)
    assert [line async for line in read_lines(reading)] == expected
    os.close(reading)
