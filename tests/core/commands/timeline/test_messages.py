from __future__ import annotations

from typing import Any

import attrs

from chatd.config import Config
from chatd.config.limits import Limits
from chatd.core import drafts, inputs
from chatd.core.effects import Answer, Append, Fetch, Origin
from chatd.core.queries import LoadUser
from chatd.errors import RejectCode
from chatd.ids import Cid, RoomName, Seq, UserName, direct_room
from chatd.wire import events, replies
from chatd.wire.kinds import Emoji, Text
from chatd.wire.malformed import BadCommand
from chatd.wire.rooms import Leave
from chatd.wire.timeline import Delete, Edit, React, Send
from tests.core.harness import ANN, BOB, LOBBY, Harness

HI, HO = Text("hi"), Text("ho")
X = Cid("x")
SLOW = Limits(messages_per_s=1, messages_burst=2)
DIRECT = direct_room(ANN, BOB)


def codes(frames: list[Any]) -> list[Any]:
    """The code of each error, or the seq of each ok."""
    replies = [frame for frame in frames if hasattr(frame, "re")]
    return [getattr(reply, "code", None) or reply.seq for reply in replies]


def test_an_ok_means_committed_and_comes_before_the_event() -> None:
    """Nothing leaves before it is on disk; then the reply, then the fan-out."""
    harness = Harness()
    ann, bob = harness.user("ann", LOBBY), harness.user("bob", LOBBY)
    harness.take_all()
    command = Send(HI, LOBBY, cid=X, id=2)
    draft = drafts.NewMessage(LOBBY, ANN, X, HI)
    assert ann.say(command) == [Append(Origin(ann.id, command, draft))]
    assert ann.take() == []
    harness.commit()
    ts = harness.now.wall
    ok = replies.Stored("send", LOBBY, Seq(1), ts, cid=X, id=2)
    message = events.Message(LOBBY, Seq(1), ts, ANN, HI, X)
    assert ann.take() == [ok, message]
    assert bob.take() == [message]


def test_a_member_who_has_not_joined_here_sends_without_an_echo() -> None:
    """The `ok` comes to the connection, the event to the one that joined."""
    harness = Harness()
    joined, other = harness.user("ann", LOBBY), harness.user("ann")
    assert codes(other.ask(Send(HI, LOBBY))) == [1]
    assert other.take() == []
    assert [frame.type for frame in joined.take()][-1] == "message"


def test_edits_deletions_and_reactions_are_events_of_the_timeline() -> None:
    """Each has a draft of its own, a reply and an event."""
    harness = Harness()
    ann = harness.user("ann", LOBBY)
    ann.ask(Send(HI, LOBBY))
    for command, kind in (
        (Edit(LOBBY, Seq(1), HO), events.Edit),
        (React(LOBBY, Seq(1), Emoji("+")), events.React),
        (Delete(LOBBY, Seq(1)), events.Delete),
    ):
        ok, event = ann.ask(command)
        assert ok.re == command.type
        assert isinstance(event, kind)
    assert codes(ann.ask(Edit(LOBBY, Seq(1), HI))) == [RejectCode.NO_MESSAGE]


def test_what_is_not_ones_own_is_refused_by_the_writer() -> None:
    """An edit of another's message is `forbidden`."""
    harness = Harness()
    ann, bob = harness.user("ann", LOBBY), harness.user("bob", LOBBY)
    ann.ask(Send(HI, LOBBY))
    harness.take_all()
    (error,) = bob.ask(Edit(LOBBY, Seq(1), HO, id="e"))
    assert (error.code, error.re, error.id) == (RejectCode.FORBIDDEN, "edit", "e")


def test_who_is_not_a_member_may_not_send() -> None:
    """A public room says so, an unknown one or others' direct one is `no_room`."""
    harness = Harness()
    ann, bob, cy = (harness.user(name) for name in ("ann", "bob", "cy"))
    ann.ask(Send(HI, to=BOB))
    assert codes(cy.ask(Send(HI, LOBBY))) == [RejectCode.NOT_MEMBER]
    assert codes(cy.ask(Send(HI, RoomName("nowhere")))) == [RejectCode.NO_ROOM]
    assert codes(cy.ask(Send(HI, DIRECT))) == [RejectCode.NO_ROOM]
    assert codes(cy.ask(Edit(LOBBY, Seq(1), HO))) == [RejectCode.NOT_MEMBER]
    assert codes(bob.ask(Send(HO, DIRECT))) == [2]


# --- order ------------------------------------------------------------------------


def test_replies_of_durable_commands_keep_their_order_when_one_is_refused() -> None:
    """A refusal travels behind the drafts that are open."""
    harness = Harness()
    ann = harness.user("ann", LOBBY)
    ann.take()
    ann.say(Send(HI, LOBBY, id=1))
    ann.say(Send(HI, RoomName("nowhere"), id=2))
    ann.say(Send(HO, LOBBY, id=3))
    assert ann.take() == []
    harness.settle()
    replies = [frame for frame in ann.take() if hasattr(frame, "re")]
    assert [reply.id for reply in replies] == [1, 2, 3]
    assert codes(replies) == [1, RejectCode.NO_ROOM, 2]


