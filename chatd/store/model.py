"""What drafts mean, the plainest way: the model behind the store in memory.

A timeline is a list, so `seq` is an index plus one; an event is kept as it was
sent and shown as it is now (`as_now`). Nothing here waits or is undone: each
draft is looked at completely before anything is changed.
"""

from __future__ import annotations

from typing import Any, assert_never

import attrs

from chatd.core import drafts as d
from chatd.ids import Cid, Epoch, RoomName, Seq, SessionId, UserName, is_direct
from chatd.ports import MemberRow, SessionRow, TokenRow, UserRow
from chatd.store import answers
from chatd.store.digest import content_digest
from chatd.wire import events as e
from chatd.wire.events import Millis


@attrs.define
class ModelMessage:
    """A message as it is now."""

    seq: Seq
    ts: Millis
    sender: UserName
    text: str | None
    cid: Cid | None
    reply_to: Seq | None
    edit: e.Edit | None = None
    """The edit that made the text."""
    reactions: dict[tuple[str, UserName], e.React] = attrs.field(factory=dict)
    """The last word of each user on each emoji."""

    def on(self) -> list[e.React]:
        """The reactions that are on, in the order in which they were put."""
        return sorted(
            (last for last in self.reactions.values() if last.on),
            key=lambda last: last.seq,
        )


