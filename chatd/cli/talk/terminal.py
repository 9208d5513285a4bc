"""A conversation on a terminal: an editor, and a view of what comes in.

This module is imported when there is a terminal, since prompt_toolkit takes longer to
import than all else that a pipe needs.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

import trio

from chatd.cli.clean import clean
from chatd.cli.talk.editor import Editor
from chatd.cli.talk.view import View
from chatd.cli.transcript import quiet
from chatd.client import Frame


class Terminal:
    """A `Screen` on which one types below what comes in."""

    interactive = True
    as_json = False

    def __init__(self) -> None:
        """Prepare; the terminal is taken by `opened`."""
        self._view = View()
        self._editor = Editor(self._view.candidates)
        self._draw()

    @property
    def lines(self) -> trio.MemoryReceiveChannel[str]:
        """What is typed."""
        return self._editor.lines

    @property
    def interrupted(self) -> bool:
        """Whether Ctrl-C was the end."""
        return self._editor.interrupted

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Have the terminal while the block runs.

        Cancellation: safe; the terminal is given back first.
        """
        async with self._editor.opened():
            yield

    async def take(self, event: Frame, *, followed: bool) -> None:
        """Show what has happened.

        Cancellation: safe; the event is shown.
        """
        self._editor.show(self._view.take(event, followed=followed))
        self._draw()
        await self._editor.keep_up()

    def tell(self, lines: Iterable[str]) -> None:
        """Show lines that somebody has asked for."""
        self._editor.show(map(quiet, lines))

    def complain(self, text: str) -> None:
        """Say what went wrong."""
        self._editor.show([quiet(f"! {clean(text)}")])

    def give_back(self, line: str) -> None:
        """Put a line back to where it was typed."""
        self._editor.give_back(line)

    def ask(self, question: str) -> None:
        """Put a question in the place of the prompt, or the prompt again."""
        self._view.question = question
        self._draw()

    def enter(self, room: str | None) -> None:
        """Put another room into the prompt, and show what has happened there."""
        self._editor.show(self._view.enter(room))
        self._draw()

    def wait_for(self, count: int) -> None:
        """Say in the bottom line how many lines have no answer yet."""
        self._view.waiting = count
        self._draw()

    def _draw(self) -> None:
        self._editor.draw(self._view.prompt, self._view.status)
