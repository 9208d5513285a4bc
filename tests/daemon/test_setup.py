"""The file with the link for the first administrator."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from chatd.daemon import setup
from tests.logs import capture_logs


def test_only_its_owner_reads_it(tmp_path: Path) -> None:
    """Whatever was there before, and whatever the umask is."""
    before = tmp_path / setup.FILE
    before.write_text("old")
    before.chmod(0o666)
    old = os.umask(0)
    try:
        path = setup.write(tmp_path, "https://example.org/#setup=x")
    finally:
        os.umask(old)
    assert path.read_text() == "https://example.org/#setup=x\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_link_to_elsewhere_is_not_followed(tmp_path: Path) -> None:
    """The secret is written into a file of its own."""
    (tmp_path / setup.FILE).symlink_to(tmp_path / "elsewhere")
    path = setup.write(tmp_path, "secret")
    assert not path.is_symlink()
    assert not (tmp_path / "elsewhere").exists()


def test_it_is_taken_away_and_may_be_gone(tmp_path: Path) -> None:
    """Twice is as good as once."""
    setup.write(tmp_path, "x")
    setup.remove(tmp_path)
    setup.remove(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_removed_is_told_to_the_operator(tmp_path: Path) -> None:
    """The daemon goes on: what is in it lets nobody in any more."""
    (tmp_path / setup.FILE).mkdir()
    with capture_logs() as logs:
        setup.remove(tmp_path)
    assert [line["level"] for line in logs] == ["warning"]
    with pytest.raises(OSError, match="directory"):
        setup.write(tmp_path, "x")
