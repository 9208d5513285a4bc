"""The contract, typed by hand at a real daemon by a client that is not ours."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import trio
from websockets.exceptions import ConnectionClosed

from tests.live.daemon import PATIENCE_S, Daemon, Frame, person, running
from tests.terminal import run

HERE = Path(__file__).parent

HANDSHAKE = (
    b"GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
    b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)


def masked(text: bytes) -> bytes:
    """A client's text frame; a mask of zeros leaves the text readable."""
    assert len(text) < 126
    return bytes((0x81, 0x80 | len(text))) + bytes(4) + text


def typed_here(*words: str, given: str = "") -> str:
    """Do what a command does, in this process; what it says on standard output.

    An operator's own process is half a second of imports; what comes of that is in
    `tests/live/test_admin.py`.
    """
    done = run(*words, given=given)
    assert done.exit_code == 0, done.output
    return done.stdout


def add_account(data: Path, name: str, password: str, *options: str) -> None:
    """Add an account as an operator does, with the password on standard input."""
    command = ("user", "add", name, *options, "--data", str(data))
    typed_here(*command, given=password + "\n")


def issue_token(data: Path, name: str) -> str:
    """Issue an access token as an operator does."""
    return typed_here("token", "issue", name, "--data", str(data)).strip()


async def test_two_guests_talk(tmp_path: Path) -> None:
    """A guest gets a name of his own; what one sends, both get, ok first."""
    async with running(tmp_path / "data") as daemon, person(daemon.url) as ann:
        welcome = await ann.hello(name="ann")
        assert welcome["user"].startswith("ann~")
        assert welcome["suggested"] == ["lobby"]
        joined = await ann.ask(type="join", room="lobby", id=1)
        assert joined["seq"] == 0
        assert joined["online"] == 1
        assert (await ann.hear())["type"] == "caught_up"
        async with person(daemon.url) as bob:
            await bob.hello(name="bob")
            await bob.ask(type="join", room="lobby")
            await bob.say(type="send", room="lobby", text="hi", cid="1", id=2)
            ok = await bob.hear_until(type="ok", re="send")
            assert ok["seq"] == 1
            event = await bob.hear()
            assert event["type"] == "message"
            assert await ann.hear_until(type="message") == event
            again = await bob.ask(type="send", room="lobby", text="hi", cid="1")
            assert (again["seq"], again["dup"]) == (1, True)
            other = await bob.ask(type="send", room="lobby", text="ho", cid="1")
            assert other["code"] == "cid_conflict"


async def test_edit_delete_react_and_history(tmp_path: Path) -> None:
    """Changes are events of the timeline, and history folds them in."""
    async with running(tmp_path / "data") as daemon, person(daemon.url) as ann:
        me = (await ann.hello(name="ann"))["user"]
        await ann.ask(type="join", room="lobby")
        for text in ("one", "two", "three"):
            await ann.ask(type="send", room="lobby", text=text)
        await ann.ask(type="edit", room="lobby", of=1, text="ONE")
        await ann.ask(type="delete", room="lobby", of=2)
        await ann.ask(type="react", room="lobby", of=3, emoji="👍")
        page = await ann.ask(type="history", room="lobby")
        first, second, third = page["messages"]
        assert (first["text"], first["edited"]) == ("ONE", True)
        assert second["deleted"]
        assert "text" not in second
        assert third["reactions"] == {"👍": [me]}
        assert page["as_of"] == 6
        assert page["more"] is False
        gone = await ann.ask(type="edit", room="lobby", of=2, text="x")
        assert gone["code"] == "no_message"
        replay = await ann.ask(
            type="join", room="lobby", since=0, epoch=page["epoch"], id=7
        )
        assert replay["recovered"] is True
        seqs = []
        while (frame := await ann.hear())["type"] != "caught_up":
            if "seq" in frame:
                seqs.append(frame["seq"])
        assert seqs == [1, 2, 3, 4, 5, 6]


async def test_accounts_and_direct_messages(tmp_path: Path) -> None:
    """An account logs in with its password; a direct message reaches its user."""
    data = tmp_path / "data"
    add_account(data, "ann", "correct horse")
    async with running(data) as daemon:
        add_account(data, "bob", "battery staple")
        async with person(daemon.url) as ann, person(daemon.url) as bob:
            wrong = await ann.ask(type="hello", name="ann", password="wrong horse")
            assert wrong["code"] == "bad_credentials"
            unknown = await ann.ask(type="hello", name="cy", password="wrong horse")
            assert unknown["text"] == wrong["text"]
            await ann.hello(name="ann", password="correct horse")
            await bob.hello(name="bob", password="battery staple")
            ok = await ann.ask(type="send", to="bob", text="psst")
            assert (ok["room"], ok["seq"]) == ("@ann,bob", 1)
            event = await bob.hear_until(type="message")
            assert event["text"] == "psst"
            assert len(event["epoch"]) == 16
            nobody = await ann.ask(type="send", to="cy", text="psst")
            assert nobody["code"] == "no_user"
        async with person(daemon.url) as bob:
            welcome = await bob.hello(name="bob", password="battery staple")
            (room,) = welcome["rooms"]
            assert (room["room"], room["unread"]) == ("@ann,bob", 1)


