"""A whole chat without a loop, a socket or a clock: the machine and what it drives.

`Harness` performs effects the plainest way. Drafts and look-ups wait
until a test lets them go, so a test decides what overtakes what; `settle` lets
everything go. What each connection receives is kept in `Peer.frames`, and
`chat.check` runs after every input.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, cast

import attrs

from chatd.config import Config, Difference, LiveConfig
from chatd.core import drafts, effects, inputs
from chatd.core.agenda import Due
from chatd.core.applying import apply
from chatd.core.changes import (
    Change,
    UserErased,
)
from chatd.core.commands.look_ups import FETCHES, LOOK_UPS
from chatd.core.effects import Effect, Origin
from chatd.core.entities import Sanction
from chatd.core.inputs import Input, Now
from chatd.core.invariants import check
from chatd.core.machine import Machine
from chatd.core.observations import Observed, ProcessFacts, ServerFacts, Traffic
from chatd.core.principal import (
    HashedPassword,
    NewSecret,
    Principal,
    Renewal,
    RightPassword,
)
from chatd.core.residency import take_user
from chatd.core.scope import Scope
from chatd.core.state import Chat
from chatd.enums import AccountRole, LogLevel, Role
from chatd.errors import Ending, Reject, RejectCode
from chatd.hub.restore import declare, needed, restore
from chatd.ids import (
    ConnectionId,
    Epoch,
    NodeId,
    RoomName,
    Seq,
    SessionId,
    UserName,
    direct_partner,
    is_direct,
    is_guest,
)
from chatd.ports import Snapshot, UserRow
from chatd.wire import events, replies
from chatd.wire.accounts import DeleteAccount, Password, Refresh, Register
from chatd.wire.administration import TokenIssue, UserAdd, UserPassword
from chatd.wire.admissions import CreateInvitation, Link
from chatd.wire.commands import Command
from chatd.wire.events import HOUR_MS
from chatd.wire.kinds import GuestName, Secret
from chatd.wire.operator import ConfigShown, StoreShown
from chatd.wire.replies import SearchPage
from chatd.wire.rooms import Join
from chatd.wire.sessions import Hello
from tests.store.model import Model, admissions, erasing
from tests.store.model.people import end_sessions, forget_addresses
from tests.store.model.reads import ModelReads, at_once, snapshot

LOBBY = RoomName("lobby")
"""The room that the configuration declares."""
ANN, BOB, CY, ADA = map(UserName, ("ann", "bob", "cy", "ada"))
SERVER = ServerFacts(
    ProcessFacts(
        7,
        1,
        ConfigShown("d"),
        ["here"],
        ["there"],
        StoreShown("data", 1, 2),
        LogLevel.INFO,
    ),
    is_ready=True,
    queued=3,
    events=4,
    events_per_s=0.5,
)
"""How the daemon is, in every test."""
UNAVAILABLE = drafts.Refused(RejectCode.UNAVAILABLE, "disk full", retry_after_s=1.0)


@attrs.define(eq=False)
class Peer:
    """One connection as its client sees it."""

    harness: Harness
    id: ConnectionId
    frames: list[Any] = attrs.field(factory=list)
    """Everything that was received and not taken yet."""
    said: int = 0
    answers: int = 0
    charged: float = 0
    """What its commands cost beside one each."""
    ending: Ending | None = None
    after_s: float | None = None
    subscribed: dict[RoomName, None] = attrs.field(factory=dict)
    replays: dict[RoomName, int] = attrs.field(factory=dict)

    def say(self, command: Command) -> list[Effect]:
        """Send a command."""
        self.said += 1
        return self.harness.handle(inputs.Received(self.id, command))

    def ask(self, command: Command) -> list[Any]:
        """Send a command, let everything happen, and take what came."""
        self.say(command)
        self.harness.settle()
        return self.take()

    def take(self) -> list[Any]:
        """Take what was received so far."""
        taken, self.frames = self.frames, []
        return taken

    def hello(self, **fields: Any) -> list[Any]:
        """Say hello and take the answer."""
        return self.ask(Hello(**fields))

    def join(self, room: RoomName = LOBBY, **fields: Any) -> list[Any]:
        """Join a room and take the answer."""
        return self.ask(Join(room, **fields))

    def close(self) -> list[Effect]:
        """Let the socket go."""
        del self.harness.peers[self.id]
        return self.harness.handle(inputs.Closed(self.id))


class Harness:
    """The machine, a store that is a model, and the connections."""

    def __init__(
        self,
        config: Config = Config(),  # noqa: B008 - frozen
        *,
        page: int = 2,
        checked: bool = True,
        node: NodeId | None = None,
        model: Model | None = None,
    ) -> None:
        self.live = LiveConfig(config)
        self.node = node
        self.checked = checked
        self.page = page
        self.model = Model() if model is None else model
        self.reads = ModelReads(model=self.model)
        if model is None:
            for name in (ANN, BOB, CY):
                self.model.users[name] = UserRow(name, name, "user")
            self.model.users[ADA] = UserRow(ADA, "Ada", "admin")
        self.tokens: dict[str, Renewal] = {}
        """Tokens of ann."""
        self.now = Now(1000.0, 1_800_000_000_000)
        self.peers: dict[ConnectionId, Peer] = {}
        self.drafts: deque[Origin] = deque()
        self.outcomes: deque[tuple[Origin, drafts.Outcome]] = deque()
        """What became of drafts, of which the machine does not know yet."""
        self.look_ups: list[Effect] = []
        self.delivered: list[events.TimelineEvent] = []
        self.unseen: dict[tuple[RoomName, int], UserName] = {}
        """What is hidden from everybody but its sender, as commits told it."""
        self._blocked: dict[tuple[UserName, UserName], None] = {}
        self.published: list[effects.Publish] = []
        """What other nodes were told, and nobody has taken."""
        self.steered: list[Any] = []
        """What the operator has had the process do."""
        self.set_up = 0
        """How often there was an administrator at last."""
        # What nodes draw by chance is never the same.
        self._epochs = self._secrets = 1000 * (node or 0)
        self._opened = 0
        self.log: list[Change] = []
        """All that was committed since the start, by whomever."""
        self.machine = self._begin()

    @property
    def config(self) -> Config:
        """The settings in force."""
        return self.live.current

    @property
    def chat(self) -> Chat:
        """The state."""
        return self.machine.chat

    # --- starting -------------------------------------------------------------

    def new_epoch(self) -> Epoch:
        """Count epochs."""
        self._epochs += 1
        return Epoch(f"{self._epochs:016x}")

    def _begin(self) -> Machine:
        snapshot = self.snapshot()
        chat = self._restored(snapshot, needed(snapshot, self.config))
        chat.live.node = self.node
        for draft in declare(chat, self.config, self.new_epoch):
            self.model.execute(draft, self.now.wall)
        self.log.clear()
        self.replica = self.whole()
        offered = self.model.execute(drafts.OfferSetup(b"setup"), self.now.wall)
        chat.durable.await_admin(on=isinstance(offered, drafts.Committed))
        if any(room.settings.trims for room in self.model.rooms.values()):
            chat.live.agenda.add(self.now.mono, Due.RETENTION, None)
        return Machine(chat, self.live, self.new_epoch, "chatd/test")

    def whole(self) -> Chat:
        """The chat as the store has it, with everybody in memory."""
        chat = self._restored(self.snapshot(), list(self.model.rooms))
        for name in self.model.users:
            record = at_once(self.reads.user_record(name))
            if record is not None and not is_guest(name):
                user = take_user(chat, record, self.now.mono)
                chat.durable.set_whole(user, on=True)
        return chat

    def _restored(self, snapshot: Snapshot, names: list[RoomName]) -> Chat:
        rooms = at_once(self.reads.rooms(names))
        return restore(snapshot, rooms, self.config, self.now, self.node)

    def snapshot(self) -> Snapshot:
        """What a store would load."""
        kept_ms = round(self.config.auth.guest_ban_h * HOUR_MS)
        forget_addresses(self.model, self.now.wall, kept_ms)
        return snapshot(self.model)

    def restart(self) -> None:
        """Kill the daemon: what was not committed is gone, and so is everybody."""
        self.peers.clear()
        self.drafts.clear()
        self.outcomes.clear()
        self.look_ups.clear()
        self.machine = self._begin()

    # --- people ---------------------------------------------------------------

    def open(self, address: str | None = None, *, is_operator: bool = False) -> Peer:
        """Open a connection."""
        self._opened += 1
        peer = Peer(self, ConnectionId(self._opened))
        self.peers[peer.id] = peer
        self.handle(inputs.Opened(peer.id, address, is_operator))
        return peer

    def user(
        self, name: UserName | str, *rooms: RoomName, address: str | None = None
    ) -> Peer:
        """Open a connection of an account, in some rooms; nothing to take."""
        peer = self.open(address)
        peer.hello(name=GuestName(name), password=Secret("right"))
        for room in rooms:
            peer.join(room)
        return peer

    def guest(self, *rooms: RoomName, address: str | None = None) -> Peer:
        """Open a connection of a new guest, in some rooms; nothing to take."""
        peer = self.open(address)
        peer.hello()
        for room in rooms:
            peer.join(room)
        return peer

    def catch_up(self) -> Chat:
        """Have a second chat, which hears of nothing but changes, learn of all so far.

        Each is told twice: the second time it changes nothing.
        """
        for change in self.log:
            apply(self.replica, change, self.now)
            assert apply(self.replica, change, self.now) == [], change
        self.log.clear()
        return self.replica

    def set_role(self, room: RoomName, user: UserName, role: Role) -> None:
        """Give a member a role of which no event tells."""
        chat = self.chat
        chat.durable.set_role(chat.durable.rooms[room], user, role)
        self.model.rooms[room].members[user].role = role

    def change(self, *changes: Change) -> list[Effect]:
        """Have the machine learn of what was committed, and nobody waits for."""
        origin = Origin(None, None, drafts.RecordTime())
        self.log += changes
        return self.handle(inputs.Executed(origin, drafts.Committed(changes)))

    def apply(self, change: Change) -> list[Effect]:
        """Have a change taken that no draft has made; what follows is not performed."""
        return apply(self.chat, change, self.now)

    def ban(self, name: UserName, ban: Sanction) -> None:
        """Have the operator ban somebody."""
        self._operate(drafts.BanUser(name, ban.until, ban.reason, self.now.wall))

    def unban(self, name: UserName) -> None:
        """Have the operator let somebody in again."""
        self._operate(drafts.UnbanUser(name))

    def log_out(self, name: UserName) -> None:
        """Have the operator end all sessions of somebody."""
        self._operate(drafts.EndSessions(name))

    def give_role(self, name: UserName, role: AccountRole) -> None:
        """Have the operator give somebody a role on the server."""
        self._operate(drafts.GiveRole(name, role))

    def _operate(self, draft: drafts.Draft) -> None:
        """Have a draft of the operator committed at once, before all that waits."""
        self.model.certain = self.now.wall
        outcome = self.model.execute(draft, self.now.wall)
        assert isinstance(outcome, drafts.Committed | drafts.Duplicate), outcome
        self.log += outcome.changes
        self.handle(inputs.Executed(Origin(None, None, draft), outcome))

    def erase(self, name: UserName) -> None:
        """Have the operator erase somebody, as far as the machine hears of it."""
        self.model.certain = self.now.wall
        end_sessions(self.model, drafts.EndSessions(name))
        self.change(UserErased(name))

    def user_of(self, peer: Peer) -> UserName | None:
        """Who is on a connection, once he was welcomed and until it ends."""
        connection = self.chat.live.connections.get(peer.id)
        return connection.user if connection is not None else None

    def take_all(self) -> None:
        """Forget what everybody received so far."""
        for peer in self.peers.values():
            peer.take()

    # --- what happens ---------------------------------------------------------

    def handle(self, happened: Input) -> list[Effect]:
        """Hand an input to the machine, check the state, perform the effects."""
        wanted = self.machine.handle(happened, self.now)
        if self.checked:
            check(self.chat)
        for effect in wanted:
            self._perform(effect)
        if self.checked:
            self._check_audiences()
        return wanted

    def _check_audiences(self) -> None:
        """Who gets a room's events is a member, and the chat knows that he does."""
        for peer in self.peers.values():
            connection = self.chat.live.connections.get(peer.id)
            places = connection.subscriptions if connection is not None else {}
            assert list(peer.subscribed) == [n for n in peer.subscribed if n in places]
            assert {n for n, place in places.items() if place.live} == set(
                peer.subscribed
            )
            for name in places:
                assert connection is not None
                assert connection.user in self.chat.durable.rooms[name].members

    def commit(self, count: int | None = None) -> None:
        """Commit the oldest drafts, all that wait by default, as one batch."""
        count = len(self.drafts) if count is None else count
        self.write(count)
        while self.outcomes:
            self.tell()

    def write(self, count: int) -> None:
        """Commit the oldest drafts as one batch, of which nobody is told yet."""
        self.model.certain = self.now.wall
        for _ in range(count):
            origin = self.drafts.popleft()
            outcome = self.model.execute(origin.draft, self.now.wall)
            self._note_blocks(origin.draft, outcome)
            self.outcomes.append((origin, outcome))
        erasing.go_on(self.model)

    def tell(self) -> None:
        """Tell what became of the oldest draft that was written."""
        origin, outcome = self.outcomes.popleft()
        if isinstance(outcome, drafts.Committed):
            self.log += outcome.changes
        self.handle(inputs.Executed(origin, outcome))

    def _note_blocks(self, draft: drafts.Draft, outcome: drafts.Outcome) -> None:
        """Keep, beside the model, what nobody but its sender may see."""
        if not isinstance(outcome, drafts.Committed):
            return
        if isinstance(draft, drafts.SetBlock):
            if draft.on:
                self._blocked[draft.user, draft.blocked] = None
            else:
                del self._blocked[draft.user, draft.blocked]
        event = outcome.event
        if event is None or not is_direct(event.room):
            return
        of = getattr(event, "of", event.seq)
        blocked = (direct_partner(event.room, event.sender), event.sender)
        if isinstance(event, events.Edit):
            if blocked in self._blocked:
                self.unseen[event.room, of] = event.sender
            if (event.room, of) in self.unseen:
                self.unseen[event.room, event.seq] = event.sender
        elif blocked in self._blocked and not isinstance(event, events.Delete):
            self.unseen[event.room, event.seq] = event.sender

    def fail(self, outcome: drafts.Outcome = UNAVAILABLE) -> None:
        """Have all drafts that wait refused, storing nothing."""
        batch = list(self.drafts)
        self.drafts.clear()
        for origin in batch:
            self.handle(inputs.Executed(origin, outcome))

    def stall(self) -> list[Origin]:
        """Let the store stall: whoever waits is told; the drafts go on alone."""
        batch = list(self.drafts)
        self.drafts = deque(Origin(None, None, origin.draft) for origin in batch)
        for origin in batch:
            if origin.connection is not None:
                self.handle(inputs.Executed(origin, UNAVAILABLE, final=False))
        return batch

    def run_look_up(self, number: int = 0) -> None:
        """Let one look-up come back."""
        effect = self.look_ups.pop(number)
        happened = _READ[type(effect)](self, effect)
        if happened is not None:
            self.handle(happened)

    def load(self) -> None:
        """Let what is read into memory come back, and nothing else."""
        while loads := [e for e in self.look_ups if isinstance(e, effects.Fetch)]:
            self.run_look_up(self.look_ups.index(loads[0]))

    def settle(self) -> None:
        """Let everything come back until nothing waits any more."""
        while self.drafts or self.outcomes or self.look_ups:
            while self.look_ups:
                self.run_look_up()
            self.commit()

    def wait(self, seconds: float) -> None:
        """Let time pass, stopping at every deadline."""
        until = self.now.mono + seconds
        while (due := self.machine.next_deadline()) is not None and due <= until:
            self._set(due)
            self.handle(inputs.TimePassed())
        self._set(until)

    def _set(self, mono: float) -> None:
        passed_ms = round((mono - self.now.mono) * 1000)
        self.now = Now(max(mono, self.now.mono), self.now.wall + max(0, passed_ms))

    # --- effects --------------------------------------------------------------

    def _perform(self, effect: Effect) -> None:
        match effect:
            case effects.Answer(connection, reply):
                if isinstance(reply, SearchPage):
                    self._check_found(connection, reply)
                self._send([connection], [reply] if reply is not None else [])
                if connection in self.peers:
                    self.peers[connection].answers += 1
            case effects.Tell(connections, frame):
                self._send(connections, [frame])
            case effects.Deliver(event):
                self.delivered.append(event)
                self._send(self._audience(event.room), [event])
            case effects.DeliverHidden(event, hidden, blocker):
                self.delivered.append(event)
                for number in self._audience(event.room):
                    self._send([number], [hidden if number in blocker else event])
            case effects.Spread(frame, besides):
                audience = self._audience(frame.room)
                self._send([n for n in audience if n not in besides], [frame])
            case effects.Subscribe(connection, room):
                if connection in self.peers:
                    self.peers[connection].subscribed[room] = None
                    self.peers[connection].replays.pop(room, None)
            case effects.Unsubscribe(connection, room):
                if connection in self.peers:
                    self.peers[connection].subscribed.pop(room, None)
                    self.peers[connection].replays.pop(room, None)
            case effects.Rename(room, name, connections):
                self._rename(room, name, connections)
            case effects.Append(origin):
                self.drafts.append(origin)
            case effects.Charge(connection, cost):
                if connection in self.peers:
                    self.peers[connection].charged += cost
            case effects.Finish(connection, ending, after_s):
                if connection in self.peers:
                    peer = self.peers[connection]
                    assert not peer.subscribed
                    if peer.ending is None:
                        peer.ending, peer.after_s = ending, after_s
            case effects.Publish():
                self.published.append(effect)
            case effects.Steer(command):
                self.steered.append(command)
            case effects.EndSetup():
                self.set_up += 1
            case effects.Replay():
                self.peers[effect.connection].replays[effect.room] = effect.subscription
                self.look_ups.append(effect)
            case _:
                self.look_ups.append(effect)

    def _rename(
        self, room: RoomName, name: RoomName, connections: Sequence[ConnectionId]
    ) -> None:
        for number in connections:
            peer = self.peers.get(number)
            if peer is not None and room in peer.subscribed:
                peer.subscribed[name] = peer.subscribed.pop(room)
            if peer is not None and room in peer.replays:
                peer.replays[name] = peer.replays.pop(room)
        for effect in self.look_ups:
            if isinstance(effect, effects.Replay) and effect.room == room:
                effect.room = name

    def _check_found(self, number: ConnectionId, page: SearchPage) -> None:
        """What is found is in rooms of the asker's, up to what he was told."""
        user = self.chat.live.connections[number].user
        for message in page.messages:
            room = self.chat.durable.rooms[message.room]
            assert user in room.members
            assert room.first <= message.seq <= room.head

    def _audience(self, room: RoomName) -> list[ConnectionId]:
        return [peer.id for peer in self.peers.values() if room in peer.subscribed]

    def _send(self, numbers: Sequence[ConnectionId], frames: Sequence[Any]) -> None:
        for number in numbers:
            peer = self.peers.get(number)
            if peer is not None and peer.ending is None:
                for frame in frames:
                    self._check_hidden(number, frame)
                peer.frames.extend(frames)

    def _check_hidden(self, number: ConnectionId, frame: Any) -> None:
        """Nobody is sent what he must not see, nor spared what he may."""
        connection = self.chat.live.connections.get(number)
        if connection is None:
            return  # he has been let go, and this says so
        user = connection.user
        match frame:
            case events.Message() | events.React() | events.Pin():
                assert self._may_see(user, frame.room, frame.seq)
            case events.Edit():
                assert self._may_see(user, frame.room, frame.seq)
                # Of what is not kept any more there is nothing to see.
                assert frame.deleted or self._may_see(user, frame.room, frame.of)
            case events.Hidden():
                where = self.model.room(frame.room)
                assert where is not None
                event = where.timeline[frame.seq - 1]
                of = event.of if isinstance(event, events.Edit) else frame.seq
                seen = [self._may_see(user, frame.room, n) for n in (frame.seq, of)]
                assert not all(seen)
            case replies.SearchPage():
                for found in frame.messages:
                    assert self._may_see(user, found.room, found.seq)
            case replies.PinsPage():
                for shown in frame.messages:
                    assert self._may_see(user, frame.room, shown.seq)
            case replies.HistoryPage():
                for shown in frame.messages:
                    nothing = replies.MessageShown(
                        shown.seq, shown.ts, None, None, hidden=True
                    )
                    may = self._may_see(user, frame.room, shown.seq)
                    assert (shown == nothing) != may

    def _may_see(self, user: UserName | None, room: RoomName, seq: Seq) -> bool:
        return self.unseen.get((room, seq)) in (None, user)

    # --- look-ups -------------------------------------------------------------

    def _authenticate(self, effect: effects.Authenticate) -> Input:
        hello = effect.hello
        wrong = Reject(RejectCode.BAD_CREDENTIALS, "wrong")
        secret, resumed = hello.session, True
        is_new, beside, kept = False, None, None
        digest = hello.link.encode() if hello.link is not None else None
        if hello.link is not None:
            ours = [s for s, (link, _) in self.model.links.items() if link == digest]
            secret = Secret(ours[0].decode()) if ours else Secret("none")
        if secret is None:
            self._secrets += 1
            secret, resumed = Secret(f"{self._secrets} secret"), False
            if hello.token is not None:
                row = self.model.users.get(UserName("ann"))
            elif hello.password is not None:
                assert hello.name is not None
                row = self.model.users.get(UserName(hello.name))
                if hello.password != "right":
                    row = None
            else:
                name = UserName(f"guest~{self._secrets}")
                row, is_new = UserRow(name, hello.name or "guest", "guest"), True
        else:
            session = self.model.sessions.get(SessionId(secret.encode()))
            row = self.model.users[session.user] if session is not None else None
            kept = session
            if hello.another or hello.link is not None:
                self._secrets += 1
                beside = SessionId(secret.encode())
                secret, resumed = Secret(f"{self._secrets} secret"), False
        if row is not None and row.ban is not None and row.ban.holds(self.now.wall):
            row, wrong = None, Reject(RejectCode.BANNED, "banned")
        if row is None:
            return inputs.AuthenticationFailed(effect.connection, hello, wrong)
        who = Principal(
            row.user,
            row.display,
            row.role,
            SessionId(secret.encode()),
            secret,
            None,
            resumed,
            is_new=is_new,
            beside=beside,
            link=digest,
        )
        if kept is not None:
            who.token, who.expires = kept.token, kept.expires
            who.scope = Scope.parse(kept.scope) if kept.scope is not None else None
        if hello.token is not None:
            found = self.tokens[hello.token]
            who.token, who.expires = found.token, found.expires
            who.scope, who.renews = found.scope, resumed
        return inputs.Authenticated(effect.connection, hello, who)

    def _check(self, effect: effects.CheckSecret) -> Input:
        command, number = effect.command, effect.connection
        found: HashedPassword | RightPassword | Renewal | NewSecret | None = None
        match command:
            case Register():
                found = self._hashed(command)
            case UserAdd() | UserPassword():
                assert command.password is not None
                found = HashedPassword(command.password)
            case Link() | CreateInvitation() | TokenIssue():
                self._secrets += 1
                secret = f"{self._secrets} secret"
                found = NewSecret(secret, secret.encode())
            case Password():
                assert effect.user is not None
                stored = self.model.users[effect.user].password_hash
                if command.old == "right":
                    found = HashedPassword(command.new, stored)
            case DeleteAccount():
                assert effect.user is not None
                row = self.model.users.get(effect.user)
                if row is not None and command.password == "right":
                    found = RightPassword(cast(str, row.password_hash))
            case Refresh():
                found = self.tokens.get(command.token)
        if found is None:
            wrong = Reject(RejectCode.BAD_CREDENTIALS, "wrong")
            return inputs.SecretRefused(number, command, wrong)
        return inputs.SecretChecked(number, command, found)

    def _hashed(self, command: Register) -> HashedPassword | None:
        if command.invite is None:
            return HashedPassword(command.password)
        digest = command.invite.encode()
        by = admissions.invitation(self.model, digest)
        if by is None:
            return None
        return HashedPassword(command.password, invitation=by, digest=digest)

    def look_up(self, effect: Any) -> Input:
        """Read what a query asks for, as it is now; nobody is told of it yet."""
        read = LOOK_UPS[type(effect.query)].read
        answer = at_once(read(self.reads, effect.command, effect.query))
        return inputs.Answered(effect.connection, effect.command, effect.query, answer)

    def fetch(self, effect: Effect) -> inputs.Fetched[Any, Any]:
        """Read what is wanted in memory, as it is now; nobody is told of it yet."""
        assert isinstance(effect, effects.Fetch)
        query = effect.query
        answer = at_once(FETCHES[type(query)].read(self.reads, query))
        return inputs.Fetched(query, answer)

    def _observe(self, effect: effects.Observe) -> Input:
        """Look at what the tests know of the edge."""
        found: Observed = SERVER
        if effect.connections is not None:
            found = {
                number: Traffic("192.0.2.1", 9, int(number), 2, 3, 0.5)
                for number in _chosen(effect)
                if number in self.peers
            }
        return inputs.Seen(effect.connection, effect.command, found)

    def _reload(self, effect: effects.Reload) -> Input:
        """Nothing has changed."""
        return inputs.Seen(effect.connection, effect.command, Difference())

    def _replay(self, effect: effects.Replay) -> Input | None:
        room, upto = self.model.room(effect.room), effect.upto
        if room is None:
            return None
        after = effect.after
        if effect.last is not None:
            oldest = at_once(self.reads.nth_newest(effect.room, effect.last, upto))
            after = max(after, Seq(oldest - 1))
        page = at_once(
            self.reads.events(effect.room, after, upto, self.page, 0, effect.viewer)
        )
        peer = self.peers.get(effect.connection)
        if peer is None or peer.replays.get(effect.room) != effect.subscription:
            return None
        begins = page[0].seq if page else Seq(effect.upto + 1)
        if effect.last is None and begins > after + 1:
            self._send([peer.id], [events.Gap(room.name, after, Seq(begins - 1))])
        self._send([peer.id], page)
        at = page[-1].seq if page else effect.upto
        return inputs.Replayed(peer.id, effect.room, effect.subscription, at)


def _chosen(effect: effects.Observe) -> Sequence[ConnectionId]:
    """The connections that are looked at; the last are the busiest."""
    found = effect.connections or ()
    return found[: -effect.busiest - 1 : -1] if effect.busiest else found


_READ: dict[type[Effect], Callable[[Harness, Any], Input | None]] = {
    effects.Authenticate: Harness._authenticate,
    effects.CheckSecret: Harness._check,
    effects.Query: Harness.look_up,
    effects.Fetch: lambda harness, effect: harness.fetch(effect),
    effects.Observe: Harness._observe,
    effects.Reload: Harness._reload,
    effects.Replay: Harness._replay,
    # Nobody else has committed anything.
    effects.CatchUp: lambda _harness, effect: inputs.CaughtUp(effect.number),
}
