"""Hello: who is on a connection, and until when.

A hello runs in up to five steps, and what the connection sent behind it waits
for all of them: the credential is verified at the edge, a new session is made
durable before its secret is told, the user and his rooms are read where they are not in
memory (`chatd.core.residency`), unread messages are counted, and `welcome` is answered
in the same turn in which the connection gets its user. A newer connection takes its
session over in that turn: the older one is detached first, so nobody sees the user
leave or come. Where there are several nodes, this one catches up with the others first,
and a session that is resumed is taken from whichever has it (`HoldSession`).

What was verified is a little old by then. An account whose connections were cut
meanwhile (`chatd.core.commands.accounts`) is verified once more before `welcome`.
"""

from __future__ import annotations

import attrs

from chatd.core import loading, rate_limits
from chatd.core.applying.people import admin_is_here
from chatd.core.applying.sessions import subscribe_direct
from chatd.core.barred import address_digest, banned_from_server
from chatd.core.cluster import again
from chatd.core.commands.sessions.welcome import greeting
from chatd.core.deadlines import expect_expiry
from chatd.core.drafts import (
    AddUser,
    EndSession,
    HoldSession,
    NoteAddress,
    OpenSession,
    Outcome,
    Refused,
    RenewSession,
)
from chatd.core.effects import Authenticate, Origin
from chatd.core.entities import Connection, User
from chatd.core.inputs import Answered, Authenticated, AuthenticationFailed
from chatd.core.loads import Waiting
from chatd.core.principal import Principal, kept
from chatd.core.queries import CountUnread, Unread
from chatd.core.rows import UnreadCounts
from chatd.core.turn import Turn
from chatd.enums import AccountRole
from chatd.errors import Ending, Reject, RejectCode
from chatd.ids import SessionId, UserName, is_direct, is_guest
from chatd.names import NAMES, check_free, skeleton
from chatd.wire.sessions import Hello

REFUSED_CREDENTIALS_MAX = 3
"""Wrong credentials that end a connection. Source: protocol section 2."""

_OUTDATED = frozenset({RejectCode.NAME_TAKEN, RejectCode.NO_USER})
"""Refusals by the writer of what was verified a moment before."""

TRIES_MAX = 5
"""Attempts at a new name of which each was taken a moment before. A guest's has
four random characters, and two first logins of an account meet once."""


def hello(turn: Turn, connection: Connection, command: Hello) -> None:
    """Have a credential verified."""
    if connection.user is not None:
        raise Reject(RejectCode.FORBIDDEN, "this connection has said hello already")
    connection.tries = 0
    turn.pend(connection)
    if turn.live.node is not None:
        # Who comes from another node finds here what he has written there.
        again.catch_up(turn, connection, command)
    else:
        _verify(turn, connection, command)


def begin(turn: Turn, connection: Connection, command: Hello) -> None:
    """Go on with a hello when this node knows what others have committed."""
    _verify(turn, connection, command)


def _verify(turn: Turn, connection: Connection, command: Hello) -> None:
    turn.live.verifications.note_begun(connection.id)
    turn.want(Authenticate(connection.id, command))


def refused(
    turn: Turn, connection: Connection, command: Hello, why: Reject | Refused
) -> None:
    """Answer a hello that failed; the third wrong credential is the last."""
    turn.live.verifications.note_over(connection.id)
    turn.refuse(connection.id, command, why)
    if why.code is RejectCode.BANNED:
        turn.finish(connection, Ending.BANNED)
    elif why.code is RejectCode.BAD_CREDENTIALS:
        connection.refused_credentials += 1
        if connection.refused_credentials >= REFUSED_CREDENTIALS_MAX:
            turn.finish(connection, Ending.BAD_CREDENTIALS)
    turn.release(connection)


def not_authenticated(
    turn: Turn, connection: Connection, failed: AuthenticationFailed
) -> None:
    """Answer a hello whose credential was refused."""
    refused(turn, connection, failed.hello, failed.reject)


def authenticated(turn: Turn, connection: Connection, found: Authenticated) -> None:
    """Open the session of a verified identity, or go on with the one it resumes."""
    who = found.principal
    barred = _barred(turn, connection, who)
    if barred is not None:
        refused(turn, connection, found.hello, barred)
    elif (who.beside or who.session) in turn.live.ended:
        refused(turn, connection, found.hello, _gone())
    elif who.renews:
        connection.principal = who
        renewal = RenewSession(who.session, who.token, *kept(who))
        turn.append(renewal, connection, found.hello)
    elif who.resumed and turn.live.node is not None:
        _hold(turn, connection, who, found.hello)
    elif who.resumed:
        go_on(turn, connection, found.hello, CountUnread(who, [], {}))
    else:
        try:
            draft = _opening(turn, connection, who, found.hello.device)
        except Reject as reject:
            refused(turn, connection, found.hello, reject)
            return
        connection.principal = who
        turn.append(draft, connection, found.hello)


