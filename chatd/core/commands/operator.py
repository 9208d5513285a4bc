"""What the operator asks and does, at the admin socket.

A connection there has no user: it is the operator's by what the kernel says of the
other end (`chatd.daemon.admin`). `by_operator` makes a rule that nobody else may use.
Beside these he may say some of what everybody may (`Rule.operator`), and is the user
`*operator` then (`Turn.user`), who is in no room and has more to say than who is.

What he has the daemon do is kept in the audit first (`record`), and done when that is
on disk (`carry_out`), also when nobody waits for it any more. So `ok` means both, and
a refusal neither. Only a reload is in force before, since nobody knows sooner what it
changes.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from functools import wraps
from itertools import chain
from typing import Any

import attrs

from chatd.config import Difference
from chatd.core import authority, loading
from chatd.core.cluster.commits import EVERYBODY
from chatd.core.cluster.messages import (
    AnnouncementTold,
    DisconnectTold,
    Message,
)
from chatd.core.drafts import Outcome, RecordAct, Refused
from chatd.core.effects import Observe, Origin, Publish, Steer, Tell
from chatd.core.effects import Reload as ReloadEffect
from chatd.core.entities import Connection
from chatd.core.inputs import Answered, Seen
from chatd.core.loads import Waiting
from chatd.core.observations import ServerFacts, Traffic
from chatd.core.pages import fit_page, fit_read
from chatd.core.queries import Page, ReadAudit
from chatd.core.turn import Turn
from chatd.errors import Ending, Reject, RejectCode
from chatd.ids import ConnectionId, is_direct
from chatd.wire.operator import (
    Announce,
    Announced,
    Audit,
    AuditPage,
    AuditShown,
    BusyRoom,
    BusyRooms,
    BusyRoomsShown,
    Connections,
    ConnectionShown,
    ConnectionsPage,
    Disconnect,
    Disconnected,
    Drain,
    Reload,
    Reloaded,
    Report,
    Reported,
    SetLogLevel,
)
from chatd.wire.place import Announcement
from chatd.wire.replies import Done

Run = Callable[[Turn, Connection, Any], None]
Steered = Drain | SetLogLevel
"""What is asked of the process."""


def by_operator(run: Run) -> Run:
    """Let nobody but the operator run it."""

    @wraps(run)
    def checked(turn: Turn, connection: Connection, command: Any) -> None:
        if not connection.is_operator:
            raise Reject(
                RejectCode.FORBIDDEN, "that is for the operator, at the admin socket"
            )
        run(turn, connection, command)

    return checked


def report(turn: Turn, connection: Connection, command: Report) -> None:
    """Have the daemon looked at."""
    turn.want(Observe(connection.id, command, None))


def connections(turn: Turn, connection: Connection, command: Connections) -> None:
    """Have a page of connections looked at, or the busiest of all."""
    if command.busiest:
        live = turn.live.connections.values()
        clients = [one.id for one in live if not one.is_operator]
        turn.want(Observe(connection.id, command, clients, command.limit))
    else:
        turn.want(Observe(connection.id, command, _numbers(turn, command)))


def busy_rooms(turn: Turn, connection: Connection, command: BusyRooms) -> None:
    """Say where most has happened since the last look; conversations are nobody's."""
    rooms = [
        room
        for room in turn.durable.rooms.values()
        if room.online and not is_direct(room.name)
    ]
    before = connection.heads or {}
    # What comes into memory meanwhile was somewhere already: nobody knows where.
    moved = [
        BusyRoom(room.name, room.head - before[room.epoch], len(room.online))
        for room in rooms
        if room.epoch in before and room.head > before[room.epoch]
    ]
    connection.heads = {room.epoch: room.head for room in rooms}
    busiest = heapq.nlargest(
        command.limit, moved, lambda one: (one.events * one.online, one.events)
    )
    turn.answer(connection.id, BusyRoomsShown(busiest, id=command.id))


def disconnect(turn: Turn, connection: Connection, command: Disconnect) -> None:
    """Have one connection ended, or all of a user, if there is any.

    Whether he has some on other nodes nobody knows here; but whether there is such a
    user.
    """
    user, nodes = command.user, turn.live.nodes
    is_known = user in turn.durable.users
    if nodes and user and not is_known and user not in connection.sought:
        loading.await_user(turn, connection, Waiting(command), user)
    elif _meant(turn, command) or (nodes and is_known):
        record(turn, connection, command)
    else:
        turn.answer(connection.id, Disconnected(0, id=command.id))


