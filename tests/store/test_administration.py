"""What the port promises of the operator's drafts, on every implementation."""

from __future__ import annotations

import pytest

from chatd.core import drafts as d
from chatd.core.changes import AccessRevoked, Banned, RoleSet, Unbanned
from chatd.core.entities import Sanction
from chatd.enums import AccountRole
from chatd.errors import RejectCode
from chatd.ids import RoomName, UserName
from chatd.ports import Store
from tests.store.support import ANN, BOB, LOBBY, T0, Site, one, refused, session_id

TOKEN = b"t" * 32
NOBODY = UserName("nobody")
GUEST = UserName("dan~4f7k")


async def open_session(store: Store, word: str, token: bytes | None = None) -> None:
    """Let ann come in."""
    draft = d.OpenSession(session_id(word), ANN, token, T0)
    assert isinstance(await one(store, draft), d.Committed)


async def test_another_password_voids_all_that_the_old_one_opened(
    store: Store, site: Site
) -> None:
    """Sessions and tokens, of this account alone."""
    for user, token in ((ANN, TOKEN), (BOB, b"b" * 32)):
        site.add_token(user, token, None, None)
    await open_session(store, "one")
    outcome = await one(store, d.ResetPassword(ANN, "new"))
    assert outcome == d.Committed((AccessRevoked(ANN, void=(session_id("one"),)),))
    row = await store.user(ANN)
    assert row is not None
    assert row.password_hash == "new"
    assert await store.session(session_id("one")) is None
    assert await store.token(TOKEN) is None
    assert await store.token(b"b" * 32) is not None


async def test_a_role_is_given(store: Store) -> None:
    """And read at the next login."""
    outcome = await one(store, d.GiveRole(ANN, AccountRole.ADMIN))
    assert outcome == d.Committed((RoleSet(ANN, AccountRole.ADMIN),))
    row = await store.user(ANN)
    assert row is not None
    assert row.role == AccountRole.ADMIN


async def test_a_ban_ends_sessions_and_keeps_tokens(store: Store, site: Site) -> None:
    """They rest; when it is lifted they hold again, and sessions are gone."""
    site.add_token(ANN, TOKEN, None, None)
    await open_session(store, "one", TOKEN)
    outcome = await one(store, d.BanUser(ANN, T0 + 1, "spam", T0))
    assert outcome == d.Committed((Banned(ANN, T0 + 1, "spam"),))
    row = await store.user(ANN)
    assert row is not None
    assert row.ban == Sanction(T0 + 1, "spam")
    assert await store.session(session_id("one")) is None
    assert await store.token(TOKEN) is not None
    lifted = await one(store, d.UnbanUser(ANN))
    assert lifted == d.Committed((Unbanned(ANN),))
    assert await one(store, d.UnbanUser(ANN)) == d.Duplicate()


async def test_a_token_is_kept_and_voided(store: Store) -> None:
    """With the sessions that came from it; its number is never given out again."""
    add = d.AddToken(ANN, TOKEN, "ci", None, T0, T0 + 1, (LOBBY,))
    issued = await one(store, add)
    assert isinstance(issued, d.Issued)
    row = await store.token(TOKEN)
    assert row is not None
    assert (row.user, row.expires, row.name, row.scope) == (ANN, T0 + 1, "ci", None)
    await open_session(store, "token", TOKEN)
    await open_session(store, "password")
    outcome = await one(store, d.RevokeToken(issued.number))
    assert outcome == d.Committed(
        (AccessRevoked(ANN, TOKEN, void=(session_id("token"),)),)
    )
    assert await store.token(TOKEN) is None
    assert await store.session(session_id("token")) is None
    assert await store.session(session_id("password")) is not None
    again = await one(store, d.RevokeToken(issued.number))
    assert refused(again) is RejectCode.NO_TOKEN
    second = await one(store, d.AddToken(ANN, TOKEN, "", None, T0, None))
    assert second == d.Issued(number=issued.number + 1)


async def test_a_token_needs_its_rooms(store: Store) -> None:
    """All of them."""
    rooms = (LOBBY, RoomName("den"))
    outcome = await one(store, d.AddToken(ANN, TOKEN, "", None, T0, None, rooms))
    assert outcome == d.Refused(RejectCode.NO_ROOM, "there is no room den", "rooms")
    assert await store.token(TOKEN) is None


def _digest(number: int) -> bytes:
    return number.to_bytes(32, "big")


async def test_an_invitation_may_be_nobodys(store: Store) -> None:
    """The operator has made it, and may have any number."""
    drafts: list[d.Draft] = [
        d.AddInvitation(digest, None, LOBBY, AccountRole.USER, 1, T0, T0 + 1)
        for digest in map(_digest, range(d.INVITATIONS_MAX + 1))
    ]
    outcomes = await store.commit(drafts, T0)
    assert outcomes[-1] == d.Invited(number=len(drafts))
    found = await store.invitation(_digest(d.INVITATIONS_MAX))
    assert found is not None
    assert (found.maker, found.room) == (None, LOBBY)


@pytest.mark.parametrize(
    "draft",
    [
        d.ResetPassword(NOBODY, "new"),
        d.ResetPassword(GUEST, "new"),
        d.GiveRole(NOBODY, AccountRole.BOT),
        d.GiveRole(GUEST, AccountRole.BOT),
        d.BanUser(NOBODY, None, None, T0),
        d.UnbanUser(NOBODY),
        d.AddToken(NOBODY, TOKEN, "", None, T0, None),
        d.AddToken(GUEST, TOKEN, "", None, T0, None),
    ],
)
async def test_there_has_to_be_a_user(store: Store, draft: d.Draft) -> None:
    """A guest has no password, and no role but his."""
    come = d.OpenSession(
        session_id("g"),
        GUEST,
        None,
        T0,
        d.AddUser(GUEST, "dan", AccountRole.GUEST, None),
    )
    assert isinstance(await one(store, come), d.Committed)
    assert refused(await one(store, draft)) is RejectCode.NO_USER
