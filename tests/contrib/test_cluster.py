"""What contrib/cluster has, run as it lies there, or read by what it is for."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from urllib.request import urlopen

import attrs
import pytest
import trio
from click.testing import CliRunner

from chatd.cli import main
from tests.bus.support import listening
from tests.cluster.newer import newer_version
from tests.cluster.nodes import Engines, cluster
from tests.contrib.samples import HAPROXY, NGINX, Place
from tests.contrib.test_systemd import UNITS, analyze
from tests.live.daemon import PATIENCE_S
from tests.live.forks import Forks
from tests.live.proxies import free_ports, program
from tests.live.talk import talking
from tests.live.test_proxies import BELIEVED
from tests.net.secret import authority
from tests.postgresql import Server as PostgreSQL
from tests.postgresql import binaries
from tests.postgresql import server as postgresql
from tests.valkey import Server, server

DIRECTORY = Path(__file__).parents[2] / "contrib" / "cluster"
NODES = ["10.0.87.11", "10.0.87.12", "10.0.87.13"]


def read(name: str) -> str:
    """One file."""
    return (DIRECTORY / name).read_text()


@pytest.mark.parametrize("name", sorted(path.name for path in DIRECTORY.iterdir()))
def test_every_file_is_told_of(name: str) -> None:
    """In the page beside them, which names no other."""
    listed = re.findall(r"^\| \[([^]]+)\]\(\1\)", read("README.md"), re.MULTILINE)
    assert name in [*listed, "README.md"]
    assert all((DIRECTORY / one).is_file() for one in listed)


# --- the nodes ------------------------------------------------------------------


def test_the_settings_are_read() -> None:
    """All mistakes would be told; what is told is that the bus has no TLS."""
    done = CliRunner().invoke(main, ["check", "-c", str(DIRECTORY / "chatd.toml")])
    assert done.exit_code == 0, done.output
    notes = [line for line in done.output.splitlines() if line.startswith("note:")]
    assert [note.split(":")[1].strip() for note in notes] == ["cluster.bus"]


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The unit, with a command that exists here."""
    file = tmp_path / "chatd@.service"
    file.write_text(read(file.name).replace("/usr/bin/chatd", sys.executable))
    return file


def test_systemd_understands_the_unit(unit: Path) -> None:
    """Each line of it, as an instance."""
    instance = unit.with_name("chatd@8765.service")
    answer = analyze("verify", "--man=no", instance)
    assert (answer.returncode, answer.stdout, answer.stderr) == (0, "", "")
    unit.write_text(unit.read_text().replace("WatchdogSec=", "WatchdogSeconds="))
    assert "WatchdogSeconds" in analyze("verify", "--man=no", instance).stderr


def test_a_node_is_confined_as_one_daemon_is() -> None:
    """By the same lines; what differs is its user, its directory and its restarts."""
    own = (
        *("Description", "After", "Wants", "Requires", "Also", "StartLimit"),
        *("Environment", "ExecStart", "ExecReload", "RestartSec", "User="),
    )

    def lines(text: str) -> list[str]:
        said = [line for line in text.splitlines() if "=" in line and line[0] != "#"]
        return [
            one.replace("chatd-%i", "chatd") for one in said if not one.startswith(own)
        ]

    one_daemon = (UNITS / "chatd.service").read_text()
    assert lines(read("chatd@.service")) == lines(one_daemon)


# --- what they stand on ---------------------------------------------------------


def test_postgresql_reads_its_settings(tmp_path: Path) -> None:
    """It would refuse a name or a value that it does not know."""

    def ask(text: str) -> subprocess.CompletedProcess[str]:
        file = tmp_path / "postgresql.conf"
        file.write_text(text)
        words = ["-C", "max_connections", "-D", tmp_path, "-c", f"config_file={file}"]
        command = [str(binaries() / "postgres"), *map(str, words)]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    done = ask(read("postgresql.conf"))
    assert (done.returncode, done.stdout.strip()) == (0, "100"), done.stderr
    commented = re.sub(r"^#(?=\w+ =)", "", read("postgresql.conf"), flags=re.MULTILINE)
    assert commented != read("postgresql.conf")
    assert ask(commented).returncode == 0
    assert ask(read("postgresql.conf") + "no_such_thing = 1\n").returncode != 0


