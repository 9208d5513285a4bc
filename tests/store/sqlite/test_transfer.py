"""A whole store as lines, and a store made of them."""

from __future__ import annotations

import io
import shutil
import time
import tracemalloc
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import apsw
import orjson
import pytest
import trio

from chatd.core import drafts as d
from chatd.errors import ImportRefused, StoreHeld, StoreRefused, StoreUnavailable
from chatd.ids import RoomName, Seq
from chatd.store.sqlite import files, lock, migrate, transfer
from chatd.store.sqlite.copying import REST
from chatd.store.sqlite.sql import select
from chatd.store.sqlite.transfer import Head, export_all, import_all
from tests.store.sqlite.everything import everything, read_all
from tests.store.sqlite.older import before, store_at
from tests.store.sqlite.slain import at_each_step
from tests.store.support import (
    ANN,
    BOB,
    EPOCH,
    T0,
    fill,
    one,
    page,
    row,
    say,
    sqlite,
    start_and_stop,
)

Record = dict[str, Any]


def exported(data: Path) -> list[bytes]:
    """All lines of a store."""
    return list(export_all(data))


def imported(data: Path, lines: list[bytes]) -> Head:
    """Make a store of lines."""
    source = io.BytesIO(b"".join(line + b"\n" for line in lines))
    return import_all(data, source, "all.jsonl")


def contents(data: Path) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of a store, but for how far its search index is."""
    with closing(apsw.Connection(str(data / files.DATABASE))) as db:
        return {
            table.name: select(
                db,
                f"SELECT {table.named()} FROM {table.name}".replace('"indexed"', "0"),  # noqa: S608 - the schema's
            )
            for table in transfer.tables_of(db)
        }


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with something in each column of each table, which nobody changes."""
    data = tmp_path_factory.mktemp("store") / "full"
    trio.run(everything, data)
    return data


def test_it_has_something_in_each_column(full: Path) -> None:
    """So nothing is left out of what follows; but for what ends with what comes."""
    with closing(apsw.Connection(str(full / files.DATABASE))) as db:
        empty = {
            f"{table.name}.{column}"
            for table in transfer.tables_of(db)
            for column in table.columns
            if not select(
                db,
                f'SELECT 1 FROM "{table.name}" WHERE "{column}" IS NOT NULL LIMIT 1',  # noqa: S608 - the schema's
            )
        }
    assert empty == set()


def test_each_row_comes_back_as_it_was(full: Path, tmp_path: Path) -> None:
    """Of each table there is; and as often as one likes."""
    before = contents(full)
    assert {name for name, rows in before.items() if not rows} == set()
    lines = exported(full)
    assert len(lines) == 1 + sum(map(len, before.values()))
    head = imported(tmp_path / "new", lines)
    assert head == Head(len(migrate.migrations()), len(lines) - 1)
    assert contents(tmp_path / "new") == before
    again = tmp_path / "again"
    imported(again, exported(tmp_path / "new"))
    assert contents(again) == before


async def test_a_daemon_reads_all_of_it(full: Path, tmp_path: Path) -> None:
    """And goes on with what was begun: an erasure, the end of a room."""
    await trio.to_thread.run_sync(imported, tmp_path / "new", exported(full))
    await read_all(tmp_path / "new")


async def test_it_is_a_store_that_goes_on(tmp_path: Path) -> None:
    """Exported while somebody writes; each room begins anew for its clients."""
    old, new = tmp_path / "old", tmp_path / "new"
    tea, gone = RoomName("tea"), RoomName("gone")
    async with sqlite(old) as store:
        await store.load(T0)
        await fill(store)
        for room in (tea, gone):
            await one(store, d.CreateRoom(room, EPOCH, row_settings(), {}))
        for text in ("Straße", "🎉", "tea", "more tea"):
            await one(store, say(text))
            await one(store, say(text, room=tea))
        await one(store, d.DestroyRoom(gone, ANN, None))
        await one(store, d.TrimRoom(tea, T0 + 1, 1))
        lines = iter(export_all(old))
        first = [next(lines) for _ in range(3)]
        await one(store, say("behind"))
        rest = await trio.to_thread.run_sync(list, lines)
    await trio.to_thread.run_sync(imported, new, first + rest)
    async with sqlite(new) as store:
        await store.load(T0)
        texts = [message.text for message in await page(store)]
        assert texts == ["Straße", "🎉", "tea", "more tea"]
        assert (await row(store)).epoch != EPOCH
        assert (await row(store, tea)).first == Seq(5)
        await one(store, say("and on"))
        while select_of(new, "SELECT 1 FROM message, store WHERE message.id > indexed"):
            await store.user(BOB)
    found = "SELECT rowid FROM message_fts WHERE message_fts MATCH 'strasse'"
    assert len(select_of(new, found)) == 1


