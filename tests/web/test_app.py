from __future__ import annotations

import gzip
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email import message_from_bytes
from pathlib import Path
from urllib.parse import urljoin

import attrs
import brotli
import pytest
import trio
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from chatd.net.answer import CONTENT_POLICY
from chatd.web.app import OTHER_VERSION, application
from chatd.web.static import FOREVER
from chatd.web.tree import Tree, read_tree
from tests.net.asgi import http_config
from tests.net.edge import Edge, edge
from tests.net.test_http import fields, status
from tests.web.tree import LIBRARY, STYLE, write_page


@attrs.frozen
class Pages:
    """A server with a small page."""

    edge: Edge
    tree: Tree
    prefix: str

    async def ask(self, path: str, *headers: str, method: str = "GET") -> bytes:
        """Ask for something, on a connection of its own."""
        lines = (f"{method} {path} HTTP/1.1", "Host: a", "Connection: close", *headers)
        return await self.edge.ask("\r\n".join((*lines, "", "")))

    def below(self, name: str) -> str:
        """The path of a file of the version that is served."""
        return f"{self.prefix}_/{self.tree.version}/{name}"


@asynccontextmanager
async def serving(root: Path, prefix: str = "/") -> AsyncIterator[Pages]:
    """Serve a small page."""
    write_page(root)
    tree = read_tree(root)
    http = http_config(application(tree))
    http.prefix = prefix
    async with edge(http=http) as server:
        yield Pages(server, tree, f"{prefix.rstrip('/')}/")
        assert server.watcher.bugs == []


def content(answer: bytes) -> bytes:
    """What stands behind the head of a response."""
    return answer.partition(b"\r\n\r\n")[2]


STYLE_PATH = "page/app.css"


async def test_the_page_is_asked_for_each_time(tmp_path: Path) -> None:
    """It names its version's files, and is 304 as long as it is the same."""
    async with serving(tmp_path) as pages:
        answer = await pages.ask("/")
        assert status(answer) == 200
        assert fields(answer, "content-type") == ["text/html; charset=utf-8"]
        assert fields(answer, "cache-control") == ["no-cache"]
        assert fields(answer, "vary") == ["accept-encoding"]
        assert fields(answer, "accept-ranges") == ["none"]
        assert fields(answer, "content-security-policy") == [CONTENT_POLICY]
        version = pages.tree.version
        assert f'href="_/{version}/page/app.css"'.encode() in answer
        assert f'rel="modulepreload" href="_/{version}/vendor/lib.mjs"'.encode() in (
            answer
        )
        (tag,) = fields(answer, "etag")
        for known in (tag, f"W/{tag}", f'"x", {tag}', "*"):
            same = await pages.ask("/", f"If-None-Match: {known}")
            assert status(same) == 304, known
            assert content(same) == b""
            assert fields(same, "etag") == [tag]
            assert fields(same, "cache-control") == ["no-cache"]
            assert fields(same, "content-length") == []
        assert status(await pages.ask("/", 'If-None-Match: "x"')) == 200


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("page/app.css", "text/css; charset=utf-8"),
        ("page/app.mjs", "text/javascript; charset=utf-8"),
        ("vendor/lib.mjs", "text/javascript; charset=utf-8"),
    ],
)
async def test_a_file_of_a_version_is_kept_for_ever(
    tmp_path: Path, name: str, kind: str
) -> None:
    """Another content has another address."""
    assert FOREVER.endswith(", immutable")
    async with serving(tmp_path) as pages:
        answer = await pages.ask(pages.below(name))
        assert status(answer) == 200
        assert fields(answer, "content-type") == [kind]
        assert fields(answer, "cache-control") == [
            "public, max-age=31536000, immutable"
        ]
        assert fields(answer, "x-content-type-options") == ["nosniff"]
        assert content(answer) == (tmp_path / name).read_bytes()
        assert fields(answer, "service-worker-allowed") == []


@pytest.mark.parametrize("prefix", ["/", "/chat"])
async def test_the_worker_may_answer_for_the_page(tmp_path: Path, prefix: str) -> None:
    """And for no more: relative to its own address, so wherever a proxy has it."""
    async with serving(tmp_path, prefix) as pages:
        path = pages.below("page/worker.mjs")
        answer = await pages.ask(path, "Service-Worker: script")
        assert status(answer) == 200
        assert fields(answer, "content-type") == ["text/javascript; charset=utf-8"]
        (scope,) = fields(answer, "service-worker-allowed")
        assert urljoin(path, scope) == pages.prefix
        (tag,) = fields(answer, "etag")
        same = await pages.ask(path, f"If-None-Match: {tag}")
        assert status(same) == 304
        assert fields(same, "service-worker-allowed") == [scope]


