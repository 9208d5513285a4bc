from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatd.config.values import parse_network
from chatd.net.head import (
    Asked,
    Refusal,
    check_size,
    check_upgrade,
    client_address,
    has_body,
    normal_address,
    origin_allowed,
)
from tests.net.echo import KEY

GOOD = {
    b"host": b"chat.example.org",
    b"upgrade": b"websocket",
    b"connection": b"keep-alive, Upgrade",
    b"sec-websocket-key": KEY.encode(),
    b"sec-websocket-version": b"13",
}
PROXIES = [parse_network("10.0.0.0/8"), parse_network("fd00::/8")]


def check(
    *more: tuple[bytes, bytes],
    method: bytes = b"GET",
    version: bytes = b"1.1",
    **changed: bytes | None,
) -> Asked | Refusal:
    """Judge the good head with headers changed, removed or added."""
    headers = dict(GOOD)
    for name, value in changed.items():
        key = name.replace("_", "-").encode()
        if value is None:
            del headers[key]
        else:
            headers[key] = value
    return check_upgrade(
        method, version, [*headers.items(), *more], ["https://a.example"]
    )


def status(found: Asked | Refusal) -> int:
    """101 for what passes."""
    return found.status if isinstance(found, Refusal) else 101


def test_a_good_head_passes() -> None:
    """What browsers and clients send, with things that nobody looks at."""
    found = check((b"cookie", b"caf\xe9"), (b"user-agent", b"\xff"))
    assert found == Asked(KEY, offers_subprotocol=False, bearer=None)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (check(version=b"1.0"), 400),
        (check(method=b"POST"), 405),
        (check(host=None), 400),
        (check(host=b"caf\xe9"), 400),
        (check((b"host", b"other")), 400),
        (check(connection=b"keep-alive"), 400),
        (check(connection=b"Upgrade, \xe9"), 400),
        (check(upgrade=b"websocket, \xe9"), 400),
        (check((b"sec-websocket-protocol", b"caf\xe9")), 400),
        (check((b"sec-websocket-extensions", b"\xff")), 400),
        (check((b"content-length", b"3")), 400),
        (check((b"transfer-encoding", b"chunked")), 400),
        (check(sec_websocket_version=b"8"), 426),
        (check(sec_websocket_version=None), 426),
        (check((b"sec-websocket-version", b"13")), 400),
        (check(sec_websocket_key=None), 400),
        (check(sec_websocket_key=b"c2hvcnQ="), 400),
        (check(sec_websocket_key=b"not base64 at all!!!!!!!"), 400),
        (check(sec_websocket_key=KEY.encode() + b"\n"), 400),
        (check((b"sec-websocket-key", KEY.encode())), 400),
        (check((b"origin", b"https://b.example")), 403),
        (check((b"origin", b"https://a.example")), 101),
        (check((b"origin", b"https://a.example"), (b"origin", b"x")), 400),
        (check((b"origin", b"\xff")), 400),
        (check(host=b"xn--zzzzzzzzzz99999999999.example"), 101),
    ],
)
def test_each_rule_of_an_upgrade(found: Asked | Refusal, expected: int) -> None:
    """Strict where it decides, and each refusal with its own status."""
    assert status(found) == expected


def test_a_wrong_version_is_told_the_right_one() -> None:
    """As RFC 6455 section 4.4 asks."""
    found = check(sec_websocket_version=b"8")
    assert isinstance(found, Refusal)
    assert ("Sec-WebSocket-Version", "13") in found.headers


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        ([], False),
        ([b"chatd.v1"], True),
        ([b"other, chatd.v1"], True),
        ([b"other", b"chatd.v1"], True),
        ([b"other"], False),
        ([b"CHATD.V1"], False),
    ],
)
def test_the_subprotocol_is_chosen_where_it_is_offered(
    offered: list[bytes], *, chosen: bool
) -> None:
    """Answering with one that was not offered would fail the client's handshake."""
    found = check(*((b"sec-websocket-protocol", value) for value in offered))
    assert isinstance(found, Asked)
    assert found.offers_subprotocol is chosen


@pytest.mark.parametrize(
    ("value", "bearer"),
    [
        (b"Bearer abc.def", "abc.def"),
        (b"bearer  abc", "abc"),
        (b"Basic YTpi", None),
        (b"Bearer", None),
        (b"Bearer ", None),
    ],
)
def test_a_bearer_credential_is_handed_on_and_never_shown(
    value: bytes, bearer: str | None
) -> None:
    """Other schemes are a proxy's business."""
    found = check((b"authorization", value))
    assert isinstance(found, Asked)
    assert found.bearer == bearer
    assert "abc" not in repr(found)