def row_settings() -> Any:
    """Of a room that is like most."""
    from chatd.core.settings import PLAIN  # noqa: PLC0415 - here alone

    return PLAIN


def select_of(data: Path, sql: str) -> list[tuple[Any, ...]]:
    """Ask a store beside its daemon."""
    with closing(apsw.Connection(str(data / files.DATABASE))) as db:
        return select(db, sql)


@pytest.mark.parametrize("schema", [1, before("fold"), before("happened")])
async def test_a_store_of_before_is_brought_up_to_date(
    tmp_path: Path, schema: int
) -> None:
    """Its rows go through the same steps as if it had stayed where it was."""
    old, new = tmp_path / "old", tmp_path / "new"
    with store_at(old, schema) as db:
        db.execute(
            "INSERT INTO message (room_id, seq, ts, user_id, text)"
            " VALUES (1, 1, ?, 1, 'tea')",
            (T0,),
        )
        db.execute("INSERT INTO member (room_id, user_id, role, read, first)"
                   " VALUES (1, 1, 'owner', 0, 1)")  # fmt: skip
        db.execute("UPDATE room SET head = 1")
        db.execute("UPDATE store SET indexed = 1")
    lines = exported(old)
    assert orjson.loads(lines[0])["schema"] == schema
    await trio.to_thread.run_sync(imported, new, lines)
    async with sqlite(old):
        pass
    for name, rows in contents(new).items():
        if name not in {"store", "room"}:
            assert rows == contents(old)[name], name
    async with sqlite(new) as store:
        assert [message.text for message in await page(store)] == ["tea"]
        assert select_of(new, "SELECT members FROM room") == [(1,)]


# --- what is wrong with it --------------------------------------------------------


def with_record(kind: str, change: Callable[[Record], object]) -> Any:
    """Change the first record of a type."""

    def spoil(lines: list[bytes]) -> list[bytes]:
        at = next(
            n for n, line in enumerate(lines) if orjson.loads(line)["type"] == kind
        )
        record = orjson.loads(lines[at])
        change(record)
        return [*lines[:at], orjson.dumps(record), *lines[at + 1 :]]

    return spoil


def counted(lines: list[bytes]) -> list[bytes]:
    """Have the head say how many lines there are."""
    head = orjson.loads(lines[0]) | {"lines": len(lines) - 1}
    return [orjson.dumps(head), *lines[1:]]


def without(kind: str) -> Any:
    """Take the last record of a type away, as somebody would who knows what he does."""

    def spoil(lines: list[bytes]) -> list[bytes]:
        at = max(
            n for n, line in enumerate(lines) if orjson.loads(line)["type"] == kind
        )
        return counted([*lines[:at], *lines[at + 1 :]])

    return spoil


def with_event(kind: str, **fields: object) -> Any:
    """Change the first event of a kind."""

    def spoil(lines: list[bytes]) -> list[bytes]:
        events = [orjson.loads(line) for line in lines]
        at = next(n for n, event in enumerate(events) if event.get("kind") == kind)
        return [*lines[:at], orjson.dumps(events[at] | fields), *lines[at + 1 :]]

    return spoil


def swapped(lines: list[bytes]) -> list[bytes]:
    """Let the last record stand before all others."""
    return [lines[0], lines[-1], *lines[1:-1]]


