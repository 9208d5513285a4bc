"""Who has to know of what a commit has changed."""

from __future__ import annotations

import pytest

from chatd.core.changes import (
    Appended,
    Banned,
    Change,
    LevelSet,
    MemberSet,
    Moderated,
    RoomDeclared,
    RoomMade,
    RoomTrimmed,
    UserAdded,
)
from chatd.core.cluster.commits import Group, changes_rights, streams_of
from chatd.core.settings import PLAIN
from chatd.enums import AccountRole, Level, MemberChange, Role
from chatd.ids import Epoch, RoomName, Seq, UserName
from chatd.wire import events

ANN, BOB = UserName("ann"), UserName("bob")
LOBBY = RoomName("lobby")
EPOCH = Epoch("0123456789abcdef")
MEMBER = events.Member(LOBBY, Seq(3), 1, ANN, BOB, MemberChange.KICK)


@pytest.mark.parametrize(
    ("change", "streams"),
    [
        (Appended(events.Message(LOBBY, Seq(1), 2, ANN, "hi")), ["room:" + EPOCH]),
        (RoomTrimmed(LOBBY, Seq(9)), ["room:" + EPOCH]),
        (MemberSet(LOBBY, BOB, None), ["room:" + EPOCH, "user:bob"]),
        (Moderated(MEMBER), ["room:" + EPOCH, "user:bob"]),
        (LevelSet(LOBBY, BOB, Level.NOTHING), ["room:" + EPOCH, "user:bob"]),
        (
            RoomMade(LOBBY, EPOCH, PLAIN, {ANN: Role.OWNER, BOB: Role.MEMBER}),
            ["room:" + EPOCH, "user:ann", "user:bob"],
        ),
        (RoomDeclared(LOBBY, PLAIN), ["*"]),
    ],
)
def test_what_is_about_a_room_goes_to_it_and_to_whom_it_concerns(
    change: Change, streams: list[str]
) -> None:
    """Who is there, by the room's stream; who comes or goes, by his own."""
    assert streams_of(Group((change,), EPOCH)) == streams


@pytest.mark.parametrize(
    ("change", "streams"),
    [
        (Banned(BOB, None, None), ["*"]),
        (UserAdded(ANN, "Ann", AccountRole.ADMIN), ["*"]),
        (UserAdded(ANN, "Ann", AccountRole.USER), ["user:ann"]),
    ],
)
def test_what_is_about_a_user_goes_to_his_stream_or_to_all(
    change: Change, streams: list[str]
) -> None:
    """All hear of what they may need of a user whom they do not have in memory."""
    assert streams_of(Group((change,))) == streams


def test_what_changes_rights_is_what_somebody_was_made() -> None:
    """Not what somebody has said."""
    assert changes_rights(MEMBER)
    assert not changes_rights(events.Message(LOBBY, Seq(1), 2, ANN, "hi"))
