"""What the command line says of its commands, and what it imports to say it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from chatd.cli import COMMANDS, command_named, main

UNUSED = {
    "argparse",
    "chatd.bus",
    "chatd.cli.accounts",
    "chatd.client",
    "chatd.core.cluster.codec",
    "chatd.hub.cluster",
    "chatd.store.postgres",
    "chatd.wire.asyncapi",
    "chatd.wire.schema",
    "cryptography",
    "emoji",
    "hiredis",
    "http.server",
    "jwt",
    "logging.handlers",
    "multiprocessing",
    "precis_i18n",
    "prometheus_client",
    "prompt_toolkit",
    "psycopg",
    "rich",
    "segno",
    "sqlite3",
    "xml",
}
"""What a start of the daemon has no use for, with the default settings."""

ENVIRONMENT = {"PATH": os.environ["PATH"]}
"""Without the coverage of subprocesses, which imports a lot by itself."""


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_a_placeholder_says_what_its_command_says(name: str) -> None:
    """Name and first line of help are written twice, and are the same."""
    command = command_named(name)
    placeholder = main.commands[name]
    assert (command.help or "").partition("\n")[0] == placeholder.help
    assert (command.name, placeholder.name) == (name, name)


@pytest.mark.parametrize("group", ["", "room", "token", "user", "config"])
def test_what_a_command_does_is_said_in_a_line(group: str) -> None:
    """A list of commands on a terminal of 80 columns cuts none short."""
    done = CliRunner().invoke(main, [*group.split(), "--help"], terminal_width=80)
    assert done.exit_code == 0
    _, _, commands = done.output.partition("Commands:\n")
    assert commands.count("\n") > 2
    assert "..." not in commands


def test_every_module_of_commands_has_its_place() -> None:
    """A module of `chatd.cli` that makes commands is one that somebody can call."""
    folder = Path(__file__).parents[2] / "chatd" / "cli"
    makers = {
        path.stem
        for path in folder.glob("*.py")
        if re.search(r"^@click\.(?:command|group)", path.read_text(), re.MULTILINE)
    }
    listed = {where.partition(":")[0] for where, _ in COMMANDS.values()}
    assert makers - {"__init__"} == listed


@pytest.mark.parametrize("option", ["--version", "--help"])
def test_what_is_asked_first_imports_next_to_nothing(option: str) -> None:
    """Beyond what any program with click does there is only the group of commands."""
    asked = f"import sys; sys.argv[1:] = ['{option}']\n"
    bare = (
        "import click\n"
        "@click.group(commands=[click.Command('serve', help='Serve.')])\n"
        "@click.version_option('0.1.0', prog_name='bare')\n"
        "def main(): 'A program without commands.'\n"
        "main()"
    )
    ours = imported(asked + "from chatd.cli import main; main()")
    theirs = imported(asked + bare) | {"importlib"}
    assert ours - theirs == {"chatd", "chatd.cli", "chatd.cli.standard", "gc"}


def test_a_start_does_not_import_what_it_does_not_use(tmp_path: Path) -> None:
    """Libraries of what is off or comes later are not waited for."""
    code = (
        "import sys, chatd.daemon.daemon as daemon\n"
        "from chatd.cli import main\n"
        "sys.argv[1:] = ['serve', '--listen', '127.0.0.1:0', '--data', 'data']\n"
        "def stop(*_):\n"
        "    print(*sorted(sys.modules), sep='\\n')\n"
        "    sys.stdout.flush()\n"
        "    daemon.os._exit(0)\n"
        "daemon._until_stopped = stop\n"
        "main()\n"
    )
    modules = set(run(code, tmp_path).splitlines())
    assert "chatd.daemon.daemon" in modules
    assert modules & UNUSED == set()


def imported(code: str) -> set[str]:
    """The modules that a fresh process has at the end of some code."""
    tell = "atexit.register(lambda: print('', *sys.modules, sep='\\nmodule '))\n"
    said = run("import atexit, sys\n" + tell + code)
    return set(re.findall("^module (.+)$", said, re.MULTILINE))


def run(code: str, cwd: Path | None = None) -> str:
    """What a fresh process prints that runs some code."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=ENVIRONMENT | {"PYTHONPATH": str(Path(__file__).parents[2])},
        cwd=cwd,
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout
