"""Whatever the bytes are, they are one command or one reason why not."""

from __future__ import annotations

import gc
import json
from typing import Any, get_args

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatd.enums import Fate, GivenRole, Level, LogLevel, Post, Visibility
from chatd.errors import RejectCode
from chatd.ids import Cid, RoomName
from chatd.names import UNICODE
from chatd.wire import kinds
from chatd.wire.accounts import DeleteAccount, Password, Refresh, Register
from chatd.wire.administration import (
    TokenIssue,
    TokenRevoke,
    UserAdd,
    UserBan,
    UserErase,
    UserErasure,
    UserLogout,
    UserPassword,
    UserRole,
    UserUnban,
)
from chatd.wire.admissions import CreateInvitation, Invitations, Link, RevokeInvitation
from chatd.wire.codec import Decoder
from chatd.wire.commands import Command
from chatd.wire.ephemeral import Read, Status, Typing
from chatd.wire.fields import INTEGER_MAX, PAGE_MAX, SECRET_CHARS_MAX
from chatd.wire.malformed import BadCommand
from chatd.wire.moderation import (
    Ban,
    Decline,
    Invite,
    Kick,
    Mute,
    SetRole,
    Standing,
    Unban,
    Unmute,
)
from chatd.wire.operator import (
    Announce,
    Audit,
    BusyRooms,
    Connections,
    Disconnect,
    Drain,
    Reload,
    Report,
    SetLogLevel,
)
from chatd.wire.place import About, NamePlace, Ping
from chatd.wire.rooms import (
    Create,
    Destroy,
    Join,
    Leave,
    Notify,
    Rename,
    Rooms,
    SetRoom,
    Who,
)
from chatd.wire.sessions import Hello, Logout, Sessions
from chatd.wire.settings import SETTINGS
from chatd.wire.text import clean
from chatd.wire.threads import Follow, Threads
from chatd.wire.timeline import (
    Bookmark,
    Bookmarks,
    Delete,
    Edit,
    History,
    Pin,
    Pins,
    React,
    Reactions,
    Search,
    Send,
)
from chatd.wire.users import Block, Blocks, Profile, Unblock

EPOCH = "8f3c21d07be945aa"
PRIVATE = "~abcdefghijklm234"
DECODER = Decoder(40)
ERROR_CHARS_MAX = 300

