"""Files with keys and certificates: what is in one, and what it was mistaken for.

A file that is not what its setting wants is usually another of the same set: the
certificate in the place of the key, the private key in the place of the public one, one
with a passphrase, the binary form. Each is told by its label, with the command that
makes the right one of it.

Source: RFC 7468, the labels of the textual encodings.
"""

from __future__ import annotations

import errno
import os
import pwd
import re
import shlex
from pathlib import Path

_LABEL = re.compile(rb"-----BEGIN ([A-Z0-9 ]{1,40})-----")
_ENCRYPTED = b"Proc-Type: 4,ENCRYPTED"
_DER = b"\x30"
"""How the binary form of all of them begins: a sequence."""


def read_file(path: str) -> bytes:
    """Read a file that a setting names.

    Raises:
        ValueError: It cannot be read; the text says why, and what to do.
    """
    try:
        return Path(path).read_bytes()
    except OSError as error:
        said = error.strerror or str(error)
        if error.errno not in {errno.EACCES, errno.EPERM}:
            raise ValueError(said) from error
        raise ValueError(
            f"{said} for {_me()}; as a service have it handed over by LoadCredential="
        ) from error


def _me() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return f"user {os.geteuid()}"


def labels(raw: bytes) -> list[str]:
    """What a file says that it has, in order."""
    return [label.decode() for label in _LABEL.findall(raw)]


def is_locked(raw: bytes) -> bool:
    """Whether it has a private key with a passphrase."""
    return "ENCRYPTED PRIVATE KEY" in labels(raw) or _ENCRYPTED in raw


def has_private_key(raw: bytes) -> bool:
    """Whether it has a private key."""
    return any(label.endswith("PRIVATE KEY") for label in labels(raw))


def mistaken(raw: bytes, path: str, kind: str) -> str:
    """Say what a file is that is not of its kind, and how to get the right one.

    Args:
        raw: The file.
        path: Its name.
        kind: What is wanted: `certificate`, `private key`, `public key`.
    """
    name = shlex.quote(path)
    if not raw.strip():
        return f"it is empty; wanted is a {kind} in PEM"
    if raw.startswith(_DER):
        form = {"certificate": "x509", "private key": "pkey", "public key": "pkey"}
        public = " -pubin" if kind == "public key" else ""
        command = f"openssl {form[kind]}{public} -inform der -in {name}"
        return f"it is in the binary form (DER); wanted is PEM: {command}"
    if kind == "public key" and has_private_key(raw):
        return (
            "it is a private key, which only the issuer should have; wanted is the"
            f" public one: openssl pkey -in {name} -pubout"
        )
    if has_private_key(raw):
        return "it is a private key; wanted is a certificate (a fullchain.pem)"
    if "CERTIFICATE" in labels(raw) and kind == "public key":
        command = f"openssl x509 -in {name} -noout -pubkey"
        return f"it is a certificate; wanted is the public key in it: {command}"
    if "CERTIFICATE" in labels(raw):
        return "it is a certificate; wanted is its private key (a privkey.pem)"
    found = ", ".join(labels(raw)).lower()
    if found:
        return f"it has {found}; wanted is a {kind}"
    return f"it is no PEM; wanted is a {kind}, which has a line -----BEGIN …"
