from __future__ import annotations

from typing import Any

import attrs
import pytest

from chatd.config import Config, PermanentRoom, Rooms
from chatd.config.limits import Limits
from chatd.core import drafts, inputs
from chatd.core.agenda import Due
from chatd.core.changes import Lapse, Lapsed, Moderated
from chatd.core.effects import Answer, Append, Fetch, Origin
from chatd.core.entities import Invite, Sanction
from chatd.core.queries import LoadUser
from chatd.enums import MemberChange, Post, Role, Visibility
from chatd.errors import RejectCode
from chatd.ids import Cid, RoomName, Seq, UserName, direct_room
from chatd.wire import events, replies
from chatd.wire.commands import (
    Delete,
    Edit,
    History,
    Join,
    Leave,
    Logout,
    React,
    Send,
    Who,
)
from chatd.wire.commands import Rooms as RoomsCommand
from chatd.wire.kinds import (
    BanSeconds,
    Emoji,
    PageLimit,
    PublicRoom,
    Reason,
    SlowSeconds,
    Text,
    Topic,
)
from chatd.wire.moderation import Ban, Kick, Mute, SetRole, Unban, Unmute
from chatd.wire.moderation import Invite as InviteCommand
from chatd.wire.rooms import Create, SetRoom
from tests.core.house import ADA, ANN, BOB, CY, LOBBY, House, Peer

HI = Text("hi")
TEAM = RoomName("team")
X = Cid("x")
NOBODY = UserName("nobody")
FREE = Config(limits=Limits(messages_per_s=0))
OWNER, MODERATOR, MEMBER = map(Role, ("owner", "moderator", "member"))


@attrs.define
class Scene:
    """ann owns the team; bob is in it, and cy may be."""

    house: House
    ann: Peer
    bob: Peer
    cy: Peer


def scene(config: Config = FREE, role: str = "", *, cy: bool = True) -> Scene:
    """Three people, nothing to take; bob has a role."""
    house = House(config)
    ann, bob = house.user("ann", TEAM), house.user("bob", TEAM)
    third = house.user("cy", *[TEAM] if cy else [])
    if role:
        ann.ask(SetRole(TEAM, BOB, Role(role)))
    house.take_all()
    return Scene(house, ann, bob, third)


def codes(frames: list[Any]) -> list[Any]:
    """The code of each error, or `ok`."""
    replies = [frame for frame in frames if hasattr(frame, "re")]
    return [getattr(reply, "code", "ok") for reply in replies]


def kinds(frames: list[Any]) -> list[str]:
    """What came, shortly: a change for an event of a member."""
    return [getattr(frame, "change", None) or frame.type for frame in frames]


def private(peer: Peer, **settings: Any) -> RoomName:
    """Create a private room."""
    created = peer.ask(Create(private=True, **settings))[0]
    assert isinstance(created, replies.Created), created
    return created.room


# --- an act, from its command to its event ------------------------------------------


def test_an_act_is_one_draft_with_an_ok_and_an_event() -> None:
    """The `ok` comes first; everybody in the room is told who did it, and why."""
    s = scene()
    command = Mute(TEAM, CY, BanSeconds(60), Reason("noise"), X, id=1)
    draft = drafts.Moderate(TEAM, ANN, X, CY, MemberChange.MUTE, None, 60, "noise")
    assert s.ann.say(command) == [Append(Origin(s.ann.id, command, draft))]
    s.house.settle()
    ts = s.house.now.wall
    event = events.Member(
        TEAM, Seq(4), ts, ANN, CY, MemberChange.MUTE, None, ts + 60_000, "noise"
    )
    ok = replies.Stored("mute", TEAM, Seq(4), ts, cid=X, id=1)
    assert s.ann.take() == [ok, event]
    assert s.bob.take() == s.cy.take() == [event]
    assert s.house.chat.durable.rooms[TEAM].mutes == {
        CY: Sanction(ts + 60_000, "noise")
    }


@pytest.mark.parametrize(
    ("command", "change"),
    [
        (Kick(TEAM, CY, Reason("bye")), "kick"),
        (Ban(TEAM, CY, BanSeconds(60), Reason("bye")), "ban"),
        (Unban(TEAM, CY), "unban"),
        (Mute(TEAM, CY), "mute"),
        (Unmute(TEAM, CY), "unmute"),
        (SetRole(TEAM, CY, MODERATOR), "role"),
    ],
)
def test_what_an_act_says_is_in_its_draft(command: Any, change: str) -> None:
    """A field that a command has not is left out."""
    s = scene()
    (append,) = s.ann.say(command)
    assert isinstance(append, Append)
    assert append.origin.draft == drafts.Moderate(
        TEAM,
        ANN,
        None,
        CY,
        MemberChange(change),
        getattr(command, "role", None),
        getattr(command, "seconds", None),
        getattr(command, "reason", None),
    )


