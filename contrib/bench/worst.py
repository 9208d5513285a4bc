"""The dearest input of each command, sent without end by a hundred connections.

`worst.py PORT` attacks a chatd on this machine. It says READY on standard error when
all connections are in, goes on until its standard input ends, and prints as JSON how
many frames it has sent and how often it was sent away; whoever is comes back.

`WORST` has an entry for each command of the protocol: a command that is added is
measured, or nothing is (`tests/contrib/test_worst.py` says so first).
"""

from __future__ import annotations

import json
import struct
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, get_args

import trio

from chatd.wire.commands import Command

CONNECTIONS = 100
VARIANTS = 64
"""Of each input, so that what is remembered of one does not help with the next."""
FRAME_BYTES = 65_536
"""The default of `limits.frame_bytes`."""
ROOM = "r100"
"""Where all of them are."""
EARLY = frozenset({"hello", "about", "register"})
"""What is sent before anybody is known; the others say hello and join first."""
BACK_AFTER_S = 0.05

Fields = dict[str, Any]


# --- values that take long ----------------------------------------------------


def hard_name(number: int, chars: int = 32) -> str:
    """A name whose letters fold into three, another one for each number."""
    letters = [0x1F80 + (number >> (3 * place)) % 8 for place in range(chars)]
    return "".join(map(chr, letters))


def marked(number: int) -> str:
    """As many combining marks as a text may have, each looked up by itself."""
    return f"{number}" + ("a" + "\u0301" * 8) * 440


def calling(number: int) -> str:
    """Fifty accented names, none of them known."""
    letters = "\xe8" * 20
    return " ".join(f"@{letters}{number}x{name}" for name in range(50))


def unspaced(number: int) -> str:
    """An at sign behind each letter of a script without spaces."""
    return f"{number}" + "\u4f60@" * 1990


def fenced(number: int) -> str:
    """Code that begins again and again, and somebody who is addressed in it."""
    return f"{number}" + "`` ` " * 780 + "@all"


TEXTS = (marked, calling, unspaced, fenced)


def texts(number: int) -> str:
    """One of the dear texts."""
    return TEXTS[number % len(TEXTS)](number)


def long(number: int) -> str:
    """More than any field may have."""
    return f"{number}" + "\xe9" * 30_000


def query(number: int) -> str:
    """Sixteen words, each the beginning of many."""
    return " ".join(f"{chr(97 + (number + word) % 26)}*" for word in range(16))


def junk(number: int) -> Iterator[bytes]:
    """JSON that takes long to read, as fields that nobody asked for."""
    lists = (b"{}", b"[]", b"1.1e5", b'"\\ud800"', b"[" * 500 + b"]" * 500)
    for one in lists:
        count = (FRAME_BYTES - 100) // (len(one) + 1)
        yield b'{"type":"ping","id":%d,"x":[%s]}' % (number, b",".join([one] * count))
    halved = b",".join([b"9" * 4200] * 15)
    yield b'{"type":"ping","id":%d,"x":["\\ud800",%s]}' % (number, halved)
    keys = b",".join(b'"%x":0' % key for key in range(6000))
    yield b'{"type":"ping","id":%d,%s}' % (number, keys)


# --- the worst of each command --------------------------------------------------


def about_a_member(number: int) -> list[Fields]:
    """Commands about somebody in a room."""
    known = {"room": ROOM, "user": f"w{number}", "cid": f"{number}"}
    unknown = {"room": hard_name(number), "user": hard_name(number)}
    return [known, unknown, {"room": ROOM, "user": long(number)}]


def with_reason(number: int) -> list[Fields]:
    """The same with the longest reason."""
    reason = "\xe9" * 250
    return [fields | {"reason": reason} for fields in about_a_member(number)]


def of_a_message(**fields: Any) -> Callable[[int], list[Fields]]:
    """A command about a message that there is, and about one that there is not."""
    return lambda number: [
        {"room": ROOM, "of": of, "cid": f"{number}"} | fields
        for of in (1, number + 999)
    ]


