"""Raw TOML values to sections, strictly, with everything that is wrong at once.

cattrs walks the classes and collects the errors; the hooks here take away its
habit of coercing (it makes `'1'` of `1`, true of `"false"`, and a list of letters
of a string) and add the bounds that each field carries. Every refusal is a
`Refused` with a sentence; the walk at the end puts the paths before them.

Contradictions are looked for in the sections that are valid by themselves, so that a
typing error in `[log]` does not hide a limit that cannot work.
"""

from __future__ import annotations

import datetime
import difflib
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Literal, get_args, get_origin

import attrs
from cattrs import (
    BaseValidationError,
    ClassValidationError,
    Converter,
    ForbiddenExtraKeysError,
    IterableValidationError,
    IterableValidationNote,
)
from cattrs.gen import make_dict_structure_fn, override

from chatd.config import (
    Address,
    Config,
    FileMode,
    Network,
    Origin,
    Place,
    PublicUrl,
    Server,
    conflicts,
    out_of_bounds,
    parse_address,
    parse_file_mode,
    parse_network,
    parse_origin,
    parse_public_url,
)
from chatd.configfile.problems import Problem, near, shown
from chatd.configfile.table import KEYS, SECTIONS
from chatd.ids import RoomName, UserName, is_encodable
from chatd.names import UNICODE

Hook = Callable[[Any, Any], Any]

PARSED: dict[Any, Callable[[str], Any]] = {
    Address: parse_address,
    FileMode: parse_file_mode,
    Network: parse_network,
    Origin: parse_origin,
    PublicUrl: parse_public_url,
    # The wider policy reads both; what `auth.names` makes of it is a conflict.
    RoomName: UNICODE.public_room,
    UserName: UNICODE.account,
}
"""Types that a file spells as a string, and their parsers."""


class Refused(ValueError):
    """A value is not what its key wants; the text says why."""


class OneTable(Refused):
    """There is `[x]` where `[[x]]` is wanted: one table instead of an array."""


def structure(raw: dict[str, Any]) -> tuple[Config, list[Problem]]:
    """Make a `Config` of raw values, and say all that is wrong with them.

    Returns:
        The config, which is valid only if there are no problems, and the problems.
    """
    problems: list[Problem] = []
    sections: dict[str, Any] = {}
    for section in SECTIONS:
        try:
            sections[section.name] = _CONVERTER.structure(
                raw.get(section.name, {}), section.cls
            )
        except (BaseValidationError, Refused) as error:
            problems += _problems(error, (section.name,))
    # A section that failed keeps its defaults, which contradict nothing; only an
    # address of the default could be taken for one that is given twice.
    sections.setdefault("server", Server(listen=()))
    config = Config(**sections)
    problems += [Problem(place, reason) for place, reason in conflicts(config)]
    problems += _unknown_sections(raw)
    return config, problems


def _exactly(kind: type) -> Hook:
    def hook(value: Any, _: Any) -> Any:
        if type(value) is not kind:
            raise Refused(f"expected {_KINDS[kind]}, found {_found(value)}")
        return value

    return hook


def _float(value: Any, _: Any) -> float:
    if type(value) is int:
        try:
            return float(value)
        except OverflowError:
            raise Refused("must be a number of at most 15 digits") from None
    if type(value) is not float:
        raise Refused(f"expected a number, found {_found(value)}")
    return value


def _text(value: Any, _: Any) -> str:
    if type(value) is not str:
        raise Refused(f"expected a string, found {_found(value)}")
    # The environment may hold bytes that are no UTF-8.
    if not is_encodable(value):
        raise Refused("must be UTF-8")
    return value


def _parsed(parse: Callable[[str], Any]) -> Hook:
    def hook(value: Any, _: Any) -> Any:
        text = _text(value, str)
        try:
            return parse(text)
        except ValueError as error:
            raise Refused(f"{shown(text)}: {error}") from None

    return hook


def _choice(kind: Any) -> Hook:
    words = get_args(kind)

    def hook(value: Any, _: Any) -> Any:
        text = _text(value, str)
        if text not in words:
            wanted = " or ".join(f'"{word}"' for word in words)
            raise Refused(
                f"expected {wanted}, found {_found(value)}{near(text, words)}"
            )
        return text

    return hook