def announce(turn: Turn, connection: Connection, command: Announce) -> None:
    """Have something told to everybody, or to who is online in a room."""
    if command.room is not None:
        authority.require(turn, connection, command.room, authority.ABOVE)
    record(turn, connection, command)


def reload(turn: Turn, connection: Connection, command: Reload) -> None:
    """Have what is configured put into force; others talk meanwhile."""
    turn.want(ReloadEffect(connection.id, command))
    turn.pend(connection)


# --- what he has the daemon do ------------------------------------------------------


def record(
    turn: Turn, connection: Connection, command: Announce | Disconnect | Steered
) -> None:
    """Have it kept that it is done, and then done."""
    turn.append(RecordAct(command), connection, command)
    turn.pend(connection)


def recorded(
    turn: Turn, connection: Connection, origin: Origin, outcome: Outcome
) -> None:
    """Do what is kept, and say so; what is not is not done."""
    draft, command = origin.draft, origin.command
    assert isinstance(draft, RecordAct)
    assert command is not None
    if isinstance(outcome, Refused):
        if isinstance(draft.act, Reload):
            text = f"it is in force, but is not in the audit: {outcome.text}"
            outcome = attrs.evolve(outcome, text=text)
        turn.conclude(connection, origin, outcome)
        return
    reply = carry_out(turn, draft)
    reply.id = command.id
    turn.answer(connection.id, reply)
    turn.release(connection)


def carry_out(
    turn: Turn, draft: RecordAct
) -> Announced | Disconnected | Reloaded | Done:
    """Do what is kept in the audit.

    Returns:
        What whoever has asked for it is told.
    """
    act = draft.act
    match act:
        case Announce():
            return _announce(turn, act)
        case Disconnect():
            return _disconnect(turn, act)
        case Reload():
            assert draft.found is not None
            return _reloaded(draft.found)
        case _:
            turn.want(Steer(act))
            return Done(act.type)


def _announce(turn: Turn, act: Announce) -> Announced:
    """Tell everybody who is there, or online in the room, on whichever node."""
    epoch = None
    if act.room is not None:
        room = turn.durable.rooms.get(turn.durable.name_now(act.room))
        if room is None:
            return Announced(0)
        epoch = room.epoch
    message = AnnouncementTold(act.text, epoch)
    return Announced(announcement_told(turn, message), _tell_nodes(turn, message))


def announcement_told(turn: Turn, message: AnnouncementTold) -> int:
    """Tell those who are here what the operator has told, on whichever node.

    Returns:
        How many users these are.
    """
    live, name = turn.live.connections, None
    if message.room is None:
        numbers = [one.id for one in live.values() if one.user is not None]
    else:
        room = turn.durable.room_by_epoch(message.room)
        if room is None:
            return 0
        name = room.name
        of_each = (turn.chat.told_of(user, room.name) for user in room.online)
        numbers = list(chain.from_iterable(of_each))
    told = [one for one in numbers if turn.chat.connection(one) is not None]
    if told:
        turn.want(Tell(told, Announcement(message.text, name)))
    return len({live[one].user for one in told})


def _tell_nodes(turn: Turn, message: Message) -> int:
    """Have all other nodes do what is done here; how many these are.

    By the stream that each follows from its start: that of a room or a user it may have
    taken a moment ago, and not hear yet.
    """
    nodes = len(turn.live.nodes)
    if nodes:
        turn.want(Publish(EVERYBODY, message))
    return nodes


def _disconnect(turn: Turn, act: Disconnect) -> Disconnected:
    """End one connection, or all of a user, on whichever node."""
    nodes = 0
    if act.user is not None:
        nodes = _tell_nodes(turn, DisconnectTold(act.user))
    return Disconnected(_finish(turn, _meant(turn, act)), nodes)


def disconnect_told(turn: Turn, message: DisconnectTold) -> None:
    """End all connections of a user that are here: the operator says so elsewhere."""
    _finish(turn, _meant(turn, Disconnect(user=message.user)))


def _finish(turn: Turn, connections: list[Connection]) -> int:
    for one in connections:
        turn.finish(one, Ending.KICKED)
    return len(connections)


