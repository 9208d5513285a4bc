"""Carrying out effects: they become frames, drafts and look-ups.

One short `def` for each type of effect, found in `RUN`. None of it waits: frames are
gathered in the fan-out, drafts queued with the committer, look-ups started as tasks.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import attrs
import trio

from chatd.core import effects
from chatd.core.drafts import Refused
from chatd.core.effects import Effect
from chatd.core.inputs import Executed, Input, Seen
from chatd.core.machine import Machine
from chatd.core.observations import Observed, ServerFacts
from chatd.errors import Reject, RejectCode
from chatd.hub.acts import ACTS, tell_act
from chatd.hub.committer import Committer
from chatd.hub.fanout import Fanout, Link
from chatd.hub.lookups import Lookups
from chatd.hub.ready import used_s
from chatd.observe import Metrics, log
from chatd.ports import Entry, EntryKind
from chatd.wire.events import CaughtUp, Presence
from chatd.wire.operator import Drain, SetLogLevel
from chatd.wire.replies import Joined, Refusal, Welcome

if TYPE_CHECKING:
    from chatd.hub.cluster import Cluster


@attrs.define(eq=False)
class EffectRunner:
    """Carries out the machine's effects, by what it needs for that."""

    machine: Machine
    fanout: Fanout
    committer: Committer
    lookups: Lookups
    metrics: Metrics
    inputs: deque[Input]
    """Where an input goes that an effect makes at once."""
    spawn: Callable[..., object]
    """Starts a task beside the hub."""
    set_up: trio.Event
    """Set when there is an administrator, where the first one was waited for."""
    observe: Callable[[], ServerFacts | Reject]
    """Looks at the daemon."""
    steer: Callable[[Drain | SetLogLevel], None]
    """Has the process do what the operator asks of it."""
    reload: Callable[[effects.Reload], Awaitable[None]]
    """Puts what is configured into force, and hands in what became of it."""
    cluster: Cluster | None = None
    """The other nodes, if there may be any."""

    def _answer(self, effect: effects.Answer) -> None:
        link = self.fanout.links.get(effect.connection)
        if link is None:
            return
        reply = effect.reply
        if type(reply) in NOTED:
            self._note(link, reply)
        if reply is not None:
            data = link.outlet.dialect.encode(reply)
            link.cork.append(Entry(None, 0, 0, EntryKind.REPLY, data))
        link.answers += 1
        self.fanout.touch(link)

    def _note(self, link: Link, reply: object) -> None:
        """Log and count what a reply tells the operator, too."""
        match reply:
            case Welcome():
                link.user = reply.user
                self.metrics.logins[link.way or "resume"] += 1
                _tell_login(link, reply)
            case Joined() if reply.recovered is not None:
                result = "recovered" if reply.recovered else "incomplete"
                self.metrics.resumes[result] += 1
            case Refusal():
                self.metrics.errors[reply.code] += 1
                if reply.code == RejectCode.RATE_LIMITED:
                    self.metrics.rate_limited[str(reply.re)] += 1

    def _tell(self, effect: effects.Tell) -> None:
        frame, room, kind = effect.frame, None, EntryKind.REPLY
        if effect.ephemeral:
            room, kind = getattr(frame, "room", None), EntryKind.EPHEMERAL
        elif isinstance(frame, CaughtUp):
            # It goes where its replay goes: nowhere, once another join is answered.
            room, kind = frame.room, EntryKind.REPLAY
        self.fanout.tell(effect.connections, frame, room, kind)

    def _deliver(self, effect: effects.Deliver) -> None:
        self.metrics.events += 1
        self.fanout.deliver(effect.event)

    def _deliver_hidden(self, effect: effects.DeliverHidden) -> None:
        self.metrics.events += 1
        self.fanout.deliver_hidden(effect.event, effect.hidden, effect.blocker)

    def _spread(self, effect: effects.Spread) -> None:
        frame = effect.frame
        instead = None
        if isinstance(frame, Presence) and self.fanout.ephemeral_dropped(frame.room):
            instead = self.machine.missed_presence(frame.room)
        self.fanout.spread(frame, effect.besides, instead)

    def _subscribe(self, effect: effects.Subscribe) -> None:
        self.fanout.subscribe(effect.connection, effect.room)

    def _unsubscribe(self, effect: effects.Unsubscribe) -> None:
        self.fanout.unsubscribe(effect.connection, effect.room, drop=effect.drop)

    def _rename(self, effect: effects.Rename) -> None:
        self.fanout.rename(effect.room, effect.name, effect.connections)

    def _append(self, effect: effects.Append) -> None:
        if self.committer.stalled and effect.origin.connection is not None:
            refused = Refused.for_now("the store does not answer at this moment")
            executed = Executed(effect.origin, refused)
            if type(effect.origin.draft) in ACTS:
                tell_act(executed)
            self.inputs.append(executed)
        else:
            self.committer.append(effect.origin)

    def _verify(self, effect: effects.Authenticate | effects.CheckSecret) -> None:
        self.spawn(self.lookups.verify, effect)

    def _query(self, effect: effects.Query[Any, Any]) -> None:
        self.spawn(self.lookups.query, effect)

    def _fetch(self, effect: effects.Fetch) -> None:
        self.spawn(self.lookups.fetch, effect)

    def _replay(self, effect: effects.Replay) -> None:
        link = self.fanout.links.get(effect.connection)
        if link is None:
            return
        link.replays[effect.room] = effect
        if not link.replaying:
            link.replaying = True
            self.spawn(self.lookups.replay, link)

    def _finish(self, effect: effects.Finish) -> None:
        link = self.fanout.links.get(effect.connection)
        if link is not None:
            if link.ending is None:
                link.ending, link.after_s = effect.ending, effect.after_s
            self.fanout.touch(link)

    def _observe(self, effect: effects.Observe) -> None:
        found: Observed
        if effect.connections is None:
            found = self.observe()
        else:
            known = self.fanout.links
            links = [known[one] for one in effect.connections if one in known]
            if effect.busiest:
                now = trio.current_time()
                links = heapq.nlargest(
                    effect.busiest, links, lambda link: used_s(link, now)
                )
            found = {link.outlet.id: link.outlet.traffic() for link in links}
        self.inputs.append(Seen(effect.connection, effect.command, found))

    def _reload(self, effect: effects.Reload) -> None:
        self.spawn(self.reload, effect)

    def _steer(self, effect: effects.Steer) -> None:
        self.steer(effect.command)

    def _end_setup(self, _effect: effects.EndSetup) -> None:
        self.set_up.set()

    def _catch_up(self, effect: effects.CatchUp) -> None:
        assert self.cluster is not None, "what one node has decided is never too old"
        self.cluster.catch_up(effect.number)

    def _publish(self, effect: effects.Publish) -> None:
        assert self.cluster is not None, "where there is one node nobody is told"
        self.cluster.tell(effect.stream, effect.message)

    def _charge(self, effect: effects.Charge) -> None:
        link = self.fanout.links.get(effect.connection)
        if link is not None:
            link.outlet.charge(effect.cost)


