"""Limits of attempts: wrong passwords and invitations, and new accounts.

Wrong passwords are counted, by address and by account; right ones cost nothing,
so an office behind one address is not limited. A pair of account and address that has
logged in before counts by itself: strangers who guess can lock the user out neither
by the account nor by the address.

The limit is checked before a password waits for its hash and again when its turn has
come, so of many guesses at once no more are tried than are allowed.

Source: OWASP's authentication cheat sheet, and its device cookies; Synapse's
`rc_login`, which counts by address and by account.
"""

from __future__ import annotations

from collections.abc import Callable

import attrs

from chatd.core.quota import Buckets, address_key
from chatd.errors import Reject, RejectCode
from chatd.ids import UserName

WRONG_MAX = 5
WRONG_PER_S = WRONG_MAX / 900
"""Wrong passwords: five, and five more in 15 minutes."""

REGISTRATIONS_MAX = 3
REGISTRATIONS_PER_S = 1 / 600
"""New accounts from one address: three, then one in 10 minutes. Source: Synapse's
burst of 3."""

KNOWN_MAX = 16_384
"""Pairs of account and address that are remembered, the latest; about 3 MB."""


def _by_wrong() -> Buckets:
    return Buckets(WRONG_PER_S, WRONG_MAX)


@attrs.define(eq=False)
class AttemptLimiter:
    """Counts failed attempts, and refuses further ones. A restart forgets them.

    Args:
        now: The time in seconds, on a clock that never jumps.
    """

    _now: Callable[[], float]
    _by_address: Buckets = attrs.field(factory=_by_wrong, init=False)
    _by_account: Buckets = attrs.field(factory=_by_wrong, init=False)
    _by_pair: Buckets = attrs.field(factory=_by_wrong, init=False)
    _by_invitation: Buckets = attrs.field(factory=_by_wrong, init=False)
    _known: dict[str, None] = attrs.field(factory=dict, init=False)
    _registrations: Buckets = attrs.field(
        factory=lambda: Buckets(REGISTRATIONS_PER_S, REGISTRATIONS_MAX), init=False
    )

    def check(self, address: str, account: UserName) -> None:
        """Refuse an attempt after too many wrong passwords. Counts nothing.

        Raises:
            Reject: `rate_limited`, with the time after which one try is free.
        """
        now = self._now()
        wait_s = max(
            buckets.wait(key, now) for buckets, key in self._counts(address, account)
        )
        if wait_s:
            raise Reject(
                RejectCode.RATE_LIMITED,
                "too many wrong passwords: wait before you try again",
                retry_after_s=wait_s,
            )

    def wrong(self, address: str, account: UserName) -> None:
        """Count a wrong password."""
        now = self._now()
        for buckets, key in self._counts(address, account):
            buckets.take(key, now)

    def right(self, address: str, account: UserName) -> None:
        """Remember that this account is used from this address."""
        pair = _pair(address, account)
        self._known.pop(pair, None)
        if len(self._known) >= KNOWN_MAX:
            del self._known[next(iter(self._known))]
        self._known[pair] = None

    def check_invitation(self, address: str) -> None:
        """Refuse an attempt after too many wrong invitations. Counts nothing.

        Raises:
            Reject: `rate_limited`, with the time after which one try is free.
        """
        key = address_key(address)
        wait_s = self._by_invitation.wait(key, self._now()) if key else 0.0
        if wait_s:
            raise Reject(
                RejectCode.RATE_LIMITED,
                "too many invitations that are none: wait before you try again",
                retry_after_s=wait_s,
            )

    def wrong_invitation(self, address: str) -> None:
        """Count a wrong invitation."""
        if key := address_key(address):
            self._by_invitation.take(key, self._now())

    def register(self, address: str) -> None:
        """Count a new account.

        Raises:
            Reject: `rate_limited`, with the time after which one is free.
        """
        key = address_key(address)
        wait_s = self._registrations.take(key, self._now()) if key else 0.0
        if wait_s:
            raise Reject(
                RejectCode.RATE_LIMITED,
                "too many accounts were made from your address: wait a while",
                retry_after_s=wait_s,
            )

    def _counts(self, address: str, account: UserName) -> list[tuple[Buckets, str]]:
        """The buckets that an attempt counts in; a Unix socket has no address."""
        pair = _pair(address, account)
        if pair in self._known:
            return [(self._by_pair, pair)]
        counts: list[tuple[Buckets, str]] = [(self._by_account, account)]
        if key := address_key(address):
            counts.append((self._by_address, key))
        return counts


def _pair(address: str, account: UserName) -> str:
    return f"{address_key(address)} {account}"
