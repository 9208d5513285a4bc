"""The schema of the protocol says what the codec does, no more and no less."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from itertools import chain, combinations, product
from typing import Any, get_args

import attrs
import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatd.wire import codec
from chatd.wire.administration import TokenIssue
from chatd.wire.commands import Command
from chatd.wire.encode import encode
from chatd.wire.forms import BEYOND_ASCII, FIELDS, RULES, SENT, VALUES
from chatd.wire.malformed import BadCommand
from chatd.wire.place import NamePlace
from chatd.wire.replies import ServerFrame
from chatd.wire.schema import (
    COMMANDS,
    EVENTS,
    REPLIES,
    _Writer,
    name_of,
    unlike,
    wire_name,
)
from chatd.wire.timestamps import rfc3339
from tests.wire.contract import (
    CLIENT_FRAME,
    OPEN,
    SCHEMA,
    SERVER_FRAME,
    VALIDATORS,
    Validator,
    ecma,
    recognise,
)
from tests.wire.test_codec import COMMANDS as EXAMPLES
from tests.wire.test_codec import EPOCH, PRIVATE
from tests.wire.test_encode import FRAMES

Frame = dict[str, Any]

DEFS = SCHEMA["$defs"]
DECODER = codec.Decoder(0)
TOWER = "a" + "\u0301" * 9
SURROGATE = "\ud83d"
UNSORTED = "@bob,ann"


def refusal(frame: Frame) -> BadCommand | None:
    """Why the codec refuses a frame, if it does."""
    try:
        DECODER.decode(json.dumps(frame).encode())
    except BadCommand as error:
        return error
    return None


# --- the document ---------------------------------------------------------------


def test_it_is_a_schema() -> None:
    """It is valid itself, by the rules of draft 2020-12."""
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_each_class_is_in_it() -> None:
    """Every command, event and reply is defined, and is one of its kind of frame."""
    assert (*EVENTS, *REPLIES) != ()
    assert {*EVENTS, *REPLIES} == {*get_args(ServerFrame)}
    for kind, classes in (
        ("ClientFrame", get_args(Command)),
        ("Event", EVENTS),
        ("Reply", REPLIES),
    ):
        ((_, members),) = ((k, v) for k, v in DEFS[kind].items() if k.endswith("Of"))
        names = [name_of(cls) for cls in classes]
        assert [member["$ref"] for member in members] == [f"#/$defs/{n}" for n in names]
        assert {*names} <= DEFS.keys()


def test_each_type_of_command_and_of_event_is_one_class() -> None:
    """So that one of them matches, and an error can tell which was meant."""
    for classes in (COMMANDS, EVENTS):
        types = [cls.type for cls in classes]
        assert len(types) == len({*types})
    assert not {cls.type for cls in EVENTS} & {cls.type for cls in REPLIES}


def test_no_name_is_given_twice() -> None:
    """Two classes of one name would overwrite each other's definition."""
    names = [name_of(cls) for cls in (*COMMANDS, *EVENTS, *REPLIES)]
    assert len(names) == len({*names})


def test_what_is_defined_is_used() -> None:
    """No definition is left over, and none is missing."""
    text = json.dumps(SCHEMA)
    used = {part.partition('"')[0] for part in text.split("#/$defs/")[1:]}
    assert used == DEFS.keys()


def test_each_class_and_type_is_described() -> None:
    """The docstrings have arrived, those in the source as well."""
    silent = [name for name, schema in DEFS.items() if not schema.get("description")]
    assert silent == []
    assert "direct room" in DEFS["MessageEvent"]["properties"]["epoch"]["description"]


def test_a_type_without_a_form_is_named() -> None:
    """Whoever adds a NewType is told where its form belongs."""

    @attrs.define
    class Odd:
        what: bytes

    with pytest.raises(LookupError, match=r"Odd\.what: its type bytes has no form; .*"):
        _Writer({}).define("Odd", Odd)


