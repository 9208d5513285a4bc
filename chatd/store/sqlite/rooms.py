"""Drafts about rooms: their beginning, their settings, who is in them and how.

The rights were looked at by the chat, whose barriers see to it that nothing
changed since; what is looked at here is only whether there is something to do.
Settings are changed by durable commands with a cid; joins and leaves have none.
"""

from __future__ import annotations

from typing import Any

import attrs
import orjson

from chatd.core.changes import LevelSet, MemberSet, RoomDeclared, SettingsSet
from chatd.core.drafts import (
    Committed,
    Conflict,
    CreateRoom,
    DeclareRoom,
    Duplicate,
    Outcome,
    Refused,
    SetLevel,
    SetMember,
    SetRoom,
)
from chatd.core.settings import RoomSettings
from chatd.enums import MemberChange, Role
from chatd.ids import Cid, Seq
from chatd.store import answers
from chatd.store.digest import creation_digest, is_creation_retry
from chatd.store.sqlite.ledger import Ledger, RoomCell
from chatd.store.sqlite.timeline import add_event, durable
from chatd.wire.events import Member, Millis, Room

# Each is given `now` whether it needs it or not: they stand in one table.
# ruff: noqa: ARG001


def create_room(ledger: Ledger, draft: CreateRoom, now: Millis) -> Outcome:
    """Create a room with its first members; one that exists stays as it is."""
    known = recall_creation(ledger, draft)
    if known is not None:
        return known
    if ledger.room(draft.room) is not None:
        return Duplicate()
    maker = ledger.user(draft.maker) if draft.maker is not None else None
    before = ledger.room_ever(draft.room)
    # Whoever has the configuration gives names out as he wants.
    is_free = draft.by_operator or not draft.members
    if not (before is None or is_free or ledger.is_left_to(before, maker)):
        return answers.ROOM_ENDED
    if draft.distinct and ledger.room_looks_taken(draft.skeleton, before or 0):
        return answers.ROOM_LOOKS_TAKEN
    users = {name: ledger.user(name) for name in draft.members}
    if None in users.values():
        return answers.NO_USER
    if before is not None:
        ledger.release_name(before, draft.room)
    settings = dump_settings(draft.settings)
    ledger.db.execute(
        "INSERT INTO room (name, skeleton, epoch, settings, maker_id)"
        " VALUES (?, ?, ?, ?, ?)",
        (draft.room, draft.skeleton, draft.epoch, settings, maker),
    )
    room = ledger.room(draft.room)
    assert room is not None
    event = None
    if draft.event and users:
        name, role = next(iter(draft.members.items()))
        user = users[name]
        assert user is not None
        join = SetMember(draft.room, name, role, event=True)
        event = _add_own_event(ledger, join, room, user, now, MemberChange.JOIN)
    ledger.db.executemany(
        "INSERT INTO member (room_id, user_id, role, read, first)"
        " VALUES (?, ?, ?, ?, 1)",
        [
            (room.id, users[name], role, room.head)
            for name, role in draft.members.items()
        ],
    )
    creator = _creator(ledger, draft)
    if creator is not None:
        ledger.db.execute(
            "INSERT INTO creation (user_id, cid, digest, room_id, at)"
            " VALUES (?, ?, ?, ?, ?)",
            (*creator, creation_digest(draft), room.id, ledger.certain),
        )
    return Committed((answers.made(draft, event),))


def _creator(ledger: Ledger, draft: CreateRoom) -> tuple[int, Cid] | None:
    """Whose cid it is, where there is one."""
    for name in draft.members:
        user = ledger.user(name)
        return None if user is None or draft.cid is None else (user, draft.cid)
    return None


def recall_creation(ledger: Ledger, draft: CreateRoom) -> Outcome | None:
    """Which room the draft's cid made before; None if none."""
    creator = _creator(ledger, draft)
    if creator is None:
        return None
    row = ledger.one(
        "SELECT c.digest, r.name FROM creation c JOIN room r ON r.id = c.room_id"
        " WHERE c.user_id = ? AND c.cid = ?",
        *creator,
    )
    if row is None:
        return None
    same = is_creation_retry(row[0], draft)
    return Duplicate(room=row[1]) if same else Conflict()


def declare_room(ledger: Ledger, draft: DeclareRoom, now: Millis) -> Outcome:
    """Keep a declared room's settings as they are declared."""
    room = ledger.room(draft.room)
    if room is None:
        return answers.NO_ROOM
    _write_settings(ledger, room, draft.settings)
    return Committed((RoomDeclared(draft.room, draft.settings),))


def set_room(ledger: Ledger, draft: SetRoom, now: Millis) -> Outcome:
    """Change some of a room's settings."""
    return durable(ledger, draft, lambda r, u: _set_room(ledger, draft, r, u, now))


def _set_room(
    ledger: Ledger, draft: SetRoom, room: RoomCell, user: int, now: Millis
) -> Outcome:
    (text,) = ledger.one("SELECT settings FROM room WHERE id = ?", room.id)
    before = load_settings(text)
    after = before.with_(draft.changes)
    changes = after.since(before)
    if not changes:
        return Duplicate(room.head, room.last_ts)
    _write_settings(ledger, room, after)
    seq, ts = add_event(
        ledger, room, user, now, kind="room", detail=orjson.dumps(changes).decode()
    )
    event = Room(room.name, seq, ts, draft.user, **changes)
    return Committed((SettingsSet(changes, event),))


def _write_settings(ledger: Ledger, room: RoomCell, settings: RoomSettings) -> None:
    ledger.db.execute(
        "UPDATE room SET settings = ? WHERE id = ?", (dump_settings(settings), room.id)
    )


