"""A store with all that a daemon writes, and a look at all that a store has.

`everything` has rows in each table and values in each column, all of them written by
the daemon's own code. `read_all` reads a store as a daemon does that starts with it:
into memory, with the invariants that hold there, page by page for everybody, and back
onto the wire.
"""

from __future__ import annotations

from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import apsw

from chatd.config import Config
from chatd.core import drafts as d
from chatd.core import invariants
from chatd.core.inputs import Now
from chatd.core.mentions import Mentions
from chatd.core.query import parse_query
from chatd.core.residency import take_user
from chatd.core.settings import PLAIN, RoomSettings
from chatd.enums import AccountRole, Level, MemberChange, Role
from chatd.errors import Reject
from chatd.hub.restore import restore
from chatd.ids import Cid, Epoch, RoomName, Seq, UserName, is_guest
from chatd.names import skeleton
from chatd.store import SqliteStore
from chatd.store.sqlite import files, migrate
from chatd.store.sqlite.export import export
from chatd.store.sqlite.inviting import invitations
from chatd.store.sqlite.sql import select
from chatd.store.sqlite.tokens import tokens
from chatd.wire.encode import encode, encode_part
from chatd.wire.kinds import Text
from chatd.wire.operator import Announce
from tests.store.support import (
    ANN,
    BOB,
    CY,
    DAY,
    DIRECT,
    EPOCH,
    LOBBY,
    T0,
    execute,
    one,
    say,
    session_id,
    sqlite,
)

TEA, HALL, DEN = RoomName("tea"), RoomName("hall"), RoomName("~ccfbni6c472bpykg")
DAN, IVY, EVE = UserName("dan~4f7k"), UserName("ivy~4f7k"), UserName("eve")
GONE, NAMELESS = UserName("fay"), UserName("erased~abcd")
FAR = Seq(10**9)
FOR_EVER = 10**10
SECRET, OTHER, ADDRESS = b"s" * 32, b"t" * 32, b"a" * 16

