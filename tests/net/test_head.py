from __future__ import annotations

import pytest

from chatd.net.head import (
    Asked,
    Refusal,
    asks_for_websocket,
    check_headers,
    check_upgrade,
    has_body,
    lost_its_upgrade,
    origin_allowed,
)
from chatd.net.trouble import Cause, Trouble
from tests.net.echo import KEY

GOOD = {
    b"host": b"chat.example.org",
    b"upgrade": b"websocket",
    b"connection": b"keep-alive, Upgrade",
    b"sec-websocket-key": KEY.encode(),
    b"sec-websocket-version": b"13",
}


def check(
    *more: tuple[bytes, bytes],
    method: str = "GET",
    authority: str | None = None,
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
    allowed = ["https://a.example", "capacitor://localhost"]
    every = [*headers.items(), *more]
    return check_upgrade(method, every, allowed, authority=authority)


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
        (check(method="POST"), 405),
        (check(method="HEAD"), 405),
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
        (check((b"origin", b"capacitor://localhost")), 101),
        (check((b"origin", b"ionic://localhost")), 403),
        (check((b"origin", b"http://127.0.0.1:1"), host=b"127.0.0.1:1"), 101),
        (
            check(
                (b"origin", b"http://127.0.0.1:1"),
                host=b"127.0.0.1:1",
                authority="chat.example.org",
            ),
            403,
        ),
        (check((b"origin", b"http://127.0.0.1:1"), authority="127.0.0.1:1"), 101),
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


ALLOWED = [
    "https://chat.example.org",
    "http://intra:8080",
    "capacitor://localhost",
    "chrome-extension://abcdefghijklmnopabcdefghijklmnop",
]


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
        ("capacitor://localhost", "x", True),
        ("CAPACITOR://localhost", "x", True),
        ("capacitor://localhost:1", "x", False),
        ("capacitor://localhost/", "x", False),
        ("capacitor://localhost.evil.example", "x", False),
        ("ionic://localhost", "localhost", False),
        ("tauri://localhost", "localhost", False),
        ("chrome-extension://abcdefghijklmnopabcdefghijklmnop", "x", True),
        ("chrome-extension://bbcdefghijklmnopabcdefghijklmnop", "x", False),
        ("moz-extension://abcdefghijklmnopabcdefghijklmnop", "x", False),
        ("localhost", "localhost", False),
        ("*", "x", False),
        ("https://chat.example.org https://evil.example", "x", False),
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


@pytest.mark.parametrize("origin", ["null", "file://"])
def test_the_origin_of_anybodys_page_may_be_listed(origin: str) -> None:
    """Whoever lists it means it, and does not get the other one by it."""
    assert origin_allowed(origin, "http://x", [origin])
    assert not origin_allowed("null", "http://x", ["file://"])
    assert not origin_allowed("file://", "http://x", ["null"])


def test_a_refused_origin_and_a_lost_upgrade_are_for_the_operator() -> None:
    """Nobody else can mend them."""
    page = check((b"origin", b"https://b.example"))
    assert isinstance(page, Refusal)
    assert page.trouble == Trouble(Cause.ORIGIN, "https://b.example")
    proxied = check(connection=b"keep-alive")
    assert isinstance(proxied, Refusal)
    assert proxied.trouble == Trouble(Cause.NO_UPGRADE)


@pytest.mark.parametrize(
    ("version", "headers", "status"),
    [
        (b"1.1", [], None),
        (b"1.0", [], None),
        (b"1.9", [], None),
        (b"2.0", [], 505),
        (b"0.9", [], 505),
        (b"1.1", [(b"a", b"b")] * 64, None),
        (b"1.1", [(b"a", b"b")] * 65, 431),
        (b"1.1", [(b"host", b"")], None),
        (b"1.1", [(b"host", b"[::1]:8765")], None),
        (b"1.0", [(b"host", b"a b")], 400),
        (b"1.1", [(b"host", b"caf\xe9")], 400),
        (b"1.1", [(b"host", b"user@a.example")], 400),
        (b"1.1", [(b"host", b"a.example/")], 400),
        (b"1.1", [(b"host", b"a.example:x")], 400),
        (b"1.1", [(b"host", b"a,b:1:2")], 400),
    ],
)
def test_what_no_request_may_have(
    version: bytes, headers: list[tuple[bytes, bytes]], status: int | None
) -> None:
    """Another major version, too many headers, a host that is none."""
    found = check_headers(version, headers)
    assert (found.status if found else None) == status


def test_who_asks_for_a_websocket() -> None:
    """By HTTP/1.1 or later, in whatever case and list; by 1.0 nobody can."""
    for value in (b"websocket", b"h2c, WebSocket"):
        assert asks_for_websocket(b"1.1", [(b"upgrade", value)])
        assert asks_for_websocket(b"1.2", [(b"upgrade", value)])
        assert not asks_for_websocket(b"1.0", [(b"upgrade", value)])
    assert not asks_for_websocket(b"1.1", [(b"upgrade", b"h2c")])
    assert not asks_for_websocket(b"1.1", [])
    assert lost_its_upgrade([(b"sec-websocket-key", KEY.encode())])
    assert not lost_its_upgrade([])


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ([], False),
        ([(b"content-length", b"0")], False),
        ([(b"content-length", b"00")], False),
        ([(b"content-length", b"1")], True),
        ([(b"transfer-encoding", b"chunked")], True),
        ([(b"content-length", b"0"), (b"transfer-encoding", b"chunked")], True),
    ],
)
def test_what_has_a_body(headers: list[tuple[bytes, bytes]], *, expected: bool) -> None:
    """A length of nothing is none; a coding always is one."""
    assert has_body(headers) is expected