def test_without_anything_before_it_a_refusal_is_immediate() -> None:
    """Nothing travels to the writer for it."""
    ann = Harness().user("ann")
    (answer,) = ann.say(Send(HI, LOBBY))
    assert isinstance(answer, Answer)


# --- cid --------------------------------------------------------------------------


def test_the_same_cid_stores_nothing_and_answers_the_first_seq() -> None:
    """On any connection of the user; for another user it is another cid."""
    harness = Harness()
    ann, other, bob = (harness.user(name, LOBBY) for name in ("ann", "ann", "bob"))
    command = Send(HI, LOBBY, cid=X)
    ann.ask(command)
    first = harness.now.wall
    harness.wait(3)
    harness.take_all()
    dup = replies.Stored("send", LOBBY, Seq(1), first, dup=True, cid=X, id=5)
    assert other.ask(attrs.evolve(command, id=5)) == [dup]
    assert codes(bob.ask(command)) == [2]


def test_a_cid_with_other_content_is_a_conflict() -> None:
    """Told with the cid, so that the client can find its bug."""
    ann = Harness().user("ann", LOBBY)
    ann.ask(Send(HI, LOBBY, cid=X))
    ann.take()
    (error,) = ann.ask(Send(HO, LOBBY, cid=X))
    assert (error.code, error.field, error.cid) == (RejectCode.CID_CONFLICT, "cid", X)


def test_a_cid_is_looked_at_before_membership() -> None:
    """Who has left meanwhile learns that his message was stored, or was not."""
    ann = Harness().user("ann", LOBBY)
    ann.ask(Send(HI, LOBBY, cid=X))
    ann.ask(Leave(LOBBY))
    (ok,) = ann.ask(Send(HI, LOBBY, cid=X))
    assert (ok.seq, ok.dup) == (1, True)
    assert codes(ann.ask(Send(HI, LOBBY, cid=Cid("y")))) == [RejectCode.NOT_MEMBER]
    assert codes(ann.ask(Send(HO, LOBBY, cid=X))) == [RejectCode.CID_CONFLICT]


def test_after_unavailable_the_same_cid_may_be_sent_again() -> None:
    """Nothing was stored; the second attempt is the first message."""
    harness = Harness()
    ann = harness.user("ann", LOBBY)
    ann.take()
    ann.say(Send(HI, LOBBY, cid=X))
    harness.fail()
    (error,) = ann.take()
    assert (error.code, error.retry_after, error.cid) == ("unavailable", 1.0, X)
    assert codes(ann.ask(Send(HI, LOBBY, cid=X))) == [1]


def test_what_was_committed_after_a_stall_is_delivered_and_answered_dup() -> None:
    """The sender was told `unavailable`; the same cid tells him the truth."""
    harness = Harness()
    ann, bob = harness.user("ann", LOBBY), harness.user("bob", LOBBY)
    harness.take_all()
    ann.say(Send(HI, LOBBY, cid=X))
    harness.stall()
    assert codes(ann.take()) == [RejectCode.UNAVAILABLE]
    harness.settle()
    assert [frame.seq for frame in bob.take()] == [1]
    (ok,) = [f for f in ann.ask(Send(HI, LOBBY, cid=X)) if hasattr(f, "re")]
    assert (ok.seq, ok.dup) == (1, True)


# --- the rate ---------------------------------------------------------------------


def test_over_the_rate_the_error_says_exactly_when_to_come_again() -> None:
    """The bucket is the user's, over all his connections."""
    harness = Harness(Config(limits=SLOW))
    ann, other = harness.user("ann", LOBBY), harness.user("ann", LOBBY)
    harness.take_all()
    assert codes(ann.ask(Send(HI, LOBBY))) == [1]
    assert codes(other.ask(Send(HI, LOBBY))) == [2]
    ann.take()
    (error,) = ann.ask(Send(HI, LOBBY))
    assert (error.code, error.retry_after) == (RejectCode.RATE_LIMITED, 1.0)
    harness.wait(0.25)
    (error,) = ann.ask(Edit(LOBBY, Seq(1), HO))
    assert error.retry_after == 0.75
    harness.wait(0.75)
    assert codes(ann.ask(Send(HI, LOBBY))) == [3]


def test_a_retry_costs_nothing_and_gains_nothing() -> None:
    """A token that was taken for it comes back; one that was not, does not."""
    harness = Harness(Config(limits=SLOW))
    ann = harness.user("ann", LOBBY)
    retry = Send(HI, LOBBY, cid=X)
    assert [codes(ann.ask(retry)) for _ in range(5)][-1] == [1]
    assert codes(ann.ask(Send(HO, LOBBY))) == [2]
    assert codes(ann.ask(Send(HO, LOBBY))) == [RejectCode.RATE_LIMITED]
    assert codes(ann.ask(retry)) == [1]
    assert codes(ann.ask(Send(HO, LOBBY))) == [RejectCode.RATE_LIMITED]


