"""TLS in process: what looks like a socket and encrypts.

The standard library's `SSLObject` works on bytes; this class moves them between
it and the kernel, so that the rest of the daemon reads, sends and waits as on any
socket. Nothing here waits but the handshake.

At most one record of 16 KiB is encrypted before the kernel has taken it. All else
waits as plaintext in the connection's outbox, where it can still be dropped. Of a
record that did not leave whole, the last byte counts as not taken: so the caller
knows that something waits, treats what it belongs to as begun, and offers that byte
again, which by then stands in the record already.

An end of file without TLS's `close_notify` is an end like any other: WebSocket has its
close frame, and a truncated message is never handled.

Source: RFC 8446; the standard library's documentation of memory BIOs.
"""

from __future__ import annotations

import socket
import ssl
from contextlib import suppress

import trio

from chatd.errors import ConfigError

RECORD_BYTES = 16_384
"""The most plaintext of one record. Source: RFC 8446 section 5.1."""
_READ_BYTES = 18_432
"""A whole record with all that TLS adds to it, so that one read takes it."""
_UNSENT_BYTES_MAX = 65_536
"""What may wait encrypted: one record, and the answers to a peer's key updates."""
HANDSHAKE = b"\x16"
"""How every TLS connection begins."""


class NotTls(Exception):
    """The peer's first byte is not TLS: a browser that was told `http`.

    Attributes:
        data: What came instead.
    """

    def __init__(self, data: bytes) -> None:
        super().__init__("not TLS")
        self.data = data


def server_context(cert: str, key: str) -> ssl.SSLContext:
    """Make the context of a listener.

    Args:
        cert: The file with the certificate and its chain, in PEM.
        key: The file with the private key, in PEM, without a passphrase.

    Raises:
        ConfigError: They cannot be read, are no such files, or are no pair.
    """
    from chatd.net.certificates import read_pair  # noqa: PLC0415 - there is one

    read_pair(cert, key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION
    context.set_alpn_protocols(["http/1.1"])
    try:
        context.load_cert_chain(cert, key)
    except ssl.SSLError as error:
        # A key that is too short for the system's policy, for example.
        reason = (error.reason or str(error)).replace("_", " ").lower()
        said = f"server.tls_cert, server.tls_key: {cert}, {key}: {reason}"
        raise ConfigError([said]) from error
    return context


class TlsSocket:
    """An accepted socket, encrypted.

    Invariants: `_unsent` is ciphertext that left the engine and not the process;
    while it holds a part of a record of ours, `_ahead` is 1.
    """

    __slots__ = (
        "_ahead",
        "_incoming",
        "_outgoing",
        "_shut",
        "_sock",
        "_tls",
        "_unsent",
    )

    def __init__(self, sock: socket.socket, context: ssl.SSLContext) -> None:
        self._sock = sock
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._unsent = b""
        self._ahead = 0
        self._shut = False

    def fileno(self) -> int:
        """The descriptor to wait for."""
        return self._sock.fileno()

    async def handshake(self) -> None:
        """Agree on keys.

        Raises:
            NotTls: The peer speaks something else; nothing was sent.
            OSError: It has ended, or there is no agreement; it was told.

        Cancellation: close the socket.
        """
        first = True
        while True:
            try:
                self._tls.do_handshake()
                done = True
            except ssl.SSLWantReadError:
                done = False
            except ssl.SSLError:
                self._flush_if_possible()
                raise
            await self._flush_all()
            if done:
                return
            await trio.lowlevel.wait_readable(self._sock)
            try:
                data = self._sock.recv(_READ_BYTES)
            except BlockingIOError:
                continue
            if not data:
                raise ConnectionAbortedError("it ended before there were keys")
            if first and not data.startswith(HANDSHAKE):
                raise NotTls(data)
            first = False
            self._incoming.write(data)

    def recv(self, size: int, flags: int = 0, /) -> bytes:
        """Read up to `size` bytes; less only where the kernel has no more.

        With flags, and after `shutdown`, it is about the ciphertext: only whether
        there is any matters then.

        Raises:
            BlockingIOError: There is nothing.
            OSError: The connection is broken, or breaks the rules of TLS.
        """
        if flags or self._shut:
            return self._sock.recv(size, flags)
        parts: list[bytes] = []
        missing = size
        while missing:
            try:
                part = self._tls.read(missing)
            except ssl.SSLWantReadError:
                try:
                    data = self._sock.recv(_READ_BYTES)
                except BlockingIOError:
                    if not parts:
                        raise
                    break
                if not data:
                    break
                self._incoming.write(data)
                continue
            if not part:
                # `close_notify`: a caller that waits for more must see an end.
                with suppress(OSError):
                    self._sock.shutdown(socket.SHUT_RD)
                break
            parts.append(part)
            missing -= len(part)
        self._take_outgoing()
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def send(self, data: bytes | memoryview, /) -> int:
        """Encrypt and send what the kernel takes.

        Returns:
            How much was taken. What is offered next has to begin behind that.

        Raises:
            BlockingIOError: Ciphertext waits, and the kernel takes nothing.
            OSError: The connection is broken.
        """
        self._flush()
        view = memoryview(data)
        taken, self._ahead = self._ahead, 0
        while taken < len(view):
            taken += self._tls.write(view[taken : taken + RECORD_BYTES])
            self._take_outgoing()
            try:
                self._flush()
            except BlockingIOError:
                self._ahead = 1
                return taken - 1
        return taken

    def getsockopt(self, level: int, option: int, size: int, /) -> bytes:
        """Ask the kernel's socket."""
        return self._sock.getsockopt(level, option, size)

    def shutdown(self, how: int, /) -> None:
        """Say that nothing follows; whatever comes from now on has no meaning."""
        self._shut = True
        # It also wants the peer's closing, for which nobody waits.
        with suppress(ssl.SSLError):
            self._tls.unwrap()
        self._flush_if_possible()
        self._sock.shutdown(how)

    def close(self) -> None:
        """Close the socket."""
        self._sock.close()

    def _take_outgoing(self) -> None:
        """Take what the engine wants sent."""
        if self._outgoing.pending:
            self._unsent += self._outgoing.read()
            if len(self._unsent) > _UNSENT_BYTES_MAX:
                raise ConnectionAbortedError("more key updates than answers taken")

    def _flush(self) -> None:
        """Send ciphertext that waits."""
        while self._unsent:
            self._unsent = self._unsent[self._sock.send(self._unsent) :]

    def _flush_if_possible(self) -> None:
        """Send the engine's last words, as far as the kernel takes them."""
        with suppress(OSError):
            self._take_outgoing()
            self._flush()

    async def _flush_all(self) -> None:
        self._take_outgoing()
        while True:
            try:
                self._flush()
            except BlockingIOError:
                await trio.lowlevel.wait_writable(self._sock)
            else:
                return
