"""Sessions: those that a user has, and can resume.

The store is told some seconds late of what becomes of a session, so what is in memory
comes first. The list is authorised twice (`chatd.core.pages`).
"""

from __future__ import annotations

from chatd.core.entities import Connection, SessionKept
from chatd.core.inputs import Answered
from chatd.core.pages import fit_read, may_still_ask
from chatd.core.queries import Page, ReadSessions
from chatd.core.turn import Turn
from chatd.ids import session_tag
from chatd.wire.events import DAY_MS
from chatd.wire.sessions import Sessions, SessionShown, SessionsPage


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
    ended = turn.live.ended
    shown = [
        (
            session_tag(kept.id),
            None if kept.id in ended else _session(turn, connection, kept),
        )
        for kept in read
    ]
    page, last = fit_read(turn, shown, more=more)
    turn.answer(connection.id, SessionsPage(page, next=last, id=command.id))


def _session(turn: Turn, connection: Connection, kept: SessionKept) -> SessionShown:
    chat = turn.chat
    live = chat.live.sessions.get(kept.id)
    seen = chat.live.idle.get(kept.id) or kept.idle_since
    if live is not None:
        is_connected = live.connection is not None
    else:
        # Nobody has left it, so it is in use on another node.
        is_connected = chat.live.node is not None and seen is None
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
