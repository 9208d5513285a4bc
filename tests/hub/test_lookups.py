from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs
import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from chatd.auth import digest_of
from chatd.auth.passwords import hash_password
from chatd.config import Auth, History
from chatd.core import drafts as d
from chatd.core.settings import PLAIN
from chatd.enums import Role
from chatd.errors import Ending, StoreUnavailable, TooSlow
from chatd.hub.engine import TURN_INPUTS_MAX
from chatd.ids import RoomName, Seq, SessionId, UserName
from chatd.net.host import WebSocketLimits
from chatd.ports import UserRecord
from chatd.wire.events import TimelineShown
from tests.hub.support import ANN, BOB, DEN, EPOCH, T0, Peer, fill, quick, running
from tests.store.memory import MemoryStore


@attrs.define(eq=False)
class SlowReads(MemoryStore):
    """Reads pages of a timeline when the test lets it."""

    gate: trio.Semaphore = attrs.field(factory=lambda: trio.Semaphore(0))
    asked: list[RoomName] = attrs.field(factory=list)

    async def events(
        self,
        room: RoomName,
        after: Seq,
        upto: Seq,
        limit: int,
        limit_bytes: int,
        viewer: UserName,
    ) -> list[TimelineShown]:
        self.asked.append(room)
        page = await super().events(room, after, upto, limit, limit_bytes, viewer)
        await self.gate.acquire()
        return page


@attrs.define(eq=False)
class SlowOutcomes(MemoryStore):
    """Has committed what the hub has not heard of yet."""

    gate: trio.Semaphore = attrs.field(factory=lambda: trio.Semaphore(100))

    async def commit(
        self, drafts: Sequence[d.Draft], now: int, certain: int | None = None
    ) -> list[d.Outcome]:
        outcomes = await super().commit(drafts, now, certain)
        await self.gate.acquire()
        return outcomes


@attrs.define(eq=False)
class EndlessReads(MemoryStore):
    """Never has an answer, and knows who waits for one."""

    waiting: list[str] = attrs.field(factory=list)

    asked: trio.Event = attrs.field(factory=trio.Event)

    async def _wait(self, what: str) -> Any:
        self.waiting.append(what)
        self.asked.set()
        try:
            await trio.sleep_forever()
        finally:
            self.waiting.remove(what)

    async def events(self, *_: Any) -> Any:
        return await self._wait("events")

    async def history(self, *_: Any, **__: Any) -> Any:
        return await self._wait("history")

    async def sessions(self, *_: Any) -> Any:
        return await self._wait("sessions")

    async def search(self, *_: Any) -> Any:
        return await self._wait("search")

    async def thread(self, *_: Any, **__: Any) -> Any:
        return await self._wait("thread")

    async def threads(self, *_: Any, **__: Any) -> Any:
        return await self._wait("threads")

    async def reactions(self, *_: Any, **__: Any) -> Any:
        return await self._wait("reactions")

    async def pins(self, *_: Any, **__: Any) -> Any:
        return await self._wait("pins")

    async def bookmarks(self, *_: Any) -> Any:
        return await self._wait("bookmarks")

    async def public_rooms(self, *_: Any) -> Any:
        return await self._wait("public_rooms")

    async def displays(self, *_: Any) -> Any:
        return await self._wait("displays")


@attrs.define(eq=False)
class EndlessCounts(EndlessReads):
    """The same, and nobody gets in who has anything to count."""

    async def unread(self, *_: Any) -> Any:
        return await self._wait("unread")


@attrs.define(eq=False)
class EndlessKeys(EndlessReads):
    """The same, and nobody is known."""

    async def user(self, *_: Any) -> Any:
        return await self._wait("user")


async def full(store: MemoryStore, count: int, *rooms: RoomName) -> MemoryStore:
    """Fill rooms with messages of a kilobyte."""
    await fill(store)
    drafts: list[d.Draft] = []
    for room in rooms or (DEN,):
        if room != DEN:
            drafts.append(d.CreateRoom(room, EPOCH, PLAIN, {BOB: Role.MEMBER}))
        who = ANN if room == DEN else BOB
        drafts += [d.NewMessage(room, who, None, "x" * 1000) for _ in range(count)]
    await store.commit(drafts, T0)
    return store


def resume(peer: Peer, since: int = 0, room: RoomName = DEN, **more: Any) -> None:
    """Say a join that asks for a replay."""
    peer.say("join", room=room, since=since, epoch=EPOCH, **more)


