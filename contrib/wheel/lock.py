"""Print what of a lock chatd needs to run, alone or as a node: `lock.py LOCK`.

What is installed here says who needs whom.
"""

from __future__ import annotations

import sys
from importlib.metadata import requires
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

EXTRA = "cluster"
"""With which the package of Debian and the container's image are made."""


def needed(name: str, extra: str) -> set[str]:
    """Whatever a package needs, also for an extra, and what that needs in turn.

    Returns:
        The canonical names.
    """
    found: set[str] = set()
    todo = [(name, ""), (name, extra)]
    while todo:
        package, chosen = todo.pop()
        for requirement in map(Requirement, requires(package) or ()):
            marker = requirement.marker
            if marker is not None and not marker.evaluate({"extra": chosen}):
                continue
            wanted = canonicalize_name(requirement.name)
            if wanted not in found:
                found.add(wanted)
                todo += [(wanted, one) for one in ("", *requirement.extras)]
    return found


def runtime(lock: str) -> str:
    """The part of a lock that chatd needs."""
    names = needed("chatd", EXTRA)
    lines = [line for line in lock.splitlines() if not line.startswith("#")]
    kept = [line for line in lines if canonicalize_name(line.split("==")[0]) in names]
    return "\n".join([*kept, ""])


if __name__ == "__main__":
    sys.stdout.write(runtime(Path(sys.argv[1]).read_text(encoding="utf-8")))
