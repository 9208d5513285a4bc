"""What the port promises of the audit, on every implementation."""

from __future__ import annotations

from typing import Any

from chatd.config import Difference
from chatd.core import drafts as d
from chatd.core.settings import PLAIN
from chatd.enums import AccountRole, Audited, LogLevel, MemberChange, Role
from chatd.ids import (
    OPERATOR,
    Cid,
    Epoch,
    RoomName,
    SessionId,
    UserName,
    session_tag,
)
from chatd.ports import Store
from chatd.wire.kinds import Text
from chatd.wire.operator import (
    Announce,
    AuditShown,
    Disconnect,
    Drain,
    Reload,
    SetLogLevel,
)
from tests.store.support import ANN, BOB, CY, DAY, LOBBY, T0, Site, delete, one, say

TEA, HALL = RoomName("tea"), RoomName("hall")


async def audit(store: Store, limit: int = 100, **wanted: Any) -> list[AuditShown]:
    """A page of it, of which there is no more."""
    nothing: dict[str, Any] = dict.fromkeys(("user", "by", "room", "since", "after"))
    found, more = await store.audit(**nothing | wanted, limit=limit)
    assert not more
    return found


def act(change: str, **fields: Any) -> d.Moderate:
    """What ann does to bob."""
    return d.Moderate(LOBBY, ANN, None, BOB, MemberChange(change), **fields)


async def test_each_act_is_kept_with_what_it_says(store: Store) -> None:
    """Who, whom, where, when, why; the newest first."""
    await one(store, act("mute", seconds=60, reason="noise"), T0)
    await one(store, act("role", role=Role.MODERATOR), T0 + 1)
    await one(store, act("kick", reason="still"), T0 + 2)
    await one(store, d.SetRoom(LOBBY, ANN, None, {"topic": "x", "archived": True}))
    await one(store, d.RenameRoom(LOBBY, ANN, None, TEA))
    await one(store, say("hi", user=BOB, room=TEA))
    await one(store, d.DeleteMessage(TEA, ANN, None, (await head(store)), True))
    await one(store, d.DestroyRoom(TEA, ANN, None))
    found = await audit(store)
    assert [(one.what, one.room, one.user) for one in found] == [
        (Audited.DESTROY, TEA, None),
        (Audited.DELETE, TEA, BOB),
        (Audited.RENAME, LOBBY, None),
        (Audited.SETTINGS, LOBBY, None),
        (Audited.KICK, LOBBY, BOB),
        (Audited.ROLE, LOBBY, BOB),
        (Audited.MUTE, LOBBY, BOB),
    ]
    assert {one.sender for one in found} == {ANN}
    _, deleted, renamed, changed, kicked, role, mute = found
    assert (mute.ts, mute.until, mute.reason) == (T0, T0 + 60_000, "noise")
    assert (role.ts, role.role, kicked.reason) == (T0 + 1, Role.MODERATOR, "still")
    assert (changed.keys, renamed.name) == (["archived", "topic"], TEA)
    assert deleted.of == 6


async def head(store: Store) -> Any:
    """The last seq of the tea room."""
    (row,) = await store.rooms([TEA])
    return row.head


async def test_everyday_acts_and_what_changes_nothing_are_not_kept(
    store: Store,
) -> None:
    """One's own words, an invitation, a retry, a refusal, a room of one's own."""
    for draft in (
        say("hi", user=BOB),
        delete(1, user=BOB),
        d.Moderate(LOBBY, ANN, None, CY, MemberChange.INVITE),
        d.Moderate(LOBBY, ANN, None, CY, MemberChange.UNBAN),
        d.Moderate(LOBBY, ANN, None, CY, MemberChange.KICK),
        d.CreateRoom(HALL, Epoch("1" * 16), PLAIN, {ANN: Role.OWNER}),
        d.DropRoom(HALL),
    ):
        await one(store, draft)
    ban = d.Moderate(LOBBY, ANN, Cid("b"), CY, MemberChange.BAN)
    await one(store, ban)
    await one(store, ban)
    assert [one.what for one in await audit(store)] == [Audited.BAN]


