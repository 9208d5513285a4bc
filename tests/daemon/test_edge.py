"""What the edge makes of settings that change while it serves."""

from __future__ import annotations

from functools import partial

import attrs

from chatd.config import Config, Heartbeat, Limits, LiveConfig
from chatd.daemon.edge import adjust
from chatd.net.asgi import Gateway
from chatd.net.routing import HttpConfig
from tests.net.asgi import hello
from tests.net.echo_server import ROUTES
from tests.net.edge import edge


async def test_limits_that_change_are_in_force_without_a_restart() -> None:
    """Who is there stays, and keeps the limits with which he came."""
    live = LiveConfig(Config(limits=Limits(connections_max=2)))
    http = HttpConfig(routes=ROUTES, gateway=Gateway(app=hello))
    numbers = HttpConfig(routes={})
    async with edge(http=http) as server:
        live.follow(partial(adjust, server.listener, numbers))
        ann = await server.upgraded()
        live.replace(
            Config(
                limits=Limits(
                    connections_max=1,
                    frame_bytes=300,
                    requests_per_s=0.001,
                    requests_burst=1,
                    buffered_bytes=7,
                ),
                heartbeat=Heartbeat(interval_s=50, timeout_s=20),
            )
        )
        with ann.sock:
            assert b" 503 " in await server.ask("")
            (stream,) = server.host.outlets
            assert stream.limits.frame_bytes == Limits().frame_bytes
        limits = attrs.evolve(live.current.limits, connections_max=2)
        live.replace(attrs.evolve(live.current, limits=limits))
        bob = await server.upgraded()
        with bob.sock:
            stream = server.host.outlets[-1]
            assert stream.limits.frame_bytes == 300
            assert stream.limits.heartbeat_interval_s == 50
        request = "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        answers = [(await server.ask(request))[9:12] for _ in range(2)]
        assert answers == [b"200", b"429"]
        assert http.gateway is not None
        assert http.gateway.body_bytes == 300
        assert server.listener.budget.most == 7
        assert numbers.requests.burst == 1
