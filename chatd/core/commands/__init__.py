"""The rules as a table: each command, what must hold before it, what it does.

A group of commands has one name here and on the wire: those that `chatd.wire.rooms`
describes are carried out in `chatd.core.commands.rooms`.

`RULES` is read by `chatd.core.machine`, which checks every precondition in one
place and in one order; the functions named here are small and may rely on them:

* `hello`: may come before one has said who one is (`about`, `register`, itself).
* `member`: the command names a room, and its user must be a member of it.
* `settles`: waits until this connection's open durable commands are answered,
  so that it takes effect after them, as it was sent after them.
* `draft`: the command is durable; this makes the draft that is appended when
  `run` has not refused, and has not appended it by itself. A refusal then keeps its
  place among the replies, and a `cid` is looked up before it is believed.
* `complete`: adds to the draft what is dear to find out, when it is appended; one by
  which only a `cid` is looked up has no need of it. It cannot refuse: `run` does.
* `barrier`: it changes who may do what in its room, so commands for that room
  that come after it are decided when it is committed.
* `grows`: adds to the store whatever becomes of it, so it is refused while the disk
  is nearly full. What may or may not add asks `rate_limits.may_grow` itself; what takes
  away (delete, leave) is never refused for that.
* `cost`: how many commands it counts as, in the connection's bucket.
* `conclude`: answers it when its draft has an outcome, and lets what waits go on
  (`chatd.core.conclusion`).
* `last`: it is answered behind all that its changes deliver, and not before the event.
* `says`: what of that its own connection is not told, since the answer says it.

`LOOK_UPS` is the same for what commands have read from the store: each kind of query of
`chatd.core.queries`, how the store is asked for it, and what takes the answer.
`FETCHES` has what is read into memory, for whoever waits for it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from enum import Enum, auto
from typing import Any

import attrs

from chatd.core import drafts, loading, queries, retention
from chatd.core.commands import accounts, admissions, ephemeral, place, users
from chatd.core.commands.moderation import acts, invitations
from chatd.core.commands.rooms import (
    creation,
    directory,
    lifecycle,
    membership,
    renaming,
    settings,
)
from chatd.core.commands.sessions import hello, listing, logout
from chatd.core.commands.timeline import addressing, history, messages, search
from chatd.core.drafts import CreateRoom, Durable, Outcome
from chatd.core.effects import Origin
from chatd.core.entities import Connection
from chatd.core.turn import Turn
from chatd.errors import Reject
from chatd.wire.accounts import DeleteAccount, Password, Refresh, Register
from chatd.wire.admissions import CreateInvitation, Invitations, Link, RevokeInvitation
from chatd.wire.commands import Command
from chatd.wire.ephemeral import Read, Status, Typing
from chatd.wire.events import Uninvited
from chatd.wire.moderation import (
    Ban,
    Decline,
    Invite,
    Kick,
    Mute,
    SetRole,
    Unban,
    Unmute,
)
from chatd.wire.place import About, NamePlace, Ping
from chatd.wire.replies import ServerFrame
from chatd.wire.rooms import Create, Destroy, Join, Leave, Rename, Rooms, SetRoom, Who
from chatd.wire.sessions import Hello, Logout, Sessions
from chatd.wire.timeline import Delete, Edit, History, React, Reactions, Search, Send
from chatd.wire.users import Block, Blocks, Profile, Unblock


@attrs.frozen
class Rule:
    """One row of the table; the module's text explains the columns."""

    run: Callable[[Turn, Connection, Any], None]
    hello: bool = False
    member: bool = False
    settles: bool = False
    draft: Callable[[Turn, Connection, Any], Durable | CreateRoom] | None = None
    complete: Callable[[Turn, Connection, Any], None] | None = None
    barrier: bool = False
    grows: bool = False
    cost: int = 1
    conclude: Callable[[Turn, Connection, Origin, Outcome], None] = Turn.conclude
    last: bool = False
    says: type[ServerFrame] | None = None


