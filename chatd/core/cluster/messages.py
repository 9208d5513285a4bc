"""What nodes tell each other of what is not durable: presence, typing, read marks.

It travels without the store, on the streams of rooms or on that of everybody; what is
lost of presence is asked for (`chatd.core.cluster.presence`), what is lost of the rest
is over soon. Rooms are named by their epochs, since names change.
"""

from __future__ import annotations

import attrs

from chatd.ids import Epoch, NodeId, Seq, UserName


@attrs.frozen
class Person:
    """Somebody who is there, as his node shows him.

    Without regard to mutes: those each node knows by itself.
    """

    name: UserName
    display: str | None = None
    """Left out where it is the name itself."""
    away: bool = False
    text: str | None = None


@attrs.frozen
class PresenceTold:
    """Who has come, changed or gone in a room on a node since it told so last; or all.

    One for each room and tick in which something has changed; several where these are
    more people than a message has.
    """

    room: Epoch
    number: int
    """Higher with each that the node tells of this room, by one or more."""
    before: int | None
    """The number of the last one; None: `people` are all who are there."""
    people: tuple[Person, ...] = ()
    gone: tuple[UserName, ...] = ()
    more: bool = False
    """Whether the rest of all who are there comes with the next one."""


@attrs.frozen
class PresenceAsked:
    """Somebody wants to be told anew who is there."""

    room: Epoch | None = None
    """In this room; None: in each that is in memory."""
    of: NodeId | None = None
    """On this node; None: on all."""


@attrs.frozen
class TypingTold:
    """Somebody is writing, or no longer."""

    room: Epoch
    user: UserName
    on: bool


@attrs.frozen
class ReadTold:
    """A member's read mark, which his node writes, is there now."""

    room: Epoch
    user: UserName
    seq: Seq
    back: bool = False
    """Whether he has said so himself, be it further back; see protocol section 5."""


@attrs.frozen
class AnnouncementTold:
    """The operator tells something, to be told to everybody, or to who is in a room."""

    text: str
    room: Epoch | None = None


@attrs.frozen
class DisconnectTold:
    """The operator has all connections of a user ended."""

    user: UserName


Message = (
    PresenceTold
    | PresenceAsked
    | TypingTold
    | ReadTold
    | AnnouncementTold
    | DisconnectTold
)
"""Anything that is told."""
