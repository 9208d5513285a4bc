from __future__ import annotations

import errno
import gc
import grp
import os
import resource
import socket
import stat
import subprocess
import sys
from pathlib import Path

import h11
import pytest
import trio
import trio.testing

from chatd.config.values import (
    Address,
    SystemdSockets,
    TcpAddress,
    UnixAddress,
    parse_network,
)
from chatd.errors import ConfigError, Ending
from chatd.net.accepting import ACCEPT_REPORT_S
from chatd.net.connection_limiter import ConnectionLimiter
from chatd.net.routing import HttpConfig
from chatd.net.sockets import (
    Listening,
    UnixAccess,
    listen_on,
    listen_privately,
    peer_uid,
    tune,
)
from chatd.net.trouble import Cause, Trouble
from tests.net.echo import EchoHost, closing, text
from tests.net.echo_server import ROUTES, Watcher, echo_listener
from tests.net.edge import UPGRADE, edge

LOOPBACK = TcpAddress("127.0.0.1", 0)
idle = trio.testing.wait_all_tasks_blocked


async def test_one_connection_too_many_is_told_when_to_come_back() -> None:
    """503 with Retry-After, without reading a request; a place that is free is free."""
    async with edge(limiter=ConnectionLimiter(2, 0)) as server:
        first, second = await server.upgraded(), await server.upgraded()
        answer = await server.ask(UPGRADE + "\r\n")
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert b"\r\nRetry-After: 10\r\n" in answer
        assert server.watcher.refusals == [("127.0.0.1", 503)]
        assert server.watcher.troubles == [Trouble(Cause.CONNECTIONS_MAX)]
        await first.send(closing())
        await first.rest()
        first.sock.close()
        await idle()
        assert await server.echoes()
        second.sock.close()


async def test_refusals_beyond_some_are_only_closed() -> None:
    """Those who are told are bounded too."""
    async with edge(limiter=ConnectionLimiter(1, 0)) as server:
        first = await server.upgraded()
        crowd = [await server.connect() for _ in range(80)]
        await idle()
        answers = []
        for peer in crowd:
            answers.append(bool(await peer.until(1)))
            peer.sock.close()
        assert answers.count(True) == 64
        first.sock.close()


