"""Values of any class that nodes tell each other, made by the types of their fields."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin

import attrs
from hypothesis import strategies as st

from chatd.core.changes import Change, Lapsed, SettingsSet
from chatd.core.cluster.commits import Group
from chatd.core.settings import RoomSettings

CHANGES = [cls for cls in get_args(Change) if cls is not Lapsed]
"""All that a store commits."""
_PLAIN: dict[Any, st.SearchStrategy[Any]] = {
    str: st.text(max_size=8),
    int: st.integers(-(2**63), 2**63 - 1),
    bool: st.booleans(),
    float: st.floats(allow_nan=False, allow_infinity=False),
    bytes: st.binary(max_size=32),
    NoneType: st.none(),
}


def values_of(kind: Any) -> st.SearchStrategy[Any]:
    """Values of a type."""
    if hasattr(kind, "__supertype__"):
        return values_of(kind.__supertype__)
    if kind in _PLAIN:
        return _PLAIN[kind]
    origin, args = get_origin(kind), get_args(kind)
    if origin in {Union, UnionType}:
        return st.one_of([values_of(arg) for arg in args])
    if origin in {tuple, list}:
        return st.lists(values_of(args[0]), max_size=3).map(origin)
    if origin is Mapping:
        return st.dictionaries(*map(values_of, args), max_size=3)
    if issubclass(kind, Enum):
        return st.sampled_from(kind)
    return _objects_of(kind)


def _objects_of(cls: Any) -> st.SearchStrategy[Any]:
    attrs.resolve_types(cls)
    made = {
        field.name: values_of(field.type)
        for field in attrs.fields(cls)
        if not (cls is SettingsSet and field.name == "changes")
    }
    if cls is SettingsSet:
        made["changes"] = values_of(RoomSettings).map(RoomSettings.changed)
    return st.builds(cls, **made)


def groups_of(*classes: type) -> st.SearchStrategy[Group]:
    """Groups of changes of some classes."""
    changes = st.lists(st.one_of([values_of(cls) for cls in classes]), min_size=1)
    return st.builds(
        Group,
        changes.map(tuple),
        values_of(str | None),
        values_of(int),
        st.booleans(),
    )
