"""Typing, status, read: what is never stored as an event, or not at once.

These get no `ok` unless they carry an `id`, and over their rate they are
dropped in silence: nobody types faster than the bucket, and a client that does
is not worth an error each time.

Other nodes are told what is shown here, and show it to their people; of a status they
hear with presence.
"""

from __future__ import annotations

from chatd.core import authority, speech
from chatd.core.cluster.commits import stream_of_room
from chatd.core.cluster.messages import Message, ReadTold, TypingTold
from chatd.core.drafts import MarkThread
from chatd.core.effects import Publish, Spread, Tell
from chatd.core.entities import Connection, Room, User
from chatd.core.quota import adjusted
from chatd.core.turn import Turn
from chatd.ids import ConnectionId, Seq, UserName, direct_partner, is_direct
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
    if (
        _may(turn, user)
        and _is_small(turn, room)
        and speech.may(turn, user, room, command)
    ):
        _show_typing(turn, room, user.name, on=command.on)
        _publish(turn, room, TypingTold(room.epoch, user.name, command.on))
    _done(turn, connection, command)


def typing_told(turn: Turn, message: TypingTold) -> None:
    """Show those who are here that somebody is writing on another node.

    Whether he may, was decided there; what changed meanwhile is known here.
    """
    room, user = turn.durable.room_by_epoch(message.room), message.user
    if (
        room is not None
        and user in room.members
        and _is_small(turn, room)
        and not authority.held(room.mutes, user, turn.now.sure)
    ):
        _show_typing(turn, room, user, on=message.on)


def _show_typing(turn: Turn, room: Room, user: UserName, *, on: bool) -> None:
    frame = events.Typing(room.name, user, TYPING_FOR_S if on else 0)
    besides = turn.chat.connections_of(user)
    if is_direct(room.name):
        # Who was erased is not known any more; the conversation is.
        other = turn.durable.users.get(direct_partner(room.name, user))
        if other is not None and user in other.blocks:
            besides += other.connections
    turn.want(Spread(frame, besides))


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
    """Move a read mark, and show it to those who may see it.

    The user's other connections are told of each `back`, also of one that changes
    nothing here: they may have read further and not have said so yet. To others a mark
    never goes back: they are told again when it is further than it was.

    That of a thread is the store's, since there may be any number of threads: it is
    written at once, and its change tells the user's connections of it.
    """
    user = turn.user(connection)
    if command.thread is not None:
        if _may(turn, user):
            draft = MarkThread(command.room, user.name, command.thread, command.seq)
            turn.append(draft)
        _done(turn, connection, command)
        return
    back = command.back
    room = turn.durable.rooms[command.room]
    known = _known(room, user.name)
    if _may(turn, user) and (
        turn.live.note_read(room, user.name, command.seq, back=back) or back
    ):
        _show_read(turn, room, user.name, known, back=back, besides=connection.id)
        seq = Seq(room.members[user.name].read)
        _publish(turn, room, ReadTold(room.epoch, user.name, seq, back))
    _done(turn, connection, command)


def read_told(turn: Turn, message: ReadTold) -> None:
    """Take a read mark that was moved on another node, which writes it."""
    room, user = turn.durable.room_by_epoch(message.room), message.user
    if room is None or user not in room.members:
        return
    known, back = _known(room, user), message.back
    if turn.live.note_read_elsewhere(room, user, message.seq, back=back) or back:
        _show_read(turn, room, user, known, back=back)


def _known(room: Room, user: UserName) -> Seq:
    """How far others know a member to have read."""
    return room.returned.get(user, room.members[user].read)


def _show_read(
    turn: Turn,
    room: Room,
    user: UserName,
    known: Seq,
    *,
    back: bool,
    besides: ConnectionId | None = None,
) -> None:
    """Tell a member's devices of his mark, and the others where it is further.

    Args:
        turn: This one.
        room: Where.
        user: Whose it is.
        known: How far the others knew him to be.
        back: Whether he has said that he has read no further.
        besides: The connection that has said so.
    """
    seq, live = Seq(room.members[user].read), turn.live
    own = turn.chat.connections_of(user)
    others = [
        number
        for number in own
        if number != besides
        and turn.chat.may_follow(live.connections[number], room.name)
    ]
    if others:
        mark = events.ReadMark(room.name, user, seq, back=back)
        turn.want(Tell(others, mark, ephemeral=True))
    if turn.config.rooms.read_receipts and _is_small(turn, room) and seq > known:
        turn.want(Spread(events.ReadMark(room.name, user, seq), own))


def _is_small(turn: Turn, room: Room) -> bool:
    """Whether people in a room are told more than how many they are."""
    return len(room.online) <= turn.config.presence.names_max


def _publish(turn: Turn, room: Room, message: Message) -> None:
    """Tell other nodes, if somebody is in the room there."""
    if room.neighbours is not None and room.neighbours.is_anybody_there:
        turn.want(Publish(stream_of_room(room.epoch), message))


def _may(turn: Turn, user: User) -> bool:
    """Take one ephemeral event from the user's own bucket for them."""
    limits, now = turn.config.limits, turn.now.mono
    per_s, burst = limits.messages_per_s, limits.messages_burst
    user.ephemeral = adjusted(user.ephemeral, per_s, burst, now)
    return user.ephemeral.take(now) == 0


def _done(turn: Turn, connection: Connection, command: Typing | Status | Read) -> None:
    reply = replies.Done(command.type, command.id) if command.id is not None else None
    turn.answer(connection.id, reply)