async def test_an_address_that_goes_on_is_only_closed(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """An answer costs as much as a request; one a second tells enough."""
    autojump_clock.autojump_threshold = 0.05
    async with edge(limiter=ConnectionLimiter(1, 0)) as server:
        first = await server.upgraded()

        async def told(count: int) -> int:
            answers = 0
            for _ in range(count):
                peer = await server.dial()
                answers += (await peer.until(1)).startswith(b"HTTP/1.1 503 ")
                peer.sock.close()
            return answers

        assert await told(70) == 64
        await trio.sleep(3)
        assert await told(10) == 3
        assert len(server.watcher.refusals) == 80
        first.sock.close()


async def test_a_proxy_counts_by_its_clients() -> None:
    """Each client of a trusted proxy has his own limit."""
    http = HttpConfig(routes=ROUTES, trusted_proxies=[parse_network("127.0.0.1")])
    async with edge(http=http, limiter=ConnectionLimiter(0, 1)) as server:
        peers = [
            await server.upgraded(f"X-Forwarded-For: 192.0.2.{n}\r\n") for n in (1, 2)
        ]
        head = UPGRADE + "X-Forwarded-For: 192.0.2.1\r\n\r\n"
        answer = await server.ask(head)
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert b"Retry-After: 10" in answer
        assert server.listener.limiter.by_key == {"192.0.2.1": 1, "192.0.2.2": 1}
        crowd = Trouble(Cause.CONNECTIONS_PER_ADDRESS, "192.0.2.1")
        assert server.watcher.troubles == [crowd]
        for peer in peers:
            peer.sock.close()
        await idle()
        assert server.listener.limiter.by_key == {}


async def test_draining_stops_accepting_and_lets_connections_end() -> None:
    """Idle HTTP ends, WebSockets go on, and `serve` returns after the last."""
    host = EchoHost()
    listener = echo_listener(host)
    listening = listen_on([LOOPBACK], {})
    port = listening[0].sock.getsockname()[1]
    async with trio.open_nursery() as nursery:
        await nursery.start(listener.serve, listening)
        web = trio.socket.socket()
        await web.connect(("127.0.0.1", port))
        await web.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert b"hello" in await web.recv(1000)
        chat = trio.socket.socket()
        await chat.connect(("127.0.0.1", port))
        await chat.send((UPGRADE + "\r\n").encode() + text("one"))
        await idle()
        listener.stop_accepting()
        assert await web.recv(1000) == b""
        with trio.socket.socket() as late, pytest.raises(ConnectionRefusedError):
            await late.connect(("127.0.0.1", port))
        await chat.send(text("two"))
        await idle()
        assert host.heard == [b"one", b"two"]
        assert nursery.child_tasks
        host.outlets[0].finish(Ending.RESTART)
        await chat.send(closing())
        await idle()
        chat.close()
        web.close()
        await idle()
        assert not nursery.child_tasks


async def test_a_drain_before_the_start_is_one() -> None:
    """Nobody is accepted then."""
    listener = echo_listener(EchoHost())
    listener.stop_accepting()
    listening = listen_on([LOOPBACK], {})
    await listener.serve(listening)
    assert listening[0].sock.fileno() == -1


class Failing(socket.socket):
    """A listening socket whose accept fails for a while."""

    errors: list[int]

    def accept(self) -> tuple[socket.socket, object]:
        if self.errors:
            number = self.errors.pop(0)
            raise OSError(number, os.strerror(number))
        return super().accept()


async def test_accepting_goes_on_after_any_error(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """Reported once a minute, and connections that went away not at all."""
    autojump_clock.autojump_threshold = 0.01
    sock = Failing()
    sock.errors = [errno.ECONNABORTED, *([errno.EMFILE] * 90), errno.EBADMSG]
    sock.bind(("127.0.0.1", 0))
    sock.listen()
    sock.setblocking(False)
    watcher = Watcher()
    listener = echo_listener(EchoHost(), watcher=watcher)
    async with trio.open_nursery() as nursery:
        await nursery.start(listener.serve, [Listening(sock, LOOPBACK)])
        started = trio.current_time()
        client = trio.socket.socket()
        await client.connect(sock.getsockname())
        await client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert b"hello" in await client.recv(1000)
        assert trio.current_time() - started >= 90
        client.close()
        nursery.cancel_scope.cancel()
    assert [error.errno for error in watcher.accept_errors] == [errno.EMFILE] * 2
    assert ACCEPT_REPORT_S == 60


async def test_without_descriptors_the_server_waits_and_goes_on(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """EMFILE for real: who waits in the backlog is served once there are some."""
    autojump_clock.autojump_threshold = 0.05
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    async with edge() as server:
        peer = await server.connect()
        await idle()
        spare = os.dup(0)
        os.close(spare)
        late = socket.socket()
        late.setblocking(False)
        resource.setrlimit(resource.RLIMIT_NOFILE, (late.fileno() + 1, limits[1]))
        try:
            late.connect_ex(peer.sock.getpeername())
            await trio.sleep(1)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        (error,) = server.watcher.accept_errors
        assert error.errno == errno.EMFILE
        assert await server.echoes()
        late.close()
        peer.sock.close()


# --- sockets ----------------------------------------------------------------


async def test_every_kind_of_address_serves(tmp_path: Path) -> None:
    """IPv4, IPv6, a name and a Unix socket, and says where it really listens."""
    path = tmp_path / "chatd.sock"
    for address in (
        LOOPBACK,
        TcpAddress("::1", 0),
        TcpAddress("localhost", 0),
        UnixAddress(str(path)),
    ):
        async with edge(address=address) as server:
            assert ":0" not in server.address.removeprefix("unix:")
            assert await server.echoes()
    assert not path.exists()


def test_a_name_listens_on_all_its_addresses_with_one_port() -> None:
    """`localhost` is two families on most machines."""
    listening = listen_on([TcpAddress("localhost", 0)], {})
    ports = {one.sock.getsockname()[1] for one in listening}
    for one in listening:
        one.close()
    assert len(ports) == 1


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o777])
def test_a_unix_socket_has_its_mode_and_its_group(tmp_path: Path, umask: int) -> None:
    """Whatever the umask; by name or number; without one it has this user's."""
    path = tmp_path / "chatd.sock"
    own = grp.getgrgid(os.getgid()).gr_name
    before = os.umask(umask)
    try:
        for access, mode in (
            (UnixAccess(), 0o660),
            (UnixAccess(0o600), 0o600),
            (UnixAccess(0o666, own), 0o666),
            (UnixAccess(0o060, str(os.getgid())), 0o060),
        ):
            (listening,) = listen_on([UnixAddress(str(path))], {}, access)
            found = path.stat()
            assert stat.S_IMODE(found.st_mode) == mode
            assert found.st_gid == os.getgid()
            listening.close()
    finally:
        os.umask(before)


def test_a_group_that_cannot_be_given_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that this machine has not, and one that this user is not in."""
    path, plain = tmp_path / "chatd.sock", UnixAddress(str(tmp_path / "other.sock"))
    for group in ("no-such-group", "4294967295", "-1", "a\0b", "٤٢"):
        with pytest.raises(ConfigError) as error:
            listen_on([plain, UnixAddress(str(path))], {}, UnixAccess(group=group))
        assert error.value.problems == [
            f'server.unix_group: there is no group "{group}" here'
        ]

    def chown(_path: Path, _user: int, _group: int) -> None:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "chown", chown)
    with pytest.raises(ConfigError) as error:
        listen_on([UnixAddress(str(path))], {}, UnixAccess(group="0"), "metrics.listen")
    reason = "cannot be given to the group 0: Operation not permitted"
    assert error.value.problems == [f"metrics.listen: unix:{path}: {reason}"]
    assert not path.exists()


def test_a_stale_unix_socket_is_replaced(tmp_path: Path) -> None:
    """A crash leaves a file that nobody listens on; its mode is for a group."""
    path = tmp_path / "chatd.sock"
    old = socket.socket(socket.AF_UNIX)
    old.bind(str(path))
    old.close()
    (listening,) = listen_on([UnixAddress(str(path))], {})
    assert stat.S_IMODE(path.stat().st_mode) == 0o660
    assert listening.address == UnixAddress(str(path))
    listening.close()
    assert not path.exists()


def test_a_file_that_is_not_ours_stays(tmp_path: Path) -> None:
    """Neither a plain file nor a socket that somebody listens on is touched."""
    plain, busy = tmp_path / "notes.txt", tmp_path / "other.sock"
    plain.write_text("keep me")
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(busy))
        other.listen(0)
        crowd = [socket.socket(socket.AF_UNIX) for _ in range(3)]
        for _ in range(2):
            for path, reason in ((plain, "a file"), (busy, "in use by process")):
                with pytest.raises(ConfigError, match=reason):
                    listen_on([UnixAddress(str(path))], {})
            for client in crowd:
                client.setblocking(False)
                client.connect_ex(str(busy))
        for client in crowd:
            client.close()
    assert plain.read_text() == "keep me"
    assert busy.exists()


def test_the_file_of_a_successor_is_not_removed(tmp_path: Path) -> None:
    """Whoever came after us and listens there keeps his socket."""
    path = tmp_path / "chatd.sock"
    (ours,) = listen_on([UnixAddress(str(path))], {})
    path.rename(tmp_path / "moved")
    (theirs,) = listen_on([UnixAddress(str(path))], {})
    ours.close()
    assert path.exists()
    theirs.close()
    ours.close()


def test_a_private_socket_is_for_its_owner_whatever_its_path(tmp_path: Path) -> None:
    """Also a path that is longer than the kernel takes; a stale one is replaced."""
    deep = tmp_path / ("d" * 120)
    deep.mkdir()
    path = deep / "admin.sock"
    first = listen_privately(path)
    first.sock.close()  # as if it had been killed
    second = listen_privately(path)
    assert second.address == UnixAddress(str(path))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(OSError, match="another process listens there"):
        listen_privately(path)
    second.close()
    assert not path.exists()


def test_a_socket_needs_no_right_to_give_files_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The service file forbids `chown`, and nothing of it is needed."""

    def refuse(*_: object) -> None:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr("os.chown", refuse)
    listen_privately(tmp_path / "admin.sock").close()
    for listening in listen_on([UnixAddress(str(tmp_path / "chatd.sock"))], {}):
        listening.close()


def test_the_kernel_says_who_is_at_the_other_end() -> None:
    """Of a Unix socket."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        assert peer_uid(ours) == os.geteuid()


async def test_where_peers_are_chosen_others_are_sent_away(tmp_path: Path) -> None:
    """With 403 and before anything is read of them; they are not counted."""
    address = UnixAddress(str(tmp_path / "admin.sock"))
    async with edge(address=address) as server:
        server.listener.peers = frozenset({os.geteuid() + 1})
        answer = await server.ask("")
        assert answer.startswith(b"HTTP/1.1 403 ")
        assert [status for _, status in server.watcher.refusals] == [403]
        assert server.listener.limiter.total == 0
        server.listener.peers = frozenset({os.geteuid()})
        assert await server.echoes()


def test_what_cannot_be_listened_on_is_named_and_nothing_is_left_open(
    tmp_path: Path,
) -> None:
    """All of them at once."""
    (taken,) = listen_on([LOOPBACK], {})
    path = tmp_path / "a.sock"
    busy = TcpAddress("127.0.0.1", taken.sock.getsockname()[1])
    addresses: list[Address] = [
        UnixAddress(str(path)),
        busy,
        UnixAddress(str(tmp_path / "no" / "where")),
        TcpAddress("192.0.2.1", 0),
        TcpAddress("no-such-name.invalid", 1),
        SystemdSockets(),
    ]
    with pytest.raises(ConfigError) as error:
        listen_on(addresses, {})
    taken.close()
    assert [p.split(": ")[1] for p in error.value.problems] == [
        str(address) for address in addresses[1:]
    ]
    assert not path.exists()


SYSTEMD = """
import os, socket, sys
one, two = socket.socket(), socket.socket(socket.AF_UNIX)
three = socket.socket(type=socket.SOCK_DGRAM)
one.bind(("127.0.0.1", 0)); two.bind(sys.argv[1])
for fd, sock in enumerate((one, two, three), 10):
    os.dup2(sock.fileno(), fd)
for fd in range(3):
    os.dup2(10 + fd, 3 + fd)
from chatd.config.values import SystemdSockets
from chatd.errors import ConfigError
from chatd.net.sockets import listen_on
environ = {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "2", "LISTEN_FDNAMES": "a:b"}
kept = listen_on([SystemdSockets()], environ)
for listening in kept:
    assert not listening.sock.getblocking() and not listening.sock.get_inheritable()
    print(str(listening.address).partition(":")[0], listening.sock.fileno())
assert environ == {}
for environ in (
    {"LISTEN_PID": "1", "LISTEN_FDS": "2"},
    {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "x"},
    {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "3"},
):
    try:
        listen_on([SystemdSockets()], environ)
    except ConfigError as error:
        print(error)
"""


def test_sockets_from_systemd(tmp_path: Path) -> None:
    """All that were handed over to this process, and the variables are used up."""
    found = subprocess.run(
        [sys.executable, "-c", SYSTEMD, str(tmp_path / "s")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout.splitlines() == [
        "127.0.0.1 3",
        "unix 4",
        "server.listen: systemd: systemd has handed over no sockets",
        "server.listen: systemd: systemd has handed over no sockets",
        "server.listen: systemd: descriptor 5 is no stream socket",
    ]


def test_an_accepted_socket_is_tuned() -> None:
    """No delay, keep-alive, little hidden in the kernel, and no limit but ours."""
    with socket.socket() as sock:
        tune(sock)
        assert not sock.getblocking()
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 0
        assert sock.getsockopt(socket.IPPROTO_TCP, 25) == 16_384
    with socket.socket(socket.AF_UNIX) as sock:
        tune(sock)
        assert not sock.getblocking()


async def test_a_connection_keeps_nothing_of_its_request() -> None:
    """Neither our parser nor the library's lives on: 3 KiB of each connection."""

    def parsers() -> int:
        gc.collect()
        return sum(type(one) is h11.Connection for one in gc.get_objects())

    async with edge() as server:
        before = parsers()
        peers = [await server.upgraded() for _ in range(3)]
        assert parsers() == before
        for peer in peers:
            peer.sock.close()
