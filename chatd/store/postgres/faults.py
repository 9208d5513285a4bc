"""What PostgreSQL's errors mean for the store.

Four meanings, by SQLSTATE and never by a text: the connection is lost
(`ConnectionLost`: what was not committed is not, and what was being committed is found
out), it does not go now (`StoreUnavailable`: all rolled back, may work later), the row
itself cannot be stored (`ROW_FAULTS`: its neighbours can), and everything else
(`StoreFailed`).
"""

from __future__ import annotations

import re

import psycopg
from psycopg import errors

from chatd.errors import StoreFailed, StoreUnavailable, TooSlow


class RowFault(Exception):
    """A draft's values cannot be stored."""


class NotUnique(RowFault):
    """What a draft adds is there already."""


class Collided(StoreUnavailable):
    """Another transaction was in the way; nothing was stored, and it goes again."""


class ConnectionLost(StoreUnavailable):
    """The server has gone, or the way to it."""

    @property
    def told(self) -> str:
        """That, without the hosts and paths that PostgreSQL's own words have."""
        return "the database does not answer"


class CommitLost(ConnectionLost):
    """It has gone while a commit was asked for, of which nothing is stored."""


ROW_FAULTS = (RowFault, OverflowError, TypeError, UnicodeError)
"""Errors that are the fault of one draft's values."""

_LATER = frozenset({"53", "57"})
"""Classes of errors that may be none in a moment: resources (disk, memory,
connections), an operator (it is shutting down, or starting). The class is how an
error's number begins; psycopg's classes for them are not above those of its errors."""
_COLLIDED = "40"
"""The class of a transaction that was rolled back: a deadlock, a serialization."""
_ATTEMPT = re.compile(
    r'connection to server (?:at|on socket) "([^"]+)"(?: \([^)]*\))?(?:, port \d+)?'
    r" failed: (?:FATAL: +)?(.+)"
)
"""What libpq says of one server, of perhaps several."""
_WANTS = "fe_sendauth: no password supplied"
"""Its words for a server that wants a password, where none is known."""
_LATER_TOO = frozenset(
    {
        "25006",  # a standby that is not the primary yet
        "25P03",  # a transaction that did nothing for too long
        "55P03",  # a lock that others have
    }
)


def meaning(
    error: psycopg.Error, *, is_lost: bool, is_timed: bool
) -> StoreUnavailable | StoreFailed | TooSlow | RowFault:
    """Say what an error means.

    Args:
        error: What psycopg has raised.
        is_lost: Whether the connection is gone with it.
        is_timed: Whether statements are given up there when they take too long.
    """
    said = words(error)
    if is_lost:
        return ConnectionLost(f"the connection to PostgreSQL is lost: {said}")
    if isinstance(error, errors.QueryCanceled) and is_timed:
        return TooSlow()
    state = error.sqlstate or ""
    if state[:2] == _COLLIDED:
        return Collided(f"PostgreSQL: {said}")
    if isinstance(error, errors.UniqueViolation):
        return NotUnique(type(error).__name__)
    if isinstance(error, psycopg.IntegrityError | psycopg.DataError):
        return RowFault(type(error).__name__)
    if state[:2] in _LATER or state in _LATER_TOO:
        return StoreUnavailable(f"PostgreSQL: {said}")
    return StoreFailed(f"PostgreSQL: {type(error).__name__}: {said}")


def words(error: psycopg.Error) -> str:
    """What an error says first, in one line: more may have values of rows in it."""
    said = error.diag.message_primary or str(error)
    return " ".join(said.split()) or type(error).__name__


def refusal(error: psycopg.Error) -> str:
    """Why there is no connection, in one line: of each server that was asked the first.

    What libpq tries after that (the same without TLS) is refused for being that.
    """
    found: dict[str, str] = {}
    for server, reason in _ATTEMPT.findall(str(error)):
        found.setdefault(server, reason)
    # The one that libpq asked last comes first in what it says.
    said = "; ".join(f"{server}: {reason}" for server, reason in sorted(found.items()))
    return (said or words(error)).replace(
        _WANTS,
        "it wants a password: put it into PGPASSWORD, or into a file (store.url with"
        " ?passfile=, or ~/.pgpass)",
    )
