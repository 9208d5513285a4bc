"""Finding out the facts: limits, files, processes, units. Nothing is changed."""

from __future__ import annotations

import pwd
import re
import resource
import stat
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Any

import attrs
import trio

from chatd.config import (
    Address,
    Config,
    Server,
    SystemdSockets,
    notices,
    parse_bus,
)
from chatd.daemon.clocks import read_clocks
from chatd.doctor.facts import (
    BetweenNodes,
    Data,
    Facts,
    InForce,
    OnDisk,
    Running,
    Tls,
    Units,
)
from chatd.doctor.outside import ask_outside
from chatd.errors import ConfigError, StoreRefused
from chatd.net.forwarded import is_proxy
from chatd.store.sqlite.access import free_bytes
from chatd.store.sqlite.files import (
    DATABASE,
    database_bytes,
    doubts,
    read_backup_note,
)
from chatd.store.sqlite.lock import holder
from chatd.store.sqlite.survey import survey

CHECK_S = 10.0
"""How long the database is looked at."""
_PROPERTIES = "LoadState,ActiveState,UnitFileState,MainPID"
SYSTEMD = Path("/run/systemd/system")
"""There where systemd runs. Source: sd_booted(3)."""


def gather(
    config: Config,
    config_file: Path | None,
    status: dict[str, Any] | str,
    *,
    proc: Path = Path("/proc"),
) -> Facts:
    """Find out what can be known from here.

    Args:
        config: The settings of the file.
        config_file: Where they are from.
        status: What the daemon says of itself (PROTOCOL, `report`), or why nothing.
        proc: Where the kernel tells of its processes.
    """
    found = glance(config, config_file, status, proc=proc)
    server = config.server
    outside = None
    if server.public_url:
        outside = ask_outside(server.public_url, server.trusted_proxies)
    seen = [] if outside is None else [outside.address.body.strip()]
    return attrs.evolve(
        found,
        notices=tuple(notices(config)),
        proxies_trusted=tuple(one for one in seen if _is_trusted(one, server)),
        data=_looked_at(found.data),
        outside=outside,
        units=_units() if SYSTEMD.exists() else None,
        bus=_bus(config.cluster.bus) if config.cluster.bus else None,
    )


def glance(
    config: Config,
    config_file: Path | None,
    status: dict[str, Any] | str,
    *,
    proc: Path = Path("/proc"),
) -> Facts:
    """Find out what costs next to nothing: no request, no unit, no look at the data.

    Args:
        config: The settings of the file.
        config_file: Where they are from.
        status: What the daemon says of itself (PROTOCOL, `report`), or why nothing.
        proc: Where the kernel tells of its processes.
    """
    server, directory = config.server, Path(config.store.path)
    clock = read_clocks()
    return Facts(
        config_file=None if config_file is None else str(config_file.absolute()),
        notices=(),
        public_url=server.public_url,
        trusted_proxies=len(server.trusted_proxies),
        proxies_trusted=(),
        connections_max=config.limits.connections_max,
        free_bytes_min=config.store.free_bytes_min,
        now_ms=clock.wall,
        is_synchronized=clock.synchronized,
        files_max=resource.getrlimit(resource.RLIMIT_NOFILE)[0],
        running=_running(directory, status, proc, server.listen),
        data=attrs.evolve(_data(directory), is_elsewhere=bool(config.store.url)),
        tls=_tls(server),
        outside=None,
        units=None,
    )


def _is_trusted(address: str, server: Server) -> bool:
    try:
        return is_proxy(address, server.trusted_proxies)
    except ValueError:
        return False  # something else has answered


def _running(
    directory: Path,
    status: dict[str, Any] | str,
    proc: Path,
    listen: Sequence[Address],
) -> Running | None:
    """Find out which process serves the data."""
    try:
        pid = holder(directory)
    except StoreRefused:
        return None
    if pid is None:
        return None
    files_max, at_systemd = None, None
    with suppress(OSError):
        at_systemd = _listens_at_systemd(proc / str(pid), listen)
        limits = (proc / str(pid) / "limits").read_text()
        if found := re.search(r"^Max open files\s+(\d+)", limits, re.MULTILINE):
            files_max = int(found[1])
    return Running(pid, files_max, _in_force(status), at_systemd)


