"""Searching the model: every message is looked at."""

from __future__ import annotations

from collections.abc import Sequence

from chatd.core.query import Query
from chatd.ids import RoomName, Seq, UserName
from chatd.store.matching import Matcher
from chatd.store.ranking import Candidate
from tests.store.model.entities import Tables


class ModelSource:
    """The model within one search's scope; see `chatd.store.ranking.Source`."""

    def __init__(
        self,
        model: Tables,
        query: Query,
        scope: Sequence[tuple[RoomName, Seq, Seq]],
        viewer: UserName,
    ) -> None:
        self._model = model
        self._query = query
        self._viewer = viewer
        # A room is named here as it was asked for, which may be what it was called.
        self._scope = {
            found.name: (name, first, upto)
            for name, first, upto in scope
            if (found := model.room(name)) is not None
        }
        self._matcher = Matcher(query)

    def newest(self, below: int, count: int) -> list[Candidate]:
        """Find the newest that match and are numbered below."""
        found: list[Candidate] = []
        for number in range(min(below, len(self._model.written)) - 1, -1, -1):
            candidate = self._candidate(number)
            if candidate is not None and len(found) < count:
                found.append(candidate)
        return found

    def _candidate(self, number: int) -> Candidate | None:
        room, message = self._model.written[number]
        query = self._query
        name, first, upto = self._scope.get(room.name, (room.name, 1, 0))
        if (
            message.text is None
            or (message.hidden and message.sender != self._viewer)
            or not first <= message.seq <= upto
            or query.sender not in (None, message.sender)
            or (query.after is not None and message.ts < query.after)
            or (query.before is not None and message.ts >= query.before)
        ):
            return None
        score = self._matcher.score(message.text)
        if score is None:
            return None
        return Candidate(
            number,
            name,
            message.seq,
            message.ts,
            message.sender,
            message.text,
            message.edit is not None,
            message.reply_to,
            message.thread,
            score,
        )

    def number(self, room: RoomName, seq: Seq) -> int | None:
        """Find the number of a message."""
        for number, (written, message) in enumerate(self._model.written):
            if written is self._model.room(room) and message.seq == seq:
                return number
        return None
