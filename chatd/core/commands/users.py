"""Profile and blocks: how somebody is shown, and whom he does not want to read.

A block is durable and nobody but its owner learns of it: it changes nothing
that is answered or sent to the one who is blocked. What it hides, the store's
writer decides, in the order of commits (`Appended.hidden`); what is kept in
memory is for what is never stored: typing, and the notices of mentions and
invitations.
"""

from __future__ import annotations

from bisect import bisect_right

from chatd.core import authority, rate_limits
from chatd.core.drafts import SetBlock, SetDisplay
from chatd.core.entities import Connection, User
from chatd.core.pages import fit_page
from chatd.core.turn import Turn
from chatd.errors import Reject, RejectCode
from chatd.ids import UserName, is_guest
from chatd.wire.users import Block, Blocks, BlocksPage, Profile, Unblock

BLOCKS_MAX = 1000
"""How many one user may block; what nobody bounds somebody fills. Source: ten
times what one page of `blocks` shows."""


def profile(turn: Turn, connection: Connection, command: Profile) -> None:
    """Change what people read instead of one's name."""
    user = turn.user(connection)
    authority.check_unbarred(turn, user)
    rate_limits.may_send(turn, connection)
    turn.append(SetDisplay(user.name, command.display), connection, command)
    turn.pend(connection)


# --- blocks ---------------------------------------------------------------------


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
    rate_limits.may_send(turn, connection)
    return user


def blocks(turn: Turn, connection: Connection, command: Blocks) -> None:
    """List whom the user blocks, by name."""
    names = sorted(turn.user(connection).blocks)
    at = 0 if command.after is None else bisect_right(names, command.after)
    end = at + command.limit
    page, more = fit_page(turn, names[at:end], more=end < len(names))
    last = page[-1] if more else None
    turn.answer(connection.id, BlocksPage(page, next=last, id=command.id))
