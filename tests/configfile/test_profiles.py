"""The ready profiles load, surprise nobody, and are what their names say."""

from __future__ import annotations

from pathlib import Path

import attrs
import pytest

from chatd.config import Config, TcpAddress, notices
from chatd.configfile import load

PROFILES = Path(__file__).parents[2] / "config"


def profile(name: str) -> Config:
    """Load a profile by its name."""
    return load(PROFILES / f"{name}.toml", {}).config


def test_all_profiles_are_tested_here() -> None:
    """A new profile needs a fact of its own below."""
    names = {file.stem for file in PROFILES.glob("*.toml")}
    assert names == {"local", "team", "public", "bench"}


@pytest.mark.parametrize("name", ["local", "team", "public", "bench"])
def test_a_profile_names_its_schema_and_is_safe_at_once(name: str) -> None:
    """Editors find the schema; only this machine is listened on; nothing to note."""
    text = (PROFILES / f"{name}.toml").read_text(encoding="utf-8")
    assert text.startswith("#:schema ./chatd.schema.json\n")
    config = profile(name)
    assert all(
        isinstance(address, TcpAddress) and address.is_loopback
        for address in config.server.listen
    )
    assert list(notices(config)) == []


def test_local_is_open_and_talkative() -> None:
    """Anybody makes rooms, and everything is logged for a reader."""
    config = profile("local")
    assert config.auth.guests
    assert config.rooms.create == "anyone"
    assert (config.log.level, config.log.format) == ("debug", "console")


@pytest.mark.parametrize("name", ["team", "public"])
def test_a_service_and_its_commands_find_the_data_by_the_file(name: str) -> None:
    """The unit names no directory of its own, and has the profile's as its state."""
    unit = (PROFILES.parent / "contrib/systemd/chatd.service").read_text("utf-8")
    assert "--data" not in unit
    assert profile(name).store.path == "/var/lib/chatd"
    assert "\nStateDirectory=chatd\n" in unit


def test_team_has_accounts_only_behind_a_proxy() -> None:
    """No guests; the proxy is trusted; the page's origin is known."""
    config = profile("team")
    assert not config.auth.guests
    assert config.server.trusted_proxies
    assert config.server.public_origin == "https://chat.example.org"


def test_public_has_guests_and_tight_limits() -> None:
    """Guests come in, and no limit is looser than the default, or off."""
    config, default = profile("public"), Config()
    assert config.auth.guests
    assert config.server.trusted_proxies
    assert config.rooms.create == "admins"
    ours, usual = attrs.asdict(config.limits), attrs.asdict(default.limits)
    assert all(0 < ours[name] <= usual[name] for name in usual)
    looser = {name for name in usual if ours[name] == usual[name]}
    assert looser == {"connections_max"}


def test_bench_has_no_limits() -> None:
    """Every limit is off; the heartbeat, which is part of the cost, is not."""
    config = profile("bench")
    assert not any(attrs.asdict(config.limits).values())
    assert config.history.replay_max == 0
    assert config.heartbeat == Config().heartbeat
