"""What the operator does with rooms, by the commands that people have."""

from __future__ import annotations

import pytest

from chatd.config import Config
from chatd.config.limits import Limits
from chatd.core.quota import Space
from chatd.enums import Role
from chatd.ids import OPERATOR, Cid, RoomName, UserName
from chatd.wire import events
from chatd.wire.kinds import PublicRoom, Reason, Text, Topic
from chatd.wire.moderation import Kick
from chatd.wire.replies import Created, Stored
from chatd.wire.rooms import Create, Destroy, SetRoom
from chatd.wire.timeline import Send
from tests.core.harness import ADA, ANN, BOB, LOBBY, Harness, Peer

HI, TEAM = Text("hi"), RoomName("team")
LATER_S = 7200
SLOW = Limits(messages_per_s=0.001, messages_burst=1, creations_burst=1)
"""Of people."""


def operator(harness: Harness) -> Peer:
    """A connection at the admin socket."""
    return harness.open(is_operator=True)


def test_the_operator_makes_a_room_and_is_not_in_it() -> None:
    """Whoever comes first owns it; nobody who leaves it ends it."""
    harness = Harness()
    (made,) = operator(harness).ask(
        Create(PublicRoom("team"), topic=Topic("tea"), id=1)
    )
    assert isinstance(made, Created)
    assert (made.room, made.seq, made.id) == (TEAM, 0, 1)
    room = harness.chat.durable.rooms[TEAM]
    assert (room.members, room.maker, room.settings.topic) == ({}, None, "tea")
    harness.wait(LATER_S)
    joined = harness.user(ANN).join(TEAM)
    assert joined[0].role is Role.OWNER


def test_the_operator_makes_a_room_for_somebody() -> None:
    """Who owns it is told as of any room that becomes his; also a private one."""
    harness = Harness()
    ann = harness.user(ANN)
    for command in (
        Create(PublicRoom("team"), owner=ANN),
        Create(private=True, owner=ANN),
    ):
        (made,) = operator(harness).ask(command)
        assert (made.type, made.seq) == ("ok", 1)
        room = harness.chat.durable.rooms[made.room]
        assert room.members[ANN].role is Role.OWNER
        assert room.maker is None
        (told,) = ann.take()
        assert (told.type, told.room) == ("joined", made.room)


def test_the_owner_is_looked_for() -> None:
    """Who is not here is read first; where there is none, nothing is made."""
    harness = Harness()
    root = operator(harness)
    (made,) = root.ask(Create(PublicRoom("team"), owner=BOB))
    assert made.type == "ok"
    (error,) = root.ask(Create(PublicRoom("other"), owner=UserName("nobody")))
    assert (error.code, error.field) == ("no_user", "user")
    (error,) = root.ask(Create(PublicRoom("other"), owner=UserName("fay~aaaa")))
    assert error.code == "no_user"
    assert RoomName("other") not in harness.chat.durable.rooms


@pytest.mark.parametrize(
    ("command", "field"),
    [
        (Create(private=True), "owner"),
        (Create(PublicRoom("team"), cid=Cid("x")), "cid"),
        (Create(PublicRoom("team"), owner=ANN, cid=Cid("x")), "cid"),
    ],
)
def test_what_the_operator_cannot_ask_for(command: Create, field: str) -> None:
    """A room that would end at once; a retry that nobody could know again."""
    harness = Harness()
    (error,) = operator(harness).ask(command)
    assert (error.code, error.field) == ("bad_field", field)
    assert not [name for name in harness.chat.durable.rooms if name != LOBBY]


def test_nobody_else_makes_a_room_for_somebody() -> None:
    """Not even an administrator."""
    harness = Harness()
    (error,) = harness.user(ADA).ask(Create(PublicRoom("team"), owner=ANN))
    assert (error.code, error.field) == ("forbidden", "owner")


def test_a_name_that_is_there_is_not_made_again_and_one_that_was_is() -> None:
    """Whoever has the configuration gives names out as he wants."""
    harness = Harness()
    ann, root = harness.user(ANN), operator(harness)
    ann.ask(Create(PublicRoom("team")))
    (error,) = root.ask(Create(PublicRoom("team")))
    assert error.code == "exists"
    assert root.ask(Destroy(TEAM))[-1].type == "ok"
    (error,) = ann.ask(Create(PublicRoom("team")))[-1:]
    assert error.code == "name_taken"
    assert root.ask(Create(PublicRoom("team"), owner=BOB))[-1].type == "ok"
    assert root.ask(Destroy(TEAM))[-1].type == "ok"
    assert root.ask(Create(PublicRoom("team")))[-1].type == "ok"


def test_a_room_that_comes_meanwhile_is_no_fault() -> None:
    """Of two who make it at once one is told that it is there."""
    harness = Harness()
    ann, root = harness.user(ANN), operator(harness)
    ann.say(Create(PublicRoom("team")))
    root.say(Create(PublicRoom("team")))
    harness.settle()
    (error,) = root.take()
    assert error.code == "exists"


