"""The consequences of errors are those of the protocol's tables."""

from __future__ import annotations

import pytest

from chatd import errors
from chatd.errors import (
    MALFORMED,
    ChatdError,
    ConfigError,
    Ending,
    Reject,
    RejectCode,
)

# Protocol section 9.
CODES = [
    "bad_json",
    "bad_frame",
    "bad_type",
    "bad_field",
    "not_authenticated",
    "bad_credentials",
    "bad_invitation",
    "invitation_used",
    "invitation_expired",
    "forbidden",
    "no_room",
    "no_user",
    "no_message",
    "no_session",
    "no_invitation",
    "no_token",
    "exists",
    "name_taken",
    "not_member",
    "banned",
    "muted",
    "rate_limited",
    "too_long",
    "cid_conflict",
    "bad_config",
    "unavailable",
    "internal",
]

# Protocol section 8: whether to come back.
CLOSES = {
    1000: False,
    1002: False,
    1007: False,
    1008: False,
    1009: True,
    1011: True,
    4001: True,
    4002: True,
    4003: True,
    4004: True,
    4005: True,
    4500: False,
    4501: False,
    4502: False,
    4503: False,
    4504: False,
    4505: False,
    4506: False,
    4507: False,
}


def test_the_codes_are_those_of_the_protocol() -> None:
    """Every code of the protocol exists, in its order, and no other."""
    assert [str(code) for code in RejectCode] == CODES


def test_what_counts_as_malformed() -> None:
    """The five codes that fill the bucket of close code 4502."""
    assert {
        "bad_json",
        "bad_frame",
        "bad_type",
        "bad_field",
        "not_authenticated",
    } == MALFORMED


def test_the_endings_are_those_of_the_protocol() -> None:
    """Each close code has a row, with the advice that the protocol gives."""
    rows = {end.code: end.reconnect for end in Ending if end.code is not None}
    assert rows == CLOSES


@pytest.mark.parametrize("ending", Ending)
def test_a_code_above_4000_says_itself_whether_to_come_back(ending: Ending) -> None:
    """4000 to 4499 say reconnect, 4500 to 4999 say stop."""
    if ending.code is not None and ending.code >= 4000:
        assert ending.reconnect is (ending.code < 4500)


def test_reasons_are_words_that_fit_into_a_close_frame() -> None:
    """One word of ASCII for each ending, no word twice, at most 123 bytes."""
    reasons = [ending.reason for ending in Ending]
    assert len(set(reasons)) == len(reasons)
    for reason in reasons:
        assert reason.isascii()
        assert reason.replace("_", "").isalnum()
        assert len(reason) <= 123


def test_a_lost_peer_gets_no_close_frame() -> None:
    """Where the transport is gone there is no code to send."""
    assert Ending.PEER_LOST.code is None
    assert Ending.PEER_LOST.reason == "lost"
    assert Ending.PEER_LOST.reconnect


def test_a_reject_carries_what_the_reply_needs() -> None:
    """Code, text, field and time to wait are there for the reply."""
    reject = Reject(RejectCode.RATE_LIMITED, "slower", retry_after_s=1.5)
    assert (reject.code, reject.text, str(reject)) == (
        "rate_limited",
        "slower",
        "slower",
    )
    assert (reject.field, reject.retry_after_s) == (None, 1.5)
    assert Reject(RejectCode.BAD_FIELD, "no", field="room").field == "room"


def test_a_configuration_error_tells_all_problems() -> None:
    """One line for each problem, in their order."""
    error = ConfigError(["a: one", "b: two"])
    assert error.problems == ["a: one", "b: two"]
    assert str(error) == "a: one\nb: two"


def test_every_error_has_the_same_root() -> None:
    """Whoever wants to tell errors from bugs can catch one class."""
    kinds = [
        kind
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, Exception)
    ]
    assert len(kinds) >= 6
    assert all(issubclass(kind, ChatdError) for kind in kinds)