def changed(table: str, **fields: object) -> Any:
    """Change the first record of a table."""
    return with_record(table, lambda record: record.update(fields))


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda _: [], "line 1: it is not the head"),
        (lambda lines: lines[1:], "line 1: it is not the head"),
        (changed("chatd", format=2), "line 1: format: this chatd knows 1"),
        (changed("chatd", schema=999), "line 1: schema: .* of a newer chatd"),
        (changed("chatd", schema="x"), "line 1: schema: expected a whole number"),
        (changed("chatd", lines=-1), "line 1: lines: expected a whole number"),
        (lambda lines: [*lines[:2], b"{", *lines[2:]], "line 3: it is no JSON"),
        (lambda lines: [*lines[:2], b"[]", *lines[2:]], "line 3: it is no object"),
        (lambda lines: [*lines[:2], b'{"type":1}'], 'line 3: it is no object with a "'),
        (lambda lines: [*lines, lines[-1]], "the head says that only"),
        (lambda lines: lines[:9], "line 10: it is missing; the head says"),
        (changed("user", type="x"), "type: it is none of this schema"),
        (swapped, 'line 3: type: a ".*" stands before each "sqlite_sequence"'),
        (with_record("user", lambda r: r.pop("role")), "role: it is missing"),
        (changed("user", x=1), 'x: a "user" has no such field'),
        # A value by itself.
        (changed("user", created="0"), "created: expected a whole number from 0 to"),
        (changed("user", created=1.0), "created: expected a whole number"),
        (changed("user", created=True), "created: expected a whole number"),
        (changed("user", created=10**15), "created: expected .* to 253402300799999"),
        (changed("user", id=None), "id: expected a whole number from 1"),
        (changed("user", name=[]), "name: expected a text"),
        (changed("user", name="Ann"), "name: expected the canonical spelling"),
        (changed("user", name="x y"), "name: a name is 1 to 32 letters"),
        (changed("user", display=""), "display: expected a text of 1 to 64"),
        (changed("user", role="king"), "role: expected one of admin, bot, guest, user"),
        (changed("store", id="x"), "id: expected 32 hexadecimal digits"),
        (changed("store", generation=-1), "generation: expected a whole number"),
        (changed("room", settings="{"), "settings: expected a text of JSON"),
        (changed("room", settings="[]"), "settings: expected an object"),
        (changed("room", settings='{"x":1}'), 'settings: the key "x" is not known'),
        (changed("room", settings='{"slow_s":"x"}'), '"slow_s": expected a whole'),
        (changed("room", settings='{"archived":1}'), '"archived": expected true'),
        (changed("room", epoch="x"), "epoch: expected 16 hexadecimal digits"),
        (changed("room", name="!x"), "name: a room name is"),
        (changed("member", role="king"), "role: expected one of member"),
        (changed("member", level="x"), "level: expected one of all"),
        (changed("message", text=""), "text: expected a text of at least 1"),
        (changed("cid", digest="?"), "digest: it is not in base64"),
        (changed("cid", digest=1), "digest: it is not in base64"),
        (changed("cid", digest="AAAA"), "digest: expected 16 bytes"),
        (changed("cid", unreached='{"a":1}'), "unreached: expected a list"),
        # Values of one row.
        (changed("user", role="guest"), "role: it is not that of such a name"),
        (changed("room", first=999), "first: it is behind the head"),
        (changed("message", reply_to=999), "reply_to: it is not before the reply"),
        (changed("mention", of=999), "of: it is behind what has told of it"),
        (changed("session", link_until=None, link="A" * 43 + "="), "link_until: a lin"),
        (changed("reaction", is_on=0, seen=None), "is_on: nobody sees it"),
        (changed("thread_writer", shown=9), "shown: it is more than was written"),
        (changed("invitation", used=100), "used: it is more than its uses"),
        (with_event("edit", of=None), "of: it is missing"),
        (with_event("react", change="pin"), "change: such an event has none"),
        (with_event("member", change="pin"), "change: expected one of ban"),
        (with_event("member", detail='{"role":"x"}'), 'detail: "role": expected one'),
        (with_event("room", change="rename", detail=None), 'expected "name" and "was"'),
        (with_event("room", change="destroy"), 'detail: the key "'),
        # What rows say of each other.
        (changed("member", user_id=999), 'user_id: there is no such "user"'),
        (changed("event", seq=999), "seq: it is none that the room has"),
        (changed("message", seq=1), "seq: (an event has it|it is none)"),
        (changed("member", read=999), "read: it is behind the head of the room"),
        (changed("reacted", users=9), "users: there are not as many"),
        (changed("purge", room_id=1), "room_id: the room has not ended"),
        (changed("erasure", user_id=1), "user_id: the user is not being erased"),
        (changed("guest", user_id=1), "user_id: the user is no guest"),
        (changed("sqlite_sequence", name="x"), "name: it is no table that gives"),
        (
            lambda lines: counted([*lines[:2], *lines[1:]]),
            "line 3: it cannot be stored .*UNIQUE constraint failed: user",
        ),
        (without("store"), 'the file ends, and had no line of the type "store"'),
        (without("message"), 'of a "room" contradicts the other lines: the timeline'),
        (without("reacted"), 'emoji of a "reaction" contradicts .*: no "reacted"'),
        (without("guest"), 'user_id of a "session" contradicts the other lines: no "g'),
    ],
)  # fmt: skip
def test_a_line_that_is_wrong_is_told_by_its_number(
    full: Path,
    tmp_path: Path,
    spoil: Callable[[list[bytes]], list[bytes]],
    reason: str,
) -> None:
    """With the field, and nothing is imported."""
    new, lines = tmp_path / "new", exported(full)
    with pytest.raises(ImportRefused, match=r"^all\.jsonl, line \d+: .*") as caught:
        imported(new, spoil(lines))
    assert caught.match(reason)
    assert caught.match("; nothing was imported$")
    assert [path.name for path in new.iterdir()] == [lock.LOCK]


