"""Kinds of values, for rows that come from outside: what each may be, as a function.

Each takes a value and raises `ValueError` with a sentence that says what was expected.
Which of them a column has is said in `chatd.store.sqlite.columns`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import orjson

from chatd.wire.fields import INTEGER_MAX

Check = Callable[[Any], object]
"""Looks at a value, and raises `ValueError` if it is not what was expected."""


def whole(low: int, high: int = INTEGER_MAX) -> Check:
    """Expect an integer from `low` to `high`."""

    def check(value: Any) -> None:
        if type(value) is not int or not low <= value <= high:
            raise ValueError(f"expected a whole number from {low} to {high}")

    return check


def text(chars_min: int, chars_max: int | None = None) -> Check:
    """Expect a text of so many characters; None is any number."""
    expected = f"expected a text of at least {chars_min} characters"
    if chars_max is not None:
        expected = f"expected a text of {chars_min} to {chars_max} characters"

    def check(value: Any) -> None:
        if type(value) is not str or len(value) < chars_min:
            raise ValueError(expected)
        if chars_max is not None and len(value) > chars_max:
            raise ValueError(expected)

    return check


def octets(size: int) -> Check:
    """Expect so many bytes."""

    def check(value: Any) -> None:
        if type(value) is not bytes or len(value) != size:
            raise ValueError(f"expected {size} bytes in base64")

    return check


def word(words: Iterable[str]) -> Check:
    """Expect one of some words."""
    known = frozenset(map(str, words))

    def check(value: Any) -> None:
        if type(value) is not str or value not in known:
            raise ValueError(f"expected one of {', '.join(sorted(known))}")

    return check


def like(pattern: str, expected: str) -> Check:
    """Expect a text that matches a pattern as a whole."""
    form = re.compile(pattern)

    def check(value: Any) -> None:
        if type(value) is not str or not form.fullmatch(value):
            raise ValueError(f"expected {expected}")

    return check


def spelled(parse: Callable[[str], str]) -> Check:
    """Expect a text that a parser takes, and leaves as it is."""

    def check(value: Any) -> None:
        if type(value) is not str:
            raise ValueError("expected a text")
        if parse(value) != value:
            raise ValueError("expected the canonical spelling")

    return check


def optional(check: Check) -> Check:
    """Expect what another check does, or nothing."""
    return lambda value: None if value is None else check(value)


def boolean(value: Any) -> None:
    """Expect true or false."""
    if type(value) is not bool:
        raise ValueError("expected true or false")


def list_of(check: Check) -> Check:
    """Expect a list of what another check expects."""

    def check_all(value: Any) -> None:
        if type(value) is not list:
            raise ValueError("expected a list")
        for entry in value:
            check(entry)

    return check_all


def any_object(value: Any) -> None:
    """Expect an object."""
    if type(value) is not dict:
        raise ValueError("expected an object")


def object_of(checks: Mapping[str, Check]) -> Check:
    """Expect an object with none but these keys, each with its check."""

    def check(value: Any) -> None:
        any_object(value)
        for key, entry in value.items():
            if key not in checks:
                raise ValueError(f'the key "{key}" is not known there')
            try:
                checks[key](entry)
            except ValueError as error:
                raise ValueError(f'"{key}": {error}') from None

    return check


def json(check: Check) -> Check:
    """Expect a text of JSON, of what another check expects."""

    def check_text(value: Any) -> None:
        if type(value) is not str:
            raise ValueError("expected a text of JSON")
        try:
            found = orjson.loads(value)
        except orjson.JSONDecodeError:
            raise ValueError("expected a text of JSON") from None
        check(found)

    return check_text
