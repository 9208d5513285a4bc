"""Who is let in, by which server: passwords, permissions, TLS, and what is no bus."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest
import trio
import trustme

from chatd.bus import dialing
from tests.bus.support import eventually, listening, served
from tests.logs import capture_logs
from tests.valkey import Server, redis

PASSWORD = "not to be shown"


async def refused(url: str, *streams: str) -> str:
    """What is said of a bus that is never up: one line, without the password."""
    with capture_logs() as lines:
        async with listening(url, *streams, up=False) as ann:
            if streams:
                ann.bus.publish([(streams[0], b"")])
            await eventually(lambda: bool(lines))
            assert not ann.bus.is_up
            assert ann.times_back == 0
    assert PASSWORD not in repr(lines)
    assert {line["level"] for line in lines} == {"warning"}
    return str(lines[0]["event"])


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with a password, and with users who may do this and that."""
    directory = tmp_path_factory.mktemp("guarded")
    users = [
        f"user default on >{PASSWORD} ~* &* +@all",
        f"user ann on >{PASSWORD} &chatd:* +hello +spublish +ssubscribe +sunsubscribe",
        f"user bob on >{PASSWORD} &other:* +hello +spublish +ssubscribe +sunsubscribe",
        f"user cy on >{PASSWORD} &chatd:* +hello +ssubscribe +sunsubscribe",
    ]
    (directory / "users").write_text(
        "\n".join(users).replace(f">{PASSWORD}", f"#{digest(PASSWORD)}")
    )
    with served(directory, "--aclfile", str(directory / "users")) as found:
        yield found


def digest(password: str) -> str:
    """How a file of users has a password with blanks."""
    return sha256(password.encode()).hexdigest()


@pytest.fixture
def passfile(tmp_path: Path) -> str:
    """The file with the password."""
    path = tmp_path / "password"
    path.write_text(PASSWORD + "\n")
    return str(path)


