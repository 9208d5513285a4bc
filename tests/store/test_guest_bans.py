"""What `chatd.ports.Store` promises of guests' addresses, on every implementation."""

from __future__ import annotations

import pytest

from chatd.core import drafts as d
from chatd.core.barred import KNOWN_MS
from chatd.core.changes import AddressBan, Banned, Moderated
from chatd.core.settings import PLAIN
from chatd.enums import AccountRole, MemberChange, Role
from chatd.errors import RejectCode
from chatd.ids import RoomName, UserName
from chatd.ports import Store
from chatd.wire.events import HOUR_MS
from tests.store.support import (
    ANN,
    BOB,
    DAY,
    EPOCH,
    LOBBY,
    T0,
    Site,
    one,
    refused,
    session_id,
)

GUEST, OTHER = UserName("dan~4f7k"), UserName("eve~2x2y")
HERE, THERE = b"h" * 16, b"t" * 16
DEN = RoomName("den")


def come(user: UserName = GUEST, address: bytes | None = HERE) -> d.OpenSession:
    """A new guest's first session."""
    new = d.AddUser(user, user[:3], AccountRole.GUEST, None)
    return d.OpenSession(session_id(user), user, None, T0, new, address=address)


def act(
    change: str,
    target: UserName = GUEST,
    room: RoomName = LOBBY,
    seconds: int | None = None,
) -> d.Moderate:
    """An act of ann's."""
    return d.Moderate(
        room, ANN, None, target, MemberChange(change), None, seconds, "spam"
    )


def ban(
    user: UserName = GUEST, until: int | None = None, address: bytes = HERE
) -> AddressBan:
    """What a ban at T0 holds for."""
    return AddressBan(user, address, T0, until, "spam")


async def barred(outcome: d.Outcome) -> AddressBan | None:
    """What a committed act holds for."""
    assert isinstance(outcome, d.Committed), outcome
    (change,) = outcome.changes
    assert isinstance(change, Moderated)
    return change.barred


async def in_lobby(
    store: Store, now: int = T0, certain: int | None = None
) -> list[AddressBan]:
    """What is found of the lobby after a start."""
    await store.load(now, certain)
    (lobby,) = await store.rooms([LOBBY])
    return lobby.barred


async def test_a_ban_holds_for_the_address_that_is_known(store: Store) -> None:
    """It is in the outcome, and in the next start, with the ban's own end."""
    await one(store, come())
    assert await barred(await one(store, act("ban", seconds=60))) == ban(
        until=T0 + 60_000
    )
    assert await in_lobby(store) == [ban(until=T0 + 60_000)]


async def test_of_others_no_address_is_known(store: Store) -> None:
    """Accounts, and guests of whom none was told."""
    await one(store, come(address=None))
    for user in (BOB, GUEST):
        assert await barred(await one(store, act("ban", user))) is None
    assert await in_lobby(store) == []


async def test_other_acts_hold_for_nobody_else(store: Store) -> None:
    """A guest who is removed or muted is himself alone."""
    await one(store, come())
    await one(store, d.SetMember(LOBBY, GUEST, Role.MEMBER, event=False))
    for change in ("mute", "kick", "unmute"):
        assert await barred(await one(store, act(change))) is None
    assert await in_lobby(store) == []


async def test_the_newest_address_counts(store: Store) -> None:
    """A start knows it, as long as he has his session."""
    await one(store, come())
    await one(store, d.NoteAddress(GUEST, THERE))
    snapshot = await store.load(T0)
    assert [record.user.address for record in snapshot.guests] == [THERE]
    assert await barred(await one(store, act("ban"))) == ban(address=THERE)
    nobody = d.NoteAddress(UserName("nobody"), HERE)
    assert refused(await one(store, nobody)) is RejectCode.NO_USER


async def test_each_room_has_its_own(store: Store) -> None:
    """And a second ban of one guest takes the place of the first."""
    await one(store, d.CreateRoom(DEN, EPOCH, PLAIN, {ANN: Role.OWNER}))
    for draft in (come(), come(OTHER), act("ban"), act("ban", room=DEN)):
        await one(store, draft)
    await one(store, act("ban", OTHER))
    await one(store, act("ban", seconds=60))
    assert await in_lobby(store) == [ban(until=T0 + 60_000), ban(OTHER)]
    (den,) = await store.rooms([DEN])
    assert den.barred == [ban()]
    assert (await store.load(T0)).barred == []


