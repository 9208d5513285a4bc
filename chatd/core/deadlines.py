"""What happens when its time has come.

Deadlines are asked for in many places and kept in `chatd.core.state`; here is
what each kind means. A deadline is never taken back: whoever is woken by one
looks whether there is still a reason, since most have gone by then (somebody
said hello, or came back within his grace).
"""

from __future__ import annotations

from collections.abc import Callable

from chatd.core import presence, retention
from chatd.core.agenda import DeadlineKey, Due
from chatd.core.drafts import EndSession, SaveMarks
from chatd.core.effects import Spread
from chatd.core.entities import Block
from chatd.core.turn import Turn
from chatd.errors import Ending

MARKS_DELAY_S = 4.0
"""How long read marks wait to be written, for many to share a commit. Source:
protocol section 5, "it is written within 5 s"."""


def pass_time(turn: Turn) -> None:
    """Do all that is due by now, the earliest first."""
    while (due := turn.chat.agenda.pop(turn.now.mono)) is not None:
        _DUE[due[0]](turn, due[1])


def schedule_marks(turn: Turn) -> None:
    """Have the marks of this turn written soon, if that is not on its way."""
    chat = turn.chat
    if not chat.marks_due:
        chat.marks_due = True
        chat.agenda.add(turn.now.mono + MARKS_DELAY_S, Due.MARKS, None)


def save_marks(turn: Turn) -> None:
    """Have read marks and idle times written now."""
    chat = turn.chat
    if chat.reads or chat.idle:
        turn.append(SaveMarks(chat.reads, chat.idle))
        chat.reads, chat.idle = {}, {}


def hold_guest(turn: Turn, draft: EndSession) -> None:
    """Try again later to end a guest's session that could not be ended."""
    at = turn.now.mono + turn.config.auth.guest_hold_s
    turn.chat.agenda.add(at, Due.GUEST, draft.session)


def _login(turn: Turn, key: DeadlineKey) -> None:
    connection = turn.connection(key)  # type: ignore[arg-type]
    if connection is None or connection.user is not None:
        return
    if connection.block is Block.PENDING:
        # A password is being verified: that is not silence.
        at = turn.now.mono + turn.config.auth.login_timeout_s
        turn.chat.agenda.add(at, Due.LOGIN, key)
    else:
        turn.finish(connection, Ending.NO_HELLO)


def _grace(turn: Turn, key: DeadlineKey) -> None:
    user = turn.chat.users.get(key)  # type: ignore[arg-type]
    if user is None or user.offline_at is None:
        return
    if user.offline_at <= turn.now.mono:
        turn.chat.note_offline(user, turn.now.mono)


def _presence(turn: Turn, key: DeadlineKey) -> None:
    room = turn.chat.rooms[key]  # type: ignore[index]
    frame = presence.settle(turn.chat, room, turn.config.presence.names_max)
    if frame is not None:
        room.presence_frames += 1
        turn.want(Spread(frame))


def _guest(turn: Turn, key: DeadlineKey) -> None:
    session = turn.chat.sessions.get(key)  # type: ignore[arg-type]
    if session is None or session.connection is not None:
        return
    # The same sum as where the deadline was made, so the floats agree.
    held_until = session.idle_from + turn.config.auth.guest_hold_s
    if held_until <= turn.now.mono:
        turn.chat.ended[session.id] = None
        turn.append(EndSession(session.id))


def _marks(turn: Turn, _key: DeadlineKey) -> None:
    turn.chat.marks_due = False
    save_marks(turn)


def _forget_session(turn: Turn, key: DeadlineKey) -> None:
    turn.chat.ended.pop(key, None)  # type: ignore[arg-type]


_DUE: dict[Due, Callable[[Turn, DeadlineKey], None]] = {
    Due.LOGIN: _login,
    Due.GRACE: _grace,
    Due.PRESENCE: _presence,
    Due.GUEST: _guest,
    Due.MARKS: _marks,
    Due.FORGET_SESSION: _forget_session,
    Due.RETENTION: retention.review,
    Due.TRIM: retention.trim,
}
