"""How many files the process may have open, and so how many connections.

Each connection is a descriptor. Where they run out nothing can be accepted any more,
not even to be refused, and a look-up fails that opens a file. So the daemon takes all
that it is allowed, and lets in no more connections than there are descriptors for,
beside those that it needs itself: one more is answered 503, as with any other limit.

Source: file-nr(5), and systemd's "File Descriptor Limits": the soft limit is for
programs that use select(2), which this one does not.
"""

from __future__ import annotations

import resource
from pathlib import Path

from chatd.net.listener import Listener
from chatd.observe import log

BESIDE = 24
"""Descriptors that stay free: for files that are opened for a moment, for monitoring,
and a third of them for answers to those who are refused."""


def take_all() -> None:
    """Raise the soft limit of open files to the hard one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def bound_connections(listener: Listener) -> None:
    """Let in no more connections than there are descriptors for, beside those in use.

    Args:
        listener: Whose connections; there are none yet.
    """
    most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    limiter = listener.limiter
    enough_for = max(1, most - len(list(Path("/proc/self/fd").iterdir())) - BESIDE)
    limiter.files_max = enough_for
    if limiter.most and enough_for >= limiter.most + listener.refusals_max:
        return
    listener.refusals_max = BESIDE // 3
    if limiter.most and enough_for >= limiter.most:
        return
    log().warning(
        "the limit of open files allows fewer connections than limits.connections_max;"
        " raise LimitNOFILE of the service, or ulimit -n",
        connections=enough_for,
        connections_max=limiter.most,
        files_max=most,
    )
