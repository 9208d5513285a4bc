"""Who may do what in a room: roles, rights, bans, mutes, who may write.

Pure looks at the chat. What somebody's word is worth in a room, `rank` alone says.
A server's administrator has an owner's rights in every public room, whether he is in
it or not; in a private room he is what he is there. The operator has more to
say than anybody, in every room but direct conversations. No room is left to itself:
where no owner can act, because all are banned from the server, erased or gone, those
with the highest role that can have an owner's rights.

A room that one may not see answers as one that does not exist, to everybody.
"""

from __future__ import annotations

from chatd.core import loading
from chatd.core.entities import Connection, Room, Sanction, User
from chatd.core.turn import Turn, no_room
from chatd.enums import AccountRole, Post, Role
from chatd.errors import Reject, RejectCode
from chatd.ids import OPERATOR, RoomName, UserName, is_direct, is_guest, is_public
from chatd.wire.events import Millis
from chatd.wire.moderation import Ban, Invite, Kick, Mute, SetRole, Unban, Unmute

RANKS = {Role.MEMBER: 1, Role.MODERATOR: 2, Role.OWNER: 3}
"""What a role is worth."""
MODERATOR, OWNER = RANKS[Role.MODERATOR], RANKS[Role.OWNER]
ABOVE = OWNER + 1
"""What the operator's word is worth: he may act on owners."""
Act = Invite | Kick | Ban | Unban | Mute | Unmute | SetRole
"""What is done to somebody else in a room."""


def rank(turn: Turn, user: User, room: Room) -> int:
    """What the user's word is worth in the room; 0 if nothing.

    It takes as long as it takes to look at the room's owners and moderators, and
    that only for whoever is no owner.
    """
    worth = rank_by_role(user, room)
    return OWNER if worth < OWNER and _is_in_charge(turn, user, worth, room) else worth


def rank_by_role(user: User, room: Room) -> int:
    """The same by roles alone, whoever else can act there.

    It is what counts for what others have written: where nobody but plain members is
    left, they can change the room, but nobody acts on his equals.
    """
    if user.name == OPERATOR:
        return ABOVE
    if user.role == AccountRole.ADMIN and is_public(room.name):
        return OWNER
    return rank_of(user.name, room)


def rank_of(name: UserName, room: Room) -> int:
    """What somebody is in the room by his role there; 0 if he is not in it."""
    member = room.members.get(name)
    return RANKS[member.role] if member is not None else 0


def require(turn: Turn, connection: Connection, name: RoomName, least: int) -> Room:
    """The room, if the connection's user has at least the rank `least` there.

    Raises:
        Reject: `no_room` and `not_member` as everywhere; `forbidden` for too low
            a rank, and for direct conversations, in which nobody has any.
    """
    user = turn.user(connection)
    room = turn.durable.rooms.get(name)
    worth = rank(turn, user, room) if room is not None else 0
    if room is None or worth == 0:
        room = turn.member_room(connection, name)
    if is_direct(name):
        raise Reject(
            RejectCode.FORBIDDEN, "a direct conversation has no roles", field="room"
        )
    if worth < least:
        role = next(role for role, worth in RANKS.items() if worth == least)
        raise Reject(RejectCode.FORBIDDEN, f"only {_some(role)} of {name} may do this")
    return room


def _is_in_charge(turn: Turn, user: User, worth: int, room: Room) -> bool:
    """Whether nobody who can act has more to say in a room than the user.

    Plain members have no charge of a declared room: it is the configuration's, and
    most often had never an owner.
    """
    if is_direct(room.name) or worth < (MODERATOR if room.declared else 1):
        return False
    now = turn.now.sure
    return not user.is_banned(now) and not any(
        RANKS[room.members[name].role] > worth and not (ban and ban.holds(now))
        for name, ban in room.leaders.items()
    )


def require_target(
    turn: Turn, connection: Connection, command: Act, least: int
) -> Room | None:
    """The room, if the target is somebody else who exists; None while he is sought.

    Raises:
        Reject: As `require`; `bad_field` for one's own name.
    """
    user = turn.user(connection)
    room = require(turn, connection, command.room, least)
    if command.user == user.name:
        raise Reject(RejectCode.BAD_FIELD, "user: this is your own name", field="user")
    if command.user not in turn.durable.users and not _has_heard_of(room, command):
        loading.find(turn, connection, command, command.user)
        return None
    return room


def _has_heard_of(room: Room, command: Act) -> bool:
    """Whether nobody needs to be looked for, since the room knows of him.

    A guest who has gone is nobody any more. But what he was given here stays until it
    is lifted, and he can still be banned while the store's writer knows his address.
    """
    match command:
        case Ban():
            return is_guest(command.user)
        case Unban():
            return command.user in room.bans
        case Unmute():
            return command.user in room.mutes
    return False


