"""Values out of bounds, values that contradict each other, and surprises."""

from __future__ import annotations

import math

import attrs
import pytest

from chatd.config import (
    Auth,
    Cluster,
    Config,
    Heartbeat,
    JwtIssuer,
    Limits,
    Metrics,
    PermanentRoom,
    PublicUrl,
    Rooms,
    Server,
    Store,
    SystemdSockets,
    TcpAddress,
    UnixAddress,
    conflicts,
    notices,
    out_of_bounds,
    parse_file_mode,
    parse_network,
    parse_origin,
)
from chatd.ids import RoomName

UNLIMITED = Limits(**dict.fromkeys(attrs.fields_dict(Limits), 0))
PUBLIC = TcpAddress("192.0.2.1", 8765)


def found(config: Config) -> dict[tuple[str | int, ...], str]:
    """The conflicts of a config, by their place."""
    return dict(conflicts(config))


@pytest.mark.parametrize(
    ("section", "name", "value", "reason"),
    [
        (Heartbeat, "interval_s", 0.5, "must be at least 1, is 0.5"),
        (Heartbeat, "interval_s", 3601.0, "must be at most 3600, is 3601"),
        (Heartbeat, "interval_s", math.inf, "must be a finite number, is inf"),
        (Heartbeat, "interval_s", math.nan, "must be a finite number, is nan"),
        (Limits, "text_chars", 10**400, "must be at most 2147483647"),
        (Limits, "text_chars", -(10**400), "must be at least 0, is beyond 15 digits"),
        (Server, "listen", (), "must not be empty"),
        (Store, "path", "", "must not be empty"),
        (Store, "path", "x" * 4097, "must be at most 4096 characters, is 4097"),
    ],
)
def test_out_of_bounds(section: type, name: str, value: object, reason: str) -> None:
    """The sentence names the bound and the value, however long that is."""
    field = attrs.fields_dict(section)[name]
    assert (out_of_bounds(field, value) or "").startswith(reason)


def test_within_bounds() -> None:
    """Bounds are inclusive, and what has no size has no bounds."""
    fields = attrs.fields_dict(Heartbeat)
    assert out_of_bounds(fields["interval_s"], 1.0) is None
    assert out_of_bounds(fields["interval_s"], 3600.0) is None
    assert out_of_bounds(attrs.fields_dict(Auth)["guests"], value=True) is None


def test_the_soft_limit_is_below_the_hard_one() -> None:
    """A connection degrades before it ends."""
    limits = Limits(outbox_soft_bytes=500_000, outbox_hard_bytes=500_000)
    assert list(found(Config(limits=limits))) == [("limits", "outbox_soft_bytes")]


def test_a_reply_does_not_end_the_connection_that_asked_for_it() -> None:
    """The largest reply is below the hard limit of the outbox."""
    limits = Limits(outbox_soft_bytes=1000, outbox_hard_bytes=200_000)
    assert list(found(Config(limits=limits))) == [("limits", "reply_bytes")]


def test_every_message_that_is_allowed_fits_frame_and_reply() -> None:
    """Text that a client escapes takes 12 bytes a character, that of a reply 4."""
    small = Limits(text_chars=4000, frame_bytes=49_023, reply_bytes=17_023)
    assert list(found(Config(limits=small))) == [
        ("limits", "frame_bytes"),
        ("limits", "reply_bytes"),
    ]
    enough = Limits(text_chars=4000, frame_bytes=49_024, reply_bytes=17_024)
    assert found(Config(limits=enough)) == {}


def test_a_rate_needs_a_burst() -> None:
    """A bucket that holds nothing lets nothing through."""
    limits = Limits(
        messages_burst=0, connects_burst=0, requests_burst=0, creations_burst=0
    )
    assert list(found(Config(limits=limits))) == [
        ("limits", "messages_burst"),
        ("limits", "connects_burst"),
        ("limits", "requests_burst"),
        ("limits", "creations_burst"),
    ]


def test_no_limits_contradict_nothing() -> None:
    """0 is no limit, so it is below and above nothing."""
    assert found(Config(limits=UNLIMITED)) == {}
    assert found(Config(limits=attrs.evolve(Limits(), outbox_hard_bytes=0))) == {}
    assert found(Config(limits=attrs.evolve(Limits(), outbox_soft_bytes=0))) == {}


