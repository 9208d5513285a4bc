"""The command line: one group, and a module for each family of commands.

Commands parse, call what does the work, print, and choose the exit code; what
they know about chatd is in the layers below. 0 is success, 1 a refusal that says why,
2 a wrong command line, 65 (`EX_DATAERR`) a password that cannot be one, 75
(`EX_TEMPFAIL`) what may work later, 78 (`EX_CONFIG`) a configuration that cannot
be used.

A command's module is imported when the command is called, because it brings with it
the part of the daemon that it works with. Until then the group has a placeholder, made
from `COMMANDS`, with the first line of the command's help: enough for `chatd --help`,
which imports none of them. tests/cli/test_main.py compares the two.
"""

from __future__ import annotations

import gc
from importlib import import_module

import click

from chatd import __version__

COMMANDS = {
    "backup": (
        "backup:backup",
        "Copy all that there is into FILE, which must not be there yet.",
    ),
    "check": (
        "check:check",
        "Check the configuration, and say all that is wrong with it.",
    ),
    "config": (
        "config:config_group",
        "Show settings: their defaults, what is in force, their schema.",
    ),
    "connect": (
        "connect:connect",
        "Talk in the rooms of the daemon at URL, or at unix:PATH.",
    ),
    "erase": (
        "privacy:erase",
        "Erase USER for good; it works while the daemon runs.",
    ),
    "export": (
        "privacy:export",
        "Print everything that there is of USER, one JSON object a line.",
    ),
    "invite": (
        "invite:invite_group",
        "Print a link by which people make their accounts; it is shown only now.",
    ),
    "protocol": (
        "protocol:protocol_group",
        "Show the protocol as programs read it.",
    ),
    "serve": (
        "serve:serve",
        "Serve until SIGTERM or SIGINT; a second one ends at once.",
    ),
    "token": (
        "tokens:token_group",
        "Access tokens: for programs that log in as an account.",
    ),
    "user": (
        "accounts:user_group",
        "Accounts: people and programs that log in; bans; sessions.",
    ),
}
"""Each command: its module below `chatd.cli` and its name there, and the first line of
its help."""


def command_named(name: str) -> click.Command:
    """Import a command.

    Args:
        name: One of `COMMANDS`.
    """
    module, _, attribute = COMMANDS[name][0].partition(":")
    # Modules stay: to look for cycles among them, again and again, is a fifth of it.
    gc.disable()
    try:
        command = getattr(import_module(f"chatd.cli.{module}"), attribute)
    finally:
        gc.enable()
    assert isinstance(command, click.Command)
    return command


class _Lazy(click.Group):
    """A group of placeholders, which imports the command that is called."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name, _, rest = super().resolve_command(ctx, args)
        return name, None if name is None else command_named(name), rest


@click.group(
    cls=_Lazy,
    commands=[click.Command(name, help=line) for name, (_, line) in COMMANDS.items()],
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, prog_name="chatd")
def main() -> None:
    """The chat daemon: durable, gap-free rooms for any WebSocket client."""