LOOK_UP = 5
"""What a look-up costs: it is answered with up to `limits.reply_bytes`."""
SEARCH = 20
"""What a search costs: it may read for a fifth of a second."""


def _durable(
    run: Callable[[Turn, Connection, Any], None],
    draft: Callable[[Turn, Connection, Any], Durable],
    **columns: Any,
) -> Rule:
    return Rule(run, draft=draft, conclude=messages.stored, **columns)


def _moderation(
    run: Callable[[Turn, Connection, Any], None],
    draft: Callable[[Turn, Connection, Any], Durable] = acts.moderation,
    *,
    grows: bool = False,
) -> Rule:
    return _durable(run, draft, barrier=True, grows=grows)


RULES: dict[type[Command], Rule] = {
    Hello: Rule(hello.hello, hello=True, conclude=hello.opened, last=True),
    Register: Rule(accounts.register, hello=True),
    Password: Rule(accounts.password),
    DeleteAccount: Rule(accounts.delete_account, settles=True),
    Refresh: Rule(accounts.refresh, conclude=accounts.refreshed),
    Logout: Rule(logout.logout, settles=True, conclude=logout.logged_out),
    Profile: Rule(users.profile, settles=True, grows=True),
    Join: Rule(
        membership.join,
        settles=True,
        conclude=membership.joined,
        last=True,
        says=Uninvited,
    ),
    Leave: Rule(membership.leave, member=True, settles=True),
    Send: _durable(
        messages.send,
        messages.new_message,
        complete=addressing.address,
        grows=True,
    ),
    Edit: _durable(
        messages.change,
        messages.edit_message,
        member=True,
        complete=addressing.address,
        grows=True,
    ),
    Delete: _durable(messages.delete, messages.delete_message),
    React: _durable(messages.change, messages.set_reaction, member=True, grows=True),
    Create: Rule(
        creation.create,
        settles=True,
        draft=creation.draft,
        conclude=creation.created,
        last=True,
    ),
    SetRoom: _moderation(settings.change, settings.setting, grows=True),
    Rename: _moderation(renaming.rename, renaming.renaming, grows=True),
    Destroy: _moderation(lifecycle.destroy, lifecycle.destruction),
    Invite: _moderation(invitations.invite),
    Decline: Rule(
        invitations.decline,
        draft=invitations.refusal,
        barrier=True,
        conclude=invitations.declined,
        says=Uninvited,
    ),
    Kick: _moderation(acts.kick),
    Ban: _moderation(acts.act),
    Unban: _moderation(acts.relent),
    Mute: _moderation(acts.act),
    Unmute: _moderation(acts.relent),
    SetRole: _moderation(acts.role),
    Block: Rule(users.block, settles=True, grows=True),
    Unblock: Rule(users.unblock, settles=True),
    Blocks: Rule(users.blocks, cost=LOOK_UP),
    Typing: Rule(ephemeral.typing, member=True),
    Status: Rule(ephemeral.status),
    Read: Rule(ephemeral.read, member=True),
    History: Rule(history.history, member=True, cost=LOOK_UP),
    Reactions: Rule(history.reactions, member=True, cost=LOOK_UP),
    Search: Rule(search.search, cost=SEARCH),
    Who: Rule(directory.who, member=True, cost=LOOK_UP),
    Rooms: Rule(directory.rooms, cost=LOOK_UP),
    Sessions: Rule(listing.sessions, cost=LOOK_UP),
    Ping: Rule(place.ping),
    Link: Rule(admissions.link, settles=True, conclude=admissions.handed_out),
    CreateInvitation: Rule(
        admissions.create, settles=True, conclude=admissions.handed_out
    ),
    Invitations: Rule(admissions.invitations, cost=LOOK_UP),
    RevokeInvitation: Rule(admissions.revoke, settles=True),
    About: Rule(place.about, hello=True),
    NamePlace: Rule(place.name, settles=True, grows=True),
}
"""Every command has exactly one row."""


