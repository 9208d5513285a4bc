"""What each column of a store may hold, for rows that come from outside.

The daemon reads its rows without looking at them again: what is there it has written
itself. Rows that are imported may come from anywhere, so each value is looked at first:
its type, its bounds, the words of its enumeration, the form of a name, the keys of
JSON. What a text says is not judged again, or a store of an older chatd, whose rules
were others, could not be moved.

A column is described once, whatever the schema; those of older ones are at the end.
What rows say of each other is in `chatd.store.sqlite.relations`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from chatd.core.settings import NAMES as SETTINGS
from chatd.enums import (
    AccountRole,
    Audited,
    InvitedRole,
    Level,
    LogLevel,
    MemberChange,
    Post,
    Role,
    Visibility,
)
from chatd.ids import (
    CID_CHARS_MAX,
    DISPLAY_CHARS_MAX,
    OPERATOR,
    is_guest,
    parse_epoch,
    parse_session_tag,
)
from chatd.names import UNICODE
from chatd.store.digest import DIGEST_BYTES
from chatd.store.sqlite.erasing import STAGES
from chatd.store.sqlite.values import (
    Check,
    any_object,
    boolean,
    json,
    like,
    list_of,
    object_of,
    octets,
    optional,
    spelled,
    text,
    whole,
    word,
)
from chatd.wire.fields import INVITATION_USES_MAX, KEEP_MAX, SLOW_S_MAX
from chatd.wire.text import EMOJI_CHARS_MAX, LINE_CHARS_MAX

Row = Mapping[str, Any]
"""The values of a row, by column."""

MILLIS_MAX = 253_402_300_799_999
"""The last moment of the year 9999. Source: RFC 3339 has four digits for the year."""
SECRET_BYTES = 32
"""Of what is kept of a secret. Source: SHA-256."""
LOOK_CHARS_MAX = 4096
"""Of what a name looks like, and of a password's hash: more than any has."""


class BadField(Exception):
    """A field of a row is not what it may be.

    Attributes:
        field: Its name.
        reason: What was expected, or what it contradicts.
    """

    def __init__(self, field: str, reason: object) -> None:
        super().__init__(f"{field}: {reason}")
        self.field, self.reason = field, str(reason)


def check_row(table: str, row: Row) -> None:
    """Look at the values of a row, each by itself, and at what they say together.

    Args:
        table: The row's table.
        row: Its values as they are to be stored, of all columns that its schema has.

    Raises:
        BadField: One may not be there.
    """
    for column, value in row.items():
        _expect(column, described(table, column), value)
    check = _TOGETHER.get(table)
    if check is not None:
        check(row)


def described(table: str, column: str) -> Check:
    """Say what a column may hold.

    Raises:
        KeyError: Nobody has described it.
    """
    return COLUMNS.get(f"{table}.{column}") or COLUMNS[column]


def _expect(field: str, check: Check, value: object) -> None:
    try:
        check(value)
    except ValueError as error:
        raise BadField(field, error) from None


_ID, _SEQ, _COUNT, _FLAG = whole(1), whole(1), whole(0), whole(0, 1)
_MILLIS = whole(0, MILLIS_MAX)
_LINE, _LOOK = text(0, LINE_CHARS_MAX), text(0, LOOK_CHARS_MAX)
_SECRET, _DIGEST = octets(SECRET_BYTES), octets(DIGEST_BYTES)
_ROOM = spelled(UNICODE.room)


def _user(value: Any) -> None:
    if value != OPERATOR:
        spelled(UNICODE.user)(value)


def _room_ever(value: Any) -> None:
    """A room's name, or what stands for one that was given to another room."""
    if type(value) is not str or not re.fullmatch(r"![0-9]+", value):
        _ROOM(value)


_SETTINGS: Mapping[str, Check] = {
    "topic": _LINE,
    "title": _LINE,
    "post": word(Post),
    "history": word(Visibility),
    "slow_s": whole(0, SLOW_S_MAX),
    "keep_days": whole(0, KEEP_MAX),
    "keep_messages": whole(0, KEEP_MAX),
    "archived": boolean,
}
assert tuple(_SETTINGS) == SETTINGS
_ACT = {"role": word(Role), "until": _MILLIS, "reason": _LINE}
_RENAMED = {"name": _ROOM, "was": list_of(_ROOM)}
AUDITED: Mapping[str, Check] = {
    "role": _LINE,
    "until": _MILLIS,
    "reason": _LINE,
    "of": _SEQ,
    "name": _LINE,
    "keys": list_of(_LINE),
    "connection": _ID,
    "session": spelled(parse_session_tag),
    "token": _ID,
    "invitation": _ID,
    "level": word(LogLevel),
    "text": text(0),
}
"""What the `detail` of an entry of the audit may have."""

