"""Install, use, upgrade, remove and purge chatd's package on a machine with systemd.

    make test-service

Then on another all that the README has an operator type, and on a third one what
contrib/cluster has for three nodes. It needs root, systemd-nspawn
and debootstrap, and a minute. Each line that it prints is a fact that was looked at;
the first that is none ends it.
"""

from __future__ import annotations

import sys
from pathlib import Path

from tests.service.look import (
    DATA,
    SERVICE,
    SOCKET,
    headline,
    holds,
    is_ready,
    people_talking,
    schema,
    states,
    written,
)
from tests.service.machine import Failed, Machine, booted, debian
from tests.service.nodes import follow_nodes
from tests.service.readme import follow_readme, go_back
from tests.service.talk import PASSWORD


def install(machine: Machine, package: Path, *options: str) -> str:
    """Install a package as an operator does who has it as a file."""
    (machine.root / "srv" / package.name).write_bytes(package.read_bytes())
    return machine.run("apt-get", "install", "-y", *options, f"/srv/{package.name}")


def check_installed(machine: Machine) -> None:
    """Look at the service that an installation has started."""
    holds("service and socket run", so=states(machine, "is-active") == ["active"] * 2)
    holds("and at each boot", so=states(machine, "is-enabled") == ["enabled"] * 2)
    holds("it is ready", so=is_ready(machine))
    owner = machine.run("stat", "--dereference", "--format=%U %a", f"{DATA}/").strip()
    holds(f"its data is its own: {owner}", so=owner == "chatd 700")
    pid = machine.run("systemctl", "show", "--value", "--property=MainPID", SERVICE)
    user = machine.run("stat", "--format=%U", f"/proc/{pid.strip()}").strip()
    holds(f"it runs as {user}", so=user == "chatd")
    checked = machine.run("chatd", "check", "-c", "/etc/chatd/chatd.toml")
    holds("its configuration can be used", so=bool(checked))
    link = machine.run("cat", f"{DATA}/setup-link")
    holds("whoever is first finds the link", so="#setup=" in link)
    share = machine.root / "usr" / "share"
    pages = [*share.glob("man/man1/chatd*"), *share.glob("man/man5/chatd*")]
    complete = share / "bash-completion" / "completions" / "chatd"
    there = len(pages) > 20 and complete.exists()
    holds("man pages and completions are there", so=there)
    completed = machine.run("bash", "-c", _COMPLETE)
    holds("the shell completes", so=completed == "password\n")


_DROP_IN = """
# They talk faster than people do.
[Service]
Environment=CHATD_LIMITS__MESSAGES_PER_S=0 CHATD_LIMITS__COMMANDS_PER_S=0
"""
_COMPLETE = """
source /usr/share/bash-completion/completions/chatd
COMP_WORDS=(chatd user pa) COMP_CWORD=2
_chatd_completion chatd
echo "${COMPREPLY[@]}"
"""


def use(machine: Machine) -> None:
    """Talk, and change the configuration."""
    for name in ("ann", "bob"):
        machine.run("chatd", "user", "add", name, "--data", DATA, told=f"{PASSWORD}\n")
    with people_talking(machine, comebacks=0):
        pass
    with (machine.root / "etc/chatd/chatd.toml").open("a") as file:
        file.write("# Changed by the operator.\n")


BACKUPS = "/var/lib/chatd-backup"


def back_up(machine: Machine) -> None:
    """Have the nightly backup made, lose something, and go back, as the README says."""
    machine.run("systemctl", "enable", "--now", "chatd-backup.timer")
    timers = machine.run("systemctl", "list-timers", "--all", "chatd-backup.timer")
    holds("the timer waits", so="chatd-backup.service" in timers)
    with people_talking(machine, comebacks=0):
        machine.run("systemctl", "start", "chatd-backup.service")
    (name,) = machine.run("ls", BACKUPS).split()
    owner = machine.run("stat", "--format=%U %a", f"{BACKUPS}/{name}").strip()
    holds(f"a backup is the service's own: {owner}", so=owner == "chatd 600")
    before = written(machine)
    with people_talking(machine, comebacks=0):
        pass
    restore = ("chatd", "restore", "-c", "/etc/chatd/chatd.toml", f"{BACKUPS}/{name}")
    said = machine.run(*restore, fails=True)
    holds("it is not put back beside its socket", so="systemctl stop" in said)
    machine.run("systemctl", "stop", SOCKET, SERVICE)
    machine.run(*restore)
    machine.run("systemctl", "start", SOCKET, SERVICE)
    holds("it is ready", so=is_ready(machine))
    log = machine.run("journalctl", "-u", SERVICE, "-o", "cat")
    holds("the log says so", so="an older state of the store was put back" in log)
    after = written(machine)
    holds(
        f"{len(after)} messages are there as they were",
        so=after != [] and after == before[: len(after)],
    )
    with people_talking(machine, comebacks=0):
        pass


