from __future__ import annotations

import pytest

from chatd.config import Config, Limits, LiveConfig
from chatd.config.sections import Auth
from chatd.errors import Ending, RejectCode
from chatd.ids import RoomName, Seq, UserName
from chatd.net.dialect import JsonDialect, binary
from chatd.wire import events
from chatd.wire.malformed import BadCommand
from chatd.wire.place import Ping
from chatd.wire.timeline import Send

LOBBY = RoomName("lobby")


def test_values_become_text_frames_and_messages_become_commands() -> None:
    """An event is the same bytes for all, header included."""
    dialect = JsonDialect(LiveConfig(Config()))
    event = events.Delete(LOBBY, Seq(2), 0, UserName("ann"), Seq(1))
    text = (
        b'{"type":"delete","room":"lobby","seq":2,"ts":"1970-01-01T00:00:00.000Z",'
        b'"from":"ann","of":1}'
    )
    assert dialect.encode(event) == bytes((0x81, len(text))) + text
    assert dialect.decode(b'{"type":"ping","id":3}') == Ping(id=3)
    with pytest.raises(BadCommand):
        dialect.decode(b"{")
    assert binary().code is RejectCode.BAD_FRAME


def test_byes_say_why_and_gaps_say_what() -> None:
    """A bye where the server ends it; none where the client did."""
    dialect = JsonDialect(LiveConfig(Config()))
    bye = dialect.bye(Ending.RESTART, 3.66)
    assert bye is not None
    assert bye[2:] == (
        b'{"type":"bye","code":4001,"reason":"restart","reconnect":true,"after":3.7}'
    )
    for ending in (Ending.PEER_CLOSED, Ending.PEER_LOST, Ending.LOGOUT):
        assert dialect.bye(ending, None) is None
    gap = dialect.gap(LOBBY, 58, 90)
    assert gap[2:] == b'{"type":"gap","room":"lobby","have":58,"seq":90}'


def test_the_length_of_a_message_counts_as_it_changes_and_names_do_not() -> None:
    """Names are those with which the store was opened."""
    live = LiveConfig(Config(limits=Limits(text_chars=3)))
    dialect = JsonDialect(live)
    message = b'{"type":"send","room":"lobby","text":"abcd"}'
    with pytest.raises(BadCommand):
        dialect.decode(message)
    live.replace(Config(limits=Limits(text_chars=4), auth=Auth(names="unicode")))
    assert isinstance(dialect.decode(message), Send)
    with pytest.raises(BadCommand):
        dialect.decode('{"type":"join","room":"caf\u00e9"}'.encode())
