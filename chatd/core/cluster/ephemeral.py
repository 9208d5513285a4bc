"""What other nodes tell on the bus that is not durable: each kind, and who takes it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chatd.core.cluster import presence
from chatd.core.cluster.messages import (
    AnnouncementTold,
    DisconnectTold,
    Message,
    PresenceAsked,
    PresenceTold,
    ReadTold,
    TypingTold,
)
from chatd.core.commands import ephemeral, operator
from chatd.core.inputs import Told
from chatd.core.turn import Turn
from chatd.ids import NodeId


def told(turn: Turn, happened: Told) -> None:
    """Take a message of another node, if that is there.

    One of a node that has gone, which was on its way, is nothing; so is one of a node
    that was not seen yet: it is asked when it is.
    """
    if happened.node in turn.live.nodes:
        _TAKE[type(happened.message)](turn, happened.node, happened.message)


def _asked(turn: Turn, _node: NodeId, message: PresenceAsked) -> None:
    presence.asked(turn, message)


def _typing(turn: Turn, _node: NodeId, message: TypingTold) -> None:
    ephemeral.typing_told(turn, message)


def _read(turn: Turn, _node: NodeId, message: ReadTold) -> None:
    ephemeral.read_told(turn, message)


def _announced(turn: Turn, _node: NodeId, message: AnnouncementTold) -> None:
    operator.announcement_told(turn, message)


def _disconnected(turn: Turn, _node: NodeId, message: DisconnectTold) -> None:
    operator.disconnect_told(turn, message)


_TAKE: dict[type[Message], Callable[[Turn, NodeId, Any], None]] = {
    PresenceTold: presence.told,
    PresenceAsked: _asked,
    TypingTold: _typing,
    ReadTold: _read,
    AnnouncementTold: _announced,
    DisconnectTold: _disconnected,
}
