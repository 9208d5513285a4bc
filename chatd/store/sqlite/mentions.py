"""Who is addressed by which message: rows that come and go with its text.

A row says that a user was told of a message, at which event, and whether its text still
addresses the user. So an edit that names the user again is no news. Rows go with their
message, and with their user.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain

from chatd.core.changes import Appended
from chatd.core.drafts import STRANGERS_MAX, Committed, EditMessage
from chatd.core.mentions import Mentions
from chatd.ids import Seq, UserName
from chatd.store.sqlite.ledger import Ledger, RoomCell
from chatd.store.sqlite.sql import change_rows, find_rows, select
from chatd.wire.events import TimelineEvent

EVERYBODY = 0
"""Instead of a user's id."""
Row = tuple[int, int, Seq, Seq, bool]

ADD = "INSERT INTO mention (room_id, user_id, seq, of, is_on) VALUES $ROWS"
_ON = "SELECT user_id FROM mention WHERE room_id = ? AND of = ? AND is_on = TRUE"
_KNOWN = """
SELECT user_id FROM mention WHERE (room_id, of, is_on, user_id) IN (VALUES $ROWS)"""
_TOLD = """
SELECT u.name FROM mention n JOIN user u ON u.id = n.user_id
WHERE n.room_id = ? AND n.of = ? AND n.is_on IN (FALSE, TRUE) AND u.erased IS NULL"""
_SWITCH = """
UPDATE mention SET is_on = NOT is_on
WHERE (room_id, of, is_on, user_id) IN (VALUES $ROWS)"""
_USERS = """
SELECT name FROM user WHERE erased IS NULL AND (name) IN (VALUES $ROWS)"""


def rows_of(ledger: Ledger, found: Mentions, room: RoomCell, seq: Seq) -> Iterable[Row]:
    """The rows of those whom a new message addresses."""
    return [(room.id, user, seq, seq, True) for user in _ids(ledger, found)]


def named(ledger: Ledger, found: Mentions) -> list[int]:
    """The ids of those whom a text addresses by their names."""
    return [] if found.everybody else _ids(ledger, found)


def unreached(ledger: Ledger, found: Mentions | None) -> tuple[UserName, ...]:
    """Those whom a text names and does not reach, the first of them.

    A word that may mean several names means the first that a user has.
    """
    if found is None or not found.strangers:
        return ()
    keys = [(name,) for name in dict.fromkeys(chain.from_iterable(found.strangers))]
    users = {name for (name,) in find_rows(ledger.db, _USERS, keys)}
    known = ([name for name in word if name in users] for word in found.strangers)
    return tuple(dict.fromkeys(names[0] for names in known if names))[:STRANGERS_MAX]


def replace(
    ledger: Ledger,
    draft: EditMessage,
    room: RoomCell,
    event: TimelineEvent,
    *,
    hidden: bool,
) -> Committed:
    """Have a message address whom its new text does.

    Returns:
        The outcome of the edit, with those to whom that is news.
    """
    message = room.id, draft.of
    on = {user for (user,) in select(ledger.db, _ON, message)}
    wanted = dict.fromkeys(_ids(ledger, draft.mentions))
    keys = [(*message, False, user) for user in wanted if user not in on]
    off = {user for (user,) in find_rows(ledger.db, _KNOWN, keys)}
    new = [user for user in wanted if user not in on and user not in off]
    switched = [(*message, True, user) for user in on if user not in wanted]
    switched += [(*message, False, user) for user in off]
    addressed, told = _news(ledger, draft, room, new)
    change_rows(ledger.db, _SWITCH, switched)
    change_rows(
        ledger.db, ADD, [(room.id, user, event.seq, draft.of, True) for user in new]
    )
    strangers = unreached(ledger, draft.mentions)
    return Committed((Appended(event, hidden, addressed, told),), strangers)


def _news(
    ledger: Ledger, draft: EditMessage, room: RoomCell, new: list[int]
) -> tuple[Mentions | None, tuple[UserName, ...]]:
    """Whom a message addresses for the first time, and who of all knows already."""
    found, message = draft.mentions, (room.id, draft.of)
    if found is None or not new:
        return None, ()
    if found.everybody:
        told = (name for (name,) in select(ledger.db, _TOLD, message))
        return Mentions(everybody=True), tuple(sorted(told))
    everybody = [(*message, is_on, EVERYBODY) for is_on in (False, True)]
    if any(find_rows(ledger.db, _KNOWN, everybody)):
        return None, ()
    users = tuple(name for name in found.users if ledger.user(name) in new)
    return Mentions(users), ()


def _ids(ledger: Ledger, found: Mentions | None) -> list[int]:
    """The ids of those whom a text addresses; who is no user is left out."""
    if found is None:
        return []
    if found.everybody:
        return [EVERYBODY]
    ids = map(ledger.user, found.users)
    return [user for user in ids if user is not None]
