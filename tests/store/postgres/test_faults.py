"""What PostgreSQL's errors mean, as it raises them itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import psycopg
import pytest

from chatd.errors import StoreFailed, StoreUnavailable, TooSlow
from chatd.store.postgres.connection import Connection
from chatd.store.postgres.faults import (
    Collided,
    ConnectionLost,
    NotUnique,
    RowFault,
    refusal,
)
from tests.postgresql import connected, server


@pytest.fixture(scope="module")
def db() -> Iterator[Connection]:
    """A connection that does not write."""
    with server().database() as url, closing(connected(url)) as db:
        yield db


@pytest.mark.parametrize(
    ("state", "kind"),
    [
        ("53100", StoreUnavailable),  # the disk is full
        ("53200", StoreUnavailable),
        ("53300", StoreUnavailable),
        ("57P01", StoreUnavailable),  # it is shutting down
        ("57P03", StoreUnavailable),
        ("57014", StoreUnavailable),  # somebody has cancelled it
        ("40P01", Collided),  # a deadlock
        ("40001", Collided),
        ("25006", StoreUnavailable),
        ("55P03", StoreUnavailable),
        ("22P05", RowFault),
        ("23502", RowFault),
        ("23505", NotUnique),
        ("XX000", StoreFailed),
        ("58030", StoreFailed),  # an error of its disk
        ("42P01", StoreFailed),
    ],
)
def test_an_error_means_what_its_number_says(
    db: Connection, state: str, kind: type[Exception]
) -> None:
    """What may work later ends no daemon."""
    with pytest.raises(kind) as caught:
        db.script(f"DO $$ BEGIN RAISE 'no' USING ERRCODE = '{state}'; END $$")
    assert not isinstance(caught.value, ConnectionLost)


def test_what_takes_too_long_is_told_where_that_was_said(db: Connection) -> None:
    """Elsewhere nobody has set a bound."""
    with closing(Connection(db.url, {"statement_timeout": "1"}, is_timed=True)) as one:
        one.open()
        with pytest.raises(TooSlow):
            one.execute("SELECT pg_sleep(60)")


def test_a_connection_that_is_gone_is_lost(db: Connection) -> None:
    """Whatever number its end had."""
    with closing(connected(db.url)) as one:
        db.script(f"SELECT pg_terminate_backend({one.process})")
        with pytest.raises(ConnectionLost):
            one.execute("SELECT 1")


_OTHER = (
    'connection is bad: connection to server at "10.0.87.21", port 5432 failed: Network'
    " is unreachable\n\tIs the server running on that host and accepting TCP/IP"
    " connections?"
)
_SEVERAL = (
    f"{_OTHER}\nMultiple connection attempts failed. All failures were:\n- host:"
    " '10.0.87.20', port: '', hostaddr: '10.0.87.20': connection failed: connection to"
    ' server at "10.0.87.20", port 5432 failed: FATAL:  password authentication failed'
    ' for user "chatd"\nconnection to server at "10.0.87.20", port 5432 failed: FATAL: '
    ' no pg_hba.conf entry for host "10.0.87.20", user "chatd", database "chatd", no'
    f" encryption\n- host: '10.0.87.21', port: '', hostaddr: '10.0.87.21': {_OTHER}"
)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (
            _SEVERAL,
            (
                '10.0.87.20: password authentication failed for user "chatd";'
                " 10.0.87.21: Network is unreachable"
            ),
        ),
        (
            (
                'connection failed: connection to server on socket "/x/.s.PGSQL.5432"'
                " failed: No such file or directory\n\tIs the server running locally?"
            ),
            "/x/.s.PGSQL.5432: No such file or directory",
        ),
        (
            (
                'connection failed: connection to server at "localhost" (::1), port'
                " 5432 failed: fe_sendauth: no password supplied"
            ),
            (
                "localhost: it wants a password: put it into PGPASSWORD, or into a file"
                " (store.url with ?passfile=, or ~/.pgpass)"
            ),
        ),
        ("timeout  expired\n", "timeout expired"),
    ],
)
def test_why_there_is_no_connection_is_a_line(said: str, told: str) -> None:
    """Of each server once, with what to do about a password."""
    assert refusal(psycopg.OperationalError(said)) == told
