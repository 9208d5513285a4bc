"""A room of three, as most tests of what is done in one want it."""

from __future__ import annotations

from typing import Any

import attrs

from chatd.config import Config
from chatd.config.limits import Limits
from chatd.enums import Role
from chatd.ids import RoomName
from chatd.wire.moderation import SetRole
from tests.core.harness import BOB, Harness, Peer

TEAM = RoomName("team")
FREE = Config(limits=Limits(messages_per_s=0))


@attrs.define
class Scene:
    """ann owns the team; bob is in it, and cy may be."""

    harness: Harness
    ann: Peer
    bob: Peer
    cy: Peer


def scene(config: Config = FREE, role: str = "", *, cy: bool = True) -> Scene:
    """Three people, nothing to take; bob has a role."""
    harness = Harness(config)
    ann, bob = harness.user("ann", TEAM), harness.user("bob", TEAM)
    third = harness.user("cy", *[TEAM] if cy else [])
    if role:
        ann.ask(SetRole(TEAM, BOB, Role(role)))
    harness.take_all()
    return Scene(harness, ann, bob, third)


def codes(frames: list[Any]) -> list[Any]:
    """The code of each error, or `ok`."""
    replies = [frame for frame in frames if hasattr(frame, "re")]
    return [getattr(reply, "code", "ok") for reply in replies]


def kinds(frames: list[Any]) -> list[str]:
    """What came, shortly: a change for an event of a member."""
    return [getattr(frame, "change", None) or frame.type for frame in frames]
