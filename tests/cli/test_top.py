"""What `chatd top` makes of two looks."""

from __future__ import annotations

from typing import Any

import pytest

from chatd.cli.top import _Page, lines, rates, room_rates

BEFORE = "2026-11-28T06:00:00.000Z"
AFTER = "2026-11-28T06:00:02.000Z"


def report(now: str) -> dict[str, Any]:
    """How the daemon is."""
    return {
        "server": "chatd/0",
        "now": now,
        "ready": True,
        "connections": 3,
        "users_online": 2,
        "events_per_s": 1.5,
        "queued": 0,
    }


def row(number: int, messages: int, **fields: Any) -> dict[str, Any]:
    """A connection."""
    shown: dict[str, Any] = {
        "connection": number,
        "messages": messages,
        "received": 0,
        "sent": 0,
    }
    shown |= {"opened": BEFORE[:17] + "00.000Z", "unread": 0, "lag": 0.0, "rooms": 1}
    return shown | {"address": "::1"} | fields


def test_a_rate_is_what_happened_between_two_looks() -> None:
    """The busiest comes first; of one that is older and was not seen nothing is known,
    and of one that has just come all that it did.
    """
    old = "2026-11-28T05:00:00.000Z"
    before = {1: row(1, 10, opened=old), 2: row(2, 0, opened=old)}
    now = {
        1: row(1, 14, opened=old, sent=4096),
        2: row(2, 100, opened=old, user="bob"),
        3: row(3, 9999, opened=old),
        4: row(4, 6, opened=AFTER),
    }
    found = rates((report(BEFORE), before), (report(AFTER), now))
    assert [(one["connection"], one["messages_s"]) for one in found] == [
        (2, 50.0),
        (4, 3.0),
        (1, 2.0),
        (3, None),
    ]
    assert found[2]["sent_s"] == 2048.0
    assert found[0]["user"] == "bob"
    assert found[1]["user"] is None


def test_a_page_has_the_daemon_and_a_table() -> None:
    """What clients choose is shown as text."""
    found = rates(
        (report(BEFORE), {}), (report(AFTER), {1: row(1, 1, user="ann", opened=AFTER)})
    )
    found[0]["address"] = "\x1b[2J"
    page = lines(report(AFTER), [], found)
    assert page[0] == f"chatd/0, ready, {AFTER}"
    assert page[1] == "connections 3, users online 2, events a second 1.5, waiting 0"
    assert page[3].split()[:4] == ["CONNECTION", "USER", "ADDRESS", "MESSAGES/S"]
    assert page[4].split()[:2] == ["1", "ann"]
    assert "\x1b" not in page[4]
    busy = room_rates([{"room": "tea", "events": 3, "online": 40}], 2.0)
    page = lines(report(AFTER), busy, found)
    assert page[3].split() == ["ROOM", "EVENTS/S", "ONLINE", "DELIVERIES/S"]
    assert page[4].split() == ["tea", "1.5", "40", "60.0"]
    assert (page[5], page[6].split()[0]) == ("", "CONNECTION")


def test_once_is_two_looks_and_for_ever_is_more(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Nothing is shown of the first."""
    busy = {"rooms": [{"room": "tea", "events": 1, "online": 2}]}
    look = [report(BEFORE), {"connections": [row(1, 1)]}, busy]
    page = _Page(once=True, as_json=False)
    assert page.take(look)
    assert capsys.readouterr().out == ""
    assert not page.take([report(AFTER), *look[1:]])
    assert "CONNECTION" in capsys.readouterr().out
    page = _Page(once=False, as_json=False)
    assert page.take(look)
    assert page.take([report(AFTER), *look[1:]])
    assert page.take([report(AFTER), *look[1:]])
