"""Profiles, and blocks: what one side no longer sees, and the other cannot notice."""

from __future__ import annotations

from typing import Any

import pytest

from chatd.config import Config
from chatd.config.limits import Limits
from chatd.core import drafts, inputs
from chatd.core.changes import Appended, UserErased
from chatd.core.commands.users import BLOCKS_MAX
from chatd.core.effects import Append, Deliver, DeliverHidden, Origin
from chatd.errors import RejectCode
from chatd.ids import RoomName, Seq, UserName, direct_room
from chatd.wire import events, replies
from chatd.wire.ephemeral import Read, Typing
from chatd.wire.kinds import Display, Emoji, PageLimit, Text
from chatd.wire.moderation import Invite
from chatd.wire.place import Ping
from chatd.wire.rooms import Join
from chatd.wire.timeline import Delete, Edit, History, React, Send
from chatd.wire.users import Block, Blocks, BlocksPage, Profile, Unblock
from tests.core.harness import ANN, BOB, CY, LOBBY, Harness, Peer

DIRECT = direct_room(ANN, BOB)
TEAM = RoomName("team")
HI, HO = Text("hi"), Text("ho")


def pair(*, blocked: bool = True) -> tuple[Harness, Peer, Peer]:
    """Ann and bob, who have talked; then ann blocks bob."""
    harness = Harness()
    ann, bob = harness.user("ann"), harness.user("bob")
    ann.ask(Send(HI, to=BOB))
    bob.ask(Send(HI, to=ANN))
    if blocked:
        ann.ask(Block(BOB))
    harness.take_all()
    return harness, ann, bob


def hidden(harness: Harness, seq: int) -> events.Hidden:
    """What ann is shown instead."""
    return events.Hidden(DIRECT, Seq(seq), harness.now.wall)


def test_a_block_is_durable_before_it_is_answered() -> None:
    """It is a draft, and what its connection sent behind it waits."""
    harness = Harness()
    ann = harness.user("ann")
    command = Block(BOB, id=1)
    draft = drafts.SetBlock(ANN, BOB, on=True)
    assert ann.say(command) == [Append(Origin(ann.id, command, draft))]
    ann.say(Blocks(id=2))
    assert ann.take() == []
    harness.commit()
    assert ann.take() == [
        replies.Done("block", 1),
        BlocksPage([BOB], id=2),
    ]
    assert ann.ask(Block(BOB)) == [replies.Done("block")]
    harness.restart()
    assert harness.user("ann").ask(Blocks()) == [BlocksPage([BOB])]


def test_unblock_ends_it() -> None:
    """Also if there was none."""
    _, ann, _ = pair()
    assert ann.ask(Unblock(BOB, id=3)) == [replies.Done("unblock", 3)]
    assert ann.ask(Unblock(BOB)) == [replies.Done("unblock")]
    assert ann.ask(Blocks()) == [BlocksPage([])]


@pytest.mark.parametrize("kind", [Block, Unblock])
def test_who_can_be_blocked(kind: type[Block | Unblock]) -> None:
    """Anybody but oneself who exists; a guest blocks nobody."""
    harness = Harness()
    ann, guest = harness.user("ann"), harness.guest()
    (error,) = ann.ask(kind(ANN))
    assert (error.code, error.field) == (RejectCode.BAD_FIELD, "user")
    (error,) = ann.ask(kind(UserName("nobody"), id=4))
    assert (error.code, error.field, error.id) == (RejectCode.NO_USER, "user", 4)
    (error,) = guest.ask(kind(ANN))
    assert error.code == RejectCode.FORBIDDEN
    assert guest.ask(Blocks()) == [BlocksPage([])]
    name = harness.chat.live.connections[guest.id].user
    assert name is not None
    assert ann.ask(kind(name)) == [replies.Done(kind.type)]


def test_the_list_of_blocks_is_bounded_and_comes_in_pages() -> None:
    """`next` goes on where a page ended, by number or by bytes."""
    harness = Harness(Config(limits=Limits(reply_bytes=700)))
    ann = harness.user("ann")
    names = [UserName(f"u{number:03}") for number in range(BLOCKS_MAX)]
    for name in reversed(names):
        harness.chat.durable.set_block(ANN, name, on=True)
    (error,) = ann.ask(Block(BOB))
    assert error.code == RejectCode.FORBIDDEN
    assert str(BLOCKS_MAX) in error.text
    (page,) = ann.ask(Blocks(limit=PageLimit(2)))
    assert (page.users, page.next) == (names[:2], names[1])
    (page,) = ann.ask(Blocks(after=page.next))
    assert page.users == names[2 : 2 + len(page.users)]
    assert 2 < len(page.users) < 100
    harness.chat.durable.set_block(ANN, names[0], on=False)
    harness.chat.durable.set_block(ANN, CY, on=True)
    assert ann.ask(Block(CY)) == [replies.Done("block")]


