"""What somebody may still do at this moment, in a turn.

Rates and caps that are about more than one command stand here, so that there is
one place to ask: messages (`may_send`), secrets (`may_verify`), rooms (`may_create`,
`may_join`), the space of the disk (`may_grow`). Each is a `def` that takes what it
allows and raises `Reject` for what it does not. A rate that is refused says how long
to wait: so long that all rates that the command meets are satisfied then, and not
longer.

A user's buckets are with the user, an address' in bounded tables (`Shares`).
Connections through a Unix socket have no address and no share. The operator is asked
for the space of the disk, and for no rate.
"""

from __future__ import annotations

from chatd.core.entities import Connection
from chatd.core.quota import HOUR_S, Bucket, Space, adjusted, full_bucket
from chatd.core.turn import Turn
from chatd.errors import Reject, RejectCode
from chatd.ids import UserName, is_direct, is_guest

MESSAGE_OVERHEAD_BYTES = 150
"""What a message takes on disk beside its text. Source: measured, 153 bytes for 60
characters with a `cid`."""
SECRETS_BURST = 5
SECRET_S = 10.0
"""Tokens of `refresh` and passwords of `password`: five at once, then one each 10 s.
Source: a token that lives for a minute is announced and renewed once in it."""
SPACE_RETRY_AFTER_S = 60.0
"""Space does not come back by itself in a second; somebody has to see to it."""


# --- messages ---------------------------------------------------------------


def may_send(turn: Turn, connection: Connection, text: str = "") -> None:
    """Take one message from its user's bucket, and from its address' ones.

    Edits, reactions, what moderators do and the like count as one, too.

    Args:
        turn: The turn.
        connection: Where it came from.
        text: What it brings to be stored.

    Raises:
        Reject: `rate_limited`; nothing was taken.
    """
    if connection.is_operator:
        return
    user, now = turn.user(connection), turn.now.mono
    limits = turn.config.limits
    per_s, burst = limits.messages_per_s, limits.messages_burst
    bucket = user.messages = adjusted(user.messages, per_s, burst, now)
    if bucket.take(now):
        raise _too_many(turn, connection, bucket, text)
    address = connection.address
    if address is None:
        return
    shares = turn.shares
    if shares.messages.take(address, now):
        bucket.give_back()
        raise _too_many(turn, connection, bucket, text)
    if not shares.guest_bytes.per_s or not is_guest(user.name):
        return
    if shares.guest_bytes.take(address, now, _size(turn, text)):
        bucket.give_back()
        shares.messages.give_back(address)
        raise _too_many(turn, connection, bucket, text)


def give_back(turn: Turn, connection: Connection, text: str = "") -> None:
    """Return what `may_send` took: it was stored before, or changed nothing."""
    if connection.is_operator:
        return
    user, address, shares = turn.user(connection), connection.address, turn.shares
    assert user.messages is not None
    user.messages.give_back()
    if address is not None:
        shares.messages.give_back(address)
        if is_guest(user.name):
            shares.guest_bytes.give_back(address, _size(turn, text))


def _too_many(turn: Turn, connection: Connection, bucket: Bucket, text: str) -> Reject:
    """The refusal of a message: by whichever bucket takes longest."""
    limits, now, address = turn.config.limits, turn.now.mono, connection.address
    burst, per_s = limits.messages_burst, limits.messages_per_s
    waits = [(bucket.wait(now), _rate(burst, per_s, "a second"))]
    if address is not None:
        factor = limits.address_factor
        shared = _rate(burst * factor, per_s * factor, "a second from one address")
        waits.append((turn.shares.messages.wait(address, now), shared))
        if is_guest(turn.user(connection).name):
            size = _size(turn, text)
            day = f"at most {limits.guest_bytes_per_d} bytes a day from guests of"
            wait_s = turn.shares.guest_bytes.wait(address, now, size)
            waits.append((wait_s, f"{day} one address"))
    return _rate_limited("too many messages", waits)


def _size(turn: Turn, text: str) -> int:
    """What a guest's message counts; one that is larger than a day's takes it all."""
    size = len(text.encode()) + MESSAGE_OVERHEAD_BYTES
    return min(size, turn.config.limits.guest_bytes_per_d)


# --- secrets ----------------------------------------------------------------


