"""Send, edit, delete, react: the commands that the timeline remembers.

What memory can decide is decided here (who may write where, how fast); what
depends on drafts before it (the `cid`, whose message it was) is decided by the
store's writer.
"""

from __future__ import annotations

from chatd.core import authority, loading, rate_limits, speech
from chatd.core.drafts import (
    Committed,
    Conflict,
    CreateRoom,
    DeleteMessage,
    Draft,
    Duplicate,
    EditMessage,
    NewMessage,
    Outcome,
    Recall,
    Refused,
    SetReaction,
    Stale,
)
from chatd.core.effects import Origin
from chatd.core.entities import Connection
from chatd.core.settings import PLAIN
from chatd.core.turn import Turn, no_user
from chatd.enums import Role
from chatd.errors import Reject, RejectCode
from chatd.ids import (
    RoomName,
    Seq,
    direct_members,
    direct_partner,
    direct_room,
    is_direct,
    is_guest,
)
from chatd.wire.commands import Command
from chatd.wire.replies import Stored
from chatd.wire.timeline import Delete, Edit, React, Send

# --- drafts -----------------------------------------------------------------


def new_message(turn: Turn, connection: Connection, command: Send) -> NewMessage:
    """The draft of a message."""
    user = turn.user(connection).name
    if command.to is not None:
        room = direct_room(user, command.to)
    else:
        assert command.room is not None
        room = command.room
    return NewMessage(
        room, user, command.cid, command.text, command.reply_to, thread=command.thread
    )


def edit_message(turn: Turn, connection: Connection, command: Edit) -> EditMessage:
    """The draft of an edit."""
    user = turn.user(connection).name
    return EditMessage(command.room, user, command.cid, command.of, command.text)


def delete_message(
    turn: Turn, connection: Connection, command: Delete
) -> DeleteMessage:
    """The draft of a deletion; who is not in the room takes back his own alone."""
    user = turn.user(connection)
    what = command.room, user.name, command.cid, command.of
    try:
        room = turn.member_room(connection, command.room)
    except Reject as reject:
        return DeleteMessage(*what, otherwise=Refused.of(reject))
    return DeleteMessage(
        *what,
        moderates=authority.rank_by_role(user, room) >= authority.MODERATOR,
        first=room.members[user.name].first,
    )


def set_reaction(turn: Turn, connection: Connection, command: React) -> SetReaction:
    """The draft of a reaction."""
    user = turn.user(connection).name
    return SetReaction(
        command.room, user, command.cid, command.of, command.emoji, command.on
    )


# --- what must hold ---------------------------------------------------------


def send(turn: Turn, connection: Connection, command: Send) -> None:
    """Check that a message may be written; a direct room is created on the way."""
    if command.to is not None:
        _direct(turn, connection, command)
        return
    assert command.room is not None
    room = turn.member_room(connection, command.room)
    user = turn.user(connection)
    if is_direct(room.name) and len(room.members) < 2:
        raise no_user(command, direct_partner(room.name, user.name))
    if command.reply_to is not None:
        check_readable(command.reply_to, room.members[user.name].first, "reply_to")
    speech.check(turn, user, room, command)
    rate_limits.may_send(turn, connection, command.text)
    if room.settings.slow_s:
        speech.note(turn, user, room, command)


def change(turn: Turn, connection: Connection, command: Edit | React) -> None:
    """Check that a message may be changed; whose it is, the writer knows."""
    user, room = turn.user(connection), turn.durable.rooms[command.room]
    check_readable(command.of, room.members[user.name].first, "of")
    speech.check(turn, user, room, command)
    rate_limits.may_send(turn, connection, getattr(command, "text", ""))
    if room.settings.slow_s:
        speech.note(turn, user, room, command)


def check_readable(seq: Seq, first: Seq, field: str) -> None:
    """Check that a message is not from before what one may read.

    Raises:
        Reject: `no_message`, as if there were none.
    """
    if seq < first:
        raise no_message(field)


