"""Rooms that get another name: whatever is of the room goes on under it."""

from __future__ import annotations

import attrs
import pytest

from chatd.config import Auth, Config, PermanentRoom, Rooms
from chatd.config.limits import Limits
from chatd.core import drafts
from chatd.core.agenda import Due
from chatd.core.commands.rooms.renaming import NAMES_MAX
from chatd.core.effects import Append, Origin
from chatd.core.entities import INVITE_S
from chatd.core.invariants import check
from chatd.core.scope import Scope
from chatd.enums import Role
from chatd.errors import RejectCode
from chatd.ids import Cid, RoomName, Seq, UserName, direct_room
from chatd.wire import events, replies
from chatd.wire.commands import Command
from chatd.wire.ephemeral import Read, Typing
from chatd.wire.kinds import (
    BanSeconds,
    GuestName,
    KeepCount,
    PageLimit,
    PublicRoom,
    QueryText,
    Secret,
    Text,
)
from chatd.wire.moderation import Ban, Decline, Invite, Mute, SetRole
from chatd.wire.rooms import Create, Destroy, Join, Leave, Rename, SetRoom, Who
from chatd.wire.rooms import Rooms as RoomsCommand
from chatd.wire.timeline import History, Search, Send
from chatd.wire.users import Block
from tests.core.harness import ADA, ANN, BOB, CY, LOBBY, Harness, Peer

HI = Text("hi")
TEAM, HALL, ATTIC = RoomName("team"), RoomName("hall"), RoomName("attic")
X, Y = Cid("x"), Cid("y")
CONFIG = Config(
    auth=Auth(guest_hold_s=20.0),
    limits=Limits(messages_per_s=0, creations_per_h=0),
    rooms=Rooms(create="anyone", permanent=(PermanentRoom(name=LOBBY),)),
)


@attrs.define
class Scene:
    """ann owns the team, in which bob is; cy is not."""

    harness: Harness
    ann: Peer
    bob: Peer
    cy: Peer


@pytest.fixture
def scene() -> Scene:
    """Three people, nothing to take."""
    harness = Harness(CONFIG)
    ann, bob, cy = harness.user(ANN, TEAM), harness.user(BOB, TEAM), harness.user(CY)
    harness.wait(2)
    harness.take_all()
    return Scene(harness, ann, bob, cy)


def to(name: str, cid: Cid | None = None, room: RoomName = TEAM) -> Rename:
    """Another name for a room."""
    return Rename(room, PublicRoom(name), cid)


def code(peer: Peer, command: Command) -> str:
    """What a command is answered with: the code of an error, or `ok`."""
    (reply,) = [frame for frame in peer.ask(command) if hasattr(frame, "re")]
    return getattr(reply, "code", "ok")


def test_it_is_one_draft_and_one_event_that_tells_both_names(scene: Scene) -> None:
    """With the next seq. Whoever is there is told the name before it is used."""
    s = scene
    other = s.harness.user(BOB)
    other.take()
    command = attrs.evolve(to("hall", X), id=1)
    draft = drafts.RenameRoom(TEAM, ANN, X, HALL, "hall", distinct=False)
    assert s.ann.say(command) == [Append(Origin(s.ann.id, command, draft))]
    s.harness.settle()
    ts = s.harness.now.wall
    event = events.Rename(HALL, Seq(3), ts, ANN, HALL, [TEAM])
    ok = replies.Stored("rename", HALL, Seq(3), ts, cid=X, id=1)
    notice = events.Renamed(HALL, [TEAM])
    assert s.ann.take() == [notice, ok, event]
    assert s.bob.take() == [notice, event]
    assert other.take() == [notice]
    assert s.cy.take() == []
    (sent,) = [f for f in s.bob.ask(Send(HI, HALL)) if hasattr(f, "re")]
    assert (sent.room, sent.seq) == (HALL, 4)
    assert [(f.room, f.seq) for f in s.ann.take()] == [(HALL, 4)]


