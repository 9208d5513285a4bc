"""The client in the box against a real daemon, over a line that is cut at the worst
moment: the command is done, and its reply is lost.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random

import attrs
import trio

from chatd.client import Client, Credential, Frame, open_client
from tests.live.daemon import PATIENCE_S, Daemon, person, running
from tests.live.test_conversation import add_account
from tests.live.test_moderation import PASSWORD, act, log_in


@attrs.define(eq=False)
class Line:
    """A relay to a daemon that ends a connection instead of passing a reply on."""

    _daemon: Daemon
    url: str = ""
    replies: list[bytes] = attrs.field(factory=list)
    """What the daemon says that nobody is told; each ends one connection."""

    async def relay(self, near: trio.SocketStream) -> None:
        """Pass on what comes in both directions, until either end is gone."""
        far = await trio.open_tcp_stream("127.0.0.1", self._daemon.port)
        async with near, far, trio.open_nursery() as nursery:
            nursery.start_soon(self._pass, near, far, nursery.cancel_scope)
            nursery.start_soon(self._pass, far, near, nursery.cancel_scope)

    async def _pass(
        self, one: trio.SocketStream, other: trio.SocketStream, talk: trio.CancelScope
    ) -> None:
        said = b""
        try:
            async for part in one:
                said += part
                if self.replies and self.replies[0] in said:
                    del self.replies[0]
                    break
                await other.send_all(part)
        except trio.BrokenResourceError:
            pass  # the other direction ends both
        finally:
            talk.cancel()


@asynccontextmanager
async def lossy(daemon: Daemon, name: str) -> AsyncIterator[tuple[Client, Line]]:
    """Have somebody talk to a daemon for a block, over a line of his own."""
    line = Line(daemon)
    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    port = listener.socket.getsockname()[1]
    line.url = f"ws://127.0.0.1:{port}/ws"
    async with trio.open_nursery() as nursery:
        await nursery.start(trio.serve_listeners, line.relay, [listener])
        who = Credential(name, PASSWORD)
        async with open_client(line.url, who, Random(1)) as client:
            yield client, line
        nursery.cancel_scope.cancel()


async def lose(client: Client, line: Line, command: Frame) -> Frame:
    """Have a command done whose reply is lost; return what is answered in the end."""
    line.replies.append(f'"re":"{command["type"]}"'.encode())
    with trio.fail_after(PATIENCE_S):
        reply = await client.request(command)
    assert line.replies == [], "nothing was lost"
    return reply


async def test_what_changes_rooms_is_done_once_though_its_reply_is_lost(
    tmp_path: Path,
) -> None:
    """One room is made, one member is removed; the client is told that it was so."""
    data = tmp_path / "data"
    for name in ("ann", "bob"):
        add_account(data, name, PASSWORD)
    async with (
        running(data) as daemon,
        person(daemon.url) as bob,
        lossy(daemon, "ann") as (ann, line),
    ):
        made = await lose(ann, line, {"type": "create", "private": True})
        assert made["dup"]
        room = made["room"]
        topic = await lose(ann, line, {"type": "room", "room": room, "topic": "tea"})
        invite = {"type": "invite", "room": room, "user": "bob"}
        invited = await lose(ann, line, invite)
        await log_in(bob, "bob")
        await act(bob, "join", room=room)
        kick = {"type": "kick", "room": room, "user": "bob"}
        kicked = await lose(ann, line, kick)
        assert [reply["dup"] for reply in (topic, invited, kicked)] == [True] * 3
        assert await rooms_of_ann(daemon) == [(room, kicked["seq"])]


async def rooms_of_ann(daemon: Daemon) -> list[tuple[str, int]]:
    """The rooms that she is in, and the number of the last event in each."""
    async with person(daemon.url) as ann:
        welcome = await log_in(ann, "ann")
        return [(room["room"], room["seq"]) for room in welcome["rooms"]]
