"""A way from a test to a server, in which what goes or what comes can be held back.

It listens on a Unix socket and hands on what comes, both ways. What is held back waits,
as behind a router that drops packets: neither side learns of it. For daemons there is
a real network: `tests.cluster.network`.
"""

from __future__ import annotations

from pathlib import Path

import attrs
import trio

CHUNK_BYTES = 65_536


@attrs.define(eq=False)
class Relay:
    """One way.

    Args:
        here: The socket that it listens on.
        there: The one that it leads to.
    """

    here: Path
    there: Path
    _goes: trio.Event = attrs.field(factory=trio.Event)
    _answers: trio.Event = attrs.field(factory=trio.Event)

    def __attrs_post_init__(self) -> None:
        """Let everything through at first."""
        self.release()

    def hold(self, *, there: bool = True, back: bool = True) -> None:
        """Hold back what goes there, what comes back, or both."""
        if there:
            self._goes = trio.Event()
        if back:
            self._answers = trio.Event()

    def release(self) -> None:
        """Let through what was held back, and all that comes."""
        self._goes.set()
        self._answers.set()

    async def run(
        self, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
    ) -> None:
        """Hand on until cancelled. Cancellation: safe."""
        listening = trio.socket.socket(trio.socket.AF_UNIX)
        with listening:
            await listening.bind(str(self.here))
            self.here.chmod(0o777)
            listening.listen(128)
            task_status.started()
            async with trio.open_nursery() as nursery:
                while True:
                    socket, _ = await listening.accept()
                    nursery.start_soon(self._serve, trio.SocketStream(socket))

    async def _serve(self, near: trio.SocketStream) -> None:
        far = await trio.open_unix_socket(str(self.there))
        async with near, far, trio.open_nursery() as nursery:
            nursery.start_soon(self._hand_on, near, far, True, nursery)
            nursery.start_soon(self._hand_on, far, near, False, nursery)

    async def _hand_on(
        self,
        source: trio.SocketStream,
        sink: trio.SocketStream,
        is_there: bool,
        nursery: trio.Nursery,
    ) -> None:
        try:
            while data := await source.receive_some(CHUNK_BYTES):
                await (self._goes if is_there else self._answers).wait()
                await sink.send_all(data)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass  # one side has gone, so the other one goes, too
        nursery.cancel_scope.cancel()