# One way to send each command with all its fields, and what it becomes.
COMMANDS: list[tuple[dict[str, Any], Any]] = [
    ({"type": "hello"}, Hello()),
    ({"type": "hello", "name": "Ann"}, Hello(name="ann")),  # type: ignore[arg-type]
    (
        {"type": "hello", "name": "ann", "password": " é", "id": 1},
        Hello(name="ann", password=" é", id=1),  # type: ignore[arg-type]
    ),
    ({"type": "hello", "token": "t"}, Hello(token="t")),  # type: ignore[arg-type]
    ({"type": "hello", "session": "s"}, Hello(session="s")),  # type: ignore[arg-type]
    (
        {"type": "hello", "session": "s", "another": True},
        Hello(session="s", another=True),  # type: ignore[arg-type]
    ),
    (
        {"type": "hello", "session": "s", "device": "Ann’s phone"},
        Hello(session="s", device="Ann’s phone"),  # type: ignore[arg-type]
    ),
    (
        {"type": "hello", "session": "s", "token": "t"},
        Hello(session="s", token="t"),  # type: ignore[arg-type]
    ),
    ({"type": "join", "room": "Lobby"}, Join("lobby")),  # type: ignore[arg-type]
    (
        {"type": "join", "room": "tea", "create": False},
        Join("tea", create=False),  # type: ignore[arg-type]
    ),
    (
        {"type": "join", "room": PRIVATE, "since": 41, "epoch": EPOCH, "users": True},
        Join(PRIVATE, 41, EPOCH, users=True),  # type: ignore[arg-type]
    ),
    (
        {"type": "join", "room": "@ann,bob", "last": 50, "epoch": EPOCH, "id": "x"},
        Join("@ann,bob", None, EPOCH, 50, id="x"),  # type: ignore[arg-type]
    ),
    ({"type": "leave", "room": "a", "id": 0}, Leave("a", 0)),  # type: ignore[arg-type]
    (
        {"type": "send", "room": "a", "text": "hi\n", "cid": "7c1", "reply_to": 4},
        Send("hi\n", "a", None, "7c1", 4),  # type: ignore[arg-type]
    ),
    (
        {"type": "send", "room": "a", "text": "hi", "reply_to": 4, "thread": True},
        Send("hi", "a", reply_to=4, thread=True),  # type: ignore[arg-type]
    ),
    (
        {"type": "send", "to": "BOB", "text": "hi", "id": ""},
        Send("hi", None, "bob", id=""),  # type: ignore[arg-type]
    ),
    (
        {"type": "edit", "room": "a", "of": 1, "text": "b", "cid": "c", "id": -3},
        Edit("a", 1, "b", "c", -3),  # type: ignore[arg-type]
    ),
    (
        {"type": "delete", "room": "a", "of": 1, "cid": "c"},
        Delete("a", 1, "c"),  # type: ignore[arg-type]
    ),
    (
        {"type": "pin", "room": "a", "of": 1, "on": False, "cid": "c"},
        Pin("a", 1, on=False, cid="c"),  # type: ignore[arg-type]
    ),
    (
        {"type": "bookmark", "room": "a", "of": 1, "on": False},
        Bookmark("a", 1, on=False),  # type: ignore[arg-type]
    ),
    (
        {"type": "bookmarks", "after": 2, "limit": 1},
        Bookmarks(2, 1),  # type: ignore[arg-type]
    ),
    (
        {"type": "pins", "room": "a", "after": 2, "limit": 1},
        Pins("a", 2, 1),  # type: ignore[arg-type]
    ),
    (
        {"type": "react", "room": "a", "of": 1, "emoji": "👍", "on": False, "cid": "c"},
        React("a", 1, "👍", on=False, cid="c"),  # type: ignore[arg-type]
    ),
    (
        {"type": "create", "room": "Tea", "topic": "", "title": "T", "cid": "c"},
        Create("tea", topic="", title="T", cid="c"),  # type: ignore[arg-type]
    ),
    (
        {"type": "create", "room": "tea", "owner": "Ann"},
        Create("tea", owner="ann"),  # type: ignore[arg-type]
    ),
    (
        {
            "type": "create",
            "private": True,
            "post": "moderators",
            "history": "since_join",
            "slow_s": 5,
            "keep_days": 30,
            "keep_messages": 0,
        },
        Create(
            private=True,
            post="moderators",  # type: ignore[arg-type]
            history="since_join",  # type: ignore[arg-type]
            slow_s=5,  # type: ignore[arg-type]
            keep_days=30,  # type: ignore[arg-type]
            keep_messages=0,  # type: ignore[arg-type]
        ),
    ),
    (
        {
            "type": "room",
            "room": PRIVATE,
            "topic": "",
            "title": "T",
            "post": "members",
            "history": "all",
            "slow_s": 0,
            "keep_days": 0,
            "keep_messages": 10,
            "cid": "c",
        },
        SetRoom(
            RoomName(PRIVATE),
            Cid("c"),
            topic=kinds.Topic(""),
            title=kinds.Topic("T"),
            post=Post.MEMBERS,
            history=Visibility.ALL,
            slow_s=kinds.SlowSeconds(0),
            keep_days=kinds.KeepCount(0),
            keep_messages=kinds.KeepCount(10),
        ),
    ),
    (
        {"type": "rename", "room": "Tea", "name": "Milk", "cid": "c"},
        Rename("tea", "milk", "c"),  # type: ignore[arg-type]
    ),
    (
        {"type": "destroy", "room": "Tea", "cid": "c"},
        Destroy("tea", "c"),  # type: ignore[arg-type]
    ),
    (
        {"type": "room", "room": PRIVATE, "archived": False},
        SetRoom(PRIVATE, archived=False),  # type: ignore[arg-type]
    ),
    (
        {"type": "invite", "room": "a", "user": "Bob", "cid": "c"},
        Invite("a", "bob", "c"),  # type: ignore[arg-type]
    ),
    (
        {"type": "invite", "room": "a", "user": "bob", "on": False},
        Invite("a", "bob", on=False),  # type: ignore[arg-type]
    ),
    ({"type": "decline", "room": "A"}, Decline("a")),  # type: ignore[arg-type]
    (
        {"type": "kick", "room": "a", "user": "bob", "reason": "no", "cid": "c"},
        Kick("a", "bob", "no", "c"),  # type: ignore[arg-type]
    ),
    (
        {
            "type": "ban",
            "room": "a",
            "user": "bob",
            "for": 60,
            "reason": "x",
            "cid": "c",
        },
        Ban("a", "bob", 60, "x", "c"),  # type: ignore[arg-type]
    ),
    (
        {"type": "unban", "room": "a", "user": "bob", "cid": "c"},
        Unban("a", "bob", "c"),  # type: ignore[arg-type]
    ),
    (
        {
            "type": "mute",
            "room": "a",
            "user": "bob",
            "for": 1,
            "reason": "x",
            "cid": "c",
        },
        Mute("a", "bob", 1, "x", "c"),  # type: ignore[arg-type]
    ),
    (
        {"type": "unmute", "room": "a", "user": "bob", "cid": "c"},
        Unmute("a", "bob", "c"),  # type: ignore[arg-type]
    ),
    (
        {"type": "role", "room": "a", "user": "bob", "role": "owner", "cid": "c"},
        SetRole("a", "bob", "owner", "c"),  # type: ignore[arg-type]
    ),
    (
        {"type": "standing", "room": "a", "after": "ann~4f7k", "limit": 1},
        Standing("a", "ann~4f7k", 1),  # type: ignore[arg-type]
    ),
    ({"type": "typing", "room": "a"}, Typing("a")),  # type: ignore[arg-type]
    (
        {"type": "typing", "room": "a", "on": False},
        Typing("a", on=False),  # type: ignore[arg-type]
    ),
    (
        {"type": "status", "state": "away", "text": "lunch"},
        Status("away", "lunch"),  # type: ignore[arg-type]
    ),
    ({"type": "read", "room": "a", "seq": 58}, Read("a", 58)),  # type: ignore[arg-type]
    (
        {"type": "read", "room": "a", "seq": 58, "thread": 7},
        Read("a", 58, thread=7),  # type: ignore[arg-type]
    ),
    (
        {"type": "read", "room": "a", "seq": 0, "back": True},
        Read("a", 0, back=True),  # type: ignore[arg-type]
    ),
    (
        {"type": "notify", "room": "a", "level": "mentions"},
        Notify("a", Level.MENTIONS),  # type: ignore[arg-type]
    ),
    (
        {"type": "profile", "display": "Ann 👍"},
        Profile("Ann 👍"),  # type: ignore[arg-type]
    ),
    ({"type": "block", "user": "Bob"}, Block("bob")),  # type: ignore[arg-type]
    (
        {"type": "unblock", "user": "ann~4f7k", "id": 7},
        Unblock("ann~4f7k", 7),  # type: ignore[arg-type]
    ),
    ({"type": "blocks"}, Blocks()),
    (
        {"type": "blocks", "after": "bob", "limit": 9, "id": 8},
        Blocks("bob", 9, 8),  # type: ignore[arg-type]
    ),
    (
        {"type": "history", "room": "a", "before": 9, "limit": 100},
        History("a", 9, None, 100),  # type: ignore[arg-type]
    ),
    (
        {"type": "history", "room": "a", "after": 0},
        History("a", None, 0, 50),  # type: ignore[arg-type]
    ),
    (
        {"type": "history", "room": "a", "thread": 7, "events": True},
        History("a", thread=7, events=True),  # type: ignore[arg-type]
    ),
    (
        {"type": "follow", "room": "a", "thread": 7, "on": False, "id": 1},
        Follow("a", 7, on=False, id=1),  # type: ignore[arg-type]
    ),
    (
        {"type": "threads", "unread": True, "after": 2, "limit": 1},
        Threads(unread=True, after=2, limit=1),  # type: ignore[arg-type]
    ),
    (
        {"type": "search", "query": "tea\0", "next": "1/2/a", "id": 1},
        Search("tea\0", None, 20, "1/2/a", 1),  # type: ignore[arg-type]
    ),
    (
        {"type": "search", "query": "", "room": "A", "limit": 1},
        Search("", "a", 1),  # type: ignore[arg-type]
    ),
    (
        {"type": "who", "room": "a", "after": "ann~4f7k", "limit": 1, "all": True},
        Who("a", "ann~4f7k", 1, all=True),  # type: ignore[arg-type]
    ),
    ({"type": "rooms", "after": "b", "limit": 9}, Rooms("b", 9)),  # type: ignore[arg-type]
    (
        {"type": "reactions", "room": "a", "of": 7, "emoji": "\u2764"},
        Reactions("a", 7, "\u2764\ufe0f"),  # type: ignore[arg-type]
    ),
    (
        {
            "type": "reactions",
            "room": "a",
            "of": 7,
            "emoji": "👍",
            "after": 9,
            "limit": 1,
            "id": 2,
        },
        Reactions("a", 7, "👍", 9, 1, 2),  # type: ignore[arg-type]
    ),
    ({"type": "ping", "id": 2}, Ping(2)),
    ({"type": "logout"}, Logout()),
    ({"type": "logout", "everywhere": True}, Logout(everywhere=True)),
    (
        {"type": "logout", "session": "0a1b2c3d4e", "id": 1},
        Logout(session="0a1b2c3d4e", id=1),  # type: ignore[arg-type]
    ),
    ({"type": "sessions"}, Sessions()),
    ({"type": "about", "id": 1}, About(1)),
    ({"type": "hello", "link": "s"}, Hello(link="s")),  # type: ignore[arg-type]
    ({"type": "link", "id": 1}, Link(1)),
    ({"type": "invitation_create"}, CreateInvitation()),
    (
        {
            "type": "invitation_create",
            "uses": 100,
            "for": 60,
            "room": "Tea",
            "role": "admin",
            "id": 1,
        },
        CreateInvitation(100, 60, "tea", "admin", 1),  # type: ignore[arg-type]
    ),
    (
        {"type": "invitations", "after": 9, "limit": 1},
        Invitations(9, 1),  # type: ignore[arg-type]
    ),
    (
        {"type": "invitation_revoke", "invitation": 3, "id": 2},
        RevokeInvitation(3, 2),  # type: ignore[arg-type]
    ),
    ({"type": "report", "id": 1}, Report(1)),
    ({"type": "drain", "id": 1}, Drain(1)),
    ({"type": "reload", "id": 1}, Reload(1)),
    (
        {
            "type": "audit",
            "user": "Bob",
            "by": "ann",
            "room": "Tea",
            "for": 600,
            "after": 7,
            "limit": 2,
        },
        Audit("bob", "ann", False, "tea", 600, 7, 2),  # type: ignore[arg-type]
    ),
    ({"type": "busy_rooms", "limit": 5, "id": 1}, BusyRooms(5, 1)),  # type: ignore[arg-type]
    (
        {"type": "announce", "text": "tea at five", "room": "Tea", "id": 1},
        Announce("tea at five", "tea", 1),  # type: ignore[arg-type]
    ),
    ({"type": "audit", "operator": True, "id": 1}, Audit(operator=True, id=1)),
    (
        {"type": "log_level", "level": "debug", "for": 600, "id": 1},
        SetLogLevel(LogLevel.DEBUG, 600, 1),  # type: ignore[arg-type]
    ),
    (
        {"type": "connections", "user": "Ann", "after": 7, "limit": 2},
        Connections("ann", 7, 2),  # type: ignore[arg-type]
    ),
    (
        {"type": "connections", "busiest": True, "id": 1},
        Connections(busiest=True, id=1),
    ),
    (
        {"type": "disconnect", "connection": 3},
        Disconnect(3),  # type: ignore[arg-type]
    ),
    (
        {"type": "disconnect", "user": "ann~4f7k", "id": 1},
        Disconnect(None, "ann~4f7k", 1),  # type: ignore[arg-type]
    ),
    (
        {"type": "user_add", "name": "Ann", "password": "8 chars!", "id": 1},
        UserAdd("ann", "8 chars!", id=1),  # type: ignore[arg-type]
    ),
    (
        {"type": "user_add", "name": "rob", "role": "bot"},
        UserAdd("rob", None, GivenRole.BOT),  # type: ignore[arg-type]
    ),
    (
        {"type": "user_password", "user": "Ann", "password": "8 chars!", "id": 1},
        UserPassword("ann", "8 chars!", 1),  # type: ignore[arg-type]
    ),
    (
        {"type": "user_role", "user": "ann", "role": "admin"},
        UserRole("ann", GivenRole.ADMIN),  # type: ignore[arg-type]
    ),
    (
        {"type": "user_ban", "user": "eve~4f7k", "for": 60, "reason": "spam"},
        UserBan("eve~4f7k", 60, "spam"),  # type: ignore[arg-type]
    ),
    (
        {"type": "user_unban", "user": "ann", "id": "x"},
        UserUnban("ann", "x"),  # type: ignore[arg-type]
    ),
    (
        {"type": "user_logout", "user": "ann", "session": "0a1b2c3d4e"},
        UserLogout("ann", "0a1b2c3d4e"),  # type: ignore[arg-type]
    ),
    (
        {"type": "user_erase", "user": "ann", "messages": "reassign", "id": 1},
        UserErase("ann", Fate.REASSIGN, 1),  # type: ignore[arg-type]
    ),
    (
        {"type": "user_erasure", "user": "eve~4f7k"},
        UserErasure("eve~4f7k"),  # type: ignore[arg-type]
    ),
    (
        {"type": "token_issue", "user": "ann", "id": 1},
        TokenIssue("ann", id=1),  # type: ignore[arg-type]
    ),
    (
        {
            "type": "token_issue",
            "user": "ann",
            "name": "ci",
            "for": 60,
            "rooms": ["Tea", "dev"],
            "actions": ["send"],
        },
        TokenIssue("ann", "ci", 60, ("tea", "dev"), ("send",)),  # type: ignore[arg-type]
    ),
    (
        {"type": "token_revoke", "token": 3, "id": 2},
        TokenRevoke(3, 2),  # type: ignore[arg-type]
    ),
    (
        {"type": "register", "name": "ann", "password": "8 chars!", "invite": "s"},
        Register("ann", "8 chars!", None, "s"),  # type: ignore[arg-type]
    ),
    (
        {"type": "place", "name": "North\nwind"},
        NamePlace("North wind"),  # type: ignore[arg-type]
    ),
    (
        {"type": "account_delete", "password": "é"},
        DeleteAccount("é"),  # type: ignore[arg-type]
    ),
    (
        {"type": "account_delete", "password": "é", "messages": "reassign", "id": 1},
        DeleteAccount("é", "reassign", 1),  # type: ignore[arg-type]
    ),
    (
        {"type": "sessions", "after": "0a1b2c3d4e", "limit": 9, "id": 8},
        Sessions("0a1b2c3d4e", 9, 8),  # type: ignore[arg-type]
    ),
    (
        {"type": "register", "name": "Ann", "password": "8 chars!", "display": "A"},
        Register("ann", "8 chars!", "A"),  # type: ignore[arg-type]
    ),
    (
        {"type": "password", "old": "x", "new": "y" * 1024},
        Password("x", "y" * 1024),  # type: ignore[arg-type]
    ),
    ({"type": "refresh", "token": "a.b.c"}, Refresh("a.b.c")),  # type: ignore[arg-type]
]


