"""Send, edit, delete, react: the commands that the timeline remembers.

What memory can decide is decided here (who may write where, how fast); what
depends on drafts before it (the `cid`, whose message it was) is decided by the
store's writer. A committed event is applied, answered and delivered in one turn,
the answer first.
"""

from __future__ import annotations

from chatd.core import allowance
from chatd.core.commands import addressing, authority, speech
from chatd.core.drafts import (
    Addressing,
    Committed,
    Conflict,
    CreateRoom,
    DeleteMessage,
    Duplicate,
    Durable,
    EditMessage,
    NewMessage,
    Outcome,
    Recall,
    Refused,
    SetReaction,
)
from chatd.core.effects import (
    Deliver,
    DeliverHidden,
    Origin,
    Subscribe,
)
from chatd.core.entities import Connection, Room, User
from chatd.core.settings import PLAIN
from chatd.core.turn import Turn
from chatd.enums import Role
from chatd.errors import Reject, RejectCode
from chatd.ids import (
    RoomName,
    Seq,
    UserName,
    direct_members,
    direct_partner,
    direct_room,
    is_direct,
    is_guest,
)
from chatd.wire.commands import Command, Delete, Edit, React, Send
from chatd.wire.events import Hidden, TimelineEvent
from chatd.wire.replies import Stored

# --- drafts -----------------------------------------------------------------


def new_message(turn: Turn, connection: Connection, command: Send) -> NewMessage:
    """The draft of a message."""
    user = turn.user(connection).name
    if command.to is not None:
        room = direct_room(user, command.to)
    else:
        assert command.room is not None
        room = command.room
    return NewMessage(room, user, command.cid, command.text, command.reply_to)


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
        _check_readable(room, user, command.reply_to, "reply_to")
    speech.check(turn, user, room, command)
    allowance.pace(turn, connection, command.text)
    if room.settings.slow_s:
        speech.note(turn, user, room, command)


def change(turn: Turn, connection: Connection, command: Edit | React) -> None:
    """Check that a message may be changed; whose it is, the writer knows."""
    user, room = turn.user(connection), turn.chat.rooms[command.room]
    _check_readable(room, user, command.of, "of")
    speech.check(turn, user, room, command)
    allowance.pace(turn, connection, getattr(command, "text", ""))
    if room.settings.slow_s:
        speech.note(turn, user, room, command)


def _check_readable(room: Room, user: User, seq: Seq, field: str) -> None:
    """Check that a message is not from before what one may read.

    Raises:
        Reject: `no_message`, as if there were none.
    """
    if seq < room.members[user.name].first:
        raise Reject(
            RejectCode.NO_MESSAGE, "there is no such message here", field=field
        )


def delete(turn: Turn, connection: Connection, _command: Delete) -> None:
    """Let the writer find out whose message it is, wherever it is.

    Also of a room that one may not see, or that does not exist: what is answered
    and what is done for it must not tell them from each other.
    """
    allowance.pace(turn, connection)


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
    if to not in turn.chat.users:
        turn.find(connection, command, to)
        return
    allowance.pace(turn, connection, command.text)
    name = direct_room(user.name, to)
    if name not in turn.chat.rooms:
        if name != user.opening:
            # Until it is there, each message would open it once more.
            allowance.may_create(turn, connection, direct=True)
            user.opening = name
        members = dict.fromkeys(direct_members(name), Role.MEMBER)
        turn.append(CreateRoom(name, turn.new_epoch(), PLAIN, members))


def no_user(command: Command, name: UserName) -> Reject:
    """The refusal for a command that names somebody who does not exist."""
    field = "user"
    if isinstance(command, Send):
        field = "room" if command.to is None else "to"
    return Reject(RejectCode.NO_USER, f"there is no user {name}", field=field)


def cid_conflict() -> Reject:
    """The refusal for a `cid` that was used for something else."""
    return Reject(
        RejectCode.CID_CONFLICT,
        "cid: you have used it in this room for something else",
        field="cid",
    )


# --- outcomes ---------------------------------------------------------------


