"""The settings in force: one holder that everything reads from, and that can change.

A `Config` never changes; what changes is which one is in force. So nobody keeps a
`Config` that he was given at his start: he keeps the holder, and asks it for `current`
where he needs a setting. What has to be made of settings and kept (buckets with what is
left in them, a compiled reader) is adjusted by whoever `follow`s.

What a setting says of `applies` is what becomes of such a change: see `Applies`.
"""

from __future__ import annotations

from collections.abc import Callable

from chatd.config.sections import Config


class LiveConfig:
    """Holds the settings that are in force.

    Attributes:
        current: Those of now.
    """

    def __init__(self, config: Config) -> None:
        """Begin with these settings."""
        self.current = config
        self._followers: list[Callable[[Config], None]] = []

    def follow(self, adjust: Callable[[Config], None]) -> None:
        """Call `adjust` with the settings of now, and with each that replace them.

        Args:
            adjust: Must not raise; the settings have been checked.
        """
        self._followers.append(adjust)
        adjust(self.current)

    def replace(self, config: Config) -> None:
        """Put other settings into force, but for what only a restart changes.

        Args:
            config: The new ones, checked as those at the start are.
        """
        self.current = config
        for adjust in self._followers:
            adjust(config)