def kinds(frames: Sequence[dict[str, Any]]) -> list[Any]:
    """The seq of each event, and the type of everything else."""
    return [
        frame["seq"] if frame["type"] == "message" else (frame["type"], frame.get("id"))
        for frame in frames
    ]


async def test_a_replay_meets_what_is_live_without_a_seam(
    autojump_clock: MockClock,
) -> None:
    """What is committed while a page is read follows in the replay, then live."""
    store = SlowReads()
    async with running(await full(store, 2), filled=False) as rig:
        bob, ann = await rig.login("bob"), await rig.login("ann")
        resume(bob, id=1)
        await wait_all_tasks_blocked()
        await ann.ask("send", room=DEN, text="three")
        assert kinds(bob.take()) == [("ok", 1)]
        store.gate.release()
        await wait_all_tasks_blocked()
        assert kinds(bob.take()) == [1, 2]
        store.gate.release()
        await wait_all_tasks_blocked()
        assert kinds(bob.take()) == [3, ("caught_up", 1)]
        await ann.ask("send", room=DEN, text="four")
        assert kinds(bob.take()) == [4]


async def test_nothing_is_read_ahead_of_the_chat(autojump_clock: MockClock) -> None:
    """What is on disk but not applied comes live, once, and in no replay or page."""
    store = SlowOutcomes()
    async with running(await full(store, 2), filled=False) as rig:
        bob, ann = await rig.login("bob"), await rig.login("ann")
        store.gate = trio.Semaphore(0)
        ann.say("send", room=DEN, text="three")
        await wait_all_tasks_blocked()
        assert len(await store.events(DEN, Seq(0), Seq(9), 9, 0, ANN)) == 3
        resume(bob, id=1)
        await wait_all_tasks_blocked()
        assert kinds(bob.take()) == [("ok", 1), 1, 2, ("caught_up", 1)]
        (page,) = await bob.ask("history", room=DEN)
        assert (page["as_of"], len(page["messages"])) == (2, 2)
        store.gate.release()
        await wait_all_tasks_blocked()
        assert kinds(bob.take()) == [3]


async def test_a_replay_that_was_superseded_sends_nothing(
    autojump_clock: MockClock,
) -> None:
    """The page of the first join is thrown away; only the second is caught up."""
    store = SlowReads()
    async with running(await full(store, 3), filled=False) as rig:
        bob = await rig.login("bob")
        resume(bob, 0, id=1)
        await wait_all_tasks_blocked()
        resume(bob, 1, id=2)
        store.gate.release()
        store.gate.release()
        await wait_all_tasks_blocked()
        assert kinds(bob.take()) == [("ok", 1), ("ok", 2), 2, 3, ("caught_up", 2)]


async def test_a_superseded_join_is_not_caught_up_either(
    autojump_clock: MockClock,
) -> None:
    """A replay that waits unsent is dropped by the next join, its end with it."""
    limits = WebSocketLimits(outbox_soft_bytes=1000)
    async with running(await full(MemoryStore(), 1), filled=False) as rig:
        bob = await rig.login("bob", limits=limits)
        bob.outlet.taken.window = 1
        await bob.ask("ping", id="begun")
        resume(bob, 0, id=1)
        await wait_all_tasks_blocked()
        resume(bob, 0, id=2)
        await wait_all_tasks_blocked()
        bob.outlet.open_window(float("inf"))
        await wait_all_tasks_blocked()
        assert kinds(bob.take()) == [
            ("ok", "begun"),
            ("ok", 1),
            ("ok", 2),
            1,
            ("caught_up", 2),
        ]


async def test_leaving_ends_a_replay(autojump_clock: MockClock) -> None:
    """What is read when its reader has left the room is not sent: his leave is last."""
    store = SlowReads()
    async with running(await full(store, 3), filled=False) as rig:
        bob = await rig.login("bob")
        resume(bob, id=1)
        bob.say("leave", room=DEN, id=2)
        await wait_all_tasks_blocked()
        store.gate.release()
        await wait_all_tasks_blocked()
        told = [("ok", 1), ("ok", 2), ("member", None), ("left", None)]
        assert kinds(bob.take()) == told


async def test_a_connection_that_is_gone_gets_no_page(
    autojump_clock: MockClock,
) -> None:
    """A page for somebody who has closed meanwhile is nobody's, and no bug."""
    store = SlowReads()
    async with running(await full(store, 3), filled=False) as rig:
        bob = await rig.login("bob")
        resume(bob, id=1)
        await wait_all_tasks_blocked()
        bob.close()
        store.gate.release()
        await wait_all_tasks_blocked()
        assert rig.hub.is_ready
        assert rig.hub.connections == 0


