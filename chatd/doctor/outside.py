"""Requests that go out to `public_url`, and come back through whatever is before us.

Three of them: whether chatd answers, whether a WebSocket opens for a page of that site,
and whom the daemon takes the client for. The last one lies about where it comes from,
as a client may, unless this machine's own word would be believed.
"""

from __future__ import annotations

import base64
import secrets
import socket
import ssl
from collections.abc import Collection, Mapping
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import urlsplit

from chatd.config import Network
from chatd.doctor.facts import Answer, Outside
from chatd.net.forwarded import is_proxy, normal_address

FORGED = "192.0.2.77"
"""Nobody's. Source: RFC 5737."""
TIMEOUT_S = 10.0
BODY_BYTES_MAX = 1000


def ask_outside(url: str, trusted: Collection[Network]) -> Outside:
    """Ask at a URL.

    Args:
        url: That of `server.public_url`.
        trusted: The proxies whose word counts.
    """
    health, own = _ask(url, "/healthz", {})
    key = base64.b64encode(secrets.token_bytes(16)).decode()
    parts = urlsplit(url)
    upgrade, _ = _ask(
        url,
        "/ws",
        {
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": key,
            "Origin": f"{parts.scheme}://{parts.netloc}",
        },
    )
    may_forge = bool(own) and not is_proxy(own, trusted)
    forged = FORGED if may_forge else None
    headers = {"X-Forwarded-For": forged} if forged else {}
    address, _ = _ask(url, "/address", headers)
    return Outside(health, upgrade, address, own, forged)


def _ask(url: str, path: str, headers: Mapping[str, str]) -> tuple[Answer, str]:
    """Ask for one path.

    Returns:
        What was answered, and this end's address.
    """
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port
    if parts.scheme == "https":
        context = ssl.create_default_context()
        connection: HTTPConnection = HTTPSConnection(
            host, port, timeout=TIMEOUT_S, context=context
        )
    else:
        connection = HTTPConnection(host, port, timeout=TIMEOUT_S)
    own = ""
    try:
        connection.connect()
        own = normal_address(str(connection.sock.getsockname()[0]))
        connection.request("GET", f"{parts.path.rstrip('/')}{path}", headers=headers)
        found = connection.getresponse()
        body = found.read(BODY_BYTES_MAX) if found.status != 101 else b""
        return Answer(found.status, body.decode("latin-1")), own
    except ssl.SSLCertVerificationError as error:
        return Answer(
            error=f"its certificate is not valid: {error.verify_message}"
        ), own
    except ssl.SSLError as error:
        return Answer(error=f"no TLS there ({error.reason})"), own
    except socket.gaierror as error:
        return Answer(error=f"{host} is no name that is known ({error.strerror})"), own
    except TimeoutError:
        return Answer(error=f"no answer in {TIMEOUT_S:g} s"), own
    except (OSError, HTTPException) as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        return Answer(error=reason), own
    finally:
        connection.close()
