"""Verifying what commands bring: passwords, tokens, sessions, links, invitations."""

from __future__ import annotations

import base64
from collections.abc import Callable
from functools import partial

import attrs
import trio

from chatd.auth.attempts import AttemptLimiter
from chatd.auth.failures import Failures, LoginFailed
from chatd.auth.jwt import Issuers
from chatd.auth.passwords import Passwords
from chatd.auth.tokens import Access, Tokens, digest_of, new_secret
from chatd.config import LiveConfig
from chatd.core.barred import banned_from_server
from chatd.core.drafts import (
    BAD_INVITATION,
    INVITATION_EXPIRED,
    INVITATION_USED,
    Draft,
    SetAccountRole,
    SetPasswordHash,
)
from chatd.core.principal import (
    HashedPassword,
    InvitationKept,
    NewSecret,
    Principal,
    Renewal,
    RightPassword,
)
from chatd.errors import LoginFailure, Reject, RejectCode
from chatd.ids import SessionId, UserName, is_guest
from chatd.names import NAMES, check_ending, check_free
from chatd.observe import log
from chatd.ports import SessionRow, Store, UserRow
from chatd.wire.accounts import DeleteAccount, Password, Register, SecretCommand
from chatd.wire.administration import TokenIssue, UserAdd, UserPassword
from chatd.wire.admissions import CreateInvitation, Link
from chatd.wire.events import DAY_MS
from chatd.wire.sessions import Hello


