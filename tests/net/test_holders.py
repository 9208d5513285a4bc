"""Who listens where an address is in use, as the kernel tells it."""

from __future__ import annotations

import ipaddress
import os
import socket
from pathlib import Path

import pytest

from chatd.config import TcpAddress, UnixAddress
from chatd.errors import ConfigError
from chatd.net.holders import in_use
from chatd.net.sockets import listen_on

ALL = str(ipaddress.IPv4Address(0))
ME = f"process {os.getpid()} ("


@pytest.mark.parametrize("host", ["127.0.0.1", ALL])
def test_the_process_is_named(host: str) -> None:
    """By number and command; also where it listens on all addresses."""
    with socket.create_server((host, 0)) as theirs:
        address = TcpAddress("127.0.0.1", theirs.getsockname()[1])
        with pytest.raises(ConfigError) as refused:
            listen_on([address], {})
    (said,) = refused.value.problems
    assert said.startswith(f"server.listen: {address}: in use by {ME}")
    assert Path("/proc/self/cmdline").read_text().partition("\0")[0] in said
    assert said.endswith("; stop it or choose another address")


def test_the_process_at_a_unix_socket_is_named(tmp_path: Path) -> None:
    """A file of that name which is no socket is named as such."""
    address = UnixAddress(str(tmp_path / "chatd.sock"))
    with socket.socket(socket.AF_UNIX) as theirs:
        theirs.bind(address.path)
        theirs.listen()
        with pytest.raises(ConfigError, match="in use by process") as refused:
            listen_on([address], {})
    assert ME in refused.value.problems[0]
    Path(address.path).unlink()
    Path(address.path).touch()
    with pytest.raises(ConfigError, match="a file of this name; move it away"):
        listen_on([address], {})


def kernel(proc: Path, pid: int, *, is_open: bool) -> Path:
    """A `/proc` in which a process listens on port 8765 and on `/run/a`."""
    (proc / "self" / "net").mkdir(parents=True)
    idle = "0: 0100007F:223D 00000000:0000 01 0:0 0:0 0 0 0 11 1"
    line = "1: 0100007F:223D 00000000:0000 0A 0:0 0:0 0 0 0 12 1"
    (proc / "self" / "net" / "tcp").write_text(f"head\n{idle}\n{line}\n")
    unix = "0000: 00000002 00000000 00010000 0001 01 13 /run/a"
    (proc / "self" / "net" / "unix").write_text(f"head\n{unix}\n0: 2 0 0 1 1 14\n")
    for other, inode in ((7, 11), (pid, 12), (pid + 10, 14)):
        directory = proc / str(other)
        directory.mkdir()
        (directory / "cmdline").write_bytes(b"nginx:\0master\x1b\0")
        if is_open:
            (directory / "fd").mkdir()
            (directory / "fd" / "3").symlink_to(f"socket:[{inode}]")
            (directory / "fd" / "4").symlink_to(f"socket:[{inode + 1}]")
    return proc


PORT, SOCK = TcpAddress("127.0.0.1", 8765), UnixAddress("/run/a")


def test_one_that_listens_is_told_from_one_that_is_connected(tmp_path: Path) -> None:
    """What it was started as is shown on one line, whatever is in it."""
    proc = kernel(tmp_path, 40, is_open=True)
    said = "in use by process 40 (nginx: master?); stop it or choose another address"
    assert in_use(SOCK, proc) == said
    (proc / "7" / "fd" / "4").unlink()
    assert in_use(PORT, proc) == said


def test_a_socket_unit_is_told_from_a_process(tmp_path: Path) -> None:
    """There is nothing to stop but the unit."""
    proc = kernel(tmp_path, 1, is_open=True)
    (proc / "7" / "fd" / "4").unlink()
    assert "in use by a socket unit of systemd" in in_use(PORT, proc)


def test_where_nobody_may_look_the_command_is_named(tmp_path: Path) -> None:
    """As for another user's process, and where there is no `/proc`."""
    for proc in (kernel(tmp_path / "a", 40, is_open=False), tmp_path / "none"):
        said = in_use(PORT, proc)
        assert said.endswith("to see which: sudo ss -ltnp 'sport = :8765'")
        assert in_use(SOCK, proc).endswith("sudo ss -lxp 'src = /run/a'")


@pytest.mark.parametrize(
    ("address", "said"),
    [
        (TcpAddress("192.0.2.1", 0), "not an address of this machine"),
        (TcpAddress("no.such.name.invalid", 0), "no name of this machine"),
        (UnixAddress("/no/such/place/a"), "there is no directory /no/such/place"),
    ],
)
def test_what_cannot_be_listened_on_says_why(
    address: TcpAddress | UnixAddress, said: str
) -> None:
    """And what to look at."""
    with pytest.raises(ConfigError, match=said):
        listen_on([address], {})
