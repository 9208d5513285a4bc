from __future__ import annotations

from math import ceil, inf

from chatd.net.heartbeat import Beat, Heartbeat


def test_first_the_ping_then_the_check() -> None:
    """However late the loop is, nobody is ended who was not asked."""
    beat = Heartbeat(25.0, 10.0, 0.0)
    assert beat.deadline() == 25.0
    assert beat.due(24.9) is Beat.NOTHING
    assert beat.due(1000.0) is Beat.PING
    assert beat.deadline() == 1010.0
    assert beat.due(1009.9) is Beat.NOTHING
    assert beat.due(1010.0) is Beat.DEAD


def test_any_byte_is_a_sign_of_life() -> None:
    """A byte after the ping starts the interval again."""
    beat = Heartbeat(25.0, 10.0, 0.0)
    assert beat.due(25.0) is Beat.PING
    beat.heard(34.9)
    assert beat.due(35.0) is Beat.NOTHING
    assert beat.deadline() == 59.9
    beat.heard(59.0)
    assert beat.due(59.9) is Beat.NOTHING


def test_only_the_first_ping_is_early() -> None:
    """The clients of a restart do not beat in step, and later ones keep time."""
    beat = Heartbeat(25.0, 10.0, 0.0, early_s=5.0)
    assert beat.deadline() == 20.0
    assert beat.due(20.0) is Beat.PING
    beat.heard(21.0)
    assert beat.deadline() == 46.0


def test_an_interval_of_zero_never_pings() -> None:
    """Then only the kernel knows."""
    beat = Heartbeat(0.0, 10.0, 0.0)
    assert beat.deadline() == inf
    assert beat.due(1e9) is Beat.NOTHING


def test_a_peer_that_always_answers_lives_for_hours() -> None:
    """Ten hours of silence between pings end nothing."""
    beat = Heartbeat(25.0, 10.0, 0.0)
    now, pings = 0.0, 0
    while now < 36_000:
        now = ceil(beat.deadline())
        assert beat.due(now) is Beat.PING
        pings += 1
        now += 0.2
        beat.heard(now)
    assert pings == 36_000 // 26 + 1
