"""Content codings: which one a client gets, and how they are made. Pure.

The wheel has each file of the page compressed beside it, made by the hook of its build
(`contrib/wheel/hatch_build.py`), which imports this module before anything that chatd
needs is installed. So nothing is imported here but the standard library, and brotli
where it is there. Where the page is served from a source tree, it is compressed when it
is first asked for.

Source: RFC 9110 section 12.5.3; RFC 7932; RFC 1952.
"""

from __future__ import annotations

import gzip
from collections.abc import Collection, Mapping

try:
    import brotli
except ImportError:
    # It makes wheels. A daemon that was installed from one has no need of it.
    brotli = None

IDENTITY = "identity"
SUFFIXES: Mapping[str, str] = {"br": ".br", "gzip": ".gz"}
"""Of a file that is compressed, by the coding; the best one first."""
COMPRESSIBLE = frozenset({".css", ".html", ".mjs", ".svg", ".webmanifest"})
"""Of files that are smaller compressed."""
_LARGE_BYTES = 256 * 1024
"""From here on brotli's best takes a second, and its middle a hundredth of one for an
eighth more bytes (measured with all files of the page in one).
"""


def compress(data: bytes) -> dict[str, bytes]:
    """Compress as far as it goes: the codings in which something is smaller.

    Returns:
        The same for the same data, wherever and whenever it is made.
    """
    made = {"gzip": gzip.compress(data, 9, mtime=0)}
    if brotli is not None:
        quality = 11 if len(data) < _LARGE_BYTES else 5
        made["br"] = brotli.compress(data, quality=quality)
    return {coding: one for coding, one in made.items() if len(one) < len(data)}


def choose(accepted: str, available: Collection[str]) -> str:
    """The best coding that a client takes.

    Args:
        accepted: What its `Accept-Encoding` says; `""` where it has none.
        available: Those that there are, beside `IDENTITY`.
    """
    wanted: dict[str, bool] = {}
    for part in accepted.lower().split(","):
        coding, *parameters = (piece.strip() for piece in part.split(";"))
        wanted[coding] = not any(map(_is_zero, parameters))
    others = wanted.get("*", False)
    for coding in SUFFIXES:
        if coding in available and wanted.get(coding, others):
            return coding
    return IDENTITY


def _is_zero(parameter: str) -> bool:
    """Whether a weight says: not at all."""
    name, _, weight = parameter.replace(" ", "").partition("=")
    return name == "q" and weight.startswith("0") and not weight.strip("0.")
