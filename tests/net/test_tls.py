from __future__ import annotations

import socket
import ssl
from pathlib import Path

import pytest
import trio
import trio.testing

from chatd.config.values import UnixAddress
from chatd.net.connection_limiter import ConnectionLimiter
from chatd.net.listener import HANDSHAKE_S
from chatd.net.proxyproto import SIGNATURE
from chatd.net.tls import TlsSocket, server_context
from chatd.net.trouble import Cause, Trouble
from tests.net import secret
from tests.net.echo import EchoHost, closing, connected, masked, text
from tests.net.edge import UPGRADE, edge

idle = trio.testing.wait_all_tasks_blocked


# --- certificates -------------------------------------------------------------


def test_a_pair_of_files_makes_a_context(tmp_path: Path) -> None:
    """Nothing older than TLS 1.2, no renegotiation, HTTP/1.1."""
    context = server_context(*secret.write_pair(tmp_path))
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    assert context.options & ssl.OP_NO_RENEGOTIATION


# --- the edge -----------------------------------------------------------------


async def test_https_and_wss_on_one_port() -> None:
    """A page is answered, and a WebSocket echoes."""
    async with edge(tls=secret.server_context()) as server:
        answer = await server.ask(
            "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        )
        assert answer.startswith(b"HTTP/1.1 200 ")
        assert await server.echoes()
    assert server.watcher.bugs == []


async def test_a_request_that_is_not_encrypted_is_told_so() -> None:
    """A browser that was told `http` shows what to do."""
    async with edge(tls=secret.server_context()) as server:
        peer = await server.dial()
        await peer.send(UPGRADE.encode() + b"\r\n")
        answer = await peer.rest()
        peer.sock.close()
        assert answer.startswith(b"HTTP/1.1 400 ")
        assert answer.endswith(b"this port speaks TLS: use https or wss\n")
        assert server.watcher.refusals == [("127.0.0.1", 400)]
        assert server.watcher.troubles == [Trouble(Cause.NO_TLS_HERE, server.address)]
        assert await server.echoes()


async def test_a_proxys_head_before_tls_is_recognised() -> None:
    """It is told what the proxy was told to send, and the daemon not to expect."""
    async with edge(tls=secret.server_context()) as server:
        for told in (SIGNATURE, b"PROXY TCP4 192.0.2.7 192.0.2.8 40000 443\r\n"):
            peer = await server.dial()
            await peer.send(told + b"\x16\x03\x01")
            assert (await peer.rest()).startswith(b"HTTP/1.1 400 ")
            peer.sock.close()
        stray = Trouble(Cause.STRAY_PROXY_HEAD, "127.0.0.1")
        assert server.watcher.troubles == [stray, stray]


async def test_who_agrees_on_nothing_costs_nobody_anything() -> None:
    """An end in the handshake, a broken hello, a client of another authority."""
    async with edge(tls=secret.server_context()) as server:
        for start in (b"", b"\x16", b"\x16\x03\x01\x00\x05hello"):
            peer = await server.dial()
            await peer.send(start)
            peer.sock.shutdown(socket.SHUT_WR)
            await peer.rest()
            peer.sock.close()
        peer = await server.dial()
        with pytest.raises(ssl.SSLCertVerificationError):
            await peer.secure(ssl.create_default_context())
        peer.sock.close()
        assert await server.echoes()
    assert server.watcher.bugs == []


async def test_a_handshake_has_a_bound(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """Whoever says nothing, or never ends his hello, is let go."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    tls = TlsSocket(ours, secret.server_context())
    theirs.send(b"\x16\x03\x01")
    with theirs, trio.move_on_after(HANDSHAKE_S) as scope:
        await tls.handshake()
    assert scope.cancelled_caught
    tls.close()


async def test_one_too_many_is_closed_without_keys() -> None:
    """A refusal is not worth a handshake."""
    async with edge(
        tls=secret.server_context(), limiter=ConnectionLimiter(1, 0)
    ) as server:
        first = await server.upgraded()
        peer = await server.dial()
        assert await peer.rest() == b""
        peer.sock.close()
        assert server.watcher.refusals == [("127.0.0.1", 503)]
        first.sock.close()


async def test_a_unix_socket_is_never_encrypted(tmp_path: Path) -> None:
    """Behind it is a proxy of this machine."""
    address = UnixAddress(str(tmp_path / "sock"))
    async with edge(address=address, tls=secret.server_context()) as server:
        peer = await server.dial()
        await peer.send(UPGRADE.encode() + b"\r\n")
        await peer.handshake()
        peer.sock.close()


# --- records ------------------------------------------------------------------


async def test_messages_may_be_cut_into_records_and_segments_anyhow() -> None:
    """One record with many messages, and one message in many records."""
    host = EchoHost()
    async with connected(host, tls=True) as peer:
        await peer.send(b"".join(text(str(n)) for n in range(5000)))
        long = masked(0x81, b"x" * 100_000)
        for at in range(0, len(long), 999):
            await peer.send(long[at : at + 999])
        await peer.send(closing())
        await peer.rest()
    assert host.heard == [*(str(n).encode() for n in range(5000)), b"x" * 100_000]
    assert [payload for _, payload in peer.frames()[:-1]] == host.heard


async def test_a_record_may_come_byte_by_byte() -> None:
    """Half a record is nothing yet."""
    host = EchoHost()
    async with connected(host, tls=True) as peer:
        assert peer.secret
        peer.secret.tls.write(text("slowly"))
        for byte in peer.secret.outgoing.read():
            await peer.sock.send(bytes([byte]))
            await idle()
        assert host.heard == [b"slowly"]


async def test_a_full_read_leaves_nothing_behind() -> None:
    """What was decrypted is read before anybody waits for more ciphertext."""
    for size in (16_383, 16_384, 16_385, 32_768, 50_000):
        host = EchoHost()
        frame = masked(0x81, b"y" * size)
        async with connected(host, tls=True) as peer:
            await peer.send(frame)
            await idle()
            assert host.heard == [b"y" * size]


async def test_close_notify_alone_is_an_end() -> None:
    """Also behind a message, and though the socket stays open."""
    host = EchoHost()
    async with connected(host, tls=True) as peer:
        assert peer.secret
        peer.secret.tls.write(text("last"))
        with pytest.raises(ssl.SSLWantReadError):
            peer.secret.tls.unwrap()
        await peer.secret.flush()
        await idle()
        assert host.heard == [b"last"]
        assert host.endings


async def test_a_broken_record_ends_the_connection() -> None:
    """And nothing else."""
    host = EchoHost()
    async with connected(host, tls=True) as peer:
        await peer.sock.send(b"\x17\x03\x03\x00\x20" + b"?" * 32)
        await idle()
        assert host.endings
    assert host.bugs == []


async def test_a_client_of_tls_1_2_is_welcome(tmp_path: Path) -> None:
    """The oldest that is."""
    context = secret.client_context(ssl.TLSVersion.TLSv1_2)
    async with edge(tls=server_context(*secret.write_pair(tmp_path))) as server:
        peer = await server.dial()
        await peer.secure(context)
        assert peer.secret
        assert peer.secret.tls.version() == "TLSv1.2"
        peer.sock.close()
        assert await server.echoes()
