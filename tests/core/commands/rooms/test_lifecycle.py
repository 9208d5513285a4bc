"""How rooms end, and what is left of them: nothing that anybody could find."""

from __future__ import annotations

import attrs
import pytest

from chatd.config import Config, PermanentRoom, Rooms
from chatd.config.limits import Limits
from chatd.core import drafts, inputs
from chatd.core.changes import UserErased
from chatd.core.commands.rooms.lifecycle import LOOK_AGAIN_S
from chatd.core.effects import Append, Origin, Tell
from chatd.core.entities import IDLE_S
from chatd.core.scope import Scope
from chatd.enums import Role
from chatd.errors import RejectCode
from chatd.ids import Cid, RoomName, Seq
from chatd.wire import events, replies
from chatd.wire.administration import UserLogout
from chatd.wire.commands import Command
from chatd.wire.ephemeral import Read
from chatd.wire.kinds import (
    GuestName,
    KeepCount,
    PageLimit,
    PublicRoom,
    QueryText,
    Secret,
    Text,
    Topic,
)
from chatd.wire.moderation import Decline, Invite, Kick, Mute, SetRole
from chatd.wire.rooms import Create, Destroy, Join, Leave, SetRoom
from chatd.wire.rooms import Rooms as RoomsCommand
from chatd.wire.sessions import Logout
from chatd.wire.timeline import History, Search, Send
from tests.core.harness import ADA, ANN, BOB, CY, LOBBY, UNAVAILABLE, Harness, Peer

HI = Text("hi")
TEAM = RoomName("team")
X = Cid("x")
CONFIG = Config(
    limits=Limits(messages_per_s=0),
    rooms=Rooms(create="anyone", permanent=(PermanentRoom(name=LOBBY),)),
)


@attrs.define
class Scene:
    """ann has a private room and the team, in which bob is; cy is in neither."""

    harness: Harness
    ann: Peer
    bob: Peer
    cy: Peer
    den: RoomName


@pytest.fixture
def scene() -> Scene:
    """Three people, nothing to take."""
    harness = Harness(CONFIG)
    ann, bob, cy = harness.user(ANN, TEAM), harness.user(BOB, TEAM), harness.user(CY)
    harness.take_all()
    den = ann.ask(Create(private=True))[0].room
    harness.take_all()
    return Scene(harness, ann, bob, cy, den)


def code(peer: Peer, command: Command) -> str:
    """What a command is answered with: the code of an error, or `ok`."""
    (reply,) = [frame for frame in peer.ask(command) if hasattr(frame, "re")]
    return getattr(reply, "code", "ok")


def is_forgotten(harness: Harness, name: RoomName) -> bool:
    """Whether memory has nothing of a room any more."""
    chat = harness.chat
    named = [
        *chat.durable.rooms,
        *chat.live.untrimmed,
        *chat.live.emptied,
        *(room for room, _ in [*chat.live.barriers, *chat.live.reads]),
        *(room for rooms in chat.durable.places.values() for room in rooms),
        *chat.durable.makers,
        *(room for invites in chat.durable.invites.values() for room in invites),
        *(r for c in chat.live.connections.values() for r in c.subscriptions),
    ]
    return name not in named


# --- destroyed ----------------------------------------------------------------


def test_a_room_is_destroyed_by_one_draft_and_everybody_is_out(scene: Scene) -> None:
    """The `ok` first, then the last event and `left`; others of one's connections,
    and of the members', get `left` alone.
    """
    s = scene
    other = s.harness.user(BOB)
    other.take()
    command = Destroy(TEAM, X, id=1)
    draft = drafts.DestroyRoom(TEAM, ANN, X)
    assert s.ann.say(command) == [Append(Origin(s.ann.id, command, draft))]
    s.harness.settle()
    ts = s.harness.now.wall
    event = events.Destroy(TEAM, Seq(3), ts, ANN)
    left = events.Left(TEAM, "destroy")
    ok = replies.Stored("destroy", TEAM, Seq(3), ts, cid=X, id=1)
    assert s.ann.take() == [ok, event, left]
    assert s.bob.take() == [event, left]
    assert other.take() == [left]
    assert s.cy.take() == []
    s.harness.wait(2)
    assert is_forgotten(s.harness, TEAM)


def test_the_last_event_is_made_once_for_all(scene: Scene) -> None:
    """However many members there are."""
    s = scene
    guests = [s.harness.guest(TEAM) for _ in range(20)]
    s.ann.say(Destroy(TEAM))
    (origin,) = s.harness.drafts
    outcome = s.harness.model.execute(origin.draft, s.harness.now.wall)
    s.harness.drafts.clear()
    wanted = s.harness.handle(inputs.Executed(origin, outcome))
    told = [effect for effect in wanted if isinstance(effect, Tell)]
    assert [effect.frame.type for effect in told] == ["destroy", "left"]
    assert {len(effect.connections) for effect in told} == {len(guests) + 2}


