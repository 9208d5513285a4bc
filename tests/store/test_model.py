"""The store on SQLite against its twin, over random drafts in random batches."""

from __future__ import annotations

from typing import Any

import trio
from hypothesis import event, given, settings
from hypothesis import strategies as st

from chatd.core import drafts as d
from chatd.core.mentions import Mentions
from chatd.core.query import parse_query
from chatd.core.settings import PLAIN, RoomSettings
from chatd.enums import AccountRole, Level, Role
from chatd.errors import RejectCode
from chatd.ids import OPERATOR, Cid, Epoch, RoomName, Seq, UserName, session_tag
from chatd.ports import Store
from chatd.store.sqlite.sql import select
from chatd.wire.kinds import BookmarkNumber
from tests.store.memory import MemoryStore
from tests.store.support import (
    ANN,
    BOB,
    CY,
    DAY,
    DIRECT,
    LOBBY,
    T0,
    in_memory,
    session_id,
)

GUEST = UserName("dan~4f7k")
TEA, HALL, DEN = RoomName("tea"), RoomName("hall"), RoomName("~ccfbni6c472bpykg")
ROOMS = (LOBBY, DIRECT, TEA, HALL, DEN)
NAMELESS = UserName("erased~aaaa")

# Few values, so that they meet: most drafts concern what others have made.
users = st.sampled_from([ANN, ANN, BOB, CY, GUEST])
looks = st.sampled_from([None, "x", "y"])
rooms = st.sampled_from([LOBBY, LOBBY, LOBBY, DIRECT, TEA, HALL, DEN])
cids = st.none() | st.sampled_from([Cid(c) for c in ("c1", "c2", "c3", "c4")])
texts = st.sampled_from(["a", "b", "ünï", "c" * 90])
emoji = st.sampled_from(["👍", "👎", "🎉"])
roles = st.sampled_from([None, "member", "owner"])
sessions = st.sampled_from([session_id(word) for word in "xyz"])
targets = st.integers(1, 12).map(Seq)
often = st.sampled_from([True, True, False])
times = st.integers(T0, T0 + 3)
secrets = st.sampled_from([b"s" * 32, b"t" * 32])
jumps = st.sampled_from([T0 + by for by in (-40 * DAY, -60_000, 5000, 60_000, DAY)])
hashes = st.none() | texts

people = st.sampled_from([ANN, BOB, GUEST])
some = st.lists(people, max_size=2, unique=True).map(tuple)
words = st.lists(
    st.lists(users | st.just(NAMELESS), min_size=1, max_size=2).map(tuple), max_size=3
).map(tuple)
mentions = st.builds(Mentions, some, strangers=words) | st.builds(
    Mentions, everybody=st.just(True), strangers=words
)