def room_of(*others: Fields) -> Callable[[int], list[Fields]]:
    """A command about a room: with names of several kinds."""
    return lambda number: [
        {"room": ROOM},
        {"room": hard_name(number)},
        {"room": f"@{hard_name(number)},{hard_name(number + 1)}"},
        {"room": long(number)},
        *others,
    ]


def user_of(number: int) -> list[Fields]:
    """A command about somebody."""
    return [{"user": f"w{number}"}, {"user": hard_name(number)}, {"user": long(number)}]


LINE = "\xe9" * 250
SETTINGS: Fields = {"topic": LINE, "title": LINE, "keep_days": 1, "slow_s": 1}

WORST: dict[str, Callable[[int], list[Fields]]] = {
    "hello": lambda number: [
        {"name": hard_name(number), "password": "x" * 4096},
        {"name": hard_name(number)},
        {"token": "e30." * 1000},
        {"link": f"{number}" * 60},
        {"session": f"{number}" * 60, "another": number % 2 == 0},
        {"name": long(number)},
    ],
    "register": lambda number: [
        {"name": hard_name(number), "password": "\xe9" * 1024, "display": "\xe9" * 64},
        {"name": long(number), "password": "\xe9" * 1024},
        {"name": hard_name(number), "password": "\xe9" * 1024, "invite": f"{number}"},
    ],
    "password": lambda number: [
        {"old": "x" * 4096, "new": f"{number:08}" + "\xe9" * 1000}
    ],
    "account_delete": lambda number: [
        {"password": f"{number:08}" + "\xe9" * 1000, "messages": "reassign"}
    ],
    "refresh": lambda number: [{"token": "e30." * 1000}, {"token": f"{number}"}],
    "logout": lambda number: [{"session": f"{number:010x}"}],
    "sessions": lambda number: [{"limit": 100}, {"after": f"{number:010x}"}],
    "profile": lambda number: [{"display": f"{number}" + "\xe9" * 60}],
    "status": lambda number: [
        {"state": "away", "text": f"{number}" + "\xe9" * 120},
        {"state": "online"},
    ],
    "join": room_of(
        {"room": ROOM, "last": 100, "users": True},
        {"room": ROOM, "since": 0, "epoch": "0" * 16},
    ),
    "leave": room_of(),
    "create": lambda number: [
        {"room": hard_name(number), "cid": f"{number}"} | SETTINGS,
        {"private": True} | SETTINGS,
        {"room": long(number)},
    ],
    "rename": lambda number: [
        {"room": ROOM, "name": hard_name(number), "cid": f"{number}"},
        {"room": hard_name(number), "name": hard_name(number + 1)},
        {"room": ROOM, "name": long(number)},
    ],
    "destroy": room_of(),
    "room": lambda number: [
        {"room": ROOM, "cid": f"{number}"} | SETTINGS,
        {"room": hard_name(number)} | SETTINGS,
    ],
    "invite": about_a_member,
    "decline": room_of(),
    "kick": with_reason,
    "ban": with_reason,
    "unban": about_a_member,
    "mute": with_reason,
    "unmute": about_a_member,
    "role": lambda number: [
        fields | {"role": "owner"} for fields in about_a_member(number)
    ],
    "send": lambda number: [
        {"room": ROOM, "text": texts(number), "cid": f"{number}"},
        {"room": ROOM, "text": texts(number)},
        {"to": hard_name(number), "text": texts(number)},
        {"room": ROOM, "text": long(number)},
    ],
    "edit": lambda number: [
        {"room": ROOM, "of": 1, "text": texts(number), "cid": f"{number}"},
        {"room": ROOM, "of": 1, "text": texts(number)},
    ],
    "delete": of_a_message(),
    "react": lambda number: [
        *of_a_message(emoji="\u2764\ufe0f")(number),
        {"room": ROOM, "of": 1, "emoji": "\u2764" * 20_000},
    ],
    "pin": of_a_message(),
    "pins": room_of({"room": ROOM, "limit": 100}),
    "bookmark": of_a_message(),
    "bookmarks": lambda number: [{"limit": 100}, {"after": number + 1}],
    "notify": lambda number: [
        fields | {"level": "mentions"} for fields in room_of()(number)
    ],
    "follow": lambda number: [
        {"room": ROOM, "thread": 1},
        {"room": ROOM, "thread": number + 999, "on": False},
    ],
    "threads": lambda number: [{"limit": 100}, {"unread": True, "after": number + 1}],
    "block": user_of,
    "unblock": user_of,
    "blocks": lambda number: [{"limit": 100}, {"after": hard_name(number)}],
    "typing": room_of(),
    "read": lambda number: [fields | {"seq": 2**53} for fields in room_of()(number)],
    "history": room_of({"room": ROOM, "limit": 100, "after": 0, "events": True}),
    "reactions": lambda number: [
        {"room": ROOM, "of": 1, "emoji": "\u2764\ufe0f", "limit": 100},
        {"room": ROOM, "of": number + 999, "emoji": "\u2764\ufe0f"},
        {"room": ROOM, "of": 1, "emoji": "\u2764" * 20_000},
    ],
    "search": lambda number: [
        {"query": query(number), "limit": 100},
        {"query": '"' * 256},
        {"query": f"in:{hard_name(number)} from:{hard_name(number)} {query(number)}"},
        {"query": long(number)},
        {"query": "a", "next": "1/" * 20_000},
    ],
    "who": room_of({"room": ROOM, "limit": 100, "all": True}),
    "standing": room_of({"room": ROOM, "limit": 100}),
    "rooms": lambda number: [{"limit": 100}, {"after": hard_name(number)}],
    "ping": lambda number: [{"id": f"{number}" + "x" * 60}],
    "link": lambda number: [{"id": f"{number}" + "x" * 60}],
    "invitation_create": lambda number: [
        {"room": ROOM, "for": 60 + number},
        {"room": hard_name(number), "role": "admin"},
        {"room": long(number)},
    ],
    "invitations": lambda number: [{"limit": 100}, {"after": number + 1}],
    "invitation_revoke": lambda number: [{"invitation": number + 1}],
    "report": lambda number: [{"id": f"{number}" + "x" * 60}],
    "connections": lambda number: [
        {"limit": 100},
        {"busiest": True},
        {"user": hard_name(number)},
    ],
    "disconnect": lambda number: [{"connection": number + 1}, *user_of(number)],
    "drain": lambda number: [{"id": f"{number}" + "x" * 60}],
    "reload": lambda number: [{"id": f"{number}" + "x" * 60}],
    "log_level": lambda number: [{"level": "debug", "for": number + 1}],
    "announce": lambda number: [{"text": texts(number), "room": hard_name(number)}],
    "busy_rooms": lambda number: [{"limit": 100, "id": number}],
    "audit": lambda number: [{"user": f"user{number}", "limit": 100}],
    "user_add": lambda number: [
        {"name": hard_name(number), "password": "p" * 1024},
        {"name": long(number), "role": "bot"},
    ],
    "user_password": lambda number: [
        fields | {"password": "p" * 1024} for fields in user_of(number)
    ],
    "user_role": lambda number: [
        fields | {"role": "admin"} for fields in user_of(number)
    ],
    "user_ban": lambda number: [
        *(fields | {"for": number + 1} for fields in user_of(number)),
        {"user": "ann", "reason": long(number)},
    ],
    "user_unban": user_of,
    "user_erase": lambda number: [
        fields | {"messages": "reassign"} for fields in user_of(number)
    ],
    "user_erasure": user_of,
    "token_issue": lambda number: [
        {"user": "ann", "rooms": [hard_name(number + n) for n in range(100)]},
        {"user": "ann", "actions": ["x" * 32] * 100, "name": long(number)},
    ],
    "token_revoke": lambda number: [{"token": number + 1}],
    "user_logout": lambda number: [
        *user_of(number),
        {"user": "ann", "session": f"{number:010x}"},
    ],
    "about": lambda number: [{"id": f"{number}" + "x" * 60}],
    "place": lambda number: [
        {"name": f"{number}" + "\xe9" * 60},
        {"name": long(number)},
    ],
}
"""For each command what is dear of it: to read, to refuse, to do, to answer."""


