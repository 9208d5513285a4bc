"""A typed line: a text to be sent, an order, or the reason why it is neither.

A line is a text unless it begins with a slash. `//` begins a text that begins with a
slash, and `/me` one that is shown as an action. Any other word behind a slash is an
order, or a mistake: it is never sent, since whoever mistypes `/msg bob …` does not
want it read by the room.

Pure: no terminal, no connection.
"""

from __future__ import annotations

import difflib

import attrs

from chatd.client import Frame
from chatd.ids import is_direct

BACKLOG = 20
"""How many events of a room are shown when it is joined."""


@attrs.frozen
class Form:
    """How an order is written, and what it does."""

    arguments: str
    """As the help shows them; a word in brackets may be left out."""
    help: str

    @property
    def needed(self) -> int:
        """How many words must follow."""
        return sum(not word.startswith("[") for word in self.arguments.split())


FORMS = {
    "join": Form("ROOM", "come into a room and write there"),
    "create": Form("ROOM", "make a room and write there"),
    "msg": Form("NAME [TEXT]", "write to somebody alone"),
    "who": Form("", "who is here"),
    "rooms": Form("", "the public rooms"),
    "invite": Form("NAME", "ask somebody into this room"),
    "topic": Form("TEXT", "say what this room is about"),
    "search": Form("WORDS", "find messages in your rooms"),
    "react": Form("EMOJI [NAME]", "react to the last message"),
    "edit": Form("[TEXT]", "correct your last message"),
    "me": Form("TEXT", "write an action, as in: ann waves"),
    "help": Form("", "this list"),
    "quit": Form("", "end"),
}
"""Each order."""


class Misunderstood(Exception):
    """A line is neither a text nor an order; the text says what to type instead."""


@attrs.frozen
class Order:
    """A line that begins with the name of an order."""

    word: str
    rest: str = ""


def parse(line: str) -> str | Order:
    """Return the text that a line is, or the order.

    Raises:
        Misunderstood: It begins with a slash and is no order.
    """
    if not line.startswith("/"):
        return line
    if line.startswith("//"):
        return line.removeprefix("/")
    word, _, rest = line.removeprefix("/").partition(" ")
    rest = rest.strip()
    form = FORMS.get(word.lower())
    if form is None:
        near = difflib.get_close_matches(word.lower(), FORMS, n=1)
        hint = f'did you mean "/{near[0]}"?' if near else "/help lists them"
        raise Misunderstood(f'there is no command "/{word}": {hint} (// sends a /)')
    if len(rest.split()) < form.needed:
        raise Misunderstood(f"it is written /{word.lower()} {form.arguments}")
    return line if word.lower() == "me" else Order(word.lower(), rest)


def said(text: str, room: str, user: str | None) -> Frame:
    """Return the command that says a text in a room, or to somebody alone."""
    if is_direct(room):
        others = [name for name in room[1:].split(",") if name != user]
        return {"type": "send", "to": (others or [str(user)])[0], "text": text}
    return {"type": "send", "room": room, "text": text}


def joined(room: str, *, create: bool = False) -> Frame:
    """Return the command that comes into a room, and makes none if not asked for."""
    return {"type": "join", "room": room, "last": BACKLOG, "create": create}


def command(order: Order, room: str | None) -> Frame:
    """Return the command of the protocol that an order is, in a room.

    Raises:
        Misunderstood: It is about a room, and one is in none.
    """
    match order.word:
        case "join" | "create":
            return joined(order.rest, create=order.word == "create")
        case "msg":
            name, text = order.rest.split(maxsplit=1)
            return {"type": "send", "to": name.removeprefix("@"), "text": text}
        case "rooms":
            return {"type": "rooms"}
        case "search":
            return {"type": "search", "query": order.rest}
    if room is None:
        raise Misunderstood("you are in no room yet: /join ROOM")
    match order.word:
        case "who":
            return {"type": "who", "room": room}
        case "invite":
            name = order.rest.removeprefix("@")
            return {"type": "invite", "room": room, "user": name}
        case word:
            assert word == "topic"
            return {"type": "room", "room": room, "topic": order.rest}


def emoji_called(name: str) -> str:
    """Return the emoji of a `:name:`; anything else as it is."""
    if not name.startswith(":"):
        return name
    from emoji import emojize  # noqa: PLC0415 - its table is not waited for else

    return emojize(f":{name.strip(':')}:", language="alias")


def help_lines() -> list[str]:
    """Return what `/help` shows."""
    heads = {word: f"/{word} {form.arguments}".rstrip() for word, form in FORMS.items()}
    width = max(map(len, heads.values()))
    lines = [f"-- {heads[word]:{width}}  {form.help}" for word, form in FORMS.items()]
    return [*lines, "-- // at the beginning of a line sends a /"]
