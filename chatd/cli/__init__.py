"""The command line: one group, and a module for each family of commands.

Commands parse, call what does the work, print, and choose the exit code; what
they know about chatd is in the layers below. 0 is success, 1 a refusal that says why,
2 a wrong command line, 65 (`EX_DATAERR`) a password that cannot be one, 75
(`EX_TEMPFAIL`) what may work later, 78 (`EX_CONFIG`) a configuration that cannot
be used.
"""

from __future__ import annotations

import click

from chatd import __version__
from chatd.cli.accounts import user_group
from chatd.cli.backup import backup
from chatd.cli.config import check, config_group
from chatd.cli.connect import connect
from chatd.cli.farewell import erase, export
from chatd.cli.invite import invite_group
from chatd.cli.protocol import protocol_group
from chatd.cli.serve import serve
from chatd.cli.tokens import token_group


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="chatd")
def main() -> None:
    """The chat daemon: durable, gap-free rooms for any WebSocket client."""


main.add_command(serve)
main.add_command(user_group)
main.add_command(token_group)
main.add_command(invite_group)
main.add_command(export)
main.add_command(backup)
main.add_command(erase)
main.add_command(check)
main.add_command(config_group)
main.add_command(protocol_group)
main.add_command(connect)