def test_without_a_limit_a_retry_is_the_same() -> None:
    """messages_per_s = 0 is no limit."""
    ann = Harness(Config(limits=Limits(messages_per_s=0))).user("ann", LOBBY)
    assert [codes(ann.ask(Send(HI, LOBBY, cid=X))) for _ in range(30)] == [[1]] * 30


# --- direct conversations ---------------------------------------------------------


def test_the_first_direct_message_makes_the_room_on_all_devices_of_both() -> None:
    """Everybody is subscribed before the event, which carries the epoch."""
    harness = Harness()
    ann, bob, other = harness.user("ann"), harness.user("bob"), harness.user("bob")
    harness.take_all()
    command = Send(HI, to=BOB, id=1)
    create, append = ann.say(command)
    assert isinstance(create, Append)
    assert isinstance(create.origin.draft, drafts.CreateRoom)
    members = {ANN: "member", BOB: "member"}
    assert create.origin.draft.members == members
    draft = drafts.NewMessage(DIRECT, ANN, None, HI)
    assert append == Append(Origin(ann.id, command, draft))
    harness.settle()
    epoch = harness.chat.durable.rooms[DIRECT].epoch
    ts = harness.now.wall
    message = events.Message(DIRECT, Seq(1), ts, ANN, HI, epoch=epoch)
    assert ann.take() == [replies.Stored("send", DIRECT, Seq(1), ts, id=1), message]
    assert bob.take() == other.take() == [message]
    bob.ask(Send(HO, to=ANN))
    assert [frame.seq for frame in ann.take()] == [2]


def test_two_who_write_to_each_other_at_once_share_one_room() -> None:
    """The second creation changes nothing."""
    harness = Harness()
    ann, bob = harness.user("ann"), harness.user("bob")
    harness.take_all()
    ann.say(Send(HI, to=BOB))
    bob.say(Send(HO, to=ANN))
    harness.commit()
    assert [f.seq for f in ann.take() if f.type == "message"] == [1, 2]
    assert [f.seq for f in bob.take() if f.type == "message"] == [1, 2]


def test_a_direct_room_reaches_no_connection_that_was_told_to_end() -> None:
    """It gets nothing more until its socket is closed."""
    harness = Harness()
    ann, bob = harness.user("ann"), harness.user("bob")
    for _ in range(21):
        reject = BadCommand(RejectCode.BAD_JSON, "no")
        harness.handle(inputs.Received(bob.id, reject))
    bob.take()
    ann.ask(Send(HI, to=BOB))
    assert list(ann.subscribed) == [DIRECT]
    assert not bob.subscribed
    assert bob.take() == []


def test_direct_conversations_are_between_two_accounts() -> None:
    """A guest is `forbidden` on either side, oneself is `bad_field`."""
    harness = Harness()
    ann, guest = harness.user("ann"), harness.guest()
    assert codes(guest.ask(Send(HI, to=ANN))) == [RejectCode.FORBIDDEN]
    (error,) = ann.ask(Send(HI, to=UserName("guest~2")))
    assert (error.code, error.field) == (RejectCode.FORBIDDEN, "to")
    (error,) = ann.ask(Send(HI, to=ANN, cid=X))
    assert (error.code, error.field) == (RejectCode.BAD_FIELD, "to")


def test_somebody_unknown_is_looked_for_and_what_follows_waits() -> None:
    """An account that was made a moment ago is found; nobody is `no_user`."""
    harness = Harness()
    ann = harness.user("ann", LOBBY)
    ann.take()
    new = UserName("dan")
    command = Send(HI, to=new, id=1)
    assert ann.say(command) == [Fetch(LoadUser(new))]
    ann.say(Send(HI, LOBBY, id=2))
    harness.model.users[new] = attrs.evolve(harness.model.users[ANN], user=new)
    harness.settle()
    replies = [frame for frame in ann.take() if hasattr(frame, "re")]
    assert [(reply.re, reply.id) for reply in replies] == [("send", 1), ("send", 2)]
    ann.say(Send(HI, to=UserName("nobody"), cid=X, id=3))
    ann.say(Send(HO, LOBBY, id=4))
    harness.settle()
    assert codes(ann.take()) == [RejectCode.NO_USER, 2]
    assert codes(ann.ask(Send(HI, to=UserName("nobody")))) == [RejectCode.NO_USER]


def test_what_is_found_for_nobody_is_nothing() -> None:
    """The one who asked is gone."""
    harness = Harness()
    ann = harness.user("ann")
    ann.say(Send(HI, to=UserName("nobody")))
    ann.close()
    harness.settle()
    assert UserName("nobody") not in harness.chat.durable.users


def test_the_outcome_for_a_connection_that_is_gone_is_delivered() -> None:
    """The message is on disk, so everybody else has it."""
    harness = Harness()
    ann, bob = harness.user("ann", LOBBY), harness.user("bob", LOBBY)
    harness.take_all()
    ann.say(Send(HI, LOBBY))
    ann.say(Send(HI, RoomName("nowhere")))
    ann.close()
    harness.settle()
    assert [frame.seq for frame in bob.take()] == [1]
