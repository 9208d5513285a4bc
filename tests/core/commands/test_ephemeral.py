from __future__ import annotations

import pytest

from chatd.config import Config
from chatd.config.limits import Limits
from chatd.config.sections import Presence, Rooms
from chatd.core import drafts, inputs
from chatd.core.effects import Answer, Origin, Spread, Tell
from chatd.core.entities import Sanction
from chatd.enums import State, Visibility
from chatd.errors import RejectCode
from chatd.ids import RoomName, Seq
from chatd.wire import events, replies
from chatd.wire.commands import Command
from chatd.wire.ephemeral import Read, Status, Typing
from chatd.wire.kinds import Text
from chatd.wire.rooms import Leave
from chatd.wire.timeline import Send
from tests.core.harness import ANN, BOB, LOBBY, Harness

AWAY = State("away")


def test_typing_goes_to_the_others_and_not_to_oneself() -> None:
    """Six seconds, or none with `on: false`; no device of one's own gets it."""
    harness = Harness()
    ann, other, bob = (harness.user(name, LOBBY) for name in ("ann", "ann", "bob"))
    harness.take_all()
    frame = events.Typing(LOBBY, ANN, 6)
    assert ann.say(Typing(LOBBY)) == [
        Spread(frame, [ann.id, other.id]),
        Answer(ann.id, None),
    ]
    assert bob.take() == [frame]
    assert ann.take() == other.take() == []
    ann.say(Typing(LOBBY, on=False))
    assert bob.take() == [events.Typing(LOBBY, ANN, 0)]


def test_who_is_muted_is_not_seen_writing() -> None:
    """It is dropped without a word, until the mute lapses."""
    harness = Harness()
    ann, bob = harness.user("ann", LOBBY), harness.user("bob", LOBBY)
    until = harness.now.wall + 1000
    durable = harness.chat.durable
    durable.set_mute(durable.rooms[LOBBY], ANN, Sanction(until, None))
    harness.take_all()
    assert ann.say(Typing(LOBBY)) == [Answer(ann.id, None)]
    harness.wait(1)
    bob.take()
    ann.say(Typing(LOBBY))
    assert bob.take() == [events.Typing(LOBBY, ANN, 6)]


def test_above_names_max_typing_and_read_marks_are_not_passed_on() -> None:
    """Only one's own other connections learn of a read mark."""
    presence = Presence(names_max=2)
    harness = Harness(Config(presence=presence, rooms=Rooms(read_receipts=True)))
    ann, other, bob = (harness.user(name, LOBBY) for name in ("ann", "ann", "bob"))
    ann.ask(Send(Text("hi"), LOBBY))
    cy = harness.user("cy", LOBBY)
    harness.take_all()
    assert bob.say(Typing(LOBBY)) == [Answer(bob.id, None)]
    assert bob.say(Read(LOBBY, Seq(1))) == [Answer(bob.id, None)]
    cy.close()
    assert other.take() == []


@pytest.mark.parametrize("receipts", [False, True])
def test_a_read_mark_goes_to_ones_other_connections(receipts: bool) -> None:
    """And to the members where read receipts are on."""
    harness = Harness(Config(rooms=Rooms(read_receipts=receipts)))
    ann, bob, other = (harness.user(name, LOBBY) for name in ("ann", "bob", "bob"))
    ann.ask(Send(Text("hi"), LOBBY))
    harness.take_all()
    mark = events.ReadMark(LOBBY, BOB, Seq(1))
    wanted = [Tell([other.id], mark, ephemeral=True)]
    spread = [Spread(mark, [bob.id, other.id])] if receipts else []
    answer = [Answer(bob.id, replies.Done("read", 7))]
    assert bob.say(Read(LOBBY, Seq(1), id=7)) == [*wanted, *spread, *answer]
    assert other.take() == [mark]
    assert ann.take() == ([mark] if receipts else [])


