from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs
import pytest

from chatd.errors import Ending
from chatd.hub import fanout as fanout_module
from chatd.hub.fanout import Fanout
from chatd.ids import ConnectionId, RoomName
from chatd.net.host import WebSocketLimits
from chatd.ports import Entry, EntryKind
from tests.hub.support import DEN, LOBBY, FakeOutlet, Plain, Said, outlet

TINY = WebSocketLimits(outbox_soft_bytes=8, outbox_hard_bytes=0, inflight_max=0)


def fanout_of(*numbers: int, room: RoomName = LOBBY) -> tuple[Fanout, list[FakeOutlet]]:
    """A fan-out with connections that are subscribed to a room."""
    fanout = Fanout()
    outlets = [outlet(number) for number in numbers]
    for one in outlets:
        fanout.add(one)
        fanout.subscribe(one.id, room)
    return fanout, outlets


def reply(fanout: Fanout, number: int, data: bytes) -> None:
    """Cork something for one connection alone."""
    link = fanout.links[ConnectionId(number)]
    fanout.cork(link, Entry(None, 0, 0, EntryKind.REPLY, data))


def said(room: RoomName, seq: int, data: bytes) -> Any:
    """An event that is its bytes."""
    return Said(room, seq, data)


def deliver(fanout: Fanout, room: RoomName, seq: int, data: bytes) -> None:
    """Deliver an event."""
    fanout.deliver(said(room, seq, data))


def deliver_hidden(
    fanout: Fanout,
    room: RoomName,
    seq: int,
    data: bytes,
    hidden: bytes,
    blocker: list[ConnectionId],
) -> None:
    """Deliver an event that some must not see."""
    shown, instead = said(room, seq, data), said(room, seq, hidden)
    fanout.deliver_hidden(shown, instead, blocker)


def spread(
    fanout: Fanout,
    room: RoomName,
    data: bytes,
    besides: Sequence[ConnectionId] = (),
    instead: bytes | None = None,
) -> None:
    """Spread an ephemeral frame."""
    whole = said(room, 0, instead) if instead is not None else None
    fanout.spread(said(room, 0, data), besides, whole)


def test_a_batch_of_one_room_is_one_entry_and_one_write() -> None:
    """All events of a batch leave in one write for each receiver, shared bytes."""
    fanout, (ann, bob) = fanout_of(1, 2)
    deliver(fanout, LOBBY, 1, b"one")
    deliver(fanout, LOBBY, 2, b"two")
    assert ann.taken.sends == []
    fanout.flush()
    assert ann.taken.sends == bob.taken.sends == [b"onetwo"]
    assert fanout.delivered == 4


async def test_an_event_that_waits_knows_its_seqs() -> None:
    """What the socket does not take is an entry from the first to the last seq."""
    fanout, _ = fanout_of()
    slow = outlet(1, window=0)
    fanout.add(slow)
    fanout.subscribe(slow.id, LOBBY)
    for seq in (7, 8, 9):
        deliver(fanout, LOBBY, seq, b"x")
    fanout.flush()
    (entry,) = slow.outbox._entries
    assert (entry.room, entry.first_seq, entry.last_seq) == (LOBBY, 7, 9)
    assert entry.kind is EntryKind.ROOM


def test_replies_come_before_the_events_of_their_batch() -> None:
    """Whoever has a reply waiting gets reply and events in one write, reply first."""
    fanout, (ann, bob) = fanout_of(1, 2)
    deliver(fanout, LOBBY, 1, b"event")
    reply(fanout, 1, b"ok")
    fanout.flush()
    assert ann.taken.sends == [b"okevent"]
    assert bob.taken.sends == [b"event"]


def test_events_of_several_rooms_leave_in_one_write() -> None:
    """A receiver of two rooms gets both, in the order of the rooms' first events."""
    fanout, (ann, bob) = fanout_of(1, 2)
    fanout.subscribe(ann.id, DEN)
    deliver(fanout, LOBBY, 1, b"a1")
    deliver(fanout, DEN, 1, b"b1")
    deliver(fanout, LOBBY, 2, b"a2")
    fanout.flush()
    assert ann.taken.sends == [b"a1a2b1"]
    assert bob.taken.sends == [b"a1a2"]


