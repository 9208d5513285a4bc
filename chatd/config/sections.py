"""The table of settings: every key, its default, and why that is the default.

The order here is the order of the example file.
"""

from __future__ import annotations

from typing import Literal

import attrs

from chatd.config.cluster import Cluster
from chatd.config.jwt import JwtIssuer
from chatd.config.key import DAY_S, Applies, key, limit
from chatd.config.limits import Limits
from chatd.config.permanent import PermanentRoom
from chatd.config.urls import Origin, PublicUrl, host_of, origin_of, path_of
from chatd.config.values import Address, FileMode, Network, TcpAddress
from chatd.ids import RoomName, UserName


@attrs.frozen(kw_only=True)
class Server:
    """Where the daemon listens, and whom it believes about where people come from."""

    listen: tuple[Address, ...] = key(
        (TcpAddress("127.0.0.1", 8765),),
        'Where to listen: "HOST:PORT", "[IPV6]:PORT", "unix:PATH", or "systemd" for'
        " the sockets that systemd hands over. Port 0 takes a free port.",
        "this machine only until someone decides otherwise, as mosquitto 2.0",
        min=1,
    )
    unix_mode: FileMode = key(  # noqa: RUF009 - a str, and attrs makes a field of it
        FileMode("0660"),
        "The permissions of Unix sockets that are made here, in octal: who may write"
        " to one may connect. Those of systemd have theirs from its unit.",
        "its owner and group, in which the proxy should be, and nobody else",
    )
    unix_group: str = key(
        "",
        "The group of Unix sockets that are made here, by name or number; this user has"
        ' to be in it. "": the one of this user.',
        "a proxy runs as another user",
        max=256,
    )
    tls_cert: str = key(
        "",
        "The file with the certificate and its chain, in PEM. With it every address"
        ' speaks TLS, but for Unix sockets. "" for none.',
        "a proxy in front is as good",
        max=4096,
        applies=Applies.CONNECT,
    )
    tls_key: str = key(
        "",
        "The file with the certificate's private key, in PEM, without a passphrase.",
        "given together with tls_cert",
        max=4096,
        applies=Applies.CONNECT,
    )
    public_url: PublicUrl = key(  # noqa: RUF009 - a str, and attrs makes a field of it
        PublicUrl(""),
        "The URL under which people reach this daemon, for links and for the Origin"
        " check. With a path, such as https://example.org/chat, all is found below it,"
        ' as /chat/ws, and without it as well. "" for none.',
        "only the operator can know it",
        applies=Applies.NOW,
    )
    allowed_origins: tuple[Origin, ...] = key(
        (),
        'Web pages of other sites that may connect, as "https://HOST[:PORT]", and'
        ' packaged apps and extensions, as "capacitor://localhost" or'
        ' "chrome-extension://ID". Pages of public_url may always; an address or'
        " localhost needs no entry.",
        "RFC 6455 section 10.2; compared exactly",
        applies=Applies.NOW,
    )
    trusted_proxies: tuple[Network, ...] = key(
        (),
        "Addresses or ranges of reverse proxies whose word is believed about where a"
        " connection comes from: X-Forwarded-For, or the PROXY protocol.",
        "a server that believes anyone's header lets clients choose their addresses",
        applies=Applies.NOW,
    )
    proxy_protocol: bool = key(
        default=False,
        doc="Whether every connection begins with a head of the PROXY protocol, version"
        " 1 or 2, as a proxy writes it that passes bytes on. Only trusted_proxies can"
        " connect then.",
        source="some proxies send it and others do not, so the operator has to say it",
        applies=Applies.CONNECT,
    )

    @property
    def public_origin(self) -> Origin | None:
        """The origin of pages under `public_url`, if there is one."""
        return origin_of(self.public_url)

    @property
    def public_host(self) -> str:
        """The host of `public_url`; empty for none."""
        return host_of(self.public_url)

    @property
    def public_path(self) -> str:
        """The path below which everything is found as well; `/` for none."""
        return path_of(self.public_url)


