"""Banned guests come back: a real daemon, and addresses that a proxy tells."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from pathlib import Path

import apsw

from tests.live.daemon import Daemon, Frame, Person, person, running
from tests.live.test_admin import add_accounts, ending, typed

PASSWORD = "correct horse"
PROXIED = {"CHATD_SERVER__TRUSTED_PROXIES": '["127.0.0.0/8"]'}
HERE, THERE = "192.0.2.7", "198.51.100.1"
SIX, SAME_64, OTHER_64 = "2001:db8:1:2::7", "2001:db8:1:2:ffff::1", "2001:db8:1:3::7"


def coming(daemon: Daemon, address: str) -> AbstractAsyncContextManager[Person]:
    """Somebody whom a proxy says to come from an address."""
    return person(daemon.url, additional_headers={"X-Forwarded-For": address})


async def hello(daemon: Daemon, address: str, **fields: str) -> Frame:
    """What somebody from an address is answered who says hello."""
    async with coming(daemon, address) as who:
        return await who.ask(type="hello", **fields)


async def join(daemon: Daemon, address: str, **fields: str) -> Frame:
    """What he is answered who wants to join the lobby."""
    async with coming(daemon, address) as who:
        await who.hello(**fields)
        return await who.ask(type="join", room="lobby")


async def test_a_moderators_ban_holds_over_a_restart(tmp_path: Path) -> None:
    """For the address in IPv4 and the /64 in IPv6, and for guests alone."""
    data = tmp_path / "data"
    add_accounts(data, "ann", "bob")
    await typed(data, "user", "role", "ann", "admin")
    banned: list[str] = []
    async with running(data, env=PROXIED) as daemon, coming(daemon, THERE) as ann:
        await ann.hello(name="ann", password=PASSWORD)
        await ann.ask(type="join", room="lobby")
        for address in (HERE, SIX):
            async with coming(daemon, address) as guest:
                banned.append((await guest.hello())["user"])
                await guest.ask(type="join", room="lobby")
                done = await ann.ask(type="ban", room="lobby", user=banned[-1])
                assert done["type"] == "ok", done
    for _ in range(2):
        async with running(data, env=PROXIED) as daemon:
            for address in (HERE, SIX, SAME_64):
                assert (await join(daemon, address))["code"] == "banned"
            for address in (THERE, OTHER_64):
                assert (await join(daemon, address))["type"] == "ok"
            account = await join(daemon, HERE, name="bob", password=PASSWORD)
            assert account["type"] == "ok"
    async with running(data, env=PROXIED) as daemon, coming(daemon, THERE) as ann:
        await ann.hello(name="ann", password=PASSWORD)
        for name in banned:
            done = await ann.ask(type="unban", room="lobby", user=name)
            assert done["type"] == "ok", done
        for address in (HERE, SAME_64):
            assert (await join(daemon, address))["type"] == "ok"
    assert not found(data, HERE, SIX)


async def test_the_operators_ban_ends_whoever_comes_from_there(tmp_path: Path) -> None:
    """`chatd user ban` beside the daemon: all his names, until `unban`."""
    data = tmp_path / "data"
    add_accounts(data, "bob")
    async with (
        running(data, env=PROXIED) as daemon,
        coming(daemon, HERE) as guest,
        coming(daemon, HERE) as second,
        coming(daemon, THERE) as other,
        coming(daemon, HERE) as bob,
    ):
        name = (await guest.hello())["user"]
        await second.hello()
        await other.hello()
        await bob.hello(name="bob", password=PASSWORD)
        await typed(data, "user", "ban", name, "--reason", "spam")
        for one in (guest, second):
            assert await ending(one) == 4503
        answer = await hello(daemon, HERE)
        assert answer["code"] == "banned"
        assert answer["text"].endswith(": spam")
        assert (await hello(daemon, THERE))["type"] == "welcome"
        for one in (other, bob):
            assert (await one.ask(type="ping"))["type"] == "ok"
        await typed(data, "user", "unban", name)
        while (await hello(daemon, HERE))["type"] != "welcome":
            """The daemon takes note of it."""


def found(data: Path, *addresses: str) -> list[str]:
    """Which of the addresses stand somewhere in the database."""
    db = apsw.Connection(str(data / "chatd.db"))
    try:
        text = "\n".join(
            repr(row)
            for (table,) in db.execute(
                "SELECT name FROM sqlite_schema WHERE type = 'table'"
                " AND sql NOT LIKE '%VIRTUAL%'"
            ).fetchall()
            for row in db.execute(f"SELECT * FROM {table}")  # noqa: S608 - its own
        )
    finally:
        db.close()
    return [address for address in addresses if address in text]