def check_gone(machine: Machine, *, purged: bool) -> None:
    """Look at what is left."""
    holds("nothing runs", so=states(machine, "is-active") == ["inactive"] * 2)
    for path in ("usr/bin/chatd", "usr/lib/chatd", "usr/share/man/man1/chatd.1.gz"):
        holds(f"/{path} is gone", so=not (machine.root / path).exists())
    is_there = (machine.root / "etc/chatd/chatd.toml").exists()
    what = "gone" if purged else "left"
    holds(f"the configuration is {what}", so=is_there is not purged)
    database = machine.root / "var/lib/private/chatd/chatd.db"
    holds("what was written is left", so=database.exists())
    links = list((machine.root / "etc/systemd/system").glob("*.wants/chatd*"))
    holds(f"units are enabled: {len(links)}", so=len(links) == (0 if purged else 3))


def live(machine: Machine, first: Path, second: Path) -> None:
    """Install, use, upgrade, remove, install again and purge."""
    headline("installed")
    drop_in = machine.root / "etc/systemd/system/chatd.service.d/talk.conf"
    drop_in.parent.mkdir()
    drop_in.write_text(_DROP_IN)
    install(machine, first)
    check_installed(machine)
    use(machine)

    headline("upgraded while people talk")
    was = schema(machine)
    with people_talking(machine, comebacks=1):
        install(machine, second)
    version = machine.run("dpkg-query", "--show", "--showformat=${Version}", "chatd")
    holds(f"it is {version}", so=version in second.name)
    now = schema(machine)
    holds(f"its data went from schema {was} to {now}", so=now > was)
    kept = (machine.root / "etc/chatd/chatd.toml").read_text()
    holds("the operator's changes are kept", so="Changed by the operator" in kept)
    holds("it is ready", so=is_ready(machine))

    headline("back to the older version, and upgraded again")
    said = written(machine)
    go_back(machine)
    install(machine, first, "--allow-downgrades")
    holds("it is ready", so=is_ready(machine))
    holds(f"its data are of schema {was}", so=schema(machine) == was)
    kept_said = written(machine)
    holds(
        f"{len(kept_said)} messages of before the upgrade are there",
        so=kept_said != [] and kept_said == said[: len(kept_said)],
    )
    install(machine, second)
    holds("it is ready", so=is_ready(machine))

    headline("backed up, and put back")
    back_up(machine)

    headline("removed")
    before = written(machine)
    machine.run("apt-get", "remove", "-y", "chatd")
    check_gone(machine, purged=False)

    headline("installed again")
    install(machine, second)
    holds(f"{len(before)} messages are there", so=written(machine) == before != [])
    with people_talking(machine, comebacks=0):
        pass

    headline("purged")
    told = machine.run("apt-get", "purge", "-y", "chatd")
    holds("it says where what was written is", so=f"stays in {DATA}" in told)
    check_gone(machine, purged=True)


def main(first: Path, second: Path, wheels: Path) -> None:
    """Go through the life of two versions of a package, then through the README.

    Args:
        first: The package of an older version, which keeps its data in another way.
        second: The package.
        wheels: A directory with all that an installation by hand would download.
    """
    base = Path("build/service/debian")
    base.parent.mkdir(parents=True, exist_ok=True)
    debian(base)
    with booted(base) as machine:
        live(machine, first, second)
    with booted(base) as machine:
        follow_readme(machine, second, wheels)
    with booted(base) as machine:
        follow_nodes(machine, second, wheels)


if __name__ == "__main__":
    try:
        main(*map(Path, sys.argv[1:]))
    except Failed as failure:
        sys.exit(f"test-service: {failure}")
