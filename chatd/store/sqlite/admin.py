"""What the command line shows of accounts and sessions, and looks at before it asks.

Nothing is changed here, so it does not matter whether a daemon runs.
"""

from __future__ import annotations

from pathlib import Path

import apsw
import attrs

from chatd.core.entities import Sanction
from chatd.errors import Reject
from chatd.ids import SessionId, SessionTag, UserName, session_tag
from chatd.store.sqlite import files, people
from chatd.store.sqlite.ledger import GUEST, Ledger
from chatd.store.sqlite.offline import (
    Where,
    account_id,
    connected,
    reading,
    user_id,
)
from chatd.store.sqlite.sql import select
from chatd.wire.events import Millis


@attrs.frozen
class Account:
    """An account as the operator sees it."""

    name: UserName
    display: str
    role: str
    created: Millis
    has_password: bool
    ban: Sanction | None
    """Also one that has lapsed."""
    is_erased: bool


@attrs.frozen
class SessionShown:
    """A session as the operator sees it: nothing of its secret."""

    tag: SessionTag
    created: Millis
    idle_since: Millis | None
    """None while it has a connection."""
    token: int | None
    """The id of the token that it came from."""
    device: str | None
    """What the client calls itself."""
    expires: Millis | None
    """When an outside issuer's token ends, on which it depends."""
    scope: str | None
    """What that token allows, as JSON; None: everything."""


def accounts(where: Where) -> list[Account]:
    """All accounts, by name.

    Raises:
        StoreRefused: There is no store that could be read.
    """
    with reading(where) as db:
        return [
            Account(
                name,
                display,
                role,
                created,
                bool(has_password),
                people.server_ban(banned_at, until, reason),
                erased is not None,
            )
            for (
                name,
                display,
                role,
                created,
                has_password,
                banned_at,
                until,
                reason,
                erased,
            ) in select(
                db,
                "SELECT name, display, role, created, password_hash IS NOT NULL,"
                " banned_at, banned_until, ban_reason, erased"
                " FROM user WHERE role <> ? ORDER BY name",
                (GUEST,),
            )
        ]


def check_free(where: Where, name: UserName, skeleton: str, *, distinct: bool) -> None:
    """Check that an account can have a name, before anybody is asked for more.

    Args:
        where: Where the store is, or may be made.
        name: The account's.
        skeleton: What the name looks like.
        distinct: Whether no other name may look like that.

    Raises:
        Reject: `name_taken`.
        StoreRefused: There is no store that could be read.
    """
    if isinstance(where, Path) and files.find_database(where) is None:
        return
    with connected(where) as db:
        refused = people.taken(Ledger(db), name, skeleton, distinct=distinct)
        if refused is not None:
            raise Reject(refused.code, refused.text)


def check_account(where: Where, name: UserName) -> None:
    """Check that there is an account, before anybody is asked for more.

    Raises:
        Reject: `no_user`.
        StoreRefused: There is no store that could be read.
    """
    with connected(where) as db:
        account_id(db, name)


def sessions(where: Where, name: UserName) -> list[SessionShown]:
    """A user's sessions, the oldest first.

    Raises:
        Reject: `no_user`.
        StoreRefused: There is no store that could be read.
    """
    with reading(where) as db:
        return sessions_of(db, user_id(db, name))


def sessions_of(db: apsw.Connection, user: int) -> list[SessionShown]:
    """A user's sessions, the oldest first."""
    rows = select(
        db,
        "SELECT s.id, s.created, s.idle_since, t.id, s.device, s.expires, s.scope"
        " FROM session s LEFT JOIN token t ON t.digest = s.token WHERE s.user_id = ?"
        " ORDER BY s.created",
        (user,),
    )
    return [SessionShown(session_tag(SessionId(number)), *row) for number, *row in rows]
