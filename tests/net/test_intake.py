from __future__ import annotations

import attrs

from chatd.net.host import WebSocketLimits
from chatd.net.intake import READ_BYTES, Intake
from chatd.net.scanner import Scanner
from tests.net.echo import FREE, text


def intake(limits: WebSocketLimits, now: float = 0.0) -> Intake:
    """That of a connection that was just made."""
    return Intake(limits, Scanner(limits.frame_bytes, now))


def test_what_is_open_is_bounded_in_messages() -> None:
    """Until one is answered; whoever may take none is told of the one he waits with."""
    one = intake(attrs.evolve(FREE, inflight_max=3))
    assert (one.may_take(64), one.is_full) == (3, False)
    one.opened(2, 20)
    assert (one.may_take(64), one.is_full) == (1, False)
    one.opened(1, 10)
    assert (one.may_take(64), one.is_full) == (1, True)
    one.answered()
    assert (one.open_commands, one.is_full) == (2, False)


def test_what_is_open_is_bounded_in_bytes() -> None:
    """Each that is answered counts as the mean of all; nothing is left in the end."""
    one = intake(attrs.evolve(FREE, frame_bytes=100))
    one.opened(2, 90)
    one.opened(1, 9)
    assert not one.is_full
    one.opened(1, 1)
    assert one.is_full
    left = []
    for _ in range(4):
        one.answered()
        left.append(one.open_bytes)
    assert left == [75, 50, 25, 0]
    assert (one.messages_in, one.is_full) == (4, False)


def test_zero_is_no_limit() -> None:
    """Of whatever there is."""
    one = intake(attrs.evolve(FREE, frame_bytes=0))
    one.opened(10**6, 10**12)
    assert (one.may_take(64), one.is_full) == (64, False)


def test_no_more_messages_are_taken_than_the_bucket_has() -> None:
    """Of two seconds at first; one that costs more is paid for later."""
    limits = attrs.evolve(FREE, commands_per_s=10)
    one = intake(limits, now=1000.0)
    assert (one.may_take(64), one.may_take(5)) == (20, 5)
    one.command_bucket.owe(18)
    assert one.may_take(64) == 2
    one.command_bucket.owe(12)
    assert one.may_take(64) == 1
    one.scanner.now += 1.5
    assert one.may_take(64) == 5


def test_one_read_can_always_be_paid_for() -> None:
    """However small the burst is."""
    one = intake(attrs.evolve(FREE, bytes_per_s=1, bytes_burst=0))
    assert one.byte_bucket.take(0.0, READ_BYTES) == 0.0


def test_the_host_may_hold_it() -> None:
    """Whatever else would be allowed."""
    one = intake(FREE)
    one.is_held = True
    assert one.is_full


def test_what_is_kept_is_what_is_open_and_what_is_not_whole() -> None:
    """Of what is not whole nothing is kept when it is forgotten."""
    one = intake(FREE)
    one.scanner.feed(text("hello") + text("half")[:-1], 0.0)
    found = one.scanner.next(one.may_take(64))
    assert found is not None
    one.opened(len(found[1]), sum(map(len, found[1])))
    assert one.scanner.next(1) is None
    assert one.kept == len("hello") + len("hal")
    one.forget()
    assert one.kept == len("hello")
