"""Listening sockets: made from addresses, taken from systemd, tuned, given back.

The standard library's sockets, non-blocking; `chatd.net.accepting` waits on them with
Trio. A Unix socket's file that no process listens on is left from a crash and is
replaced; one in use is an error, and so is any other file. At the end the file is
removed if it is still ours.

Who may connect to a Unix socket is decided by its file's mode and group, which are set
before connecting is possible.
"""

from __future__ import annotations

import errno
import fcntl
import grp
import os
import re
import socket
import stat
import struct
import sys
import termios
from collections.abc import Iterable, MutableMapping
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import attrs

from chatd.config.values import Address, SystemdSockets, TcpAddress, UnixAddress
from chatd.errors import ConfigError
from chatd.net import holders

SYSTEMD_FIRST_FD = 3
"""Source: sd_listen_fds(3)."""
_TCP_INFO = struct.Struct("=2xB41xI8xI")
"""Of what `TCP_INFO` tells: `retransmits`, which an answer sets to 0, and the
milliseconds `last_data_sent` and `last_ack_recv`. Source: linux/tcp.h."""
_UCRED = struct.Struct("=iII")
NOTSENT_LOWAT_BYTES = 16_384
"""Without it a stalled peer hides 4 MB in the kernel, where nothing can be dropped."""
_BACKLOG = 4096
"""The kernel's own bound on Linux; a storm of reconnects waits in it."""
_TCP_NOTSENT_LOWAT = getattr(socket, "TCP_NOTSENT_LOWAT", 25)
_INET = (socket.AF_INET, socket.AF_INET6)


class PeerSocket(Protocol):
    """A connected, non-blocking socket, as a connection uses it.

    Either the standard library's or one that encrypts. `recv` returns less than
    was asked for only where nothing more is there.
    """

    def fileno(self) -> int:
        """The descriptor to wait for."""

    def recv(self, size: int, flags: int = 0, /) -> bytes:
        """As `socket.recv`; `b""` is the end."""

    def send(self, data: bytes | memoryview, /) -> int:
        """As `socket.send`; what is offered next begins behind what was taken."""

    def getsockopt(self, level: int, option: int, size: int, /) -> bytes:
        """As `socket.getsockopt`, of the kernel's socket."""

    def shutdown(self, how: int, /) -> None:
        """As `socket.shutdown`, which is only asked to end the output."""

    def close(self) -> None:
        """As `socket.close`."""


def undelivered(sock: PeerSocket) -> int:
    """How much of what was sent the peer's side has not acknowledged, at the most.

    A Unix socket's peer acknowledges what it reads; counted is the memory of the
    rest, which is more than its bytes. TLS adds to it as well.

    Returns:
        0 also where the kernel does not tell.
    """
    try:
        told = fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, bytes(4))
    except OSError:
        return 0
    return int.from_bytes(told, sys.byteorder)


def tcp_state(sock: PeerSocket) -> tuple[float, float]:
    """What the kernel knows of a TCP connection.

    Returns:
        For how many seconds it has sent no data, and for how many it has repeated
        itself without an answer. 0.0 for what is not so, or where nobody knows.
    """
    try:
        told = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO.size)
        repeated, sent_ms, answered_ms = _TCP_INFO.unpack(told)
    except (OSError, struct.error):
        return 0.0, 0.0
    return sent_ms / 1000, answered_ms / 1000 if repeated else 0.0


@attrs.define(eq=False)
class Listening:
    """One listening socket."""

    sock: socket.socket = attrs.field(repr=False)
    address: Address
    """Where it really listens."""
    _file: tuple[Path, int, int] | None = None

    def close(self) -> None:
        """Stop listening; remove the file of a Unix socket if it is ours."""
        self.sock.close()
        if self._file is not None:
            path, device, inode = self._file
            with suppress(OSError):
                now = path.lstat()
                if (now.st_dev, now.st_ino) == (device, inode):
                    path.unlink()


@attrs.frozen
class UnixAccess:
    """Who may connect to the Unix sockets that are made."""

    mode: int = 0o660
    group: str = ""
    """By name or number; `""` for that of this process."""

    def group_id(self) -> int:
        """The group's number; -1 for none.

        Raises:
            ConfigError: This machine has no such group.
        """
        if not self.group:
            return -1
        try:
            if re.fullmatch("[0-9]{1,9}", self.group):
                return int(self.group)
            return grp.getgrnam(self.group).gr_gid
        except (KeyError, ValueError):
            problem = f'server.unix_group: there is no group "{self.group}" here'
            raise ConfigError([problem]) from None


def listen_on(
    addresses: Iterable[Address],
    environ: MutableMapping[str, str],
    access: UnixAccess = UnixAccess(),
    setting: str = "server.listen",
) -> list[Listening]:
    """Open everything that is to be listened on, or nothing.

    Args:
        addresses: From the configuration. A host name listens on all that it
            resolves to, on one port.
        environ: The process's own; systemd's variables are taken out of it.
        access: To the Unix sockets that are made.
        setting: The key of the addresses.

    Raises:
        ConfigError: Some cannot be listened on; all of them are named.
    """
    opened: list[Listening] = []
    problems: list[str] = []
    for address in addresses:
        try:
            match address:
                case TcpAddress():
                    opened += _tcp(address)
                case UnixAddress():
                    opened.append(_unix(Path(address.path), access))
                case SystemdSockets():
                    opened += _systemd(environ)
        except OSError as error:
            problems.append(f"{setting}: {address}: {_reason(address, error)}")
        except ConfigError as error:
            problems += error.problems
    if problems:
        for one in opened:
            one.close()
        raise ConfigError(list(dict.fromkeys(problems)))
    return opened


