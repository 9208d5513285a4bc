"""What a place tells before a login, and who says what it is called."""

from __future__ import annotations

import pytest

from chatd.config import Config
from chatd.config.limits import Limits
from chatd.config.sections import Auth, Server
from chatd.config.urls import parse_public_url
from chatd.core.effects import Answer
from chatd.core.principal import Renewal
from chatd.core.scope import Scope
from chatd.errors import RejectCode
from chatd.wire import replies
from chatd.wire.events import PlaceNamed
from chatd.wire.kinds import Display, GuestName, Secret
from chatd.wire.place import About, Described, EntryLimits, NamePlace, Ping
from chatd.wire.replies import Done
from chatd.wire.sessions import Hello
from tests.core.harness import LOBBY, Harness, Peer

NORTHWIND = NamePlace(Display("Northwind"))


def told(peer: Peer) -> Described:
    """What somebody is told of the place."""
    (reply,) = peer.ask(About())
    assert isinstance(reply, Described)
    return reply


def test_a_stranger_is_told_how_to_get_in() -> None:
    """Everything that a form before a login needs, and no word of who is here."""
    auth = Auth(registration="open", guests=False, names="unicode")
    limits = Limits(text_chars=100, frame_bytes=2048)
    harness = Harness(Config(auth=auth, limits=limits))
    assert harness.open().ask(About(id=7)) == [
        Described(
            "chatd",
            "chatd/test",
            1,
            "open",
            False,
            "unicode",
            EntryLimits(32, 64, 8, 1024, 100, 2048),
            id=7,
        )
    ]


def test_about_is_answered_whoever_asks_and_how_often() -> None:
    """Before hello, behind it, by a token that allows nothing, and it is no error."""
    harness = Harness()
    harness.tokens["narrow"] = Renewal(None, None, Scope.of([LOBBY], ["send"]))
    stranger, narrow = harness.open(), harness.open()
    narrow.hello(token=Secret("narrow"))
    for peer in (stranger, narrow, harness.user("bob"), harness.guest()):
        for _ in range(50):
            assert told(peer).place == "chatd"
        assert peer.ending is None
    assert stranger.hello()[0].type == "welcome"


def test_about_behind_a_hello_waits_for_it() -> None:
    """As any command does, so answers come in the order of asking."""
    harness = Harness()
    peer = harness.open()
    peer.say(Hello(GuestName("ann"), Secret("right")))
    assert [frame.re for frame in peer.ask(About())] == ["hello", "about"]


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("", "chatd"),
        ("https://chat.example.org:8443/team", "chat.example.org"),
        ("http://[::1]:8765", "[::1]"),
    ],
)
def test_who_has_not_named_it_has_the_host(url: str, name: str) -> None:
    """That of the public address, without a port; else the program's name."""
    harness = Harness(Config(server=Server(public_url=parse_public_url(url))))
    assert told(harness.open()).place == name
    (welcome,) = harness.open().hello()
    assert welcome.place == name


def test_an_administrator_names_the_place_for_everybody() -> None:
    """After the commit: the ok first; who is here is told, who comes is, too."""
    harness = Harness()
    ada, bob, guest, stranger = (
        harness.user("ada"),
        harness.user("bob"),
        harness.guest(),
        harness.open(),
    )
    harness.take_all()
    ada.say(NamePlace(Display("Northwind"), id=3))
    ada.say(Ping())
    assert ada.take() == bob.take() == []
    harness.commit()
    assert ada.take() == [Done("place", 3), PlaceNamed("Northwind"), Done("ping")]
    assert bob.take() == guest.take() == [PlaceNamed("Northwind")]
    assert stranger.take() == []
    assert told(stranger).place == "Northwind"
    harness.restart()
    (welcome,) = harness.open().hello()
    assert welcome.place == "Northwind"


def test_the_same_name_again_is_no_news() -> None:
    """It is granted, and nobody is told."""
    harness = Harness()
    ada, bob = harness.user("ada"), harness.user("bob")
    ada.ask(NORTHWIND)
    harness.take_all()
    assert ada.ask(NORTHWIND) == [Done("place")]
    assert bob.take() == []


@pytest.mark.parametrize("name", ["bob", None])
def test_nobody_else_names_it(name: str | None) -> None:
    """Neither an account nor a guest; nothing is stored."""
    harness = Harness()
    peer = harness.user(name) if name else harness.guest()
    (error,) = peer.ask(NORTHWIND)
    assert error.code is RejectCode.FORBIDDEN
    assert harness.model.place is None


def test_a_name_that_is_not_stored_is_nobodys() -> None:
    """The administrator is told, and goes on."""
    harness = Harness()
    ada, bob = harness.user("ada"), harness.user("bob")
    ada.say(NORTHWIND)
    harness.fail()
    (error,) = ada.take()
    assert (error.code, error.re) == (RejectCode.UNAVAILABLE, "place")
    assert bob.take() == []
    assert told(bob).place == "chatd"
    assert ada.ask(Ping()) == [Done("ping")]


def test_who_has_gone_meanwhile_has_named_it() -> None:
    """What was accepted is done; there is nobody to answer."""
    harness = Harness()
    ada, bob = harness.user("ada"), harness.user("bob")
    ada.say(NORTHWIND)
    ada.close()
    harness.commit()
    assert bob.take() == [PlaceNamed("Northwind")]


def test_names_have_the_rate_of_messages() -> None:
    """Each is a commit, and told to everybody."""
    harness = Harness(Config(limits=Limits(messages_per_s=1, messages_burst=2)))
    ada = harness.user("ada")
    codes = [
        getattr(frame, "code", frame.type)
        for number in range(3)
        for frame in ada.ask(NamePlace(Display(f"n{number}")))
    ]
    assert codes == ["ok", "place", "ok", "place", RejectCode.RATE_LIMITED]


def test_ping_is_answered() -> None:
    """With its id."""
    ann = Harness().user("ann")
    assert ann.say(Ping(id="p")) == [Answer(ann.id, replies.Done("ping", "p"))]
