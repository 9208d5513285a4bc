from __future__ import annotations

from typing import Any

import pytest

from chatd.config import Config
from chatd.config.limits import Limits
from chatd.core import effects, inputs
from chatd.core.effects import Charge
from chatd.core.pages import FRAME_OVERHEAD_BYTES
from chatd.core.queries import FindMessages
from chatd.core.query import Place, Query, parse_query
from chatd.errors import Reject, RejectCode
from chatd.ids import RoomName, Seq
from chatd.wire.encode import encode
from chatd.wire.kinds import PageLimit, PlaceText, QueryText, Text
from chatd.wire.replies import SearchPage
from chatd.wire.rooms import Leave
from chatd.wire.timeline import Delete, Edit, Search, Send
from tests.core.harness import ANN, BOB, LOBBY, Harness, Peer

DEN = RoomName("den")
TWO = PageLimit(2)
TEA = QueryText("tea")


NOTHING = FindMessages(Query(), [], None, ANN)


def seqs(page: Any) -> list[tuple[str, int]]:
    """Where the messages of a page are."""
    return [(entry.room, entry.seq) for entry in page.messages]


def two_rooms() -> tuple[Harness, Peer, Peer]:
    """Ann is in the lobby and the den, bob in the lobby; both rooms have tea."""
    harness = Harness()
    ann, bob = harness.user("ann", LOBBY, DEN), harness.user("bob", LOBBY)
    ann.ask(Send(Text("tea and milk"), LOBBY))
    ann.ask(Send(Text("secret tea"), DEN))
    harness.take_all()
    return harness, ann, bob


def test_messages_are_found_in_ones_own_rooms_up_to_what_is_applied() -> None:
    """The scope is each room from its first seq to its head."""
    harness, ann, bob = two_rooms()
    command = Search(TEA, id=3)
    query = parse_query("tea")
    den = harness.chat.durable.rooms[DEN]
    scope = [(LOBBY, Seq(1), Seq(1)), (DEN, Seq(1), den.head)]
    find = effects.Query(ann.id, command, FindMessages(query, scope, None, ANN))
    assert ann.say(command) == [Charge(ann.id, 19), find]
    harness.settle()
    (page,) = ann.take()
    assert (page.re, page.id, page.next) == ("search", 3, None)
    assert seqs(page) == [("den", den.head), ("lobby", 1)]
    (page,) = bob.ask(command)
    assert seqs(page) == [("lobby", 1)]
    (entry,) = page.messages
    assert (entry.text, entry.snippet, entry.hits) == (
        "tea and milk",
        "tea and milk",
        [[0, 3]],
    )


@pytest.mark.parametrize(
    "command",
    [Search(TEA, LOBBY), Search(QueryText("tea in:lobby"))],
    ids=["field", "query"],
)
def test_one_room_may_be_named(command: Search) -> None:
    """By the field, or in the query."""
    _, ann, _ = two_rooms()
    (page,) = ann.ask(command)
    assert seqs(page) == [("lobby", 1)]


def test_a_room_named_twice_must_be_the_same() -> None:
    """Else nobody knows which one was meant."""
    _, ann, _ = two_rooms()
    (page,) = ann.ask(Search(QueryText("tea in:den"), DEN))
    assert page.messages
    (error,) = ann.ask(Search(QueryText("tea in:den"), LOBBY))
    assert (error.code, error.field) == (RejectCode.BAD_FIELD, "query")


@pytest.mark.parametrize(
    ("room", "code"),
    [
        ("den", RejectCode.NOT_MEMBER),
        ("nowhere", RejectCode.NO_ROOM),
        ("@ann,cy", RejectCode.NO_ROOM),
    ],
)
def test_rooms_of_others_are_refused_as_they_are_to_history(
    room: str, code: RejectCode
) -> None:
    """One that may not be seen answers like one that does not exist."""
    _, _, bob = two_rooms()
    (error,) = bob.ask(Search(TEA, RoomName(room)))
    assert (error.code, error.field) == (code, "room")
    (error,) = bob.ask(Search(QueryText(f"tea in:{room}")))
    assert (error.code, error.field) == (code, "query")


def test_a_query_that_is_none_is_answered_and_not_counted_as_malformed() -> None:
    """Somebody types it, letter by letter."""
    _, ann, _ = two_rooms()
    for _ in range(40):
        (error,) = ann.ask(Search(QueryText("before:2026-1"), id=1))
        assert (error.code, error.field) == (RejectCode.BAD_FIELD, "query")
    assert ann.ending is None


def test_edits_and_deletions_are_seen() -> None:
    """A message is found by what it says now."""
    _, ann, _ = two_rooms()
    ann.ask(Edit(LOBBY, Seq(1), Text("coffee")))
    ann.ask(Delete(DEN, Seq(2)))
    assert [seqs(page) for page in ann.ask(Search(TEA))] == [[]]
    (page,) = ann.ask(Search(QueryText("coffee")))
    assert [(e.text, e.edited) for e in page.messages] == [("coffee", True)]


def test_next_goes_on_where_a_page_ended() -> None:
    """Every message once, whatever is written meanwhile."""
    _, ann, _ = two_rooms()
    for number in range(3):
        ann.ask(Send(Text(f"tea {number}"), LOBBY))
    found, place = [], None
    for _ in range(3):
        (page,) = ann.ask(Search(TEA, limit=TWO, next=place))
        found += seqs(page)
        place = page.next
        ann.ask(Send(Text("more tea"), LOBBY))
    assert sorted(found) == [("den", 2), *[("lobby", n) for n in (1, 2, 3, 4)]]
    assert place is None