def test_an_act_that_changes_nothing_tells_nobody_and_is_paid_for() -> None:
    """It is a duplicate, also with another cid; only a retry returns its token."""
    s = scene(Config(limits=Limits(messages_per_s=1, messages_burst=4)))
    s.house.wait(10)
    s.house.take_all()
    s.ann.ask(Mute(TEAM, CY, cid=X))
    for _ in range(9):
        retry = [f for f in s.ann.ask(Mute(TEAM, CY, cid=X)) if f.type == "ok"]
        assert [f.dup for f in retry] == [True]
    for _ in range(3):
        (ok,) = s.ann.ask(Unmute(TEAM, BOB))
        assert (ok.type, ok.dup) == ("ok", True)
    assert codes(s.ann.ask(Unmute(TEAM, BOB))) == [RejectCode.RATE_LIMITED]
    assert kinds(s.bob.take()) == ["mute"]


def test_a_retry_of_an_act_learns_what_became_of_it() -> None:
    """By its cid, also when it could not be done again; other content conflicts."""
    s = scene()
    (ok, *_) = s.ann.ask(Kick(TEAM, CY, cid=X))
    (dup,) = s.ann.ask(Kick(TEAM, CY, cid=X))
    assert (dup.dup, dup.seq, dup.ts) == (True, ok.seq, ok.ts)
    assert codes(s.ann.ask(Kick(TEAM, BOB, cid=X))) == [RejectCode.CID_CONFLICT]


def test_an_act_whose_sender_is_gone_takes_place() -> None:
    """It was committed; the reply is nobody's."""
    s = scene()
    s.ann.say(Kick(TEAM, CY))
    s.ann.close()
    s.bob.say(SetRoom(TEAM, topic=Topic("x")))
    s.house.settle()
    assert list(s.house.chat.durable.rooms[TEAM].members) == [ANN, BOB]
    assert kinds(s.bob.take())[0] == "kick"


def test_acts_are_paced_like_messages() -> None:
    """With the time until the next one."""
    s = scene(Config(limits=Limits(messages_per_s=0.5, messages_burst=1)))
    s.house.wait(10)
    assert codes(s.ann.ask(Mute(TEAM, CY))) == ["ok"]
    for command in (
        Unmute(TEAM, CY),
        SetRole(TEAM, CY, MODERATOR),
        SetRoom(TEAM, topic=Topic("x")),
        InviteCommand(TEAM, ADA),
        Create(PublicRoom("den")),
    ):
        (error,) = s.ann.ask(command)
        assert (error.code, error.retry_after) == (RejectCode.RATE_LIMITED, 2.0)


# --- who may ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("role", "mute", "topic", "post", "role_"),
    [
        ("member", False, False, False, False),
        ("moderator", True, True, False, False),
        ("owner", True, True, True, True),
    ],
)
def test_what_a_role_is_worth(
    role: str, mute: bool, topic: bool, post: bool, role_: bool
) -> None:
    """Moderators keep order and change what a room looks like; owners the rest."""
    s = scene(role=role)
    for command, allowed in (
        (Mute(TEAM, CY), mute),
        (SetRoom(TEAM, topic=Topic("x")), topic),
        (SetRoom(TEAM, topic=Topic("y"), post=Post("members")), post),
        (SetRole(TEAM, CY, MODERATOR), role_),
    ):
        expected = "ok" if allowed else RejectCode.FORBIDDEN
        assert codes(s.bob.ask(command)) == [expected], command


def test_the_refusal_names_the_role_that_it_takes() -> None:
    """In words."""
    s = scene()
    assert s.bob.ask(Kick(TEAM, CY))[0].text == "only a moderator of team may do this"
    (error,) = s.bob.ask(SetRole(TEAM, CY, OWNER))
    assert error.text == "only an owner of team may do this"


def test_nobody_acts_on_his_equals_or_betters() -> None:
    """Nor on himself; an owner acts on moderators."""
    s = scene(role="moderator")
    s.ann.ask(SetRole(TEAM, CY, MODERATOR))
    for command in (Kick(TEAM, CY), Mute(TEAM, ANN), Ban(TEAM, ADA)):
        (error,) = s.bob.ask(command)[-1:]
        assert (error.code, error.field) == (RejectCode.FORBIDDEN, "user")
    (error,) = s.bob.ask(Mute(TEAM, BOB))
    assert (error.code, error.field) == (RejectCode.BAD_FIELD, "user")
    s.house.take_all()
    assert codes(s.ann.ask(Kick(TEAM, CY))) == ["ok"]


def test_an_administrator_is_an_owner_of_every_public_room() -> None:
    """Without being in it; of a private room he knows nothing."""
    s = scene()
    ada = s.house.user("ada")
    hidden = private(s.ann)
    s.house.take_all()
    assert codes(ada.ask(SetRole(TEAM, CY, MODERATOR))) == ["ok"]
    assert codes(ada.ask(Kick(TEAM, CY))) == ["ok"]
    assert codes(ada.ask(Kick(TEAM, ANN))) == [RejectCode.FORBIDDEN]
    assert codes(ada.ask(Kick(hidden, ANN))) == [RejectCode.NO_ROOM]
    assert codes(ada.ask(Delete(TEAM, Seq(1)))) == [RejectCode.NOT_MEMBER]


