"""`chatd connect` on a terminal: what one types, and what one sees."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.talk.tty import PATIENCE_S, Tty, connected

SECRET = "correct horse"


def chatd(*arguments: str, lines: str = "") -> str:
    """Run a command; return what it prints."""
    command = (sys.executable, "-m", "chatd", *arguments)
    done = subprocess.run(
        command, input=lines, capture_output=True, text=True, check=True
    )
    return done.stdout


def token_file(data: Path, name: str) -> str:
    """Make an account, which may make rooms, and a file with a token of it."""
    chatd("user", "add", name, "--data", str(data), lines=f"{SECRET}\n")
    path = data / f"{name}.token"
    path.write_text(chatd("token", "issue", name, "--data", str(data)).split()[-1])
    return str(path)


@pytest.fixture(scope="module")
def token(url: str, data: Path) -> str:
    """A file with a token of ann."""
    return token_file(data, "ann")


def has_read_all(who: Tty, word: str) -> None:
    """Say a word, which comes behind all that was said before.

    That comes some time after the prompt, and pushes off the screen what is there.
    """
    who.type(f"{word}\r")
    who.prompted("[lobby]", f": {word}")


def test_what_comes_in_stands_above_what_is_typed(url: str) -> None:
    """However much at once and in order; one's own once, and a paste as one message."""
    with connected(url, "--name", "bob") as bob:
        bob.prompted("[lobby]", "online")
        bob.type("half ")
        bob.until("[lobby] half")
        flood = "\n".join(f"line {number}." for number in range(18))
        chatd("connect", url, "--name", "cy", lines=f"{flood}\nlast one\n")
        bob.prompted("[lobby] half", "last one")
        assert re.findall(r"line \d+\.", bob.seen) == flood.split("\n")
        bob.type("typed\r")
        bob.prompted("[lobby]", "half typed")
        bob.paste("a\r\nb\nc")
        rows = bob.prompted("| c")
        assert rows[-4:-1] == ["[lobby] a", "| b", "| c"]
        bob.type("\r")
        rows = bob.prompted("[lobby]", "      | c")
        assert sum("half typed" in row for row in rows) == 1
        bob.type("/quit\r")
        assert bob.end() == 0


def test_a_refused_line_comes_back(url: str) -> None:
    """To where it was typed; where another is being typed by now, it is said."""
    with connected(url, "--name", "bob", columns=60) as bob:
        bob.prompted("[lobby]", "online")
        has_read_all(bob, "no command yet")
        bob.type("/jion tea")
        bob.prompted("[lobby] /jion tea")
        bob.type("\r")
        bob.prompted("[lobby] /jion tea", "did you mean")
        bob.type("\x15/topic tea\rmore")
        bob.prompted("[lobby] more", "! not sent (Up brings it back): /topic tea")
        bob.type("\x15" + "x" * 5000 + "\r")
        bob.until("5000 characters", "x" * 60)
        bob.type("\x03")
        bob.prompted("[lobby]")
        bob.type("\x03")
        assert bob.end() == 130


def test_a_room_is_made_when_one_says_yes(url: str, token: str) -> None:
    """And not by the way: neither by no, nor by what was typed before the question."""
    with connected(url, "--token-file", token) as ann:
        ann.prompted("[lobby]", "online")
        has_read_all(ann, "no tea yet")
        ann.type("/join tea\r")
        ann.until("make the room tea? (y/N)")
        ann.type("\r")
        ann.prompted("[lobby]")
        ann.type("/join tea\rhello\r")
        ann.prompted("[lobby] hello", "neither yes nor no")
        ann.type("\x15/join tea\r")
        ann.until("make the room tea? (y/N)")
        ann.type("y\r")
        ann.prompted("[tea]", "[tea] you have made this room")
        ann.type("first\r")
        ann.until("[tea] ann: first")
        ann.type("\x04")
        assert ann.end() == 0


