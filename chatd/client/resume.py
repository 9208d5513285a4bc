"""A whole client without a socket: what to send, what to tell, when to come back.

Whoever owns the connection calls `connected`, `received` for each frame, and
`closed`, and tells the `lifeline` what else it sees; the user calls `submit` and
`take_events`. After each call `to_send` may have frames, `next_deadline` says when it
will have some at the latest, and `hang_up` tells that the connection is to be closed.

What holds, however often the connection is lost:

* Every event of a followed room is told once, in order (`room.py`), whatever it is
  called (`renames.py`). Followed are the rooms that the user asks for, those that he
  joins elsewhere meanwhile, and his direct conversations. Where the server cannot give
  all that is missing, the `ok` of a join with `recovered:false` is told, then the
  newest page of history.
* Every command is answered once, and takes effect once (`unanswered.py`).
* `typing`, `status` and `read` are sent if there is a connection, or forgotten.

What is told are the server's frames as they came, without the session, and with
the user's own `id`. Made here are only `offline` (`after`: seconds until the
next attempt, null if there will be none), `left` with the reason `missing`, and
errors with the codes `offline`, `session_lost`, `too_long` and `bad_server`.

No I/O, no clock; randomness is passed in.
"""

from __future__ import annotations

from random import Random

import attrs

from chatd.client.frames import (
    Credential,
    Frame,
    Violation,
    dump,
    frame_bytes,
    load,
    need,
    seconds,
)
from chatd.client.lifeline import AFTER_MAX_S, Beat, Lifeline, reason_of
from chatd.client.renames import follow
from chatd.client.room import Following, Step, fold
from chatd.client.unanswered import NEVER_ANSWERED, RETRIED, Pending, Unanswered
from chatd.ids import is_direct
from chatd.wire.commands import DURABLE

PAGE = 50
"""Messages of history after a hole. Source: protocol section 6."""
DIRECT_BACKLOG = 50
"""What is replayed of a direct room whose beginning was missed."""


