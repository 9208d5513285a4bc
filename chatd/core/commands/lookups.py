"""History, reactions, who, rooms, blocks, sessions, ping: they change nothing.

`history`, `reactions`, `rooms`, `sessions` and a `who` of those who are not here need
the store: one function asks, one answers (`LOOK_UPS` in `chatd.core.commands`). They
are authorised twice: when they are asked, and again when they are answered, since their
user may have been removed meanwhile, or have brought a token that allows less. A page
is cut to `limits.reply_bytes`, and says that there is more.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from typing import Any, TypeVar

import attrs

from chatd.core.commands.timeline import check_readable, no_message
from chatd.core.entities import (
    Connection,
    Room,
    SessionKept,
    User,
    readable_from,
    shown_in,
)
from chatd.core.inputs import Answered
from chatd.core.queries import (
    ListRooms,
    Page,
    ReadDisplays,
    ReadHistory,
    ReadReactions,
    ReadSessions,
)
from chatd.core.roster import Roster
from chatd.core.rows import PublicRoom
from chatd.core.turn import Turn
from chatd.enums import AccountRole, Role, State
from chatd.errors import Reject
from chatd.ids import Seq, UserName, session_tag
from chatd.wire.admissions import Invitations, InvitationShown
from chatd.wire.commands import Blocks, History, Ping, Reactions, Rooms, Sessions, Who
from chatd.wire.encode import encode_part
from chatd.wire.events import DAY_MS, UserShown
from chatd.wire.replies import (
    BlocksPage,
    Done,
    HistoryPage,
    MessageFound,
    MessageShown,
    ReactionsPage,
    RoomShown,
    RoomsPage,
    SessionShown,
    SessionsPage,
    WhoPage,
)

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


def ping(turn: Turn, connection: Connection, command: Ping) -> None:
    """Answer."""
    turn.answer(connection.id, Done(command.type, command.id))


def history(turn: Turn, connection: Connection, command: History) -> None:
    """Have a page of messages read, up to what is applied now."""
    room = turn.durable.rooms[command.room]
    viewer = turn.user(connection).name
    turn.query(connection, command, ReadHistory(room.head, viewer))


def history_read(
    turn: Turn,
    connection: Connection,
    found: Answered[History, ReadHistory, Page[MessageShown]],
) -> None:
    """Answer `history`, if its user is still a member and his token allows it."""
    command = found.command
    try:
        room, first = _readable(turn, connection, command)
    except Reject as reject:
        turn.refuse(connection.id, command, reject)
        return
    read, more = found.answer
    messages = [message for message in read if message.seq >= first]
    if len(messages) < len(read):
        if command.after is None:
            more = False
        elif not messages:
            # What he may read begins behind this page.
            behind = attrs.evolve(command, room=room.name, after=Seq(first - 1))
            history(turn, connection, behind)
            return
    most = turn.config.limits.reply_bytes
    if command.after is not None:
        kept = fit(messages, most)
    else:
        kept = fit(reversed(messages), most)
        kept.reverse()
    page = HistoryPage(
        room.name,
        room.epoch,
        first,
        as_of=found.query.upto,
        messages=kept,
        more=more or len(kept) < len(messages),
        id=command.id,
    )
    turn.answer(connection.id, page)


def _readable(
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


def reactions(turn: Turn, connection: Connection, command: Reactions) -> None:
    """Have a page of the users read who have put an emoji on a message."""
    room, viewer = turn.durable.rooms[command.room], turn.user(connection).name
    check_readable(command.of, readable_from(room, room.members[viewer]), "of")
    turn.query(connection, command, ReadReactions(viewer))


def reactions_read(
    turn: Turn,
    connection: Connection,
    found: Answered[Reactions, ReadReactions, Page[tuple[Seq, UserName]] | None],
) -> None:
    """Answer `reactions`, if there is the message and its user may still read it."""
    command = found.command
    try:
        room, first = _readable(turn, connection, command)
        check_readable(command.of, first, "of")
        if found.answer is None:
            raise no_message("of")
    except Reject as reject:
        turn.refuse(connection.id, command, reject)
        return
    read, more = found.answer
    users, more = fit_page(turn, [user for _, user in read], more=more)
    last = read[len(users) - 1][0] if more else None
    page = ReactionsPage(
        room.name, command.of, command.emoji, users, next=last, id=command.id
    )
    turn.answer(connection.id, page)


def who(turn: Turn, connection: Connection, command: Who) -> None:
    """List who is online in a room, or every member, by name.

    How those are shown who are not in memory has to be read.
    """
    room, users = turn.durable.rooms[command.room], turn.durable.users
    names, more = _names(
        room.members if command.all else room.online, command.after, command.limit
    )
    unknown = [name for name in names if name not in users]
    if unknown:
        turn.query(connection, command, ReadDisplays(unknown, names, more))
    else:
        _show_members(turn, connection, room, command, names, {}, more=more)


def members_read(
    turn: Turn,
    connection: Connection,
    found: Answered[Who, ReadDisplays, dict[UserName, str]],
) -> None:
    """Answer `who`, if its user is still a member and his token allows it."""
    command, query = found.command, found.query
    try:
        room, _ = _readable(turn, connection, command)
    except Reject as reject:
        turn.refuse(connection.id, command, reject)
        return
    names = query.names
    _show_members(turn, connection, room, command, names, found.answer, more=query.more)


def _show_members(
    turn: Turn,
    connection: Connection,
    room: Room,
    command: Who,
    names: list[UserName],
    displays: dict[UserName, str],
    *,
    more: bool,
) -> None:
    """Answer `who` with those of some names who are members still."""
    shown = []
    for name in names:
        if name not in room.members:
            continue
        user = turn.durable.users.get(name)
        if user is None:
            # Gone from memory and not read, or erased: by his name alone.
            user = User(name, displays.get(name, name), AccountRole.USER)
        entry = shown_in(room, user)
        if name not in room.online:
            entry = UserShown(name, entry.display, State.OFFLINE)
        if command.all and room.members[name].role != Role.MEMBER:
            entry = attrs.evolve(entry, role=room.members[name].role)
        shown.append(entry)
    page = fit(shown, turn.config.limits.reply_bytes)
    is_cut = len(page) < len(shown)
    last = (page[-1].name if is_cut else names[-1]) if more or is_cut else None
    turn.answer(connection.id, WhoPage(room.name, page, next=last, id=command.id))


def _names(
    names: Roster[UserName, Any], after: UserName | None, limit: int
) -> tuple[list[UserName], bool]:
    """A page of names in order, at the cost of those that are taken."""
    ordered = names.ordered()
    at = 0 if after is None else bisect_right(ordered, after)
    return list(ordered[at : at + limit]), len(ordered) > at + limit


def blocks(turn: Turn, connection: Connection, command: Blocks) -> None:
    """List whom the user blocks, by name."""
    names = sorted(turn.user(connection).blocks)
    at = 0 if command.after is None else bisect_right(names, command.after)
    page, more = _page(turn, names[at:], command.limit)
    last = page[-1] if more else None
    turn.answer(connection.id, BlocksPage(page, next=last, id=command.id))


def rooms(turn: Turn, connection: Connection, command: Rooms) -> None:
    """Have a page of the public rooms read."""
    turn.query(connection, command, ListRooms())


def rooms_read(
    turn: Turn,
    connection: Connection,
    found: Answered[Rooms, ListRooms, Page[PublicRoom]],
) -> None:
    """Answer `rooms`: what the store has, and how many are there now."""
    command = found.command
    if not may_still_ask(turn, connection, command):
        return
    read, more = found.answer
    shown = []
    for row in read:
        room = turn.durable.rooms.get(row.room)
        online, settings = len(room.online) if room is not None else 0, row.settings
        shown.append(
            RoomShown(
                *(row.room, online, row.members),
                settings.topic,
                settings.title,
                settings.archived,
            )
        )
    page, more = fit_page(turn, shown, more=more)
    last = page[-1].room if more else None
    turn.answer(connection.id, RoomsPage(page, next=last, id=command.id))


def sessions(turn: Turn, connection: Connection, command: Sessions) -> None:
    """Have a page of the user's sessions read: of those that can be resumed."""
    days = turn.config.auth.session_days
    since = turn.now.sure - round(days * DAY_MS)
    user = turn.user(connection).name
    turn.query(connection, command, ReadSessions(user, since))