messages = st.builds(
    d.NewMessage,
    rooms,
    users,
    cids,
    texts,
    st.none() | targets,
    st.none() | mentions,
    thread=st.booleans(),
)
changes = st.one_of(
    st.builds(d.EditMessage, rooms, users, cids, targets, texts, st.none() | mentions),
    st.builds(d.SetReaction, rooms, users, cids, targets, emoji, st.booleans()),
    st.builds(d.SetPin, rooms, users, cids, targets, often),
    st.builds(
        d.DeleteMessage,
        rooms,
        users,
        cids,
        targets,
        st.booleans(),
        targets,
        st.none() | st.just(d.Refused(RejectCode.NO_ROOM, "there is no room")),
    ),
)
room_settings = st.builds(
    RoomSettings,
    topic=texts,
    history=st.just("since_join"),
    keep_days=st.sampled_from([0, 0, 9]),
)
acts = st.one_of(
    st.builds(
        d.Moderate,
        rooms,
        users,
        cids,
        users,
        st.sampled_from(
            [
                *("invite", "uninvite", "decline", "invite"),
                *("kick", "ban", "unban", "mute", "unmute"),
            ]
        ),
        seconds=st.none() | st.integers(1, 5),
        reason=st.none() | texts,
    ),
    st.builds(
        d.Moderate,
        rooms,
        users,
        cids,
        users,
        st.just("role"),
        role=st.sampled_from(["owner", "member"]),
    ),
    st.builds(
        d.SetRoom,
        rooms,
        users,
        cids,
        st.fixed_dictionaries(
            {},
            optional={
                "topic": texts,
                "slow_s": targets,
                "archived": st.booleans(),
                "keep_messages": st.sampled_from([0, 4]),
            },
        ),
    ),
)
trims = st.builds(
    d.TrimRoom,
    rooms,
    st.none() | times | jumps,
    st.none() | st.integers(1, 4),
    st.integers(1, 5),
    st.sampled_from([1, 3, 100, 1000]),
)
creations = st.builds(
    d.CreateRoom,
    rooms,
    st.just(Epoch("a" * 16)),
    room_settings,
    st.dictionaries(users, st.just("member"), max_size=2),
    st.booleans(),
    cids,
    skeleton=looks,
    distinct=st.booleans(),
    maker=st.none() | users,
)
renames = st.builds(
    d.RenameRoom,
    st.sampled_from([LOBBY, TEA, HALL]),
    users,
    cids,
    st.sampled_from([HALL, HALL, TEA, LOBBY]),
    looks,
    st.booleans(),
)
ends = st.builds(d.DestroyRoom, st.sampled_from([TEA, TEA, LOBBY]), users, cids)
others = st.one_of(
    st.builds(
        d.SetMember,
        rooms,
        users,
        roles,
        st.booleans(),
        st.booleans(),
        may_own=st.booleans(),
    ),
    st.builds(d.HoldSession, sessions, st.none() | texts),
    st.builds(d.SetLevel, rooms, users, st.sampled_from(list(Level))),
    creations,
    st.builds(d.DeclareRoom, rooms, room_settings),
    renames,
    ends,
    st.builds(d.DropRoom, st.sampled_from([TEA, LOBBY, DEN])),
    st.builds(
        d.Recall,
        st.none() | messages | changes | acts | creations | renames | ends,
        st.just(d.Refused(RejectCode.MUTED, "muted")),
    ),
    st.builds(
        d.AddUser, users, texts, st.just("user"), st.none(), looks, st.booleans()
    ),
    st.builds(d.SetDisplay, users, texts),
    st.builds(d.SetFollow, rooms, users, targets, st.booleans()),
    st.builds(d.MarkThread, rooms, users, targets, targets),
    st.builds(d.SetBlock, people, people, st.sampled_from([True, True, False])),
    st.builds(d.SetBookmark, users, rooms, targets, often),
    st.builds(d.SetPasswordHash, users, texts, hashes),
    st.builds(d.ChangePassword, users, texts, hashes, sessions),
    st.builds(d.SetPlace, texts, st.just(OPERATOR)),
    st.builds(
        d.AddInvitation,
        secrets,
        users,
        st.none() | rooms,
        st.sampled_from(["user", "admin"]),
        st.integers(1, 2),
        times,
        times,
    ),
    st.builds(
        d.RemoveInvitation, st.integers(1, 4), st.none() | users, st.just(OPERATOR)
    ),
    st.builds(
        d.Enroll,
        st.builds(
            d.AddUser, users, texts, st.just("user"), st.none(), looks, st.booleans()
        ),
        secrets,
        times,
        st.none() | rooms,
        st.booleans(),
    ),
    st.builds(d.OfferSetup, secrets),
    st.builds(d.SetLink, sessions, secrets, times),
    st.builds(d.SetAccountRole, users, st.sampled_from(["user", "bot"])),
    st.builds(d.EraseUser, users, hashes, st.none() | st.just(NAMELESS)),
    st.builds(
        d.OpenSession,
        sessions,
        users,
        st.none() | st.just(b"t" * 32),
        times,
        most=st.integers(0, 2),
        held=st.tuples(sessions),
        device=st.none() | texts,
        beside=st.none() | sessions,
        link=st.none() | secrets,
    ),
    st.builds(
        lambda session: d.OpenSession(
            session, GUEST, None, T0, d.AddUser(GUEST, "dan", AccountRole.GUEST, None)
        ),
        sessions,
    ),
    st.builds(d.EndSession, sessions),
    st.builds(d.EndNamedSession, users, sessions.map(session_tag)),
    st.builds(d.EndSessions, users, st.sampled_from([None, b"t" * 32])),
    st.builds(d.ResetPassword, users, texts),
    st.builds(d.GiveRole, users, st.sampled_from(["user", "bot"])),
    st.builds(d.BanUser, users, st.none() | times, st.none() | texts, st.just(T0)),
    st.builds(d.UnbanUser, users),
    st.builds(
        d.AddToken,
        users,
        secrets,
        texts,
        st.none(),
        times,
        st.none() | times,
        st.lists(rooms, max_size=2).map(tuple),
    ),
    st.builds(d.RevokeToken, st.integers(0, 3)),
    st.builds(
        d.RenewSession,
        sessions,
        st.sampled_from([None, b"t" * 32]),
        st.none() | times,
        st.none() | texts,
    ),
    st.builds(
        d.SaveMarks,
        st.dictionaries(st.tuples(rooms, users), targets, max_size=3),
        st.dictionaries(sessions, st.none() | times, max_size=2),
        st.dictionaries(sessions, texts, max_size=2),
    ),
)
drafts = st.one_of(messages, messages, messages, changes, changes, acts, others, trims)
# What time it is, and what is certain about it.
moments = st.tuples(times | jumps, st.none() | times | jumps)
batches = st.lists(
    st.tuples(st.lists(drafts, max_size=12), moments), min_size=1, max_size=8
).map(lambda run: [*run, *run[:2]])  # the first are sent again at the end

