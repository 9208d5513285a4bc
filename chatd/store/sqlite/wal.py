"""The write-ahead log, and how it is brought into the database file.

It is done in two steps, so that no commit waits for it. A connection of its own brings
what is there into the file, beside the commits (`copy`). They have added to the log
meanwhile, and as long as some of it is not in the file it goes on growing: so the
writer's connection brings that little over between two commits, and the next one begins
the log anew. On a store of years a thousand pages of the log are a thousand places of
the file.
"""

from __future__ import annotations

import struct
from contextlib import suppress
from pathlib import Path

import apsw

from chatd.errors import StoreRefused
from chatd.store.sqlite import access

PAGES = 4000
"""How long the log may be until it is brought over: 16 MiB.

On a store of years a batch changes 200 pages, and what is changed again before the log
is brought over is written to the file once."""

COPIES = 2
"""How often it is brought over beside the commits, before it is between two: what came
during the first time may be a thousand pages, during the second it is some dozens."""


def copy(db: apsw.Connection) -> None:
    """Bring the log into the file, as far as no reader needs it."""
    with suppress(apsw.BusyError):  # another program is just doing it
        db.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)


# --- before it is opened ------------------------------------------------------

_HEADER, _FRAME = struct.Struct(">8I"), struct.Struct(">6I")
"""Of the log: its magic, its version, the size of a page, a number, two salts, two
sums. Of a frame: its page, how many pages the database has after it, if it ends a
commit, the salts, the sums.

Source: sqlite.org/fileformat2.html section 4.1.
"""
_MAGIC = 0x377F0682
"""With the last bit set, words are summed with their first byte first."""
_WORD = 0xFFFFFFFF


def lacks_commits(database: Path) -> bool:
    """Say whether a log has commits that SQLite will not read.

    It reads up to the first frame that is not right, and says nothing. A process that
    was killed leaves nothing behind such a frame. A power cut may, of commits that
    nobody was told of; a damaged disk does, of others.

    Args:
        database: Whose log it is; no connection has it open.

    Raises:
        StoreRefused: Nothing of it can be read. Nothing was changed.
        OSError: It cannot be opened.
    """
    path = access.beside(database, access.WAL)
    if not path.exists():
        return False
    with path.open("rb") as file:
        head = file.read(_HEADER.size)
        if len(head) < _HEADER.size or not any(head):
            return False  # nothing was written behind it
        magic, _, page_bytes, _, *salts, first, second = _HEADER.unpack(head)
        order = ">" if magic & 1 else "<"
        sums = _summed((0, 0), head[:24], order)
        if magic | 1 != _MAGIC | 1 or sums != (first, second):
            raise StoreRefused(
                f"{path} is damaged: what was stored last is in it, and cannot be read;"
                " restore the store from a backup, or move this file away to start"
                " without that"
            )
        is_right = True
        frame_bytes = _FRAME.size + page_bytes
        while len(frame := file.read(frame_bytes)) == frame_bytes:
            _, pages, *own_salts, first, second = _FRAME.unpack_from(frame)
            if is_right:
                sums = _summed(sums, frame[:8] + frame[_FRAME.size :], order)
                is_right = own_salts == salts and sums == (first, second)
            elif pages and own_salts == salts:
                return True
    return False


def _summed(sums: tuple[int, int], data: bytes, order: str) -> tuple[int, int]:
    """Add words to a checksum of SQLite's."""
    one, two = sums
    words = struct.unpack(f"{order}{len(data) // 4}I", data)
    for first, second in zip(words[::2], words[1::2], strict=True):
        one = (one + first + two) & _WORD
        two = (two + second + one) & _WORD
    return one, two
