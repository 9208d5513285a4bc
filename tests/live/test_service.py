"""The daemon as an operator has it: signals, systemd, sockets, plain HTTP."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trio
from websockets.exceptions import ConnectionClosed
from websockets.trio.client import connect, unix_connect

from tests.live.daemon import PATIENCE_S, Person, person, running, start
from tests.net import secret


async def test_four_lines_say_how_to_go_on(tmp_path: Path) -> None:
    """`chatd serve` says where it listens, where its data is, what to try next."""
    daemon = await start(tmp_path / "data")
    daemon.signal(signal.SIGTERM)
    assert await daemon.wait() == 0
    # Nothing but the start and the end is worth a line.
    said = [line.split(maxsplit=2)[2] for line in daemon.log_text().splitlines()]
    assert said == ["stopping signal=SIGTERM", "drained connections=0", "stopped"]


async def test_sigterm_drains(tmp_path: Path) -> None:
    """What was accepted is answered and delivered; everybody is told when to come
    back, closed with 4001; the daemon ends with 0 and nothing is lost.
    """
    data = tmp_path / "data"
    stored = []
    afters = []
    async with running(data) as daemon:

        async def write(name: str, *, task_status: trio.TaskStatus[None]) -> None:
            async with person(daemon.url) as who:
                await who.hello(name=name)
                await who.ask(type="join", room="lobby")
                for number in range(10):
                    await who.say(type="send", room="lobby", text=f"{name} {number}")
                # Not later: a library that cannot send may forget what it has read.
                task_status.started()
                with pytest.raises(ConnectionClosed) as closed:
                    while True:
                        frame = await who.hear()
                        if frame.get("re") == "send" and frame["type"] == "ok":
                            stored.append(frame["seq"])
                        if frame["type"] == "bye":
                            assert frame["reconnect"] is True
                            afters.append(frame["after"])
                assert closed.value.rcvd is not None
                assert closed.value.rcvd.code == 4001

        async with trio.open_nursery() as nursery:
            for number in range(5):
                await nursery.start(write, f"w{number}")
            daemon.signal(signal.SIGTERM)
        assert await daemon.wait() == 0
    assert len(afters) == 5
    assert len(set(afters)) > 1, "everybody comes back in one moment"
    async with running(data) as daemon, person(daemon.url) as who:
        await who.hello(name="reader")
        head = (await who.ask(type="join", room="lobby"))["seq"]
        assert sorted(stored) == list(range(1, len(stored) + 1))
        assert head >= len(stored)


@contextmanager
def manager_at(path: str) -> Iterator[trio.socket.SocketType]:
    """Stand where systemd stands, for as long as the block."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(path)
        manager.setblocking(False)
        yield trio.socket.from_stdlib_socket(manager)


async def told_until(manager: trio.socket.SocketType, wanted: bytes) -> None:
    """Wait until the manager is told something."""
    with trio.fail_after(PATIENCE_S):
        while await manager.recv(4096) != wanted:
            pass


async def test_a_second_signal_ends_at_once(tmp_path: Path) -> None:
    """Somebody who does not read cannot hold up an operator who means it."""
    path = str(tmp_path / "notify")
    with manager_at(path) as manager:
        daemon = await start(tmp_path / "data", env={"NOTIFY_SOCKET": path})
        async with await trio.open_tcp_stream("127.0.0.1", daemon.port) as stalled:
            await stalled.send_all(
                b"GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
                b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
            )
            assert b" 101 " in await stalled.receive_some(4096)
            daemon.signal(signal.SIGTERM)
            await told_until(manager, b"STOPPING=1")
            daemon.signal(signal.SIGTERM)
            assert await daemon.wait() == 128 + signal.SIGTERM


