"""Facts about the client's core, one exchange each."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import pytest

from chatd.client import ClientCore, Credential
from chatd.wire.commands import DURABLE

Frame = dict[str, Any]
EPOCH = "8f3c21d07be945aa"
TS = "2026-11-22T20:31:28.123Z"


class Wire:
    """Plays the server for one core, by hand."""

    def __init__(self, credential: Credential | None = None) -> None:
        self.now = 1000.0
        self.core = ClientCore(credential or Credential(name="ann"), Random(3))
        self.core.connected(self.now)

    def sent(self) -> list[Frame]:
        return [json.loads(text) for text in self.core.to_send(self.now)]

    def told(self) -> list[Frame]:
        return self.core.take_events()

    def gives(self, **frame: Any) -> None:
        frame = {name.removesuffix("_"): value for name, value in frame.items()}
        if "from" in frame:
            frame["ts"] = TS
        self.core.received(json.dumps(frame), self.now)

    def welcomes(self, *rooms: Frame, user: str = "ann~4f7k", **more: Any) -> None:
        more = {"session": "secret", "heartbeat": 25} | more
        self.gives(type="welcome", user=user, rooms=list(rooms), **more)

    def comes_back(self) -> None:
        self.core.closed(None)
        self.core.connected(self.now)

    def joins(self, head: int = 5, **more: Any) -> None:
        """Have the lobby joined, live after `head`."""
        self.core.submit({"type": "join", "room": "lobby"} | more)
        (join,) = self.sent()
        more = {"room": "lobby", "epoch": EPOCH, "seq": head}
        self.gives(type="ok", re="join", id=join["id"], **more)
        self.told()


@pytest.fixture
def wire() -> Wire:
    """A core that has been welcomed as a guest."""
    wire = Wire()
    wire.sent()
    wire.welcomes()
    wire.told()
    return wire


def test_hello_carries_the_credential_then_the_session() -> None:
    """The first hello says who one is, each further one resumes."""
    wire = Wire(Credential(name="ann", password="sesame", device="desk"))
    who = {"name": "ann", "password": "sesame", "device": "desk"}
    assert wire.sent() == [{"type": "hello", **who}]
    wire.welcomes()
    wire.comes_back()
    assert wire.sent() == [{"type": "hello", "session": "secret"}]


def test_what_is_hidden_counts_like_any_event(wire: Wire) -> None:
    """It is told once, and what comes after it is no hole."""
    wire.joins()
    wire.gives(type="hidden", room="lobby", seq=6, ts=TS)
    wire.gives(type="hidden", room="lobby", seq=6, ts=TS)
    wire.gives(type="message", room="lobby", seq=7, from_="bob", text="hi", ts=TS)
    assert [event["type"] for event in wire.told()] == ["hidden", "message"]
    wire.gives(type="hidden", room="@ann,bob", seq=1, ts=TS, epoch=EPOCH)
    assert [event["room"] for event in wire.told()] == ["@ann,bob"]
    assert wire.core.rooms["@ann,bob"].epoch == EPOCH
    assert wire.sent() == []


def test_a_mention_is_told_and_is_no_event_of_the_room(wire: Wire) -> None:
    """Its seq belongs to a room that is not followed here."""
    mention = {"type": "mention", "room": "team", "seq": 7, "from": "bob"}
    wire.core.received(json.dumps(mention), wire.now)
    assert wire.told() == [mention]
    assert wire.core.rooms == {}


def test_the_session_is_not_told(wire: Wire) -> None:
    """What is told may be printed: neither events nor repr show a secret."""
    wire.comes_back()
    wire.welcomes()
    assert all("session" not in event for event in wire.told())
    assert "secret" not in repr(wire.core)
    assert "sesame" not in repr(Credential(name="ann", password="sesame"))


def test_a_void_session_falls_back_to_the_credential_once(wire: Wire) -> None:
    """After bad_credentials for the session comes the first hello; then the end."""
    wire.comes_back()
    wire.sent()
    wire.gives(type="error", re="hello", code="bad_credentials", text="gone")
    assert wire.sent() == [{"type": "hello", "name": "ann"}]
    assert not wire.core.hang_up
    wire.gives(type="error", re="hello", code="bad_credentials", text="wrong")
    assert wire.core.hang_up
    assert wire.core.closed(None) is None


def test_hello_that_is_put_off_is_said_again_on_another_connection(wire: Wire) -> None:
    """A login that is refused for a moment costs the connection, not the client."""
    wire.comes_back()
    wire.gives(type="error", re="hello", code="rate_limited", retry_after=7, text="")
    assert wire.core.hang_up
    assert wire.core.closed(None) == 7.0


@pytest.mark.parametrize("code", [1000, 1002, 1007, 1008, 4500, 4503, 4506, 4999])
def test_codes_that_say_stop(wire: Wire, code: int) -> None:
    """There is no way back, and every command is answered."""
    wire.core.submit({"type": "send", "room": "lobby", "text": "hi"}, label=9)
    assert wire.core.closed(code) is None
    error, offline = wire.told()
    assert (error["code"], error["id"]) == ("offline", 9)
    assert (offline["code"], offline["after"]) == (code, None)
    wire.core.submit({"type": "ping"}, label=10)
    assert [event["code"] for event in wire.told()] == ["offline"]


@pytest.mark.parametrize("code", [None, 1001, 1009, 1011, 1012, 4001, 4003, 4499])
def test_codes_that_say_come_back(wire: Wire, code: int | None) -> None:
    """The first attempt comes within a second, at random."""
    delay = wire.core.closed(code)
    assert delay is not None
    assert 0 <= delay <= 1


def test_backoff_doubles_to_thirty_seconds(wire: Wire) -> None:
    """Each failure doubles the longest wait; welcome starts anew."""
    delays = [wire.core.closed(None) or 0 for _ in range(200)]
    assert all(d <= min(2.0**n, 30) for n, d in enumerate(delays[:50]))
    assert 25 < max(delays) <= 30
    wire.core.connected(wire.now)
    wire.welcomes()
    assert (wire.core.closed(None) or 0) <= 1


def test_bye_says_when_and_whether(wire: Wire) -> None:
    """`after` of a bye is kept to; its code counts if the close has none."""
    wire.gives(type="bye", code=4001, reason="restart", reconnect=True, after=3.7)
    assert wire.core.closed(4001) == 3.7
    wire.core.connected(wire.now)
    wire.gives(type="bye", code=4506, reason="session_taken_over", reconnect=False)
    assert wire.core.closed(None) is None


def test_retry_after_of_http_is_kept_to(wire: Wire) -> None:
    """A 503 with Retry-After says when, within five minutes."""
    assert wire.core.closed(None, retry_after_s=12) == 12
    assert wire.core.closed(None, retry_after_s=1e9) == 300


def test_silence_is_asked_then_judged(wire: Wire) -> None:
    """A server that tells one time gets it twice: then a ping, then the end."""
    assert wire.core.next_deadline() == wire.now + 50
    wire.now += 50
    assert wire.sent() == [{"type": "ping"}]
    wire.now += 9
    wire.gives(type="ok", re="ping")
    assert wire.told() == []
    wire.now += 50
    wire.sent()
    wire.now += 10
    assert wire.sent() == []
    assert wire.core.hang_up


def test_both_times_of_the_heartbeat_are_kept_to(wire: Wire) -> None:
    """Where the server tells them: it is asked when both have passed."""
    wire.comes_back()
    wire.welcomes(heartbeat_timeout=10)
    assert wire.core.next_deadline() == wire.now + 35


def test_bytes_that_are_no_frame_yet_are_a_sign_of_life(wire: Wire) -> None:
    """A large page takes its minutes on a slow line."""
    for _ in range(100):
        wire.now += 49
        assert wire.sent() == []
        wire.core.lifeline.heard(wire.now)
    wire.now += 50
    assert wire.sent() == [{"type": "ping"}]
    wire.core.lifeline.heard(wire.now + 9)
    assert wire.core.next_deadline() == wire.now + 9 + 50


def test_an_answer_is_waited_for_when_the_question_has_left(wire: Wire) -> None:
    """Sending may take longer than answering; what is sent later moves nothing."""
    wire.now += 50
    assert wire.sent() == [{"type": "ping"}]
    wire.now += 40
    wire.core.lifeline.sent(wire.now)
    wire.now += 9
    assert wire.sent() == []
    wire.core.lifeline.sent(wire.now)
    assert not wire.core.hang_up
    wire.now += 1
    assert wire.sent() == []
    assert wire.core.hang_up


def test_whoever_does_not_read_judges_nobody(wire: Wire) -> None:
    """Silence counts again from the moment at which it reads on."""
    wire.now += 50
    assert wire.sent() == [{"type": "ping"}]
    wire.core.lifeline.paused()
    wire.now += 3600
    assert wire.sent() == []
    assert not wire.core.hang_up
    wire.core.lifeline.heard(wire.now)
    assert wire.core.next_deadline() == wire.now + 50


def test_the_time_for_an_answer_to_hello_begins_when_it_has_left() -> None:
    """And no pause makes it longer: nothing is read but the welcome."""
    wire = Wire()
    wire.sent()
    wire.now += 20
    wire.core.lifeline.sent(wire.now)
    wire.core.lifeline.paused()
    wire.core.lifeline.heard(wire.now + 29)
    wire.now += 29
    wire.sent()
    assert not wire.core.hang_up
    wire.now += 1
    wire.sent()
    assert wire.core.hang_up


def test_hello_that_is_not_answered_is_given_up() -> None:
    """A server that accepts and says nothing is left."""
    wire = Wire()
    wire.now += 30
    wire.sent()
    assert wire.core.hang_up


def test_old_news_is_ignored_and_a_jump_is_filled(wire: Wire) -> None:
    """The loop of protocol section 3: ignore, apply, or join again since last."""
    wire.joins(head=5)
    for seq in (5, 6, 6, 9):
        wire.gives(type="message", room="lobby", seq=seq, from_="bob", text="hi")
    assert [event["seq"] for event in wire.told()] == [6]
    (join,) = wire.sent()
    del join["id"]
    assert join == {"type": "join", "room": "lobby", "since": 6, "epoch": EPOCH}


def test_event_types_of_the_future_are_counted(wire: Wire) -> None:
    """A type that nobody knows has its place in the numbering."""
    wire.joins(head=5)
    wire.gives(type="poll", room="lobby", seq=6, from_="bob")
    wire.gives(type="message", room="lobby", seq=7, from_="bob", text="hi")
    assert [event["seq"] for event in wire.told()] == [6, 7]
    assert wire.sent() == []


def test_a_hole_is_told_then_filled_from_history(wire: Wire) -> None:
    """recovered:false begins anew at ok.seq, with a page from before it."""
    wire.joins(head=5)
    wire.comes_back()
    wire.welcomes({"room": "lobby", "epoch": EPOCH, "seq": 900})
    (_, join) = wire.sent()
    more = {"room": "lobby", "epoch": EPOCH, "seq": 900, "recovered": False}
    wire.gives(type="ok", re="join", id=join["id"], **more)
    (history,) = wire.sent()
    assert (history["type"], history["before"]) == ("history", 901)
    wire.gives(type="message", room="lobby", seq=901, from_="bob", text="early")
    page = {"room": "lobby", "messages": [], "as_of": 901}
    wire.gives(type="ok", re="history", id=history["id"], **page)
    kinds = [event.get("re", event["type"]) for event in wire.told()]
    assert kinds == ["offline", "welcome", "join", "history"]
    assert wire.sent()[0]["since"] == 900, "what passed meanwhile is asked for again"


def test_a_room_missing_from_welcome_is_no_longer_ones_own(wire: Wire) -> None:
    """Who was removed while away is told so, and does not walk in again."""
    wire.joins()
    wire.comes_back()
    wire.welcomes()
    assert {"type": "left", "room": "lobby", "reason": "missing"} in wire.told()
    assert [frame["type"] for frame in wire.sent()] == ["hello"]


def test_a_guest_with_a_new_name_joins_his_rooms_again(wire: Wire) -> None:
    """With a void session membership is gone, but not what was read."""
    wire.joins(head=5)
    wire.comes_back()
    wire.welcomes(user="ann~zzzz")
    join = wire.sent()[-1]
    assert (join["type"], join["since"]) == ("join", 5)


def test_what_may_be_stored_under_another_name_is_not_sent_again(wire: Wire) -> None:
    """A new guest must not say again what the old one may have said."""
    wire.core.submit({"type": "send", "room": "lobby", "text": "one"}, label=1)
    wire.sent()
    wire.core.submit({"type": "send", "room": "lobby", "text": "two"}, label=2)
    wire.comes_back()
    wire.welcomes(user="ann~zzzz")
    errors = [e for e in wire.told() if e["type"] == "error"]
    assert [(e["id"], e["code"]) for e in errors] == [(1, "session_lost")]
    assert wire.sent()[-1]["text"] == "two"


def test_messages_go_out_one_at_a_time_and_keep_their_cid(wire: Wire) -> None:
    """A refusal for a moment lets nothing overtake, and changes no cid."""
    for text in ("one", "two"):
        wire.core.submit({"type": "send", "room": "lobby", "text": text})
    (one,) = wire.sent()
    put_off = {"code": "rate_limited", "retry_after": 1.5, "text": ""}
    wire.gives(type="error", re="send", id=one["id"], **put_off)
    assert wire.sent() == []
    assert wire.core.next_deadline() == wire.now + 1.5
    wire.now += 1.5
    assert wire.sent() == [one]
    wire.gives(type="ok", re="send", id=one["id"], room="lobby", seq=1)
    (two,) = wire.sent()
    assert two["text"] == "two"
    assert [event["cid"] for event in wire.told()] == [one["cid"]]


@pytest.mark.parametrize("type_", sorted(DURABLE))
def test_what_is_durable_is_sent_again_as_it_was(wire: Wire, type_: str) -> None:
    """With the `cid` that it had before the connection was lost, or one's own."""
    mine = {"type": type_, "room": "lobby", "cid": "mine"}
    wire.core.submit(mine)
    (sent,) = wire.sent()
    assert sent["cid"] == "mine"
    wire.gives(type="ok", re=type_, id=sent["id"], room="lobby", seq=1)
    wire.core.submit({"type": type_, "room": "lobby"})
    (sent,) = wire.sent()
    assert len(sent["cid"]) == 24
    wire.comes_back()
    wire.sent()
    wire.welcomes()
    assert wire.sent() == [sent]


