"""Mutes, `post` and slow mode hold for every way of saying something in a room."""

from __future__ import annotations

import inspect
from typing import Any, get_args

import attrs

from chatd.config import Config
from chatd.config.limits import Limits
from chatd.core import drafts, inputs
from chatd.core.agenda import Due
from chatd.core.changes import Banned
from chatd.core.entities import CORRECTION_S
from chatd.core.speech import WAYS, Saying
from chatd.enums import Post, Role, State
from chatd.errors import RejectCode
from chatd.ids import Cid, RoomName, Seq
from chatd.wire.accounts import Register
from chatd.wire.administration import UserBan
from chatd.wire.commands import Command
from chatd.wire.ephemeral import Read, Status, Typing
from chatd.wire.events import UserShown
from chatd.wire.kinds import (
    BanSeconds,
    Display,
    Emoji,
    PublicRoom,
    Reason,
    SlowSeconds,
    StatusText,
    Text,
    Topic,
)
from chatd.wire.moderation import Ban, Invite, Kick, Mute, SetRole, Unmute
from chatd.wire.operator import Announce
from chatd.wire.place import NamePlace
from chatd.wire.rooms import Create, Destroy, Join, Leave, Rename, SetRoom, Who
from chatd.wire.timeline import Delete, Edit, Pin, React, Reactions, Send
from chatd.wire.users import Profile
from tests.core.harness import ANN, BOB, CY, Harness, Peer

HI, HO = Text("hi"), Text("ho")
TEAM = RoomName("team")
THUMB = Emoji("👍")
FREE = Config(limits=Limits(messages_per_s=0))
SLOW = SlowSeconds(600)
WORDLESS = "hello join leave delete create unban unmute role read profile status"
WORDLESS += " block unblock blocks history search sessions who rooms ping logout"
WORDLESS += " decline destroy register password refresh account_delete about place"
WORDLESS += " link invitation_create invitations invitation_revoke reactions notify"
WORDLESS += " pins bookmark bookmarks follow threads standing"
WORDLESS += " report connections disconnect drain log_level"
WORDLESS += " reload audit announce busy_rooms"
WORDLESS += " user_add user_password user_role user_ban user_unban user_logout"
WORDLESS += " token_issue token_revoke user_erase user_erasure"


@attrs.define
class Scene:
    """ann owns the team, bob moderates it, cy is in it; of each there is a message."""

    harness: Harness
    ann: Peer
    bob: Peer
    cy: Peer
    anns: Seq
    cys: Seq


def scene() -> Scene:
    """Three people, nothing to take."""
    harness = Harness(FREE)
    ann, bob, cy = (harness.user(name, TEAM) for name in (ANN, BOB, CY))
    ann.ask(SetRole(TEAM, BOB, Role("moderator")))
    ann.ask(Send(HI, TEAM))
    anns = harness.chat.durable.rooms[TEAM].head
    cy.ask(Send(HI, TEAM))
    cys = harness.chat.durable.rooms[TEAM].head
    harness.wait(2 * CORRECTION_S)
    harness.take_all()
    return Scene(harness, ann, bob, cy, anns, cys)


def slow_scene() -> Scene:
    """The same in slow mode, in which nobody has said anything yet."""
    s = scene()
    s.ann.ask(SetRoom(TEAM, slow_s=SLOW))
    s.harness.take_all()
    return s


def answer(peer: Peer, command: Command) -> Any:
    """`ok`, or the code of the refusal."""
    frames = peer.ask(command)
    (reply,) = [frame for frame in frames if getattr(frame, "re", "") == command.type]
    return getattr(reply, "code", "ok")


def say(s: Scene, peer: Peer) -> Seq:
    """Send what is taken; the seq that it has."""
    assert answer(peer, Send(HI, TEAM)) == "ok"
    return s.harness.chat.durable.rooms[TEAM].head


# --- the table --------------------------------------------------------------------


def test_every_command_is_decided() -> None:
    """One that is new is a way of saying something, or it is written down here."""
    types = {cls.type for cls in get_args(Command)}
    said = {cls.type for cls in WAYS}
    assert said | set(WORDLESS.split()) == types
    assert not said & set(WORDLESS.split())
    assert set(get_args(Saying)) == set(WAYS)
    for cls, way in WAYS.items():
        assert set(way.words) <= set(attrs.fields_dict(cls)), cls


