"""`chatd doctor`: look at everything that keeps a daemon from working well."""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path

import attrs
import click

from chatd.cli.admin import look
from chatd.cli.clean import clean
from chatd.cli.config import config_option, load_or_exit
from chatd.cli.operator import data_option, json_option
from chatd.cli.table import hung
from chatd.doctor import Finding, Level, examine, gather

LEVEL_CHARS = 8
"""Before what is found."""
COLOURS = {Level.OK: "green", Level.WARNING: "yellow", Level.BROKEN: "red"}


@click.command()
@config_option
@data_option
@json_option
def doctor(config_file: Path | None, data: str | None, *, as_json: bool) -> None:
    """Look for what is wrong here, and say what to do about it.

    It looks at limits, files, units, the clock, the database, the certificate, and
    sends requests to `public_url`, as clients do. Nothing is changed. Run it as root or
    as the user of the daemon. The exit status is 1 if anything is broken.
    """
    overrides: dict[str, object] = {} if data is None else {"store.path": data}
    config = load_or_exit(config_file, overrides).config
    status = look(Path(config.store.path), {"type": "report"})
    findings = examine(gather(config, config_file, status))
    if as_json:
        for finding in findings:
            click.echo(json.dumps(attrs.asdict(finding), ensure_ascii=False))
    else:
        for finding in findings:
            show_finding(finding)
        count = Counter(finding.level for finding in findings)
        click.echo(", ".join(f"{count[level]} {level}" for level in Level))
    sys.exit(int(any(one.level is Level.BROKEN for one in findings)))


def show_finding(finding: Finding) -> None:
    """Print one finding, and below it what to do."""
    level = click.style(f"{finding.level:<{LEVEL_CHARS}}", fg=COLOURS[finding.level])
    click.echo(level + hung(f"{finding.check}: {clean(finding.text)}", LEVEL_CHARS))
    if finding.cure:
        cure = hung(clean(finding.cure), LEVEL_CHARS + 2)
        click.echo(f"{'':{LEVEL_CHARS}}→ {cure}")
