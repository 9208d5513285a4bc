"""How the files of the page name each other, and how the page is served. Pure.

`index.html` names its files as they lie beside it. Served, it names them below one
path that is made from the content of all of them (`_/1f0c.../page/app.mjs`), so those
of two versions never mix. From there on they find each other by relative paths, as they
do on disk.

It also names each module that is needed from the beginning, however deep: a browser
would learn of them one layer after the other.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from posixpath import dirname, join, normpath

_REFERENCE = re.compile(r'\b(?P<attribute>href|src)="(?P<name>[^"#:?]+)"')
_ENTRY = re.compile(r'(?P<indent>[ \t]*)<script type="module" src="(?P<name>[^"]+)"')
# An `@` stands before what is for the type checker alone; `import(` loads later.
_IMPORT = re.compile(
    r"""(?<![\w@.$])(?:import|export)\b(?:[\s\w$*{},]*?\bfrom)?\s*"""
    r"""["'](?P<name>\.{1,2}/[^"']+)["']"""
)


def imports_of(name: str, source: str) -> Iterator[str]:
    """The modules that a module needs before it runs.

    Args:
        name: Its own, as a path from where all files are.
        source: Its text.
    """
    for found in _IMPORT.finditer(source):
        yield normpath(join(dirname(name), found["name"]))


def references_of(name: str, html: str) -> Iterator[str]:
    """The files that a page names, as paths from where all files are."""
    for found in _REFERENCE.finditer(html):
        yield normpath(join(dirname(name), found["name"]))


def needed_by(name: str, sources: Mapping[str, str]) -> list[str]:
    """All modules that one needs before it runs: near ones first, itself before all.

    Args:
        name: Its own.
        sources: The text of each module that there is, by its name.
    """
    needed = [name]
    for one in needed:
        for other in imports_of(one, sources.get(one, "")):
            if other in sources and other not in needed:
                needed.append(other)
    return needed


def served(
    name: str, html: str, root: str, files: Collection[str], sources: Mapping[str, str]
) -> str:
    """Write a page as it is served.

    Args:
        name: Its own, as a path from where all files are.
        html: As it lies there.
        root: Where those are found, as a URL relative to the page's.
        files: The names of those that there are.
        sources: The text of those that are modules, by its name.
    """
    here = dirname(name)

    def rewritten(found: re.Match[str]) -> str:
        file = normpath(join(here, found["name"]))
        return f'{found["attribute"]}="{root}/{file}"' if file in files else found[0]

    def preloaded(found: re.Match[str]) -> str:
        _, *others = needed_by(normpath(join(here, found["name"])), sources)
        lines = [
            f'{found["indent"]}<link rel="modulepreload" href="{root}/{other}">\n'
            for other in others
        ]
        return f"{''.join(lines)}{found[0]}"

    return _REFERENCE.sub(rewritten, _ENTRY.sub(preloaded, html))
