from __future__ import annotations

from math import ceil, inf

import attrs

from chatd.net.heartbeat import SLOWEST_BYTES_PER_S, Beat, Heartbeat, Line

INTERVAL_S, TIMEOUT_S, STALL_S = 25.0, 10.0, 60.0


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


# --- on a slow line -----------------------------------------------------------


def asked(line: Line) -> Heartbeat:
    """A peer to which a ping was sent at 25 s, behind what the line tells of."""
    beat = Heartbeat(INTERVAL_S, TIMEOUT_S, 0.0, stall_s=STALL_S)
    assert beat.due(25.0, line) is Beat.PING
    return beat


def test_nobody_is_judged_by_a_ping_that_waits() -> None:
    """Whoever takes nothing at all is ended as too slow, elsewhere."""
    line = Line(1000, 500, queued=True, ping_waits=True)
    beat = asked(attrs.evolve(line, ping_waits=False))
    for now in range(35, 3600, 10):
        assert beat.due(now, line) is Beat.NOTHING
        assert beat.deadline() == now + TIMEOUT_S


def test_what_is_taken_ahead_of_the_ping_is_a_sign_of_life() -> None:
    """However little in each look, for an hour; from the last on it may stall."""
    beat = asked(Line(100_000, 1000))
    now, taken = 25.0, 1000
    while now < 3600:
        now, taken = beat.deadline(), taken + 1
        assert beat.due(now, Line(200_000, taken)) is Beat.NOTHING
    stopped = now
    while beat.due(now := beat.deadline(), Line(200_000, taken)) is Beat.NOTHING:
        pass
    assert now == stopped + STALL_S


def test_a_ping_that_has_left_at_last_is_judged_from_then_on() -> None:
    """What was ahead of it in the outbox is ahead of it on the way."""
    beat = asked(Line(1000, 1000, queued=True))
    waits = Line(50_000, 40_000, queued=True, ping_waits=True)
    assert beat.due(35.0, waits) is Beat.NOTHING
    assert beat.due(45.0, Line(60_000, 50_000)) is Beat.NOTHING
    assert beat.due(55.0, Line(90_000, 55_000)) is Beat.NOTHING
    # It has all that was ahead, and may be as slow in reading it.
    assert beat.due(65.0, Line(90_000, 60_000)) is Beat.NOTHING
    assert beat.deadline() == 65.0 + TIMEOUT_S + 60_000 / SLOWEST_BYTES_PER_S
    assert beat.due(beat.deadline(), Line(90_000, 90_000)) is Beat.DEAD


def test_a_machine_that_answers_nothing_is_not_waited_for() -> None:
    """The kernel repeats itself: that is no slow reader."""
    beat = asked(Line(100_000, 1000))
    line = Line(100_000, 1000, deaf_s=9.0)
    assert beat.due(35.0, line) is Beat.NOTHING
    assert beat.due(45.0, attrs.evolve(line, deaf_s=19.0)) is Beat.DEAD


def test_what_reached_a_peer_s_side_has_to_be_read_before_the_ping() -> None:
    """At the slowest of all rates, and not for longer than it may stall."""
    for size, extra_s in ((0, 0.0), (20_480, 10.0), (10**9, STALL_S)):
        beat = asked(Line(size, size))
        assert beat.deadline() == 25.0 + TIMEOUT_S + extra_s
        assert beat.due(beat.deadline(), Line(size, size)) is Beat.DEAD


def test_what_was_sent_long_ago_has_been_read() -> None:
    """As much as can be read since then."""
    line = Line(20_480, 20_480, quiet_s=4.0)
    assert asked(line).deadline() == 25.0 + TIMEOUT_S + 6.0
    line = attrs.evolve(line, quiet_s=24.0)
    assert asked(line).deadline() == 25.0 + TIMEOUT_S


def test_what_was_ahead_of_a_ping_that_was_answered_has_been_read() -> None:
    """By a pong; another sign of life says nothing of what was read."""
    beat = asked(Line(20_480, 20_480))
    beat.heard(30.0)
    assert beat.due(60.0, Line(20_480, 20_480)) is Beat.PING
    assert beat.deadline() == 60.0 + TIMEOUT_S + 10.0
    beat.heard(61.0)
    assert beat.due(90.0, Line(30_720, 30_720, pongs=1)) is Beat.PING
    assert beat.deadline() == 90.0 + TIMEOUT_S + 5.0


def test_without_a_limit_for_stalling_silence_is_all_that_counts() -> None:
    """What is taken is a sign of life all the same."""
    beat = Heartbeat(INTERVAL_S, TIMEOUT_S, 0.0)
    assert beat.due(25.0, Line(20_480, 0)) is Beat.PING
    assert beat.due(35.0, Line(20_480, 1)) is Beat.NOTHING
    assert beat.due(45.0, Line(20_480, 1)) is Beat.DEAD
    beat = Heartbeat(INTERVAL_S, TIMEOUT_S, 0.0)
    assert beat.due(25.0, Line(20_480, 20_480)) is Beat.PING
    assert beat.deadline() == 35.0
