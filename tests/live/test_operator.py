"""The operator at the admin socket of a real daemon, as typed."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
import trio
from websockets.exceptions import InvalidStatus

from tests.live.daemon import (
    PATIENCE_S,
    operator,
    person,
    running,
    start,
)
from tests.live.test_conversation import add_account

NOBODY = 65534
PASSWORD = "correct horse"
IN_FORCE = " runs with what is configured\n"


async def typed(data: Path, *args: str, status: int = 0) -> tuple[str, str]:
    """Type a command; what it printed, on both ways."""
    done = await trio.run_process(
        [sys.executable, "-m", "chatd", *args, "--data", str(data)],
        capture_stdout=True,
        capture_stderr=True,
        check=False,
    )
    assert done.returncode == status, done.stderr.decode()
    return done.stdout.decode(), done.stderr.decode()


async def test_an_operator_sees_who_is_there_and_ends_a_connection(
    tmp_path: Path,
) -> None:
    """For people and for programs."""
    data, config = tmp_path / "data", tmp_path / "chatd.toml"
    config.write_text("")
    async with (
        running(data, "-c", str(config)) as daemon,
        person(daemon.url) as fay,
        person(daemon.url) as gil,
    ):
        name = (await fay.hello(name="fay", device="desk"))["user"]
        await gil.hello(name="gil")
        await gil.ask(type="join", room="lobby")
        said, _ = await typed(data, "status")
        assert f"process {daemon.process.pid}" in said
        assert re.search(r"^connections +2, of 2 users online$", said, re.MULTILINE)
        assert re.search(r"^in all +0 accounts, 1 room$", said, re.MULTILINE)
        as_read = rf"^configuration +{config}, sha256 [0-9a-f]{{12}}$"
        assert re.search(as_read, said, re.MULTILINE)
        config.write_text("# changed\n")
        said, _ = await typed(data, "status")
        assert re.search(
            r"^warning daemon: .* was changed, and process", said, re.MULTILINE
        )
        assert "→ systemctl reload chatd" in said
        assert "warning backup: no backup was ever made here" in said
        config.write_text("[auth]\ngests = true\n[limits]\n")
        told = json.loads((await typed(data, "status", "--json"))[0])
        checks = [one["check"] for one in told["warnings"] if one["cure"]]
        assert checks[0] == "daemon"
        assert "backup" in checks
        assert (told["connections"], told["config"]["changed"]) == (2, True)
        assert (told["accounts"], told["rooms"]) == (0, 1)
        said, _ = await typed(data, "who")
        head, first, second = said.splitlines()
        assert head.split()[:4] == ["CONNECTION", "USER", "ADDRESS", "DEVICE"]
        assert first.split()[1:4] == [name, "127.0.0.1", "desk"]
        number = first.split()[0]
        assert second.split()[3] == "-"
        (row,) = (await typed(data, "who", name, "--json"))[0].splitlines()
        assert json.loads(row)["connection"] == int(number)
        said, _ = await typed(data, "kick", "--connection", number)
        assert said == "ended 1 connection\n"
        assert await fay.ended() == 4507
        _, error = await typed(data, "kick", name, status=1)
        assert error == f"Error: {name} is not connected\n"
        assert (await gil.ask(type="ping"))["type"] == "ok"


async def test_who_floods_is_found_and_ended(tmp_path: Path) -> None:
    """He is the first line, by how much he says; the last word is the operator's."""
    data = tmp_path / "data"
    limits = {
        "CHATD_LIMITS__COMMANDS_PER_S": "1000",
        "CHATD_LIMITS__MESSAGES_PER_S": "0",
    }
    async with (
        running(data, env=limits) as daemon,
        person(daemon.url) as ann,
        person(daemon.url) as mallory,
    ):
        await ann.hello(name="ann")
        name = (await mallory.hello(name="mallory"))["user"]
        await mallory.ask(type="join", room="lobby")
        with trio.CancelScope() as flood:

            async def say() -> None:
                while True:
                    await mallory.ask(type="send", room="lobby", text="x")

            async with trio.open_nursery() as nursery:
                nursery.start_soon(say)
                told = json.loads((await typed(data, "top", "--once", "--json"))[0])
                said, _ = await typed(data, "top", "--once")
                flood.cancel()
        first = told["connections"][0]
        assert (first["user"], first["messages_s"] > 1) == (name, True)
        (room,) = told["rooms"]
        assert (room["room"], room["events_s"] > 1) == ("lobby", True)
        assert said.splitlines()[4].split()[0] == "lobby"
        assert said.splitlines()[7].split()[1] == name
        number = str(first["connection"])
        await typed(data, "kick", "--connection", number)
        assert await mallory.ended() == 4507
        _, error = await typed(data, "top", "--once", "--json")
        assert error == ""


