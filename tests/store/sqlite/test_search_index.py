"""The index has the current texts of what it has seen, and not a word more."""

from __future__ import annotations

import random
from pathlib import Path

import apsw
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chatd.core import drafts as d
from chatd.core.settings import PLAIN
from chatd.enums import AccountRole, Role
from chatd.ids import Seq, UserName
from chatd.store.sqlite import search_index
from chatd.store.sqlite.migrate import migrate
from chatd.store.sqlite.sql import select, transaction
from chatd.store.sqlite.writer import Writer
from chatd.words import words
from tests.store.support import (
    ANN,
    BOB,
    DIRECT,
    EPOCH,
    LOBBY,
    T0,
    delete,
    edit,
    in_this_thread,
    say,
)

WORDS = [f"word{number}" for number in range(5000)]


@pytest.fixture
def writer(tmp_path: Path) -> Writer:
    """A writer with ann in the lobby."""
    writer = in_this_thread(apsw.Connection(str(tmp_path / "x.db")))
    room = d.CreateRoom(LOBBY, EPOCH, PLAIN, {ANN: Role.OWNER})
    writer.commit([d.AddUser(ANN, "Ann", AccountRole.USER, None), room], T0)
    return writer


def find(writer: Writer, word: str) -> list[int]:
    """The seq of the messages that have the word, as FTS5 is asked for it."""
    rows = select(
        writer.db,
        "SELECT m.seq FROM message_fts f JOIN message m ON m.id = f.rowid"
        " WHERE message_fts MATCH ? ORDER BY m.seq",
        (word,),
    )
    return [seq for (seq,) in rows]


def check(writer: Writer) -> None:
    """Let FTS5 compare itself with the messages, word by word."""
    writer.db.execute(
        "INSERT INTO message_fts (message_fts, rank) VALUES ('integrity-check', 1)"
    )


def trim(keep: int) -> d.TrimRoom:
    """Let the lobby keep so many messages."""
    return d.TrimRoom(LOBBY, None, keep, rows=99, text_bytes=9999)


def test_messages_are_indexed_in_steps_behind_the_commits(writer: Writer) -> None:
    """Each step takes some more, once, until there is no more."""
    writer.commit([say(f"tea number{n}") for n in range(5)], T0)
    assert find(writer, "tea") == []
    steps = []
    for _ in range(4):
        with transaction(writer.db):
            steps.append(search_index.fill(writer.db, 2, 1000))
    assert steps == [3, 1, 0, 0]
    assert find(writer, "tea") == [1, 2, 3, 4, 5]
    assert find(writer, "number3") == [4]
    check(writer)


def test_what_is_hidden_is_indexed_and_marked(writer: Writer) -> None:
    """Its author finds it; whoever searches for another asks `message.hidden`."""
    bob = UserName("bob")
    members = {ANN: Role.MEMBER, bob: Role.MEMBER}
    writer.commit(
        [
            d.AddUser(bob, "Bob", AccountRole.USER, None),
            d.CreateRoom(DIRECT, EPOCH, PLAIN, members),
            say("tea", user=bob, room=DIRECT),
            say("more tea", user=bob, room=DIRECT),
            d.SetBlock(ANN, bob, on=True),
            say("tea again", user=bob, room=DIRECT),
            d.EditMessage(DIRECT, bob, None, Seq(2), "no tea"),
        ],
        T0,
    )
    with transaction(writer.db):
        search_index.fill(writer.db, 9, 1000)
    assert find(writer, "tea") == [1, 2, 3]
    hidden = "SELECT seq FROM message WHERE hidden ORDER BY seq"
    assert select(writer.db, hidden) == [(2,), (3,)]
    check(writer)


def test_edits_and_deletions_are_found_at_once(writer: Writer) -> None:
    """In the index already or not yet: the old words are gone with the commit."""
    writer.commit([say("tea"), say("coffee"), say("milk")], T0)
    writer.tend(T0)
    writer.commit([say("water"), say("wine"), edit(1, "cocoa"), delete(2)], T0)
    writer.commit([edit(4, "juice"), delete(5)], T0)
    assert [find(writer, word) for word in ("tea", "cocoa", "coffee")] == [[], [1], []]
    writer.tend(T0)
    assert find(writer, "water OR wine") == []
    assert find(writer, "juice OR milk OR cocoa") == [1, 3, 4]
    writer.commit([delete(1), edit(3, "cream")], T0)
    assert find(writer, "cocoa OR milk") == []
    check(writer)


def test_the_room_and_the_author_are_in_the_index(writer: Writer) -> None:
    """As words that are in no text; whose author changes is taken out and put in."""
    writer.commit([say("tea r1"), say("天気")], T0)
    writer.tend(T0)
    assert [find(writer, f"tags : {tag}") for tag in ("r1", "u1", "u2")] == [
        [1, 2],
        [1, 2],
        [],
    ]
    writer.commit([d.AddUser(BOB, "Bob", AccountRole.USER, None)], T0)
    search_index.take_out(writer.db, 2, "天気")
    assert find(writer, "天") == []
    writer.db.execute("UPDATE message SET user_id = 2 WHERE id = 2")
    search_index.put_in(writer.db, 2, "天気")
    assert find(writer, "tags : u2 AND 天") == [2]
    check(writer)
    writer.commit([say("tea")], T0)
    search_index.take_out(writer.db, 3, "tea")
    search_index.put_in(writer.db, 3, "tea")
    assert find(writer, "tea") == [1]
    check(writer)


def test_any_letters_are_indexed_in_one_step(writer: Writer) -> None:
    """ASCII, accents and what is written without spaces; deleted ones are not."""
    writer.commit([say("tea"), say("čaj"), say("お茶"), say("x"), delete(4)], T0)
    writer.tend(T0)
    assert [find(writer, word) for word in ("tea", "caj", "茶", "x")] == [
        [1],
        [2],
        [3],
        [],
    ]
    check(writer)


