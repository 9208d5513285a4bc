from __future__ import annotations

from typing import Any

import attrs
import pytest

from chatd.config import Config, Limits
from chatd.config.sections import Rooms, Store
from chatd.core import drafts, inputs
from chatd.core.changes import SessionsEnded
from chatd.core.commands import RULES
from chatd.core.effects import Answer, Charge
from chatd.core.quota import Space
from chatd.core.rate_limits import MESSAGE_OVERHEAD_BYTES
from chatd.core.turn import FLOOD_AFTER_S, LIMITED_BURST
from chatd.errors import Ending, Reject, RejectCode
from chatd.ids import Cid, ConnectionId, RoomName, Seq, SessionId
from chatd.wire import kinds
from chatd.wire import rooms as rooms_commands
from chatd.wire.kinds import Display, Text
from chatd.wire.malformed import BadCommand
from chatd.wire.place import Ping
from chatd.wire.replies import Done, Joined, Refusal, Stored, Welcome
from chatd.wire.rooms import Join, Leave, Who
from chatd.wire.sessions import Hello
from chatd.wire.timeline import Delete, Edit, History, React, Search, Send
from chatd.wire.users import Profile
from tests.core.harness import ANN, BOB, CY, LOBBY, Harness, Peer

HI = Text("hi")
HOME, CAFE = "192.0.2.1", "2001:db8:1:2::/64"
ONE_EACH = Limits(messages_per_s=1, messages_burst=2, address_factor=2)


def harness_with(rooms: Rooms = Rooms(), **limits: Any) -> Harness:  # noqa: B008 - frozen
    """A harness with these limits."""
    return Harness(Config(limits=Limits(**limits), rooms=rooms))


def said(frames: list[Any]) -> Any:
    """What a command was answered with: a seq, a code, or the class."""
    (reply,) = [f for f in frames if hasattr(f, "re")]
    if isinstance(reply, Stored):
        return reply.seq
    return reply.code if isinstance(reply, Refusal) else type(reply)


def refusal(frames: list[Any]) -> Refusal:
    """The one error among frames."""
    (error,) = [f for f in frames if isinstance(f, Refusal)]
    return error


def fails(peer: Peer, command: Any) -> Refusal:
    """Send a command that is refused."""
    return refusal(peer.ask(command))


# --- messages from one address ----------------------------------------------------


def test_guests_behind_one_address_share_what_it_may_send() -> None:
    """Two users' worth here, whoever sends; another address has its own."""
    harness = Harness(Config(limits=ONE_EACH))
    guests = [harness.guest(LOBBY, address=HOME) for _ in range(3)]
    for guest in guests[:2]:
        assert isinstance(said(guest.ask(Send(HI, LOBBY))), int)
        assert isinstance(said(guest.ask(Send(HI, LOBBY))), int)
    error = fails(guests[2], Send(HI, LOBBY))
    assert (error.code, error.retry_after) == (RejectCode.RATE_LIMITED, 0.5)
    assert error.text == (
        "too many messages: at most 4 at once, then 2 a second from one address"
    )
    cafe = harness.guest(LOBBY, address=CAFE)
    assert isinstance(said(cafe.ask(Send(HI, LOBBY))), int)
    harness.wait(0.5)
    assert isinstance(said(guests[2].ask(Send(HI, LOBBY))), int)


def test_other_limits_are_in_force_from_the_next_command_on() -> None:
    """Also for a user and an address that have used up what they might."""
    harness = Harness(Config(limits=ONE_EACH))
    guests = [harness.guest(LOBBY, address=HOME) for _ in range(2)]
    for guest in guests * 2:
        assert isinstance(said(guest.ask(Send(HI, LOBBY))), int)
    assert fails(guests[0], Send(HI, LOBBY)).retry_after == 1.0
    faster = attrs.evolve(ONE_EACH, messages_per_s=10)
    harness.live.replace(Config(limits=faster))
    error = fails(guests[0], Send(HI, LOBBY))
    assert (error.retry_after, error.text) == (
        0.1,
        "too many messages: at most 2 at once, then 10 a second",
    )
    harness.wait(0.1)
    for guest in guests:
        assert isinstance(said(guest.ask(Send(HI, LOBBY))), int)
    harness.live.replace(Config(limits=Limits(messages_per_s=0)))
    for _ in range(100):
        assert isinstance(said(guests[0].ask(Send(HI, LOBBY))), int)


