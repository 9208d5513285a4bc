"""The units that contrib/systemd ships, as systemd itself reads them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

UNITS = Path(__file__).parents[2] / "contrib" / "systemd"


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """The units in a directory of their own, with a command that exists here."""
    for unit in UNITS.iterdir():
        text = unit.read_text().replace("/usr/bin/chatd", sys.executable)
        (tmp_path / unit.name).write_text(text)
    return tmp_path


def analyze(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Ask systemd-analyze, with no pager and no colour."""
    return subprocess.run(
        ["systemd-analyze", "--no-pager", *arguments],
        env=os.environ | {"SYSTEMD_COLORS": "0", "LC_ALL": "C.UTF-8"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("unit", "tenths"), [("chatd.service", 13), ("chatd-backup.service", 6)]
)
def test_exposure_is_low(unit: str, tenths: int) -> None:
    """Of 10, where a bare unit has 9.2."""
    answer = analyze(
        "security",
        "--offline=true",
        f"--threshold={tenths}",
        UNITS / unit,
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr


@pytest.mark.parametrize("unit", sorted(path.name for path in UNITS.iterdir()))
def test_systemd_understands_every_line(installed: Path, unit: str) -> None:
    """`systemd-analyze verify` has nothing to say about any unit."""
    answer = analyze("verify", "--man=no", installed / unit)
    assert (answer.returncode, answer.stdout, answer.stderr) == (0, "", "")


def test_verify_would_notice_a_misspelt_line(installed: Path) -> None:
    """The clean verdict above means something: a wrong key is reported."""
    unit = installed / "chatd.service"
    unit.write_text(unit.read_text().replace("WatchdogSec=", "WatchdogSeconds="))
    assert "WatchdogSeconds" in analyze("verify", "--man=no", unit).stderr