def decode(frame: Any) -> Command:
    """Send a frame as any JSON library would write it."""
    return DECODER.decode(json.dumps(frame).encode())


def outcome(payload: bytes) -> Command | BadCommand:
    """Return the command, or why there is none; anything else is a failure."""
    try:
        return DECODER.decode(payload)
    except BadCommand as error:
        return error


def refuse(frame: Any) -> BadCommand:
    """Return why a frame, or its bytes, is refused."""
    payload = frame if isinstance(frame, bytes) else json.dumps(frame).encode()
    error = outcome(payload)
    assert isinstance(error, BadCommand)
    return error


def is_presentable(text: str) -> bool:
    """Whether a text may be logged and shown to anybody."""
    return len(text) <= ERROR_CHARS_MAX and text.isprintable()


# --- what is accepted -----------------------------------------------------------


@pytest.mark.parametrize(("frame", "command"), COMMANDS)
def test_each_command_is_read(frame: dict[str, Any], command: Command) -> None:
    """Every command of the protocol, with each of its fields."""
    assert decode(frame) == command


def test_the_examples_are_complete() -> None:
    """Each command, and each of its fields, is among the examples."""
    for cls in get_args(Command):
        sent = [set(frame) for frame, _ in COMMANDS if frame["type"] == cls.type]
        fields = {
            kinds.WIRE_NAMES.get(field.name, field.name) for field in attrs.fields(cls)
        }
        assert sent
        assert set().union(*sent) - {"type", "id"} == fields - {"id"}


