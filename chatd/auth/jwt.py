"""Tokens of outside issuers: JSON Web Tokens, checked against `[[auth.jwt]]`.

An entry of the configuration has one issuer, one audience and exactly one
algorithm, and its keys are of that algorithm's kind; so a header can choose among
keys, never how one is used. `kid` is looked up in a dictionary and nowhere else;
`jku`, `jwk` and `x5u` are not looked at; `crit` is refused. PyJWT checks the
signature (`chatd.auth.keys`). The claims are checked here, since the time is passed in.

Nothing is normalised: a token has one spelling, and so has the name in it. A spelling
that is corrected here would let a token log in as a user whom the issuer did not name.

Keys are read at the start and at a reload.

Source: RFC 7515, RFC 7519, RFC 8725 (the best current practices).
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping, Sequence
from typing import Any

import attrs
import orjson

from chatd.auth import pem
from chatd.config import JwtIssuer
from chatd.core.scope import Scope
from chatd.enums import AccountRole
from chatd.errors import ConfigError
from chatd.ids import DISPLAY_CHARS_MAX, UserName
from chatd.names import UNICODE
from chatd.wire.events import Millis
from chatd.wire.text import parse_display

TOKEN_BYTES_MAX = 4096
"""Source: what fits into a header of most servers."""
ROLES = (AccountRole.USER, AccountRole.BOT, AccountRole.ADMIN)
"""What a claim may say of an account's role."""


class Unfit(Exception):
    """A token is refused; the text is for the log, not for the client."""


@attrs.frozen
class Claims:
    """The claims of a token that was checked."""

    name: UserName
    display: str | None
    role: AccountRole | None
    """None where the issuer has no say in it."""
    scope: Scope | None
    expires: Millis
    issuer: str
    """Who says it, for the log."""


@attrs.frozen
class Issuer:
    """One entry of the configuration with its keys, ready for use."""

    config: JwtIssuer
    keys: Mapping[str | None, Any] = attrs.field(repr=False)
    """By `kid`; under None the one that needs none."""

    def key_for(self, kid: object) -> Any | None:
        """The key that a header's `kid` chooses; None if there is none."""
        if None in self.keys:
            return self.keys[None]
        if kid is None and len(self.keys) == 1:
            return next(iter(self.keys.values()))
        return self.keys.get(kid) if type(kid) is str else None


@attrs.define
class Issuers:
    """All outside issuers that are believed; a reload gives it other entries."""

    entries: Sequence[Issuer] = ()

    def check(self, token: str, now: Millis) -> Claims:
        """Check a token completely.

        Args:
            token: Three parts with dots between them.
            now: The time.

        Raises:
            Unfit: It is not valid here.
        """
        if len(token) > TOKEN_BYTES_MAX:
            raise Unfit("it is too long")
        header, claims = _parts(token)
        if "crit" in header:
            raise Unfit("crit: there are no extensions here")
        algorithm, issuer = header.get("alg"), claims.get("iss")
        entries = [
            entry
            for entry in self.entries
            if (entry.config.issuer, entry.config.algorithm) == (issuer, algorithm)
        ]
        if not entries:
            raise Unfit("iss, alg: no issuer with this algorithm is configured")
        keys = [(entry, entry.key_for(header.get("kid"))) for entry in entries]
        keys = [(entry, key) for entry, key in keys if key is not None]
        if not keys:
            raise Unfit("kid: unknown")
        from chatd.auth.keys import is_signed  # noqa: PLC0415 - here are keys

        reasons: list[str] = []
        for entry, key in keys:
            if is_signed(token, entry.config.algorithm, key):
                # Two entries may have the same keys, and each its own audience.
                try:
                    return _checked(claims, entry.config, now)
                except Unfit as error:
                    reasons.append(str(error))
        raise Unfit("; ".join(dict.fromkeys(reasons)) or "the signature is wrong")


