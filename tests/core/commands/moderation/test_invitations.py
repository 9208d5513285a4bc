"""Asked in, asked no more, and not wanting to come: what invitations do."""

from __future__ import annotations

import attrs
import pytest

from chatd.config import Config
from chatd.config.limits import Limits
from chatd.core import drafts
from chatd.core.effects import Append, Origin
from chatd.core.entities import INVITE_S, Invite
from chatd.core.quota import Space
from chatd.core.scope import Scope
from chatd.enums import MemberChange, Role
from chatd.errors import RejectCode
from chatd.ids import Cid, RoomName, Seq, UserName
from chatd.wire import events, replies
from chatd.wire.commands import Command
from chatd.wire.events import DAY_MS
from chatd.wire.kinds import Text, Topic
from chatd.wire.moderation import Ban, Decline, Kick, Mute, SetRole, Unban
from chatd.wire.moderation import Invite as InviteCommand
from chatd.wire.rooms import Create, Join, Leave
from chatd.wire.sessions import Logout
from chatd.wire.timeline import Send
from chatd.wire.users import Block
from tests.core.harness import ADA, ANN, BOB, CY, LOBBY, Harness, Peer

TEAM, NOWHERE = RoomName("team"), RoomName("nowhere")
MODERATOR, MEMBER = Role("moderator"), Role("member")
FREE = Config(limits=Limits(messages_per_s=0))
DAY_S = DAY_MS / 1000


@attrs.define
class Scene:
    """ann has a private room and the team, in which bob is; cy is in neither."""

    harness: Harness
    ann: Peer
    bob: Peer
    cy: Peer
    den: RoomName


def scene(config: Config = FREE) -> Scene:
    """Three people, nothing to take."""
    harness = Harness(config)
    ann, bob, cy = (
        harness.user("ann", TEAM),
        harness.user("bob", TEAM),
        harness.user("cy"),
    )
    harness.take_all()
    created = ann.ask(Create(private=True, title=Topic("The den")))[0]
    harness.take_all()
    return Scene(harness, ann, bob, cy, created.room)


def code(peer: Peer, command: Command) -> str:
    """What a command is answered with: the code of an error, or `ok`."""
    (reply,) = [frame for frame in peer.ask(command) if hasattr(frame, "re")]
    return getattr(reply, "code", "ok")


def waiting(harness: Harness, name: UserName = CY) -> list[RoomName]:
    """The rooms into which a new welcome says that somebody is asked."""
    (welcome,) = harness.open().hello(name=name, password="right")
    return [invite.room for invite in welcome.invites]


# --- asked in -----------------------------------------------------------------


def test_an_invitation_reaches_its_user_at_once_and_waits() -> None:
    """On all his connections, and in every welcome until it is answered."""
    s = scene()
    other = s.harness.user("cy")
    s.harness.take_all()
    s.ann.ask(InviteCommand(s.den, CY))
    invited = events.Invited(s.den, ANN, "The den")
    assert s.cy.take() == other.take() == [invited]
    (welcome,) = s.harness.open().hello(name="cy", password="right")
    shown = replies.InviteShown(s.den, ANN, s.harness.now.wall, "The den")
    assert welcome.invites == [shown]
    assert s.cy.join(s.den)[0].type == "ok"
    assert s.harness.chat.durable.invites == {}
    (welcome,) = s.harness.open().hello(name="cy", password="right")
    assert welcome.invites == []


def test_an_invitation_of_somebody_who_is_away_waits() -> None:
    """There is nobody to tell."""
    s = scene()
    harness, ann = s.harness, s.ann
    s.cy.close()
    assert code(ann, InviteCommand(s.den, CY)) == "ok"
    assert harness.chat.durable.invites[CY] == {s.den: Invite(ANN, harness.now.wall)}
    guest = harness.guest()
    name = harness.chat.live.connections[guest.id].user
    assert name is not None
    ann.say(InviteCommand(TEAM, name))
    guest.say(Logout())
    harness.drafts.rotate(1)
    harness.commit(1)
    guest.close()
    assert name not in harness.chat.durable.users
    harness.settle()
    (refused,) = ann.take()
    assert refused.code == "no_user"


