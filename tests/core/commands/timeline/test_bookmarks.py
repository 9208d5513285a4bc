"""Who bookmarks what, which devices hear of it, and what the list shows."""

from __future__ import annotations

from chatd.config import Config
from chatd.config.limits import Limits
from chatd.core.scope import Scope
from chatd.enums import Visibility
from chatd.errors import RejectCode
from chatd.ids import RoomName, Seq
from chatd.wire import events
from chatd.wire.kinds import PageLimit, PublicRoom, Text
from chatd.wire.rooms import Create, Join, Leave, Rename, SetRoom
from chatd.wire.timeline import Bookmark, Bookmarks, Delete, Edit, Send
from tests.core.harness import LOBBY, Harness, Peer

TEAM, ORCHARD = RoomName("team"), RoomName("orchard")
PLENTY = Config(limits=Limits(messages_per_s=0))


def said(harness: Harness, room: RoomName = LOBBY) -> Peer:
    """ann, who has written three messages."""
    ann = harness.user("ann", room)
    for text in ("one", "two", "three"):
        ann.ask(Send(Text(text), room))
    return ann


def listed(peer: Peer, command: Bookmarks) -> tuple[list[str], int | None]:
    """The texts of a page, and what it says of the next one."""
    (page,) = peer.ask(command)
    return [message.text for message in page.messages], page.next


def test_ones_other_devices_are_told_and_nobody_else() -> None:
    """The device itself has its answer; what changes nothing is told to nobody."""
    harness = Harness(PLENTY)
    ann = said(harness)
    phone, bob = harness.user("ann"), harness.user("bob", LOBBY)
    command = Bookmark(LOBBY, Seq(2), id=1)
    (done,) = ann.ask(command)
    assert (done.type, done.re, done.id) == ("ok", "bookmark", 1)
    assert phone.take() == [events.Bookmark(LOBBY, Seq(2), on=True)]
    assert bob.take() == []
    assert [frame.type for frame in ann.ask(command)] == ["ok"]
    assert phone.take() == []
    phone.ask(Bookmark(LOBBY, Seq(2), on=False))
    assert ann.take() == [events.Bookmark(LOBBY, Seq(2), on=False)]
    phone.close()
    assert [frame.type for frame in ann.ask(command)] == ["ok"]


def test_a_device_with_a_token_for_other_rooms_is_not_told() -> None:
    """Nor is the message in its list."""
    harness = Harness(PLENTY)
    ann = said(harness)
    other = harness.user("ann")
    connection = harness.chat.live.connections[other.id]
    actions = frozenset({"bookmarks", "join"})
    connection.scope = Scope(rooms=frozenset({TEAM}), actions=actions)
    ann.ask(Bookmark(LOBBY, Seq(1)))
    assert other.take() == []
    assert listed(other, Bookmarks()) == ([], None)
    assert listed(ann, Bookmarks()) == (["one"], None)


def test_the_list_is_of_all_rooms_as_the_messages_are_now() -> None:
    """The last one first, page by page, under the names that rooms have now."""
    harness = Harness(PLENTY)
    ann = said(harness)
    ann.ask(Create(PublicRoom(TEAM)))
    ann.ask(Join(TEAM))
    (sent, _) = ann.ask(Send(Text("four"), TEAM))
    for room, of in ((LOBBY, 3), (TEAM, sent.seq), (LOBBY, 1), (LOBBY, 2)):
        ann.ask(Bookmark(room, Seq(of)))
    ann.ask(Edit(LOBBY, Seq(3), Text("drei")))
    ann.ask(Delete(LOBBY, Seq(2)))
    texts, place = listed(ann, Bookmarks(limit=PageLimit(2)))
    assert texts == ["one", "four"]
    ann.say(Bookmarks(id=9))
    (look_up,) = harness.look_ups
    harness.look_ups.clear()
    ann.ask(Rename(TEAM, PublicRoom(ORCHARD)))
    harness.look_ups.append(look_up)
    harness.settle()
    page = ann.take()[-1]
    assert [message.room for message in page.messages] == [LOBBY, ORCHARD, LOBBY]
    rest = Bookmarks(place, PageLimit(2))  # type: ignore[arg-type]
    assert listed(ann, rest) == (["drei"], None)


def test_a_reply_that_would_be_too_long_is_cut() -> None:
    """The next page has the rest."""
    harness = Harness(PLENTY)
    ann = said(harness)
    for of in (1, 2):
        ann.ask(Bookmark(LOBBY, Seq(of)))
    harness.live.replace(Config(limits=Limits(reply_bytes=650)))
    texts, place = listed(ann, Bookmarks())
    assert texts == ["two"]
    assert listed(ann, Bookmarks(place)) == (["one"], None)  # type: ignore[arg-type]


def test_what_one_may_not_read_is_neither_kept_nor_listed() -> None:
    """From before one came, or where one has left while it was read."""
    harness = Harness(PLENTY)
    ann, bob = harness.user("ann"), harness.user("bob", LOBBY)
    ann.ask(Create(PublicRoom(TEAM)))
    ann.ask(Join(TEAM))
    ann.ask(Send(Text("before"), TEAM))
    ann.ask(SetRoom(TEAM, history=Visibility.SINCE_JOIN))
    bob.ask(Join(TEAM))
    error = bob.ask(Bookmark(TEAM, Seq(2)))[0]
    assert (error.code, error.field) == (RejectCode.NO_MESSAGE, "of")
    (sent, _) = bob.ask(Send(Text("behind"), TEAM))
    bob.ask(Bookmark(TEAM, sent.seq))
    assert listed(bob, Bookmarks()) == (["behind"], None)
    for meanwhile in ("trimmed", "left"):
        bob.say(Bookmarks(id=meanwhile))
        (look_up,) = harness.look_ups
        harness.look_ups.clear()
        if meanwhile == "trimmed":
            harness.chat.durable.rooms[TEAM].first = Seq(sent.seq + 1)
        else:
            harness.chat.durable.rooms[TEAM].first = Seq(1)
            bob.ask(Leave(TEAM))
        harness.look_ups.append(look_up)
        harness.settle()
        page = bob.take()[-1]
        assert (page.messages, page.next) == ([], None)


def test_the_list_is_authorised_again_when_it_is_answered() -> None:
    """By a token that has come meanwhile."""
    harness = Harness(PLENTY)
    ann = said(harness)
    ann.say(Bookmarks(id=1))
    scope = Scope(actions=frozenset({"send"}))
    harness.chat.live.connections[ann.id].scope = scope
    harness.settle()
    assert ann.take()[-1].code == RejectCode.FORBIDDEN
