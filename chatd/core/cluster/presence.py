"""Presence over several nodes: what this one tells, and what it takes from the others.

Each node tells, for each room and tick, which of its own people have come, changed or
gone (`PresenceTold`): names and not a number, so that somebody on two nodes is counted
once. Nothing is told where nothing has changed, and a node that has nobody in a room in
memory does not hear of it.

What is told may be lost, doubled and reordered on its way, so it is numbered: each says
which one was before it. What is old is nothing; where one is missing, all is asked for,
and told anew with the next tick (`PresenceAsked`). What nobody would notice by a number
(the bus was away, or the node has let go of the room since) is doubted for a while: it
goes unless it is told again in time. So it is with the people of a node that has gone.
Where all is doubted, it is room by room, so that messages do not wait for it.

All of it is checked by what is known here: a room that is not in memory, somebody who
is no member, a node that is not there are nothing, or nothing yet. Who is told before
he is a member is remembered, and shown as soon as he is one.
"""

from __future__ import annotations

from chatd.core.agenda import DeadlineKey, Due
from chatd.core.cluster.commits import (
    EVERYBODY,
    epoch_of_stream,
    stream_of_room,
)
from chatd.core.cluster.messages import Person, PresenceAsked, PresenceTold
from chatd.core.cluster.neighbours import Neighbours, There, person
from chatd.core.effects import Publish
from chatd.core.entities import Room, shown_in
from chatd.core.inputs import Followed, Missed, NodesSeen
from chatd.core.turn import Turn
from chatd.ids import NodeId, UserName
from chatd.wire.events import UserShown

ASKED_S = 0.05
"""How long a question about a room waits, so that those of one moment get one
answer."""
PEOPLE_MAX = 500
"""How many one message has: with all that they may say of themselves half a MiB."""
UNSURE_ROOMS = 16
"""How many rooms are looked over at once."""
UNSURE_S = 0.0005
"""How long it is until the next ones, for each node that has one of those. Source: to
ask, to answer and to tell costs an eighth of a millisecond for each
(`contrib/bench/nodes.py back`), so three quarters of the core are left to people."""
DOUBT_TICKS = 3
"""How long it is waited for all that a node has to tell anew: for its tick, and for how
long that may take."""


# --- what is told -------------------------------------------------------------


def settle(turn: Turn, room: Room) -> None:
    """End a tick: forget what is not believed any more, and tell what has changed."""
    neighbours = room.neighbours
    if neighbours is None:
        return
    _forget_doubted(turn, room, neighbours)
    if neighbours.asks_all:
        neighbours.asks_all = False
        _ask(turn, room)
    before, gone = neighbours.told, list[UserName]()
    if neighbours.tells_all or before is None:
        people = _people_here(turn, room)
        if people or before is not None:
            _tell(turn, room, neighbours, None, people, gone)
    else:
        people, gone = _changes(turn, room, neighbours)
        if people or gone:
            _tell(turn, room, neighbours, before, people, gone)
    neighbours.tells_all = False
    neighbours.untold.clear()


def _tell(
    turn: Turn,
    room: Room,
    neighbours: Neighbours,
    before: int | None,
    people: list[Person],
    gone: list[UserName],
) -> None:
    """Tell the others something, in as many messages as it needs.

    Args:
        turn: This one.
        room: Of which room.
        neighbours: Its.
        before: The number of what they were told last; None: this is all there is.
        people: Who is here.
        gone: Who is not any more.
    """
    is_all, stream = before is None, stream_of_room(room.epoch)
    for at in range(0, max(len(people), 1), PEOPLE_MAX):
        some = tuple(people[at : at + PEOPLE_MAX])
        more = is_all and len(people) > at + PEOPLE_MAX
        turn.live.told = neighbours.told = number = turn.live.told + 1
        told = PresenceTold(room.epoch, number, before, some, tuple(gone), more)
        turn.want(Publish(stream, told))
        before, gone = number, []


