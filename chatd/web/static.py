"""The answers that the page's files are.

Those below the version's path never change, so a browser asks for each once; the page
itself is asked for each time, and answered 304 while it is the same. What is whole
comes from memory. A part, which nothing of the page asks for, comes from the file, as
long as that is the one that was read.

Source: RFC 9110 sections 8.8, 13 and 14; RFC 8246.
"""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.staticfiles import NotModifiedResponse, StaticFiles
from starlette.types import Scope

from chatd.web.coding import IDENTITY
from chatd.web.tree import BUNDLE, WORKER, Asset, Tree

FOREVER = "public, max-age=31536000, immutable"
"""For what is another URL when it changes."""
EACH_TIME = "no-cache"
"""For what is asked for again, and may be the same."""
_WORKER_SCOPE = ("Service-Worker-Allowed", "../../../")
"""That the page's worker may answer for the page: relative to its own address, so it is
right wherever a proxy has put it.

Source: Service Workers (W3C), appendix B.
"""


class Assets(StaticFiles):
    """The files below the version's path."""

    def __init__(self, tree: Tree) -> None:
        super().__init__(check_dir=False)
        self._assets = {**tree.assets, BUNDLE: tree.bundle}

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Answer with one of them. Cancellation: safe."""
        if scope["method"] not in ("GET", "HEAD"):
            raise HTTPException(405, headers={"Allow": "GET, HEAD"})
        asset = self._assets.get(path)
        if asset is None:
            raise HTTPException(404)
        answer = await self.answer(asset, Request(scope), FOREVER)
        if path == WORKER:
            name, root = _WORKER_SCOPE
            answer.headers[name] = root
        return answer

    async def answer(self, asset: Asset, request: Request, caching: str) -> Response:
        """Answer with a file: all of it, a part, or that it is still the same.

        Args:
            asset: The file.
            request: What is asked; GET or HEAD.
            caching: What the answer's `Cache-Control` says.

        Cancellation: safe.
        """
        asked = request.headers
        stat = await asset.stat_if_same() if _wants_part(request) else None
        accepted = asked.get("accept-encoding", "") if stat is None else IDENTITY
        coding, content = await asset.encoded(accepted)
        headers = {
            "accept-ranges": "bytes" if asset.stat else "none",
            "cache-control": caching,
            "etag": f'"{asset.digest}-{coding}"',
            "vary": "accept-encoding",
        }
        if coding != IDENTITY:
            headers["content-encoding"] = coding
        whole = Response(content, headers=headers, media_type=asset.kind)
        if self.is_not_modified(whole.headers, asked):
            return NotModifiedResponse(whole.headers)
        if stat is not None:
            return FileResponse(
                asset.path, headers=headers, media_type=asset.kind, stat_result=stat
            )
        return whole


def _wants_part(request: Request) -> bool:
    """Whether it is of a kind of which parts are served.

    Source: RFC 9110 section 14.2: what is not understood is ignored, and only GET has
    parts.
    """
    unit = request.headers.get("range", "").partition("=")[0]
    return request.method == "GET" and unit.strip().lower() == "bytes"
