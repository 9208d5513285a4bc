"""Settings that are reloaded: validated whole, in force in one step, each of them."""

from __future__ import annotations

import ast
import gc
import weakref
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

import attrs
import pytest
import trio
from trio.testing import MockClock

import chatd
from chatd.auth import Issuers
from chatd.config import Applies, Difference
from chatd.configfile import load
from chatd.configfile.table import KEYS
from chatd.daemon.admin import DaemonProcess
from chatd.daemon.edge import gateway_of, listeners_of
from chatd.daemon.host import DaemonHost
from chatd.daemon.levels import Levels
from chatd.daemon.reloading import REFUSED, Reloader, start_reloading
from chatd.daemon.service import Service
from chatd.errors import ConfigError
from chatd.net.listener import Listener
from chatd.observe import log
from chatd.web.tree import read_tree
from tests.hub.support import Rig, running
from tests.live.test_service import manager_at
from tests.logs import capture_logs
from tests.net import secret

ROOT = Path(chatd.__file__).parent


@attrs.define
class Daemon:
    """What a daemon has built, without its sockets."""

    file: Path
    rig: Rig
    listener: Listener
    issuers: Issuers
    reloader: Reloader

    async def reload(self, text: str) -> Difference:
        """Reload with this in the file."""
        self.file.write_text(text)
        return await self.reloader.reload()


@asynccontextmanager
async def built(tmp_path: Path, text: str = "") -> AsyncIterator[Daemon]:
    """Build what a reload changes, over a store in memory."""
    file = tmp_path / "chatd.toml"
    file.write_text(text)
    config = load(file, {}).config
    async with running(config=config) as rig:
        issuers = Issuers()
        host = DaemonHost(rig.hub, rig.metrics)
        gateway = gateway_of(read_tree())
        listener, _ = listeners_of(rig.live, host, gateway, None, count(1).__next__)
        reloader = Reloader(
            rig.live,
            lambda: load(file, {}).config,
            rig.hub.declare,
            issuers,
            listener,
            DaemonProcess(0, tmp_path, file, [], [], Levels(config.log.level)),
        )
        yield Daemon(file, rig, listener, issuers, reloader)


@pytest.fixture(autouse=True)
def lines() -> Any:
    """Keep the log as it was."""
    before = log().level, log().form, log().write, log().sink
    yield
    log().level, log().form, log().write, log().sink = before


# --- each key takes effect --------------------------------------------------------

JWT = (
    '[{{issuer = "https://a.b", audience = "c", algorithm = "HS256",'
    ' key_file = "{here}/secret"}}]'
)

MADE: dict[str, tuple[str, Callable[[Daemon], object]]] = {
    "server.tls_cert": ('"{here}/cert.pem"', lambda d: d.listener.tls),
    "server.tls_key": ('"{here}/key.pem"', lambda d: d.listener.http.scheme),
    "server.public_url": ('"https://a.b/c"', lambda d: d.listener.http.prefix),
    "server.allowed_origins": (
        '["https://d.e"]',
        lambda d: d.listener.http.allowed_origins,
    ),
    "server.trusted_proxies": (
        '["192.0.2.1"]',
        lambda d: d.listener.http.trusted_proxies,
    ),
    "server.proxy_protocol": ("true", lambda d: d.listener.proxied),
    "auth.jwt": (JWT, lambda d: d.issuers.entries),
    "rooms.permanent": (
        '[{{name = "lobby", topic = "x"}}]',
        lambda d: d.rig.hub.machine.chat.durable.rooms["lobby"].settings,  # type: ignore[index]
    ),
    "presence.tick_s": ("7", lambda d: d.rig.hub.machine.chat.live.presence_tick_s),
    "heartbeat.interval_s": ("7", lambda d: d.listener.limits.heartbeat_interval_s),
    "heartbeat.timeout_s": ("7", lambda d: d.listener.limits.heartbeat_timeout_s),
    "limits.text_chars": ("7", lambda d: d.listener.dialect._decoder.text_chars),  # type: ignore[attr-defined]
    "limits.frame_bytes": ("99999", lambda d: d.listener.limits.frame_bytes),
    "limits.commands_per_s": ("7", lambda d: d.listener.limits.commands_per_s),
    "limits.bytes_per_s": ("7", lambda d: d.listener.limits.bytes_per_s),
    "limits.bytes_burst": ("99999", lambda d: d.listener.limits.bytes_burst),
    "limits.inflight_max": ("7", lambda d: d.listener.limits.inflight_max),
    "limits.outbox_soft_bytes": ("777", lambda d: d.listener.limits.outbox_soft_bytes),
    "limits.outbox_hard_bytes": (
        "7777777",
        lambda d: d.listener.limits.outbox_hard_bytes,
    ),
    "limits.write_timeout_s": ("7", lambda d: d.listener.limits.write_timeout_s),
    "limits.connections_max": ("7", lambda d: d.listener.limiter.most),
    "limits.connections_per_address": (
        "7",
        lambda d: d.listener.limiter.most_per_address,
    ),
    "limits.connects_per_s": ("7", lambda d: d.listener.limiter.arrivals.per_s),
    "limits.connects_burst": ("7", lambda d: d.listener.limiter.arrivals.burst),
    "limits.requests_per_s": ("7", lambda d: d.listener.http.requests.per_s),
    "limits.requests_burst": ("7", lambda d: d.listener.http.requests.burst),
    "limits.buffered_bytes": ("99999999", lambda d: d.listener.budget.most),
    "limits.address_factor": ("7", lambda d: shares(d).messages.per_s),
    "limits.messages_per_s": ("7", lambda d: shares(d).messages.per_s),
    "limits.messages_burst": ("7", lambda d: shares(d).messages.burst),
    "limits.creations_per_h": ("7", lambda d: shares(d).creations.per_s),
    "limits.creations_burst": ("7", lambda d: shares(d).creations.burst),
    "limits.guest_bytes_per_d": ("7777", lambda d: shares(d).guest_bytes.burst),
    "log.level": ('"error"', lambda _: log().level),
    "log.format": ('"json"', lambda _: log().form),
}
"""What is made of a key and kept: another value, and where that is seen."""

