from __future__ import annotations

from typing import Any

import attrs

from chatd.config import Config, PermanentRoom, Rooms
from chatd.enums import Post, Role, Visibility
from chatd.errors import RejectCode
from chatd.ids import Cid, Seq
from chatd.wire import events
from chatd.wire.kinds import PageLimit, SlowSeconds, Text, Topic
from chatd.wire.moderation import Kick, SetRole
from chatd.wire.rooms import Rooms as RoomsCommand
from chatd.wire.rooms import SetRoom
from chatd.wire.timeline import History, Send
from tests.core.harness import ANN, BOB, CY, LOBBY, Harness
from tests.core.team import TEAM, codes, kinds, scene

HI = Text("hi")
X = Cid("x")
MODERATOR = Role.MODERATOR


# --- settings ---------------------------------------------------------------------


def test_settings_are_changed_told_and_shown() -> None:
    """Only what differs from before; the same again is a duplicate."""
    s = scene()
    change = SetRoom(TEAM, topic=Topic("bikes"), slow_s=SlowSeconds(5), id=1)
    ok, event = s.ann.ask(change)
    assert (ok.re, ok.id) == ("room", 1)
    ts = s.harness.now.wall
    said = {"topic": Topic("bikes"), "slow_s": SlowSeconds(5)}
    assert event == events.Room(TEAM, Seq(4), ts, ANN, **said)  # type: ignore[arg-type]
    assert s.bob.take() == [event]
    (dup,) = s.ann.ask(attrs.evolve(change, cid=X))
    assert dup.dup
    joined = s.cy.join(TEAM)[-2]
    assert (joined.topic, joined.slow_s, joined.post) == ("bikes", 5, None)
    page = s.cy.ask(RoomsCommand())[0]
    assert {room.room: room.topic for room in page.rooms}[TEAM] == "bikes"


def test_settings_whose_sender_is_gone_are_changed() -> None:
    """They were committed."""
    s = scene()
    s.ann.say(SetRoom(TEAM, topic=Topic("bikes")))
    s.ann.close()
    s.harness.settle()
    assert s.harness.chat.durable.rooms[TEAM].settings.topic == "bikes"
    assert kinds(s.bob.take()) == ["room"]


def test_a_declared_room_has_its_settings_from_the_configuration() -> None:
    """Not even an administrator changes them; roles and bans are as elsewhere."""
    declared = PermanentRoom(name=LOBBY, topic="Say hello", slow_s=3)
    harness = Harness(Config(rooms=Rooms(permanent=(declared,))))
    ada, bob = harness.user("ada", LOBBY), harness.user("bob", LOBBY)
    harness.take_all()
    (error,) = ada.ask(SetRoom(LOBBY, topic=Topic("x")))
    assert (error.code, error.field) == (RejectCode.FORBIDDEN, "room")
    assert codes(ada.ask(SetRole(LOBBY, BOB, MODERATOR))) == ["ok"]
    bob.take()
    assert bob.join(LOBBY)[0].slow_s == 3


def test_only_moderators_send_where_the_room_says_so() -> None:
    """Members read."""
    s = scene(role="moderator")
    s.ann.ask(SetRoom(TEAM, post=Post("moderators")))
    s.harness.take_all()
    (error,) = s.cy.ask(Send(HI, TEAM))
    assert (error.code, error.field) == (RejectCode.FORBIDDEN, "room")
    assert error.text == "only moderators send to team"
    assert codes(s.bob.ask(Send(HI, TEAM))) == ["ok"]
    assert codes(s.ann.ask(Send(HI, TEAM)))[-1] == "ok"


def test_slow_mode_is_exact() -> None:
    """One message in so many seconds; moderators are not held to it."""
    s = scene(role="moderator")
    s.ann.ask(SetRoom(TEAM, slow_s=SlowSeconds(30)))
    s.harness.take_all()
    assert codes(s.cy.ask(Send(HI, TEAM, id=1))) == ["ok"]
    s.harness.wait(12.5)
    s.cy.take()
    (error,) = s.cy.ask(Send(HI, TEAM))
    assert (error.code, error.retry_after) == (RejectCode.RATE_LIMITED, 17.5)
    assert error.text == "team is slow: one message in 30 s"
    s.harness.wait(17.5)
    assert codes(s.cy.ask(Send(HI, TEAM))) == ["ok"]
    for _ in range(3):
        assert codes(s.bob.ask(Send(HI, TEAM)))[-1] == "ok"


