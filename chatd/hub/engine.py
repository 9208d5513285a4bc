"""The engine: it handles inputs, one after the other, each to completion.

An input is handed to the machine; the effects that come back are carried out in
order; then the batch is flushed, so that every receiver is written to once. An
effect that makes an input queues it behind the one that is being handled. All of
this is `def`: no other task runs between reading and changing the chat's state.

What clients have sent, and what was committed, is handled in turns, which end after
`TURN_S` or `TURN_INPUTS_MAX`, so that other tasks run in between: the clock, the
watchdog, probes, and the reading of other connections. What a connection sends waits
in its inbox, and connections are served in turn (`chatd.hub.ready`). Other inputs are
handled at once, where much is waiting also before messages that came earlier.

An exception out of the machine is kept, and nothing is handled any more. One out of the
decoder ends only its connection.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, cast

import trio

from chatd.core.clock import Clock
from chatd.core.entities import Sent
from chatd.core.inputs import (
    Closed,
    Executed,
    Input,
    Now,
    Received,
    TimePassed,
)
from chatd.core.machine import Machine
from chatd.hub.acts import ACTS, tell_act
from chatd.hub.committer import Committer
from chatd.hub.effect_runner import RUN, EffectRunner
from chatd.hub.environment import Environment
from chatd.hub.fanout import Fanout, Link
from chatd.hub.ready import Message, Ready, use
from chatd.hub.timing import Timing
from chatd.observe import Metrics
from chatd.wire.malformed import BadCommand

if TYPE_CHECKING:
    from chatd.hub.cluster import Cluster

TURN_S = 0.01
"""When a turn ends. Source: a fifth of the 50 ms that nobody should have to wait;
measured, with half as much rooms of 10 have a tenth less throughput."""
TURN_INPUTS_MAX = 512
"""Inputs of one turn: as many as the drafts of one transaction."""
SERVED_S = 0.00025
SERVED_MAX = 16
"""How long, and with how many messages, one connection has its turn. Measured: with
more, what 100 connections send at once delays another by more than a turn."""


class Engine:
    """Hands inputs to the machine, and carries out the effects that it returns.

    Args:
        environment: Time.
        metrics: Where to count.
    """

    _mono: Callable[[], float]
    _clock: Clock
    _machine: Machine
    _effect_runner: EffectRunner

    def __init__(self, environment: Environment, metrics: Metrics) -> None:
        self._environment = environment
        self._metrics = metrics
        self._fanout = Fanout()
        self._timing = Timing(metrics)
        self._inputs: deque[Input] = deque()
        self._told: deque[Executed] = deque()
        self._news: deque[Input] = deque()
        self._cluster: Cluster | None = None
        self._ready = Ready()
        self._running = False
        # One for all inputs, which are handled one after the other.
        self._now = Now(0.0, 0)
        self._bug: Exception | None = None
        self._bug_found = trio.Event()
        self._arrived = trio.Event()
        self._alarm = trio.CancelScope()
        self._due: float | None = None
        self._looked_at: trio.Event | None = None

    def _happened(self, happened: Input) -> None:
        """Handle an input and all that follows from it, or queue it behind another."""
        if 0 < len(self._ready) <= SERVED_MAX:
            # That is soon done, and then things happen in their order.
            self._run_inputs()
        self._inputs.append(happened)
        # Receivers that wait for a flush already come before these.
        self._run(self._handle_all, sends=not self._fanout.has_more)

    def _sent(self, link: Link, messages: Sequence[Message]) -> None:
        """Take what a connection has sent, to be handled when it is its turn."""
        self._ready.add(link, messages, self._now.mono)
        self._arrived.set()

    def _stored(self, told: Sequence[Executed]) -> None:
        """Handle what the store answers, in its order; it is one batch of fan-out."""
        self._told.extend(told)
        self._run_inputs()

    def _came(self, news: Iterable[Input]) -> None:
        """Take what other nodes have done, for the next turn."""
        self._news.extend(news)
        self._arrived.set()

    def _run_inputs(self) -> None:
        """Handle as much as one turn takes of what waits."""
        self._run(self._take_turn, sends=True)

    def _run(self, work: Callable[[], None], *, sends: bool) -> None:
        """Do some work on inputs, and send what comes of it if it `sends`."""
        if self._running or self._bug is not None:
            return
        self._running = True
        try:
            now = self._now
            self._clock.tell(now, self._mono(), self._environment.wall())
            work()
            if self._cluster is not None:
                self._cluster.look()
            if sends:
                self._fanout.flush()
            if sends and self._timing.waits and not self._told:
                delivered = not self._fanout.has_more
                self._timing.sent(self._mono(), delivered=delivered)
            deadline = self._machine.next_deadline()
            if deadline != self._due:
                # Setting it costs as much as a delivery, and it seldom moves.
                self._due = deadline
                self._alarm.deadline = math.inf if deadline is None else deadline
        except Exception as error:  # noqa: BLE001 - whatever it is, it ends the daemon
            self._bug = error
            self._bug_found.set()
        finally:
            self._running = False
            if self._looked_at is not None:
                self._looked_at.set()
                self._looked_at = None
        if self._has_more:
            self._arrived.set()

    @property
    def _has_more(self) -> bool:
        """Whether something waits for the next turn."""
        more = self._inputs or self._told or self._news or self._ready
        return bool(more or self._fanout.has_more) and self._bug is None

    def _handle_all(self) -> None:
        """Handle what must not wait, and all that follows from it."""
        while self._inputs:
            for effect in self._machine.handle(self._inputs.popleft(), self._now):
                RUN[type(effect)](self._effect_runner, effect)

    def _take_turn(self) -> None:
        """Handle what was committed first, here and elsewhere, then what was sent."""
        busy, done = self._environment.busy, 0
        began = busy()
        self._handle_all()
        while done < TURN_INPUTS_MAX and busy() - began < TURN_S:
            if self._told:
                told = self._told.popleft()
                if type(told.origin.draft) in ACTS:
                    tell_act(told)
                self._inputs.append(told)
                self._handle_all()
                done += 1
            elif self._news:
                self._inputs.append(self._news.popleft())
                self._handle_all()
                done += 1
            elif self._ready:
                done += self._serve(cast(Link, self._ready.take()))
            else:
                break

    def _serve(self, link: Link) -> int:
        """Handle some of a connection's messages.

        Returns:
            How many.
        """
        busy, done = self._environment.busy, 0
        began = busy()
        spent = 0.0
        inbox = link.inbox
        most = min(len(inbox), SERVED_MAX)
        while done < most and spent < SERVED_S:
            self._read(link, inbox[done])
            self._handle_all()
            done += 1
            spent = busy() - began
        use(link, spent, self._now.mono)
        self._ready.served(link, done, self._now.mono)
        return done

    def _read(self, link: Link, message: Message) -> None:
        """Make an input of a frame: a command, or the reason why it is none."""
        if isinstance(message, Closed):
            self._inputs.append(message)
            return
        sent: Sent
        try:
            sent = (
                message
                if isinstance(message, BadCommand)
                else link.outlet.dialect.decode(message)
            )
        except BadCommand as reject:
            self._metrics.refused(reject.code)
            sent = reject
        except Exception as error:  # noqa: BLE001 - it is about this connection alone
            link.outlet.bug(error)
            return
        self._inputs.append(Received(link.outlet.id, sent))

    async def _take_turns(self) -> None:
        """Handle what has come from all connections, together.

        The tasks that read from sockets only leave messages here; this task runs when
        all that could read at this moment have. So reading, deciding and sending each
        happen for many messages at a time, which costs half of what doing all three for
        each in turn would.
        """
        while True:
            await self._arrived.wait()
            self._arrived = trio.Event()
            self._run_inputs()

    async def _until(self, is_so: Callable[[], bool]) -> None:
        """Wait until something is so of the state, which changes in turns.

        Cancellation: safe.
        """
        while not is_so():
            if self._looked_at is None:
                self._looked_at = trio.Event()
            await self._looked_at.wait()

    async def _wait_bug(self) -> Exception:
        """Wait for a bug of the core. Cancellation: safe."""
        await self._bug_found.wait()
        assert self._bug is not None
        return self._bug

    async def _finish_work(self, committer: Committer) -> None:
        """Wait until all that has come is handled, committed and sent.

        Cancellation: safe.
        """
        while self._has_more or committer.depth:
            if self._has_more:
                await trio.lowlevel.checkpoint()
            else:
                await committer.wait_idle()

    async def _keep_time(self) -> None:
        """Tell the machine that a deadline has come.

        One parked task; `_run` moves its deadline.
        """
        while True:
            self._due = self._machine.next_deadline()
            at = math.inf if self._due is None else self._due
            with trio.CancelScope(deadline=at) as self._alarm:
                await trio.sleep_forever()
            self._happened(TimePassed())