def _tell_login(link: Link, welcome: Welcome) -> None:
    """Log a new session; to go on with one is no news."""
    if link.way is not None:
        log().info(
            "login",
            address=link.outlet.address,
            user=welcome.user,
            way=link.way,
            role=welcome.role,
            connection=link.outlet.id,
        )


NOTED = frozenset({Welcome, Joined, Refusal})
"""Replies of which the operator is told something, too."""

RUN: dict[type[Effect], Callable[[EffectRunner, Any], None]] = {
    effects.Answer: EffectRunner._answer,
    effects.Tell: EffectRunner._tell,
    effects.Deliver: EffectRunner._deliver,
    effects.DeliverHidden: EffectRunner._deliver_hidden,
    effects.Spread: EffectRunner._spread,
    effects.Subscribe: EffectRunner._subscribe,
    effects.Unsubscribe: EffectRunner._unsubscribe,
    effects.Rename: EffectRunner._rename,
    effects.Append: EffectRunner._append,
    effects.Authenticate: EffectRunner._verify,
    effects.CheckSecret: EffectRunner._verify,
    effects.Query: EffectRunner._query,
    effects.Fetch: EffectRunner._fetch,
    effects.Observe: EffectRunner._observe,
    effects.Steer: EffectRunner._steer,
    effects.Reload: EffectRunner._reload,
    effects.EndSetup: EffectRunner._end_setup,
    effects.Replay: EffectRunner._replay,
    effects.Charge: EffectRunner._charge,
    effects.CatchUp: EffectRunner._catch_up,
    effects.Publish: EffectRunner._publish,
    effects.Finish: EffectRunner._finish,
}
"""The method for each type of effect; a table that the engine reads costs no call."""
