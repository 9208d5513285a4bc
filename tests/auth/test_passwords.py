"""How passwords are hashed."""

from __future__ import annotations

import argon2
import pytest
import trio
import trio.testing

from chatd.auth import passwords
from chatd.auth.passwords import Passwords, hash_password
from chatd.errors import Reject, RejectCode

CHEAP = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


@pytest.fixture(autouse=True)
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hash cheaply."""
    monkeypatch.setattr(passwords, "HASHER", CHEAP)


def nothing_against_it() -> None:
    """Allow."""


@pytest.mark.parametrize(
    ("one", "other"),
    [("café noir", "cafe\u0301 noir"), ("Å ring", "A\u030a ring")],
)
async def test_a_letter_has_one_spelling(one: str, other: str) -> None:
    """Whether a keyboard sends it whole or with its accent behind it."""
    assert one != other
    found = await Passwords("x").verify(hash_password(one), other, nothing_against_it)
    assert found == (True, None)


async def test_what_is_asked_before_the_hash_is_asked_one_after_the_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """So whoever was wrong just now has been counted when the next one's turn comes."""
    guard = Passwords("x")
    tried: list[tuple[bool, str | None]] = []
    stored = hash_password("right")

    def allowed() -> None:
        if len(tried) == 2:
            raise Reject(RejectCode.RATE_LIMITED, "enough")

    refused = []

    async def guess() -> None:
        try:
            tried.append(await guard.verify(stored, "wrong", allowed))
        except Reject as reject:
            refused.append(reject.code)

    async with trio.open_nursery() as nursery:
        for _ in range(5):
            nursery.start_soon(guess)
    assert tried == [(False, None)] * 2
    assert refused == ["rate_limited"] * 3