def test_lookups_do_not_wait_for_messages(wire: Wire) -> None:
    """What only asks goes out at once, and is asked again after a loss."""
    wire.core.submit({"type": "send", "room": "lobby", "text": "one"})
    wire.core.submit({"type": "who", "room": "lobby", "id": "w"}, label="w")
    assert [frame["type"] for frame in wire.sent()] == ["send", "who"]
    wire.comes_back()
    wire.welcomes()
    who = wire.sent()[-1]
    wire.told()
    wire.gives(type="ok", re="who", id=who["id"], users=[])
    assert [event["id"] for event in wire.told()] == ["w"]


def test_typing_is_sent_now_or_never(wire: Wire) -> None:
    """Nobody wants to know tomorrow that somebody was writing."""
    wire.core.submit({"type": "typing", "room": "lobby"})
    assert wire.sent() == [{"type": "typing", "room": "lobby"}]
    wire.core.closed(None)
    wire.core.submit({"type": "typing", "room": "lobby"})
    wire.core.connected(wire.now)
    wire.welcomes()
    assert [frame["type"] for frame in wire.sent()] == ["hello"]


def test_a_frame_that_the_server_would_not_take_is_not_sent(wire: Wire) -> None:
    """Too long is an answer, not a lost connection; the next one goes out."""
    wire.comes_back()
    wire.welcomes(limits={"frame_bytes": 200})
    wire.sent()
    wire.told()
    wire.core.submit({"type": "send", "room": "lobby", "text": "x" * 200}, label=1)
    wire.core.submit({"type": "send", "room": "lobby", "text": "y"}, label=2)
    assert wire.sent() == []
    assert [(e["id"], e["code"]) for e in wire.told()] == [(1, "too_long")]
    assert wire.core.next_deadline() < wire.now
    assert [frame["text"] for frame in wire.sent()] == ["y"]


