"""What has come of one connection, and how much more may. Pure.

What was handed over and is not answered is open, and the host says when it is answered;
what is not whole yet, the scanner keeps. Messages and bytes have a bucket each. Nothing
here waits: `chatd.net.websocket` asks before it reads and before it hands over, and the
outlet passes on what the host says of it.
"""

from __future__ import annotations

import attrs

from chatd.core.quota import Bucket, full_bucket
from chatd.net.host import WebSocketLimits
from chatd.net.scanner import Scanner

READ_BYTES = 16_384
"""At most so much is scanned before other connections have their turn."""
_BUCKET_S = 2.0
"""Seconds of `commands_per_s` that a quiet client may use at once."""


@attrs.define(eq=False)
class Intake:
    """The incoming side of a connection, without its socket."""

    limits: WebSocketLimits = attrs.field(repr=False)
    scanner: Scanner = attrs.field(repr=False)
    bytes_in: int = attrs.field(default=0, init=False)
    messages_in: int = attrs.field(default=0, init=False)
    open_commands: int = attrs.field(default=0, init=False)
    """Messages handed over that are not answered yet."""
    open_bytes: int = attrs.field(default=0, init=False)
    """About how many bytes those have: each counts as the mean of all."""
    command_bucket: Bucket = attrs.field(init=False, repr=False)
    """Each message that is read takes one; `charge` takes more."""
    byte_bucket: Bucket = attrs.field(init=False, repr=False)
    """Each byte that is read takes one."""
    is_held: bool = attrs.field(default=False, init=False)
    """The host asked not to read."""

    def __attrs_post_init__(self) -> None:
        """Fill the buckets."""
        limits, now = self.limits, self.scanner.now
        per_s = limits.commands_per_s
        self.command_bucket = full_bucket(per_s, max(1.0, per_s * _BUCKET_S), now)
        # Of less than one read could never be paid for.
        burst = max(READ_BYTES, limits.bytes_burst)
        self.byte_bucket = full_bucket(limits.bytes_per_s, burst, now)

    @property
    def is_full(self) -> bool:
        """Whether nothing may be read: too much is open, or the host asked for it."""
        limits = self.limits
        return (
            0 < limits.inflight_max <= self.open_commands
            or 0 < limits.frame_bytes <= self.open_bytes
            or self.is_held
        )

    @property
    def kept(self) -> int:
        """Bytes that are held of what has come."""
        return self.scanner.kept + self.open_bytes

    def may_take(self, most: int) -> int:
        """How many of `most` messages may be handed over now: one at least.

        Whoever has none left in the bucket waits with that one.
        """
        limits = self.limits
        if limits.commands_per_s:
            most = self.command_bucket.whole(self.scanner.now, most)
        if limits.inflight_max:
            most = min(most, limits.inflight_max - self.open_commands)
        return max(1, most)

    def opened(self, count: int, size: int) -> None:
        """Note messages that are handed over, and how many bytes they have."""
        self.messages_in += count
        self.open_commands += count
        self.open_bytes += size

    def answered(self) -> None:
        """One message that was handed over has had all its replies pushed."""
        self.open_commands -= 1
        self.open_bytes -= self.open_bytes // (max(0, self.open_commands) + 1)

    def forget(self) -> None:
        """Keep nothing of what is not whole: it is scanned no more."""
        self.scanner.forget()