def _reason(address: Address, error: OSError) -> str:
    """Why an address cannot be listened on, and what to do."""
    said = error.strerror or str(error)
    if isinstance(error, socket.gaierror):
        return f"{said}: no name of this machine, or of its /etc/hosts"
    if error.errno == errno.EADDRINUSE and not isinstance(address, SystemdSockets):
        return holders.in_use(address)
    if error.errno == errno.EADDRNOTAVAIL:
        return f"{said}: not an address of this machine (see: ip address)"
    if error.errno in {errno.EACCES, errno.EPERM} and isinstance(address, TcpAddress):
        return (
            f"{said}: for a port below 1024 use the socket unit, or set"
            " AmbientCapabilities=CAP_NET_BIND_SERVICE in the service"
        )
    if error.errno == errno.ENOENT and isinstance(address, UnixAddress):
        return f"there is no directory {Path(address.path).parent}; make it first"
    return said


def _tcp(address: TcpAddress) -> list[Listening]:
    found = socket.getaddrinfo(
        address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )
    opened: list[Listening] = []
    port = address.port
    try:
        for family, kind, proto, _, where in dict.fromkeys(found):
            sock = socket.socket(family, kind, proto)
            opened.append(Listening(sock, address))
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            try:
                sock.bind((where[0], port, *where[2:]))
            except OSError as error:
                # A name may resolve to a family that this machine has not.
                if error.errno != errno.EADDRNOTAVAIL or len(found) == 1:
                    raise
                opened.pop().close()
                continue
            port = sock.getsockname()[1]
            opened[-1] = _listen(sock)
        if not opened:
            raise OSError(errno.EADDRNOTAVAIL, "no address of this name is here")
    except OSError:
        for one in opened:
            one.close()
        raise
    return opened


def listen_privately(path: Path) -> Listening:
    """Listen on a Unix socket that only the owner of its file can open, and root.

    The path may be longer than the 107 bytes that the kernel takes.

    Raises:
        OSError: It cannot be made, or another process listens there.
    """
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        near = Path(f"/proc/self/fd/{directory}") / path.name
        listening = _unix(near, UnixAccess(0o600))
    finally:
        os.close(directory)
    made = path.lstat()
    return Listening(
        listening.sock, UnixAddress(str(path)), (path, made.st_dev, made.st_ino)
    )


def peer_uid(sock: socket.socket) -> int:
    """The user whose process is at the other end of a Unix socket.

    Source: unix(7), `SO_PEERCRED`: process, user, group.
    """
    told = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size)
    return int(_UCRED.unpack(told)[1])


def _unix(path: Path, access: UnixAccess) -> Listening:
    group = access.group_id()
    _remove_stale(path)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    made: os.stat_result | None = None
    try:
        sock.bind(str(path))
        made = path.lstat()
        # Nobody can connect before `listen`.
        path.chmod(access.mode)
        if access.group:
            _give(path, access.group, group)
        listening = _listen(sock)
    except OSError:
        sock.close()
        if made is not None:
            path.unlink()
        raise
    listening._file = (path, made.st_dev, made.st_ino)  # noqa: SLF001 - one module
    return listening


def _give(path: Path, group: str, number: int) -> None:
    """Give a socket's file to a group."""
    try:
        os.chown(path, -1, number)
    except OSError as error:
        reason = f"cannot be given to the group {group}: {error.strerror}"
        raise OSError(error.errno, reason) from error


def _remove_stale(path: Path) -> None:
    """Remove a socket that nobody listens on."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise OSError(errno.EEXIST, "there is a file of this name; move it away")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)  # noqa: FBT003 - the standard library's form
        # A full backlog means that a process listens, too.
        if probe.connect_ex(str(path)) == errno.ECONNREFUSED:
            path.unlink()
            return
    raise OSError(errno.EADDRINUSE, "another process listens there")


def _systemd(environ: MutableMapping[str, str]) -> list[Listening]:
    pid, count = environ.pop("LISTEN_PID", ""), environ.pop("LISTEN_FDS", "")
    environ.pop("LISTEN_FDNAMES", None)
    if pid != str(os.getpid()) or not count.isdecimal() or not int(count):
        raise OSError(errno.ENOENT, "systemd has handed over no sockets")
    opened = []
    for fd in range(SYSTEMD_FIRST_FD, SYSTEMD_FIRST_FD + int(count)):
        sock = socket.socket(fileno=fd)
        sock.set_inheritable(False)
        if sock.type != socket.SOCK_STREAM:
            raise OSError(errno.EINVAL, f"descriptor {fd} is no stream socket")
        opened.append(_listen(sock))
    return opened


def _listen(sock: socket.socket) -> Listening:
    sock.setblocking(False)  # noqa: FBT003 - the standard library's form
    sock.listen(_BACKLOG)
    name = sock.getsockname()
    if sock.family in _INET:
        return Listening(sock, TcpAddress(name[0], name[1]))
    # One without a file begins with a NUL, which is written as `@`.
    return Listening(sock, UnixAddress(os.fsdecode(name).replace("\0", "@", 1)))


def tune(sock: socket.socket) -> None:
    """Prepare an accepted socket; what it does not know does not matter.

    No `TCP_USER_TIMEOUT`: behind a window that is smaller than a segment, as that of a
    slow reader on the same machine is, Linux counts it although bytes are taken.
    """
    sock.setblocking(False)  # noqa: FBT003 - the standard library's form
    if sock.family not in _INET:
        return
    for level, option, value in (
        (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
        (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
        (socket.IPPROTO_TCP, _TCP_NOTSENT_LOWAT, NOTSENT_LOWAT_BYTES),
    ):
        with suppress(OSError):
            sock.setsockopt(level, option, value)
