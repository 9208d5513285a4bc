from __future__ import annotations

from typing import Any

import pytest

from chatd.config import Config
from chatd.config.limits import Limits
from chatd.core import inputs
from chatd.core.commands.timeline import history
from chatd.core.effects import Charge, Query
from chatd.core.pages import FRAME_OVERHEAD_BYTES
from chatd.core.queries import ReadHistory
from chatd.errors import Reject, RejectCode
from chatd.ids import Epoch, RoomName, Seq
from chatd.wire.encode import encode
from chatd.wire.kinds import Emoji, PageLimit, PublicRoom, Reason, Text, Topic
from chatd.wire.moderation import Mute
from chatd.wire.replies import HistoryPage
from chatd.wire.rooms import Create, Leave, Rename, SetRoom
from chatd.wire.timeline import Delete, Edit, History, React, Reactions, Send
from tests.core.harness import ANN, BOB, CY, LOBBY, Harness, Peer

TWO = PageLimit(2)
TEA = RoomName("tea")
EPOCH = Epoch("8f3c21d07be945aa")


def test_a_page_that_cannot_be_read_is_refused() -> None:
    """With what the edge says; nobody is answered who has gone."""
    harness = Harness()
    ann = harness.user("ann", LOBBY)
    command = History(LOBBY, id=7)
    ann.say(command)
    harness.look_ups.clear()
    busy = Reject(RejectCode.UNAVAILABLE, "not now", retry_after_s=1.0)
    refused = inputs.Answered(ann.id, command, ReadHistory(Seq(0), ANN), busy)
    harness.handle(refused)
    (error,) = ann.take()
    assert (error.code, error.id, error.retry_after) == ("unavailable", 7, 1.0)
    ann.close()
    assert harness.handle(refused) == []


def test_history_is_read_up_to_what_is_applied_and_folded_in() -> None:
    """Messages in rising seq, with edits, deletions and reactions folded in."""
    harness = Harness()
    ann = harness.user("ann", LOBBY)
    ann.ask(Send(Text("one"), LOBBY))
    ann.ask(Send(Text("two"), LOBBY))
    ann.ask(Edit(LOBBY, Seq(1), Text("uno")))
    ann.ask(React(LOBBY, Seq(1), Emoji("+")))
    ann.ask(Delete(LOBBY, Seq(2)))
    command = History(LOBBY, id=3)
    read = Query(ann.id, command, ReadHistory(Seq(5), ANN))
    assert ann.say(command) == [Charge(ann.id, 4), read]
    harness.settle()
    (page,) = ann.take()
    assert (page.as_of, page.first, page.more, page.id) == (5, 1, False, 3)
    assert [entry.text for entry in page.messages] == ["uno", None]
    assert page.messages[0].reactions == {"+": [ANN]}
    assert page.messages[1].deleted


@pytest.mark.parametrize(
    ("bounds", "seqs", "more"),
    [
        ({}, [4, 5], True),
        ({"before": 4}, [2, 3], True),
        ({"before": 3}, [1, 2], False),
        ({"after": 1}, [2, 3], True),
        ({"after": 3}, [4, 5], False),
    ],
)
def test_a_page_of_history_has_bounds(
    bounds: dict[str, Any], seqs: list[int], more: bool
) -> None:
    """The newest, those before, or those after; and whether there are more."""
    harness = Harness()
    ann = harness.user("ann", LOBBY)
    for _ in range(5):
        ann.ask(Send(Text("hi"), LOBBY))
    (page,) = ann.ask(History(LOBBY, limit=TWO, **bounds))
    assert ([entry.seq for entry in page.messages], page.more) == (seqs, more)


def test_history_is_authorised_again_when_it_is_answered() -> None:
    """Who was removed meanwhile gets an error instead of the page."""
    harness = Harness()
    ann, other = harness.user("ann", LOBBY), harness.user("ann")
    ann.ask(Send(Text("secret"), LOBBY))
    other.say(History(LOBBY, id=1))
    (look_up,) = harness.look_ups
    harness.look_ups.clear()
    ann.ask(Leave(LOBBY))
    harness.look_ups.append(look_up)
    other.take()
    harness.settle()
    (error,) = other.take()
    assert (error.re, error.code, error.id) == ("history", RejectCode.NOT_MEMBER, 1)


