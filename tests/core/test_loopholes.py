"""What somebody might try who knows the rules, and gets nothing by it."""

from __future__ import annotations

from typing import Any

import pytest

from chatd.config import Config
from chatd.config.limits import Limits
from chatd.core.commands.sessions.welcome import INVITES_SHOWN_MAX
from chatd.core.entities import Invite, Room, Sayings
from chatd.core.principal import Renewal
from chatd.core.scope import Scope
from chatd.core.speech import SAYINGS_MAX
from chatd.enums import AccountRole, Level, Post, Role, Visibility
from chatd.errors import RejectCode
from chatd.ids import Cid, Epoch, RoomName, Seq, UserName
from chatd.wire.commands import Command
from chatd.wire.kinds import Display, Emoji, Secret, SlowSeconds, Text
from chatd.wire.moderation import Ban, Kick, SetRole, Unban
from chatd.wire.moderation import Invite as InviteCommand
from chatd.wire.rooms import Join, Leave, Notify, SetRoom
from chatd.wire.timeline import Delete, Edit, React, Send
from chatd.wire.users import Block, Profile, Unblock
from tests.core.harness import ANN, BOB, CY, LOBBY, Harness, Peer

HI = Text("hi")
TEAM = RoomName("team")
FREE = Config(limits=Limits(messages_per_s=0))
FEW = Config(limits=Limits(messages_per_s=1, messages_burst=3))
OWNER, MODERATOR = Role("owner"), Role("moderator")


def codes(frames: list[Any]) -> list[str]:
    """What was refused."""
    return [frame.code for frame in frames if frame.type == "error"]


def kinds_of(frames: list[Any]) -> list[str]:
    """The types of what was received."""
    return [frame.type for frame in frames]


def bearer(harness: Harness, scope: Scope) -> Peer:
    """A connection of ann's that came by a token with a scope."""
    harness.tokens["t"] = Renewal(None, None, scope)
    peer = harness.open()
    peer.hello(token=Secret("t"))
    return peer


def test_what_changes_nothing_is_paid_for_with_each_new_cid() -> None:
    """Each is a row in the table of cids; a retry of one is not."""
    harness = Harness(FEW)
    ann = harness.user("ann", LOBBY)
    ann.ask(Send(HI, LOBBY))
    ann.ask(React(LOBBY, Seq(1), Emoji("👍"), cid=Cid("0")))
    for _ in range(5):
        (dup,) = ann.ask(React(LOBBY, Seq(1), Emoji("👍"), cid=Cid("0")))
        assert dup.dup
    assert ann.ask(React(LOBBY, Seq(1), Emoji("👍"), cid=Cid("1")))[0].dup
    refused = ann.ask(React(LOBBY, Seq(1), Emoji("👍"), cid=Cid("2")))
    assert codes(refused) == [RejectCode.RATE_LIMITED]


def test_coming_and_going_has_the_rate_of_messages() -> None:
    """A join that the room is told of is paid for; leaving stays possible."""
    harness = Harness(FEW)
    ann, bob = harness.user("ann", TEAM), harness.user("bob")
    harness.wait(60)
    for _ in range(3):
        assert codes(bob.ask(Join(TEAM))) == []
        assert codes(bob.ask(Leave(TEAM))) == []
    assert codes(bob.ask(Join(TEAM))) == [RejectCode.RATE_LIMITED]
    assert codes(bob.ask(Join(LOBBY))) == [], "nobody is told of this one"
    assert ann.take()


@pytest.mark.parametrize(
    "command",
    [Profile(Display("B")), Block(CY), Unblock(CY), Notify(LOBBY, Level.ALL)],
    ids=repr,
)
def test_what_is_written_for_oneself_has_that_rate_too(command: Command) -> None:
    """Each is a commit."""
    harness = Harness(FEW)
    bob = harness.user("bob", LOBBY)
    for _ in range(3):
        assert codes(bob.ask(command)) == []
    assert codes(bob.ask(command)) == [RejectCode.RATE_LIMITED]


def test_a_token_is_told_nothing_of_rooms_outside_its_scope() -> None:
    """No mention, no invitation, no removal; his other connections are told."""
    harness = Harness(FREE)
    bob, ann = harness.user("bob", TEAM), harness.user("ann", TEAM)
    narrow = bearer(harness, Scope.of(["lobby"], None))
    other = harness.user("ann")
    harness.take_all()
    bob.ask(Send(Text("@ann look"), TEAM))
    bob.ask(Kick(TEAM, ANN))
    bob.ask(InviteCommand(TEAM, ANN))
    assert narrow.take() == []
    assert kinds_of(other.take()) == ["mention", "left", "invited"]
    assert kinds_of(ann.take())[-2:] == ["left", "invited"]


