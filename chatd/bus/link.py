"""One connection to the server, for as long as it lasts.

What is due is asked for when it can be sent, so all that has gathered meanwhile goes in
one call of the kernel. Only I/O ends a link; whatever a message does to whoever gets it
comes out of `run` as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import hiredis
import trio

from chatd.bus.dialing import ASK, NOTHING, RECEIVE_BYTES, Away, Dialed, judge, why
from chatd.bus.refusals import meaning

ALIVE_S = 1.0
"""After so long the server is asked for a sign of life, and after as much more without
one it is gone."""

_BROKEN = (OSError, trio.BrokenResourceError, trio.ClosedResourceError)


@attrs.define(eq=False)
class Link:
    """Sends what is due and hands out what comes.

    Args:
        dialed: The connection.
        take: Says what is to be sent, and believes it sent.
        got: Takes a reply, or what came unasked; not those to `HELLO`. It may raise
            `Away`, which ends the link.
        alive: Called for each sign of life, when all that came before it is handed out.
    """

    _dialed: Dialed
    _take: Callable[[], bytes]
    _got: Callable[[Any], None]
    _alive: Callable[[], None]
    _is_due: trio.Event = attrs.field(factory=trio.Event)
    _asks: bool = False
    _has_heard: bool = False
    _end: str | None = None
    _scope: trio.CancelScope = attrs.field(factory=trio.CancelScope)

    def wake(self) -> None:
        """Something is due."""
        self._is_due.set()

    async def run(self) -> str:
        """Serve the connection, then close it.

        Returns:
            Why it ended, as the end of "the bus ...".

        Cancellation: safe; the connection is closed.
        """
        try:
            with self._scope:
                async with trio.open_nursery() as nursery:
                    for task in (self._receive, self._send, self._look):
                        nursery.start_soon(task)
        finally:
            await trio.aclose_forcefully(self._dialed.stream)
        assert self._end is not None
        return self._end

    def _ends(self, reason: str) -> None:
        if self._end is None:
            self._end = reason
        self._scope.cancel()

    async def _receive(self) -> None:
        stream, feed = self._dialed.stream, self._dialed.reader.feed
        try:
            self._hand_out()  # what came behind the greeting
            while True:
                try:
                    data = await stream.receive_some(RECEIVE_BYTES)
                except _BROKEN as error:
                    raise Away(why(error)) from error
                if not data:
                    raise Away("has closed the connection")
                self._has_heard = True
                feed(bytes(data))
                self._hand_out()
        except Away as away:
            self._ends(str(away))

    def _hand_out(self) -> None:
        gets, got = self._dialed.reader.gets, self._got
        while True:
            try:
                reply = gets()
            except hiredis.ProtocolError as error:
                raise Away("answers what no server of Valkey does") from error
            if reply is NOTHING:
                return
            kind = type(reply)
            if kind is dict:
                judge(reply)
                self._alive()
            elif kind is hiredis.ReplyError:
                raise Away(meaning(str(reply)))
            else:
                got(reply)

    async def _send(self) -> None:
        send_all = self._dialed.stream.send_all
        while True:
            await self._is_due.wait()
            self._is_due = trio.Event()
            data = self._take()
            if self._asks:
                self._asks = False
                data += ASK
            if not data:
                continue
            try:
                await send_all(data)
            except _BROKEN as error:
                self._ends(why(error))
                return

    async def _look(self) -> None:
        """See to it that the server is there."""
        while True:
            self._has_heard, self._asks = False, True
            self.wake()
            await trio.sleep(ALIVE_S)
            if not self._has_heard:
                # Where it was this process that stood still, the answer is here.
                await trio.lowlevel.checkpoint()
            if not self._has_heard:
                self._ends(f"has been silent for {ALIVE_S:g} s")
                return
