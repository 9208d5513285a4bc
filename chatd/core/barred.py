"""Addresses from which no guest is let in: what a ban of a guest holds for, too.

A guest who is banned could be back under a new name in ten milliseconds. So the ban
also holds for guests who come from where he came, for a time (`auth.guest_ban_h`), in
one room or in all of the server. Accounts from there are not concerned: an office has
one address.

An address is known here by its digest alone (`address_digest`), which is enough to
tell whether two are the same. Which guests share one is told to nobody, neither by an
answer nor by what others see happen.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

from hashlib import blake2b

import attrs

from chatd.core.changes import AddressBan
from chatd.core.entities import Sanction
from chatd.errors import Reject, RejectCode
from chatd.ids import UserName
from chatd.wire.events import HOUR_MS, Millis
from chatd.wire.timestamps import rfc3339

DIGEST_BYTES = 16
TIDY_S = 600.0
"""How long what has ended stays in memory at the most."""
KNOWN_MS = HOUR_MS
"""How long the address of a guest who has gone is kept, so that he can be banned still:
an hour, in which somebody may be found who bans him."""


def address_digest(address: str, key: str) -> bytes:
    """What is kept of an address.

    Args:
        address: An `chatd.core.quota.address_key`.
        key: The store's own, so that those of two stores cannot be compared.
    """
    return blake2b(
        address.encode(), key=key.encode(), digest_size=DIGEST_BYTES
    ).digest()


@attrs.define(eq=False)
class Barred:
    """The addresses that are banned from one room, or from the server."""

    _by_user: dict[UserName, tuple[bytes, Sanction]] = attrs.field(
        factory=dict, init=False
    )
    """Each with the banned guest whose ban it is."""
    _by_address: dict[bytes, dict[UserName, Sanction]] = attrs.field(
        factory=dict, init=False
    )

    def __len__(self) -> int:
        """How many bans there are."""
        return len(self._by_user)

    def add(self, user: UserName, address: bytes, ban: Sanction) -> None:
        """Take a ban, in place of an earlier one of the same user."""
        self.lift(user)
        self._by_user[user] = address, ban
        self._by_address.setdefault(address, {})[user] = ban

    def lift(self, user: UserName) -> None:
        """Let go of a user's ban, if there is one."""
        address, _ = self._by_user.pop(user, (b"", None))
        others = self._by_address.get(address, {})
        others.pop(user, None)
        if not others:
            self._by_address.pop(address, None)

    def find(self, address: bytes, now: Millis) -> Sanction | None:
        """What keeps guests from an address out.

        Of several it is the one that holds longest, with its reason.
        """
        bans = self._by_address.get(address, {}).values()
        longest = max(bans, key=_end, default=None)
        return longest if longest is not None and longest.holds(now) else None

    def tidy(self, now: Millis) -> None:
        """Let go of what does not hold any longer."""
        for user, (_, ban) in list(self._by_user.items()):
            if not ban.holds(now):
                self.lift(user)


def _end(ban: Sanction) -> Millis:
    assert ban.until is not None
    return ban.until


def holding_for(ban: AddressBan, kept_ms: Millis) -> Sanction:
    """What a ban means for an address: it ends with it, or after `kept_ms`."""
    end = ban.at + kept_ms
    return Sanction(end if ban.until is None else min(end, ban.until), ban.reason)


def banned_from_server(ban: Sanction) -> Reject:
    """Tell somebody that he is banned from the server, until when and why."""
    text = "you are banned from this server"
    if ban.until is not None:
        text += f" until {rfc3339(ban.until)}"
    return Reject(RejectCode.BANNED, f"{text}: {ban.reason}" if ban.reason else text)
