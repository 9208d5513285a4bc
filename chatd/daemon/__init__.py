"""The process: everything is built here once, and ended here in order."""

from chatd.daemon.daemon import Started, run_daemon

__all__ = ["Started", "run_daemon"]
