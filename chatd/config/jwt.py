"""One outside issuer of tokens, as the configuration names it."""

from __future__ import annotations

from typing import Literal

import attrs

from chatd.config.key import Applies, key, required


@attrs.frozen(kw_only=True)
class JwtIssuer:
    """One issuer, one audience, one algorithm: nothing is left to the token."""

    issuer: str = required(
        "Whose tokens are believed: the claim `iss`, compared exactly.",
        "RFC 8725 section 3.8",
        min=1,
        max=1024,
    )
    audience: str = required(
        "What the claim `aud` must be, or have among others: this daemon's name there.",
        "RFC 8725 section 3.9; a token for another site must not open this one",
        min=1,
        max=1024,
    )
    algorithm: Literal["EdDSA", "RS256", "ES256", "HS256"] = required(
        "The one algorithm of all keys of this entry.",
        "RFC 8725 section 3.1; a header that chooses it chooses none",
    )
    key_file: str = key(
        "",
        "The file with the public key in PEM; for HS256 with the secret, of at least"
        " 32 bytes, as it is. Either this or jwks_file.",
        "as tls_key: read at the start and at a reload",
        max=4096,
        applies=Applies.NOW,
    )
    jwks_file: str = key(
        "",
        "The file with a JSON Web Key Set instead, in which a token's `kid` is looked"
        " up. It is never fetched from anywhere.",
        "RFC 7517; a URL in a token is not followed",
        max=4096,
        applies=Applies.NOW,
    )
    name_claim: str = key(
        "sub",
        "The claim with the account's name, spelled as it is kept: `ann`, not `Ann`. An"
        " account that does not exist is made; one that exists is logged in, however it"
        " was made.",
        "OpenID Connect Core section 2: only `sub` is never given to another user",
        min=1,
        max=256,
        applies=Applies.NOW,
    )
    display_claim: str = key(
        "",
        'The claim with the name to show, of an account that is made. "" for none.',
        "people change it here afterwards",
        max=256,
        applies=Applies.NOW,
    )
    role_claim: str = key(
        "",
        "The claim with the account's role: user, bot or admin; user where a token has"
        ' none. It holds from each login on. "": the issuer has no say in it.',
        "an issuer that makes administrators is a decision",
        max=256,
        applies=Applies.NOW,
    )
    rooms_claim: str = key(
        "",
        "The claim with a list of rooms, spelled as they are kept, to which the login"
        ' is limited. "" for none.',
        "a token for one room is worth no more when it is lost",
        max=256,
        applies=Applies.NOW,
    )
    leeway_s: float = key(
        30.0,
        "By how much the issuer's clock may differ from this one.",
        "RFC 7519 section 4.1.4: no more than a few minutes",
        min=0,
        max=300,
        applies=Applies.NOW,
    )