def _listens_at_systemd(process: Path, listen: Sequence[Address]) -> bool:
    """Whether a daemon listens at what systemd hands over.

    Args:
        process: Where the kernel tells of it.
        listen: What its file says, which an option and the environment go before.

    Raises:
        OSError: One may not know.
    """
    words = (process / "cmdline").read_bytes().decode("utf-8", "replace").split("\0")
    given = [word.partition("=")[2] for word in words if word.startswith("--listen=")]
    given += [value for word, value in pairwise(words) if word == "--listen"]
    if given:
        return "systemd" in given
    environ = (process / "environ").read_bytes().split(b"\0")
    for one in environ:
        if one.startswith(b"CHATD_SERVER__LISTEN="):
            return b'"systemd"' in one
    return SystemdSockets() in listen


def _in_force(status: dict[str, Any] | str) -> InForce | str:
    if isinstance(status, str):
        return status
    config = status["config"]
    return InForce(config.get("file"), config.get("changed", False))


def _data(directory: Path) -> Data:
    note, free, size = read_backup_note(directory), None, None
    with suppress(OSError):
        there = (directory, *directory.absolute().parents)
        free = free_bytes(next(path for path in there if path.exists()))
        if (directory / DATABASE).exists():
            size = database_bytes(directory)
    return Data(
        path=str(directory.absolute()),
        free_bytes=free,
        database_bytes=size,
        backup_ms=None if note is None else note.made,
        backup_file="" if note is None else note.file,
    )


def _looked_at(data: Data) -> Data:
    """The same, with what a look at each file and table has found."""
    directory = Path(data.path)
    found, said = survey(directory, CHECK_S), list[str]()
    refused = found.refused
    try:
        said = doubts(directory)
    except StoreRefused as error:
        refused = refused or str(error)
    return attrs.evolve(
        data,
        database_bytes=found.database_bytes,
        files=_files(directory),
        refused=refused,
        doubts=tuple(line.removeprefix("store.path: ") for line in said),
        unchecked=found.unchecked,
        certain_ms=found.certain,
    )


def _files(directory: Path) -> tuple[OnDisk, ...]:
    """The directory and what is in it, as far as one may look."""
    found = []
    with suppress(OSError):
        for path in (directory, *sorted(directory.glob("chatd.*"))):
            status = path.stat()
            mode = stat.S_IMODE(status.st_mode)
            found.append(OnDisk(str(path), _name(status.st_uid), mode))
    return tuple(found)


def _name(user: int) -> str:
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return str(user)


def _tls(server: Server) -> Tls | None:
    if not server.tls_cert:
        return None
    from chatd.net import certificates  # noqa: PLC0415 - there is one

    try:
        found = certificates.read_pair(server.tls_cert, server.tls_key)
    except ConfigError as error:
        return Tls(server.tls_cert, problems=tuple(error.problems))
    bad, soon = certificates.judge(found, server.public_host, time.time())
    return Tls(
        server.tls_cert,
        found.names,
        certificates.day(found.ends_s),
        tuple(bad),
        tuple(soon),
    )


def _bus(url: str) -> BetweenNodes:
    """Go to the bus, as the daemon does."""
    address = parse_bus(url)
    try:
        from chatd.bus import probe  # noqa: PLC0415 - only who wants it needs it
    except ImportError as error:
        fault = f"needs a library ({error.name}): pip install 'chatd[cluster]'"
        return BetweenNodes(str(address), fault=fault)
    is_there, said = trio.run(probe, address)
    if is_there:
        return BetweenNodes(str(address), server=said)
    return BetweenNodes(str(address), fault=said)


def _units() -> Units:
    service, sock = _unit("chatd.service"), _unit("chatd.socket")
    return Units(
        service.get("ActiveState", ""),
        service.get("UnitFileState") == "enabled",
        sock.get("ActiveState", ""),
        sock.get("UnitFileState") == "enabled",
        _unit("chatd-backup.service").get("ActiveState", ""),
        _unit("chatd-backup.timer").get("ActiveState", ""),
        int(service.get("MainPID", 0)),
    )


def _unit(name: str) -> dict[str, str]:
    """What systemd says of a unit; nothing where there is none."""
    command = ["systemctl", "show", name, "-p", _PROPERTIES]
    try:
        said = subprocess.run(  # noqa: S603 - all of it is ours
            command, capture_output=True, text=True, check=False, timeout=10
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return {}
    found = dict(line.partition("=")[::2] for line in said.splitlines())
    return found if found.get("LoadState") == "loaded" else {}