@pytest.mark.parametrize(
    "command",
    [
        Join(TEAM),
        Join(TEAM, last=PageLimit(3)),
        Send(HI, TEAM),
        History(TEAM),
        Who(TEAM),
        Search(QueryText("hi"), TEAM),
        Search(QueryText("hi in:team")),
        Read(TEAM, Seq(2), id=1),
        Typing(TEAM, id=1),
        SetRoom(TEAM, history="all"),  # type: ignore[arg-type]
        Invite(TEAM, CY),
        SetRole(TEAM, BOB, Role("moderator")),
        Leave(TEAM),
        Destroy(TEAM),
    ],
)
def test_each_command_takes_the_old_name(scene: Scene, command: Command) -> None:
    """And is answered with the one of now."""
    s = scene
    s.ann.ask(SetRole(TEAM, BOB, Role("owner")))
    s.ann.ask(Send(HI, TEAM))
    s.ann.ask(to("hall"))
    s.harness.take_all()
    (reply,) = [f for f in s.ann.ask(command) if hasattr(f, "re")]
    assert reply.type == "ok", reply
    assert getattr(reply, "room", HALL) == HALL
    told = [f.room for peer in (s.ann, s.bob) for f in peer.take() if f.type != "left"]
    assert set(told) <= {HALL}
    check(s.harness.chat)


def test_what_is_kept_of_the_room_goes_on(scene: Scene) -> None:
    """Roles, bans, what was read, invitations; also after a restart."""
    s = scene
    s.ann.ask(Send(HI, TEAM))
    s.ann.ask(Ban(TEAM, CY))
    s.bob.ask(Read(TEAM, Seq(3)))
    s.ann.ask(to("hall"))
    s.harness.settle()
    for _ in range(2):
        room = s.harness.chat.durable.rooms[HALL]
        assert [member.role for member in room.members.values()] == ["owner", "member"]
        assert room.members[BOB].read == 3
        assert list(room.bans) == [CY]
        assert room.was == [TEAM]
        assert TEAM not in s.harness.chat.durable.rooms
        (welcome,) = s.harness.open().hello(
            name=GuestName("bob"), password=Secret("right")
        )
        (shown,) = welcome.rooms
        assert (shown.room, shown.was, shown.read) == (HALL, [TEAM], 3)
        ann = s.harness.user(ANN, TEAM)
        assert code(ann, Send(HI, TEAM)) == "ok"
        (page,) = ann.ask(RoomsCommand())
        assert [shown.room for shown in page.rooms] == [HALL, LOBBY]
        ann.close()
        s.harness.wait(10)
        s.harness.settle()
        s.harness.restart()
        s.harness.user(ANN)


def test_a_ban_ends_in_a_room_that_has_another_name_by_then(scene: Scene) -> None:
    """And with a room that has ended: no deadline of it is left."""
    s = scene
    s.ann.ask(Ban(TEAM, CY, BanSeconds(60)))
    s.ann.ask(to("hall"))
    room = s.harness.chat.durable.rooms[HALL]
    s.harness.wait(59)
    assert list(room.bans) == [CY]
    s.harness.wait(2)
    assert room.bans == {}
    s.ann.ask(Ban(HALL, CY, BanSeconds(60)))
    s.ann.ask(Destroy(HALL))
    assert s.harness.chat.live.agenda.keys(Due.BAN) == set()


def test_the_join_by_an_old_name_resumes_and_tells_them_all(scene: Scene) -> None:
    """With `since`, as a client does that has not heard of it."""
    s = scene
    epoch = s.harness.chat.durable.rooms[TEAM].epoch
    s.bob.close()
    s.ann.ask(to("hall"))
    s.ann.ask(to("attic", room=HALL))
    bob = s.harness.user(BOB)
    bob.take()
    bob.say(Join(TEAM, Seq(2), epoch))
    s.harness.settle()
    ok, *replayed, end = bob.take()
    assert (ok.room, ok.was, ok.recovered) == (ATTIC, [TEAM, HALL], True)
    assert [(e.type, e.room, e.was) for e in replayed] == [
        ("rename", ATTIC, [TEAM]),
        ("rename", ATTIC, [HALL]),
    ]
    assert (end.room, end.seq) == (ATTIC, 4)


def test_a_retry_is_found_by_either_name(scene: Scene) -> None:
    """The rename's own, and what was sent before it; nothing is stored twice."""
    s = scene
    s.ann.ask(Send(HI, TEAM, cid=Y))
    ok = s.ann.ask(to("hall", X))[1]
    for room in (TEAM, HALL):
        (again,) = s.ann.ask(to("hall", X, room))
        assert again == attrs.evolve(ok, dup=True)
        (sent,) = s.ann.ask(Send(HI, room, cid=Y))
        assert (sent.room, sent.seq, sent.dup) == (HALL, 3, True)
    assert code(s.ann, to("attic", X)) == "cid_conflict"
    s.ann.ask(to("attic"))
    (again,) = s.ann.ask(to("hall", X))
    assert (again.room, again.seq, again.dup) == (ATTIC, 4, True)
    assert s.harness.chat.durable.rooms[ATTIC].head == 5


