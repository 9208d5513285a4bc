from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatd.core.quota import Buckets, address_key, full_bucket


def test_a_burst_may_be_taken_at_once_and_then_the_rate() -> None:
    """Twenty at once, then one each fifth of a second."""
    bucket = full_bucket(5.0, 20, now=100.0)
    assert [bucket.take(100.0) for _ in range(20)] == [0.0] * 20
    assert bucket.take(100.0) == 0.2
    assert bucket.take(100.1) == pytest.approx(0.1)
    assert bucket.take(100.2) == 0.0


def test_a_rate_of_zero_is_no_limit() -> None:
    """Any number may be taken."""
    bucket = full_bucket(0.0, 0, now=0.0)
    assert {bucket.take(0.0) for _ in range(1000)} == {0.0}


def test_what_is_saved_up_is_never_more_than_the_burst() -> None:
    """Neither by time nor by giving back."""
    bucket = full_bucket(1.0, 2, now=0.0)
    bucket.take(1e6)
    bucket.give_back()
    bucket.give_back()
    assert bucket.level == 2
    assert [bucket.take(1e6) for _ in range(3)] == [0.0, 0.0, 1.0]


def test_what_is_given_back_can_be_taken_again() -> None:
    """A token that cost nothing is there at once."""
    bucket = full_bucket(1.0, 1, now=0.0)
    assert bucket.take(0.0) == 0.0
    bucket.give_back()
    assert bucket.take(0.0) == 0.0


@given(
    per_s=st.floats(0.01, 100),
    burst=st.integers(1, 100),
    now=st.floats(0, 1e7),
    spent=st.integers(0, 200),
    later=st.floats(0, 10),
)
def test_who_waits_as_long_as_he_was_told_is_let_in(
    per_s: float, burst: int, now: float, spent: int, later: float
) -> None:
    """Rounding never makes a client wait twice, and the level keeps its bounds."""
    bucket = full_bucket(per_s, burst, now)
    for _ in range(spent):
        bucket.take(now)
    now += later
    while not (wait_s := bucket.take(now)):
        assert 0 <= bucket.level <= burst
    assert bucket.take(now + wait_s) == 0.0


@given(
    st.floats(0, 50, allow_nan=False),
    st.integers(1, 40),
    st.integers(1, 100),
    st.lists(st.floats(0, 3, allow_nan=False), max_size=8),
)
def test_so_many_as_it_says_can_be_taken(
    per_s: float, burst: int, most: int, waits: list[float]
) -> None:
    """And not one more, unless no more was asked for."""
    bucket, now = full_bucket(per_s, burst, now=0.0), 0.0
    for wait in waits:
        now += wait
        count = bucket.whole(now, most)
        assert 0 <= count <= most
        assert {bucket.take(now) for _ in range(count)} <= {0.0}
        if count < most:
            assert bucket.take(now) > 0


# --- tables -------------------------------------------------------------------


def test_each_key_has_a_bucket_of_its_own() -> None:
    """To ask how long one would wait takes and keeps nothing."""
    table = Buckets(0.5, 2)
    assert table.wait("ann", 0.0) == 0.0
    assert len(table) == 0
    assert [table.take("ann", 0.0) for _ in range(3)] == [0.0, 0.0, 2.0]
    assert table.wait("ann", 1.0) == 1.0
    assert table.wait("ann", 2.0) == 0.0
    assert table.take("bob", 0.0) == 0.0
    assert len(table) == 2


def test_a_table_never_grows_beyond_its_bound() -> None:
    """Full buckets go first, then those that were used least recently."""
    table = Buckets(1.0, 10, most=8)
    for number in range(7):
        table.take(f"k{number}", float(number), 5)
    table.take("full", 6.5, 0)
    table.take("new", 7.0)
    assert len(table) <= 8
    assert table.wait("k6", 7.0, 10) > 0
    for number in range(100):
        table.take(f"n{number}", 7.0 + number / 1000, 5)
        assert len(table) <= 8
    assert table.wait("k6", 7.2, 10) == 0.0


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::/64"),
        ("unix", None),
    ],
)
def test_an_address_counts_by_its_subscriber(address: str, key: str | None) -> None:
    """An IPv6 one by its /64; all who come through a Unix socket are the operator's."""
    assert address_key(address) == key
