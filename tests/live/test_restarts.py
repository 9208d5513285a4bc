"""Restarts while people talk: nobody is refused, nothing is lost or doubled.

The test holds the listening socket, as systemd does for a socket unit, and hands it to
each daemon in turn: whoever connects in between waits in it. `CLIENTS=500 RESTARTS=10
make test ARGS=tests/live/test_restarts.py` is the whole of it, and prints how long it
took until everybody was back.
"""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import apsw
import attrs
import trio
from websockets.exceptions import ConnectionClosed
from websockets.trio.client import ClientConnection, connect

from tests.live.daemon import PATIENCE_S, Daemon, Frame, announced
from tests.live.test_kill import Timeline

CLIENTS = int(os.environ.get("CLIENTS", "40"))
RESTARTS = int(os.environ.get("RESTARTS", "3"))
ROOM_MEMBERS = 10
THINKS_S = 1.0
"""Pause after each message, at most."""
ENV = {
    "CHATD_LIMITS__MESSAGES_PER_S": "0",
    "CHATD_LIMITS__COMMANDS_PER_S": "0",
    "CHATD_LIMITS__CONNECTIONS_PER_ADDRESS": "0",
    "CHATD_LIMITS__CONNECTS_PER_S": "0",
    "CHATD_LIMITS__GUEST_BYTES_PER_D": "0",
    "CHATD_HISTORY__REPLAY_MAX": "0",
}
AS_SYSTEMD = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ |= {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "1"}
os.execv(sys.executable, [sys.executable, "-m", "chatd", *sys.argv[2:]])
"""


async def start(listening: socket.socket, data: Path) -> Daemon:
    """Start a daemon at a socket that listens already."""
    log, fd = data.with_suffix(".log"), listening.fileno()
    config = data.with_suffix(".toml")
    rooms = range(1 + CLIENTS // ROOM_MEMBERS)
    config.write_text("".join(f'[[rooms.permanent]]\nname = "r{n}"\n' for n in rooms))
    options = ["--listen", "systemd", "--data", str(data), "-c", str(config)]
    with log.open("ab") as stderr:
        process = await trio.lowlevel.open_process(
            [sys.executable, "-c", AS_SYSTEMD, str(fd), "serve", *options],
            stdout=subprocess.PIPE,
            stderr=stderr,
            env={**os.environ, **ENV},
            pass_fds=(fd,),
        )
    daemon = Daemon(process, 0, 0, data, log)
    await announced(daemon)
    return daemon


@attrs.define
class Crowd:
    """What is known of all clients."""

    url: str
    is_over: bool = False
    arrivals: int = 0
    """How often somebody has come, or come back."""
    changed: trio.Event = attrs.field(factory=trio.Event)

    def arrive(self) -> None:
        """Note that somebody is there."""
        self.arrivals += 1
        self.changed.set()
        self.changed = trio.Event()

    async def has_come(self, times: int) -> None:
        """Wait until everybody has come so often."""
        with trio.fail_after(PATIENCE_S):
            while self.arrivals < times * CLIENTS:
                await self.changed.wait()


@attrs.define(eq=False)
class Talker:
    """Someone who sends a message now and then, over any number of connections."""

    crowd: Crowd
    name: str
    room: str
    chance: random.Random
    view: Timeline = attrs.field(factory=Timeline)
    first: int = 0
    """The last seq before what was heard."""
    session: str | None = None
    unanswered: str | None = None
    count: int = 0
    acknowledged: dict[str, int] = attrs.field(factory=dict)
    answered: trio.Event = attrs.field(factory=trio.Event)
    after_s: float = 0.0

    async def live(self) -> None:
        """Talk until it is over; come back when the daemon goes."""
        while not (self.crowd.is_over and self.unanswered is None):
            await trio.sleep(self.after_s)
            self.after_s = 0.0
            try:
                async with connect(
                    self.crowd.url,
                    subprotocols=["chatd.v1"],  # type: ignore[list-item]
                    open_timeout=PATIENCE_S,
                    max_queue=None,
                ) as ws:
                    await self._talk(ws)
            except (ConnectionClosed, ConnectionResetError, BrokenPipeError):
                continue

    async def _talk(self, ws: ClientConnection) -> None:
        """Enter, send and hear until the connection or all of it is over."""
        await self._enter(ws)
        self.crowd.arrive()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._send, ws, nursery.cancel_scope)
            with suppress(ConnectionClosed):
                while True:
                    self._hear(json.loads(await ws.recv()))
            nursery.cancel_scope.cancel()

    async def _send(self, ws: ClientConnection, scope: trio.CancelScope) -> None:
        with suppress(ConnectionClosed):
            while not (self.crowd.is_over and self.unanswered is None):
                if self.unanswered is None:
                    self.count += 1
                    self.unanswered = f"{self.name}-{self.count}"
                cid = self.unanswered
                self.answered = trio.Event()
                await say(ws, type="send", room=self.room, text=cid, cid=cid)
                await self.answered.wait()
                await trio.sleep(self.chance.random() * THINKS_S)
            scope.cancel()

    def _hear(self, frame: Frame) -> None:
        if frame["type"] == "message":
            self.view.take(frame)
        elif frame["type"] == "bye":
            self.after_s = frame["after"]
        elif frame.get("re") == "send":
            self._answer(frame)

    def _answer(self, frame: Frame) -> None:
        if frame["type"] == "error":
            # Too late: the daemon is going. The same is sent again to the next one.
            assert frame["code"] == "unavailable", frame
            return
        assert self.unanswered is not None
        self.acknowledged[self.unanswered] = frame["seq"]
        self.unanswered = None
        self.answered.set()

    async def _enter(self, ws: ClientConnection) -> None:
        credential = {"name": self.name}
        if self.session is not None:
            credential = {"session": self.session}
        welcome = await ask(ws, type="hello", **credential)
        self.session = welcome["session"]
        since: dict[str, Any] = {}
        if self.view.epoch:
            since = {"since": self.view.last, "epoch": self.view.epoch}
        joined = await ask(ws, type="join", room=self.room, **since)
        if not since:
            self.view.epoch, self.view.last = joined["epoch"], joined["seq"]
            self.first = joined["seq"]
        else:
            assert joined["recovered"], joined


async def say(ws: ClientConnection, **fields: Any) -> None:
    """Send one frame."""
    await ws.send(json.dumps(fields))


async def ask(ws: ClientConnection, **fields: Any) -> Frame:
    """Send a command, and return what grants it; nothing else comes before."""
    await say(ws, **fields)
    while (frame := json.loads(await ws.recv())).get("re") != fields["type"]:
        assert frame["type"] not in {"message", "error"}, frame
    assert frame["type"] in {"ok", "welcome"}, frame
    return dict(frame)


async def test_a_crowd_goes_over_restarts(tmp_path: Path) -> None:
    """No connection is refused, and each member of each room has heard all of it, in
    order, once; what was acknowledged is there.
    """
    data = tmp_path / "data"
    with socket.create_server(("127.0.0.1", 0), backlog=4096) as listening:
        port = listening.getsockname()[1]
        crowd = Crowd(f"ws://127.0.0.1:{port}/ws")
        talkers = [
            Talker(
                crowd, f"t{number}", f"r{number // ROOM_MEMBERS}", random.Random(number)
            )
            for number in range(CLIENTS)
        ]
        daemon = await start(listening, data)
        async with trio.open_nursery() as nursery:
            for talker in talkers:
                nursery.start_soon(talker.live)
            await crowd.has_come(1)
            for number in range(1, RESTARTS + 1):
                began = trio.current_time()
                daemon.signal(signal.SIGTERM)
                assert await daemon.wait() == 0
                gone = trio.current_time()
                daemon = await start(listening, data)
                there = trio.current_time()
                await crowd.has_come(1 + number)
                back = trio.current_time()
                sys.stdout.write(
                    f"restart {number}: gone after {gone - began:.2f} s,"
                    f" there after {there - began:.2f} s,"
                    f" {CLIENTS} back after {back - began:.2f} s\n"
                )
            crowd.is_over = True
        daemon.signal(signal.SIGTERM)
        assert await daemon.wait() == 0
    assert crowd.arrivals == CLIENTS * (1 + RESTARTS)
    verify(data / "chatd.db", talkers)


def verify(database: Path, talkers: list[Talker]) -> None:
    """Compare what is stored with what was answered and heard."""
    db = apsw.Connection(str(database), apsw.SQLITE_OPEN_READONLY)
    try:
        rows = db.execute(
            "SELECT r.name, m.seq, m.text FROM message m"
            " JOIN room r ON r.id = m.room_id ORDER BY r.name, m.seq"
        ).fetchall()
    finally:
        db.close()
    rooms: dict[str, list[str]] = {}
    for room, seq, text in rows:
        rooms.setdefault(str(room), []).append(str(text))
        assert seq == len(rooms[str(room)])
    for texts in rooms.values():
        assert len(set(texts)) == len(texts)
    for talker in talkers:
        texts = rooms[talker.room]
        assert talker.acknowledged == {
            text: number
            for number, text in enumerate(texts, 1)
            if text.rpartition("-")[0] == talker.name
        }
        assert talker.view.texts == texts[talker.first : talker.view.last]
