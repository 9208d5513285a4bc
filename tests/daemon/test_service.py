from __future__ import annotations

import resource
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from chatd.daemon.service import (
    EXTEND_BY_S,
    EXTEND_EVERY_S,
    Service,
    service_from,
)


@contextmanager
def manager(address: str) -> Iterator[socket.socket]:
    """A service manager's socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(address)
        sock.settimeout(0)
        yield sock


def received(sock: socket.socket) -> list[bytes]:
    """What has been sent so far."""
    found = []
    while True:
        try:
            found.append(sock.recv(4096))
        except BlockingIOError:
            return found


def test_a_manager_with_a_path_is_told(tmp_path: Path) -> None:
    """One datagram for each message."""
    path = str(tmp_path / "notify")
    with manager(path) as sock:
        service = service_from({"NOTIFY_SOCKET": path})
        service.tell("READY=1")
        service.tell("STOPPING=1")
        assert received(sock) == [b"READY=1", b"STOPPING=1"]


def test_a_manager_in_the_abstract_namespace_is_told(tmp_path: Path) -> None:
    """Where the address begins with an @, it has no file."""
    name = f"chatd-test-{tmp_path}"
    with manager("\0" + name) as sock:
        service_from({"NOTIFY_SOCKET": "@" + name}).tell("READY=1")
        assert received(sock) == [b"READY=1"]


async def test_a_start_that_takes_long_asks_for_time(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    """Again and again, each time for longer than until the next time, and no more."""
    path = str(tmp_path / "notify")
    with manager(path) as sock:
        service, started = service_from({"NOTIFY_SOCKET": path}), trio.Event()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(service.extend_start, started, 0)
            await trio.sleep(3.5 * EXTEND_EVERY_S)
            started.set()
        assert EXTEND_BY_S > 2 * EXTEND_EVERY_S
        assert received(sock) == [b"EXTEND_TIMEOUT_USEC=60000000"] * 4


@pytest.mark.parametrize(("size", "most_s"), [(0, 3600.0), (100 * 10**9, 28_600.0)])
async def test_a_start_that_hangs_asks_for_an_hour_and_what_its_store_takes(
    size: int,
    most_s: float,
    tmp_path: Path,
    autojump_clock: MockClock,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Then the manager ends it, and the log says why."""
    path = str(tmp_path / "notify")
    with manager(path) as sock:
        service, began = service_from({"NOTIFY_SOCKET": path}), trio.current_time()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(service.extend_start, trio.Event(), size)
            await trio.sleep(most_s - 1.5 * EXTEND_EVERY_S)
            assert received(sock)
            assert capsys.readouterr().err == ""
            await trio.sleep(EXTEND_EVERY_S)
            assert received(sock) == [b"EXTEND_TIMEOUT_USEC=60000000"]
        assert trio.current_time() - began == most_s
        assert received(sock) == []
    assert "the start takes too long" in capsys.readouterr().err


async def test_without_a_manager_nobody_is_asked() -> None:
    """A start by hand may take as long as it likes."""
    await service_from({}).extend_start(trio.Event(), 0)


def test_without_a_manager_nobody_is_told() -> None:
    """Started by hand, there is none."""
    service = service_from({})
    assert service == Service("", 0.0)
    service.tell("READY=1")


def test_a_manager_that_is_gone_is_no_reason_to_fail(tmp_path: Path) -> None:
    """Neither a missing socket nor one that nobody reads any more."""
    path = str(tmp_path / "notify")
    Service(path).tell("READY=1")
    with manager(path):
        service = Service(path)
    service.tell("READY=1")


def test_a_manager_that_does_not_read_costs_nothing(tmp_path: Path) -> None:
    """A full queue loses a message instead of stopping the loop."""
    path = str(tmp_path / "notify")
    with manager(path):
        for _ in range(5_000):
            Service(path).tell("WATCHDOG=1")


def test_having_no_descriptor_left_is_no_reason_to_fail(tmp_path: Path) -> None:
    """A daemon with too many connections goes on, and is not told apart from dead."""
    path = str(tmp_path / "notify")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with manager(path) as sock:
        resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
        try:
            Service(path).tell("WATCHDOG=1")
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        assert received(sock) == []


@pytest.mark.parametrize(
    ("environ", "watchdog_s"),
    [
        ({}, 0.0),
        ({"WATCHDOG_USEC": "30000000"}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "7"}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "8"}, 0.0),
        ({"WATCHDOG_USEC": "0"}, 0.0),
        ({"WATCHDOG_USEC": "soon"}, 0.0),
        ({"WATCHDOG_USEC": "²"}, 0.0),
    ],
)
def test_the_watchdog_is_the_environments(
    environ: dict[str, str], watchdog_s: float
) -> None:
    """Its time in microseconds, and only where it is meant for this process."""
    assert service_from(environ, pid=7).watchdog_s == watchdog_s


async def test_signs_of_life_come_twice_as_often_as_wanted(
    tmp_path: Path, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    """Whoever wants one in ten seconds gets one in five, the first at once."""
    path = str(tmp_path / "notify")
    with manager(path) as sock:
        nursery.start_soon(Service(path, 10.0).feed_watchdog, lambda: True)
        await trio.sleep(0.1)
        assert received(sock) == [b"WATCHDOG=1"]
        await trio.sleep(4.8)
        assert received(sock) == []
        await trio.sleep(10)
        assert received(sock) == [b"WATCHDOG=1"] * 2


async def test_a_daemon_that_is_not_well_gives_no_sign(
    tmp_path: Path, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    """While the store does not answer; and again when it does."""
    path = str(tmp_path / "notify")
    well = [True]
    with manager(path) as sock:
        nursery.start_soon(Service(path, 10.0).feed_watchdog, lambda: well[0])
        await trio.sleep(1)
        received(sock)
        well[0] = False
        await trio.sleep(60)
        assert received(sock) == []
        well[0] = True
        await trio.sleep(5)
        assert received(sock) == [b"WATCHDOG=1"]


async def test_without_a_watchdog_nothing_is_fed(autojump_clock: MockClock) -> None:
    """It returns, and no task stays behind."""
    with trio.fail_after(1):
        await Service("/nowhere", 0.0).feed_watchdog(lambda: True)
