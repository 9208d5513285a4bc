"""One's own sessions: a list of them, and an end of one."""

from __future__ import annotations

from typing import Any

import pytest

from chatd.config import Config
from chatd.config.limits import Limits
from chatd.config.sections import Auth
from chatd.core.changes import SessionsEnded
from chatd.core.drafts import OpenSession, SaveMarks
from chatd.core.effects import Charge, Query
from chatd.core.principal import Renewal
from chatd.core.scope import Scope
from chatd.errors import Ending, RejectCode
from chatd.ids import SessionId, SessionTag, session_tag
from chatd.wire.commands import Hello, Logout, Ping, Send, Sessions
from chatd.wire.kinds import Device, GuestName, PageLimit, Secret, Text
from chatd.wire.replies import Done, SessionShown
from tests.core.house import ANN, BOB, LOBBY, UNAVAILABLE, House, Peer

FREE = Config(limits=Limits(messages_per_s=0))
NONE = SessionTag("0a1b2c3d4e")


def log_in(house: House, device: str | None = None, name: str = "ann") -> Peer:
    """A connection of an account, whose client calls itself something."""
    peer = house.open()
    peer.hello(
        name=GuestName(name),
        password=Secret("right"),
        device=None if device is None else Device(device),
    )
    return peer


def session_of(peer: Peer) -> SessionId:
    """A connection's session."""
    session = peer.house.chat.live.connections[peer.id].session
    assert session is not None
    return session


def tag_of(peer: Peer) -> SessionTag:
    """What it is called."""
    return session_tag(session_of(peer))


def listed(peer: Peer, **fields: Any) -> dict[SessionTag, SessionShown]:
    """What `sessions` answers, by what they are called."""
    (page,) = peer.ask(Sessions(**fields))
    assert page.re == "sessions"
    return {entry.session: entry for entry in page.sessions}


def codes(frames: list[Any]) -> list[RejectCode]:
    """What was refused."""
    return [frame.code for frame in frames if frame.type == "error"]


# --- the list ---------------------------------------------------------------------


def test_each_session_is_told_with_its_device_and_times() -> None:
    """Since when, whether it is connected or since when not, and which one asks."""
    house = House()
    desk = log_in(house, "desk")
    house.wait(10)
    phone = log_in(house, "phone")
    nameless, bob = log_in(house), log_in(house, "bob's", "bob")
    opened = house.now.wall
    gone = tag_of(phone)
    house.wait(5)
    phone.close()
    seen = house.now.wall
    house.wait(60)
    house.settle()
    assert listed(desk) == {
        tag_of(desk): SessionShown(
            tag_of(desk), opened - 10_000, None, "desk", connected=True, current=True
        ),
        gone: SessionShown(gone, opened, seen, "phone"),
        tag_of(nameless): SessionShown(
            tag_of(nameless), opened, None, None, connected=True
        ),
    }
    (of_bob,) = listed(bob).values()
    assert (of_bob.device, of_bob.current) == ("bob's", True)


def test_what_the_store_is_told_later_is_told_at_once() -> None:
    """A device that has just gone, or come back under another name."""
    house = House()
    desk, phone = log_in(house, "desk"), log_in(house, "phone")
    tag, secret = tag_of(phone), Secret(session_of(phone).decode())
    house.wait(60)
    phone.close()
    house.wait(1)
    assert listed(desk)[tag].seen == house.now.wall - 1000
    again = house.open()
    again.hello(session=secret, device=Device("phone 2"))
    (entry,) = [e for e in listed(again).values() if e.current]
    assert (entry.device, entry.connected, entry.seen) == ("phone 2", True, None)
    house.wait(5)
    (marks,) = [o.draft for o in house.drafts if isinstance(o.draft, SaveMarks)]
    assert marks.devices == {SessionId(secret.encode()): "phone 2"}
    again.close()
    house.settle()
    assert listed(desk)[tag].device == "phone 2"


def test_what_is_just_being_written_was_a_moment_ago() -> None:
    """Between the draft of an idle time and its commit neither place has it."""
    house = House()
    desk, phone = log_in(house), log_in(house)
    tag = tag_of(phone)
    house.wait(60)
    house.settle()
    phone.close()
    house.wait(4)
    assert house.drafts
    assert listed(desk)[tag].seen == house.now.wall


def test_a_device_that_could_not_be_written_is_written_later() -> None:
    """With the idle times, of which the same is true."""
    house = House()
    secret = Secret(session_of(log_in(house, "old")).decode())
    house.open().hello(session=secret, device=Device("new"))
    house.wait(4)
    house.fail()
    house.wait(4)
    house.commit()
    assert house.model.devices[SessionId(secret.encode())] == "new"


