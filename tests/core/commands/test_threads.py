"""Threads: who is told of them, what is counted, and what pages show."""

from __future__ import annotations

from typing import Any

from chatd.config import Config
from chatd.config.limits import Limits
from chatd.core.effects import Charge, Query
from chatd.core.queries import ReadThread
from chatd.core.scope import Scope
from chatd.enums import Role, Visibility
from chatd.errors import RejectCode
from chatd.ids import RoomName, Seq
from chatd.wire import events
from chatd.wire.ephemeral import Read
from chatd.wire.kinds import GuestName, PageLimit, PublicRoom, Secret, Text
from chatd.wire.moderation import Kick
from chatd.wire.rooms import Create, Join, Leave, Rename, SetRoom
from chatd.wire.threads import Follow, Followed, ThreadMark, Threads, ThreadUnread
from chatd.wire.timeline import Delete, Edit, History, Search, Send
from chatd.wire.users import Block
from tests.core.harness import ANN, BOB, LOBBY, Harness, Peer

TEAM, ORCHARD = RoomName("team"), RoomName("orchard")
PLENTY = Config(limits=Limits(messages_per_s=0))
ONE = Seq(1)


def answer(text: str = "re", to: int = 1, room: RoomName = LOBBY) -> Send:
    """A reply in a thread."""
    return Send(Text(text), room, reply_to=Seq(to), thread=True)


def notices(peer: Peer) -> list[Any]:
    """What somebody was told of threads."""
    kinds = Followed, ThreadUnread
    return [frame for frame in peer.take() if isinstance(frame, kinds)]


def thread_of(peer: Peer, room: RoomName = LOBBY) -> Any:
    """A page of the thread of the first message."""
    (page,) = peer.ask(History(room, thread=ONE))
    return page


def talk() -> tuple[Harness, Peer, Peer]:
    """Ann has said something, and bob is there."""
    harness = Harness(PLENTY)
    ann, bob = harness.user("ann", LOBBY), harness.user("bob", LOBBY)
    ann.ask(Send(Text("tea?"), LOBBY))
    bob.take()
    return harness, ann, bob


# --- who is told --------------------------------------------------------------------


def test_a_reply_says_in_which_thread_it_is() -> None:
    """Live, in a replay, in history and in a search; a plain reply is in none."""
    harness, ann, bob = talk()
    bob.say(answer())
    bob.say(answer("more", 2))
    bob.say(Send(Text("aside"), LOBBY, reply_to=Seq(2)))
    harness.settle()
    live = [f for f in ann.take() if isinstance(f, events.Message)]
    assert [(m.reply_to, m.thread) for m in live] == [(1, 1), (2, 1), (2, None)]
    phone = harness.user("ann")
    frames = phone.ask(Join(LOBBY, last=PageLimit(9)))
    replayed = [f for f in frames if isinstance(f, events.Message)]
    assert [m.thread for m in replayed] == [None, 1, 1, None]
    (page,) = ann.ask(History(LOBBY))
    assert [m.thread for m in page.messages] == [None, 1, 1, None]
    assert page.messages[0].replies.count == 2
    (found,) = ann.ask(Search("more"))  # type: ignore[arg-type]
    assert [hit.thread for hit in found.messages] == [1]


def test_those_who_follow_are_told_on_all_their_devices() -> None:
    """Of what is unread once, until it is read; whether they joined there or not."""
    harness, ann, bob = talk()
    phone = harness.user("ann")
    bob.ask(answer())
    follows, unread = Followed(LOBBY, ONE, on=True), ThreadUnread(LOBBY, ONE, Seq(2))
    assert notices(ann) == notices(phone) == [follows, unread]
    bob.ask(answer())
    assert notices(ann) == []
    ann.ask(Read(LOBBY, Seq(3), thread=ONE))
    mark = ThreadMark(LOBBY, ONE, Seq(3))
    assert mark in phone.take()
    bob.ask(answer())
    assert notices(ann) == [ThreadUnread(LOBBY, ONE, Seq(4))]
    ann.ask(answer())
    assert notices(bob) == [ThreadUnread(LOBBY, ONE, Seq(5))]
    assert thread_of(ann).root.replies.unread == 0


