"""Each sample of contrib/proxies before a real daemon, with TLS and foreign clients."""

from __future__ import annotations

import re
import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import attrs
import pytest
import trio
from websockets.exceptions import ConnectionClosed
from websockets.frames import Frame, Opcode
from websockets.trio.client import ClientConnection

from tests.contrib.samples import DIRECTORY, HAPROXY_TCP, SAMPLES, Running, Sample
from tests.live.daemon import PATIENCE_S, Daemon, person, running
from tests.live.proxies import free_ports
from tests.live.talk import talking
from tests.live.test_page import ask
from tests.live.test_proxies import BELIEVED, ended, until_ended, visit, warnings
from tests.net.secret import authority, client_context

CLIENT, OTHER = "127.0.0.9", "127.0.0.10"
"""Addresses of this machine that are no proxy's."""


@pytest.fixture(params=SAMPLES, ids=lambda sample: sample.file)
def sample(request: pytest.FixtureRequest) -> Sample:
    """Each sample in turn."""
    found: Sample = request.param
    return found


@pytest.fixture(autouse=True)
def _believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have whoever asks the system believe the authority of the tests."""
    file = tmp_path / "authority.pem"
    authority().cert_pem.write_to_path(str(file))
    monkeypatch.setenv("SSL_CERT_FILE", str(file))


def settings(sample: Sample, path: str = "", **more: object) -> dict[str, str]:
    """The daemon's settings, as the sample's first lines have them."""
    return {
        **BELIEVED,
        "CHATD_SERVER__PUBLIC_URL": f"https://chat.example.org{path}",
        "CHATD_SERVER__PROXY_PROTOCOL": str(sample.passes_bytes).lower(),
        **{f"CHATD_{key.upper()}": str(value) for key, value in more.items()},
    }


def talkative(sample: Sample) -> dict[str, str]:
    """Settings for those who talk without a pause.

    Who was cut without a word notices it before a test gives up.
    """
    return settings(
        sample,
        limits__messages_per_s=0,
        limits__commands_per_s=0,
        heartbeat__interval_s=2,
        heartbeat__timeout_s=2,
    )


@asynccontextmanager
async def behind(
    sample: Sample,
    directory: Path,
    env: dict[str, str],
    changes: dict[str, str] | None = None,
) -> AsyncIterator[tuple[Daemon, Running, str]]:
    """Run a daemon and a sample before it for a block; with the WebSocket's URL."""
    async with (
        running(directory / "data", env=env) as daemon,
        sample.running(directory / "proxy", daemon.port, changes or {}) as proxy,
    ):
        yield daemon, proxy, f"wss://127.0.0.1:{proxy.place.secret}/ws"


@pytest.mark.parametrize("file", sorted(path.name for path in DIRECTORY.iterdir()))
def test_every_sample_is_run(file: str) -> None:
    """And the list that is there for people has it."""
    listed = re.findall(r"\]\(([^)]+)\)", (DIRECTORY / "README.md").read_text())
    known = [sample.file for sample in SAMPLES]
    assert file in [*known, "README.md"]
    assert listed == known


async def test_people_talk_through_it(sample: Sample, tmp_path: Path) -> None:
    """In both directions and long ones, too; the page comes; HTTP leads to HTTPS."""
    async with behind(sample, tmp_path, settings(sample)) as (daemon, proxy, url):
        secret: dict[str, Any] = {
            "ssl": client_context(),
            "origin": "https://chat.example.org",
        }
        async with person(url, **secret) as ann, person(url, **secret) as bob:
            for who, name in ((ann, "ann"), (bob, "bob")):
                await who.hello(name=name)
                await who.ask(type="join", room="lobby")
            text = "and more, " * 350 + "done"
            for one, other in ((ann, bob), (bob, ann)):
                for number in range(20):
                    said = f"{number} {text}"
                    assert (await one.ask(type="send", room="lobby", text=said))["seq"]
                    await other.hear_until(type="message", text=said)
        page = await ask(f"https://127.0.0.1:{proxy.place.secret}/")
        assert b"app.mjs" in page.content
        if not sample.passes_bytes:
            moved = await unfollowed(proxy.place.plain, "/x?y=z")
            assert re.search(rb"\nlocation: https://[^\n]*/x\?y=z\r\n", moved.lower())
        assert warnings(daemon) == []


async def unfollowed(port: int, path: str) -> bytes:
    """The head of what a plain request is answered."""
    async with await trio.open_tcp_stream("127.0.0.1", port) as stream:
        head = f"GET {path} HTTP/1.1\r\nHost: chat.example.org\r\n\r\n"
        await stream.send_all(head.encode())
        answer = b""
        with trio.fail_after(PATIENCE_S):
            while b"\r\n\r\n" not in answer:
                answer += await stream.receive_some(65536)
    return answer


async def test_nobody_can_forge_an_address(sample: Sample, tmp_path: Path) -> None:
    """What a client itself says of it is neither logged nor counted by."""
    env = settings(sample, limits__connections_per_address=2)
    async with behind(sample, tmp_path, env) as (daemon, _, url):

        def forged(number: int, source: str = CLIENT) -> dict[str, Any]:
            fields = {
                "X-Forwarded-For": f"203.0.113.{number}",
                "X-Real-IP": f"203.0.113.{number}",
                "Forwarded": f"for=203.0.113.{number}",
            }
            return {
                "ssl": client_context(),
                "local_address": source,
                "additional_headers": fields,
            }

        async with person(url, **forged(1)), person(url, **forged(2)):
            with pytest.raises(Exception, match="HTTP 503"):
                async with person(url, **forged(3)):
                    pass
            async with person(url, **forged(4, OTHER)) as bob:
                await bob.hello(name="bob")
    assert sorted(ended(daemon)) == [OTHER, CLIENT, CLIENT]
    assert "203.0.113." not in daemon.log_text()


