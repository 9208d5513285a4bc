"""A small page in a directory of its own."""

from __future__ import annotations

from pathlib import Path

INDEX = (
    '<link rel="stylesheet" href="app.css">\n'
    '<script type="module" src="app.mjs"></script>\n'
)
STYLE = "body { margin: 2rem auto; max-width: 40rem }\n" * 20
MODULE = 'import { one } from "../vendor/lib.mjs";\nconsole.log(one);\n' * 5
LIBRARY = "export const one = 1;\n"
WORKER = "{ addEventListener('fetch', () => {}); }\n"


def write_page(root: Path) -> None:
    """Write its files."""
    for name, text in {
        "page/index.html": INDEX,
        "page/app.css": STYLE,
        "page/app.mjs": MODULE,
        "page/worker.mjs": WORKER,
        "vendor/lib.mjs": LIBRARY,
    }.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
