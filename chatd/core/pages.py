"""Pages: what look-ups answer is authorised again, and cut to what a reply may hold.

What the store is asked for comes back later: one function asks, one answers (`LOOK_UPS`
in `chatd.core.commands`). Meanwhile the user may have been removed, or have brought a
token that allows less, so whoever answers asks again whether he may. A page is cut to
`limits.reply_bytes`, and says that there is more.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from chatd.core.entities import Connection, Room, readable_from
from chatd.core.turn import Turn
from chatd.errors import Reject
from chatd.ids import Seq, UserName
from chatd.wire.admissions import Invitations, InvitationShown
from chatd.wire.encode import encode_part
from chatd.wire.events import UserShown
from chatd.wire.replies import MessageFound, MessageShown, RoomShown, SessionShown
from chatd.wire.rooms import Rooms, Who
from chatd.wire.sessions import Sessions
from chatd.wire.timeline import History, Reactions

FRAME_OVERHEAD_BYTES = 640
"""What a page's reply has beside its entries, at the most: a search's is 610, of
which an `id` of 64 control characters, each escaped, is 384."""

T = TypeVar(
    "T",
    MessageShown,
    MessageFound,
    UserShown,
    RoomShown,
    SessionShown,
    InvitationShown,
    UserName,
)


def readable(
    turn: Turn, connection: Connection, command: History | Reactions | Who
) -> tuple[Room, Seq]:
    """The room of a command now, and the first seq that its user may read there.

    Raises:
        Reject: The user is not a member any more, or has a token that allows less.
    """
    name = turn.durable.aliases.get(command.room, command.room)
    turn.check_scope(connection, command.type, name)
    room = turn.member_room(connection, name)
    assert connection.user is not None
    return room, readable_from(room, room.members[connection.user])


def may_still_ask(
    turn: Turn, connection: Connection, command: Rooms | Sessions | Invitations
) -> bool:
    """Whether a token allows what was read meanwhile; if not, it is refused."""
    try:
        turn.check_scope(connection, command.type, None)
    except Reject as reject:
        turn.refuse(connection.id, command, reject)
        return False
    return True


def fit_page(turn: Turn, shown: list[T], *, more: bool) -> tuple[list[T], bool]:
    """Take of a page that was read what fits, and say whether it goes on behind that.

    Args:
        turn: This one.
        shown: The page's entries.
        more: Whether there are others behind them.
    """
    page = fit(shown, turn.config.limits.reply_bytes)
    return page, bool(page) and (more or len(page) < len(shown))


def fit(entries: Iterable[T], bytes_max: int) -> list[T]:
    """Take the first entries that fit into a reply; the first always does."""
    kept: list[T] = []
    room = (bytes_max - FRAME_OVERHEAD_BYTES) if bytes_max else None
    for entry in entries:
        if room is not None:
            room -= len(encode_part(entry)) + 1
            if kept and room < 0:
                break
        kept.append(entry)
    return kept