def test_a_read_mark_only_moves_forward_and_never_above_the_head() -> None:
    """What is above counts as the head; what is not further is not told."""
    harness = Harness()
    ann, bob = harness.user("ann", LOBBY), harness.user("bob", LOBBY)
    for _ in range(3):
        ann.ask(Send(Text("hi"), LOBBY))
    member = harness.chat.durable.rooms[LOBBY].members[BOB]
    bob.say(Read(LOBBY, Seq(2)))
    assert member.read == 2
    assert bob.say(Read(LOBBY, Seq(1))) == [Answer(bob.id, None)]
    assert member.read == 2
    bob.say(Read(LOBBY, Seq(99)))
    assert member.read == 3


def test_a_read_mark_goes_back_when_its_user_says_so() -> None:
    """His other devices are told, the others are not: what they know stays so."""
    harness = Harness(Config(rooms=Rooms(read_receipts=True)))
    ann, bob, other = (harness.user(name, LOBBY) for name in ("ann", "bob", "bob"))
    for _ in range(4):
        ann.ask(Send(Text("hi"), LOBBY))
    bob.say(Read(LOBBY, Seq(3)))
    harness.take_all()
    back = events.ReadMark(LOBBY, BOB, Seq(1), back=True)
    assert bob.say(Read(LOBBY, Seq(1), back=True)) == [
        Tell([other.id], back, ephemeral=True),
        Answer(bob.id, None),
    ]
    assert other.take() == [back]
    assert ann.take() == []
    bob.say(Read(LOBBY, Seq(1), back=True))
    assert other.take() == [back], "it may have read further and not have said so yet"
    for seq in (2, 3):
        bob.say(Read(LOBBY, Seq(seq)))
        assert other.take() == [events.ReadMark(LOBBY, BOB, Seq(seq))]
        assert ann.take() == []
    bob.say(Read(LOBBY, Seq(0), back=True))
    bob.say(Read(LOBBY, Seq(4)))
    assert ann.take() == [events.ReadMark(LOBBY, BOB, Seq(4))]


def test_what_one_says_ends_that_the_mark_went_back() -> None:
    """One has read what one answered, and others are told of what comes then."""
    harness = Harness(Config(rooms=Rooms(read_receipts=True)))
    ann, bob = harness.user("ann", LOBBY), harness.user("bob", LOBBY)
    ann.ask(Send(Text("hi"), LOBBY))
    bob.say(Read(LOBBY, Seq(1)))
    bob.say(Read(LOBBY, Seq(0), back=True))
    room = harness.chat.durable.rooms[LOBBY]
    assert room.returned == {BOB: 1}
    bob.ask(Send(Text("ho"), LOBBY))
    assert (room.returned, room.members[BOB].read) == ({}, 2)


def test_back_is_never_further_than_the_member_may_read() -> None:
    """What was said before he came is not unread; above the head is the head."""
    harness = Harness()
    ann = harness.user("ann", LOBBY)
    settings = harness.chat.durable
    settings.set_settings(settings.rooms[LOBBY], {"history": Visibility.SINCE_JOIN})
    ann.ask(Send(Text("hi"), LOBBY))
    bob = harness.user("bob", LOBBY)
    ann.ask(Send(Text("ho"), LOBBY))
    member = harness.chat.durable.rooms[LOBBY].members[BOB]
    bob.say(Read(LOBBY, Seq(9), back=True))
    assert member.read == 2
    bob.say(Read(LOBBY, Seq(0), back=True))
    assert member.read == member.first - 1 == 1


def test_who_leaves_has_no_mark_that_went_back() -> None:
    """And who comes back begins at the head."""
    harness = Harness()
    ann, bob = harness.user("ann", LOBBY), harness.user("bob", LOBBY)
    ann.ask(Send(Text("hi"), LOBBY))
    bob.say(Read(LOBBY, Seq(1)))
    bob.say(Read(LOBBY, Seq(0), back=True))
    bob.ask(Leave(LOBBY))
    assert harness.chat.durable.rooms[LOBBY].returned == {}


