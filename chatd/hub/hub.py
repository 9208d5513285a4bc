"""The hub: it ties connections, the store and look-ups to the machine.

`chatd.daemon.host` hands it what connections bring. It starts what waits, each as a
task: the committer, look-ups, the clock. How inputs are handled stands in
`chatd.hub.engine`.

An exception out of the machine is a bug of the core, and the state it leaves behind
cannot be trusted: `run` raises it, which ends the daemon. A frame that cannot be
decoded is not a bug; the client gets an `error`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, cast

import trio

from chatd.auth import Authenticator
from chatd.config import Difference, LiveConfig, PermanentRoom
from chatd.core.clock import Clock, Reading
from chatd.core.drafts import Draft, RecordTime, rooms_of
from chatd.core.effects import Origin, Reload
from chatd.core.inputs import (
    Closed,
    Drafted,
    Now,
    Opened,
    RoomsSought,
    Seen,
    SpaceMeasured,
    Stopping,
)
from chatd.core.machine import Machine
from chatd.core.observations import NodeFacts, ServerFacts
from chatd.core.quota import Space, address_key
from chatd.errors import ConfigError, Ending, Reject, RejectCode
from chatd.hub.clock import keep_clock
from chatd.hub.committer import Committer, writing_to
from chatd.hub.declaring import check_names, drafts_of, is_declared
from chatd.hub.effect_runner import EffectRunner
from chatd.hub.engine import Engine
from chatd.hub.environment import Environment, Process
from chatd.hub.fanout import Fanout, Link
from chatd.hub.lookups import Lookups
from chatd.hub.pace import Pace
from chatd.hub.restore import load
from chatd.ids import ConnectionId, NodeId, UserName
from chatd.observe import Metrics
from chatd.ports import Outlet, Store
from chatd.ports.cluster import Bus, SharedStore
from chatd.wire.events import Millis
from chatd.wire.malformed import BadCommand
from chatd.wire.operator import Drain, SetLogLevel

if TYPE_CHECKING:
    from chatd.hub.cluster import Cluster


class Hub(Engine):
    """Drives the machine, and takes what connections bring.

    Args:
        config: The settings in force.
        store: Where what is durable is kept.
        environment: Clocks, randomness, and how to give up.
        metrics: Where to count.
        server: Name and version, for `welcome`.
        page: The version of the page that comes with it; `""` for none.
        bus: What carries between nodes, where the store is shared by several.
        serves: Whether people come, or the operator alone, while no daemon runs: then
            nothing happens by itself, neither by a start nor by time.

    Attributes:
        setup_secret: By which the first administrator is made, once it runs; None where
            there is one.
        set_up: Set when there is an administrator, if the first was waited for.
    """

    def __init__(
        self,
        config: LiveConfig,
        store: Store,
        environment: Environment,
        metrics: Metrics,
        server: str,
        page: str = "",
        bus: Bus | None = None,
        *,
        serves: bool = True,
    ) -> None:
        super().__init__(environment, metrics)
        self._config = config
        self._store = store
        self._server = server
        self._page = page
        self._serves = serves
        self._emptied = trio.Event()
        self._pace = Pace()
        self.setup_secret: str | None = None
        self.set_up = trio.Event()
        self._final_ending: tuple[Ending, Callable[[], float]] | None = None
        self._nursery: trio.Nursery
        write = writing_to(store)
        self._node: NodeId | None = None
        if bus is not None:
            shared = cast(SharedStore, store)
            self._node, self._cluster = shared.node, self._join(shared, bus)
            write = self._cluster.commit
        self._committer = Committer(
            write,
            config,
            self._moment,
            self._stored,
            environment.gave_up,
            lambda: store.settles,
            self._timing,
        )
        authenticator = Authenticator(
            store,
            config,
            environment.random_bytes,
            lambda: self._moment().wall,
            self._store_aside,
            environment.issuers,
            lambda: self._moment().sure,
            metrics.login_failed,
        )
        self._lookups = Lookups(
            store, authenticator, self._fanout, self._happened, self.gapped
        )

    async def run(
        self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
    ) -> None:
        """Load the chat, then drive it until cancelled.

        Started when connections may be attached.

        Raises:
            Exception: A bug of the core, or a store that has failed.

        Cancellation: what is being committed is finished first.
        """
        # A third of the calls that `trio.current_time` makes.
        self._mono = trio.lowlevel.current_clock().current_time
        chat, self._clock, self.setup_secret = await load(
            self._store,
            self._config.current,
            self._environment,
            serves=self._serves,
            node=self._node,
        )
        self._machine = Machine(
            chat, self._config, self._environment.new_epoch, self._server, self._page
        )
        async with trio.open_nursery() as nursery:
            self._effect_runner = EffectRunner(
                self._machine,
                self._fanout,
                self._committer,
                self._lookups,
                self._metrics,
                self._inputs,
                nursery.start_soon,
                self.set_up,
                self._observe,
                self._steer,
                self._reload,
                self._cluster,
            )
            self._nursery = nursery
            if self._cluster is not None:
                await nursery.start(self._cluster.run, self._machine)
            nursery.start_soon(self._committer.run)
            nursery.start_soon(
                keep_clock, self._clock, self._read_clock, self._record_time
            )
            if self._serves:
                nursery.start_soon(self._keep_time)
            nursery.start_soon(self._take_turns)
            task_status.started()
            raise await self._wait_bug()

    async def declare(self, rooms: Sequence[PermanentRoom]) -> None:
        """Have rooms be there, the configuration's, with the settings of there.

        Raises:
            ConfigError: One cannot be: nothing else has changed then.

        Cancellation: those that were given to the store are declared.
        """
        durable, loads = self._machine.chat.durable, self._machine.chat.live.loads
        names = [room.name for room in rooms]
        self._happened(RoomsSought(names))
        await self._until(lambda: not any(name in loads.rooms for name in names))
        check_names(durable, rooms)
        drafts = drafts_of(durable, rooms, self._environment.new_epoch)
        if not drafts:
            return
        self._happened(Drafted(drafts))
        given = [name for draft in drafts for name in rooms_of(draft)]
        writing = self._machine.chat.live.writing
        await self._until(
            lambda: (
                all(is_declared(durable, room) for room in rooms)
                or not any(name in writing for name in given)
            )
        )
        why = "it is that of a room that has ended"
        if refused := self._committer.refused:
            why = f"the store takes nothing now ({refused}); reload again when it does"
        problems = [
            f'rooms.permanent[{index}].name: "{room.name}" was not stored: {why}'
            for index, room in enumerate(rooms)
            if not is_declared(durable, room)
        ]
        if problems:
            raise ConfigError(problems)

    def hold_all(self) -> None:
        """Read no further from any connection."""
        for link in self._fanout.links.values():
            link.outlet.hold()

    async def wait_empty(self) -> None:
        """Wait until no connection is attached any more.

        Cancellation: safe.
        """
        while self._fanout.links:
            self._emptied = trio.Event()
            await self._emptied.wait()

    async def drain(self) -> None:
        """Wait until everything that was accepted is committed and delivered.

        Cancellation: safe.
        """
        await self._finish_work(self._committer)

    async def settle(self) -> None:
        """Commit what may otherwise wait some seconds: read marks, idle times.

        Then the other nodes are told that this one goes.

        Cancellation: safe; they are as old as after a crash then.
        """
        self._happened(Stopping())
        self._record_time()
        await self._finish_work(self._committer)
        if self._cluster is not None:
            await self._cluster.leave()

    def finish_all(self, ending: Ending, afters_s: Callable[[], float]) -> None:
        """End every connection, also those that are attached later.

        Args:
            ending: The reason, for the log, the bye and the close frame.
            afters_s: Called for each: the seconds that its client is told to wait.
        """
        self._final_ending = ending, afters_s
        for link in list(self._fanout.links.values()):
            link.outlet.finish(ending, afters_s())

    @property
    def is_ready(self) -> bool:
        """Whether the store answers and no bug was met."""
        return not self._committer.stalled and self._bug is None

    @property
    def is_well(self) -> bool:
        """Whether a restart would not help: it is ready, or its store asks a server."""
        return not self._committer.hangs and self._bug is None

    @property
    def has_space(self) -> bool:
        """Whether anything may be added to the store; a restart makes no space."""
        return self._machine.space is not Space.NONE

    @property
    def clock(self) -> Clock:
        """What is certain about the time."""
        return self._clock

    @property
    def connections(self) -> int:
        """How many connections are attached."""
        return len(self._fanout.links)

    @property
    def machine(self) -> Machine:
        """The machine, for gauges and for tests that check its state."""
        return self._machine

    @property
    def committer(self) -> Committer:
        """The committer, for gauges."""
        return self._committer

    @property
    def cluster(self) -> Cluster | None:
        """The other nodes, if there may be any."""
        return self._cluster

    @property
    def fanout(self) -> Fanout:
        """The fan-out, for gauges."""
        return self._fanout

    # --- the host of connections --------------------------------------------

    def attach(self, outlet: Outlet, *, is_operator: bool = False) -> None:
        """Take a new connection; during a drain it is ended at once."""
        self._fanout.add(outlet)
        key = address_key(outlet.address)
        self._happened(Opened(outlet.id, key, is_operator))
        if self._final_ending is not None:
            ending, afters_s = self._final_ending
            outlet.finish(ending, afters_s())

    def detach(self, outlet: Outlet) -> None:
        """Forget a connection, then tell the others, behind what it has sent."""
        link = self._fanout.remove(outlet.id)
        closed = Closed(outlet.id)
        if link.inbox:
            self._sent(link, [closed])
        else:
            self._happened(closed)
        if not self._fanout.links:
            self._emptied.set()

    def user_of(self, connection: ConnectionId) -> UserName | None:
        """The user of a connection; None before its `welcome`."""
        link = self._link(connection)
        return link.user if link is not None else None

    def on_texts(self, outlet: Outlet, payloads: Sequence[bytes]) -> None:
        """Take frames of a client, in order; they are handled when it is its turn."""
        link = self._link(outlet.id)
        assert link is not None, "it is attached as long as it is read"
        self._sent(link, payloads)

    def on_bad(self, outlet: Outlet, reject: BadCommand) -> None:
        """Answer a message that the edge knows to be no command."""
        link = self._link(outlet.id)
        assert link is not None, "it is attached as long as it is read"
        self._metrics.refused(reject.code)
        self._sent(link, [reject])
        self._run_inputs()

    def measured(self, free_bytes: int) -> Space:
        """Note how many bytes are free where the store is.

        Returns:
            What may still be added to it.
        """
        self._happened(SpaceMeasured(free_bytes))
        return self._machine.space

    def gapped(self) -> None:
        """Count a gap of which a client is told."""
        self._metrics.gaps += 1

    # --- other nodes ----------------------------------------------------------

    def _join(self, store: SharedStore, bus: Bus) -> Cluster:
        """Be one of several nodes."""
        # Not imported where there is one.
        from chatd.hub.cluster import Cluster  # noqa: PLC0415

        return Cluster(store, bus, self._facts, self._came, self._guests_left)

    def _guests_left(self) -> Millis:
        """Since when a guest may be away whose session goes on."""
        hold_s = self._config.current.auth.guest_hold_s
        return self._moment().sure - round(hold_s * 1000)

    def _facts(self) -> NodeFacts:
        """What the others are told of this node."""
        live = self._machine.chat.live
        return NodeFacts(self._server, live.users_online, self.connections)

    # --- time ---------------------------------------------------------------

    def _moment(self) -> Now:
        """The time now, on all clocks."""
        return self._clock.now(self._mono(), self._environment.wall())

    def _read_clock(self) -> Reading:
        """Read the clocks, and note how many events there were by then."""
        self._pace.note(self._mono(), self._metrics.events)
        return self._environment.read_clock()

    @property
    def _process(self) -> Process:
        assert self._environment.process is not None, "operators come by the daemon"
        return self._environment.process

    def _steer(self, command: Drain | SetLogLevel) -> None:
        """Have the process do what the operator asks of it."""
        self._process.steer(command)

    async def _reload(self, effect: Reload) -> None:
        """Put what is configured into force, and hand in what became of it."""
        found: Difference | Reject
        try:
            found = await self._process.reload()
        except ConfigError as error:
            found = Reject(RejectCode.BAD_CONFIG, "; ".join(error.problems))
        self._happened(Seen(effect.connection, effect.command, found))

    def _observe(self) -> ServerFacts | Reject:
        """Look at the daemon, for the operator; refused where its files are away."""
        try:
            process = self._process.facts()
        except OSError as error:
            text = f"the daemon's files cannot be looked at: {error}"
            return Reject(RejectCode.UNAVAILABLE, text)
        return ServerFacts(
            process,
            self.is_ready,
            self._committer.depth,
            self._metrics.events,
            self._pace.per_s(self._mono(), self._metrics.events),
            *(() if self._cluster is None else self._cluster.observe()),
        )

    def _link(self, number: ConnectionId) -> Link | None:
        return self._fanout.links.get(number)

    def _record_time(self) -> None:
        """Have the certain time stored."""
        self._store_aside(RecordTime())

    def _store_aside(self, draft: Draft) -> None:
        """Have a draft committed that no command waits for."""
        self._committer.append(Origin(None, None, draft))
