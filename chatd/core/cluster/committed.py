"""What other nodes have committed: taken into the state as what this one has.

`chatd.core.cluster.order` says what comes when. Here it is applied, by the same
`chatd.core.applying` as all else, and what this node has committed itself waits for
what came before it in the same room (`LiveState.unapplied`): then everything behind it
waits, too, so that outcomes stay in the order of their drafts.

Of a room that is not in memory nothing is applied, for nobody here could be told. But
somebody who is here may just have been put there, or asked in: then it is read
(`chatd.core.loading`), and he is told. What happens in a room while it is read is held
back until it is there.
"""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from chatd.core import changes, conclusion, loading
from chatd.core.changes import Change, event_of, room_of, users_of
from chatd.core.cluster import again
from chatd.core.cluster.commits import Group
from chatd.core.commands.sessions import hello
from chatd.core.drafts import Committed, Duplicate
from chatd.core.entities import Room
from chatd.core.inputs import CaughtUp, Executed, Heard
from chatd.core.turn import Turn
from chatd.enums import MemberChange
from chatd.ids import Epoch, RoomName, Stamp, UserName

_OF_ANY_ROOM = changes.RoomMade, changes.RoomRenamed, changes.RoomEnded
"""What is applied though the room is not in memory."""


def heard(turn: Turn, happened: Heard) -> None:
    """Take what another node has committed, as far as it fits."""
    commit, order = happened.commit, turn.live.order
    order.pass_time(turn.now.mono)
    for index, group in commit.groups:
        if group.room is None:
            if order.admit(commit.stamp, index):
                _apply(turn, group, commit.stamp)
        elif turn.durable.room_by_epoch(group.room) is not None:
            if order.admit(commit.stamp, index):
                order.hold(group.room, commit.stamp, index, group)
        else:
            _of_absent(turn, group, commit.stamp, index)
    _go_on(turn)


def executed(turn: Turn, happened: Executed) -> None:
    """Take the outcome of a draft of this node behind what came before it."""
    turn.live.unapplied.append(happened)
    turn.live.order.pass_time(turn.now.mono)
    _go_on(turn)


def caught_up(turn: Turn, happened: CaughtUp) -> None:
    """Go on with what has waited until this node knew what others have committed."""
    loading.caught_up(turn)
    for connection, command in again.caught_up(turn, happened.number):
        hello.begin(turn, connection, command)


def rooms_read(turn: Turn) -> None:
    """Take what happened in rooms while they were read, and let go of the rest."""
    _go_on(turn)


# --- in order ---------------------------------------------------------------------


def _go_on(turn: Turn) -> None:
    """Apply whatever fits by now, of others and of this node."""
    live = turn.live
    is_over = False
    while not is_over:
        is_over = True
        for epoch in live.order.held():
            room = turn.durable.room_by_epoch(epoch)
            while room is not None and (found := live.order.next(epoch, room.head)):
                stamp, group = found
                _apply(turn, group, stamp)
                if group.is_event and not group.is_whole:
                    turn.durable.pass_by(room, group.seq)
                room = turn.durable.room_by_epoch(epoch)
        if live.unapplied and not _follows_hole(turn, live.unapplied[0]):
            _conclude(turn, live.unapplied.popleft())
            is_over = False
    if not live.loads.rooms:
        for epoch in live.order.held():
            if turn.durable.room_by_epoch(epoch) is None:
                live.order.drop(epoch)
    again.note_hole(turn)


def _follows_hole(turn: Turn, happened: Executed) -> bool:
    """Whether something came before an own event that is not here yet."""
    for change in _changes_of(happened):
        event = event_of(change)
        if event is not None:
            room = _room_of(turn, happened, event.room)
            return room is not None and event.seq > room.head + 1
    return False


def _room_of(turn: Turn, happened: Executed, name: RoomName) -> Room | None:
    """The room of an own event, which may give it the name that it tells."""
    room = turn.durable.room(name)
    if room is None:
        room = turn.durable.room(getattr(happened.origin.draft, "room", name))
    return room


def _conclude(turn: Turn, happened: Executed) -> None:
    found = _changes_of(happened)
    if not found:
        conclusion.take(turn, happened)
        return
    stamp = happened.stamp or Stamp(0)
    name = next(filter(None, map(room_of, found)), None)
    room = turn.durable.room(name) if name is not None else None
    epoch = room.epoch if room is not None else None
    rest = turn.live.order.sift(found, epoch, stamp)
    if len(rest) < len(found):
        outcome = happened.outcome
        assert isinstance(outcome, Committed | Duplicate)
        happened = attrs.evolve(happened, outcome=attrs.evolve(outcome, changes=rest))
    conclusion.take(turn, happened)
    _apply_behind(turn, rest, epoch, stamp)


def _changes_of(happened: Executed) -> tuple[Change, ...]:
    outcome = happened.outcome
    return outcome.changes if isinstance(outcome, Committed | Duplicate) else ()


def _apply(turn: Turn, group: Group, stamp: Stamp) -> None:
    """Apply what is not overtaken; what it makes due is another node's to do."""
    untrimmed = turn.live.untrimmed
    before = len(untrimmed)
    rest = turn.live.order.sift(group.changes, group.room, stamp)
    for change in rest:
        turn.apply(change)
        if isinstance(change, changes.SettingsSet) and len(untrimmed) > before:
            untrimmed.pop(change.event.room)
    _apply_behind(turn, rest, group.room, stamp)


def _apply_behind(
    turn: Turn, applied: Iterable[Change], epoch: Epoch | None, stamp: Stamp
) -> None:
    for change in turn.live.order.behind(applied, epoch, stamp):
        turn.apply(change)


# --- rooms that are not in memory -------------------------------------------------


def _of_absent(turn: Turn, group: Group, stamp: Stamp, index: int) -> None:
    """Take what has happened in a room that is not in memory, or is being read."""
    live, order = turn.live, turn.live.order
    if any(isinstance(change, _OF_ANY_ROOM) for change in group.changes):
        if order.admit(stamp, index):
            _apply(turn, _without_needless(turn, group), stamp)
        return
    if live.loads.rooms:
        assert group.room is not None
        if order.admit(stamp, index):
            order.hold(group.room, stamp, index, group)
    # Who is read with the names of his rooms is read once more.
    for change in group.changes:
        if not isinstance(change, changes.Appended):
            live.loads.note_overtaken(users_of(change))
            _seek(turn, change)


def _without_needless(turn: Turn, group: Group) -> Group:
    """The same, but for a new room in which nobody is who is here."""
    live, durable = turn.live, turn.durable
    kept = []
    for change in group.changes:
        if isinstance(change, changes.RoomMade):
            known = [durable.users.get(name) for name in change.members]
            if not any(user is not None and user.whole for user in known):
                durable.set_maker(change.room, change.maker)
                live.loads.note_overtaken(change.members, live.loads.rooms)
                continue
        kept.append(change)
    return attrs.evolve(group, changes=tuple(kept))


def _seek(turn: Turn, change: Change) -> None:
    """Have a room read in which somebody is who is here, and who is told of it."""
    user = _entrant(change)
    name = room_of(change)
    here = turn.durable.users.get(user) if user is not None else None
    if here is not None and here.whole and name is not None:
        loading.seek_rooms(turn, [name])


def _entrant(change: Change) -> UserName | None:
    """Who has come into a room by a change, or was asked in.

    Of a new room there is nothing to be read: its change says all of it.
    """
    match change:
        case changes.MemberSet() if change.role is not None:
            return change.user
        case changes.Moderated() if change.event.change == MemberChange.INVITE:
            return change.event.user
    return None