@pytest.mark.parametrize(("frame", "command"), COMMANDS)
def test_what_is_unknown_is_ignored(frame: dict[str, Any], command: Command) -> None:
    """An unknown field changes nothing, whatever junk it holds."""
    junk: dict[str, Any] = {
        "x": [[[{}] * 50] * 50],
        "_": None,
        "sender": "root",
        "self": 1,
    }
    assert decode({**junk, **frame}) == command


@pytest.mark.parametrize(("frame", "command"), COMMANDS)
def test_null_is_as_good_as_nothing(frame: dict[str, Any], command: Command) -> None:
    """A field that may be left out for good may be null instead."""
    optional = [
        field.name
        for field in attrs.fields(type(command))
        if field.default is None and field.name not in frame
    ]
    assert decode({**frame, **dict.fromkeys(optional)}) == command


@given(st.text(max_size=45))
def test_text_arrives_clean_and_otherwise_as_sent(text: str) -> None:
    """However it was escaped, nothing else of an accepted text is changed."""
    frame = {"type": "send", "room": "a", "text": text}
    for payload in (json.dumps(frame), json.dumps(frame, ensure_ascii=False)):
        result = outcome(payload.encode())
        if isinstance(result, BadCommand):
            assert result.field == "text"
        else:
            assert isinstance(result, Send)
            assert result.text == clean(text)


def test_the_last_of_two_keys_counts() -> None:
    """As in every browser, a key that comes twice has its last value."""
    assert DECODER.decode(b'{"type":"x","type":"ping","id":1,"id":2}') == Ping(2)


def test_secrets_are_not_shown() -> None:
    """A command may be logged without its credentials."""
    frame = {"type": "hello", "name": "ann", "password": "hunter2"}
    assert "hunter2" not in repr(decode(frame))


# --- numbers --------------------------------------------------------------------


@pytest.mark.parametrize("value", [0, 1, INTEGER_MAX])
def test_seqs_within_their_bounds(value: int) -> None:
    """A seq is a whole number from 0 to 2^53."""
    frame = {"type": "read", "room": "a", "seq": value}
    assert decode(frame) == Read("a", value)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("-1", "expected a whole number from 0 to 9007199254740992"),
        (str(INTEGER_MAX + 1), "expected a whole number from 0 to 9007199254740992"),
        (str(2**64), "expected a whole number, found a fraction or too large a number"),
        ("1.0", "expected a whole number, found a fraction or too large a number"),
        ("1e3", "expected a whole number, found a fraction or too large a number"),
        ('"1"', "expected a whole number, found a string"),
        ("true", "expected a whole number, found true or false"),
        ("null", "expected a whole number, found null"),
        ("[1]", "expected a whole number, found an array"),
        ("{}", "expected a whole number, found an object"),
    ],
)
def test_anything_else_is_no_seq(value: str, text: str) -> None:
    """What is outside, or is no whole number, is refused by name."""
    error = refuse(f'{{"type":"read","room":"a","seq":{value}}}'.encode())
    assert (error.code, error.field) == ("bad_field", "seq")
    assert error.text == f"seq: {text}"