@attrs.frozen(kw_only=True)
class Store:
    """Where all that is durable is kept."""

    url: str = key(
        "",
        "Empty: a file of SQLite in `path`, which is right for nearly everybody. Or the"
        " database of a PostgreSQL that you run anyway:"
        ' "postgresql://chatd@db.example.org/chatd?sslmode=verify-full". Without a'
        " password: it stands in a file (passfile=/etc/chatd/pgpass) or in PGPASSWORD."
        " `path` then has only what is of this machine. It needs chatd[postgres].",
        "one process and one file need nothing else",
        max=4096,
    )

    path: str = key(
        "data",
        "The directory of the database, made if it is missing. A relative path"
        " starts where the daemon or the command was started, so a service needs a"
        ' whole one: "/var/lib/chatd".',
        "the first run needs no privilege and leaves everything in one place",
        min=1,
        max=4096,
    )
    stall_timeout_s: float = key(
        5.0,
        "How long a write may take before senders are told `unavailable` and systemd"
        " is no longer told that all is well.",
        "half of the 10 s in which a client gives up on an answer, protocol section 8",
        min=0.1,
        max=600,
        applies=Applies.NOW,
    )
    free_bytes_min: int = key(
        268_435_456,
        "With less free space where the data is, guests can add nothing to it; with"
        " less than half of it, nobody can. Reading goes on. 0: no limit.",
        "a day of 900 messages a minute at 210 bytes, to do something about it",
        min=0,
        max=2**50,
        applies=Applies.NOW,
    )


@attrs.frozen(kw_only=True)
class Auth:
    """Who may log in, and for how long sessions are remembered."""

    guests: bool = key(
        default=True,
        doc="Whether people without an account may come in, as NAME~xxxx.",
        source="the first run needs no account; it listens on this machine only",
        applies=Applies.NOW,
    )
    registration: Literal["closed", "invite", "open"] = key(
        "invite",
        "Who may make an account with `register`. closed: people with an invitation of"
        " the operator (`chatd invite`). invite: also those with one of an"
        " administrator, or of a moderator of one of the rooms.permanent. open:"
        " anybody.",
        "open registration is a decision, as for ejabberd's mod_register, which is off"
        " by default",
        applies=Applies.NOW,
    )
    guest_hold_s: float = key(
        900.0,
        "How long a guest who is gone can still resume his session.",
        "protocol section 2",
        min=0,
        max=30 * DAY_S,
        applies=Applies.NOW,
    )
    guest_ban_h: float = key(
        24.0,
        "How many hours a ban of a guest also keeps out other guests from that address"
        " (IPv6: from that /64); never longer than the ban itself. Accounts may log in."
        " 0: not at all.",
        "a new name costs a banned guest 10 ms; a day, after which many have another"
        " address",
        min=0,
        max=8760,
    )
    session_days: int = key(
        30,
        "How long an account's session lives without being used.",
        "protocol section 2",
        min=1,
        max=3650,
        applies=Applies.NOW,
    )
    login_timeout_s: float = key(
        30.0,
        "How long a connection may stay without a hello.",
        "protocol section 2",
        min=1,
        max=600,
        applies=Applies.CONNECT,
    )
    names: Literal["ascii", "unicode"] = key(
        "ascii",
        "The characters of names of people and rooms. ascii: a-z 0-9 . _ -. unicode:"
        " letters of any script, one script to a name, and none that looks like a"
        " name that is taken. Who has a name of the wider choice is locked out by the"
        " narrower one.",
        "protocol section 1; what everybody can type, as ergo's casemapping ascii",
    )
    reserved: tuple[UserName, ...] = key(
        (),
        "Names that nobody can choose, nor what looks like them, beside those that are"
        " reserved everywhere, such as admin, support and all. `chatd user add` can use"
        " them. They are names of people; for a new room only those of this list are"
        " refused, and not for an administrator.",
        "only the operator knows which names people here trust",
        applies=Applies.NOW,
    )
    jwt: tuple[JwtIssuer, ...] = key(
        (),
        "Outside issuers whose JSON Web Tokens log people in, so that a site's users"
        " need no second password: an [[auth.jwt]] for each, in place of this line."
        " A token has `iss`, `aud`, `sub`, `iat` and `exp`.",
        "none: an issuer can log in as anybody, administrators too",
        applies=Applies.NOW,
    )