ALLOWED = ["https://chat.example.org", "http://intra:8080"]


@pytest.mark.parametrize(
    ("origin", "host", "allowed"),
    [
        ("https://chat.example.org", "x", True),
        ("https://chat.example.org:443", "x", True),
        ("HTTPS://CHAT.example.org", "x", True),
        ("http://intra:8080", "x", True),
        ("http://chat.example.org", "x", False),
        ("https://chat.example.org:444", "x", False),
        ("https://chat.example.org.evil.example", "x", False),
        ("https://evil.example", "chat.example.org", False),
        ("null", "127.0.0.1", False),
        ("", "127.0.0.1", False),
        ("file://", "127.0.0.1", False),
        ("chrome-extension://abcdef", "127.0.0.1", False),
        ("http://127.0.0.1:8765", "127.0.0.1:8765", True),
        ("http://127.0.0.1", "127.0.0.1:80", True),
        ("http://[::1]:8765", "[0::1]:8765", True),
        ("http://localhost:8765", "localhost:8765", True),
        ("http://192.0.2.7", "192.0.2.7", True),
        ("http://127.0.0.1:8766", "127.0.0.1:8765", False),
        ("https://127.0.0.1:8765", "127.0.0.1:8765", False),
        ("http://localhost:8765", "127.0.0.1:8765", False),
        ("http://rebound.example:8765", "rebound.example:8765", False),
        ("http://2130706433", "2130706433", False),
        ("http://localhost.evil.example", "localhost.evil.example", False),
        ("http://127.0.0.1", "a b", False),
    ],
)
def test_whose_pages_may_connect(origin: str, host: str, *, allowed: bool) -> None:
    """Scheme, host and port as allowed; one's own host only without a resolver."""
    assert origin_allowed(origin, f"http://{host}", ALLOWED) is allowed


def test_an_encrypted_connection_has_pages_of_its_own_scheme() -> None:
    """Where TLS is spoken the page of an address is an `https` one."""
    here = "https://127.0.0.1:8765"
    assert origin_allowed(here, here, ALLOWED)
    assert not origin_allowed("http://127.0.0.1:8765", here, ALLOWED)


def test_null_may_be_listed() -> None:
    """Whoever lists it means it."""
    assert origin_allowed("null", "http://x", ["null"])


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
    assert client_address(peer, forwarded, PROXIES) == client


@given(
    st.lists(st.sampled_from(["10.0.0.9", "192.0.2.66", "fd00::9", "unknown", ""])),
    st.sampled_from(["198.51.100.9", "2001:db8::9"]),
    st.lists(st.sampled_from(["10.0.0.2", "fd00::2", "10.1.2.3:80"])),
    st.booleans(),
)
def test_what_a_client_claims_does_not_matter(
    claimed: list[str], real: str, proxies: list[str], joined: bool
) -> None:
    """Left of the address that a trusted proxy has seen may stand anything."""
    hops = [hop.encode() for hop in (*claimed, real, *proxies)]
    forwarded = [b", ".join(hops)] if joined else hops
    assert client_address("10.0.0.1", forwarded, PROXIES) == real
    assert client_address("unix", forwarded, PROXIES) == real
    assert client_address("192.0.2.1", forwarded, PROXIES) == "192.0.2.1"


def test_without_trusted_proxies_nobody_is_believed() -> None:
    """Not even who comes through the Unix socket."""
    assert client_address("unix", [b"198.51.100.9"], []) == "unix"
    assert client_address("127.0.0.1", [b"198.51.100.9"], []) == "127.0.0.1"


@given(st.lists(st.binary(max_size=40), max_size=4))
def test_no_header_breaks_the_search(forwarded: list[bytes]) -> None:
    """Whatever it says, the result is an address."""
    assert normal_address(client_address("10.0.0.1", forwarded, PROXIES))


def test_sizes() -> None:
    """2 KiB of target, 64 headers, and no body that is none."""
    assert check_size(b"/" + b"x" * 2047, []) is None
    assert check_size(b"/" + b"x" * 2048, []) == Refusal(
        414, "a target has at most 2048 bytes"
    )
    headers = [(b"a", b"b")] * 65
    assert check_size(b"/", headers[:64]) is None
    assert check_size(b"/", headers) == Refusal(431, "a request has at most 64 headers")
    assert not has_body([])
    assert not has_body([(b"content-length", b"0")])
    assert has_body([(b"content-length", b"1")])
    assert has_body([(b"transfer-encoding", b"chunked")])
