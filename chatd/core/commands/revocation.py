"""Cutting off those whose right to be there has gone, whoever took it.

`cut` and `cut_sessions` are how their connections end; and here is what the operator
has changed beside the running daemon.

The change itself is on disk when it is told here. What is left to do is live:
connections that it concerns end, without a grace and before their sockets are
closed; memory learns what it holds of the user. Sessions are voided once more,
by a draft: one may have been opened with a credential that was verified a
moment before the change. The last draft lets go of the revisions, and by that
tells whoever made them that nothing of those who were cut off is under way.

A hello that is under way is not cut; its credential is verified again before
the welcome (`chatd.core.commands.sessions`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from chatd.core.drafts import AddressBan, EndSession, EndSessions, ForgetRevisions
from chatd.core.inputs import Revised, Revision, RevisionKind
from chatd.core.turn import Turn
from chatd.enums import AccountRole
from chatd.errors import Ending
from chatd.ids import SessionId, UserName


def revised(turn: Turn, happened: Revised) -> None:
    """Take revisions, in their order."""
    for revision in happened.revisions:
        _TAKE[revision.kind](turn, revision)
    turn.append(ForgetRevisions(happened.revisions[-1].number))


def cut(
    turn: Turn,
    user: UserName,
    ending: Ending,
    *,
    besides: SessionId | None = None,
    token: bytes | None = None,
) -> None:
    """End all live sessions and connections of a user; he leaves at once.

    On disk they are void already, or the caller has them voided.

    Args:
        turn: The input that is being handled.
        user: Also one whom nobody has seen since the start.
        ending: What his connections are told.
        besides: A session that stays, with its connection.
        token: Only what came from this token.
    """
    chat = turn.chat
    chat.note_cut(user)
    entry = chat.users.get(user)
    if entry is None:
        return
    void = [one for one in entry.sessions if one != besides]
    if token is not None:
        void = [one for one in void if _token_of(turn, one) == token]
    cut_sessions(turn, void, ending)
    if token is None and entry.online and not entry.connections:
        chat.note_offline(entry, turn.now.mono)  # he was in his grace


def _token_of(turn: Turn, session: SessionId) -> bytes | None:
    """The token that a live session came from."""
    number = turn.chat.sessions[session].connection
    return None if number is None else turn.chat.connections[number].token


def cut_sessions(turn: Turn, void: Iterable[SessionId], ending: Ending) -> None:
    """End some sessions that are void on disk, and the connections that have them.

    Args:
        turn: The input that is being handled.
        void: Also such that nobody has at the moment.
        ending: What the connections are told.
    """
    chat, now = turn.chat, turn.now.mono
    for session in void:
        entry = chat.sessions.get(session)
        number = entry.connection if entry is not None else None
        if number is not None:
            holder = turn.connection(number)
            if holder is not None:
                turn.finish(holder, ending)
            # The others see him leave now, not when his socket is closed.
            chat.note_detached(chat.connections[number], now)
        chat.forget_session(session, now)


def _ban(turn: Turn, revision: Revision) -> None:
    _set_ban(turn, revision)
    _void(turn, revision, Ending.BANNED)
    if revision.barred is not None:
        _bar(turn, revision.barred)


def _bar(turn: Turn, ban: AddressBan) -> None:
    """Let no guest in from an address, nor any stay who is here from there."""
    chat = turn.chat
    chat.apply_address_ban(None, ban, turn.now.mono)
    if chat.address_ban(None, ban.address, turn.now.sure) is None:
        return
    for user in [one for one in chat.users.values() if one.address == ban.address]:
        void = list(user.sessions)
        cut_sessions(turn, void, Ending.BANNED)
        for session in void:
            turn.append(EndSession(session))


def _unban(turn: Turn, revision: Revision) -> None:
    _set_ban(turn, revision)
    turn.chat.lift_address_ban(None, revision.user)


def _set_ban(turn: Turn, revision: Revision) -> None:
    """Know whether he is banned, which tells who has charge of his rooms."""
    user = turn.chat.users.get(revision.user)
    if user is not None:
        turn.chat.apply_server_ban(user, revision.ban)


def _void(turn: Turn, revision: Revision, ending: Ending = Ending.REVOKED) -> None:
    if revision.session is not None:
        cut_sessions(turn, [revision.session], ending)
        return
    cut(turn, revision.user, ending, token=revision.token)
    turn.append(EndSessions(revision.user, revision.token))


def _role(turn: Turn, revision: Revision) -> None:
    # Who is logging in was verified with the role that he had.
    turn.chat.note_cut(revision.user)
    if revision.role == AccountRole.ADMIN:
        turn.admin_is_here()
    user = turn.chat.users.get(revision.user)
    if user is not None:
        turn.chat.apply_role(user, revision.role)


def _erase(turn: Turn, revision: Revision) -> None:
    _void(turn, revision)
    for place in list(turn.chat.barred):
        turn.chat.lift_address_ban(place, revision.user)
    user = turn.chat.users.get(revision.user)
    if user is not None:
        turn.chat.apply_erasure(user, turn.now.mono)


_TAKE: dict[RevisionKind, Callable[[Turn, Revision], None]] = {
    RevisionKind.BAN: _ban,
    RevisionKind.UNBAN: _unban,
    RevisionKind.LOGOUT: _void,
    RevisionKind.TOKEN: _void,
    RevisionKind.ROLE: _role,
    RevisionKind.ERASE: _erase,
}
