"""Users, how they are shown, the place, and what time ends: applied and told."""

from __future__ import annotations

from chatd.core.agenda import Due
from chatd.core.applying.members import (
    forget_invite,
    leave,
    set_ban,
    set_mute,
    unbar,
)
from chatd.core.applying.sessions import cut
from chatd.core.changes import (
    BlockSet,
    BookmarkSet,
    DisplaySet,
    Lapse,
    Lapsed,
    PlaceNamed,
    RoleSet,
    UserAdded,
    UserErased,
)
from chatd.core.effects import Effect, EndSetup, Tell
from chatd.core.inputs import Now
from chatd.core.state import Chat
from chatd.enums import AccountRole
from chatd.errors import Ending
from chatd.wire import events


def added(chat: Chat, change: UserAdded, _now: Now) -> list[Effect]:
    """Take that there is a new user, who is in memory when he comes."""
    return admin_is_here(chat) if change.role == AccountRole.ADMIN else []


def admin_is_here(chat: Chat) -> list[Effect]:
    """The first administrator is not waited for any more, if he was."""
    if not chat.durable.awaits_admin:
        return []
    chat.durable.await_admin(on=False)
    return [EndSetup()]


def display_set(chat: Chat, change: DisplaySet, now: Now) -> list[Effect]:
    """Take a display name; rooms are told with the next tick."""
    user = chat.durable.users.get(change.user)
    if user is not None:
        before = user.shown
        chat.durable.set_display(user, change.display)
        chat.live.show_change(user, before, now.mono)
    return []


def role_set(chat: Chat, change: RoleSet, _now: Now) -> list[Effect]:
    """Take a role on this server.

    Who is logging in may have been verified with the role that he had.
    """
    user = chat.durable.users.get(change.user)
    if user is None or user.role != change.role:
        chat.live.verifications.note_cut(change.user)
    if user is not None:
        chat.durable.set_account_role(user, change.role)
    return admin_is_here(chat) if change.role == AccountRole.ADMIN else []


def block_set(chat: Chat, change: BlockSet, _now: Now) -> list[Effect]:
    """Take a block, or its end, of which nobody is told."""
    chat.durable.set_block(change.user, change.blocked, on=change.on)
    return []


def bookmark_set(chat: Chat, change: BookmarkSet, _now: Now) -> list[Effect]:
    """Tell a user's devices of a bookmark; there is nothing of it in memory."""
    name = chat.durable.name_now(change.room)
    devices = chat.told_of(change.user, name)
    told = [number for number in devices if chat.connection(number) is not None]
    if not told:
        return []
    return [Tell(told, events.Bookmark(name, change.of, change.on))]


def erased(chat: Chat, change: UserErased, now: Now) -> list[Effect]:
    """Let a user go for good: his connections, and what there was of him."""
    durable = chat.durable
    wanted = cut(chat, change.user, Ending.REVOKED, now)
    for place in list(durable.barred):
        unbar(chat, place, change.user)
    name = change.user
    for where in list(durable.rooms_of(name)):
        leave(chat, durable.rooms[where], name, now)
    for where in list(durable.sanctioned.get(name, ())):
        set_ban(chat, durable.rooms[where], name, None)
        set_mute(chat, durable.rooms[where], name, None, now)
    for where in list(durable.invites.get(name, ())):
        forget_invite(chat, durable.rooms[where], name, now)
    for asked, where in list(durable.asked_by.get(name, ())):
        forget_invite(chat, durable.rooms[where], asked, now)
    chat.live.agenda.cancel(Due.IDLE, name)
    if name in durable.users:
        durable.drop_user(durable.users[name])
    durable.forget_blocks(name)
    return wanted


def place_named(chat: Chat, change: PlaceNamed, _now: Now) -> list[Effect]:
    """Take the name of the place, and tell everybody who is here."""
    if chat.durable.place == change.name:
        return []
    chat.durable.name_place(change.name)
    here = [
        one.id
        for one in chat.live.connections.values()
        if one.user is not None and chat.connection(one.id) is not None
    ]
    return [Tell(here, events.PlaceNamed(change.name))]


def lapsed(chat: Chat, change: Lapsed, now: Now) -> list[Effect]:
    """Let go of what has ended by itself."""
    if change.what is Lapse.ADDRESS_BANS:
        chat.durable.tidy_barred(change.room, now.sure)
        return []
    room = chat.durable.rooms.get(change.room) if change.room is not None else None
    if room is None or change.user is None:
        return []
    match change.what:
        case Lapse.BAN:
            set_ban(chat, room, change.user, None)
        case Lapse.MUTE:
            set_mute(chat, room, change.user, None, now)
        case _:
            forget_invite(chat, room, change.user, now)
    return []