def test_what_the_address_refuses_costs_its_user_nothing() -> None:
    """Otherwise who waits as long as he was told would be refused again."""
    harness = Harness(Config(limits=attrs.evolve(ONE_EACH, messages_burst=1)))
    one, two, three = (harness.guest(LOBBY, address=HOME) for _ in range(3))
    one.ask(Send(HI, LOBBY))
    two.ask(Send(HI, LOBBY))
    for _ in range(5):
        assert fails(three, Send(HI, LOBBY)).retry_after == 0.5
    harness.wait(0.5)
    assert isinstance(said(three.ask(Send(HI, LOBBY))), int)


def test_who_waits_as_long_as_he_was_told_is_let_in_and_not_before() -> None:
    """By whichever of his buckets takes longest."""
    harness = harness_with(
        messages_per_s=1, messages_burst=1, address_factor=1, guest_bytes_per_d=864
    )
    guest = harness.guest(LOBBY, address=HOME)
    text = Text("x" * (432 - MESSAGE_OVERHEAD_BYTES))
    harness.settle()
    assert isinstance(said(guest.ask(Send(text, LOBBY))), int)
    error = fails(guest, Send(HI, LOBBY))
    assert (error.retry_after, error.text) == (
        1.0,
        "too many messages: at most 1 at once, then 1 a second",
    )
    harness.wait(1)
    assert isinstance(said(guest.ask(Send(text, LOBBY))), int)
    error = fails(guest, Send(HI, LOBBY))
    # 864 bytes a day are one in 100 s; of the 152 that it needs 0.01 are there.
    assert error.retry_after == pytest.approx(15_199, abs=1e-6)
    assert error.text == (
        "too many messages: at most 864 bytes a day from guests of one address"
    )
    assert error.retry_after is not None
    harness.wait(error.retry_after - 1)
    assert fails(guest, Send(HI, LOBBY)).retry_after == 1.0
    harness.wait(1)
    assert isinstance(said(guest.ask(Send(HI, LOBBY))), int)


def test_the_bytes_of_a_day_are_for_guests_alone_and_by_address() -> None:
    """An account is not asked; a guest elsewhere has his own; no address, no bound."""
    harness = harness_with(guest_bytes_per_d=2 * (MESSAGE_OVERHEAD_BYTES + 2))
    guest = harness.guest(LOBBY, address=HOME)
    other = harness.guest(LOBBY, address=HOME)
    ann = harness.user("ann", LOBBY, address=HOME)
    assert isinstance(said(guest.ask(Send(HI, LOBBY))), int)
    assert isinstance(said(other.ask(Send(HI, LOBBY))), int)
    assert said(guest.ask(Send(HI, LOBBY))) is RejectCode.RATE_LIMITED
    assert said(guest.ask(Edit(LOBBY, Seq(1), HI))) is RejectCode.RATE_LIMITED
    assert isinstance(
        said(harness.guest(LOBBY, address=CAFE).ask(Send(HI, LOBBY))), int
    )
    for peer in (ann, harness.guest(LOBBY)):
        for _ in range(3):
            assert isinstance(said(peer.ask(Send(HI, LOBBY))), int)
    assert fails(harness.guest(LOBBY, address=HOME), Send(HI, LOBBY)).retry_after


def test_a_message_that_is_larger_than_a_day_takes_the_whole_day() -> None:
    """It is sent once a day, and the wait that is told is enough."""
    harness = harness_with(guest_bytes_per_d=50)
    guest = harness.guest(LOBBY, address=HOME)
    assert isinstance(said(guest.ask(Send(HI, LOBBY))), int)
    error = fails(guest, Send(HI, LOBBY))
    assert error.retry_after == pytest.approx(86_400)
    harness.wait(error.retry_after or 0)
    assert isinstance(said(guest.ask(Send(HI, LOBBY))), int)


def test_a_retry_gives_its_address_and_its_day_back() -> None:
    """What was stored before costs nobody anything."""
    harness = harness_with(
        messages_burst=2,
        messages_per_s=1,
        address_factor=1,
        guest_bytes_per_d=2 * (MESSAGE_OVERHEAD_BYTES + 2),
    )
    guest = harness.guest(LOBBY, address=HOME)
    retry = Send(HI, LOBBY, cid=Cid("x"))
    assert [said(guest.ask(retry)) for _ in range(5)] == [1] * 5
    assert said(guest.ask(Send(HI, LOBBY))) == 2
    assert said(guest.ask(Send(HI, LOBBY))) is RejectCode.RATE_LIMITED
    ann = harness.user("ann", LOBBY, address=CAFE)
    assert [said(ann.ask(retry)) for _ in range(3)] == [3] * 3
    assert said(ann.ask(Send(HI, LOBBY))) == 4
    assert fails(ann, Send(HI, LOBBY)).text.endswith("then 1 a second")


