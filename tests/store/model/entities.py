"""What the model keeps: rooms with their timelines, users, sessions, tokens."""

from __future__ import annotations

from collections.abc import Container
from typing import TypeVar

import attrs

from chatd.core.changes import AddressBan
from chatd.core.clock import SLIP_MS
from chatd.core.entities import Invite, Membership, Sanction
from chatd.core.mentions import Mentions
from chatd.core.principal import InvitationKept
from chatd.core.settings import RoomSettings
from chatd.enums import AccountRole
from chatd.ids import (
    OPERATOR,
    Cid,
    Epoch,
    RoomName,
    Seq,
    SessionId,
    UserName,
    is_direct,
)
from chatd.ports import SessionRow, TokenRow, UnreadCounts, UserRow
from chatd.store.answers import UNREAD_MAX
from chatd.store.stretches import stamp
from chatd.wire import events as e
from chatd.wire.events import Millis
from chatd.wire.operator import AuditShown

E = TypeVar("E", bound=e.TimelineEvent)
Names = tuple[UserName, ...]


@attrs.define
class Told:
    """Somebody was told that a message addresses him."""

    seq: Seq
    """The event that did."""
    is_on: bool = True
    """Whether the text does so still."""


@attrs.define
class ModelMessage:
    """A message as it is now."""

    seq: Seq
    ts: Millis
    sender: UserName
    text: str | None
    cid: Cid | None
    reply_to: Seq | None
    thread: Seq | None = None
    """The first message of the thread that it is in."""
    number: int = 0
    """It rises over all rooms."""
    edit: e.Edit | None = None
    """The edit that made the text."""
    reactions: dict[tuple[str, UserName], e.React] = attrs.field(factory=dict)
    """The last word of each user on each emoji."""
    mentions: dict[UserName | None, Told] = attrs.field(factory=dict)
    """Who was ever told that he is addressed; None is everybody."""
    hidden: bool = False

    def on(self) -> list[e.React]:
        """The reactions that are on, in the order in which they were put."""
        return sorted(
            (last for last in self.reactions.values() if last.on),
            key=lambda last: last.seq,
        )

    def address(
        self, found: Mentions | None, seq: Seq, users: Container[UserName]
    ) -> tuple[Mentions | None, tuple[UserName, ...]]:
        """Address whom a text does from `seq` on, of those who are users.

        Returns:
            Those to whom that is news, and of everybody those to whom it is none.
        """
        wanted: list[UserName | None] = []
        if found is not None:
            named = [user for user in found.users if user in users]
            wanted = [None] if found.everybody else [*named]
        told = tuple(sorted(u for u in self.mentions if u is not None and u in users))
        is_told = None in self.mentions
        new = [user for user in wanted if user not in self.mentions]
        for user, entry in self.mentions.items():
            entry.is_on = user in wanted
        self.mentions |= {user: Told(seq) for user in new}
        if None in new:
            return Mentions(everybody=True), told
        if is_told or not new:
            return None, ()
        return Mentions(tuple(user for user in new if user is not None)), ()

    def addresses(self, user: UserName, after: Seq, upto: Seq) -> bool:
        """Whether the user is mentioned at `upto`, and was not told so at `after`."""
        told = [self.mentions[key] for key in (None, user) if key in self.mentions]
        is_on = any(entry.is_on and entry.seq <= upto for entry in told)
        return is_on and all(entry.seq > after for entry in told)


@attrs.define
class Follower:
    """What somebody has to do with a thread."""

    is_on: bool
    """Whether he follows it."""
    read: Seq
    at: int
    """The number of the message that has changed it last."""