def _meant(turn: Turn, command: Disconnect) -> list[Connection]:
    """The connections that are to end; never an operator's."""
    numbers = [command.connection] if command.connection is not None else []
    if command.user is not None:
        numbers = turn.chat.connections_of(command.user)
    found = map(turn.chat.connection, numbers)
    return [one for one in found if one is not None and not one.is_operator]


def _reloaded(found: Difference) -> Reloaded:
    changed, connect, restart = attrs.astuple(found)
    return Reloaded(list(changed), list(connect), list(restart))


# --- the audit ----------------------------------------------------------------------


def audit(turn: Turn, connection: Connection, command: Audit) -> None:
    """Have a page of the audit read."""
    seconds = command.seconds
    since = None if seconds is None else turn.now.wall - seconds * 1000
    turn.query(connection, command, ReadAudit(since))


def audit_read(
    turn: Turn,
    connection: Connection,
    found: Answered[Audit, ReadAudit, Page[AuditShown]],
) -> None:
    """Answer `audit`."""
    kept, more = found.answer
    page, more = fit_page(turn, kept, more=more)
    last = page[-1].entry if more else None
    turn.answer(connection.id, AuditPage(page, last, id=found.command.id))


def _numbers(turn: Turn, command: Connections) -> list[ConnectionId]:
    """The connections of a page, and one more if there is one."""
    after = command.after or 0
    live = turn.live.connections
    asked = live if command.user is None else turn.chat.connections_of(command.user)
    behind = (
        number for number in asked if number > after and not live[number].is_operator
    )
    return heapq.nsmallest(command.limit + 1, behind)


# --- what was seen ----------------------------------------------------------------


def seen(turn: Turn, happened: Seen) -> None:
    """Answer with what the edge has seen; what has changed is kept for nobody, too."""
    command, found = happened.command, happened.found
    connection = turn.chat.connection(happened.connection)
    if isinstance(command, Reload) and isinstance(found, Difference) and found.changed:
        turn.append(RecordAct(command, found), connection, command)
    elif connection is not None:
        _seen(turn, connection, happened)


def _seen(turn: Turn, connection: Connection, happened: Seen) -> None:
    command, found = happened.command, happened.found
    if isinstance(found, Reject):
        turn.refuse(connection.id, command, found)
        if isinstance(command, Reload):
            turn.release(connection)
    elif isinstance(found, Difference):
        reply = _reloaded(found)
        reply.id = command.id
        turn.answer(connection.id, reply)
        turn.release(connection)
    elif isinstance(command, Report):
        assert isinstance(found, ServerFacts)
        turn.answer(connection.id, _reported(turn, command, found))
    else:
        assert isinstance(command, Connections)
        assert isinstance(found, dict)
        turn.answer(connection.id, _page(turn, command, found))


def _reported(turn: Turn, command: Report, found: ServerFacts) -> Reported:
    process = found.process
    operators = sum(one.is_operator for one in turn.live.connections.values())
    return Reported(
        turn.server,
        process.pid,
        process.started,
        turn.now.wall,
        ready=found.is_ready,
        config=process.config,
        listening=process.listening,
        connections=len(turn.live.connections) - operators,
        users_online=turn.live.users_online,
        events=found.events,
        events_per_s=found.events_per_s,
        queued=found.queued,
        store=process.store,
        log_level=process.log_level,
        metrics=process.metrics,
        nodes=found.nodes,
        bus=found.bus,
        id=command.id,
    )


def _page(
    turn: Turn, command: Connections, found: dict[ConnectionId, Traffic]
) -> ConnectionsPage:
    live = turn.live.connections
    rows = [
        (number, _shown(live[number], traffic) if number in live else None)
        for number, traffic in found.items()
    ]
    more = len(rows) > command.limit
    page, last = fit_read(turn, rows[: command.limit], more=more)
    return ConnectionsPage(page, None if command.busiest else last, id=command.id)


def _shown(one: Connection, traffic: Traffic) -> ConnectionShown:
    return ConnectionShown(
        one.id,
        traffic.address,
        one.opened,
        traffic.messages,
        traffic.received,
        traffic.sent,
        traffic.unread,
        traffic.lag_s,
        len(one.subscriptions),
        one.user,
        one.device,
    )
