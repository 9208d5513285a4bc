"""Public rooms that nobody needs go after a while; their names stay their makers'."""

from __future__ import annotations

import attrs
import pytest

from chatd.config import Auth, Config, PermanentRoom, Rooms
from chatd.config.limits import Limits
from chatd.core import drafts
from chatd.core.agenda import Due
from chatd.core.changes import UserErased
from chatd.core.commands.rooms.lifecycle import EMPTY_S, LOOK_AGAIN_S
from chatd.core.invariants import check
from chatd.enums import Role
from chatd.errors import RejectCode
from chatd.ids import Cid, RoomName, Seq
from chatd.wire import events
from chatd.wire.commands import Command
from chatd.wire.kinds import PublicRoom, Text
from chatd.wire.moderation import Invite, SetRole
from chatd.wire.rooms import Create, Destroy, Join, Leave, Rename
from chatd.wire.sessions import Logout
from chatd.wire.timeline import Delete, Send
from tests.core.harness import ADA, ANN, BOB, CY, LOBBY, Harness, Peer

TEA, HALL = RoomName("tea"), RoomName("hall")
HI = Text("hi")
X, Y = Cid("x"), Cid("y")
CONFIG = Config(
    auth=Auth(guest_hold_s=20.0),
    limits=Limits(messages_per_s=0, creations_per_h=0, rooms_per_user=3),
    rooms=Rooms(create="anyone", permanent=(PermanentRoom(name=LOBBY),)),
)


@attrs.define
class Scene:
    """ann has made a room; bob has not."""

    harness: Harness
    ann: Peer
    bob: Peer


@pytest.fixture
def scene() -> Scene:
    """Two people, nothing to take."""
    harness = Harness(CONFIG)
    ann, bob = harness.user(ANN, TEA), harness.user(BOB)
    harness.wait(2)
    harness.take_all()
    return Scene(harness, ann, bob)


def code(peer: Peer, command: Command) -> str:
    """What a command is answered with: the code of an error, or `ok`."""
    (reply,) = [frame for frame in peer.ask(command) if hasattr(frame, "re")]
    return getattr(reply, "code", "ok")


def pass_time(harness: Harness, seconds: float = EMPTY_S) -> None:
    """Let time pass, and what is due be stored."""
    harness.wait(seconds)
    harness.settle()


def test_it_goes_an_hour_after_the_last_one(scene: Scene) -> None:
    """Not sooner, and whoever was asked in is told."""
    s = scene
    s.ann.ask(Invite(TEA, BOB))
    s.ann.ask(Leave(TEA))
    s.bob.take()
    pass_time(s.harness, EMPTY_S - 1)
    assert TEA in s.harness.chat.durable.rooms
    pass_time(s.harness, 1)
    assert TEA not in s.harness.chat.durable.rooms
    assert s.bob.take() == [events.Uninvited(TEA)]
    assert s.harness.chat.live.agenda.keys(Due.EMPTY) == set()
    check(s.harness.chat)


@pytest.mark.parametrize("way", [Leave(HALL), Logout(), None])
def test_it_goes_whatever_way_the_last_one_went(
    scene: Scene, way: Command | None
) -> None:
    """A guest's membership ends with his session."""
    s = scene
    guest = s.harness.guest(HALL)
    if way is None:
        guest.close()
    else:
        guest.ask(way)
    pass_time(s.harness, 100)
    assert s.harness.chat.durable.rooms[HALL].members == {}
    pass_time(s.harness)
    assert HALL not in s.harness.chat.durable.rooms


def test_who_comes_back_in_time_keeps_it(scene: Scene) -> None:
    """The hour begins anew when he has gone."""
    s = scene
    s.ann.ask(Leave(TEA))
    pass_time(s.harness, EMPTY_S - 1)
    assert code(s.bob, Join(TEA)) == "ok"
    pass_time(s.harness, 2 * EMPTY_S)
    s.bob.ask(Leave(TEA))
    pass_time(s.harness, EMPTY_S - 1)
    assert s.harness.chat.durable.rooms[TEA].head > 0
    pass_time(s.harness, 1)
    assert TEA not in s.harness.chat.durable.rooms


def test_who_is_on_his_way_keeps_it(scene: Scene) -> None:
    """The writer looks once more; who comes behind its end finds none."""
    s = scene
    s.ann.ask(Leave(TEA))
    s.harness.wait(EMPTY_S - 1)
    s.bob.say(Join(TEA))
    s.harness.wait(1)
    assert [type(o.draft) for o in s.harness.drafts][-1] is drafts.DropRoom
    s.harness.settle()
    assert list(s.harness.chat.durable.rooms[TEA].members) == [BOB]
    s.bob.ask(Leave(TEA))
    s.harness.wait(EMPTY_S)
    s.bob.say(Join(TEA, id=1))
    s.bob.take()
    s.harness.settle()
    assert [f.code for f in s.bob.take()] == [RejectCode.NO_ROOM]


