"""Machines on a network of their own, where any way can be lost.

A machine is a network namespace with one address. Whoever runs there reaches the others
through a router, which is one more: what it drops is lost on the way, so nobody is
refused and nobody is told, and each kernel sends again for as long as it believes in
that, as between machines that stand apart. A machine's cable can be pulled, too.

The namespaces have names where only the router's shell sees them. It ends when nobody
writes to it any more, which is when the tests end, however that is; with it end all who
run on its machines, the names, and the namespaces. It needs root, or a kernel that lets
users have namespaces.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pwd import struct_passwd

import attrs

PATIENCE_S = 60
IS_ROOT = os.geteuid() == 0
_ROUTER = (
    "unshare",
    *(() if IS_ROOT else ("--user", "--map-current-user", "--keep-caps")),
    *("--mount", "--net", "sh", "-e"),
)
_END = (
    "for each in /run/netns/*; do",
    "  kill -KILL $(ip netns pids ${each##*/}) 2>/dev/null || true",
    "done",
)
_BEGIN = (
    "mount -t tmpfs chatd-test /run",
    *("end() {", *_END, "}", "trap end EXIT"),
    "echo 1 >/proc/sys/net/ipv4/ip_forward",
)
_MACHINE = (
    "ip netns add {name}",
    "ip link add name {name} type veth peer name eth0 netns {name}",
    "ip address add {net}.1/24 dev {name}",
    "ip link set {name} up",
    "ip -netns {name} link set lo up",
    "ip -netns {name} address add {net}.2/24 dev eth0",
    "ip -netns {name} link set eth0 up",
    "ip -netns {name} route add default via {net}.1",
)

Way = tuple[str, str]
"""From a machine to another, by their names."""


@attrs.frozen
class Machine:
    """One machine."""

    name: str
    address: str
    namespaces: Sequence[str]
    """Those that whoever runs there is in, in the order in which one enters them."""

    def running(self, user: struct_passwd | None = None) -> list[str]:
        """What stands before a command that is to run there.

        Args:
            user: Whom it runs as, which only root can say; None: as who we are.
        """
        words = ["nsenter", f"--net={self.namespaces[-1]}"]
        if not IS_ROOT:
            words += [f"--user={self.namespaces[0]}", "--preserve-credentials"]
        if user is not None:
            words += [f"--setuid={user.pw_uid}", f"--setgid={user.pw_gid}"]
        return words


@attrs.define(eq=False)
class Network:
    """Some machines, and the router between them."""

    _router: subprocess.Popen[bytes]
    machines: dict[str, Machine] = attrs.field(factory=dict)

    def add(self, name: str) -> None:
        """Add a machine."""
        net, pid = f"10.0.{len(self.machines) + 1}", self._router.pid
        self._say(*(line.format(name=name, net=net) for line in _MACHINE))
        user = () if IS_ROOT else (f"/proc/{pid}/ns/user",)
        namespaces = (*user, f"/proc/{pid}/root/run/netns/{name}")
        self.machines[name] = Machine(name, f"{net}.2", namespaces)

    @contextmanager
    def losing(self, *ways: Way) -> Iterator[None]:
        """Lose whatever goes some ways, for a block."""
        rules = [
            f"from {self.machines[begin].address} to {self.machines[end].address}"
            for begin, end in ways
        ]
        self._say(*(f"ip rule add {rule} blackhole" for rule in rules))
        try:
            yield
        finally:
            self._say(*(f"ip rule del {rule} blackhole" for rule in rules))

    @contextmanager
    def unplugged(self, name: str) -> Iterator[None]:
        """Have the cable of a machine pulled at the router, for a block."""
        self._say(f"ip link set {name} down")
        try:
            yield
        finally:
            self._say(f"ip link set {name} up")

    def _say(self, *lines: str) -> None:
        """Have the router do something, and wait for that."""
        assert self._router.stdin is not None
        assert self._router.stdout is not None
        self._router.stdin.write("\n".join([*lines, "echo .", ""]).encode())
        self._router.stdin.flush()
        answer = self._router.stdout.readline()
        assert answer == b".\n", f"{lines}: {answer!r}"


@contextmanager
def network(*names: str) -> Iterator[Network]:
    """Have machines on a network of their own, for a block; all on them ends with it.

    Args:
        *names: What they are called.
    """
    # Of a session of its own, or Ctrl-C would end it before those who use it.
    router = subprocess.Popen(
        _ROUTER,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    assert router.stdin is not None
    assert router.stdout is not None
    try:
        found = Network(router)
        found._say(*_BEGIN)
        for name in names:
            found.add(name)
        yield found
    finally:
        router.stdin.close()
        router.wait(PATIENCE_S)
        router.stdout.close()
