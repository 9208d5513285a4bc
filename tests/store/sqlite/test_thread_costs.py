"""What threads cost, as `test_costs` measures it: what is shown, not what there is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import pytest

from chatd.core import drafts as d
from chatd.enums import AccountRole
from chatd.ids import RoomName, Seq, UserName
from chatd.store.sqlite import reader, scattered
from tests.store.sqlite.test_costs import (
    LARGE,
    SMALL,
    SPARE,
    Place,
    direct,
    place,
    steps,
    user,
)
from tests.store.support import ANN, BOB, CY, DIRECT, LOBBY, delete, react, say

END = Seq(10**9)


def answer(text: str = "re", to: int = 1, who: UserName = BOB) -> d.NewMessage:
    """A reply in a thread."""
    return attrs.evolve(say(text, user=who, reply_to=to), thread=True)


def first(
    at: Place, room: RoomName = LOBBY, viewer: UserName = ANN
) -> Callable[[], Any]:
    """The first message of a room, with its thread."""
    return lambda: reader.history(at.db, room, Seq(2), None, 50, END, viewer)


def page(at: Place) -> Callable[[], Any]:
    """The newest page of a thread."""
    return lambda: scattered.thread(at.db, LOBBY, Seq(1), None, None, 50, END, ANN)


def a_message_with_many_replies(at: Place) -> Callable[[], object]:
    """All are unread, which is counted up to 99; everybody has written."""
    at.commit([say("hi")])
    at.times(lambda number: d.AddUser(user(number), "u", AccountRole.USER, None))
    at.times(lambda number: answer(who=user(number)))
    return first(at)


def replies_that_were_deleted(at: Place) -> Callable[[], object]:
    """All but the first."""
    at.commit([say("hi"), answer()])
    at.times(lambda _: answer())
    at.times(lambda number: delete(number + 3, user=BOB))
    return first(at)


def replies_that_are_hidden(at: Place) -> Callable[[], object]:
    """Bob, whom ann blocks, has written on and on; for ann, and for him."""
    at.commit([direct(say("hi")), d.SetBlock(ANN, BOB, on=True)])
    at.times(lambda _: direct(answer()))
    ann, bob = first(at, DIRECT, ANN), first(at, DIRECT, BOB)
    return lambda: (ann(), bob())


def a_page_beside_much_else(at: Place) -> Callable[[], object]:
    """Between two replies much was said in the room, with reactions."""
    at.commit([say("hi"), answer()])
    at.times(lambda number: say(f"text {number}"))
    at.times(lambda number: react(number + 3, "e"))
    at.commit([answer()])
    return page(at)


def a_page_of_many_replies(at: Place) -> Callable[[], object]:
    """The newest fifty."""
    at.commit([say("hi")])
    at.times(lambda _: answer())
    return page(at)


def threads_that_were_read(at: Place) -> Callable[[], object]:
    """Of many that somebody follows one is unread."""
    at.times(lambda number: say(f"text {number}"))
    at.times(lambda number: answer(to=number + 1))
    at.times(lambda number: d.MarkThread(LOBBY, ANN, Seq(number + 1), END))
    at.commit([answer()])
    return lambda: scattered.threads(at.db, ANN, None, 50, True)


def a_page_of_many_threads(at: Place) -> Callable[[], object]:
    """The newest fifty of those that somebody follows."""
    at.times(lambda number: say(f"text {number}"))
    at.times(lambda number: answer(to=number + 1))
    return lambda: scattered.threads(at.db, ANN, None, 50, False)


def one_more_reply(at: Place) -> Callable[[], object]:
    """Many follow, and have not read what came before."""
    a_message_with_many_replies(at)()
    at.commit([answer(who=CY), answer(who=CY)])
    return lambda: at.commit([answer(who=CY)])


def the_newest_reply_is_deleted(at: Place) -> Callable[[], object]:
    """The one before it is the newest then."""
    at.commit([say("hi")])
    at.times(lambda _: answer())
    return lambda: at.commit([delete(at.n + 1, user=BOB)])


CASES = [
    a_message_with_many_replies,
    replies_that_were_deleted,
    replies_that_are_hidden,
    a_page_beside_much_else,
    a_page_of_many_replies,
    threads_that_were_read,
    a_page_of_many_threads,
    one_more_reply,
    the_newest_reply_is_deleted,
]


@pytest.mark.parametrize("case", CASES)
def test_what_there_is_in_threads_costs_nothing(
    case: Callable[[Place], Callable[[], object]],
) -> None:
    """Four times as much of it takes no more steps, to look or to write."""
    costs = [steps(at.db, case(at)) for at in map(place, (SMALL, LARGE))]
    assert costs[1] <= costs[0] * SPARE, costs


def test_a_reply_costs_those_whom_it_tells() -> None:
    """Who has read all is told, and has a row changed; the others have not."""

    def all_read(at: Place) -> Callable[[], object]:
        a_message_with_many_replies(at)()
        at.times(lambda number: d.MarkThread(LOBBY, user(number), Seq(1), END))
        return lambda: at.commit([answer(who=CY)])

    costs = [steps(at.db, all_read(at)) for at in map(place, (SMALL, LARGE))]
    assert costs[0] * 2 < costs[1] <= costs[0] * 4 * SPARE, costs
