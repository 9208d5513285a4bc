"""A store moved from SQLite to PostgreSQL and back: all of it, once, and servable."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from itertools import chain
from pathlib import Path
from typing import Any

import apsw
import pytest
import trio

from chatd.errors import StoreFailed, StoreRefused, StoreUnavailable
from chatd.ids import Epoch
from chatd.store.moving import Moved, link, on_postgres, on_sqlite, to_postgres
from chatd.store.moving import to_sqlite as moved_back
from chatd.store.moving.layout import APART, Kind, layout
from chatd.store.postgres import marks
from chatd.store.postgres.offline import connected as offline
from chatd.store.sqlite import files, lock, migrate, transfer
from chatd.store.sqlite.sql import select
from tests.postgresql import connected, server, store_at
from tests.store.postgres.test_serving import ONLY_HERE
from tests.store.sqlite.everything import SAID, everything, read_all
from tests.store.sqlite.slain import Slayer, slayer
from tests.store.support import EPOCH, T0, execute, one, row, say, sqlite

Contents = dict[str, list[tuple[Any, ...]]]

ELSEWHERE = {
    f"{table}.{column}" for table, columns in ONLY_HERE.items() for column in columns
}
"""What only PostgreSQL keeps: which server that is, and of nodes."""


@pytest.fixture
def url() -> Iterator[str]:
    """A database in which nothing is."""
    yield server().create("moved")
    server().execute("DROP DATABASE moved WITH (FORCE)")


@pytest.fixture(scope="module")
def everywhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with something in each column of each table, which nobody changes."""
    data = tmp_path_factory.mktemp("store") / "full"
    trio.run(everything, data)
    return data


@pytest.fixture
def full(everywhere: Path, tmp_path: Path) -> Path:
    """The same, which may be changed."""
    return Path(shutil.copytree(everywhere, tmp_path / "full"))


@pytest.fixture(autouse=True)
def _small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Most tables have more than one."""
    monkeypatch.setattr(on_sqlite, "PAGE_ROWS", 3)
    monkeypatch.setattr(on_postgres, "PAGE_ROWS", 3)


def to_sqlite(url: str, data: Path, **how: Any) -> Moved:
    """Move a store back, beside which nobody has a data directory."""
    return moved_back(url, data, data / "none", **how)


def contents(data: Path) -> Contents:
    """All rows of a store, but for what is about its search index."""
    with closing(apsw.Connection(str(data / files.DATABASE))) as db:
        found = {}
        for table in transfer.tables_of(db):
            named = ", ".join(
                "0" if f"{table.name}.{column}" in APART else f'"{column}"'
                for column in table.columns
            )
            rows = select(db, f"SELECT {named} FROM {table.name}")  # noqa: S608 - the schema's
            found[table.name] = sorted(rows, key=repr)
        return found


def refused(opened: Callable[[], Any]) -> str:
    """Why a store is not served; empty if it is."""

    async def start() -> None:
        async with opened():
            pass

    try:
        trio.run(start)
    except StoreRefused as error:
        return str(error)
    return ""


# --- all of it ------------------------------------------------------------------


def test_both_schemas_have_what_is_moved(url: str) -> None:
    """A change of either schema is one of the other's, or is decided about here."""
    data_types = {
        "bigint": Kind.NUMBER,
        "boolean": Kind.FLAG,
        "text": Kind.TEXT,
        "bytea": Kind.BYTES,
    }
    refused(lambda: store_at(url))
    with closing(connected(url)) as db:
        here: Any = db
        found = select(
            here,
            "SELECT CAST(table_name AS text), CAST(column_name AS text), data_type"
            " FROM information_schema.columns WHERE table_schema = 'chatd'"
            " AND table_name NOT IN ('version', 'message_words')",
        )
        keys = select(
            here,
            "SELECT CAST(conrelid AS regclass)::text, (SELECT array_agg(attname::text"
            " ORDER BY place) FROM unnest(conkey) WITH ORDINALITY AS k (number, place)"
            " JOIN pg_attribute ON attrelid = conrelid AND attnum = number)"
            " FROM pg_constraint WHERE contype = 'p'"
            " AND connamespace = 'chatd'::regnamespace",
        )
        references = select(
            here,
            "SELECT conrelid::regclass::text, confrelid::regclass::text"
            " FROM pg_constraint WHERE contype = 'f'"
            " AND connamespace = 'chatd'::regnamespace",
        )
    tables = layout()
    there = {f"{table}.{column}": data_types.get(kind) for table, column, kind in found}
    moved = {
        f"{table.name}.{column}": kind
        for table in tables
        for column, kind in table.columns.items()
    }
    assert {name: there[name] for name in moved} == moved
    assert there.keys() - moved.keys() == {*APART, *ELSEWHERE} - {"store.merge_due"}
    unquoted = {name.strip('"'): tuple(columns) for name, columns in keys}
    assert {table.name: unquoted[table.name] for table in tables} == {
        table.name: table.key for table in tables
    }
    places = {table.name: place for place, table in enumerate(tables)}
    for name, other in references:
        if name != "message_words":
            assert places[other.strip('"')] <= places[name.strip('"')], (name, other)