async def test_a_watch_ends_by_an_interrupt(tmp_path: Path) -> None:
    """With 0, after pages that show what is so at the time; and with the daemon."""
    data = tmp_path / "data"
    daemon = await start(data)
    for number in (signal.SIGINT, None):
        process = await trio.lowlevel.open_process(
            [sys.executable, "-m", "chatd", "top", "--data", str(data)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert process.stdout is not None
        assert process.stderr is not None
        said = b""
        with trio.fail_after(PATIENCE_S):
            while said.count(b"CONNECTION") < 2:
                part = await process.stdout.receive_some(4096)
                assert part
                said += part
        if number is not None:
            process.send_signal(number)
        else:
            daemon.signal(signal.SIGTERM)
        with trio.fail_after(PATIENCE_S):
            assert await process.wait() == (0 if number else os.EX_TEMPFAIL)
        await process.stdout.aclose()
        await process.stderr.aclose()
    assert await daemon.wait() == 0


async def test_a_list_has_as_many_pages_as_it_needs(tmp_path: Path) -> None:
    """More than one reply holds."""
    data = tmp_path / "data"
    limits = {"CHATD_LIMITS__TEXT_CHARS": "64", "CHATD_LIMITS__REPLY_BYTES": "1500"}
    async with running(data, env=limits) as daemon:
        async with trio.open_nursery() as nursery:
            there, leave = trio.Semaphore(0), trio.Event()

            async def stay() -> None:
                async with person(daemon.url) as who:
                    await who.hello()
                    there.release()
                    await leave.wait()

            for _ in range(12):
                nursery.start_soon(stay)
            for _ in range(12):
                await there.acquire()
            said, _ = await typed(data, "who", "--json")
            leave.set()
        numbers = [json.loads(line)["connection"] for line in said.splitlines()]
        assert len(numbers) == 12
        assert numbers == sorted(numbers)


async def test_a_daemon_that_was_killed_leaves_a_socket_that_is_replaced(
    tmp_path: Path,
) -> None:
    """And a second daemon on the same data takes nothing from the first."""
    data = tmp_path / "data"
    daemon = await start(data)
    await typed(data, "status")
    daemon.kill()
    await daemon.wait()
    assert (data / "admin.sock").is_socket()
    _, error = await typed(data, "status", status=os.EX_UNAVAILABLE)
    assert "no chatd serves" in error
    async with running(data) as daemon:
        said = await typed(
            data, "serve", "--listen", "127.0.0.1:0", status=os.EX_TEMPFAIL
        )
        assert "another chatd serves this directory" in said[1]
        told = json.loads((await typed(data, "status", "--json"))[0])
        assert told["pid"] == daemon.process.pid
    assert not (data / "admin.sock").exists()


async def test_the_socket_may_be_where_systemd_says(tmp_path: Path) -> None:
    """It is found by the data all the same."""
    data, runtime = tmp_path / "data", tmp_path / "run"
    runtime.mkdir()
    async with running(data, env={"RUNTIME_DIRECTORY": str(runtime)}):
        assert (runtime / "admin.sock").is_socket()
        await typed(data, "status")


async def test_full_of_connections_it_still_hears_the_operator(tmp_path: Path) -> None:
    """The limits of clients are not his, nor does he take a place of theirs."""
    data = tmp_path / "data"
    limits = {
        "CHATD_LIMITS__CONNECTIONS_MAX": "1",
        "CHATD_LIMITS__COMMANDS_PER_S": "1",
    }
    async with (
        running(data, env=limits) as daemon,
        operator(daemon) as root,
        person(daemon.url) as ann,
    ):
        await ann.hello()
        with pytest.raises(InvalidStatus):
            async with person(daemon.url):
                pass
        for _ in range(200):
            assert (await root.ask(type="report"))["connections"] == 1


async def test_an_operator_drains_the_daemon(tmp_path: Path) -> None:
    """It is over when the command returns, and there is nothing to drain then."""
    data = tmp_path / "data"
    daemon = await start(data)
    async with person(daemon.url) as ann:
        await ann.hello()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(typed, data, "drain")
            assert await ann.ended() == 4001
    assert await daemon.wait() == 0
    assert "a drain was asked for at the admin socket" in daemon.log_text()
    await typed(data, "drain", status=os.EX_UNAVAILABLE)


async def test_a_drain_that_is_asked_for_twice_is_one(tmp_path: Path) -> None:
    """The second one is no second signal, which would end the daemon at once."""
    daemon = await start(tmp_path / "data")
    async with (
        person(daemon.url) as ann,
        operator(daemon) as root,
        operator(daemon) as another,
    ):
        await ann.hello()
        await root.say(type="drain")
        await another.say(type="drain")
        await root.say(type="drain")
        assert await ann.ended() == 4001
    assert await daemon.wait() == 0


async def test_a_report_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    """The data were moved away: that is told, and whoever is there goes on."""
    data, elsewhere = tmp_path / "data", tmp_path / "elsewhere"
    async with running(data) as daemon:
        async with person(daemon.url) as ann, operator(daemon) as root:
            await ann.hello()
            data.rename(elsewhere)
            refused = await root.ask(type="report")
            assert refused["code"] == "unavailable"
            assert str(data) in refused["text"]
            assert (await ann.ask(type="ping"))["type"] == "ok"
        elsewhere.rename(data)


async def test_the_log_is_made_loud_for_a_while(tmp_path: Path) -> None:
    """And is as before by itself."""
    data = tmp_path / "data"
    async with running(data) as daemon, operator(daemon) as root:
        said, _ = await typed(data, "log", "level", "error")
        assert said == "the log has error and above\n"
        assert (await root.ask(type="report"))["log_level"] == "error"
        said, _ = await typed(data, "log", "level", "debug", "--for", "1s")
        assert said == "the log has debug and above for 1 s\n"
        with trio.fail_after(PATIENCE_S):
            while (await root.ask(type="report"))["log_level"] != "info":
                pass
        assert await daemon.said("the level of the log is as configured least=info")
        _, error = await typed(data, "log", "level", "info", "--for", "8d", status=2)
        assert "expected at most 7d" in error


async def test_a_drain_ends_the_operators_connections(tmp_path: Path) -> None:
    """With 4001, as all others."""
    daemon = await start(tmp_path / "data")
    async with operator(daemon) as root:
        await root.ask(type="report")
        daemon.signal(signal.SIGTERM)
        assert await root.ended() == 4001
    assert await daemon.wait() == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
async def test_another_user_is_refused_though_the_mode_was_widened(
    tmp_path: Path,
) -> None:
    """The kernel says who he is."""
    data = tmp_path / "data"
    async with running(data) as daemon:
        (data / "admin.sock").chmod(0o666)
        data.chmod(0o701)
        code = (
            "import os, socket\n"
            f"os.setgroups([]); os.setgid({NOBODY}); os.setuid({NOBODY})\n"
            "sock = socket.socket(socket.AF_UNIX)\n"
            "sock.connect('admin.sock')\n"
            "print(sock.recv(12).decode())\n"
        )
        done = await trio.run_process(
            [sys.executable, "-c", code], cwd=data, capture_stdout=True
        )
        assert done.stdout == b"HTTP/1.1 403\n"
        async with operator(daemon) as root:
            assert (await root.ask(type="report"))["type"] == "ok"


async def test_a_reload_says_what_has_changed_or_why_nothing_has(
    tmp_path: Path,
) -> None:
    """For people and for programs; it is in force when the command returns."""
    data, config = tmp_path / "data", tmp_path / "chatd.toml"
    config.write_text("")
    async with running(data, "-c", str(config)) as daemon:
        bad = b"caf\xe9".decode(errors="surrogateescape")
        _, error = await typed(data, "announce", bad, status=2)
        assert "'caf\\udce9' is no UTF-8" in error
        _, error = await typed(data, "announce", "x" * 70_000, status=1)
        assert "that is longer than limits.frame_bytes allows" in error
        said, _ = await typed(data, "reload", "--wait")
        assert said == "nothing has changed\n"
        look = "doctor", "--config", str(config)
        assert IN_FORCE in (await typed(data, *look))[0]
        config.write_text(
            "[auth]\nguests = false\n[limits]\nframe_bytes = 100000\n"
            '[server]\nunix_mode = "0600"\n'
        )
        said, _ = await typed(data, *look)
        assert f"daemon: {config} was changed, and process" in said
        said, _ = await typed(data, "reload")
        assert IN_FORCE in (await typed(data, *look))[0]
        assert said.splitlines() == [
            "changed: auth.guests, limits.frame_bytes",
            "for new connections only: limits.frame_bytes",
            "needs a restart: server.unix_mode",
        ]
        async with person(daemon.url) as fay:
            reply = await fay.ask(type="hello", name="fay")
            assert reply["code"] == "forbidden"
        said, _ = await typed(data, "status")
        assert "has changed since" not in said
        config.write_text("[auth]\nguest = true\n")
        _, error = await typed(data, "reload", status=os.EX_CONFIG)
        assert 'auth.guest: unknown key, did you mean "guests"?' in error
        async with person(daemon.url) as gil:
            reply = await gil.ask(type="hello", name="gil")
            assert reply["code"] == "forbidden"
        config.write_text("")
        said, _ = await typed(data, "reload", "--json")
        assert json.loads(said)["changed"] == ["auth.guests", "limits.frame_bytes"]
    await typed(data, "reload", status=os.EX_UNAVAILABLE)


async def test_rooms_are_made_changed_and_ended_while_people_are_there(
    tmp_path: Path,
) -> None:
    """They see it at once, and by whom; what cannot be is refused in words."""
    data = tmp_path / "data"
    add_account(data, "ann", PASSWORD)
    async with running(data) as daemon, person(daemon.url) as ann:
        await ann.hello(name="ann", password=PASSWORD)
        say = partial(typed, data, "room")
        told = json.loads((await say("create", "tea", "--owner", "ann", "--json"))[0])
        assert told == {"room": "tea", "owner": "ann"}
        assert (await ann.hear_until(type="joined"))["room"] == "tea"
        assert (await ann.ask(type="join", room="tea"))["role"] == "owner"
        _, error = await say("create", "tea", status=1)
        assert error == "Error: there is a room tea already\n"
        said, _ = await say("set", "tea", "--topic", "Green", "--slow-s", "5")
        assert said == "tea is changed\n"
        event = await ann.hear_until(type="room")
        assert (event["from"], event["topic"]) == ("*operator", "Green")
        assert (await say("archive", "tea"))[0] == "tea is archived\n"
        assert (await ann.hear_until(type="room"))["archived"] is True
        told = json.loads((await say("archive", "tea", "--json"))[0])
        assert told == {"room": "tea", "archived": True, "changed": False}
        kick = ("kick", "ann", "--room", "tea", "--reason", "noise")
        assert (await typed(data, *kick))[0] == "ann is not in tea any more\n"
        event = await ann.hear_until(type="member")
        assert (event["from"], event["reason"]) == ("*operator", "noise")
        assert (await ann.hear_until(type="left"))["reason"] == "kick"
        _, error = await typed(data, *kick, status=1)
        assert error == "Error: ann is not in tea\n"
        _, error = await say("delete", "tee", status=1)
        assert error == "Error: there is no room tee\n"
        _, error = await say("set", "lobby", "--topic", "x", status=os.EX_NOPERM)
        assert "is declared in the configuration" in error
        assert (await say("delete", "tea", "--yes"))[0] == "tea is deleted\n"
        said, _ = await typed(data, "audit", "--room", "tea")
        head, *rows = (line.split(maxsplit=5) for line in said.splitlines())
        assert head == ["TIME", "BY", "WHAT", "USER", "ROOM", "MORE"]
        assert [row[1:] for row in rows] == [
            ["*operator", "destroy", "-", "tea", "-"],
            ["*operator", "kick", "ann", "tea", "reason=noise"],
            ["*operator", "settings", "-", "tea", "keys=archived"],
            ["*operator", "settings", "-", "tea", "keys=slow_s,topic"],
            ["*operator", "create", "ann", "tea", "-"],
        ]
        (row,) = (await typed(data, "audit", "ann", "--since", "1h", "--json"))[
            0
        ].splitlines()[:1]
        assert json.loads(row)["reason"] == "noise"
        assert (await typed(data, "audit", "--by", "ann", "--json"))[0] == ""
        said, _ = await typed(data, "announce", "We restart at 18:00.")
        assert said == "told to 1 user\n"
        told = await ann.hear_until(type="announcement")
        assert told["text"] == "We restart at 18:00."
        assert (await ann.ask(type="join", room="tea"))["code"] == "no_room"
