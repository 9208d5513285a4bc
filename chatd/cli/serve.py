"""`chatd serve`: run the daemon in the foreground until a signal ends it."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from chatd import __version__
from chatd.cli.config import config_option, load_or_exit
from chatd.config import Address, Server, TcpAddress
from chatd.daemon import links, setup
from chatd.daemon.daemon import Started, run_daemon
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
        server = loaded.config.server
        lines = announcement(config_file, server, started)
        if started.setup_secret is not None:
            link, is_shown = setup_link(server, started), sys.stdout.isatty()
            # What is said to be there is there by then.
            lines.append(setup_line(link, started.data, shown=is_shown))
        for line in lines:
            click.echo(line)
        sys.stdout.flush()

    try:
        status = run_daemon(loaded.config, announce)
    except (ConfigError, StoreRefused) as error:
        click.echo(f"chatd: {error}", err=True)
        sys.exit(os.EX_CONFIG)
    sys.exit(status)


def announcement(
    config_file: Path | None, server: Server, started: Started
) -> list[str]:
    """The four lines that say where it listens and what to try next."""
    source = "no configuration file, so defaults (see: chatd config default)"
    if config_file is not None:
        source = f"configuration from {config_file}"
    scheme = "https" if server.tls_cert else "http"
    where = f"listening on {', '.join(_where(a, scheme) for a in started.listening)}"
    if started.metrics:
        metrics = ", ".join(_where(a, "http", "/metrics") for a in started.metrics)
        where += f", metrics on {metrics}"
    return [
        f"chatd {__version__}: {source}",
        where,
        f"data in {started.data.resolve()}{' (new)' if started.is_new else ''}",
        f"try: chatd connect {_url(server, started.listening)} --room lobby",
    ]


def setup_link(server: Server, started: Started) -> str:
    """The link by which the first administrator comes."""
    assert started.setup_secret is not None
    url = links.page_url(server, started.listening) or "https://HOST"
    return links.link(url, "setup", started.setup_secret)


def setup_line(link: str, data: Path, *, shown: bool) -> str:
    """The line that asks somebody to become the first administrator.

    Args:
        link: By which he does.
        data: Where it is left where it is not shown.
        shown: Whether a person sees the line; it may be kept in a log else.
    """
    if shown:
        return f"nobody administers this place yet: open {link}"
    try:
        path = setup.write(data, link)
    except OSError as error:
        return (
            f"nobody administers this place yet, and the link cannot be left: {error}"
        )
    return f"nobody administers this place yet: open the link in {path.resolve()}"


def _where(address: Address, scheme: str, path: str = "") -> str:
    """An address as one would click on it, and which others it stands for."""
    if not isinstance(address, TcpAddress):
        return str(address)
    url = f"{scheme}://{address.reachable}{path}"
    if address.reachable == address:
        return url
    family = "IPv6" if ":" in address.host else "IPv4"
    return f"{url} and every other {family} address of this machine"


def _url(server: Server, listening: Sequence[Address]) -> str:
    """An address that one can type and that is answered.

    Where a certificate or a proxy's head stands between, that of people: whoever
    checks a certificate needs the name in it, and nobody but the proxy is heard.
    Which that is only `public_url` tells.
    """
    public = f"{server.public_url.replace('http', 'ws', 1)}/ws"
    if server.public_url and (server.tls_cert or server.proxy_protocol):
        return public
    if server.proxy_protocol:
        return "URL"
    scheme = "wss" if server.tls_cert else "ws"
    path = server.public_path.rstrip("/")
    for address in listening:
        if isinstance(address, TcpAddress):
            return f"{scheme}://{address.reachable}{path}/ws"
    if server.public_url:
        return public
    return shlex.quote(str(listening[0]))
