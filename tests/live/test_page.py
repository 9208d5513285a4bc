"""The page as a browser gets it: from a real daemon, and through Debian's proxies."""

from __future__ import annotations

import re
import signal
import urllib.error
import urllib.request
from contextlib import AbstractAsyncContextManager
from email.message import Message
from pathlib import Path
from urllib.parse import urljoin

import attrs
import brotli
import pytest
import trio

from tests.live.daemon import PATIENCE_S, person, running
from tests.live.proxies import caddy, free_ports, haproxy, nginx
from tests.live.test_proxies import BELIEVED, UPGRADING, warnings, web

_NAMED = re.compile(r'(?:href|src)="(_/[^"]+)"')


@attrs.frozen
class Answer:
    """What came for a request."""

    status: int
    headers: Message
    body: bytes = attrs.field(repr=False)

    @property
    def content(self) -> bytes:
        """As it was before it was compressed."""
        packed = self.headers["Content-Encoding"] == "br"
        return brotli.decompress(self.body) if packed else self.body


def _ask(url: str, headers: dict[str, str]) -> Answer:
    asked = urllib.request.Request(url, headers=headers)  # noqa: S310 - it is http:
    try:
        with urllib.request.urlopen(asked, timeout=PATIENCE_S) as answer:  # noqa: S310
            return Answer(answer.status, answer.headers, answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, error.headers, error.read())


async def ask(url: str, **headers: str) -> Answer:
    """Ask for something, with header fields."""
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return await trio.to_thread.run_sync(_ask, url, named)


async def visit(root: str) -> None:
    """Load the page and all that it names, then talk: as a browser does."""
    page = await ask(root, Accept_Encoding="gzip, br")
    assert page.status == 200
    assert page.headers["Cache-Control"] == "no-cache"
    assert "script-src 'self'" in page.headers["Content-Security-Policy"]
    names = _NAMED.findall(page.content.decode())
    assert any(name.endswith("/page/app.mjs") for name in names)
    for name in names:
        file = await ask(root + name, Accept_Encoding="br")
        assert file.status == 200, name
        assert "immutable" in file.headers["Cache-Control"]
        assert file.content
    style = next(root + name for name in names if name.endswith(".css"))
    whole = await ask(style)
    part = await ask(style, Range="bytes=5-14")
    assert (part.status, part.body) == (206, whole.body[5:15])
    same = await ask(style, If_None_Match=whole.headers["ETag"])
    assert (same.status, same.body) == (304, b"")
    address = style.replace("app.css", "worker.mjs")
    worker = await ask(address, Service_Worker="script")
    assert urljoin(address, worker.headers["Service-Worker-Allowed"]) == root
    other = await ask(re.sub(r"/_/\w+/", "/_/0/", style))
    assert (other.status, other.headers["Cache-Control"]) == (404, "no-store")
    async with person(f"{root.replace('http', 'ws', 1)}ws") as ann:
        welcome = await ann.hello(name="ann")
        assert f"/{welcome['page']}/" in style
        await ann.ask(type="logout")


async def test_it_comes_from_the_daemon_itself(tmp_path: Path) -> None:
    """By the address alone, and the daemon says nothing of it in its log."""
    async with running(tmp_path / "data") as daemon:
        await visit(f"http://127.0.0.1:{daemon.port}/")
        assert warnings(daemon) == []


@pytest.mark.parametrize("name", ["nginx", "haproxy", "caddy"])
async def test_it_comes_through_a_proxy(tmp_path: Path, name: str) -> None:
    """Below a path: left as it is, and, where the proxy can, taken away."""
    env = {**BELIEVED, "CHATD_SERVER__PUBLIC_URL": "https://chat.example.org/chat/"}
    async with running(tmp_path / "data", env=env) as daemon:
        (port,) = free_ports(1)
        here, inner = f"127.0.0.1:{port}", f"127.0.0.1:{daemon.port}"
        proxy: AbstractAsyncContextManager[object]
        if name == "nginx":
            proxy = nginx(
                tmp_path,
                web(
                    tmp_path,
                    port,
                    f"location /chat/ {{ {UPGRADING} proxy_pass http://{inner}; }}"
                    f" location /taken/ {{ {UPGRADING} proxy_pass http://{inner}/; }}",
                ),
                [port],
            )
        elif name == "caddy":
            proxy = caddy(
                tmp_path,
                f"http://{here} {{\n handle_path /taken/* {{\n reverse_proxy {inner}\n"
                f" }}\n handle {{\n reverse_proxy {inner}\n }}\n}}\n",
                [port],
            )
        else:
            proxy = haproxy(
                tmp_path,
                f"listen http\n mode http\n bind {here}\n option forwardfor\n"
                " timeout tunnel 1h\n http-request replace-path /taken/(.*) /\\1\n"
                f" server s {inner}\n",
                [port],
            )
        async with proxy:
            for path in ("chat", "taken"):
                await visit(f"http://{here}/{path}/")
            bare = await ask(f"http://{here}/chat")
            assert _NAMED.search(bare.content.decode()), "it was redirected below"
        assert warnings(daemon) == []


async def test_who_loads_the_page_while_the_daemon_drains(tmp_path: Path) -> None:
    """Is answered, or learns at once that nobody is there; the log has no error."""
    async with running(tmp_path / "data") as daemon:
        root = f"http://127.0.0.1:{daemon.port}/"
        assert (await ask(root)).status == 200
        daemon.signal(signal.SIGTERM)
        assert await daemon.wait() == 0
        with pytest.raises(urllib.error.URLError):
            await ask(root)
        assert " error " not in daemon.log_text()
