"""A WebSocket to a server, of which nothing is left behind.

The stream is ours and not trio-websocket's, because its `aclose` leaves the TCP
connection open where the server was the first to close, and has no time-out. A
handshake that the server drops is only seen by the time-out here; a certificate
that is not trusted is seen at once. It tells of the bytes that come, long before they
are a frame on a slow line, and gives sending its time by its progress.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import cast
from urllib.parse import SplitResult, urlsplit

import trio
from trio_websocket import (
    ConnectionClosed,
    ConnectionRejected,
    HandshakeError,
    WebSocketConnection,
    wrap_client_stream,
)
from wsproto.utilities import ProtocolError

SUBPROTOCOL = "chatd.v1"
SOCKET_PATH = "/ws"
"""Where a daemon's WebSocket is. Source: protocol section 1."""
UNIX = "unix:"
"""How an address begins that is a socket's file on this machine."""
CONNECT_TIMEOUT_S = 10.0
"""TCP, TLS and the upgrade together."""
CLOSE_TIMEOUT_S = 2.0
"""How long the server's answer to our close is waited for."""
MESSAGE_CHARS_MAX = 2**24
"""A reply may have `limits.reply_bytes`, which an operator may raise."""
QUEUE_MAX = 64
"""Frames between trio-websocket's reader, which answers pings, and ours."""
RECEIVE_BYTES = 65536
HTTP = b"HTTP/"
"""How each answer to an upgrade begins."""
SEND_BYTES = 4096
SEND_TIMEOUT_S = 60.0
"""How long `SEND_BYTES` may take to be taken by the kernel. Source: as long as the
server waits, `limits.write_timeout_s`."""

SPEAKS_TLS = "it speaks TLS: use wss:// or https://"
TLS_ALERT = b"\x15\x03"
"""How TLS answers what is none. Source: RFC 8446, sections 5.1 and 6."""


class NotChatd(OSError):
    """Something answers, and it is not what was looked for; the text says what."""


_WORDS: tuple[tuple[type[BaseException], str], ...] = (
    (ConnectionRefusedError, "nothing listens there"),
    (ConnectionResetError, "it ended the connection without an answer"),
    (socket.gaierror, "no host of this name is found"),
    (FileNotFoundError, "there is no such socket"),
    (PermissionError, "you may not use this socket"),
)
"""What the kernel's errors mean."""
_NO_TLS = frozenset(
    {
        "WRONG_VERSION_NUMBER",
        "HTTP_REQUEST",
        "RECORD_LAYER_FAILURE",
        "PACKET_LENGTH_TOO_LONG",
    }
)
"""What OpenSSL calls bytes that are no TLS; it has changed the names."""

LOST = (
    HandshakeError,
    ConnectionClosed,
    ProtocolError,
    OSError,
    trio.BrokenResourceError,
    trio.TooSlowError,
)
"""How an attempt or a connection fails; `dial` may raise them in groups."""


def where(url: str) -> tuple[SplitResult, str]:
    """Find out where a URL leads.

    Returns:
        The parts of the WebSocket's URL, and the file of the Unix socket through
        which it is reached, or `""`.

    Raises:
        ValueError: It is neither `ws://`, `wss://` nor `unix:PATH`.
    """
    path = url.removeprefix(UNIX) if url.startswith(UNIX) else ""
    parts = urlsplit(f"ws://localhost{SOCKET_PATH}" if path else url)
    if parts.scheme not in ("ws", "wss") or not parts.hostname:
        raise ValueError("the URL must start with ws:// or wss:// and name a host")
    return parts, path


class Line(trio.abc.Stream):
    """A stream that tells of what comes, and whose sending ends if it stalls."""

    def __init__(self, stream: trio.abc.Stream, heard: Callable[[], object]) -> None:
        self._stream = stream
        self._heard = heard
        self._is_http = False

    def _judge(self, begins: bytes) -> None:
        """Look at how the answer begins."""
        if begins.startswith(TLS_ALERT):
            raise NotChatd(SPEAKS_TLS)
        if not begins:
            raise NotChatd("it ended the connection without an answer")
        if not HTTP.startswith(begins):
            raise NotChatd("what answers there is not a chatd: no HTTP")
        self._is_http = True

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        """As the stream's.

        Raises:
            NotChatd: What answers is no HTTP. trio-websocket would wait for an answer.

        Cancellation: safe.
        """
        data = await self._stream.receive_some(max_bytes)
        if not self._is_http:
            self._judge(bytes(data[: len(HTTP)]))
        if data:
            self._heard()
        return data

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """As the stream's.

        Raises:
            trio.TooSlowError: A part of it was not taken in time.

        Cancellation: some of it may have been sent: close the stream.
        """
        rest = memoryview(data)
        while rest:
            with trio.fail_after(SEND_TIMEOUT_S):
                await self._stream.send_all(rest[:SEND_BYTES])
            rest = rest[SEND_BYTES:]

    async def wait_send_all_might_not_block(self) -> None:
        """As the stream's. Cancellation: safe."""
        await self._stream.wait_send_all_might_not_block()

    async def aclose(self) -> None:
        """As the stream's. Cancellation: it is closed without a close frame."""
        await self._stream.aclose()


