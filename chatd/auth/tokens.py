"""Access tokens: ours are looked up, those of outside issuers are checked.

They are told apart by their dots: a JSON Web Token has two, and ours have none.
What a token allows, and until when, is a `Renewal`; a session that began with one of
ours keeps its digest, so the token is looked up again when the session is resumed.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable

import attrs

from chatd.auth.failures import LoginFailed
from chatd.auth.jwt import Issuers, Unfit
from chatd.core.principal import Renewal
from chatd.core.scope import Scope
from chatd.enums import AccountRole
from chatd.errors import LoginFailure
from chatd.ids import UserName
from chatd.ports import SessionRow, Store, UserRow

SECRET_BYTES = 32
"""256 bits: they cannot be guessed, so attempts need no limit."""


@attrs.frozen
class Access:
    """The user whom a token logs in, and what it allows."""

    user: UserRow
    renewal: Renewal
    is_new: bool = False
    """Whether the account is made by its first login."""
    role: AccountRole | None = None
    """The account's role, where an outside issuer decides on it."""
    issuer: str = ""
    """The outside issuer of the token; `""` for one of ours."""


@attrs.frozen
class Tokens:
    """Verifies tokens.

    Args:
        store: Where ours are.
        issuers: The outside issuers.
        wall: The time in milliseconds.
    """

    _store: Store
    _issuers: Issuers
    _wall: Callable[[], int]

    async def check(self, token: str) -> Access:
        """Verify a token that was presented.

        Raises:
            Reject: `bad_credentials`.

        Cancellation: safe.
        """
        if token.count(".") == 2:
            return await self._check_foreign(token)
        renewal, name = await self._look_up(digest_of(token))
        user = await self._store.user(name)
        if user is None:
            raise LoginFailed(LoginFailure.UNKNOWN_TOKEN, "this token is not known")
        return Access(user, renewal)

    async def kept(self, row: SessionRow) -> Renewal:
        """Check what a session depends on that is resumed without a token.

        Raises:
            Reject: `bad_credentials`: the token that it came from is over.

        Cancellation: safe.
        """
        if row.token is not None:
            return (await self._look_up(row.token))[0]
        if row.expires is not None and row.expires <= self._wall():
            text = "this session's token has expired"
            raise LoginFailed(LoginFailure.EXPIRED_SESSION, text, user=row.user)
        return Renewal(None, row.expires, _scope(row.scope))

    async def _look_up(self, digest: bytes) -> tuple[Renewal, UserName]:
        row = await self._store.token(digest)
        if row is None:
            raise LoginFailed(LoginFailure.UNKNOWN_TOKEN, "this token is not known")
        if row.expires is not None and row.expires <= self._wall():
            text = "this token has expired"
            raise LoginFailed(LoginFailure.EXPIRED_TOKEN, text, user=row.user)
        return Renewal(digest, row.expires, _scope(row.scope)), row.user

    async def _check_foreign(self, token: str) -> Access:
        try:
            claims = self._issuers.check(token, self._wall())
        except Unfit as error:
            text = "this token is not valid here"
            raise LoginFailed(LoginFailure.BAD_TOKEN, text, detail=str(error)) from None
        user = await self._store.user(claims.name)
        is_new = user is None
        if user is None:
            display, role = (
                claims.display or claims.name,
                claims.role or AccountRole.USER,
            )
            user = UserRow(claims.name, display, role)
        renewal = Renewal(None, claims.expires, claims.scope)
        return Access(user, renewal, is_new, claims.role, claims.issuer)


def digest_of(secret: str) -> bytes:
    """The SHA-256 of a session's or token's secret, which is what the store has."""
    return hashlib.sha256(secret.encode()).digest()


def new_secret(random_bytes: Callable[[int], bytes]) -> str:
    """Make the secret of a session or token, in URL-safe characters."""
    return base64.urlsafe_b64encode(random_bytes(SECRET_BYTES)).rstrip(b"=").decode()


def _scope(text: str | None) -> Scope | None:
    """What a token allows; one that cannot be read allows nothing."""
    if text is None:
        return None
    try:
        return Scope.parse(text)
    except ValueError as error:
        told = "what this token allows is not known here"
        raise LoginFailed(LoginFailure.BAD_TOKEN, told, detail=str(error)) from None
