"""The client in the box: a resume core without I/O, and a Trio adapter.

* `room.py` follows one room: which event is the next one, which is old news,
  and when something is missing.
* `unanswered.py` keeps commands until they are answered, each once.
* `lifeline.py` knows when a connection is dead, and when to come back.
* `resume.py` joins these: the whole client, without a socket or a clock.
* `dial.py` opens a WebSocket, and leaves nothing of it behind.
* `connection.py` gives it a WebSocket, and comes back by itself.

`chatd connect` is built on this, and so are the tests that need a client which
loses nothing.
"""

from chatd.client.connection import Client, CommandRefused, Unreachable, open_client
from chatd.client.dial import SOCKET_PATH, UNIX
from chatd.client.frames import Credential, Frame
from chatd.client.resume import ClientCore

__all__ = [
    "SOCKET_PATH",
    "UNIX",
    "Client",
    "ClientCore",
    "CommandRefused",
    "Credential",
    "Frame",
    "Unreachable",
    "open_client",
]