def test_who_says_something_by_which_field_is_known() -> None:
    """Every field of free text or of a sign belongs to a way, or to nobody's room."""
    texts = {"Text", "Topic", "Reason", "Emoji", "Display", "StatusText"}
    beside = {(Create, "topic"), (Create, "title"), (Profile, "display")}
    beside |= {
        (Status, "text"),
        (Register, "display"),
        (NamePlace, "name"),
        (Reactions, "emoji"),
        (Announce, "text"),
    }
    beside |= {(UserBan, "reason")}
    for cls in get_args(Command):
        # As they are written: the codec may have put the types there in their place.
        for name, written in inspect.get_annotations(cls).items():
            if written.split(" ")[0] in texts and (cls, name) not in beside:
                assert cls in WAYS, (cls, name)


# --- mutes ------------------------------------------------------------------------


def test_a_muted_member_says_nothing_in_any_way() -> None:
    """Nor by what moderators may do beside, if he is one."""
    s = scene()
    command: Command
    for peer, name in ((s.cy, CY), (s.bob, BOB)):
        s.ann.ask(Mute(TEAM, name, BanSeconds(60)))
        for command in (
            Send(HI, TEAM),
            Send(HI, TEAM, reply_to=s.anns),
            Edit(TEAM, s.cys, HO),
            React(TEAM, s.anns, THUMB),
        ):
            assert answer(peer, command) == RejectCode.MUTED
    for command in (
        SetRoom(TEAM, topic=Topic("hi")),
        SetRoom(TEAM, title=Topic("hi"), slow_s=SlowSeconds(0)),
        Kick(TEAM, CY, Reason("hi")),
        Ban(TEAM, CY, reason=Reason("hi")),
        Mute(TEAM, CY, reason=Reason("hi")),
        Invite(TEAM, ANN),
    ):
        assert answer(s.bob, command) == RejectCode.MUTED
    s.ann.take()
    s.cy.ask(Typing(TEAM))
    assert s.ann.take() == []
    s.harness.wait(60)
    assert answer(s.cy, Send(HI, TEAM)) == "ok"


def test_a_muted_member_may_take_back_and_act_without_words() -> None:
    """His own messages and reactions; a moderator's acts without a reason."""
    s = scene()
    command: Command
    s.cy.ask(React(TEAM, s.anns, THUMB))
    for name in (CY, BOB):
        s.ann.ask(Mute(TEAM, name))
    s.harness.take_all()
    for command in (
        React(TEAM, s.anns, THUMB, on=False),
        Delete(TEAM, s.cys),
        Read(TEAM, s.anns, id=1),
        Leave(TEAM),
        Join(TEAM),
    ):
        assert answer(s.cy, command) == "ok"
    for command in (
        SetRoom(TEAM, slow_s=SLOW),
        SetRoom(TEAM, topic=Topic("")),
        Mute(TEAM, CY, BanSeconds(60)),
        Unmute(TEAM, CY),
        Delete(TEAM, s.anns),
        Kick(TEAM, CY),
        Ban(TEAM, CY),
    ):
        assert answer(s.bob, command) == "ok"


# --- post -------------------------------------------------------------------------


def test_where_moderators_send_members_do_not_write_or_edit() -> None:
    """Reactions are answers, and stay; who writes is not shown either."""
    s = scene()
    s.ann.ask(SetRoom(TEAM, post=Post("moderators")))
    s.harness.take_all()
    for command in (Send(HI, TEAM), Edit(TEAM, s.cys, HO)):
        assert answer(s.cy, command) == RejectCode.FORBIDDEN
    s.cy.ask(Typing(TEAM))
    assert s.ann.take() == []
    assert answer(s.cy, React(TEAM, s.anns, THUMB)) == "ok"
    assert answer(s.bob, Send(HI, TEAM)) == "ok"
    s.ann.take()
    s.bob.ask(Typing(TEAM))
    assert [frame.type for frame in s.ann.take()] == ["typing"]