def test_in_slow_mode_only_what_was_stored_counts() -> None:
    """Not a duplicate, not a refusal of the writer, not a retry that comes early."""
    s = scene()
    s.ann.ask(SetRoom(TEAM, slow_s=SlowSeconds(30)))
    s.cy.ask(Send(HI, TEAM, cid=X))
    s.cy.take()
    (dup,) = s.cy.ask(Send(HI, TEAM, cid=X))
    assert dup.dup
    s.harness.wait(30)
    assert [f.dup for f in s.cy.ask(Send(HI, TEAM, cid=X)) if f.type == "ok"] == [True]
    s.harness.wait(1)
    assert codes(s.cy.ask(Send(HI, TEAM, reply_to=Seq(99)))) == ["no_message"]
    assert codes(s.cy.ask(Send(HI, TEAM))) == ["ok"]
    assert codes(s.cy.ask(Send(HI, TEAM))) == [RejectCode.RATE_LIMITED]


def test_a_refused_message_of_somebody_who_was_removed_is_nobodys_wait() -> None:
    """His place in the room is gone when the outcome comes."""
    s = scene()
    s.ann.ask(SetRoom(TEAM, slow_s=SlowSeconds(30)))
    s.harness.take_all()
    s.ann.say(Kick(TEAM, CY))
    kick = s.harness.drafts.popleft()
    s.harness.chat.live.barriers.clear()
    s.cy.say(Send(HI, TEAM, reply_to=Seq(99)))
    s.harness.drafts.appendleft(kick)
    s.harness.settle()
    assert codes(s.cy.take()) == ["no_message"]


# --- what newcomers may read ------------------------------------------------------


def test_a_newcomer_reads_from_his_own_join_on() -> None:
    """In every way of reading: `first`, replays, the newest, history both ways."""
    s = scene(cy=False)
    s.ann.ask(SetRoom(TEAM, history=Visibility("since_join")))
    for _ in range(4):
        s.ann.ask(Send(HI, TEAM))
    s.harness.take_all()
    joined = s.cy.join(TEAM)[0]
    assert (joined.first, joined.seq) == (8, 8)
    for _ in range(3):
        s.bob.ask(Send(HI, TEAM))
    s.harness.take_all()
    epoch = s.harness.chat.durable.rooms[TEAM].epoch
    assert s.cy.join(TEAM, since=Seq(6), epoch=epoch)[0].recovered is False
    frames = s.cy.join(TEAM, since=Seq(7), epoch=epoch)
    assert [f.seq for f in frames if hasattr(f, "ts")] == [8, 9, 10, 11]
    frames = s.cy.join(TEAM, last=PageLimit(50))
    assert [f.seq for f in frames if hasattr(f, "ts")] == [8, 9, 10, 11]
    bounds: list[dict[str, Any]] = [{}, {"after": Seq(0)}, {"before": Seq(11)}]
    for bound in bounds:
        (page,) = s.cy.ask(History(TEAM, limit=PageLimit(2), **bound))
        assert page.first == 8
        assert min(m.seq for m in page.messages) >= 8
        assert len(page.messages) == 2
    (page,) = s.cy.ask(History(TEAM, before=Seq(10), limit=PageLimit(2)))
    assert ([m.seq for m in page.messages], page.more) == ([9], False)
    (welcome,) = s.harness.open().hello(name="cy", password="right")
    assert [room.first for room in welcome.rooms] == [8]
    assert s.bob.join(TEAM)[-2].first == 1


def test_a_guest_who_leaves_no_trace_reads_what_follows() -> None:
    """There is no event of his join to begin with."""
    s = scene(cy=False)
    s.ann.ask(SetRoom(TEAM, history=Visibility("since_join")))
    s.harness.take_all()
    guest = s.harness.guest()
    joined = guest.join(TEAM)[0]
    assert (joined.first, joined.seq) == (4, 3)


def test_a_page_that_was_read_before_one_came_back_is_not_shown() -> None:
    """Removed and back: one reads from the second join on, and there may be more."""
    s = scene()
    s.ann.ask(SetRoom(TEAM, history=Visibility("since_join")))
    for _ in range(4):
        s.ann.ask(Send(HI, TEAM))
    s.cy.take()
    s.cy.say(History(TEAM, after=Seq(0), limit=PageLimit(2), id=1))
    waits = s.harness.look_ups.pop()
    s.ann.ask(Kick(TEAM, CY))
    s.cy.join(TEAM)
    s.ann.ask(Send(HI, TEAM))
    s.cy.take()
    s.harness.look_ups.append(waits)
    s.harness.settle()
    (page,) = s.cy.take()
    assert ([m.seq for m in page.messages], page.more, page.first) == ([11], False, 10)
