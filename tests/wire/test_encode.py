"""Each frame of the server is the JSON object that the protocol shows."""

from __future__ import annotations

import inspect
from datetime import datetime, timedelta
from typing import Any, get_args

import attrs
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatd.enums import (
    AccountRole,
    Audited,
    Erasure,
    Level,
    LogLevel,
    MemberChange,
    Post,
    Role,
    State,
    Visibility,
)
from chatd.ids import (
    OPERATOR,
    Cid,
    ConnectionId,
    Epoch,
    RoomName,
    Seq,
    SessionTag,
    UserName,
)
from chatd.wire import events as e
from chatd.wire import moderation as m
from chatd.wire import replies as r
from chatd.wire.administration import (
    ErasureShown,
    TokenIssued,
    TokenRevoked,
    UserBanned,
    UserErased,
    UserUnbanned,
)
from chatd.wire.admissions import (
    InvitationCreated,
    InvitationShown,
    InvitationsPage,
    Linked,
)
from chatd.wire.encode import encode, encode_part
from chatd.wire.kinds import (
    WIRE_NAMES,
    BookmarkNumber,
    InvitationNumber,
    KeepCount,
    SlowSeconds,
    ThreadNumber,
    TokenNumber,
    Topic,
)
from chatd.wire.operator import (
    Announced,
    AuditPage,
    AuditShown,
    BackupShown,
    BusyRoom,
    BusyRoomsShown,
    ConfigShown,
    ConnectionShown,
    ConnectionsPage,
    Disconnected,
    NodeShown,
    Reloaded,
    Reported,
    StoreShown,
)
from chatd.wire.place import Announcement, Described, EntryLimits
from chatd.wire.rooms import Joined, RoomShown, RoomsPage
from chatd.wire.sessions import SessionShown, SessionsPage
from chatd.wire.threads import Followed, ThreadMark, ThreadUnread
from chatd.wire.timestamps import rfc3339
from chatd.wire.users import BlocksPage

TS = 1795379488123
TIME = "2026-11-22T20:31:28.123Z"
LOBBY = RoomName("lobby")
EPOCH = Epoch("8f3c21d07be945aa")
ANN = UserName("ann~4f7k")
BOB = UserName("bob")
CY = UserName("cy")
TAG = SessionTag("0a1b2c3d4e")
ZERO = Seq(0)
ONE = Seq(1)


def event(cls: Any, seq: int, **fields: Any) -> Any:
    """A timeline event of bob's in the lobby."""
    return cls(LOBBY, Seq(seq), TS, BOB, **fields)


def shown(kind: str, seq: int, **fields: Any) -> dict[str, Any]:
    """The same on the wire."""
    return {
        "type": kind,
        "room": "lobby",
        "seq": seq,
        "ts": TIME,
        "from": "bob",
        **fields,
    }