# --- slow mode --------------------------------------------------------------------


def test_edits_share_the_wait_of_slow_mode() -> None:
    """A message makes an edit wait, an edit a message and another edit."""
    s = slow_scene()
    assert answer(s.cy, Edit(TEAM, s.cys, HO)) == "ok"
    (error, *_) = s.cy.ask(Send(HI, TEAM))
    assert (error.code, error.retry_after) == (RejectCode.RATE_LIMITED, 600.0)
    s.harness.wait(599)
    (error, *_) = s.cy.ask(Edit(TEAM, s.cys, HI))
    assert (error.code, error.retry_after) == (RejectCode.RATE_LIMITED, 1.0)
    assert error.text == "team is slow: one message in 600 s"
    s.harness.wait(1)
    say(s, s.cy)
    assert answer(s.cy, Edit(TEAM, s.cys, HI)) == RejectCode.RATE_LIMITED


def test_one_correction_of_a_message_within_a_minute_is_free() -> None:
    """One of each message, not each of one; and it makes nobody wait longer."""
    s = slow_scene()
    of = say(s, s.cy)
    s.harness.wait(59)
    assert answer(s.cy, Edit(TEAM, of, HO)) == "ok"
    (error, *_) = s.cy.ask(Edit(TEAM, of, HI))
    assert (error.code, error.retry_after) == (RejectCode.RATE_LIMITED, 541.0)
    s.harness.wait(541)
    of = say(s, s.cy)
    s.harness.wait(60)
    assert answer(s.cy, Edit(TEAM, of, HO)) == RejectCode.RATE_LIMITED


def test_each_of_several_messages_of_a_minute_may_be_corrected() -> None:
    """Where slow mode is quicker than a minute."""
    s = scene()
    s.ann.ask(SetRoom(TEAM, slow_s=SlowSeconds(20)))
    messages = []
    for _ in range(4):
        messages.append(say(s, s.cy))
        s.harness.wait(20)
    say(s, s.cy)
    answers = [answer(s.cy, Edit(TEAM, of, HO)) for of in messages]
    assert answers == [RejectCode.RATE_LIMITED] * 2 + ["ok"] * 2


def test_a_correction_that_was_not_stored_may_be_made_again() -> None:
    """And a retry of one that was learns it, although the next would have to wait."""
    s = slow_scene()
    of = say(s, s.cy)
    s.cy.say(Edit(TEAM, of, HO))
    s.harness.fail()
    s.cy.take()
    assert answer(s.cy, Edit(TEAM, of, HI)) == "ok"  # it is so already
    assert answer(s.cy, Edit(TEAM, of, HO, Cid("c"))) == "ok"
    assert answer(s.cy, Edit(TEAM, of, HO, Cid("c"))) == "ok"
    assert answer(s.cy, Edit(TEAM, of, HI)) == RejectCode.RATE_LIMITED


def test_an_edit_that_was_not_stored_makes_nobody_wait() -> None:
    """Neither one that the writer refuses, nor one that changes nothing."""
    s = slow_scene()
    assert answer(s.cy, Edit(TEAM, s.anns, HO)) == RejectCode.FORBIDDEN
    assert answer(s.cy, Edit(TEAM, Seq(99), HO)) == RejectCode.NO_MESSAGE
    assert answer(s.cy, Edit(TEAM, s.cys, HI)) == "ok"
    assert answer(s.cy, Send(HI, TEAM, reply_to=Seq(99))) == RejectCode.NO_MESSAGE
    say(s, s.cy)


def test_of_two_corrections_at_once_one_is_free() -> None:
    """Whatever is not answered yet."""
    s = slow_scene()
    of = say(s, s.cy)
    s.cy.take()
    s.cy.say(Edit(TEAM, of, HO, id=1))
    s.cy.say(Edit(TEAM, of, Text("hm"), id=2))
    s.harness.settle()
    replies = [frame for frame in s.cy.take() if getattr(frame, "re", "") == "edit"]
    assert [(reply.id, reply.type) for reply in replies] == [(1, "ok"), (2, "error")]


