"""What an operator may decide: frozen sections, one per concern.

`sections` is the one table of settings. A key's name ends in its unit, its type
is its parsed form, and its field carries in `metadata` all that is said about it:
`doc`, `source` (the precedent of the default), `min` and `max`, and from when on a
change `applies`. The example file, the JSON Schema, `chatd config show` and the checks
of a file are all made from it, so they cannot disagree.

`live` has the holder of those that are in force: everything reads from it.
`difference` says what changes when others are put there.
`values` and `urls` hold the types that are more than a number or a string, with their
parsers; `checks` says which values contradict each other, and which are
allowed but probably not what was meant.

In `[limits]`, and for `history.replay_max`, 0 is no limit.

Nothing here reads a file or an environment: that is `chatd.configfile`. A
`Config` that came from there has been checked; one that is built in code is
believed as it is.

Pure: no I/O, no clock, no randomness.
"""

from chatd.config.bus import BusAddress, parse_bus
from chatd.config.checks import (
    Place,
    conflicts,
    database_url_problem,
    notices,
    out_of_bounds,
)
from chatd.config.cluster import Cluster
from chatd.config.difference import Difference, compare, in_force
from chatd.config.jwt import JwtIssuer
from chatd.config.key import COUNT_MAX, Applies
from chatd.config.limits import Limits
from chatd.config.live import LiveConfig
from chatd.config.permanent import PermanentRoom
from chatd.config.sections import (
    Auth,
    Config,
    Heartbeat,
    History,
    Log,
    Metrics,
    Presence,
    Rooms,
    Server,
    Store,
)
from chatd.config.urls import Origin, PublicUrl, parse_origin, parse_public_url
from chatd.config.values import (
    Address,
    FileMode,
    Network,
    SystemdSockets,
    TcpAddress,
    UnixAddress,
    parse_address,
    parse_file_mode,
    parse_network,
)

__all__ = [
    "COUNT_MAX",
    "Address",
    "Applies",
    "Auth",
    "BusAddress",
    "Cluster",
    "Config",
    "Difference",
    "FileMode",
    "Heartbeat",
    "History",
    "JwtIssuer",
    "Limits",
    "LiveConfig",
    "Log",
    "Metrics",
    "Network",
    "Origin",
    "PermanentRoom",
    "Place",
    "Presence",
    "PublicUrl",
    "Rooms",
    "Server",
    "Store",
    "SystemdSockets",
    "TcpAddress",
    "UnixAddress",
    "compare",
    "conflicts",
    "database_url_problem",
    "in_force",
    "notices",
    "out_of_bounds",
    "parse_address",
    "parse_bus",
    "parse_file_mode",
    "parse_network",
    "parse_origin",
    "parse_public_url",
]