@attrs.define(eq=False)
class ClientCore:
    """The state of one client over all its connections.

    Attributes:
        user: One's name, as the last `welcome` gave it.
        rooms: The rooms that are followed.
        online: Whether `welcome` has been received on this connection.
        hang_up: Whether this connection should be closed.
        stopped: Whether there will be no further connection.
        lifeline: Whether the server is alive, and when to come back.
    """

    _credential: Credential
    _rng: Random
    user: str | None = attrs.field(default=None, init=False)
    rooms: dict[str, Following] = attrs.field(factory=dict, init=False)
    online: bool = attrs.field(default=False, init=False)
    hang_up: bool = attrs.field(default=False, init=False)
    stopped: bool = attrs.field(default=False, init=False)
    lifeline: Lifeline = attrs.field(init=False)
    _session: str | None = attrs.field(default=None, init=False, repr=False)
    _commands: Unanswered = attrs.field(factory=Unanswered, init=False)
    _out: list[str] = attrs.field(factory=list, init=False, repr=False)
    _events: list[Frame] = attrs.field(factory=list, init=False)
    _frame_bytes: int = attrs.field(default=0, init=False)

    def __attrs_post_init__(self) -> None:
        self.lifeline = Lifeline(self._rng)

    # --- for the user -------------------------------------------------------

    @property
    def unanswered(self) -> int:
        """How many commands wait for their answer."""
        return len(self._commands)

    def submit(self, command: Frame, label: object = None) -> None:
        """Keep a command until it is answered.

        A `join` follows the room, also over reconnects, until `leave`; `last`,
        or `since` with `epoch`, say where to begin.

        Args:
            command: A frame of the protocol; a durable one gets a `cid`.
            label: What the reply will carry as `id`; None for none.

        Raises:
            TypeError: It cannot be written as JSON.
        """
        frame = {key: value for key, value in command.items() if key != "id"}
        text = dump(frame)
        kind, room = frame.get("type"), frame.get("room")
        if kind in NEVER_ANSWERED:
            if self.online:
                self._out.append(text)
        elif self.stopped:
            late = Pending(0, frame, [label])
            self._refuse(late, "offline", "the connection has ended")
        elif kind == "join" and isinstance(room, str):
            self._follow(fold(room), frame, label)
        else:
            if kind in DURABLE:
                frame.setdefault("cid", f"{self._rng.getrandbits(96):024x}")
            elif kind == "leave" and isinstance(room, str) and not is_direct(room):
                self.rooms.pop(fold(room), None)
            self._commands.add(frame, [label])

    def take_events(self) -> list[Frame]:
        """Return what happened since the last call, in order."""
        events, self._events = self._events, []
        return events

    # --- for the owner of the connection ------------------------------------

    def connected(self, now: float) -> None:
        """Take a new connection: the next frame to send is `hello`."""
        self.hang_up = False
        self.lifeline.opened(now)
        self._hello()

    def received(self, text: str | bytes, now: float) -> None:
        """Take one frame. Nonsense ends the connection, and the client."""
        if self.hang_up:
            return
        try:
            self._take(load(text), now)
        except Violation as violation:
            self.hang_up = self.stopped = True
            error = {"type": "error", "code": "bad_server", "text": str(violation)}
            self._events.append(error)
        self.lifeline.heard(now)

    def to_send(self, now: float) -> list[str]:
        """Return the frames that are to be sent now, in order."""
        match self.lifeline.beat(now):
            case Beat.PING:
                self._out.append('{"type":"ping"}')
            case Beat.HANG_UP:
                self.hang_up = True
        if self.hang_up:
            self._out.clear()
        elif self.online:
            self._send_waiting(now)
        out, self._out = self._out, []
        return out

    def next_deadline(self) -> float:
        """Return when `to_send` has something to do if nothing else happens."""
        times = [self.lifeline.judged_at]
        if self.online:
            times += [pending.not_before for pending in self._commands.waiting()]
        return min(times)

    def closed(
        self, code: int | None, *, retry_after_s: float | None = None
    ) -> float | None:
        """Take the end of a connection, or of an attempt to open one.

        Args:
            code: The close code; None if there was none, 1000 if it is one's own.
            retry_after_s: When to come back, if an HTTP response has said so.

        Returns:
            After how many seconds to connect again; None for never.
        """
        code, after = self.lifeline.ended(code, retry_after_s)
        self.stopped = self.stopped or after is None
        after = None if self.stopped else after
        self.online = False
        self._out.clear()
        for pending in self._commands:
            self._interrupt(pending)
        offline = {"type": "offline", "code": code, "reason": reason_of(code)}
        self._events.append(offline | {"after": after})
        return after

    # --- what comes in ------------------------------------------------------

    def _take(self, frame: Frame, now: float) -> None:
        follow(frame, self.rooms, self._commands)
        match frame.get("type"):
            case "welcome":
                self._welcomed(frame)
            case "ok" | "error":
                self._answered(frame, now)
            case "bye":
                self.lifeline.bye(frame)
                self._events.append(frame)
            case "gap":
                room = self.rooms.get(need(frame, "room", str))
                if room is not None and room.missed(need(frame, "seq", int)):
                    self._join(room)
            case "caught_up":
                if room := self.rooms.get(need(frame, "room", str)):
                    room.caught_up(need(frame, "seq", int))
                self._events.append({k: v for k, v in frame.items() if k != "id"})
            case "joined":
                self._joined_elsewhere(frame)
                self._events.append(frame)
            case "left":
                room = self.rooms.get(need(frame, "room", str))
                if room is not None and room.joining is None:
                    del self.rooms[room.name]
                self._events.append(frame)
            case _ if "seq" in frame and "ts" in frame:
                self._happened(frame)
            case _:
                self._events.append(frame)

    def _joined_elsewhere(self, frame: Frame) -> None:
        """Follow a room from where another connection of this user has joined it."""
        name = need(frame, "room", str)
        if name in self.rooms:
            return
        room = self.rooms[name] = Following(name, member=True)
        room.epoch, room.last = need(frame, "epoch", str), need(frame, "seq", int)
        self._join(room)

    def _happened(self, frame: Frame) -> None:
        """Take an event of a timeline, of whatever type."""
        name, seq = need(frame, "room", str), need(frame, "seq", int)
        room = self.rooms.get(name)
        if room is None:
            if not is_direct(name):
                return
            # Nobody joins a new direct conversation: it begins at 1 by itself.
            room = self.rooms[name] = Following(name, DIRECT_BACKLOG, member=True)
            room.epoch, room.last = frame.get("epoch"), 0
        match room.take(seq):
            case Step.APPLY:
                self._events.append(frame)
            case Step.REJOIN:
                self._join(room)

    # --- hello and welcome --------------------------------------------------

    def _hello(self) -> None:
        self._out.append(dump(self._credential.hello(self._session)))

    def _hello_refused(self, frame: Frame) -> None:
        code = frame.get("code")
        if code == "bad_credentials" and self._session is not None:
            self._session = None  # it is void; who one is has not changed
            self._hello()
            return
        self._events.append(frame)
        self.hang_up = True
        self.stopped = code not in RETRIED
        self.lifeline.put_off(frame)

    def _welcomed(self, frame: Frame) -> None:
        """Go on where the last connection ended: rooms first, then commands."""
        user = need(frame, "user", str)
        entries = need(frame, "rooms", list)
        rooms = {need(entry, "room", str): entry for entry in entries}
        self._session = need(frame, "session", str)
        self._events.append({k: v for k, v in frame.items() if k != "session"})
        self._frame_bytes = frame_bytes(frame)
        self.lifeline.welcomed(frame)
        self.online = True
        if user != self.user:
            self._become(user)
        for room in list(self.rooms.values()):
            entry = rooms.get(room.name)
            if entry is None and room.member:
                del self.rooms[room.name]
                left = {"type": "left", "room": room.name, "reason": "missing"}
                self._events.append(left)
            elif entry is None or not room.goes_on_at(entry):
                self._join(room)
        for name in rooms.keys() - self.rooms.keys():
            if is_direct(name):
                room = self.rooms[name] = Following(name, DIRECT_BACKLOG, member=True)
                room.epoch = need(rooms[name], "epoch", str)
                room.last = need(rooms[name], "seq", int)
        self._commands.first([room.joining for room in self.rooms.values()])

    def _become(self, user: str) -> None:
        """Be somebody else: the session was void, and a guest has a new name.

        What may have been stored under the old name must not be sent again:
        a `cid` belongs to its user, so nobody would see that it is the same.
        """
        self.user = user
        for room in self.rooms.values():
            room.member = False
        text = "the session ended before this was answered; it may be stored"
        for pending in self._commands:
            if pending.durable and pending.tried:
                self._refuse(pending, "session_lost", text)

    # --- commands and replies -----------------------------------------------

    def _follow(self, name: str, frame: Frame, label: object) -> None:
        """Follow a room from where the user says, or go on where it stands."""
        if room := self.rooms.get(name):
            room.member = False  # wanted, whatever `welcome` says
            self._join(room, label)
            return
        backlog, since, epoch = map(frame.get, ("last", "since", "epoch"))
        room = Following(name, backlog if type(backlog) is int else None)
        room.create = frame.get("create") is not False
        if type(since) is int and type(epoch) is str:
            room.last, room.epoch = since, epoch
        self.rooms[name] = room
        room.joining = self._commands.add(frame, [label]).id

    def _join(self, room: Following, label: object = None) -> None:
        """Have a join of the room sent; there is one at a time."""
        pending = self._commands.get(room.joining)
        if pending is None:
            pending = self._commands.add(room.join_command(), [label])
            room.joining = pending.id
            return
        if not pending.sent:
            pending.frame = room.join_command()
        if label is not None:
            pending.labels.append(label)

    def _send_waiting(self, now: float) -> None:
        for pending in self._commands.waiting():
            if pending.not_before > now:
                continue
            text = dump(pending.frame | {"id": pending.id})
            if 0 < self._frame_bytes < len(text.encode()):
                most = f"a frame has at most {self._frame_bytes} bytes"
                self._refuse(pending, "too_long", most)
            else:
                pending.sent = pending.tried = True
                self._out.append(text)

    def _answered(self, frame: Frame, now: float) -> None:
        """Take a reply: tell it to whoever asked, or try again."""
        pending = self._commands.get(frame.get("id"))
        code = frame.get("code") if frame["type"] == "error" else None
        if pending is None:
            if code is not None and frame.get("re") == "hello":
                self._hello_refused(frame)
            elif frame.get("re") != "ping":
                self._events.append(frame)
            return
        if code in RETRIED:
            wait = seconds(frame.get("retry_after"), AFTER_MAX_S)
            wait = self.lifeline.backoff(pending.attempts) if wait is None else wait
            pending.put_off(now + wait)
            return
        self._commands.remove(pending)
        self._events.extend(pending.replies(frame))
        room = self._room_of(pending)
        if room is not None and room.joining == pending.id:
            self._joined(room, frame, refused=code is not None)
        elif room is not None and room.page == pending.id:
            room.page, room.reading = None, False
            if room.behind:
                self._join(room)

    def _joined(self, room: Following, frame: Frame, *, refused: bool) -> None:
        """Take the answer to a join."""
        if refused:
            del self.rooms[room.name]
            return
        recovered = frame.get("recovered")
        epoch, head = need(frame, "epoch", str), need(frame, "seq", int)
        room.joined(epoch, head, recovered=recovered)
        if room.reading and room.last is not None:
            ask = {"type": "history", "room": room.name, "limit": PAGE, "events": True}
            page = self._commands.add(ask | {"before": room.last + 1}, [None])
            room.page = page.id

    def _refuse(self, pending: Pending, code: str, text: str) -> None:
        """Answer a command in the place of the server."""
        self._commands.remove(pending)
        error = {"type": "error", "re": pending.frame.get("type")}
        self._events.extend(pending.replies(error | {"code": code, "text": text}))

    def _interrupt(self, pending: Pending) -> None:
        """Decide about a command whose connection is gone."""
        pending.sent, pending.not_before = False, 0.0
        kind = pending.frame.get("type")
        room = self._room_of(pending)
        if self.stopped:
            self._refuse(pending, "offline", "the connection has ended")
        elif room is not None and room.page == pending.id:
            self._commands.remove(pending)  # asked for again after the next join
            room.page = None
        elif kind == "join" and (room is None or room.joining != pending.id):
            self._refuse(pending, "offline", "the room was left before it was joined")
        elif kind == "leave" and room is not None and not is_direct(room.name):
            # Left and joined again: what counts now is the join.
            self._commands.remove(pending)
            self._events.extend(pending.replies({"type": "ok", "re": "leave"}))

    def _room_of(self, pending: Pending) -> Following | None:
        """Return the room that a command is about, if it is followed."""
        name = pending.frame.get("room")
        return self.rooms.get(fold(name)) if isinstance(name, str) else None