def test_somebody_elses_message_is_no_correction() -> None:
    """A minute is his who wrote it, and it ends with a restart of the room's wait."""
    s = slow_scene()
    of = say(s, s.bob)
    say(s, s.cy)
    assert answer(s.cy, Edit(TEAM, of, HO)) == RejectCode.RATE_LIMITED


def test_moderators_are_free_of_slow_mode() -> None:
    """They send and edit as they like."""
    s = slow_scene()
    of = say(s, s.bob)
    for text in "abc":
        assert answer(s.bob, Edit(TEAM, of, Text(text))) == "ok"
    say(s, s.bob)


def test_reactions_and_deletions_do_not_wait() -> None:
    """Nor do they make anybody wait."""
    s = slow_scene()
    of = say(s, s.cy)
    assert answer(s.cy, React(TEAM, s.anns, THUMB)) == "ok"
    assert answer(s.cy, React(TEAM, s.anns, THUMB, on=False)) == "ok"
    assert answer(s.cy, Delete(TEAM, of)) == "ok"
    assert answer(s.cy, Send(HI, TEAM)) == RejectCode.RATE_LIMITED


def test_what_slow_mode_knew_goes_with_it() -> None:
    """And a message from before it was set is not corrected for nothing."""
    s = scene()
    of = say(s, s.cy)
    s.ann.ask(SetRoom(TEAM, slow_s=SLOW))
    assert answer(s.cy, Edit(TEAM, of, HO)) == "ok"
    assert answer(s.cy, Send(HI, TEAM)) == RejectCode.RATE_LIMITED
    s.ann.ask(SetRoom(TEAM, slow_s=SlowSeconds(0)))
    assert s.harness.chat.durable.rooms[TEAM].sayings == {}
    say(s, s.cy)


def test_an_outcome_that_comes_when_slow_mode_has_ended_is_nothing() -> None:
    """What was on its way then is nobody's wait."""
    s = slow_scene()
    of = say(s, s.cy)
    s.cy.say(Edit(TEAM, of, HO))
    edit = s.harness.drafts.popleft()
    s.ann.say(SetRoom(TEAM, slow_s=SlowSeconds(0)))
    s.harness.commit()
    s.ann.say(SetRoom(TEAM, slow_s=SLOW))
    s.harness.commit()
    s.harness.handle(inputs.Executed(edit, drafts.Refused(RejectCode.INTERNAL, "x")))
    s.harness.settle()
    say(s, s.cy)


# --- what one says of oneself -------------------------------------------------------


def shown(peer: Peer, name: str) -> UserShown:
    """How somebody is listed in the team."""
    (page,) = peer.ask(Who(TEAM))
    (found,) = [user for user in page.users if user.name == name]
    assert isinstance(found, UserShown)
    return found


def test_who_is_muted_is_shown_by_his_name_alone() -> None:
    """Neither what people read instead of it nor a status is a way to go on."""
    s = scene()
    other = RoomName("other")
    for peer in (s.ann, s.cy):
        peer.ask(Join(other))
    s.cy.ask(Profile(Display("Cy C.")))
    s.cy.ask(Status(State("away"), StatusText("lunch")))
    s.harness.wait(1)
    s.harness.take_all()
    s.ann.ask(Mute(TEAM, CY, BanSeconds(60)))
    s.harness.wait(1)
    frames = [frame for frame in s.ann.take() if frame.type == "presence"]
    assert [frame.join for frame in frames] == [[UserShown(CY, None, State.AWAY)]]
    assert shown(s.ann, CY) == UserShown(CY, None, State.AWAY)
    s.cy.ask(Profile(Display("I go on")))
    s.cy.ask(Status(State("away"), StatusText("and on")))
    s.harness.wait(1)
    told = [frame.room for frame in s.ann.take() if frame.type == "presence"]
    assert told == [other]
    s.cy.ask(Status(State("online")))
    s.harness.wait(1)
    frames = [frame for frame in s.ann.take() if frame.type == "presence"]
    assert {frame.room: frame.back for frame in frames} == {TEAM: [CY], other: [CY]}
    joined = s.ann.ask(Join(TEAM))[0]
    assert UserShown(CY, None, State.ONLINE) in joined.users


