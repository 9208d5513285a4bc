"""Another protocol in front of the same hub."""

from __future__ import annotations

from typing import Any

import attrs
from trio.testing import MockClock

from chatd.errors import Ending, RejectCode
from chatd.ids import RoomName
from chatd.wire import events, replies
from chatd.wire.commands import Command
from chatd.wire.kinds import GuestName, Text
from chatd.wire.malformed import BadCommand
from chatd.wire.rooms import Join
from chatd.wire.sessions import Hello
from chatd.wire.timeline import Send
from tests.hub.support import LOBBY, running


@attrs.define(eq=False)
class Lines:
    """One line for each command, and for what is worth one."""

    written: list[str] = attrs.field(factory=list)

    def encode(self, frame: Any) -> bytes:
        self.written.append(frame.type)
        match frame:
            case events.Message(sender=sender, text=text):
                return f"{sender}: {text}\n".encode()
            case replies.Refusal(code=code):
                return f"no: {code}\n".encode()
        return f"({frame.type})\n".encode()

    def gap(self, room: RoomName, have: int, seq: int) -> bytes:
        return f"{room}: {seq - have} are missing\n".encode()

    def bye(self, ending: Ending, after_s: float | None) -> bytes | None:
        return f"bye: {ending.reason}\n".encode()

    def decode(self, payload: bytes) -> Command:
        match payload.decode().split(" ", 1):
            case ["NICK", name]:
                return Hello(name=GuestName(name))
            case ["JOIN", room]:
                return Join(RoomName(room))
            case ["SAY", text]:
                return Send(Text(text), LOBBY)
        raise BadCommand(RejectCode.BAD_TYPE, "this is no command")


async def test_people_of_two_protocols_talk_in_one_room(
    autojump_clock: MockClock,
) -> None:
    """Each hears the others in his own; a message is written once in each."""
    async with running() as rig:
        lines = Lines()
        ann = await rig.login("ann")
        await ann.answer("join", room=LOBBY)
        old, older = (rig.connect(dialect=lines) for _ in range(2))
        for peer, name in ((old, "cy"), (older, "eve")):
            for line in (f"NICK {name}", f"JOIN {LOBBY}", "DANCE"):
                peer.raw(line.encode())
                await peer.settled()
        assert older.heard().endswith("(ok)\n(caught_up)\nno: bad_type\n")
        ann.take()
        lines.written.clear()
        await ann.answer("send", room=LOBBY, text="hi")
        await old.settled()
        assert lines.written == ["message"]
        assert old.heard().endswith("\nann: hi\n")
        older.raw(b"SAY ho")
        await older.settled()
        assert older.heard().splitlines()[-2:][0] == "(ok)"
        (event,) = [frame for frame in ann.take() if frame["type"] == "message"]
        assert event["text"] == "ho"