async def test_pages_wait_for_their_reader(autojump_clock: MockClock) -> None:
    """No page is read while more than half of the soft limit waits unsent."""
    store = SlowReads()
    store.gate = trio.Semaphore(1000)
    limits = WebSocketLimits(outbox_soft_bytes=10_000, outbox_hard_bytes=100_000)
    async with running(await full(store, 300), filled=False) as rig:
        bob = await rig.login("bob", limits=limits)
        bob.outlet.taken.window = 0
        resume(bob, id=1)
        await wait_all_tasks_blocked()
        assert len(store.asked) == 1
        assert bob.outlet.outbox.waiting < 80_000
        frames: list[dict[str, Any]] = []
        while not (frames and frames[-1]["type"] == "caught_up"):
            bob.outlet.open_window(5_000)
            await wait_all_tasks_blocked()
            frames += bob.take()
        assert kinds(frames) == [("ok", 1), *range(1, 301), ("caught_up", 1)]
        assert not bob.outlet.finished


async def test_many_rooms_are_replayed_in_turn(autojump_clock: MockClock) -> None:
    """Who comes back to forty rooms gets a page at a time, not forty at once."""
    rooms = [RoomName(f"room-{number}") for number in range(40)]
    store = SlowReads()
    store.gate = trio.Semaphore(1000)
    limits = WebSocketLimits(outbox_soft_bytes=65_536, outbox_hard_bytes=262_144)
    async with running(await full(store, 60, *rooms), filled=False) as rig:
        bob = await rig.login("bob", limits=limits)
        bob.outlet.taken.window = 0
        for number, room in enumerate(rooms):
            resume(bob, room=room, id=number)
        await wait_all_tasks_blocked()
        assert not bob.outlet.finished
        assert len(store.asked) == 1
        frames: list[dict[str, Any]] = []
        while sum(frame["type"] == "caught_up" for frame in frames) < len(rooms):
            bob.outlet.open_window(50_000)
            await wait_all_tasks_blocked()
            assert not bob.outlet.finished
            frames += bob.take()
        for room in rooms:
            seqs = [f["seq"] for f in frames if f.get("room") == room and "ts" in f]
            assert seqs == list(range(1, 61))


async def test_a_long_room_does_not_hold_up_a_short_one(
    autojump_clock: MockClock,
) -> None:
    """Rooms take turns page by page: the short one is caught up first."""
    store = await full(MemoryStore(), 600)
    await store.commit(
        [
            d.CreateRoom(RoomName("short"), EPOCH, PLAIN, {BOB: Role.MEMBER}),
            d.NewMessage(RoomName("short"), BOB, None, "hi"),
        ],
        T0,
    )
    async with running(store, filled=False) as rig:
        bob = await rig.login("bob")
        resume(bob, id=1)
        resume(bob, room=RoomName("short"), id=2)
        await wait_all_tasks_blocked()
        ends = [f["id"] for f in bob.take() if f["type"] == "caught_up"]
        assert ends == [2, 1]


async def test_the_newest_messages_are_replayed(autojump_clock: MockClock) -> None:
    """With `last` a replay begins at the message that is the last but so many."""
    async with running(await full(MemoryStore(), 5), filled=False) as rig:
        bob = await rig.login("bob")
        frames = await bob.ask("join", room=DEN, last=2, id=1)
        assert kinds(frames) == [("ok", 1), 4, 5, ("caught_up", 1)]


async def test_too_much_is_not_replayed_at_all(autojump_clock: MockClock) -> None:
    """More than `history.replay_max` events are not recovered, and never in part."""
    config = attrs.evolve(quick(), history=History(replay_max=3))
    async with running(await full(MemoryStore(), 5), config, filled=False) as rig:
        bob = await rig.login("bob")
        resume(bob, 2, id=1)
        await wait_all_tasks_blocked()
        assert kinds(bob.take()) == [("ok", 1), 3, 4, 5, ("caught_up", 1)]
        resume(bob, 1, id=2)
        await wait_all_tasks_blocked()
        ok, end = bob.take()
        assert (ok["recovered"], ok["seq"]) == (False, 5)
        assert end == {
            "type": "caught_up",
            "room": DEN,
            "epoch": EPOCH,
            "seq": 5,
            "id": 2,
        }


