"""A ban of a guest holds for his address, too: in a room, and from the server."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from chatd.config import Config
from chatd.config.limits import Limits
from chatd.config.sections import Auth
from chatd.core.barred import KNOWN_MS, TIDY_S
from chatd.core.drafts import EndSession
from chatd.core.entities import Sanction
from chatd.enums import Role, State
from chatd.errors import Ending, RejectCode
from chatd.ids import Cid, RoomName, Seq, UserName
from chatd.wire.ephemeral import Status, Typing
from chatd.wire.events import HOUR_MS
from chatd.wire.kinds import (
    BanSeconds,
    Display,
    Emoji,
    PublicRoom,
    Reason,
    Secret,
    StatusText,
    Text,
    Topic,
)
from chatd.wire.moderation import Ban, Invite, Kick, Mute, SetRole, Unban
from chatd.wire.rooms import Create, Join, Leave, Rename, SetRoom
from chatd.wire.sessions import Hello
from chatd.wire.timeline import Delete, Edit, History, React, Send
from chatd.wire.users import Profile
from tests.core.harness import ANN, BOB, LOBBY, Harness, Peer

HERE, THERE = "192.0.2.1", "192.0.2.2"
TEAM, DEN = RoomName("team"), RoomName("den")
HI = Text("hi")
FREE = Config(limits=Limits(messages_per_s=0))
OFF = attrs.evolve(FREE, auth=Auth(guest_ban_h=0))


@attrs.define
class Scene:
    """ann owns the team; a guest is in it, from here."""

    harness: Harness
    ann: Peer
    guest: Peer

    @property
    def name(self) -> UserName:
        """The guest's."""
        user = self.harness.user_of(self.guest)
        assert user is not None
        return user


def scene(config: Config = FREE) -> Scene:
    """Two people in a room, nothing to take."""
    harness = Harness(config)
    ann = harness.user("ann", TEAM, address=THERE)
    guest = harness.guest(TEAM, address=HERE)
    harness.take_all()
    return Scene(harness, ann, guest)


def code(frames: list[Any]) -> Any:
    """The code of the only reply, or `ok`."""
    (reply,) = [frame for frame in frames if hasattr(frame, "re")]
    return getattr(reply, "code", "ok")


def banned(*, seconds: int | None = None, config: Config = FREE) -> Scene:
    """The same when ann has banned the guest."""
    s = scene(config)
    length = None if seconds is None else BanSeconds(seconds)
    assert code(s.ann.ask(Ban(TEAM, s.name, length, Reason("spam")))) == "ok"
    s.harness.take_all()
    return s


# --- in a room --------------------------------------------------------------------


def test_a_guest_whom_no_room_bans_is_shown_as_he_likes() -> None:
    """His rooms are asked, and none has anything against him."""
    s = scene()
    assert code(s.guest.ask(Profile(Display("Bob")))) == "ok"


def test_a_banned_guest_does_not_come_back_as_another() -> None:
    """Who comes from there is answered as he was: with the reason and the time."""
    s = banned()
    other = s.harness.guest(address=HERE)
    (reply,) = other.ask(Join(TEAM))
    assert (reply.code, reply.text) == (
        RejectCode.BANNED,
        "you are banned from team: spam",
    )
    assert reply.retry_after == 24 * 3600


def test_guests_from_elsewhere_and_accounts_from_there_come_in() -> None:
    """An office has one address, and where none is known there is none to ban."""
    s = banned()
    assert code(s.harness.guest(address=THERE).ask(Join(TEAM))) == "ok"
    assert code(s.harness.guest().ask(Join(TEAM))) == "ok"
    assert code(s.harness.user("bob", address=HERE).ask(Join(TEAM))) == "ok"


def test_other_rooms_are_not_concerned() -> None:
    """A moderator's word ends at his door."""
    s = banned()
    other = s.harness.guest(address=HERE)
    assert code(other.ask(Join(LOBBY))) == "ok"
    assert code(other.ask(Send(HI, room=LOBBY))) == "ok"


def test_the_ban_of_an_account_holds_for_it_alone() -> None:
    """Nor does that of a guest whose address is not known hold for more than him."""
    s = scene()
    s.harness.user("bob", TEAM, address=HERE)
    nowhere = s.harness.guest(TEAM)
    assert code(s.ann.ask(Ban(TEAM, BOB))) == "ok"
    unknown = s.harness.user_of(nowhere)
    assert unknown is not None
    assert code(s.ann.ask(Ban(TEAM, unknown))) == "ok"
    assert s.harness.chat.durable.barred == {}
    assert code(s.harness.guest(address=HERE).ask(Join(TEAM))) == "ok"
    assert code(s.harness.guest().ask(Join(TEAM))) == "ok"


