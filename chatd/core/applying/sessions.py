"""Sessions that open and end, and who is cut off with them.

What was void on disk when the change was committed is let go of here: connections end,
without a grace and before their sockets are closed. A hello that is under way is not
cut; its credential is verified again before the welcome
(`chatd.core.commands.sessions.hello`).
"""

from __future__ import annotations

from collections.abc import Iterable

from chatd.core.agenda import Due
from chatd.core.applying.members import bar, forget_invite, leave, unbar
from chatd.core.changes import (
    AccessRevoked,
    Banned,
    SessionOpened,
    SessionsEnded,
    SessionTaken,
    Unbanned,
)
from chatd.core.cluster.commits import leaves_none
from chatd.core.drafts import EndSession
from chatd.core.effects import Append, Effect, Origin, Subscribe
from chatd.core.entities import Connection, Sanction
from chatd.core.inputs import Now
from chatd.core.state import Chat
from chatd.errors import Ending
from chatd.ids import SessionId, UserName, is_direct, is_guest


def opened(chat: Chat, change: SessionOpened, _now: Now) -> list[Effect]:
    """Take a guest's session, if he is here; no connection has it.

    Or he would be gone when the session ends beside which it was opened.
    """
    user = chat.durable.users.get(change.user)
    if user is not None and is_guest(change.user) and chat.live.node is None:
        chat.live.note_session(change.session, user)
    return []


def ended(chat: Chat, change: SessionsEnded, now: Now) -> list[Effect]:
    """Take the end of sessions: of those that nobody has, and of those in use."""
    wanted = cut_sessions(chat, change.sessions, Ending.REVOKED, now)
    if leaves_none(change) and change.user is not None:
        _leave(chat, change.user, now)
    return wanted


def taken(chat: Chat, change: SessionTaken, now: Now) -> list[Effect]:
    """Take that another node has a session, so that a connection here has not."""
    entry = chat.live.sessions.get(change.session)
    if entry is None or entry.connection is None or change.node == chat.live.node:
        return []
    holder, connection = (
        chat.live.connections[entry.connection],
        chat.connection(entry.connection),
    )
    wanted = []
    if connection is not None:
        wanted = chat.finish(connection, Ending.TAKEN_OVER)
    chat.live.note_session_taken(entry)
    chat.live.note_detached(holder, now.mono)
    return wanted


def revoked(chat: Chat, change: AccessRevoked, now: Now) -> list[Effect]:
    """Take that a user's sessions are void, or those that came from a token of his."""
    wanted: list[Effect] = []
    entry = chat.live.sessions.get(change.besides) if change.besides else None
    holder = chat.connection(entry.connection) if entry is not None else None
    if holder is not None:
        holder.token = holder.scope = holder.expires = None
        chat.live.agenda.cancel(Due.EXPIRY, holder.id)
        wanted += subscribe_direct(chat, holder)
    if chat.live.node is not None:
        # Others may have been opened here since another node has done this.
        wanted += cut_sessions(chat, change.void, Ending.REVOKED, now)
    else:
        wanted += cut(
            chat,
            change.user,
            Ending.REVOKED,
            now,
            besides=change.besides,
            token=change.token,
        )
    chat.live.verifications.note_cut(change.user)
    if leaves_none(change):
        _leave(chat, change.user, now)
    return wanted


def banned(chat: Chat, change: Banned, now: Now) -> list[Effect]:
    """Take a ban from the server: of a user, and of guests from where he comes."""
    # It also tells who has charge of his rooms.
    chat.durable.set_server_ban(change.user, Sanction(change.until, change.reason))
    ban = change.barred
    wanted = cut(chat, change.user, Ending.BANNED, now)
    if leaves_none(change):
        _leave(chat, change.user, now)
    if ban is None:
        return wanted
    bar(chat, None, ban, now)
    if chat.durable.address_ban(None, ban.address, now.sure) is None:
        return wanted
    here = dict.fromkeys(session.user for session in chat.live.sessions.values())
    for one in [chat.durable.users[name] for name in here]:
        if one.address == ban.address:
            void = list(one.sessions)
            wanted += cut_sessions(chat, void, Ending.BANNED, now)
            wanted += [Append(Origin(None, None, EndSession(each))) for each in void]
    return wanted


