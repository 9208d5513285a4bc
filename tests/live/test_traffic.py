"""One long conversation, in which everything of the protocol is said and heard.

Each frame is held against the schema as it passes (`Person.hear`, `Person.ask`); in
the end nothing of the schema may be missing. Who adds a command or an event adds a
line here.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import trio
from websockets.exceptions import ConnectionClosed

from chatd.store.sqlite.files import BackupNote, write_backup_note
from chatd.wire.schema import COMMANDS, EVENTS, REPLIES, name_of
from tests.live.daemon import Daemon, Person, operator, person, running
from tests.live.test_conversation import add_account, issue_token
from tests.wire.contract import OPEN, Frame, Traffic

UNHEARD = {
    "GapEvent": "only a slow reader gets one: tests/live/test_slow.py",
    "ExpiringEvent": "tokens of a few seconds: tests/live/test_accounts.py",
}
"""What is missing in this conversation, and where it is heard instead."""
UNSAID = {"DrainCommand": "it ends the daemon: tests/live/test_operator.py"}
"""Commands that nobody says in this conversation, and where they are said instead."""

PASSWORD = "correct horse"
ENV = {
    "CHATD_PRESENCE__TICK_S": "0.2",
    "CHATD_PRESENCE__GRACE_S": "0",
    "CHATD_ROOMS__READ_RECEIPTS": "true",
    "CHATD_LIMITS__MESSAGES_BURST": "40",
    "CHATD_LIMITS__TEXT_CHARS": "40",
    "CHATD_AUTH__REGISTRATION": "open",
}


async def granted(who: Person, **fields: object) -> Frame:
    """Send a command that is granted."""
    reply = await who.ask(**fields)
    assert reply["type"] == "ok", reply
    return reply


async def refused(who: Person, code: str, **fields: object) -> Frame:
    """Send a command that is refused, with this code."""
    reply = await who.ask(**fields)
    assert (reply["type"], reply["code"]) == ("error", code), reply
    return reply


async def closed(who: Person, code: int) -> None:
    """Hear what still comes, until the connection is closed with this code."""
    with pytest.raises(ConnectionClosed) as end:
        while True:
            await who.hear()
    assert end.value.rcvd is not None
    assert end.value.rcvd.code == code


async def come_in(daemon: Daemon, traffic: Traffic, token: str) -> None:
    """Every way to say hello, and what is wrong with others."""
    async with person(daemon.url, traffic) as ann:
        about = await granted(ann, type="about", id=1)
        assert (about["place"], about["registration"]) == ("chatd", "open")
        await refused(ann, "not_authenticated", type="ping")
        await refused(ann, "bad_credentials", type="hello", name="ann", password="x")
        await refused(ann, "bad_field", type="hello", name="ann", token="x")
        session = (await ann.hello(name="Ann", password=PASSWORD, id="h"))["session"]
        await refused(ann, "forbidden", type="hello", name="ann")
        async with person(daemon.url, traffic) as newer:
            await newer.hello(session=session, token=None)
            await closed(ann, 4506)
            async with person(daemon.url, traffic) as tab:
                beside = await tab.hello(session=session, another=True)
                assert beside["session"] != session
                await granted(newer, type="ping")
            await granted(newer, type="logout")
            await closed(newer, 1000)
    async with person(daemon.url, traffic) as ann:
        await ann.hello(token=token)
    bearer = {"Authorization": f"Bearer {token}"}
    async with person(daemon.url, traffic, additional_headers=bearer) as ann:
        await ann.hello()
    async with person(daemon.url, traffic) as silent:
        await silent.hello()


async def have_an_account(daemon: Daemon, traffic: Traffic, token: str) -> None:
    """What becomes of one's own account, password and token."""
    async with person(daemon.url, traffic) as fay:
        new = {"name": "fay", "password": PASSWORD, "display": "Fay"}
        await granted(fay, type="register", **new, id=1)
        await refused(fay, "name_taken", type="register", **new)
        await fay.hello(name="fay", password=PASSWORD, device="desk")
        async with person(daemon.url, traffic) as phone:
            await phone.hello(name="fay", password=PASSWORD, device="phone")
            page = await granted(fay, type="sessions", limit=1)
            page = await granted(fay, type="sessions", after=page["next"], id=1)
            page = await granted(fay, type="sessions")
            (other,) = [s for s in page["sessions"] if "current" not in s]
            assert (other["device"], other["connected"]) == ("phone", True)
            await granted(fay, type="logout", session=other["session"])
            await closed(phone, 4505)
        await refused(fay, "no_session", type="logout", session=other["session"])
        await granted(fay, type="join", room="lobby")
        await granted(fay, type="password", old=PASSWORD, new="another one", id=2)
        await granted(fay, type="logout", everywhere=True)
        await closed(fay, 1000)
    async with person(daemon.url, traffic) as gil:
        await granted(gil, type="register", name="gil", password=PASSWORD)
        await gil.hello(name="gil", password=PASSWORD)
        end = {"password": PASSWORD, "messages": "reassign"}
        await refused(gil, "bad_field", type="account_delete", password="x", messages=1)
        await granted(gil, type="account_delete", **end, id=4)
        await closed(gil, 4505)
    async with person(daemon.url, traffic) as ann:
        await ann.hello(token=token)
        await granted(ann, type="refresh", token=token, id=3)


