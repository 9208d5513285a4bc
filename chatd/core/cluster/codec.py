"""What nodes tell each other, as bytes: rows of the log, and publications on the bus.

A **group** is one line of JSON, encoded once: the body of a commit's row in the log is
the lines of its groups, and a publication is a small head and those of its lines that
concern the stream. A change has the name of its class as `kind`, a timeline's event its
`type`; bytes are in hexadecimal.

**Two versions run side by side** while nodes are upgraded one after the other. So a
field that is unknown is ignored, and one that is missing has its default, which is also
how a default is written: not at all. The name of a class or a field, and a default, are
therefore part of the format, and the four fields of a group are there for ever. A
change that this version cannot read is left out of its group, which is not whole then:
what else has changed (somebody is no member any more), what it is about, and its place
in the order are told all the same.

**Nothing is trusted**: whatever the bytes are, `decode` and `read_body` return values
whose fields have the types that their classes say, or raise `Undecodable`. cattrs
coerces by itself (`1` becomes `"1"`, a string a tuple of letters); the hooks here do
not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from enum import StrEnum
from typing import Any, get_args, get_origin

import attrs
import orjson
from cattrs import Converter
from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn, override

from chatd import enums
from chatd.core.changes import Change, Lapsed, SettingsSet
from chatd.core.cluster.commits import Commit, Group
from chatd.core.cluster.messages import Message
from chatd.core.inputs import Told
from chatd.core.observations import NodeFacts
from chatd.core.settings import RoomSettings
from chatd.errors import ChatdError
from chatd.ids import Epoch, NodeId, Seq, Stamp
from chatd.wire.events import TimelineEvent

VERSION = 1
"""Of the heads; another one is not read."""

Hook = Callable[..., Any]


class Undecodable(ChatdError):
    """Bytes are nothing that a node of this version says."""


@attrs.frozen
class Horizon:
    """A node is there, and has published all that it had committed below a horizon."""

    node: NodeId
    horizon: int
    lost: int = 0
    """How often something that it had published may have been lost."""


@attrs.frozen
class Gone:
    """A node has gone; what it had has ended."""

    node: NodeId


# --- groups, and the rows of the log ------------------------------------------


def encode_group(group: Group) -> bytes:
    """Return a group as one line, without its end."""
    return orjson.dumps(
        {
            "room": group.room,
            "seq": group.seq,
            "event": group.is_event,
            "changes": [_CHANGES.dump(change) for change in group.changes],
        }
    )


def body_of(lines: Iterable[bytes]) -> bytes:
    """Return the body of a commit's row in the log, of the lines of its groups."""
    return b"\n".join(lines)


def read_body(body: bytes) -> tuple[tuple[int, Group], ...]:
    """Return the groups of a row of the log, with their places.

    Raises:
        Undecodable: It is none.
    """
    return tuple(enumerate(map(_read_group, body.split(b"\n"))))


def _read_group(line: bytes) -> Group:
    row = _object_of(line)
    try:
        room = _optional_str(row["room"])
        seq, is_event = _int(row["seq"]), _bool(row["event"])
        found = _list(row["changes"])
    except (KeyError, ValueError) as error:
        raise Undecodable(f"no group: {error!r}") from None
    changes = []
    for change in found:
        with suppress(KeyError, TypeError, ValueError):
            changes.append(_CHANGES.read(change))
    return Group(
        tuple(changes),
        None if room is None else Epoch(room),
        Seq(seq),
        is_event,
        is_whole=len(changes) == len(found),
    )


# --- publications ---------------------------------------------------------------


def encode_commit(
    node: NodeId, stamp: Stamp, groups: Sequence[tuple[int, bytes]]
) -> bytes:
    """Return what is published of a commit on one stream.

    Args:
        node: Who has committed it.
        stamp: Of its row in the log.
        groups: The lines that concern the stream, with their places in the row.
    """
    indices = [index for index, _ in groups]
    head = {"v": VERSION, "node": node, "stamp": stamp, "of": indices}
    return b"\n".join([orjson.dumps(head), *(line for _, line in groups)])


