"""A power cut at any write loses nothing that was answered.

The disk of these tests keeps what was written since the last fsync of each file
in doubt: at the cut any part of it, in any order and with one write torn, has
reached the platter. What fsync has returned for is there. SQLite runs without
its shared memory here (exclusive locking), which a cut does not survive anyway.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import apsw
import attrs

from chatd.core import drafts as d
from chatd.core.settings import PLAIN
from chatd.enums import AccountRole, Role
from chatd.store.sqlite.files import create_database
from chatd.store.sqlite.generation import begin
from chatd.store.sqlite.migrate import configure
from chatd.store.sqlite.sql import select
from chatd.store.sqlite.writer import Writer
from tests.store.support import ANN, EPOCH, LOBBY, T0, delete, edit, say

ROUNDS = 40
WRITES_MAX = 400
KEPT = 50
"""Messages of the room; what is trimmed is not synced by itself."""


class PowerCut(Exception):
    """The machine is off."""


@attrs.define(eq=False)
class Disk:
    """What has reached the platter, and what may have."""

    chance: random.Random
    writes_left: int
    safe: dict[str, bytearray] = attrs.field(factory=dict)
    doubtful: dict[str, list[tuple[int, bytes | None]]] = attrs.field(factory=dict)
    """Offset and bytes; None is a truncation."""

    def change(self, name: str, offset: int, data: bytes | None) -> None:
        """One write or truncation, or the cut."""
        if self.writes_left == 0:
            raise PowerCut
        self.writes_left -= 1
        self.doubtful.setdefault(name, []).append((offset, data))

    def sync(self, name: str) -> None:
        """Everything of a file is safe."""
        if self.writes_left == 0:
            raise PowerCut
        for change in self.doubtful.pop(name, []):
            apply(self.safe.setdefault(name, bytearray()), *change)

    def after_the_cut(self, directory: Path) -> None:
        """Write down what a machine that comes back would find."""
        for name, changes in self.doubtful.items():
            content = self.safe.setdefault(name, bytearray())
            for offset, data in changes:
                torn = data is not None and self.chance.random() < 0.1
                end = self.chance.randrange(len(data)) if torn and data else None
                if self.chance.random() < 0.6:
                    apply(content, offset, data if data is None else data[:end])
        for name, content in self.safe.items():
            (directory / Path(name).name).write_bytes(content)


def apply(content: bytearray, offset: int, data: bytes | None) -> None:
    """Change a file's content."""
    if data is None:
        del content[offset:]
        return
    content.extend(bytes(max(0, offset + len(data) - len(content))))
    content[offset : offset + len(data)] = data


@contextmanager
def on(disk: Disk) -> Iterator[str]:
    """A VFS whose files are on the disk."""

    class File(apsw.VFSFile):
        def __init__(self, name: Any, flags: list[int]) -> None:
            super().__init__("unix", name, flags)
            uri = isinstance(name, apsw.URIFilename)
            self.name: str = name.filename() if uri else name
            if self.name not in disk.safe:
                disk.safe[self.name] = bytearray(Path(self.name).read_bytes())

        def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802
            disk.change(self.name, offset, bytes(data))
            super().xWrite(data, offset)

        def xTruncate(self, newsize: int) -> None:  # noqa: N802
            disk.change(self.name, newsize, None)
            super().xTruncate(newsize)

        def xSync(self, flags: int) -> None:  # noqa: N802
            disk.sync(self.name)
            super().xSync(flags)

    class Vfs(apsw.VFS):
        def __init__(self) -> None:
            super().__init__("doubtful", "unix")

        def xOpen(self, name: Any, flags: list[int]) -> apsw.VFSFile:  # noqa: N802
            return File(name, flags)

    vfs = Vfs()
    try:
        yield "doubtful"
    finally:
        vfs.unregister()


