"""Rooms that have another name: what a client has of them moves along.

Each frame that could be the first which a client hears of it says what the room was
called before (`was`): `renamed`, the `ok` of a join, an entry of `welcome`.
From there on the room is followed by the name that it has, and what waits to be sent
is about it by that name. What was sent already need not be: the server takes each
name that a room has had.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

from chatd.client.frames import Frame, need
from chatd.client.room import Following, fold
from chatd.client.unanswered import Unanswered


def told(frame: Frame) -> dict[str, str]:
    """What rooms were called before, and what they are called, as a frame tells it.

    Raises:
        Violation: It is no proper frame.
    """
    is_welcome = frame.get("type") == "welcome"
    entries = need(frame, "rooms", list) if is_welcome else [frame]
    return {
        str(former): need(entry, "room", str)
        for entry in entries
        if "was" in entry
        for former in need(entry, "was", list)
    }


def follow(frame: Frame, rooms: dict[str, Following], commands: Unanswered) -> None:
    """Move what is known of rooms to the names that a frame tells.

    A room that was joined by both names is one room: what is known by the newer
    one stays.

    Raises:
        Violation: It is no proper frame.
    """
    names = told(frame)
    for former, name in names.items():
        room = rooms.pop(former, None)
        if room is not None:
            room.name = name
            rooms.setdefault(name, room)
    for pending in commands if names else ():
        asked = pending.frame.get("room")
        if isinstance(asked, str) and pending.frame.get("type") != "create":
            pending.frame["room"] = names.get(fold(asked), asked)