@attrs.define
class ModelRoom:
    """A room with everything that was ever said in it."""

    name: RoomName
    epoch: Epoch
    settings: RoomSettings
    timeline: list[e.TimelineEvent] = attrs.field(factory=list)
    """From seq 1 on; what is below `first` is shown to nobody."""
    first: Seq = Seq(1)
    hidden: set[Seq] = attrs.field(factory=set)
    """Events that only their senders see."""
    certain: Millis = 0
    """What is certain about the time of the batch."""
    dents: dict[Seq, bool] = attrs.field(factory=dict)
    """Where stamps go back, and whether the lower one was certain."""
    messages: dict[Seq, ModelMessage] = attrs.field(factory=dict)
    members: dict[UserName, Membership] = attrs.field(factory=dict)
    bans: dict[UserName, Sanction] = attrs.field(factory=dict)
    mutes: dict[UserName, Sanction] = attrs.field(factory=dict)
    invites: dict[UserName, Invite] = attrs.field(factory=dict)
    barred: dict[UserName, AddressBan] = attrs.field(factory=dict)
    """What bans from here hold for beside their guests."""
    was: list[RoomName] = attrs.field(factory=list)
    """Names that it had before, the oldest first."""
    maker: UserName | None = None
    looks: dict[RoomName, str | None] = attrs.field(factory=dict)
    """What each of its names looks like."""
    pins: dict[tuple[UserName | None, Seq], e.Pin] = attrs.field(factory=dict)
    """By whose they are, None being everybody, and the message: what has pinned it."""
    followers: dict[tuple[Seq, UserName], Follower] = attrs.field(factory=dict)
    """Who follows which thread, by its first message."""
    writers: dict[tuple[Seq, UserName], Seq] = attrs.field(factory=dict)
    """Who has replies in a thread, since which one."""
    cids: dict[tuple[UserName, Cid], tuple[bytes, Seq, Millis, Names]] = attrs.field(
        factory=dict
    )

    @property
    def head(self) -> Seq:
        """The newest seq."""
        return Seq(len(self.timeline))

    @property
    def last_ts(self) -> Millis:
        """When the newest event was."""
        return self.timeline[-1].ts if self.timeline else 0

    def kept(
        self, name: RoomName, after: Seq, upto: Seq, viewer: UserName
    ) -> list[e.TimelineShown]:
        """The events `after` < seq <= `upto` that are kept, as somebody sees them.

        Each is of the room by the name by which it is asked.
        """
        after = max(after, Seq(self.first - 1))
        seen = [as_seen(self, event, viewer) for event in self.timeline[after:upto]]
        return [attrs.evolve(event, room=name) for event in seen]

    def unpin(self, *seqs: Seq) -> None:
        """Let messages that are gone be pinned for nobody."""
        for key in [key for key in self.pins if key[1] in seqs]:
            del self.pins[key]

    def pinner(self, user: UserName) -> UserName | None:
        """Whose pins somebody sees."""
        return user if is_direct(self.name) else None

    def unread(self, user: UserName, read: Seq, upto: Seq) -> UnreadCounts:
        """How many messages of others are unread, and how many address the user."""
        member = self.members.get(user)
        first = member.first if member is not None else Seq(1)
        others = [
            message
            for message in self.messages.values()
            if message.sender != user and message.text is not None
            if not message.hidden
        ]
        unread = [message for message in others if read < message.seq <= upto]
        mentions = [
            message
            for message in others
            if message.seq >= first and message.addresses(user, read, upto)
        ]
        most = UNREAD_MAX
        in_threads = [m for m in unread[:most] if m.thread is not None]
        counts = min(len(unread), most), min(len(mentions), most), len(in_threads)
        return UnreadCounts(*counts)

    def stamp(self, now: Millis) -> tuple[RoomName, Seq, Millis]:
        """What the next event begins with."""
        return self.name, Seq(self.head + 1), stamp(now, self.last_ts)

    def add(self, event: E, *, hidden: bool = False) -> E:
        """Append an event that was stamped, and give it."""
        if event.ts < self.last_ts:
            self.dents[event.seq] = abs(event.ts - self.certain) <= SLIP_MS
        self.timeline.append(event)
        if hidden:
            self.hidden.add(event.seq)
        return event


@attrs.define
class ModelInvitation:
    """An invitation to the server."""

    digest: bytes
    kept: InvitationKept
    room: ModelRoom | None


