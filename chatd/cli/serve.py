"""`chatd serve`: run the daemon in the foreground until a signal ends it."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import click

from chatd import __version__
from chatd.cli.config import config_option
from chatd.cli.standard import OutputLost
from chatd.config import Address, Config, Server, TcpAddress
from chatd.configfile import load, log_format
from chatd.daemon import links, setup
from chatd.daemon.daemon import LAST_WORDS_S, Started, run_daemon
from chatd.errors import ConfigError, StoreRefused, StoreUnavailable
from chatd.observe import configure_log_behind, log
from chatd.observe.strays import take_strays


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
    take_strays()

    def read() -> Config:
        return load(config_file, os.environ, overrides).config

    try:
        config = read()
    except ConfigError as error:
        configure_log_behind("info", log_format(config_file, os.environ))
        sys.exit(_refused(error.problems))
    configure_log_behind(config.log.level, config.log.format)
    try:
        announce = partial(_announce, config_file, config.server)
        status = run_daemon(config, read, announce, config_file)
    except ConfigError as error:
        status = _refused(error.problems)
    except StoreRefused as error:
        status = _refused([str(error)])
    except StoreUnavailable as error:
        _refused([str(error)])
        status = os.EX_TEMPFAIL  # the service manager may try again
    log().flush(LAST_WORDS_S)
    sys.exit(status)


def _refused(reasons: Sequence[str]) -> int:
    """Say why the daemon does not start: plainly where a person reads that.

    Returns:
        The exit status.
    """
    log().flush(LAST_WORDS_S)
    for reason in reasons:
        if log().form == "console":
            click.echo(f"chatd: {reason}", err=True)
        else:
            log().critical("the daemon cannot start", reason=reason)
    log().flush(LAST_WORDS_S)
    return os.EX_CONFIG


def _announce(config_file: Path | None, server: Server, started: Started) -> None:
    """Say that it has started: in lines for a person, or as an entry of the log."""
    secret, link = started.setup_secret, ""
    if secret is not None:
        link = setup_link(server, started)
    if log().form != "console":
        log().info("started", **_facts(config_file, server, started))
        if link:
            log().info(setup_line(link, started.data, shown=False))
        return
    lines = announcement(config_file, server, started)
    if link:
        # What is said to be there is there by then.
        lines.append(setup_line(link, started.data, shown=sys.stdout.isatty()))
    try:
        for line in lines:
            click.echo(line)
        sys.stdout.flush()
    except OutputLost as lost:
        lost.settle()  # it serves, also where nobody is told so


def _facts(
    config_file: Path | None, server: Server, started: Started
) -> dict[str, object]:
    """What the lines of the announcement say, for programs."""
    scheme = "https" if server.tls_cert else "http"
    return {
        "version": __version__,
        "config": None if config_file is None else str(config_file),
        "listening": [_link(one, scheme) for one in started.listening],
        "metrics": [_link(one, "http", "/metrics") for one in started.metrics],
        "data": str(started.data.resolve()),
        "new": started.is_new,
    }


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


def _link(address: Address, scheme: str, path: str = "") -> str:
    """An address as one would click on it."""
    if not isinstance(address, TcpAddress):
        return str(address)
    return f"{scheme}://{address.reachable}{path}"


def _where(address: Address, scheme: str, path: str = "") -> str:
    """An address as one would click on it, and which others it stands for."""
    url = _link(address, scheme, path)
    if not isinstance(address, TcpAddress) or address.reachable == address:
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
