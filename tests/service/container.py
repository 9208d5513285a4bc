"""Build the image of the Containerfile, and run what is in it: `make test-container`.

The base is the Debian of `make test-service`, so no registry is asked, and it is run by
systemd-nspawn and not by podman, which needs more of a machine than many build machines
give: with a root that cannot be written, the user, the command and the health check
that are in the image, and a volume. Behind that podman runs it in a machine that has
booted and has all that (`compose.py`). Each line that is printed is a fact.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.service.compose import follow_compose
from tests.service.look import headline, holds
from tests.service.machine import PATIENCE_S, Failed, Machine, debian

BASE, IMAGE = "localhost/chatd-base", "localhost/chatd"


def podman(*arguments: str) -> str:
    """Run podman, and return what it has said."""
    command = ["podman", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def build(base: Path) -> None:
    """Build the image upon a Debian that is there."""
    with subprocess.Popen(
        ["tar", "-C", base, "-c", "--exclude=./var/cache/apt/archives/*.deb", "."],
        stdout=subprocess.PIPE,
    ) as tar:
        command = ["podman", "import", "--quiet", "-", BASE]
        subprocess.run(command, stdin=tar.stdout, check=True, capture_output=True)
    chosen = (
        "--format",
        "docker",
        "--isolation",
        "chroot",
        "--build-arg",
        f"BASE={BASE}",
    )
    podman("build", "--quiet", *chosen, "--tag", IMAGE, ".")


def run(root: str, volume: Path, image: dict[str, Any]) -> None:
    """Start what the image starts, ask it what the image asks, and stop it."""
    config, health = image["Config"], image["Healthcheck"]["Test"]
    user = str(config["User"]).partition(":")[0]
    holds(f"its user is {user}", so=user not in {"", "0", "root"})
    become = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", "--"]
    start = [*become, *config["Entrypoint"], *config["Cmd"]]
    nspawn = [
        "systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--as-pid2",
        "--private-network", "--console=pipe", "--read-only", f"--directory={root}",
        f"--bind={volume}:/var/lib/chatd",
        *(f"--setenv={one}" for one in config["Env"]),
    ]  # fmt: skip
    log = volume.with_name("log")
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*nspawn, *start], stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
    try:
        leader = _leader(process)
        inside = ["nsenter", "--target", leader, "--all", "--", "env", *config["Env"]]
        holds("its check is a command", so=health[0] == "CMD")
        check = [*inside, *become, *health[1:]]
        holds("it becomes healthy", so=_comes(check, process))
        touch = subprocess.run(
            [*inside, "touch", "/etc/new"], check=False, capture_output=True, text=True
        )
        holds("not even root can write", so="Read-only file system" in touch.stderr)
        names = {path.name for path in volume.iterdir()}
        holds("what is written is in the volume", so="chatd.db" in names)
        owners = {path.lstat().st_uid for path in volume.iterdir()}
        holds(f"and is its user's: {owners}", so=owners == {int(user)})
        drain = [*inside, *become, "chatd", "drain", "-c", "/etc/chatd/chatd.toml"]
        # When the daemon ends, so does all that is inside, this command too.
        subprocess.run(drain, check=False, capture_output=True)
        holds("it ends when it is drained", so=process.wait(PATIENCE_S) == 0)
        unwell = subprocess.run(check, check=False, capture_output=True).returncode
        holds("and is not healthy then", so=unwell != 0)
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(PATIENCE_S)
        if process.returncode:
            sys.stderr.write(log.read_text())


def _leader(process: subprocess.Popen[bytes]) -> str:
    """The first process inside."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline and process.poll() is None:
        if found := children.read_text().split():
            return found[0]
        time.sleep(0.05)  # noqa: TID251 - there is no loop here, and nothing tells of it
    raise Failed("it does not start")


def _comes(check: list[str], process: subprocess.Popen[bytes]) -> bool:
    """Ask until it is healthy."""
    deadline, said = time.monotonic() + PATIENCE_S, b""
    while time.monotonic() < deadline and process.poll() is None:
        done = subprocess.run(check, check=False, capture_output=True)
        if done.returncode == 0:
            return True
        said = done.stderr
        time.sleep(0.1)  # noqa: TID251 - as above
    sys.stderr.buffer.write(said)
    return False


def main(podman_compose: Path) -> None:
    """Build, run, look; then all of contrib/cluster/compose.yaml.

    Args:
        podman_compose: Where pip has put it.
    """
    # The one that needs nothing of the file system.
    os.environ["STORAGE_DRIVER"] = "vfs"
    base = Path("build/service/debian")
    base.parent.mkdir(parents=True, exist_ok=True)
    debian(base)
    headline("built")
    build(base)
    (image,) = json.loads(podman("image", "inspect", IMAGE))
    root = podman("image", "mount", IMAGE).strip()
    try:
        with TemporaryDirectory() as directory:
            volume = Path(directory) / "volume"
            volume.mkdir(mode=0o700)
            user = image["Config"]["User"]
            subprocess.run(["chown", user, volume], check=True)
            run(root, volume, image)
    finally:
        podman("image", "unmount", IMAGE)
    follow_compose(base, bring, podman_compose)


def bring(machine: Machine) -> None:
    """Give a machine the image, and the one it was built upon."""
    archive = machine.root / "srv/images.tar"
    podman("save", "--quiet", "-m", "--output", str(archive), BASE, IMAGE)
    machine.run("podman", "load", "--quiet", "--input=/srv/images.tar")
    archive.unlink()


if __name__ == "__main__":
    try:
        main(*map(Path, sys.argv[1:]))
    except Failed as failure:
        sys.exit(f"test-container: {failure}")
