"""Rooms that forget their beginning, as the core sees it."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from chatd.config import Config, PermanentRoom, Rooms
from chatd.core import inputs, retention
from chatd.core.changes import RoomTrimmed
from chatd.core.drafts import Trimmed, TrimRoom
from chatd.core.effects import Fetch
from chatd.core.entities import Room
from chatd.errors import Reject, RejectCode
from chatd.ids import RoomName, Seq
from chatd.wire.events import CaughtUp, Gap, Message
from chatd.wire.kinds import KeepCount, PageLimit, Text
from chatd.wire.rooms import Join, SetRoom
from chatd.wire.timeline import Edit, History, Send
from tests.core.harness import LOBBY, Harness, Peer

DEN = RoomName("den")
HOUR_S, DAY_S, DAY_MS = 3600.0, 86_400.0, 86_400_000


def harness_with(
    keep_messages: int = 0, keep_days: int = 0, *others: PermanentRoom, page: int = 2
) -> Harness:
    """A chat whose lobby keeps so much."""
    lobby = PermanentRoom(name=LOBBY, keep_messages=keep_messages, keep_days=keep_days)
    return Harness(Config(rooms=Rooms(permanent=(lobby, *others))), page=page)


def say(peer: Peer, *texts: str, room: RoomName = LOBBY) -> None:
    """Send messages, and let them be stored."""
    for text in texts:
        peer.ask(Send(Text(text), room))


def wait(harness: Harness, seconds: float) -> None:
    """Let time pass, and what rooms forget by then come back."""
    harness.wait(seconds)
    while any(isinstance(one, Fetch) for one in harness.look_ups):
        harness.load()
        harness.wait(0)


def drafts(harness: Harness) -> list[Any]:
    """What waits for the store."""
    return [origin.draft for origin in harness.drafts]


def lobby(harness: Harness) -> Room:
    """The room."""
    return harness.chat.durable.rooms[LOBBY]


def join(peer: Peer, since: int) -> None:
    """Ask for a replay, of which nothing is handed over yet."""
    room = peer.harness.chat.durable.rooms[LOBBY]
    peer.say(Join(LOBBY, Seq(since), room.epoch))
    peer.harness.commit()


def shown(frames: list[Any]) -> list[Any]:
    """Messages as their seq, gaps and the end of a replay as they are."""
    return [
        frame.seq if isinstance(frame, Message) else frame
        for frame in frames
        if isinstance(frame, Message | Gap | CaughtUp)
    ]


# --- when ---------------------------------------------------------------------


def test_rooms_are_looked_at_at_the_start_and_every_hour() -> None:
    """And each time asked to keep what their settings say."""
    harness = harness_with(3)
    wait(harness, 0)
    assert drafts(harness) == [TrimRoom(LOBBY, None, 3)]
    harness.settle()
    wait(harness, HOUR_S - 1)
    assert drafts(harness) == []
    wait(harness, 1)
    assert drafts(harness) == [TrimRoom(LOBBY, None, 3)]


def test_days_are_counted_back_from_what_is_sure() -> None:
    """Not from what the clock says, which may be wrong."""
    harness = harness_with(0, 2)
    harness.now.sure -= 40 * DAY_MS
    for _ in range(2):
        harness.handle(inputs.TimePassed())
        while harness.look_ups:
            harness.run_look_up()
    before_ts = harness.now.wall - 42 * DAY_MS
    assert drafts(harness) == [TrimRoom(LOBBY, before_ts, None)]


def test_rooms_that_keep_everything_are_left_alone() -> None:
    """Also where another room forgets."""
    harness = harness_with(0, 0, PermanentRoom(name=DEN, keep_days=1))
    wait(harness, 0)
    assert [draft.room for draft in drafts(harness)] == [DEN]
    harness.settle()
    wait(harness, 10)
    assert drafts(harness) == []


def test_a_change_of_settings_is_seen_at_once() -> None:
    """By `note_untrimmed`; it costs nobody a turn."""
    harness = harness_with()
    ann = harness.user("ann", LOBBY)
    say(ann, "a", "b", "c")
    harness.apply(RoomTrimmed(LOBBY, Seq(1)))
    harness.chat.durable.set_settings(lobby(harness), {"keep_messages": 1})
    for _ in range(2):
        harness.chat.live.note_untrimmed(lobby(harness), harness.now.mono)
    wait(harness, 0)
    assert drafts(harness) == [TrimRoom(LOBBY, None, 1)]
    harness.settle()
    assert lobby(harness).first == 3


def test_settings_that_are_taken_back_in_time_remove_nothing() -> None:
    """A room that waits for its step is asked again whether it forgets."""
    harness = harness_with(1, 0, PermanentRoom(name=DEN, keep_days=1))
    harness.handle(inputs.TimePassed())
    harness.settle()
    harness.chat.durable.set_settings(lobby(harness), {"keep_messages": 1})
    harness.chat.live.note_untrimmed(lobby(harness), harness.now.mono)
    harness.chat.durable.set_settings(lobby(harness), {"keep_messages": 0})
    wait(harness, 1)
    assert all(draft.room != LOBBY for draft in drafts(harness))
    harness.settle()
    wait(harness, 1)
    assert not harness.chat.live.trimming


def test_many_rooms_are_looked_at_page_by_page() -> None:
    """Those that are in no memory as well; the next page when one is done."""
    many = [RoomName(f"r{number:03}") for number in range(2 * retention.PAGE + 1)]
    rooms = [PermanentRoom(name=name, keep_days=1) for name in many]
    harness = Harness(Config(rooms=Rooms(permanent=tuple(rooms))))
    harness.live.current = Config()
    harness.restart()
    assert set(harness.chat.durable.rooms) == {LOBBY}
    seen, pages = [], 0
    for _ in range(len(many) + 1):
        pages += any(isinstance(one, Fetch) for one in harness.look_ups)
        wait(harness, retention.PAUSE_S)
        seen += [draft.room for draft in drafts(harness)]
        harness.settle()
    assert seen == many
    assert harness.chat.live.reviewed is None
    assert not harness.chat.live.untrimmed


def test_a_review_that_is_under_way_is_the_only_one() -> None:
    """An hour later the next begins where it is, and not anew."""
    many = [RoomName(f"r{number:03}") for number in range(retention.PAGE)]
    rooms = [PermanentRoom(name=name, keep_days=1) for name in many]
    harness = Harness(Config(rooms=Rooms(permanent=tuple(rooms))))
    wait(harness, 0)
    assert harness.chat.live.reviewed == many[-1]
    harness.wait(HOUR_S)
    assert harness.look_ups == []


def test_a_review_that_cannot_be_read_is_done_an_hour_later() -> None:
    """Nobody waits for it."""
    harness = harness_with(1)
    harness.wait(0)
    (effect,) = harness.look_ups
    harness.look_ups.clear()
    busy = Reject(RejectCode.UNAVAILABLE, "busy")
    harness.handle(attrs.evolve(harness.fetch(effect), answer=busy))
    wait(harness, HOUR_S - 1)
    assert drafts(harness) == []
    wait(harness, 1)
    assert [draft.room for draft in drafts(harness)] == [LOBBY]


# --- step by step ---------------------------------------------------------------


def outcome(harness: Harness, first: int, *, more: bool) -> None:
    """Give the one step that is under way an outcome."""
    origin = harness.drafts.popleft()
    assert not harness.drafts
    harness.handle(
        inputs.Executed(origin, Trimmed((RoomTrimmed(LOBBY, Seq(first)),), more=more))
    )


def test_a_step_follows_the_other_after_a_pause() -> None:
    """As long as there is more; rooms take turns, one step at a time."""
    harness = harness_with(1, 0, PermanentRoom(name=DEN, keep_messages=2))
    ann = harness.user("ann", LOBBY)
    say(ann, "a", "b", "c")
    wait(harness, 0)
    seen = []
    for more in (True, True, False, False, False):
        if not harness.drafts:
            break
        seen.append(drafts(harness)[0].room)
        outcome(harness, 1, more=more)
        assert drafts(harness) == []
        wait(harness, retention.PAUSE_S)
    assert seen == [DEN, LOBBY, DEN, LOBBY]
    assert not harness.chat.live.trimming
    assert drafts(harness) == []


def test_a_step_that_was_not_possible_is_done_an_hour_later() -> None:
    """A full disk is no reason to ask every moment."""
    harness = harness_with(1)
    wait(harness, 0)
    harness.fail()
    wait(harness, HOUR_S - 1)
    assert drafts(harness) == []
    wait(harness, 1)
    assert drafts(harness) == [TrimRoom(LOBBY, None, 1)]


def test_the_beginning_only_moves_forward() -> None:
    """Taking an outcome twice changes nothing."""
    harness = harness_with(1)
    ann = harness.user("ann", LOBBY)
    say(ann, "a", "b", "c")
    room = lobby(harness)
    for first, then in ((2, 2), (3, 3), (2, 3), (3, 3)):
        harness.apply(RoomTrimmed(LOBBY, Seq(first)))
        assert room.first == then


# --- what people are told -------------------------------------------------------


def test_a_position_below_the_beginning_is_not_recovered() -> None:
    """One step below it everything can be given still."""
    harness = harness_with(2)
    ann = harness.user("ann", LOBBY)
    say(ann, "a", "b", "c", "d")
    wait(harness, 0)
    harness.settle()
    epoch = lobby(harness).epoch
    for since, recovered in ((1, False), (2, True)):
        joined = ann.join(since=Seq(since), epoch=epoch)[0]
        assert (joined.first, joined.recovered) == (3, recovered)


def test_a_restart_knows_the_beginning() -> None:
    """It is the store's."""
    harness = harness_with(2)
    say(harness.user("ann", LOBBY), "a", "b", "c")
    wait(harness, 0)
    harness.settle()
    harness.restart()
    assert lobby(harness).first == 2


