"""Debian's nginx between browsers and a daemon, with the page below a path."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import trio

from tests.live.daemon import PATIENCE_S
from tests.live.proxies import free_ports, nginx
from tests.live.test_proxies import UPGRADING, web
from tests.web.page.daemon import Daemon


@contextmanager
def proxied(daemon: Daemon, directory: Path, *paths: str) -> Iterator[str]:
    """Serve a page for a block below paths of which its daemon knows nothing.

    Args:
        daemon: The daemon.
        directory: Where nginx may have its files.
        paths: As `"/chat/"`.

    Yields:
        Where they are, without a slash at the end.
    """
    (port,) = free_ports(1)
    # The origin of the page has its port.
    told = UPGRADING.replace("$host", "$http_host")
    inner = f"proxy_pass http://127.0.0.1:{daemon.port}/;"
    locations = " ".join(f"location {path} {{ {told} {inner} }}" for path in paths)
    started: queue.Queue[trio.lowlevel.TrioToken] = queue.Queue()
    is_over = trio.Event()

    async def serve() -> None:
        async with nginx(directory, web(directory, port, locations), [port]):
            started.put(trio.lowlevel.current_trio_token())
            await is_over.wait()

    thread = threading.Thread(target=trio.run, args=(serve,))
    thread.start()
    token = started.get(timeout=PATIENCE_S)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        trio.from_thread.run_sync(is_over.set, trio_token=token)
        thread.join()
