"""The configuration as TOML text for people: the example, and what is in force.

tomli-w writes the values and no comments, so lines and comments are laid out here.
Both texts are files that `load` reads.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import Any, Literal, get_args, get_origin

import attrs
import tomli_w

from chatd.config import COUNT_MAX
from chatd.configfile.load import Loaded
from chatd.configfile.table import SECTIONS, Key, keys_of

SCHEMA_FILE = "config/chatd.schema.json"
"""Where the schema is kept, from the root of the project."""

_HEAD = f"""\
#:schema ./{SCHEMA_FILE}
#
# Every setting of chatd with its default; what you leave out stays as it is here.
# Check it with `chatd check -c FILE`, see what is in force with `chatd config show`.
# The environment goes before the file, as in CHATD_LOG__LEVEL=debug.
"""
_WIDTH = 80


def example() -> str:
    """Write the commented example: every key, set to its default."""
    return "\n".join([_HEAD, *_example_lines()])


def effective(loaded: Loaded) -> str:
    """Write the values that are in force, each with where it came from."""
    lines: list[str] = []
    for section in SECTIONS:
        lines += ["", f"[{section.name}]"]
        values = getattr(loaded.config, section.name)
        for key in section.keys:
            value = toml(plain(getattr(values, key.name)))
            lines.append(f"{key.name} = {value}  # {loaded.origins[key.path]}")
    return "\n".join([*lines[1:], ""])


def plain(value: Any) -> Any:
    """A setting as the value that a file has for it."""
    if isinstance(value, tuple):
        return [plain(item) for item in value]
    if attrs.has(type(value)) and "__str__" not in vars(type(value)):
        # What has a spelling of its own, an address, is written as that.
        fields = attrs.asdict(value, recurse=False)
        return {name: plain(entry) for name, entry in fields.items()}
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, (bool, int, float)):
        return value
    return str(value)


def toml(value: object) -> str:
    """A value in TOML, on one line."""
    if isinstance(value, list):
        return f"[{', '.join(toml(item) for item in value)}]"
    if isinstance(value, dict):
        pairs = (f"{name} = {toml(item)}" for name, item in value.items())
        return f"{{ {', '.join(pairs)} }}"
    return tomli_w.dumps({"_": value}).removeprefix("_ = ").rstrip("\n")


def _example_lines() -> Iterator[str]:
    for section in SECTIONS:
        yield from _comment(section.doc)
        yield f"[{section.name}]"
        for key in section.keys:
            yield ""
            yield from _comment(key.doc)
            value = toml(plain(key.default))
            yield from _comment(f"Default: {value}{bounds(key)} ({key.source}).")
            yield f"# A change counts {key.applies}."
            if _is_array_of_tables(key) and key.default:
                yield from _tables(key)
            else:
                yield f"{key.name} = {value}"
            if _is_array_of_tables(key) and not key.default:
                yield from _fields(key)
        yield ""


def _tables(key: Key) -> Iterator[str]:
    """The entries of an array of tables, the first one explained.

    Its headers end the section, so in the table of settings such a key stands
    last in its own.
    """
    for entry in key.default:
        yield f"[[{key.path}]]"
        for inner in keys_of(type(entry)):
            yield from _comment(inner.doc)
            yield f"{inner.name} = {toml(plain(getattr(entry, inner.name)))}"


def _fields(key: Key) -> Iterator[str]:
    """What an entry would have, of an array of tables that is empty by default."""
    yield "#"
    yield f"# [[{key.path}]]"
    for inner in keys_of(get_args(key.type)[0]):
        if inner.default is attrs.NOTHING:
            default = f"Required{bounds(inner)} ({inner.source})."
        else:
            value = toml(plain(inner.default))
            default = f"Default: {value}{bounds(inner)} ({inner.source})."
        yield from _comment(f"{inner.name}: {inner.doc} {default}")


def bounds(key: Key) -> str:
    """The values that a key takes, after its default."""
    words = get_args(key.type) if get_origin(key.type) is Literal else ()
    if len(words) > 1:
        return " of " + ", ".join(toml(word) for word in words)
    if key.type not in {int, float} or key.max == COUNT_MAX:
        return ""
    return f", from {toml(plain(key.min))} to {toml(plain(key.max))}"


def _is_array_of_tables(key: Key) -> bool:
    return any(attrs.has(kind) for kind in get_args(key.type)[:1])


def _comment(text: str) -> list[str]:
    return textwrap.wrap(
        text,
        _WIDTH,
        initial_indent="# ",
        subsequent_indent="# ",
        break_long_words=False,
        break_on_hyphens=False,
    )
