"""The command line: one group, and a module for each family of commands.

Commands parse, call what does the work, print, and choose the exit code; what
they know about chatd is in the layers below. 0 is success, 1 a refusal that says why,
2 a wrong command line, 65 (`EX_DATAERR`) a password that cannot be one or a line
that cannot be imported, 69 (`EX_UNAVAILABLE`) that no daemon runs, 75 (`EX_TEMPFAIL`)
what may work later, 77 (`EX_NOPERM`) what one may not do, 78 (`EX_CONFIG`) a
configuration or a store that cannot be used, and 141 that nobody has read what was
printed (`chatd.cli.standard`).

A command's module is imported when the command is called, because it brings with it
the part of the daemon that it works with. Until then the group has a placeholder, made
from `COMMANDS`, with the first line of the command's help: enough for `chatd --help`,
which imports none of them. tests/cli/test_main.py compares the two.
"""

from __future__ import annotations

import gc
from importlib import import_module
from typing import Any

import click

from chatd import __version__
from chatd.cli.standard import standard_streams

COMMANDS = {
    "announce": (
        "steering:announce",
        "Tell TEXT to everybody who is connected.",
    ),
    "audit": (
        "audit:audit",
        "List what moderators and the operator have done, or to NAME.",
    ),
    "backup": (
        "backup:backup",
        "Copy all that there is into FILE, which is new, or into DIR.",
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
    "doctor": (
        "doctor:doctor",
        "Look for what is wrong here, and say what to do about it.",
    ),
    "drain": (
        "steering:drain",
        "Stop the running daemon in order, and return when it has ended.",
    ),
    "erase": (
        "privacy:erase",
        "Erase USER for good; it works while the daemon runs.",
    ),
    "export": (
        "privacy:export",
        "Print all that there is of USER, or of everybody, as JSON lines.",
    ),
    "import": (
        "transfer:import_store",
        "Make a store of FILE, which `chatd export --all` has written.",
    ),
    "invite": (
        "invite:invite_group",
        "Print a link by which people make their accounts; once only.",
    ),
    "kick": (
        "running:kick",
        "End all connections of NAME, or one by its number.",
    ),
    "log": (
        "steering:log_group",
        "The log of the running daemon.",
    ),
    "migrate": (
        "migrate:migrate",
        "Move the store to PostgreSQL, or back into DIR; no daemon runs.",
    ),
    "protocol": (
        "protocol:protocol_group",
        "Show the protocol as programs read it.",
    ),
    "reload": (
        "steering:reload",
        "Put what is configured into force, and say what has changed.",
    ),
    "restore": (
        "backup:restore",
        "Put the backup FILE in the place of the store; no daemon runs.",
    ),
    "room": (
        "rooms:room_group",
        "Rooms: which there are, who is in them, who is kept out.",
    ),
    "serve": (
        "serve:serve",
        "Serve until SIGTERM or SIGINT; a second one ends at once.",
    ),
    "status": (
        "running:status",
        "Say how the running daemon is, and what has to be seen to.",
    ),
    "token": (
        "tokens:token_group",
        "Access tokens: for programs that log in as an account.",
    ),
    "top": (
        "top:top",
        "Show who keeps the running daemon busy; Ctrl-C ends it.",
    ),
    "user": (
        "accounts:user_group",
        "Accounts: people and programs that log in; bans; sessions.",
    ),
    "who": (
        "running:who",
        "List who is connected, or NAME's connections, and how they go.",
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

    def main(self, *args: Any, **extra: Any) -> Any:
        """Run a command, whatever it may read and write."""
        with standard_streams():
            return super().main(*args, **extra)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Take what was typed, if it can be told to anybody and name a file."""
        for one in args:
            try:
                one.encode()
            except UnicodeEncodeError:
                raise click.UsageError(f"{one!a} is no UTF-8", ctx) from None
        return super().parse_args(ctx, args)

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
