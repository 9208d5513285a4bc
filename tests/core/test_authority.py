"""Who has charge of a room when nobody who owns it can act."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from chatd.config import Config, PermanentRoom, Rooms
from chatd.config.limits import Limits
from chatd.core.changes import Banned, Change, Unbanned, UserErased
from chatd.core.effects import Append
from chatd.core.entities import Membership, Sanction
from chatd.core.inputs import Received
from chatd.core.roster import Roster
from chatd.enums import Post, Role
from chatd.ids import RoomName, Seq, UserName
from chatd.wire.commands import Command
from chatd.wire.kinds import SlowSeconds, Text, Topic
from chatd.wire.moderation import Ban, Invite, Kick, Mute, SetRole
from chatd.wire.rooms import Create, SetRoom
from chatd.wire.sessions import Logout
from chatd.wire.timeline import Delete, Send
from tests.core.harness import ADA, ANN, BOB, CY, LOBBY, Harness, Peer

HI = Text("hi")
TEAM = RoomName("team")
OWNER, MODERATOR, MEMBER = map(Role, ("owner", "moderator", "member"))
CONFIG = Config(
    limits=Limits(messages_per_s=0),
    rooms=Rooms(create="anyone", permanent=(PermanentRoom(name=LOBBY),)),
)
FOR_GOOD = Sanction(None, None)


def code(peer: Peer, command: Command) -> str:
    """What a command is answered with: the code of an error, or `ok`."""
    (reply,) = [frame for frame in peer.ask(command) if hasattr(frame, "re")]
    return getattr(reply, "code", "ok")


def tell(harness: Harness, change: Change) -> None:
    """Have the operator change something about a user."""
    harness.change(change)
    harness.settle()


def ban(harness: Harness, user: UserName, ban: Sanction = FOR_GOOD) -> None:
    """Ban a user from the server."""
    tell(harness, Banned(user, ban.until, ban.reason))


def private_room(harness: Harness, *members: UserName) -> RoomName:
    """Make a private room of ann's with others in it."""
    ann = harness.user(ANN)
    room: RoomName = ann.ask(Create(private=True))[0].room
    for name in members:
        ann.ask(Invite(room, name))
        harness.user(name, room)
    return room


def act_of_an_owner(room: RoomName) -> Command:
    """What only an owner may do, and what changes nothing that matters here."""
    return SetRoom(room, post=Post("members"), topic=Topic("tea"))


# --- whose owner is gone -------------------------------------------------------


@pytest.mark.parametrize("change", [Banned(ANN, None, None), UserErased(ANN)])
@pytest.mark.parametrize("is_private", [False, True])
def test_the_highest_who_are_left_have_an_owners_rights(
    change: Change, is_private: bool
) -> None:
    """Moderators, and members only where there is no moderator."""
    harness = Harness(CONFIG)
    ann = harness.user(ANN, TEAM)
    bob, cy = harness.user(BOB, TEAM), harness.user(CY, TEAM)
    room = private_room(harness, BOB, CY) if is_private else TEAM
    ann.ask(SetRole(room, BOB, MODERATOR))
    assert code(bob, act_of_an_owner(room)) == "forbidden"
    tell(harness, change)
    assert code(bob, act_of_an_owner(room)) == "ok"
    assert code(cy, act_of_an_owner(room)) == "forbidden"
    assert code(bob, Kick(room, CY)) == "ok"
    assert code(bob, SetRole(room, BOB, OWNER)) == "ok"


@pytest.mark.parametrize("is_private", [False, True])
def test_plain_members_have_charge_where_nobody_else_is_left(is_private: bool) -> None:
    """They can make an owner; until then nobody acts on his equals."""
    harness = Harness(CONFIG)
    harness.user(ANN, TEAM)
    bob, cy = harness.user(BOB, TEAM), harness.user(CY, TEAM)
    room = private_room(harness, BOB, CY) if is_private else TEAM
    cy.ask(Send(HI, room))
    of = harness.chat.durable.rooms[room].head
    ban(harness, ANN)
    assert code(bob, act_of_an_owner(room)) == "ok"
    for command in (Kick(room, CY), Ban(room, CY), Mute(room, CY), Delete(room, of)):
        assert code(bob, command) == "forbidden"
    assert code(bob, SetRole(room, BOB, OWNER)) == "ok"
    assert code(cy, act_of_an_owner(room)) == "forbidden"
    assert code(bob, Delete(room, of)) == "ok"
    assert code(bob, Kick(room, CY)) == "ok"


def test_a_guest_who_owned_a_room_leaves_it_to_the_others() -> None:
    """When his session has ended, not while it is held."""
    harness = Harness(CONFIG)
    guest, bob = harness.guest(TEAM), harness.user(BOB, TEAM)
    assert code(bob, act_of_an_owner(TEAM)) == "forbidden"
    guest.ask(Logout())
    assert code(bob, act_of_an_owner(TEAM)) == "ok"


def test_one_owner_who_can_act_is_enough() -> None:
    """The room is left to nobody while the second owner is there."""
    harness = Harness(CONFIG)
    ann, bob, cy = (harness.user(name, TEAM) for name in (ANN, BOB, CY))
    ann.ask(SetRole(TEAM, BOB, OWNER))
    ann.ask(SetRole(TEAM, CY, MODERATOR))
    ban(harness, ANN)
    assert code(cy, act_of_an_owner(TEAM)) == "forbidden"
    assert code(bob, act_of_an_owner(TEAM)) == "ok"
    ban(harness, BOB)
    assert code(cy, act_of_an_owner(TEAM)) == "ok"