def fragments(number: int) -> bytes:
    """One message in as many fragments as it may have, of a byte each."""
    text = b'{"type":"ping","x":"%0220d"}' % number
    first = b"\x01\x81" + bytes(4) + text[:1]
    between = b"".join(b"\x00\x81" + bytes(4) + bytes([byte]) for byte in text[1:-1])
    return first + between + b"\x80\x81" + bytes(4) + text[-1:]


def payloads(command: str) -> list[bytes]:
    """What one connection sends of a command, again and again."""
    found: list[bytes] = []
    for number in range(VARIANTS):
        for fields in WORST[command](number):
            frame = {"type": command} | fields
            found.append(json.dumps(frame, ensure_ascii=False).encode())
        if command == "ping" and number < len(TEXTS):
            found += junk(number)
    return found


def missing() -> set[str]:
    """Commands that are only here, or not here."""
    return {command.type for command in get_args(Command)} ^ set(WORST)


# --- sending it -----------------------------------------------------------------


@dataclass
class Tally:
    """What was done."""

    frames: int = 0
    sent_away: int = 0
    inside: set[int] = field(default_factory=set)
    all_inside: trio.Event = field(default_factory=trio.Event)


def framed(payload: bytes) -> bytes:
    """A client's text frame; its mask is zero, so it is its own."""
    size = len(payload)
    if size < 126:
        head = struct.pack("!BB", 0x81, 0x80 | size)
    elif size < 65_536:
        head = struct.pack("!BBH", 0x81, 0xFE, size)
    else:
        head = struct.pack("!BBQ", 0x81, 0xFF, size)
    return head + bytes(4) + payload


