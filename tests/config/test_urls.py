from __future__ import annotations

import pytest

from chatd.config.urls import origin_of, parse_origin, parse_public_url, path_of


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("https://Chat.Example.org", "https://chat.example.org"),
        ("HTTPS://chat.example.org:443", "https://chat.example.org"),
        ("http://localhost:80", "http://localhost"),
        ("http://localhost:08080", "http://localhost:8080"),
        ("https://[2001:DB8:0::1]:8443", "https://[2001:db8::1]:8443"),
        ("null", "null"),
        ("file://", "file://"),
        ("capacitor://localhost", "capacitor://localhost"),
        ("Tauri://LocalHost", "tauri://localhost"),
        ("ionic://localhost:08080", "ionic://localhost:8080"),
        ("app://.", "app://."),
        ("app://-", "app://-"),
        ("app://", "app://"),
        ("app://obsidian.md", "app://obsidian.md"),
        ("http://tauri.localhost", "http://tauri.localhost"),
        ("safari-web-extension://0A-1B", "safari-web-extension://0a-1b"),
        ("moz-extension://0a1b-2c", "moz-extension://0a1b-2c"),
        ("vscode-webview://1a2b", "vscode-webview://1a2b"),
        ("com.example+app://host_1~", "com.example+app://host_1~"),
    ],
)
def test_origins_are_canonical(text: str, origin: str) -> None:
    """An origin is kept in the one spelling that a browser sends."""
    assert parse_origin(text) == origin


@pytest.mark.parametrize(
    "text",
    [
        "",
        "*",
        "Null",
        "file:",
        "file:///",
        "file:///home/ann/chat.html",
        "capacitor:localhost",
        "capacitor://localhost/",
        "capacitor://localhost?x",
        "capacitor://*",
        "capacitor://ann@localhost",
        "capacitor://localhost:0",
        "capacitor://localhost:x",
        "1app://localhost",
        "://localhost",
        "ws://chat.example.org",
        "wss://chat.example.org",
        "data:,x",
        "blob:https://a.example/1",
        "chat.example.org",
        "ftp://chat.example.org",
        "https://",
        "https://chat.example.org/",
        "https://*.example.org",
        "https://ann@example.org",
        "https://exämple.org",
        "https://[::zz]",
        "https://[1::2::3]",
        "https://chat.example.org:0",
        "https://chat.example.org:65536",
        "https://chat.example.org\n",
    ],
)
def test_what_is_no_origin_is_refused(text: str) -> None:
    """Wildcards, paths and what is no page's are no origins."""
    with pytest.raises(ValueError, match=r"expected an origin|port|brackets"):
        parse_origin(text)


def test_public_urls() -> None:
    """A URL may have a path and loses its last slash; its origin is known."""
    assert parse_public_url("") == ""
    assert parse_public_url("https://A.example/") == "https://a.example"
    url = parse_public_url("https://a.example:8443/chat/")
    assert url == "https://a.example:8443/chat"
    assert origin_of(url) == "https://a.example:8443"
    assert origin_of(parse_public_url("")) is None


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("", "/"),
        ("https://a.example", "/"),
        ("https://a.example/", "/"),
        ("https://a.example/chat", "/chat"),
        ("https://a.example//chat//team/", "/chat/team"),
        ("https://a.example/%63hat/%c3", "/chat/%C3"),
    ],
)
def test_the_path_of_a_public_url(text: str, path: str) -> None:
    """In one spelling, whatever slashes and encodings it came with."""
    assert path_of(parse_public_url(text)) == path


@pytest.mark.parametrize(
    "text",
    [
        "a.example",
        "https://a.example/?q",
        "https://a/#f",
        "https://a.example/..",
        "https://a.example/chat/./x",
        "https://a.example/%2e%2E/chat",
        "app://localhost/chat",
    ],
)
def test_what_is_no_public_url_is_refused(text: str) -> None:
    """Nor a query, a fragment or a step up: no path may follow them."""
    with pytest.raises(ValueError, match=r"expected a URL|a browser takes"):
        parse_public_url(text)
