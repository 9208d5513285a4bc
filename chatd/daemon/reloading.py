"""Reloading: other settings are put into force while people talk.

First all of it is read and judged: the file, the environment and the options of the
start; the keys of issuers; the certificate and its key, also where their names have not
changed, since a renewed one has the same. Then the declared rooms are written. Then all
the rest changes in one step. If anything is wrong before that step nothing has changed,
and the settings go on that are in force; a room that was written by then stays.

One reload runs at a time; each reads what is there when its turn comes.
"""

from __future__ import annotations

import hashlib
import ssl
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

import attrs
import trio

from chatd.auth import Issuers, read_issuers
from chatd.config import (
    Config,
    Difference,
    LiveConfig,
    PermanentRoom,
    compare,
    conflicts,
    in_force,
    notices,
)
from chatd.configfile.table import KEYS
from chatd.daemon.admin import DaemonProcess
from chatd.daemon.levels import Levels
from chatd.daemon.service import Service
from chatd.errors import ConfigError
from chatd.net.listener import Listener
from chatd.net.tls import server_context
from chatd.observe import choose_form, log

RELOADED = "reloaded"
NOTHING_NEW = "reloaded: nothing has changed"
REFUSED = "not reloaded: the settings in force go on"


@attrs.frozen
class Prepared:
    """All that was read of other settings, and found to be sound."""

    config: Config
    """As it will be in force: what needs a restart is as it was."""
    difference: Difference
    files: Mapping[str, bytes]
    """Of keys that name files, a digest of what is in them."""
    issuers: Issuers
    tls: ssl.SSLContext | None


def digests(config: Config) -> dict[str, bytes]:
    """What is in the files that settings name, so that a renewed one is noticed.

    Raises:
        OSError: One cannot be read.
    """
    server, auth = config.server, config.auth
    found = {
        "server.tls_cert": [server.tls_cert],
        "server.tls_key": [server.tls_key],
        "auth.jwt": [entry.key_file or entry.jwks_file for entry in auth.jwt],
    }
    return {
        key: hashlib.sha256(
            b"".join(Path(name).read_bytes() for name in names if name)
        ).digest()
        for key, names in found.items()
    }


def follow_log(live: LiveConfig, levels: Levels) -> None:
    """Have the log be as the settings in force say; at first it is."""
    before = live.current.log

    def adjust(config: Config) -> None:
        nonlocal before
        if config.log != before:
            before = config.log
            levels.configure(before.level)
            choose_form(before.format)

    live.follow(adjust)


def read_tls(config: Config) -> ssl.SSLContext | None:
    """Read the certificate and its key, and warn of one that is out of date.

    Returns:
        The context of the listener for clients; None where it speaks plainly.

    Raises:
        ConfigError: They cannot be used.
    """
    server = config.server
    if not server.tls_cert:
        return None
    from chatd.net import certificates  # noqa: PLC0415 - there is one

    context = server_context(server.tls_cert, server.tls_key)
    certificate = certificates.read_pair(server.tls_cert, server.tls_key)
    now_s = time.time()
    why = certificates.out_of_date(certificate, now_s)
    if why := why or certificates.ends_soon(certificate, now_s):
        log().warning(f"server.tls_cert: {server.tls_cert}: {why}")
    return context


def prepare(
    old: Config, files: Mapping[str, bytes], read: Callable[[], Config]
) -> Prepared:
    """Read and judge other settings. It changes nothing.

    Args:
        old: What is in force.
        files: What was in the files that it names.
        read: Reads what is wanted.

    Raises:
        ConfigError: Something of it is wrong; all that was found is said.
    """
    wanted = read()
    config = in_force(old, wanted)
    problems = [
        f"{'.'.join(map(str, place))}: {why}, as long as a change of another key waits"
        " for a restart"
        for place, why in conflicts(config)
    ]
    issuers, tls = Issuers(), None
    try:
        issuers = read_issuers(config.auth.jwt)
    except ConfigError as error:
        problems += error.problems
    try:
        tls = read_tls(config)
    except ConfigError as error:
        problems += error.problems
    if problems:
        raise ConfigError(problems)
    try:
        found = digests(config)
    except OSError as error:
        raise ConfigError([f"{error.filename}: {error.strerror}"]) from error
    difference = compare(old, wanted)
    renewed = {key for key in found if found[key] != files[key]}
    changed = [key for key in KEYS if key in renewed or key in difference.changed]
    difference = attrs.evolve(difference, changed=tuple(changed))
    return Prepared(config, difference, found, issuers, tls)


