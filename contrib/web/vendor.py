"""Make `chatd/web/vendor/` again from npm: the page's libraries, as they are locked.

    python contrib/web/vendor.py           write what `vendor.lock` names
    python contrib/web/vendor.py --check   say what is there and is not so

A browser finds a module by its path, so what the libraries import by bare names is
written as a path to the module beside it; a source map is not kept, and a first line
says where it comes from and keeps type checkers out. Nothing else is changed; but of
what is `"derived"`, data of which the page needs a part, another module beside this
makes what is served (`emojis.py`). What npm gives must have the digest of the lock. To
take a newer version, change `version` there and clear `integrity`: the script writes
the digest that it finds.
"""

from __future__ import annotations

import base64
import hashlib
import importlib
import json
import re
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

LOCK = Path(__file__).with_name("vendor.lock")
VENDOR = Path(__file__).parents[2] / "chatd" / "web" / "vendor"

_SOURCE_MAP = re.compile(r"\n?//# sourceMappingURL=\S+\s*$")


def fetch(name: str, version: str, into: Path) -> Path:
    """Load a package from npm; the path of its archive."""
    packed = subprocess.run(  # noqa: S603
        ["npm", "pack", "--json", "--silent", f"{name}@{version}"],  # noqa: S607 - whichever npm is installed
        cwd=into,
        stdout=subprocess.PIPE,
        check=True,
    )
    (entry,) = json.loads(packed.stdout)
    return into / entry["filename"].replace("@", "").replace("/", "-")


def digest(data: bytes) -> str:
    """The digest of an archive, as npm's own locks write it."""
    return f"sha512-{base64.b64encode(hashlib.sha512(data).digest()).decode()}"


def rewritten(source: str, paths: dict[str, str]) -> str:
    """A module whose imports of the others are paths, without its source map."""
    for name, path in paths.items():
        source = re.sub(rf"""(["']){re.escape(name)}\1""", rf"\1./{path}\1", source)
    return _SOURCE_MAP.sub("\n", source)


def licensed(name: str) -> str:
    """What a package is called behind its licence."""
    scope, _, rest = name.rpartition("/")
    return scope.removeprefix("@") if rest == "core" else rest


def made(lock: list[dict[str, object]]) -> Iterator[tuple[str, bytes]]:
    """What belongs into the directory, by name, as npm has it.

    Raises:
        SystemExit: A package is not the one that is locked.
    """
    paths = {
        module: file
        for package in lock
        for module, (_, file) in package["modules"].items()  # type: ignore[attr-defined]
    }
    for package in lock:
        name, version = str(package["name"]), str(package["version"])
        with tempfile.TemporaryDirectory() as place:
            archive = fetch(name, version, Path(place))
            found = digest(archive.read_bytes())
            if package.setdefault("integrity", found) != found:
                sys.exit(f"{name} {version} is not the one that is locked: {found}")
            origin = f"// @ts-nocheck {name} {version}\n"
            with tarfile.open(archive) as tar:

                def read(source: str, tar: tarfile.TarFile = tar) -> str:
                    member = tar.extractfile(f"package/{source}")
                    assert member is not None
                    return member.read().decode()

                for source, file in package["modules"].values():  # type: ignore[attr-defined]
                    yield file, (origin + rewritten(read(source), paths)).encode()
                if "derived" in package:
                    maker = importlib.import_module(str(package["derived"]))
                    for file, text in maker.made(read):
                        yield file, (origin + text).encode()
                yield f"LICENSE.{licensed(name)}", read("LICENSE").encode()


def main() -> None:
    """Write or check the directory."""
    lock = json.loads(LOCK.read_text())
    files = dict(made(lock))
    if "--check" in sys.argv[1:]:
        there = {path.name: path.read_bytes() for path in VENDOR.iterdir()}
        differ = {name for name in there | files if there.get(name) != files.get(name)}
        sys.exit(f"not as locked: {', '.join(sorted(differ))}" if differ else 0)
    VENDOR.mkdir(exist_ok=True)
    for path in VENDOR.iterdir():
        path.unlink()
    for name, data in files.items():
        (VENDOR / name).write_bytes(data)
    LOCK.write_text(json.dumps(lock, indent=2) + "\n")


if __name__ == "__main__":
    main()
