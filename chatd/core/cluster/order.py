"""In which order what other nodes have committed is applied: once, and without holes.

The bus may lose, double and reorder what nodes tell each other, and the log is read
more than once. So a node applies what it hears by these rules, which make of any order
the one of the commits, as far as that can be noticed:

* A group is applied once, by its place in its commit.
* One with an event of a room comes right behind the event before: it is held back as
  long as that is missing. One without comes when the room is as far as it was then.
* What has no seq goes by the stamps of commits, which say of two that changed the same
  which one was later: the earlier is nothing any more when it comes behind the later.
  That holds for what this node has committed itself, too.
* What depends on something that comes behind it comes once more behind that: who is
  gone for good is gone, whatever was before; what a member may do and wants to be
  called for is so, though his entrance is heard of later.

A room is known by its epoch: of the names some may be among what is held back. What is
remembered is forgotten after a minute or two; by then nothing comes any more.

Pure: neither the chat nor a clock is looked at.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Hashable, Iterable, Iterator
from typing import Generic, TypeVar

import attrs

from chatd.core import changes
from chatd.core.changes import Change, users_of
from chatd.core.cluster.commits import Group, leaves_none
from chatd.enums import MemberChange
from chatd.ids import Epoch, NodeId, Seq, SessionId, Stamp

HOLE_S = 0.02
"""How long what is missing may be on its way. Source: a commit is published some
milliseconds after the one before it in the same room at the latest."""
REMEMBERED_S = 60.0
"""How long is remembered at least what was applied."""

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Recent(Generic[K, V]):
    """A dictionary that forgets what was put into it one or two generations ago."""

    def __init__(self) -> None:
        self._young: dict[K, V] = {}
        self._old: dict[K, V] = {}

    def get(self, key: K) -> V | None:
        """What is remembered."""
        found = self._young.get(key)
        return found if found is not None else self._old.get(key)

    def put(self, key: K, value: V) -> None:
        """Remember something."""
        self._young[key] = value

    def age(self) -> None:
        """Begin another generation, and forget the one before the last."""
        self._old, self._young = self._young, {}


@attrs.frozen(order=True)
class _Held:
    """A group that waits for what comes before it."""

    seq: Seq
    is_silent: bool
    """Behind the event of its seq, and before the next."""
    stamp: Stamp
    index: int
    group: Group = attrs.field(order=False)


@attrs.define(eq=False)
class Order:
    """What was applied, and what waits for something that is missing."""

    _held: dict[Epoch, list[_Held]] = attrs.field(factory=dict)
    """In the order in which they are applied."""
    _applied: Recent[tuple[Stamp, int], bool] = attrs.field(factory=Recent)
    _latest: Recent[Hashable, Stamp] = attrs.field(factory=Recent)
    """When was committed what was applied last of what has no seq."""
    _behind: Recent[Hashable, tuple[Stamp, Change]] = attrs.field(factory=Recent)
    """What comes once more behind what was before it: the last of its kind."""
    _holders: Recent[SessionId, NodeId] = attrs.field(factory=Recent)
    """Who has taken a session."""
    _aged_at: float = 0.0

    def pass_time(self, now: float) -> None:
        """Forget what has been remembered for long enough."""
        if now - self._aged_at >= REMEMBERED_S:
            self._aged_at = now
            for memory in (self._applied, self._latest, self._behind, self._holders):
                memory.age()

    # --- once, and behind each other ------------------------------------------

    def admit(self, stamp: Stamp, index: int) -> bool:
        """Whether a group comes for the first time; from now on it does not."""
        if self._applied.get((stamp, index)):
            return False
        self._applied.put((stamp, index), value=True)
        return True

    def hold(self, epoch: Epoch, stamp: Stamp, index: int, group: Group) -> None:
        """Keep a group of a room until it fits."""
        held = _Held(group.seq, not group.is_event, stamp, index, group)
        insort(self._held.setdefault(epoch, []), held)

    def next(self, epoch: Epoch, head: Seq) -> tuple[Stamp, Group] | None:
        """Take what comes next in a room, if it is there.

        Args:
            epoch: The room's.
            head: How far it is; events up to there have been applied.
        """
        held = self._held.get(epoch)
        while held:
            first = held[0]
            if first.seq > head + (not first.is_silent):
                return None
            del held[0]
            if first.is_silent or first.seq > head:
                return first.stamp, first.group
        self._held.pop(epoch, None)
        return None

    def held(self) -> list[Epoch]:
        """The rooms of which something waits."""
        return list(self._held)

    def drop(self, epoch: Epoch) -> None:
        """Let go of what waits in a room that is not in memory."""
        self._held.pop(epoch, None)

    # --- what has no seq --------------------------------------------------------

    def sift(
        self, found: Iterable[Change], epoch: Epoch | None, stamp: Stamp
    ) -> tuple[Change, ...]:
        """Leave out of a commit's changes what later ones have overtaken.

        Args:
            found: The changes.
            epoch: Of the room that they are about.
            stamp: Of the commit.
        """
        return tuple(
            [change for change in found if self._is_latest(change, epoch, stamp)]
        )

    def _is_latest(self, change: Change, epoch: Epoch | None, stamp: Stamp) -> bool:
        for kept, again in _dependent(change, epoch):
            known = self._behind.get(kept)
            if known is None or known[0] < stamp:
                self._behind.put(kept, (stamp, again))
        key = _key_of(change, epoch)
        if key is None:
            return True
        if (self._latest.get(key) or 0) > stamp:
            # What a timeline tells of comes in its order.
            return isinstance(change, _OF_MEMBERS) and change.event is not None
        self._latest.put(key, stamp)
        if isinstance(change, changes.SessionTaken):
            self._holders.put(change.session, change.node)
        return True

    def behind(
        self, applied: Iterable[Change], epoch: Epoch | None, stamp: Stamp
    ) -> list[Change]:
        """What has been applied already, and comes once more behind what was before it.

        Args:
            applied: What was applied of a commit.
            epoch: Of the room that it is about.
            stamp: Of the commit.
        """
        again: dict[Hashable, Change] = {}
        for change in applied:
            for key in _keys_before(change, epoch):
                found = self._behind.get(key)
                if found is not None and found[0] > stamp:
                    again[key] = found[1]
        return list(again.values())

    def holder(self, session: SessionId) -> NodeId | None:
        """Which node has taken a session not long ago."""
        return self._holders.get(session)


def _dependent(
    change: Change, epoch: Epoch | None
) -> Iterator[tuple[Hashable, Change]]:
    """What is lost of a change if something from before it is applied behind it.

    Returns:
        By what it is known, and what restores it.
    """
    match change:
        case changes.UserErased():
            for user in users_of(change):
                yield ("gone", user), change
        case changes.LevelSet():
            yield ("level", epoch, change.user), change
        case changes.Moderated(event=event) if event.role is not None:
            restored = changes.MemberSet(event.room, event.user, event.role)
            yield ("role", epoch, event.user), restored
        case _ if leaves_none(change):
            (user,) = users_of(change)
            yield ("gone", user), changes.SessionsEnded((), user, left=True)


def _keys_before(change: Change, epoch: Epoch | None) -> Iterator[Hashable]:
    """By what is known what depends on a change."""
    for user in users_of(change):
        yield "gone", user
    if isinstance(change, changes.MemberSet) and change.role is not None:
        yield "level", epoch, change.user
        yield "role", epoch, change.user


def _key_of(change: Change, epoch: Epoch | None) -> Hashable:
    """What of the state a change sets as a whole; None: nothing, or not so."""
    match change:
        case changes.DisplaySet():
            return "display", change.user
        case changes.RoleSet():
            return "role", change.user
        case changes.BlockSet():
            return "block", change.user, change.blocked
        case changes.Banned() | changes.Unbanned():
            return "ban", change.user
        case changes.PlaceNamed():
            return ("place",)
        case changes.RoomDeclared():
            return "declared", change.room
        case changes.LevelSet():
            return "level", epoch, change.user
        case changes.BookmarkSet():
            return "bookmark", change.user, epoch, change.of
        case changes.FollowSet():
            return "follow", change.user, epoch, change.root
        case changes.ThreadRead():
            return "read", change.user, epoch, change.root
        case changes.MemberSet():
            return "member", epoch, change.user
        case changes.Moderated() if change.event.change in _REMOVALS:
            return "member", epoch, change.event.user
        case changes.SessionTaken():
            return "session", change.session
        case changes.RoomMade() | changes.RoomEnded():
            return "room", epoch
    return None


_OF_MEMBERS = changes.MemberSet, changes.Moderated
_REMOVALS = MemberChange.KICK, MemberChange.BAN
