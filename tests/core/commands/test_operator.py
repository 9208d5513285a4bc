from __future__ import annotations

from typing import Any

import attrs
import pytest

from chatd.config import Config, Difference
from chatd.config.limits import Limits
from chatd.core import effects
from chatd.core.changes import RoomEnded
from chatd.core.effects import Append
from chatd.core.inputs import Seen
from chatd.enums import LogLevel
from chatd.errors import Ending, Reject, RejectCode
from chatd.ids import OPERATOR, ConnectionId, RoomName, UserName
from chatd.wire.kinds import (
    AuditSeconds,
    BanSeconds,
    Device,
    LevelSeconds,
    PageLimit,
    PublicRoom,
    Secret,
    Text,
)
from chatd.wire.moderation import Mute
from chatd.wire.operator import (
    Announce,
    Audit,
    BusyRooms,
    Connections,
    Disconnect,
    Drain,
    Reload,
    Reloaded,
    Report,
    SetLogLevel,
)
from chatd.wire.place import Announcement, Ping
from chatd.wire.replies import Done, Refusal
from chatd.wire.rooms import Create, Rename
from chatd.wire.timeline import Send
from tests.core.harness import ANN, BOB, CY, LOBBY, SERVER, Harness

LATER_S = 3600
TEAM = RoomName("team")


def test_the_operator_needs_no_hello_and_is_not_sent_away() -> None:
    """Who is silent at the admin socket may stay."""
    harness = Harness()
    operator = harness.open(is_operator=True)
    silent = harness.open()
    harness.wait(LATER_S)
    assert operator.ending is None
    assert silent.ending is Ending.NO_HELLO


def test_a_report_says_how_the_daemon_is() -> None:
    """What the edge sees, and who is there; the operator is not counted."""
    harness = Harness()
    harness.user(ANN)
    harness.open()
    (reported,) = harness.open(is_operator=True).ask(Report(1))
    assert reported.id == 1
    assert reported.server == "chatd/test"
    assert (reported.connections, reported.users_online) == (2, 1)
    assert (reported.pid, reported.started) == (7, 1)
    assert reported.now == harness.now.wall
    assert (reported.ready, reported.queued) == (True, 3)
    assert (reported.events, reported.events_per_s) == (4, 0.5)
    assert (reported.listening, reported.metrics) == (["here"], ["there"])
    assert reported.config is SERVER.process.config
    assert reported.store is SERVER.process.store


def test_connections_are_listed_as_they_came() -> None:
    """Who, from where, since when, with what; operators are not among them."""
    harness = Harness()
    operator = harness.open(is_operator=True)
    ann = harness.open()
    opened = harness.now.wall
    harness.wait(1)
    ann.hello(name=ANN, password=Secret("right"), device=Device("desk"))
    ann.join(LOBBY)
    silent = harness.open()
    (page,) = operator.ask(Connections(id="x"))
    first, second = page.connections
    assert (page.next, page.id) == (None, "x")
    assert (first.connection, first.user, first.device) == (ann.id, ANN, "desk")
    assert (first.opened, first.rooms) == (opened, 1)
    assert (first.address, first.received, first.sent) == ("192.0.2.1", ann.id, 2)
    assert (first.unread, first.lag, first.messages) == (3, 0.5, 9)
    assert (second.connection, second.user, second.rooms) == (silent.id, None, 0)


def test_connections_come_in_pages() -> None:
    """Each goes on behind the last; one of a user has his alone."""
    harness = Harness()
    operator = harness.open(is_operator=True)
    anns = [harness.user(ANN).id for _ in range(3)]
    bob = harness.user(BOB).id
    found: list[ConnectionId] = []
    after = None
    for _ in range(2):
        (page,) = operator.ask(Connections(None, after, PageLimit(2)))
        found += [one.connection for one in page.connections]
        after = page.next
    assert (found, after) == ([*anns, bob], None)
    (page,) = operator.ask(Connections(ANN, anns[0]))
    assert [one.connection for one in page.connections] == anns[1:]
    (page,) = operator.ask(Connections(UserName("nobody")))
    assert page.connections == []


def test_the_busiest_come_first_and_have_no_pages() -> None:
    """As the edge has found them; operators are not looked at."""
    harness = Harness(Config(limits=attrs.evolve(Limits(), reply_bytes=1024)))
    numbers = [harness.user(ANN).id for _ in range(3)]
    operator = harness.open(is_operator=True)
    (page,) = operator.ask(Connections(limit=PageLimit(2), busiest=True, id=1))
    assert [one.connection for one in page.connections] == numbers[:0:-1]
    assert (page.next, page.id) == (None, 1)
    for _ in range(20):
        harness.user(ANN)
    (page,) = operator.ask(Connections(busiest=True))
    assert len(page.connections) < 20
    assert page.next is None


