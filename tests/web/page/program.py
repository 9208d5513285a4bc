"""A program that logs in beside the people, to have said before what they read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

import attrs
from websockets.sync.client import ClientConnection, connect

from tests.live.daemon import PATIENCE_S, Frame
from tests.web.page.daemon import PASSWORD, Daemon

SAID = count(1)
"""Numbers what programs say: the next one of the same person says something else."""


@attrs.define(eq=False)
class Program:
    """Somebody's program."""

    ws: ClientConnection

    def ask(self, **fields: Any) -> Frame:
        """Send a command and return its `ok` or `welcome`."""
        self.ws.send(json.dumps(fields))
        while True:
            frame: Frame = json.loads(self.ws.recv(timeout=PATIENCE_S))
            if frame.get("re") == fields["type"]:
                assert frame["type"] != "error", frame
                return frame

    def send(self, room: str, *texts: str, **fields: Any) -> int:
        """Say texts in a room, each with some fields; returns the last one's `seq`."""
        seq = 0
        for text in texts:
            cid = f"p{next(SAID)}"
            ok = self.ask(type="send", room=room, text=text, cid=cid, **fields)
            seq = ok["seq"]
        return seq

    def reply(self, room: str, root: int, *texts: str) -> int:
        """Say texts in the thread of a message; returns the last one's `seq`."""
        return self.send(room, *texts, reply_to=root, thread=True)


@contextmanager
def program(daemon: Daemon, name: str, *rooms: str) -> Iterator[Program]:
    """Log a program in as somebody, into rooms."""
    with connect(f"ws{daemon.url[4:]}ws") as ws:
        one = Program(ws)
        one.ask(type="hello", name=name, password=PASSWORD)
        for room in rooms:
            one.ask(type="join", room=room)
        yield one