def test_a_block_that_cannot_be_stored_is_none() -> None:
    """`unavailable`; nothing has changed."""
    harness, ann, _ = pair(blocked=False)
    ann.say(Block(BOB))
    harness.fail()
    (error,) = ann.take()
    assert error.code == RejectCode.UNAVAILABLE
    assert not harness.chat.durable.users[ANN].blocks


def test_a_block_counts_although_its_connection_is_gone() -> None:
    """It was accepted, so it is kept, whoever there is to be told."""
    harness, ann, _ = pair(blocked=False)
    ann.say(Block(BOB))
    ann.close()
    harness.settle()
    assert harness.chat.durable.users[ANN].blocks == {BOB: None}
    nobody = drafts.SetBlock(UserName("gone"), BOB, on=True)
    origin = Origin(None, None, nobody)
    assert harness.handle(inputs.Executed(origin, drafts.Committed())) == []


# --- what is hidden ---------------------------------------------------------------


def test_messages_edits_and_reactions_take_their_place_without_a_word() -> None:
    """On every device of the blocker; the blocked one sees what he always sees."""
    harness, ann, bob = pair()
    second = harness.user("ann")
    second.take()
    commands: list[Any] = [
        Send(HI, DIRECT),
        Send(HI, to=ANN),
        Edit(DIRECT, Seq(3), HO),
        React(DIRECT, Seq(1), Emoji("+")),
    ]
    for seq, command in enumerate(commands, 3):
        ok, event = bob.ask(command)
        assert (ok.seq, event.seq) == (seq, seq)
        assert ann.take() == second.take() == [hidden(harness, seq)]
    ann.ask(Send(HI, to=BOB))
    assert [frame.type for frame in bob.take()] == ["message"]


def test_an_edit_hides_what_was_seen_and_a_deletion_is_seen() -> None:
    """Otherwise an edit would be a way round the block."""
    harness, ann, bob = pair()
    bob.ask(Edit(DIRECT, Seq(2), Text("you again")))
    (page,) = ann.ask(History(DIRECT))[-1:]
    assert page.messages[1] == replies.MessageShown(
        Seq(2), harness.now.wall, None, None, hidden=True
    )
    bob.ask(Delete(DIRECT, Seq(2)))
    (event,) = ann.take()
    assert event == events.Delete(DIRECT, Seq(4), harness.now.wall, BOB, Seq(2))


def test_what_was_hidden_stays_hidden() -> None:
    """After the end of the block, and whatever is edited in it then."""
    harness, ann, bob = pair()
    bob.ask(Send(HI, DIRECT))
    ann.ask(Unblock(BOB))
    harness.take_all()
    bob.ask(Edit(DIRECT, Seq(3), HO))
    assert ann.take() == [hidden(harness, 4)]
    bob.ask(Send(HO, DIRECT))
    (event,) = ann.take()
    assert event.text == HO
    epoch = harness.chat.durable.rooms[DIRECT].epoch
    shown = ann.join(DIRECT, since=Seq(2), epoch=epoch)
    assert shown[1:-1] == [hidden(harness, 3), hidden(harness, 4), event]


def test_the_first_message_of_somebody_blocked_begins_the_room() -> None:
    """It carries the epoch, or a client could not follow."""
    harness = Harness()
    ann, bob = harness.user("ann"), harness.user("bob")
    ann.ask(Block(BOB))
    bob.ask(Send(HI, to=ANN))
    epoch = harness.chat.durable.rooms[DIRECT].epoch
    assert ann.take() == [events.Hidden(DIRECT, Seq(1), harness.now.wall, epoch)]
    welcome = harness.user("ann").take()
    assert welcome == []
    (welcome,) = harness.open().hello(name="ann", password="right")
    (state,) = welcome.rooms
    assert (state.seq, state.read, state.unread, state.mentions) == (1, 0, 0, 0)


def test_a_block_holds_for_whatever_is_committed_after_it() -> None:
    """Also for what was sent before it was answered."""
    harness, ann, bob = pair(blocked=False)
    bob.say(Send(HI, DIRECT))
    ann.say(Block(BOB))
    bob.say(Send(HO, DIRECT))
    harness.settle()
    message, done, nothing = ann.take()
    assert (message.text, done.re) == (HI, "block")
    assert nothing == hidden(harness, 4)


def test_only_the_blocker_is_not_shown_it() -> None:
    """A delivery for which nobody blocks is one for all, as ever."""
    harness, ann, bob = pair(blocked=False)
    bob.say(Send(HI, DIRECT))
    (origin,) = harness.drafts
    harness.drafts.clear()
    for seq, is_hidden in ((3, False), (4, True)):
        message = events.Message(DIRECT, Seq(seq), harness.now.wall, BOB, HI)
        committed = drafts.Committed((Appended(message, is_hidden),))
        wanted = harness.machine.handle(inputs.Executed(origin, committed), harness.now)
        deliver = Deliver(message)
        if is_hidden:
            deliver = DeliverHidden(message, hidden(harness, seq), [ann.id])  # type: ignore[assignment]
        assert wanted[-1] == deliver
        assert wanted[0].connection == bob.id  # type: ignore[union-attr]


