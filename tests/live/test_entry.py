"""How people get into a real daemon: the first one, those who are invited, devices."""

from __future__ import annotations

import os
import pty
import signal
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import trio
from websockets.exceptions import ConnectionClosed

from tests.live.daemon import PATIENCE_S, Daemon, Person, person, running, start
from tests.live.test_admin import typed
from tests.live.test_conversation import add_account
from tests.live.test_traffic import closed, granted, refused

PASSWORD = "correct horse"
SETTINGS = {
    "CHATD_SERVER__PUBLIC_URL": "https://example.org/chat",
    "CHATD_LIMITS__MESSAGES_PER_S": "0",
}


def link_file(data: Path) -> Path:
    """Where the link for the first administrator is left."""
    return data / "setup-link"


def secret_in(data: Path) -> str:
    """Its secret."""
    url, _, secret = link_file(data).read_text().strip().partition("#setup=")
    assert url == "https://example.org/chat/"
    return secret


async def gone(path: Path) -> None:
    """Wait until a file is not there any more."""
    with trio.fail_after(PATIENCE_S):
        while await trio.Path(path).exists():  # noqa: ASYNC110 - nobody tells
            await trio.sleep(0.01)


async def register(daemon: Daemon, name: str, invite: str) -> Any:
    """Make an account by a secret; the answer."""
    async with person(daemon.url) as who:
        return await who.ask(
            type="register", name=name, password=PASSWORD, invite=invite
        )


async def log_in(who: Person, name: str) -> dict[str, Any]:
    """Say hello by a password."""
    return await who.hello(name=name, password=PASSWORD)


# --- the first administrator ------------------------------------------------------


async def test_the_first_one_comes_by_a_link_that_works_once(tmp_path: Path) -> None:
    """It is left for whoever may read the data, and goes when he has come."""
    data = tmp_path / "data"
    async with running(data, env=SETTINGS) as daemon:
        mode = stat.S_IMODE((await trio.Path(link_file(data)).stat()).st_mode)
        assert mode == 0o600
        secret = secret_in(data)
        async with person(daemon.url) as ada:
            about = await granted(ada, type="about")
            assert about["setup"] is True
            assert about["place"] == "example.org"
            await granted(
                ada, type="register", name="ada", password=PASSWORD, invite=secret
            )
            assert (await log_in(ada, "ada"))["role"] == "admin"
            await granted(ada, type="place", name="Northwind")
            await gone(link_file(data))
            assert "setup" not in await granted(ada, type="about")
        assert (await register(daemon, "bob", secret))["code"] == "bad_invitation"
        assert secret not in daemon.log_text()
    async with running(data, env=SETTINGS) as daemon:
        assert not await trio.Path(link_file(data)).exists()
        async with person(daemon.url) as ada:
            assert (await log_in(ada, "ada"))["place"] == "Northwind"


async def test_a_killed_daemon_waits_for_the_first_one_again(tmp_path: Path) -> None:
    """By another link; who had the old one reads the new one where it was."""
    data = tmp_path / "data"
    daemon = await start(data, env=SETTINGS)
    old = secret_in(data)
    daemon.kill()
    await daemon.wait()
    daemon = await start(data, env=SETTINGS)
    new = secret_in(data)
    assert new != old
    assert (await register(daemon, "ada", old))["code"] == "bad_invitation"
    assert (await register(daemon, "ada", new))["type"] == "ok"
    daemon.kill()
    await daemon.wait()
    async with running(data, env=SETTINGS) as daemon, person(daemon.url) as ada:
        assert (await log_in(ada, "ada"))["role"] == "admin"


async def test_who_is_made_administrator_by_the_terminal_takes_its_place(
    tmp_path: Path,
) -> None:
    """Also an account that is there: the link is void when the command returns."""
    for by_role in (False, True):
        data = tmp_path / f"data{by_role}"
        async with running(data, env=SETTINGS) as daemon:
            secret = secret_in(data)
            if by_role:
                await typed(data, "user", "add", "bob", given=f"{PASSWORD}\n")
                assert await trio.Path(link_file(data)).exists()
                await typed(data, "user", "role", "bob", "admin")
            else:
                asked = ("user", "add", "bob", "--admin")
                await typed(data, *asked, given=f"{PASSWORD}\n")
            answer = await register(daemon, "eve", secret)
            assert answer["code"] == "bad_invitation"
            await gone(link_file(data))


async def test_where_somebody_has_an_account_nobody_is_waited_for(
    tmp_path: Path,
) -> None:
    """And a link that a killed daemon has left is taken away."""
    data = tmp_path / "data"
    daemon = await start(data, env=SETTINGS)
    daemon.kill()
    await daemon.wait()
    add_account(data, "ada", PASSWORD, "--admin")
    async with running(data, env=SETTINGS) as daemon:
        assert not await trio.Path(link_file(data)).exists()
        async with person(daemon.url) as who:
            assert "setup" not in await granted(who, type="about")


