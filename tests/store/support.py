"""Short words for what the store's tests do with a store."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import apsw
import attrs
import trio

from chatd.core import drafts as d
from chatd.core.changes import RoomTrimmed
from chatd.core.settings import PLAIN
from chatd.enums import AccountRole, Erasure, Role
from chatd.errors import RejectCode
from chatd.ids import Cid, Epoch, RoomName, Seq, SessionId, UserName
from chatd.names import skeleton
from chatd.ports import ErasureRow, RoomRow, Store
from chatd.store import SqliteStore, open_store
from chatd.store.sqlite import files, search_index
from chatd.store.sqlite.executing import execute_all
from chatd.store.sqlite.files import DATABASE, Side
from chatd.store.sqlite.generation import Generation
from chatd.store.sqlite.ledger import Ledger
from chatd.store.sqlite.migrate import configure, migrate
from chatd.store.sqlite.readers import Readers
from chatd.store.sqlite.search import prepare
from chatd.store.sqlite.sql import select, transaction
from chatd.store.sqlite.writer import Writer
from chatd.wire import events as e
from chatd.wire import replies as r
from chatd.wire.events import Millis

LOBBY = RoomName("lobby")
DIRECT = RoomName("@ann,bob")
ANN, BOB, CY = UserName("ann"), UserName("bob"), UserName("cy")
EPOCH = Epoch("8f3c21d07be945aa")
T0 = 1_790_000_000_000
DAY = 86_400_000


def sqlite(directory: Path) -> AbstractAsyncContextManager[SqliteStore]:
    """Open the store of the tests."""
    return open_store(directory, cid_keep_d=7, session_days=30, guest_hold_s=900)


def start_and_stop(directory: str) -> None:
    """Open a store as a daemon does at its start, and close it again."""

    async def start() -> None:
        async with sqlite(Path(directory)):
            pass

    trio.run(start)


@attrs.define
class Site:
    """A place where a store lives through restarts."""

    opened: Callable[[], AbstractAsyncContextManager[Store]]
    add_token: Callable[[UserName, bytes, int | None, str | None], object]
    """Adds one called "test" with an end and a scope."""
    ban: Callable[[UserName, int | None, str | None], object]
    unban: Callable[[UserName], object]
    revoke: Callable[[bytes], object]


def execute(directory: Path, *drafts: d.Draft, now: Millis = T0) -> list[d.Outcome]:
    """Have drafts executed, as the writer does, in a store that is made if need be."""
    files.make_directory(directory)
    if files.find_database(directory) is None:
        files.create_database(directory, "a" * 32)
    db = apsw.Connection(str(directory / DATABASE))
    configure(db)
    try:
        return executed_on(db, drafts, now)
    finally:
        db.close()


def executed_on(db: Any, drafts: Sequence[d.Draft], now: Millis) -> list[d.Outcome]:
    """Execute drafts as the writer does, on a connection to any store."""
    ledger = Ledger(db)
    ledger.begin(now, now)
    with transaction(db):
        return execute_all(ledger, drafts, now).outcomes


def add_account(
    directory: Path,
    name: UserName,
    password_hash: str | None = None,
    role: AccountRole = AccountRole.USER,
) -> None:
    """Add an account to a store that nobody serves yet."""
    draft = d.AddUser(name, name, role, password_hash, skeleton(name))
    (outcome,) = execute(directory, draft)
    assert isinstance(outcome, d.Committed), outcome


def add_token(
    directory: Path,
    user: UserName,
    digest: bytes,
    expires: Millis | None = None,
    created: Millis = T0,
    *,
    name: str = "",
    scope: str | None = None,
) -> int:
    """Add an access token; what it is called by."""
    draft = d.AddToken(user, digest, name, scope, created, expires)
    (outcome,) = execute(directory, draft)
    assert isinstance(outcome, d.Issued), outcome
    return outcome.number


async def fill(store: Store) -> None:
    """Make the accounts and rooms that most tests need."""
    users: list[d.Draft] = [
        d.AddUser(n, n, AccountRole.USER, None) for n in (ANN, BOB, CY)
    ]
    rooms: list[d.Draft] = [
        d.CreateRoom(name, EPOCH, PLAIN, {ANN: Role.OWNER, BOB: Role.MEMBER})
        for name in (LOBBY, DIRECT)
    ]
    await store.commit(users + rooms, T0)


def say(
    text: str,
    cid: str | None = None,
    *,
    user: UserName = ANN,
    room: RoomName = LOBBY,
    reply_to: int | None = None,
) -> d.NewMessage:
    """A message of ann's in the lobby, unless told otherwise."""
    return d.NewMessage(
        room,
        user,
        Cid(cid) if cid else None,
        text,
        Seq(reply_to) if reply_to else None,
    )


def edit(of: int, text: str, cid: str = "", user: UserName = ANN) -> d.EditMessage:
    """An edit by ann in the lobby."""
    return d.EditMessage(LOBBY, user, Cid(cid) or None, Seq(of), text)


def delete(of: int, cid: str = "", user: UserName = ANN) -> d.DeleteMessage:
    """A deletion by ann in the lobby."""
    return d.DeleteMessage(LOBBY, user, Cid(cid) or None, Seq(of))


