from __future__ import annotations

from typing import Any

import pytest

from chatd.config import Config
from chatd.config.limits import Limits
from chatd.config.sections import Auth
from chatd.config.sections import Presence as PresenceSection
from chatd.core import inputs
from chatd.core.effects import Answer, Charge, Query
from chatd.core.queries import ReadHistory
from chatd.core.scope import Scope
from chatd.enums import State
from chatd.errors import Reject, RejectCode
from chatd.ids import RoomName, Seq, UserName
from chatd.wire import events, replies
from chatd.wire.commands import (
    Delete,
    Edit,
    History,
    Leave,
    Ping,
    React,
    Reactions,
    Rooms,
    Send,
    Who,
)
from chatd.wire.encode import encode
from chatd.wire.kinds import Emoji, PageLimit, Text
from chatd.wire.rooms import Create, Destroy
from tests.core.house import ANN, BOB, CY, LOBBY, House, Peer

TWO = PageLimit(2)


def test_ping_is_answered() -> None:
    """With its id."""
    ann = House().user("ann")
    assert ann.say(Ping(id="p")) == [Answer(ann.id, replies.Done("ping", "p"))]


# --- history --------------------------------------------------------------------


def test_a_page_that_cannot_be_read_is_refused() -> None:
    """With what the edge says; nobody is answered who has gone."""
    house = House()
    ann = house.user("ann", LOBBY)
    command = History(LOBBY, id=7)
    ann.say(command)
    house.look_ups.clear()
    busy = Reject(RejectCode.UNAVAILABLE, "not now", retry_after_s=1.0)
    refused = inputs.Answered(ann.id, command, ReadHistory(Seq(0), ANN), busy)
    house.handle(refused)
    (error,) = ann.take()
    assert (error.code, error.id, error.retry_after) == ("unavailable", 7, 1.0)
    ann.close()
    assert house.handle(refused) == []


def test_history_is_read_up_to_what_is_applied_and_folded_in() -> None:
    """Messages in rising seq, with edits, deletions and reactions folded in."""
    house = House()
    ann = house.user("ann", LOBBY)
    ann.ask(Send(Text("one"), LOBBY))
    ann.ask(Send(Text("two"), LOBBY))
    ann.ask(Edit(LOBBY, Seq(1), Text("uno")))
    ann.ask(React(LOBBY, Seq(1), Emoji("+")))
    ann.ask(Delete(LOBBY, Seq(2)))
    command = History(LOBBY, id=3)
    read = Query(ann.id, command, ReadHistory(Seq(5), ANN))
    assert ann.say(command) == [Charge(ann.id, 4), read]
    house.settle()
    (page,) = ann.take()
    assert (page.as_of, page.first, page.more, page.id) == (5, 1, False, 3)
    assert [entry.text for entry in page.messages] == ["uno", None]
    assert page.messages[0].reactions == {"+": [ANN]}
    assert page.messages[1].deleted


@pytest.mark.parametrize(
    ("bounds", "seqs", "more"),
    [
        ({}, [4, 5], True),
        ({"before": 4}, [2, 3], True),
        ({"before": 3}, [1, 2], False),
        ({"after": 1}, [2, 3], True),
        ({"after": 3}, [4, 5], False),
    ],
)
def test_a_page_of_history_has_bounds(
    bounds: dict[str, Any], seqs: list[int], more: bool
) -> None:
    """The newest, those before, or those after; and whether there are more."""
    house = House()
    ann = house.user("ann", LOBBY)
    for _ in range(5):
        ann.ask(Send(Text("hi"), LOBBY))
    (page,) = ann.ask(History(LOBBY, limit=TWO, **bounds))
    assert ([entry.seq for entry in page.messages], page.more) == (seqs, more)


@pytest.mark.parametrize(
    ("bounds", "seqs"), [({}, [2, 3]), ({"after": Seq(0)}, [1, 2])]
)
def test_a_page_is_cut_to_reply_bytes_and_says_more(
    bounds: dict[str, Any], seqs: list[int]
) -> None:
    """From the far end; with the longest id it fits all the same."""
    limit = 3000
    house = House(Config(limits=Limits(reply_bytes=limit)))
    ann = house.user("ann", LOBBY)
    for _ in range(3):
        ann.ask(Send(Text("x" * 1000), LOBBY))
    (page,) = ann.ask(History(LOBBY, id="\x01" * 64, **bounds))
    assert [entry.seq for entry in page.messages] == seqs
    assert page.more
    assert len(encode(page)) <= limit


def test_what_a_page_has_beside_its_entries_is_counted() -> None:
    """A full page of short messages with the longest names is within its bound."""
    room = RoomName("r" * 64)
    house = House(Config(limits=Limits(reply_bytes=2000, messages_per_s=0)))
    ann = house.user("ann", room)
    for number in range(40):
        ann.ask(Send(Text("x" * (number % 7 + 1)), room))
    (page,) = ann.ask(History(room, id="\x01" * 64))
    page.first = page.as_of = Seq(2**53)
    assert len(encode(page)) <= 2000


