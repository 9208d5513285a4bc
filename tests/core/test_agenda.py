from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from chatd.core.agenda import Agenda, Due
from chatd.ids import ConnectionId
from tests.core.harness import ANN, BOB

KINDS = st.sampled_from([Due.LOGIN, Due.EXPIRY])
KEYS = st.integers(1, 4).map(ConnectionId)
MOMENTS = st.integers(0, 9).map(float)


def test_deadlines_come_in_their_order_and_not_before_their_time() -> None:
    """Those of one moment in the order in which they were asked for."""
    agenda = Agenda()
    assert agenda.next() is None
    assert agenda.pop(1e9) is None
    agenda.add(2.0, Due.GRACE, ANN)
    agenda.add(1.0, Due.GRACE, BOB)
    agenda.add(1.0, Due.MARKS, None)
    assert agenda.next() == 1.0
    assert agenda.pop(0.9) is None
    assert agenda.pop(1.0) == (Due.GRACE, BOB)
    assert agenda.pop(1.5) == (Due.MARKS, None)
    assert agenda.pop(1.5) is None
    assert agenda.pop(2.0) == (Due.GRACE, ANN)


def test_a_deadline_that_is_asked_for_again_is_moved() -> None:
    """Earlier or later; nobody is told of the moment before."""
    agenda = Agenda()
    for at in (5.0, 1.0, 3.0):
        agenda.add(at, Due.GRACE, ANN)
    assert len(agenda) == 1
    assert agenda.next() == 3.0
    assert agenda.pop(9.0) == (Due.GRACE, ANN)
    assert agenda.pop(9.0) is None


def test_a_deadline_that_was_taken_back_never_comes() -> None:
    """Taking back what is not there changes nothing."""
    agenda = Agenda()
    agenda.add(1.0, Due.GRACE, ANN)
    agenda.add(2.0, Due.GRACE, BOB)
    agenda.cancel(Due.LOGIN, ANN)
    agenda.cancel(Due.GRACE, ANN)
    agenda.cancel(Due.GRACE, ANN)
    assert agenda.keys(Due.GRACE) == {BOB}
    assert agenda.pop(1.5) is None
    assert agenda.next() == 2.0


def test_what_is_moved_or_taken_back_takes_no_space() -> None:
    """A hundred thousand times, beside one deadline that stays."""
    agenda = Agenda()
    agenda.add(1e9, Due.RETENTION, None)
    for number in range(100_000):
        key = ConnectionId(number)
        agenda.add(1e6 + number, Due.LOGIN, key)
        agenda.add(2e6 - number, Due.EXPIRY, ConnectionId(0))
        agenda.cancel(Due.LOGIN, key)
    assert len(agenda) == 2
    assert len(agenda._heap) <= 4
    agenda.cancel(Due.EXPIRY, ConnectionId(0))
    agenda.cancel(Due.RETENTION, None)
    assert agenda._heap == []


@given(st.lists(st.tuples(st.booleans(), MOMENTS, KINDS, KEYS)), MOMENTS)
def test_it_is_a_table_of_moments_that_is_read_in_their_order(
    asked: list[tuple[bool, float, Due, ConnectionId]], until: float
) -> None:
    """Whatever was asked for, moved and taken back; and half of the heap is true."""
    agenda = Agenda()
    table: dict[tuple[Due, ConnectionId], float] = {}
    for on, at, due, key in asked:
        table.pop((due, key), None)
        if on:
            table[due, key] = at
            agenda.add(at, due, key)
        else:
            agenda.cancel(due, key)
        assert len(agenda) == len(table)
        assert len(agenda._heap) <= 2 * len(table)
        assert agenda.next() == min(table.values(), default=None)
    told = []
    while (found := agenda.pop(until)) is not None:
        told.append(found)
    expected = [(due, key) for (due, key), at in table.items() if at <= until]
    assert told == sorted(expected, key=lambda pair: table[pair])