def test_an_address_is_listened_on_once() -> None:
    """A double is told at its second place, also across sections; port 0 has none."""
    one, free = UnixAddress("a"), TcpAddress("127.0.0.1", 0)
    config = Config(
        server=Server(listen=(one, free, free, one)), metrics=Metrics(listen=(one,))
    )
    assert list(found(config)) == [("server", "listen", 3), ("metrics", "listen", 0)]


def test_tls_needs_both_files() -> None:
    """The one that is missing is named."""
    assert list(found(Config(server=Server(tls_cert="c")))) == [("server", "tls_key")]
    assert list(found(Config(server=Server(tls_key="k")))) == [("server", "tls_cert")]
    assert found(Config(server=Server(tls_cert="c", tls_key="k"))) == {}


def test_a_proxys_head_needs_a_proxy_that_is_trusted() -> None:
    """Nobody else is heard then, so nobody could connect."""
    place = ("server", "proxy_protocol")
    assert list(found(Config(server=Server(proxy_protocol=True)))) == [place]
    trusted = (parse_network("127.0.0.1"),)
    server = Server(proxy_protocol=True, trusted_proxies=trusted)
    assert found(Config(server=server)) == {}


def test_metrics_take_no_sockets_of_systemd() -> None:
    """Which of systemd's sockets were for metrics, nobody could say."""
    config = Config(metrics=Metrics(listen=(SystemdSockets(),)))
    assert list(found(config)) == [("metrics", "listen", 0)]


def test_permanent_rooms() -> None:
    """A room is declared once, and its topic is one line."""
    rooms = (
        PermanentRoom(name=RoomName("a")),
        PermanentRoom(name=RoomName("a"), topic="two\nlines"),
    )
    assert list(found(Config(rooms=Rooms(permanent=rooms)))) == [
        ("rooms", "permanent", 1, "name"),
        ("rooms", "permanent", 1, "topic"),
    ]


def test_a_permanent_room_has_a_name_of_the_policy() -> None:
    """Other letters need the wider one."""
    rooms = Rooms(permanent=(PermanentRoom(name=RoomName("чай")),))
    assert found(Config(rooms=rooms)) == {
        ("rooms", "permanent", 0, "name"): '"чай" needs auth.names = "unicode"'
    }
    assert found(Config(rooms=rooms, auth=Auth(names="unicode"))) == {}


@pytest.mark.parametrize("path", ["~/chat", "a\0b"])
def test_paths_that_would_not_be_what_they_look_like(path: str) -> None:
    """No directory named `~` is made by mistake."""
    assert list(found(Config(store=Store(path=path)))) == [("store", "path")]


def test_an_open_door_is_pointed_out() -> None:
    """Guests on a public address, and browsers without a host name, are told."""
    config = Config(server=Server(listen=(TcpAddress("::1", 1), PUBLIC)))
    guests, browsers = notices(config)
    assert guests.startswith("auth.guests: anyone who reaches 192.0.2.1:8765 ")
    assert browsers.startswith("server.public_url: not set")


def test_a_public_address_that_was_meant_is_not_pointed_out() -> None:
    """Accounts only and a URL: nothing to say."""
    server = Server(listen=(PUBLIC,), public_url=PublicUrl("https://a.example"))
    assert list(notices(Config(server=server, auth=Auth(guests=False)))) == []


def test_a_proxy_that_is_not_trusted_is_pointed_out() -> None:
    """Behind a proxy nobody trusts, all share one address."""
    url = PublicUrl("https://a.example")
    (notice,) = notices(Config(server=Server(public_url=url)))
    assert notice.startswith("server.trusted_proxies: empty")
    trusted = (parse_network("127.0.0.1"),)
    server = Server(public_url=url, trusted_proxies=trusted)
    assert list(notices(Config(server=server))) == []
    by_itself = Server(public_url=url, tls_cert="c", tls_key="k")
    assert list(notices(Config(server=by_itself))) == []
    by_socket = Server(public_url=url, listen=(UnixAddress("a"),))
    assert list(notices(Config(server=by_socket))) == []


def test_a_room_that_cannot_be_made_is_pointed_out() -> None:
    """It may be there from before, so it is no mistake yet."""
    rooms = [PermanentRoom(name=RoomName(name)) for name in ("tea", "tea.")]
    (notice,) = notices(Config(rooms=Rooms(permanent=tuple(rooms))))
    assert notice.startswith("rooms.permanent[1].name: a new name does not end in")
    assert notice.endswith('so "tea." has to be there already')