BESIDE = {
    "server.tls_cert": 'tls_key = "{here}/key.pem"',
    "server.tls_key": 'tls_cert = "{here}/cert.pem"',
    "server.proxy_protocol": 'trusted_proxies = ["192.0.2.1"]',
}
"""What another value needs in its section."""


def shares(daemon: Daemon) -> Any:
    """What addresses have used."""
    return daemon.rig.hub.machine._turn.shares


@pytest.mark.parametrize("path", MADE)
async def test_what_is_made_of_a_key_is_made_anew(
    autojump_clock: MockClock, tmp_path: Path, path: str
) -> None:
    """By a reload of a file in which nothing else has changed."""
    secret.write_pair(tmp_path)
    (tmp_path / "secret").write_bytes(b"x" * 32)
    section, _, name = path.partition(".")
    value, seen = MADE[path]
    beside = BESIDE.get(path, "")
    text = f"[{section}]\n{name} = {value}\n{beside}".format(here=tmp_path)
    async with built(tmp_path) as daemon:
        before = seen(daemon)
        found = await daemon.reload(text)
        assert path in found.changed
        assert found.restart == ()
        assert seen(daemon) != before


def reads(tree: ast.AST) -> dict[str, set[str]]:
    """The names of attributes that are read, with the functions that read them."""
    found: dict[str, set[str]] = {}
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            for node in ast.walk(function):
                if isinstance(node, ast.Attribute):
                    found.setdefault(node.attr, set()).add(function.name)
    return found


def test_every_key_is_tried_or_read_where_it_is_used_or_needs_a_restart() -> None:
    """A key that is none of it would be one whose change is told and has no effect.

    Read where it is used means: from the settings in force, in a function that decides
    something, not in one that makes an object.
    """
    modules = [
        path
        for package in ("core", "hub", "auth", "daemon")
        for path in (ROOT / package).rglob("*.py")
    ]
    trees = {path: ast.parse(path.read_text()) for path in modules}
    all_reads = [
        found
        for path, tree in trees.items()
        if "config.current" in path.read_text() or ".config." in path.read_text()
        for found in [reads(tree)]
    ]
    at_the_start = {"__init__", "__attrs_post_init__", "_live", "load", "restore"}
    for path, key in KEYS.items():
        if key.applies is Applies.RESTART or path in MADE:
            continue
        readers = set[str]().union(*(found.get(key.name, set()) for found in all_reads))
        assert readers - at_the_start, f"{path}: nobody reads it after the start"
    assert not {path for path in MADE if KEYS[path].applies is Applies.RESTART}


