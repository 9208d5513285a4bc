"""What happens when its time has come.

Deadlines are asked for in many places; here is what each kind means. One for which
there is no reason any more was taken back (somebody said hello, or came back within
his grace), by whoever took the reason away.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from chatd.core import loading, presence, residency, retention
from chatd.core.agenda import DeadlineKey, Due
from chatd.core.barred import TIDY_S
from chatd.core.changes import Lapse, Lapsed
from chatd.core.cluster import again
from chatd.core.cluster import presence as presence_of_nodes
from chatd.core.drafts import EndSession, SaveMarks
from chatd.core.effects import Spread, Tell
from chatd.core.entities import Block, Connection, Room, Sanction
from chatd.core.turn import Turn
from chatd.errors import Ending
from chatd.ids import RoomName, SessionId, UserName, is_direct
from chatd.wire.events import Expiring, Millis

DUE_MAX = 64
"""Deadlines of one turn. What is left is due still, when others have had theirs."""
MARKS_DELAY_S = 4.0
"""How long read marks wait to be written, for many to share a commit. Source:
protocol section 5, "it is written within 5 s"."""

EXPIRING_MS = 60_000
"""How long before its end a token's is announced. Source: protocol section 7."""


def pass_time(turn: Turn) -> None:
    """Do what is due by now, the earliest first, but not too much of it at once."""
    for _ in range(DUE_MAX):
        due = turn.live.agenda.pop(turn.now.mono)
        if due is None:
            break
        _DUE[due[0]](turn, due[1])


def schedule_marks(turn: Turn) -> None:
    """Have the marks of this turn written soon, if that is not on its way."""
    chat = turn.chat
    if not chat.live.marks_due:
        chat.live.marks_due = True
        chat.live.agenda.add(turn.now.mono + MARKS_DELAY_S, Due.MARKS, None)


def save_marks(turn: Turn) -> None:
    """Have read marks and idle times written now."""
    chat = turn.chat
    if chat.live.reads or chat.live.idle:
        turn.append(SaveMarks(chat.live.reads, chat.live.idle, chat.live.devices))
        chat.live.reads, chat.live.idle, chat.live.devices = {}, {}, {}


def hold_guest(turn: Turn, draft: EndSession) -> None:
    """Try again later to end a session, unless somebody has it.

    Its guest is away still, or has been cut off, or was never told of it. Who has it
    was told that his logout could not be stored, or has come back since.
    """
    session = turn.live.sessions.get(draft.session)
    if session is not None and session.connection is not None:
        return
    at = turn.now.mono + turn.config.auth.guest_hold_s
    turn.live.agenda.add(at, Due.GUEST, draft.session)


def expect_expiry(turn: Turn, connection: Connection, expires: Millis | None) -> None:
    """Let a connection depend on a token that ends, or on none any more."""
    connection.expires = expires
    if expires is not None:
        _look_again(turn, connection, expires - turn.now.wall - EXPIRING_MS)
    else:
        turn.live.agenda.cancel(Due.EXPIRY, connection.id)


def _look_again(turn: Turn, connection: Connection, after_ms: Millis) -> None:
    at = turn.now.mono + max(0, after_ms) / 1000
    turn.live.agenda.add(at, Due.EXPIRY, connection.id)


def _expiry(turn: Turn, key: DeadlineKey) -> None:
    """Announce the end of a token, or end with it.

    It is a moment of people's time, which may have been set meanwhile, so it is
    looked at again.
    """
    connection = turn.chat.connection(key)  # type: ignore[arg-type]
    if connection is None:
        return  # it was told to end
    assert connection.expires is not None
    left_ms = connection.expires - turn.now.wall
    if left_ms <= 0:
        turn.finish(connection, Ending.EXPIRED)
    elif left_ms > EXPIRING_MS:
        _look_again(turn, connection, left_ms - EXPIRING_MS)
    else:
        turn.want(Tell([connection.id], Expiring(math.ceil(left_ms / 1000))))
        _look_again(turn, connection, left_ms)


def _login(turn: Turn, key: DeadlineKey) -> None:
    connection = turn.chat.connection(key)  # type: ignore[arg-type]
    if connection is None:
        return  # it was told to end
    if connection.block in (Block.PENDING, Block.UNDECIDED):
        # A password is being verified, or waits once more: that is not silence.
        at = turn.now.mono + turn.config.auth.login_timeout_s
        turn.live.agenda.add(at, Due.LOGIN, key)
    else:
        turn.finish(connection, Ending.NO_HELLO)