def test_leaving_does_not_end_slow_mode() -> None:
    """When somebody sent last belongs to the room, not to his membership."""
    harness = Harness(FREE)
    ann, bob = harness.user("ann", TEAM), harness.user("bob", TEAM)
    ann.ask(SetRoom(TEAM, slow_s=SlowSeconds(60)))
    assert codes(bob.ask(Send(HI, TEAM))) == []
    bob.ask(Leave(TEAM))
    bob.ask(Join(TEAM))
    assert codes(bob.ask(Send(HI, TEAM))) == [RejectCode.RATE_LIMITED]
    harness.wait(60)
    assert codes(bob.ask(Send(HI, TEAM))) == []


def test_times_of_sending_that_do_not_matter_are_forgotten() -> None:
    """A slow room does not remember everybody who was ever there."""
    harness = Harness(FREE)
    ann, bob = harness.user("ann", TEAM), harness.user("bob", TEAM)
    ann.ask(SetRoom(TEAM, slow_s=SlowSeconds(60)))
    long_ago = harness.now.mono - 61
    room = harness.chat.durable.rooms[TEAM]
    room.sayings = {UserName(f"u{n}"): Sayings(long_ago) for n in range(SAYINGS_MAX)}
    room.sayings[CY] = Sayings(harness.now.mono)
    bob.ask(Send(HI, TEAM))
    assert room.sayings.keys() == {CY, BOB}


def test_an_old_message_is_no_way_to_speak_where_moderators_do() -> None:
    """It may be deleted, not edited."""
    harness = Harness(FREE)
    ann, bob = harness.user("ann", TEAM), harness.user("bob", TEAM)
    bob.ask(Send(HI, TEAM))
    of = harness.chat.durable.rooms[TEAM].head
    ann.ask(SetRoom(TEAM, post=Post("moderators")))
    assert codes(bob.ask(Edit(TEAM, of, Text("ho")))) == [RejectCode.FORBIDDEN]
    assert codes(bob.ask(Delete(TEAM, of))) == []


def test_what_was_before_ones_time_is_not_there() -> None:
    """Not to reply to, to react to, or to delete."""
    harness = Harness(FREE)
    ann = harness.user("ann", TEAM)
    ann.ask(SetRoom(TEAM, history=Visibility("since_join")))
    ann.ask(Send(HI, TEAM))
    of = harness.chat.durable.rooms[TEAM].head
    bob = harness.user("bob", TEAM)
    ann.ask(SetRole(TEAM, BOB, MODERATOR))
    for command in (
        Send(HI, TEAM, reply_to=of),
        React(TEAM, of, Emoji("👍")),
        Delete(TEAM, of),
    ):
        assert codes(bob.ask(command)) == [RejectCode.NO_MESSAGE]
    assert codes(ann.ask(Send(HI, TEAM, reply_to=of))) == []


def test_a_ban_of_a_later_administrator_can_be_lifted() -> None:
    """Lifting asks for no higher rank than his."""
    harness = Harness(FREE)
    ann = harness.user("ann", TEAM)
    ann.ask(Ban(TEAM, BOB))
    harness.chat.durable.users[BOB].role = AccountRole.ADMIN
    assert codes(ann.ask(Ban(TEAM, BOB))) == [RejectCode.FORBIDDEN]
    assert codes(ann.ask(Unban(TEAM, BOB))) == []


def test_welcome_has_the_newest_invitations_only() -> None:
    """Others cannot make it so long that nobody can come in."""
    harness = Harness(FREE)
    durable = harness.chat.durable
    for number in range(INVITES_SHOWN_MAX + 3):
        room = Room(RoomName(f"r{number}"), Epoch(f"r{number:015}"), Seq(0), Seq(1))
        durable.add_room(room)
        harness.chat.live.note_unheld(room, harness.now.mono)
        durable.put_invite(BOB, room, Invite(ANN, harness.now.wall))
    (welcome,) = harness.open().hello(name="bob", password=Secret("right"))
    assert len(welcome.invites) == INVITES_SHOWN_MAX
    assert welcome.invites[-1].room == f"r{INVITES_SHOWN_MAX + 2}"