async def be_apart(daemon: Daemon, traffic: Traffic, ann: Person, bob: Person) -> None:
    """Mentions on every connection, and what is hidden by a block."""
    async with person(daemon.url, traffic) as other:
        await other.hello(name="bob", password=PASSWORD)
        await granted(bob, type="join", room="attic")
        await other.hear_until(type="joined", room="attic")
        await granted(ann, type="send", room="garden", text="@bob look")
        await other.hear_until(type="mention", room="garden")
        await bob.hear_until(type="mention", room="garden")
        missed = await granted(ann, type="send", room="garden", text="@dan, @bob")
        assert missed["unreached"] == ["dan"]
        await granted(ann, type="edit", room="garden", of=missed["seq"], text="@bob")
    await granted(ann, type="block", user="bob", id=1)
    await granted(ann, type="blocks", limit=1)
    await granted(bob, type="send", to="ann", text="psst")
    await ann.hear_until(type="hidden", room="@ann,bob")
    await granted(ann, type="history", room="@ann,bob")
    await granted(ann, type="unblock", user="bob", id=2)
    await granted(ann, type="blocks", after="bob")


async def write(ann: Person, bob: Person, cy: Person) -> None:
    """All that the timeline of a room can hold, live, replayed and looked up."""
    await granted(ann, type="profile", display="Ann A.")
    joined = await granted(ann, type="join", room="Garden", id=1)
    assert joined["created"]
    await granted(bob, type="join", room="garden")
    await granted(ann, type="send", room="garden", text="hi", cid="1", id=2)
    await granted(ann, type="send", room="garden", text="hi", cid="1", id=2)
    await refused(ann, "cid_conflict", type="send", room="garden", text="ho", cid="1")
    first = await bob.hear_until(type="message")
    await granted(bob, type="send", room="garden", text="ho", reply_to=first["seq"])
    await granted(ann, type="edit", room="garden", of=first["seq"], text="hi!")
    at = {"room": "garden", "of": first["seq"]}
    await granted(bob, type="react", **at, emoji="👍", cid="r")
    await granted(bob, type="history", room="garden", before=9, limit=10)
    about = {"room": "garden", "of": at["of"], "emoji": "👍"}
    page = await granted(bob, type="reactions", **about, after=1, limit=1, id=1)
    assert page["users"] == ["bob"]
    await granted(bob, type="react", **at, emoji="👍", on=False)
    await granted(bob, type="react", **at, emoji="👍")
    await refused(bob, "forbidden", type="pin", **at)
    await granted(ann, type="pin", **at, cid="p")
    assert (await bob.hear_until(type="pin"))["on"]
    page = await granted(bob, type="pins", room="garden", limit=1, id=4)
    assert [message["seq"] for message in page["messages"]] == [at["of"]]
    await granted(ann, type="pin", **at, on=False)
    await granted(ann, type="pins", room="garden", after=9)
    await granted(bob, type="bookmark", **at, id=5)
    page = await granted(bob, type="bookmarks", limit=1, id=6)
    assert [message["text"] for message in page["messages"]] == ["hi!"]
    await go_aside(ann, bob, at["of"])
    await refused(bob, "forbidden", type="delete", **at)
    await granted(ann, type="delete", **at, cid="d")
    await refused(ann, "no_message", type="edit", **at, text="x")
    await granted(bob, type="leave", room="garden")
    await bob.hear_until(type="left")
    await granted(bob, type="join", room="garden", last=50)
    await bob.hear_until(type="caught_up")
    place = {"since": 0, "epoch": joined["epoch"], "users": True}
    assert (await granted(bob, type="join", room="garden", **place, id=3))["recovered"]
    await bob.hear_until(type="caught_up", id=3)
    place = {"since": 0, "epoch": "0" * 16}
    assert not (await granted(bob, type="join", room="garden", **place))["recovered"]
    await granted(bob, type="history", room="garden", after=0)
    await refused(cy, "not_member", type="send", room="garden", text="psst")
    await granted(ann, type="send", to="bob", text="psst")
    await bob.hear_until(type="message", room="@ann,bob")


