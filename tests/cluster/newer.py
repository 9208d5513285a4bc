"""A later version of this program: with a step of the schema, and a word of its own."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import chatd
from chatd.store.postgres.migrate import migrations
from tests.live.forks import Forks, open_forks

HERE = Path(__file__).parents[2]
VERSION = "99.0.0"
SCHEMA = len(migrations())
"""What this version knows."""
STEP = f"""-- oldest: {SCHEMA}
ALTER TABLE message ADD COLUMN colour TEXT COLLATE "C" NOT NULL DEFAULT 'white';
ALTER TABLE change ADD COLUMN colour BIGINT;
CREATE TABLE paint (colour TEXT COLLATE "C" PRIMARY KEY);
"""
LANGUAGE = """
from chatd.core.changes import DisplaySet
_CHANGES._classes["Shown"] = DisplaySet
_CHANGES._tags[DisplaySet] = "Shown"
"""
"""A change that an older node cannot read; what it has said itself is read as ever."""


@contextmanager
def newer_version(directory: Path) -> Iterator[Forks]:
    """Have who starts daemons of it; its page is another one, too."""
    package = directory / "chatd"
    shutil.copytree(Path(chatd.__file__).parent, package)
    for name, more in {
        "__init__.py": f'__version__ = "{VERSION}"\n',
        "core/cluster/codec.py": LANGUAGE,
        "web/page/app.mjs": "// newer\n",
    }.items():
        with (package / name).open("a") as file:
            file.write(more)
    step = package / "store" / "postgres" / f"{SCHEMA + 1:04}_colours.sql"
    step.write_text(STEP)
    path = f"PYTHONPATH={directory}:{HERE}"
    with open_forks("env", "PYTHONSAFEPATH=1", path) as forks:
        yield forks