def check_undeclared(room: Room, why: str) -> None:
    """Check that a room is not the configuration's.

    Args:
        room: The room.
        why: What follows from that, as the end of a sentence.

    Raises:
        Reject: `forbidden`, to everybody.
    """
    if room.declared:
        raise Reject(
            RejectCode.FORBIDDEN,
            f"{room.name} is declared in the configuration, {why}",
            field="room",
        )


def _some(role: str) -> str:
    return f"an {role}" if role[0] in "aeiou" else f"a {role}"


def may_create(turn: Turn, user: User) -> bool:
    """Whether the user may make rooms: `rooms.create`."""
    who = turn.config.rooms.create
    return (
        who == "anyone"
        or user.role == AccountRole.ADMIN
        or (who == "users" and not is_guest(user.name))
    )


def held(sanctions: dict[UserName, Sanction], user: UserName, now: Millis) -> bool:
    """Whether a ban or mute of the user holds now."""
    sanction = sanctions.get(user)
    return sanction is not None and sanction.holds(now)


def check_entry(turn: Turn, user: User, room: Room) -> None:
    """Check that somebody who is no member may become one.

    Raises:
        Reject: `no_room` for a private room without an invitation, and for a
            direct conversation; `banned`.
    """
    public, now = is_public(room.name), turn.now.sure
    if not public and turn.durable.open_invite(user.name, room.name, now) is None:
        raise no_room(room.name)
    sanction = _ban(turn, user, room)
    if sanction is not None:
        raise _banned(turn, room, sanction) if public else no_room(room.name)


def _ban(turn: Turn, user: User, room: Room) -> Sanction | None:
    """What keeps somebody out of a room: his own ban, or that of his address."""
    now = turn.now.sure
    own = room.bans.get(user.name)
    if own is not None and own.holds(now):
        return own
    return turn.durable.address_ban(room.name, user.address, now)


def _banned(turn: Turn, room: Room, sanction: Sanction) -> Reject:
    return Reject(
        RejectCode.BANNED,
        f"you are banned from {room.name}{_because(sanction)}",
        field="room",
        retry_after_s=_remaining_s(sanction, turn.now.sure),
    )


def check_address(turn: Turn, user: User, room: Room) -> None:
    """Check that a member's address is not banned from the room, if he is a guest.

    He is not removed, or it could be seen who shares an address with whom.

    Raises:
        Reject: `banned`, but to those who run the room.
    """
    sanction = turn.durable.address_ban(room.name, user.address, turn.now.sure)
    if sanction is not None and rank(turn, user, room) < MODERATOR:
        raise _banned(turn, room, sanction)


def check_unbarred(turn: Turn, user: User) -> None:
    """Check that no room of the user bans his address, if he is a guest.

    Raises:
        Reject: `banned`.
    """
    if user.address is not None:
        for name in turn.durable.rooms_of(user.name):
            check_address(turn, user, turn.durable.rooms[name])


def is_barred(turn: Turn, user: User) -> bool:
    """Whether `check_unbarred` has anything against a user."""
    try:
        check_unbarred(turn, user)
    except Reject:
        return True
    return False


def check_voice(turn: Turn, user: User, room: Room) -> None:
    """Check that a member is not muted.

    Raises:
        Reject: `muted`, with the time until he is not.
    """
    if room.mutes and held(room.mutes, user.name, turn.now.sure):
        sanction = room.mutes[user.name]
        raise Reject(
            RejectCode.MUTED,
            f"you are muted in {room.name}{_because(sanction)}",
            field="room",
            retry_after_s=_remaining_s(sanction, turn.now.sure),
        )


def check_post(turn: Turn, user: User, room: Room) -> None:
    """Check that a member may write at all.

    Raises:
        Reject: `forbidden` where only moderators send.
    """
    if room.settings.post == Post.MODERATORS and rank(turn, user, room) < MODERATOR:
        raise Reject(
            RejectCode.FORBIDDEN, f"only moderators send to {room.name}", field="room"
        )


def check_open(room: Room) -> None:
    """Check that a room may still be added to: it is not archived.

    Raises:
        Reject: `forbidden`, to everybody.
    """
    if room.settings.archived:
        raise Reject(
            RejectCode.FORBIDDEN,
            f"{room.name} is archived: nobody writes there",
            field="room",
        )


def _because(sanction: Sanction) -> str:
    return f": {sanction.reason}" if sanction.reason else ""


def _remaining_s(sanction: Sanction, now: Millis) -> float | None:
    return None if sanction.until is None else (sanction.until - now) / 1000