def _array(kind: Any) -> Hook:
    item = _CONVERTER.get_structure_hook(get_args(kind)[0])

    def hook(value: Any, _: Any) -> Any:
        if type(value) is str:
            raise Refused(f"expected an array, such as [{shown(value)}]")
        if type(value) is dict and attrs.has(get_args(kind)[0]):
            raise OneTable("expected an array, found a table")
        if type(value) is not list:
            raise Refused(f"expected an array, found {_found(value)}")
        items, errors = [], []
        for index, entry in enumerate(value):
            try:
                items.append(item(entry, get_args(kind)[0]))
            except (BaseValidationError, Refused) as error:
                error.__notes__ = [IterableValidationNote("", index, kind)]
                errors.append(error)
        if errors:
            raise IterableValidationError("", errors, kind)
        return tuple(items)

    return hook


def _table(cls: Any) -> Hook:
    attrs.resolve_types(cls)
    fields: dict[str, Any] = {
        f.name: override(struct_hook=_bounded(f)) for f in attrs.fields(cls)
    }
    inner = make_dict_structure_fn(
        cls, _CONVERTER, _cattrs_forbid_extra_keys=True, **fields
    )

    def hook(value: Any, _: Any) -> Any:
        if type(value) is not dict:
            raise Refused(f"expected a table, found {_found(value)}")
        return inner(value, cls)

    return hook


def _bounded(field: attrs.Attribute[Any]) -> Hook:
    inner = _CONVERTER.get_structure_hook(field.type)

    def hook(value: Any, kind: Any) -> Any:
        made = inner(value, kind)
        problem = out_of_bounds(field, made)
        if problem:
            raise Refused(problem)
        return made

    return hook


def _found(value: object) -> str:
    """What a value is, in the words of TOML, with the value where it is short."""
    if isinstance(value, str):
        return f"the string {shown(value)}"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (datetime.date, datetime.time)):
        return "a date or time"
    return _KINDS[type(value)]


_KINDS: dict[type, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a fraction",
    list: "an array",
    dict: "a table",
}


def _problems(error: BaseException, at: Place) -> Iterator[Problem]:
    """Flatten what cattrs collected, each problem with its place."""
    if isinstance(error, ClassValidationError):
        named, bare = error.group_exceptions()
        for inner, attribute in named:
            yield from _problems(inner, (*at, attribute.name))
        for inner in bare:
            yield from _problems(inner, at)
    elif isinstance(error, IterableValidationError):
        for inner, place in error.group_exceptions()[0]:
            yield from _problems(inner, (*at, place.index))
    elif isinstance(error, ForbiddenExtraKeysError):
        names = [field.name for field in attrs.fields(error.cl)]
        for name in sorted(error.extra_fields):
            yield Problem((*at, name), _unknown("key", name, names))
    elif isinstance(error, KeyError):
        yield Problem(at, "is required")
    elif isinstance(error, OneTable):
        yield Problem(at, f"{error}: write [[{Problem(at, '').path}]]")
    elif isinstance(error, Refused):
        yield Problem(at, str(error))
    else:
        raise error


def _unknown_sections(raw: dict[str, Any]) -> Iterator[Problem]:
    names = [section.name for section in SECTIONS]
    for name, value in raw.items():
        if name not in names:
            what = "section" if isinstance(value, dict) else "key"
            yield Problem((name,), _unknown(what, name, names))


def _unknown(what: str, name: str, names: list[str]) -> str:
    """Say that a name is unknown here, and which was meant, here or elsewhere."""
    # Of two sections with the same key, the first: server.listen.
    paths = {key.name: key.path for key in reversed(KEYS.values())}
    if name not in paths and (hint := near(name, names)):
        return f"unknown {what}{hint}"
    if found := difflib.get_close_matches(name, paths, n=1):
        return f'unknown {what}, did you mean "{paths[found[0]]}"?'
    return f"unknown {what}"


def _strict_converter() -> Converter:
    converter = Converter(detailed_validation=True, forbid_extra_keys=True)
    for kind in (bool, int):
        converter.register_structure_hook(kind, _exactly(kind))
    converter.register_structure_hook(float, _float)
    converter.register_structure_hook(str, _text)
    for kind, parse in PARSED.items():
        converter.register_structure_hook_func(partial(_same, kind), _parsed(parse))
    converter.register_structure_hook_factory(_is_choice, _choice)
    converter.register_structure_hook_factory(_is_array, _array)
    converter.register_structure_hook_factory(attrs.has, _table)
    return converter


def _same(one: Any, other: Any) -> bool:
    return bool(one == other)


def _is_choice(kind: Any) -> bool:
    return get_origin(kind) is Literal


def _is_array(kind: Any) -> bool:
    return get_origin(kind) is tuple


_CONVERTER = _strict_converter()