@pytest.mark.parametrize(("seconds", "ends_s"), [(60, 60), (None, 86_400)])
def test_it_ends_with_the_ban_or_after_a_day(seconds: int | None, ends_s: int) -> None:
    """Whichever is first, and leaves nothing behind."""
    s = banned(seconds=seconds)
    other = s.harness.guest(address=HERE)
    s.harness.wait(ends_s - 1)
    assert code(other.ask(Join(TEAM))) == RejectCode.BANNED
    s.harness.wait(1)
    assert code(other.ask(Join(TEAM))) == "ok"
    s.harness.wait(TIDY_S)
    assert s.harness.chat.durable.barred == {}


def test_it_does_not_end_by_a_clock_that_has_jumped() -> None:
    """What is certain of the time decides, as for every ban."""
    s = banned(seconds=60)
    other = s.harness.guest(address=HERE)
    s.harness.now.wall += 40 * 24 * HOUR_MS
    s.harness.now.sure = s.harness.now.certain
    (reply,) = other.ask(Join(TEAM))
    assert (reply.code, reply.retry_after) == (RejectCode.BANNED, 60)


def test_unban_lifts_it() -> None:
    """Though the guest has gone by then."""
    s = banned()
    name = s.name
    s.guest.close()
    s.harness.wait(1000)
    s.harness.settle()
    assert name not in s.harness.chat.durable.users
    other = s.harness.guest(address=HERE)
    assert code(other.ask(Join(TEAM))) == RejectCode.BANNED
    assert code(s.ann.ask(Unban(TEAM, name))) == "ok"
    assert s.harness.chat.durable.barred == {}
    assert code(other.ask(Join(TEAM))) == "ok"


def test_it_survives_a_restart() -> None:
    """With who was there."""
    s = banned(seconds=600)
    s.harness.restart()
    other = s.harness.guest(address=HERE)
    (reply,) = other.ask(Join(TEAM))
    assert (reply.code, reply.retry_after) == (RejectCode.BANNED, 600)


def test_it_can_be_turned_off() -> None:
    """Nothing is kept then, and a new name is let in."""
    s = banned(config=OFF)
    assert s.harness.model.users[s.name].address is None
    assert s.harness.chat.durable.barred == {}
    assert code(s.harness.guest(address=HERE).ask(Join(TEAM))) == "ok"


def test_once_it_is_turned_off_addresses_of_before_do_not_count() -> None:
    """A restart brings the setting; who is banned then is banned by name."""
    s = scene()
    name = s.name
    s.harness.live.replace(OFF)
    s.harness.restart()
    assert s.harness.model.users[name].address is not None
    ann = s.harness.user("ann", TEAM, address=THERE)
    assert code(ann.ask(Ban(TEAM, name))) == "ok"
    assert s.harness.chat.durable.barred == {}
    assert code(s.harness.guest(address=HERE).ask(Join(TEAM))) == "ok"


def test_two_bans_are_lifted_one_by_one() -> None:
    """The address is free when the last one is lifted."""
    s = scene()
    second = s.harness.guest(TEAM, address=HERE)
    other = s.harness.user_of(second)
    assert other is not None
    assert code(s.ann.ask(Ban(TEAM, s.name, BanSeconds(60)))) == "ok"
    assert code(s.ann.ask(Ban(TEAM, other, BanSeconds(600)))) == "ok"
    assert code(s.ann.ask(Unban(TEAM, other))) == "ok"
    (reply,) = s.harness.guest(address=HERE).ask(Join(TEAM))
    assert (reply.code, reply.retry_after) == (RejectCode.BANNED, 60)
    assert code(s.ann.ask(Unban(TEAM, s.name))) == "ok"
    assert code(s.harness.guest(address=HERE).ask(Join(TEAM))) == "ok"