@attrs.frozen(kw_only=True)
class Rooms:
    """Which rooms there are, and who makes new ones."""

    create: Literal["anyone", "users", "admins"] = key(
        "users",
        "Who creates a public room by joining it: anyone (guests too), users"
        " (accounts) or admins.",
        "protocol section 3",
        applies=Applies.NOW,
    )
    read_receipts: bool = key(
        default=False,
        doc="Whether members see how far others have read.",
        source="protocol section 5; what people have read is private until a team"
        " decides otherwise",
        applies=Applies.NOW,
    )
    permanent: tuple[PermanentRoom, ...] = key(
        (PermanentRoom(name=RoomName("lobby"), topic="Say hello"),),
        "Public rooms that are always there. New clients are shown them first, and"
        " joining one leaves no trace in its timeline. One that is taken out stays,"
        " with its last settings and without an owner.",
        "the first run needs a room to talk in",
        applies=Applies.NOW,
    )


@attrs.frozen(kw_only=True)
class History:
    """What is replayed, and what is kept so that sending again is safe."""

    replay_max: int = limit(
        1000,
        "The most events replayed to a client that comes back; with more missing it"
        " starts again from the newest page.",
        "protocol section 3; at 250 bytes an event, as much as one soft outbox",
        applies=Applies.NOW,
    )
    cid_keep_d: int = key(
        7,
        "For how many days a client's own id of a command is recognised, so that"
        " sending it again stores nothing.",
        "protocol section 4, which promises clients at least 7",
        min=7,
        max=3650,
    )


@attrs.frozen(kw_only=True)
class Presence:
    """How fast, and up to how many, people are seen to come and go."""

    grace_s: float = key(
        10.0,
        "How long someone whose connection broke still counts as online.",
        "a client's first three attempts to reconnect take up to 1 + 2 + 4 s,"
        " protocol section 8",
        min=0,
        max=3600,
        applies=Applies.NOW,
    )
    tick_s: float = key(
        1.0,
        "Changes of a room are gathered this long into one frame.",
        "protocol section 5; N people coming back cost N frames a tick, not N squared",
        min=0.05,
        max=60,
        applies=Applies.NOW,
    )
    names_max: int = key(
        100,
        "Above this many people online, a room is told only their number.",
        "protocol section 5; beyond it nobody reads the list, and it grows with the"
        " square of the room",
        min=0,
        max=10_000,
        applies=Applies.NOW,
    )


@attrs.frozen(kw_only=True)
class Heartbeat:
    """How a dead connection is found out."""

    interval_s: float = key(
        25.0,
        "After so long without a byte from a client it is sent a ping.",
        "Centrifugo's 25 s; below the 60 s after which nginx ends a silent connection",
        min=1,
        max=3600,
        applies=Applies.CONNECT,
    )
    timeout_s: float = key(
        10.0,
        "After so long without a byte since that ping the connection is ended.",
        "Centrifugo's 8 s, rounded up for slow phones; protocol section 8",
        min=1,
        max=600,
        applies=Applies.CONNECT,
    )


@attrs.frozen(kw_only=True)
class Log:
    """What the daemon tells its operator; never a message's text, never a secret."""

    level: Literal["debug", "info", "warning", "error"] = key(
        "info",
        "The least important line that is written.",
        "one line for a login and for the end of a connection, none for a message",
        applies=Applies.NOW,
    )
    format: Literal["auto", "console", "json", "journal"] = key(
        "auto",
        "console for people, json for programs (then everything is JSON), journal"
        " without the time but with priorities; auto is journal where the journal"
        " reads it, else console.",
        "sd-daemon(3), and that the journal has its own times",
        applies=Applies.NOW,
    )


@attrs.frozen(kw_only=True)
class Metrics:
    """Counters and gauges for Prometheus, apart from what users can reach."""

    listen: tuple[Address, ...] = key(
        (),
        'Where GET /metrics is answered: "HOST:PORT", "[IPV6]:PORT" or "unix:PATH".'
        " Nowhere when empty.",
        "off: numbers about people are for the operator alone",
    )


@attrs.frozen(kw_only=True)
class Config:
    """All settings of one daemon."""

    server: Server = Server()
    store: Store = Store()
    cluster: Cluster = Cluster()
    auth: Auth = Auth()
    rooms: Rooms = Rooms()
    history: History = History()
    presence: Presence = Presence()
    heartbeat: Heartbeat = Heartbeat()
    limits: Limits = Limits()
    log: Log = Log()
    metrics: Metrics = Metrics()
