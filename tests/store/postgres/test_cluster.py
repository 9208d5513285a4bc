"""Several nodes on one database: one order, nothing decided on what is not so."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from time import monotonic
from typing import Any

import attrs
import psycopg
import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from chatd.core import drafts as d
from chatd.core.changes import (
    Appended,
    Change,
    MemberSet,
    Moderated,
    SessionTaken,
    event_of,
)
from chatd.core.cluster.commits import Commit, Group
from chatd.core.drafts.basis import Basis
from chatd.core.settings import PLAIN
from chatd.enums import AccountRole, MemberChange, Role
from chatd.errors import GivenUp, RejectCode, StoreUnavailable
from chatd.ids import Epoch, RoomName, Seq, SessionId, UserName
from chatd.ports.cluster import Landed
from chatd.store.postgres.cluster import SharedPostgresStore
from chatd.store.postgres.cluster import node as node_module
from chatd.store.postgres.cluster.locks import NAMES
from chatd.store.postgres.cluster.node import LATE_S
from chatd.wire.events import HOUR_MS
from tests.live.forks import PATIENCE_S
from tests.postgresql import DATABASE, USER, server, shared_at, store_at
from tests.store.support import (
    ANN,
    BOB,
    CY,
    DAY,
    LOBBY,
    T0,
    fill,
    page,
    refused,
    row,
    say,
    seqs,
    session_id,
)

TEA, HALL = RoomName("tea"), RoomName("hall")
EPOCHS = {LOBBY: Epoch("8f3c21d07be945aa"), TEA: Epoch("a" * 16), HALL: Epoch("b" * 16)}
DAN = UserName("dan")
GUEST = UserName("dan~4f7k")
Node = SharedPostgresStore


@pytest.fixture
def url() -> Iterator[str]:
    """An empty database."""
    with server().database() as url:
        yield url


@asynccontextmanager
async def nodes(url: str, *names: str) -> AsyncIterator[list[Node]]:
    """Nodes with three accounts and three rooms that have ann and bob."""
    async with AsyncExitStack() as stack:
        found = [await stack.enter_async_context(shared_at(url, n)) for n in names]
        for node in found:
            await node.load(T0)
        await fill(found[0])
        rooms: list[d.Draft] = [
            d.CreateRoom(name, EPOCHS[name], PLAIN, {ANN: Role.OWNER, BOB: Role.MEMBER})
            for name in (TEA, HALL)
        ]
        await found[0].commit(rooms, T0)
        for node in found[1:]:
            await node.catch_up()
        yield found


@contextmanager
def outsider(*begin: str) -> Iterator[psycopg.Connection[Any]]:
    """Somebody else in the database, in a transaction, who never gives way."""
    with psycopg.connect(server().url(DATABASE, USER)) as db:
        db.execute("SET search_path TO chatd")
        db.execute("SET deadlock_timeout TO '1min'")
        for sql in begin:
            db.execute(sql)
        yield db


async def until_waiting(count: int) -> None:
    """Wait until so many connections wait for a lock."""
    sql = (
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        " AND datname = 'chatd'"
    )
    # PostgreSQL tells nobody.
    while server().execute(sql) != [(count,)]:  # noqa: ASYNC110
        await trio.sleep(0.005)


async def commit(node: Node, *drafts: d.Draft, basis: Basis | None = None) -> Landed:
    """Commit drafts that were decided on the same."""
    return await node.commit_shared(drafts, [basis] * len(drafts), T0, T0)


async def one(node: Node, draft: d.Draft, basis: Basis | None = None) -> d.Outcome:
    """Commit one draft."""
    (outcome,) = (await commit(node, draft, basis=basis)).outcomes
    return outcome


async def open_session(node: Node, word: str, user: UserName = ANN) -> SessionId:
    """Have somebody come to a node."""
    session = session_id(word)
    outcome = await one(node, d.OpenSession(session, user, None, T0))
    assert isinstance(outcome, d.Committed)
    return session


def changes_of(commits: Sequence[Commit]) -> list[Change]:
    """All that commits have changed."""
    return [
        change
        for commit in commits
        for _, group in commit.groups
        for change in group.changes
    ]


def stop(node: Node) -> None:
    """Have a node have said nothing for longer than its lease."""
    late = f"UPDATE chatd.node SET seen = seen - interval '11 s' WHERE id = {node.node}"  # noqa: S608 - a number
    server().execute(late, DATABASE)


def mute(user: UserName = BOB) -> d.Moderate:
    """Ann mutes somebody in the lobby."""
    return d.Moderate(LOBBY, ANN, None, user, MemberChange.MUTE)


# --- the log ------------------------------------------------------------------


async def test_what_one_node_commits_the_others_read(url: str) -> None:
    """Each draft's changes together, in order, once; its own are not among them."""
    async with nodes(url, "a", "b") as (a, b):
        landed = await commit(a, say("one"), say("two", room=TEA), d.RecordTime())
        assert seqs(landed.outcomes) == [1, 1, 0]
        (found,) = await b.catch_up()
        assert (found.node, found.stamp) == (a.node, landed.stamp)
        assert found.groups == tuple((n, group) for n, group, _ in landed.groups)
        assert [
            (group.room, group.seq, group.is_event) for _, group in found.groups
        ] == [
            (EPOCHS[LOBBY], 1, True),
            (EPOCHS[TEA], 1, True),
        ]
        assert await b.catch_up() == []
        assert await a.catch_up() == []
        nothing = await commit(a, d.SaveMarks({}, {}))
        assert (nothing.stamp, nothing.groups) == (None, ())


