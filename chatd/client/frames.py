"""JSON objects in and out, and the little that a client must check about them.

A client shows what it does not understand and does not trust what it uses: a
field that the rules of `resume.py` rely on is taken with `need`, which refuses
any other type. The rest of a frame is the user's to read.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

import math
from typing import Any, TypeVar

import attrs
import orjson

Frame = dict[str, Any]
"""One JSON object of the protocol."""

T = TypeVar("T")


class Violation(Exception):
    """The server sent something that the protocol does not have."""


@attrs.frozen
class Credential:
    """Who one is: a guest (with a name or none), an account, or a token."""

    name: str | None = None
    password: str | None = attrs.field(default=None, repr=False)
    token: str | None = attrs.field(default=None, repr=False)
    device: str | None = None
    """What the client is called in the list of one's sessions."""

    def hello(self, session: str | None) -> Frame:
        """Return the `hello` that resumes a session, or else says who one is."""
        who = attrs.asdict(self) if session is None else {"session": session}
        given = {key: value for key, value in who.items() if value is not None}
        return {"type": "hello"} | given


def load(text: str | bytes) -> Frame:
    """Read one frame.

    Raises:
        Violation: It is not a JSON object.
    """
    try:
        frame = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise Violation("the server sent something that is not JSON") from error
    if not isinstance(frame, dict):
        raise Violation("the server sent JSON that is not an object")
    return frame


def dump(frame: Frame) -> str:
    """Write one frame.

    Raises:
        TypeError: Something in it is not JSON.
    """
    return orjson.dumps(frame).decode()


def need(frame: Frame, field: str, kind: type[T]) -> T:
    """Return a field that must be there, with exactly this type.

    Raises:
        Violation: It is not.
    """
    value = frame.get(field)
    if type(value) is not kind:
        what = str(frame.get("type"))[:32]
        raise Violation(f"the server sent {what!r} without a proper {field!r}")
    return value


def seconds(value: object, most: float) -> float | None:
    """Return a duration within 0 to `most`, or None if it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if not math.isfinite(value):
        return None
    return min(max(float(value), 0.0), most)


def frame_bytes(welcome: Frame) -> int:
    """Return the largest frame that the server takes; 0 for no limit."""
    limits = welcome.get("limits")
    size = limits.get("frame_bytes") if isinstance(limits, dict) else None
    return size if type(size) is int else 0
