"""A PostgreSQL server of the tests' own: started once by whoever needs it first.

A test gets a database in which chatd has made its tables, and nothing is in them.
What is on this server's disk need not outlive it, so it syncs nothing; the tests that
kill it only end its process.
"""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from functools import cache, cached_property
from pathlib import Path
from pwd import getpwnam

import psycopg
import trio

from chatd.core import drafts as d
from chatd.store.postgres import PostgresStore, open_store
from chatd.store.postgres.cluster import SharedPostgresStore, open_shared_store
from chatd.store.postgres.connection import Connection
from chatd.wire.events import Millis
from tests.cluster.network import Machine
from tests.store.support import T0, executed_on

USER = "postgres"
ROLE = DATABASE = "chatd"
"""Whom chatd is there, who may do no more than need be, and where he is."""
PATIENCE_S = 60
SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "max_wal_size": "256MB",
    "listen_addresses": "",
    "shared_buffers": "32MB",
    "max_connections": "60",
    "autovacuum": "off",
    "deadlock_timeout": "50ms",
}


def binaries() -> Path:
    """Where PostgreSQL's programs are: of the newest series that is installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    if found:
        return found[-1].parent
    on_path = shutil.which("postgres")
    assert on_path, "the tests need PostgreSQL: apt-get install postgresql"
    return Path(on_path).parent


class Server:
    """A server with a socket in its own directory, which is the only way in for most.

    Args:
        directory: Where it is, with its data and its log.
        primary: Whose standby it is; None: nobody's.
        machine: Where it runs, for whoever comes over a network; None: here.
    """

    def __init__(
        self,
        directory: Path,
        primary: Server | None = None,
        machine: Machine | None = None,
    ) -> None:
        self.directory = directory
        self._machine = machine
        self._bin = binaries()
        # It refuses to run as root.
        self._user = USER if os.geteuid() == 0 else None
        self._process: subprocess.Popen[bytes] | None = None
        if self._user:
            directory.chmod(0o755)
            shutil.chown(directory, self._user, self._user)
        if primary is None:
            options = ["-A", "trust", "-N", "-E", "UTF8"]
            self._run("initdb", "-D", self._data, "-U", USER, *options)
            with (directory / "data" / "pg_hba.conf").open("a") as file:
                file.write("host all all 10.0.0.0/8 trust\n")
        else:
            options = ["-h", str(primary.directory), "-R", "-N", "-c", "fast"]
            self._run("pg_basebackup", "-D", self._data, "-U", USER, *options)

    @property
    def _data(self) -> str:
        return str(self.directory / "data")

    def _run(self, program: str, *args: str) -> None:
        subprocess.run(
            [str(self._bin / program), *args],
            check=True,
            capture_output=True,
            user=self._user,
            cwd=self.directory,
        )

    def start(self) -> None:
        """Start it, and wait until it lets somebody in."""
        settings = SETTINGS | {"unix_socket_directories": str(self.directory)}
        user, running = self._user, list[str]()
        if self._machine is not None:
            settings["listen_addresses"] = self._machine.address
            who = getpwnam(user) if user else None
            user, running = None, self._machine.running(who)
        said = [f"--{name}={value}" for name, value in settings.items()]
        with (self.directory / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*running, str(self._bin / "postgres"), "-D", self._data, *said],
                stdout=log,
                stderr=log,
                user=user,
                cwd=self.directory,
            )
        until = time.monotonic() + PATIENCE_S
        while True:
            try:
                psycopg.connect(self.url("postgres", USER)).close()
                return
            except psycopg.OperationalError:
                assert time.monotonic() < until, self._log()
                assert self._process.poll() is None, (
                    self.directory / "log"
                ).read_text()
                time.sleep(0.05)  # noqa: TID251 - no loop runs here

    def _log(self) -> str:
        return (self.directory / "log").read_text()

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """End it, by default at once and in order, and wait for that."""
        assert self._process is not None
        self._process.send_signal(how)
        self._process.wait(PATIENCE_S)

    def url(self, database: str, role: str = ROLE) -> str:
        """The URL of one of its databases, for somebody."""
        return f"postgresql://{role}@/{database}?host={self.directory}"

    def create(self, name: str) -> str:
        """Make a database that is chatd's; its URL."""
        if not self.execute(f"SELECT 1 FROM pg_roles WHERE rolname = '{ROLE}'"):  # noqa: S608 - ours
            self.execute(f"CREATE ROLE {ROLE} LOGIN")
        self.execute(f"CREATE DATABASE {name} OWNER {ROLE}")
        return self.url(name)

    def execute(self, sql: str, database: str = "postgres") -> list[tuple[object, ...]]:
        """Run one statement as the server's owner."""
        with psycopg.connect(self.url(database, USER), autocommit=True) as db:
            cursor = db.execute(sql)
            return cursor.fetchall() if cursor.description else []

    @contextmanager
    def database(self) -> Iterator[str]:
        """The database with chatd's tables, empty, for one test; its URL."""
        with psycopg.connect(self.url(DATABASE, USER), autocommit=True) as db:
            db.execute(self._empty)
        yield self.url(DATABASE)

    @cached_property
    def _empty(self) -> str:
        """What empties all tables, which is faster than to make them."""
        tables = self.execute(
            "SELECT quote_ident(tablename) FROM pg_tables"
            " WHERE schemaname = 'chatd' AND tablename <> 'version'",
            DATABASE,
        )
        sequences = self.execute(
            "SELECT quote_ident(sequencename) FROM pg_sequences"
            " WHERE schemaname = 'chatd'",
            DATABASE,
        )
        return "; ".join(
            [
                "SET session_replication_role TO replica",
                "SET search_path TO chatd",
                *(f"DELETE FROM {name}" for (name,) in tables),  # noqa: S608 - ours
                *(f"SELECT setval('{name}', 1, false)" for (name,) in sequences),
            ]
        )


def store_at(url: str) -> AbstractAsyncContextManager[PostgresStore]:
    """Open the store of the tests."""
    return open_store(url, cid_keep_d=7, session_days=30, guest_hold_s=900, search_s=60)


def shared_at(
    url: str, name: str = "a"
) -> AbstractAsyncContextManager[SharedPostgresStore]:
    """Open the store of the tests as one node of several."""
    return open_shared_store(
        url, name=name, cid_keep_d=7, session_days=30, guest_hold_s=900, search_s=60
    )


def connected(url: str) -> Connection:
    """A connection as the writer has it, without the lock."""
    db = Connection(url, {})
    db.open()
    return db


def execute(url: str, *drafts: d.Draft, now: Millis = T0) -> list[d.Outcome]:
    """Have drafts executed, as the writer does, beside whoever has the lock."""
    db = connected(url)
    try:
        return executed_on(db, drafts, now)
    finally:
        db.close()


@contextmanager
def own_server() -> Iterator[Server]:
    """A server for whoever stops and kills it, with a database for chatd."""
    with tempfile.TemporaryDirectory(prefix="chatd-pg-") as directory:
        found = Server(Path(directory))
        found.start()
        found.create(DATABASE)
        yield found
        found.stop(signal.SIGQUIT)


@cache
def server() -> Server:
    """The server of this process of the tests, with its template."""
    found = Server(Path(tempfile.mkdtemp(prefix="chatd-pg-")))
    found.start()
    atexit.register(_end, found)
    found.create(DATABASE)

    async def make() -> None:
        async with store_at(found.url(DATABASE)):
            pass

    trio.run(make)
    return found


def _end(found: Server) -> None:
    found.stop(signal.SIGQUIT)
    shutil.rmtree(found.directory, ignore_errors=True)
