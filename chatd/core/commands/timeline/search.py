"""Search: what a query means for the one who asks, and what he may see of it.

The rooms are chosen here, from what is applied: those that the asker is a member
of, each from the first seq that he may read to the head. Like `history` it is
authorised twice: what was found in a room that he was removed from meanwhile, or
that the token which he has brought since does not allow, is left out of the answer.
"""

from __future__ import annotations

import attrs

from chatd.core.entities import Connection, Room, User, readable_from
from chatd.core.inputs import Answered
from chatd.core.pages import fit
from chatd.core.queries import FindMessages, Page
from chatd.core.query import Hit, Place, Query, bad_place, parse_place, parse_query
from chatd.core.turn import Turn
from chatd.errors import Reject, RejectCode
from chatd.ids import RoomName, Seq
from chatd.wire.replies import SearchPage
from chatd.wire.timeline import Search


def search(turn: Turn, connection: Connection, command: Search) -> None:
    """Have messages found, in rooms of one's own, up to what is applied now."""
    query = _renamed(turn, parse_query(command.query))
    user = turn.user(connection)
    room = _only_room(turn, connection, command, query)
    own = turn.durable.rooms_of(user.name)
    rooms = [turn.durable.rooms[name] for name in own] if room is None else [room]
    scope = [(room.name, _first(turn, room.name, user), room.head) for room in rooms]
    place = parse_place(command.next) if command.next is not None else None
    if place is not None:
        place = _followed(turn, place)
        _check_place(place, scope)
    find = FindMessages(query, scope, place, user.name)
    turn.query(connection, command, find)


def found(
    turn: Turn,
    connection: Connection,
    outcome: Answered[Search, FindMessages, Page[Hit] | None],
) -> None:
    """Answer `search` with what its user may still read."""
    command, query = outcome.command, _renamed(turn, outcome.query.query)
    if outcome.answer is None:
        turn.refuse(connection.id, command, bad_place())
        return
    read, more = outcome.answer
    for hit in read:
        _follow(turn, hit)
    try:
        _only_room(turn, connection, command, query)
    except Reject as reject:
        turn.refuse(connection.id, command, reject)
        return
    user = turn.user(connection)
    hits = [
        hit
        for hit in read
        if hit.message.room in turn.durable.rooms_of(user.name)
        and turn.chat.allows(connection, command.type, hit.message.room)
        and hit.message.seq >= _first(turn, hit.message.room, user)
    ]
    messages = fit([hit.message for hit in hits], turn.config.limits.reply_bytes)
    more = more or len(messages) < len(hits)
    last = hits[len(messages) - 1] if hits else None
    place = last.place.encode() if more and last is not None else None
    turn.answer(connection.id, SearchPage(messages, place, id=command.id))


def _renamed(turn: Turn, query: Query) -> Query:
    """The same query, with the room's name of now."""
    name = turn.durable.aliases.get(query.room) if query.room is not None else None
    return query if name is None else attrs.evolve(query, room=name)


def _followed(turn: Turn, place: Place) -> Place:
    """The same place, with the rooms' names of now."""
    name_now, top = turn.durable.name_now, place.top
    return attrs.evolve(
        place,
        room=name_now(place.room),
        top=(name_now(top[0]), top[1]) if top is not None else None,
    )


def _follow(turn: Turn, hit: Hit) -> None:
    """Name the room of what was found as it is called now."""
    hit.message.room = turn.durable.name_now(hit.message.room)
    hit.place = _followed(turn, hit.place)


def _first(turn: Turn, name: RoomName, user: User) -> Seq:
    """The lowest seq of a room that one of its members may read."""
    room = turn.durable.rooms[name]
    return readable_from(room, room.members[user.name])


def _only_room(
    turn: Turn, connection: Connection, command: Search, query: Query
) -> Room | None:
    """The one room to search in, which the command or the query may name.

    Raises:
        Reject: As for every command that names a room; or they name two.
    """
    if query.room is None:
        name, field = command.room, "room"
    elif command.room in (None, query.room):
        name, field = query.room, "query"
    else:
        text = "query: in: names another room than the field room"
        raise Reject(RejectCode.BAD_FIELD, text, field="query", counted=False)
    if name is None:
        return None
    try:
        return turn.member_room(connection, name)
    except Reject as reject:
        raise Reject(reject.code, reject.text, field=field) from None


def _check_place(place: Place, scope: list[tuple[RoomName, Seq, Seq]]) -> None:
    """Refuse a place in a room that is not searched: it could tell of that room."""
    bounds = {room: (first, head) for room, first, head in scope}
    named = [(place.room, place.seq), *([place.top] if place.top else [])]
    for room, seq in named:
        first, head = bounds.get(room, (1, 0))
        if not first <= seq <= head:
            raise bad_place()