def test_a_creation_that_is_sent_again_finds_its_room(scene: Scene) -> None:
    """Its cid has made the room, whatever that is called now."""
    s = scene
    create = Create(PublicRoom("den"), cid=X)
    s.ann.ask(create)
    s.ann.ask(to("hall", room=RoomName("den")))
    (again,) = s.ann.ask(create)
    assert (again.room, again.dup) == (HALL, True)
    assert code(s.ann, Create(PublicRoom("den"))) == "exists"
    assert code(s.ann, Create(PublicRoom("den"), cid=Y)) == "exists"


def test_no_name_is_given_out_twice(scene: Scene) -> None:
    """Not one that a room has, had, or had when it ended; but it may go back."""
    s = scene
    s.ann.ask(Create(PublicRoom("den")))
    s.ann.ask(Create(PublicRoom("cave")))
    s.ann.ask(to("cellar", room=RoomName("cave")))
    s.ann.ask(Destroy(RoomName("cave")))
    s.ann.ask(to("hall"))
    den = RoomName("den")
    for cid in (None, X):
        assert code(s.ann, to("team", cid, den)) == "exists"
        assert code(s.ann, to("hall", cid, den)) == "exists"
        assert code(s.ann, to("lobby", cid, den)) == "exists"
        assert code(s.ann, to("cave", cid, den)) == "name_taken"
        assert code(s.ann, to("cellar", cid, den)) == "name_taken"
    assert code(s.cy, Create(PublicRoom("cellar"))) == "name_taken"
    assert code(s.ann, to("team")) == "ok"
    assert s.harness.chat.durable.rooms[TEAM].was == [HALL]
    assert s.harness.chat.durable.aliases == {HALL: TEAM}


def test_the_name_that_it_has_is_no_change(scene: Scene) -> None:
    """Nothing is stored, and nobody is told."""
    s = scene
    (ok,) = s.ann.ask(to("team"))
    assert (ok.room, ok.dup) == (TEAM, True)
    assert s.bob.take() == []


def test_a_room_has_so_many_names(scene: Scene) -> None:
    """And goes between them as often as it wants."""
    s = scene
    for number in range(NAMES_MAX - 1):
        assert code(s.ann, to(f"n{number}")) == "ok"
    assert code(s.ann, to("more")) == "forbidden"
    assert code(s.ann, to("n0")) == "ok"
    assert code(s.ann, to("team")) == "ok"
    assert len(s.harness.chat.durable.rooms[TEAM].was) == NAMES_MAX - 1


@pytest.mark.parametrize("name", ["admin", "hall.", "hall-"])
def test_a_name_is_as_for_a_new_room(name: str) -> None:
    """Reserved ones are the administrators', and none ends in punctuation."""
    auth = attrs.evolve(CONFIG.auth, reserved=(UserName("admin"),))
    harness = Harness(attrs.evolve(CONFIG, auth=auth))
    ann = harness.user(ANN, TEAM)
    (error,) = ann.ask(to(name))
    wanted = RejectCode.NAME_TAKEN if name == "admin" else RejectCode.BAD_FIELD
    assert (error.code, error.field) == (wanted, "name")
    assert code(harness.user(ADA), to("admin")) == "ok"


def test_what_looks_like_another_room_is_taken() -> None:
    """With names beyond ASCII; what looks like its own former name is not."""
    config = attrs.evolve(CONFIG, auth=attrs.evolve(CONFIG.auth, names="unicode"))
    harness = Harness(config)
    ann = harness.user(ANN, TEAM)
    ann.ask(Create(PublicRoom("cop")))
    lookalike = "\u0441\u043e\u0440"  # cop in Cyrillic
    assert code(ann, to(lookalike)) == "name_taken"
    assert code(ann, to(lookalike, room=RoomName("cop"))) == "ok"
    assert code(ann, to("cop")) == "exists"


def test_names_have_the_rate_of_new_rooms() -> None:
    """Those that the room had already have that of messages alone; so has a retry."""
    limits = Limits(messages_per_s=0, creations_per_h=60, creations_burst=2)
    harness = Harness(attrs.evolve(CONFIG, limits=limits))
    ann = harness.user(ANN, TEAM)
    assert code(ann, to("hall", X)) == "ok"
    (error,) = ann.ask(to("attic"))
    assert (error.code, error.retry_after) == (RejectCode.RATE_LIMITED, 60.0)
    assert code(ann, to("hall", X)) == code(ann, to("team")) == "ok"
    harness.wait(60)
    assert code(ann, to("attic")) == "ok"