async def go_aside(ann: Person, bob: Person, root: int) -> None:
    """All that there is of a thread."""
    reply = {"type": "send", "room": "garden", "reply_to": root, "thread": True}
    await granted(bob, **reply, text="aside", cid="t1")
    await ann.hear_until(type="follow", thread=root)
    told = await ann.hear_until(type="thread", thread=root)
    page = await granted(ann, type="history", room="garden", thread=root, id=7)
    assert page["root"]["replies"]["unread"] == 1
    assert [message["text"] for message in page["messages"]] == ["aside"]
    page = await granted(ann, type="threads", unread=True, limit=1, id=8)
    assert [listed["message"]["seq"] for listed in page["threads"]] == [root]
    await granted(ann, type="read", room="garden", thread=root, seq=told["seq"], id=9)
    await ann.hear_until(type="thread_read", seq=told["seq"])
    assert (await granted(ann, type="threads", unread=True))["threads"] == []
    await granted(bob, type="follow", room="garden", thread=root, on=False)
    await refused(bob, "no_message", type="follow", room="garden", thread=999)
    await refused(bob, "bad_field", type="send", room="garden", text="x", thread=True)


async def be_seen(ann: Person, bob: Person, cy: Person) -> None:
    """What is never stored, and what can be looked up."""
    for who in (ann, bob, cy):
        await granted(who, type="join", room="lobby")
    await bob.hear_until(type="presence", online=3)
    await granted(ann, type="typing", room="lobby", id=1)
    await bob.hear_until(type="typing", **{"from": "ann"})
    await ann.say(type="typing", room="lobby", on=False)
    await bob.hear_until(type="typing", **{"for": 0})
    await granted(ann, type="send", room="lobby", text="good morning")
    await granted(ann, type="status", state="away", text="lunch", id=1)
    await _away(bob)
    await granted(bob, type="who", room="lobby", limit=1)
    await refused(bob, "no_user", type="who", room="@Bob,nobody")
    members = await granted(bob, type="who", room="lobby", after="Ann", all=True)
    assert {"name": "fay", "display": "Fay", "state": "offline"} in members["users"]
    await granted(bob, type="rooms", limit=1)
    await granted(bob, type="search", query="good")
    await granted(bob, type="rooms", after="garden")
    await granted(ann, type="status", state="online", id=1)
    await granted(bob, type="read", room="lobby", seq=1, id=1)
    await ann.hear_until(type="read", **{"from": "bob"})
    await granted(bob, type="read", room="lobby", seq=0, back=True, id=1)
    await granted(bob, type="notify", room="lobby", level="mentions")
    await bob.hear_until(type="notify")
    assert (await granted(bob, type="join", room="lobby"))["level"] == "mentions"
    await granted(cy, type="leave", room="lobby")
    await granted(bob, type="ping", id=2**53)


