"""What becomes of each column of the schema in an export, and in an erasure.

A new column fails here until somebody has decided about it; nobody else would.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

import apsw
import attrs
import orjson
import pytest

from chatd.store.sqlite import erasing, files, migrate
from chatd.store.sqlite.export import Record, export
from chatd.store.sqlite.sql import select, transaction
from chatd.wire.events import Room, TimelineEvent
from tests.store.support import ANN

SHOWN = {
    "user.name": "profile.name",
    "user.display": "profile.display",
    "user.role": "profile.role",
    "user.password_hash": "profile.password",
    "user.banned_at": "profile.ban",
    "user.banned_until": "profile.ban",
    "user.ban_reason": "profile.ban",
    "user.created": "profile.created",
    "room.name": "membership.room",
    "member.room_id": "membership.room",
    "member.role": "membership.role",
    "member.read": "membership.read",
    "member.first": "membership.first",
    "member.level": "membership.level",
    "sanction.room_id": "ban.room",
    "sanction.kind": "ban.type",
    "sanction.until": "ban.until",
    "sanction.reason": "ban.reason",
    "invite.room_id": "invite.room",
    "invite.user_id": "invite.user",
    "invite.sender_id": "invite.from",
    "invite.ts": "invite.ts",
    "invite.closed_until": "invite.closed_until",
    "message.room_id": "message.room",
    "message.seq": "message.seq",
    "message.ts": "message.ts",
    "message.user_id": "received.from",
    "message.reply_to": "message.reply_to",
    "message.thread": "message.thread",
    "message.edited_seq": "message.edited",
    "message.cid": "message.cid",
    "message.text": "message.text",
    "event.room_id": "member.room",
    "event.seq": "member.seq",
    "event.ts": "member.ts",
    "event.user_id": "member.from",
    "event.kind": "member.type",
    "event.of": "react.of",
    "event.emoji": "react.emoji",
    "event.is_on": "react.on",
    "event.subject_id": "member.user",
    "event.change": "member.change",
    "event.detail": "member.reason",
    "reaction.room_id": "reaction.room",
    "reaction.of": "reaction.of",
    "reaction.emoji": "reaction.emoji",
    "reaction.user_id": "message.reactions",
    "reaction.seq": "reaction.ts",
    "mention.room_id": "mention.room",
    "mention.seq": "mention.seq",
    "mention.of": "mention.of",
    "mention.is_on": "mention.on",
    "bookmark.room_id": "bookmark.room",
    "bookmark.of": "bookmark.of",
    "thread_follower.room_id": "thread.room",
    "thread_follower.root": "thread.thread",
    "thread_follower.is_on": "thread.on",
    "thread_follower.read": "thread.read",
    "invitation.id": "invitation.invitation",
    "invitation.room_id": "invitation.room",
    "invitation.role": "invitation.role",
    "invitation.uses": "invitation.uses",
    "invitation.used": "invitation.used",
    "invitation.created": "invitation.created",
    "invitation.expires": "invitation.expires",
    "invitation_use.invitation_id": "registration.invitation",
    "invitation_use.at": "registration.ts",
    "block.blocked_id": "block.user",
    "cid.room_id": "cid.room",
    "cid.cid": "cid.cid",
    "cid.seq": "cid.seq",
    "cid.ts": "cid.ts",
    "cid.unreached": "cid.unreached",
    "creation.cid": "creation.cid",
    "creation.room_id": "creation.room",
    "creation.at": "creation.ts",
    "session.id": "session.session",
    "session.token": "session.token",
    "session.created": "session.created",
    "session.idle_since": "session.idle_since",
    "session.expires": "session.expires",
    "session.scope": "session.scope",
    "session.device": "session.device",
    "token.id": "token.id",
    "token.name": "token.name",
    "token.scope": "token.scope",
    "token.created": "token.created",
    "token.expires": "token.expires",
}
"""The `type` and the field that tell what a column has. Of a secret they tell that
there is one, or its tag."""

_NUMBER = "a row's number, which says nothing"
_WHOSE = "it is his: that is why the row is read"
_ROOM = "the room's"
_OTHERS = "it would tell him who blocks him"
_AGAIN = "made from what is shown beside it"
_DIGEST = "a digest that only the daemon can compare, to keep a ban"
_BAN = "the ban, which is shown as what it is, once more"

_AUDIT = (
    "the operator's; the room's events have told whom it concerns, and tell him here"
)

_PIN = "the event that has pinned it says so, to whoever was its sender"

KEPT_BACK = {
    "user.id": _NUMBER,
    "user.skeleton": _AGAIN,
    "user.erased": "nobody who has it is exported",
    "room.id": _NUMBER,
    "room.skeleton": _ROOM,
    "room.epoch": _ROOM,
    "room.head": _ROOM,
    "room.first": _ROOM,
    "room.last_ts": _ROOM,
    "room.ended": _ROOM,
    "room.maker_id": "it is in `creation`, and in the first event of the room",
    "room.members": _ROOM,
    "room.spoken": _ROOM,
    "room.settings": "the room's; those that he wrote are in events",
    "member.user_id": _WHOSE,
    "sanction.user_id": _WHOSE,
    "message.id": _NUMBER,
    "message.hidden": _OTHERS,
    "event.hidden": _OTHERS,
    "reaction.is_on": "only those that are on are shown",
    "reaction.seen": _OTHERS,
    "mention.user_id": _WHOSE,
    "bookmark.id": "a number that only orders them",
    "bookmark.user_id": _WHOSE,
    "pin.user_id": _WHOSE,
    "pin.room_id": _PIN,
    "pin.seq": _PIN,
    "pin.of": _PIN,
    "thread_follower.user_id": _WHOSE,
    "thread_follower.is_unread": "whether others have written behind that",
    "thread_follower.at": _NUMBER,
    "block.user_id": _WHOSE,
    "cid.id": _NUMBER,
    "cid.user_id": _WHOSE,
    "cid.digest": _AGAIN,
    "cid.at": "when the row was written, which `ts` says",
    "creation.id": _NUMBER,
    "creation.user_id": _WHOSE,
    "creation.digest": _AGAIN,
    "session.user_id": _WHOSE,
    "session.link": "made from a secret",
    "session.link_until": "when that ends",
    "invitation.digest": "made from a secret",
    "invitation.maker_id": _WHOSE,
    "invitation_use.user_id": _WHOSE,
    "invitation_use.number": "how many others came before him",
    "token.digest": "made from a secret",
    "token.user_id": _WHOSE,
    "guest.user_id": _WHOSE,
    "guest_address.user_id": _WHOSE,
    "guest_address.address": _DIGEST,
    "guest_address.gone": "when the digest began to be forgotten",
    "audit.id": _AUDIT,
    "audit.ts": _AUDIT,
    "audit.by_id": _AUDIT,
    "audit.what": _AUDIT,
    "audit.user_id": _AUDIT,
    "audit.room_id": _AUDIT,
    "audit.room": _AUDIT,
    "audit.detail": _AUDIT,
    "address_ban.room_id": _BAN,
    "address_ban.user_id": _WHOSE,
    "address_ban.address": _DIGEST,
    "address_ban.at": _BAN,
    "address_ban.until": _BAN,
    "address_ban.reason": _BAN,
}
"""Columns that an export does not have, and why."""

OF_NO_USER = {
    "store": "one row about the store",
    "dent": "where the clock of the machine was put back",
    "former_name": "what rooms were called before, which their events tell",
    "purge": "rooms that have ended, of which something is left to be taken away",
    "erasure": "nobody who is in it is exported",
    "reacted": "how many rows `reaction` has",
    "thread": "how many rows `message` has",
    "thread_writer": "how many of them are whose",
    "message_fts": "the words of `message` once more",
    "sqlite_sequence": "SQLite's own",
}
"""Tables of which an export has nothing, and why."""

ERASED = {
    "member.user_id": "goes",
    "sanction.user_id": "goes",
    "invite.user_id": "goes",
    "invite.sender_id": "goes",
    "message.user_id": "stays: the message is empty, and `seq` must have no hole",
    "event.user_id": "stays: as `message.user_id`",
    "event.subject_id": "stays: what others did is theirs",
    "audit.by_id": "stays: what somebody did to others is the operator's to know",
    "audit.user_id": "stays: as `audit.by_id`, for a year",
    "reaction.user_id": "goes",
    "mention.user_id": "goes",
    "pin.user_id": "goes",
    "bookmark.user_id": "goes",
    "thread_follower.user_id": "goes",
    "thread_writer.user_id": "goes",
    "block.user_id": "goes",
    "block.blocked_id": "goes",
    "cid.user_id": "goes",
    "creation.user_id": "goes",
    "session.user_id": "goes",
    "token.user_id": "goes",
    "erasure.user_id": "goes",
    "room.maker_id": "stays: nobody is told, and the name of a room that went is not"
    " anybody else's",
    "guest.user_id": "goes",
    "guest_address.user_id": "goes",
    "address_ban.user_id": "goes",
    "invitation.maker_id": "goes",
    "invitation_use.user_id": "goes",
}
"""What becomes of a column that says who it is, when that one is erased."""

TO_DO = """
decide about {columns}: the schema has them, and nobody has said whether they are part
of what a user is told or rid of.
* What says anything about a user belongs into an export: yield it in
  chatd/store/sqlite/export.py, name its field in SHOWN (here) and in the table of the
  section "Export and erase" of README.md.
