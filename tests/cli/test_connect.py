"""`chatd connect` as a program: pipes in, lines and exit codes out."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from chatd.cli.connect import connect, websocket_url
from chatd.cli.talk.pipe import read_lines

CHATD = (sys.executable, "-m", "chatd")
PATIENCE_S = 60
SECRET = "correct horse"


def run(*arguments: str, lines: str = "") -> str:
    """Run another command; return what it prints."""
    done = subprocess.run(
        (*CHATD, *arguments), input=lines, capture_output=True, text=True, check=True
    )
    return done.stdout


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
    """/me travels as typed, // is one slash, /quit ends, others are never sent."""
    done = talk(url, lines="/me waves\n//slash\n/jion tea\n\n/quit\nnever\n")
    assert done.returncode == 1
    assert 'did you mean "/join"?' in done.stderr
    assert "not sent: /jion tea" in done.stderr
    assert history(url)[-2:] == ["/me waves", "/slash"]


def test_a_room_that_is_not_there_is_told(url: str) -> None:
    """What is behind it was for that room, and is sent to no other."""
    done = talk(url, lines="/join nowhere\nfor nowhere\n/join lobby\nhere again\n")
    assert "! there is no room nowhere" in done.stdout
    assert "/create nowhere makes it" in done.stderr
    assert "not sent: for nowhere" in done.stderr
    assert done.returncode == 1
    texts = history(url)
    assert "here again" in texts
    assert "for nowhere" not in texts
    assert talk(url, "--room", "nowhere", lines="hi\n").returncode == 1
    assert "hi" not in history(url)


def test_a_line_that_is_refused_is_said_again(url: str) -> None:
    """With the reason, and the status is not 0; the lines around it are sent."""
    long = "x" * 5000
    done = talk(url, lines=f"before\n{long}\nafter\n")
    assert done.returncode == 1
    assert f"! not sent: {long}" in done.stderr
    assert history(url)[-2:] == ["before", "after"]


def test_orders_are_answered(url: str) -> None:
    """What is asked for is shown; a pipe asks in the order of its lines."""
    done = talk(
        url, "--name", "cy", lines="/help\nfind me\n/who\n/rooms\n/search find\n"
    )
    assert done.returncode == 0, done.stderr
    assert "/invite NAME" in done.stdout
    assert re.search(r"-- \[lobby\] cy~\w+\n", done.stdout)
    assert re.search(r"-- \[lobby\] \d+ online", done.stdout)
    assert re.search(r"cy~\w+: find me\n", done.stdout)


def test_what_was_just_sent_is_corrected(url: str) -> None:
    """The line before, though its answer had not come when the correction was read."""
    lines = "helo\n/edit hello\n/react :tada: nobody\n/edit\n/msg bob\n"
    done = talk(url, "--name", "cy", lines=lines)
    assert done.returncode == 1
    assert history(url)[-1] == "hello"
    assert "no message of nobody" in done.stderr
    assert "it is written /edit TEXT" in done.stderr
    assert "it is written /msg NAME TEXT" in done.stderr


def test_a_bot_without_its_token_is_no_guest(url: str, tmp_path: Path) -> None:
    """A file that is not there, empty or no token; a token that is wrong."""
    nothing, empty = tmp_path / "nothing", tmp_path / "empty"
    empty.write_text("\n")
    for done in (
        talk(url, "--token-file", str(nothing), lines="hi\n"),
        talk(url, "--token-file", str(empty), lines="hi\n"),
        talk(url, "--token-file", "-", lines="\nhi\n"),
        talk(url, "--token-file", "-", "--name", "bot", lines="secret\nhi\n"),
    ):
        assert done.returncode == 2
        assert "Traceback" not in done.stderr
    done = talk(url, "--token-file", "-", lines="wrong\nhi\n")
    assert done.returncode == os.EX_NOPERM
    assert done.stdout == ""
    assert "hi" not in history(url)


def test_an_account_comes_in_by_a_pipe(url: str, data: Path) -> None:
    """By a token or a password in the first line; the rest are messages."""
    run("user", "add", "bot", "--data", str(data), lines=f"{SECRET}\n")
    token = run("token", "issue", "bot", "--data", str(data)).strip().split()[-1]
    done = talk(url, "--token-file", "-", lines=f"{token}\nby token\n")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("-- you are bot\n")
    options = ("--name", "bot", "--password")
    done = talk(url, *options, lines=f"{SECRET}\nby password\n")
    assert (done.returncode, done.stderr) == (0, "")
    assert history(url)[-2:] == ["by token", "by password"]


def test_bad_json_commands_are_explained(url: str) -> None:
    """Broken JSON, and JSON that is no command, end nothing."""
    done = talk(url, "--json", lines='{bad\n{"type":"dance","id":1}\nhi\n')
    assert done.returncode == 1
    assert "not a command" in done.stderr
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert any(event.get("code") == "bad_type" for event in events)


def test_unreachable_is_69_and_refused_is_77(url: str) -> None:
    """A script can tell a daemon that is down from one that says no."""
    nobody = talk("ws://127.0.0.1:1")
    assert nobody.returncode == os.EX_UNAVAILABLE
    assert "cannot be reached" in nobody.stderr
    assert talk(f"{url}/nothing").returncode == os.EX_UNAVAILABLE
    refused = talk(url, "--name", "ann", "--password", lines="wrong\n")
    assert refused.returncode == os.EX_NOPERM
    assert "refuses" in refused.stderr
    assert "Warning" not in refused.stderr
    assert "wrong\n" not in refused.stderr.replace("password is wrong\n", "")


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
