"""Carrying out effects: they become frames, drafts and look-ups.

One short `def` for each type of effect, found in `RUN`. None of it waits: frames are
gathered in the fan-out, drafts queued with the committer, look-ups started as tasks.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

import attrs
import trio

from chatd.core import effects
from chatd.core.effects import Effect
from chatd.core.inputs import Executed, Input
from chatd.core.machine import Machine
from chatd.hub.committer import Committer, unavailable
from chatd.hub.fanout import Fanout
from chatd.hub.lookups import Lookups
from chatd.observe import Metrics
from chatd.ports import Entry, EntryKind
from chatd.wire.events import CaughtUp, Presence
from chatd.wire.replies import Welcome


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

    def _answer(self, effect: effects.Answer) -> None:
        link = self.fanout.links.get(effect.connection)
        if link is None:
            return
        reply = effect.reply
        if type(reply) is Welcome:
            link.user = reply.user
        if reply is not None:
            data = link.outlet.dialect.encode(reply)
            link.cork.append(Entry(None, 0, 0, EntryKind.REPLY, data))
        link.answers += 1
        self.fanout.touch(link)

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
            refused = unavailable("the store does not answer at this moment")
            self.inputs.append(Executed(effect.origin, refused))
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

    def _end_setup(self, _effect: effects.EndSetup) -> None:
        self.set_up.set()

    def _charge(self, effect: effects.Charge) -> None:
        link = self.fanout.links.get(effect.connection)
        if link is not None:
            link.outlet.charge(effect.cost)


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
    effects.EndSetup: EffectRunner._end_setup,
    effects.Replay: EffectRunner._replay,
    effects.Charge: EffectRunner._charge,
    effects.Finish: EffectRunner._finish,
}
"""The method for each type of effect; a table that the engine reads costs no call."""