async def test_what_a_killed_server_counts_anew_is_read(url: str) -> None:
    """It may give the number of a transaction again that it has lost: one that a node
    believes to know of is asked for once more when it has connected again.
    """
    async with nodes(url, "a", "b") as (a, b):
        landed = await commit(a, say("one"))
        below = f"{b._node.horizon - 1}"
        sql = f"UPDATE chatd.change SET xid = '{below}' WHERE stamp = {landed.stamp}"  # noqa: S608 - numbers
        server().execute(sql, DATABASE)
        assert await b.catch_up() == []
        b._node_db.db.close()
        assert landed.stamp in [found.stamp for found in await b.catch_up()]


async def test_what_is_no_event_comes_with_how_far_the_room_was(url: str) -> None:
    """And what concerns one user alone is of no room."""
    async with nodes(url, "a", "b") as (a, b):
        await one(a, d.AddUser(GUEST, "dan", AccountRole.GUEST, None))
        landed = await commit(
            a,
            say("one"),
            d.SetMember(LOBBY, GUEST, Role.MEMBER, event=False),
            say("two"),
            d.SetBookmark(ANN, LOBBY, Seq(1), on=True),
            d.SetDisplay(BOB, "Bob"),
        )
        groups = [group for _, group, _ in landed.groups]
        assert [(g.room is not None, g.seq, g.is_event) for g in groups] == [
            (True, 1, True),
            (True, 1, False),
            (True, 2, True),
            (False, 0, False),
            (False, 0, False),
        ]
        assert isinstance(groups[1].changes[0], MemberSet)
        renamed = await commit(
            a,
            d.RenameRoom(LOBBY, ANN, None, RoomName("foyer")),
            say("three"),
            d.DestroyRoom(TEA, ANN, None),
        )
        assert [group.room for _, group, _ in renamed.groups] == [
            EPOCHS[LOBBY],
            EPOCHS[LOBBY],
            EPOCHS[TEA],
        ]
        assert len(await b.catch_up()) == 3


