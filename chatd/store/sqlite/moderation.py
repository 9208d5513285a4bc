"""Acts of moderation: changes of what another user may do in a room.

They are durable commands with a cid. The core has checked the rights, and its barriers
ensure that these have not changed since; here it is only checked whether there is
something to do.
"""

from __future__ import annotations

from typing import Any

from chatd.core.changes import Moderated
from chatd.core.drafts import Committed, Duplicate, Moderate, Outcome
from chatd.core.entities import HOLD_OFF_MS, Sanction
from chatd.enums import MemberChange, Role
from chatd.ids import is_guest
from chatd.store import answers
from chatd.store.sqlite import addresses
from chatd.store.sqlite.ledger import Ledger, RoomCell
from chatd.store.sqlite.rooms import (
    add_member_event,
    remove_member,
    remove_sanction,
    set_role,
)
from chatd.store.sqlite.timeline import durable
from chatd.wire.events import Member, Millis


def moderate(ledger: Ledger, draft: Moderate, now: Millis) -> Outcome:
    """Change what another user may do in a room."""
    return durable(ledger, draft, lambda r, u: _moderate(ledger, draft, r, u, now))


def _moderate(
    ledger: Ledger, draft: Moderate, room: RoomCell, user: int, now: Millis
) -> Outcome:
    target = ledger.user(draft.target)
    if target is None:
        return answers.NO_USER
    row = ledger.one(
        "SELECT role FROM member WHERE room_id = ? AND user_id = ?", room.id, target
    )
    role = row[0] if row else None
    if draft.change in (MemberChange.KICK, MemberChange.ROLE) and role is None:
        return answers.NOT_IN_ROOM
    if role is None and is_guest(draft.target):
        # Of one who has gone only his address may be of use still.
        if draft.change in (MemberChange.INVITE, MemberChange.MUTE) and not ledger.one(
            "SELECT 1 FROM session WHERE user_id = ?", target
        ):
            return answers.NO_USER
        is_ban = draft.change == MemberChange.BAN
        if is_ban and not addresses.is_known(ledger, target):
            return answers.NO_USER
    if _is_done(ledger, draft, room, target, role, now):
        return Duplicate(room.head, room.last_ts)
    seconds = draft.seconds
    until = None if seconds is None else room.stamp(now) + seconds * 1000
    said = {"role": draft.role, "until": until, "reason": draft.reason}
    detail: dict[str, Any] = {
        n: value for n, value in said.items() if value is not None
    }
    seq, ts = add_member_event(ledger, room, user, now, target, draft.change, detail)
    _apply(ledger, draft, room, user, target, until, ts)
    barred = None
    if draft.change == MemberChange.BAN:
        barred = addresses.bar(
            ledger,
            (target, draft.target),
            room.id,
            Sanction(until, draft.reason),
            ledger.certain,
        )
    elif draft.change == MemberChange.UNBAN:
        addresses.unbar(ledger, target, room.id)
    sender, target_name = draft.user, draft.target
    event = Member(room.name, seq, ts, sender, target_name, draft.change, **detail)
    return Committed((Moderated(event, barred),))


def _is_done(
    ledger: Ledger,
    draft: Moderate,
    room: RoomCell,
    target: int,
    role: Role | None,
    now: Millis,
) -> bool:
    """Whether the act would change nothing."""
    match draft.change:
        case MemberChange.INVITE:
            return role is not None or _is_invited(ledger, room, target, now)
        case MemberChange.UNINVITE | MemberChange.DECLINE:
            return not _is_invited(ledger, room, target, now)
        case MemberChange.ROLE:
            return role == draft.role
        case MemberChange.BAN | MemberChange.MUTE:
            held = _sanction(ledger, room, target, draft.change)
            same = held == (None, draft.reason) and draft.seconds is None
            return same and (draft.change == MemberChange.MUTE or role is None)
        case MemberChange.UNBAN | MemberChange.UNMUTE:
            return _sanction(ledger, room, target, draft.change[2:]) is None
    return False


def _apply(
    ledger: Ledger,
    draft: Moderate,
    room: RoomCell,
    user: int,
    target: int,
    until: Millis | None,
    ts: Millis,
) -> None:
    match draft.change:
        case MemberChange.INVITE:
            ledger.db.execute(
                "INSERT INTO invite (room_id, user_id, sender_id, ts)"
                " VALUES (?, ?, ?, ?) ON CONFLICT (room_id, user_id) DO UPDATE SET"
                " sender_id = excluded.sender_id, ts = excluded.ts,"
                " closed_until = NULL",
                (room.id, target, user, ts),
            )
        case MemberChange.UNINVITE | MemberChange.DECLINE:
            _close_invite(ledger, room, target, draft.change, ts)
        case MemberChange.KICK:
            remove_member(ledger, room, target)
        case MemberChange.BAN:
            remove_member(ledger, room, target)
            _close_invite(ledger, room, target, draft.change, ts)
        case MemberChange.UNBAN | MemberChange.UNMUTE:
            remove_sanction(ledger, room, target, draft.change[2:])
        case MemberChange.ROLE:
            assert draft.role is not None
            set_role(ledger, room, target, draft.role)
    if draft.change in (MemberChange.BAN, MemberChange.MUTE):
        ledger.db.execute(
            "INSERT INTO sanction (room_id, user_id, kind, until, reason)"
            " VALUES (?, ?, ?, ?, ?) ON CONFLICT (room_id, user_id, kind)"
            " DO UPDATE SET until = excluded.until, reason = excluded.reason",
            (room.id, target, draft.change, until, draft.reason),
        )


def _sanction(ledger: Ledger, room: RoomCell, user: int, kind: str) -> Any:
    """Until when and why, or None."""
    return ledger.one(
        "SELECT until, reason FROM sanction"
        " WHERE room_id = ? AND user_id = ? AND kind = ?",
        room.id,
        user,
        kind,
    )


def _is_invited(ledger: Ledger, room: RoomCell, user: int, now: Millis) -> bool:
    """Whether an invitation of the user is open."""
    row = ledger.one(
        "SELECT ts FROM invite"
        " WHERE room_id = ? AND user_id = ? AND closed_until IS NULL",
        room.id,
        user,
    )
    return row is not None and not answers.lapsed(row[0], now)


def _close_invite(
    ledger: Ledger, room: RoomCell, user: int, change: MemberChange, ts: Millis
) -> None:
    ledger.db.execute(
        "UPDATE invite SET"
        " closed_until = CASE WHEN closed_until > ?1 THEN closed_until ELSE ?1 END"
        " WHERE room_id = ?2 AND user_id = ?3",
        (ts + HOLD_OFF_MS[change], room.id, user),
    )