async def test_token_logs_in(tmp_path: Path) -> None:
    """A token is printed once, and logs its account in, also with the upgrade."""
    data = tmp_path / "data"
    add_account(data, "ann", "correct horse")
    token = issue_token(data, "ann")
    async with running(data) as daemon:
        async with person(daemon.url) as ann:
            assert (await ann.hello(token=token))["user"] == "ann"
        bearer = {"Authorization": f"Bearer {token}"}
        async with person(daemon.url, additional_headers=bearer) as ann:
            assert (await ann.hello())["user"] == "ann"
        async with person(daemon.url) as ann:
            refused = await ann.ask(type="hello", token=token[:-1])
            assert refused["code"] == "bad_credentials"
        assert token not in daemon.log_text()


async def test_a_session_is_taken_over(tmp_path: Path) -> None:
    """The newer of two connections that race for a session has it; nobody leaves."""
    async with running(tmp_path / "data") as daemon, person(daemon.url) as bob:
        await bob.hello(name="bob")
        await bob.ask(type="join", room="lobby")
        async with person(daemon.url) as ann:
            welcome = await ann.hello(name="ann")
            await ann.ask(type="join", room="lobby")
            await bob.hear_until(type="presence")
            async with person(daemon.url) as newer:
                resumed = await newer.hello(session=welcome["session"])
                assert resumed["user"] == welcome["user"]
                assert [room["room"] for room in resumed["rooms"]] == ["lobby"]
                bye = await ann.hear_until(type="bye")
                assert bye["code"] == 4506
                with pytest.raises(ConnectionClosed) as closed:
                    await ann.ws.recv()
                assert closed.value.rcvd is not None
                assert closed.value.rcvd.code == 4506
                await newer.ask(type="send", room="lobby", text="still here")
                frame = await bob.hear()
                assert frame["type"] == "message", "presence told of a takeover"
        name = welcome["user"]
    (line,) = [x for x in daemon.log_text().splitlines() if "taken_over" in x]
    assert f"user={name} " in line, "nobody could tell who it was"


async def test_resuming_past_a_half_open_predecessor(tmp_path: Path) -> None:
    """A session is resumed while its old connection hangs: no FIN, nothing read."""
    async with (
        running(tmp_path / "data") as daemon,
        person(daemon.url) as bob,
        await trio.open_tcp_stream("127.0.0.1", daemon.port) as hanging,
    ):
        await bob.hello(name="bob")
        await bob.ask(type="join", room="lobby")
        await hanging.send_all(HANDSHAKE + masked(b'{"type":"hello","name":"ann"}'))
        heard = b""
        while b"suggested" not in heard:
            heard += await hanging.receive_some(4096)
        welcome = json.loads(heard[heard.index(b'{"type":"welcome"') :])
        await hanging.send_all(masked(b'{"type":"join","room":"lobby"}'))
        while b"caught_up" not in heard:
            heard += await hanging.receive_some(4096)
        # From here on nobody reads there; bob fills whatever buffers there are.
        for number in range(15):
            await bob.ask(type="send", room="lobby", text=str(number) * 2000)
        async with person(daemon.url) as ann:
            resumed = await ann.hello(session=welcome["session"])
            assert resumed["user"] == welcome["user"]
            (room,) = resumed["rooms"]
            assert (room["seq"], room["unread"]) == (15, 15)
            reply = await ann.ask(
                type="join", room="lobby", since=room["read"], epoch=room["epoch"]
            )
            assert reply["recovered"] is True
            for number in range(15):
                frame = await ann.hear()
                assert frame["text"] == str(number) * 2000
            assert (await ann.hear())["type"] == "caught_up"


async def test_a_pipelined_segment(tmp_path: Path) -> None:
    """Hello, join and ten sends in one segment are answered in order."""
    async with running(tmp_path / "data") as daemon, person(daemon.url) as ann:
        await ann.say(type="hello", name="ann", id="h")
        await ann.say(type="join", room="lobby", id="j")
        for number in range(10):
            await ann.say(type="send", room="lobby", text=str(number), id=number)
        await ann.say(type="logout", id="bye")
        replies: list[Frame] = []
        events: list[Frame] = []
        with pytest.raises(ConnectionClosed) as closed:
            while True:
                frame = await ann.hear()
                (replies if "re" in frame else events).append(frame)
        assert [frame["id"] for frame in replies] == ["h", "j", *range(10), "bye"]
        messages = [frame for frame in events if frame["type"] == "message"]
        assert [frame["text"] for frame in messages] == list(map(str, range(10)))
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1000


async def test_node_client(tmp_path: Path) -> None:
    """Node's `ws` holds the same conversation."""
    async with running(tmp_path / "data") as daemon:
        with trio.fail_after(PATIENCE_S):
            done = await trio.run_process(
                ["node", str(HERE.parent / "foreign" / "talk.js"), daemon.url],
                capture_stdout=True,
                capture_stderr=True,
                check=False,
            )
        assert done.returncode == 0, done.stderr.decode()
        assert b"all is well" in done.stdout


async def test_not_one_exception_in_a_normal_day(tmp_path: Path) -> None:
    """A day of coming and going is one quiet line each, and no traceback."""
    async with running(tmp_path / "data") as daemon:
        await come_and_go(daemon)
    lines = daemon.log_text().splitlines()
    assert sum(" ended " in line for line in lines) == 2
    assert not [line for line in lines if "Traceback" in line or "error" in line]


async def come_and_go(daemon: Daemon) -> None:
    """One says goodbye, one just goes."""
    async with person(daemon.url) as ann:
        await ann.hello(name="ann")
        await ann.ask(type="logout")
    async with person(daemon.url) as bob:
        await bob.hello(name="bob")
