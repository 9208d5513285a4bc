"""The table of settings: names, defaults, and that nothing is left unsaid."""

from __future__ import annotations

import pytest

from chatd.config import Config, PublicUrl, Server, conflicts, notices, out_of_bounds
from chatd.configfile.render import plain
from chatd.configfile.table import KEYS, SECTIONS

NAMES = [
    "server.listen",
    "server.unix_mode",
    "server.unix_group",
    "server.tls_cert",
    "server.tls_key",
    "server.public_url",
    "server.allowed_origins",
    "server.trusted_proxies",
    "server.proxy_protocol",
    "store.url",
    "store.path",
    "store.stall_timeout_s",
    "store.free_bytes_min",
    "cluster.bus",
    "cluster.name",
    "auth.guests",
    "auth.registration",
    "auth.guest_hold_s",
    "auth.guest_ban_h",
    "auth.session_days",
    "auth.login_timeout_s",
    "auth.names",
    "auth.reserved",
    "auth.jwt",
    "rooms.create",
    "rooms.read_receipts",
    "rooms.permanent",
    "history.replay_max",
    "history.cid_keep_d",
    "presence.grace_s",
    "presence.tick_s",
    "presence.names_max",
    "heartbeat.interval_s",
    "heartbeat.timeout_s",
    "limits.frame_bytes",
    "limits.text_chars",
    "limits.reply_bytes",
    "limits.messages_per_s",
    "limits.messages_burst",
    "limits.address_factor",
    "limits.commands_per_s",
    "limits.bytes_per_s",
    "limits.bytes_burst",
    "limits.inflight_max",
    "limits.connections_max",
    "limits.connections_per_address",
    "limits.connects_per_s",
    "limits.connects_burst",
    "limits.requests_per_s",
    "limits.requests_burst",
    "limits.connections_per_user",
    "limits.sessions_per_user",
    "limits.rooms_per_user",
    "limits.memberships_per_user",
    "limits.creations_per_h",
    "limits.creations_burst",
    "limits.guest_bytes_per_d",
    "limits.outbox_soft_bytes",
    "limits.outbox_hard_bytes",
    "limits.buffered_bytes",
    "limits.write_timeout_s",
    "log.level",
    "log.format",
    "metrics.listen",
]


def test_the_names_of_the_keys() -> None:
    """A key's name is a promise: files and environments out there use it."""
    assert list(KEYS) == NAMES


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("server.listen", ["127.0.0.1:8765"]),
        ("auth.guests", True),
        ("auth.guest_hold_s", 900),
        ("auth.guest_ban_h", 24),
        ("auth.session_days", 30),
        ("auth.login_timeout_s", 30),
        ("rooms.create", "users"),
        ("history.cid_keep_d", 7),
        ("heartbeat.interval_s", 25),
        ("heartbeat.timeout_s", 10),
        ("limits.frame_bytes", 65536),
        ("limits.text_chars", 4000),
        ("limits.reply_bytes", 262144),
        ("limits.messages_per_s", 5),
        ("limits.messages_burst", 20),
    ],
)
def test_defaults_that_the_protocol_names(path: str, value: object) -> None:
    """Where the protocol names a figure, the default is that figure."""
    assert plain(KEYS[path].default) == value


@pytest.mark.parametrize("path", NAMES)
def test_every_key_says_what_it_is_and_why(path: str) -> None:
    """A key has a sentence for people, a precedent, and bounds if it is a number."""
    key = KEYS[path]
    assert key.doc.endswith(".")
    assert key.source
    assert not key.source.endswith(".")
    if key.type in {int, float}:
        assert key.min is not None
        assert key.max is not None


def test_zero_is_no_limit_wherever_it_is_promised() -> None:
    """Every key of [limits], and history.replay_max, takes 0."""
    limits = next(section for section in SECTIONS if section.name == "limits")
    assert all(key.min == 0 for key in (*limits.keys, KEYS["history.replay_max"]))


def test_the_defaults_are_sound() -> None:
    """The defaults are within their own bounds, agree, and surprise nobody."""
    config = Config()
    for section in SECTIONS:
        values = getattr(config, section.name)
        for field in section.cls.__attrs_attrs__:
            assert out_of_bounds(field, getattr(values, field.name)) is None
    assert list(conflicts(config)) == []
    assert list(notices(config)) == []


def test_the_public_origin() -> None:
    """Pages under public_url have an origin that can be compared."""
    assert Server().public_origin is None
    url = PublicUrl("https://chat.example.org/chat")
    assert Server(public_url=url).public_origin == "https://chat.example.org"