async def test_all_files_are_had_by_one_request(tmp_path: Path) -> None:
    """Each with its name and its type, as it is had alone; compressed, and for ever."""
    async with serving(tmp_path) as pages:
        answer = await pages.ask(pages.below("all"), "Accept-Encoding: br")
        assert status(answer) == 200
        assert fields(answer, "cache-control") == [FOREVER]
        assert fields(answer, "content-encoding") == ["br"]
        (kind,) = fields(answer, "content-type")
        body = brotli.decompress(content(answer))
        form = message_from_bytes(f"Content-Type: {kind}\r\n\r\n".encode() + body)
        _, *parts = form.walk()
        assert [
            (
                part.get_param("name", header="content-disposition"),
                part["Content-Type"],
                part.get_payload(decode=True),
            )
            for part in parts
        ] == [
            (name, asset.kind, asset.content)
            for name, asset in pages.tree.assets.items()
        ]


async def test_each_coding_is_a_representation(tmp_path: Path) -> None:
    """With a length and a tag of its own; HEAD has the head of GET."""
    async with serving(tmp_path) as pages:
        path, tags = pages.below(STYLE_PATH), set()
        for accepted, coding, decode in (
            ("br, gzip", "br", brotli.decompress),
            ("gzip", "gzip", gzip.decompress),
            ("identity", None, bytes),
        ):
            answer = await pages.ask(path, f"Accept-Encoding: {accepted}")
            assert fields(answer, "content-encoding") == [coding] * bool(coding)
            assert fields(answer, "content-length") == [str(len(content(answer)))]
            assert decode(content(answer)) == STYLE.encode()
            head = await pages.ask(path, f"Accept-Encoding: {accepted}", method="HEAD")
            dates = fields(head, "date") + fields(answer, "date")
            assert len(dates) == 2
            assert head.replace(dates[0].encode(), dates[1].encode()) == (
                answer.removesuffix(content(answer))
            )
            (tag,) = fields(answer, "etag")
            same = await pages.ask(
                path, f"Accept-Encoding: {accepted}", f"If-None-Match: {tag}"
            )
            assert status(same) == 304
            tags.add(tag)
        assert len(tags) == 3


@pytest.mark.parametrize(
    ("asked", "expected", "part"),
    [
        ("bytes=0-9", 206, slice(0, 10)),
        ("bytes=10-", 206, slice(10, None)),
        ("bytes=-5", 206, slice(-5, None)),
        ("Bytes=0-0", 206, slice(0, 1)),
        ("bytes=0-999999", 206, slice(0, None)),
        ("bytes=999999-", 416, None),
        ("items=0-9", 200, slice(0, None)),
        ("nonsense", 200, slice(0, None)),
        ("bytes=" + ",".join(["0-1"] * 200), 200, slice(0, None)),
    ],
)
async def test_a_part_is_of_the_file_as_it_is(
    tmp_path: Path, asked: str, expected: int, part: slice | None
) -> None:
    """Whatever codings the client takes; what is not understood is ignored."""
    async with serving(tmp_path) as pages:
        answer = await pages.ask(
            pages.below(STYLE_PATH), f"Range: {asked}", "Accept-Encoding: br"
        )
        assert status(answer) == expected
        if part is None:
            assert fields(answer, "content-range") == [f"bytes */{len(STYLE)}"]
        elif expected == 206:
            data = STYLE.encode()[part]
            start = STYLE.encode().index(data) if len(data) > 20 else None
            assert content(answer) == data
            assert fields(answer, "content-encoding") == []
            (where,) = fields(answer, "content-range")
            assert where.endswith(f"/{len(STYLE)}")
            assert start is None or where.startswith(f"bytes {start}-")
        else:
            packed = fields(answer, "content-encoding") == ["br"]
            data = content(answer)
            assert (brotli.decompress(data) if packed else data) == STYLE.encode()


async def test_parts_of_another_content_are_none(tmp_path: Path) -> None:
    """`If-Range` with another tag gets all; HEAD has no parts; nor has a file that was
    replaced since it was read, whose old content is served.
    """
    async with serving(tmp_path) as pages:
        path = pages.below(STYLE_PATH)
        (tag,) = fields(await pages.ask(path), "etag")
        part = ("Range: bytes=0-9", f"If-Range: {tag}")
        assert status(await pages.ask(path, *part)) == 206
        assert status(await pages.ask(path, part[0], 'If-Range: "x"')) == 200
        assert status(await pages.ask(path, *part, method="HEAD")) == 200
        new = tmp_path / "new"
        new.write_text("another")
        shutil.move(new, tmp_path / STYLE_PATH)
        answer = await pages.ask(path, *part)
        assert status(answer) == 200
        assert content(answer) == STYLE.encode()


async def test_versions_never_mix(tmp_path: Path) -> None:
    """What an old page loads late is refused and kept by nobody: it says why."""
    async with serving(tmp_path) as pages:
        for path in (
            "/_/0123456789abcdef0123/page/app.mjs",
            "/_/x",
            f"/_/{pages.tree.version}x/page/app.mjs",
        ):
            answer = await pages.ask(path)
            assert status(answer) == 404
            assert fields(answer, "cache-control") == ["no-store"]
            assert content(answer) == f"{OTHER_VERSION}\n".encode()


