"""What is left of guests' addresses in the files: digests, and those not for long."""

from __future__ import annotations

from pathlib import Path

import apsw

from chatd.core import drafts as d
from chatd.core.barred import KNOWN_MS
from chatd.core.settings import PLAIN
from chatd.enums import AccountRole, MemberChange, Role
from chatd.ids import UserName
from chatd.store.sqlite import files
from chatd.store.sqlite.export import export
from chatd.store.sqlite.files import Side
from chatd.store.sqlite.generation import Generation
from tests.store.support import (
    ANN,
    DAY,
    EPOCH,
    LOBBY,
    T0,
    erase,
    fill,
    in_this_thread,
    one,
    session_id,
    sqlite,
)

GUEST = UserName("dan~4f7k")
HERE = b"from here dan is"


def kept(directory: Path) -> list[int]:
    """How many addresses and bans of addresses are on disk."""
    db = apsw.Connection(str(directory / files.DATABASE))
    try:
        return count(db)
    finally:
        db.close()


def count(db: apsw.Connection) -> list[int]:
    """The same of an open database."""
    tables = ("guest_address", "address_ban")
    rows = (db.execute(f"SELECT 1 FROM {name}").fetchall() for name in tables)  # noqa: S608 - two words
    return [len(found) for found in rows]


def come(user: UserName = GUEST) -> d.OpenSession:
    """A new guest's first session."""
    new = d.AddUser(user, user[:3], AccountRole.GUEST, None)
    return d.OpenSession(session_id(user), user, None, T0, new, address=HERE)


async def test_nothing_is_left_when_it_has_ended(tmp_path: Path) -> None:
    """Neither of a hundred guests who have gone, nor of their bans."""
    async with sqlite(tmp_path) as store:
        await store.load(T0)
        await fill(store)
        for number in range(100):
            guest = UserName(f"dan~{number}")
            act = d.Moderate(
                LOBBY, ANN, None, guest, MemberChange.BAN, seconds=60 * (1 + number % 2)
            )
            for draft in (come(guest), act, d.EndSession(session_id(guest))):
                await one(store, draft)
        assert kept(tmp_path) == [100, 100]
        await store.load(T0 + KNOWN_MS)
        assert kept(tmp_path) == [0, 0]


def test_what_ends_goes_while_the_daemon_runs(tmp_path: Path) -> None:
    """Behind the commits: nobody has to start it again."""
    writer = in_this_thread(apsw.Connection(":memory:"))
    side = Side("x", 1, clean=False)
    writer.generation = Generation(writer.db, tmp_path, side, 1)
    room = d.CreateRoom(LOBBY, EPOCH, PLAIN, {ANN: Role.OWNER})
    act = d.Moderate(LOBBY, ANN, None, GUEST, MemberChange.BAN)
    gone = d.EndSession(session_id(GUEST))
    writer.commit(
        [d.AddUser(ANN, ANN, AccountRole.USER, None), room, come(), act, gone], T0
    )
    for after, left in (
        (KNOWN_MS - 1, [1, 1]),
        (KNOWN_MS, [0, 1]),
        (DAY - 1, [0, 1]),
        (DAY, [0, 0]),
    ):
        writer.tend(T0 + after)
        assert count(writer.db) == left


async def test_the_operator_ends_a_guests_session(tmp_path: Path) -> None:
    """He can still be banned for a while, from what the daemon knows of the time."""
    async with sqlite(tmp_path) as store:
        await store.load(T0)
        await fill(store)
        await one(store, come())
        await one(store, d.EndSessions(GUEST))
        assert kept(tmp_path) == [1, 0]
        await one(store, d.BanUser(GUEST, None, None, T0))
        assert kept(tmp_path) == [1, 1]
        assert isinstance(await one(store, d.UnbanUser(GUEST)), d.Committed)
        assert kept(tmp_path) == [1, 0]


async def test_an_erased_guest_leaves_no_address(tmp_path: Path) -> None:
    """Nor a ban of it, from a room or from the server."""
    async with sqlite(tmp_path) as store:
        await store.load(T0)
        await fill(store)
        await one(store, come())
        await one(store, d.Moderate(LOBBY, ANN, None, GUEST, MemberChange.BAN))
        await one(store, d.BanUser(GUEST, None, None, T0))
        assert kept(tmp_path) == [1, 2]
        await erase(store, GUEST)
    assert kept(tmp_path) == [0, 0]
    assert HERE not in (tmp_path / files.DATABASE).read_bytes()


async def test_the_export_has_no_address(tmp_path: Path) -> None:
    """Neither his own, which nobody could read, nor of whom he has banned."""
    async with sqlite(tmp_path) as store:
        await store.load(T0)
        await fill(store)
        await one(store, come())
        await one(store, d.Moderate(LOBBY, ANN, None, GUEST, MemberChange.BAN))
    for user in (ANN, GUEST):
        text = repr(list(export(tmp_path, user)))
        assert HERE.decode() not in text
        assert HERE.hex() not in text