# At least one example for each class: the protocol's, then the rare shapes.
FRAMES: list[tuple[Any, dict[str, Any]]] = [
    (
        event(e.Message, 58, text="hi", cid="7c1", reply_to=41, thread=40),
        shown("message", 58, text="hi", cid="7c1", reply_to=41, thread=40),
    ),
    (event(e.Message, 58, text="hi"), shown("message", 58, text="hi")),
    (
        event(e.Message, 58, text="hi!", edited=True),
        shown("message", 58, text="hi!", edited=True),
    ),
    (
        event(e.Message, 58, text=None, deleted=True),
        shown("message", 58, deleted=True),
    ),
    (
        event(e.Message, 1, text="hi", epoch=EPOCH),
        shown("message", 1, text="hi", epoch=EPOCH),
    ),
    (event(e.Edit, 59, of=58, text="hi!"), shown("edit", 59, of=58, text="hi!")),
    (
        event(e.Edit, 59, of=58, text=None, deleted=True),
        shown("edit", 59, of=58, deleted=True),
    ),
    (event(e.Delete, 60, of=58), shown("delete", 60, of=58)),
    (
        event(e.React, 61, of=41, emoji="👍", on=True),
        shown("react", 61, of=41, emoji="👍", on=True),
    ),
    (event(e.Pin, 62, of=41, on=True), shown("pin", 62, of=41, on=True)),
    (event(e.Pin, 62, of=41, on=False), shown("pin", 62, of=41, on=False)),
    (
        event(e.React, 61, of=41, emoji="👍", on=False),
        shown("react", 61, of=41, emoji="👍", on=False),
    ),
    (
        event(e.React, 61, of=41, emoji=None, on=None, deleted=True),
        shown("react", 61, of=41, deleted=True),
    ),
    (
        event(e.Member, 62, user=CY, change="join"),
        shown("member", 62, user="cy", change="join"),
    ),
    (
        event(e.Member, 62, user=CY, change="role", role="owner"),
        shown("member", 62, user="cy", change="role", role="owner"),
    ),
    (
        e.Typing(LOBBY, BOB, 6),
        {"type": "typing", "room": "lobby", "from": "bob", "for": 6},
    ),
    (
        e.Typing(LOBBY, BOB, 0),
        {"type": "typing", "room": "lobby", "from": "bob", "for": 0},
    ),
    (
        e.Presence(
            LOBBY,
            13,
            join=[e.UserShown(CY)],
            leave=[UserName("dan")],
            away=[e.UserShown(UserName("eve"), text="lunch")],
            back=[UserName("fay")],
        ),
        {
            "type": "presence",
            "room": "lobby",
            "online": 13,
            "join": [{"name": "cy"}],
            "leave": ["dan"],
            "away": [{"name": "eve", "text": "lunch"}],
            "back": ["fay"],
        },
    ),
    (e.Presence(LOBBY, 0), {"type": "presence", "room": "lobby", "online": 0}),
    (
        e.Presence(LOBBY, 0, users=[]),
        {"type": "presence", "room": "lobby", "online": 0, "users": []},
    ),
    (
        e.ReadMark(LOBBY, BOB, Seq(58)),
        {"type": "read", "room": "lobby", "from": "bob", "seq": 58},
    ),
    (
        e.ReadMark(LOBBY, BOB, Seq(0), back=True),
        {"type": "read", "room": "lobby", "from": "bob", "seq": 0, "back": True},
    ),
    (
        Joined(LOBBY, EPOCH, Seq(57)),
        {"type": "joined", "room": "lobby", "epoch": EPOCH, "seq": 57},
    ),
    (
        e.Notify(LOBBY, Level.ALL),
        {"type": "notify", "room": "lobby", "level": "all"},
    ),
    (
        e.CaughtUp(LOBBY, EPOCH, Seq(57), 1),
        {"type": "caught_up", "room": "lobby", "id": 1, "epoch": EPOCH, "seq": 57},
    ),
    (
        e.CaughtUp(LOBBY, EPOCH, ZERO),
        {"type": "caught_up", "room": "lobby", "epoch": EPOCH, "seq": 0},
    ),
    (
        e.Member(LOBBY, ONE, TS, BOB, CY, MemberChange.BAN, until=TS, reason="rude"),
        {
            "type": "member",
            "room": "lobby",
            "seq": 1,
            "ts": TIME,
            "from": "bob",
            "user": "cy",
            "change": "ban",
            "until": TIME,
            "reason": "rude",
        },
    ),
    (
        e.Room(
            LOBBY,
            ONE,
            TS,
            BOB,
            topic=Topic(""),
            title=Topic("T"),
            post=Post.MODERATORS,
            history=Visibility.ALL,
            slow_s=SlowSeconds(0),
            keep_days=KeepCount(0),
            keep_messages=KeepCount(10),
        ),
        {
            "type": "room",
            "room": "lobby",
            "seq": 1,
            "ts": TIME,
            "from": "bob",
            "topic": "",
            "title": "T",
            "post": "moderators",
            "history": "all",
            "slow_s": 0,
            "keep_days": 0,
            "keep_messages": 10,
        },
    ),
    (
        e.Rename(LOBBY, ONE, TS, BOB, RoomName("hall"), [RoomName("tea")]),
        {
            "type": "rename",
            "room": "lobby",
            "seq": 1,
            "ts": TIME,
            "from": "bob",
            "name": "hall",
            "was": ["tea"],
        },
    ),
    (
        e.Destroy(LOBBY, ONE, TS, BOB),
        {"type": "destroy", "room": "lobby", "seq": 1, "ts": TIME, "from": "bob"},
    ),
    (
        e.Room(LOBBY, ONE, TS, BOB, archived=False),
        {
            "type": "room",
            "room": "lobby",
            "seq": 1,
            "ts": TIME,
            "from": "bob",
            "archived": False,
        },
    ),
    (
        e.Invited(LOBBY, BOB, "T"),
        {"type": "invited", "room": "lobby", "from": "bob", "title": "T"},
    ),
    (e.Uninvited(LOBBY), {"type": "uninvited", "room": "lobby"}),
    (
        e.Left(LOBBY, "kick"),
        {"type": "left", "room": "lobby", "reason": "kick"},
    ),
    (
        e.Hidden(RoomName("@ann,bob"), ONE, TS, EPOCH),
        {"type": "hidden", "room": "@ann,bob", "seq": 1, "ts": TIME, "epoch": EPOCH},
    ),
    (
        e.Hidden(RoomName("@ann,bob"), Seq(2), TS),
        {"type": "hidden", "room": "@ann,bob", "seq": 2, "ts": TIME},
    ),
    (
        e.Renamed(LOBBY, [RoomName("tea")]),
        {"type": "renamed", "room": "lobby", "was": ["tea"]},
    ),
    (
        e.Mention(LOBBY, Seq(58), BOB),
        {"type": "mention", "room": "lobby", "seq": 58, "from": "bob"},
    ),
    (
        e.Gap(LOBBY, Seq(58), Seq(90)),
        {"type": "gap", "room": "lobby", "have": 58, "seq": 90},
    ),
    (
        e.Gap(LOBBY, ZERO, ONE),
        {"type": "gap", "room": "lobby", "have": 0, "seq": 1},
    ),
    (
        e.Bye(4001, "restart", reconnect=True, after=3.7),
        {
            "type": "bye",
            "code": 4001,
            "reason": "restart",
            "reconnect": True,
            "after": 3.7,
        },
    ),
    (
        e.Bye(4505, "revoked", reconnect=False),
        {"type": "bye", "code": 4505, "reason": "revoked", "reconnect": False},
    ),
    (e.Expiring(60), {"type": "expiring", "in": 60}),
    (r.Done("ping"), {"type": "ok", "re": "ping"}),
    (
        m.StandingPage(LOBBY, []),
        {"type": "ok", "re": "standing", "room": "lobby", "users": []},
    ),
    (
        m.StandingPage(
            LOBBY,
            [
                m.StandingShown(CY, ban=m.SanctionShown()),
                m.StandingShown(
                    BOB,
                    mute=m.SanctionShown(1_795_381_888_123, "noise"),
                    invite=m.AskedShown(CY, 1_795_381_888_123),
                ),
            ],
            next=BOB,
            id=5,
        ),
        {
            "type": "ok",
            "re": "standing",
            "room": "lobby",
            "users": [
                {"name": "cy", "ban": {}},
                {
                    "name": "bob",
                    "mute": {"until": "2026-11-22T21:11:28.123Z", "reason": "noise"},
                    "invite": {"from": "cy", "ts": "2026-11-22T21:11:28.123Z"},
                },
            ],
            "next": "bob",
            "id": 5,
        },
    ),
    (BlocksPage([]), {"type": "ok", "re": "blocks", "users": []}),
    (
        BlocksPage([BOB], next=BOB, id=5),
        {"type": "ok", "re": "blocks", "users": ["bob"], "next": "bob", "id": 5},
    ),
    (
        r.BookmarksPage([], id=5),
        {"type": "ok", "re": "bookmarks", "messages": [], "id": 5},
    ),
    (
        r.BookmarksPage(
            [r.MessageKept(LOBBY, ONE, TS, BOB, "hi", edited=True, reply_to=ONE)],
            next=BookmarkNumber(4),
        ),
        {
            "type": "ok",
            "re": "bookmarks",
            "messages": [
                {
                    "room": "lobby",
                    "seq": 1,
                    "ts": TIME,
                    "from": "bob",
                    "text": "hi",
                    "edited": True,
                    "reply_to": 1,
                }
            ],
            "next": 4,
        },
    ),
    (
        r.ThreadsPage([], id=5),
        {"type": "ok", "re": "threads", "threads": [], "id": 5},
    ),
    (
        r.ThreadsPage(
            [
                r.ThreadListed(
                    LOBBY,
                    r.MessageShown(
                        ONE,
                        TS,
                        BOB,
                        "hi",
                        replies=r.ThreadShown(
                            2, Seq(9), TS, [BOB], follow=True, unread=1
                        ),
                    ),
                )
            ],
            next=ThreadNumber(4),
        ),
        {
            "type": "ok",
            "re": "threads",
            "threads": [
                {
                    "room": "lobby",
                    "message": {
                        "seq": 1,
                        "ts": TIME,
                        "from": "bob",
                        "text": "hi",
                        "replies": {
                            "count": 2,
                            "last": 9,
                            "ts": TIME,
                            "users": ["bob"],
                            "follow": True,
                            "unread": 1,
                        },
                    },
                }
            ],
            "next": 4,
        },
    ),
    (
        r.HistoryPage(
            LOBBY,
            EPOCH,
            ONE,
            as_of=Seq(2),
            start=ONE,
            end=Seq(2),
            messages=[r.MessageShown(Seq(2), TS, BOB, "re", thread=ONE)],
            more=False,
            root=r.MessageShown(ONE, TS, BOB, None, deleted=True),
        ),
        {
            "type": "ok",
            "re": "history",
            "room": "lobby",
            "epoch": EPOCH,
            "first": 1,
            "as_of": 2,
            "start": 1,
            "end": 2,
            "messages": [
                {"seq": 2, "ts": TIME, "from": "bob", "text": "re", "thread": 1}
            ],
            "more": False,
            "root": {"seq": 1, "ts": TIME, "from": "bob", "deleted": True},
        },
    ),
    (
        Followed(LOBBY, ONE, on=False),
        {"type": "follow", "room": "lobby", "thread": 1, "on": False},
    ),
    (
        ThreadUnread(LOBBY, ONE, Seq(9)),
        {"type": "thread", "room": "lobby", "thread": 1, "seq": 9},
    ),
    (
        ThreadMark(LOBBY, ONE, Seq(9)),
        {"type": "thread_read", "room": "lobby", "thread": 1, "seq": 9},
    ),
    (
        e.Bookmark(LOBBY, ONE, on=False),
        {"type": "bookmark", "room": "lobby", "of": 1, "on": False},
    ),
    (
        r.PinsPage(LOBBY, [], id=5),
        {"type": "ok", "re": "pins", "room": "lobby", "messages": [], "id": 5},
    ),
    (
        r.PinsPage(
            LOBBY, [r.MessageShown(ONE, TS, BOB, "hi", pinned=Seq(58))], next=Seq(58)
        ),
        {
            "type": "ok",
            "re": "pins",
            "room": "lobby",
            "messages": [
                {"seq": 1, "ts": TIME, "from": "bob", "text": "hi", "pinned": 58}
            ],
            "next": 58,
        },
    ),
    (
        r.ReactionsPage(LOBBY, ONE, "👍", [BOB], next=Seq(58), id=5),
        {
            "type": "ok",
            "re": "reactions",
            "room": "lobby",
            "of": 1,
            "emoji": "👍",
            "users": ["bob"],
            "next": 58,
            "id": 5,
        },
    ),
    (SessionsPage([]), {"type": "ok", "re": "sessions", "sessions": []}),
    (
        SessionsPage(
            [
                SessionShown(TAG, TS, None, "phone", True, True, True),
                SessionShown(TAG, TS, TS),
            ],
            next=TAG,
            id=5,
        ),
        {
            "type": "ok",
            "re": "sessions",
            "sessions": [
                {
                    "session": "0a1b2c3d4e",
                    "opened": TIME,
                    "device": "phone",
                    "connected": True,
                    "current": True,
                    "token": True,
                },
                {"session": "0a1b2c3d4e", "opened": TIME, "seen": TIME},
            ],
            "next": "0a1b2c3d4e",
            "id": 5,
        },
    ),
    (r.Done("ping", id=0), {"type": "ok", "re": "ping", "id": 0}),
    (r.Done("ping", id=""), {"type": "ok", "re": "ping", "id": ""}),
    (
        r.Stored("send", LOBBY, Seq(58), TS, id=2),
        {
            "type": "ok",
            "re": "send",
            "id": 2,
            "room": "lobby",
            "seq": 58,
            "ts": TIME,
        },
    ),
    (
        r.Stored("send", LOBBY, Seq(58), TS, dup=True, unreached=[BOB]),
        {
            "type": "ok",
            "re": "send",
            "room": "lobby",
            "seq": 58,
            "ts": TIME,
            "dup": True,
            "unreached": ["bob"],
        },
    ),
    (
        r.Joined(
            LOBBY,
            EPOCH,
            Seq(57),
            ONE,
            2,
            topic=Topic("…"),
            users=[
                e.UserShown(ANN, display="ann", state=State.ONLINE),
                e.UserShown(BOB, state=State.AWAY, text="lunch"),
            ],
            id=1,
        ),
        {
            "type": "ok",
            "re": "join",
            "id": 1,
            "room": "lobby",
            "epoch": EPOCH,
            "seq": 57,
            "first": 1,
            "topic": "…",
            "online": 2,
            "users": [
                {"name": "ann~4f7k", "display": "ann", "state": "online"},
                {"name": "bob", "state": "away", "text": "lunch"},
            ],
        },
    ),
    (
        r.Joined(
            LOBBY,
            EPOCH,
            ZERO,
            ONE,
            0,
            title=Topic("T"),
            role=Role.OWNER,
            level=Level.MENTIONS,
            post=Post.MODERATORS,
            history=Visibility.SINCE_JOIN,
            slow_s=SlowSeconds(5),
            keep_days=KeepCount(30),
            keep_messages=KeepCount(10),
            archived=True,
            mute=m.SanctionShown(1_795_381_888_123, "noise"),
            was=[RoomName("tea")],
        ),
        {
            "type": "ok",
            "re": "join",
            "room": "lobby",
            "epoch": EPOCH,
            "seq": 0,
            "first": 1,
            "online": 0,
            "title": "T",
            "role": "owner",
            "level": "mentions",
            "mute": {"until": "2026-11-22T21:11:28.123Z", "reason": "noise"},
            "post": "moderators",
            "history": "since_join",
            "slow_s": 5,
            "keep_days": 30,
            "keep_messages": 10,
            "archived": True,
            "was": ["tea"],
        },
    ),
    (
        r.Created(LOBBY, EPOCH, ZERO, dup=True, cid=Cid("7c1"), id=1),
        {
            "type": "ok",
            "re": "create",
            "id": 1,
            "cid": "7c1",
            "room": "lobby",
            "epoch": EPOCH,
            "seq": 0,
            "dup": True,
        },
    ),
    (
        r.Joined(LOBBY, EPOCH, ZERO, ONE, 0, recovered=False, created=True),
        {
            "type": "ok",
            "re": "join",
            "room": "lobby",
            "epoch": EPOCH,
            "seq": 0,
            "first": 1,
            "online": 0,
            "recovered": False,
            "created": True,
        },
    ),
    (
        Described(
            "northwind",
            "chatd/0.2.0",
            1,
            "closed",
            False,
            "ascii",
            EntryLimits(32, 64, 8, 1024, 4000, 65536),
            setup=True,
            id=1,
        ),
        {
            "type": "ok",
            "re": "about",
            "id": 1,
            "place": "northwind",
            "server": "chatd/0.2.0",
            "protocol": 1,
            "registration": "closed",
            "guests": False,
            "setup": True,
            "names": "ascii",
            "limits": {
                "name_chars": 32,
                "display_chars": 64,
                "password_min": 8,
                "password_max": 1024,
                "text_chars": 4000,
                "frame_bytes": 65536,
            },
        },
    ),
    (
        Linked("s3cret", TS, id=1),
        {"type": "ok", "re": "link", "id": 1, "secret": "s3cret", "expires": TIME},
    ),
    (
        InvitationCreated(InvitationNumber(3), "s3cret", TS, id=1),
        {
            "id": 1,
            "type": "ok",
            "re": "invitation_create",
            "invitation": 3,
            "secret": "s3cret",
            "expires": TIME,
        },
    ),
    (
        InvitationsPage(
            [
                InvitationShown(InvitationNumber(3), BOB, TS, TS, 1, 0),
                InvitationShown(
                    InvitationNumber(2),
                    None,
                    TS,
                    TS,
                    5,
                    1,
                    [BOB],
                    LOBBY,
                    AccountRole.ADMIN,
                ),
            ],
            next=InvitationNumber(2),
            id=1,
        ),
        {
            "id": 1,
            "type": "ok",
            "re": "invitations",
            "invitations": [
                {
                    "invitation": 3,
                    "from": "bob",
                    "made": TIME,
                    "expires": TIME,
                    "uses": 1,
                    "used": 0,
                    "role": "user",
                },
                {
                    "invitation": 2,
                    "made": TIME,
                    "expires": TIME,
                    "uses": 5,
                    "used": 1,
                    "users": ["bob"],
                    "room": "lobby",
                    "role": "admin",
                },
            ],
            "next": 2,
        },
    ),
    (InvitationsPage([]), {"type": "ok", "re": "invitations", "invitations": []}),
    (
        Reported(
            "chatd/0",
            7,
            TS,
            TS,
            ready=False,
            config=ConfigShown("0a", "/chatd.toml", changed=True),
            listening=["127.0.0.1:8765"],
            connections=0,
            users_online=0,
            events=0,
            events_per_s=0.0,
            queued=0,
            store=StoreShown("/data", 0, 0, BackupShown(TS, "/copy", 1)),
            log_level=LogLevel.INFO,
            metrics=["127.0.0.1:9"],
            nodes=[
                NodeShown(3, "one", "chatd/0", 0.0, 0, 0, 0.0, here=True),
                NodeShown(4, "two", "", 2.5, 7, 5, 1.25),
            ],
            bus=False,
            id=1,
        ),
        {
            "id": 1,
            "type": "ok",
            "re": "report",
            "server": "chatd/0",
            "pid": 7,
            "started": TIME,
            "now": TIME,
            "ready": False,
            "config": {"digest": "0a", "file": "/chatd.toml", "changed": True},
            "listening": ["127.0.0.1:8765"],
            "connections": 0,
            "users_online": 0,
            "events": 0,
            "events_per_s": 0.0,
            "queued": 0,
            "store": {
                "directory": "/data",
                "bytes": 0,
                "free_bytes": 0,
                "backup": {"made": TIME, "file": "/copy", "bytes": 1},
            },
            "log_level": "info",
            "metrics": ["127.0.0.1:9"],
            "nodes": [
                {
                    "node": 3,
                    "name": "one",
                    "server": "chatd/0",
                    "silent": 0.0,
                    "connections": 0,
                    "users_online": 0,
                    "behind": 0.0,
                    "here": True,
                },
                {
                    "node": 4,
                    "name": "two",
                    "server": "",
                    "silent": 2.5,
                    "connections": 7,
                    "users_online": 5,
                    "behind": 1.25,
                },
            ],
            "bus": False,
        },
    ),
    (
        ConnectionsPage(
            [
                ConnectionShown(
                    ConnectionId(3), "::1", TS, 0, 0, 0, 0, 0.0, 0, BOB, "desk"
                ),
                ConnectionShown(ConnectionId(4), "unix", TS, 5, 1, 2, 3, 0.5, 4),
            ],
            next=ConnectionId(4),
            id=1,
        ),
        {
            "id": 1,
            "type": "ok",
            "re": "connections",
            "connections": [
                {
                    "connection": 3,
                    "address": "::1",
                    "opened": TIME,
                    "messages": 0,
                    "received": 0,
                    "sent": 0,
                    "unread": 0,
                    "lag": 0.0,
                    "rooms": 0,
                    "user": "bob",
                    "device": "desk",
                },
                {
                    "connection": 4,
                    "address": "unix",
                    "opened": TIME,
                    "messages": 5,
                    "received": 1,
                    "sent": 2,
                    "unread": 3,
                    "lag": 0.5,
                    "rooms": 4,
                },
            ],
            "next": 4,
        },
    ),
    (ConnectionsPage([]), {"type": "ok", "re": "connections", "connections": []}),
    (
        Disconnected(0, id=1),
        {"id": 1, "type": "ok", "re": "disconnect", "ended": 0},
    ),
    (
        Disconnected(1, nodes=2),
        {"type": "ok", "re": "disconnect", "ended": 1, "nodes": 2},
    ),
    (
        UserBanned(UserName("ann"), 1_790_000_000_000, id=1),
        {
            "id": 1,
            "type": "ok",
            "re": "user_ban",
            "user": "ann",
            "until": "2026-09-21T14:13:20.000Z",
        },
    ),
    (
        UserBanned(UserName("ann")),
        {"type": "ok", "re": "user_ban", "user": "ann"},
    ),
    (
        UserErased([RoomName("den")], UserName("erased~aaaa"), id=1),
        {
            "id": 1,
            "type": "ok",
            "re": "user_erase",
            "ownerless": ["den"],
            "nameless": "erased~aaaa",
        },
    ),
    (UserErased([]), {"type": "ok", "re": "user_erase", "ownerless": []}),
    (
        ErasureShown(Erasure.NONE, 0, 0, 0.0, id=1),
        {
            "id": 1,
            "type": "ok",
            "re": "user_erasure",
            "state": "none",
            "messages": 0,
            "reactions": 0,
            "part": 0.0,
        },
    ),
    (
        ErasureShown(Erasure.DONE, 2, 1, 1.0, overwritten=True),
        {
            "type": "ok",
            "re": "user_erasure",
            "state": "done",
            "messages": 2,
            "reactions": 1,
            "part": 1.0,
            "overwritten": True,
        },
    ),
    (
        TokenIssued(TokenNumber(3), "s", id=1),
        {"id": 1, "type": "ok", "re": "token_issue", "token": 3, "secret": "s"},
    ),
    (
        TokenIssued(TokenNumber(3), "s", 1_790_000_000_000),
        {
            "type": "ok",
            "re": "token_issue",
            "token": 3,
            "secret": "s",
            "expires": "2026-09-21T14:13:20.000Z",
        },
    ),
    (
        TokenRevoked(TokenNumber(3), UserName("ann"), id=1),
        {"id": 1, "type": "ok", "re": "token_revoke", "token": 3, "user": "ann"},
    ),
    (
        UserUnbanned(was_banned=False, id=1),
        {"id": 1, "type": "ok", "re": "user_unban", "was_banned": False},
    ),
    (Reloaded([]), {"type": "ok", "re": "reload", "changed": []}),
    (
        AuditPage(
            [
                AuditShown(
                    9,  # type: ignore[arg-type]
                    TS,
                    OPERATOR,
                    Audited.BAN,
                    RoomName("tea"),
                    BOB,
                    Role.MEMBER,
                    TS,
                    "noise",
                    Seq(3),
                    RoomName("hall"),
                    ["topic"],
                    ConnectionId(4),
                    SessionTag("0a1b2c3d4e"),
                    TokenNumber(5),
                    InvitationNumber(6),
                    LogLevel.INFO,
                    "tea",
                ),
                AuditShown(8, TS, ANN, Audited.DESTROY),  # type: ignore[arg-type]
            ],
            8,  # type: ignore[arg-type]
            id=1,
        ),
        {
            "type": "ok",
            "re": "audit",
            "id": 1,
            "entries": [
                {
                    "entry": 9,
                    "ts": TIME,
                    "from": "*operator",
                    "what": "ban",
                    "room": "tea",
                    "user": "bob",
                    "role": "member",
                    "until": TIME,
                    "reason": "noise",
                    "of": 3,
                    "name": "hall",
                    "keys": ["topic"],
                    "connection": 4,
                    "session": "0a1b2c3d4e",
                    "token": 5,
                    "invitation": 6,
                    "level": "info",
                    "text": "tea",
                },
                {"entry": 8, "ts": TIME, "from": ANN, "what": "destroy"},
            ],
            "next": 8,
        },
    ),
    (BusyRoomsShown([]), {"type": "ok", "re": "busy_rooms", "rooms": []}),
    (
        BusyRoomsShown([BusyRoom(RoomName("tea"), 0, 0)], id=1),
        {
            "type": "ok",
            "re": "busy_rooms",
            "id": 1,
            "rooms": [{"room": "tea", "events": 0, "online": 0}],
        },
    ),
    (Announced(0), {"type": "ok", "re": "announce", "users": 0}),
    (
        Announced(3, nodes=2, id=1),
        {"type": "ok", "re": "announce", "id": 1, "users": 3, "nodes": 2},
    ),
    (AuditPage([]), {"type": "ok", "re": "audit", "entries": []}),
    (
        Reloaded(["auth.guests"], ["auth.guests"], ["server.listen"], id=1),
        {
            "type": "ok",
            "re": "reload",
            "id": 1,
            "changed": ["auth.guests"],
            "connect": ["auth.guests"],
            "restart": ["server.listen"],
        },
    ),
    (Announcement("tea"), {"type": "announcement", "text": "tea"}),
    (
        Announcement("tea", RoomName("hall")),
        {"type": "announcement", "text": "tea", "room": "hall"},
    ),
    (e.PlaceNamed("Northwind"), {"type": "place", "name": "Northwind"}),
    (
        r.Welcome(
            user=ANN,
            display="ann",
            role=AccountRole.GUEST,
            session="secret",
            place="northwind",
            server="chatd/0.2.0",
            protocol=1,
            now=TS,
            heartbeat=25,
            heartbeat_timeout=10,
            limits=r.LimitsShown(65536, 4000, 5, 20),
            rooms=[
                r.RoomState(
                    LOBBY,
                    EPOCH,
                    Seq(57),
                    ONE,
                    Seq(41),
                    12,
                    2,
                    "T",
                    True,
                    [RoomName("tea")],
                    Level.NOTHING,
                )
            ],
            suggested=[LOBBY],
            invites=[r.InviteShown(LOBBY, BOB, TS, "T")],
            page="1f0c93e1b56a0d2c7b88",
        ),
        {
            "type": "welcome",
            "re": "hello",
            "user": "ann~4f7k",
            "display": "ann",
            "role": "guest",
            "session": "secret",
            "place": "northwind",
            "server": "chatd/0.2.0",
            "protocol": 1,
            "now": TIME,
            "heartbeat": 25,
            "heartbeat_timeout": 10,
            "limits": {
                "frame_bytes": 65536,
                "text_chars": 4000,
                "per_second": 5,
                "burst": 20,
            },
            "rooms": [
                {
                    "room": "lobby",
                    "epoch": EPOCH,
                    "seq": 57,
                    "first": 1,
                    "read": 41,
                    "unread": 12,
                    "title": "T",
                    "archived": True,
                    "was": ["tea"],
                    "level": "nothing",
                    "mentions": 2,
                }
            ],
            "suggested": ["lobby"],
            "invites": [{"room": "lobby", "from": "bob", "ts": TIME, "title": "T"}],
            "page": "1f0c93e1b56a0d2c7b88",
        },
    ),
    (
        r.Welcome(
            user=BOB,
            display="",
            role=AccountRole.USER,
            session="secret",
            place="northwind",
            server="chatd/0.2.0",
            protocol=1,
            now=TS,
            heartbeat=0,
            heartbeat_timeout=0.5,
            limits=r.LimitsShown(65536, 0, 0, 0),
            rooms=[r.RoomState(LOBBY, EPOCH, ZERO, ONE, ZERO, 0, 0)],
            suggested=[],
            id=3,
        ),
        {
            "type": "welcome",
            "re": "hello",
            "user": "bob",
            "display": "",
            "role": "user",
            "session": "secret",
            "place": "northwind",
            "server": "chatd/0.2.0",
            "protocol": 1,
            "now": TIME,
            "heartbeat": 0,
            "heartbeat_timeout": 0.5,
            "limits": {
                "frame_bytes": 65536,
                "text_chars": 0,
                "per_second": 0,
                "burst": 0,
            },
            "rooms": [
                {
                    "room": "lobby",
                    "epoch": EPOCH,
                    "seq": 0,
                    "first": 1,
                    "read": 0,
                    "unread": 0,
                    "mentions": 0,
                }
            ],
            "suggested": [],
            "id": 3,
        },
    ),
    (
        r.HistoryPage(
            LOBBY,
            EPOCH,
            ONE,
            Seq(63),
            ONE,
            Seq(6),
            [
                r.MessageShown(
                    ONE,
                    TS,
                    BOB,
                    "hi",
                    edited=True,
                    cid="7c1",  # type: ignore[arg-type]
                    reply_to=Seq(41),
                    reactions={"👍": [BOB]},
                ),
                r.MessageShown(Seq(2), TS, BOB, None, deleted=True),
                r.MessageShown(Seq(3), TS, None, None, hidden=True),
            ],
            more=True,
            events=[
                e.Member(
                    LOBBY, Seq(4), TS, BOB, CY, MemberChange.MUTE, until=TS, reason="x"
                ),
                e.Room(LOBBY, Seq(5), TS, BOB, topic=Topic("tea")),
                e.Rename(LOBBY, Seq(6), TS, BOB, LOBBY, [RoomName("hall")]),
            ],
            id=4,
        ),
        {
            "type": "ok",
            "re": "history",
            "id": 4,
            "room": "lobby",
            "epoch": EPOCH,
            "first": 1,
            "as_of": 63,
            "start": 1,
            "end": 6,
            "messages": [
                {
                    "seq": 1,
                    "ts": TIME,
                    "from": "bob",
                    "text": "hi",
                    "edited": True,
                    "cid": "7c1",
                    "reply_to": 41,
                    "reactions": {"👍": ["bob"]},
                },
                {"seq": 2, "ts": TIME, "from": "bob", "deleted": True},
                {"seq": 3, "ts": TIME, "hidden": True},
            ],
            "more": True,
            "events": [
                {
                    "type": "member",
                    "room": "lobby",
                    "seq": 4,
                    "ts": TIME,
                    "from": "bob",
                    "user": "cy",
                    "change": "mute",
                    "until": TIME,
                    "reason": "x",
                },
                {
                    "type": "room",
                    "room": "lobby",
                    "seq": 5,
                    "ts": TIME,
                    "from": "bob",
                    "topic": "tea",
                },
                {
                    "type": "rename",
                    "room": "lobby",
                    "seq": 6,
                    "ts": TIME,
                    "from": "bob",
                    "name": "lobby",
                    "was": ["hall"],
                },
            ],
        },
    ),
    (
        r.HistoryPage(LOBBY, EPOCH, ONE, ZERO, ONE, ZERO, [], more=False),
        {
            "type": "ok",
            "re": "history",
            "room": "lobby",
            "epoch": EPOCH,
            "first": 1,
            "as_of": 0,
            "start": 1,
            "end": 0,
            "messages": [],
            "more": False,
        },
    ),
    (
        r.SearchPage(
            [
                r.MessageFound(
                    LOBBY,
                    ONE,
                    TS,
                    BOB,
                    "hi ann",
                    "hi ann",
                    [[0, 2]],
                    edited=True,
                    reply_to=Seq(41),
                ),
                r.MessageFound(LOBBY, Seq(2), TS, BOB, "hi", "hi"),
            ],
            next="10/2/lobby",
            id=4,
        ),
        {
            "type": "ok",
            "re": "search",
            "id": 4,
            "messages": [
                {
                    "room": "lobby",
                    "seq": 1,
                    "ts": TIME,
                    "from": "bob",
                    "text": "hi ann",
                    "snippet": "hi ann",
                    "hits": [[0, 2]],
                    "edited": True,
                    "reply_to": 41,
                },
                {
                    "room": "lobby",
                    "seq": 2,
                    "ts": TIME,
                    "from": "bob",
                    "text": "hi",
                    "snippet": "hi",
                },
            ],
            "next": "10/2/lobby",
        },
    ),
    (r.SearchPage([]), {"type": "ok", "re": "search", "messages": []}),
    (
        r.WhoPage(LOBBY, [e.UserShown(BOB, state=State.ONLINE)], next=BOB, id=5),
        {
            "type": "ok",
            "re": "who",
            "id": 5,
            "room": "lobby",
            "users": [{"name": "bob", "state": "online"}],
            "next": "bob",
        },
    ),
    (
        r.WhoPage(LOBBY, []),
        {"type": "ok", "re": "who", "room": "lobby", "users": []},
    ),
    (
        RoomsPage(
            [
                RoomShown(LOBBY, 0, 0),
                RoomShown(LOBBY, None, 2),
                RoomShown(LOBBY, 2, 3, "…", "T", archived=True),
            ]
        ),
        {
            "type": "ok",
            "re": "rooms",
            "rooms": [
                {"room": "lobby", "online": 0, "members": 0},
                {"room": "lobby", "members": 2},
                {
                    "room": "lobby",
                    "online": 2,
                    "members": 3,
                    "topic": "…",
                    "title": "T",
                    "archived": True,
                },
            ],
        },
    ),
    (
        RoomsPage([], next=LOBBY, id=6),
        {"type": "ok", "re": "rooms", "rooms": [], "next": "lobby", "id": 6},
    ),
    (
        r.Refusal(
            "rate_limited",
            "…",
            re="send",
            field="room",
            cid="7c1",  # type: ignore[arg-type]
            retry_after=1.8,
            id=9,
        ),
        {
            "type": "error",
            "re": "send",
            "id": 9,
            "cid": "7c1",
            "code": "rate_limited",
            "text": "…",
            "retry_after": 1.8,
            "field": "room",
        },
    ),
    (
        r.Refusal("bad_json", "not JSON"),
        {"type": "error", "code": "bad_json", "text": "not JSON"},
    ),
]


