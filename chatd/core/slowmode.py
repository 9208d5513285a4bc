"""What slow mode knows of who has said what, in `Room.sayings`.

It is live: after a restart everybody may say something at once. What may be said is
decided in `chatd.core.speech`; here is what became of it.
"""

from __future__ import annotations

from chatd.core.entities import CORRECTION_S, Room, Sayings
from chatd.ids import Seq, UserName


def sayings_of(room: Room, user: UserName) -> Sayings:
    """What slow mode knows of a member."""
    return room.sayings.setdefault(user, Sayings())


def matters(room: Room, now: float) -> bool:
    """Whether somebody has to wait in a room, or may correct what was said there."""
    long_ago = now - max(room.settings.slow_s, CORRECTION_S)
    return any(
        said.counted is not None and said.counted > long_ago
        for said in room.sayings.values()
    )


def note_said(room: Room, user: UserName, seq: Seq, now: float) -> None:
    """A message is on disk; for a minute it may be corrected."""
    fresh = sayings_of(room, user).fresh
    for old in [seq for seq, at in fresh.items() if at <= now - CORRECTION_S]:
        del fresh[old]
    fresh[seq] = now


def note_corrected(room: Room, user: UserName, of: Seq) -> None:
    """An edit is on disk; if it was a correction, it was the only one."""
    sayings_of(room, user).correcting.pop(of, None)


def note_unsaid(room: Room, user: UserName) -> None:
    """A message was not stored, which makes nobody wait."""
    sayings_of(room, user).counted = None


def note_uncorrected(room: Room, user: UserName, of: Seq) -> None:
    """An edit was not stored, which leaves all as it was."""
    sayings = sayings_of(room, user)
    at = sayings.correcting.pop(of, None)
    if at is None:
        sayings.counted = None
    else:
        sayings.fresh[of] = at