def test_invitations_are_in_their_order_after_a_start() -> None:
    """That of their making, however their rooms are called."""
    harness = Harness()
    names = [RoomName("zebra"), RoomName("apple")]
    ann, cy = harness.user("ann", *names), harness.user("cy")
    cy.close()
    for name in names:
        ann.ask(InviteCommand(name, CY))
        harness.wait(1)
        harness.settle()
    harness.restart()
    assert waiting(harness) == names


def test_an_invitation_lapses_after_fourteen_days() -> None:
    """Then it is in no welcome, lets nobody in, and may be made again."""
    s = scene()
    s.ann.ask(InviteCommand(s.den, CY))
    s.ann.take()
    (dup,) = s.ann.ask(InviteCommand(s.den, CY))
    assert dup.dup
    s.harness.wait(INVITE_S)
    s.harness.take_all()
    (welcome,) = s.harness.open().hello(name="cy", password="right")
    assert welcome.invites == []
    assert code(s.cy, Join(s.den)) == "no_room"
    (ok,) = s.ann.ask(InviteCommand(s.den, CY))
    assert not ok.dup
    s.cy.take()
    assert s.cy.join(s.den)[0].type == "ok"


def test_members_invite_into_public_rooms_and_moderators_into_private_ones() -> None:
    """Not whom they have already, nor whom they banned."""
    s = scene()
    s.ann.ask(InviteCommand(s.den, BOB))
    s.bob.join(s.den)
    s.harness.take_all()
    assert code(s.bob, InviteCommand(TEAM, CY)) == "ok"
    assert code(s.bob, InviteCommand(s.den, CY)) == "forbidden"
    assert code(s.ann, InviteCommand(TEAM, BOB)) == "exists"
    s.ann.ask(Ban(TEAM, CY))
    s.ann.take()
    assert code(s.ann, InviteCommand(TEAM, CY)) == "banned"
    assert waiting(s.harness) == []


def test_an_invitation_that_was_answered_is_over_on_all_devices() -> None:
    """The one on which he joins has its answer; the others are told."""
    s = scene()
    other = s.harness.user("cy")
    s.ann.ask(InviteCommand(s.den, CY))
    s.harness.take_all()
    s.cy.join(s.den)
    assert [frame.type for frame in other.take()] == ["joined", "uninvited"]
    assert s.harness.chat.durable.invites == {}


def test_who_invites_needs_space_on_the_disk_and_who_takes_back_does_not() -> None:
    """What takes away is possible as long as anything is."""
    s = scene()
    s.ann.ask(InviteCommand(TEAM, CY))
    s.harness.machine._turn.space = Space.NONE
    assert code(s.ann, InviteCommand(s.den, CY)) == "unavailable"
    assert code(s.ann, InviteCommand(TEAM, CY, on=False)) == "ok"


# --- taken back ---------------------------------------------------------------


def test_an_invitation_can_be_taken_back() -> None:
    """The room is told by its timeline, the invited one on all his connections; and
    he cannot come in by it any more.
    """
    s = scene()
    other = s.harness.user("cy")
    s.ann.ask(InviteCommand(s.den, CY))
    s.harness.take_all()
    command = InviteCommand(s.den, CY, Cid("x"), on=False, id=1)
    draft = drafts.Moderate(s.den, ANN, Cid("x"), CY, MemberChange.UNINVITE)
    assert s.ann.say(command) == [Append(Origin(s.ann.id, command, draft))]
    s.harness.settle()
    ts = s.harness.now.wall
    ok = replies.Stored("invite", s.den, Seq(3), ts, cid=Cid("x"), id=1)
    assert s.ann.take() == [ok]
    event = events.Member(s.den, Seq(3), ts, ANN, CY, MemberChange.UNINVITE)
    assert s.harness.delivered[-1] == event
    assert s.cy.take() == other.take() == [events.Uninvited(s.den)]
    assert waiting(s.harness) == []
    assert code(s.cy, Join(s.den)) == "no_room"
    (again,) = s.ann.ask(attrs.evolve(command, id=2))
    assert (again.seq, again.dup) == (3, True)


