"""What facts mean: a finding for each thing that was looked at, with what to do. Pure.

Of the process and its data; `entry` has what is for those who come from outside.
"""

from __future__ import annotations

from collections.abc import Container, Iterator

import attrs

from chatd.amounts import size
from chatd.doctor.entry import certificate, proxy, public_url
from chatd.doctor.facts import Facts, Units
from chatd.doctor.findings import Finding, broken, ok, warning
from chatd.wire.events import DAY_MS
from chatd.wire.operator import BACKUP_OLD_MS

FILES_BESIDE = 64
"""What a daemon has open beside its connections. Source: measured, 40 with ten open
files of the database; the rest is for look-ups and refusals."""
CLOCK_APART_MS = 10_000
"""As what the daemon itself calls a jump."""
BACKUP_LOST_MS = 8 * DAY_MS
"""A week of them is missing."""


def examine(facts: Facts, only: Container[str] | None = None) -> list[Finding]:
    """Judge what was found out, in the order of a start.

    Args:
        facts: What was found out.
        only: The checks that are made; None: all.
    """
    found: list[Finding] = []
    for check, look in CHECKS:
        if only is None or check in only:
            found += [attrs.evolve(one, check=check) for one in look(facts)]
    return found


# --- the process ------------------------------------------------------------------


def _configuration(facts: Facts) -> Iterator[Finding]:
    if facts.config_file is None:
        yield ok("no file, so the defaults")
    for notice in facts.notices:
        key, _, text = notice.partition(": ")
        yield warning(f"{key}: {text}", f"change {key}, if that is not meant")
    if facts.config_file is not None and not facts.notices:
        yield ok(f"{facts.config_file} is sound")


def _daemon(facts: Facts) -> Iterator[Finding]:
    running = facts.running
    if running is None:
        yield warning(
            f"no daemon serves {facts.data.path}", "start it: systemctl start chatd"
        )
        return
    said, mine = running.in_force, facts.config_file
    if isinstance(said, str):
        yield warning(
            f"process {running.pid} does not say what it runs with: {said}",
            "ask again as root, or as the user of the daemon",
        )
    elif said.file != mine:
        yield warning(
            f"process {running.pid} runs with {said.file or 'the defaults'}, and this"
            f" looks at {mine or 'the defaults'}",
            f"look at the same: chatd doctor -c {said.file}"
            if said.file
            else "look at the same: chatd doctor",
        )
    elif said.has_changed:
        yield warning(
            f"{said.file} was changed, and process {running.pid} runs with what it said"
            " before",
            "systemctl reload chatd",
        )
    else:
        yield ok(f"process {running.pid} runs with what is configured")


def _open_files(facts: Facts) -> Iterator[Finding]:
    running, whose = facts.running, "the daemon"
    most = running.files_max if running is not None else None
    if most is None:
        most, whose = facts.files_max, "a process of this shell"
    needed = facts.connections_max + FILES_BESIDE
    said = f"{whose} may open {most} files"
    if not facts.connections_max:
        yield ok(f"{said}; connections_max is no limit")
    elif most >= needed:
        yield ok(f"{said}, enough for {facts.connections_max} connections")
    elif running is None or running.files_max is None:
        yield warning(
            f"{said}, and {facts.connections_max} connections need {needed}",
            f"the unit sets its own (LimitNOFILE=); else: ulimit -n {needed}",
        )
    else:
        yield broken(
            f"{said}, and {facts.connections_max} connections need {needed}",
            f"set LimitNOFILE={needed} in the unit, or a lower limits.connections_max",
        )


def _units(facts: Facts) -> Iterator[Finding]:
    units = facts.units
    if units is None or not (units.service or units.socket):
        return
    listens = None
    if facts.running is not None and facts.running.pid == units.pid:
        listens = facts.running.at_systemd
    found = list(_unit_troubles(units, listens=listens))
    yield from found or [ok(f"chatd.service is {units.service}")]


def _unit_troubles(units: Units, *, listens: bool | None) -> Iterator[Finding]:
    if units.service == "failed":
        yield broken(
            "chatd.service has failed",
            "see why: journalctl -u chatd -e; then: systemctl start chatd",
        )
    if not units.service:
        yield broken(
            "there is chatd.socket, and no chatd.service to which it hands over",
            "install contrib/systemd/chatd.service, or: systemctl disable chatd.socket",
        )
    elif units.socket == "active" and units.service == "inactive":
        yield warning(
            "chatd.socket listens and chatd.service is down: the next client starts it",
            "systemctl start chatd; or to keep it down: systemctl stop chatd.socket",
        )
    if listens and units.service == "active" and units.socket != "active":
        yield broken(
            "the daemon listens at what chatd.socket hands over, which is not active",
            "systemctl enable --now chatd.socket",
        )
    if listens is False and units.socket == "active":
        yield broken(
            "chatd.socket listens, and the daemon does not take what comes there:"
            " whoever does waits for ever",
            'serve with --listen systemd (server.listen = ["systemd"]), or: systemctl'
            " disable --now chatd.socket",
        )
    if units.service == "active" and not units.service_enabled:
        yield warning(
            "chatd.service is not enabled: after a reboot it is down",
            "systemctl enable chatd.service",
        )
    if units.socket == "active" and units.service and not units.socket_enabled:
        yield warning(
            "chatd.socket is not enabled: after a reboot it is down",
            "systemctl enable chatd.socket",
        )