def _hold(turn: Turn, connection: Connection, who: Principal, command: Hello) -> None:
    """Have a session on this node, and on no other."""
    connection.principal = who
    # That it was idle must not be written behind this: nobody would have it, then.
    turn.live.idle[who.session] = None
    turn.append(HoldSession(who.session, command.device), connection, command)


def _barred(turn: Turn, connection: Connection, who: Principal) -> Reject | None:
    """Why a guest is not let in from where he comes, if he is not."""
    address = _address(turn, connection, who)
    ban = turn.durable.address_ban(None, address, turn.now.sure)
    return banned_from_server(ban) if ban is not None else None


def _address(turn: Turn, connection: Connection, who: Principal) -> bytes | None:
    """The digest of a guest's address, where a ban of his could hold for it."""
    chat = turn.chat
    if (
        not chat.durable.guest_ban_ms
        or connection.address is None
        or not is_guest(who.user)
    ):
        return None
    return address_digest(connection.address, chat.durable.address_key)


def _opening(
    turn: Turn, connection: Connection, who: Principal, device: str | None
) -> OpenSession:
    """The draft of a new session, and of its user where he is new.

    Raises:
        Reject: The disk is nearly full, or the name is reserved.
    """
    new_user = None
    if who.is_new or is_guest(who.user):
        rate_limits.may_grow(turn, who.user)
    if who.is_new:
        if not is_guest(who.user):
            check_free(who.user, turn.config.auth.reserved)
        new_user = new_account(turn, who.user, who.display, who.role)
    return OpenSession(
        who.session,
        who.user,
        who.token,
        turn.now.wall,
        new_user,
        *kept(who),
        most=turn.config.limits.sessions_per_user,
        held=_in_use(turn, who.user),
        device=device,
        address=_address(turn, connection, who),
        beside=who.beside,
        link=who.link,
    )


def _in_use(turn: Turn, name: UserName) -> tuple[SessionId, ...]:
    """The sessions of a user that have a connection."""
    user = turn.durable.users.get(name)
    held = turn.live.sessions
    sessions = user.sessions if user is not None else ()
    return tuple(one for one in sessions if held[one].connection is not None)


def new_account(
    turn: Turn,
    name: UserName,
    display: str,
    role: AccountRole,
    password_hash: str | None = None,
) -> AddUser:
    """The draft of a new user; an account's name is kept apart from its likes."""
    if is_guest(name):
        return AddUser(name, display, role, password_hash)
    distinct = NAMES[turn.config.auth.names].distinct
    return AddUser(name, display, role, password_hash, skeleton(name), distinct)


def opened(
    turn: Turn, connection: Connection, origin: Origin, outcome: Outcome
) -> None:
    """Go on with a hello whose session is on disk, or has taken a token over."""
    command, who = origin.command, connection.principal
    assert isinstance(command, Hello)
    assert who is not None
    is_renewed = isinstance(origin.draft, RenewSession)
    if is_renewed and turn.live.node is not None and not isinstance(outcome, Refused):
        _hold(turn, connection, who, command)
        return
    connection.principal = None
    if isinstance(origin.draft, HoldSession) and isinstance(outcome, Refused):
        unheld(turn, who.session)
    if not isinstance(outcome, Refused):
        go_on(turn, connection, command, CountUnread(who, [], {}))
    elif outcome.code in _OUTDATED and connection.tries < TRIES_MAX:
        # A guest's random suffix was given out before: draw another one. Or two
        # connections were the first of one account: the other one has made it. Or the
        # account has ended since.
        connection.tries += 1
        _verify(turn, connection, command)
    else:
        refused(turn, connection, command, outcome)


def unclaimed(turn: Turn, session: SessionId) -> None:
    """Void a new session whose secret nobody was told; no end would ever come."""
    turn.append(EndSession(session))


def counted(
    turn: Turn,
    connection: Connection,
    found: Answered[Hello, CountUnread, list[UnreadCounts]],
) -> None:
    """Go on with a `hello` whose rooms were counted."""
    counts = dict(found.query.counted)
    marks = found.query.marks
    for (room, read, upto), pair in zip(marks, found.answer, strict=True):
        counts[room] = Unread(read, upto, *pair)
    go_on(turn, connection, found.command, attrs.evolve(found.query, counted=counts))