COLUMNS: Mapping[str, Check] = {
    # What is the same in each table that has it.
    "id": _ID,
    "room_id": _ID,
    "user_id": _ID,
    "seq": _SEQ,
    "of": _SEQ,
    "root": _SEQ,
    "ts": _MILLIS,
    "at": _MILLIS,
    "created": _MILLIS,
    "until": optional(_MILLIS),
    "expires": optional(_MILLIS),
    "reason": optional(_LINE),
    "skeleton": optional(_LOOK),
    "cid": text(1, CID_CHARS_MAX),
    "digest": _SECRET,
    "scope": optional(json(any_object)),
    "emoji": text(1, EMOJI_CHARS_MAX),
    "hidden": _FLAG,
    "is_on": _FLAG,
    # What is a table's own.
    "store.one": whole(1, 1),
    "store.id": like("[0-9a-f]{32}", "32 hexadecimal digits"),
    "store.generation": _COUNT,
    "store.indexed": _COUNT,
    "store.fold": _LINE,
    "store.certain": optional(_MILLIS),
    "store.place": optional(_LINE),
    "store.setup": optional(_SECRET),
    "store.merge_due": optional(_MILLIS),
    "user.name": _user,
    "user.display": text(1, DISPLAY_CHARS_MAX),
    "user.role": word(AccountRole),
    "user.password_hash": optional(_LOOK),
    "user.banned_at": optional(_MILLIS),
    "user.banned_until": optional(_MILLIS),
    "user.ban_reason": optional(_LINE),
    "user.erased": optional(word(["begun", "done"])),
    "room.name": _room_ever,
    "room.epoch": spelled(parse_epoch),
    "room.head": _COUNT,
    "room.first": _SEQ,
    "room.last_ts": _MILLIS,
    "room.settings": json(object_of(_SETTINGS)),
    "room.ended": optional(_MILLIS),
    "room.maker_id": optional(_ID),
    "room.members": _COUNT,
    "room.spoken": _FLAG,
    "member.role": word(Role),
    "member.read": _COUNT,
    "member.first": _SEQ,
    "member.level": word(Level),
    "sanction.kind": word(["ban", "mute"]),
    "invite.sender_id": _ID,
    "invite.closed_until": optional(_MILLIS),
    "message.reply_to": optional(_SEQ),
    "message.edited_seq": optional(_SEQ),
    "message.cid": optional(text(1, CID_CHARS_MAX)),
    "message.text": optional(text(1)),
    "message.thread": optional(_SEQ),
    "event.kind": word(["edit", "delete", "react", "member", "room"]),
    "event.of": optional(_SEQ),
    "event.emoji": optional(text(1, EMOJI_CHARS_MAX)),
    "event.is_on": optional(_FLAG),
    "event.subject_id": optional(_ID),
    "event.change": optional(word([*MemberChange, "rename", "pin", "destroy"])),
    "event.detail": optional(json(any_object)),
    "reaction.seen": optional(_SEQ),
    "reacted.users": _ID,
    "mention.user_id": _COUNT,
    "pin.user_id": _COUNT,
    "thread.replies": _COUNT,
    "thread.newest": _COUNT,
    "thread_writer.written": _ID,
    "thread_writer.shown": _COUNT,
    "thread_writer.since": _SEQ,
    "thread_follower.read": _COUNT,
    "thread_follower.is_unread": _FLAG,
    "thread_follower.at": _ID,
    "block.blocked_id": _ID,
    "cid.digest": _DIGEST,
    "cid.seq": _COUNT,
    "cid.unreached": optional(json(list_of(_ID))),
    "creation.digest": _DIGEST,
    "session.id": _SECRET,
    "session.token": optional(_SECRET),
    "session.idle_since": optional(_MILLIS),
    "session.device": optional(text(0, DISPLAY_CHARS_MAX)),
    "session.link": optional(_SECRET),
    "session.link_until": optional(_MILLIS),
    "token.name": _LINE,
    "guest_address.address": _DIGEST,
    "guest_address.gone": optional(_MILLIS),
    "address_ban.room_id": _COUNT,
    "address_ban.address": _DIGEST,
    "invitation.maker_id": optional(_ID),
    "invitation.room_id": optional(_ID),
    "invitation.role": word(InvitedRole),
    "invitation.uses": whole(1, INVITATION_USES_MAX),
    "invitation.used": _COUNT,
    "invitation.expires": _MILLIS,
    "invitation_use.invitation_id": _ID,
    "invitation_use.number": _ID,
    "dent.is_sure": _FLAG,
    "former_name.name": _ROOM,
    "purge.due": _MILLIS,
    "erasure.name": _user,
    "erasure.stage": word(STAGES),
    "erasure.room": _COUNT,
    "erasure.at": _COUNT,
    "erasure.messages": _COUNT,
    "erasure.reactions": _COUNT,
    "audit.by_id": _ID,
    "audit.what": word(Audited),
    "audit.user_id": optional(_ID),
    "audit.room_id": optional(_ID),
    "audit.room": optional(_LINE),
    "audit.detail": optional(json(object_of(AUDITED))),
    "sqlite_sequence.name": _LINE,
    "sqlite_sequence.seq": _COUNT,
    # Of older schemas: a migration takes it away.
    "store.merging": _FLAG,
    "erasure.by_hand": _FLAG,
    "revision.kind": text(0),
    "revision.user": text(0),
    "revision.token": optional(_SECRET),
    "revision.session": optional(_SECRET),
    "change.position": _ID,
    "change.kind": text(0),
    "change.body": text(0),
    "reader.name": text(0),
    "reader.position": _COUNT,
}
"""What may be in a column, by its name, or by its table's and its own."""

