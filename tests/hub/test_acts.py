"""What the log says of what moderators and the operator do."""

from __future__ import annotations

from typing import Any

import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from chatd.errors import StoreUnavailable
from tests.hub.support import DEN, running
from tests.logs import capture_logs
from tests.store.memory import MemoryStore


async def test_what_moderators_do_is_in_the_log(autojump_clock: MockClock) -> None:
    """A line for each act: who, what, where, whom; none for a retry, for what changes
    nothing or is refused, for an invitation, for a message; no reason.
    """
    async with running() as rig:
        ann = await rig.login("ann")
        bob = await rig.login("bob")
        with capture_logs() as lines:
            await ann.ask("send", room=DEN, text="hunter2")
            await ann.ask("invite", room=DEN, user="cy")
            await bob.ask("kick", room=DEN, user="ann")
            await ann.ask("role", room=DEN, user="bob", role="moderator")
            mute = {"room": DEN, "user": "bob", "reason": "hunter2", "cid": "1"}
            await ann.ask("mute", **mute | {"for": 60})
            await ann.ask("mute", **mute | {"for": 60})
            await ann.ask("unmute", room=DEN, user="bob")
            await ann.ask("unmute", room=DEN, user="bob")
            await ann.ask("ban", room=DEN, user="bob")
            await ann.ask("room", room=DEN, topic="hunter2")
            await ann.ask("rename", room=DEN, name="lair")
            await ann.ask("destroy", room="lair")
        assert {line.pop("event") for line in lines} == {"moderation"}
        assert {line.pop("by") for line in lines} == {"ann"}
        assert {line.pop("level") for line in lines} == {"info"}
        until = lines[1].pop("until")
        assert until == "2026-09-21T14:14:20.000Z"
        assert lines == [
            {"what": "role", "room": DEN, "user": "bob", "role": "moderator"},
            {"what": "mute", "room": DEN, "user": "bob"},
            {"what": "unmute", "room": DEN, "user": "bob"},
            {"what": "ban", "room": DEN, "user": "bob"},
            {"what": "settings", "room": DEN, "keys": ["topic"]},
            {"what": "rename", "room": DEN, "name": "lair"},
            {"what": "destroy", "room": "lair"},
        ]


async def test_what_the_operator_does_is_in_the_log(autojump_clock: MockClock) -> None:
    """A line for each act; none for what is refused or changes nothing, no secret."""
    async with running() as rig:
        ann = await rig.login("ann")
        operator = rig.connect(is_operator=True)
        secret = "correct horse"
        with capture_logs() as lines:
            await operator.answer("user_add", name="dan", password=secret)
            await operator.answer("user_add", name="dan", password=secret)
            await operator.answer("user_password", user="dan", password=secret)
            await operator.answer("user_role", user="dan", role="admin")
            await operator.answer("user_ban", user="bob", reason=secret, **{"for": 60})
            await operator.answer("user_unban", user="bob")
            await operator.answer("user_unban", user="bob")
            token = await operator.answer("token_issue", user="bob")
            await operator.answer("token_revoke", token=token["token"])
            await operator.answer("announce", text=secret)
            await operator.answer("disconnect", connection=ann.outlet.id)
            await operator.answer("disconnect", connection=ann.outlet.id)
            await operator.answer("user_logout", user="ann")
            await operator.answer("user_logout", user="nobody")
            await operator.answer("invitation_create", role="admin")
            await operator.answer("invitation_revoke", invitation=1)
            await operator.answer("create", room="hall")
            await operator.answer("user_erase", user="dan")
        assert {line.pop("level") for line in lines} == {"info"}
        assert {line.pop("by") for line in lines} == {"*operator"}
        words = [line.pop("event") for line in lines]
        made = lines.pop(words.index("moderation"))
        assert made == {"what": "create", "room": "hall"}
        assert words.count("administration") == len(lines)
        until = lines[3]["until"]
        assert lines == [
            {"what": "add", "user": "dan", "role": "user"},
            {"what": "password", "user": "dan"},
            {"what": "role", "user": "dan", "role": "admin"},
            {"what": "ban", "user": "bob", "until": until},
            {"what": "unban", "user": "bob"},
            {"what": "token_issue", "user": "bob", "number": 1},
            {"what": "token_revoke", "user": "bob", "number": 1},
            {"what": "announce"},
            {"what": "disconnect", "connection": ann.outlet.id},
            {"what": "logout", "user": "ann"},
            {"what": "invitation_create", "invitation": 1, "role": "admin"},
            {"what": "invitation_revoke", "invitation": 1},
            {"what": "erase", "user": "dan"},
        ]


