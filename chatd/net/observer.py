"""What the edge reports, to be logged and counted."""

from __future__ import annotations

from typing import Protocol

from chatd.ids import ConnectionId
from chatd.net.trouble import Trouble


class NetObserver(Protocol):
    """The receiver of the edge's reports; no method may raise."""

    def connection_bug(self, connection: ConnectionId, error: Exception) -> None:
        """An exception reached the firewall."""

    def accept_failed(self, error: OSError) -> None:
        """Accepting fails, as without free descriptors; told once a minute."""

    def refused(self, address: str, status: int) -> None:
        """A request was refused: 503, 403 or another of the kind."""

    def troubled(self, trouble: Trouble) -> None:
        """Something was refused, or not believed, that only the operator can mend."""
