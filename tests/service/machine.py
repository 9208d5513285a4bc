"""A machine with Debian and systemd: a container of systemd-nspawn, for a block.

Its root is a copy of one that debootstrap has made, so that each starts clean. It has a
network of its own, in which nobody else is. What runs in it is ended with it.
"""

from __future__ import annotations

import os
import pty
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import attrs

PATIENCE_S = 120.0
"""When to give up on something that never comes; not a measure of speed."""
PACKAGES = (
    *("ca-certificates", "dbus", "iproute2", "python3", "python3-venv"),
    *("sudo", "systemd", "systemd-sysv"),
)
"""What a server has that chatd and its README need, beside what every Debian has."""
LATER = (
    *("postgresql", "redis-server", "haproxy"),
    *("podman", "crun", "netavark", "aardvark-dns", "iptables"),
)
"""What is installed on some of them, which have no network to get it from."""
NESTS = {
    "SYSTEMD_NSPAWN_API_VFS_WRITABLE": "1",
    "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1",
}
"""What containers in a container need: to set what is of the kernel's network, and
cgroups of one kind."""


class Failed(Exception):
    """A command did not end as it should."""


@attrs.frozen
class Machine:
    """A booted machine.

    Attributes:
        root: Its file system, as it is seen from outside.
        leader: The process in which all of its namespaces are.
    """

    root: Path
    leader: int

    def run(self, *command: str, told: str = "", fails: bool = False) -> str:
        """Run a command as root inside, and return what it has said.

        Args:
            command: The command.
            told: Its standard input.
            fails: Whether it has to fail.

        Raises:
            Failed: It did not end as it should.
        """
        done = subprocess.run(
            [*self.inside(), "env", "-i", *_ENVIRONMENT, *command],
            input=told,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if (done.returncode != 0) is not fails:
            what = " ".join(command)
            raise Failed(f"{what}: status {done.returncode}\n{done.stdout}")
        return done.stdout

    def typed(self, text: str, answers: Sequence[tuple[str, str]] = ()) -> str:
        """Type a line of a shell at a terminal, and return what is on it then.

        Args:
            text: The line.
            answers: What is asked for, in its order, and what is typed then.

        Raises:
            Failed: It did not end well.
        """
        ours, theirs = pty.openpty()
        command = [*self.inside(), "env", "-i", *_ENVIRONMENT, "bash", "-c", text]
        with subprocess.Popen(
            command, stdin=theirs, stdout=theirs, stderr=theirs
        ) as it:
            os.close(theirs)
            said, asked, left = "", 0, list(answers)
            with suppress(OSError):  # the last who had the other side has ended
                while more := os.read(ours, 4096):
                    said += more.decode(errors="replace")
                    if left and left[0][0] in said[asked:]:
                        asked = len(said)
                        os.write(ours, f"{left.pop(0)[1]}\n".encode())
            os.close(ours)
        if it.returncode:
            raise Failed(f"{text}: status {it.returncode}\n{said}")
        return said.replace("\r", "")

    def inside(self, *namespaces: str) -> list[str]:
        """Return what has to stand before a command for it to run inside.

        Args:
            namespaces: Options of nsenter; all of them if there is none.
        """
        chosen = namespaces or ("--all",)
        return ["nsenter", "--target", str(self.leader), *chosen, "--"]


_ENVIRONMENT = (
    "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
    "LC_ALL=C.UTF-8",
    "DEBIAN_FRONTEND=noninteractive",
    "HOME=/root",
    "TERM=dumb",
)


def debian(root: Path) -> None:
    """Make the root of a bare Debian 12, unless it is there with the same packages."""
    made = root.with_name(f"{root.name}.packages")
    wanted = " ".join((*PACKAGES, *LATER))
    if root.exists() and made.exists() and made.read_text() == wanted:
        return
    shutil.rmtree(root, ignore_errors=True)
    unfinished = root.with_name(f"{root.name}.new")
    shutil.rmtree(unfinished, ignore_errors=True)
    packages = f"--include={','.join(PACKAGES)}"
    subprocess.run(
        ["debootstrap", "--variant=minbase", packages, "bookworm", unfinished],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    install = ("apt-get", "install", "-y", "--download-only", *LATER)
    subprocess.run(
        ["chroot", unfinished, *install], check=True, stdout=subprocess.DEVNULL
    )
    unfinished.rename(root)
    made.write_text(wanted)


@contextmanager
def booted(base: Path, *, nests: bool = False) -> Iterator[Machine]:
    """Boot a copy of a root for a block.

    Args:
        base: What `debian` has made.
        nests: Whether containers are run in it.
    """
    root = base.with_name("machine")
    shutil.rmtree(root, ignore_errors=True)
    subprocess.run(["cp", "-a", base, root], check=True)
    log = base.with_name("machine.log")
    more = ("--capability=all", "--system-call-filter=@keyring bpf") if nests else ()
    with log.open("wb") as output:
        process = subprocess.Popen(
            [
                "systemd-nspawn", "--quiet", "--boot", "--register=no", "--keep-unit",
                "--private-network", "--console=pipe", "--machine=chatd",
                f"--directory={root}", *more,
            ],
            env={**os.environ, **(NESTS if nests else {})},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )  # fmt: skip
    try:
        machine = _up(root, process)
        yield machine
        machine.run("systemctl", "poweroff")
        process.wait(PATIENCE_S)
    finally:
        if process.poll() is None:
            # It ends all that runs inside.
            process.terminate()
            process.wait(PATIENCE_S)


def _up(root: Path, process: subprocess.Popen[bytes]) -> Machine:
    """Wait until the machine has booted."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    deadline = time.monotonic() + PATIENCE_S
    state = ""
    while time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.1)  # noqa: TID251 - there is no loop here, and nothing tells of it
        for leader in children.read_text().split():
            machine = Machine(root, int(leader))
            command = [*machine.inside(), "systemctl", "is-system-running"]
            asked = subprocess.run(command, capture_output=True, text=True, check=False)
            state = asked.stdout.strip() or asked.stderr.strip()
            if state == "running":
                return machine
    raise Failed(f"the machine does not come up: {state}")