@attrs.define(eq=False)
class _Pings:
    """Counts pings from the other end."""

    count: int = 0
    enough: trio.Event = attrs.field(factory=trio.Event)

    def connection(self, *args: Any, **options: Any) -> ClientConnection:
        """Make a connection that tells of them, and sends none."""
        made = ClientConnection(*args, **{**options, "ping_interval": None})
        inner = made.process_event

        def process(event: Any) -> None:
            inner(event)
            if isinstance(event, Frame) and event.opcode is Opcode.PING:
                self.count += 1
                if self.count == 4:
                    self.enough.set()

        made.process_event = process  # type: ignore[method-assign]
        return made


async def test_who_says_nothing_stays(sample: Sample, tmp_path: Path) -> None:
    """A time-out above the daemon's interval lets a silent connection live over
    more than its length; one below it ends that.
    """
    async with trio.open_nursery() as nursery:
        for interval_s in (1, 3600):
            if interval_s == 1 or sample.timeout:
                directory = tmp_path / str(interval_s)
                directory.mkdir()
                nursery.start_soon(say_nothing, sample, directory, interval_s)


async def say_nothing(sample: Sample, directory: Path, interval_s: int) -> None:
    """Be silent; for four pings, or until the proxy has had enough of it."""
    env = settings(sample, heartbeat__interval_s=interval_s)
    pings = _Pings()
    async with behind(sample, directory, env, dict(sample.timeout)) as (_, _, url):
        made = pings.connection
        async with person(url, ssl=client_context(), create_connection=made) as ann:
            await ann.hello(name="ann")
            if interval_s == 1:
                with trio.fail_after(PATIENCE_S):
                    await pings.enough.wait()
                assert (await ann.ask(type="ping"))["type"] == "ok"
            else:
                with pytest.raises(ConnectionClosed):
                    await ann.hear()


async def shown(port: int) -> bytes:
    """The certificate that a new connection is shown."""
    tcp = await trio.open_tcp_stream("127.0.0.1", port)
    stream = trio.SSLStream(tcp, client_context(), server_hostname="127.0.0.1")
    async with tcp:
        await stream.do_handshake()
        der = stream.getpeercert(binary_form=True)
    assert isinstance(der, bytes)
    return der


async def test_it_is_reloaded(sample: Sample, tmp_path: Path) -> None:
    """It shows a renewed certificate then, and who talks notices nothing."""
    env = talkative(sample)
    async with behind(sample, tmp_path, env) as (daemon, proxy, url):
        old = await shown(proxy.place.secret)
        async with talking(url) as talk:
            proxy.place.certify()
            wanted = ssl.PEM_cert_to_DER_cert(
                proxy.place.cert.read_text().partition("-----END CERTIFICATE-----\n")[0]
                + "-----END CERTIFICATE-----\n"
            )
            assert wanted != old
            await proxy.reload()
            with trio.fail_after(PATIENCE_S):
                # It reads in its own time.
                while await shown(proxy.place.secret) != wanted:
                    pass
        assert talk.comebacks == int(not sample.keeps)
        said = " ".join(
            (DIRECTORY / sample.file).read_text().replace("\n#", "").split()
        )
        assert ("reload leaves the connections" in said) is sample.keeps
        assert warnings(daemon) == []


async def test_the_daemon_is_restarted(sample: Sample, tmp_path: Path) -> None:
    """Those who talk come back through the proxy; nothing is missing or doubled."""
    env = talkative(sample)
    (port,) = free_ports(1)
    async with (
        sample.running(tmp_path / "proxy", port, {}) as proxy,
        AsyncExitStack() as life,
    ):
        run = partial(running, tmp_path / "data", env=env, port=port)
        await life.enter_async_context(run())
        async with talking(f"wss://127.0.0.1:{proxy.place.secret}/ws") as talk:
            await life.aclose()
            daemon = await life.enter_async_context(run())
        assert talk.comebacks == 1
        assert warnings(daemon) == []


async def test_it_is_below_a_path(sample: Sample, tmp_path: Path) -> None:
    """With what the sample's first lines tell to change, and nothing else."""
    env = settings(sample, path="/chat")
    async with behind(sample, tmp_path, env, dict(sample.below)) as (daemon, proxy, _):
        port = proxy.place.secret
        secret = {"ssl": client_context(), "origin": "https://chat.example.org"}
        await visit(f"wss://127.0.0.1:{port}/chat/ws", **secret)
        for path in ("/chat", "/chat/"):
            page = await ask(f"https://127.0.0.1:{port}{path}")
            assert b"app.mjs" in page.content
        assert await until_ended(daemon) == [CLIENT]
        assert warnings(daemon) == []


async def test_version_1_is_as_good(tmp_path: Path) -> None:
    """Of the PROXY protocol, as the sample says it is had from HAProxy."""
    env = settings(HAPROXY_TCP)
    change = {"send-proxy-v2": "send-proxy"}
    async with behind(HAPROXY_TCP, tmp_path, env, change) as (daemon, _, url):
        await visit(url, ssl=client_context())
        assert await until_ended(daemon) == [CLIENT]
        assert warnings(daemon) == []
