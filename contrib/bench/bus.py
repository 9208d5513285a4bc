"""What a message on the bus costs a node: CPU time of the client, not of the server.

    .venv/bin/python contrib/bench/bus.py [--coredis]

Messages of 300 bytes over a Valkey of its own, on a socket; a hundred are published
together, and then one at a time with a turn of the loop after each. Whoever receives is
sent them by another process. With `--coredis` (to be installed beside) the same by
that, with its way of joining: a pipeline of a hundred.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

import trio

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from chatd.bus import ValkeyBus  # noqa: E402
from chatd.config import parse_bus  # noqa: E402
from tests.valkey import Server  # noqa: E402

BYTES, TOGETHER = 300, 100
STREAM, MESSAGE = "room:0123456789ab", b"x" * BYTES
PREFIX = "chatd:0123456789abcdef:"
SEND = """
import socket, sys, hiredis
path, channel, size, count = sys.argv[1:]
one = hiredis.pack_command(("SPUBLISH", channel, b"x" * int(size))) * 100
with socket.socket(socket.AF_UNIX) as out:
    out.connect(path)
    reader, left = hiredis.Reader(), 0
    for _ in range(int(count) // 100):
        out.sendall(one)
        left += 100
        while left:
            reader.feed(out.recv(65536))
            while reader.gets() is not False:
                left -= 1
"""


async def ours(server: Server, count: int) -> None:
    """Measure the bus of chatd."""
    arrived, done = 0, trio.Event()

    def heard(_stream: str, _message: bytes) -> None:
        nonlocal arrived
        arrived += 1
        if arrived == count:
            done.set()

    bus = ValkeyBus(parse_bus(server.url), PREFIX, Random(1))  # noqa: S311 - it spreads attempts
    async with trio.open_nursery() as nursery:
        nursery.start_soon(bus.run, heard, lambda: None)
        await until(lambda: bus.is_up)
        for together in (TOGETHER, 1):
            messages = [(STREAM, MESSAGE)] * together
            began = time.process_time()
            for _ in range(count // together):
                bus.publish(messages)
                await trio.lowlevel.checkpoint()
            await until(lambda: not bus._publisher._bytes)  # noqa: SLF001
            told(f"chatd, to publish, {together} together", began, count)
        bus.follow([STREAM])
        await bus.following()
        began = time.process_time()
        with sent(server, count):
            await done.wait()
        told("chatd, to receive", began, count)
        nursery.cancel_scope.cancel()


async def theirs(server: Server, count: int) -> None:
    """Measure coredis."""
    import coredis  # noqa: PLC0415

    channel = PREFIX + STREAM
    async with coredis.Redis.from_url(f"unix://{server.path}") as client:
        began = time.process_time()
        for _ in range(count // TOGETHER):
            async with client.pipeline(transaction=False) as pipeline:
                for _ in range(TOGETHER):
                    pipeline.publish(channel, MESSAGE)
        told(f"coredis, to publish, {TOGETHER} together", began, count)
        began = time.process_time()
        for _ in range(count):
            await client.publish(channel, MESSAGE)
        told("coredis, to publish, 1 together", began, count)
        async with client.pubsub(channels=[channel]) as pubsub:
            arrived = 0
            began = time.process_time()
            with sent(server, count, b"PUBLISH"):
                async for one in pubsub:
                    arrived += one["type"] == "message"
                    if arrived == count:
                        break
            told("coredis, to receive", began, count)


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something of which nobody is told."""
    while not condition():  # noqa: ASYNC110 - as said
        await trio.sleep(0.001)


def sent(
    server: Server, count: int, command: bytes = b"SPUBLISH"
) -> subprocess.Popen[bytes]:
    """Have another process publish."""
    program = SEND.replace("SPUBLISH", command.decode())
    channel = PREFIX + STREAM
    words = (str(server.path), channel, str(BYTES), str(count))
    return subprocess.Popen([sys.executable, "-c", program, *words])


def told(what: str, began: float, count: int) -> None:
    """Print a row."""
    each_us = (time.process_time() - began) / count * 1e6
    print(f"{what:40} {each_us:7.1f} us")


def main() -> None:
    """Measure."""
    measured: list[tuple[Callable[..., object], int]] = [(ours, 50_000)]
    if "--coredis" in sys.argv:
        measured.append((theirs, 10_000))
    with tempfile.TemporaryDirectory() as directory:
        server = Server(Path(directory))
        try:
            for measure, count in measured:
                trio.run(measure, server, count)
        finally:
            server.stop()


if __name__ == "__main__":
    main()