PEOPLE: list[d.Draft] = [
    *(
        d.AddUser(name, name.title(), AccountRole.USER, "$argon2id$x", skeleton(name))
        for name in (ANN, BOB, CY, EVE, GONE)
    ),
    *(
        d.OpenSession(
            session_id(name),
            name,
            None,
            T0,
            d.AddUser(name, name, AccountRole.GUEST, None),
            device="phone",
            address=ADDRESS,
        )
        for name in (DAN, IVY)
    ),
    d.EndSession(session_id(IVY)),
    d.AddToken(ANN, SECRET, "bot", '{"rooms":["lobby"]}', T0, T0 + FOR_EVER),
    d.OpenSession(
        session_id("ann"), ANN, SECRET, T0, expires=T0 + FOR_EVER, scope='{"rooms":[]}'
    ),
    d.SetLink(session_id("ann"), OTHER, T0 + DAY),
    d.SaveMarks({}, {session_id("ann"): T0}, {session_id("ann"): "desk"}),
    d.SetBlock(ANN, EVE, True),
    d.SetPlace("Northwind", ANN),
    d.BanUser(EVE, T0 + FOR_EVER, "spam", T0),
    d.RecordAct(Announce(Text("hello"), LOBBY)),
]
ROOMS: list[d.Draft] = [
    d.CreateRoom(
        LOBBY,
        EPOCH,
        RoomSettings(topic="work", keep_messages=1000, archived=False, slow_s=1),
        {ANN: Role.OWNER, BOB: Role.MEMBER},
        event=True,
        cid=Cid("r1"),
        skeleton="lobby",
        maker=ANN,
    ),
    d.CreateRoom(
        DIRECT, Epoch("c" * 16), PLAIN, dict.fromkeys((ANN, BOB), Role.MEMBER)
    ),
    *(
        d.CreateRoom(
            *(name, Epoch(16 * letter), PLAIN, {ANN: Role.OWNER}, True),
            skeleton=None if name == DEN else skeleton(name),
            maker=ANN,
        )
        for letter, name in zip("def", (TEA, HALL, DEN), strict=True)
    ),
    d.SetMember(LOBBY, DAN, Role.MEMBER, event=True),
    d.SetMember(LOBBY, CY, Role.MEMBER, event=True, since_join=True),
    d.SetMember(LOBBY, GONE, Role.MEMBER, event=True),
    d.SetLevel(LOBBY, BOB, Level.MENTIONS),
    d.AddInvitation(SECRET, ANN, LOBBY, AccountRole.USER, 2, T0, T0 + FOR_EVER),
    d.Enroll(
        d.AddUser(UserName("gus"), "Gus", AccountRole.USER, "x"),
        SECRET,
        T0,
        LOBBY,
        True,
    ),
    d.SetRoom(LOBBY, ANN, Cid("s1"), {"title": "The lobby", "keep_days": 9999}),
    d.RenameRoom(HALL, ANN, Cid("s2"), RoomName("yard"), "yard", False),
]
NAMES_BOB = Mentions((BOB,), strangers=((EVE,),))
SAID: list[d.Draft] = [
    d.NewMessage(LOBBY, ANN, Cid("m1"), "tea, @bob?", None, NAMES_BOB),  # 7
    d.NewMessage(LOBBY, BOB, Cid("m2"), "Straße", None, None),
    d.NewMessage(LOBBY, BOB, None, "in a thread", Seq(7), NAMES_BOB, thread=True),
    d.NewMessage(LOBBY, ANN, None, "there, too", Seq(7), None, thread=True),
    d.NewMessage(LOBBY, GONE, Cid("m3"), "mine", None, None),
    d.NewMessage(LOBBY, ANN, None, "to be deleted", Seq(8), None),
    d.EditMessage(LOBBY, ANN, Cid("e1"), Seq(7), "tea, @cy?", Mentions((CY,))),
    d.DeleteMessage(LOBBY, ANN, None, Seq(12)),
    d.SetReaction(LOBBY, BOB, Cid("e2"), Seq(7), "👍", True),
    d.SetReaction(LOBBY, ANN, None, Seq(7), "👍", True),
    d.SetReaction(LOBBY, ANN, None, Seq(8), "🎉", True),
    d.SetReaction(LOBBY, ANN, None, Seq(8), "🎉", False),
    d.SetPin(LOBBY, ANN, Cid("e3"), Seq(8), True),
    d.SetBookmark(BOB, LOBBY, Seq(7), True),
    d.SetFollow(LOBBY, CY, Seq(7), True),
    d.NewMessage(DIRECT, ANN, None, "psst", None, None),
    d.NewMessage(DIRECT, BOB, None, "yes?", None, None),
    d.SetBlock(BOB, ANN, True),
    d.NewMessage(DIRECT, ANN, None, "hidden", None, None),
    d.SetReaction(DIRECT, ANN, None, Seq(2), "👍", True),
    d.SetPin(DIRECT, BOB, None, Seq(1), True),
    d.NewMessage(TEA, ANN, Cid("t1"), "one", None, None),
    d.NewMessage(TEA, ANN, Cid("t2"), "two", None, None),
    d.TrimRoom(TEA, None, 1),
    d.Moderate(LOBBY, ANN, Cid("a1"), CY, MemberChange.MUTE, seconds=FOR_EVER // 1000),
    d.Moderate(LOBBY, ANN, None, EVE, MemberChange.BAN, reason="spam"),
    d.Moderate(LOBBY, ANN, None, BOB, MemberChange.ROLE, role=Role.MODERATOR),
    d.Moderate(DEN, ANN, None, BOB, MemberChange.INVITE),
    d.Moderate(TEA, ANN, None, BOB, MemberChange.INVITE),
    d.Moderate(TEA, BOB, None, BOB, MemberChange.DECLINE),
    d.Moderate(LOBBY, ANN, None, DAN, MemberChange.BAN, seconds=9**7, reason="spam"),
    d.SaveMarks({(LOBBY, BOB): Seq(5)}, {}, {}),
    d.MarkThread(LOBBY, BOB, Seq(7), Seq(10)),
]
ENDED: list[d.Draft] = [
    d.DestroyRoom(RoomName("yard"), ANN, Cid("x1")),
    d.EraseUser(GONE, None, NAMELESS, by_operator=True),
]


async def everything(data: Path) -> None:
    """Make it; an erasure and the end of a room have begun, and no more."""
    async with sqlite(data) as store:
        await store.load(T0)
        for draft in (*PEOPLE, *ROOMS, *SAID):
            outcome = await one(store, draft)
            assert isinstance(outcome, (d.Committed, d.Trimmed)), (draft, outcome)
        # The clock was put back.
        await store.commit([say("before")], T0 - DAY, T0)
    execute(data, *ENDED)
    with closing(apsw.Connection(str(data / files.DATABASE))) as db:
        migrate.configure(db)
        # What a place without an administrator has, and one that has forgotten much.
        db.execute("UPDATE store SET setup = ?, merge_due = ?", (SECRET, T0 + DAY))


async def read_all(data: Path) -> None:
    """Start with a store, and read all that it has; write to each room."""
    people, rooms = _names(data, "user"), _names(data, "room")
    async with sqlite(data) as store:
        snapshot = await store.load(T0, T0)
        rows = await store.rooms([RoomName(name) for name in rooms])
        chat = restore(snapshot, rows, Config(), Now(0.0, T0))
        for name in people:  # guests are there already
            record = await store.user_record(UserName(name))
            if record is not None and not is_guest(record.user.user):
                take_user(chat, record, 0.0)
        invariants.check(chat)
        for name in people:
            await _read_as(store, UserName(name), [row.room for row in rows])
        await store.public_rooms(None, 100)
        await store.trimming(None, 100)
        for shown in (await store.audit(**ANY, after=None, limit=100))[0]:
            encode_part(shown)
        for row in rows:
            for member in list(row.members)[:1]:
                said = await one(store, say("after", user=member, room=row.room))
                assert isinstance(said, d.Committed), said
    for name in people:
        with suppress(Reject):  # who was erased is nobody
            list(export(data, UserName(name), received=True))
    tokens(data)
    invitations(data)


ANY: dict[str, Any] = {"user": None, "by": None, "room": None, "since": None}


def _names(data: Path, table: str) -> list[str]:
    with closing(apsw.Connection(str(data / files.DATABASE))) as db:
        return [name for (name,) in select(db, f"SELECT name FROM {table}")]  # noqa: S608 - a word


async def _read_as(store: SqliteStore, name: UserName, rooms: list[RoomName]) -> None:
    """Read what one user can ask for."""
    scope = [(room, Seq(1), FAR) for room in rooms]
    for room in rooms:
        for event in await store.events(room, Seq(0), FAR, 1000, 0, name):
            encode(event)
        messages, between, _ = await store.history(
            room, before=None, after=None, limit=1000, upto=FAR, viewer=name, events=99
        )
        messages += (
            await store.pins(
                room, first=Seq(1), after=None, limit=100, upto=FAR, viewer=name
            )
        )[0]
        for part in (*messages, *between):
            encode_part(part)
        for message in messages:
            await store.thread(
                room,
                message.seq,
                before=None,
                after=None,
                limit=100,
                upto=FAR,
                viewer=name,
            )
            for emoji in message.reactions:
                await store.reactions(
                    room, message.seq, emoji, after=Seq(0), limit=100, viewer=name
                )
    for _, listed in (await store.threads(name, None, 100, unread=False))[0]:
        encode_part(listed)
    for _, kept in (await store.bookmarks(name, None, 100))[0]:
        encode_part(kept)
    await store.unread(name, [(room, Seq(0), FAR) for room in rooms])
    await store.search(parse_query("tea"), scope, None, 100, name)
    await store.user(name)
    for session in (await store.sessions(name, 0, None, 100))[0]:
        await store.session(session.id)
    await store.linked(OTHER)
