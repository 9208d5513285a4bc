"""What one client may cost the others, over real sockets."""

from __future__ import annotations

import json
import ssl
from pathlib import Path

import pytest
import trio
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.live.daemon import PATIENCE_S, Daemon, Person, person, running
from tests.net import secret
from tests.net.test_proxyproto import head

PROXIED = {
    "CHATD_SERVER__PROXY_PROTOCOL": "true",
    "CHATD_SERVER__TRUSTED_PROXIES": '["127.0.0.1"]',
    "CHATD_LOG__LEVEL": "debug",
}


async def flood(who: Person) -> tuple[int, dict[str, object]]:
    """Send without looking at the answers, until one is goodbye."""
    refused = 0
    async with trio.open_nursery() as nursery:

        async def send() -> None:
            try:
                while True:
                    await who.say(type="send", room="lobby", text="buy")
            except ConnectionClosed:
                """That is what it is sent away by."""

        nursery.start_soon(send)
        while (frame := await who.hear())["type"] != "bye":
            refused += frame.get("code") == "rate_limited"
        with pytest.raises(ConnectionClosed) as closed:
            while True:
                await who.hear()
        nursery.cancel_scope.cancel()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == frame["code"]
    return refused, frame


async def test_a_flood_is_ended_while_others_talk(tmp_path: Path) -> None:
    """4005 and when to come back; each message of the others arrives meanwhile."""
    async with (
        running(tmp_path / "data") as daemon,
        person(daemon.url) as ann,
        person(daemon.url) as bob,
        person(daemon.url) as flooder,
    ):
        for name, who in (("ann", ann), ("bob", bob), ("mallory", flooder)):
            await who.hello(name=name)
            await who.ask(type="join", room="lobby")
        heard: list[str] = []

        async def listen() -> None:
            while len(heard) < 10:
                frame = await bob.hear_until(type="message")
                if frame["text"] != "buy":
                    heard.append(frame["text"])

        async with trio.open_nursery() as nursery:
            nursery.start_soon(listen)

            async def talk() -> None:
                for number in range(10):
                    reply = await ann.ask(type="send", room="lobby", text=str(number))
                    assert reply["type"] == "ok"

            nursery.start_soon(talk)
            refused, bye = await flood(flooder)
        assert heard == [str(number) for number in range(10)]
        assert refused >= 60
        assert bye == {
            "type": "bye",
            "code": 4005,
            "reason": "overloaded",
            "reconnect": True,
            "after": 60.0,
        }


async def test_a_refusal_says_exactly_when_to_come_again(tmp_path: Path) -> None:
    """The next message after that time is taken."""
    env = {"CHATD_LIMITS__MESSAGES_BURST": "2"}
    async with running(tmp_path / "data", env=env) as daemon, person(daemon.url) as ann:
        await ann.hello(name="ann")
        await ann.ask(type="join", room="lobby")
        refused = 0
        while refused < 3:
            reply = await ann.ask(type="send", room="lobby", text="hi")
            if reply["type"] == "error":
                assert reply["code"] == "rate_limited"
                assert 0 < reply["retry_after"] <= 0.2
                await trio.sleep(reply["retry_after"])
                reply = await ann.ask(type="send", room="lobby", text="hi")
                assert reply["type"] == "ok"
                refused += 1


async def test_new_connections_of_one_address_have_a_rate(tmp_path: Path) -> None:
    """503 and, in seconds, when the next one may come."""
    env = {
        "CHATD_LIMITS__CONNECTS_PER_S": "0.05",
        "CHATD_LIMITS__CONNECTS_BURST": "2",
    }
    async with running(tmp_path / "data", env=env) as daemon:
        for _ in range(2):
            async with person(daemon.url) as ann:
                await ann.hello(name="ann")
        with pytest.raises(InvalidStatus) as refused:
            async with person(daemon.url):
                pass
        response = refused.value.response
        assert response.status_code == 503
        assert 15 <= int(response.headers["Retry-After"]) <= 20


async def test_a_nearly_full_disk_is_for_reading(tmp_path: Path) -> None:
    """With less than half of what is wanted nobody adds, and the log says so once."""
    env = {"CHATD_STORE__FREE_BYTES_MIN": str(2**50)}
    async with running(tmp_path / "data") as daemon, person(daemon.url) as ann:
        session = (await ann.hello(name="ann"))["session"]
        await ann.ask(type="join", room="lobby")
        await ann.ask(type="send", room="lobby", text="hi")
    async with running(tmp_path / "data", env=env) as daemon:
        async with person(daemon.url) as ann:
            await ann.hello(session=session)
            reply = await ann.ask(type="send", room="lobby", text="ho", cid="1")
            assert (reply["code"], reply["retry_after"]) == ("unavailable", 60.0)
            page = await ann.ask(type="history", room="lobby")
            assert [message["text"] for message in page["messages"]] == ["hi"]
        async with person(daemon.url) as stranger:
            reply = await stranger.ask(type="hello", name="bob")
            assert reply["code"] == "unavailable"
        assert len(await daemon.said("hardly any space is left")) == 1