@pytest.mark.parametrize("limit", [0, -1, PAGE_MAX + 1, 10**6])
def test_a_page_is_never_silently_smaller(limit: int) -> None:
    """A limit that cannot be kept is refused, not changed."""
    error = refuse({"type": "history", "room": "a", "limit": limit})
    assert error.text == "limit: expected a whole number from 1 to 100"


# --- id, cid, re: how an error finds back to its command ------------------------


@pytest.mark.parametrize("label", ["", "x" * 64, 0, -INTEGER_MAX, INTEGER_MAX, "👍"])
def test_an_id_comes_back(label: str | int) -> None:
    """A string up to 64 characters or an integer within 2^53, also on errors."""
    assert decode({"type": "ping", "id": label}) == Ping(label)
    assert refuse({"type": "send", "id": label}).id == label
    assert refuse({"type": "nothing", "id": label}).id == label


@pytest.mark.parametrize(
    "label",
    ["x" * 65, INTEGER_MAX + 1, -INTEGER_MAX - 1, 2**70, 1.0, True, [], {}, "\ud83d"],
)
def test_a_bad_id_is_refused_and_not_repeated(label: Any) -> None:
    """The reply to a command whose id is not allowed has no id."""
    error = refuse({"type": "ping", "id": label})
    assert (error.code, error.field, error.id, error.re) == (
        "bad_field",
        "id",
        None,
        "ping",
    )
    assert refuse({"type": "nothing", "id": label}).id is None


def test_an_error_carries_all_that_could_be_read() -> None:
    """A refused command is recognised by its type, its id and its cid."""
    error = refuse({"type": "send", "room": "a", "id": 9, "cid": "7c1"})
    assert (error.re, error.id, error.cid) == ("send", 9, "7c1")
    assert (error.code, error.field, error.text) == (
        "bad_field",
        "text",
        "text: required",
    )


@pytest.mark.parametrize("field", ["query", "next"])
def test_half_of_a_character_is_nothing_to_search_for(field: str) -> None:
    """Any whole text is let through: what it means is for the core to say."""
    frame = {"type": "search", "query": "tea", field: "ab\ud83d", "id": 4}
    error = refuse(frame)
    assert (error.code, error.field, error.id) == ("bad_field", field, 4)


@pytest.mark.parametrize("cid", ["", "x" * 65, 7, None, "\ud83d"])
def test_a_bad_cid_is_not_repeated(cid: Any) -> None:
    """A cid that is not allowed does not travel back."""
    assert refuse({"type": "send", "room": "a", "cid": cid}).cid is None


def test_a_text_cut_inside_an_emoji_is_told_to_its_command() -> None:
    """Half a surrogate pair is the field's fault, and the id comes back."""
    frame = {"type": "send", "room": "a", "text": "ab\ud83d", "id": 4, "cid": "c"}
    error = refuse(frame)
    assert (error.code, error.field) == ("bad_field", "text")
    assert error.text == "text: U+D83D at character 3 is not allowed"
    assert (error.re, error.id, error.cid) == ("send", 4, "c")
    assert decode({"type": "ping", "unknown": "\udc00"}) == Ping()


# --- frames that are no command -------------------------------------------------


@pytest.mark.parametrize(
    ("payload", "text"),
    [
        (b"", "empty"),
        (b" ", "not JSON"),
        (b"hello", "not JSON"),
        (b"{", "unexpected end"),
        (b'{"type":"ping"}x', "content after"),
        (b'{"type":"ping"}{"type":"ping"}', "content after"),
        (b'{"type":"ping",}', "not JSON"),
        (b"{'type':'ping'}", "not JSON"),
        (b'\xef\xbb\xbf{"type":"ping"}', "BOM"),
        (b'{"type":"\xff"}', "UTF-8"),
        (b'{"type":"\xed\xa0\x80"}', "UTF-8"),
        (b'{"type":"a\x00"}', "control character"),
        (b'{"type":"ping","id":NaN}', "not JSON"),
        (b'{"type":"ping","id":-Infinity}', "not JSON"),
        (b'{"type":"ping","id":1e999}', "infinity"),
        (b'{"type":"ping","id":' + b"9" * 10_000 + b"}", "infinity"),
        (b'{"type":"ping","x":' + b"[" * 30_000, "depth"),
        (b'{"x":"\\ud800","y":' + b"[" * 30_000, "surrogate"),
        (b'{"x":"\\ud800","y":', "surrogate"),
        (b"[]", "expected one JSON object, found an array"),
        (b"null", "found null"),
        (b"1", "found a number"),
        (b"1.5", "number"),
        (b"true", "found true or false"),
        (b'"ping"', "found a string"),
        (b'"\\ud800"', "found a string"),
    ],
)
def test_what_is_no_json_object(payload: bytes, text: str) -> None:
    """The text says what is wrong; there is nothing to find back to."""
    error = refuse(payload)
    assert (error.code, error.field) == ("bad_json", None)
    assert (error.re, error.id, error.cid) == (None, None, None)
    assert text in error.text
    assert is_presentable(error.text)


@pytest.mark.parametrize(
    ("frame", "text", "re"),
    [
        ({}, "type: required", None),
        ({"type": None}, "type: expected a string, found null", None),
        ({"type": 1}, "type: expected a string, found a number", None),
        ({"type": ["ping"]}, "type: expected a string, found an array", None),
        ({"type": {}}, "type: expected a string, found an object", None),
        ({"type": "snd"}, 'type: "snd" is no command; did you mean "send"?', "snd"),
        ({"type": "Send"}, 'type: "Send" is no command; did you mean "send"?', None),
        ({"type": "xyz"}, 'type: "xyz" is no command', "xyz"),
        ({"type": ""}, 'type: "" is no command', None),
        ({"type": 'a"\x1b\u202e\ud800'}, 'type: "a????" is no command', None),
        ({"type": "q" * 33}, f'type: "{"q" * 32}…" is no command', None),
        ({"type": "q" * 32}, f'type: "{"q" * 32}" is no command', "q" * 32),
    ],
)
def test_a_type_that_is_none(frame: dict[str, Any], text: str, re: str | None) -> None:
    """An unknown type is named, cleaned and cut, with the nearest that exists."""
    error = refuse({**frame, "id": 5})
    assert (error.code, error.field, error.text) == ("bad_type", "type", text)
    assert (error.re, error.id) == (re, 5)