def test_what_comes_later_finds_no_room(scene: Scene) -> None:
    """By any command, of anybody; its name is not given out again."""
    s = scene
    s.ann.ask(Send(HI, TEAM))
    s.ann.ask(Destroy(TEAM))
    for peer in (s.ann, s.bob, s.cy, s.harness.user(ADA)):
        for command in (
            Join(TEAM),
            Join(TEAM, Seq(1), "0" * 16),  # type: ignore[arg-type]
            Send(HI, TEAM),
            History(TEAM),
            Destroy(TEAM),
            Decline(TEAM),
            Search(QueryText("hi"), TEAM),
        ):
            assert code(peer, command) == "no_room", command
        assert code(peer, Create(PublicRoom("team"))) == "name_taken"
        assert peer.ask(Search(QueryText("hi")))[0].messages == []
        (page,) = peer.ask(RoomsCommand())
        assert [room.room for room in page.rooms] == [LOBBY]
    (welcome,) = s.harness.open().hello(name=GuestName("bob"), password=Secret("right"))
    assert welcome.rooms == []


def test_it_is_gone_after_a_restart(scene: Scene) -> None:
    """And its name is still taken."""
    s = scene
    s.ann.ask(Destroy(TEAM))
    s.ann.ask(Destroy(s.den))
    s.harness.restart()
    ann = s.harness.user(ANN)
    assert list(s.harness.chat.durable.rooms) == [LOBBY]
    assert code(ann, Join(TEAM)) == code(ann, Join(s.den)) == "no_room"


def test_a_retry_learns_that_it_was_done(scene: Scene) -> None:
    """Also of what was sent to the room before; another use of the cid is none."""
    s = scene
    s.ann.ask(Send(HI, TEAM, cid=Cid("m")))
    ok = s.ann.ask(Destroy(TEAM, X))[0]
    (again,) = s.ann.ask(Destroy(TEAM, X))
    assert again == attrs.evolve(ok, dup=True)
    (sent,) = s.ann.ask(Send(HI, TEAM, cid=Cid("m")))
    assert (sent.seq, sent.dup) == (3, True)
    assert code(s.ann, Send(HI, TEAM, cid=X)) == "cid_conflict"
    assert code(s.bob, Destroy(TEAM, X)) == "no_room"


def test_a_creation_that_is_sent_again_later_finds_no_room(scene: Scene) -> None:
    """What its cid has made is no more."""
    s = scene
    made = s.ann.ask(Create(private=True, cid=X))[0].room
    s.ann.ask(Destroy(made))
    assert code(s.ann, Create(private=True, cid=X)) == "no_room"


def test_the_configuration_has_its_own_rooms(scene: Scene) -> None:
    """Not even an administrator ends one."""
    assert code(scene.harness.user(ADA, LOBBY), Destroy(LOBBY)) == "forbidden"


def test_what_was_sent_before_it_is_stored_and_what_comes_behind_it_is_not(
    scene: Scene,
) -> None:
    """Its members wait for it; two ends of one room are one."""
    s = scene
    s.ann.ask(SetRole(TEAM, BOB, Role("owner")))
    s.harness.take_all()
    s.bob.say(Send(HI, TEAM, id=1))
    s.ann.say(Destroy(TEAM, id=1))
    s.bob.say(Destroy(TEAM, id=2))
    s.bob.say(Send(HI, TEAM, id=3))
    s.cy.say(Join(TEAM, id=1))
    s.harness.settle()
    replied = {f.id: getattr(f, "code", "ok") for f in s.bob.take() if hasattr(f, "re")}
    assert replied == {1: "ok", 2: "no_room", 3: "no_room"}
    assert [frame.code for frame in s.cy.take()] == [RejectCode.NO_ROOM]


def test_while_it_cannot_be_stored_nothing_is_lost(scene: Scene) -> None:
    """Whoever asked is told, the others hear nothing."""
    s = scene
    s.ann.say(Destroy(TEAM, X, id=1))
    s.harness.fail()
    assert [frame.code for frame in s.ann.take()] == [RejectCode.UNAVAILABLE]
    assert s.bob.take() == []
    s.ann.say(Destroy(TEAM, X, id=2))
    s.harness.stall()
    assert [frame.code for frame in s.ann.take()] == [RejectCode.UNAVAILABLE]
    s.ann.say(Destroy(TEAM, X, id=3))
    s.harness.settle()
    assert [f.type for f in s.ann.take()] == ["destroy", "left", "ok"]


