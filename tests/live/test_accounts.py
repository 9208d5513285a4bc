"""Accounts, sessions and tokens, on the wire of a real daemon."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from websockets.exceptions import ConnectionClosed

from chatd.auth import digest_of
from chatd.core.scope import Scope
from chatd.ids import UserName
from tests.live.daemon import Person, person, running
from tests.store.support import add_account, add_token

OPEN = {"CHATD_AUTH__REGISTRATION": "open"}
PASSWORD, OTHER = "correct horse", "battery staple"
SITE, US = "https://site.example", "chat"
SECRET = b"thirty-two bytes at the very least"


async def closed(someone: Person) -> int:
    """Hear until the daemon closes, and return its code."""
    with pytest.raises(ConnectionClosed) as found:
        while True:
            await someone.hear()
    assert found.value.rcvd is not None
    return found.value.rcvd.code


async def test_an_account_from_its_beginning_to_a_new_password(tmp_path: Path) -> None:
    """Made on the wire; two devices; a new password ends the second with 4505, its
    session and the old password; logging out everywhere ends the rest.
    """
    async with (
        running(tmp_path / "data", env=OPEN) as daemon,
        person(daemon.url) as phone,
        person(daemon.url) as laptop,
    ):
        short = await phone.ask(type="register", name="ann", password="short")
        assert (short["code"], short["field"]) == ("bad_field", "password")
        done = await phone.ask(
            type="register", name="Ann", password=PASSWORD, display="Ann A.", id=1
        )
        assert done == {"type": "ok", "re": "register", "id": 1}
        taken = await laptop.ask(type="register", name="ann", password=OTHER)
        assert (taken["code"], taken["field"]) == ("name_taken", "name")
        welcome = await phone.hello(name="ann", password=PASSWORD)
        assert (welcome["user"], welcome["display"]) == ("ann", "Ann A.")
        session = (await laptop.hello(name="ann", password=PASSWORD))["session"]

        wrong = await phone.ask(type="password", old="wrong", new=OTHER)
        assert wrong["code"] == "bad_credentials"
        changed = await phone.ask(type="password", old=PASSWORD, new=OTHER)
        assert changed["type"] == "ok"
        assert (await laptop.hear_until(type="bye"))["code"] == 4505
        assert await closed(laptop) == 4505

        async with person(daemon.url) as again:
            for fields in ({"session": session}, {"name": "ann", "password": PASSWORD}):
                refused = await again.ask(type="hello", **fields)
                assert refused["code"] == "bad_credentials"
            await again.hello(name="ann", password=OTHER)
            assert (await phone.ask(type="logout", everywhere=True))["type"] == "ok"
            assert await closed(phone) == 1000
            assert await closed(again) == 4505


async def test_accounts_are_not_made_where_the_door_is_shut(tmp_path: Path) -> None:
    """As it is by default."""
    async with running(tmp_path / "data") as daemon, person(daemon.url) as ann:
        refused = await ann.ask(type="register", name="ann", password=PASSWORD)
        assert refused["code"] == "forbidden"
        assert (await ann.hello())["role"] == "guest"


async def test_a_connection_ends_with_its_token_unless_it_is_refreshed(
    tmp_path: Path,
) -> None:
    """It is told before; 4003; and what the token does not allow is forbidden."""
    data = tmp_path / "data"
    ann = UserName("ann")

    def add(word: str, left_ms: int, scope: Scope | None = None) -> None:
        now = time.time_ns() // 1_000_000
        allowed = None if scope is None else str(scope)
        add_token(data, ann, digest_of(word), now + left_ms, now, scope=allowed)

    add_account(data, ann, "no hash")
    add("short", 60_000, Scope.parse('{"rooms":["lobby"]}'))
    add("long", 3_600_000)
    async with running(data) as daemon, person(daemon.url) as bot:
        await bot.hello(token="short")
        assert 1 <= (await bot.hear_until(type="expiring"))["in"] <= 60
        assert (await bot.ask(type="join", room="lobby"))["type"] == "ok"
        refused = await bot.ask(type="join", room="team")
        assert refused["code"] == "forbidden"
        assert (await bot.ask(type="refresh", token="nonsense"))["code"] == (
            "bad_credentials"
        )
        done = await bot.ask(type="refresh", token="long", id=9)
        assert done == {"type": "ok", "re": "refresh", "id": 9}
        assert (await bot.ask(type="join", room="team"))["created"] is True

        add("shorter", 5000)
        assert (await bot.ask(type="refresh", token="shorter"))["type"] == "ok"
        assert (await bot.hear_until(type="expiring"))["in"] <= 5
        bye = await bot.hear_until(type="bye")
        assert (bye["code"], bye["reconnect"]) == (4003, True)
        assert await closed(bot) == 4003


def token(algorithm: str, key: Any, **claims: Any) -> str:
    """A token of the site."""
    now = int(time.time())
    content = {"iss": SITE, "aud": US, "sub": "ann", "iat": now, "exp": now + 600}
    return jwt.encode({**content, **claims}, key, algorithm)


async def test_a_sites_users_log_in_with_its_tokens(tmp_path: Path) -> None:
    """Signed by HS256 or EdDSA; the account is there from then on, its session goes
    on, and a forged token is one line in the log.
    """
    key = Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes(
        Encoding.PEM, PublicFormat.SubjectPublicKeyInfo
    )
    (tmp_path / "secret").write_bytes(SECRET)
    (tmp_path / "public.pem").write_bytes(public)
    entries = "".join(
        f'[[auth.jwt]]\nissuer = "{SITE}"\naudience = "{US}"\n'
        f'algorithm = "{algorithm}"\nkey_file = "{tmp_path}/{name}"\n'
        'role_claim = "role"\ndisplay_claim = "name"\n'
        for algorithm, name in (("HS256", "secret"), ("EdDSA", "public.pem"))
    )
    file = tmp_path / "chatd.toml"
    file.write_text(entries)
    async with running(tmp_path / "data", "-c", str(file)) as daemon:
        async with person(daemon.url) as ann:
            by_secret = token("HS256", SECRET, name="Ann A.", role="admin")
            welcome = await ann.hello(token=by_secret)
            assert (welcome["user"], welcome["role"]) == ("ann", "admin")
            assert welcome["display"] == "Ann A."
            assert (await ann.ask(type="join", room="lobby"))["type"] == "ok"
        async with person(daemon.url) as ann:
            again = await ann.hello(session=welcome["session"])
            assert again["rooms"][0]["room"] == "lobby"
        header = {"Authorization": f"Bearer {token('EdDSA', key)}"}
        async with person(daemon.url, additional_headers=header) as ann:
            welcome = await ann.hello()
            assert (welcome["user"], welcome["role"]) == ("ann", "user")
        async with person(daemon.url) as eve:
            forged = token("HS256", public.replace(b"-----", b""))
            refused = await eve.ask(type="hello", token=forged)
            assert refused["code"] == "bad_credentials"
    assert daemon.log_text().count("reason=bad_token") == 1
    assert forged not in daemon.log_text()