async def _away(who: Person) -> None:
    """Wait until a frame of presence tells that someone is away."""
    while "away" not in await who.hear_until(type="presence"):
        """Others come meanwhile."""


async def keep(daemon: Daemon, traffic: Traffic, bob: Person) -> None:
    """A bookmark, of which one's other devices are told."""
    sent = await granted(bob, type="send", room="garden", text="to be kept")
    at = {"room": "garden", "of": sent["seq"]}
    async with person(daemon.url, traffic) as phone:
        await phone.hello(name="bob", password=PASSWORD)
        await granted(phone, type="bookmark", **at)
        assert (await bob.hear_until(type="bookmark"))["on"]
        await granted(bob, type="bookmark", **at, on=False)
        assert not (await phone.hear_until(type="bookmark"))["on"]
        await granted(phone, type="bookmark", **at)
        await granted(phone, type="bookmarks", after=99)


async def keep_order(ann: Person, bob: Person, dan: Person) -> None:
    """Rooms with owners and moderators, and what those may do."""
    den = await granted(ann, type="create", private=True, title="Den", cid="den", id=1)
    await granted(ann, type="join", room=den["room"])
    await granted(ann, type="room", room=den["room"], topic="Rest", slow_s=1)
    await ann.hear_until(type="room", topic="Rest")
    await granted(ann, type="room", room=den["room"], archived=True)
    assert (await granted(ann, type="join", room=den["room"]))["archived"]
    await granted(ann, type="room", room=den["room"], archived=False)
    await granted(ann, type="invite", room=den["room"], user="bob")
    await bob.hear_until(type="invited", room=den["room"])
    await granted(bob, type="decline", room=den["room"], id=2)
    await ann.hear_until(type="member", change="decline")
    await granted(ann, type="invite", room="garden", user="dan")
    await granted(ann, type="standing", room="garden", limit=1)
    await granted(ann, type="invite", room="garden", user="dan", on=False)
    await dan.hear_until(type="uninvited", room="garden")
    await granted(ann, type="rename", room="garden", name="orchard", cid="new", id=3)
    await ann.hear_until(type="rename", room="orchard", was=["garden"])
    await granted(ann, type="rename", room="garden", name="garden")
    await granted(ann, type="destroy", room=den["room"], cid="end", id=3)
    await ann.hear_until(type="destroy", room=den["room"])
    await ann.hear_until(type="left", reason="destroy")
    await granted(dan, type="join", room="garden")
    on = {"room": "garden", "user": "dan"}
    await granted(ann, type="role", **on, role="moderator")
    await granted(ann, type="role", **on, role="member")
    await granted(ann, type="mute", **on, **{"for": 60}, reason="noise")
    await refused(dan, "muted", type="send", room="garden", text="x")
    assert (await granted(dan, type="join", room="garden"))["mute"]["reason"] == "noise"
    assert (await granted(ann, type="standing", room="garden", after="Cy"))["users"]
    await granted(ann, type="unmute", **on)
    await granted(ann, type="kick", **on, reason="noise")
    await dan.hear_until(type="left", reason="kick")
    await granted(ann, type="ban", **on, **{"for": 3600})
    await refused(dan, "banned", type="join", room="garden")
    await granted(ann, type="standing", room="garden", limit=1)
    await granted(ann, type="unban", **on)
    page = await granted(ann, type="history", room="garden", events=True)
    assert {event["type"] for event in page["events"]} == {"member", "rename"}
    mutes = [event for event in page["events"] if event.get("change") == "mute"]
    assert [mute["reason"] for mute in mutes] == ["noise"]


async def name_it(daemon: Daemon, traffic: Traffic, bob: Person) -> None:
    """An administrator says what the place is called."""
    await refused(bob, "forbidden", type="place", name="Bobland")
    async with person(daemon.url, traffic) as ada:
        await ada.hello(name="ada", password=PASSWORD)
        await granted(ada, type="place", name="Northwind", id=1)
        await bob.hear_until(type="place", name="Northwind")


