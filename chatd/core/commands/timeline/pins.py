"""Pins: what whoever moderates a room keeps in its view, and the list of it.

In a direct conversation, in which nobody has a rank, both pin. There each of them has
pins of his own: what is hidden from him, since he blocks the other, does not change
them (`chatd.store`).
"""

from __future__ import annotations

from chatd.core import authority, rate_limits, speech
from chatd.core.commands.timeline.messages import check_readable
from chatd.core.drafts import SetPin
from chatd.core.entities import Connection, readable_from
from chatd.core.inputs import Answered
from chatd.core.pages import fit, readable
from chatd.core.queries import Page, ReadPins
from chatd.core.turn import Turn
from chatd.errors import Reject
from chatd.ids import is_direct
from chatd.wire.replies import MessageShown, PinsPage
from chatd.wire.timeline import Pin, Pins


def set_pin(turn: Turn, connection: Connection, command: Pin) -> SetPin:
    """The draft of a pin."""
    user = turn.user(connection).name
    return SetPin(command.room, user, command.cid, command.of, command.on)


def pin(turn: Turn, connection: Connection, command: Pin) -> None:
    """Check that a message may be pinned; whether there is one, the writer knows."""
    user, room = turn.user(connection), turn.durable.rooms[command.room]
    if not is_direct(room.name):
        authority.require(turn, connection, room.name, authority.MODERATOR)
    check_readable(command.of, room.members[user.name].first, "of")
    speech.check(turn, user, room, command)
    rate_limits.may_send(turn, connection)


def pins(turn: Turn, connection: Connection, command: Pins) -> None:
    """Have a page of the pinned messages read, as far as their user may read."""
    room, viewer = turn.durable.rooms[command.room], turn.user(connection).name
    first = readable_from(room, room.members[viewer])
    turn.query(connection, command, ReadPins(first, room.head, viewer))


def pins_read(
    turn: Turn,
    connection: Connection,
    found: Answered[Pins, ReadPins, Page[MessageShown]],
) -> None:
    """Answer `pins`, if its user is still a member and his token allows it."""
    command = found.command
    try:
        room, first = readable(turn, connection, command)
    except Reject as reject:
        turn.refuse(connection.id, command, reject)
        return
    read, more = found.answer
    shown = [message for message in read if message.seq >= first]
    messages = fit(shown, turn.config.limits.reply_bytes)
    more = more or len(messages) < len(shown)
    # The last one that was looked at, also where a trim has left none to be shown.
    last = (messages or read)[-1].pinned if more else None
    page = PinsPage(room.name, messages, next=last, id=command.id)
    turn.answer(connection.id, page)