# --- fields that are wrong ------------------------------------------------------

A_NAME = "a name is 1 to 32 of a-z 0-9 . _ - and starts with a letter or digit"
A_ROOM = "a room name is 1 to 64 of a-z 0-9 . _ - and starts with a letter or digit"
JOIN = {"type": "join", "room": "a"}
SEND = {"type": "send", "room": "a", "text": "hi"}
HELLO = {"type": "hello"}


@pytest.mark.parametrize(
    ("frame", "text"),
    [
        ({"type": "join"}, "room: required"),
        ({"type": "join", "room": 5}, "room: expected a string, found a number"),
        ({"type": "join", "room": None}, "room: expected a string, found null"),
        (
            {"type": "join", "room": "#a"},
            f"room: {A_ROOM}",
        ),
        (
            {"type": "join", "room": "@bob,ann"},
            "room: a direct room is @NAME,NAME, two accounts in sorted order",
        ),
        ({**JOIN, "users": 1}, "users: expected true or false, found a number"),
        ({**JOIN, "users": "yes"}, "users: expected true or false, found a string"),
        ({**JOIN, "users": None}, "users: expected true or false, found null"),
        ({**JOIN, "last": 0}, "last: expected a whole number from 1 to 100"),
        (
            {**JOIN, "since": 1, "epoch": "X"},
            "epoch: expected 16 hexadecimal digits",
        ),
        ({**JOIN, "since": 1}, "epoch: required with since"),
        ({**JOIN, "since": 0}, "epoch: required with since"),
        (
            {**JOIN, "since": 1, "epoch": EPOCH, "last": 5},
            "last: cannot be given together with since",
        ),
        ({**SEND, "text": 5}, "text: expected a string, found a number"),
        ({**SEND, "text": " "}, "text: nothing in it can be seen"),
        ({**SEND, "text": "a\ud83d"}, "text: U+D83D at character 2 is not allowed"),
        (
            {**SEND, "text": "a" + "\u0301" * 9},
            "text: more than 8 combining marks in a row",
        ),
        ({**SEND, "cid": ""}, "cid: expected 1 to 64 whole characters"),
        ({**SEND, "to": "bob"}, "to: cannot be given together with room"),
        (
            {**SEND, "thread": True},
            "reply_to: required with thread: what it is a reply to",
        ),
        (
            {"type": "read", "room": "a", "seq": 1, "thread": 1, "back": True},
            "back: cannot be given together with thread",
        ),
        ({"type": "send", "text": "hi"}, "room: required, or else to"),
        (
            {"type": "send", "to": "b b", "text": "hi"},
            "to: a name is 1 to 32 of a-z 0-9 . _ - and starts with a letter or digit",
        ),
        (
            {"type": "react", "room": "a", "of": 1, "emoji": "ok"},
            "emoji: expected exactly one emoji",
        ),
        ({"type": "status", "state": "gone"}, "state: expected online or away"),
        (
            {"type": "status", "state": "away", "text": "a\u202eb"},
            "text: U+202E at character 2 is not allowed",
        ),
        (
            {"type": "hello", "device": "a\u202eb"},
            "device: U+202E at character 2 is not allowed",
        ),
        (
            {"type": "hello", "device": "x" * 65},
            "device: expected 1 to 64 characters",
        ),
        (
            {"type": "logout", "session": "sOiMCQn7Isod"},
            "session: expected 10 hexadecimal digits, as `sessions` tells them",
        ),
        (
            {"type": "logout", "session": "0a1b2c3d4e", "everywhere": True},
            "session: cannot be given together with everywhere",
        ),
        (
            {"type": "profile", "display": "x" * 65},
            "display: expected 1 to 64 characters",
        ),
        (
            {"type": "history", "room": "a", "before": 1, "after": 0},
            "after: cannot be given together with before",
        ),
        ({"type": "create"}, 'room: required, or else "private":true'),
        (
            {"type": "create", "room": "a", "private": True},
            "private: cannot be given together with room: it gets a name",
        ),
        (
            {"type": "room", "room": "a"},
            f"topic: required, or else another of {', '.join(SETTINGS)}",
        ),
        ({**HELLO, "password": "x"}, "password: needs a name"),
        ({**HELLO, "another": True}, "another: needs a session"),
        *(
            (
                {**HELLO, "link": "l", **other},
                "link: one credential only, and another was given",
            )
            for other in ({"name": "ann"}, {"token": "t"}, {"session": "s"})
        ),
        (
            {"type": "invitation_create", "uses": 101},
            "uses: expected a whole number from 1 to 100",
        ),
        (
            {"type": "invitation_create", "for": 59},
            "for: expected a whole number from 60 to 31536000",
        ),
        (
            {"type": "invitation_create", "role": "bot"},
            "role: expected user or admin",
        ),
        ({"type": "invitation_revoke"}, "invitation: required"),
        ({"type": "disconnect"}, "connection: required, or else user"),
        (
            {"type": "connections", "busiest": True, "user": "ann"},
            "busiest: cannot be given together with user or after",
        ),
        (
            {"type": "connections", "busiest": True, "after": 1},
            "busiest: cannot be given together with user or after",
        ),
        ({"type": "user_add", "name": "ann"}, "password: required, but for a bot"),
        (
            {"type": "user_add", "name": "r", "role": "bot", "password": "8 chars!"},
            "password: a bot has none: it comes in by a token",
        ),
        (
            {"type": "user_add", "name": "ann", "password": "short"},
            "password: a password has 8 to 1024 characters",
        ),
        (
            {"type": "user_role", "user": "ann", "role": "guest"},
            "role: expected user, bot or admin",
        ),
        (
            {"type": "token_issue", "user": "ann", "rooms": "tea"},
            "rooms: expected an array, found a string",
        ),
        (
            {"type": "token_issue", "user": "ann", "rooms": ["tea"] * 101},
            "rooms: expected at most 100 entries",
        ),
        (
            {"type": "token_issue", "user": "ann", "rooms": ["tea", 1]},
            "rooms: expected a string, found a number",
        ),
        (
            {"type": "token_issue", "user": "ann", "actions": ["Send"]},
            "actions: expected a lowercase word",
        ),
        ({"type": "token_revoke"}, "token: required"),
        (
            {"type": "user_ban", "user": "ann", "for": 0},
            "for: expected a whole number from 1 to 315360000",
        ),
        (
            {"type": "log_level", "level": "critical"},
            "level: expected debug, info, warning or error",
        ),
        (
            {"type": "audit", "by": "ann", "operator": True},
            "operator: cannot be given together with by",
        ),
        (
            {"type": "log_level", "level": "info", "for": 0},
            "for: expected a whole number from 1 to 604800",
        ),
        (
            {"type": "disconnect", "connection": 1, "user": "ann"},
            "user: cannot be given together with connection",
        ),
        (
            {"type": "disconnect", "connection": 0},
            f"connection: expected a whole number from 1 to {INTEGER_MAX}",
        ),
        ({**HELLO, "token": "t", "another": True}, "another: needs a session"),
        (
            {**HELLO, "session": "s", "another": 1},
            "another: expected true or false, found a number",
        ),
        ({**HELLO, "password": "x", "token": "t"}, "password: needs a name"),
        (
            {**HELLO, "name": "ann", "token": "t"},
            "token: one credential only, and a name was given",
        ),
        (
            {**HELLO, "name": "ann", "password": "x", "session": "s"},
            "session: one credential only, and a name was given",
        ),
        (
            {**HELLO, "name": "ann~4f7k"},
            f"name: {A_NAME}",
        ),
        ({**HELLO, "token": ""}, "token: expected 1 to 4096 whole characters"),
        (
            {**HELLO, "session": "x" * (SECRET_CHARS_MAX + 1)},
            "session: expected 1 to 4096 whole characters",
        ),
        (
            {**HELLO, "name": "a", "password": "\ud800"},
            "password: expected 1 to 4096 whole characters",
        ),
        (
            {"type": "register", "name": "a", "password": "7 chars"},
            "password: a password has 8 to 1024 characters",
        ),
        (
            {"type": "password", "old": "x", "new": "x" * 1025},
            "new: a password has 8 to 1024 characters",
        ),
        (
            {"type": "password", "old": "x", "new": "\ud800" * 8},
            "new: a password has 8 to 1024 characters",
        ),
    ],
)
def test_a_refusal_names_the_field(frame: dict[str, Any], text: str) -> None:
    """The field is named, and what was expected of it."""
    error = refuse({**frame, "id": 7})
    assert error.code is RejectCode.BAD_FIELD
    assert error.text == text
    assert error.field == text.partition(":")[0]
    assert (error.re, error.id) == (frame["type"], 7)