@attrs.define(eq=False)
class Tables:
    """Everything that a store knows."""

    rooms: dict[RoomName, ModelRoom] = attrs.field(factory=dict)
    ended: dict[RoomName, ModelRoom] = attrs.field(factory=dict)
    """Rooms that are no more."""
    former: dict[RoomName, ModelRoom] = attrs.field(factory=dict)
    """What rooms were called before, also those that are no more."""
    released: int = 0
    """Rooms that have ended whose name is another's."""
    users: dict[UserName, UserRow] = attrs.field(factory=dict)
    gone: set[UserName] = attrs.field(factory=set)
    """Names of those who were erased; they stay taken."""
    erasing: list[tuple[UserName, UserName]] = attrs.field(factory=list)
    """Whose traces are still there, and to whom their messages belong now."""
    sessions: dict[SessionId, SessionRow] = attrs.field(factory=dict)
    opened: dict[SessionId, Millis] = attrs.field(factory=dict)
    devices: dict[SessionId, str | None] = attrs.field(factory=dict)
    """What clients called themselves in each session."""
    place: str | None = None
    """What it is called."""
    invitations: dict[int, ModelInvitation] = attrs.field(factory=dict)
    invited: int = 0
    """What the last one was called by."""
    setup: bytes | None = None
    """By what the first administrator comes."""
    links: dict[SessionId, tuple[bytes, Millis]] = attrs.field(factory=dict)
    """By what a session is opened beside each, and until when."""
    tokens: dict[bytes, TokenRow] = attrs.field(factory=dict)
    issued: dict[int, bytes] = attrs.field(factory=dict)
    """What tokens are called by, also those that are gone."""
    bookmarks: dict[int, tuple[UserName, ModelRoom, Seq]] = attrs.field(factory=dict)
    """What people keep for themselves, by a number that rises."""
    bookmarked: int = 0
    """The last of the numbers."""
    creations: dict[tuple[UserName, Cid], tuple[bytes, ModelRoom]] = attrs.field(
        factory=dict
    )
    """What each cid of `create` has made."""
    written: list[tuple[ModelRoom, ModelMessage]] = attrs.field(factory=list)
    """All messages of all rooms in the order in which they came."""
    numbered: int = 0
    """How many there were ever."""
    user_skeletons: set[str] = attrs.field(factory=set)
    audit: list[tuple[AuditShown, ModelRoom | None]] = attrs.field(factory=list)
    """What was done to others, and in which room."""
    blocks: dict[tuple[UserName, UserName], None] = attrs.field(factory=dict)
    """Who blocks whom."""
    certain: Millis | None = None
    """What is certain about the time; None: nothing was committed."""
    departed: dict[UserName, Millis] = attrs.field(factory=dict)
    """When a guest's session ended, of whom an address is known still."""
    barred: dict[UserName, AddressBan] = attrs.field(factory=dict)
    """What bans from the server hold for beside their guests."""

    @property
    def reached(self) -> Millis:
        """A time that has at least been reached."""
        return self.certain or 0

    @property
    def here(self) -> set[UserName]:
        """Those who have a session."""
        return {row.user for row in self.sessions.values()}

    def is_taken(self, name: UserName) -> bool:
        """Whether a name is somebody's, or was."""
        return name in self.users or name in self.gone

    def room(self, name: RoomName) -> ModelRoom | None:
        """The room that has a name, or had it; one that has ended is none."""
        room = self.room_ever(name)
        return room if room is not None and room.name in self.rooms else None

    def room_ever(self, name: RoomName) -> ModelRoom | None:
        """The same, also if it has ended."""
        return self.rooms.get(name) or self.ended.get(name) or self.former.get(name)

    def is_left_to(self, room: ModelRoom, user: UserName | None) -> bool:
        """Whether a room has ended since nobody needed it, and the user had made it."""
        return user in self.users and room.name in self.ended and room.maker == user

    def release_name(self, room: ModelRoom, name: RoomName) -> None:
        """Let a name of a room that has ended be another's."""
        self.former.pop(name, None)
        if room.name == name:
            del self.ended[name]
            self.released += 1
            room.looks.pop(name)
            room.name = RoomName(f"!{self.released}")
            self.ended[room.name] = room
        else:
            room.looks.pop(name, None)
        for key in [key for key, made in self.creations.items() if made[1] is room]:
            del self.creations[key]

    def room_looks_taken(self, look: str | None, of: ModelRoom | None = None) -> bool:
        """Whether a name that another room has or had looks so."""
        rooms = [*self.rooms.values(), *self.ended.values()]
        return look is not None and any(
            look in room.looks.values() for room in rooms if room is not of
        )

    def is_known(self, user: UserName) -> bool:
        """Whether somebody can have done something: a user, or the operator."""
        return user in self.users or user == OPERATOR

    def is_guest(self, user: UserName) -> bool:
        """Whether the user is a guest."""
        return self.users[user].role == AccountRole.GUEST


def as_seen(
    room: ModelRoom, event: e.TimelineEvent, viewer: UserName
) -> e.TimelineShown:
    """The event as a replay shows it to somebody."""
    hidden = event.seq in room.hidden
    if isinstance(event, e.Message | e.Edit):
        of = event.seq if isinstance(event, e.Message) else event.of
        message = room.messages.get(of)
        hidden = hidden or (message is not None and message.hidden)
    if hidden and event.sender != viewer:
        return e.Hidden.instead_of(event)
    return as_now(room, event)


def as_now(room: ModelRoom, event: e.TimelineEvent) -> e.TimelineEvent:
    """The event as a replay shows it to its sender."""
    match event:
        case e.Message():
            now = room.messages[event.seq]
            return attrs.evolve(
                event,
                text=now.text,
                edited=now.edit is not None,
                deleted=now.text is None,
            )
        case e.Edit():
            text = _text_of(room, event.of)
            return attrs.evolve(event, text=text, deleted=text is None)
        case e.React() if _text_of(room, event.of) is None:
            return attrs.evolve(event, emoji=None, on=None, deleted=True)
        case _:
            return event


def _text_of(room: ModelRoom, seq: Seq) -> str | None:
    """The text of a message that an event is about; None if it is not there."""
    message = room.messages.get(seq)
    return message.text if message is not None else None