@pytest.mark.parametrize(
    "path",
    [
        "/page/app.css",
        "/_/{}/page/none.css",
        "/_/{}/page/index.html",
        "/_/{}/page/app.css.br",
        "/_/{}/page",
        "/_/{}/",
        "/_/{}/../../app.py",
        "/_/{}/page/%2e%2e/%2e%2e/app.py",
        "/_/{}/..%2fapp.py",
        "/_/{}/page/..%5c..%5capp.py",
        "/_/{}//etc/passwd",
        "/_/{}/%2fetc/passwd",
        "/_/{}/page/app.css%00",
        "/_/{}/" + "x/" * 2000,
        "/_/{}/" + "%ff" * 300,
        "/favicon.ico",
        "/.git/config",
    ],
)
async def test_nothing_else_is_served(tmp_path: Path, path: str) -> None:
    """No file beside the page's, however it is spelled."""
    async with serving(tmp_path) as pages:
        answer = await pages.ask(path.format(pages.tree.version))
        assert status(answer) == 404
        assert fields(answer, "cache-control") == ["no-store"]
        assert fields(answer, "content-security-policy") == [CONTENT_POLICY]


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
async def test_nothing_is_done_by_other_methods(tmp_path: Path, method: str) -> None:
    """405, and what is allowed; OPTIONS says it as well."""
    async with serving(tmp_path) as pages:
        for path, allowed in (
            ("/", "GET, HEAD, OPTIONS"),
            (pages.below(STYLE_PATH), "GET, HEAD"),
        ):
            answer = await pages.ask(path, method=method)
            assert status(answer) == 405
            (said,) = fields(answer, "allow")
            assert set(said.split(", ")) == set(allowed.split(", "))
        answer = await pages.ask("/", method="OPTIONS")
        assert (status(answer), content(answer)) == (200, b"")


async def test_a_refusal_is_a_page_for_a_person(tmp_path: Path) -> None:
    """It loads nothing; everybody else gets one line."""
    async with serving(tmp_path) as pages:
        answer = await pages.ask("/x<b>", "Accept: text/html,*/*;q=0.8")
        assert status(answer) == 404
        assert fields(answer, "content-type") == ["text/html; charset=utf-8"]
        assert b"<h1>404 Not Found</h1>\n<p>Nothing is here.</p>" in answer
        for nothing in (b"<script", b"<style", b"<link", b"style=", b"<b>"):
            assert nothing not in content(answer)
        line = await pages.ask("/x", "Accept: */*")
        assert content(line) == b"nothing is here\n"


@pytest.mark.parametrize("stripped", [False, True])
async def test_it_is_found_below_a_path(tmp_path: Path, *, stripped: bool) -> None:
    """Whether a proxy takes the path away or not, by the same relative names."""
    async with serving(tmp_path, "/chat") as pages:
        root = "/" if stripped else "/chat/"
        answer = await pages.ask(root)
        assert status(answer) == 200
        name = f"_/{pages.tree.version}/page/app.css"
        assert f'href="{name}"'.encode() in answer
        assert content(await pages.ask(root + name)) == STYLE.encode()
        bare = await pages.ask("/chat")
        assert status(bare) == 308
        assert fields(bare, "location") == ["chat/"]


async def test_many_at_once_get_the_same(tmp_path: Path) -> None:
    """Though it is compressed only once."""
    async with serving(tmp_path) as pages:
        path, answers = pages.below("vendor/lib.mjs"), []

        async def ask() -> None:
            answers.append(content(await pages.ask(path)))

        async with trio.open_nursery() as nursery:
            for _ in range(20):
                nursery.start_soon(ask)
        assert answers == [LIBRARY.encode()] * 20


def failing(tree: Tree) -> Starlette:
    """The application with a route that has a bug, and one that refuses."""
    app = application(tree)

    async def bug(_request: Request) -> Response:
        raise LookupError("a bug")

    async def refuses(_request: Request) -> Response:
        raise HTTPException(409)

    async def works(_request: Request) -> Response:
        return PlainTextResponse("works")

    app.router.routes[:0] = [
        Route("/bug", bug),
        Route("/refuses", refuses),
        Route("/works", works),
    ]
    return app


async def test_a_bug_of_a_route_is_told_once(tmp_path: Path) -> None:
    """500 for whoever asked, one line for the operator, nothing for anybody else."""
    write_page(tmp_path)
    async with edge(http=http_config(failing(read_tree(tmp_path)))) as server:
        pages = Pages(server, read_tree(tmp_path), "/")
        answer = await pages.ask("/bug")
        assert status(answer) == 500
        assert content(answer) == b"a bug was met here, and noted\n"
        assert fields(answer, "content-security-policy") == [CONTENT_POLICY]
        assert len(server.watcher.bugs) == 1
        page = await pages.ask("/bug", "Accept: text/html")
        assert b"<h1>500 Internal Server Error</h1>" in page
        assert content(await pages.ask("/refuses")) == b"conflict\n"
        assert content(await pages.ask("/works")) == b"works"
        assert len(server.watcher.bugs) == 2