@pytest.mark.parametrize(("frame", "expected"), FRAMES)
def test_each_frame_is_as_the_protocol_shows_it(
    frame: r.ServerFrame, expected: dict[str, Any]
) -> None:
    """All that is there is written, and what is not there is not null."""
    encoded = encode(frame)
    assert orjson.loads(encoded) == expected
    assert encoded.startswith(b'{"type":"')


def test_the_examples_are_complete() -> None:
    """Each class, and each of its fields, is among the examples."""
    for cls in get_args(r.ServerFrame):
        keys = set().union(*(shown for frame, shown in FRAMES if type(frame) is cls))
        fields = {WIRE_NAMES.get(field.name, field.name) for field in attrs.fields(cls)}
        # A reply that was stored before carries the cid only where one was given.
        assert fields - keys <= ({"cid"} if cls is r.Stored else set())


@pytest.mark.parametrize("cls", get_args(r.ServerFrame))
def test_no_frame_is_only_its_type(cls: type) -> None:
    """The comma after the type is right, since some field is always written."""
    required = [field for field in attrs.fields(cls) if not field.default]
    assert any(type(None) not in get_args(field.type) for field in required)
    assert inspect.isclass(cls)


def test_a_part_is_measured_as_it_will_stand() -> None:
    """An entry by itself has the bytes that it has in its page."""
    message = r.MessageShown(ONE, TS, BOB, "é", reactions={"👍": [BOB]})
    event = e.Room(LOBBY, ONE, TS, BOB, topic=Topic("é"))
    bounds = ONE, ONE, ONE, ONE
    page = r.HistoryPage(
        LOBBY, EPOCH, *bounds, [message, message], more=False, events=[event, event]
    )
    for part in (encode_part(message), encode_part(event)):
        assert b",".join((part, part)) in encode(page)
    assert orjson.loads(encode_part(e.UserShown(BOB))) == {"name": "bob"}