def encode_message(node: NodeId, message: Message) -> bytes:
    """Return what a node tells of what is not durable."""
    said = _MESSAGES.dump(message)
    return orjson.dumps({"v": VERSION, "node": node, "said": said})


def encode_sign(sign: Horizon | Gone) -> bytes:
    """Return what a node says of itself: that it is there, or is not any more."""
    head: dict[str, Any] = {"v": VERSION, "node": sign.node}
    if isinstance(sign, Horizon):
        head |= {"horizon": sign.horizon, "lost": sign.lost}
    return orjson.dumps(head | {"gone": isinstance(sign, Gone)})


def beginning_of(node: NodeId) -> bytes:
    """Return what all begins with that a node of this version says."""
    return orjson.dumps({"v": VERSION, "node": node})[:-1] + b","


def decode(publication: bytes) -> Commit | Told | Horizon | Gone:
    """Return what a publication says.

    Raises:
        Undecodable: Nothing that this version understands.
    """
    line, *lines = publication.split(b"\n")
    head = _object_of(line)
    try:
        if head["v"] != VERSION:
            raise Undecodable("of another version")
        node = NodeId(_int(head["node"]))
        if "said" in head:
            return Told(node, _MESSAGES.read(head["said"]))
        if "stamp" not in head:
            if _bool(head["gone"]):
                return Gone(node)
            return Horizon(node, _int(head["horizon"]), _int(head["lost"]))
        stamp = Stamp(_int(head["stamp"]))
        indices = list(map(_int, _list(head["of"])))
        groups = zip(indices, map(_read_group, lines), strict=True)
        return Commit(node, stamp, tuple(groups))
    except (KeyError, TypeError, ValueError) as error:
        raise Undecodable(f"no publication: {error!r}") from None


# --- what nodes say of themselves in the store -------------------------------------


def encode_facts(facts: NodeFacts) -> bytes:
    """Return what is told of a node, as JSON."""
    return orjson.dumps(_CONVERTER.unstructure(facts))


def read_facts(data: bytes) -> NodeFacts:
    """Return what is told of a node; of one that tells nothing readable, nothing."""
    try:
        facts: NodeFacts = _CONVERTER.structure(_object_of(data), NodeFacts)
    except (Undecodable, ValueError):
        return NodeFacts()
    return facts


def _object_of(line: bytes) -> dict[str, Any]:
    try:
        found = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise Undecodable(f"no JSON: {error.msg}") from None
    if type(found) is not dict:
        raise Undecodable("no JSON object")
    return found


# --- values of any of several classes -------------------------------------------


class _Tagged:
    """Reads and writes values of several classes, each by its tag.

    What does so for one class is compiled when it is needed first: all take 40 ms.
    """

    def __init__(self, key: str, classes: Mapping[str, type]) -> None:
        self._key = key
        self._classes = classes
        self._tags = {cls: tag for tag, cls in classes.items()}
        self._readers: dict[str, Hook] = {}
        self._writers: dict[type, Hook] = {}

    def dump(self, value: Any) -> dict[str, Any]:
        """Return the JSON object of a value."""
        cls = type(value)
        write = self._writers.get(cls)
        if write is None:
            write = self._writers[cls] = _CONVERTER.get_unstructure_hook(cls)
        found: dict[str, Any] = write(value)
        found[self._key] = self._tags[cls]
        return found

    def read(self, value: Any, _: Any = None) -> Any:
        """Return the value of a JSON object.

        Raises:
            ValueError: It is none of the classes'; so KeyError and TypeError.
        """
        tag = value[self._key]
        read = self._readers.get(tag)
        if read is None:
            cls = self._classes[tag]
            read = self._readers[tag] = _CONVERTER.get_structure_hook(cls)
        return read(value, None)


# --- what cattrs does not do by itself -------------------------------------------


def _str(value: Any, _: Any = None) -> str:
    if type(value) is not str:
        raise ValueError("expected a string")
    return value


def _optional_str(value: Any) -> str | None:
    return None if value is None else _str(value)


def _int(value: Any, _: Any = None) -> int:
    if type(value) is not int:
        raise ValueError("expected a whole number")
    return value


def _bool(value: Any, _: Any = None) -> bool:
    if type(value) is not bool:
        raise ValueError("expected true or false")
    return value


