"""Typing, status, read: what is never stored as an event, or not at once.

These get no `ok` unless they carry an `id`, and over their rate they are
dropped in silence: nobody types faster than the bucket, and a client that does
is not worth an error each time.
"""

from __future__ import annotations

from chatd.core import authority, speech
from chatd.core.effects import Spread, Tell
from chatd.core.entities import Connection, User
from chatd.core.quota import adjusted
from chatd.core.turn import Turn
from chatd.ids import Seq, direct_partner, is_direct
from chatd.wire import events, replies
from chatd.wire.ephemeral import Read, Status, Typing

TYPING_FOR_S = 6
"""How long someone is shown as typing. Source: protocol section 5."""


def typing(turn: Turn, connection: Connection, command: Typing) -> None:
    """Show the others that somebody is writing, where the room is not too big.

    Whoever may not say anything there writes nothing that anybody will see.
    """
    user = turn.user(connection)
    room = turn.durable.rooms[command.room]
    is_small = len(room.online) <= turn.config.presence.names_max
    if _may(turn, user) and is_small and speech.may(turn, user, room, command):
        seconds = TYPING_FOR_S if command.on else 0
        frame = events.Typing(room.name, user.name, seconds)
        besides = turn.chat.connections_of(user.name)
        if is_direct(room.name):
            # Who was erased is not known any more; the conversation is.
            other = turn.durable.users.get(direct_partner(room.name, user.name))
            if other is not None and user.name in other.blocks:
                besides += other.connections
        turn.want(Spread(frame, besides))
    _done(turn, connection, command)


def status(turn: Turn, connection: Connection, command: Status) -> None:
    """Be there, or away."""
    user = turn.user(connection)
    if _may(turn, user):
        now, text = turn.now.mono, command.text
        if text is not None and authority.is_barred(turn, user):
            text = None
        turn.live.note_status(connection, user, command.state, text, now)
    _done(turn, connection, command)


def read(turn: Turn, connection: Connection, command: Read) -> None:
    """Move a read mark forward, and show it to those who may see it."""
    user = turn.user(connection)
    chat = turn.chat
    room = chat.durable.rooms[command.room]
    if _may(turn, user) and chat.live.note_read(room, user.name, command.seq):
        mark = events.ReadMark(room.name, user.name, Seq(room.members[user.name].read))
        own = turn.chat.connections_of(user.name)
        others = [
            number
            for number in own
            if number != connection.id
            and turn.chat.may_follow(chat.live.connections[number], room.name)
        ]
        if others:
            turn.want(Tell(others, mark, ephemeral=True))
        small = len(room.online) <= turn.config.presence.names_max
        if turn.config.rooms.read_receipts and small:
            turn.want(Spread(mark, own))
    _done(turn, connection, command)


def _may(turn: Turn, user: User) -> bool:
    """Take one ephemeral event from the user's own bucket for them."""
    limits, now = turn.config.limits, turn.now.mono
    per_s, burst = limits.messages_per_s, limits.messages_burst
    user.ephemeral = adjusted(user.ephemeral, per_s, burst, now)
    return user.ephemeral.take(now) == 0


def _done(turn: Turn, connection: Connection, command: Typing | Status | Read) -> None:
    reply = replies.Done(command.type, command.id) if command.id is not None else None
    turn.answer(connection.id, reply)