@attrs.define(eq=False)
class Authenticator:
    """Verifies credentials; a refusal is what the client is told.

    Args:
        store: Where accounts, tokens and sessions are.
        config: The settings in force.
        random_bytes: Draws so many random bytes.
        wall: The time in milliseconds, by which tokens end.
        append: Has a draft committed that no command waits for: a new hash for a
            password whose old one was too cheap, a role that an issuer says.
        issuers: Outside issuers that are believed.
        sure: The certain time in milliseconds, by which sessions and bans end.
        failed: Counts who is not let in.
    """

    _store: Store
    _config: LiveConfig
    _random_bytes: Callable[[int], bytes]
    _wall: Callable[[], int]
    _append: Callable[[Draft], None]
    _issuers: Issuers = attrs.field(factory=Issuers)
    _sure: Callable[[], int] = attrs.field(
        default=attrs.Factory(lambda self: self._wall, takes_self=True)
    )
    _failed: Callable[[LoginFailure], None] = lambda _failure: None
    _failures: Failures = attrs.field(init=False)
    _attempts: AttemptLimiter = attrs.field(
        factory=lambda: AttemptLimiter(trio.current_time), init=False
    )
    _passwords: Passwords = attrs.field(init=False)
    _tokens: Tokens = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._failures = Failures(self._failed, trio.current_time)
        self._passwords = Passwords(self._random_bytes(16).hex())
        self._tokens = Tokens(self._store, self._issuers, self._wall)

    async def authenticate(
        self, hello: Hello, bearer: str | None, address: str
    ) -> Principal:
        """Verify one credential.

        Args:
            hello: The command.
            bearer: The token that came with the upgrade, if one did.
            address: The client's.

        Returns:
            The user, and the session that goes on or has to be opened.

        Raises:
            Reject: `bad_credentials`, `forbidden` (no guests here), `banned`,
                `bad_field` (two credentials), `name_taken` (a reserved name),
                `rate_limited`.

        Cancellation: safe; a hash that was begun is finished and thrown away.
        """
        with self._failures.of(address, Hello.type):
            return await self._authenticate(hello, bearer, address)

    async def _authenticate(
        self, hello: Hello, bearer: str | None, address: str
    ) -> Principal:
        token: str | None = hello.token
        if bearer is not None:
            given = ("token", "link", "name", "password")
            for field in given:
                if getattr(hello, field) is not None:
                    raise Reject(
                        RejectCode.BAD_FIELD,
                        "the upgrade brought a token already:"
                        " send one credential in all",
                        field=field,
                    )
            token = bearer
        if hello.link is not None:
            return await self._by_link(hello.link)
        if hello.session is not None:
            resumed = await self._resume(hello.session, token)
            return self._sibling(resumed) if hello.another else resumed
        if token is not None:
            access = await self._by_token(token)
            return self._new(access.user, access)
        if hello.password is not None:
            assert hello.name is not None
            name = UserName(hello.name)
            return self._new(await self._by_password(name, hello.password, address))
        return self._guest(hello.name)

    async def check(
        self,
        command: SecretCommand,
        user: UserName | None,
        address: str,
    ) -> HashedPassword | RightPassword | Renewal | NewSecret:
        """Verify or hash what a command about an account brings, or make a secret.

        Args:
            command: The command.
            user: Who sends it; None for `register`, and for the operator.
            address: The client's.

        Returns:
            What the command's draft needs.

        Raises:
            Reject: `bad_credentials`, `banned`, `bad_field`, `forbidden`,
                `name_taken`, `rate_limited`; of an invitation `bad_invitation`,
                `invitation_used`, `invitation_expired`.

        Cancellation: safe; a hash that was begun is finished and thrown away.
        """
        with self._failures.of(address, command.type):
            return await self._check(command, user, address)

    async def _check(
        self,
        command: SecretCommand,
        user: UserName | None,
        address: str,
    ) -> HashedPassword | RightPassword | Renewal | NewSecret:
        if isinstance(command, Register):
            return await self._register(command, address)
        if isinstance(command, Link | CreateInvitation | TokenIssue):
            secret = new_secret(self._random_bytes)
            return NewSecret(secret, digest_of(secret))
        if isinstance(command, UserAdd | UserPassword):
            assert command.password is not None
            return HashedPassword(await self._passwords.hash(command.password))
        assert user is not None
        if isinstance(command, Password):
            stored = await self._confirm(user, command.old, "old", address)
            return HashedPassword(await self._passwords.hash(command.new), stored)
        if isinstance(command, DeleteAccount):
            stored = await self._confirm(user, command.password, "password", address)
            said = "a user asks for the end of his account"
            log().info(said, user=user, address=address)
            return RightPassword(stored)
        access = await self._by_token(command.token)
        if access.user.user != user:
            raise _not_of("token: it is of another user")
        return access.renewal

    # --- sessions and tokens ------------------------------------------------

    async def _resume(self, secret: str, token: str | None) -> Principal:
        """Go on with a session, which takes over a token that comes with it."""
        found = await self._store.session(SessionId(digest_of(secret)))
        text = "this session is not known, or has ended"
        if found is None:
            raise LoginFailed(LoginFailure.UNKNOWN_SESSION, text)
        return await self._go_on(*found, secret, token, text)

    async def _by_link(self, secret: str) -> Principal:
        """Open another session of the user who has asked for the link."""
        digest = digest_of(secret)
        found = await self._store.linked(digest)
        text = "this link is not known, was used, or is too old: make another"
        if found is None or found[2] <= self._wall():
            raise LoginFailed(LoginFailure.UNKNOWN_LINK, text)
        row, user, _ = found
        sibling = self._sibling(await self._go_on(row, user, "", None, text))
        return attrs.evolve(sibling, link=digest)

    async def _go_on(
        self,
        row: SessionRow,
        user: UserRow,
        secret: str,
        token: str | None,
        gone: str,
    ) -> Principal:
        """Resume a session that was found; if it has ended, refuse it with `gone`."""
        if self._is_over(row):
            raise LoginFailed(LoginFailure.UNKNOWN_SESSION, gone)
        if token is None:
            renewal, role = await self._tokens.kept(row), user.role
            self._refuse_banned(user)
        else:
            access = await self._by_token(token)
            if access.user.user != user.user:
                raise _not_of("token: it is not of the session's user")
            renewal, role = access.renewal, access.role or user.role
        return Principal(
            user.user,
            user.display,
            role,
            row.session,
            secret,
            renewal.token,
            resumed=True,
            expires=renewal.expires,
            scope=renewal.scope,
            renews=token is not None,
        )

    def _sibling(self, found: Principal) -> Principal:
        """A new session of the same user, with the rights of the one that was found."""
        secret = new_secret(self._random_bytes)
        return attrs.evolve(
            found,
            session=SessionId(digest_of(secret)),
            secret=secret,
            resumed=False,
            renews=False,
            beside=found.session,
        )

    def _is_over(self, row: SessionRow) -> bool:
        """Whether an account's session was idle for too long. Guests': the core."""
        if row.idle_since is None or is_guest(row.user):
            return False
        idle_ms = self._sure() - row.idle_since
        return idle_ms > self._config.current.auth.session_days * DAY_MS

    async def _by_token(self, token: str) -> Access:
        access = await self._tokens.check(token)
        self._refuse_banned(access.user)
        if access.is_new:
            self._check_new(access.user.user)
        if not access.is_new and access.role not in {None, access.user.role}:
            assert access.role is not None
            user, role = access.user.user, access.role
            text = "an issuer gives an account another role"
            log().info(text, user=user, role=role, issuer=access.issuer)
            self._append(SetAccountRole(user, role))
        return access

    def _check_new(self, name: UserName) -> None:
        """Refuse a new account whose name this server does not allow."""
        try:
            NAMES[self._config.current.auth.names].account(name)
            check_ending(name, "name")
        except (ValueError, Reject) as error:
            text = f"no account can be named so: {error}"
            raise LoginFailed(LoginFailure.BAD_TOKEN, text) from None

    # --- passwords ----------------------------------------------------------

    async def _by_password(
        self, name: UserName, password: str, address: str
    ) -> UserRow:
        user = await self._store.user(name)
        stored = user.password_hash if user is not None else None
        right, new_hash = await self._compare(name, stored, password, address)
        if user is None or stored is None or not right:
            text = "unknown name or wrong password"
            if user is None:
                # Its name is not told: whatever was typed there may be a secret.
                raise LoginFailed(LoginFailure.UNKNOWN_USER, text)
            raise LoginFailed(LoginFailure.WRONG_PASSWORD, text, user=name)
        self._refuse_banned(user)
        if new_hash is not None:
            self._append(SetPasswordHash(user.user, new_hash, stored))
        return user

    async def _compare(
        self, name: UserName, stored: str | None, password: str, address: str
    ) -> tuple[bool, str | None]:
        """Compare a password, if account and address may have one more attempt."""
        allowed = partial(self._attempts.check, address, name)
        allowed()
        right, new_hash = await self._passwords.verify(stored, password, allowed)
        (self._attempts.right if right else self._attempts.wrong)(address, name)
        return right, new_hash

    async def _register(self, command: Register, address: str) -> HashedPassword:
        """Check the invitation of a new account, then hash its password.

        In this order, or a client without one would learn which names there are. The
        number of accounts from one address is limited only without an invitation.
        """
        allowed, by, digest = partial(self._attempts.register, address), None, b""
        if command.invite is not None:
            digest = digest_of(command.invite)
            by = await self._invitation(digest, address)
            allowed = partial(self._attempts.check_invitation, address)
        if await self._store.user(UserName(command.name)) is not None:
            raise Reject(RejectCode.NAME_TAKEN, "the name is taken", field="name")
        hashed = await self._passwords.hash(command.password, allowed)
        return HashedPassword(hashed, invitation=by, digest=digest)

    async def _invitation(self, digest: bytes, address: str) -> InvitationKept:
        """Find the invitation that a secret is of, if it may still be used."""
        self._attempts.check_invitation(address)
        found = await self._store.invitation(digest)
        if found is None:
            self._attempts.wrong_invitation(address)
            why = BAD_INVITATION
        elif found.used >= found.uses:
            why = INVITATION_USED
        elif found.expires is not None and found.expires <= self._wall():
            why = INVITATION_EXPIRED
        else:
            return found
        raise Reject(why.code, why.text, field=why.field)

    async def _confirm(
        self, name: UserName, password: str, field: str, address: str
    ) -> str:
        """Compare the password of a user who is logged in.

        Returns:
            Its hash.
        """
        user = await self._store.user(name)
        stored = user.password_hash if user is not None else None
        if stored is None:
            raise Reject(
                RejectCode.FORBIDDEN,
                "this account has no password: the operator has to do it",
            )
        right, _ = await self._compare(name, stored, password, address)
        if not right:
            text = f"{field}: wrong password"
            raise LoginFailed(LoginFailure.WRONG_PASSWORD, text, user=name)
        return stored

    def _refuse_banned(self, user: UserRow) -> None:
        """Refuse a user who is banned, with the reason and the end of the ban."""
        if user.ban is None or not user.ban.holds(self._sure()):
            return
        raise banned_from_server(user.ban)

    # --- new principals -----------------------------------------------------

    def _guest(self, wish: str | None) -> Principal:
        """Make a new guest, whose random suffix makes the name unique."""
        if not self._config.current.auth.guests:
            raise Reject(
                RejectCode.FORBIDDEN,
                "guests are not allowed here: log in with a password",
            )
        if wish is not None:
            check_ending(wish, "name")
            check_free(wish, self._config.current.auth.reserved, guest=True)
        suffix = base64.b32encode(self._random_bytes(5)).decode().lower()[:4]
        display = wish or "guest"
        name = UserName(f"{display}~{suffix}")
        return attrs.evolve(self._new(UserRow(name, display, "guest")), is_new=True)

    def _new(self, user: UserRow, access: Access | None = None) -> Principal:
        secret = new_secret(self._random_bytes)
        session = SessionId(digest_of(secret))
        if access is None:
            access = Access(user, Renewal(None, None, None))
        return Principal(
            user.user,
            user.display,
            access.role or user.role,
            session,
            secret,
            access.renewal.token,
            resumed=False,
            expires=access.renewal.expires,
            scope=access.renewal.scope,
            is_new=access.is_new,
        )


def _not_of(text: str) -> Reject:
    return Reject(RejectCode.BAD_FIELD, text, field="token")