def test_one_in_which_somebody_has_written_stays(scene: Scene) -> None:
    """Also if that was deleted: it was somebody's room. So it is after a restart."""
    s = scene
    s.ann.ask(Send(HI, TEA))
    s.ann.ask(Delete(TEA, s.harness.chat.durable.rooms[TEA].head))
    s.ann.ask(Leave(TEA))
    for _ in range(2):
        pass_time(s.harness, 3 * EMPTY_S)
        assert TEA in s.harness.model.rooms
        s.harness.restart()


def test_rooms_of_the_configuration_stay(scene: Scene) -> None:
    """Also after it does not name them any more, and direct conversations."""
    s = scene
    s.ann.ask(Send(HI, to=BOB))
    direct = s.ann.take()
    pass_time(s.harness, 3 * EMPTY_S)
    assert LOBBY in s.harness.chat.durable.rooms
    assert len(s.harness.chat.durable.rooms) == 3, direct
    s.harness.live.current = attrs.evolve(s.harness.config, rooms=Rooms())
    s.harness.restart()
    bob = s.harness.user(BOB)
    bob.ask(Join(LOBBY))
    bob.ask(Leave(LOBBY))
    pass_time(s.harness, 3 * EMPTY_S)
    assert LOBBY in s.harness.model.rooms


def test_it_goes_after_a_restart_as_well(scene: Scene) -> None:
    """An hour later; many go one after the other."""
    s = scene
    s.ann.ask(Join(HALL))
    for room in (TEA, HALL):
        s.ann.ask(Leave(room))
    pass_time(s.harness, EMPTY_S / 2)
    s.harness.restart()
    s.harness.wait(EMPTY_S)
    assert {TEA, HALL} <= s.harness.chat.durable.rooms.keys()
    s.harness.wait(0.05)
    s.harness.settle()
    assert len({TEA, HALL} & s.harness.chat.durable.rooms.keys()) == 1
    pass_time(s.harness, 1)
    assert list(s.harness.chat.durable.rooms) == [LOBBY]


def test_its_name_is_its_makers(scene: Scene) -> None:
    """Nobody else makes a room of it, nor gives it to one; also after a restart."""
    s = scene
    s.ann.ask(Leave(TEA))
    pass_time(s.harness)
    for _ in range(2):
        bob, ada = s.harness.user(BOB, HALL), s.harness.user(ADA)
        for peer in (bob, ada):
            assert code(peer, Join(TEA)) == "no_room"
            assert code(peer, Create(PublicRoom("tea"))) == "name_taken"
        assert code(bob, Rename(HALL, PublicRoom("tea"))) == "name_taken"
        s.harness.restart()
    ann = s.harness.user(ANN)
    (ok,) = [f for f in ann.ask(Join(TEA)) if hasattr(f, "re")]
    assert (ok.created, ok.role, ok.seq) == (True, "owner", 1)
    assert code(s.harness.user(BOB), Join(TEA)) == "ok"


def test_a_new_room_of_the_name_has_nothing_of_the_old_one(scene: Scene) -> None:
    """Neither its numbering nor its cids; what has made the first makes no third."""
    s = scene
    create = Create(PublicRoom("hall"), cid=X)
    (made,) = s.ann.ask(create)
    s.ann.ask(Invite(HALL, BOB, Y))
    s.ann.ask(Leave(HALL))
    pass_time(s.harness)
    assert code(s.ann, create) == "no_room"
    (again,) = s.ann.ask(attrs.evolve(create, cid=Cid("z")))
    assert (again.room, again.seq, again.dup) == (HALL, Seq(1), False)
    assert again.epoch != made.epoch
    (stored,) = [f for f in s.ann.ask(Invite(HALL, CY, Y)) if hasattr(f, "re")]
    assert (stored.seq, stored.dup) == (2, False)
    assert code(s.ann, create) == "exists"


def test_one_that_was_destroyed_is_nobodys(scene: Scene) -> None:
    """Not its maker's either: its name is not given out again."""
    s = scene
    s.ann.ask(Destroy(TEA))
    assert code(s.ann, Create(PublicRoom("tea"))) == "name_taken"
    assert code(s.ann, Join(TEA)) == "no_room"


def test_each_of_its_names_is_its_makers(scene: Scene) -> None:
    """One that it had before, too, and in whatever order he takes them."""
    s = scene
    s.ann.ask(Rename(TEA, PublicRoom("hall")))
    s.ann.ask(Leave(HALL))
    pass_time(s.harness)
    assert s.harness.chat.durable.aliases == {}
    assert code(s.bob, Create(PublicRoom("tea"))) == "name_taken"
    for name in ("tea", "hall"):
        assert code(s.ann, Create(PublicRoom(name))) == "ok"
    assert {TEA, HALL} <= s.harness.chat.durable.rooms.keys()
    check(s.harness.chat)