def test_one_acts_only_where_one_is_and_in_no_direct_conversation() -> None:
    """`not_member`, `no_room`, `forbidden`."""
    s = scene(cy=False)
    s.ann.ask(Send(HI, to=BOB))
    direct = direct_room(ANN, BOB)
    s.house.take_all()
    assert codes(s.cy.ask(Kick(TEAM, BOB))) == [RejectCode.NOT_MEMBER]
    assert codes(s.cy.ask(Kick(RoomName("nowhere"), BOB))) == [RejectCode.NO_ROOM]
    assert codes(s.cy.ask(Kick(direct, BOB))) == [RejectCode.NO_ROOM]
    assert codes(s.ann.ask(Kick(direct, BOB))) == [RejectCode.FORBIDDEN]
    assert codes(s.ann.ask(SetRoom(direct, topic=Topic("x")))) == ["forbidden"]


# --- whom ---------------------------------------------------------------------------


def test_a_target_whom_nobody_knows_is_looked_up() -> None:
    """Known to the store he is acted on, else it is `no_user`; in order."""
    s = scene()
    command = Ban(TEAM, ADA, id=1)
    s.house.model.users[ADA] = attrs.evolve(s.house.model.users[ADA], role="user")
    assert s.ann.say(command) == [Fetch(LoadUser(ADA))]
    s.ann.say(Unmute(TEAM, CY, id=2))
    assert s.ann.take() == []
    s.house.settle()
    assert [f.id for f in s.ann.take() if hasattr(f, "re")] == [1, 2]
    assert ADA in s.house.chat.durable.rooms[TEAM].bans
    (error,) = s.ann.ask(Kick(TEAM, NOBODY))
    assert (error.code, error.field) == (RejectCode.NO_USER, "user")
    (error,) = s.ann.ask(InviteCommand(TEAM, NOBODY))
    assert (error.code, error.field) == (RejectCode.NO_USER, "user")


def test_a_guest_who_has_gone_is_nobody() -> None:
    """He never comes back under that name; his like would only fill the memory."""
    s = scene()
    guest = s.house.guest(TEAM)
    name = s.house.chat.live.connections[guest.id].user
    assert name is not None
    assert codes(s.ann.ask(Mute(TEAM, name))) == ["ok"]
    guest.ask(Logout())
    guest.close()
    s.house.take_all()
    assert codes(s.ann.ask(Ban(TEAM, name))) == [RejectCode.NO_USER]
    assert name not in s.house.chat.durable.users


def test_what_a_guest_who_has_gone_was_given_is_lifted() -> None:
    """The room knows of him, who is nobody otherwise."""
    s = scene()
    guest = s.house.guest(TEAM)
    name = s.house.chat.live.connections[guest.id].user
    assert name is not None
    assert codes(s.ann.ask(Mute(TEAM, name))) == ["ok"]
    guest.ask(Logout())
    guest.close()
    s.house.take_all()
    assert name not in s.house.chat.durable.users
    assert codes(s.ann.ask(Unmute(TEAM, name))) == ["ok"]
    assert name not in s.house.chat.durable.rooms[TEAM].mutes


def test_who_is_not_in_the_room_is_not_kicked_and_gets_no_role() -> None:
    """But may be banned or muted before he comes."""
    s = scene(cy=False)
    for command in (Kick(TEAM, CY), SetRole(TEAM, CY, MODERATOR)):
        (error,) = s.ann.ask(command)
        assert (error.code, error.field) == (RejectCode.NO_USER, "user")
    assert codes(s.ann.ask(Mute(TEAM, CY))) == ["ok"]
    assert codes(s.ann.ask(Ban(TEAM, CY))) == ["ok"]
    assert s.cy.take() == []
    assert codes(s.cy.join(TEAM)) == [RejectCode.BANNED]
    hidden = private(s.ann)
    assert codes(s.ann.ask(Ban(hidden, BOB))) == ["ok"]
    assert all(getattr(frame, "room", TEAM) == TEAM for frame in s.bob.take())


# --- kick and ban -------------------------------------------------------------------


@pytest.mark.parametrize(("act", "reason"), [(Kick, "kick"), (Ban, "ban")])
def test_ones_own_removal_is_the_last_of_the_room(act: Any, reason: str) -> None:
    """Live, replaying, or not joined: the event where the room was, then `left`."""
    s = scene()
    for _ in range(5):
        s.bob.ask(Send(HI, TEAM))
    replaying, elsewhere = s.house.user("cy"), s.house.user("cy")
    epoch = s.house.chat.durable.rooms[TEAM].epoch
    s.house.take_all()
    replaying.say(Join(TEAM, Seq(0), epoch))
    s.house.run_look_up()
    assert len(s.house.look_ups) == 1
    s.bob.say(Send(HI, TEAM))
    s.ann.say(act(TEAM, CY, reason=Reason("bye")))
    s.bob.say(Send(HI, TEAM))
    s.house.commit()
    s.house.settle()
    (ok, _) = s.bob.ask(Send(HI, TEAM))[-2:]
    assert ok.seq == 12
    live, behind = s.cy.take(), replaying.take()
    assert kinds(live) == ["message", reason, "left"]
    assert live[1].seq == 10
    assert kinds(behind) == ["ok", "join", "join", reason, "left"]
    assert live[-1] == events.Left(TEAM, reason)
    assert elsewhere.take() == [events.Left(TEAM, reason)]