def sessions_read(
    turn: Turn,
    connection: Connection,
    found: Answered[Sessions, ReadSessions, Page[SessionKept]],
) -> None:
    """Answer `sessions`: what the store has, and what it is told some seconds late."""
    command = found.command
    if not may_still_ask(turn, connection, command):
        return
    read, more = found.answer
    shown = [
        _session(turn, connection, kept)
        for kept in read
        if kept.id not in turn.live.ended
    ]
    page, more = fit_page(turn, shown, more=more)
    last = page[-1].session if more else None
    turn.answer(connection.id, SessionsPage(page, next=last, id=command.id))


def _session(turn: Turn, connection: Connection, kept: SessionKept) -> SessionShown:
    chat = turn.chat
    live = chat.live.sessions.get(kept.id)
    is_connected = live is not None and live.connection is not None
    seen = chat.live.idle.get(kept.id) or kept.idle_since
    return SessionShown(
        session_tag(kept.id),
        kept.created,
        # Where neither has it yet, it has ended a moment ago.
        None if is_connected else seen or turn.now.wall,
        device=chat.live.devices.get(kept.id, kept.device),
        connected=is_connected,
        current=kept.id == connection.session,
        token=kept.has_token,
    )


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
    return _cut(entries, bytes_max, None)[0]


def _page(turn: Turn, entries: Iterable[T], limit: int) -> tuple[list[T], bool]:
    """Take the first entries for a page, and say whether there are more."""
    return _cut(entries, turn.config.limits.reply_bytes, limit)


def _cut(
    entries: Iterable[T], bytes_max: int, limit: int | None
) -> tuple[list[T], bool]:
    kept: list[T] = []
    room = (bytes_max - FRAME_OVERHEAD_BYTES) if bytes_max else None
    for entry in entries:
        if room is not None:
            room -= len(encode_part(entry)) + 1
        if len(kept) == limit or (kept and room is not None and room < 0):
            return kept, True
        kept.append(entry)
    return kept, False
