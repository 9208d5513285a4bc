"""From the store to the chat, once, at the start.

Also what the configuration declares: rooms that are missing are created, settings
that were changed in the file are written, before anybody is let in.
"""

from __future__ import annotations

from collections.abc import Callable

import trio

from chatd.auth import digest_of, new_secret
from chatd.config import Config
from chatd.core.agenda import Due
from chatd.core.clock import Clock
from chatd.core.commands.lifecycle import EMPTY_S, is_needless
from chatd.core.drafts import (
    Committed,
    CreateRoom,
    DeclareRoom,
    Draft,
    OfferSetup,
    Refused,
)
from chatd.core.entities import Invite, Membership, Room, Sanction, Session, User
from chatd.core.settings import RoomSettings
from chatd.core.state import Chat
from chatd.core.truth import LEADERS
from chatd.errors import ConfigError, StoreFailed
from chatd.hub.world import World
from chatd.ids import Epoch, Seq, is_private
from chatd.names import NEW_ENDS_WELL, ends_well, skeleton
from chatd.ports import Snapshot, Store
from chatd.wire.events import HOUR_MS

APART_S = 0.05
"""Between the ends of two rooms that nobody needs, a while after a start."""


async def load(
    store: Store, config: Config, world: World
) -> tuple[Chat, Clock, str | None]:
    """Read the chat from the store, and store what the configuration adds to it.

    Returns:
        The chat, the clock as far as the store's memory agrees with it, and the secret
        by which the first administrator comes, where he is waited for.

    Raises:
        StoreFailed: It cannot be read, or a declared room cannot be stored.
        ConfigError: A declared room is new and cannot be named so.

    Cancellation: as the store's; what is missing is added at the next start.
    """
    known = await store.certain(world.wall())
    clock = Clock.started(known, world.read_clock(), trio.current_time())
    now = clock.now(trio.current_time(), world.wall())
    snapshot = await store.load(now.sure, now.certain)
    chat = restore(snapshot, config, now.mono)
    drafts = declare(chat, config, world.new_epoch)
    secret = new_secret(world.random_bytes)
    # What was offered before is void: whoever has read it then is not meant now.
    drafts.append(OfferSetup(digest_of(secret)))
    *declared, offered = await store.commit(drafts, now.wall, now.certain)
    for outcome in declared:
        if isinstance(outcome, Refused):
            raise StoreFailed(f"a declared room was not stored: {outcome.text}")
    chat.awaits_admin = isinstance(offered, Committed)
    chat.agenda.add(trio.current_time(), Due.RETENTION, None)
    return chat, clock, secret if chat.awaits_admin else None


def restore(snapshot: Snapshot, config: Config, now: float) -> Chat:
    """Build the chat.

    Args:
        snapshot: What the store had.
        config: The settings.
        now: The moment on the clock of the deadlines, from which guests'
            sessions are held.

    Returns:
        The state, with nobody online.
    """
    chat = Chat(
        presence_tick_s=config.presence.tick_s,
        guest_ban_ms=round(config.auth.guest_ban_h * HOUR_MS),
        address_key=snapshot.address_key,
        place=snapshot.place,
    )
    for user in snapshot.users:
        known = User(user.user, user.display, user.role, ban=user.ban)
        known.address = user.address
        chat.users[known.name] = known
    for ban in snapshot.barred:
        chat.apply_address_ban(None, ban, now)
    for blocker, blocked in snapshot.blocks:
        chat.apply_block(blocker, blocked, on=True)
    declared = {room.name for room in config.rooms.permanent}
    for row in snapshot.rooms:
        room = Room(
            row.room,
            row.epoch,
            row.head,
            row.first,
            row.settings,
            row.room in declared,
            row.was,
            row.maker,
            row.spoken,
        )
        chat.rooms[room.name] = room
        chat.count_made(room, 1)
        chat.aliases |= dict.fromkeys(room.was, room.name)
        for member in row.members:
            place = Membership(member.role, member.read, member.first)
            room.members[member.user] = place
            if member.role in LEADERS:
                room.leaders[member.user] = None
            chat.users[member.user].rooms[room.name] = None
        for due, held, rows in (
            (Due.BAN, room.bans, row.bans),
            (Due.MUTE, room.mutes, row.mutes),
        ):
            for one in rows:
                held[one.user] = Sanction(one.until, one.reason)
                if one.until is not None:
                    chat.agenda.add(now, due, (one.user, room.name))
        for ban in row.barred:
            chat.apply_address_ban(room.name, ban, now)
        for invite in row.invites:
            last = Invite(invite.sender, invite.ts, invite.closed_until)
            chat.apply_invite(invite.user, room.name, last, now)
    for session in snapshot.guest_sessions:
        entry = Session(session.session, session.user)
        chat.sessions[entry.id] = entry
        chat.users[entry.user].sessions[entry.id] = None
        chat.agenda.add(now + config.auth.guest_hold_s, Due.GUEST, entry.id)
    _end_needless(chat, now)
    return chat


def _end_needless(chat: Chat, now: float) -> None:
    """Have rooms end that nobody needs: private ones at once, others in a while."""
    needless = [room.name for room in chat.rooms.values() if is_needless(room)]
    for number, name in enumerate(needless, 1):
        if is_private(name):
            chat.emptied[name] = True
        else:
            # Not all at once.
            chat.agenda.add(now + EMPTY_S + number * APART_S, Due.EMPTY, name)


def declare(chat: Chat, config: Config, new_epoch: Callable[[], Epoch]) -> list[Draft]:
    """Bring the declared rooms into the chat.

    Returns:
        What has to be committed before the daemon serves.

    Raises:
        ConfigError: One is new and cannot be named so.
    """
    drafts: list[Draft] = []
    for index, wanted in enumerate(config.rooms.permanent):
        settings = RoomSettings(
            topic=wanted.topic,
            post=wanted.post,
            history=wanted.history,
            slow_s=wanted.slow_s,
            keep_days=wanted.keep_days,
            keep_messages=wanted.keep_messages,
        )
        room = chat.rooms.get(wanted.name)
        place = f'rooms.permanent[{index}].name: "{wanted.name}"'
        if room is None and not ends_well(wanted.name):
            raise ConfigError([f"{place}: {NEW_ENDS_WELL}"])
        if wanted.name in chat.aliases:
            now = chat.aliases[wanted.name]
            raise ConfigError([f"{place}: it leads to {now}, which was called so"])
        if room is None:
            room = Room(wanted.name, new_epoch(), Seq(0), Seq(1), settings)
            chat.rooms[room.name] = room
            look = skeleton(room.name)
            drafts.append(
                CreateRoom(room.name, room.epoch, settings, members={}, skeleton=look)
            )
        elif room.settings != settings:
            room.settings = settings
            drafts.append(DeclareRoom(room.name, settings))
        room.declared = True
    return drafts
