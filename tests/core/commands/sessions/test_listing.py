"""One's own sessions: a list of them, with their devices and times."""

from __future__ import annotations

from chatd.config import Config
from chatd.config.limits import Limits
from chatd.config.sections import Auth
from chatd.core.drafts import SaveMarks
from chatd.core.effects import Charge, Query
from chatd.core.principal import Renewal
from chatd.core.scope import Scope
from chatd.errors import RejectCode
from chatd.ids import SessionId
from chatd.wire.kinds import Device, PageLimit, Secret
from chatd.wire.sessions import Logout, Sessions, SessionShown
from tests.core.harness import Harness
from tests.core.logins import codes, listed, log_in, session_of, tag_of

# --- the list ---------------------------------------------------------------------


def test_each_session_is_told_with_its_device_and_times() -> None:
    """Since when, whether it is connected or since when not, and which one asks."""
    harness = Harness()
    desk = log_in(harness, "desk")
    harness.wait(10)
    phone = log_in(harness, "phone")
    nameless, bob = log_in(harness), log_in(harness, "bob's", "bob")
    opened = harness.now.wall
    gone = tag_of(phone)
    harness.wait(5)
    phone.close()
    seen = harness.now.wall
    harness.wait(60)
    harness.settle()
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
    harness = Harness()
    desk, phone = log_in(harness, "desk"), log_in(harness, "phone")
    tag, secret = tag_of(phone), Secret(session_of(phone).decode())
    harness.wait(60)
    phone.close()
    harness.wait(1)
    assert listed(desk)[tag].seen == harness.now.wall - 1000
    again = harness.open()
    again.hello(session=secret, device=Device("phone 2"))
    (entry,) = [e for e in listed(again).values() if e.current]
    assert (entry.device, entry.connected, entry.seen) == ("phone 2", True, None)
    harness.wait(5)
    (marks,) = [o.draft for o in harness.drafts if isinstance(o.draft, SaveMarks)]
    assert marks.devices == {SessionId(secret.encode()): "phone 2"}
    again.close()
    harness.settle()
    assert listed(desk)[tag].device == "phone 2"


def test_what_is_just_being_written_was_a_moment_ago() -> None:
    """Between the draft of an idle time and its commit neither place has it."""
    harness = Harness()
    desk, phone = log_in(harness), log_in(harness)
    tag = tag_of(phone)
    harness.wait(60)
    harness.settle()
    phone.close()
    harness.wait(4)
    assert harness.drafts
    assert listed(desk)[tag].seen == harness.now.wall


def test_a_device_that_could_not_be_written_is_written_later() -> None:
    """With the idle times, of which the same is true."""
    harness = Harness()
    secret = Secret(session_of(log_in(harness, "old")).decode())
    harness.open().hello(session=secret, device=Device("new"))
    harness.wait(4)
    harness.fail()
    harness.wait(4)
    harness.commit()
    assert harness.model.devices[SessionId(secret.encode())] == "new"


def test_who_resumes_without_a_word_keeps_the_name_that_it_had() -> None:
    """And so does who brings another token with it."""
    harness = Harness()
    secret = Secret(session_of(log_in(harness, "old")).decode())
    peer = harness.open()
    peer.hello(session=secret)
    harness.wait(10)
    assert [e.device for e in listed(peer).values()] == ["old"]


def test_a_session_that_depends_on_a_token_says_so() -> None:
    """Until a password or another token says otherwise."""
    harness = Harness()
    harness.tokens["t"] = Renewal(None, harness.now.wall + 600_000, None)
    peer = harness.open()
    peer.hello(token=Secret("t"))
    assert [e.token for e in listed(peer).values()] == [True]


def test_sessions_that_were_idle_for_too_long_are_over() -> None:
    """They are not resumed any more, and not in the list."""
    harness = Harness(Config(auth=Auth(session_days=1)))
    one, two = log_in(harness), log_in(harness)
    two.close()
    harness.wait(86_395)
    assert len(listed(one)) == 2
    harness.wait(10)
    assert list(listed(one)) == [tag_of(one)]


def test_a_session_that_ended_while_it_was_looked_up_is_not_told() -> None:
    """The reader saw it still."""
    harness = Harness()
    one, two = log_in(harness), log_in(harness)
    one.take()
    (charge, read) = one.say(Sessions())
    assert isinstance(charge, Charge)
    assert isinstance(read, Query)
    effect = harness.look_ups.pop()
    answer = harness.look_up(read)
    two.ask(Logout())
    assert effect is read
    harness.handle(answer)
    (page,) = one.take()
    assert [e.session for e in page.sessions] == [tag_of(one)]


def test_the_list_has_pages() -> None:
    """By what they are called; the last one has no `next`."""
    harness = Harness(Config(limits=Limits(connections_per_user=0)))
    peers = [log_in(harness) for _ in range(5)]
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
    harness = Harness(Config(limits=Limits(connections_per_user=0, reply_bytes=1024)))
    peers = [log_in(harness, "x" * 64) for _ in range(9)]
    (page,) = peers[0].ask(Sessions())[-1:]
    assert 1 <= len(page.sessions) < 9
    assert page.next == page.sessions[-1].session


def test_a_guest_sees_the_one_that_he_has() -> None:
    """And what his client is called."""
    harness = Harness()
    guest = harness.open()
    guest.hello(device=Device("kiosk"))
    (entry,) = listed(guest).values()
    assert (entry.device, entry.current, entry.token) == ("kiosk", True, False)


def test_a_narrower_token_that_comes_meanwhile_gets_no_list() -> None:
    """What was looked up before is answered as it allows."""
    harness = Harness()
    harness.tokens["wide"] = Renewal(None, None, None)
    peer = harness.open()
    peer.hello(token=Secret("wide"))
    peer.say(Sessions())
    harness.chat.live.connections[peer.id].scope = Scope.of(None, ["send"])
    harness.settle()
    assert codes(peer.take()) == [RejectCode.FORBIDDEN]
    peer.say(Sessions())
    peer.close()
    harness.settle()


def test_sessions_that_ended_meanwhile_do_not_end_the_list() -> None:
    """It goes on behind what was read, though nothing of that is shown."""
    harness = Harness()
    first, _, asking = sorted((log_in(harness) for _ in range(3)), key=tag_of)
    asking.say(Sessions(limit=PageLimit(1)))
    answer = harness.look_up(harness.look_ups.pop())
    tag = tag_of(first)
    first.ask(Logout())
    harness.handle(answer)
    (page,) = asking.take()
    assert (page.sessions, page.next) == ([], tag)
    (rest,) = asking.ask(Sessions(after=tag))
    assert len(rest.sessions) == 2