def test_a_new_receiver_gets_nothing_from_before() -> None:
    """Events are closed off before the receivers change: no event of before."""
    fanout, (ann,) = fanout_of(1)
    cy = outlet(3)
    fanout.add(cy)
    deliver(fanout, LOBBY, 1, b"before")
    fanout.subscribe(cy.id, LOBBY)
    deliver(fanout, LOBBY, 2, b"after")
    fanout.flush()
    assert ann.taken.sends == [b"beforeafter"]
    assert cy.taken.sends == [b"after"]


def test_a_leaver_gets_what_was_before_and_nothing_after() -> None:
    """The last event before an unsubscription is the last that its receiver gets."""
    fanout, (ann, bob) = fanout_of(1, 2)
    deliver(fanout, LOBBY, 1, b"kick")
    fanout.unsubscribe(bob.id, LOBBY, drop=False)
    deliver(fanout, LOBBY, 2, b"secret")
    fanout.flush()
    assert ann.taken.sends == [b"kicksecret"]
    assert bob.taken.sends == [b"kick"]


def test_what_is_hidden_takes_the_place_of_the_event() -> None:
    """The blocker's connections get another frame, everybody in the same order."""
    fanout, (ann, bob, second) = fanout_of(1, 2, 3)
    blocker = [ann.id, second.id]
    deliver(fanout, LOBBY, 1, b"one")
    deliver_hidden(fanout, LOBBY, 2, b"two", b"---", blocker)
    deliver(fanout, LOBBY, 3, b"three")
    deliver_hidden(fanout, LOBBY, 4, b"four", b"----", blocker)
    deliver_hidden(fanout, DEN, 1, b"nobody", b"is there", blocker)
    fanout.flush()
    assert bob.taken.sends == [b"onetwothreefour"]
    assert ann.taken.sends == second.taken.sends == [b"one---three----"]
    assert fanout.delivered == 12


async def test_what_is_hidden_can_become_a_gap() -> None:
    """It is an event of the room like any other, with its seq."""
    fanout = Fanout()
    slow = outlet(1, window=0)
    fanout.add(slow)
    fanout.subscribe(slow.id, LOBBY)
    deliver_hidden(fanout, LOBBY, 7, b"text", b"hidden", [slow.id])
    fanout.flush()
    (entry,) = slow.outbox._entries
    assert entry == Entry(LOBBY, 7, 7, EntryKind.ROOM, b"hidden")


async def test_a_drop_forgets_what_waits_here_and_in_the_outlet() -> None:
    """With `drop` neither the cork nor the outbox keeps anything of the room."""
    slow = outlet(1, window=1)
    fanout = Fanout()
    fanout.add(slow)
    fanout.subscribe(slow.id, LOBBY)
    fanout.subscribe(slow.id, DEN)
    for number, room in enumerate((LOBBY, DEN, LOBBY)):
        deliver(fanout, room, 1 + number, b"<%d>" % number)
        fanout.flush()
    deliver(fanout, LOBBY, 4, b"<4>")
    fanout.unsubscribe(slow.id, LOBBY, drop=True)
    reply(fanout, 1, b"ok")
    fanout.flush()
    slow.open_window(100)
    # The first entry was begun, so its frame is whole.
    assert b"".join(slow.taken.sends) == b"<0><1>ok"


def test_an_unsubscription_from_nothing_is_nothing() -> None:
    """Neither a room without receivers nor an unknown connection is an error."""
    fanout, (ann,) = fanout_of(1)
    fanout.unsubscribe(ann.id, DEN, drop=True)
    fanout.unsubscribe(ConnectionId(9), LOBBY, drop=False)
    fanout.subscribe(ConnectionId(9), LOBBY)
    deliver(fanout, DEN, 1, b"nobody")
    spread(fanout, DEN, b"nobody")
    fanout.flush()
    assert ann.taken.sends == []
    assert not fanout.ephemeral_dropped(DEN)


def test_a_removed_connection_gets_nothing_more() -> None:
    """Removal takes effect in the middle of a batch; the others get theirs."""
    fanout, (ann, bob) = fanout_of(1, 2)
    deliver(fanout, LOBBY, 1, b"event")
    fanout.remove(bob.id)
    fanout.flush()
    assert ann.taken.sends == [b"event"]
    assert bob.taken.sends == []
    fanout.remove(ann.id)
    assert fanout._audiences == {}


