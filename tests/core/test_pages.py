from __future__ import annotations

from typing import Any

import pytest

from chatd.config import Config
from chatd.config.limits import Limits
from chatd.ids import RoomName, Seq
from chatd.wire.encode import encode
from chatd.wire.kinds import Text
from chatd.wire.timeline import History, Send
from tests.core.harness import LOBBY, Harness


@pytest.mark.parametrize(
    ("bounds", "seqs"), [({}, [2, 3]), ({"after": Seq(0)}, [1, 2])]
)
def test_a_page_is_cut_to_reply_bytes_and_says_more(
    bounds: dict[str, Any], seqs: list[int]
) -> None:
    """From the far end; with the longest id it fits all the same."""
    limit = 3000
    harness = Harness(Config(limits=Limits(reply_bytes=limit)))
    ann = harness.user("ann", LOBBY)
    for _ in range(3):
        ann.ask(Send(Text("x" * 1000), LOBBY))
    (page,) = ann.ask(History(LOBBY, id="\x01" * 64, **bounds))
    assert [entry.seq for entry in page.messages] == seqs
    assert page.more
    assert len(encode(page)) <= limit


def test_what_a_page_has_beside_its_entries_is_counted() -> None:
    """A full page of short messages with the longest names is within its bound."""
    room = RoomName("r" * 64)
    harness = Harness(Config(limits=Limits(reply_bytes=2000, messages_per_s=0)))
    ann = harness.user("ann", room)
    for number in range(40):
        ann.ask(Send(Text("x" * (number % 7 + 1)), room))
    (page,) = ann.ask(History(room, id="\x01" * 64))
    page.first = page.as_of = Seq(2**53)
    assert len(encode(page)) <= 2000


def test_without_a_bound_a_page_is_as_long_as_was_asked() -> None:
    """reply_bytes = 0 is no limit; one entry is given whatever its size."""
    for limit, count in ((0, 2), (1024, 1)):
        harness = Harness(Config(limits=Limits(reply_bytes=limit)))
        ann = harness.user("ann", LOBBY)
        for _ in range(2):
            ann.ask(Send(Text("x" * 4000), LOBBY))
        (page,) = ann.ask(History(LOBBY))
        assert len(page.messages) == count
