"""Big stores, made in the current schema: what a place looks like after some years.

    PYTHONPATH=. .venv/bin/python contrib/bench/stores.py DIRECTORY [--scale 0.1]

At scale 1 there are 1,000,000 accounts, 200,000 rooms, 150,000 of them direct
conversations, 3,000,000 memberships and 10,000,000 messages. The same scale gives the
same rows. Messages of all rooms are interleaved as they are in real life, where what
one room has lies far apart in the file.

Half of all messages are in the `BUSY` rooms `r0` and so on. Some people have a session
whose secret is their name (`hello` with `session`): `one` is in `r0` alone, `five` in
five busy rooms, `back0` to `back99` in a hundred each, with `UNREAD` unread messages in
every one. `much` has written a tenth of what is in busy rooms. `RARE` is a word of
so many messages of `r0`.

Rows are written in big transactions without syncing; the search index is made by the
store's own code.
"""

from __future__ import annotations

import argparse
import random
import time
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apsw

from chatd.auth import digest_of
from chatd.ids import UserName, direct_room
from chatd.names import skeleton
from chatd.store.sqlite import files, migrate, search_index
from chatd.store.sqlite.sql import transaction

ACCOUNTS, ROOMS, DIRECT = 1_000_000, 200_000, 150_000
MEMBERSHIPS, MESSAGES = 3_000_000, 10_000_000
BUSY, BUSY_MEMBERS, BACK = 100, 50, 100
UNREAD = 1000
RARE, RARE_COUNT = "xanadu", 102
WORDS, LINES, LINE_WORDS = 40_000, 20_000, 6
T0, STEP_MS = 1_760_000_000_000, 50
INDEX_ROWS = 20_000

_Place = tuple[str, int]
"""Who, and in how many busy rooms."""

KNOWN: list[_Place] = [("much", 1), ("one", 1), ("five", 5)] + [
    (f"back{number}", BUSY) for number in range(BACK)
]
"""Those with a session."""
MUCH, MUCH_SHARE = 1, 0.1


class Sizes:
    """How many there are of everything."""

    def __init__(self, scale: float) -> None:
        self.accounts = max(2000, round(ACCOUNTS * scale))
        self.direct = round(DIRECT * scale)
        self.open = max(BUSY, round((ROOMS - DIRECT) * scale))
        self.memberships = round(MEMBERSHIPS * scale)
        # So many that everybody who comes back has something to come back to.
        self.messages = max(2 * BUSY * (UNREAD + 1), round(MESSAGES * scale))


def make(directory: Path, scale: float = 1.0) -> None:
    """Make a store in a directory that has none, stopped cleanly."""
    sizes, chance = Sizes(scale), random.Random(1)  # noqa: S311 - rows, not secrets
    files.make_directory(directory)
    files.create_database(directory, "b" * 32)
    db = apsw.Connection(str(directory / files.DATABASE))
    migrate.configure(db)
    for pragma in ("synchronous = OFF", "cache_size = -1000000", "foreign_keys = OFF"):
        db.execute(f"PRAGMA {pragma}")
    with transaction(db):
        db.executemany(
            "INSERT INTO user (id, name, skeleton, display, role, created)"
            " VALUES (?, ?, ?, ?, 'user', ?)",
            _users(sizes),
        )
        db.executemany(
            "INSERT INTO room (id, name, skeleton, epoch, settings)"
            " VALUES (?, ?, ?, ?, '{}')",
            _rooms(sizes),
        )
        db.executemany(
            "INSERT INTO session (id, user_id, created) VALUES (?, ?, ?)",
            [(digest_of(name), n, T0) for n, (name, _) in enumerate(KNOWN, 1)],
        )
    with transaction(db):
        heads = _write_messages(db, sizes, chance)
        db.executemany(
            "UPDATE room SET head = ?, last_ts = ? WHERE id = ?",
            ((head, T0 + STEP_MS * sizes.messages, n) for n, head in enumerate(heads)),
        )
    with transaction(db):
        db.executemany(
            "INSERT OR IGNORE INTO member (room_id, user_id, role, read, first)"
            " VALUES (?, ?, ?, ?, 1)",
            _members(sizes, heads),
        )
    left = 1
    while left:
        with transaction(db):
            left = search_index.fill(db, INDEX_ROWS, 2**40)
    db.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
    db.close()
    files.write_side(directory, files.Side("b" * 32, 0, clean=True))


def _users(sizes: Sizes) -> Iterator[tuple[Any, ...]]:
    names = [name for name, _ in KNOWN]
    names += [f"u{number}" for number in range(sizes.accounts - len(names))]
    for number, name in enumerate(names, 1):
        yield number, name, skeleton(name), name, T0