def test_who_is_banned_himself_has_charge_of_nothing() -> None:
    """A moderator who can act removes one who cannot, and never an owner."""
    harness = Harness(CONFIG)
    ann, bob, cy = (harness.user(name, TEAM) for name in (ANN, BOB, CY))
    for name in (BOB, CY):
        ann.ask(SetRole(TEAM, name, MODERATOR))
    ban(harness, ANN)
    assert code(bob, Kick(TEAM, CY)) == "forbidden"
    ban(harness, CY)
    assert code(bob, Kick(TEAM, ANN)) == "forbidden"
    assert code(bob, SetRole(TEAM, ANN, MEMBER)) == "forbidden"
    assert code(bob, Kick(TEAM, CY)) == "ok"
    assert cy.ending is not None


# --- until when ----------------------------------------------------------------


def test_a_ban_that_ends_gives_the_owner_his_rights_back() -> None:
    """By its time, and at once where the operator lifts it; the others lose theirs."""
    harness = Harness(CONFIG)
    harness.user(ANN, TEAM)
    bob = harness.user(BOB, TEAM)
    ban(harness, ANN, Sanction(harness.now.wall + 60_000, None))
    assert code(bob, act_of_an_owner(TEAM)) == "ok"
    harness.wait(59.9)
    assert code(bob, act_of_an_owner(TEAM)) == "ok"
    harness.wait(0.1)
    assert code(bob, act_of_an_owner(TEAM)) == "forbidden"
    ban(harness, ANN)
    assert code(bob, act_of_an_owner(TEAM)) == "ok"
    tell(harness, Unbanned(ANN))
    assert code(bob, act_of_an_owner(TEAM)) == "forbidden"
    assert code(harness.user(ANN, TEAM), act_of_an_owner(TEAM)) == "ok"


def test_bans_are_known_after_a_restart() -> None:
    """The rooms of whoever was banned before it are still left to the others."""
    harness = Harness(CONFIG)
    harness.user(ANN, TEAM)
    harness.user(BOB, TEAM)
    harness.model.users[ANN].ban = FOR_GOOD
    harness.restart()
    assert code(harness.user(BOB, TEAM), act_of_an_owner(TEAM)) == "ok"
    harness.model.users[ANN].ban = None
    harness.restart()
    assert code(harness.user(BOB, TEAM), act_of_an_owner(TEAM)) == "forbidden"


def test_whom_nobody_knows_may_be_banned() -> None:
    """An account that was added beside the daemon and has never been seen."""
    harness = Harness(CONFIG)
    ban(harness, UserName("eve"))
    assert UserName("eve") not in harness.chat.durable.users


# --- where ---------------------------------------------------------------------


def test_a_declared_room_is_never_left_to_plain_members() -> None:
    """It had no owner from the beginning; to those who moderate it, it is."""
    harness = Harness(CONFIG)
    bob, cy = harness.user(BOB, LOBBY), harness.user(CY, LOBBY)
    assert code(bob, SetRole(LOBBY, BOB, OWNER)) == "forbidden"
    assert code(harness.user(ADA), SetRole(LOBBY, BOB, MODERATOR)) == "ok"
    assert code(cy, SetRole(LOBBY, CY, OWNER)) == "forbidden"
    assert code(bob, SetRole(LOBBY, CY, MODERATOR)) == "ok"


def test_nobody_has_charge_of_a_direct_conversation() -> None:
    """The other one's words are his."""
    harness = Harness(CONFIG)
    ann, bob = harness.user(ANN), harness.user(BOB)
    ann.ask(Send(HI, to=BOB))
    direct = RoomName("@ann,bob")
    assert code(bob, SetRoom(direct, topic=Topic("tea"))) == "forbidden"
    assert code(bob, Delete(direct, Seq(1))) == "forbidden"


def test_an_administrator_has_charge_of_every_public_room() -> None:
    """Whether it has an owner or not; of private ones he has none."""
    harness = Harness(CONFIG)
    harness.user(ANN, TEAM)
    harness.user(BOB, TEAM)
    room = private_room(harness, BOB)
    ada = harness.user(ADA)
    assert code(ada, act_of_an_owner(TEAM)) == "ok"
    ban(harness, ANN)
    assert code(ada, act_of_an_owner(TEAM)) == "ok"
    assert code(ada, act_of_an_owner(room)) == "no_room"


def test_who_has_charge_may_speak_where_only_moderators_do() -> None:
    """And is not slowed down; else nobody could say a word there."""
    harness = Harness(CONFIG)
    ann, bob = harness.user(ANN, TEAM), harness.user(BOB, TEAM)
    ann.ask(SetRoom(TEAM, post=Post("moderators"), slow_s=SlowSeconds(60)))
    assert code(bob, Send(HI, TEAM)) == "forbidden"
    ban(harness, ANN)
    assert [code(bob, Send(HI, TEAM)) for _ in range(2)] == ["ok", "ok"]


# --- what it costs -------------------------------------------------------------


class Crowd(Roster[UserName, Membership]):
    """Members of a room, whom to look through is an error."""

    def __iter__(self) -> Iterator[UserName]:
        raise AssertionError("all members were looked at")

    values = items = keys = __iter__  # type: ignore[assignment]


def test_whose_word_counts_is_not_looked_up_among_all_members() -> None:
    """Only owners and moderators are looked at, however many are in the room."""
    harness = Harness(CONFIG)
    ann, bob = harness.user(ANN, TEAM), harness.user(BOB, TEAM)
    ann.ask(SetRole(TEAM, BOB, MODERATOR))
    room = harness.chat.durable.rooms[TEAM]
    ban(harness, ANN)
    room.members = Crowd(room.members)
    asked = Received(bob.id, act_of_an_owner(TEAM))
    (effect,) = harness.machine.handle(asked, harness.now)
    assert isinstance(effect, Append)