* What does not, or must not be told (a secret, what others keep from him): say why in
  KEPT_BACK, or in OF_NO_USER for a whole table.
* A column that names a user also needs a word in ERASED: "goes", and then _forget or a
  stage of chatd/store/sqlite/erasing.py (and tests/store/model/erasing.py) takes it
  away, or "stays", and why.
Take out of these lists what the schema does not have any more."""

# What each column of one row is, where its type does not say enough. Ann is 1, bob 2.
VALUES: Mapping[str, Any] = {
    "event.is_on": 1,
    "event.subject_id": 1,
    "mention.is_on": 1,
    "reaction.is_on": 1,
    "member.first": 1,
    "sanction.kind": "ban",
    "invite.sender_id": 1,
    "block.blocked_id": 2,
    "cid.unreached": "[2]",
    "message.edited_seq": 3,
    "message.reply_to": 2,
    "message.hidden": 0,
    "event.kind": "react",
    "event.of": 1,
    "event.seq": 3,
    "event.detail": '{"reason":"spam","until":1800000000000}',
    "reaction.of": 1,
    "reaction.seq": 3,
    "mention.of": 1,
    "session.scope": "{}",
    "token.scope": "{}",
    "room.settings": "{}",
    "user.erased": None,
    "room.ended": None,
    "room.name": "@ann,bob",
}
OTHER_VALUES: Mapping[str, Any] = {
    "event.kind": "member",
    "event.user_id": 2,
    "event.seq": 4,
    "message.user_id": 2,
    "invite.user_id": 2,
    "sanction.kind": "mute",
    "user.name": "bob",
}
# What one row of a table cannot show: the other kinds, and what was deleted.
_MORE = """
INSERT INTO event (room_id, seq, ts, user_id, kind, of, detail)
VALUES (1, 5, 1, 1, 'edit', 1, NULL), (1, 6, 1, 1, 'delete', 7, NULL),
       (1, 9, 1, 1, 'room', NULL, ?);