def test_a_guest_who_has_gone_can_be_banned_for_an_hour() -> None:
    """After that nobody knows where he was, and nobody knows him."""
    s = scene()
    name = s.name
    s.guest.close()
    s.harness.wait(1000)
    s.harness.settle()
    assert name not in s.harness.chat.durable.users
    assert code(s.ann.ask(Ban(TEAM, name))) == "ok"
    assert code(s.harness.guest(address=HERE).ask(Join(TEAM))) == RejectCode.BANNED
    late = scene()
    name = late.name
    late.guest.close()
    late.harness.wait(1000)
    late.harness.settle()
    late.harness.wait(KNOWN_MS / 1000)
    late.harness.restart()
    ann = late.harness.user("ann")
    assert code(ann.ask(Ban(TEAM, name))) == RejectCode.NO_USER
    assert code(ann.ask(Ban(TEAM, UserName("guest~none")))) == RejectCode.NO_USER


def test_a_room_that_ends_takes_its_bans_along() -> None:
    """There is nothing to keep anybody out of."""
    s = scene()
    (made,) = s.ann.ask(Create(private=True))
    s.ann.ask(Invite(made.room, s.name))
    assert code(s.guest.ask(Join(made.room))) == "ok"
    assert code(s.ann.ask(Ban(made.room, s.name))) == "ok"
    assert made.room in s.harness.chat.durable.barred
    s.ann.ask(Leave(made.room))
    s.harness.settle()
    assert made.room not in s.harness.chat.durable.rooms
    assert s.harness.chat.durable.barred == {}


def test_a_room_under_another_name_has_the_same_bans() -> None:
    """And the same end of them."""
    s = banned(seconds=60)
    hall = RoomName("hall")
    assert code(s.ann.ask(Rename(TEAM, PublicRoom(hall)))) == "ok"
    assert set(s.harness.chat.durable.barred) == {hall}
    other = s.harness.guest(address=HERE)
    for name in (TEAM, hall):
        assert code(other.ask(Join(name))) == RejectCode.BANNED
    s.harness.restart()
    other = s.harness.guest(address=HERE)
    assert code(other.ask(Join(hall))) == RejectCode.BANNED
    s.harness.wait(60)
    assert code(other.ask(Join(hall))) == "ok"
    s.harness.wait(TIDY_S)
    assert s.harness.chat.durable.barred == {}


def test_a_private_room_says_nothing_to_who_is_kept_out() -> None:
    """He was asked in; it answers as one that does not exist."""
    s = scene()
    (made,) = s.ann.ask(Create(private=True))
    s.ann.ask(Invite(made.room, s.name))
    s.guest.ask(Join(made.room))
    s.ann.ask(Ban(made.room, s.name))
    other = s.harness.guest(address=HERE)
    name = s.harness.user_of(other)
    assert name is not None
    s.ann.ask(Invite(made.room, name))
    other.take()
    assert code(other.ask(Join(made.room))) == RejectCode.NO_ROOM


# --- who is there already ---------------------------------------------------------


@attrs.define
class Household:
    """Another guest from there is in the room, with a message of his own."""

    scene: Scene
    other: Peer
    of: Seq


def household() -> Household:
    """The same when ann has banned the first one."""
    s = scene()
    other = s.harness.guest(TEAM, address=HERE)
    (stored, _) = other.ask(Send(HI, room=TEAM))
    assert code(s.ann.ask(Ban(TEAM, s.name, None, Reason("spam")))) == "ok"
    s.harness.take_all()
    return Household(s, other, stored.seq)


def test_who_shares_the_address_stays_unseen() -> None:
    """Nobody is removed or told: it would show who shares it."""
    h = household()
    name = h.scene.harness.user_of(h.other)
    assert name in h.scene.harness.chat.durable.rooms[TEAM].members
    assert code(h.other.ask(History(TEAM))) == "ok"
    assert h.other.ending is None


def test_who_shares_the_address_says_nothing_there() -> None:
    """In no way; what takes away he may do."""
    h = household()
    for command in (
        Send(HI, room=TEAM),
        Edit(TEAM, h.of, Text("ho")),
        React(TEAM, h.of, Emoji("👍")),
        Invite(TEAM, BOB),
        Profile(Display("words")),
    ):
        assert code(h.other.ask(command)) == RejectCode.BANNED, command
    h.other.ask(Typing(TEAM))
    h.other.ask(Status(State("away"), StatusText("words")))
    h.scene.harness.wait(5)
    seen = h.scene.ann.take()
    assert not [frame for frame in seen if frame.type == "typing"]
    assert "words" not in repr(seen)
    assert code(h.other.ask(React(TEAM, h.of, Emoji("👍"), on=False))) == "ok"
    assert code(h.other.ask(Delete(TEAM, h.of))) == "ok"