async def test_the_operator_is_in_it(store: Store) -> None:
    """With what he makes, and with what the store has nothing of."""
    epoch = Epoch("1" * 16)
    made = d.CreateRoom(TEA, epoch, PLAIN, {ANN: Role.OWNER}, by_operator=True)
    await one(store, made)
    await one(store, d.CreateRoom(HALL, epoch, PLAIN, {}, by_operator=True))
    await one(store, d.RecordAct(Disconnect(user=BOB)))
    await one(store, d.RecordAct(SetLogLevel(LogLevel.DEBUG)))
    await one(store, d.RecordAct(Announce(Text("tea"), TEA)))
    found = Difference(("auth.guests",), (), ("server.listen",))
    await one(store, d.RecordAct(Reload(), found))
    await one(store, act("kick"))
    kept = await audit(store, by=OPERATOR)
    assert [(one.what, one.room, one.user) for one in kept] == [
        (Audited.RELOAD, None, None),
        (Audited.ANNOUNCE, TEA, None),
        (Audited.LOG_LEVEL, None, None),
        (Audited.DISCONNECT, None, BOB),
        (Audited.CREATE, HALL, None),
        (Audited.CREATE, TEA, ANN),
    ]
    reload, announced, level, *_ = kept
    assert (reload.keys, announced.text) == (["auth.guests"], "tea")
    assert level.level is LogLevel.DEBUG


async def test_what_the_operator_does_to_accounts_is_in_it(store: Store) -> None:
    """Not what somebody does to his own."""
    dan, eve = UserName("dan"), UserName("eve")
    session = SessionId(b"s" * 32)
    for draft in (
        d.AddUser(dan, "dan", AccountRole.BOT, None, by_operator=True),
        d.AddUser(eve, "eve", AccountRole.USER, "hash"),
        d.OpenSession(session, BOB, None, T0),
        d.EndNamedSession(BOB, session_tag(session), by_operator=True),
        d.OpenSession(session, BOB, None, T0),
        d.EndSessions(BOB, by_operator=True),
        d.EndSessions(BOB, by_operator=True),
        d.OpenSession(session, BOB, None, T0),
        d.EndSessions(BOB),
        d.BanUser(BOB, T0 + DAY, "spam", T0),
        d.UnbanUser(BOB),
        d.UnbanUser(BOB),
        d.GiveRole(BOB, AccountRole.ADMIN),
        d.ResetPassword(BOB, "hash"),
        d.AddToken(CY, b"t" * 32, "ci", None, T0, None),
        d.RevokeToken(1),
        d.EraseUser(CY, None, None, by_operator=True),
        d.EraseUser(ANN, None, None),
    ):
        await one(store, draft)
    found = await audit(store, by=OPERATOR)
    assert [(entry.what, entry.user) for entry in found] == [
        (Audited.ERASE, CY),
        (Audited.TOKEN_REVOKE, CY),
        (Audited.TOKEN_ISSUE, CY),
        (Audited.PASSWORD, BOB),
        (Audited.ROLE, BOB),
        (Audited.UNBAN, BOB),
        (Audited.BAN, BOB),
        (Audited.LOGOUT, BOB),
        (Audited.LOGOUT, BOB),
        (Audited.ADD, dan),
    ]
    ban, everywhere, logout, added = found[-4:]
    assert (added.role, everywhere.session) == ("bot", None)
    assert logout.session == session_tag(session)
    assert (found[1].token, found[2].token) == (1, 1)
    assert (ban.until, ban.reason) == (T0 + DAY, "spam")
    assert (found[4].role, found[4].room) == ("admin", None)
    assert len(await audit(store)) == len(found)


