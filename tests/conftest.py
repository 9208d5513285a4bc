"""What every test shares: how Hypothesis searches, and nothing else."""

from __future__ import annotations

from hypothesis import settings

# The same examples each time, so that a verdict belongs to the code and not to
# the day; and no deadline, since a slow machine is no fault of what it tests.
settings.register_profile("chatd", derandomize=True, deadline=None)
settings.load_profile("chatd")
