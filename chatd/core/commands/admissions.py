"""Who lets others in: invitations to the server, and a link for oneself.

An invitation holds as long as who made it may make it. So it is looked at twice: when
it is asked for, and when somebody comes by it. What the operator makes holds by
itself. Whether it was used, and how often, the store's writer knows.

A link is a session's, for one more session beside it
(`chatd.core.commands.sessions.hello`).
"""

from __future__ import annotations

import attrs

from chatd.core import authority, rate_limits
from chatd.core.authority import MODERATOR
from chatd.core.drafts import (
    AddInvitation,
    AddUser,
    Draft,
    Enroll,
    Invited,
    Outcome,
    Refused,
    RemoveInvitation,
    SetLink,
)
from chatd.core.effects import CheckSecret, Origin
from chatd.core.entities import Connection, User
from chatd.core.inputs import Answered
from chatd.core.pages import fit_read, may_still_ask
from chatd.core.principal import InvitationKept, NewSecret
from chatd.core.queries import Page, ReadInvitations
from chatd.core.turn import Turn, no_room
from chatd.enums import AccountRole
from chatd.errors import Reject, RejectCode
from chatd.ids import RoomName, is_direct, is_guest, is_public
from chatd.wire.admissions import (
    CreateInvitation,
    InvitationCreated,
    Invitations,
    InvitationShown,
    InvitationsPage,
    Link,
    Linked,
    RevokeInvitation,
)
from chatd.wire.kinds import InvitationNumber

LINK_MS = 300_000
"""How long a link holds: as long as one looks for the other device. Source: protocol
section 2."""


# --- who may ------------------------------------------------------------------


def check_may_invite(turn: Turn, user: User, room: RoomName | None, role: str) -> None:
    """Check that somebody may let others in, so and there.

    Raises:
        Reject: `forbidden`; `no_room` for a room that he may not see; `not_member`.
    """
    if turn.config.auth.registration == "closed":
        raise Reject(
            RejectCode.FORBIDDEN, "people are invited by the operator alone here"
        )
    is_admin = user.role == AccountRole.ADMIN
    if not is_admin and (role == AccountRole.ADMIN or not _is_trusted(turn, user)):
        raise Reject(
            RejectCode.FORBIDDEN,
            "administrators invite people, and moderators of this place's own rooms",
            field="role" if role == AccountRole.ADMIN else None,
        )
    if room is not None:
        _check_room(turn, user, room)


def _is_trusted(turn: Turn, user: User) -> bool:
    """Whether an account runs a room of the configuration: nobody gets there alone."""
    rooms = turn.durable.rooms
    return not is_guest(user.name) and any(
        rooms[name].declared and authority.rank_of(user.name, rooms[name]) >= MODERATOR
        for name in turn.durable.rooms_of(user.name)
    )


def _check_room(turn: Turn, user: User, name: RoomName) -> None:
    """Check that somebody may ask others into a room, as for `invite`."""
    room = turn.durable.room(name)
    public = is_public(name)
    worth = authority.rank(turn, user, room) if room is not None else 0
    if room is None or (not worth and not public):
        raise no_room(name)
    if is_direct(name):
        raise _not_into_direct()
    if not worth:
        raise Reject(
            RejectCode.NOT_MEMBER, f"you are not in {name}: join it first", field="room"
        )
    if not public and worth < MODERATOR:
        raise Reject(
            RejectCode.FORBIDDEN,
            f"only moderators of {name} ask others in",
            field="room",
        )


def _not_into_direct() -> Reject:
    text = "nobody is asked into a direct conversation"
    return Reject(RejectCode.FORBIDDEN, text, field="room")


def holds(turn: Turn, found: InvitationKept) -> bool:
    """Whether who made an invitation may make it now."""
    if found.maker is None:
        return True
    user = turn.durable.users.get(found.maker)
    if user is None or user.is_banned(turn.now.sure):
        return False
    try:
        check_may_invite(turn, user, found.room, found.role)
    except Reject:
        return False
    return True


# --- secrets that are asked for -------------------------------------------------


def create(turn: Turn, connection: Connection, command: CreateInvitation) -> None:
    """Have the secret of a new invitation drawn."""
    if connection.is_operator:
        if command.room is not None and is_direct(command.room):
            raise _not_into_direct()
        _want_secret(turn, connection, command)
        return
    user = turn.user(connection)
    check_may_invite(turn, user, command.room, command.role)
    if command.room is not None and not turn.chat.allows(
        connection, "invite", command.room
    ):
        raise Reject(
            RejectCode.FORBIDDEN,
            f"your token does not allow invite in {command.room}",
            field="room",
        )
    _draw(turn, connection, command)


def link(turn: Turn, connection: Connection, command: Link) -> None:
    """Have the secret of a link drawn."""
    _draw(turn, connection, command)


def _draw(turn: Turn, connection: Connection, command: CreateInvitation | Link) -> None:
    rate_limits.may_grow(turn, turn.user(connection).name)
    rate_limits.may_send(turn, connection)
    _want_secret(turn, connection, command)


