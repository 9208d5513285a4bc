"""Who was not let in: counted, and a line of the log for each, within bounds.

The line has a stable form, by which `contrib/fail2ban` finds the addresses that guess:
`login failed`, then `address`, then `reason`, a word of `LoginFailure`. Behind them
stand `user` where the account is known, `command` where it was not a hello, `detail`
what exactly was wrong, and `wait_s` how long the client was told to wait.

Whoever fails without end causes `LINES_AT_ONCE` lines for his address, then one a
minute; all together `LINES_AT_ONCE_OF_ALL`, then one a second. `others` in the next
line says how many were left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import attrs

from chatd.core.quota import Buckets, address_key
from chatd.errors import LoginFailure, Reject, RejectCode
from chatd.observe import log
from chatd.wire.sessions import Hello

LINES_AT_ONCE = 10
"""For one address. Source: fail2ban bans after five."""
LINE_EVERY_S = 60.0
LINES_AT_ONCE_OF_ALL = 200
LINE_EVERY_S_OF_ALL = 1.0

_BY_CODE = {
    RejectCode.BANNED: LoginFailure.BANNED,
    RejectCode.RATE_LIMITED: LoginFailure.TOO_MANY,
    RejectCode.FORBIDDEN: LoginFailure.FORBIDDEN,
    RejectCode.BAD_INVITATION: LoginFailure.BAD_INVITATION,
    RejectCode.INVITATION_USED: LoginFailure.INVITATION_USED,
    RejectCode.INVITATION_EXPIRED: LoginFailure.INVITATION_EXPIRED,
}
"""Refusals that say it all; others, as of a field, are no failed login."""


class LoginFailed(Reject):
    """A credential is refused, and its sender is told no more than that.

    Attributes:
        failure: Why.
        user: Whose account it is about, if that is known.
        detail: What exactly was wrong, for the operator.
    """

    def __init__(
        self,
        failure: LoginFailure,
        text: str,
        *,
        user: str | None = None,
        detail: str = "",
    ) -> None:
        super().__init__(RejectCode.BAD_CREDENTIALS, text)
        self.failure = failure
        self.user = user
        self.detail = detail


@attrs.define(eq=False)
class Failures:
    """Tells the operator who was not let in.

    Args:
        count: Counts one.
        now: Seconds of a clock that does not go back.
    """

    _count: Callable[[LoginFailure], None]
    _now: Callable[[], float]
    _by_address: Buckets = attrs.field(
        factory=lambda: Buckets(1 / LINE_EVERY_S, LINES_AT_ONCE), init=False
    )
    _of_all: Buckets = attrs.field(
        factory=lambda: Buckets(1 / LINE_EVERY_S_OF_ALL, LINES_AT_ONCE_OF_ALL),
        init=False,
    )
    _untold: int = attrs.field(default=0, init=False)
    """Failures without a line since the last line."""

    @contextmanager
    def of(self, address: str, command: str) -> Iterator[None]:
        """Tell of the failure that ends the block, if one does.

        Args:
            address: The client's.
            command: What it has sent.
        """
        try:
            yield
        except Reject as reject:
            failure = (
                reject.failure
                if isinstance(reject, LoginFailed)
                else _BY_CODE.get(reject.code)
            )
            if failure is not None:
                self._count(failure)
                self._tell(failure, reject, address, command)
            raise

    def _tell(
        self, failure: LoginFailure, reject: Reject, address: str, command: str
    ) -> None:
        if not self._may_tell(address_key(address) or address):
            self._untold += 1
            return
        about: dict[str, Any] = {"address": address, "reason": str(failure)}
        if isinstance(reject, LoginFailed) and reject.user is not None:
            about["user"] = reject.user
        if command != Hello.type:
            about["command"] = command
        if isinstance(reject, LoginFailed) and reject.detail:
            about["detail"] = reject.detail
        if reject.retry_after_s is not None:
            about["wait_s"] = round(reject.retry_after_s)
        if self._untold:
            about["others"], self._untold = self._untold, 0
        log().info("login failed", **about)

    def _may_tell(self, key: str) -> bool:
        """Take a line of its address and one of all, or neither."""
        now = self._now()
        if self._by_address.take(key, now):
            return False
        if self._of_all.take("", now):
            self._by_address.give_back(key)
            return False
        return True