def test_reactions_are_listed_page_by_page() -> None:
    """In the order in which they were put, as far as the reply may be long."""
    harness = Harness(Config(limits=Limits(messages_per_s=0, reply_bytes=650)))
    names = [ANN, BOB, CY]
    first, *others = (harness.user(name, LOBBY) for name in names)
    first.ask(Send(Text("hi"), LOBBY))
    for peer in (first, *others):
        peer.ask(React(LOBBY, Seq(1), Emoji("👍")))
    first.take()
    (page,) = first.ask(Reactions(LOBBY, Seq(1), Emoji("👍"), id=1))
    assert (page.of, page.emoji, page.users, page.id) == (1, "👍", names[:1], 1)
    harness.live.replace(Config())
    (page,) = first.ask(Reactions(LOBBY, Seq(1), Emoji("👍"), page.next, TWO))
    assert (page.users, page.next) == (names[1:], None)
    (page,) = first.ask(Reactions(LOBBY, Seq(1), Emoji("👎")))
    assert (page.users, page.next) == ([], None)


def test_reactions_to_what_one_may_not_read_are_not_told() -> None:
    """Neither of a message from before one came, nor where one has left meanwhile."""
    harness = Harness()
    ann, bob = harness.user("ann", LOBBY), harness.user("bob", LOBBY)
    ann.ask(Send(Text("hi"), LOBBY))
    command = Reactions(LOBBY, Seq(1), Emoji("👍"), id=1)
    bob.say(command)
    (look_up,) = harness.look_ups
    harness.look_ups.clear()
    harness.chat.durable.rooms[LOBBY].first = Seq(2)
    bob.take()
    (error,) = ann.ask(command)
    assert (error.code, error.field, error.id) == (RejectCode.NO_MESSAGE, "of", 1)
    harness.look_ups.append(look_up)
    harness.settle()
    (error,) = bob.take()
    assert (error.re, error.code) == ("reactions", RejectCode.NO_MESSAGE)


def test_reactions_to_what_is_no_message_are_refused() -> None:
    """As other commands about one are: beyond the head, an event, one deleted."""
    harness = Harness()
    ann = harness.user("ann", LOBBY)
    for text in ("one", "two"):
        ann.ask(Send(Text(text), LOBBY))
    ann.ask(React(LOBBY, Seq(1), Emoji("👍")))
    ann.ask(Delete(LOBBY, Seq(2)))
    for of in (2, 3, 4, 99):
        (error,) = ann.ask(Reactions(LOBBY, Seq(of), Emoji("👍"), id=of))
        told = (error.re, error.code, error.field, error.id)
        assert told == ("reactions", RejectCode.NO_MESSAGE, "of", of)
    (page,) = ann.ask(Reactions(LOBBY, Seq(1), Emoji("👎")))
    assert (page.users, page.next) == ([], None)


def test_history_that_comes_back_to_nobody_is_nothing() -> None:
    """Its connection is gone."""
    harness = Harness()
    ann = harness.user("ann", LOBBY)
    command = History(LOBBY)
    ann.say(command)
    ann.close()
    query = ReadHistory(Seq(0), ANN)
    nothing: tuple[list[Any], list[Any], bool] = ([], [], False)
    assert harness.handle(inputs.Answered(ann.id, command, query, nothing)) == []


# --- what happened between the messages ---------------------------------------------


def happen(harness: Harness) -> tuple[Peer, Peer]:
    """Ann owns a room in which bob is; she says something, changes it, says more."""
    ann, bob = harness.user("ann"), harness.user("bob")
    ann.ask(Create(PublicRoom(TEA)))
    for peer in (ann, bob):
        peer.join(TEA)
    ann.ask(Send(Text("one"), TEA))
    ann.ask(SetRoom(TEA, topic=Topic("green")))
    ann.ask(Mute(TEA, BOB, reason=Reason("noise")))
    ann.ask(Send(Text("two"), TEA))
    ann.ask(SetRoom(TEA, topic=Topic("black")))
    ann.take()
    bob.take()
    return ann, bob


def both(page: Any) -> tuple[list[int], list[int], int, int, bool]:
    """What a page has: messages, events, from where to where, whether there is more."""
    messages = [message.seq for message in page.messages]
    happened = [event.seq for event in page.events]
    return messages, happened, page.start, page.end, page.more


def test_a_page_has_events_where_they_are_asked_for() -> None:
    """From the join of the owner on; whoever does not ask has what he ever had."""
    _, bob = happen(Harness())
    (page,) = bob.ask(History(TEA, events=True))
    assert both(page) == ([3, 6], [1, 2, 4, 5, 7], 1, 7, False)
    assert (page.events[3].type, page.events[3].reason) == ("member", "noise")
    (page,) = bob.ask(History(TEA))
    assert both(page) == ([3, 6], [], 1, 7, False)


