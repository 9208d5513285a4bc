"""Which message is meant by the last one."""

from __future__ import annotations

from typing import Any

from chatd.cli.talk.recent import KEPT, Recent


def message(seq: int, by: str, text: str, room: str = "tea") -> dict[str, Any]:
    """A message as it comes."""
    return {"type": "message", "room": room, "seq": seq, "from": by, "text": text}


def test_the_last_message_of_somebody() -> None:
    """In that room; of a guest also without his suffix; not of whom one leaves out."""
    recent = Recent()
    recent.take(message(1, "bob~x2yz", "hi"))
    recent.take(message(2, "cy", "ho"))
    recent.take(message(9, "bob", "elsewhere", room="lobby"))
    recent.sent("tea", 3, "ann", "mine")
    assert recent.last("tea", None) == 3
    assert recent.last("tea", None, but="ann") == 2
    assert recent.last("tea", "bob") == recent.last("tea", "bob~x2yz") == 1
    assert recent.last("tea", "dan") is None
    assert recent.last("nowhere", None) is None


def test_what_became_of_a_message() -> None:
    """It is corrected or gone; what happens to it says what it is about."""
    recent = Recent()
    recent.take(message(1, "bob", "helo"))
    recent.take({"type": "edit", "room": "tea", "of": 1, "text": "hello\nthere"})
    recent.take({"type": "edit", "room": "tea", "of": 7, "text": "unseen"})
    assert recent.text("tea", 1) == "hello\nthere"
    react = {"type": "react", "room": "tea", "seq": 3, "of": 1, "emoji": "+"}
    assert recent.take(react) == react | {"about": "hello"}
    assert recent.take(react | {"of": 8}) == react | {"of": 8}
    recent.take(message(4, "bob", "x" * 99))
    assert recent.take(react | {"of": 4})["about"] == "x" * 40 + "…"
    recent.take({"type": "delete", "room": "tea", "of": 4})
    assert recent.last("tea", "bob") == 1


def test_a_page_is_remembered_and_not_too_much() -> None:
    """The oldest are forgotten first, whatever comes in whatever order."""
    recent = Recent()
    page: dict[str, Any] = {"type": "ok", "re": "history", "room": "tea"}
    page["messages"] = [{"seq": n, "from": "bob", "text": "hi"} for n in range(KEPT)]
    page["messages"] += [{"seq": KEPT, "from": "bob", "deleted": True}]
    recent.take(page)
    assert recent.last("tea", "bob") == KEPT - 1
    recent.take(message(KEPT + 1, "cy", "ho"))
    for event in ({"type": "message"}, {"type": "ok", "re": "history"}):
        assert recent.take(event) == event
    recent.take({"type": "react", "room": "tea", "of": 0, "on": True})
    assert "about" not in recent.take({"type": "react", "room": "tea", "of": 0})
    assert "about" in recent.take({"type": "react", "room": "tea", "of": 1})