def executed(turn: Turn, origin: Origin, draft: Durable, outcome: Outcome) -> None:
    """Answer a durable command, and deliver its event if it made one."""
    connection = turn.connection(origin.connection)
    event, hidden = None, False
    if isinstance(outcome, Committed):
        event, hidden = outcome.event, outcome.hidden
    if event is not None:
        turn.chat.apply(event)
    room = turn.chat.rooms.get(draft.room)
    # There is none where a direct conversation could not be begun.
    if room is not None and room.settings.slow_s:
        _said(turn, room, draft, event)
    if connection is not None and origin.command is not None:
        if isinstance(outcome, Duplicate) and outcome.recalled:
            # Only here: what was refused before it took a token returns none.
            text = getattr(origin.command, "text", "")
            allowance.give_back(turn, connection, text)
        settle(turn, connection, origin, draft.room, outcome)
    if event is not None:
        turn.want(_hidden(turn, event) if hidden else Deliver(event))
        if isinstance(draft, (NewMessage, EditMessage)) and draft.mentions is not None:
            addressing.tell_mentioned(turn, draft, event, outcome)


def _hidden(turn: Turn, event: TimelineEvent) -> DeliverHidden:
    """Send an event to its room, but not to the one who blocks its sender."""
    blocker = turn.connections_of(direct_partner(event.room, event.sender))
    return DeliverHidden(event, Hidden.instead_of(event), blocker)


def _said(turn: Turn, room: Room, draft: Durable, event: TimelineEvent | None) -> None:
    """Have slow mode know what became of a message or an edit."""
    if isinstance(draft, EditMessage):
        speech.changed(room, draft.user, draft.of, is_stored=event is not None)
    elif isinstance(draft, NewMessage) and event is not None:
        speech.stored(room, draft.user, event.seq, turn.now.mono)
    elif isinstance(draft, NewMessage):
        speech.unsaid(room, draft.user)


def recalled(turn: Turn, origin: Origin, draft: Recall, outcome: Outcome) -> None:
    """Answer a refused command: with what its `cid` stored, or with the refusal."""
    connection = turn.connection(origin.connection)
    if connection is not None:
        room = draft.draft.room if draft.draft is not None else RoomName("")
        settle(turn, connection, origin, room, outcome)


def settle(
    turn: Turn,
    connection: Connection,
    origin: Origin,
    room: RoomName,
    outcome: Outcome,
) -> None:
    """Give the reply that an outcome means, and count the draft as closed."""
    command = origin.command
    assert command is not None
    cid = getattr(command, "cid", None)
    match outcome:
        case Committed(event):
            assert event is not None
            seq = _seq_told(turn, connection, command, event.seq)
            reply = Stored(command.type, room, seq, event.ts, cid=cid, id=command.id)
            if isinstance(outcome, Addressing):
                reply.unreached = list(outcome.unreached) or None
            turn.answer(connection.id, reply)
        case Duplicate(seq, ts):
            seq = _seq_told(turn, connection, command, seq)
            reply = Stored(
                command.type, room, seq, ts, dup=True, cid=cid, id=command.id
            )
            reply.unreached = list(outcome.unreached) or None
            turn.answer(connection.id, reply)
        case Conflict():
            turn.refuse(connection.id, command, cid_conflict())
        case _:
            turn.refuse(connection.id, command, outcome)


def _seq_told(turn: Turn, connection: Connection, command: Command, seq: Seq) -> Seq:
    """What a reply tells as `seq`: who is not in a room is not told how it goes on."""
    if type(command) is Delete and command.room not in turn.user(connection).rooms:
        return command.of
    return seq


def room_created(turn: Turn, draft: CreateRoom, event: TimelineEvent | None) -> None:
    """Take a new room; everybody in a direct one is subscribed to it at once."""
    chat = turn.chat
    room = Room(
        draft.room, draft.epoch, Seq(0), Seq(1), draft.settings, maker=draft.maker
    )
    chat.apply_room(room, draft.members, event, turn.now.mono)
    if is_direct(room.name):
        for name in direct_members(room.name):
            for number in turn.connections_of(name):
                connection = turn.connection(number)
                if connection is not None and turn.may_follow(connection, room.name):
                    chat.note_subscription(connection, room.name)
                    turn.want(Subscribe(number, room.name))
