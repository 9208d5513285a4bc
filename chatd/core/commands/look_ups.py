"""What is read from the store, as a table: how it is asked for, and who answers.

`LOOK_UPS` has what commands have read: each kind of query of `chatd.core.queries`, how
the store is asked for it, and what takes the answer. `FETCHES` has what is read into
memory, for whoever waits for it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from enum import Enum, auto
from typing import Any

import attrs

from chatd.core import loading, queries, retention
from chatd.core.commands import administration, admissions, operator, threads
from chatd.core.commands.rooms import directory
from chatd.core.commands.sessions import hello, listing
from chatd.core.commands.timeline import bookmarks, history, pins, search
from chatd.core.entities import Connection
from chatd.core.turn import Turn
from chatd.ids import OPERATOR


class Queue(Enum):
    """When a query has its turn, and what becomes of one that cannot be read."""

    COUNTS = auto()
    """One of each user at a time: of whom the query's principal is. Its connection
    cannot go on without it: it ends, comes back and asks again."""
    PAGES = auto()
    """One of each user at a time; refused."""
    SEARCHES = auto()
    """As `chatd.hub.search_queue` has it; refused."""


@attrs.frozen
class LookUp:
    """One row of the table."""

    read: Callable[[Any, Any, Any], Awaitable[Any]]
    """Asks the store for it; takes a `chatd.ports.Store`, the command and the query."""
    answer: Callable[[Turn, Connection, Any], None]
    """Takes an `Answered` for a connection that is still there."""
    queue: Queue = Queue.PAGES
    gone: Callable[[Turn, Any], None] | None = None
    """Takes the query of a connection that is not, or will not be; without it nobody
    needs to."""


LOOK_UPS: dict[type, LookUp] = {
    queries.CountUnread: LookUp(
        lambda store, _, query: store.unread(query.principal.user, query.marks),
        hello.counted,
        Queue.COUNTS,
        hello.uncounted,
    ),
    queries.ReadHistory: LookUp(
        lambda store, command, query: store.history(
            command.room,
            before=command.before,
            after=command.after,
            limit=command.limit,
            upto=query.upto,
            viewer=query.viewer,
            events=history.EVENTS_MAX + 1 if command.events else 0,
        ),
        history.history_read,
    ),
    queries.ReadThread: LookUp(
        lambda store, command, query: store.thread(
            command.room,
            command.thread,
            before=command.before,
            after=command.after,
            limit=command.limit,
            upto=query.upto,
            viewer=query.viewer,
        ),
        history.thread_read,
    ),
    queries.ReadThreads: LookUp(
        lambda store, command, query: store.threads(
            query.user, command.after, command.limit, unread=command.unread
        ),
        threads.threads_read,
    ),
    queries.ReadReactions: LookUp(
        lambda store, command, query: store.reactions(
            command.room,
            command.of,
            command.emoji,
            after=command.after or 0,
            limit=command.limit,
            viewer=query.viewer,
        ),
        history.reactions_read,
    ),
    queries.ReadPins: LookUp(
        lambda store, command, query: store.pins(
            command.room,
            first=query.first,
            after=command.after,
            limit=command.limit,
            upto=query.upto,
            viewer=query.viewer,
        ),
        pins.pins_read,
    ),
    queries.ReadBookmarks: LookUp(
        lambda store, command, query: store.bookmarks(
            query.user, command.after, command.limit
        ),
        bookmarks.bookmarks_read,
    ),
    queries.ListRooms: LookUp(
        lambda store, command, _: store.public_rooms(command.after, command.limit),
        directory.rooms_read,
    ),
    queries.ReadDisplays: LookUp(
        lambda store, _, query: store.displays(query.users), directory.members_read
    ),
    queries.ReadSessions: LookUp(
        lambda store, command, query: store.sessions(
            query.user, query.since, command.after, command.limit
        ),
        listing.sessions_read,
    ),
    queries.ReadInvitations: LookUp(
        lambda store, command, query: store.invitations(
            query.maker, command.after, command.limit
        ),
        admissions.read,
    ),
    queries.ReadErasure: LookUp(
        lambda store, command, _: store.erasure(command.user),
        administration.erasure_read,
    ),
    queries.ReadAudit: LookUp(
        lambda store, command, query: store.audit(
            user=command.user,
            by=OPERATOR if command.operator else command.by,
            room=command.room,
            since=query.since,
            after=command.after,
            limit=command.limit,
        ),
        operator.audit_read,
    ),
    queries.FindMessages: LookUp(
        lambda store, command, query: store.search(
            query.query, query.scope, query.place, command.limit, query.viewer
        ),
        search.found,
        Queue.SEARCHES,
    ),
}
"""Every kind of query has exactly one row."""


# --- what is read into memory ---------------------------------------------------


@attrs.frozen
class FetchRule:
    """One row of the table."""

    read: Callable[[Any, Any], Awaitable[Any]]
    """Asks the store for it; takes a `chatd.ports.Store` and the query."""
    take: Callable[[Turn, Any], loading.Woken]
    """Takes a `Fetched`; returns the commands that may go on."""


FETCHES: dict[type, FetchRule] = {
    queries.LoadUser: FetchRule(
        lambda store, query: store.user_record(query.user), loading.user_read
    ),
    queries.LoadRooms: FetchRule(
        lambda store, query: store.rooms(query.rooms), loading.rooms_read
    ),
    queries.ListTrimming: FetchRule(
        lambda store, query: store.trimming(query.after, retention.PAGE),
        retention.listed,
    ),
}
"""Every kind has exactly one row."""
