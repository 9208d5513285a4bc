"""`chatd serve`: run the daemon in the foreground until a signal ends it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from chatd import __version__
from chatd.cli.config import config_option, load_or_exit
from chatd.config import Address, Server, TcpAddress
from chatd.daemon import Started, run_daemon
from chatd.errors import ConfigError, StoreRefused


@click.command()
@config_option
@click.option(
    "--listen",
    multiple=True,
    metavar="ADDRESS",
    help="Listen here instead: HOST:PORT, [IPV6]:PORT, unix:PATH or systemd."
    " May be given more than once; port 0 picks a free one and prints it.",
)
@click.option("--data", metavar="DIR", help="Keep the data here instead.")
def serve(config_file: Path | None, listen: tuple[str, ...], data: str | None) -> None:
    """Serve until SIGTERM or SIGINT; a second one ends at once."""
    overrides: dict[str, object] = {}
    if listen:
        overrides["server.listen"] = list(listen)
    if data is not None:
        overrides["store.path"] = data
    loaded = load_or_exit(config_file, overrides)

    def announce(started: Started) -> None:
        for line in _announcement(config_file, loaded.config.server, started):
            click.echo(line)
        sys.stdout.flush()

    try:
        status = run_daemon(loaded.config, announce)
    except (ConfigError, StoreRefused) as error:
        click.echo(f"chatd: {error}", err=True)
        sys.exit(os.EX_CONFIG)
    sys.exit(status)


def _announcement(
    config_file: Path | None, server: Server, started: Started
) -> list[str]:
    """The four lines that say where it listens and what to try next."""
    source = "no configuration file, so defaults (see: chatd config default)"
    if config_file is not None:
        source = f"configuration from {config_file}"
    s = "s" if server.tls_cert else ""
    urls = [_url(address, f"http{s}") for address in started.listening]
    where = f"listening on {' '.join(urls)}"
    if started.metrics:
        metrics = " ".join(f"{_url(a, 'http')}/metrics" for a in started.metrics)
        where += f", metrics on {metrics}"
    tcp = [entry for entry in started.listening if isinstance(entry, TcpAddress)]
    try_it = "chatd connect URL --room lobby"
    if tcp:
        base = f"ws{s}://{tcp[0]}"
        if server.tls_cert and server.public_url:
            # Whoever checks a certificate needs the name that stands in it.
            base = server.public_url.replace("http", "ws", 1)
        try_it = f"chatd connect {base}/ws --room lobby"
    return [
        f"chatd {__version__}: {source}",
        where,
        f"data in {started.data.resolve()}{' (new)' if started.is_new else ''}",
        f"try: {try_it}",
    ]


def _url(address: Address, scheme: str) -> str:
    """An address as one would click on it."""
    if isinstance(address, TcpAddress):
        return f"{scheme}://{address}"
    return str(address)