def _want_secret(
    turn: Turn, connection: Connection, command: CreateInvitation | Link
) -> None:
    turn.want(CheckSecret(connection.id, command, connection.user))
    turn.pend(connection)


def drawn(
    turn: Turn,
    connection: Connection,
    command: CreateInvitation | Link,
    found: NewSecret,
) -> None:
    """Have what the secret opens stored."""
    now = turn.now.wall
    draft: Draft
    if isinstance(command, Link):
        assert connection.session is not None
        until = now + LINK_MS
        draft = SetLink(connection.session, found.digest, until, found.secret)
    else:
        draft = AddInvitation(
            found.digest,
            connection.user,
            command.room,
            AccountRole(command.role),
            command.uses,
            now,
            now + command.seconds * 1000,
            found.secret,
        )
    turn.append(draft, connection, command)


def revoke(turn: Turn, connection: Connection, command: RevokeInvitation) -> None:
    """Have an invitation taken back: one's own, or by an administrator anybody's."""
    if not connection.is_operator:
        rate_limits.may_send(turn, connection)
    maker = None if _sees_all(turn, connection) else connection.user
    by = turn.user(connection).name
    turn.append(RemoveInvitation(command.invitation, maker, by), connection, command)
    turn.pend(connection)


def revoked(
    turn: Turn, connection: Connection, origin: Origin, outcome: Outcome
) -> None:
    """Answer `invitation_revoke`; to the operator all are known by their numbers."""
    command = origin.command
    assert isinstance(command, RevokeInvitation)
    if isinstance(outcome, Refused) and connection.is_operator:
        text = f"there is no invitation {command.invitation}"
        outcome = attrs.evolve(outcome, text=text)
    turn.conclude(connection, origin, outcome)


def _sees_all(turn: Turn, connection: Connection) -> bool:
    """Whether all invitations are somebody's: the operator's, an administrator's."""
    is_operator = connection.is_operator
    return is_operator or turn.user(connection).role == AccountRole.ADMIN


def handed_out(
    turn: Turn, connection: Connection, origin: Origin, outcome: Outcome
) -> None:
    """Tell the secret of an invitation or a link that is on disk, once."""
    draft, command = origin.draft, origin.command
    assert command is not None
    made: InvitationCreated | Linked
    if isinstance(draft, AddInvitation) and isinstance(outcome, Invited):
        number = InvitationNumber(outcome.number)
        made = InvitationCreated(number, draft.secret, draft.expires)
    elif isinstance(draft, SetLink) and not isinstance(outcome, Refused):
        made = Linked(draft.secret, draft.until)
    else:
        room = getattr(command, "room", None)
        if isinstance(outcome, Refused) and outcome.code is RejectCode.NO_ROOM:
            outcome = attrs.evolve(outcome, text=f"there is no room {room}")
        turn.conclude(connection, origin, outcome)
        return
    made.id = command.id
    turn.answer(connection.id, made)
    turn.release(connection)


# --- the list -------------------------------------------------------------------


def invitations(turn: Turn, connection: Connection, command: Invitations) -> None:
    """Have a page of invitations read: one's own, or for an administrator all."""
    maker = None if _sees_all(turn, connection) else connection.user
    turn.query(connection, command, ReadInvitations(maker))


def read(
    turn: Turn,
    connection: Connection,
    found: Answered[Invitations, ReadInvitations, Page[InvitationKept]],
) -> None:
    """Answer `invitations`; of whoever is no administrator any more, his own."""
    command = found.command
    if not may_still_ask(turn, connection, command):
        return
    kept, more = found.answer
    sees_all = _sees_all(turn, connection)
    read = [
        (
            InvitationNumber(one.number),
            _shown(turn, connection, one)
            if sees_all or one.maker == connection.user
            else None,
        )
        for one in kept
    ]
    page, last = fit_read(turn, read, more=more)
    turn.answer(connection.id, InvitationsPage(page, next=last, id=command.id))


def _shown(turn: Turn, viewer: Connection, kept: InvitationKept) -> InvitationShown:
    """An invitation as somebody sees it: of private rooms he knows his own."""
    room = kept.room
    if (
        room is not None
        and viewer.user is not None
        and not turn.durable.may_know(viewer.user, room, turn.now.sure)
    ):
        room = None
    assert kept.expires is not None
    return InvitationShown(
        InvitationNumber(kept.number),
        kept.maker,
        kept.created,
        kept.expires,
        kept.uses,
        kept.used,
        kept.users,
        room,
        kept.role,
    )


# --- who comes ------------------------------------------------------------------


def enrolling(
    turn: Turn, account: AddUser, digest: bytes, found: InvitationKept
) -> Enroll:
    """The draft of an account that comes by an invitation.

    Raises:
        Reject: `bad_invitation`: who made it may not make it any more.
    """
    if not holds(turn, found):
        raise Reject(
            RejectCode.BAD_INVITATION,
            "whoever made this invitation may not invite people any more:"
            " ask for another",
            field="invite",
        )
    room = turn.durable.room(found.room) if found.room is not None else None
    if room is None:
        return Enroll(account, digest, turn.now.wall)
    return Enroll(account, digest, turn.now.wall, room.name, not room.declared)
