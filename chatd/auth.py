"""From a credential to a principal: passwords, tokens, sessions, guests.

The only place where a secret is compared. Passwords are verified with Argon2 in
a limiter of their own (the default one would run forty hashes of 19 MiB at
once), behind a bounded queue; a name that does not exist costs the same time and
gets the same answer as a wrong password. Tokens and sessions are 256 random
bits, kept and looked up as their SHA-256: a look-up is one hash, so a storm of
people who come back never reaches Argon2.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable

import attrs
import trio
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from chatd.config import Config
from chatd.core.drafts import SetPasswordHash
from chatd.core.principal import Principal
from chatd.errors import Reject, RejectCode
from chatd.ids import SessionId, UserName, is_guest
from chatd.names import check_free
from chatd.ports import SessionRow, Store, UserRow
from chatd.wire.commands import Hello
from chatd.wire.encode import rfc3339

HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
"""Source: OWASP's password storage cheat sheet, the second of its Argon2id rows."""

HASHES_AT_ONCE = 1
"""One core goes on serving while the other hashes."""

HASHES_WAITING_MAX = 32
"""About a second's worth; beyond it people are told to come back."""

DAY_MS = 86_400_000


@attrs.define(eq=False)
class Authenticator:
    """Verifies what `hello` presents.

    Args:
        store: Where accounts, tokens and sessions are.
        config: The settings.
        random_bytes: Draws so many random bytes.
        wall: The time in milliseconds.
        rehashed: Takes a new hash for a password whose old one was too cheap.
    """

    _store: Store
    _config: Config
    _random_bytes: Callable[[int], bytes]
    _wall: Callable[[], int]
    _rehashed: Callable[[SetPasswordHash], None]
    _limiter: trio.CapacityLimiter = attrs.field(
        factory=lambda: trio.CapacityLimiter(HASHES_AT_ONCE)
    )
    _dummy_hash: str = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._dummy_hash = HASHER.hash(self._random_bytes(16).hex())

    async def authenticate(self, hello: Hello, bearer: str | None) -> Principal:
        """Verify one credential.

        Args:
            hello: What was sent.
            bearer: The token that came with the upgrade, if one did.

        Returns:
            Who it is, and the session that goes on or has to be opened.

        Raises:
            Reject: `bad_credentials`, `forbidden` (no guests here), `banned`,
                `bad_field` (two credentials), `name_taken` (a reserved name),
                `rate_limited`.

        Cancellation: safe; a hash that was begun is finished and thrown away.
        """
        token: str | None = hello.token
        if bearer is not None:
            given = (hello.token, hello.password, hello.name)
            if any(entry is not None for entry in given):
                raise Reject(
                    RejectCode.BAD_FIELD,
                    "the upgrade brought a token already: send one credential in all",
                    field="token" if hello.token is not None else "name",
                )
            token = bearer
        if hello.session is not None:
            return await self._resume(hello.session, token)
        if token is not None:
            user, digest = await self._by_token(token)
            return self._new(user, digest)
        if hello.password is not None:
            assert hello.name is not None
            return self._new(await self._by_password(hello.name, hello.password), None)
        return self._guest(hello.name)

    async def _resume(self, secret: str, token: str | None) -> Principal:
        """Go on with a session; a token of the same user may come with it."""
        row = await self._store.session(SessionId(digest_of(secret)))
        user = await self._store.user(row.user) if row is not None else None
        if row is None or user is None or self._is_over(row):
            raise wrong("this session is not known, or has ended")
        if token is not None:
            if (await self._by_token(token))[0].user != user.user:
                raise Reject(
                    RejectCode.BAD_FIELD,
                    "token: it is not of the session's user",
                    field="token",
                )
        elif row.token is not None:
            # A session ends with the token that it came from.
            await self._check_token(row.token)
        self._refuse_banned(user)
        return Principal(
            user.user,
            user.display,
            user.role,
            row.session,
            secret,
            row.token,
            resumed=True,
        )

    def _is_over(self, row: SessionRow) -> bool:
        """Whether an account's session was idle for too long. Guests': the core."""
        if row.idle_since is None or is_guest(row.user):
            return False
        idle_ms = self._wall() - row.idle_since
        return idle_ms > self._config.auth.session_days * DAY_MS

    async def _by_token(self, token: str) -> tuple[UserRow, bytes]:
        digest = digest_of(token)
        user = await self._store.user(await self._check_token(digest))
        if user is None:
            raise wrong("this token is not known")
        self._refuse_banned(user)
        return user, digest

    async def _check_token(self, digest: bytes) -> UserName:
        """Whose token it is, if it is one now."""
        row = await self._store.token(digest)
        if row is None:
            raise wrong("this token is not known")
        if row.expires is not None and row.expires <= self._wall():
            raise wrong("this token has expired")
        return row.user

    async def _by_password(self, name: str, password: str) -> UserRow:
        user = await self._store.user(UserName(name))
        # After the look-up: nothing may come between counting and waiting.
        if self._limiter.statistics().tasks_waiting >= HASHES_WAITING_MAX:
            raise Reject(
                RejectCode.RATE_LIMITED,
                "too many people are logging in at this moment",
                retry_after_s=1.0,
            )
        stored = user.password_hash if user is not None else None
        right, new_hash = await trio.to_thread.run_sync(
            _verify, stored or self._dummy_hash, password, limiter=self._limiter
        )
        if user is None or stored is None or not right:
            raise wrong("unknown name or wrong password")
        self._refuse_banned(user)
        if new_hash is not None:
            self._rehashed(SetPasswordHash(user.user, new_hash))
        return user

    def _refuse_banned(self, user: UserRow) -> None:
        """Tell who is right about himself that he is banned, until when and why."""
        if user.ban is None or not user.ban.holds(self._wall()):
            return
        until, reason = user.ban.until, user.ban.reason
        text = "you are banned from this server"
        text += f" until {rfc3339(until)}" if until is not None else ""
        raise Reject(RejectCode.BANNED, f"{text}: {reason}" if reason else text)

    def _guest(self, wish: str | None) -> Principal:
        """Make up a guest: the suffix makes the name his alone."""
        if not self._config.auth.guests:
            raise Reject(
                RejectCode.FORBIDDEN,
                "guests are not allowed here: log in with a password",
            )
        if wish is not None:
            check_free(wish, self._config.auth.reserved, guest=True)
        suffix = base64.b32encode(self._random_bytes(5)).decode().lower()[:4]
        display = wish or "guest"
        name = UserName(f"{display}~{suffix}")
        return self._new(UserRow(name, display, "guest"), None)

    def _new(self, user: UserRow, token: bytes | None) -> Principal:
        secret = base64.urlsafe_b64encode(self._random_bytes(32)).rstrip(b"=").decode()
        session = SessionId(digest_of(secret))
        return Principal(
            user.user, user.display, user.role, session, secret, token, resumed=False
        )


def digest_of(secret: str) -> bytes:
    """What is kept of a session's or token's secret."""
    return hashlib.sha256(secret.encode()).digest()


def hash_password(password: str) -> str:
    """Hash a password for the store. Takes tens of milliseconds."""
    return HASHER.hash(password)


def wrong(text: str) -> Reject:
    """The refusal for a credential that is not right."""
    return Reject(RejectCode.BAD_CREDENTIALS, text)


def _verify(stored: str, password: str) -> tuple[bool, str | None]:
    """Compare; runs in a thread.

    Returns:
        Whether it is right, and a new hash where the old one was made with
        cheaper parameters than today's.
    """
    try:
        HASHER.verify(stored, password)
    except (VerificationError, InvalidHashError):
        return False, None
    return True, HASHER.hash(password) if HASHER.check_needs_rehash(stored) else None
