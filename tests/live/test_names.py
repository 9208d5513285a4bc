"""Names of any script, at a real daemon and on its command line."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.live.daemon import person, running

WIDE = {"CHATD_AUTH__NAMES": "unicode", "CHATD_AUTH__RESERVED": '["acme"]'}


def user_add(data: Path, name: str, env: dict[str, str]) -> str:
    """Add an account the way an operator does; what the command says."""
    done = subprocess.run(
        [sys.executable, "-m", "chatd", "user", "add", name, "--data", str(data)],
        input="correct horse\n",
        text=True,
        check=False,
        capture_output=True,
        env={**os.environ, **env},
    )
    assert (done.returncode == 0) == done.stdout.startswith("added")
    return done.stdout + done.stderr


async def test_people_and_rooms_have_names_of_any_script(tmp_path: Path) -> None:
    """One spelling for all ways to write a name, and no neighbours in looks."""
    data = tmp_path / "data"
    assert user_add(data, "АННА", WIDE) == "added анна\n"
    assert user_add(data, "боб", WIDE) == "added боб\n"
    assert "looks like one that is taken" in user_add(data, "6o6", WIDE)
    assert "letters of one script" in user_add(data, "аnna", WIDE)
    assert user_add(data, "admin", WIDE) == "added admin\n"
    password = "correct horse"
    async with running(data, env=WIDE) as daemon:
        async with person(daemon.url) as ann, person(daemon.url) as bob:
            welcome = await ann.hello(name="Анна", password=password)
            assert welcome["user"] == "анна"
            await bob.hello(name="боб", password=password)
            ok = await ann.ask(type="send", to="БОБ", text="привет")
            assert ok["room"] == "@анна,боб"
            await bob.hear_until(type="message", room="@анна,боб", **{"from": "анна"})
            joined = await ann.ask(type="join", room="Сосо")
            assert (joined["room"], joined["created"]) == ("сосо", True)
            coco = await bob.ask(type="join", room="coco")
            assert (coco["code"], coco["field"]) == ("name_taken", "room")
            assert (await bob.ask(type="join", room="СОСО"))["room"] == "сосо"
            acme = await bob.ask(type="join", room="acme")
            assert acme["code"] == "name_taken"
        async with person(daemon.url) as guest:
            for name in ("acme", "Admin", "rооt"):
                refusal = await guest.ask(type="hello", name=name)
                assert refusal["code"] in ("name_taken", "bad_field")
            assert (await guest.hello(name="Анна"))["user"].startswith("анна~")
    async with running(data) as daemon, person(daemon.url) as ann:
        narrow = await ann.ask(type="hello", name="анна", password=password)
        assert narrow["code"] == "bad_field"
