"""The client's address, by which its limits count. Pure.

It is the address of its socket, unless that is a trusted proxy; then it is the
right-most address of `X-Forwarded-For` that is not a trusted proxy: everything left
of it may be forged. Where there is no such address the last one that is certain
counts, and the operator is told.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Sequence

import attrs

from chatd.config.values import Network
from chatd.core.quota import UNIX_PEER

HOPS_MAX = 16
"""Entries that are looked at, from the right: more proxies than stand in a row
anywhere, so that a header of thousands of addresses costs no more."""
HOP_CHARS_MAX = 64
"""A longer entry is no address. Source: the longest, IPv6 with brackets and a port,
has 53."""


@attrs.frozen
class Client:
    """The client that a request is from."""

    address: str
    """Canonical, or `UNIX_PEER`."""
    doubt: str = ""
    """Why a trusted proxy's word was not followed to its end; `""` if it was."""


def client_of(
    peer: str, forwarded: Sequence[bytes], trusted: Collection[Network]
) -> Client:
    """Find the address of the client that a request is from.

    Args:
        peer: The socket's other end, or `UNIX_PEER`. Where proxies are trusted
            at all, each process that may open the Unix socket is one of them.
        forwarded: The values of `X-Forwarded-For`, in order.
        trusted: The proxies whose word counts.
    """
    client = normal_address(peer)
    if not forwarded or not is_proxy(client, trusted):
        return Client(client)
    hops = b",".join(forwarded).decode("latin-1").rsplit(",", HOPS_MAX)
    for hop in reversed(hops[-HOPS_MAX:]):
        address = _hop_address(hop.strip())
        if address is None:
            return Client(client, f"no address: {hop.strip()[:HOP_CHARS_MAX]!r}")
        client = address
        if not is_proxy(client, trusted):
            return Client(client)
    if len(hops) > HOPS_MAX:
        return Client(client, f"more than {HOPS_MAX} trusted proxies in a row")
    return Client(client)


def is_proxy(address: str, trusted: Collection[Network]) -> bool:
    """Whether `address`, canonical, speaks for others."""
    if address == UNIX_PEER:
        return bool(trusted)
    parsed = ipaddress.ip_address(address)
    return any(parsed in network for network in trusted)


def normal_address(peer: str) -> str:
    """Spell an address in one way: IPv4 in IPv6 is IPv4, no zone."""
    return parse_ip(peer.partition("%")[0]) or peer


def parse_ip(text: str) -> str | None:
    """The canonical spelling of an address without a zone, or None."""
    try:
        parsed = ipaddress.ip_address(text)
    except ValueError:
        return None
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.scope_id:
            return None
        return str(parsed.ipv4_mapped or parsed)
    return str(parsed)


def _hop_address(hop: str) -> str | None:
    """Some proxies write the port too: `192.0.2.1:555`, `[2001:db8::1]:555`."""
    if len(hop) > HOP_CHARS_MAX:
        return None
    if hop.startswith("["):
        return parse_ip(hop[1:].partition("]")[0])
    return parse_ip(hop.partition(":")[0] if hop.count(":") == 1 else hop)