def test_who_asked_and_has_gone_is_told_nothing(scene: Scene) -> None:
    """The room ends all the same."""
    s = scene
    s.ann.say(Destroy(TEAM))
    s.ann.close()
    s.harness.settle()
    assert [frame.type for frame in s.bob.take()] == ["destroy", "left"]


def test_who_is_replayed_to_hears_its_end_and_nothing_more(scene: Scene) -> None:
    """A page that was being read is nobody's, as is what was asked of its history."""
    s = scene
    for _ in range(4):
        s.ann.ask(Send(HI, TEAM))
    s.cy.say(Join(TEAM, last=PageLimit(4)))
    s.harness.commit()
    s.bob.say(History(TEAM))
    s.ann.say(Destroy(TEAM))
    s.harness.take_all()
    s.harness.commit()
    s.harness.settle()
    assert [frame.type for frame in s.cy.take()] == ["destroy", "left"]
    assert [frame.type for frame in s.bob.take()] == ["destroy", "left", "error"]


def test_marks_and_trims_that_are_under_way_come_to_nothing(scene: Scene) -> None:
    """They are the machine's own, and wait for no change of the room."""
    s = scene
    s.ann.ask(SetRoom(TEAM, keep_messages=KeepCount(1)))
    for _ in range(3):
        s.ann.ask(Send(HI, TEAM))
    s.bob.ask(Read(TEAM, Seq(4)))
    s.ann.say(SetRoom(TEAM, keep_messages=KeepCount(2)))
    s.harness.commit()
    s.ann.say(Destroy(TEAM))
    s.harness.wait(5)
    kinds = [type(origin.draft) for origin in s.harness.drafts]
    assert kinds == [drafts.DestroyRoom, drafts.TrimRoom, drafts.SaveMarks]
    s.harness.settle()
    s.harness.wait(5)
    assert is_forgotten(s.harness, TEAM)


def test_who_was_asked_in_is_told(scene: Scene) -> None:
    """Not of invitations of somebody whom he blocks, nor of those that are over."""
    s = scene
    s.ann.ask(Invite(TEAM, CY))
    s.ann.ask(Invite(s.den, CY))
    s.cy.ask(Decline(s.den))
    s.cy.take()
    s.ann.ask(Destroy(TEAM))
    s.ann.ask(Destroy(s.den))
    assert s.cy.take() == [events.Uninvited(TEAM)]
    assert s.harness.chat.durable.invites == {}


def test_tokens_for_other_rooms_hear_nothing(scene: Scene) -> None:
    """They were never told that he is in it."""
    s = scene
    other = s.harness.user(BOB)
    s.harness.chat.live.connections[other.id].scope = Scope(rooms=frozenset({LOBBY}))
    other.take()
    s.ann.ask(Destroy(TEAM))
    assert other.take() == []


# --- left by everybody ----------------------------------------------------------


def tell(harness: Harness, change: UserErased) -> None:
    """Have the operator change something about a user."""
    harness.change(change)
    for room in harness.model.rooms.values():
        room.members.pop(change.user, None)


def ends(harness: Harness) -> list[Origin]:
    """Ends of empty rooms that are being written."""
    return [o for o in harness.drafts if isinstance(o.draft, drafts.DropRoom)]


def test_an_end_that_came_too_late_is_not_tried_again() -> None:
    """The room has gone meanwhile."""
    harness = Harness()
    draft = drafts.DropRoom(RoomName("~gone"))
    before = len(harness.chat.live.agenda)
    harness.handle(inputs.Executed(Origin(None, None, draft), UNAVAILABLE))
    assert len(harness.chat.live.agenda) == before


def test_a_private_room_ends_with_its_last_member(scene: Scene) -> None:
    """Whoever was asked in finds none, and is told."""
    s = scene
    s.ann.ask(Invite(s.den, CY))
    s.cy.take()
    assert code(s.ann, Leave(s.den)) == "ok"
    assert s.cy.take() == [events.Uninvited(s.den)]
    assert code(s.cy, Join(s.den)) == "no_room"
    assert is_forgotten(s.harness, s.den)
    assert s.den in s.harness.model.ended


def test_whoever_is_left_keeps_it(scene: Scene) -> None:
    """As a plain member, too, who has an owner's rights then."""
    s = scene
    s.ann.ask(Invite(s.den, CY))
    s.cy.join(s.den)
    tell(s.harness, UserErased(ANN))
    s.harness.settle()
    assert code(s.cy, SetRoom(s.den, topic=Topic("mine"))) == "ok"
    assert code(s.cy, Leave(s.den)) == "ok"
    assert is_forgotten(s.harness, s.den)


