"""Two people who talk with the client in the box, whatever happens to the daemon."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import attrs
import trio

from chatd.client import Client, Credential, open_client
from tests.live.daemon import PATIENCE_S


@attrs.define(eq=False)
class Talk:
    """Somebody who writes, and somebody who reads, until told to stop."""

    sent: int = 0
    heard: list[str] = attrs.field(factory=list)
    seqs: list[int] = attrs.field(factory=list)
    comebacks: int = -1
    """How often the reader was welcomed again."""
    is_over: bool = False
    _turned: trio.lowlevel.ParkingLot = attrs.field(factory=trio.lowlevel.ParkingLot)

    async def write(self, ann: Client) -> None:
        """Send a number, wait until it is on disk, and send the next one."""
        while not self.is_over:
            await ann.send("lobby", str(self.sent))
            self.sent += 1

    async def read(self, bob: Client) -> None:
        """Take what comes."""
        async for event in bob:
            if event["type"] == "welcome":
                self.comebacks += 1
            assert event["type"] != "gap", event
            assert event.get("recovered") is not False, event
            if event["type"] == "message":
                self.heard.append(event["text"])
                self.seqs.append(event["seq"])
                self._turned.unpark_all()

    async def more(self, count: int) -> None:
        """Wait until so many more were heard."""
        aim = len(self.heard) + count
        with trio.fail_after(PATIENCE_S):
            while len(self.heard) < aim:
                await self._turned.park()

    def verify(self) -> None:
        """Nothing is missing, nothing is there twice, all is in order."""
        assert self.heard == [str(number) for number in range(len(self.heard))]
        first = self.seqs[0]
        assert self.seqs == list(range(first, first + len(self.seqs)))


async def _overhear(ann: Client) -> None:
    """Take what comes: a client that is not heard out stops reading."""
    async for _ in ann:
        pass


@asynccontextmanager
async def talking(
    url: str,
    ann_is: Credential | None = None,
    bob_is: Credential | None = None,
    *,
    bob_at: str | None = None,
) -> AsyncIterator[Talk]:
    """Have two talk for a block, with clients that come back; then it is looked at.

    Args:
        url: Where the daemon is.
        ann_is: Who writes.
        bob_is: Who reads.
        bob_at: Where he reads, if it is another place.
    """
    talk, there = Talk(), bob_at or url
    async with open_client(url, ann_is) as ann, open_client(there, bob_is) as bob:
        await bob.join("lobby")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(talk.read, bob)
            nursery.start_soon(_overhear, ann)
            async with trio.open_nursery() as writing:
                await ann.join("lobby")
                writing.start_soon(talk.write, ann)
                await talk.more(20)
                yield talk
                await talk.more(20)
                talk.is_over = True
            with trio.fail_after(PATIENCE_S):
                while len(talk.heard) < talk.sent:
                    await talk.more(1)
            nursery.cancel_scope.cancel()
    talk.verify()