async def test_sighup_puts_the_file_into_force(tmp_path: Path) -> None:
    """Nobody is dropped; what is wrong changes nothing, and the manager is told."""
    file, path = tmp_path / "chatd.toml", str(tmp_path / "notify")
    file.write_text("[limits]\ntext_chars = 9\n")
    with manager_at(path) as manager:
        env = {"NOTIFY_SOCKET": path}
        options = ("-c", str(file))
        async with (
            running(tmp_path / "data", *options, env=env) as daemon,
            person(daemon.url) as ann,
        ):

            async def reload(text: str, answer: bytes) -> None:
                file.write_text(text)
                daemon.signal(signal.SIGHUP)
                await told_until(manager, answer)

            await told_until(manager, b"READY=1")
            await ann.hello(name="ann")
            await ann.ask(type="join", room="lobby")
            said = {"type": "send", "room": "lobby", "text": "12345"}
            assert (await ann.ask(**said))["type"] == "ok"
            await reload(
                "[limits]\ntext_chars = 4\n[auth]\nguests = false\n"
                '[[rooms.permanent]]\nname = "lobby"\n'
                '[[rooms.permanent]]\nname = "tea"\n',
                b"READY=1\nSTATUS=",
            )
            assert (await ann.ask(**said))["code"] == "too_long"
            async with person(daemon.url) as bob:
                refused = await bob.ask(type="hello", name="bob")
                assert refused["code"] == "forbidden"
            rooms = (await ann.ask(type="rooms"))["rooms"]
            assert [room["room"] for room in rooms] == ["lobby", "tea"]
            wrong = "limits.text_chars: must be at most 2147483647, is 9999999999"
            await reload(
                "[limits]\ntext_chars = 9999999999\n",
                "READY=1\nSTATUS=not reloaded: the settings in force go on:"
                f" {wrong}".encode(),
            )
            assert (await ann.ask(**said))["code"] == "too_long"
    changed = "changed=auth.guests,rooms.permanent,limits.text_chars\n"
    assert f"reloaded {changed}" in daemon.log_text().replace("   ", "")
    assert wrong in daemon.log_text()


async def test_sighup_reads_a_renewed_certificate(tmp_path: Path) -> None:
    """Who is there stays on the old one; who comes gets the new."""
    cert, key = secret.write_pair(tmp_path)
    env = {"CHATD_SERVER__TLS_CERT": cert, "CHATD_SERVER__TLS_KEY": key}

    trusting = secret.client_context()

    def serial() -> int:
        with (
            socket.create_connection(("127.0.0.1", daemon.port)) as raw,
            trusting.wrap_socket(raw, server_hostname="localhost") as tls,
        ):
            found = tls.getpeercert()
        assert found is not None
        return int(str(found["serialNumber"]), 16)

    async with (
        running(tmp_path / "data", env=env) as daemon,
        person(daemon.url, ssl=trusting) as ann,
    ):
        first = await trio.to_thread.run_sync(serial)
        secret.write_pair(tmp_path)
        daemon.signal(signal.SIGHUP)
        with trio.fail_after(PATIENCE_S):
            while await trio.to_thread.run_sync(serial) == first:
                pass
        await ann.hello(name="ann")


