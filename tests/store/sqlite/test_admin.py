"""What the command line shows of accounts and tokens, with and without a daemon."""

from __future__ import annotations

from pathlib import Path

import pytest

from chatd.core import drafts as d
from chatd.core.entities import Sanction
from chatd.enums import AccountRole
from chatd.errors import Reject, RejectCode, StoreRefused
from chatd.ids import UserName, session_tag
from chatd.ports import TokenRow, UserRow
from chatd.store.sqlite import admin, lock, migrate, tokens
from chatd.store.sqlite.export import export
from tests.store.support import (
    ANN,
    BOB,
    T0,
    add_account,
    add_token,
    execute,
    one,
    session_id,
    sqlite,
)

GUEST = UserName("dan~4f7k")


async def test_an_account_may_come_before_the_first_start(tmp_path: Path) -> None:
    """The store is made for it, and the daemon finds it."""
    directory = tmp_path / "data"
    add_account(directory, ANN, "$hash")
    add_token(directory, ANN, b"t" * 32, None, T0)
    async with sqlite(directory) as store:
        await store.load(T0)
        assert await store.user(ANN) == UserRow(ANN, "ann", "user", "$hash")
        assert await store.token(b"t" * 32) == TokenRow(ANN, None, "")


def test_a_file_that_is_not_ours_is_refused(tmp_path: Path) -> None:
    """As the daemon would refuse it, and left alone."""
    database = tmp_path / "chatd.db"
    for content in (b"", b"PK" + bytes(3000)):
        database.write_bytes(content)
        with pytest.raises(StoreRefused, match=r"chatd\.db"):
            admin.accounts(tmp_path)
        assert database.read_bytes() == content


async def test_an_old_store_is_left_to_the_daemon(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which copies it first: nobody changes the schema by a look."""
    later = (*migrate.migrations(), "CREATE TABLE later (x INTEGER) STRICT")
    async with sqlite(tmp_path):
        monkeypatch.setattr(migrate, "migrations", lambda: later)
    with pytest.raises(StoreRefused, match="start the daemon of this one once"):
        admin.accounts(tmp_path)


# --- accounts -----------------------------------------------------------------


async def test_accounts_are_listed_as_they_are(tmp_path: Path) -> None:
    """By name, with what the operator has to know; guests are not among them."""
    add_account(tmp_path, BOB, role=AccountRole.BOT)
    add_account(tmp_path, ANN, "$hash", AccountRole.ADMIN)
    execute(tmp_path, d.BanUser(BOB, T0, "spam", T0))
    async with sqlite(tmp_path) as store:
        await one(store, d.AddUser(GUEST, "dan", AccountRole.GUEST, None))
        await one(store, d.SetDisplay(ANN, "Ann"))
    ann, bob = admin.accounts(tmp_path)
    assert (ann.name, ann.display, ann.role, ann.has_password, ann.ban) == (
        "ann",
        "Ann",
        "admin",
        True,
        None,
    )
    assert (bob.has_password, bob.ban, bob.is_erased) == (
        False,
        Sanction(T0, "spam"),
        False,
    )
    assert bob.created <= ann.created


async def test_sessions_are_listed_and_ended(tmp_path: Path) -> None:
    """The oldest first; a token is named by its id, and stays."""
    add_account(tmp_path, ANN, "$hash")
    number = add_token(tmp_path, ANN, b"t" * 32, None, T0)
    async with sqlite(tmp_path) as store:
        await one(store, d.OpenSession(session_id("b"), ANN, None, T0 + 1, device="b"))
        await one(store, d.OpenSession(session_id("a"), ANN, b"t" * 32, T0))
        await one(store, d.SaveMarks({}, {session_id("a"): T0 + 5}))
        shown = admin.sessions(tmp_path, ANN)
        assert shown == [
            admin.SessionShown(
                session_tag(session_id("a")), T0, T0 + 5, number, None, None, None
            ),
            admin.SessionShown(
                session_tag(session_id("b")), T0 + 1, None, None, "b", None, None
            ),
        ]
        await one(store, d.EndSessions(ANN))
        assert admin.sessions(tmp_path, ANN) == []
        assert await store.token(b"t" * 32) is not None


def test_tokens_are_listed_without_their_secret(tmp_path: Path) -> None:
    """All or one account's, by an id that is never used again."""
    add_account(tmp_path, ANN, "$hash")
    add_account(tmp_path, BOB, "$hash")
    first = add_token(tmp_path, ANN, b"a" * 32, None, T0)
    second = add_token(
        tmp_path, BOB, b"b" * 32, T0 + 1, T0, name="ci", scope='{"actions":["send"]}'
    )
    shown = tokens.TokenShown(second, BOB, "ci", '{"actions":["send"]}', T0, T0 + 1)
    assert [token.id for token in tokens.tokens(tmp_path)] == [first, second]
    assert tokens.tokens(tmp_path, BOB) == [shown]
    execute(tmp_path, d.RevokeToken(second))
    assert add_token(tmp_path, BOB, b"c" * 32) > second


def test_who_is_not_there_is_refused(tmp_path: Path) -> None:
    """By every look at somebody; a guest has no password and role."""
    add_account(tmp_path, ANN, "$hash")
    for change in (
        lambda: admin.check_account(tmp_path, BOB),
        lambda: admin.check_account(tmp_path, GUEST),
        lambda: admin.sessions(tmp_path, BOB),
        lambda: tokens.tokens(tmp_path, BOB),
        lambda: next(export(tmp_path, BOB)),
    ):
        with pytest.raises(Reject) as reject:
            change()
        assert reject.value.code is RejectCode.NO_USER


def test_no_store_is_made_by_a_look(tmp_path: Path) -> None:
    """A directory that was mistyped stays as it was."""
    for change in (
        lambda: admin.accounts(tmp_path),
        lambda: admin.check_account(tmp_path, ANN),
        lambda: tokens.tokens(tmp_path),
    ):
        with pytest.raises(StoreRefused, match="-c FILE, or its directory with"):
            change()
    assert list(tmp_path.iterdir()) == []


# --- beside a daemon ------------------------------------------------------------


def test_who_serves_is_seen_without_trying(tmp_path: Path) -> None:
    """Also where nobody has served yet; and looking takes nothing from a daemon."""
    assert not lock.is_served(tmp_path)
    with lock.locked(tmp_path):
        assert lock.is_served(tmp_path)
    assert not lock.is_served(tmp_path)