def test_who_was_removed_is_told_to_nobody_else_twice() -> None:
    """The others get the event once, and no `left`."""
    s = scene()
    s.ann.ask(Kick(TEAM, CY))
    assert kinds(s.bob.take()) == ["kick"]
    assert CY not in s.house.chat.durable.rooms[TEAM].online
    assert TEAM not in s.house.chat.durable.rooms_of(CY)


def test_a_look_up_in_flight_is_authorised_again() -> None:
    """Whoever was removed meanwhile gets no page."""
    s = scene()
    s.cy.say(History(TEAM))
    s.ann.say(Kick(TEAM, CY))
    s.house.commit()
    s.house.settle()
    assert codes(s.cy.take()) == [RejectCode.NOT_MEMBER]


def test_coming_back_is_no_joining() -> None:
    """With `since` who is no member stays none; without, a kick keeps nobody out."""
    s = scene()
    room = s.house.chat.durable.rooms[TEAM]
    s.ann.ask(Kick(TEAM, CY))
    s.cy.take()
    (error,) = s.cy.join(TEAM, since=Seq(3), epoch=room.epoch)
    assert (error.code, error.field) == (RejectCode.NOT_MEMBER, "since")
    assert CY not in room.members
    assert s.cy.join(TEAM)[0].type == "ok"
    (error,) = s.cy.join(RoomName("new"), since=Seq(3), epoch=room.epoch)
    assert error.code == RejectCode.NO_ROOM


def test_a_ban_says_why_and_how_long_and_lapses_by_itself() -> None:
    """`retry_after` is the time that is left; then nobody remembers it."""
    s = scene()
    s.ann.ask(Ban(TEAM, CY, BanSeconds(60), Reason("bye")))
    s.house.wait(10.5)
    s.house.take_all()
    (error,) = s.cy.join(TEAM)
    assert error.text == "you are banned from team: bye"
    assert (error.code, error.retry_after) == (RejectCode.BANNED, 49.5)
    s.house.wait(49.4)
    assert codes(s.cy.join(TEAM)) == [RejectCode.BANNED]
    s.house.wait(0.1)
    s.cy.take()
    assert s.house.chat.durable.rooms[TEAM].bans == {}
    assert s.cy.join(TEAM)[0].type == "ok"


def test_a_ban_that_has_ended_is_forgotten_whatever_came_between() -> None:
    """A restart, a later and an earlier end, a clock that was put back."""
    s = scene()
    s.ann.ask(Ban(TEAM, CY, BanSeconds(60)))
    s.house.wait(20)
    s.house.settle()
    s.house.restart()
    ann = s.house.user(ANN)
    bans = s.house.chat.durable.rooms[TEAM].bans
    s.house.wait(39.9)
    assert list(bans) == [CY]
    ann.ask(Ban(TEAM, CY, BanSeconds(100)))
    s.house.wait(99.9)
    assert list(bans) == [CY]
    ann.ask(Ban(TEAM, CY, BanSeconds(10)))
    s.house.wait(5)
    s.house.now = attrs.evolve(s.house.now, wall=s.house.now.wall - 20_000)
    s.house.wait(24.9)
    assert list(bans) == [CY]
    s.house.wait(0.2)
    assert bans == {}
    ann.ask(Ban(TEAM, CY, BanSeconds(10)))
    ann.ask(Ban(TEAM, CY))
    s.house.wait(100)
    assert list(bans) == [CY]
    ann.ask(Ban(TEAM, CY, BanSeconds(10)))
    ann.ask(Unban(TEAM, CY))
    assert s.house.chat.live.agenda.keys(Due.BAN) == set()


def test_a_ban_for_good_has_no_end_but_unban() -> None:
    """And it names no time."""
    s = scene()
    s.ann.ask(Ban(TEAM, CY))
    s.house.wait(10_000_000)
    s.house.take_all()
    (error,) = s.cy.join(TEAM)
    assert (error.retry_after, error.text) == (None, "you are banned from team")
    s.ann.ask(Unban(TEAM, CY))
    assert s.cy.join(TEAM)[0].type == "ok"


# --- mute ---------------------------------------------------------------------------


def test_who_is_muted_reads_but_does_not_write() -> None:
    """Neither messages, edits, reactions nor invitations; what is his he may delete."""
    s = scene()
    s.cy.ask(Send(HI, TEAM))
    s.ann.ask(Mute(TEAM, CY, BanSeconds(60), Reason("noise")))
    s.house.wait(20)
    s.house.take_all()
    for command in (
        Send(HI, TEAM),
        Edit(TEAM, Seq(4), HI),
        React(TEAM, Seq(4), Emoji("+")),
        InviteCommand(TEAM, ADA),
    ):
        (error,) = s.cy.ask(command)
        assert (error.code, error.retry_after) == (RejectCode.MUTED, 40.0)
        assert error.text == "you are muted in team: noise"
    s.bob.ask(Send(HI, TEAM))
    assert kinds(s.cy.take()) == ["message"]
    assert codes(s.cy.ask(Delete(TEAM, Seq(4)))) == ["ok"]
    s.house.wait(40)
    s.cy.take()
    assert codes(s.cy.ask(Send(HI, TEAM))) == ["ok"]


