"""One function takes every change: total, idempotent, and whoever has caused it."""

from __future__ import annotations

from typing import get_args

import attrs
import pytest

from chatd.core import changes as c
from chatd.core.changes import Change, Lapse
from chatd.core.effects import Deliver
from chatd.core.entities import Membership, Room, Sanction
from chatd.core.invariants import check
from chatd.core.settings import PLAIN
from chatd.enums import AccountRole, Level, MemberChange, Role
from chatd.ids import Epoch, NodeId, RoomName, Seq, SessionId, UserName
from chatd.wire import events
from chatd.wire.kinds import Topic
from tests.core.harness import ANN, BOB, CY, LOBBY, Harness

NOWHERE, TEA = RoomName("nowhere"), RoomName("tea")
NOBODY = UserName("nobody")
BAN = c.AddressBan(NOBODY, b"a" * 16, 0, None, None)


def act(change: str, room: RoomName = LOBBY, seq: int = 1, **said: object) -> c.Change:
    """Bob does something to cy."""
    event = events.Member(room, Seq(seq), 0, BOB, CY, change, **said)  # type: ignore[arg-type]
    return c.Moderated(event)


def message(seq: int, room: RoomName = LOBBY) -> c.Appended:
    """Something that ann says."""
    return c.Appended(events.Message(room, Seq(seq), 0, ANN, "hi"))


ABOUT_NOTHING: list[Change] = [
    message(1, NOWHERE),
    c.SettingsSet(
        {"topic": "x"}, events.Room(NOWHERE, Seq(1), 0, ANN, topic=Topic("x"))
    ),
    c.RoomMade(LOBBY, Epoch("f" * 16), PLAIN, {ANN: Role.OWNER}),
    c.RoomDeclared(NOWHERE, PLAIN),
    c.RoomRenamed(NOWHERE, TEA),
    c.RoomRenamed(LOBBY, LOBBY),
    c.RoomEnded(NOWHERE, events.Destroy(NOWHERE, Seq(1), 0, ANN)),
    c.RoomTrimmed(NOWHERE, Seq(5)),
    c.MemberSet(NOWHERE, ANN, Role.MEMBER),
    c.MemberSet(LOBBY, UserName("dan~4f7k"), Role.MEMBER),
    c.MemberSet(LOBBY, NOBODY, None),
    c.MemberSet(LOBBY, ANN, None),
    c.LevelSet(NOWHERE, ANN, Level.NOTHING),
    c.LevelSet(LOBBY, ANN, Level.NOTHING),
    act("kick", NOWHERE),
    c.BookmarkSet(NOBODY, LOBBY, Seq(1), on=True),
    c.DisplaySet(NOBODY, "x"),
    c.RoleSet(NOBODY, AccountRole.BOT),
    c.BlockSet(NOBODY, ANN, on=True),
    c.BlockSet(NOBODY, ANN, on=False),
    c.Banned(NOBODY, None, None),
    c.Unbanned(NOBODY),
    c.SessionOpened(SessionId(b"x"), NOBODY),
    c.SessionsEnded((SessionId(b"x"),)),
    c.SessionTaken(SessionId(b"x"), NOBODY, NodeId(2)),
    c.AccessRevoked(NOBODY),
    c.AccessRevoked(NOBODY, besides=SessionId(b"x")),
    c.UserErased(NOBODY),
    c.FollowSet(LOBBY, NOBODY, Seq(1), on=True),
    c.FollowSet(NOWHERE, ANN, Seq(1), on=True),
    c.ThreadRead(LOBBY, NOBODY, Seq(1), Seq(2)),
    c.UserAdded(UserName("dan~4f7k"), "dan", AccountRole.GUEST),
    c.Lapsed(Lapse.BAN, NOWHERE, ANN),
    c.Lapsed(Lapse.MUTE, LOBBY, ANN),
    c.Lapsed(Lapse.INVITE, LOBBY, ANN),
    c.Lapsed(Lapse.ADDRESS_BANS, None),
]


def members(room: Room) -> dict[UserName, Membership]:
    """Who is in a room, as it is now."""
    return {name: attrs.evolve(member) for name, member in room.members.items()}


