"""What comes once, behind each other, and what is nothing any more."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatd.core import changes
from chatd.core.changes import Change
from chatd.core.cluster.commits import Group
from chatd.core.cluster.order import REMEMBERED_S, Order
from chatd.core.settings import PLAIN
from chatd.enums import AccountRole, Level, MemberChange, Role
from chatd.ids import Epoch, NodeId, RoomName, Seq, SessionId, Stamp, UserName
from chatd.wire.events import Member

ANN, GUEST = UserName("ann"), UserName("guest~1")
TEAM, ROOM = RoomName("team"), Epoch("e")
S1, S2 = Stamp(1), Stamp(2)


def group(seq: int, *, is_event: bool = True) -> Group:
    """What a draft has changed in a room."""
    return Group((), ROOM, Seq(seq), is_event)


def member(change: MemberChange) -> Member:
    """An event about ann."""
    return Member(TEAM, Seq(2), 0, ANN, ANN, change)


def test_a_group_comes_once() -> None:
    """It may come by the bus, and by the log again."""
    order = Order()
    assert order.admit(S1, 0)
    assert order.admit(S1, 1)
    assert not order.admit(S1, 0)


def test_what_came_is_forgotten_after_a_while() -> None:
    """Not at once: in the generation that is followed by another it is known still."""
    order = Order()
    order.admit(S1, 0)
    order.pass_time(REMEMBERED_S)
    order.pass_time(REMEMBERED_S + 1)
    assert not order.admit(S1, 0)
    order.pass_time(2 * REMEMBERED_S)
    assert order.admit(S1, 0)


@given(st.permutations(range(6)))
def test_events_come_in_their_order_in_whatever_order_they_are_heard(
    places: list[int],
) -> None:
    """And what is between them behind that which was there then."""
    groups = [
        *(group(1), group(1, is_event=False), group(2)),
        *(group(2, is_event=False), group(2, is_event=False), group(3)),
    ]
    order, head, taken = Order(), Seq(0), []
    for place in places:
        order.hold(ROOM, Stamp(place + 1), 0, groups[place])
        while (found := order.next(ROOM, head)) is not None:
            stamp, one = found
            taken.append(stamp - 1)
            head = max(head, one.seq)
    assert head == 3
    events = [place for place in taken if groups[place].is_event]
    assert events == [0, 2, 5]
    for silent, event in ((1, 0), (3, 2), (4, 2)):
        assert taken.index(silent) > taken.index(event)
    assert not order.held()


def test_what_the_room_has_passed_is_nothing_any_more() -> None:
    """It was read with the room, or came by the log."""
    order = Order()
    order.hold(ROOM, S1, 0, group(3))
    order.hold(ROOM, S2, 0, group(5))
    assert order.next(ROOM, Seq(3)) is None
    assert order.held() == [ROOM]
    order.drop(ROOM)
    assert order.next(ROOM, Seq(4)) is None
    assert not order.held()


SETTING: list[tuple[Change, Change]] = [
    (changes.DisplaySet(ANN, "a"), changes.DisplaySet(ANN, "b")),
    (
        changes.RoleSet(ANN, AccountRole.USER),
        changes.RoleSet(ANN, AccountRole.ADMIN),
    ),
    (changes.BlockSet(ANN, GUEST, on=True), changes.BlockSet(ANN, GUEST, on=False)),
    (changes.Banned(ANN, None, None), changes.Unbanned(ANN)),
    (changes.PlaceNamed("a"), changes.PlaceNamed("b")),
    (changes.RoomDeclared(TEAM, PLAIN), changes.RoomDeclared(TEAM, PLAIN)),
    (changes.LevelSet(TEAM, ANN, Level.ALL), changes.LevelSet(TEAM, ANN, Level.ALL)),
    (
        changes.BookmarkSet(ANN, TEAM, Seq(1), on=True),
        changes.BookmarkSet(ANN, TEAM, Seq(1), on=False),
    ),
    (
        changes.FollowSet(TEAM, ANN, Seq(1), on=True),
        changes.FollowSet(TEAM, ANN, Seq(1), on=False),
    ),
    (
        changes.ThreadRead(TEAM, ANN, Seq(1), Seq(2)),
        changes.ThreadRead(TEAM, ANN, Seq(1), Seq(3)),
    ),
    (changes.MemberSet(TEAM, ANN, Role.MEMBER), changes.MemberSet(TEAM, ANN, None)),
    (
        changes.MemberSet(TEAM, ANN, Role.MEMBER),
        changes.Moderated(member(MemberChange.KICK)),
    ),
    (
        changes.RoomMade(TEAM, ROOM, PLAIN, {}),
        changes.RoomEnded(TEAM),
    ),
    (
        changes.SessionTaken(SessionId(b"s"), ANN, NodeId(1)),
        changes.SessionTaken(SessionId(b"s"), ANN, NodeId(2)),
    ),
]


@pytest.mark.parametrize(
    ("earlier", "later"), SETTING, ids=lambda change: type(change).__name__
)
def test_of_what_has_no_seq_the_later_counts(earlier: Change, later: Change) -> None:
    """In whatever order they come, and however often."""
    order = Order()
    assert order.sift([later], ROOM, S2) == (later,)
    assert order.sift([earlier], ROOM, S1) == ()
    assert order.sift([later], ROOM, S2) == (later,)


@pytest.mark.parametrize(
    "change",
    [
        changes.MemberSet(TEAM, ANN, None, event=member(MemberChange.LEAVE)),
        changes.Moderated(member(MemberChange.KICK)),
    ],
)
def test_what_a_timeline_tells_of_is_left_to_it(change: Change) -> None:
    """Its seq says when it comes, and all of it has to."""
    order = Order()
    order.sift([changes.MemberSet(TEAM, ANN, Role.MEMBER)], ROOM, S2)
    assert order.sift([change], ROOM, S1) == (change,)


def test_what_is_about_others_is_not_overtaken() -> None:
    """Nor what only moves forward."""
    order = Order()
    order.sift([changes.DisplaySet(ANN, "b")], None, S2)
    others: list[Change] = [
        changes.DisplaySet(GUEST, "b"),
        changes.Moderated(member(MemberChange.MUTE)),
        changes.RoomTrimmed(TEAM, Seq(3)),
    ]
    assert order.sift(others, ROOM, S1) == tuple(others)


LEFT = changes.SessionsEnded((), GUEST, left=True)
ENDS: list[Any] = [
    (changes.UserErased(ANN), changes.UserErased(ANN)),
    (changes.SessionsEnded((SessionId(b"s"),), GUEST, left=True), LEFT),
    (changes.AccessRevoked(GUEST), LEFT),
    (changes.Banned(GUEST, None, None), LEFT),
    (changes.SessionsEnded((SessionId(b"s"),), GUEST), None),
    (changes.AccessRevoked(GUEST, b"token"), None),
    (changes.AccessRevoked(GUEST, besides=SessionId(b"s")), None),
    (changes.AccessRevoked(ANN), None),
    (changes.Banned(ANN, None, None), None),
]


@pytest.mark.parametrize(("change", "end"), ENDS)
def test_who_is_gone_for_good_does_not_come_back_by_what_was_before(
    change: Change, end: Change | None
) -> None:
    """His end is said once more behind it."""
    order = Order()
    order.sift([change], None, S2)
    (user,) = changes.users_of(change)
    before = changes.MemberSet(TEAM, user, Role.MEMBER)
    assert order.behind([before], ROOM, S1) == ([] if end is None else [end])
    assert order.behind([before], ROOM, Stamp(3)) == []
    assert order.behind([changes.RoomEnded(TEAM)], ROOM, S1) == []


def test_what_a_member_may_and_wants_is_so_though_his_entrance_comes_later() -> None:
    """The last of it, and of the membership that it is about."""
    order, entrance = Order(), changes.MemberSet(TEAM, ANN, Role.MEMBER)
    named = Member(TEAM, Seq(5), 0, GUEST, ANN, MemberChange.ROLE, Role.MODERATOR)
    low, high = (
        changes.LevelSet(TEAM, ANN, level) for level in (Level.ALL, Level.MENTIONS)
    )
    order.sift([high], ROOM, Stamp(4))
    order.sift([low], ROOM, S2)
    order.sift([changes.Moderated(named)], ROOM, Stamp(3))
    restored = changes.MemberSet(TEAM, ANN, Role.MODERATOR)
    assert order.behind([entrance], ROOM, S1) == [high, restored]
    assert order.behind([entrance], ROOM, Stamp(3)) == [high]
    assert order.behind([entrance], Epoch("another"), S1) == []
    assert order.behind([changes.MemberSet(TEAM, GUEST, Role.MEMBER)], ROOM, S1) == []
    assert order.behind([changes.MemberSet(TEAM, ANN, None)], ROOM, S1) == []


def test_the_last_one_who_has_taken_a_session_has_it() -> None:
    """In whatever order that is heard."""
    session = SessionId(b"s")
    taken = [changes.SessionTaken(session, ANN, NodeId(n)) for n in (1, 2)]
    for first, second in itertools.permutations(enumerate(taken, 1)):
        order = Order()
        assert order.holder(session) is None
        for stamp, change in (first, second):
            order.sift([change], None, Stamp(stamp))
        assert order.holder(session) == 2
