"""Names in order, whatever happens to them in between."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatd.core.roster import Roster

NAMES = st.sampled_from([f"{letter}{digit}" for letter in "abé한~@" for digit in "12"])
STEPS = st.lists(st.tuples(st.sampled_from("=?-+/o"), NAMES))


@given(st.dictionaries(NAMES, st.integers()), STEPS)
def test_it_is_a_dictionary_whose_keys_are_in_order(
    first: dict[str, int], steps: list[tuple[str, str]]
) -> None:
    """After each change, also where nobody has asked for the order before."""
    roster, model = Roster[str, int](first), dict(first)
    for number, (step, name) in enumerate(steps):
        if step == "=":
            roster[name] = model[name] = number
        elif step == "?":
            assert roster.setdefault(name, number) == model.setdefault(name, number)
        elif step == "-":
            assert roster.pop(name, None) == model.pop(name, None)
        elif step == "+":
            assert roster.get(name, -1) == model.get(name, -1)
        elif step == "/" and name in model:
            del roster[name], model[name]
        else:
            assert roster.ordered() == sorted(model)
        assert roster == model
        assert list(roster) == list(model)
    assert roster.ordered() == sorted(model)


def test_what_is_set_again_stays_in_its_place() -> None:
    """Whoever is new gets one, and only once."""
    roster = Roster[str, int](b=1)
    assert roster.ordered() == ["b"]
    roster["b"] = 2
    assert roster.setdefault("b", 3) == 2
    assert roster.setdefault("a", 4) == 4
    assert roster == {"b": 2, "a": 4}
    assert roster.ordered() == ["a", "b"]


def test_what_is_taken_out_is_in_no_list() -> None:
    """Whether somebody has asked for the order before, or nobody has."""
    roster = Roster[str, int](a=1, b=2, c=3)
    assert roster.pop("b") == 2
    assert roster.ordered() == ["a", "c"]
    assert roster.pop("a") == 1
    assert roster.pop("a", 5) == 5
    assert roster.ordered() == ["c"]


def test_what_is_not_there_cannot_be_taken_out() -> None:
    """A mistake stays one, and leaves everything as it is."""
    roster = Roster[str, int](a=1)
    assert roster.ordered() == ["a"]
    for take in (roster.__delitem__, roster.pop):
        with pytest.raises(KeyError):
            take("b")
    assert roster == {"a": 1}
    assert roster.ordered() == ["a"]


def test_a_page_costs_what_it_shows() -> None:
    """One more or less moves the names; they are not sorted anew."""

    class Name(str):
        """A name that counts how often it is compared."""

        __slots__ = ()
        compared = 0

        def __lt__(self, other: str) -> bool:
            Name.compared += 1
            return str.__lt__(self, other)

    names = [Name(f"u{number * 7919 % 10_000:05}") for number in range(10_000)]
    roster = Roster[Name, None](dict.fromkeys(names))
    assert roster.ordered()[0] == "u00000"
    Name.compared = 0
    del roster[names[5000]]
    roster[Name("u00000a")] = None
    assert roster.ordered()[1] == "u00000a"
    assert Name.compared < 40