def test_without_a_factor_an_address_has_no_bound() -> None:
    """0 is no limit, as everywhere."""
    harness = harness_with(
        messages_per_s=1, messages_burst=1, address_factor=0, guest_bytes_per_d=0
    )
    guests = [harness.guest(LOBBY, address=HOME) for _ in range(30)]
    for number, guest in enumerate(guests, 1):
        assert said(guest.ask(Send(HI, LOBBY))) == number
    assert fails(guests[0], Send(HI, LOBBY)).retry_after == 1.0


# --- rooms ------------------------------------------------------------------------


def rooms(count: int, start: int = 0) -> list[RoomName]:
    """So many names."""
    return [RoomName(f"room{number}") for number in range(start, start + count)]


def test_rooms_are_made_at_a_rate() -> None:
    """Over it the error says exactly when the next one may be made."""
    harness = harness_with(creations_per_h=3600, creations_burst=2)
    ann, bob = harness.user("ann"), harness.user("bob")
    one, two, three, four = rooms(4)
    assert said(ann.ask(Join(one))) is Joined
    assert said(ann.ask(Join(two))) is Joined
    error = fails(ann, Join(three))
    assert (error.code, error.retry_after) == (RejectCode.RATE_LIMITED, 1.0)
    assert error.text == "too many new rooms: at most 2 at once, then 3600 an hour"
    assert said(bob.ask(Join(four))) is Joined
    assert said(ann.ask(Join(four))) is Joined
    harness.wait(0.998)
    assert fails(ann, Join(three)).retry_after == 0.002
    harness.wait(0.002)
    assert said(ann.ask(Join(three))) is Joined


def test_rooms_from_one_address_are_made_at_a_rate_too() -> None:
    """Whoever makes them; what it refuses takes nothing from its user."""
    harness = harness_with(
        Rooms(create="anyone"),
        creations_per_h=1800,
        creations_burst=1,
        address_factor=2,
    )
    made = rooms(4)
    for name in made[:2]:
        assert said(harness.guest(address=HOME).ask(Join(name))) is Joined
    late = harness.guest(address=HOME)
    error = fails(late, Join(made[2]))
    assert (error.code, error.retry_after) == (RejectCode.RATE_LIMITED, 1.0)
    assert error.text.endswith("then 3600 an hour from one address")
    assert said(harness.guest(address=CAFE).ask(Join(made[3]))) is Joined
    harness.wait(1)
    assert said(late.ask(Join(made[2]))) is Joined


def test_nobody_makes_more_rooms_than_he_may() -> None:
    """Rooms of others, and direct conversations, are not counted; left ones are."""
    harness = harness_with(rooms_per_user=2, creations_burst=100)
    ann, bob = harness.user("ann", LOBBY), harness.user("bob")
    made = rooms(4)
    ann.ask(Send(HI, to=BOB))
    assert said(bob.ask(Join(made[3]))) is Joined
    for name in (made[3], *made[:2]):
        assert said(ann.ask(Join(name))) is Joined
    error = fails(ann, Join(made[2]))
    assert (error.code, error.retry_after) == (RejectCode.FORBIDDEN, None)
    assert error.text == (
        "you have made 2 rooms that are there, and nobody makes more: destroy one, or"
        " leave one that is empty"
    )
    assert said(ann.ask(Leave(made[0]))) is Done
    assert fails(ann, Join(made[2])).code is RejectCode.FORBIDDEN
    harness.wait(3600)
    harness.settle()
    assert said(ann.ask(Join(made[2]))) is Joined


def test_nobody_is_in_more_rooms_than_he_may() -> None:
    """What he is in already he may join again; direct conversations do not count."""
    harness = harness_with(memberships_per_user=2, creations_burst=100)
    ann, bob = harness.user("ann", LOBBY), harness.user("bob")
    made = rooms(3)
    for name in made:
        bob.ask(Join(name))
    assert said(bob.ask(Join(LOBBY))) is RejectCode.FORBIDDEN
    assert said(ann.ask(Join(made[0]))) is Joined
    assert isinstance(said(ann.ask(Send(HI, to=CY))), int)
    error = fails(ann, Join(made[1]))
    assert error.code is RejectCode.FORBIDDEN
    assert (error.field, error.text) == (
        "room",
        "you are in 2 rooms, and nobody may be in more: leave one first",
    )
    assert said(ann.ask(Join(RoomName("new")))) is RejectCode.FORBIDDEN
    assert said(ann.ask(Join(LOBBY))) is Joined
    assert said(ann.ask(Leave(made[0]))) is Done
    assert said(ann.ask(Join(made[1]))) is Joined


