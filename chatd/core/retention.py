"""Retention: rooms that forget their beginning.

A room keeps so many days, or so many messages, as its settings say. What is beyond
that is removed by the store in small steps (`TrimRoom`), and `Room.first` follows.
Rooms that are set so are looked at when the daemon starts and every hour, be they in
memory or not: the store lists them in pages, each when the one before is done. One is
also looked at when its settings change. There is one step at a time, whatever the
number of rooms, and a pause after it: a commit of people's waits for one step at most.

How old something is depends on a clock. It is counted by the time that is certain
(`chatd.core.clock`), so a clock that is wrong for a while removes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

from chatd.core.agenda import DeadlineKey, Due
from chatd.core.drafts import Outcome, Trimmed, TrimRoom
from chatd.core.effects import Fetch
from chatd.core.inputs import Fetched
from chatd.core.loading import Woken
from chatd.core.queries import ListTrimming
from chatd.core.settings import RoomSettings
from chatd.core.turn import Turn
from chatd.errors import Reject
from chatd.ids import RoomName
from chatd.wire.events import DAY_MS

REVIEW_S = 3600.0
"""How long something may stay too long. Source: a twenty-fourth of what can be set."""
PAGE = 100
"""Rooms of one page of a review."""
PAUSE_S = 0.025
"""Between two steps, so that all rooms together take a tenth of the writer; some 3,500
messages a second go, which is more than people write."""


def review(turn: Turn, _key: DeadlineKey) -> None:
    """Look at the rooms that forget, now and in an hour again."""
    turn.live.agenda.add(turn.now.mono + REVIEW_S, Due.RETENTION, None)
    if turn.live.reviewed is None and turn.leads:
        # Else the review before this one is still under way.
        turn.want(Fetch(ListTrimming(None)))


def listed(
    turn: Turn, found: Fetched[ListTrimming, Sequence[tuple[RoomName, RoomSettings]]]
) -> Woken:
    """Have the rooms of a page trimmed; one that cannot be read is left out.

    Returns:
        Nobody: no command waits for this.
    """
    live, page = turn.live, found.answer
    if isinstance(page, Reject):
        return []
    for name, settings in page:
        live.untrimmed[name] = settings
    if len(page) == PAGE:
        live.reviewed = page[-1][0]
    live.go_on_trimming(turn.now.mono)
    _review_next(turn)
    return []


def trim(turn: Turn, _key: DeadlineKey) -> None:
    """Have the next step done, of the room that waits longest."""
    chat = turn.chat
    while chat.live.untrimmed:
        name, settings = next(iter(chat.live.untrimmed.items()))
        room = chat.durable.rooms.get(name)
        if room is not None:
            settings = room.settings
        if not settings.trims:
            del chat.live.untrimmed[name]
        else:
            before_ts = turn.now.sure - settings.keep_days * DAY_MS
            turn.append(
                TrimRoom(
                    name,
                    before_ts if settings.keep_days else None,
                    settings.keep_messages or None,
                )
            )
            return
    chat.live.trimming = False
    _review_next(turn)


def _review_next(turn: Turn) -> None:
    """Have the next page of a review read, when the one before it is done."""
    live = turn.live
    if live.reviewed is not None and not live.untrimmed:
        turn.want(Fetch(ListTrimming(live.reviewed)))
        live.reviewed = None


def go_on(turn: Turn, draft: TrimRoom, outcome: Outcome) -> None:
    """Go on with the next step.

    One that could not be done now is done after the next review.
    """
    live, room = turn.live, turn.durable.room(draft.room)
    name = draft.room if room is None else room.name
    settings = live.untrimmed.pop(name, None)
    if isinstance(outcome, Trimmed) and outcome.more and settings is not None:
        live.untrimmed[name] = settings  # behind all others
    live.trimming = False
    live.go_on_trimming(turn.now.mono + PAUSE_S)
    _review_next(turn)