def test_once_he_leaves_he_is_kept_out() -> None:
    """As any other guest from there."""
    h = household()
    assert code(h.other.ask(Leave(TEAM))) == "ok"
    assert code(h.other.ask(Join(TEAM))) == RejectCode.BANNED


def test_whoever_runs_the_room_may_speak() -> None:
    """A guest to whom the room was entrusted is nobody's stranger."""
    h = household()
    name = h.scene.harness.user_of(h.other)
    assert name is not None
    assert code(h.scene.ann.ask(SetRole(TEAM, name, Role("moderator")))) == "ok"
    assert code(h.other.ask(Send(HI, room=TEAM))) == "ok"
    assert code(h.other.ask(SetRoom(TEAM, topic=Topic("x")))) == "ok"


def test_a_reason_and_a_topic_are_ways_as_well() -> None:
    """For somebody who was a moderator until a moment ago, they need the role."""
    h = household()
    for command in (Kick(TEAM, ANN), Mute(TEAM, ANN), SetRoom(TEAM, topic=Topic("x"))):
        assert code(h.other.ask(command)) in (RejectCode.BANNED, RejectCode.FORBIDDEN)


def test_a_guest_who_comes_from_elsewhere_speaks_again() -> None:
    """What counts is where he comes from now; and the other way about."""
    h = household()
    harness = h.scene.harness
    name = harness.user_of(h.other)
    session = next(iter(harness.chat.durable.users[name].sessions))  # type: ignore[index]
    moved = harness.open(THERE)
    moved.hello(session=Secret(session.decode()))
    moved.join(TEAM)
    assert code(moved.ask(Send(HI, room=TEAM))) == "ok"
    harness.restart()
    back = harness.open(HERE)
    back.hello(session=Secret(session.decode()))
    back.join(TEAM)
    assert code(back.ask(Send(HI, room=TEAM))) == RejectCode.BANNED


# --- from the server --------------------------------------------------------------


def expelled(until_s: int | None = None, config: Config = FREE) -> Scene:
    """The operator has banned the guest from the server."""
    s = scene(config)
    until = None if until_s is None else s.harness.now.wall + until_s * 1000
    s.harness.ban(s.name, Sanction(until, "spam"))
    s.harness.settle()
    return s


def test_a_guest_from_there_is_not_let_in() -> None:
    """He is answered as the one who was banned, and let go."""
    s = expelled()
    other = s.harness.open(HERE)
    (reply,) = other.hello()
    assert reply.code == RejectCode.BANNED
    assert reply.text.startswith("you are banned from this server until 2027-")
    assert reply.text.endswith(": spam")
    assert other.ending is Ending.BANNED
    assert len(s.harness.model.sessions) == 1  # ann's


def test_accounts_from_there_are_let_in() -> None:
    """And guests from elsewhere."""
    s = expelled()
    assert s.harness.user_of(s.harness.user("bob", address=HERE)) == BOB
    assert s.harness.user_of(s.harness.guest(address=THERE)) is not None
    assert s.harness.user_of(s.harness.guest()) is not None


def test_guests_who_are_here_from_there_are_ended() -> None:
    """They are his other names, as far as anybody can tell; accounts stay."""
    s = scene()
    others = [s.harness.guest(TEAM, address=HERE) for _ in range(3)]
    bob = s.harness.user("bob", address=HERE)
    far = s.harness.guest(address=THERE)
    s.harness.ban(s.name, Sanction(None, None))
    s.harness.settle()
    for peer in (s.guest, *others):
        assert peer.ending is Ending.BANNED
    assert bob.ending is None
    assert far.ending is None
    assert list(s.harness.chat.durable.rooms[TEAM].members) == [ANN]
    assert len(s.harness.model.sessions) == 3


def test_a_session_from_there_is_not_resumed() -> None:
    """But kept: he may come in from elsewhere."""
    s = scene()
    harness = s.harness
    far = harness.guest(TEAM, address=THERE)
    name = harness.user_of(far)
    session = next(iter(harness.chat.durable.users[name].sessions))  # type: ignore[index]
    far.close()
    harness.ban(s.name, Sanction(None, None))
    harness.settle()
    back = harness.open(HERE)
    assert code(back.hello(session=Secret(session.decode()))) == RejectCode.BANNED
    again = harness.open(THERE)
    assert again.hello(session=Secret(session.decode()))[0].type == "welcome"