BEGINNING: list[d.Draft] = [
    d.AddUser(ANN, "Ann", AccountRole.USER, None),
    d.AddUser(BOB, "Bob", AccountRole.USER, None),
    d.CreateRoom(LOBBY, Epoch("b" * 16), PLAIN, {ANN: Role.OWNER}),
    d.CreateRoom(DIRECT, Epoch("c" * 16), PLAIN, {ANN: Role.MEMBER, BOB: Role.MEMBER}),
]


SEARCHES = (
    "a",
    "uni",
    "ÜNI b",
    "c*",
    "from:ann",
    "b from:bob",
    "after:2026-09-21",
    "before:2026-09-21",
)


async def found(store: Store, text: str) -> list[Any]:
    """All that a search finds, page by page."""
    scope = [(LOBBY, Seq(2), Seq(9)), (DIRECT, Seq(1), Seq(1000))]
    place, hits = None, []
    while True:
        page = await store.search(parse_query(text), scope, place, 2, ANN)
        assert page is not None
        hits += page[0]
        if not page[1]:
            return hits
        place = page[0][-1].place


async def pinned(store: Store, room: RoomName, viewer: UserName, **bounds: Any) -> Any:
    """A small page of what is pinned to a room."""
    return await store.pins(room, limit=2, upto=Seq(1000), viewer=viewer, **bounds)


async def side_talk(store: Store, room: RoomName, viewer: UserName) -> list[Any]:
    """All threads of a room, and those that somebody follows."""
    read: list[Any] = []
    for root in range(1, 6):
        for before, after in ((None, None), (Seq(6), None), (None, Seq(3))):
            read.append(
                await store.thread(
                    room,
                    Seq(root),
                    before=before,
                    after=after,
                    limit=2,
                    upto=Seq(1000),
                    viewer=viewer,
                )
            )
    for unread in (True, False):
        place = None
        while True:
            page, more = await store.threads(viewer, place, 2, unread=unread)
            read += [listed for _, listed in page]
            if not more:
                break
            place = page[-1][0]
    return read


async def everything(store: Store) -> list[Any]:
    """All that can be read, in pages of several sizes."""
    read: list[Any] = []
    for room in ROOMS:
        for upto in (Seq(5), Seq(1000)):
            for viewer in (ANN, BOB):
                read.append(await store.events(room, Seq(0), upto, 1000, 0, viewer))
                read.append(await store.events(room, Seq(2), upto, 4, 60, viewer))
            read += [await store.nth_newest(room, n, upto) for n in (1, 3, 50)]
            for before, after in ((None, None), (Seq(6), None), (None, Seq(2))):
                read += [
                    await store.history(
                        room,
                        before=before,
                        after=after,
                        limit=3,
                        upto=upto,
                        viewer=viewer,
                        events=events,
                    )
                    for viewer, events in ((ANN, 0), (ANN, 2), (BOB, 9))
                ]
        for viewer in (ANN, BOB, NAMELESS):
            for first, behind_pin in ((Seq(1), None), (Seq(3), Seq(9))):
                bounds = {"first": first, "after": behind_pin}
                read.append(await pinned(store, room, viewer, **bounds))
        for viewer in (ANN, BOB):
            read += await side_talk(store, room, viewer)
        for user in (ANN, BOB, GUEST, UserName("nobody")):
            for mark, head in ((1, 1000), (4, 1000), (0, 5)):
                marks = [(room, Seq(mark), Seq(head))]
                read.append(await store.unread(user, marks))
    for text in SEARCHES:
        read += await found(store, text)
    names = (ANN, BOB, CY, GUEST, NAMELESS)
    read += [await store.rooms([room]) for room in ROOMS] + [await store.rooms(ROOMS)]
    read += [await store.user_record(user) for user in names]
    read.append(await store.displays(names))
    for user in names:
        read.append(await store.bookmarks(user, None, 2))
        read.append(await store.bookmarks(user, BookmarkNumber(3), 2))
    for behind in (None, HALL, LOBBY):
        read += [await store.public_rooms(behind, limit) for limit in (1, 9)]
        read += [await store.trimming(behind, limit) for limit in (1, 9)]
    read += [await store.user(user) for user in names]
    read += [await store.session(session_id(word)) for word in "xyz"]
    for secret in (b"s" * 32, b"t" * 32):
        read += [await store.linked(secret), await store.invitation(secret)]
    for maker in (None, ANN, UserName("nobody")):
        read += [await store.invitations(maker, after, 2) for after in (None, 3)]
    for user in (ANN, GUEST):
        for after_tag in (None, session_tag(session_id("x"))):
            read.append(await store.sessions(user, T0 + 1, after_tag, 2))
    return read


