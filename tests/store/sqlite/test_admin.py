"""The command line's accounts and tokens, before, beside and after a daemon."""

from __future__ import annotations

from pathlib import Path

import pytest

from chatd.core import drafts as d
from chatd.core.changes import RoleSet, Unbanned, UserAdded
from chatd.core.entities import Sanction
from chatd.core.settings import PLAIN
from chatd.enums import AccountRole, Role
from chatd.errors import Reject, RejectCode, StoreRefused
from chatd.ids import UserName, session_tag
from chatd.ports import TokenRow, UserRow
from chatd.store.sqlite import admin, files, migrate, offline, tokens
from chatd.store.sqlite.export import export
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
    tokens.add_token(directory, ANN, b"t" * 32, None, T0)
    async with sqlite(directory) as store:
        await store.load(T0)
        assert await store.user(ANN) == UserRow(ANN, "ann", "user", "$hash")
        assert await store.token(b"t" * 32) == TokenRow(ANN, None, "")


async def test_an_account_may_come_while_the_daemon_runs(tmp_path: Path) -> None:
    """It is seen at once, by reads and by the writer, and blocks nobody."""
    async with sqlite(tmp_path) as store:
        await store.load(T0)
        assert await store.user(ANN) is None
        admin.add_account(tmp_path, ANN, "$hash")
        assert await store.user(ANN) is not None
        again = await one(store, d.AddUser(ANN, "Ann", AccountRole.USER, None))
        assert refused(again) is RejectCode.NAME_TAKEN


async def test_a_name_that_was_ever_taken_is_refused(tmp_path: Path) -> None:
    """An account's, and a guest's whose session has ended."""
    guest = d.AddUser(GUEST, "dan", AccountRole.GUEST, None)
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


async def test_an_account_may_have_to_look_like_no_other(tmp_path: Path) -> None:
    """As in the writer: with `distinct` what looks like a taken name is refused."""
    admin.add_account(tmp_path, ANN, "$hash", "look", distinct=True)
    with pytest.raises(Reject, match="the name looks like one that is taken"):
        admin.add_account(tmp_path, BOB, "$hash", "look", distinct=True)
    with pytest.raises(Reject, match="the name is taken"):
        admin.add_account(tmp_path, ANN, "$hash", "look", distinct=True)
    async with sqlite(tmp_path) as store:
        looks = await one(
            store, d.AddUser(BOB, "b", AccountRole.USER, None, "look", True)
        )
        assert refused(looks) is RejectCode.NAME_TAKEN
    admin.add_account(tmp_path, BOB, "$hash", "look")


async def test_a_token_needs_an_account(tmp_path: Path) -> None:
    """Neither a stranger nor a guest gets one."""
    admin.add_account(tmp_path, ANN, "$hash")
    async with sqlite(tmp_path) as store:
        await one(store, d.AddUser(GUEST, "dan", AccountRole.GUEST, None))
    for name in (BOB, GUEST):
        with pytest.raises(Reject) as reject:
            tokens.add_token(tmp_path, name, b"t" * 32, None, T0)
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
    with pytest.raises(StoreRefused, match="start this one once"):
        admin.accounts(tmp_path)
    admin.add_account(tmp_path, ANN, "$hash")
    async with sqlite(tmp_path) as store:
        assert await store.user(ANN) is not None


async def test_what_an_account_added_meanwhile_says_is_stored(tmp_path: Path) -> None:
    """The writer finds users that it did not add itself."""
    async with sqlite(tmp_path) as store:
        await store.load(T0)
        admin.add_account(tmp_path, ANN, "$hash")
        drafts: list[d.Draft] = [
            d.CreateRoom(LOBBY, EPOCH, PLAIN, {ANN: Role.OWNER}),
            say("hi"),
        ]
        outcomes = await store.commit(drafts, T0)
        assert [type(outcome) for outcome in outcomes] == [d.Committed] * 2


# --- accounts -----------------------------------------------------------------


async def test_accounts_are_listed_as_they_are(tmp_path: Path) -> None:
    """By name, with what the operator has to know; guests are not among them."""
    admin.add_account(tmp_path, BOB, None, role=AccountRole.BOT)
    admin.add_account(tmp_path, ANN, "$hash", role=AccountRole.ADMIN)
    admin.ban(tmp_path, BOB, Sanction(T0, "spam"), T0)
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


async def test_another_password_voids_what_the_old_one_opened(tmp_path: Path) -> None:
    """Sessions and tokens; those of others stay."""
    admin.add_account(tmp_path, ANN, "$old")
    admin.add_account(tmp_path, BOB, "$bob")
    for user, word in ((ANN, "a"), (BOB, "b")):
        tokens.add_token(tmp_path, user, word.encode() * 32, None, T0)
    async with sqlite(tmp_path) as store:
        for user, word in ((ANN, "a"), (BOB, "b")):
            await one(store, d.OpenSession(session_id(word), user, None, T0))
        admin.set_password(tmp_path, ANN, "$new")
        row = await store.user(ANN)
        assert row is not None
        assert row.password_hash == "$new"
        for found in (store.session(session_id("a")), store.token(b"a" * 32)):
            assert await found is None
        for found in (store.session(session_id("b")), store.token(b"b" * 32)):
            assert await found is not None


