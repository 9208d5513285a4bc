"""What one step of trimming costs: how long the writer is taken, by its bounds.

    PYTHONPATH=. .venv/bin/python contrib/bench/trim.py

Messages of 15 words, all in the search index, on a disk; each line has steps of
other bounds. Removing a word from the index is what costs, 10 to 20 µs each; rows
alone are nearly free.
"""

from __future__ import annotations

import random
import statistics
import string
import tempfile
import time
from pathlib import Path

import apsw

from chatd.core import drafts as d
from chatd.core.settings import PLAIN
from chatd.ids import Epoch, RoomName, UserName
from chatd.store.sqlite import search
from chatd.store.sqlite.files import Side
from chatd.store.sqlite.generation import Generation
from chatd.store.sqlite.migrate import configure, migrate
from chatd.store.sqlite.writer import Writer

ROOM, ANN = RoomName("lobby"), UserName("ann")
MESSAGES, BATCH, STEPS, WORDS = 20_000, 500, 40, 15
LATER = 10**12


def fill(path: Path) -> Writer:
    """Make a room whose messages are all indexed."""
    chance = random.Random(1)  # noqa: S311 - words, not secrets
    words = ["".join(chance.choices(string.ascii_lowercase, k=6)) for _ in range(9999)]
    db = apsw.Connection(str(path))
    configure(db)
    migrate(db)
    db.execute("INSERT INTO store (one, id, generation) VALUES (1, 'x', 1)")
    side = Generation(db, path, Side("x", 1, clean=False), 1)
    writer = Writer(db, side, LATER)
    owner = d.AddUser(ANN, ANN, "user", None)
    room = d.CreateRoom(ROOM, Epoch("0" * 16), PLAIN, {ANN: "owner"})
    writer.commit([owner, room], 0)
    for _ in range(MESSAGES // BATCH):
        texts = [" ".join(chance.choices(words, k=WORDS)) for _ in range(BATCH)]
        writer.commit([d.NewMessage(ROOM, ANN, None, text) for text in texts], 0)
        while search.fill(db, BATCH, 10**6):
            pass
    return writer


def main() -> None:
    """Print the milliseconds of a step, for several bounds."""
    with tempfile.TemporaryDirectory(dir=".") as directory:
        writer = fill(Path(directory) / "bench.db")
        for rows, text_bytes in ((64, 1024), (64, 2048), (64, 4096), (256, 65_536)):
            took = []
            for _ in range(STEPS):
                began = time.perf_counter()
                step = d.TrimRoom(ROOM, LATER, None, rows, text_bytes)
                writer.commit([step], 0)
                took.append((time.perf_counter() - began) * 1000)
            middle, worst = statistics.median(took), max(took)
            print(
                f"{rows} rows, {text_bytes} bytes: {middle:.1f} ms, at most {worst:.1f}"
            )


if __name__ == "__main__":
    main()