@pytest.mark.parametrize("value", [{}, [], {"a": 1}, ["a"], 0.5])
def test_no_field_takes_another_kind_for_its_own(value: Any) -> None:
    """Nothing is coerced: an object is no true, a list is no string, anywhere."""
    for frame, command in COMMANDS:
        for field in attrs.fields(type(command)):
            name = kinds.WIRE_NAMES.get(field.name, field.name)
            is_list = isinstance(getattr(command, field.name), tuple)
            if is_list and isinstance(value, list):
                continue  # that is its kind
            error = refuse({**frame, name: value})
            assert (error.code, error.field) == ("bad_field", name)
            assert ", found " in error.text


def test_the_first_of_several_wrong_fields_is_named() -> None:
    """One reason is enough: the first in the order of the command's fields."""
    error = refuse({"type": "edit", "room": 1, "of": "x", "text": 5})
    assert error.text == "room: expected a string, found a number"


def test_a_text_over_its_limit_has_a_code_of_its_own() -> None:
    """`too_long` counts code points and tells both numbers; 0 is no limit."""
    assert isinstance(decode({**SEND, "text": "👍" * 40}), Send)
    error = refuse({**SEND, "text": "👍" * 41})
    assert (error.code, error.field) == ("too_long", "text")
    assert error.text == "text: 41 characters, at most 40 are allowed"
    payload = json.dumps({**SEND, "text": "x" * 10_000}).encode()
    assert isinstance(Decoder(0).decode(payload), Send)


def test_a_refusal_leaves_no_cycle_behind() -> None:
    """Memory of a refused frame is free at once, not at the next collection."""
    payload = json.dumps({"type": "edit", "room": 1, "text": 5}).encode()
    assert isinstance(outcome(payload), BadCommand)  # fills the caches
    gc.collect()
    gc.disable()
    try:
        assert isinstance(outcome(payload), BadCommand)
        left = gc.collect()
    finally:
        gc.enable()
    assert left == 0


