"""What the operator has changed beside the running daemon, and whom it cuts off.

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

from collections.abc import Callable

from chatd.core.drafts import EndSessions, ForgetRevisions
from chatd.core.inputs import Revised, Revision, RevisionKind
from chatd.core.turn import Turn
from chatd.errors import Ending
from chatd.ids import UserName


def revised(turn: Turn, happened: Revised) -> None:
    """Take revisions, in their order."""
    for revision in happened.revisions:
        _TAKE[revision.kind](turn, revision)
    turn.chat.cuts += 1
    turn.append(ForgetRevisions(happened.revisions[-1].number))


def cut(turn: Turn, name: UserName, ending: Ending, token: bytes | None = None) -> None:
    """End a user's sessions and their connections, live and on disk.

    He is offline at once, and others see him leave.

    Args:
        turn: The input that is being handled.
        name: The user; also one who is not in memory.
        ending: What his connections are told.
        token: Only what came from this token.
    """
    chat, now = turn.chat, turn.now.mono
    user = chat.users.get(name)
    if user is not None:
        for number in list(user.connections):
            connection = chat.connections[number]
            if token is None or connection.token == token:
                turn.finish(connection, ending)
                chat.note_cut(connection, now)
                assert connection.session is not None
                chat.forget_session(connection.session, now)
        if token is None:
            for session in list(user.sessions):
                chat.forget_session(session, now)
            if user.online:
                chat.note_offline(user, now)  # he was in his grace
    turn.append(EndSessions(name, token))


def _ban(turn: Turn, revision: Revision) -> None:
    cut(turn, revision.user, Ending.BANNED)


def _logout(turn: Turn, revision: Revision) -> None:
    cut(turn, revision.user, Ending.REVOKED)


def _token(turn: Turn, revision: Revision) -> None:
    cut(turn, revision.user, Ending.REVOKED, revision.token)


def _role(turn: Turn, revision: Revision) -> None:
    user = turn.chat.users.get(revision.user)
    if user is not None:
        turn.chat.apply_role(user, revision.role)


def _erase(turn: Turn, revision: Revision) -> None:
    cut(turn, revision.user, Ending.REVOKED)
    user = turn.chat.users.get(revision.user)
    if user is not None:
        turn.chat.apply_erasure(user, turn.now.mono)


_TAKE: dict[RevisionKind, Callable[[Turn, Revision], None]] = {
    RevisionKind.BAN: _ban,
    RevisionKind.LOGOUT: _logout,
    RevisionKind.TOKEN: _token,
    RevisionKind.ROLE: _role,
    RevisionKind.ERASE: _erase,
}
