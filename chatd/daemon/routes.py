"""The few plain HTTP answers beside the WebSocket.

`/healthz` says that the process turns, `/readyz` that a message could be stored
at this moment: a proxy asks the first before it restarts, the second before it
sends people. `/` tells a browser what it has found.
"""

from __future__ import annotations

from chatd import __version__
from chatd.hub import Hub
from chatd.net.http import Response, Route
from chatd.observe import Metrics

TEXT = "text/plain; charset=utf-8"
PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"
HTML = "text/html; charset=utf-8"
PAGE_POLICY = (
    ("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'"),
    ("Referrer-Policy", "no-referrer"),
)
PAGE = f"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>chatd</title>
<style>
:root {{ color-scheme: light dark }}
body {{ font: 1rem/1.5 system-ui, sans-serif; max-width: 40rem;
  margin: 2rem auto; padding: 0 1rem }}
pre {{ overflow-x: auto }}
</style>
<h1>chatd {__version__}</h1>
<p>This is a chat daemon. It speaks JSON over a WebSocket at <code>/ws</code>,
and any WebSocket client will do. From a terminal:</p>
<pre>chatd connect ws://HOST:PORT/ws --room lobby</pre>
<p>or by hand, with <code>websocat ws://HOST:PORT/ws</code>, line by line:</p>
<pre>{{"type":"hello","name":"ann"}}
{{"type":"join","room":"lobby"}}
{{"type":"send","room":"lobby","text":"hi"}}</pre>
</html>
"""


def public_routes(hub: Hub) -> dict[str, Route]:
    """What everybody may ask."""

    def page(_method: str) -> Response:
        return Response(200, HTML, PAGE.encode(), PAGE_POLICY)

    def healthz(_method: str) -> Response:
        return Response(200, TEXT, b"ok\n")

    def readyz(_method: str) -> Response:
        if not hub.is_ready:
            return Response(503, TEXT, b"not ready: the store does not answer\n")
        if not hub.has_space:
            return Response(503, TEXT, b"not ready: the store has no space left\n")
        return Response(200, TEXT, b"ready\n")

    return {"/": page, "/healthz": healthz, "/readyz": readyz}


def metrics_routes(metrics: Metrics) -> dict[str, Route]:
    """What monitoring asks, on a listener of its own."""

    def numbers(_method: str) -> Response:
        return Response(200, PROMETHEUS, metrics.text())

    return {"/metrics": numbers}