def test_the_room_is_told_who_has_changed_it() -> None:
    """`*operator`, whom no command can mean; the same again changes nothing."""
    harness = Harness()
    ann, root = harness.user(ANN), operator(harness)
    ann.ask(Create(PublicRoom("team")))
    ann.join(TEAM)
    change = SetRoom(TEAM, topic=Topic("tea"), archived=True, id=4)
    (stored,) = root.ask(change)
    assert isinstance(stored, Stored)
    assert (stored.room, stored.id, stored.dup) == (TEAM, 4, False)
    (event,) = ann.take()
    assert (event.type, event.sender, event.archived) == ("room", OPERATOR, True)
    (again,) = root.ask(SetRoom(TEAM, archived=True))
    assert again.dup
    assert harness.catch_up().durable.rooms[TEAM].settings.archived


def test_the_operator_takes_out_an_owner_and_ends_a_room() -> None:
    """He has more to say than anybody there."""
    harness = Harness()
    ann, bob, root = harness.user(ANN), harness.user(BOB), operator(harness)
    ann.ask(Create(PublicRoom("team")))
    ann.join(TEAM)
    bob.join(TEAM)
    harness.take_all()
    (stored,) = root.ask(Kick(TEAM, ANN, Reason("noise"), id=2))
    assert (stored.type, stored.id) == ("ok", 2)
    event, left = ann.take()
    assert (event.sender, event.change, event.reason) == (OPERATOR, "kick", "noise")
    assert isinstance(left, events.Left)
    assert bob.take()[-1].user == ANN
    (error,) = root.ask(Kick(TEAM, ANN))
    assert error.code == "no_user"
    assert root.ask(Destroy(TEAM))[-1].type == "ok"
    event, left = bob.take()
    assert (event.type, event.sender, left.reason) == ("destroy", OPERATOR, "destroy")
    (error,) = root.ask(Destroy(TEAM))
    assert error.code == "no_room"


def test_the_operator_has_a_word_in_private_rooms_and_none_in_conversations() -> None:
    """A private room may have to be read first."""
    harness = Harness()
    ann, root = harness.user(ANN), operator(harness)
    den = ann.ask(Create(private=True))[-1].room
    ann.close()
    harness.wait(LATER_S)
    assert den not in harness.chat.durable.rooms
    (stored,) = root.ask(SetRoom(den, title=Topic("The den")))
    assert stored.type == "ok"
    bob = harness.user(BOB)
    bob.ask(Send(HI, to=ANN))
    (error,) = root.ask(Kick(RoomName("@ann,bob"), BOB))
    assert error.code == "forbidden"
    (error,) = root.ask(Kick(RoomName("~zzzzzzzzzzzzzzzz"), BOB))
    assert error.code == "no_room"


def test_a_room_of_the_configuration_stays_as_it_is_declared() -> None:
    """But for who is in it."""
    harness = Harness()
    harness.user(BOB, LOBBY)
    root = operator(harness)
    for command in (SetRoom(LOBBY, topic=Topic("x")), Destroy(LOBBY)):
        (error,) = root.ask(command)
        assert (error.code, error.field) == ("forbidden", "room")
    assert root.ask(Kick(LOBBY, BOB))[-1].type == "ok"


def test_what_limits_people_does_not_limit_the_operator() -> None:
    """As often as he wants, also again; but what cannot be stored cannot be stored."""
    harness = Harness(Config(limits=SLOW))
    harness.user(BOB, LOBBY)
    root = operator(harness)
    for number in range(5):
        (made,) = root.ask(Create(PublicRoom(f"room{number}")))
        assert made.type == "ok"
        (stored,) = root.ask(SetRoom(made.room, topic=Topic("x"), cid=Cid("c")))
        assert stored.type == "ok"
        (again,) = root.ask(SetRoom(made.room, topic=Topic("x"), cid=Cid("c")))
        assert again.dup
    harness.machine._turn.space = Space.NONE
    room = RoomName("room4")
    (error,) = root.ask(Create(PublicRoom("more")))
    assert error.code == "unavailable"
    (error,) = root.ask(SetRoom(room, topic=Topic("y")))
    assert error.code == "unavailable"


def test_the_operator_waits_while_rights_change() -> None:
    """And his change is another's barrier, as anybody's."""
    harness = Harness()
    ann, root, second = harness.user(ANN), operator(harness), operator(harness)
    ann.ask(Create(PublicRoom("team")))
    ann.join(TEAM)
    harness.take_all()
    ann.say(SetRoom(TEAM, topic=Topic("a")))
    root.say(Kick(TEAM, ANN))
    second.say(SetRoom(TEAM, topic=Topic("b")))
    assert len(harness.drafts) == 1
    harness.settle()
    assert [frame.type for frame in root.take() + second.take()] == ["ok", "ok"]
    assert [frame.type for frame in ann.take()] == ["ok", "room", "member", "left"]