def _rooms(sizes: Sizes) -> Iterator[tuple[Any, ...]]:
    """Busy rooms have the lowest numbers, direct conversations the highest."""
    for number in range(1, sizes.open + 1):
        name = f"r{number - 1}"
        yield number, name, skeleton(name), f"{number:016x}"
    for number in range(sizes.direct):
        room = sizes.open + 1 + number
        yield room, direct_room(*_pair(sizes, number)), None, f"{room:016x}"


def _pair(sizes: Sizes, number: int) -> tuple[UserName, UserName]:
    """The two of a direct conversation."""
    count = sizes.accounts - len(KNOWN)
    one = number * 7919 % count
    return UserName(f"u{one}"), UserName(f"u{(one + 1 + number // count) % count}")


def _author(sizes: Sizes, room: int, draw: float) -> int:
    """Whoever says something there: a member, by the number of his row."""
    if room > sizes.open:
        names = _pair(sizes, room - sizes.open - 1)
        return len(KNOWN) + 1 + int(names[draw < 0.5][1:])
    if room <= BUSY and draw < MUCH_SHARE:
        return MUCH
    members = BUSY_MEMBERS if room <= BUSY else 8
    return _member(sizes, room, int(draw * members))


def _member(sizes: Sizes, room: int, number: int) -> int:
    return len(KNOWN) + 1 + (room * 104_729 + number) % (sizes.accounts - len(KNOWN))


def _write_messages(
    db: apsw.Connection, sizes: Sizes, chance: random.Random
) -> array[int]:
    """Write all messages; returns each room's head."""
    heads = array("q", bytes(8 * (sizes.open + sizes.direct + 1)))
    letters = "abcdefghijklmnopqrstuvwxyz"
    words = ["".join(chance.choices(letters, k=2 + n % 8)) for n in range(WORDS)]
    # Few words are common, most are rare, as in any language.
    weights = [1 / (n + 10) for n in range(WORDS)]
    lines = [
        " ".join(chance.choices(words, weights, k=LINE_WORDS)) for _ in range(LINES)
    ]
    rare = max(1, sizes.messages // 2 // BUSY // RARE_COUNT)

    def rows() -> Iterator[tuple[Any, ...]]:
        draw, others = chance.random, sizes.open + sizes.direct - BUSY
        for number in range(sizes.messages):
            if number % 2:
                room = 1 + number // 2 % BUSY
            else:
                room = 1 + BUSY + int(draw() * others)
            heads[room] += 1
            seq = heads[room]
            text = f"{lines[int(draw() * LINES)]} {lines[int(draw() * LINES)]}"
            if room == 1 and seq % rare == 0 and seq // rare <= RARE_COUNT:
                text += f" {RARE}"
            yield (
                room,
                seq,
                T0 + STEP_MS * number,
                _author(sizes, room, draw()),
                f"{number:x}",
                text,
            )

    db.executemany(
        "INSERT INTO message (room_id, seq, ts, user_id, cid, text)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        rows(),
    )
    return heads


def _members(sizes: Sizes, heads: array[int]) -> Iterator[tuple[Any, ...]]:
    for room in range(1, sizes.open + 1):
        yield room, _member(sizes, room, 0), "owner", heads[room]
    for user, (_, count) in enumerate(KNOWN, 1):
        for room in range(1, count + 1):
            yield room, user, "member", max(0, heads[room] - UNREAD)
    for room in range(1, BUSY + 1):
        for number in range(BUSY_MEMBERS):
            yield room, _member(sizes, room, number), "member", heads[room]
    for number in range(sizes.direct):
        room = sizes.open + 1 + number
        for name in _pair(sizes, number):
            yield room, len(KNOWN) + 1 + int(name[1:]), "member", heads[room]
    left = sizes.memberships - 2 * sizes.direct - BUSY * (BUSY_MEMBERS + BACK)
    quiet = sizes.open - BUSY
    for place in range(max(0, left) if quiet else 0):
        room = BUSY + 1 + place % quiet
        yield room, _member(sizes, room, place // quiet), "member", heads[room]


def main() -> None:
    """Make a store, and say how long that took."""
    parser = argparse.ArgumentParser(description="make a big store")
    parser.add_argument("directory", type=Path)
    parser.add_argument("--scale", type=float, default=1.0)
    chosen = parser.parse_args()
    began = time.monotonic()
    make(chosen.directory, chosen.scale)
    size = (chosen.directory / files.DATABASE).stat().st_size
    print(f"{size / 2**20:,.0f} MiB in {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
