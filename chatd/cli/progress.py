"""How far something is that lasts: a bar on a terminal, on standard error."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import click

from chatd.store.sqlite.copying import Tell, untold

if TYPE_CHECKING:
    from click._termui_impl import ProgressBar

PARTS = 1000
"""How finely a bar shows how far something is."""


@contextmanager
def shown() -> Iterator[Tell]:
    """Show how far something is: a bar for each thing that is done, on a terminal."""
    if not sys.stderr.isatty():
        yield untold
        return
    with ExitStack() as stack:
        bars: dict[str, ProgressBar[int]] = {}

        def tell(what: str, part: float) -> None:
            if what not in bars:
                stack.close()  # what was done before is done
                bar = click.progressbar(
                    length=PARTS, label=f"{what:<11}", file=sys.stderr
                )
                bars[what] = stack.enter_context(bar)
            bars[what].update(max(0, round(part * PARTS) - bars[what].pos))

        yield tell
