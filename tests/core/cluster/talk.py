"""Ann and bob on two nodes, and what they say."""

from __future__ import annotations

from typing import Any

from chatd.config import Auth, Config, Limits, PermanentRoom, Presence, Rooms
from chatd.ids import RoomName
from chatd.wire.kinds import Text
from chatd.wire.timeline import Send
from tests.core.cluster.shared import Cluster
from tests.core.harness import LOBBY, Peer

TEAM, DEN = RoomName("team"), RoomName("den")
FREE = Config(
    auth=Auth(guest_hold_s=20.0),
    rooms=Rooms(permanent=(PermanentRoom(name=LOBBY),)),
    limits=Limits(messages_per_s=0),
    presence=Presence(grace_s=0.0),
)


def cluster_of(nodes: int = 2) -> tuple[Cluster, Peer, Peer]:
    """Ann on the first node and bob on the second, both in a room."""
    cluster = Cluster(FREE, nodes)
    ann = cluster.nodes[0].user("ann", TEAM)
    cluster.settle()
    bob = cluster.nodes[1].user("bob", TEAM)
    cluster.settle()
    ann.take()
    bob.take()
    return cluster, ann, bob


def say(peer: Peer, *texts: str, room: RoomName = TEAM) -> None:
    """Say something, and have it committed, of which others have not heard."""
    for text in texts:
        peer.say(Send(Text(text), room))
    peer.harness.commit()


def texts(frames: list[Any]) -> list[str]:
    """What was said."""
    return [frame.text for frame in frames if frame.type == "message"]
