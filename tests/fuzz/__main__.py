"""`make fuzz ARGS='--seconds 3600 --seed 7'`: the fuzzer, for as long as one likes."""

from __future__ import annotations

import secrets
import tempfile
from pathlib import Path

import click
import trio

from tests.fuzz.run import fuzz


@click.command()
@click.option("--seconds", type=float, default=600.0, show_default=True)
@click.option("--seed", type=int, help="A new one, if none is given.")
def main(seconds: float, seed: int | None) -> None:
    """Play with a real daemon until something breaks, or the time is over."""
    seed = secrets.randbits(32) if seed is None else seed
    directory = Path(tempfile.mkdtemp(prefix="chatd-fuzz-"))
    click.echo(f"seed {seed}, in {directory}")
    happened = trio.run(fuzz, directory, seed, seconds)
    for what, count in sorted(happened.items()):
        click.echo(f"{count:>9} {what}")


main()