def test_who_writes_follows_and_his_devices_learn_of_it() -> None:
    """Behind the message; on the one that sent it, too."""
    harness, _, bob = talk()
    phone = harness.user("bob")
    frames = bob.ask(answer())
    kinds = [type(frame) for frame in frames]
    assert kinds[-2:] == [events.Message, Followed]
    assert notices(phone) == [Followed(LOBBY, ONE, on=True)]


def test_who_is_addressed_follows() -> None:
    """By a reply, or by an edit of one; but not who has left."""
    harness, ann, bob = talk()
    cy = harness.user("cy", LOBBY)
    ann.ask(answer("@cy @bob"))
    told = [Followed(LOBBY, ONE, on=True), ThreadUnread(LOBBY, ONE, Seq(2))]
    assert notices(cy) == notices(bob) == told
    ada = harness.user("ada", LOBBY)
    ann.ask(Edit(LOBBY, Seq(2), Text("@cy @ada")))
    assert notices(ada) == told
    assert notices(cy) == []
    cy.ask(Leave(LOBBY))
    cy.take()
    ann.ask(answer())
    assert cy.take() == []


def test_who_may_not_read_the_first_message_is_not_told() -> None:
    """He reads what came since his join, and has nothing to follow."""
    harness = Harness(PLENTY)
    ann = harness.user("ann")
    ann.ask(Create(PublicRoom(TEAM), history=Visibility.SINCE_JOIN))
    ann.ask(Send(Text("tea?"), TEAM))
    bob = harness.user("bob", TEAM)
    bob.take()
    ann.ask(answer("@bob", 2, TEAM))
    assert notices(bob) == []
    (page,) = bob.ask(History(TEAM, thread=Seq(2)))
    assert page.root is None
    assert [message.text for message in page.messages] == ["@bob"]
    (refused,) = bob.ask(Follow(TEAM, Seq(2)))
    assert (refused.code, refused.field) == (RejectCode.NO_MESSAGE, "thread")
    (listed,) = bob.ask(Threads())
    assert listed.threads == []
    assert len(ann.ask(Threads())[0].threads) == 1


def test_a_device_with_a_token_for_other_rooms_is_told_nothing() -> None:
    """Nor does its list have the thread."""
    harness, ann, bob = talk()
    other = harness.user("ann")
    connection = harness.chat.live.connections[other.id]
    actions = frozenset({"threads", "join"})
    connection.scope = Scope(rooms=frozenset({TEAM}), actions=actions)
    bob.ask(answer())
    ann.ask(Follow(LOBBY, ONE, on=False))
    ann.ask(Follow(LOBBY, ONE))
    bob.ask(answer())
    ann.ask(Read(LOBBY, Seq(3), thread=ONE))
    assert other.take() == []
    (page,) = other.ask(Threads())
    assert (page.threads, page.next) == ([], None)


# --- following ----------------------------------------------------------------------


def test_one_follows_on_all_devices() -> None:
    """The one that asks has its answer; what changes nothing is told to nobody."""
    harness, ann, bob = talk()
    ann.ask(answer())
    bob.take()
    phone = harness.user("bob")
    (done,) = bob.ask(Follow(LOBBY, ONE, id=1))
    assert (done.type, done.re, done.id) == ("ok", "follow", 1)
    assert phone.take() == [Followed(LOBBY, ONE, on=True)]
    assert [frame.type for frame in bob.ask(Follow(LOBBY, ONE))] == ["ok"]
    assert phone.take() == []
    phone.ask(Follow(LOBBY, ONE, on=False))
    assert bob.take() == [Followed(LOBBY, ONE, on=False)]
    (refused,) = bob.ask(Follow(LOBBY, Seq(2)))
    assert (refused.code, refused.field) == (RejectCode.NO_MESSAGE, "thread")
    phone.close()
    assert [frame.type for frame in bob.ask(Follow(LOBBY, ONE))] == ["ok"]


