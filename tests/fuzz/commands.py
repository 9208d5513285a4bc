"""What a fuzzer says: every command of the protocol, mostly right, and then not.

The commands and their fields are read from the classes that the codec reads, so a
new command is said from the day it is there. A field is filled by its type: from
what was heard of the daemon (`World`), by the form that the schema gives of the type,
or by one of the strings that have broken programs elsewhere.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from random import Random
from typing import Any, get_args

import attrs
import orjson

from chatd import ids
from chatd.wire import kinds
from chatd.wire.forms import VALUES
from chatd.wire.schema import COMMANDS, wire_name

Frame = dict[str, Any]

WEIGHTS = {
    "send": 15.0,
    "edit": 4.0,
    "delete": 2.0,
    "react": 6.0,
    "pin": 3.0,
    "follow": 3.0,
    "join": 6.0,
    "history": 3.0,
    "leave": 0.4,
    "destroy": 0.05,
    "rename": 0.2,
    "hello": 0.2,
    "logout": 0.1,
    "register": 0.2,
    "password": 0.1,
}
"""How often a command is said, where that is not once."""
HOSTILE = (
    "",
    " ",
    "\u00a0\u2003\u3000",
    "\u200b\u200d\ufeff",
    "\r\n\r\n",
    "a\r\nb\rc\nd",
    "\x00",
    "\x1b[31mred\x1b[0m",
    "\x0b\x0c\x85",
    "<script>alert(1)</script>",
    "'; DROP TABLE message; --",
    '"quoted" AND NEAR(x, 2) OR -y*',
    "\u202eevil\u202c",
    "z\u0335\u0321\u0322\u0327\u0328" * 30,
    "e" + "\u0301" * 40,
    "W" * 10_000,
    "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466",
    "\u2764",
    "\u2764\ufe0f",
    "1\u20e3",
    "\U0001f44d\U0001f3fd",
    "\U0001d159",
    "\ufdfa" * 20,
    "\u0130\u0131\u017f\u212a",
    "\uff21\uff44\uff4d\uff49\uff4e",
    "\u1112\u116e\u11ab",
    "\u05e9\u05b8\u05c1\u05dc\u05d5\u05b9\u05dd",
    "\u4f60\u597d@bob",
    "@ann @bob. @all `@cy` ~~@bob~~ _@ann_",
    "@" + "\u00e9" * 31,
    "../../etc/passwd",
    "%s%n%x",
    "{{7*7}}",
    "NaN",
    "-1",
    "9007199254740993",
    "~aaaaaaaaaaaaaaaa",
    "@ann,bob",
    "@bob,ann",
    "ann~aaaa",
)
"""Strings that have broken programs elsewhere, and some that mean something here."""
WORDS = ("tea", "milk", "green", "who", "wants", "some", "noon", "会議", "йогурт")
EMOJI = ("👍", "👍\ufe0f", "❤", "❤️", "🎉", "🏳️‍🌈", "1️⃣", "☺", "👋🏽")
PLACES = {"of", "reply_to", "seq", "before", "after", "since", "thread"}
"""Fields that hold a seq of the room which the command names, if they hold a number."""
WRONG: tuple[Any, ...] = (
    None,
    True,
    -1,
    0,
    1.5,
    2**53,
    2**63,
    1e308,
    [],
    {},
    [[[[]]]],
    {"a": {"b": {}}},
    "x",
)
_KEPT = 200
NAMED_MAX = 60
"""So many rooms and users are known at a time: the first ones and the last ones."""
_SURROGATE = b'"\\ud800"'


@attrs.define(eq=False)
class World:
    """What was heard so far, for commands to name."""

    users: list[str]
    """Accounts; guests are added when they are heard of."""
    rooms: list[str]
    targets: list[str]
    """Those among the users whom commands may be about: kicked, banned, muted."""
    heads: dict[str, int] = attrs.field(factory=dict)
    epochs: dict[str, str] = attrs.field(factory=dict)
    secrets: deque[str] = attrs.field(factory=lambda: deque(maxlen=_KEPT))
    """Sessions and tokens of anybody."""
    said: deque[Frame] = attrs.field(factory=lambda: deque(maxlen=_KEPT))
    """Commands with a `cid`, to be said again."""
    places: deque[str] = attrs.field(factory=lambda: deque(maxlen=_KEPT))
    """The `next` of pages."""

    def learn(self, frame: Frame) -> None:
        """Take a frame of the daemon."""
        room, seq = frame.get("room"), frame.get("seq")
        if isinstance(room, str):
            if room not in self.rooms:
                self.rooms.append(room)
                del self.rooms[NAMED_MAX // 2 : len(self.rooms) - NAMED_MAX // 2]
            if isinstance(seq, int):
                self.heads[room] = max(seq, self.heads.get(room, 0))
            if "epoch" in frame:
                self.epochs[room] = frame["epoch"]
        if frame["type"] == "welcome":
            user = frame["user"]
            if "~" in user and user not in self.users:
                self.users.append(user)
                self.targets.append(user)
            if user in self.targets:
                self.secrets.append(frame["session"])
            for names in (self.users, self.targets):
                del names[NAMED_MAX // 2 : len(names) - NAMED_MAX // 2]
        if isinstance(frame.get("secret"), str):
            self.secrets.append(frame["secret"])
        if isinstance(frame.get("next"), str):
            self.places.append(frame["next"])


@attrs.define(eq=False)
class Speaker:
    """Draws commands from a seeded source of chance."""

    rng: Random
    world: World
    number: int = 0

    def command(self, *types: str) -> Frame:
        """A command whose fields are of the right form, mostly; of `types` if given."""
        rng, world = self.rng, self.world
        if not types and world.said and rng.random() < 0.08:
            return dict(rng.choice(world.said)) | {"id": self.label()}
        classes = [cls for cls in COMMANDS if not types or cls.type in types]
        weights = [WEIGHTS.get(cls.type, 1.0) for cls in classes]
        (chosen,) = rng.choices(classes, weights)
        attrs.resolve_types(chosen)
        frame: Frame = {"type": chosen.type}
        for field in attrs.fields(chosen):
            is_needed = field.default is attrs.NOTHING or field.name == "room"
            if field.name != "id" and (is_needed or rng.random() < 0.35):
                value = self.value(field.type)
                frame[wire_name(field)] = self._follow(frame, field.name, value)
        if rng.random() < 0.95:
            _agree(rng, frame)
        if "cid" in frame:
            world.said.append(dict(frame))
        frame["id"] = self.label()
        return frame

    def label(self) -> str:
        """A new `id`."""
        self.number += 1
        return f"f{self.number}"

    def value(self, kind: Any) -> Any:
        """A value of a type: mostly a good one."""
        kind = next((one for one in get_args(kind) if one is not type(None)), kind)
        if self.rng.random() < 0.02:
            return self.rng.choice(WRONG)
        make = _MAKERS.get(kind)
        return make(self) if make is not None else self._of_form(VALUES.get(kind, {}))

    def garbled(self, frame: Frame) -> bytes:
        """The bytes of a frame with something wrong in them."""
        rng = self.rng
        # No flipped bit makes a label that is waited for of this one.
        frame = frame | {"id": "garbled"}
        data = bytearray(orjson.dumps(frame))
        match rng.randrange(7):
            case 0:
                data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
            case 1:
                del data[rng.randrange(len(data)) :]
            case 2:
                at = rng.randrange(len(data))
                data[at:at] = data[: rng.randrange(len(data))]
            case 3:
                frame[rng.choice(list(frame))] = rng.choice(WRONG)
                data = bytearray(orjson.dumps(frame))
            case 4:
                data = bytearray(b"[" * rng.randrange(1, 5000))
            case 5:
                data = bytearray(b'{"type":"send","text":' + _SURROGATE + b"}")
            case _:
                data += b'{"type":"ping"}'
        return bytes(data)

    def text(self) -> str:
        """What somebody may write."""
        rng = self.rng
        if rng.random() < 0.15:
            return rng.choice(HOSTILE)
        words = rng.choices(WORDS, k=rng.randrange(1, 12))
        if rng.random() < 0.2:
            words.append(f"@{rng.choice(self.world.users)}")
        return " ".join(words)

    def _follow(self, frame: Frame, name: str, value: Any) -> Any:
        """What agrees with the room that the frame names, mostly."""
        room = frame.get("room")
        if not isinstance(room, str) or self.rng.random() < 0.03:
            return value
        if name in PLACES and not isinstance(value, bool):
            head = self.world.heads.get(room, 1)
            return max(0, head - int(self.rng.expovariate(0.1)))
        if name == "epoch":
            return self.world.epochs.get(room, value)
        return value

    def _of_form(self, form: Frame) -> Any:
        rng = self.rng
        if "anyOf" in form:
            return self._of_form(rng.choice(form["anyOf"]))
        if "enum" in form:
            return rng.choice(form["enum"])
        if form.get("type") == "integer":
            low, high = form.get("minimum", 0), form.get("maximum", 1000)
            return rng.choice([low, high, low + int(rng.expovariate(0.1))])
        if form.get("type") == "array":
            return [self._of_form(form["items"]) for _ in range(rng.randrange(4))]
        return self.text()[: form.get("maxLength", 100)]


def _agree(rng: Random, frame: Frame) -> None:
    """Leave out what must not stand beside each other."""
    match frame["type"]:
        case "send" if rng.random() < 0.9 or "to" not in frame:
            frame.pop("to", None)
            frame.setdefault("room", "lobby")
        case "send":
            frame.pop("room", None)
            frame.pop("reply_to", None)
        case "join" if "since" in frame and "epoch" in frame:
            frame.pop("last", None)
        case "join":
            frame.pop("since", None)
        case "history" if "before" in frame:
            frame.pop("after", None)


def _maker(*pool: str) -> Callable[[Speaker], Any]:
    def make(speaker: Speaker) -> Any:
        return speaker.rng.choice(pool)

    return make


def _room(speaker: Speaker) -> str:
    rooms = speaker.world.rooms
    return speaker.rng.choice(rooms[:3] if speaker.rng.random() < 0.7 else rooms)


def _user(speaker: Speaker) -> str:
    return speaker.rng.choice(speaker.world.targets)


def _new_room(speaker: Speaker) -> str:
    return f"room-{speaker.rng.randrange(60)}"


def _new_name(speaker: Speaker) -> str:
    if speaker.rng.random() < 0.1:
        return speaker.rng.choice(HOSTILE)
    return f"new{speaker.rng.randrange(10**6)}"


def _secret(speaker: Speaker) -> str:
    if speaker.world.secrets and speaker.rng.random() < 0.8:
        return speaker.rng.choice(speaker.world.secrets)
    return speaker.text() or "x"


def _place(speaker: Speaker) -> str:
    if speaker.world.places and speaker.rng.random() < 0.8:
        return speaker.rng.choice(speaker.world.places)
    return speaker.text()


def _cid(speaker: Speaker) -> str:
    return f"c{speaker.rng.randrange(10**9)}"


def _bool(speaker: Speaker) -> bool:
    return speaker.rng.random() < 0.5


def _seconds(speaker: Speaker) -> int:
    return speaker.rng.choice([1, 1, 2, 60, 10**8])


def _slow(speaker: Speaker) -> int:
    return speaker.rng.choice([0, 0, 0, 1])


def _keep(speaker: Speaker) -> int:
    return speaker.rng.choice([0, 0, 0, 50, 1000])


def _text(speaker: Speaker) -> str:
    return speaker.text()


_MAKERS: dict[Any, Callable[[Speaker], Any]] = {
    bool: _bool,
    ids.RoomName: _room,
    ids.UserName: _user,
    ids.Cid: _cid,
    ids.Epoch: _maker("0" * 16, "f" * 16),
    kinds.Emoji: _maker(*EMOJI),
    kinds.Text: _text,
    kinds.QueryText: _text,
    kinds.PublicRoom: _new_room,
    kinds.GuestName: _new_name,
    kinds.Secret: _secret,
    kinds.PlaceText: _place,
    kinds.BanSeconds: _seconds,
    kinds.SlowSeconds: _slow,
    kinds.KeepCount: _keep,
}
"""Who makes values of a type; every other is made by its form in the schema."""
