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

from chatd.core.drafts.accounts import (
    AddUser,
    ChangePassword,
    EndNamedSession,
    EndSession,
    EndSessions,
    EraseUser,
    KeepPosition,
    NoteAddress,
    OpenSession,
    RecordTime,
    RenewSession,
    SaveMarks,
    SetAccountRole,
    SetBlock,
    SetDisplay,
    SetPasswordHash,
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
    Committed,
    Conflict,
    Duplicate,
    Outcome,
    Refused,
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
    SetMember,
    SetReaction,
    SetRoom,
)

Draft = (
    Durable
    | SetMember
    | CreateRoom
    | DeclareRoom
    | DropRoom
    | TrimRoom
    | Recall
    | AddUser
    | SetDisplay
    | SetBlock
    | SetPasswordHash
    | SetAccountRole
    | ChangePassword
    | EraseUser
    | OpenSession
    | NoteAddress
    | RenewSession
    | EndSession
    | EndSessions
    | EndNamedSession
    | KeepPosition
    | SaveMarks
    | RecordTime
    | SetPlace
    | AddInvitation
    | RemoveInvitation
    | Enroll
    | OfferSetup
    | SetLink
)
"""Anything that the store's writer executes."""

__all__ = [
    "BAD_INVITATION",
    "INVITATIONS_MAX",
    "INVITATION_EXPIRED",
    "INVITATION_KEEP_MS",
    "INVITATION_USED",
    "REACTION_KINDS_MAX",
    "STRANGERS_MAX",
    "TRIM_ROWS",
    "TRIM_TEXT_BYTES",
    "AddInvitation",
    "AddUser",
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
    "Invited",
    "KeepPosition",
    "Moderate",
    "NewMessage",
    "NoteAddress",
    "OfferSetup",
    "OpenSession",
    "Outcome",
    "Recall",
    "RecordTime",
    "Refused",
    "RemoveInvitation",
    "RenameRoom",
    "RenewSession",
    "SaveMarks",
    "SetAccountRole",
    "SetBlock",
    "SetDisplay",
    "SetLink",
    "SetMember",
    "SetPasswordHash",
    "SetPlace",
    "SetReaction",
    "SetRoom",
    "TrimRoom",
    "Trimmed",
]