def test_who_was_removed_meanwhile_is_not_told() -> None:
    """What he had asked for comes to nothing that he hears of."""
    harness = Harness(PLENTY)
    ann = harness.user("ann")
    ann.ask(Create(PublicRoom(TEAM)))
    bob = harness.user("bob", TEAM)
    ann.ask(Send(Text("tea?"), TEAM))
    ann.ask(answer(to=3, room=TEAM))
    phone = harness.user("bob")
    bob.take()
    ann.say(Kick(TEAM, BOB))
    bob.say(Read(TEAM, Seq(4), thread=Seq(3)))
    bob.say(Follow(TEAM, Seq(3)))
    harness.settle()
    assert not [f for f in phone.take() if isinstance(f, Followed | ThreadMark)]


def test_following_has_the_rate_of_messages() -> None:
    """As what else is kept for somebody."""
    harness = Harness(Config(limits=Limits(messages_per_s=1, messages_burst=3)))
    ann = harness.user("ann", LOBBY)
    ann.ask(Send(Text("tea?"), LOBBY))
    ann.ask(answer())
    ann.ask(Follow(LOBBY, ONE, on=False))
    (refused,) = ann.ask(Follow(LOBBY, ONE))
    assert refused.code == RejectCode.RATE_LIMITED


def test_a_mark_of_a_thread_is_answered_as_that_of_a_room() -> None:
    """With an id alone, and beyond the rate it is dropped; the room's stays."""
    harness, ann, bob = talk()
    bob.ask(answer())
    ann.take()
    room = harness.chat.durable.rooms[LOBBY]
    before = room.members[ANN].read
    (done, mark) = ann.ask(Read(LOBBY, Seq(2), thread=ONE, id=4))
    assert (done.type, done.re, done.id) == ("ok", "read", 4)
    assert mark == ThreadMark(LOBBY, ONE, Seq(2))
    assert room.members[ANN].read == before
    assert bob.take() == []
    assert ann.ask(Read(LOBBY, Seq(2), thread=ONE)) == []
    strict = Harness(Config(limits=Limits(messages_per_s=1, messages_burst=1)))
    cy = strict.user("cy", LOBBY)
    cy.ask(Read(LOBBY, Seq(0)))
    assert not strict.drafts
    cy.say(Read(LOBBY, Seq(0), thread=ONE))
    assert not strict.drafts


# --- pages --------------------------------------------------------------------------


def test_a_page_of_a_thread_has_its_first_message() -> None:
    """With what is to be said of the thread, and as it is now."""
    _, ann, bob = talk()
    bob.ask(answer())
    ann.ask(Delete(LOBBY, ONE))
    command = History(LOBBY, thread=ONE)
    bob.take()
    page = thread_of(bob)
    assert page.root.deleted
    assert page.root.replies.users == [BOB]
    assert [message.seq for message in page.messages] == [2]
    assert (page.more, page.as_of) == (False, 3)
    assert bob.say(command) == [
        Charge(bob.id, 4),
        Query(bob.id, command, ReadThread(Seq(3), BOB)),
    ]


def test_a_page_of_a_thread_is_cut_to_what_a_reply_may_hold() -> None:
    """The first message has its part of it."""
    harness = Harness(Config(limits=Limits(messages_per_s=0, reply_bytes=4096)))
    ann = harness.user("ann", LOBBY)
    ann.ask(Send(Text("x" * 2000), LOBBY))
    for _ in range(3):
        ann.ask(answer("y" * 900))
    (page,) = ann.ask(History(LOBBY, thread=ONE))
    assert [message.seq for message in page.messages] == [4]
    assert page.more
    (page,) = ann.ask(History(LOBBY, thread=ONE, after=ONE))
    assert [message.seq for message in page.messages] == [2]
    assert page.more


