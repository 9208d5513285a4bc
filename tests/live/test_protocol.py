"""What the protocol promises at its edges, asked of the whole program."""

from __future__ import annotations

from pathlib import Path

import pytest
import trio
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.live.daemon import PATIENCE_S, Person, person, running
from tests.live.test_conversation import HANDSHAKE, add_account, masked


async def closed_with(who: Person) -> int:
    """Read to the end, and return the close code."""
    with pytest.raises(ConnectionClosed) as closed:
        while True:
            await who.hear()
    assert closed.value.rcvd is not None
    return closed.value.rcvd.code


async def test_ends_that_the_server_chooses(tmp_path: Path) -> None:
    """No hello 4501, wrong credentials 4500, too big 1009, one device too many 4504."""
    data = tmp_path / "data"
    add_account(data, "ann", "correct horse")
    env = {
        "CHATD_AUTH__LOGIN_TIMEOUT_S": "1",
        "CHATD_LIMITS__CONNECTIONS_PER_USER": "1",
        "CHATD_LIMITS__CONNECTIONS_PER_ADDRESS": "3",
    }
    async with running(data, env=env) as daemon:
        async with person(daemon.url) as silent:
            bye = await silent.hear()
            assert (bye["type"], bye["code"], bye["reconnect"]) == ("bye", 4501, False)
            assert await closed_with(silent) == 4501
        async with person(daemon.url) as eve:
            for _ in range(3):
                await eve.say(type="hello", name="ann", password="wrong horse")
            assert await closed_with(eve) == 4500
        async with person(daemon.url) as ann, person(daemon.url) as second:
            await ann.hello(name="ann", password="correct horse")
            await second.say(type="hello", name="ann", password="correct horse")
            assert await closed_with(second) == 4504
            async with person(daemon.url), person(daemon.url):
                with pytest.raises(InvalidStatus) as refused:
                    async with person(daemon.url):
                        """Three are there from this address."""
                assert refused.value.response.status_code == 503
                assert refused.value.response.headers["Retry-After"]
            await ann.ws.send("x" * 65_537)
            assert await closed_with(ann) == 1009


async def test_a_peer_without_a_pong_is_ended(tmp_path: Path) -> None:
    """First the ping, then 4004; whoever answers stays."""
    env = {
        "CHATD_HEARTBEAT__INTERVAL_S": "1",
        "CHATD_HEARTBEAT__TIMEOUT_S": "1",
    }
    async with (
        running(tmp_path / "data", env=env) as daemon,
        person(daemon.url) as ann,
        await trio.open_tcp_stream("127.0.0.1", daemon.port) as mute,
    ):
        await ann.hello(name="ann")
        await mute.send_all(HANDSHAKE + masked(b'{"type":"hello","name":"bob"}'))
        heard = b""
        with trio.fail_after(PATIENCE_S):
            while b"\x88" not in heard[-64:]:
                heard += await mute.receive_some(4096)
        assert b"\x89\x00" in heard, "it was never pinged"
        assert b'"code":4004' in heard
        assert (await ann.ask(type="ping"))["type"] == "ok"


async def test_presence_of_two_devices(tmp_path: Path) -> None:
    """Two are one, away is when both are; a drop has a grace, a logout has none."""
    data = tmp_path / "data"
    add_account(data, "ann", "correct horse")
    env = {"CHATD_PRESENCE__GRACE_S": "1", "CHATD_PRESENCE__TICK_S": "0.2"}
    ann = {"name": "ann", "password": "correct horse"}
    async with running(data, env=env) as daemon, person(daemon.url) as bob:
        await bob.hello(name="bob")
        await bob.ask(type="join", room="lobby")
        async with person(daemon.url) as phone:
            await phone.hello(**ann)
            await phone.ask(type="join", room="lobby")
            frame = await bob.hear_until(type="presence")
            while "ann" not in [user["name"] for user in frame.get("join", [])]:
                frame = await bob.hear_until(type="presence")
            assert frame["online"] == 2
            async with person(daemon.url) as desk:
                await desk.hello(**ann)
                await desk.ask(type="status", state="away", id=1)
                await phone.ask(type="status", state="away", text="lunch", id=1)
                frame = await bob.hear_until(type="presence")
                assert frame["away"] == [{"name": "ann", "text": "lunch"}]
                await desk.ask(type="status", state="online", id=1)
                frame = await bob.hear_until(type="presence")
                assert frame["back"] == ["ann"]
                await phone.ask(type="read", room="lobby", seq=0, id=1)
                await desk.ask(type="logout")
            # The phone is away: that is all that is left of her.
            frame = await bob.hear_until(type="presence")
            assert frame["away"] == [{"name": "ann", "text": "lunch"}]
        frame = await bob.hear_until(type="presence")
        assert (frame["leave"], frame["online"]) == (["ann"], 1)


async def test_read_marks_and_unread(tmp_path: Path) -> None:
    """A mark goes to one's other devices, to members where that is on, and lasts; it
    goes back where one says so. So does what one wants to be called for.
    """
    data = tmp_path / "data"
    for name in ("ann", "bob"):
        add_account(data, name, "correct horse")
    env = {"CHATD_ROOMS__READ_RECEIPTS": "true"}
    ann = {"name": "ann", "password": "correct horse"}
    async with (
        running(data, env=env) as daemon,
        person(daemon.url) as bob,
        person(daemon.url) as phone,
        person(daemon.url) as desk,
    ):
        await bob.hello(name="bob", password="correct horse")
        await bob.ask(type="join", room="lobby")
        await phone.hello(**ann)
        await phone.ask(type="join", room="lobby")
        await desk.hello(**ann)
        for number in range(4):
            await bob.ask(type="send", room="lobby", text=str(number))
        await phone.say(type="read", room="lobby", seq=3)
        mark = {"type": "read", "room": "lobby", "from": "ann", "seq": 3}
        assert await desk.hear_until(type="read") == mark
        assert await bob.hear_until(type="read") == mark
        await phone.say(type="read", room="lobby", seq=1, back=True)
        mark |= {"seq": 1, "back": True}
        assert await desk.hear_until(type="read") == mark
        await phone.ask(type="notify", room="lobby", level="nothing")
        level = {"type": "notify", "room": "lobby", "level": "nothing"}
        assert await desk.hear_until(type="notify") == level
    async with running(data, env=env) as daemon, person(daemon.url) as phone:
        (room,) = (await phone.hello(**ann))["rooms"]
        assert (room["read"], room["unread"], room["seq"]) == (1, 3, 4)
        assert room["level"] == "nothing"
