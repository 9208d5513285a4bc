"""What is certain about the time while the clock is not to be believed."""

from __future__ import annotations

import attrs
import pytest

from chatd.core.clock import (
    RIGHT_MS,
    SLIP_MS,
    STEADY_S,
    SYNCHRONIZED_S,
    UNSEEN_MS,
    Clock,
    Doubt,
    Reading,
)
from chatd.core.inputs import Now

T0 = 1_800_000_000_000
HOUR_MS, DAY_MS = 3_600_000, 86_400_000
EVERY_S = 5


@attrs.define
class Machine:
    """A machine with a clock on its wall, which somebody may set."""

    wall: int = T0
    boot_s: float = 100.0
    mono: float = 7.0
    is_synchronized: bool = False
    clock: Clock = attrs.field(init=False)
    jumps: list[int] = attrs.field(factory=list)

    def start(self, known: int | None = T0) -> Clock:
        """Start the daemon, whose store knows a time."""
        self.clock = Clock.started(known, self.reading(), self.mono)
        return self.clock

    def reading(self) -> Reading:
        return Reading(self.wall, self.boot_s, self.is_synchronized)

    def wait(self, seconds: float, *, asleep: bool = False) -> None:
        """Let time pass; the clocks are compared as in the daemon."""
        while seconds > 0:
            step = min(seconds, EVERY_S if not asleep else seconds)
            self.wall += round(step * 1000)
            self.boot_s += step
            self.mono += 0 if asleep else step
            self.read()
            seconds -= step

    def set(self, by_ms: int) -> None:
        """Set the clock on the wall."""
        self.wall += by_ms
        self.read()

    def read(self) -> None:
        jump = self.clock.read(self.reading(), self.mono)
        if jump is not None:
            self.jumps.append(jump)

    @property
    def now(self) -> Now:
        return self.clock.now(self.mono, self.wall)


def doubt(machine: Machine) -> Doubt | None:
    """Why the clock is not trusted now."""
    return machine.clock.doubt


def trusted(machine: Machine) -> bool:
    """Whether all times are what the clock says."""
    now = machine.now
    is_one = now.wall == now.certain == now.sure == machine.wall
    return is_one and machine.clock.doubt is None and machine.clock.off_ms == 0


# --- while it runs --------------------------------------------------------------


def test_a_clock_that_runs_is_trusted() -> None:
    """Hours long, and over a night in which the machine sleeps."""
    machine = Machine()
    machine.start()
    machine.wait(7200)
    assert trusted(machine)
    machine.wait(9 * 3600, asleep=True)
    machine.wait(60)
    assert trusted(machine)
    assert machine.jumps == []


@pytest.mark.parametrize("by_ms", [1000, -1000, SLIP_MS, -SLIP_MS])
def test_a_clock_that_is_kept_right_is_trusted(by_ms: int) -> None:
    """A leap second and small steps are no jumps, however many."""
    machine = Machine()
    machine.start()
    for _ in range(100):
        machine.set(by_ms)
        machine.wait(EVERY_S)
    assert trusted(machine)
    assert machine.jumps == []


def test_forty_days_ahead_for_a_minute_make_nothing_older() -> None:
    """It is told as it is, and what is certain goes on; then all is well again."""
    machine = Machine()
    machine.start()
    machine.wait(60)
    machine.set(40 * DAY_MS)
    assert doubt(machine) is Doubt.AHEAD
    assert machine.clock.off_ms == 40 * DAY_MS
    machine.wait(60)
    now = machine.now
    assert now.wall == T0 + 40 * DAY_MS + 120_000
    assert now.certain == T0 + 120_000
    assert now.sure == T0 + 120_000 + SLIP_MS
    machine.set(-40 * DAY_MS)
    assert trusted(machine)
    assert machine.jumps == [40 * DAY_MS, -40 * DAY_MS]
    assert machine.clock.jumps == 2


def test_nothing_grows_older_before_the_jump_is_noticed() -> None:
    """Between two readings a clock is worth what the other one allows."""
    machine = Machine()
    machine.start()
    machine.wall += 40 * DAY_MS
    machine.mono += 2
    assert machine.now.sure == T0 + 2000 + SLIP_MS
    assert machine.now.certain == T0 + 2000


def test_forty_days_back_are_told_at_once() -> None:
    """Whoever sets a clock that runs knows better; nothing ends by it meanwhile."""
    machine = Machine()
    machine.start()
    machine.set(-40 * DAY_MS)
    assert doubt(machine) is Doubt.BEHIND
    now = machine.now
    assert now.wall == now.sure == T0 - 40 * DAY_MS
    assert now.certain == T0
    machine.wait(STEADY_S)
    assert trusted(machine)
    assert machine.wall == T0 - 40 * DAY_MS + HOUR_MS


