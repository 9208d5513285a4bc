from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from chatd.ids import RoomName
from chatd.net.outbox import LOW_UNLIMITED_BYTES, Outbox
from chatd.ports import Entry, EntryKind
from chatd.wire import framing
from tests.net.echo import frames_of

LOBBY, DEN = RoomName("lobby"), RoomName("den")


def framed(words: str, size: int = 0) -> bytes:
    """A frame of `size` bytes whose first words say what it is."""
    head = 2 if size < 128 else 4
    return framing.text_frame(words.encode().ljust(size - head, b"."))


def gap(room: RoomName, have: int, seq: int) -> bytes:
    """A gap frame that can be read in a failure."""
    return framed(f"{room} gap {have + 1}-{seq}")


def room(name: RoomName, seq: int, size: int = 20, last: int | None = None) -> Entry:
    """Events `seq` to `last` of a room."""
    last = last or seq
    data = framed(f"{name} {seq}-{last}", size)
    return Entry(name, seq, last, EntryKind.ROOM, data)


def events(name: RoomName, first: int, last: int, size: int = 20) -> Entry:
    """Events of a room, a frame each."""
    frames = [framed(f"{name} {seq}-{seq}", size) for seq in range(first, last + 1)]
    return Entry(name, first, last, EntryKind.ROOM, b"".join(frames))


def reply(size: int = 20) -> Entry:
    """A reply of `size` bytes."""
    return Entry(None, 0, 0, EntryKind.REPLY, framed("reply", size))


def other(kind: EntryKind, name: RoomName = LOBBY, size: int = 20) -> Entry:
    """An ephemeral or replayed entry of a room."""
    return Entry(name, 0, 0, kind, framed(f"{name} {kind.name}", size))


def control(payload: bytes = b"") -> Entry:
    """A ping."""
    return Entry(None, 0, 0, EntryKind.CONTROL, framing.ping_frame(payload))


def outbox(soft: int = 100, hard: int = 1000) -> Outbox:
    """An outbox that crosses its soft limit with six entries."""
    return Outbox(soft, hard, gap)


def drain(box: Outbox, step: int = 7) -> bytes:
    """Take everything out, a few bytes at a time."""
    out = b""
    while box.waiting:
        part = bytes(box.chunk()[:step])
        out += part
        box.progress(len(part))
    return out


def told(data: bytes) -> list[str]:
    """What whole frames say: their words, or `ping` and what it carries."""
    return [
        (payload if opcode == framing.TEXT else b"ping " + payload).decode().rstrip(".")
        for opcode, payload in frames_of(data)
    ]


def test_what_waits_leaves_whole_and_in_order() -> None:
    """Below the soft limit the outbox is a queue of bytes."""
    box = outbox()
    entries = [room(LOBBY, 1), reply(), other(EntryKind.EPHEMERAL), room(LOBBY, 2)]
    for entry in entries:
        box.add(entry)
    assert box.waiting == 80
    assert drain(box) == b"".join(e.data for e in entries)


def test_crossing_the_soft_limit_turns_room_events_into_one_gap_per_room() -> None:
    """Replies and replays stay, ephemeral events go, each room has one gap."""
    box = outbox()
    replay = other(EntryKind.REPLAY)
    for entry in (room(LOBBY, 1), room(DEN, 7, last=9), reply(), replay):
        box.add(entry)
    box.add(other(EntryKind.EPHEMERAL, DEN))
    assert not box.degraded
    box.add(room(LOBBY, 2))
    assert box.degraded
    assert box.waiting == 40
    assert set(box.ephemeral_dropped) == {DEN}
    box.add(room(DEN, 10))
    box.add(other(EntryKind.EPHEMERAL))
    assert set(box.ephemeral_dropped) == {DEN, LOBBY}
    out = drain(box)
    assert told(out) == ["reply", "lobby REPLAY", "lobby gap 1-2", "den gap 7-10"]


def test_a_begun_entry_is_never_dropped() -> None:
    """The gap begins behind the entry of which the peer has bytes."""
    box = outbox()
    box.add(room(LOBBY, 1), 3)
    for seq in range(2, 8):
        box.add(room(LOBBY, seq))
    box.drop_all()
    assert drain(box) == room(LOBBY, 1).data[3:]
    box.add(room(LOBBY, 8), 3)
    for seq in range(9, 15):
        box.add(room(LOBBY, seq))
    assert drain(box) == room(LOBBY, 8).data[3:] + gap(LOBBY, 8, 14)


