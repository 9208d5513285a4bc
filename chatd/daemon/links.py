"""Links to the page, with a secret behind the `#`.

What is behind the `#` stays in the browser: it is sent to no server, and no proxy logs
it.
"""

from __future__ import annotations

from collections.abc import Sequence

from chatd.config import Address, Server, TcpAddress


def page_url(server: Server, listening: Sequence[Address]) -> str | None:
    """The URL of the page, without a slash at the end; None where it is not known.

    Args:
        server: The settings.
        listening: Where the daemon listens, as far as it is known.
    """
    if server.public_url:
        return server.public_url
    scheme = "https" if server.tls_cert else "http"
    for address in listening:
        if isinstance(address, TcpAddress) and address.port:
            return f"{scheme}://{address.reachable}"
    return None


def link(url: str, kind: str, secret: str) -> str:
    """Make a link to the page that hands over a secret, such as `…/#invite=…`."""
    return f"{url}/#{kind}={secret}"
