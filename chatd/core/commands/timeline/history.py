"""History and reactions: pages of what was said before.

They are authorised twice (`chatd.core.pages`), and tell what was applied when they were
asked.
"""

from __future__ import annotations

import attrs

from chatd.core.commands.timeline.messages import check_readable, no_message
from chatd.core.entities import Connection, readable_from
from chatd.core.inputs import Answered
from chatd.core.pages import fit, fit_page, readable
from chatd.core.queries import Page, ReadHistory, ReadReactions
from chatd.core.turn import Turn
from chatd.errors import Reject
from chatd.ids import Seq, UserName
from chatd.wire.replies import HistoryPage, MessageShown, ReactionsPage
from chatd.wire.timeline import History, Reactions


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
        room, first = readable(turn, connection, command)
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
