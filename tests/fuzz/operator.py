"""The terminal's commands, typed beside a running daemon.

They run in this process, in a thread: what matters is what they do to the database
and what the daemon makes of it. A status of 75 says that the daemon had no time to
take the change before the command gave up waiting; it happens around a kill.
"""

from __future__ import annotations

from pathlib import Path
from random import Random

import trio
from click.testing import Result

from tests.fuzz.people import LISTENERS, PASSWORD, Scene
from tests.terminal import run

_ENDS = {0, 1, 2, 75}


def chatd(data: Path, *words: str, given: str = "") -> Result:
    """Type one command; it must end in an orderly way."""
    done = run(*words, "--data", str(data), given=given)
    is_orderly = done.exception is None or isinstance(done.exception, SystemExit)
    assert is_orderly, (words, done.exception)
    assert done.exit_code in _ENDS, (words, done.output)
    return done


async def operate(scene: Scene, data: Path, rng: Random) -> None:
    """Type one command after the other until cancelled."""
    while True:
        await scene.up.wait()
        words = _command(rng, scene)
        async with scene.terminal:
            done = await trio.to_thread.run_sync(_typed, data, words)
        scene.happened[f"{' '.join(words[:2])}: {done.exit_code}"] += 1
        if words[:2] == ["token", "issue"] and done.exit_code == 0:
            scene.tokens[words[2]] = done.stdout.split()[-1]
        await trio.sleep(rng.random())


def _typed(data: Path, words: list[str]) -> Result:
    return chatd(data, *words, given=f"{PASSWORD}\n{PASSWORD}\n")


def _command(rng: Random, scene: Scene) -> list[str]:
    name = rng.choice(scene.world.targets)
    people = [one for one in scene.tokens if one not in LISTENERS]
    # The first tokens are those of the listeners, whom nobody disturbs.
    number = str(rng.randrange(len(LISTENERS) + 1, 30))
    return rng.choice(
        [
            ["user", "ban", name, "--for", "1s", "--reason", "noise"],
            ["user", "ban", name, "--for", "1s"],
            ["user", "unban", name],
            ["user", "logout", name],
            ["user", "sessions", name, "--json"],
            ["user", "role", name, rng.choice(["user", "admin"])],
            ["user", "password", name],
            ["user", "list", "--json"],
            ["user", "show", name, "--json"],
            ["room", "list", "--json"],
            ["room", "show", "lobby"],
            ["user", "add", f"extra{rng.randrange(30)}"],
            ["erase", f"extra{rng.randrange(30)}", "--yes"],
            ["token", "list", "--json"],
            ["token", "issue", rng.choice(people)],
            ["token", "issue", rng.choice(people), "--room", "lobby"],
            ["token", "revoke", number],
            ["export", name],
            ["export", name, "--received"],
        ]
    )
