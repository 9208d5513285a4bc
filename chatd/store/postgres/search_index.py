"""The search index on PostgreSQL: behind the commits, exact up to `store.indexed`.

What `chatd.store.sqlite.search_index` does for SQLite, under the same names, so that
whoever changes a text need not know where he is. `message_words` has the folded words
of each message with `id <= store.indexed` that is not deleted. They are a set: whether
they follow one another is asked of the text (`chatd.store.matching`). A row goes with
its message, and PostgreSQL takes what has gone out of the index by itself (autovacuum),
so there is nothing to merge.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from chatd.store.postgres.connection import Connection
from chatd.store.sqlite import search_index
from chatd.store.sqlite.sql import select
from chatd.wire.events import Millis
from chatd.words import words

WORD_BYTES = 1024
"""What is kept of a word. Source: PostgreSQL takes 2046 bytes."""
WORDS_BYTES = 500_000
"""What is kept of the words of a message. Source: PostgreSQL takes a MiB; none has so
many unless `limits.text_chars` was raised."""

_ADD = """
INSERT INTO message_words (id, words)
SELECT id, array_to_tsvector(string_to_array(words, E'\\n'))
FROM unnest($1::bigint[], $2::text[]) AS n (id, words)"""


def cut(word: str) -> str:
    """The part of a word that the index has."""
    if len(word) * 4 <= WORD_BYTES:
        return word
    return word.encode()[:WORD_BYTES].decode(errors="ignore")


def indexed_words(text: str) -> str:
    """The words of a text, each once and on a line of its own: none has one."""
    found = dict.fromkeys(map(cut, words(text)))
    return "\n".join(found).encode()[:WORDS_BYTES].decode(errors="ignore")


def fill(db: Any, rows: int, text_bytes: int) -> int:
    """Index some messages more; how many are left, as far as their numbers tell."""
    found = select(
        db,
        "SELECT id, text FROM message WHERE id > (SELECT indexed FROM store)"
        " ORDER BY id LIMIT $1",
        (rows,),
    )
    taken: list[tuple[int, str | None]] = []
    size = 0
    for number, text in found:
        if taken and size >= text_bytes:
            break
        size += len(text or "")
        taken.append((number, text))
    if not taken:
        return 0
    _put_in(db, [(number, text) for number, text in taken if text is not None])
    last = taken[-1][0]
    db.execute("UPDATE store SET indexed = $1", (last,))
    if len(taken) == len(found) < rows:
        return 0
    ((newest,),) = select(db, "SELECT max(id) FROM message")
    return int(newest - last)


def replace(db: Any, message: int, old: str, new: str | None) -> None:  # noqa: ARG001
    """Have a message found by another text, or not any more."""
    db.execute("DELETE FROM message_words WHERE id = $1", (message,))
    ((indexed,),) = select(db, "SELECT indexed FROM store")
    if new is not None and message <= indexed:
        _put_in(db, [(message, new)])


def take_out_all(db: Connection, messages: str) -> None:
    """Take messages out of the index, whose numbers are a JSON list."""
    db.execute(
        "DELETE FROM message_words WHERE id IN"
        " (SELECT CAST(j.value AS BIGINT) FROM json_each(?) j)",
        (messages,),
    )


def remove(db: Connection, room: int, below: int) -> None:
    """Do nothing: the words of a message go with it."""


@contextmanager
def many(db: Connection) -> Iterator[None]:  # noqa: ARG001
    """Take messages out in the block: here, as ever."""
    yield


def merge_later(db: Connection, due: Millis) -> None:
    """Do nothing: autovacuum does."""


def begin_merging(db: Connection) -> None:
    """Do nothing: autovacuum does."""


def merge(db: Connection) -> bool:  # noqa: ARG001
    """Say that there is nothing to do: autovacuum does it."""
    return False


def _put_in(db: Connection, rows: Sequence[tuple[int, str]]) -> None:
    numbers = [number for number, _ in rows]
    db.execute(_ADD, (numbers, [indexed_words(text) for _, text in rows]))


_HERE: tuple[tuple[Any, Callable[..., Any]], ...] = (
    (search_index.fill, fill),
    (search_index.replace, replace),
    (search_index.take_out_all, take_out_all),
    (search_index.remove, remove),
    (search_index.many, many),
    (search_index.merge_later, merge_later),
    (search_index.begin_merging, begin_merging),
    (search_index.merge, merge),
)
for _shared, _here in _HERE:
    _shared.register(Connection, _here)
