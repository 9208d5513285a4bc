"""What keeps a daemon from working well, found out before its users do.

`facts` is what can be known of a machine and a daemon, `checks` and `entry` what it
means and what to do about it (pure), `gathering` finds it out: limits, files, units, a
request that goes out to `public_url` and comes back through the proxy. Nothing is
changed.
"""

from chatd.doctor.checks import QUICK, examine
from chatd.doctor.facts import Facts
from chatd.doctor.findings import Finding, Level
from chatd.doctor.gathering import gather, glance

__all__ = ["QUICK", "Facts", "Finding", "Level", "examine", "gather", "glance"]
