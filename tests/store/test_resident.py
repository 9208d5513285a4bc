"""What comes into memory, in every store: rooms, users, and what a start tells."""

from __future__ import annotations

import attrs
import pytest

from chatd.core import drafts as d
from chatd.core.changes import AddressBan
from chatd.core.entities import Invite, Membership, Sanction
from chatd.core.rows import PublicRoom, RoomRow, UserRecord, UserRow
from chatd.core.settings import PLAIN, RoomSettings
from chatd.enums import AccountRole, Level, MemberChange, Role
from chatd.ids import RoomName, Seq, UserName
from chatd.ports import Store
from chatd.store.sqlite.readers import LOADED_ROOMS
from tests.store.support import (
    ANN,
    BOB,
    CY,
    DIRECT,
    EPOCH,
    LOBBY,
    T0,
    Site,
    fill,
    one,
    row,
    say,
    session_id,
)

GUEST = UserName("dan~4f7k")
TEA, HALL, DEN = RoomName("tea"), RoomName("hall"), RoomName("~ccfbni6c472bpykg")
NOWHERE, NOBODY = RoomName("nowhere"), UserName("nobody")


def make(
    room: RoomName = TEA, settings: RoomSettings = PLAIN, owner: UserName = ANN
) -> d.CreateRoom:
    """A room that its owner has made."""
    return d.CreateRoom(room, EPOCH, settings, {owner: Role.OWNER}, maker=owner)


def act(change: str, target: UserName, room: RoomName = TEA) -> d.Moderate:
    """An act of ann's."""
    return d.Moderate(room, ANN, None, target, MemberChange(change))


def come(address: bytes | None = None) -> d.OpenSession:
    """A guest comes."""
    new = d.AddUser(GUEST, "dan", AccountRole.GUEST, None)
    return d.OpenSession(session_id("g"), GUEST, None, T0, new, address=address)


def leave(user: UserName = ANN, room: RoomName = TEA) -> d.SetMember:
    """Somebody leaves."""
    return d.SetMember(room, user, None, event=False)


# --- rooms ----------------------------------------------------------------------


async def test_a_room_is_read_with_all_who_are_in_it(store: Store) -> None:
    """In the order of their names."""
    await store.commit(
        [
            make(settings=RoomSettings(topic="leaves")),
            come(b"a" * 16),
            d.SetMember(TEA, GUEST, Role.MODERATOR, event=True),
            d.SetMember(TEA, BOB, Role.MEMBER, event=True),
            say("hi", room=TEA),
            act("mute", GUEST),
            act("mute", BOB),
            act("invite", CY),
            d.SaveMarks({(TEA, BOB): Seq(3)}, {}),
            d.SetLevel(TEA, BOB, Level.MENTIONS),
            d.RenameRoom(TEA, ANN, None, HALL),
            d.RenameRoom(HALL, ANN, None, NOWHERE),
        ],
        T0,
    )
    assert await store.rooms([NOWHERE]) == [
        RoomRow(
            NOWHERE,
            EPOCH,
            Seq(8),
            Seq(1),
            T0,
            RoomSettings(topic="leaves"),
            {
                ANN: Membership(Role.OWNER, Seq(0)),
                BOB: Membership(Role.MEMBER, Seq(3), level=Level.MENTIONS),
                GUEST: Membership(Role.MODERATOR, Seq(1)),
            },
            {},
            {},
            {BOB: Sanction(None, None), GUEST: Sanction(None, None)},
            {CY: Invite(ANN, T0)},
            was=[TEA, HALL],
            maker=ANN,
            spoken=True,
        )
    ]


async def test_a_ban_is_read_with_its_address(store: Store) -> None:
    """And with it all guests from there."""
    await store.commit([make(), come(b"a" * 16), act("ban", GUEST)], T0)
    (room,) = await store.rooms([TEA])
    assert room.bans == {GUEST: Sanction(None, None)}
    assert room.barred == [AddressBan(GUEST, b"a" * 16, T0, None, None)]
    assert (room.spoken, room.mutes, room.invites) == (False, {}, {})