def test_threads_are_listed_over_all_rooms() -> None:
    """Page by page, under the names that rooms have now; not where one has left."""
    harness = Harness(PLENTY)
    ann = harness.user("ann", LOBBY)
    ann.ask(Create(PublicRoom(TEAM)))
    ann.ask(Send(Text("one"), TEAM))
    ann.ask(answer(to=2, room=TEAM))
    ann.ask(Send(Text("two"), LOBBY))
    ann.ask(answer())
    (page,) = ann.ask(Threads(limit=PageLimit(1), id=2))
    assert [one.message.text for one in page.threads] == ["two"]
    assert (page.re, page.id) == ("threads", 2)
    ann.say(Threads(after=page.next))
    (look_up,) = harness.look_ups
    harness.look_ups.clear()
    ann.ask(Rename(TEAM, PublicRoom(ORCHARD)))
    harness.look_ups.append(look_up)
    harness.settle()
    page = ann.take()[-1]
    assert [(one.room, one.message.text) for one in page.threads] == [(ORCHARD, "one")]
    assert page.next is None
    bob = harness.user("bob", ORCHARD)
    bob.ask(answer(to=2, room=ORCHARD))
    ann.take()
    (page,) = ann.ask(Threads(unread=True))
    assert [one.room for one in page.threads] == [ORCHARD]
    bob.ask(Leave(ORCHARD))
    (page,) = bob.ask(Threads())
    assert (page.threads, page.next) == ([], None)


def test_a_list_of_threads_is_cut_to_what_a_reply_may_hold() -> None:
    """And goes on behind that; a token may have been brought that forbids it."""
    harness = Harness(Config(limits=Limits(messages_per_s=0, reply_bytes=4096)))
    ann = harness.user("ann", LOBBY)
    for number in range(2):
        ann.ask(Send(Text("x" * 2000), LOBBY))
        ann.ask(answer(to=2 * number + 1))
    (page,) = ann.ask(Threads())
    assert [one.message.seq for one in page.threads] == [3]
    (page,) = ann.ask(Threads(after=page.next))
    assert [one.message.seq for one in page.threads] == [1]
    assert page.next is None
    ann.say(Threads())
    connection = harness.chat.live.connections[ann.id]
    connection.scope = Scope(actions=frozenset({"join"}))
    harness.settle()
    (refused,) = ann.take()
    assert refused.code == RejectCode.FORBIDDEN


def test_welcome_counts_what_is_in_threads_apart() -> None:
    """It is among what is unread, for clients that know of no threads."""
    harness, ann, bob = talk()
    ann.close()
    bob.ask(answer())
    bob.ask(Send(Text("more"), LOBBY))
    phone = harness.open()
    (welcome,) = phone.hello(name=GuestName("ann"), password=Secret("right"))
    (entry,) = welcome.rooms
    assert (entry.unread, entry.in_threads) == (2, 1)


# --- what holds for any message holds there -----------------------------------------


def test_nobody_replies_where_nobody_may_write() -> None:
    """An archived room, a mute and slow mode know no difference."""
    harness = Harness(PLENTY)
    ann = harness.user("ann")
    ann.ask(Create(PublicRoom(TEAM)))
    ann.ask(Send(Text("one"), TEAM))
    bob = harness.user("bob", TEAM)
    ann.ask(SetRoom(TEAM, slow_s=60))  # type: ignore[arg-type]
    bob.ask(answer(to=2, room=TEAM))
    bob.take()
    (refused,) = bob.ask(answer(to=2, room=TEAM))
    assert refused.code == RejectCode.RATE_LIMITED
    ann.ask(SetRoom(TEAM, archived=True))
    (refused,) = ann.ask(answer(to=2, room=TEAM))
    assert refused.code == RejectCode.FORBIDDEN
    assert harness.chat.durable.rooms[TEAM].members[ANN].role is Role.OWNER


def test_a_blocked_reply_is_told_to_nobody() -> None:
    """In a direct conversation its author has it, and the other one nothing."""
    harness = Harness(PLENTY)
    ann, bob = harness.user("ann"), harness.user("bob")
    (stored, *_) = ann.ask(Send(Text("tea?"), to=BOB))
    ann.ask(Block(BOB))
    bob.take()
    bob.ask(answer(room=stored.room))
    assert notices(ann) == []
    (page,) = ann.ask(History(stored.room, thread=ONE))
    assert page.root.replies is None
    assert [message.hidden for message in page.messages] == [True]
    (page,) = bob.ask(History(stored.room, thread=ONE))
    assert page.root.replies.count == 1
