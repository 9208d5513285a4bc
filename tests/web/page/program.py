"""A program that logs in beside the people, to have said before what they read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import attrs
from websockets.sync.client import ClientConnection, connect

from tests.live.daemon import PATIENCE_S, Frame
from tests.web.page.daemon import PASSWORD, Daemon


@attrs.define(eq=False)
class Program:
    """Somebody's program."""

    ws: ClientConnection
    said: int = 0
    """How many texts it has sent."""

    def ask(self, **fields: Any) -> Frame:
        """Send a command and return its `ok` or `welcome`."""
        self.ws.send(json.dumps(fields))
        while True:
            frame: Frame = json.loads(self.ws.recv(timeout=PATIENCE_S))
            if frame.get("re") == fields["type"]:
                assert frame["type"] != "error", frame
                return frame

    def send(self, room: str, *texts: str) -> int:
        """Say texts in a room, and return the `seq` of the last."""
        seq = 0
        for text in texts:
            self.said += 1
            ok = self.ask(type="send", room=room, text=text, cid=f"p{self.said}")
            seq = ok["seq"]
        return seq


@contextmanager
def program(daemon: Daemon, name: str, *rooms: str) -> Iterator[Program]:
    """Log a program in as somebody, into rooms."""
    with connect(f"ws{daemon.url[4:]}ws") as ws:
        one = Program(ws)
        one.ask(type="hello", name=name, password=PASSWORD)
        for room in rooms:
            one.ask(type="join", room=room)
        yield one
