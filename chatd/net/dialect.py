"""The protocol as JSON in text frames of a WebSocket. Pure.

Frames are made here and nowhere else: `chatd.wire.encode` writes the JSON of a value,
`chatd.wire.framing` puts a header before it, and `chatd.wire.codec` reads what clients
send. An event's bytes are the same for all who get it, header included, because a
server does not mask.
"""

from __future__ import annotations

from chatd.config import Config, LiveConfig
from chatd.errors import Ending, RejectCode
from chatd.ids import RoomName, Seq
from chatd.names import NAMES
from chatd.wire.codec import Decoder
from chatd.wire.commands import Command
from chatd.wire.encode import encode
from chatd.wire.events import Bye, Gap
from chatd.wire.framing import text_frame
from chatd.wire.malformed import BadCommand
from chatd.wire.replies import ServerFrame

SILENT = (Ending.PEER_CLOSED, Ending.LOGOUT)
"""Endings of which the client is not told: it has asked for them."""


class JsonDialect:
    """JSON over WebSocket; one object for all connections that speak it."""

    def __init__(self, config: LiveConfig) -> None:
        """Make the reader of commands.

        Args:
            config: The settings in force: `limits.text_chars` counts as it changes,
                `auth.names` as it is now.
        """
        self._names = NAMES[config.current.auth.names]
        self._decoder = Decoder(config.current.limits.text_chars, self._names)
        config.follow(self._adjust)

    def _adjust(self, config: Config) -> None:
        """Decode with the settings that are in force now."""
        text_chars = config.limits.text_chars
        if text_chars != self._decoder.text_chars:
            self._decoder = Decoder(text_chars, self._names)

    def encode(self, frame: ServerFrame) -> bytes:
        """Write one frame; see `chatd.ports.Dialect`."""
        return text_frame(encode(frame))

    def gap(self, room: RoomName, have: int, seq: int) -> bytes:
        """Write that events are not sent; see `chatd.ports.Dialect`."""
        return text_frame(encode(Gap(room, Seq(have), Seq(seq))))

    def bye(self, ending: Ending, after_s: float | None) -> bytes | None:
        """Write why the server closes; None where the client has asked for it."""
        if ending.code is None or ending in SILENT:
            return None
        after = round(after_s, 1) if after_s is not None else None
        bye = Bye(ending.code, ending.reason, ending.reconnect, after)
        return text_frame(encode(bye))

    def decode(self, payload: bytes) -> Command:
        """Read one text message; see `chatd.ports.Dialect`."""
        return self._decoder.decode(payload)


def binary() -> BadCommand:
    """The reason why a binary message is no command: every message is JSON text."""
    return BadCommand(
        RejectCode.BAD_FRAME, "this is a binary frame: send JSON in a text frame"
    )
