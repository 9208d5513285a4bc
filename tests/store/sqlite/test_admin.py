"""The command line's accounts and tokens, before, beside and after a daemon."""

from __future__ import annotations

from pathlib import Path

import pytest

from chatd.core import drafts as d
from chatd.core.settings import PLAIN
from chatd.errors import Reject, RejectCode, StoreRefused
from chatd.ids import UserName
from chatd.ports import TokenRow, UserRow
from chatd.store import admin
from chatd.store.sqlite import migrate
from tests.store.support import (
    ANN,
    BOB,
    EPOCH,
    LOBBY,
    T0,
    one,
    refused,
    say,
    session_id,
    sqlite,
)

GUEST = UserName("dan~4f7k")


async def test_an_account_may_come_before_the_first_start(tmp_path: Path) -> None:
    """The store is made for it, and the daemon finds it."""
    directory = tmp_path / "data"
    admin.add_account(directory, ANN, "$hash")
    admin.add_token(directory, ANN, b"t" * 32, None, T0)
    async with sqlite(directory) as store:
        snapshot = await store.load(T0)
        assert [user.user for user in snapshot.users] == [ANN]
        assert await store.user(ANN) == UserRow(ANN, "ann", "user", "$hash")
        assert await store.token(b"t" * 32) == TokenRow(ANN, None, "token")


async def test_an_account_may_come_while_the_daemon_runs(tmp_path: Path) -> None:
    """It is seen at once, by reads and by the writer, and blocks nobody."""
    async with sqlite(tmp_path) as store:
        await store.load(T0)
        assert await store.user(ANN) is None
        admin.add_account(tmp_path, ANN, "$hash")
        assert await store.user(ANN) is not None
        again = await one(store, d.AddUser(ANN, "Ann", "user", None))
        assert refused(again) is RejectCode.NAME_TAKEN


async def test_a_name_that_was_ever_taken_is_refused(tmp_path: Path) -> None:
    """An account's, and a guest's whose session has ended."""
    guest = d.AddUser(GUEST, "dan", "guest", None)
    async with sqlite(tmp_path) as store:
        await one(store, d.OpenSession(session_id("s"), GUEST, None, T0, guest))
        await one(store, d.EndSession(session_id("s")))
    admin.add_account(tmp_path, ANN, "$hash")
    for name in (ANN, GUEST):
        with pytest.raises(Reject) as reject:
            admin.add_account(tmp_path, name, "$other")
        assert reject.value.code is RejectCode.NAME_TAKEN
    async with sqlite(tmp_path) as store:
        assert await store.user(ANN) == UserRow(ANN, "ann", "user", "$hash")


async def test_a_token_needs_an_account(tmp_path: Path) -> None:
    """Neither a stranger nor a guest gets one."""
    admin.add_account(tmp_path, ANN, "$hash")
    async with sqlite(tmp_path) as store:
        await one(store, d.AddUser(GUEST, "dan", "guest", None))
    for name in (BOB, GUEST):
        with pytest.raises(Reject) as reject:
            admin.add_token(tmp_path, name, b"t" * 32, None, T0)
        assert reject.value.code is RejectCode.NO_USER


def test_a_file_that_is_not_ours_is_refused(tmp_path: Path) -> None:
    """As the daemon would refuse it, and left alone."""
    database = tmp_path / "chatd.db"
    for content in (b"", b"PK" + bytes(3000)):
        database.write_bytes(content)
        with pytest.raises(StoreRefused, match=r"chatd\.db"):
            admin.add_account(tmp_path, ANN, "$hash")
        assert database.read_bytes() == content


async def test_an_old_store_is_brought_up_to_date_unless_it_is_served(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody changes the schema under an older daemon that runs."""
    later = (*migrate.migrations(), "CREATE TABLE later (x INTEGER) STRICT")
    async with sqlite(tmp_path):
        monkeypatch.setattr(migrate, "migrations", lambda: later)
        with pytest.raises(StoreRefused, match="is held by process"):
            admin.add_account(tmp_path, ANN, "$hash")
    admin.add_account(tmp_path, ANN, "$hash")
    async with sqlite(tmp_path) as store:
        assert await store.user(ANN) is not None


async def test_what_an_account_added_meanwhile_says_is_stored(tmp_path: Path) -> None:
    """The writer finds users that it did not add itself."""
    async with sqlite(tmp_path) as store:
        await store.load(T0)
        admin.add_account(tmp_path, ANN, "$hash")
        drafts: list[d.Draft] = [
            d.CreateRoom(LOBBY, EPOCH, PLAIN, {ANN: "owner"}),
            say("hi"),
        ]
        outcomes = await store.commit(drafts, T0)
        assert [type(outcome) for outcome in outcomes] == [d.Committed] * 2
