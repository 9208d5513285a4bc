"""What somebody searches for: from the text of a query to its meaning.

    tea "green tea" chin* from:ann in:lobby after:2026-11-01 before:2026-12-01

Words, phrases in quotation marks and beginnings of words (`*`) must all be in a
message; `from:`, `in:`, `after:` and `before:` say whose, where and when. There
is nothing else: `AND`, `NEAR(` and `col:x` are words like others. A quotation
mark that is not closed reaches to the end. What keyboards of other scripts have in
place of these signs means the same.

`parse_query` is total: any text is a `Query`, or refused with one sentence. What a
word is, and which are equal, `chatd.words` says of queries and texts alike.

`Place` is where a page of results ended. It names messages that its reader has
seen, and no numbers of the store's own, since those would tell how much is
written in rooms that he may not read.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from typing import Any

import attrs

from chatd.errors import Reject, RejectCode
from chatd.ids import RoomName, Seq, UserName
from chatd.names import UNICODE
from chatd.wire.events import DAY_MS, Millis
from chatd.wire.fields import INTEGER_MAX
from chatd.wire.replies import MessageFound
from chatd.words import is_whole, words

QUERY_CHARS_MAX = 256
"""More than anybody types; what a store is asked must have an end."""
TERMS_MAX = 16
"""Words and phrases in one query: each costs a look into the index."""
SEARCH_S = 0.2
"""How long one search may take before it is given up, so that the next has its turn."""

_TERM = re.compile(
    r"(?<!\S)(?P<filter>[Ff]rom|[Ii]n|[Bb]efore|[Aa]fter)[:\uff1a]"
    r"(?P<value>[^\s\"]*)"
    r'|"(?P<phrase>[^"]*)(?:"(?P<star>\*?)|\Z)'
    r'|(?P<word>[^\s"]+)'
)
_SIGNS = str.maketrans(
    dict.fromkeys(
        "\xab\xbb\u201c\u201d\u201e\u201f\u2039\u203a\u2e42\u300c\u300d\u300e\u300f"
        "\u301d\u301e\u301f\ufe41\ufe42\ufe43\ufe44\uff02\uff62\uff63",
        '"',
    )
    | dict.fromkeys("\ufe61\uff0a", "*")
)
"""What else is a quotation mark, or a star.

Source: Unicode's Quotation_Mark, but for single ones, which are apostrophes, too;
and what is a star when decomposed.
"""
_DATE = re.compile(r"(\d{4})-(\d\d)-(\d\d)\Z", re.ASCII)
_PLACE = re.compile(r"(\d{1,6})/(\d{1,16})/([^/]+)(?:/(\d{1,16})/([^/]+))?\Z", re.ASCII)


@attrs.frozen
class Phrase:
    """Words that follow one another, or one word."""

    words: tuple[str, ...]
    """At least one, folded."""
    prefix: bool = False
    """Whether the last word may go on."""


@attrs.frozen
class Query:
    """What a message must be to be found; None where it does not matter."""

    phrases: tuple[Phrase, ...] = ()
    """All of them; without any the newest messages are listed."""
    sender: UserName | None = None
    room: RoomName | None = None
    after: Millis | None = None
    """Not earlier than this."""
    before: Millis | None = None
    """Earlier than this."""


@attrs.frozen
class Place:
    """Where a page of results ended, for the next one to go on."""

    room: RoomName
    seq: Seq
    """The last message of the page."""
    score: int
    top: tuple[RoomName, Seq] | None = None
    """The newest message of those that it was ranked with, if it was."""

    def encode(self) -> str:
        """Write it as `next`."""
        text = f"{self.score}/{self.seq}/{self.room}"
        return text if self.top is None else f"{text}/{self.top[1]}/{self.top[0]}"


@attrs.define
class Hit:
    """A message that was found, and where the search goes on behind it."""

    message: MessageFound
    place: Place


def parse_query(text: str) -> Query:
    """Understand a query.

    Raises:
        Reject: `bad_field`: it is too long, has a date or a name that is none,
            says something twice, or has nothing that could be searched for.
    """
    if len(text) > QUERY_CHARS_MAX:
        raise _bad(f"{len(text)} characters, at most {QUERY_CHARS_MAX} are allowed")
    phrases: list[Phrase] = []
    said: dict[str, Any] = {}
    dropped = False
    for term in _TERM.finditer(text.translate(_SIGNS)):
        if term["filter"] is not None:
            name = term["filter"].lower()
            if name in said:
                raise _bad(f"{name}: is there twice")
            said[name] = _filter(name, term["value"])
            continue
        phrase = _phrase(term)
        if not phrase.words:
            dropped = True
        elif phrase not in phrases:
            phrases.append(phrase)
    if not phrases and (dropped or not said):
        raise _bad("nothing to search for: a word has letters or digits")
    if len(phrases) > TERMS_MAX:
        raise _bad(f"{len(phrases)} words, at most {TERMS_MAX} are allowed")
    return Query(
        tuple(phrases),
        said.get("from"),
        said.get("in"),
        said.get("after"),
        said.get("before"),
    )


def parse_place(text: str) -> Place:
    """Understand the `next` of a page.

    Raises:
        Reject: `bad_field`: no page ended with it.
    """
    found = _PLACE.match(text)
    if found is None:
        raise bad_place()
    score, seq, room, top_seq, top_room = found.groups()
    try:
        top = None
        if top_seq is not None:
            top = UNICODE.room(top_room), _seq(top_seq)
        return Place(UNICODE.room(room), _seq(seq), int(score), top)
    except ValueError:
        raise bad_place() from None


def bad_place() -> Reject:
    """The refusal of a `next` from which a search cannot go on."""
    return Reject(
        RejectCode.BAD_FIELD,
        "next: the search cannot go on from there; begin it again",
        field="next",
    )


def _bad(text: str) -> Reject:
    return Reject(RejectCode.BAD_FIELD, f"query: {text}", field="query", counted=False)


def _phrase(term: re.Match[str]) -> Phrase:
    """The words of a term."""
    if term["word"] is None:
        text, prefix = term["phrase"], term["star"] == "*"
    else:
        text, prefix = term["word"], term["word"].endswith("*")
    found = tuple(words(text))
    return Phrase(found, prefix and found != () and not is_whole(found[-1]))


def _filter(name: str, value: str) -> Any:
    parse, what = _FILTERS[name]
    try:
        return parse(value)
    except ValueError:
        raise _bad(f"{name}: expected {what}") from None


def _day(text: str) -> Millis:
    """When a day begins, in UTC."""
    found = _DATE.match(text)
    if found is None:
        raise ValueError
    return (date(*map(int, found.groups())) - date(1970, 1, 1)).days * DAY_MS


def _seq(digits: str) -> Seq:
    number = int(digits)
    if number > INTEGER_MAX:
        raise ValueError
    return Seq(number)


_FILTERS: dict[str, tuple[Callable[[str], Any], str]] = {
    "from": (UNICODE.user, "a user's name behind the colon"),
    "in": (UNICODE.room, "a room's name behind the colon"),
    "after": (_day, "a date such as 2026-11-01"),
    "before": (_day, "a date such as 2026-11-01"),
}
