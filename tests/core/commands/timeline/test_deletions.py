"""One's own words may be taken back wherever they are, and nothing is learned by it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import pytest

from chatd.config import Config
from chatd.config.limits import Limits
from chatd.core.drafts import DeleteMessage
from chatd.core.effects import Append
from chatd.core.principal import Renewal
from chatd.core.scope import Scope
from chatd.enums import Role, Visibility
from chatd.errors import RejectCode
from chatd.ids import Cid, RoomName, Seq, direct_room
from chatd.wire import events, replies
from chatd.wire.commands import Command
from chatd.wire.encode import encode
from chatd.wire.kinds import Emoji, Secret, Text
from chatd.wire.moderation import Ban, Invite, Kick, Mute, SetRole
from chatd.wire.rooms import Create, Join, Leave, SetRoom
from chatd.wire.timeline import Delete, Edit, React, Send
from chatd.wire.users import Block
from tests.core.harness import ADA, ANN, BOB, CY, Harness, Peer

FREE = Config(limits=Limits(messages_per_s=0))
HI = Text("hi")
TEAM, NOWHERE = RoomName("team"), RoomName("nowhere")
NO_DEN = RoomName("~zzzzzzzzzzzzzzzz")
X = Cid("x")


def told(frames: list[Any]) -> list[Any]:
    """The code of each error, or the seq of each ok."""
    answers = [frame for frame in frames if hasattr(frame, "re")]
    return [getattr(answer, "code", None) or answer.seq for answer in answers]


def say(peer: Peer, room: RoomName) -> Seq:
    """Write a message, and return its seq."""
    (seq,) = told(peer.ask(Send(HI, room)))
    return Seq(seq)


def a_den(owner: Peer, *people: Peer) -> RoomName:
    """A private room with some people in it."""
    made = owner.ask(Create(private=True))[-1]
    room: RoomName = made.room
    owner.join(room)
    for peer in people:
        name = owner.harness.user_of(peer)
        assert name is not None
        owner.ask(Invite(room, name))
        peer.join(room)
    owner.harness.take_all()
    return room


def leave(_ann: Peer, bob: Peer, room: RoomName) -> None:
    """Bob goes."""
    bob.ask(Leave(room))


def kick(ann: Peer, _bob: Peer, room: RoomName) -> None:
    """Ann removes bob."""
    ann.ask(Kick(room, BOB))


def ban(ann: Peer, _bob: Peer, room: RoomName) -> None:
    """Ann removes bob for good."""
    ann.ask(Ban(room, BOB))


WAYS_OUT = [leave, kick, ban]


@pytest.mark.parametrize("go", WAYS_OUT, ids=lambda go: go.__name__)
@pytest.mark.parametrize("is_private", [False, True])
def test_who_is_out_takes_back_what_he_said(
    go: Callable[[Peer, Peer, RoomName], None], is_private: bool
) -> None:
    """The room is told, he gets an `ok`, and the words are gone for everybody."""
    harness = Harness(FREE)
    ann, bob = harness.user("ann", TEAM), harness.user("bob", TEAM)
    room = a_den(ann, bob) if is_private else TEAM
    of = say(bob, room)
    go(ann, bob, room)
    harness.take_all()
    (ok,) = bob.ask(Delete(room, of, id=1))
    assert (ok.type, ok.re, ok.room, ok.id) == ("ok", "delete", room, 1)
    (event,) = ann.take()
    assert isinstance(event, events.Delete)
    assert (event.sender, event.of) == (BOB, of)
    assert event.seq == harness.chat.durable.rooms[room].head
    assert harness.model.rooms[room].messages[of].text is None


@pytest.mark.parametrize("cid", [None, X])
def test_who_is_out_is_not_told_how_the_room_goes_on(cid: Cid | None) -> None:
    """The `seq` of his `ok` is the message's, also of a retry; who is in the room is
    told the event's.
    """
    harness = Harness(FREE)
    ann, bob = harness.user("ann"), harness.user("bob")
    den = a_den(ann, bob)
    first, second = say(bob, den), say(bob, den)
    (seq,) = told(bob.ask(Delete(den, first, cid)))
    assert seq == harness.chat.durable.rooms[den].head
    bob.ask(Leave(den))
    for _ in range(5):
        say(ann, den)
    command = Delete(den, second, Cid("y") if cid else None)
    assert told(bob.ask(command)) == [second]
    if cid is not None:
        again = bob.ask(command)
        assert (again[0].dup, told(again)) == (True, [second])
        assert told(bob.ask(Delete(den, first, cid))) == [first]


def test_a_retry_learns_the_truth_whatever_the_rate_says() -> None:
    """It was deleted, and he is told no more of the room than before."""
    harness = Harness(Config(limits=Limits(messages_per_s=0.01, messages_burst=4)))
    ann, bob = harness.user("ann", TEAM), harness.user("bob", TEAM)
    of = say(bob, TEAM)
    bob.ask(Leave(TEAM))
    say(ann, TEAM)
    command = Delete(TEAM, of, X)
    assert told(bob.ask(command)) == [of]
    assert told(bob.ask(Delete(TEAM, of))) == [RejectCode.NOT_MEMBER]
    assert told(bob.ask(Delete(TEAM, of))) == [RejectCode.RATE_LIMITED]
    (again,) = bob.ask(command)
    assert (again.dup, again.seq) == (True, of)


def test_who_came_back_takes_back_what_he_may_not_read() -> None:
    """Only his own: what others said before his time is not there, not even for a
    moderator, and nothing else can be done to his own either.
    """
    harness = Harness(FREE)
    ann, bob = harness.user("ann", TEAM), harness.user("bob", TEAM)
    ann.ask(SetRoom(TEAM, history=Visibility("since_join")))
    anns, bobs = say(ann, TEAM), say(bob, TEAM)
    bob.ask(Leave(TEAM))
    bob.join(TEAM)
    ann.ask(SetRole(TEAM, BOB, Role("moderator")))
    assert harness.chat.durable.rooms[TEAM].members[BOB].first > bobs
    harness.take_all()
    nothing = [RejectCode.NO_MESSAGE]
    for command in (
        Delete(TEAM, anns),
        Edit(TEAM, bobs, HI),
        React(TEAM, bobs, Emoji("👍")),
    ):
        assert told(bob.ask(command)) == nothing
    assert told(bob.ask(Delete(TEAM, bobs))) == [harness.chat.durable.rooms[TEAM].head]
    assert told(bob.ask(Delete(TEAM, bobs))) == nothing


def test_who_is_muted_or_may_not_post_takes_back_what_he_said() -> None:
    """As long as he is in the room, and after he has gone."""
    harness = Harness(FREE)
    ann, bob = harness.user("ann", TEAM), harness.user("bob", TEAM)
    one, two = say(bob, TEAM), say(bob, TEAM)
    ann.ask(Mute(TEAM, BOB))
    assert told(bob.ask(Delete(TEAM, one))) == [harness.chat.durable.rooms[TEAM].head]
    bob.ask(Leave(TEAM))
    assert told(bob.ask(Delete(TEAM, two))) == [two]


def test_a_guest_takes_back_what_he_said() -> None:
    """As long as his session lasts; what somebody else of his kind said he does not."""
    harness = Harness(FREE)
    ann, guest, other = (
        harness.user("ann", TEAM),
        harness.guest(TEAM),
        harness.guest(TEAM),
    )
    own, others = say(guest, TEAM), say(other, TEAM)
    guest.ask(Leave(TEAM))
    assert told(guest.ask(Delete(TEAM, others))) == [RejectCode.NOT_MEMBER]
    assert told(guest.ask(Delete(TEAM, own))) == [own]
    assert isinstance(ann.take()[-1], events.Delete)


def test_an_administrator_who_is_not_in_the_room_has_his_own_words_only() -> None:
    """To delete what others wrote he joins first."""
    harness = Harness(FREE)
    ann, ada = harness.user("ann", TEAM), harness.user(ADA, TEAM)
    others, own = say(ann, TEAM), say(ada, TEAM)
    ada.ask(Leave(TEAM))
    assert told(ada.ask(Delete(TEAM, others))) == [RejectCode.NOT_MEMBER]
    assert told(ada.ask(Delete(TEAM, own))) == [own]


def test_in_a_direct_conversation_both_are_at_home() -> None:
    """Each takes back his own, also what the other one has not been shown; who is not
    one of the two meets no room.
    """
    harness = Harness(FREE)
    ann, bob, cy = (harness.user(name) for name in (ANN, BOB, CY))
    room = direct_room(ANN, BOB)
    bob.ask(Send(HI, to=ANN))
    ann.ask(Block(BOB))
    hidden = say(bob, room)
    harness.take_all()
    assert told(ann.ask(Delete(room, hidden))) == [RejectCode.FORBIDDEN]
    assert told(cy.ask(Delete(room, hidden))) == [RejectCode.NO_ROOM]
    assert told(bob.ask(Delete(room, hidden))) == [3]
    assert isinstance(ann.take()[-1], events.Delete)


def test_a_token_takes_back_within_its_scope() -> None:
    """A room, or a command, that it does not have is `forbidden` as ever."""
    harness = Harness(FREE)
    ann = harness.user("ann", TEAM)
    own = say(ann, TEAM)
    ann.ask(Leave(TEAM))
    for word, scope, answer in (
        ("a", Scope.of(["lobby"], None), RejectCode.FORBIDDEN),
        ("b", Scope.of(None, ["send"]), RejectCode.FORBIDDEN),
        ("c", Scope.of(["team"], ["delete"]), own),
    ):
        harness.tokens[word] = Renewal(None, None, scope)
        peer = harness.open()
        peer.hello(token=Secret(word))
        assert told(peer.ask(Delete(TEAM, own))) == [answer]


# --- what nobody can tell ---------------------------------------------------------


@pytest.mark.parametrize("cid", [None, X])
@pytest.mark.parametrize("limits", [Limits(messages_per_s=0), Limits()])
def test_what_is_not_ones_own_is_refused_as_where_there_is_no_room(
    cid: Cid | None, limits: Limits
) -> None:
    """Byte by byte, after the same steps: others' words, those that are gone, what is
    no message, what was trimmed, and one's own that are gone already.
    """
    harness = Harness(Config(limits=limits))
    ann, bob = harness.user("ann"), harness.user("bob")
    den = a_den(ann, bob)
    others, own = say(ann, den), say(bob, den)
    gone = say(ann, den)
    ann.ask(Delete(den, gone))
    bob.ask(Leave(den))
    assert told(bob.ask(Delete(den, own))) == [own]
    harness.wait(60)
    harness.take_all()
    for of in (others, gone, own, Seq(1), Seq(0), Seq(99), Seq(2**53)):
        command = Delete(den, of, Cid(f"{of}") if cid else None, id=7)
        there, nowhere = (
            steps_and_reply(harness, bob, attrs.evolve(command, room=room))
            for room in (den, NO_DEN)
        )
        assert there[0] == nowhere[0] == [(Append, DeleteMessage)]
        assert there[1].replace(den.encode(), b"?") == nowhere[1].replace(
            NO_DEN.encode(), b"?"
        )
    assert ann.take() == []


def test_a_public_room_that_one_is_not_in_says_so_and_no_more() -> None:
    """Whatever message it is, and whether it is there."""
    harness = Harness(FREE)
    ann, bob = harness.user("ann", TEAM), harness.user("bob")
    anns = say(ann, TEAM)
    answers = {
        steps_and_reply(harness, bob, Delete(TEAM, of, id=7))[1]
        for of in (anns, Seq(1), Seq(99))
    }
    assert len(answers) == 1
    assert told(bob.ask(Delete(TEAM, anns))) == [RejectCode.NOT_MEMBER]
    assert told(bob.ask(Delete(NOWHERE, anns))) == [RejectCode.NO_ROOM]


def steps_and_reply(
    harness: Harness, peer: Peer, command: Command
) -> tuple[list[Any], bytes]:
    """What is done for a command, and what is answered."""
    effects = peer.say(command)
    steps = [
        (type(effect), type(effect.origin.draft))
        for effect in effects
        if isinstance(effect, Append)
    ]
    assert len(steps) == len(effects)
    harness.settle()
    (reply,) = [frame for frame in peer.take() if hasattr(frame, "re")]
    return steps, encode(reply)


def test_nobody_waits_for_what_changes_in_a_room_that_he_has_left() -> None:
    """Or he would know by it that there is one; who is in it waits."""
    harness = Harness(FREE)
    ann, bob = harness.user("ann"), harness.user("bob")
    den = a_den(ann, bob)
    own = say(bob, den)
    bob.ask(Leave(den))
    harness.take_all()
    ann.say(SetRoom(den, history=Visibility("since_join")))
    (append,) = bob.say(Delete(den, own))
    assert isinstance(append, Append)
    harness.settle()
    assert told(bob.take()) == [own]


def test_a_deletion_beside_ones_own_leave_is_decided_after_it() -> None:
    """On another device: it waits for the barrier, and is his own then as before."""
    harness = Harness(FREE)
    ann, phone, desk = (
        harness.user("ann", TEAM),
        harness.user("bob", TEAM),
        harness.user("bob", TEAM),
    )
    anns, own = say(ann, TEAM), say(phone, TEAM)
    harness.take_all()
    phone.say(Leave(TEAM))
    desk.say(Delete(TEAM, anns))
    desk.say(Delete(TEAM, own))
    desk.say(Join(TEAM))
    harness.settle()
    frames = desk.take()
    assert next(f.type for f in frames if not hasattr(f, "re")) == "member"
    replied = [f for f in frames if hasattr(f, "re")]
    assert told(replied[:2]) == [RejectCode.NOT_MEMBER, own]
    assert isinstance(replied[2], replies.Joined)


def test_a_deletion_that_cannot_be_stored_is_said_so() -> None:
    """`unavailable`, wherever it is: a retry is worth it."""
    harness = Harness(FREE)
    bob = harness.user("bob", TEAM)
    own = say(bob, TEAM)
    bob.ask(Leave(TEAM))
    for room in (TEAM, NOWHERE):
        bob.say(Delete(room, own))
        while harness.look_ups:
            harness.run_look_up()
        harness.fail()
        assert told(bob.take()) == [RejectCode.UNAVAILABLE]
    assert told(bob.ask(Delete(TEAM, own))) == [own]