def may_verify(turn: Turn, connection: Connection) -> None:
    """Take one more secret that a connection has verified after its hello.

    Each costs a signature or a hash, and a commit.

    Raises:
        Reject: `rate_limited`.
    """
    now = turn.now.mono
    if connection.secrets is None:
        connection.secrets = full_bucket(1 / SECRET_S, SECRETS_BURST, now)
    if wait_s := connection.secrets.take(now):
        rate = f"at most {SECRETS_BURST} at once, then one each {SECRET_S:g} s"
        raise _rate_limited("too many tokens or passwords", [(wait_s, rate)])


# --- rooms ------------------------------------------------------------------


def may_create(turn: Turn, connection: Connection, *, direct: bool = False) -> None:
    """Take one new room, or direct conversation, from whoever opens it.

    Raises:
        Reject: `forbidden` for one who has made too many, or is in too many;
            `rate_limited`; `unavailable` while the disk is nearly full.
    """
    user, limits = turn.user(connection), turn.config.limits
    may_grow(turn, user.name)
    if not direct:
        may_join(turn, connection)
        if 0 < limits.rooms_per_user <= len(user.made):
            raise Reject(
                RejectCode.FORBIDDEN,
                f"you have made {limits.rooms_per_user} rooms that are there, and"
                " nobody makes more: destroy one, or leave one that is empty",
            )
    may_name(turn, connection)


def may_name(turn: Turn, connection: Connection) -> None:
    """Take one new name of a room from whoever gives it.

    Raises:
        Reject: `rate_limited`.
    """
    if connection.is_operator:
        return
    user, limits, now = turn.user(connection), turn.config.limits, turn.now.mono
    burst, per_h = limits.creations_burst, limits.creations_per_h
    bucket = user.creations = adjusted(user.creations, per_h / HOUR_S, burst, now)
    waits = [(bucket.wait(now), _rate(burst, per_h, "an hour"))]
    address = connection.address
    if address is not None:
        factor = limits.address_factor
        shared = _rate(burst * factor, per_h * factor, "an hour from one address")
        waits.append((turn.shares.creations.wait(address, now), shared))
    if any(wait_s for wait_s, _ in waits):
        raise _rate_limited("too many new rooms", waits)
    bucket.take(now)
    if address is not None:
        turn.shares.creations.take(address, now)


def give_back_creation(turn: Turn, connection: Connection) -> None:
    """Return what `may_create` took: no room was made."""
    if connection.is_operator:
        return
    user, address = turn.user(connection), connection.address
    assert user.creations is not None
    user.creations.give_back()
    if address is not None:
        turn.shares.creations.give_back(address)


def may_join(turn: Turn, connection: Connection) -> None:
    """Check that its user may be in one more room.

    Raises:
        Reject: `forbidden`; `unavailable` while the disk is nearly full.
    """
    user, most = turn.user(connection), turn.config.limits.memberships_per_user
    may_grow(turn, user.name)
    rooms = turn.durable.rooms_of(user.name)
    if 0 < most <= sum(not is_direct(name) for name in rooms):
        raise Reject(
            RejectCode.FORBIDDEN,
            f"you are in {most} rooms, and nobody may be in more: leave one first",
            field="room",
        )


# --- space ------------------------------------------------------------------


def may_grow(turn: Turn, user: UserName) -> None:
    """Check that there is space for what somebody wants to add to the store.

    Raises:
        Reject: `unavailable`, for guests first.
    """
    if turn.space is Space.AMPLE:
        return
    if turn.space is Space.NONE:
        so = "nothing can be added to it now"
    elif is_guest(user):
        so = "guests can add nothing to it now"
    else:
        return
    raise Reject(
        RejectCode.UNAVAILABLE,
        f"the server's disk is nearly full, so {so}; reading goes on",
        retry_after_s=SPACE_RETRY_AFTER_S,
    )


def _rate(burst: int, rate: float, unit: str) -> str:
    return f"at most {burst} at once, then {rate:g} {unit}"


def _rate_limited(what: str, waits: list[tuple[float, str]]) -> Reject:
    wait_s, why = max(waits, key=lambda entry: entry[0])
    return Reject(RejectCode.RATE_LIMITED, f"{what}: {why}", retry_after_s=wait_s)