def test_caps_of_zero_are_none() -> None:
    """0 is no limit, as everywhere."""
    harness = harness_with(
        rooms_per_user=0, memberships_per_user=0, creations_per_h=0, creations_burst=0
    )
    ann = harness.user("ann", address=HOME)
    assert {said(ann.ask(Join(name))) for name in rooms(40)} == {Joined}


def test_a_new_direct_conversation_is_a_new_room() -> None:
    """But once only, however many messages are sent before it is there."""
    harness = harness_with(creations_per_h=3600, creations_burst=1)
    ann = harness.user("ann", LOBBY)
    for _ in range(4):
        ann.say(Send(HI, to=BOB))
    harness.settle()
    assert [f.seq for f in ann.take() if isinstance(f, Stored)] == [1, 2, 3, 4]
    error = fails(ann, Send(HI, to=CY))
    assert (error.code, error.retry_after) == (RejectCode.RATE_LIMITED, 1.0)
    assert isinstance(said(ann.ask(Send(HI, to=BOB))), int)
    harness.wait(1)
    assert isinstance(said(ann.ask(Send(HI, to=CY))), int)


# --- sessions ---------------------------------------------------------------------


def test_one_session_too_many_ends_the_one_that_was_idle_longest() -> None:
    """Nobody is on it; whoever brings it later is told that it has ended."""
    harness = harness_with(sessions_per_user=2)
    tokens = []
    for _ in range(2):
        peer = harness.open()
        (welcome,) = peer.hello(name="ann", password="right")
        assert isinstance(welcome, Welcome)
        tokens.append(welcome.session)
        harness.wait(1)
        peer.close()
        harness.wait(5)
        harness.settle()
    harness.user("ann")
    assert len(harness.model.sessions) == 2
    again = [harness.open().hello(session=token)[0] for token in tokens]
    assert isinstance(again[0], Refusal)
    assert again[0].code is RejectCode.BAD_CREDENTIALS
    assert isinstance(again[1], Welcome)


def test_a_session_in_use_is_not_displaced() -> None:
    """Even where the store has not heard yet that somebody is on it."""
    harness = harness_with(sessions_per_user=1)
    first = harness.open()
    (welcome,) = first.hello(name="ann", password="right")
    first.close()
    harness.wait(5)
    harness.settle()
    resumed = harness.open()
    resumed.hello(session=welcome.session)
    row = harness.model.sessions[SessionId(welcome.session.encode())]
    assert row.idle_since is not None
    harness.user("ann")
    assert resumed.ending is None
    assert said(resumed.ask(Ping())) is Done


def test_who_resumes_while_his_session_is_being_displaced_is_told_so() -> None:
    """The draft was on its way; 4505, and no connection on a session that is void."""
    harness = harness_with(sessions_per_user=1)
    first = harness.open()
    (welcome,) = first.hello(name="ann", password="right")
    first.close()
    harness.wait(5)
    harness.settle()
    newcomer, resumed = harness.open(), harness.open()
    newcomer.say(Hello(kinds.GuestName("ann"), kinds.Secret("right")))
    harness.run_look_up()
    resumed.say(Hello(session=welcome.session))
    harness.run_look_up()
    assert isinstance(resumed.take()[0], Welcome)
    harness.settle()
    assert resumed.ending is Ending.REVOKED
    assert isinstance(newcomer.take()[0], Welcome)


# --- space ------------------------------------------------------------------------


def scarce(free_bytes: int = 99) -> Harness:
    """A harness with a guest and ann in the lobby, then little space: 100 is enough."""
    harness = Harness(
        Config(store=Store(free_bytes_min=100), rooms=Rooms(create="anyone"))
    )
    for peer in (harness.guest(LOBBY), harness.user("ann", LOBBY)):
        assert isinstance(said(peer.ask(Send(HI, LOBBY, cid=Cid("before")))), int)
    harness.handle(inputs.SpaceMeasured(free_bytes))
    harness.take_all()
    return harness


