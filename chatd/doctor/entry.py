"""What the facts mean for whoever comes from outside: TLS, the URL, the proxy. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from chatd.doctor.facts import Answer, Facts, Outside
from chatd.doctor.findings import Finding, broken, ok, warning

CREDENTIALS = "/run/credentials/"
"""Where systemd puts copies of files, when it starts a service. Source:
systemd.exec(5)."""


def certificate(facts: Facts) -> Iterator[Finding]:
    """The daemon's own certificate."""
    tls = facts.tls
    if tls is None:
        return
    cure = "then: systemctl reload chatd"
    if tls.path.startswith(CREDENTIALS):
        cure = "then: systemctl restart chatd, which copies it (LoadCredential=)"
    for problem in tls.problems:
        yield broken(problem, cure)
    for doubt in tls.doubts:
        yield warning(doubt, cure)
    if not (tls.problems or tls.doubts):
        yield ok(f"{tls.path} is for {', '.join(tls.names)} until {tls.ends_day}")


def public_url(facts: Facts) -> Iterator[Finding]:
    """Whether people get here at the address that they are given."""
    outside, url = facts.outside, facts.public_url
    if outside is None:
        if not url:
            yield ok("server.public_url is not set, so nobody is expected from outside")
        return
    health = outside.health
    if health.error:
        yield broken(f"{url} is not reached: {health.error}", _reach(health))
    elif (health.status, health.body) != (200, "ok\n"):
        yield broken(
            f"{url}/healthz is answered {health.status} by something else than chatd",
            "the proxy has to pass on what is below the path of server.public_url",
        )
    else:
        yield ok(f"{url} leads here")
        yield from _websocket(outside.upgrade, url)


def _reach(answer: Answer) -> str:
    if "self-signed" in answer.error or "unable to get" in answer.error:
        return (
            "send its whole chain, or let this machine trust who signed it"
            " (update-ca-certificates); SSL_CERT_FILE=FILE names it for one command"
        )
    if "certificate" in answer.error.lower():
        return "renew the certificate of what answers there, with its whole chain"
    return "look at the name (DNS), the firewall, and whether the proxy runs"


def _websocket(upgrade: Answer, url: str) -> Iterator[Finding]:
    said = f"a WebSocket at {url}/ws"
    if upgrade.status == 101:
        yield ok(f"{said} opens")
    elif upgrade.status == 403:
        yield broken(
            f"{said} is refused for its Origin (403)",
            "set server.public_url to what people have in their browsers",
        )
    else:
        got = upgrade.error or str(upgrade.status)
        yield broken(
            f"{said} is not opened ({got})",
            "the proxy has to pass on Upgrade and Connection, over HTTP/1.1",
        )


def proxy(facts: Facts) -> Iterator[Finding]:
    """Whom the daemon takes those for who come through the proxy."""
    outside = facts.outside
    if outside is None or outside.health.error or outside.address.status != 200:
        return
    seen = outside.address.body.strip()
    if outside.forged is not None and seen == outside.forged:
        yield broken(
            "the proxy passes on what a client writes into X-Forwarded-For, so anybody"
            " can have any address",
            "have it add the address itself: $proxy_add_x_forwarded_for in nginx",
        )
    elif seen in facts.proxies_trusted:
        yield from _unseen(outside, seen)
    elif seen == outside.own_address:
        yield ok(f"the daemon knows clients by their own addresses ({seen})")
    elif not facts.trusted_proxies and _is_local(seen):
        yield broken(
            f"the daemon takes all who come through the proxy for {seen}",
            "list it in server.trusted_proxies",
        )
    else:
        yield ok(f"the daemon takes this machine for {seen}")


def _unseen(outside: Outside, seen: str) -> Iterator[Finding]:
    if seen == outside.own_address:
        yield ok(
            f"not told from here, since {seen} is itself a trusted proxy; from"
            " elsewhere ask for /address"
        )
    else:
        yield broken(
            f"the daemon takes all who come through the proxy for {seen}",
            "have the proxy send X-Forwarded-For, or a PROXY head",
        )


def _is_local(address: str) -> bool:
    return address in {"127.0.0.1", "::1", "unix"}