async def test_a_leader_who_is_banned_from_the_server_is_told_so(
    store: Store, site: Site
) -> None:
    """Somebody has to stand in for him."""
    site.ban(ANN, T0 + 5, "spam")
    site.ban(BOB, None, None)
    (room,) = await store.rooms([LOBBY])
    assert room.banned == {ANN: Sanction(T0 + 5, "spam")}


async def test_rooms_are_found_by_each_of_their_names(store: Store) -> None:
    """Each once, in the order in which they are named; others are left out."""
    await store.commit([make(), d.RenameRoom(TEA, ANN, None, HALL)], T0)
    names = [TEA, NOWHERE, LOBBY, HALL, DIRECT]
    found = await store.rooms(names)
    assert [room.room for room in found] == [HALL, LOBBY, DIRECT]
    assert await store.rooms([TEA]) == await store.rooms([HALL]) == found[:1]
    assert await store.rooms([NOWHERE]) == await store.rooms([]) == []


async def test_any_number_of_rooms_is_read(store: Store) -> None:
    """More than one look-up has."""
    names = [RoomName(f"r{number:03}") for number in range(3 * LOADED_ROOMS + 1)]
    await store.commit([make(name) for name in names], T0)
    assert [room.room for room in await store.rooms(names)] == names
    twice = await store.rooms([*names, *names])
    assert [room.room for room in twice] == names


async def test_a_room_that_has_ended_is_not_found(store: Store) -> None:
    """By no name that it had."""
    await store.commit(
        [make(), d.RenameRoom(TEA, ANN, None, HALL), d.DestroyRoom(HALL, ANN, None)], T0
    )
    assert await store.rooms([TEA, HALL]) == []


async def test_who_was_erased_is_in_no_room(store: Store) -> None:
    """Nor does he lead or wait; that he made it is known, by his name of now."""
    nameless = UserName("erased~aaaa")
    await store.commit(
        [
            make(),
            d.SetMember(TEA, BOB, Role.OWNER, event=False),
            act("invite", CY),
            d.EraseUser(ANN, None, nameless),
        ],
        T0,
    )
    (room,) = await store.rooms([TEA])
    assert list(room.members) == [BOB]
    assert (room.invites, room.maker) == ({}, nameless)
    (direct,) = await store.rooms([DIRECT])
    assert list(direct.members) == [BOB]


# --- users ----------------------------------------------------------------------


async def test_a_user_is_read_with_all_that_he_has(store: Store) -> None:
    """Whom he blocks, what he has made, and where he is or was asked to come in."""
    await store.commit(
        [
            d.SetPasswordHash(BOB, "$hash", None),
            make(owner=BOB),
            make(HALL, owner=BOB),
            d.DestroyRoom(HALL, BOB, None),
            make(DEN),
            act("invite", BOB, DEN),
            d.SetBlock(BOB, CY, on=True),
            d.SetBlock(BOB, ANN, on=True),
            d.SetBlock(ANN, BOB, on=True),
        ],
        T0,
    )
    assert await store.user_record(BOB) == UserRecord(
        UserRow(BOB, BOB, AccountRole.USER),
        [ANN, CY],
        [TEA],
        [DIRECT, LOBBY, TEA, DEN],
    )


async def test_what_somebody_made_is_his_wherever_he_is(store: Store) -> None:
    """By the name that it has now; until it ends."""
    await store.commit([make(), leave(), d.RenameRoom(TEA, ANN, None, HALL)], T0)
    record = await store.user_record(ANN)
    assert record is not None
    assert (record.made, record.rooms) == ([HALL], [DIRECT, LOBBY])
    await one(store, d.DropRoom(HALL))
    record = await store.user_record(ANN)
    assert record is not None
    assert record.made == []


