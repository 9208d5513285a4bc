"""Probes over plain HTTP: `/healthz`, `/readyz` and `/metrics`.

`/healthz` says that the loop runs, `/readyz` that a message could be stored at this
moment: a supervisor asks the first before it restarts the process, a proxy the second
before it sends clients here. All other paths are the application's (`chatd.web`).
"""

from __future__ import annotations

from chatd.hub import Hub
from chatd.hub.clock import SUSPENDED, spell
from chatd.net.answer import PLAIN_TEXT, Response
from chatd.net.routing import Route
from chatd.observe import Metrics

PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"


def public_routes(hub: Hub) -> dict[str, Route]:
    """The routes of the listener for clients."""

    def healthz(_method: str) -> Response:
        return Response(200, PLAIN_TEXT, b"ok\n")

    def readyz(_method: str) -> Response:
        if not hub.is_ready:
            return Response(503, PLAIN_TEXT, b"not ready: the store does not answer\n")
        if not hub.has_space:
            return Response(
                503, PLAIN_TEXT, b"not ready: the store has no space left\n"
            )
        doubts = f"ready\n{_doubt(hub)}{_degraded(hub)}"
        return Response(200, PLAIN_TEXT, doubts.encode())

    return {"/healthz": healthz, "/readyz": readyz}


def _doubt(hub: Hub) -> str:
    """What is wrong with the clock, if anything is: a restart would not mend it."""
    clock = hub.clock
    if clock.doubt is None:
        return ""
    return f"the clock has jumped by {spell(clock.off_ms)}: {SUSPENDED}\n"


def _degraded(hub: Hub) -> str:
    """What one of several nodes is without: nobody is sent to another for it."""
    if hub.cluster is None:
        return ""
    said = ""
    if hub.cluster.is_mute:
        said = "degraded: the database takes nothing, so nobody can write here\n"
    if not hub.cluster.is_up:
        said += "degraded: the bus is away, so other nodes are heard once a second\n"
    return said


def metrics_routes(metrics: Metrics) -> dict[str, Route]:
    """The routes of the listener for monitoring."""

    def numbers(_method: str) -> Response:
        return Response(200, PROMETHEUS, metrics.text())

    return {"/metrics": numbers}