def test_what_is_taken_back_is_ones_own_or_a_members_of_lower_rank() -> None:
    """Also by who is muted, or is no moderator any more; not by another member."""
    s = scene()
    s.ann.ask(SetRole(TEAM, BOB, MODERATOR))
    s.bob.ask(InviteCommand(TEAM, CY))
    s.ann.ask(SetRole(TEAM, BOB, MEMBER))
    s.ann.ask(Mute(TEAM, BOB))
    guest = s.harness.guest(TEAM)
    assert code(guest, InviteCommand(TEAM, CY, on=False)) == "forbidden"
    assert code(s.bob, InviteCommand(TEAM, CY, on=False)) == "ok"
    s.harness.wait(DAY_S)
    s.ann.ask(InviteCommand(TEAM, CY))
    assert code(s.bob, InviteCommand(TEAM, CY, on=False)) == "forbidden"
    assert code(s.harness.user(ADA), InviteCommand(TEAM, CY, on=False)) == "ok"


def test_what_nobody_waits_for_is_taken_back_by_anybody() -> None:
    """It changes nothing, and tells nobody anything."""
    s = scene()
    (ok,) = s.bob.ask(InviteCommand(TEAM, CY, on=False))
    assert ok.dup
    s.ann.ask(InviteCommand(TEAM, CY))
    s.harness.wait(INVITE_S)
    s.harness.take_all()
    (ok,) = s.bob.ask(InviteCommand(TEAM, CY, on=False))
    assert ok.dup
    assert s.cy.take() == []


@pytest.mark.parametrize("room", [NOWHERE, LOBBY, "den", "direct"])
def test_only_those_who_are_there_take_back(room: RoomName) -> None:
    """As everywhere: a room that one may not see is as none."""
    s = scene()
    s.bob.ask(Send(Text("hi"), to=CY))
    names = {"den": s.den, "direct": RoomName("@bob,cy")}
    expected = {"den": "no_room", "direct": "forbidden", LOBBY: "not_member"}
    command = InviteCommand(names.get(room, room), CY, on=False)
    assert code(s.bob, command) == expected.get(room, "no_room")


# --- refused ------------------------------------------------------------------


def test_nobody_has_no_invitation_that_could_be_taken_back() -> None:
    """A name that is not here is looked for, and nobody has it."""
    s = scene()
    take_back = InviteCommand(TEAM, UserName("nobody"), on=False)
    assert code(s.ann, take_back) == "no_user"


def test_an_invitation_can_be_refused() -> None:
    """The room is told; his other connections are; he himself learns nothing of what
    goes on there, and cannot come in by it any more.
    """
    s = scene()
    other = s.harness.user("cy")
    s.ann.ask(Join(s.den))
    s.ann.ask(InviteCommand(s.den, CY))
    s.harness.take_all()
    assert s.cy.ask(Decline(s.den, id=1)) == [replies.Done("decline", 1)]
    ts = s.harness.now.wall
    declined = events.Member(s.den, Seq(3), ts, CY, CY, MemberChange.DECLINE)
    assert s.ann.take() == [declined]
    assert other.take() == [events.Uninvited(s.den)]
    assert waiting(s.harness) == []
    assert code(s.cy, Join(s.den)) == "no_room"


def test_to_refuse_again_changes_nothing() -> None:
    """It may be the same, sent again; nobody is told twice."""
    s = scene()
    s.ann.ask(InviteCommand(s.den, CY))
    s.cy.say(Decline(s.den))
    s.cy.say(Decline(s.den))
    s.harness.settle()
    assert [frame.type for frame in s.cy.take()] == ["invited", "ok", "ok"]
    assert code(s.cy, Decline(s.den)) == "ok"
    assert s.harness.chat.durable.rooms[s.den].head == 3
    s.harness.wait(INVITE_S)
    assert code(s.cy, Decline(s.den)) == "no_room"


