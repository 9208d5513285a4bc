"""The line that one types into, with others' lines coming in above it.

prompt_toolkit runs on asyncio, so it has a thread and a loop of its own. Its screen and
its buffer are touched in that thread alone; whatever crosses over only leaves
something there:

* from Trio, a call for the editor's loop (`_soon`): print what has gathered, put a line
  back, draw anew, end. The lock is there because a loop may end at any moment.
* to Trio, a line, by `run_sync_soon`.

There is one printer, `_print`: it takes away the prompt, prints all that has gathered
and has the prompt drawn again, within one step of the loop. So two lines that come at
once are in order, nothing is printed into a prompt, and the terminal is in raw mode all
the time: no key is echoed in between. When the editor has ended, Trio's thread prints
the rest.

What is typed is kept in no file: what people write to each other does not belong
into one.
"""

from __future__ import annotations

import asyncio  # noqa: TID251 - prompt_toolkit's loop, in a thread of its own
import os
import signal
import sys
import termios
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, suppress

import attrs
import trio
from prompt_toolkit.application import Application, run_in_terminal
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.filters import Condition, completion_is_selected, has_focus, is_done
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.history import InMemoryHistory
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.layout import (
    BufferControl,
    CompletionsMenu,
    ConditionalContainer,
    Dimension,
    Float,
    FloatContainer,
    FormattedTextControl,
    HSplit,
    Layout,
    Window,
)
from prompt_toolkit.layout.processors import (
    HighlightIncrementalSearchProcessor,
    HighlightSelectionProcessor,
)
from prompt_toolkit.output.vt100 import Vt100_Output
from prompt_toolkit.renderer import print_formatted_text
from prompt_toolkit.styles import Style, default_ui_style, merge_styles
from prompt_toolkit.utils import get_cwidth
from prompt_toolkit.widgets import SearchToolbar

from chatd.cli.talk.completion import Candidate
from chatd.cli.talk.wrapping import wrapped
from chatd.cli.transcript import Line

LINES_MAX = 100
"""Lines that wait to be sent; one more goes back into the editor."""
SHOWN_MAX = 1000
"""Lines that wait to be printed before the conversation waits for the terminal."""
ROWS_MAX = 10
"""Rows of a text that is typed; a longer one scrolls."""
MENU_ROWS = 8
STOP_TIMEOUT_S = 0.5
END_TIMEOUT_S = 2.0
"""After that a terminal that takes nothing is left as it is."""

LOOK = Style(
    [
        ("prompt", "bold"),
        ("status", "ansibrightblack"),
        ("status.call", "noinherit bold"),
        ("time", "ansibrightblack"),
        ("room", "ansibrightblack"),
        ("quiet", "ansibrightblack"),
        ("name", "bold"),
        ("own", "bold ansiblue"),
        ("mention", "bold reverse"),
        ("day", "bold"),
        ("error", "ansired"),
        ("completion-menu", "noreverse bg:default fg:default"),
        ("completion-menu.completion.current", "noinherit reverse"),
        ("completion-menu.meta.completion", "bg:default ansibrightblack"),
        ("completion-menu.meta.completion.current", "noinherit reverse"),
        ("scrollbar.background", "bg:default"),
        ("scrollbar.button", "bg:ansibrightblack"),
    ]
)
"""Colours of the terminal's own palette, which its owner can read on its ground."""


@attrs.define
class Words(Completer):
    """Completes the word before the cursor from what the conversation knows."""

    candidates: Callable[[str], list[Candidate]]
    """What a text may go on with. Called in Trio's thread."""

    def get_completions(
        self,
        document: Document,
        complete_event: CompleteEvent,  # noqa: ARG002 - prompt_toolkit's
    ) -> Iterable[Completion]:
        """Return what may stand in the place of the word before the cursor."""
        typed = document.text_before_cursor
        for one in trio.from_thread.run_sync(self.candidates, typed):
            start = -len(one.replaced)
            yield Completion(one.text, start, display=one.shown, display_meta=one.meta)


