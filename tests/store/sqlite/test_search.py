"""The index has the current texts of what it has seen, and not a word more."""

from __future__ import annotations

from pathlib import Path

import apsw
import pytest

from chatd.core import drafts as d
from chatd.core.settings import PLAIN
from chatd.ids import Seq, UserName
from chatd.store.sqlite import search
from chatd.store.sqlite.sql import select, transaction
from chatd.store.sqlite.writer import Writer
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


@pytest.fixture
def writer(tmp_path: Path) -> Writer:
    """A writer with ann in the lobby."""
    writer = in_this_thread(apsw.Connection(str(tmp_path / "x.db")))
    room = d.CreateRoom(LOBBY, EPOCH, PLAIN, {ANN: "owner"})
    writer.commit([d.AddUser(ANN, "Ann", "user", None), room], T0)
    return writer


def find(writer: Writer, word: str) -> list[int]:
    """The seq of the messages that have the word."""
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


def test_messages_are_indexed_in_steps_behind_the_commits(writer: Writer) -> None:
    """Each step takes some more, once, until there is no more."""
    writer.commit([say(f"tea number{n}") for n in range(5)], T0)
    assert find(writer, "tea") == []
    steps = []
    for _ in range(4):
        with transaction(writer.db):
            steps.append(search.fill(writer.db, 2))
    assert steps == [True, True, False, False]
    assert find(writer, "tea") == [1, 2, 3, 4, 5]
    assert find(writer, "number3") == [4]
    check(writer)


def test_what_is_hidden_is_indexed_and_marked(writer: Writer) -> None:
    """Its author finds it; whoever searches for another asks `message.hidden`."""
    bob = UserName("bob")
    members = {ANN: "member", bob: "member"}
    writer.commit(
        [
            d.AddUser(bob, "Bob", "user", None),
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
        search.fill(writer.db, 9)
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
    writer.commit([d.AddUser(BOB, "Bob", "user", None)], T0)
    search.take_out(writer.db, 2, "天気")
    assert find(writer, "天") == []
    writer.db.execute("UPDATE message SET user_id = 2 WHERE id = 2")
    search.put_in(writer.db, 2, "天気")
    assert find(writer, "tags : u2 AND 天") == [2]
    check(writer)
    writer.commit([say("tea")], T0)
    search.take_out(writer.db, 3, "tea")
    search.put_in(writer.db, 3, "tea")
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
        search.fill(writer.db, 9)
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


def test_words_are_found_without_their_accents(writer: Writer) -> None:
    """Case and diacritics do not matter, in any script."""
    writer.commit([say("Čaj Ångström ЧАЙ")], T0)
    writer.tend(T0)
    assert [find(writer, word) for word in ("caj", "angstrom", "чай")] == [[1]] * 3
