"""The certificate and the key of the daemon's own TLS: read, compared, judged.

What is wrong is said of the file that it is wrong with: the engine itself knows no more
than "no start line". Whether a certificate is valid at a moment is apart from whether
it can be used: a daemon that is started with one that has expired serves, and says so,
for most who come would rather be warned than find nobody.

Imported where there is a certificate, and nowhere else: the library for it takes a
tenth of an empty daemon's start.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from datetime import UTC, datetime

import attrs
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.types import (
    PrivateKeyTypes,
    PublicKeyTypes,
)

from chatd.auth import pem
from chatd.errors import ConfigError

SOON_S = 14 * 86_400.0
"""So long before its end a certificate should have been renewed. Source: certbot and
Caddy do it at the last third of 90 days."""


@attrs.frozen
class Certificate:
    """What a certificate says of itself."""

    path: str
    names: tuple[str, ...]
    """Hosts that it is for; `*.example.org` stands for one label."""
    begins_s: float
    """From when on it is valid, in seconds since 1970."""
    ends_s: float

    def is_for(self, host: str) -> bool:
        """Whether a browser takes it for a host.

        Source: RFC 6125 section 6.4.3.
        """
        host = host.lower().rstrip(".")
        parent = "*." + host.partition(".")[2]
        return any(name.lower() in (host, parent) for name in self.names)


def read_pair(cert: str, key: str) -> Certificate:
    """Read a certificate and its key, and compare them.

    Args:
        cert: The file with the certificate and its chain, in PEM.
        key: The file with the private key, in PEM, without a passphrase.

    Raises:
        ConfigError: They cannot be read, are no such files, or are no pair.
    """
    problems: list[str] = []
    chain: list[x509.Certificate] = []
    private = None
    try:
        chain = _chain(cert)
    except ValueError as error:
        problems.append(f"server.tls_cert: {cert}: {error}")
    try:
        private = _private_key(key)
    except ValueError as error:
        problems.append(f"server.tls_key: {key}: {error}")
    if chain and private is not None:
        problems += _mismatch(chain, private.public_key(), cert, key)
    if problems:
        raise ConfigError(problems)
    own = chain[0]
    return Certificate(
        cert,
        _names(own),
        own.not_valid_before_utc.timestamp(),
        own.not_valid_after_utc.timestamp(),
    )


def out_of_date(certificate: Certificate, now_s: float) -> str | None:
    """Say that a certificate is not valid at a moment, or None.

    Args:
        certificate: What it says of itself.
        now_s: Seconds since 1970.
    """
    if now_s < certificate.begins_s:
        when = day(certificate.begins_s)
        return f"it is valid from {when} on: is the clock of this machine right?"
    if now_s >= certificate.ends_s:
        return f"it has expired on {day(certificate.ends_s)}: renew it"
    return None


def ends_soon(certificate: Certificate, now_s: float) -> str | None:
    """Say that a certificate should have been renewed, or None."""
    if now_s < certificate.ends_s - SOON_S:
        return None
    return f"it expires on {day(certificate.ends_s)}: renew it"


def judge(
    certificate: Certificate, host: str, now_s: float
) -> tuple[list[str], list[str]]:
    """Say what is wrong with a certificate that can be used.

    Args:
        certificate: What it says of itself.
        host: That of `public_url`, or `""`.
        now_s: Seconds since 1970.

    Returns:
        Lines about what clients refuse, and about what they will.
    """
    where = f"server.tls_cert: {certificate.path}"
    bad, soon = [], []
    if why := out_of_date(certificate, now_s):
        bad.append(f"{where}: {why}")
    elif why := ends_soon(certificate, now_s):
        soon.append(f"{where}: {why}")
    if host and not certificate.is_for(host):
        names = ", ".join(certificate.names) or "no host"
        soon.append(f"{where}: it is for {names}, and public_url has {host}")
    return bad, soon


def day(at_s: float) -> str:
    """A day, for people."""
    return datetime.fromtimestamp(at_s, UTC).date().isoformat()


def _chain(path: str) -> list[x509.Certificate]:
    raw = pem.read_file(path)
    if "CERTIFICATE" not in pem.labels(raw):
        raise ValueError(pem.mistaken(raw, path, "certificate"))
    try:
        return x509.load_pem_x509_certificates(raw)
    except ValueError as error:
        raise ValueError(f"a certificate in it is damaged ({error})") from None


def _private_key(path: str) -> PrivateKeyTypes:
    raw = pem.read_file(path)
    if pem.is_locked(raw):
        command = f"openssl pkey -in {shlex.quote(path)}"
        raise ValueError(f"the key has a passphrase; remove it: {command}")
    if not pem.has_private_key(raw):
        raise ValueError(pem.mistaken(raw, path, "private key"))
    try:
        return serialization.load_pem_private_key(raw, None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ValueError(
            "the private key in it is damaged, or of no use here"
        ) from None


def _mismatch(
    chain: list[x509.Certificate], public: PublicKeyTypes, cert: str, key: str
) -> Iterator[str]:
    """Say that the certificate is not the key's."""
    fitting = [one.public_key() == public for one in chain]
    if fitting[0]:
        return
    if any(fitting):
        yield (
            f"server.tls_cert: {cert}: the server's own certificate has to be the"
            " first, before those of its issuers"
        )
    else:
        yield (
            f"server.tls_key: {key}: it is not the key of the certificate in {cert};"
            " they are made together, so name both of one renewal"
        )


def _names(own: x509.Certificate) -> tuple[str, ...]:
    try:
        found = own.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return ()
    hosts = found.value.get_values_for_type(x509.DNSName)
    addresses = found.value.get_values_for_type(x509.IPAddress)
    return (*hosts, *map(str, addresses))
