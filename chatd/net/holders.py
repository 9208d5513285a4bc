"""Which process listens on an address that is in use.

The kernel tells in `/proc/self/net` which sockets listen, each with a number, and in
`/proc/PID/fd` which process has a socket of a number. The first may be read by all, the
second only of one's own processes; so a stranger's is not found, and what finds it is
named.

Source: proc(5), the `st` of `/proc/net/tcp` (`0A` listens), `/proc/net/unix`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from chatd.config.values import TcpAddress, UnixAddress

_LISTENS = "0A"
_PROC = Path("/proc")
_COMMAND_CHARS_MAX = 120


def in_use(address: TcpAddress | UnixAddress, proc: Path = _PROC) -> str:
    """Say by whom an address is in use, and what to do.

    Args:
        address: On which nobody else can listen.
        proc: Where the kernel tells of its processes.
    """
    if isinstance(address, TcpAddress):
        inodes = set(_tcp_inodes(address.port, proc))
        ask = f"ss -ltnp 'sport = :{address.port}'"
    else:
        inodes = set(_unix_inodes(address.path, proc))
        ask = f"ss -lxp 'src = {address.path}'"
    found = {pid: command for pid, command in _holders(inodes, proc) if pid != 1}
    if found:
        who = ", ".join(f"process {pid} ({command})" for pid, command in found.items())
        return f"in use by {who}; stop it or choose another address"
    if 1 in {pid for pid, _ in _holders(inodes, proc)}:
        return (
            "in use by a socket unit of systemd; listen on what it hands over"
            ' ("systemd"), or stop it: systemctl list-sockets'
        )
    return f"in use by another process; to see which: sudo {ask}"


def _tcp_inodes(port: int, proc: Path) -> Iterator[str]:
    """The sockets that listen on a port, whatever the address."""
    for name in ("tcp", "tcp6"):
        for line in _lines(proc / "self" / "net" / name):
            fields = line.split()
            number = fields[1].rpartition(":")[2]
            if fields[3] == _LISTENS and int(number, 16) == port:
                yield fields[9]


def _unix_inodes(path: str, proc: Path) -> Iterator[str]:
    for line in _lines(proc / "self" / "net" / "unix"):
        fields = line.split(maxsplit=7)
        if fields[7:] == [path]:
            yield fields[6]


def _holders(inodes: set[str], proc: Path) -> Iterator[tuple[int, str]]:
    """The processes that have one of these sockets, as far as one may look."""
    wanted = {f"socket:[{inode}]" for inode in inodes}
    for directory in sorted(proc.glob("[0-9]*"), key=lambda path: int(path.name)):
        if _links(directory / "fd") & wanted:
            yield int(directory.name), _command(directory)


def _links(directory: Path) -> set[str]:
    """What the descriptors of a process are; nothing where one may not look."""
    links: set[str] = set()
    with suppress(OSError):
        for descriptor in directory.iterdir():
            with suppress(OSError):  # closed meanwhile
                links.add(str(descriptor.readlink()))
    return links


def _command(directory: Path) -> str:
    """What a process was started as, on one line."""
    try:
        words = (directory / "cmdline").read_text(errors="replace").split("\0")
    except OSError:  # it has ended meanwhile
        return "?"
    text = " ".join(word for word in words if word)[:_COMMAND_CHARS_MAX]
    return "".join(char if char.isprintable() else "?" for char in text)


def _lines(path: Path) -> list[str]:
    """The lines below the head; none where the file is not there."""
    try:
        return path.read_text().splitlines()[1:]
    except OSError:
        return []
