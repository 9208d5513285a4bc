"""A real daemon behind nginx, HAProxy and stunnel, as Debian has them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import trio

from tests.live.daemon import PATIENCE_S, Daemon, person, running
from tests.live.proxies import checked, free_ports, haproxy, nginx, stunnel
from tests.net.secret import client_context, write_pair

HERE = Path(__file__).parent
CLIENT = "127.0.0.9"
"""An address of this machine that is no proxy's."""
BELIEVED = {"CHATD_SERVER__TRUSTED_PROXIES": '["127.0.0.1"]'}
PASSED_ON = {**BELIEVED, "CHATD_SERVER__PROXY_PROTOCOL": "true"}
WELL = {"check_status": "L7OK", "check_code": "200"}
"""What HAProxy tells of a server that has answered its health check."""


def ended(daemon: Daemon) -> list[str]:
    """Whose each connection was that has ended."""
    return re.findall(r"connection ended .*? address=(\S+)", daemon.log_text())


async def until_ended(daemon: Daemon) -> list[str]:
    """Wait until a connection has ended; whose it was."""
    with trio.fail_after(PATIENCE_S):
        while not (found := ended(daemon)):  # noqa: ASYNC110 - of its log
            await trio.sleep(0.01)
    return found


def warnings(daemon: Daemon) -> list[str]:
    """What the operator was told."""
    lines = daemon.log_text().splitlines()
    return [line for line in lines if " warning " in line]


async def visit(url: str, **options: Any) -> None:
    """Come in from the client's address, say a word and leave."""
    async with person(url, local_address=CLIENT, **options) as ann:
        await ann.hello(name="ann")
        await ann.ask(type="join", room="lobby")
        assert (await ann.ask(type="send", room="lobby", text="hi"))["type"] == "ok"
        await ann.ask(type="logout")


async def test_nginx_passes_bytes_on(tmp_path: Path) -> None:
    """Its stream module writes version 1 of the PROXY protocol."""
    async with running(tmp_path / "data", env=PASSED_ON) as daemon:
        (port,) = free_ports(1)
        config = (
            f"stream {{ server {{ listen 127.0.0.1:{port};"
            f" proxy_pass 127.0.0.1:{daemon.port}; proxy_protocol on; }} }}"
        )
        async with nginx(tmp_path, config, [port]):
            await visit(f"ws://127.0.0.1:{port}/ws")
            answer = await daemon.get(port, "/readyz")
    assert answer == b"ready\n"
    assert ended(daemon) == [CLIENT]
    assert warnings(daemon) == []


async def test_haproxy_passes_bytes_on(tmp_path: Path) -> None:
    """With both versions; its health checks, which speak for itself, are answered."""
    async with running(tmp_path / "data", env=PASSED_ON) as daemon:
        ports = free_ports(2)
        config = "".join(
            f"listen v{version}\n mode tcp\n bind 127.0.0.1:{port}\n option httpchk\n"
            f" server s{version} 127.0.0.1:{daemon.port} check inter 50ms {how}\n"
            for version, port, how in zip(
                (1, 2), ports, ("send-proxy", "send-proxy-v2"), strict=True
            )
        )
        async with haproxy(tmp_path, config, ports) as stats:
            for port in ports:
                await visit(f"ws://127.0.0.1:{port}/ws")
            await checked(stats, "s1", **WELL)
            await checked(stats, "s2", **WELL)
    assert ended(daemon) == [CLIENT, CLIENT]
    assert warnings(daemon) == []


async def test_haproxy_reads_what_it_passes_on(tmp_path: Path) -> None:
    """Its health check as it is by default, OPTIONS by HTTP/1.0, a path, a header."""
    env = {**BELIEVED, "CHATD_SERVER__PUBLIC_URL": "https://chat.example.org/chat"}
    async with running(tmp_path / "data", env=env) as daemon:
        (port,) = free_ports(1)
        config = (
            f"listen http\n mode http\n bind 127.0.0.1:{port}\n option httpchk\n"
            " option forwardfor\n timeout tunnel 1h\n"
            f" server s 127.0.0.1:{daemon.port} check inter 50ms\n"
        )
        async with haproxy(tmp_path, config, [port]) as stats:
            await visit(f"ws://127.0.0.1:{port}/chat/ws")
            await checked(stats, "s", **WELL)
    assert ended(daemon) == [CLIENT]
    assert warnings(daemon) == []


async def test_a_health_check_without_a_head_is_told_to_the_operator(
    tmp_path: Path,
) -> None:
    """HAProxy's `check` with another port's settings: it is down, and why is said."""
    async with running(tmp_path / "data", env=PASSED_ON) as daemon:
        (port,) = free_ports(1)
        config = (
            f"listen bare\n mode tcp\n bind 127.0.0.1:{port}\n option httpchk\n"
            f" server s 127.0.0.1:{daemon.port} check inter 20ms\n"
        )
        async with haproxy(tmp_path, config, [port]) as stats:
            await checked(stats, "s", status="DOWN")
            await daemon.said("PROXY head")
    (line,) = warnings(daemon)
    assert "PROXY head" in line
    assert "proxy=127.0.0.1" in line
    assert "setting=server.proxy_protocol" in line


