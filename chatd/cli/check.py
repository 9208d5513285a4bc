"""`chatd check`: what is wrong with a configuration, and what may not be meant.

Nothing is started here, and looked at are only the file, the keys and certificates that
it names, the group of its sockets and the modes of its data directory, so it may be run
beside a daemon and before its start.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import click

from chatd.auth import read_issuers
from chatd.cli.config import NO_FILE, config_option, exit_with, load_or_exit
from chatd.config import Config, Server, notices
from chatd.errors import ConfigError, StoreRefused
from chatd.net.sockets import UnixAccess
from chatd.net.tls import server_context
from chatd.store.sqlite.files import doubts


@click.command()
@config_option
def check(config_file: Path | None) -> None:
    """Check the configuration, and say all that is wrong with it."""
    loaded = load_or_exit(config_file)
    found = list(notices(loaded.config))
    problems = list(_surroundings(loaded.config, found))
    if problems:
        exit_with(ConfigError(problems))
    origins = Counter(loaded.origins.values())
    said = ", ".join(f"{count} from {origin}" for origin, count in origins.items())
    click.echo(f"ok: {said}")
    if config_file is None:
        click.echo(f"note: {NO_FILE}")
    for notice in found:
        click.echo(f"note: {notice}")


def _tls_problems(server: Server, found: list[str]) -> Iterator[str]:
    """Look at the certificate and its key, if there is one."""
    if not server.tls_cert:
        return
    from chatd.net import certificates  # noqa: PLC0415 - there is one

    try:
        server_context(server.tls_cert, server.tls_key)
        certificate = certificates.read_pair(server.tls_cert, server.tls_key)
    except ConfigError as error:
        yield from error.problems
        return
    bad, soon = certificates.judge(certificate, server.public_host, time.time())
    found += soon
    yield from bad


def _surroundings(config: Config, found: list[str]) -> Iterator[str]:
    """Look at what the configuration names on this machine.

    Args:
        config: Sound by itself.
        found: What may not be meant is added.

    Yields:
        What cannot be used.
    """
    try:
        read_issuers(config.auth.jwt)
    except ConfigError as error:
        yield from error.problems
    yield from _tls_problems(config.server, found)
    try:
        UnixAccess(group=config.server.unix_group).group_id()
    except ConfigError as error:
        yield from error.problems
    try:
        found += doubts(Path(config.store.path))
    except StoreRefused as error:
        yield f"store.path: {error}"
