"""All that a client may ask: one class for each `type` of the protocol.

A command is an intent in the imperative. It carries what the client sent, parsed and
within its bounds, and nothing else: the hub knows who sent it, and when.
`chatd.wire.codec` makes these from bytes; the classes are the single description of
what is accepted, so a field's type here is its check there (the NewTypes of `chatd.ids`
and `chatd.wire.kinds` each have one).

The classes are grouped by what they are about, and a group has one name: those that
`chatd.wire.rooms` describes are carried out in `chatd.core.commands.rooms`.

`id` is the client's own label for the reply; None means that it gave none.
"""

from __future__ import annotations

from typing import get_args

from chatd.wire.accounts import DeleteAccount, Password, Refresh, Register
from chatd.wire.admissions import CreateInvitation, Invitations, Link, RevokeInvitation
from chatd.wire.ephemeral import Read, Status, Typing
from chatd.wire.moderation import (
    Ban,
    Decline,
    Invite,
    Kick,
    Mute,
    SetRole,
    Standing,
    Unban,
    Unmute,
)
from chatd.wire.operator import OperatorCommand
from chatd.wire.place import About, NamePlace, Ping
from chatd.wire.rooms import (
    Create,
    Destroy,
    Join,
    Leave,
    Notify,
    Rename,
    Rooms,
    SetRoom,
    Who,
)
from chatd.wire.sessions import Hello, Logout, Sessions
from chatd.wire.threads import Follow, Threads
from chatd.wire.timeline import (
    Bookmark,
    Bookmarks,
    Delete,
    Edit,
    History,
    Pin,
    Pins,
    React,
    Reactions,
    Search,
    Send,
)
from chatd.wire.users import Block, Blocks, Profile, Unblock

Command = (
    Hello
    | Join
    | Leave
    | Notify
    | Send
    | Edit
    | Delete
    | React
    | Pin
    | Bookmark
    | Create
    | SetRoom
    | Rename
    | Destroy
    | Invite
    | Decline
    | Kick
    | Ban
    | Unban
    | Mute
    | Unmute
    | SetRole
    | Standing
    | Typing
    | Status
    | Read
    | Profile
    | Block
    | Unblock
    | Blocks
    | History
    | Reactions
    | Pins
    | Bookmarks
    | Follow
    | Threads
    | Search
    | Who
    | Rooms
    | Ping
    | About
    | NamePlace
    | Logout
    | Sessions
    | Register
    | Password
    | DeleteAccount
    | Refresh
    | Link
    | CreateInvitation
    | Invitations
    | RevokeInvitation
    | OperatorCommand
)
"""Any command."""

DURABLE = frozenset(
    command.type for command in get_args(Command) if hasattr(command, "cid")
)
"""Types of commands that are carried out once however often sent: they have a `cid`.
Source: protocol section 4."""
