"""Pages: what look-ups answer is authorised again, and cut to what a reply may hold.

What the store is asked for comes back later: one function asks, one answers
(`chatd.core.commands.look_ups`). Meanwhile the user may have been removed, or have
brought a token that allows less, so whoever answers asks again whether he may. A page
is cut to `limits.reply_bytes`, and says that there is more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from chatd.core.entities import Connection, Room, readable_from
from chatd.core.queries import Page
from chatd.core.turn import Turn
from chatd.errors import Reject
from chatd.ids import RoomName, Seq, UserName
from chatd.wire.admissions import Invitations, InvitationShown
from chatd.wire.encode import encode_part
from chatd.wire.events import Happened, UserShown
from chatd.wire.kinds import BookmarkNumber, ThreadNumber
from chatd.wire.moderation import StandingShown
from chatd.wire.operator import AuditShown, ConnectionShown
from chatd.wire.replies import MessageFound, MessageKept, MessageShown, ThreadListed
from chatd.wire.rooms import Rooms, RoomShown, Who
from chatd.wire.sessions import Sessions, SessionShown
from chatd.wire.threads import Threads
from chatd.wire.timeline import Bookmarks, History, Pins, Reactions

FRAME_OVERHEAD_BYTES = 672
"""What a page's reply has beside its entries, at the most: that of history 658, of
which an `id` of 64 control characters, each escaped, is 384."""

T = TypeVar(
    "T",
    AuditShown,
    MessageShown,
    MessageShown | Happened,
    MessageFound,
    MessageKept,
    UserShown,
    RoomShown,
    SessionShown,
    InvitationShown,
    ThreadListed,
    StandingShown,
    ConnectionShown,
    UserName,
)


L = TypeVar("L", MessageKept, ThreadListed)
N = TypeVar("N", BookmarkNumber, ThreadNumber)
P = TypeVar("P")


def readable(
    turn: Turn, connection: Connection, command: History | Reactions | Pins | Who
) -> tuple[Room, Seq]:
    """The room of a command now, and the first seq that its user may read there.

    Raises:
        Reject: The user is not a member any more, or has a token that allows less.
    """
    name = turn.durable.name_now(command.room)
    turn.check_scope(connection, command.type, name)
    room = turn.member_room(connection, name)
    assert connection.user is not None
    return room, readable_from(room, room.members[connection.user])


def may_still_ask(
    turn: Turn,
    connection: Connection,
    command: Rooms | Sessions | Invitations | Bookmarks | Threads,
) -> bool:
    """Whether a token allows what was read meanwhile; if not, it is refused."""
    try:
        turn.check_scope(connection, command.type, None)
    except Reject as reject:
        turn.refuse(connection.id, command, reject)
        return False
    return True


def may_read(turn: Turn, connection: Connection, name: RoomName, seq: Seq) -> bool:
    """Whether a message is one that a connection may read now."""
    user, durable = turn.user(connection).name, turn.durable
    if name not in durable.rooms_of(user):
        return False
    room = durable.rooms[name]
    return (
        turn.chat.may_be_told(connection, name)
        and readable_from(room, room.members[user]) <= seq
    )


def fit_own(
    turn: Turn,
    connection: Connection,
    found: Page[tuple[N, L]],
    seq_of: Callable[[L], Seq],
) -> tuple[list[L], N | None]:
    """Take of a list over all of a user's rooms what he may read now, and what fits.

    Args:
        turn: This one.
        connection: Who has asked.
        found: What was read, each with the number by which a page begins; and whether
            there is more. Their rooms get the names that they have now.
        seq_of: The message that an entry is about.

    Returns:
        The entries, which may be none, and behind which number it goes on, if it does.
    """
    rows, more = found
    read: list[tuple[N, L | None]] = []
    for place, entry in rows:
        entry.room = turn.durable.name_now(entry.room)
        may = may_read(turn, connection, entry.room, seq_of(entry))
        read.append((place, entry if may else None))
    return fit_read(turn, read, more=more)


def fit_read(
    turn: Turn, read: Sequence[tuple[P, T | None]], *, more: bool
) -> tuple[list[T], P | None]:
    """Take of a page that was read what is to be shown, and what fits.

    Args:
        turn: This one.
        read: Each entry's place in the list, and the entry; None where it is not shown
            (any more): the list goes on behind it all the same.
        more: Whether there are others behind them.

    Returns:
        The entries, which may be none, and behind which place it goes on, if it does.
    """
    shown = [(place, entry) for place, entry in read if entry is not None]
    entries = fit([entry for _, entry in shown], turn.config.limits.reply_bytes)
    is_cut = len(entries) < len(shown)
    last = (shown[: len(entries)] if is_cut else read)[-1:]
    return entries, last[0][0] if last and (more or is_cut) else None


def fit_page(turn: Turn, shown: list[T], *, more: bool) -> tuple[list[T], bool]:
    """Take of a page, of which all is shown, what fits; say whether it goes on there.

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