def test_a_step_that_is_rolled_back_is_done_again(writer: Writer) -> None:
    """The mark and the index move together."""
    writer.commit([say("tea")], T0)
    with pytest.raises(KeyError), transaction(writer.db):
        search_index.fill(writer.db, 9, 1000)
        raise KeyError
    assert find(writer, "tea") == []
    writer.tend(T0)
    assert find(writer, "tea") == [1]


def test_a_deleted_word_leaves_the_file(writer: Writer, tmp_path: Path) -> None:
    """Neither the table nor the index keeps its bytes."""
    filler = [say(f"tea {n} and something to fill a page with") for n in range(200)]
    writer.commit([*filler, say("xylophones"), *filler], T0)
    while writer.tend(T0):
        """More to do."""
    assert b"xylophones" in (tmp_path / "x.db").read_bytes()
    writer.commit([delete(201)], T0)
    writer.db.close()
    assert b"xylophones" not in (tmp_path / "x.db").read_bytes()


def test_a_step_ends_after_so_much_text(writer: Writer) -> None:
    """So a commit waits no longer for it where messages are long; one always fits."""
    writer.commit([say("é" * 2000), say("x" * 900), say("x"), say("y" * 200)], T0)
    writer.commit([delete(3)], T0)
    steps = []
    for _ in range(4):
        with transaction(writer.db):
            steps.append(search_index.fill(writer.db, 9, 1000))
    assert steps == [3, 0, 0, 0]
    assert find(writer, "y" * 200) == [4]
    check(writer)


def test_numbers_that_are_gone_are_not_waited_for(writer: Writer) -> None:
    """What was trimmed is not indexed, and ids are not counted twice."""
    writer.commit([say(f"tea{n}") for n in range(6)], T0)
    writer.commit([trim(4)], T0)
    with transaction(writer.db):
        assert search_index.fill(writer.db, 1, 1000) == 3
    with transaction(writer.db):
        assert search_index.fill(writer.db, 9, 1000) == 0
    writer.commit([say("tea"), trim(9)], T0)
    assert search_index.fill(writer.db, 9, 1000) == 0


@given(st.text() | st.text("aÀßЙ9٣_'\n天カ\u3099ｶﾞขี่น้ำ각\u1100\u1161ㄱक्षمُشׁ½™①\u00ad👍𐐀"))
@example("a\0b é")
@example("\ue000\U0010ffff\u0378")
def test_a_word_is_one_word_to_the_index(text: str) -> None:
    """FTS5 has the very words, in their order, whether Python made them or not."""
    TERMS.execute("BEGIN")
    TERMS.execute(
        "INSERT INTO message_fts (rowid, text, tags) VALUES (1, ?, 'r1 u1')",
        (search_index.folded(text),),
    )
    rows = select(TERMS, "SELECT term FROM term WHERE col = 'text' ORDER BY offset")
    assert [term for (term,) in rows] == words(text)
    TERMS.execute("ROLLBACK")


def with_terms() -> apsw.Connection:
    """A database that shows what its index has."""
    db = in_this_thread(apsw.Connection(":memory:")).db
    db.execute("CREATE VIRTUAL TABLE term USING fts5vocab (message_fts, 'instance')")
    return db


TERMS = with_terms()


def test_an_index_of_another_fold_is_made_anew(writer: Writer) -> None:
    """Nothing of the old one is left, and what is changed meanwhile is right."""
    writer.commit([say("tea"), say("Straße"), say("milk"), say("お茶")], T0)
    writer.tend(T0)
    assert search_index.is_current(writer.db)
    with transaction(writer.db):
        # As a chatd with other rules would have made it.
        search_index.remove(writer.db, 1, 9)
        writer.db.execute(
            "INSERT INTO message_fts (rowid, text, tags) VALUES (2, 'straße', 'r1 u1')"
        )
        writer.db.execute("UPDATE store SET fold = '0'")
    assert not search_index.is_current(writer.db)
    migrate(writer.db)
    assert search_index.is_current(writer.db)
    assert find(writer, "straße") == []
    check(writer)
    writer.commit([edit(1, "cocoa"), delete(3), say("water")], T0)
    with transaction(writer.db):
        assert search_index.fill(writer.db, 2, 1000) == 3
    writer.commit([edit(2, "Gasse"), edit(4, "紅茶"), edit(7, "wine")], T0)
    check(writer)
    writer.tend(T0)
    assert find(writer, "tea OR milk OR strasse OR water") == []
    assert find(writer, "cocoa OR gasse OR 紅 OR wine") == [1, 2, 4, 7]
    check(writer)


def test_what_was_written_lately_is_merged_in_small_steps(writer: Writer) -> None:
    """Nobody waits for much of it at once, and a search looks in few pieces."""
    rng = random.Random(11)
    written: list[str] = []

    def note(kind: int, _database: str, table: str, _row: int) -> None:
        if kind != apsw.SQLITE_DELETE:
            written.append(table)

    writer.db.set_update_hook(note)
    pages: list[int] = []
    for _ in range(80):
        texts = [" ".join(rng.choices(WORDS, k=20)) for _ in range(64)]
        writer.commit([say(text) for text in texts], T0)
        more = True
        while more:
            written.clear()
            more = writer.tend(T0)
            pages.append(written.count("message_fts_data"))
    assert sum(pages) > 5 * search_index.MERGE_PAGES
    assert max(pages) < 2 * search_index.MERGE_PAGES
    (pieces,) = select(writer.db, "SELECT count(DISTINCT segid) FROM message_fts_idx")[
        0
    ]
    assert pieces < 24
    check(writer)
