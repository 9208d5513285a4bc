"""Who is addressed by what is said: looked for last, told once.

A text is looked through when all rules have let it pass, so what is refused costs
nothing here. Which of the names are news is decided by the store's writer, since it
depends on the texts before: an edit tells only those whom the message has not
addressed before, whatever became of that meanwhile.

Whoever names somebody whom the message does not reach is told so, where `invite` or a
direct message would tell him the same: that there is such a user.
"""

from __future__ import annotations

from chatd.core import authority, mentions
from chatd.core.applying.timeline import reaches
from chatd.core.drafts import EditMessage, NewMessage
from chatd.core.entities import Connection, Room
from chatd.core.mentions import Mentions
from chatd.core.turn import Turn
from chatd.enums import AccountRole, Role
from chatd.ids import Seq, UserName, is_direct, is_guest, is_private

ADDRESS_ALL = frozenset({Role.OWNER, Role.MODERATOR})
"""Roles whose `@all` addresses everybody. Source: protocol section 4."""


def address(
    turn: Turn, connection: Connection, draft: NewMessage | EditMessage
) -> None:
    """Find whom a text addresses that is going to be stored.

    In a direct conversation that is nobody. Of an old message those are reached who
    may read it.
    """
    if not mentions.names_somebody(draft.text) or is_direct(draft.room):
        return
    chat = turn.chat
    room, sender = chat.durable.rooms[draft.room], turn.user(connection)
    role = room.members[sender.name].role
    of = draft.of if isinstance(draft, EditMessage) else Seq(room.head + 1)
    found = mentions.find(
        draft.text,
        sender.name,
        lambda name: reaches(room, name, of),
        may_all=sender.role == AccountRole.ADMIN or role in ADDRESS_ALL,
    )
    if found is not None and found.strangers:
        found = _without_secrets(turn, connection, room, found)
    draft.mentions = found


# --- whom it does not reach -------------------------------------------------------


def _without_secrets(
    turn: Turn, connection: Connection, room: Room, found: Mentions
) -> Mentions | None:
    """Leave out the names of which the sender may not know whether they exist."""
    knows_all = _may_know_all(turn, connection, room)
    told = [
        tuple(
            name
            for name in names
            if (knows_all or _shares_a_room(turn, connection, name))
            # A guest's name stays taken when he has gone, and means nobody.
            and turn.durable.is_somebody(name)
        )
        for names in found.strangers
    ]
    told = [names for names in told if names]
    if not (told or found.users or found.everybody):
        return None
    return Mentions(found.users, found.everybody, tuple(told))


def _may_know_all(turn: Turn, connection: Connection, room: Room) -> bool:
    """Whether the sender may learn of any user that he exists.

    Direct messages tell accounts, and `invite` tells those who may invite here, where
    a token allows that.
    """
    user, scope = turn.user(connection), connection.scope
    if not is_guest(user.name) and (scope is None or scope.rooms is None):
        return True
    least = authority.MODERATOR if is_private(room.name) else 1
    may_invite = authority.rank(turn, user, room) >= least
    return may_invite and turn.chat.allows(connection, "invite", room.name)


def _shares_a_room(turn: Turn, connection: Connection, name: UserName) -> bool:
    """Whether somebody is in a room where the sender may see who is there."""
    own = turn.durable.rooms_of(turn.user(connection).name)
    return any(
        shared in own and turn.chat.may_be_told(connection, shared)
        for shared in turn.durable.rooms_of(name)
    )