def live_until_the_cut(
    path: Path, vfs: str, disk: Disk, synchronous: str
) -> dict[str, int]:
    """Commit, tend and trim until the power is cut.

    Returns:
        What was answered: cid and seq.
    """
    answered: dict[str, int] = {}
    db = apsw.Connection(str(path), apsw.SQLITE_OPEN_READWRITE, vfs)
    with contextlib.suppress(PowerCut), closing(db):
        db.pragma("locking_mode", "exclusive")
        writer = Writer(db, begin(db, path, random.Random(0).randbytes), 1)
        room = d.CreateRoom(LOBBY, EPOCH, PLAIN, {ANN: Role.OWNER})
        writer.commit([d.AddUser(ANN, "ann", AccountRole.USER, None), room], T0)
        db.pragma("synchronous", synchronous)
        disk.writes_left = disk.chance.randrange(WRITES_MAX)
        for number in range(10_000):
            drafts: list[d.Draft] = [
                say("x" * disk.chance.randrange(900), f"{number}-{n}")
                for n in range(disk.chance.choice([1, 2, 30]))
            ]
            drafts += [edit(1, f"e{number}", f"e{number}"), delete(2, f"d{number}")]
            batch = writer.commit(drafts, T0)
            for draft, outcome in zip(drafts, batch.outcomes, strict=True):
                if isinstance(outcome, d.Committed) and outcome.event is not None:
                    cid = str(getattr(draft, "cid", None))
                    answered[cid] = outcome.event.seq
            if disk.chance.random() < 0.1:
                db.wal_checkpoint()
            if disk.chance.random() < 0.3:
                writer.tend(T0)
            if disk.chance.random() < 0.2:
                writer.commit([d.TrimRoom(LOBBY, None, KEPT)], T0)
    assert disk.writes_left == 0
    return answered


def lost(tmp_path: Path, seed: int, synchronous: str) -> int:
    """How many answered cids are missing after the machine comes back."""
    before, after = tmp_path / f"b{seed}", tmp_path / f"a{seed}"
    before.mkdir()
    after.mkdir()
    create_database(before, "x")
    disk = Disk(random.Random(seed), writes_left=10**9)
    with on(disk) as vfs:
        answered = live_until_the_cut(before / "chatd.db", vfs, disk, synchronous)
    disk.after_the_cut(after)
    with closing(apsw.Connection(str(after / "chatd.db"))) as db:
        configure(db)
        assert select(db, "PRAGMA integrity_check") == [("ok",)]
        kept = dict(select(db, "SELECT cid, seq FROM cid"))
        missing = {cid for cid, seq in answered.items() if kept.get(cid) != seq}
        sql = "SELECT seq FROM message UNION SELECT seq FROM event ORDER BY seq"
        seqs = [seq for (seq,) in select(db, sql)]
        ((first, head),) = select(db, "SELECT first, head FROM room")
        assert seqs == list(range(first, head + 1))
        db.execute(
            "INSERT INTO message_fts (message_fts, rank) VALUES ('integrity-check', 1)"
        )
    return len(missing)


def test_nothing_that_was_answered_is_lost(tmp_path: Path) -> None:
    """At each of many cuts: every answered cid has its seq, no seq is missing, the
    file and the search index are whole.
    """
    assert [lost(tmp_path, seed, "FULL") for seed in range(ROUNDS)] == [0] * ROUNDS


def test_the_same_cuts_lose_answers_without_the_fsync(tmp_path: Path) -> None:
    """With synchronous=NORMAL they do, so this test would notice."""
    assert any(lost(tmp_path, seed, "NORMAL") for seed in range(ROUNDS))


def test_what_can_be_done_again_waits_for_no_disk(tmp_path: Path) -> None:
    """Trimming and tending are synced with the next message, and the one before them
    was by itself; a trim beside a message is synced with it.
    """
    create_database(tmp_path, "x")
    disk = Disk(random.Random(0), writes_left=10**9)
    path = tmp_path / "chatd.db"
    trim = d.TrimRoom(LOBBY, None, 1)
    with on(disk) as vfs:
        db = apsw.Connection(str(path), apsw.SQLITE_OPEN_READWRITE, vfs)
        with closing(db):
            db.pragma("locking_mode", "exclusive")
            writer = Writer(db, begin(db, path, random.Random(0).randbytes), 1)
            room = d.CreateRoom(LOBBY, EPOCH, PLAIN, {ANN: Role.OWNER})
            ann = d.AddUser(ANN, "ann", AccountRole.USER, None)
            writer.commit([ann, room, *(say("x", f"{n}") for n in range(9))], T0)
            in_doubt = [is_in_doubt(disk)]
            for act in (
                lambda: writer.commit([trim], T0),
                lambda: writer.commit([say("x", "after")], T0),
                lambda: writer.tend(T0),
                lambda: writer.commit([trim, say("x", "beside")], T0),
            ):
                act()
                in_doubt.append(is_in_doubt(disk))
    assert in_doubt == [False, True, False, True, False]


def is_in_doubt(disk: Disk) -> bool:
    """Whether a power cut could take some of the log."""
    return any(name.endswith("-wal") for name in disk.doubtful)