async def test_a_role_is_another_one(tmp_path: Path) -> None:
    """On disk at once, for the next hello."""
    admin.add_account(tmp_path, ANN, "$hash")
    async with sqlite(tmp_path) as store:
        admin.set_role(tmp_path, ANN, AccountRole.ADMIN)
        row = await store.user(ANN)
        assert row is not None
        assert row.role == "admin"
        (change,), _ = await store.changes(0)
        assert change == RoleSet(ANN, AccountRole.ADMIN)


async def test_a_ban_is_lifted(tmp_path: Path) -> None:
    """Also one that had lapsed; who is not banned is told from who is."""
    admin.add_account(tmp_path, ANN, "$hash")
    assert not admin.unban(tmp_path, ANN)
    admin.ban(tmp_path, ANN, Sanction(None, "spam"), T0)
    async with sqlite(tmp_path) as store:
        await store.load(T0)
        record = await store.user_record(ANN)
        assert record is not None
        assert record.user.ban == Sanction(None, "spam")
        position = admin.unban(tmp_path, ANN)
        row = await store.user(ANN)
        assert row is not None
        assert row.ban is None
        assert await store.changes(0) == ([Unbanned(ANN)], position)


async def test_sessions_are_listed_and_ended(tmp_path: Path) -> None:
    """The oldest first; a token is named by its id, and stays."""
    admin.add_account(tmp_path, ANN, "$hash")
    number = tokens.add_token(tmp_path, ANN, b"t" * 32, None, T0)
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
        admin.log_out(tmp_path, ANN)
        assert admin.sessions(tmp_path, ANN) == []
        assert await store.token(b"t" * 32) is not None


def test_tokens_are_listed_without_their_secret(tmp_path: Path) -> None:
    """All or one account's, by an id that is never used again."""
    admin.add_account(tmp_path, ANN, "$hash")
    admin.add_account(tmp_path, BOB, "$hash")
    first = tokens.add_token(tmp_path, ANN, b"a" * 32, None, T0)
    second = tokens.add_token(
        tmp_path, BOB, b"b" * 32, T0 + 1, T0, name="ci", scope='{"actions":["send"]}'
    )
    shown = tokens.TokenShown(second, BOB, "ci", '{"actions":["send"]}', T0, T0 + 1)
    assert [token.id for token in tokens.tokens(tmp_path)] == [first, second]
    assert tokens.tokens(tmp_path, BOB) == [shown]
    revoked = tokens.revoke_token(tmp_path, second)
    assert revoked is not None
    assert revoked[0] == BOB
    assert tokens.revoke_token(tmp_path, second) is None
    assert tokens.add_token(tmp_path, BOB, b"c" * 32, None, T0) > second


def test_who_is_not_there_is_refused(tmp_path: Path) -> None:
    """By every command that is about somebody; a guest has no password and role."""
    admin.add_account(tmp_path, ANN, "$hash")
    for change in (
        lambda: admin.set_password(tmp_path, BOB, "$hash"),
        lambda: admin.set_role(tmp_path, GUEST, AccountRole.ADMIN),
        lambda: admin.ban(tmp_path, BOB, Sanction(None, None), T0),
        lambda: admin.unban(tmp_path, BOB),
        lambda: admin.sessions(tmp_path, BOB),
        lambda: admin.log_out(tmp_path, BOB),
        lambda: tokens.tokens(tmp_path, BOB),
        lambda: next(export(tmp_path, BOB)),
    ):
        with pytest.raises(Reject) as reject:
            change()
        assert reject.value.code is RejectCode.NO_USER


def test_a_store_is_made_for_an_account_only(tmp_path: Path) -> None:
    """A directory that was mistyped stays as it was."""
    for change in (
        lambda: admin.accounts(tmp_path),
        lambda: admin.log_out(tmp_path, ANN),
        lambda: tokens.add_token(tmp_path, ANN, b"t" * 32, None, T0),
    ):
        with pytest.raises(StoreRefused, match="is it the right --data"):
            change()
    assert list(tmp_path.iterdir()) == []


# --- beside a daemon ------------------------------------------------------------


async def test_a_change_is_waited_for_while_a_daemon_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until it has taken the change, or ends, or takes too long."""
    monkeypatch.setattr(offline, "TAKEN_MAX_S", 0.1)
    admin.add_account(tmp_path, ANN, "$hash")
    number = admin.log_out(tmp_path, ANN)
    assert offline.wait_taken(tmp_path, number), "there is no daemon"
    async with sqlite(tmp_path) as store:
        assert not offline.wait_taken(tmp_path, number)
        _, position = await store.changes(0)
        await one(store, d.KeepPosition(position))
        assert offline.wait_taken(tmp_path, number)


async def test_of_new_accounts_a_daemon_is_told_of_administrators(
    tmp_path: Path,
) -> None:
    """Whom it may wait for; others are not in its memory, and nobody waits for it."""
    async with sqlite(tmp_path) as store:
        assert admin.add_account(tmp_path, BOB, "$hash") is None
        bot = UserName("bot")
        assert admin.add_account(tmp_path, bot, None, role=AccountRole.BOT) is None
        position = admin.add_account(tmp_path, ANN, None, role=AccountRole.ADMIN)
        added = UserAdded(ANN, ANN, AccountRole.ADMIN)
        assert await store.changes(0) == ([added], position)


def test_who_serves_is_seen_without_trying(tmp_path: Path) -> None:
    """Also where nobody has served yet; and looking takes nothing from a daemon."""
    assert not files.is_served(tmp_path)
    with files.locked(tmp_path):
        assert files.is_served(tmp_path)
    assert not files.is_served(tmp_path)
