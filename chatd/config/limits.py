"""The limits: what one client may cost the others."""

from __future__ import annotations

import attrs

from chatd.config.key import COUNT_MAX, DAY_S, key, limit


@attrs.frozen(kw_only=True)
class Limits:
    """What one client may cost the others. 0 is no limit."""

    frame_bytes: int = limit(
        65_536,
        "The largest frame a client may send; a larger one ends its connection.",
        "Centrifugo's 64 KiB; protocol section 1",
    )
    text_chars: int = limit(
        4000,
        "The longest message, in code points.",
        "protocol section 2; Slack advises no more for a message's text",
    )
    reply_bytes: int = limit(
        262_144,
        "The largest reply; a longer page of history is cut and says `more`.",
        "protocol section 6",
    )
    messages_per_s: float = key(
        5.0,
        "Messages per second that a user may send in the long run. 0: no limit.",
        "protocol section 2; ergo's 2 a second leaves no room for pasted lines",
        min=0,
        max=COUNT_MAX,
    )
    messages_burst: int = key(
        20,
        "Messages that a user who was quiet may send at once.",
        "protocol section 2; a pasted screenful of lines",
        min=0,
        max=COUNT_MAX,
    )
    commands_per_s: float = key(
        50.0,
        "Commands of any kind per second that are read from one connection; more"
        " wait unread. 0: no limit.",
        "ten times messages_per_s: joins and look-ups come in bundles",
        min=0,
        max=COUNT_MAX,
    )
    inflight_max: int = limit(
        64,
        "Commands of one connection that may be open at once; more wait unread.",
        "more than a second of commands_per_s, so only a stalled store reaches it",
    )
    connections_max: int = limit(
        10_000,
        "Connections in all; one more is answered 503.",
        "ergo's 10,000 clients; measured 21 KiB each, so 210 MB",
    )
    connections_per_address: int = limit(
        100,
        "Connections from one IPv4 address or one IPv6 /64.",
        "an office behind one address; ergo's 16 is for a public network",
    )
    connections_per_user: int = limit(
        20,
        "Connections of one user.",
        "twice ejabberd's 10 sessions: every browser tab is one",
    )
    outbox_soft_bytes: int = limit(
        262_144,
        "With more waiting for it, a connection is not read and its room events"
        " become a gap that it can fill later.",
        "one largest reply, so that a full page of history is not yet slowness",
    )
    outbox_hard_bytes: int = limit(
        4_194_304,
        "With more waiting for it, a connection is ended as too slow.",
        "sixteen times the soft limit: only what may not be dropped gets there",
    )
    write_timeout_s: float = key(
        30.0,
        "A connection that takes no byte of what waits for it for so long is ended."
        " 0: no limit.",
        "three times the 10 s of NATS, for phones; protocol section 8",
        min=0,
        max=DAY_S,
    )
