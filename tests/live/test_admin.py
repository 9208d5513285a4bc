"""The operator's commands beside a running daemon, and what people see of them."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio
from websockets.exceptions import ConnectionClosed

from tests.live.daemon import (
    PATIENCE_S,
    Daemon,
    Frame,
    Person,
    person,
    running,
    start,
)
from tests.live.test_conversation import add_account
from tests.store.support import erased

PASSWORD = "correct horse"
UNHURRIED = {
    "CHATD_LIMITS__MESSAGES_PER_S": "0",
    "CHATD_LIMITS__COMMANDS_PER_S": "0",
    "CHATD_HISTORY__REPLAY_MAX": "0",
}
SECRET_WORDS = ("walrus", "narwhal")


async def typed(
    data: Path, *args: str, given: str = "", status: int = 0
) -> tuple[str, str]:
    """Type a command the way an operator does; what it printed, on both ways."""
    done = await trio.run_process(
        [sys.executable, "-m", "chatd", *args, "--data", str(data)],
        stdin=given.encode(),
        capture_stdout=True,
        capture_stderr=True,
        check=False,
    )
    assert done.returncode == status, done.stderr.decode()
    return done.stdout.decode(), done.stderr.decode()


def add_accounts(data: Path, *names: str) -> None:
    """Add accounts that share a password."""
    for name in names:
        add_account(data, name, PASSWORD)


@asynccontextmanager
async def logged_in(url: str, name: str) -> AsyncIterator[Person]:
    """Somebody is in the lobby for a block."""
    async with person(url) as who:
        await who.hello(name=name, password=PASSWORD)
        await who.ask(type="join", room="lobby")
        await who.hear_until(type="caught_up")
        yield who


async def ending(who: Person) -> int:
    """Hear to the end; the code that it had, which `bye` told as well."""
    said: Frame = {}
    with pytest.raises(ConnectionClosed) as closed:
        while True:
            said = await who.hear()
    assert closed.value.rcvd is not None
    assert said["type"] == "bye"
    assert said["code"] == closed.value.rcvd.code
    assert said["reconnect"] is False
    return closed.value.rcvd.code


async def refusal(url: str, **fields: Any) -> Frame:
    """Say hello and be refused."""
    async with person(url) as who:
        frame = await who.ask(type="hello", **fields)
        assert frame["type"] == "error", frame
        return frame


async def test_a_ban_cuts_off_at_once(tmp_path: Path) -> None:
    """All devices with 4503, out of the online list without a grace; hello answers
    `banned` with the reason; the session is void, also after the ban.
    """
    data = tmp_path / "data"
    add_accounts(data, "ann", "bob")
    login = {"name": "ann", "password": PASSWORD}
    async with running(data) as daemon:
        async with (
            logged_in(daemon.url, "bob") as bob,
            logged_in(daemon.url, "bob") as other,
            logged_in(daemon.url, "ann") as phone,
            person(daemon.url) as desk,
        ):
            session = (await desk.hello(**login))["session"]
            frame = await bob.hear_until(type="presence")
            while "ann" not in [user["name"] for user in frame.get("join", [])]:
                frame = await bob.hear_until(type="presence")
            await typed(data, "user", "ban", "ann", "--for", "1h", "--reason", "spam")
            # The command returns when it is done.
            who = await other.ask(type="who", room="lobby")
            assert [user["name"] for user in who["users"]] == ["bob"]
            assert (await bob.hear_until(type="presence"))["leave"] == ["ann"]
            assert [await ending(phone), await ending(desk)] == [4503, 4503]
        banned = await refusal(daemon.url, **login)
        assert banned["code"] == "banned"
        assert banned["text"].startswith("you are banned from this server until 20")
        assert banned["text"].endswith(": spam")
        await typed(data, "user", "unban", "ann")
        void = await refusal(daemon.url, session=session)
        assert void["code"] == "bad_credentials"
        async with logged_in(daemon.url, "ann"):
            pass
    said = daemon.log_text()
    (until,) = re.findall(
        r"administration by=\*operator what=ban user=ann until=(\S+)", said
    )
    assert until.startswith("20")
    assert said.count("administration by=*operator") == 2
    assert "administration by=*operator what=unban user=ann\n" in said
    assert "spam" not in said


async def test_a_room_whose_owner_is_banned_is_left_to_the_others(
    tmp_path: Path,
) -> None:
    """As long as he is: over a restart, and until the command line says otherwise."""
    data = tmp_path / "data"
    add_accounts(data, "ann", "bob")
    topic = {"type": "room", "room": "den", "topic": "tea"}
    moderated = {"type": "role", "room": "den", "user": "bob", "role": "moderator"}
    async with (
        running(data) as daemon,
        logged_in(daemon.url, "bob") as bob,
        logged_in(daemon.url, "ann") as ann,
    ):
        await ann.ask(type="join", room="den")
        await bob.ask(type="join", room="den")
        assert (await bob.ask(**topic))["code"] == "forbidden"
        await typed(data, "user", "ban", "ann")
        assert (await bob.ask(**topic))["type"] == "ok"
    async with running(data) as daemon, logged_in(daemon.url, "bob") as bob:
        assert (await bob.ask(**moderated))["type"] == "ok"
        await typed(data, "user", "unban", "ann")
        assert (await bob.ask(**moderated))["code"] == "forbidden"
        async with logged_in(daemon.url, "ann") as ann:
            assert (await ann.ask(**moderated | {"role": "member"}))["type"] == "ok"
            assert (await bob.ask(**topic))["code"] == "forbidden"


async def test_a_revoked_token_cuts_off_what_came_from_it(tmp_path: Path) -> None:
    """With 4505; another device of the same account stays."""
    data = tmp_path / "data"
    add_accounts(data, "ann")
    async with running(data) as daemon:
        token = (await typed(data, "token", "issue", "ann"))[0].strip()
        (listed,) = (await typed(data, "token", "list", "--json"))[0].splitlines()
        async with (
            logged_in(daemon.url, "ann") as desk,
            person(daemon.url) as program,
        ):
            session = (await program.hello(token=token))["session"]
            await typed(data, "token", "revoke", str(json.loads(listed)["id"]))
            assert await ending(program) == 4505
            for credential in ({"token": token}, {"session": session}):
                refused = await refusal(daemon.url, **credential)
                assert refused["code"] == "bad_credentials"
            assert (await desk.ask(type="ping"))["type"] == "ok"
    assert token not in daemon.log_text()


async def test_another_password_cuts_off(tmp_path: Path) -> None:
    """With 4505; sessions and tokens are void, only the new one lets in."""
    data = tmp_path / "data"
    add_accounts(data, "ann")
    async with running(data) as daemon:
        token = (await typed(data, "token", "issue", "ann"))[0].strip()
        async with logged_in(daemon.url, "ann") as ann, person(daemon.url) as program:
            await program.hello(token=token)
            await typed(data, "user", "password", "ann", given="battery staple\n")
            assert [await ending(ann), await ending(program)] == [4505, 4505]
        for credential in ({"token": token}, {"name": "ann", "password": PASSWORD}):
            refused = await refusal(daemon.url, **credential)
            assert refused["code"] == "bad_credentials"
        async with person(daemon.url) as ann:
            await ann.hello(name="ann", password="battery staple")


async def test_a_logout_and_a_role_by_the_operator(tmp_path: Path) -> None:
    """All devices have to log in again; a role is another one without that."""
    data = tmp_path / "data"
    add_accounts(data, "ann")
    async with running(data) as daemon:
        async with logged_in(daemon.url, "ann") as ann:
            await typed(data, "user", "role", "ann", "admin")
            assert (await ann.ask(type="ping"))["type"] == "ok"
            async with person(daemon.url) as desk:
                welcome = await desk.hello(name="ann", password=PASSWORD)
                assert welcome["role"] == "admin"
                await typed(data, "user", "logout", "ann")
                assert [await ending(ann), await ending(desk)] == [4505, 4505]
        printed, _ = await typed(data, "user", "sessions", "ann", "--json")
        assert printed == ""


async def test_one_device_is_logged_out(tmp_path: Path) -> None:
    """By what the list calls it, which is what its owner sees as well; the others stay,
    and a session ends over a restart as it began.
    """
    data = tmp_path / "data"
    add_accounts(data, "ann")
    login = {"name": "ann", "password": PASSWORD}
    async with running(data) as daemon:
        async with person(daemon.url) as phone, person(daemon.url) as desk:
            secret = (await phone.hello(**login, device="phone"))["session"]
            kept = (await desk.hello(**login, device="desk"))["session"]
            seen = (await desk.ask(type="sessions"))["sessions"]
            printed, _ = await typed(data, "user", "sessions", "ann", "--json")
            shown = [json.loads(line) for line in printed.splitlines()]
            names = {entry["session"]: entry["device"] for entry in seen}
            assert {one["session"]: one["device"] for one in shown} == names
            (tag,) = [tag for tag, device in names.items() if device == "phone"]
            assert tag not in secret
            await typed(data, "user", "logout", "ann", "--session", tag)
            assert await ending(phone) == 4505
            assert (await desk.ask(type="ping"))["type"] == "ok"
        void = await refusal(daemon.url, session=secret)
        assert void["code"] == "bad_credentials"
    async with running(data) as daemon, person(daemon.url) as desk:
        await desk.hello(session=kept)
        (left,) = (await desk.ask(type="sessions"))["sessions"]
        assert (left["device"], left["current"]) == ("desk", True)


async def test_a_guest_is_sent_away(tmp_path: Path) -> None:
    """By the name that he was given; his session is all that he had."""
    data = tmp_path / "data"
    async with running(data) as daemon, person(daemon.url) as dan:
        welcome = await dan.hello(name="dan")
        await dan.ask(type="join", room="lobby")
        await typed(data, "user", "ban", welcome["user"])
        assert await ending(dan) == 4503
        refused = await refusal(daemon.url, session=welcome["session"])
        assert refused["code"] == "bad_credentials"


# --- export -----------------------------------------------------------------------


async def test_an_export_is_what_was_written(tmp_path: Path) -> None:
    """While the daemon runs and people write, and after it: the same messages."""
    data = tmp_path / "data"
    add_accounts(data, "ann", "bob")
    async with running(data, env=UNHURRIED) as daemon:
        async with logged_in(daemon.url, "ann") as ann, person(daemon.url) as bob:
            await bob.hello(name="bob", password=PASSWORD)
            sent = {}
            for number in range(40):
                ok = await ann.ask(type="send", room="lobby", text=f"n{number}")
                sent["lobby", ok["seq"]] = f"n{number}"
            ok = await ann.ask(type="send", to="bob", text="psst")
            sent[ok["room"], ok["seq"]] = "psst"
            await ann.ask(type="edit", room="lobby", of=1, text="edited")
            sent["lobby", 1] = "edited"
            async with trio.open_nursery() as nursery:

                async def talk() -> None:
                    while True:
                        await bob.ask(type="send", room="tea", text="bob's")

                await bob.ask(type="join", room="tea")
                nursery.start_soon(talk)
                printed, _ = await typed(data, "export", "ann")
                nursery.cancel_scope.cancel()
        records = [json.loads(line) for line in printed.splitlines()]
    again = [
        json.loads(x) for x in (await typed(data, "export", "ann"))[0].splitlines()
    ]
    for found in (records, again):
        messages = {
            (record["room"], record["seq"]): record["text"]
            for record in found
            if record["type"] == "message"
        }
        assert messages == sent
    kinds = {record["type"] for record in records}
    assert kinds == {"profile", "session", "membership", "message", "edit"}


# --- erase ------------------------------------------------------------------------


async def told(ann: Person, bob: Person) -> None:
    """Ann says what is to be forgotten, bob answers."""
    await ann.ask(type="send", room="lobby", text="walrus one", cid="1")
    await ann.ask(type="edit", room="lobby", of=1, text="narwhal two")
    await bob.ask(type="react", room="lobby", of=1, emoji="👍")
    await bob.ask(type="send", room="lobby", text="hello ann", reply_to=1)
    await ann.ask(type="react", room="lobby", of=4, emoji="🎉")
    await ann.ask(type="send", to="bob", text="walrus psst")


async def replay(who: Person, epoch: str) -> list[Frame]:
    """Everything of the lobby, as a join from the beginning gives it."""
    joined = await who.ask(type="join", room="lobby", since=0, epoch=epoch)
    assert joined["recovered"] is True
    frames = []
    while (frame := await who.hear())["type"] != "caught_up":
        if "seq" in frame:
            frames.append(frame)
    return frames


async def flooding(who: Person, seqs: list[int]) -> None:
    """Send as fast as answers come."""
    while True:
        ok = await who.ask(type="send", room="lobby", text="on")
        assert ok["type"] == "ok", ok
        seqs.append(ok["seq"])


@pytest.mark.parametrize("fate", ["tombstone", "reassign"])
async def test_an_erased_user_is_forgotten(tmp_path: Path, fate: str) -> None:
    """While others talk: he is cut off with 4505, no word of his is left in the
    files, seq goes on without a hole, and the next start finds all in order.
    """
    data = tmp_path / "data"
    add_accounts(data, "ann", "bob")
    async with running(data, env=UNHURRIED) as daemon:
        async with (
            logged_in(daemon.url, "bob") as bob,
            logged_in(daemon.url, "ann") as ann,
        ):
            await told(ann, bob)
            seqs: list[int] = []
            async with trio.open_nursery() as nursery:
                nursery.start_soon(flooding, bob, seqs)
                args = ("erase", "ann", "--yes", "--messages", fate)
                printed, _ = await typed(data, *args)
                assert printed.startswith("ann is erased")
                nursery.cancel_scope.cancel()
            assert await ending(ann) == 4505
        async with logged_in(daemon.url, "bob") as bob:
            assert len(seqs) > 1
            page = await bob.ask(type="history", room="lobby", before=6)
            events = await replay(bob, page["epoch"])
            numbers = [event["seq"] for event in events]
            assert numbers == list(range(1, len(numbers) + 1))
            assert set(seqs) <= set(numbers)
            first, second = page["messages"]
            assert second["text"] == "hello ann", "others' words stay"
            assert "reactions" not in second
            if fate == "tombstone":
                assert (first["from"], first["deleted"]) == ("ann", True)
                assert not first.keys() & {"text", "reactions", "cid"}
            else:
                assert first["from"].startswith("erased~")
                assert (first["text"], first["reactions"]) == (
                    "narwhal two",
                    {"👍": ["bob"]},
                )
            nobody = await bob.ask(type="send", to="ann", text="hi?")
            assert nobody["code"] == "no_user"
            who = await bob.ask(type="who", room="lobby", all=True)
            assert [user["name"] for user in who["users"]] == ["bob"]
        refused = await refusal(daemon.url, name="ann", password=PASSWORD)
        assert refused["code"] == "bad_credentials"
    left = [word for word in SECRET_WORDS if found_in_files(data, word)]
    assert left == ([] if fate == "tombstone" else ["walrus", "narwhal"])
    async with (
        running(data, env=UNHURRIED) as daemon,
        logged_in(daemon.url, "bob") as bob,
    ):
        assert await replay(bob, page["epoch"]) == events
        ok = await bob.ask(type="send", room="lobby", text="after")
        assert ok["seq"] == len(events) + 1
    taken = await typed(data, "user", "add", "ann", given=PASSWORD, status=1)
    assert "the name is taken" in taken[1]
    for line in daemon.log_text().splitlines():
        assert line.split()[1] == "info", line


@pytest.mark.parametrize("fate", ["empty", "reassign"])
async def test_an_account_is_ended_by_its_user(tmp_path: Path, fate: str) -> None:
    """While others talk, and over a kill in the middle: `ok` first, 4505 everywhere,
    nobody comes back by anything, seq has no hole, and no word of his is left in the
    files, unless it is to stay without a name.
    """
    data = tmp_path / "data"
    add_accounts(data, "ann", "bob")
    login = {"name": "ann", "password": PASSWORD}
    daemon = await start(data, env=UNHURRIED)
    session, sent = await farewell(daemon, fate)
    daemon.kill()
    await daemon.wait()
    async with (
        running(data, env=UNHURRIED) as daemon,
        logged_in(daemon.url, "bob") as bob,
    ):
        for fields in (login, {"session": session}):
            refused = await refusal(daemon.url, **fields)
            assert refused["code"] == "bad_credentials"
        nobody = await bob.ask(type="send", to="ann", text="hi?")
        assert nobody["code"] == "no_user"
        with trio.fail_after(PATIENCE_S):
            await erased(data)
        page = await bob.ask(type="history", room="lobby", before=3)
        first = page["messages"][0]
        assert (first["from"] == "ann") is (fate == "empty")
        assert first.get("deleted", False) is (fate == "empty")
        events = await replay(bob, page["epoch"])
        numbers = [event["seq"] for event in events]
        assert numbers == list(range(1, len(numbers) + 1))
        assert set(sent) <= set(numbers)
    left = [word for word in SECRET_WORDS if found_in_files(data, word)]
    assert bool(left) is (fate == "reassign")
    taken = await typed(data, "user", "add", "ann", given=PASSWORD, status=1)
    assert "the name is taken" in taken[1]
    assert (await typed(data, "erase", "ann", "--yes"))[0] == "ann was erased before\n"


async def farewell(daemon: Daemon, fate: str) -> tuple[str, list[int]]:
    """Ann says a lot on two devices and ends her account, while bob talks.

    Returns:
        A session of hers, and what bob's messages were answered with.
    """
    sent: list[int] = []
    async with (
        logged_in(daemon.url, "bob") as bob,
        logged_in(daemon.url, "ann") as ann,
        person(daemon.url) as phone,
    ):
        welcome = await phone.hello(name="ann", password=PASSWORD)
        await told(ann, bob)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(flooding, bob, sent)
            for number in range(300):
                await ann.say(type="send", room="lobby", text=f"walrus {number}")
            wrong = await ann.ask(type="account_delete", password="wrong")
            assert wrong["code"] == "bad_credentials"
            end = {"password": PASSWORD, "messages": fate}
            assert (await ann.ask(type="account_delete", **end))["type"] == "ok"
            assert [await ending(ann), await ending(phone)] == [4505, 4505]
            nursery.cancel_scope.cancel()
    return welcome["session"], sent


def found_in_files(data: Path, word: str) -> bool:
    """Whether a word is in the database, its log, or anything beside them."""
    return any(word.encode() in path.read_bytes() for path in data.iterdir())