def test_a_gap_leaves_when_half_is_free_and_delivery_goes_on() -> None:
    """Until then it is extended; afterwards events are events again."""
    box = outbox()
    box.add(reply(90))
    box.add(room(LOBBY, 1))
    box.progress(40)
    assert box.degraded
    box.add(room(LOBBY, 2))
    box.progress(1)
    assert not box.degraded
    box.add(room(LOBBY, 3))
    assert drain(box).endswith(gap(LOBBY, 0, 2) + room(LOBBY, 3).data)


def test_what_may_become_a_gap_becomes_one_when_it_is_asked_for() -> None:
    """Below the limit, too; where nothing can be saved, nothing is said to be."""
    box = outbox(soft=1000)
    box.add(reply())
    box.add(events(LOBBY, 1, 9, 50))
    assert box.degrade()
    assert not box.degrade()
    assert drain(box) == reply().data + gap(LOBBY, 0, 9)


def test_what_was_begun_is_all_that_is_left_of_what_is_given_up() -> None:
    """No gap is told, since nobody reads on."""
    box = outbox()
    box.add(reply(90))
    box.progress(1)
    box.add(room(LOBBY, 1))
    box.add(room(LOBBY, 2))
    box.abandon()
    assert drain(box) == reply(90).data[1:]


def test_a_waiting_gap_frame_merges_into_the_next_gap() -> None:
    """Crossing the limit again leaves one gap that tells of everything."""
    box = outbox()
    box.add(reply(90))
    box.add(room(LOBBY, 1))
    box.progress(50)
    for seq in range(2, 6):
        box.add(room(LOBBY, seq))
    assert box.degraded
    assert drain(box) == reply(90).data[50:] + gap(LOBBY, 0, 5)


def test_an_entry_that_alone_crosses_the_limit_unbegun_becomes_a_gap_at_once() -> None:
    """Nothing else waits whose progress could let the gap leave."""
    box = outbox()
    box.add(room(LOBBY, 1, 200))
    assert not box.degraded
    assert drain(box) == gap(LOBBY, 0, 1)


def test_only_what_may_not_be_dropped_reaches_the_hard_limit() -> None:
    """Ten thousand room events do not; replies do."""
    box = outbox()
    box.add(room(LOBBY, 1), 1)
    for seq in range(2, 10_000):
        box.add(room(LOBBY, seq))
    assert not box.overflown
    for _ in range(60):
        box.add(reply())
    assert box.overflown


def test_dropping_a_room_forgets_its_events_and_its_gap_but_no_reply() -> None:
    """Whoever was removed from a room hears no more of it; others are untouched."""
    box = outbox()
    answer = Entry(LOBBY, 0, 0, EntryKind.REPLY, framed("ok for lobby"))
    for entry in (answer, room(LOBBY, 1), room(DEN, 1), other(EntryKind.REPLAY)):
        box.add(entry)
    box.drop_room(LOBBY)
    assert drain(box) == answer.data + room(DEN, 1).data
    box.add(reply(90))
    box.add(room(LOBBY, 2))
    box.add(room(DEN, 2))
    box.drop_room(LOBBY)
    assert drain(box) == reply(90).data + gap(DEN, 1, 2)


def test_dropping_a_room_may_free_enough_to_be_no_longer_over() -> None:
    """A replay that was given up counts as room in the outbox."""
    box = outbox()
    box.add(other(EntryKind.REPLAY, LOBBY, 90))
    box.add(room(DEN, 1))
    assert box.degraded
    box.drop_room(LOBBY)
    assert not box.degraded
    assert drain(box) == gap(DEN, 0, 1)