def test_a_hello_that_was_under_way_is_refused() -> None:
    """The ban is asked for once more before the welcome."""
    s = scene()
    other = s.harness.open(HERE)
    other.say(Hello())
    s.harness.run_look_up()
    s.harness.ban(s.name, Sanction(None, None))
    s.harness.settle()
    assert code(other.take()) == RejectCode.BANNED
    assert other.ending is Ending.BANNED
    assert len(s.harness.model.sessions) == 1


def test_a_resume_that_was_under_way_is_refused() -> None:
    """And the session stays, for when he comes from elsewhere."""
    s = scene()
    far = s.harness.guest(TEAM, address=THERE)
    name = s.harness.user_of(far)
    session = next(iter(s.harness.chat.durable.users[name].sessions))  # type: ignore[index]
    far.close()
    s.ann.ask(Send(HI, TEAM))
    back = s.harness.open(HERE)
    back.say(Hello(session=Secret(session.decode())))
    s.harness.run_look_up()
    assert s.harness.look_ups, "what he has not read is counted"
    s.harness.ban(s.name, Sanction(None, None))
    s.harness.settle()
    assert code(back.take()) == RejectCode.BANNED
    assert session in s.harness.model.sessions


def test_a_ban_from_the_server_ends_and_is_lifted() -> None:
    """With its end, by the operator, or after a day; a restart keeps it."""
    s = expelled(60)
    s.harness.restart()
    assert code(s.harness.open(HERE).hello()) == RejectCode.BANNED
    s.harness.wait(60)
    assert s.harness.user_of(s.harness.guest(address=HERE)) is not None
    s = expelled()
    s.harness.wait(86_399)
    assert code(s.harness.open(HERE).hello()) == RejectCode.BANNED
    s.harness.wait(1)
    assert s.harness.user_of(s.harness.guest(address=HERE)) is not None
    s = expelled()
    s.harness.unban(UserName("guest~2"))
    assert s.harness.chat.durable.barred == {}
    assert s.harness.user_of(s.harness.guest(address=HERE)) is not None


def test_a_ban_that_has_ended_by_the_time_it_is_told_ends_nobody() -> None:
    """The daemon was away for longer than it."""
    s = scene()
    other = s.harness.guest(address=HERE)
    s.harness.ban(s.name, Sanction(s.harness.now.wall, None))
    s.harness.settle()
    assert s.guest.ending is Ending.BANNED
    assert other.ending is None


def test_a_ban_holds_where_the_end_of_his_session_was_not_written() -> None:
    """He stayed away for too long; the store refuses that, and he is ended anyway."""
    s = scene()
    (session,) = s.harness.chat.durable.users[s.name].sessions
    name = s.name
    s.guest.close()
    s.harness.wait(900)
    assert s.harness.drafts[-1].draft == EndSession(session)
    s.harness.ban(name, Sanction(None, None))
    s.harness.fail()
    assert list(s.harness.chat.live.ended) == [session]
    s.harness.wait(60)
    assert s.harness.chat.live.ended == {}


def test_an_erased_guest_bans_no_address() -> None:
    """What was kept of him goes, in rooms and on the server."""
    s = scene()
    name = s.name
    s.ann.ask(Ban(TEAM, name))
    s.harness.ban(name, Sanction(None, None))
    s.harness.settle()
    assert set(s.harness.chat.durable.barred) == {TEAM, None}
    s.harness.erase(name)
    s.harness.settle()
    assert s.harness.chat.durable.barred == {}


def test_a_thousand_bans_leave_nothing() -> None:
    """Memory is where it was when they have ended."""
    harness = Harness(FREE, checked=False)
    ann = harness.user("ann", TEAM)
    for number in range(1000):
        guest = harness.guest(TEAM, address=f"192.0.2.{number}")
        name = harness.user_of(guest)
        assert name is not None
        assert (
            code(ann.ask(Ban(TEAM, name, BanSeconds(60), cid=Cid(f"{number}")))) == "ok"
        )
        guest.close()
        ann.take()
    assert len(harness.chat.durable.barred[TEAM]) > 0
    harness.wait(1000)
    harness.settle()
    harness.wait(1000)
    harness.settle()
    assert harness.chat.durable.barred == {}
    assert list(harness.chat.durable.users) == [ANN]