@pytest.mark.parametrize("origin", ["null", "file://"])
def test_an_origin_that_is_anybodys_is_pointed_out(origin: str) -> None:
    """Any page can have it; that of an app is its own."""
    origins = (parse_origin("capacitor://localhost"), parse_origin(origin))
    (notice,) = notices(Config(server=Server(allowed_origins=origins)))
    assert notice.startswith(f'server.allowed_origins: "{origin}" is the origin of any')


def test_a_socket_that_everybody_may_write_to_is_pointed_out() -> None:
    """More so where its peers are believed; not where there is none."""
    mode, where = parse_file_mode("0666"), (UnixAddress("a"),)
    assert list(notices(Config(server=Server(unix_mode=mode)))) == []
    (notice,) = notices(Config(server=Server(unix_mode=mode, listen=where)))
    assert notice == 'server.unix_mode: "0666" lets every user of this machine connect'
    trusted = (parse_network("127.0.0.1"),)
    server = Server(unix_mode=mode, trusted_proxies=trusted)
    (notice,) = notices(Config(server=server, metrics=Metrics(listen=where)))
    assert notice.endswith(" connect, and say whom they speak for")
    closed = Server(unix_mode=parse_file_mode("0660"), listen=where)
    assert list(notices(Config(server=closed))) == []


def test_an_issuer_needs_its_keys_from_one_file() -> None:
    """From one in PEM or from a key set."""
    entry = JwtIssuer(issuer="x", audience="y", algorithm="EdDSA")
    entries = (
        entry,
        attrs.evolve(entry, key_file="a"),
        attrs.evolve(entry, jwks_file="b"),
        attrs.evolve(entry, key_file="a", jwks_file="b"),
    )
    reason = "needs key_file or jwks_file, and not both"
    assert found(Config(auth=Auth(jwt=entries))) == {
        ("auth", "jwt", 0): reason,
        ("auth", "jwt", 3): reason,
    }


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("", None),
        ("postgresql://chatd@db.example.org/chatd?sslmode=verify-full", None),
        ("postgresql://chatd@/chatd?host=/var/run/postgresql", None),
        ("mysql://db.example.org/chatd", "begin with"),
        ("postgresql://[::1/chatd", "is no URL"),
        ("postgresql://chatd:secret@db.example.org/chatd", "no password"),
        ("postgresql://db.example.org/chatd?user=x&password=secret", "no password"),
    ],
)
def test_a_database_is_named_without_its_password(url: str, reason: str | None) -> None:
    """What the settings have is shown to whoever asks for them."""
    said = found(Config(store=Store(url=url))).get(("store", "url"))
    assert (said is None) if reason is None else (said is not None and reason in said)
    assert "secret" not in (said or "")


@pytest.mark.parametrize(
    ("cluster", "store", "place", "reason"),
    [
        (Cluster(), Store(), "bus", None),
        (Cluster(bus="valkey://bus.example.org"), Store(), "bus", "needs store.url"),
        (
            Cluster(bus="valkey://:secret@bus.example.org"),
            Store(url="postgresql:///chatd"),
            "bus",
            "no password",
        ),
        (
            Cluster(bus="valkey://bus.example.org", name="a\nb"),
            Store(url="postgresql:///chatd"),
            "name",
            "one line",
        ),
        (
            Cluster(bus="valkey://bus.example.org", name="the first"),
            Store(url="postgresql:///chatd"),
            "bus",
            None,
        ),
    ],
)
def test_a_bus_is_between_daemons_that_share_a_store(
    cluster: Cluster, store: Store, place: str, reason: str | None
) -> None:
    """Without the store in common there is nothing to tell."""
    said = found(Config(cluster=cluster, store=store)).get(("cluster", place))
    assert (said is None) if reason is None else (said is not None and reason in said)
    assert "secret" not in (said or "")


@pytest.mark.parametrize(
    ("url", "is_noted"),
    [
        ("valkey://bus.example.org", True),
        ("redis://10.0.0.1:7000", True),
        ("valkeys://bus.example.org", False),
        ("valkey://localhost", False),
        ("redis://[::1]", False),
        ("unix:///run/valkey/valkey.sock", False),
        ("", False),
    ],
)
def test_a_bus_that_others_can_read_along_is_noted(url: str, is_noted: bool) -> None:
    """By what is between the machines; TLS or one machine has nobody there."""
    lines = [
        line
        for line in notices(Config(cluster=Cluster(bus=url)))
        if line.startswith("cluster.bus: ")
    ]
    assert len(lines) == is_noted
