"""What changes when other settings are put into force, and what waits."""

from __future__ import annotations

import attrs
import pytest

from chatd.config import (
    Applies,
    Auth,
    Config,
    Difference,
    Limits,
    Log,
    PermanentRoom,
    Rooms,
    Server,
    TcpAddress,
    compare,
    in_force,
)
from chatd.configfile.table import KEYS
from chatd.ids import RoomName

LOBBY = PermanentRoom(name=RoomName("lobby"))
TEA = PermanentRoom(name=RoomName("tea"))


def test_what_needs_a_restart_stays_and_the_rest_changes() -> None:
    """Each key is named where it belongs, in the order of the file."""
    old = Config()
    new = Config(
        server=Server(listen=(TcpAddress("127.0.0.1", 1),), public_url="https://a.b"),  # type: ignore[arg-type]
        auth=Auth(names="unicode", guests=False),
        limits=Limits(frame_bytes=100_000, text_chars=7),
        log=Log(level="debug"),
    )
    assert compare(old, new) == Difference(
        changed=(
            "server.public_url",
            "auth.guests",
            "limits.frame_bytes",
            "limits.text_chars",
            "log.level",
        ),
        connect=("limits.frame_bytes",),
        restart=("server.listen", "auth.names"),
    )
    now = in_force(old, new)
    assert now.server.listen == old.server.listen
    assert now.server.public_url == "https://a.b"
    assert now.auth == Auth(guests=False)
    assert (now.limits, now.log) == (new.limits, new.log)
    # The next one compares with what is in force, and still says what waits.
    assert compare(now, new) == Difference(restart=("server.listen", "auth.names"))


def test_nothing_new_is_no_difference() -> None:
    """Neither now nor later."""
    assert compare(Config(), Config()) == Difference()
    assert in_force(Config(), Config()) == Config()


def test_a_room_that_is_taken_out_stays_until_a_restart() -> None:
    """One that is added, or has other settings, is there at once."""
    old = Config(rooms=Rooms(permanent=(LOBBY, TEA)))
    topic = attrs.evolve(LOBBY, topic="hi")
    fewer = Config(rooms=Rooms(permanent=(LOBBY,)))
    assert compare(old, fewer) == Difference(restart=("rooms.permanent",))
    assert in_force(old, fewer) == old
    other = Config(rooms=Rooms(permanent=(topic,)))
    assert in_force(old, other).rooms.permanent == (topic, TEA)
    found = compare(old, other)
    assert (found.changed, found.restart) == (("rooms.permanent",),) * 2
    assert compare(fewer, old) == Difference(changed=("rooms.permanent",))
    assert in_force(fewer, old) == old


@pytest.mark.parametrize("path", KEYS)
def test_each_key_is_compared(path: str) -> None:
    """Whatever it is: a change is told, and is in force unless a restart is needed."""
    section, _, name = path.partition(".")
    other = object()
    changed = attrs.evolve(getattr(Config(), section), **{name: other})
    if path == "rooms.permanent":
        changed = Rooms(permanent=(LOBBY, TEA))
    new = attrs.evolve(Config(), **{section: changed})
    found = compare(Config(), new)
    waits = KEYS[path].applies is Applies.RESTART
    assert (found.restart if waits else found.changed) == (path,)
    assert (in_force(Config(), new) == Config()) is waits