def test_direct_conversations_are_followed_without_a_join(wire: Wire) -> None:
    """From the seq in welcome, from 1 if they are new, since last if behind."""
    direct = {"room": "@ann,bob", "epoch": EPOCH, "seq": 7}
    wire.comes_back()
    wire.welcomes(direct)
    wire.sent()
    wire.told()
    wire.gives(type="message", room="@ann,bob", seq=8, from_="bob", text="hi")
    new = {"room": "@ann,cy", "seq": 1, "epoch": EPOCH}
    wire.gives(type="message", from_="cy", text="hi", **new)
    assert [event["seq"] for event in wire.told()] == [8, 1]
    wire.comes_back()
    wire.welcomes(direct | {"seq": 9}, new)
    join = wire.sent()[-1]
    assert (join["room"], join["since"]) == ("@ann,bob", 8)


def test_a_room_that_is_joined_elsewhere_is_followed_from_there(wire: Wire) -> None:
    """On another device of the same user, once; and on after a lost connection."""
    place = {"room": "garden", "epoch": EPOCH, "seq": 7}
    wire.gives(type="joined", **place)
    (join,) = wire.sent()
    asked = [join[key] for key in ("type", "room", "since", "epoch")]
    assert asked == ["join", "garden", 7, EPOCH]
    wire.gives(type="ok", re="join", id=join["id"], recovered=True, **place)
    wire.gives(type="message", room="garden", seq=8, from_="bob", text="hi")
    told = wire.told()
    assert [one["type"] for one in told] == ["joined", "ok", "message"]
    wire.gives(type="joined", **place | {"seq": 9})
    assert wire.sent() == []
    wire.comes_back()
    wire.welcomes(place | {"seq": 9})
    assert wire.sent()[-1]["since"] == 8


