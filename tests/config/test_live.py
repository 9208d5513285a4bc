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


def test_what_makes_sockets_names_or_the_store_counts_at_a_restart() -> None:
    """All else counts before: tests/daemon/test_reloading.py tries each."""
    later = {path for path, key in KEYS.items() if key.applies is Applies.RESTART}
    assert later == {
        "server.listen",
        "server.unix_mode",
        "server.unix_group",
        "store.url",
        "store.path",
        "cluster.bus",
        "cluster.name",
        "auth.guest_ban_h",
        "auth.names",
        "history.cid_keep_d",
        "metrics.listen",
    }