async def test_who_lets_administrators_in_is_in_it(store: Store) -> None:
    """And all that the operator does of that kind; what others invite is theirs."""
    for number, (maker, role) in enumerate(
        (
            (None, AccountRole.USER),
            (ANN, AccountRole.ADMIN),
            (ANN, AccountRole.USER),
        )
    ):
        digest, ends = bytes([number]) * 32, T0 + DAY
        made = d.AddInvitation(digest, maker, LOBBY, role, 1, T0, ends)
        await one(store, made)
    await one(store, d.RemoveInvitation(1, None, BOB))
    await one(store, d.RemoveInvitation(2, None, OPERATOR))
    await one(store, d.RemoveInvitation(2, None, OPERATOR))
    await one(store, d.RemoveInvitation(3, ANN, ANN))
    await one(store, d.SetPlace("Northwind", BOB))
    await one(store, d.SetPlace("Northwind", BOB))
    found = await audit(store)
    assert [(kept.what, kept.sender, kept.invitation) for kept in found] == [
        (Audited.PLACE, BOB, None),
        (Audited.INVITATION_REVOKE, OPERATOR, 2),
        (Audited.INVITATION_REVOKE, BOB, 1),
        (Audited.INVITATION_CREATE, ANN, 2),
        (Audited.INVITATION_CREATE, OPERATOR, 1),
    ]
    assert (found[0].text, found[3].role) == ("Northwind", "admin")
    assert {kept.room for kept in found[3:]} == {LOBBY}


async def test_it_is_asked_for_by_whom_and_where(store: Store) -> None:
    """A room is found by each of its names, also when it is no more.

    Whatever was called so then is as well, once its name is another's.
    """
    await one(store, act("mute"))
    await one(store, d.Moderate(LOBBY, ANN, None, CY, MemberChange.BAN))
    await one(store, d.RenameRoom(LOBBY, ANN, None, TEA))
    await one(store, d.CreateRoom(HALL, Epoch("1" * 16), PLAIN, {BOB: Role.OWNER}))
    await one(store, d.SetRoom(HALL, BOB, None, {"slow_s": 5}))
    assert [one.what for one in await audit(store, user=CY)] == [Audited.BAN]
    assert [one.room for one in await audit(store, by=BOB)] == [HALL]
    assert len(await audit(store, room=LOBBY)) == 3
    await one(store, d.DestroyRoom(TEA, ANN, None))
    for room in (LOBBY, TEA):
        assert len(await audit(store, room=room)) == 4
    again = d.CreateRoom(TEA, Epoch("2" * 16), PLAIN, {}, by_operator=True)
    await one(store, again)
    await one(store, d.SetRoom(TEA, OPERATOR, None, {"topic": "x"}))
    assert [kept.what for kept in await audit(store, room=TEA)] == [
        *(Audited.SETTINGS, Audited.CREATE, Audited.DESTROY)
    ]
    found = await audit(store, room=LOBBY, user=BOB, by=ANN)
    assert [one.what for one in found] == [Audited.MUTE]
    assert await audit(store, room=RoomName("none")) == []
    assert await audit(store, user=UserName("nobody")) == []


async def test_it_comes_in_pages_and_since_when_one_wants(store: Store) -> None:
    """Nothing is missing between two, and nothing is older."""
    for day in range(4):
        await one(store, act("mute", seconds=60), T0 + day * DAY)
    page, more = await store.audit(
        user=None, by=None, room=None, since=None, after=None, limit=3
    )
    assert more
    rest = await audit(store, after=page[-1].entry)
    assert [one.ts for one in page + rest] == [T0 + day * DAY for day in (3, 2, 1, 0)]
    since = T0 + DAY
    young, more = await store.audit(
        user=None, by=None, room=None, since=since, after=None, limit=2
    )
    assert (len(young), more) == (2, True)
    assert [one.ts for one in await audit(store, since=since)] == [
        one.ts for one in page
    ]


async def test_it_is_there_after_a_restart(site: Site) -> None:
    """As all that was committed."""
    async with site.opened() as store:
        await store.load(T0)
        await one(store, d.RecordAct(Drain()))
    async with site.opened() as store:
        assert [one.what for one in await audit(store)] == [Audited.DRAIN]