def test_when_a_mute_ends_he_is_shown_as_he_is() -> None:
    """By its time, and by whoever lifts it."""
    s = scene()
    s.cy.ask(Profile(Display("Cy C.")))
    for end in (lambda: s.harness.wait(60), lambda: s.ann.ask(Unmute(TEAM, CY))):
        s.ann.ask(Mute(TEAM, CY, BanSeconds(60)))
        s.harness.wait(1)
        s.harness.take_all()
        end()
        s.harness.wait(1)
        frames = [frame for frame in s.ann.take() if frame.type == "presence"]
        assert [frame.join for frame in frames] == [
            [UserShown(CY, "Cy C.", State.ONLINE)]
        ]
        assert s.harness.chat.durable.rooms[TEAM].mutes == {}


def test_a_mute_ends_by_the_clock_of_people() -> None:
    """Also after a restart, and when that clock was set back meanwhile."""
    s = scene()
    s.ann.ask(Mute(TEAM, CY, BanSeconds(60)))
    s.ann.ask(Mute(TEAM, BOB))
    s.harness.restart()
    s.harness.user(ANN)
    s.harness.wait(30)
    s.harness.now.wall -= 10_000
    s.harness.wait(35)
    assert set(s.harness.chat.durable.rooms[TEAM].mutes) == {BOB, CY}
    s.harness.wait(5)
    assert set(s.harness.chat.durable.rooms[TEAM].mutes) == {BOB}


def test_a_mute_that_was_lifted_has_no_deadline_left_to_act_on() -> None:
    """Nor does one that has become a mute for good."""
    s = scene()
    s.ann.ask(Mute(TEAM, CY, BanSeconds(60)))
    s.ann.ask(Unmute(TEAM, CY))
    s.ann.ask(Mute(TEAM, BOB, BanSeconds(60)))
    s.ann.ask(Mute(TEAM, BOB))
    s.harness.wait(61)
    assert set(s.harness.chat.durable.rooms[TEAM].mutes) == {BOB}


def test_a_mute_goes_with_its_room() -> None:
    """When it would have ended nothing is due."""
    s = scene()
    s.ann.ask(Mute(TEAM, CY, BanSeconds(60)))
    assert s.harness.chat.live.agenda.keys(Due.MUTE) == {(CY, TEAM)}
    s.ann.ask(Destroy(TEAM))
    assert s.harness.chat.live.agenda.keys(Due.MUTE) == set()
    s.harness.wait(61)
    assert TEAM not in s.harness.chat.durable.rooms


def test_who_is_muted_gives_a_room_no_name() -> None:
    """Though nobody but him is left to have charge of it."""
    s = scene()
    s.ann.ask(Mute(TEAM, CY, BanSeconds(60)))
    for name in (ANN, BOB):
        s.harness.change(Banned(name, None, None))
    rename = Rename(TEAM, PublicRoom("orchard"))
    assert answer(s.cy, rename) == RejectCode.MUTED
    s.harness.wait(60)
    assert answer(s.cy, rename) == "ok"


def test_in_an_archive_nobody_says_anything() -> None:
    """Its owner neither; what only takes away, and acts with their reasons, go on."""
    s = scene()
    s.ann.ask(SetRoom(TEAM, archived=True))
    for command in (
        Send(HO, TEAM),
        Edit(TEAM, s.anns, HO),
        React(TEAM, s.cys, THUMB),
        Pin(TEAM, s.cys),
        SetRoom(TEAM, topic=Topic("tea")),
        Rename(TEAM, PublicRoom("orchard")),
    ):
        assert answer(s.ann, command) == RejectCode.FORBIDDEN, command
    assert answer(s.ann, SetRoom(TEAM, topic=Topic(""))) == "ok"
    assert answer(s.bob, Mute(TEAM, CY, reason=Reason("noise"))) == "ok"
    assert answer(s.ann, Delete(TEAM, s.anns)) == "ok"
    opened = SetRoom(TEAM, archived=False, topic=Topic("tea"))
    assert answer(s.ann, opened) == "ok"
    assert answer(s.ann, Send(HO, TEAM)) == "ok"