def dump_settings(settings: RoomSettings) -> str:
    """What the database has of a room's settings."""
    return orjson.dumps(settings.changed()).decode()


def load_settings(text: str) -> RoomSettings:
    """A room's settings from the database."""
    return RoomSettings(**orjson.loads(text))


# --- one's own membership ---------------------------------------------------


def set_member(ledger: Ledger, draft: SetMember, now: Millis) -> Outcome:
    """Change a membership, with or without an event."""
    found = ledger.locate(draft.room, draft.user)
    if isinstance(found, Refused):
        return found
    room, user = found
    if draft.may_own and draft.event and _is_empty(ledger, room):
        draft = attrs.evolve(draft, role=Role.OWNER)
    row = ledger.one(
        "SELECT role, first FROM member WHERE room_id = ? AND user_id = ?",
        *(room.id, user),
    )
    before, first = row or (None, 1)
    if before == draft.role:
        same = MemberSet(room.name, draft.user, draft.role, Seq(first))
        return Duplicate(changes=(same,))
    if (
        draft.role is None
        and before == Role.OWNER
        and _is_last_owner(ledger, room, user)
    ):
        return answers.NO_OWNER_LEFT
    event = None
    if draft.event:
        change = MemberChange.ROLE if before else MemberChange.JOIN
        if draft.role is None:
            change = MemberChange.LEAVE
        event = _add_own_event(ledger, draft, room, user, now, change)
    if draft.role is None:
        remove_member(ledger, room, user)
    elif before is not None:
        set_role(ledger, room, user, draft.role)
    else:
        first = room.head + (not draft.event) if draft.since_join else 1
        ledger.db.execute(
            "INSERT INTO member (room_id, user_id, role, read, first)"
            " VALUES (?, ?, ?, ?, ?)",
            (room.id, user, draft.role, room.head, first),
        )
        _remove_invite(ledger, room, user)
        remove_sanction(ledger, room, user, "ban")  # one that has lapsed
    changed = MemberSet(room.name, draft.user, draft.role, Seq(first), event)
    return Committed((changed,))


def set_level(ledger: Ledger, draft: SetLevel, now: Millis) -> Outcome:
    """Keep what a member wants to be called for."""
    found = ledger.locate(draft.room, draft.user)
    if isinstance(found, Refused):
        return found
    room, user = found
    changed = (LevelSet(room.name, draft.user, draft.level),)
    row = ledger.one(
        "SELECT level FROM member WHERE room_id = ? AND user_id = ?", room.id, user
    )
    if row is None:
        return answers.NOT_MEMBER
    if row[0] == draft.level:
        return Duplicate(changes=changed)
    ledger.db.execute(
        "UPDATE member SET level = ? WHERE room_id = ? AND user_id = ?",
        (draft.level, room.id, user),
    )
    return Committed(changed)


def _is_empty(ledger: Ledger, room: RoomCell) -> bool:
    """Whether nobody is in a room."""
    sql = "SELECT 1 FROM member WHERE room_id = ? LIMIT 1"
    return ledger.one(sql, room.id) is None


def _is_last_owner(ledger: Ledger, room: RoomCell, user: int) -> bool:
    """Whether others would stay without an owner if this one left."""
    has_others, has_owner = ledger.one(
        "SELECT EXISTS (SELECT 1 FROM member WHERE room_id = ?1 AND user_id <> ?2),"
        " EXISTS (SELECT 1 FROM member"
        " WHERE room_id = ?1 AND user_id <> ?2 AND role = 'owner')",
        room.id,
        user,
    )
    return bool(has_others) and not has_owner


def _add_own_event(
    ledger: Ledger,
    draft: SetMember,
    room: RoomCell,
    user: int,
    now: Millis,
    change: MemberChange,
) -> Member:
    """Tell the timeline of a membership that its own user has changed."""
    detail = {} if draft.role is None else {"role": draft.role}
    seq, ts = add_member_event(ledger, room, user, now, user, change, detail)
    return Member(room.name, seq, ts, draft.user, draft.user, change, draft.role)


def add_member_event(
    ledger: Ledger,
    room: RoomCell,
    user: int,
    now: Millis,
    subject: int,
    change: MemberChange,
    detail: dict[str, Any],
) -> tuple[Seq, Millis]:
    """Add to a timeline what somebody did to a member, or to himself."""
    return add_event(
        ledger,
        room,
        user,
        now,
        kind="member",
        subject_id=subject,
        change=change,
        detail=orjson.dumps(detail).decode() if detail else None,
    )


def set_role(ledger: Ledger, room: RoomCell, user: int, role: Role) -> None:
    """Give a member another role in a room."""
    ledger.db.execute(
        "UPDATE member SET role = ? WHERE room_id = ? AND user_id = ?",
        (role, room.id, user),
    )


def remove_member(ledger: Ledger, room: RoomCell, user: int) -> None:
    """Let somebody be no member any more."""
    ledger.db.execute(
        "DELETE FROM member WHERE room_id = ? AND user_id = ?", (room.id, user)
    )


def _remove_invite(ledger: Ledger, room: RoomCell, user: int) -> None:
    ledger.db.execute(
        "DELETE FROM invite WHERE room_id = ? AND user_id = ?", (room.id, user)
    )


def remove_sanction(ledger: Ledger, room: RoomCell, user: int, kind: str) -> None:
    """Lift somebody's ban or mute."""
    ledger.db.execute(
        "DELETE FROM sanction WHERE room_id = ? AND user_id = ? AND kind = ?",
        (room.id, user, kind),
    )
