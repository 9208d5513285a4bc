from __future__ import annotations

from chatd.config import Config
from chatd.config.sections import Auth
from chatd.config.sections import Presence as PresenceSection
from chatd.core.scope import Scope
from chatd.enums import State
from chatd.errors import RejectCode
from chatd.ids import RoomName, UserName, direct_room
from chatd.wire import events, replies
from chatd.wire.kinds import PageLimit, Text
from chatd.wire.rooms import Create, Destroy, Leave, Rooms, RoomShown, RoomsPage, Who
from chatd.wire.timeline import Send
from tests.core.harness import ANN, BOB, CY, LOBBY, Harness, Peer

TWO = PageLimit(2)


def test_who_lists_those_online_or_every_member_page_by_page() -> None:
    """By name; who is not there is offline."""
    harness = Harness(Config(presence=PresenceSection(grace_s=0)))
    ann = harness.user("ann", LOBBY)
    harness.user("cy", LOBBY)
    harness.user("bob", LOBBY).close()
    harness.take_all()
    online = [events.UserShown(name, None, State.ONLINE) for name in (ANN, CY)]
    offline = events.UserShown(BOB, None, State.OFFLINE)
    assert ann.ask(Who(LOBBY)) == [replies.WhoPage(LOBBY, online)]
    first = replies.WhoPage(LOBBY, [online[0], offline], next=BOB)
    assert ann.ask(Who(LOBBY, limit=TWO, all=True)) == [first]
    rest = replies.WhoPage(LOBBY, online[1:])
    assert ann.ask(Who(LOBBY, after=BOB, limit=TWO, all=True)) == [rest]
    nobody = replies.WhoPage(LOBBY, [])
    assert ann.ask(Who(LOBBY, after=UserName("z"))) == [nobody]


def test_who_tells_whether_there_is_somebody_to_talk_to() -> None:
    """Of a conversation that nobody has begun: whether its other one has an account.
    Nothing is learned of those of others, and guests have none.
    """
    harness = Harness()
    ann, guest = harness.user("ann"), harness.guest()
    bob = harness.user("bob")
    bob.ask(Send(Text("hello"), to=CY))
    harness.take_all()
    name = harness.user_of(guest)
    assert name is not None
    for peer, room, code in (
        (ann, direct_room(ANN, BOB), RejectCode.NO_ROOM),
        (ann, direct_room(ANN, UserName("nobody")), RejectCode.NO_USER),
        (ann, direct_room(ANN, name), RejectCode.NO_USER),
        (ann, direct_room(BOB, CY), RejectCode.NO_ROOM),
        (ann, direct_room(BOB, UserName("nobody")), RejectCode.NO_ROOM),
        (guest, direct_room(name, UserName("nobody")), RejectCode.NO_ROOM),
    ):
        (error,) = peer.ask(Who(room))
        assert error.code == code, room
    ann.ask(Send(Text("hello"), to=BOB))
    assert isinstance(ann.ask(Who(direct_room(ANN, BOB)))[-1], replies.WhoPage)


def test_rooms_lists_the_public_ones_page_by_page() -> None:
    """With the numbers of those online and of the members; no direct rooms."""
    harness = Harness(Config(presence=PresenceSection(grace_s=0)))
    ann = harness.user("ann", RoomName("attic"), LOBBY, RoomName("zoo"))
    harness.user("bob", RoomName("zoo")).close()
    ann.ask(Send(Text("psst"), to=BOB))
    ann.take()
    attic = RoomShown(RoomName("attic"), 1, 1)
    lobby = RoomShown(LOBBY, 1, 1, "Say hello")
    zoo = RoomShown(RoomName("zoo"), 1, 2)
    assert ann.ask(Rooms()) == [RoomsPage([attic, lobby, zoo])]
    assert ann.ask(Rooms(limit=TWO)) == [RoomsPage([attic, lobby], next=LOBBY)]
    assert ann.ask(Rooms(after=LOBBY, limit=TWO)) == [RoomsPage([zoo])]


def test_rooms_passes_over_whatever_is_not_public() -> None:
    """Wherever it stands among the others, and however much of it there is."""
    harness = Harness(Config(auth=Auth(names="unicode")))
    public = [RoomName(name) for name in ("1st", LOBBY, "zoo", "\xe9cole", "\ud55c")]
    ann = harness.user("ann", *public)
    ann.ask(Send(Text("psst"), to=BOB))
    ann.ask(Send(Text("psst"), to=CY))
    private = [ann.ask(Create(private=True))[0].room for _ in range(3)]
    assert {name[0] for name in harness.chat.durable.rooms} == {
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
    harness = Harness(Config(presence=PresenceSection(grace_s=0)))
    ann = harness.user("ann", LOBBY)
    guests: dict[UserName, Peer] = {}
    for _ in range(30):
        guest = harness.guest(LOBBY)
        guests[harness.user_of(guest) or CY] = guest
    ann.take()
    (page,) = ann.ask(Who(LOBBY, limit=PageLimit(10)))
    assert [shown.name for shown in page.users] == sorted([ANN, *guests])[:10]
    for name in sorted(guests)[5:25]:
        guests.pop(name).close()
    late = harness.guest(LOBBY)
    guests[harness.user_of(late) or CY] = late
    ann.take()
    (rest,) = ann.ask(Who(LOBBY, after=page.next))
    assert page.next is not None
    expected = [name for name in sorted([ANN, *guests]) if name > page.next]
    assert [shown.name for shown in rest.users] == expected


def test_who_is_authorised_again_when_it_is_answered() -> None:
    """How members are shown who are not here is not told to who was removed."""
    harness = Harness()
    harness.user("bob", LOBBY)
    harness.restart()
    ann, other = harness.user("ann", LOBBY), harness.user("ann")
    other.take()
    other.say(Who(LOBBY, all=True, id=1))
    (look_up,) = harness.look_ups
    harness.look_ups.clear()
    ann.ask(Leave(LOBBY))
    harness.look_ups.append(look_up)
    other.take()
    harness.settle()
    (error,) = other.take()
    assert (error.re, error.code, error.id) == ("who", RejectCode.NOT_MEMBER, 1)


def test_rooms_is_authorised_again_when_it_is_answered() -> None:
    """For a token that allows less than the one by which it was asked."""
    harness = Harness()
    ann = harness.user("ann", LOBBY)
    ann.take()
    ann.say(Rooms(id=1))
    harness.chat.live.connections[ann.id].scope = Scope.of(None, ["send"])
    harness.settle()
    (error,) = ann.take()
    assert (error.re, error.code, error.id) == ("rooms", RejectCode.FORBIDDEN, 1)
