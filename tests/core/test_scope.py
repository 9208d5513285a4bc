"""What a token allows."""

from __future__ import annotations

import pytest

from chatd.core.scope import ACTIONS, ALWAYS, Scope
from chatd.ids import RoomName

LOBBY, TEAM = RoomName("lobby"), RoomName("team")


@pytest.mark.parametrize(
    ("text", "allowed", "refused"),
    [
        ('{"rooms":["lobby"]}', [("send", LOBBY)], [("send", TEAM), ("rooms", None)]),
        ('{"actions":["send"]}', [("send", TEAM)], [("join", TEAM), ("rooms", None)]),
        ('{"actions":["rooms"]}', [("rooms", None)], [("password", None)]),
        (
            '{"rooms":["lobby"],"actions":["rooms","send"]}',
            [("send", LOBBY), ("rooms", None)],
            [("send", TEAM), ("join", LOBBY), ("profile", None)],
        ),
        (
            '{"rooms":["lobby"],"actions":["search"]}',
            [("search", LOBBY)],
            [("search", None), ("search", TEAM)],
        ),
        ('{"actions":["search"]}', [("search", None)], []),
        ('{"rooms":[]}', [], [("send", LOBBY), ("profile", None)]),
    ],
)
def test_a_scope_is_closed_where_it_does_not_open(
    text: str,
    allowed: list[tuple[str, RoomName | None]],
    refused: list[tuple[str, RoomName | None]],
) -> None:
    """Rooms and actions both have to fit; a command without a room has to be named
    where rooms are. What keeps a connection alive is never outside.
    """
    scope = Scope.parse(text)
    assert all(scope.allows(*one) for one in allowed)
    assert not any(scope.allows(*one) for one in refused)
    assert all(scope.allows(action, None) for action in ALWAYS)
    assert str(scope) == text


def test_a_scope_shows_its_rooms() -> None:
    """All, where it only has actions."""
    assert Scope.parse('{"rooms":["lobby"]}').shows(LOBBY)
    assert not Scope.parse('{"rooms":["lobby"]}').shows(TEAM)
    assert Scope.parse('{"actions":["send"]}').shows(TEAM)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "JSON object"),
        ("[]", "JSON object"),
        ("{}", "JSON object"),
        ('{"room":["a"]}', "JSON object"),
        ('{"rooms":"lobby"}', "rooms: expected a list of strings"),
        ('{"rooms":[1]}', "rooms: expected a list of strings"),
        ('{"rooms":["no room"]}', "a room name is"),
        ('{"actions":["fly"]}', '"fly" is no action'),
        ('{"actions":["ping"]}', '"ping" is no action'),
    ],
)
def test_what_is_no_scope_is_refused(text: str, words: str) -> None:
    """With the reason; a typing error never widens one."""
    with pytest.raises(ValueError, match=words):
        Scope.parse(text)


def test_every_command_is_an_action_or_always_allowed() -> None:
    """So a new command is outside of every scope until somebody names it."""
    assert {"send", "join", "password"} <= ACTIONS
    assert not ACTIONS & ALWAYS