def test_each_rule_of_the_codec_has_its_twin() -> None:
    """Whoever adds a rule between fields adds its row in chatd/wire/forms.py."""
    missing = [cls.__name__ for cls in codec._RULES if cls not in RULES]
    assert missing == [], f"RULES in chatd/wire/forms.py lacks {missing}"


def test_no_row_of_a_table_is_left_over() -> None:
    """Forms of types that no field has any more are gone."""
    assert {*SENT} <= {*VALUES}
    for cls, field in FIELDS:
        assert field in attrs.fields_dict(cls)


@pytest.mark.parametrize(
    ("default", "schema"),
    [
        (False, {"const": True}),
        (True, {"const": False}),
        ("", {"minLength": 1}),
        (attrs.Factory(list), {"minItems": 1}),
        (attrs.Factory(dict), {"minProperties": 1}),
        (0, {"not": {"const": 0}}),
    ],
)
def test_a_field_that_is_left_out_never_has_its_default(
    default: Any, schema: Frame
) -> None:
    """What is empty is not written, so it cannot be read either."""
    assert unlike(default) == schema


# --- patterns -------------------------------------------------------------------


def patterns(schema: Any) -> Iterator[str]:
    """Every pattern in a schema."""
    if isinstance(schema, dict):
        for key, value in schema.items():
            if key == "pattern":
                yield value
            else:
                yield from patterns(value)
    elif isinstance(schema, list):
        yield from chain.from_iterable(map(patterns, schema))


SAMPLES = [
    *("", " ", "a", "A", "a\n", "\n", "a\tb", "\x00", "\x85", "ann~4f7k", "@ann,bob"),
    *(
        "\u2028",
        "\u202e",
        "\u200b",
        "\ufeff",
        "\u3000",
        "\U000e0001",
        "👍",
        "é",
        "\u0130",
    ),
    *(PRIVATE, EPOCH, "2026-11-22T20:31:28.123Z", "٢", "bad_json", "K"),
]


def test_javascript_reads_the_patterns_as_python_does() -> None:
    """Node compiles each, and agrees on what matches."""
    found = sorted({*patterns(SCHEMA)})
    script = (
        "const [patterns, samples] = JSON.parse(require('fs').readFileSync(0));"
        "console.log(JSON.stringify(patterns.map("
        "p => samples.map(s => new RegExp(p, 'u').test(s)))))"
    )
    done = subprocess.run(
        ["node", "-e", script],
        input=json.dumps([found, SAMPLES]),
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout) == [
        [ecma(pattern).search(sample) is not None for sample in SAMPLES]
        for pattern in found
    ]


def test_the_patterns_are_plain() -> None:
    """No look-around and no escape that only one language knows."""
    for pattern in patterns(SCHEMA):
        assert "(?" not in pattern.replace("(?:", "")
        assert not {r"\u", r"\U", r"\Z", r"\s", r"\w", r"\d"} & {
            pattern[at : at + 2] for at in range(len(pattern))
        }


@given(st.integers(0, 4_000_000_000_000))
def test_a_time_has_its_form(ts: int) -> None:
    """Whatever the clock says, until the year 2096."""
    assert VALIDATORS["Time"].is_valid(rfc3339(ts))


# --- the daemon's frames --------------------------------------------------------


@pytest.mark.parametrize("frame", [frame for frame, _ in FRAMES], ids=repr)
def test_what_is_encoded_is_valid(frame: Any) -> None:
    """Each example of each class, with no field that is not told."""
    written = json.loads(encode(frame))
    assert recognise(written) == name_of(type(frame))
    assert SERVER_FRAME.is_valid(written)


def test_fields_may_be_added() -> None:
    """A client that checks what it gets survives the next version."""
    for frame, _ in FRAMES:
        written = json.loads(encode(frame))
        assert SERVER_FRAME.is_valid({**written, "new": 1})
        with pytest.raises(AssertionError, match="is no frame of the protocol"):
            recognise({**written, "new": 1})