MISCOUNTED = """
SELECT name, members FROM room WHERE members <> (
  SELECT count(*) FROM member m JOIN user u ON u.id = m.user_id
  WHERE m.room_id = room.id AND u.erased IS NULL)"""
OUT_OF_COUNT = """
SELECT 'thread', room_id, root FROM thread t WHERE replies <> (
  SELECT count(*) FROM message m WHERE m.room_id = t.room_id AND m.thread = t.root
  AND m.text IS NOT NULL AND NOT m.hidden)
OR newest <> coalesce((
  SELECT max(seq) FROM message m WHERE m.room_id = t.room_id AND m.thread = t.root
  AND m.text IS NOT NULL AND NOT m.hidden), 0)
OR root NOT IN (SELECT seq FROM message m WHERE m.room_id = t.room_id)
UNION ALL
SELECT 'writer', room_id, root FROM thread_writer w WHERE (written, shown) <> (
  SELECT count(*), count(*) FILTER (WHERE NOT m.hidden) FROM message m
  WHERE m.room_id = w.room_id AND m.thread = w.root AND m.user_id = w.user_id
  AND m.text IS NOT NULL) OR NOT written
UNION ALL
SELECT 'follower', room_id, root FROM thread_follower f
JOIN thread t USING (room_id, root) WHERE is_unread <> (is_on AND read < newest)
UNION ALL
SELECT 'lost', room_id, root FROM (
  SELECT room_id, root FROM thread_follower
  UNION SELECT room_id, root FROM thread_writer)
WHERE (room_id, root) NOT IN (SELECT room_id, root FROM thread)"""
"""What is kept of threads against what a count says."""
OVERLOOKED = """
SELECT name FROM room WHERE spoken AND members = 0 AND ended IS NULL
AND NOT EXISTS (SELECT 1 FROM message m WHERE m.room_id = room.id)
UNION ALL
SELECT name FROM user WHERE role = 'guest' AND erased IS NULL
AND id NOT IN (SELECT user_id FROM guest) AND id IN (
  SELECT user_id FROM session UNION ALL SELECT user_id FROM member
  UNION ALL SELECT user_id FROM invite)"""
"""What a start would leave where it should go."""

Run = list[tuple[list[d.Draft], tuple[int, int | None]]]


async def compare(run: Run) -> None:
    """Give both the same batches; the outcomes and then all reads are equal."""
    store, twin = in_memory(), MemoryStore(session_days=30, guest_hold_s=900)
    assert await store.load(T0) == await twin.load(T0)
    for batch, (now, certain) in [(BEGINNING, (T0, None)), *run]:
        outcomes = await twin.commit(batch, now, certain)
        assert await store.commit(batch, now, certain) == outcomes
        while store._writer._erasures.step():
            """The twin has done so at once."""
        assert await twin.certain(T0) == (now if certain is None else certain)
        for outcome in outcomes:
            event(type(outcome).__name__)
        for sql in (MISCOUNTED, OVERLOOKED, OUT_OF_COUNT):
            assert select(store._writer.db, sql) == []
    assert await everything(store) == await everything(twin)
    while store._writer.tend(T0):
        """More to be put into the search index."""
    assert await store.load(T0 + 10) == await twin.load(T0 + 10)
    assert await everything(store) == await everything(twin)


@settings(max_examples=200)
@given(batches)
def test_sqlite_and_memory_agree(run: Run) -> None:
    """The same drafts in the same batches have the same outcomes and leave the
    same rooms, also after a restart.
    """
    trio.run(compare, run)


@settings(max_examples=100)
@given(st.lists(drafts, max_size=40), st.integers(1, 9))
def test_where_a_batch_is_cut_changes_nothing(flow: list[d.Draft], cut: int) -> None:
    """One batch or many: the outcomes of a flow of drafts are the same."""
    parts = [flow[at : at + cut] for at in range(0, len(flow), cut)]

    async def outcomes(batches: list[list[d.Draft]]) -> list[d.Outcome]:
        store = in_memory()
        await store.commit(BEGINNING, T0)
        return [o for batch in batches for o in await store.commit(batch, T0)]

    assert trio.run(outcomes, [flow]) == trio.run(outcomes, parts)
