from __future__ import annotations

from pathlib import Path

import trio
from trio.testing import MockClock

from chatd.config import Config, LiveConfig, Server
from chatd.daemon.reminders import DAY_S, backup_lines, certificate_lines, remind
from chatd.store.sqlite.files import BackupNote, write_backup_note
from chatd.wire.events import DAY_MS
from chatd.wire.operator import BACKUP_OLD_MS
from tests.logs import capture_logs
from tests.net import secret

OLD = BACKUP_OLD_MS


def test_a_backup_that_is_missing_is_said(tmp_path: Path) -> None:
    """From when on there should have been one; with what makes it."""
    assert list(backup_lines(tmp_path, 5, 5 + OLD - 1)) == []
    (line,) = backup_lines(tmp_path, 5, 5 + OLD)
    assert line.startswith("no backup was ever made: chatd backup makes one")
    write_backup_note(tmp_path, BackupNote(100, "/b/1.db", 1))
    assert list(backup_lines(tmp_path, 0, 100 + OLD - 1)) == []
    (line,) = backup_lines(tmp_path, 0, 100 + 3 * DAY_MS)
    assert line.startswith("the last backup is 3 days old, /b/1.db: chatd backup")


def test_a_certificate_that_ends_is_said(tmp_path: Path) -> None:
    """Also where it has ended, and where it cannot be read any more."""
    assert list(certificate_lines(Server(), 0)) == []
    cert, key = secret.write_pair(tmp_path)
    server = Server(tls_cert=str(cert), tls_key=str(key))
    far = 1200 * 365 * DAY_MS
    (line,) = certificate_lines(server, far)
    assert line.startswith(f"server.tls_cert: {cert}: it has expired on ")
    Path(cert).unlink()
    (line,) = certificate_lines(server, far)
    assert line.startswith(f"server.tls_cert: {cert}: ")


async def test_it_is_said_once_a_day(
    nursery: trio.Nursery, autojump_clock: MockClock, tmp_path: Path
) -> None:
    """The backup at the start too, the certificate from the next day on."""
    autojump_clock.autojump_threshold = 0.05
    write_backup_note(tmp_path, BackupNote(0, "/b/1.db", 1))
    cert, key = secret.write_pair(tmp_path)
    server = Server(tls_cert=str(cert), tls_key=str(key))
    far = 1200 * 365 * DAY_MS
    times = iter(range(far, far + 100 * DAY_MS, DAY_MS // 4))
    with capture_logs() as lines:
        config = LiveConfig(Config(server=server))
        nursery.start_soon(remind, tmp_path, config, lambda: next(times))
        await trio.sleep(2.5 * DAY_S)
    said = [line["event"].partition(" ")[0] for line in lines]
    assert said == ["the", "the", "server.tls_cert:", "the", "server.tls_cert:"]
    assert {line["level"] for line in lines} == {"warning"}
    nursery.cancel_scope.cancel()