@pytest.mark.parametrize("by_ms", [HOUR_MS, -HOUR_MS])
def test_an_hour_is_a_jump(by_ms: int) -> None:
    """Summer time is none: it is another way to write the same time."""
    machine = Machine()
    machine.start()
    machine.set(by_ms)
    assert doubt(machine) is not None
    assert machine.jumps == [by_ms]


@pytest.mark.parametrize(
    ("is_synchronized", "long_s"), [(False, STEADY_S), (True, SYNCHRONIZED_S)]
)
@pytest.mark.parametrize("by_ms", [40 * DAY_MS, -40 * DAY_MS])
def test_a_clock_that_keeps_to_it_is_believed(
    by_ms: int, is_synchronized: bool, long_s: float
) -> None:
    """After an hour; sooner, if the network keeps it."""
    machine = Machine(is_synchronized=is_synchronized)
    machine.start()
    machine.set(by_ms)
    machine.wait(long_s - EVERY_S)
    assert doubt(machine) is not None
    machine.wait(EVERY_S)
    assert trusted(machine)


def test_a_clock_that_jumps_again_begins_anew() -> None:
    """Also if it comes nearer; and when it is where it was, all is well."""
    machine = Machine()
    machine.start()
    machine.set(40 * DAY_MS)
    machine.wait(STEADY_S - 60)
    machine.set(-10 * DAY_MS)
    machine.wait(STEADY_S - 60)
    assert doubt(machine) is Doubt.AHEAD
    machine.set(-40 * DAY_MS)
    assert doubt(machine) is Doubt.BEHIND
    machine.set(10 * DAY_MS)
    assert trusted(machine)


# --- at the start ----------------------------------------------------------------


def test_a_new_store_knows_nothing() -> None:
    """Whatever the clock says is all that there is."""
    machine = Machine(wall=0)
    machine.start(None)
    assert trusted(machine)


@pytest.mark.parametrize("off_ms", [0, 5000, UNSEEN_MS, UNSEEN_MS + SLIP_MS, -SLIP_MS])
def test_a_restart_is_no_reason_for_a_doubt(off_ms: int) -> None:
    """The store remembers what was written an hour ago at the most."""
    machine = Machine(wall=T0 + off_ms)
    machine.start()
    assert trusted(machine)


def test_a_machine_that_comes_up_ahead_is_not_believed() -> None:
    """Until it is set right; that it was off for some minutes is believed then."""
    machine = Machine(wall=T0 + 40 * DAY_MS)
    machine.start()
    assert doubt(machine) is Doubt.AHEAD
    assert machine.now.sure == T0 + SLIP_MS
    machine.wait(60)
    machine.set(-40 * DAY_MS + 20 * 60_000)
    assert trusted(machine)


@pytest.mark.parametrize(
    ("is_synchronized", "long_s"), [(False, STEADY_S), (True, SYNCHRONIZED_S)]
)
def test_a_daemon_that_was_off_for_forty_days_comes_right(
    is_synchronized: bool, long_s: float
) -> None:
    """By itself, after the same while."""
    machine = Machine(wall=T0 + 40 * DAY_MS, is_synchronized=is_synchronized)
    machine.start()
    machine.wait(long_s)
    assert trusted(machine)
    assert machine.jumps == []


def test_a_machine_that_comes_up_in_1970_is_told_what_is_certain() -> None:
    """Without a battery and without a network, however long: better than 1970."""
    machine = Machine(wall=0)
    machine.start()
    assert doubt(machine) is Doubt.UNSET
    machine.wait(7 * 86_400)
    assert machine.now.wall == machine.now.certain == T0 + 7 * DAY_MS
    assert machine.now.sure == T0 + 7 * DAY_MS
    machine.set(T0 + 60_000)
    assert trusted(machine)


def test_a_machine_that_comes_up_behind_may_be_right() -> None:
    """It was the store that knew too much: after a while the clock is told."""
    machine = Machine()
    machine.start(T0 + 40 * DAY_MS)
    assert machine.now.wall == machine.now.certain == T0 + 40 * DAY_MS
    assert machine.now.sure == T0
    machine.wait(STEADY_S)
    assert trusted(machine)
    assert T0 < machine.now.wall < T0 + DAY_MS


def test_a_clock_that_is_set_to_something_old_is_told_so() -> None:
    """It was unset, and is no more; but 1970 is not believed, however long."""
    machine = Machine(wall=0)
    machine.start()
    machine.set(RIGHT_MS - 2 * DAY_MS)
    assert doubt(machine) is Doubt.BEHIND
    machine.wait(86_400)
    assert machine.now.wall == machine.wall
    assert doubt(machine) is Doubt.BEHIND
    machine.wait(86_400)
    assert trusted(machine)


def test_a_clock_that_never_stands_still_is_never_behind_itself() -> None:
    """The other clock does not go back; if it does, nothing grows younger."""
    machine = Machine()
    machine.start()
    machine.boot_s -= 50
    machine.read()
    assert machine.now.certain == T0
