"""Where a conversation is typed and read: a pipe, or a terminal.

`Conversation` decides what lines mean and what becomes of them; how something is
shown, and how a line is given back, is the screen's.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from typing import Protocol

from chatd.client import Frame


class Screen(Protocol):
    """One that somebody types into and reads, or a program."""

    @property
    def interactive(self) -> bool:
        """Whether a person sees what comes of a line before typing the next one."""

    @property
    def as_json(self) -> bool:
        """Whether lines may be commands of the protocol."""

    @property
    def lines(self) -> AsyncIterator[str]:
        """What is typed, line by line, until the end."""

    async def take(self, event: Frame, *, followed: bool) -> None:
        """Show what has happened.

        Args:
            event: A frame of the server, or one that the client has made.
            followed: Whether the messages of its room are told.

        Raises:
            OutputLost: Nobody reads any more.

        Cancellation: safe; the event may not be shown.
        """

    def tell(self, lines: Iterable[str]) -> None:
        """Show lines that somebody has asked for, such as the help."""

    def complain(self, text: str) -> None:
        """Say what went wrong."""

    def give_back(self, line: str) -> None:
        """Give a line that was not taken back to whoever has typed it."""

    def ask(self, question: str) -> None:
        """Say that the next line is an answer; with no question, that it is none."""

    def enter(self, room: str | None) -> None:
        """Say where the next line goes."""

    def wait_for(self, count: int) -> None:
        """Say how many lines have no answer yet."""
