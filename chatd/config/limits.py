"""The limits: what one client may cost the others."""

from __future__ import annotations

import attrs

from chatd.config.key import COUNT_MAX, DAY_S, Applies, key, limit


@attrs.frozen(kw_only=True)
class Limits:
    """What one client may cost the others. 0 is no limit."""

    frame_bytes: int = limit(
        65_536,
        "The largest frame a client may send; a larger one ends its connection.",
        "Centrifugo's 64 KiB; protocol section 1",
        applies=Applies.CONNECT,
    )
    text_chars: int = limit(
        4000,
        "The longest message, in code points.",
        "protocol section 2; Slack advises no more for a message's text",
        applies=Applies.NOW,
    )
    reply_bytes: int = limit(
        262_144,
        "The largest reply; a longer page of history is cut and says `more`.",
        "protocol section 6",
        applies=Applies.NOW,
    )
    messages_per_s: float = key(
        5.0,
        "Messages per second that a user may send in the long run. 0: no limit.",
        "protocol section 2; ergo's 2 a second leaves no room for pasted lines",
        min=0,
        max=COUNT_MAX,
        applies=Applies.NOW,
    )
    messages_burst: int = key(
        20,
        "Messages that a user who was quiet may send at once.",
        "protocol section 2; a pasted screenful of lines",
        min=0,
        max=COUNT_MAX,
        applies=Applies.NOW,
    )
    address_factor: int = limit(
        10,
        "How many users' worth of messages and new rooms may come from one IPv4"
        " address or one IPv6 /64, for all its users together.",
        "a household or a classroom; an office of fifty does not talk all at once",
        applies=Applies.NOW,
    )
    commands_per_s: float = key(
        50.0,
        "Commands per second that are read from one connection, where a look-up counts"
        " as five and a search as twenty; more wait unread. 0: no limit.",
        "ten times messages_per_s: joins and look-ups come in bundles",
        min=0,
        max=COUNT_MAX,
        applies=Applies.CONNECT,
    )
    bytes_per_s: int = limit(
        16_384,
        "Bytes per second that are read from one connection in the long run; more"
        " wait unread.",
        "five times ejabberd's shaper of 3,000, which was made for text alone",
        applies=Applies.CONNECT,
    )
    bytes_burst: int = key(
        262_144,
        "Bytes that are read at once from a connection that was quiet. Never less than"
        " 16384: so much is read at a time.",
        "four largest frames; ejabberd's 20,000 is less than one",
        min=0,
        max=COUNT_MAX,
        applies=Applies.CONNECT,
    )
    inflight_max: int = limit(
        64,
        "Commands of one connection that may be open at once; more wait unread.",
        "more than a second of commands_per_s, so only a stalled store reaches it",
        applies=Applies.CONNECT,
    )
    connections_max: int = limit(
        10_000,
        "Connections in all; one more is answered 503.",
        "ergo's 10,000 clients; measured 21 KiB each, so 210 MB",
        applies=Applies.NOW,
    )
    connections_per_address: int = limit(
        100,
        "Connections from one IPv4 address or one IPv6 /64.",
        "an office behind one address; ergo's 16 is for a public network",
        applies=Applies.NOW,
    )
    connects_per_s: float = key(
        1.0,
        "New connections per second from one IPv4 address or one IPv6 /64 in the long"
        " run; one more is answered 503. 0: no limit.",
        "twenty times ergo's 32 in 10 minutes, for an office behind one address",
        min=0,
        max=COUNT_MAX,
        applies=Applies.NOW,
    )
    connects_burst: int = key(
        100,
        "New connections at once from an address that was quiet.",
        "as connections_per_address: after a restart all of them come back at once",
        min=0,
        max=COUNT_MAX,
        applies=Applies.NOW,
    )
    requests_per_s: float = key(
        50.0,
        "HTTP requests per second that become no WebSocket, from one IPv4 address or"
        " one IPv6 /64 in the long run; one more is answered 429. A trusted proxy's"
        " own, its health checks, are not counted. 0: no limit.",
        "some 0.5 ms each, so 2.5 % of a core for one address",
        min=0,
        max=COUNT_MAX,
        applies=Applies.NOW,
    )
    requests_burst: int = key(
        1000,
        "HTTP requests at once from an address that was quiet.",
        "thirty browsers that load the page for the first time, some thirty files",
        min=0,
        max=COUNT_MAX,
        applies=Applies.NOW,
    )
    connections_per_user: int = limit(
        20,
        "Connections of one user.",
        "twice ejabberd's 10 sessions: every browser tab is one",
        applies=Applies.NOW,
    )
    sessions_per_user: int = limit(
        50,
        "Sessions of one account, on all its devices; with one more, the one that was"
        " idle longest ends.",
        "half of the 100 refresh tokens that Google keeps of an account, where the"
        " oldest goes as well",
        applies=Applies.NOW,
    )
    rooms_per_user: int = limit(
        100,
        "Rooms that one user may have made, as long as they exist.",
        "ergo lets an account register 15 channels; a team makes one for each topic",
        applies=Applies.NOW,
    )
    memberships_per_user: int = limit(
        500,
        "Rooms that one user may be in; direct conversations do not count.",
        "five times ergo's 100 channels of a client; the welcome then has 50 KiB",
        applies=Applies.NOW,
    )
    creations_per_h: float = key(
        60.0,
        "Rooms and direct conversations per hour that a user may open in the long run."
        " 0: no limit.",
        "Synapse's one room a minute",
        min=0,
        max=COUNT_MAX,
        applies=Applies.NOW,
    )
    creations_burst: int = key(
        10,
        "Rooms and direct conversations that a user may open at once.",
        "a team that moves in",
        min=0,
        max=COUNT_MAX,
        applies=Applies.NOW,
    )
    guest_bytes_per_d: int = limit(
        2_097_152,
        "Bytes of messages per day that guests behind one IPv4 address or one IPv6 /64"
        " may store, each message counted with 150 bytes beside its text.",
        "10,000 messages of 60 characters: twenty guests who talk all day",
        applies=Applies.NOW,
    )
    outbox_soft_bytes: int = limit(
        262_144,
        "With more waiting for it, a connection is not read and its room events"
        " become a gap that it can fill later.",
        "one largest reply, so that a full page of history is not yet slowness",
        applies=Applies.CONNECT,
    )
    outbox_hard_bytes: int = limit(
        4_194_304,
        "With more waiting for it, a connection is ended as too slow.",
        "sixteen times the soft limit: only what may not be dropped gets there",
        applies=Applies.CONNECT,
    )
    buffered_bytes: int = key(
        268_435_456,
        "With more waiting for all connections together, to be read by them or for the"
        " rest of their messages, those who hold the most get gaps, then are ended."
        " 0: no limit.",
        "as much again as connections_max of them take when nothing waits; a thousand"
        " readers at the soft limit",
        min=0,
        max=2**40,
        applies=Applies.NOW,
    )
    write_timeout_s: float = key(
        60.0,
        "A connection that takes no byte of what waits for it for so long is ended."
        " 0: no limit.",
        "twice the 33 s in which a reader of 4 kB/s makes room in 128 KiB of its"
        " kernel's buffer, before which TCP tells nothing of it",
        min=0,
        max=DAY_S,
        applies=Applies.CONNECT,
    )