def test_who_may(scene: Scene) -> None:
    """Owners and administrators; not the room's that is declared, nor private ones."""
    s = scene
    ada = s.harness.user(ADA, LOBBY)
    assert code(s.bob, to("hall")) == "forbidden"
    assert code(s.cy, to("hall")) == "not_member"
    assert code(ada, to("hall", room=LOBBY)) == "forbidden"
    den = s.ann.ask(Create(private=True))[0].room
    assert code(s.ann, to("hall", room=den)) == "forbidden"
    s.ann.ask(Send(HI, to=BOB))
    assert code(s.ann, to("hall", room=direct_room(ANN, BOB))) == "forbidden"
    assert code(s.cy, to("hall", room=den)) == "no_room"
    assert code(ada, to("hall")) == "ok"


def test_a_token_for_the_old_name_is_one_for_the_room(scene: Scene) -> None:
    """It was given for the room; what the token lists is told of it."""
    s = scene
    s.harness.chat.live.connections[s.bob.id].scope = Scope(rooms=frozenset({TEAM}))
    s.ann.ask(to("hall"))
    assert [f.type for f in s.bob.take()] == ["renamed", "rename"]
    assert code(s.bob, Send(HI, TEAM)) == code(s.bob, Send(HI, HALL)) == "ok"
    assert code(s.bob, Send(HI, LOBBY)) == "forbidden"
    s.ann.ask(Invite(HALL, CY))
    s.ann.ask(Destroy(HALL))
    assert [f.type for f in s.bob.take()][-2:] == ["destroy", "left"]


def test_a_search_in_the_old_name_goes_on(scene: Scene) -> None:
    """Page by page, also when the room is renamed between them, or under way."""
    s = scene
    for _ in range(3):
        s.ann.ask(Send(HI, TEAM))
    search = Search(QueryText("in:team hi"), limit=PageLimit(1))
    (page,) = s.ann.ask(search)
    s.ann.ask(to("hall"))
    (second,) = s.ann.ask(attrs.evolve(search, next=page.next))
    assert [m.room for m in page.messages + second.messages] == [TEAM, HALL]
    s.ann.say(to("attic", room=HALL))
    s.bob.say(attrs.evolve(search, next=second.next))
    s.harness.take_all()
    s.harness.commit()
    s.harness.settle()
    (third,) = [f for f in s.bob.take() if hasattr(f, "re")]
    assert [(m.room, m.seq) for m in third.messages] == [(ATTIC, 3)]


def test_what_was_under_way_is_of_the_room(scene: Scene) -> None:
    """Sent before it, behind it, joined, read and replayed meanwhile."""
    s = scene
    for _ in range(4):
        s.ann.ask(Send(HI, TEAM))
    s.harness.take_all()
    s.bob.say(Send(HI, TEAM, id=1))
    s.cy.say(Join(TEAM, last=PageLimit(4), id=1))
    s.harness.commit()
    s.bob.say(History(TEAM, id=2))
    s.ann.say(to("hall"))
    s.bob.say(Send(HI, TEAM, id=3))
    s.harness.commit()
    s.harness.settle()
    replied = {f.id: f for f in s.bob.take() if hasattr(f, "re")}
    assert [replied[number].room for number in (1, 2, 3)] == [TEAM, HALL, HALL]
    ok, *frames = s.cy.take()
    assert (ok.re, ok.room) == ("join", TEAM)
    seqs = [f.seq for f in frames if f.type in ("message", "member", "rename")]
    assert seqs == sorted(set(seqs))
    assert seqs[-1] == s.harness.chat.durable.rooms[HALL].head
    check(s.harness.chat)


def test_two_at_once_are_one_after_the_other(scene: Scene) -> None:
    """Two names of one room both hold; one name for two rooms is the first one's."""
    s = scene
    s.ann.ask(SetRole(TEAM, BOB, Role("owner")))
    s.bob.ask(Create(PublicRoom("den")))
    s.harness.take_all()
    s.ann.say(to("hall"))
    s.bob.say(to("attic"))
    s.bob.say(to("hall", room=RoomName("den")))
    s.harness.settle()
    assert s.harness.chat.durable.rooms.keys() == {LOBBY, ATTIC, RoomName("den")}
    assert s.harness.chat.durable.rooms[ATTIC].was == [TEAM, HALL]
    told = [getattr(f, "code", "ok") for f in s.bob.take() if hasattr(f, "re")]
    assert told == ["ok", "exists"]