async def ask_in(daemon: Daemon, traffic: Traffic, bob: Person) -> None:
    """Invitations to the server, and a link to one's other device."""
    linked = await granted(bob, type="link", id=1)
    async with person(daemon.url, traffic) as phone:
        await refused(phone, "bad_field", type="hello", name="bob", link="x")
        await phone.hello(link=linked["secret"])
    await refused(bob, "forbidden", type="invitation_create", room="garden")
    async with person(daemon.url, traffic) as ada:
        await ada.hello(name="ada", password=PASSWORD)
        fields = {"uses": 2, "for": 60, "room": "garden", "role": "admin"}
        made = await granted(ada, type="invitation_create", **fields, id=1)
        await granted(ada, type="invitation_create")
        async with person(daemon.url, traffic) as new:
            by = {"password": PASSWORD, "invite": made["secret"]}
            await granted(new, type="register", name="hal", **by)
            await refused(
                new, "bad_invitation", type="register", name="x", **by | {"invite": "?"}
            )
            assert (await new.hello(name="hal", password=PASSWORD))["role"] == "admin"
        page = await granted(ada, type="invitations", limit=1, id=2)
        page = await granted(ada, type="invitations", after=page["next"])
        (kept,) = page["invitations"]
        assert (kept["users"], kept["room"]) == (["hal"], "garden")
        await granted(ada, type="invitation_revoke", invitation=kept["invitation"])
        await refused(ada, "no_invitation", type="invitation_revoke", invitation=99)


async def operate(daemon: Daemon, traffic: Traffic, config: Path) -> None:
    """What the operator asks and does at the admin socket."""
    async with (
        person(daemon.url, traffic) as fay,
        operator(daemon, traffic) as root,
    ):
        await fay.hello(name="flora", device="desk")
        reported = await granted(root, type="report", id=1)
        assert (reported["pid"], reported["ready"]) == (daemon.process.pid, True)
        assert reported["store"]["bytes"] > 0
        write_backup_note(daemon.data, BackupNote(1_790_000_000_000, "/mnt/copy", 1))
        reported = await granted(root, type="report")
        assert reported["store"]["backup"]["file"] == "/mnt/copy"
        await granted(root, type="connections", busiest=True)
        page = await granted(root, type="connections", limit=1)
        page = await granted(root, type="connections", after=page["next"])
        (mine,) = [one for one in page["connections"] if one.get("device") == "desk"]
        assert mine["user"].startswith("flora~")
        await refused(root, "forbidden", type="ping")
        assert (await granted(root, type="busy_rooms", limit=5))["rooms"] == []
        said = await granted(root, type="announce", text="tea at five")
        assert said["users"] > 0
        assert (await fay.hear_until(type="announcement"))["text"] == "tea at five"
        await granted(root, type="create", room="ground", owner="ann")
        await granted(root, type="destroy", room="ground")
        page = await granted(root, type="audit", operator=True, limit=1)
        assert page["entries"][0]["what"] == "destroy"
        await granted(root, type="audit", room="ground", after=page["next"], id=3)
        ended = await granted(root, type="disconnect", connection=mine["connection"])
        assert ended["ended"] == 1
        await closed(fay, 4507)
        await refused(root, "bad_field", type="disconnect")
        await granted(root, type="disconnect", user="nobody", id=2)
        await administer(root)
        assert (await granted(root, type="reload"))["changed"] == []
        await granted(root, type="log_level", level="debug")
        await granted(root, type="log_level", level="info", **{"for": 60}, id=2)
        changed = ("[limits]", "frame_bytes = 100000", "[server]", 'unix_mode = "0600"')
        await trio.Path(config).write_text("\n".join(changed))
        reloaded = await granted(root, type="reload", id=3)
        assert reloaded["changed"] == reloaded["connect"] == ["limits.frame_bytes"]
        assert reloaded["restart"] == ["server.unix_mode"]


