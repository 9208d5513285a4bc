"""Calling into the thread that owns a connection, from Trio."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeVar, cast

import apsw
import apsw.aio

from chatd.store.sqlite.faults import translated

T = TypeVar("T")


async def call(db: apsw.AsyncConnection, function: Callable[..., T], *args: Any) -> T:
    """Run a function in the connection's thread.

    Trio's own deadline arrives as a cancellation; apsw's copy of it would race
    with that and raise `TooSlowError` where it is not expected.

    Cancellation: a statement that runs is interrupted, unless it is shielded.
    """
    before = apsw.aio.deadline.set(math.inf)
    try:
        return cast(T, await db.async_run(function, *args))
    finally:
        apsw.aio.deadline.reset(before)


def in_words(db: apsw.Connection, function: Callable[..., T], *args: Any) -> T:
    """Run a function in the connection's thread; errors are the store's own.

    Raises:
        StoreUnavailable: The disk is full, or another process holds the file.
        StoreFailed: Anything else that SQLite reported.
    """
    with translated(db):
        return function(db, *args)