def test_leaving_is_no_way_out_of_a_mute() -> None:
    """Unmute is; and others may write all the while."""
    s = scene()
    s.ann.ask(Mute(TEAM, CY))
    s.cy.ask(Leave(TEAM))
    s.cy.join(TEAM)
    s.cy.take()
    (error,) = s.cy.ask(Send(HI, TEAM))
    assert (error.code, error.retry_after) == (RejectCode.MUTED, None)
    assert codes(s.bob.ask(Send(HI, TEAM)))[-1] == "ok"
    s.ann.ask(Unmute(TEAM, CY))
    s.cy.take()
    assert codes(s.cy.ask(Send(HI, TEAM))) == ["ok"]


# --- roles --------------------------------------------------------------------------


def test_a_role_is_given_and_shown() -> None:
    """In the event, to whoever joins, and in `who` with `all`."""
    s = scene()
    _, event = s.ann.ask(SetRole(TEAM, BOB, MODERATOR))
    assert (event.change, event.user, event.role) == ("role", BOB, "moderator")
    s.bob.take()
    assert s.bob.join(TEAM)[0].role == "moderator"
    assert s.cy.join(TEAM)[-2].role is None
    (page,) = s.cy.ask(Who(TEAM, all=True))
    roles = {shown.name: shown.role for shown in page.users}
    assert roles == {ANN: "owner", BOB: "moderator", CY: None}
    (page,) = s.cy.ask(Who(TEAM))
    assert {shown.role for shown in page.users} == {None}


def test_a_moderator_deletes_what_others_wrote() -> None:
    """A member only his own."""
    s = scene(role="moderator")
    s.cy.ask(Send(HI, TEAM))
    s.ann.ask(Send(HI, TEAM))
    s.house.take_all()
    assert codes(s.cy.ask(Delete(TEAM, Seq(6)))) == [RejectCode.FORBIDDEN]
    assert codes(s.bob.ask(Delete(TEAM, Seq(6)))) == ["ok"]
    assert s.house.model.rooms[TEAM].messages[Seq(6)].text is None


def test_the_last_owner_stays_one() -> None:
    """He cannot leave, nor make himself less, until there is another."""
    s = scene()
    for command in (Leave(TEAM), SetRole(TEAM, ANN, MEMBER)):
        (error,) = s.ann.ask(command)
        assert error.code == RejectCode.FORBIDDEN
        assert error.text == "team needs an owner: make somebody else one first"
    s.ann.ask(SetRole(TEAM, BOB, OWNER))
    s.house.take_all()
    assert codes(s.ann.ask(SetRole(TEAM, ANN, MEMBER))) == ["ok"]
    assert codes(s.ann.ask(Leave(TEAM))) == ["ok"]


def test_an_owner_who_leaves_while_somebody_joins_leaves_nobody_ownerless() -> None:
    """The join is not known yet when he leaves; the writer knows it."""
    house = House(FREE)
    ann, bob = house.user("ann", TEAM), house.user("bob")
    house.take_all()
    bob.say(Join(TEAM))
    ann.say(Leave(TEAM))
    house.settle()
    assert codes(ann.take()) == [RejectCode.FORBIDDEN]
    roles = {name: m.role for name, m in house.chat.durable.rooms[TEAM].members.items()}
    assert roles == {ANN: "owner", BOB: "member"}


def test_whoever_comes_into_an_empty_room_owns_it() -> None:
    """But a declared one is the configuration's, and no guest owns by entering."""
    house = House(FREE)
    ann, guest, bob = house.user("ann", TEAM), house.guest(), house.user("bob")
    ann.ask(Leave(TEAM))
    guest.join(TEAM)
    room = house.chat.durable.rooms[TEAM]
    assert [member.role for member in room.members.values()] == ["member"]
    guest.ask(Leave(TEAM))
    assert bob.join(TEAM)[0].role == "owner"
    assert room.members[BOB].role == "owner"
    bob.join(LOBBY)
    assert house.chat.durable.rooms[LOBBY].members[BOB].role == "member"


def test_two_who_come_into_an_empty_room_at_once_have_one_owner() -> None:
    """Whoever is written first; on disk as in memory, and after a last leave."""
    house = House(FREE)
    ann, bob, cy = house.user("ann"), house.user("bob"), house.user("cy", TEAM)
    house.take_all()
    cy.say(Leave(TEAM))
    bob.say(Join(TEAM))
    ann.say(Join(TEAM))
    house.settle()
    owner, member = bob.take(), ann.take()
    assert (owner[0].role, member[0].role) == (Role.OWNER, None)
    roles = {name: m.role for name, m in house.chat.durable.rooms[TEAM].members.items()}
    assert roles == {BOB: "owner", ANN: "member"}
    stored = house.model.rooms[TEAM].members
    assert {name: row.role for name, row in stored.items()} == roles
    told = [e.role for e in house.delivered if isinstance(e, events.Member)]
    assert told[-2:] == ["owner", "member"]