async def test_a_password_stands_in_a_file_or_in_the_environment(
    guarded: Server, passfile: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For the user without a name, and for one who may do no more than is needed."""
    for user in ("", "ann@"):
        url = f"unix://{user}{guarded.path}?passfile={passfile}"
        async with listening(url, "a") as ann:
            ann.bus.publish([("a", b"1")])
            await ann.until(lambda: ann.messages == [b"1"])
            ann.bus.follow(["b"], ["a"])
            await ann.bus.following()
    monkeypatch.setenv("REDISCLI_AUTH", PASSWORD)
    async with listening(guarded.url, "a"):
        pass


async def test_what_is_wrong_with_a_password_is_said(
    guarded: Server, passfile: str
) -> None:
    """None, a wrong one, and a file that is not there."""
    assert (await refused(guarded.url)).startswith("the bus wants a password: put it")
    said = await refused(f"unix://dan@{guarded.path}?passfile={passfile}")
    assert said.startswith("the bus knows no such user with this password")
    said = await refused(f"{guarded.url}?passfile={passfile}.gone")
    assert said.startswith("the bus needs its password, but [Errno 2] No such file")


async def test_a_password_can_be_put_right_while_one_waits(
    guarded: Server, passfile: str
) -> None:
    """The file is read for each connection."""
    file = trio.Path(passfile)
    await file.write_text("wrong")
    async with listening(f"{guarded.url}?passfile={passfile}", up=False) as ann:
        await file.write_text(PASSWORD)
        await ann.until(lambda: ann.times_back == 1)


@pytest.mark.parametrize("user", ["bob", "cy"])
async def test_a_user_who_may_not_do_it_is_told_what_he_needs(
    guarded: Server, passfile: str, user: str
) -> None:
    """Channels of another name, or no publishing: nothing looks as if it worked."""
    url = f"unix://{user}@{guarded.path}?passfile={passfile}"
    assert "does not permit that to its user: ACL SETUSER" in await refused(url, "a")


async def test_a_cluster_of_servers_is_none_of_ours(tmp_path: Path) -> None:
    """Each of its servers has a part of the channels."""
    with served(tmp_path, "--cluster-enabled", "yes") as server:
        assert (await refused(server.url)).startswith("the bus is in cluster mode")


async def test_a_replica_is_no_bus(tmp_path: Path) -> None:
    """What is published there reaches nobody at the primary."""
    with served(tmp_path, "--replicaof", "127.0.0.1 1") as server:
        assert (await refused(server.url)).startswith("the bus is a replica")


async def test_a_server_that_is_full_says_so(tmp_path: Path) -> None:
    """With how that is set."""
    with served(tmp_path, "--maxclients", "1") as server:
        async with await trio.open_unix_socket(str(server.path)) as first:
            await first.send_all(b"PING\r\n")
            await first.receive_some()
            assert "(maxclients)" in await refused(server.url)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """Who signs the certificates."""
    return trustme.CA()


@pytest.fixture(scope="module")
def encrypted(
    authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, str]]:
    """A server with TLS that wants to see a certificate; where, and our files."""
    directory = tmp_path_factory.mktemp("tls")
    authority.cert_pem.write_to_path(directory / "ca.pem")
    for name in ("localhost", "chatd"):
        issued = authority.issue_cert(name)
        issued.private_key_pem.write_to_path(directory / f"{name}.key")
        issued.cert_chain_pems[0].write_to_path(directory / f"{name}.pem")
    port = free_port()
    args: tuple[str, ...] = (
        "--tls-port",
        str(port),
        "--tls-ca-cert-file",
        str(directory / "ca.pem"),
    )
    own = ("localhost.pem", "localhost.key")
    args += ("--tls-cert-file", str(directory / own[0]))
    args += ("--tls-key-file", str(directory / own[1]))
    cert = f"cert={directory}/chatd.pem&key={directory}/chatd.key"
    with served(directory, *args, program=redis()):
        yield f"localhost:{port}", f"cacert={directory}/ca.pem&{cert}"


def free_port() -> int:
    """A port of the loopback that was free just now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


async def test_by_tls(encrypted: tuple[str, str]) -> None:
    """The server's certificate is looked at, and ours by the server."""
    where, files = encrypted
    async with listening(f"rediss://{where}?{files}", "a") as ann:
        ann.bus.publish([("a", b"1" * 300_000)] * 3)
        await ann.until(lambda: len(ann.heard) == 3)
        assert set(ann.messages) == {b"1" * 300_000}


async def test_what_is_wrong_with_tls_is_said(
    encrypted: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody is believed who cannot show that he is meant."""
    where, files = encrypted
    port = where.partition(":")[2]
    cacert, *own = files.split("&")
    said = await refused(f"valkeys://{where}?{'&'.join(own)}")
    assert said.startswith("the bus has a certificate that is not believed")
    said = await refused(f"valkeys://127.0.0.1:{port}?{files}")
    assert said.startswith("the bus has a certificate that is not believed: IP address")
    said = await refused(f"valkeys://{where}?{cacert}")
    assert "does it want a certificate of ours" in said
    said = await refused(f"valkeys://{where}?{files}.gone")
    assert said.startswith("the bus needs files that cannot be used")
    said = await refused(f"valkey://{where}")
    assert "TLS" in said
    plain = free_port()
    with served(tmp_path, "--port", str(plain)):
        # It waits for the end of a line.
        monkeypatch.setattr(dialing, "CONNECT_S", 0.5)
        said = await refused(f"valkeys://localhost:{plain}?{files}")
        assert said == "the bus does not answer within 0.5 s: is it for TLS, this port?"
    assert (await refused(f"valkey://127.0.0.1:{plain}")) == (
        "the bus is not reached: Connection refused"
    )
    said = await refused("valkey://nobody.invalid")
    assert said.startswith("the bus is not reached: ")