async def administer(root: Person) -> None:
    """What the operator does to accounts."""
    gus = {"user": "gus"}
    await granted(root, type="user_add", name="gus", password=PASSWORD, id=1)
    await granted(root, type="user_password", **gus, password="battery staple")
    await granted(root, type="user_role", **gus, role="bot")
    await granted(root, type="user_ban", **gus, reason="spam", **{"for": 60})
    await granted(root, type="user_unban", **gus)
    await granted(root, type="user_logout", **gus)
    issued = await granted(root, type="token_issue", **gus, rooms=["lobby"])
    await granted(root, type="token_revoke", token=issued["token"])
    await refused(root, "no_token", type="token_revoke", token=issued["token"])
    made = await granted(root, type="invitation_create", room="lobby")
    await granted(root, type="invitations")
    await granted(root, type="invitation_revoke", invitation=made["invitation"])
    await refused(root, "no_session", type="user_logout", **gus, session="0" * 10)
    await refused(root, "name_taken", type="user_add", name="gus", role="bot")
    await granted(root, type="user_erasure", **gus)
    await granted(root, type="user_erase", **gus, messages="reassign")
    await refused(root, "no_user", type="user_erase", **gus)


async def stumble(ann: Person, cy: Person) -> None:
    """Every way to be refused that a person can walk into."""
    for bad, code in (("{", "bad_json"), (b"{}", "bad_frame")):
        await ann.ws.send(bad)
        assert (await ann.hear_until(type="error"))["code"] == code
    for fields, code in (
        ({"type": "snd", "room": "lobby", "id": "x"}, "bad_type"),
        ({"type": "send", "room": "lobby", "cid": "c"}, "bad_field"),
        ({"type": "send", "room": "lobby", "text": "x", "to": "bob"}, "bad_field"),
        ({"type": "join", "room": "lobby", "since": 1}, "bad_field"),
        ({"type": "history", "room": "lobby", "limit": 101}, "bad_field"),
    ):
        assert not OPEN["ClientFrame"].is_valid(fields)
        await refused(ann, code, **fields)
    await refused(ann, "too_long", type="send", room="lobby", text="x" * 41)
    await refused(ann, "no_user", type="send", to="eve", text="x")
    await refused(ann, "no_room", type="history", room="nowhere")
    await refused(cy, "forbidden", type="send", to="ann", text="x")
    for _ in range(60):
        await ann.say(type="send", room="lobby", text="x")
    assert (await ann.hear_until(code="rate_limited"))["retry_after"] > 0


async def test_everything_is_said_and_heard(tmp_path: Path) -> None:
    """Each frame is in the schema, and each frame of the schema is among them."""
    data, config = tmp_path / "data", tmp_path / "chatd.toml"
    config.write_text("")
    for name in ("ann", "bob", "dan"):
        add_account(data, name, PASSWORD)
    add_account(data, "ada", PASSWORD, "--admin")
    token = issue_token(data, "ann")
    traffic = Traffic()
    async with running(data, "-c", str(config), env=ENV) as daemon:
        await come_in(daemon, traffic, token)
        await have_an_account(daemon, traffic, token)
        async with (
            person(daemon.url, traffic) as ann,
            person(daemon.url, traffic) as bob,
            person(daemon.url, traffic) as cy,
            person(daemon.url, traffic) as dan,
        ):
            await ann.hello(name="ann", password=PASSWORD)
            await bob.hello(name="bob", password=PASSWORD)
            await cy.hello(name="cy")
            await dan.hello(name="dan", password=PASSWORD)
            await write(ann, bob, cy)
            await keep(daemon, traffic, bob)
            await be_seen(ann, bob, cy)
            await be_apart(daemon, traffic, ann, bob)
            await keep_order(ann, bob, dan)
            await name_it(daemon, traffic, bob)
            await ask_in(daemon, traffic, bob)
            await operate(daemon, traffic, config)
            await stumble(ann, cy)
            for who in (ann, bob, cy, dan):
                await granted(who, type="logout")
                await closed(who, 1000)
    heard = {name_of(cls) for cls in (*EVENTS, *REPLIES)}
    said = {name_of(cls) for cls in COMMANDS}
    assert heard - traffic.heard.keys() == UNHEARD.keys()
    assert said - traffic.said.keys() == UNSAID.keys()
