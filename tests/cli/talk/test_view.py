"""What a person at a terminal sees, wherever he is."""

from __future__ import annotations

from typing import Any

import pytest

from chatd.cli.talk.places import KEPT
from chatd.cli.talk.view import AWAITED_MAX, View

Frame = dict[str, Any]


@pytest.fixture
def view() -> View:
    """Ann's, who is in three rooms and writes to the lobby."""
    view = View()
    rooms = [
        entry("lobby", unread=2),
        entry("tea", unread=3, mentions=1),
        entry("~x2y", title="The den"),
        entry("@ann,bob", unread=1),
    ]
    invites = [{"room": "~q", "from": "bob", "title": "Cellar"}]
    welcome = {"type": "welcome", "user": "ann", "rooms": rooms, "invites": invites}
    assert text(view, welcome) == [
        "-- you are ann",
        "-- bob asks you into ~q (Cellar): /join ~q",
    ]
    view.enter("lobby")
    return view


def entry(room: str, **more: Any) -> Frame:
    """A room of the welcome."""
    base = {"room": room, "seq": 10, "unread": 0, "mentions": 0}
    return base | more


def message(room: str, seq: int, words: str = "hi", **more: Any) -> Frame:
    """A message of bob."""
    base = {"type": "message", "room": room, "seq": seq, "from": "bob", "text": words}
    return base | {"ts": "no time"} | more


def text(view: View, event: Frame, *, followed: bool = True) -> list[str]:
    """What is shown of an event, as text."""
    lines = view.take(event, followed=followed)
    return ["".join(piece for _, piece in line) for line in lines]


def status(view: View) -> str:
    """The bottom line."""
    return "".join(piece for _, piece in view.status).strip()


def test_the_prompt_is_the_room(view: View) -> None:
    """By what its members call it; a question is in its place."""
    assert View().prompt == "> "
    assert view.prompt == "[lobby] "
    view.enter("~x2y")
    assert view.prompt == "[The den] "
    view.enter("@ann,bob")
    assert view.prompt == "[@bob] "
    view.question = "make it? (y/N) "
    assert view.prompt == "make it? (y/N) "


def test_what_happens_elsewhere_is_counted_and_kept(view: View) -> None:
    """And shown to whoever goes there, once."""
    assert status(view) == "@bob 1  tea 3@"
    assert text(view, message("lobby", 11)) == ["--:-- [lobby] bob: hi"]
    assert text(view, message("tea", 9, "old")) == []
    assert text(view, {"type": "caught_up", "room": "tea", "seq": 10}) == []
    assert text(view, message("tea", 11)) == []
    assert text(view, message("tea", 12, **{"from": "ann"})) == []
    away = {"type": "presence", "room": "tea", "online": 2, "away": ["bob"]}
    assert text(view, away) == []
    assert text(view, {"type": "react", "room": "tea", "seq": 13, "of": 11}) == []
    assert status(view) == "@bob 1  tea 4@"
    lines = ["".join(piece for _, piece in line) for line in view.enter("tea")]
    assert lines == [
        "-- [tea] 2 more are unread before these",
        "--:-- [tea] bob: old",
        "--:-- [tea] bob: hi",
        "--:-- [tea] ann: hi",
    ]
    assert status(view) == "@bob 1  2 online"
    assert view.enter("lobby") == view.enter("tea") == []


def test_not_more_is_kept_than_anybody_reads(view: View) -> None:
    """The newest; all of it is counted."""
    for seq in range(11, 11 + KEPT + 50):
        text(view, message("tea", seq, str(seq)))
    assert f"tea {3 + KEPT + 50}@" in status(view)
    assert len(view.enter("tea")) == KEPT


def test_what_has_not_come_yet_is_not_missing(view: View) -> None:
    """A room that was just joined has not told all of what is unread there."""
    joined = {"type": "ok", "re": "join", "room": "tea", "online": 2, "seq": 10}
    assert text(view, joined) == []
    assert len(view.enter("tea")) == 1
    assert text(view, message("tea", 10)) == ["--:-- [tea] bob: hi"]