def test_a_page_is_cut_to_what_a_reply_may_hold() -> None:
    """And goes on behind that."""
    config = Config(limits=attrs.evolve(Limits(), reply_bytes=1024))
    harness = Harness(config)
    operator = harness.open(is_operator=True)
    for _ in range(20):
        harness.user(ANN)
    (page,) = operator.ask(Connections())
    assert 0 < len(page.connections) < 20
    assert page.next == page.connections[-1].connection


def test_who_goes_meanwhile_is_left_out() -> None:
    """He is not there any more when what was seen of him comes."""
    harness = Harness()
    operator = harness.open(is_operator=True)
    ann, bob = harness.user(ANN), harness.user(BOB)
    operator.say(Connections())
    look_up = harness.look_ups.pop()
    seen = harness._observe(look_up)  # type: ignore[arg-type]
    ann.close()
    harness.handle(seen)
    (page,) = operator.take()
    assert [one.connection for one in page.connections] == [bob.id]


def test_what_cannot_be_seen_is_refused_and_holds_up_nothing() -> None:
    """Nor does it let go on what waits for something else."""
    harness = Harness()
    operator = harness.open(is_operator=True)
    command = Report(id=1)
    operator.say(command)
    harness.look_ups.clear()
    operator.say(Drain())
    operator.say(Ping())
    away = Reject(RejectCode.UNAVAILABLE, "the files are away")
    harness.handle(Seen(operator.id, command, away))
    (refused,) = operator.take()
    assert (refused.code, refused.id) == (RejectCode.UNAVAILABLE, 1)
    harness.settle()
    assert [reply.re for reply in operator.take()] == ["drain", "ping"]


def test_one_connection_is_ended_and_the_session_stays() -> None:
    """With a code of its own, that tells the client to stop."""
    harness = Harness()
    operator = harness.open(is_operator=True)
    desk, phone = harness.user(ANN), harness.user(ANN)
    (done,) = operator.ask(Disconnect(desk.id, id=1))
    assert (done.ended, done.id) == (1, 1)
    assert desk.ending is Ending.KICKED
    assert phone.ending is None
    (again,) = operator.ask(Disconnect(desk.id))
    assert again.ended == 0
    (entry,) = operator.ask(Audit())[0].entries
    assert (entry.what, entry.connection, entry.user) == ("disconnect", desk.id, None)


def test_all_connections_of_a_user_are_ended() -> None:
    """Those of others are not, nor is the operator's own."""
    harness = Harness()
    operator = harness.open(is_operator=True)
    anns, bob = [harness.user(ANN), harness.user(ANN)], harness.user(BOB)
    (done,) = operator.ask(Disconnect(user=ANN))
    assert done.ended == 2
    (entry,) = operator.ask(Audit())[0].entries
    assert (entry.what, entry.connection, entry.user) == ("disconnect", None, ANN)
    assert {peer.ending for peer in anns} == {Ending.KICKED}
    assert bob.ending is None
    (done,) = operator.ask(Disconnect(operator.id))
    assert (done.ended, operator.ending) == (0, None)
    (done,) = operator.ask(Disconnect(user=UserName("nobody")))
    assert done.ended == 0


def test_a_reload_is_answered_when_it_is_known_what_has_changed() -> None:
    """Or why nothing has; others go on meanwhile, and who has gone is told nothing."""
    harness = Harness()
    operator, ann = harness.open(is_operator=True), harness.user(ANN, LOBBY)
    found = Difference(("auth.guests",), (), ("server.listen",))
    operator.say(Reload(1))
    assert harness.look_ups == [effects.Reload(operator.id, Reload(1))]
    harness.look_ups.clear()
    assert ann.ask(Ping()) == [Done("ping")]
    assert operator.take() == []
    harness.handle(Seen(operator.id, Reload(1), found))
    assert operator.take() == []
    harness.settle()
    assert operator.take() == [Reloaded(["auth.guests"], [], ["server.listen"], id=1)]
    nothing = Difference((), (), ("server.listen",))
    harness.handle(Seen(operator.id, Reload(2), nothing))
    assert operator.take() == [Reloaded([], [], ["server.listen"], id=2)]
    harness.settle()
    (entry,) = operator.ask(Audit())[0].entries
    assert (entry.what, entry.keys) == ("reload", ["auth.guests"])
    harness.handle(Seen(operator.id, Reload(), Reject(RejectCode.BAD_CONFIG, "no")))
    (refused,) = operator.take()
    assert (refused.code, refused.re, refused.text) == ("bad_config", "reload", "no")
    operator.close()
    harness.handle(Seen(operator.id, Reload(), found))
    harness.settle()
    assert [one.what for one, _ in harness.model.audit] == ["reload", "reload"]