async def test_history_is_bounded_by_what_was_applied(
    autojump_clock: MockClock,
) -> None:
    """`as_of` is the head when it was asked, and nothing above it is in the page."""
    async with running(await full(MemoryStore(), 3), filled=False) as rig:
        bob = await rig.login("bob")
        (page,) = await bob.ask("history", room=DEN, limit=2, id=1)
        assert page["as_of"] == 3
        assert [message["seq"] for message in page["messages"]] == [2, 3]
        assert page["more"] is True
        (page,) = await bob.ask("history", room=DEN, before=2, id=2)
        assert [message["seq"] for message in page["messages"]] == [1]
        assert page["more"] is False
        (page,) = await bob.ask("history", room=DEN, after=1, limit=1)
        assert [message["seq"] for message in page["messages"]] == [2]
        assert page["more"] is True


async def test_a_user_is_looked_up_once(autojump_clock: MockClock) -> None:
    """A first direct message finds its user; one to nobody is refused."""
    async with running() as rig:
        ann = await rig.login("ann")
        frames = await ann.ask("send", to="cy", text="hi", id=1)
        assert [(f["type"], f.get("seq")) for f in frames] == [
            ("ok", 1),
            ("message", 1),
        ]
        (error,) = await ann.ask("send", to="nobody", text="hi", id=2)
        assert error["code"] == "no_user"
        assert ann.outlet.answers == ann.said


@attrs.define(eq=False)
class BusyReads(MemoryStore):
    """Cannot read now: another process holds the file, or the disk is slow."""

    error: Exception = attrs.field(kw_only=True)

    async def events(self, room: RoomName, *bounds: Any) -> list[TimelineShown]:
        raise self.error

    async def history(
        self, room: RoomName, **bounds: Any
    ) -> tuple[list[Any], list[Any], bool]:
        raise self.error

    async def sessions(self, user: UserName, *bounds: Any) -> tuple[list[Any], bool]:
        raise self.error

    async def user_record(self, name: UserName) -> UserRecord | None:
        if name == "dan":
            raise self.error
        return await super().user_record(name)


READS = [StoreUnavailable("busy"), TooSlow()]


@pytest.mark.parametrize("error", READS, ids=["unavailable", "slow"])
async def test_a_page_that_cannot_be_read_now_is_refused(
    autojump_clock: MockClock, error: Exception
) -> None:
    """With when to ask again; the connection goes on, and so do the others."""
    store = await full(BusyReads(error=error), 3)
    async with running(store) as rig:
        ann, bob = await rig.login("ann"), await rig.login("bob")
        for (refused,) in (
            await ann.ask("history", room=DEN, id=1),
            await ann.ask("sessions", id=1),
        ):
            assert (refused["code"], refused["id"]) == ("unavailable", 1)
            assert refused["retry_after"] == 1
        for peer in (ann, bob):
            assert (await peer.answer("ping"))["type"] == "ok"
            assert peer.outlet.ending is None


@pytest.mark.parametrize("error", READS, ids=["unavailable", "slow"])
@pytest.mark.parametrize("what", ["replay", "user"])
async def test_what_cannot_go_on_now_ends_its_connection(
    autojump_clock: MockClock, what: str, error: Exception
) -> None:
    """It comes back and asks again; the daemon and the others go on."""
    store = await full(BusyReads(error=error), 3)
    async with running(store) as rig:
        ann, bob = await rig.login("ann"), await rig.login("bob")
        if what == "replay":
            resume(ann)
        else:
            ann.say("send", to="dan", text="hi")
        await wait_all_tasks_blocked()
        assert ann.outlet.ending is Ending.OVERLOADED
        assert bob.outlet.ending is None
        pong = await bob.answer("ping", id=1)
        assert pong["type"] == "ok"


# --- what a command about an account brings ---------------------------------------


async def test_a_secret_is_verified_beside_the_hub() -> None:
    """An account is made and logs in; a wrong password is answered; others are served
    meanwhile.
    """
    config = attrs.evolve(quick(), auth=Auth(registration="open"))
    async with running(config=config) as rig:
        bob, dan = await rig.login("bob"), rig.connect()
        dan.say("register", name="dan", password="correct horse")
        assert (await bob.ask("ping"))[0]["re"] == "ping"
        welcome = await dan.answer("hello", name="dan", password="correct horse")
        assert (welcome["type"], welcome["user"]) == ("welcome", "dan")
        wrong = await dan.answer("password", old="wrong", new="battery staple")
        assert wrong["code"] == "bad_credentials"
        right = await dan.answer("password", old="correct horse", new="battery staple")
        assert right["type"] == "ok"