def test_invitations_lead_to_it(scene: Scene) -> None:
    """They lapse as ever, and are listed under its name."""
    s = scene
    s.ann.ask(Invite(TEAM, CY))
    s.harness.wait(INVITE_S / 2)
    s.cy.take()
    s.ann.ask(to("hall"))
    assert s.cy.take() == [events.Renamed(HALL, [TEAM])]
    (welcome,) = s.harness.open().hello(name=GuestName("cy"), password=Secret("right"))
    assert [shown.room for shown in welcome.invites] == [HALL]
    assert s.harness.chat.live.agenda.keys(Due.FORGET_INVITE) == {(CY, HALL)}
    s.harness.wait(INVITE_S)
    assert s.harness.chat.durable.invites == {}


def test_an_invitation_that_is_over_or_hidden_tells_nothing(scene: Scene) -> None:
    """Whoever has refused it, or blocks who sent it, knows of no room."""
    s = scene
    s.ann.ask(Invite(TEAM, CY))
    s.cy.ask(Decline(TEAM))
    s.ann.ask(Invite(TEAM, ADA))
    ada = s.harness.user(ADA)
    ada.ask(Block(ANN))
    s.harness.take_all()
    s.ann.ask(to("hall"))
    assert s.cy.take() == ada.take() == []


def test_presence_and_trims_go_on(scene: Scene) -> None:
    """Who has come is told at the end of the tick; what is to go, goes."""
    s = scene
    s.ann.ask(SetRoom(TEAM, keep_messages=KeepCount(1)))
    for _ in range(3):
        s.ann.ask(Send(HI, TEAM))
    s.cy.ask(Join(TEAM))
    s.ann.ask(SetRoom(TEAM, keep_messages=KeepCount(2)))
    s.harness.take_all()
    s.ann.say(to("hall"))
    s.harness.commit()
    s.harness.wait(5)
    s.harness.settle()
    s.harness.wait(5)
    s.harness.settle()
    told = [f for f in s.bob.take() if isinstance(f, events.Presence)]
    assert [(f.room, [who.name for who in f.join]) for f in told] == [(HALL, [CY])]
    assert s.harness.chat.durable.rooms[HALL].first > 1
    check(s.harness.chat)


def test_mutes_end_when_they_would_have(scene: Scene) -> None:
    """Those that do; one for good stays."""
    s = scene
    s.ann.ask(Mute(TEAM, BOB, BanSeconds(60)))
    s.ann.ask(Mute(TEAM, CY))
    s.ann.ask(to("hall"))
    s.harness.wait(59)
    assert code(s.bob, Send(HI, TEAM)) == "muted"
    s.harness.wait(1)
    assert code(s.bob, Send(HI, TEAM)) == "ok"
    assert list(s.harness.chat.durable.rooms[HALL].mutes) == [CY]
    assert s.harness.chat.live.agenda.keys(Due.MUTE) == set()


def test_while_it_cannot_be_stored_the_room_has_its_name(scene: Scene) -> None:
    """Whoever asked is told, and the same command does it later."""
    s = scene
    s.ann.say(to("hall", X))
    s.harness.fail()
    assert [f.code for f in s.ann.take()] == [RejectCode.UNAVAILABLE]
    assert TEAM in s.harness.chat.durable.rooms
    s.ann.say(to("hall", X))
    s.harness.stall()
    s.harness.settle()
    assert HALL in s.harness.chat.durable.rooms
    s.ann.take()
    (again,) = s.ann.ask(to("hall", X))
    assert again.dup


def test_of_a_room_that_has_ended_no_name_leads_anywhere(scene: Scene) -> None:
    """Nor is any of them given out."""
    s = scene
    s.ann.ask(to("hall", X))
    s.ann.ask(Destroy(TEAM))
    assert s.harness.chat.durable.aliases == {}
    assert code(s.ann, Join(TEAM)) == code(s.ann, Join(HALL)) == "no_room"
    assert code(s.ann, Create(PublicRoom("team"))) == "name_taken"
    for room in (TEAM, HALL):
        (again,) = s.ann.ask(to("hall", X, room))
        assert again.dup


def test_a_guest_who_owns_it_may_and_leaves_with_his_session(scene: Scene) -> None:
    """What ends for him ends under the name of now."""
    s = scene
    guest = s.harness.guest(RoomName("den"))
    assert code(guest, to("hall", room=RoomName("den"))) == "ok"
    guest.close()
    s.harness.wait(100)
    s.harness.settle()
    assert s.harness.chat.durable.rooms[HALL].members == {}