# --- behind a proxy that passes bytes on ----------------------------------------------


async def passed_on(
    daemon: Daemon, told: bytes, context: ssl.SSLContext | None
) -> trio.abc.Stream:
    """What a client has that comes through a proxy, which says `told` of it."""
    stream: trio.abc.Stream = await trio.open_tcp_stream("127.0.0.1", daemon.port)
    if told:
        await stream.send_all(told)
    if context is not None:
        stream = trio.SSLStream(
            stream, context, server_hostname="127.0.0.1", https_compatible=True
        )
    return stream


async def answer_to(stream: trio.abc.Stream) -> bytes:
    """What somebody gets who asks for the page; nothing if he is cut off."""
    heard = b""
    request = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"
    try:
        with trio.fail_after(PATIENCE_S):
            await stream.send_all(request)
            while b"\r\n\r\nok" not in heard:
                part = await stream.receive_some(65_536)
                if not part:
                    break
                heard += part
    except trio.BrokenResourceError:
        """Cut off."""
    return heard


@pytest.mark.parametrize("transport", ["plain", "tls"])
async def test_a_proxys_head_is_believed_from_a_trusted_one(
    tmp_path: Path, transport: str
) -> None:
    """The client's address is in the log, and its limits are its own."""
    env = {**PROXIED, "CHATD_LIMITS__CONNECTIONS_PER_ADDRESS": "1"}
    context = None
    if transport == "tls":
        cert, key = secret.write_pair(tmp_path)
        env |= {"CHATD_SERVER__TLS_CERT": str(cert), "CHATD_SERVER__TLS_KEY": str(key)}
        context = secret.client_context()
    async with running(tmp_path / "data", env=env) as daemon:
        first = await passed_on(daemon, head("192.0.2.7"), context)
        assert b"200 OK" in await answer_to(first)
        again = await passed_on(daemon, head("192.0.2.7"), context)
        assert b"200 OK" not in await answer_to(again)
        other = await passed_on(daemon, head("2001:db8::7"), context)
        assert b"200 OK" in await answer_to(other)
        await daemon.said("refused address=192.0.2.7 status=503")
        for told, why in (
            (b"", "does not begin as the PROXY protocol does"),
            (head("192.0.2.7", version=1), "version 1, expected 2"),
        ):
            stranger = await passed_on(daemon, told, None)
            assert await answer_to(stranger) == b""
            await trio.aclose_forcefully(stranger)
            (line,) = await daemon.said(why)
            assert "did not begin with a right PROXY head proxy=127.0.0.1" in line
        for one in (first, again, other):
            await trio.aclose_forcefully(one)


async def test_a_proxys_head_is_not_believed_from_anybody_else(tmp_path: Path) -> None:
    """He is cut off before anything is read; without the setting it is no HTTP."""
    env = {**PROXIED, "CHATD_SERVER__TRUSTED_PROXIES": '["192.0.2.1"]'}
    async with running(tmp_path / "data", env=env) as daemon:
        for told in (head("192.0.2.7"), b""):
            stranger = await passed_on(daemon, told, None)
            assert await answer_to(stranger) == b""
            await trio.aclose_forcefully(stranger)
        await daemon.said("this is none address=127.0.0.1")
    async with running(tmp_path / "data") as daemon:
        stream = await passed_on(daemon, head("192.0.2.7"), None)
        assert (await answer_to(stream)).startswith(b"HTTP/1.1 400 ")
        await trio.aclose_forcefully(stream)


async def test_malformed_frames_of_every_kind_end_with_4502(tmp_path: Path) -> None:
    """Those that the codec refuses and those that only the rules can, in one count."""
    async with running(tmp_path / "data") as daemon, person(daemon.url) as ann:
        kinds: list[str | bytes] = [
            "no json",
            json.dumps({"type": "nonsense"}),
            json.dumps({"type": "join"}),
            json.dumps({"type": "ping"}),
            b"binary",
        ]
        codes = set()
        for number in range(21):
            await ann.ws.send(kinds[number % len(kinds)])
            codes.add((await ann.hear()).get("code"))
        assert codes == {
            "bad_json",
            "bad_type",
            "bad_field",
            "not_authenticated",
            "bad_frame",
        }
        bye = await ann.hear()
        assert (bye["type"], bye["code"]) == ("bye", 4502)