def test_left_ends_the_following_of_a_room(wire: Wire) -> None:
    """Who was kicked does not come back by himself."""
    wire.joins()
    wire.gives(type="left", room="lobby", reason="kick")
    wire.comes_back()
    wire.welcomes()
    assert [frame["type"] for frame in wire.sent()] == ["hello"]


def test_a_refused_join_is_told_and_forgotten(wire: Wire) -> None:
    """The reply carries the user's id; the room is not asked for again."""
    wire.core.submit({"type": "join", "room": "Secret"}, label="j")
    (join,) = wire.sent()
    wire.gives(type="error", re="join", id=join["id"], code="no_room", text="")
    assert [(e["id"], e["code"]) for e in wire.told()] == [("j", "no_room")]
    assert wire.core.rooms == {}


def test_a_join_that_makes_no_room_makes_none_after_a_lost_connection(
    wire: Wire,
) -> None:
    """The join that is sent again asks for no more than the first one did."""
    command = {"type": "join", "room": "nowhere", "create": False}
    wire.core.submit(command)
    assert wire.sent()[-1]["create"] is False
    wire.comes_back()
    wire.welcomes()
    assert wire.sent()[-1]["create"] is False


def test_leave_and_join_again_over_a_lost_connection(wire: Wire) -> None:
    """What counts is the last wish; both commands are answered."""
    wire.joins()
    wire.core.submit({"type": "leave", "room": "LOBBY"}, label="l")
    wire.core.submit({"type": "join", "room": "lobby", "last": 3}, label="j")
    wire.sent()
    wire.comes_back()
    assert [e["id"] for e in wire.told() if e["type"] == "ok"] == ["l"]
    wire.welcomes()
    join = wire.sent()[-1]
    assert (join["type"], join["last"]) == ("join", 3)


