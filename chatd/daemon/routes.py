"""The few plain HTTP answers beside the WebSocket.

`/healthz` says that the process turns, `/readyz` that a message could be stored
at this moment: a proxy asks the first before it restarts, the second before it
sends people. `/` tells a browser what it has found.
"""

from __future__ import annotations

from html import escape

from chatd import __version__
from chatd.config import PublicUrl
from chatd.hub import Hub
from chatd.hub.clock import SUSPENDED, spell
from chatd.net.answer import Response
from chatd.net.http import Route
from chatd.observe import Metrics

SOMEWHERE = "ws://HOST:PORT/ws"
"""Where the WebSocket is as long as nobody has said so."""
TEXT = "text/plain; charset=utf-8"
PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"
HTML = "text/html; charset=utf-8"
PAGE_POLICY = (
    ("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'"),
    ("Referrer-Policy", "no-referrer"),
)
_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>chatd</title>
<style>
:root { color-scheme: light dark }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 40rem;
  margin: 2rem auto; padding: 0 1rem }
pre { overflow-x: auto }
</style>
<h1>chatd VERSION</h1>
<p>This is a chat daemon. It speaks JSON over a WebSocket at <code>SOCKET</code>,
and any WebSocket client will do. From a terminal:</p>
<pre>chatd connect SOCKET --room lobby</pre>
<p>or by hand, with <code>websocat SOCKET</code>, line by line:</p>
<pre>{"type":"hello","name":"ann"}
{"type":"join","room":"lobby"}
{"type":"send","room":"lobby","text":"hi"}</pre>
</html>
"""


def page_for(url: PublicUrl) -> bytes:
    """Make the page that tells a browser what it has found."""
    socket = escape(f"{url.replace('http', 'ws', 1)}/ws" if url else SOMEWHERE)
    return _PAGE.replace("VERSION", __version__).replace("SOCKET", socket).encode()


def public_routes(hub: Hub, url: PublicUrl) -> dict[str, Route]:
    """What everybody may ask."""
    content = page_for(url)

    def page(_method: str) -> Response:
        return Response(200, HTML, content, PAGE_POLICY)

    def healthz(_method: str) -> Response:
        return Response(200, TEXT, b"ok\n")

    def readyz(_method: str) -> Response:
        if not hub.is_ready:
            return Response(503, TEXT, b"not ready: the store does not answer\n")
        if not hub.has_space:
            return Response(503, TEXT, b"not ready: the store has no space left\n")
        return Response(200, TEXT, f"ready\n{_doubt(hub)}".encode())

    return {"/": page, "/healthz": healthz, "/readyz": readyz}


def _doubt(hub: Hub) -> str:
    """What is wrong with the clock, if anything is: a restart would not mend it."""
    clock = hub.clock
    if clock.doubt is None:
        return ""
    return f"the clock has jumped by {spell(clock.off_ms)}: {SUSPENDED}\n"


def metrics_routes(metrics: Metrics) -> dict[str, Route]:
    """What monitoring asks, on a listener of its own."""

    def numbers(_method: str) -> Response:
        return Response(200, PROMETHEUS, metrics.text())

    return {"/metrics": numbers}
