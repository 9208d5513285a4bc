"""What can be known of a machine and the daemon on it. Pure.

None stands for what could not be found out, or is not there.
"""

from __future__ import annotations

import attrs


@attrs.frozen
class InForce:
    """The configuration with which the daemon runs, as it says."""

    file: str | None
    """None where it has the defaults."""
    has_changed: bool = False
    """Whether the file says something else by now."""


@attrs.frozen
class Running:
    """The process that holds the data."""

    pid: int
    files_max: int | None
    """How many files it may have open."""
    in_force: InForce | str
    """Its configuration, or why it could not be asked."""
    at_systemd: bool | None = None
    """Whether it listens at what systemd hands over."""


@attrs.frozen
class OnDisk:
    """A file or a directory of the data."""

    path: str
    owner: str
    mode: int


@attrs.frozen
class Data:
    """The data directory."""

    path: str
    free_bytes: int | None = None
    database_bytes: int | None = None
    """None where there is no database (yet)."""
    is_elsewhere: bool = False
    """Whether the database is on PostgreSQL."""
    files: tuple[OnDisk, ...] = ()
    """The directory first."""
    refused: str | None = None
    """Why the database cannot be used."""
    doubts: tuple[str, ...] = ()
    """Who else can get at it."""
    unchecked: int = 0
    """Tables for which there was no time."""
    certain_ms: int | None = None
    """The time that the store is certain of."""
    backup_ms: int | None = None
    """When the last backup was made; None: none is noted."""
    backup_file: str = ""


@attrs.frozen
class Answer:
    """What one request to the public URL has got."""

    status: int = 0
    body: str = ""
    error: str = ""
    """Why there was none."""


@attrs.frozen
class Outside:
    """What comes of requests from here to `public_url`."""

    health: Answer
    upgrade: Answer
    """Of a WebSocket, as a page of this site asks for it."""
    address: Answer
    """Whom the daemon takes the client for."""
    own_address: str
    """The end of the connection on this machine."""
    forged: str | None
    """The address that was put into `X-Forwarded-For`."""


@attrs.frozen
class Tls:
    """The daemon's own certificate."""

    path: str
    names: tuple[str, ...] = ()
    ends_day: str = ""
    problems: tuple[str, ...] = ()
    """Why it cannot be used, or is out of date."""
    doubts: tuple[str, ...] = ()


@attrs.frozen
class BetweenNodes:
    """The bus of many nodes."""

    where: str
    server: str = ""
    """What it calls itself."""
    fault: str = ""
    """Why there is none, as the end of "the bus ..."."""


@attrs.frozen
class Units:
    """The units of systemd, as `systemctl show` has them."""

    service: str
    """`active`, `inactive`, `failed`, …; `""` where there is no such unit."""
    service_enabled: bool
    socket: str
    socket_enabled: bool
    backup: str = ""
    """That of `chatd-backup.service`."""
    timer: str = ""
    """That of `chatd-backup.timer`, which starts it."""
    pid: int = 0
    """The process of the service; 0 where there is none."""


@attrs.frozen
class Facts:
    """All that was found out."""

    config_file: str | None
    notices: tuple[str, ...]
    public_url: str
    trusted_proxies: int
    """How many are listed."""
    proxies_trusted: tuple[str, ...]
    """Those of the addresses below that are among them."""
    connections_max: int
    free_bytes_min: int
    now_ms: int
    is_synchronized: bool
    files_max: int
    """How many files this process may open."""
    running: Running | None
    data: Data
    tls: Tls | None
    outside: Outside | None
    units: Units | None
    bus: BetweenNodes | None = None