async def test_stunnel_takes_tls_off(tmp_path: Path) -> None:
    """It writes version 1 of the PROXY protocol, before what it has decrypted."""
    async with running(tmp_path / "data", env=PASSED_ON) as daemon:
        (port,) = free_ports(1)
        cert, key = write_pair(tmp_path)
        config = (
            f"[chat]\naccept = 127.0.0.1:{port}\nconnect = 127.0.0.1:{daemon.port}\n"
            f"cert = {cert}\nkey = {key}\nprotocol = proxy\n"
        )
        async with stunnel(tmp_path, config, [port]):
            await visit(f"wss://127.0.0.1:{port}/ws", ssl=client_context())
    assert ended(daemon) == [CLIENT]
    assert warnings(daemon) == []


UPGRADING = (
    "proxy_http_version 1.1; proxy_set_header Host $host;"
    " proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade;"
    " proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;"
)


def web(directory: Path, port: int, locations: str) -> str:
    """A web server of nginx, whose files are in its directory."""
    temporary = "".join(
        f"{kind}_temp_path {directory}/{kind};"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    return (
        f"http {{ {temporary} access_log off;"
        f" server {{ listen 127.0.0.1:{port}; {locations} }} }}"
    )


async def test_nginx_with_a_path(tmp_path: Path) -> None:
    """Whether it leaves the path as it is, takes it away, or doubles a slash; and both
    of node's clients come in, by the origin of a packaged app.
    """
    env = {
        **BELIEVED,
        "CHATD_SERVER__PUBLIC_URL": "https://chat.example.org/chat",
        "CHATD_SERVER__ALLOWED_ORIGINS": '["capacitor://localhost"]',
    }
    async with running(tmp_path / "data", env=env) as daemon:
        (port,) = free_ports(1)
        inner = f"proxy_pass http://127.0.0.1:{daemon.port}"
        locations = (
            f"location /chat/ {{ {UPGRADING} {inner}; }}"
            f" location /stripped/ {{ {UPGRADING} {inner}/; }}"
            f" location /doubled {{ {UPGRADING} {inner}/; }}"
        )
        urls = [
            f"ws://127.0.0.1:{port}/{path}/ws"
            for path in ("chat", "stripped", "doubled", "chat/")
        ]
        async with nginx(tmp_path, web(tmp_path, port, locations), [port]):
            for url in urls:
                await visit(url, origin="https://chat.example.org")
            assert b"app.mjs" in await daemon.get(port, "/chat/")
            assert await daemon.get(port, "/stripped/healthz") == b"ok\n"
            with trio.fail_after(PATIENCE_S):
                done = await trio.run_process(
                    [
                        "node",
                        str(HERE.parent / "foreign" / "doors.js"),
                        "capacitor://localhost",
                        *urls,
                    ],
                    capture_stdout=True,
                    capture_stderr=True,
                    check=False,
                )
            assert done.returncode == 0, done.stderr.decode()
    assert ended(daemon)[:4] == [CLIENT] * 4
    assert warnings(daemon) == []


async def test_what_is_wrong_with_a_proxy_is_said(tmp_path: Path) -> None:
    """One line each, however often it is tried: Upgrade that is not passed on, a path
    that differs, an origin that is not listed, TLS where none is spoken.
    """
    async with running(tmp_path / "data", env=BELIEVED) as daemon:
        (port,) = free_ports(1)
        inner = f"proxy_pass http://127.0.0.1:{daemon.port}"
        locations = (
            f"location / {{ {UPGRADING} {inner}; }}"
            f" location = /ws {{ {inner}; }}"
            f" location /tls/ {{ {UPGRADING} {inner.replace('http:', 'https:')}/; }}"
        )
        tries: list[tuple[str, dict[str, Any]]] = [
            ("/ws", {}),
            ("/chat/ws", {}),
            ("/ws/", {"origin": "https://other.example"}),
            ("/tls/ws", {}),
        ]
        async with nginx(tmp_path, web(tmp_path, port, locations), [port]):
            for path, options in tries * 3:
                with pytest.raises(Exception, match=r"HTTP [45]\d\d"):
                    await visit(f"ws://127.0.0.1:{port}{path}", **options)
    upgrade, path_line, origin, tls = warnings(daemon)
    assert "does not pass them on address=127.0.0.1" in upgrade
    assert "path=/chat/ws setting=server.public_url" in path_line
    assert "origin=https://other.example setting=server.allowed_origins" in origin
    assert f"listening=127.0.0.1:{daemon.port} setting=server.tls_cert" in tls