_FOUND: tuple[tuple[Any, Any], ...] = (
    (Reload(), Difference((), (), ("server.listen",))),
    (Reload(), Reject(RejectCode.BAD_CONFIG, "no")),
    (Report(), SERVER),
    (Connections(), {}),
)


@pytest.mark.parametrize(("command", "found"), _FOUND)
def test_what_was_seen_for_somebody_who_has_gone_is_nothing(
    command: Any, found: Any
) -> None:
    """Nobody is told, and nothing is kept."""
    harness = Harness()
    operator, other = (harness.open(is_operator=True) for _ in range(2))
    operator.say(command)
    operator.close()
    harness.look_ups.clear()
    assert harness.handle(Seen(operator.id, command, found)) == []
    assert (operator.take(), other.take()) == ([], [])
    assert harness.model.audit == []


def test_a_reload_that_cannot_be_kept_says_that_it_is_in_force() -> None:
    """What was sent behind it goes on then."""
    harness = Harness()
    operator = harness.open(is_operator=True)
    operator.say(Reload(1))
    operator.say(BusyRooms(id=2))
    harness.look_ups.clear()
    harness.handle(Seen(operator.id, Reload(1), Difference(("auth.guests",))))
    assert operator.take() == []
    harness.fail()
    refused, behind = operator.take()
    assert (refused.code, refused.id, behind.id) == ("unavailable", 1, 2)
    assert refused.text.startswith("it is in force, but is not in the audit: ")


@pytest.mark.parametrize(
    "command", [Drain(1), SetLogLevel(LogLevel.DEBUG, LevelSeconds(600), 1)]
)
def test_the_process_is_steered(command: Drain | SetLogLevel) -> None:
    """When it is kept that it is."""
    harness = Harness()
    operator = harness.open(is_operator=True)
    (kept,) = operator.say(command)
    assert isinstance(kept, Append)
    assert (operator.take(), harness.steered) == ([], [])
    harness.settle()
    (done,) = operator.take()
    assert (done.type, done.re, done.id) == ("ok", command.type, 1)
    assert harness.steered == [command]
    (entry,) = operator.ask(Audit())[0].entries
    assert (entry.what, entry.sender) == (command.type, OPERATOR)
    assert entry.level == getattr(command, "level", None)


_DONE: tuple[Any, ...] = (
    Announce(Text("tea")),
    Disconnect(user=ANN),
    Drain(),
    SetLogLevel(LogLevel.DEBUG),
)


@pytest.mark.parametrize("command", _DONE)
def test_what_cannot_be_kept_is_not_done(command: Any) -> None:
    """A refusal means that; it may be asked for again."""
    harness = Harness()
    operator, ann = harness.open(is_operator=True), harness.user(ANN)
    operator.say(command)
    harness.fail()
    (refused,) = operator.take()
    assert (refused.code, refused.re) == ("unavailable", command.type)
    assert (ann.take(), ann.ending, harness.steered) == ([], None, [])
    (done,) = operator.ask(command)
    assert done.type == "ok"
    assert ann.take() or ann.ending or harness.steered


@pytest.mark.parametrize("command", _DONE)
@pytest.mark.parametrize("gone", [False, True])
def test_what_is_kept_is_done_for_nobody_as_well(command: Any, gone: bool) -> None:
    """Whoever has asked may have been told to wait no longer, or have gone."""
    harness = Harness()
    operator, ann = harness.open(is_operator=True), harness.user(ANN)
    operator.say(command)
    if gone:
        operator.close()
    else:
        harness.stall()
        (told,) = operator.take()
        assert told.code == "unavailable"
    harness.settle()
    assert ann.take() or ann.ending or harness.steered
    assert [one.what for one, _ in harness.model.audit] == [command.type]
    assert operator.take() == []


def test_the_audit_is_read_in_pages_by_the_operator() -> None:
    """What he asks for, and as much as a reply may hold."""
    harness = Harness(Config(limits=attrs.evolve(Limits(), reply_bytes=1024)))
    operator, ann = harness.open(is_operator=True), harness.user(ANN)
    ann.ask(Create(PublicRoom("team")))
    harness.user(BOB, TEAM)
    for seconds in range(1, 25):
        ann.ask(Mute(TEAM, BOB, BanSeconds(seconds)))
        harness.wait(60)
    found: list[Any] = []
    after = None
    while not found or after is not None:
        (page,) = operator.ask(Audit(user=BOB, by=ANN, room=TEAM, after=after, id=3))
        assert 0 < len(page.entries) < 20
        assert page.id == 3
        found += page.entries
        after = page.next
    assert [entry.ts for entry in found] == sorted(
        (entry.ts for entry in found), reverse=True
    )
    assert len(found) == 24
    (page,) = operator.ask(Audit(seconds=AuditSeconds(150)))
    assert [entry.entry for entry in page.entries] == [24, 23]
    (page,) = operator.ask(Audit(operator=True))
    assert page.entries == []