def test_ephemeral_frames_keep_their_place_among_events() -> None:
    """A spread frame comes behind the events before it, and besides the excepted."""
    fanout, (ann, bob) = fanout_of(1, 2)
    deliver(fanout, LOBBY, 1, b"1")
    spread(fanout, LOBBY, b"t", besides=[bob.id])
    deliver(fanout, LOBBY, 2, b"2")
    fanout.flush()
    assert ann.taken.sends == [b"1t2"]
    assert bob.taken.sends == [b"12"]


async def test_who_was_spared_gets_the_whole_list_once() -> None:
    """Instead of a difference; the mark is cleared, and others get the difference."""
    fanout = Fanout()
    slow, quick = outlet(1, window=0, limits=TINY), outlet(2)
    for one in (slow, quick):
        fanout.add(one)
        fanout.subscribe(one.id, LOBBY)
    reply(fanout, 1, b"more than soft")
    fanout.flush()
    spread(fanout, LOBBY, b"d1")
    fanout.flush()
    assert fanout.ephemeral_dropped(LOBBY)
    slow.open_window(100)
    for frame in (b"d2", b"d3"):
        spread(
            fanout,
            LOBBY,
            frame,
            instead=b"whole" if fanout.ephemeral_dropped(LOBBY) else None,
        )
        fanout.flush()
    assert b"".join(slow.taken.sends) == b"more than softwholed3"
    assert b"".join(quick.taken.sends) == b"d1d2d3"


def test_answers_are_counted_after_the_replies_have_left() -> None:
    """One `answered` for each touched answer; the ending comes last of all."""
    fanout, (ann,) = fanout_of(1)
    reply(fanout, 1, b"ok")
    link = fanout.links[ann.id]
    link.answers = 2
    link.ending = Ending.LOGOUT
    deliver(fanout, LOBBY, 1, b"event")
    fanout.flush()
    assert ann.taken.sends == [b"okevent"]
    assert (ann.answers, ann.ending) == (2, Ending.LOGOUT)
    assert link.answers == 0


async def test_a_slow_reader_gets_one_gap_for_what_it_missed() -> None:
    """Over its limit events become a gap; nothing is lost between the two."""
    gaps = []

    class Gaps(Plain):
        def gap(self, room: RoomName, have: int, seq: int) -> bytes:
            gaps.append((room, have, seq))
            return b"gap"

    fanout = Fanout()
    slow = outlet(1, window=0, limits=TINY, dialect=Gaps())
    fanout.add(slow)
    fanout.subscribe(slow.id, LOBBY)
    reply(fanout, 1, b"more than soft")
    fanout.flush()
    for seq in (5, 6):
        deliver(fanout, LOBBY, seq, b"event")
        fanout.flush()
    slow.open_window(1000)
    deliver(fanout, LOBBY, 7, b"seven")
    fanout.flush()
    assert gaps == [(LOBBY, 4, 6)]
    assert b"".join(slow.taken.sends) == b"more than softgapseven"


async def test_no_gap_is_told_of_a_room_that_was_left() -> None:
    """What waits is sent, but nothing that would send the leaver back."""
    fanout = Fanout()
    slow = outlet(1, window=0, limits=TINY)
    fanout.add(slow)
    fanout.subscribe(slow.id, LOBBY)
    reply(fanout, 1, b"more than soft")
    fanout.flush()
    deliver(fanout, LOBBY, 5, b"missed")
    fanout.flush()
    deliver(fanout, LOBBY, 6, b"own leave")
    fanout.unsubscribe(slow.id, LOBBY, drop=False)
    reply(fanout, 1, b"left")
    fanout.flush()
    slow.open_window(1000)
    assert b"".join(slow.taken.sends) == b"more than softleft"