# --- what values say together -------------------------------------------------------

_SAID = ("of", "emoji", "is_on", "subject_id", "change")


def _has_only(row: Row, *there: str) -> None:
    """Refuse an event that lacks one of these values, or has another that events have.

    Raises:
        BadField: It does.
    """
    for field in _SAID:
        if row[field] is None and field in there:
            raise BadField(field, "it is missing")
        if row[field] is not None and field not in there:
            raise BadField(field, "such an event has none")


def _check_event(row: Row) -> None:
    """What an event says depends on its kind, and on its change."""
    kind, change = row["kind"], row["change"]
    detail = {} if row["detail"] is None else orjson.loads(row["detail"])
    keys: Mapping[str, Check] = {}
    if kind in {"edit", "delete"}:
        _has_only(row, "of")
    elif kind == "react":  # of one that was taken away with its message less is left
        _has_only(row, "of", *(() if row["emoji"] is None else ("emoji", "is_on")))
    elif kind == "member":
        _has_only(row, "subject_id", "change")
        _expect("change", word(MemberChange), change)
        keys = _ACT
    elif change == "pin":
        _has_only(row, "of", "is_on", "change")
    elif change == "destroy":
        _has_only(row, "change")
    elif change == "rename":
        _has_only(row, "change")
        keys = _RENAMED
        if detail.keys() != keys.keys():
            raise BadField("detail", 'expected "name" and "was"')
    else:
        _has_only(row)
        keys = _SETTINGS
    _expect("detail", object_of(keys), detail)


def _check_user(row: Row) -> None:
    is_nobodys = is_guest(row["name"]) or row["name"] == OPERATOR
    if (row["role"] == AccountRole.GUEST) is not is_nobodys:
        raise BadField("role", "it is not that of such a name")


def _check_room(row: Row) -> None:
    if row["first"] > row["head"] + 1:
        raise BadField("first", "it is behind the head")


def _check_message(row: Row) -> None:
    for field in ("reply_to", "thread"):
        if (row.get(field) or 0) >= row["seq"]:
            raise BadField(field, "it is not before the reply")


def _check_mention(row: Row) -> None:
    if row.get("of", 0) > row["seq"]:
        raise BadField("of", "it is behind what has told of it")


def _check_reaction(row: Row) -> None:
    if "seen" in row and row["seen"] is None and not row["is_on"]:
        raise BadField("is_on", "nobody sees it")


def _check_writer(row: Row) -> None:
    if row["shown"] > row["written"]:
        raise BadField("shown", "it is more than was written")


def _check_session(row: Row) -> None:
    if (row.get("link") is None) is not (row.get("link_until") is None):
        raise BadField("link_until", "a link has an end, and nothing else has one")


def _check_invitation(row: Row) -> None:
    if row["used"] > row["uses"]:
        raise BadField("used", "it is more than its uses")


_TOGETHER: Mapping[str, Callable[[Row], None]] = {
    "event": _check_event,
    "user": _check_user,
    "room": _check_room,
    "message": _check_message,
    "mention": _check_mention,
    "reaction": _check_reaction,
    "thread_writer": _check_writer,
    "session": _check_session,
    "invitation": _check_invitation,
}