ADDING = [
    Send(HI, LOBBY),
    Send(HI, LOBBY, cid=Cid("c")),
    Edit(LOBBY, Seq(2), Text("ho")),
    React(LOBBY, Seq(1), kinds.Emoji("👍"), on=True),
    Profile(Display("Somebody")),
    Join(RoomName("new")),
]


@pytest.mark.parametrize("command", ADDING, ids=lambda command: command.type)
def test_with_little_space_guests_add_nothing_and_accounts_do(command: Any) -> None:
    """`unavailable`, in a clear sentence, and when to try again."""
    harness = scarce()
    guest, ann = harness.peers.values()
    error = fails(guest, command)
    assert (error.code, error.retry_after) == (RejectCode.UNAVAILABLE, 60.0)
    assert error.text == (
        "the server's disk is nearly full, so guests can add nothing to it now;"
        " reading goes on"
    )
    assert harness.machine.space is Space.SCARCE
    assert not isinstance(said(ann.ask(command)), RejectCode)


@pytest.mark.parametrize("command", ADDING, ids=lambda command: command.type)
def test_with_less_than_half_nobody_adds_anything(command: Any) -> None:
    """Until there is space again: that needs nobody to do anything here."""
    harness = scarce(49)
    _, ann = harness.peers.values()
    error = fails(ann, command)
    assert error.code is RejectCode.UNAVAILABLE
    assert "nothing can be added" in error.text
    harness.handle(inputs.SpaceMeasured(1000))
    assert harness.machine.space is Space.AMPLE
    assert not isinstance(said(ann.ask(command)), RejectCode)


def test_without_space_reading_goes_on_and_so_does_what_takes_away() -> None:
    """History, joins again, a retry's truth, deleting, leaving, coming in."""
    harness = scarce(0)
    guest, ann = harness.peers.values()
    assert not isinstance(said(ann.ask(History(LOBBY))), RejectCode)
    assert said(ann.ask(Join(LOBBY))) is Joined
    assert said(ann.ask(Send(HI, LOBBY, cid=Cid("before")))) == 2
    assert isinstance(said(ann.ask(Delete(LOBBY, Seq(2)))), int)
    assert said(guest.ask(Leave(LOBBY))) is Done
    bob = harness.user("bob")
    assert said(bob.ask(Join(LOBBY))) is RejectCode.UNAVAILABLE
    assert said(bob.ask(Send(HI, to=ANN))) is RejectCode.UNAVAILABLE
    (error,) = harness.open().hello()
    assert (error.code, error.re) == (RejectCode.UNAVAILABLE, "hello")


# --- what a command costs -----------------------------------------------------------


def test_a_look_up_costs_five_commands_and_a_search_twenty() -> None:
    """What is beside the one that the door has charged is charged here."""
    harness = Harness()
    ann = harness.user("ann", LOBBY)
    for command, more in (
        (Ping(), 0),
        (Send(HI, LOBBY), 0),
        (History(LOBBY), 4),
        (Who(LOBBY), 4),
        (rooms_commands.Rooms(), 4),
        (Search(kinds.QueryText("hi")), 19),
    ):
        ann.charged = 0
        ann.ask(command)
        assert ann.charged == more == RULES[type(command)].cost - 1


def test_what_is_refused_costs_as_much() -> None:
    """And what waits is paid for when it runs, once."""
    harness = Harness()
    ann = harness.user("ann")
    wanted = ann.say(History(LOBBY))
    assert wanted[0] == Charge(ann.id, 4)
    assert said(ann.take()) is RejectCode.NOT_MEMBER
    ann.say(Join(LOBBY))
    assert Charge(ann.id, 4) not in ann.say(History(LOBBY))
    ann.charged = 0
    harness.settle()
    assert ann.charged == 4


# --- floods -------------------------------------------------------------------------


def test_who_goes_on_after_many_refusals_is_sent_away_for_a_while() -> None:
    """4005 with `after`; the others' messages are delivered all the time."""
    harness = Harness(Config(limits=Limits(messages_per_s=1, messages_burst=1)))
    flooder, bob = harness.user("ann", LOBBY), harness.user("bob", LOBBY)
    harness.take_all()
    flooder.ask(Send(HI, LOBBY))
    for _ in range(LIMITED_BURST):
        assert fails(flooder, Send(HI, LOBBY)).code is RejectCode.RATE_LIMITED
    assert flooder.ending is None
    assert isinstance(said(bob.ask(Send(HI, LOBBY))), int)
    flooder.say(Send(HI, LOBBY))
    ending: Ending | None = flooder.ending
    assert (ending, flooder.after_s) == (Ending.OVERLOADED, FLOOD_AFTER_S)
    assert flooder.answers == flooder.said
    assert isinstance(said(bob.ask(Ping())), type)


