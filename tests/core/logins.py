"""Logging in as clients do, and what becomes of sessions, for tests of both."""

from __future__ import annotations

from typing import Any

from chatd.core import inputs
from chatd.core.applying.sessions import cut
from chatd.core.effects import Effect
from chatd.core.principal import Principal
from chatd.enums import AccountRole
from chatd.errors import Ending, RejectCode
from chatd.ids import SessionId, SessionTag, UserName, session_tag
from chatd.wire.kinds import Device, GuestName, Secret
from chatd.wire.sessions import Hello, Sessions, SessionShown
from tests.core.harness import Harness, Peer

BY_TOKEN = Hello(token=Secret("a.b.c"))


def log_in(harness: Harness, device: str | None = None, name: str = "ann") -> Peer:
    """A connection of an account, whose client calls itself something."""
    peer = harness.open()
    peer.hello(
        name=GuestName(name),
        password=Secret("right"),
        device=None if device is None else Device(device),
    )
    return peer


def session_of(peer: Peer) -> SessionId:
    """A connection's session."""
    session = peer.harness.chat.live.connections[peer.id].session
    assert session is not None
    return session


def secret_of(peer: Peer) -> Secret:
    """The secret of a connection's session."""
    return Secret(session_of(peer).decode())


def tag_of(peer: Peer) -> SessionTag:
    """What it is called."""
    return session_tag(session_of(peer))


def listed(peer: Peer, **fields: Any) -> dict[SessionTag, SessionShown]:
    """What `sessions` answers, by what they are called."""
    (page,) = peer.ask(Sessions(**fields))
    assert page.re == "sessions"
    return {entry.session: entry for entry in page.sessions}


def codes(frames: list[Any]) -> list[RejectCode]:
    """What was refused."""
    return [frame.code for frame in frames if frame.type == "error"]


def cut_off(harness: Harness, user: UserName, ending: Ending = Ending.REVOKED) -> None:
    """End all that a user has open."""
    perform(harness, cut(harness.chat, user, ending, harness.now))


def perform(harness: Harness, wanted: list[Effect]) -> None:
    """Perform what is wanted."""
    for effect in wanted:
        harness._perform(effect)


def found(harness: Harness, peer: Peer, name: UserName, **fields: Any) -> inputs.Input:
    """What the edge says of an outside issuer's token."""
    harness._secrets += 1
    word = f"secret {harness._secrets}"
    session = SessionId(word.encode())
    who = Principal(
        name, "Dan", AccountRole.USER, session, word, None, resumed=False, **fields
    )
    return inputs.Authenticated(peer.id, BY_TOKEN, who)


def verified(harness: Harness, peer: Peer, name: UserName, **fields: Any) -> None:
    """Say hello with an outside issuer's token, and have it verified."""
    peer.say(BY_TOKEN)
    harness.look_ups.clear()
    harness.handle(found(harness, peer, name, **fields))
