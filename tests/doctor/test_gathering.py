"""How the doctor finds out: real files, real sockets, a `/proc` of the test's own."""

from __future__ import annotations

import json
import os
import secrets
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
import trio
from click.testing import CliRunner

from chatd.cli import main
from chatd.configfile import load
from chatd.doctor import gather
from chatd.doctor.facts import Answer, BetweenNodes, InForce
from chatd.doctor.outside import FORGED, ask_outside
from chatd.store.sqlite.files import create_database
from chatd.store.sqlite.lock import locked
from chatd.store.sqlite.survey import Survey, survey
from tests.live.daemon import running
from tests.live.proxies import free_ports, nginx
from tests.net import secret
from tests.valkey import server


def settings(data: Path, text: str = "") -> Path:
    """Write a configuration with a data directory."""
    file = data.parent / "chatd.toml"
    file.write_text(f'[store]\npath = "{data}"\n{text}')
    return file


# --- the machine ------------------------------------------------------------------


def test_a_place_without_data_has_no_database(tmp_path: Path) -> None:
    """And free space, that of the directory above it."""
    file = settings(tmp_path / "data")
    found = gather(load(file, {}).config, file, "")
    assert found.running is None
    assert found.data.free_bytes is not None
    assert (found.data.database_bytes, found.data.files) == (None, ())
    assert found.config_file == str(file)
    assert found.outside is None
    assert found.tls is None


def test_who_serves_the_data_is_found_by_its_lock(tmp_path: Path) -> None:
    """With its limit, as the kernel tells, and its configuration, as it says itself."""
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    create_database(data, "0" * 32)
    file = settings(data)
    with locked(data, serves=True):
        found = gather(load(file, {}).config, file, "")
        assert found.running is not None
        assert found.running.pid == os.getpid()
        assert found.running.files_max == found.files_max
        status = {"config": {"file": "/c.toml", "changed": True}}
        asked = gather(load(file, {}).config, file, status).running
        assert asked is not None
        assert asked.in_force == InForce("/c.toml", has_changed=True)
        nowhere = gather(load(file, {}).config, file, "", proc=tmp_path / "proc")
        assert nowhere.running is not None
        assert nowhere.running.files_max is None
        proc = tmp_path / "proc" / str(os.getpid())
        proc.mkdir(parents=True)
        (proc / "cmdline").write_text("chatd\0serve\0--listen\0systemd\0")
        (proc / "environ").write_text("HOME=/\0")
        (proc / "limits").write_text("Max open files      64      99   files\n")
        ours = gather(load(file, {}).config, file, "", proc=tmp_path / "proc").running
        assert ours is not None
        assert (ours.files_max, ours.at_systemd) == (64, True)
    assert gather(load(file, {}).config, file, "").running is None
    names = [Path(one.path).name for one in found.data.files]
    assert names[:2] == ["data", "chatd.db"]
    assert names[-1] == "chatd.lock"


@pytest.mark.parametrize(
    ("words", "environ", "listen", "at_systemd"),
    [
        ("--listen systemd", "", "127.0.0.1:1", True),
        ("--listen=systemd", "", "127.0.0.1:1", True),
        ("--listen [::1]:2 --listen systemd", "", "127.0.0.1:1", True),
        ("--listen 127.0.0.1:2", "", "systemd", False),
        ("--data systemd", "", "127.0.0.1:1", False),
        ("", '["systemd"]', "127.0.0.1:1", True),
        ("", '["unix:/run/systemd/x"]', "systemd", False),
        ("", "", "systemd", True),
        ("", "", "127.0.0.1:1", False),
    ],
)
def test_where_a_daemon_listens_is_found_by_what_goes_first(
    tmp_path: Path, words: str, environ: str, listen: str, at_systemd: bool
) -> None:
    """An option, else the environment, else the file."""
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    file = settings(data, f'[server]\nlisten = ["{listen}"]\n')
    proc = tmp_path / "proc" / str(os.getpid())
    proc.mkdir(parents=True)
    said = ["chatd", "serve", *words.split()]
    (proc / "cmdline").write_bytes(b"".join(b"%s\0" % one.encode() for one in said))
    (proc / "limits").write_text("")
    value = f"CHATD_SERVER__LISTEN={environ}\0" if environ else ""
    (proc / "environ").write_text(f"HOME=/\0{value}")
    with locked(data, serves=True):
        found = gather(load(file, {}).config, file, "", proc=tmp_path / "proc").running
    assert found is not None
    assert found.at_systemd is at_systemd


def test_a_store_is_looked_at_and_left_as_it_was(tmp_path: Path) -> None:
    """Damage, a wrong file, one that is missing: each in the words of a start."""
    assert survey(tmp_path, 9) == Survey()
    create_database(tmp_path, "0" * 32)
    path = tmp_path / "chatd.db"
    found = survey(tmp_path, 9)
    assert (found.refused, found.unchecked) == (None, 0)
    assert found.database_bytes == path.stat().st_size
    assert survey(tmp_path, 0).unchecked > 0
    whole = path.read_bytes()
    damaged = whole[:8192] + secrets.token_bytes(60_000) + whole[68_192:]
    for content, said in ((damaged, "is damaged"), (b"x" * 200, "not a database")):
        path.write_bytes(content)
        found = survey(tmp_path, 9)
        assert found.refused is not None
        assert said in found.refused
        assert path.read_bytes() == content