async def test_seqs_have_no_hole_whoever_writes(url: str) -> None:
    """Of three nodes at once; each hears of all that the others have written."""
    async with nodes(url, "a", "b", "c") as found:
        heard: dict[int, list[Group]] = {node.node: [] for node in found}
        sent: dict[int, list[Group]] = {node.node: [] for node in found}

        async def write(node: Node) -> None:
            for number in range(12):
                # Each has them in another order.
                rooms = [LOBBY, TEA, HALL][number % 3 :] + [LOBBY, TEA][: number % 3]
                drafts = [say(f"{node.node}.{number}", room=room) for room in rooms]
                landed = await commit(node, *drafts)
                assert all(isinstance(o, d.Committed) for o in landed.outcomes)
                sent[node.node] += [group for _, group, _ in landed.groups]

        async def listen(node: Node, writing: trio.CancelScope) -> None:
            while not writing.cancel_called:
                await trio.lowlevel.checkpoint()
                commits = await node.catch_up()
                heard[node.node] += [g for c in commits for _, g in c.groups]

        writing = trio.CancelScope()
        async with trio.open_nursery() as listeners:
            for node in found:
                listeners.start_soon(listen, node, writing)
            async with trio.open_nursery() as writers:
                for node in found:
                    writers.start_soon(write, node)
            writing.cancel()
        for node in found:
            commits = await node.catch_up()
            heard[node.node] += [g for c in commits for _, g in c.groups]
        everything = [group for groups in sent.values() for group in groups]
        for epoch in EPOCHS.values():
            of_room = sorted(group.seq for group in everything if group.room == epoch)
            assert of_room == list(range(1, len(of_room) + 1))
        for node in found:
            others = [g for n, groups in sent.items() if n != node.node for g in groups]
            assert len(heard[node.node]) == len(others)
            assert all(group in others for group in heard[node.node])


async def test_a_transaction_that_takes_long_is_read_later(url: str) -> None:
    """One with a higher number that has ended before it is not read twice."""
    async with nodes(url, "a", "b", "c") as (a, b, c):
        async with trio.open_nursery() as nursery:
            with outsider("SELECT 1 FROM room WHERE name = 'hall' FOR UPDATE") as db:
                # It has a number, and waits.
                nursery.start_soon(
                    commit, a, say("slow", room=TEA), say("x", room=HALL)
                )
                await until_waiting(1)
                await commit(b, say("fast"))
                (first,) = await c.catch_up()
                assert first.node == b.node
                assert await c.catch_up() == []
                db.rollback()
        (second,) = await c.catch_up()
        assert second.node == a.node
        assert second.stamp > first.stamp
        assert await c.catch_up() == []


async def test_what_the_bus_has_brought_is_not_read_again(url: str) -> None:
    """As far as a node has said that all of it was published."""
    async with nodes(url, "a", "b", "c") as (a, b, c):
        await commit(a, say("one"))
        await commit(c, say("two"))
        _, horizon = await a.beat(b"")
        b.heard(a.node, horizon)
        await b.beat(b"")
        (found,) = await b.catch_up()
        assert found.node == c.node
        await commit(a, say("three"))
        (found,) = await b.catch_up()
        assert found.node == a.node


async def test_the_log_is_pruned_below_every_nodes_horizon(url: str) -> None:
    """By the one that leads, when it is old, and not before all have read it."""
    async with nodes(url, "a", "b") as (a, b):
        assert a.leads
        writer = a._writer
        await commit(a, say("one"))
        server().execute("UPDATE chatd.change SET at = at - interval '1 h'", DATABASE)

        def prune() -> int:
            writer._pruned = -1e9
            writer._tend(T0)
            return len(server().execute("SELECT 1 FROM chatd.change", DATABASE))

        assert await a._in_writer(prune) > 0
        assert len(await b.catch_up()) == 1
        # What they know they say with the next beat, when nothing older is under way in
        # the server, of whatever database.
        with trio.fail_after(PATIENCE_S):
            while await a._in_writer(prune):
                assert await b.catch_up() == []
                await b.beat(b"")
                a.heard(b.node, 2**62)
                await a.beat(b"")


