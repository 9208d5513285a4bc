"""Block and unblock: whose direct messages somebody does not want to see.

A block is durable and nobody but its owner learns of it: it changes nothing
that is answered or sent to the one who is blocked. What it hides, the store's
writer decides, in the order of commits (`Appended.hidden`); what is kept in
memory is for what is never stored: typing, and the notices of mentions and
invitations.
"""

from __future__ import annotations

from chatd.core import rate_limits
from chatd.core.drafts import SetBlock
from chatd.core.entities import Connection, User
from chatd.core.turn import Turn
from chatd.errors import Reject, RejectCode
from chatd.ids import UserName, is_guest
from chatd.wire.commands import Block, Unblock

BLOCKS_MAX = 1000
"""How many one user may block; what nobody bounds somebody fills. Source: ten
times what one page of `blocks` shows."""


def block(turn: Turn, connection: Connection, command: Block) -> None:
    """Have a block recorded. Whether there is such a user, the writer knows."""
    user = _account(turn, connection, command.user)
    if len(user.blocks) >= BLOCKS_MAX and command.user not in user.blocks:
        text = f"you block {BLOCKS_MAX} people already: unblock somebody first"
        raise Reject(RejectCode.FORBIDDEN, text)
    turn.append(SetBlock(user.name, command.user, on=True), connection, command)
    turn.pend(connection)


def unblock(turn: Turn, connection: Connection, command: Unblock) -> None:
    """Have a block taken back; what was hidden stays so."""
    user = _account(turn, connection, command.user)
    turn.append(SetBlock(user.name, command.user, on=False), connection, command)
    turn.pend(connection)


def _account(turn: Turn, connection: Connection, other: UserName) -> User:
    """The connection's user, if he may block `other`.

    Raises:
        Reject: `forbidden` for a guest, `bad_field` for one's own name.
    """
    user = turn.user(connection)
    if is_guest(user.name):
        raise Reject(RejectCode.FORBIDDEN, "guests have no direct conversations")
    if other == user.name:
        raise Reject(RejectCode.BAD_FIELD, "user: this is your own name", field="user")
    rate_limits.pace(turn, connection)
    return user
