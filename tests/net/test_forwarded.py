from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatd.config.values import parse_network
from chatd.net.forwarded import HOPS_MAX, Client, client_of, normal_address

PROXIES = [parse_network("10.0.0.0/8"), parse_network("fd00::/8")]


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("192.0.2.1", [b"198.51.100.9"], "192.0.2.1"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", [b"198.51.100.9"], "198.51.100.9"),
        ("10.0.0.1", [b"1.2.3.4, 198.51.100.9"], "198.51.100.9"),
        ("10.0.0.1", [b"1.2.3.4, 198.51.100.9, 10.0.0.2"], "198.51.100.9"),
        ("10.0.0.1", [b"1.2.3.4", b"198.51.100.9"], "198.51.100.9"),
        ("10.0.0.1", [b"10.0.0.3, 10.0.0.2"], "10.0.0.3"),
        ("10.0.0.1", [b"1.2.3.4, unknown"], "10.0.0.1"),
        ("10.0.0.1", [b"\xff"], "10.0.0.1"),
        ("10.0.0.1", [b"198.51.100.9:555"], "198.51.100.9"),
        ("10.0.0.1", [b"[2001:db8::1]:555"], "2001:db8::1"),
        ("10.0.0.1", [b"::ffff:198.51.100.9"], "198.51.100.9"),
        ("10.0.0.1", [b"fe80::1%eth0"], "10.0.0.1"),
        ("::ffff:10.0.0.1", [b"198.51.100.9"], "198.51.100.9"),
        ("fd00::1", [b"2001:DB8::1"], "2001:db8::1"),
        ("unix", [b"198.51.100.9"], "198.51.100.9"),
    ],
)
def test_whose_request_it_is(peer: str, forwarded: list[bytes], client: str) -> None:
    """The right-most address that is no trusted proxy; the rest is hearsay."""
    assert client_of(peer, forwarded, PROXIES).address == client


@given(
    st.lists(st.sampled_from(["10.0.0.9", "192.0.2.66", "fd00::9", "unknown", ""])),
    st.sampled_from(["198.51.100.9", "2001:db8::9"]),
    st.lists(
        st.sampled_from(["10.0.0.2", "fd00::2", "10.1.2.3:80"]), max_size=HOPS_MAX - 1
    ),
    st.booleans(),
)
def test_what_a_client_claims_does_not_matter(
    claimed: list[str], real: str, proxies: list[str], joined: bool
) -> None:
    """Left of the address that a trusted proxy has seen may stand anything."""
    hops = [hop.encode() for hop in (*claimed, real, *proxies)]
    forwarded = [b", ".join(hops)] if joined else hops
    assert client_of("10.0.0.1", forwarded, PROXIES).address == real
    assert client_of("unix", forwarded, PROXIES).address == real
    assert client_of("192.0.2.1", forwarded, PROXIES).address == "192.0.2.1"


def test_without_trusted_proxies_nobody_is_believed() -> None:
    """Not even who comes through the Unix socket."""
    assert client_of("unix", [b"198.51.100.9"], []).address == "unix"
    assert client_of("127.0.0.1", [b"198.51.100.9"], []).address == "127.0.0.1"


@given(st.lists(st.binary(max_size=40), max_size=4))
def test_no_header_breaks_the_search(forwarded: list[bytes]) -> None:
    """Whatever it says, the result is an address."""
    assert normal_address(client_of("10.0.0.1", forwarded, PROXIES).address)


@pytest.mark.parametrize(
    ("forwarded", "address", "doubt"),
    [
        ([], "10.0.0.1", ""),
        ([b"198.51.100.9"], "198.51.100.9", ""),
        ([b"unknown, 198.51.100.9"], "198.51.100.9", ""),
        ([b""], "10.0.0.1", "no address: ''"),
        ([b"198.51.100.9, unknown"], "10.0.0.1", "no address: 'unknown'"),
        ([b"198.51.100.9, _gazonk, 10.0.0.2"], "10.0.0.2", "no address: '_gazonk'"),
        ([b"198.51.100.9,"], "10.0.0.1", "no address: ''"),
        ([b"for=198.51.100.9"], "10.0.0.1", "no address: 'for=198.51.100.9'"),
        ([b"1" * 9000], "10.0.0.1", f"no address: '{'1' * 64}'"),
        (
            [b"[2001:db8::1" + b":" * 60],
            "10.0.0.1",
            f"no address: '[2001:db8::1{':' * 52}'",
        ),
    ],
)
def test_what_is_not_followed_to_its_end_is_doubted(
    forwarded: list[bytes], address: str, doubt: str
) -> None:
    """The last address that is certain counts, and the operator can be told why."""
    assert client_of("10.0.0.1", forwarded, PROXIES) == Client(address, doubt)


def test_a_long_list_costs_as_much_as_a_short_one() -> None:
    """Sixteen entries are looked at, from the right; nothing left of them counts."""
    hops = [f"10.0.0.{n % 250}".encode() for n in range(4000)]
    proxies = hops[: HOPS_MAX - 1]
    at_most = b",".join([b"198.51.100.9", *proxies])
    assert client_of("10.0.0.1", [at_most], PROXIES) == Client("198.51.100.9")
    doubt = "more than 16 trusted proxies in a row"
    one_more = b",".join([b"198.51.100.9", *hops[:HOPS_MAX]])
    assert client_of("10.0.0.1", [one_more], PROXIES) == Client("10.0.0.0", doubt)
    assert client_of("10.0.0.1", hops, PROXIES).doubt == doubt
    whole = b",".join(hops[:HOPS_MAX])
    assert client_of("10.0.0.1", [whole], PROXIES) == Client("10.0.0.0")


def test_a_stranger_is_not_asked() -> None:
    """What he writes is neither followed nor doubted."""
    assert client_of("192.0.2.1", [b"nonsense"], PROXIES) == Client("192.0.2.1")
