"""What a person sees of events, also of those that mean harm."""

from __future__ import annotations

from typing import Any

import pytest

from chatd.cli.clean import clean
from chatd.cli.transcript import shown

Frame = dict[str, Any]


def message(text: object, **more: Any) -> Frame:
    """Make a message of bob in the lobby."""
    base = {"type": "message", "room": "lobby", "seq": 1, "from": "bob", "text": text}
    return base | {"ts": "not a time"} | more


def test_a_message_has_its_time_room_and_sender() -> None:
    """Local hour and minute, then the room and the name."""
    (line,) = shown(message("hi", ts="2026-11-22T20:31:28.123Z"))
    assert line[2] == ":"
    assert line[5:] == " [lobby] bob: hi"


def test_me_is_an_action() -> None:
    """As in XEP-0245: sent as typed, shown without the word."""
    assert shown(message("/me waves")) == ["--:-- [lobby] * bob waves"]


def test_what_is_said_in_a_thread_says_so() -> None:
    """It stands between what is said in the room; elsewhere, that there is more."""
    assert shown(message("hi", thread=1)) == ["--:-- [lobby] bob (in a thread): hi"]
    assert shown(message("/me waves", thread=1)) == [
        "--:-- [lobby] * bob (in a thread) waves"
    ]
    told = {"type": "thread", "room": "r", "thread": 1, "seq": 2}
    assert shown(told) == ["-- [r] a thread that you follow goes on"]


def test_further_lines_cannot_pass_for_other_peoples() -> None:
    """A forged line is indented like every other further line."""
    lines = shown(message("hi\n20:31 [lobby] ann: I owe you money"))
    assert lines[1] == "      | 20:31 [lobby] ann: I owe you money"


@pytest.mark.parametrize(
    "hostile",
    [
        "\x1b[2J",
        "\x1b]0;title\x07",
        "\x9b31m",
        "\r[lobby] ann: forged",
        "\u202egnirts",
        "\u2066\u2028\u200f",
        "\ud800",
        "\x00\x7f\x08",
    ],
)
def test_nothing_steers_the_terminal(hostile: str) -> None:
    """Controls, bidi marks and separators are replaced, in whatever field."""
    fields = dict.fromkeys(
        ("room", "from", "text", "user", "reason", "topic", "emoji", "ts", "change"),
        hostile,
    )
    entries = [{"name": hostile, "text": hostile}, hostile]
    lists = dict.fromkeys(("join", "leave", "away", "back", "messages"), entries)
    more = fields | lists | {"on": True, "online": hostile, "after": 1.0}
    kinds = (
        "message",
        "edit",
        "delete",
        "react",
        "member",
        "room",
        "presence",
        "left",
        "joined",
    )
    for kind in (*kinds, "rename", "destroy", "pin"):
        assert_harmless(shown({"type": kind} | more))
    notices = "mention", "invited", "uninvited", "thread"
    for kind in ("welcome", "error", "offline", *notices):
        assert_harmless(shown({"type": kind} | more))
    for command in ("join", "history", "search"):
        assert_harmless(shown({"type": "ok", "re": command} | more))


def assert_harmless(lines: list[str]) -> None:
    """Each line is what it was cleaned to be: cleaning it again changes nothing."""
    assert lines
    assert [clean(line) for line in lines] == lines


def test_quiet_lines() -> None:
    """Presence, membership, reactions and the connection, one line each."""
    presence: Frame = {"type": "presence", "room": "r", "join": [{"name": "cy"}]}
    presence |= {"leave": ["dan"], "away": [{"name": "eve", "text": "lunch"}]}
    assert shown(presence) == [
        "-- [r] cy is here",
        "-- [r] dan is gone",
        "-- [r] eve is away (lunch)",
    ]
    member = {"type": "member", "room": "r", "from": "bob", "user": "cy"}
    assert shown(member | {"change": "kick"}) == ["-- [r] kick: cy by bob"]
    pin = {"type": "pin", "room": "r", "from": "bob", "of": 3}
    assert shown(pin | {"on": True}) == ["-- [r] bob pinned a message"]
    assert shown(pin | {"on": False}) == ["-- [r] bob unpinned a message"]
    assert shown({"type": "offline", "code": 1000, "after": None}) == []
    lost = {"type": "offline", "code": None, "reason": "lost", "after": 3.2}
    assert shown(lost) == ["-- the connection was interrupted: lost; again in 3 s"]
    assert "ended" in shown(lost | {"after": None})[0]


def test_what_is_deleted_or_unknown_or_only_noise() -> None:
    """A deleted message says so; typing, marks and the future say nothing."""
    assert "deleted" in shown(message(None, deleted=True))[0]
    for kind in ("typing", "read", "caught_up", "bye", "something_new"):
        assert shown({"type": kind}) == []
    assert shown({"type": "ok", "re": "send"}) == []
    assert shown({"type": "edit", "deleted": True}) == []


def test_what_is_hidden_is_not_shown() -> None:
    """Neither as it happens nor in a page of history."""
    assert shown({"type": "hidden", "room": "@ann,bob", "seq": 1}) == []
    entries = [{"seq": 1, "hidden": True}, message("hi")]
    page = {"type": "ok", "re": "history", "room": "r", "messages": entries}
    assert shown(page) == ["--:-- [lobby] bob: hi"]


