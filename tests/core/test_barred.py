"""Bans of addresses: how long they hold, and what is kept of them."""

from __future__ import annotations

from chatd.core.barred import (
    Barred,
    address_digest,
    banned_from_server,
    holding_for,
)
from chatd.core.changes import AddressBan
from chatd.core.entities import Sanction
from chatd.errors import RejectCode
from chatd.ids import UserName

A, B = UserName("a~1"), UserName("b~2")
HERE, THERE = b"here", b"there"
NOW = 1_800_000_000_000
HOUR = 3_600_000


def test_what_is_kept_is_no_address() -> None:
    """It tells whether two are the same, and nothing to another store."""
    kept = address_digest("192.0.2.1", "one")
    assert kept == address_digest("192.0.2.1", "one")
    assert kept != address_digest("192.0.2.2", "one")
    assert kept != address_digest("192.0.2.1", "two")
    assert len(kept) == 16
    assert b"192" not in kept


def test_the_key_may_have_any_length() -> None:
    """As a store's id, which somebody may have written by hand."""
    assert address_digest("192.0.2.1", "") != address_digest("192.0.2.1", "x")
    assert len(address_digest("192.0.2.1", "x" * 64)) == 16


def test_it_ends_with_the_ban_or_after_the_time() -> None:
    """Whichever is first; the reason is the ban's."""
    for until, end in ((None, HOUR), (9 * HOUR, HOUR), (HOUR // 2, HOUR // 2)):
        at = None if until is None else NOW + until
        ban = AddressBan(A, HERE, NOW, at, "spam")
        assert holding_for(ban, HOUR) == Sanction(NOW + end, "spam")


def test_nobody_is_kept_out_by_nothing() -> None:
    """An address without a ban is free, and lifting what is not there is nothing."""
    barred = Barred()
    barred.lift(A)
    assert barred.find(HERE, NOW) is None
    assert len(barred) == 0


def test_a_ban_holds_for_its_address_until_it_ends() -> None:
    """Not longer, though it is let go of later."""
    barred = Barred()
    barred.add(A, HERE, Sanction(NOW + 10, "spam"))
    assert barred.find(HERE, NOW + 9) == Sanction(NOW + 10, "spam")
    assert barred.find(THERE, NOW + 9) is None
    assert barred.find(HERE, NOW + 10) is None
    barred.tidy(NOW + 9)
    assert len(barred) == 1
    barred.tidy(NOW + 10)
    assert len(barred) == 0


def test_of_several_bans_the_longest_counts() -> None:
    """Whoever came first; and lifting one leaves the other."""
    barred = Barred()
    barred.add(A, HERE, Sanction(NOW + 20, "long"))
    barred.add(B, HERE, Sanction(NOW + 10, "short"))
    assert barred.find(HERE, NOW) == Sanction(NOW + 20, "long")
    barred.lift(A)
    assert barred.find(HERE, NOW) == Sanction(NOW + 10, "short")
    barred.lift(B)
    assert barred.find(HERE, NOW) is None


def test_another_ban_of_one_guest_takes_the_place_of_the_first() -> None:
    """Also from another address, whose first one is free then."""
    barred = Barred()
    barred.add(A, HERE, Sanction(NOW + 20, None))
    barred.add(A, THERE, Sanction(NOW + 10, None))
    assert len(barred) == 1
    assert barred.find(HERE, NOW) is None
    assert barred.find(THERE, NOW) == Sanction(NOW + 10, None)


def test_somebody_is_told_until_when_and_why_he_is_banned() -> None:
    """As far as there is an end or a reason."""
    for ban, text in (
        (Sanction(None, None), "you are banned from this server"),
        (Sanction(None, "spam"), "you are banned from this server: spam"),
        (
            Sanction(0, "spam"),
            "you are banned from this server until 1970-01-01T00:00:00.000Z: spam",
        ),
    ):
        reject = banned_from_server(ban)
        assert (reject.code, reject.text) == (RejectCode.BANNED, text)
