"""One input being handled: what it may see, and what it wants.

A `Turn` lives for one call of `Machine.handle`. The functions in
`chatd.core.commands` take it, look at the chat, add effects, or raise `Reject`;
nothing else passes between them.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import attrs

from chatd.config import Config
from chatd.core.applying import apply
from chatd.core.changes import Change
from chatd.core.drafts import Draft, DropRoom, Outcome, Refused, TrimRoom
from chatd.core.drafts.basis import Basis
from chatd.core.durable import DurableState
from chatd.core.effects import Answer, Append, Effect, Origin, Query
from chatd.core.entities import Block, Connection, Room, User
from chatd.core.inputs import Now
from chatd.core.live import LiveState
from chatd.core.quota import Shares, Space, full_bucket
from chatd.core.state import Chat
from chatd.enums import AccountRole
from chatd.errors import MALFORMED, Ending, Reject, RejectCode
from chatd.ids import OPERATOR, ConnectionId, Epoch, RoomName, UserName, is_public
from chatd.wire.commands import Command
from chatd.wire.malformed import BadCommand
from chatd.wire.replies import Done, Refusal, Reply
from chatd.wire.timeline import Send

LIMITED_BURST = 60
LIMITED_PER_S = 1.0
"""The bucket of refusals `rate_limited` of what came before `retry_after`. Whoever
pastes four screenfuls at once is not a flood yet."""
FLOOD_AFTER_S = 60.0
"""When whoever flooded may come back: when that bucket would be full again."""


@attrs.define(eq=False)
class Turn:
    """The chat, the moment, and the effects so far."""

    chat: Chat
    config: Config
    """The settings in force."""
    now: Now
    new_epoch: Callable[[], Epoch]
    server: str
    """What `welcome` calls the program and its version."""
    shares: Shares
    """What addresses have used."""
    page: str = ""
    """The version of the page that comes with the program; `""` for none."""
    space: Space = Space.AMPLE
    """Who may add to the store."""
    leads: bool = True
    """Whether this node does what is due for all of several nodes."""
    operator: User = attrs.field(init=False)
    """Whoever is at the admin socket: he has no account, and is in no room."""
    effects: list[Effect] = attrs.field(factory=list)
    released: list[Connection] = attrs.field(factory=list)
    """Connections whose waiting commands may go on after this."""
    durable: DurableState = attrs.field(init=False)
    """The chat's."""
    live: LiveState = attrs.field(init=False)
    """The chat's."""

    def __attrs_post_init__(self) -> None:
        """Look at both halves of the chat directly."""
        self.durable, self.live = self.chat.durable, self.chat.live
        self.operator = User(OPERATOR, OPERATOR, AccountRole.ADMIN)

    def want(self, effect: Effect) -> None:
        """Have an effect performed, after those before it."""
        self.effects.append(effect)

    def answer(self, connection: ConnectionId, reply: Reply | None) -> None:
        """Give the one reply to a command."""
        self.effects.append(Answer(connection, reply))

    def refuse(
        self, connection: ConnectionId, command: Command, why: Reject | Refused
    ) -> None:
        """Answer a command with `error`: a rule said no, or the store's writer."""
        reply = Refusal(
            code=why.code,
            text=why.text,
            re=command.type,
            field=why.field,
            cid=getattr(command, "cid", None),
            retry_after=_rounded_up(why.retry_after_s),
            id=command.id,
        )
        self.effects.append(Answer(connection, reply))
        if why.counted:
            self._count_refusal(connection, why.code, why.retry_after_s or 0.0)

    def refuse_frame(self, connection: ConnectionId, bad: BadCommand) -> None:
        """Answer a frame that is no command with `error`."""
        reply = Refusal(
            code=bad.code,
            text=bad.text,
            re=bad.re,
            field=bad.field,
            cid=bad.cid,
            id=bad.id,
        )
        self.effects.append(Answer(connection, reply))
        if bad.counted:
            self._count_refusal(connection, bad.code)

    def _count_refusal(
        self, number: ConnectionId, code: RejectCode, retry_after_s: float = 0.0
    ) -> None:
        """Count a refusal that was answered; end a connection that does not stop.

        Whoever has waited for as long as he was told last is no flood, however often he
        is refused once more: others may have been before him, or he has much to say.
        """
        connection = self.chat.connection(number)
        if connection is None:
            return
        now = self.now.mono
        if code in MALFORMED:
            if connection.malformed.take(now):
                self.finish(connection, Ending.MALFORMED)
        elif code is RejectCode.RATE_LIMITED:
            if connection.limited is None:
                connection.limited = full_bucket(LIMITED_PER_S, LIMITED_BURST, now)
            until, connection.waits_until = connection.waits_until, now + retry_after_s
            has_waited = until is not None and now >= until
            if not has_waited and connection.limited.take(now):
                self.finish(connection, Ending.OVERLOADED, FLOOD_AFTER_S)

    def conclude(
        self, connection: Connection, origin: Origin, outcome: Outcome
    ) -> None:
        """Answer a command with `ok`, or why not, and let the next one go on."""
        command = origin.command
        assert command is not None
        if isinstance(outcome, Refused):
            self.refuse(connection.id, command, outcome)
        else:
            self.answer(connection.id, Done(command.type, command.id))
        self.release(connection)

    def append(
        self,
        draft: Draft,
        connection: Connection | None = None,
        command: Command | None = None,
    ) -> None:
        """Give a draft to the store's writer, for a command or for the machine."""
        number = connection.id if connection is not None else None
        self.live.note_given(draft)
        origin = Origin(number, command, draft)
        if self.live.node is not None:
            origin.basis = self._basis(draft, connection)
        self.effects.append(Append(origin))

    def _basis(self, draft: Draft, connection: Connection | None) -> Basis | None:
        """What a draft is decided on, which another node may have changed by now."""
        if connection is None and not isinstance(draft, DropRoom | TrimRoom):
            return None
        session, since = None, 0
        if connection is not None:
            session, since = connection.session, connection.decided
        name = getattr(draft, "room", None)
        room = self.durable.rooms.get(name) if name is not None else None
        if room is None:
            return Basis(session, since=since)
        return Basis(session, room.rights, room.epoch, since)

    def query(self, connection: Connection, command: Command, query: object) -> None:
        """Have something read from the store for a command.

        Args:
            connection: Whose command it is.
            command: What it is read for.
            query: One of `chatd.core.queries`.
        """
        self.effects.append(Query(connection.id, command, query))

    def pend(self, connection: Connection) -> None:
        """Let what the connection sent behind this command wait for it."""
        connection.block = Block.PENDING

    def release(self, connection: Connection) -> None:
        """Let the connection's waiting commands go on, when this turn is done."""
        if connection.undecided is not None:
            connection.undecided.block = None
            self.released.append(connection)
        elif connection.block is not Block.ENDED:
            connection.block = None
            self.released.append(connection)

    def finish(
        self, connection: Connection, ending: Ending, after_s: float | None = None
    ) -> None:
        """End a connection: what it sent and is not done is not done any more."""
        self.effects += self.chat.finish(connection, ending, after_s)

    def apply(self, change: Change) -> None:
        """Take a change into the state, and want what follows from it."""
        self.effects += apply(self.chat, change, self.now)

    def user(self, connection: Connection) -> User:
        """The user of a connection that has been welcomed, or is the operator's."""
        if connection.is_operator:
            return self.operator
        assert connection.user is not None
        return self.durable.users[connection.user]

    def member_room(self, connection: Connection, name: RoomName) -> Room:
        """The room, if the connection's user is a member of it.

        Raises:
            Reject: `no_room`, also for a direct or private room of others: one
                that may not be seen answers like one that does not exist.
                `not_member` for a public room.
        """
        room = self.durable.room(name)
        if room is not None and connection.user in room.members:
            return room
        if room is None or not is_public(name):
            raise no_room(name)
        raise Reject(
            RejectCode.NOT_MEMBER, f"you are not in {name}: join it first", field="room"
        )

    def check_scope(
        self, connection: Connection, action: str, room: RoomName | None
    ) -> None:
        """Refuse what is outside of the scope that a connection has.

        Raises:
            Reject: `forbidden`.
        """
        if not self.chat.allows(connection, action, room):
            where = f" in {room}" if room is not None else ""
            raise Reject(
                RejectCode.FORBIDDEN, f"your token does not allow {action}{where}"
            )

    @property
    def place(self) -> str:
        """What this place is called."""
        return self.durable.place or self.config.server.public_host or "chatd"


def _rounded_up(seconds: float | None) -> float | None:
    """To milliseconds; up, so that whoever waits as long is not sent away again.

    A nanosecond is the floats', and much less than a bucket's tolerance.
    """
    return None if seconds is None else math.ceil(seconds * 1000 - 1e-6) / 1000


def no_user(command: Command, name: UserName) -> Reject:
    """The refusal for a command that names somebody who does not exist."""
    field = "user"
    if isinstance(command, Send):
        field = "room" if command.to is None else "to"
    return Reject(RejectCode.NO_USER, f"there is no user {name}", field=field)


def no_room(name: RoomName) -> Reject:
    """The refusal for a room that is not there, or may not be seen."""
    return Reject(RejectCode.NO_ROOM, f"there is no room {name}", field="room")