async def test_a_terminal_shows_the_link(tmp_path: Path) -> None:
    """There is no file then: whoever has started it sees it."""
    data = tmp_path / "data"
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "chatd", "serve", "--listen", "127.0.0.1:0"]
    process = subprocess.Popen(  # noqa: ASYNC220 - it is a terminal's
        [*command, "--data", str(data)], stdout=theirs, stderr=subprocess.DEVNULL
    )
    os.close(theirs)
    said = b""
    try:
        with trio.fail_after(PATIENCE_S):
            while b"#setup=" not in said or not said.endswith(b"\n"):
                said += await trio.to_thread.run_sync(
                    os.read, ours, 4096, abandon_on_cancel=True
                )
        assert b"open http://127.0.0.1:" in said
        assert not await trio.Path(link_file(data)).exists()
    finally:
        process.send_signal(signal.SIGTERM)
        with trio.move_on_after(PATIENCE_S, shield=True):
            await trio.to_thread.run_sync(process.wait)
        os.close(ours)


# --- invitations ------------------------------------------------------------------


async def test_people_come_by_the_operators_link(tmp_path: Path) -> None:
    """Beside the running daemon, whatever the setting is; no more than it is for."""
    data = tmp_path / "data"
    add_account(data, "ada", PASSWORD, "--admin")
    closed_to_all = SETTINGS | {"CHATD_AUTH__REGISTRATION": "closed"}
    async with running(data, env=closed_to_all) as daemon:
        asked = ("invite", "--uses", "3", "--expires", "1h", "--room", "lobby")
        link, _ = await typed(data, *asked)
        secret = link.strip().partition("#invite=")[2]
        answers: list[Any] = []

        async def come(number: int) -> None:
            answers.append(await register(daemon, f"p{number}", secret))

        async with trio.open_nursery() as nursery:
            for number in range(8):
                nursery.start_soon(come, number)
        told = sorted(answer.get("code", "ok") for answer in answers)
        assert told == ["invitation_used"] * 5 + ["ok"] * 3
        listed, _ = await typed(data, "invite", "list")
        assert "3 of 3 used" in listed
        (name,) = [f"p{n}" for n in range(8) if f"p{n}" in listed][:1]
        async with person(daemon.url) as who:
            welcome = await log_in(who, name)
            assert [entry["room"] for entry in welcome["rooms"]] == ["lobby"]
            await refused(who, "forbidden", type="invitation_create")
        other, _ = await typed(data, "invite")
        await typed(data, "invite", "revoke", "2")
        void = other.strip().partition("#invite=")[2]
        assert (await register(daemon, "eve", void))["code"] == "bad_invitation"
        assert (await register(daemon, "eve", "guess"))["field"] == "invite"
        assert secret not in daemon.log_text()


async def test_who_was_told_ok_is_in_over_a_kill(tmp_path: Path) -> None:
    """With his room, and the invitation used: all of it or nothing."""
    data = tmp_path / "data"
    add_account(data, "ada", PASSWORD, "--admin")
    async with running(data, env=SETTINGS) as daemon, person(daemon.url) as ada:
        await log_in(ada, "ada")
        await granted(ada, type="join", room="garden")
        made = await granted(ada, type="invitation_create", room="garden", uses=50)
    daemon = await start(data, env=SETTINGS)
    told: list[str] = []
    async with trio.open_nursery() as nursery:
        for number in range(12):
            nursery.start_soon(
                come_until_killed, daemon, f"p{number}", made["secret"], told
            )
    await daemon.wait()
    assert told
    async with running(data, env=SETTINGS) as daemon, person(daemon.url) as ada:
        await log_in(ada, "ada")
        page = await granted(ada, type="invitations")
        (kept,) = page["invitations"]
        assert set(told) <= set(kept["users"])
        assert kept["used"] == len(kept["users"])
        await granted(ada, type="join", room="garden")
        who = await granted(ada, type="who", room="garden", all=True)
        members = {entry["name"] for entry in who["users"]}
        assert members == {"ada", *kept["users"]}


async def come_until_killed(
    daemon: Daemon, name: str, secret: str, told: list[str]
) -> None:
    """Register; the third one who is told `ok` kills the daemon."""
    try:
        answer = await register(daemon, name, secret)
    except (OSError, ConnectionClosed):
        return  # it was killed meanwhile
    assert answer["type"] == "ok"
    told.append(name)
    if len(told) == 3:
        daemon.kill()


# --- one's other device -----------------------------------------------------------


async def test_a_phone_comes_in_by_what_the_desk_shows(tmp_path: Path) -> None:
    """Once; each device ends by itself, and all of them at once."""
    data = tmp_path / "data"
    add_account(data, "ann", PASSWORD)
    async with running(data, env=SETTINGS) as daemon, person(daemon.url) as desk:
        await log_in(desk, "ann")
        linked = await granted(desk, type="link")
        async with person(daemon.url) as phone, person(daemon.url) as thief:
            welcome = await phone.hello(link=linked["secret"], device="Ann's phone")
            assert welcome["user"] == "ann"
            await refused(thief, "bad_credentials", type="hello", link=linked["secret"])
            page = await granted(phone, type="sessions")
            devices = [entry.get("device") for entry in page["sessions"]]
            assert sorted(devices, key=str) == ["Ann's phone", None]
            tab = await granted(desk, type="sessions")
            assert len(tab["sessions"]) == 2
            await granted(desk, type="logout", everywhere=True)
            await closed(desk, 1000)
            await closed(phone, 4505)
        async with person(daemon.url) as again:
            await refused(
                again, "bad_credentials", type="hello", session=welcome["session"]
            )