def known(harness: Harness) -> object:
    """What is durable, as far as a change about nothing could have touched it."""
    durable = harness.chat.durable
    rooms = {
        room.name: (room.head, room.first, members(room), room.settings)
        for room in durable.rooms.values()
    }
    users = {user.name: (user.display, user.role) for user in durable.users.values()}
    return rooms, users, durable.invites, durable.aliases, durable.barred


@pytest.mark.parametrize("change", ABOUT_NOTHING, ids=lambda change: str(change)[:40])
def test_a_change_of_what_is_not_there_is_nothing(change: Change) -> None:
    """It may have gone meanwhile: nobody is told, and nothing else is touched."""
    harness = Harness()
    before = known(harness)
    assert harness.apply(change) == []
    assert known(harness) == before
    check(harness.chat)


ABOUT_SOMETHING: list[Change] = [
    message(1),
    c.SettingsSet({"topic": "x"}, events.Room(LOBBY, Seq(1), 0, BOB, topic=Topic("x"))),
    c.RoomMade(TEA, Epoch("f" * 16), PLAIN, {ANN: Role.OWNER}),
    c.RoomDeclared(LOBBY, PLAIN),
    c.RoomRenamed(LOBBY, TEA),
    c.RoomEnded(LOBBY, events.Destroy(LOBBY, Seq(1), 0, BOB)),
    c.RoomTrimmed(LOBBY, Seq(1)),
    c.MemberSet(LOBBY, ANN, Role.MEMBER),
    c.MemberSet(
        LOBBY,
        CY,
        None,
        event=events.Member(LOBBY, Seq(1), 0, CY, CY, MemberChange.LEAVE),
    ),
    c.LevelSet(LOBBY, CY, Level.NOTHING),
    act("kick"),
    act("ban"),
    act("mute"),
    act("role", role="moderator"),
    act("invite"),
    c.UserAdded(NOBODY, "No Body", AccountRole.ADMIN),
    c.DisplaySet(CY, "Cy"),
    c.RoleSet(CY, AccountRole.ADMIN),
    c.BlockSet(CY, BOB, on=True),
    c.Banned(CY, None, "spam", BAN),
    c.Unbanned(CY),
    c.AccessRevoked(CY),
    c.UserErased(CY),
    c.PlaceNamed("Northwind"),
]


@pytest.mark.parametrize("change", ABOUT_SOMETHING, ids=lambda change: str(change)[:40])
def test_a_change_that_was_applied_is_nothing(change: Change) -> None:
    """Neither to the state, nor to those who are here."""
    harness = Harness()
    harness.user("bob", LOBBY)
    harness.user("cy", LOBBY)
    harness.wait(2)
    harness.take_all()
    harness.apply(change)
    before = known(harness)
    assert harness.apply(change) == []
    assert known(harness) == before
    check(harness.chat)


def test_every_kind_of_change_is_applied() -> None:
    """And is tried above."""
    tried = {type(change) for change in ABOUT_NOTHING + ABOUT_SOMETHING}
    assert tried == set(get_args(Change))


def test_whoever_causes_it_the_same_is_delivered() -> None:
    """A member whom another node would have removed gets his own event as the last."""
    harness = Harness()
    bob, cy = harness.user("bob", LOBBY), harness.user("cy", LOBBY)
    harness.wait(2)
    harness.take_all()
    wanted = harness.change(act("kick"))
    assert [frame.type for frame in cy.take()] == ["member", "left"]
    assert [frame.type for frame in bob.take()] == ["member"]
    (deliver,) = [effect for effect in wanted if isinstance(effect, Deliver)]
    assert deliver.event.seq == harness.chat.durable.rooms[LOBBY].head == 1


def test_a_ban_is_known_from_the_change_alone() -> None:
    """And lifted by another one."""
    harness = Harness()
    harness.apply(act("ban"))
    room = harness.chat.durable.rooms[LOBBY]
    assert room.bans == {CY: Sanction(None, None)}
    harness.apply(act("unban", seq=2))
    assert room.bans == {}
