from __future__ import annotations

from chatd.errors import Ending
from tests.net.echo import EchoHost, closing, connected, masked, text

CLOSED = (8, b"\x03\xe8")


async def test_an_echo_in_both_lanes_in_order() -> None:
    """Fast and slow messages are answered in the order in which they came."""
    host = EchoHost()
    async with connected(host) as peer:
        await peer.send(
            text("one")
            + masked(0x01, b"t")
            + masked(0x89, b"?")
            + masked(0x80, b"wo")
            + text("three")
            + masked(0x82, b"\xff")
            + text("five")
            + closing()
        )
        await peer.rest()
    assert peer.frames() == [
        (1, b"one"),
        (10, b"?"),
        (1, b"two"),
        (1, b"three"),
        (2, b"\xff"),
        (1, b"five"),
        CLOSED,
    ]
    assert host.bugs == []
    assert host.ending is Ending.PEER_CLOSED
