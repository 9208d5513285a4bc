"""The rules as a table: each command, what must hold before it, what it does.

A group of commands has one name here and on the wire: those that `chatd.wire.rooms`
describes are carried out in `chatd.core.commands.rooms`.

`RULES` is read by `chatd.core.machine`, which checks every precondition in one
place and in one order; the functions named here are small and may rely on them:

* `hello`: may come before one has said who one is (`about`, `register`, itself).
* `operator`: the operator may say it, whose connection has no user and may say nothing
  else. What is for him alone has `operator.by_operator` as well.
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
* `audited`: by which word what it does is kept in the audit (`chatd.core.audit`). None
  where it only asks, or takes nothing from anybody, or concerns the user himself.
* `last`: it is answered behind all that its changes deliver, and not before the event.
* `says`: what of that its own connection is not told, since the answer says it.

What commands have read from the store has tables of its own
(`chatd.core.commands.look_ups`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs

from chatd.core import drafts
from chatd.core.commands import (
    accounts,
    administration,
    admissions,
    ephemeral,
    operator,
    place,
    threads,
    users,
)
from chatd.core.commands.moderation import acts, invitations, standing
from chatd.core.commands.rooms import (
    creation,
    directory,
    lifecycle,
    membership,
    renaming,
    settings,
)
from chatd.core.commands.sessions import hello, listing, logout
from chatd.core.commands.timeline import (
    addressing,
    bookmarks,
    history,
    messages,
    pins,
    search,
)
from chatd.core.drafts import CreateRoom, Durable, Outcome
from chatd.core.effects import Origin
from chatd.core.entities import Connection
from chatd.core.turn import Turn
from chatd.enums import Audited
from chatd.errors import Reject
from chatd.wire.accounts import DeleteAccount, Password, Refresh, Register
from chatd.wire.administration import (
    TokenIssue,
    TokenRevoke,
    UserAdd,
    UserBan,
    UserErase,
    UserErasure,
    UserLogout,
    UserPassword,
    UserRole,
    UserUnban,
)
from chatd.wire.admissions import CreateInvitation, Invitations, Link, RevokeInvitation
from chatd.wire.commands import Command
from chatd.wire.ephemeral import Read, Status, Typing
from chatd.wire.events import Bookmark as BookmarkEvent
from chatd.wire.events import Uninvited
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
from chatd.wire.operator import (
    Announce,
    Audit,
    BusyRooms,
    Connections,
    Disconnect,
    Drain,
    Reload,
    Report,
    SetLogLevel,
)
from chatd.wire.place import About, NamePlace, Ping
from chatd.wire.replies import ServerFrame
from chatd.wire.rooms import (
    Create,
    Destroy,
    Join,
    Joined,
    Leave,
    Notify,
    Rename,
    Rooms,
    SetRoom,
    Who,
)
from chatd.wire.sessions import Hello, Logout, Sessions
from chatd.wire.threads import Follow, Followed, Threads
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


@attrs.frozen
class Rule:
    """One row of the table; the module's text explains the columns."""

    run: Callable[[Turn, Connection, Any], None]
    hello: bool = False
    operator: bool = False
    member: bool = False
    settles: bool = False
    draft: Callable[[Turn, Connection, Any], Durable | CreateRoom] | None = None
    complete: Callable[[Turn, Connection, Any], None] | None = None
    barrier: bool = False
    grows: bool = False
    cost: int = 1
    conclude: Callable[[Turn, Connection, Origin, Outcome], None] = Turn.conclude
    audited: Audited | None = None
    last: bool = False
    says: tuple[type[ServerFrame], ...] = ()


LOOK_UP = 5
"""What a look-up costs: it is answered with up to `limits.reply_bytes`."""
SEARCH = 20
"""What a search costs: it may read for a fifth of a second."""


def _operator(
    run: Callable[[Turn, Connection, Any], None],
    audited: Audited | None = None,
    **columns: Any,
) -> Rule:
    checked = operator.by_operator(run)
    return Rule(checked, operator=True, audited=audited, **columns)


def _act(run: Callable[[Turn, Connection, Any], None], audited: Audited) -> Rule:
    return _operator(run, audited, conclude=operator.recorded)


def _administration(
    run: Callable[[Turn, Connection, Any], None], audited: Audited | None = None
) -> Rule:
    return _operator(run, audited, conclude=administration.concluded)


def _durable(
    run: Callable[[Turn, Connection, Any], None],
    draft: Callable[[Turn, Connection, Any], Durable],
    **columns: Any,
) -> Rule:
    return Rule(run, draft=draft, conclude=messages.stored, **columns)