def test_what_waits_of_a_room_is_known_by_another_name_of_it() -> None:
    """Its gap is told and joined to by that name; the bytes stay as they are."""
    box = outbox()
    box.add(reply())
    box.add(room(LOBBY, 1))
    box.rename_room(LOBBY, DEN)
    box.add(reply(90))
    box.add(room(DEN, 2))
    box.add(other(EntryKind.EPHEMERAL, DEN))
    assert list(box.ephemeral_dropped) == [DEN]
    assert told(drain(box)) == ["reply", "reply", "den gap 1-2"]
    box = outbox()
    box.add(room(LOBBY, 1))
    box.add(reply(110))
    box.add(other(EntryKind.EPHEMERAL))
    box.rename_room(LOBBY, DEN)
    assert list(box.ephemeral_dropped) == [DEN]
    box.drop_room(DEN)
    assert told(drain(box)) == ["reply"]


def test_zero_is_no_limit() -> None:
    """Without limits nothing is dropped and nothing bursts; low has a measure."""
    box = outbox(0, 0)
    entries = [room(LOBBY, seq, 1000) for seq in range(1, 200)]
    for entry in entries:
        box.add(entry)
    assert not box.degraded
    assert not box.overflown
    assert not box.low
    assert len(box.chunk()) < 2 * LOW_UNLIMITED_BYTES
    assert drain(box, 5000) == b"".join(e.data for e in entries)
    assert box.low


def test_a_room_entry_without_a_room_is_kept() -> None:
    """Only what names its room can be told of in a gap."""
    box = outbox()
    entry = Entry(None, 0, 0, EntryKind.EPHEMERAL, framed("hint"))
    box.add(reply(101))
    box.add(entry)
    assert told(drain(box)) == ["reply", "hint"]


# --- pings and pongs ----------------------------------------------------------


def test_a_ping_goes_before_all_that_has_not_begun() -> None:
    """In the order of pings, also where the outbox is over; it is never dropped."""
    box = outbox()
    for entry in (reply(90), room(LOBBY, 1), room(LOBBY, 2), control(b"1")):
        box.add(entry)
    assert box.degraded
    assert box.ping_waits
    box.add(control(b"2"))
    assert box.waiting == 90 + 3 + 3
    assert told(drain(box)) == ["ping 1", "ping 2", "reply", "lobby gap 1-2"]
    assert not box.ping_waits
    box.add(control(b"3"))
    assert told(drain(box)) == ["ping 3"]


def test_a_ping_goes_into_an_entry_that_has_begun() -> None:
    """Behind the frame of which the peer has bytes; what follows stays, and stays so
    also where it would become a gap.
    """
    box = outbox(500)
    box.add(events(LOBBY, 1, 20), 45)
    for seq in range(21, 31):
        box.add(room(LOBBY, seq))
    box.add(control(b"1"))
    box.add(control(b"2"))
    box.add(room(LOBBY, 31))
    box.add(reply(20))
    assert box.degraded
    box.drop_room(LOBBY)
    out = events(LOBBY, 1, 2).data + framed("lobby 3-3", 20)[:5] + drain(box)
    expected = [f"lobby {seq}-{seq}" for seq in range(1, 21)]
    assert told(out) == [*expected[:3], "ping 1", "ping 2", *expected[3:], "reply"]


def test_a_ping_waits_for_one_frame_that_has_begun() -> None:
    """Whatever its size; then it is the next."""
    for size in (20, 127, 130, 66_000):
        box = outbox(0, 0)
        whole = reply(size)
        box.add(whole, size - 1)
        box.add(reply())
        box.add(control())
        assert box.ping_waits
        out = whole.data[: size - 1] + drain(box)
        assert told(out)[1:] == ["ping ", "reply"]


def test_what_may_have_begun_counts_as_begun() -> None:
    """What TLS has encrypted cannot be taken back, though it was not counted yet."""
    box = outbox()
    box.add(room(LOBBY, 1))
    box.add(room(LOBBY, 2))
    box.progress(20, begun=True)
    box.add(control())
    box.drop_all()
    assert told(drain(box)) == ["lobby 2-2"]
    box.add(room(LOBBY, 3), begun=True)
    box.add(room(LOBBY, 4))
    box.add(control())
    assert told(drain(box)) == ["lobby 3-3", "ping ", "lobby 4-4"]
    box.add(room(LOBBY, 5))
    box.progress(20, begun=True)
    box.add(room(LOBBY, 6))
    box.add(control())
    assert told(drain(box)) == ["ping ", "lobby 6-6"]


