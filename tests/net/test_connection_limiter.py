from __future__ import annotations

from chatd.config import Limits
from chatd.core.quota import Buckets
from chatd.net.connection_limiter import FULL_RETRY_S, ConnectionLimiter, Full
from chatd.net.trouble import Cause, Trouble

MANY = Full(FULL_RETRY_S, Trouble(Cause.CONNECTIONS_MAX))


def crowd(key: str) -> Full:
    """Too many from one address."""
    return Full(FULL_RETRY_S, Trouble(Cause.CONNECTIONS_PER_ADDRESS, key))


def fast(key: str, wait_s: float) -> Full:
    """Too fast from one address."""
    return Full(wait_s, Trouble(Cause.CONNECTS_PER_S, key))


def test_a_census_counts_by_all_and_by_address() -> None:
    """What is refused is not counted, and what leaves leaves nothing."""
    limiter = ConnectionLimiter(3, 2)
    assert limiter.enter("a", 0) is None
    assert limiter.enter("a", 0) is None
    assert limiter.enter("a", 0) == crowd("a")
    assert limiter.enter(None, 0) is None
    assert limiter.enter("b", 0) == MANY
    limiter.leave(None)
    assert limiter.enter("b", 0) is None
    assert limiter.move("b", "a", 0) == crowd("a")
    assert limiter.by_key == {"a": 2, "b": 1}
    assert limiter.move("a", "c", 0) is None
    for key in ("a", "b", "c"):
        limiter.leave(key)
    assert limiter == ConnectionLimiter(3, 2)


def test_other_limits_hold_for_whoever_comes_next() -> None:
    """Nobody who is there is sent away, and all are counted as before."""
    limiter = ConnectionLimiter(3, 3)
    assert [limiter.enter("a", 0) for _ in range(3)] == [None] * 3
    some = {"connections_max": 9, "connections_per_address": 2}
    limiter.adjust(Limits(**some, connects_per_s=1, connects_burst=1))
    assert limiter.enter("a", 0) == crowd("a")
    assert limiter.enter("b", 0) is None
    assert limiter.enter("b", 0) == fast("b", 1.0)
    assert (limiter.total, limiter.by_key) == (4, {"a": 3, "b": 1})


def test_new_connections_of_an_address_have_a_rate() -> None:
    """However soon they end; whoever waits as long as he is told is let in."""
    limiter = ConnectionLimiter(0, 0, Buckets(0.5, 3))
    for _ in range(3):
        assert limiter.enter("a", 0.0) is None
        limiter.leave("a")
    assert limiter.enter("a", 0.0) == fast("a", 2.0)
    assert limiter.enter("b", 0.0) is None
    assert {limiter.enter(None, 0.0) for _ in range(100)} == {None}
    assert limiter.enter("a", 1.5) == fast("a", 0.5)
    assert limiter.enter("a", 2.0) is None
    assert limiter.by_key == {"a": 1, "b": 1}


def test_what_a_cap_refuses_takes_nothing_from_the_rate() -> None:
    """Otherwise the rate would punish whoever keeps to it."""
    limiter = ConnectionLimiter(0, 1, Buckets(1.0, 2))
    assert limiter.enter("a", 0.0) is None
    for _ in range(5):
        assert limiter.enter("a", 0.0) == crowd("a")
    limiter.leave("a")
    assert limiter.enter("a", 0.0) is None


def test_a_proxys_client_comes_at_his_own_rate() -> None:
    """From the moment on in which it is known who he is."""
    limiter = ConnectionLimiter(0, 0, Buckets(1.0, 1))
    assert [limiter.enter(None, 0.0) for _ in range(2)] == [None, None]
    assert limiter.move(None, "a", 0.0) is None
    assert limiter.move(None, "a", 0.25) == fast("a", 0.75)
    assert (limiter.total, limiter.by_key) == (2, {"a": 1})