def test_there_and_back_it_is_the_same(
    full: Path, everywhere: Path, tmp_path: Path, url: str
) -> None:
    """Each row of each table, and which numbers were given; and so once more."""
    there = to_postgres(full, url)
    assert there.source == str(full / files.DATABASE)
    assert there.target.startswith("the database moved at ")
    back = to_sqlite(url, tmp_path / "back")
    assert (back.source, back.target) == (
        there.target,
        str(tmp_path / "back" / files.DATABASE),
    )
    assert there.rows == back.rows == sum(map(len, contents(full).values())) - 5
    assert contents(tmp_path / "back") == contents(everywhere)


async def test_what_comes_back_is_a_store(full: Path, tmp_path: Path, url: str) -> None:
    """A daemon reads all of it, and goes on with what was begun."""
    await trio.to_thread.run_sync(to_postgres, full, url)
    await trio.to_thread.run_sync(to_sqlite, url, tmp_path / "back")
    await read_all(tmp_path / "back")


async def test_a_daemon_goes_on_where_the_other_one_was(
    full: Path, tmp_path: Path, url: str
) -> None:
    """With the same epochs, so clients have no hole; numbers are given on."""
    await trio.to_thread.run_sync(to_postgres, full, url)
    async with store_at(url) as store:
        await store.load(T0, T0)
        before = await row(store)
        assert before.epoch == EPOCH
        await one(store, say("after"))
        await one(store, SAID[0])  # which was said before, under this cid
        assert (await row(store)).head == before.head + 1
    await trio.to_thread.run_sync(to_sqlite, url, tmp_path / "back")
    async with sqlite(tmp_path / "back") as store:
        await store.load(T0, T0)
        assert (await row(store)).epoch == EPOCH
        await one(store, say("at home"))
        assert (await row(store)).head == before.head + 2


# --- killed, cut off ------------------------------------------------------------

STEPS = """
from chatd.store.moving import on_postgres, on_sqlite
on_postgres.PAGE_ROWS = on_sqlite.PAGE_ROWS = 3
for owner, names in {
    on_postgres.Target: ("begin", "put", "settle", "finish"),
    on_postgres.Source: ("note_moved",),
    on_sqlite.Target: ("put", "number", "finish"),
}.items():
    for name in names:
        setattr(owner, name, counted(getattr(owner, name)))
"""


def killed_again_and_again(
    slay: Slayer, words: list[str], look: Callable[[], object]
) -> int:
    """Type a command until it was not killed any more; how often it was.

    It is killed after as few steps as lead anywhere.
    """
    step, kills, before = 2, 0, look()
    while slay.at_step(step, words):
        kills += 1
        step, before = step + ((now := look()) == before), now
        assert kills < 500, "it does not end"
    look()
    return kills


def rows_in(db: Any) -> int:
    """How many rows a store of either kind has; -1 where there is none yet."""
    try:
        return sum(select(db, table.count)[0][0] for table in layout())
    except (apsw.SQLError, StoreFailed):
        return -1


