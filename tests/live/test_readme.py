"""What the README shows as typed, typed as it is shown."""

from __future__ import annotations

import json
import re
import shlex
import sys
from contextlib import closing
from pathlib import Path

import apsw
import trio

from tests.live.daemon import Daemon, Frame, Person, person, running
from tests.store.sqlite.older import before, store_at
from tests.test_documents import ROOT, read, section

PASSWORD = "correct horse"
PRIVATE = re.compile("~[a-z2-7]{16}")


def shown(heading: str, begins: str) -> list[str]:
    """The lines of code of a section that begin so."""
    text = section(read("README.md"), heading)
    lines = re.findall(r"^    (.+)$", text, re.MULTILINE)
    return [line for line in lines if line.startswith(begins)]


async def typed(data: Path, line: str, *more: str, given: str = "") -> str:
    """Type a command of the README beside a daemon, or before its start."""
    words = shlex.split(line, comments=True)[1:]
    done = await trio.run_process(
        [sys.executable, "-m", "chatd", *words, *more, "--data", str(data)],
        stdin=given.encode(),
        capture_stdout=True,
        capture_stderr=True,
        check=False,
    )
    assert done.returncode == 0, (line, done.stderr.decode())
    return done.stdout.decode()


async def test_the_commands_about_accounts_work_in_their_order(tmp_path: Path) -> None:
    """Accounts, tokens, invitations; then bans and sessions, of those who are there."""
    data = tmp_path / "data"
    lines = shown("Accounts and tokens", "chatd ")
    assert len(lines) > 15
    async with running(data) as daemon:
        await typed(data, "chatd user add cy", given=PASSWORD)
        for line in lines:
            if line == "chatd invite revoke 3":
                await typed(data, "chatd invite")
            command = line
            if "--session" in line:
                tag = await session_of_ann(daemon)
                command = re.sub("--session [0-9a-f]+", f"--session {tag}", line)
            await typed(data, command, given=PASSWORD)


async def session_of_ann(daemon: Daemon) -> str:
    """What the operator ends a session of ann's by."""
    async with person(daemon.url) as ann:
        await ann.hello(name="ann", password=PASSWORD)
        (kept,) = (await ann.ask(type="sessions"))["sessions"]
    tag: str = kept["session"]
    return tag


async def test_a_private_room_is_made_and_moderated_as_shown(tmp_path: Path) -> None:
    """Each line in its order, by whom it is shown; all are granted."""
    data = tmp_path / "data"
    lines = [line for line in shown("Rooms and roles", "") if line[0] != "<"]
    assert [line.partition(">")[0] for line in lines].count("bob") == 1
    async with running(data) as daemon:
        for name in ("ann", "bob", "cy"):
            await typed(data, f"chatd user add {name}", given=PASSWORD)
        async with person(daemon.url) as ann, person(daemon.url) as bob:
            await ann.hello(name="ann", password=PASSWORD)
            await bob.hello(name="bob", password=PASSWORD)
            room = ""
            for line in lines:
                who, _, command = line.partition("> ")
                reply = await said({"": ann, "bob": bob}[who], command, room)
                assert reply["type"] == "ok", (line, reply)
                room = room or reply["room"]


async def said(who: Person, command: str, room: str) -> Frame:
    """Say a line of the README, about the room that there is."""
    fields: Frame = json.loads(PRIVATE.sub(room, command))
    return await who.ask(**fields)


# --- backups ----------------------------------------------------------------------


async def test_a_backup_and_the_way_back_are_as_shown(tmp_path: Path) -> None:
    """Each line in its order; then there is what was there when it was made."""
    lines = shown("Backup", "")
    (stop,) = (line for line in lines if "systemctl stop" in line)
    (restore,) = (line for line in lines if " restore " in line)
    (start,) = (line for line in lines if "systemctl start" in line)
    before = lines[: lines.index(stop)]
    assert lines == [*before, stop, restore, start]
    assert start == stop.replace("stop", "start")
    data, copies = tmp_path / "data", tmp_path / "var/lib/chatd-backup"
    for name in ("copies", "etc/chatd", "etc/systemd/system", "var/lib/chatd-backup"):
        (tmp_path / name).mkdir(parents=True)
    put_config(tmp_path, data)
    async with running(data) as daemon:
        await talk(daemon, "before")
        for line in before:
            await as_shown(tmp_path, line)
        await talk(daemon, "behind")
    (made,) = copies.iterdir()
    shown_name = Path(restore).name
    kind = re.compile(r"chatd-[0-9a-f]{8}-\d{8}T\d{6}Z(?=\.db)")
    assert kind.sub("", made.name) == kind.sub("", shown_name) != shown_name
    await as_shown(tmp_path, restore.replace(shown_name, made.name))
    async with running(data) as daemon:
        assert await daemon.said("an older state of the store was put back")
        async with person(daemon.url) as reader:
            await reader.hello(name="reader")
            epoch = (await reader.ask(type="join", room="lobby"))["epoch"]
            await reader.say(type="join", room="lobby", since=0, epoch=epoch)
            assert (await reader.hear_until(type="message"))["text"] == "before"
            await reader.hear_until(type="caught_up")
    (kept,) = data.glob("chatd.replaced-*")
    assert "behind" in await as_shown(tmp_path, f"chatd export ann --data {kept}")