def no_message(field: str) -> Reject:
    """The refusal where a field names no message, or one that was deleted."""
    return Reject(RejectCode.NO_MESSAGE, "there is no such message here", field=field)


def delete(turn: Turn, connection: Connection, _command: Delete) -> None:
    """Let the writer find out whose message it is, wherever it is.

    Also of a room that one may not see, or that does not exist: what is answered
    and what is done for it must not tell them from each other.
    """
    rate_limits.may_send(turn, connection)


def _direct(turn: Turn, connection: Connection, command: Send) -> None:
    """Check a direct message, and have its room created if there is none.

    The draft that creates the room travels before the message's own; if two
    people write to each other at once, the second creation changes nothing.
    """
    user, to = turn.user(connection), command.to
    assert to is not None
    if is_guest(user.name):
        raise Reject(RejectCode.FORBIDDEN, "guests have no direct conversations")
    if to == user.name:
        raise Reject(RejectCode.BAD_FIELD, "to: this is your own name", field="to")
    if is_guest(to):
        raise Reject(
            RejectCode.FORBIDDEN,
            "direct conversations are between accounts",
            field="to",
        )
    name = direct_room(user.name, to)
    room = turn.durable.rooms.get(name)
    if room is not None and to not in room.members:
        raise no_user(command, to)
    if room is None and to not in turn.durable.users:
        loading.find(turn, connection, command, to)
        return
    rate_limits.may_send(turn, connection, command.text)
    if room is None:
        if name != user.opening:
            # Until it is there, each message would open it once more.
            rate_limits.may_create(turn, connection, direct=True)
            user.opening = name
        members = dict.fromkeys(direct_members(name), Role.MEMBER)
        turn.append(CreateRoom(name, turn.new_epoch(), PLAIN, members))


def cid_conflict() -> Reject:
    """The refusal for a `cid` that was used for something else."""
    return Reject(
        RejectCode.CID_CONFLICT,
        "cid: you have used it in this room for something else",
        field="cid",
    )


# --- conclusions ------------------------------------------------------------


def stored(
    turn: Turn, connection: Connection, origin: Origin, outcome: Outcome
) -> None:
    """Answer a durable command with what became of it, or of its `cid` before."""
    command, draft = origin.command, origin.draft
    assert command is not None
    if isinstance(outcome, Committed):
        event = outcome.event
        assert event is not None
        seq, ts, is_dup = event.seq, event.ts, False
    elif isinstance(outcome, Duplicate):
        seq, ts, is_dup = outcome.seq, outcome.ts, True
        if outcome.recalled and type(draft) is not Recall:
            # Only here: what was refused before it took a token returns none.
            text = getattr(command, "text", "")
            rate_limits.give_back(turn, connection, text)
    else:
        assert not isinstance(outcome, Stale), "that is decided again"
        turn.refuse(
            connection.id,
            command,
            cid_conflict() if isinstance(outcome, Conflict) else outcome,
        )
        return
    reply = Stored(
        command.type,
        _room_told(turn, draft),
        _seq_told(turn, connection, command, seq),
        ts,
        dup=is_dup,
        cid=getattr(command, "cid", None),
        id=command.id,
    )
    if outcome.unreached:
        reply.unreached = list(outcome.unreached)
    turn.answer(connection.id, reply)


def _room_told(turn: Turn, draft: Draft) -> RoomName:
    """The room of a draft, by the name that it has now."""
    if type(draft) is Recall:
        assert draft.draft is not None
        draft = draft.draft
    name: RoomName = draft.room  # type: ignore[union-attr, assignment]
    return turn.durable.name_now(name)


def _seq_told(turn: Turn, connection: Connection, command: Command, seq: Seq) -> Seq:
    """What a reply tells as `seq`: who is not in a room is not told how it goes on."""
    user = turn.user(connection).name
    if type(command) is Delete and command.room not in turn.durable.rooms_of(user):
        return command.of
    return seq
