"""What the doctor makes of facts: how bad it is, and what to do."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from chatd.amounts import size
from chatd.doctor import Facts, Level, examine
from chatd.doctor.checks import CHECKS, FILES_BESIDE
from chatd.doctor.facts import (
    Answer,
    BetweenNodes,
    Data,
    InForce,
    OnDisk,
    Outside,
    Running,
    Tls,
    Units,
)

URL = "https://chat.example.org"
REACHED = Outside(
    health=Answer(200, "ok\n"),
    upgrade=Answer(101),
    address=Answer(200, "203.0.113.9\n"),
    own_address="203.0.113.9",
    forged="192.0.2.77",
)
DATA = Data(
    path="/d",
    free_bytes=10_000,
    database_bytes=5_000,
    files=(OnDisk("/d", "chatd", 0o700), OnDisk("/d/chatd.db", "chatd", 0o600)),
    certain_ms=900_000,
    backup_ms=0,
    backup_file="/b/1.db",
)
IN_FORCE = InForce("/c.toml")
WELL = Facts(
    config_file="/c.toml",
    notices=(),
    public_url=URL,
    trusted_proxies=1,
    proxies_trusted=(),
    connections_max=100,
    free_bytes_min=1000,
    now_ms=1_000_000,
    is_synchronized=True,
    files_max=1024,
    running=Running(7, 100 + FILES_BESIDE, IN_FORCE),
    data=DATA,
    tls=Tls("cert.pem", ("chat.example.org",), "2030-01-01"),
    outside=REACHED,
    units=Units("active", True, "active", True),
    bus=BetweenNodes("bus.example.org:6379", "valkey 9.1.2"),
)


def found(facts: Facts, check: str) -> list[tuple[str, str, str]]:
    """What is said about one thing."""
    return [
        (one.level.value, one.text, one.cure)
        for one in examine(facts)
        if one.check == check
    ]


def but(**changes: Any) -> Facts:
    """A daemon that is well, but for this."""
    return attrs.evolve(WELL, **changes)


def data(**changes: Any) -> Facts:
    """A daemon whose data is well, but for this."""
    return but(data=attrs.evolve(DATA, **changes))


def outside(**changes: Any) -> Facts:
    """A daemon that is reached, but for this."""
    return but(outside=attrs.evolve(REACHED, **changes))


def test_all_is_looked_at_and_all_is_well() -> None:
    """One line for each thing, and nothing to do."""
    findings = examine(WELL)
    assert {one.check for one in findings} == {name for name, _ in CHECKS}
    assert [one for one in findings if one.level is not Level.OK or one.cure] == []


def test_little_is_known_before_the_first_start() -> None:
    """What is not there is nothing to complain of, but that no daemon runs."""
    bare = Facts(
        None, (), "", 0, (), 0, 0, 1, True, 64, None, Data("/d"), None, None, None
    )
    assert [(one.check, one.level.value) for one in examine(bare)] == [
        ("configuration", "ok"),
        ("daemon", "warning"),
        ("open files", "ok"),
        ("clock", "ok"),
        ("database", "ok"),
        ("public url", "ok"),
    ]


def serving(in_force: InForce | str) -> Facts:
    """A daemon that says so of its configuration."""
    return but(running=Running(7, 100 + FILES_BESIDE, in_force))


NIGHTLY = Units("active", True, "active", True, "inactive", "inactive")
"""A service whose backups are not started by themselves."""

CASES: list[tuple[str, Facts, str, str, str]] = [
    (
        "configuration",
        but(notices=("auth.guests: anyone can come in",)),
        "warning",
        "auth.guests: anyone can come in",
        "change auth.guests",
    ),
    (
        "bus",
        but(bus=BetweenNodes("h:6379", fault="is a replica")),
        "broken",
        "the bus at h:6379 is a replica",
        "until it is there",
    ),
    ("daemon", but(running=None), "warning", "no daemon serves /d", "systemctl start"),
    (
        "daemon",
        serving(InForce("/c.toml", has_changed=True)),
        "warning",
        "/c.toml was changed, and process 7 runs with what it said before",
        "systemctl reload chatd",
    ),
    (
        "daemon",
        serving(InForce("/d.toml")),
        "warning",
        "runs with /d.toml, and this looks at /c.toml",
        "chatd doctor -c /d.toml",
    ),
    (
        "daemon",
        serving(InForce(None)),
        "warning",
        "runs with the defaults, and this looks at /c.toml",
        "look at the same: chatd doctor",
    ),
    (
        "daemon",
        serving("no answer"),
        "warning",
        "does not say what it runs with: no answer",
        "as root, or as the user of the daemon",
    ),
    (
        "open files",
        but(running=Running(7, 99 + FILES_BESIDE, IN_FORCE)),
        "broken",
        f"may open {99 + FILES_BESIDE} files, and 100 connections",
        f"LimitNOFILE={100 + FILES_BESIDE}",
    ),
    (
        "open files",
        but(running=None, files_max=64),
        "warning",
        "of this shell may open 64",
        f"ulimit -n {100 + FILES_BESIDE}",
    ),
    (
        "units",
        but(units=Units("failed", True, "active", True)),
        "broken",
        "has failed",
        "journalctl -u chatd",
    ),
    (
        "units",
        but(units=Units("", False, "active", True)),
        "broken",
        "and no chatd.service",
        "install contrib/systemd/chatd.service",
    ),
    (
        "units",
        but(units=Units("inactive", True, "active", True)),
        "warning",
        "the next client starts it",
        "systemctl start chatd",
    ),
    (
        "units",
        but(
            units=Units("active", True, "inactive", True, pid=7),
            running=Running(7, 1024, IN_FORCE, at_systemd=True),
        ),
        "broken",
        "which is not active",
        "systemctl enable --now chatd.socket",
    ),
    (
        "units",
        but(
            units=Units("active", True, "active", True, pid=7),
            running=Running(7, 1024, IN_FORCE, at_systemd=False),
        ),
        "broken",
        "whoever does waits for ever",
        "systemctl disable --now chatd.socket",
    ),
    (
        "units",
        but(
            units=Units("active", True, "active", True, pid=8),
            running=Running(7, 1024, IN_FORCE, at_systemd=False),
        ),
        "ok",
        "chatd.service is active",
        "",
    ),
    (
        "units",
        but(units=Units("active", False, "", False)),
        "warning",
        "chatd.service is not enabled",
        "systemctl enable chatd.service",
    ),
    (
        "units",
        but(units=Units("active", True, "active", False)),
        "warning",
        "chatd.socket is not enabled",
        "systemctl enable chatd.socket",
    ),
    (
        "clock",
        data(certain_ms=1_011_000),
        "broken",
        "11 s behind what the store",
        "timedatectl set-ntp true",
    ),
    (
        "clock",
        but(is_synchronized=False),
        "warning",
        "not set the clock lately",
        "chrony or ntpd",
    ),
    ("database", data(is_elsewhere=True), "ok", "is on PostgreSQL", ""),
    ("database", data(refused="/d/chatd.db is damaged"), "broken", "is damaged", ""),
    ("database", data(unchecked=2), "ok", "no damage; no time for 2 tables", ""),
    (
        "backup",
        data(backup_ms=None),
        "warning",
        "no backup was ever made",
        "chatd backup DIR, every night",
    ),
    (
        "backup",
        attrs.evolve(data(backup_ms=None), units=NIGHTLY),
        "warning",
        "no backup was ever made",
        "systemctl enable --now chatd-backup.timer",
    ),
    (
        "backup",
        but(now_ms=47 * 3_600_000),
        "ok",
        "the last backup is 47 h old: /b/1.db",
        "",
    ),
    (
        "backup",
        but(
            now_ms=48 * 3_600_000,
            units=attrs.evolve(NIGHTLY, timer="active"),
        ),
        "warning",
        "the last backup is 2 days old: /b/1.db",
        "journalctl -u chatd-backup.service",
    ),
    (
        "backup",
        but(now_ms=192 * 3_600_000),
        "broken",
        "the last backup is 8 days old",
        "every night",
    ),
    ("backup", but(now_ms=7_199_999), "ok", "is 119 min old", ""),
    ("backup", data(backup_ms=2_000_000), "ok", "is 0 min old", ""),
    ("space", data(free_bytes=999), "warning", "guests can add nothing", "free some"),
    ("space", data(free_bytes=499), "broken", "nobody can add anything", "free some"),
    (
        "space",
        data(free_bytes=4_999),
        "warning",
        "4.9 KiB are free for /d, less than the database has",
        "free some",
    ),
    ("owner and mode", data(doubts=("open",)), "warning", "open", "chmod go-rwx /d"),
    (
        "owner and mode",
        data(files=(*DATA.files, OnDisk("/d/chatd.id", "root", 0o600))),
        "broken",
        "not chatd's, to whom the directory belongs: /d/chatd.id (root)",
        "chown -R chatd /d",
    ),
    ("certificate", but(tls=Tls("c", problems=("bad",))), "broken", "bad", "reload"),
    ("certificate", but(tls=Tls("c", doubts=("soon",))), "warning", "soon", "reload"),
    (
        "certificate",
        but(tls=Tls("/run/credentials/chatd.service/cert.pem", doubts=("soon",))),
        "warning",
        "soon",
        "systemctl restart chatd",
    ),
    (
        "public url",
        outside(health=Answer(error="its certificate is not valid: expired")),
        "broken",
        f"{URL} is not reached: its certificate is not valid",
        "renew the certificate",
    ),
    (
        "public url",
        outside(health=Answer(error="its certificate is not valid: self-signed")),
        "broken",
        "self-signed",
        "SSL_CERT_FILE",
    ),
    (
        "public url",
        outside(health=Answer(error="Connection refused")),
        "broken",
        "is not reached: Connection refused",
        "whether the proxy runs",
    ),
    (
        "public url",
        outside(health=Answer(200, "<html>")),
        "broken",
        "answered 200 by something else",
        "below the path of server.public_url",
    ),
    (
        "public url",
        outside(upgrade=Answer(403)),
        "broken",
        "refused for its Origin",
        "set server.public_url",
    ),
    (
        "public url",
        outside(upgrade=Answer(426)),
        "broken",
        "is not opened (426)",
        "pass on Upgrade and Connection",
    ),
    (
        "public url",
        outside(upgrade=Answer(error="reset")),
        "broken",
        "is not opened (reset)",
        "pass on Upgrade",
    ),
    (
        "proxy",
        outside(address=Answer(200, "192.0.2.77\n")),
        "broken",
        "anybody can have any address",
        "$proxy_add_x_forwarded_for",
    ),
    (
        "proxy",
        attrs.evolve(
            outside(address=Answer(200, "10.0.0.1\n")), proxies_trusted=("10.0.0.1",)
        ),
        "broken",
        "takes all who come through the proxy for 10.0.0.1",
        "send X-Forwarded-For",
    ),
    (
        "proxy",
        attrs.evolve(
            outside(address=Answer(200, "127.0.0.1\n"), own_address="127.0.0.1"),
            proxies_trusted=("127.0.0.1",),
        ),
        "ok",
        "not told from here",
        "",
    ),
    (
        "proxy",
        attrs.evolve(outside(address=Answer(200, "127.0.0.1\n")), trusted_proxies=0),
        "broken",
        "takes all who come through the proxy for 127.0.0.1",
        "list it in server.trusted_proxies",
    ),
    (
        "proxy",
        outside(address=Answer(200, "198.51.100.1\n")),
        "ok",
        "takes this machine for 198.51.100.1",
        "",
    ),
]


@pytest.mark.parametrize(("check", "facts", "level", "text", "cure"), CASES)
def test_what_is_wrong_says_what_to_do(
    check: str, facts: Facts, level: str, text: str, cure: str
) -> None:
    """Each case is the last finding of its kind."""
    *_, finding = found(facts, check)
    assert finding[0] == level
    assert text in finding[1]
    assert cure in finding[2]


def test_what_could_not_be_found_out_is_not_said() -> None:
    """No limit on connections; an answer of somebody else; a proxy that is down."""
    assert found(but(connections_max=0), "open files")[0][0] == "ok"
    assert found(outside(address=Answer(404)), "proxy") == []
    assert found(outside(health=Answer(error="x")), "proxy") == []
    assert found(but(outside=None), "public url") == []
    assert found(but(units=Units("", False, "", False)), "units") == []
    unknown = Running(7, None, IN_FORCE)
    assert found(but(running=unknown), "daemon")[0][0] == "ok"
    assert "of this shell" in found(but(running=unknown), "open files")[0][1]


def test_a_backup_that_has_failed_is_said_beside_the_last_one() -> None:
    """The night may have been the first that failed."""
    units = attrs.evolve(NIGHTLY, backup="failed", timer="active")
    (level, text, cure), (other, *_) = found(but(units=units), "backup")
    assert (level, other) == ("broken", "ok")
    assert text == "the last try of chatd-backup.service has failed"
    assert cure.endswith("systemctl start chatd-backup.service")


def test_a_size_is_for_people() -> None:
    """Whole bytes, and one digit of all that is larger."""
    assert [size(count) for count in (0, 1023, 1024, 1536, 2**40, 2**60)] == [
        "0 B",
        "1023 B",
        "1.0 KiB",
        "1.5 KiB",
        "1.0 TiB",
        "1048576.0 TiB",
    ]
