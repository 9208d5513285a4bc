"""What the command line shows of access tokens.

A token is known by its SHA-256. People name it by a short id, which says nothing
about it and is never used again.
"""

from __future__ import annotations

import apsw
import attrs

from chatd.ids import UserName
from chatd.store.sqlite.offline import (
    Where,
    reading,
    user_id,
)
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


def tokens(where: Where, user: UserName | None = None) -> list[TokenShown]:
    """All tokens, or one account's, by id.

    Raises:
        Reject: `no_user`.
        StoreRefused: There is no store that could be read.
    """
    with reading(where) as db:
        return tokens_of(db, None if user is None else user_id(db, user))


def tokens_of(db: apsw.Connection, user: int | None) -> list[TokenShown]:
    """All tokens, or one user's, by id."""
    rows = select(
        db,
        "SELECT t.id, u.name, t.name, t.scope, t.created, t.expires FROM token t"
        " JOIN user u ON u.id = t.user_id WHERE t.user_id = ?1 OR ?1 IS NULL"
        " ORDER BY t.id",
        (user,),
    )
    return [TokenShown(*row) for row in rows]
