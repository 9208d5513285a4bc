"""What the page needs of emojibase-data, as compact modules.

`emoji.mjs` has a line for each emoji: itself, the short codes by which it is known
(GitHub's, which most chats share; where that has none Slack's or emojibase's own), and
a `*` if it has skin tones. A line of `#` and a number begins a group. `emoji.de.mjs`
and its like have the words of one language, line for line the same emoji: what it is
called, a tab, and by which other words it is looked for.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

LANGUAGES = ("en", "de")
"""Those that the page speaks."""
NEWEST = 15.1
"""Of a later version of Unicode's list hardly any device has the pictures yet."""
TEXT = 0
"""The type of those that are drawn as text unless U+FE0F is behind them."""
COMPONENTS = 2
"""The group of what is only part of an emoji."""
TONES = [chr(code) for code in range(0x1F3FB, 0x1F400)]


def made(read: Callable[[str], str]) -> Iterator[tuple[str, str]]:
    """The modules, by name.

    Args:
        read: Gives the text of a file of the package.
    """
    codes: dict[str, Any] = {}
    for name in ("emojibase", "iamcal", "github"):
        codes |= json.loads(read(f"en/shortcodes/{name}.json"))
    rows = [
        row
        for row in json.loads(read("en/data.json"))
        if row.get("group", COMPONENTS) != COMPONENTS and row["version"] <= NEWEST
    ]
    rows.sort(key=lambda row: row["order"])
    lines = []
    group = None
    for row in rows:
        if row["group"] != group:
            group = row["group"]
            lines.append(f"#{group}")
        short = codes[row["hexcode"]]
        names = [short] if isinstance(short, str) else short
        lines.append(
            " ".join([emoji_of(row), *names, *(["*"] if has_tones(row) else [])])
        )
    yield "emoji.mjs", module(lines)
    for language in LANGUAGES:
        words = {
            row["hexcode"]: row for row in json.loads(read(f"{language}/data.json"))
        }
        yield (
            f"emoji.{language}.mjs",
            module(words_of(words[row["hexcode"]]) for row in rows),
        )


def emoji_of(row: dict[str, Any]) -> str:
    """An emoji in the form in which chatd stores it: fully qualified."""
    if row["type"] == TEXT:
        return str(row["emoji"])
    return "".join(chr(int(code, 16)) for code in row["hexcode"].split("-"))


def has_tones(row: dict[str, Any]) -> bool:
    """Whether its variants are as the page makes them.

    That is: behind each character that can have a tone it has it, in place of U+FE0F.
    """
    skins = {emoji_of(skin) for skin in row.get("skins", [])}
    return bool(skins) and all(toned(emoji_of(row), tone, skins) for tone in TONES)


def toned(emoji: str, tone: str, skins: set[str]) -> bool:
    """Whether an emoji with a tone, as the page writes it, is one of its variants."""
    first, rest = emoji[0], emoji[1:].removeprefix("\ufe0f")
    return first + tone + rest in skins


def words_of(row: dict[str, Any]) -> str:
    """What it is called, and what else it is looked for by."""
    label = row["label"]
    known = set(label.split())
    others = [tag for tag in row.get("tags", []) if not known.issuperset(tag.split())]
    return f"{label}\t{' '.join(others)}"


def module(lines: Any) -> str:
    """A module whose value is these lines."""
    text = "\n".join(lines)
    assert not {"`", "\\", "$"} & set(text), "needs escaping"
    return f"export default `{text}`;\n"