def _clock(facts: Facts) -> Iterator[Finding]:
    certain = facts.data.certain_ms
    behind_ms = 0 if certain is None else certain - facts.now_ms
    if behind_ms > CLOCK_APART_MS:
        yield broken(
            f"the clock is {behind_ms // 1000} s behind what the store is certain of",
            "set it, and have it kept: timedatectl set-ntp true",
        )
    elif facts.is_synchronized:
        yield ok("the clock is kept by the network")
    else:
        yield warning(
            "systemd-timesyncd has not set the clock lately",
            "fine with chrony or ntpd; else: timedatectl set-ntp true",
        )


# --- the data ---------------------------------------------------------------------


def _database(facts: Facts) -> Iterator[Finding]:
    data = facts.data
    if data.refused is not None:
        yield broken(data.refused, "")
    elif data.is_elsewhere:
        yield ok("it is on PostgreSQL (store.url), which is not looked at")
    elif data.database_bytes is None:
        yield ok("there is no database yet; the first start makes it")
    else:
        left = f"; no time for {data.unchecked} tables" if data.unchecked else ""
        whole = f"{data.path}/chatd.db ({size(data.database_bytes)})"
        yield ok(f"{whole} was looked at: no damage{left}")


def _bus(facts: Facts) -> Iterator[Finding]:
    bus = facts.bus
    if bus is None:
        return
    if bus.fault:
        yield broken(
            f"the bus at {bus.where} {bus.fault}",
            "until it is there, what other nodes have stored arrives a second later",
        )
    else:
        yield ok(f"{bus.server} at {bus.where} lets this node in")


def _backup(facts: Facts) -> Iterator[Finding]:
    data, units = facts.data, facts.units
    if units is not None and units.backup == "failed":
        yield broken(
            "the last try of chatd-backup.service has failed",
            "see why: journalctl -u chatd-backup.service -p err; then: systemctl start"
            " chatd-backup.service",
        )
    if data.backup_ms is None:
        if data.database_bytes is not None:
            yield warning("no backup was ever made here", _every_night(units))
        return
    age_ms = max(0, facts.now_ms - data.backup_ms)
    said = f"the last backup is {_age(age_ms)} old: {data.backup_file}"
    if age_ms >= BACKUP_LOST_MS:
        yield broken(said, _every_night(units))
    elif age_ms >= BACKUP_OLD_MS:
        yield warning(said, _every_night(units))
    else:
        yield ok(said)


def _every_night(units: Units | None) -> str:
    """What to do to have backups, or why there are none."""
    if units is not None and units.timer == "active":
        return "see why: journalctl -u chatd-backup.service"
    if units is not None and units.timer:
        return "one every night: systemctl enable --now chatd-backup.timer"
    return "chatd backup DIR, every night; contrib/systemd has a timer for it"


def _age(lasts_ms: int) -> str:
    """A time that has passed, for people."""
    minutes = lasts_ms // 60_000
    hours = minutes // 60
    if hours < 2:
        return f"{minutes} min"
    return f"{hours} h" if hours < 48 else f"{hours // 24} days"


def _space(facts: Facts) -> Iterator[Finding]:
    data, least = facts.data, facts.free_bytes_min
    if data.free_bytes is None:
        return
    said = f"{size(data.free_bytes)} are free for {data.path}"
    cure = "free some, or lower store.free_bytes_min"
    if data.free_bytes * 2 < least:
        yield broken(f"{said}: nobody can add anything", cure)
    elif data.free_bytes < least:
        yield warning(f"{said}: guests can add nothing", cure)
    elif data.database_bytes is not None and data.free_bytes < data.database_bytes:
        yield warning(
            f"{said}, less than the database has",
            "free some: an upgrade and an erasure may need as much again",
        )
    else:
        yield ok(said)


def _owners(facts: Facts) -> Iterator[Finding]:
    data = facts.data
    for doubt in data.doubts:
        yield warning(doubt, f"close it: chmod go-rwx {data.path}")
    strangers = [one for one in data.files if one.owner != data.files[0].owner]
    if strangers:
        names = ", ".join(f"{one.path} ({one.owner})" for one in strangers)
        owner = data.files[0].owner
        yield broken(
            f"not {owner}'s, to whom the directory belongs: {names}",
            f"chown -R {owner} {data.path}",
        )
    if data.files and not (data.doubts or strangers):
        yield ok(f"{data.path} and all in it belong to {data.files[0].owner}")


CHECKS = (
    ("configuration", _configuration),
    ("daemon", _daemon),
    ("units", _units),
    ("open files", _open_files),
    ("clock", _clock),
    ("owner and mode", _owners),
    ("database", _database),
    ("bus", _bus),
    ("backup", _backup),
    ("space", _space),
    ("certificate", certificate),
    ("public url", public_url),
    ("proxy", proxy),
)
"""What is looked at, each by its name."""
QUICK = frozenset({"daemon", "open files", "backup", "space", "certificate"})
"""What a glance can judge (`chatd.doctor.gathering.glance`)."""
