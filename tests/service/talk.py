"""Talk with a service until standard input ends: `python -m tests.service.talk PORT`.

Or `URL URL`: where one writes, and where another one reads.

It says `talking` when people talk. Meanwhile somebody asks at the port for something,
again and again. In the end it prints how many messages were heard, how often the reader
came back, and how many questions were answered. It fails if a message is missing,
doubled or out of order, or if a connection was refused.
"""

from __future__ import annotations

import sys

import trio

from chatd.client import Credential
from tests.live.talk import talking

PASSWORD = "correct horse"


async def main(port: int | None, *urls: str) -> None:
    """Talk, and let others in, until standard input ends."""
    here, there = urls or [f"ws://127.0.0.1:{port}/ws"] * 2
    answered = 0

    async def keep_asking(port: int) -> None:
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
        async with talking(here, *who, bob_at=there) as talk:
            if port is not None:
                nursery.start_soon(keep_asking, port)
            print("talking", flush=True)  # noqa: T201 - it is asked for
            await trio.to_thread.run_sync(sys.stdin.read)
        nursery.cancel_scope.cancel()
    print(  # noqa: T201 - as above
        f"{len(talk.heard)} heard, {talk.comebacks} comebacks, {answered} answers"
    )


if __name__ == "__main__":
    if sys.argv[1].isdigit():
        trio.run(main, int(sys.argv[1]))
    else:
        trio.run(main, None, *sys.argv[1:])