async def test_systemd_is_told(tmp_path: Path) -> None:
    """READY, signs of life from the loop, and STOPPING reach the manager."""
    path = str(tmp_path / "notify")
    with manager_at(path) as manager:
        env = {"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "200000"}
        async with running(tmp_path / "data", env=env):
            with trio.fail_after(PATIENCE_S):
                said = [await manager.recv(4096) for _ in range(5)]
        longer = b"EXTEND_TIMEOUT_USEC=60000000"
        assert sorted(said) == [longer, b"READY=1", *[b"WATCHDOG=1"] * 3]
        await told_until(manager, b"STOPPING=1")


async def test_socket_activation(tmp_path: Path) -> None:
    """Systemd's own program hands over a socket, and the daemon serves on it."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    process = await trio.lowlevel.open_process(
        [
            "systemd-socket-activate", "-l", f"127.0.0.1:{port}",
            "-E", "PATH", "-E", "PYTHONPATH",
            sys.executable, "-m", "chatd", "serve",
            "--listen", "systemd", "--data", str(tmp_path / "data"),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        with trio.fail_after(PATIENCE_S):
            while True:
                try:
                    async with connect(f"ws://127.0.0.1:{port}/ws") as ws:
                        assert "user" in await Person(ws).hello(name="ann")
                    break
                except OSError:  # Nobody listens there yet.
                    await trio.sleep(0.05)
    finally:
        process.send_signal(signal.SIGTERM)
        with trio.CancelScope(shield=True), trio.move_on_after(PATIENCE_S):
            await process.wait()
    assert process.returncode == 0


async def test_unix_and_ipv6_sockets(tmp_path: Path) -> None:
    """One daemon listens on a Unix socket and on IPv6 beside IPv4."""
    path = tmp_path / "chatd.sock"
    where = ("127.0.0.1:0", "[::1]:0", f"unix:{path}")
    async with running(tmp_path / "data", listen=where) as daemon:
        async with unix_connect(str(path), "ws://localhost/ws") as ws:
            assert "user" in await Person(ws).hello(name="ann")
        command = [sys.executable, "-m", "chatd", "connect", f"unix:{path}"]
        said = await trio.run_process(
            [*command, "--room", "lobby", "--json"],
            stdin=b"hi\n",
            capture_stdout=True,
        )
        texts = [json.loads(line).get("text") for line in said.stdout.splitlines()]
        assert "hi" in texts
        async with person(daemon.url) as ann:
            await ann.hello(name="ann")
    assert not path.exists()


async def test_plain_http(tmp_path: Path) -> None:
    """Health, readiness, the page, and clear refusals."""
    env = {"CHATD_METRICS__LISTEN": '["127.0.0.1:0"]'}
    async with running(tmp_path / "data", env=env) as daemon:
        assert await daemon.get(daemon.port, "/healthz") == b"ok\n"
        assert await daemon.get(daemon.port, "/readyz") == b"ready\n"
        assert b"<!doctype html>" in await daemon.get(daemon.port, "/")
        numbers = daemon.numbers(await daemon.get(daemon.metrics_port, "/metrics"))
        assert numbers["chatd_connection_bugs_total"] == 0
        assert b"chatd" not in await daemon.get(daemon.port, "/metrics")


async def test_monitoring_is_no_way_in(tmp_path: Path) -> None:
    """Its port has its numbers and nothing else, however many places are held."""
    env = {"CHATD_METRICS__LISTEN": '["127.0.0.1:0"]'}
    async with running(tmp_path / "data", env=env) as daemon:
        for path in ("", "ws", "metrics"):
            with pytest.raises(Exception, match=r"HTTP (404|200)"):
                async with person(f"ws://127.0.0.1:{daemon.metrics_port}/{path}"):
                    pass
        assert b"nothing" in await daemon.get(daemon.metrics_port, "/healthz")
        held = [
            await trio.open_tcp_stream("127.0.0.1", daemon.metrics_port)
            for _ in range(100)
        ]
        numbers = daemon.numbers(await daemon.get(daemon.metrics_port, "/metrics"))
        assert numbers["chatd_connections"] == 0
        for stream in held:
            await stream.aclose()


async def test_plain_http_has_a_rate(tmp_path: Path) -> None:
    """Whoever is over it is told when to come back, and the operator who it was."""
    env = {
        "CHATD_LIMITS__REQUESTS_PER_S": "0.01",
        "CHATD_LIMITS__REQUESTS_BURST": "3",
    }
    async with running(tmp_path / "data", env=env) as daemon:
        answers = [await daemon.get(daemon.port, "/healthz") for _ in range(5)]
        assert answers == [b"ok\n"] * 3 + [b"too many requests\n"] * 2
        async with person(daemon.url) as ann:
            await ann.hello(name="ann")
    (line,) = [x for x in daemon.log_text().splitlines() if "warning" in x]
    assert line.endswith("address=127.0.0.1 setting=limits.requests_per_s")


async def test_a_foreign_page_is_refused(tmp_path: Path) -> None:
    """A browser's foreign Origin gets 403, also one that resolves to loopback."""
    async with running(tmp_path / "data") as daemon:
        own = f"http://127.0.0.1:{daemon.port}"
        async with person(daemon.url, origin=own) as ann:
            await ann.hello(name="ann")
        for origin in ("https://evil.example", "null", f"{own}.evil.example"):
            with pytest.raises(Exception, match="403"):
                async with person(daemon.url, origin=origin):
                    pass


async def test_wrong_configuration_ends_with_78(tmp_path: Path) -> None:
    """Every problem is named at once, and systemd will not try again."""
    file = tmp_path / "chatd.toml"
    file.write_text("[server]\nlisten = 5\n[limits]\ntext_charz = 1\n")
    done = await trio.run_process(
        [sys.executable, "-m", "chatd", "serve", "-c", str(file)],
        capture_stdout=True,
        capture_stderr=True,
        check=False,
    )
    assert done.returncode == 78
    said = done.stderr.decode()
    assert "server.listen" in said
    assert 'did you mean "text_chars"' in said


async def test_data_that_everybody_can_write_is_refused(tmp_path: Path) -> None:
    """With 78, before anything is made; what only a group can write is a warning."""
    data = tmp_path / "data"
    data.mkdir()
    data.chmod(0o777)
    done = await trio.run_process(
        [sys.executable, "-m", "chatd", "serve", "--data", str(data)],
        capture_stdout=True,
        capture_stderr=True,
        check=False,
    )
    assert done.returncode == 78
    assert f"chmod o-w {data}" in done.stderr.decode()
    assert list(data.iterdir()) == []
    data.chmod(0o770)
    async with running(data) as daemon:
        pass
    (line,) = [x for x in daemon.log_text().splitlines() if "warning" in x]
    assert f"store.path: {data} (mode 0770): its group can write to it" in line


async def test_a_new_room_that_cannot_be_named_so_ends_with_78(tmp_path: Path) -> None:
    """The key is named, and nothing is said of a bug."""
    file = tmp_path / "chatd.toml"
    store = f'[store]\npath = "{tmp_path / "data"}"\n'
    rooms = '[[rooms.permanent]]\nname = "tea"\n[[rooms.permanent]]\nname = "tea."\n'
    listen = '[server]\nlisten = ["127.0.0.1:0"]\n'
    file.write_text(listen + store + rooms)
    done = await trio.run_process(
        [sys.executable, "-m", "chatd", "serve", "-c", str(file)],
        capture_stdout=True,
        capture_stderr=True,
        check=False,
    )
    assert done.returncode == 78
    said = done.stderr.decode()
    assert 'chatd: rooms.permanent[1].name: "tea.": a new name does not end in' in said
    assert "Traceback" not in said
    assert "bug" not in said


async def test_two_daemons_on_one_store(tmp_path: Path) -> None:
    """The second is refused, and the first does not notice."""
    async with running(tmp_path / "data") as daemon, person(daemon.url) as ann:
        done = await trio.run_process(
            [
                sys.executable, "-m", "chatd", "serve",
                "--listen", "127.0.0.1:0", "--data", str(daemon.data),
            ],
            capture_stdout=True,
            capture_stderr=True,
            check=False,
        )  # fmt: skip
        assert done.returncode == os.EX_TEMPFAIL
        assert b"Traceback" not in done.stderr
        await ann.hello(name="ann")
        assert (await ann.ask(type="ping"))["type"] == "ok"


async def test_json_tricks_cost_one_error_each(tmp_path: Path) -> None:
    """Each is one `error`; the twenty-first in a row is 4502; others notice nothing."""
    tricks = [
        "not json",
        "[1]",
        '{"type":5}',
        '{"type":"dance"}',
        '{"type":"send","room":"lobby","text":NaN}',
        '{"type":"send","room":"lobby","text":"\\ud800"}',
        '{"type":"send","room":"lob\\u0000by","text":"x"}',
        '{"type":"send","room":"lobby","text":"\\u0000"}',
        '{"type":"send","room":"lobby","text":' + "[" * 2000 + "]" * 2000 + "}",
        '{"type":"send","room":"lobby","text":"x","reply_to":' + "9" * 10_000 + "}",
        '{"type":"send","room":"lobby","text":1}',
        '{"type":"send","room":1,"text":"x"}',
        '{"type":"send","room":"lobby","text":"x","id":1.5}',
        json.dumps({"type": "send", "room": "lobby", "text": "a" + "\u0301" * 9}),
    ]
    async with (
        running(tmp_path / "data") as daemon,
        person(daemon.url) as eve,
        person(daemon.url) as ann,
    ):
        await ann.hello(name="ann")
        await ann.ask(type="join", room="lobby")
        await eve.hello(name="eve")
        for trick in tricks:
            await eve.ws.send(trick)
            frame = await eve.hear()
            assert frame["type"] == "error", (trick[:60], frame)
            assert frame["code"] in {"bad_json", "bad_type", "bad_field"}, frame
            assert len(frame["text"]) <= 300
        with pytest.raises(ConnectionClosed) as closed:
            while True:
                await eve.ws.send(b"\x00")
                await eve.hear()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 4502
        assert (await ann.ask(type="ping"))["type"] == "ok"
    assert "Traceback" not in daemon.log_text()
