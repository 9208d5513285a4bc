from __future__ import annotations

from typing import Any

import pytest

from chatd.config import Config
from chatd.config.limits import Limits
from chatd.core import inputs
from chatd.core.effects import Charge, Query
from chatd.core.queries import ReadHistory
from chatd.errors import Reject, RejectCode
from chatd.ids import Seq
from chatd.wire.kinds import Emoji, PageLimit, Text
from chatd.wire.rooms import Leave
from chatd.wire.timeline import Delete, Edit, History, React, Reactions, Send
from tests.core.harness import ANN, BOB, CY, LOBBY, Harness

TWO = PageLimit(2)


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
    nothing: tuple[list[Any], bool] = ([], False)
    assert harness.handle(inputs.Answered(ann.id, command, query, nothing)) == []
