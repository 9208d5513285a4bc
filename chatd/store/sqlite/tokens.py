"""What the command line does to access tokens.

A token is known by its SHA-256. People name it by a short id, which says nothing
about it and is never used again.
"""

from __future__ import annotations

from pathlib import Path

import apsw
import attrs

from chatd.core.changes import AccessRevoked
from chatd.ids import UserName
from chatd.store.sqlite import log
from chatd.store.sqlite.offline import account_id, reading, user_id, writing
from chatd.store.sqlite.sql import select
from chatd.wire.events import Millis


@attrs.frozen
class TokenShown:
    """A token as the operator sees it: nothing of its secret."""

    id: int
    user: UserName
    name: str
    scope: str | None
    """JSON; None: everything."""
    created: Millis
    expires: Millis | None


def add_token(
    directory: Path,
    user: UserName,
    digest: bytes,
    expires: Millis | None,
    created: Millis,
    *,
    name: str = "",
    scope: str | None = None,
) -> int:
    """Add an access token.

    Args:
        directory: The data directory.
        user: The account that it logs in.
        digest: The SHA-256 of its secret.
        expires: When it ends; None: never.
        created: The time.
        name: What it is for.
        scope: What it may do, as JSON; None: everything.

    Returns:
        Its id.

    Raises:
        Reject: `no_user`: there is no such account.
        StoreRefused: There is no store to add it to.
    """
    with writing(directory) as db:
        db.execute(
            "INSERT INTO token (digest, user_id, name, scope, created, expires)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (digest, account_id(db, user), name, scope, created, expires),
        )
        return db.last_insert_rowid()


def tokens(directory: Path, user: UserName | None = None) -> list[TokenShown]:
    """All tokens, or one account's, by id.

    Raises:
        Reject: `no_user`.
        StoreRefused: There is no store that could be read.
    """
    with reading(directory) as db:
        return tokens_of(db, None if user is None else user_id(db, user))


def tokens_of(db: apsw.Connection, user: int | None) -> list[TokenShown]:
    """All tokens, or one user's, by id."""
    rows = select(
        db,
        "SELECT t.id, u.name, t.name, t.scope, t.created, t.expires FROM token t"
        " JOIN user u ON u.id = t.user_id WHERE ?1 IS NULL OR t.user_id = ?1"
        " ORDER BY t.id",
        (user,),
    )
    return [TokenShown(*row) for row in rows]


def revoke_token(directory: Path, number: int) -> tuple[UserName, int] | None:
    """Void a token, and the sessions that came from it.

    Returns:
        Whose it was, and the position of the change; None: there is none.

    Raises:
        StoreRefused: The store cannot be written.
    """
    with writing(directory) as db:
        rows = select(
            db,
            "DELETE FROM token WHERE id = ? RETURNING digest,"
            " (SELECT name FROM user WHERE user.id = user_id)",
            (number,),
        )
        for digest, user in rows:
            db.execute("DELETE FROM session WHERE token = ?", (digest,))
            return user, log.add(db, AccessRevoked(user, digest))
    return None