def test_without_a_bound_a_page_is_as_long_as_was_asked() -> None:
    """reply_bytes = 0 is no limit; one entry is given whatever its size."""
    for limit, count in ((0, 2), (1024, 1)):
        house = House(Config(limits=Limits(reply_bytes=limit)))
        ann = house.user("ann", LOBBY)
        for _ in range(2):
            ann.ask(Send(Text("x" * 4000), LOBBY))
        (page,) = ann.ask(History(LOBBY))
        assert len(page.messages) == count


def test_history_is_authorised_again_when_it_is_answered() -> None:
    """Who was removed meanwhile gets an error instead of the page."""
    house = House()
    ann, other = house.user("ann", LOBBY), house.user("ann")
    ann.ask(Send(Text("secret"), LOBBY))
    other.say(History(LOBBY, id=1))
    (look_up,) = house.look_ups
    house.look_ups.clear()
    ann.ask(Leave(LOBBY))
    house.look_ups.append(look_up)
    other.take()
    house.settle()
    (error,) = other.take()
    assert (error.re, error.code, error.id) == ("history", RejectCode.NOT_MEMBER, 1)


def test_reactions_are_listed_page_by_page() -> None:
    """In the order in which they were put, as far as the reply may be long."""
    house = House(Config(limits=Limits(messages_per_s=0, reply_bytes=650)))
    names = [ANN, BOB, CY]
    first, *others = (house.user(name, LOBBY) for name in names)
    first.ask(Send(Text("hi"), LOBBY))
    for peer in (first, *others):
        peer.ask(React(LOBBY, Seq(1), Emoji("👍")))
    first.take()
    (page,) = first.ask(Reactions(LOBBY, Seq(1), Emoji("👍"), id=1))
    assert (page.of, page.emoji, page.users, page.id) == (1, "👍", names[:1], 1)
    house.live.replace(Config())
    (page,) = first.ask(Reactions(LOBBY, Seq(1), Emoji("👍"), page.next, TWO))
    assert (page.users, page.next) == (names[1:], None)
    (page,) = first.ask(Reactions(LOBBY, Seq(1), Emoji("👎")))
    assert (page.users, page.next) == ([], None)


def test_reactions_to_what_one_may_not_read_are_not_told() -> None:
    """Neither of a message from before one came, nor where one has left meanwhile."""
    house = House()
    ann, bob = house.user("ann", LOBBY), house.user("bob", LOBBY)
    ann.ask(Send(Text("hi"), LOBBY))
    command = Reactions(LOBBY, Seq(1), Emoji("👍"), id=1)
    bob.say(command)
    (look_up,) = house.look_ups
    house.look_ups.clear()
    house.chat.durable.rooms[LOBBY].first = Seq(2)
    bob.take()
    (error,) = ann.ask(command)
    assert (error.code, error.field, error.id) == (RejectCode.NO_MESSAGE, "of", 1)
    house.look_ups.append(look_up)
    house.settle()
    (error,) = bob.take()
    assert (error.re, error.code) == ("reactions", RejectCode.NO_MESSAGE)


def test_reactions_to_what_is_no_message_are_refused() -> None:
    """As other commands about one are: beyond the head, an event, one deleted."""
    house = House()
    ann = house.user("ann", LOBBY)
    for text in ("one", "two"):
        ann.ask(Send(Text(text), LOBBY))
    ann.ask(React(LOBBY, Seq(1), Emoji("👍")))
    ann.ask(Delete(LOBBY, Seq(2)))
    for of in (2, 3, 4, 99):
        (error,) = ann.ask(Reactions(LOBBY, Seq(of), Emoji("👍"), id=of))
        told = (error.re, error.code, error.field, error.id)
        assert told == ("reactions", RejectCode.NO_MESSAGE, "of", of)
    (page,) = ann.ask(Reactions(LOBBY, Seq(1), Emoji("👎")))
    assert (page.users, page.next) == ([], None)


def test_history_that_comes_back_to_nobody_is_nothing() -> None:
    """Its connection is gone."""
    house = House()
    ann = house.user("ann", LOBBY)
    command = History(LOBBY)
    ann.say(command)
    ann.close()
    query = ReadHistory(Seq(0), ANN)
    nothing: tuple[list[Any], bool] = ([], False)
    assert house.handle(inputs.Answered(ann.id, command, query, nothing)) == []


# --- who and rooms ----------------------------------------------------------------


def test_who_lists_those_online_or_every_member_page_by_page() -> None:
    """By name; who is not there is offline."""
    house = House(Config(presence=PresenceSection(grace_s=0)))
    ann = house.user("ann", LOBBY)
    house.user("cy", LOBBY)
    house.user("bob", LOBBY).close()
    house.take_all()
    online = [events.UserShown(name, None, State.ONLINE) for name in (ANN, CY)]
    offline = events.UserShown(BOB, None, State.OFFLINE)
    assert ann.ask(Who(LOBBY)) == [replies.WhoPage(LOBBY, online)]
    first = replies.WhoPage(LOBBY, [online[0], offline], next=BOB)
    assert ann.ask(Who(LOBBY, limit=TWO, all=True)) == [first]
    rest = replies.WhoPage(LOBBY, online[1:])
    assert ann.ask(Who(LOBBY, after=BOB, limit=TWO, all=True)) == [rest]
    nobody = replies.WhoPage(LOBBY, [])
    assert ann.ask(Who(LOBBY, after=UserName("z"))) == [nobody]


