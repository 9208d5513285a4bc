from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatd.net.target import (
    ASTERISK,
    Target,
    is_authority,
    parse_target,
    paths_below,
)


@pytest.mark.parametrize(
    ("method", "text", "expected"),
    [
        ("GET", "/", Target("/")),
        ("GET", "/ws?a=/b", Target("/ws")),
        ("GET", "/?", Target("/")),
        ("GET", "//ws", Target("/ws")),
        ("GET", "//ws//", Target("/ws")),
        ("GET", "/ws/", Target("/ws")),
        ("GET", "/chat//ws/", Target("/chat/ws")),
        ("GET", "/%77s", Target("/ws")),
        ("GET", "/%2fws", Target("/%2Fws")),
        ("GET", "/a%zz", Target("/a%zz")),
        ("GET", "/../ws", Target("/../ws")),
        ("GET", "http://a.example/ws?x", Target("/ws", "a.example")),
        ("GET", "HTTP://a.example:80", Target("/", "a.example:80")),
        ("GET", "https://[::1]:8765//ws", Target("/ws", "[::1]:8765")),
        ("GET", "http://a.example?x", Target("/", "a.example")),
        ("OPTIONS", "*", Target(ASTERISK)),
        ("OPTIONS", "http://a.example", Target(ASTERISK, "a.example")),
        ("OPTIONS", "http://a.example/", Target("/", "a.example")),
        ("CONNECT", "a.example:443", Target(ASTERISK, "a.example:443")),
    ],
)
def test_a_target_in_each_of_its_forms(
    method: str, text: str, expected: Target
) -> None:
    """A path, a URL, a question about the whole, a host to be connected with."""
    found = parse_target(method, text)
    assert (found.path, found.authority) == (expected.path, expected.authority)


@pytest.mark.parametrize(
    ("method", "text"),
    [
        ("GET", "*"),
        ("GET", "ws"),
        ("GET", "?a"),
        ("GET", "a.example:443"),
        ("GET", "ftp://a.example/"),
        ("GET", "ws://a.example/ws"),
        ("GET", "http:///ws"),
        ("GET", "http://:80/ws"),
        ("GET", "http://u:p@a.example/"),
        ("GET", "http://a b/"),
        ("GET", "http://[::1/"),
        ("OPTIONS", "**"),
        ("CONNECT", "/"),
        ("CONNECT", ":443"),
    ],
)
def test_what_is_no_target_is_refused(method: str, text: str) -> None:
    """Its form is not one that its method has, or its host is none."""
    with pytest.raises(ValueError, match=r"host is none|is a path"):
        parse_target(method, text)


@pytest.mark.parametrize(
    ("path", "prefix", "expected"),
    [
        ("/ws", "/", ("/ws",)),
        ("/chat/ws", "/", ("/chat/ws",)),
        ("/chat/ws", "/chat", ("/ws", "/chat/ws")),
        ("/chat", "/chat", ("/", "/chat")),
        ("/ws", "/chat", ("/ws",)),
        ("/chatter/ws", "/chat", ("/chatter/ws",)),
        ("/CHAT/ws", "/chat", ("/CHAT/ws",)),
        ("/a/b/ws", "/a/b", ("/ws", "/a/b/ws")),
        ("/ws/ws", "/ws", ("/ws", "/ws/ws")),
    ],
)
def test_a_prefix_may_be_there_or_not(
    path: str, prefix: str, expected: tuple[str, ...]
) -> None:
    """Only whole segments of it, and only where it begins."""
    assert paths_below(path, prefix) == expected


@given(st.text(alphabet="/ws%7.", max_size=12))
def test_a_path_that_was_spelled_is_spelled(text: str) -> None:
    """Once more changes nothing, and slashes make no other path."""
    path = parse_target("GET", f"/{text}").path
    assert parse_target("GET", path).path == path
    assert parse_target("GET", f"//{text}/").path == path
    assert "//" not in path


def test_what_a_host_may_be() -> None:
    """Names, addresses, and nothing at all; never a path or a user."""
    for text in ("", "a", "A-b_c.example:80", "[::1]:1", "1.2.3.4:", "xn--a", "a%20b"):
        assert is_authority(text)
    for text in ("a b", "a/", "u@a", "a:b", "[::1", "::1", "a%2", "caf\xe9", "a\tb"):
        assert not is_authority(text)