# --- barriers -----------------------------------------------------------------------


def test_two_owners_cannot_make_each_other_members_at_once() -> None:
    """The second one's right is gone when his command is decided."""
    s = scene(role="owner")
    s.ann.say(SetRole(TEAM, BOB, MEMBER))
    assert s.bob.say(SetRole(TEAM, ANN, MEMBER)) == []
    s.house.settle()
    assert codes(s.ann.take()) == ["ok"]
    assert codes(s.bob.take()) == [RejectCode.FORBIDDEN]
    members = s.house.chat.durable.rooms[TEAM].members
    assert (members[ANN].role, members[BOB].role) == ("owner", "member")


def test_a_command_behind_a_pending_kick_of_its_user_is_decided_after_it() -> None:
    """From whatever connection; what comes for other rooms is not held up."""
    s = scene()
    other, third = s.house.user("cy"), s.house.user("cy", LOBBY)
    s.house.take_all()
    s.ann.say(Kick(TEAM, CY))
    assert s.cy.say(Send(HI, TEAM)) == []
    assert other.say(Join(TEAM, Seq(0), s.house.chat.durable.rooms[TEAM].epoch)) == []
    assert third.say(Send(HI, LOBBY)) != []
    s.house.settle()
    assert codes(s.cy.take()) == [RejectCode.NOT_MEMBER]
    assert codes(other.take()) == [RejectCode.NOT_MEMBER]
    assert codes(third.take()) == ["ok"]


def test_a_barrier_stands_until_the_outcome_is_known_for_good() -> None:
    """A store that stalls answers `unavailable` and may still execute the draft."""
    s = scene()
    s.ann.say(Ban(TEAM, CY))
    assert s.cy.say(Send(HI, TEAM)) == []
    s.house.stall()
    assert codes(s.ann.take()) == [RejectCode.UNAVAILABLE]
    assert s.cy.take() == []
    assert s.cy.say(Send(HI, TEAM)) == []
    assert (TEAM, None) in s.house.chat.live.barriers
    s.house.settle()
    assert not s.house.chat.live.barriers
    left = s.cy.take()
    assert kinds(left)[:2] == ["ban", "left"]
    assert codes(left) == [RejectCode.NOT_MEMBER] * 2


def test_an_act_that_could_not_be_stored_lifts_its_barrier() -> None:
    """And changes nothing."""
    s = scene()
    s.ann.say(Kick(TEAM, CY))
    s.ann.say(SetRoom(TEAM, topic=Topic("x")))
    s.cy.say(Send(HI, TEAM))
    s.house.fail()
    s.house.settle()
    assert codes(s.ann.take()) == [RejectCode.UNAVAILABLE, "ok"]
    assert codes(s.cy.take()) == ["ok"]


def test_a_join_in_flight_does_not_outrun_a_ban() -> None:
    """Whatever was committed first, whoever is banned is no member."""
    s = scene(cy=False)
    s.cy.say(Join(TEAM))
    s.ann.say(Ban(TEAM, CY))
    s.house.settle()
    assert kinds(s.cy.take()) == ["ok", "caught_up", "ban", "left"]
    assert CY not in s.house.chat.durable.rooms[TEAM].members


def test_another_change_of_membership_has_a_barrier_of_its_own() -> None:
    """One that is lifted lets nobody through the other."""
    s = scene(cy=False)
    s.cy.say(Join(TEAM))
    other = s.house.user("cy")
    other.take()
    s.ann.say(Mute(TEAM, BOB))
    other.say(Send(HI, TEAM))
    s.house.commit(1)
    assert codes(other.take()) == []
    s.house.settle()
    assert codes(other.take()) == ["ok"]


def test_a_ban_from_a_private_room_is_not_told() -> None:
    """It answers as a room that does not exist, also who has an invitation."""
    s = scene(cy=False)
    hidden = private(s.ann)
    s.ann.ask(InviteCommand(hidden, CY))
    s.cy.join(hidden)
    s.ann.ask(Ban(hidden, CY, BanSeconds(60)))
    s.house.take_all()
    (error,) = s.cy.join(hidden)
    (none,) = s.cy.join(RoomName("~aaaaaaaaaaaaaaaa"))
    assert attrs.evolve(error, text="") == attrs.evolve(none, text="")
    # Invited before the ban was forgotten: both stand, and the ban wins.
    durable = s.house.chat.durable
    invite = Invite(ANN, s.house.now.wall)
    durable.put_invite(CY, durable.rooms[hidden], invite)
    assert codes(s.cy.join(hidden)) == [RejectCode.NO_ROOM]
    s.house.wait(60)
    s.cy.take()
    assert s.cy.join(hidden)[0].type == "ok"


# --- settings -----------------------------------------------------------------------