def test_where_frames_end_is_found_from_any_byte_of_them() -> None:
    """Of every form of length."""
    sizes = (2, 20, 127, 130, 66_000, 65_539, 5)
    data = b"".join(framing.text_frame(bytes(size)) for size in sizes)
    at = 0
    for size in sizes:
        end = at + len(framing.text_frame(bytes(size)))
        for place in (at, at + 1, end - 1):
            assert framing.frame_end(data, place) == end
        at = end


class Delivery(RuleBasedStateMachine):
    """Whole frames leave in order; every seq is delivered or told of in a gap."""

    def __init__(self) -> None:
        super().__init__()
        self.box = Outbox(100, 0, gap)
        self.heads = {LOBBY: 0, DEN: 0}
        self.replies = 0
        self.pings = 0
        self.out = b""

    def put(self, entry: Entry, taken: int) -> None:
        """Do what a push does: try the socket first where nothing waits."""
        sent = 0
        if not self.box.waiting:
            sent = min(taken, len(entry.data))
            self.out += entry.data[:sent]
        if sent < len(entry.data):
            self.box.add(entry, sent)

    @rule(
        name=st.sampled_from([LOBBY, DEN]),
        count=st.integers(1, 3),
        size=st.integers(18, 120),
        taken=st.integers(0, 130),
    )
    def say(self, name: RoomName, count: int, size: int, taken: int) -> None:
        first = self.heads[name] + 1
        self.heads[name] += count
        self.put(room(name, first, size, self.heads[name]), taken)

    @rule(size=st.integers(20, 60), taken=st.integers(0, 70))
    def answer(self, size: int, taken: int) -> None:
        self.replies += 1
        data = framed(f"reply {self.replies}", size)
        self.put(Entry(None, 0, 0, EntryKind.REPLY, data), taken)

    @rule(
        name=st.sampled_from([LOBBY, DEN]),
        kind=st.sampled_from([EntryKind.EPHEMERAL, EntryKind.REPLAY]),
        taken=st.integers(0, 30),
    )
    def hint(self, name: RoomName, kind: EntryKind, taken: int) -> None:
        self.put(other(kind, name), taken)

    @rule(taken=st.integers(0, 8))
    def ask(self, taken: int) -> None:
        self.pings += 1
        self.put(control(b"%d" % self.pings), taken)

    @precondition(lambda self: self.box.waiting)
    @rule(count=st.integers(1, 90), begun=st.booleans())
    def write(self, count: int, begun: bool) -> None:
        part = bytes(self.box.chunk()[:count])
        self.out += part
        self.box.progress(len(part), begun=begun)

    @invariant()
    def holds(self) -> None:
        box = self.box
        assert box.waiting == sum(len(e.data) for e in box._entries) - box._sent
        assert box.waiting or not (box.degraded or box._gaps or box._sent)
        assert box.degraded or not box._gaps
        assert box.degraded or box.waiting <= 100 + 2 * len(gap(LOBBY, 9999, 9999))

    def teardown(self) -> None:
        self.out += drain(self.box, 11)
        seen = {LOBBY: 0, DEN: 0}
        replies = pings = 0
        for words in map(str.split, told(self.out)):
            if words[0] == "reply":
                replies += 1
                assert int(words[1]) == replies
            elif words[0] == "ping":
                pings += 1
                assert int(words[1]) == pings
            elif words[1] not in ("EPHEMERAL", "REPLAY"):
                first, last = map(int, words[-1].split("-"))
                name = RoomName(words[0])
                assert first == seen[name] + 1
                seen[name] = last
        assert seen == self.heads
        assert (replies, pings) == (self.replies, self.pings)


TestDelivery = pytest.mark.untraced(Delivery.TestCase)
TestDelivery.settings = settings(max_examples=150, stateful_step_count=40)


@given(st.lists(st.integers(20, 200), min_size=1), st.integers(1, 300))
def test_any_partition_of_writes_gives_the_same_bytes(
    sizes: list[int], step: int
) -> None:
    """How much the socket takes at a time changes nothing."""
    box = outbox(0, 0)
    entries = [reply(size) for size in sizes]
    for entry in entries:
        box.add(entry)
    assert drain(box, step) == b"".join(e.data for e in entries)