def test_a_mark_that_went_back_is_written_as_it_is() -> None:
    """Also when it could not be written at first; one of who has left is not."""
    harness = Harness()
    ann, bob = harness.user("ann", LOBBY), harness.user("bob", LOBBY)
    cy = harness.user("cy", LOBBY)
    for _ in range(3):
        ann.ask(Send(Text("hi"), LOBBY))
    bob.say(Read(LOBBY, Seq(3)))
    cy.say(Read(LOBBY, Seq(3)))
    harness.wait(5)
    harness.settle()
    members = harness.model.rooms[LOBBY].members
    assert members[BOB].read == 3
    bob.say(Read(LOBBY, Seq(1), back=True))
    cy.say(Read(LOBBY, Seq(1), back=True))
    harness.wait(5)
    (origin,) = harness.drafts
    harness.drafts.clear()
    bob.say(Read(LOBBY, Seq(2)))
    cy.ask(Leave(LOBBY))
    refused = drafts.Refused(RejectCode.UNAVAILABLE, "later")
    harness.handle(inputs.Executed(origin, refused))
    assert harness.chat.live.reads == {(LOBBY, BOB): 2}
    harness.wait(5)
    harness.settle()
    assert members[BOB].read == 2


def test_sending_moves_ones_read_mark() -> None:
    """One has read what one answered."""
    harness = Harness()
    ann, bob = harness.user("ann", LOBBY), harness.user("bob", LOBBY)
    ann.ask(Send(Text("hi"), LOBBY))
    bob.ask(Send(Text("ho"), LOBBY))
    assert harness.chat.durable.rooms[LOBBY].members[BOB].read == 2


def test_read_marks_are_written_within_five_seconds_and_kept_when_that_fails() -> None:
    """Many share a commit; after a failure they are written with the next."""
    harness = Harness()
    ann, bob = harness.user("ann", LOBBY), harness.user("bob", LOBBY)
    harness.wait(5)
    harness.settle()
    ann.ask(Send(Text("hi"), LOBBY))
    bob.say(Read(LOBBY, Seq(1)))
    harness.wait(3.9)
    assert not harness.drafts
    harness.wait(0.1)
    marks = drafts.SaveMarks({(LOBBY, ANN): Seq(1), (LOBBY, BOB): Seq(1)}, {})
    assert list(harness.drafts) == [Origin(None, None, marks)]
    harness.fail()
    ann.ask(Send(Text("ho"), LOBBY))
    harness.wait(4)
    marks = drafts.SaveMarks({(LOBBY, ANN): Seq(2), (LOBBY, BOB): Seq(1)}, {})
    assert list(harness.drafts) == [Origin(None, None, marks)]
    harness.settle()
    members = harness.model.rooms[LOBBY].members
    assert (members[ANN].read, members[BOB].read) == (2, 1)


@pytest.mark.parametrize(
    "command", [Typing(LOBBY), Status(AWAY), Read(LOBBY, Seq(1))], ids=lambda c: c.type
)
def test_over_its_rate_it_is_dropped_in_silence(command: Command) -> None:
    """With an id it is answered `ok` all the same; nothing else happens."""
    limits = Limits(messages_per_s=1, messages_burst=1)
    harness = Harness(Config(limits=limits, rooms=Rooms(read_receipts=True)))
    ann, bob = harness.user("ann", LOBBY), harness.user("bob", LOBBY)
    ann.ask(Send(Text("hi"), LOBBY))
    bob.say(Typing(LOBBY))
    harness.take_all()
    assert bob.say(command) == [Answer(bob.id, None)]
    command.id = 3
    assert bob.ask(command) == [replies.Done(command.type, 3)]
    assert ann.take() == []


def test_without_an_id_there_is_no_ok_but_an_error_there_is() -> None:
    """A room that one is not in is `not_member`, one that is not there `no_room`."""
    harness = Harness()
    ann = harness.user("ann")
    assert ann.ask(Status(AWAY)) == []
    (error,) = ann.ask(Typing(LOBBY))
    assert (error.code, error.re, error.field) == (
        RejectCode.NOT_MEMBER,
        "typing",
        "room",
    )
    (error,) = ann.ask(Read(RoomName("nowhere"), Seq(1)))
    assert error.code == RejectCode.NO_ROOM