def _parts(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The header and the claims, not to be believed yet."""
    try:
        header, claims, _ = [_decoded(part) for part in token.split(".")]
        parsed = [orjson.loads(part) for part in (header, claims)]
    except ValueError:
        raise Unfit("it is no JWT") from None
    if any(type(part) is not dict for part in parsed):
        raise Unfit("it is no JWT")
    return parsed[0], parsed[1]


def _decoded(part: str) -> bytes:
    """The bytes of one part, which has no second spelling.

    Raises:
        ValueError: There is padding, white space, a character of another alphabet,
            or a bit that does not count is set.

    Source: RFC 7515 section 2, "with all trailing '=' characters omitted"; RFC 4648
        section 3.5, canonical encoding.
    """
    content = urlsafe_b64decode(part + "=" * (-len(part) % 4))
    if urlsafe_b64encode(content).decode().rstrip("=") != part:
        raise ValueError("it is not canonical")
    return content


# --- claims -------------------------------------------------------------------


def _checked(claims: dict[str, Any], config: JwtIssuer, now: Millis) -> Claims:
    """What signed claims say, if they are for us and for now."""
    leeway_ms = round(config.leeway_s * 1000)
    expires = _time(claims, "exp")
    if expires + leeway_ms <= now:
        raise Unfit("exp: it has expired")
    if _time(claims, "iat") > now + leeway_ms:
        raise Unfit("iat: it is from the future")
    if "nbf" in claims and _time(claims, "nbf") > now + leeway_ms:
        raise Unfit("nbf: it is not valid yet")
    audience = claims.get("aud")
    if config.audience not in (audience if type(audience) is list else [audience]):
        raise Unfit("aud: it is for somebody else")
    _text(claims, "sub")
    return Claims(
        _name(claims, config.name_claim),
        _display(claims, config.display_claim),
        _role(claims, config.role_claim),
        _scope(claims, config.rooms_claim),
        expires + leeway_ms,
        config.issuer,
    )


def _time(claims: dict[str, Any], name: str) -> Millis:
    """A moment; RFC 7519 has seconds, with a fraction or without."""
    value: Any = claims.get(name)
    if type(value) not in (int, float) or not 0 <= value < 2**40:
        raise Unfit(f"{name}: missing, or no time")
    return int(value * 1000)


def _text(claims: dict[str, Any], name: str) -> str:
    value = claims.get(name)
    if type(value) is not str or not value:
        raise Unfit(f"{name}: missing, or no text")
    return value


def _name(claims: dict[str, Any], claim: str) -> UserName:
    """An account's name, which must be spelled as it is kept."""
    text = _text(claims, claim)
    try:
        name = UNICODE.account(text)
    except ValueError:
        raise Unfit(f"{claim}: it is no name of an account") from None
    if name != text:
        raise Unfit(f"{claim}: it is not spelled as the account is")
    return name


def _display(claims: dict[str, Any], claim: str) -> str | None:
    """The displayed name, cut where it is too long; None where there is none."""
    if not claim or claim not in claims:
        return None
    try:
        return parse_display(_text(claims, claim)[:DISPLAY_CHARS_MAX])
    except ValueError:
        raise Unfit(f"{claim}: it cannot be shown") from None


def _role(claims: dict[str, Any], claim: str) -> AccountRole | None:
    if not claim:
        return None
    role = claims.get(claim, AccountRole.USER)
    if role not in ROLES:
        raise Unfit(f"{claim}: it is not user, bot or admin")
    return AccountRole(role)


def _scope(claims: dict[str, Any], claim: str) -> Scope | None:
    if not claim or claim not in claims:
        return None
    try:
        scope = Scope.of(claims[claim], None)
    except ValueError:
        raise Unfit(f"{claim}: it is no list of rooms") from None
    if scope.rooms != frozenset(claims[claim]):
        raise Unfit(f"{claim}: a room is not spelled as it is kept")
    return scope


# --- the settings -------------------------------------------------------------


def read_issuers(entries: Sequence[JwtIssuer]) -> Issuers:
    """Read the keys of all issuers.

    Raises:
        ConfigError: One cannot be read, or does not fit its algorithm.
    """
    problems: list[str] = []
    issuers = []
    for index, entry in enumerate(entries):
        from chatd.auth.keys import keys_of  # noqa: PLC0415 - there is an issuer

        name = "jwks_file" if entry.jwks_file else "key_file"
        path = entry.jwks_file or entry.key_file
        try:
            issuers.append(Issuer(entry, keys_of(entry, pem.read_file(path))))
        except ValueError as error:
            problems.append(f"auth.jwt[{index}].{name}: {path}: {error}")
    if problems:
        raise ConfigError(problems)
    return Issuers(issuers)