def test_what_is_for_oneself_is_shown_everywhere(view: View) -> None:
    """Direct messages, invitations, and the message in which one is mentioned."""
    assert text(view, message("@ann,bob", 11)) == ["--:-- [@bob] bob: hi"]
    assert status(view) == "@bob 2  tea 3@"
    invited = {"type": "invited", "room": "~z", "from": "bob"}
    assert text(view, invited) == ["-- bob asks you into ~z: /join ~z"]
    mention = {"type": "mention", "room": "~x2y", "from": "bob"}
    assert text(view, message("~x2y", 11, "@ann: tea?")) == []
    assert text(view, mention | {"seq": 11}) == ["--:-- [The den] bob: @ann: tea?"]
    assert text(view, mention | {"seq": 12}) == []
    assert text(view, message("~x2y", 12, "@all: tea?")) != []
    assert status(view) == "@bob 2  tea 3@  The den 2@"
    assert view.enter("~x2y") == []
    assert text(view, mention | {"seq": 13}) == []
    assert text(view, mention | {"room": "far", "seq": 1}, followed=False) == [
        "-- [far] bob has mentioned you"
    ]
    thread = {"type": "thread", "room": "tea", "thread": 1, "seq": 2}
    assert text(view, thread) == []
    assert len(text(view, thread, followed=False)) == 1


def test_mentions_whose_message_never_comes_are_forgotten(view: View) -> None:
    """The oldest first."""
    for seq in range(AWAITED_MAX + 1):
        text(view, {"type": "mention", "room": "tea", "seq": 100 + seq})
    assert text(view, message("tea", 100)) == []
    assert text(view, message("tea", 101)) != []


def test_the_bottom_line_calls_for_what_one_wants_to_be_called_for(view: View) -> None:
    """Not for a room that is to be silent, nor for what was read on another device."""
    notify = {"type": "notify", "room": "tea"}
    text(view, notify | {"level": "mentions"})
    text(view, message("tea", 11))
    assert "tea 4@" in status(view)
    text(view, notify | {"level": "nothing"})
    assert "tea" not in status(view)
    text(view, notify | {"level": "all"})
    read = {"type": "read", "room": "tea", "from": "ann"}
    text(view, read | {"seq": 10})
    text(view, read | {"from": "bob", "seq": 11})
    assert "tea 4@" in status(view)
    text(view, read | {"seq": 11})
    assert status(view) == "@bob 1"


def test_how_it_goes(view: View) -> None:
    """Who is here, what is on its way, and that there is no connection."""
    text(view, {"type": "ok", "re": "join", "room": "lobby", "online": 3, "seq": 10})
    view.waiting = 2
    lost = {"type": "offline", "code": None, "reason": "lost", "after": 1.0}
    assert "interrupted" in text(view, lost)[0]
    assert status(view) == "offline  2 on the way  @bob 1  tea 3@  3 online"
    again = {"type": "welcome", "user": "ann", "rooms": [entry("lobby", unread=9)]}
    assert text(view, again) == ["-- the connection is back"]
    view.waiting = 0
    assert status(view).endswith("3 online")
    assert status(View()) == "/help"


def test_days_stand_between_messages(view: View) -> None:
    """Before the first message of another day, also in what was found."""
    saturday, sunday = "2026-11-28T12:00:00Z", "2026-11-29T12:00:00Z"
    first = text(view, message("lobby", 11, ts=saturday))
    assert first[0] == "-- Saturday, 28 November 2026"
    assert len(text(view, message("lobby", 12, ts=saturday))) == 1
    assert text(view, message("lobby", 13, ts=sunday))[0].startswith("-- Sunday, 29")
    found: Frame = {"type": "ok", "re": "search"}
    found["messages"] = [message("tea", n, ts=saturday) for n in (2, 1)]
    shown = text(view, found)
    assert [line[:11] for line in shown][:1] == ["-- Saturday"]
    assert len(shown) == 3
    assert text(view, found | {"messages": []}) == ["-- nothing was found"]
    page: Frame = {"type": "ok", "re": "history", "room": "@ann,bob"}
    page["messages"] = [{"seq": 1, "from": "bob", "text": "hi", "ts": sunday}]
    assert len(text(view, page)) == 2


