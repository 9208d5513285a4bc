"""The edge, made of the settings at the start and adjusted whenever they change.

A connection keeps the limits with which it began. How many there may be, how fast they
come and what all of them may hold changes at once; open connections stay.
"""

from __future__ import annotations

import random
import ssl
from collections.abc import Callable
from functools import partial

from chatd.config import Config, LiveConfig, Server
from chatd.daemon.host import DaemonHost
from chatd.daemon.routes import metrics_routes, public_routes
from chatd.net.asgi import Gateway
from chatd.net.connection_limiter import ConnectionLimiter
from chatd.net.dialect import JsonDialect
from chatd.net.host import WebSocketLimits
from chatd.net.listener import Listener
from chatd.net.monitor import Monitor
from chatd.net.routing import HttpConfig
from chatd.web.tree import Tree


def gateway_of(tree: Tree) -> Gateway:
    """Make the gateway to the application, which serves all paths but the routes."""
    # Every other command of the terminal would load it for nothing.
    from chatd.web.app import application  # noqa: PLC0415

    return Gateway(app=application(tree))


def listeners_of(
    config: LiveConfig,
    host: DaemonHost,
    gateway: Gateway,
    tls: ssl.SSLContext | None,
    numbers: Callable[[], int],
) -> tuple[Listener, Monitor]:
    """Make the listener for clients, and the one for the metrics.

    Args:
        config: The settings in force.
        host: The host of the connections.
        gateway: What answers over HTTP.
        tls: The context of the listener for clients; None where it speaks plainly.
        numbers: Gives each connection its number.
    """
    http = HttpConfig(
        routes=public_routes(host.hub), gateway=gateway, address_path="/address"
    )
    listener = Listener(
        host=host,
        dialect=JsonDialect(config),
        limits=WebSocketLimits(),
        http=http,
        limiter=ConnectionLimiter(),
        observer=host,
        jitter=random.random,
        numbers=numbers,
        tls=tls,
        budget=gateway.budget,
    )
    if config.current.metrics.listen:
        host.metrics.text()  # imports now what the first scrape would wait for
    monitored = HttpConfig(routes=metrics_routes(host.metrics))
    config.follow(partial(adjust, listener, monitored))
    return listener, Monitor(http=monitored, observer=host)


def adjust(listener: Listener, numbers: HttpConfig, config: Config) -> None:
    """Have the edge go on with these settings.

    Args:
        listener: The one for clients.
        numbers: The HTTP settings of the listener for the metrics.
        config: What is in force now.
    """
    _adjust_access(listener, config.server)
    limits, heartbeat = config.limits, config.heartbeat
    listener.limits = WebSocketLimits(
        frame_bytes=limits.frame_bytes,
        commands_per_s=limits.commands_per_s,
        bytes_per_s=limits.bytes_per_s,
        bytes_burst=limits.bytes_burst,
        inflight_max=limits.inflight_max,
        outbox_soft_bytes=limits.outbox_soft_bytes,
        outbox_hard_bytes=limits.outbox_hard_bytes,
        write_timeout_s=limits.write_timeout_s,
        heartbeat_interval_s=heartbeat.interval_s,
        heartbeat_timeout_s=heartbeat.timeout_s,
    )
    listener.limiter.adjust(limits)
    listener.budget.most = limits.buffered_bytes
    if (gateway := listener.http.gateway) is not None:
        gateway.body_bytes = limits.frame_bytes
    for http in (listener.http, numbers):
        http.requests.adjust(limits.requests_per_s, limits.requests_burst)


def _adjust_access(listener: Listener, server: Server) -> None:
    """Have the edge believe those, and let those in, whom these settings name."""
    origins = list(server.allowed_origins)
    if server.public_origin is not None:
        origins.append(server.public_origin)
    http = listener.http
    http.allowed_origins = origins
    http.prefix = server.public_path
    http.trusted_proxies = server.trusted_proxies
    http.scheme = "https" if listener.tls else "http"
    listener.proxied = server.proxy_protocol
