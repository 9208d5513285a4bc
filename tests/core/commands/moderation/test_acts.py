from __future__ import annotations

from typing import Any

import attrs
import pytest

from chatd.config import Config
from chatd.config.limits import Limits
from chatd.core import drafts, inputs
from chatd.core.agenda import Due
from chatd.core.changes import Lapse, Lapsed, Moderated
from chatd.core.effects import Answer, Append, Fetch, Origin
from chatd.core.entities import Invite, Sanction
from chatd.core.queries import LoadUser
from chatd.enums import MemberChange, Post, Role
from chatd.errors import RejectCode
from chatd.ids import Cid, RoomName, Seq, UserName, direct_room
from chatd.wire import events, replies
from chatd.wire.kinds import BanSeconds, Emoji, PublicRoom, Reason, Text, Topic
from chatd.wire.moderation import Ban, Kick, Mute, SetRole, Unban, Unmute
from chatd.wire.moderation import Invite as InviteCommand
from chatd.wire.rooms import Create, Join, Leave, SetRoom, Who
from chatd.wire.sessions import Logout
from chatd.wire.timeline import Delete, Edit, History, React, Send
from tests.core.harness import ADA, ANN, BOB, CY, LOBBY, Harness, Peer
from tests.core.team import FREE, TEAM, Scene, codes, kinds, scene

HI = Text("hi")
X = Cid("x")
NOBODY = UserName("nobody")
OWNER, MODERATOR, MEMBER = map(Role, ("owner", "moderator", "member"))


def private(peer: Peer, **settings: Any) -> RoomName:
    """Create a private room."""
    created = peer.ask(Create(private=True, **settings))[0]
    assert isinstance(created, replies.Created), created
    return created.room


# --- an act, from its command to its event ----------------------------------------