def test_a_refusal_a_second_is_no_flood() -> None:
    """Whoever keeps to what he is told is never sent away."""
    harness = Harness(Config(limits=Limits(messages_per_s=0.5, messages_burst=1)))
    ann = harness.user("ann", LOBBY)
    for _ in range(3 * LIMITED_BURST):
        ann.ask(Send(HI, LOBBY))
        ann.ask(Send(HI, LOBBY))
        harness.wait(2)
    assert ann.ending is None


@pytest.mark.parametrize("per_s", [0.5, 5, 50])
def test_who_waits_as_he_is_told_is_no_flood(per_s: float) -> None:
    """However much he has to say, and however often he is refused once more."""
    harness = Harness(Config(limits=Limits(messages_per_s=per_s, messages_burst=1)))
    ann = harness.user("ann", LOBBY)
    refused = 0
    while refused < 3 * LIMITED_BURST:
        (reply,) = [one for one in ann.ask(Send(HI, LOBBY)) if hasattr(one, "re")]
        if reply.type == "error":
            refused += 1
            harness.wait(reply.retry_after)
    assert ann.ending is None


def test_refusals_that_the_writer_answers_count_too() -> None:
    """With a `cid` the answer comes later; what the flood sent behind is not done."""
    harness = Harness(Config(limits=Limits(messages_per_s=1, messages_burst=1)))
    ann = harness.user("ann", LOBBY)
    for number in range(LIMITED_BURST + 20):
        ann.say(Send(HI, LOBBY, cid=Cid(f"c{number}")))
    harness.settle()
    assert ann.ending is Ending.OVERLOADED
    assert len(harness.model.rooms[LOBBY].messages) == 1


def test_a_refusal_for_somebody_who_is_gone_counts_for_nobody() -> None:
    """It is answered, as everything is, and that is all."""
    harness = Harness()
    harness.handle(inputs.TimePassed())
    turn = harness.machine._turn
    turn.refuse(ConnectionId(99), Ping(), Reject(RejectCode.RATE_LIMITED, "too fast"))
    (answer,) = turn.effects
    assert answer == Answer(
        ConnectionId(99), Refusal(RejectCode.RATE_LIMITED, "too fast", re="ping")
    )


# --- malformed ----------------------------------------------------------------------

OWN_NAME = Send(HI, to=ANN)
BINARY = BadCommand(RejectCode.BAD_FRAME, "binary")


@pytest.mark.parametrize(
    "frame",
    [
        OWN_NAME,
        attrs.evolve(OWN_NAME, cid=Cid("c")),
        BINARY,
        BadCommand(RejectCode.BAD_JSON, "x"),
        BadCommand(RejectCode.BAD_TYPE, "x"),
        BadCommand(RejectCode.BAD_FIELD, "x"),
    ],
    ids=repr,
)
def test_whoever_finds_a_frame_malformed_it_counts(frame: Any) -> None:
    """Twenty, then 4502: those that only the core can refuse as well."""
    harness = Harness()
    ann = harness.user("ann", LOBBY)
    for number in range(21):
        assert ann.ending is None, number
        ann.ask(frame)
    assert ann.ending is Ending.MALFORMED


def test_a_malformed_frame_each_ten_seconds_is_forgiven() -> None:
    """One comes back in 10 s."""
    harness = Harness()
    ann = harness.user("ann", LOBBY)
    for _ in range(20):
        ann.ask(OWN_NAME)
    for _ in range(30):
        harness.wait(10)
        ann.ask(OWN_NAME)
    assert ann.ending is None
    ann.ask(OWN_NAME)
    assert ann.ending is Ending.MALFORMED


def test_a_session_that_nobody_is_on_may_be_displaced() -> None:
    """Idle sessions of accounts are in the store only; a late look-up finds it void."""
    harness = Harness()
    peer = harness.open()
    peer.say(Hello(kinds.GuestName("ann"), kinds.Secret("right")))
    harness.run_look_up()
    harness.fail(drafts.Committed((SessionsEnded((SessionId(b"x"),)),)))
    harness.run_look_up()
    assert isinstance(peer.take()[0], Welcome)
    assert SessionId(b"x") in harness.chat.live.ended
