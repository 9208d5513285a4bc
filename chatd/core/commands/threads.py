"""Threads: who follows one, the list of one's own, and how far one has read.

What is said in them is sent, changed and read as any message (`messages`, `history`).
Nothing of them is in memory: the store's writer knows what is so, and its changes say
who is to be told of it.
"""

from __future__ import annotations

from chatd.core import rate_limits
from chatd.core.commands.timeline.messages import check_readable
from chatd.core.drafts import SetFollow
from chatd.core.entities import Connection
from chatd.core.inputs import Answered
from chatd.core.pages import fit_own, may_still_ask
from chatd.core.queries import Page, ReadThreads
from chatd.core.turn import Turn
from chatd.wire.kinds import ThreadNumber
from chatd.wire.replies import ThreadListed, ThreadsPage
from chatd.wire.threads import Follow, Threads


def follow(turn: Turn, connection: Connection, command: Follow) -> None:
    """Have it recorded who follows a thread; if there is one, the writer knows."""
    user, room = turn.user(connection), turn.durable.rooms[command.room]
    check_readable(command.thread, room.members[user.name].first, "thread")
    rate_limits.may_send(turn, connection)
    draft = SetFollow(room.name, user.name, command.thread, command.on)
    turn.append(draft, connection, command)
    turn.pend(connection)


def threads(turn: Turn, connection: Connection, command: Threads) -> None:
    """Have a page of the threads read that the user follows."""
    turn.query(connection, command, ReadThreads(turn.user(connection).name))


def threads_read(
    turn: Turn,
    connection: Connection,
    found: Answered[Threads, ReadThreads, Page[tuple[ThreadNumber, ThreadListed]]],
) -> None:
    """Answer `threads` with those that its user may read now; that may be none."""
    command = found.command
    if not may_still_ask(turn, connection, command):
        return
    page, place = fit_own(turn, connection, found.answer, lambda one: one.message.seq)
    turn.answer(connection.id, ThreadsPage(page, next=place, id=command.id))