async def test_what_is_stored_late_is_done_and_in_the_log(
    autojump_clock: MockClock,
) -> None:
    """Whoever asked for it was told that it may be, and hears nothing more of it."""
    store = MemoryStore()
    async with running(store) as rig:
        ann, bob = await rig.login("ann"), await rig.login("bob")
        operator = rig.connect(is_operator=True)
        second = rig.connect(is_operator=True)
        await trio.sleep(10)
        store.set_stalled(True)
        with capture_logs() as lines:
            ann.say("kick", room=DEN, user="bob")
            operator.say("user_ban", user="bob")
            second.say("announce", text="tea")
            await trio.sleep(5.1)
            for peer in (operator, second):
                (error,) = peer.take()
                assert error["code"] == "unavailable"
                assert "look before you ask again" in error["text"]
            assert bob.outlet.ending is None
            assert [frame["type"] for frame in ann.take()] == ["error"]
            store.set_stalled(False)
            await wait_all_tasks_blocked()
        assert bob.outlet.ending is not None
        assert {"type": "announcement", "text": "tea"} in ann.take()
        assert operator.take() == second.take() == []
        waits, *done = [(line["event"], line.get("what")) for line in lines]
        assert waits == ("this is not done before it is in the audit", "announce")
        assert done == [
            ("moderation", "kick"),
            ("administration", "ban"),
            ("administration", "announce"),
        ]


async def test_what_cannot_be_kept_is_not_done(autojump_clock: MockClock) -> None:
    """That is told whoever asks, and the log."""
    store = MemoryStore()
    async with running(store) as rig:
        ann = await rig.login("ann")
        operator = rig.connect(is_operator=True)
        store.set_failing(StoreUnavailable("disk full"))
        with capture_logs() as lines:
            for act in ({"type_": "announce", "text": "tea"}, _END):
                reply = await operator.answer(**act)
                assert (reply["type"], reply["code"]) == ("error", "unavailable")
                assert "disk full" in reply["text"]
        assert ann.outlet.ending is None
        assert ann.take() == []
        assert [(line["event"], line["what"]) for line in lines] == [
            ("this was not done: it could not be kept in the audit", "announce"),
            ("this was not done: it could not be kept in the audit", "disconnect"),
        ]
        store.set_failing(None)
        assert (await operator.answer(**_END))["ended"] == 1


async def test_what_a_stalled_store_is_not_given_is_in_the_log(
    autojump_clock: MockClock,
) -> None:
    """It is refused at once, and not done later either."""
    store = MemoryStore()
    async with running(store) as rig:
        ann = await rig.login("ann")
        operator = rig.connect(is_operator=True)
        await trio.sleep(10)
        store.set_stalled(True)
        ann.say("send", room=DEN, text="hi")
        await trio.sleep(5.1)
        with capture_logs() as lines:
            reply = await operator.answer(**_END)
            assert reply["code"] == "unavailable"
            store.set_stalled(False)
            await wait_all_tasks_blocked()
        assert ann.outlet.ending is None
        (line,) = lines
        assert line["event"].startswith("this was not done")
        assert (line["level"], line["what"]) == ("warning", "disconnect")


_END: dict[str, Any] = {"type_": "disconnect", "user": "ann"}


async def test_who_comes_in_is_in_the_log(autojump_clock: MockClock) -> None:
    """A line for each new session, with its way; none where one goes on."""
    async with running() as rig:
        with capture_logs() as lines:
            guest = rig.connect()
            await guest.answer("hello", name="Zoe")
            await rig.login("ann")
            second = rig.connect()
            await second.answer("hello", session="ann", another=True)
        logins = [line for line in lines if line["event"] == "login"]
        assert [line["way"] for line in logins] == ["guest", "session"]
        assert logins[0]["user"].startswith("zoe~")
        assert logins[1] == {
            "event": "login",
            "level": "info",
            "address": "192.0.2.1",
            "user": "ann",
            "way": "session",
            "role": "user",
            "connection": 3,
        }