def test_one_lives_in_several_rooms(url: str, data: Path, token: str) -> None:
    """What is for oneself is seen everywhere, the rest is counted below and kept."""
    of_bob = token_file(data, "bob")
    with (
        connected(url, "--token-file", token, columns=60) as ann,
        connected(url, "--token-file", of_bob) as bob,
    ):
        bob.prompted("[lobby]", "online")
        bob.type("/create den\r")
        bob.prompted("[den]", "you have made this room")
        ann.until("online")
        ann.type("/join den\r")
        ann.prompted("[den]")
        ann.type("/join lobby\r")
        ann.prompted("[lobby]")
        bob.type("unseen\r@ann: seen\r/msg ann psst\r")
        rows = ann.prompted("[lobby]", "[den] bob: @ann: seen", "[@bob] bob: psst")
        assert not any("unseen" in row for row in rows)
        ann.until("@bob 1  den 1@  ")
        ann.type("/msg bob\r")
        ann.prompted("[@bob]")
        ann.type("/react :tada:\r")
        bob.until("[@ann] ann reacted with \N{PARTY POPPER} to: psst")
        ann.type("/join den\r")
        rows = ann.prompted("[den]", "[den] bob: unseen")
        assert not any("more are unread" in row for row in rows)
        ann.type("helo\r/edit\r")
        ann.prompted("[den] /edit helo")
        ann.type("\x7flo\r")
        bob.until("[den] ann: hello  (corrected)")
        ann.type("/quit\r")
        assert ann.end() == 0


def test_keys(url: str) -> None:
    """Tab completes, and Enter then takes what was chosen, and sends nothing by that;
    Ctrl-Z does nothing where there is no shell, Ctrl-D ends on an empty line.
    """
    with connected(url, "--name", "bob") as bob:
        bob.prompted("[lobby]", "online")
        bob.type("\x1a")
        bob.type("/t\t")
        bob.until("[lobby] /topic")
        bob.type("\x15:thumbs\t")
        bob.until(":thumbsdown:")
        bob.type("\t\r!")
        bob.gone(":thumbsdown:")
        assert bob.line.startswith("[lobby] \N{THUMBS UP SIGN}")
        bob.type("\x04\x15\x04")
        assert bob.end() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it(url: str, number: signal.Signals) -> None:
    """The terminal is as before; what is half typed stays to be seen."""
    with connected(url, "--name", "bob") as bob:
        bob.prompted("[lobby]", "online")
        bob.type("half")
        bob.prompted("[lobby] half")
        assert bob.is_raw
        bob.process.send_signal(number)
        assert bob.end() == 130
        assert not bob.is_raw
        assert bob.rows[-1] == "[lobby] half"


def test_a_terminal_that_takes_nothing_holds_nobody(url: str) -> None:
    """Who ends it has the terminal back."""
    with connected(url, "--name", "bob") as bob:
        bob.prompted("[lobby]", "online")
        flood = "\n".join("x" * 4000 for _ in range(18))
        chatd("connect", url, "--name", "cy", lines=f"{flood}\n")
        bob.process.terminate()
        assert bob.process.wait(PATIENCE_S) == 130
        assert not bob.is_raw


def test_a_token_that_is_revoked_ends_it(url: str, data: Path, token: str) -> None:
    """With the reason, below what is half typed."""
    with connected(url, "--token-file", token) as ann:
        ann.until("online")
        ann.type("half")
        ann.until("] half")
        chatd("token", "revoke", "1", "--data", str(data))
        assert ann.end() == os.EX_NOPERM
        assert any("the connection has ended" in row for row in ann.rows)


def test_a_pipe_does_without_the_editor() -> None:
    """It does not wait for what it has no use for."""
    code = "import sys, chatd.cli.connect; print(*sys.modules)"
    command = (sys.executable, "-c", code)
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert not {"asyncio", "emoji", "prompt_toolkit"} & set(done.stdout.split())
