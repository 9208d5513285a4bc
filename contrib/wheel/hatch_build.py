"""The hook of the wheel's build: each file of the page travels compressed as well.

What is compressed is made in a directory of its own, so the tree stays as it is, and a
checkout that is installed as it lies (`pip install --editable`) has none of it. What a
coding is, and for which files there is one, says `chatd/web/coding.py`; it is read from
its file, since what chatd needs is not installed where wheels are built.
"""

from __future__ import annotations

import importlib.util
import shutil
import tempfile
from pathlib import Path
from types import ModuleType
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CompressedPage(BuildHookInterface):  # type: ignore[type-arg]
    """Adds the files, and takes them away when the wheel is there."""

    _made: Path | None = None

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compress, before the wheel is put together."""
        if version == "editable":
            return
        web = Path(self.root, "chatd", "web")
        coding = _module(web / "coding.py")
        self._made = Path(tempfile.mkdtemp(prefix="chatd-page-"))
        for path in sorted(web.rglob("*")):
            if path.suffix not in coding.COMPRESSIBLE or not path.is_file():
                continue
            name = path.relative_to(self.root)
            for one, data in coding.compress(path.read_bytes()).items():
                made = self._made / f"{name}{coding.SUFFIXES[one]}"
                made.parent.mkdir(parents=True, exist_ok=True)
                made.write_bytes(data)
                build_data["force_include"][str(made)] = str(
                    made.relative_to(self._made)
                )

    def finalize(self, *_told: object) -> None:
        """Forget what was made."""
        if self._made is not None:
            shutil.rmtree(self._made)


def _module(path: Path) -> ModuleType:
    """Run a module that imports nothing of its package."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