def test_the_bus_is_gone_to(tmp_path: Path) -> None:
    """As the daemon does: it is there, or why not."""
    data, there = tmp_path / "data", server()
    for url, bus in (
        (there.url, BetweenNodes(str(there.path), f"valkey {there.version}")),
        (
            f"unix://{tmp_path}/none",
            BetweenNodes(
                f"{tmp_path}/none", fault="is not reached: No such file or directory"
            ),
        ),
    ):
        text = f'url = "postgresql:///chatd"\n[cluster]\nbus = "{url}"\n'
        file = settings(data, text)
        assert gather(load(file, {}).config, file, "").bus == bus


def test_a_certificate_is_judged(tmp_path: Path) -> None:
    """One that is sound, one for another host, one that is none."""
    cert, key = secret.write_pair(tmp_path)
    tls = f'[server]\ntls_cert = "{cert}"\ntls_key = "{key}"\n'
    file = settings(tmp_path / "data", tls)
    found = gather(load(file, {}).config, file, "").tls
    assert found is not None
    assert (found.problems, found.doubts) == ((), ())
    assert "localhost" in found.names
    Path(key).write_bytes(b"")
    found = gather(load(file, {}).config, file, "").tls
    assert found is not None
    assert "it is empty" in found.problems[0]


# --- requests ---------------------------------------------------------------------


class Liar(BaseHTTPRequestHandler):
    """A server that is no chatd, behind a proxy that believes everybody."""

    def do_GET(self) -> None:
        """Answer with what came."""
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.headers.get("X-Forwarded-For", "-").encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def liar() -> Iterator[int]:
    """Have one answer for a block."""
    with HTTPServer(("127.0.0.1", 0), Liar) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


def test_what_does_not_answer_says_why() -> None:
    """A name, a port, TLS where none is, a certificate that nobody trusts."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        closed = taken.getsockname()[1]
    for url, said in (
        ("https://no.such.name.invalid", "is no name that is known"),
        (f"http://127.0.0.1:{closed}", "Connection refused"),
    ):
        assert said in ask_outside(url, ()).health.error
    with liar() as port:
        assert (
            "no TLS there" in ask_outside(f"https://127.0.0.1:{port}", ()).health.error
        )
        found = ask_outside(f"http://127.0.0.1:{port}/a/", ())
        assert found.health == Answer(200, "-")
        assert found.address == Answer(200, FORGED)
        assert found.own_address == "127.0.0.1"


def examined(file: Path, *words: str) -> dict[str, list[dict[str, str]]]:
    """What `chatd doctor --json` says, by what it is about."""
    done = CliRunner().invoke(main, ["doctor", "-c", str(file), "--json", *words])
    assert done.exit_code in (0, 1), done.output
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    broken = any(line["level"] == "broken" for line in lines)
    assert done.exit_code == int(broken)
    found: dict[str, list[dict[str, str]]] = {}
    for line in lines:
        assert set(line) == {"check", "level", "text", "cure"}
        found.setdefault(line["check"], []).append(line)
    return found


FORWARDS = {
    "right": "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;",
    "silent": 'proxy_set_header X-Forwarded-For "";',
    "liar": "proxy_set_header X-Forwarded-For $http_x_forwarded_for;",
    "no upgrade": "",
}


@pytest.mark.parametrize("kind", FORWARDS)
async def test_a_proxy_is_tried_by_real_requests(tmp_path: Path, kind: str) -> None:
    """Its headers, and whether it passes on Upgrade; on an address of this machine
    that is none of its trusted proxies.
    """
    (port,) = free_ports(1)
    url = f"http://127.0.0.1:{port}"
    upgrade = "proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade;"
    upgrade += ' proxy_set_header Connection "upgrade";'
    config = (
        f"http {{ access_log off; server {{ listen 127.0.0.1:{port}; location / {{"
        " proxy_pass http://127.0.0.1:{chatd}; proxy_bind 127.0.0.2;"
        f" {'' if kind == 'no upgrade' else upgrade} proxy_set_header Host $host;"
        f" {FORWARDS[kind]} }} }} }}\n"
    )
    settings(
        tmp_path / "data",
        f'[server]\npublic_url = "{url}"\ntrusted_proxies = ["127.0.0.2"]\n',
    )
    file = tmp_path / "chatd.toml"
    async with running(tmp_path / "data", "-c", str(file)) as daemon:
        config = config.replace("{chatd}", str(daemon.port))
        async with nginx(tmp_path, config, [port]):
            found = await trio.to_thread.run_sync(examined, file)
    assert found["daemon"][0]["level"] == "ok"
    assert found["public url"][0]["text"] == f"{url} leads here"
    upgrades, proxy = found["public url"][1], found["proxy"][0]
    assert (upgrades["level"] == "ok") is (kind != "no upgrade")
    assert (proxy["level"] == "ok") is (kind == "right")
    wanted = {
        "right": "by their own addresses (127.0.0.1)",
        "silent": "through the proxy for 127.0.0.2",
        "liar": "anybody can have any address",
        "no upgrade": "anybody can have any address",
    }
    assert wanted[kind] in proxy["text"]


async def test_a_person_reads_the_cure_below(tmp_path: Path) -> None:
    """With a count at the end; a configuration that cannot be used ends with 78."""
    file = settings(tmp_path / "data")
    async with running(tmp_path / "data", "-c", str(file)):
        done = await trio.run_process(
            [sys.executable, "-m", "chatd", "doctor", "-c", str(file)],
            capture_stdout=True,
            check=False,
        )
    lines = done.stdout.decode().splitlines()
    assert any(line.startswith("ok      database: ") for line in lines)
    assert lines[-1].endswith(" 0 broken")
    assert done.returncode == 0
    file.write_text("[server")
    assert CliRunner().invoke(main, ["doctor", "-c", str(file)]).exit_code == 78
