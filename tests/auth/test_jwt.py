"""Tokens of outside issuers: what lets nobody in, and what does."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import string
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa, x25519
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from chatd.auth import Authenticator, digest_of, read_issuers
from chatd.auth.jwt import Issuers, Unfit
from chatd.config import Auth, Config, JwtIssuer, LiveConfig
from chatd.core import drafts as d
from chatd.core.principal import Principal, Renewal
from chatd.core.scope import Scope
from chatd.enums import AccountRole
from chatd.errors import ConfigError, Reject, RejectCode
from chatd.ids import SessionId, UserName
from chatd.wire.accounts import Refresh
from chatd.wire.kinds import Secret
from chatd.wire.sessions import Hello
from tests.logs import capture_logs
from tests.net.secret import authority
from tests.store.memory import MemoryStore

T0 = 1_790_000_000_000
NOW = T0 // 1000
ANN = UserName("ann")
SITE, US = "https://site.example", "chat"
SECRET = b"a secret of at least thirty-two bytes"
ED = ed25519.Ed25519PrivateKey.generate()
RSA = rsa.generate_private_key(65537, 2048)
EC = ec.generate_private_key(ec.SECP256R1())
KEYS: dict[str, Any] = {"EdDSA": ED, "RS256": RSA, "ES256": EC, "HS256": SECRET}
CLAIMS: dict[str, Any] = {
    "iss": SITE,
    "aud": US,
    "sub": "ann",
    "iat": NOW,
    "exp": NOW + 600,
}


def public_pem(key: Any) -> bytes:
    """The public half, as it lies in a file."""
    if isinstance(key, bytes):
        return key + b"\n"
    pem: bytes = key.public_key().public_bytes(
        Encoding.PEM, PublicFormat.SubjectPublicKeyInfo
    )
    return pem


def private_pem(key: Any) -> bytes:
    """The private half, which belongs nowhere near here."""
    pem: bytes = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return pem


def signed(
    algorithm: str = "EdDSA",
    key: Any = None,
    headers: dict[str, Any] | None = None,
    without: str = "",
    **claims: Any,
) -> str:
    """A token as the issuer makes it, with some things otherwise."""
    content = {**CLAIMS, **claims}
    content.pop(without, None)
    raw = json.dumps(content).encode()
    return jwt.PyJWS().encode(raw, key or KEYS[algorithm], algorithm, headers)


def part(content: Any) -> str:
    """One part of a token."""
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def forged(header: dict[str, Any], key: bytes = b"", **claims: Any) -> str:
    """A token with any header, signed by HMAC if by anything."""
    text = f"{part(header)}.{part({**CLAIMS, **claims})}"
    digest = hmac.digest(key, text.encode(), hashlib.sha256) if key else b""
    return f"{text}.{part(digest)}"


def issuers(
    tmp_path: Path, algorithm: str = "EdDSA", raw: bytes | None = None, **fields: Any
) -> Issuers:
    """One issuer, whose key is read from a file."""
    path = tmp_path / "key"
    path.write_bytes(public_pem(KEYS[algorithm]) if raw is None else raw)
    name = "jwks_file" if fields.pop("jwks", False) else "key_file"
    entry: dict[str, Any] = {name: str(path), **fields}
    return read_issuers(
        [JwtIssuer(issuer=SITE, audience=US, algorithm=algorithm, **entry)]  # type: ignore[arg-type]
    )


def jwk(key: Any, kid: str | None, **fields: Any) -> dict[str, Any]:
    """One key of a JWKS."""
    if isinstance(key, bytes):
        made: dict[str, Any] = {"kty": "oct", "k": part(key)}
    else:
        kinds: list[tuple[type, Any]] = [
            (ed25519.Ed25519PrivateKey, jwt.algorithms.OKPAlgorithm),
            (rsa.RSAPrivateKey, jwt.algorithms.RSAAlgorithm),
            (ec.EllipticCurvePrivateKey, jwt.algorithms.ECAlgorithm),
        ]
        algorithm = next(found for kind, found in kinds if isinstance(key, kind))
        made = algorithm.to_jwk(key.public_key(), as_dict=True)
        made.pop("key_ops", None)
    return {**made, **({"kid": kid} if kid else {}), **fields}


def key_set(*keys: dict[str, Any]) -> bytes:
    """A JWKS file."""
    return json.dumps({"keys": keys}).encode()


@attrs.define(eq=False)
class Gate:
    """An authenticator that believes some issuers."""

    issuers: Issuers
    config: Config = attrs.field(factory=Config)
    store: MemoryStore = attrs.field(factory=MemoryStore)
    wall: int = T0
    appended: list[Any] = attrs.field(factory=list)
    drawn: int = 0

    def __attrs_post_init__(self) -> None:
        self.authenticator = Authenticator(
            self.store,
            LiveConfig(self.config),
            self.draw,
            lambda: self.wall,
            self.appended.append,
            self.issuers,
        )

    authenticator: Authenticator = attrs.field(init=False)

    def draw(self, count: int) -> bytes:
        self.drawn += 1
        return bytes([self.drawn]) * count

    async def hello(self, **fields: Any) -> Principal:
        """Say hello."""
        return await self.authenticator.authenticate(Hello(**fields), None, "192.0.2.1")


def named(names: Any) -> Config:
    """A configuration with a policy of names."""
    return Config(auth=Auth(names=names))


# --- attacks ------------------------------------------------------------------

HS_OF_PUBLIC = forged({"alg": "HS256"}, public_pem(ED))
TWO_SIGNATURES = json.dumps(
    {
        "payload": part(CLAIMS),
        "signatures": [
            {"protected": part({"alg": "EdDSA"}), "signature": "AA"},
            {"protected": part({"alg": "HS256"}), "signature": "AA"},
        ],
        "header": {"x": ".."},
    }
)
OTHER = ed25519.Ed25519PrivateKey.generate()

SPELLINGS_OF_ANN = (
    *("ANN", "Ann", "aNN"),
    "\uff41\uff4e\uff4e",  # full-width letters, small and capital
    "\uff21\uff2e\uff2e",
    "a\uff4en",
)


def respelled(token: str, index: int, spell: Callable[[str], str]) -> str:
    """A token of which one part is written otherwise, and means the same."""
    parts = token.split(".")
    parts[index] = spell(parts[index])
    return ".".join(parts)


def with_a_bit_more(text: str) -> str:
    """The part with a bit set that does not count, as the last one has some."""
    alphabet = string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_"
    assert len(text) % 4, "no bit is left over in whole groups of four"
    return text[:-1] + alphabet[alphabet.index(text[-1]) + 1]


UNEVEN = signed(headers={"kid": "1"}, jti="1")
"""A token each part of which could be padded."""

RESPELLINGS: dict[str, Callable[[str], str]] = {
    "padded": lambda text: text + "=" * (-len(text) % 4),
    "padded in vain": lambda text: text + "====",
    "a bit that does not count": with_a_bit_more,
    "a space before": lambda text: " " + text,
    "a line's end": lambda text: text + "\n",
    "a space within": lambda text: text[:4] + " " + text[4:],
    "characters that are skipped": lambda text: text[:4] + "!é" + text[4:],
}
"""Decoders that mean well take these for the same as what was signed."""

ATTACKS: dict[str, tuple[str, str]] = {
    "none": (forged({"alg": "none"}), "iss, alg"),
    "none, in other letters": (forged({"alg": "nOnE"}), "iss, alg"),
    "no alg": (forged({"typ": "JWT"}), "iss, alg"),
    "alg is a list": (forged({"alg": ["EdDSA"]}), "iss, alg"),
    "the public key as an HMAC secret": (HS_OF_PUBLIC, "iss, alg"),
    "another algorithm": (signed("RS256"), "iss, alg"),
    "another key": (signed(key=OTHER), "signature"),
    "no signature": (signed().rpartition(".")[0] + ".", "signature"),
    "a key in the header": (
        signed(key=OTHER, headers={"jwk": jwk(OTHER, None)}),
        "signature",
    ),
    "a key by URL": (
        signed(key=OTHER, headers={"jku": "https://x", "x5u": "https://x"}),
        "signature",
    ),
    "other claims": (
        ".".join([signed().split(".")[0], part({**CLAIMS, "sub": "root"})])
        + "."
        + signed().split(".")[2],
        "signature",
    ),
    "wrong audience": (signed(aud="shop"), "aud"),
    "wrong audiences": (signed(aud=["shop", "mail"]), "aud"),
    "no audience": (signed(without="aud"), "aud"),
    "audience is an object": (signed(aud={"chat": 1}), "aud"),
    "wrong issuer": (signed(iss="https://evil.example"), "iss, alg"),
    "no issuer": (signed(without="iss"), "iss, alg"),
    "expired": (signed(exp=NOW - 31), "exp"),
    "no end": (signed(without="exp"), "exp"),
    "end is a text": (signed(exp=str(NOW + 600)), "exp"),
    "end is true": (signed(exp=True), "exp"),
    "end is far": (signed(exp=10**15), "exp"),
    "issued in the future": (signed(iat=NOW + 31), "iat"),
    "no beginning": (signed(without="iat"), "iat"),
    "not valid yet": (signed(nbf=NOW + 31), "nbf"),
    **{
        f"subject in another spelling, {sub}": (
            signed(sub=sub),
            "sub: it is not spelled",
        )
        for sub in SPELLINGS_OF_ANN
    },
    "subject with a space": (signed(sub="ann "), "sub: it is no name"),
    "subject with a line's end": (signed(sub="ann\n"), "sub: it is no name"),
    "subject is a list": (signed(sub=["ann"]), "sub"),
    "no subject": (signed(without="sub"), "sub"),
    "subject is no name": (signed(sub="no name"), "sub"),
    "subject is a guest": (signed(sub="ann~4f7k"), "sub"),
    "crit": (signed(headers={"crit": ["exp"], "exp": NOW}), "crit"),
    "unencoded payload": (
        forged({"alg": "EdDSA", "b64": False, "crit": ["b64"]}),
        "crit",
    ),
    "huge": (signed(x="x" * 4000), "too long"),
    "two signatures": (TWO_SIGNATURES, "no JWT"),
    "deep": (f"{part(b'[' * 1500)}.{part(CLAIMS)}.", "no JWT"),
    "no objects": (f"{part([])}.{part(CLAIMS)}.", "no JWT"),
    "no base64": ("é.é.é", "no JWT"),
    "nothing": ("..", "no JWT"),
    **{
        f"{what}, {where}": (respelled(UNEVEN, index, spell), "no JWT")
        for what, spell in RESPELLINGS.items()
        for index, where in enumerate(("header", "claims", "signature"))
    },
}


@pytest.mark.parametrize("attack", ATTACKS)
async def test_an_attack_is_refused_in_one_sentence_and_one_line(
    tmp_path: Path, attack: str
) -> None:
    """The sentence says nothing that would help; the line has the reason."""
    token, reason = ATTACKS[attack]
    assert token.count(".") == 2
    gate = Gate(issuers(tmp_path))
    with capture_logs() as lines, pytest.raises(Reject) as found:
        await gate.hello(token=token)
    assert found.value.code is RejectCode.BAD_CREDENTIALS
    assert found.value.text == "this token is not valid here"
    (line,) = lines
    assert (line["event"], line["address"]) == ("login failed", "192.0.2.1")
    assert line["reason"] == "bad_token"
    assert reason in line["detail"]
    assert token not in str(line)
    assert gate.appended == []


async def test_a_jws_in_json_is_no_jwt_either(tmp_path: Path) -> None:
    """Without dots it is looked up like one of ours, and is none."""
    token = TWO_SIGNATURES.replace("..", "")
    with capture_logs() as lines, pytest.raises(Reject):
        await Gate(issuers(tmp_path)).hello(token=token)
    assert len(lines) == 1


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
async def test_a_public_key_is_no_secret(tmp_path: Path, algorithm: str) -> None:
    """Also where the same issuer has an HS256 key besides: each has its own."""
    asymmetric = issuers(tmp_path, algorithm)
    symmetric = issuers(tmp_path, "HS256")
    both = Issuers([*asymmetric.entries, *symmetric.entries])
    for raw in (public_pem(KEYS[algorithm]), public_pem(KEYS[algorithm]).rstrip()):
        with pytest.raises(Unfit, match="signature"):
            both.check(forged({"alg": "HS256"}, raw), T0)
    assert both.check(signed("HS256"), T0).name == ANN


def test_where_nobody_is_believed_no_token_is(tmp_path: Path) -> None:
    """As it is by default."""
    with pytest.raises(Unfit, match="iss, alg"):
        Issuers().check(signed(), T0)


# --- what is believed ---------------------------------------------------------


@pytest.mark.parametrize("algorithm", KEYS)
async def test_a_token_lets_its_user_in(tmp_path: Path, algorithm: str) -> None:
    """By each algorithm; the account is made at its first login."""
    gate = Gate(issuers(tmp_path, algorithm))
    who = await gate.hello(token=signed(algorithm))
    assert (who.user, who.display, who.role) == (ANN, "ann", "user")
    assert (who.is_new, who.token, who.scope) == (True, None, None)
    assert who.expires == (NOW + 630) * 1000
    await gate.store.commit([d.AddUser(ANN, "Ann", AccountRole.USER, None)], T0)
    who = await gate.hello(token=signed(algorithm))
    assert (who.display, who.is_new) == ("Ann", False)


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": NOW - 29},
        {"iat": NOW + 30, "nbf": NOW + 30},
        {"exp": NOW + 0.5, "aud": ["mail", US]},
    ],
)
def test_clocks_may_differ_a_little(tmp_path: Path, claims: dict[str, Any]) -> None:
    """By `leeway_s`, which also counts for the end of the connection."""
    found = issuers(tmp_path).check(signed(**claims), T0)
    assert found.expires == int((claims.get("exp", NOW + 600) + 30) * 1000)


def test_claims_say_who_it_is(tmp_path: Path) -> None:
    """Where the operator named them."""
    believed = issuers(
        tmp_path,
        name_claim="nick",
        display_claim="name",
        role_claim="role",
        rooms_claim="rooms",
    )
    token = signed(nick="ann", name="A" * 70, role="admin", rooms=["lobby"])
    found = believed.check(token, T0)
    assert (found.name, found.display, found.role) == (ANN, "A" * 64, "admin")
    assert found.scope == Scope.parse('{"rooms":["lobby"]}')
    plain = believed.check(signed(nick="ann"), T0)
    assert (plain.display, plain.role, plain.scope) == (None, "user", None)
    cases: list[tuple[dict[str, Any], str]] = [
        ({"role": "root"}, "role"),
        ({"role": ["admin"]}, "role"),
        ({"role": "Admin"}, "role"),
        ({"role": "\uff41dmin"}, "role"),
        ({"rooms": "lobby"}, "rooms"),
        ({"rooms": ["LOBBY"]}, "rooms: a room is not spelled"),
        ({"rooms": ["lobby", "\uff4cobby"]}, "rooms: a room is not spelled"),
        ({"nick": "Ann"}, "nick: it is not spelled"),
        ({"name": "\u202eevil"}, "name"),
        ({"name": 7}, "name"),
    ]
    for claims, reason in cases:
        with pytest.raises(Unfit, match=reason):
            believed.check(signed(**{"nick": "ann", **claims}), T0)


@pytest.mark.parametrize("names", ["ascii", "unicode"])
async def test_a_subject_is_one_account_under_either_policy(
    tmp_path: Path, names: str
) -> None:
    """Whoever may choose his name at an issuer does not log in as somebody else."""
    gate = Gate(issuers(tmp_path), config=named(names))
    await gate.store.commit([d.AddUser(ANN, "Ann", AccountRole.ADMIN, None)], T0)
    for sub in SPELLINGS_OF_ANN:
        with capture_logs() as lines, pytest.raises(Reject) as found:
            await gate.hello(token=signed(sub=sub))
        assert found.value.code is RejectCode.BAD_CREDENTIALS
        assert [line["event"] for line in lines] == ["login failed"]
    assert (await gate.hello(token=signed())).user == ANN


@pytest.mark.parametrize("names", ["ascii", "unicode"])
async def test_an_issuer_makes_no_account_that_ends_in_punctuation(
    tmp_path: Path, names: str
) -> None:
    """One that is there already is let in."""
    gate = Gate(issuers(tmp_path), config=named(names))
    dotted = UserName("ann.")
    with capture_logs() as lines, pytest.raises(Reject) as found:
        await gate.hello(token=signed(sub=dotted))
    assert found.value.code is RejectCode.BAD_CREDENTIALS
    assert found.value.text.endswith("a new name does not end in punctuation")
    assert len(lines) == 1
    await gate.store.commit([d.AddUser(dotted, dotted, AccountRole.USER, None)], T0)
    assert (await gate.hello(token=signed(sub=dotted))).user == dotted


async def test_a_role_follows_its_issuer(tmp_path: Path) -> None:
    """Whoever is no administrator there any more is none here."""
    gate = Gate(issuers(tmp_path, role_claim="role"))
    await gate.store.commit([d.AddUser(ANN, "Ann", AccountRole.ADMIN, None)], T0)
    with capture_logs() as lines:
        assert (await gate.hello(token=signed())).role == "user"
    assert gate.appended == [d.SetAccountRole(ANN, AccountRole.USER)]
    assert [(line["user"], line["role"], line["issuer"]) for line in lines] == [
        (ANN, "user", SITE)
    ]
    gate.appended.clear()
    assert (await gate.hello(token=signed(role="admin"))).role == "admin"
    assert gate.appended == []
    new = await gate.hello(token=signed(sub="bob", role="bot"))
    assert (new.role, new.is_new, gate.appended) == ("bot", True, [])


async def test_an_account_that_is_banned_stays_so(tmp_path: Path) -> None:
    """Whatever its issuer says."""
    gate = Gate(issuers(tmp_path))
    await gate.store.commit([d.AddUser(ANN, "Ann", AccountRole.USER, None)], T0)
    gate.store.ban(ANN, None, None)
    with pytest.raises(Reject) as found:
        await gate.hello(token=signed())
    assert found.value.code is RejectCode.BANNED


async def test_a_session_of_a_token_ends_with_it(tmp_path: Path) -> None:
    """Until then it is resumed with what the token allowed; after that by another
    token of the same user.
    """
    gate = Gate(issuers(tmp_path, rooms_claim="rooms"))
    end, scope = T0 + 1000, '{"rooms":["lobby"]}'
    session = SessionId(digest_of("s"))
    await gate.store.commit(
        [
            d.AddUser(ANN, "Ann", AccountRole.USER, None),
            d.OpenSession(session, ANN, None, T0, None, end, scope),
        ],
        T0,
    )
    who = await gate.hello(session="s")
    assert (who.expires, who.scope) == (end, Scope.parse(scope))
    assert (who.resumed, who.renews) == (True, False)
    gate.wall = end
    with capture_logs() as lines, pytest.raises(Reject) as found:
        await gate.hello(session="s")
    assert found.value.code is RejectCode.BAD_CREDENTIALS
    assert len(lines) == 1
    who = await gate.hello(session="s", token=signed())
    assert (who.resumed, who.renews, who.scope) == (True, True, None)
    assert who.expires == (NOW + 630) * 1000


async def test_refresh_takes_a_token_of_the_same_user(tmp_path: Path) -> None:
    """Of anybody else it is `bad_field`, also of one who is not there yet."""
    gate = Gate(issuers(tmp_path))
    await gate.store.commit([d.AddUser(ANN, "Ann", AccountRole.USER, None)], T0)
    command = Refresh(Secret(signed()))
    found = await gate.authenticator.check(command, ANN, "192.0.2.1")
    assert found == Renewal(None, (NOW + 630) * 1000, None)
    with pytest.raises(Reject) as refused:
        await gate.authenticator.check(command, UserName("bob"), "192.0.2.1")
    assert (refused.value.code, refused.value.field) == (RejectCode.BAD_FIELD, "token")


# --- keys ---------------------------------------------------------------------


def test_a_kid_chooses_among_the_keys_of_a_set(tmp_path: Path) -> None:
    """As a key of a dictionary; keys for something else are not looked at."""
    other = ed25519.Ed25519PrivateKey.generate()
    raw = key_set(
        jwk(ED, "1"),
        jwk(other, "2", alg="EdDSA", use="sig"),
        jwk(RSA, "3"),
        jwk(OTHER, "4", use="enc"),
        jwk(OTHER, "5", alg="ES256"),
    )
    believed = issuers(tmp_path, raw=raw, jwks=True)
    assert believed.check(signed(headers={"kid": "1"}), T0).name == ANN
    assert believed.check(signed(key=other, headers={"kid": "2"}), T0).name == ANN
    for header in ({"kid": "2"}, {"kid": "3"}, {"kid": "../1"}, {"kid": "4"}, {}):
        with pytest.raises(Unfit, match=r"kid|signature"):
            believed.check(signed(headers=header), T0)
    for kid in (["1"], {"1": 1}, 1, None, True):
        token = forged({"alg": "EdDSA", "kid": kid})
        with pytest.raises(Unfit, match="kid: unknown"):
            believed.check(token, T0)


@pytest.mark.parametrize("algorithm", KEYS)
def test_a_set_may_have_one_key_without_a_name(tmp_path: Path, algorithm: str) -> None:
    """Then no kid is needed, and any is as good."""
    raw = key_set(jwk(KEYS[algorithm], None))
    believed = issuers(tmp_path, algorithm, raw, jwks=True)
    for headers in ({}, {"kid": "x"}):
        assert believed.check(signed(algorithm, headers=headers), T0).name == ANN
    named = issuers(tmp_path, algorithm, key_set(jwk(KEYS[algorithm], "1")), jwks=True)
    assert named.check(signed(algorithm), T0).name == ANN


async def test_an_unknown_kid_is_one_line(tmp_path: Path) -> None:
    """As every other refusal."""
    gate = Gate(issuers(tmp_path, raw=key_set(jwk(ED, "1")), jwks=True))
    with capture_logs() as lines, pytest.raises(Reject):
        await gate.hello(token=signed(headers={"kid": "2"}))
    assert [line["detail"] for line in lines] == ["kid: unknown"]


def test_an_issuer_may_change_its_key(tmp_path: Path) -> None:
    """Two entries of one issuer: both keys are believed while tokens of both live."""
    old, new = issuers(tmp_path), issuers(tmp_path, raw=public_pem(OTHER))
    both = Issuers([*old.entries, *new.entries])
    assert both.check(signed(), T0).name == ANN
    assert both.check(signed(key=OTHER), T0).name == ANN


def test_an_issuer_may_have_several_audiences(tmp_path: Path) -> None:
    """Two entries with the same key: each is for its own, and neither for a third."""
    one = issuers(tmp_path).entries[0]
    other = attrs.evolve(one, config=attrs.evolve(one.config, audience="mail"))
    both = Issuers([other, one])
    assert both.check(signed(), T0).name == ANN
    assert both.check(signed(aud="mail"), T0).name == ANN
    with pytest.raises(Unfit, match=r"^aud: it is for somebody else$"):
        both.check(signed(aud="files"), T0)


def certificate() -> bytes:
    """One that an operator may take for the key in it."""
    return authority().issue_cert("localhost").cert_chain_pems[0].bytes()


BAD_KEYS: dict[str, tuple[str, Callable[[], bytes], str]] = {
    "short secret": ("HS256", lambda: b"x" * 31 + b"\n", "at least 32 bytes"),
    "a PEM as a secret": ("HS256", lambda: public_pem(RSA), "no key for HS256"),
    "another kind": ("RS256", lambda: public_pem(ED), "for RS256"),
    "another curve": (
        "ES256",
        lambda: public_pem(ec.generate_private_key(ec.SECP384R1())),
        "no key for ES256",
    ),
    "a key for exchange": (
        "EdDSA",
        lambda: public_pem(x25519.X25519PrivateKey.generate()),
        "for EdDSA",
    ),
    "a private key": (
        "EdDSA",
        lambda: private_pem(ED),
        r"only the issuer.*openssl pkey -in .* -pubout",
    ),
    "a private RSA key": ("RS256", lambda: private_pem(RSA), "only the issuer"),
    "a certificate": ("ES256", certificate, "openssl x509 -in .* -noout -pubkey"),
    "the binary form": ("EdDSA", lambda: b"\x30\x2a\x30", "-pubin -inform der -in "),
    "another PEM": ("EdDSA", lambda: b"-----BEGIN PGP MESSAGE-----", "pgp message"),
    "a small RSA key": (
        "RS256",
        lambda: public_pem(rsa.generate_private_key(65537, 1024)),  # noqa: S505 - to be refused
        "at least 2048 bits",
    ),
    "nothing": ("EdDSA", lambda: b"", "it is empty"),
    "no PEM": ("RS256", lambda: b"\xff\xfe", "it is no PEM; wanted is a public key"),
}


@pytest.mark.parametrize("case", BAD_KEYS)
def test_a_key_that_does_not_fit_is_told_at_the_start(
    tmp_path: Path, case: str
) -> None:
    """With the place in the file, and what is wrong."""
    algorithm, make, reason = BAD_KEYS[case]
    with pytest.raises(ConfigError, match=reason) as found:
        issuers(tmp_path, algorithm, make())
    (problem,) = found.value.problems
    assert problem.startswith(f"auth.jwt[0].key_file: {tmp_path}")


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "no JWKS"),
        (b"[]", "no JWKS"),
        (b'{"keys":1}', "no JWKS"),
        (b'{"keys":[1]}', "no JWKS"),
        (b'{"keys":[]}', "no key for EdDSA"),
        (key_set(jwk(RSA, "1")), "no key for EdDSA"),
        (key_set(jwk(ED, None), jwk(OTHER, "1")), "kid of its own"),
        (key_set(jwk(ED, "1"), jwk(OTHER, "1")), "kid of its own"),
        (key_set({"kty": "OKP", "crv": "Ed25519", "x": "AA"}), "auth.jwt"),
        (key_set({"kty": "OKP", "crv": "Ed25519"}), "auth.jwt"),
        (key_set({"kty": "OKP", "kid": ["1"]}), "auth.jwt"),
    ],
)
def test_a_set_that_is_none_is_told_at_the_start(
    tmp_path: Path, raw: bytes, reason: str
) -> None:
    """With the place in the file, and what is wrong."""
    with pytest.raises(ConfigError, match=reason) as found:
        issuers(tmp_path, raw=raw, jwks=True)
    assert found.value.problems[0].startswith("auth.jwt[0].jwks_file: ")


@pytest.mark.parametrize(
    ("algorithm", "key"),
    [
        ("ES256", ec.generate_private_key(ec.SECP384R1())),
        ("RS256", rsa.generate_private_key(65537, 1024)),  # noqa: S505 - to be refused
        ("HS256", b"too short"),
    ],
)
def test_a_weak_or_wrong_key_in_a_set_is_told_at_the_start(
    tmp_path: Path, algorithm: str, key: Any
) -> None:
    """By the same measure as one in a file of its own."""
    with pytest.raises(ConfigError, match="jwks_file"):
        issuers(tmp_path, algorithm, key_set(jwk(key, "1")), jwks=True)


def test_all_files_that_cannot_be_read_are_told(tmp_path: Path) -> None:
    """At once."""
    entries = [
        JwtIssuer(
            issuer=SITE, audience=US, algorithm="EdDSA", key_file=f"{tmp_path}/{name}"
        )
        for name in ("a", "b")
    ]
    with pytest.raises(ConfigError) as found:
        read_issuers(entries)
    assert found.value.problems == [
        f"auth.jwt[{index}].key_file: {tmp_path}/{name}: No such file or directory"
        for index, name in enumerate("ab")
    ]