async def test_a_guest_is_read_like_others(store: Store) -> None:
    """With his address; also when he has gone, without what has ended then."""
    await store.commit(
        [come(b"a" * 16), d.SetMember(LOBBY, GUEST, Role.MEMBER, event=False)], T0
    )
    known = UserRow(GUEST, "dan", AccountRole.GUEST, address=b"a" * 16)
    assert await store.user_record(GUEST) == UserRecord(known, rooms=[LOBBY])
    await one(store, d.EndSession(session_id("g")))
    assert await store.user_record(GUEST) == UserRecord(known)


async def test_who_is_nobody_has_no_record(store: Store) -> None:
    """Who never was, and who was erased."""
    await one(store, d.EraseUser(ANN, None, None))
    assert await store.user_record(NOBODY) is None
    assert await store.user_record(ANN) is None


async def test_how_users_are_shown_is_read_for_many(store: Store) -> None:
    """Who is nobody, or is not any more, is left out."""
    await store.commit([d.SetDisplay(ANN, "Ann"), d.EraseUser(CY, None, None)], T0)
    assert await store.displays([BOB, NOBODY, ANN, CY]) == {ANN: "Ann", BOB: BOB}
    assert await store.displays([]) == {}


# --- pages of rooms ---------------------------------------------------------------


NAMES = ("0", "9z", "ann", "z", "zz", "\u00e4", "\u043b\u043e\u0431\u0431\u0438")
"""Of public rooms, in their order; the others' lie before, among and behind them."""


@pytest.mark.parametrize("limit", [1, 2, 3, 99])
async def test_public_rooms_are_read_page_by_page(store: Store, limit: int) -> None:
    """By name, each with how many are in it; no other room is told of."""
    await store.commit([make(RoomName(name)) for name in (*NAMES, DEN)], T0)
    await store.commit(
        [
            d.DeclareRoom(RoomName("z"), RoomSettings(topic="last")),
            d.SetMember(RoomName("z"), BOB, Role.MEMBER, event=False),
            leave(room=RoomName("ann")),
            make(TEA),
            d.DestroyRoom(TEA, ANN, None),
        ],
        T0,
    )
    found: list[PublicRoom] = []
    more = True
    while more:
        after = found[-1].room if found else None
        page, more = await store.public_rooms(after, limit)
        assert len(page) == limit or not more
        found += page
    assert [room.room for room in found] == sorted([*NAMES, LOBBY])
    members = {room.room: room.members for room in found}
    assert {name for name, count in members.items() if count == 2} == {LOBBY, "z"}
    assert members[RoomName("ann")] == 0
    assert found[[room.room for room in found].index(RoomName("z"))] == PublicRoom(
        RoomName("z"), 2, RoomSettings(topic="last")
    )


async def test_a_page_begins_behind_any_name(store: Store) -> None:
    """Also one that no public room has."""
    await store.commit([make(RoomName(name)) for name in NAMES], T0)
    for after in (DIRECT, RoomName("@"), RoomName("A")):
        page, _ = await store.public_rooms(after, 1)
        assert [room.room for room in page] == ["ann"]
    for after in (DEN, RoomName("~"), RoomName("zz")):
        page, _ = await store.public_rooms(after, 1)
        assert [room.room for room in page] == ["\u00e4"]
    assert await store.public_rooms(RoomName(NAMES[-1]), 9) == ([], False)


async def test_how_many_are_in_a_room_is_what_its_row_shows(store: Store) -> None:
    """Whatever has happened to them."""

    async def count() -> int:
        ((shown,), _) = await store.public_rooms(None, 9)
        (room,) = await store.rooms([LOBBY])
        assert shown.members == len(room.members)
        return shown.members

    flow: list[tuple[d.Draft, int]] = [
        (come(), 2),
        (d.SetMember(LOBBY, GUEST, Role.MEMBER, event=False), 3),
        (d.SetMember(LOBBY, CY, Role.MEMBER, event=True), 4),
        (d.SetMember(LOBBY, CY, Role.OWNER, event=True), 4),
        (act("kick", BOB, LOBBY), 3),
        (d.EndSession(session_id("g")), 2),
        (d.EraseUser(ANN, None, UserName("erased~aaaa")), 1),
        (d.RenameRoom(LOBBY, CY, None, HALL), 1),
        (leave(CY, HALL), 0),
    ]
    for draft, members in flow:
        await one(store, draft)
        assert await count() == members


