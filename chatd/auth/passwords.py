"""Passwords: how they are hashed, and how many at a time.

Argon2 runs in threads, in a limiter of its own (Trio's default one would run
forty hashes of 19 MiB at once), behind a bounded queue. What a caller wants to check
once more is called right before the hash, when those before it are done.
"""

from __future__ import annotations

import unicodedata
from base64 import b64encode
from collections.abc import Callable
from hashlib import sha512
from typing import TypeVar

import attrs
import trio
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import ARGON2_VERSION

from chatd.errors import Reject, RejectCode

HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
"""Source: OWASP's password storage cheat sheet, the second of its Argon2id rows."""

HASHES_AT_ONCE = 1
"""One core goes on serving while the other hashes."""

HASHES_WAITING_MAX = 32
"""About a second's worth; beyond it clients are told to come back."""


_T = TypeVar("_T")


@attrs.define(eq=False)
class Passwords:
    """Hashes and compares, one at a time.

    Args:
        random_text: Makes the hash that stands in for that of a name that does not
            exist.
    """

    random_text: str = attrs.field(repr=False)
    _limiter: trio.CapacityLimiter = attrs.field(
        factory=lambda: trio.CapacityLimiter(HASHES_AT_ONCE)
    )
    _dummy_hash: str = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._dummy_hash = _nobodys_hash(self.random_text)

    async def verify(
        self, stored: str | None, password: str, allowed: Callable[[], None]
    ) -> tuple[bool, str | None]:
        """Compare a password with a stored hash, or with one that no password has.

        Args:
            stored: The hash; None where there is none, which costs the same.
            password: What was given.
            allowed: Called right before the hash; may raise a `Reject`.

        Returns:
            Whether it is right, and a new hash where the stored one was made with
            cheaper parameters than today's.

        Raises:
            Reject: `rate_limited`: too many wait already; or what `allowed` raises.

        Cancellation: safe; a hash that was begun is finished and thrown away.
        """
        right, new_hash = await self._run(
            allowed, _verify, stored or self._dummy_hash, password
        )
        return right and stored is not None, new_hash

    async def hash(
        self, password: str, allowed: Callable[[], None] = lambda: None
    ) -> str:
        """Hash a new password.

        Args:
            password: The password.
            allowed: Called right before the hash; may raise a `Reject`.

        Raises:
            Reject: `rate_limited`: too many wait already; or what `allowed` raises.

        Cancellation: safe; a hash that was begun is finished and thrown away.
        """
        return await self._run(allowed, hash_password, password)

    async def _run(
        self, allowed: Callable[[], None], function: Callable[..., _T], *args: str
    ) -> _T:
        # Nothing may come between counting and waiting.
        if self._limiter.statistics().tasks_waiting >= HASHES_WAITING_MAX:
            raise Reject(
                RejectCode.RATE_LIMITED,
                "too many people are logging in at this moment",
                retry_after_s=1.0,
            )
        async with self._limiter:
            allowed()
            return await trio.to_thread.run_sync(function, *args)


def hash_password(password: str) -> str:
    """Hash a password for the store. Takes tens of milliseconds of the thread."""
    return HASHER.hash(_composed(password))


def _nobodys_hash(random_text: str) -> str:
    """A hash that costs what others cost, and that no password has.

    It is made of random bytes: hashing would take a sixth of an empty daemon's start.
    """
    random_bytes = sha512(random_text.encode()).digest()
    salt, digest = random_bytes[: HASHER.salt_len], random_bytes[-HASHER.hash_len :]
    parts = (b64encode(part).decode().rstrip("=") for part in (salt, digest))
    costs = f"m={HASHER.memory_cost},t={HASHER.time_cost},p={HASHER.parallelism}"
    return "$".join(("", "argon2id", f"v={ARGON2_VERSION}", costs, *parts))


def _verify(stored: str, password: str) -> tuple[bool, str | None]:
    """Compare; runs in a thread."""
    try:
        HASHER.verify(stored, _composed(password))
    except (VerificationError, InvalidHashError):
        return False, None
    return True, hash_password(password) if HASHER.check_needs_rehash(stored) else None


def _composed(password: str) -> str:
    """One spelling of a letter with its accent, whichever keyboard made it.

    Source: RFC 8265 section 4.2.2, rule 4.
    """
    return unicodedata.normalize("NFC", password)
