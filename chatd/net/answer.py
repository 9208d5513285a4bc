"""What is answered over HTTP, and the header fields that every answer has."""

from __future__ import annotations

from email.utils import formatdate
from http import HTTPStatus
from math import ceil

import attrs

from chatd.net.head import Refusal

PLAIN_TEXT = "text/plain; charset=utf-8"
BUSY = 503
"""One connection too many, here or from there."""


@attrs.frozen
class Response:
    """What a route answers."""

    status: int
    content_type: str
    """`""` where there is no content."""
    body: bytes = attrs.field(repr=False)
    headers: tuple[tuple[str, str], ...] = ()

    @property
    def phrase(self) -> str:
        """The status in words."""
        return HTTPStatus(self.status).phrase

    def fields(self, now: float, *, close: bool) -> list[tuple[str, str]]:
        """Its header, whole.

        Args:
            now: Seconds since 1970.
            close: Whether the connection ends with it.
        """
        kind = [("Content-Type", self.content_type)] if self.content_type else []
        options = ["close"] if close else []
        # Source: RFC 9110 section 7.8.
        options += ["upgrade" for name, _ in self.headers if name == "Upgrade"]
        connection = [("Connection", ", ".join(options))] if options else []
        return [
            ("Date", formatdate(now, usegmt=True)),
            *kind,
            ("Content-Length", str(len(self.body))),
            ("Cache-Control", "no-store"),
            ("X-Content-Type-Options", "nosniff"),
            *self.headers,
            *connection,
        ]


def refused(refusal: Refusal) -> Response:
    """A refusal as an answer."""
    body = f"{refusal.text}\n".encode()
    return Response(refusal.status, PLAIN_TEXT, body, refusal.headers)


def unread(refusal: Refusal, now: float) -> bytes:
    """The bytes for somebody whose request is not read."""
    response = refused(refusal)
    lines = [f"HTTP/1.1 {response.status} {response.phrase}"]
    lines += [f"{name}: {value}" for name, value in response.fields(now, close=True)]
    return "\r\n".join([*lines, "", ""]).encode() + response.body


def busy(wait_s: float) -> Refusal:
    """What one connection too many gets."""
    return Refusal(BUSY, "too many connections", (retry_after(wait_s),))


def retry_after(wait_s: float) -> tuple[str, str]:
    """The field that says when to come back, in whole seconds."""
    return "Retry-After", str(ceil(wait_s))