# --- decided on what is so --------------------------------------------------------


async def test_what_was_decided_on_other_rights_is_stale(url: str) -> None:
    """Nothing of it is executed; decided again on what is so, it is."""
    async with nodes(url, "a", "b") as (a, b):
        session = await open_session(b, "bobs", BOB)
        knew = Basis(session, Seq(0))
        landed = await commit(a, mute(CY), basis=Basis(None, Seq(0)))
        (outcome,) = landed.outcomes
        assert isinstance(outcome, d.Committed)
        drafts = [say("no", user=BOB), say("yes", room=TEA)]
        operators = Basis(None, Seq(0))
        later = await b.commit_shared(drafts, [knew, operators], T0, T0)
        assert later.outcomes[0] == d.Stale(LOBBY)
        assert seqs(later.outcomes[1:]) == [1]
        assert [message.text for message in await page(b)] == []
        refusal = d.Recall(say("x"), d.Refused(RejectCode.MUTED, "muted"))
        assert await one(b, refusal, knew) == d.Stale(LOBBY)
        (heard,) = [c for c in await b.catch_up() if c.stamp == landed.stamp]
        (change,) = changes_of([heard])
        assert isinstance(change, Moderated)
        assert (await row(b)).rights == change.event.seq
        again = Basis(session, Seq(change.event.seq), since=1)
        assert seqs([await one(b, say("yes", user=BOB), again)]) == [2]


async def test_what_was_sent_behind_what_is_stale_does_not_overtake_it(
    url: str,
) -> None:
    """Until its session's drafts were decided behind another catch-up."""
    async with nodes(url, "a", "b") as (a, b):
        bob, ann = await open_session(b, "bobs", BOB), await open_session(b, "anns")
        await one(a, mute(CY), Basis(None, Seq(0)))
        knew = Basis(bob, Seq(0), EPOCHS[LOBBY], since=3)
        in_tea = Basis(bob, Seq(0), EPOCHS[TEA], since=3)
        anns = Basis(ann, Seq(0), EPOCHS[TEA], since=3)
        drafts = [say("1"), say("2", room=TEA), say("x", room=TEA)]
        landed = await b.commit_shared(drafts, [knew, in_tea, anns], T0, T0)
        assert landed.outcomes[:2] == [d.Stale(LOBBY), d.Stale(TEA)]
        assert seqs(landed.outcomes[2:]) == [1]
        assert await one(b, say("2", room=TEA), in_tea) == d.Stale(TEA)
        await commit(b, d.SetDisplay(BOB, "Bob"), basis=in_tea)
        again = attrs.evolve(knew, rights=Seq(1), since=4)
        assert seqs([await one(b, say("1"), again)]) == [2]
        assert seqs([await one(b, say("2", room=TEA), in_tea)]) == [2]


async def test_another_room_under_the_name_is_not_the_one(url: str) -> None:
    """Nor is none."""
    async with nodes(url, "a", "b") as (a, b):
        knew = Basis(None, Seq(0), EPOCHS[LOBBY])
        await one(a, d.DestroyRoom(LOBBY, ANN, None), Basis(None, Seq(0)))
        assert await one(b, say("one"), knew) == d.Stale(LOBBY)
        again = d.CreateRoom(LOBBY, Epoch("d" * 16), PLAIN, {}, by_operator=True)
        await one(a, again)
        assert await one(b, say("one"), knew) == d.Stale(LOBBY)
        new = Basis(None, Seq(0), Epoch("d" * 16))
        assert seqs([await one(b, say("one"), new)]) == [1]
        renamed = d.RenameRoom(LOBBY, ANN, None, RoomName("foyer"))
        assert seqs([await one(b, renamed, new)]) == [2]