def test_who_resumes_without_a_word_keeps_the_name_that_it_had() -> None:
    """And so does who brings another token with it."""
    house = House()
    secret = Secret(session_of(log_in(house, "old")).decode())
    peer = house.open()
    peer.hello(session=secret)
    house.wait(10)
    assert [e.device for e in listed(peer).values()] == ["old"]


def test_a_session_that_depends_on_a_token_says_so() -> None:
    """Until a password or another token says otherwise."""
    house = House()
    house.tokens["t"] = Renewal(None, house.now.wall + 600_000, None)
    peer = house.open()
    peer.hello(token=Secret("t"))
    assert [e.token for e in listed(peer).values()] == [True]


def test_sessions_that_were_idle_for_too_long_are_over() -> None:
    """They are not resumed any more, and not in the list."""
    house = House(Config(auth=Auth(session_days=1)))
    one, two = log_in(house), log_in(house)
    two.close()
    house.wait(86_395)
    assert len(listed(one)) == 2
    house.wait(10)
    assert list(listed(one)) == [tag_of(one)]


def test_a_session_that_ended_while_it_was_looked_up_is_not_told() -> None:
    """The reader saw it still."""
    house = House()
    one, two = log_in(house), log_in(house)
    one.take()
    (charge, read) = one.say(Sessions())
    assert isinstance(charge, Charge)
    assert isinstance(read, Query)
    effect = house.look_ups.pop()
    answer = house.look_up(read)
    two.ask(Logout())
    assert effect is read
    house.handle(answer)
    (page,) = one.take()
    assert [e.session for e in page.sessions] == [tag_of(one)]


def test_the_list_has_pages() -> None:
    """By what they are called; the last one has no `next`."""
    house = House(Config(limits=Limits(connections_per_user=0)))
    peers = [log_in(house) for _ in range(5)]
    tags = sorted(tag_of(peer) for peer in peers)
    ann, found = peers[0], []
    ann.take()
    (page,) = ann.ask(Sessions(limit=PageLimit(2)))
    while page.next is not None:
        assert len(page.sessions) == 2
        found += [e.session for e in page.sessions]
        (page,) = ann.ask(Sessions(after=page.next, limit=PageLimit(2)))
    assert found + [e.session for e in page.sessions] == tags


def test_a_page_is_no_larger_than_a_reply_may_be() -> None:
    """What did not fit comes with the next one."""
    house = House(Config(limits=Limits(connections_per_user=0, reply_bytes=1024)))
    peers = [log_in(house, "x" * 64) for _ in range(9)]
    (page,) = peers[0].ask(Sessions())[-1:]
    assert 1 <= len(page.sessions) < 9
    assert page.next == page.sessions[-1].session


def test_a_guest_sees_the_one_that_he_has() -> None:
    """And what his client is called."""
    house = House()
    guest = house.open()
    guest.hello(device=Device("kiosk"))
    (entry,) = listed(guest).values()
    assert (entry.device, entry.current, entry.token) == ("kiosk", True, False)


def test_a_narrower_token_that_comes_meanwhile_gets_no_list() -> None:
    """What was looked up before is answered as it allows."""
    house = House()
    house.tokens["wide"] = Renewal(None, None, None)
    peer = house.open()
    peer.hello(token=Secret("wide"))
    peer.say(Sessions())
    house.chat.live.connections[peer.id].scope = Scope.of(None, ["send"])
    house.settle()
    assert codes(peer.take()) == [RejectCode.FORBIDDEN]
    peer.say(Sessions())
    peer.close()
    house.settle()


# --- the end of one ---------------------------------------------------------------


def test_another_session_is_ended() -> None:
    """With 4505 and for good, also for who has it no connection; the others stay."""
    house = House(FREE)
    desk, phone, bob = log_in(house), log_in(house), log_in(house, name="bob")
    away = log_in(house)
    secrets = [Secret(session_of(peer).decode()) for peer in (phone, away)]
    tags = [tag_of(phone), tag_of(away)]
    away.close()
    house.take_all()
    for tag in tags:
        assert desk.ask(Logout(session=tag, id=1)) == [Done("logout", 1)]
    assert [p.ending for p in (desk, phone, bob)] == [None, Ending.REVOKED, None]
    assert phone.ask(Ping()) == []
    for secret in secrets:
        assert codes(house.open().hello(session=secret)) == [RejectCode.BAD_CREDENTIALS]
    assert list(listed(desk)) == [tag_of(desk)]