async def test_nobody_keeps_what_was_in_force(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    """After a reload no object holds the old settings, or a section of them."""
    text = "\n".join(
        f"[{section}]\n{line}"
        for section, line in (
            ("auth", "guests = false"),
            ("limits", "text_chars = 7"),
            ("heartbeat", "interval_s = 7"),
            ("presence", "grace_s = 7"),
            ("history", "replay_max = 7"),
            ("store", "stall_timeout_s = 7"),
        )
    )
    async with built(tmp_path) as daemon:
        ann = await daemon.rig.login("ann")
        # This test holds what it began with.
        await daemon.reload(text.replace("7", "8").replace("false", "true"))
        old = daemon.rig.live.current
        names = ("auth", "limits", "heartbeat", "presence", "history", "store")
        kept = [weakref.ref(old), *(weakref.ref(getattr(old, name)) for name in names)]
        del old
        await daemon.reload(text)
        gc.collect()
        assert [one() for one in kept if one() is not None] == []
        assert (await ann.answer("send", room="den", text="12345678"))["code"] == (
            "too_long"
        )


# --- all or nothing ---------------------------------------------------------------

WRONG: dict[str, str] = {
    "[limits]\ntext_chars = 'x'": "limits.text_chars: expected a whole number",
    "[limits]\ntext_chars = 7\n[lmits]\n": "lmits: unknown section",
    "[limits": "chatd.toml: ",
    "[server]\ntls_cert = '/no/such'\ntls_key = '/no/such'": "tls_cert: /no/such",
    "[[auth.jwt]]\nissuer = 'a'\naudience = 'b'\nalgorithm = 'HS256'\n"
    "key_file = '/no/such'": "auth.jwt[0].key_file: /no/such",
    "[[rooms.permanent]]\nname = 'a.'\n[limits]\ntext_chars = 7": "rooms.permanent[0]",
    "[auth]\nnames = 'unicode'\n[[rooms.permanent]]\nname = 'тест'": "for a restart",
}


@pytest.mark.parametrize("text", WRONG)
async def test_with_anything_wrong_nothing_changes(
    autojump_clock: MockClock, tmp_path: Path, text: str
) -> None:
    """The log names the key; what is in force goes on, and can be reloaded later."""
    async with built(tmp_path, "[limits]\ntext_chars = 9\n") as daemon:
        before = daemon.rig.live.current
        with capture_logs() as lines, pytest.raises(ConfigError):
            await daemon.reload(text)
        (line,) = lines
        assert (line["event"], line["level"]) == (REFUSED, "error")
        assert WRONG[text] in line["reason"]
        assert daemon.rig.live.current is before
        assert daemon.listener.tls is None
        daemon.file.unlink()
        with pytest.raises(ConfigError, match="No such file"):
            await daemon.reloader.reload()
        found = await daemon.reload("[limits]\ntext_chars = 8\n")
        assert found == Difference(changed=("limits.text_chars",))


async def test_a_line_says_what_has_changed_and_what_waits(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    """A renewed certificate is a change though its name is the same."""
    cert, key = secret.write_pair(tmp_path)
    tls = f'[server]\ntls_cert = "{cert}"\ntls_key = "{key}"\n'
    async with built(tmp_path, tls) as daemon:
        await daemon.reloader.reload()
        first = daemon.listener.tls
        secret.write_pair(tmp_path)
        with capture_logs() as lines:
            found = await daemon.reloader.reload()
            await daemon.reloader.reload()
            await daemon.reload(
                tls + "listen = ['127.0.0.1:1']\n[limits]\ntext_chars=7"
            )
            assert not daemon.reloader.process.facts().config.changed
        assert found.changed == ("server.tls_cert", "server.tls_key")
        assert daemon.listener.tls is not first
    said = [{k: v for k, v in line.items() if k != "level"} for line in lines]
    said = [line for line in said if line["event"].startswith("reloaded")]
    assert said == [
        {"event": "reloaded", "changed": "server.tls_cert,server.tls_key"},
        {"event": "reloaded: nothing has changed"},
        {
            "event": "reloaded",
            "changed": "limits.text_chars",
            "restart": "server.listen",
        },
    ]


async def test_the_manager_is_told_when_it_begins_and_when_it_is_over(
    tmp_path: Path,
) -> None:
    """Also where it is refused; a signal that comes meanwhile is not lost."""
    path = str(tmp_path / "notify")
    async with built(tmp_path) as daemon, trio.open_nursery() as nursery:
        with manager_at(path) as manager:
            send = start_reloading(nursery, daemon.reloader, Service(path))
            for text, end in (
                ("[limits]\ntext_chars = 7", b"READY=1\nSTATUS="),
                ("[limits", b"READY=1\nSTATUS=not reloaded: the settings in force"),
            ):
                daemon.file.write_text(text)
                send.send_nowait(None)
                with trio.fail_after(60):
                    begin = await manager.recv(4096)
                    over = await manager.recv(4096)
                assert begin.startswith(b"RELOADING=1\nMONOTONIC_USEC=")
                assert begin.rpartition(b"=")[2].isdigit()
                assert over.startswith(end)
            nursery.cancel_scope.cancel()