async def test_a_nodes_own_changes_make_nothing_stale_there(url: str) -> None:
    """What was decided before its outcome was known is behind it in the queue."""
    async with nodes(url, "a", "b") as (a, b):
        knew = Basis(None, Seq(0))
        assert seqs([await one(a, mute(), knew)]) == [1]
        assert seqs([await one(a, say("one"), knew)]) == [2]
        assert await one(b, say("two"), knew) == d.Stale(LOBBY)
        # A message changes no rights, and what was renamed is found by both names.
        assert seqs([await one(b, say("two"), Basis(None, Seq(1)))]) == [3]
        foyer = RoomName("foyer")
        await one(b, d.RenameRoom(LOBBY, ANN, None, foyer), Basis(None, Seq(1)))
        assert await one(a, say("three"), Basis(None, Seq(1))) == d.Stale(LOBBY)
        assert seqs([await one(b, say("three"), Basis(None, Seq(1)))]) == [5]


async def test_who_changes_rights_without_having_heard_decides_anew(url: str) -> None:
    """Or what it had not heard of would be taken for known."""
    async with nodes(url, "a", "b") as (a, b):
        await one(b, mute(), Basis(None, Seq(0)))
        await one(a, d.SetMember(LOBBY, CY, Role.MEMBER, event=True))
        stale = await one(a, say("one", user=BOB), Basis(None, Seq(0)))
        assert stale == d.Stale(LOBBY)
        assert seqs([await one(a, say("one"), Basis(None, Seq(2)))]) == [3]


# --- sessions ---------------------------------------------------------------------


async def test_a_session_is_one_nodes(url: str) -> None:
    """Whoever resumes it has it; what the other node still has of it is refused."""
    async with nodes(url, "a", "b") as (a, b):
        session = await open_session(a, "one")
        basis = Basis(session, Seq(0))
        assert seqs([await one(a, say("one"), basis)]) == [1]
        gone = await one(b, say("two"), basis)
        assert refused(gone) is RejectCode.BAD_CREDENTIALS
        taken = SessionTaken(session, ANN, b.node)
        assert await one(b, d.HoldSession(session)) == d.Committed((taken,))
        assert await one(b, d.HoldSession(session)) == d.Committed()
        assert changes_of(await a.catch_up()) == [taken]
        assert refused(await one(a, say("x"), basis)) is RejectCode.BAD_CREDENTIALS
        assert seqs([await one(b, say("two"), basis)]) == [2]
        # What the other one says of it late is not so any more.
        await one(a, d.SaveMarks({}, {session: T0}))
        found = await b.sessions(ANN, T0, None, 9)
        assert [kept.idle_since for kept in found[0]] == [None]
        await one(b, d.SaveMarks({}, {session: T0}))
        assert refused(await one(b, say("x"), basis)) is RejectCode.BAD_CREDENTIALS


@pytest.mark.parametrize(
    "end",
    [
        d.EndSessions(ANN),
        d.ResetPassword(ANN, "x"),
        d.BanUser(ANN, None, None, T0),
        d.EraseUser(ANN, None, None, by_operator=True),
        d.EndSession(session_id("one")),
    ],
    ids=lambda draft: type(draft).__name__,
)
async def test_what_ends_a_session_holds_on_all_nodes_at_once(
    url: str, end: d.Draft
) -> None:
    """The writer refuses what comes from it, before anybody has heard."""
    async with nodes(url, "a", "b") as (a, b):
        basis = Basis(await open_session(a, "one"), Seq(0))
        assert isinstance(await one(b, end), d.Committed)
        gone = await one(a, say("one"), basis)
        assert refused(gone) is RejectCode.BAD_CREDENTIALS
        assert await page(b) == []


async def test_nobody_comes_in_who_was_banned_meanwhile(url: str) -> None:
    """Also where the node that verified him has not heard of it."""
    async with nodes(url, "a", "b") as (a, b):
        await one(a, d.BanUser(ANN, T0 + 1, "spam", T0))
        late = await one(b, d.OpenSession(session_id("x"), ANN, None, T0))
        assert refused(late) is RejectCode.BANNED
        await one(a, d.BanUser(ANN, T0, "spam", T0))
        await open_session(b, "y")