def test_what_was_never_offered_cannot_be_refused() -> None:
    """In a private room nothing is learned by it; where one may be, it is nothing."""
    s = scene()
    s.cy.ask(Send(Text("hi"), to=BOB))
    assert code(s.cy, Decline(s.den)) == "no_room"
    assert code(s.cy, Decline(NOWHERE)) == "no_room"
    assert code(s.cy, Decline(RoomName("@bob,cy"))) == "forbidden"
    assert code(s.cy, Decline(RoomName("@ann,bob"))) == "no_room"
    for peer in (s.cy, s.bob):
        assert code(peer, Decline(TEAM)) == "ok"
    assert s.harness.chat.durable.rooms[TEAM].head == 2


def test_a_refusal_that_cannot_be_stored_leaves_the_invitation() -> None:
    """He is told so, and may refuse again or come in."""
    s = scene()
    s.ann.ask(InviteCommand(s.den, CY))
    s.cy.take()
    s.cy.say(Decline(s.den))
    s.harness.fail()
    (error,) = s.cy.take()
    assert error.code is RejectCode.UNAVAILABLE
    assert waiting(s.harness) == [s.den]
    s.cy.say(Decline(s.den))
    s.cy.close()
    s.harness.settle()
    assert waiting(s.harness) == []


# --- asked again --------------------------------------------------------------


def test_who_has_refused_is_left_alone_for_a_fortnight() -> None:
    """By everybody there, whoever has asked him first; then he may be asked."""
    s = scene()
    s.bob.ask(InviteCommand(TEAM, CY))
    s.cy.ask(Decline(TEAM))
    s.harness.take_all()
    for peer in (s.bob, s.ann):
        (error,) = peer.ask(InviteCommand(TEAM, CY))
        assert error.code is RejectCode.FORBIDDEN
        assert error.retry_after == INVITE_S
    for command in (Ban(TEAM, CY), Unban(TEAM, CY)):
        assert code(s.ann, command) == "ok"
    s.harness.wait(INVITE_S - 1)
    assert code(s.ann, InviteCommand(TEAM, CY)) == "forbidden"
    assert events.Invited not in map(type, s.cy.take())
    s.harness.wait(1)
    assert code(s.ann, InviteCommand(TEAM, CY)) == "ok"
    assert s.cy.take() == [events.Invited(TEAM, ANN)]


@pytest.mark.parametrize(
    "ends", [[InviteCommand(TEAM, CY, on=False)], [Ban(TEAM, CY), Unban(TEAM, CY)]]
)
def test_whoever_is_asked_and_asked_no_more_hears_it_once_a_day(
    ends: list[Command],
) -> None:
    """To ask and to take it back in turn would be a way to ring at his door."""
    s = scene()
    for _ in range(3):
        s.ann.ask(InviteCommand(TEAM, CY))
        for command in ends:
            s.ann.ask(command)
    assert s.cy.take() == [events.Invited(TEAM, ANN), events.Uninvited(TEAM)]
    s.harness.wait(DAY_S)
    assert code(s.ann, InviteCommand(TEAM, CY)) == "ok"


def test_who_has_come_in_may_be_asked_again_at_once() -> None:
    """He came by himself, also where he had refused before."""
    s = scene()
    s.ann.ask(InviteCommand(TEAM, CY))
    s.cy.ask(Decline(TEAM))
    s.cy.join(TEAM)
    s.cy.ask(Leave(TEAM))
    assert code(s.ann, InviteCommand(TEAM, CY)) == "ok"
    s.cy.join(TEAM)
    s.ann.ask(Kick(TEAM, CY))
    assert code(s.ann, InviteCommand(TEAM, CY)) == "ok"