async def test_the_way_back_from_an_upgrade_is_as_shown(tmp_path: Path) -> None:
    """The log has the same command; then the store is what it was."""
    data, schema = tmp_path / "var/lib/chatd", before("happened")
    (tmp_path / "etc/chatd").mkdir(parents=True)
    put_config(tmp_path, data)
    with store_at(data, schema):
        pass
    async with running(data) as daemon:
        (said,) = await daemon.said("to go back, stop chatd, type this")
    (kept,) = data.glob("chatd.schema-*.db")
    assert f"chatd restore --data {data} {kept}" in said
    stop, restore = shown("Upgrade", "")
    assert stop in shown("Backup", "")
    kind = re.compile(r"chatd\.schema-\d+-\d{8}T\d{6}Z\.db")
    line = kind.sub(kept.name, restore)
    assert line != restore
    await as_shown(tmp_path, line)
    with closing(apsw.Connection(str(data / "chatd.db"))) as db:
        assert db.pragma("user_version") == schema


async def test_everything_moves_as_shown(tmp_path: Path) -> None:
    """While people talk; then it is elsewhere."""
    async with running(tmp_path / "data") as daemon:
        await talk(daemon, "before")
        for line in shown("Moving", ""):
            await as_shown(tmp_path, line)
    async with running(tmp_path / "elsewhere") as daemon:
        assert await daemon.said("this is not the store that was here last")
    said = await as_shown(tmp_path, "chatd export ann --data elsewhere")
    assert '"text":"before"' in said


def put_config(root: Path, data: Path) -> None:
    """Install the configuration of a team, with another place for its data."""
    config = (ROOT / "config/team.toml").read_text()
    kept_at = 'path = "/var/lib/chatd"'
    assert kept_at in config
    config = config.replace(kept_at, f'path = "{data}"')
    (root / "etc/chatd/chatd.toml").write_text(config)


async def talk(daemon: Daemon, text: str) -> None:
    """Say something as ann, who has an account."""
    if text == "before":
        await typed(daemon.data, "chatd user add ann", given=PASSWORD)
    async with person(daemon.url) as ann:
        await ann.hello(name="ann", password=PASSWORD)
        await ann.ask(type="join", room="lobby")
        await ann.ask(type="send", room="lobby", text=text)


async def as_shown(root: Path, line: str) -> str:
    """Type a line as it is shown, but for `sudo`, and with a directory for `/`.

    What systemd is told to start at night is started at once.
    """
    line = re.sub("(?<= )/(?=etc|var)", f"{root}/", line.removeprefix("sudo "))
    words = shlex.split(line)
    if words[:2] == ["systemctl", "enable"]:
        unit = Path(words[-1]).with_suffix(".service")
        text = (root / "etc/systemd/system" / unit).read_text()
        (command,) = re.findall("^ExecStart=/usr/bin/(.+)$", text, re.MULTILINE)
        return await as_shown(root, command)
    if words[0] == "install":
        words = [str(ROOT / word) if "contrib/" in word else word for word in words]
    if words[0] == "chatd":
        words[:1] = [sys.executable, "-m", "chatd"]
    if line.startswith("("):
        words = ["sh", "-c", line.replace("chatd ", f"{sys.executable} -m chatd ", 1)]
    target = words.pop()[1:] if words[-1].startswith(">") else None
    done = await trio.run_process(
        words, cwd=root, capture_stdout=True, capture_stderr=True, check=False
    )
    assert done.returncode == 0, (line, done.stderr.decode())
    if target is not None:
        (root / target).write_bytes(done.stdout)
    return done.stdout.decode()