async def test_a_guest_leaves_with_the_last_of_sessions_on_two_nodes(url: str) -> None:
    """Though each of them was ended where the other one was."""
    async with nodes(url, "a", "b") as (a, b):
        new = d.AddUser(GUEST, "dan", AccountRole.GUEST, None)
        first, second = session_id("first"), session_id("second")
        await commit(
            a,
            d.OpenSession(first, GUEST, None, T0, new),
            d.SetMember(LOBBY, GUEST, Role.MEMBER, event=False),
        )
        await commit(b, d.OpenSession(second, GUEST, None, T0, beside=first))
        async with trio.open_nursery() as nursery:
            with outsider("SELECT 1 FROM \"user\" WHERE name = 'dan~4f7k' FOR UPDATE"):
                nursery.start_soon(one, a, d.EndSession(second))
                nursery.start_soon(one, b, d.EndSession(first))
                await until_waiting(2)
        assert GUEST not in (await row(a)).members


async def test_marks_are_what_was_told_last(url: str) -> None:
    """By whichever node; of a session that is another's by now, nothing."""
    async with nodes(url, "a", "b") as (a, b):
        await commit(a, *(say(str(number)) for number in range(5)))
        await one(a, d.SaveMarks({(LOBBY, BOB): Seq(4), (TEA, BOB): Seq(0)}, {}))
        await one(b, d.SaveMarks({(LOBBY, BOB): Seq(2)}, {}, {}))
        members = (await row(b)).members
        assert (members[ANN].read, members[BOB].read) == (0, 2)
        session = await open_session(a, "one")
        await one(a, d.SaveMarks({}, {session: None}, {session: "phone"}))
        (kept,), _ = await a.sessions(ANN, T0, None, 9)
        assert (kept.device, kept.idle_since) == ("phone", None)


# --- in each other's way ------------------------------------------------------------