def test_a_large_room_is_written_to_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The others wait for the next `flush`, and get what has come meanwhile with it."""
    monkeypatch.setattr(fanout_module, "SENDS_MAX", 2)
    fanout, outlets = fanout_of(1, 2, 3, 4, 5)
    deliver(fanout, LOBBY, 1, b"one")
    fanout.flush()
    assert [one.taken.sends for one in outlets] == [[b"one"], [b"one"], [], [], []]
    assert fanout.has_more
    deliver(fanout, LOBBY, 2, b"two")
    reply(fanout, 5, b"ok")
    sends: list[list[bytes]] = []
    while fanout.has_more:
        fanout.flush()
        sends.append([send for one in outlets for send in one.taken.sends[-1:]])
    assert [b"".join(one.taken.sends) for one in outlets] == [
        b"onetwo",
        b"onetwo",
        b"onetwo",
        b"onetwo",
        b"oneoktwo",
    ]
    assert len(sends) == 3
    assert fanout.delivered == 10


def test_who_waits_to_be_written_to_may_go(monkeypatch: pytest.MonkeyPatch) -> None:
    """Or leave the room, or join it again: he gets nothing that is not for him."""
    monkeypatch.setattr(fanout_module, "SENDS_MAX", 1)
    fanout, (ann, bob, cy, dan) = fanout_of(1, 2, 3, 4)
    deliver(fanout, LOBBY, 1, b"one")
    fanout.flush()
    fanout.remove(bob.id)
    fanout.unsubscribe(cy.id, LOBBY, drop=True)
    fanout.unsubscribe(dan.id, LOBBY, drop=False)
    fanout.subscribe(dan.id, LOBBY)
    deliver(fanout, LOBBY, 2, b"two")
    while fanout.has_more:
        fanout.flush()
    assert [b"".join(one.taken.sends) for one in (ann, cy, dan)] == [
        b"onetwo",
        b"",
        b"onetwo",
    ]


def test_one_room_beside_a_large_one_does_not_wait_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Who gets one entry of a small room is written to at once."""
    monkeypatch.setattr(fanout_module, "SENDS_MAX", 2)
    fanout, outlets = fanout_of(1, 2, 3)
    ann = outlet(7)
    fanout.add(ann)
    fanout.subscribe(ann.id, DEN)
    deliver(fanout, DEN, 1, b"den")
    deliver(fanout, LOBBY, 1, b"lobby")
    fanout.flush()
    assert ann.taken.sends == [b"den"]
    assert [one.taken.sends for one in outlets] == [[b"lobby"], [b"lobby"], []]


@attrs.define(eq=False)
class Loud(Plain):
    """A dialect of its own, and how often it was asked to write."""

    written: int = 0

    def encode(self, frame: Any) -> bytes:
        self.written += 1
        return super().encode(frame).upper()


def test_an_event_is_written_once_for_each_dialect() -> None:
    """However many get it; each in the one that it speaks, in one order."""
    fanout, loud = Fanout(), Loud()
    outlets = [outlet(n, dialect=loud) if n > 1 else outlet(n) for n in range(5)]
    for one in outlets:
        fanout.add(one)
        fanout.subscribe(one.id, LOBBY)
    deliver(fanout, LOBBY, 1, b"one")
    deliver_hidden(fanout, LOBBY, 2, b"two", b"hid", [outlets[0].id, outlets[4].id])
    spread(fanout, LOBBY, b"soon")
    deliver(fanout, LOBBY, 3, b"three")
    fanout.flush()
    sent = [b"".join(one.taken.sends) for one in outlets]
    plain, hidden = b"onetwosoonthree", b"onehidsoonthree"
    upper = [plain.upper(), plain.upper(), hidden.upper()]
    assert sent == [hidden, plain, *upper]
    assert loud.written == 5
    assert fanout.delivered == 15


def test_who_tells_several_writes_once_for_each_dialect() -> None:
    """And not for those who are gone."""
    fanout, loud = Fanout(), Loud()
    outlets = [outlet(n, dialect=loud) if n else outlet(n) for n in range(3)]
    for one in outlets:
        fanout.add(one)
    everybody = [ConnectionId(n) for n in range(4)]
    fanout.tell(everybody, said(LOBBY, 0, b"psst"), None, EntryKind.REPLY)
    fanout.flush()
    assert [one.taken.sends for one in outlets] == [[b"psst"], [b"PSST"], [b"PSST"]]
    assert loud.written == 1


def test_the_last_of_a_dialect_may_leave_and_come_back() -> None:
    """The others of the room get what there is meanwhile."""
    fanout, (ann,) = fanout_of(1)
    bob = outlet(2, dialect=Loud())
    fanout.add(bob)
    fanout.subscribe(bob.id, LOBBY)
    fanout.unsubscribe(bob.id, LOBBY, drop=False)
    deliver(fanout, LOBBY, 1, b"one")
    fanout.flush()
    fanout.rename(LOBBY, DEN, [ann.id])
    fanout.subscribe(bob.id, DEN)
    deliver(fanout, DEN, 2, b"two")
    fanout.flush()
    assert (ann.taken.sends, bob.taken.sends) == ([b"one", b"two"], [b"TWO"])
    for one in (ann, bob):
        fanout.remove(one.id)
    deliver(fanout, DEN, 3, b"nobody")
    assert fanout.delivered == 3