def test_a_replay_tells_what_went_meanwhile() -> None:
    """Between two pages: a gap from what the client has to what is not there."""
    harness = harness_with(1)
    ann, bob = harness.user("ann", LOBBY), harness.user("bob", LOBBY)
    say(ann, *"abcdef")
    bob.take()
    join(bob, 0)
    harness.run_look_up()
    assert shown(bob.take()) == [1, 2]
    wait(harness, 0)
    harness.commit()
    harness.settle()
    room = lobby(harness)
    assert shown(bob.take()) == [
        Gap(LOBBY, Seq(2), Seq(5)),
        6,
        CaughtUp(LOBBY, room.epoch, Seq(6)),
    ]


def test_a_replay_of_which_nothing_is_left_is_a_gap() -> None:
    """Up to the head, and then live."""
    harness = harness_with(0, 1)
    ann, bob = harness.user("ann", LOBBY), harness.user("bob", LOBBY)
    say(ann, "a", "b")
    wait(harness, 0)
    harness.settle()
    harness.take_all()
    join(bob, 1)
    (replay,) = harness.look_ups
    harness.look_ups.clear()
    wait(harness, DAY_S)
    harness.commit()
    wait(harness, HOUR_S)
    harness.commit()
    assert lobby(harness).first == 3
    harness.look_ups.append(replay)
    harness.settle()
    room = lobby(harness)
    assert shown(bob.take()) == [
        Gap(LOBBY, Seq(1), Seq(2)),
        CaughtUp(LOBBY, room.epoch, Seq(2)),
    ]
    say(ann, "c")
    assert shown(bob.take()) == [3]