def test_rooms_lists_the_public_ones_page_by_page() -> None:
    """With the numbers of those online and of the members; no direct rooms."""
    house = House(Config(presence=PresenceSection(grace_s=0)))
    ann = house.user("ann", RoomName("attic"), LOBBY, RoomName("zoo"))
    house.user("bob", RoomName("zoo")).close()
    ann.ask(Send(Text("psst"), to=BOB))
    ann.take()
    attic = replies.RoomShown(RoomName("attic"), 1, 1)
    lobby = replies.RoomShown(LOBBY, 1, 1, "Say hello")
    zoo = replies.RoomShown(RoomName("zoo"), 1, 2)
    assert ann.ask(Rooms()) == [replies.RoomsPage([attic, lobby, zoo])]
    assert ann.ask(Rooms(limit=TWO)) == [replies.RoomsPage([attic, lobby], next=LOBBY)]
    assert ann.ask(Rooms(after=LOBBY, limit=TWO)) == [replies.RoomsPage([zoo])]


def test_rooms_passes_over_whatever_is_not_public() -> None:
    """Wherever it stands among the others, and however much of it there is."""
    house = House(Config(auth=Auth(names="unicode")))
    public = [RoomName(name) for name in ("1st", LOBBY, "zoo", "\xe9cole", "\ud55c")]
    ann = house.user("ann", *public)
    ann.ask(Send(Text("psst"), to=BOB))
    ann.ask(Send(Text("psst"), to=CY))
    private = [ann.ask(Create(private=True))[0].room for _ in range(3)]
    assert {name[0] for name in house.chat.durable.rooms} == {
        "1",
        "l",
        "z",
        "\xe9",
        "\ud55c",
        *"@~",
    }
    seen: list[RoomName] = []
    after = None
    while True:
        (page,) = ann.ask(Rooms(after=after, limit=PageLimit(1)))
        seen += [shown.room for shown in page.rooms]
        if page.next is None:
            break
        assert page.next == seen[-1]
        after = page.next
    assert seen == public
    (page,) = ann.ask(Rooms(after=private[0]))
    assert [shown.room for shown in page.rooms] == public[3:]
    (page,) = ann.ask(Rooms(after=RoomName("@")))
    assert [shown.room for shown in page.rooms] == public[1:]
    (done, *_) = ann.ask(Destroy(RoomName("zoo")))
    assert done.type == "ok"
    ann.join(RoomName("yard"))
    (page,) = ann.ask(Rooms())
    assert [shown.room for shown in page.rooms] == sorted({*public, "yard"} - {"zoo"})


def test_a_page_of_who_follows_whoever_comes_and_goes() -> None:
    """Between two pages, by name, as if all were sorted for each."""
    house = House(Config(presence=PresenceSection(grace_s=0)))
    ann = house.user("ann", LOBBY)
    guests: dict[UserName, Peer] = {}
    for _ in range(30):
        guest = house.guest(LOBBY)
        guests[house.user_of(guest) or CY] = guest
    ann.take()
    (page,) = ann.ask(Who(LOBBY, limit=PageLimit(10)))
    assert [shown.name for shown in page.users] == sorted([ANN, *guests])[:10]
    for name in sorted(guests)[5:25]:
        guests.pop(name).close()
    late = house.guest(LOBBY)
    guests[house.user_of(late) or CY] = late
    ann.take()
    (rest,) = ann.ask(Who(LOBBY, after=page.next))
    assert page.next is not None
    expected = [name for name in sorted([ANN, *guests]) if name > page.next]
    assert [shown.name for shown in rest.users] == expected


def test_who_is_authorised_again_when_it_is_answered() -> None:
    """How members are shown who are not here is not told to who was removed."""
    house = House()
    house.user("bob", LOBBY)
    house.restart()
    ann, other = house.user("ann", LOBBY), house.user("ann")
    other.take()
    other.say(Who(LOBBY, all=True, id=1))
    (look_up,) = house.look_ups
    house.look_ups.clear()
    ann.ask(Leave(LOBBY))
    house.look_ups.append(look_up)
    other.take()
    house.settle()
    (error,) = other.take()
    assert (error.re, error.code, error.id) == ("who", RejectCode.NOT_MEMBER, 1)


def test_rooms_is_authorised_again_when_it_is_answered() -> None:
    """For a token that allows less than the one by which it was asked."""
    house = House()
    ann = house.user("ann", LOBBY)
    ann.take()
    ann.say(Rooms(id=1))
    house.chat.live.connections[ann.id].scope = Scope.of(None, ["send"])
    house.settle()
    (error,) = ann.take()
    assert (error.re, error.code, error.id) == ("rooms", RejectCode.FORBIDDEN, 1)
