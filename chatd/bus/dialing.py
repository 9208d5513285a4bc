"""Connecting to the server, and the greeting: who we are, and what it is.

The files that a connection needs, the password's and the certificates', are read for
each one, so that they can be changed while the daemon runs.
"""

from __future__ import annotations

import os
import socket
import ssl
from contextlib import suppress
from pathlib import Path
from typing import Any

import attrs
import hiredis
import trio

from chatd.bus.refusals import CLUSTERED, REPLICA, SENTINEL, TOO_OLD, meaning
from chatd.config import BusAddress
from chatd.config.bus import PASSWORD_VARIABLE

CONNECT_S = 5.0
"""How long a server has to answer a new connection."""
RECEIVE_BYTES = 65_536
REDIS_MIN = 7
"""The first of Redis' versions with sharded channels; each of Valkey's has them."""

_SPEECHLESS = (
    "has closed the connection before it said anything: is it for TLS (valkeys://), and"
    " does it want a certificate of ours (cert and key)?"
)
_BROKEN = (OSError, trio.BrokenResourceError, trio.ClosedResourceError)


class Away(Exception):
    """There is no connection; the text is the end of "the bus ..."."""


class _Nothing:
    """What hiredis answers as long as it needs more bytes."""


NOTHING = _Nothing()


@attrs.frozen
class Dialed:
    """A connection that has been greeted."""

    stream: trio.abc.Stream
    reader: hiredis.Reader
    """With what came behind the greeting."""
    server: str
    """What the server calls itself, and its version."""


def packed(*words: bytes) -> bytes:
    """A command in bytes."""
    found: bytes = hiredis.pack_command(words)  # type: ignore[arg-type] # any number
    return found


ASK = packed(b"HELLO")
"""What is so, without changing anything: the sign of life that a `Link` asks for."""


async def dial(address: BusAddress) -> Dialed:
    """Connect and greet.

    Raises:
        Away: Nobody is there, or whoever is does not let us in, or cannot be our bus.

    Cancellation: safe.
    """
    with trio.move_on_after(CONNECT_S):
        stream = await _connect(address)
        try:
            return await _greet(stream, await _greeting(address))
        except BaseException:
            await trio.aclose_forcefully(stream)
            raise
    doubt = ": is it for TLS, this port?" if address.is_tls else ""
    raise Away(f"does not answer within {CONNECT_S:g} s{doubt}")


def judge(properties: Any) -> str:
    """Look at what a server says of itself.

    Args:
        properties: Its answer to `HELLO`.

    Returns:
        Its name and version.

    Raises:
        Away: It is no bus for us.
    """
    if not isinstance(properties, dict):
        raise Away(f"answers what no server of Valkey does: {properties!r:.80}")
    said = {_text(key): _text(value) for key, value in properties.items()}
    server, version = said.get("server", "?"), said.get("version", "?")
    if server == "redis" and _first_number(version) < REDIS_MIN:
        raise Away(f"{TOO_OLD}; this one is {version}")
    if said.get("mode") == "cluster":
        raise Away(CLUSTERED)
    if said.get("mode") == "sentinel":
        raise Away(SENTINEL)
    if said.get("role") == "replica":
        raise Away(REPLICA)
    return f"{server} {version}"


def why(error: BaseException) -> str:
    """Say why a connection broke, as the end of "the bus ..."."""
    cause = error.__cause__ if error.__cause__ is not None else error
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"has a certificate that is not believed: {cause.verify_message}"
    if isinstance(cause, ssl.SSLError):
        return (
            f"speaks no TLS with us: {cause.reason or cause}; is it for TLS, this port,"
            " and does it want a certificate of ours (cert and key)?"
        )
    if isinstance(cause, socket.gaierror):
        return f"is not reached: {cause.strerror}"
    if isinstance(cause, OSError) and cause.errno:
        return f"is not reached: {os.strerror(cause.errno)}"
    return "has closed the connection"


async def _connect(address: BusAddress) -> trio.abc.Stream:
    try:
        if address.path:
            return await trio.open_unix_socket(address.path)
        plain = await trio.open_tcp_stream(address.host, address.port)
    except OSError as error:
        # Of many addresses of a name, trio tells by a group.
        inner = error.__cause__
        if isinstance(inner, BaseExceptionGroup):
            inner = inner.exceptions[0]
        said = why(inner if isinstance(inner, OSError) else error)
        raise Away(said) from error
    if not address.is_tls:
        return plain
    try:
        # Reading the certificates of the system takes 10 ms and more.
        context = await trio.to_thread.run_sync(_tls, address)
        stream = trio.SSLStream(plain, context, server_hostname=address.host)
        await stream.do_handshake()
    except _BROKEN as error:
        await trio.aclose_forcefully(plain)
        raise Away(why(error)) from error
    except BaseException:
        await trio.aclose_forcefully(plain)
        raise
    return stream


def _tls(address: BusAddress) -> ssl.SSLContext:
    """What is believed, and what is shown.

    Raises:
        Away: A file cannot be used.
    """
    try:
        context = ssl.create_default_context(cafile=address.cacert or None)
        if address.cert:
            context.load_cert_chain(address.cert, address.key)
    except OSError as error:  # ssl.SSLError is one
        files = ", ".join(filter(None, (address.cacert, address.cert, address.key)))
        raise Away(f"needs files that cannot be used: {files}: {error}") from error
    return context


async def _greeting(address: BusAddress) -> bytes:
    """Say who we are, where a password is given.

    Raises:
        Away: Its file cannot be read.
    """
    words = [b"HELLO", b"3"]
    password = os.environ.get(PASSWORD_VARIABLE, "").encode("utf-8", "surrogateescape")
    if address.passfile:
        try:
            said = await trio.to_thread.run_sync(Path(address.passfile).read_bytes)
        except OSError as error:
            raise Away(f"needs its password, but {error}") from error
        password = said.partition(b"\n")[0].rstrip(b"\r")
    if password:
        words += [b"AUTH", address.user.encode() or b"default", password]
    return packed(*words, b"SETNAME", b"chatd")


async def _greet(stream: trio.abc.Stream, greeting: bytes) -> Dialed:
    reader = hiredis.Reader(notEnoughData=NOTHING)
    with suppress(*_BROKEN):  # it may have said why, first
        await stream.send_all(greeting)
    try:
        while (reply := reader.gets()) is NOTHING:
            data = await stream.receive_some(RECEIVE_BYTES)
            if not data:
                raise Away(_SPEECHLESS)
            reader.feed(bytes(data))
    except hiredis.ProtocolError as error:
        raise Away("answers what no server of Valkey does") from error
    except _BROKEN as error:
        is_tls = isinstance(error.__cause__, ssl.SSLError)
        raise Away(why(error) if is_tls else _SPEECHLESS) from error
    if isinstance(reply, hiredis.ReplyError):
        raise Away(meaning(str(reply)))
    return Dialed(stream, reader, judge(reply))


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _first_number(version: str) -> int:
    digits = version.partition(".")[0]
    return int(digits) if digits.isdecimal() else 0