@pytest.mark.parametrize(
    ("bounds", "expected"),
    [
        ({}, ([6], [7], 6, 7, True)),
        ({"before": 6}, ([3], [1, 2, 4, 5], 1, 5, False)),
        ({"before": 3}, ([], [1, 2], 1, 2, False)),
        ({"before": 1}, ([], [], 1, 0, False)),
        ({"after": 0}, ([3], [1, 2], 1, 3, True)),
        ({"after": 3}, ([6], [4, 5, 7], 4, 7, False)),
        ({"after": 7}, ([], [], 8, 7, False)),
        ({"before": 0}, ([], [], 1, 0, False)),
        ({"after": 2**53 - 1}, ([], [], 8, 7, False)),
    ],
)
def test_pages_with_events_follow_one_another(
    bounds: dict[str, Any], expected: tuple[Any, ...]
) -> None:
    """Each says what part of the timeline it has, and goes on where that ends."""
    _, bob = happen(Harness())
    (page,) = bob.ask(History(TEA, limit=PageLimit(1), events=True, **bounds))
    assert both(page) == expected


def test_a_page_of_many_events_ends_within_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It may have no message at all; the next one goes on, and nothing is left out."""
    monkeypatch.setattr(history, "EVENTS_MAX", 2)
    _, bob = happen(Harness())
    (page,) = bob.ask(History(TEA, events=True))
    assert both(page) == ([6], [5, 7], 5, 7, True)
    (page,) = bob.ask(History(TEA, before=page.start, events=True))
    assert both(page) == ([3], [2, 4], 2, 4, True)
    (page,) = bob.ask(History(TEA, before=page.start, events=True))
    assert both(page) == ([], [1], 1, 1, False)
    (page,) = bob.ask(History(TEA, after=Seq(3), events=True))
    assert both(page) == ([6], [4, 5], 4, 6, True)
    (page,) = bob.ask(History(TEA, after=page.end, events=True))
    assert both(page) == ([], [7], 7, 7, False)


def test_a_page_is_cut_where_its_events_are_too_long() -> None:
    """As where its messages are."""
    harness = Harness(Config(limits=Limits(messages_per_s=0, reply_bytes=1400)))
    ann, bob = happen(harness)
    for letter in "xyz":
        ann.ask(SetRoom(TEA, topic=Topic(letter * 250)))
    ann.take()
    bob.take()
    (page,) = bob.ask(History(TEA, events=True, id="\x01" * 64))
    assert both(page) == ([], [9, 10], 9, 10, True)
    assert len(encode(page)) <= 1400


def test_what_a_page_has_beside_its_entries_is_counted() -> None:
    """The longest names, numbers and id are within its bound."""
    room, most, identifier = RoomName("r" * 64), Seq(2**53), "\x01" * 64
    bounds = most, most, most, most
    page = HistoryPage(room, EPOCH, *bounds, [], more=False, id=identifier)
    events = len(b'"events":[],')
    assert len(encode(page)) + events <= FRAME_OVERHEAD_BYTES


def test_events_from_before_one_may_read_are_not_told() -> None:
    """Nor are those that go while a page is read."""
    harness = Harness()
    _, bob = happen(harness)
    room = harness.chat.durable.rooms[TEA]
    room.members[BOB].first = Seq(5)
    for bounds in ({}, {"after": Seq(0)}, {"before": Seq(8)}):
        (page,) = bob.ask(History(TEA, events=True, **bounds))  # type: ignore[arg-type]
        assert both(page) == ([6], [5, 7], 5, 7, False)
    (page,) = bob.ask(History(TEA, before=Seq(5), events=True))
    assert both(page) == ([], [], 5, 4, False)


def test_a_page_that_begins_below_what_one_may_read_is_read_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Others' events must not take the place of those that he may read."""
    monkeypatch.setattr(history, "EVENTS_MAX", 2)
    harness = Harness()
    _, bob = happen(harness)
    harness.chat.durable.rooms[TEA].first = Seq(4)
    (page,) = bob.ask(History(TEA, after=Seq(0), events=True))
    assert both(page) == ([6], [4, 5], 4, 6, True)


def test_events_have_the_name_that_the_room_has_when_they_are_told() -> None:
    """Also where it got another one while the page was read."""
    harness = Harness()
    ann, bob = happen(harness)
    bob.say(History(TEA, events=True))
    (query,) = harness.look_ups
    harness.look_ups.clear()
    read = harness.look_up(query)
    ann.ask(Rename(TEA, PublicRoom("hall")))
    bob.take()
    harness.handle(read)
    (page,) = bob.take()
    assert {page.room, *(event.room for event in page.events)} == {"hall"}