def servable(data: Path, url: str) -> tuple[bool, bool]:
    """Whether the store in a directory could be served now, and that in a database."""
    is_here = is_there = False
    with suppress(StoreRefused):
        is_here = files.find_database(data) is not None
    with closing(connected(url)) as db:
        here: Any = db
        with suppress(StoreRefused):
            marks.require_settled(here)
            is_there = on_postgres.found(here) is not None
    return is_here, is_there


def test_killed_at_each_page_it_goes_on(
    full: Path, everywhere: Path, tmp_path: Path, url: str
) -> None:
    """At no moment both can be served, nor what is half; nothing is there twice."""
    seen = set()

    def look() -> object:
        seen.add(found := servable(full, url))
        with closing(connected(url)) as db:
            return found, rows_in(db)

    words = ["migrate", "--data", str(full), "--to", url]
    with slayer(tmp_path, STEPS) as slay:
        kills = killed_again_and_again(slay, words, look)
    assert kills > 40
    assert seen == {(True, False), (False, False), (False, True)}
    to_sqlite(url, tmp_path / "back")
    assert contents(tmp_path / "back") == contents(everywhere)


def test_killed_at_each_page_it_comes_back(
    full: Path, everywhere: Path, tmp_path: Path, url: str
) -> None:
    """The same on the way back, into the directory from which it has come."""
    to_postgres(full, url)
    back, config = full, tmp_path / "chatd.toml"
    seen = set()

    def look() -> object:
        seen.add(found := servable(back, url))
        if not (path := back / files.MOVING).exists():
            return found, 0
        with closing(apsw.Connection(str(path))) as db:
            return found, rows_in(db)

    config.write_text(f'[store]\nurl = "{url}"\npath = "{back}"\n')
    words = ["migrate", "-c", str(config), "--to", str(back)]
    with slayer(tmp_path, STEPS) as slay:
        kills = killed_again_and_again(slay, words, look)
    assert kills > 40
    assert seen == {(False, True), (False, False), (True, False)}
    assert {path.name for path in back.iterdir()} == {
        *(files.DATABASE, files.SIDE, lock.LOCK),
        *(path.name for path in back.glob(f"{files.REPLACED}*")),
    }
    assert contents(back) == contents(everywhere)
    (former,) = back.glob(f"{files.REPLACED}*")
    assert contents(former) == contents(everywhere)
    assert refused(lambda: sqlite(back)) == ""


def cut_once(url: str, at: str) -> Callable[[str, float], None]:
    """Cut the connection, as a server does that is restarted, in the middle."""
    left = [3]

    def tell(what: str, _part: float) -> None:
        left[0] -= what == at
        if left[0] == 0 and what == at:
            server().execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = 'moved'"
            )

    return tell


@pytest.mark.parametrize("at", ["copying", "comparing"])
def test_cut_off_it_goes_on_by_itself(
    full: Path, everywhere: Path, tmp_path: Path, url: str, at: str
) -> None:
    """There and back; what was stored before is there once."""
    to_postgres(full, url, tell=cut_once(url, at))
    to_sqlite(url, tmp_path / "back", tell=cut_once(url, at))
    assert contents(tmp_path / "back") == contents(everywhere)


