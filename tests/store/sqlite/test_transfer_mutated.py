"""Exports that somebody has changed: refused by the line, or a store like any other."""

from __future__ import annotations

import io
import shutil
from pathlib import Path
from typing import Any

import apsw
import attrs
import orjson
import pytest
import trio
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from chatd.errors import ImportRefused
from chatd.store.sqlite import migrate, relations
from chatd.store.sqlite.columns import AUDITED, described
from chatd.store.sqlite.transfer import export_all, import_all, tables_of
from chatd.wire.operator import AuditShown
from tests.store.sqlite.everything import everything, read_all
from tests.store.sqlite.older import store_at

VALUES: list[Any] = [
    *(None, True, 0, 1, -1, 2, 5, 7, 2**53, 2**53 + 1, 2**63 - 1, 1.0, [], {}),
    *("", "x", "0", "ann", "@ann,bob", "~x", "{}", "[]", "\0", "\u00e9" * 300),
    *(
        '{"slow_s":"x"}',
        "begun",
        "ban",
        "owner",
        "guest",
        "react",
        "pin",
        "A" * 43 + "=",
    ),
]


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    """An export with something in each column of each table."""
    data = tmp_path_factory.mktemp("store") / "data"
    trio.run(everything, data)
    return list(export_all(data))


def mutated(draw: Any, lines: list[bytes]) -> list[bytes]:
    """Take a line away, double it, exchange it, or change one of its fields."""
    places = st.integers(1, len(lines) - 1)
    at, other = draw(places), draw(places)
    what = draw(st.sampled_from(["drop", "double", "exchange", *["change"] * 6]))
    changed = list(lines)
    if what == "drop":
        del changed[at]
    elif what == "double":
        changed.insert(at, lines[other])
    elif what == "exchange":
        changed[at], changed[other] = lines[other], lines[at]
    else:
        record = orjson.loads(lines[at])
        field = draw(st.sampled_from(sorted(record)))
        record[field] = draw(_values(record[field], field, lines))
        changed[at] = orjson.dumps(record)
    head = orjson.loads(lines[0]) | {"lines": len(changed) - 1}
    return [orjson.dumps(head), *changed[1:]]


def _values(value: Any, field: str, lines: list[bytes]) -> st.SearchStrategy[Any]:
    """What a field may become: anything, what others have there, or nearly the same."""
    records = [orjson.loads(line) for line in lines[1:]]
    near: list[Any] = [record[field] for record in records if field in record]
    if type(value) is int:
        near += [value - 1, value + 1, value + 10]
    if type(value) is str:
        near += [value[1:], value + "x", value.upper(), f"~{value}"]
    return st.sampled_from(VALUES) | st.sampled_from(near)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.data())
def test_what_is_not_refused_is_read_by_a_daemon(
    lines: list[bytes], tmp_path: Path, data: st.DataObject
) -> None:
    """All of it, by everybody; what is refused is told by its line."""
    changed = lines
    for _ in range(data.draw(st.sampled_from([1, 1, 2]))):
        changed = mutated(data.draw, changed)
    new = tmp_path / "new"
    shutil.rmtree(new, ignore_errors=True)
    source = io.BytesIO(b"".join(line + b"\n" for line in changed))
    try:
        import_all(new, source, "all.jsonl")
    except ImportRefused as refused:
        event("refused")
        assert str(refused).startswith("all.jsonl, line ")  # noqa: PT017 - it may pass
        return
    event("imported")
    trio.run(read_all, new)


@pytest.mark.parametrize("schema", range(1, len(migrate.migrations()) + 1))
def test_each_column_is_described(tmp_path: Path, schema: int) -> None:
    """Whoever adds one has to say in `columns.COLUMNS` what it may hold."""
    with store_at(tmp_path / "data", schema) as db:
        for table in tables_of(db):
            for column in table.columns:
                described(table.name, column)


def test_each_detail_of_the_audit_is_described() -> None:
    """Whoever adds one has to say in `columns.AUDITED` what it may be."""
    beside = ["entry", "ts", "sender", "what", "room", "user"]
    shown = [field.name for field in attrs.fields(AuditShown)]
    assert shown == [*beside, *AUDITED]


def test_each_relation_is_one_of_the_schema() -> None:
    """Its table has its field, and comes behind all tables that it looks at."""
    db = apsw.Connection(":memory:")
    migrate.configure(db)
    migrate.migrate(db)
    tables = {table.name: table for table in tables_of(db)}
    names = list(tables)
    for one in (*relations.REFERENCES, *relations.COUNTS):
        assert one.field in tables[one.table].columns
    for one in relations.REFERENCES:
        for word in one.holds.replace("(", " ").split():
            if word in names:
                assert names.index(word) <= names.index(one.table), one