def words_of(conf: str) -> list[str]:
    """Settings of Valkey as words of a command line, but where it listens."""
    lines = [line for line in conf.splitlines() if line and line[0] != "#"]
    found = [line.split() for line in lines if not line.startswith(("bind ", "port "))]
    return [
        word.replace('""', "") for name, *rest in found for word in (f"--{name}", *rest)
    ]


async def test_valkey_lets_chatd_in_and_nobody_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its user may do all that the bus needs, with the settings as they are."""
    bus = Server(tmp_path, *words_of(read("valkey.conf")))
    try:
        monkeypatch.setenv("REDISCLI_AUTH", "change-me")
        url = bus.url.replace("unix://", "unix://chatd@")
        async with listening(url, "*") as ann, listening(url) as bob:
            bob.bus.publish([("*", b"hi")])
            await ann.until(lambda: ann.messages == [b"hi"])
        with pytest.raises(AssertionError, match="NOAUTH"):
            bus.say("PING")
    finally:
        bus.stop()


# --- what stands before them ----------------------------------------------------


@attrs.frozen
class Balancer:
    """A balancer's sample, and how it is run."""

    file: str
    places: Callable[[Place], Mapping[str, str]]
    surround: Callable[[Place, Path], tuple[str, ...]]


BALANCERS = (
    Balancer("haproxy.cfg", HAPROXY.places, HAPROXY.surround),
    Balancer("nginx.conf", NGINX.places, NGINX.surround),
)


@pytest.fixture(scope="module")
def database() -> PostgreSQL:
    """The server of the tests, which is started before a loop runs."""
    return postgresql()


@pytest.fixture(scope="module")
def newer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forks]:
    """Who starts daemons of a later version, whose page is another."""
    with newer_version(tmp_path_factory.mktemp("newer")) as forks:
        yield forks


def load_page(origin: str) -> str:
    """Load the page and one of its files, as a browser does; where that lies."""
    with urlopen(f"{origin}/") as index:  # noqa: S310 - ours
        found = re.search(r'src="([^"]+/app\.mjs)"', index.read().decode())
    assert found is not None
    with urlopen(f"{origin}/{found[1]}") as file:  # noqa: S310 - ours
        assert file.status == 200
    return found[1]


async def load_both(origin: str) -> None:
    """Load the page, several at once, until it was that of each version."""
    seen: set[str] = set()

    async def load() -> None:
        seen.add(await trio.to_thread.run_sync(load_page, origin))

    with trio.fail_after(PATIENCE_S):
        while len(seen) < 2:
            async with trio.open_nursery() as nursery:
                for _ in range(12):
                    nursery.start_soon(load)


@pytest.mark.parametrize("balancer", BALANCERS, ids=lambda it: it.file)
async def test_nodes_are_replaced_while_people_talk(
    balancer: Balancer,
    newer: Forks,
    database: PostgreSQL,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One after the other, by a later version: whoever was there comes back on another
    one by way of the balancer, at once, and misses nothing; who comes anew gets a whole
    page, whichever node has which version of it.
    """
    place = Place(tmp_path, *free_ports(3))
    place.certify()
    authority().cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    text, ports = read(balancer.file), free_ports(3)
    there = {node: f"127.0.0.1:{port}" for node, port in zip(NODES, ports, strict=True)}
    told = {f"{node}:8765": address for node, address in there.items()}
    for old, new in {**told, **balancer.places(place)}.items():
        assert old in text, f"{balancer.file} has no {old!r}"
        text = text.replace(old, new)
    sample = tmp_path / balancer.file
    sample.write_text(text)
    command = balancer.surround(place, sample)
    open_ports = [place.plain, place.secret]
    nodes = cluster(tmp_path, Engines(database, server()), ports, BELIEVED)
    async with (
        nodes as found,
        program(*command, ports=open_ports, log=tmp_path / "log"),
        talking(f"wss://127.0.0.1:{place.secret}/ws") as talk,
    ):
        for node in found.nodes:
            await node.end()
            await talk.more(20)
            node.forks = newer
            await node.start()
            if node is not found.nodes[-1]:
                await load_both(f"https://127.0.0.1:{place.secret}")
        assert talk.comebacks >= 1
