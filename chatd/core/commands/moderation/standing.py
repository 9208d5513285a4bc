"""Standing: who is banned from a room, muted there, or asked in.

What moderators have done and can take back. It is told from memory, in which a room
has all of it, and only of what holds now.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping

from chatd.core import authority
from chatd.core.authority import MODERATOR
from chatd.core.entities import Connection, Room, Sanction
from chatd.core.pages import fit_page
from chatd.core.turn import Turn
from chatd.ids import UserName
from chatd.wire.events import Millis
from chatd.wire.moderation import (
    AskedShown,
    SanctionShown,
    Standing,
    StandingPage,
    StandingShown,
)


def standing(turn: Turn, connection: Connection, command: Standing) -> None:
    """List it by name: to moderators all, to others the invitations that they sent."""
    room = authority.require(turn, connection, command.room, 1)
    user, now = turn.user(connection), turn.now.sure
    may_see = authority.rank(turn, user, room) >= MODERATOR
    asked = _invited(turn, room, now, None if may_see else user.name)
    bans = _held(room.bans, now) if may_see else {}
    mutes = _held(room.mutes, now) if may_see else {}
    found = {
        name: StandingShown(name, bans.get(name), mutes.get(name), asked.get(name))
        for name in asked.keys() | bans.keys() | mutes.keys()
    }
    names = sorted(found)
    at = 0 if command.after is None else bisect_right(names, command.after)
    end = at + command.limit
    shown = [found[name] for name in names[at:end]]
    page, more = fit_page(turn, shown, more=end < len(names))
    last = page[-1].name if more else None
    turn.answer(connection.id, StandingPage(room.name, page, next=last, id=command.id))


def _invited(
    turn: Turn, room: Room, now: Millis, sender: UserName | None
) -> dict[UserName, AskedShown]:
    """Who is asked in, by whomever or by one sender."""
    found: dict[UserName, AskedShown] = {}
    for name in room.invited:
        invite = turn.durable.open_invite(name, room.name, now)
        if invite is not None and sender in (None, invite.sender):
            found[name] = AskedShown(invite.sender, invite.ts)
    return found


def _held(
    sanctions: Mapping[UserName, Sanction], now: Millis
) -> dict[UserName, SanctionShown]:
    """The sanctions that hold now, as they are shown."""
    return {
        name: SanctionShown(sanction.until, sanction.reason)
        for name, sanction in sanctions.items()
        if sanction.holds(now)
    }
