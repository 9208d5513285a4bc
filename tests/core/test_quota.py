from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatd.core.quota import (
    Buckets,
    Space,
    address_key,
    full_bucket,
    space_of,
)


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


def test_a_bucket_goes_on_with_other_settings() -> None:
    """What is in it stays, up to the new burst; without a limit it was full."""
    bucket = full_bucket(1.0, 4, now=0.0)
    bucket.adjust(2.0, 3)
    assert [bucket.take(0.0) for _ in range(4)] == [0.0, 0.0, 0.0, 0.5]
    bucket.adjust(0.0, 3)
    assert bucket.take(0.0) == 0.0
    bucket.adjust(1.0, 2)
    assert [bucket.take(0.0) for _ in range(3)] == [0.0, 0.0, 1.0]


def test_a_table_goes_on_with_other_settings() -> None:
    """For keys that are there, and for those that come."""
    buckets = Buckets(1.0, 1)
    assert buckets.take("ann", 0.0) == 0.0
    buckets.adjust(4.0, 2)
    assert buckets.take("ann", 0.0) == 0.25
    assert [buckets.take("bob", 0.0) for _ in range(3)] == [0.0, 0.0, 0.25]


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
    assert bucket.wait(now) == wait_s
    assert bucket.wait(now + wait_s) == 0.0
    assert bucket.take(now + wait_s) == 0.0


@given(
    per_s=st.floats(0.01, 100),
    burst=st.integers(1, 100),
    now=st.floats(0, 1e5),
    cost=st.floats(0.5, 1),
)
def test_who_comes_a_hair_too_early_is_not_let_in(
    per_s: float, burst: int, now: float, cost: float
) -> None:
    """What is told is the shortest wait that is enough."""
    bucket = full_bucket(per_s, burst, now)
    while not (wait_s := bucket.take(now, cost)):
        pass
    early_s = max(0.0, wait_s - 1e-4 / per_s)
    assert bucket.take(now + early_s, cost) > 0


def test_what_is_owed_is_paid_back_before_anything_is_taken() -> None:
    """A debt is no bound of its own: it only takes longer."""
    bucket = full_bucket(10.0, 20, now=0.0)
    bucket.owe(40)
    assert bucket.whole(0.0, 5) == 0
    assert bucket.take(0.0) == pytest.approx(2.1)
    assert bucket.take(2.1) == 0.0
    free = full_bucket(0.0, 0, now=0.0)
    free.owe(1e9)
    assert (free.take(0.0), free.wait(0.0), free.whole(0.0, 7)) == (0.0, 0.0, 7)


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


# --- buckets by key ---------------------------------------------------------


def test_each_key_has_a_bucket_of_its_own() -> None:
    """And a new one's is full."""
    table = Buckets(1.0, 2)
    assert [table.take("a", 0.0) for _ in range(3)] == [0.0, 0.0, 1.0]
    assert table.wait("b", 0.0, 2) == 0.0
    assert table.wait("b", 0.0, 3) == 1.0
    assert len(table) == 1
    assert table.take("b", 0.0, 2) == 0.0
    assert table.wait("a", 0.5) == 0.5
    table.give_back("a")
    table.give_back("nobody")
    assert table.take("a", 0.0) == 0.0


def test_a_table_without_a_limit_keeps_nothing() -> None:
    """A rate of 0 is no limit for anybody."""
    table = Buckets(0.0, 0)
    assert {table.take(str(key), 0.0) for key in range(100)} == {0.0}
    assert table.wait("a", 0.0) == 0.0
    assert len(table) == 0


def test_full_buckets_make_room_first() -> None:
    """Forgetting one changes nothing for its key, however recently it was used."""
    table = Buckets(1.0, 10, most=3)
    table.take("old", 0.0, 10)
    table.take("full again", 4.0)
    table.take("young", 5.0, 5)
    assert table.take("new", 5.5) == 0.0
    assert len(table) == 3
    assert table.wait("old", 5.5, 10) == 4.5
    assert table.wait("young", 5.5, 10) == 4.5


def test_without_a_full_one_those_go_that_were_used_least_recently() -> None:
    """An eighth of the table at a time, so a key costs little in a large one, too."""
    table = Buckets(0.001, 10, most=16)
    for key in range(16):
        table.take(str(key), float(key), 5)
    table.take("0", 16.0, 1)
    table.take("new", 17.0)
    assert len(table) == 15
    gone = {key for key in range(16) if table.wait(str(key), 17.0, 10) == 0.0}
    assert gone == {1, 2}


def test_a_table_of_one_key_is_bounded_too() -> None:
    """The newest is kept."""
    table = Buckets(1.0, 1, most=1)
    for key in "abc":
        assert table.take(key, 0.0) == 0.0
        assert table.take(key, 0.0) == 1.0
        assert len(table) == 1


@given(
    most=st.integers(1, 12),
    uses=st.lists(
        st.tuples(st.sampled_from("abcdefghijklmnopqr"), st.floats(0, 3)), max_size=60
    ),
)
def test_a_table_never_grows_beyond_its_bound(
    most: int, uses: list[tuple[str, float]]
) -> None:
    """And nobody is let in less often than with a bucket of his own for ever."""
    table, alone, now = Buckets(1.0, 2, most), Buckets(1.0, 2), 0.0
    for key, later in uses:
        now += later
        wait_s, strict_s = table.take(key, now), alone.take(key, now)
        assert wait_s <= strict_s + 1e-5
        if wait_s == 0.0 < strict_s:
            # It was forgotten meanwhile; from here on both are told apart.
            alone = Buckets(1.0, 2)
            table = Buckets(1.0, 2, most)
        assert len(table) <= most


# --- what an address counts by ----------------------------------------------


def test_an_address_counts_by_what_one_subscriber_has() -> None:
    """IPv4 whole, IPv6 by /64, a Unix socket not at all."""
    assert address_key("192.0.2.1") == "192.0.2.1"
    assert address_key("2001:db8:1:2:3::4") == "2001:db8:1:2::/64"
    assert address_key("2001:db8:1:2::9") == address_key("2001:db8:1:2:ffff::1")
    assert address_key("unix") is None


# --- free space -------------------------------------------------------------


def test_little_space_is_for_accounts_and_less_is_for_nobody() -> None:
    """Guests are refused below the bound, everybody below half of it."""
    found = [space_of(free, 100, Space.AMPLE) for free in (100, 99, 50, 49, 0)]
    assert found == [Space.AMPLE, Space.SCARCE, Space.SCARCE, Space.NONE, Space.NONE]
    assert space_of(0, 0, Space.AMPLE) is Space.AMPLE


def test_space_that_is_back_by_a_hair_is_not_back() -> None:
    """Ten percent more are needed, so that the log is not full of it."""
    assert space_of(105, 100, Space.SCARCE) is Space.SCARCE
    assert space_of(110, 100, Space.SCARCE) is Space.AMPLE
    assert space_of(54, 100, Space.NONE) is Space.NONE
    assert space_of(55, 100, Space.NONE) is Space.SCARCE
    assert space_of(109, 100, Space.NONE) is Space.SCARCE
    assert space_of(111, 100, Space.NONE) is Space.AMPLE
