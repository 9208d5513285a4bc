"""What a typed line means."""

from __future__ import annotations

import re

import pytest

from chatd.cli.talk.orders import (
    FORMS,
    Misunderstood,
    Order,
    command,
    emoji_called,
    help_lines,
    parse,
    said,
)


def test_texts() -> None:
    """Whatever does not begin with one slash, and an action."""
    assert parse("hi /there") == "hi /there"
    assert parse("//etc/fstab") == "/etc/fstab"
    assert parse("/me waves") == "/me waves"
    assert parse(" /who") == " /who"


@pytest.mark.parametrize("line", ["/", "/ hi", "/etc/fstab", "/mgs bob hi", "/\u202e"])
def test_what_is_no_order_is_no_text(line: str) -> None:
    """It is never sent; the nearest order is named where there is one."""
    with pytest.raises(Misunderstood, match="there is no command"):
        parse(line)
    with pytest.raises(Misunderstood, match='did you mean "/msg"'):
        parse("/mgs bob hi")


def test_an_order_without_its_words_says_how_it_is_written() -> None:
    """So does each that needs some."""
    for word, form in FORMS.items():
        if form.needed:
            with pytest.raises(Misunderstood, match=re.escape(form.arguments)):
                parse(f"/{word}  ")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("/join tea", {"type": "join", "room": "tea", "last": 20, "create": False}),
        ("/CREATE tea", {"type": "join", "room": "tea", "last": 20, "create": True}),
        ("/msg @bob  a  b", {"type": "send", "to": "bob", "text": "a  b"}),
        ("/who", {"type": "who", "room": "here"}),
        ("/rooms", {"type": "rooms"}),
        ("/invite @bob", {"type": "invite", "room": "here", "user": "bob"}),
        ("/topic green tea", {"type": "room", "room": "here", "topic": "green tea"}),
        ("/search tea from:bob", {"type": "search", "query": "tea from:bob"}),
    ],
)
def test_commands(line: str, expected: dict[str, object]) -> None:
    """Each order is one command of the protocol; case makes no difference."""
    order = parse(line)
    assert isinstance(order, Order)
    assert command(order, "here") == expected
    if "here" in expected.values():
        with pytest.raises(Misunderstood, match="no room"):
            command(order, None)


def test_where_a_text_goes() -> None:
    """To the room, or to the other one of a direct conversation."""
    assert said("hi", "tea", "ann") == {"type": "send", "room": "tea", "text": "hi"}
    to_bob = {"type": "send", "to": "bob", "text": "hi"}
    assert said("hi", "@ann,bob", "ann") == to_bob
    assert said("hi", "@bob,cy", "cy") == to_bob
    assert said("hi", "@ann,ann", "ann") == to_bob | {"to": "ann"}


def test_an_emoji_has_a_name_or_is_typed() -> None:
    """By any of its names; what is none is the server's to refuse."""
    assert emoji_called(":thumbsup:") == emoji_called(":+1") == "\N{THUMBS UP SIGN}"
    assert emoji_called("\N{PARTY POPPER}") == "\N{PARTY POPPER}"
    assert emoji_called(":nothing:") == ":nothing:"


def test_the_help_has_each_order() -> None:
    """In a line of its own."""
    lines = help_lines()
    assert all(any(f"/{word} " in f"{line} " for line in lines) for word in FORMS)