class Editor:
    """A line that is edited while others' lines come in above it.

    Attributes:
        lines: What was typed, each text once.
        interrupted: Whether Ctrl-C was the end.
    """

    def __init__(self, candidates: Callable[[str], list[Candidate]]) -> None:
        """Prepare; the terminal is taken by `opened`."""
        self.interrupted = False
        self.lines: trio.MemoryReceiveChannel[str]
        self._typed, self.lines = trio.open_memory_channel[str](LINES_MAX)
        self._token = trio.lowlevel.current_trio_token()
        self._lock = threading.Lock()
        self._goes_on = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._shown: deque[Line] = deque()
        self._printed = trio.lowlevel.ParkingLot()
        self._prompt = ""
        self._status: StyleAndTextTuples = []
        self._buffer = Buffer(
            completer=Words(candidates),
            complete_while_typing=False,
            history=InMemoryHistory(),
            multiline=True,
            accept_handler=self._accept,
        )
        # A file of its own: a thread that hangs in it holds up no other.
        tty = open(sys.stdout.fileno(), "w", encoding="utf-8", closefd=False)  # noqa: SIM115
        self._output = Vt100_Output.from_pty(tty)
        # The layout is as high as it needs to be, so nothing is asked of the terminal.
        self._output.enable_cpr = False
        self._style = merge_styles([default_ui_style(), LOOK])
        self._app: Application[None] = Application(
            layout=self._layout(),
            key_bindings=self._keys(),
            style=self._style,
            output=self._output,
        )

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Have the terminal while the block runs.

        Cancellation: safe; the terminal is given back first.
        """
        before = termios.tcgetattr(sys.stdin.fileno())
        patience = trio.CancelScope(shield=True)
        try:
            async with trio.open_nursery() as nursery:
                started = trio.Event()
                nursery.start_soon(self._run, patience, started)
                nursery.start_soon(self._hear_of_going_on)
                try:
                    await started.wait()
                    yield
                finally:
                    self._soon(self._exit)
                    patience.deadline = trio.current_time() + END_TIMEOUT_S
                    nursery.cancel_scope.cancel()
        finally:
            if patience.cancelled_caught:
                termios.tcsetattr(sys.stdin.fileno(), termios.TCSANOW, before)

    # --- Trio's thread --------------------------------------------------------

    def show(self, lines: Iterable[Line]) -> None:
        """Print lines above the one that is being typed."""
        self._shown.extend(lines)
        if not self._soon(self._print):
            self._write()

    async def keep_up(self) -> None:
        """Wait until the terminal has taken most of what there is to print.

        Cancellation: safe.
        """
        await trio.lowlevel.checkpoint_if_cancelled()
        while len(self._shown) > SHOWN_MAX:
            await self._printed.park()

    def give_back(self, line: str) -> None:
        """Put a line back to where it was typed, or say it if another is there."""
        self._soon(lambda: self._restore(line))

    def draw(self, prompt: str, status: Line) -> None:
        """Say what stands before the line, and below it."""
        drawn: StyleAndTextTuples = [(f"class:{what}", text) for what, text in status]
        if (prompt, drawn) != (self._prompt, self._status):
            self._prompt, self._status = prompt, drawn
            self._soon(self._app.invalidate)

    def _soon(self, call: Callable[[], object]) -> bool:
        """Have the editor's thread call something; return whether it still runs."""
        with self._lock:
            if self._loop is not None:
                self._loop.call_soon_threadsafe(call)
            return self._loop is not None

    async def _run(self, patience: trio.CancelScope, started: trio.Event) -> None:
        """Run the editor in its thread, and end the lines with it."""
        try:
            with patience:
                await trio.to_thread.run_sync(
                    asyncio.run, self._edit(started), abandon_on_cancel=True
                )
                self._write()
        finally:
            self._typed.close()
            self._printed.unpark_all()

    async def _hear_of_going_on(self) -> None:
        """Tell the editor's thread that the shell has brought it back."""
        with trio.open_signal_receiver(signal.SIGCONT) as signals:
            async for _ in signals:
                self._goes_on.set()

    def _take(self, line: str) -> None:
        """Leave a line for the conversation."""
        try:
            self._typed.send_nowait(line)
        except trio.ClosedResourceError:
            return  # the conversation is over; a terminal that hung has come back
        except trio.WouldBlock:
            self.show([[("error", "! too many lines wait; this one comes back")]])
            self.give_back(line)

    # --- the editor's thread --------------------------------------------------

    async def _edit(self, started: trio.Event) -> None:
        """Edit until the end."""
        with self._lock:
            self._loop = asyncio.get_running_loop()
        try:
            with suppress(EOFError):  # the terminal is gone
                await self._app.run_async(
                    pre_run=lambda: self._token.run_sync_soon(started.set),
                    handle_sigint=False,
                )
            self._write()
        finally:
            with self._lock:
                self._loop = None

    def _print(self) -> None:
        """Print what has gathered, between two drawings of the prompt."""
        if self._shown and self._app.is_running and not self._app.is_done:
            self._app.renderer.erase()
            self._write()
            self._app.invalidate()
            self._token.run_sync_soon(self._printed.unpark_all)

    def _write(self) -> None:
        """Write lines where the cursor is."""
        pieces: StyleAndTextTuples = []
        columns = self._output.get_size().columns
        while self._shown:
            for row in wrapped(self._shown.popleft(), columns, get_cwidth):
                pieces += [(f"class:{what}", text) for what, text in row]
                pieces.append(("", "\n"))
        if pieces:
            print_formatted_text(self._output, pieces, self._style)

    def _accept(self, buffer: Buffer) -> bool:
        """Hand over what was typed, and empty the line."""
        # What was no UTF-8 is half characters here.
        line = buffer.text.encode("utf-8", "replace").decode().rstrip("\n")
        self._token.run_sync_soon(self._take, line)
        return False

    def _restore(self, line: str) -> None:
        """Put a line into the editor if it is empty; it is in the history anyway."""
        if not self._buffer.text and not self._app.is_done:
            self._buffer.document = Document(line)
            return
        lines = line.split("\n")
        self._shown.append([("error", f"! not sent (Up brings it back): {lines[0]}")])
        self._shown.extend([("error", f"      | {more}")] for more in lines[1:])
        self._print()

    def _stop(self) -> None:
        """Stop, as every program does at Ctrl-Z, until the shell brings it back.

        The signal may reach another thread first, so it is waited for here; in vain
        where nobody could bring the program back, and the kernel ignores it.
        """
        self._goes_on.clear()
        os.kill(0, signal.SIGTSTP)
        self._goes_on.wait(STOP_TIMEOUT_S)

    def _exit(self) -> None:
        if self._app.is_running and not self._app.is_done:
            # What is half typed stays to be seen.
            self._app.erase_when_done = not self._buffer.text
            self._app.exit()

    def _layout(self) -> Layout:
        """Make the line with its prompt, and the status below it."""
        search = SearchToolbar(ignore_case=True)
        control = BufferControl(
            self._buffer,
            search_buffer_control=search.control,
            input_processors=[
                HighlightIncrementalSearchProcessor(),
                HighlightSelectionProcessor(),
            ],
        )
        line = Window(
            control,
            wrap_lines=True,
            height=self._height,
            dont_extend_height=True,
            get_line_prefix=self._prefix,
        )
        menu = CompletionsMenu(max_height=MENU_ROWS, scroll_offset=1)
        status = Window(FormattedTextControl(lambda: self._status), height=1)
        is_status = Condition(lambda: bool(self._status))
        below = ConditionalContainer(status, is_status & ~is_done)
        floats = [Float(menu, xcursor=True, ycursor=True)]
        return Layout(FloatContainer(HSplit([line, search, below]), floats), line)

    def _height(self) -> Dimension:
        """Leave room for the menu while there is one."""
        menu = self._buffer.complete_state is not None and not self._app.is_done
        return Dimension(min=MENU_ROWS + 1 if menu else 1, max=ROWS_MAX)

    def _prefix(self, number: int, wraps: int) -> StyleAndTextTuples:
        """Return what stands before a row of what is typed."""
        if wraps:
            return []
        return [("class:quiet", "| ") if number else ("class:prompt", self._prompt)]

    def _keys(self) -> KeyBindings:
        """Enter hands over, Alt-Enter begins a line, Ctrl-C empties, then ends."""
        keys = KeyBindings()
        typing = has_focus(self._buffer)
        is_empty = Condition(lambda: not self._buffer.text)

        @keys.add("enter", filter=typing)
        def _(event: KeyPressEvent) -> None:
            event.current_buffer.validate_and_handle()

        @keys.add("enter", filter=typing & completion_is_selected)
        def _(event: KeyPressEvent) -> None:
            event.current_buffer.complete_state = None

        @keys.add("escape", "enter", filter=typing)
        def _(event: KeyPressEvent) -> None:
            event.current_buffer.insert_text("\n")

        @keys.add("c-c", filter=typing)
        def _(event: KeyPressEvent) -> None:
            self.interrupted = not event.current_buffer.text
            event.current_buffer.reset()
            if self.interrupted:
                self._exit()

        @keys.add("c-d", filter=typing & is_empty)
        def _(_: KeyPressEvent) -> None:
            self._exit()

        @keys.add("c-z")
        def _(_: KeyPressEvent) -> None:
            run_in_terminal(self._stop)

        return keys