def test_an_act_is_one_draft_with_an_ok_and_an_event() -> None:
    """The `ok` comes first; everybody in the room is told who did it, and why."""
    s = scene()
    command = Mute(TEAM, CY, BanSeconds(60), Reason("noise"), X, id=1)
    draft = drafts.Moderate(TEAM, ANN, X, CY, MemberChange.MUTE, None, 60, "noise")
    assert s.ann.say(command) == [Append(Origin(s.ann.id, command, draft))]
    s.harness.settle()
    ts = s.harness.now.wall
    event = events.Member(
        TEAM, Seq(4), ts, ANN, CY, MemberChange.MUTE, None, ts + 60_000, "noise"
    )
    ok = replies.Stored("mute", TEAM, Seq(4), ts, cid=X, id=1)
    assert s.ann.take() == [ok, event]
    assert s.bob.take() == s.cy.take() == [event]
    assert s.harness.chat.durable.rooms[TEAM].mutes == {
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
    s.harness.wait(10)
    s.harness.take_all()
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
    s.harness.settle()
    assert list(s.harness.chat.durable.rooms[TEAM].members) == [ANN, BOB]
    assert kinds(s.bob.take())[0] == "kick"


def test_acts_have_the_rate_of_messages() -> None:
    """With the time until the next one."""
    s = scene(Config(limits=Limits(messages_per_s=0.5, messages_burst=1)))
    s.harness.wait(10)
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


# --- who may ----------------------------------------------------------------------


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
    s.harness.take_all()
    assert codes(s.ann.ask(Kick(TEAM, CY))) == ["ok"]


def test_an_administrator_is_an_owner_of_every_public_room() -> None:
    """Without being in it; of a private room he knows nothing."""
    s = scene()
    ada = s.harness.user("ada")
    hidden = private(s.ann)
    s.harness.take_all()
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
    s.harness.take_all()
    assert codes(s.cy.ask(Kick(TEAM, BOB))) == [RejectCode.NOT_MEMBER]
    assert codes(s.cy.ask(Kick(RoomName("nowhere"), BOB))) == [RejectCode.NO_ROOM]
    assert codes(s.cy.ask(Kick(direct, BOB))) == [RejectCode.NO_ROOM]
    assert codes(s.ann.ask(Kick(direct, BOB))) == [RejectCode.FORBIDDEN]
    assert codes(s.ann.ask(SetRoom(direct, topic=Topic("x")))) == ["forbidden"]


# --- whom -------------------------------------------------------------------------


def test_a_target_whom_nobody_knows_is_looked_up() -> None:
    """Known to the store he is acted on, else it is `no_user`; in order."""
    s = scene()
    command = Ban(TEAM, ADA, id=1)
    s.harness.model.users[ADA] = attrs.evolve(s.harness.model.users[ADA], role="user")
    assert s.ann.say(command) == [Fetch(LoadUser(ADA))]
    s.ann.say(Unmute(TEAM, CY, id=2))
    assert s.ann.take() == []
    s.harness.settle()
    assert [f.id for f in s.ann.take() if hasattr(f, "re")] == [1, 2]
    assert ADA in s.harness.chat.durable.rooms[TEAM].bans
    for act in (Kick, Unban, InviteCommand):
        (error,) = s.ann.ask(act(TEAM, NOBODY))
        assert (error.code, error.field) == (RejectCode.NO_USER, "user")


def muted_and_gone(s: Scene) -> UserName:
    """A guest whom ann has muted, and who has logged out."""
    guest = s.harness.guest(TEAM)
    name = s.harness.chat.live.connections[guest.id].user
    assert name is not None
    assert codes(s.ann.ask(Mute(TEAM, name))) == ["ok"]
    guest.ask(Logout())
    guest.close()
    s.harness.take_all()
    return name


def test_a_guest_who_has_gone_is_nobody() -> None:
    """He never comes back under that name; his like would only fill the memory."""
    s = scene()
    name = muted_and_gone(s)
    assert codes(s.ann.ask(Ban(TEAM, name))) == [RejectCode.NO_USER]
    assert name not in s.harness.chat.durable.users


def test_what_a_guest_who_has_gone_was_given_is_lifted() -> None:
    """The room knows of him, who is nobody otherwise."""
    s = scene()
    name = muted_and_gone(s)
    assert name not in s.harness.chat.durable.users
    assert codes(s.ann.ask(Unmute(TEAM, name))) == ["ok"]
    assert name not in s.harness.chat.durable.rooms[TEAM].mutes


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


# --- kick and ban -----------------------------------------------------------------


@pytest.mark.parametrize(("act", "reason"), [(Kick, "kick"), (Ban, "ban")])
def test_ones_own_removal_is_the_last_of_the_room(act: Any, reason: str) -> None:
    """Live, replaying, or not joined: the event where the room was, then `left`."""
    s = scene()
    for _ in range(5):
        s.bob.ask(Send(HI, TEAM))
    replaying, elsewhere = s.harness.user("cy"), s.harness.user("cy")
    epoch = s.harness.chat.durable.rooms[TEAM].epoch
    s.harness.take_all()
    replaying.say(Join(TEAM, Seq(0), epoch))
    s.harness.run_look_up()
    assert len(s.harness.look_ups) == 1
    s.bob.say(Send(HI, TEAM))
    s.ann.say(act(TEAM, CY, reason=Reason("bye")))
    s.bob.say(Send(HI, TEAM))
    s.harness.commit()
    s.harness.settle()
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
    assert CY not in s.harness.chat.durable.rooms[TEAM].online
    assert TEAM not in s.harness.chat.durable.rooms_of(CY)


def test_a_look_up_in_flight_is_authorised_again() -> None:
    """Whoever was removed meanwhile gets no page."""
    s = scene()
    s.cy.say(History(TEAM))
    s.ann.say(Kick(TEAM, CY))
    s.harness.commit()
    s.harness.settle()
    assert codes(s.cy.take()) == [RejectCode.NOT_MEMBER]


def test_coming_back_is_no_joining() -> None:
    """With `since` who is no member stays none; without, a kick keeps nobody out."""
    s = scene()
    room = s.harness.chat.durable.rooms[TEAM]
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
    s.harness.wait(10.5)
    s.harness.take_all()
    (error,) = s.cy.join(TEAM)
    assert error.text == "you are banned from team: bye"
    assert (error.code, error.retry_after) == (RejectCode.BANNED, 49.5)
    s.harness.wait(49.4)
    assert codes(s.cy.join(TEAM)) == [RejectCode.BANNED]
    s.harness.wait(0.1)
    s.cy.take()
    assert s.harness.chat.durable.rooms[TEAM].bans == {}
    assert s.cy.join(TEAM)[0].type == "ok"


def test_a_ban_that_has_ended_is_forgotten_whatever_came_between() -> None:
    """A restart, a later and an earlier end, a clock that was put back."""
    s = scene()
    s.ann.ask(Ban(TEAM, CY, BanSeconds(60)))
    s.harness.wait(20)
    s.harness.settle()
    s.harness.restart()
    ann = s.harness.user(ANN)
    bans = s.harness.chat.durable.rooms[TEAM].bans
    s.harness.wait(39.9)
    assert list(bans) == [CY]
    ann.ask(Ban(TEAM, CY, BanSeconds(100)))
    s.harness.wait(99.9)
    assert list(bans) == [CY]
    ann.ask(Ban(TEAM, CY, BanSeconds(10)))
    s.harness.wait(5)
    s.harness.now = attrs.evolve(s.harness.now, wall=s.harness.now.wall - 20_000)
    s.harness.wait(24.9)
    assert list(bans) == [CY]
    s.harness.wait(0.2)
    assert bans == {}
    ann.ask(Ban(TEAM, CY, BanSeconds(10)))
    ann.ask(Ban(TEAM, CY))
    s.harness.wait(100)
    assert list(bans) == [CY]
    ann.ask(Ban(TEAM, CY, BanSeconds(10)))
    ann.ask(Unban(TEAM, CY))
    assert s.harness.chat.live.agenda.keys(Due.BAN) == set()


def test_a_ban_for_good_has_no_end_but_unban() -> None:
    """And it names no time."""
    s = scene()
    s.ann.ask(Ban(TEAM, CY))
    s.harness.wait(10_000_000)
    s.harness.take_all()
    (error,) = s.cy.join(TEAM)
    assert (error.retry_after, error.text) == (None, "you are banned from team")
    s.ann.ask(Unban(TEAM, CY))
    assert s.cy.join(TEAM)[0].type == "ok"


# --- mute -------------------------------------------------------------------------


def test_who_is_muted_reads_but_does_not_write() -> None:
    """Neither messages, edits, reactions nor invitations; what is his he may delete."""
    s = scene()
    s.cy.ask(Send(HI, TEAM))
    s.ann.ask(Mute(TEAM, CY, BanSeconds(60), Reason("noise")))
    s.harness.wait(20)
    s.harness.take_all()
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
    s.harness.wait(40)
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


# --- roles ------------------------------------------------------------------------


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
    s.harness.take_all()
    assert codes(s.cy.ask(Delete(TEAM, Seq(6)))) == [RejectCode.FORBIDDEN]
    assert codes(s.bob.ask(Delete(TEAM, Seq(6)))) == ["ok"]
    assert s.harness.model.rooms[TEAM].messages[Seq(6)].text is None


def test_the_last_owner_stays_one() -> None:
    """He cannot leave, nor make himself less, until there is another."""
    s = scene()
    for command in (Leave(TEAM), SetRole(TEAM, ANN, MEMBER)):
        (error,) = s.ann.ask(command)
        assert error.code == RejectCode.FORBIDDEN
        assert error.text == "team needs an owner: make somebody else one first"
    s.ann.ask(SetRole(TEAM, BOB, OWNER))
    s.harness.take_all()
    assert codes(s.ann.ask(SetRole(TEAM, ANN, MEMBER))) == ["ok"]
    assert codes(s.ann.ask(Leave(TEAM))) == ["ok"]


def test_an_owner_who_leaves_while_somebody_joins_leaves_nobody_ownerless() -> None:
    """The join is not known yet when he leaves; the writer knows it."""
    harness = Harness(FREE)
    ann, bob = harness.user("ann", TEAM), harness.user("bob")
    harness.take_all()
    bob.say(Join(TEAM))
    ann.say(Leave(TEAM))
    harness.settle()
    assert codes(ann.take()) == [RejectCode.FORBIDDEN]
    roles = {
        name: m.role for name, m in harness.chat.durable.rooms[TEAM].members.items()
    }
    assert roles == {ANN: "owner", BOB: "member"}


def test_whoever_comes_into_an_empty_room_owns_it() -> None:
    """But a declared one is the configuration's, and no guest owns by entering."""
    harness = Harness(FREE)
    ann, guest, bob = harness.user("ann", TEAM), harness.guest(), harness.user("bob")
    ann.ask(Leave(TEAM))
    guest.join(TEAM)
    room = harness.chat.durable.rooms[TEAM]
    assert [member.role for member in room.members.values()] == ["member"]
    guest.ask(Leave(TEAM))
    assert bob.join(TEAM)[0].role == "owner"
    assert room.members[BOB].role == "owner"
    bob.join(LOBBY)
    assert harness.chat.durable.rooms[LOBBY].members[BOB].role == "member"


def test_two_who_come_into_an_empty_room_at_once_have_one_owner() -> None:
    """Whoever is written first; on disk as in memory, and after a last leave."""
    harness = Harness(FREE)
    ann, bob, cy = harness.user("ann"), harness.user("bob"), harness.user("cy", TEAM)
    harness.take_all()
    cy.say(Leave(TEAM))
    bob.say(Join(TEAM))
    ann.say(Join(TEAM))
    harness.settle()
    owner, member = bob.take(), ann.take()
    assert (owner[0].role, member[0].role) == (Role.OWNER, None)
    roles = {
        name: m.role for name, m in harness.chat.durable.rooms[TEAM].members.items()
    }
    assert roles == {BOB: "owner", ANN: "member"}
    stored = harness.model.rooms[TEAM].members
    assert {name: row.role for name, row in stored.items()} == roles
    told = [e.role for e in harness.delivered if isinstance(e, events.Member)]
    assert told[-2:] == ["owner", "member"]


# --- barriers ---------------------------------------------------------------------


def test_two_owners_cannot_make_each_other_members_at_once() -> None:
    """The second one's right is gone when his command is decided."""
    s = scene(role="owner")
    s.ann.say(SetRole(TEAM, BOB, MEMBER))
    assert s.bob.say(SetRole(TEAM, ANN, MEMBER)) == []
    s.harness.settle()
    assert codes(s.ann.take()) == ["ok"]
    assert codes(s.bob.take()) == [RejectCode.FORBIDDEN]
    members = s.harness.chat.durable.rooms[TEAM].members
    assert (members[ANN].role, members[BOB].role) == ("owner", "member")


def test_a_command_behind_a_pending_kick_of_its_user_is_decided_after_it() -> None:
    """From whatever connection; what comes for other rooms is not held up."""
    s = scene()
    other, third = s.harness.user("cy"), s.harness.user("cy", LOBBY)
    s.harness.take_all()
    s.ann.say(Kick(TEAM, CY))
    assert s.cy.say(Send(HI, TEAM)) == []
    assert other.say(Join(TEAM, Seq(0), s.harness.chat.durable.rooms[TEAM].epoch)) == []
    assert third.say(Send(HI, LOBBY)) != []
    s.harness.settle()
    assert codes(s.cy.take()) == [RejectCode.NOT_MEMBER]
    assert codes(other.take()) == [RejectCode.NOT_MEMBER]
    assert codes(third.take()) == ["ok"]


def test_a_barrier_stands_until_the_outcome_is_known_for_good() -> None:
    """A store that stalls answers `unavailable` and may still execute the draft."""
    s = scene()
    s.ann.say(Ban(TEAM, CY))
    assert s.cy.say(Send(HI, TEAM)) == []
    s.harness.stall()
    assert codes(s.ann.take()) == [RejectCode.UNAVAILABLE]
    assert s.cy.take() == []
    assert s.cy.say(Send(HI, TEAM)) == []
    assert (TEAM, None) in s.harness.chat.live.barriers
    s.harness.settle()
    assert not s.harness.chat.live.barriers
    left = s.cy.take()
    assert kinds(left)[:2] == ["ban", "left"]
    assert codes(left) == [RejectCode.NOT_MEMBER] * 2


def test_an_act_that_could_not_be_stored_lifts_its_barrier() -> None:
    """And changes nothing."""
    s = scene()
    s.ann.say(Kick(TEAM, CY))
    s.ann.say(SetRoom(TEAM, topic=Topic("x")))
    s.cy.say(Send(HI, TEAM))
    s.harness.fail()
    s.harness.settle()
    assert codes(s.ann.take()) == [RejectCode.UNAVAILABLE, "ok"]
    assert codes(s.cy.take()) == ["ok"]


def test_a_join_in_flight_does_not_outrun_a_ban() -> None:
    """Whatever was committed first, whoever is banned is no member."""
    s = scene(cy=False)
    s.cy.say(Join(TEAM))
    s.ann.say(Ban(TEAM, CY))
    s.harness.settle()
    assert kinds(s.cy.take()) == ["ok", "caught_up", "ban", "left"]
    assert CY not in s.harness.chat.durable.rooms[TEAM].members


def test_another_change_of_membership_has_a_barrier_of_its_own() -> None:
    """One that is lifted lets nobody through the other."""
    s = scene(cy=False)
    s.cy.say(Join(TEAM))
    other = s.harness.user("cy")
    other.take()
    s.ann.say(Mute(TEAM, BOB))
    other.say(Send(HI, TEAM))
    s.harness.commit(1)
    assert codes(other.take()) == []
    s.harness.settle()
    assert codes(other.take()) == ["ok"]


def test_a_ban_from_a_private_room_is_not_told() -> None:
    """It answers as a room that does not exist, also who has an invitation."""
    s = scene(cy=False)
    hidden = private(s.ann)
    s.ann.ask(InviteCommand(hidden, CY))
    s.cy.join(hidden)
    s.ann.ask(Ban(hidden, CY, BanSeconds(60)))
    s.harness.take_all()
    (error,) = s.cy.join(hidden)
    (none,) = s.cy.join(RoomName("~aaaaaaaaaaaaaaaa"))
    assert attrs.evolve(error, text="") == attrs.evolve(none, text="")
    # Invited before the ban was forgotten: both stand, and the ban wins.
    durable = s.harness.chat.durable
    invite = Invite(ANN, s.harness.now.wall)
    durable.put_invite(CY, durable.rooms[hidden], invite)
    assert codes(s.cy.join(hidden)) == [RejectCode.NO_ROOM]
    s.harness.wait(60)
    s.cy.take()
    assert s.cy.join(hidden)[0].type == "ok"


# --- restarts ---------------------------------------------------------------------


def test_everything_of_it_is_there_after_a_restart() -> None:
    """Roles, bans, mutes, invitations, settings; a later outcome adds nothing."""
    s = scene(role="moderator", cy=False)
    hidden = private(s.ann)
    s.ann.ask(Ban(TEAM, CY, BanSeconds(60)))
    s.ann.ask(Mute(TEAM, BOB))
    s.ann.ask(InviteCommand(hidden, CY))
    s.ann.ask(SetRoom(TEAM, topic=Topic("bikes")))
    chat = s.harness.chat

    def kept(chat: Any) -> Any:
        room = chat.durable.rooms[TEAM]
        roles = {name: member.role for name, member in room.members.items()}
        return room.bans, room.mutes, roles, room.settings, chat.durable.invites

    before = kept(chat)
    s.harness.restart()
    s.harness.user(ANN)
    assert kept(s.harness.chat) == before
    assert s.harness.chat is not chat


def test_an_outcome_that_comes_twice_changes_nothing() -> None:
    """Applying is idempotent."""
    s = scene()
    s.ann.say(Kick(TEAM, CY))
    (origin,) = s.harness.drafts
    s.harness.settle()
    event = s.harness.model.rooms[TEAM].timeline[-1]
    assert isinstance(event, events.Member)
    assert s.harness.apply(Moderated(event)) == []
    assert s.harness.apply(Lapsed(Lapse.INVITE, TEAM, CY)) == []
    assert list(s.harness.chat.durable.rooms[TEAM].members) == [ANN, BOB]
    nobodys = Origin(None, None, origin.draft)
    s.harness.handle(inputs.Executed(nobodys, drafts.Duplicate(Seq(4), 0)))
    assert s.harness.chat.durable.rooms[TEAM].head == 4


def test_of_two_invitations_one_is_answered() -> None:
    """The other goes on waiting."""
    s = scene(cy=False)
    one, other = private(s.ann), private(s.ann)
    for room in (one, other):
        s.ann.ask(InviteCommand(room, CY))
    s.cy.join(one)
    assert list(s.harness.chat.durable.invites[CY]) == [other]


def test_a_refusal_is_immediate_where_nothing_is_open() -> None:
    """Nothing travels to the writer for it."""
    s = scene()
    (answer,) = s.bob.say(Kick(TEAM, CY))
    assert isinstance(answer, Answer)