def unbanned(chat: Chat, change: Unbanned, _now: Now) -> list[Effect]:
    """Take the end of a ban from the server."""
    chat.durable.set_server_ban(change.user, None)
    unbar(chat, None, change.user)
    return []


# --- steps of it --------------------------------------------------------------------


def cut(
    chat: Chat,
    user: UserName,
    ending: Ending,
    now: Now,
    *,
    besides: SessionId | None = None,
    token: bytes | None = None,
) -> list[Effect]:
    """End all live sessions and connections of a user; he leaves at once.

    Args:
        chat: The state.
        user: Also one whom nobody has seen since the start.
        ending: What his connections are told.
        now: The moment.
        besides: A session that stays, with its connection.
        token: Only what came from this token.
    """
    chat.live.verifications.note_cut(user)
    entry = chat.durable.users.get(user)
    if entry is None:
        return []
    void = [one for one in entry.sessions if one != besides]
    if token is not None:
        void = [one for one in void if _token_of(chat, one) == token]
    wanted = cut_sessions(chat, void, ending, now)
    if token is None and entry.online and not entry.connections:
        chat.live.note_offline(entry, now.mono)  # he was in his grace
    return wanted


def _token_of(chat: Chat, session: SessionId) -> bytes | None:
    """The token that a live session came from."""
    number = chat.live.sessions[session].connection
    return None if number is None else chat.live.connections[number].token


def cut_sessions(
    chat: Chat, void: Iterable[SessionId], ending: Ending, now: Now
) -> list[Effect]:
    """End some sessions, and the connections that have them.

    A guest's memberships end with his last one.

    Args:
        chat: The state.
        void: Also such that nobody has at the moment.
        ending: What the connections are told.
        now: The moment.
    """
    wanted: list[Effect] = []
    for session in void:
        entry = chat.live.sessions.get(session)
        number = entry.connection if entry is not None else None
        if number is not None:
            holder = chat.connection(number)
            if holder is not None:
                wanted += chat.finish(holder, ending)
            # The others see him leave now, not when his socket is closed.
            chat.live.note_detached(chat.live.connections[number], now.mono)
        _forget(chat, session, now)
    return wanted


def _forget(chat: Chat, session: SessionId, now: Now) -> None:
    entry = chat.live.note_session_ended(session, now.mono)
    if entry is None:
        return
    user = chat.durable.users[entry.user]
    is_last = is_guest(user.name) and list(user.sessions) == [session]
    if is_last and chat.live.node is None:
        _leave_rooms(chat, user.name, now)
    chat.live.forget_session(entry, now.mono)


def _leave(chat: Chat, guest: UserName, now: Now) -> None:
    """Let a guest go for good, wherever he was, or was asked in."""
    _leave_rooms(chat, guest, now)
    for name in list(chat.durable.invites.get(guest, ())):
        forget_invite(chat, chat.durable.rooms[name], guest, now)


def _leave_rooms(chat: Chat, guest: UserName, now: Now) -> None:
    for name in list(chat.durable.rooms_of(guest)):
        leave(chat, chat.durable.rooms[name], guest, now)


def subscribe_direct(chat: Chat, connection: Connection) -> list[Effect]:
    """Subscribe a connection to its user's direct conversations, where it may."""
    assert connection.user is not None
    wanted: list[Effect] = []
    for name in chat.durable.rooms_of(connection.user):
        if name in connection.subscriptions or not is_direct(name):
            continue
        if chat.may_follow(connection, name):
            chat.live.note_subscription(connection, name)
            wanted.append(Subscribe(connection.id, name))
    return wanted