def test_one_that_is_renamed_while_it_is_empty_has_its_hour_anew(scene: Scene) -> None:
    """By an administrator, who has an owner's rights there."""
    s = scene
    s.ann.ask(Leave(TEA))
    pass_time(s.harness, EMPTY_S / 2)
    assert code(s.harness.user(ADA), Rename(TEA, PublicRoom("hall"))) == "ok"
    assert s.harness.chat.live.agenda.keys(Due.EMPTY) == {HALL}
    pass_time(s.harness)
    assert HALL not in s.harness.chat.durable.rooms
    assert code(s.ann, Join(HALL)) == "ok"


def test_while_it_cannot_be_stored_it_is_tried_again(scene: Scene) -> None:
    """Every minute, and it waits for what is being written of the room."""
    s = scene
    s.ann.ask(Leave(TEA))
    ada = s.harness.user(ADA)
    s.harness.wait(EMPTY_S - 1)
    ada.say(Rename(TEA, PublicRoom("tea")))
    s.harness.wait(1)
    assert not any(isinstance(o.draft, drafts.DropRoom) for o in s.harness.drafts)
    s.harness.settle()
    s.harness.wait(LOOK_AGAIN_S)
    s.harness.fail()
    assert TEA in s.harness.chat.durable.rooms
    pass_time(s.harness, LOOK_AGAIN_S)
    assert TEA not in s.harness.chat.durable.rooms


def test_rooms_made_are_counted_as_long_as_they_are_there(scene: Scene) -> None:
    """Whoever is in them or owns them; also over a restart."""
    s = scene
    assert code(s.ann, Join(HALL)) == "ok"
    assert code(s.ann, Create(private=True)) == "ok"
    s.bob.ask(Join(HALL))
    s.ann.ask(SetRole(HALL, BOB, Role("owner")))
    s.ann.ask(Leave(HALL))
    s.ann.ask(Leave(TEA))
    for _ in range(2):
        ann = s.harness.user(ANN)
        assert code(ann, Join(RoomName("more"))) == "forbidden"
        assert code(ann, Create(private=True)) == "forbidden"
        s.harness.restart()
    pass_time(s.harness, EMPTY_S + 1)
    ann = s.harness.user(ANN)
    assert len(s.harness.chat.durable.users[ANN].made) == 2
    assert code(ann, Join(RoomName("more"))) == "ok"
    assert code(ann, Join(RoomName("yet.more"))) == "forbidden"
    assert code(ann, Destroy(RoomName("more"))) == "ok"
    assert code(ann, Join(RoomName("yet.more"))) == "ok"
    assert code(s.harness.user(BOB), Join(RoomName("bobs"))) == "ok"


def test_a_maker_who_is_gone_is_none(scene: Scene) -> None:
    """The room goes as ever, and nobody has its name."""
    s = scene
    guest = s.harness.guest(HALL)
    guest.ask(Logout())
    s.harness.change(UserErased(ANN))
    for room in s.harness.model.rooms.values():
        room.members.pop(ANN, None)
    s.harness.settle()
    pass_time(s.harness)
    assert list(s.harness.chat.durable.rooms) == [LOBBY]
    for name in (TEA, HALL):
        assert code(s.bob, Join(name)) == "no_room"


@pytest.mark.untraced
def test_ten_thousand_leave_nothing_behind() -> None:
    """Rooms that are made and left, by one who may make as many as he wants."""
    limits = Limits(messages_per_s=0, creations_per_h=0, rooms_per_user=0)
    harness = Harness(attrs.evolve(CONFIG, limits=limits), checked=False)
    ann = harness.user(ANN, LOBBY)
    harness.wait(100)
    harness.settle()

    def sizes() -> list[int]:
        chat = harness.chat
        agenda = [len(chat.live.agenda), len(chat.live.agenda._heap)]
        return [
            len(chat.durable.rooms),
            *agenda,
            len(chat.live.barriers),
            len(chat.durable.users[ANN].made),
        ]

    before = sizes()
    for number in range(10_000):
        name = RoomName(f"n{number}")
        ann.say(Join(name))
        ann.say(Leave(name))
        if number % 100 == 0:
            harness.settle()
            harness.wait(60)
            harness.take_all()
    harness.settle()
    pass_time(harness, EMPTY_S)
    pass_time(harness, 100)
    check(harness.chat)
    assert sizes() == before
    assert not harness.model.rooms.keys() - {LOBBY}