def test_it_ends_with_whoever_is_erased(scene: Scene) -> None:
    """Nobody has left it; nobody is there."""
    s = scene
    tell(s.harness, UserErased(ANN))
    s.harness.settle()
    assert is_forgotten(s.harness, s.den)


def test_it_ends_with_a_guest(scene: Scene) -> None:
    """When his session does; also where that was before it was made."""
    s = scene
    guest = s.harness.guest()
    made = guest.ask(Create(private=True))[0].room
    guest.ask(Logout())
    assert is_forgotten(s.harness, made)
    guest = s.harness.guest()
    name = s.harness.user_of(guest)
    assert name is not None
    guest.say(Create(private=True))
    s.harness.open(is_operator=True).say(UserLogout(name))
    s.harness.settle()
    assert name not in s.harness.chat.durable.users
    private = [name for name in s.harness.chat.durable.rooms if name[0] == "~"]
    assert private == [s.den]


def test_an_empty_one_of_before_ends_at_the_start(scene: Scene) -> None:
    """As one does whose end could not be written before the daemon did."""
    s = scene
    s.ann.say(Leave(s.den))
    s.harness.commit()
    assert len(ends(s.harness)) == 1
    s.harness.restart()
    s.harness.user(ANN)
    assert is_forgotten(s.harness, s.den)


def test_who_was_on_his_way_in_keeps_it(scene: Scene) -> None:
    """The writer looks once more; who comes behind the end finds none."""
    s = scene
    s.ann.ask(Invite(s.den, CY))
    s.ann.ask(Invite(s.den, BOB))
    s.harness.take_all()
    s.cy.say(Join(s.den))
    (joins,) = s.harness.drafts
    s.harness.drafts.clear()
    s.ann.say(Leave(s.den))
    s.harness.commit(1)
    s.harness.drafts.appendleft(joins)
    s.bob.say(Join(s.den))
    s.harness.settle()
    assert list(s.harness.chat.durable.rooms[s.den].members) == [CY, BOB]


def test_an_end_that_cannot_be_written_is_tried_again(scene: Scene) -> None:
    """Every minute, and not while something else of the room is being written."""
    s = scene
    s.ann.ask(Invite(s.den, CY))
    s.ann.say(Leave(s.den))
    s.harness.commit()
    s.harness.fail()
    assert s.den in s.harness.chat.durable.rooms
    s.harness.wait(LOOK_AGAIN_S)
    (origin,) = ends(s.harness)
    s.harness.fail()
    s.cy.join(s.den)
    s.harness.wait(LOOK_AGAIN_S)
    assert ends(s.harness) == []
    assert code(s.cy, Leave(s.den)) == "ok"
    assert is_forgotten(s.harness, s.den)
    s.harness.handle(inputs.Executed(origin, drafts.Committed()))


def test_it_waits_for_what_is_being_written_of_the_room(scene: Scene) -> None:
    """Its last member is erased while what he asked for is not decided yet."""
    s = scene
    s.ann.say(SetRoom(s.den, topic=Topic("tea")))
    tell(s.harness, UserErased(ANN))
    assert ends(s.harness) == []
    s.harness.settle()
    assert s.den in s.harness.chat.durable.rooms
    s.harness.wait(LOOK_AGAIN_S)
    s.harness.settle()
    assert is_forgotten(s.harness, s.den)


def test_public_rooms_and_direct_conversations_stay(scene: Scene) -> None:
    """The one is found by its name, the other by its people, while they are there."""
    s = scene
    s.ann.ask(Send(HI, to=BOB))
    s.bob.ask(Leave(TEAM))
    s.ann.ask(Leave(TEAM))
    for name in (ANN, BOB):
        tell(s.harness, UserErased(name))
        s.harness.settle()
    s.harness.wait(IDLE_S)
    assert {TEAM, RoomName("@ann,bob")} < set(s.harness.model.rooms)
    assert set(s.harness.chat.durable.rooms) == {LOBBY, TEAM}


def test_only_members_are_removed_and_none_is_left_by_a_kick(scene: Scene) -> None:
    """Who removes others is there himself."""
    s = scene
    s.ann.ask(Invite(s.den, CY))
    s.cy.join(s.den)
    for command in (Mute(s.den, CY), Kick(s.den, CY)):
        assert code(s.ann, command) == "ok"
    assert list(s.harness.chat.durable.rooms[s.den].members) == [ANN]
