"""How much is free where the store is: measured here, judged in the core.

A disk that fills up is noticed before it is full, so that people can still read, delete
and log in. A change of the judgement is one line in the log. Measuring hangs if the
disk does, so it runs in a thread.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import trio

from chatd.config import LiveConfig
from chatd.core.quota import Space
from chatd.observe import log

EVERY_S = 5.0
"""How often it is measured: at 50 MB/s of everything else on that disk, the default
`store.free_bytes_min` is gone in as long."""


CURE = "free some, or lower store.free_bytes_min"


async def watch_space(
    measure: Callable[[], int],
    judge: Callable[[int], Space],
    directory: Path,
    config: LiveConfig,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Measure until cancelled; started when it was done once.

    Args:
        measure: Finds out how many bytes are free; called in a thread.
        judge: Takes that number, and says what may be added to the store now.
        directory: Where the store is, for the log.
        config: The settings in force; the log has `store.free_bytes_min`.
        task_status: Trio's own.

    Cancellation: safe; a thread that hangs is left to itself.
    """
    before, failing = Space.AMPLE, False
    while True:
        try:
            free = await trio.to_thread.run_sync(measure, abandon_on_cancel=True)
        except OSError as error:
            if not failing:
                text = "free space cannot be measured"
                log().error(text, error=str(error), directory=str(directory))
            failing = True
        else:
            failing = False
            now = judge(free)
            if now is not before:
                least = config.current.store.free_bytes_min
                _tell(now, free=free, directory=str(directory), bytes_min=least)
            before = now
        task_status.started()
        task_status = trio.TASK_STATUS_IGNORED
        await trio.sleep(EVERY_S)


def _tell(space: Space, **about: object) -> None:
    if space is Space.AMPLE:
        log().info("there is space again: everybody can add to the store", **about)
    elif space is Space.SCARCE:
        log().warning(f"little space is left: guests can add nothing; {CURE}", **about)
    else:
        text = f"hardly any space is left: nobody can add anything; {CURE}"
        log().error(text, **about)
