from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NoReturn

import pytest

from chatd.config import Config, PermanentRoom, Rooms
from chatd.core import inputs
from chatd.core.changes import UserErased
from chatd.core.drafts import TrimRoom
from chatd.core.entities import Sanction
from chatd.core.roster import Roster
from chatd.ids import RoomName, UserName
from chatd.wire.moderation import Ban, Invite
from chatd.wire.replies import Welcome
from chatd.wire.users import Block
from tests.core.harness import ANN, BOB, CY, LOBBY, Harness

TEAM = RoomName("team")


class Unwalked(Roster[Any, Any]):
    """What there is by name, of which nobody may look at all."""

    def _walk(self) -> NoReturn:
        raise AssertionError("all of it was looked at")

    def __iter__(self) -> Iterator[Any]:
        """Refuse."""
        self._walk()

    def keys(self) -> Any:
        """Refuse."""
        self._walk()

    def values(self) -> Any:
        """Refuse."""
        self._walk()

    def items(self) -> Any:
        """Refuse."""
        self._walk()


def unwalked(harness: Harness) -> None:
    """Have the harness look at all rooms or all users no more."""
    durable = harness.chat.durable
    rooms, users = Unwalked(), Unwalked()
    for name, room in durable.rooms.items():
        rooms[name] = room
    for user in durable.users.values():
        users[user.name] = user
    durable.rooms, durable.users = rooms, users
    harness.checked = False


@pytest.fixture
def harness() -> Harness:
    """Ann's room, into which bob is asked, and from which cy is banned."""
    harness = Harness()
    ann = harness.user("ann", TEAM)
    ann.ask(Invite(TEAM, BOB))
    ann.ask(Ban(TEAM, CY))
    harness.user("bob").ask(Block(ANN))
    unwalked(harness)
    return harness


def test_the_walk_is_noticed(harness: Harness) -> None:
    """Or what follows would show nothing."""
    for all_of in (harness.chat.durable.rooms, harness.chat.durable.users):
        with pytest.raises(AssertionError):
            list(all_of)
        with pytest.raises(AssertionError):
            all_of.values()


def test_a_hello_looks_at_its_own_rooms(harness: Harness) -> None:
    """Also for what is suggested."""
    (welcome,) = harness.open().hello()
    assert isinstance(welcome, Welcome)
    assert welcome.suggested == [LOBBY]


@pytest.mark.parametrize("name", [ANN, BOB, CY])
def test_an_erasure_looks_at_what_there_is_of_him(
    harness: Harness, name: UserName
) -> None:
    """Bans, invitations that he has or has sent, and who blocks him."""
    durable = harness.chat.durable
    harness.change(UserErased(name))
    assert name not in durable.users
    assert name not in durable.rooms[TEAM].bans
    assert (BOB in durable.rooms[TEAM].invited) == (name == CY)
    assert (BOB in durable.users) == (name != BOB)
    assert not durable.blocked_by.get(name)


def test_a_review_looks_at_what_forgets() -> None:
    """Of the rooms that do not, nothing is asked."""
    forgets = PermanentRoom(name=LOBBY, keep_messages=2)
    harness = Harness(Config(rooms=Rooms(permanent=(forgets,))))
    harness.user("ann", TEAM)
    unwalked(harness)
    harness.handle(inputs.TimePassed())
    harness.run_look_up()
    harness.wait(0)
    assert [origin.draft for origin in harness.drafts] == [TrimRoom(LOBBY, None, 2)]


def test_a_ban_of_a_guest_looks_at_who_is_here() -> None:
    """Guests from his address are cut off with him."""
    harness = Harness()
    first, second = (harness.guest(LOBBY, address="192.0.2.1") for _ in range(2))
    unwalked(harness)
    name = harness.user_of(first)
    assert name is not None
    harness.ban(name, Sanction(None, None))
    assert first.ending is second.ending is not None
