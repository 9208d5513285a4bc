"""Who may try a password, and who has to wait."""

from __future__ import annotations

import math

import attrs
import pytest

from chatd.auth import attempts
from chatd.auth.attempts import AttemptLimiter
from chatd.errors import Reject, RejectCode
from chatd.ids import UserName

ANN, BOB = UserName("ann"), UserName("bob")
OFFICE, HOME = "192.0.2.1", "2001:db8::1"


@attrs.define
class Logins:
    """An attempt limiter, and the clock that it reads."""

    at: float = 1000.0
    limiter: AttemptLimiter = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.limiter = AttemptLimiter(lambda: self.at)

    def wait_s(self, address: str, account: UserName) -> float:
        """How long a try would have to wait."""
        try:
            self.limiter.check(address, account)
        except Reject as reject:
            if reject.code is not RejectCode.RATE_LIMITED:
                raise
            return reject.retry_after_s or math.nan
        return 0.0

    def wrong(self, address: str, account: UserName, times: int = 5) -> None:
        """Be wrong so often."""
        for _ in range(times):
            self.limiter.wrong(address, account)


def test_right_passwords_cost_nothing() -> None:
    """However many people of one office log in."""
    logins = Logins()
    for number in range(100):
        name = UserName(f"ann{number}")
        assert not logins.wait_s(OFFICE, name)
        logins.limiter.right(OFFICE, name)


def test_five_wrong_ones_are_free_and_the_wait_is_exact() -> None:
    """Whoever waits as long as he was told has one try, and no more."""
    logins = Logins()
    logins.wrong(OFFICE, ANN, 4)
    assert not logins.wait_s(OFFICE, ANN)
    logins.wrong(OFFICE, ANN, 1)
    wait_s = logins.wait_s(OFFICE, ANN)
    assert wait_s == pytest.approx(180)
    logins.at += wait_s - 0.001
    assert logins.wait_s(OFFICE, ANN)
    logins.at += 0.001
    assert not logins.wait_s(OFFICE, ANN)
    logins.wrong(OFFICE, ANN, 1)
    assert logins.wait_s(OFFICE, ANN)


def test_an_account_is_guarded_against_many_addresses() -> None:
    """And an address against many accounts; an IPv6 one is its /64."""
    logins = Logins()
    for number in range(5):
        logins.limiter.wrong(f"192.0.2.{number + 10}", ANN)
    assert logins.wait_s("192.0.2.99", ANN)
    assert not logins.wait_s("192.0.2.99", BOB)
    for number in range(5):
        logins.limiter.wrong(f"2001:db8::{number + 10}", UserName(f"x{number}"))
    assert logins.wait_s(HOME, BOB)
    assert not logins.wait_s("2001:db8:0:1::1", BOB)


def test_whoever_is_known_counts_by_himself() -> None:
    """Strangers lock him neither out of his account nor out through his address; he
    himself has five tries as well.
    """
    logins = Logins()
    logins.limiter.right(OFFICE, ANN)
    logins.wrong(OFFICE, BOB)
    logins.wrong(HOME, ANN)
    assert logins.wait_s(OFFICE, BOB)
    assert logins.wait_s("192.0.2.7", ANN)
    assert not logins.wait_s(OFFICE, ANN)
    logins.wrong(OFFICE, ANN)
    assert logins.wait_s(OFFICE, ANN)


def test_only_the_latest_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """The table is bounded; who was forgotten is a stranger."""
    monkeypatch.setattr(attempts, "KNOWN_MAX", 2)
    logins = Logins()
    for name in (ANN, BOB, ANN, UserName("cy")):
        logins.limiter.right(OFFICE, name)
    logins.wrong(OFFICE, UserName("eve"))
    assert not logins.wait_s(OFFICE, ANN)
    assert logins.wait_s(OFFICE, BOB)


def test_who_comes_through_a_unix_socket_has_no_address() -> None:
    """Only his account counts: all of them come from the same place."""
    logins = Logins()
    logins.wrong("unix", ANN)
    assert logins.wait_s("unix", ANN)
    assert not logins.wait_s("unix", BOB)
    for _ in range(10):
        logins.limiter.register("unix")


def test_accounts_are_made_three_at_a_time() -> None:
    """Then one in ten minutes, from each address."""
    logins = Logins()
    for _ in range(3):
        logins.limiter.register(OFFICE)
    with pytest.raises(Reject) as found:
        logins.limiter.register(OFFICE)
    assert found.value.code is RejectCode.RATE_LIMITED
    assert found.value.retry_after_s == pytest.approx(600)
    logins.limiter.register(HOME)
    logins.at += 600
    logins.limiter.register(OFFICE)