def _people_here(turn: Turn, room: Room) -> list[Person]:
    shown = [_here(turn, room, name) for name in room.online]
    return [person(one) for one in shown if one is not None]


def _changes(
    turn: Turn, room: Room, neighbours: Neighbours
) -> tuple[list[Person], list[UserName]]:
    """Who is here otherwise than he was told, and who is not any more."""
    people, gone = [], []
    for name, before in neighbours.untold.items():
        now = _here(turn, room, name)
        if now is None and before is not None:
            gone.append(name)
        elif now is not None and now != before:
            people.append(person(now))
    return people, gone


def _here(turn: Turn, room: Room, name: UserName) -> UserShown | None:
    """How a user is shown in a room who is there on this node."""
    return turn.live.here(name) if name in room.members else None


def asked(turn: Turn, message: PresenceAsked) -> None:
    """Have another node told anew: of a room, or of all that it may have been told."""
    if message.of not in (None, turn.live.node):
        return
    now, live = turn.now.mono, turn.live
    if message.room is not None:
        room = turn.durable.room_by_epoch(message.room)
        if room is not None:
            live.neighbours(room).tells_all = True
            live.expect_tick(room, now + ASKED_S)
        return
    for room in turn.durable.rooms.values():
        if room.neighbours is not None and room.neighbours.told is not None:
            room.neighbours.tells_all = True
            live.expect_tick(room, now + live.presence_tick_s)


# --- what is taken ------------------------------------------------------------


def told(turn: Turn, node: NodeId, message: PresenceTold) -> None:
    """Take who is in a room on another node."""
    room = turn.durable.room_by_epoch(message.room)
    if room is None:
        return
    neighbours = turn.live.neighbours(room)
    there = neighbours.there.get(node)
    known = there.number if there is not None else 0
    if message.number <= known:
        return
    if message.before is not None and message.before != known:
        _ask(turn, room, node)
        return
    if there is None:
        there = neighbours.there[node] = There()
    there.number = message.number
    people, gone = list(message.people), list(message.gone)
    if message.before is None:
        there.coming = people
    elif there.coming is not None:
        there.coming += people
    if message.more:
        return
    if there.coming is not None:
        people, there.coming, there.until = there.coming, None, None
        named = {one.name for one in people}
        gone = [name for name in there.people if name not in named]
    for name in gone:
        _put(turn, room, there, name, None)
    for one in people:
        _put(turn, room, there, one.name, one)


def _put(
    turn: Turn, room: Room, there: There, name: UserName, now: Person | None
) -> None:
    """Have somebody be in a room on another node, or no longer."""
    before = _shown(turn, room, name)
    if now is not None:
        there.people[name] = now
    else:
        there.people.pop(name, None)
    if name not in room.members:
        return
    after = _shown(turn, room, name)
    if after != before:
        turn.live.unsettle(room, name, before, turn.now.mono)
    if after is None:
        room.online.pop(name, None)
    else:
        room.online[name] = None


def _shown(turn: Turn, room: Room, name: UserName) -> UserShown | None:
    return shown_in(room, name, turn.live.here(name))


def _ask(turn: Turn, room: Room, node: NodeId | None = None) -> None:
    """Ask another node, or all, who is in a room there."""
    asking = PresenceAsked(room.epoch, node)
    turn.want(Publish(stream_of_room(room.epoch), asking))


def followed(turn: Turn, happened: Followed) -> None:
    """Ask who is in the rooms of which is heard from here on."""
    if not turn.live.nodes:
        return
    for stream in happened.streams:
        epoch = epoch_of_stream(stream)
        room = turn.durable.room_by_epoch(epoch) if epoch is not None else None
        if room is not None:
            _ask(turn, room)


# --- what is doubted ----------------------------------------------------------


