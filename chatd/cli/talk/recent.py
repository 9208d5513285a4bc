"""The last messages of each room: what `/edit` corrects and `/react` is about.

Nobody types the number of a message. What is meant is the last one, of oneself, of
somebody or of anybody else; so what was said is remembered as it passes by, with what
became of it.

Pure: no terminal, no connection.
"""

from __future__ import annotations

import attrs

from chatd.cli.transcript import unfolded
from chatd.client import Frame

KEPT = 100
"""Messages of one room that are remembered."""
QUOTED_CHARS = 40
"""What is told of a message to which something has happened."""


@attrs.define
class Said:
    """A message."""

    by: str
    text: str


@attrs.define
class Recent:
    """What was said last, by room and number."""

    _rooms: dict[str, dict[int, Said]] = attrs.field(factory=dict, init=False)

    def take(self, event: Frame) -> Frame:
        """Remember what an event tells; return it with what it is `about`."""
        for entry in unfolded(event):
            self._note(entry)
        said = self._rooms.get(str(event.get("room")), {}).get(_seq(event.get("of")))
        if event.get("type") not in ("react", "pin") or said is None:
            return event
        first = said.text.partition("\n")[0]
        short = first if len(first) <= QUOTED_CHARS else f"{first[:QUOTED_CHARS]}…"
        return event | {"about": short}

    def sent(self, room: str, seq: int, by: str, text: str) -> None:
        """Remember a message of one's own when it is stored."""
        self._keep(room, seq, Said(by, text))

    def last(self, room: str, by: str | None, but: str = "") -> int | None:
        """Return the number of the last message in a room, if there is one.

        Args:
            room: The room.
            by: Who has written it, a guest also without his suffix; None for anybody.
            but: Who has not written it.
        """
        found = [
            seq
            for seq, said in self._rooms.get(room, {}).items()
            if said.by != but
            and (by is None or by in (said.by, said.by.partition("~")[0]))
        ]
        return max(found, default=None)

    def text(self, room: str, seq: int) -> str:
        """Return what a message says that is remembered."""
        return self._rooms[room][seq].text

    def _note(self, entry: Frame) -> None:
        room, text = entry.get("room"), entry.get("text")
        if not isinstance(room, str):
            return
        match entry.get("type"):
            case "message" if isinstance(text, str):
                said = Said(str(entry.get("from")), text)
                self._keep(room, _seq(entry.get("seq")), said)
            case "edit" if isinstance(text, str):
                said_before = self._rooms.get(room, {}).get(_seq(entry.get("of")))
                if said_before is not None:
                    said_before.text = text
            case "delete":
                self._rooms.get(room, {}).pop(_seq(entry.get("of")), None)

    def _keep(self, room: str, seq: int, said: Said) -> None:
        kept = self._rooms.setdefault(room, {})
        kept[seq] = said
        if len(kept) > KEPT:
            del kept[min(kept)]


def _seq(value: object) -> int:
    return value if isinstance(value, int) else 0
