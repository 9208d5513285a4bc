"""Commands that are decided again, and whatever waits until this node has caught up.

A command was decided on what another node had changed meanwhile: then nothing of it was
done (`Stale`), nor of what its connection has sent behind it by then (`Basis.since`).
The connection waits (`Block.UNDECIDED`) until this node has caught up and the
outcomes of all of its drafts are there; then it goes on with those commands, in the
order in which they were sent, before all that it has sent behind them.

Where others change it faster than this node catches up, that would have no end: the
first of them is answered `unavailable` when it was decided again often enough.

A hole in a room's timeline is waited for a moment, then asked for in the store.

A hello waits likewise, so that who comes back from another node finds what he has
written there.
"""

from __future__ import annotations

from chatd.core import rate_limits
from chatd.core.agenda import DeadlineKey, Due
from chatd.core.cluster.order import HOLE_S
from chatd.core.drafts import Refused
from chatd.core.effects import CatchUp
from chatd.core.entities import Block, Connection, Undecided
from chatd.core.turn import Turn
from chatd.wire.commands import Command
from chatd.wire.sessions import Hello

AGAIN_MAX = 8
"""How often a command is decided again. Source: each time, somebody else has changed
what it depends on; eight times one after the other are no chance."""
GIVEN_UP = Refused.for_now("what this depends on changes too fast; nothing was done")
"""What a command is answered that was decided again too often."""


def catch_up(turn: Turn, connection: Connection, command: Command) -> int:
    """Have this node catch up with the others, and a connection wait for that.

    Returns:
        By what number `caught_up` will know that it is over.
    """
    number = turn.live.note_catching(connection.id, command)
    turn.want(CatchUp(number))
    return number


def ask(turn: Turn) -> None:
    """Have this node catch up with the others, though no connection waits for it."""
    turn.live.catch_ups += 1
    turn.want(CatchUp(turn.live.catch_ups))


def caught_up(turn: Turn, number: int) -> list[tuple[Connection, Hello]]:
    """Let those go on who have waited for one catching up, or one before it.

    Returns:
        Those whose hello goes on.
    """
    greeting = []
    for one, who, command in turn.live.take_caught_up(number):
        connection = turn.chat.connection(who)
        if connection is None:
            continue
        found = connection.undecided
        if isinstance(command, Hello):
            greeting.append((connection, command))
        elif found is not None and found.number == one:
            found.number = None
            go_on(turn, connection)
    return greeting


def put_off(
    turn: Turn, connection: Connection, command: Command, *, is_pending: bool
) -> bool:
    """Have a command decided again that was decided on what is not so any more.

    Args:
        turn: This one.
        connection: Who has sent it.
        command: What.
        is_pending: Whether what the connection has sent behind it has waited for it.

    Returns:
        Whether it will be; else it was so too often, and is to be answered `GIVEN_UP`.
    """
    # Who registers is nobody yet, and neither he nor the operator has a bucket.
    if connection.user is not None and turn.user(connection).messages is not None:
        rate_limits.give_back(turn, connection, getattr(command, "text", ""))
    found = connection.undecided
    if found is None:
        before, count = connection.put_off
        count = count + 1 if before is command else 1
        if count > AGAIN_MAX:
            connection.put_off = None, 0
            return False
        connection.put_off = command, count
        found = connection.undecided = Undecided(connection.block)
        connection.block = Block.UNDECIDED
    if is_pending:
        found.block = None
    found.commands.append(command)
    found.number = catch_up(turn, connection, command)
    return True


def go_on(turn: Turn, connection: Connection) -> None:
    """Decide again, if this node has caught up and no outcome is missing.

    What was sent behind it, and is being looked up, comes back first: else it would go
    on before it.
    """
    found = connection.undecided
    if found is None or found.number is not None or connection.open_drafts:
        return
    if found.block is Block.PENDING:
        return
    connection.undecided, connection.decided = None, turn.live.catch_ups
    connection.waiting[:0] = found.commands
    connection.block = None if found.block is Block.OWN_DRAFTS else found.block
    if connection.block is None:
        turn.release(connection)


# --- holes ------------------------------------------------------------------------


def note_hole(turn: Turn) -> None:
    """Look again soon, if something waits for what came before it."""
    agenda = turn.live.agenda
    if not _is_missing(turn):
        agenda.cancel(Due.HOLE, None)
    elif not agenda.has(Due.HOLE, None):
        agenda.add(turn.now.mono + HOLE_S, Due.HOLE, None)


def look_for_hole(turn: Turn, _key: DeadlineKey) -> None:
    """Ask the store for what the bus has not brought."""
    ask(turn)
    note_hole(turn)


def _is_missing(turn: Turn) -> bool:
    """Whether something that is here waits for what came before."""
    live = turn.live
    return bool(live.unapplied) or any(
        turn.durable.room_by_epoch(epoch) is not None for epoch in live.order.held()
    )