def test_a_line_has_its_bounds(
    full: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever is read, it is not held in memory."""
    monkeypatch.setattr(transfer, "LINE_BYTES_MAX", 2**20)
    with pytest.raises(StoreRefused, match="line 2: it has more than 1 MiB"):
        imported(tmp_path / "new", [exported(full)[0], b"x" * (2**20 + 1)])


def test_it_begins_where_there_is_nothing(full: Path, tmp_path: Path) -> None:
    """Neither over a store, nor beside a daemon, nor where one is missing."""
    lines, there = exported(full), contents(full)
    with pytest.raises(StoreRefused, match="is there already, and an import begins"):
        imported(full, lines)
    assert contents(full) == there
    new = tmp_path / "new"
    files.make_directory(new)
    with (
        lock.locked(new),
        pytest.raises(StoreHeld, match="a command changes this data"),
    ):
        imported(new, lines)
    (new / files.SIDE).write_text("{}")
    with pytest.raises(StoreRefused, match="is missing, but"):
        imported(new, lines)


def test_a_full_disk_leaves_nothing(
    full: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is said, and another time it may fit."""
    lines, configure = exported(full), migrate.configure

    def is_small(db: apsw.Connection) -> None:
        configure(db)
        db.pragma("max_page_count", 100)

    monkeypatch.setattr(migrate, "configure", is_small)
    with pytest.raises(StoreUnavailable, match="the disk is full"):
        imported(tmp_path / "new", lines)
    monkeypatch.undo()
    imported(tmp_path / "new", lines)


def test_kill_9_at_each_step_leaves_all_or_nothing(full: Path, tmp_path: Path) -> None:
    """And the next one goes through."""
    new, file, there = tmp_path / "new", tmp_path / "all.jsonl", contents(full)
    file.write_bytes(b"".join(line + b"\n" for line in exported(full)))
    seen = set()

    def ready() -> list[str]:
        shutil.rmtree(new, ignore_errors=True)
        return ["import", "--data", str(new), str(file)]

    def look() -> None:
        is_there = (new / files.DATABASE).exists()
        seen.add(is_there)
        if not is_there:
            with file.open("rb") as source:
                import_all(new, source, "all.jsonl")
        assert contents(new) == there
        start_and_stop(str(new))
        assert not (new / files.NEW).exists()

    assert at_each_step(tmp_path, ready, look) > 3
    assert seen == {True, False}


# --- how it is read ---------------------------------------------------------------


def test_no_more_is_held_than_a_row(tmp_path: Path) -> None:
    """Neither on the way out nor on the way in."""
    text = "x" * 4000
    with store_at(tmp_path / "old", len(migrate.migrations())) as db:
        db.executemany(
            "INSERT INTO message (room_id, seq, ts, user_id, text)"
            " VALUES (1, ?, 0, 1, ?)",
            ((seq, text) for seq in range(1, 2001)),
        )
        db.execute("UPDATE room SET head = 2000")
    tracemalloc.start()
    try:
        with (tmp_path / "all.jsonl").open("wb") as file:
            file.writelines(line + b"\n" for line in export_all(tmp_path / "old"))
        with (tmp_path / "all.jsonl").open("rb") as file:
            import_all(tmp_path / "new", file, "all.jsonl")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (tmp_path / "all.jsonl").stat().st_size > 8 * 10**6
    assert peak < 3 * 10**6


async def test_it_rests_only_where_somebody_is_served(
    full: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Longer than it works: nobody's messages wait."""
    rests: list[float] = []
    monkeypatch.setattr(time, "sleep", rests.append)
    monkeypatch.setattr(transfer, "WORK_S", 0.0)
    ticks = iter(range(10**6))
    monkeypatch.setattr(time, "monotonic", lambda: next(ticks))
    list(export_all(full))
    assert set(rests) == {0}
    rests.clear()
    with lock.locked(full):
        list(export_all(full))
    assert set(rests) == {REST}


def test_it_is_told_how_far_it_is(
    full: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From nothing to all, in order."""
    monkeypatch.setattr(transfer, "TOLD_EVERY", 10)
    told: list[tuple[str, float]] = []

    def tell(what: str, part: float) -> None:
        told.append((what, part))

    lines = list(export_all(full, tell))
    assert told == sorted(told)
    assert told[-1] == ("exporting", 1.0)
    told.clear()
    source = io.BytesIO(b"".join(line + b"\n" for line in lines))
    import_all(tmp_path / "new", source, "all.jsonl", tell)
    parts = [part for what, part in told if what == "importing"]
    assert len(parts) > 3
    assert parts == sorted(parts)
    assert parts[-1] <= 1
