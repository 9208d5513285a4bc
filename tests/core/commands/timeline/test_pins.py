"""Who pins, who is told, and what the list of pins shows to whom."""

from __future__ import annotations

import attrs

from chatd.config import Config
from chatd.config.limits import Limits
from chatd.core.effects import Charge, Query
from chatd.core.queries import ReadPins
from chatd.enums import Role, Visibility
from chatd.errors import RejectCode
from chatd.ids import Cid, RoomName, Seq
from chatd.wire import events
from chatd.wire.kinds import PageLimit, PublicRoom, Text
from chatd.wire.moderation import Mute, SetRole
from chatd.wire.rooms import Create, Join, Leave, SetRoom
from chatd.wire.timeline import Delete, History, Pin, Pins, Send
from chatd.wire.users import Block
from tests.core.harness import ANN, BOB, LOBBY, Harness, Peer

TEAM, DIRECT = RoomName("team"), RoomName("@ann,bob")
PLENTY = Config(limits=Limits(messages_per_s=0))


def team(harness: Harness, **settings: object) -> tuple[Peer, Peer]:
    """A room of ann's, who has written three messages, with bob."""
    ann, bob = harness.user("ann"), harness.user("bob")
    ann.ask(Create(PublicRoom(TEAM), **settings))  # type: ignore[arg-type]
    ann.ask(Join(TEAM))
    for text in ("one", "two", "three"):
        ann.ask(Send(Text(text), TEAM))
    bob.ask(Join(TEAM))
    ann.take()
    return ann, bob


def code(peer: Peer, command: Pin | Pins) -> str:
    """What a command is answered with."""
    answer = peer.ask(command)[0]
    return str(getattr(answer, "code", answer.type))


def test_a_moderator_pins_and_everybody_is_told() -> None:
    """The reply first, then the event; a retry is answered as the first time."""
    harness = Harness(PLENTY)
    ann, bob = team(harness)
    ok, event = ann.ask(Pin(TEAM, Seq(2), cid=Cid("p")))
    assert (ok.re, ok.seq, ok.dup) == ("pin", 6, False)
    assert isinstance(event, events.Pin)
    assert (event.of, event.on, event.sender) == (2, True, ANN)
    assert bob.take() == [event]
    (again,) = ann.ask(Pin(TEAM, Seq(2), cid=Cid("p")))
    assert (again.seq, again.dup) == (6, True)
    (page,) = bob.ask(History(TEAM))
    assert [message.pinned for message in page.messages] == [6, None, None]
    assert code(bob, Pin(TEAM, Seq(3))) == RejectCode.FORBIDDEN
    ann.ask(SetRole(TEAM, BOB, Role.MODERATOR))
    bob.take()
    assert code(bob, Pin(TEAM, Seq(3))) == "ok"
    assert code(bob, Pin(TEAM, Seq(2), on=False)) == "ok"


def test_the_list_is_of_what_is_pinned_now() -> None:
    """A page costs what a look-up does, and says where it goes on."""
    harness = Harness(PLENTY)
    ann, bob = team(harness)
    for of in (3, 2, 4):
        ann.ask(Pin(TEAM, Seq(of)))
    ann.ask(Delete(TEAM, Seq(2)))
    bob.take()
    command = Pins(TEAM, limit=PageLimit(1), id=7)
    read = Query(bob.id, command, ReadPins(Seq(1), Seq(9), BOB))
    assert bob.say(command) == [Charge(bob.id, 4), read]
    harness.settle()
    (page,) = bob.take()
    assert ([m.text for m in page.messages], page.next, page.id) == (["three"], 8, 7)
    (page,) = bob.ask(attrs.evolve(command, after=page.next))
    assert ([m.text for m in page.messages], page.next) == (["two"], None)