def _grace(turn: Turn, key: DeadlineKey) -> None:
    turn.live.note_offline(turn.durable.users[key], turn.now.mono)  # type: ignore[index]


def _presence(turn: Turn, key: DeadlineKey) -> None:
    room = turn.durable.rooms[key]  # type: ignore[index]
    presence_of_nodes.settle(turn, room)
    frame = presence.settle(turn.chat, room, turn.config.presence.names_max)
    # Of a direct conversation its people hear by the first message in it.
    if frame is not None and (room.head or not is_direct(room.name)):
        room.presence_frames += 1
        turn.want(Spread(frame))


def _guest(turn: Turn, key: DeadlineKey) -> None:
    session: SessionId = key  # type: ignore[assignment]
    turn.live.ended[session] = None
    turn.append(EndSession(session))


def _marks(turn: Turn, _key: DeadlineKey) -> None:
    turn.live.marks_due = False
    save_marks(turn)


def _empty(turn: Turn, key: DeadlineKey) -> None:
    """Have a room end in which nobody is."""
    turn.live.emptied[key] = True  # type: ignore[index]


def _forget_session(turn: Turn, key: DeadlineKey) -> None:
    turn.live.ended.pop(key, None)  # type: ignore[arg-type]


def _forget_invite(turn: Turn, key: DeadlineKey) -> None:
    assert isinstance(key, tuple)
    user, room = key
    turn.apply(Lapsed(Lapse.INVITE, room, user))


def _ban(turn: Turn, key: DeadlineKey) -> None:
    """Forget a ban from a room that has ended."""
    room, user = _sanctioned(turn, key)
    if not _holds(turn, Due.BAN, key, room.bans[user]):
        turn.apply(Lapsed(Lapse.BAN, room.name, user))


def _mute(turn: Turn, key: DeadlineKey) -> None:
    """End a mute in how people are shown, once its end is certain to be reached."""
    room, user = _sanctioned(turn, key)
    if not _holds(turn, Due.MUTE, key, room.mutes[user]):
        turn.apply(Lapsed(Lapse.MUTE, room.name, user))


def _sanctioned(turn: Turn, key: DeadlineKey) -> tuple[Room, UserName]:
    assert isinstance(key, tuple)
    user, name = key
    return turn.durable.rooms[name], user


def _holds(turn: Turn, due: Due, key: DeadlineKey, sanction: Sanction) -> bool:
    """Whether it does still, by the clock of people; it is looked at again then."""
    assert sanction.until is not None
    if holds := sanction.holds(turn.now.sure):
        at = turn.now.mono + (sanction.until - turn.now.sure) / 1000
        turn.live.agenda.add(at, due, key)
    return holds


def _address_bans(turn: Turn, key: DeadlineKey) -> None:
    """Let go of the bans of addresses that have ended, and look again later."""
    place: RoomName | None = key  # type: ignore[assignment]
    turn.apply(Lapsed(Lapse.ADDRESS_BANS, place))
    if place in turn.durable.barred:
        turn.live.agenda.add(turn.now.mono + TIDY_S, Due.ADDRESS_BANS, place)


def _idle(turn: Turn, key: DeadlineKey) -> None:
    """Let go of what was in memory for somebody who has gone."""
    user = turn.durable.users[key]  # type: ignore[index]
    residency.let_go_user(turn.chat, user, turn.now.mono)


def _unheld(turn: Turn, key: DeadlineKey) -> None:
    """Let go of a room that nobody needs."""
    room = turn.durable.rooms[key]  # type: ignore[index]
    residency.let_go_room(turn.chat, room, turn.now.mono)


_DUE: dict[Due, Callable[[Turn, DeadlineKey], None]] = {
    Due.LOGIN: _login,
    Due.GRACE: _grace,
    Due.PRESENCE: _presence,
    Due.GUEST: _guest,
    Due.MARKS: _marks,
    Due.FORGET_SESSION: _forget_session,
    Due.FORGET_INVITE: _forget_invite,
    Due.RETENTION: retention.review,
    Due.TRIM: retention.trim,
    Due.EXPIRY: _expiry,
    Due.EMPTY: _empty,
    Due.BAN: _ban,
    Due.MUTE: _mute,
    Due.ADDRESS_BANS: _address_bans,
    Due.IDLE: _idle,
    Due.UNHELD: _unheld,
    Due.HOLE: again.look_for_hole,
    Due.SOUGHT: loading.seek_again,
    Due.UNSURE: presence_of_nodes.look_over,
}
