"""What `chatd serve` says when it has started."""

from __future__ import annotations

from pathlib import Path

import attrs
import pytest

from chatd.cli.serve import announcement, setup_line, setup_link
from chatd.config import (
    Address,
    Server,
    TcpAddress,
    UnixAddress,
    parse_network,
    parse_public_url,
)
from chatd.daemon.daemon import Started

LOCAL = TcpAddress("127.0.0.1", 8765)
ALL_V4 = TcpAddress("0.0.0.0", 8765)  # noqa: S104 - what is to be written otherwise
ALL_V6 = TcpAddress("::", 8765)
SOCK = UnixAddress("/run/chatd/chatd.sock")
PLAIN = Server()
CHAT = Server(public_url=parse_public_url("https://example.org/chat"))
TLS = attrs.evolve(CHAT, tls_cert="c", tls_key="k")
PROXIED = attrs.evolve(
    CHAT, proxy_protocol=True, trusted_proxies=(parse_network("10.0.0.1"),)
)


def lines(
    server: Server, *listening: Address, metrics: Address | None = None
) -> list[str]:
    """The four lines of a daemon that has started."""
    started = Started(listening, [metrics] if metrics else [], Path("data"), False)
    return announcement(None, server, started)


@pytest.mark.parametrize(
    ("server", "listening", "url"),
    [
        (PLAIN, [LOCAL], "ws://127.0.0.1:8765/ws"),
        (PLAIN, [ALL_V4], "ws://127.0.0.1:8765/ws"),
        (PLAIN, [ALL_V6], "ws://[::1]:8765/ws"),
        (PLAIN, [TcpAddress("192.0.2.7", 1)], "ws://192.0.2.7:1/ws"),
        (PLAIN, [TcpAddress("2001:db8::7", 1)], "ws://[2001:db8::7]:1/ws"),
        (PLAIN, [SOCK, ALL_V6, LOCAL], "ws://[::1]:8765/ws"),
        (PLAIN, [SOCK], "unix:/run/chatd/chatd.sock"),
        (PLAIN, [UnixAddress("a b")], "'unix:a b'"),
        (CHAT, [LOCAL], "ws://127.0.0.1:8765/chat/ws"),
        (CHAT, [ALL_V6], "ws://[::1]:8765/chat/ws"),
        (CHAT, [SOCK], "wss://example.org/chat/ws"),
        (TLS, [ALL_V4], "wss://example.org/chat/ws"),
        (
            attrs.evolve(TLS, public_url=PLAIN.public_url),
            [LOCAL],
            "wss://127.0.0.1:8765/ws",
        ),
        (PROXIED, [LOCAL], "wss://example.org/chat/ws"),
        (attrs.evolve(PROXIED, public_url=PLAIN.public_url), [LOCAL], "URL"),
    ],
)
def test_the_hint_names_an_address_that_one_can_type(
    server: Server, listening: list[Address], url: str
) -> None:
    """Never one that stands for all, and with the path below which people find it."""
    assert lines(server, *listening)[-1] == f"try: chatd connect {url} --room lobby"


def test_where_it_listens_is_said_so_that_one_can_click_on_it() -> None:
    """All addresses, and those that stand for others in words."""
    _, where, _, _ = lines(PLAIN, ALL_V4, ALL_V6, SOCK, metrics=ALL_V6)
    assert where == (
        "listening on http://127.0.0.1:8765 and every other IPv4 address of this"
        " machine, http://[::1]:8765 and every other IPv6 address of this machine,"
        " unix:/run/chatd/chatd.sock, metrics on http://[::1]:8765/metrics and every"
        " other IPv6 address of this machine"
    )
    assert lines(TLS, LOCAL)[1] == "listening on https://127.0.0.1:8765"
    assert lines(PLAIN, LOCAL, metrics=SOCK)[1].endswith(
        "metrics on unix:/run/chatd/chatd.sock"
    )


def test_who_starts_it_is_asked_to_become_its_administrator(tmp_path: Path) -> None:
    """By a link to the page: shown to a person, left in a file for others."""
    started = Started([LOCAL], [], tmp_path, True, "s3cret")
    for server, url in (
        (PLAIN, "http://127.0.0.1:8765/#setup=s3cret"),
        (CHAT, "https://example.org/chat/#setup=s3cret"),
        (attrs.evolve(PLAIN, tls_cert="c"), "https://127.0.0.1:8765/#setup=s3cret"),
    ):
        assert setup_link(server, started) == url
    nowhere = attrs.evolve(started, listening=[SOCK])
    assert setup_link(PLAIN, nowhere) == "https://HOST/#setup=s3cret"
    line = setup_line("LINK", tmp_path, shown=True)
    assert line == "nobody administers this place yet: open LINK"
    assert list(tmp_path.iterdir()) == []
    line = setup_line("LINK", tmp_path, shown=False)
    assert line.endswith(f"open the link in {tmp_path / 'setup-link'}")
    assert "LINK" not in line
    assert (tmp_path / "setup-link").read_text() == "LINK\n"
    line = setup_line("LINK", tmp_path / "nowhere", shown=False)
    assert "the link cannot be left" in line
