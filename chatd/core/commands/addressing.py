"""Who is addressed by what is said: looked for last, told once.

A text is looked through when all rules have let it pass, so what is refused costs
nothing here. Which of the names are news is decided by the store's writer, since it
depends on the texts before: an edit tells only those whom the message has not
addressed before, whatever became of that meanwhile.

Whoever names somebody whom the message does not reach is told so, where `invite` or a
direct message would tell him the same: that there is such a user.
"""

from __future__ import annotations

from chatd.core import mentions
from chatd.core.commands import authority
from chatd.core.drafts import (
    STRANGERS_MAX,
    Addressing,
    EditMessage,
    NewMessage,
    Outcome,
)
from chatd.core.effects import Tell
from chatd.core.entities import Connection, Room, User
from chatd.core.mentions import Mentions
from chatd.core.turn import Turn
from chatd.enums import AccountRole, Role
from chatd.ids import ConnectionId, Seq, UserName, is_direct, is_guest, is_private
from chatd.wire.events import Mention, TimelineEvent

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
    room, sender = chat.rooms[draft.room], turn.user(connection)
    role = room.members[sender.name].role
    of = draft.of if isinstance(draft, EditMessage) else Seq(room.head + 1)
    found = mentions.find(
        draft.text,
        sender.name,
        lambda name: _reaches(room, name, of),
        chat.users,
        may_all=sender.role == AccountRole.ADMIN or role in ADDRESS_ALL,
    )
    if found is not None and found.strangers:
        found = _without_secrets(turn, connection, room, found)
    draft.mentions = found


def _reaches(room: Room, name: UserName, seq: Seq) -> bool:
    member = room.members.get(name)
    return member is not None and member.first <= seq


def tell_mentioned(
    turn: Turn, draft: NewMessage | EditMessage, event: TimelineEvent, outcome: Outcome
) -> None:
    """Tell those newly addressed, on all of their connections.

    Also where the room is followed: so no client need parse a text to know that it is
    meant for its user.
    """
    found = draft.mentions if isinstance(draft, NewMessage) else None
    told: frozenset[UserName] = frozenset()
    if isinstance(outcome, Addressing):
        found, told = outcome.addressed, frozenset(outcome.told)
    if found is None:
        return
    room = turn.chat.rooms[event.room]
    seq = draft.of if isinstance(draft, EditMessage) else event.seq
    numbers = [
        number
        for name in (room.online if found.everybody else found.users)
        if name in room.online and name != event.sender and name not in told
        if _reaches(room, name, seq)
        for number in _told(turn, turn.chat.users[name], event)
    ]
    if numbers:
        turn.want(Tell(numbers, Mention(event.room, seq, event.sender)))


def _told(turn: Turn, user: User, event: TimelineEvent) -> list[ConnectionId]:
    """Connections of a user that are told of a mention by the event's sender."""
    if event.sender in user.blocks:
        return []
    return [
        number
        for number in turn.told_of(user.name, event.room)
        if turn.connection(number) is not None
    ]


# --- whom it does not reach -------------------------------------------------------


def _without_secrets(
    turn: Turn, connection: Connection, room: Room, found: Mentions
) -> Mentions | None:
    """Leave out the names of which the sender may not know whether they exist."""
    knows_all = _may_know_all(turn, connection, room)
    told = [
        name
        for name in found.strangers
        if (knows_all or _shares_a_room(turn, connection, name))
        # A guest's name stays taken when he has gone, and means nobody.
        and (not is_guest(name) or name in turn.chat.users)
    ]
    if not (told or found.users or found.everybody):
        return None
    return Mentions(found.users, found.everybody, tuple(told[:STRANGERS_MAX]))


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
    return may_invite and turn.allows(connection, "invite", room.name)


def _shares_a_room(turn: Turn, connection: Connection, name: UserName) -> bool:
    """Whether somebody is in a room where the sender may see who is there."""
    other = turn.chat.users.get(name)
    own = turn.user(connection).rooms
    return other is not None and any(
        shared in own and turn.may_be_told(connection, shared) for shared in other.rooms
    )
