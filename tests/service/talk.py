"""Talk with a service until standard input ends: `python -m tests.service.talk PORT`.

It says `talking` when people talk. Meanwhile somebody asks for something, again and
again. In the end it prints how many messages were heard, how often the reader came
back, and how many questions were answered. It fails if a message is missing, doubled or
out of order, or if a connection was refused.
"""

from __future__ import annotations

import sys

import trio

from chatd.client import Credential
from tests.live.talk import talking

PASSWORD = "correct horse"


async def main(port: int) -> None:
    """Talk, and let others in, until standard input ends."""
    answered = 0

    async def keep_asking() -> None:
        nonlocal answered
        while True:
            async with await trio.open_tcp_stream("127.0.0.1", port) as stream:
                await stream.send_all(b"GET /healthz HTTP/1.0\r\n\r\n")
                answer = b"".join([part async for part in stream])
            assert b" 200 " in answer, answer
            answered += 1
            # A port of this side rests for a while after each.
            await trio.sleep(0.02)

    who = (Credential(name, PASSWORD) for name in ("ann", "bob"))
    async with trio.open_nursery() as nursery:
        async with talking(f"ws://127.0.0.1:{port}/ws", *who) as talk:
            nursery.start_soon(keep_asking)
            print("talking", flush=True)  # noqa: T201 - it is asked for
            await trio.to_thread.run_sync(sys.stdin.read)
        nursery.cancel_scope.cancel()
    print(  # noqa: T201 - as above
        f"{len(talk.heard)} heard, {talk.comebacks} comebacks, {answered} answers"
    )


if __name__ == "__main__":
    trio.run(main, int(sys.argv[1]))