async def attack(port: int, number: int, tally: Tally) -> None:
    """Be one of the hundred. Cancellation: ends it."""
    command = sorted(WORST)[number % len(WORST)]
    frames = list(map(framed, payloads(command)))
    if command == "ping":
        frames += map(fragments, range(len(TEXTS)))
    entering = [{"type": "hello", "name": f"w{number}"}, {"type": "join", "room": ROOM}]
    first = [framed(json.dumps(frame).encode()) for frame in entering]
    if command in EARLY:
        first = []
    while True:
        try:
            await _send_on(port, number, first, frames, tally)
        except* (OSError, trio.BrokenResourceError, trio.EndOfChannel):
            tally.sent_away += 1
        await trio.sleep(BACK_AFTER_S)


async def _send_on(
    port: int, number: int, first: list[bytes], frames: list[bytes], tally: Tally
) -> None:
    """Come in and send until one is sent away. Cancellation: ends it."""
    address = f"127.0.1.{number + 1}"
    stream = await trio.open_tcp_stream("127.0.0.1", port, local_address=address)
    async with stream, trio.open_nursery() as nursery:
        await stream.send_all(
            b"GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
            b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
        )
        await stream.send_all(b"".join(first))
        await stream.receive_some()
        tally.inside.add(number)
        if len(tally.inside) == CONNECTIONS:
            tally.all_inside.set()
        nursery.start_soon(_forget, stream)
        while True:
            # Together: a client that sends them one by one is the one that waits.
            for at in range(0, len(frames), 16):
                some = frames[at : at + 16]
                await stream.send_all(b"".join(some))
                tally.frames += len(some)


async def _forget(stream: trio.SocketStream) -> None:
    """Read what comes, and nothing else. Cancellation: ends it."""
    while await stream.receive_some(262_144):
        pass
    raise trio.EndOfChannel


async def main() -> None:
    """Attack until the standard input ends. Cancellation: ends it."""
    assert not missing(), f"give these their worst input: {sorted(missing())}"
    tally = Tally()
    async with trio.open_nursery() as nursery:
        for number in range(CONNECTIONS):
            nursery.start_soon(attack, int(sys.argv[1]), number, tally)
        await tally.all_inside.wait()
        print("READY", file=sys.stderr, flush=True)
        await trio.to_thread.run_sync(sys.stdin.read)
        nursery.cancel_scope.cancel()
    print(json.dumps({"frames": tally.frames, "sent_away": tally.sent_away}))


if __name__ == "__main__":
    trio.run(main)
