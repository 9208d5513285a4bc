"""Copies that are compressed with Zstandard, and how they are read again.

The format has a checksum of its own, and what was written is read again before it
counts: so a compressed copy that has its name is one that can be restored.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from chatd.errors import StoreRefused
from chatd.store.sqlite.copying import Pace, Tell

MAGIC = b"\x28\xb5\x2f\xfd"
"""Source: RFC 8878, section 3.1.1."""
PART_BYTES = 2**20
HEAD_BYTES = 18
"""The longest head of a frame. Source: RFC 8878, section 3.1.1.1."""
LEVEL = 3
"""The library's own default: more of it costs much more time."""


def is_compressed(path: Path) -> bool:
    """Say whether a file begins as a compressed one does.

    Args:
        path: The file.

    Raises:
        OSError: It cannot be read.
    """
    with path.open("rb") as file:
        return file.read(len(MAGIC)) == MAGIC


def compress(source: Path, pace: Pace, tell: Tell) -> None:
    """Compress a file into the one that `pace` has open, durably, and read it again.

    Args:
        source: The file.
        pace: How fast, and the descriptor of the other one.
        tell: Is told how far it is.

    Raises:
        StoreRefused: What was written is not what was read.
        OSError: It cannot be written.
    """
    from zstandard import ZstdCompressor, ZstdError  # noqa: PLC0415 - few need it

    size = max(1, source.stat().st_size)
    compressor = ZstdCompressor(level=LEVEL, write_checksum=True).compressobj(size=size)
    digest, done, began = hashlib.sha256(), 0, time.monotonic()
    with source.open("rb") as file:
        while part := file.read(PART_BYTES):
            _write(pace.written, compressor.compress(part))
            digest.update(part)
            done += len(part)
            tell("compressing", done / size)
            began = _rest(pace, began)
    _write(pace.written, compressor.flush())
    os.fsync(pace.written)
    again = hashlib.sha256()
    with open(os.dup(pace.written), "rb") as written:  # noqa: PTH123 - a descriptor
        written.seek(0)
        try:
            for part in _decompressed(written):
                again.update(part)
                began = _rest(pace, began)
        except ZstdError as error:
            raise StoreRefused("what was compressed cannot be read again") from error
    if again.digest() != digest.digest():
        raise StoreRefused("what was compressed cannot be read again")


def content_bytes(source: Path) -> int:
    """Say how large the content of a compressed file is, by what it says itself.

    Args:
        source: The file.

    Returns:
        Bytes; where it does not say, those of the file.

    Raises:
        StoreRefused: It is damaged.
        OSError: It cannot be read.
    """
    from zstandard import ZstdError, frame_content_size  # noqa: PLC0415 - few need it

    with source.open("rb") as file:
        try:
            size = frame_content_size(file.read(HEAD_BYTES))
        except ZstdError as error:
            raise StoreRefused(f"{source} is damaged ({error})") from error
    return size if size >= 0 else source.stat().st_size


def decompress(source: Path, descriptor: int, tell: Tell) -> None:
    """Write the content of a compressed file.

    Args:
        source: The file.
        descriptor: Where to write it.
        tell: Is told how far it is.

    Raises:
        StoreRefused: It is damaged, or ends too early.
        OSError: It cannot be read, or its content cannot be written.
    """
    from zstandard import ZstdError  # noqa: PLC0415 - few need it

    size = max(1, source.stat().st_size)
    try:
        with source.open("rb") as file:
            for part in _decompressed(file):
                _write(descriptor, part)
                tell("decompressing", min(1.0, file.tell() / size))
    except ZstdError as error:
        raise StoreRefused(f"{source} is damaged ({error})") from error


def _decompressed(file: BinaryIO) -> Iterator[bytes]:
    """Read the content of a compressed file, part by part; its end must be there.

    A part is never larger than `PART_BYTES`, however much a few bytes may stand for.

    Raises:
        ZstdError: It is damaged, or ends too early.
    """
    from zstandard import (  # noqa: PLC0415 - few need it
        ZstdDecompressor,
        ZstdError,
        frame_content_size,
    )

    size, done = frame_content_size(file.read(HEAD_BYTES)), 0
    file.seek(0)
    with ZstdDecompressor().stream_reader(file, closefd=False) as reader:
        while part := reader.read(PART_BYTES):
            done += len(part)
            yield part
    if size not in (done, -1):  # -1: whoever has compressed it did not say
        raise ZstdError("it ends too early")


def _write(descriptor: int, part: bytes) -> None:
    left = memoryview(part)
    while left:
        left = left[os.write(descriptor, left) :]


def _rest(pace: Pace, began: float) -> float:
    """Rest if it is time to.

    Returns:
        When the work began that is not rested from yet.
    """
    pause_s = pace.rest_s(time.monotonic() - began)
    if not pause_s:
        return began
    time.sleep(pause_s)  # noqa: TID251 - no loop runs here
    return time.monotonic()