def test_one_finds_oneself(view: View) -> None:
    """One's own messages, and one's name where it means one."""
    (line,) = view.take(message("lobby", 11, **{"from": "ann"}), followed=True)
    assert ("own", "ann") in line
    (line,) = view.take(message("lobby", 12, "so, @Ann: tea?"), followed=True)
    assert line[-3:] == [("text", "so, "), ("mention", "@Ann"), ("text", ": tea?")]
    (line,) = view.take(message("lobby", 13, "mail@ann.example"), followed=True)
    assert ("text", "mail@ann.example") in line
    here = {"type": "presence", "room": "lobby", "online": 2}
    here["join"] = [{"name": "ann"}, {"name": "bob"}]
    assert text(view, here) == ["-- [lobby] bob is here"]


def test_rooms_end_and_change_their_names(view: View) -> None:
    """One is nowhere then, or in the room of the new name."""
    rename = {"type": "rename", "room": "tee", "seq": 11, "from": "bob", "name": "tee"}
    text(view, rename | {"was": ["tea"]})
    assert "tee 3@" in status(view)
    text(view, {"type": "room", "room": "~x2y", "seq": 11, "title": "Attic"})
    view.enter("~x2y")
    assert view.prompt == "[Attic] "
    assert text(view, {"type": "left", "room": "~x2y", "reason": "kick"}) == [
        "-- [~x2y] you are no longer here (kick)"
    ]
    assert view.prompt == "> "
    assert view.enter(None) == []


def test_what_was_seen_is_completed(view: View) -> None:
    """Whoever wrote or is there; rooms of one's own, and those that were listed."""
    text(view, message("lobby", 11, **{"from": "boris"}))
    users = [{"name": "bert"}]
    text(view, {"type": "ok", "re": "who", "room": "lobby", "users": users})
    rooms = [{"room": "dev", "online": 1}]
    text(view, {"type": "ok", "re": "rooms", "rooms": rooms})
    assert [one.text for one in view.candidates("@b")] == ["@bert ", "@bob ", "@boris "]
    assert [one.text for one in view.candidates("/join d")] == ["dev "]
    assert [one.shown for one in view.candidates("/join the")] == ["The den"]


@pytest.mark.parametrize(
    "odd", [None, 7, "x", ["x", 7, {}], {"x": []}, "\x1b[2J\u202e"]
)
def test_nothing_that_comes_ends_it(view: View, odd: object) -> None:
    """What no server should send is shown oddly, and steers no terminal."""
    fields = [
        "room",
        "from",
        "users",
        "join",
        "rooms",
        "messages",
        "invites",
        "seq",
        "suggested",
        "was",
        "title",
        "level",
        "online",
        "unread",
        "text",
        "ts",
    ]
    kinds = [
        "welcome",
        "message",
        "edit",
        "presence",
        "rename",
        "left",
        "read",
        "notify",
        "room",
        "mention",
        "thread",
        "caught_up",
        "react",
        "invited",
    ]
    events: list[Frame] = [{"type": kind} for kind in kinds]
    events += [{"type": "ok", "re": re} for re in ("join", "history", "search", "who")]
    for event in events:
        for base in (event, event | {"room": "tea", "seq": 99}):
            lines = view.take(dict.fromkeys(fields, odd) | base, followed=True)
            assert not any("\x1b" in text for line in lines for _, text in line)
    for room in ("tea", "lobby", str(odd)):
        view.enter(room)
    assert "\x1b" not in view.prompt + status(view)
    view.candidates("/join ")