def test_settings_are_changed_told_and_shown() -> None:
    """Only what differs from before; the same again is a duplicate."""
    s = scene()
    change = SetRoom(TEAM, topic=Topic("bikes"), slow_s=SlowSeconds(5), id=1)
    ok, event = s.ann.ask(change)
    assert (ok.re, ok.id) == ("room", 1)
    ts = s.house.now.wall
    said = {"topic": Topic("bikes"), "slow_s": SlowSeconds(5)}
    assert event == events.Room(TEAM, Seq(4), ts, ANN, **said)  # type: ignore[arg-type]
    assert s.bob.take() == [event]
    (dup,) = s.ann.ask(attrs.evolve(change, cid=X))
    assert dup.dup
    joined = s.cy.join(TEAM)[-2]
    assert (joined.topic, joined.slow_s, joined.post) == ("bikes", 5, None)
    page = s.cy.ask(RoomsCommand())[0]
    assert {room.room: room.topic for room in page.rooms}[TEAM] == "bikes"


def test_settings_whose_sender_is_gone_are_changed() -> None:
    """They were committed."""
    s = scene()
    s.ann.say(SetRoom(TEAM, topic=Topic("bikes")))
    s.ann.close()
    s.house.settle()
    assert s.house.chat.durable.rooms[TEAM].settings.topic == "bikes"
    assert kinds(s.bob.take()) == ["room"]


def test_a_declared_room_has_its_settings_from_the_configuration() -> None:
    """Not even an administrator changes them; roles and bans are as elsewhere."""
    declared = PermanentRoom(name=LOBBY, topic="Say hello", slow_s=3)
    house = House(Config(rooms=Rooms(permanent=(declared,))))
    ada, bob = house.user("ada", LOBBY), house.user("bob", LOBBY)
    house.take_all()
    (error,) = ada.ask(SetRoom(LOBBY, topic=Topic("x")))
    assert (error.code, error.field) == (RejectCode.FORBIDDEN, "room")
    assert codes(ada.ask(SetRole(LOBBY, BOB, MODERATOR))) == ["ok"]
    bob.take()
    assert bob.join(LOBBY)[0].slow_s == 3


def test_only_moderators_send_where_the_room_says_so() -> None:
    """Members read."""
    s = scene(role="moderator")
    s.ann.ask(SetRoom(TEAM, post=Post("moderators")))
    s.house.take_all()
    (error,) = s.cy.ask(Send(HI, TEAM))
    assert (error.code, error.field) == (RejectCode.FORBIDDEN, "room")
    assert error.text == "only moderators send to team"
    assert codes(s.bob.ask(Send(HI, TEAM))) == ["ok"]
    assert codes(s.ann.ask(Send(HI, TEAM)))[-1] == "ok"


def test_slow_mode_is_exact() -> None:
    """One message in so many seconds; moderators are not held to it."""
    s = scene(role="moderator")
    s.ann.ask(SetRoom(TEAM, slow_s=SlowSeconds(30)))
    s.house.take_all()
    assert codes(s.cy.ask(Send(HI, TEAM, id=1))) == ["ok"]
    s.house.wait(12.5)
    s.cy.take()
    (error,) = s.cy.ask(Send(HI, TEAM))
    assert (error.code, error.retry_after) == (RejectCode.RATE_LIMITED, 17.5)
    assert error.text == "team is slow: one message in 30 s"
    s.house.wait(17.5)
    assert codes(s.cy.ask(Send(HI, TEAM))) == ["ok"]
    for _ in range(3):
        assert codes(s.bob.ask(Send(HI, TEAM)))[-1] == "ok"


def test_in_slow_mode_only_what_was_stored_counts() -> None:
    """Not a duplicate, not a refusal of the writer, not a retry that comes early."""
    s = scene()
    s.ann.ask(SetRoom(TEAM, slow_s=SlowSeconds(30)))
    s.cy.ask(Send(HI, TEAM, cid=X))
    s.cy.take()
    (dup,) = s.cy.ask(Send(HI, TEAM, cid=X))
    assert dup.dup
    s.house.wait(30)
    assert [f.dup for f in s.cy.ask(Send(HI, TEAM, cid=X)) if f.type == "ok"] == [True]
    s.house.wait(1)
    assert codes(s.cy.ask(Send(HI, TEAM, reply_to=Seq(99)))) == ["no_message"]
    assert codes(s.cy.ask(Send(HI, TEAM))) == ["ok"]
    assert codes(s.cy.ask(Send(HI, TEAM))) == [RejectCode.RATE_LIMITED]


def test_a_refused_message_of_somebody_who_was_removed_is_nobodys_wait() -> None:
    """His place in the room is gone when the outcome comes."""
    s = scene()
    s.ann.ask(SetRoom(TEAM, slow_s=SlowSeconds(30)))
    s.house.take_all()
    s.ann.say(Kick(TEAM, CY))
    kick = s.house.drafts.popleft()
    s.house.chat.live.barriers.clear()
    s.cy.say(Send(HI, TEAM, reply_to=Seq(99)))
    s.house.drafts.appendleft(kick)
    s.house.settle()
    assert codes(s.cy.take()) == ["no_message"]


# --- what newcomers may read --------------------------------------------------------


