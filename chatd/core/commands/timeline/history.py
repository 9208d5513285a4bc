"""History and reactions: pages of what was said before.

They are authorised twice (`chatd.core.pages`), and tell what was applied when they were
asked.
"""

from __future__ import annotations

from typing import Any

import attrs

from chatd.core.commands.timeline.messages import check_readable, no_message
from chatd.core.entities import Connection, readable_from
from chatd.core.inputs import Answered
from chatd.core.pages import fit, fit_page, readable
from chatd.core.queries import Page, ReadHistory, ReadReactions, ReadThread
from chatd.core.turn import Turn
from chatd.errors import Reject
from chatd.ids import Seq, UserName
from chatd.wire.encode import encode_part
from chatd.wire.events import Happened
from chatd.wire.replies import HistoryPage, MessageShown, ReactionsPage
from chatd.wire.timeline import History, Reactions

EVENTS_MAX = 100
"""Events that a page has beside its messages: as many as it may have of these. Source:
protocol section 6."""


def history(turn: Turn, connection: Connection, command: History) -> None:
    """Have a page of messages read, up to what is applied now."""
    room = turn.durable.rooms[command.room]
    viewer = turn.user(connection).name
    query = ReadHistory if command.thread is None else ReadThread
    turn.query(connection, command, query(room.head, viewer))


def history_read(
    turn: Turn,
    connection: Connection,
    found: Answered[
        History, ReadHistory, tuple[list[MessageShown], list[Happened], bool]
    ],
) -> None:
    """Answer `history`, if its user is still a member and his token allows it."""
    _answer(turn, connection, found, *found.answer, None)


def thread_read(
    turn: Turn,
    connection: Connection,
    found: Answered[
        History, ReadThread, tuple[MessageShown | None, list[MessageShown], bool]
    ],
) -> None:
    """Answer `history` of a thread, with its first message if one may read that."""
    root, read, more = found.answer
    _answer(turn, connection, found, read, [], more, root)


def _answer(
    turn: Turn,
    connection: Connection,
    found: Answered[History, Any, Any],
    read: list[MessageShown],
    happened: list[Happened],
    more: bool,  # noqa: FBT001 - as the store has answered
    root: MessageShown | None,
) -> None:
    command = found.command
    try:
        room, first = readable(turn, connection, command)
    except Reject as reject:
        turn.refuse(connection.id, command, reject)
        return
    messages = [message for message in read if message.seq >= first]
    events = [event for event in happened if event.seq >= first]
    if len(messages) < len(read) or len(events) < len(happened):
        if command.after is None:
            more = False
        elif not messages or len(events) < len(happened):
            # What he may read begins behind this page, or in it.
            behind = attrs.evolve(command, room=room.name, after=Seq(first - 1))
            history(turn, connection, behind)
            return
    most = turn.config.limits.reply_bytes
    if root is not None and root.seq < first:
        root = None
    if root is not None and most:
        most = max(1, most - len(encode_part(root)))
    kept = fit(_in_order(messages, events, newest=command.after is None), most)
    more = more or len(kept) < len(messages) + len(events)
    start, end = _part(command, first, found.query.upto, kept[-1].seq if more else None)
    page = HistoryPage(
        room.name,
        room.epoch,
        first,
        as_of=found.query.upto,
        start=start,
        end=end,
        messages=sorted((m for m in kept if isinstance(m, MessageShown)), key=_seq),
        more=more,
        root=root,
        events=sorted((e for e in kept if isinstance(e, Happened)), key=_seq),
        id=command.id,
    )
    for event in page.events:
        event.room = room.name
    turn.answer(connection.id, page)


def _part(command: History, first: Seq, upto: Seq, last: Seq | None) -> tuple[Seq, Seq]:
    """From which seq to which a page has all, that ends early with a `last` one."""
    if command.after is not None:
        start = max(Seq(min(command.after, upto) + 1), first)
        return start, upto if last is None else last
    end = upto if command.before is None else min(Seq(max(command.before, 1) - 1), upto)
    return first if last is None else last, end


def _in_order(
    messages: list[MessageShown], events: list[Happened], *, newest: bool
) -> list[MessageShown | Happened]:
    """What a page may have, from where it begins, and no more events than it may."""
    entries: list[MessageShown | Happened] = [*messages, *events]
    entries.sort(key=_seq, reverse=newest)
    if len(events) <= EVENTS_MAX:
        return entries
    return entries[: entries.index(events[-EVENTS_MAX - 1 if newest else EVENTS_MAX])]


def _seq(entry: MessageShown | Happened) -> Seq:
    return entry.seq


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
        room, first = readable(turn, connection, command)
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