def test_a_room_that_is_destroyed_is_over(wire: Wire) -> None:
    """Its last event is told, and a join that was under way finds no room."""
    wire.joins()
    wire.core.submit({"type": "destroy", "room": "lobby"})
    (destroy,) = wire.sent()
    assert len(destroy["cid"]) == 24
    wire.comes_back()
    wire.sent()
    wire.welcomes({"room": "lobby", "epoch": EPOCH, "seq": 5})
    join, again = wire.sent()
    assert again == destroy
    wire.gives(type="destroy", room="lobby", seq=6, from_="ann")
    wire.gives(type="left", room="lobby", reason="destroy")
    wire.gives(type="error", re="join", id=join["id"], code="no_room", text="")
    wire.gives(type="ok", re="destroy", id=again["id"], room="lobby", seq=6, dup=True)
    assert wire.core.rooms == {}
    assert wire.told()[-1]["re"] == "destroy"


def test_a_join_of_a_room_left_meanwhile_is_answered(wire: Wire) -> None:
    """Join, leave, and the connection is lost: nobody waits for ever."""
    wire.core.submit({"type": "join", "room": "lobby"}, label="j")
    wire.core.submit({"type": "leave", "room": "lobby"}, label="l")
    wire.sent()
    wire.comes_back()
    assert [e["id"] for e in wire.told() if e["type"] == "error"] == ["j"]
    wire.welcomes()
    assert [frame["type"] for frame in wire.sent()] == ["hello", "leave"]


def test_a_script_may_say_where_it_stood(wire: Wire) -> None:
    """Since and epoch of an earlier run are used, and kept over reconnects."""
    where = {"since": 41, "epoch": EPOCH}
    wire.core.submit({"type": "join", "room": "lobby"} | where)
    wire.sent()
    wire.comes_back()
    wire.welcomes()
    assert wire.sent()[-1].items() >= where.items()


