"""Restoring the chat from the store at the start: what has to be in memory by then.

Everything else is read when it is needed (`chatd.core.residency`). Also what the
configuration declares: rooms that are missing are created, settings that were changed
in the file are written, before a connection is accepted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import attrs
import trio

from chatd.auth import digest_of, new_secret
from chatd.config import Config
from chatd.core import residency
from chatd.core.agenda import Due
from chatd.core.applying import apply
from chatd.core.applying.members import bar
from chatd.core.changes import RoomDeclared, RoomMade
from chatd.core.clock import Clock
from chatd.core.commands.rooms.lifecycle import EMPTY_S
from chatd.core.drafts import (
    Committed,
    CreateRoom,
    DeclareRoom,
    Draft,
    Duplicate,
    OfferSetup,
    Refused,
)
from chatd.core.durable import DurableState
from chatd.core.inputs import Now
from chatd.core.live import LiveState
from chatd.core.state import Chat
from chatd.errors import StoreFailed
from chatd.hub.declaring import check_names, settings_of
from chatd.hub.environment import Environment
from chatd.ids import Epoch, NodeId, RoomName, is_private
from chatd.names import skeleton
from chatd.ports import RoomRow, Snapshot, Store
from chatd.wire.events import HOUR_MS

_AT_START = Now(0.0, 0)
APART_S = 0.05
"""Between the ends of two rooms that nobody needs, `EMPTY_S` after a start."""


async def load(
    store: Store,
    config: Config,
    environment: Environment,
    *,
    serves: bool = True,
    node: NodeId | None = None,
) -> tuple[Chat, Clock, str | None]:
    """Read the chat from the store, and store what the configuration adds to it.

    Args:
        store: Where it is.
        config: The settings.
        environment: Clocks and randomness.
        serves: Whether people will come; if not, nothing is added.
        node: Which of several nodes over the store this is; None: the only one.

    Returns:
        The chat; the clock, with what the store knows of it; and the secret that makes
        the first administrator, or None if there is one.

    Raises:
        StoreFailed: It cannot be read, or a declared room cannot be stored.
        ConfigError: A declared room is new and cannot be named so.

    Cancellation: as the store's; what is missing is added at the next start.
    """
    known = await store.certain(environment.wall())
    clock = Clock.started(known, environment.read_clock(), trio.current_time())
    now = clock.now(trio.current_time(), environment.wall())
    snapshot = await store.load(now.sure, now.certain)
    if not serves:
        snapshot = attrs.evolve(snapshot, needless=[])
    secret = new_secret(environment.random_bytes)
    while True:
        rooms = await store.rooms(needed(snapshot, config))
        chat = restore(snapshot, rooms, config, now, node)
        if not serves:
            return chat, clock, None
        drafts = declare(chat, config, environment.new_epoch)
        # The secret of an earlier start is void: it may have been read by others.
        drafts.append(OfferSetup(digest_of(secret)))
        *declared, offered = await store.commit(drafts, now.wall, now.certain)
        for outcome in declared:
            if isinstance(outcome, Refused):
                raise StoreFailed(f"a declared room was not stored: {outcome.text}")
        if not any(isinstance(outcome, Duplicate) for outcome in declared):
            break
        # Another node has made one at the same moment: it is that one's, epoch and all.
    chat.durable.await_admin(on=isinstance(offered, Committed))
    chat.live.agenda.add(trio.current_time(), Due.RETENTION, None)
    return chat, clock, secret if chat.durable.awaits_admin else None


def needed(snapshot: Snapshot, config: Config) -> list[RoomName]:
    """The rooms that have to be in memory from the start on.

    They are those that the configuration declares, that guests are in whose sessions
    have not ended, and that are needless.
    """
    names = [room.name for room in config.rooms.permanent]
    names += [name for guest in snapshot.guests for name in guest.rooms]
    return list(dict.fromkeys([*names, *snapshot.needless]))


def restore(
    snapshot: Snapshot,
    rooms: Sequence[RoomRow],
    config: Config,
    now: Now,
    node: NodeId | None = None,
) -> Chat:
    """Build the chat.

    Args:
        snapshot: What the store had.
        rooms: Those of them that are `needed`, and maybe others.
        config: The settings.
        now: The moment from which guests' sessions are held.
        node: Which of several nodes this is; None: there is one.

    Returns:
        The state, with nobody online.
    """
    durable = DurableState(
        guest_ban_ms=round(config.auth.guest_ban_h * HOUR_MS),
        address_key=snapshot.address_key,
        place=snapshot.place,
        streams=None if node is None else {},
    )
    chat = Chat(durable, LiveState(durable, config.presence.tick_s, node))
    for ban in snapshot.barred:
        bar(chat, None, ban, now)
    declared = {room.name for room in config.rooms.permanent}
    for row in rooms:
        residency.take_room(chat, row, now, declared=row.room in declared)
    for record in snapshot.guests:
        guest = residency.take_user(chat, record, now.mono)
        durable.set_whole(guest, on=True)
    for session in snapshot.guest_sessions:
        chat.live.note_session(session.session, durable.users[session.user])
        at_s = now.mono + config.auth.guest_hold_s
        chat.live.agenda.add(at_s, Due.GUEST, session.session)
    _end_needless(chat, snapshot.needless, now.mono)
    return chat


def _end_needless(chat: Chat, needless: Sequence[RoomName], now: float) -> None:
    """Have rooms end that nobody needs: private ones at once, others in a while."""
    for number, name in enumerate(needless, 1):
        if name in chat.durable.declared:
            continue
        if is_private(name):
            chat.live.emptied[name] = True
        else:
            # Not all at once.
            chat.live.agenda.add(now + EMPTY_S + number * APART_S, Due.EMPTY, name)


def declare(chat: Chat, config: Config, new_epoch: Callable[[], Epoch]) -> list[Draft]:
    """Bring the declared rooms into the chat.

    Their changes are applied before they are committed: where they cannot be, there is
    no daemon.

    Returns:
        What has to be committed before the daemon serves.

    Raises:
        ConfigError: One is new and cannot be named so.
    """
    drafts: list[Draft] = []
    check_names(chat.durable, config.rooms.permanent)
    for wanted in config.rooms.permanent:
        settings = settings_of(wanted)
        room = chat.durable.rooms.get(wanted.name)
        if room is None:
            made = CreateRoom(
                wanted.name,
                new_epoch(),
                settings,
                members={},
                skeleton=skeleton(wanted.name),
            )
            drafts.append(made)
            apply(chat, RoomMade(wanted.name, made.epoch, settings, {}), _AT_START)
        elif room.settings != settings:
            drafts.append(DeclareRoom(room.name, settings))
        apply(chat, RoomDeclared(wanted.name, settings), _AT_START)
    return drafts
