"""The holder of the settings in force."""

from __future__ import annotations

from chatd.config import Applies, Config, Limits, LiveConfig
from chatd.configfile.table import KEYS


def test_who_asks_gets_what_is_in_force_and_who_follows_is_told() -> None:
    """At once, and each time that others replace it, in order."""
    first, second = Config(), Config(limits=Limits(text_chars=7))
    live = LiveConfig(first)
    told: list[tuple[str, Config]] = []
    live.follow(lambda config: told.append(("one", config)))
    live.follow(lambda config: told.append(("two", config)))
    live.replace(second)
    assert live.current is second
    assert told == [("one", first), ("two", first), ("one", second), ("two", second)]


def test_what_needs_files_sockets_or_the_store_counts_at_a_restart() -> None:
    """All that says how much somebody may do counts before."""
    later = {path for path, key in KEYS.items() if key.applies is Applies.RESTART}
    assert {path.partition(".")[0] for path in later} == {
        "server",
        "store",
        "auth",
        "rooms",
        "history",
        "presence",
        "log",
        "metrics",
    }
    assert {path for path in later if not path.startswith("server.")} == {
        "store.path",
        "auth.guest_ban_h",
        "auth.names",
        "auth.jwt",
        "rooms.permanent",
        "history.cid_keep_d",
        "presence.tick_s",
        "log.level",
        "log.format",
        "metrics.listen",
    }