def _moderation(
    run: Callable[[Turn, Connection, Any], None],
    audited: Audited | None,
    draft: Callable[[Turn, Connection, Any], Durable] = acts.moderation,
    **columns: Any,
) -> Rule:
    return _durable(run, draft, barrier=True, audited=audited, **columns)


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
        says=(Joined, Uninvited),
    ),
    Leave: Rule(membership.leave, member=True, settles=True),
    Notify: Rule(membership.notify, member=True, settles=True),
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
    Delete: _durable(messages.delete, messages.delete_message, audited=Audited.DELETE),
    React: _durable(messages.change, messages.set_reaction, member=True, grows=True),
    Pin: _durable(pins.pin, pins.set_pin, member=True, grows=True),
    Bookmark: Rule(bookmarks.bookmark, settles=True, grows=True, says=(BookmarkEvent,)),
    Create: Rule(
        creation.create,
        operator=True,
        settles=True,
        draft=creation.draft,
        conclude=creation.created,
        audited=Audited.CREATE,
        last=True,
        says=(Joined,),
    ),
    SetRoom: _moderation(
        settings.change, Audited.SETTINGS, settings.setting, grows=True, operator=True
    ),
    Rename: _moderation(renaming.rename, Audited.RENAME, renaming.renaming, grows=True),
    Destroy: _moderation(
        lifecycle.destroy, Audited.DESTROY, lifecycle.destruction, operator=True
    ),
    Invite: _moderation(invitations.invite, None),
    Decline: Rule(
        invitations.decline,
        draft=invitations.refusal,
        barrier=True,
        conclude=invitations.declined,
        says=(Uninvited,),
    ),
    Kick: _moderation(acts.kick, Audited.KICK, operator=True),
    Ban: _moderation(acts.act, Audited.BAN),
    Unban: _moderation(acts.relent, Audited.UNBAN),
    Mute: _moderation(acts.act, Audited.MUTE),
    Unmute: _moderation(acts.relent, Audited.UNMUTE),
    SetRole: _moderation(acts.role, Audited.ROLE),
    Standing: Rule(standing.standing, cost=LOOK_UP),
    Block: Rule(users.block, settles=True, grows=True),
    Unblock: Rule(users.unblock, settles=True),
    Blocks: Rule(users.blocks, cost=LOOK_UP),
    Typing: Rule(ephemeral.typing, member=True),
    Status: Rule(ephemeral.status),
    Read: Rule(ephemeral.read, member=True),
    History: Rule(history.history, member=True, cost=LOOK_UP),
    Reactions: Rule(history.reactions, member=True, cost=LOOK_UP),
    Pins: Rule(pins.pins, member=True, cost=LOOK_UP),
    Bookmarks: Rule(bookmarks.bookmarks, cost=LOOK_UP),
    Follow: Rule(
        threads.follow, member=True, settles=True, grows=True, says=(Followed,)
    ),
    Threads: Rule(threads.threads, cost=LOOK_UP),
    Search: Rule(search.search, cost=SEARCH),
    Who: Rule(directory.who, cost=LOOK_UP),
    Rooms: Rule(directory.rooms, cost=LOOK_UP),
    Sessions: Rule(listing.sessions, cost=LOOK_UP),
    Ping: Rule(place.ping),
    Link: Rule(admissions.link, settles=True, conclude=admissions.handed_out),
    CreateInvitation: Rule(
        admissions.create,
        operator=True,
        settles=True,
        conclude=admissions.handed_out,
        audited=Audited.INVITATION_CREATE,
    ),
    Invitations: Rule(admissions.invitations, operator=True, cost=LOOK_UP),
    RevokeInvitation: Rule(
        admissions.revoke,
        operator=True,
        settles=True,
        conclude=admissions.revoked,
        audited=Audited.INVITATION_REVOKE,
    ),
    About: Rule(place.about, hello=True),
    NamePlace: Rule(place.name, settles=True, grows=True, audited=Audited.PLACE),
    Report: _operator(operator.report),
    Connections: _operator(operator.connections),
    Disconnect: _act(operator.disconnect, Audited.DISCONNECT),
    Drain: _act(operator.record, Audited.DRAIN),
    SetLogLevel: _act(operator.record, Audited.LOG_LEVEL),
    BusyRooms: _operator(operator.busy_rooms),
    Audit: _operator(operator.audit),
    Announce: _act(operator.announce, Audited.ANNOUNCE),
    Reload: _act(operator.reload, Audited.RELOAD),
    UserAdd: _administration(administration.add, Audited.ADD),
    UserPassword: _administration(administration.password, Audited.PASSWORD),
    UserRole: _administration(administration.role, Audited.ROLE),
    UserBan: _administration(administration.ban, Audited.BAN),
    UserUnban: _administration(administration.unban, Audited.UNBAN),
    UserLogout: _administration(administration.logout, Audited.LOGOUT),
    TokenIssue: _administration(administration.issue, Audited.TOKEN_ISSUE),
    TokenRevoke: _administration(administration.revoke, Audited.TOKEN_REVOKE),
    UserErase: _administration(administration.erase, Audited.ERASE),
    UserErasure: _administration(administration.erasure),
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
