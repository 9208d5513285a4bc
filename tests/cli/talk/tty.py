"""A program on a pseudo-terminal, and what one sees there."""

from __future__ import annotations

import codecs
import os
import select
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pyte

PATIENCE_S = 60
ROOT = Path(__file__).parents[3]
ROWS = 24


class Tty:
    """A terminal, on which a program runs."""

    def __init__(
        self,
        command: Sequence[str],
        columns: int,
        rows: int = ROWS,
        cwd: Path = ROOT,
        env: Mapping[str, str] | None = None,
    ) -> None:
        """Run a program; `close` it."""
        self.master, self.slave = os.openpty()
        self._height = rows
        self.screen = pyte.Screen(columns, rows)
        self.resize(columns)
        self.seen = ""
        self._stream = pyte.Stream(self.screen)
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self.process = subprocess.Popen(
            command,
            stdin=self.slave,
            stdout=self.slave,
            stderr=self.slave,
            env={"PATH": os.environ["PATH"], "TERM": "xterm-256color", **(env or {})},
            cwd=cwd,
            start_new_session=True,
        )

    def close(self) -> None:
        """End the program, however it is."""
        self.process.kill()
        self.process.wait()
        os.close(self.master)
        os.close(self.slave)

    def resize(self, columns: int) -> None:
        """Have another width."""
        self.screen.resize(self._height, columns)
        termios.tcsetwinsize(self.slave, (self._height, columns))

    def type(self, text: str) -> None:
        """Press keys."""
        os.write(self.master, text.encode())

    def paste(self, text: str) -> None:
        """Paste, as a terminal that brackets it does."""
        self.type(f"\x1b[200~{text}\x1b[201~")

    @property
    def rows(self) -> list[str]:
        """What is on the screen, without the rows below."""
        text = "\n".join(map(str.rstrip, self.screen.display))
        return text.rstrip("\n").split("\n")

    @property
    def line(self) -> str:
        """The row with the cursor."""
        return self.screen.display[self.screen.cursor.y].rstrip()

    def until(self, *texts: str) -> list[str]:
        """Read until all texts are on the screen; return its rows."""
        return self.when(lambda: all(text in "\n".join(self.rows) for text in texts))

    def prompted(self, prompt: str, *texts: str) -> list[str]:
        """Read until all texts are above a prompt; return the rows of the screen."""
        return self.when(
            lambda: (
                self.line == prompt
                and all(text in "\n".join(self.rows) for text in texts)
            )
        )

    def gone(self, text: str) -> list[str]:
        """Read until a text is no more on the screen; return its rows."""
        return self.when(lambda: text not in "\n".join(self.rows))

    def when(self, holds: Callable[[], bool]) -> list[str]:
        """Read until something holds; return the rows of the screen."""
        deadline = time.monotonic() + PATIENCE_S
        while not holds():
            left = deadline - time.monotonic()
            if left <= 0 or not self.read(left):
                raise AssertionError("\n".join(self.rows))
        return self.rows

    def read(self, patience_s: float = 0) -> bool:
        """Take what the program has written; return whether there was something."""
        if not select.select([self.master], [], [], patience_s)[0]:
            return False
        try:
            data = os.read(self.master, 65536)
        except OSError:
            return False
        text = self._decoder.decode(data)
        self.seen += text
        self._stream.feed(text)
        return bool(data)

    def end(self) -> int:
        """Read until the program has ended; return its status."""
        while self.process.poll() is None:
            self.read(0.1)
        while self.read():
            pass
        return self.process.wait()

    @property
    def is_raw(self) -> bool:
        """Whether the terminal gives keys away one by one, unseen."""
        return not termios.tcgetattr(self.slave)[3] & (termios.ECHO | termios.ICANON)


@contextmanager
def connected(url: str, *options: str, columns: int = 80) -> Iterator[Tty]:
    """Run `chatd connect` on a terminal of its own."""
    tty = Tty((sys.executable, "-m", "chatd", "connect", url, *options), columns)
    try:
        yield tty
    finally:
        tty.close()