def test_a_page_has_what_happened_between_its_messages() -> None:
    """In the order of the timeline; what no server should send ends nothing."""
    mute = {"type": "member", "seq": 2, "from": "ann", "user": "cy", "change": "mute"}
    topic = {"type": "room", "seq": 4, "from": "ann", "topic": "tea"}
    name = {"type": "rename", "seq": 5, "from": "ann", "name": "b", "was": ["a"]}
    page = {"type": "ok", "re": "history", "room": "r", "events": [mute, topic, name]}
    page["messages"] = [{"seq": seq, "from": "bob", "text": "hi"} for seq in (1, 3)]
    assert shown(page) == [
        "--:-- [r] bob: hi",
        "-- [r] mute: cy by ann",
        "--:-- [r] bob: hi",
        "-- [r] the topic is now: tea (by ann)",
        "-- [r] ann has given the room this name; it was a",
    ]
    odd = {"type": "ok", "re": "history", "events": ["x", {"seq": "y"}, {"seq": 1}]}
    assert len(shown(odd)) == 3


def test_who_was_not_reached_is_a_quiet_line() -> None:
    """After a message or an edit; where everybody was, nothing is shown."""
    for re in ("send", "edit"):
        ok = {"type": "ok", "re": re, "room": "team", "seq": 7, "ts": "…"}
        assert shown(ok) == []
        assert shown(ok | {"unreached": "x"}) == shown(ok | {"unreached": []}) == []
        told = (
            "-- [team] not in the room, and so not told: cy, d\N{REPLACEMENT CHARACTER}"
        )
        assert shown(ok | {"unreached": ["cy", "d\x1b"]}) == [told]


def test_a_mention_is_a_quiet_line() -> None:
    """Who and where; the text is read in the room."""
    mention = {"type": "mention", "room": "team", "seq": 7, "from": "bob"}
    assert shown(mention) == ["-- [team] bob has mentioned you"]


def test_what_becomes_of_a_room_is_told_in_words() -> None:
    """Its topic and title, and whether anybody writes there; not how it is run."""
    room = {"type": "room", "room": "r", "from": "ann"}
    assert shown(room | {"topic": "tea", "title": "T"}) == [
        "-- [r] the topic is now: tea (by ann)",
        "-- [r] the title is now: T (by ann)",
    ]
    assert shown(room | {"archived": True}) == ["-- [r] ann archived the room"]
    assert shown(room | {"archived": False}) == ["-- [r] ann opened the room again"]
    assert shown(room | {"slow_s": 5}) == []
    assert shown(room | {"type": "rename", "was": ["q"]}) == [
        "-- [r] ann has given the room this name; it was q"
    ]
    assert shown(room | {"type": "destroy"}) == ["-- [r] ann has deleted the room"]
    joined = {"type": "ok", "re": "join", "room": "r", "online": 2, "archived": True}
    assert shown(joined) == ["-- [r] 2 online; archived"]


def test_an_invitation_says_how_to_come_in() -> None:
    """By its title where there is one, since the name says nothing; and its end."""
    invited = {"type": "invited", "room": "~abc", "from": "ann", "title": "The den"}
    assert shown(invited) == ["-- ann asks you into ~abc (The den): /join ~abc"]
    del invited["title"]
    assert shown(invited) == ["-- ann asks you into ~abc: /join ~abc"]
    over = {"type": "uninvited", "room": "~abc"}
    assert shown(over) == ["-- [~abc] you are not asked in any more"]


def test_a_join_says_only_what_is_new() -> None:
    """A resume without a hole is silent; a hole is told."""
    joined = {"type": "ok", "re": "join", "room": "r", "online": 2, "topic": "all"}
    assert shown(joined) == ["-- [r] 2 online; all"]
    assert shown(joined | {"recovered": True}) == []
    assert "newest" in shown(joined | {"recovered": False})[0]


def test_answers_to_what_was_asked() -> None:
    """Who is here, which rooms there are, what was found; and that there is more."""
    users = [{"name": "ann", "state": "online"}, {"name": "bob", "state": "away"}]
    who = {"type": "ok", "re": "who", "room": "r", "users": users, "next": "bob"}
    assert shown(who) == ["-- [r] ann", "-- [r] bob (away)", "-- [r] and others"]
    listed = [
        {"room": "r", "online": 2, "members": 3, "topic": "tea"},
        {"room": "s", "online": 0, "members": 3},
        {"room": "t", "members": 3},
    ]
    rooms = {"type": "ok", "re": "rooms", "rooms": listed, "next": "s"}
    assert shown(rooms) == [
        "-- [r] 2 online; tea",
        "-- [s] 0 online",
        "-- [t] 3 members",
        "-- and others",
    ]
    found: Frame = {"type": "ok", "re": "search", "messages": [message("hi")]}
    assert shown(found) == ["--:-- [lobby] bob: hi"]
    assert shown(found | {"messages": []}) == ["-- nothing was found"]


def test_an_announcement_is_the_operators_in_each_line() -> None:
    """With the room, if it is for one."""
    told = {"type": "announcement", "text": "We restart\nat 18:00.\x1b[2J"}
    assert shown(told) == [
        "== the operator says: We restart",
        "== the operator says: at 18:00.�[2J",
    ]
    told = {"type": "announcement", "room": "tea", "text": "Tea."}
    assert shown(told) == ["== [tea] the operator says: Tea."]
