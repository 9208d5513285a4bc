from __future__ import annotations

from chatd.core.index import Index


def test_what_was_added_is_found_in_its_order_and_once() -> None:
    """A value may stand under several keys."""
    index: Index[str, int] = Index()
    for key, value in (("a", 2), ("a", 1), ("b", 2), ("a", 2)):
        index.add(key, value)
    assert {key: list(found) for key, found in index.items()} == {"a": [2, 1], "b": [2]}


def test_a_key_goes_with_its_last_value() -> None:
    """What is not there is left alone."""
    index: Index[str, int] = Index()
    index.add("a", 1)
    index.add("a", 2)
    index.discard("a", 1)
    index.discard("a", 1)
    index.discard("b", 1)
    assert list(index["a"]) == [2]
    index.discard("a", 2)
    assert index == {}