INSERT INTO event (room_id, seq, ts, user_id, kind, change)
VALUES (1, 10, 1, 1, 'room', 'destroy');
INSERT INTO event (room_id, seq, ts, user_id, kind, change, detail)
VALUES (1, 11, 1, 1, 'room', 'rename', '{"name":"tea","was":["hall"]}');
INSERT INTO event (room_id, seq, ts, user_id, kind, change, of, is_on)
VALUES (1, 12, 1, 1, 'room', 'pin', 1, 1);
UPDATE event SET detail = '{"role":"member","reason":"spam","until":1800000000000}'
WHERE kind = 'member';
UPDATE event SET detail = NULL, subject_id = NULL, change = NULL WHERE kind = 'react';
UPDATE event SET of = NULL, emoji = NULL, is_on = NULL WHERE kind = 'member';
INSERT INTO message (room_id, seq, ts, user_id) VALUES (1, 7, 1, 1), (1, 8, 1, 2);
INSERT INTO sanction (room_id, user_id, kind) VALUES (1, 1, 'mute');
INSERT INTO reaction (room_id, of, emoji, user_id, seq, is_on, seen)
VALUES (1, 2, 'x', 2, 4, 1, 1)"""


@pytest.fixture
def filled(tmp_path: Path) -> Path:
    """A data directory with something in every column, of ann and of bob."""
    files.create_database(tmp_path, "a" * 32)
    db = apsw.Connection(str(tmp_path / files.DATABASE))
    migrate.configure(db)
    migrate.migrate(db)
    db.pragma("foreign_keys", False)  # they name rows that come later
    for table in tables(db):
        if table not in OF_NO_USER:
            fill(db, table, 1, VALUES)
            fill(db, table, 2, {**VALUES, **OTHER_VALUES})
    db.execute("UPDATE session SET token = CAST('token.digest-1' AS BLOB)")
    settings = {field.name: 1 for field in attrs.fields(Room)[4:]}
    db.execute(_MORE, (orjson.dumps(settings).decode(),))
    db.close()
    return tmp_path


def fill(db: apsw.Connection, table: str, who: int, values: Mapping[str, Any]) -> None:
    """Insert a row of which each column has a value of its own."""
    row = {}
    for column, kind in columns(db, table):
        made: Any = f"{table}.{column}-{who}"
        if kind == "BLOB":
            made = made.encode()
        elif kind == "INTEGER":
            made = 1 if column == "room_id" else who
        row[column] = values.get(f"{table}.{column}", made)
    row |= {"name": "ann"} if (table, who) == ("user", 1) else {}
    row |= {"user_id": 1} if table == "event" and who == 1 else {}
    names, marks = ", ".join(row), ", ".join("?" * len(row))
    sql = f"INSERT OR IGNORE INTO {table} ({names}) VALUES ({marks})"  # noqa: S608
    db.execute(sql, list(row.values()))


def tables(db: apsw.Connection) -> list[str]:
    """All tables, but those in which FTS5 keeps an index."""
    found = select(db, "SELECT name FROM sqlite_schema WHERE type = 'table'")
    return [name for (name,) in found if not name.startswith("message_fts_")]


def columns(db: apsw.Connection, table: str) -> list[tuple[str, str]]:
    """The names and the types of a table's columns."""
    return [
        (name, kind) for _, name, kind, *_ in db.execute(f"PRAGMA table_info({table})")
    ]


