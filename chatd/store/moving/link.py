"""The connection of a move, which is made again when it was lost."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import attrs

from chatd.errors import StoreFailed, StoreRefused, StoreUnavailable
from chatd.store.postgres import serving
from chatd.store.postgres.connection import Connection
from chatd.store.postgres.faults import ConnectionLost

AWAY_S, AWAY_PAUSE_S = 120.0, 0.25
"""How long a server may be away. Source: it is restarted in that time."""
LOSSES_MAX = 5
"""How often the connection may be lost until there is more to it."""

T = TypeVar("T")


@attrs.define
class Link:
    """A connection that holds the lock of its database.

    Args:
        db: The connection.
        where: What the database is called.
    """

    db: Connection
    where: str

    def run(self, attempt: Callable[[], T]) -> T:
        """Do something that can be begun again, until it is done.

        Args:
            attempt: Does it, with the lock held.

        Raises:
            StoreUnavailable: It cannot be done now.
        """
        with named(self.where):
            self._connect()
        losses = 0
        while True:
            try:
                return attempt()
            except ConnectionLost as lost:
                self.db.close()
                losses += 1
                if losses > LOSSES_MAX:
                    raise _later(lost) from lost
                with named(self.where):
                    self._connect_again()
            except StoreUnavailable as error:
                raise _later(error) from error

    def _connect(self) -> None:
        if self.db.is_open:
            return
        try:
            self.db.open()
        except ConnectionLost as lost:
            raise ConnectionLost(
                f"cannot be reached: {lost}; is PostgreSQL running there, and does it"
                " let this user in?"
            ) from lost
        serving.take_alone(self.db)

    def _connect_again(self) -> None:
        """Wait until the server is back, and has noticed that we were away."""
        until = time.monotonic() + AWAY_S
        while True:
            try:
                self._connect()
            except StoreUnavailable:
                self.db.close()
                if time.monotonic() >= until:
                    raise
                time.sleep(AWAY_PAUSE_S)  # noqa: TID251 - no loop runs here
            else:
                return


def _later(error: StoreUnavailable) -> StoreUnavailable:
    return StoreUnavailable(f"{error}; what is there stays: the same command goes on")


@contextmanager
def named(where: str) -> Iterator[None]:
    """Run the block; what it refuses is told of a database.

    Args:
        where: What that is called.
    """
    try:
        yield
    except ConnectionLost as error:
        raise ConnectionLost(f"{where}: {error}") from error
    except StoreUnavailable as error:
        raise StoreUnavailable(f"{where}: {error}") from error
    except StoreRefused as error:
        raise type(error)(f"{where}: {error}") from error
    except StoreFailed as error:
        raise StoreFailed(f"{where}: {error}") from error