def test_a_newcomer_reads_from_his_own_join_on() -> None:
    """In every way of reading: `first`, replays, the newest, history both ways."""
    s = scene(cy=False)
    s.ann.ask(SetRoom(TEAM, history=Visibility("since_join")))
    for _ in range(4):
        s.ann.ask(Send(HI, TEAM))
    s.house.take_all()
    joined = s.cy.join(TEAM)[0]
    assert (joined.first, joined.seq) == (8, 8)
    for _ in range(3):
        s.bob.ask(Send(HI, TEAM))
    s.house.take_all()
    epoch = s.house.chat.durable.rooms[TEAM].epoch
    assert s.cy.join(TEAM, since=Seq(6), epoch=epoch)[0].recovered is False
    frames = s.cy.join(TEAM, since=Seq(7), epoch=epoch)
    assert [f.seq for f in frames if hasattr(f, "ts")] == [8, 9, 10, 11]
    frames = s.cy.join(TEAM, last=PageLimit(50))
    assert [f.seq for f in frames if hasattr(f, "ts")] == [8, 9, 10, 11]
    for bound in ({}, {"after": Seq(0)}, {"before": Seq(11)}):
        (page,) = s.cy.ask(History(TEAM, limit=PageLimit(2), **bound))
        assert page.first == 8
        assert min(m.seq for m in page.messages) >= 8
        assert len(page.messages) == 2
    (page,) = s.cy.ask(History(TEAM, before=Seq(10), limit=PageLimit(2)))
    assert ([m.seq for m in page.messages], page.more) == ([9], False)
    (welcome,) = s.house.open().hello(name="cy", password="right")
    assert [room.first for room in welcome.rooms] == [8]
    assert s.bob.join(TEAM)[-2].first == 1


def test_a_guest_who_leaves_no_trace_reads_what_follows() -> None:
    """There is no event of his join to begin with."""
    s = scene(cy=False)
    s.ann.ask(SetRoom(TEAM, history=Visibility("since_join")))
    s.house.take_all()
    guest = s.house.guest()
    joined = guest.join(TEAM)[0]
    assert (joined.first, joined.seq) == (4, 3)


def test_a_page_that_was_read_before_one_came_back_is_not_shown() -> None:
    """Removed and back: one reads from the second join on, and there may be more."""
    s = scene()
    s.ann.ask(SetRoom(TEAM, history=Visibility("since_join")))
    for _ in range(4):
        s.ann.ask(Send(HI, TEAM))
    s.cy.take()
    s.cy.say(History(TEAM, after=Seq(0), limit=PageLimit(2), id=1))
    waits = s.house.look_ups.pop()
    s.ann.ask(Kick(TEAM, CY))
    s.cy.join(TEAM)
    s.ann.ask(Send(HI, TEAM))
    s.cy.take()
    s.house.look_ups.append(waits)
    s.house.settle()
    (page,) = s.cy.take()
    assert ([m.seq for m in page.messages], page.more, page.first) == ([11], False, 10)


# --- restarts -----------------------------------------------------------------------


def test_everything_of_it_is_there_after_a_restart() -> None:
    """Roles, bans, mutes, invitations, settings; a later outcome adds nothing."""
    s = scene(role="moderator", cy=False)
    hidden = private(s.ann)
    s.ann.ask(Ban(TEAM, CY, BanSeconds(60)))
    s.ann.ask(Mute(TEAM, BOB))
    s.ann.ask(InviteCommand(hidden, CY))
    s.ann.ask(SetRoom(TEAM, topic=Topic("bikes")))
    chat = s.house.chat

    def kept(chat: Any) -> Any:
        room = chat.durable.rooms[TEAM]
        roles = {name: member.role for name, member in room.members.items()}
        return room.bans, room.mutes, roles, room.settings, chat.durable.invites

    before = kept(chat)
    s.house.restart()
    s.house.user(ANN)
    assert kept(s.house.chat) == before
    assert s.house.chat is not chat


def test_an_outcome_that_comes_twice_changes_nothing() -> None:
    """Applying is idempotent."""
    s = scene()
    s.ann.say(Kick(TEAM, CY))
    (origin,) = s.house.drafts
    s.house.settle()
    event = s.house.model.rooms[TEAM].timeline[-1]
    assert isinstance(event, events.Member)
    assert s.house.apply(Moderated(event)) == []
    assert s.house.apply(Lapsed(Lapse.INVITE, TEAM, CY)) == []
    assert list(s.house.chat.durable.rooms[TEAM].members) == [ANN, BOB]
    nobodys = Origin(None, None, origin.draft)
    s.house.handle(inputs.Executed(nobodys, drafts.Duplicate(Seq(4), 0)))
    assert s.house.chat.durable.rooms[TEAM].head == 4


def test_of_two_invitations_one_is_answered() -> None:
    """The other goes on waiting."""
    s = scene(cy=False)
    one, other = private(s.ann), private(s.ann)
    for room in (one, other):
        s.ann.ask(InviteCommand(room, CY))
    s.cy.join(one)
    assert list(s.house.chat.durable.invites[CY]) == [other]


def test_a_refusal_is_immediate_where_nothing_is_open() -> None:
    """Nothing travels to the writer for it."""
    s = scene()
    (answer,) = s.bob.say(Kick(TEAM, CY))
    assert isinstance(answer, Answer)
