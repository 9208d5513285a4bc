"""Who is addressed in a text, and who is not."""

from __future__ import annotations

from time import perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatd.core.mentions import NAMES_MAX, Mentions, find
from chatd.ids import UserName, parse_user_name

MEMBERS = {
    UserName(name): None
    for name in ("ann", "bob", "cy", "ann~4f7k", "bob.x", "dot.", "हिन्दी", "all")
}
CY = UserName("cy")


def found(text: str, *, may_all: bool = False) -> list[str]:
    """Whom cy addresses."""
    mentions = find(text, MEMBERS, CY, str_fold, may_all=may_all)
    if mentions is None:
        return []
    assert mentions.everybody != bool(mentions.users)
    return ["all"] if mentions.everybody else list(mentions.users)


def str_fold(name: str) -> UserName:
    """As accounts are folded, but any script is a name."""
    return parse_user_name(name) if name.isascii() else UserName(name)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("@ann", ["ann"]),
        ("hi @Ann, and @BOB!", ["ann", "bob"]),
        ("@bob @ann @bob", ["bob", "ann"]),
        ("(@bob) [@ann]", ["bob", "ann"]),
        ("*@bob*", ["bob"]),
        ("@bob's", ["bob"]),
        ("see you, @bob.", ["bob"]),
        ("@bob...", ["bob"]),
        ("@bob.x.", ["bob.x"]),
        ("@dot.", ["dot."]),
        ("@dot", []),
        ("@ann~4f7k.", ["ann~4f7k"]),
        ("@ann~4f7ks", []),
        ("@bob、@ann", ["bob", "ann"]),
        ("@bob你", []),
        ("@हिन्दी।", ["हिन्दी"]),
        ("line\n@bob\n", ["bob"]),
    ],
)
def test_a_name_ends_where_no_name_can_go_on(text: str, names: list[str]) -> None:
    """Names fold as accounts' do; a dot at the end closes the sentence."""
    assert found(text) == names


@pytest.mark.parametrize(
    "text",
    [
        "bob@ann",
        "mail bob.x@ann",
        "bob+tag@ann",
        "https://example.org/@ann",
        "@ann@example.org",
        "@@ann",
        "__@ann__",
        "@ ann",
        "@",
        "@.",
        "@\u0301ann",
        "@" + "a" * 100,
        "ann",
    ],
)
def test_an_address_or_a_link_is_no_mention(text: str) -> None:
    """What stands before an @ in those cannot stand before a mention."""
    assert found(text) == []


def test_nobody_addresses_himself_or_a_stranger() -> None:
    """Only other members are addressed."""
    assert found("@cy @dan @ann") == ["ann"]
    assert found("@cy @dan") == []


def test_all_is_everybody_for_those_who_may() -> None:
    """For the others it is nothing, also where somebody is called so."""
    assert found("@ann @All.", may_all=True) == ["all"]
    assert found("@ann @all.") == ["ann"]
    assert found("@all") == []


def test_only_so_many_names_are_looked_up() -> None:
    """A wall of names reaches those that come first; a repetition costs nothing."""
    names = [UserName(f"u{number}") for number in range(NAMES_MAX + 1)]
    text = " ".join(f"@{name} @u0" for name in names)
    mentions = find(text, names, CY, parse_user_name, may_all=False)
    assert mentions == Mentions(tuple(names[:NAMES_MAX]))


@pytest.mark.parametrize("part", ["@", "@a", "@a ", "@a.", "@\u0301", "@aé.", "a@"])
def test_no_text_takes_long(part: str) -> None:
    """60,000 characters of whatever shape: far below what a square would take."""
    text = part * (60_000 // len(part))
    began = perf_counter()
    found(text)
    assert perf_counter() - began < 0.5


@given(st.text(alphabet="@anbo.~4f7k _éः-/", max_size=80), st.booleans())
def test_any_text_has_an_answer(text: str, may_all: bool) -> None:
    """Only members are found, each once and never the sender."""
    names = found(text, may_all=may_all)
    assert len(names) == len(set(names))
    assert set(names) <= set(MEMBERS) - {CY}
