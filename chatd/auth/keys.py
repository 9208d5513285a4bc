"""Keys and signatures of outside issuers, by PyJWT and cryptography.

Imported where an issuer is configured, and nowhere else: the two libraries take a tenth
of an empty daemon's start.

Source: RFC 7517, RFC 7518.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jwt
import orjson
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt.exceptions import PyJWTError

from chatd.auth import pem
from chatd.config import JwtIssuer

SECRET_BYTES_MIN = 32
"""Source: RFC 7518 section 3.2: as long as the hash."""
RSA_BITS_MIN = 2048
"""Source: RFC 7518 section 3.3."""


def is_signed(token: str, algorithm: str, key: Any) -> bool:
    """Whether a token has the signature of a key, by exactly this algorithm."""
    try:
        jwt.PyJWS([algorithm]).decode(token, key, algorithms=[algorithm])
    except PyJWTError:
        return False
    return True


def keys_of(entry: JwtIssuer, raw: bytes) -> dict[str | None, Any]:
    """Read the keys of an issuer.

    Args:
        entry: Its settings, which say what the file is.
        raw: The file.

    Returns:
        Keys of the algorithm by their `kid`; the only one in a PEM under None.

    Raises:
        ValueError: There is none, or one is not fit for the algorithm.
    """
    try:
        return _keys(entry, raw)
    except PyJWTError as error:
        raise ValueError(str(error)) from None


def _keys(entry: JwtIssuer, raw: bytes) -> dict[str | None, Any]:
    if not entry.jwks_file:
        algorithm = jwt.get_algorithm_by_name(entry.algorithm)
        key = raw.rstrip(b"\r\n") if entry.algorithm == "HS256" else raw
        try:
            prepared = algorithm.prepare_key(key)
        except (ValueError, TypeError, PyJWTError):
            why = f"it is no key for {entry.algorithm}, in PEM"
            if entry.algorithm != "HS256" and pem.labels(raw) != ["PUBLIC KEY"]:
                why = pem.mistaken(raw, entry.key_file, "public key")
            raise ValueError(why) from None
        if entry.algorithm != "HS256" and pem.has_private_key(raw):
            raise ValueError(pem.mistaken(raw, entry.key_file, "public key"))
        return {None: _fitting(prepared, entry.algorithm)}
    keys = dict(_of_set(raw, entry.algorithm))
    if not keys:
        raise ValueError(f"it has no key for {entry.algorithm}")
    return keys


def _of_set(raw: bytes, algorithm: str) -> Iterator[tuple[str | None, Any]]:
    """The keys of a JWKS that are for this algorithm; those for others are skipped."""
    try:
        entries = orjson.loads(raw)["keys"]
        entries = [entry for entry in entries if _is_for(entry, algorithm)]
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
        raise ValueError('it is no JWKS: a JSON object with "keys"') from None
    kids = [entry.get("kid") for entry in entries]
    if not all(type(kid) in (str, type(None)) for kid in kids):
        raise ValueError("a kid is a string")
    if len(kids) > 1 and (None in kids or len(set(kids)) < len(kids)):
        raise ValueError("with several keys, each needs a kid of its own")
    for entry in entries:
        key = jwt.PyJWK.from_dict(entry, algorithm).key
        yield entry.get("kid"), _fitting(key, algorithm)


def _is_for(entry: dict[str, Any], algorithm: str) -> bool:
    return (
        entry.get("kty") == _KEY_TYPES[algorithm]
        and entry.get("use", "sig") == "sig"
        and entry.get("alg", algorithm) == algorithm
    )


def _fitting(key: Any, algorithm: str) -> Any:
    """The key, if it is a public one of the algorithm's kind and strong enough."""
    if algorithm == "HS256":
        if len(key) < SECRET_BYTES_MIN:
            raise ValueError(f"an HS256 key has at least {SECRET_BYTES_MIN} bytes")
    elif not isinstance(key, _KEY_CLASSES[algorithm]):
        raise ValueError(f"it is no public key for {algorithm}")
    elif isinstance(key, RSAPublicKey) and key.key_size < RSA_BITS_MIN:
        raise ValueError(f"an RSA key has at least {RSA_BITS_MIN} bits")
    elif isinstance(key, EllipticCurvePublicKey) and key.curve.name != "secp256r1":
        raise ValueError("an ES256 key is on the curve P-256")
    return key


_KEY_TYPES = {"HS256": "oct", "RS256": "RSA", "ES256": "EC", "EdDSA": "OKP"}
_KEY_CLASSES: dict[str, type] = {
    "RS256": RSAPublicKey,
    "ES256": EllipticCurvePublicKey,
    "EdDSA": Ed25519PublicKey,
}