@pytest.mark.parametrize(
    ("ts", "text"),
    [
        (TS, TIME),
        (0, "1970-01-01T00:00:00.000Z"),
        (7, "1970-01-01T00:00:00.007Z"),
        (999, "1970-01-01T00:00:00.999Z"),
        (-1, "1969-12-31T23:59:59.999Z"),
        (951782400000, "2000-02-29T00:00:00.000Z"),
        (253402300799999, "9999-12-31T23:59:59.999Z"),
    ],
)
def test_times_are_rfc_3339_with_milliseconds(ts: int, text: str) -> None:
    """In UTC, with exactly three digits, rounded never."""
    assert rfc3339(ts) == text


@given(st.integers(0, 253402300799999))
def test_a_time_can_be_read_back(ts: int) -> None:
    """Another reader of RFC 3339 gets the same millisecond."""
    moment = datetime.fromisoformat(rfc3339(ts))
    epoch = datetime.fromisoformat("1970-01-01T00:00:00Z")
    assert (moment - epoch) // timedelta(milliseconds=1) == ts


@given(st.text())
def test_any_text_is_written_as_it_is(text: str) -> None:
    """Whatever a message says, its frame is one object that says the same."""
    encoded = encode(event(e.Message, 1, text=text))
    assert orjson.loads(encoded)["text"] == text
    assert b"\n" not in encoded