@attrs.define
class ModelRoom:
    """A room with everything that was ever said in it."""

    name: RoomName
    epoch: Epoch
    topic: str
    timeline: list[e.TimelineEvent] = attrs.field(factory=list)
    messages: dict[Seq, ModelMessage] = attrs.field(factory=dict)
    members: dict[UserName, MemberRow] = attrs.field(factory=dict)
    cids: dict[tuple[UserName, Cid], tuple[bytes, Seq, Millis]] = attrs.field(
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

    def stamp(self, now: Millis) -> tuple[RoomName, Seq, Millis]:
        """What the next event begins with."""
        return self.name, Seq(self.head + 1), max(now, self.last_ts)

    def add(self, event: e.TimelineEvent) -> d.Committed:
        """Append an event that was stamped."""
        self.timeline.append(event)
        return d.Committed(event)


@attrs.define(eq=False)
class Model:
    """Everything that a store knows."""

    rooms: dict[RoomName, ModelRoom] = attrs.field(factory=dict)
    users: dict[UserName, UserRow] = attrs.field(factory=dict)
    sessions: dict[SessionId, SessionRow] = attrs.field(factory=dict)
    tokens: dict[bytes, TokenRow] = attrs.field(factory=dict)

    def is_guest(self, user: UserName) -> bool:
        """Whether the user is a guest."""
        return self.users[user].role == "guest"

    def execute(self, draft: d.Draft, now: Millis) -> d.Outcome:
        """Execute one draft after all before it."""
        try:
            if isinstance(draft, d.Durable):
                return self._durable(draft, now)
            return self._other(draft, now)
        except (TypeError, UnicodeError):
            return answers.NOT_STORED

    def _other(self, draft: Any, now: Millis) -> d.Outcome:
        match draft:
            case d.SetMember():
                return self._set_member(draft, now)
            case d.CreateRoom():
                return self._create_room(draft, now)
            case d.SetTopic():
                return self._set_topic(draft)
            case d.Recall():
                recalled = draft.draft and self._recalled(draft.draft)
                return recalled or draft.otherwise
            case d.AddUser():
                return self._add_user(draft)
            case d.SetDisplay():
                return self._set_user(draft.user, {"display": draft.display})
            case d.SetPasswordHash():
                changes = {"password_hash": draft.password_hash}
                return self._set_user(draft.user, changes)
            case d.OpenSession():
                return self._open_session(draft)
            case d.EndSession():
                return self.end_session(draft.session)
            case d.SaveMarks():
                return self._save_marks(draft)
            case _:
                raise AssertionError(draft)

    def _durable(self, draft: d.Durable, now: Millis) -> d.Outcome:
        room = self.rooms.get(draft.room)
        if room is None:
            return answers.NO_ROOM
        if draft.user not in self.users:
            return answers.NO_USER
        digest = content_digest(draft)  # fails where a disk would
        recalled = self._recalled(draft)
        if recalled is not None:
            return recalled
        match draft:
            case d.NewMessage():
                outcome = self._new(room, draft, now)
            case d.EditMessage():
                outcome = self._edit(room, draft, now)
            case d.DeleteMessage():
                outcome = self._delete(room, draft, now)
            case d.SetReaction():
                outcome = self._react(room, draft, now)
            case _:
                assert_never(draft)
        if draft.cid is not None:
            if isinstance(outcome, d.Duplicate):
                where = outcome.seq, outcome.ts
                room.cids[draft.user, draft.cid] = digest, *where
            elif isinstance(outcome, d.Committed) and outcome.event is not None:
                where = outcome.event.seq, outcome.event.ts
                room.cids[draft.user, draft.cid] = digest, *where
        return outcome

    def _recalled(self, draft: d.Durable) -> d.Duplicate | d.Conflict | None:
        room = self.rooms.get(draft.room)
        if room is None or draft.cid is None:
            return None
        use = room.cids.get((draft.user, draft.cid))
        if use is None:
            return None
        digest, seq, ts = use
        same = digest == content_digest(draft)
        return d.Duplicate(seq, ts) if same else d.Conflict()

    def _new(self, room: ModelRoom, draft: d.NewMessage, now: Millis) -> d.Outcome:
        if draft.reply_to is not None and draft.reply_to not in room.messages:
            return answers.NO_REPLIED
        name, seq, ts = room.stamp(now)
        message = ModelMessage(
            seq, ts, draft.user, draft.text, draft.cid, draft.reply_to
        )
        room.messages[seq] = message
        event = e.Message(
            name, seq, ts, draft.user, draft.text, draft.cid, draft.reply_to
        )
        if seq == 1 and is_direct(name):
            event.epoch = room.epoch
        return room.add(event)

    def _edit(self, room: ModelRoom, draft: d.EditMessage, now: Millis) -> d.Outcome:
        message = _own(room, draft)
        if isinstance(message, d.Refused):
            return message
        if message.text == draft.text:
            made = message.edit or message
            return d.Duplicate(made.seq, made.ts)
        message.text = draft.text
        message.edit = e.Edit(*room.stamp(now), draft.user, draft.of, draft.text)
        return room.add(message.edit)

    def _delete(
        self, room: ModelRoom, draft: d.DeleteMessage, now: Millis
    ) -> d.Outcome:
        message = _own(room, draft)
        if isinstance(message, d.Refused):
            return message
        message.text = message.edit = None
        message.reactions.clear()
        return room.add(e.Delete(*room.stamp(now), draft.user, draft.of))

    def _react(self, room: ModelRoom, draft: d.SetReaction, now: Millis) -> d.Outcome:
        message = room.messages.get(draft.of)
        if message is None or message.text is None:
            return answers.NO_MESSAGE
        last = message.reactions.get((draft.emoji, draft.user))
        if last is not None and last.on == draft.on:
            return d.Duplicate(last.seq, last.ts)
        if last is None and not draft.on:
            return d.Duplicate(message.seq, message.ts)
        kinds = {other.emoji for other in message.on()} - {draft.emoji}
        if draft.on and len(kinds) >= d.REACTION_KINDS_MAX:
            return answers.TOO_MANY_KINDS
        react = e.React(*room.stamp(now), draft.user, draft.of, draft.emoji, draft.on)
        message.reactions[draft.emoji, draft.user] = react
        return room.add(react)

    def _set_member(self, draft: d.SetMember, now: Millis) -> d.Outcome:
        room = self.rooms.get(draft.room)
        if room is None:
            return answers.NO_ROOM
        if draft.user not in self.users:
            return answers.NO_USER
        member = room.members.get(draft.user)
        if draft.role == (member.role if member else None):
            return d.Duplicate()
        committed = d.Committed()
        if draft.event:
            change = "leave" if draft.role is None else "role" if member else "join"
            committed = _tell_member(room, draft.user, change, draft.role, now)
        if draft.role is None:
            del room.members[draft.user]
        elif member is not None:
            member.role = draft.role
        else:
            room.members[draft.user] = MemberRow(draft.user, draft.role, room.head)
        return committed

    def _create_room(self, draft: d.CreateRoom, now: Millis) -> d.Outcome:
        if draft.room in self.rooms:
            return d.Duplicate()
        if not draft.members.keys() <= self.users.keys():
            return answers.NO_USER
        room = self.rooms[draft.room] = ModelRoom(draft.room, draft.epoch, draft.topic)
        committed = d.Committed()
        if draft.event and draft.members:
            name, role = next(iter(draft.members.items()))
            committed = _tell_member(room, name, "join", role, now)
        for name, role in draft.members.items():
            room.members[name] = MemberRow(name, role, room.head)
        return committed

    def _set_topic(self, draft: d.SetTopic) -> d.Outcome:
        room = self.rooms.get(draft.room)
        if room is None:
            return answers.NO_ROOM
        room.topic = draft.topic
        return d.Committed()

    def _add_user(self, draft: d.AddUser) -> d.Outcome:
        if draft.user in self.users:
            return answers.NAME_TAKEN
        self.users[draft.user] = UserRow(
            draft.user, draft.display, draft.role, draft.password_hash
        )
        return d.Committed()

    def _set_user(self, name: UserName, changes: dict[str, Any]) -> d.Outcome:
        if name not in self.users:
            return answers.NO_USER
        self.users[name] = attrs.evolve(self.users[name], **changes)
        return d.Committed()

    def _open_session(self, draft: d.OpenSession) -> d.Outcome:
        taken = draft.guest is not None and draft.guest.user in self.users
        if taken:
            return answers.NAME_TAKEN
        if draft.guest is None and draft.user not in self.users:
            return answers.NO_USER
        if draft.session in self.sessions:
            return answers.NOT_STORED
        if draft.guest is not None:
            self._add_user(draft.guest)
        self.sessions[draft.session] = SessionRow(
            draft.session, draft.user, draft.token, None
        )
        return d.Committed()

    def end_session(self, session: SessionId) -> d.Outcome:
        """Void a session; a guest's memberships go with it."""
        ended = self.sessions.pop(session, None)
        if ended is None:
            return d.Duplicate()
        if self.is_guest(ended.user):
            for room in self.rooms.values():
                room.members.pop(ended.user, None)
        return d.Committed()

    def _save_marks(self, draft: d.SaveMarks) -> d.Outcome:
        for (name, user), seq in draft.reads.items():
            room = self.rooms.get(name)
            if room is not None and user in room.members:
                member = room.members[user]
                member.read = max(member.read, seq)
        for session, idle in draft.idle.items():
            if session in self.sessions:
                self.sessions[session].idle_since = idle
        return d.Committed()


def as_now(room: ModelRoom, event: e.TimelineEvent) -> e.TimelineEvent:
    """The event as a replay shows it."""
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
            text = room.messages[event.of].text
            return attrs.evolve(event, text=text, deleted=text is None)
        case e.React() if room.messages[event.of].text is None:
            return attrs.evolve(event, emoji=None, on=None, deleted=True)
        case _:
            return event


def shown(message: ModelMessage) -> e.MessageShown:
    """The message as history shows it."""
    reactions: dict[str, list[UserName]] = {}
    for last in message.on():
        assert last.emoji is not None
        reactions.setdefault(last.emoji, []).append(last.sender)
    return e.MessageShown(
        seq=message.seq,
        ts=message.ts,
        sender=message.sender,
        text=message.text,
        edited=message.edit is not None,
        deleted=message.text is None,
        cid=message.cid,
        reply_to=message.reply_to,
        reactions=reactions,
    )


def _own(
    room: ModelRoom, draft: d.EditMessage | d.DeleteMessage
) -> ModelMessage | d.Refused:
    message = room.messages.get(draft.of)
    if message is None or message.text is None:
        return answers.NO_MESSAGE
    return message if message.sender == draft.user else answers.NOT_YOURS


def _tell_member(
    room: ModelRoom, user: UserName, change: str, role: str | None, now: Millis
) -> d.Committed:
    return room.add(e.Member(*room.stamp(now), user, user, change, role))