def schema() -> apsw.Connection:
    """An empty database of today."""
    db = apsw.Connection(":memory:")
    migrate.configure(db)
    migrate.migrate(db)
    return db


def fields(records: Iterator[Record]) -> dict[str, set[str]]:
    """Which fields records of each type have."""
    found: dict[str, set[str]] = {}
    for record in records:
        kind = found.setdefault(record.pop("type"), set())
        kind.update(record)
    return found


def test_each_column_is_in_it_or_has_a_reason_not_to_be() -> None:
    """Whoever adds one has to say what of a user it is."""
    db = schema()
    there = {
        f"{table}.{column}"
        for table in tables(db)
        if table not in OF_NO_USER
        for column, _ in columns(db, table)
    }
    decided = SHOWN.keys() | KEPT_BACK.keys()
    assert not SHOWN.keys() & KEPT_BACK.keys()
    assert OF_NO_USER.keys() <= set(tables(db))
    assert there == decided, TO_DO.format(columns=sorted(there ^ decided))


def test_each_column_that_names_a_user_is_decided_for_an_erasure() -> None:
    """By its reference, or by its name."""
    db = schema()
    there = set()
    for table in tables(db):
        for row in db.execute(f"PRAGMA foreign_key_list({table})"):
            if row[2] == "user":
                there.add(f"{table}.{row[3]}")
        there |= {
            f"{table}.user_id" for name, _ in columns(db, table) if name == "user_id"
        }
    assert there == ERASED.keys(), TO_DO.format(columns=sorted(there ^ ERASED.keys()))


def test_what_is_shown_is_there(filled: Path) -> None:
    """Every field that SHOWN names has something of a store that is full."""
    records = list(export(filled, ANN, received=True))
    for column, place in SHOWN.items():
        kind, field = place.split(".")
        said = [record.get(field) for record in records if record["type"] == kind]
        assert any(value is not None for value in said), column


def test_no_secret_is_in_it(filled: Path) -> None:
    """Neither as it is, nor in another form; nor a word that others have written."""
    printed = b"\n".join(map(orjson.dumps, export(filled, ANN, received=True)))
    for column in KEPT_BACK.keys() | {
        "user.password_hash",
        "session.id",
        "session.token",
    }:
        secret = f"{column}-1"
        assert secret.encode() not in printed
        assert secret.encode().hex().encode() not in printed
    printed = b"\n".join(map(orjson.dumps, export(filled, ANN)))
    assert b"message.text-1" in printed
    assert b"message.text-2" not in printed


def test_the_readme_says_exactly_what_is_in_it(filled: Path) -> None:
    """Each type with each of its fields, and nothing else."""
    readme = (Path(__file__).parents[3] / "README.md").read_text()
    section = readme.split("## Export and erase")[1].split("\n## ")[0]
    rows = re.findall(r"^\| (`.*?) \| .*? \| (.*?) \|$", section, re.MULTILINE)
    told = {
        kind: set(re.findall(r"`(.*?)`", named))
        for kinds, named in rows[1:]
        for kind in re.findall(r"`(.*?)`", kinds)
    }
    assert fields(export(filled, ANN, received=True)) == told
    assert {event.type for event in get_args(TimelineEvent)} <= told.keys()


def test_what_goes_has_gone_after_an_erasure(filled: Path) -> None:
    """And what stays is there."""
    db = apsw.Connection(str(filled / files.DATABASE))
    migrate.configure(db)
    with transaction(db):
        db.execute("DELETE FROM erasure")  # two rows of nothing
        erasing.begin(db, ANN, 1, None)
    progress = erasing.steps(db, 1)
    while progress is not None and not progress.is_done:
        progress = erasing.steps(db, 1)
    for column, fate in ERASED.items():
        table, name = column.split(".")
        sql = f"SELECT count(*) FROM {table} WHERE {name} = 1"  # noqa: S608 - two words
        assert bool(select(db, sql)[0][0]) is (fate != "goes"), column