@pytest.mark.parametrize("words", ["tea", "from:ann"])
def test_a_page_is_cut_to_reply_bytes_and_has_next(words: str) -> None:
    """What did not fit comes with the next one."""
    harness = Harness(Config(limits=Limits(reply_bytes=3000)))
    ann = harness.user("ann", LOBBY)
    for _ in range(3):
        ann.ask(Send(Text("tea " + "x" * 1000), LOBBY))
    (page,) = ann.ask(Search(QueryText(words), id="\x01" * 64))
    assert seqs(page) == [("lobby", 3), ("lobby", 2)]
    assert len(encode(page)) <= 3000
    (page,) = ann.ask(Search(QueryText(words), next=page.next))
    assert (seqs(page), page.next) == ([("lobby", 1)], None)


def test_what_a_page_has_beside_its_entries_is_counted() -> None:
    """The longest names, numbers and id are within its bound."""
    room = RoomName("r" * 64)
    page = SearchPage([], id="\x01" * 64)
    page.next = Place(room, Seq(2**53), 352, (room, Seq(2**53))).encode()
    assert len(encode(page)) <= FRAME_OVERHEAD_BYTES


@pytest.mark.parametrize(
    "place", ["?", "10/9/lobby", "10/1/den", "10/1/lobby/1/den", "10/1/lobby/0/lobby"]
)
def test_a_place_must_be_one_that_a_page_could_end_with(place: str) -> None:
    """In a room of one's own, and there already: it tells nothing of others."""
    _, _, bob = two_rooms()
    (error,) = bob.ask(Search(TEA, next=PlaceText(place)))
    assert (error.code, error.field) == (RejectCode.BAD_FIELD, "next")


def later(harness: Harness, peer: Peer, command: Search, meanwhile: Peer) -> Any:
    """Search; its user leaves the den before the answer comes."""
    peer.say(command)
    (look_up,) = harness.look_ups
    harness.look_ups.clear()
    meanwhile.ask(Leave(DEN))
    harness.look_ups.append(look_up)
    peer.take()
    harness.settle()
    (answer,) = peer.take()
    return answer


def test_what_was_found_in_a_room_that_was_left_meanwhile_is_left_out() -> None:
    """The answer is authorised again; what may still be read is there."""
    harness, ann, _ = two_rooms()
    page = later(harness, ann, Search(TEA), harness.user("ann"))
    assert seqs(page) == [("lobby", 1)]


def test_a_search_in_a_room_that_was_left_meanwhile_is_refused() -> None:
    """As `history` is."""
    harness, ann, _ = two_rooms()
    error = later(harness, ann, Search(TEA, DEN, id=1), harness.user("ann"))
    assert (error.code, error.id) == (RejectCode.NOT_MEMBER, 1)


def test_what_may_not_be_read_any_more_is_left_out() -> None:
    """The room was trimmed meanwhile."""
    harness, ann, _ = two_rooms()
    ann.say(Search(TEA, limit=PageLimit(1)))
    harness.chat.durable.rooms[DEN].first = Seq(3)
    harness.settle()
    (page,) = ann.take()
    assert (page.messages, page.next) == ([], None)


def test_a_place_whose_message_has_gone_is_refused() -> None:
    """Only the store knows; the search is begun again."""
    harness, ann, _ = two_rooms()
    command = Search(TEA, id=7)
    ann.say(command)
    harness.look_ups.clear()
    harness.handle(inputs.Answered(ann.id, command, NOTHING, None))
    (error,) = ann.take()
    assert (error.code, error.field, error.id) == (RejectCode.BAD_FIELD, "next", 7)


def test_a_search_that_was_not_carried_out_is_refused() -> None:
    """With the reason that the edge gives."""
    harness, ann, _ = two_rooms()
    command = Search(TEA, id=7)
    ann.say(command)
    harness.look_ups.clear()
    slow = Reject(RejectCode.UNAVAILABLE, "too slow", field="query")
    harness.handle(inputs.Answered(ann.id, command, NOTHING, slow))
    (error,) = ann.take()
    assert (error.code, error.text, error.id) == ("unavailable", "too slow", 7)


def test_an_outcome_that_comes_back_to_nobody_is_nothing() -> None:
    """Its connection is gone."""
    harness, ann, _ = two_rooms()
    command = Search(TEA)
    ann.say(command)
    ann.close()
    answers: list[Any] = [([], False), Reject(RejectCode.INTERNAL, "")]
    for answer in answers:
        assert harness.handle(inputs.Answered(ann.id, command, NOTHING, answer)) == []


def test_a_direct_conversation_is_searched_by_its_two() -> None:
    """And by nobody else."""
    harness, ann, bob = two_rooms()
    cy = harness.user("cy", LOBBY)
    ann.ask(Send(Text("psst, tea"), to=BOB))
    harness.take_all()
    for peer, count in ((ann, 3), (bob, 2), (cy, 1)):
        (page,) = peer.ask(Search(TEA))
        assert len(page.messages) == count
    (page,) = bob.ask(Search(QueryText("in:@ann,bob from:ann")))
    assert [entry.sender for entry in page.messages] == [ANN]