# --- anything at all ------------------------------------------------------------

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-3, 200)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
    | st.text(alphabet=st.characters(categories=["Cc", "Cs", "Mn", "Cf"]))
    | st.sampled_from(["a", "ann", "👍", "away", EPOCH, "@ann,bob", "x" * 5000]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


def check_total(payload: bytes) -> None:
    """Decode, and see that the answer is a command or a presentable refusal."""
    result = outcome(payload)
    if not isinstance(result, BadCommand):
        assert isinstance(result, get_args(Command))
        return
    assert result.text
    assert is_presentable(result.text)
    assert result.re is None or is_presentable(result.re)
    assert result.field is None or result.text.startswith(f"{result.field}: ")
    assert result.id is None or type(result.id) in (str, int)
    assert result.cid is None or 1 <= len(result.cid) <= 64
    # The reply can always be written.
    json.dumps([result.id, result.cid], ensure_ascii=False).encode()


@given(st.binary() | st.text().map(str.encode))
def test_any_bytes_are_a_command_or_a_refusal(payload: bytes) -> None:
    """Nothing else ever leaves the decoder."""
    check_total(payload)


@given(json_values)
def test_any_json_is_a_command_or_a_refusal(value: Any) -> None:
    """Also where it is an object with an odd type."""
    check_total(json.dumps(value).encode())
    check_total(json.dumps({"type": value, "id": value, "cid": value}).encode())


@pytest.mark.untraced
@given(st.data())
def test_any_value_in_any_field(data: st.DataObject) -> None:
    """A command with one or more of its fields replaced by any JSON value."""
    frame, command = data.draw(st.sampled_from(COMMANDS))
    fields = [field.name for field in attrs.fields(type(command))]
    junk = data.draw(st.dictionaries(st.sampled_from(fields), json_values))
    check_total(json.dumps({**frame, **junk}).encode())


@given(st.data())
def test_a_damaged_frame_is_a_command_or_a_refusal(data: st.DataObject) -> None:
    """One byte changed, or the end cut off, anywhere."""
    frame, _ = data.draw(st.sampled_from(COMMANDS))
    payload = bytearray(json.dumps(frame).encode())
    at = data.draw(st.integers(0, len(payload) - 1))
    payload[at] = data.draw(st.integers(0, 255))
    check_total(bytes(payload))
    check_total(bytes(payload[:at]))


# --- names of any script ------------------------------------------------------


def test_names_are_read_by_the_policy() -> None:
    """In every field that has one; what is refused is told of with its field."""
    wide = Decoder(40, UNICODE)
    frame = {"type": "send", "to": "Анна", "text": "x"}
    command = wide.decode(json.dumps(frame).encode())
    assert isinstance(command, Send)
    assert command.to == "анна"
    read = [
        wide.decode(json.dumps(frame).encode())
        for frame in (
            {"type": "hello", "name": "Анна"},
            {"type": "join", "room": "@Анна,боб"},
            {"type": "who", "room": "Чай", "after": "анна~4F7K"},
            {"type": "rooms", "after": "ЧАЙ"},
        )
    ]
    assert read == [
        Hello(name="анна"),  # type: ignore[arg-type]
        Join("@анна,боб"),  # type: ignore[arg-type]
        Who("чай", "анна~4f7k"),  # type: ignore[arg-type]
        Rooms("чай"),  # type: ignore[arg-type]
    ]
    assert refuse(frame).text.startswith("to: a name is 1 to 32 of a-z")
    with pytest.raises(BadCommand, match="room: a room name has letters of one script"):
        wide.decode(json.dumps({"type": "join", "room": "\u0430lice"}).encode())


# --- whose fault it is ----------------------------------------------------------

TYPED: list[dict[str, Any]] = [
    {**SEND, "text": "\U0001d159"},
    {**SEND, "text": "a\ud83d"},
    {**SEND, "text": "a" + "\u0301" * 9},
    {**SEND, "text": ""},
    {"type": "edit", "room": "a", "of": 1, "text": " "},
    {"type": "send", "to": "no body", "text": "hi"},
    {"type": "react", "room": "a", "of": 1, "emoji": "ok"},
    {"type": "status", "state": "away", "text": "\u202e"},
    {"type": "profile", "display": "x" * 65},
    {"type": "join", "room": "#lobby"},
    {"type": "create", "room": "a b"},
    {"type": "create", "room": "a", "topic": "x" * 251, "title": "\u2800"},
    {"type": "room", "room": "a", "slow_s": 86_401},
    {"type": "room", "room": "a", "keep_days": 10**9},
    {"type": "ban", "room": "a", "user": "bob", "for": 0},
    {"type": "kick", "room": "a", "user": "bob", "reason": "\u200b"},
    {"type": "mute", "room": "a", "user": "Bob!"},
    {"type": "hello", "name": "ann!"},
    {"type": "hello", "name": "ann", "password": ""},
    {"type": "hello", "token": "x" * 4097},
    {"type": "register", "name": "ann", "password": "short"},
    {"type": "register", "name": "-", "password": "short"},
    {"type": "password", "old": "x", "new": "short"},
    {"type": "search", "query": "\ud83d"},
    {"type": "who", "room": "a b"},
]
BROKEN: list[dict[str, Any]] = [
    {**SEND, "text": 5},
    {**SEND, "text": None},
    {"type": "send", "room": "a"},
    {**SEND, "cid": ""},
    {**SEND, "reply_to": -1},
    {**SEND, "text": " ", "cid": ""},
    {**SEND, "to": "bob"},
    {"type": "react", "room": "a", "of": 1, "emoji": "👍", "on": 1},
    {"type": "status", "state": "gone"},
    {"type": "history", "room": "a", "limit": 101},
    {"type": "room", "room": "a", "slow_s": 1.5},
    {"type": "room", "room": "a", "post": "none"},
    {"type": "room", "room": "a"},
    {"type": "join", "room": "a", "since": 1},
    {"type": "search", "query": "a", "next": "\ud83d"},
    {"type": "hello", "name": "ann", "token": "t"},
    {"type": "dance"},
    {},
]


@pytest.mark.parametrize("frame", TYPED)
def test_what_a_person_typed_is_not_held_against_the_client(
    frame: dict[str, Any],
) -> None:
    """Texts, names, passwords, emoji and durations: refused, and not counted."""
    error = refuse(frame)
    assert error.code is RejectCode.BAD_FIELD
    assert not error.counted


@pytest.mark.parametrize("frame", BROKEN)
def test_what_only_a_program_writes_is_counted(frame: dict[str, Any]) -> None:
    """Also beside something that was typed."""
    assert refuse(frame).counted


def test_words_become_members_of_their_enumerations() -> None:
    """They are parsed here, and nowhere behind."""
    frame = {"type": "room", "room": "tea", "post": "members", "history": "all"}
    command = DECODER.decode(json.dumps(frame).encode())
    assert isinstance(command, SetRoom)
    assert (type(command.post), type(command.history)) == (Post, Visibility)