async def test_unban_lifts_it(store: Store) -> None:
    """Where it was, also when he has gone."""
    await one(store, come())
    await one(store, act("ban"))
    await one(store, d.EndSession(session_id(GUEST)))
    assert isinstance(await one(store, act("unban")), d.Committed)
    assert await in_lobby(store) == []


async def test_a_room_that_ends_takes_them_along(store: Store) -> None:
    """Nothing of it is found by the next start, nor by a room of before."""
    await one(store, come())
    await one(store, act("ban"))
    await one(store, d.DestroyRoom(LOBBY, ANN, None))
    await one(store, d.CreateRoom(LOBBY, EPOCH, PLAIN, {}))
    assert await in_lobby(store) == []


@pytest.mark.parametrize(("seconds", "ends"), [(60, 60_000), (None, DAY)])
async def test_it_is_forgotten_when_it_ends(
    store: Store, seconds: int | None, ends: int
) -> None:
    """With the ban, or after a day."""
    await one(store, come())
    await one(store, act("ban", seconds=seconds))
    assert len(await in_lobby(store, T0 + ends - 1)) == 1
    assert await in_lobby(store, T0 + ends) == []


async def test_it_ends_by_what_is_certain(store: Store) -> None:
    """Not by a clock that is 40 days ahead while it is made."""
    await one(store, come())
    await store.commit([act("ban")], T0 + 40 * DAY, T0)
    assert len(await in_lobby(store, T0 + DAY - 1, T0)) == 1
    assert await in_lobby(store, T0 + DAY, T0) == []


async def test_who_has_gone_can_be_banned_for_an_hour(store: Store) -> None:
    """Then his address is forgotten, and he is nobody."""
    for user in (GUEST, OTHER):
        await one(store, come(user))
        await one(store, d.EndSession(session_id(user)))
    assert await barred(await one(store, act("ban"), T0 + KNOWN_MS - 1)) is not None
    await store.load(T0 + KNOWN_MS)
    gone = await one(store, act("ban", OTHER), T0 + KNOWN_MS)
    assert refused(gone) is RejectCode.NO_USER


async def test_a_guest_who_is_in_the_room_can_be_banned_without_one(
    store: Store,
) -> None:
    """What is not known of him keeps nobody from it."""
    await one(store, come(address=None))
    await one(store, d.SetMember(LOBBY, GUEST, Role.MEMBER, event=False))
    assert isinstance(await one(store, act("ban")), d.Committed)


@pytest.mark.parametrize("change", ["invite", "mute"])
async def test_a_guest_who_has_gone_can_be_neither_invited_nor_muted(
    store: Store, change: str
) -> None:
    """Nobody will come for it; whoever is here may be."""
    await one(store, come())
    await one(store, come(OTHER))
    await one(store, d.EndSession(session_id(GUEST)))
    assert refused(await one(store, act(change))) is RejectCode.NO_USER
    assert isinstance(await one(store, act(change, OTHER)), d.Committed)


async def test_a_ban_from_the_server_is_told_with_its_address(
    store: Store, site: Site
) -> None:
    """To the running daemon, and to the next start; lifting it ends both."""
    await one(store, come())
    outcome = await one(store, d.BanUser(GUEST, None, "spam", T0))
    assert outcome == d.Committed((Banned(GUEST, None, "spam", ban()),))
    snapshot = await store.load(T0)
    assert snapshot.barred == [ban()]
    assert await in_lobby(store) == []
    site.unban(GUEST)
    assert (await store.load(T0)).barred == []


async def test_a_ban_of_an_account_has_none(store: Store) -> None:
    """An office has one address."""
    outcome = await one(store, d.BanUser(BOB, None, None, T0))
    assert outcome == d.Committed((Banned(BOB, None, None),))
    assert (await store.load(T0)).barred == []


async def test_a_restart_keeps_the_address_of_who_went_meanwhile(site: Site) -> None:
    """For an hour from then on."""
    async with site.opened() as store:
        await store.load(T0)
        await one(store, d.AddUser(ANN, ANN, AccountRole.USER, None))
        await one(store, d.CreateRoom(LOBBY, EPOCH, PLAIN, {ANN: Role.OWNER}))
        for user in (GUEST, OTHER):
            await one(store, come(user))
        await store.load(T0)
        back = T0 + 2 * HOUR_MS
        await store.load(back)
        assert await barred(await one(store, act("ban"), back)) is not None
        late = back + KNOWN_MS
        await store.load(late)
        assert refused(await one(store, act("ban", OTHER), late)) is RejectCode.NO_USER