async def test_rooms_that_forget_are_read_page_by_page(store: Store) -> None:
    """By name, whichever they are, as long as they do and are there."""
    days, many = RoomSettings(keep_days=9), RoomSettings(keep_messages=5, topic="x")
    await store.commit(
        [
            make(TEA, days),
            make(HALL, many),
            make(DEN, days),
            make(NOWHERE, days),
            d.DestroyRoom(NOWHERE, ANN, None),
            d.SetRoom(LOBBY, ANN, None, {"keep_days": 2}),
        ],
        T0,
    )
    lobby = RoomSettings(keep_days=2)
    assert await store.trimming(None, 9) == [
        (HALL, many),
        (LOBBY, lobby),
        (TEA, days),
        (DEN, days),
    ]
    assert await store.trimming(HALL, 2) == [(LOBBY, lobby), (TEA, days)]
    await one(store, d.SetRoom(LOBBY, ANN, None, {"keep_days": 0}))
    assert await store.trimming(HALL, 1) == [(TEA, days)]
    assert await store.trimming(DEN, 9) == []


# --- what a start tells -----------------------------------------------------------


async def needless(store: Store) -> list[RoomName]:
    """What a start finds that nobody needs."""
    return (await store.load(T0)).needless


async def test_a_room_that_nobody_can_want_is_told(store: Store) -> None:
    """Private ones that are empty, and public ones of which nothing is left."""
    written, declared = RoomName("written"), RoomName("declared")
    nobodys = attrs.evolve(make(HALL), members={}, maker=ANN)
    await store.commit(
        [
            *(make(TEA), make(DEN), nobodys, make(written)),
            d.CreateRoom(declared, EPOCH, PLAIN, {}),
            *(say("hi", room=room) for room in (DEN, written)),
            d.DeleteMessage(written, ANN, None, Seq(1)),
        ],
        T0,
    )
    assert await needless(store) == [HALL]
    await store.commit([leave(room=room) for room in (TEA, DEN, written, DIRECT)], T0)
    await one(store, leave(BOB, DIRECT))
    assert await needless(store) == [HALL, TEA, DEN]
    await one(store, d.SetMember(TEA, BOB, Role.MEMBER, event=False))
    await one(store, d.DropRoom(DEN))
    assert await needless(store) == [HALL]
    await store.commit([say("hi", user=BOB, room=TEA), leave(BOB)], T0)
    assert await needless(store) == [HALL]


async def test_a_room_is_needless_when_it_has_forgotten_all(store: Store) -> None:
    """Though something was said there when the last one left."""
    await store.commit([make(), say("hi", room=TEA), leave()], T0)
    assert await needless(store) == []
    await one(store, d.TrimRoom(TEA, T0 + 1, None))
    assert (await row(store, TEA)).spoken is False
    assert await needless(store) == [TEA]


async def test_a_room_of_guests_who_have_gone_is_needless(site: Site) -> None:
    """From the start on that finds that their sessions have ended."""
    async with site.opened() as store:
        await store.load(T0)
        await fill(store)
        await store.commit([come(), make(owner=GUEST), make(DEN, owner=GUEST)], T0)
    async with site.opened() as store:
        snapshot = await store.load(T0)
        known = UserRow(GUEST, "dan", AccountRole.GUEST)
        record = UserRecord(known, made=[TEA, DEN], rooms=[TEA, DEN])
        assert snapshot.guests == [record]
        assert snapshot.needless == []
    async with site.opened() as store:
        snapshot = await store.load(T0 + 900_000)
        assert (snapshot.guests, snapshot.guest_sessions) == ([], [])
        assert snapshot.needless == [TEA, DEN]