def react(
    of: int, emoji: str, *, on: bool = True, cid: str = "", user: UserName = ANN
) -> d.SetReaction:
    """A reaction by ann in the lobby."""
    return d.SetReaction(LOBBY, user, Cid(cid) or None, Seq(of), emoji, on)


def pin(
    of: int,
    *,
    on: bool = True,
    cid: str = "",
    user: UserName = ANN,
    room: RoomName = LOBBY,
) -> d.SetPin:
    """A pin by ann in the lobby."""
    return d.SetPin(room, user, Cid(cid) or None, Seq(of), on)


def session_id(word: str) -> SessionId:
    """A session's id as the core makes it."""
    return SessionId(hashlib.sha256(word.encode()).digest())


async def row(store: Store, room: RoomName = LOBBY, now: int = T0) -> RoomRow:
    """A room as it comes into memory after a start."""
    await store.load(now)
    (found,) = await store.rooms([room])
    return found


async def one(store: Store, draft: d.Draft, now: int = T0) -> d.Outcome:
    """Commit one draft."""
    (outcome,) = await store.commit([draft], now)
    return outcome


async def timeline(
    store: Store, room: RoomName = LOBBY, viewer: UserName = ANN
) -> list[e.TimelineShown]:
    """Everything of a room, as a replay shows it to ann."""
    return await store.events(room, Seq(0), Seq(10**9), 10**6, 0, viewer)


async def page(
    store: Store, room: RoomName = LOBBY, viewer: UserName = ANN
) -> list[r.MessageShown]:
    """All messages of a room, as history shows them to ann."""
    messages, _, more = await store.history(
        room, before=None, after=None, limit=10**6, upto=Seq(10**9), viewer=viewer
    )
    assert not more
    return messages


async def erase(
    store: Store, user: UserName = ANN, nameless: UserName | None = None
) -> tuple[d.Erased, ErasureRow]:
    """Erase somebody as the operator does, and wait until nothing is left of him."""
    outcome = await one(store, d.EraseUser(user, None, nameless, by_operator=True))
    assert isinstance(outcome, d.Erased), outcome
    return outcome, await nothing_left(store, user)


async def nothing_left(store: Store, user: UserName = ANN) -> ErasureRow:
    """Wait until an erasure has come to its end; how that was."""
    while True:
        found = await store.erasure(user)
        assert found is not None
        if found.state is Erasure.DONE:
            return found
        await trio.sleep(0.01)


async def erased(directory: Path) -> None:
    """Wait until nothing is left of whom a store on disk is erasing."""
    db = apsw.Connection(str(directory / DATABASE))
    # The tender tells nobody when it has done a step.
    while select(db, "SELECT 1 FROM erasure"):  # noqa: ASYNC110
        await trio.sleep(0.01)
    db.close()


def seqs(outcomes: Sequence[d.Outcome]) -> list[int]:
    """The seq of each outcome; 0 where there is none."""
    found = []
    for outcome in outcomes:
        if isinstance(outcome, d.Committed):
            found.append(outcome.event.seq if outcome.event else 0)
        else:
            found.append(outcome.seq if isinstance(outcome, d.Duplicate) else 0)
    return found


@attrs.frozen
class Stored:
    """Equal to what was committed: whatever it has changed, or what an event tells."""

    event: e.TimelineEvent | None = None

    def __eq__(self, other: object) -> bool:
        """Compare the event, if one is given."""
        return isinstance(other, d.Committed) and self.event in (None, other.event)

    __hash__ = None  # type: ignore[assignment]


STORED = Stored()


def trimmed(first: int, *, more: bool, room: RoomName = LOBBY) -> d.Trimmed:
    """The outcome of a step of trimming."""
    return d.Trimmed((RoomTrimmed(room, Seq(first)),), more=more)


def refused(outcome: d.Outcome) -> RejectCode | None:
    """Why it was refused, if it was."""
    return outcome.code if isinstance(outcome, d.Refused) else None


def in_this_thread(db: apsw.Connection) -> Writer:
    """A writer on a new database, without Trio."""
    configure(db)
    migrate(db)
    db.execute("INSERT INTO store (one, id, generation) VALUES (1, 'x', 1)")
    migrate(db)
    nowhere = Generation(db, Path("/nonexistent"), Side("x", 1, clean=False), 1)
    return Writer(db, nowhere, 7 * DAY)


def index(writer: Writer) -> None:
    """Bring the search index up to date."""
    while search_index.fill(writer.db, 100, 10**6):
        """There may be more."""


def in_memory() -> SqliteStore:
    """The store's own code on SQLite, but in this thread and without a file.

    A file and four threads cost a hundred times what these drafts cost, and
    nothing here is about them.
    """
    db = apsw.Connection(":memory:")
    here: Any = Here(db)
    writer = in_this_thread(db)
    readers = Readers(1)
    readers.add(here)
    prepare(db)
    return SqliteStore(
        readers=readers,
        writer=writer,
        session_ms=30 * DAY,
        guest_ms=900_000,
        serves=True,
        search_s=60.0,
        db=here,
        log_db=here,
        searcher=here,
    )


@attrs.define
class Here:
    """An `apsw.AsyncConnection` whose thread is this one."""

    db: apsw.Connection

    async def async_run(self, function: Any, *args: Any) -> Any:
        """Run the function."""
        await trio.lowlevel.checkpoint()
        return function(*(self.db if arg is self else arg for arg in args))