async def test_a_secret_of_a_connection_that_is_gone_is_not_verified(
    autojump_clock: MockClock,
) -> None:
    """Its socket went before its task began."""
    async with running() as rig:
        peer = await rig.login("ann")
        await wait_all_tasks_blocked()
        rig.hub.on_texts(peer.outlet, [b'{"type":"refresh","token":"t"}'])
        rig.hub._run_inputs()
        peer.close()
        await wait_all_tasks_blocked()
        assert rig.hub.connections == 0


@pytest.mark.parametrize(
    ("command", "fields", "read"),
    [
        ("history", {"room": DEN}, "history"),
        ("join", {"room": DEN, "since": 0, "epoch": EPOCH}, "events"),
        ("search", {"query": "tea"}, "search"),
        ("sessions", {}, "sessions"),
    ],
)
async def test_who_has_gone_takes_his_look_ups_along(
    command: str, fields: dict[str, Any], read: str
) -> None:
    """What is read for him is broken off, and another of his connections is next."""
    store = EndlessReads()
    await full(store, 2)
    await store.commit([_session("ann-2", ANN)], T0)
    async with running(store, filled=False) as rig:
        phone, desk = await rig.login("ann"), await rig.login("ann-2")
        for peer in (phone, desk):
            await peer.ask(command, **fields)
        assert store.waiting == [read]
        phone.close()
        await wait_all_tasks_blocked()
        assert store.waiting == [read]
        desk.close()
        await wait_all_tasks_blocked()
        assert store.waiting == []


@pytest.mark.parametrize("is_read", [True, False], ids=["being read", "asked for"])
@pytest.mark.parametrize(
    ("command", "fields"),
    [
        ("history", {"room": DEN}),
        ("history", {"room": DEN, "thread": 1}),
        ("search", {"query": "tea"}),
        ("sessions", {}),
        ("bookmarks", {}),
        ("threads", {}),
        ("pins", {"room": DEN}),
        ("reactions", {"room": DEN, "of": 1, "emoji": "👍"}),
        ("rooms", {}),
    ],
)
async def test_who_goes_before_all_that_he_said_was_handled_costs_nobody_else(
    autojump_clock: MockClock, command: str, fields: dict[str, Any], *, is_read: bool
) -> None:
    """What he asked for is not read any more, though he is not known to be gone."""
    store = EndlessReads()
    await full(store, 2)
    async with running(store, filled=False) as rig:
        ann, bob = await rig.login("ann"), await rig.login("bob")
        ann.say(command, **fields)
        if is_read:
            await wait_all_tasks_blocked()
            assert store.waiting
        for _ in range(2 * TURN_INPUTS_MAX):
            ann.say("ping")
        ann.close()
        assert (await bob.answer("ping", id=1))["type"] == "ok"
        await wait_all_tasks_blocked()
        assert (store.waiting, rig.hub.connections) == ([], 1)
        assert not rig.hub.machine.chat.live.connections.keys() - {bob.outlet.id}


async def test_who_has_gone_is_not_counted_for() -> None:
    """A hello that nobody waits for any more ends where it is."""
    store = EndlessCounts()
    await full(store, 2)
    async with running(store, filled=False) as rig:
        peer = rig.connect()
        assert await peer.ask("hello", session="ann") == []
        assert store.waiting == ["unread"]
        peer.close()
        await wait_all_tasks_blocked()
        assert store.waiting == []


async def test_a_session_that_nobody_was_told_of_ends() -> None:
    """Its hello was broken off while unread messages were counted."""
    store = EndlessCounts()
    await full(store, 2)
    hashed = hash_password("correct horse")
    await store.commit([d.SetPasswordHash(ANN, hashed, None)], T0)
    async with running(store, filled=False) as rig:
        desk = rig.connect()
        before = set(store.model.sessions)
        await desk.ask("hello", name="ann", password="correct horse")
        await store.asked.wait()
        assert len(set(store.model.sessions) - before) == 1
        desk.close()
        await wait_all_tasks_blocked()
        assert set(store.model.sessions) == before


async def test_a_guess_is_looked_at_though_its_client_has_gone() -> None:
    """Or whoever guesses passwords would hang up before they count."""
    store = EndlessKeys()
    async with running(store) as rig:
        peer = rig.connect()
        await peer.ask("hello", name="ann", password="guess")
        assert store.waiting == ["user"]
        peer.close()
        await wait_all_tasks_blocked()
        assert store.waiting == ["user"]


def _session(name: str, user: UserName) -> d.OpenSession:
    return d.OpenSession(SessionId(digest_of(name)), user, None, T0)
