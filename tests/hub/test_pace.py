from __future__ import annotations

from chatd.hub.pace import WINDOW_S, Pace


def test_nothing_is_known_at_first() -> None:
    """A rate needs two moments."""
    pace = Pace()
    assert pace.per_s(5.0, 100) == 0.0
    pace.note(5.0, 100)
    assert pace.per_s(5.0, 100) == 0.0
    assert pace.per_s(10.0, 110) == 2.0


def test_what_is_older_than_a_minute_does_not_count() -> None:
    """A burst is forgotten after it, and nothing is kept that is older."""
    pace = Pace()
    pace.note(0.0, 0)
    for at in range(5, 200, 5):
        pace.note(float(at), 1000)
    assert pace.per_s(195.0, 1000) == 0.0
    assert len(pace._notes) <= WINDOW_S / 5 + 1
