"""The application: its routes, and how it refuses.

Starlette has the routes, the ranges, the forms and the streams. What it refuses looks
as what the front refuses: one line, or a page for a person. The header fields that all
answers have are added by the bridge (`chatd.net.asgi`), so that none can be without.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import NoReturn

import attrs
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route

from chatd.net.answer import refused
from chatd.net.asgi import BUG
from chatd.net.head import Refusal, wants_page
from chatd.web.static import EACH_TIME, Assets
from chatd.web.tree import Tree

_METHODS = ["GET", "HEAD", "OPTIONS"]
_TEXTS = {404: "nothing is here", 405: "this is not done here"}
OTHER_VERSION = "this is of another version of the page; load the page again"


def application(tree: Tree) -> Starlette:
    """Make the application that serves a page.

    Args:
        tree: The page's files.
    """
    assets = Assets(tree)

    async def index(request: Request) -> Response:
        if request.method == "OPTIONS":
            return Response(headers={"allow": ", ".join(_METHODS)})
        return await assets.answer(tree.index, request, EACH_TIME)

    async def other_version(_request: Request) -> NoReturn:
        raise HTTPException(404, OTHER_VERSION)

    app = Starlette(
        routes=[
            Route("/", index, methods=_METHODS),
            Mount(f"/_/{tree.version}", assets),
            Route("/_/{rest:path}", other_version, methods=_METHODS),
        ],
        exception_handlers={HTTPException: _refuse, Exception: _tell_bug},
    )
    # A redirect of its own names a scheme and a host, which only a proxy knows.
    app.router.redirect_slashes = False
    return app


async def _refuse(request: Request, error: Exception) -> Response:
    """Answer what a route has refused."""
    assert isinstance(error, HTTPException)
    status, text = error.status_code, error.detail
    if text == HTTPStatus(status).phrase:
        # It has said no more than the status does.
        text = _TEXTS.get(status, text.lower())
    return _refused(
        request, Refusal(status, text, tuple((error.headers or {}).items()))
    )


async def _tell_bug(request: Request, _error: Exception) -> Response:
    """Answer for a route that has failed; whoever runs the daemon is told elsewhere."""
    return _refused(request, attrs.evolve(BUG, headers=(("Connection", "close"),)))


def _refused(request: Request, refusal: Refusal) -> Response:
    answer = refused(refusal, page=wants_page(request.headers.raw))
    headers = {**dict(answer.headers), "content-type": answer.content_type}
    return Response(answer.body, answer.status, headers)