def _bytes(value: Any, _: Any = None) -> bytes:
    return bytes.fromhex(_str(value))


def _list(value: Any) -> list[Any]:
    if type(value) is not list:
        raise ValueError("expected an array")
    return value


def _enum_reader(cls: Any) -> Hook:
    words = {member.value: member for member in cls}

    def read(value: Any, _: Any = None) -> Any:
        return words[_str(value)]

    return read


def _sequence_reader(cls: Any) -> Hook:
    """Read `tuple[X, ...]` or `list[X]`."""
    origin: Any = get_origin(cls)
    one: Hook = _CONVERTER.get_structure_hook(get_args(cls)[0])
    return lambda value, _=None: origin(one(item, None) for item in _list(value))


def _mapping_reader(cls: Any) -> Hook:
    key, one = map(_CONVERTER.get_structure_hook, get_args(cls))

    def read(value: Any, _: Any = None) -> Any:
        if type(value) is not dict:
            raise ValueError("expected an object")
        return {key(name, None): one(item, None) for name, item in value.items()}

    return read


def _class_reader(cls: Any) -> Hook:
    read = make_dict_structure_fn(cls, _CONVERTER, _cattrs_detailed_validation=False)

    def read_object(value: Any, _: Any = None) -> Any:
        if type(value) is not dict:
            raise ValueError("expected an object")
        return read(value, cls)

    return read_object


def _class_writer(cls: Any) -> Hook:
    return make_dict_unstructure_fn(cls, _CONVERTER, _cattrs_omit_if_default=True)


def _settings_reader(cls: Any) -> Hook:
    """Read `SettingsSet`, whose values have the types of `RoomSettings`."""
    attrs.resolve_types(RoomSettings)
    hooks = {
        field.name: _CONVERTER.get_structure_hook(field.type)
        for field in attrs.fields(RoomSettings)
    }

    def read_changes(value: Any, _: Any = None) -> dict[str, Any]:
        if type(value) is not dict:
            raise ValueError("expected an object")
        return {
            name: hooks[name](item, None)
            for name, item in value.items()
            if name in hooks
        }

    return make_dict_structure_fn(
        cls,
        _CONVERTER,
        _cattrs_detailed_validation=False,
        changes=override(struct_hook=read_changes),
    )


def _is_generic(*origins: type) -> Callable[[Any], bool]:
    return lambda cls: get_origin(cls) in origins


_ENUMS = [
    cls
    for cls in vars(enums).values()
    if isinstance(cls, type) and issubclass(cls, StrEnum) and cls is not StrEnum
]
_CONVERTER = Converter(detailed_validation=False)
_EVENTS = _Tagged("type", {cls.type: cls for cls in get_args(TimelineEvent)})
_CHANGES = _Tagged(
    "kind", {cls.__name__: cls for cls in get_args(Change) if cls is not Lapsed}
)
_MESSAGES = _Tagged("kind", {cls.__name__: cls for cls in get_args(Message)})


def _teach() -> None:
    hooks: dict[Any, Hook] = {
        str: _str,
        int: _int,
        bool: _bool,
        bytes: _bytes,
        TimelineEvent: _EVENTS.read,
    }
    # By class, or they would be read as what they are, too: strings.
    hooks |= {cls: _enum_reader(cls) for cls in _ENUMS}
    for kind, hook in hooks.items():
        _CONVERTER.register_structure_hook(kind, hook)
    factories: list[tuple[Callable[[Any], bool], Callable[[Any], Hook]]] = [
        (attrs.has, _class_reader),
        (_is_generic(tuple, list), _sequence_reader),
        (_is_generic(Mapping), _mapping_reader),
        (lambda cls: cls is SettingsSet, _settings_reader),
    ]
    for predicate, factory in factories:
        _CONVERTER.register_structure_hook_factory(predicate, factory)
    _CONVERTER.register_unstructure_hook(bytes, bytes.hex)
    _CONVERTER.register_unstructure_hook(TimelineEvent, _EVENTS.dump)
    _CONVERTER.register_unstructure_hook_factory(attrs.has, _class_writer)


_teach()