def test_a_replay_of_the_newest_begins_wherever_it_can() -> None:
    """Nobody holds anything before it, so there is nothing to tell."""
    harness = harness_with(1)
    ann, bob = harness.user("ann", LOBBY), harness.user("bob", LOBBY)
    say(ann, "a", "b", "c")
    bob.take()
    bob.say(Join(LOBBY, last=PageLimit(3)))
    wait(harness, 0)
    harness.commit()
    harness.settle()
    room = lobby(harness)
    assert shown(bob.take()) == [3, CaughtUp(LOBBY, room.epoch, Seq(3))]


def test_what_is_gone_is_no_message() -> None:
    """An edit of it is refused, also where it is on its way when the step is done."""
    harness = harness_with(1)
    ann = harness.user("ann", LOBBY)
    say(ann, "a", "b")
    wait(harness, 0)
    ann.say(Edit(LOBBY, Seq(1), Text("x")))
    harness.settle()
    (refused,) = ann.take()[-1:]
    assert refused.code.value == "no_message"


# --- history --------------------------------------------------------------------


def read(harness: Harness, command: History, first: int) -> Any:
    """Have history read, then trimmed, then answered; look-ups that follow come too."""
    ann = harness.user("ann", LOBBY)
    say(ann, *"abcdef")
    ann.take()
    ann.say(command)
    (effect,) = harness.look_ups
    page = harness.look_up(effect)
    harness.look_ups.clear()
    harness.apply(RoomTrimmed(LOBBY, Seq(first)))
    harness.handle(page)
    harness.settle()
    (answer,) = ann.take()
    return answer.first, [entry.seq for entry in answer.messages], answer.more


@pytest.mark.parametrize(
    ("command", "first", "expected"),
    [
        (History(LOBBY), 3, (3, [3, 4, 5, 6], False)),
        (History(LOBBY, limit=PageLimit(2)), 3, (3, [5, 6], True)),
        (History(LOBBY, limit=PageLimit(4)), 4, (4, [4, 5, 6], False)),
        (History(LOBBY, before=Seq(3)), 3, (3, [], False)),
        (History(LOBBY, after=Seq(1), limit=PageLimit(3)), 3, (3, [3, 4], True)),
        (History(LOBBY, after=Seq(0), limit=PageLimit(2)), 3, (3, [3, 4], True)),
        (History(LOBBY, after=Seq(0), limit=PageLimit(2)), 7, (7, [], False)),
    ],
)
def test_a_page_has_nothing_below_the_beginning_it_tells(
    command: History, first: int, expected: tuple[int, list[int], bool]
) -> None:
    """Whatever was trimmed between the look and the answer."""
    assert read(harness_with(), command, first) == expected


def test_a_page_that_nobody_may_read_leads_to_the_one_behind_it() -> None:
    """Asked for from the very beginning, history begins where the room does."""
    harness = harness_with(2)
    ann = harness.user("ann", LOBBY)
    say(ann, *"abcd")
    harness.apply(RoomTrimmed(LOBBY, Seq(4)))
    (page,) = ann.ask(History(LOBBY, after=Seq(0), limit=PageLimit(2)))
    assert [entry.seq for entry in page.messages] == [4]
    assert (page.first, page.more) == (4, False)


def test_an_owner_who_keeps_less_is_obeyed_at_once() -> None:
    """A change of settings is not left to the next hour."""
    harness = harness_with()
    ann = harness.user("ann")
    ann.join(DEN)
    say(ann, *"abc", room=DEN)
    ann.ask(SetRoom(DEN, keep_messages=KeepCount(1)))
    wait(harness, 0)
    harness.settle()
    room = harness.chat.durable.rooms[DEN]
    assert room.settings.keep_messages == 1
    assert room.first == 4