@attrs.define(eq=False)
class Reloader:
    """Puts other settings into force."""

    live: LiveConfig
    read: Callable[[], Config]
    """Reads what the start has read, as it is now; called in a thread."""
    declare: Callable[[Sequence[PermanentRoom]], Awaitable[None]]
    """Has declared rooms be there, or raises `ConfigError`."""
    issuers: Issuers
    """Those that are believed; a reload gives them other entries."""
    listener: Listener
    process: DaemonProcess
    """Which has the level of the log, and the digest of the file."""
    _files: Mapping[str, bytes] = attrs.field(init=False)
    """`digests` of the settings in force."""
    _turn: trio.Lock = attrs.field(factory=trio.Lock, init=False)

    def __attrs_post_init__(self) -> None:
        """Remember what the files have now, and have the log as is configured."""
        self._files = digests(self.live.current)
        follow_log(self.live, self.process.levels)
        self.process.reloader = self.reload

    async def reload(self) -> Difference:
        """Put into force what is configured now; one line of the log says what.

        Returns:
            What has changed, and what needs a restart.

        Raises:
            ConfigError: Something is wrong with it. What was in force goes on.

        Cancellation: nothing has changed, or all.
        """
        async with self._turn:
            old = self.live.current
            try:
                ready = await trio.to_thread.run_sync(
                    prepare, old, self._files, self.read, abandon_on_cancel=True
                )
                await self.declare(ready.config.rooms.permanent)
            except ConfigError as error:
                log().error(REFUSED, reason="; ".join(error.problems))
                raise
            self._put(ready)
            said = attrs.asdict(ready.difference)
            about = {key: ",".join(keys) for key, keys in said.items() if keys}
            log().info(RELOADED if about else NOTHING_NEW, **about)
            for notice in notices(ready.config):
                log().warning(notice)
            return ready.difference

    def _put(self, ready: Prepared) -> None:
        """Change all in one step: no other task runs meanwhile."""
        self.issuers.entries = ready.issuers.entries
        self.listener.tls = ready.tls
        self._files = ready.files
        self.live.replace(ready.config)
        self.process.note_config()


def start_reloading(
    nursery: trio.Nursery, reloader: Reloader, service: Service
) -> trio.MemorySendChannel[None]:
    """Have a task reload whenever something is sent into what is returned."""
    reload, told = trio.open_memory_channel[None](1)
    nursery.start_soon(reload_when_told, reloader, service, told)
    return reload


async def reload_when_told(
    reloader: Reloader, service: Service, told: trio.MemoryReceiveChannel[None]
) -> None:
    """Reload whenever a signal has asked for it, and tell the service manager.

    What it is told is what `Type=notify-reload` expects, sent by the daemon itself
    because older managers do not know that type: to these it is a state to show.

    Args:
        reloader: What puts settings into force.
        service: The manager.
        told: Has something to receive once a signal has come.

    Cancellation: safe.

    Source: sd_notify(3), `RELOADING=1`.
    """
    async for _ in told:
        now_us = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        service.tell(f"RELOADING=1\nMONOTONIC_USEC={now_us}")
        try:
            await reloader.reload()
        except ConfigError as error:
            service.tell(f"READY=1\nSTATUS={REFUSED}: {error.problems[0]}")
        else:
            service.tell("READY=1\nSTATUS=")
