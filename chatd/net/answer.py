"""What is answered over HTTP, and the header fields that every answer has.

Every response over HTTP says what a browser may do with it (`SECURITY`): nothing but
what the page needs, which is served from here alone. So an answer that a browser is
made to take for a page can do nothing, and neither can what is injected into the page.
There is no `Strict-Transport-Security`: it binds all of a host, its other ports and
paths too, so only the host's owner can decide on it.

A refusal is one line of text, or a page where a browser shows it to a person.

Source: RFC 9110; Content Security Policy level 3; Fetch; the Permissions Policy of W3C.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from email.utils import formatdate
from html import escape
from http import HTTPStatus
from math import ceil

import attrs

from chatd.net.head import Refusal

PLAIN_TEXT = "text/plain; charset=utf-8"
HTML = "text/html; charset=utf-8"
BUSY = 503
"""One connection or request too many, here or from there."""
CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self';"
    " img-src 'self' data: blob:; connect-src 'self'; manifest-src 'self';"
    " worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none';"
    " require-trusted-types-for 'script'; trusted-types worker"
)
"""What a browser may load, run and do.

There may be one policy of Trusted Types, which can be made only once: that of the page
gives the address of its worker, and nothing else.
"""
_POWERS = ("camera", "display-capture", "geolocation", "microphone", "payment", "usb")
"""What a browser could ask a person for, and no page from here does."""
SECURITY = (
    ("Content-Security-Policy", CONTENT_POLICY),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Permissions-Policy", ", ".join(f"{power}=()" for power in _POWERS)),
)
"""On every answer."""
_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<h1>{title}</h1>
<p>{text}</p>
</html>
"""


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

    def fields(self, *, close: bool) -> list[tuple[str, str]]:
        """Its header, without what every answer has.

        Args:
            close: Whether the connection ends with it.
        """
        kind = [("Content-Type", self.content_type)] if self.content_type else []
        options = ["close"] if close else []
        # Source: RFC 9110 section 7.8.
        options += ["upgrade" for name, _ in self.headers if name == "Upgrade"]
        connection = [("Connection", ", ".join(options))] if options else []
        return [
            *kind,
            ("Content-Length", str(len(self.body))),
            *self.headers,
            *connection,
        ]


def _lines(fields: Iterable[tuple[str, str]]) -> bytes:
    return "".join(f"{name}: {value}\r\n" for name, value in fields).encode()


_COMMON = (("Cache-Control", "no-store"), *SECURITY)
_COMMON_LINES = _lines(_COMMON)


def completed(head: bytes, now: float, present: Collection[bytes] = ()) -> bytes:
    """Add to the bytes of an answer's head what every answer has.

    They are bytes from the beginning, since to have each field looked at again for
    each answer takes as long as a tenth of a health check.

    Args:
        head: Whole, with the empty line that ends it.
        now: Seconds since 1970, for `Date`.
        present: The names of the fields that it has already, in lower case.
    """
    common = _COMMON_LINES
    if present:
        common = _lines(
            one for one in _COMMON if one[0].lower().encode() not in present
        )
    date = formatdate(now, usegmt=True).encode()
    return b"%bDate: %b\r\n%b\r\n" % (head[:-2], date, common)


def refused(refusal: Refusal, *, page: bool = False) -> Response:
    """A refusal as an answer: a line, or a page for a person."""
    if not page:
        body = f"{refusal.text}\n".encode()
        return Response(refusal.status, PLAIN_TEXT, body, refusal.headers)
    title = escape(f"{refusal.status} {HTTPStatus(refusal.status).phrase}")
    text = escape(f"{refusal.text[:1].upper()}{refusal.text[1:]}.")
    body = _PAGE.format(title=title, text=text).encode()
    return Response(refusal.status, HTML, body, refusal.headers)


def unparsed(response: Response, now: float, *, is_head: bool = False) -> bytes:
    """The bytes of an answer that is the last, where no parser knows of the request."""
    start = f"HTTP/1.1 {response.status} {response.phrase}\r\n".encode()
    head = b"%b%b\r\n" % (start, _lines(response.fields(close=True)))
    return completed(head, now) + (b"" if is_head else response.body)


def busy(wait_s: float) -> Refusal:
    """What one connection too many gets."""
    return Refusal(BUSY, "too many connections", (retry_after(wait_s),))


def retry_after(wait_s: float) -> tuple[str, str]:
    """The field that says when to come back, in whole seconds."""
    return "Retry-After", str(ceil(wait_s))
