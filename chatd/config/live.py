"""The settings in force: one holder that everything reads from, and that can change.

A `Config` never changes; what changes is which one is in force. So no code keeps a
`Config`: it keeps the holder, and reads `current` where it needs a setting. What is
made of settings and kept (buckets with what is left in them, a compiled reader) is
adjusted by a function that `follow`s.

From when on a change counts, each setting says in `applies`: see `Applies`.
"""

from __future__ import annotations

from collections.abc import Callable

from chatd.config.sections import Config


class LiveConfig:
    """Holds the settings that are in force.

    Attributes:
        current: The settings in force now.
    """

    def __init__(self, config: Config) -> None:
        """Begin with these settings."""
        self.current = config
        self._followers: list[Callable[[Config], None]] = []

    def follow(self, adjust: Callable[[Config], None]) -> None:
        """Call `adjust` now with the settings in force, and again when they change.

        Args:
            adjust: Must not raise; the settings have been checked.
        """
        self._followers.append(adjust)
        adjust(self.current)

    def replace(self, config: Config) -> None:
        """Put other settings into force.

        Args:
            config: The new ones, checked as those at the start are. Those that need a
                restart are as they were: see `chatd.config.difference`.
        """
        self.current = config
        for adjust in self._followers:
            adjust(config)