async def test_a_deadlock_is_executed_again(
    url: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """Nobody is told of it."""
    lock = "SELECT 1 FROM room WHERE name = '{}' FOR UPDATE"
    async with nodes(url, "a") as (a,):
        with outsider(lock.format("lobby")) as first, outsider() as second:
            second.execute(lock.format("tea"))
            async with trio.open_nursery() as nursery:
                landed: list[Landed] = []

                async def write() -> None:
                    landed.append(await commit(a, say("one"), say("two", room=TEA)))

                async def cross() -> None:
                    await trio.to_thread.run_sync(second.execute, lock.format("lobby"))
                    second.rollback()

                nursery.start_soon(write)
                await until_waiting(1)
                nursery.start_soon(cross)
                await until_waiting(2)
                # The node goes on first, and waits last: it is the one that finds out.
                first.rollback()
        assert seqs(landed[0].outcomes) == [1, 1]
        assert "store_collided" in capfd.readouterr().err


async def test_a_name_is_given_once_at_the_same_moment(url: str) -> None:
    """The other one is told that it is taken, as if it had come later."""
    async with nodes(url, "a", "b") as (a, b):
        found: list[list[d.Outcome]] = []

        async def add(node: Node) -> None:
            landed = await commit(
                node,
                d.AddUser(DAN, "Dan", AccountRole.USER, None),
                d.CreateRoom(
                    RoomName("den"), Epoch("c" * 16), PLAIN, {ANN: Role.OWNER}
                ),
                say("x", room=RoomName("den")),
            )
            found.append(landed.outcomes)

        async with trio.open_nursery() as nursery:
            with outsider(f"SELECT pg_advisory_xact_lock({NAMES})"):
                nursery.start_soon(add, a)
                nursery.start_soon(add, b)
                await until_waiting(2)
        first, second = found
        assert seqs(first) == [0, 0, 1]
        assert refused(second[0]) is RejectCode.NAME_TAKEN
        assert isinstance(second[1], d.Duplicate)
        assert seqs(second[2:]) == [2]


async def test_a_row_that_somebody_adds_meanwhile_is_found(url: str) -> None:
    """The batch is executed again, and then it is there."""
    insert = (
        'INSERT INTO "user" (name, display, role, created)'
        " VALUES ('dan', 'Dan', 'user', 0)"
    )
    async with nodes(url, "a") as (a,):
        async with trio.open_nursery() as nursery:
            found: list[d.Outcome] = []

            async def add() -> None:
                found.append(
                    await one(a, d.AddUser(DAN, "Dan", AccountRole.USER, None))
                )

            with outsider(insert) as db:
                nursery.start_soon(add)
                await until_waiting(1)
                db.commit()
        assert refused(found[0]) is RejectCode.NAME_TAKEN
        # What is there for good is one draft's own fault.
        session = await open_session(a, "one")
        twice = d.OpenSession(session, BOB, None, T0)
        landed = await commit(a, twice, say("one"))
        assert refused(landed.outcomes[0]) is RejectCode.INTERNAL
        assert seqs(landed.outcomes[1:]) == [1]


# --- leases -----------------------------------------------------------------------


async def test_a_node_that_says_nothing_is_given_up(url: str) -> None:
    """It stores nothing any more and reads no log, of which the end alone may be left;
    its sessions are free, with a moment to come back.
    """
    async with nodes(url, "a", "b") as (a, b):
        session = await open_session(a, "one")
        seen, _ = await a.beat(b'{"x":1}')
        assert [(node.name, node.facts) for node in seen] == [
            ("a", b'{"x":1}'),
            ("b", b""),
        ]
        stop(a)
        seen, _ = await b.beat(b"")
        assert [node.node for node in seen] == [b.node]
        (kept,), _ = await b.sessions(ANN, 0, None, 9)
        assert kept.idle_since is not None
        with pytest.raises(GivenUp):
            while True:
                # Its connection is cut, which it may find out with this.
                with suppress(StoreUnavailable):
                    await commit(a, say("late"), basis=Basis(session, Seq(0)))
        with pytest.raises(GivenUp):
            await a.beat(b"")
        with pytest.raises(GivenUp):
            await a.catch_up()
        assert await page(b) == []


async def test_who_was_hindered_itself_gives_nobody_up(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For the length of a lease: PostgreSQL may have been away for all of them."""
    later = 0.0
    monkeypatch.setattr(node_module, "monotonic", lambda: monotonic() + later)
    async with nodes(url, "a", "b", "c") as (a, b, c):
        stop(a)
        stop(b)
        later += LATE_S + 1
        seen, _ = await c.beat(b"")
        assert [node.node for node in seen] == [a.node, b.node, c.node]
        await a.beat(b"")
        later += LATE_S - 1
        await c.beat(b"")
        later += LATE_S - 1
        await c.beat(b"")
        await b.beat(b"")  # it was slow, and is there
        later += 2
        stop(b)
        seen, _ = await c.beat(b"")
        assert [node.node for node in seen] == [a.node, c.node]


async def test_a_batch_of_a_node_that_is_given_up_keeps_nobody_waiting(
    url: str,
) -> None:
    """What it had locked is free: its connection is cut."""
    # The first one leads, and tends the store by the connection that is in a batch.
    async with nodes(url, "b", "a") as (b, a):
        db = a._writer.db

        def stop_inside() -> None:
            db.execute("BEGIN IMMEDIATE")
            db.execute("UPDATE room SET head = 9 WHERE name = 'lobby'")

        await a._in_writer(stop_inside)
        stop(a)
        await b.beat(b"")
        assert seqs([await one(b, say("one"))]) == [1]


async def test_who_leads_tends_what_others_write(url: str) -> None:
    """Also where nobody says anything on that node: with its next beat."""
    lacking = "SELECT (SELECT max(id) FROM chatd.message) > indexed FROM chatd.store"
    async with nodes(url, "a", "b") as (a, b):
        assert a.leads
        await wait_all_tasks_blocked(0.2)  # until it has tended what is there
        await b.commit([say("a word", "1")], T0)
        await a.beat(b"")
        while server().execute(lacking, DATABASE) != [(False,)]:  # noqa: ASYNC110
            await trio.sleep(0.01)


async def test_one_node_leads(url: str) -> None:
    """Another one does when it has gone, or its connection."""
    async with shared_at(url, "b") as b:
        async with shared_at(url, "a") as a:
            await a.beat(b"")
            assert (a.leads, b.leads) == (False, True)
            b._node_db.db.close()
            while not a.leads:  # the server notices it
                await a.beat(b"")
            await b.beat(b"")
            assert not b.leads
        while not b.leads:
            await b.beat(b"")


async def test_a_node_has_the_servers_time(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By its answers that come at once, and by its own count behind them."""
    asked_s = iter([0.0, 0.0, *(0.0, 3600.0), 3600.0, *(7200.0, 7200.0), 7200.0])
    monkeypatch.setattr(node_module, "clock_gettime", lambda _: next(asked_s))
    async with shared_at(url) as node:
        began = node.wall()
        await node.beat(b"")  # its answer has been on its way for an hour
        assert 0 <= node.wall() - began - HOUR_MS < 1000
        await node.beat(b"")
        assert 0 <= node.wall() - began < HOUR_MS


async def test_a_start_leaves_alone_who_is_on_other_nodes(url: str) -> None:
    """And finds who is on none of them."""
    async with nodes(url, "a") as (a,):
        new = d.AddUser(GUEST, "dan", AccountRole.GUEST, None)
        guest, other = session_id("guest"), session_id("other")
        await commit(
            a,
            d.OpenSession(guest, GUEST, None, T0, new),
            d.OpenSession(other, GUEST, None, T0, beside=guest),
            d.SetMember(LOBBY, GUEST, Role.MEMBER, event=False),
            d.SaveMarks({}, {other: T0}),
        )
        await open_session(a, "anns")
        old = await open_session(a, "bobs", BOB)
        await one(a, d.SaveMarks({}, {old: T0 - 31 * DAY}))
        async with shared_at(url, "b") as b:
            snapshot = await b.load(T0)
            assert not snapshot.guests
            assert not snapshot.guest_sessions
            assert GUEST in (await b.rooms([LOBBY]))[0].members
            (kept,), _ = await b.sessions(ANN, 0, None, 9)
            assert kept.idle_since is None
            assert await b.session(old) is None
            assert await b.orphans(T0) == []
            assert await b.orphans(T0 + 1) == [(other, GUEST)]


async def test_one_alone_and_several_keep_each_other_out(url: str) -> None:
    """Who serves alone ends nodes that could not say that they go."""
    async with store_at(url):
        with pytest.raises(StoreUnavailable, match="another chatd serves"):
            async with shared_at(url):
                """Not reached."""
    async with nodes(url, "a") as (a,):
        with pytest.raises(StoreUnavailable, match="this database: the nodes a; type"):
            async with store_at(url):
                """Not reached."""
        # It loses its connections, and somebody serves alone meanwhile.
        await a._in_writer(a._writer.db.close)
        async with store_at(url) as alone:
            await alone.load(T0)
        with pytest.raises(GivenUp):
            await commit(a, say("late"))


async def test_an_event_is_told_by_whoever_made_it(url: str) -> None:
    """A commit that was read is what `apply` takes."""
    async with nodes(url, "a", "b") as (a, b):
        landed = await commit(a, say("one"), mute())
        found = changes_of(await b.catch_up())
        assert [type(change) for change in found] == [Appended, Moderated]
        made = [change for _, group, _ in landed.groups for change in group.changes]
        assert list(map(event_of, found)) == list(map(event_of, made))