@pytest.mark.parametrize(
    "text",
    [
        "nonsense",
        "[]",
        '{"type":"welcome"}',
        '{"type":"welcome","user":"a","rooms":[{"room":"x"}],"session":1}',
        '{"type":"message","room":"lobby","seq":"7","ts":""}',
        '{"type":"gap"}',
        '{"type":"bye","code":"4001"}',
    ],
)
def test_nonsense_ends_the_client(wire: Wire, text: str) -> None:
    """A server that breaks the protocol is told about, and left for good."""
    wire.joins()
    wire.core.received(text, wire.now)
    assert wire.core.hang_up
    assert [event["code"] for event in wire.told()] == ["bad_server"]
    wire.core.received(text, wire.now)
    assert wire.told() == []
    assert wire.core.closed(None) is None


def test_an_empty_replay_begins_at_its_end(wire: Wire) -> None:
    """Where `last` found nothing, caught_up says where the room begins."""
    wire.joins(head=0, last=20)
    wire.gives(type="caught_up", room="lobby", epoch=EPOCH, seq=0, id=1)
    assert "id" not in wire.told()[0], "ids of the wire are not the user's"
    wire.gives(type="message", room="lobby", seq=2, from_="bob", text="hi")
    assert wire.told() == []
    assert wire.sent()[0]["since"] == 0


# --- rooms that are renamed -----------------------------------------------------


def test_a_room_goes_on_under_another_name(wire: Wire) -> None:
    """Nothing is joined again, and after a reconnect it is resumed by the new one."""
    wire.joins()
    rename = {"type": "rename", "room": "hall", "seq": 6, "was": ["lobby"]}
    wire.gives(type="renamed", room="hall", was=["lobby"])
    wire.gives(**rename, name="hall", from_="ann", ts=TS)
    wire.gives(type="message", room="hall", seq=7, from_="bob", text="hi", ts=TS)
    assert [event.get("seq") for event in wire.told()] == [None, 6, 7]
    assert wire.sent() == []
    wire.comes_back()
    wire.sent()
    wire.welcomes({"room": "hall", "epoch": EPOCH, "seq": 7, "was": ["lobby"]})
    (join,) = wire.sent()
    assert join == {"id": join["id"]} | {
        "type": "join",
        "room": "hall",
        "since": 7,
        "epoch": EPOCH,
    }


def test_a_name_that_was_given_meanwhile_is_learned_from_the_welcome(
    wire: Wire,
) -> None:
    """The room goes on there, and what waits to be sent is about it by that name."""
    wire.joins()
    wire.core.closed(None)
    wire.core.submit({"type": "send", "room": "Lobby", "text": "hi"}, label=1)
    wire.core.submit({"type": "create", "room": "lobby"}, label=2)
    wire.core.connected(wire.now)
    wire.sent()
    was = ["lobby", "hall"]
    wire.welcomes({"room": "attic", "epoch": EPOCH, "seq": 9, "was": was})
    join, send = wire.sent()
    wire.gives(type="ok", re="send", id=send["id"], room="attic", seq=10)
    (create,) = wire.sent()
    assert [(frame["type"], frame["room"]) for frame in (join, send, create)] == [
        ("join", "attic"),
        ("send", "attic"),
        ("create", "lobby"),
    ]
    assert join["since"] == 5
    assert all(event["type"] != "left" for event in wire.told())


def test_a_join_by_the_old_name_follows_the_room_by_the_new_one(wire: Wire) -> None:
    """Also where both are asked for: it is one room."""
    for name in ("garden", "orchard"):
        wire.core.submit({"type": "join", "room": name}, label=name)
    joins = wire.sent()
    ok = {"type": "ok", "re": "join", "room": "orchard", "epoch": EPOCH, "seq": 5}
    for join in joins:
        wire.gives(**ok, id=join["id"], was=["garden"])
    assert [event["id"] for event in wire.told()] == ["garden", "orchard"]
    assert list(wire.core.rooms) == ["orchard"]
    wire.gives(type="message", room="orchard", seq=6, from_="bob", text="hi", ts=TS)
    assert [event["seq"] for event in wire.told()] == [6]
    assert wire.sent() == []


def test_a_gap_may_hide_the_event(wire: Wire) -> None:
    """The name is known all the same, and what is missing is asked for by it."""
    wire.joins()
    wire.gives(type="renamed", room="hall", was=["lobby"])
    wire.gives(type="gap", room="hall", have=5, seq=8)
    (join,) = wire.sent()
    assert (join["room"], join["since"]) == ("hall", 5)


def test_names_that_are_none_end_the_connection(wire: Wire) -> None:
    """As any other nonsense does."""
    wire.gives(type="renamed", room="hall", was="lobby")
    assert wire.core.hang_up
    (error,) = wire.told()
    assert error["code"] == "bad_server"
