"""The bus between nodes, over a server of Valkey or Redis: `ValkeyBus`.

It carries and does not decide: whatever is lost here stands in the log of the store,
and `ValkeyBus.run` says when to look there. So nothing is waited for, and nothing that
waits is without a bound.

There are two connections, each a `Link` that is made anew for as long as it takes: the
`Publisher`'s sends what was published, and keeps it until the server has confirmed it;
the `Listener`'s follows streams. On both the server is asked for a sign of life each
second, and what it is by then is read from its answer: by a replica nothing reaches the
others.
A stream is one sharded channel, its name behind a prefix that is the cluster's own.

`dialing` connects and greets, `refusals` says what an error of the server means for an
operator. The protocol (RESP3) is hiredis', which is imported here and nowhere else.

Why not a whole client: one is 30 times as dear for a message, which all nodes pay that
have somebody in the room; see ARCHITECTURE.
"""

from chatd.bus.bus import ValkeyBus, probe

__all__ = ["ValkeyBus", "probe"]