def seen(turn: Turn, happened: NodesSeen) -> None:
    """Take which nodes are there.

    The people of those that have gone go with the next tick. Whoever has come since
    this node did has told nobody who did not know it; whoever was there before has been
    heard only since now.
    """
    live, me = turn.live, turn.live.node
    assert me is not None
    nodes = happened.alive - {me}
    before, live.nodes = live.nodes, nodes
    if left := before - nodes:
        _doubt(turn, left, turn.now.mono)
    come = sorted(nodes - before)
    for node in come:
        if node > me:
            turn.want(Publish(EVERYBODY, PresenceAsked(of=node)))
    if come and come[0] < me:
        _ask_everywhere(turn)


def missed(turn: Turn, happened: Missed) -> None:
    """Doubt what a node, or any, has told, and ask for it.

    Where any may have, questions were missed as well: then all is told anew.
    """
    live = turn.live
    if not live.nodes:
        return
    if happened.node is None:
        # Those that a look before this one has not come to are first.
        left = dict.fromkeys(reversed(live.unsure))
        rooms = dict.fromkeys(room.epoch for room in turn.durable.rooms.values())
        live.unsure = [*left | rooms][::-1]
        look_over(turn, None)
    else:
        until = turn.now.mono + DOUBT_TICKS * live.presence_tick_s
        _doubt(turn, frozenset([happened.node]), until)
        turn.want(Publish(EVERYBODY, PresenceAsked(of=happened.node)))


def look_over(turn: Turn, _key: DeadlineKey) -> None:
    """Doubt what others have told of some rooms, ask for it, and tell them anew."""
    live, now = turn.live, turn.now.mono
    until, having = now + DOUBT_TICKS * live.presence_tick_s, 0
    for _ in range(min(UNSURE_ROOMS, len(live.unsure))):
        room = turn.durable.room_by_epoch(live.unsure.pop())
        if room is not None:
            neighbours = live.neighbours(room)
            neighbours.asks_all = True
            neighbours.tells_all |= neighbours.told is not None
            live.expect_tick(room, now)
            _doubt_in(turn, room, live.nodes, until)
            having += 1 + len(neighbours.there)
    if live.unsure:
        live.agenda.add(now + having * UNSURE_S, Due.UNSURE, None)


def _ask_everywhere(turn: Turn) -> None:
    """Ask who is in the rooms that are in memory, some of them in each turn."""
    for room in turn.durable.rooms.values():
        turn.live.neighbours(room).asks_all = True
        turn.live.expect_tick(room, turn.now.mono)


def _doubt(turn: Turn, nodes: frozenset[NodeId], until: float) -> None:
    """Believe what some nodes have told no longer than until then."""
    for room in turn.durable.rooms.values():
        _doubt_in(turn, room, nodes, until)


def _doubt_in(turn: Turn, room: Room, nodes: frozenset[NodeId], until: float) -> None:
    if room.neighbours is None:
        return
    for node, there in room.neighbours.there.items():
        if node in nodes:
            there.until = until
            _look_again(turn, room, until)


def _look_again(turn: Turn, room: Room, until: float) -> None:
    """Have a doubt looked at by then, and not later than what may change meanwhile."""
    at = min(until, turn.now.mono + turn.live.presence_tick_s)
    turn.live.expect_tick(room, at)


def _forget_doubted(turn: Turn, room: Room, neighbours: Neighbours) -> None:
    """Let go of what was doubted for too long; look again when that is not yet so."""
    doubted = {
        node: there.until
        for node, there in neighbours.there.items()
        if there.until is not None
    }
    if not doubted:
        return
    for node, until in list(doubted.items()):
        if until <= turn.now.mono:
            there = neighbours.there[node]
            for name in list(there.people):
                _put(turn, room, there, name, None)
            del neighbours.there[node], doubted[node]
    # What that has unsettled, this tick tells.
    turn.live.agenda.cancel(Due.PRESENCE, room.name)
    if doubted:
        _look_again(turn, room, min(doubted.values()))