def test_a_reply_that_would_be_too_long_is_cut() -> None:
    """The next page has the rest."""
    harness = Harness(PLENTY)
    ann, _ = team(harness)
    for of in (2, 3):
        ann.ask(Pin(TEAM, Seq(of)))
    harness.live.replace(Config(limits=Limits(reply_bytes=650)))
    (page,) = ann.ask(Pins(TEAM))
    assert ([m.seq for m in page.messages], page.next) == ([3], 7)
    (page,) = ann.ask(Pins(TEAM, page.next))
    assert ([m.seq for m in page.messages], page.next) == ([2], None)


def test_what_came_before_one_is_neither_pinned_nor_listed() -> None:
    """Where newcomers may read only what follows."""
    harness = Harness(PLENTY)
    ann, bob = team(harness, history=Visibility.SINCE_JOIN)
    ann.ask(SetRole(TEAM, BOB, Role.MODERATOR))
    ann.ask(Pin(TEAM, Seq(2)))
    (sent, _) = bob.ask(Send(Text("four"), TEAM))[-2:]
    assert code(bob, Pin(TEAM, Seq(2), on=False)) == RejectCode.NO_MESSAGE
    assert code(bob, Pin(TEAM, sent.seq)) == "ok"
    bob.take()
    (page,) = bob.ask(Pins(TEAM))
    assert [message.seq for message in page.messages] == [sent.seq]
    ann.take()
    (page,) = ann.ask(Pins(TEAM))
    assert [message.seq for message in page.messages] == [sent.seq, 2]


def test_the_list_is_authorised_again_when_it_is_answered() -> None:
    """Who has left meanwhile gets an error; what was trimmed meanwhile is left out."""
    harness = Harness(PLENTY)
    ann, bob = team(harness)
    for of in (2, 3):
        ann.ask(Pin(TEAM, Seq(of)))
    bob.take()
    bob.say(Pins(TEAM, limit=PageLimit(1), id=1))
    (look_up,) = harness.look_ups
    harness.look_ups.clear()
    room = harness.chat.durable.rooms[TEAM]
    room.first = Seq(4)
    harness.look_ups.append(look_up)
    harness.settle()
    (page,) = bob.take()
    assert (page.messages, page.next) == ([], 7)
    room.first = Seq(1)
    bob.say(Pins(TEAM, id=2))
    (look_up,) = harness.look_ups
    harness.look_ups.clear()
    bob.ask(Leave(TEAM))
    harness.look_ups.append(look_up)
    harness.settle()
    (error,) = bob.take()
    assert (error.re, error.code) == ("pins", RejectCode.NOT_MEMBER)


def test_pinning_says_something_and_unpinning_does_not() -> None:
    """A mute and an archive stop the one alone."""
    harness = Harness(PLENTY)
    ann, bob = team(harness)
    ann.ask(SetRole(TEAM, BOB, Role.MODERATOR))
    ann.ask(Pin(TEAM, Seq(2)))
    ann.ask(Mute(TEAM, BOB))
    bob.take()
    assert code(bob, Pin(TEAM, Seq(3))) == RejectCode.MUTED
    assert code(bob, Pin(TEAM, Seq(2), on=False)) == "ok"
    ann.ask(Pin(TEAM, Seq(2)))
    ann.ask(SetRoom(TEAM, archived=True))
    assert code(ann, Pin(TEAM, Seq(3))) == RejectCode.FORBIDDEN
    assert code(ann, Pin(TEAM, Seq(2), on=False)) == "ok"


def test_in_a_direct_conversation_both_pin() -> None:
    """Who is blocked does so for himself: the other one is told of nothing."""
    harness = Harness(PLENTY)
    ann, bob = harness.user("ann", LOBBY), harness.user("bob", LOBBY)
    ann.ask(Send(Text("hi"), to=BOB))
    bob.take()
    assert code(bob, Pin(DIRECT, Seq(1))) == "ok"
    assert isinstance(ann.take()[-1], events.Pin)
    ann.ask(Block(BOB))
    bob.ask(Pin(DIRECT, Seq(1), on=False))
    (hidden,) = ann.take()
    assert isinstance(hidden, events.Hidden)
    for peer, seqs in ((ann, [1]), (bob, [])):
        (page,) = peer.ask(Pins(DIRECT))
        assert [message.seq for message in page.messages] == seqs