def refuse(
    turn: Turn, connection: Connection, command: Command, reject: Reject
) -> None:
    """Answer with `error`: through the writer where the order or a cid asks.

    A `cid` may have been stored before, and then the truth is that it was;
    and a reply to a durable command never overtakes an earlier one's.
    """
    rule, cid = RULES[type(command)], getattr(command, "cid", None)
    if rule.draft is None or (cid is None and not connection.open_drafts):
        turn.refuse(connection.id, command, reject)
        return
    otherwise = drafts.Refused.of(reject)
    draft = rule.draft(turn, connection, command) if cid is not None else None
    connection.open_drafts += 1
    turn.append(drafts.Recall(draft, otherwise), connection, command)


# --- what is read from the store ------------------------------------------------


class Queue(Enum):
    """When a query has its turn, and what becomes of one that cannot be read."""

    COUNTS = auto()
    """One of each user at a time: of whom the query's principal is. Its connection
    cannot go on without it: it ends, comes back and asks again."""
    PAGES = auto()
    """One of each user at a time; refused."""
    SEARCHES = auto()
    """As `chatd.hub.search_queue` has it; refused."""


@attrs.frozen
class LookUp:
    """One row of the table."""

    read: Callable[[Any, Any, Any], Awaitable[Any]]
    """Asks the store for it; takes a `chatd.ports.Store`, the command and the query."""
    answer: Callable[[Turn, Connection, Any], None]
    """Takes an `Answered` for a connection that is still there."""
    queue: Queue = Queue.PAGES
    gone: Callable[[Turn, Any], None] | None = None
    """Takes the query of a connection that is not; without it nobody needs to."""


LOOK_UPS: dict[type, LookUp] = {
    queries.CountUnread: LookUp(
        lambda store, _, query: store.unread(query.principal.user, query.marks),
        hello.counted,
        Queue.COUNTS,
        hello.uncounted,
    ),
    queries.ReadHistory: LookUp(
        lambda store, command, query: store.history(
            command.room,
            before=command.before,
            after=command.after,
            limit=command.limit,
            upto=query.upto,
            viewer=query.viewer,
        ),
        history.history_read,
    ),
    queries.ReadReactions: LookUp(
        lambda store, command, query: store.reactions(
            command.room,
            command.of,
            command.emoji,
            after=command.after or 0,
            limit=command.limit,
            viewer=query.viewer,
        ),
        history.reactions_read,
    ),
    queries.ListRooms: LookUp(
        lambda store, command, _: store.public_rooms(command.after, command.limit),
        directory.rooms_read,
    ),
    queries.ReadDisplays: LookUp(
        lambda store, _, query: store.displays(query.users), directory.members_read
    ),
    queries.ReadSessions: LookUp(
        lambda store, command, query: store.sessions(
            query.user, query.since, command.after, command.limit
        ),
        listing.sessions_read,
    ),
    queries.ReadInvitations: LookUp(
        lambda store, command, query: store.invitations(
            query.maker, command.after, command.limit
        ),
        admissions.read,
    ),
    queries.FindMessages: LookUp(
        lambda store, command, query: store.search(
            query.query, query.scope, query.place, command.limit, query.viewer
        ),
        search.found,
        Queue.SEARCHES,
    ),
}
"""Every kind of query has exactly one row."""


# --- what is read into memory ---------------------------------------------------


@attrs.frozen
class FetchRule:
    """One row of the table."""

    read: Callable[[Any, Any], Awaitable[Any]]
    """Asks the store for it; takes a `chatd.ports.Store` and the query."""
    take: Callable[[Turn, Any], loading.Woken]
    """Takes a `Fetched`; returns the commands that may go on."""


FETCHES: dict[type, FetchRule] = {
    queries.LoadUser: FetchRule(
        lambda store, query: store.user_record(query.user), loading.user_read
    ),
    queries.LoadRooms: FetchRule(
        lambda store, query: store.rooms(query.rooms), loading.rooms_read
    ),
    queries.ListTrimming: FetchRule(
        lambda store, query: store.trimming(query.after, retention.PAGE),
        retention.listed,
    ),
}
"""Every kind has exactly one row."""
