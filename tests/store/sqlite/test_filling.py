"""How far the index is behind is told, and for how long, only where that matters."""

from __future__ import annotations

from chatd.store.sqlite.filling import LACKING_MIN, USUAL_PER_S, Filling
from tests.logs import capture_logs


def test_what_is_left_is_told_by_what_was_done() -> None:
    """At the usual rate as long as nothing was done, and never less than a second."""
    filling = Filling()
    filling.note(100_000, 5.0)
    assert filling.left_s(100_000, 5.0) == round(100_000 / USUAL_PER_S)
    assert filling.left_s(99_000, 5.5) == round(99_000 / USUAL_PER_S)
    filling.note(60_000, 9.0)
    assert filling.left_s(60_000, 15.0) == 15
    assert filling.left_s(10, 15.0) == 1


def test_beginning_and_end_are_logged_once() -> None:
    """Not what is behind for a moment, as any message is."""
    filling = Filling()
    with capture_logs() as lines:
        for lacking in (0, LACKING_MIN - 1, 0):
            filling.note(lacking, 0.0)
        assert lines == []
        for at, lacking in enumerate((LACKING_MIN, 9000, LACKING_MIN + 9, 1, 0, 5, 0)):
            filling.note(lacking, float(at))
    assert [line["event"] for line in lines] == [
        "search_index_behind",
        "search_index_complete",
    ]
    assert (lines[0]["messages"], lines[1]["seconds"]) == (LACKING_MIN, 4)
    filling.note(LACKING_MIN, 50.0)
    assert filling.left_s(LACKING_MIN, 60.0) == round(LACKING_MIN / USUAL_PER_S)
