"""What the core asks the store to make durable, and what the store answers.

A draft is an intent that has passed every rule that memory can decide; the
store's writer executes drafts strictly in the order in which they were given,
each after everything before it, and answers each with one outcome. So whatever
depends on earlier drafts (a `cid` that was seen before, who wrote the message
that is edited, whether a reaction is there already) is decided by the writer,
inside the transaction, where nothing can come between the look and the act.

Drafts without a seq (accounts, sessions, read marks) travel the same way: there
is one writer, one order, one commit.
"""

from __future__ import annotations

from collections.abc import Iterable

from chatd.core.drafts.accounts import (
    BOOKMARKS_MAX,
    AddToken,
    AddUser,
    BanUser,
    ChangePassword,
    EndNamedSession,
    EndSession,
    EndSessions,
    Erased,
    EraseUser,
    GiveRole,
    HoldSession,
    Issued,
    MarkThread,
    NoteAddress,
    OpenSession,
    RecordAct,
    RecordTime,
    RenewSession,
    ResetPassword,
    RevokeToken,
    SaveMarks,
    SetAccountRole,
    SetBlock,
    SetBookmark,
    SetDisplay,
    SetFollow,
    SetPasswordHash,
    UnbanUser,
)
from chatd.core.drafts.admissions import (
    BAD_INVITATION,
    INVITATION_EXPIRED,
    INVITATION_KEEP_MS,
    INVITATION_USED,
    INVITATIONS_MAX,
    AddInvitation,
    Enroll,
    Invited,
    OfferSetup,
    RemoveInvitation,
    SetLink,
    SetPlace,
)
from chatd.core.drafts.outcomes import (
    RETRY_AFTER_S,
    Committed,
    Conflict,
    Duplicate,
    Outcome,
    Refused,
    Stale,
    Trimmed,
)
from chatd.core.drafts.rooms import (
    TRIM_ROWS,
    TRIM_TEXT_BYTES,
    CreateRoom,
    DeclareRoom,
    DropRoom,
    TrimRoom,
)
from chatd.core.drafts.timeline import (
    PINS_MAX,
    REACTION_KINDS_MAX,
    STRANGERS_MAX,
    DeleteMessage,
    DestroyRoom,
    Durable,
    EditMessage,
    Moderate,
    NewMessage,
    Recall,
    RenameRoom,
    SetLevel,
    SetMember,
    SetPin,
    SetReaction,
    SetRoom,
)
from chatd.ids import RoomName

Draft = (
    Durable
    | SetMember
    | SetLevel
    | CreateRoom
    | DeclareRoom
    | DropRoom
    | TrimRoom
    | Recall
    | AddUser
    | SetDisplay
    | SetBlock
    | SetBookmark
    | SetPasswordHash
    | SetAccountRole
    | ChangePassword
    | EraseUser
    | OpenSession
    | HoldSession
    | NoteAddress
    | RenewSession
    | EndSession
    | EndSessions
    | EndNamedSession
    | ResetPassword
    | GiveRole
    | BanUser
    | UnbanUser
    | AddToken
    | RevokeToken
    | SaveMarks
    | SetFollow
    | MarkThread
    | RecordTime
    | RecordAct
    | SetPlace
    | AddInvitation
    | RemoveInvitation
    | Enroll
    | OfferSetup
    | SetLink
)
"""Anything that the store's writer executes."""


def rooms_of(draft: Draft) -> Iterable[RoomName]:
    """The rooms of which a draft says something, by all names that it has for them."""
    if type(draft) is SaveMarks:
        return {room for room, _ in draft.reads}
    if type(draft) is RenameRoom:
        return draft.room, draft.name
    room: RoomName | None = getattr(draft, "room", None)
    return () if room is None else (room,)


__all__ = [
    "BAD_INVITATION",
    "BOOKMARKS_MAX",
    "INVITATIONS_MAX",
    "INVITATION_EXPIRED",
    "INVITATION_KEEP_MS",
    "INVITATION_USED",
    "PINS_MAX",
    "REACTION_KINDS_MAX",
    "RETRY_AFTER_S",
    "STRANGERS_MAX",
    "TRIM_ROWS",
    "TRIM_TEXT_BYTES",
    "AddInvitation",
    "AddToken",
    "AddUser",
    "BanUser",
    "ChangePassword",
    "Committed",
    "Conflict",
    "CreateRoom",
    "DeclareRoom",
    "DeleteMessage",
    "DestroyRoom",
    "Draft",
    "DropRoom",
    "Duplicate",
    "Durable",
    "EditMessage",
    "EndNamedSession",
    "EndSession",
    "EndSessions",
    "Enroll",
    "EraseUser",
    "Erased",
    "GiveRole",
    "HoldSession",
    "Invited",
    "Issued",
    "MarkThread",
    "Moderate",
    "NewMessage",
    "NoteAddress",
    "OfferSetup",
    "OpenSession",
    "Outcome",
    "Recall",
    "RecordAct",
    "RecordTime",
    "Refused",
    "RemoveInvitation",
    "RenameRoom",
    "RenewSession",
    "ResetPassword",
    "RevokeToken",
    "SaveMarks",
    "SetAccountRole",
    "SetBlock",
    "SetBookmark",
    "SetDisplay",
    "SetFollow",
    "SetLevel",
    "SetLink",
    "SetMember",
    "SetPasswordHash",
    "SetPin",
    "SetPlace",
    "SetReaction",
    "SetRoom",
    "Stale",
    "TrimRoom",
    "Trimmed",
    "UnbanUser",
    "rooms_of",
]
