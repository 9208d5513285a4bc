"""Retention: rooms that forget their beginning.

A room keeps so many days, or so many messages, as its settings say. What is beyond
that is removed by the store in small steps (`TrimRoom`), and `Room.first` follows.
Rooms that are set so are looked at when the daemon starts and every hour, one also
when its settings change. There is one step at a time, whatever the number of rooms,
and a pause after it: a commit of people's waits for one step at most.

How old something is depends on a clock. It is counted by the time that is certain
(`chatd.core.clock`), so a clock that is wrong for a while removes nothing.
"""

from __future__ import annotations

from chatd.core.agenda import DeadlineKey, Due
from chatd.core.drafts import Outcome, Trimmed, TrimRoom
from chatd.core.turn import Turn
from chatd.wire.events import DAY_MS

REVIEW_S = 3600.0
"""How long something may stay too long. Source: a twenty-fourth of what can be set."""
PAUSE_S = 0.01
"""Between two steps of 2 ms, so that all rooms together take a fifth of the writer;
some 10,000 messages a second go."""


def review(turn: Turn, _key: DeadlineKey) -> None:
    """Look at the rooms that forget, now and in an hour again."""
    turn.live.agenda.add(turn.now.mono + REVIEW_S, Due.RETENTION, None)
    for name in turn.durable.trimming:
        turn.live.note_untrimmed(turn.durable.rooms[name], turn.now.mono)


def trim(turn: Turn, _key: DeadlineKey) -> None:
    """Have the next step done, of the room that waits longest."""
    chat = turn.chat
    while chat.live.untrimmed:
        name = next(iter(chat.live.untrimmed))
        del chat.live.untrimmed[name]
        room = chat.durable.rooms.get(name)
        if room is not None and room.settings.trims:
            settings = room.settings
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


def go_on(turn: Turn, draft: TrimRoom, outcome: Outcome) -> None:
    """Go on with the next step.

    One that could not be done now is done after the next review.
    """
    live, room = turn.live, turn.durable.room(draft.room)
    if isinstance(outcome, Trimmed) and outcome.more and room is not None:
        live.untrimmed[room.name] = None
    live.trimming = False
    live.go_on_trimming(turn.now.mono + PAUSE_S)