def test_a_field_too_few_is_found() -> None:
    """A field that is always written is required."""
    for cls in (*EVENTS, *REPLIES):
        schema = DEFS[name_of(cls)]
        (written, *_) = (
            json.loads(encode(frame)) for frame, _ in FRAMES if type(frame) is cls
        )
        for name in schema["required"]:
            less = {key: value for key, value in written.items() if key != name}
            assert not VALIDATORS[name_of(cls)].is_valid(less)


# --- commands: the codec and the schema agree -----------------------------------

VALUES_TRIED: list[Any] = [
    *(None, True, False, 0, 1, -1, 50, 100, 101, 2**53, 2**53 + 1, -(2**53), 2**70),
    *(
        0.5,
        1.0,
        [],
        ["a"],
        {},
        {"a": 1},
        "",
        " ",
        "a",
        "A",
        "ann",
        "Ann~4F7K",
        "@ann,bob",
    ),
    *("@ann,ann,bob", "@ann", "~abc", PRIVATE, PRIVATE.upper(), EPOCH, EPOCH.upper()),
    *("#a", "-a", "a b", "a\n", "a\tb", "\x00", "\x7f", "\x85", "\u2028", "\u202e"),
    *("\u200b\u2060", "\u3000", "x" * 32, "x" * 33, "x" * 64, "x" * 65, "x" * 128),
    *("x" * 129, "x" * 4096, "x" * 4097, "👍", "é", "\u212a", "online", "away", "Away"),
    *(UNSORTED, "@ann,ann", TOWER, SURROGATE),
]


NAMES = ("room", "user", "name", "to", "after", "owner", "by")
LINES = {
    "device": 64,
    "display": 64,
    "text": 128,
    "topic": 250,
    "title": 250,
    "reason": 250,
}
"""How long they may be when they are clean."""
LIKE = {(NamePlace, "name"): "display", (TokenIssue, "name"): "topic"}
"""Fields that are no names, though they are called so."""


def is_beyond(field: str, value: Any) -> bool:
    """Whether only the codec can say what is wrong with a value."""
    if field == "emoji":
        return isinstance(value, str) and value != ""
    if type(value) is float:
        return value.is_integer()
    if field in NAMES and isinstance(value, str) and not value.isascii():
        return True  # what a name may be is a setting
    if field in LINES and isinstance(value, str) and len(value) > LINES[field]:
        return True
    return value in (UNSORTED, "@ann,ann", TOWER, SURROGATE)


def check_agreement(cls: Any, frame: Frame, field: str, value: Any) -> None:
    """Whether the codec and the schema say the same of a frame."""
    error = refusal(frame)
    is_valid = OPEN[name_of(cls)].is_valid(frame)
    if error is None:
        assert is_valid, frame
    elif not is_beyond(LIKE.get((cls, field), field), value):
        assert not is_valid, (frame, error.text)


@pytest.mark.untraced
@pytest.mark.parametrize("frame", [frame for frame, _ in EXAMPLES], ids=repr)
def test_they_agree_on_any_value_in_any_field(frame: Frame) -> None:
    """What is accepted is valid, and what is refused is not, field by field."""
    assert CLIENT_FRAME.is_valid(frame)
    (cls,) = (cls for cls in COMMANDS if cls.type == frame["type"])
    for field in map(wire_name, attrs.fields(cls)):
        less = {key: value for key, value in frame.items() if key != field}
        check_agreement(cls, less, field, None)
        for value in VALUES_TRIED:
            check_agreement(cls, {**frame, field: value}, field, value)


def choices(cls: Any) -> Iterator[Frame]:
    """Frames of a command with some of the fields that it need not have.

    A rule is between two or three fields, so up to three are given, and all.
    """
    known: Frame = {}
    for frame, _ in EXAMPLES:
        if frame["type"] == cls.type:
            known |= frame
    fields = {wire_name(field): field for field in attrs.fields(cls)}
    optional = {name for name in known.keys() & fields if fields[name].default is None}
    flags = [name for name in known.keys() & fields if fields[name].type is bool]
    needed = {name: known[name] for name in known.keys() - optional}
    for size in {*range(min(len(optional), 3) + 1), len(optional)}:
        for names in combinations(sorted(optional), size):
            for values in product((True, False), repeat=len(flags)):
                given_ = {name: known[name] for name in names}
                yield needed | given_ | dict(zip(flags, values, strict=True))