def test_cut_off_for_good_it_can_be_typed_again(
    full: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is said so, and it goes on."""
    monkeypatch.setattr(link, "LOSSES_MAX", 0)
    with pytest.raises(StoreUnavailable, match=r"the same command goes on$"):
        to_postgres(full, url, tell=cut_once(url, "copying"))
    assert to_postgres(full, url).rows


FULL = """
CREATE FUNCTION chatd.full() RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN RAISE 'could not extend file' USING ERRCODE = 'disk_full'; END $$;
ALTER TABLE chatd.message ADD CONSTRAINT room CHECK (id < 6 OR chatd.full())"""
MENDED = "ALTER TABLE chatd.message DROP CONSTRAINT room; DROP FUNCTION chatd.full"


def test_a_full_disk_can_be_mended(
    full: Path, everywhere: Path, tmp_path: Path, url: str
) -> None:
    """What the server says is told, and what is there stays."""
    is_told = False

    def fill_disk(what: str, _part: float) -> None:
        nonlocal is_told
        if what == "copying" and not is_told:
            is_told = True
            server().execute(FULL, "moved")

    with pytest.raises(StoreUnavailable, match=r"could not extend.*command goes on$"):
        to_postgres(full, url, tell=fill_disk)
    assert server().execute("SELECT max(id) FROM chatd.message", "moved") == [(3,)]
    server().execute(MENDED, "moved")
    to_postgres(full, url)
    to_sqlite(url, tmp_path / "back")
    assert contents(tmp_path / "back") == contents(everywhere)


# --- what is refused ------------------------------------------------------------


def half(data: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave half of a store in a database."""
    with monkeypatch.context() as patched, pytest.raises(StoreUnavailable):
        patched.setattr(link, "LOSSES_MAX", 0)
        to_postgres(data, url, tell=cut_once(url, "copying"))


def half_back(url: str, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave half of a database's store in a directory."""
    with monkeypatch.context() as patched, pytest.raises(StoreUnavailable):
        patched.setattr(link, "LOSSES_MAX", 0)
        to_sqlite(url, data, tell=cut_once(url, "copying"))


def test_half_of_a_store_is_not_served(
    full: Path, tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor looked into; it is said what to type."""
    half(full, url, monkeypatch)
    assert f"half of {full / files.DATABASE}, which is" in refused(
        lambda: store_at(url)
    )
    with (
        pytest.raises(StoreRefused, match="type that `chatd migrate` again"),
        offline(url),
    ):
        """Not reached."""
    with pytest.raises(StoreRefused, match="it has only half of"):
        to_sqlite(url, tmp_path / "back")
    to_postgres(full, url)
    half_back(url, tmp_path / "back", monkeypatch)
    assert "half of a store that is being moved" in refused(
        lambda: sqlite(tmp_path / "back")
    )
    to_sqlite(url, tmp_path / "back")
    assert refused(lambda: sqlite(tmp_path / "back")) == ""


def test_where_a_store_is_none_is_moved(full: Path, tmp_path: Path, url: str) -> None:
    """Neither into a database nor into a directory; nothing is changed."""
    refused(lambda: store_at(url))
    with pytest.raises(
        StoreRefused, match=r"there is a store in it.*DROP SCHEMA chatd"
    ):
        to_postgres(full, url)
    with pytest.raises(StoreRefused, match=r"full/chatd.db is there already"):
        to_sqlite(url, full)
    with pytest.raises(StoreRefused, match="there is no store in"):
        to_postgres(tmp_path / "none", url)
    assert refused(lambda: sqlite(full)) == ""


def test_what_is_half_of_another_stays(
    full: Path, tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or of an older state of the same: what was acknowledged since is not in it."""
    half(full, url, monkeypatch)
    other = tmp_path / "other"
    execute(other, *SAID[:0])
    with pytest.raises(
        StoreRefused, match=r"half of another, .*full/chatd.db, and not"
    ):
        to_postgres(other, url)
    assert refused(lambda: sqlite(full)) == ""  # it was served meanwhile
    with pytest.raises(StoreRefused, match="half of an older state of it, and not"):
        to_postgres(full, url)
    server().execute("DROP SCHEMA chatd CASCADE", "moved")
    to_postgres(full, url)
    half_back(url, tmp_path / "back", monkeypatch)
    assert refused(lambda: store_at(url)) == ""
    with pytest.raises(StoreRefused, match="half of an older state of it, and not"):
        to_sqlite(url, tmp_path / "back")


def test_while_a_daemon_serves_nothing_is_moved(
    full: Path, tmp_path: Path, url: str
) -> None:
    """What it acknowledges would not be there."""
    with lock.locked(full, serves=True), pytest.raises(StoreUnavailable) as caught:
        to_postgres(full, url)
    assert caught.match(f"a daemon serves {full}: stop it, .*systemctl stop chatd")
    to_postgres(full, url)

    async def serve() -> None:
        async with store_at(url):
            with pytest.raises(StoreUnavailable, match="a daemon serves this database"):
                await trio.to_thread.run_sync(to_sqlite, url, tmp_path / "back")

    trio.run(serve)
    with lock.locked(full, serves=True), pytest.raises(StoreUnavailable) as caught:
        moved_back(url, tmp_path / "back", full)
    assert caught.match(f"a daemon serves {full}: stop it")


@pytest.mark.parametrize("text", [b"nul\0", b"\xff"])
def test_what_postgresql_cannot_keep_is_told_before(
    full: Path, url: str, text: bytes
) -> None:
    """With the row that has it; nothing is there."""
    with closing(apsw.Connection(str(full / files.DATABASE))) as db:
        migrate.configure(db)
        db.execute(
            "UPDATE message SET text = CAST(? AS TEXT) WHERE seq = 8 AND room_id = 1",
            (text,),
        )
    with pytest.raises(StoreRefused) as caught:
        to_postgres(full, url)
    assert caught.match(
        r'the text of a row of "message" \(id 2, room_id 1, seq 8, of the room lobby\)'
        " has U\\+0000 or is no UTF-8.*; nothing was changed"
    )
    assert not server().execute(
        "SELECT 1 FROM pg_namespace WHERE nspname = 'chatd'", "moved"
    )


def test_what_has_arrived_otherwise_is_not_served(
    full: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever has changed it on its way."""
    half(full, url, monkeypatch)
    server().execute("UPDATE chatd.\"user\" SET display = 'x' WHERE id = 2", "moved")
    with pytest.raises(StoreFailed, match='not what was sent: "user" has'):
        to_postgres(full, url)
    assert servable(full, url) == (True, False)


def test_rows_that_contradict_each_other_are_not_served(full: Path, url: str) -> None:
    """Whoever has changed a store by hand learns what of it; there it goes on."""
    with closing(apsw.Connection(str(full / files.DATABASE))) as db:
        db.execute("UPDATE block SET blocked_id = 999")
    with pytest.raises(StoreRefused, match=r'contradict.*"block" violates foreign key'):
        to_postgres(full, url)
    assert servable(full, url) == (True, False)


def test_each_character_goes_there_and_back(
    full: Path, tmp_path: Path, url: str
) -> None:
    """Those that stand for something else in a line, too."""
    text = "".join(
        map(chr, chain(range(1, 0x180), (0x2028, 0xFFFD, 0x1F600, 0x10FFFF)))
    )
    with closing(apsw.Connection(str(full / files.DATABASE))) as db:
        migrate.configure(db)
        db.execute("UPDATE message SET text = ?", (text + "\\N\\.",))
    before = contents(full)
    to_postgres(full, url)
    to_sqlite(url, tmp_path / "back")
    assert contents(tmp_path / "back") == before


# --- afterwards -----------------------------------------------------------------


async def epoch_at(opened: Any) -> Epoch:
    """The epoch of the lobby."""
    async with opened as store:
        await store.load(T0, T0)
        return Epoch((await row(store)).epoch)


async def test_what_was_moved_is_served_no_more(
    full: Path, tmp_path: Path, url: str
) -> None:
    """Where it is is said; who serves it none the less begins new epochs."""
    back = tmp_path / "back"
    await trio.to_thread.run_sync(to_postgres, full, url)
    with pytest.raises(
        StoreRefused, match=r"moved to the database moved at .*store.url"
    ):
        async with sqlite(full):
            """Not reached."""
    await trio.to_thread.run_sync(to_sqlite, url, back)
    with pytest.raises(StoreRefused, match=f"moved to {back}/chatd.db: remove store.u"):
        async with store_at(url):
            """Not reached."""
    assert await epoch_at(sqlite(back)) == EPOCH
    (full / files.SIDE).unlink()
    assert await epoch_at(sqlite(full)) != EPOCH
    await trio.to_thread.run_sync(server().execute, "DROP TABLE chatd.moved", "moved")
    assert await epoch_at(store_at(url)) != EPOCH


def test_moved_twice_it_is_there_once(full: Path, tmp_path: Path, url: str) -> None:
    """The same command says so; another one says where it is."""
    first = to_postgres(full, url)
    again = to_postgres(full, url)
    assert (again.rows, again.is_done) == (first.rows, True)
    with pytest.raises(
        StoreRefused, match=r"was moved to the database moved at .* befo"
    ):
        to_postgres(full, server().url("chatd"))
    to_sqlite(url, tmp_path / "back")
    again = to_sqlite(url, tmp_path / "back")
    assert (again.rows, again.is_done) == (first.rows, True)
    with pytest.raises(StoreRefused, match=r"was moved to .*back/chatd.db before"):
        to_sqlite(url, tmp_path / "other")
    (tmp_path / "back" / files.DATABASE).unlink()
    (tmp_path / "back" / files.SIDE).unlink()
    with pytest.raises(
        StoreRefused, match=r"not there any more; .*DROP TABLE chatd.mov"
    ):
        to_sqlite(url, tmp_path / "back")
    server().execute("DROP SCHEMA chatd CASCADE", "moved")
    with pytest.raises(StoreRefused, match=r"not here any more; .*remove .*chatd.id"):
        to_postgres(full, url)


def test_killed_while_it_gets_its_name(full: Path, tmp_path: Path, url: str) -> None:
    """What has two names for a moment has one then."""
    to_postgres(full, url)
    to_sqlite(url, back := tmp_path / "back")
    (back / files.MOVING).hardlink_to(back / files.DATABASE)
    assert to_sqlite(url, back).is_done
    assert not (back / files.MOVING).exists()


async def test_what_is_in_doubt_stays_in_doubt(
    full: Path, tmp_path: Path, url: str
) -> None:
    """A state of which it is not known whether it is the last begins new epochs."""
    (full / files.SIDE).unlink()
    await trio.to_thread.run_sync(to_postgres, full, url)
    server().execute("UPDATE chatd.store SET generation = generation", "moved")
    await trio.to_thread.run_sync(to_sqlite, url, tmp_path / "back")
    assert not (tmp_path / "back" / files.SIDE).exists()
    assert await epoch_at(sqlite(tmp_path / "back")) != EPOCH


def test_numbers_are_never_given_again(full: Path, tmp_path: Path, url: str) -> None:
    """Of what was deleted neither."""
    with closing(apsw.Connection(str(full / files.DATABASE))) as db:
        db.execute("UPDATE sqlite_sequence SET seq = 100 WHERE name = 'token'")
    to_postgres(full, url)
    given = "SELECT nextval('chatd.token_id_seq')"
    assert server().execute(given, "moved") == [(101,)]
    to_sqlite(url, tmp_path / "back")
    assert ("token", 101) in contents(tmp_path / "back")["sqlite_sequence"]


def test_memory_is_that_of_a_page(full: Path, url: str) -> None:
    """Whatever there is to move."""
    big = "x" * 10_000
    with closing(apsw.Connection(str(full / files.DATABASE))) as db:
        migrate.configure(db)
        db.execute("UPDATE message SET text = ?", (big,))
    ((messages,),) = [(len(contents(full)["message"]),)]
    with closing(apsw.Connection(str(full / files.DATABASE))) as db:
        (table,) = (one for one in layout() if one.name == "message")
        pages = [len(page) for page in on_sqlite.lines_of(db, table)]
    assert sum(pages) == messages
    assert max(pages) == 3


SHAPE = """
SELECT pg_get_indexdef(indexrelid) FROM pg_index i
JOIN pg_class c ON c.oid = i.indexrelid WHERE relnamespace = 'chatd'::regnamespace
UNION ALL SELECT conrelid::regclass || conname || pg_get_constraintdef(oid)
FROM pg_constraint WHERE connamespace = 'chatd'::regnamespace
UNION ALL SELECT tgrelid::regclass || tgname || tgenabled::text FROM pg_trigger
WHERE NOT tgisinternal
UNION ALL SELECT relname FROM pg_class WHERE relnamespace = 'chatd'::regnamespace"""


def test_the_database_is_as_a_daemon_makes_it(full: Path, url: str) -> None:
    """With each index, reference and trigger, and no table of the move's."""
    refused(lambda: store_at(url))
    made = server().execute(SHAPE, "moved")
    server().execute("DROP SCHEMA chatd CASCADE", "moved")
    to_postgres(full, url)
    assert sorted(server().execute(SHAPE, "moved")) == sorted(made)
    assert len(made) > 150
