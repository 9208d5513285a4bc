"""Whether systemd would start a daemon while a command has the data to itself."""

from __future__ import annotations

import subprocess
from pathlib import Path

import click

SYSTEMD = Path("/run/systemd/system")
"""There where systemd runs. Source: sd_booted(3)."""
STATE = Path("/var/lib")
"""Where a unit's `StateDirectory=` is. Source: systemd.exec(5)."""


def require_stopped(directory: Path) -> None:
    """Refuse to begin where the next client who comes would start a daemon.

    Args:
        directory: The data directory.

    Raises:
        click.ClickException: One would.
    """
    if SYSTEMD.exists() and _is_activated(directory):
        raise click.ClickException(
            "chatd.socket would start the daemon meanwhile; stop both first: systemctl"
            " stop chatd.socket chatd.service"
        )


def _is_activated(directory: Path) -> bool:
    if _asked("chatd.socket", "ActiveState") != "active":
        return False
    states = _asked("chatd.service", "StateDirectory").split()
    return not states or any(
        (STATE / state).resolve() == directory.resolve() for state in states
    )


def _asked(unit: str, name: str) -> str:
    """Ask systemd for a property of a unit; empty if it does not say."""
    command = ["systemctl", "show", unit, "-p", name, "--value"]
    try:
        said = subprocess.run(  # noqa: S603 - all of it is ours
            command, capture_output=True, text=True, check=False, timeout=10
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return said.stdout.strip()
