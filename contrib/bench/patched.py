"""chatd with one thing changed, to see what it is worth, or watched from outside.

`patched.py NAME,NAME FILE ARGUMENTS` does what the names say, then runs
`chatd ARGUMENTS`.
What is told in the end is written to FILE. The daemon itself knows of none of it.
"""

from __future__ import annotations

import atexit
import gc
import json
import math
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import trio

import chatd.daemon.daemon as daemon_module
from chatd.cli import main
from chatd.core.machine import Machine
from chatd.hub import committer, effect_runner, engine, fanout, timing
from chatd.hub.hub import Hub
from chatd.net import scanner, websocket
from chatd.net.dialect import JsonDialect
from chatd.net.outlet import SocketOutlet
from chatd.ports import Entry, Outlet
from chatd.store.sqlite import writer
from chatd.wire.codec import Decoder
from chatd.wire.events import TimelineEvent
from chatd.wire.replies import Welcome


def watched(file: Path) -> None:
    """Write how long each full collection took, in milliseconds."""
    began = 0.0

    def note(phase: str, info: dict[str, int]) -> None:
        nonlocal began
        if info["generation"] < 2:
            return
        if phase == "start":
            began = time.perf_counter()
        else:
            with file.open("a") as out:
                print((time.perf_counter() - began) * 1000, file=out)

    gc.callbacks.append(note)


def parts(file: Path) -> None:
    """Write how often some functions ran, and how long, with all they called."""
    spent: dict[str, list[int]] = {}

    def timed(owner: Any, name: str, label: str) -> None:
        function = getattr(owner, name)
        entry = spent.setdefault(label, [0, 0])
        clock = time.perf_counter_ns

        def wrapper(*args: Any, **kwargs: Any) -> Any:
            began = clock()
            try:
                return function(*args, **kwargs)
            finally:
                entry[0] += 1
                entry[1] += clock() - began

        setattr(owner, name, wrapper)

    timed(scanner.Scanner, "next", "find and unmask frames")
    timed(Decoder, "decode", "bytes to command")
    timed(Machine, "handle", "decide")
    timed(JsonDialect, "encode", "event to bytes")
    timed(fanout.Fanout, "flush", "fan out, with the sends")
    timed(SocketOutlet, "_send", "send")
    timed(writer.Writer, "commit", "write and sync, in its thread")
    atexit.register(lambda: file.write_text(json.dumps(spent)))


class Passes(trio.abc.Instrument):
    """Measures the passes of Trio's loop: so long nothing else can be done."""

    BESIDE_S = 3.0
    """What the start and the end take are not measured."""

    def __init__(self, file: Path) -> None:
        """Write down in the end how long they took."""
        self.found: list[tuple[float, float]] = []
        self.began = math.inf
        atexit.register(lambda: file.write_text(json.dumps(self.longest())))

    def longest(self) -> dict[str, float]:
        """The longest, and the longest of all but one in a thousand."""
        first, last = (
            self.found[0][0] + self.BESIDE_S,
            self.found[-1][0] - self.BESIDE_S,
        )
        ms = sorted(took * 1000 for at, took in self.found if first < at < last)
        return {"longest_ms": ms[-1], "p999_ms": ms[-(len(ms) // 1000 + 1)]}

    def after_io_wait(self, timeout: float) -> None:  # noqa: ARG002
        """A pass begins."""
        self.began = time.perf_counter()

    def before_io_wait(self, timeout: float) -> None:  # noqa: ARG002
        """A pass has ended."""
        took = time.perf_counter() - self.began
        if took > 0:
            self.found.append((self.began, took))


def passes(file: Path) -> None:
    """Write how long the passes of the loop took."""
    run = trio.run
    instruments = [Passes(file)]
    trio.run = lambda *args: run(*args, instruments=instruments)


def python_decides_when_to_collect(_file: Path) -> None:
    """Leave the garbage collector as Python has it."""

    async def leave(
        _connections: Callable[[], int], task_status: trio.TaskStatus[None]
    ) -> None:
        task_status.started()
        await trio.sleep_forever()

    daemon_module.tend = leave  # type: ignore[attr-defined,assignment]


def slow_thread_switch(_file: Path) -> None:
    """Leave Python's 5 ms, after which a thread may take the interpreter."""
    daemon_module.SWITCH_INTERVAL_S = 0.005


def no_direct_send(_file: Path) -> None:
    """Queue everything, and let the connection's task send it."""

    def push(self: SocketOutlet, entry: Entry) -> None:
        if not self._quiet:
            self._queue(entry, 0)

    def push_all(self: SocketOutlet, entries: Sequence[Entry]) -> None:
        for entry in entries:
            push(self, entry)

    SocketOutlet.push = push  # type: ignore[method-assign]
    SocketOutlet.push_all = push_all  # type: ignore[method-assign]


def no_joined_batches(_file: Path) -> None:
    """Send each event of a batch by itself."""
    deliver = fanout.Fanout.deliver

    def deliver_alone(self: fanout.Fanout, event: TimelineEvent) -> None:
        deliver(self, event)
        for audience in self._audiences.get(event.room, ()):
            entry = self._take(audience)
            for link in audience.links.values():
                link.outlet.push(entry)

    fanout.Fanout.deliver = deliver_alone  # type: ignore[method-assign]


def no_group_commit(_file: Path) -> None:
    """Give every draft its own transaction."""
    committer.BATCH_MAX = 1


def no_common_turns(_file: Path) -> None:
    """Handle what one connection has sent before the next one is read."""
    take = Hub.on_texts

    def at_once(self: Hub, outlet: Outlet, payloads: Sequence[bytes]) -> None:
        take(self, outlet, payloads)
        self._run_inputs()

    Hub.on_texts = at_once  # type: ignore[method-assign]


def no_bound_of_turns(_file: Path) -> None:
    """Handle all that has come in one go, and all that one client has sent."""
    engine.TURN_S = engine.SERVED_S = math.inf
    engine.TURN_INPUTS_MAX = engine.SERVED_MAX = sys.maxsize
    fanout.SENDS_MAX = sys.maxsize


def no_batch_per_read(_file: Path) -> None:
    """Hand over each message by itself."""
    websocket.TURN_MESSAGES = 1


def no_bound_of_fragments(_file: Path) -> None:
    """Let everything through the slow lane that comes in fragments."""
    scanner.FRAGMENTS_PER_S = 0.0  # no limit


def no_measuring(_file: Path) -> None:
    """Leave all histograms empty, and no reply counted."""

    def nothing(*_args: Any, **_kwargs: Any) -> None:
        pass

    timing.Timing.committed = nothing  # type: ignore[method-assign]
    effect_runner.NOTED = frozenset({Welcome})


PATCHES = {
    patch.__name__: patch
    for patch in (
        watched,
        parts,
        passes,
        python_decides_when_to_collect,
        slow_thread_switch,
        no_direct_send,
        no_joined_batches,
        no_group_commit,
        no_common_turns,
        no_bound_of_turns,
        no_batch_per_read,
        no_bound_of_fragments,
        no_measuring,
    )
}

if __name__ == "__main__":
    for name in sys.argv[1].split(","):
        PATCHES[name](Path(sys.argv[2]))
    main(sys.argv[3:])
