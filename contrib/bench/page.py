"""What the page costs in a browser: how long its tasks are, and what it holds.

A browser without a window is logged in to a room; somebody talks there, much in a
while and steadily. What a task of the page took over 50 ms the browser tells itself
(`PerformanceObserver`, `longtask`), what its heap has after a collection the DevTools
protocol does. Where no browser is, the row fails and says so.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from measure import Failed, Result, Run, cpu_s
from playwright.sync_api import Error, Page, sync_playwright
from servers import Server, chatd, running
from websockets.sync.client import ClientConnection, connect

BROWSER = "/usr/bin/chromium"
ROOM, NAME, PASSWORD = "r0", "reader", "correct horse"
PER_S, SECONDS = 50, 20
FIRST, ALL = 2_000, 20_000
"""Messages that were said when the heap is looked at."""
AT_ONCE = 100
BACK = 5_000
"""So many messages are scrolled back through."""
TIMEOUT_MS = 300_000

OBSERVE = """
globalThis.tasks = [];
new PerformanceObserver((list) => {
  tasks.push(...list.getEntries().map(({ duration }) => duration));
}).observe({ type: "longtask" });
"""

SCROLL = """(count) => new Promise((resolve, reject) => {
  const view = document.querySelector("[role=log]");
  const first = () => Number(view.querySelector("[data-seq]").dataset.seq);
  const goal = first() - count;
  const frames = [];
  let [was, most] = [performance.now(), 0];
  const step = (now) => {
    frames.push(now - was);
    was = now;
    most = Math.max(most, view.querySelectorAll("[data-seq]").length);
    if (first() <= goal) resolve({ frames: frames.slice(1), most });
    else {
      view.scrollTop -= 400;
      requestAnimationFrame(step);
    }
  };
  requestAnimationFrame(step);
})"""
"""Scroll back as a wheel does, a piece each frame, through that many messages."""


@dataclass(frozen=True)
class Reading(Run):
    """Somebody reads in a browser while somebody else talks."""

    def once(self) -> Result:
        """Start chatd and a browser, and look at the page while it is talked to."""
        with chatd(self.config, pinned=False) as daemon:
            data = daemon.directory / "data"
            command = [sys.executable, "-m", "chatd", "user", "add", NAME]
            command += ["--data", str(data)]
            subprocess.run(command, input=PASSWORD, text=True, check=True)
            with running(daemon) as server, _browser() as page:
                return _read(server, page)


@contextmanager
def _browser() -> Iterator[Page]:
    if not Path(BROWSER).exists():
        raise Failed(f"there is no browser: {BROWSER}")
    options = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path=BROWSER, args=options)
        except Error as error:
            raise Failed(f"the browser does not start: {error}") from error
        with browser:
            page = browser.new_page()
            page.set_default_timeout(TIMEOUT_MS)
            page.add_init_script(OBSERVE)
            yield page


def _read(server: Server, page: Page) -> Result:
    began, used = time.perf_counter(), cpu_s(server.process)
    where = f"127.0.0.1:{server.port}"
    with connect(f"ws://{where}/ws") as talker:
        _ask(talker, type="hello", name="talker")
        _ask(talker, type="join", room=ROOM)
        _log_in(page, f"http://{where}/")
        tasks = _say_steadily(page, talker)
        said = PER_S * SECONDS
        said = _say(page, talker, said, FIRST)
        first = _held(page)
        _say(page, talker, said, ALL)
        last = _held(page)
        page.evaluate("tasks.length = 0")
        scrolled = page.evaluate(SCROLL, BACK)
        frames = sorted(scrolled["frames"])
        return {
            "tasks_ms": tasks,
            "first": first,
            "last": last,
            "scroll_tasks_ms": page.evaluate("tasks"),
            "scroll_frame_p95_ms": frames[len(frames) * 95 // 100],
            "scroll_messages": scrolled["most"],
            "server_cpu_s": cpu_s(server.process) - used,
            "load_cpu_s": 0.0,
            "wall_s": time.perf_counter() - began,
        }


def _ask(talker: ClientConnection, **fields: Any) -> None:
    talker.send(json.dumps(fields))
    while True:
        frame = json.loads(talker.recv())
        if frame.get("re") == fields["type"]:
            if frame["type"] == "error":
                raise Failed(str(frame))
            return


def _log_in(page: Page, url: str) -> None:
    page.goto(url)
    page.get_by_label("Name", exact=True).fill(NAME)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Log in", exact=True).click()
    page.get_by_role("navigation", name="Rooms").wait_for()
    page.get_by_role("link", name=ROOM, exact=True).click()
    page.get_by_role("log").wait_for()


def _text(number: int) -> str:
    """What is said: some words, of a length as people write."""
    return f"{number} " + "as people write it in a chat, a line or two " * (
        1 + number % 3
    )


def _sees(page: Page, number: int) -> None:
    """Wait until a message is there."""
    page.wait_for_function(
        "(start) => [...document.querySelectorAll('[data-seq] .text')].at(-1)"
        "?.innerText.startsWith(start)",
        arg=f"{number} ",
    )


def _say_steadily(page: Page, talker: ClientConnection) -> list[float]:
    """Talk at a rate; returns the page's tasks that took too long meanwhile."""
    page.evaluate("tasks.length = 0")
    count, began = PER_S * SECONDS, time.perf_counter()
    for number in range(1, count + 1):
        _send(talker, number)
        while (left := began + number / PER_S - time.perf_counter()) > 0:
            with suppress(TimeoutError):
                talker.recv(timeout=left)
    _sees(page, count)
    # What is not read yet of the last answers is over when the next are waited for.
    _ask(talker, type="ping")
    found: list[float] = page.evaluate("tasks")
    return found


def _send(talker: ClientConnection, number: int) -> None:
    frame = {"type": "send", "room": ROOM, "text": _text(number), "cid": str(number)}
    talker.send(json.dumps(frame))


def _say(page: Page, talker: ClientConnection, said: int, upto: int) -> int:
    """Talk as fast as the page follows, until so many messages were said."""
    for start in range(said + 1, upto + 1, AT_ONCE):
        last = min(start + AT_ONCE - 1, upto)
        for number in range(start, last + 1):
            _send(talker, number)
        acknowledged = 0
        while acknowledged < last + 1 - start:
            acknowledged += json.loads(talker.recv()).get("re") == "send"
        _sees(page, last)
    return upto


def _held(page: Page) -> dict[str, float]:
    """What the page holds after a collection of garbage: its heap, and nodes."""
    tools = page.context.new_cdp_session(page)
    for _ in range(3):
        tools.send("HeapProfiler.collectGarbage")
    used = tools.send("Runtime.getHeapUsage")["usedSize"]
    nodes = tools.send("Memory.getDOMCounters")["nodes"]
    tools.detach()
    return {"heap_mib": used / 2**20, "nodes": nodes}
