"""A message that is no command: why, and to whom that is told."""

from __future__ import annotations

from typing import Any

from chatd.errors import Reject, RejectCode
from chatd.ids import Cid
from chatd.wire.fields import Parse, parse_cid_field, parse_id, parse_word
from chatd.wire.kinds import CommandId


class BadCommand(Reject):
    """A frame is not a command of the protocol; the connection goes on.

    It counts against the connection, unless all that is wrong was typed by a person.

    Attributes:
        re: Its type, where it has one that is a word.
        id: Its id, where it has one that is allowed.
        cid: Its cid, where it has one that is allowed.
    """

    def __init__(
        self,
        code: RejectCode,
        text: str,
        *,
        field: str | None = None,
        frame: dict[str, Any] | None = None,
        counted: bool = True,
    ) -> None:
        """Take the labels of the refused `frame`, if it was an object at all."""
        super().__init__(code, text, field=field, counted=counted)
        frame = frame or {}
        self.re: str | None = _readable(parse_word, frame.get("type"))
        self.id: CommandId = _readable(parse_id, frame.get("id"))
        self.cid: Cid | None = _readable(parse_cid_field, frame.get("cid"))


def _readable(parse: Parse, value: Any) -> Any:
    """The value if it can be parsed, else None."""
    try:
        return parse(value)
    except ValueError:
        return None
