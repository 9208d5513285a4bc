"""Every way of saying something in a room, and what holds for it.

`WAYS` is the table of PROTOCOL, section 3: the commands that bring words or a sign to
others in a room, and whether a mute, `post`, slow mode and an archive stop them.
Whoever says something asks `check` before it is paid for, and has it noted by `note`
once it is, so a way that is new has one row and no rule of its own.

Slow mode counts whatever it holds for: what somebody says, or changes of what he has
said, comes at most once in `slow_s`. One correction of a message within a minute of it
is free, since a slip of the finger should not stand for an hour. Moderators are free of
it. What was not stored in the end has not been said.
"""

from __future__ import annotations

import attrs

from chatd.core.authority import (
    MODERATOR,
    check_address,
    check_open,
    check_post,
    check_voice,
    rank,
)
from chatd.core.entities import CORRECTION_S, Room, Sayings, User
from chatd.core.slowmode import sayings_of
from chatd.core.turn import Turn
from chatd.errors import Reject, RejectCode
from chatd.ids import Seq
from chatd.wire.ephemeral import Typing
from chatd.wire.moderation import Ban, Invite, Kick, Mute
from chatd.wire.rooms import Rename, SetRoom
from chatd.wire.timeline import Edit, Pin, React, Send

SAYINGS_MAX = 1000
"""Of a room in slow mode: more are looked through for those that do not matter."""


@attrs.frozen(kw_only=True)
class Way:
    """What holds for one way of saying something, beside mutes, which hold for all."""

    post: bool = False
    slow: bool = False
    archived: bool = False
    words: tuple[str, ...] = ()
    """Fields that say something; without one of them nothing is said. If there are
    none, the command always does."""


Saying = (
    Send | Edit | React | Pin | Typing | Invite | SetRoom | Rename | Kick | Ban | Mute
)
"""A command by which a member brings something before the others in a room."""

WAYS: dict[type[Saying], Way] = {
    Send: Way(post=True, slow=True, archived=True),
    Edit: Way(post=True, slow=True, archived=True),
    React: Way(archived=True, words=("on",)),
    Pin: Way(archived=True, words=("on",)),
    Typing: Way(post=True, archived=True),
    Invite: Way(),
    SetRoom: Way(archived=True, words=("topic", "title")),
    Rename: Way(archived=True),
    Kick: Way(words=("reason",)),
    Ban: Way(words=("reason",)),
    Mute: Way(words=("reason",)),
}
"""What holds for each of them.

What is not here says nothing there: a deletion, the end of a reaction or of a pin, an
act without a reason, coming and going. What is said of oneself everywhere (`profile`,
`status`) is told in a room as `chatd.core.entities.shown_in` has it, and is held for
who is a guest from an address that is banned (`authority.check_unbarred`).
"""


def check(turn: Turn, user: User, room: Room, command: Saying) -> None:
    """Check that a member may say something in a room now.

    Raises:
        Reject: `muted`, with the time until he is not; `forbidden` where only
            moderators send, or nobody; `rate_limited` with the time until he may, in
            slow mode; `banned`, if he is a guest from an address that is banned there.
    """
    if not room.mutes and not room.settings.restricts and user.address is None:
        return
    way = WAYS[type(command)]
    if way.words and not any(getattr(command, word) for word in way.words):
        return
    check_address(turn, user, room)
    check_voice(turn, user, room)
    # Settings that open an archive may come with others.
    if way.archived and getattr(command, "archived", None) is not False:
        check_open(room)
    if way.post:
        check_post(turn, user, room)
    if way.slow and room.settings.slow_s:
        _check_slow(turn, user, room, command)


def note(turn: Turn, user: User, room: Room, command: Saying) -> None:
    """Remember that somebody says something, as long as slow mode needs it."""
    slow_s, now = room.settings.slow_s, turn.now.mono
    if not slow_s or not WAYS[type(command)].slow:
        return
    if len(room.sayings) >= SAYINGS_MAX:
        long_ago = now - max(slow_s, CORRECTION_S)
        room.sayings = {
            name: said
            for name, said in room.sayings.items()
            if said.counted is not None and said.counted > long_ago
        }
    sayings = sayings_of(room, user.name)
    if isinstance(command, Edit) and _is_correction(sayings, command.of, now):
        sayings.correcting[command.of] = sayings.fresh.pop(command.of)
    else:
        sayings.counted = now


def may(turn: Turn, user: User, room: Room, command: Saying) -> bool:
    """Whether `check` has nothing against it."""
    try:
        check(turn, user, room, command)
    except Reject:
        return False
    return True


def _check_slow(turn: Turn, user: User, room: Room, command: Saying) -> None:
    sayings, now = room.sayings.get(user.name), turn.now.mono
    if sayings is None or sayings.counted is None:
        return
    if rank(turn, user, room) >= MODERATOR:
        return
    if isinstance(command, Edit) and _is_correction(sayings, command.of, now):
        return
    slow_s = room.settings.slow_s
    wait_s = sayings.counted + slow_s - now
    if wait_s > 0:
        raise Reject(
            RejectCode.RATE_LIMITED,
            f"{room.name} is slow: one message in {slow_s} s",
            retry_after_s=wait_s,
        )


def _is_correction(sayings: Sayings, of: Seq, now: float) -> bool:
    """Whether an edit is the first of a message that is less than a minute old."""
    at = sayings.fresh.get(of)
    return at is not None and now < at + CORRECTION_S