@asynccontextmanager
async def dial(
    url: str, heard: Callable[[], object]
) -> AsyncIterator[WebSocketConnection]:
    """Connect, and close properly afterwards, within `CLOSE_TIMEOUT_S`.

    Args:
        url: Of a WebSocket, or `unix:PATH`.
        heard: Called whenever bytes have come.

    Raises:
        One of `LOST`, alone or in a group.

    Cancellation: the connection is closed without a close frame.
    """
    parts, path = where(url)
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "wss" else 80)
    deadline = trio.current_time() + CONNECT_TIMEOUT_S
    with trio.fail_at(deadline):
        stream = Line(await _open_stream(parts, host, port, path), heard)
    try:
        async with trio.open_nursery() as nursery:
            with trio.fail_at(deadline):
                websocket = await wrap_client_stream(
                    nursery,
                    cast(trio.SocketStream, stream),  # any stream will do
                    f"[{host}]:{port}" if ":" in host else f"{host}:{port}",
                    (parts.path or "/") + (f"?{parts.query}" if parts.query else ""),
                    subprotocols=[SUBPROTOCOL],
                    message_queue_size=QUEUE_MAX,
                    max_message_size=MESSAGE_CHARS_MAX,
                    receive_buffer_size=RECEIVE_BYTES,
                )
            if websocket.subprotocol != SUBPROTOCOL:
                raise NotChatd("there is a WebSocket, but not that of a chatd")
            yield websocket
            with trio.move_on_after(CLOSE_TIMEOUT_S):
                await websocket.aclose()
            nursery.cancel_scope.cancel()
    finally:
        await trio.aclose_forcefully(stream)


async def _open_stream(
    parts: SplitResult, host: str, port: int, path: str
) -> trio.SocketStream | trio.SSLStream[trio.SocketStream]:
    """Open a Unix socket, or TCP, and TLS where the URL says so."""
    if path:
        # One without a file, as `chatd serve` writes it.
        path = path.replace("@", "\0", 1) if path.startswith("@") else path
        return await trio.open_unix_socket(path)
    tcp = await trio.open_tcp_stream(host, port)
    if parts.scheme != "wss":
        return tcp
    tls = trio.SSLStream(
        tcp, ssl.create_default_context(), server_hostname=host, https_compatible=True
    )
    try:
        await tls.do_handshake()
    except BaseException:
        await trio.aclose_forcefully(tcp)
        raise
    return tls


def retry_after_s(rejected: BaseException) -> float | None:
    """Return the seconds of a Retry-After header; dates are not for machines."""
    if isinstance(rejected, ConnectionRejected):
        for name, value in rejected.headers or ():
            if name.lower() == b"retry-after" and value.isdigit():
                return float(value)
    return None


def in_words(error: BaseException) -> str:
    """Say what a failed connection means to a person."""
    if isinstance(error, ConnectionRejected):
        return _rejected(error)
    if isinstance(error, trio.TooSlowError):
        return f"no answer within {CONNECT_TIMEOUT_S:g} s"
    cause = innermost(error.__cause__ or error)
    for kind, words in _WORDS:
        if isinstance(cause, kind):
            return words
    if isinstance(cause, ssl.SSLCertVerificationError):
        return (
            f"its certificate is refused: {cause.verify_message} (one of your own is"
            " trusted where SSL_CERT_FILE names its file)"
        )
    if isinstance(cause, ssl.SSLError) and cause.reason in _NO_TLS:
        return "it does not speak TLS: use ws:// or http://"
    if isinstance(cause, OSError) and cause.strerror:
        return cause.strerror
    return str(cause) or type(cause).__name__


def _rejected(error: ConnectionRejected) -> str:
    """Say what an HTTP answer means that is no upgrade."""
    status, after = error.status_code, retry_after_s(error)
    body = (error.body or b"").lower()
    if status == 400 and (b"speaks tls" in body or b"https port" in body):
        return SPEAKS_TLS
    if after is not None:
        return f"it takes no more now: wait {after:g} s (HTTP status {status})"
    if status in (401, 407):
        return f"something in front of it wants a login (HTTP status {status})"
    if status == 403:
        return "it lets nobody in from here (HTTP status 403)"
    if status >= 500:
        return f"nothing answers behind its proxy (HTTP status {status})"
    return f"there is no chatd at this address (HTTP status {status})"


def innermost(error: BaseException) -> BaseException:
    """Return the exception itself, out of the groups around it."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