@pytest.mark.parametrize("blocked", [False, True])
def test_typing_is_not_shown_to_the_blocker(blocked: bool) -> None:
    """In that conversation; in rooms and in the other direction it is."""
    harness, ann, bob = pair(blocked=blocked)
    bob.say(Typing(DIRECT))
    assert len(ann.take()) == (0 if blocked else 1)
    ann.say(Typing(DIRECT))
    assert bob.take() == [events.Typing(DIRECT, ANN, 6)]
    ann.join(LOBBY)
    bob.join(LOBBY)
    harness.take_all()
    bob.say(Typing(LOBBY))
    assert ann.take() == [events.Typing(LOBBY, BOB, 6)]


def test_an_invitation_by_somebody_blocked_is_not_shown() -> None:
    """Neither as it comes nor in `welcome`; he is answered as ever."""
    harness, ann, bob = pair()
    bob.join(TEAM)
    answers = bob.ask(Invite(TEAM, ANN))
    assert answers[0].type == "ok"
    assert ann.take() == []
    (welcome,) = harness.open().hello(name="ann", password="right")
    assert welcome.invites == []
    ann.ask(Unblock(BOB))
    (welcome,) = harness.open().hello(name="ann", password="right")
    assert [invite.room for invite in welcome.invites] == [TEAM]


def test_the_blocked_one_gets_what_he_would_get_otherwise() -> None:
    """Frame by frame the same, in replies, in events, in history and in replays."""

    def life(*, blocked: bool) -> list[Any]:
        harness, ann, bob = pair(blocked=blocked)
        ann.ask(Read(DIRECT, Seq(2)))
        told = bob.ask(Send(HI, DIRECT))
        told += bob.ask(Send(HO, to=ANN))
        told += bob.ask(Edit(DIRECT, Seq(3), HO))
        told += bob.ask(Edit(DIRECT, Seq(2), HO))
        told += bob.ask(Edit(DIRECT, Seq(2), HO))
        told += bob.ask(Edit(DIRECT, Seq(1), HO))
        told += bob.ask(React(DIRECT, Seq(1), Emoji("+")))
        told += bob.ask(React(DIRECT, Seq(1), Emoji("+")))
        told += bob.ask(Delete(DIRECT, Seq(3)))
        told += bob.ask(Typing(DIRECT, id=9))
        ann.ask(Read(DIRECT, Seq(5)))
        ann.ask(React(DIRECT, Seq(4), Emoji("-")))
        ann.ask(Send(HI, to=BOB))
        told += bob.take()
        told += bob.ask(History(DIRECT))
        epoch = harness.chat.durable.rooms[DIRECT].epoch
        return told + bob.join(DIRECT, since=Seq(0), epoch=epoch)

    assert life(blocked=True) == life(blocked=False)


# --- profile ----------------------------------------------------------------------


def test_a_display_name_is_durable_and_shown() -> None:
    """Answered when it is on disk; what follows waits."""
    harness = Harness()
    ann = harness.user("ann", LOBBY)
    ann.take()
    ann.say(Profile(Display("Ann A."), id=1))
    ann.say(Join(LOBBY, last=PageLimit(1)))
    harness.settle()
    done, joined = ann.take()[:2]
    assert done == replies.Done("profile", 1)
    assert joined.users[0].display == "Ann A."
    assert harness.model.users[ANN].display == "Ann A."


def test_a_display_name_that_could_not_be_stored_is_not_shown() -> None:
    """Answered, and the connection goes on."""
    harness = Harness()
    ann = harness.user("ann")
    ann.say(Profile(Display("Ann A."), id=1))
    ann.say(Ping(id=2))
    harness.fail()
    assert [frame.id for frame in ann.take()] == [1, 2]
    assert harness.chat.durable.users[ANN].display == "ann"


@pytest.mark.parametrize("gone", [False, True])
def test_a_display_name_counts_though_nobody_waits_for_it(gone: bool) -> None:
    """Its connection was closed, or its user has been erased."""
    harness = Harness()
    guest = harness.guest()
    name = harness.chat.live.connections[guest.id].user
    assert name is not None
    guest.say(Profile(Display("Gus")))
    guest.close()
    if gone:
        harness.change(UserErased(name))
        assert name not in harness.chat.durable.users
    harness.settle()
    assert harness.model.users[name].display == "Gus"
    assert gone or harness.chat.durable.users[name].display == "Gus"
