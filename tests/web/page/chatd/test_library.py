"""The client library against a real daemon, and as the package that others install.

`delivery.mjs` holds it to what `tests/hub/test_view.py` holds the daemon to: whatever
happens in between, a client ends with the rooms as they are. What the library does by
itself is tested in its own language, under a virtual clock (`*.test.mjs`).
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tarfile
from functools import partial
from pathlib import Path

import attrs
import pytest
import trio

import chatd
from chatd.store.sqlite.files import SIDE
from tests.live.daemon import PATIENCE_S, Daemon, running, start

HERE = Path(__file__).parent
ROOT = HERE.parents[3]
PACKAGE = ROOT / "contrib" / "npm"
TSC = ROOT / "contrib" / "web" / "node_modules" / ".bin" / "tsc"
FOREIGN = ROOT / "tests" / "foreign" / "node_modules"
NODE = ("node",)
DENO = (str(FOREIGN / ".bin" / "deno"), "run", "--no-config", "--allow-all")
CONFIG = """
[auth]
registration = "open"
[history]
replay_max = 60
[limits]
messages_per_s = 1000
messages_burst = 10000
commands_per_s = 0
bytes_per_s = 0
connects_burst = 10000
"""


PROGRAM = """
import { Chat, Failure } from "chatd";
import type { Entry, Message } from "chatd";

const chat = new Chat("wss://chat.test/ws", { name: "ann", storage: localStorage });
chat.on("message", (message, room) => {
  const text: string | undefined = message.text;
  room.loadOlder().then((more: boolean) => console.log(text, more));
});
const entry: Entry = chat.send("lobby", "hi", { replyTo: 4 });
const last: Message | undefined = chat.rooms.get("lobby")?.messages.at(-1);
if (entry.error instanceof Failure) console.log(entry.error.retryAfter, last);
// @ts-expect-error There is no such event.
chat.on("mesage", () => {});
// @ts-expect-error A room has a name.
chat.send(7, "hi");
// @ts-expect-error There is no such state.
if (chat.state.name === "online") console.log();
"""


@attrs.define(eq=False)
class Stage:
    """A daemon that is killed and started again as a program asks for it."""

    daemon: Daemon
    config: Path

    async def play(self, *command: str) -> dict[str, int]:
        """Run the program to its end; what has happened, and how often."""
        happened: dict[str, int] = {}
        async with trio.open_nursery() as nursery:
            process: trio.Process = await nursery.start(
                partial(
                    trio.run_process,
                    command,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                )
            )
            assert process.stdin is not None
            assert process.stdout is not None
            said = b""
            async for part in process.stdout:
                said += part
                while b"\n" in said:
                    line, _, said = said.partition(b"\n")
                    if line.startswith(b"{"):
                        happened = json.loads(line)
                        continue
                    await self._start_again(isnew=line == b"anew")
                    await process.stdin.send_all(b"up\n")
        return happened

    async def _start_again(self, *, isnew: bool) -> None:
        """Kill the daemon; each room may have another epoch afterwards."""
        self.daemon.kill()
        await self.daemon.wait()
        data, port = self.daemon.data, self.daemon.port
        if isnew:
            # As where a backup was put back: nobody knows what clients hold.
            (data / SIDE).unlink()
        self.daemon = await start(data, "--config", str(self.config), port=port)


@pytest.mark.parametrize(
    ("runtime", "seed", "rounds"), [(NODE, 1, 6), (DENO, 3, 4)], ids=["node", "deno"]
)
async def test_a_client_ends_with_the_rooms_as_they_are(
    tmp_path: Path, runtime: tuple[str, ...], seed: int, rounds: int
) -> None:
    """Whatever is lost, killed or begun anew: nothing is missing, nothing twice."""
    config = tmp_path / "chatd.toml"
    config.write_text(CONFIG)
    daemon = await start(tmp_path / "data", "--config", str(config))
    stage = Stage(daemon, config)
    try:
        with trio.fail_after(10 * PATIENCE_S):
            program = str(HERE / "delivery.mjs")
            happened = await stage.play(
                *runtime, program, daemon.url, str(seed), str(rounds)
            )
    finally:
        stage.daemon.kill()
        with trio.CancelScope(shield=True):
            await stage.daemon.wait()
    for what in ("tab opened", "ok true", "ok false", "reset", "stored"):
        assert happened.get(what), happened
    assert "Traceback" not in stage.daemon.log_text()


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory in which the package is installed, as `npm pack` makes it."""
    directory = tmp_path_factory.mktemp("npm")
    # A copy, since what it is made of is laid beside it.
    tree = tmp_path_factory.mktemp("tree")
    shutil.copytree(PACKAGE, tree / "contrib" / "npm")
    shutil.copytree(ROOT / "chatd" / "web" / "page", tree / "chatd" / "web" / "page")
    shutil.copy(ROOT / "LICENSE", tree)
    (tree / "contrib" / "web").symlink_to(ROOT / "contrib" / "web")
    subprocess.run(
        ["npm", "pack", "--pack-destination", directory],
        cwd=tree / "contrib" / "npm",
        check=True,
        capture_output=True,
    )
    (archive,) = directory.glob("*.tgz")
    with tarfile.open(archive) as files:
        files.extractall(directory, filter="data")
    (directory / "node_modules").mkdir()
    (directory / "package").rename(directory / "node_modules" / "chatd")
    return directory


def test_package_is_the_module_and_what_says_what_it_is(package: Path) -> None:
    """The module is the page's own, of the daemon's version; nothing else travels."""
    installed = package / "node_modules" / "chatd"
    assert {path.name for path in installed.iterdir()} == {
        "LICENSE",
        "README.md",
        "chatd.d.mts",
        "chatd.mjs",
        "chatd.threads.d.mts",
        "chatd.threads.mjs",
        "chatd.types.d.ts",
        "package.json",
    }
    page = ROOT / "chatd" / "web" / "page"
    assert (installed / "chatd.mjs").read_text() == (page / "chatd.mjs").read_text()
    description = json.loads((installed / "package.json").read_text())
    assert description["version"] == chatd.__version__
    assert not {"dependencies", "peerDependencies"} & description.keys()


def test_package_has_types_that_hold(package: Path) -> None:
    """A strict program compiles against it, and its mistakes are found."""
    (package / "program.mts").write_text(PROGRAM)
    done = subprocess.run(
        [
            TSC,
            *("--noEmit", "--strict", "--target", "es2024", "--module", "nodenext"),
            *("--types", "", "--ignoreConfig", "program.mts"),
        ],
        cwd=package,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.returncode) == ("", 0)


async def test_program_of_the_readme_runs(package: Path, tmp_path: Path) -> None:
    """What the package's README shows does what it says, and comes to its end."""
    readme = (PACKAGE / "README.md").read_text()
    found = re.search(r"```js\n(.*?)```", readme, re.DOTALL)
    assert found
    async with running(tmp_path / "data") as daemon:
        program = found[1].replace("ws://127.0.0.1:8765/ws", daemon.url)
        (package / "hello.mjs").write_text(program)
        with trio.fail_after(PATIENCE_S):
            done = await trio.run_process(
                # Node 22 has a WebSocket without being asked.
                ["node", "--experimental-websocket", "--no-warnings", "hello.mjs"],
                cwd=package,
                capture_stdout=True,
            )
    lines = re.sub(r"ann~\w{4}", "ann", done.stdout.decode()).splitlines()
    assert lines == ["lobby: ann: hello", "lobby: ann: bye"]
