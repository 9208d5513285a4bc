"""What is wrong with a certificate or its key is said of the file, with the cure."""

from __future__ import annotations

import datetime
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from chatd.auth import pem
from chatd.cli import main
from chatd.errors import ConfigError
from chatd.net.certificates import (
    SOON_S,
    Certificate,
    ends_soon,
    out_of_date,
    read_pair,
)
from tests.net import secret

DAY_S = 86_400.0
UTC = datetime.UTC


def locked(_: bytes) -> bytes:
    """A key with a passphrase, in the form of today."""
    return ec.generate_private_key(ec.SECP256R1()).private_bytes(
        Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"secret"),
    )


def locked_before(_: bytes) -> bytes:
    """The same in that of OpenSSL before."""
    return ec.generate_private_key(ec.SECP256R1()).private_bytes(
        Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.BestAvailableEncryption(b"secret"),
    )


def other_key(_: bytes) -> bytes:
    """A sound key of another certificate."""
    return secret.authority().issue_cert("localhost").private_key_pem.bytes()


def issuers_first(raw: bytes) -> bytes:
    """A chain that begins at the wrong end."""
    return secret.authority().cert_pem.bytes() + raw


def binary(raw: bytes) -> bytes:
    """A certificate in DER."""
    return x509.load_pem_x509_certificate(raw).public_bytes(Encoding.DER)


def damaged(raw: bytes) -> bytes:
    """A line is missing."""
    lines = raw.splitlines(keepends=True)
    return b"".join(lines[:3] + lines[4:])


Change = Callable[[bytes], bytes]
WRONG: list[tuple[str, Change, str]] = [
    ("cert", lambda _: b"", "it is empty; wanted is a certificate"),
    ("key", lambda _: b" \n", "it is empty; wanted is a private key"),
    ("cert", lambda _: b"no PEM\n", "it is no PEM; wanted is a certificate"),
    ("cert", binary, r"\(DER\); wanted is PEM: openssl x509 -inform der -in "),
    ("key", lambda _: b"\x30\x01", "openssl pkey -inform der -in "),
    ("cert", damaged, "a certificate in it is damaged"),
    ("key", damaged, "the private key in it is damaged"),
    ("key", locked, "has a passphrase; remove it: openssl pkey -in "),
    ("key", locked_before, "has a passphrase"),
    ("key", other_key, "it is not the key of the certificate in .*cert.pem"),
    ("cert", issuers_first, "own certificate has to be the first"),
]


@pytest.mark.parametrize(("name", "change", "said"), WRONG)
def test_what_is_wrong_with_a_file_is_said(
    tmp_path: Path, name: str, change: Change, said: str
) -> None:
    """Which key of the configuration, which file, why, and what to type."""
    pair = secret.write_pair(tmp_path)
    path = tmp_path / f"{name}.pem"
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(ConfigError, match=said) as refused:
        read_pair(*pair)
    (problem,) = refused.value.problems
    assert problem.startswith(f"server.tls_{name}: {path}: ")


def test_files_that_were_exchanged_are_both_named(tmp_path: Path) -> None:
    """Each is told what it is."""
    cert, key = secret.write_pair(tmp_path)
    with pytest.raises(ConfigError) as refused:
        read_pair(key, cert)
    first, second = refused.value.problems
    assert first.startswith(f"server.tls_cert: {key}: it is a private key; wanted is a")
    assert second.startswith(f"server.tls_key: {cert}: it is a certificate; wanted is")


def test_a_file_that_cannot_be_read_says_for_whom(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A service runs as a user that may read no key, so how it gets one is named."""
    cert, key = secret.write_pair(tmp_path)
    missing = str(tmp_path / "missing")
    with pytest.raises(ConfigError, match="No such file or directory"):
        read_pair(cert, missing)

    def refuse(_: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    monkeypatch.setattr(os, "geteuid", lambda: 4_000_000_000)
    for path in (cert, key):
        with pytest.raises(
            ValueError, match=r"for user 4000000000; .* LoadCredential="
        ):
            pem.read_file(path)


# --- when and for whom it is valid --------------------------------------------


def test_a_certificate_is_valid_from_its_beginning_to_its_end() -> None:
    """And should be renewed two weeks before."""
    one = Certificate("c", (), 100 * DAY_S, 200 * DAY_S)
    early = out_of_date(one, 100 * DAY_S - 1)
    assert early is not None
    assert early.startswith("it is valid from 1970-04-11 on: is the clock")
    assert out_of_date(one, 100 * DAY_S) is None
    assert out_of_date(one, 200 * DAY_S - 1) is None
    assert out_of_date(one, 200 * DAY_S) == "it has expired on 1970-07-20: renew it"
    assert ends_soon(one, 200 * DAY_S - SOON_S - 1) is None
    assert ends_soon(one, 200 * DAY_S - SOON_S) == (
        "it expires on 1970-07-20: renew it"
    )


def test_a_certificate_is_for_its_names_and_one_label_of_a_wildcard() -> None:
    """As browsers take them."""
    one = Certificate("c", ("chat.example.org", "*.Example.com", "192.0.2.1"), 0, 1)
    for host in ("Chat.example.org", "a.example.com", "chat.example.org.", "192.0.2.1"):
        assert one.is_for(host)
    for host in ("example.org", "example.com", "a.b.example.com", "192.0.2.2", ""):
        assert not one.is_for(host)
    assert not Certificate("c", (), 0, 1).is_for("")


def write_dated(directory: Path, begins_d: int, ends_d: int) -> tuple[str, str]:
    """Write a pair that is valid between two days from now."""
    now = datetime.datetime.fromtimestamp(time.time(), UTC)
    issued = secret.authority().issue_cert(
        "chat.example.org",
        not_before=now + datetime.timedelta(begins_d),
        not_after=now + datetime.timedelta(ends_d),
    )
    cert, key = directory / "cert.pem", directory / "key.pem"
    cert.write_bytes(issued.cert_chain_pems[0].bytes())
    key.write_bytes(issued.private_key_pem.bytes())
    return str(cert), str(key)


@pytest.mark.parametrize(
    ("begins_d", "ends_d", "status", "said"),
    [
        (-9, -2, 78, "cert.pem: it has expired on "),
        (2, 9, 78, "cert.pem: it is valid from "),
        (-9, 9, 0, "cert.pem: it expires on "),
        (
            -9,
            99,
            0,
            "cert.pem: it is for chat.example.org, and public_url has chat.new",
        ),
    ],
)
def test_check_reads_the_certificate(
    tmp_path: Path, begins_d: int, ends_d: int, status: int, said: str
) -> None:
    """`chatd check` says what the clients would be told, before they are."""
    cert, key = write_dated(tmp_path, begins_d, ends_d)
    file = tmp_path / "chatd.toml"
    file.write_text(
        f'[server]\ntls_cert = "{cert}"\ntls_key = "{key}"\n'
        'public_url = "https://chat.new"\n'
        f'[store]\npath = "{tmp_path / "data"}"\n'
    )
    done = CliRunner().invoke(main, ["check", "-c", str(file)])
    assert done.exit_code == status
    assert said in done.output
    Path(key).write_bytes(b"")
    done = CliRunner().invoke(main, ["check", "-c", str(file)])
    assert done.exit_code == 78
    assert f"server.tls_key: {key}: it is empty" in done.output