def test_ones_own_session_is_ended_as_by_logout_alone() -> None:
    """With 1000; a guest has only this one."""
    house = House()
    for peer in (log_in(house), house.guest(LOBBY)):
        peer.take()
        (done,) = peer.ask(Logout(session=tag_of(peer)))
        assert (done.type, peer.ending) == ("ok", Ending.LOGOUT)
    assert house.model.sessions == {}


def test_nobody_ends_what_is_not_his() -> None:
    """Somebody else's, one that is over, one that never was: all the same."""
    house = House(FREE)
    ann, bob, guest = log_in(house), log_in(house, name="bob"), house.guest()
    over = log_in(house)
    tag = tag_of(over)
    over.ask(Logout())
    house.take_all()
    for peer, named in (
        (ann, tag_of(bob)),
        (ann, tag),
        (ann, NONE),
        (guest, tag_of(ann)),
    ):
        (error,) = peer.ask(Logout(session=named))
        assert (error.code, error.field) == (RejectCode.NO_SESSION, "session")
    assert bob.ending is None


def test_ending_sessions_has_the_rate_of_messages() -> None:
    """Each is a commit, whether there is one or not."""
    house = House(Config(limits=Limits(messages_per_s=0.01, messages_burst=2)))
    ann = log_in(house)
    ann.take()
    answers = [codes(ann.ask(Logout(session=NONE)))[0] for _ in range(3)]
    assert answers == [RejectCode.NO_SESSION] * 2 + [RejectCode.RATE_LIMITED]
    assert ann.ask(Logout())[0].type == "ok"


def test_a_token_of_a_part_ends_no_other_session() -> None:
    """Its own it does."""
    house = House()
    other = log_in(house)
    house.tokens["t"] = Renewal(None, None, Scope.of(None, ["sessions"]))
    peer = house.open()
    peer.hello(token=Secret("t"))
    assert len(listed(peer)) == 2
    (error,) = peer.ask(Logout(session=tag_of(other)))
    assert (error.code, error.field) == (RejectCode.FORBIDDEN, "session")
    assert peer.ask(Logout(session=tag_of(peer)))[0].type == "ok"
    assert (peer.ending, other.ending) == (Ending.LOGOUT, None)


def test_a_session_is_ended_before_its_secret_was_told() -> None:
    """Somebody saw it in the list: the hello that opened it is refused."""
    house = House()
    ann, bob = log_in(house), log_in(house, name="bob")
    for peer in (ann, bob):
        peer.join()
    bob.ask(Send(Text("hi"), LOBBY))
    late = house.open()
    late.say(Hello(GuestName("ann"), Secret("right")))
    house.run_look_up()
    house.commit()
    assert house.look_ups, "its unread messages are being counted"
    (new,) = house.model.sessions.keys() - {session_of(ann), session_of(bob)}
    house.take_all()
    ann.say(Logout(session=session_tag(new)))
    house.commit()
    assert ann.take() == [Done("logout")]
    house.settle()
    assert codes(late.take()) == [RejectCode.BAD_CREDENTIALS]


def test_an_end_that_cannot_be_stored_ends_nothing() -> None:
    """After a stall it counts, whoever was told what, and whoever has gone."""
    house = House(FREE)
    desk, phone = log_in(house), log_in(house)
    house.take_all()
    desk.say(Logout(session=tag_of(phone)))
    house.fail(UNAVAILABLE)
    assert codes(desk.take()) == [RejectCode.UNAVAILABLE]
    assert phone.ending is None
    desk.say(Logout(session=tag_of(phone)))
    house.stall()
    desk.close()
    house.commit()
    assert phone.ending is Ending.REVOKED


def test_the_operator_ends_one_of_them() -> None:
    """The others of its user go on, and what is verified of him is believed."""
    house = House()
    desk, phone = log_in(house), log_in(house)
    session = session_of(phone)
    del house.model.sessions[session]
    house.change(SessionsEnded((session,)))
    assert (desk.ending, phone.ending) == (None, Ending.REVOKED)
    assert ANN not in house.chat.live.verifications.cut_at
    assert list(listed(desk)) == [tag_of(desk)]


@pytest.mark.parametrize("device", [None, "phone"])
def test_a_new_session_has_its_device_from_the_beginning(device: str | None) -> None:
    """In the draft by which it is opened."""
    house = House()
    peer = house.open()
    named = None if device is None else Device(device)
    peer.say(Hello(GuestName("bob"), Secret("right"), device=named))
    house.run_look_up()
    (origin,) = house.drafts
    assert isinstance(origin.draft, OpenSession)
    assert (origin.draft.user, origin.draft.device) == (BOB, device)