def uncounted(turn: Turn, so_far: CountUnread) -> None:
    """Void a new session whose connection has gone before it was welcomed."""
    _void_new(turn, so_far.principal)


def _void_new(turn: Turn, who: Principal) -> None:
    """Void the session of a hello that comes to nothing, unless it was resumed."""
    if not who.resumed:
        unclaimed(turn, who.session)
    else:
        unheld(turn, who.session)


def unheld(turn: Turn, session: SessionId) -> None:
    """Let other nodes have a resumed session to which nobody has come here."""
    if turn.live.node is not None and session not in turn.live.sessions:
        turn.live.idle[session] = turn.now.certain


def go_on(
    turn: Turn, connection: Connection, command: Hello, so_far: CountUnread
) -> None:
    """Welcome, if every room and count that is needed is there; else have it read.

    A count belongs to the seq up to which it was made. For a direct room that
    must be the head, since live events follow right after `welcome`; elsewhere
    an older pair of numbers is true as well, and the join tells the newer one.
    Where the mark went back meanwhile, there is more.
    """
    chat, who, counts = turn.chat, so_far.principal, so_far.counted
    user = chat.durable.users.get(who.user)
    may_be_kept = not is_guest(who.user) or turn.live.node is not None
    if may_be_kept and (user is None or not user.whole):
        _load(turn, connection, command, so_far)
        return
    connection.sought = frozenset()
    marks = []
    for name in chat.durable.rooms_of(who.user):
        room = chat.durable.rooms[name]
        read = room.members[who.user].read
        known = counts.get(name)
        stale = (
            known is None
            or read < known.read
            or (is_direct(name) and known.upto != room.head)
        )
        if read < room.head and stale:
            marks.append((name, read, room.head))
    if marks:
        turn.query(connection, command, CountUnread(who, marks, counts))
    else:
        _welcome(turn, connection, command, so_far)


def _load(
    turn: Turn, connection: Connection, command: Hello, so_far: CountUnread
) -> None:
    """Have the user of a hello read, or verify it again: there is none any more."""
    who = so_far.principal
    if who.user in connection.sought:
        connection.sought = frozenset()
        _void_new(turn, who)
        _verify(turn, connection, command)
    else:
        waiting = Waiting(command, so_far)
        loading.await_user(turn, connection, waiting, who.user, with_rooms=True)


def _welcome(
    turn: Turn, connection: Connection, command: Hello, found: CountUnread
) -> None:
    """Give the connection its user, its session and its direct conversations."""
    chat, who, counts = turn.chat, found.principal, found.counted
    if who.session in chat.live.ended:
        refused(turn, connection, command, _gone())
        return
    holder = chat.live.order.holder(who.session)
    if holder is not None and holder != chat.live.node:
        turn.answer(connection.id, None)
        turn.finish(connection, Ending.TAKEN_OVER)
        return
    if chat.live.verifications.was_cut(connection.id, who.user, who.session):
        _void_new(turn, who)
        _verify(turn, connection, command)
        return
    barred = _barred(turn, connection, who)
    if barred is not None:
        _void_new(turn, who)
        refused(turn, connection, command, barred)
        return
    user = chat.durable.add_user(User(who.user, who.display, who.role))
    chat.durable.set_whole(user, on=True)  # a guest who is new is in no room
    if who.role == AccountRole.ADMIN:
        turn.effects += admin_is_here(chat)
    entry = chat.live.sessions.get(who.session)
    taken = entry is not None and entry.connection is not None
    most = turn.config.limits.connections_per_user
    if most and not taken and len(user.connections) >= most:
        turn.answer(connection.id, None)
        turn.finish(connection, Ending.TOO_MANY)
        _void_new(turn, who)
        return
    connection.token, connection.scope = who.token, who.scope
    expect_expiry(turn, connection, who.expires)
    address = _address(turn, connection, who)
    if chat.live.note_address(user, address) and address is not None and who.resumed:
        turn.append(NoteAddress(user.name, address))
    connection.device = command.device
    older = chat.live.note_welcomed(connection, user, who.session, turn.now.mono)
    if who.resumed and chat.live.node is None:
        chat.live.note_resumed(who.session, command.device)
    else:
        # The writer has it in use already (`OpenSession`, `HoldSession`).
        chat.live.idle.pop(who.session, None)
    if older is not None:
        turn.finish(older, Ending.TAKEN_OVER)
    turn.answer(connection.id, greeting(turn, user, command, who, counts))
    turn.effects += subscribe_direct(turn.chat, connection)
    turn.release(connection)


def _gone() -> Reject:
    """The refusal for a session that is void, told like a wrong credential."""
    return Reject(RejectCode.BAD_CREDENTIALS, "this session is not known, or has ended")
