"""What is shipped and what is installed: the wheel, the locks, the news."""

from __future__ import annotations

import gzip
import json
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import brotli
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import chatd
from chatd.web.coding import SUFFIXES

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
LOCK = ROOT / "contrib" / "requirements-dev.txt"


def build(directory: Path) -> Path:
    """Build the wheel from this tree."""
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", directory],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (path,) = directory.glob("*.whl")
    return path


def compressed(names: set[str]) -> set[str]:
    """Those of the files in a wheel that are others, compressed."""
    ends = tuple(SUFFIXES.values())
    return {name for name in names if name.endswith(ends) and name[:-3] in names}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """The wheel, built from this tree."""
    return zipfile.ZipFile(build(tmp_path_factory.mktemp("wheel")))


@pytest.fixture
def locked() -> dict[str, str]:
    """The exact version of each package that the tests are run with."""
    lines = LOCK.read_text().splitlines()
    pairs = (line.split("==") for line in lines if not line.startswith("#"))
    return {canonicalize_name(name): version for name, version in pairs}


def test_wheel_has_every_file_of_the_package(wheel: zipfile.ZipFile) -> None:
    """Code, numbered SQL and the page travel; nothing else does."""
    tree = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "chatd").rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }
    shipped = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert shipped - compressed(shipped) == tree


def test_the_page_travels_compressed(wheel: zipfile.ZipFile) -> None:
    """By brotli and gzip, where that is less; to read it needs neither."""
    shipped = compressed(set(wheel.namelist()))
    for name in shipped:
        plain, _, ending = name.rpartition(".")
        packed, content = wheel.read(name), wheel.read(plain)
        assert len(packed) < len(content)
        unpack = gzip.decompress if ending == "gz" else brotli.decompress
        assert unpack(packed) == content
    for suffix in SUFFIXES.values():
        assert f"chatd/web/page/index.html{suffix}" in shipped


def test_a_wheel_is_the_same_wherever_it_is_built(
    wheel: zipfile.ZipFile, tmp_path: Path
) -> None:
    """Byte for byte: nothing of the day or the place is in it."""
    again = build(tmp_path)
    assert Path(str(wheel.filename)).read_bytes() == again.read_bytes()


def test_wheel_says_what_it_is(wheel: zipfile.ZipFile) -> None:
    """Version, licence and command are those of the source."""
    info = f"chatd-{chatd.__version__}.dist-info"
    metadata = wheel.read(f"{info}/METADATA").decode()
    assert f"\nVersion: {chatd.__version__}\n" in metadata
    assert wheel.read(f"{info}/licenses/LICENSE") == (ROOT / "LICENSE").read_bytes()
    assert b"chatd = chatd.cli:main" in wheel.read(f"{info}/entry_points.txt")


def test_lock_holds_every_requirement_within_its_range(locked: dict[str, str]) -> None:
    """What is tested is what pyproject.toml allows."""
    wanted = PROJECT["dependencies"] + PROJECT["optional-dependencies"]["dev"]
    for requirement in map(Requirement, wanted):
        version = locked[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(version), requirement


def test_the_lock_of_the_wheel_is_what_it_runs_with(locked: dict[str, str]) -> None:
    """All that a daemon imports that serves, or is a node, and nothing for tests."""
    script = ROOT / "contrib" / "wheel" / "lock.py"
    done = subprocess.run(
        [sys.executable, script, LOCK], capture_output=True, text=True, check=True
    )
    pairs = dict(line.split("==") for line in done.stdout.splitlines())
    versions = {canonicalize_name(name): version for name, version in pairs.items()}
    assert versions.items() <= locked.items()
    wanted = PROJECT["dependencies"] + PROJECT["optional-dependencies"]["cluster"]
    needed = {canonicalize_name(Requirement(one).name) for one in wanted}
    assert needed <= versions.keys()
    # Of what those need, and for an extra.
    assert {"idna", "outcome", "cffi", "pycparser"} <= versions.keys()
    assert {"psycopg-binary"} <= versions.keys()
    assert not {"pytest", "mypy", "websockets", "hatchling"} & versions.keys()


def test_locks_name_no_host(locked: dict[str, str]) -> None:
    """A lock pins what is installed and leaves open where it comes from."""
    assert all(re.fullmatch(r"[0-9a-z.+]+", version) for version in locked.values())
    for path in ROOT.glob("tests/**/package-lock.json"):
        if "node_modules" not in path.parts:
            assert "://" not in path.read_text()


def test_node_lock_has_a_hash_for_each_package() -> None:
    """Without an address the hash is what says which package is meant."""
    lock = json.loads((ROOT / "tests" / "foreign" / "package-lock.json").read_text())
    packages = {name: entry for name, entry in lock["packages"].items() if name}
    assert packages
    assert all(entry["integrity"].startswith("sha512-") for entry in packages.values())


def test_a_release_gathers_the_news(tmp_path: Path) -> None:
    """Each fragment has a known type; all go into the changelog, as for a release."""
    news = Path("contrib/changelog.d")
    shutil.copytree(ROOT / news, tmp_path / news)
    for name in ("pyproject.toml", "CHANGELOG.md"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / news / "12.added.99.md").write_text("There may be none that waits.")
    fragments = {path.name for path in (tmp_path / news).glob("[0-9]*.md")}
    done = subprocess.run(
        [sys.executable, "-m", "towncrier", "build", "--yes", "--version", "9.9.9"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert [path.name for path in (tmp_path / news).iterdir()] == ["README.md"]
    text = (tmp_path / "CHANGELOG.md").read_text()
    assert text.count("## 9.9.9 (") == 1
    for number in {name.partition(".")[0] for name in fragments}:
        assert f"#{number}" in text
