"""Rooms and roles as people meet them: a real daemon and clients that are not ours."""

from __future__ import annotations

from pathlib import Path

import trio

from tests.live.daemon import Daemon, Frame, Person, person, running
from tests.live.test_conversation import add_account

PASSWORD = "correct horse"
PEOPLE = ("ann", "bob", "cy")


async def log_in(who: Person, name: str) -> Frame:
    """Say hello as an account."""
    return await who.hello(name=name, password=PASSWORD)


async def act(who: Person, type_: str, **fields: object) -> Frame:
    """Have something done that is allowed."""
    frame = await who.ask(type=type_, **fields)
    assert frame["type"] == "ok", frame
    return frame


async def test_a_private_room_is_kept_in_order_over_a_restart(tmp_path: Path) -> None:
    """Create, invite, join, kick, ban for a second, mute, role, settings."""
    data = tmp_path / "data"
    for name in PEOPLE:
        add_account(data, name, PASSWORD)
    async with running(data) as daemon:
        room = await begin(daemon)
    async with running(data) as daemon:
        await go_on(daemon, room)


async def test_who_was_removed_takes_back_what_he_said(tmp_path: Path) -> None:
    """Over a restart, and once, however often he asks; the room shows it as deleted."""
    data = tmp_path / "data"
    for name in PEOPLE[:2]:
        add_account(data, name, PASSWORD)
    async with running(data) as daemon, person(daemon.url) as ann:
        await log_in(ann, "ann")
        room = (await act(ann, "create", private=True))["room"]
        async with person(daemon.url) as bob:
            await log_in(bob, "bob")
            await act(ann, "invite", room=room, user="bob")
            await act(bob, "join", room=room)
            of = (await act(bob, "send", room=room, text="walrus"))["seq"]
            await act(ann, "ban", room=room, user="bob")
            await bob.hear_until(type="left")
    command = {"room": room, "of": of, "cid": "back"}
    async with (
        running(data) as daemon,
        person(daemon.url) as ann,
        person(daemon.url) as bob,
    ):
        await log_in(bob, "bob")
        await log_in(ann, "ann")
        await act(ann, "join", room=room)
        for is_again in (False, True):
            ok = await act(bob, "delete", **command)
            assert (ok["seq"], ok.get("dup", False)) == (of, is_again)
        deleted = await ann.hear_until(type="delete")
        assert (deleted["from"], deleted["of"]) == ("bob", of)
        page = await act(ann, "history", room=room)
        assert [m.get("deleted") for m in page["messages"]] == [True]
        none = "~" + "a" * 16
        answers = [
            await bob.ask(type="delete", room=name, of=of) for name in (room, none)
        ]
        assert answers[0]["text"].replace(room, none) == answers[1]["text"]
        assert {answer["code"] for answer in answers} == {"no_room"}


async def begin(daemon: Daemon) -> str:
    """Two people in a private room, and one who was removed from it."""
    async with (
        person(daemon.url) as ann,
        person(daemon.url) as bob,
        person(daemon.url) as cy,
    ):
        for who, name in zip((ann, bob, cy), PEOPLE, strict=True):
            await log_in(who, name)
        created = await act(ann, "create", private=True, title="The den", cid="1")
        room: str = created["room"]
        again = await act(ann, "create", private=True, title="The den", cid="1")
        assert (again["room"], again["dup"]) == (room, True)
        await act(ann, "join", room=room)
        hidden = await cy.ask(type="join", room=room)
        none = await cy.ask(type="join", room="~" + "a" * 16)
        assert hidden["text"].replace(room, "") == none["text"].replace(
            "~" + "a" * 16, ""
        )
        for who, name in ((bob, "bob"), (cy, "cy")):
            await act(ann, "invite", room=room, user=name)
            invited = await who.hear_until(type="invited")
            assert invited == {
                "type": "invited",
                "room": room,
                "title": "The den",
                "from": "ann",
            }
            await act(who, "join", room=room)
        await act(bob, "send", room=room, text="hi")
        refused = await bob.ask(type="kick", room=room, user="cy")
        assert refused["code"] == "forbidden"
        await act(ann, "kick", room=room, user="cy", reason="noise")
        gone = await cy.hear_until(type="member", change="kick")
        assert (gone["user"], gone["from"], gone["reason"]) == ("cy", "ann", "noise")
        assert await cy.hear() == {"type": "left", "room": room, "reason": "kick"}
        back = await cy.ask(type="join", room=room)
        assert back["code"] == "no_room"
        await act(ann, "role", room=room, user="bob", role="moderator")
        await act(bob, "invite", room=room, user="cy")
        await act(bob, "mute", room=room, user="cy", reason="later")
        await act(ann, "room", room=room, slow_s=3600, topic="tea")
        return room


async def go_on(daemon: Daemon, room: str) -> None:
    """Everything is as it was; then it ends."""
    async with (
        person(daemon.url) as ann,
        person(daemon.url) as bob,
        person(daemon.url) as cy,
    ):
        await log_in(ann, "ann")
        welcome = await log_in(bob, "bob")
        assert [(r["room"], r["title"]) for r in welcome["rooms"]] == [
            (room, "The den")
        ]
        (invite,) = (await log_in(cy, "cy"))["invites"]
        assert (invite["room"], invite["from"]) == (room, "bob")
        joined = await act(bob, "join", room=room)
        assert (joined["role"], joined["slow_s"], joined["topic"]) == (
            "moderator",
            3600,
            "tea",
        )
        await act(cy, "join", room=room)
        muted = await cy.ask(type="send", room=room, text="hi")
        assert (muted["code"], "retry_after" in muted) == ("muted", False)
        await act(bob, "unmute", room=room, user="cy")
        await act(cy, "send", room=room, text="one")
        slow = await cy.ask(type="send", room=room, text="two")
        assert slow["code"] == "rate_limited"
        assert 3590 < slow["retry_after"] <= 3600
        await act(ann, "join", room=room)
        leave = await ann.ask(type="leave", room=room)
        assert leave["code"] == "forbidden"
        await act(ann, "role", room=room, user="bob", role="owner")
        await act(ann, "leave", room=room)


async def test_a_ban_lapses_by_itself(tmp_path: Path) -> None:
    """For a second nobody gets in; then he is told as anybody else."""
    data = tmp_path / "data"
    for name in PEOPLE:
        add_account(data, name, PASSWORD)
    async with (
        running(data) as daemon,
        person(daemon.url) as ann,
        person(daemon.url) as bob,
    ):
        await log_in(ann, "ann")
        await log_in(bob, "bob")
        await act(ann, "create", room="garden")
        await act(bob, "join", room="garden")
        banned = await act(ann, "ban", room="garden", user="bob", **{"for": 1})
        event = await bob.hear_until(type="member", change="ban")
        assert event["seq"] == banned["seq"]
        assert (await bob.hear())["reason"] == "ban"
        refused = await bob.ask(type="join", room="garden")
        assert refused["code"] == "banned"
        assert 0 < refused["retry_after"] <= 1
        await trio.sleep(refused["retry_after"])
        joined = await act(bob, "join", room="garden")
        assert joined["seq"] == banned["seq"] + 1