def test_nobody_else_may() -> None:
    """Not even an administrator of the server."""
    harness = Harness()
    harness.user(BOB)
    ada = harness.user("ada")
    (reply,) = ada.ask(Disconnect(user=BOB))
    assert isinstance(reply, Refusal)
    assert reply.code == "forbidden"


def test_an_announcement_reaches_everybody_who_is_here() -> None:
    """On each device, once; who has not said hello, or has ended, is not here."""
    harness = Harness()
    operator = harness.open(is_operator=True)
    anns, bob = [harness.user(ANN), harness.user(ANN)], harness.user(BOB)
    silent = harness.open()
    ended = harness.user(CY)
    operator.ask(Disconnect(ended.id))
    (done,) = operator.ask(Announce(Text("tea"), id=3))
    assert (done.users, done.id) == (2, 3)
    for peer in (*anns, bob):
        assert peer.take() == [Announcement("tea")]
    assert silent.take() == []
    assert ended.take() == []
    (entry, _) = operator.ask(Audit())[0].entries
    assert (entry.what, entry.text, entry.room) == ("announce", "tea", None)


def test_an_announcement_is_made_in_a_room() -> None:
    """To who is online there, whether he follows it or not; also where nobody is."""
    harness = Harness()
    operator = harness.open(is_operator=True)
    ann, bob = harness.user(ANN, TEAM), harness.user(BOB)
    harness.take_all()
    (done,) = operator.ask(Announce(Text("tea"), TEAM))
    assert done.users == 1
    assert ann.take() == [Announcement("tea", TEAM)]
    assert bob.take() == []
    operator.ask(Create(PublicRoom("hall")))
    (done,) = operator.ask(Announce(Text("tea"), RoomName("hall")))
    assert done.users == 0
    (error,) = operator.ask(Announce(Text("tea"), RoomName("none")))
    assert error.code == "no_room"
    assert len(operator.ask(Audit())[0].entries) == 3


def test_an_announcement_finds_a_room_that_is_called_otherwise_by_then() -> None:
    """And nobody, where it has ended by then."""
    harness = Harness()
    operator, ann = harness.open(is_operator=True), harness.user(ANN)
    ann.ask(Create(PublicRoom("team")))
    ann.say(Rename(TEAM, PublicRoom("crew")))
    harness.write(1)
    operator.say(Announce(Text("tea"), TEAM))
    harness.settle()
    assert operator.take()[-1].users == 1
    assert Announcement("tea", RoomName("crew")) in ann.take()
    operator.say(Announce(Text("tea"), RoomName("crew")))
    harness.change(RoomEnded(RoomName("crew")))
    harness.settle()
    assert operator.take()[-1].users == 0


def test_the_rooms_where_most_happens_come_first() -> None:
    """By how much was delivered since the same connection has looked last."""
    harness = Harness(Config(limits=Limits(messages_per_s=0)))
    operator, other = (harness.open(is_operator=True) for _ in range(2))
    hall, quiet = RoomName("hall"), RoomName("quiet")
    ann = harness.user(ANN, LOBBY, TEAM, hall, quiet)
    harness.user(BOB, LOBBY, TEAM)
    (first,) = operator.ask(BusyRooms(id=1))
    assert (first.rooms, first.id) == ([], 1)
    for room, count in ((LOBBY, 1), (TEAM, 2), (hall, 3)):
        for _ in range(count):
            ann.ask(Send(Text("hi"), room))
    ann.ask(Send(Text("hi"), to=BOB))
    ann.join(RoomName("new"))
    (found,) = operator.ask(BusyRooms())
    assert [(one.room, one.events, one.online) for one in found.rooms] == [
        (TEAM, 2, 2),
        (hall, 3, 1),
        (LOBBY, 1, 2),
    ]
    ann.ask(Rename(TEAM, PublicRoom("crew")))
    (found,) = operator.ask(BusyRooms(PageLimit(1)))
    assert [(one.room, one.events) for one in found.rooms] == [("crew", 1)]
    assert operator.ask(BusyRooms())[0].rooms == []
    assert other.ask(BusyRooms())[0].rooms == []
