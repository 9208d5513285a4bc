"""How a store tells of what was changed beside the daemon, on every implementation."""

from __future__ import annotations

import trio

from chatd.core import drafts as d
from chatd.core.changes import AccessRevoked, Banned
from chatd.core.entities import Sanction
from chatd.enums import AccountRole, Role
from chatd.ids import UserName
from chatd.ports import Store
from tests.store.support import (
    ANN,
    BOB,
    CY,
    LOBBY,
    STORED,
    T0,
    Site,
    one,
    refused,
    row,
    say,
    session_id,
)

GUEST = UserName("dan~4f7k")
TOKEN = b"t" * 32


async def test_nothing_was_changed_until_somebody_else_did(store: Store) -> None:
    """What the daemon itself commits is no news to it."""
    assert await store.changes(0) == ([], 0)
    await one(store, say("a"))
    assert await store.changes(0) == ([], 0)


async def test_changes_are_told_in_order_and_once(store: Store, site: Site) -> None:
    """By rising numbers; from the last one on there is nothing until the next."""
    site.add_token(BOB, TOKEN, None, None)
    assert await store.changes(0) == ([], 0)
    site.ban(ANN, None, None)
    site.revoke(TOKEN)
    found, position = await store.changes(0)
    assert found == [Banned(ANN, None, None), AccessRevoked(BOB, TOKEN)]
    assert await store.changes(position) == ([], position)
    site.ban(CY, T0, "spam")
    found, after = await store.changes(position)
    assert found == [Banned(CY, T0, "spam")]
    assert after > position


async def test_what_was_taken_is_let_go_of(store: Store, site: Site) -> None:
    """Up to a position; positions go on."""
    for user in (ANN, BOB):
        site.ban(user, None, None)
    _, position = await store.changes(0)
    assert await one(store, d.KeepPosition(position)) == d.Committed()
    site.ban(CY, None, None)
    found, after = await store.changes(0)
    assert found == [Banned(CY, None, None)]
    assert after > position


async def test_a_start_begins_anew(site: Site) -> None:
    """What came before it is in the snapshot."""
    async with site.opened() as store:
        await store.load(T0)
        await one(store, d.AddUser(ANN, "Ann", AccountRole.USER, None))
        site.ban(ANN, None, None)
    async with site.opened() as store:
        await store.load(T0)
        assert (await store.changes(0))[0] == []
        site.ban(ANN, None, None)
        assert (await store.changes(0))[0] == [Banned(ANN, None, None)]


async def test_looking_is_not_cut_short(store: Store, site: Site) -> None:
    """A cancelled look has an outcome, and does not disturb a commit."""
    site.ban(ANN, None, None)
    with trio.CancelScope() as scope:
        scope.cancel()
        found, _ = await store.changes(0)
    assert len(found) == 1


async def test_a_ban_is_told_and_ends_the_sessions(store: Store, site: Site) -> None:
    """Memberships stay; a guest's go with his session, as ever."""
    await one(store, d.OpenSession(session_id("a"), ANN, None, T0))
    guest = d.AddUser(GUEST, "dan", AccountRole.GUEST, None)
    await one(store, d.OpenSession(session_id("g"), GUEST, None, T0, guest))
    await one(store, d.SetMember(LOBBY, GUEST, Role.MEMBER, event=False))
    for user in (ANN, GUEST):
        site.ban(user, T0 + 5, "spam")
        known = await store.user(user)
        assert known is not None
        assert known.ban == Sanction(T0 + 5, "spam")
        assert known.ban.holds(T0 + 4)
        assert not known.ban.holds(T0 + 5)
    assert Sanction(None, None).holds(T0)
    for word in "ag":
        assert await store.session(session_id(word)) is None
    assert list((await row(store)).members) == [ANN, BOB]


async def test_a_revoked_token_ends_its_sessions(store: Store, site: Site) -> None:
    """Others of the user stay."""
    for token in (TOKEN, b"u" * 32):
        site.add_token(ANN, token, None, None)
    await one(store, d.OpenSession(session_id("t"), ANN, TOKEN, T0))
    await one(store, d.OpenSession(session_id("u"), ANN, b"u" * 32, T0))
    site.revoke(TOKEN)
    assert await store.token(TOKEN) is None
    assert await store.session(session_id("t")) is None
    assert await store.session(session_id("u")) is not None


async def test_sessions_end_together(store: Store, site: Site) -> None:
    """All of a user, or those of one token; a guest's memberships with the last."""
    site.add_token(ANN, TOKEN, None, None)
    guest = d.AddUser(GUEST, "dan", AccountRole.GUEST, None)
    outcomes = await store.commit(
        [
            d.OpenSession(session_id("1"), GUEST, None, T0, guest),
            d.OpenSession(session_id("2"), GUEST, TOKEN, T0),
            d.SetMember(LOBBY, GUEST, Role.MEMBER, event=False),
            d.OpenSession(session_id("a"), ANN, None, T0),
            d.EndSessions(GUEST, TOKEN),
            d.EndSessions(GUEST, TOKEN),
        ],
        T0,
    )
    assert outcomes[-2:] == [STORED, d.Duplicate()]
    assert await store.session(session_id("1")) is not None
    assert await store.session(session_id("2")) is None
    assert await one(store, d.SetMember(LOBBY, GUEST, Role.MEMBER, event=False)) == (
        d.Duplicate()
    ), "he was still a member"
    assert await one(store, d.EndSessions(GUEST)) == STORED
    assert await one(store, d.SetMember(LOBBY, GUEST, Role.MEMBER, event=False)) == (
        STORED
    )
    assert await store.session(session_id("a")) is not None
    nobody = d.EndSessions(UserName("nobody"))
    assert refused(await one(store, nobody)) == "no_user"
