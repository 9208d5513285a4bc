"""What a request asks for: the forms of its target, and one spelling of a path. Pure.

A path is looked up without empty segments, so that `//ws` and `/ws/` are `/ws`: what
proxies make of a prefix and a path differs by a slash. A percent-encoded letter is
that letter. With a path in `server.public_url` everything is found below it, and
without it as well, since some proxies take the prefix away and others do not.

Source: RFC 9112 section 3.2; RFC 3986 section 3.2.
"""

from __future__ import annotations

import re

import attrs

from chatd.config.urls import canonical_path

ASTERISK = "*"
"""The target of a question about the server as a whole."""

# IP literal or registered name, then a port; both may be empty.
_AUTHORITY = re.compile(
    r"(?P<host>\[[0-9A-Fa-f:.]+\]|(?:[A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*)"
    r"(?::[0-9]*)?"
)
_ABSOLUTE = re.compile(r"(?i:https?)://(?P<authority>[^/?#]*)(?P<rest>.*)")


@attrs.frozen
class Target:
    """A request's target, read."""

    path: str
    """Canonical, without the query; `ASTERISK` for the server as a whole."""
    authority: str | None = None
    """Of a target in absolute form; it replaces the Host header."""
    raw_path: str = ""
    """As it was sent, without the query."""
    query: str = ""
    """What stands behind the first `?`."""

    @property
    def is_directory(self) -> bool:
        """Whether relative URLs lead below it: it ends with a slash."""
        return self.raw_path.endswith("/")


def parse_target(method: str, target: str) -> Target:
    """Read a request's target.

    Raises:
        ValueError: It has none of the forms that its method may have.
    """
    if target == ASTERISK and method == "OPTIONS":
        return Target(ASTERISK)
    if method == "CONNECT":
        return Target(ASTERISK, _named(target))
    if target.startswith("/"):
        return _path(target)
    found = _ABSOLUTE.fullmatch(target)
    if not found:
        raise ValueError("a target is a path, or an http or https URL")
    authority = _named(found["authority"])
    if method == "OPTIONS" and not found["rest"]:
        return Target(ASTERISK, authority)
    rest = found["rest"]
    return _path(rest if rest.startswith("/") else f"/{rest}", authority)


def is_authority(text: str) -> bool:
    """Whether a text is what a Host header may say; it may be empty."""
    return _AUTHORITY.fullmatch(text) is not None


def paths_below(path: str, prefix: str) -> tuple[str, ...]:
    """What a path may mean where `prefix` stands before all paths.

    Args:
        path: Canonical.
        prefix: Canonical; `/` for none.

    Returns:
        What is left below the prefix, if it is there, and the path as it is.
    """
    if prefix != "/" and (path == prefix or path.startswith(f"{prefix}/")):
        return path[len(prefix) :] or "/", path
    return (path,)


def _path(target: str, authority: str | None = None) -> Target:
    path, _, query = target.partition("?")
    return Target(canonical_path(path), authority, path, query)


def _named(authority: str) -> str:
    """An authority that names a host."""
    found = _AUTHORITY.fullmatch(authority)
    if not found or not found["host"]:
        raise ValueError("what stands for the host is none")
    return authority
