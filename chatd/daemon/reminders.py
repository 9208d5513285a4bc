"""What goes bad by and by: said in the log once a day, for as long as it is so.

A start says it too; but a daemon runs for months, in which nobody is told that its
backups are not made any more, or that its certificate was not renewed. Each line says
what to do. Reading hangs if the disk does, so it is done in a thread.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import trio

from chatd.config import LiveConfig, Server
from chatd.errors import ConfigError
from chatd.observe import log
from chatd.store.sqlite.files import read_backup_note
from chatd.wire.events import DAY_MS, Millis
from chatd.wire.operator import BACKUP_OLD_MS

DAY_S = DAY_MS / 1000
_CURE = "chatd backup makes one; chatd-backup.timer has one made every night"


async def remind(data: Path, config: LiveConfig, wall: Callable[[], Millis]) -> None:
    """Look once a day until cancelled.

    Args:
        data: The data directory.
        config: The settings in force.
        wall: The time.

    Cancellation: safe; a thread that hangs is left to itself.
    """
    began = wall()
    has_begun = False

    def look() -> list[str]:
        found = list(backup_lines(data, began, wall()))
        if has_begun:  # at the start the certificate was judged when it was read
            found += certificate_lines(config.current.server, wall())
        return found

    while True:
        for line in await trio.to_thread.run_sync(look, abandon_on_cancel=True):
            log().warning(line)
        has_begun = True
        await trio.sleep(DAY_S)


def backup_lines(data: Path, began: Millis, now: Millis) -> Iterator[str]:
    """Say that a backup is missing.

    Args:
        data: The data directory.
        began: Since when the daemon runs, and would know.
        now: The time.
    """
    note = read_backup_note(data)
    if now - (began if note is None else note.made) < BACKUP_OLD_MS:
        return
    if note is None:
        yield f"no backup was ever made: {_CURE}"
    else:
        days = (now - note.made) // DAY_MS
        yield f"the last backup is {days} days old, {note.file}: {_CURE}"


def certificate_lines(server: Server, now: Millis) -> Iterator[str]:
    """Say what is wrong with the daemon's certificate, or will be soon.

    Args:
        server: What has the files.
        now: The time.
    """
    if not server.tls_cert:
        return
    from chatd.net import certificates  # noqa: PLC0415 - there is one

    try:
        found = certificates.read_pair(server.tls_cert, server.tls_key)
    except ConfigError as error:
        yield from error.problems
        return
    now_s = now / 1000
    why = certificates.out_of_date(found, now_s) or certificates.ends_soon(found, now_s)
    if why is not None:
        yield f"server.tls_cert: {server.tls_cert}: {why}"