@pytest.mark.parametrize("cls", COMMANDS, ids=lambda cls: cls.type)
def test_they_agree_on_which_fields_go_together(cls: Any) -> None:
    """Whichever of the optional fields are given; null is as good as nothing."""
    is_valid = OPEN[name_of(cls)].is_valid
    nothing = {
        wire_name(field): None for field in attrs.fields(cls) if field.default is None
    }
    for given_ in choices(cls):
        for frame in (given_, nothing | given_):
            assert is_valid(frame) is (refusal(frame) is None), frame


@pytest.mark.parametrize("frame", [{}, {"type": "snd"}, {"type": 1}, {"type": None}])
def test_what_is_no_command_is_not_valid(frame: Frame) -> None:
    """As the codec: a type that nobody knows."""
    assert refusal(frame) is not None
    assert not CLIENT_FRAME.is_valid(frame)


def instances(schema: Frame) -> st.SearchStrategy[Any]:
    """Whatever a part of the schema allows, as far as commands need it."""
    match schema:
        case {"$ref": reference}:
            name = reference.rpartition("/")[2]
            return BEYOND[name] if name in BEYOND else named(name)
        case {"const": value}:
            return st.just(value)
        case {"enum": values}:
            return st.sampled_from(values)
        case {"type": "object", "properties": properties, "required": required}:
            fields = {name: instances(field) for name, field in properties.items()}
            needed = {name: fields.pop(name) for name in required}
            return st.fixed_dictionaries(needed, optional=fields)
        case {"anyOf": inner} | {"oneOf": inner}:
            return st.one_of(*map(instances, inner))
        case {"type": "integer", "minimum": low, "maximum": high}:
            return st.integers(low, high)
        case {"type": "string", "pattern": pattern}:
            # Which other letters are names, the schema does not say.
            ascii_names = pattern.replace(BEYOND_ASCII, "")
            matching = st.from_regex(ecma(ascii_names), alphabet=CHARACTERS)
            return matching.filter(Validator(schema).is_valid)
        case {"type": "string"}:
            low, high = schema.get("minLength", 0), schema.get("maxLength", 100)
            written = st.text(CHARACTERS, min_size=low, max_size=min(high, 100))
            return written.filter(Validator(schema).is_valid)
        case {"type": "array", "items": items, "maxItems": high}:
            return st.lists(instances(items), max_size=min(high, 3))
        case {"type": "boolean"}:
            return st.booleans()
        case {"type": "null"}:
            return st.none()
    raise NotImplementedError(schema)


def named(name: str) -> st.SearchStrategy[Any]:
    """Whatever a definition allows, by the rules between its fields as well."""
    schema = DEFS[name]
    has_rules = "properties" in schema and schema.keys() & {
        "not",
        "allOf",
        "oneOf",
        "anyOf",
    }
    strategy = instances(schema)
    return strategy.filter(OPEN[name].is_valid) if has_rules else strategy


CHARACTERS = st.characters(codec="utf-8")
ROOMS = st.sampled_from(["lobby", "Lobby", PRIVATE, "@Ann,bob", "x" * 64])
BEYOND: dict[str, st.SearchStrategy[Any]] = {
    "Emoji": st.sampled_from(["👍", "👩‍🚀", "🇩🇪", "1️⃣"]),
    "RoomNameSent": ROOMS,
    "TokenRoomsSent": st.lists(ROOMS, max_size=3),
}
"""What the schema cannot say alone."""


@given(instances({"$ref": "#/$defs/ClientFrame"}))
def test_what_is_valid_is_accepted(frame: Frame) -> None:
    """Any frame that the schema allows is a command to the codec."""
    error = refusal(frame)
    assert error is None or "combining marks" in error.text, error
