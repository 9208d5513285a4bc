"""The files of the page, read once, and what they are served as.

They are all in memory, a few hundred kilobytes, and once more as one: no request waits
for a disk or a thread, and while another version is being installed, those of one
version stay together. What the wheel has compressed beside them is read with them; what
is not there is made when it is first asked for, in a thread.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType

import attrs
import trio

from chatd.web.coding import COMPRESSIBLE, SUFFIXES, choose, compress
from chatd.web.links import served

HERE = Path(__file__).parent
"""Where the files are."""
DIRECTORIES = ("page", "vendor")
"""Of them those that are served."""
INDEX = "page/index.html"
WORKER = "page/worker.mjs"
"""What a browser runs beside the page, and lets answer for it."""
BUNDLE = "all"
"""The name of all files in one, which is none of those on disk."""
TYPES: Mapping[str, str] = MappingProxyType(
    {
        ".css": "text/css; charset=utf-8",
        ".html": "text/html; charset=utf-8",
        ".ico": "image/vnd.microsoft.icon",
        ".mjs": "text/javascript; charset=utf-8",
        ".png": "image/png",
        ".svg": "image/svg+xml",
        ".webmanifest": "application/manifest+json",
        ".woff2": "font/woff2",
    }
)
"""What is served, by the end of its name; a licence or a source of types is not."""
_DIGEST_CHARS = 20


@attrs.define(eq=False)
class Asset:
    """One file, in each coding in which it is served."""

    path: Path
    content: bytes = attrs.field(repr=False)
    stat: os.stat_result | None = attrs.field(repr=False)
    """Of the file when it was read; None where it is served otherwise than it lies."""
    codings: dict[str, bytes] | None = attrs.field(default=None, repr=False)
    """Compressed; None as long as that was not asked for."""
    kind: str = attrs.field()
    """Its media type; by the end of its name where nothing else is said."""
    digest: str = attrs.field(init=False)
    _making: trio.Lock = attrs.field(factory=trio.Lock, init=False, repr=False)

    @kind.default
    def _kind_by_name(self) -> str:
        return TYPES[self.path.suffix]

    def __attrs_post_init__(self) -> None:
        """Find out what it is."""
        self.digest = sha256(self.content).hexdigest()[:_DIGEST_CHARS]

    async def encoded(self, accepted: str) -> tuple[str, bytes]:
        """Choose what suits a client.

        Args:
            accepted: What its `Accept-Encoding` says.

        Returns:
            The coding, and the content in it.

        Cancellation: safe.
        """
        if self.codings is None:
            async with self._making:
                if self.codings is None:
                    make = trio.to_thread.run_sync
                    self.codings = await make(compress, self.content)
        coding = choose(accepted, self.codings)
        return coding, self.codings.get(coding, self.content)

    async def stat_if_same(self) -> os.stat_result | None:
        """Look at the file; None where it is not the one that was read any more.

        Cancellation: safe.
        """
        before = self.stat
        if before is None:
            return None
        try:
            now = await trio.to_thread.run_sync(os.stat, self.path)
        except OSError:
            return None
        is_same = (now.st_dev, now.st_ino, now.st_mtime_ns, now.st_size) == (
            before.st_dev,
            before.st_ino,
            before.st_mtime_ns,
            before.st_size,
        )
        return now if is_same else None


@attrs.frozen(eq=False)
class Tree:
    """All files of one version."""

    version: str
    """Made from all of them."""
    assets: Mapping[str, Asset] = attrs.field(repr=False)
    """By their paths below `HERE`."""
    index: Asset
    """The page itself, which names them."""
    bundle: Asset
    """All of `assets` in one."""


def read_tree(root: Path = HERE) -> Tree:
    """Read all files that are served.

    Raises:
        OSError: Some cannot be read.
        KeyError: There is no page among them.
    """
    assets = {
        str(path.relative_to(root)): _read(path)
        for directory in DIRECTORIES
        for path in sorted((root / directory).rglob("*"))
        if path.suffix in TYPES and path.is_file()
    }
    page = assets.pop(INDEX)
    everything = sha256(page.content)
    for name, asset in assets.items():
        everything.update(f"\0{name}\0{asset.digest}".encode())
    version = everything.hexdigest()[:_DIGEST_CHARS]
    sources = {
        name: asset.content.decode()
        for name, asset in assets.items()
        if asset.path.suffix == ".mjs"
    }
    html = served(INDEX, page.content.decode(), f"_/{version}", assets, sources)
    index = Asset(page.path, html.encode(), None)
    return Tree(version, assets, index, _bundle(root / BUNDLE, version, assets))


def _bundle(path: Path, version: str, assets: Mapping[str, Asset]) -> Asset:
    """Put all files into one, each with its name and its media type.

    A browser that keeps all of them gets them by one request, since whoever loads the
    page may not ask as often as there are files.

    Source: RFC 7578.
    """
    parts = b"".join(
        f"--{version}\r\nContent-Disposition: form-data;"
        f' name="{name}"; filename="{asset.path.name}"\r\n'
        f"Content-Type: {asset.kind}\r\n\r\n".encode()
        + asset.content
        + b"\r\n"
        for name, asset in assets.items()
    )
    kind = f"multipart/form-data; boundary={version}"
    return Asset(path, b"%b--%b--\r\n" % (parts, version.encode()), None, kind=kind)


def _read(path: Path) -> Asset:
    """Read a file, and what lies compressed beside it."""
    codings: dict[str, bytes] = {}
    for coding, suffix in SUFFIXES.items():
        beside = path.with_name(path.name + suffix)
        if beside.is_file():
            codings[coding] = beside.read_bytes()
    is_done = bool(codings) or path.suffix not in COMPRESSIBLE
    stat, content = path.stat(), path.read_bytes()
    return Asset(path, content, stat, codings if is_done else None)
