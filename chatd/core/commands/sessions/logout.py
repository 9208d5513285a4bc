"""Logout: the end of this session, of another one of its user's, or of all.

A session is void when that is on disk, and then its connection ends. While it is being
written the session cannot be resumed.
"""

from __future__ import annotations

from chatd.core import rate_limits
from chatd.core.agenda import Due
from chatd.core.deadlines import hold_guest
from chatd.core.drafts import EndNamedSession, EndSession, EndSessions, Outcome, Refused
from chatd.core.effects import Origin
from chatd.core.entities import Connection
from chatd.core.turn import Turn
from chatd.errors import Ending, Reject, RejectCode
from chatd.ids import session_tag
from chatd.wire.sessions import Logout


def logout(turn: Turn, connection: Connection, command: Logout) -> None:
    """Void the session, another one, or all; who has it ends when that is on disk."""
    assert connection.session is not None
    user, tag = turn.user(connection).name, command.session
    is_other = tag not in {None, session_tag(connection.session)}
    if (command.everywhere or is_other) and connection.scope is not None:
        raise Reject(
            RejectCode.FORBIDDEN,
            "your token does not allow logout of other sessions",
            field="everywhere" if command.everywhere else "session",
        )
    if tag is not None and is_other:
        rate_limits.may_send(turn, connection)
        turn.append(EndNamedSession(user, tag), connection, command)
    elif command.everywhere:
        turn.append(EndSessions(user), connection, command)
    else:
        turn.live.ended[connection.session] = None
        turn.append(EndSession(connection.session), connection, command)
    turn.pend(connection)


def logged_out(
    turn: Turn, connection: Connection, origin: Origin, outcome: Outcome
) -> None:
    """Answer a logout; whose own session has ended ends with it."""
    turn.conclude(connection, origin, outcome)
    is_own = not isinstance(origin.draft, EndNamedSession)
    if is_own and not isinstance(outcome, Refused):
        turn.finish(connection, Ending.LOGOUT)


def not_ended(turn: Turn, origin: Origin, draft: EndSession) -> None:
    """A session did not end: it may be resumed, and a guest's ends later."""
    if not turn.live.agenda.has(Due.FORGET_SESSION, draft.session):
        turn.live.ended.pop(draft.session, None)  # nothing else has ended it
    if origin.connection is None and turn.live.node is None:
        hold_guest(turn, draft)