def test_an_invitation_that_nobody_answers_is_forgotten() -> None:
    """After a fortnight; one that is sent after that waits as long again."""
    s = scene()
    s.ann.ask(InviteCommand(TEAM, CY))
    s.harness.wait(INVITE_S / 2)
    s.ann.ask(InviteCommand(s.den, CY))
    s.harness.wait(INVITE_S / 2 - 1)
    assert set(s.harness.chat.durable.invites[CY]) == {TEAM, s.den}
    s.harness.wait(1)
    assert list(s.harness.chat.durable.invites[CY]) == [s.den]
    s.ann.ask(InviteCommand(TEAM, CY))
    s.harness.wait(INVITE_S)
    assert s.harness.chat.durable.invites == {}


def test_an_invitation_that_has_ended_is_forgotten() -> None:
    """A fortnight after its end; until then it is known, also after a restart."""
    s = scene()
    s.ann.ask(InviteCommand(s.den, CY))
    s.harness.wait(DAY_S)
    s.cy.ask(Decline(s.den))
    s.harness.wait(INVITE_S - 1)
    s.harness.restart()
    ann = s.harness.user("ann", s.den)
    assert list(s.harness.chat.durable.invites[CY]) == [s.den]
    assert code(ann, InviteCommand(s.den, CY)) == "forbidden"
    s.harness.wait(INVITE_S)
    assert s.harness.chat.durable.invites == {}


def test_an_invitation_of_a_guest_goes_with_him() -> None:
    """He never comes back, so nobody waits for his answer; also on disk."""
    s = scene()
    guest = s.harness.guest()
    name = s.harness.user_of(guest)
    assert name is not None
    s.ann.ask(InviteCommand(TEAM, name))
    assert name in s.harness.chat.durable.invites
    guest.close()
    s.harness.wait(1000)
    s.harness.settle()
    assert s.harness.chat.durable.invites == {}
    assert s.harness.model.rooms[TEAM].invites == {}


# --- who must not know --------------------------------------------------------


def test_of_invitations_by_somebody_whom_one_blocks_one_hears_nothing() -> None:
    """Neither that there is one nor that it is over, whoever ends it."""
    s = scene()
    s.cy.ask(Block(ANN))
    s.ann.ask(InviteCommand(TEAM, CY))
    s.harness.user(ADA).ask(InviteCommand(TEAM, CY, on=False))
    s.ann.ask(InviteCommand(s.den, CY))
    other = s.harness.user("cy")
    s.harness.take_all()
    s.cy.ask(Decline(s.den))
    assert other.take() == s.cy.take() == []


def test_tokens_for_other_rooms_hear_nothing() -> None:
    """Neither that he is asked nor that it is over."""
    s = scene()
    s.harness.chat.live.connections[s.cy.id].scope = Scope(rooms=frozenset({LOBBY}))
    s.ann.ask(InviteCommand(TEAM, CY))
    s.ann.ask(InviteCommand(TEAM, CY, on=False))
    assert s.cy.take() == []
    assert code(s.cy, Decline(TEAM)) == "forbidden"


def test_a_guest_who_has_gone_is_told_nothing() -> None:
    """His invitation is over with nobody to hear it."""
    s = scene()
    guest = s.harness.guest()
    name = s.harness.user_of(guest)
    assert name is not None
    s.ann.ask(InviteCommand(TEAM, name))
    s.ann.say(InviteCommand(TEAM, name, on=False))
    guest.say(Logout())
    s.harness.drafts.rotate(1)
    s.harness.settle()
    assert [frame.type for frame in guest.take()] == ["invited", "ok"]


def test_refusing_counts_as_a_message() -> None:
    """It is told to a room like one."""
    s = scene(Config(limits=Limits(messages_per_s=1, messages_burst=2)))
    s.ann.ask(InviteCommand(TEAM, CY))
    assert [code(s.cy, Decline(TEAM)) for _ in range(3)] == [
        *("ok", "ok"),
        "rate_limited",
    ]
